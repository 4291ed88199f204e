"""Replacing several files as one: whole files, in a logged step that a killed run leaves complete or undone.

New contents are written aside and synced; one rename of their folder is the moment of decision; then files that shall be
kept get a second name (a hard link), and each new file is moved into place. A process killed before the rename has changed
nothing. Killed after it, the next command (`recover`) does what is left. A reader never sees half a file.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def commit(state: Path, files: Mapping[Path, bytes], *, keep: Mapping[Path, Path] | None = None, remove: Iterable[Path] = ()) -> None:
    """Write `files` (path -> content) in their order, and remove others, all or nothing.

    `keep` gives files that are about to be replaced a second path (second path -> path). `state` is the folder of the log;
    it may lie on another file system than the files.
    """
    recover(state)
    aside = Path(tempfile.mkdtemp(prefix="aside-", dir=state))
    try:
        for number, content in enumerate(files.values()):
            _write(aside / str(number), content)
        told = {
            "keep": [[_told(target, state), _told(source, state)] for target, source in (keep or {}).items()],
            "files": [_told(path, state) for path in files],
            "remove": [_told(path, state) for path in remove],
        }
        _write(aside / "plan.json", json.dumps(told).encode())
        _sync(aside)
        aside.rename(state / "commit")
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _sync(state)
    _apply(state)


def _told(path: Path, state: Path) -> str:
    """A path as the plan tells it: from the state's folder, so that trees that were moved are found."""
    return os.path.relpath(path, state)


def recover(state: Path) -> bool:
    """Finish what a killed process had decided and drop what it had not; whether there was something to finish."""
    state.mkdir(parents=True, exist_ok=True)
    for leftover in [*state.glob("aside-*"), *state.glob("done-*")]:
        shutil.rmtree(leftover)
    if (state / "commit").exists():
        _apply(state)
        return True
    return False


def _apply(state: Path) -> None:
    decided = state / "commit"
    plan = json.loads((decided / "plan.json").read_text())
    _keep([[state / target, state / source] for target, source in plan["keep"]])
    folders = set()
    for number, name in enumerate(plan["files"]):
        source, target = decided / str(number), Path(os.path.normpath(state / name))
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _move(source, target)
            folders.add(target.parent)
    for folder in folders:
        _sync(folder)
    for name in plan["remove"]:
        _remove(state / name)
    done = decided.with_name(f"done-{os.getpid()}")
    decided.rename(done)
    shutil.rmtree(done)


def _keep(pairs: list[list[Path]]) -> None:
    """Second names for files; all of them before the first file is replaced, so a name that is missing later was never due."""
    for target, source in pairs:
        if source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.hardlink_to(source)
            except OSError:  # a file system without hard links
                replace(target, source.read_bytes())
    for folder in {target.parent for target, _ in pairs if target.parent.exists()}:
        _sync(folder)


def _move(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        replace(target, source.read_bytes())
        source.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Write one file whole: aside, synced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    _write(aside, content)
    aside.replace(path)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return  # a folder cannot be opened elsewhere
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
