"""Rates and intervals against published worked examples, a slow second implementation, limits, and simulated coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.rates import confint_poisson

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


def test_gamma_limits_to_the_digits_that_dsrtest_prints():
    """R package dsrTest 0.2.1, vignette: the same births of order 5 and later."""
    rate = rates.age_adjusted_rate(CASES[:, 4], BIRTHS[:, 4], BIRTHS.sum(axis=1))
    assert rate[:3] == pytest.approx((75.52901, 67.70212, 188.30017), abs=5e-6)


def test_the_interval_that_seer_stat_prints():
    """Tiwari, Clegg & Zou (2006): to each age group 1/k of an event is added for the upper limit; written out with scipy's gamma law."""
    cases, births, standard = CASES[:, 4], BIRTHS[:, 4], BIRTHS.sum(axis=1)
    weights = standard / standard.sum() / births
    more = cases + 1 / len(cases)
    mean, variance = (weights * more).sum(), (weights**2 * more).sum()
    upper = stats.gamma.ppf(0.975, mean**2 / variance, scale=variance / mean)
    ours, wide = (rates.age_adjusted_rate(cases, births, standard, method=method) for method in ("tiwari", "fay-feuer"))
    assert ours.high == pytest.approx(1e5 * upper)
    assert (ours.rate_100k, ours.low) == (wide.rate_100k, wide.low)
    assert ours.rate_100k < ours.high < wide.high


@pytest.mark.parametrize("method", ["fay-feuer", "tiwari"])
def test_gamma_limits_are_exact_poisson_for_one_age_group(method):
    rate = rates.age_adjusted_rate([7], [50_000], [1], method=method)
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


@pytest.mark.parametrize("count", [1, 5, 10, 250])
def test_mid_p_limits_are_those_of_statsmodels(count):
    assert rates.poisson_mid_p(count) == pytest.approx(confint_poisson(count, 1, method="midp-c"), abs=1e-5)


def test_mid_p_limits_count_what_was_seen_half():
    # No event: half of exp(-m) is 0.025 at m = ln 20.
    assert rates.poisson_mid_p(0) == pytest.approx((0, np.log(20)))
    low, high = rates.poisson_mid_p([4, 30], alpha=0.1)
    for seen, least, most in zip([4, 30], low, high, strict=True):
        assert stats.poisson.sf(seen, least) + stats.poisson.pmf(seen, least) / 2 == pytest.approx(0.05)
        assert stats.poisson.cdf(seen - 1, most) + stats.poisson.pmf(seen, most) / 2 == pytest.approx(0.05)


def test_a_ratio_has_the_limits_that_are_asked_for():
    # As OpenEpi prints: 4 observed, 3.3 expected.
    wanted = {"exact": (0.3303, 3.104), "mid-p": (0.3852, 2.924), "byar": (0.3261, 3.104)}
    for method, limits in wanted.items():
        found = rates.sir(4, 3.3, method=method)
        assert found == pytest.approx((1.2121, *limits), rel=3e-4)
    assert rates.sir(4, 3.3) == rates.sir(4, 3.3, method="exact")
    assert rates.sir(40, 33.0) == rates.sir(40, 33.0, method="byar")


def test_crude_rates_of_places_and_of_one():
    one = rates.crude_rate(12, 40_000, method="exact")
    assert one[:4] == pytest.approx((30.0, 15.5012, 52.4036, 12), abs=1e-3)  # exact limits of 12 events: 6.2006 to 20.9616
    many = rates.crude_rate(pd.Series([12, 3]), pd.Series([40_000, 0]))
    assert many.rate_100k[0] == 30 and np.isnan([many.rate_100k[1], many.low[1], many.high[1]]).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rates.age_adjusted_rate([1], [10], [1], method="gamma"), "method is one of fay-feuer, tiwari, dobson-byar, not 'gamma'"),
        (lambda: rates.sir(1, 2.0, method="midp"), "method is one of switch, byar, exact, mid-p"),
        (lambda: rates.crude_rate(1, 2.0, method="Byar"), "not 'Byar'"),
        (lambda: rates.wilson(1, 2, alpha=95), "alpha lies between 0 and 1, not 95"),
        (lambda: rates.poisson_limits(3, alpha=0), "alpha lies between"),
        (lambda: rates.apc([1, 2, 3], [1, 2, 3], standard_error=[0.1, 0, 0.1]), "standard_error must be positive"),
        (lambda: rates.expected_events([1.0, 2.0], [10, 10, 10, 10]), "2 age groups and population 4"),
    ],
)
def test_what_is_not_known_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_labels_that_do_not_match_are_refused():
    ages, tens = pd.Series([1.0, 2.0], index=[40, 45]), pd.Series([10.0, 20.0], index=[40, 50])
    for call in (rates.expected_events, rates.sir, rates.crude_rate, rates.wilson, rates.quotient, rates.apc):
        with pytest.raises(ValueError, match="different labels"):
            call(ages, tens)
    with pytest.raises(ValueError, match=r"cases and standard have different labels \(only one of them has 45, 50\)"):
        rates.age_adjusted_rate(ages, ages * 9, tens)
    with pytest.raises(ValueError, match="in another order"):
        rates.sir(ages, ages[::-1])


def test_an_unknown_count_gives_no_rate():
    assert "no known count" in rates.age_adjusted_rate([1, np.nan], [100, 100], [1, 1]).note
    assert np.isnan(rates.expected_events([np.nan, 5.0], [100, 100]))
    assert np.isnan(rates.wilson(np.nan, 10)).all()


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
@pytest.mark.parametrize("method", ["fay-feuer", "tiwari", "dobson-byar"])
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
