"""How good is a forecast: errors, and whether its intervals hold what they promise.

Definitions used
----------------
MASE
    Mean absolute error over the mean absolute error, inside the training data, of repeating the value of one season earlier. Below 1
    the method beats that habit. Defined with zeros in the data, unlike a percentage error (MAPE), which isn't offered.
sMAPE
    Mean of 2 abs(y - f) / (abs(y) + abs(f)), as a fraction from 0 to 2; a term with y = f = 0 counts 0.
Bias
    A forecast that errs on one side. Errors are value less forecast, so a positive mean error is a forecast that was too low.
Tracking signal
    Running sum of errors over the running mean absolute error: how many mean errors the forecast has drifted. Beyond about 4 either way
    it isn't chance.
Coverage
    Share of held-out values inside their *prediction* interval (of one future value, not of a mean).

Reference: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed. (FPP3), section 5.8; Hyndman and Koehler 2006;
Heizer and Render, Operations Management, chapter 4 (tracking signal).
"""

import numpy as np
from numpy.typing import ArrayLike


def _pair(actual: ArrayLike, forecast: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Values and forecasts as arrays; raises ValueError when their number differs, there's none, or one is missing."""
    observed, expected = np.asarray(actual, dtype=float), np.asarray(forecast, dtype=float)
    if observed.shape != expected.shape:
        raise ValueError(f"accuracy: expected as many forecasts as values, found {expected.shape} for {observed.shape}")
    if observed.size == 0:
        raise ValueError("accuracy: expected at least one value, found none")
    if np.isnan(observed).any() or np.isnan(expected).any():
        raise ValueError("accuracy: expected a number for every value and forecast, found a missing one")
    return observed, expected


def mean_error(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Bias: mean of value less forecast, in the unit of the data; positive when the forecasts were too low."""
    observed, expected = _pair(actual, forecast)
    return float((observed - expected).mean())


def tracking_signal(actual: ArrayLike, forecast: ArrayLike) -> np.ndarray:
    """Running sum of errors over the running mean absolute error, after each value in order of time; missing while every error is 0.

    References
    ----------
    Brown (1959), Statistical Forecasting for Inventory Control; Heizer and Render, Operations Management, ch. 4.
    """
    observed, expected = _pair(actual, forecast)
    error = (observed - expected).ravel()
    spread = np.abs(error).cumsum() / np.arange(1, error.size + 1)
    return np.divide(error.cumsum(), spread, out=np.full(error.size, np.nan), where=spread > 0)


def mae(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Mean absolute error, in the unit of the data."""
    observed, expected = _pair(actual, forecast)
    return float(np.abs(observed - expected).mean())


def rmse(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Root of the mean squared error, in the unit of the data."""
    observed, expected = _pair(actual, forecast)
    return float(np.sqrt(((observed - expected) ** 2).mean()))


def smape(actual: ArrayLike, forecast: ArrayLike) -> float:
    """Symmetric mean absolute percentage error as a fraction (0 to 2)."""
    observed, expected = _pair(actual, forecast)
    size = np.abs(observed) + np.abs(expected)
    return float((2 * np.abs(observed - expected) / np.where(size > 0, size, 1)).mean())


def seasonal_scale(train: ArrayLike, season: int = 4) -> np.ndarray | float:
    """Mean absolute change from one season earlier in the training data (last axis); missing when there's no full season or no change."""
    if season < 1:
        raise ValueError(f"accuracy: expected a season of at least one period, found {season}")
    values = np.asarray(train, dtype=float)
    step = season if values.shape[-1] > season else 1
    if values.shape[-1] <= step:
        return np.full(values.shape[:-1], np.nan)[()]
    scale = np.abs(values[..., step:] - values[..., :-step]).mean(axis=-1)
    return np.where(scale > 0, scale, np.nan)[()]


def mase(actual: ArrayLike, forecast: ArrayLike, train: ArrayLike, season: int = 4) -> float:
    """Mean absolute scaled error; below 1 beats repeating the same season of last year. Missing when the training data never change.

    Parameters
    ----------
    train
        The values the forecast was made from, oldest first.
    season
        Periods in a season (1 scales by the plain naive forecast). With no full season in ``train`` the plain step is used.
    """
    return mae(actual, forecast) / float(seasonal_scale(train, season))


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of values inside their interval, limits included."""
    observed, bottom = _pair(actual, low)
    _, top = _pair(actual, high)
    return float(((bottom <= observed) & (observed <= top)).mean())
