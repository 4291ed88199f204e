"""Flexible budget: a textbook example worked by hand, F and U on both kinds of line, reconciliation, forecasts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.scorecard import budget

amount = st.floats(0, 1e4, allow_nan=False)

# Worked by hand, in the form of Finkler, Jones and Kovner (nursing cost of a unit): budget 1,000 visits x 2.0 hours x $30 = $60,000;
# actual 1,100 visits x 2.2 hours x $31 = $75,020. Flexed 1,100 x 2.0 x 30 = 66,000; at actual quantity 1,100 x 2.2 x 30 = 72,600.
NURSING = (1000, 2.0, 30.0, 1100, 2.2, 31.0)


def test_three_way_variance_of_nursing_cost():
    found = budget.flexible_budget_variance(*NURSING).iloc[0]
    assert found["original_usd"] == 60_000
    assert found["flexed_usd"] == 66_000
    assert found["at_quantity_usd"] == pytest.approx(72_600)
    assert found["actual_usd"] == pytest.approx(75_020)
    assert [found["volume_usd"], found["quantity_usd"], found["price_usd"]] == pytest.approx([6_000, 6_600, 2_420])
    assert found[["volume_favor", "quantity_favor", "price_favor", "total_favor"]].tolist() == ["U", "U", "U", "U"]


def test_the_same_amounts_are_favorable_as_revenue():
    found = budget.flexible_budget_variance(*NURSING, kind="revenue").iloc[0]
    assert found[["volume_favor", "quantity_favor", "price_favor", "total_favor"]].tolist() == ["F", "F", "F", "F"]


def test_volume_variance_is_priced_at_budget():
    """Twice the volume at any actual price: the volume variance stays at budgeted quantity and price."""
    for price in (10.0, 30.0, 90.0):
        assert budget.flexible_budget_variance(1000, 2.0, 30.0, 2000, 2.0, price)["volume_usd"].iloc[0] == 60_000


@settings(max_examples=60, deadline=None)
@given(*[amount] * 6)
def test_the_three_variances_add_up(bv, bq, bp, av, aq, ap):
    found = budget.flexible_budget_variance(bv, bq, bp, av, aq, ap).iloc[0]
    total = found["volume_usd"] + found["quantity_usd"] + found["price_usd"]
    scale = max(abs(found[["original_usd", "flexed_usd", "at_quantity_usd", "actual_usd"]]).max(), 1.0)
    assert abs(total - found["total_usd"]) <= 1e-9 * scale
    assert found["total_usd"] == pytest.approx(found["actual_usd"] - found["original_usd"], abs=1e-9 * scale)


def test_no_variance_has_no_letter():
    found = budget.flexible_budget_variance(10, 1, 5, 10, 1, 5)
    assert (found[[c for c in found if c.endswith("_favor")]] == "").all(axis=None)


def test_series_keep_their_index_and_kinds_may_differ():
    lines = pd.Series([100.0, 100.0], index=["visits", "nurses"])
    found = budget.flexible_budget_variance(lines, 1, 10, lines * 1.1, 1, 10, kind=["revenue", "cost"])
    assert found.index.tolist() == ["visits", "nurses"]
    assert found["total_favor"].tolist() == ["F", "U"]


@pytest.mark.parametrize("wrong", [{"budget_volume": -1.0}, {"actual_price": np.nan}])
def test_missing_and_negative_inputs_are_refused(wrong):
    values = dict(
        zip(("budget_volume", "budget_quantity", "budget_price", "actual_volume", "actual_quantity", "actual_price"), NURSING, strict=True)
    )
    with pytest.raises(ValueError, match=next(iter(wrong))):
        budget.flexible_budget_variance(**values | wrong)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="cost or revenue"):
        budget.favor(1.0, "income")


def months() -> pd.DataFrame:
    row = {"budget_quantity": 1.0, "budget_price_usd": 10.0, "actual_quantity": 1.0}
    return pd.DataFrame([
        row | {"line": "Visits", "kind": "revenue", "budget_volume": 6_000, "actual_volume": 5_000, "actual_price_usd": 10.0},
        row | {"line": "Visits", "kind": "revenue", "budget_volume": 6_000, "actual_volume": 5_500, "actual_price_usd": 10.0},
        row | {"line": "Drugs", "kind": "cost", "budget_volume": 6_000, "actual_volume": 5_250, "actual_price_usd": 10.5},
        row | {"line": "Linen", "kind": "cost", "budget_volume": 50, "actual_volume": 90, "actual_price_usd": 10.0},
        row | {"line": "Rent", "kind": "cost", "budget_volume": 40_000, "actual_volume": 41_900, "actual_price_usd": 10.0},
    ])  # fmt: skip


def test_material_needs_both_the_percent_and_the_dollars():
    found = budget.by_line(months(), percent=0.05, dollars=1_000).set_index("line")
    assert found["material"].to_dict() == {"Visits": True, "Drugs": True, "Linen": False, "Rent": False}
    assert found.loc["Linen", "total_share"] == pytest.approx(0.8)  # large in percent, small in dollars
    assert found.loc["Rent", "total_usd"] == pytest.approx(19_000)  # large in dollars, small in percent
    assert found.loc["Visits", "volume_usd"] == -15_000
    assert found.loc["Drugs", ["volume_favor", "price_favor"]].tolist() == ["F", "U"]


def test_margin_bridge_ends_at_the_actual_margin():
    lines = budget.by_line(months(), percent=0.05, dollars=1_000)
    bridge = budget.margin_bridge(lines)
    sign = lines["kind"].map({"revenue": 1, "cost": -1})
    assert bridge["margin_usd"].iloc[0] == (lines["original_usd"] * sign).sum()
    assert bridge["margin_usd"].sum() == pytest.approx((lines["actual_usd"] * sign).sum())


def years(now: list[float], last: list[float]) -> pd.DataFrame:
    rows = [(2026, i + 1, "Visits", value) for i, value in enumerate(now)] + [
        (2025, i + 1, "Visits", value) for i, value in enumerate(last)
    ]
    return pd.DataFrame(rows, columns=["fiscal_year", "fiscal_month", "line", "actual_usd"])


def test_run_rate_and_seasonal_forecast_by_hand():
    """Last year the first three months made 60 of 240; this year they made 66: 66 x 4 = 264 either by season, run rate the same."""
    found = budget.full_year(years([22, 22, 22], [20] * 12), year=2026).iloc[0]
    assert found["run_rate_usd"] == pytest.approx(264)
    assert found["seasonal_usd"] == pytest.approx(264)
    # With a quiet first quarter (30 of 240), the same 66 point to 528 by season.
    quiet = budget.full_year(years([22, 22, 22], [10, 10, 10] + [70 / 3] * 9), year=2026).iloc[0]
    assert quiet["run_rate_usd"] == pytest.approx(264)
    assert quiet["seasonal_usd"] == pytest.approx(528)


def test_a_line_that_opened_in_mid_year_loses_its_own_seasonal_forecast_only():
    """Visits have a whole year before, Scans opened in its seventh month."""
    rows = [(2026, m, line, 20.0) for m in (1, 2, 3) for line in ("Visits", "Scans")]
    rows += [(2025, m, "Visits", 10.0) for m in range(1, 13)] + [(2025, m, "Scans", 10.0) for m in range(7, 13)]
    found = budget.full_year(pd.DataFrame(rows, columns=["fiscal_year", "fiscal_month", "line", "actual_usd"]), year=2026).set_index("line")
    assert found.loc["Visits", "seasonal_usd"] == 240
    assert np.isnan(found.loc["Scans", "seasonal_usd"])
    assert found["run_rate_usd"].tolist() == [240, 240]
    assert found["last_year_n"].to_dict() == {"Visits": 12, "Scans": 6}
    alone = budget.full_year(years([22], [20] * 12).query("fiscal_year == 2026"), year=2026)
    assert alone["seasonal_usd"].isna().all()


def test_spending_without_a_budget_is_material_by_its_dollars():
    lines = months().assign(budget_volume=lambda m: m["budget_volume"].where(m["line"] != "Linen", 0.0))
    found = budget.by_line(lines, percent=0.05, dollars=500).set_index("line")
    assert np.isnan(found.loc["Linen", "total_share"])
    assert found.loc["Linen", "material"]
    assert not budget.by_line(lines, percent=0.05, dollars=1_000).set_index("line").loc["Linen", "material"]


def test_each_line_is_forecast_from_its_own_months():
    """Drugs are booked a month later than visits, and Scans are new: none of them bends the others."""
    rows = [(2026, m, "Visits", 20.0) for m in (1, 2, 3)] + [(2026, m, "Drugs", 10.0) for m in (1, 2)] + [(2026, 1, "Scans", 5.0)]
    rows += [(2025, m, line, 10.0) for m in range(1, 13) for line in ("Visits", "Drugs")]
    rows += [(2026, 1, "Flu clinic", 3.0)] + [(2025, m, "Flu clinic", 9.0 if m == 6 else 0.0) for m in range(1, 13)]
    found = budget.full_year(pd.DataFrame(rows, columns=["fiscal_year", "fiscal_month", "line", "actual_usd"]), year=2026).set_index("line")
    assert found["months_n"].to_dict() == {"Visits": 3, "Drugs": 2, "Scans": 1, "Flu clinic": 1}
    assert found["run_rate_usd"].to_dict() == {"Visits": 240, "Drugs": 120, "Scans": 60, "Flu clinic": 36}
    assert found.loc[["Visits", "Drugs"], "seasonal_usd"].tolist() == [240, 120]
    assert found.loc[["Scans", "Flu clinic"], "seasonal_usd"].isna().all()


def test_the_year_to_date_is_the_last_one_with_actual_amounts():
    """Next year's budget may stand in the table already."""
    lines = pd.concat([months().assign(fiscal_year=2026), months().assign(fiscal_year=2027, actual_volume=np.nan)])
    assert set(budget.to_date(lines)["fiscal_year"]) == {2026}
    assert budget.actuals(lines)["actual_usd"].sum() == pytest.approx(50_000 + 55_000 + 5_250 * 10.5 + 900 + 419_000)
