"""Mappings: what a partner's file calls the columns and values of a table, written once beside the partner's settings.

A mapping is params/partners/<id>.maps/<kind>.yml, or params/maps/<kind>.yml for files of every partner. Each
import of the kind reads it. It changes names only: what a column may hold is still the layout's and the catalog's rule.
"""

import dataclasses
import re
from pathlib import Path
from typing import Literal

from pydantic import Field as Given
from pydantic import ValidationError

from catchment.params import ParamsError
from catchment.params.base import Section
from catchment.params.explain import explain
from catchment.params.load import PARTNERS
from catchment.params.text import Mark, Source, nearest, read

from .layout import DATES, Field, Layout

SHARED = Path("params/maps")
_PART = re.compile(r"(year|quarter|month) of (.+)", re.IGNORECASE)


class Mapping(Section):
    """How a file of one kind is read."""

    sheet: str = ""
    """Sheet of the workbook; without it the one that has the header."""
    header: int | None = None
    """Row of the file that names the columns; without it the first that has all that must be there."""
    columns: dict[str, str] = Given(default_factory=dict)
    """Column of the table, and what the file calls it; "year of X", "quarter of X" and "month of X" take a part of a date."""
    constants: dict[str, str] = Given(default_factory=dict)
    """Columns of the table that the file lacks, with the one value that they have in every row."""
    values: dict[str, dict[str, str]] = Given(default_factory=dict)
    """By column of the table: what the file says, and which known value it means."""
    dates: Literal["month first", "day first"] = "month first"
    """Order of day and month in dates such as 3/5/2025."""
    leave_out: dict[str, list[str]] = Given(default_factory=dict)
    """By column of the file: rows that have one of these texts there are left out."""
    add_up: bool = False
    """Whether rows of the same key are added up, as when several names of the file mean one known value."""


def place(root: Path, kind: str, partner: str) -> Path:
    """Where the mapping of a kind lies."""
    return root / (PARTNERS / f"{partner}.maps" if partner else SHARED) / f"{kind}.yml"


def load(root: Path, kind: str, partner: str, layout: Layout) -> Mapping | None:
    """The mapping of a kind; None where there is none.

    Raises
    ------
    ParamsError
        With every mistake of the file, and every name in it that the layout does not have, with their lines.
    """
    path = place(root, kind, partner)
    if not path.is_file():
        return None
    source = read(path, path.relative_to(root).as_posix())
    if source.problems:
        raise ParamsError(source.problems)
    try:
        found = Mapping.model_validate(source.tree)
    except ValidationError as error:
        raise ParamsError([explain(each, Mapping, lambda at: _mark(source, at)) for each in error.errors()]) from error
    _refuse_unknown(source, found, layout)
    return found


def _mark(source: Source, path: tuple) -> Mark:
    return next((source.marks[path[:end]] for end in range(len(path), 0, -1) if path[:end] in source.marks), Mark(source.file, 1))


def _refuse_unknown(source: Source, found: Mapping, layout: Layout) -> None:
    known = [item.name for item in layout.fields] + (["partner"] if layout.scope == "partner" else [])
    for section in ("columns", "constants", "values"):
        for name in getattr(found, section):
            if name not in known:
                message = f"files of the kind {layout.kind} make no column {name!r}"
                source.refuse(_mark(source, (section, name)).line, (section, name), message, nearest(name, known))
    if source.problems:
        raise ParamsError(source.problems)


def applied(layout: Layout, mapping: Mapping | None) -> Layout:
    """The layout under the names of a mapping."""
    if mapping is None:
        return layout
    fields = [_named(item, mapping) for item in layout.fields]
    whose = {"partner": mapping.values.get("partner", {})} if layout.scope == "partner" else {}
    return dataclasses.replace(
        layout,
        fields=fields,
        member=f"^{re.escape(mapping.sheet)}$" if mapping.sheet else layout.member,
        skip=(mapping.header or 1) - 1,
        leave_out=mapping.leave_out,
        add_up=mapping.add_up,
        whose=mapping.columns.get("partner", "partner"),
        whose_renamed=whose.get("partner", {}),
    )


def _named(item: Field, mapping: Mapping) -> Field:
    written = mapping.columns.get(item.name, "")
    part = _PART.fullmatch(written)
    aliases = [part[2] if part else written] if written else item.aliases
    formats = [each.replace("%m/%d", "%d/%m").replace("%m-%d", "%d-%m") if each[:2] == "%m" else each for each in DATES]
    return dataclasses.replace(
        item,
        aliases=aliases,
        follows="" if written else item.follows,
        part=part[1].lower() if part else "",
        constant=mapping.constants.get(item.name),
        renamed={text.casefold(): value for text, value in mapping.values.get(item.name, {}).items()},
        formats=formats if mapping.dates == "day first" else item.formats,
    )
