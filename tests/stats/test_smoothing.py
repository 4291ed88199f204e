"""Smoothing and SARIMA held to statsmodels: same recursion, same forecast, same error weights, no worse a fit than its sampling error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.arima_process import arma2ma
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from catchment.stats import smoothing

# FPP3 chapter 5, recent beer production (megalitres, quarters from 2006): a seasonal naive forecast repeats the last year.
BEER = [434, 398, 388, 496, 423, 391, 392, 479, 427, 390, 388, 471, 422, 387, 380, 485, 419, 383, 387, 474]


def series(n=20, seed=3):
    random = np.random.default_rng(seed)
    time = np.arange(n)
    return 200 + 2.5 * time + np.array([8, -3, 2, -7])[time % 4] + random.normal(0, 6, n)


def reference(values, alpha, beta, gamma, phi):
    """statsmodels' own smoother with the same parameters and start."""
    rows = np.atleast_2d(values)
    level, slope, terms = smoothing._start(rows, 4, True)
    model = ETSModel(
        pd.Series(values, dtype=float),
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=4,
        initialization_method="known",
        initial_level=level[0],
        initial_trend=slope[0],
        initial_seasonal=terms[0],
    )
    return model.smooth([alpha, beta, gamma, phi])


@pytest.mark.parametrize("parameters", [(0.3, 0.06, 0.1, 0.9), (0.9, 0.0, 0.05, 0.98), (0.02, 0.008, 0.0, 0.8)])
def test_ets_recursion_is_that_of_statsmodels(parameters):
    values = series()
    rows = values[None]
    sse, level, slope, terms = smoothing.smooth(
        rows, np.array([[parameters[0], parameters[1], parameters[2], parameters[3]]]), *smoothing._start(rows, 4, True)
    )
    fitted = reference(values, *parameters)
    assert sse[0, 0] == pytest.approx(fitted.sse, rel=1e-9)
    ahead = np.cumsum(parameters[3] ** np.arange(1, 9))
    assert level[0, 0] + ahead * slope[0, 0] + terms[0, 0, np.arange(8) % 4] == pytest.approx(fitted.forecast(8).to_numpy(), rel=1e-9)


def test_ets_intervals_are_those_of_statsmodels():
    values = series()
    fit = smoothing.ets(values, 12)
    alpha, beta, gamma, phi = fit.parameters.iloc[0]
    fitted = reference(values, alpha, beta, gamma, phi)
    exact = fitted.get_prediction(start=20, end=31).forecast_variance / fitted.mse
    assert np.cumsum(fit.psi[0] ** 2) == pytest.approx(exact, rel=1e-6)
    assert fit.mean[0] == pytest.approx(fitted.forecast(12).to_numpy(), rel=1e-9)


def proportional(values, alpha, beta, gamma, phi):
    """statsmodels' own ETS(M,Ad,M) with the same parameters and start, and the smoother's result."""
    level, slope, terms = smoothing._proportions(np.atleast_2d(values), 4)
    model = ETSModel(
        pd.Series(values, dtype=float),
        error="mul",
        trend="add",
        damped_trend=True,
        seasonal="mul",
        seasonal_periods=4,
        initialization_method="known",
        initial_level=level[0],
        initial_trend=slope[0],
        initial_seasonal=terms[0],
    )
    return model.smooth([alpha, beta, gamma, phi])


def swelling(n=24, seed=5):
    """Volumes that grow, with peaks that grow with them."""
    random, time = np.random.default_rng(seed), np.arange(n)
    return 300 * 1.03**time * np.array([1.2, 0.9, 0.75, 1.15])[time % 4] * random.normal(1, 0.02, n)


@pytest.mark.parametrize("parameters", [(0.3, 0.06, 0.1, 0.9), (0.9, 0.0, 0.05, 0.98), (0.02, 0.008, 0.0, 0.8)])
def test_seasons_in_proportion_follow_the_recursion_of_statsmodels(parameters):
    values = swelling()
    rows, phi, ahead = values[None], parameters[3], np.arange(1, 9)
    sse, level, slope, terms, scale = smoothing.smooth_proportional(rows, np.array([parameters]), *smoothing._proportions(rows, 4))
    mean = (level[0, 0] + np.cumsum(phi**ahead) * slope[0, 0]) * terms[0, 0, (ahead - 1) % 4]
    fitted = proportional(values, *parameters)
    # statsmodels divides by the level after the quarter where Hyndman et al. (2008), table 2.3, divide by that before: the same for gamma 0.
    near = 1e-9 if parameters[2] == 0 else 2e-3
    assert sse[0, 0] == pytest.approx((fitted.resid**2).sum(), rel=near)
    assert scale[0, 0] == pytest.approx(2 * np.log(fitted.fittedvalues).sum(), rel=near)
    assert mean == pytest.approx(fitted.forecast(8).to_numpy(), rel=near)


