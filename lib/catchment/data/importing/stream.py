"""Files to records, within bounds: encodings, marks of old systems, stray quotation marks, and files that are out to hurt.

One pass over the bytes first settles what the file is (its fingerprint, its encoding, whether it ends where a row ends); the second reads
records one by one. A stray quotation mark would take all lines up to the next one into one cell. A record over several lines is therefore
believed when it has the header's width and no line within it is a record of its own; else its first line is set aside as `Torn`, and
reading goes on at the next.
"""

import codecs
import csv
import hashlib
import io
import itertools
import re
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from . import containers
from .containers import ImportRefused, opened

LONGEST_LINE = 4_000_000
LONGEST_FIELD = 1_000_000
MOST_LINES = 1_000
MOST_COLUMNS = 3_000
_CUT = "the file ends inside quotation marks; it is cut off or a quotation mark is missing"
_LONG = f"a field of more than {MOST_LINES:,} lines or {LONGEST_FIELD:,} characters (a quotation mark that is never closed?)"
_CHUNK = 1 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Facts:
    """What the first pass found."""

    sha256: str
    encoding: str
    size: int
    packed: bool
    ends_with_break: bool


@contextmanager
def opened_text(path: Path, member: str, encoding: str) -> Iterator[TextIO]:
    """The file's content as text."""
    # newline="" keeps breaks within quotes as they are; the csv module needs that.
    with opened(path, member) as content, io.TextIOWrapper(content, encoding=encoding, newline="") as text:
        yield text


def facts(path: Path, member: str, progress: Progress | None = None) -> Facts:
    """Fingerprint of the file as it lies on disk, and encoding and ending of its content."""
    with opened(path, member) as content:
        encoding, size, ending = _scanned(content, path, progress)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    packed = zipfile.is_zipfile(path) or containers.begins(path, b"\x1f\x8b")
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
        if size > containers.BOMB_BYTES and size > containers.BOMB_RATIO * on_disk:
            raise ImportRefused(f"{path.name}: unpacks to more than {containers.BOMB_RATIO} times its size; refused as a bomb")
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


class Torn(list[str]):
    """A line that is no record, as its only cell, and why."""

    def __init__(self, line: str, why: str):
        super().__init__([line.rstrip("\r\n")])
        self.why = why


def records(content: Iterator[str], delimiter: str, name: str, *, first: int = 0, width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line on which each ends; `first` lines were read before, `width` is the header's.

    Raises
    ------
    ImportRefused
        A record has very many columns.
    """
    before = csv.field_size_limit(LONGEST_FIELD)
    feed = _Feed(content, delimiter, first, width)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    try:
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield feed.number, Torn(feed.text, str(error).replace("delimiter expected", "the end of the cell expected"))
                continue
            if len(record) > MOST_COLUMNS:
                raise ImportRefused(f"{name}, line {feed.number}: {len(record):,} columns; is this the right file?")
            yield feed.number, record
    finally:
        csv.field_size_limit(before)


class _Feed:
    """One record's text at a time, for the csv module; raises its error for a line with a mark that is never closed."""

    def __init__(self, content: Iterator[str], delimiter: str, number: int, width: int):
        self._content, self._delimiter, self._width = content, delimiter, width
        self._again: deque[str] = deque()
        self.number, self.text = number, ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text = self._line()
        self.number += 1
        if line.count('"') % 2 == 0:
            return line
        lines, why = self._closed(line)
        if not why:
            self.number += len(lines) - 1
            self.text = "".join(lines)
            return self.text
        self._again.extendleft(reversed(lines[1:]))
        raise csv.Error(why)

    def _line(self) -> str:
        return self._again.popleft() if self._again else next(self._content)

    def _closed(self, line: str) -> tuple[list[str], str]:
        """The lines up to the one that closes the quotation, and what speaks against their being one record."""
        lines, length, odd = [line], len(line), True
        while odd:
            following = self._line() if self._again else next(self._content, None)
            if following is None:
                return lines, _CUT
            lines.append(following)
            length += len(following)
            odd ^= following.count('"') % 2 == 1
            if odd and (len(lines) > MOST_LINES or length > LONGEST_FIELD):
                return lines, _LONG
        return lines, "" if self._one(lines) else "a quotation mark that is not closed where its cell ends"

    def _one(self, lines: list[str]) -> bool:
        """Whether the lines are one record and not several with a stray mark in two of them."""
        try:
            (record,) = csv.reader(["".join(lines)], delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            return False
        if not self._width:
            return True
        full = [line.count(self._delimiter) == self._width - 1 for line in lines]
        return len(record) == self._width and (self._width < 3 or not (any(full[1:-1]) or (full[0] and full[-1])))


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
