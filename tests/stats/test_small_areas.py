"""Funnel limits after Spiegelhalter, right at the edges; empirical Bayes: Clayton & Kaldor's lip cancer estimates, esda as second implementation, small_areas and limits."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from esda.smoothing import Empirical_Bayes
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from catchment.stats import rates, small_areas

# Clayton & Kaldor (1987), lip cancer in 56 Scottish districts: maximum likelihood nu = 1.88, alpha = 1.32.
LIP_O = np.array(
    [
        "9",
        "39",
        "11",
        "9",
        "15",
        "8",
        "26",
        "7",
        "6",
        "20",
        "13",
        "5",
        "3",
        "8",
        "17",
        "9",
        "2",
        "7",
        "9",
        "7",
        "16",
        "31",
        "11",
        "7",
        "19",
        "15",
        "7",
        "10",
        "16",
        "11",
        "5",
        "3",
        "7",
        "8",
        "11",
        "9",
        "11",
        "8",
        "6",
        "4",
        "10",
        "8",
        "2",
        "6",
        "19",
        "3",
        "2",
        "3",
        "28",
        "6",
        "1",
        "1",
        "1",
        "1",
        "0",
        "0",
    ],
    dtype=float,
)
LIP_E = np.array(
    [
        "1.4",
        "8.7",
        "3.0",
        "2.5",
        "4.3",
        "2.4",
        "8.1",
        "2.3",
        "2.0",
        "6.6",
        "4.4",
        "1.8",
        "1.1",
        "3.3",
        "7.8",
        "4.6",
        "1.1",
        "4.2",
        "5.5",
        "4.4",
        "10.5",
        "22.7",
        "8.8",
        "5.6",
        "15.5",
        "12.5",
        "6.0",
        "9.0",
        "14.4",
        "10.2",
        "4.8",
        "2.9",
        "7.0",
        "8.5",
        "12.3",
        "10.1",
        "12.7",
        "9.4",
        "7.2",
        "5.3",
        "18.8",
        "15.8",
        "4.3",
        "14.6",
        "50.7",
        "8.2",
        "5.6",
        "9.3",
        "88.7",
        "19.6",
        "3.4",
        "3.6",
        "5.7",
        "7.0",
        "4.2",
        "1.8",
    ],
    dtype=float,
)


def test_clayton_kaldor_lip_cancer():
    fit = small_areas.poisson_gamma(LIP_O, LIP_E)
    assert (round(fit.nu, 2), round(fit.alpha, 2)) == (1.88, 1.32)
    assert fit.value[0] == pytest.approx((9 + fit.nu) / (1.4 + fit.alpha))
    assert (fit.low < fit.value).all() and (fit.value < fit.high).all()


def test_marshall_agrees_with_esda_where_the_variance_is_positive():
    random = np.random.default_rng(7)
    people = random.integers(500, 50_000, 40)
    cases = random.poisson(people * random.gamma(4, 0.001, 40))
    ours = small_areas.empirical_bayes(cases, people)
    assert np.allclose(ours.value, 1e5 * Empirical_Bayes(cases, people).r.ravel())


def test_smoothing_draws_every_rate_towards_the_mean_and_small_ones_most():
    people = np.array([1_000, 100_000, 50_000, 2_000])
    cases = np.array([4, 110, 90, 1])
    found = small_areas.empirical_bayes(cases, people)
    mean, raw = 1e5 * cases.sum() / people.sum(), 1e5 * cases / people
    assert (np.abs(found.value - mean) <= np.abs(raw - mean) + 1e-9).all()
    assert found.weight[0] < found.weight[3] < found.weight[2] < found.weight[1]


def test_no_spread_means_the_mean_for_all():
    even = small_areas.empirical_bayes([10, 20, 30], [1000, 2000, 3000])
    assert np.allclose(even.value, 1000) and (even.weight == 0).all()
    pooled = small_areas.poisson_gamma([10, 20, 30], [10, 20, 30])
    assert np.allclose(pooled.value, 1) and np.isinf(pooled.nu)
    assert np.allclose([pooled.low, pooled.high], np.array(rates.poisson_exact(60))[:, None] / 60)


def test_a_single_area_has_the_limits_of_its_count_not_none():
    fit = small_areas.poisson_gamma([5], [4.0])
    assert fit.value[0] == pytest.approx(1.25)
    assert (fit.low[0], fit.high[0]) == pytest.approx([limit / 4 for limit in rates.poisson_exact(5)])


def test_the_prior_is_the_negative_binomial_fit_of_statsmodels():
    random = np.random.default_rng(3)
    due = random.uniform(3, 60, 120)
    seen = random.poisson(random.gamma(8, 1 / 8, 120) * due)
    other = sm.NegativeBinomial(seen, np.ones((120, 1)), offset=np.log(due)).fit(disp=0, method="bfgs", maxiter=500)
    fit = small_areas.poisson_gamma(seen, due)
    assert (fit.nu, fit.nu / fit.alpha) == pytest.approx((1 / other.params[1], np.exp(other.params[0])), rel=1e-3)


def test_zero_population_gets_the_mean_and_none_at_all_is_missing():
    found = small_areas.empirical_bayes([0, 5, 30], [0, 1000, 2000])
    assert found.value[0] == pytest.approx(1e5 * 35 / 3000)
    assert np.isnan(small_areas.empirical_bayes([0], [0]).value).all()
    fit = small_areas.poisson_gamma([*LIP_O, 0], [*LIP_E, 0])
    assert fit.value[-1] == pytest.approx(fit.nu / fit.alpha)
    assert np.isnan(small_areas.poisson_gamma([0], [0]).value).all()


def test_unknown_counts_and_other_labels_are_refused():
    for method in (small_areas.empirical_bayes, small_areas.poisson_gamma):
        with pytest.raises(ValueError, match="must be known: 1 of 3"):
            method([1, np.nan, 3], [10, 10, 10])
        with pytest.raises(ValueError, match="different labels"):
            method(pd.Series([1, 2]), pd.Series([10, 10], index=[1, 2]))


@pytest.mark.slow
def test_posterior_intervals_cover_the_true_ratios():
    random, hits = np.random.default_rng(11), []
    for _ in range(150):
        expected = random.uniform(2, 60, 60)
        truth = random.gamma(8, 1 / 8, 60)
        fit = small_areas.poisson_gamma(random.poisson(expected * truth), expected)
        hits.append(((fit.low <= truth) & (truth <= fit.high)).mean())
    assert 0.93 <= np.mean(hits) <= 0.97


def test_funnel_narrows_with_size_and_crosses_no_more_than_it_should():
    low, high = small_areas.funnel_limits([5, 50, 500])
    assert (np.diff(low) > 0).all() and (np.diff(high) < 0).all() and (low >= 0).all()
    outer = small_areas.funnel_limits(50, level=0.998)
    assert outer.low < low[1] < 1 < high[1] < outer.high
    binomial = small_areas.funnel_limits(100, reference=0.2, distribution="binomial")
    assert 0.1 < binomial.low < 0.2 < binomial.high < 0.3


def test_funnel_interpolates_between_counts_as_spiegelhalter_2005():
    # 10 expected: ppf(0.975) = 17; limit = (17 - (F(17) - .975) / p(17)) / 10
    low, high = small_areas.funnel_limits(10)
    assert high == pytest.approx((17 - (stats.poisson.cdf(17, 10) - 0.975) / stats.poisson.pmf(17, 10)) / 10)
    assert low == pytest.approx((4 - (stats.poisson.cdf(4, 10) - 0.025) / stats.poisson.pmf(4, 10)) / 10)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.97, 0.999, 1.0])
@pytest.mark.parametrize("level", [0.95, 0.998])
def test_binomial_limits_hold_the_reference_and_stay_between_0_and_1(share, level):
    low, high = small_areas.funnel_limits(np.arange(1, 60), reference=share, level=level, distribution="binomial")
    assert (low >= 0).all() and (low <= share).all() and (share <= high).all() and (high <= 1).all()


@pytest.mark.parametrize("share", [0.005, 0.02, 0.3, 0.5, 0.9, 0.98, 0.995])
@pytest.mark.parametrize(("level", "words"), [(0.95, ("95 %", "99.8 %")), (0.998, ("99.8 %",))])
def test_a_share_lies_outside_if_and_only_if_its_tail_is_as_rare(share, level, words):
    for n in (1, 5, 20, 61):
        seen = np.arange(n + 1)
        signal = small_areas.funnel_signal(seen, np.full(n + 1, n), reference=share, distribution="binomial")
        low, high = stats.binom.cdf(seen, n, share) < (1 - level) / 2, stats.binom.sf(seen - 1, n, share) < (1 - level) / 2
        assert [any(f"low ({word})" == each for word in words) for each in signal] == low.tolist()
        assert [any(f"high ({word})" == each for word in words) for each in signal] == high.tolist()


def test_limits_of_a_share_mirror_those_of_its_complement():
    few, most = (small_areas.funnel_limits([3, 20, 400], reference=share, distribution="binomial") for share in (0.02, 0.98))
    assert few.low == pytest.approx(1 - most.high)
    assert few.high == pytest.approx(1 - most.low)
    assert small_areas.funnel_limits(5, reference=1.0, distribution="binomial") == (1.0, 1.0)


def test_what_chance_may_bring_is_never_outside_at_the_edge():
    # 20 of 20 where 97 % is usual has a probability of 0.54; none of 20 where 3 % is usual likewise.
    assert small_areas.funnel_signal([20], [20], reference=0.97, distribution="binomial").item() == "as expected"
    assert small_areas.funnel_signal([0], [20], reference=0.03, distribution="binomial").item() == "as expected"
    # 15 of 20 where 97 % is usual: 0.0002.
    assert small_areas.funnel_signal([15], [20], reference=0.97, distribution="binomial").item() == "low (99.8 %)"
    assert small_areas.funnel_signal([0, 0], [0.01, 9.0]).tolist() == ["as expected", "low (99.8 %)"]


def test_signals_follow_the_limits_and_name_what_is_not_known():
    observed, expected = pd.Series([100, 125, 140, 78, 60, 5, np.nan]), pd.Series([100.0, 100, 100, 100, 100, 0, 10])
    wanted = ["as expected", "high (95 %)", "high (99.8 %)", "low (95 %)", "low (99.8 %)", "not known", "not known"]
    assert small_areas.funnel_signal(observed, expected).tolist() == wanted
    for seen, said in zip([125, 140], ["high (95 %)", "high (99.8 %)"], strict=True):
        assert (stats.poisson.sf(seen - 1, 100) < 0.001) == (said == "high (99.8 %)")


def test_the_curve_holds_the_limits_of_its_sizes():
    curve = small_areas.funnel_curve([5, 500, 0, np.nan], points=7)
    assert curve["size"].iloc[[0, -1]].tolist() == pytest.approx([5, 500])
    assert np.allclose(curve[["outer_low", "outer_high"]].T, small_areas.funnel_limits(curve["size"], level=0.998))
    assert small_areas.funnel_curve([]).empty


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: small_areas.funnel_limits(10, distribution="Poisson"), "distribution is one of poisson, binomial, not 'Poisson'"),
        (lambda: small_areas.funnel_limits(10, level=95), "level lies between 0 and 1"),
        (lambda: small_areas.funnel_limits(10, reference=20, distribution="binomial"), "share between 0 and 1"),
        (lambda: small_areas.funnel_limits(10.5, reference=0.2, distribution="binomial"), "whole numbers of trials"),
        (lambda: small_areas.funnel_signal(11, 10, reference=0.2, distribution="binomial"), "must not exceed"),
        (lambda: small_areas.funnel_signal(pd.Series([1], index=["a"]), pd.Series([1], index=["b"])), "different labels"),
    ],
)
def test_what_no_funnel_is_made_of_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# Twelve units, expected and observed: more spread than chance.
DUE = np.array([20.0, 25, 30, 40, 50, 60, 80, 100, 120, 160, 200, 240])
SEEN = np.array([31.0, 15, 38, 28, 66, 45, 101, 77, 150, 120, 251, 190])


def test_overdispersion_worked_out_a_second_time():
    """phi and tau2 by the printed formulas, with R's default quantiles (type 7) spelled out."""
    z, se = 2 * (np.sqrt(SEEN) - np.sqrt(DUE)), 1 / (2 * np.sqrt(DUE))
    ranked = sorted(z)
    low, high = ranked[1] + 0.1 * (ranked[2] - ranked[1]), ranked[9] + 0.9 * (ranked[10] - ranked[9])
    drawn = [min(max(each, low), high) for each in z]
    phi = sum(each**2 for each in drawn) / 12
    weights = [4 * each for each in DUE]
    tau2 = (12 * phi - 11) / (sum(weights) - sum(each**2 for each in weights) / sum(weights))
    assert small_areas.overdispersion(z, se) == pytest.approx((phi, tau2))
    assert phi > 4
    assert small_areas.overdispersion([0.5, -0.5, 1.0, -1.0], [0.1] * 4).tau2 == 0


