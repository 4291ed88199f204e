"""Distributions, correlated draws and the value of information against closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from catchment.stats import uncertainty

DRIVERS = {
    "volume": {"distribution": "pert", "low": 0.5, "mode": 1.0, "high": 1.3},
    "cost": {"distribution": "lognormal", "median": 1.0, "sigma": 0.2},
    "delay": {"distribution": "triangular", "low": 0.0, "mode": 3.0, "high": 12.0},
    "demand": {"distribution": "normal", "mean": 0.0, "sd": 1.0},
}


def value(draws):
    """A linear model with a known answer: 10 volume - 8 cost + demand."""
    return 10 * draws["volume"].to_numpy() - 8 * draws["cost"].to_numpy() + draws["demand"].to_numpy()


def test_pert_is_the_beta_distribution_of_the_textbook():
    # PMI's three-point estimate: mean (a + 4m + b) / 6; with shape 4 the beta's own mean is the same.
    assert uncertainty.pert_mean(2, 5, 14) == pytest.approx(6.0)
    quantiles = uncertainty.pert([0.1, 0.5, 0.9], 2, 5, 14)
    exact = stats.beta(1 + 4 * 3 / 12, 1 + 4 * 9 / 12, loc=2, scale=12)
    assert quantiles == pytest.approx(exact.ppf([0.1, 0.5, 0.9]))
    assert exact.mean() == pytest.approx(6.0)


def test_triangular_and_lognormal_quantiles():
    chances = [0.0, 0.05, 0.4, 0.9, 1.0]
    assert uncertainty.triangular(chances, 1, 2, 6) == pytest.approx(stats.triang(0.2, loc=1, scale=5).ppf(chances))
    assert uncertainty.lognormal([0.1, 0.5], 3, 0.4) == pytest.approx(stats.lognorm(0.4, scale=3).ppf([0.1, 0.5]))
    assert uncertainty.triangular([0.0, 0.5], 0, 0, 10).tolist() == pytest.approx([0, 10 - np.sqrt(50)])


@pytest.mark.parametrize("bad", [(3, 2, 4), (1, 1, 1), (1, 5, 4)])
def test_limits_out_of_order_are_refused(bad):
    with pytest.raises(ValueError, match="low <= mode <= high"):
        uncertainty.pert(0.5, *bad)


def test_rank_correlation_is_what_was_asked_for():
    drawn = uncertainty.draws(DRIVERS, 40_000, seed=1, correlations={("volume", "cost"): -0.6, ("delay", "cost"): 0.3})
    ranks = drawn.corr("spearman")
    assert ranks.loc["volume", "cost"] == pytest.approx(-0.6, abs=0.015)
    assert ranks.loc["delay", "cost"] == pytest.approx(0.3, abs=0.015)
    assert ranks.loc["demand", "cost"] == pytest.approx(0.0, abs=0.015)
    assert drawn["volume"].mean() == pytest.approx(uncertainty.pert_mean(0.5, 1.0, 1.3), abs=0.003)
    assert drawn["volume"].between(0.5, 1.3).all() and drawn["delay"].between(0, 12).all()


def test_same_seed_same_bytes():
    first, second = (uncertainty.draws(DRIVERS, 500, seed=7).to_numpy().tobytes() for _ in range(2))
    assert first == second != uncertainty.draws(DRIVERS, 500, seed=8).to_numpy().tobytes()


def test_contradictory_correlations_are_refused():
    with pytest.raises(ValueError, match="hold together"):
        uncertainty.draws(DRIVERS, 10, seed=1, correlations={("volume", "cost"): 0.9, ("volume", "delay"): 0.9, ("cost", "delay"): -0.9})
    with pytest.raises(ValueError, match="found volume and price"):
        uncertainty.draws(DRIVERS, 10, seed=1, correlations={("volume", "price"): 0.9})


def test_drivers_that_move_as_one():
    drawn = uncertainty.draws(DRIVERS, 500, seed=1, correlations={("volume", "cost"): 1.0})
    assert drawn.corr("spearman").loc["volume", "cost"] == pytest.approx(1)
    with pytest.raises(ValueError, match="from -1 to 1"):
        uncertainty.copula(["a", "b"], {("a", "b"): 1.5})
    with pytest.raises(ValueError, match="two names"):
        uncertainty.copula(["a", "b"], {("a", "a"): 0.5})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: uncertainty.triangular(0.5, 3, 2, 4), "low <= mode <= high"),
        (lambda: uncertainty.normal(0.5, 0, 0), "positive standard deviation"),
        (lambda: uncertainty.pert(1.5, 0, 1, 2), "probabilities from 0 to 1"),
        (lambda: uncertainty.quantile({"distribution": "weibull"}, 0.5), "expected one of pert"),
        (lambda: uncertainty.draws(DRIVERS, 0, seed=1), "at least one driver and one draw"),
        (lambda: uncertainty.summary([]), "at least one draw"),
        (lambda: uncertainty.evpi([1.0, np.nan]), "a number in each"),
        (lambda: uncertainty.evppi([1.0, 2, 3, 4, 5], [1.0, 2]), "outcome and driver alike"),
    ],
)
def test_what_is_no_simulation_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_pert_and_triangular_moments():
    middle = (np.arange(20_000) + 0.5) / 20_000
    for low, mode, high in ((2, 5, 14), (0, 0, 10), (0, 10, 10)):
        beta, three = uncertainty.pert(middle, low, mode, high), uncertainty.triangular(middle, low, mode, high)
        mean = uncertainty.pert_mean(low, mode, high)
        assert beta.mean() == pytest.approx(mean, abs=1e-3) and beta.var() == pytest.approx((mean - low) * (high - mean) / 7, rel=1e-3)
        assert three.mean() == pytest.approx((low + mode + high) / 3, abs=1e-3)
        assert three.var() == pytest.approx((low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18, rel=1e-3)


def test_summary():
    found = uncertainty.summary(np.arange(-10, 91))
    assert (found["p10"], found["p50"], found["p90"], found["mean"]) == (0, 40, 80, 40)
    assert found["positive_share"] == pytest.approx(90 / 101)


def test_histogram_keeps_every_draw():
    bins = uncertainty.histogram(np.random.default_rng(1).normal(size=5000), bins=12)
    assert len(bins) == 12 and bins["draws_share"].sum() == pytest.approx(1)


def test_tornado_is_sorted_and_moves_one_driver_at_a_time():
    table = uncertainty.tornado(value, DRIVERS)
    assert table["driver"].tolist() == ["cost", "volume", "demand", "delay"]
    cost = table.set_index("driver").loc["cost"]
    assert cost["low"] == pytest.approx(10 - 8 * np.exp(0.2 * stats.norm.ppf(0.1)))
    assert cost["high"] == pytest.approx(10 - 8 * np.exp(0.2 * stats.norm.ppf(0.9)))
    assert (table["base"] == 2).all() and table.set_index("driver").loc["delay", "swing"] == 0


def test_two_way_table():
    grid = uncertainty.two_way(value, DRIVERS, "volume", "demand", levels=(0.1, 0.9))
    assert len(grid) == 4
    assert grid["outcome"].to_numpy() == pytest.approx(10 * grid["volume"] - 8 + grid["demand"])


def test_break_even_brings_the_outcome_to_zero():
    table = uncertainty.break_even(value, DRIVERS).set_index("driver")
    assert table.loc["volume", "break_even_value"] == pytest.approx(0.8)
    assert table.loc["cost", "break_even_value"] == pytest.approx(1.25)
    assert table.loc["cost", "chance_share"] == pytest.approx(stats.lognorm(0.2).sf(1.25), abs=1e-6)
    assert table.loc["volume", "chance_share"] == pytest.approx(
        stats.beta(1 + 4 * 0.5 / 0.8, 1 + 4 * 0.3 / 0.8, loc=0.5, scale=0.8).cdf(0.8), abs=1e-6
    )
    assert np.isnan(table.loc["delay", "break_even_value"]) and table.loc["delay", "chance_share"] == 0


def test_value_of_information_of_a_normal_decision():
    # Unit normal loss integral (Raiffa and Schlaifer 1961): E[max(N(m, s), 0)] - max(m, 0) = s (pdf(z) - z sf(z)), z = |m| / s.
    random = np.random.default_rng(5)
    known, rest = random.normal(0, 3, 400_000), random.normal(0, 4, 400_000)
    outcome = 1 + known + rest
    whole = 5 * (stats.norm.pdf(0.2) - 0.2 * stats.norm.sf(0.2))
    partial = 3 * (stats.norm.pdf(1 / 3) - stats.norm.sf(1 / 3) / 3)
    assert uncertainty.evpi(outcome) == pytest.approx(whole, rel=0.01)
    assert uncertainty.evppi(outcome, known) == pytest.approx(partial, rel=0.02)
    assert uncertainty.evppi(outcome, np.ones_like(known)) == 0
    assert uncertainty.evpi([1, 2, 3]) == 0


def test_value_of_knowing_never_exceeds_knowing_everything():
    drawn = uncertainty.draws(DRIVERS, 20_000, seed=2)
    table = uncertainty.value_of_knowing(value(drawn) - 1.5, drawn)
    assert table["driver"].iloc[-1] == "everything at once"
    assert (table["worth_usd"].iloc[:-1] <= table["worth_usd"].iloc[-1] * 1.001).all()
    assert isinstance(table, pd.DataFrame) and table["worth_usd"].iloc[0] > 0


def test_the_chance_of_exceeding_a_value_of_a_pert():
    # Abramowitz and Stegun 26.5.24: a beta distribution of whole shapes is a binomial tail, I_x(a, n - a + 1) = P(Bin(n, x) >= a).
    # PERT(0, 2.5, 10) is Beta(2, 4): P(X > 10 x) = P(Bin(5, x) <= 1).
    for x in (0.1, 0.25, 0.5, 0.9):
        assert uncertainty.pert_above(10 * x, 0, 2.5, 10) == pytest.approx((1 - x) ** 5 + 5 * x * (1 - x) ** 4, abs=1e-12)
    # PERT(10, 15, 20) is Beta(3, 3): F(x) = x^3 (10 - 15 x + 6 x^2), so a quarter of the way leaves 0.896484375 above.
    assert uncertainty.pert_above(12.5, 10, 15, 20) == pytest.approx(0.896484375, abs=1e-12)
    assert uncertainty.pert_above([5, 10, 15, 20, 30], 10, 15, 20) == pytest.approx([1, 1, 0.5, 0, 0])
    with pytest.raises(ValueError, match="missing"):
        uncertainty.pert_above(np.nan, 10, 15, 20)


@given(st.floats(0.01, 0.99), st.floats(0, 1))
def test_above_its_quantile_lies_the_rest_of_a_pert(u, where):
    mode = 2 + 5 * where
    assert uncertainty.pert_above(uncertainty.pert(u, 2, mode, 7), 2, mode, 7) == pytest.approx(1 - u, abs=1e-9)


@pytest.mark.parametrize(
    "driver",
    [
        {"distribution": "Poisson", "mean": 3},
        {"distribution": "PERT", "low": 0, "mode": 1, "high": 2},
        {"low": 0, "mode": 1, "high": 2},
        {"distribution": "pert", "low": 0, "mode": 1},
        {"distribution": "normal", "mean": 0, "sd": 1, "median": 0},
    ],
)
def test_a_distribution_that_is_not_known_is_refused(driver):
    for use in (
        lambda: uncertainty.quantile(driver, 0.5),
        lambda: uncertainty.central(driver),
        lambda: uncertainty.draws({"price": driver}, 10, seed=1),
        lambda: uncertainty.tornado(lambda rows: rows["price"], {"price": driver}),
    ):
        with pytest.raises(ValueError, match="distribution: expected"):
            use()


def test_a_driver_that_is_not_known_is_refused():
    drivers = {"price": {"distribution": "normal", "mean": 0, "sd": 1}}
    with pytest.raises(ValueError, match="driver: expected one of price, found 'prise'"):
        uncertainty.two_way(lambda rows: rows["price"], drivers, "price", "prise")
