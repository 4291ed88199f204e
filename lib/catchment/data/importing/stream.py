"""Files to lines of text, within bounds: encodings, marks of old systems, and files that are out to hurt.

One pass over the bytes first settles what the file is (its fingerprint, its encoding, whether it ends where a row ends);
the second reads lines one by one.
"""

import codecs
import hashlib
import io
import itertools
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from . import containers
from .containers import ImportRefused, opened
from .records import MOST_COLUMNS, Torn, records

__all__ = ["MOST_COLUMNS", "Facts", "ImportRefused", "Torn", "facts", "facts_of_binary", "lines", "opened", "opened_text", "records"]
LONGEST_LINE = 4_000_000
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
