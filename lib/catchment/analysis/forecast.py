"""What happens if nothing changes: volumes by quarter, ten years on, with prediction intervals.

Definitions used
----------------
Series
    One volume (a measure, or a measure at one tumor site) per quarter. Services of working days (visits, fractions, surgeries) are
    forecast per working day and multiplied by the working days of each future quarter.
Back-test
    Rolling origin: stand at the end of each quarter from the twelfth on, use what was known then, forecast the next eight (the plan looks years ahead), compare.
    Cleaning and fitting are redone at each origin, so nothing later than the origin is used.
Interval
    A *prediction* interval of the future value. Parameters count as known, which flatters on 20 quarters; so the one-step spread is
    the larger of the in-sample one and that of the back-test up to the origin, with Student's t. The measured coverage is shown.
    Years ahead the choice of the method is the larger doubt: the variance between the methods whose error is within 5 % of the least is added.

Fallbacks, each named in the result
-----------------------------------
fewer than 8 quarters: their mean, with the spread of single values; all zero: zero, upper limit by the rule of three; a missing quarter: what
level, slope and season of the other quarters expect, for fitting only; an outlier (Bonferroni test of the deleted residual, 1 %): replaced
likewise for fitting, and shown; an unfinished last quarter: left out; a negative lower limit of a count: shown as zero.

Known bias: history holds one regime. A new competitor, drug or rule isn't in the series; the driver bridge and the scenarios are there for that.

References: Hyndman and Athanasopoulos, FPP3 (2021), chapters 5, 8, 9, 11, 13; Cook and Weisberg, Residuals and Influence (1982), section 2.2.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar
from scipy import stats

from catchment.analysis.accuracy import coverage, mae, rmse, seasonal_scale, smape
from catchment.analysis.smoothing import BENCHMARK, METHODS, SEASON, Fit, mean

SHORTEST = 8
FIRST_ORIGIN = 12
AHEAD = 8
LEVELS = (0.80, 0.95)
OUTLIER_LEVEL = 0.01
NOTES = ("", "missing: filled for fitting", "outlier: replaced for fitting", "unfinished quarter: left out")


def working_days(quarters: pd.PeriodIndex) -> np.ndarray:
    """Weekdays that aren't federal holidays in each quarter."""
    first, after = quarters.start_time, (quarters + 1).start_time
    holidays = USFederalHolidayCalendar().holidays(first.min(), after.max())
    days = [moment.to_numpy().astype("datetime64[D]") for moment in (first, after, holidays)]
    return np.busday_count(days[0], days[1], holidays=days[2]).astype(float)


def _design(n: int) -> np.ndarray:
    return np.column_stack([np.arange(n), np.eye(SEASON)[np.arange(n) % SEASON]])


def _fill(row: np.ndarray) -> np.ndarray:
    """The series with missing quarters replaced by what level, slope and season of the others expect; never below zero."""
    known = ~np.isnan(row)
    design = _design(len(row))
    answer, *_ = np.linalg.lstsq(design[known], row[known])
    return np.where(known, row, np.maximum(design @ answer, 0))


def _outliers(row: np.ndarray) -> np.ndarray:
    """Which values no smooth season explains: deleted Student residual beyond the Bonferroni limit."""
    n, design = len(row), _design(len(row))
    hat = design @ np.linalg.pinv(design)
    freedom = n - design.shape[1] - 1
    error, leverage = row - hat @ row, np.diag(hat)
    if freedom < 2 or (error**2).sum() <= 1e-12 * (row**2).sum():
        return np.zeros(n, dtype=bool)
    variance = ((error**2).sum() - error**2 / (1 - leverage)) / freedom
    student = np.abs(error) / np.sqrt(np.maximum(variance, 1e-12 * (row**2).mean()) * (1 - leverage))
    return student > stats.t.ppf(1 - OUTLIER_LEVEL / (2 * n), freedom)


