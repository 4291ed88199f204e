"""One run at a time on the same trees.

The operating system holds the lock and drops it when its owner dies, so a lock cannot go stale; the file's content says
who holds it and since when, for the person who is told to wait.
"""

import contextlib
import json
import os
import socket
import time
from pathlib import Path


class Busy(RuntimeError):
    """Another run holds the lock."""


@contextlib.contextmanager
def held(folder: Path, run: str):
    """Hold the lock of `folder`; gives the record that a killed run left behind, or None."""
    with (folder / "lock").open("a+") as file:
        try:
            _acquire(file)
        except OSError as error:
            raise Busy(_owner(folder / "lock")) from error
        file.seek(0)
        left = _record(file.read())
        _replace(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "run": run}))
        try:
            yield left
        finally:
            _replace(file, "")


def _acquire(file):
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        file.seek(1 << 20)  # a byte behind the record, so that others can still read it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


def _replace(file, text):
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _record(text):
    try:
        return json.loads(text) if text else None
    except json.JSONDecodeError:
        return None


def _owner(path):
    record = _record(path.read_text())
    if record is None:
        return "another run is using these reports"
    age = max(0.0, time.time() - record["since"])
    return f"run {record['run']} is using these reports: process {record['pid']} on {record['host']}, for {age:,.0f} s"
