"""A file of a known layout to a tidy Parquet table with its catalog entry: whole or not at all, in bounded memory.

Definitions. A row is rejected when a cell is no value of its column; it is left out of the table and written to
`<file>.rejects.csv` beside it with line, column and reason. A file is refused, and nothing is written, when it is not of the
layout, when a key occurs twice, or when more than one row in a hundred would be rejected (in a small file: more than five rows,
or more than one in ten). A last line without a line break may be cut off: in a file that is not packed it is rejected too.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catchment.data.catalog import Imported

from .convert import Batch, converted
from .layout import Layout, match, plain
from .stream import MOST_COLUMNS, Facts, ImportRefused, Progress, Torn, facts, lines, opened_text, records

BATCH_CELLS = 400_000
_HEADER_WITHIN = 60
_ARROW = {"integer": pa.int64(), "number": pa.float64(), "date": pa.timestamp("us"), "boolean": pa.bool_()}


@dataclass
class _Opened:
    """A file whose header was understood: the records that follow, and where each field stands."""

    rows: Iterator[tuple[int, list[str]]]
    places: dict[str, int]
    width: int
    constants: dict[str, Any]
    layout: Layout
    whose: int | None = None
    """Column that says whose a row is, where the layout does not read one."""
    left_out: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By column: texts whose rows are left out."""


def convert_file(
    layout: Layout,
    path: Path,
    target: Path,
    *,
    year: int | None = None,
    others: Sequence[Layout] = (),
    progress: Progress | None = None,
    constants: Mapping[str, Any] | None = None,
    given: Mapping[str, str] | None = None,
) -> Imported:
    """Import one file into the Parquet file `target`; raises ImportRefused with the reason.

    `year` is the year of the rows when neither rows nor file name tell it; `others` are layouts to suggest when it is not this one;
    `constants` are columns that are the same in every row, `given` is what the lines above the header should have told.
    """
    try:
        return _converted_file(layout, path, target, year, others, progress, constants or {}, given or {})
    except ImportRefused as error:
        raise ImportRefused(str(error) if path.name in str(error) else f"{path.name}: {error}") from error


def _converted_file(
    layout: Layout,
    path: Path,
    target: Path,
    year: int | None,
    others: Sequence[Layout],
    progress: Progress | None,
    constants: Mapping[str, Any],
    given: Mapping[str, str],
) -> Imported:
    known = facts(path, layout.member, progress)
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opened_text(path, layout.member, known.encoding) as text:
            source = _opened(layout, lines(text, path.name), path.name, others, given)
            source.constants |= constants
            told = year_of(layout, path, year)  # after the header: a file of another kind is told as such first
            counts, wrong, signed = _write(source, part, known, told, path.name)
        _as_fractions([item.name for item in layout.fields if item.or_fraction and item.name not in signed], part)
        dated = told if not layout.vintage else None
        if layout.add_up:
            _add_up(layout, part)
        refuse_duplicates(layout, part, path.name, dated is not None)
        if layout.whole and (wrong_with_it := layout.whole(pd.read_parquet(part))):
            raise ImportRefused(f"{path.name}: {wrong_with_it}")
        vintage = _vintage(layout, part, dated)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    write_rejects(target.with_suffix(".rejects.csv"), wrong)
    return Imported(
        layout.kind,
        path.name,
        target.name,
        vintage,
        known.sha256,
        counts["rows"],
        counts["rejected"],
        counts["suppressed"],
        known.encoding,
        f"{date.today()}",
        note=f"{counts['left_out']:,} rows of totals, or named by the mapping, are left out" if counts["left_out"] else "",
    )


def year_of(layout: Layout, path: Path, year: int | None) -> int | None:
    """The year that the caller or the file's name gives; None when the rows have it."""
    if not layout.year or (layout.period in layout.table and not layout.vintage):
        return None
    found = ["".join(groups) if isinstance(groups, tuple) else groups for groups in re.findall(layout.year, path.name)]
    if year is None and not found:
        raise ImportRefused(f"{path.name}: neither its rows nor its name tell the {'edition' if layout.vintage else 'year'}; give --year")
    if year is None and len({_full(each) for each in found}) > 1:
        raise ImportRefused(f"{path.name}: its name tells several years ({', '.join(found)}); give --year")
    told = _full(year if year is not None else found[-1])
    if not 1900 <= told <= 2100:
        raise ImportRefused(f"{path.name}: {told} is no year of such a file; give --year with four digits")
    return told


