"""One partner for a process: what it may open, and a wall round it for the processes that build pages.

`confine` cannot be undone: the process reads one partner from then on. Python's own `open` is watched by an audit hook, DuckDB is
locked to the files that the catalogue lists for the partner, and `Tables` of another partner are refused. What lies in one file
with rows of several partners is cut by its filter; give such a table a path with `{partner}` and the wall holds for it too.
"""

import os
import sys
from pathlib import Path

from ..params import Settings, partners
from ..params.load import PARTNERS
from .catalog import tables

_confined: list[str] = []
_walled: set[str] = set()


def readable(root: Path, partner: str) -> list[Path]:
    """Every data file that the catalogue lists for one partner, its own and the shared ones."""
    data = root / "data"
    patterns = {entry.path.replace("{partner}", partner) for entry in tables(root).values() if entry.path}
    return sorted({path for pattern in patterns for path in data.glob(pattern) if path.is_file()})


def private(root: Path, partner: str) -> set[Path]:
    """The files that hold one partner's own rows and settings."""
    data = root / "data"
    patterns = [entry.path.replace("{partner}", partner) for entry in tables(root).values() if "{partner}" in (entry.path or "")]
    return {path for pattern in patterns for path in data.glob(pattern)} | {root / PARTNERS / f"{partner}.yml"}


def confine(settings: Settings) -> None:
    """From now on this process reads the data of this partner only; a second partner is refused."""
    refuse_other(settings.id)
    if not _confined:
        own = private(settings.root, settings.id)
        others = {path for other in partners(root=settings.root) if other != settings.id for path in private(settings.root, other)}
        _walled.update(os.path.realpath(path) for path in others - own)
        _confined.append(settings.id)
        sys.addaudithook(_watch)


def refuse_other(partner: str) -> None:
    """Raise PermissionError when this process is confined to another partner."""
    if _confined and partner != _confined[0]:
        raise PermissionError(f"this process reads the data of {_confined[0]} only, not of {partner}")


def _watch(event: str, arguments: tuple) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes) and os.path.realpath(os.fsdecode(arguments[0])) in _walled:
        raise PermissionError(f"{Path(os.fsdecode(arguments[0])).name} belongs to another partner than {_confined[0]}")
