"""What the growth page says: its sentences, tables and levers, and on the demo's pages the truth that was planted."""

import html
import re
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from catchment import data, params
from catchment.growth import exhibits, findings, initiatives, priorities, scenarios, volumes
from catchment.growth.exhibits.risk import setting
from catchment.page import FalseClaim, Report, plots
from catchment.page.blocks import Block
from catchment.page.levers import Levers, watched
from catchment.stats import uncertainty

USE = pd.Series(
    {
        "cases": 1.0,
        "medical_patients": 0.45,
        "radiation_patients": 0.33,
        "surgical_patients": 0.5,
        "infusion_visits": 7.7,
        "fractions": 6.7,
        "surgeries": 0.57,
    }
)


@pytest.fixture(scope="module")
def report():
    """A page in the making, as its notebook has it."""
    settings = params.load("northpoint")
    return Report(settings, data.Tables(settings))


def seen(**measures):
    """Volumes that stand at a value in 2025, with the forecast of 2026 to 2035: value and 80 % limits."""
    each = list(measures.items())
    past = pd.DataFrame([{"measure": name, "year": 2025, "volume_n": float(now)} for name, (now, *_) in each])
    rows = [
        {"measure": name, "year": year, "volume_n": value, "volume_n_low_80": low, "volume_n_high_80": high}
        for name, (_, value, low, high) in each
        for year in range(2026, 2036)
    ]
    years = pd.DataFrame(rows).assign(volume_n_low_95=0.0, volume_n_high_95=1e6, method="ETS(A,N,A)", parameters="")
    found = volumes.Volumes(pd.DataFrame(), date(2025, 12, 31), 10)
    years["observed_quarters_n"] = 0
    found.__dict__.update(
        past=past,
        years=years,
        span=pd.period_range("2021Q1", "2025Q4", freq="Q"),
        quarterly=pd.DataFrame(columns=["note"]),
        outlook=SimpleNamespace(cleaned=pd.DataFrame(columns=["note"])),
    )
    return found


def test_a_change_counts_only_when_the_interval_leaves_out_today():
    told = findings.unchanged(
        seen(infusion_visits=(100, 130, 110, 150), fractions=(100, 90, 70, 110), surgeries=(100, 80, 70, 95)),
    )
    assert "infusion visits grow from 100 to 130 a year by 2030" in told.text and "cancer operations fall" in told.text
    assert "fractions" not in told.text and told.exhibit == "volumes-ahead"
    assert "no volume moves measurably by 2030" in findings.unchanged(seen(fractions=(100, 90, 70, 110))).text


@pytest.mark.parametrize(
    ("measures", "title"),
    [
        (
            {"surgeries": (100, 130, 110, 150), "fractions": (100, 80, 60, 120), "cases": (9, 30, 20, 40)},
            "Of 2 volumes, 1 grows measurably by 2030",
        ),
        ({"fractions": (100, 80, 60, 120)}, "Not one of 1 volumes changes measurably by 2030"),
        (
            {"infusion_visits": (100, 130, 110, 150), "surgeries": (100, 130, 110, 150), "fractions": (100, 80, 60, 90)},
            "Of 3 volumes, 2 grow and 1 falls measurably by 2030",
        ),
    ],
)
def test_the_volumes_that_move_are_counted_from_what_is_shown(report, measures, title):
    made = exhibits.volumes_ahead(report, seen(**measures))
    assert made.title == title
    known, coming = exhibits.apart(made.shown)
    assert len(known) + len(coming) == len(made.shown) and known["year"].max() < coming["year"].min()


def test_a_title_with_another_number_is_refused(report):
    made = exhibits.volumes_ahead(report, seen(fractions=(100, 80, 60, 90), surgeries=(100, 100, 90, 110)))
    assert made.title == "Of 2 volumes, 1 falls measurably by 2030"
    for wrong in ("Of 3 volumes, 1 falls measurably by 2030", "Of 2 volumes, 2 fall measurably by 2030"):
        with pytest.raises(FalseClaim):
            replace(made, title=wrong)
    # The same words over rows that say otherwise.
    moved = made.shown.assign(volume_n_high_80=1e3)
    moved.attrs = made.shown.attrs
    with pytest.raises(FalseClaim, match="the rows shown say otherwise"):
        replace(made, shown=moved)


