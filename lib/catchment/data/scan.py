"""A catalogued file as a lazy Ibis table: renamed, typed and filtered by DuckDB, so that only what is asked for is read.

For a CSV file every column is read as text and converted by its declared type. A text that did not become a value comes
along in a column of its own (`<name>\\ttext`): it is either a mark of suppression or a mistake, never silently missing.
"""

import csv
import gzip
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from ibis.backends.duckdb import Backend

from ..params.text import nearest
from .catalog import Column, Table
from .problem import DataError, Problem

ROW, FILE, TEXT = "\trow", "\tfile", "\ttext"  # a tab cannot be part of a catalogued name

_SHAPES = {
    "integer": r"^[+-]?\d+(\.0+)?$",
    "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    "date": r"^\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?)?$",
    "boolean": r"^(?i:true|false|t|f|yes|no|y|n|1|0)$",
}
_TYPES = {"integer": "int64", "number": "float64", "date": "timestamp", "boolean": "boolean"}
_STORED = {
    "integer": lambda kind: kind.is_integer(), "number": lambda kind: kind.is_numeric(), "date": lambda kind: kind.is_temporal(),
    "boolean": lambda kind: kind.is_boolean(), "text": lambda kind: kind.is_string(), "category": lambda kind: kind.is_string(),
}


@dataclass(frozen=True)
class Between:
    """A filter on a range, both ends included; None leaves an end open."""

    low: Any
    high: Any


def between(low: Any, high: Any) -> Between:
    """Filter for `Tables.read`: values from `low` to `high`, both included; None leaves an end open."""
    return Between(low, high)


def files(name: str, table: Table, folder: Path) -> list[Path]:
    """The files of a table, sorted; DataError when there is none."""
    found = sorted(path for path in folder.glob(table.path or "") if path.is_file())
    if not found:
        raise DataError(Problem(name, "a file", "none", file=f"data/{table.path}", hint=_other_files(table.path or "", folder)))
    return found


def _other_files(path: str, folder: Path) -> str:
    beside = [item.name for item in (folder / path).parent.glob("*") if item.is_file()]
    return nearest(Path(path).name, beside)


def lazy(con: Backend, name: str, table: Table, path: Path, folder: Path) -> ir.Table:
    """One CSV or Parquet file with all catalogued columns, lazily, and the number of each row."""
    shown = f"data/{path.relative_to(folder).as_posix()}"
    if path.suffix == ".parquet":
        raw = con.read_parquet(path, file_row_number=True)
        typed = _stored(name, table, raw, shown).mutate(**{ROW: raw.file_row_number + 1})
    else:
        typed = _converted(name, table, _text(con, name, table, path, shown))
    return typed.mutate(year=ibis.literal(_year(name, table, shown), "int64")) if table.year_from else typed


def _year(name: str, table: Table, shown: str) -> int:
    found = re.search(table.year_from or "", shown)
    if not found:
        raise DataError(Problem(name, f"a year in the file's name ({table.year_from})", "none", file=shown))
    return int(found[1])


def headers(path: Path, name: str, shown: str, delimiter: str = ",") -> list[str]:
    """The first record of a CSV file, stripped; DataError when the file is empty or no UTF-8."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            return [column.strip() for column in next(csv.reader(itertools.islice(stream, 50), delimiter=delimiter), [])]
    except UnicodeDecodeError as error:
        raise DataError(Problem(name, "UTF-8 text", f"byte {error.object[error.start]:#04x}", file=shown, hint="save as UTF-8, or use catchment import")) from error
    except (OSError, EOFError, csv.Error) as error:
        raise DataError(Problem(name, "a readable CSV file", str(error), file=shown)) from error


def _text(con: Backend, name: str, table: Table, path: Path, shown: str) -> ir.Table:
    """The file's columns as text under their names in the file, which must be all there and named once."""
    wanted = [column.source or key for key, column in table.columns.items() if not (key == "year" and table.year_from)]
    present = headers(path, name, shown)
    if not table.header:
        if len(present) != len(wanted):
            raise DataError(Problem(name, f"{len(wanted)} columns without a header", f"{len(present)} columns", file=shown))
        present = wanted
    for column in wanted:
        if present.count(column) != 1:
            found = "no such column" if column not in present else f"{present.count(column)} columns of that name"
            raise DataError(Problem(name, f"a column {column!r}", found, file=shown, column=column, hint=nearest(column, present)))
    places = {f"c{place}": "VARCHAR" for place in range(len(present))}
    view = con.read_csv(path, columns=places, header=table.header, delim=",", quote='"', escape='"', strict_mode=True)
    first = 2 if table.header else 1
    return view.select(**{column: view[f"c{present.index(column)}"] for column in wanted}, **{ROW: ibis.row_number() + first})


