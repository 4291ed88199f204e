"""What a reader learns by putting published tables side by side: bounds of every hidden cell, given all exhibits at once.

Definitions. An *exhibit* is one published column of counts with the text and period columns that say what each row counts (its
*coordinates*); its cells are visible, hidden or missing. Two exhibits are compared when they show the same measure of a common
source, or two measures of one unit that agree on at least two cells. A cell is *the same* as another when each holds the other's
key coordinates; it is a *part* of another when it only adds coordinates. Hidden cells are at least 1, because zeros are shown;
parts never exceed their total; they add up to it within an exhibit with a total row, and between two exhibits unless a sum that
can be checked falls short. Two exhibits that *divide* the same people in different ways (by site, by town) have equal sums within
each coordinate that both show (a year), where at least two such sums can be checked and all agree. An exhibit of one period is
compared with one that names none. Exhibits of one measure made from the same data are *joined* besides, as sums of one table
that none of them shows (`joint`), where they share a dimension and no two numbers contradict. A hidden cell is *exposed* when it is
visible elsewhere, when its bounds leave one whole number, or when they lie within 1 to `below` - 1.

Known bias. Whether two exhibits speak of the same people is judged as a reader would, from names and numbers: a pair whose visible
cells contradict each other is not compared (a pair that agrees at least twice as often as it differs only loses the cells that
differ). Exhibits of the same measure with no number in common count as linked, which can only make the audit stricter; but when they
were made from different data (last quarter's page beside this one's), at least two numbers above zero must agree.

References: Hundepool et al. (2012), Statistical Disclosure Control, sections 4.2 and 4.3.2 (linked tables); bounds by HiGHS.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array

from . import joint
from .joint import HIDDEN, MOST

_TOTAL = re.compile(r"(all(?! other)|total|everyone|sum)\b", re.I)
_PERIOD = re.compile(r"(19|20)\d\d\b")


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One published column: `rows` are coordinates as text, `values` numbers, "c" where hidden, None where missing."""

    name: str
    measure: str
    sources: frozenset[str]
    rows: Sequence[tuple[str, ...]]
    values: Sequence[Any]
    below: int = 11
    current: bool = True
    place: str = ""  # columns of one frame share it: they count different things
    data: str = ""  # fingerprint of the files that it was made from, "" where unknown
    columns: Sequence[str] = ()  # names of the coordinates, where known

    @property
    def unit(self) -> str:
        """What is counted: `kept_referrals_n` and `our_referrals_n` both count referrals."""
        return "_".join(self.measure.split("_")[-2:])

    @cached_property
    def coordinates(self) -> list[frozenset[str]]:
        """What each row is about; a total row is about less."""
        return [frozenset(value for value in row if value and not _TOTAL.match(value)) for row in self.rows]

    @cached_property
    def key_columns(self) -> list[int]:
        """The columns without those that follow from the others (a city beside its ZIP), constants and periods kept."""
        columns = list(zip(*self.rows, strict=True))
        kept = [i for i, column in enumerate(columns) if len(set(column)) == 1 or _is_period(column)]
        varying = [i for i in range(len(columns)) if i not in kept]
        for size in range(len(varying) + 1):
            chosen = next((each for each in itertools.combinations(varying, size) if self._unique([*kept, *each])), None)
            if chosen is not None:
                break
        else:
            chosen = tuple(varying)
        return sorted({*kept, *chosen})

    @cached_property
    def keys(self) -> list[frozenset[str]]:
        """The coordinates in the key columns."""
        return [frozenset(row[i] for i in self.key_columns if row[i] and not _TOTAL.match(row[i])) for row in self.rows]

    def _unique(self, columns: Sequence[int]) -> bool:
        return len({tuple(row[i] for i in columns) for row in self.rows}) == len(self.rows)

    @cached_property
    def index(self) -> dict[str, set[int]]:
        found = defaultdict(set)
        for i, values in enumerate(self.coordinates):
            for value in values:
                found[value].add(i)
        return found

    @cached_property
    def periods(self) -> frozenset[str]:
        """The years, quarters or months that the rows name."""
        return frozenset(value for value in self.index if _PERIOD.match(value))

    @cached_property
    def is_total(self) -> list[bool]:
        return [any(_TOTAL.match(value) for value in row) for row in self.rows]

    @cached_property
    def slack(self) -> float:
        """How far a written value may be from the true one: estimates are rounded, counts are not."""
        return 0.0 if all(float(value).is_integer() for value in self.values if isinstance(value, (int, float))) else 0.5

    def holding(self, key: frozenset[str]) -> list[int]:
        """The rows whose coordinates include `key`, total rows among them."""
        return sorted(set.intersection(*(self.index.get(value, set()) for value in key))) if key else list(range(len(self.rows)))


