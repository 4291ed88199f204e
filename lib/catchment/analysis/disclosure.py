"""Nothing out that should not be: small counts of people are hidden, and nothing published lets a reader work them out.

Definitions. A *primary* cell holds 1 to `below` - 1 people (0 may be shown). A *complementary* cell is hidden although it is large
enough, because a published total minus the other cells would give a primary cell away. Shares, rates and bounds computed from a
hidden count are hidden with it.
"""

from collections.abc import Sequence

import pandas as pd

DERIVED = ("share", "share_low", "share_high", "rate_100k", "rate_low", "rate_high", "points", "ratio", "index", "low", "high", "change")


def primary(counts: pd.Series, *, below: int = 11) -> pd.Series:
    """Whether each count must be hidden by itself."""
    values = pd.to_numeric(counts)
    return (values > 0) & (values < below)


def protect(frame: pd.DataFrame, counts: Sequence[str], *, below: int = 11, by: str | Sequence[str] | None = None) -> pd.DataFrame:
    """The frame with small counts and what is computed from them missing, each with its `<column>_suppressed` companion.

    Each count column is taken as a list of parts whose total a reader knows (within each group of `by`): where only one part is
    hidden, the smallest visible one is hidden too.
    """
    out = frame.copy()
    hidden_rows = pd.Series(False, index=frame.index)
    for column in counts:
        already = frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
        hidden = primary(frame[column], below=below).fillna(False).astype(bool) | already
        groups = [frame.index] if by is None else [part.index for _, part in frame.groupby(by, sort=False, dropna=False, observed=True)]
        for rows in groups:
            hidden.loc[rows] = _with_partner(pd.to_numeric(frame.loc[rows, column]), hidden.loc[rows])
        out[column] = frame[column].mask(hidden)
        out[f"{column}_suppressed"] = hidden
        hidden_rows |= hidden
    for column in [c for c in frame.columns if str(c).endswith(DERIVED) and c not in counts]:
        if hidden_rows.any():
            out[column] = frame[column].mask(hidden_rows)
        out[f"{column}_suppressed"] = hidden_rows | frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
    return out


def _with_partner(values: pd.Series, hidden: pd.Series) -> pd.Series:
    """Where exactly one part is hidden, the smallest positive visible part goes with it."""
    if hidden.sum() != 1:
        return hidden
    visible = values[~hidden & (values > 0)]
    if visible.empty:
        return hidden
    out = hidden.copy()
    out.loc[visible.idxmin()] = True
    return out