def _converted(name: str, table: Table, raw: ir.Table) -> ir.Table:
    columns: dict[str, ir.Value] = {}
    for key, column in table.columns.items():
        if key == "year" and table.year_from:
            continue
        text = raw[column.source or key].strip().nullif("")
        columns[key] = value = text if column.type in ("text", "category") else ibis.cases((text.re_search(_SHAPES[column.type]), text.try_cast(_TYPES[column.type])))
        if column.type in _TYPES:
            columns[key + TEXT] = ibis.cases((value.isnull(), text))
        elif column.suppressed:
            columns[key] = ibis.cases((text.notin(column.suppressed), text))
            columns[key + TEXT] = ibis.cases((text.isin(column.suppressed), text))
    return raw.select(**columns, **{ROW: raw[ROW]})


def _stored(name: str, table: Table, raw: ir.Table, shown: str) -> ir.Table:
    """Columns that have a type already (Parquet, a database); a withheld value is flagged in `<name>_suppressed`."""
    columns: dict[str, ir.Value] = {}
    for key, column in table.columns.items():
        source = column.source or key
        if key == "year" and table.year_from:
            continue
        if source not in raw.columns:
            raise DataError(Problem(name, f"a column {source!r}", "no such column", file=shown, column=source, hint=nearest(source, raw.columns)))
        kind = raw[source].type()
        if not _STORED[column.type](kind):
            raise DataError(Problem(name, f"values of type {column.type}", f"values stored as {kind}", file=shown, column=source))
        columns[key] = raw[source] if column.type not in _TYPES else raw[source].cast(_TYPES[column.type])
        flag = f"{source}_suppressed"
        if column.suppressed:
            withheld = raw[flag] if flag in raw.columns else ibis.literal(False)
            columns[key + TEXT] = ibis.cases((withheld, ibis.literal(column.suppressed[0])), else_=ibis.null("string"))
    return raw.select(**columns)


def keep(lazy_table: ir.Table, name: str, table: Table, filters: Mapping[str, Any]) -> ir.Table:
    """Only the rows that the filters name."""
    for column, wanted in filters.items():
        if column not in table.columns:
            raise DataError(Problem(name, "a filter on a catalogued column", repr(column), hint=nearest(column, table.columns)))
        lazy_table = lazy_table.filter(_condition(lazy_table[column], name, column, table.columns[column], wanted))
    return lazy_table


def _condition(value: ir.Value, name: str, column: str, entry: Column, wanted: Any) -> ir.BooleanValue:
    if isinstance(wanted, Between):
        ends = [value >= _fit(name, column, entry, wanted.low)] if wanted.low is not None else []
        ends += [value <= _fit(name, column, entry, wanted.high)] if wanted.high is not None else []
        return ibis.and_(*ends)
    if isinstance(wanted, list | tuple | set | frozenset | range) or hasattr(wanted, "to_numpy") or isinstance(wanted, np.ndarray):
        return value.isin([_fit(name, column, entry, item) for item in (sorted(wanted) if isinstance(wanted, set | frozenset) else wanted)])
    return value == _fit(name, column, entry, wanted)


def _fit(name: str, column: str, entry: Column, wanted: Any) -> Any:
    """A filter's value in the column's type: a ZIP asked for as a number would silently find nothing."""
    wanted = wanted.item() if isinstance(wanted, np.generic) else wanted
    kinds = {"integer": int, "number": (int, float), "date": (date, datetime), "boolean": bool}.get(entry.type, str)
    if not isinstance(wanted, kinds) or (isinstance(wanted, bool) and entry.type != "boolean"):
        raise DataError(Problem(name, f"a filter value of type {entry.type}", repr(wanted), column=column))
    return wanted if entry.type != "date" else datetime.fromisoformat(wanted.isoformat())
