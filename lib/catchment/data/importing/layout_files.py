"""Layouts as data: one YAML file per kind in lib/catchment/data/layouts, and a project's own in data/layouts.

A file names the columns of the table. One with `names` is read from the file, under any of them; one with `is` is worked out from what was
read, an expression of SQL over one row (DuckDB's, without access to files); both may stand together. `refuse` lists what no row may be,
`keep` which rows go into the table, `melt` which columns become rows. What a layout cannot say so is a function of `hooks`, by its name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa
from pydantic import Field as Given
from pydantic import ValidationError

from catchment.data.catalog import Column
from catchment.params import ParamsError
from catchment.params.base import Section
from catchment.params.explain import explain
from catchment.params.text import Mark, Problem, read

from . import hooks
from .layout import IDENTIFIERS, Field, Kind, Layout
from .stream import ImportRefused

FOLDER = Path(__file__).parents[1] / "layouts"
OWN = Path("data/layouts")
_ANY_YEAR = r"(?i)(?<!\d)((?:19|20)\d{2})(?!\d)|(?<![a-z0-9])DY?(\d{2})(?!\d)"


class ColumnSaid(Section):
    """One column: where it stands in the file, or how it is worked out, and what it must be."""

    names: list[str] = Given(default_factory=list)
    """Names in the header over all vintages; one that ends in `*` stands for every name that begins so."""
    type: Literal["text", "integer", "number", "date", "boolean", "category", "zip", "ccn", "npi", "fips", "state"] = "text"
    """Type of the values; zip, ccn, npi, fips and state are text of a known form."""
    meaning: str = ""
    """What the column says."""
    unit: str = ""
    """Unit of the values."""
    optional: bool = False
    """Whether a file may be without it."""
    nullable: bool = False
    """Whether a cell may be empty."""
    missing: list[str] = Given(default_factory=list)
    """Texts that mean "no value"."""
    suppressed: list[str] = Given(default_factory=list)
    """Texts that mean "withheld"."""
    min: float | None = None
    """Smallest value in the file's unit."""
    max: float | None = None
    """Largest value in the file's unit."""
    percent: bool = False
    """Whether the file gives percent; the table gets a fraction."""
    or_fraction: bool = False
    """Whether some files give a fraction all the same: those in which no value is above 1 and none has a percent sign."""
    share: bool | None = None
    """Whether the value is a fraction from 0 to 1, where the name does not say it."""
    pattern: str = ""
    """Form of the whole text."""
    follows: str = ""
    """Column that stands directly before, where the header uses one name more than once."""
    values: list[str] = Given(default_factory=list)
    """The values of a category."""
    is_: str = Given(default="", alias="is")
    """Expression that works the value out."""
    of: str = ""
    """Column without which in the file the expression has no value."""
    kept: bool = True
    """Whether it goes into the table; the others are there to work with."""
    times: int = 1
    """How often it stands in the file: `#` in its name and names is 1, 2, 3 …"""


class Refused(Section):
    """A rule over several columns of a row."""

    rows: str
    """Condition of the rows that break it."""
    expected: str
    """What was expected of them."""


class Melted(Section):
    """Columns that become rows."""

    columns: str
    """Form of their names, of the file's header or of columns above."""
    name: str
    """Column that gets the name."""
    value: str
    """Column that gets the value."""
    type: Kind = "text"
    """Type of the values."""
    expected: str = ""
    """What the names look like, in words, where at least one must be there."""


