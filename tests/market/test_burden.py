"""Observed against expected by county: reference is one, periods, funnel signals, outcomes."""

import numpy as np
import pandas as pd
import pytest

from catchment.market import burden


def listing(first=2017, last=2021, source="State Cancer Profiles", **rates):
    return pd.DataFrame(
        {
            "county_fips": list(rates),
            "site": "All sites",
            "sex": "both",
            "year_first": first,
            "year_last": last,
            "rate_100k": list(rates.values()),
            "cases_n_year": [None if r is None else r / 100 for r in rates.values()],
            "source": source,
        }
    ).astype({"rate_100k": float, "cases_n_year": float})


PEOPLE = pd.DataFrame(
    [
        (c, 2019, sex, age, n)
        for c, scale in (("a", 1), ("b", 1), ("c", 40))
        for sex in ("female", "male")
        for age, n in ((0, 500 * scale), (65, 100 * scale))
    ],
    columns=["county_fips", "year", "sex", "age_low", "population_n"],
)
RATES = pd.DataFrame(
    [(sex, age, r) for sex in ("female", "male") for age, r in ((0, 100.0), (65, 2000.0))], columns=["sex", "age_low", "rate_100k"]
)


def test_a_county_at_reference_rates_has_a_ratio_of_one():
    expected = 2 * (500 * 100 + 100 * 2000) / 1e5  # a year
    rows = listing(a=400.0, c=400.0).assign(cases_n_year=[expected, 40 * expected])
    found = burden.standardized(rows, PEOPLE, RATES, reference_100k=400, base_100k=400).set_index("county_fips")
    assert found["sir"].tolist() == pytest.approx([1, 1]) and (found["signal"] == "as expected").all()
    assert (found["basis"] == "indirect standardization").all()
    assert found.loc["c", "funnel_high"] < found.loc["a", "funnel_high"]


def test_rates_are_carried_to_the_period_by_the_national_ratio():
    rows = listing(c=440.0).assign(cases_n_year=[200.0])
    one, two = (
        burden.standardized(rows, PEOPLE, RATES, reference_100k=reference, base_100k=400)["expected_n"].item() for reference in (400, 440)
    )
    assert two == pytest.approx(1.1 * one)


def test_without_people_of_the_period_the_rate_ratio_stands_in_and_says_so():
    rows = listing(first=2010, last=2014, a=480.0, b=360.0).assign(cases_n_year=[48.0, 36.0])
    found = burden.standardized(rows, PEOPLE, RATES, reference_100k=400, base_100k=400)
    assert found["sir"].tolist() == pytest.approx([1.2, 0.9]) and (found["basis"] == "ratio of age-adjusted rates").all()
    assert found["rate_eb_100k"].isna().all()


def test_signals_need_evidence_and_smoothing_pulls_small_counties_in():
    expected = 2 * (500 * 100 + 100 * 2000) / 1e5
    rows = listing(a=500.0, c=500.0).assign(cases_n_year=[1.25 * expected, 1.25 * 40 * expected])
    found = burden.standardized(rows, PEOPLE, RATES, reference_100k=400, base_100k=400).set_index("county_fips")
    assert found.loc["c", "signal"] == "high (99.8 %)" and found.loc["a", "signal"] == "as expected"


def test_unpublished_counties_are_left_out_not_zero():
    found = burden.standardized(listing(a=400.0, b=None, c=410.0), PEOPLE, RATES, reference_100k=400, base_100k=400)
    assert found["county_fips"].tolist() == ["a", "c"]


def test_the_period_is_the_latest_in_which_our_counties_are_published():
    both = pd.concat(
        [
            listing(a=1.0, b=None, c=1.0),
            listing(first=2010, last=2014, a=1.0, b=1.0, c=1.0),
            listing(first=2013, last=2017, source="NCI Cancer Atlas", a=1.0, b=1.0, c=None),
        ]
    )
    assert burden.latest_period(both, ["a"])["year_first"].unique().tolist() == [2017]
    assert burden.latest_period(both, ["a", "b"])["year_first"].unique().tolist() == [2010]  # the atlas lists high rates only


def test_mortality_to_incidence_keeps_rows_with_both():
    deaths = pd.DataFrame({"county_fips": ["a", "b"], "rate_100k": [100.0, np.nan]})
    found = burden.mortality_to_incidence(
        deaths, pd.DataFrame({"county_fips": ["a", "b"], "rate_100k": [400.0, 380.0]}), by=["county_fips"]
    )
    assert found["mir"].tolist() == [0.25]


