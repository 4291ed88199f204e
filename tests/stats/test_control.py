"""Control charts against published worked examples, and each rule for special causes on a series that breaks only that rule."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.stats import control

# NIST e-Handbook 6.3.2.2, individuals chart: flow rates of ten batches.
NIST_FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# NIST e-Handbook 6.3.3.2, p chart: chips with defects in 30 samples of 50.
NIST_CHIPS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
# Montgomery, Introduction to Statistical Quality Control: faults in ten lots of dyed cloth, units inspected.
CLOTH = [14, 12, 20, 11, 7, 10, 21, 16, 19, 23], [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5]


def test_xmr_of_the_nist_flow_rates():
    chart = control.xmr(NIST_FLOW)
    assert control.mean_moving_range(NIST_FLOW) == pytest.approx(1.8778, abs=5e-5)
    assert chart.center.unique() == pytest.approx([50.81])
    assert chart.ucl.iloc[0] == pytest.approx(55.8041, abs=0.002)  # the handbook divides by 1.128, 2.66 is rounded
    assert chart.lcl.iloc[0] == pytest.approx(45.8159, abs=0.002)
    assert chart.range_ucl.iloc[0] == pytest.approx(3.267 * 1.87778, rel=1e-4)
    assert (chart.signal[chart.beyond != 0] == "").sum() == 0


def test_p_chart_of_the_nist_chips():
    chart = control.p_chart(NIST_CHIPS, 50)
    assert chart.center.iloc[0] == pytest.approx(0.2313, abs=5e-5)
    assert chart.ucl.iloc[0] == pytest.approx(0.4102, abs=1e-4)
    assert chart.lcl.iloc[0] == pytest.approx(0.0524, abs=1e-4)
    # The handbook finds samples 15 and 23 above the limit.
    assert list(np.flatnonzero(chart.beyond == 1) + 1) == [15, 23]


def test_u_chart_of_dyed_cloth():
    chart = control.u_chart(*CLOTH)
    assert chart.center.iloc[0] == pytest.approx(1.42, abs=0.005)
    # The book rounds u to 1.42 before it computes limits.
    assert chart.ucl.tolist()[:3] == pytest.approx([2.55, 2.68, 2.41], abs=0.012)
    assert chart.lcl.tolist()[:3] == pytest.approx([0.29, 0.16, 0.43], abs=0.012)
    assert (chart.beyond == 0).all()


# Montgomery, Introduction to Statistical Quality Control: hours between failures of a valve, and their transformed values as printed there.
VALVE = [286, 948, 536, 124, 816, 729, 4, 143, 431, 8, 2837, 596, 81, 227, 603, 492, 1199, 1214, 2831, 96]
VALVE_ROOTS = [4.80986, 6.70903, 5.72650, 3.81367, 6.43541, 6.23705, 1.46958, 3.96768, 5.39007, 1.78151,
               9.09619, 5.89774, 3.38833, 4.51095, 5.91690, 5.59189, 7.16124, 7.18601, 9.09083, 3.55203]  # fmt: skip


def test_t_chart_of_the_valve_is_the_individuals_chart_of_the_printed_roots():
    chart, roots = control.t_chart(VALVE), control.xmr(VALVE_ROOTS)
    assert roots.center.iloc[0] == pytest.approx(5.38662, abs=1e-5)
    # The book rounds 1 / 3.6 to 0.2777.
    assert chart.center.iloc[0] == pytest.approx(roots.center.iloc[0] ** 3.6, rel=2e-3)
    assert chart.ucl.iloc[0] == pytest.approx(roots.ucl.iloc[0] ** 3.6, rel=3e-3)
    assert chart.lcl.iloc[0] == 0, "the root's limit is negative"
    assert chart.value.tolist() == VALVE
    assert (chart.signal == "").all(), "the book finds the process in control"


def test_a_long_time_without_an_event_is_a_signal_and_none_at_all_is_refused():
    days = [9.0, 11.0] * 10
    chart = control.t_chart([*days, 300.0], baseline=20)
    assert chart.signal.iloc[-1].startswith("above the upper limit")
    with pytest.raises(ValueError, match="finer unit"):
        control.t_chart([3, 0, 2])


def test_g_chart_of_cases_between_infections():
    """Limits by hand: mean 20, 20 + 3 sqrt(20 x 21) = 81.48; center 0.693 x 20, the median of Provost and Murray."""
    between = [10, 30] * 8
    chart = control.g_chart(between)
    assert chart.center.iloc[0] == pytest.approx(13.86)
    assert chart.ucl.iloc[0] == pytest.approx(81.4817, abs=1e-4)
    assert chart.lcl.iloc[0] == 0
    assert control.g_chart([*between, 82], baseline=16).signal.iloc[-1] == "above the upper limit"
    assert control.g_chart([*between, 81], baseline=16).signal.iloc[-1] == ""
    assert "7 or more below the mean" in control.g_chart([*between, *[2] * 7], baseline=16).signal.iloc[-1]
    with pytest.raises(ValueError, match="negative"):
        control.g_chart([3, -1])


def test_half_of_the_gaps_of_a_geometric_law_lie_below_the_center_of_a_g_chart():
    gaps = np.random.default_rng(3).geometric(0.01, 4000) - 1
    chart = control.g_chart(gaps)
    assert (gaps < chart.center).mean() == pytest.approx(0.5, abs=0.02)
    assert (gaps > chart.ucl).mean() < 0.025


def test_screening_drops_an_outlying_range_once():
    values = [10, 11, 10, 11, 10, 30, 10, 11, 10, 11, 10, 11]
    assert control.mean_moving_range(values) == pytest.approx((9 * 1 + 20 + 20) / 11)
    assert control.mean_moving_range(values, screen=True) == pytest.approx(1.0)
    assert control.xmr(values, screen=True).ucl.iloc[0] < control.xmr(values).ucl.iloc[0]


def test_limits_come_from_the_baseline_and_stay():
    values = [10, 12, 11, 13, 10, 12, 11, 13, 40, 41, 42, 43]
    chart = control.xmr(values, baseline=8)
    assert chart.center.iloc[-1] == np.mean(values[:8])
    longer = control.xmr([*values, 44, 45], baseline=8)
    pd.testing.assert_frame_equal(longer.loc[:11, ["center", "lcl", "ucl"]], chart[["center", "lcl", "ucl"]])
    assert (chart.beyond.iloc[8:] == 1).all()


def test_limits_are_computed_anew_only_at_a_declared_step():
    values = [10, 12, 11, 13, 10, 12, 11, 13, 40, 41, 42, 41, 40, 42]
    chart = control.xmr(values, steps=[8])
    assert chart.segment.tolist() == [0] * 8 + [1] * 6
    assert chart.center.iloc[8] == np.mean(values[8:])
    assert pd.isna(chart.moving_range.iloc[8])  # the jump between two processes is not a range of either
    assert (chart.signal == "").all()


def test_runs_do_not_cross_a_step():
    values = [5, 1, 3, 2, 6, 6.1, 6.2, 6.05, 9, 9.1, 9.2, 1, 2, 1.5]
    whole = control.xmr(values)
    parts = control.xmr(values, steps=[8])
    assert (whole["shift"] != 0).any()
    assert (parts["shift"] == 0).all()


def flat(n: int = 20) -> np.ndarray:
    """Alternates around 10 without ever breaking a rule."""
    return 10 + np.tile([-0.5, 0.5], n // 2)


def rules(values) -> pd.DataFrame:
    return control.signals(values, 10, 7, 13)


def test_common_cause_has_no_signal():
    assert (rules(flat())["signal"] == "").all()


def test_one_point_beyond_a_limit():
    values = flat()
    values[5] = 13.2
    found = rules(values)
    assert found.beyond.tolist().count(1) == 1
    assert found.signal[5] == "above the upper limit"
    assert (found.drop(5).signal == "").all()


def test_seven_on_one_side_is_a_shift_and_six_is_not():
    values = flat()
    values[4:11] = [9.5, 9.4, 9.6, 9.5, 9.4, 9.6, 9.5]
    values[11] = 10.5
    found = rules(values)
    assert (found["shift"].iloc[4:11] == -1).all()
    values[3], values[10] = 10.5, 10.5
    assert (rules(values)["shift"] == 0).all()
    assert (control.signals(values, 10, 7, 13, run=6)["shift"].iloc[4:10] == -1).all()


def test_a_point_on_the_mean_breaks_a_run():
    values = flat()
    values[4:12] = [9.5, 9.4, 9.6, 10.0, 9.4, 9.6, 9.5, 9.4]
    values[12] = 10.5
    assert (rules(values)["shift"] == 0).all()


def test_seven_rising_points_are_a_trend():
    values = flat()
    values[4:11] = [9.2, 9.4, 9.7, 10.1, 10.3, 10.6, 10.9]
    values[11] = 9.4
    found = rules(values)
    assert (found.trend.iloc[4:11] == 1).all()
    assert found.trend.iloc[11] == 0
    values[10] = 10.5
    assert (rules(values).trend == 0).all()


def test_two_of_three_in_the_outer_third():
    values = flat()
    values[5], values[7] = 12.5, 12.4
    found = rules(values)
    assert found.two_of_three.iloc[[5, 7]].tolist() == [1, 1]
    assert (found.two_of_three.drop([5, 7]) == 0).all()
    values[7], values[9] = 10.5, 12.4  # four apart: no longer among three
    assert (rules(values).two_of_three == 0).all()


def test_opposite_sides_do_not_make_two_of_three():
    values = flat()
    values[5], values[6] = 12.5, 7.4
    assert (rules(values).two_of_three == 0).all()


def slow(values, center, low, high, run) -> list[tuple[int, int, int, int]]:
    """The four rules spelled out, window by window."""
    found = [[0, 0, 0, 0] for _ in values]
    for i, value in enumerate(values):
        found[i][0] = 1 if value > high else -1 if value < low else 0
    for first in range(len(values) - run + 1):
        window = range(first, first + run)
        for sign in (1, -1):
            if all(sign * (values[i] - center) > 0 for i in window):
                for i in window:
                    found[i][1] = sign
            if all(sign * (values[i + 1] - values[i]) > 0 for i in window[:-1]):
                for i in window:
                    found[i][2] = sign
    for first in range(-2, len(values)):
        for sign in (1, -1):
            outer = [i for i in range(max(first, 0), min(first + 3, len(values))) if sign * (values[i] - center) > 2 / 3 * (high - center)]
            for i in outer if len(outer) >= 2 else ():
                found[i][3] = sign
    return [tuple(each) for each in found]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(60, 140), min_size=1, max_size=40), st.sampled_from([6, 7, 8]))
def test_rules_agree_with_a_slow_second_implementation(values, run):
    found = control.signals(values, 100.5, 79.5, 121.5, run=run)
    assert list(found[["beyond", "shift", "trend", "two_of_three"]].itertuples(index=False, name=None)) == slow(
        values, 100.5, 79.5, 121.5, run
    )


@pytest.mark.parametrize(
    ("near", "flagged"),
    [
        # Worked cases of the NHS-R community's charts: which of the points near a limit belong to 2 of 3.
        ([1, 0, 1], [1, 0, 1]),
        ([0, 0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0, 0]),
        ([1, 0, 0, 1], [0, 0, 0, 0]),
        ([1, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
    ],
)
def test_two_of_three_as_the_nhs_charts_find_it(near, flagged):
    values = [12.5 if each else 10.5 for each in near]
    assert rules(values).two_of_three.tolist() == flagged


@pytest.mark.parametrize("n", [8, 13, 24])
@pytest.mark.parametrize("value", [0.1, 0.7, 4.1, 1 / 3])
def test_a_process_that_never_varies_has_no_signal(value, n):
    """The mean of equal values may miss them in the last bit: that is no side of the mean."""
    chart = control.xmr([value] * n)
    assert (chart.signal == "").all()
    share = control.p_chart([round(value * 7)] * n, [41] * n)
    assert (share.signal == "").all()


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=2, max_size=30), st.sampled_from([None, 2, 6]))
@settings(max_examples=60, deadline=None)
def test_missing_periods_change_nothing(values, baseline):
    series = pd.Series(values, dtype="float64")
    if series.notna().sum() < 2:
        return
    whole = control.xmr(series, baseline=baseline)[series.notna()].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, control.xmr(series.dropna().reset_index(drop=True), baseline=baseline))


def test_a_series_without_values_has_no_limits():
    chart = control.xmr([np.nan, np.nan])
    assert chart[["center", "lcl", "ucl"]].isna().all(axis=None)
    assert (control.xmr([1, 2, 3, np.nan], steps=[3]).signal == "").all()


def test_each_segment_may_have_a_baseline_of_its_own():
    values = [10, 12, 11, 30, 50, 52, 51, 90]
    chart = control.xmr(values, steps=[4], baseline=[3, 2])
    assert chart.center.unique().tolist() == [11, 51]
    with pytest.raises(ValueError, match="3 baselines stand against 2 segments"):
        control.xmr(values, steps=[4], baseline=[3, 2, 2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"baseline": 1}, "at least 2 points"),
        ({"steps": [1.5]}, "position inside"),
        ({"steps": [0]}, "position inside"),
        ({"sigmas": 0.0}, "positive number"),
        ({"run": 1}, "at least 2 points"),
    ],
)
def test_senseless_options_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        control.xmr([1, 2, 3, 4], **wrong)


def test_missing_months_are_skipped():
    values = [10, np.nan, 12, 11, 13, np.nan, 12, 10, 11, 12, 13, 11, 12, 10]
    chart = control.xmr(values)
    assert chart.value.isna().sum() == 2
    assert chart[["center", "lcl", "ucl"]].notna().all(axis=None)
    assert chart.signal[1] == ""


@pytest.mark.parametrize(("count", "nobs"), [([5, -1], [10, 10]), ([5, 11], [10, 10]), ([5, 5], [10, 0]), ([5], [10, 10])])
def test_impossible_shares_are_refused(count, nobs):
    with pytest.raises(ValueError, match="count"):
        control.p_chart(count, nobs)


def test_counts_and_sizes_of_other_periods_are_refused():
    with pytest.raises(ValueError, match="count and size have different labels"):
        control.p_chart(pd.Series([1, 2], index=["Jan", "Feb"]), pd.Series([9, 9], index=["Feb", "Mar"]))


def test_bounds_cut_the_limits_but_not_the_zones():
    chart = control.xmr([1, 3, 1, 3, 1, 3, 2], bounds=(0, np.inf))
    assert chart.lcl.iloc[0] == 0
    assert (chart.beyond == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.floats(-1e3, 1e3), st.floats(0.1, 100))
def test_xmr_moves_with_the_scale(values, shift, scale):
    plain = control.xmr(values)
    moved = control.xmr([scale * value + shift for value in values])
    for column in ("center", "lcl", "ucl"):
        assert np.allclose(moved[column], scale * plain[column] + shift, rtol=1e-6, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=12, max_size=36))
def test_p_limits_hold_the_mean_and_stay_shares(counts):
    chart = control.p_chart(counts, 60)
    assert ((chart.lcl <= chart.center + 1e-12) & (chart.center <= chart.ucl + 1e-12)).all()
    assert chart[["lcl", "ucl"]].stack().between(0, 1).all()
