"""Empirical Bayes: Clayton & Kaldor's lip cancer estimates, esda as second implementation, shrinkage and limits."""

import numpy as np
import pytest
import statsmodels.api as sm
from esda.smoothing import Empirical_Bayes

from catchment.stats import rates, shrinkage

# Clayton & Kaldor (1987), lip cancer in 56 Scottish districts: maximum likelihood nu = 1.88, alpha = 1.32.
LIP_O = [
    9,
    39,
    11,
    9,
    15,
    8,
    26,
    7,
    6,
    20,
    13,
    5,
    3,
    8,
    17,
    9,
    2,
    7,
    9,
    7,
    16,
    31,
    11,
    7,
    19,
    15,
    7,
    10,
    16,
    11,
    5,
    3,
    7,
    8,
    11,
    9,
    11,
    8,
    6,
    4,
    10,
    8,
    2,
    6,
    19,
    3,
    2,
    3,
    28,
    6,
    1,
    1,
    1,
    1,
    0,
    0,
]
LIP_E = [
    1.4,
    8.7,
    3.0,
    2.5,
    4.3,
    2.4,
    8.1,
    2.3,
    2.0,
    6.6,
    4.4,
    1.8,
    1.1,
    3.3,
    7.8,
    4.6,
    1.1,
    4.2,
    5.5,
    4.4,
    10.5,
    22.7,
    8.8,
    5.6,
    15.5,
    12.5,
    6.0,
    9.0,
    14.4,
    10.2,
    4.8,
    2.9,
    7.0,
    8.5,
    12.3,
    10.1,
    12.7,
    9.4,
    7.2,
    5.3,
    18.8,
    15.8,
    4.3,
    14.6,
    50.7,
    8.2,
    5.6,
    9.3,
    88.7,
    19.6,
    3.4,
    3.6,
    5.7,
    7.0,
    4.2,
    1.8,
]


def test_clayton_kaldor_lip_cancer():
    fit = shrinkage.poisson_gamma(LIP_O, LIP_E)
    assert (round(fit.nu, 2), round(fit.alpha, 2)) == (1.88, 1.32)
    assert fit.value[0] == pytest.approx((9 + fit.nu) / (1.4 + fit.alpha))
    assert (fit.low < fit.value).all() and (fit.value < fit.high).all()


def test_marshall_agrees_with_esda_where_the_variance_is_positive():
    random = np.random.default_rng(7)
    people = random.integers(500, 50_000, 40)
    cases = random.poisson(people * random.gamma(4, 0.001, 40))
    ours = shrinkage.empirical_bayes(cases, people)
    assert np.allclose(ours.value, 1e5 * Empirical_Bayes(cases, people).r.ravel())


def test_smoothing_draws_every_rate_towards_the_mean_and_small_ones_most():
    people = np.array([1_000, 100_000, 50_000, 2_000])
    cases = np.array([4, 110, 90, 1])
    found = shrinkage.empirical_bayes(cases, people)
    mean, raw = 1e5 * cases.sum() / people.sum(), 1e5 * cases / people
    assert (np.abs(found.value - mean) <= np.abs(raw - mean) + 1e-9).all()
    assert found.weight[0] < found.weight[3] < found.weight[2] < found.weight[1]


def test_no_spread_means_the_mean_for_all():
    even = shrinkage.empirical_bayes([10, 20, 30], [1000, 2000, 3000])
    assert np.allclose(even.value, 1000) and (even.weight == 0).all()
    pooled = shrinkage.poisson_gamma([10, 20, 30], [10, 20, 30])
    assert np.allclose(pooled.value, 1) and np.isinf(pooled.nu)
    assert np.allclose([pooled.low, pooled.high], np.array(rates.poisson_exact(60))[:, None] / 60)


def test_a_single_area_has_the_limits_of_its_count_not_none():
    fit = shrinkage.poisson_gamma([5], [4.0])
    assert fit.value[0] == pytest.approx(1.25)
    assert (fit.low[0], fit.high[0]) == pytest.approx([limit / 4 for limit in rates.poisson_exact(5)])


def test_the_prior_is_the_negative_binomial_fit_of_statsmodels():
    random = np.random.default_rng(3)
    due = random.uniform(3, 60, 120)
    seen = random.poisson(random.gamma(8, 1 / 8, 120) * due)
    other = sm.NegativeBinomial(seen, np.ones((120, 1)), offset=np.log(due)).fit(disp=0, method="bfgs", maxiter=500)
    fit = shrinkage.poisson_gamma(seen, due)
    assert (fit.nu, fit.nu / fit.alpha) == pytest.approx((1 / other.params[1], np.exp(other.params[0])), rel=1e-3)


def test_zero_population_gets_the_mean_and_none_at_all_is_missing():
    found = shrinkage.empirical_bayes([0, 5, 30], [0, 1000, 2000])
    assert found.value[0] == pytest.approx(1e5 * 35 / 3000)
    assert np.isnan(shrinkage.empirical_bayes([0], [0]).value).all()
    fit = shrinkage.poisson_gamma([*LIP_O, 0], [*LIP_E, 0])
    assert fit.value[-1] == pytest.approx(fit.nu / fit.alpha)
    assert np.isnan(shrinkage.poisson_gamma([0], [0]).value).all()


@pytest.mark.slow
def test_posterior_intervals_cover_the_true_ratios():
    random, hits = np.random.default_rng(11), []
    for _ in range(150):
        expected = random.uniform(2, 60, 60)
        truth = random.gamma(8, 1 / 8, 60)
        fit = shrinkage.poisson_gamma(random.poisson(expected * truth), expected)
        hits.append(((fit.low <= truth) & (truth <= fit.high)).mean())
    assert 0.93 <= np.mean(hits) <= 0.97
