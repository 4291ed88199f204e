"""Many areas or hospitals, most of them small: is one unusual (funnel), and what is its rate once chance is taken off (empirical Bayes)?

Definitions: the *funnel* is a pair of limits around one reference, narrower for larger units; of units that differ by chance alone 95 % lie
within the inner and 99.8 % within the outer limits. *Empirical Bayes* draws a raw rate towards the mean as far as its size warrants:
Marshall's global estimator works on rates (events over population), the Poisson-gamma of Clayton and Kaldor on ratios (observed over
expected), with an interval. *Overdispersion* is spread beyond chance that no model explains: phi is the mean of the squared z scores, the
extreme tenth at each end drawn in to its border (winsorized), tau2 the variance between units that it leaves; limits widen by it, so that
a unit stands out among units as they are. A unit is compared with the reference, never ranked.

Known bias: the funnel takes the reference as known, and units as alike but for chance: where they differ for reasons nobody measured, more
than 5 % lie outside, unless the limits are widened, which then hide what all units share. Shrinkage hides true extremes of small areas and
takes the region's mean as the target of each; its intervals treat the estimated prior as known, so they are slightly too narrow where
there are few areas.
"""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from . import given
from .rates import PER, Limits, poisson_exact, quotient

Distribution = Literal["poisson", "binomial"]
INNER, OUTER = 0.95, 0.998


def funnel_limits(size: ArrayLike, *, reference: float = 1.0, level: float = INNER, distribution: Distribution = "poisson") -> Limits:
    """Control limits around a reference, for areas or hospitals of different size; missing at size 0.

    Parameters
    ----------
    size
        Expected count ("poisson", `reference` is a ratio) or number of trials ("binomial", `reference` is a share).
    level
        Part of what chance alone brings that lies within, such as 0.95 or 0.998.

    Raises
    ------
    ValueError
        The distribution is not known, a share is outside of 0 to 1, or trials are not whole.

    Notes
    -----
    Quantiles are interpolated between counts; the reference always lies within. The upper binomial limit is the mirror of the lower one
    of the failures, so that a unit lies outside if and only if chance alone brings its count, or one further out, less often than half of
    1 - `level`: near 0 and 1 the limit is 0 or 1 where chance may let no trial, or every one, succeed.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185, appendix A.1.
    """
    given.word(distribution, get_args(Distribution), name="distribution")
    given.fraction(level, name="level")
    sizes = given.counts(size, name="size")
    tail, middle = (1 - level) / 2, sizes * reference
    if distribution == "poisson":
        law = stats.poisson(middle)
        low, high = _interpolated(law, tail), _interpolated(law, 1 - tail)
    else:
        if not 0 <= reference <= 1 or np.any(sizes % 1 > 0):
            raise ValueError("a binomial funnel needs a reference share between 0 and 1 and whole numbers of trials")
        low = _interpolated(stats.binom(sizes, reference), tail) if 0 < reference < 1 else middle
        high = sizes - _interpolated(stats.binom(sizes, 1 - reference), tail) if 0 < reference < 1 else middle
    return Limits(quotient(np.minimum(low, middle), sizes), quotient(np.maximum(high, middle), sizes))


def _interpolated(law: Any, p: float) -> np.ndarray:
    count = law.ppf(p)
    above, mass = law.cdf(count), law.pmf(count)
    part = np.divide(above - p, mass, out=np.zeros_like(mass), where=mass > 0)
    return np.maximum(count - part, 0)


def funnel_signal(observed: ArrayLike, size: ArrayLike, *, reference: float = 1.0, distribution: Distribution = "poisson") -> np.ndarray:
    """Where each area or hospital lies in the funnel around `reference`, in words.

    Parameters
    ----------
    observed, size
        Events, and the count expected ("poisson") or the number of trials ("binomial").

    Returns
    -------
    "high (99.8 %)" or "low (99.8 %)" outside of the outer limits, "high (95 %)" or "low (95 %)" between outer and inner ones, "as expected"
    within, and "not known" without a size or count. Of 20 areas one is outside of 95 % by chance: only 99.8 % is a reason to look.

    Raises
    ------
    ValueError
        As `funnel_limits`; more events than trials; or different labels.
    """
    given.labels(observed=observed, size=size)
    seen, sizes = np.broadcast_arrays(given.counts(observed, name="observed"), given.counts(size, name="size"))
    if distribution == "binomial" and np.any(seen > sizes):
        raise ValueError("observed must not exceed the number of trials")
    value = np.asarray(quotient(seen, sizes))
    outer, inner = (funnel_limits(sizes, reference=reference, level=level, distribution=distribution) for level in (OUTER, INNER))
    return _placed(value, inner, outer)


class Spread(NamedTuple):
    """Spread of units beyond chance: `phi` (1 is chance alone) and `tau2`, the variance between units (0 where chance explains all)."""

    phi: float
    tau2: float


