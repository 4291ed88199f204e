"""The funnel: Spiegelhalter's limits, right at the edges, labels that follow the tails, and refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from catchment.stats import funnel


def test_funnel_narrows_with_size_and_crosses_no_more_than_it_should():
    low, high = funnel.limits([5, 50, 500])
    assert (np.diff(low) > 0).all() and (np.diff(high) < 0).all() and (low >= 0).all()
    outer = funnel.limits(50, level=0.998)
    assert outer.low < low[1] < 1 < high[1] < outer.high
    binomial = funnel.limits(100, reference=0.2, distribution="binomial")
    assert 0.1 < binomial.low < 0.2 < binomial.high < 0.3


def test_funnel_interpolates_between_counts_as_spiegelhalter_2005():
    # 10 expected: ppf(0.975) = 17; limit = (17 - (F(17) - .975) / p(17)) / 10
    low, high = funnel.limits(10)
    assert high == pytest.approx((17 - (stats.poisson.cdf(17, 10) - 0.975) / stats.poisson.pmf(17, 10)) / 10)
    assert low == pytest.approx((4 - (stats.poisson.cdf(4, 10) - 0.025) / stats.poisson.pmf(4, 10)) / 10)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.97, 0.999, 1.0])
@pytest.mark.parametrize("level", [0.95, 0.998])
def test_binomial_limits_hold_the_reference_and_stay_between_0_and_1(share, level):
    low, high = funnel.limits(np.arange(1, 60), reference=share, level=level, distribution="binomial")
    assert (low >= 0).all() and (low <= share).all() and (share <= high).all() and (high <= 1).all()


def test_what_chance_may_bring_is_never_outside_at_the_edge():
    # 20 of 20 where 97 % is usual has a probability of 0.54; none of 20 where 3 % is usual likewise.
    assert funnel.signal([20], [20], reference=0.97, distribution="binomial").item() == "as expected"
    assert funnel.signal([0], [20], reference=0.03, distribution="binomial").item() == "as expected"
    # 15 of 20 where 97 % is usual: 0.0002.
    assert funnel.signal([15], [20], reference=0.97, distribution="binomial").item() == "low (99.8 %)"
    assert funnel.signal([0, 0], [0.01, 9.0]).tolist() == ["as expected", "low (99.8 %)"]


def test_signals_follow_the_limits_and_name_what_is_not_known():
    observed, expected = pd.Series([100, 125, 140, 78, 60, 5, np.nan]), pd.Series([100.0, 100, 100, 100, 100, 0, 10])
    wanted = ["as expected", "high (95 %)", "high (99.8 %)", "low (95 %)", "low (99.8 %)", "not known", "not known"]
    assert funnel.signal(observed, expected).tolist() == wanted
    for seen, said in zip([125, 140], ["high (95 %)", "high (99.8 %)"], strict=True):
        assert (stats.poisson.sf(seen - 1, 100) < 0.001) == (said == "high (99.8 %)")


def test_the_curve_holds_the_limits_of_its_sizes():
    curve = funnel.curve([5, 500, 0, np.nan], points=7)
    assert curve["size"].iloc[[0, -1]].tolist() == pytest.approx([5, 500])
    assert np.allclose(curve[["outer_low", "outer_high"]].T, funnel.limits(curve["size"], level=0.998))
    assert funnel.curve([]).empty


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: funnel.limits(10, distribution="Poisson"), "distribution is one of poisson, binomial, not 'Poisson'"),
        (lambda: funnel.limits(10, level=95), "level lies between 0 and 1"),
        (lambda: funnel.limits(10, reference=20, distribution="binomial"), "share between 0 and 1"),
        (lambda: funnel.limits(10.5, reference=0.2, distribution="binomial"), "whole numbers of trials"),
        (lambda: funnel.signal(11, 10, reference=0.2, distribution="binomial"), "must not exceed"),
        (lambda: funnel.signal(pd.Series([1], index=["a"]), pd.Series([1], index=["b"])), "different labels"),
    ],
)
def test_what_no_funnel_is_made_of_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
