"""Rows of a gift ledger as offices keep them: dirty amounts, dates in two styles, splits, reversals, doubled identifiers.

Unlike a published file a ledger is imported in part. A row that is understood and no gift (a recurring gift's schedule, an open
proposal, a repetition) is set *aside*; one that cannot be understood is *unfit*. Both are told, with line, column, what was expected,
what was found and how much it is; what went in and what did not add up to the file's own total. A file is refused when it carries a
column that looks clinical (`clinical`), when a required column is missing, or when more than half of its rows are unfit. What the
partner's earlier files say of the same gifts is compared in `gift_exports`.
"""

import itertools
import re
from collections import Counter
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

from . import engine, gift_exports
from .clinical import refuse_clinical, refuse_codes
from .gift_tally import LeftOut, Tally
from .layout import Layout, plain
from .stream import ImportRefused, Progress, facts, lines, opened_text, records

__all__ = ["Aside", "Later", "Ledger", "Promise", "Unfit", "amount", "day", "dollars_only", "once", "read", "refuse_clinical", "whole"]

_AMOUNT = re.compile(r"^(\()?\s*(-)?\s*(?:USD|US\$|\$)?\s*(-)?\s*(\d{1,3}(?:,\d{3})+|\d+)?(\.\d{1,4})?\s*(?:USD)?\s*(\))?$", re.IGNORECASE)
_FOREIGN = re.compile(r"[€£¥₹]|\b(?:EUR|GBP|CAD|AUD|MXN|JPY|CHF|INR|CNY|BRL)\b|\b(?:CA|AU|A|C|NZ|HK|MX)\$", re.IGNORECASE)
_SLASHED = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{2}|\d{4})(?:[ T].*)?$")
_WRITTEN = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y")


@dataclass
class Promise:
    """A pledge of the file: its number, the day as written, and what is left to pay."""

    number: str
    day: str
    left: float


@dataclass
class Ledger:
    """What was learnt from the file so far: places of the columns, order of day and month, identifiers seen."""

    layout: Layout
    places: dict[str, int]
    width: int = 0
    order: str = "month first"
    # By hash, so that five million gifts are remembered in little: line and hash of the content; parts, type and promise of a gift.
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    gifts: dict[int, tuple[int, str, str | None]] = field(default_factory=dict)
    # What a first pass over the file found: promises by donor and what pays them, unsold stock by donor.
    promises: dict[tuple[str, str], list[Promise]] = field(default_factory=dict)
    numbered: dict[str, Promise] = field(default_factory=dict)
    stock: dict[tuple[str, str], list[tuple[str, str, float]]] = field(default_factory=dict)
    # Rows that add up, such as partial soft credits; words that nobody knows; identifiers that any row of the file names.
    sums: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    words: Counter[tuple[str, str]] = field(default_factory=Counter)
    remarks: set[str] = field(default_factory=set)
    spoken: set[int] = field(default_factory=set)
    ended: bool = False


class Unfit(Exception):
    """A row that cannot go in: column, what was expected, what was found."""


class Aside(Unfit):
    """A row that is understood and does not go in: column, what was expected, what was found, and what such rows are called."""


class Later(Exception):
    """A row that can be read only when the whole file is known."""


Row = Callable[[Ledger, int, dict[str, str]], dict[str, Any] | None]