@dataclass(frozen=True)
class Exposed:
    """A hidden cell that a reader can work out: its exhibit, its row and the exhibits that give it away."""

    exhibit: str
    row: tuple[str, ...]
    by: tuple[str, ...]
    how: str

    def __str__(self) -> str:
        others = " and ".join(f"“{name}”" for name in self.by)
        return f"“{self.exhibit}”, row {', '.join(self.row) or 'without a name'}: {self.how} {others}"


Cell = tuple[int, int]  # number of the exhibit, of the row


@dataclass
class _Relation:
    """Sum of `parts` equals `total` (with what stands `beside` it), or is at most that; cells by number."""

    total: Cell
    parts: list[Cell]
    equal: bool
    slack: float = 0.0
    beside: list[Cell] = field(default_factory=list)

    @property
    def totals(self) -> list[Cell]:
        return [self.total, *self.beside]

    @property
    def cells(self) -> list[Cell]:
        return [*self.totals, *self.parts]


def exposed(exhibits: Sequence[Exhibit], *, of: Iterable[str] | None = None) -> list[Exposed]:
    """The hidden cells that a reader of all these exhibits can work out.

    Parameters
    ----------
    exhibits
        Everything that is or was published; `current` is False for what only earlier runs showed.
    of
        Names of the exhibits about to be published: only what they add is told. All by default.

    Returns
    -------
    list of Exposed
        One per cell, empty when nothing can be worked out.
    """
    new = {exhibit.name for exhibit in exhibits} if of is None else set(of)
    groups = _groups(exhibits)
    found = [each for group in groups if any(exhibit.name in new for exhibit in group) for each in _of_group(group)]
    if found and of is not None:
        before = {(each.exhibit, each.row) for group in groups for each in _of_group([one for one in group if one.name not in new])}
        found = [each for each in found if (each.exhibit, each.row) not in before]
    return found


def _groups(exhibits: Sequence[Exhibit]) -> list[list[Exhibit]]:
    """Exhibits that count the same unit, where at least one hides something; the others cannot expose anything."""
    by_unit = defaultdict(list)
    for exhibit in exhibits:
        by_unit[exhibit.unit].append(exhibit)
    return [group for group in by_unit.values() if any(HIDDEN in exhibit.values for exhibit in group)]


def _of_group(group: list[Exhibit]) -> list[Exposed]:
    pairs = [linked for one, other in _pairs(group) for how in (_linked, _divided) if (linked := how(group, one, other))]
    within = [relation for number in range(len(group)) for relation in _totals(group, number)]
    try:
        found = _solved(group, [*within, *itertools.chain.from_iterable(pairs)])
    except ArithmeticError:  # three exhibits can contradict one another though no two do: then each pair by itself
        found = [each for relations in [*([one] for one in within), *pairs] for each in _of_pair(group, relations)]
    return list({(each.exhibit, each.row): each for each in (*_joined(group), *found)}.values())


def _of_pair(group: list[Exhibit], relations: list[_Relation]) -> list[Exposed]:
    """What one pair gives away; where its sums cannot be exact they are taken as limits, and else as of other people."""
    for equal in (True, False):
        try:
            return _solved(
                group, [_Relation(each.total, each.parts, each.equal and (equal or len(each.parts) == 1), each.slack) for each in relations]
            )
        except ArithmeticError:
            continue
    return []


def _pairs(group: list[Exhibit]) -> Iterable[tuple[int, int]]:
    for one, other in itertools.permutations(range(len(group)), 2):
        if (
            group[one].sources & group[other].sources
            and (group[one].current or group[other].current)
            and group[one].place != group[other].place
        ):
            yield one, other


def _totals(group: list[Exhibit], number: int) -> list[_Relation]:
    """Total rows of one exhibit and the rows that they add up."""
    exhibit = group[number]
    found = []
    for i, total in enumerate(exhibit.is_total):
        parts = [j for j in exhibit.holding(exhibit.coordinates[i]) if not exhibit.is_total[j]] if total else []
        if parts and not _missing(exhibit, [i, *parts]):
            relation = _Relation((number, i), [(number, j) for j in parts], equal=True, slack=exhibit.slack * (len(parts) + 1))
            if not _compared(group, relation):
                found.append(relation)
    return found


