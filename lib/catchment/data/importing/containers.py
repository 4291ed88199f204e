"""What a file is, before it is read: plain or packed text, a workbook, or something that nobody can import, with what to do then.

A workbook (.xlsx) is read as its sheet of values: formulas by their last result, dates as dates, merged cells by their first. Of a ZIP
archive or a workbook one member is read: the one that the layout or the caller names, else the only one there is.
"""

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

import python_calamine

BOMB_RATIO, BOMB_BYTES = 300, 200_000_000
_SAVE = "open it there and save the table as .xlsx or as CSV (UTF-8)"
# How such files begin, what they are, and what to do.
_KNOWN = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", "open it in Excel and save it as .xlsx or as CSV (UTF-8)"),
    (b"%PDF", "a PDF", "a printed table cannot be read safely: ask for the data behind it as .xlsx or CSV"),
    (b"\x00\x01\x00\x00Standard ACE DB", "an Access database", "export its table as .xlsx or CSV, in Access: External Data, Excel"),
    (b"\x00\x01\x00\x00Standard Jet DB", "an Access database", "export its table as .xlsx or CSV, in Access: External Data, Excel"),
    (b"\0" * 12 + b"\xc2\xea\x81\x60", "a SAS data set", "export it as CSV, in SAS: PROC EXPORT"),
    (b"$FL2", "an SPSS file", f"in SPSS {_SAVE}"),
    (b"<stata_dta>", "a Stata file", "export it as CSV, in Stata: export delimited"),
    (b"SQLite format 3", "an SQLite database", "export its table as CSV, or name it in data/catalog.yml by a `uri`"),
    (b"PAR1", "a Parquet file", "describe it in data/catalog.yml, which reads Parquet as it is"),
    (b"{\\rtf", "a text document", f"copy its table into a spreadsheet, {_SAVE}"),
    (b"Rar!", "a RAR archive", "unpack it and import what is in it"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it and import what is in it"),
    (b"BZh", "a bzip2 archive", "unpack it and import what is in it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it and import what is in it"),
]
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|table|\?xml)", re.IGNORECASE)
# Where the content gives nothing away, the name does.
_NAMED = {
    ".pdf": 1, ".accdb": 2, ".mdb": 2, ".sas7bdat": 4, ".sav": 5, ".dta": 6, ".sqlite": 7, ".parquet": 8, ".rtf": 9, ".rar": 10, ".7z": 11
}  # fmt: skip
_OFFICE = {
    "word/": ("a Word document", f"copy its table into a spreadsheet, {_SAVE}"),
    "ppt/": ("a presentation", "ask for the data behind it as .xlsx or CSV"),
    "content.xml": ("an OpenDocument file", f"in LibreOffice {_SAVE}"),
    "xl/workbook.bin": ("a binary workbook (.xlsb)", "open it in Excel and save it as .xlsx"),
}


class ImportRefused(ValueError):
    """A file that is not imported, with the reason in words. Nothing was written."""


@contextmanager
def opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    """The file's content: as it is, out of a gzip file, or the one matching member of an archive or workbook.

    Raises
    ------
    ImportRefused
        There is no such file, it is damaged, or of a kind that cannot be read: with what to do.
    """
    if not path.is_file():
        raise ImportRefused(f"{path.name}: no such file")
    refuse_unreadable(path)
    try:
        if is_workbook(path):
            yield io.BytesIO(sheet_as_csv(path, member))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open(_member(archive, member, path.name)) as stream:
                yield stream
        elif begins(path, b"\x1f\x8b"):
            with gzip.open(path, "rb") as packed:
                yield cast(IO[bytes], packed)
        else:
            with path.open("rb") as stream:
                yield stream
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(f"{path.name}: the archive is damaged, incomplete or locked ({error})") from error


def begins(path: Path, magic: bytes) -> bool:
    """Whether the file's first bytes are these."""
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def refuse_unreadable(path: Path) -> None:
    """Raise ImportRefused for a file of a kind that is not read, with what to do about it."""
    with path.open("rb") as stream:
        head = stream.read(512)
    what, advice = next(((what, advice) for magic, what, advice in _KNOWN if head.startswith(magic)), ("", ""))
    if not what and _MARKUP.match(head):
        what, advice = "a web page or XML file, whatever its name", "open it in Excel and save it as .xlsx or as CSV (UTF-8)"
    if not what and path.suffix.lower() in _NAMED:
        _, what, advice = _KNOWN[_NAMED[path.suffix.lower()]]
    if not what and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        what, advice = next((said for part, said in _OFFICE.items() if any(name.startswith(part) for name in names)), ("", ""))
    if what:
        raise ImportRefused(f"{path.name}: {what}, which is not imported: {advice}")


def _member(archive: zipfile.ZipFile, member: str, name: str) -> zipfile.ZipInfo:
    found = [
        info
        for info in archive.infolist()
        if not info.is_dir() and re.search(member, info.filename, re.IGNORECASE) and not info.filename.startswith("__MACOSX")
    ]
    # NPPES and others add a file that only holds the header.
    found = [info for info in found if not re.search(r"header|readme|dictionary|codebook", info.filename, re.IGNORECASE)] or found
    if len(found) != 1:
        listing = ", ".join(info.filename for info in found[:5]) or ", ".join(archive.namelist()[:5]) or "nothing"
        raise ImportRefused(f"{name}: expected one data file in the archive, found {len(found)} ({listing}); unpack it and name the file")
    refuse_bomb(found[0], name)
    return found[0]


def refuse_bomb(info: zipfile.ZipInfo, name: str) -> None:
    """Raise ImportRefused for a member that would unpack to very many times its size."""
    if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * max(info.compress_size, 1):
        raise ImportRefused(
            f"{name}: {info.filename} would unpack to {info.file_size:,} bytes, "
            f"{BOMB_RATIO} times its packed size or more; refused as a ZIP bomb"
        )


def is_workbook(path: Path) -> bool:
    """Whether the file is an Excel workbook (.xlsx, .xlsm), whatever its name."""
    if not begins(path, b"PK") or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()


def sheets(path: Path) -> dict[str, list[list[str]]]:
    """The sheets of a workbook that hold anything, each as its rows of texts, all of one width.

    Raises
    ------
    ImportRefused
        The workbook is damaged, locked with a password, or would unpack to many times its size.
    """
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            refuse_bomb(info, path.name)
    try:
        book = python_calamine.load_workbook(str(path))
        found = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise ImportRefused(
            f"{path.name}: not readable as a workbook ({str(error).splitlines()[0]}); open it in Excel and save it again"
        ) from error
    texts = {name: [[_text(cell) for cell in row] for row in rows] for name, rows in found.items()}
    return {name: rows for name, rows in texts.items() if any("".join(row) for row in rows)}


def sheet_as_csv(path: Path, member: str) -> bytes:
    """One sheet as CSV in UTF-8: the one whose name `member` matches, else the only one with values."""
    stat = path.stat()
    return _as_csv(path, member, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _as_csv(path: Path, member: str, size: int, modified: int) -> bytes:
    found = sheets(path)
    named = [name for name in found if re.search(member, name, re.IGNORECASE)] or list(found)
    if len(named) != 1:
        raise ImportRefused(
            f"{path.name}: expected one sheet with values, found {', '.join(map(repr, found)) or 'none'}; name it in a mapping, `sheet`"
        )
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(found[named[0]])
    return out.getvalue().encode()


def _text(cell: object) -> str:
    """A cell as a CSV file would have it: days without a time, whole numbers without a point."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time | timedelta):
        return str(cell)
    return str(cell).replace("\r\n", "\n").strip()
