"""One process at a time on the same files: a run on its trees, an import on its table.

The operating system holds the lock and drops it when its owner dies, so a lock cannot go stale; the file's content says
who holds it and since when, for the person who is told to wait.
"""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


class Busy(RuntimeError):
    """Another process holds the lock."""


@contextlib.contextmanager
def held(path: Path, owner: str, using: str) -> Iterator[dict[str, Any] | None]:
    """Hold the lock file `path`; gives the record that a killed owner left behind, or None.

    `owner` names who holds it and `using` what for, as the one who is refused reads it: "run 7 is using these reports".
    """
    with path.open("a+") as file:
        try:
            _acquire(file)
        except OSError as error:
            raise Busy(_told(path, using)) from error
        file.seek(0)
        left = _record(file.read())
        _replace(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "owner": owner}))
        try:
            yield left
        finally:
            _replace(file, "")


def _acquire(file: IO[str]) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        file.seek(1 << 20)  # a byte behind the record, so that others can still read it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


def _replace(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _record(text: str) -> dict[str, Any] | None:
    """Who holds the lock; None where nobody has written it, or in words of another version."""
    try:
        record = json.loads(text) if text else None
    except json.JSONDecodeError:
        return None
    return record if record and "owner" in record else None


def _told(path: Path, using: str) -> str:
    record = _record(path.read_text())
    if record is None:
        return f"another process is using {using}"
    age = max(0.0, time.time() - record["since"])
    return f"{record['owner']} is using {using}: process {record['pid']} on {record['host']}, for {age:,.0f} s"
