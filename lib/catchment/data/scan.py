"""A cataloged file as a lazy Ibis table: renamed, typed and filtered by DuckDB, so that only what is asked for is read.

For a CSV file every column is read as text and converted by its declared type. A text that did not become a value comes
along in a column of its own (`<name>\\ttext`): it is either a mark of suppression or a mistake, never silently missing.
"""

import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow
import pyarrow.parquet
from ibis.backends.duckdb import Backend
from ibis.expr.operations import DatabaseTable

from catchment.params.text import nearest

from .catalog import Column, Table
from .problem import DataError, Problem

ROW, FILE, TEXT = "\trow", "\tfile", "\ttext"  # a tab cannot be part of a cataloged name

_SHAPES = {
    "integer": r"^[+-]?\d+(\.0+)?$",
    "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$",
    "date": r"^\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?)?$",
    "boolean": r"^(?i:true|false|t|f|yes|no|y|n|1|0)$",
}
_TYPES = {"integer": "BIGINT", "number": "DOUBLE", "date": "TIMESTAMP", "boolean": "BOOLEAN"}
_IBIS = {"integer": "int64", "number": "float64", "date": "timestamp(6)", "boolean": "boolean"}
_STORED = {
    "integer": lambda kind: kind.is_integer(),
    "number": lambda kind: kind.is_numeric(),
    "date": lambda kind: kind.is_temporal(),
    "boolean": lambda kind: kind.is_boolean(),
    "text": lambda kind: kind.is_string(),
    "category": lambda kind: kind.is_string(),
}


@dataclass(frozen=True)
class Between:
    """A filter on a range, both ends included; None leaves an end open."""

    low: Any
    high: Any


def between(low: Any, high: Any) -> Between:
    """Filter for `Tables.read`: values from `low` to `high`, both included; None leaves an end open."""
    return Between(low, high)


def files(name: str, table: Table, folder: Path, partner: str) -> list[Path]:
    """The files of a table, sorted; DataError when there is none of a table that must exist. `{partner}` stands for the partner's id."""
    pattern = (table.path or "").replace("{partner}", partner)
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found and not table.optional:
        raise DataError(Problem(name, "a file", "none", file=f"data/{pattern}", hint=_other_files(pattern, folder)))
    return found


def _other_files(path: str, folder: Path) -> str:
    beside = [item.name for item in (folder / path).parent.glob("*") if item.is_file()]
    return nearest(Path(path).name, beside)


def lazy(con: Backend, name: str, table: Table, paths: list[Path], shown: list[str], partner: str) -> ir.Table:
    """All files of a table as one lazy table with the cataloged columns, the file's position and the row's number.

    The conversion is a view inside DuckDB, written in its SQL: DuckDB looks through it, so a later choice of columns, rows or
    years reaches the files, and Ibis has only that choice to compile. A file whose place names the partner needs no column for it.
    """
    parts = [_part(name, table, path, place, shown[place], partner) for place, path in enumerate(paths)]
    con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {_quoted(name)} AS " + " UNION ALL BY NAME ".join(parts))
    # The view's columns are known, so DuckDB need not be asked for them (a third of the time of reading a small table).
    return DatabaseTable(name=name, schema=ibis.schema(_types(table)), source=con).to_expr()


def _types(table: Table) -> dict[str, str]:
    types: dict[str, str] = {ROW: "int64", FILE: "int64"}
    for key, column in table.columns.items():
        types[key] = _IBIS.get(column.type, "string")
        if (column.type in _TYPES or column.suppressed) and not (key == "year" and table.year_from):
            types[key + TEXT] = "string"
    return types


def _part(name: str, table: Table, path: Path, place: int, shown: str, partner: str) -> str:
    known = {"year": f"{_year(name, table, shown)}::BIGINT"} if table.year_from else {}
    known |= {"partner": literal(partner)} if table.private and not _tells(table, path, name, shown) else {}
    columns = {key: column for key, column in table.columns.items() if key not in known}
    if path.suffix == ".parquet":
        inner = f"SELECT {', '.join(_stored(name, columns, path, shown))}, file_row_number + 1 AS {_quoted(ROW)} FROM {_parquet(path)}"
    else:
        inner = _converted(name, table, columns, path, shown)
    more = [f"{value} AS {key}" for key, value in known.items()]
    return f"SELECT {', '.join(['*', *more, f'{place}::BIGINT AS {_quoted(FILE)}'])} FROM ({inner})"