def test_the_outlook_says_what_separate_forecasts_imply_per_patient(report):
    nothing = (0, 0, 0, 0)
    every = dict.fromkeys(USE.index, nothing) | {
        "fractions": (4000, 2000, 1, 3000), "radiation_patients": (200, 250, 1, 300), "infusion_visits": (900, 900, 1, 999),
    }  # fmt: skip
    made = exhibits.volumes_by_year(report, seen(**every))
    assert "fractions per radiation patient 20.0 in 2025, 8.0 in 2030 and 8.0 in 2035" in made.note and "infusion" not in made.note
    row = made.shown.set_index("measure").loc["Radiation fractions"]
    assert (row["2025_n"], row["2026_n"], row["2035_interval"]) == (4000, 2000, "1 to 3,000") and made.headings["2030_n"] == "2030"


def test_the_back_test_pools_its_coverage_and_names_the_parameters(report):
    scored = pd.DataFrame(
        {
            "series": ["cases", "cases", "fractions"],
            "method": ["ETS(A,N,A)", "seasonal naive", "seasonal naive"],
            "chosen": [True, False, True],
            "mase": [0.8, 1.1, 1.0],
            "smape_share": 0.1,
            "rmse": 3.0,
            "coverage_80_share": [1.0, 0.5, 0.6],
            "coverage_95_share": [1.0, 0.5, 0.8],
            "forecasts": [30, 30, 10],
        }
    )
    found = SimpleNamespace(
        outlook=SimpleNamespace(scored=scored),
        years=pd.DataFrame({"measure": ["cases", "fractions"], "parameters": ["alpha 0.2, gamma 0.05", ""]}),
    )
    made = exhibits.back_test(report, found)
    assert made.title == "1 of 2 forecasts beat repeating last year's quarter; the rest repeat it: back-test of the chosen methods"
    assert "80 % intervals held 90 % and the 95 % ones 95 % of 40 values" in made.note
    assert made.note.endswith("Fitted: analytic cases alpha 0.2, gamma 0.05.")


def needed(**years):
    """Use of chairs by year: past the limit from the year given on."""
    return pd.DataFrame(
        [
            {
                "resource": "chair",
                "title": "Infusion chairs",
                "year": year,
                "utilization_share": 0.9 if hit and year >= hit else 0.5,
                "limit_share": 0.8,
                "volume_n": 100.0,
                "available": 4.0,
            }
            for year in range(2026, 2036)
            for hit in years.values()
        ]
    )


def test_the_rooms_title_tells_the_plan_from_no_plan(report):
    def title(now, then):
        return exhibits.rooms(report, needed(hit=now), needed(hit=then)).title

    assert title(None, None) == "No machine or chair reaches its planning limit by 2035"
    assert title(None, 2028) == "With the plan, infusion chairs pass their limit in 2028; without it none does by 2035"
    assert title(2027, 2030) == "Limits are passed: infusion chairs in 2027 (2030 with the plan)"
    assert title(2027, None) == "Limits are passed: infusion chairs in 2027 (not by 2035 with the plan)"
    none = needed(hit=None).assign(available=0.0)
    assert exhibits.rooms(report, none, none).title == "No machine or chair is at the partner"


def test_waits_are_said_as_a_director_would(report):
    def title(*planned):
        frames = [
            pd.DataFrame({"line": line, "year": range(2026, 2026 + len(minutes)), "wait_min": minutes})
            for line, minutes in (("Nothing changes", [10.0] * len(planned)), ("With the plan", planned))
        ]
        return exhibits.waits(report, pd.concat(frames, ignore_index=True)).title

    assert title(10.0, 12.0) == "Waits for a chair stay near 10 minutes"
    assert title(10.0, 40.0) == "Waits for a chair stay near 10 minutes; with the plan they reach 40 by 2027"
    assert title(10.0, np.nan) == "Waits for a chair stay near 10 minutes; with the plan there are too few chairs from 2027"


def test_the_site_that_gains_most_is_one_that_is_shown(report):
    found = seen(cases=(120, 150, 100, 200))
    quarterly = pd.DataFrame({"series": ["All other", "Breast", "Thyroid"], "year": 2025, "volume_n": [50.0, 60.0, 4.0]})
    years = pd.DataFrame(
        [
            {"series": site, "year": year, "volume_n": value}
            for site, value in (("All other", 70.0), ("Breast", 65.0), ("Thyroid", 40.0))
            for year in (2030, 2035)
        ]
    )
    found.__dict__["by_site"] = SimpleNamespace(
        cleaned=quarterly.assign(quarter=4, used_n=quarterly["volume_n"], note=""),
        years=years,
        scored=pd.DataFrame(columns=["chosen", "mase"]).astype({"chosen": bool}),
    )
    made = exhibits.sites(report, found)
    assert made.shown.set_index("site").loc["Thyroid"].isna().any()
    assert made.title == "Breast gains most by 2030: 5 cases a year"


