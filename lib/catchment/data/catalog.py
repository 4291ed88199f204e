"""The one list of tables: where each lives, who made it, what its columns mean, which of its counts may not be shown.

An entry of data/catalog.yml becomes a `Table` with its `Column`s. Two habits of the column names are rules here: a name
ending in `_n` is a count and is never negative, a name ending in `share` is a fraction from 0 to 1; an entry that means
something else says so (`min: -100`, `share: false`).
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from catchment.params.base import Section
from catchment.params.explain import explain
from catchment.params.text import Mark, ParamsError, nearest, read
from catchment.params.text import Problem as Mistake

from .problem import DataError, Problem

Type = Literal["text", "integer", "number", "date", "boolean", "category"]

OWN = "partners"
"""Folder below data/ with one folder for each partner's own files."""
PRIVATE = "private to the partner"
_OWN_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".geojson", ".geo.parquet")


class Column(Section):
    """One column of a table, as pages and notebooks see it."""

    type: Type = "text"
    """text (identifiers too), integer, number, date, boolean, or category (with `values`)."""
    meaning: Annotated[str, Field(min_length=3)]
    """What the column says, for the reader of a report."""
    source: Annotated[str | None, Field(alias="from")] = None
    """Name in the file, when it differs."""
    unit: str = ""
    """Unit of the values."""
    nullable: bool = False
    """Whether the value may be missing."""
    min: str | None = None
    """Smallest value, as a number or a date."""
    max: str | None = None
    """Largest value, as a number or a date."""
    share: bool | None = None
    """Whether the value is a fraction from 0 to 1."""
    pattern: str | None = None
    """Regular expression that the whole text must match."""
    values: list[str] = Field(default_factory=list)
    """The values that a category may have."""
    suppressed: list[str] = Field(default_factory=list)
    """Marks that stand for a value the producer withheld; never read as zero."""
    references: Annotated[str, Field(pattern=r"^\w+\.\w+$")] | None = None
    """Table and column that must list every value, such as zips.zip."""
    unlisted: Literal["refused", "told"] = "refused"
    """What becomes of a value that the referenced table does not list: an error, or a warning beside rows that stay."""
    ours: bool = False
    """Whether the column names systems, among which the partner's own network must be."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.type == "category") != bool(self.values):
            raise ValueError("expected `values` with type category, and with no other type")
        if (self.min or self.max) and self.type not in ("integer", "number", "date"):
            raise ValueError("expected `min` and `max` only with numbers and dates")
        return self


class Rule(Section):
    """What two columns of one row promise each other: `column` is at most another one, nothing without it, or known with it."""

    column: str
    """The column that is judged."""
    at_most: str | None = None
    """A column, or a number, that it does not exceed."""
    none_without: str | None = None
    """A column without which (missing or 0) it is 0: no events without exposure."""
    known_with: str | None = None
    """A column with which it is known: where that one has a value, this one has one too."""
    when: dict[str, str] = Field(default_factory=dict)
    """Only for rows whose referenced row says so, such as {kpi_definitions.chart: p}; the table holds a column that references it."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if sum(given is not None for given in (self.at_most, self.none_without, self.known_with)) != 1:
            raise ValueError("expected one of `at_most`, `none_without`, `known_with`")
        return self

    @property
    def other(self) -> str | None:
        """The column that it is judged by, where that is one."""
        return self.none_without or self.known_with or (self.at_most if self.limit is None else None)

    def __str__(self) -> str:
        said = (
            f"is at most {self.at_most if self.limit is not None else f'`{self.at_most}`'}" if self.at_most is not None
            else f"is 0 where there is no `{self.none_without}`" if self.none_without
            else f"is known where `{self.known_with}` is"
        )  # fmt: skip
        where = " and ".join(f"`{column}` is {value}" for column, value in self.when.items())
        return f"`{self.column}` {said}{f' where {where}' if where else ''}."

    @property
    def limit(self) -> float | None:
        """The number that it does not exceed, where that is one."""
        return float(self.at_most) if self.at_most is not None and re.fullmatch(r"[\d.]+", self.at_most) else None


class Current(Section):
    """How long before a page's date a table that is kept up to date may end; of what is older the page says so."""

    months: Annotated[int, Field(ge=0)]
    """Whole months between the last month that its rows tell of and the page's month."""
    spans: Annotated[int, Field(ge=1, le=12)] = 1
    """Months that a row dated by its first day covers: 1, or 3 for quarters."""
    known: str | None = None
    """A column without which a row says nothing yet: months ahead of a budget have no actual amount."""


