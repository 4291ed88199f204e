"""What runs remember from one to the next: hashes of files, and small values that many pages share.

Both are caches: what is missing, cut or of another version is worked out again.
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .site import store

OBJECTS = "objects"
FILES = "files.json"
SETTLED_S = 2.0  # a file changed so lately may change once more without a trace: its hash is not kept


def sha(value: Any) -> str:
    """SHA-256 of bytes, or of a value as canonical JSON."""
    content = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()


def _json(path: Path) -> Any:
    """What a file holds; None for one that is missing or cut."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


class Objects:
    """Small JSON values kept by their hash, so that pages share them (module lists, settings, package lists)."""

    def __init__(self, state: Path):
        self.folder = state / OBJECTS

    def keep(self, value: Any) -> str:
        name = sha(value)
        path = self.folder / f"{name}.json"
        if not path.exists():
            store.replace(path, json.dumps(value, default=str).encode())
        return name

    def get(self, name: str) -> Any:
        """The value; None when it is no longer there, or no longer what it was."""
        found = _json(self.folder / f"{name}.json")
        return found if found is not None and sha(found) == name else None

    def prune(self, used: set[str]) -> None:
        """Drop the values that no page refers to any more."""
        for path in self.folder.glob("*.json"):
            if path.stem not in used:
                path.unlink()


class Files:
    """What was found out about files, asked anew only of those whose size, times or number on the disk changed."""

    def __init__(self, state: Path):
        self._path = state / FILES
        known = _json(self._path)
        self.known: dict[str, list] = known if isinstance(known, dict) else {}
        self._fresh: dict[str, Any] = {}

    def save(self) -> None:
        store.replace(self._path, json.dumps(self.known).encode())

    def about(self, path: Path, ask: Callable[[Path], Any], kind: str = "") -> Any:
        """`ask(path)`, whose answer JSON can hold; None where there is no such file. It is asked once in a run at most.

        `kind` tells questions about the same file apart.
        """
        name = f"{kind}{path}"
        if name not in self._fresh:
            self._fresh[name] = self._asked(path, name, ask)
        return self._fresh[name]

    def _asked(self, path: Path, name: str, ask: Callable[[Path], Any]) -> Any:
        try:
            state = path.stat()
            if not path.is_file():
                return None
            seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
            known = self.known.get(name)
            if known is None or known[0] != seen:
                known = [seen, ask(path)]
                if time.time() - max(state.st_mtime, state.st_ctime) > SETTLED_S:
                    self.known[name] = known
            return known[1]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def sha(self, path: Path) -> str | None:
        """SHA-256 of a file."""
        return self.about(path, content)


def content(path: Path) -> str:
    """SHA-256 of what a file holds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
