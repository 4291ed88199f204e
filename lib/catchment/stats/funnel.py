"""Is an area or hospital among many unusual: the funnel plot of ratios or shares over size.

Definitions: the *funnel* is a pair of limits around one reference, narrower for larger units; of units that differ by chance alone 95 % lie
within the inner and 99.8 % within the outer limits. A unit is compared with the reference, never ranked.

Known bias: the reference is taken as known, and units as alike but for chance: where they differ for reasons nobody measured, more than 5 %
lie outside.
"""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from . import given
from .rates import Limits, quotient

Distribution = Literal["poisson", "binomial"]
INNER, OUTER = 0.95, 0.998


def limits(size: ArrayLike, *, reference: float = 1.0, level: float = INNER, distribution: Distribution = "poisson") -> Limits:
    """Control limits around a reference, for areas or hospitals of different size; missing at size 0.

    Parameters
    ----------
    size
        Expected count ("poisson", `reference` is a ratio) or number of trials ("binomial", `reference` is a share).
    level
        Part of what chance alone brings that lies within, such as 0.95 or 0.998.

    Notes
    -----
    Quantiles are interpolated between counts. Where chance may let every trial succeed (or none), the limit is 1 (or 0); the
    reference always lies within.

    Raises
    ------
    ValueError
        The distribution is not known, a share is outside of 0 to 1, or trials are not whole.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185, appendix A.1.
    """
    given.word(distribution, get_args(Distribution), name="distribution")
    given.fraction(level, name="level")
    sizes = given.counts(size, name="size")
    if distribution == "poisson":
        law, most = stats.poisson(sizes * reference), np.full(sizes.shape, np.inf)
    else:
        if not 0 <= reference <= 1 or np.any(sizes % 1 > 0):
            raise ValueError("a binomial funnel needs a reference share between 0 and 1 and whole numbers of trials")
        law, most = stats.binom(sizes, reference), sizes
    low, high = (_interpolated(law, p) for p in ((1 - level) / 2, (1 + level) / 2))
    high = np.where(law.ppf((1 + level) / 2) >= most, most, high)
    middle = sizes * reference
    return Limits(quotient(np.minimum(low, middle), sizes), quotient(np.maximum(high, middle), sizes))


def _interpolated(law: Any, p: float) -> np.ndarray:
    count = law.ppf(p)
    above, mass = law.cdf(count), law.pmf(count)
    part = np.divide(above - p, mass, out=np.zeros_like(mass), where=mass > 0)
    return np.maximum(count - part, 0)


def signal(observed: ArrayLike, size: ArrayLike, *, reference: float = 1.0, distribution: Distribution = "poisson") -> np.ndarray:
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
        As `limits`; more events than trials; or different labels.
    """
    given.labels(observed=observed, size=size)
    seen, sizes = np.broadcast_arrays(given.counts(observed, name="observed"), given.counts(size, name="size"))
    if distribution == "binomial" and np.any(seen > sizes):
        raise ValueError("observed must not exceed the number of trials")
    value = np.asarray(quotient(seen, sizes))
    outer, inner = (limits(sizes, reference=reference, level=level, distribution=distribution) for level in (OUTER, INNER))
    tests = [np.isnan(value), value > outer.high, value < outer.low, value > inner.high, value < inner.low]
    return np.select(tests, ["not known", "high (99.8 %)", "low (99.8 %)", "high (95 %)", "low (95 %)"], "as expected")


def curve(size: ArrayLike, *, points: int = 60) -> pd.DataFrame:
    """Poisson limits to draw over a range of expected counts, evenly spaced in logs; empty without a size above zero.

    Returns
    -------
    One row per point: `size`, `low` and `high` (95 %), `outer_low` and `outer_high` (99.8 %), as ratios to what is expected.
    """
    sizes = np.asarray(size, dtype=float)
    grid = np.geomspace(sizes[sizes > 0].min(), np.nanmax(sizes), points) if (sizes > 0).any() else np.empty(0)
    (low, high), (outer_low, outer_high) = limits(grid), limits(grid, level=OUTER)
    return pd.DataFrame({"size": grid, "low": low, "high": high, "outer_low": outer_low, "outer_high": outer_high})
