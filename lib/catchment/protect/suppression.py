"""Cell suppression for tables with totals: what a reader can work out, and the fewest cells to hide so that no small count is told.

Definitions. A *primary* cell holds 1 to `below` - 1 people (0 may be shown). A *secondary* cell is hidden although it is large enough,
because totals minus the visible cells would give a primary one away. An *attacker* knows every visible cell, every relation "total = sum
of parts", and that a hidden cell is at least 1, because zeros are shown. A hidden cell is *exposed* when the attacker's least and greatest
value both lie within 1 to `below` - 1; that includes a cell whose value the source itself hid.

Leadership pages do not rest on this: they round (`rounding`). It is for a table that must keep exact counts, such as one for a registry.

What it assumes: the relations given are all that a reader knows. Bounds are those of the linear relaxation, solved with HiGHS: never
narrower than an attacker's integer bounds by a whole number, and exact for tables with two margins, whose matrix is totally unimodular.
Numbers published elsewhere, and earlier versions of the table, are not looked at.

References: Fischetti & Salazar (2001), Solving the cell suppression problem on tabular data with linear constraints, Management Science
47; Hundepool et al. (2012), Statistical Disclosure Control, chapter 4; CMS cell size suppression policy (ResDAC).
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, lil_array

TOTAL = "Total"
SECONDS = 20.0  # what the search for the fewest cells may take; then the best found is used


@dataclass(frozen=True)
class Sum:
    """A published relation: the cell `total` is the sum of the cells `parts`."""

    total: Hashable
    parts: tuple[Hashable, ...]


def primary(counts: pd.Series, *, below: int = 11) -> pd.Series:
    """Whether each count must be hidden by itself: above 0 and below `below`; also a negative count is refused.

    Raises
    ------
    ValueError
        A count is negative.
    """
    values = pd.to_numeric(counts)
    if (values < 0).any():
        raise ValueError(f"counts of people must not be negative, found {values.min():g}")
    return (values > 0) & (values < below)


def exposed(values: pd.Series, hidden: pd.Series, sums: Iterable[Sum], *, below: int = 11) -> pd.DataFrame:
    """The hidden cells that a reader knows to be small: one row per exposed cell with its bounds; empty when all are safe.

    Parameters
    ----------
    values, hidden, sums
        As for `bounds`; both series must have one index.

    Returns
    -------
    DataFrame
        One row per exposed cell, indexed by cell: low, high (people).
    """
    found = bounds(values, hidden, sums)
    low, high = np.ceil(found["low"] - 1e-6), np.floor(found["high"] + 1e-6)
    return found[(low >= 1) & (high < below)]


def suppressed(values: pd.Series, sums: Iterable[Sum], *, below: int = 11) -> pd.Series:
    """Which cells to hide: the primary ones and the fewest others, the smallest of equal choices, that leave no cell exposed.

    A mixed-integer program in one step: a cell is hidden or not, and for each primary cell there must be a table that agrees with
    everything visible and has at least `below` people in it. Zeros stay visible.

    Parameters
    ----------
    values
        Counts by cell id, totals among them.

    Returns
    -------
    Series
        One boolean per cell id.

    Raises
    ------
    ValueError
        A count is negative or missing, a relation names an unknown cell or does not add up, or no choice of cells protects all (a total
        that is small itself and must be shown with its parts).
    """
    relations = _checked(values, list(sums))
    small = primary(values, below=below)
    if not small.any():
        return small
    cells = values[values > 0].index
    place = {cell: i for i, cell in enumerate(cells)}
    matrix = _matrix(relations, place)
    counts, must = values[cells].to_numpy(float), small[cells].to_numpy(bool)
    chosen = _fewest(counts, must, matrix, below)
    out = pd.Series(False, index=values.index)
    out[cells] = chosen
    return out


def _checked(values: pd.Series, relations: list[Sum]) -> list[Sum]:
    if values.isna().any():
        raise ValueError(f"cell {values.isna().idxmax()!r} has no value")
    for relation in relations:
        unknown = [cell for cell in (relation.total, *relation.parts) if cell not in values.index]
        if unknown:
            raise ValueError(f"the relation of {relation.total!r} names an unknown cell: {unknown[0]!r}")
        parts = float(sum(values[cell] for cell in relation.parts))
        if abs(parts - values[relation.total]) > 1e-6:
            raise ValueError(f"the parts of {relation.total!r} add up to {parts:g}, not {values[relation.total]:g}")
    return relations


def _matrix(relations: Sequence[Sum], place: dict[Hashable, int]) -> csr_array:
    out = lil_array((len(relations), len(place)))
    for row, relation in enumerate(relations):
        for sign, cell in [(-1.0, relation.total), *((1.0, part) for part in relation.parts)]:
            if cell in place:  # empty cells are known to be empty
                out[row, place[cell]] += sign
    return out.tocsr()


def _fewest(counts: np.ndarray, must: np.ndarray, matrix: csr_array, below: int) -> np.ndarray:
    """Benders' decomposition: a small integer program chooses cells; each primary cell still exposed adds the constraint that says why."""
    n = len(counts)
    cost = 1.0 + counts / (counts.sum() + 1.0) / n  # the fewest cells first, then the smallest
    cuts: list[tuple[np.ndarray, float]] = []
    while True:
        limits = LinearConstraint(np.array([row for row, _ in cuts]), lb=np.array([need for _, need in cuts])) if cuts else ()
        found = milp(
            cost, integrality=np.ones(n), bounds=Bounds(must.astype(float), 1), constraints=limits, options={"time_limit": SECONDS}
        )
        if found.x is None:
            raise ValueError("no choice of hidden cells protects every small count: nothing larger stands in a sum with one of them")
        chosen = found.x > 0.5
        new = [cut for i in np.flatnonzero(must) if (cut := _cut(int(i), chosen, counts, matrix, below)) is not None]
        if not new:
            return chosen
        cuts += new


def _cut(i: int, chosen: np.ndarray, counts: np.ndarray, matrix: csr_array, below: int) -> tuple[np.ndarray, float] | None:
    """The constraint on the choice that a hidden cell asks for while it cannot reach `below` people; None once it can.

    With d the change of each cell, Md = 0 and (1 - count) x <= d <= top x, any feasible dual prices bound d_i by the sum over cells of
    x (top a + (count - 1) b); this sum must reach what is missing. No term needs to be larger than that, as x is 0 or 1.
    """
    need, top = below - counts[i], counts.sum() + below
    aim = np.zeros(len(counts))
    aim[i] = -1.0
    room = np.column_stack([np.where(chosen, 1.0 - counts, 0.0), np.where(chosen, top, 0.0)])
    found = linprog(aim, A_eq=matrix, b_eq=np.zeros(matrix.shape[0]), bounds=room, method="highs")
    if -found.fun >= need - 1e-6:
        return None
    reduced = aim - matrix.T @ found.eqlin.marginals
    terms = np.maximum(-reduced, 0.0) * top + np.maximum(reduced, 0.0) * (counts - 1.0)
    return np.minimum(terms, need), need


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
