"""What a reader learns who takes several tables for sums over one table of the same people that nobody published.

Definitions. Columns of one name, or that share a value, are one *dimension*; the *full table* has a cell for each combination of
their values, and each published count is the sum of the cells that its row names. A dimension is *closed* when the published values
are all that it has, else it has one more, `OTHER`. Tables are *joined* when some full table of counts >= 0 has all their sums; as many
dimensions are closed as that allows, and where several choices are possible each is tried, because a reader may know which one is
true. This finds what relations between published cells miss: tables that meet only in sums that no table shows.

Method. The full table itself would be too large. It is replaced by tables of the cliques of a triangulated graph, in which two
dimensions are neighbors when a published table shows both, with equal sums wherever two cliques meet; for counts >= 0 that is the
same (Dobra & Fienberg 2000, Bounds for cell entries in contingency tables given marginal totals and decomposable graphs, PNAS 97).
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

HIDDEN = "c"
OTHER = None
MOST = 1e7  # nobody publishes a larger count of patients
LARGEST = 5_000  # cells of the cliques of one full table; a larger one is not solved: choosing what is open would take minutes
OPENED = 3  # dimensions that are opened one by one; when more have to be, all are


@dataclass(frozen=True, eq=False)
class Sums:
    """A published column as sums of the full table: what each row says of its dimensions, and its count, "c" where hidden."""

    rows: Sequence[dict[int, str | None]]
    values: Sequence[Any]  # a number, HIDDEN, or None where missing
    below: int = 11
    slack: float = 0.0


def dimensions(tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> list[list[int]]:
    """The dimension of each column of each table, given its columns' names ("" where unknown) and its columns."""
    parent: list[int] = []
    home: dict[tuple[str, str], int] = {}

    def root(i: int) -> int:
        return i if parent[i] == i else root(parent[i])

    found = []
    for names, columns in tables:
        numbers = range(len(parent), len(parent) + len(columns))
        parent.extend(numbers)
        found.append(numbers)
        for i, name, column in zip(numbers, names, columns, strict=True):
            for known in [("name", name), *(("value", value) for value in column)]:
                if known[1]:
                    parent[root(home.setdefault(known, i))] = root(i)
    return [[root(i) for i in numbers] for numbers in found]


@dataclass(frozen=True, eq=False)
class Joined:
    """The full table of some published ones, as a linear program over its cliques."""

    tables: Sequence[Sums]
    opened: frozenset[int] = frozenset()

    @cached_property
    def values(self) -> dict[int, list[str | None]]:
        """The values of each dimension."""
        found: dict[int, dict[str | None, None]] = {}
        for table in self.tables:
            for row in table.rows:
                for dimension, value in row.items():
                    found.setdefault(dimension, {})[value] = None
        return {each: [*values, *([OTHER] if each in self.opened else [])] for each, values in found.items()}

    @cached_property
    def cliques(self) -> list[tuple[int, ...]]:
        """Each dimension with the neighbors that it has when it is eliminated, fewest first; those are together in a later clique."""
        near: dict[int, set[int]] = {each: set() for each in self.values}
        for row in (row for table in self.tables for row in table.rows):
            for each in row:
                near[each] |= row.keys() - {each}
        found = []
        while near:
            first = min(near, key=lambda each: (len(near[each]), each))
            others = near.pop(first)
            found.append((first, *sorted(others)))
            for each in others:
                near[each] = (near[each] | others) - {first, each}
        return found

    @cached_property
    def starts(self) -> list[int]:
        """Where the cells of each clique begin, and how many there are in all."""
        sizes = [int(np.prod([len(self.values[each]) for each in clique])) for clique in self.cliques]
        return [0, *itertools.accumulate(sizes)]

    @property
    def size(self) -> int:
        return self.starts[-1]

    def cells(self, row: dict[int, str | None], since: int = 0) -> np.ndarray:
        """The cells, in the first clique that has all dimensions of the row, which add up to it."""
        number = next(i for i in range(since, len(self.cliques)) if row.keys() <= set(self.cliques[i]))
        clique = self.cliques[number]
        every = np.arange(self.starts[number], self.starts[number + 1]).reshape([len(self.values[each]) for each in clique])
        return every[tuple(self.values[each].index(row[each]) if each in row else slice(None) for each in clique)].ravel()

    @cached_property
    def known(self) -> list[LinearConstraint]:
        """The published sums, and where cliques meet."""
        found = [
            (self.cells(row), 1.0 if value == HIDDEN else value - table.slack, np.inf if value == HIDDEN else value + table.slack)
            for table in self.tables
            for row, value in zip(table.rows, table.values, strict=True)
            if value is not None
        ]
        sums, least, most = zip(*found, strict=True)
        known = [LinearConstraint(self.matrix(sums), least, most)]
        if len(self.cliques) > 1:
            known.append(LinearConstraint(self._meetings(), 0, 0))
        return known

    def _meetings(self) -> csr_array:
        pairs = []
        for i, (_, *others) in enumerate(self.cliques[:-1]):
            for values in itertools.product(*(self.values[each] for each in others)):
                row = dict(zip(others, values, strict=True))
                pairs.append((self.cells(row, i), self.cells(row, i + 1)))
        left, right = zip(*pairs, strict=True)
        return self.matrix(left) - self.matrix(right)

    def matrix(self, sums: Sequence[np.ndarray]) -> csr_array:
        """One line for each sum of cells."""
        lines = np.repeat(np.arange(len(sums)), [len(cells) for cells in sums])
        return csr_array((np.ones(len(lines)), (lines, np.concatenate(sums))), shape=(len(sums), self.size))

    def best(self, aim: np.ndarray) -> np.ndarray:
        """A full table with the greatest aim @ cells."""
        found = milp(-aim, constraints=self.known, bounds=Bounds(0, MOST))
        if found.status != 0:
            raise ArithmeticError(f"the tables contradict one another: {found.message}")
        return found.x

    @cached_property
    def consistent(self) -> bool:
        """Whether there is such a table, of a size that can be solved."""
        if self.size > LARGEST:
            return False
        try:
            self.best(np.zeros(self.size))
        except ArithmeticError:
            return False
        return True


