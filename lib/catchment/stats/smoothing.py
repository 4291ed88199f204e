"""Ways of continuing a quarterly series: naive, exponential smoothing, SARIMA, for many series at once.

Ways of continuing
------------------
naive, seasonal naive
    The last value, and the value of the same quarter a year before: the habits that a model must beat.
ETS, additive
    Level and season, and the same with a damped trend, additive errors:
    ``y = l + phi b + s[t-m] + e``, ``l += phi b + alpha e``, ``b = phi b + beta e``, ``s = s[t-m] + gamma e``.
    Start values: least squares of level, slope and seasonal dummies on the first two seasons and two more values (ten quarters) at most.
ETS, multiplicative
    Errors and season in proportion to the level, for volumes whose peaks grow as they grow, with a damped trend:
    ``y = (l + phi b) s[t-m] (1 + e)``, ``l = (l + phi b)(1 + alpha e)``, ``b = phi b + beta (l + phi b) e``, ``s = s[t-m] (1 + gamma e)``.
    A series that holds a zero has no such season, and no forecast by this method. Start values: the same line, seasons as ratios to it.
SARIMA(0,1,1)(0,1,1)[4]
    The "airline" model, by conditional sum of squares (errors before the data are zero).

Parameters are the best of a fixed grid. That is done here rather than with statsmodels for one measured reason: 40 series in a rolling
back-test are some 1,400 fits, at 27 ms (ETSModel) or 100-370 ms (SARIMAX, with failed convergence on 20 quarters) each; these recursions
run over all series and the whole grid at once. statsmodels stays the yardstick: the tests hold the recursions to it. statsforecast was
measured too (4.7 s and 200 MB to import, before the first fit).

An error h quarters ahead is the sum of psi[j] e[t+h-j], e being the one-step errors; so every method returns its ``psi`` weights beside
its mean, and intervals of single quarters and of yearly sums follow exactly. With seasons in proportion the weights change from quarter to
quarter (``response``) and hold to the first order.

Known bias: a grid is coarser than a maximum; on 20 quarters the likelihood is flat and the loss is far below the sampling error.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

SEASON = 4
_ETS_GRID = {
    "alpha": (0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9),
    "beta": (0.0, 0.05, 0.15, 0.4),
    "gamma": (0.0, 0.05, 0.2, 0.5),
    "phi": (0.80, 0.90, 0.98),
}
# Estimates from 20 quarters pile up at -1 (a fixed line, with intervals as narrow); the grid stops short of that.
_MA_GRID = np.linspace(-0.8, 0.4, 13)


@dataclass(frozen=True)
class Fit:
    """Forecasts of many series by one method: ``mean`` and ``psi`` (series, horizon), one-step ``sigma``, degrees of freedom.

    ``response`` (series, horizon, horizon), where it isn't the same from quarter to quarter: what an error of one ``sigma`` in the column's
    quarter does to the row's.
    """

    method: str
    mean: np.ndarray
    psi: np.ndarray
    sigma: np.ndarray
    freedom: int
    parameters: pd.DataFrame
    response: np.ndarray | None = None

    @property
    def responses(self) -> np.ndarray:
        """What each coming one-step error does to each quarter (series, horizon, horizon)."""
        if self.response is not None:
            return self.response
        lag = np.arange(self.psi.shape[1])[:, None] - np.arange(self.psi.shape[1])
        return np.where(lag >= 0, self.psi[:, np.maximum(lag, 0)], 0.0)


def _rows(values: ArrayLike, least: int = 1) -> np.ndarray:
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    if rows.shape[1] < least:
        raise ValueError(f"forecast: expected at least {least} values, found {rows.shape[1]}")
    if np.isnan(rows).any():
        raise ValueError("forecast: expected a value in every quarter, found a missing one (see `quarters.clean`)")
    return rows


def _spread(errors: np.ndarray, freedom: int) -> np.ndarray:
    return np.sqrt((errors**2).sum(axis=-1) / max(freedom, 1))


def mean(values: ArrayLike, horizon: int) -> Fit:
    """The mean of all values: the fallback for short series."""
    rows = _rows(values)
    n, center = rows.shape[1], rows.mean(axis=1, keepdims=True)
    psi = np.zeros((len(rows), horizon))
    psi[:, 0] = 1
    sigma = _spread(rows - center, n - 1) * np.sqrt(1 + 1 / n)
    return Fit("mean", np.repeat(center, horizon, axis=1), psi, sigma, max(n - 1, 1), pd.DataFrame({"n": [n] * len(rows)}))


def naive(values: ArrayLike, horizon: int) -> Fit:
    """The last value for ever; its error grows with the root of the horizon (FPP3 section 5.5)."""
    rows = _rows(values, 2)
    steps = np.diff(rows, axis=1)
    return Fit(
        "naive",
        np.repeat(rows[:, -1:], horizon, axis=1),
        np.ones((len(rows), horizon)),
        _spread(steps, steps.shape[1]),
        max(steps.shape[1], 1),
        pd.DataFrame(index=range(len(rows))),
    )


def seasonal_naive(values: ArrayLike, horizon: int, season: int = SEASON) -> Fit:
    """The same season of last year; the error variance grows with each full year (FPP3 section 5.5)."""
    rows = _rows(values, season + 1)
    ahead = np.arange(horizon)
    errors = rows[:, season:] - rows[:, :-season]
    psi = np.tile((ahead % season == 0).astype(float), (len(rows), 1))
    return Fit(
        "seasonal naive",
        rows[:, -season + ahead % season],
        psi,
        _spread(errors, errors.shape[1]),
        max(errors.shape[1], 1),
        pd.DataFrame(index=range(len(rows))),
    )


def _start(rows: np.ndarray, season: int, trend: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level and slope just before the first value, and the seasonal terms in order of the first season."""
    n = min(rows.shape[1], 2 * season + 2)
    time = np.arange(1, n + 1)[:, None] * (1.0 if trend else 0.0)
    dummies = np.eye(season)[np.arange(n) % season] - 1 / season
    design = np.hstack([np.ones((n, 1)), time, dummies])
    answer = rows[:, :n] @ np.linalg.pinv(design).T
    terms = answer[:, 2:] - answer[:, 2:].mean(axis=1, keepdims=True)
    return answer[:, 0], answer[:, 1], terms


