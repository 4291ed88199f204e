"""Indicators: the shortest period that can be shown, charts with declared steps, waits with censoring, reach against peers."""

import numpy as np
import pandas as pd
import pytest

from catchment.protect import disclosure
from catchment.scorecard import indicators

MONTHS = pd.date_range("2021-01-01", periods=60, freq="MS")


def months(numerator, denominator) -> pd.DataFrame:
    return pd.DataFrame({"month": MONTHS, "numerator": numerator, "denominator": denominator})


def subgroup(frame: pd.DataFrame, kind: str = "p", *, people: bool = False, sums: bool = False) -> pd.DataFrame:
    return indicators.subgroup(frame, kind, sums=sums, people=people, below=11, tolerated=0.1)


def period(frame: pd.DataFrame) -> str:
    return subgroup(frame, people=True)["length"].iloc[0]


def test_the_shortest_period_that_hides_nobody_is_taken():
    assert period(months(40.0, 80.0)) == "month"
    assert period(months(5.0, 40.0)) == "quarter"  # 15 of 120
    assert period(months(1.0, 40.0)) == "year"  # 12 of 480
    assert period(months(35.0, 38.0)) == "year"  # the rest, 3 a month and 9 a quarter, is a small group too


def test_what_is_still_small_is_hidden():
    rare = np.zeros(60)
    rare[::12] = 3.0
    found = subgroup(months(rare, 40.0), people=True)
    assert found["length"].iloc[0] == "year"
    assert found["numerator"].isna().all()
    mixed = np.full(60, 40.0)
    mixed[7] = 4.0
    found = subgroup(months(mixed, 80.0), people=True)
    assert found["length"].iloc[0] == "month"
    assert found["numerator"].isna().sum() == 1
    assert found.loc[7, ["numerator", "denominator"]].isna().all()


def test_no_shown_count_is_small_whatever_the_series():
    draw = np.random.default_rng(7)
    for p in (0.02, 0.1, 0.5, 0.93):
        n = draw.integers(5, 120, 60)
        found = subgroup(months(draw.binomial(n, p).astype(float), n.astype(float)), people=True).dropna()
        for part in (found["numerator"], found["denominator"], found["denominator"] - found["numerator"]):
            assert not part.between(1, 10).any()


def test_rare_events_of_things_are_pooled_until_limits_fit():
    """Staff who leave may be counted in the open, but one a month does not make a p chart."""
    found = subgroup(months(1.0, 60.0))
    assert found["length"].iloc[0] == "year"
    assert found["numerator"].iloc[0] == 12
    assert subgroup(months(9.0, 60.0))["length"].iloc[0] == "month"


def test_values_without_denominator_stay_monthly():
    found = subgroup(months(3.2, np.nan), "xmr")
    assert len(found) == 60
    assert found["numerator"].iloc[0] == 3.2


def test_limits_step_where_declared_and_nothing_is_news_after_it():
    value = np.r_[np.tile([15.0, 17.0], 19), np.tile([9.0, 11.0], 11)]
    series = subgroup(months(value, np.nan), "xmr")
    stepped = indicators.chart(series, "xmr", baseline_years=2, steps=[pd.Timestamp("2024-03-01")])
    assert stepped["center"].unique().tolist() == [16.0, 10.0]
    assert (stepped["signal"] == "").all()
    assert (stepped["shifted"] == 0).all()
    assert indicators.read(stepped, better="lower", target=12.0, before=12)["variation"] == "common"


def lasting(n: int, **options) -> tuple[pd.DataFrame, dict]:
    """Fifty months around 16 and the last `n` around 26, nobody says why; the goal is 21."""
    value = np.r_[np.tile([15.0, 17.0], 30)[: 60 - n], np.tile([25.0, 27.0], 30)[:n]]
    made = indicators.chart(subgroup(months(value, np.nan), "xmr"), "xmr", baseline_years=2, **options)
    return made, indicators.read(made, better="lower", target=21.0, before=12)


def test_ten_of_ten_months_over_goal_are_no_chance():
    """Limits of the former process lie around the goal; the ten months since the shift have all missed it."""
    made, row = lasting(10)
    assert made["segment"].nunique() == 1
    assert row["variation"] == "concern"
    assert row["began"] == MONTHS[50]
    assert row["usual"] == 16.0
    assert (row["assurance"], row["streak"], row["assurance_words"]) == ("fail", -10, "missed the target 10 times in a row")


