"""Replacing several files as one: whole files, in a logged step that a killed run leaves complete or undone.

New contents are written aside and synced; one rename of their folder is the moment of decision; then each file is moved
into place. A process killed before the rename has changed nothing. Killed after it, the next command (`recover`) moves
what is left. A reader never sees half a file.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

STATE = ".run"


def commit(folder: Path, files: Mapping[str, bytes], *, remove: Iterable[str] = ()) -> None:
    """Write `files` (path below `folder` -> content), in their order, and remove others, all or nothing."""
    recover(folder)
    state = folder / STATE
    aside = Path(tempfile.mkdtemp(prefix="aside-", dir=state))
    try:
        for number, content in enumerate(files.values()):
            _write(aside / str(number), content)
        _write(aside / "plan.json", json.dumps({"files": list(files), "remove": list(remove)}).encode())
        _sync(aside)
        aside.rename(state / "commit")
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _sync(state)
    _apply(folder)


def recover(folder: Path) -> bool:
    """Finish what a killed process had decided and drop what it had not; whether there was something to finish."""
    state = folder / STATE
    state.mkdir(parents=True, exist_ok=True)
    for leftover in [*state.glob("aside-*"), *state.glob("done-*")]:
        shutil.rmtree(leftover)
    if (state / "commit").exists():
        _apply(folder)
        return True
    return False


def _apply(folder):
    decided = folder / STATE / "commit"
    plan = json.loads((decided / "plan.json").read_text())
    for number, name in enumerate(plan["files"]):
        source, target = decided / str(number), folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
            _sync(target.parent)
    for name in plan["remove"]:
        (folder / name).unlink(missing_ok=True)
    done = decided.with_name(f"done-{os.getpid()}")
    decided.rename(done)
    shutil.rmtree(done)


def replace(path: Path, content: bytes) -> None:
    """Write one file whole: aside, synced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    _write(aside, content)
    aside.replace(path)


def _write(path, content):
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder):
    if os.name != "posix":
        return  # a folder cannot be opened elsewhere
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