def _tells(table: Table, path: Path, name: str, shown: str) -> bool:
    """Whether a partner's own file has a column of its own that says whose the rows are."""
    column = table.columns["partner"].source or "partner"
    return not table.header or column in (_schema(path, name, shown) if path.suffix == ".parquet" else headers(path, name, shown))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def _parquet(path: Path) -> str:
    return f"read_parquet({literal(path)}, file_row_number=true)"


def _year(name: str, table: Table, shown: str) -> int:
    found = re.search(table.year_from or "", shown)
    if not found:
        raise DataError(Problem(name, f"a year in the file's name ({table.year_from})", "none", file=shown))
    return int(found[1])


@lru_cache(maxsize=256)
def _whole(path: Path, size: int, modified: int) -> str:
    """What is wrong with a gzip file, "" when nothing. DuckDB takes a truncated one for a shorter table."""
    try:
        with gzip.open(path, "rb") as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return str(error)
    return ""


def headers(path: Path, name: str, shown: str, delimiter: str = ",") -> list[str]:
    """The first record of a CSV file, stripped; DataError when the file is empty or no UTF-8."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            return [column.strip() for column in next(csv.reader(itertools.islice(stream, 50), delimiter=delimiter), [])]
    except UnicodeDecodeError as error:
        raise DataError(
            Problem(name, "UTF-8 text", f"byte {error.object[error.start]:#04x}", file=shown, hint="save as UTF-8, or use catchment import")
        ) from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(Problem(name, "a readable CSV file", str(error), file=shown)) from error


def _places(name: str, table: Table, columns: Mapping[str, Column], path: Path, shown: str) -> tuple[dict[str, int], int]:
    """Position of each cataloged column in a CSV file, where each must be named once, and the number of columns."""
    if path.suffix == ".gz" and (wrong := _whole(path, path.stat().st_size, path.stat().st_mtime_ns)):
        raise DataError(Problem(name, "a complete gzip file", wrong, file=shown))
    wanted = {key: column.source or key for key, column in columns.items()}
    present = headers(path, name, shown)
    if not table.header:
        if len(present) != len(wanted):
            raise DataError(Problem(name, f"{len(wanted)} columns without a header", f"{len(present)} columns", file=shown))
        present = list(wanted.values())
    for source in wanted.values():
        if present.count(source) != 1:
            found = "no such column" if source not in present else f"{present.count(source)} columns of that name"
            split = "columns must be separated by commas" if len(present) == 1 and re.search(r"[;|\t]", present[0]) else ""
            raise DataError(Problem(name, f"a column {source!r}", found, file=shown, column=source, hint=split or nearest(source, present)))
    return {key: present.index(source) for key, source in wanted.items()}, len(present)


def _converted(name: str, table: Table, columns: Mapping[str, Column], path: Path, shown: str) -> str:
    """SQL that reads a CSV file as text and converts each column by its declared type."""
    places, width = _places(name, table, columns, path, shown)
    names = ", ".join(f"c{place}: 'VARCHAR'" for place in range(width))
    source = (
        f"read_csv({literal(path)}, columns={{{names}}}, auto_detect=false, header={str(table.header).lower()}, "
        "delim=',', quote='\"', escape='\"', strict_mode=true)"
    )
    chosen = [part for key, column in columns.items() for part in _typed(key, column, f"nullif(trim(c{places[key]}), '')")]
    return f"SELECT {', '.join(chosen)}, row_number() OVER () + {int(table.header)} AS {_quoted(ROW)} FROM {source}"


def _typed(key: str, column: Column, text: str) -> list[str]:
    """SQL of a column's value and, where one can be left over, of the text that became no value."""
    if column.type in _TYPES:
        value = f"CASE WHEN regexp_matches({text}, {literal(_SHAPES[column.type])}) THEN try_cast({text} AS {_TYPES[column.type]}) END"
        return [f"{value} AS {_quoted(key)}", f"CASE WHEN ({value}) IS NULL THEN {text} END AS {_quoted(key + TEXT)}"]
    if column.suppressed:
        mark = f"{text} IN ({', '.join(map(literal, column.suppressed))})"
        return [f"CASE WHEN NOT {mark} THEN {text} END AS {_quoted(key)}", f"CASE WHEN {mark} THEN {text} END AS {_quoted(key + TEXT)}"]
    return [f"{text} AS {_quoted(key)}"]


