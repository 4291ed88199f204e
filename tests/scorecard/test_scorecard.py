"""Indicators: the shortest period that can be shown, charts with declared steps, waits with censoring, reach against peers."""

import numpy as np
import pandas as pd
import pytest

from catchment.protect import disclosure
from catchment.scorecard import indicators

MONTHS = pd.date_range("2021-01-01", periods=60, freq="MS")


def months(numerator, denominator) -> pd.DataFrame:
    return pd.DataFrame({"month": MONTHS, "numerator": numerator, "denominator": denominator})


def period(frame: pd.DataFrame) -> str:
    return indicators.subgroup(frame, people=True, below=11, tolerated=0.1)["length"].iloc[0]


def test_the_shortest_period_that_hides_nobody_is_taken():
    assert period(months(40.0, 80.0)) == "month"
    assert period(months(5.0, 40.0)) == "quarter"  # 15 of 120
    assert period(months(1.0, 40.0)) == "year"  # 12 of 480
    assert period(months(35.0, 38.0)) == "year"  # the rest, 3 a month and 9 a quarter, is a small group too


def test_what_is_still_small_is_hidden():
    rare = np.zeros(60)
    rare[::12] = 3.0
    found = indicators.subgroup(months(rare, 40.0), people=True, below=11, tolerated=0.1)
    assert found["length"].iloc[0] == "year"
    assert found["numerator"].isna().all()
    mixed = np.full(60, 40.0)
    mixed[7] = 4.0
    found = indicators.subgroup(months(mixed, 80.0), people=True, below=11, tolerated=0.1)
    assert found["length"].iloc[0] == "month"
    assert found["numerator"].isna().sum() == 1
    assert found.loc[7, ["numerator", "denominator"]].isna().all()


def test_no_shown_count_is_small_whatever_the_series():
    draw = np.random.default_rng(7)
    for p in (0.02, 0.1, 0.5, 0.93):
        n = draw.integers(5, 120, 60)
        found = indicators.subgroup(
            months(draw.binomial(n, p).astype(float), n.astype(float)), people=True, below=11, tolerated=0.1
        ).dropna()
        for part in (found["numerator"], found["denominator"], found["denominator"] - found["numerator"]):
            assert not part.between(1, 10).any()


def test_rare_events_of_things_are_pooled_until_limits_fit():
    """Staff who leave may be counted in the open, but one a month does not make a p chart."""
    found = indicators.subgroup(months(1.0, 60.0), people=False, below=11, tolerated=0.1)
    assert found["length"].iloc[0] == "year"
    assert found["numerator"].iloc[0] == 12
    assert indicators.subgroup(months(9.0, 60.0), people=False, below=11, tolerated=0.1)["length"].iloc[0] == "month"


def test_values_without_denominator_stay_monthly():
    found = indicators.subgroup(months(3.2, np.nan), people=False, below=11, tolerated=0.1)
    assert len(found) == 60
    assert found["numerator"].iloc[0] == 3.2


def test_limits_step_only_where_declared():
    value = np.r_[np.tile([15.0, 17.0], 19), np.tile([9.0, 11.0], 11)]
    series = indicators.subgroup(months(value, np.nan), people=False, below=11, tolerated=0.1)
    plain = indicators.chart(series, "xmr", baseline_years=2)
    stepped = indicators.chart(series, "xmr", baseline_years=2, steps=[pd.Timestamp("2024-03-01")])
    assert plain["center"].nunique() == 1
    assert (plain["signal"].iloc[38:] != "").all()
    assert stepped["center"].unique().tolist() == [16.0, 10.0]
    assert (stepped["signal"] == "").all()


def test_a_young_series_keeps_a_run_outside_of_its_baseline():
    value = np.r_[np.tile([10.0, 12.0], 6), np.full(7, 15.0)]
    young = pd.DataFrame({"period": MONTHS[:19], "numerator": value, "denominator": np.nan, "length": "month"})
    assert indicators.chart(young, "xmr", baseline_years=2)["center"].unique().tolist() == [11.0]