def _grid(trend: bool) -> np.ndarray:
    """Admissible (alpha, beta, gamma, phi): beta is a part of alpha, gamma of 1 - alpha, so that each stays in the usual region."""
    axes = [_ETS_GRID["alpha"], _ETS_GRID["beta"] if trend else (0.0,), _ETS_GRID["gamma"], _ETS_GRID["phi"] if trend else (1.0,)]
    alpha, part, gamma, phi = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    return np.column_stack([alpha, alpha * part, (1 - alpha) * gamma, phi])


def smooth(rows: np.ndarray, parameters: np.ndarray, level: np.ndarray, slope: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, ...]:
    """Run the ETS recursions: sum of squared errors and final level, slope and seasonal terms.

    Parameters
    ----------
    rows
        Values (series, time).
    parameters
        ``alpha, beta, gamma, phi`` in rows (candidates, 4); every series is smoothed with every candidate.
    level, slope, terms
        States before the first value: (series,), (series,), (series, season).

    Returns
    -------
    sse, level, slope : (series, candidates); terms : (series, candidates, season), in order of the coming season.
    """
    season, shape = terms.shape[1], (len(rows), len(parameters))
    alpha, beta, gamma, phi = parameters.T
    states = [np.broadcast_to(terms[:, [j]], shape).copy() for j in range(season)]
    level, slope, sse = np.broadcast_to(level[:, None], shape), np.broadcast_to(slope[:, None], shape), np.zeros(shape)
    for step in range(rows.shape[1]):
        at = step % season
        damped = phi * slope
        error = rows[:, [step]] - level - damped - states[at]
        level, slope = level + damped + alpha * error, damped + beta * error
        states[at] = states[at] + gamma * error
        sse += error**2
    order = [(rows.shape[1] + j) % season for j in range(season)]
    return sse, level, slope, np.stack([states[j] for j in order], axis=-1)


