"""The simulated scorecard: same bytes, agreement with the other tables, and planted truth that the analysis finds."""

import sys
from pathlib import Path

import pandas as pd
import pytest

DEMO = Path(__file__).parents[2] / "data" / "demo"
sys.path.insert(0, str(DEMO))
from simulation import kpis, scorecard_text, volumes, world  # noqa: E402

from catchment import data, params  # noqa: E402
from catchment.scorecard import budget, indicators, readiness  # noqa: E402


@pytest.fixture(scope="module", params=list(world.PARTNERS))
def found(request) -> dict:
    """What the analysis says of one partner's published tables."""
    settings = params.load(request.param)
    tables, rules = data.Tables(settings), settings.scorecard
    lines = tables.read("budget_lines")
    charts = indicators.charts(tables.read("kpi_definitions"), tables.read("kpi_months"), {"margin_share": indicators.margins(lines)}, tables.read("kpi_steps", allow_empty=True),
                              below=11, tolerated=rules.hidden_share.value, baseline_years=rules.baseline_years.value)  # fmt: skip
    board = indicators.table(tables.read("kpi_definitions"), charts, {kpi: entry.value for kpi, entry in rules.targets.items()})
    now = lines[(lines["fiscal_year"] == 2026) & lines["actual_volume"].notna()]
    research = indicators.yearly(tables.read("kpi_months"), "accrual_share").set_index("year")["share"]
    required = rules.accrual_share[rules.category].value
    standards = readiness.assess(tables.read("coc_standards"), tables.read("standards_evidence").drop(columns="partner"), year=2025, margin=rules.at_risk_share.value,
                                 thresholds={"9.1": required}, measured={"9.1": research[2025]})  # fmt: skip
    return {"partner": request.param, "truth": kpis.TRUTH[request.param], "tables": tables, "charts": charts, "board": board.set_index("kpi"), "standards": standards,
            "lines": budget.by_line(now, percent=rules.materiality_share.value, dollars=rules.materiality_usd.value).set_index("line")}  # fmt: skip


def test_rerun_gives_the_committed_bytes(tmp_path):
    kpis.write(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) > 30
    assert made == sorted(path.relative_to(DEMO) for path in (DEMO / "scorecard").iterdir())
    for path in made:
        assert (tmp_path / path).read_bytes() == (DEMO / path).read_bytes(), path
        assert (tmp_path / path).stat().st_size < 500_000


def test_planted_concern_is_found(found):
    row = found["board"].loc[found["truth"]["concern"]]
    assert row["variation"] == "concern"
    chart = found["charts"][found["truth"]["concern"]]
    since = chart[chart["period"] >= pd.Timestamp(found["truth"]["since"])]
    assert len(since)
    assert ((since["side"] > 0) | (since["shifted"] > 0)).all()
    assert row["began"] <= since["period"].iloc[0]
    assert row["assurance"] in ("fail", "either")


def test_planted_improvement_is_found(found):
    if "improvement" not in found["truth"]:
        pytest.skip("none planted for this partner")
    assert found["board"].loc[found["truth"]["improvement"], "variation"] == "improvement"


def test_nothing_else_of_the_recorded_indicators_is_news(found):
    recorded = [kpi for kpi in found["board"].index if kpi != "margin_share"]
    news = found["board"].loc[recorded].query("variation in ['concern', 'improvement']").index
    assert set(news) == {found["truth"]["concern"], found["truth"].get("improvement", found["truth"]["concern"])}


def test_planted_gate(found):
    gate = readiness.gate(found["standards"])
    blocked = found["truth"]["blocked_by"]
    assert gate == (readiness.Gate("blocked", (blocked,)) if blocked else readiness.Gate("conditional", (found["truth"]["at_risk"],)))
    status = found["standards"].set_index("standard")["status"]
    assert status[found["truth"].get("unknown", "1.1")] == ("Unknown" if "unknown" in found["truth"] else "Met")


def test_planted_variance(found):
    row = found["lines"].loc[found["truth"]["line"]]
    parts = row[["volume_usd", "quantity_usd", "price_usd"]].astype(float).abs()
    assert row["material"]
    assert row["total_favor"] == "U"
    assert parts.idxmax() == f"{found['truth']['variance']}_usd"


def test_declared_step_resets_the_limits_and_nothing_is_news_after_it(found):
    if "step" not in found["truth"]:
        pytest.skip("none planted for this partner")
    kpi, month = found["truth"]["step"]
    chart = found["charts"][kpi]
    after = chart[chart["period"] >= month]
    assert chart["segment"].nunique() == 2
    assert after["center"].iloc[0] < chart["center"].iloc[0] - 4
    assert found["board"].loc[kpi, "variation"] == "common"


def test_budget_volumes_are_the_program_volumes(found):
    lines = found["tables"].read("budget_lines", line="Infusion services")
    actual = lines.dropna(subset="actual_volume")
    quarter = actual.groupby(actual["month"].dt.to_period("Q"))["actual_volume"].sum()
    rows = pd.DataFrame(volumes.rows(found["partner"])).query("year == 2025")
    told = pd.to_numeric(rows["infusion_visits_n"]).groupby(rows["quarter"]).sum()
    assert [quarter[f"2025Q{q}"] for q in told.index] == told.tolist()


def test_indicators_agree_with_cases_and_services(found):
    months = found["tables"].read("kpi_months")
    cases = indicators.yearly(months, "navigated_share").set_index("year")["denominator"]
    assert cases.astype(int).to_dict() == world.ANALYTIC_CASES[found["partner"]]
    reached = found["tables"].read("service_access").groupby("service")[["eligible_patients_n", "reached_patients_n"]].sum()
    for service, kpi in kpis.COUNTED.items():
        year = indicators.yearly(months, kpi).set_index("year").loc[2025]
        assert reached.loc[service].tolist() == [year["denominator"], year["numerator"]]


def test_roles_stand_in_for_people_and_themes_are_known():
    known = {
        "radiation oncology",
        "infusion",
        "imaging",
        "clinical trials",
        "navigation",
        "survivorship",
        "genetics",
        "patient assistance",
        "workforce",
        "facility",
        "general",
    }
    assert set(scorecard_text.milestones()["theme"]) <= known
    assert not scorecard_text.standards_evidence()["owner"].str.contains(r"Dr|Mr|Ms").any()