def test_the_cash_fan_says_by_when_half_have_paid_back(report):
    def title(*median):
        fan = pd.DataFrame({"year": range(2025, 2025 + len(median)), "total_usd": median})
        return exhibits.cash(report, fan.assign(**{f"total_usd_{end}_80": fan["total_usd"] for end in ("low", "high")})).title

    assert title(0, -5.0, 2.0, -1.0, 3.0) == "Half the draws have paid back by 2029"
    assert title(0, -5.0, -2.0) == "Fewer than half the draws have paid back by 2027"
    assert title(0, 1.0, 2.0) == "The middle of the draws never goes into the red"


def test_the_largest_step_of_a_bridge_is_said_with_its_sign(report):
    steps = pd.DataFrame(
        {"driver": ["start", "aging", "site of care", "end"], "value": [100.0, 8.0, -20.0, 88.0], "kind": ["start", "step", "step", "end"]}
    )
    made = exhibits.bridge(report, steps, "infusion_visits", now=2025, last=2035)
    assert made.title == "Largest step to 2035: site of care, −20 infusion visits" and made.key == "drivers-of-infusion-visits"
    assert made.shown["driver"].tolist() == ["2025", "Aging", "Site of care", "2035"]


def test_two_drivers_crossed_count_what_loses_money(report):
    def title(*npv):
        ends = [0.0] * len(npv), [float(place) for place in range(len(npv))]
        table = pd.DataFrame({"price": ends[0], "delay": ends[1], "outcome": npv})
        return exhibits.crossed(report, table).title

    assert "positive in all 25 combinations" in title(*[1.0] * 25)
    assert "negative in 3 of 25 combinations" in title(*[-1.0] * 3, *[1.0] * 22)


def limits(**rows):
    return pd.DataFrame(
        [
            {
                "resource": name,
                "title": title,
                "utilization_share": 0.7,
                "limit_share": 0.8,
                "need_last": 5.0,
                "available_last": there,
                "year_hit": hit,
                "year_over": over,
            }
            for name, (title, there, hit, over) in rows.items()
        ]
    )


def test_the_limit_is_said_with_its_year_and_a_resource_that_is_not_there_is_left_out():
    now = limits(
        chair=("Infusion chairs", 4, 2027, 2031),
        linac=("Linear accelerators", 0, pd.NA, pd.NA),
        navigator=("Navigators (FTE)", 2, 2026, 2026),
    )
    text = findings.limit(now, now, last=2035).text
    assert (
        "Infusion chairs pass their planning limit (80 % in use) in 2027 and 100 % in 2031" in text
        and "navigators (2026)" in text
        and "inear" not in text
    )
    still = limits(chair=("Infusion chairs", 4, pd.NA, pd.NA))
    assert (
        "the plan itself would fill the infusion chairs by 2028"
        in findings.limit(still, limits(chair=("Infusion chairs", 4, 2028, pd.NA)), last=2035).text
    )


def test_what_loses_money_is_named_only_when_leaving_it_out_helps():
    table = pd.DataFrame({"scenario": ["base", "stress"], "title": ["Base", "Stress"], "npv_usd": [2e6, -3e6]})
    text = findings.worth(table, {"positive_share": 0.6}, plan="base", expected=1e6, better=3e6, without=["Clinic"], years=12).text
    assert "12-year NPV" in text
    assert "is worth $2.0\xa0M in the base scenario and $1.0\xa0M weighed over all scenarios" in text.replace(" M", "\xa0M")
    assert "is worth $2.0" in text and "leaving out “Clinic” makes it $3.0" in text and "positive in 60 %" in text
    assert "leaving out" not in findings.worth(table, {"positive_share": 0.6}, plan="base", expected=1e6, better=2e6, without=[]).text


def pro_forma(*plain):
    total = pd.Series(plain, dtype=float)
    years = pd.array([pd.NA, *range(2026, 2025 + len(plain))], dtype="Int64")
    return pd.DataFrame({"t": range(len(plain)), "year": years, "total_usd": total, "discounted_total_usd": total - 1})