def joins(tables: Sequence[Sums]) -> Iterator[Joined]:
    """The full tables with as few open dimensions as it takes; none where the tables contradict one another or are too large."""
    every = sorted({each for table in tables for row in table.rows for each in row})
    found: list[frozenset[int]] = []
    for size in [*range(min(OPENED, len(every)) + 1), len(every)]:
        for opened in map(frozenset, itertools.combinations(every, size)):
            joined = Joined(tables, opened)
            if not any(each <= opened for each in found) and joined.consistent:
                found.append(opened)
                yield joined


def exposed(tables: Sequence[Sums]) -> dict[tuple[int, int], tuple[float, float]]:
    """The least and the greatest value of each hidden cell (table, row) that the tables together give away."""
    found: dict[tuple[int, int], tuple[float, float]] = {}
    hidden = [(i, j) for i, table in enumerate(tables) for j, value in enumerate(table.values) if value == HIDDEN]
    for joined in joins(tables) if hidden else ():
        sums = joined.matrix([joined.cells(tables[i].rows[j]) for i, j in hidden])
        for number, low, high in narrowed(joined.best, sums, [tables[i].below for i, _ in hidden]):
            found.setdefault(hidden[number], (low, high))
    return found


def narrowed(best: Callable[[np.ndarray], np.ndarray], sums: csr_array, below: Sequence[int]) -> Iterable[tuple[int, float, float]]:
    """Which sums have one whole number, or only some under their threshold, over all solutions; with their least and greatest value.

    Solutions for all sums at once show most of them to be safe; only the others are solved one by one.
    """
    total = np.ones(sums.shape[0]) @ sums
    seen = [sums @ best(-total), sums @ best(total)]
    for i, limit in enumerate(below):
        for sign in (1.0, -1.0):
            if _open([values[i] for values in seen], limit):
                seen.append(sums @ best(sign * sums[[i]].toarray()[0]))
        values = [each[i] for each in seen]
        if _open(values, limit):
            yield i, *_whole(values)


def _whole(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest whole number within the values' range."""
    return np.ceil(min(values) - 1e-6), np.floor(max(values) + 1e-6)


def _open(values: Sequence[float], below: int) -> bool:
    """Whether the values found so far leave a hidden count in doubt."""
    low, high = _whole(values)
    return high < below or high - low < 1