def test_limits_follow_a_shift_that_has_lasted_and_the_shift_stays_news():
    made, row = lasting(14)
    assert made["center"].unique().tolist() == [16.0, 26.0]
    assert made["segment"].diff().idxmax() == 46
    assert (made["signal"].iloc[46:] == "").all()
    assert (row["variation"], row["variation_icon"]) == ("concern", "◆ H")
    assert (row["began"], row["usual"], row["usual_period"]) == (MONTHS[46], 16.0, MONTHS[45])
    assert row["assurance"] == "fail"
    assert "a shift up that has lasted" in row["variation_words"]
    assert lasting(14, lasting=15)[0]["segment"].nunique() == 1, "the rule is a setting"


def test_a_shift_is_news_for_as_long_as_its_baseline_lasts():
    assert lasting(24)[1]["variation"] == "concern"
    made, row = lasting(25)
    assert row["variation"] == "common", "two years on it is the process"
    assert (made["shifted"] == 0).all()
    assert row["assurance"] == "fail"


def test_declared_steps_go_first():
    made, row = lasting(14, steps=[MONTHS[46]])
    assert made["segment"].nunique() == 2
    assert made["segment"].diff().idxmax() == 46
    assert row["variation"] == "common"


def test_two_shifts_are_followed_one_after_the_other():
    value = np.r_[np.tile([15.0, 17.0], 12), np.tile([25.0, 27.0], 9), np.tile([35.0, 37.0], 9)]
    made = indicators.chart(subgroup(months(value, np.nan), "xmr"), "xmr", baseline_years=2)
    assert made["center"].unique().tolist() == [16.0, 26.0, 36.0]
    row = indicators.read(made, better="lower", target=np.nan, before=12)
    assert (row["began"], row["usual"]) == (MONTHS[42], 26.0)


@pytest.mark.parametrize(
    ("tail", "began"),
    [
        # A wait that rises for nine months: its first three points lie below the mean, where nothing has risen beyond chance.
        ([13.0, 14.0, 15.0, 16.5, 17.5, 18.5, 19.5, 20.5, 21.5], 54),
        ([17.2, 17.5, 16.8, 17.4, 16.9, 17.2, 17.1], 53),
        ([16.0, 15.0, 17.0, 30.0], 59),
    ],
)
def test_since_is_the_month_in_which_the_signal_begins(tail, began):
    value = np.r_[np.tile([15.0, 17.0], 30)[: 60 - len(tail)], tail]
    made = indicators.chart(subgroup(months(value, np.nan), "xmr"), "xmr", baseline_years=2)
    row = indicators.read(made, better="lower", target=np.nan, before=12)
    assert row["variation"] == "concern"
    assert row["began"] == MONTHS[began]


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
    series = subgroup(months(3.2, np.nan), "xmr")
    with pytest.raises(ValueError, match="xmr, p or u"):
        indicators.chart(series, "c", baseline_years=2)
    with pytest.raises(ValueError, match="kind is one of xmr, p, u, not 'P'"):
        subgroup(months(3.2, np.nan), "P")


def test_rates_are_per_exposure():
    series = subgroup(months(12.0, 4000.0))
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


def young(n: int, value) -> pd.DataFrame:
    return pd.DataFrame({"month": MONTHS[:n], "numerator": value, "denominator": np.nan})


def test_a_mean_of_months_is_never_added_up():
    """Ten months of waits of about 22 minutes are 22.1 minutes, not 221."""
    waits = [21.0, 23.0, 22.0, 22.5, 21.5, 24.0, 20.0, 22.0, 23.0, 22.0]
    found = subgroup(young(10, waits), "xmr")
    assert found["numerator"].tolist() == [pytest.approx(22.1)]
    assert found["length"].tolist() == ["10 months"]
    assert found["period"].tolist() == [MONTHS[9]]
    row = indicators.read(indicators.chart(found, "xmr", baseline_years=2), better="lower", target=25.0, before=12)
    assert (row["now"], row["variation"], row["assurance"], row["points_n"]) == (pytest.approx(22.1), "unknown", "unknown", 1)
    assert subgroup(young(12, 22.0), "xmr")["length"].tolist() == ["month"] * 12, "twelve make a chart"