def _full(year: int | str) -> int:
    """A year of two digits with its century: files of the kinds here begin in the 1990s."""
    return int(year) + (0 if int(year) > 99 else 1900 if int(year) >= 60 else 2000)


def _opened(layout: Layout, content: Iterator[str], name: str, others: Sequence[Layout], given: Mapping[str, str]) -> _Opened:
    """Find the header: the first line that names every required column, under the delimiter that makes it so."""
    if not layout.header:
        places = {field.name: place for place, field in enumerate(layout.fields)}
        return _Opened(records(content, ",", name, width=len(places)), places, len(places), {}, layout)
    above = [line.rstrip("\r\n") for line in itertools.islice(content, layout.skip)]
    for line in itertools.islice(content, _HEADER_WITHIN):
        for delimiter in (",", "|", "\t", ";"):
            header = _split(line, delimiter)
            found = match(layout, header)
            if found.complete:
                _refuse_finer(layout, header, name, others)
                constants = layout.preamble(above, header, given) if layout.preamble else {}
                full = replace(layout, fields=[*layout.fields, *layout.extra(header)]) if layout.extra else layout
                rows = records(content, delimiter, name, first=len(above) + 1, width=len(header))
                places = match(full, header).places
                return _Opened(rows, places, len(header), constants, full, whose_column(layout, header, places), _left_out(layout, header))
        above.append(line.rstrip("\r\n"))
    raise ImportRefused(_no_header(layout, above, name, others))


def whose_column(layout: Layout, header: Sequence[str], places: Mapping[str, int]) -> int | None:
    """Where a file of one partner's own has a column `partner`, which the layout does not read."""
    named = [place for place, name in enumerate(header) if plain(name) == plain(layout.whose) and place not in places.values()]
    return named[0] if layout.scope == "partner" and named else None


def _left_out(layout: Layout, header: Sequence[str]) -> dict[int, frozenset[str]]:
    """Where the columns stand by which rows are left out, with the texts of these rows."""
    named = {plain(name): place for place, name in enumerate(header)}
    unknown = [name for name in layout.leave_out if plain(name) not in named]
    if unknown:
        raise ImportRefused(f"rows are to be left out by {unknown[0]!r}: no such column")
    return {named[plain(name)]: frozenset(text.casefold() for text in texts) for name, texts in layout.leave_out.items()}


def refuse_other_partners(name: str, layout: Layout, partner: str, found: Mapping[str, int]) -> None:
    """Raise ImportRefused with what a column `partner` says beside this partner; no row is left out for it."""
    others = {value: rows for value, rows in found.items() if layout.whose_renamed.get(value, value) != partner}
    if others:
        said = ", ".join(f"{value!r} ({rows:,} rows)" for value, rows in sorted(others.items(), key=lambda item: -item[1])[:10])
        raise ImportRefused(
            f"{name}: its column {layout.whose} says {said}, but all rows of the file must be those of {partner!r}: correct it, or say "
            f"in its mapping, under values: partner, what stands for {partner}"
        )


def _refuse_finer(layout: Layout, header: Sequence[str], name: str, others: Sequence[Layout]) -> None:
    """Refuse a file that has all the columns of this kind, but rows of a finer one."""
    unlike = [each for each in header if plain(each) in map(plain, layout.never)]
    if unlike:
        fitting = [other.kind for other in others if other.kind != layout.kind and other.header and match(other, header).complete]
        hint = f"; it looks like {' or '.join(fitting)}" if fitting else ""
        raise ImportRefused(f"{name}: expected one row per {', '.join(layout.key)}, found a column {unlike[0]!r} that divides them{hint}")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        header = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a line above the header may hold anything; it is not the header then
        return []
    return header if len(header) <= MOST_COLUMNS else []


