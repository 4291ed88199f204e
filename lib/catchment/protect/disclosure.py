"""Nothing out that should not be: small counts of people are hidden, and nothing published lets a reader work them out.

Definitions. A *primary* cell holds 1 to `below` - 1 people (0 may be shown). A *complementary* cell is hidden although it is large
enough, because published totals minus the visible cells would give a primary cell away. Shares, rates and bounds computed from a
hidden count are hidden with it. An *attacker* knows every published cell, every relation "total = sum of parts", and that a hidden
cell is at least 1, because zeros are shown; a hidden cell is *exposed* when the least and the greatest value that fit with all this
are equal, or both lie within 1 to `below` - 1.

The relations may link cells of several tables (a margin that two tables share is one cell), so the same functions serve one
table, a page and a hierarchy. Bounds are those of the linear relaxation, solved with HiGHS: never narrower than an attacker's
integer bounds by a whole number, and exact for tables with two margins, whose constraint matrix is totally unimodular.

References: CMS cell size suppression policy (ResDAC); Hundepool et al. (2012), Statistical Disclosure Control, chapter 4;
Fischetti & Salazar (2001), Solving the cell suppression problem on tabular data with linear constraints.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import lil_array

DERIVED = ("share", "share_low", "share_high", "rate_100k", "rate_low", "rate_high", "points", "ratio", "index", "low", "high", "change")
TOTAL = "Total"


@dataclass(frozen=True)
class Sum:
    """A published relation: the cell `total` is the sum of the cells `parts`."""

    total: Hashable
    parts: tuple[Hashable, ...]


def primary(counts: pd.Series, *, below: int = 11) -> pd.Series:
    """Whether each count must be hidden by itself: 1 to `below` - 1."""
    values = pd.to_numeric(counts)
    return (values > 0) & (values < below)


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


def bounds(
    values: pd.Series, hidden: pd.Series, sums: Iterable[Sum], *, of: Iterable[Hashable] | None = None, least: float = 1.0
) -> pd.DataFrame:
    """The least and the greatest value of each hidden cell, given everything that is published.

    Parameters
    ----------
    values
        Counts by cell id; those of hidden cells may be missing, they are not used.
    hidden
        Whether each cell is hidden, same index.
    sums
        The relations that a reader knows.
    of
        The hidden cells asked for; all of them by default.
    least
        What a reader knows of a hidden cell before: at least 1 where zeros are shown, 0 where a hidden cell may be empty.

    Returns
    -------
    DataFrame
        One row per hidden cell: low, high (people; inf when nothing bounds it from above).

    Raises
    ------
    ValueError
        The published cells contradict one another, or a cell that is not hidden has no value.
    """
    if values[~hidden].isna().any():
        raise ValueError(f"the visible cell {values[~hidden].isna().idxmax()!r} has no value")
    cells = list(values.index[hidden])
    place = {cell: i for i, cell in enumerate(cells)}
    left, right = _equations(values, hidden, list(sums), place)
    rows, asked = [], cells if of is None else list(of)
    for cell in asked:
        aim = np.zeros(len(cells))
        aim[place[cell]] = 1.0
        rows.append((_solve(aim, left, right, least), -_solve(-aim, left, right, least)))
    return pd.DataFrame(
        rows, index=pd.Index(asked, name=values.index.name, tupleize_cols=False, dtype=object), columns=["low", "high"], dtype="float64"
    )


def _equations(values: pd.Series, hidden: pd.Series, sums: list[Sum], place: dict) -> tuple[lil_array, np.ndarray]:
    """One equation per relation that holds a hidden cell: hidden parts - hidden total = what the visible cells leave."""
    used = [relation for relation in sums if any(hidden[cell] for cell in (relation.total, *relation.parts))]
    left, right = lil_array((max(len(used), 1), max(len(place), 1))), np.zeros(max(len(used), 1))
    for row, relation in enumerate(used):
        for sign, cell in [(-1.0, relation.total), *((1.0, part) for part in relation.parts)]:
            if hidden[cell]:
                left[row, place[cell]] += sign
            else:
                right[row] -= sign * float(values[cell])
    return left, right


def _solve(aim: np.ndarray, left: lil_array, right: np.ndarray, least: float) -> float:
    found = linprog(aim, A_eq=left.tocsr(), b_eq=right, bounds=(least, None), method="highs")
    if found.status == 3:
        return -np.inf
    if found.status != 0:
        raise ValueError(f"the published cells contradict one another: {found.message}")
    return float(found.fun)


def exposed(values: pd.Series, hidden: pd.Series, sums: Iterable[Sum], *, below: int = 11) -> pd.DataFrame:
    """The small cells that a reader can work out: one row per exposed cell with its bounds; empty when all are safe."""
    found = bounds(values, hidden, sums, of=values.index[hidden & primary(values, below=below)])
    low, high = np.ceil(found["low"] - 1e-6), np.floor(found["high"] + 1e-6)
    return found[(high - low < 1) | ((low >= 1) & (high < below))]


def suppressed(values: pd.Series, sums: Iterable[Sum], *, below: int = 11) -> pd.Series:
    """Which cells to hide: primary ones and the smallest others that leave no cell exposed.

    Grain: one boolean per cell id. Each round looks for the cells that are still exposed and hides, beside each of them, the
    smallest visible positive cell; it ends because there are finitely many cells.
    """
    sums = list(sums)
    hidden = primary(values, below=below)
    while hidden.any():
        open_cells = exposed(values, hidden, sums, below=below)
        if open_cells.empty:
            break
        more = {found for cell in open_cells.index if (found := _next(values, hidden, sums, cell)) is not None}
        if not more:
            break
        hidden[list(more)] = True
    return hidden


def _next(values: pd.Series, hidden: pd.Series, sums: list[Sum], exposed_cell: Hashable) -> Hashable | None:
    """The smallest visible positive cell beside an exposed one, else beside any hidden one; parts before totals, which say more."""
    near = [relation for relation in sums if exposed_cell in (relation.total, *relation.parts)]
    far = [relation for relation in sums if any(hidden[cell] for cell in (relation.total, *relation.parts))]
    for linked in (near, far):
        for candidates in ([part for relation in linked for part in relation.parts], [relation.total for relation in linked]):
            visible = {cell for cell in candidates if not hidden[cell] and values[cell] > 0}
            if visible:
                return min(visible, key=lambda cell: (values[cell], str(cell)))
    return None


def cross_table(counts: pd.DataFrame, *, below: int = 11) -> pd.DataFrame:
    """A two-way table with its row and column totals, small counts and what would reveal them missing.

    Parameters
    ----------
    counts
        People, one row and column per category, without totals.

    Returns
    -------
    DataFrame
        The same with a row and a column "Total"; hidden cells are missing.
    """
    full = counts.copy().astype("float64")
    full[TOTAL] = full.sum(axis=1)
    full.loc[TOTAL] = full.sum(axis=0)
    values = full.stack()
    values.index = values.index.to_flat_index()
    hidden = suppressed(values, margins(counts.index, counts.columns), below=below)
    return full.mask(
        pd.DataFrame([[hidden[(row, column)] for column in full.columns] for row in full.index], index=full.index, columns=full.columns)
    )


def margins(rows: Iterable[Hashable], columns: Iterable[Hashable]) -> list[Sum]:
    """The relations of a two-way table whose cells are (row, column), with "Total" on both sides."""
    rows, columns = list(rows), list(columns)
    across = [Sum((row, TOTAL), tuple((row, column) for column in columns)) for row in [*rows, TOTAL]]
    return across + [Sum((TOTAL, column), tuple((row, column) for row in rows)) for column in [*columns, TOTAL]]


def table_bounds(shown: pd.DataFrame, *, least: float = 1.0) -> pd.DataFrame:
    """What a reader of one published two-way table can work out: the audit of `cross_table`'s result, or of anybody's table.

    Parameters
    ----------
    shown
        People, with a last row and a last column of totals; hidden cells are missing.
    least
        As in `bounds`.

    Returns
    -------
    DataFrame
        One row per hidden cell, indexed by (row, column): low, high. A cell whose limits are equal is disclosed.

    Raises
    ------
    ValueError
        Fewer than two rows or columns, or totals that contradict their parts.
    """
    if min(shown.shape) < 2:
        raise ValueError(f"expected at least one row and one column beside the totals, found {shown.shape[0]} x {shown.shape[1]}")
    rows, columns = shown.index, shown.columns
    cells = {(row, column): shown.iat[i, j] for i, row in enumerate(rows) for j, column in enumerate(columns)}
    if len(cells) < shown.size:
        raise ValueError("expected rows and columns with names of their own")
    values = pd.Series(list(cells.values()), index=pd.Index(list(cells), tupleize_cols=False), dtype="float64")
    sums = [Sum((row, columns[-1]), tuple((row, column) for column in columns[:-1])) for row in rows]
    sums += [Sum((rows[-1], column), tuple((row, column) for row in rows[:-1])) for column in columns]
    for relation in sums:
        parts = [values[[part]].iloc[0] for part in relation.parts]
        if not np.isnan([*parts, values[[relation.total]].iloc[0]]).any() and abs(sum(parts) - values[[relation.total]].iloc[0]) > 1e-6:
            raise ValueError(f"the parts of {relation.total} add up to {sum(parts):g}, not {values[[relation.total]].iloc[0]:g}")
    return bounds(values, values.isna(), sums, least=least)
