"""One partner for a process: what it may open, and a wall round it for the processes that build pages.

`confine` cannot be undone: the process reads one partner from then on. Python's own `open` is watched by an audit hook, DuckDB is
locked to the files that the catalog lists for the partner, and `Tables` of another partner are refused. What lies in one file
with rows of several partners is cut by its filter; give such a table a path with `{partner}` and the wall holds for it too.
"""

import os
import re
import sys
from functools import cache
from pathlib import Path

from catchment.params import Settings
from catchment.params.load import PARTNERS

from .catalog import OWN, tables

_ID = "(?P<partner>[a-z][a-z0-9_-]*)"
_confined: list[str] = []
_walls: dict[str, re.Pattern[str]] = {}


def readable(root: Path, partner: str) -> list[Path]:
    """Every data file that the catalog lists for one partner, its own and the shared ones."""
    data = root / "data"
    patterns = {entry.path.replace("{partner}", partner) for entry in tables(root, partner).values() if entry.path}
    return sorted({path for pattern in patterns for path in data.glob(pattern) if path.is_file()})


def confine(settings: Settings) -> None:
    """From now on this process reads the data of this partner only; a second partner is refused."""
    refuse_other(settings.id)
    if not _confined:
        _walls.update(walls(settings.root))
        _confined.append(settings.id)
        sys.addaudithook(_watch)


def walls(root: Path) -> dict[str, re.Pattern[str]]:
    """The places of private files: those that the catalog writes, each partner's own folder and its settings; and what a path there
    looks like for any partner."""
    listed = {f"data/{entry.path}" for entry in tables(root).values() if "{partner}" in (entry.path or "")}
    own = {f"data/{OWN}/{{partner}}/**", f"{PARTNERS.as_posix()}/{{partner}}.yml", f"{PARTNERS.as_posix()}/{{partner}}.maps/**"}
    places = (f"{os.path.realpath(root)}/{path}" for path in sorted(listed | own))
    return {place: _pattern(place, _ID) for place in places}


@cache
def _pattern(place: str, partner: str) -> re.Pattern[str]:
    """A path of the catalog, with `*`, `**` and `{partner}`, as a regular expression."""
    first, second, *more = (re.escape(part).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for part in place.split("{partner}"))
    # A second mention of the partner is the same partner.
    return re.compile(first + partner + second + "".join((r"(?P=partner)" if partner == _ID else partner) + part for part in more))


def refuse_other(partner: str) -> None:
    """Raise PermissionError when this process is confined to another partner."""
    if _confined and partner != _confined[0]:
        raise PermissionError(f"this process reads the data of {_confined[0]} only, not of {partner}")


def _watch(event: str, arguments: tuple) -> None:
    if event != "open" or not isinstance(arguments[0], str | bytes):
        return
    path = os.path.realpath(os.fsdecode(arguments[0]))
    if any(anyone.fullmatch(path) and not _pattern(place, re.escape(_confined[0])).fullmatch(path) for place, anyone in _walls.items()):
        raise PermissionError(f"{Path(path).name} belongs to another partner than {_confined[0]}")