def _stored(name: str, columns: Mapping[str, Column], path: Path, shown: str) -> list[str]:
    """SQL of columns that have a type already; a withheld value is flagged in `<name>_suppressed`."""
    raw, parts = _schema(path, name, shown), []
    for key, column in columns.items():
        source = column.source or key
        check_stored(name, key, column, raw, shown)
        parts.append(f"{_quoted(source)}{'::' + _TYPES[column.type] if column.type in _TYPES else ''} AS {_quoted(key)}")
        if column.suppressed or column.type in _TYPES:
            flag = _quoted(f"{source}_suppressed") if f"{source}_suppressed" in raw and column.suppressed else "false"
            parts.append(f"CASE WHEN {flag} THEN {literal(next(iter(column.suppressed), ''))} END AS {_quoted(key + TEXT)}")
    return parts


def _schema(path: Path, name: str, shown: str) -> ibis.Schema:
    try:
        return ibis.Schema.from_pyarrow(pyarrow.parquet.read_schema(path))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(Problem(name, "a readable Parquet file", str(error).splitlines()[0], file=shown)) from error


def check_stored(name: str, key: str, column: Column, schema: ibis.Schema, shown: str) -> None:
    """Raise DataError unless a typed source has the column, stored in a type that fits the declared one."""
    source = column.source or key
    if source not in schema:
        raise DataError(Problem(name, f"a column {source!r}", "no such column", file=shown, column=source, hint=nearest(source, schema)))
    if not _STORED[column.type](schema[source]):
        raise DataError(Problem(name, f"values of type {column.type}", f"values stored as {schema[source]}", file=shown, column=source))


def keep(lazy_table: ir.Table, name: str, table: Table, filters: Mapping[str, Any]) -> ir.Table:
    """Only the rows that the filters name."""
    for column in filters:
        if column not in table.columns:
            raise DataError(Problem(name, "a filter on a cataloged column", repr(column), hint=nearest(column, table.columns)))
    conditions = [_condition(lazy_table[column], name, column, table.columns[column], wanted) for column, wanted in filters.items()]
    return lazy_table.filter(*conditions) if conditions else lazy_table


def _condition(value: ir.Value, name: str, column: str, entry: Column, wanted: Any) -> ir.BooleanValue:
    if isinstance(wanted, Between):
        ends = [value >= fit(name, column, entry, wanted.low)] if wanted.low is not None else []
        ends += [value <= fit(name, column, entry, wanted.high)] if wanted.high is not None else []
        return ibis.and_(*ends)
    if isinstance(wanted, list | tuple | set | frozenset | range) or hasattr(wanted, "to_numpy") or isinstance(wanted, np.ndarray):
        return value.isin([fit(name, column, entry, item) for item in (sorted(wanted) if isinstance(wanted, set | frozenset) else wanted)])
    return value == fit(name, column, entry, wanted)


def fit(name: str, column: str, entry: Column, wanted: Any) -> Any:
    """A filter's value in the column's type: a ZIP asked for as a number would silently find nothing."""
    wanted = wanted.item() if isinstance(wanted, np.generic) else wanted
    kinds: Any = {"integer": int, "number": (int, float), "date": (date, datetime), "boolean": bool}.get(entry.type, str)
    if not isinstance(wanted, kinds) or (isinstance(wanted, bool) and entry.type != "boolean"):
        raise DataError(Problem(name, f"a filter value of type {entry.type}", repr(wanted), column=column))
    return wanted if entry.type != "date" else datetime.fromisoformat(wanted.isoformat())
