"""What happens if nothing changes: volumes by quarter, ten years on, with prediction intervals.

Definitions used
----------------
Series
    One volume (a measure, or a measure at one tumor site) per quarter. Services of working days (visits, fractions, surgeries) are
    forecast per working day and multiplied by the working days of each future quarter.
Back-test
    Rolling origin: stand at the end of each quarter from the twelfth on, use what was known then, forecast the next eight (the plan looks
    years ahead), compare. Cleaning and fitting are redone at each origin, so nothing later than the origin is used.
Interval
    A *prediction* interval of the future value. Parameters count as known, which flatters on 20 quarters; so the one-step spread is
    the larger of the in-sample one and that of the back-test up to the origin, with Student's t. The measured coverage is shown.
    Years ahead the choice of the method is the larger doubt: the variance between the methods whose error is within 5 % of the least is
    added.

Fallbacks, each named in the result
-----------------------------------
fewer than 8 quarters: their mean, with the spread of single values; all zero: zero, upper limit by the rule of three; no quarter at all:
missing; a missing quarter, an outlier, an unfinished quarter: see `quarters`; a negative lower limit of a count: shown as zero.

Known bias: history holds one regime. A new competitor, drug or rule isn't in the series; the driver bridge and the scenarios are there for
that.

References: Hyndman and Athanasopoulos, FPP3 (2021), chapters 5, 8, 9, 11, 13.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from .accuracy import seasonal_scale
from .quarters import SHORTEST, clean, cleaned, strange, student, table, working_days
from .smoothing import BENCHMARK, METHODS, SEASON, Fit, ets, mean

FIRST_ORIGIN = 12
AHEAD = 8
LEVELS = (0.80, 0.95)


def _widths(fit: Fit, sums: np.ndarray) -> np.ndarray:
    """Standard deviation of weighted sums of the coming quarters (series, sums); ``sums`` has one row of weights per sum."""
    return fit.sigma[:, None] * np.sqrt(((sums @ fit.responses) ** 2).sum(axis=2))


def _limits(center: np.ndarray, width: np.ndarray, freedom: int) -> dict[str, np.ndarray]:
    """80 and 95 % limits by Student's t, a negative lower limit shown as zero."""
    limits: dict[str, np.ndarray] = {}
    for level in LEVELS:
        reach = student(0.5 + level / 2, freedom) * width
        limits |= {
            f"volume_n_low_{level:.0%}".replace("%", ""): np.maximum(center - reach, 0),
            f"volume_n_high_{level:.0%}".replace("%", ""): center + reach,
        }
    return limits


def backtest(wide: pd.DataFrame, *, methods: Mapping = METHODS, first: int = FIRST_ORIGIN, ahead: int = AHEAD) -> pd.DataFrame:
    """Rolling-origin forecasts of each series by each method against what came.

    Parameters
    ----------
    wide
        Series as columns over quarters, see `quarters.table`; series with fewer than ``first`` + 1 quarters can't be tested and are left
        out. Outliers stay in what a forecast is made from, as far as they weren't detectable then, but no forecast is blamed for missing
        one.

    Returns
    -------
    One row per series, method, origin and quarter ahead: ``series, method, origin, ahead, actual, forecast``, limits
    (``volume_n_low_80`` ...) and ``scale`` (the seasonal naive error in training, for MASE). Quarters that weren't observed have no row, a
    method that can't take a series at each origin none for it.
    """
    known = wide.to_numpy().T
    scored = (wide.mask(strange(wide)) if len(wide) > first else wide).to_numpy().T
    spent, parts = {method: np.zeros((2, len(known))) for method in methods}, []
    for origin in range(first, known.shape[1]):
        enough = np.flatnonzero((~np.isnan(known[:, :origin])).sum(axis=1) >= SHORTEST)
        if not enough.size:
            continue
        train, steps = np.array([cleaned(known[place, :origin])[0] for place in enough]), min(ahead, known.shape[1] - origin)
        actual = scored[enough, origin : origin + steps]
        for method, continued in methods.items():
            fit = _widened(continued(train, steps), *spent[method][:, enough])
            parts.append(_compared(fit, method, actual, wide.columns[enough], str(wide.index[origin - 1]), train))
            step = actual[:, 0] - fit.mean[:, 0]
            spent[method][:, enough] += np.where(np.isnan(step), 0, [step**2, np.ones(len(step))])
    if not parts:
        return pd.DataFrame()
    found = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    able = found["forecast"].notna().groupby([found["series"], found["method"]]).transform("all")
    return found[able].dropna(subset="actual", ignore_index=True)


