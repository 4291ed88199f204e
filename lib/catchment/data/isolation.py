"""One partner for a process: what it may open, and a wall round it for the processes that build pages.

`confine` cannot be undone: the process reads one partner from then on. Python's own `open` is watched by an audit hook, DuckDB is
locked to the files that the catalogue lists for the partner, and `Tables` of another partner are refused. What lies in one file
with rows of several partners is cut by its filter; give such a table a path with `{partner}` and the wall holds for it too.
"""

import os
import re
import sys
from pathlib import Path

from ..params import Settings
from ..params.load import PARTNERS
from .catalog import tables

_ID = "(?P<partner>[a-z][a-z0-9_-]*)"
_confined: list[str] = []
_walls: list[tuple[re.Pattern[str], re.Pattern[str]]] = []


def readable(root: Path, partner: str) -> list[Path]:
    """Every data file that the catalogue lists for one partner, its own and the shared ones."""
    data = root / "data"
    patterns = {entry.path.replace("{partner}", partner) for entry in tables(root).values() if entry.path}
    return sorted({path for pattern in patterns for path in data.glob(pattern) if path.is_file()})


def confine(settings: Settings) -> None:
    """From now on this process reads the data of this partner only; a second partner is refused."""
    refuse_other(settings.id)
    if not _confined:
        paths = [f"data/{entry.path}" for entry in tables(settings.root).values() if "{partner}" in (entry.path or "")]
        for path in [*paths, (PARTNERS / "{partner}.yml").as_posix()]:
            whole = f"{os.path.realpath(settings.root)}/{path}"
            _walls.append((_pattern(whole, _ID), _pattern(whole, re.escape(settings.id))))
        _confined.append(settings.id)
        sys.addaudithook(_watch)


def _pattern(path: str, partner: str) -> re.Pattern[str]:
    """A path of the catalogue, with `*` and `{partner}`, as a regular expression."""
    parts = [re.escape(part).replace(r"\*", "[^/]*") for part in path.split("{partner}")]
    # A second mention of the partner is the same partner.
    return re.compile(partner.join(parts[:2]) + "".join((r"(?P=partner)" if "?P<" in partner else partner) + part for part in parts[2:]))


def refuse_other(partner: str) -> None:
    """Raise PermissionError when this process is confined to another partner."""
    if _confined and partner != _confined[0]:
        raise PermissionError(f"this process reads the data of {_confined[0]} only, not of {partner}")


def _watch(event: str, arguments: tuple) -> None:
    if event != "open" or not isinstance(arguments[0], str | bytes):
        return
    path = os.path.realpath(os.fsdecode(arguments[0]))
    if any(anyone.fullmatch(path) and not own.fullmatch(path) for anyone, own in _walls):
        raise PermissionError(f"{Path(path).name} belongs to another partner than {_confined[0]}")
