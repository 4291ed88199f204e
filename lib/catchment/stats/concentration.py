"""How much rests on how few: concentration, donor pyramid, gift-range chart.

Definitions
-----------
The top share counts whole donors: the top 1 % of 150 donors is two donors (rounded up), and the number is returned.
The Gini coefficient is the mean absolute difference over twice the mean, without the n/(n-1) correction unless asked.
A gift-range chart starts from a lead gift of 10-15 % of the goal and halves the amount while doubling the gifts.

Known bias: dollars of one year are lumpy; one large pledge payment moves every measure. Read them beside the trend.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .rates import quotient


def lorenz(amounts: pd.Series | Sequence[float]) -> pd.DataFrame:
    """Lorenz curve, one row per donor in ascending order plus the origin: `donors_share`, `amount_share`.

    Raises
    ------
    ValueError : an amount is negative.
    """
    values = _sorted(amounts)
    if values.sum() == 0:
        return pd.DataFrame({"donors_share": [0.0], "amount_share": [0.0]})
    return pd.DataFrame(
        {"donors_share": np.arange(len(values) + 1) / len(values), "amount_share": np.r_[0, values.cumsum() / values.sum()]}
    )


def gini(amounts: pd.Series | Sequence[float], *, unbiased: bool = False) -> float:
    """Gini coefficient, 0 (all equal) to 1 - 1/n (one gives all); `unbiased` multiplies by n/(n-1).

    References
    ----------
    Gini 1912; computed as sum((2i - n - 1) x_i) / (n sum x) over ascending x.
    """
    values = _sorted(amounts)
    n = len(values)
    if n == 0 or values.sum() == 0 or (unbiased and n == 1):
        return float("nan")
    value = float(((2 * np.arange(1, n + 1) - n - 1) * values).sum() / (n * values.sum()))
    return value * n / (n - 1) if unbiased else value


def top_share(amounts: pd.Series | Sequence[float], share: float = 0.1) -> float:
    """Part of the money that the largest `share` of donors gave, at least one whole donor, rounded up."""
    values = _sorted(amounts)
    return float(values[len(values) - top_n(len(values), share) :].sum() / values.sum()) if values.sum() else float("nan")


def top_n(donors_n: int, share: float) -> int:
    """Whole donors in the top `share` (0-1) of `donors_n`, rounded up."""
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in 0 to 1, found {share}")
    return min(donors_n, int(np.ceil(round(donors_n * share, 9))))


def top_shares(amounts: pd.Series | Sequence[float], *, shares: Sequence[float] = (0.01, 0.1, 0.2)) -> pd.DataFrame:
    """One row per measure: the largest donor and each top share, with `donors_n`, `amount_usd` and `amount_share`."""
    values = _sorted(amounts)
    counts = [min(1, len(values)), *(top_n(len(values), share) for share in shares)]
    names = ["Largest donor", *(f"Top {share:.0%} of donors".replace("%", " %") for share in shares)]
    total = values.sum()
    sums = [float(values[len(values) - n :].sum()) for n in counts]
    return pd.DataFrame(
        {"measure": names, "donors_n": counts, "amount_usd": sums, "amount_share": [value / total if total else np.nan for value in sums]}
    )


def _sorted(amounts: pd.Series | Sequence[float]) -> np.ndarray:
    values = np.sort(np.asarray(amounts, dtype="float64"))
    if len(values) and values[0] < 0:
        raise ValueError("amounts must not be negative: net refunds against gifts per donor first")
    if np.isnan(values).any():
        raise ValueError("amounts must not be missing")
    return values


MODERATE, HIGH = 1000.0, 1800.0  # 2023 Merger Guidelines, guideline 1


PRESUMED_DELTA, PRESUMED_SHARE = 100.0, 0.30


def hhi(sizes: ArrayLike) -> float:
    """Herfindahl-Hirschman index, 0 to 10,000, of counts or shares on any scale that cover the whole market; NaN when empty."""
    parts = np.asarray(sizes, dtype=float)
    if np.any(parts < 0):
        raise ValueError("sizes must not be negative")
    return float((100 * quotient(parts, parts.sum()) ** 2 * 100).sum()) if parts.size else np.nan


def hhi_class(index: float, *, moderate: float = MODERATE, high: float = HIGH) -> str:
    """Class of an HHI under the 2023 merger guidelines: above 1,800 is highly, 1,000 to 1,800 moderately concentrated."""
    if np.isnan(index):
        return "not available"
    return "highly concentrated" if index > high else "moderately concentrated" if index >= moderate else "unconcentrated"


def effective_competitors(index: float) -> float:
    """How many equal competitors would give this HHI: 10,000 / HHI."""
    return quotient(10_000, index)


def concentration_ratio(sizes: ArrayLike, k: int = 4) -> float:
    """CR_k: the share (0-1) of the k largest."""
    parts = np.sort(np.asarray(sizes, dtype=float))[::-1]
    return float(quotient(parts[:k].sum(), parts.sum()))


class Merger(NamedTuple):
    """What a merger does to a market: HHI before and after, delta, combined share, and whether harm is presumed (2023)."""

    before: float
    after: float
    delta: float
    share: float
    presumed: bool


def merger_delta(share_a: float, share_b: float) -> float:
    """Change of the HHI when two owners merge: 2 s_a s_b, shares as fractions (0-1), result on the 10,000 scale."""
    return 2 * (100 * share_a) * (100 * share_b)


def merger(sizes: pd.Series, a: str, b: str, *, high: float = HIGH) -> Merger:
    """Merge owners `a` and `b` of a market; `sizes` holds patients by owner.

    Harm is presumed above 1,800 with a delta above 100, or with a combined share above 30 % and a delta above 100.
    """
    shares = sizes / sizes.sum()
    before, delta = hhi(sizes), merger_delta(shares[a], shares[b])
    combined = float(shares[a] + shares[b])
    presumed = delta > PRESUMED_DELTA and (before + delta > high or combined > PRESUMED_SHARE)
    return Merger(before, before + delta, delta, combined, bool(presumed))
