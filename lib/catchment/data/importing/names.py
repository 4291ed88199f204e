"""Names in an imported file that its tables do not know: listed with their rows, their amount and the nearest known name.

Definitions. A name is *unknown* when it stands in a column whose values the catalog lists, or in one that refers to another table, and is
not there. It is neither dropped nor taken for another: the file is refused, and what the name means may be said in a mapping (`values`),
which the next import reads. Where the catalog has `unlisted: told` the rows stay, and the import tells how many there are. *Ours* are the
network of the partner's settings and the partner itself: a file in which none of them occurs has other names for them, and every share of
what stays with us would be wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from catchment.data.catalog import Column
from catchment.data.likeness import nearest

from .containers import ImportRefused

MOST_TOLD = 40


@dataclass(frozen=True)
class Unknown:
    """One unknown name: its column, the rows that have it, how much they are, and the known name that is most like it."""

    column: str
    name: str
    rows: int
    amount: str
    like: str

    def __str__(self) -> str:
        amount = f", {self.amount}" if self.amount else ""
        like = f"; nearest: {self.like}" if self.like else ""
        return f"{self.name!r} ({self.rows:,} {'row' if self.rows == 1 else 'rows'}{amount}{like})"


def unknown(part: Path, columns: Mapping[str, Column], known: Callable[[str], set[str]]) -> Iterator[Unknown]:
    """Every unknown name of a Parquet file, in each column those of most rows first.

    `known` gives the values of a referenced column, by `table.column`.
    """
    there = pq.read_schema(part).names
    measure = _measure(columns, there)
    for name, column in columns.items():
        if name not in there or not (column.values or column.references):
            continue
        listed = set(column.values) | (known(column.references) if column.references else set())
        for value, rows, amount in _counted(part, name, measure):
            if value not in listed:
                yield Unknown(name, value, rows, _said(amount, columns[measure].unit) if measure else "", nearest(value, listed))


def _measure(columns: Mapping[str, Column], there: Sequence[str]) -> str:
    """The column that says how much a row is: dollars, else what it counts."""
    numbers = [name for name in there if name in columns and columns[name].type in ("integer", "number")]
    dollars = [name for name in numbers if columns[name].unit == "USD"]
    counts = [name for name in numbers if name.endswith("_n")]
    return next(iter([*dollars, *counts]), "")


def _counted(part: Path, name: str, measure: str) -> Iterator[tuple[str, int, float]]:
    table = pq.read_table(part, columns=list(dict.fromkeys([name, *([measure] if measure else [])])))
    table = table.filter(pc.is_valid(table[name]))
    sums = [(measure, "sum")] if measure and measure != name else []
    found = table.group_by(name).aggregate([([], "count_all"), *sums]).sort_by([("count_all", "descending"), (name, "ascending")])
    for row in found.to_pylist():
        yield str(row[name]), row["count_all"], row.get(f"{measure}_sum") or 0.0


def _said(amount: float, unit: str) -> str:
    return f"${amount:,.0f}" if unit == "USD" else f"{amount:,.0f} {unit}".strip()


def refuse(file: str, found: Sequence[Unknown], columns: Mapping[str, Column], advice: str) -> None:
    """Raise ImportRefused with every unknown name of columns in which none may be."""
    strange = [each for each in found if columns[each.column].unlisted == "refused"]
    if not strange:
        return
    by_column: dict[str, list[Unknown]] = {}
    for each in strange:
        by_column.setdefault(each.column, []).append(each)
    lines = [
        f"{column}: {len(names):,} {'name' if len(names) == 1 else 'names'} not among {_listed(columns[column])}: "
        + "; ".join(map(str, names[:MOST_TOLD]))
        + (f"; and {len(names) - MOST_TOLD:,} more" if len(names) > MOST_TOLD else "")
        for column, names in by_column.items()
    ]
    raise ImportRefused("\n  ".join([f"{file}: names that are not known; nothing is dropped or taken for another", *lines, advice]))


def told(found: Sequence[Unknown], columns: Mapping[str, Column]) -> str:
    """What an import says of unknown names whose rows stay: how many names and rows of each column."""
    stay = [each for each in found if columns[each.column].unlisted == "told"]
    parts = []
    for column in dict.fromkeys(each.column for each in stay):
        names = [each for each in stay if each.column == column]
        rows = sum(each.rows for each in names)
        parts.append(f"{len(names):,} {column} not in {columns[column].references} ({rows:,} rows stay; the first: {names[0].name})")
    return "; ".join(parts)


def _listed(column: Column) -> str:
    return f"{column.references}" if column.references else ", ".join(column.values)


def refuse_none_of_ours(file: str, part: Path, columns: Mapping[str, Column], ours: Sequence[str], advice: str) -> None:
    """Raise ImportRefused when a column that names systems has none of ours in any row."""
    for name, column in columns.items():
        if not column.ours or name not in pq.read_schema(part).names:
            continue
        found = [value for value, *_ in _counted(part, name, "")]
        if found and not set(found) & set(ours):
            like = "; ".join(f"{each} is most like {nearest(each, found, least=0) or 'none'}" for each in ours)
            raise ImportRefused(
                f"{file}: no row of {name} is ours ({', '.join(ours)}), so nothing would count as kept in the network; found "
                f"{', '.join(map(repr, found[:MOST_TOLD]))} ({like}). {advice}"
            )