class LayoutSaid(Section):
    """The whole of one layout's file."""

    title: str
    """What the table is, as pages name it."""
    producer: str
    """Who makes the files."""
    license: str = "public domain"
    """Terms of use."""
    note: str = ""
    """What a reader must know before using it."""
    key: list[str]
    """Columns that tell one row from another."""
    like: str = ""
    """Layout whose column stands for each one that is named here and not described."""
    columns: dict[str, ColumnSaid | None]
    """The columns by name."""
    missing: list[str] = Given(default_factory=list)
    """Texts that mean "no value" in every number, and in every text that may be missing, unless the column says others."""
    suppressed: list[str] = Given(default_factory=list)
    """Texts that mean "withheld" in every number, unless the column says others."""
    footnotes: str = ""
    """Form of the signs of footnotes that may follow a number."""
    suppress_below: int | None = None
    """Counts of people from 1 to one less than this may not be shown."""
    footer: bool = False
    """Whether the rows end at the first blank line."""
    header: bool = True
    """Whether the first line names the columns."""
    member: str = r"\.(csv|txt|tsv)$"
    """What the wanted file in a ZIP archive is called."""
    year: str | None = None
    """Where the file's name tells the year; empty when a year means nothing."""
    vintage: bool = False
    """Whether that year is the edition and the rows have years of their own."""
    period: str = "year"
    """Column that carries the year or date."""
    never: list[str] = Given(default_factory=list)
    """Header names that show a file to be of a finer kind."""
    scope: Literal["none", "partner"] = "none"
    """Whether the rows are one partner's own."""
    title_lines: str = ""
    """Hook that reads the lines above the header."""
    hooks: list[str] = Given(default_factory=list)
    """Hooks that add columns to the rows."""
    refuse: list[Refused] = Given(default_factory=list)
    """Rules over several columns."""
    melt: Melted | None = None
    """Columns that become rows."""
    keep: str = ""
    """Condition of the rows that go into the table."""
    whole: str = ""
    """Query over the whole table (`file`) whose answer, if any, is what is wrong with it."""
    reader: str = ""
    """Reader in place of the engine's, for files that ask for another way."""