def read(
    layout: Layout,
    path: Path,
    target: Path,
    *,
    row: Row,
    scout: Callable[[Ledger, dict[str, str]], None] | None = None,
    ids: Sequence[str] = ("gift_id",),
    year: int | None = None,
    progress: Progress | None = None,
    constants: Mapping[str, Any] | None = None,
    beside: Sequence[Path] = (),
) -> Imported:
    """Import one ledger file into the Parquet file `target`.

    `row` turns one record's texts into one row of the table, or into nothing; `scout` looks at every record before. `ids` are the fields
    that name a row. `beside` are the partner's other files of the same table: new versions of those that this one replaces are written
    into the folder `shelf.BESIDE` next to the target.

    Raises
    ------
    ImportRefused : the file is not of the layout, is clinical, or most of it cannot be understood.
    """
    known, told, tally = facts(path, layout.member, progress), dict(constants or {}), Tally()
    ledger = _scouted(layout, path, known.encoding, scout, told.get("partner", ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with pq.ParquetWriter(part, _schema(layout), compression="zstd") as writer:
            for batch in _batches(_rows(ledger, path, known.encoding, row, ids, tally)):
                tally.see([each[layout.period] for each in batch if each.get(layout.period) is not None])
                frame = pd.DataFrame(batch).assign(**told).reindex(columns=writer.schema.names)
                writer.write_table(pa.Table.from_pandas(frame, schema=writer.schema, preserve_index=False))
            writer.add_key_value_metadata(gift_exports.mark(tally))
        if tally.mostly_unfit:
            raise ImportRefused(_mostly(path.name, tally))
        compared = gift_exports.compare(part, beside, layout, ledger.spoken, tally, path.name)
        rows = pq.read_metadata(part).num_rows
        if not rows and not compared.withdrawn:
            raise ImportRefused(_mostly(path.name, tally, compared.note))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    tally.write(target.with_suffix(".rejects.csv"))
    note = " ".join(filter(None, [tally.note(), compared.note, _unknown(ledger.words), *sorted(ledger.remarks)]))
    return Imported(
        layout.kind,
        path.name,
        target.name,
        tally.span,
        known.sha256,
        rows,
        len(tally.left),
        0,
        known.encoding,
        f"{date.today()}",
        note=note,
    )


def _unknown(words: Counter[tuple[str, str]]) -> str:
    """Words that nobody knows, and what they were taken for."""
    listed = [f"{taken}: {word!r} ({count:,})" for (taken, word), count in sorted(words.items())]
    return f"Not known, {'; '.join(listed[:20])}{f'; and {len(listed) - 20} others' if len(listed) > 20 else ''}." if listed else ""


def _rows(ledger: Ledger, path: Path, encoding: str, row: Row, ids: Sequence[str], tally: Tally) -> Iterator[dict[str, Any]]:
    """Rows that go in; those that do not are told to the tally. What can be read only with the whole file known comes last."""
    late = []
    for number, texts in _records(ledger, path, encoding):
        if all(texts.get(name) for name in ids):
            ledger.spoken.add(hash(tuple(texts[name] for name in ids)))
        try:
            made = _made(ledger, row, number, texts, tally)
        except Later:
            late.append((number, texts))
            continue
        if made:
            yield made
    ledger.ended = True
    for number, texts in late:
        if made := _made(ledger, row, number, texts, tally):
            yield made
    yield from ledger.sums.values()


def _made(ledger: Ledger, row: Row, number: int, texts: dict[str, str], tally: Tally) -> dict[str, Any] | None:
    worth = _worth(texts)
    try:
        made = row(ledger, number, texts)
    except Unfit as error:
        column, expected, found, *called = error.args
        label = called[0] if called else f"{column or 'columns'} not understood"
        name = texts.get("gift_id") if isinstance(error, Aside) else None
        tally.leave(LeftOut(number, column, expected, found, label, worth, isinstance(error, Aside)), _dated(ledger, texts), name)
        return None
    if made is not None:
        tally.take(worth)
    return made


def _worth(texts: Mapping[str, str]) -> float | None:
    """The amount of a row as it is written, where it is one."""
    text = texts.get("split_amount") or texts.get("soft_amount") or texts.get("amount")
    found = _AMOUNT.match(text) if text else None
    return _number(found) if found and (found[4] or found[5]) else None


def _dated(ledger: Ledger, texts: Mapping[str, str]) -> datetime | None:
    """The day of a row that does not go in, where it has one."""
    text = texts.get(ledger.layout.period, "")
    try:
        return day(text, ledger.order) if text else None
    except Unfit:
        return None


def _batches(rows: Iterator[dict[str, Any]], size: int = 50_000) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, size)):
        yield batch


def _mostly(name: str, tally: Tally, note: str = "") -> str:
    if not tally.left:
        return f"{name}: {note or 'a header and no rows'}"
    first = next((each for each in tally.left if not each.aside), tally.left[0])
    many, what = (tally.unfit_n, "cannot be understood") if tally.mostly_unfit else (len(tally.left), "do not go in")
    return (
        f"{name}: {many:,} of {tally.rows:,} rows {what}; the first: line {first.line}, column {first.column}: "
        f"expected {first.expected}, found {first.found[:60]!r}{f'. {note}' if note else ''}"
    )