def _no_header(layout: Layout, above: list[str], name: str, others: Sequence[Layout]) -> str:
    candidates = [_split(line, delimiter) for line in above for delimiter in (",", "|", "\t", ";")]
    best = max(candidates, key=lambda header: len(match(layout, header).places), default=[])
    found = match(layout, best)
    missing = ", ".join(repr(field.aliases[0]) for field in [*found.missing, *found.unclear][:5])
    fitting = [
        other.kind
        for other in others
        if other.kind != layout.kind and other.header and any(match(other, header).complete for header in candidates)
    ]
    hint = f"; it looks like {' or '.join(fitting)}" if fitting else ""
    if not above:
        return f"{name}: the file is empty"
    what = "the column is there more than once, and which is which is unclear" if found.unclear and not found.missing else "no such column"
    return f"{name}: expected a header of the kind {layout.kind} with {missing or 'its columns'}: {what}{hint}"


_TOTAL = re.compile(r"(grand\s*|sub\s*-?\s*)?totals?(\s*[-:(,].*)?", re.IGNORECASE)


def _aside(source: _Opened, record: Sequence[str]) -> str:
    """Why a row that is there on purpose is none of the table's: a row of totals, or one that the mapping leaves out."""
    if source.layout.totals and _TOTAL.fullmatch(next((cell.strip() for cell in record if cell.strip()), "")):
        return "a row of the table, not one of totals"
    out = any(place < len(record) and record[place].strip().casefold() in texts for place, texts in source.left_out.items())
    return "a row that the mapping does not leave out" if out else ""


def _batches(source: _Opened, known: Facts, wrong: list, left: list, whose: Counter[str]) -> Iterator[Batch]:
    layout = source.layout
    size = max(200, BATCH_CELLS // max(len(layout.fields), 1))
    numbers: list[int] = []
    rows: list[list[str]] = []
    for number, record, last in _marked(source.rows):
        if not "".join(record).strip():
            if layout.footer:
                break
            continue
        if aside := _aside(source, record):
            left.append((number, "", aside, ", ".join(filter(None, record))))
        elif isinstance(record, Torn):
            wrong.append((number, "", "cells whose quotation marks are closed", record.why))
        elif len(record) != source.width:
            wrong.append((number, "", f"{source.width} columns", f"{len(record)} columns"))
        elif last and not known.ends_with_break and not known.packed:
            wrong.append(
                (number, "", "a line break at the end of the file", "none: the last row may be cut off; add a line break if it is complete")
            )
        else:
            numbers.append(number)
            rows.append(record)
            if source.whose is not None:
                whose[record[source.whose].strip()] += 1
        if len(rows) >= size:
            yield converted(layout, source.places, numbers, rows)
            numbers, rows = [], []
    if rows:
        yield converted(layout, source.places, numbers, rows)


def _marked(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str], bool]]:
    """Each record and whether it is the last."""
    previous = next(rows, None)
    while previous is not None:
        following = next(rows, None)
        yield *previous, following is None
        previous = following


def _as_fractions(columns: Sequence[str], part: Path) -> None:
    """Undo the division by 100 of columns whose file gave fractions: none of its values was above 1."""
    for column in columns:
        table = pq.read_table(part)
        if (largest := pc.max(table[column]).as_py()) is not None and 0 < largest <= 0.01:
            fractions = pc.divide(pc.round(pc.multiply(table[column], 1e12)), 1e10)
            pq.write_table(table.set_column(table.schema.get_field_index(column), column, fractions), part, compression="zstd")


def _add_up(layout: Layout, part: Path) -> None:
    """One row for each key: counts and amounts are added up, and the rest must be the same."""
    numbers = [name for name, column in layout.table.items() if column.type in ("integer", "number") and name not in layout.key]
    chosen = ", ".join(
        f'sum("{name}")::{"BIGINT" if layout.table[name].type == "integer" else "DOUBLE"} AS "{name}"' if name in numbers else f'"{name}"'
        for name in pq.read_schema(part).names
    )
    with duckdb.connect(config={"threads": 1}) as con:
        table = con.execute(f"SELECT {chosen} FROM read_parquet(?) GROUP BY ALL ORDER BY ALL", [str(part)]).to_arrow_table()
    pq.write_table(table, part, compression="zstd")