def ets(values: ArrayLike, horizon: int, *, trend: bool = True, season: int = SEASON) -> Fit:
    """Exponential smoothing with additive errors and season, and (``trend``) a damped trend.

    References
    ----------
    FPP3 sections 8.5-8.7; Hyndman et al., Forecasting with Exponential Smoothing (2008), table 6.1 for the psi weights.
    """
    rows, candidates = _rows(values, season + 1), _grid(trend)
    level, slope, terms = _start(rows, season, trend)
    sse, *states = smooth(rows, candidates, level, slope, terms)
    best, each = sse.argmin(axis=1), np.arange(len(rows))
    level, slope, terms = (state[each, best] for state in states)
    alpha, beta, gamma, phi = (column[:, None] for column in candidates[best].T)
    ahead = np.arange(1, horizon + 1)
    damping = np.cumsum(phi**ahead, axis=1)
    psi = np.hstack([np.ones((len(rows), 1)), alpha + beta * damping[:, :-1] + gamma * (ahead[:-1] % season == 0)])
    freedom = max(rows.shape[1] - (4 + 1 + season if trend else 2 + season), 1)
    return Fit(
        "ETS(A,Ad,A)" if trend else "ETS(A,N,A)",
        level[:, None] + damping * slope[:, None] + terms[:, (ahead - 1) % season],
        psi,
        np.sqrt(sse[each, best] / freedom),
        freedom,
        pd.DataFrame(candidates[best], columns=["alpha", "beta", "gamma", "phi"]),
    )