def _linked(group: list[Exhibit], one: int, other: int) -> list[_Relation]:
    """What the pair says about its cells: each row of `one` as total of rows of `other`; nothing when they contradict each other."""
    found = [relation for i in range(len(group[one].rows)) if (relation := _relation(group, one, i, other))]
    seen = [_compared(group, relation) for relation in found]
    wrong = [each is not None and each != 0 and (each > 0 or relation.equal) for relation, each in zip(found, seen, strict=True)]
    agreed = sum(each == 0 and group[one].values[relation.total[1]] != 0 for relation, each in zip(found, seen, strict=True))
    if agreed < 2 * sum(wrong) or (
        agreed < 2 and (group[one].measure != group[other].measure or not _of_one_time(group[one], group[other]))
    ):
        return []
    sums = [each for relation, each in zip(found, seen, strict=True) if each is not None and len(relation.parts) > 1]
    adds_up = not any(sums)
    return [_Relation(each.total, each.parts, each.equal or adds_up, each.slack) for each, bad in zip(found, wrong, strict=True) if not bad]


def _divided(group: list[Exhibit], one: int, other: int) -> list[_Relation]:
    """What two divisions of the same people say about each other: equal sums within each coordinate that both show."""
    first, second = group[one], group[other]
    if one > other or first.measure != second.measure:
        return []
    found, agreed = [], 0
    for value in sorted(first.index.keys() & second.index.keys()):
        left, right = ([i for i in sorted(each.index[value]) if not each.is_total[i]] for each in (first, second))
        if min(len(left), len(right)) < 2 or _missing(first, left) or _missing(second, right):
            continue
        slack = first.slack * len(left) + second.slack * len(right)
        low, high = _between(first, left), _between(second, right)
        if low[0] > high[1] + slack or high[0] > low[1] + slack:
            return []
        if low[0] == low[1] and high[0] == high[1]:
            agreed += 1
        else:
            cells = [(one, i) for i in left]
            found.append(_Relation(cells[0], [(other, j) for j in right], equal=True, slack=slack, beside=cells[1:]))
    return found if agreed >= 2 else []


def _between(exhibit: Exhibit, rows: Sequence[int]) -> tuple[float, float]:
    """What the sum of these rows is at least and at most."""
    visible = sum(exhibit.values[i] for i in rows if exhibit.values[i] != HIDDEN)
    hidden = sum(exhibit.values[i] == HIDDEN for i in rows)
    return visible + hidden, visible + hidden * MOST


def _of_one_time(one: Exhibit, other: Exhibit) -> bool:
    """Whether two exhibits were made from the same data; of a database nothing is known but whether both stand on a page now."""
    return one.data == other.data and (bool(one.data) or (one.current and other.current))


def _relation(group: list[Exhibit], one: int, i: int, other: int) -> _Relation | None:
    """Row `i` of exhibit `one` and the rows of `other` that are the same cell or its parts."""
    coarse, fine, key = group[one], group[other], group[one].keys[i]
    if len(coarse.periods) == 1 and not fine.periods:
        key = key - coarse.periods
    if not key and len(coarse.rows) > 1 and not coarse.is_total[i]:
        return None
    held = fine.holding(key)
    same = [j for j in held if fine.keys[j] <= coarse.coordinates[i]][:1]
    parts = same or [j for j in held if not fine.is_total[j]]
    if not parts or _missing(coarse, [i]) or _missing(fine, parts) or (same and one > other):
        return None  # the same cell is told once, from the first exhibit's side
    return _Relation((one, i), [(other, j) for j in parts], equal=bool(same), slack=coarse.slack + fine.slack * len(parts))


def _missing(exhibit: Exhibit, rows: Iterable[int]) -> bool:
    return any(exhibit.values[i] is None for i in rows)


def _is_period(column: Sequence[str]) -> bool:
    return all(_PERIOD.match(value) for value in column)


def _compared(group: list[Exhibit], relation: _Relation) -> float | None:
    """Visible parts (hidden ones count 1) less the visible total, 0 within rounding; None when a hidden cell leaves it open."""
    total = group[relation.total[0]].values[relation.total[1]]
    values = [group[number].values[i] for number, i in relation.parts]
    hidden = sum(value == HIDDEN for value in values)
    if total == HIDDEN:
        return None
    over = sum(value for value in values if value != HIDDEN) + hidden - total
    if abs(over) <= relation.slack and not hidden:
        return 0.0
    return over if over > relation.slack or not hidden else None


def _solved(group: list[Exhibit], relations: list[_Relation]) -> list[Exposed]:
    hidden = {cell for relation in relations for cell in relation.cells if group[cell[0]].values[cell[1]] == HIDDEN}
    relations = [relation for relation in relations if any(cell in hidden for cell in relation.cells)]
    found = []
    for part in _components(relations):
        cells = sorted({cell for relation in part for cell in relation.cells} & hidden)
        best = _program(group, part, cells).best
        for i, low, high in joint.narrowed(best, eye_array(len(cells), format="csr"), [group[number].below for number, _ in cells]):
            by = [other for relation in part if cells[i] in relation.cells for other, _ in relation.cells]
            found.append(_exposed(group, cells[i], by, one=high - low < 1))
    return found