def test_tau2_is_that_of_dersimonian_and_laird_where_the_target_is_the_pooled_mean():
    effect, se = np.array([0.3, -0.4, 0.6, -0.5, 0.0]), np.full(5, 0.1)
    second = combine_effects(effect, se**2, method_re="dl")
    assert small_areas.overdispersion(effect / se, se, winsor=0).tau2 == pytest.approx(second.tau2)


def test_limits_widen_so_that_units_as_they_are_lie_within():
    plain = small_areas.funnel_signal(SEEN, DUE)
    wide = small_areas.observed_expected(pd.Series(SEEN, index=list("abcdefghijkl")), pd.Series(DUE, index=list("abcdefghijkl")))
    assert (plain != "as expected").sum() >= 8
    assert (wide["signal"] == "as expected").all()
    assert wide.index.tolist() == list("abcdefghijkl")
    assert wide["ratio"].tolist() == pytest.approx(list(SEEN / DUE))
    # One unit far beyond the spread of the others is still found, for its distance is winsorized away.
    seen = np.append(SEEN, 420.0)
    found = small_areas.observed_expected(seen, np.append(DUE, 200.0))
    assert found["signal"].iloc[-1] == "high (99.8 %)"
    assert (found["signal"].iloc[:-1] == "as expected").all()


