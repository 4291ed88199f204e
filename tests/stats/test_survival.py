"""Waiting times: published survival examples, censoring, and the guard against giving single patients away."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from catchment.stats import survival

# Freireich et al. (1963), Blood 21:699: weeks of remission of leukemia; the standard example of Cox (1972) and Kleinbaum and Klein.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
TREATED_SEEN = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_kaplan_meier_reproduces_freireich():
    curve = survival.kaplan_meier(TREATED, TREATED_SEEN).set_index("time")
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert curve.loc[list(published), "survival_share"].round(3).to_dict() == published
    assert curve.loc[6, ["at_risk_n", "events_n"]].tolist() == [21, 3]
    # R survfit(conf.type = "log-log")
    assert curve.loc[6, ["survival_low", "survival_high"]].round(3).tolist() == [0.620, 0.952]


def test_medians_and_logrank_reproduce_freireich():
    assert survival.median(TREATED, TREATED_SEEN).estimate == 23
    assert survival.median(TREATED, TREATED_SEEN).low == 13
    assert np.isnan(survival.median(TREATED, TREATED_SEEN).high)
    assert survival.median(PLACEBO, np.ones(21)).estimate == 8
    test = survival.logrank(TREATED + PLACEBO, TREATED_SEEN + [1] * 21, ["6-MP"] * 21 + ["placebo"] * 21)
    assert (round(test.chi2, 2), test.df) == (16.79, 1)
    assert test.pvalue < 0.0001


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=3, max_size=60))
def test_without_censoring_the_curve_is_the_plain_share_still_waiting(days):
    curve = survival.kaplan_meier(days, np.ones(len(days)))
    assert len(curve) == len(set(days))
    plain = [np.mean(np.array(days) > time) for time in curve["time"]]
    assert np.allclose(curve["survival_share"], plain, atol=1e-12)


WAITS = st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.sampled_from("ABC")), min_size=2, max_size=80)


def censored(days, seen):
    """The same waits as scipy takes them, an implementation of its own."""
    seen = np.asarray(seen, dtype=bool)
    return stats.CensoredData(uncensored=np.asarray(days, float)[seen], right=np.asarray(days, float)[~seen])


@settings(max_examples=60, deadline=None)
@given(WAITS)
def test_the_curve_is_that_of_scipy(rows):
    days, seen, _ = (np.array(column) for column in zip(*rows, strict=True))
    curve = survival.kaplan_meier(days, seen)
    assert curve["time"].tolist() == sorted(set(days[seen]))
    assert curve["at_risk_n"].tolist() == [int((days >= time).sum()) for time in curve["time"]]
    if seen.any():
        peer = stats.ecdf(censored(days, seen)).sf
        assert curve["survival_share"].to_numpy() == pytest.approx(peer.evaluate(curve["time"].to_numpy()), abs=1e-12)
        for limits, method in (("log-log", "log-log"), ("plain", "linear")):
            own, inside = survival.kaplan_meier(days, seen, limits=limits), curve["survival_share"].between(0, 1, inclusive="neither")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # scipy's, of the times at which the curve is 0 or 1
                low, high = peer.confidence_interval(method=method)
            at = own.loc[inside, "time"].to_numpy()
            assert own.loc[inside, "survival_low"].to_numpy() == pytest.approx(low.evaluate(at), abs=1e-9)
            assert own.loc[inside, "survival_high"].to_numpy() == pytest.approx(high.evaluate(at), abs=1e-9)
    else:
        assert curve.empty
        assert np.isnan(survival.median(days, seen)).all()


@pytest.mark.parametrize(
    ("limits", "low", "high"),
    [
        ("log", [0.720, 0.653, 0.586, 0.510, 0.439, 0.337, 0.249], [1.000, 0.996, 0.968, 0.935, 0.896, 0.858, 0.807]),
        ("log-log", [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188], [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]),
        ("plain", [0.707, 0.636, 0.564, 0.481, 0.404, 0.286, 0.184], [1.000, 0.977, 0.942, 0.900, 0.851, 0.789, 0.712]),
    ],
)
def test_errors_and_limits_are_those_that_r_prints(limits, low, high):
    # summary(survfit(Surv(time, status) ~ 1, conf.type = …)) of the 6-MP group.
    curve = survival.kaplan_meier(TREATED, TREATED_SEEN, limits=limits)
    assert curve["survival_se"].round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert curve["survival_low"].to_numpy() == pytest.approx(low, abs=6e-4)
    assert curve["survival_high"].to_numpy() == pytest.approx(high, abs=6e-4)


def test_other_limits_are_refused():
    with pytest.raises(ValueError, match="log-log, log or plain, not 'logit'"):
        survival.kaplan_meier(TREATED, TREATED_SEEN, limits="logit")
    with pytest.raises(ValueError, match=r"event must be 1 \(it came\) or 0"):
        survival.kaplan_meier([1, 2], [1, 2])
    with pytest.raises(ValueError, match="alpha"):
        survival.cumulative_incidence([1, 2], [1, 2], alpha=1.5)


# Competing risks: 18 patients, three causes; estimates of R's cmprsk::cuminc, standard errors of Stata's stcompet.
ENDED = [1, 1, 2, 4, 4, 4, 6, 6, 7, 8, 9, 9, 9, 1, 2, 2, 4, 4]
CAUSE = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
INCIDENCE = {
    1: ([0.11111111, *[0.17037037] * 6], [0.07407407, *[0.08976251] * 6]),
    2: ([0, 0, *[0.20740741] * 5], [0, 0, *[0.10610391] * 5]),
    3: ([0, 0, 0, 0.17777778, 0.26666667, 0.26666667, 0.26666667], [0, 0, 0, 0.11196147, 0.12787781, 0.12787781, 0.12787781]),
}


@pytest.mark.parametrize("cause", INCIDENCE)
def test_cumulative_incidence_is_that_of_r_and_its_error_that_of_stata(cause):
    curve = survival.cumulative_incidence(ENDED, np.select([cause == CAUSE, CAUSE > 0], [1, 2], 0))
    share, error = INCIDENCE[cause]
    assert curve["time"].tolist() == [1, 2, 4, 6, 7, 8, 9]
    assert curve["incidence_share"].to_numpy() == pytest.approx(share, abs=1e-8)
    assert curve["incidence_se"].to_numpy() == pytest.approx(error, abs=1e-8)


def test_cumulative_incidence_worked_by_hand():
    # Four patients: seen on day 1, closed on day 2, seen on day 3, still waiting on day 4.
    curve = survival.cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0])
    assert curve[["at_risk_n", "events_n", "closed_n"]].values.tolist() == [[4, 1, 0], [3, 0, 1], [2, 1, 0], [1, 0, 0]]
    # 1/4; nothing; the 1/2 still open times 1 of 2.
    assert curve["incidence_share"].tolist() == pytest.approx([0.25, 0.25, 0.5, 0.5])
    # Of all followed to the end the error is that of a proportion, and F ** exp(1.96 se / (F ln F)) its limits.
    everyone = survival.cumulative_incidence([10] * 40 + [5] * 60, [1] * 40 + [2] * 60).iloc[-1]
    assert everyone["incidence_se"] == pytest.approx(np.sqrt(0.4 * 0.6 / 100))
    width = 1.959964 * everyone["incidence_se"] / (0.4 * np.log(0.4))
    assert everyone[["incidence_low", "incidence_high"]].tolist() == pytest.approx([0.4 ** np.exp(-width), 0.4 ** np.exp(width)], rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from((0, 1, 2))), min_size=2, max_size=80))
def test_what_came_and_what_was_closed_add_up_to_what_is_no_longer_open(rows):
    days, ended = (np.array(column) for column in zip(*rows, strict=True))
    came = survival.cumulative_incidence(days, ended).set_index("time")["incidence_share"]
    gone = survival.cumulative_incidence(days, np.select([ended == 1, ended == 2], [2, 1], 0)).set_index("time")["incidence_share"]
    if (ended > 0).any():
        still = stats.ecdf(censored(days, ended > 0)).sf.evaluate(came.index.to_numpy())
        assert (1 - came - gone).to_numpy() == pytest.approx(still, abs=1e-12)
    assert came.is_monotonic_increasing


def test_a_wait_that_most_never_end_has_no_median():
    # 40 of 100 are seen on day 10, 60 decline on day 5: Kaplan-Meier would say that half, and nine in ten, are seen within 10 days.
    start = pd.Timestamp("2025-01-01")
    seen = pd.Series([start + pd.Timedelta(days=10)] * 40 + [pd.NaT] * 60)
    until = pd.Series([start + pd.Timedelta(days=10)] * 40 + [start + pd.Timedelta(days=5)] * 60)
    cases = pd.DataFrame({"referred": start, "seen": seen, "until": until})
    clock = {"start": "referred", "event": "seen", "until": "until"}
    row = survival.waits(cases.assign(closed=survival.closed(until)), **clock, closed="closed").iloc[0]
    assert row["ever_share"] == pytest.approx(0.4)
    assert row[["median_days", "p75_days", "p90_days"]].isna().all()
    assert row[["patients_n", "observed_patients_n", "censored_share"]].tolist() == [100, 40, 0]
    # Were the 60 still waiting, nobody would know.
    assert survival.waits(cases, **clock).iloc[0]["median_days"] == 10


def test_a_case_is_closed_when_it_was_not_followed_to_the_end_of_the_data():
    until = pd.Series(pd.to_datetime(["2025-03-01", "2025-12-31", "2025-12-31"]))
    assert survival.closed(until).tolist() == [True, False, False]
    assert survival.closed(until.head(0)).empty


def test_a_share_that_tells_of_a_handful_is_not_told():
    cases = dated([*range(1, 41)], [True] * 35 + [False] * 5, ["A"] * 40)
    table = survival.waits(cases, start="start", event="event", until="until", by=["site"], smallest=11)
    assert table[["ever_share", "censored_share"]].isna().all(axis=None)
    assert table[["ever_share_suppressed", "censored_share_suppressed"]].all(axis=None)
    assert table.loc[0, "median_days"] == 20


@settings(max_examples=60, deadline=None)
@given(WAITS)
def test_the_logrank_test_is_that_of_scipy(rows):
    days, seen, group = (np.array(column) for column in zip(*rows, strict=True))
    found = survival.logrank(days, seen, group)
    # A group has a say when somebody in it is still at risk at the first event.
    says = sorted(name for name in set(group) if seen.any() and days[group == name].max() >= days[seen].min())
    assert found.df == max(len(says) - 1, 0)
    if found.chi2 > 0 and len(says) == 2:
        peer = stats.logrank(*(censored(days[group == name], seen[group == name]) for name in says))
        assert found.chi2 == pytest.approx(peer.statistic**2, rel=1e-9)
        assert found.pvalue == pytest.approx(peer.pvalue, rel=1e-6)


def test_everybody_seen_at_once_is_no_difference():
    assert survival.logrank([4, 4, 4, 4], [1, 1, 1, 1], list("AABB"))[:2] == (0.0, 1)


def test_a_group_that_is_gone_before_the_first_event_takes_no_part():
    days, seen = [1, 1, 5, 6, 7, 8], [0, 0, 1, 1, 1, 1]
    three = survival.logrank(days, seen, ["gone", "gone", "A", "B", "A", "B"])
    two = survival.logrank(days[2:], seen[2:], ["A", "B", "A", "B"])
    assert (three.df, three.chi2) == (1, pytest.approx(two.chi2))
    assert survival.logrank(days[:4], seen[:4], ["gone", "gone", "A", "A"]).df == 0
    assert np.isnan(survival.logrank([3, 4, 5], [0, 0, 0], ["A", "B", "B"]).pvalue)


@pytest.mark.parametrize(
    "values", [([1, np.nan], [1, 1]), ([1, -2], [1, 1]), ([1, 2], [1, 3]), ([1, 2], [1, np.nan]), ([1, np.inf], [1, 1])]
)
def test_what_is_not_a_wait_is_refused_everywhere(values):
    for asked in (survival.kaplan_meier, survival.median, lambda days, seen: survival.logrank(days, seen, ["A", "B"])):
        with pytest.raises(ValueError, match=r"duration|event"):
            asked(*values)
    with pytest.raises(ValueError, match="group"):
        survival.logrank([1, 2, 3], [1, 1, 1], ["A", "B", None])


def test_centers_where_nobody_has_been_treated_yet_are_compared_with_nothing():
    waiting = dated([9, 12, 30, 4], [False] * 4, ["A", "A", "B", "B"])
    found = survival.contrast(waiting, start="start", event="event", until="until", by="site", least=1)
    assert found.test.df == 0
    assert found.waits[["pvalue", "adjusted", "median_days"]].isna().all(axis=None)


def cases(**columns):
    base = {"center": ["A"] * 4, "referred": pd.to_datetime(["2025-01-01"] * 4)}
    return pd.DataFrame(base | {name: pd.to_datetime(values) for name, values in columns.items()})


def test_open_waits_are_censored_rather_than_left_out():
    frame = cases(seen=["2025-01-11", "2025-01-21", None, None], until=["2025-01-11", "2025-01-21", "2025-03-01", "2025-03-01"])
    table = survival.waits(frame, start="referred", event="seen", until="until", by=["center"])
    assert table.loc[0, ["center", "patients_n", "observed_patients_n", "censored_share"]].tolist() == ["A", 4, 2, 0.5]
    # The mean of completed waits is 15 days; half of the patients had been seen by day 20.
    assert table.loc[0, "median_days"] == 20
    assert np.isnan(table.loc[0, "p90_days"])


def test_an_event_before_its_start_is_refused_with_its_row():
    frame = cases(seen=["2025-01-11", "2024-12-21", None, None], until=["2025-01-11"] * 4)
    with pytest.raises(ValueError, match=r"row 1: seen lies before referred \(2025-01-01\)"):
        survival.waits(frame, start="referred", event="seen", until="until")


@pytest.mark.parametrize(("duration", "event"), [([], []), ([1, 2], [1]), ([-1, 2], [1, 1]), ([np.nan, 2], [1, 1])])
def test_impossible_durations_are_refused(duration, event):
    with pytest.raises(ValueError, match="duration"):
        survival.kaplan_meier(duration, event)


def test_logrank_of_one_group_says_nothing():
    assert np.isnan(survival.logrank([1, 2], [1, 1], ["A", "A"]).chi2)


def test_progress_never_steps_by_fewer_patients_than_may_be_shown():
    sizes = {"large": 400, "middle": 120, "small": 50, "tiny": 40}
    frame = pd.DataFrame({"center": np.repeat(list(sizes), list(sizes.values()))})
    day = np.concatenate([np.arange(n) for n in sizes.values()])
    frame["referred"] = pd.Timestamp("2025-01-01")
    frame["seen"] = frame["referred"] + pd.to_timedelta(day, unit="D")
    frame["until"] = frame["seen"]
    curve = survival.progress(frame, start="referred", event="seen", until="until", by="center")
    assert set(curve["center"]) == {"large", "middle", "small"}
    steps = curve.groupby("center")["done_share"].diff().groupby(curve["center"]).min()
    assert all(steps[name] * sizes[name] >= 11 - 1e-9 for name in steps.index)
    # Read sideways: half of the 400 who are seen one a day have been seen by day 199.
    large = curve[curve["center"] == "large"]
    assert large.loc[np.isclose(large["done_share"], 0.5), "days"].tolist() == [199]


def dated(days, seen, group):
    """Cases whose wait is `days`, seen or still waiting."""
    start = pd.Timestamp("2025-01-01")
    end = start + pd.to_timedelta(days, unit="D")
    return pd.DataFrame({"site": group, "start": start, "event": pd.Series(end).where(pd.Series(seen, dtype=bool)), "until": end})


def test_contrast_of_two_groups_is_the_logrank_test_of_freireich():
    cases = dated(TREATED + PLACEBO + [3] * 5, TREATED_SEEN + [1] * 26, ["6-MP"] * 21 + ["placebo"] * 21 + ["few"] * 5)
    found = survival.contrast(cases, start="start", event="event", until="until", by="site", least=20)
    assert (round(found.test.chi2, 2), found.test.df, found.left_out_n) == (16.79, 1, 1)
    # Against all others, two groups have the same test; the control of false discoveries leaves equal values as they are.
    assert found.waits["pvalue"].tolist() == pytest.approx([found.test.pvalue] * 2)
    assert found.waits["adjusted"].tolist() == pytest.approx([found.test.pvalue] * 2)
    assert found.waits[["site", "median_days"]].values.tolist() == [["6-MP", 23], ["placebo", 8]]


def test_contrast_without_two_large_groups_tests_nothing():
    found = survival.contrast(dated(TREATED, TREATED_SEEN, ["one"] * 21), start="start", event="event", until="until", by="site", least=50)
    assert found.waits.empty
    assert (found.test.df, found.left_out_n) == (0, 1)


def test_the_days_of_a_handful_of_patients_are_not_told():
    cases = dated([*PLACEBO, 9, 9, 9], np.ones(24), ["many"] * 21 + ["three"] * 3)
    table = survival.waits(cases, start="start", event="event", until="until", by=["site"], smallest=11).set_index("site")
    assert table.loc["many", "median_days"] == 8
    assert table.loc["three"].loc[["ever_share", "censored_share", "median_days", "p90_days"]].isna().all()
    assert survival.waits(cases.head(0), start="start", event="event", until="until", by=["site"]).empty
