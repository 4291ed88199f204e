"""A published file layout, declared: which columns under which names, what a value looks like, what makes a row.

Columns are found by their header's name and never by place. Names are compared without case, blanks and punctuation, so one
alias covers `ZIP_CD_OF_RESIDENCE` and `Zip CD of residence`. Where a layout uses one name twice, `follows` says which column
stands directly before.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pandas as pd

from catchment.data.catalog import Column

Kind = Literal["text", "integer", "number", "date", "boolean", "zip", "ccn", "npi", "fips", "state"]

# Identifiers: what a spreadsheet may have done to them, and what they must look like afterwards.
IDENTIFIERS = {"zip": r"[0-9]{5}", "ccn": r"[0-9A-Z]{6}", "npi": r"[12][0-9]{9}", "fips": r"[0-9]{5}", "state": r"[A-Z]{2}"}
WORDS = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date",
    "boolean": "yes or no",
    "zip": "a five-digit ZIP code",
    "ccn": "a six-character CMS certification number",
    "npi": "a ten-digit NPI",
    "fips": "a five-digit county FIPS code",
    "state": "a two-letter state",
}


# Ways in which a date is written; the order of day and month is the American one unless a mapping says otherwise.
DATES = (
    "%Y-%m-%d", "%m/%d/%Y", "%Y%m%d", "%Y-%m", "%m/%d/%y", "%Y/%m/%d", "%m-%d-%Y", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y",
    "%d-%b-%Y", "%d-%b-%y", "%B %Y", "%b %Y", "%b-%y", "%b-%Y", "%m/%Y",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of the file and what it becomes."""

    name: str
    """Name in the imported table."""
    aliases: Sequence[str]
    """Names in the header, over all vintages; one that ends in `*` stands for every name that begins so."""
    type: Kind = "text"
    meaning: str = ""
    unit: str = ""
    required: bool = True
    """Whether the file must have the column."""
    nullable: bool = False
    """Whether a cell may be empty."""
    missing: Sequence[str] = ()
    """Texts that mean "no value"."""
    suppressed: Sequence[str] = ()
    """Texts that mean "withheld"; kept as a flag, never read as zero."""
    min: float | None = None
    max: float | None = None
    percent: bool = False
    """Whether the file gives percent; the table gets a fraction."""
    or_fraction: bool = False
    """Whether some files give a fraction all the same: those in which no value is above 1 and none has a percent sign."""
    scale: float = 1
    """Factor from the file's unit to the table's."""
    pattern: str = ""
    footnotes: str = ""
    """Form of the signs of footnotes that may follow a number."""
    follows: str = ""
    """Field whose column stands directly before, when the header uses the same name more than once."""
    formats: Sequence[str] = DATES
    """Ways in which a date is written."""
    part: str = ""
    """Part of a date that the value is: year, quarter or month."""
    constant: str | None = None
    """The value in every row of a file that has no such column."""
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What texts of the file, without case, mean."""

    def places(self, named: Mapping[str, Sequence[int]]) -> list[int]:
        """Where this field stands among header names, as `plain` gives them, with their places."""
        if self.constant is not None:
            return []
        found: set[int] = set()
        for alias in self.aliases:
            if alias.endswith("*"):
                start = plain(alias)
                found.update(place for name, places in named.items() if name.startswith(start) for place in places)
            else:
                found.update(named.get(plain(alias), ()))
        return sorted(found)

    @property
    def column(self) -> Column:
        """The catalog's entry of the column."""
        kind = self.type if self.type in ("integer", "number", "date", "boolean") else "text"
        share = True if self.percent else False if self.name.endswith("share") and self.max != 1 else None
        low = None if self.min is None or kind not in ("integer", "number") or self.percent else f"{self.min:g}"
        return Column(
            type=kind,
            meaning=self.meaning or self.name.replace("_", " "),
            unit=self.unit,
            nullable=self.nullable or bool(self.missing) or not self.required,
            suppressed=list(self.suppressed),
            pattern=IDENTIFIERS.get(self.type) or self.pattern or None,
            min=low,
            share=share,
        )


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One kind of file."""

    kind: str
    title: str
    producer: str
    fields: Sequence[Field]
    key: Sequence[str]
    """Columns of the table that tell one row from another; two equal ones refuse the file."""
    license: str = "public domain"
    suppress_below: int | None = None
    note: str = ""
    footer: bool = False
    """Whether the rows end at the first blank line."""
    header: bool = True
    """Whether the file has a header; one without is read in the order of the fields, the only layouts read by place."""
    member: str = r"\.(csv|txt|tsv)$"
    """What the wanted file in a ZIP archive is called."""
    year: str = r"(?i)(?<!\d)((?:19|20)\d{2})(?!\d)|(?<![a-z0-9])DY?(\d{2})(?!\d)"
    """Where the file's name tells the year, when the rows do not; an empty text when a year means nothing. Two different years in
    one name tell nothing."""
    never: Sequence[str] = ()
    """Header names that show a file to be of another kind, although it has every column of this one: a finer one."""
    vintage: bool = False
    """Whether that year is the edition, a constant `vintage` for `tidy`, and the rows have years of their own."""
    extra: Callable[[Sequence[str]], Sequence[Field]] | None = None
    """More fields that a header brings, for files whose columns change every year."""
    preamble: Callable[[Sequence[str], Sequence[str], Mapping[str, str]], dict[str, Any]] | None = None
    """Facts from the lines above the header, the header and what the caller gave, which become columns."""
    tidy: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    """From converted columns (with the file's line in `line`) to the rows of the table; `attrs["absent"]` names the fields that the
    file does not have."""
    columns: Mapping[str, Column] | None = None
    """Columns of the table, when `tidy` or `preamble` make others than the fields'."""
    check: Callable[[pd.DataFrame], pd.Series] | None = None
    """Per converted row, what is wrong with it ("" when nothing): rules over several columns."""
    whole: Callable[[pd.DataFrame], str] | None = None
    """What is wrong with the whole table ("" when nothing): rules over several rows, for kinds that are small."""
    period: str = "year"
    """Column of the table that carries the year or date."""
    scope: Literal["none", "partner"] = "none"
    """Whether the rows are one partner's own: then they go into its folder, get a column `partner`, and no other partner reads them."""
    skip: int = 0
    """Lines before the header that are not looked at."""
    leave_out: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    """By column of the file: texts whose rows are left out."""
    add_up: bool = False
    """Whether rows of the same key are added up."""
    own: bool = False
    """Whether it makes a table of one partner, though the rows may have no column that says so."""
    totals: bool = False
    """Whether a row that begins with the word total is none of the table's."""
    whose: str = "partner"
    """Column of a partner's own file that says whose a row is."""
    whose_renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What that column says for this partner's id."""
    reader: Callable[..., Any] | None = None
    """Reader in place of the engine's, for files that ask for another way: `reader(layout, path, target, year=, progress=) -> Imported`;
    with scope partner also `constants={"partner": id}` and `beside=`, the partner's other files of the table."""

    @property
    def table(self) -> dict[str, Column]:
        """Columns of the imported table without the year."""
        own = {"partner": Column(meaning="partner id")} if self.scope == "partner" else {}
        return own | (dict(self.columns) if self.columns is not None else {field.name: field.column for field in self.fields})


@lru_cache(maxsize=8192)
def plain(name: str) -> str:
    """A header's name as it is compared."""
    return re.sub(r"[^0-9a-z]", "", name.casefold())


@dataclass(frozen=True)
class Match:
    """Where each field stands in a header; `missing` are the required ones that do not."""

    places: dict[str, int]
    missing: list[Field]
    unclear: list[Field]

    @property
    def complete(self) -> bool:
        return not self.missing and not self.unclear


def match(layout: Layout, header: Sequence[str]) -> Match:
    """The place of every field in a header, by name; a name that occurs twice is settled by `follows` or is unclear."""
    named: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        named.setdefault(plain(name), []).append(place)
    places: dict[str, int] = {}
    missing, unclear = [], []
    for field in layout.fields:
        found = field.places(named)
        beside = [place for place in found if place == places.get(field.follows, -2) + 1] if field.follows else found
        if len(beside) == 1:
            places[field.name] = beside[0]
        elif found and (field.required or not field.follows or field.follows in places):
            unclear.append(field)
        elif field.required and field.constant is None:
            missing.append(field)
    return Match(places, missing, unclear)