class Table(Section):
    """One table: its place, its standing, its columns."""

    title: str
    """What it is, as pages name it."""
    path: str | None = None
    """File below data/, or a glob of several with the same columns. `{partner}` stands for the partner's id: all rows of such a file
    are the partner's, and it needs no column that says so."""
    uri: str | None = None
    """Database that holds the table, without user or password."""
    table: str | None = None
    """Name of the table in the database, when it differs."""
    header: bool = True
    """Whether the first line of the CSV file names the columns; without it they stand in the order listed here."""
    year_from: str | None = None
    """Regular expression on the file's path whose first group is the year of its rows."""
    producer: str
    """Who made it."""
    edition: str
    """Period covered, as printed; empty where the rows tell it."""
    published: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}){0,2}$")] | None = None
    """When the producer published it."""
    accessed: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}){0,2}$")] | None = None
    """When this copy was taken."""
    license: str = ""
    """Terms of use."""
    simulated: bool = False
    """Whether the rows were made up; every page that uses them says so."""
    suppress_below: int | None = None
    """Counts of people from 1 to one less than this may not be shown."""
    scope: Literal["none", "region", "partner"] = "none"
    """Rows that a partner's page may read: all, its region's, or its own."""
    key: list[str] = Field(default_factory=list)
    """Columns that together tell one row from another."""
    optional: bool = False
    """Whether a partner may have none of it, not even a file."""
    ages: bool = True
    """Whether it goes stale; boundaries, standards and code lists do not."""
    period: str | None = None
    """Column that carries the year or date of a row."""
    current: Current | None = None
    """For a table that is kept up to date: when it ends too early. Others end when they end."""
    note: str = ""
    """What a reader must know before using it."""
    rules: list[Rule] = Field(default_factory=list)
    """What columns of one row promise each other."""
    columns: dict[str, Column]
    """The columns by name."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if bool(self.path) == bool(self.uri):
            raise ValueError("expected either `path` or `uri`")
        if self.path and (Path(self.path).is_absolute() or ".." in Path(self.path).parts):
            raise ValueError("expected a path below data/")
        if self.uri and "@" in self.uri:
            raise ValueError("expected a URI without user or password; they come from the environment")
        needed = {*self.key, *filter(None, [self.period]), *{"partner": ["partner"], "region": ["county_fips"]}.get(self.scope, [])}
        if unknown := sorted(needed - self.names):
            raise ValueError(f"key, period or scope needs a column {unknown[0]!r} that is not listed")
        if self.current and not self.period:
            raise ValueError("`current` needs a `period`")
        if unknown := sorted({name for rule in self.rules for name in (rule.column, rule.other) if name} - self.names):
            raise ValueError(f"a rule names a column {unknown[0]!r} that is not listed")
        return self

    @property
    def private(self) -> bool:
        """Whether the place names the partner, whose own all rows then are."""
        return self.scope == "partner" and "{partner}" in (self.path or "")

    @property
    def names(self) -> set[str]:
        return {*self.columns, *(["year"] if self.year_from else [])}


class Catalog(Section):
    """The whole of data/catalog.yml."""

    tables: dict[str, Table]
    """Tables by name."""


@dataclass(frozen=True)
class Imported:
    """What became of one imported file: its fingerprint, edition and counts."""

    kind: str
    file: str
    parquet: str
    vintage: str
    sha256: str
    rows: int
    rejected: int
    suppressed: int
    encoding: str
    imported: str
    partner: str = ""
    note: str = ""
    """What the importer has to say of rows that it left out or replaced, and of how much they are."""


class Imports(Section):
    """An entry that `catchment import` wrote: the table, and the files that went into it."""

    kind: str
    """Kind of the files."""
    table: Table
    """The table's entry."""
    imported: list[Imported]
    """What became of each file."""


def tables(root: Path, partner: str = "") -> dict[str, Table]:
    """Every table by name, as one partner has it, or as all share it.

    data/catalog.yml lists them. What was imported for every partner takes the place of a simulated table of its name, and so does
    what is a partner's own, for this partner alone: its imports, and files in data/partners/<id>/ that are named like the table.

    Raises ParamsError with all mistakes of the catalog.
    """
    return dict(_resolved(root, partner, tuple((str(path), _stamp(path)) for path in sources(root, partner))))