def overdispersion(z: ArrayLike, se: ArrayLike, *, winsor: float = 0.1) -> Spread:
    """Spread of z scores beyond chance.

    Parameters
    ----------
    z
        Each unit's distance from the target over its standard error.
    se
        Standard errors, on the scale on which z was computed.
    winsor
        Part at each end that is drawn in to its border, so that those who stand out do not widen the limits that should find them.

    Raises
    ------
    ValueError
        A number is missing, there is no unit, a standard error is not positive, or `winsor` is not a share below one half.

    References
    ----------
    Spiegelhalter (2005), Quality and Safety in Health Care 14:347; DerSimonian and Laird (1986).
    """
    given.labels(z=z, se=se)
    scores, errors = given.known(z, name="z"), given.known(se, name="se", least=0)
    if not scores.size or (errors == 0).any() or not 0 <= winsor < 0.5:
        raise ValueError("overdispersion needs units, positive standard errors and a part to winsorize from 0 to less than one half")
    drawn = np.clip(scores, *np.quantile(scores, [winsor, 1 - winsor]))
    phi, weight, units = float(np.mean(drawn**2)), errors**-2, scores.size
    left = weight.sum() - (weight**2).sum() / weight.sum()
    return Spread(phi, max(float((units * phi - (units - 1)) / left), 0.0) if units > 1 else 0.0)


Widening = Literal["additive", "multiplicative"]


def observed_expected(observed: ArrayLike, expected: ArrayLike, *, winsor: float = 0.1, widening: Widening = "additive") -> pd.DataFrame:
    """Observed over expected of each unit in a funnel around 1, its limits widened where units spread more than chance lets them.

    Worked on the scale of square roots, on which a count's variance does not depend on its size and 0 events are no obstacle. Where
    chance explains the spread, the exact limits of `funnel_limits` stand.

    Parameters
    ----------
    observed, expected
        Events of each unit, and how many were expected of its cases.
    winsor
        As in `overdispersion`.
    widening
        "additive": limits by sqrt(se^2 + tau2), large units widened most. "multiplicative": by sqrt(phi), all alike.

    Returns
    -------
    One row per unit, labels kept: `ratio`, `z` (of the widened funnel), `funnel_low`, `funnel_high` (95 %), `funnel_outer_low`,
    `funnel_outer_high` (99.8 %) and `signal` in the words of `funnel_signal`; missing and "not known" where nothing was expected.

    Raises
    ------
    ValueError
        A count is negative, labels differ, or an option is not known.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185 and Quality and Safety in Health Care 14:347.
    """
    given.word(widening, get_args(Widening), name="widening")
    given.labels(observed=observed, expected=expected)
    seen, due = np.broadcast_arrays(given.counts(observed, name="observed"), given.counts(expected, name="expected"))
    ratio = np.asarray(quotient(seen, due), dtype=float)
    known = ~np.isnan(ratio)
    error = np.divide(0.5, np.sqrt(due), out=np.full(due.shape, np.nan), where=due > 0)
    away = np.sqrt(ratio) - 1
    spread = overdispersion((away / error)[known], error[known], winsor=winsor) if known.any() else Spread(np.nan, 0.0)
    wider = np.sqrt(error**2 + spread.tau2) if widening == "additive" else error * np.sqrt(max(spread.phi, 1.0))
    if np.array_equal(wider, error, equal_nan=True):
        inner, outer = funnel_limits(due), funnel_limits(due, level=OUTER)
    else:
        inner, outer = (_around(wider, level) for level in (INNER, OUTER))
    limits = {"funnel_low": inner.low, "funnel_high": inner.high, "funnel_outer_low": outer.low, "funnel_outer_high": outer.high}
    table = pd.DataFrame({"ratio": ratio, "z": away / wider, **limits, "signal": _placed(ratio, inner, outer)})
    labeled = next((each for each in (observed, expected) if isinstance(each, pd.Series)), None)
    return table if labeled is None else table.set_axis(labeled.index)


def _around(error: np.ndarray, level: float) -> Limits:
    """Limits around 1 on the scale of square roots, as ratios."""
    reach = stats.norm.ppf((1 + level) / 2) * error
    return Limits(np.maximum(1 - reach, 0) ** 2, (1 + reach) ** 2)


def _placed(value: np.ndarray, inner: Limits, outer: Limits) -> np.ndarray:
    tests = [np.isnan(value), value > outer.high, value < outer.low, value > inner.high, value < inner.low]
    return np.select(tests, ["not known", "high (99.8 %)", "low (99.8 %)", "high (95 %)", "low (95 %)"], "as expected")


def funnel_curve(size: ArrayLike, *, points: int = 60) -> pd.DataFrame:
    """Poisson limits to draw over a range of expected counts, evenly spaced in logs; empty without a size above zero.

    Returns
    -------
    One row per point: `size`, `low` and `high` (95 %), `outer_low` and `outer_high` (99.8 %), as ratios to what is expected.
    """
    sizes = np.asarray(size, dtype=float)
    grid = np.geomspace(sizes[sizes > 0].min(), np.nanmax(sizes), points) if (sizes > 0).any() else np.empty(0)
    (low, high), (outer_low, outer_high) = funnel_limits(grid), funnel_limits(grid, level=OUTER)
    return pd.DataFrame({"size": grid, "low": low, "high": high, "outer_low": outer_low, "outer_high": outer_high})