def test_a_young_step_has_limits_from_its_first_twelve_points_and_leaves_the_old_ones_alone():
    value = np.r_[np.tile([15.0, 17.0], 20), np.tile([9.0, 11.0], 6), np.full(8, 14.0)]
    series = pd.DataFrame({"period": MONTHS, "numerator": value, "denominator": np.nan, "length": "month"})
    found = indicators.chart(series, "xmr", baseline_years=2, steps=[MONTHS[40], MONTHS[40]])
    assert found["center"].unique().tolist() == [16.0, 10.0]
    assert (found["signal"].iloc[52:] != "").all(), "points after the twelve are judged against them"


def test_an_unknown_kind_of_chart_is_refused():
    series = indicators.subgroup(months(3.2, np.nan), people=False, below=11, tolerated=0.1)
    with pytest.raises(ValueError, match="xmr, p or u"):
        indicators.chart(series, "c", baseline_years=2)


def test_rates_are_per_exposure():
    series = indicators.subgroup(months(12.0, 4000.0), people=False, below=11, tolerated=0.1)
    assert indicators.chart(series, "u", per=1000, baseline_years=2)["value"].iloc[0] == 3.0


def definitions() -> pd.DataFrame:
    return pd.DataFrame({"kpi": ["a_share", "b_days", "c_n", "d_share"], "chart": ["p", "xmr", "xmr", "p"], "per": 1.0, "people": [True, False, True, True],
                         "better": ["higher", "lower", "higher", "higher"], "title": ["A", "B", "C", "D"], "domain": "X"})  # fmt: skip


def test_board_has_a_row_for_each_indicator_with_data():
    late = np.full(60, 0.5)
    late[-2:] = 0.9
    recorded = pd.concat(
        [
            months(np.round(late * 200), 200.0).assign(kpi="a_share"),
            months(np.tile([9.0, 11.0], 30), np.nan).assign(kpi="b_days"),
            months(0.2, 12.0).assign(kpi="d_share"),
        ]
    )
    charts = indicators.charts(
        definitions(), recorded, {}, pd.DataFrame({"kpi": [], "month": []}), below=11, tolerated=0.1, baseline_years=2
    )
    board = indicators.table(definitions(), charts, {"a_share": 0.7, "b_days": 4.0}).set_index("kpi")
    assert board.index.tolist() == ["a_share", "b_days", "d_share"]
    assert board.loc["a_share", ["variation", "assurance"]].tolist() == ["improvement", "fail"]
    assert board.loc["a_share", "began"] == MONTHS[-2], "the month in which the special cause began"
    assert board.loc["b_days", ["variation", "assurance"]].tolist() == ["common", "fail"]
    assert pd.isna(board.loc["b_days", "began"])
    assert board.loc["d_share", ["variation", "points_n"]].tolist() == ["hidden", 0]
    assert pd.isna(board.loc["d_share", "now"])


def test_waits_count_those_still_waiting():
    """Ten quick patients and ten who still wait: the mean of completed waits is 10 days, the median wait is not reached at 10."""
    start = pd.Timestamp("2025-01-02")
    quick = pd.DataFrame({"s": start, "e": start + pd.Timedelta(days=10), "u": start + pd.Timedelta(days=10)}, index=range(10))
    slow = pd.DataFrame(
        {"s": start, "e": [start + pd.Timedelta(days=40)] * 4 + [pd.NaT] * 8, "u": start + pd.Timedelta(days=90)}, index=range(10, 22)
    )
    found = indicators.waits(pd.concat([quick, slow]), start="s", event="e", until="u", below=11)
    assert found["numerator"].iloc[0] > 10
    assert indicators.waits(quick, start="s", event="e", until="u", below=11)["numerator"].isna().all()  # ten patients: not shown


def test_a_quarter_most_of_which_never_come_has_no_median():
    start, day = pd.Timestamp("2025-01-02"), pd.Timedelta(days=1)
    seen = pd.DataFrame({"s": start, "e": start + 10 * day, "u": start + 10 * day}, index=range(12))
    gone = pd.DataFrame({"s": start, "e": pd.NaT, "u": start + 5 * day}, index=range(12, 30))
    still = pd.DataFrame({"s": start + 200 * day, "e": pd.NaT, "u": start + 220 * day}, index=range(30, 31))
    found = indicators.waits(pd.concat([seen, gone, still]), start="s", event="e", until="u", below=11)
    assert found["numerator"].isna().all()