def test_late_stage_applies_national_rates_to_our_people():
    stages = pd.DataFrame(
        [("Lung", "female", 65, stage, n, 1e6) for stage, n in (("I", 100), ("III", 150), ("IV", 250), ("unknown", 90))],
        columns=["site", "sex", "age_low", "stage", "cases_n", "person_years"],
    )
    found = burden.late_stage(stages, pd.DataFrame({"sex": ["female"], "age_low": [65], "population_n": [10_000.0]})).iloc[0]
    assert found["late_n"] == pytest.approx(4.0) and found["late_share"] == pytest.approx(0.8)


def test_without_any_published_rate_nothing_is_judged_and_nothing_fails():
    empty = pd.DataFrame({"county_fips": ["00000"], "site": ["All sites"], "year_first": [2017], "year_last": [2021], "source": ["x"]})
    empty = empty.assign(sex="both", rate_100k=450.0, cases_n_year=1e6)
    found = burden.judge({"incidence": empty, "incidence_by_age": pd.DataFrame()}, pd.DataFrame(), ["17031"])
    assert found.table.empty and found.curve.empty and found.period == "no period published"
    assert {"sir", "smoothed", "signal", "funnel_outer_high"} <= set(found.table.columns)


def rates(site, first, last, published, *, source="A", sex="both"):
    """A rate of 100 in each of the counties a, b, c that is published."""
    known = [100.0 if county in published else np.nan for county in "abc"]
    rows = pd.DataFrame({"county_fips": list("abc"), "site": site, "sex": sex, "source": source, "rate_100k": known})
    return rows.assign(year_first=first, year_last=last, cases_n_year=50.0)


def test_cases_come_from_the_years_that_fit_the_deaths_and_the_words_from_the_data():
    deaths = pd.concat([rates("Lung", 2014, 2018, "ab"), rates("Lung", 2009, 2013, "abc"), rates("Colon", 2014, 2018, "abc")])
    cases = pd.concat(
        [
            rates("Lung", 2009, 2013, "abc"),
            rates("Lung", 2013, 2017, "ab", source="B"),
            rates("Lung", 2016, 2020, "abc"),
            rates("Colon", 2016, 2020, "abc"),
        ]
    )
    stages = pd.DataFrame(
        {"site": "Lung", "sex": "female", "age_low": [40, 80], "age_high": [44, 84], "stage": "IV", "cases_n": 10, "person_years": 1e6}
    ).assign(year_first=2006, year_last=2015)
    people = pd.DataFrame({"sex": "female", "age_low": [40, 80], "population_n": 1000.0})
    found = burden.outcomes(deaths, cases, stages, people, ["a", "b", "c"])
    assert found.table.set_index("site")["counties"].to_dict() == {"Lung": 2, "Colon": 3}
    assert (found.deaths, found.ages, found.staged) == ("2014-18", "40-84", "2006-15")
    assert found.cases in ("2013-17 (Colon 2016-20)", "2016-20 (Lung 2013-17)")
    later = burden.outcomes(
        deaths.assign(year_first=deaths["year_first"] + 4, year_last=deaths["year_last"] + 4),
        cases.assign(year_first=cases["year_first"] + 4, year_last=cases["year_last"] + 4),
        stages, people, ["a", "b", "c"],
    )  # fmt: skip
    assert later.deaths == "2018-22" and "2017-21" in later.cases, "another vintage neither empties the table nor keeps the words"


def test_without_deaths_only_the_stage_is_there():
    stages = pd.DataFrame({"site": "Breast", "sex": "female", "age_low": [40], "age_high": [84], "stage": "IV", "cases_n": 10})
    stages = stages.assign(person_years=1e6, year_first=2006, year_last=2015)
    people = pd.DataFrame({"sex": "female", "age_low": [40], "population_n": [1000.0]})
    found = burden.outcomes(rates("Breast", 2014, 2018, "").head(0), rates("Breast", 2013, 2017, "a"), stages, people, ["a"])
    assert (found.deaths, found.cases, found.staged) == ("", "", "2006-15")
    assert found.table["site"].tolist() == ["Breast"] and found.table["deaths_100k"].isna().all()
