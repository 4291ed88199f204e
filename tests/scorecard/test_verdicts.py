"""What a control chart says of its newest point: variation, assurance, shifts that have lasted and where they began."""

import numpy as np
import pytest

from catchment.scorecard import verdicts
from catchment.stats import control


def flat(n: int = 20) -> np.ndarray:
    """Alternates around 10 without ever breaking a rule."""
    return 10 + np.tile([-0.5, 0.5], n // 2)


def test_a_process_that_never_varies_meets_its_own_value():
    assert verdicts.assurance(control.xmr([0.7] * 13), 0.7, better="higher").kind == "pass"


def test_an_unknown_direction_is_refused():
    chart = control.xmr(flat())
    for verdict in (lambda: verdicts.variation(chart, better="up"), lambda: verdicts.assurance(chart, 5, better="up")):
        with pytest.raises(ValueError, match="better is one of higher, lower, neither, not 'up'"):
            verdict()


def test_verdicts_wait_for_points_after_a_declared_step():
    """Twenty points of the former process do not let three points of the new one be judged."""
    old, new = [10, 12] * 10, [40, 41, 42]
    chart = control.xmr(old + new, steps=[20])
    assert verdicts.variation(chart, better="higher").words == "too few points to judge (3 of 12)"
    assert verdicts.assurance(chart, 5, better="higher").kind == "unknown"
    later = control.xmr(old + [40, 42] * 6, steps=[20])
    assert verdicts.variation(later, better="higher").kind == "common"
    assert verdicts.assurance(later, 30, better="higher").kind == "pass"


@pytest.mark.parametrize(("better", "kind"), [("higher", "improvement"), ("lower", "concern")])
def test_variation_is_judged_by_direction(better, kind):
    values = flat()
    values[-1] = 20
    verdict = verdicts.variation(control.xmr(values, baseline=18), better=better)
    assert verdict.kind == kind
    assert "above the upper limit" in verdict.words
    assert "H" in verdict.icon


def test_a_change_that_is_neither_good_nor_bad():
    values = flat()
    values[-1] = 20
    chart = control.xmr(values, baseline=18)
    assert verdicts.variation(chart, better="neither").kind == "change"
    assert verdicts.assurance(chart, 12, better="neither").kind == "unknown"


def test_variation_looks_at_the_newest_point_only():
    values = flat()
    values[14] = 20
    chart = control.xmr(values, baseline=12)
    assert chart.beyond[14] == 1
    assert verdicts.variation(chart, better="higher").kind == "common"


def test_two_points_make_no_verdict():
    chart = control.xmr([1.0, 2.0])
    assert verdicts.variation(chart, better="higher").kind == "unknown"
    assert verdicts.assurance(chart, 1.5, better="higher").kind == "unknown"


@pytest.mark.parametrize(
    ("target", "better", "kind"),
    [
        (5, "higher", "pass"),
        (20, "higher", "fail"),
        (10, "higher", "either"),
        (5, "lower", "fail"),
        (20, "lower", "pass"),
        (10, "lower", "either"),
    ],
)
def test_assurance(target, better, kind):
    assert verdicts.assurance(control.xmr(flat()), target, better=better).kind == kind


def test_a_run_of_misses_is_no_chance_and_neither_is_one_of_hits():
    values = flat()
    wide = control.xmr(values).assign(lcl=5.0, ucl=15.0)
    assert verdicts.assurance(wide, 10.1, better="higher").kind == "either"
    assert verdicts.assurance(wide, 10.6, better="higher").words == "missed the target 20 times in a row"
    assert verdicts.assurance(wide, 10.6, better="lower").words == "met the target 20 times in a row"
    assert verdicts.assurance(wide, 10.6, better="higher", run=21).kind == "either"
    assert verdicts.streak(wide, 10.6, better="higher") == -20
    assert verdicts.streak(wide, 10.5, better="higher") == 1, "on the target is met"
    assert verdicts.streak(wide, 10.1, better="lower") == -1


def test_limits_of_a_process_that_is_gone_judge_nothing():
    """Both old limits lie on the good side, eight points since the shift do not."""
    values = np.r_[np.tile([10.5, 9.5], 10), 20, 21, 19, 21, 22, 20, 21, 19]
    chart = control.xmr(values, baseline=20)
    assert verdicts.assurance(chart, 18, better="lower").words == "missed the target 8 times in a row"
    assert verdicts.assurance(chart, 20.5, better="lower").words == "met the target 4 of 8 times since the shift"


def test_a_sustained_shift_is_found_where_it_begins():
    values = [10, 12] * 6 + [20, 22] * 6
    chart = control.xmr(values, baseline=12)
    assert verdicts.sustained(chart, least=12) == 12
    assert verdicts.sustained(chart, least=13) is None
    assert verdicts.sustained(chart, least=12, after=13) is None, "the run opens with a point that lay there by chance, at place 11"
    assert verdicts.sustained(control.xmr(values, steps=[12]), least=12) is None
    assert verdicts.sustained(control.xmr([20, 22] * 6 + [10, 12] * 6, baseline=24), least=12) == 12
    gaps = [*values[:12], np.nan, *values[12:]]
    assert verdicts.sustained(control.xmr(gaps, baseline=12), least=12) == 13


@pytest.mark.parametrize(
    ("run", "place"),
    [
        ([10.4, 10.2, 13.0, 13.4, 12.9, 13.2], 2),  # a step that two points by chance precede
        ([13.0, 13.4, 12.9], 0),
        ([10.1, 11.0, 12.0, 13.0, 14.0, 15.0], 1),  # a line that leaves the mean
        ([13.0], 0),
    ],
)
def test_the_onset_of_a_departure(run, place):
    assert verdicts.onset(run, 10.0) == place
    assert verdicts.onset([20 - each for each in run], 10.0) == place
