"""How much rests on how few: concentration of markets and of gifts.

Definitions: the *HHI* is the sum of squared shares in percent, 0 to 10,000, of owners (systems, not campuses); its classes are those of the
2023 merger guidelines, whose borders hold whatever the last digits of a sum of floats. The *top share* counts whole donors: the top 1 % of
150 donors is two donors (rounded up), and the number is returned. The *Gini coefficient* is the mean absolute difference over twice the
mean, without the n/(n-1) correction unless asked.

Known bias: an HHI depends on the market that is drawn around it; dollars of one year are lumpy, and one large pledge payment moves every
measure. Read them beside the trend.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from . import given
from .rates import quotient

MODERATE, HIGH = 1000.0, 1800.0  # 2023 Merger Guidelines, guideline 1
PRESUMED_DELTA, PRESUMED_SHARE = 100.0, 0.30


def lorenz(amounts: pd.Series | Sequence[float]) -> pd.DataFrame:
    """Lorenz curve of amounts.

    Returns
    -------
    One row per donor in ascending order, and the origin: `donors_share` and `amount_share`, both cumulative (0 to 1); the origin alone
    where nothing was given.

    Raises
    ------
    ValueError
        An amount is negative or missing.
    """
    values = _sorted(amounts)
    if values.sum() == 0:
        return pd.DataFrame({"donors_share": [0.0], "amount_share": [0.0]})
    return pd.DataFrame(
        {"donors_share": np.arange(len(values) + 1) / len(values), "amount_share": np.r_[0, values.cumsum() / values.sum()]}
    )


def gini(amounts: pd.Series | Sequence[float], *, unbiased: bool = False) -> float:
    """Gini coefficient, 0 (all equal) to 1 - 1/n (one gives all); `unbiased` multiplies by n/(n-1). Missing where nothing was given.

    Raises
    ------
    ValueError
        An amount is negative or missing.

    References
    ----------
    Gini (1912); computed as sum((2i - n - 1) x_i) / (n sum x) over ascending x.
    """
    values = _sorted(amounts)
    n = len(values)
    if n == 0 or values.sum() == 0 or (unbiased and n == 1):
        return float("nan")
    value = float(((2 * np.arange(1, n + 1) - n - 1) * values).sum() / (n * values.sum()))
    return value * n / (n - 1) if unbiased else value


def top_share(amounts: pd.Series | Sequence[float], share: float = 0.1) -> float:
    """Part of the money (0 to 1) that the largest `share` of donors gave, at least one whole donor, rounded up.

    Raises
    ------
    ValueError
        An amount is negative or missing, or `share` is not between 0 and 1.
    """
    values = _sorted(amounts)
    return quotient(float(values[len(values) - top_n(len(values), share) :].sum()), float(values.sum()))


def top_n(donors_n: int, share: float) -> int:
    """Whole donors in the top `share` (0-1) of `donors_n`, rounded up.

    Raises
    ------
    ValueError
        `share` is not between 0 and 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in 0 to 1, found {share}")
    return min(donors_n, int(np.ceil(round(donors_n * share, 9))))


def top_shares(amounts: pd.Series | Sequence[float], *, shares: Sequence[float] = (0.01, 0.1, 0.2)) -> pd.DataFrame:
    """What the largest donor and the top shares of donors gave.

    Returns
    -------
    One row per measure: `measure` in words, `donors_n` it counts, `amount_usd` they gave, and its part of all, `amount_share` (0 to 1).

    Raises
    ------
    ValueError
        An amount is negative or missing, or a share is not between 0 and 1.
    """
    values = _sorted(amounts)
    counts = [min(1, len(values)), *(top_n(len(values), share) for share in shares)]
    names = ["Largest donor", *(f"Top {share:.0%} of donors".replace("%", " %") for share in shares)]
    sums = [float(values[len(values) - n :].sum()) for n in counts]
    return pd.DataFrame({"measure": names, "donors_n": counts, "amount_usd": sums, "amount_share": quotient(sums, float(values.sum()))})


def _sorted(amounts: pd.Series | Sequence[float]) -> np.ndarray:
    values = np.sort(np.asarray(amounts, dtype="float64"))
    if len(values) and values[0] < 0:
        raise ValueError("amounts must not be negative: net refunds against gifts per donor first")
    return given.known(values, name="amounts")


