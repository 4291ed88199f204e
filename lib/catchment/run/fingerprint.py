"""What a page depended on when it was built, and what of that has changed since.

A page depends on its notebook, the library modules that the notebook imports, its partner's resolved settings, the rows
and catalog entries it read, the headlines of the pages it needs, and the installed packages. Each question is asked
cheaply first (same bytes, same size and time of a file) and exactly only when the cheap answer is no: an edited comment in a
settings file resolves to the same settings, an edited table may hold the same rows for this partner. When nothing has
changed, neither pandas nor the settings' models are loaded.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from . import library, plan
from .plan import Page
from .site import store
from .site.trees import INTERNAL

OBJECTS = "objects"


def sha(value: Any) -> str:
    """SHA-256 of bytes, or of a value as canonical JSON."""
    content = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()


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
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def prune(self, used: set[str]) -> None:
        """Drop the values that no page refers to any more."""
        for path in self.folder.glob("*.json"):
            if path.stem not in used:
                path.unlink()


class Fingerprints:
    """The present state of everything that pages depend on; each part is read once in a run."""

    def __init__(self, root: Path, state: Path):
        self.root, self.objects = root, Objects(state)
        self._memo_path = state / "files.json"
        self._memo: dict[str, list] = json.loads(self._memo_path.read_text()) if self._memo_path.exists() else {}
        self._fresh: dict[str, str] = {}
        self.refreshed = 0  # entries whose cheap answer was brought up to date
        self._settings: dict[str, Any] = {}

    def save(self) -> None:
        """Keep the hashes of files for the next run."""
        store.replace(self._memo_path, json.dumps(self._memo).encode())

    # What there is now.

    def file(self, path: str) -> str | None:
        """SHA-256 of a file below the root, hashed again only when its size or time changed; None when it is gone."""
        if path not in self._fresh:
            full = self.root / path
            if not full.is_file():
                return None
            stat = full.stat()
            known = self._memo.get(path)
            if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
                known = self._memo[path] = [stat.st_size, stat.st_mtime_ns, sha(full.read_bytes())]
            self._fresh[path] = known[2]
        return self._fresh[path]

    @cached_property
    def notebooks(self) -> dict[str, plan.Notebook]:
        return plan.notebooks(self.root)

    def others(self, audience: str) -> list[tuple[str, str]]:
        """Title and address of the pages that a partner has for this audience."""
        return [(each.title, f"{each.name}.html") for each in self.notebooks.values() if audience in each.audiences]

    @cache  # noqa: B019 - one object lives as long as one run
    def notebook(self, name: str) -> str:
        notebook = self.notebooks[name]
        cells = [[cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", [])] for cell in notebook.cells]
        return sha([notebook.title, notebook.order, notebook.needs, cells])

    @cache  # noqa: B019
    def library(self, name: str) -> dict[str, str]:
        return library.modules(plan.imports(self.notebooks[name]), self._survey)

    def preload(self, notebooks: Iterable[str]) -> list[str]:
        """What the page server imports for these notebooks."""
        return library.preload([name for each in notebooks for name in plan.imports(self.notebooks[each])], self._survey)

    @cache  # noqa: B019
    def _survey(self, path: Path) -> tuple[str, list[str]]:
        stat = path.stat()
        known = self._memo.get(str(path))
        if known is None or known[:2] != [stat.st_size, stat.st_mtime_ns]:
            known = self._memo[str(path)] = [stat.st_size, stat.st_mtime_ns, *library.survey(path)]
        return known[2], known[3]

    @staticmethod
    @cache
    def environment() -> list[str]:
        """Installed distributions by the names of their folders, and the interpreter."""
        places = {Path(place) for place in sys.path if place.endswith(("site-packages", "dist-packages"))}
        installed = {path.name.removesuffix(".dist-info") for place in places for path in place.glob("*.dist-info")}
        return [f"Python {sys.version.split()[0]}", *sorted(installed)]

    @cache  # noqa: B019
    def written(self, partner: str) -> str:
        """Hash of the settings as they are written."""
        return sha([self.file("params/portfolio.yml"), self.file(f"params/partners/{partner}.yml")])

    def settings(self, partner: str) -> Any:
        if partner not in self._settings:
            from catchment import params

            self._settings[partner] = params.load(partner, root=self.root)
        return self._settings[partner]

    def choices(self, partner: str) -> dict[str, Any]:
        """What decides which pages a partner has: whether it has internal readers, and what comes with its pages."""
        known = self._memo.get(f"choices {partner}")
        if known is None or known[0] != self.written(partner):
            settings = self.settings(partner)
            found = {"internal": settings.audience == INTERNAL, "pdf": settings.run.pdf, "deck": settings.run.deck}
            known = self._memo[f"choices {partner}"] = [self.written(partner), found]
        return known[1]

    def resolved(self, page: Page) -> dict[str, Any]:
        """The settings that a page can depend on, by their dotted names: not the runner's own, nor other notebooks' parameters."""
        own = f"notebooks.{page.notebook}."
        flat = (self._flat_settings(page.partner) | {"audience": page.audience}).items()
        return {name: value for name, value in flat if not name.startswith(("run.", "notebooks.")) or name.startswith(own)}

    @cache  # noqa: B019
    def _flat_settings(self, partner: str) -> dict[str, Any]:
        return _flat(self.settings(partner).model_dump(mode="json"), "")

    @cache  # noqa: B019
    def matches(self, pattern: str) -> tuple[str, ...]:
        """Files below the root that a table's path names."""
        if not set("*?[") & set(pattern):
            return (pattern,) if (self.root / pattern).is_file() else ()
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern)))

    # What a page used.

    def before(self, page: Page, needs: dict[str, Any]) -> dict[str, Any]:
        """The part of a page's inputs that is known before it is built; a change made meanwhile then counts as one."""
        return {
            "notebook": self.notebook(page.notebook),
            "library": self.objects.keep(self.library(page.notebook)),
            "written": self.written(page.partner),
            "params": self.objects.keep(self.resolved(page)),
            "environment": self.objects.keep(self.environment()),
            "needs": sha(needs),
            "others": sha(self.others(page.audience)),
        }

    def reads(self, partner: str, journal: list[dict[str, Any]], since: float) -> dict[str, Any]:
        """The tables a page read: the questions it asked, and the state of the files that answered.

        A file written after `since` (seconds since the epoch) may have been read before or after that: it gets no hash, so
        that the next run asks for its rows.
        """
        from catchment.data import catalog

        entries = catalog.tables(self.root, partner)
        names = sorted({item["table"] for item in journal})
        patterns = {name: f"data/{entries[name].path.replace('{partner}', partner)}" if entries[name].path else None for name in names}
        paths = {path for pattern in patterns.values() if pattern for path in self.matches(pattern)}
        hashes = {path: self.file(path) if (self.root / path).stat().st_mtime < since else None for path in sorted(paths)}
        questions = list({sha(item): item for item in journal}.values())
        return {
            "catalog": self.file("data/catalog.yml"),
            "entries": {name: catalog.entry_digest(name, self.root, partner) for name in names},
            "patterns": patterns,
            "files": hashes,
            "questions": self.objects.keep(questions),
        }

    # What has changed.

    def changes(self, page: Page, entry: dict[str, Any] | None, needs: dict[str, Any]) -> list[str]:
        """Why a page has to be built again, in words; nothing when it is up to date."""
        if entry is None or not entry["path"]:
            return ["it has not been built"]
        if entry["failure"]:
            return ["its last build failed"]
        inputs = entry["inputs"]
        return [
            *(["the notebook changed"] if inputs["notebook"] != self.notebook(page.notebook) else []),
            *self._library_changes(page, inputs),
            *self._params_changes(page, inputs),
            *self._environment_changes(inputs),
            *(["a page it needs says something else"] if inputs["needs"] != sha(needs) else []),
            *(["the list of the partner's pages changed"] if inputs["others"] != sha(self.others(page.audience)) else []),
            *self._data_changes(page, inputs["reads"]),
        ]

    def _library_changes(self, page, inputs):
        now = self.library(page.notebook)
        if inputs["library"] == sha(now):
            return []
        return _differences("library module", self.objects.get(inputs["library"]), now, values=False)

    def _params_changes(self, page, inputs):
        if inputs["written"] == self.written(page.partner):
            return []
        now = self.resolved(page)
        if inputs["params"] == sha(now):
            inputs["written"] = self.written(page.partner)
            self.refreshed += 1
            return []
        return _differences("setting", self.objects.get(inputs["params"]), now, values=True)

    def _environment_changes(self, inputs):
        if inputs["environment"] == sha(self.environment()):
            return []
        before = self.objects.get(inputs["environment"])
        return _differences("package", before and dict.fromkeys(before, ""), dict.fromkeys(self.environment(), ""), values=False)

    def _data_changes(self, page, reads):
        found = []
        if reads["catalog"] != self.file("data/catalog.yml"):
            from catchment.data import catalog

            known = catalog.tables(self.root, page.partner)
            found += [
                f"catalog entry {name} changed"
                for name, digest in reads["entries"].items()
                if name not in known or catalog.entry_digest(name, self.root, page.partner) != digest
            ]
            if not found:
                reads["catalog"] = self.file("data/catalog.yml")
                self.refreshed += 1
        now = {path: self.file(path) for pattern in reads["patterns"].values() if pattern for path in self.matches(pattern)}
        if now == reads["files"] and None not in now.values() and None not in reads["patterns"].values():
            return found
        touched = {
            path for path in now.keys() | reads["files"].keys() if now.get(path) is None or now.get(path) != reads["files"].get(path)
        }
        changed = self._changed_rows(page, reads, touched)
        if not changed and reads["files"] != now:
            reads["files"] = now
            self.refreshed += 1
        return found + changed

    def _changed_rows(self, page, reads, touched):
        """Tables whose files changed and that answer the page's questions differently."""
        from catchment import data

        questions = self.objects.get(reads["questions"])
        if questions is None:
            return ["what it read is no longer known"]
        tables = {
            name
            for name, pattern in reads["patterns"].items()
            if pattern is None or set(self.matches(pattern)) & touched or not self.matches(pattern)
        }
        found = {}
        for item in questions:
            if item["table"] in tables and item["table"] not in found:
                try:
                    same = data.reread(item, self.settings(page.partner)) == item["digest"]
                except data.DataError:
                    same = False  # the build will say what is wrong with it
                if not same:
                    found[item["table"]] = f"rows of table {item['table']} changed"
        return list(found.values())


def _flat(value, name):
    """The leaves of nested settings by their dotted names."""
    if not (isinstance(value, dict) and value):
        return {name: value}
    leaves = {}
    for key, item in value.items():
        leaves |= _flat(item, f"{name}.{key}" if name else str(key))
    return leaves


def _differences(kind, before, now, *, values):
    if before is None:
        return [f"{kind}s changed"]
    keys = sorted(before.keys() | now.keys())
    found = []
    for key in keys:
        if key not in now:
            found.append(f"{kind} {key} is gone")
        elif key not in before:
            found.append(f"{kind} {key} is new")
        elif before[key] != now[key]:
            found.append(f"{kind} {key} changed" + (f" from {json.dumps(before[key])} to {json.dumps(now[key])}" if values else ""))
    return found