def test_seasons_in_proportion_by_the_published_recursion():
    """Hyndman et al. (2008), table 2.3, one quarter after the other."""
    values, (alpha, beta, gamma, phi) = swelling(), (0.3, 0.06, 0.1, 0.9)
    level, slope, terms = (part[0] for part in smoothing._proportions(values[None], 4))
    own = smoothing.smooth_proportional(values[None], np.array([[alpha, beta, gamma, phi]]), *smoothing._proportions(values[None], 4))
    seasons, spent = list(terms), 0.0
    for value in values:
        line = level + phi * slope
        error = value / (line * seasons[0]) - 1
        level, slope, spent = line * (1 + alpha * error), phi * slope + beta * line * error, spent + error**2
        seasons = [*seasons[1:], seasons[0] * (1 + gamma * error)]
    assert [own[0][0, 0], own[1][0, 0], own[2][0, 0], *own[3][0, 0]] == pytest.approx([spent, level, slope, *seasons])


def test_intervals_of_seasons_in_proportion_are_those_of_simulated_paths():
    values = swelling()
    fit = smoothing.multiplicative(values, 8)
    fitted = proportional(values, *fit.parameters.iloc[0])
    assert fit.mean[0] == pytest.approx(fitted.forecast(8).to_numpy(), rel=1e-9)
    spread = fit.sigma[0] / fit.mean[0, 0]
    shocks = np.random.default_rng(1).normal(0, spread, (8, 4000))
    paths = fitted.simulate(8, anchor="end", repetitions=4000, random_errors=shocks).to_numpy()
    own = fit.sigma[0] * np.sqrt((fit.responses[0] ** 2).sum(axis=1))
    assert own == pytest.approx(paths.std(axis=1), rel=0.05)
    whole = fit.sigma[0] * np.sqrt((fit.responses[0][:4].sum(axis=0) ** 2).sum())
    assert whole == pytest.approx(paths[:4].sum(axis=0).std(), rel=0.05)
    # Where peaks grow, so does the doubt about them.
    assert own[4] > own[0] and own[7] > own[3]


def test_peaks_that_grow_are_continued_in_proportion():
    values = swelling(32)
    known, later = values[:24], values[24:]
    error = {name: np.abs(smoothing.METHODS[name](known, 8).mean[0] - later).mean() for name in ("ETS(A,Ad,A)", "ETS(M,Ad,M)")}
    assert error["ETS(M,Ad,M)"] < 0.7 * error["ETS(A,Ad,A)"]


def test_a_series_with_a_zero_has_no_season_in_proportion():
    rows = np.array([swelling(20), np.where(np.arange(20) == 7, 0, swelling(20))])
    fit = smoothing.multiplicative(rows, 4)
    assert np.isfinite(fit.mean[0]).all() and np.isnan(fit.mean[1]).all()
    assert fit.mean[0] == pytest.approx(smoothing.multiplicative(rows[0], 4).mean[0])


@pytest.mark.slow
def test_the_grid_forecasts_as_well_as_a_free_fit():
    own, free = [], []
    for seed in range(8):
        values = series(24, seed=seed)
        known, later = values[:20], values[20:]
        start = dict(
            zip(
                ("initial_level", "initial_trend", "initial_seasonal"),
                [part[0] for part in smoothing._start(known[None], 4, True)],
                strict=True,
            )
        )
        model = ETSModel(
            pd.Series(known),
            error="add",
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=4,
            initialization_method="known",
            **start,
        )
        own.append(np.abs(smoothing.ets(known, 4).mean[0] - later).mean())
        free.append(np.abs(model.fit(disp=0).forecast(4).to_numpy() - later).mean())
    assert np.mean(own) <= 1.03 * np.mean(free)


def test_sarima_forecast_and_weights_are_those_of_statsmodels():
    values = series(40)
    fit = smoothing.sarima(values, 10)
    small, large = fit.parameters.iloc[0]
    model = SARIMAX(values, order=(0, 1, 1), seasonal_order=(0, 1, 1, 4), enforce_invertibility=False)
    fitted = model.smooth([small, large, 1.0])
    # An exact start (statsmodels) and a conditional one (errors before the data zero) agree once the start is forgotten.
    assert fit.mean[0] == pytest.approx(fitted.forecast(10), abs=0.15 * values.std())
    moving = np.zeros(6)
    moving[[0, 1, 4, 5]] = 1, small, large, small * large
    difference = np.array([1, -1, 0, 0, -1, 1.0])
    assert fit.psi[0] == pytest.approx(arma2ma(difference, moving, 10))


