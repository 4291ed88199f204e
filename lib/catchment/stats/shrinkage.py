"""Empirical Bayes estimates: raw rates of small areas drawn towards the mean as far as their size warrants.

Definitions: Marshall's global estimator works on rates (events over population), the Poisson-gamma of Clayton and
Kaldor on ratios (observed over expected) and gives a posterior with an interval.

Known bias: shrinkage hides true extremes of small areas and takes the region's mean as the target of each; intervals
treat the estimated prior as known, so they are slightly too narrow where there are few areas.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from .rates import PER, poisson_exact, quotient


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
    """Marshall's (1991) global empirical Bayes rate per 100,000; the mean of the areas where population is zero.

    The moment estimate of the variance is floored at zero (all areas then get the mean), as Marshall does;
    `esda.smoothing.Empirical_Bayes` leaves it negative.
    """
    e, b = np.asarray(cases, dtype=float), np.asarray(population, dtype=float)
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
    """Clayton and Kaldor's (1987) empirical Bayes ratio (nu + O) / (alpha + E), prior by maximum likelihood.

    The marginal law of the counts is negative binomial. Areas with no expected events get the prior's mean. Where counts
    spread no more than Poisson the prior collapses on the pooled ratio and `nu` is infinite; the limits are then those of the pooled ratio
    (exact Poisson), which all areas share, and not of no width.
    """
    seen, due = (np.asarray(v, dtype=float) for v in (observed, expected))
    used = due > 0
    if not used.any():
        blank = np.full(seen.shape, np.nan)
        return Posterior(blank, blank, blank, np.nan, np.nan)
    nu, prior = gamma_prior(seen[used], due[used])
    if np.isinf(nu):
        total, expected_n = seen[used].sum(), due[used].sum()
        low, high = poisson_exact(total, alpha=alpha)
        pooled = (np.full(seen.shape, value / expected_n) for value in (total, low, high))
        return Posterior(*pooled, nu, prior)
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