def hhi(sizes: ArrayLike) -> float:
    """Herfindahl-Hirschman index, 0 to 10,000, of counts or shares on any scale that cover the whole market.

    Missing when the market is empty or a size is missing.

    Raises
    ------
    ValueError
        A size is negative.

    References
    ----------
    U.S. Department of Justice & Federal Trade Commission (2023), Merger Guidelines, guideline 1.
    """
    parts = given.counts(sizes, name="sizes")
    return float(((100 * np.asarray(quotient(parts, float(parts.sum())))) ** 2).sum()) if parts.size else np.nan


def _above(value: float, border: float) -> bool:
    """Whether a value is above a border by more than the last digits of a sum of floats."""
    return value > border and not np.isclose(value, border, rtol=1e-9, atol=0)


def hhi_class(index: float, *, moderate: float = MODERATE, high: float = HIGH) -> str:
    """Class of an HHI under the 2023 merger guidelines: above 1,800 is highly, 1,000 to 1,800 (both included) moderately concentrated.

    Raises
    ------
    ValueError
        The index is not on the scale to 10,000 (of shares as fractions, say), or the borders are not in order.
    """
    if not 0 < moderate <= high:
        raise ValueError(f"the borders of the classes must be in order, not {moderate:g} and {high:g}")
    if np.isnan(index):
        return "not available"
    if index <= 1 or _above(index, 10_000):
        raise ValueError(f"an HHI on the scale to 10,000 is expected, not {index:g}")
    if _above(index, high):
        return "highly concentrated"
    return "unconcentrated" if _above(moderate, index) else "moderately concentrated"


def effective_competitors(index: float) -> float:
    """How many equal competitors would give this HHI: 10,000 / HHI."""
    return quotient(10_000, index)


def concentration_ratio(sizes: ArrayLike, k: int = 4) -> float:
    """CR_k: the share (0-1) of the k largest; missing when the market is empty or a size is missing.

    Raises
    ------
    ValueError
        A size is negative, or `k` below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    parts = np.sort(given.counts(sizes, name="sizes"))[::-1]
    return quotient(float(parts[:k].sum()), float(parts.sum()))


class Merger(NamedTuple):
    """What a merger does to a market: HHI before and after, delta, combined share (0-1), and whether harm is presumed (2023)."""

    before: float
    after: float
    delta: float
    share: float
    presumed: bool


def merger_delta(share_a: float, share_b: float) -> float:
    """Change of the HHI when two owners merge: 2 s_a s_b, shares as fractions (0-1), result on the 10,000 scale.

    Raises
    ------
    ValueError
        A share is not between 0 and 1 (percent), or both together are above 1.
    """
    a, b = (float(given.known(v, name=n, least=0, most=1)) for v, n in ((share_a, "share_a"), (share_b, "share_b")))
    if _above(a + b, 1):
        raise ValueError(f"two shares of one market are at most 1 together, not {a + b:g}")
    return 2 * (100 * a) * (100 * b)


def merger(sizes: pd.Series, a: str, b: str, *, high: float = HIGH) -> Merger:
    """Merge owners `a` and `b` of a market; `sizes` holds patients by owner.

    Harm is presumed above 1,800 with a delta above 100, or with a combined share above 30 % and a delta above 100; exactly at a border it
    is not.

    Raises
    ------
    ValueError
        An owner is not in the market, stands in it twice, or both are one; a size is missing or negative.

    References
    ----------
    U.S. Department of Justice & Federal Trade Commission (2023), Merger Guidelines, guideline 1.
    """
    if strange := [name for name in (a, b) if name not in sizes.index]:
        raise ValueError(f"{' and '.join(map(repr, strange))} not in the market: it holds {', '.join(map(str, sizes.index[:8]))}")
    if a == b or not sizes.index.is_unique:
        raise ValueError("a merger is of two owners, and a market has one size for each owner")
    parts = pd.Series(given.known(sizes, name="sizes", least=0), index=sizes.index)
    shares = parts / parts.sum()
    before, delta = hhi(parts), merger_delta(shares[a], shares[b])
    combined = float(shares[a] + shares[b])
    presumed = _above(delta, PRESUMED_DELTA) and (_above(before + delta, high) or _above(combined, PRESUMED_SHARE))
    return Merger(before, before + delta, delta, combined, presumed)