def sources(root: Path, partner: str = "") -> list[Path]:
    """The files that decide what the tables are: the catalog, the entries of imports, and what lies in the partner's own folder."""
    data = root / "data"
    own = own_folder(root, partner).glob("*") if partner else data.glob(f"{OWN}/*/*.yml")
    return [
        data / "catalog.yml",
        *sorted((data / "imported").glob("*.yml")),
        *sorted(path for path in own if path.name[0] != "." and path.is_file()),
    ]


def own_folder(root: Path, partner: str) -> Path:
    """Where a partner's own files lie."""
    return root / "data" / OWN / partner


def imports(root: Path, partner: str | None = None) -> dict[str, Imports]:
    """What was imported, by table name: for one partner, for all alike (""), or everything there is."""
    data = root / "data"
    shared = [] if partner else data.glob("imported/*.yml")
    own = [] if partner == "" else data.glob(f"{OWN}/{partner or '*'}/*.yml")
    found: dict[str, Imports] = {}
    for path in sorted([*shared, *own]):
        held = _imports(path, _stamp(path))
        before = found[path.stem].imported if path.stem in found else []
        found[path.stem] = held.model_copy(update={"imported": [*before, *held.imported]}) if before else held
    return found


def listed(root: Path) -> dict[str, Table]:
    """The tables as data/catalog.yml lists them, before anything takes their place."""
    path = root / "data" / "catalog.yml"
    return _tables(path, _stamp(path))


@lru_cache(maxsize=64)
def _resolved(root: Path, partner: str, stamps: tuple) -> dict[str, Table]:
    first = listed(root)
    found = first | _taken(first, imports(root, ""))
    if partner:
        return found | _files_of(root, partner, found) | _taken(first, imports(root, partner))
    return {name: held.table for name, held in imports(root).items()} | found


_RULES = ("references", "unlisted", "ours", "pattern", "min", "max")


def _taken(first: dict[str, Table], held: dict[str, Imports]) -> dict[str, Table]:
    """The imported tables that are read: those of new names, and those in place of simulated ones, whose rules they keep."""
    return {
        name: keeping(first[name], each.table) if name in first else each.table
        for name, each in held.items()
        if name not in first or first[name].simulated
    }


def keeping(rules: Table, table: Table) -> Table:
    """A table with the rules of the one that it replaces: what its columns may hold, refer to and promise, and how late it may end."""
    kept = {
        name: column.model_copy(
            update={rule: value for rule in _RULES if (value := getattr(rules.columns[name], rule))}
            | ({"type": "category", "values": rules.columns[name].values} if rules.columns[name].values else {})
        )
        for name, column in table.columns.items()
        if name in rules.columns
    }
    columns = table.columns | kept
    promised = [rule for rule in rules.rules if {rule.column, rule.other or rule.column} <= columns.keys()]
    more: dict[str, Any] = {"ages": rules.ages, "suppress_below": table.suppress_below or rules.suppress_below, "rules": promised}
    return table.model_copy(update=more | {"columns": columns, "current": rules.current if table.period else None})


def _files_of(root: Path, partner: str, known: dict[str, Table]) -> dict[str, Table]:
    """Simulated tables in whose place a file of the partner's own folder stands."""
    folder = own_folder(root, partner)
    found = {}
    for name, table in known.items():
        file = next((f"{name}{suffix}" for suffix in _OWN_SUFFIXES if (folder / f"{name}{suffix}").is_file()), "")
        if file and table.simulated and not table.year_from:
            found[name] = _own(table, f"{OWN}/{{partner}}/{file}")
    return found


def _own(table: Table, path: str) -> Table:
    """A simulated table as a partner's own file takes its place: with its columns and rules, and nothing of what was made up."""
    own = {"edition": "", "published": None, "accessed": None, "header": True, "license": PRIVATE}
    return real(table).model_copy(update=own | {"path": path, "producer": "the partner"})


def real(table: Table) -> Table:
    """A table without what says that it was made up."""
    return table.model_copy(update={"simulated": False, "note": "", "title": re.sub(r"\s*\([^()]*simulated[^()]*\)", "", table.title)})


