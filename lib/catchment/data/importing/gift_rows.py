"""Rows of a gift ledger as offices keep them: dirty amounts, dates in two styles, splits, reversals, doubled identifiers.

Unlike a published file a ledger is imported in part: a row that cannot be understood is left out and told, with line, column,
what was expected and what was found; the others go in. A file is refused when it carries a column that looks clinical (45 CFR
164.514(f) lets fundraising use demographics, dates, department, physician, outcome and insurance, never a diagnosis), when a
required column is missing, or when more than half of its rows would be left out.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from catchment.data.catalog import Imported

from . import engine
from .layout import Layout, plain
from .stream import ImportRefused, Progress, facts, lines, opened_text, records

Wrong = tuple[int, str, str, str]
Told = Callable[[str, str, str], None]

_CLINICAL = {
    "diagnosis", "diagnoses", "diagnostic", "dx", "icd", "icd9", "icd10", "icdo", "mrn", "procedure", "procedures", "cpt",
    "hcpcs", "drg", "treatment", "treatments", "medication", "medications", "prescription", "pathology", "histology", "tumor",
    "tumour", "cancer", "oncology", "prognosis", "chemo", "chemotherapy", "radiotherapy", "biopsy", "metastasis", "clinical",
    "disease", "symptom", "symptoms", "allergy", "allergies", "surgery", "lab", "labs", "phi", "encounter", "comorbidity",
    "genetic", "snomed", "loinc", "therapy",
}  # fmt: skip
_CLINICAL_PHRASES = (
    "medical record",
    "health record",
    "patient id",
    "patient number",
    "patient identifier",
    "medical condition",
    "health condition",
    "chief complaint",
    "reason for visit",
    "account number hospital",
    "tumor stage",
    "cancer stage",
    "clinical stage",
)
# Offices name funds and campaigns after the cause; a column of gifts' purposes is no clinical column.
_PURPOSE = {"fund", "designation", "campaign", "appeal", "program", "gift", "package", "event"}
_ICD = re.compile(r"^[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}$|^[CD]\d\d$")
_AMOUNT = re.compile(r"^(\()?\s*(-)?\s*(?:USD|US\$|\$)?\s*(-)?\s*(\d{1,3}(?:,\d{3})+|\d+)?(\.\d{1,4})?\s*(?:USD)?\s*(\))?$", re.IGNORECASE)
_FOREIGN = re.compile(r"[€£¥₹]|\b(?:EUR|GBP|CAD|AUD|MXN|JPY|CHF|INR|CNY|BRL)\b|\b(?:CA|AU|A|C|NZ|HK|MX)\$", re.IGNORECASE)
_SLASHED = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})(?:[ T].*)?$")
_WRITTEN = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y")


@dataclass
class Ledger:
    """What was learnt from the file so far: places of the columns, order of day and month, identifiers seen."""

    layout: Layout
    places: dict[str, int]
    width: int = 0
    order: str = "month first"
    # By hash, so that five million gifts are remembered in little: line and hash of the content; parts and type of a gift.
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    gifts: dict[int, tuple[int, str]] = field(default_factory=dict)
    # What files imported before hold: identifier and the file.
    elsewhere: dict[int, str] = field(default_factory=dict)


class Unfit(Exception):
    """A row that cannot go in: column, what was expected, what was found."""


def read(
    layout: Layout,
    path: Path,
    target: Path,
    *,
    row: Callable[[Ledger, int, dict[str, str]], dict[str, Any] | None],
    year: int | None = None,
    progress: Progress | None = None,
    constants: Mapping[str, Any] | None = None,
    beside: Sequence[Path] = (),
) -> Imported:
    """Import one ledger file into the Parquet file `target`; `row` turns one record's texts into one row of the table.

    `beside` are the partner's other files of the same table: a gift that one of them holds is left out.

    Raises
    ------
    ImportRefused : the file is not of the layout, is clinical, or most of it cannot be understood.
    """
    known, told = facts(path, layout.member, progress), dict(constants or {})
    wrong: list[Any] = []
    ledger = _scouted(layout, path, known.encoding)
    ledger.elsewhere = _elsewhere(layout, beside)
    target.parent.mkdir(parents=True, exist_ok=True)
    part, days = target.with_name(target.name + ".part"), _Days(layout.period)
    try:
        with pq.ParquetWriter(part, _schema(layout), compression="zstd") as writer:
            for batch in _batches(_rows(ledger, path, known.encoding, row, wrong)):
                days.see(batch)
                frame = pd.DataFrame(batch).assign(**told).reindex(columns=writer.schema.names)
                writer.write_table(pa.Table.from_pandas(frame, schema=writer.schema, preserve_index=False))
        if not days.rows or len(wrong) > days.rows:
            raise ImportRefused(_mostly(path.name, wrong, days.rows))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    engine.write_rejects(target.with_suffix(".rejects.csv"), wrong)
    return Imported(
        layout.kind, path.name, target.name, days.span, known.sha256, days.rows, len(wrong), 0, known.encoding, f"{date.today()}"
    )


def _elsewhere(layout: Layout, beside: Sequence[Path]) -> dict[int, str]:
    """Identifiers that the partner's other files of the same table hold, by hash, and the file of each."""
    keys = [column for column in layout.key if column != "partner"]
    found: dict[int, str] = {}
    for other in beside:
        columns = [column.to_pylist() for column in pq.read_table(other, columns=keys).columns]
        found |= {hash(values if len(keys) > 1 else values[0]): other.stem for values in zip(*columns, strict=True)}
    return found