def _exposed(group: list[Exhibit], cell: Cell, by: Iterable[int], *, one: bool) -> Exposed:
    exhibit = group[cell[0]]
    others = tuple(dict.fromkeys(group[other].name for other in by if other != cell[0]))
    how = "is given by" if one else f"is narrowed to 1 to {exhibit.below - 1} by"
    return Exposed(exhibit.name, exhibit.rows[cell[1]], others or (exhibit.name,), how)


def _components(relations: list[_Relation]) -> list[list[_Relation]]:
    """Relations that share cells, directly or through others."""
    home: dict[Cell, list[_Relation]] = {}
    for relation in relations:
        merged = [relation]
        for known in {id(home[cell]): home[cell] for cell in relation.cells if cell in home}.values():
            merged += known
        for each in merged:
            home.update(dict.fromkeys(each.cells, merged))
    return list({id(part): part for part in home.values()}.values())


@dataclass
class _Program:
    """Linear relations over the hidden cells, ready for HiGHS: rows @ x <= limits."""

    cells: list[Cell]
    columns: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    signs: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    def add(self, group: list[Exhibit], relation: _Relation, sign: float) -> None:
        place = {cell: i for i, cell in enumerate(self.cells)}
        room = relation.slack
        for side, cell in [*((-sign, total) for total in relation.totals), *((sign, part) for part in relation.parts)]:
            value = group[cell[0]].values[cell[1]]
            if value == HIDDEN:
                self.columns.append(place[cell])
                self.lines.append(len(self.limits))
                self.signs.append(side)
            else:
                room -= side * value
        self.limits.append(room)

    def best(self, aim: np.ndarray) -> np.ndarray:
        """A solution with the greatest aim @ x."""
        rows = csr_array((self.signs, (self.lines, self.columns)), shape=(len(self.limits), len(self.cells)))
        found = linprog(-aim, A_ub=rows, b_ub=self.limits, bounds=(1, MOST), method="highs")
        if found.status != 0:
            raise ArithmeticError(f"the published cells contradict one another: {found.message}")
        return found.x


def _program(group: list[Exhibit], relations: list[_Relation], cells: list[Cell]) -> _Program:
    program = _Program(cells)
    for relation in relations:
        program.add(group, relation, 1.0)
        if relation.equal:
            program.add(group, relation, -1.0)
    return program


def _joined(group: list[Exhibit]) -> Iterable[Exposed]:
    """What exhibits of the same measure, made from the same data, give away as sums of one table that none of them shows."""
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for number, exhibit in enumerate(group):
        if exhibit.data and any(value is not None for value in exhibit.values):
            alike[exhibit.measure, exhibit.sources, exhibit.data].append(number)
    for numbers in alike.values():
        tables = _as_sums([group[number] for number in numbers])
        for chosen in _consistent(tables):
            members = [numbers[i] for i in chosen]
            for (i, row), (low, high) in joint.exposed([tables[i] for i in chosen]).items():
                yield _exposed(group, (members[i], row), members, one=high - low < 1)


def _consistent(tables: dict[int, joint.Sums]) -> Iterable[tuple[int, ...]]:
    """Tables that may be of the same people: to one table those that share a dimension and contradict none, until none is left out."""
    named = {i: {dimension for row in table.rows for dimension in row} for i, table in tables.items()}
    every = frozenset().union(*named.values())
    found: list[tuple[int, ...]] = []
    for first in tables:
        if any(first in each for each in found):
            continue
        chosen, left = [first], [other for other in tables if other != first]
        while near := [i for i in left if named[i] & set().union(*(named[j] for j in chosen))]:
            left.remove(near[0])
            if joint.Joined([tables[i] for i in (*chosen, near[0])], every).consistent:
                chosen.append(near[0])
        found.append(tuple(chosen))
    return [each for each in found if len(each) > 1]


def _as_sums(exhibits: Sequence[Exhibit]) -> dict[int, joint.Sums]:
    """The exhibits in terms of common dimensions; without one that has two columns of the same."""
    rows = [[tuple("" if _TOTAL.match(row[i]) else row[i] for i in exhibit.key_columns) for row in exhibit.rows] for exhibit in exhibits]
    names = [[exhibit.columns[i] if exhibit.columns else "" for i in exhibit.key_columns] for exhibit in exhibits]
    found = joint.dimensions([(names[i], list(zip(*rows[i], strict=True)) if names[i] else []) for i in range(len(rows))])
    return {
        i: joint.Sums(
            [{each: value for each, value in zip(found[i], row, strict=True) if value} for row in rows[i]],
            exhibit.values,
            exhibit.below,
            exhibit.slack,
        )
        for i, exhibit in enumerate(exhibits)
        if len(set(found[i])) == len(found[i])
    }
