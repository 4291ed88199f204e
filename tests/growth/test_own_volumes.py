"""Volumes as they come: through any quarter of the year, younger than the methods, with measures or tables missing. The page says so."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from catchment import params
from catchment.growth import bridges, exhibits, findings, initiatives, scenarios, staffing, volumes
from catchment.page import Report

ROOT = Path(__file__).parents[2]
MEASURES = ("cases", "medical_patients", "radiation_patients", "surgical_patients", "infusion_visits", "fractions", "surgeries")


def table(quarters=20, first="2021Q1", **changed):
    """Quarterly volumes of two tumor sites: cases 100 a quarter at first, growing; other measures in proportion."""
    moments = pd.period_range(first, periods=quarters, freq="Q")
    grown = 100 * 1.01 ** np.arange(quarters) * np.array([1.05, 1, 0.97, 0.98])[moments.quarter - 1]
    frames = [
        pd.DataFrame(
            {"year": moments.year, "quarter": moments.quarter, "site": site} | {f"{name}_n": np.round(part * grown) for name in MEASURES}
        )
        for site, part in (("Breast", 0.6), ("All other", 0.4))
    ]
    return pd.concat(frames, ignore_index=True).assign(**changed)


def seen(quarters=20, as_of=date(2025, 12, 31), **options):
    return volumes.continued(table(quarters, **options), as_of=as_of, years=10)


@pytest.fixture(scope="module")
def report():
    from catchment import data

    settings = params.load("northpoint")
    return Report(settings, data.Tables(settings))


@pytest.mark.parametrize(
    ("quarters", "as_of", "now", "through", "base", "part"),
    [
        (20, date(2025, 12, 31), 2025, "2025", 2025, []),
        # The page's date says December, the volumes end with a quarter of that year.
        (19, date(2025, 12, 31), 2024, "2025 Q3", 2025, [2025, 3]),
        (17, date(2025, 12, 31), 2024, "2025 Q1", 2025, [2025, 1]),
        # The page itself is of the second quarter: the plan begins in the year that goes on.
        (18, date(2025, 6, 30), 2024, "2025 Q2", 2024, [2025, 2]),
        (18, date(2025, 8, 15), 2024, "2025 Q2", 2024, [2025, 2]),
        # A quarter that is not over does not count as one, nor does it make its year whole.
        (20, date(2025, 11, 30), 2024, "2025 Q3", 2024, [2025, 3]),
        (21, date(2026, 3, 31), 2025, "2026 Q1", 2025, [2026, 1]),
    ],
)
def test_the_last_whole_year_is_today_and_the_year_that_goes_on_is_forecast(quarters, as_of, now, through, base, part):
    found = seen(quarters, as_of)
    assert (found.now, found.through, found.base, found.last) == (now, through, base, base + 10)
    assert found.part[["year", "observed_quarters_n"]].drop_duplicates().to_numpy().ravel().tolist() == part
    assert found.years["year"].max() == found.last and found.planned["year"].min() == base + 1
    assert found.past["year"].max() == now and set(found.past["quarters_n"]) == {4}
    cases = table(quarters).groupby(["year", "quarter"])["cases_n"].sum()
    assert found.recent["cases"] == cases[now].sum()
    if part:
        expected = found.part.set_index("measure").loc["cases"]
        quarterly = found.outlook.quarters.set_index(["series", "year", "quarter"])["volume_n"]
        rest = quarterly.loc[("cases", part[0])]
        assert expected["volume_n"] == pytest.approx(cases[part[0]].head(part[1]).sum() + rest.sum()) and len(rest) == 4 - part[1]
    sites = found.by_site.years
    assert sites.groupby("year")["volume_n"].sum()[found.last] == pytest.approx(
        found.years[found.years["measure"].eq("cases")].set_index("year")["volume_n"][found.last]
    )


def test_a_year_that_is_not_over_is_labeled_in_words_and_stands_beside_no_whole_year(report):
    found = seen(19)
    fans, years = exhibits.volumes_ahead(report, found), exhibits.volumes_by_year(report, found)
    assert fans.note == "2025 is not over: three quarters observed, the rest forecast."
    assert "observed to 2025 Q3 and forecast to 2035" in fans.subtitle
    assert fans.shown.loc[fans.shown["year"].eq(2025), "status"].unique().tolist() == ["forecast, 3 quarters observed"]
    assert years.headings["2025_n"] == "2025, in part forecast" and years.headings["2024_n"] == "2024"
    assert years.note.startswith("2025 is not over: three quarters observed")
    notice = " ".join(findings.missing(report.settings.growth, found, leaked_cases=3.0, referrals=True))
    assert "The year 2025 is not over in these data:** three quarters of it observed, to 2025 Q3, the rest forecast" in notice
    assert findings.missing(report.settings.growth, seen(20), leaked_cases=3.0, referrals=True) == []
    assert "2024, to 2030" in findings.unchanged(found).since or "2024's value" in findings.unchanged(found).text
    assert exhibits.sites(report, found).headings["before_cases_n"] == "Cases 2024"


def test_series_younger_than_the_methods_are_held_at_their_mean_and_say_so(report):
    found = seen(5, first="2024Q4")
    assert not found.young and set(found.held) == set(MEASURES)
    assert "Younger than the 8 quarters that the methods need, so held at their mean: " in exhibits.volumes_by_year(report, found).note
    assert exhibits.back_test(report, found).title == "No volume is on record for long enough to be back-tested"
    assert exhibits.volumes_ahead(report, found).title == "Not one of 6 volumes changes measurably by 2030"
    assert findings.young("St. Ann", seen(3, first="2025Q2")) == (
        "The volumes of St. Ann are on record from 2025 Q2 to 2025 Q4: no whole calendar year yet that a forecast could be set beside."
    )
    assert seen(3, first="2025Q2").young and seen(1, first="2025Q4", as_of=date(2025, 11, 1)).young
    assert "No quarter of the volumes" in findings.young("St. Ann", seen(1, first="2025Q4", as_of=date(2025, 11, 1)))


def test_a_measure_that_was_not_delivered_is_missing_and_not_zero(report):
    found = seen(infusion_visits_n=np.nan, surgical_patients_n=np.nan)
    assert set(found.unknown) == {"infusion_visits", "surgical_patients"} and not found.young
    row = exhibits.volumes_by_year(report, found).shown.set_index("measure").loc["Infusion visits"]
    assert row[["2025_n", "2030_n"]].isna().all() and row["2030_interval"] == "[x]"
    assert "Infusion visits" not in exhibits.volumes_ahead(report, found).shown["panel"].tolist()
    rules = report.settings.growth
    assert findings.unplanned(rules, found) == "**The plan can't be valued:** infusion visits of 2025 are not known."
    assert findings.unplanned(rules, seen(surgical_patients_n=np.nan)) == ""
    assert findings.unplanned(rules.model_copy(update={"initiatives": {}}), found) == findings.NO_PLAN
    assert "Not known for 2025: " in findings.missing(rules, found, leaked_cases=3.0, referrals=True)[0]
    use = initiatives.per_case(found.recent.reset_index())
    assert "infusion_visits" not in use and use["fractions"] > 0
    plan = initiatives.compiled(rules, found.planned, use, leaked_cases=50.0)
    row, none = scenarios.scenario_row(rules.scenarios[rules.plan]), scenarios.chosen(plan, ())
    needed = staffing.with_plan(rules, plan, row, none)
    assert "chair" not in needed["resource"].tolist() and np.isfinite(scenarios.evaluate(plan, row).npv).all()
    assert staffing.chair_waits(rules, {"Nothing changes": needed}).empty
    assert staffing.breach(rules, plan, scenarios.evaluate(plan, row))["resource"].unique().tolist() == ["linac"]
    assert bridges.volume_bridge(rules, plan, row, "infusion_visits", found.recent, {"population": 1.1}, now=2025).empty


def test_cases_that_leave_are_not_known_without_referrals(report):
    rules, use = report.settings.growth, initiatives.per_case(seen().recent.reset_index())
    unknown = initiatives.effects(rules, use, leaked_cases=float("nan"))
    assert np.isfinite(unknown).all(axis=None) and (unknown == initiatives.effects(rules, use)).all(axis=None)
    told = [findings.missing(rules, seen(), leaked_cases=float("nan"), referrals=referrals)[0] for referrals in (False, True)]
    assert told[0].startswith("**No referral is on record, so cases that leave the network are not known.** Nobody is counted as brought")
    assert told[1].startswith("**The clinicians behind the referrals are not on record")


def test_a_bridge_says_which_demand_it_knows(report):
    people = pd.DataFrame(
        [{"county_fips": county, "year": 2019, "sex": "female", "age_low": 65, "population_n": 1000.0} for county in ("17031", "55059")]
    )
    projection = pd.DataFrame(
        [
            {"projection_region": "A", "year": year, "sex": "female", "age_low": 65, "population_n": number}
            for year, number in ((2025, 100.0), (2050, 200.0))
        ]
    )
    regions = pd.DataFrame({"county_fips": ["17031"], "projection_region": ["A"]})
    homes = pd.Series({"17031": 30.0, "55059": 10.0})
    found, caveat = bridges.people(people, projection, regions, homes, years=(2024, 2035))
    assert sorted(found["year"].unique()) == [2025, 2035] and "those of 2025 to 2035, which the projection covers" in caveat
    assert "Population of 1 county is held at its latest count" in caveat
    assert bridges.people(people, projection, regions, homes[:1], years=(2025, 2035))[1] == ""
    for gone in ((people.head(0), projection, regions, homes), (people, projection, regions, homes[:0])):
        nobody, said = bridges.people(*gone, years=(2025, 2035))
        assert nobody.empty and said.startswith("Not split by driver: no patient flow")
    for gone in ((people, projection, regions, homes[1:]), (people, projection.head(0), regions, homes)):
        nobody, said = bridges.people(*gone, years=(2025, 2035))
        assert nobody.empty and said.startswith("Not split by driver: no population projection")
    rates = pd.DataFrame({"site": ["Breast"], "sex": "female", "age_low": 65, "rate_100k": [10.0]})
    assert bridges.demand_factors(nobody, rates, homes, rate_factors={}) == {}
    nothing = exhibits.bridge(report, pd.DataFrame({"driver": [], "value": [], "kind": []}), "cases", now=2025, last=2035, caveat=said)
    assert nothing.shown.empty and nothing.note == said


def test_a_case_is_worth_what_it_was_in_the_last_whole_year():
    rules = params.load("northpoint").growth
    whole, part = (initiatives.case_usd(rules, seen(quarters)) for quarters in (16, 19))
    assert whole == pytest.approx(part)
    for young in (seen(2, first="2025Q3"), volumes.continued(table().head(0), as_of=date(2025, 12, 31), years=10)):
        assert np.isnan(initiatives.case_usd(rules, young)) and young.young and young.now == 2025


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Text of the growth page of each demo partner, its volumes or tables cut as the tests below say."""
    root = tmp_path_factory.mktemp("own_volumes")
    for folder in ("data", "params"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "notebooks").symlink_to(ROOT / "notebooks")
    kept = {"dunes": lambda rows: (rows["year"] < 2025) | (rows["quarter"] <= 3), "northpoint": lambda rows: rows["year"] < 2025,
            "tallgrass": lambda rows: (rows["year"] < 2025) | (rows["quarter"] <= 1), "riverbend": lambda rows: rows["quarter"].eq(4) & rows["year"].eq(2025)}  # fmt: skip
    for partner, keep in kept.items():
        path = root / f"data/demo/volumes/volumes_{partner}.csv"
        rows = pd.read_csv(path)
        rows[keep(rows)].to_csv(path, index=False)
    for path in (root / "data/demo/referrals").glob("clinicians_northpoint*"):
        path.unlink()
    ccn = params.load("tallgrass").ccn
    for path in (root / "data/demo/hsaf").glob("*.csv.gz"):
        rows = pd.read_csv(path, dtype=str)
        rows[rows.iloc[:, 0] != ccn].to_csv(path, index=False)
    command = [
        sys.executable,
        "-m",
        "catchment.cli",
        "run",
        "--notebook",
        "03_growth_scenarios",
        "--json",
        "--reports",
        str(root / "reports"),
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(root)}, check=False)
    record = json.loads(done.stdout.splitlines()[-1])
    assert not record["failed"], record["failed"]
    pages = {partner: (root / f"reports/{partner}/03_growth_scenarios.html").read_text() for partner in kept}
    return {partner: re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.S)) for partner, page in pages.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("partner", "sentence"),
    [
        ("dunes", "The year 2025 is not over in these data: three quarters of it observed, to 2025 Q3"),
        ("dunes", "observed to 2025 Q3 and forecast to 2035"),
        ("tallgrass", "one quarter of it observed, to 2025 Q1"),
        ("tallgrass", "Not split by driver: no patient flow of this hospital is on record"),
        ("northpoint", "Volumes a year, Northpoint Medical Center, observed to 2024 and forecast to 2035"),
        ("northpoint", "The clinicians behind the referrals are not on record"),
        ("riverbend", "are on record for 2025 Q4 alone: no whole calendar year yet"),
    ],
)
def test_the_page_is_built_in_every_quarter_and_says_what_is_missing(told, partner, sentence):
    assert sentence in told[partner].replace("\xa0", " ")
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", told[partner])
