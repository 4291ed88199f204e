"""Shared-patient files of tens of millions of lines: streamed through DuckDB, sorted, in bounded memory.

Two clinicians of a pair billed for the same patients within a window, in the order of the dates; that is **not** a referral. Three
layouts are in use: the files that CMS released (no header, five columns, blanks before the counts), the same with the column names of
DocGraph, and hop teaming, which counts patients and transactions in another order and knows waiting days instead of same-day pairs.

A bad line is set aside with its number and reason in `<file>.rejects.csv`, and so is a pair that came before: the first one counts.
The table is sorted by the first clinician, so that one partner's slice reads few row groups.
"""

import csv
import re
import shutil
from datetime import date
from pathlib import Path

import duckdb

from . import engine
from .engine import Imported
from .layout import Field, Layout, match
from .stream import ImportRefused, Progress, facts, opened

MEMORY = "900MB"
# Small, so that the clinicians of one partner lie in few of them: a slice of 35 million pairs then takes a third of the time.
ROW_GROUP = 8_192
MOST_TOLD = 100_000
_TEXT = (
    "all_varchar = true, header = false, auto_detect = false, columns = {'line': 'VARCHAR'}, "
    "delim = '\x01', quote = '', escape = '', max_line_size = 4000000"
)


def read(layout: Layout, path: Path, target: Path, *, year: int | None = None, progress: Progress | None = None) -> Imported:
    """Import one file into the sorted Parquet file `target`; raises ImportRefused with the reason and then leaves nothing."""
    known = facts(path, layout.member, progress)
    work = target.with_name(target.stem + ".work")
    part = target.with_name(target.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        source = _plain_text(path, layout, work)
        with duckdb.connect(str(work / "staging.duckdb")) as con:
            _bounded(con, work)
            _stage(con, source, layout, known.encoding, path.name)
            given = engine.year_of(layout, path, year)
            lines, rows, wrong = _sorted(con, layout, part, given)
            _refuse(wrong, lines, path.name)
            _write_rejects(con, target.with_suffix(".rejects.csv"), wrong)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
    return Imported(layout.kind, path.name, target.name, str(given), known.sha256, rows, wrong, 0, known.encoding, f"{date.today()}")


def _plain_text(path: Path, layout: Layout, work: Path) -> Path:
    """The file itself, or its content unpacked piece by piece: DuckDB counts lines of plain text only."""
    with path.open("rb") as stream:
        packed = stream.read(2) in (b"PK", b"\x1f\x8b")
    if not packed:
        return path
    with opened(path, layout.member) as content, (work / "content.txt").open("wb") as copy:
        shutil.copyfileobj(content, copy, 1 << 20)
    return work / "content.txt"


def _bounded(con: duckdb.DuckDBPyConnection, work: Path) -> None:
    con.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2; SET preserve_insertion_order = true")
    con.execute("SET temp_directory = ?", [str(work)])


def _stage(con: duckdb.DuckDBPyConnection, source: Path, layout: Layout, encoding: str, name: str) -> None:
    """Every line with its number; values where they are good, else the reason and the text."""
    if encoding == "utf-16":
        raise ImportRefused(f"{name}: expected text in UTF-8, found UTF-16: save it as plain CSV")
    # A strange character makes its own line bad, not the file.
    charset = "utf-8" if encoding in ("utf-8-sig", "utf-8") else "latin-1"
    places, first, delimiter = _places(source, layout, name)
    width = len(places) if not layout.header else len(_head(source)[0].split(delimiter))
    cells = [(field, f"cells[{places[field.name] + 1}]") for field in layout.fields if field.name in places]
    values = ", ".join(f"TRY_CAST({cell} AS {_kind(field)}) AS {field.name}" for field, cell in cells)
    fits = " AND ".join(_fits(field, cell) for field, cell in cells)
    # The words are made for bad lines only, so that good ones cost two comparisons a cell.
    words = " ".join(
        f"WHEN NOT coalesce({_fits(field, cell)}, false) THEN '{field.name}: expected {_expected(field)}, found ' || trim({cell})"
        for field, cell in cells
    )
    con.execute(
        f"""
        CREATE TABLE staged AS
        WITH numbered AS (SELECT row_number() OVER () AS line_number, line FROM read_csv(?, {_TEXT}, encoding = '{charset}')),
             cut AS (SELECT line_number, line, string_split(replace(line, '"', ''), '{delimiter}') AS cells
                     FROM numbered WHERE line_number > {first} AND line <> ''),
             typed AS (SELECT line_number, line, cells, {values} FROM cut),
             judged AS (SELECT *, len(cells) = {width} AND coalesce({fits}, false) AS fit FROM typed)
        SELECT line_number, {", ".join(field.name for field, _ in cells)},
               CASE WHEN NOT fit THEN
                   CASE WHEN len(cells) <> {width} THEN 'expected {width} columns, found ' || len(cells) {words} END END AS reason,
               CASE WHEN NOT fit THEN line[:500] END AS line FROM judged
    """,
        [str(source)],
    )


def _fits(field: Field, cell: str) -> str:
    """Whether a cell is a value of its field; a cast alone would round 1.5 and read 1e3, 1_000, 0x1F and nan."""
    form = {"npi": "[12][0-9]{9}", "number": "[+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]{1,2})?"}.get(field.type, "[+]?[0-9]+")
    low = "" if field.type == "npi" else f" AND {field.name} >= {field.min or 0:g}"
    empty = f"trim({cell}) = '' OR " if field.nullable else ""
    return f"({empty}(regexp_full_match({cell}, '\\s*{form}\\s*'){low}))"


def _kind(field: Field) -> str:
    return {"npi": "BIGINT", "number": "DOUBLE"}.get(field.type, "INTEGER")


def _expected(field: Field) -> str:
    words = {"npi": "a ten-digit NPI", "number": "a number"}.get(field.type, "a whole number")
    return f"{words} not below {field.min:g}" if field.min else words


def _head(source: Path) -> list[str]:
    with source.open(encoding="utf-8-sig", errors="replace") as text:
        return [text.readline(1 << 16) for _ in range(2)]


def _places(source: Path, layout: Layout, name: str) -> tuple[dict[str, int], int, str]:
    """Column of each field, lines to skip, and the delimiter: by name where there is a header, by place where there is none."""
    head = _head(source)[0]
    delimiter = max((",", "|", "\t"), key=head.count)
    cells = [cell.strip(' "\t\r\n') for cell in head.split(delimiter)]
    bare = bool(re.fullmatch(r"\d+", cells[0]))
    if not head.strip():
        raise ImportRefused(f"{name}: the file is empty")
    if not layout.header:
        if not bare:
            raise ImportRefused(
                f"{name}: expected no header and an NPI first, found {cells[0][:40]!r}; "
                "with column names it is a file of the kind shared_patients_docgraph or hop_teaming"
            )
        return {field.name: place for place, field in enumerate(layout.fields)}, 0, delimiter
    found = match(layout, cells)
    missing = [field.aliases[0] for field in found.missing]
    if found.unclear:
        raise ImportRefused(f"{name}: expected a header with {found.unclear[0].aliases[0]} once, found it more than once")
    if missing:
        hint = "; a file without column names is of the kind shared_patients_cms" if bare else ""
        raise ImportRefused(f"{name}: expected a header of the kind {layout.kind} with {', '.join(missing)}: no such column{hint}")
    return found.places, 1, delimiter


def _sorted(con: duckdb.DuckDBPyConnection, layout: Layout, part: Path, year: int | None) -> tuple[int, int, int]:
    """Write the sorted table without repeated pairs; returns lines, rows and rejected lines."""
    columns = [
        name
        for (name,) in con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'staged' ORDER BY column_index").fetchall()
        if name not in ("line_number", "reason", "line")
    ]
    con.execute(
        f"CREATE TABLE good AS SELECT line_number, {', '.join(columns)} FROM staged WHERE reason IS NULL ORDER BY npi1, npi2, line_number"
    )
    # Sorted, a repeated pair stands right after the first one: no table of all pairs in memory is needed to find it.
    con.execute("CREATE VIEW marked AS SELECT *, coalesce(lag(npi1) OVER () = npi1 AND lag(npi2) OVER () = npi2, false) AS again FROM good")
    shown = [
        f"CAST({name} AS VARCHAR) AS {name}"
        if name in ("npi1", "npi2")
        else f"CAST({name} AS BIGINT) AS {name}"
        if name.endswith("_n")
        else name
        for name in columns
    ]
    dated = [f"CAST({year} AS BIGINT) AS year"] if year is not None else []
    target = str(part).replace("'", "''")
    con.execute(
        f"COPY (SELECT {', '.join([*dated, *shown])} FROM marked WHERE NOT again) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )
    lines, bad = _one(con, "SELECT count(*), count(reason) FROM staged")
    rows = _one(con, f"SELECT count(*) FROM read_parquet('{target}')")[0]
    again = _one(con, "SELECT count(*) FROM good")[0] - rows
    con.execute(f"""
        CREATE TABLE wrong AS SELECT line_number, reason, line FROM staged WHERE reason IS NOT NULL
        UNION ALL SELECT line_number, 'the pair stands on an earlier line', concat_ws(',', {", ".join(columns)})
                  FROM marked WHERE again AND {again} > 0
    """)
    return lines, rows, bad + again


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return con.execute(query).fetchone() or (0, 0)


def _refuse(wrong: int, lines: int, name: str) -> None:
    if lines == 0 or (wrong > max(5, lines // 100)):
        raise ImportRefused(f"{name}: {wrong:,} of {lines:,} lines are not of this layout" if lines else f"{name}: no rows")


def _write_rejects(con: duckdb.DuckDBPyConnection, path: Path, wrong: int) -> None:
    path.unlink(missing_ok=True)
    if not wrong:
        return
    rows = con.execute(f"SELECT line_number, reason, line FROM wrong ORDER BY line_number LIMIT {MOST_TOLD}").fetchall()
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "reason", "text"])
        # A cell that a spreadsheet would take for a formula is written as text.
        writer.writerows([number, reason, "'" + text if text[:1] in "=+-@\t" else text] for number, reason, text in rows)
        if wrong > len(rows):
            writer.writerow(["", f"and {wrong - len(rows):,} more", ""])
    part.replace(path)