def _write(source: _Opened, part: Path, known: Facts, year: int | None, name: str) -> tuple[dict[str, int], list, set[str]]:
    layout = source.layout
    dated = year is not None and not layout.vintage
    constants = source.constants | ({"year": year} if dated else {"vintage": year})
    wrong: list[tuple[int, str, str, str]] = []
    counts = {"rows": 0, "rejected": 0, "suppressed": 0}
    signed: set[str] = set()
    whose: Counter[str] = Counter()
    left: list[tuple[int, str, str, str]] = []
    read, schema = 0, _schema(layout, dated)
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in _batches(source, known, wrong, left, whose):
            wrong += batch.wrong
            signed |= batch.signed
            read += len(batch.frame)
            counts["suppressed"] += batch.suppressed
            frame = batch.frame.assign(**constants)
            frame = layout.tidy(frame) if layout.tidy else frame
            counts["rows"] += len(frame)
            writer.write_table(pa.Table.from_pandas(frame.reindex(columns=schema.names), schema=schema, preserve_index=False))
            _refuse_rejected(wrong, read, name, final=False)
    refuse_other_partners(name, layout, str(constants.get("partner", "")), whose)
    counts["rejected"] = len({line for line, *_ in wrong})
    counts["left_out"] = len(left)
    _refuse_rejected(wrong, read, name, final=True)
    return counts, wrong + left, signed


def _schema(layout: Layout, dated: bool) -> pa.Schema:
    columns = [("year", pa.int64())] if dated else []
    for name, column in layout.table.items():
        columns.append((name, _ARROW.get(column.type, pa.string())))
        columns += [(f"{name}_suppressed", pa.bool_())] if column.suppressed else []
    return pa.schema(columns)


def _refuse_rejected(wrong: list, read: int, name: str, *, final: bool) -> None:
    rejected = len({line for line, *_ in wrong})
    rows = read + rejected
    too_many = rejected > max(rows // 100, min(5, rows // 10))
    if (too_many and (final or rows > 2_000)) or (final and read == 0):
        if not wrong:
            raise ImportRefused(f"{name}: a header and no rows")
        line, column, expected, found = wrong[0]
        place = f"line {line}" + (f", column {column}" if column else "")
        raise ImportRefused(
            f"{name}: {rejected:,} of {rows:,} rows are not of this layout; the first: {place}: expected {expected}, found {found[:60]!r}"
        )


def refuse_duplicates(layout: Layout, part: Path, name: str, dated: bool) -> None:
    key = [*(["year"] if dated else []), *layout.key]
    columns = ", ".join(f'"{column}"' for column in key)
    with duckdb.connect(config={"threads": 1, "memory_limit": "400MB"}) as con:
        con.execute("SET temp_directory = ?", [str(part.parent)])
        found = con.execute(
            f"SELECT {columns}, count(*) FROM read_parquet(?) GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1", [str(part)]
        ).fetchone()
    if found:
        said = ", ".join(f"{column} {value}" for column, value in zip(key, found, strict=False))
        raise ImportRefused(f"{name}: expected one row per {', '.join(key)}, found {found[-1]} for {said}")


def _vintage(layout: Layout, part: Path, year: int | None) -> str:
    """First and last year (or date) of the rows."""
    if year is not None:
        return str(year)
    columns = [column for column in (layout.period, "year_first", "year_last") if column in layout.table]
    if not columns:
        return ""
    ends = pd.concat([pq.read_table(part, columns=[column]).to_pandas()[column].dropna() for column in columns])
    written = sorted({str(end)[:10] for end in (ends.min(), ends.max())}) if len(ends) else []
    return "-".join(written) if len(written[0] if written else "") == 4 else " to ".join(written)


def write_rejects(path: Path, wrong: Sequence[tuple[int, str, str, str]]) -> None:
    path.unlink(missing_ok=True)
    if not wrong:
        return
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "column", "expected", "found"])
        # A cell that a spreadsheet would take for a formula is written as text.
        writer.writerows(
            [line, column, expected, "'" + found if found[:1] in "=+-@\t" else found[:500]]
            for line, column, expected, found in sorted(wrong)
        )
    part.replace(path)
