"""Reading tables for one partner: only its rows, only the columns asked for, checked, with their origin.

Definitions. A table of scope `partner` holds private rows and is always cut to the partner's own; scope `region` is cut to
the counties of the settings unless a filter names counties. Types after reading: text and category are text; integer is a
whole number, or a floating one with NaN when the catalog allows missing or suppressed values; date is a day at midnight.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from catchment.params import Settings
from catchment.params.text import nearest

from . import answers, ends, geometry, isolation, reads, scan
from .catalog import Rule, Table, digest, real, table, tables
from .contracts import breaches
from .origin import Origin, origin
from .problem import DataError, Problem
from .warehouse import ask, place

if TYPE_CHECKING:
    import geopandas as gpd


class Tables:
    """The catalog's tables as one partner may see them. Tables that were read are remembered in `used`."""

    def __init__(self, settings: Settings, *, root: Path | None = None, threads: int = 1):
        isolation.refuse_other(settings.id)
        self.settings = settings
        self.root = root or settings.root
        self.used: list[Origin] = []
        self._threads = threads
        self._connected: tuple[int, Backend] | None = None
        self._lazy: dict[str, ir.Table] = {}
        self._readable: set[Path] = set()
        self._listed: dict[str, set] = {}
        self._origins: dict[str, Origin] = {}
        self._ends: dict[str, pd.Period] = {}

    def read(self, name: str, columns: Iterable[str] | None = None, *, allow_empty: bool = False, **filters: Any) -> pd.DataFrame:
        """Rows of a table that pass the filters, in the order of its files.

        Parameters
        ----------
        columns
            Columns to return, in this order; all by default. A column that the producer suppresses comes with
            `<column>_suppressed` after it.
        allow_empty
            Whether no row at all is an answer; otherwise it is an error.
        filters
            Column and value, list of values, or `between(low, high)`.

        Raises
        ------
        DataError
            With file, column, row, what was expected and what was found.
        """
        entry = self._entry(name)
        wanted = self._wanted(name, entry, columns)
        filters = self._scoped(entry, filters)
        frame = self._checked(name, entry, [*wanted, *(key for key in entry.key if key not in wanted)], filters)
        if frame.empty and not allow_empty:
            raise DataError(Problem(name, "at least one row", "none", file=_place(name, entry), hint=f"filters: {_shown(filters)}"))
        result = _finished(frame, name, entry, wanted)
        if (last := ends.last_month(frame, entry, filters=set(filters) - {"partner"})) is not None:
            self._ends[name] = max(last, self._ends.get(name, last))
        self._remember(name, entry, "read", wanted, filters, result)
        return result

    def whole(self, name: str) -> pd.DataFrame:
        """All rows that the partner may see, every column, with the contract checked: what `check` reads; not remembered as used."""
        entry = self._entry(name)
        columns = list(entry.columns)
        return _finished(
            self._checked(name, entry, columns, self._scoped(entry, {}) if entry.scope == "partner" else {}), name, entry, columns
        )

    def has(self, name: str, **filters: Any) -> bool:
        """Whether the partner has at least one such row; nothing is checked and nothing is remembered as used."""
        entry = self._entry(name)
        filters = self._scoped(entry, filters)
        found = self._any(name, entry, filters)
        if entry.uri:
            answers.note(name, "has", None, filters, str(found))
        return found

    def geometry(self, name: str, *, allow_empty: bool = False, **filters: Any) -> "gpd.GeoDataFrame":
        """Shapes of a table (GeoJSON or GeoParquet) that pass the filters, in WGS 84 degrees, with its cataloged columns.

        Without any, or without a file of an optional table, it is empty where `allow_empty` says that this is an answer.
        """
        entry = self._entry(name)
        filters = self._scoped(entry, filters)
        shown = self._files_shown(name, entry)
        shapes = geometry.read(self._read_from(name, entry), name, entry, shown, filters)
        problems = breaches(shapes, name, entry, shown, self._references(entry))
        if problems:
            raise DataError(problems)
        if shapes.empty and not allow_empty:
            raise DataError(Problem(name, "at least one shape", "none", file=_place(name, entry), hint=f"filters: {_shown(filters)}"))
        result = shapes.drop(columns=[column for column in shapes if "\t" in column])
        self._remember(name, entry, "geometry", None, filters, result)
        return result

    def origin(self, name: str) -> Origin:
        """Where a table comes from, with the fingerprint of its files: as they were when it was read last."""
        return self._origins.get(name) or self._origin(name)

    def _origin(self, name: str) -> Origin:
        entry = self._entry(name)
        files = self._read_from(name, entry) if entry.path else []
        # Nothing was made up for a partner who has none of it.
        made_up = entry.simulated and bool(files or entry.uri)
        found = origin(name, entry if made_up == entry.simulated else real(entry), files)
        return replace(found, behind=ends.behind(self._ends.get(name), entry, self.settings.as_of))

    def source(self, *names: str) -> str:
        """The line under a figure: title and period of each table."""
        return "; ".join(dict.fromkeys(self.origin(name).line for name in names))

    def _entry(self, name: str) -> Table:
        """The table's entry; that it was asked for is noted, also when there is no such table."""
        entry = tables(self.root, self.settings.id).get(name)
        if name not in reads.journal.entries:
            reads.journal.entries[name] = digest(entry) if entry else None
            if entry and entry.uri:
                reads.journal.patterns[name] = None
        return entry or table(self.root, name, self.settings.id)

    @property
    def folder(self) -> Path:
        return self.root / "data"

    @property
    def connection(self) -> Backend:
        """This process's own in-memory DuckDB: opened at the first read, so that a forked page never shares one."""
        if self._connected is None or self._connected[0] != os.getpid():
            self._connected = os.getpid(), self._locked()
            self._lazy.clear()
        return self._connected[1]

    def _locked(self) -> Backend:
        """A DuckDB that can open the partner's files and nothing else, whatever it is asked."""
        con = ibis.duckdb.connect(threads=self._threads)
        if kept := reads.pinned():
            con.raw_sql(f"SET allowed_directories = [{scan.literal(f'{kept}/')}]")
        else:
            self._readable = set(isolation.readable(self.root, self.settings.id))
            con.raw_sql(f"SET allowed_paths = [{', '.join(scan.literal(path) for path in sorted(self._readable))}]")
        con.raw_sql("SET enable_external_access = false")
        con.raw_sql("SET lock_configuration = true")
        return con

    def _wanted(self, name: str, entry: Table, columns: Iterable[str] | None) -> list[str]:
        wanted = list(entry.columns) if columns is None else list(columns)
        for column in wanted:
            if column not in entry.columns:
                raise DataError(Problem(name, "a cataloged column", repr(column), hint=nearest(column, entry.columns)))
        return wanted

    def _scoped(self, entry: Table, filters: Mapping[str, Any]) -> dict[str, Any]:
        if entry.scope == "partner":
            return dict(filters) | {"partner": self.settings.id}
        if entry.scope == "region":
            return {"county_fips": self.settings.region} | dict(filters)
        return dict(filters)

    def _checked(self, name: str, entry: Table, columns: list[str], filters: Mapping[str, Any]) -> pd.DataFrame:
        if entry.path and entry.path.endswith(geometry.SUFFIXES):
            frame = pd.DataFrame(
                geometry.read(self._read_from(name, entry), name, entry, self._files_shown(name, entry), filters).drop(columns="geometry")
            )
        elif entry.path and not self._files(name, entry):
            frame = _nothing(entry, columns)
        elif entry.uri:
            frame = ask(name, entry, lambda lazy: _answer(scan.keep(lazy, name, entry, filters), entry, columns))
        else:
            whose = ["partner"] if entry.private and "partner" in entry.columns and "partner" not in columns else []
            with self._said(name, entry):
                frame = _fetched(self._chosen(name, entry, filters), [*columns, *whose], [scan.ROW, scan.FILE])
        shown, listed = self._files_shown(name, entry), self._references(entry)
        problems = breaches(frame, name, entry, shown, listed, self.settings.id, bound=lambda rule: self._bound(entry, rule))
        if problems:
            raise DataError(problems)
        return frame

    def _any(self, name: str, entry: Table, filters: Mapping[str, Any]) -> bool:
        def count(lazy: ir.Table) -> int:
            return lazy.limit(1).count().to_pyarrow().as_py()

        if entry.uri:
            return ask(name, entry, lambda lazy: count(scan.keep(lazy, name, entry, filters))) > 0
        with self._said(name, entry):
            return bool(self._files(name, entry)) and count(self._chosen(name, entry, filters)) > 0

    def _chosen(self, name: str, entry: Table, filters: Mapping[str, Any]) -> ir.Table:
        con = self.connection
        if name not in self._lazy:
            files = self._read_from(name, entry)
            if not (reads.pinned() or self._readable.issuperset(files)):  # a file that came after the connection was opened
                self._connected = None
                con = self.connection
            self._lazy[name] = scan.lazy(con, name, entry, files, self._files_shown(name, entry), self.settings.id)
        # All rows of a partner's own file are its own: one that says otherwise is told, not left out.
        asked = {column: value for column, value in filters.items() if not (entry.private and column == "partner")}
        return scan.keep(self._lazy[name], name, entry, asked)

    def _shown(self, path: Path) -> str:
        return f"data/{path.relative_to(self.folder).as_posix()}"

    def _files_shown(self, name: str, entry: Table) -> list[str]:
        if entry.uri:
            return [place(name, entry)]
        return [self._shown(path) for path in self._files(name, entry)]

    def _files(self, name: str, entry: Table) -> list[Path]:
        pattern = f"data/{entry.path}".replace("{partner}", self.settings.id)
        reads.journal.patterns[name] = pattern
        return reads.listed(self.root, pattern, lambda: scan.files(name, entry, self.folder, self.settings.id))

    def _read_from(self, name: str, entry: Table) -> list[Path]:
        """The files, or the copies that this process keeps of them."""
        return [reads.taken(path, self._shown(path), name) for path in self._files(name, entry)]

    @contextmanager
    def _said(self, name: str, entry: Table) -> Iterator[None]:
        """DuckDB's word on a malformed file as one of ours."""
        try:
            yield
        except duckdb.Error as error:
            read = {str(reads.taken(path, self._shown(path), name)): self._shown(path) for path in self._files(name, entry)}
            raise DataError(_malformed(name, entry, read, str(error))) from error

    def _references(self, entry: Table) -> dict[str, Any]:
        return {
            key: lambda target=column.references: self.values(target)
            for key, column in entry.columns.items()
            if column.references and column.unlisted == "refused"
        }

    def _bound(self, entry: Table, rule: Rule) -> dict[str, set]:
        """For which values of a column a rule holds: those whose referenced rows say what its condition asks."""
        found: dict[str, set] = {}
        for condition, wanted in rule.when.items():
            other, _, column = condition.partition(".")
            key = next(name for name, each in entry.columns.items() if (each.references or "").startswith(f"{other}."))
            target = (entry.columns[key].references or "").partition(".")[2]
            rows = self._checked(other, self._entry(other), [target, column], {})
            values = set(rows.loc[rows[column] == wanted, target])
            found[key] = found.get(key, values) & values
        return found

    def values(self, target: str) -> set:
        """All values of a referenced column, read once; of a private table only the partner's own."""
        if target not in self._listed:
            other, _, column = target.partition(".")
            entry = self._entry(other)
            frame = self._checked(
                other, entry.model_copy(update={"key": []}), [column], self._scoped(entry, {}) if entry.scope == "partner" else {}
            )
            self._listed[target] = set(frame[column].dropna())
        return self._listed[target]

    def _remember(
        self, name: str, entry: Table, kind: str, columns: list[str] | None, filters: Mapping[str, Any], answer: pd.DataFrame
    ) -> None:
        if entry.uri:
            answers.note(name, kind, columns, filters, answers.digest(answer))
        self._origins[name] = self._origin(name)
        if len(answer) and name not in [known.table for known in self.used]:
            self.used.append(self._origins[name])