def test_the_two_ways_of_widening_by_hand():
    z, se = 2 * (np.sqrt(SEEN) - np.sqrt(DUE)), 1 / (2 * np.sqrt(DUE))
    phi, tau2 = small_areas.overdispersion(z, se)
    additive = small_areas.observed_expected(SEEN, DUE)
    assert additive["funnel_high"].iloc[0] == pytest.approx((1 + 1.959964 * np.sqrt(se[0] ** 2 + tau2)) ** 2, rel=1e-6)
    assert additive["z"].iloc[0] == pytest.approx((np.sqrt(31 / 20) - 1) / np.sqrt(se[0] ** 2 + tau2))
    alike = small_areas.observed_expected(SEEN, DUE, widening="multiplicative")
    assert alike["funnel_outer_low"].iloc[-1] == pytest.approx((1 - 3.090232 * se[-1] * np.sqrt(phi)) ** 2, rel=1e-6)
    with pytest.raises(ValueError, match="widening is one of additive, multiplicative, not 'both'"):
        small_areas.observed_expected(SEEN, DUE, widening="both")


def test_without_spread_beyond_chance_the_exact_limits_stand():
    found = small_areas.observed_expected([19, 0, 3, 52], [20.0, 0.0, 3.2, 50.0])
    assert found["funnel_high"].iloc[0] == small_areas.funnel_limits(20.0).high
    assert found["signal"].tolist() == ["as expected", "not known", "as expected", "as expected"]
    assert np.isnan(found["ratio"].iloc[1])
    assert small_areas.observed_expected([0], [0.0])["signal"].tolist() == ["not known"]
    with pytest.raises(ValueError, match="observed must not be negative"):
        small_areas.observed_expected([-1], [2.0])


@pytest.mark.parametrize("wrong", [{"winsor": 0.5}, {"se": [0.0, 1.0]}, {"z": [], "se": []}, {"z": [1.0, np.nan]}])
def test_senseless_z_scores_are_refused(wrong):
    with pytest.raises(ValueError, match=r"overdispersion needs|must be known"):
        small_areas.overdispersion(**{"z": [1.0, 2.0], "se": [1.0, 1.0]} | wrong)