def _cleaned(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A series ready to fit, and per value the place in `NOTES` that says what was done."""
    notes = np.isnan(row).astype(int)
    if (~np.isnan(row)).sum() < SHORTEST:
        return row[notes == 0], notes
    used = _fill(row)
    strange = _outliers(used) & (notes == 0)
    if strange.any():
        used, notes = _fill(np.where(strange, np.nan, used)), np.where(strange, 2, notes)
    return used, notes


def table(history: pd.DataFrame, *, as_of: object = None) -> pd.DataFrame:
    """Series as columns over an unbroken quarterly calendar; a quarter without a row is missing.

    Parameters
    ----------
    history
        One row per series and quarter: ``series, year, quarter, volume_n``.
    as_of
        Data end: a quarter that isn't over on this day is left out.
    """
    moments = pd.PeriodIndex.from_fields(year=history["year"].astype(int), quarter=history["quarter"].astype(int), freq="Q")
    twice = history.assign(moment=moments)[["series", "moment"]].duplicated()
    if twice.any():
        raise ValueError(f"volumes: expected one row per series and quarter, found several for {history.loc[twice, 'series'].iloc[0]} {moments[twice][0]}")
    wide = history.assign(moment=moments).pivot(index="moment", columns="series", values="volume_n").astype(float)
    wide = wide.reindex(pd.period_range(wide.index.min(), wide.index.max(), freq="Q")).rename_axis(columns="series")
    return wide if as_of is None else wide[wide.index.end_time.normalize() <= pd.Timestamp(as_of)]


def clean(history: pd.DataFrame, *, as_of: object = None) -> pd.DataFrame:
    """What was observed, what is used for fitting, and why they differ.

    Returns
    -------
    One row per series and quarter: ``series, year, quarter, volume_n, used_n, note``.
    """
    wide = table(history)
    kept = wide if as_of is None else table(history, as_of=as_of)
    frames = []
    for name, values in wide.items():
        used, notes = _cleaned(kept[name].to_numpy())
        if len(used) < len(kept):
            used = kept[name].to_numpy()
        late = len(wide) - len(kept)
        frames.append(pd.DataFrame({
            "series": name, "year": wide.index.year, "quarter": wide.index.quarter, "volume_n": values.to_numpy(),
            "used_n": np.append(used, np.full(late, np.nan)), "note": [NOTES[note] for note in [*notes, *[3] * late]]}))
    return pd.concat(frames, ignore_index=True)


def _widths(fit: Fit, sums: np.ndarray) -> np.ndarray:
    """Standard deviation of weighted sums of the coming quarters (series, sums); ``sums`` has one row of weights per sum."""
    horizon = fit.psi.shape[1]
    lag = np.arange(horizon)[:, None] - np.arange(horizon)
    response = np.where(lag >= 0, fit.psi[:, np.maximum(lag, 0)], 0.0)
    return fit.sigma[:, None] * np.sqrt(((sums @ response) ** 2).sum(axis=2))


def _limits(center: np.ndarray, width: np.ndarray, freedom: int) -> dict[str, np.ndarray]:
    """80 and 95 % limits by Student's t, a negative lower limit shown as zero."""
    limits = {}
    for level in LEVELS:
        reach = stats.t.ppf(0.5 + level / 2, freedom) * width
        limits |= {f"volume_n_low_{level:.0%}".replace("%", ""): np.maximum(center - reach, 0), f"volume_n_high_{level:.0%}".replace("%", ""): center + reach}
    return limits


def strange(wide: pd.DataFrame) -> pd.DataFrame:
    """Which values are outliers by everything known today, in the shape of ``wide``."""
    flags = {name: _cleaned(values.to_numpy())[1] == 2 for name, values in wide.items()}
    return pd.DataFrame(flags, index=wide.index)


def backtest(wide: pd.DataFrame, *, methods: Mapping = METHODS, first: int = FIRST_ORIGIN, ahead: int = AHEAD) -> pd.DataFrame:
    """Rolling-origin forecasts of each series by each method against what came.

    Parameters
    ----------
    wide
        Series as columns over quarters, see `table`; series with fewer than ``first`` + 1 quarters can't be tested and are left out.
        Outliers stay in what a forecast is made from, as far as they weren't detectable then, but no forecast is blamed for missing one.

    Returns
    -------
    One row per series, method, origin and quarter ahead: ``series, method, origin, ahead, actual, forecast``, limits
    (``volume_n_low_80`` ...) and ``scale`` (the seasonal naive error in training, for MASE). Quarters that weren't observed have no row.
    """
    known, wide = wide.to_numpy().T, wide.mask(strange(wide)) if len(wide) > first else wide
    values = wide.to_numpy().T
    spent, frames = {method: np.zeros((2, len(values))) for method in methods}, []
    for origin in range(first, values.shape[1]):
        enough = (~np.isnan(known[:, :origin])).sum(axis=1) >= SHORTEST
        train = np.array([_cleaned(row)[0] if long else np.zeros(origin) for row, long in zip(known[:, :origin], enough, strict=True)])
        steps = min(ahead, values.shape[1] - origin)
        for method, continued in methods.items():
            fit = continued(train, steps)
            errors, counted = spent[method]
            seen = np.sqrt(errors / np.maximum(counted, 1))
            fit = Fit(fit.method, fit.mean, fit.psi, np.maximum(fit.sigma, np.where(counted >= 2, seen, 0)), fit.freedom, fit.parameters)
            frames.append(_compared(fit, method, wide, origin, steps, train).loc[lambda rows, enough=enough: rows["series"].isin(wide.columns[enough])])
            step = values[:, origin] - fit.mean[:, 0]
            spent[method] += np.where(np.isnan(step), 0, [step**2, np.ones(len(step))])
    return pd.concat(frames, ignore_index=True).dropna(subset="actual") if frames else pd.DataFrame()


def _compared(fit: Fit, method: str, wide: pd.DataFrame, origin: int, steps: int, train: np.ndarray) -> pd.DataFrame:
    limits = _limits(fit.mean, _widths(fit, np.eye(steps)), fit.freedom)
    columns = {"actual": wide.to_numpy()[origin:origin + steps].T, "forecast": fit.mean, **limits,
               "scale": np.repeat(np.atleast_1d(seasonal_scale(train, SEASON))[:, None], steps, axis=1)}
    keys = {"series": np.repeat(wide.columns.to_numpy(), steps), "method": method, "origin": str(wide.index[origin - 1]),
            "ahead": np.tile(np.arange(1, steps + 1), wide.shape[1])}
    return pd.DataFrame(keys | {name: block.ravel() for name, block in columns.items()})


def scores(tested: pd.DataFrame, *, by: list[str] | None = None) -> pd.DataFrame:
    """Errors and interval coverage of a back-test, one row per series and method (or another grouping).

    Returns
    -------
    The keys and ``mase, smape_share, rmse, mae, coverage_80_share, coverage_95_share, forecasts`` (how many were compared).
    """
    def one(group: pd.DataFrame) -> pd.Series:
        actual, guess = group["actual"], group["forecast"]
        return pd.Series({
            "mase": (np.abs(actual - guess) / group["scale"]).mean(), "smape_share": smape(actual, guess), "rmse": rmse(actual, guess),
            "mae": mae(actual, guess), "coverage_80_share": coverage(actual, group["volume_n_low_80"], group["volume_n_high_80"]),
            "coverage_95_share": coverage(actual, group["volume_n_low_95"], group["volume_n_high_95"]), "forecasts": float(len(group))})

    keys = by or ["series", "method"]
    return tested.groupby(keys, sort=False)[[column for column in tested.columns if column not in keys]].apply(one).reset_index()


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
    used, _ = _cleaned(row)
    if not used.any():
        nothing = np.zeros((1, horizon))
        return Fit("zero (no event so far)", nothing, nothing, np.zeros(1), 1, pd.DataFrame({"upper": [3 / max(len(used), 1)]}))
    if len(used) < SHORTEST:
        return mean(used, horizon)
    fit = METHODS[method](used, horizon)
    return Fit(fit.method, fit.mean, fit.psi, np.maximum(fit.sigma, spread), fit.freedom, fit.parameters)


def _disagreement(row: np.ndarray, names: list[str], center: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Variance of the rival methods' forecasts around the chosen one's."""
    used, _ = _cleaned(row)
    if len(names) < 2 or len(used) < SHORTEST or not used.any():
        return np.zeros_like(center)
    others = np.array([np.maximum(METHODS[name](used, weights.shape[1]).mean, 0) @ weights.T for name in names])
    return ((others - center) ** 2).mean(axis=0)


def forecast(wide: pd.DataFrame, *, horizon: int = 40, chosen: pd.Series | None = None, tested: pd.DataFrame | None = None,
             near: Mapping[str, list[str]] | None = None, per_day: tuple[str, ...] = (), yearly: bool = False) -> pd.DataFrame:
    """Each series continued by its chosen method.

    Parameters
    ----------
    wide
        Series as columns over quarters, see `table`; in units per working day for the series named in ``per_day``.
    chosen
        Method by series, see `choice`; a series without one (too short to test) takes the seasonal naive.
    tested
        Back-test, see `backtest`: its one-step errors widen intervals that the fit alone would make too narrow.
    near
        Methods by series whose disagreement widens the interval too, see `rivals`.
    yearly
        Sums over calendar years (complete ones only) instead of quarters; quarters already observed count with their value.

    Returns
    -------
    ``series, year, quarter`` (no quarter when yearly)``, method, volume_n, volume_n_low_80, volume_n_high_80, volume_n_low_95, volume_n_high_95``.
    """
    quarters = pd.period_range(wide.index[-1] + 1, periods=horizon, freq="Q")
    sums, keys = _periods(quarters, wide.index[-1], yearly=yearly)
    spreads = _one_step(tested)
    days = working_days(quarters)
    frames = []
    for name, values in wide.items():
        method = "seasonal naive" if chosen is None or name not in chosen.index else chosen[name]
        fit = _continued(values.to_numpy(), method, horizon, spreads.get((name, method), 0.0))
        weights = sums * days if name in per_day else sums
        center = np.maximum(fit.mean, 0) @ weights.T
        doubt = _disagreement(values.to_numpy(), (near or {}).get(name, []), center, weights)
        limits = _limits(center, np.sqrt(_widths(fit, weights) ** 2 + doubt), fit.freedom)
        if "upper" in fit.parameters:
            most = fit.parameters["upper"].iloc[0] * weights.sum(axis=1)
            limits = {key: (most[None] if "_high_" in key else center) for key in limits}
        frames.append(keys.assign(series=name, method=fit.method, volume_n=center[0], **{key: block[0] for key, block in limits.items()}))
    order = ["series", *keys.columns, "method", "volume_n", *limits]
    return pd.concat(frames, ignore_index=True)[order]


def _one_step(tested: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    """Root mean square of the one-quarter errors by series and method."""
    if tested is None or tested.empty:
        return {}
    near = tested[tested["ahead"].eq(1)]
    squares = (near["actual"] - near["forecast"]) ** 2
    return np.sqrt(squares.groupby([near["series"], near["method"]]).mean()).to_dict()


def _periods(quarters: pd.PeriodIndex, last: pd.Period, *, yearly: bool) -> tuple[np.ndarray, pd.DataFrame]:
    """Which quarters each wanted period sums, and its keys."""
    if not yearly:
        return np.eye(len(quarters)), pd.DataFrame({"year": quarters.year, "quarter": quarters.quarter})
    if last.quarter != SEASON:
        raise ValueError(f"yearly forecast: expected data to end with a calendar year, found {last}")
    years = np.unique(quarters.year)[: len(quarters) // SEASON]
    return (quarters.year.to_numpy() == years[:, None]).astype(float), pd.DataFrame({"year": years})


def reconciled(parts: pd.DataFrame, total: pd.DataFrame, *, keys: tuple[str, ...] = ("year",)) -> pd.DataFrame:
    """Part forecasts scaled so that each period's parts add to the total's own forecast.

    Forecast proportions, top down (Athanasopoulos, Ahmed, Hyndman 2009; FPP3 section 11.4): the total keeps its back-tested forecast, no part turns negative.

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
        ``cleaned`` (see `clean`), ``tested`` (see `backtest`, in volumes), ``scored`` (see `scores`, with ``chosen``), ``quarters`` and
        ``years`` (see `forecast`).
    """
    wide = table(history, as_of=as_of)
    days = pd.DataFrame(1.0, index=wide.index, columns=wide.columns)
    days.loc[:, [name for name in per_day if name in wide]] = working_days(wide.index)[:, None]
    tested = backtest(wide / days)
    scored = scores(tested) if len(tested) else pd.DataFrame(columns=["series", "method", "mase"])
    chosen = choice(scored)
    settled = {"chosen": chosen, "tested": tested, "near": rivals(scored), "horizon": horizon, "per_day": tuple(name for name in per_day if name in wide)}
    if len(tested):
        size = days.to_numpy()[[wide.index.get_loc(pd.Period(origin, "Q")) + ahead for origin, ahead in zip(tested["origin"], tested["ahead"], strict=True)],
                               wide.columns.get_indexer(tested["series"])]
        amounts = [column for column in tested.columns if column not in ("series", "method", "origin", "ahead")]
        tested = tested.assign(**{column: tested[column] * size for column in amounts})
        scored = scores(tested)
    scored = scored.assign(chosen=scored["method"].eq(scored["series"].map(chosen)))
    return Outlook(clean(history, as_of=as_of), tested, scored, forecast(wide / days, **settled), forecast(wide / days, **settled, yearly=True))


def yearly(cleaned: pd.DataFrame) -> pd.DataFrame:
    """Calendar years of what was observed: ``series, year, volume_n, quarters_n, filled_n``.

    A year with a quarter that wasn't delivered takes the filled value for it (``filled_n`` says how many), so that years compare; an
    outlier counts as observed.
    """
    value = cleaned["volume_n"].fillna(cleaned["used_n"])
    kept = cleaned.assign(volume_n=value, filled_n=cleaned["volume_n"].isna() & value.notna())
    return kept.groupby(["series", "year"], as_index=False, sort=False).agg(volume_n=("volume_n", "sum"), quarters_n=("volume_n", "count"), filled_n=("filled_n", "sum"))


def tidy(volumes: pd.DataFrame) -> pd.DataFrame:
    """Volumes with one column per measure (``cases_n``, ``fractions_n`` ...) as one row per measure: ``measure, site, year, quarter, volume_n``."""
    measures = [column for column in volumes.columns if column.endswith("_n")]
    long = volumes.melt(["site", "year", "quarter"], measures, var_name="measure", value_name="volume_n")
    return long.assign(measure=long["measure"].str.removesuffix("_n"))


def totals(tidy_volumes: pd.DataFrame, by: str) -> pd.DataFrame:
    """Quarterly sums by one column as ``series``; a sum with a part that wasn't delivered is missing."""
    groups = tidy_volumes.groupby([by, "year", "quarter"], sort=False)["volume_n"]
    sums = groups.sum().where(groups.count() == groups.size())
    return sums.rename_axis(["series", "year", "quarter"]).reset_index()
