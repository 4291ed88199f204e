"""Rates, ratios and shares of events, with the interval that fits each.

Definitions: a *rate* is events per 100,000 person-years; an *age-adjusted rate* weights age-specific rates by a standard
population (direct method); a *standardized incidence ratio* (SIR) is observed over expected events (indirect method);
a *share* is a fraction of a known total.

Known bias: directly adjusted rates from few events are unstable, whatever their interval; SIRs of two areas have
different age weights, so each compares with the reference only, never with another SIR.

Nothing divides by zero silently: without population, without trials or without expected events a value is NaN.
"""

from typing import Any, Literal, NamedTuple, get_args, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import elementwise
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.proportion import proportion_confint

from . import given

PER = 100_000
SWITCH = 10  # events from which Byar's limits stand in for the exact ones
Poisson = Literal["switch", "byar", "exact", "mid-p"]
Adjusted = Literal["fay-feuer", "tiwari", "dobson-byar"]


class Limits(NamedTuple):
    """Lower and upper limit, floats or arrays shaped like the input."""

    low: float | np.ndarray
    high: float | np.ndarray


class Rate(NamedTuple):
    """A rate per 100,000 with its limits and the events behind it, floats or arrays; `note` says why there is none."""

    rate_100k: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray
    cases_n: float | np.ndarray
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


@overload
def quotient(numerator: float, denominator: float) -> float: ...
@overload
def quotient(numerator: ArrayLike, denominator: ArrayLike) -> Any: ...
def quotient(numerator: ArrayLike, denominator: ArrayLike) -> float | np.ndarray:
    """Numerator over denominator, missing where the denominator is zero or unknown: a float of two numbers, else an array.

    Raises
    ------
    ValueError
        Two pandas objects have different labels.
    """
    given.labels(numerator=numerator, denominator=denominator)
    top, bottom = np.broadcast_arrays(np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float))
    result = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=result, where=(bottom != 0) & ~np.isnan(bottom))
    return _plain(result)


