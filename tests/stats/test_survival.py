"""Waiting times: published survival examples, censoring, and the guard against giving single patients away."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

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
    plain = [np.mean(np.array(days) > time) for time in curve["time"]]
    assert np.allclose(curve["survival_share"], plain, atol=1e-12)


WAITS = st.lists(st.tuples(st.integers(0, 25), st.booleans(), st.sampled_from("ABC")), min_size=2, max_size=80)


@settings(max_examples=60, deadline=None)
@given(WAITS)
def test_the_curve_is_that_of_statsmodels_with_a_row_for_every_censoring(rows):
    days, seen, _ = (np.array(column) for column in zip(*rows, strict=True))
    curve = survival.kaplan_meier(days, seen)
    assert curve["time"].tolist() == sorted(set(days))
    assert curve["at_risk_n"].tolist() == [int((days >= time).sum()) for time in curve["time"]]
    if seen.any():
        peer, own = SurvfuncRight(days, seen.astype(int)), curve[curve["events_n"] > 0]
        assert own["time"].tolist() == peer.surv_times.tolist()
        assert own["survival_share"].to_numpy() == pytest.approx(peer.surv_prob, abs=1e-12)
        # Greenwood's error, through the log-log limits.
        inside = own[(own["survival_share"] > 0) & (own["survival_share"] < 1)]
        error = peer.surv_prob_se[own["survival_share"].between(0, 1, inclusive="neither").to_numpy()]
        width = 1.959964 * error / (inside["survival_share"] * np.log(inside["survival_share"]))
        assert inside["survival_low"].to_numpy() == pytest.approx(inside["survival_share"] ** np.exp(-width), abs=1e-6)
    else:
        assert (curve["survival_share"] == 1).all()
        assert np.isnan(survival.median(days, seen)).all()


@settings(max_examples=60, deadline=None)
@given(WAITS)
def test_the_logrank_test_is_that_of_statsmodels_where_that_has_an_answer(rows):
    days, seen, group = (np.array(column) for column in zip(*rows, strict=True))
    found = survival.logrank(days, seen, group)
    # Statsmodels has no answer where everybody at risk has the event at once. A group has a say when somebody in it is still at risk at the first event.
    says = sorted(name for name in set(group) if seen.any() and days[group == name].max() >= days[seen].min())
    assert found.df == max(len(says) - 1, 0)
    if found.chi2 > 0 and len(says) == 2:
        inside = np.isin(group, says)
        chi2, pvalue = survdiff(days[inside], seen[inside].astype(int), group[inside])
        assert found.chi2 == pytest.approx(chi2, rel=1e-6, abs=1e-8)
        assert found.pvalue == pytest.approx(pvalue, rel=1e-6)


def test_the_logrank_test_of_five_groups_is_that_of_statsmodels():
    rng = np.random.default_rng(5)
    for _ in range(20):
        days, seen, group = rng.integers(0, 30, 150), rng.random(150) < 0.7, rng.integers(0, 5, 150)
        found = survival.logrank(days, seen, group)
        assert (found.chi2, found.pvalue) == pytest.approx(survdiff(days, seen.astype(int), group), rel=1e-9)


def test_a_group_that_is_gone_before_the_first_event_takes_no_part():
    days, seen = [1, 1, 5, 6, 7, 8], [0, 0, 1, 1, 1, 1]
    three = survival.logrank(days, seen, ["gone", "gone", "A", "B", "A", "B"])
    two = survival.logrank(days[2:], seen[2:], ["A", "B", "A", "B"])
    assert (three.df, three.chi2) == (1, pytest.approx(two.chi2))
    assert survival.logrank(days[:4], seen[:4], ["gone", "gone", "A", "A"]).df == 0
    assert np.isnan(survival.logrank([3, 4, 5], [0, 0, 0], ["A", "B", "B"]).pvalue)


@pytest.mark.parametrize(
    "values", [([1, np.nan], [1, 1]), ([1, -2], [1, 1]), ([1, 2], [1, 2]), ([1, 2], [1, np.nan]), ([1, np.inf], [1, 1])]
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
    assert table.loc["three"].drop(["patients_n", "observed_patients_n"]).isna().all()
    assert survival.waits(cases.head(0), start="start", event="event", until="until", by=["site"]).empty
