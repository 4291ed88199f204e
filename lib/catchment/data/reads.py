"""What this process has read of the tables: which there were, which files lay behind them, and what these held when they were read.

A page never mixes two states of a file. Where `pin` has named a folder, as it has for a page, the files behind a table are listed
once, and each is copied into that folder when it is first asked for; from then on the copy is read. Its hash is that of the bytes
that were read, whatever becomes of the original. By hand, in JupyterLab, nothing is copied and nothing is hashed.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from .problem import DataError, Problem

TRIES = 5  # times that a file which changes while it is copied is copied again
PIECE = 1 << 20


@dataclass
class Journal:
    """What was asked for, in a form that JSON can hold."""

    entries: dict[str, str | None] = field(default_factory=dict)
    """Table -> SHA-256 of its entry; None for a table that there was not."""
    patterns: dict[str, str | None] = field(default_factory=dict)
    """Table -> where its files are, below the project's folder; None for a table in a database."""
    files: dict[str, str] = field(default_factory=dict)
    """File -> SHA-256 of what was read."""
    questions: list[dict[str, Any]] = field(default_factory=list)
    """What databases were asked, each with the digest of the answer."""

    def clear(self) -> None:
        for part in (self.entries, self.patterns, self.files, self.questions):
            part.clear()

    def plain(self) -> dict[str, Any]:
        return asdict(self)


journal = Journal()
_folder: list[Path] = []
_listed: dict[tuple[Path, str], list[Path]] = {}
_copies: dict[Path, Path] = {}
_known: dict[Path, str] = {}  # hashes of the copies


def pin(folder: Path) -> None:
    """From now on this process lists the files of a table once and reads them from copies in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _folder.append(folder)


def pinned() -> Path | None:
    """The folder of the copies, where there is one."""
    return _folder[-1] if _folder else None


def listed(root: Path, pattern: str, find: Callable[[], list[Path]]) -> list[Path]:
    """The files of a table: found anew each time, or as they were when a page first asked."""
    if not _folder:
        return find()
    if (root, pattern) not in _listed:
        _listed[root, pattern] = find()
    return _listed[root, pattern]


def taken(path: Path, shown: str, table: str) -> Path:
    """Where to read a file: itself, or the copy that a page keeps of it."""
    if not _folder:
        return path
    if path not in _copies:
        copy = _folder[-1] / f"{len(_copies)}-{path.name}"
        journal.files[shown] = _copied(path, copy, shown, table)
        _copies[path] = copy
        _known[copy] = journal.files[shown]
    return _copies[path]


def _copied(path: Path, copy: Path, shown: str, table: str) -> str:
    """Copy a file in one piece of time; SHA-256 of what was copied."""
    for _ in range(TRIES):
        digest = hashlib.sha256()
        with path.open("rb") as source, copy.open("wb") as target:
            before = _state(source)
            while piece := source.read(PIECE):
                digest.update(piece)
                target.write(piece)
            if _state(source) == before:
                return digest.hexdigest()
    raise DataError(Problem(table, "a file that stands still", "one that changed each time it was read", file=shown))


def _state(file: IO[bytes]) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256(path: Path) -> str:
    """SHA-256 of a file; of a page's copy it is known."""
    return _known.get(path) or _sum(path, path.stat().st_size, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _sum(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