def test_a_mean_of_few_days_is_no_count_of_people():
    assert subgroup(young(14, 4.0), "xmr", people=True)["numerator"].tolist() == [4.0] * 14


def test_a_young_quarter_is_no_fall():
    """Counts add up over whole quarters only: one month of the newest is not a third of the others."""
    found = subgroup(
        pd.DataFrame({"month": pd.date_range("2021-01-01", periods=43, freq="MS"), "numerator": 5.0, "denominator": np.nan}),
        "xmr",
        sums=True,
        people=True,
    )
    assert found["length"].iloc[0] == "quarter"
    assert found["numerator"].dropna().tolist() == [15.0] * 14
    assert np.isnan(found["numerator"].iloc[-1])
    assert not found["hidden"].iloc[-1], "it is not whole, which is no secret"
    gap = subgroup(months(5.0, np.nan).drop(index=7), "xmr", sums=True, people=True)
    assert np.isnan(gap["numerator"].iloc[2]), "a quarter that lacks its second month"


def test_a_count_younger_than_a_year_stays_by_month_with_few_points():
    found = subgroup(young(10, 40.0), "xmr", sums=True)
    assert found["length"].tolist() == ["month"] * 10
    assert found["numerator"].iloc[-1] == 40.0


def test_an_empty_denominator_takes_its_numerator_along():
    """3 of 8, 3 of nothing, 3 of 8: 6 of 16, not 9 of 16."""
    found = subgroup(months(3.0, 8.0).assign(denominator=np.tile([8.0, np.nan, 8.0], 20)), people=True)
    assert found["length"].iloc[0] == "year"
    assert found[["numerator", "denominator"]].iloc[0].tolist() == [24.0, 64.0]
    quarter = subgroup(
        months(6.0, 8.0).assign(denominator=np.tile([16.0, np.nan, 16.0], 20), numerator=np.tile([6.0, 6.0, 6.0], 20)), people=True
    )
    assert quarter["length"].iloc[0] == "quarter"
    assert (quarter["numerator"] / quarter["denominator"]).iloc[0] == 12 / 32
    yearly = indicators.yearly(months(3.0, 8.0).assign(denominator=np.tile([8.0, np.nan, 8.0], 20), kpi="x"), "x").set_index("year")
    assert yearly.loc[2025, "share"] == 6 / 16


def test_nothing_of_nothing_is_no_value_that_month():
    outage = months(40.0, 400.0)
    outage.loc[38, ["numerator", "denominator"]] = 0.0
    found = subgroup(outage)
    assert MONTHS[38] not in found["period"].tolist()
    assert len(found) == 59
    indicators.chart(found, "p", baseline_years=2)  # a size of 0 would be refused


def test_months_without_a_value_are_told():
    empty = months(40.0, 400.0).assign(kpi="a_share")
    empty.loc[[3, 5], "denominator"] = [np.nan, 0.0]
    found = indicators.left_out(definitions(), pd.concat([empty, months(9.0, np.nan).assign(kpi="b_days")]))
    assert found.to_dict("records") == [{"title": "A", "first": MONTHS[3], "last": MONTHS[5], "months_n": 2}]


def test_an_indicator_without_any_value_stays_on_the_board_and_hides_nothing():
    recorded = pd.concat([months(3.0, 0.0).assign(kpi="a_share", numerator=0.0), months(0.1, 12.0).assign(kpi="d_share")])
    made = indicators.charts(definitions(), recorded, {}, pd.DataFrame({"kpi": [], "month": []}), below=11, tolerated=0.1, baseline_years=2)
    board = indicators.table(definitions(), made, {}).set_index("kpi")
    assert board.loc["a_share", ["variation", "variation_words"]].tolist() == ["unknown", "no value yet"]
    assert board.loc["d_share", "variation"] == "hidden"


def test_revenue_of_nothing_has_no_margin():
    lines = pd.DataFrame({"month": pd.to_datetime(["2025-07-01", "2025-07-01", "2025-08-01"]), "kind": ["revenue", "cost", "revenue"], "behavior": "variable",
                          "actual_volume": [0.0, 5.0, 10.0], "actual_quantity": 1.0, "actual_price_usd": 10.0})  # fmt: skip
    assert indicators.margins(lines)["numerator"].isna().tolist() == [True, True]