@dataclass
class _Days:
    """Rows written, and first and last day of the period's column."""

    column: str
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def see(self, batch: Sequence[Mapping[str, Any]]) -> None:
        self.rows += len(batch)
        known = [each[self.column] for each in batch if each.get(self.column) is not None]
        if known:
            self.first, self.last = min(*known, self.first or known[0]), max(*known, self.last or known[0])

    @property
    def span(self) -> str:
        return f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}" if self.first and self.last else ""


def _rows(ledger: Ledger, path: Path, encoding: str, row: Callable, wrong: list[Wrong]) -> Iterator[dict[str, Any]]:
    """Rows that go in; the reasons of the others are added to `wrong`."""
    for number, texts in _records(ledger, path, encoding):
        try:
            made = row(ledger, number, texts)
        except Unfit as error:
            wrong.append((number, *error.args))
            continue
        if made is not None:
            yield made


def _batches(rows: Iterator[dict[str, Any]], size: int = 50_000) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, size)):
        yield batch


def _mostly(name: str, wrong: Sequence[Wrong], good: int) -> str:
    if not wrong:
        return f"{name}: a header and no rows"
    line, column, expected, found = wrong[0]
    return (
        f"{name}: {len(wrong):,} of {len(wrong) + good:,} rows cannot be understood; the first: line {line}, column {column}: "
        f"expected {expected}, found {found[:60]!r}"
    )