def _schema(layout: Layout) -> pa.Schema:
    types = {"date": pa.timestamp("us"), "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    return pa.schema([(name, types.get(column.type, pa.string())) for name, column in layout.table.items()])


def _scouted(
    layout: Layout, path: Path, encoding: str, scout: Callable[[Ledger, dict[str, str]], None] | None = None, partner: str = ""
) -> Ledger:
    """First pass: refuse clinical columns, find the header, learn in which order slashed dates are written and what `scout` looks for."""
    with opened_text(path, layout.member, encoding) as text:
        content = lines(text, path.name)
        header, places, rows = _opened(layout, content, path.name)
        refuse_clinical(header, path.name)
        ledger = Ledger(layout, places, len(header))
        dates = [place for item in layout.fields if item.type == "date" and (place := places.get(item.name)) is not None]
        unread = [place for place in range(len(header)) if place not in places.values()]
        firsts = seconds = False
        coded: dict[int, list[str]] = {place: [] for place in unread}
        whose, partners = engine.whose_column(layout, header, places), Counter[str]()
        for _, record in rows:
            if whose is not None and whose < len(record):
                partners[record[whose].strip()] += 1
            for place in dates:
                found = _SLASHED.match(record[place].strip()) if place < len(record) else None
                if found:
                    firsts |= int(found[1]) > 12
                    seconds |= int(found[2]) > 12
            whole_row = len(record) == len(header)
            for place in unread if whole_row else ():
                if len(coded[place]) < 500 and record[place].strip():
                    coded[place].append(record[place].strip())
            if scout and whole_row:
                scout(ledger, _texts(layout, places, record))
    engine.refuse_other_partners(path.name, layout, partner, partners)
    ledger.order = "mixed" if firsts and seconds else "day first" if firsts else "month first"
    refuse_codes({header[place]: values for place, values in coded.items()}, path.name)
    return ledger


def _opened(layout: Layout, content: Iterator[str], name: str) -> tuple[list[str], dict[str, int], Iterator[tuple[int, list[str]]]]:
    """Header, place of each field, and the records that follow. Exports often carry a name and an identifier of the same
    thing (Fund, Fund ID): a field takes the first of its aliases that is there."""
    best: tuple[int, list[str]] = (-1, [])
    for above, line in enumerate(itertools.islice(content, 60)):
        for delimiter in (",", "\t", ";", "|"):
            header = engine._split(line, delimiter)
            places = _places(layout, header)
            missing = [item.aliases[0] for item in layout.fields if item.required and item.constant is None and item.name not in places]
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


def _records(ledger: Ledger, path: Path, encoding: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Second pass: line number and the texts of the fields; blank lines are skipped, short and long ones come with `too_wide`."""
    with opened_text(path, ledger.layout.member, encoding) as text:
        _, places, rows = _opened(ledger.layout, lines(text, path.name), path.name)
        for number, record in rows:
            if not "".join(record).strip():
                continue
            texts = _texts(ledger.layout, places, record)
            yield number, texts if len(record) == ledger.width else {"": f"{len(record)} columns, not {ledger.width}"}


def _texts(layout: Layout, places: Mapping[str, int], record: Sequence[str]) -> dict[str, str]:
    """The texts of a record by field, under the names that a mapping gives them."""
    texts = {name: record[place].strip() for name, place in places.items() if place < len(record)}
    for item in layout.fields:
        if item.constant is not None:
            texts[item.name] = item.constant
        elif item.renamed and item.name in texts:
            texts[item.name] = item.renamed.get(texts[item.name].casefold(), texts[item.name])
    return texts


def whole(texts: dict[str, str]) -> None:
    """Refuse a record with another number of columns than the header."""
    if "" in texts:
        raise Unfit("", "as many columns as the header has", texts[""])


@lru_cache(maxsize=100_000)
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
    value = _number(found)
    if value == 0:
        raise Aside(column, "an amount other than zero", text, "amounts of zero")
    return value


def _number(found: re.Match[str]) -> float:
    value = round(float((found[4] or "0").replace(",", "") + (found[5] or "")), 2)
    return -value if found[1] or found[2] or found[3] else value


def dollars_only(code: str) -> None:
    """Refuse a row whose currency column names anything but US dollars."""
    if code and code.upper() not in ("USD", "US$", "$", "US DOLLAR", "US DOLLARS", "U.S. DOLLAR"):
        raise Unfit("currency", "US dollars (USD): convert other currencies at the gift's date first", code)


@lru_cache(maxsize=100_000)
def day(text: str, order: str, column: str = "date", *, ahead: bool = False) -> datetime:
    """A date in ISO, US or written style; slashed ones in the order that the whole column shows.

    Raises
    ------
    Unfit : no date, an impossible one, one before 1900 or, unless it may lie `ahead`, after today, or one that could be two days.
    """
    found = _SLASHED.match(text)
    value = _slashed(found, order, text, column) if found else _iso(text)
    if value is None:
        raise Unfit(column, "a date such as 2024-12-31 or 12/31/2024", text or "an empty cell")
    if not value.year >= 1900 or (value.date() > date.today() and not ahead):
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


def once(ledger: Ledger, number: int, gift_id: str, designation: str, content: tuple, *, kind: str = "", promise: str | None = None) -> str:
    """The identifier of a row: the gift's own for the first part, numbered for further parts of a split gift.

    Raises
    ------
    Unfit : the gift (or this part of it) is in already.
    """
    if not gift_id:
        raise Unfit("gift_id", "a gift identifier", "an empty cell")
    place, mark = hash((gift_id, designation)), hash(content)
    before = ledger.seen.get(place)
    if before is not None and before[1] == mark:
        expected = f"each gift once per designation; line {before[0]} has it"
        raise Aside("gift_id", expected, f"{gift_id} (the same gift again)", "repeated rows")
    if before is not None:
        expected = f"each gift once per designation; line {before[0]} has it"
        raise Unfit("gift_id", expected, f"{gift_id} (another row under a gift identifier that is taken)")
    ledger.seen[place] = number, mark
    parts, first, paid = ledger.gifts.get(hash(gift_id), (0, kind, promise))
    ledger.gifts[hash(gift_id)] = parts + 1, first, paid
    return gift_id if not parts else f"{gift_id}/{parts + 1}"


def kind_of(ledger: Ledger, gift_id: str | None, otherwise: str) -> str:
    """Type of a gift that came before in the file."""
    return ledger.gifts.get(hash(gift_id), (0, otherwise, None))[1] if gift_id else otherwise