def test_sarima_by_hand():
    # With theta = Theta = 0 the forecast is y[t-1] + y[t-4] - y[t-5], last year's change repeated.
    values = np.arange(1.0, 21) ** 1.5
    weights = smoothing._moving_average(np.array([0.0]), np.array([0.0]), 4)
    assert not weights.any()
    line = 5 + 2.0 * np.arange(20) + np.array([3, 0, -1, -2])[np.arange(20) % 4]
    assert smoothing.sarima(line, 8).mean[0] == pytest.approx(5 + 2.0 * np.arange(20, 28) + np.array([3, 0, -1, -2])[np.arange(20, 28) % 4])
    assert len(smoothing.sarima(values, 3).mean[0]) == 3


def test_seasonal_naive_repeats_the_last_year():
    fit = smoothing.seasonal_naive(BEER, 9)
    assert fit.mean[0].tolist() == [419, 383, 387, 474, 419, 383, 387, 474, 419]
    # FPP3 table 5.2: the h-step standard deviation is sigma * sqrt(k + 1), k whole years before h.
    assert np.sqrt(np.cumsum(fit.psi[0] ** 2)) == pytest.approx(np.sqrt([1, 1, 1, 1, 2, 2, 2, 2, 3]))


def test_naive_spreads_with_the_root_of_the_horizon():
    fit = smoothing.naive([1.0, 3, 2, 5], 4)
    assert fit.mean[0].tolist() == [5, 5, 5, 5]
    assert np.sqrt(np.cumsum(fit.psi[0] ** 2)) == pytest.approx(np.sqrt([1, 2, 3, 4]))
    assert fit.sigma[0] == pytest.approx(np.sqrt((4 + 1 + 9) / 3))


def test_mean_of_a_short_series():
    fit = smoothing.mean([4.0, 6, 8], 3)
    assert fit.mean[0].tolist() == [6, 6, 6]
    assert fit.sigma[0] == pytest.approx(2 * np.sqrt(1 + 1 / 3))


@settings(max_examples=25, deadline=None)
@given(st.floats(-50, 50), st.floats(0.1, 20))
def test_every_method_follows_a_shift_and_a_scale(shift, scale):
    values = series()
    for name, method in smoothing.METHODS.items():
        # Seasons in proportion to the level know where zero is: they follow a scale alone.
        by = 0.0 if name == "ETS(M,Ad,M)" else shift
        plain, moved = method(values, 6), method(by + scale * values, 6)
        assert moved.mean == pytest.approx(by + scale * plain.mean, rel=1e-6, abs=1e-6), name
        assert moved.sigma == pytest.approx(scale * plain.sigma, rel=1e-6)


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="missing one"):
        smoothing.naive([1.0, np.nan], 2)


@pytest.mark.parametrize(
    ("method", "least"),
    [("naive", 2), ("seasonal naive", 5), ("ETS(A,N,A)", 5), ("ETS(A,Ad,A)", 5), ("SARIMA(0,1,1)(0,1,1)", 6), ("ETS(M,Ad,M)", 5)],
)
def test_too_few_values_are_refused(method, least):
    assert np.isfinite(smoothing.METHODS[method](np.arange(1.0, least + 1), 3).mean).all()
    with pytest.raises(ValueError, match=f"at least {least} values"):
        smoothing.METHODS[method](np.arange(1.0, least), 3)


def test_months_follow_their_season():
    """Three years of months on a line: start values come from the first two seasons, so the season is found and continued."""
    time = np.arange(48)
    months = 100 + 0.5 * time + 20 * np.sin(2 * np.pi * time / 12)
    for fit in (smoothing.ets(months[:36], 12, season=12), smoothing.sarima(months[:36], 12, season=12)):
        assert fit.mean[0] == pytest.approx(months[36:], abs=1.5), fit.method
    assert smoothing.seasonal_naive(months[:36], 12, season=12).mean[0] == pytest.approx(months[24:36])


def test_simple_smoothing_by_hand():
    """One season and no trend is simple exponential smoothing: l = alpha y + (1 - alpha) l."""
    values, level = [12.0, 15.0, 11.0], 10.0
    sse, end, *_ = smoothing.smooth(np.array([values]), np.array([[0.3, 0.0, 0.0, 1.0]]), np.array([level]), np.zeros(1), np.zeros((1, 1)))
    spent = 0.0
    for value in values:
        spent, level = spent + (value - level) ** 2, 0.3 * value + 0.7 * level
    assert end[0, 0] == pytest.approx(level) and sse[0, 0] == pytest.approx(spent)