def _schema(layout: Layout) -> pa.Schema:
    types = {"date": pa.timestamp("us"), "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    return pa.schema([(name, types.get(column.type, pa.string())) for name, column in layout.table.items()])


def _scouted(layout: Layout, path: Path, encoding: str) -> Ledger:
    """First pass: refuse clinical columns, find the header, learn in which order slashed dates are written."""
    with opened_text(path, layout.member, encoding) as text:
        content = lines(text, path.name)
        header, places, rows = _opened(layout, content, path.name)
        refuse_clinical(header, path.name)
        ledger = Ledger(layout, places, len(header))
        dates = [place for item in layout.fields if item.type == "date" and (place := places.get(item.name)) is not None]
        unread = [place for place in range(len(header)) if place not in places.values()]
        firsts = seconds = False
        coded: dict[int, list[str]] = {place: [] for place in unread}
        for _, record in rows:
            for place in dates:
                found = _SLASHED.match(record[place].strip()) if place < len(record) else None
                if found:
                    firsts |= int(found[1]) > 12
                    seconds |= int(found[2]) > 12
            for place in unread if len(record) == len(header) else ():
                if len(coded[place]) < 500 and record[place].strip():
                    coded[place].append(record[place].strip())
    ledger.order = "mixed" if firsts and seconds else "day first" if firsts else "month first"
    _refuse_codes({header[place]: values for place, values in coded.items()}, path.name)
    return ledger


def _opened(layout: Layout, content: Iterator[str], name: str) -> tuple[list[str], dict[str, int], Iterator[tuple[int, list[str]]]]:
    """Header, place of each field, and the records that follow. Exports often carry a name and an identifier of the same
    thing (Fund, Fund ID): a field takes the first of its aliases that is there."""
    best: tuple[int, list[str]] = (-1, [])
    for above, line in enumerate(itertools.islice(content, 60)):
        for delimiter in (",", "\t", ";", "|"):
            header = engine._split(line, delimiter)
            places = _places(layout, header)
            missing = [item.aliases[0] for item in layout.fields if item.required and item.name not in places]
            if not missing:
                return header, places, records(content, delimiter, name, first=above + 1, width=len(header))
            best = max(best, (len(places), missing), key=lambda found: found[0])
    raise ImportRefused(
        f"{name}: expected a header of the kind {layout.kind} with {', '.join(map(repr, best[1])) or 'its columns'}: no such column"
        if best[0] >= 0
        else f"{name}: the file is empty"
    )


def _places(layout: Layout, header: Sequence[str]) -> dict[str, int]:
    names = [plain(name) for name in header]
    wanted = {
        item.name: next((names.index(plain(alias)) for alias in item.aliases if plain(alias) in names), None) for item in layout.fields
    }
    return {name: place for name, place in wanted.items() if place is not None}


def refuse_clinical(header: Sequence[str], name: str) -> None:
    """Refuse a header with a column that looks clinical, naming every such column.

    Raises
    ------
    ImportRefused : with the names of the columns.
    """
    found = [column for column in header if _clinical(column)]
    if found:
        listing = ", ".join(repr(column) for column in found)
        raise ImportRefused(
            f"{name}: {listing} {'looks' if len(found) == 1 else 'look'} clinical; a philanthropy file may not carry a diagnosis, "
            "treatment or record number (HIPAA fundraising rule, 45 CFR 164.514(f)). Remove the column and import again"
        )


def _clinical(column: str) -> bool:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.casefold()) if word]
    joined = " ".join(words)
    if any(phrase in joined for phrase in _CLINICAL_PHRASES):
        return True
    hits = set(words) & _CLINICAL or {word for word in words if word.startswith(("icd", "diagnos", "mrn"))}
    return bool(hits) and not (hits <= {"cancer", "oncology", "surgery", "genetic", "lab", "disease"} and set(words) & _PURPOSE)


def _refuse_codes(columns: Mapping[str, Sequence[str]], name: str) -> None:
    """Refuse a column without a telling name whose values are diagnosis codes."""
    found = [
        column
        for column, values in columns.items()
        if len(values) >= 3 and sum(bool(_ICD.match(value.upper())) for value in values) > len(values) / 2
    ]
    if found:
        raise ImportRefused(
            f"{name}: the values of {', '.join(map(repr, found))} look like ICD-10 diagnosis codes; a philanthropy file may not carry "
            "them (HIPAA fundraising rule, 45 CFR 164.514(f)). Remove the column and import again"
        )