def reread(item: Mapping[str, Any], settings: Settings) -> str:
    """The digest that a database's answer would have now; what was asked so far stays as it is."""
    asked = Tables(settings)
    filters = answers.filters(item["filters"], table(asked.root, item["table"], settings.id))
    if item["kind"] == "has":
        asked.has(item["table"], **filters)
    else:
        asked.read(item["table"], item["columns"], allow_empty=True, **filters)
    return reads.journal.questions.pop()["digest"]


def _fetched(chosen: ir.Table, columns: list[str], more: list[str]) -> pd.DataFrame:
    beside = [column + scan.TEXT for column in columns if column + scan.TEXT in chosen.columns]
    return chosen.select(*columns, *beside, *more).to_pyarrow().to_pandas(date_as_object=False)


def _answer(chosen: ir.Table, entry: Table, columns: list[str]) -> pd.DataFrame:
    """A database's rows in the order of the key: its own order may change from one question to the next."""
    order = [column for column in entry.key if column in columns] or columns
    frame = _fetched(chosen.order_by(order), columns, [])
    return frame.assign(**{scan.ROW: range(1, len(frame) + 1), scan.FILE: 0})


def _nothing(entry: Table, columns: list[str]) -> pd.DataFrame:
    """No row, in the form that `scan` gives."""
    beside = [column + scan.TEXT for column in columns if entry.columns[column].suppressed]
    texts = pd.DataFrame({column: pd.Series([], dtype="str") for column in [*columns, *beside]})
    return texts.assign(**{scan.ROW: pd.Series([], dtype="int64"), scan.FILE: pd.Series([], dtype="int64")})