class Smoothed(NamedTuple):
    """Smoothed values by area and the weight each raw value kept (0 = all prior, 1 = all data)."""

    value: np.ndarray
    weight: np.ndarray


class Posterior(NamedTuple):
    """Gamma posterior of the relative level by area, with the prior `Gamma(nu, rate=alpha)`; infinite when there is no spread.

    Without spread `value` is the pooled ratio for every area and the limits are the exact ones of that ratio.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    nu: float
    alpha: float


def empirical_bayes(cases: ArrayLike, population: ArrayLike) -> Smoothed:
    """Marshall's global empirical Bayes rate per 100,000; the mean of the areas where population is zero.

    The moment estimate of the variance is floored at zero (all areas then get the mean), as Marshall does; `esda.smoothing.Empirical_Bayes`
    leaves it negative.

    Raises
    ------
    ValueError
        A number is missing or negative, or the two have different labels.

    References
    ----------
    Marshall (1991), Applied Statistics 40:283.
    """
    given.labels(cases=cases, population=population)
    e, b = given.known(cases, name="cases", least=0), given.known(population, name="population", least=0)
    peopled = b > 0
    if not peopled.any():
        return Smoothed(np.full(e.shape, np.nan), np.full(e.shape, np.nan))
    mean = e[peopled].sum() / b[peopled].sum()
    raw = np.where(peopled, quotient(e, b), mean)
    between = max(float((b * (raw - mean) ** 2).sum() / b.sum() - mean / b[peopled].mean()), 0.0)
    noise = np.divide(mean, b, out=np.full(e.shape, np.inf), where=peopled)
    weight = np.zeros(e.shape) if between == 0 else between / (between + noise)
    return Smoothed(PER * (weight * raw + (1 - weight) * mean), weight)


def poisson_gamma(observed: ArrayLike, expected: ArrayLike, *, alpha: float = 0.05) -> Posterior:
    """Empirical Bayes ratio (nu + O) / (alpha + E), the gamma prior by maximum likelihood.

    The marginal law of the counts is negative binomial. Areas with no expected events get the prior's mean. Where counts spread no more
    than Poisson the prior collapses on the pooled ratio and `nu` is infinite; the limits are then those of the pooled ratio (exact
    Poisson), which all areas share, and not of no width.

    Raises
    ------
    ValueError
        A number is missing or negative, or the two have different labels.

    References
    ----------
    Clayton & Kaldor (1987), Biometrics 43:671.
    """
    given.labels(observed=observed, expected=expected)
    given.fraction(alpha, name="alpha")
    seen, due = given.known(observed, name="observed", least=0), given.known(expected, name="expected", least=0)
    used = due > 0
    if not used.any():
        blank = np.full(seen.shape, np.nan)
        return Posterior(blank, blank, blank, np.nan, np.nan)
    nu, prior = gamma_prior(seen[used], due[used])
    if np.isinf(nu):
        total, expected_n = float(seen[used].sum()), float(due[used].sum())
        value, low, high = (np.full(seen.shape, limit / expected_n) for limit in (total, *poisson_exact(total, alpha=alpha)))
        return Posterior(value, low, high, nu, prior)
    shape, rate = nu + np.where(used, seen, 0), prior + due
    law = stats.gamma(shape, scale=1 / rate)
    return Posterior(shape / rate, law.ppf(alpha / 2), law.ppf(1 - alpha / 2), nu, prior)


def gamma_prior(observed: ArrayLike, expected: ArrayLike) -> tuple[float, float]:
    """Maximum-likelihood shape `nu` and rate `alpha` of the gamma prior; infinite without extra-Poisson variation."""
    seen, due = (np.asarray(v, dtype=float) for v in (observed, expected))
    pooled = seen.sum() / due.sum()
    # Score test for overdispersion: no spread beyond Poisson means the likelihood has its maximum at infinity.
    if pooled == 0 or ((seen - pooled * due) ** 2 - seen).sum() <= 0:
        return np.inf, np.inf

    def loss(theta: np.ndarray) -> float:
        nu, rate = np.exp(theta)
        terms = special.gammaln(seen + nu) - special.gammaln(nu) + nu * np.log(rate) - (seen + nu) * np.log(due + rate) + seen * np.log(due)
        return -float(terms.sum())

    variance = max(float(np.average((seen / due - pooled) ** 2, weights=due) - pooled / due.mean()), 1e-4)
    start = np.log([pooled**2 / variance, pooled / variance])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000})
    nu, rate = np.exp(found.x)
    # A shape beyond any data's reach is the Poisson limit, not an estimate.
    return (np.inf, np.inf) if nu > 1e6 else (float(nu), float(rate))