def _records(ledger: Ledger, path: Path, encoding: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Second pass: line number and the texts of the fields; blank lines are skipped, short and long ones come with `too_wide`."""
    with opened_text(path, ledger.layout.member, encoding) as text:
        _, places, rows = _opened(ledger.layout, lines(text, path.name), path.name)
        for number, record in rows:
            if not "".join(record).strip():
                continue
            texts = {name: record[place].strip() for name, place in places.items() if place < len(record)}
            yield number, texts if len(record) == ledger.width else {"": f"{len(record)} columns, not {ledger.width}"}


def whole(texts: dict[str, str]) -> None:
    """Refuse a record with another number of columns than the header."""
    if "" in texts:
        raise Unfit("", "as many columns as the header has", texts[""])


def amount(text: str, column: str = "amount") -> float:
    """US dollars of `$1,234.00`, `(50.00)`, `-$50`, `USD 12`.

    Raises
    ------
    Unfit : another currency, no number, or zero.
    """
    if _FOREIGN.search(text):
        raise Unfit(column, "an amount in US dollars: convert other currencies at the gift's date first", text)
    found = _AMOUNT.match(text)
    if not found or not (found[4] or found[5]) or bool(found[1]) != bool(found[6]):
        raise Unfit(column, "an amount such as $1,234.00", text or "an empty cell")
    value = round(float((found[4] or "0").replace(",", "") + (found[5] or "")), 2)
    if value == 0:
        raise Unfit(column, "an amount other than zero", text)
    return -value if found[1] or found[2] or found[3] else value


def dollars_only(code: str) -> None:
    """Refuse a row whose currency column names anything but US dollars."""
    if code and code.upper() not in ("USD", "US$", "$", "US DOLLAR", "US DOLLARS", "U.S. DOLLAR"):
        raise Unfit("currency", "US dollars (USD): convert other currencies at the gift's date first", code)


@lru_cache(maxsize=100_000)
def day(text: str, order: str, column: str = "date") -> datetime:
    """A date in ISO, US or written style; slashed ones in the order that the whole column shows.

    Raises
    ------
    Unfit : no date, an impossible one, one after today or before 1900, or one that could be two days.
    """
    found = _SLASHED.match(text)
    value = _slashed(found, order, text, column) if found else _iso(text)
    if value is None:
        raise Unfit(column, "a date such as 2024-12-31 or 12/31/2024", text or "an empty cell")
    if not value.year >= 1900 or value.date() > date.today():
        raise Unfit(column, "a date between 1900 and today", text)
    return value


def _slashed(found: re.Match, order: str, text: str, column: str) -> datetime | None:
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    if order == "mixed" and first <= 12 and second <= 12 and first != second:
        raise Unfit(column, "a date that can be only one day: this column writes some dates day first and some month first", text)
    days_first = first > 12 or (order == "day first" and second <= 12)
    month, number = (second, first) if days_first else (first, second)
    year += 0 if year > 99 else 2000 if 2000 + year <= date.today().year else 1900
    try:
        return datetime(year, month, number)
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    head = text[:10] if re.match(r"^\d{4}-\d\d-\d\d[T ]", text) else text
    for style in _WRITTEN:
        try:
            return datetime.strptime(head, style)
        except ValueError:
            continue
    return None


def once(ledger: Ledger, number: int, gift_id: str, designation: str, content: tuple, *, kind: str = "") -> str:
    """The identifier of a row: the gift's own for the first part, numbered for further parts of a split gift.

    Raises
    ------
    Unfit : the gift (or this part of it) is in already.
    """
    if not gift_id:
        raise Unfit("gift_id", "a gift identifier", "an empty cell")
    single = len([column for column in ledger.layout.key if column != "partner"]) == 1
    if other := ledger.elsewhere.get(hash(gift_id if single else (gift_id, designation))):
        raise Unfit("gift_id", "each gift once over all files of the table", f"{gift_id} (the file {other} has it)")
    place, mark = hash((gift_id, designation)), hash(content)
    before = ledger.seen.get(place)
    if before is not None:
        same = "the same gift again" if before[1] == mark else "another row under a gift identifier that is taken"
        raise Unfit("gift_id", f"each gift once per designation; line {before[0]} has it", f"{gift_id} ({same})")
    ledger.seen[place] = number, mark
    parts, first = ledger.gifts.get(hash(gift_id), (0, kind))
    ledger.gifts[hash(gift_id)] = parts + 1, first
    return gift_id if not parts else f"{gift_id}/{parts + 1}"


def kind_of(ledger: Ledger, gift_id: str | None, otherwise: str) -> str:
    """Type of a gift that came before in the file."""
    return ledger.gifts.get(hash(gift_id), (0, otherwise))[1] if gift_id else otherwise