def _finished(frame: pd.DataFrame, name: str, entry: Table, wanted: list[str]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for key in wanted:
        column = entry.columns[key]
        loose = column.nullable or column.suppressed
        columns[key] = frame[key].astype(
            {
                "integer": "float64" if loose else "int64",
                "number": "float64",
                "date": "datetime64[us]",
                "boolean": "boolean" if loose else "bool",
            }.get(column.type, "str")
        )
        if column.suppressed:
            columns[f"{key}_suppressed"] = frame[key + scan.TEXT].notna()
    result = pd.DataFrame(columns)
    result.attrs["table"] = name
    return result


def _malformed(name: str, entry: Table, read: Mapping[str, str], message: str) -> Problem:
    """DuckDB's message in our words; `read` gives the name of each file that was read as messages show it."""
    line = re.search(r"on Line: (\d+)", message)
    named = max((path for path in read if path in message), key=len, default="")
    file = read[named] if named else _place(name, entry)
    # The message repeats the row, then says what is wrong with it, then lists every option of the reader.
    cause = re.search(
        r"^(Expected Number of Columns|Value with unterminated quote|Maximum line size|Invalid unicode).*", message, re.MULTILINE
    )
    said = cause[0] if cause else message.strip().splitlines()[0]
    for path, shown in read.items():
        said = said.replace(path, shown)
    return Problem(name, "a well-formed file", said, file=file, row=int(line[1]) if line else None)


def _place(name: str, entry: Table) -> str:
    return f"data/{entry.path}" if entry.path else place(name, entry)


def _shown(filters: Mapping[str, Any]) -> str:
    parts = [
        f"{column} {value.low} to {value.high}" if isinstance(value, scan.Between) else f"{column} {value}"
        for column, value in filters.items()
    ]
    text = ", ".join(parts) or "none"
    return text if len(text) <= 120 else text[:117] + "..."
