"""Rates, ratios and shares of events, with the interval that fits each.

Definitions: a *rate* is events per 100,000 person-years; an *age-adjusted rate* weights age-specific rates by a standard
population (direct method); a *standardized incidence ratio* (SIR) is observed over expected events (indirect method);
a *share* is a fraction of a known total.

Known bias: directly adjusted rates from few events are unstable, whatever their interval; SIRs of two areas have
different age weights, so each compares with the reference only, never with another SIR.

Nothing divides by zero silently: without population, without trials or without expected events a value is NaN.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.proportion import proportion_confint

PER = 100_000


class Limits(NamedTuple):
    """Lower and upper limit, floats or arrays shaped like the input."""

    low: float | np.ndarray
    high: float | np.ndarray


class Rate(NamedTuple):
    """An age-adjusted rate per 100,000 with its limits and, when it could not be given, the reason."""

    rate_100k: float
    low: float
    high: float
    cases_n: float
    note: str = ""


class Ratio(NamedTuple):
    """A standardized ratio (1 is the reference) with its limits, floats or arrays."""

    sir: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray


class Trend(NamedTuple):
    """Annual percent change with its limits, its label (rising, falling, stable) and, without a result, the reason."""

    apc: float
    low: float
    high: float
    label: str
    note: str = ""


def _plain(values: np.ndarray) -> float | np.ndarray:
    return float(values) if np.ndim(values) == 0 else values


def _counts(values: ArrayLike, name: str) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if np.any(numbers < 0):
        raise ValueError(f"{name} must not be negative: {numbers.min():g}")
    return numbers


def quotient(numerator: ArrayLike, denominator: ArrayLike) -> float | np.ndarray:
    """Numerator over denominator, NaN where the denominator is zero or unknown."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float))
    result = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=result, where=(bottom != 0) & ~np.isnan(bottom))
    return _plain(result)