def wilson(count: ArrayLike, nobs: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Wilson score limits of a share (0 to 1); missing where there were no trials.

    Raises
    ------
    ValueError
        A count is negative or larger than its total, or the two have different labels.

    References
    ----------
    Wilson (1927), JASA 22:209; Brown, Cai & DasGupta (2001), Statistical Science 16:101.
    """
    given.labels(count=count, nobs=nobs)
    given.fraction(alpha, name="alpha")
    counts, totals = np.broadcast_arrays(given.counts(count, name="count"), given.counts(nobs, name="nobs"))
    if np.any(counts > totals):
        raise ValueError("count must not exceed nobs")
    known = totals > 0
    low, high = proportion_confint(np.where(known, counts, 0), np.where(known, totals, 1), alpha=alpha, method="wilson")
    # At 0 and at n the score limits are 0 and 1 exactly; rounding leaves 1e-17 there.
    low, high = np.where(counts == 0, 0.0, low), np.where(counts == totals, 1.0, high)
    return Limits(_plain(np.where(known, low, np.nan)), _plain(np.where(known, high, np.nan)))


def poisson_exact(count: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Exact limits of a Poisson count, through the chi-square quantiles.

    References
    ----------
    Garwood (1936), Biometrika 28:437.
    """
    given.fraction(alpha, name="alpha")
    counts = given.counts(count, name="count")
    low = np.where(counts == 0, 0.0, stats.chi2.ppf(alpha / 2, 2 * np.where(counts == 0, 1, counts)) / 2)
    return Limits(_plain(low), _plain(stats.chi2.ppf(1 - alpha / 2, 2 * counts + 2) / 2))


def poisson_mid_p(count: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Mid-P limits of a Poisson count: what was seen counts half in each tail. Narrower than the exact ones; 0 events begin at 0.

    References
    ----------
    Rothman & Boice (1979), Epidemiologic Analysis with a Programmable Calculator; Cohen & Yang (1994), Biometrics 50:1143.
    """
    given.fraction(alpha, name="alpha")
    counts = given.counts(count, name="count")
    some = np.where(counts == 0, 1, counts)

    def below(mean: np.ndarray, seen: np.ndarray, tail: np.ndarray) -> np.ndarray:
        more = stats.gamma.cdf(mean, seen + 1)
        return (more + np.where(seen > 0, stats.gamma.cdf(mean, np.maximum(seen, 1)), 1)) / 2 - tail

    def solved(seen: np.ndarray, tail: float) -> np.ndarray:
        ends = (np.where(seen > 0, stats.gamma.ppf(tail, np.maximum(seen, 1)), 0), stats.gamma.ppf(tail, seen + 1))
        return elementwise.find_root(below, ends, args=(seen, np.full(seen.shape, tail))).x

    low = np.where(counts == 0, 0.0, solved(some, alpha / 2))
    return Limits(_plain(low), _plain(solved(counts, 1 - alpha / 2)))


def byar(count: ArrayLike, *, alpha: float = 0.05) -> Limits:
    """Byar's approximate limits of a Poisson count; the lower one is 0 at zero events.

    The variant with x + 0.5 that also goes by this name is not this method.

    References
    ----------
    Breslow & Day (1987), Statistical Methods in Cancer Research, volume II, p. 69.
    """
    given.fraction(alpha, name="alpha")
    counts = given.counts(count, name="count")
    z = stats.norm.ppf(1 - alpha / 2)
    some, more = np.where(counts == 0, 1, counts), counts + 1
    low = np.where(counts == 0, 0.0, some * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3)
    return Limits(_plain(low), _plain(more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3))


def poisson_limits(count: ArrayLike, *, method: Poisson = "switch", alpha: float = 0.05) -> Limits:
    """Limits of a Poisson count: "byar", "exact", "mid-p", or "switch", which is Byar's from ten events on and exact below.

    Raises
    ------
    ValueError
        The method is not known, or a count is negative.
    """
    given.word(method, get_args(Poisson), name="method")
    if method == "mid-p":
        return poisson_mid_p(count, alpha=alpha)
    near, exact = byar(count, alpha=alpha), poisson_exact(count, alpha=alpha)
    close = method == "byar" or (method == "switch" and np.asarray(count, dtype=float) >= SWITCH)
    return Limits(*(_plain(np.where(close, a, b)) for a, b in zip(near, exact, strict=True)))


def crude_rate(cases: ArrayLike, population: ArrayLike, *, method: Poisson = "switch", alpha: float = 0.05) -> Rate:
    """Events per 100,000 person-years with the limits of `poisson_limits`; missing without population.

    Raises
    ------
    ValueError
        The method is not known, a count is negative, or the two have different labels.
    """
    given.labels(cases=cases, population=population)
    low, high = poisson_limits(cases, method=method, alpha=alpha)
    events, people = given.counts(cases, name="cases"), given.counts(population, name="population")
    return Rate(
        quotient(PER * events, people), quotient(PER * np.asarray(low), people), quotient(PER * np.asarray(high), people), _plain(events)
    )


def age_adjusted_rate(
    cases: ArrayLike,
    population: ArrayLike,
    standard: ArrayLike,
    *,
    method: Adjusted = "fay-feuer",
    alpha: float = 0.05,
    least: int = 0,
) -> Rate:
    """Directly standardized rate per 100,000, one number from one value per age group.

    Parameters
    ----------
    cases, population, standard
        Events, person-years and standard population by age group, in the same order.
    method
        Limits: "fay-feuer" (gamma), "tiwari" (as SEER*Stat prints: the upper gamma limit adds the mean weight of the age groups where Fay
        and Feuer add the largest, so it is narrower) or "dobson-byar" (as in England).
    least
        Fewer events than this give no rate (England's public-health practice is 10 with Dobson-Byar).

    Returns
    -------
    The rate, its limits and the events; without a rate all three are missing and `note` says why.

    Raises
    ------
    ValueError
        The method is not known, the three differ in length or labels, or a number is negative.

    References
    ----------
    Fay & Feuer (1997), Statistics in Medicine 16:791; Tiwari, Clegg & Zou (2006), Statistical Methods in Medical Research 15:547; Dobson,
    Kuulasmaa, Eberle & Scherer (1991), Statistics in Medicine 10:457, with Byar's limits.
    """
    given.word(method, get_args(Adjusted), name="method")
    given.fraction(alpha, name="alpha")
    given.labels(cases=cases, population=population, standard=standard)
    seen, people, weight = (given.counts(v, name=n) for v, n in ((cases, "cases"), (population, "population"), (standard, "standard")))
    if not (seen.shape == people.shape == weight.shape):
        raise ValueError("cases, population and standard need one value per age group each")
    used = weight > 0
    seen, people, weight, events = seen[used], people[used], weight[used], float(seen.sum())
    if not weight.size or np.any(people == 0):
        return Rate(np.nan, np.nan, np.nan, events, "an age group of the standard has no population")
    if np.isnan(seen).any() or np.isnan(people).any():
        return Rate(np.nan, np.nan, np.nan, events, "an age group has no known count or population")
    if events < least:
        return Rate(np.nan, np.nan, np.nan, events, f"fewer than {least} events")
    parts = weight / weight.sum() / people
    rate, variance = float(parts @ seen), float(parts**2 @ seen)
    if method == "dobson-byar":
        low, high = _dobson_limits(rate, variance, events, alpha)
    else:
        one = (parts.max(), parts.max() ** 2) if method == "fay-feuer" else (parts.mean(), (parts**2).mean())
        low, high = _gamma_limits(rate, variance, *one, alpha)
    return Rate(PER * rate, PER * low, PER * high, events)


def _gamma_limits(rate: float, variance: float, more: float, spread: float, alpha: float) -> tuple[float, float]:
    """Gamma limits; one more event adds `more` to the rate and `spread` to its variance for the upper one."""
    low = 0.0 if rate == 0 else variance / (2 * rate) * stats.chi2.ppf(alpha / 2, 2 * rate**2 / variance)
    above, wide = rate + more, variance + spread
    return float(low), float(wide / (2 * above) * stats.chi2.ppf(1 - alpha / 2, 2 * above**2 / wide))


def _dobson_limits(rate: float, variance: float, events: float, alpha: float) -> tuple[float, float]:
    if events == 0:  # the scale sqrt(variance / events) has no meaning without events
        return np.nan, np.nan
    low, high = poisson_limits(events, alpha=alpha)
    scale = np.sqrt(variance / events)
    return float(rate + scale * (low - events)), float(rate + scale * (high - events))


def expected_events(rate_100k: ArrayLike, population: ArrayLike) -> float:
    """Events expected if reference age-specific rates held in this population; missing where a rate or population is.

    Raises
    ------
    ValueError
        The two differ in length or labels (other age groups), or a population is negative.
    """
    given.labels(rate_100k=rate_100k, population=population)
    each, people = np.asarray(rate_100k, dtype=float), given.counts(population, name="population")
    if each.ndim and each.shape != people.shape:
        raise ValueError(f"rate_100k has {each.size} age groups and population {people.size}: they must be the same ones")
    return float(np.sum(each * people) / PER)


def sir(observed: ArrayLike, expected: ArrayLike, *, method: Poisson = "switch", alpha: float = 0.05) -> Ratio:
    """Standardized incidence (or mortality) ratio, observed over expected, with the limits of `poisson_limits`; missing where nothing is
    expected.

    Compare each ratio with its reference only: two SIRs rest on different age structures.

    Raises
    ------
    ValueError
        The method is not known, a count is negative, or the two have different labels.

    References
    ----------
    Breslow & Day (1987), Statistical Methods in Cancer Research, volume II, section 2.3.
    """
    given.labels(observed=observed, expected=expected)
    low, high = poisson_limits(observed, method=method, alpha=alpha)
    due, seen = given.counts(expected, name="expected"), np.asarray(observed, dtype=float)
    return Ratio(quotient(seen, due), quotient(low, due), quotient(high, due))


def trend_label(low: float, high: float) -> str:
    """ "rising" when the whole interval of the APC is above zero, "falling" below, else "stable" (State Cancer Profiles)."""
    if np.isnan(low) or np.isnan(high):
        return "not available"
    return "rising" if low > 0 else "falling" if high < 0 else "stable"


def apc(year: ArrayLike, rate: ArrayLike, *, standard_error: ArrayLike | None = None, alpha: float = 0.05) -> Trend:
    """Annual percent change: 100 (exp(b) - 1) from a log-linear regression of the rate on the year, with limits by Student's t.

    Parameters
    ----------
    year, rate
        One value a year each; years without a known rate are left out.
    standard_error
        Of each rate: years then weigh by (rate / standard error) squared, the inverse variance of the log rate, else equally.

    Returns
    -------
    The change, its limits (n - 2 degrees of freedom) and its label; rates of zero have no logarithm, and fewer than three years no trend:
    then the numbers are missing and `note` says why.

    Raises
    ------
    ValueError
        A rate is negative, a standard error not positive, or the arguments have different labels.

    References
    ----------
    Kim, Fay, Feuer & Midthune (2000), Statistics in Medicine 19:335; SEER*Stat, Trend Algorithms.
    """
    given.labels(year=year, rate=rate, standard_error=standard_error)
    given.fraction(alpha, name="alpha")
    years, rates = np.asarray(year, dtype=float), given.counts(rate, name="rate")
    known = ~(np.isnan(years) | np.isnan(rates))
    errors = np.ones(rates.shape) if standard_error is None else np.asarray(standard_error, dtype=float)
    years, rates, errors = years[known], rates[known], errors[known]
    if not (errors > 0).all():
        raise ValueError("standard_error must be positive for every year with a rate")
    if len(np.unique(years)) < 3:
        return Trend(np.nan, np.nan, np.nan, "not available", "fewer than three years")
    if np.any(rates == 0):
        return Trend(np.nan, np.nan, np.nan, "not available", "a year without events")
    weights = 1.0 if standard_error is None else (rates / errors) ** 2
    design = np.column_stack([np.ones_like(years), years - years.mean()])
    fit = WLS(np.log(rates), design, weights=weights).fit()
    low, high = fit.conf_int(alpha=alpha)[1]
    slope, low, high = (100 * float(np.expm1(v)) for v in (fit.params[1], low, high))
    return Trend(slope, low, high, trend_label(low, high))


def apc_by(frame: pd.DataFrame, groups: list[str], *, year: str = "year", rate: str = "rate_100k") -> pd.DataFrame:
    """One trend for each group of rows.

    Returns
    -------
    One row per group: the columns of `groups`, `apc`, `apc_low` and `apc_high` (percent a year), `trend` and `note`.
    """
    rows = {keys: apc(part[year], part[rate]) for keys, part in frame.groupby(groups, sort=True)}
    found = pd.DataFrame(rows.values(), columns=["apc", "apc_low", "apc_high", "trend", "note"])
    found.index = pd.MultiIndex.from_tuples(list(rows), names=groups)
    return found.reset_index()
