"""What every run did: one line of JSON for each event in the log, one for each run in the history.

Lines are written at once and synced; a line that a killed run left incomplete is skipped by readers and ended by the next
writer. Secrets never get in.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catchment.run import secret

RUNS = "history.jsonl"
EVENTS = "log.jsonl"
LARGEST = 20_000_000  # bytes after which the log starts anew, keeping its predecessor


def append(state: Path, name: str, record: dict[str, Any]) -> None:
    """Add one line."""
    path = state / name
    line = secret.masked(json.dumps(record, ensure_ascii=False, default=str)) + "\n"
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else "\n" + line
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def read(state: Path, name: str = RUNS) -> Iterator[dict[str, Any]]:
    """All whole lines, oldest first."""
    path = state / name
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # the run that wrote it was killed


class Log:
    """Events of one run, each with its time and the run's id."""

    def __init__(self, state: Path, run: str):
        self.state, self.run = state, run
        path = state / EVENTS
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old"))

    def __call__(self, event: str, **facts: Any) -> None:
        append(self.state, EVENTS, {"at": now(), "run": self.run, "event": event, **facts})


def now() -> str:
    """This second in UTC, ISO 8601."""
    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