def test_payback_titles(report):
    def title(*plain):
        return exhibits.running_total(report, pro_forma(*plain)).title

    assert title(-10, -8, -5) == "The plan doesn't pay back within the horizon"
    assert title(-10, -4, 0.5) == "The plan pays back in 1.9 years, but not once discounted"
    assert title(-10, -4, 6) == "The plan pays back in 1.4 years, 1.5 discounted"


def test_several_sign_changes_show_no_single_rate(report):
    scenario = pd.Series({"title": "Base", "sign_changes": 2, "irr_share": np.nan, "mirr_share": 0.05})
    table = pro_forma(-1, 2).assign(
        **dict.fromkeys(["service_margin_usd", "drug_margin_usd", "running_usd", "one_off_usd", "capital_usd", "net_usd"], 0.0)
    )
    note = exhibits.statement(report, table, scenario, {"xnpv_usd": 1e6, "xirr_share": np.nan}).note
    assert "changes sign 2 times" in note and "MIRR 5.0" in note and "XNPV" in note


def test_settings_are_said_in_words_of_the_trade():
    drivers = params.load("dunes").growth.drivers
    assert setting(0.77, drivers["volume"]).replace("\xa0", " ") == "77 % of plan"
    assert setting(3.0, drivers["delay"]).replace("\xa0", " ") == "3.0 months"


def test_a_statement_adds_across_to_its_net_cash(report):
    rules = report.settings.growth
    rows = [
        {"measure": name, "year": 2026 + year, "volume_n": 1650 * share, "volume_n_low_80": 1500 * share, "volume_n_high_80": 1800 * share}
        for name, share in USE.items()
        for year in range(10)
    ]
    plan = initiatives.compiled(rules, pd.DataFrame(rows), USE, leaked_cases=200.0)
    row = scenarios.scenario_row(rules.scenarios["base"])
    exact = scenarios.dated(rules, plan, row)
    base = scenarios.comparison(rules, plan).set_index("scenario").loc["base"]
    table = exhibits.statement(report, scenarios.pro_forma(plan, row), base, exact).shown
    parts = ["service_margin_usd", "drug_margin_usd", "running_usd", "one_off_usd", "capital_usd"]
    assert table[parts].sum(axis=1).to_numpy() == pytest.approx(table["net_usd"].to_numpy())
    # Capital on its start day instead of at the year's start: worth a little more, at most one year's interest on it.
    capital = -table["capital_usd"].sum()
    assert 0 < exact["xnpv_usd"] - table["discounted_total_usd"].iloc[-1] < plan.rate * capital


def test_margins_total_and_per_case(report):
    earned = pd.DataFrame(
        {
            "measure": ["surgeries", "fractions"],
            "volume_n": [10.0, 100.0],
            "revenue_usd": [1000.0, 3000.0],
            "service_margin_usd": [400.0, 1600.0],
            "drug_margin_usd": [0.0, 0.0],
            "contribution_usd": [400.0, 1600.0],
        }
    )
    table = exhibits.margins(report, earned, seen(cases=(20, 20, 10, 30))).shown.set_index("title")
    assert table.loc["All", "contribution_usd"] == 2000 and table.loc["Per analytic case", "contribution_usd"] == 100
    assert table.loc["All", "contribution_share"] == pytest.approx(0.5)


def test_the_roadmap_counts_what_is_late(report):
    road = priorities.roadmap(report.settings.growth, as_of="2025-12-31")
    made, late = exhibits.roadmap(report, road), int(road["late"].sum())
    assert late > 1 and f"; {late} assessments should have begun already" in made.title
    with pytest.raises(FalseClaim):
        replace(made, title=made.title.replace(f"{late} assessments", f"{late + 1} assessments"))
    assert "should have begun" not in exhibits.roadmap(report, priorities.roadmap(report.settings.growth, as_of="2020-12-31")).title


