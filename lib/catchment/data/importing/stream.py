"""Bytes to records, within bounds: archives, encodings, delimiters, marks of old systems, and files that are out to hurt.

One pass over the bytes first settles what the file is (its fingerprint, its encoding, whether it ends where a row ends);
the second reads records one by one.
"""

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

LONGEST_LINE = 4_000_000
LONGEST_FIELD = 1_000_000
MOST_COLUMNS = 3_000
BOMB_RATIO, BOMB_BYTES = 300, 200_000_000
_CHUNK = 1 << 20

Progress = Callable[[int, int], None]


class ImportRefused(ValueError):
    """A file that is not imported, with the reason in words. Nothing was written."""


@dataclass(frozen=True)
class Facts:
    """What the first pass found."""

    sha256: str
    encoding: str
    size: int
    packed: bool
    ends_with_break: bool


@contextmanager
def opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    """The file's content: as it is, out of a gzip file, or the one matching member of a ZIP archive."""
    if not path.is_file():
        raise ImportRefused(f"{path.name}: no such file")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open(_member(archive, member, path.name)) as stream:
                yield stream
        elif _begins(path, b"\x1f\x8b"):
            with gzip.open(path, "rb") as packed:
                yield cast(IO[bytes], packed)
        else:
            with path.open("rb") as stream:
                yield stream
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(f"{path.name}: the archive is damaged, incomplete or locked ({error})") from error


@contextmanager
def opened_text(path: Path, member: str, encoding: str) -> Iterator[TextIO]:
    """The file's content as text."""
    # newline="" keeps breaks within quotes as they are; the csv module needs that.
    with opened(path, member) as content, io.TextIOWrapper(content, encoding=encoding, newline="") as text:
        yield text


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


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
    if found[0].file_size > BOMB_BYTES and found[0].file_size > BOMB_RATIO * max(found[0].compress_size, 1):
        raise ImportRefused(
            f"{name}: {found[0].filename} would unpack to {found[0].file_size:,} bytes, "
            f"{BOMB_RATIO} times its packed size or more; refused as a ZIP bomb"
        )
    return found[0]


def facts(path: Path, member: str, progress: Progress | None = None) -> Facts:
    """Fingerprint of the file as it lies on disk, and encoding and ending of its content."""
    with opened(path, member) as content:
        encoding, size, ending = _scanned(content, path, progress)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    packed = zipfile.is_zipfile(path) or _begins(path, b"\x1f\x8b")
    return Facts(sha256, encoding, size, packed, ending in (b"\n", b"\r", b""))


def _scanned(content: IO[bytes], path: Path, progress: Progress | None) -> tuple[str, int, bytes]:
    decoder, valid, latin, size, last = codecs.getincrementaldecoder("utf-8")(), True, False, 0, b""
    on_disk = path.stat().st_size
    for number, chunk in enumerate(iter(lambda: content.read(_CHUNK), b"")):
        if number == 0 and chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16", on_disk, b"\n"
        if b"\0" in chunk:
            raise ImportRefused(f"{path.name}: holds zero bytes, so it is no text (a spreadsheet or UTF-16 file?); save it as CSV in UTF-8")
        size += len(chunk)
        if size > BOMB_BYTES and size > BOMB_RATIO * on_disk:
            raise ImportRefused(f"{path.name}: unpacks to more than {BOMB_RATIO} times its size; refused as a bomb")
        valid = valid and _decodes(decoder, chunk)
        latin = latin or bool(re.search(rb"[\x81\x8d\x8f\x90\x9d]", chunk))
        last = chunk.rstrip(b"\x1a")[-1:] or last
        if progress:
            progress(min(size, on_disk), on_disk)
    valid = valid and _decodes(decoder, b"", final=True)
    return "utf-8-sig" if valid else "latin-1" if latin else "cp1252", size, last


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def lines(text: TextIO, name: str) -> Iterator[str]:
    """Lines with their ends, none longer than the bound; the mark that old systems put at a file's end is dropped."""
    for number in itertools.count(1):
        try:
            line = text.readline(LONGEST_LINE)
        except UnicodeError as error:
            raise ImportRefused(f"{name}, line {number}: expected {text.encoding} text, found other bytes") from error
        if not line:
            return
        if len(line) >= LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise ImportRefused(f"{name}, line {number}: longer than {LONGEST_LINE:,} characters; is this the right file?")
        if "\x1a" in line:
            line = line.rstrip("\x1a\r\n")
            if not line:
                return
        yield line


def records(content: Iterator[str], delimiter: str, name: str, *, first: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line on which each ends; `first` lines were read before."""
    before = csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(content, delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if len(record) > MOST_COLUMNS:
                raise ImportRefused(f"{name}, line {reader.line_num + first}: {len(record):,} columns; is this the right file?")
            yield reader.line_num + first, record
    except csv.Error as error:
        raise ImportRefused(f"{name}, line {reader.line_num + first}: {_said(str(error))}") from error
    finally:
        csv.field_size_limit(before)


def _said(error: str) -> str:
    if "field limit" in error:
        return f"a field of more than {LONGEST_FIELD:,} characters (a quotation mark that is never closed?)"
    return {"unexpected end of data": "the file ends inside quotation marks; it is cut off or a quotation mark is missing"}.get(
        error, error
    )


def facts_of_binary(path: Path, largest: int, progress: Progress | None = None) -> str:
    """SHA-256 of a file that is no text; refused when missing or above the bound."""
    if not path.is_file():
        raise ImportRefused(f"{path.name}: no such file")
    size = path.stat().st_size
    if size > largest:
        raise ImportRefused(f"{path.name}: {size:,} bytes; refused above {largest:,}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if progress:
        progress(size, size)
    return found