def wilson(count: ArrayLike, nobs: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Wilson score limits of a share; NaN where there were no trials.

    Raises
    ------
    ValueError
        When a count is negative or larger than its total.

    References
    ----------
    Wilson (1927), JASA 22:209; Brown, Cai, DasGupta (2001), Statistical Science 16:101.
    """
    counts, totals = np.broadcast_arrays(_counts(count, "count"), _counts(nobs, "nobs"))
    if np.any(counts > totals):
        raise ValueError("count must not exceed nobs")
    known = totals > 0
    low, high = proportion_confint(np.where(known, counts, 0), np.where(known, totals, 1), alpha=alpha, method="wilson")
    # At 0 and at n the score limits are 0 and 1 exactly; rounding leaves 1e-17 there.
    low, high = np.where(counts == 0, 0.0, low), np.where(counts == totals, 1.0, high)
    return Limits(_plain(np.where(known, low, np.nan)), _plain(np.where(known, high, np.nan)))


def poisson_exact(count: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Exact (Garwood 1936) limits of a Poisson count, through the chi-square quantiles."""
    counts = _counts(count, "count")
    low = np.where(counts == 0, 0.0, stats.chi2.ppf(alpha / 2, 2 * np.where(counts == 0, 1, counts)) / 2)
    return Limits(_plain(low), _plain(stats.chi2.ppf(1 - alpha / 2, 2 * counts + 2) / 2))


def byar(count: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Byar's approximate limits of a Poisson count (Breslow & Day 1987, volume II, p. 69).

    The lower limit is 0 at zero events. The variant with x + 0.5 that also goes by this name is not this method.
    """
    counts = _counts(count, "count")
    z = stats.norm.ppf(1 - alpha / 2)
    some, more = np.where(counts == 0, 1, counts), counts + 1
    low = np.where(counts == 0, 0.0, some * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3)
    return Limits(_plain(low), _plain(more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3))


def poisson_limits(count: ArrayLike, *, alpha: float = 0.05, switch: int = 10) -> Limits:
    """Limits of a Poisson count: Byar's from `switch` events on, exact below."""
    counts = _counts(count, "count")
    near, exact = byar(counts, alpha=alpha), poisson_exact(counts, alpha=alpha)
    return Limits(*(_plain(np.where(counts >= switch, a, b)) for a, b in zip(near, exact, strict=True)))


def crude_rate(cases: ArrayLike, population: ArrayLike, *, alpha: float = 0.05) -> Rate:
    """Events per 100,000 with Byar or exact limits; arrays give a Rate of arrays."""
    low, high = poisson_limits(cases, alpha=alpha)
    return Rate(*(quotient(PER * np.asarray(v, dtype=float), population) for v in (cases, low, high)), cases_n=cases)


def age_adjusted_rate(
    cases: ArrayLike,
    population: ArrayLike,
    standard: ArrayLike,
    *,
    method: Literal["fay-feuer", "dobson-byar"] = "fay-feuer",
    alpha: float = 0.05,
    least: int = 0,
) -> Rate:
    """Directly standardized rate per 100,000, one number from one value per age group.

    Parameters
    ----------
    cases, population, standard
        Events, person-years and standard population by age group, in the same order.
    method
        Limits: "fay-feuer" (gamma, Fay & Feuer 1997) or "dobson-byar" (Dobson et al. 1991 with Byar's limits).
    least
        Fewer events than this give no rate (England's public-health practice is 10 with Dobson-Byar).

    Notes
    -----
    SEER*Stat prints limits modified by Tiwari et al. (2006), slightly narrower than the gamma limits here.
    """
    cases, population, standard = (_counts(v, n) for v, n in ((cases, "cases"), (population, "population"), (standard, "standard")))
    events = float(cases.sum())
    if not (cases.shape == population.shape == standard.shape):
        raise ValueError("cases, population and standard need one value per age group each")
    if standard.sum() == 0 or np.any((population == 0) & (standard > 0)):
        return Rate(np.nan, np.nan, np.nan, events, "an age group of the standard has no population")
    if events < least:
        return Rate(np.nan, np.nan, np.nan, events, f"fewer than {least} events")
    used = standard > 0
    weights = standard[used] / standard.sum() / population[used]
    rate, variance = float(weights @ cases[used]), float(weights**2 @ cases[used])
    limits = _gamma_limits if method == "fay-feuer" else _dobson_limits
    low, high = limits(rate, variance, float(weights.max()), events, alpha)
    return Rate(PER * rate, PER * low, PER * high, events)


def _gamma_limits(rate: float, variance: float, heaviest: float, events: float, alpha: float) -> Limits:
    low = 0.0 if rate == 0 else variance / (2 * rate) * stats.chi2.ppf(alpha / 2, 2 * rate**2 / variance)
    wide, more = variance + heaviest**2, rate + heaviest
    return Limits(float(low), float(wide / (2 * more) * stats.chi2.ppf(1 - alpha / 2, 2 * more**2 / wide)))


def _dobson_limits(rate: float, variance: float, heaviest: float, events: float, alpha: float) -> Limits:
    if events == 0:  # the scale sqrt(variance / events) has no meaning without events
        return Limits(np.nan, np.nan)
    low, high = poisson_limits(events, alpha=alpha)
    scale = np.sqrt(variance / events)
    return Limits(rate + scale * (low - events), rate + scale * (high - events))


def expected_events(rate_100k: ArrayLike, population: ArrayLike) -> float:
    """Events expected if reference age-specific rates held in this population."""
    return float(np.sum(np.asarray(rate_100k, dtype=float) * _counts(population, "population")) / PER)


def sir(observed: ArrayLike, expected: ArrayLike, *, alpha: float = 0.05) -> Ratio:
    """Standardized incidence (or mortality) ratio, Byar from 10 events, exact below; NaN where nothing is expected.

    Compare each ratio with its reference only: two SIRs rest on different age structures.
    """
    low, high = poisson_limits(observed, alpha=alpha)
    return Ratio(*(quotient(v, expected) for v in (observed, low, high)))


def funnel_limits(
    size: ArrayLike,
    *,
    reference: float = 1.0,
    level: float = 0.95,
    distribution: Literal["poisson", "binomial"] = "poisson",
) -> Limits:
    """Control limits around a reference, for areas or hospitals of different size.

    `size` is the expected count (poisson, `reference` the ratio) or the number of trials (binomial, `reference` the
    share). Quantiles are interpolated between counts as Spiegelhalter (2005, Statistics in Medicine 24:1185) does.
    """
    sizes = _counts(size, "size")
    law = stats.poisson(sizes * reference) if distribution == "poisson" else stats.binom(sizes, reference)
    return Limits(*(quotient(_interpolated(law, p), sizes) for p in ((1 - level) / 2, (1 + level) / 2)))


def _interpolated(law, p: float) -> np.ndarray:
    count = law.ppf(p)
    above, mass = law.cdf(count), law.pmf(count)
    part = np.divide(above - p, mass, out=np.zeros_like(mass), where=mass > 0)
    return np.maximum(count - part, 0)


def funnel_curve(size: ArrayLike, *, points: int = 60) -> pd.DataFrame:
    """Limits to draw over a range of sizes, evenly spaced in logs: `size, low, high` (95 %) and `outer_low, outer_high` (99.8 %).

    Empty without a size above zero.
    """
    sizes = np.asarray(size, dtype=float)
    grid = np.geomspace(sizes[sizes > 0].min(), sizes.max(), points) if (sizes > 0).any() else np.empty(0)
    (low, high), (outer_low, outer_high) = funnel_limits(grid), funnel_limits(grid, level=0.998)
    return pd.DataFrame({"size": grid, "low": low, "high": high, "outer_low": outer_low, "outer_high": outer_high})


def trend_label(low: float, high: float) -> str:
    """ "rising" when the whole interval of the APC is above zero, "falling" below, else "stable" (State Cancer Profiles)."""
    if np.isnan(low) or np.isnan(high):
        return "not available"
    return "rising" if low > 0 else "falling" if high < 0 else "stable"


def apc(year: ArrayLike, rate: ArrayLike, *, standard_error: ArrayLike | None = None, alpha: float = 0.05) -> Trend:
    """Annual percent change: 100 (exp(b) - 1) from a log-linear regression of the rate on the year.

    Years are weighted equally, or by (rate / standard error) squared, the inverse variance of the log rate.
    Limits use Student's t with n - 2 degrees of freedom. Rates of zero have no logarithm and give NaN with a note.
    """
    years, rates = np.asarray(year, dtype=float), _counts(rate, "rate")
    known = ~(np.isnan(years) | np.isnan(rates))
    years, rates = years[known], rates[known]
    if len(np.unique(years)) < 3:
        return Trend(np.nan, np.nan, np.nan, "not available", "fewer than three years")
    if np.any(rates == 0):
        return Trend(np.nan, np.nan, np.nan, "not available", "a year without events")
    weights = 1.0 if standard_error is None else (rates / np.asarray(standard_error, dtype=float)[known]) ** 2
    design = np.column_stack([np.ones_like(years), years - years.mean()])
    fit = WLS(np.log(rates), design, weights=weights).fit()
    low, high = fit.conf_int(alpha=alpha)[1]
    slope, low, high = (100 * float(np.expm1(v)) for v in (fit.params[1], low, high))
    return Trend(slope, low, high, trend_label(low, high))


def apc_by(frame: pd.DataFrame, groups: list[str], *, year: str = "year", rate: str = "rate_100k") -> pd.DataFrame:
    """One trend per group: a row each with `apc, apc_low, apc_high, trend, note` (percent a year)."""
    rows = {keys: apc(part[year], part[rate]) for keys, part in frame.groupby(groups, sort=True)}
    found = pd.DataFrame(rows.values(), columns=["apc", "apc_low", "apc_high", "trend", "note"])
    found.index = pd.MultiIndex.from_tuples([k if isinstance(k, tuple) else (k,) for k in rows], names=groups)
    return found.reset_index()