def known(folder: Path) -> dict[str, Layout]:
    """Every layout of a folder, by its kind: the file's name.

    Raises
    ------
    ParamsError
        With all mistakes of the first file that has any.
    """
    return {path.stem: _layout(path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.yml"))}


@lru_cache(maxsize=128)
def _layout(path: Path, stamp: int) -> Layout:
    said = _read(path, stamp)
    columns = {name: column for name in said.columns for name, column in _described(path, said, name)}
    listed = {name: column for name, column in columns.items() if column.kept}
    return Layout(
        kind=path.stem,
        fields=[_field(name, column, said.footnotes) for name, column in columns.items() if column.names],
        columns={name: _column(name, column) for name, column in listed.items()},
        year=_ANY_YEAR if said.year is None else said.year,
        preamble=getattr(hooks, said.title_lines) if said.title_lines else None,
        extra=_extra(said.melt) if said.melt else None,
        check=_check(said.refuse) if said.refuse else None,
        tidy=_tidy(said, columns),
        whole=_whole(said.whole) if said.whole else None,
        reader=hooks.reader(said.reader) if said.reader else None,
        **{name: getattr(said, name) for name in _SAME},
    )


_SAME = (
    "title", "producer", "license", "note", "key", "suppress_below", "footer", "header", "member", "vintage", "period", "never", "scope"
)  # fmt: skip


@lru_cache(maxsize=128)
def _read(path: Path, stamp: int) -> LayoutSaid:
    shown = f"{path.parent.name}/{path.name}"
    source = read(path, shown)
    if source.problems:
        raise ParamsError(source.problems)
    try:
        return LayoutSaid.model_validate(source.tree)
    except ValidationError as error:
        marks = source.marks

        def mark(place: tuple) -> Mark:
            return next((marks[place[:end]] for end in range(len(place), 0, -1) if place[:end] in marks), Mark(shown, 1))

        raise ParamsError([explain(each, LayoutSaid, mark) for each in error.errors()]) from error


def _described(path: Path, said: LayoutSaid, name: str) -> list[tuple[str, ColumnSaid]]:
    """A column, as often as the file has it, with the marks of the whole layout. Where it stands several times, only the first must."""
    column = _found(path, said, name)
    number = column.type in ("integer", "number") and bool(column.names)
    loose = number or ((column.nullable or column.optional) and bool(column.names))
    marks = {
        "missing": column.missing or (said.missing if number else [*said.missing, *said.suppressed] if loose else []),
        "suppressed": column.suppressed or (said.suppressed if number else []),
    }
    marked = column.model_copy(update=marks)
    if column.times == 1:
        return [(name, marked)]
    several = []
    for place in range(1, column.times + 1):
        names = [each.replace("#", str(place)) for each in column.names]
        several.append((name.replace("#", str(place)), marked.model_copy(update={"names": names, "optional": place > 1})))
    return several


def _found(path: Path, said: LayoutSaid, name: str) -> ColumnSaid:
    """What the file says of a column; one that it only names is that of the layout which this one is like."""
    column = said.columns[name]
    if column is None and said.like:
        other = next((each for each in (path.with_name(f"{said.like}.yml"), FOLDER / f"{said.like}.yml") if each.is_file()), path)
        column = _read(other, other.stat().st_mtime_ns).columns.get(name)
    if column is None:
        shown = f"{path.parent.name}/{path.name}"
        raise ParamsError(
            [Problem(shown, 1, f"columns.{name}", "nothing is said of this column", "name a layout in `like` that describes it")]
        )
    return column


def _field(name: str, column: ColumnSaid, footnotes: str = "") -> Field:
    same = ("meaning", "unit", "nullable", "missing", "suppressed", "min", "max", "percent", "or_fraction", "pattern", "follows")
    kind: Any = "text" if column.type == "category" else column.type
    return Field(
        name=name,
        aliases=column.names,
        type=kind,
        required=not column.optional,
        footnotes=footnotes,
        **{each: getattr(column, each) for each in same} | {"nullable": column.nullable or column.optional},
    )


def _column(name: str, column: ColumnSaid) -> Column:
    """The catalog's entry of a column of the table."""
    read_so = _field(name, column).column
    told: dict[str, Any] = {"share": column.share} if column.share is not None else {}
    # What is worked out need not have the form that the file's text had.
    told |= {"pattern": IDENTIFIERS.get(column.type)} if column.is_ else {}
    return read_so.model_copy(update=told | ({"type": "category", "values": column.values} if column.values else {}))


def _extra(melt: Melted) -> Callable[[Sequence[str]], Sequence[Field]]:
    """Fields of the header's columns that will become rows."""

    def fields(header: Sequence[str]) -> list[Field]:
        names = [name.strip() for name in header if _named(melt, name.strip())]
        if not names and melt.expected:
            raise ImportRefused(f"no column {melt.expected}")
        return [Field(name=name, aliases=[name], type=melt.type, nullable=True, required=False) for name in dict.fromkeys(names)]

    return fields


def _check(rules: Sequence[Refused]) -> Callable[[pd.DataFrame], pd.Series]:
    cases = " ".join(f"WHEN ({rule.rows}) THEN {_literal(rule.expected)}" for rule in rules)

    def broken(rows: pd.DataFrame) -> pd.Series:
        said = _asked(f"SELECT CASE {cases} ELSE '' END AS said FROM file", rows)["said"]
        return said.set_axis(rows.index)

    return broken


def _tidy(said: LayoutSaid, columns: Mapping[str, ColumnSaid]) -> Callable[[pd.DataFrame], pd.DataFrame] | None:
    worked_out = {name: column for name, column in columns.items() if column.is_}
    hidden = {name for name, column in columns.items() if not column.kept}
    if not (worked_out or said.hooks or said.melt or said.keep):
        return None

    def rows(frame: pd.DataFrame) -> pd.DataFrame:
        absent = frame.attrs.get("absent", ())
        for hook in said.hooks:
            frame = getattr(hooks, hook)(frame)
        if not (worked_out or said.melt or said.keep):
            return frame
        there = {name: _quoted(name) for name in frame if name not in hidden and not (said.melt and _named(said.melt, name))}
        made = there | {name: "NULL" if column.of in absent else column.is_ for name, column in worked_out.items()}
        chosen = ", ".join(f"{value} AS {_quoted(name)}" for name, value in made.items())
        return _asked(f"SELECT {chosen} FROM {_long(said.melt)}{f' WHERE {said.keep}' if said.keep else ''}", frame)

    return rows


def _named(melt: Melted, name: str) -> bool:
    return re.fullmatch(melt.columns, name) is not None


def _long(melt: Melted | None) -> str:
    """The rows to choose from, with the melted columns as rows."""
    if melt is None:
        return "file"
    return f"(UNPIVOT file ON COLUMNS({_literal(f'^(?:{melt.columns})$')}) INTO NAME {_quoted(melt.name)} VALUE {_quoted(melt.value)})"


def _whole(query: str) -> Callable[[pd.DataFrame], str]:
    def wrong(table: pd.DataFrame) -> str:
        said = _asked(query, table)
        return "" if said.empty or pd.isna(said.iloc[0, 0]) else str(said.iloc[0, 0])

    return wrong


def _asked(query: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The answer to a query over one frame, in its order; the query reaches no file."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET enable_external_access = false")
        con.register("file", pa.Table.from_pandas(frame, preserve_index=False))
        try:
            return con.execute(query).to_arrow_table().to_pandas(types_mapper=pd.ArrowDtype)
        except duckdb.Error as error:
            raise ImportRefused(f"the layout's expressions do not fit the file: {str(error).splitlines()[0]}") from error


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