def _stamp(path: Path) -> tuple[int, int] | None:
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=64)
def _imports(path: Path, stamp: tuple[int, int] | None) -> Imports:
    shown = f"data/{path.relative_to(path.parents[1] if path.parent.name == 'imported' else path.parents[2]).as_posix()}"
    source = read(path, shown)
    if source.problems:
        raise ParamsError(source.problems)
    try:
        return Imports.model_validate(source.tree)
    except ValidationError as error:
        raise ParamsError([explain(each, Imports, lambda path: _mark(source.marks, path, shown)) for each in error.errors()]) from error


@lru_cache(maxsize=8)
def _tables(path: Path, stamp: tuple[int, int] | None) -> dict[str, Table]:
    source = read(path, "data/catalog.yml")
    if source.problems:
        raise ParamsError(source.problems)
    try:
        entries = Catalog.model_validate(source.tree).tables
    except ValidationError as error:
        raise ParamsError([explain(each, Catalog, lambda path: _mark(source.marks, path)) for each in error.errors()]) from error
    if unknown := _unknown_references(entries, source.marks):
        raise ParamsError(unknown)
    year = Column(type="integer", meaning="Year of the rows, from the file's name.")
    return {
        name: table.model_copy(update={"columns": {"year": year} | table.columns}) if table.year_from else table
        for name, table in entries.items()
    }


def _mark(marks: dict[tuple, Mark], path: tuple, file: str = "data/catalog.yml") -> Mark:
    return next((marks[path[:end]] for end in range(len(path), 0, -1) if path[:end] in marks), Mark(file, 1))


def _unknown_references(tables: dict[str, Table], marks: dict[tuple, Mark]) -> list[Mistake]:
    found = []
    for name, table in tables.items():
        for column, entry in table.columns.items():
            other, _, target = (entry.references or "").partition(".")
            if other and (other not in tables or target not in tables[other].columns):
                path = ("tables", name, "columns", column, "references")
                hint = nearest(other, tables) if other not in tables else nearest(target, tables[other].columns)
                found.append(Mistake("data/catalog.yml", _mark(marks, path).line, ".".join(path), f"no column {entry.references}", hint))
    return found


def table(root: Path, name: str, partner: str = "") -> Table:
    """The entry of one table as a partner has it; DataError names the nearest known table."""
    known = tables(root, partner)
    if name not in known:
        raise DataError(Problem(name, "a table listed in data/catalog.yml", repr(name), hint=nearest(name, known)))
    return known[name]


def entry_digest(name: str, root: Path, partner: str = "") -> str:
    """SHA-256 of a table's entry as the partner has it: changes when its place, columns or standing change."""
    return digest(table(root, name, partner))


def digest(entry: Table) -> str:
    """SHA-256 of an entry."""
    return hashlib.sha256(entry.model_dump_json().encode()).hexdigest()


def dictionary(root: Path) -> str:
    """docs/reference/data-dictionary.md: every table with its standing, every column with type, unit and meaning."""
    parts = [
        "# Data dictionary",
        "Written from `data/catalog.yml` by `python -m catchment.data.catalog`; edit the catalog, not this page.",
    ]
    for name, entry in sorted(tables(root).items()):
        facts = [
            f"{entry.producer}; {entry.edition}",
            f"`{entry.path or entry.uri}`",
            f"one row per {', '.join(entry.key)}" if entry.key else "",
            "simulated" if entry.simulated else "",
            f"counts of people below {entry.suppress_below} are not shown" if entry.suppress_below else "",
            entry.license,
        ]
        rows = [f"| `{key}` | {column.type} | {column.unit} | {_cell(column)} |" for key, column in entry.columns.items()]
        parts += [
            f"## {name}",
            " ".join(filter(None, [f"{entry.title}. {'; '.join(filter(None, facts))}.", entry.note, *map(str, entry.rules)])),
            "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


def _cell(column: Column) -> str:
    more = [
        f"one of {', '.join(column.values)}" if column.values else "",
        "may be missing" if column.nullable else "",
        f"`{', '.join(column.suppressed)}` = withheld" if column.suppressed else "",
        f"{'listed' if column.unlisted == 'refused' else 'mostly listed'} in {column.references}" if column.references else "",
    ]
    return "; ".join([column.meaning.rstrip("."), *filter(None, more)]).replace("|", "\\|")


if __name__ == "__main__":
    from catchment.params import root as project

    page = project() / "docs" / "reference" / "data-dictionary.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(dictionary(project()), encoding="utf-8")