def _proportions(rows: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level and slope just before the first value, and each season's ratio to the line, mean 1; a line that meets zero is held level."""
    level, slope, _ = _start(rows, season, True)
    n = min(rows.shape[1], 2 * season + 2)
    time = np.arange(1, n + 1)
    meets = (level[:, None] + slope[:, None] * time).min(axis=1) <= 0
    level, slope = np.where(meets, rows[:, :n].mean(axis=1), level), np.where(meets, 0.0, slope)
    ratios = rows[:, :n] / (level[:, None] + slope[:, None] * time)
    terms = np.column_stack([ratios[:, place::season].mean(axis=1) for place in range(season)])
    usual = terms.mean(axis=1)
    return level * usual, slope * usual, terms / usual[:, None]


def smooth_proportional(
    rows: np.ndarray, parameters: np.ndarray, level: np.ndarray, slope: np.ndarray, terms: np.ndarray
) -> tuple[np.ndarray, ...]:
    """`smooth` for errors and seasons in proportion to the level: sum of squared relative errors, final states, and 2 log of the scale.

    Returns
    -------
    sse, level, slope : (series, candidates); terms : (series, candidates, season); scale : (series, candidates), twice the sum of the
    logarithms of the one-step forecasts (infinite where one isn't positive), which the likelihood adds to n log sse.
    """
    season, shape = terms.shape[1], (len(rows), len(parameters))
    alpha, beta, gamma, phi = parameters.T
    states = [np.broadcast_to(terms[:, [j]], shape).copy() for j in range(season)]
    level, slope = np.broadcast_to(level[:, None], shape), np.broadcast_to(slope[:, None], shape)
    sse, scale = np.zeros(shape), np.zeros(shape)
    for step in range(rows.shape[1]):
        at, damped = step % season, phi * slope
        expected = (level + damped) * states[at]
        sound = expected > 0
        expected = np.where(sound, expected, 1.0)
        error = np.where(sound, rows[:, [step]] / expected - 1, 0.0)
        scale = scale + np.where(sound, 2 * np.log(expected), np.inf)
        level, slope = (level + damped) * (1 + alpha * error), damped + beta * (level + damped) * error
        states[at] = states[at] * (1 + gamma * error)
        sse += error**2
    order = [(rows.shape[1] + j) % season for j in range(season)]
    return sse, level, slope, np.stack([states[j] for j in order], axis=-1), scale


def multiplicative(values: ArrayLike, horizon: int, *, season: int = SEASON) -> Fit:
    """ETS(M,Ad,M): errors and season in proportion to the level, damped trend; missing for a series that isn't positive throughout.

    References
    ----------
    FPP3 sections 8.3-8.7; Hyndman et al., Forecasting with Exponential Smoothing (2008), table 2.3 (recursions) and section 6.3.
    """
    given = _rows(values, season + 1)
    positive = np.asarray((given > 0).all(axis=1))
    rows, candidates = np.where(positive[:, None], given, 1.0), _grid(True)
    sse, *states, scale = smooth_proportional(rows, candidates, *_proportions(rows, season))
    n, each = rows.shape[1], np.arange(len(rows))
    best = (n * np.log(np.maximum(sse, 1e-300)) + scale).argmin(axis=1)
    level, slope, terms = (state[each, best] for state in states)
    alpha, beta, gamma, phi = (column[:, None, None] for column in candidates[best].T)
    ahead = np.arange(1, horizon + 1)
    line = level[:, None] + np.cumsum(phi[:, 0] ** ahead, axis=1) * slope[:, None]
    seasons = terms[:, (ahead - 1) % season]
    mean = np.where(positive[:, None], line * seasons, np.nan)
    lag = ahead[:, None] - ahead
    damping = np.where(lag > 0, np.cumsum(phi[:, :, 0] ** ahead, axis=1)[:, np.maximum(lag, 1) - 1], 0.0)
    drift = (alpha + beta * damping) * line[:, None, :] + gamma * (lag % season == 0) * line[:, :, None]
    moved = np.where(lag == 0, line[:, :, None], np.where(lag > 0, drift, 0.0)) * seasons[:, :, None]
    first, freedom = line[:, 0] * seasons[:, 0], max(n - (4 + 1 + season), 1)
    response = moved / first[:, None, None]
    return Fit(
        "ETS(M,Ad,M)",
        mean,
        response[:, :, 0],
        np.sqrt(sse[each, best] / freedom) * np.abs(first),
        freedom,
        pd.DataFrame(candidates[best], columns=["alpha", "beta", "gamma", "phi"]),
        response,
    )


def _moving_average(small: np.ndarray, large: np.ndarray, season: int) -> np.ndarray:
    """Coefficients of (1 + theta B)(1 + Theta B^m) after the leading 1, one row per pair."""
    weights = np.zeros((len(small), season + 1))
    weights[:, 0], weights[:, season - 1], weights[:, season] = small, large, small * large
    return weights


def sarima(values: ArrayLike, horizon: int, *, season: int = SEASON) -> Fit:
    """SARIMA(0,1,1)(0,1,1)[m] by conditional sum of squares (Box and Jenkins, series G: the airline model)."""
    rows = _rows(values, season + 2)
    changes = np.diff(rows[:, season:] - rows[:, :-season], axis=1)
    small, large = (axis.ravel() for axis in np.meshgrid(_MA_GRID, _MA_GRID, indexing="ij"))
    weights = _moving_average(small, large, season)
    past = np.zeros((season + 1, len(rows), len(weights)))
    sse = np.zeros(past.shape[1:])
    for step in range(changes.shape[1]):
        error = changes[:, [step]] - np.einsum("jsc,cj->sc", past, weights)
        past = np.concatenate([error[None], past[:-1]])
        sse += error**2
    best, each = sse.argmin(axis=1), np.arange(len(rows))
    errors, chosen = past[:, each, best].T, weights[best]
    path, psi = rows.copy(), np.zeros((len(rows), horizon + season + 1))
    for ahead in range(horizon):
        shock = (chosen[:, ahead:] * errors[:, : season + 1 - ahead]).sum(axis=1) if ahead <= season else 0.0
        path = np.column_stack([path, path[:, -1] + path[:, -season] - path[:, -season - 1] + shock])
        own = 1.0 if ahead == 0 else (chosen[:, ahead - 1] if ahead <= season + 1 else 0.0)
        psi[:, ahead] = own + psi[:, ahead - 1] + psi[:, ahead - season] - psi[:, ahead - season - 1]
    freedom = max(changes.shape[1] - 2, 1)
    return Fit(
        "SARIMA(0,1,1)(0,1,1)",
        path[:, rows.shape[1] :],
        psi[:, :horizon],
        np.sqrt(sse[each, best] / freedom),
        freedom,
        pd.DataFrame({"theta": small[best], "Theta": large[best]}),
    )


# Candidates from simple to elaborate. The plain naive forecast is a yardstick only: a quarter must not stand for the seasons of ten years.
BENCHMARK = "naive"
METHODS = {
    "naive": naive,
    "seasonal naive": seasonal_naive,
    "ETS(A,N,A)": lambda values, horizon: ets(values, horizon, trend=False),
    "ETS(A,Ad,A)": ets,
    "SARIMA(0,1,1)(0,1,1)": sarima,
    "ETS(M,Ad,M)": multiplicative,
}