def test_median_is_interpolated_between_days():
    start = pd.Timestamp("2025-01-02")
    days = [10] * 8 + [20] * 12
    cases = pd.DataFrame({"s": start, "e": [start + pd.Timedelta(days=d) for d in days]}).assign(u=lambda c: c["e"])
    found = indicators.waits(cases, start="s", event="e", until="u", below=11)["numerator"].iloc[0]
    assert found == pytest.approx(10 + 10 * (0.6 - 0.5) / 0.6)  # 60 % still wait after day 10, none after day 20


def test_quarters_add_sites_and_skip_a_service_that_is_not_given():
    volumes = pd.DataFrame({"year": 2025, "quarter": [1, 1, 2, 2], "visits": [30, 40, 5, 4], "none": 0})
    found = indicators.quarters(volumes, "visits", below=11)
    assert found["numerator"].tolist()[0] == 70
    assert np.isnan(found["numerator"].iloc[1])
    assert indicators.quarters(volumes, "none", below=11).empty


def test_margin_leaves_fixed_cost_out():
    lines = pd.DataFrame({"month": pd.Timestamp("2025-07-01"), "kind": ["revenue", "cost", "cost"], "behavior": ["variable", "variable", "fixed"],
                          "actual_volume": 10.0, "actual_quantity": 1.0, "actual_price_usd": [100.0, 60.0, 25.0]})  # fmt: skip
    assert indicators.margins(lines)["numerator"].tolist() == [0.4]


def services() -> tuple[pd.DataFrame, pd.DataFrame]:
    ours = pd.DataFrame(
        {
            "service": "Genetics",
            "site": ["Breast", "Colon", "Ovary"],
            "eligible_patients_n": [200, 100, 15],
            "reached_patients_n": [80, 60, 12],
        }
    )
    peers = pd.DataFrame({"service": "Genetics", "site": ["Breast", "Colon", "Ovary"], "peer_median_share": [0.6, 0.6, 0.6]})
    return ours, peers


def test_reach_is_below_peers_only_beyond_chance():
    found = indicators.reach(*services(), below=11).set_index("site")
    assert found["standing"].to_dict() == {"Breast": "below peers", "Colon": "level with peers", "Ovary": "not shown"}
    assert found.loc["Breast", "more_n"] == 40
    # Wilson interval of 80/200 (Newcombe 1998 form): 0.3347 to 0.4694.
    assert found.loc["Breast", ["share_low", "share_high"]].tolist() == pytest.approx([0.3346, 0.4693], abs=2e-4)
    assert found["reached_patients_n_suppressed"].to_dict() == {"Breast": False, "Colon": False, "Ovary": True}  # three were not reached
    shown = disclosure.protect(found.reset_index(), ["eligible_patients_n", "reached_patients_n"]).set_index("site")
    assert shown.loc["Ovary", ["eligible_patients_n", "reached_patients_n", "reached_share", "gap_points", "more_n"]].isna().all()


def test_sites_are_pooled_where_most_would_be_hidden():
    ours, peers = services()
    small = ours.assign(eligible_patients_n=[30, 12, 8], reached_patients_n=[22, 6, 3])
    peers = peers.assign(peer_median_share=[0.6, 0.8, 0.4])
    found = indicators.reach_shown(small, peers, below=11)
    assert found["site"].tolist() == ["All sites"]
    assert found["eligible_patients_n"].iloc[0] == 50
    assert found["peer_median_share"].iloc[0] == pytest.approx((30 * 0.6 + 12 * 0.8 + 8 * 0.4) / 50)


def test_yearly_counts():
    found = indicators.yearly(months(4.0, 80.0).assign(kpi="x"), "x").set_index("year")
    assert found.loc[2025, ["numerator", "denominator", "share"]].tolist() == [48, 960, 0.05]