def test_small_fans_and_histogram_and_roadmap_are_drawn():
    known = pd.DataFrame({"panel": ["A", "A", "B", "B"], "year": [2024, 2025] * 2, "volume_n": [10.0, 12, 5, 6]})
    coming = pd.DataFrame(
        {
            "panel": ["A", "B"],
            "year": 2026,
            "volume_n": [13.0, 6],
            "volume_n_low_80": [11.0, 5],
            "volume_n_high_80": [15.0, 7],
            "volume_n_low_95": [10.0, 4],
            "volume_n_high_95": [16.0, 8],
        }
    )
    drawn = plots.fans(known, coming, "year", "volume_n", "panel", bands=exhibits.BAND_PAIRS)
    assert len(drawn.fig.axes) == 2 and any("13 in 2026 (11 to 15)" in tip for tip in drawn.tips.values())
    bins = uncertainty.histogram(np.random.default_rng(1).normal(0, 1e6, 500), bins=8).rename(
        columns={"low": "npv_usd_low", "high": "npv_usd_high"}
    )
    drawn = plots.histogram(bins, "npv_usd_low", "npv_usd_high", "draws_share", marks={"P50": 0.0})
    assert len(drawn.tips) == 8
    road = pd.DataFrame(
        {
            "title": ["A", "A"],
            "phase": ["assess", "plan"],
            "start": pd.to_datetime(["2025-06-01", "2025-10-01"]),
            "end": pd.to_datetime(["2025-10-01", "2026-07-01"]),
        }
    )
    drawn = plots.gantt(road, "title", "start", "end", "phase", phases=["assess", "plan", "pilot", "scale", "sustain"], today="2025-12-31")
    assert "A, plan: Oct 2025 to Jul 2026" in drawn.tips.values()
    said = {text.get_text() for text in drawn.fig.findobj(Text)}
    assert {"assess", "plan"} <= said and not {"pilot", "scale", "sustain"} & said, "the key names phases that are not there"


RANGES = {"volume": {"title": "Volume", "low": 0.5, "high": 1.5, "value": 1.0}}


def test_levers_stand_at_the_settings_where_nobody_is_watching(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("VSCODE_PID", raising=False)
    assert not watched()
    block = Levers(RANGES).show(lambda row: Block(f"<p>{row['volume'].iloc[0]}</p>", {"kind": "figure"}))
    assert isinstance(block, Block) and block.html == "<p>1.0</p>"


@pytest.mark.slow
def test_moving_a_lever_in_a_live_session_draws_the_figure_again(monkeypatch, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("JPY_SESSION_NAME", "a person")
    code = [
        "from catchment.page.levers import Levers\nfrom catchment.page.blocks import Block\n"
        f"levers = Levers({RANGES!r})\nlevers.show(lambda row: Block(f\"<p>volume {{row['volume'].iloc[0]:.2f}}</p>\", {{'kind': 'figure'}}))",
        "levers.sliders['volume'].value = 1.25",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in code])
    NotebookClient(
        book, timeout=60, kernel_name="python3", store_widget_state=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    state = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    shown = [output["data"]["text/html"] for model in state if model["model_name"] == "OutputModel" for output in model["state"]["outputs"]]
    assert len(shown) == 1 and "volume 1.25" in shown[0]


@pytest.fixture(scope="module")
def page(demo_pages):
    """Text of one partner's growth page."""
    return lambda partner: html.unescape(re.sub(r"<[^>]+>", " ", demo_pages[partner, "03_growth_scenarios"].read_text())).replace(
        "\xa0", " "
    )


def test_each_exhibit_has_a_name_of_its_own(demo_pages):
    for partner in params.partners():
        text = demo_pages[partner, "03_growth_scenarios"].read_text()
        keys = re.findall(r'<(?:figure|div class="exhibit") id="([\w-]+)"', text)
        assert len(keys) == len(set(keys)) == 25 and not [key for key in keys if key.startswith("fig-")]


@pytest.mark.parametrize(
    ("partner", "sentence"),
    [
        ("northpoint", "Infusion chairs pass their planning limit (80 % in use) in 2027"),
        ("northpoint", "fractions 2024 Q2 (outlier: replaced for fitting)"),
        ("dunes", "radiation fractions fall from"),
        ("dunes", "infusion visits 2023 Q3 (outlier: replaced for fitting)"),
        ("tallgrass", "Not one of 6 volumes changes measurably by 2030"),
        ("tallgrass", "radiation fractions 2023 Q2 (missing: filled for fitting)"),
        ("riverbend", "zero (no event so far)"),
    ],
)
def test_the_page_finds_what_was_planted(page, partner, sentence):
    assert sentence in re.sub(r"\s+", " ", page(partner))


def test_no_widget_reaches_a_page(demo_pages):
    for partner in params.partners():
        text = demo_pages[partner, "03_growth_scenarios"].read_text()
        assert "widget" not in text and "<script" not in text
