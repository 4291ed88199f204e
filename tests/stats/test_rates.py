"""Rates and intervals against published worked examples, a slow second implementation, limits, and simulated coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from catchment.stats import rates

# Fay & Feuer (1997), table 1: Down-syndrome births by mother's age (6 groups) and birth order, Michigan 1950-64 (Selvin).
BIRTHS = np.array(
    [
        [230061, 72202, 15050, 2293, 327],
        [329449, 326701, 175702, 68800, 30666],
        [114920, 208667, 207081, 132424, 123419],
        [39487, 83228, 117300, 98301, 149919],
        [14208, 28466, 45026, 46075, 104088],
        [3052, 5375, 8660, 9834, 34392],
    ]
)
CASES = np.array(
    [
        [107, 25, 3, 1, 0],
        [141, 150, 71, 26, 8],
        [60, 110, 114, 64, 63],
        [40, 84, 103, 89, 112],
        [39, 82, 108, 137, 262],
        [25, 39, 75, 96, 295],
    ]
)


@pytest.mark.parametrize(("order", "expected"), [(0, (92.3, 80.4, 105.8)), (4, (75.5, 67.7, 188.3))])
def test_gamma_limits_of_fay_and_feuer_1997(order, expected):
    rate = rates.age_adjusted_rate(CASES[:, order], BIRTHS[:, order], BIRTHS.mean(axis=1))
    assert tuple(np.round(rate[:3], 1)) == expected


def test_gamma_limits_are_exact_poisson_for_one_age_group():
    rate = rates.age_adjusted_rate([7], [50_000], [1])
    assert np.allclose(rate[:3], np.array([7, *rates.poisson_exact(7)]) * 2)


def test_adjusted_rate_is_the_crude_rate_when_the_population_is_its_own_standard():
    cases, people = np.array([3, 20, 90]), np.array([40_000, 30_000, 9_000])
    assert rates.age_adjusted_rate(cases, people, people).rate_100k == pytest.approx(1e5 * cases.sum() / people.sum())


def test_dobson_byar_by_hand():
    cases, people, standard = np.array([20, 60]), np.array([10_000, 8_000]), np.array([60, 40])
    rate = rates.age_adjusted_rate(cases, people, standard, method="dobson-byar")
    weights = standard / 100 / people
    y, v = weights @ cases, weights**2 @ cases
    low, high = rates.byar(80)
    assert np.allclose(np.array(rate[1:3]) / 1e5, [y + np.sqrt(v / 80) * (low - 80), y + np.sqrt(v / 80) * (high - 80)])


def test_rates_that_cannot_be_given_say_why():
    assert "no population" in rates.age_adjusted_rate([1, 2], [100, 0], [1, 1]).note
    few = rates.age_adjusted_rate([4, 5], [100, 100], [1, 1], method="dobson-byar", least=10)
    assert few.note == "fewer than 10 events"
    assert np.isnan(few.rate_100k)
    none = rates.age_adjusted_rate([0, 0], [100, 100], [1, 1])
    assert none.rate_100k == none.low == 0
    assert none.high > 0
    with pytest.raises(ValueError, match="one value per age group"):
        rates.age_adjusted_rate([1, 2], [100], [1, 1])


# Breslow & Day (1987), volume II: Byar's limits lie within 0.01 of the exact ones from ten events.
@pytest.mark.parametrize("count", [10, 25, 60, 200])
def test_byar_is_close_to_exact_as_breslow_and_day_show(count):
    assert np.allclose(rates.byar(count), rates.poisson_exact(count), atol=0.03)


# Garwood (1936) as tabled by Ulm (1990): 5 events 1.62-11.67, 10 events 4.80-18.39, none 0-3.69.
@pytest.mark.parametrize(("count", "expected"), [(0, (0.0, 3.69)), (1, (0.03, 5.57)), (5, (1.62, 11.67)), (10, (4.80, 18.39))])
def test_exact_poisson_limits_of_garwood(count, expected):
    assert tuple(np.round(rates.poisson_exact(count), 2)) == expected


def test_exact_limits_solve_the_tail_probabilities():
    low, high = rates.poisson_exact(7)
    assert low == pytest.approx(optimize.brentq(lambda m: stats.poisson.sf(6, m) - 0.025, 1, 7))
    assert high == pytest.approx(optimize.brentq(lambda m: stats.poisson.cdf(7, m) - 0.025, 7, 20))


def test_the_switch_from_exact_to_byar_is_at_ten_events():
    low, _ = rates.poisson_limits([9, 10])
    assert low[0] == rates.poisson_exact(9).low != rates.byar(9).low
    assert low[1] == rates.byar(10).low != rates.poisson_exact(10).low


def test_byar_is_not_the_variant_with_half_an_event():
    variant = 10.5 * (1 - 1 / (9 * 10.5) - 1.959964 / 3 * np.sqrt(1 / 10.5)) ** 3
    assert abs(rates.byar(10).low - variant) > 0.2


# Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29 by the score method.
@pytest.mark.parametrize(
    ("count", "nobs", "expected"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_limits_of_newcombe(count, nobs, expected):
    assert np.allclose(rates.wilson(count, nobs), expected, atol=5e-5)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_stays_within_zero_and_one_and_around_the_share(count, nobs):
    count = min(count, nobs)
    low, high = rates.wilson(count, nobs)
    assert 0 <= low <= count / nobs <= high <= 1


def test_wilson_has_no_value_without_trials_and_refuses_the_impossible():
    low, high = rates.wilson([0, 3], [0, 9])
    assert np.isnan([low[0], high[0]]).all() and np.isfinite([low[1], high[1]]).all()
    with pytest.raises(ValueError, match="must not exceed"):
        rates.wilson(4, 3)
    with pytest.raises(ValueError, match="negative"):
        rates.poisson_limits(-1)


def test_sir_of_the_reference_population_is_one_and_without_expectation_it_is_missing():
    reference, people = np.array([5.0, 50.0, 500.0]), np.array([1e5, 1e5, 4e4])
    expected = rates.expected_events(reference, people)
    assert rates.sir(expected, expected).sir == 1
    assert np.isnan(rates.sir([3], [0.0]).sir).all()


def test_sir_takes_series_and_switches_method():
    found = rates.sir(pd.Series([4, 40]), pd.Series([2.0, 20.0]))
    assert np.allclose(found.low, [rates.poisson_exact(4).low / 2, rates.byar(40).low / 20])


def test_funnel_narrows_with_size_and_crosses_no_more_than_it_should():
    low, high = rates.funnel_limits([5, 50, 500])
    assert (np.diff(low) > 0).all() and (np.diff(high) < 0).all() and (low >= 0).all()
    outer = rates.funnel_limits(50, level=0.998)
    assert outer.low < low[1] < 1 < high[1] < outer.high
    binomial = rates.funnel_limits(100, reference=0.2, distribution="binomial")
    assert 0.1 < binomial.low < 0.2 < binomial.high < 0.3


def test_funnel_interpolates_between_counts_as_spiegelhalter_2005():
    # 10 expected: ppf(0.975) = 17; limit = (17 - (F(17) - .975) / p(17)) / 10
    low, high = rates.funnel_limits(10)
    assert high == pytest.approx((17 - (stats.poisson.cdf(17, 10) - 0.975) / stats.poisson.pmf(17, 10)) / 10)
    assert low == pytest.approx((4 - (stats.poisson.cdf(4, 10) - 0.025) / stats.poisson.pmf(4, 10)) / 10)


# NIST StRD "Norris" (certified slope 1.00211681802045, standard error 4.29796848199937e-4), read as log rates per thousandth.
NORRIS = np.array(
    [
        "0.1",
        "0.2",
        "338.8",
        "337.4",
        "118.1",
        "118.2",
        "888.0",
        "884.6",
        "9.2",
        "10.1",
        "228.1",
        "226.5",
        "668.5",
        "666.3",
        "998.5",
        "996.3",
        "449.1",
        "448.6",
        "778.9",
        "777.0",
        "559.2",
        "558.2",
        "0.3",
        "0.4",
        "0.1",
        "0.6",
        "778.1",
        "775.5",
        "668.8",
        "666.9",
        "339.3",
        "338.0",
        "448.9",
        "447.5",
        "10.8",
        "11.6",
        "557.7",
        "556.0",
        "228.3",
        "228.1",
        "998.0",
        "995.8",
        "888.8",
        "887.6",
        "119.6",
        "120.2",
        "0.3",
        "0.3",
        "0.6",
        "0.3",
        "557.6",
        "556.8",
        "339.3",
        "339.1",
        "888.0",
        "887.2",
        "998.5",
        "999.0",
        "778.9",
        "779.0",
        "10.2",
        "11.1",
        "117.6",
        "118.3",
        "228.9",
        "229.2",
        "668.4",
        "669.1",
        "449.2",
        "448.9",
        "0.2",
        "0.5",
    ],
    dtype=float,
).reshape(-1, 2)


def test_apc_reproduces_the_certified_regression_of_nist_norris():
    y, x = NORRIS[:, 0], NORRIS[:, 1]
    # NIST prints y first; the t quantile with 34 degrees of freedom is 2.03224451.
    slope, error = 1.00211681802045e-3, 4.29796848199937e-7
    fit = rates.apc(x, np.exp(y / 1000))
    assert fit.apc == pytest.approx(100 * np.expm1(slope), rel=1e-9)
    assert fit.high == pytest.approx(100 * np.expm1(slope + 2.03224451 * error), rel=1e-8)


def test_apc_finds_exact_growth_and_labels_it():
    years = np.arange(2010, 2021)
    grown = rates.apc(years, 50 * 1.02 ** (years - 2010) * np.exp(0.001 * np.cos(years)))
    assert grown.apc == pytest.approx(2.0, abs=0.05) and grown.label == "rising"
    assert rates.apc(years, 50 * 0.97 ** (years - 2010)).label == "falling"
    assert rates.apc(years, 50 + 5 * np.cos(3.0 * years)).label == "stable"


def test_apc_weights_years_by_their_precision():
    years, rate = np.arange(2015, 2022), np.array([10, 10.4, 10.7, 11.2, 11.6, 12.1, 6.0])
    weighted = rates.apc(years, rate, standard_error=[0.1] * 6 + [5.0])
    assert weighted.apc > 3 > rates.apc(years, rate).apc


def test_apc_without_a_logarithm_or_years_says_so():
    assert rates.apc([2000, 2001, 2002], [1, 0, 2]).note == "a year without events"
    assert rates.apc([2000, 2001], [1, 2]).label == "not available"
    assert rates.apc([2000, 2001, 2002, 2003], [1, np.nan, 1.1, 1.2]).note == ""


def test_apc_by_group():
    frame = pd.DataFrame({"site": ["a"] * 4 + ["b"] * 4, "year": [1, 2, 3, 4] * 2, "rate_100k": [1, 1.1, 1.21, 1.33, 2, 1.8, 1.63, 1.45]})
    assert rates.apc_by(frame, ["site"])["trend"].tolist() == ["rising", "falling"]


@pytest.mark.slow
@pytest.mark.parametrize("mean", [3.0, 12.0, 80.0])
def test_poisson_limits_cover_what_they_promise(mean):
    counts = np.random.default_rng(1).poisson(mean, 20_000)
    low, high = rates.poisson_limits(counts)
    assert 0.945 <= ((low <= mean) & (mean <= high)).mean() <= 0.995


@pytest.mark.slow
@pytest.mark.parametrize(("share", "n"), [(0.05, 60), (0.3, 40), (0.5, 200)])
def test_wilson_covers_on_average(share, n):
    counts = np.random.default_rng(2).binomial(n, share, 20_000)
    low, high = rates.wilson(counts, n)
    assert 0.93 <= ((low <= share) & (share <= high)).mean() <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fay-feuer", "dobson-byar"])
def test_adjusted_rate_limits_cover(method):
    random, people, standard = np.random.default_rng(3), np.array([9000, 6000, 1500]), np.array([30, 40, 30])
    true = np.array([20, 150, 900]) / 1e5
    truth, hits = 1e5 * (true @ standard) / 100, []
    for _ in range(2000):
        found = rates.age_adjusted_rate(random.poisson(true * people), people, standard, method=method)
        hits.append(found.low <= truth <= found.high)
    assert 0.94 <= np.mean(hits) <= 0.99


@pytest.mark.slow
def test_apc_interval_covers():
    random, years, hits = np.random.default_rng(4), np.arange(2012, 2022), []
    for _ in range(1000):
        found = rates.apc(years, 100 * 1.01 ** (years - 2012) * np.exp(random.normal(0, 0.03, 10)))
        hits.append(found.low <= 1.0 <= found.high)
    assert 0.93 <= np.mean(hits) <= 0.97
