"""Suppression of one frame: small counts hidden, with what is computed from them and with what their totals would give away.

Definitions. A *primary* cell holds 1 to `below` - 1 people (0 may be shown). A *complementary* cell is hidden although it is large
enough, because a total minus the visible cells would give a primary cell away. Shares, rates and bounds computed from a hidden count are
hidden with it. For tables with several totals, and for what an attacker can work out, see `suppression`; pages that round need neither
(`rounding`).

Reference: CMS cell size suppression policy (ResDAC).
"""

from collections.abc import Sequence

import pandas as pd

from .suppression import primary

DERIVED = ("share", "share_low", "share_high", "rate_100k", "rate_low", "rate_high", "points", "ratio", "index", "low", "high", "change")


def protect(
    frame: pd.DataFrame, counts: Sequence[str], *, below: int = 11, by: str | Sequence[str] | None = None, margins: Sequence[str] = (),
    hide: pd.Series | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The frame with small counts and what is computed from them missing, each with its `<column>_suppressed` companion.

    Each count column is taken as a list of parts whose total a reader knows (within each group of `by`): while the hidden parts
    could be narrowed down to 1 to `below` - 1, the smallest visible one is hidden too. With `margins`, columns such as rows and columns
    of a matrix, the totals within each value of each of them are taken as known. Rows where `hide` holds are hidden whatever
    they count, because another exhibit hides them (`alike`). The result says so in
    `attrs["protected"]`; a frame that says so is only checked for small counts, because a second round could not tell a
    complementary cell from a small one and would hide more.
    """
    done = bool(frame.attrs.get("protected"))
    out = frame.copy()
    hidden_rows = pd.Series(False, index=frame.index)
    for column in counts:
        already = frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
        hidden = primary(frame[column], below=below).fillna(False).astype(bool) | already
        hidden = hidden if hide is None else hidden | hide
        if not done:
            hidden = _guarded(pd.to_numeric(frame[column]), hidden, _groups(frame, list(margins) or [by]), below)
        out[column] = frame[column].mask(hidden)
        out[f"{column}_suppressed"] = hidden
        hidden_rows |= hidden
    for column in [c for c in frame.columns if str(c).endswith(DERIVED) and c not in counts]:
        if hidden_rows.any():
            out[column] = frame[column].mask(hidden_rows)
        out[f"{column}_suppressed"] = hidden_rows | frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(
            False
        ).astype(bool)
    out.attrs["protected"] = True
    return out


def alike(frame: pd.DataFrame, protected: pd.DataFrame, on: Sequence[str]) -> pd.Series:
    """Which rows of `frame` stand for cells that the frame `protected` hides: those with the same values in the columns `on`."""
    flags = [
        column
        for column in protected.columns
        if str(column).endswith("_suppressed") and not str(column).removesuffix("_suppressed").endswith(DERIVED)
    ]
    hidden = protected.loc[protected[flags].any(axis=1), list(on)].itertuples(index=False, name=None)
    known = set(hidden)
    return pd.Series([row in known for row in frame[list(on)].itertuples(index=False, name=None)], index=frame.index, dtype=bool)


def _groups(frame: pd.DataFrame, keys: Sequence[str | Sequence[str] | None]) -> list[pd.Index]:
    """The rows of each total that a reader knows."""
    return [
        rows
        for by in keys
        for rows in (
            [frame.index] if by is None else [part.index for _, part in frame.groupby(by, sort=False, dropna=False, observed=True)]
        )
    ]


def _guarded(values: pd.Series, hidden: pd.Series, groups: Sequence[pd.Index], below: int) -> pd.Series:
    """Complementary cells of all groups: one hidden for the sake of one total may need another for that of the next."""
    out = hidden.copy()
    while True:
        before = out.copy()
        for rows in groups:
            out.loc[rows] = _complemented(values[rows], out.loc[rows], below)
        if out.equals(before):
            return out


def _complemented(values: pd.Series, hidden: pd.Series, below: int) -> pd.Series:
    """Hide the smallest visible parts until what the total leaves for the hidden ones says nothing about any of them.

    With n hidden parts that sum to T, each of which is at least 1, a reader knows that none exceeds T - (n - 1). Parts that the
    source itself hid have no value here: two of them protect each other, one alone is counted as 1, the least that it can be.
    """
    out = hidden.copy()
    visible = values[~hidden & (values > 0)].sort_values(kind="stable")
    for row in visible.index:
        n = int(out.sum())
        if n == 0 or (n > 1 and (values[out].isna().sum() > 1 or values[out].fillna(1).sum() - (n - 1) >= below)):
            break
        out.loc[row] = True
    return out