def _widened(fit: Fit, errors: np.ndarray, counted: np.ndarray) -> Fit:
    """The fit with its spread no smaller than that of the earlier one-step errors, from the second on."""
    seen = np.where(counted >= 2, np.sqrt(errors / np.maximum(counted, 1)), 0.0)
    return replace(fit, sigma=np.maximum(fit.sigma, seen))


def _compared(fit: Fit, method: str, actual: np.ndarray, series: pd.Index, origin: str, train: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of `backtest` for one method and origin."""
    steps = actual.shape[1]
    limits = _limits(fit.mean, _widths(fit, np.eye(steps)), fit.freedom)
    blocks = {
        "actual": actual,
        "forecast": fit.mean,
        **limits,
        "scale": np.repeat(np.atleast_1d(seasonal_scale(train, SEASON))[:, None], steps, axis=1),
    }
    keys = {
        "series": np.repeat(series.to_numpy(dtype=object), steps),
        "method": np.repeat(method, actual.size).astype(object),
        "origin": np.repeat(origin, actual.size).astype(object),
        "ahead": np.tile(np.arange(1, steps + 1), len(series)),
    }
    return keys | {name: block.ravel() for name, block in blocks.items()}


def scores(tested: pd.DataFrame, *, by: list[str] | None = None) -> pd.DataFrame:
    """Errors and interval coverage of a back-test, one row per series and method (or another grouping).

    Returns
    -------
    The keys and ``mase, smape_share, rmse, mae, coverage_80_share, coverage_95_share, forecasts`` (how many were compared).
    """
    error = (tested["actual"] - tested["forecast"]).abs()
    size = (tested["actual"].abs() + tested["forecast"].abs()).where(lambda total: total > 0, 1.0)
    inside = {
        level: tested["actual"].between(tested[f"volume_n_low_{level}"], tested[f"volume_n_high_{level}"]).astype(float)
        for level in (80, 95)
    }
    terms = pd.DataFrame(
        {
            "mase": error / tested["scale"],
            "smape_share": 2 * error / size,
            "rmse": error**2,
            "mae": error,
            "coverage_80_share": inside[80],
            "coverage_95_share": inside[95],
            "forecasts": 1.0,
        }
    )
    keys = by or ["series", "method"]
    if unknown := [key for key in keys if key not in tested]:
        raise ValueError(f"scores: expected columns of a back-test to group by, found {', '.join(unknown)}")
    groups = terms.groupby([tested[key] for key in keys], sort=False)
    table = groups.mean()
    return table.assign(rmse=np.sqrt(table["rmse"]), forecasts=groups["forecasts"].sum()).reset_index()


def choice(scored: pd.DataFrame, *, methods: Mapping = METHODS, tolerance: float = 0.05) -> pd.Series:
    """The method of each series: least MASE, and the simpler one (earlier in ``methods``) when it's within the tolerance of the least.

    The plain naive forecast isn't a candidate.
    """
    candidates = [method for method in methods if method != BENCHMARK]
    table = scored.pivot(index="series", columns="method", values="mase").reindex(columns=candidates).fillna(np.inf)
    close = table.le(table.min(axis=1) * (1 + tolerance), axis=0)
    return close.idxmax(axis=1).rename("method")


def rivals(scored: pd.DataFrame, *, methods: Mapping = METHODS, within: float = 0.05) -> dict[str, list[str]]:
    """The methods of each series whose MASE is at most this share above the least: years ahead any of them might be right."""
    kept = scored[scored["method"].isin([method for method in methods if method != BENCHMARK])]
    close = kept[kept["mase"] <= kept.groupby("series")["mase"].transform("min") * (1 + within)]
    return close.groupby("series")["method"].agg(list).to_dict()


def _continued(row: np.ndarray, method: str, horizon: int, spread: float) -> Fit:
    used, _ = cleaned(row)
    if not len(used):
        unknown = np.full((1, horizon), np.nan)
        return Fit("none: no quarter was delivered", unknown, unknown, np.full(1, np.nan), 1, pd.DataFrame(index=[0]))
    if not used.any():
        nothing = np.zeros((1, horizon))
        return Fit("zero (no event so far)", nothing, nothing, np.zeros(1), 1, pd.DataFrame({"upper": [3 / max(len(used), 1)]}))
    if len(used) < SHORTEST:
        return mean(used, horizon)
    fit = METHODS[method](used, horizon)
    if np.isnan(fit.mean).any():  # a zero in the last quarters, which no origin of the back-test had seen
        fit = ets(used, horizon)
    return replace(fit, sigma=np.maximum(fit.sigma, spread))


def _disagreement(row: np.ndarray, names: list[str], center: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Variance of the rival methods' forecasts around the chosen one's."""
    used, _ = cleaned(row)
    if len(names) < 2 or len(used) < SHORTEST or not used.any():
        return np.zeros_like(center)
    others = np.array([np.maximum(METHODS[name](used, weights.shape[1]).mean, 0) @ weights.T for name in names])
    return ((others[~np.isnan(others).any(axis=(1, 2))] - center) ** 2).mean(axis=0)


def forecast(
    wide: pd.DataFrame,
    *,
    horizon: int = 40,
    chosen: pd.Series | None = None,
    tested: pd.DataFrame | None = None,
    near: Mapping[str, list[str]] | None = None,
    per_day: tuple[str, ...] = (),
    yearly: bool = False,
) -> pd.DataFrame:
    """Each series continued by its chosen method.

    Parameters
    ----------
    wide
        Series as columns over quarters, see `quarters.table`; in units per working day for the series named in ``per_day``.
    chosen
        Method by series, see `choice`; a series without one (too short to test) takes the seasonal naive.
    tested
        Back-test, see `backtest`: its one-step errors widen intervals that the fit alone would make too narrow.
    near
        Methods by series whose disagreement widens the interval too, see `rivals`.
    yearly
        Sums over calendar years (complete ones only) instead of quarters; quarters already observed count with their value, and the
        interval is that of the rest.

    Returns
    -------
    ``series, year, quarter`` (yearly instead ``observed_quarters_n``, how many quarters of the year were observed)``, method, parameters``
    (text)``, volume_n, volume_n_low_80, volume_n_high_80, volume_n_low_95, volume_n_high_95``.

    Raises
    ------
    ValueError
        A method isn't one of `METHODS`, or ``per_day`` names no series.
    """
    _known_methods([*(chosen if chosen is not None else ()), *(name for names in (near or {}).values() for name in names)])
    _known_series(per_day, wide)
    quarters = pd.period_range(wide.index[-1] + 1, periods=horizon, freq="Q")
    sums, observed, keys = _periods(quarters, wide.index, yearly=yearly)
    spreads, days, past_days, parts = _one_step(tested), working_days(quarters), working_days(wide.index), []
    for name, values in wide.items():
        method = "seasonal naive" if chosen is None or name not in chosen.index else chosen[name]
        row, weights = values.to_numpy(dtype=float), sums * days if name in per_day else sums
        fit = _continued(row, method, horizon, spreads.get((name, method), 0.0))
        seen = (observed * past_days if name in per_day else observed) @ _filled(row, observed)
        center = np.maximum(fit.mean, 0) @ weights.T
        doubt = _disagreement(row, (near or {}).get(name, []), center, weights)
        limits = _limits(center, np.sqrt(_widths(fit, weights) ** 2 + doubt), fit.freedom)
        if "upper" in fit.parameters:
            most = fit.parameters["upper"].iloc[0] * weights.sum(axis=1)
            limits = {key: (most[None] if "_high_" in key else center) for key in limits}
        center, limits = center + seen, {key: limit + seen for key, limit in limits.items()}
        named = {
            "series": np.repeat(name, len(keys)).astype(object),
            **{key: keys[key].to_numpy() for key in keys},
            "method": np.repeat(fit.method, len(keys)).astype(object),
            "parameters": np.repeat(_fitted(fit), len(keys)).astype(object),
        }
        parts.append(named | {"volume_n": center[0]} | {key: block[0] for key, block in limits.items()})
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _fitted(fit: Fit) -> str:
    """The fitted parameters of one series in words: "alpha 0.2, gamma 0.05"; nothing for a method without any."""
    left_out = {"n", "upper", *(("beta", "phi") if fit.method == "ETS(A,N,A)" else ())}
    values = {name: f"{fit.parameters[name].iloc[0]:.3g}".replace("-", "−") for name in fit.parameters if name not in left_out}
    return ", ".join(f"{'seasonal theta' if name == 'Theta' else name} {value}" for name, value in values.items())


def _one_step(tested: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    """Root mean square of the one-quarter errors by series and method."""
    if tested is None or tested.empty:
        return {}
    near = tested[tested["ahead"].eq(1)]
    squares = (near["actual"] - near["forecast"]) ** 2
    return np.sqrt(squares.groupby([near["series"], near["method"]]).mean()).to_dict()


def _known_methods(names: Iterable[str]) -> None:
    if unknown := sorted({str(name) for name in names} - set(METHODS)):
        raise ValueError(f"forecast: expected methods among {', '.join(METHODS)}, found {', '.join(unknown)}")


def _known_series(names: Iterable[str], wide: pd.DataFrame) -> None:
    if unknown := [str(name) for name in names if name not in wide]:
        raise ValueError(f"per_day: expected series among {', '.join(map(str, wide))}, found {', '.join(unknown)}")


def _filled(row: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A series as observed where periods want it, gaps filled as for fitting or, where it is too short, by its mean; zero elsewhere."""
    used, _ = cleaned(row)
    fill = used if len(used) == len(row) else used.mean() if len(used) else np.nan
    return np.where(wanted.any(axis=0), np.where(np.isnan(row), fill, row), 0.0)


def _periods(coming: pd.PeriodIndex, past: pd.PeriodIndex, *, yearly: bool) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Which coming and which past quarters each wanted period sums, and its keys."""
    if not yearly:
        return np.eye(len(coming)), np.zeros((len(coming), len(past))), pd.DataFrame({"year": coming.year, "quarter": coming.quarter})
    every = np.unique(coming.year)[:, None]
    ahead, before = coming.year.to_numpy() == every, past.year.to_numpy() == every
    whole = (ahead.sum(axis=1) + before.sum(axis=1)) == SEASON
    keys = pd.DataFrame({"year": every[whole, 0], "observed_quarters_n": before[whole].sum(axis=1)})
    return ahead[whole].astype(float), before[whole].astype(float), keys


def reconciled(parts: pd.DataFrame, total: pd.DataFrame, *, keys: tuple[str, ...] = ("year",)) -> pd.DataFrame:
    """Part forecasts scaled so that each period's parts add to the total's own forecast.

    Forecast proportions, top down (Athanasopoulos, Ahmed, Hyndman 2009; FPP3 section 11.4): the total keeps its back-tested forecast, no
    part turns negative.

    Parameters
    ----------
    parts, total
        Forecasts with ``volume_n`` and limits, several series and one.
    """
    columns = [column for column in parts.columns if column.startswith("volume_")]
    sums = parts.groupby(list(keys))["volume_n"].sum().rename("parts_n")
    factor = total.set_index(list(keys))["volume_n"] / sums.where(sums > 0)
    scale = parts.merge(factor.rename("scale").reset_index(), on=list(keys), how="left", validate="m:1")["scale"].fillna(1.0).to_numpy()
    return parts.assign(**{column: parts[column].to_numpy() * scale for column in columns})


class Outlook(NamedTuple):
    """A set of series cleaned, tested and continued."""

    cleaned: pd.DataFrame
    tested: pd.DataFrame
    scored: pd.DataFrame
    quarters: pd.DataFrame
    years: pd.DataFrame


def outlook(history: pd.DataFrame, *, as_of: object = None, horizon: int = 40, per_day: tuple[str, ...] = ()) -> Outlook:
    """Everything about a set of series: cleaning, back-test, choice, forecasts by quarter and by year.

    Parameters
    ----------
    history
        One row per series and quarter: ``series, year, quarter, volume_n`` (missing where it wasn't delivered).
    per_day
        Series that follow the working days of a quarter.

    Returns
    -------
    Outlook
        ``cleaned`` (see `quarters.clean`), ``tested`` (see `backtest`, in volumes), ``scored`` (see `scores`, with ``chosen``),
        ``quarters`` and ``years`` (see `forecast`).
    """
    wide = table(history, as_of=as_of)
    _known_series(per_day, wide)
    days = pd.DataFrame(1.0, index=wide.index, columns=wide.columns)
    days.loc[:, list(per_day)] = working_days(wide.index)[:, None]
    tested = backtest(wide / days)
    if tested.empty:
        tested = pd.DataFrame(
            columns=["series", "method", "origin", "ahead", "actual", "forecast", "scale", *_limits(np.zeros(0), np.zeros(0), 1)]
        )
    codes, origins = pd.factorize(tested["origin"])
    places = pd.PeriodIndex(origins, freq="Q").asi8[codes] + tested["ahead"].to_numpy(dtype=int) - wide.index.asi8[0]
    size = days.to_numpy()[places, wide.columns.get_indexer(tested["series"])]
    amounts = tested.columns.difference(["series", "method", "origin", "ahead"], sort=False)
    volumes = tested.assign(**{column: tested[column].to_numpy(dtype=float) * size for column in amounts})
    scored = scores(volumes)
    chosen = choice(scored)
    settled = {
        "chosen": chosen,
        "tested": tested,
        "near": rivals(scored),
        "horizon": horizon,
        "per_day": per_day,
    }
    return Outlook(
        clean(history, as_of=as_of),
        volumes,
        scored.assign(chosen=scored["method"].eq(scored["series"].map(chosen))),
        forecast(wide / days, **settled),
        forecast(wide / days, **settled, yearly=True),
    )
