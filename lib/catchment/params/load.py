"""Portfolio defaults and one partner's own values, merged, validated and explained.

A partner file holds only what differs. Mappings merge key by key; lists and values replace. An assumption may be
overridden by a bare value (`psa_share: 0.6`) or by the keys that change; a value without a source of its own then says
that the partner's file set it, so that a page never shows the portfolio's citation beside another number.
"""

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from . import conflicts
from .explain import explain
from .settings import Settings
from .text import Mark, ParamsError, Problem, Source, nearest, read

PORTFOLIO = Path("params") / "portfolio.yml"
PARTNERS = Path("params") / "partners"
PARTNER_ID = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def root() -> Path:
    """The project's folder: $CATCHMENT_ROOT, or the nearest folder upwards that holds params/portfolio.yml."""
    given = os.environ.get("CATCHMENT_ROOT")
    for folder in [Path(given)] if given else [Path.cwd(), *Path.cwd().parents]:
        if (folder / PORTFOLIO).is_file():
            return folder.resolve()
    where = f"CATCHMENT_ROOT={given}" if given else f"{Path.cwd()} or above"
    raise ParamsError([Problem("", 0, "", f"no {PORTFOLIO.as_posix()} in {where}", "run inside the project or set CATCHMENT_ROOT")])


def partners(*, root: Path | None = None) -> list[str]:
    """Ids of all partners, sorted: the names of the files in params/partners."""
    folder = (root or _root()) / PARTNERS
    return sorted(path.stem for path in folder.glob("*.yml"))


def load(partner: str, *, root: Path | None = None) -> Settings:
    """Settings of one partner; raises ParamsError with every problem of its file and of the portfolio's.

    Where $CATCHMENT_AUDIENCE says that the page at work is the one for leadership, so does `audience`.
    """
    root = root or _root()
    settings, found = _validated(root, partner)
    if found or settings is None:
        raise ParamsError(found)
    if os.environ.get("CATCHMENT_AUDIENCE") == "leadership":  # it narrows and never widens: naming people is the settings' decision
        return settings.model_copy(update={"audience": "leadership"})
    return settings


def problems(*, root: Path | None = None) -> list[Problem]:
    """All problems of all settings files, each once, in order of file and line."""
    root = root or _root()
    names = partners(root=root)
    found = {problem for name in names for problem in _validated(root, name)[1]}
    if not names:
        found.add(Problem(PARTNERS.as_posix(), 1, "", "no partner file", "catchment new-partner ID writes one"))
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.key, problem.message))


_root = root  # `root` is also the name of the argument


@lru_cache(maxsize=8)
def _portfolio(path: Path, stamp: tuple[int, int] | None) -> Source:
    """The defaults as text; parsed once for all partners, and never changed by the merging."""
    return read(path, PORTFOLIO.as_posix())


def _validated(root: Path, partner: str) -> tuple[Settings | None, list[Problem]]:
    if not PARTNER_ID.fullmatch(partner) or partner not in partners(root=root):
        hint = nearest(partner, partners(root=root))
        return None, [
            Problem(
                (PARTNERS / f"{partner}.yml").as_posix() if PARTNER_ID.fullmatch(partner) else "", 1, "", f"no partner {partner!r}", hint
            )
        ]
    stat = (root / PORTFOLIO).stat() if (root / PORTFOLIO).exists() else None
    portfolio = _portfolio(root / PORTFOLIO, (stat.st_size, stat.st_mtime_ns) if stat else None)
    own = read(root / PARTNERS / f"{partner}.yml", (PARTNERS / f"{partner}.yml").as_posix())
    found = [*portfolio.problems, *own.problems, *_refused_id(portfolio, own)]
    merged = _Merged(portfolio, own)
    merged.tree["id"] = partner
    try:
        settings = Settings.model_validate(merged.tree)
    except ValidationError as error:
        return None, [*found, *(explain(each, Settings, merged.mark) for each in error.errors() if not _echo(each, found))]
    settings._root, settings._marks, settings._overridden = root, merged.marks, frozenset(merged.overridden)
    return settings, [*found, *_conflicts(settings, merged)]


def _conflicts(settings: Settings, merged: "_Merged") -> Iterator[Problem]:
    for name, rule in conflicts.RULES.items():
        for path, message, hint in rule(settings):
            place = merged.mark((name, *path))
            yield Problem(place.file, place.line, ".".join(map(str, (name, *path))), message, hint)


def _refused_id(*sources: Source) -> list[Problem]:
    hint = "rename the file to rename the partner"
    return [Problem(s.file, s.marks["id",].line, "id", "the file's name is the id", hint) for s in sources if "id" in s.tree]


def _echo(error: Any, found: list[Problem]) -> bool:
    """Whether a validation error only repeats what the YAML reader already said about the same key or an unreadable file."""
    key = ".".join(map(str, error["loc"]))
    return any(problem.key == key or (not problem.key and error["type"] == "missing") for problem in found)


class _Merged:
    """The tree of two sources, the mark of each value, and the paths of the assumptions that the partner overrides."""

    def __init__(self, portfolio: Source, own: Source):
        self.own = own
        self.overridden: set[tuple] = set()
        self.marks: dict[tuple, Mark] = dict(portfolio.marks)
        self.tree = self._merge(portfolio.tree, own.tree, ())

    def _merge(self, base: Any, over: Any, path: tuple) -> Any:
        assumption = isinstance(base, dict) and "value" in base and "unit" in base
        if assumption:
            return self._override(base, over if isinstance(over, dict) else {"value": over}, path, bare=not isinstance(over, dict))
        if isinstance(base, dict) and isinstance(over, dict):
            self._take(path)
            return base | {
                key: self._merge(base[key], value, (*path, key)) if key in base else self._new(value, (*path, key))
                for key, value in over.items()
            }
        if isinstance(base, dict | list):
            for known in [known for known in self.marks if known[: len(path)] == path]:
                del self.marks[known]
        return self._new(over, path)

    def _override(self, base: dict, over: dict, path: tuple, *, bare: bool) -> dict:
        self.overridden.add(path)
        self._take(path)
        for key in over:
            self.marks[*path, key] = self.own.marks[path if bare else (*path, key)]
        merged = base | over
        if "value" in over and "source" not in over:
            merged["source"] = f"set in {self.own.file} (portfolio: {base['value']})"
            merged["date"] = over.get("date")
            merged["confidence"] = over.get("confidence", "local")
        return merged

    def _new(self, value: Any, path: tuple) -> Any:
        nested = isinstance(value, dict | list)
        self.marks.update(
            {known: mark for known, mark in self.own.marks.items() if known[: len(path)] == path}
            if nested
            else {path: self.own.marks[path]}
        )
        return value

    def _take(self, path: tuple) -> None:
        if path in self.own.marks:
            self.marks[path] = self.own.marks[path]

    def mark(self, path: tuple) -> Mark:
        """Mark of the longest known beginning of `path`; a missing key is looked for in the partner's file."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.marks:
                return self.marks[path[:end]]
        return Mark(self.own.file, 1)
