"""What a page depended on when it was built, and what of that has changed since.

A page depends on its notebook, its partner's resolved settings, the headlines of the pages it needs, the installed packages, and
on all that its process noted while it was built (`build.witness`): modules of the library and of the project, the entries of tables,
which files lay behind them and what these held, what a database answered, other files, folders, and variables of the environment.
Hashes of what is known beforehand are taken before the build: what changes meanwhile then counts as a change. When nothing has
changed, neither pandas nor the settings' models are loaded.
"""

import json
import sys
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from . import library, plan
from .library import Survey
from .memory import Files, Objects, sha
from .plan import Page
from .site.trees import INTERNAL

NOTED = ("files", "exist", "folders", "variables")
NOISE = ("collapsed", "scrolled", "execution", "ExecuteTime", "jupyter", "trusted")  # what editors write into a cell's metadata


class Fingerprints:
    """The present state of everything that pages depend on; each part is read once in a run."""

    def __init__(self, root: Path, state: Path):
        self.root, self.objects, self.files = root, Objects(state), Files(state)
        self.refreshed = 0  # entries whose cheap answer was brought up to date
        self._settings: dict[str, Any] = {}

    # What there is now.

    def file(self, path: str) -> str | None:
        """SHA-256 of a file below the root; None when it is gone."""
        return self.files.sha(self.root / path)

    @cached_property
    def notebooks(self) -> dict[str, plan.Notebook]:
        return plan.notebooks(self.root)

    def others(self, audience: str) -> list[tuple[str, str]]:
        """Title and address of the pages that a partner has for this audience."""
        return [(each.title, f"{each.name}.html") for each in self.notebooks.values() if audience in each.audiences]

    @cache  # noqa: B019 - one object lives as long as one run
    def notebook(self, name: str) -> str:
        book = json.loads(self.notebooks[name].source)
        kept = {key: value for key, value in book["metadata"].items() if key not in ("kernelspec", "language_info", "widgets")}
        kept["catchment"] = {key: value for key, value in kept["catchment"].items() if key not in ("audience", "deck")}
        return sha([kept, [_cell(cell) for cell in book["cells"]]])

    def library(self, roots: Iterable[str]) -> dict[str, str]:
        """The library's modules behind those that a page's process asked for."""
        return library.modules(roots, self._survey)

    @cached_property
    def surroundings(self) -> str:
        """What makes the pages around the reports."""
        return sha(library.surroundings(self._survey))

    @cached_property
    def code(self) -> str:
        """All of the library as it was when the run began: what is loaded later is not newer than this says."""
        return sha(library.everything(self._survey))

    def preload(self, notebooks: Iterable[str]) -> list[str]:
        """What the page server imports for these notebooks."""
        return library.preload([name for each in notebooks for name in plan.imports(self.notebooks[each])], self._survey)

    def _survey(self, path: Path) -> Survey:
        digest, imports, homes = self.files.about(path, lambda path: list(library.survey(path)), "survey ")
        return digest, imports, homes

    @cache  # noqa: B019
    def _module(self, path: str) -> str | None:
        full = library.FOLDER / path
        return self._survey(full)[0] if full.is_file() else None

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

    @cache  # noqa: B019
    def cataloged(self, partner: str) -> str:
        """Hash of what decides which tables a partner has: entries as they are written, and the names of its own files."""
        from catchment.data import catalog

        paths = [path.relative_to(self.root).as_posix() for path in catalog.sources(self.root, partner)]
        return sha([[path, self.file(path) if path.endswith(".yml") else None] for path in paths])

    def settings(self, partner: str) -> Any:
        if partner not in self._settings:
            from catchment import params

            self._settings[partner] = params.load(partner, root=self.root)
        return self._settings[partner]

    def choices(self, partner: str) -> dict[str, Any]:
        """What decides which pages a partner has: whether it has internal readers, and what comes with its pages."""
        known = self.files.known.get(f"choices {partner}")
        if known is None or known[0] != self.written(partner):
            settings = self.settings(partner)
            found = {"internal": settings.audience == INTERNAL, "pdf": settings.run.pdf, "deck": settings.run.deck}
            known = self.files.known[f"choices {partner}"] = [self.written(partner), found]
        return known[1]

    def resolved(self, page: Page) -> dict[str, Any]:
        """The settings that a page can depend on, by their dotted names: not the runner's own, nor other notebooks' parameters."""
        own = f"notebooks.{page.notebook}."
        flat = (self._flat_settings(page.partner) | {"audience": page.audience}).items()
        return {name: value for name, value in flat if not name.startswith(("run.", "notebooks.")) or name.startswith(own)}

    @cache  # noqa: B019
    def _flat_settings(self, partner: str) -> dict[str, Any]:
        settings = self.settings(partner)
        own = {f"{'.'.join(map(str, path))} (by whom)": "partner" for path in settings.overridden}
        return _flat(settings.model_dump(mode="json"), "") | own

    @cache  # noqa: B019
    def matches(self, pattern: str) -> tuple[str, ...]:
        """Files below the root that a table's path names."""
        if not set("*?[") & set(pattern):
            return (pattern,) if (self.root / pattern).is_file() else ()
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern) if path.is_file()))

    # What a page used.

    def before(self, page: Page, needs: dict[str, Any]) -> dict[str, Any]:
        """The part of a page's inputs that is known before it is built."""
        return {
            "notebook": self.notebook(page.notebook),
            "written": self.written(page.partner),
            "params": self.objects.keep(self.resolved(page)),
            "environment": self.objects.keep(self.environment()),
            "needs": sha(needs),
            "others": sha(self.others(page.audience)),
            "cataloged": self.cataloged(page.partner),
        }

    def noted(self, reads: dict[str, Any]) -> dict[str, Any]:
        """The part that its process noted while it was built."""
        tables = reads.get("tables") or {"entries": {}, "patterns": {}, "files": {}, "questions": []}
        questions = list({sha(item): item for item in tables["questions"]}.values())
        beside = {name: reads[name] for name in NOTED if reads.get(name)}
        return {
            "library": self.objects.keep(self.library(reads.get("modules", ()))),
            "tables": tables | {"questions": self.objects.keep(questions) if questions else None},
            "beside": self.objects.keep(beside) if beside else None,
        }

    @staticmethod
    def kept(inputs: dict[str, Any]) -> set[str]:
        """Names of the shared values that a page's inputs refer to."""
        names = [inputs[name] for name in ("params", "environment", "library", "beside")]
        return {name for name in [*names, inputs["tables"]["questions"]] if name}

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
            *self._library_changes(inputs["library"]),
            *self._params_changes(page, inputs),
            *self._environment_changes(inputs["environment"]),
            *(["a page it needs says something else"] if inputs["needs"] != sha(needs) else []),
            *(["the list of the partner's pages changed"] if inputs["others"] != sha(self.others(page.audience)) else []),
            *self._entry_changes(page, inputs),
            *self._file_changes(inputs["tables"]),
            *(self._beside_changes(inputs["beside"]) if inputs["beside"] else []),
            *(self._answer_changes(page, inputs["tables"]["questions"]) if inputs["tables"]["questions"] else []),
        ]

    @cache  # noqa: B019 - many pages share one list of modules
    def _library_changes(self, name: str) -> list[str]:
        before = self.objects.get(name)
        return _differences("library module", before, {path: self._module(path) for path in before or ()}, values=False)

    def _params_changes(self, page: Page, inputs: dict[str, Any]) -> list[str]:
        if inputs["written"] == self.written(page.partner):
            return []
        now = self.resolved(page)
        if inputs["params"] == sha(now):
            inputs["written"] = self.written(page.partner)
            self.refreshed += 1
            return []
        return _differences("setting", self.objects.get(inputs["params"]), now, values=True)

    @cache  # noqa: B019
    def _environment_changes(self, name: str) -> list[str]:
        if name == sha(self.environment()):
            return []
        before = self.objects.get(name)
        return _differences("package", before and dict.fromkeys(before, True), dict.fromkeys(self.environment(), True), values=False)

    def _entry_changes(self, page: Page, inputs: dict[str, Any]) -> list[str]:
        """Tables that are new, gone or described otherwise; the catalog is read only when what it rests on changed."""
        if inputs["cataloged"] == self.cataloged(page.partner):
            return []
        from catchment.data import catalog

        known = catalog.tables(self.root, page.partner)
        now = {name: catalog.digest(known[name]) if name in known else None for name in inputs["tables"]["entries"]}
        found = _differences("table", inputs["tables"]["entries"], now, values=False)
        if not found:
            inputs["cataloged"] = self.cataloged(page.partner)
            self.refreshed += 1
        return found

    def _file_changes(self, tables: dict[str, Any]) -> list[str]:
        now = {path: self.file(path) for pattern in tables["patterns"].values() if pattern for path in self.matches(pattern)}
        return _differences("file", tables["files"], now | dict.fromkeys(tables["files"].keys() - now.keys()), values=False)

    @cache  # noqa: B019
    def _beside_changes(self, name: str) -> list[str]:
        """What was read beside the tables: files, folders and variables that the project's own code asked for."""
        from .build import witness

        before = self.objects.get(name)
        if before is None:
            return ["what it read is no longer known"]
        ask = {
            "files": ("file", self.file),
            "exist": ("file", lambda path: (self.root / path).exists()),
            "folders": ("folder", lambda path: witness.names(str(self.root / path))),
            "variables": ("variable", witness.variable),
        }
        found = []
        for part, known in before.items():
            kind, state = ask[part]
            found += _differences(kind, known, {each: state(each) for each in known}, values=False)
        return list(dict.fromkeys(found))

    def _answer_changes(self, page: Page, name: str) -> list[str]:
        """Tables in databases that answer the page's questions differently."""
        from catchment import data

        questions = self.objects.get(name)
        if questions is None:
            return ["what it read is no longer known"]
        found = {}
        for item in questions:
            if item["table"] not in found:
                try:
                    same = data.reread(item, self.settings(page.partner)) == item["digest"]
                except data.DataError:
                    same = False  # the build will say what is wrong with it
                if not same:
                    found[item["table"]] = f"rows of table {item['table']} changed"
        return list(found.values())


def _cell(cell: dict[str, Any]) -> list[Any]:
    """What of a cell can show in its page."""
    told = {key: value for key, value in cell["metadata"].items() if key not in NOISE}
    return [cell["cell_type"], "".join(cell["source"]), told, cell.get("attachments", {})]


def _flat(value: Any, name: str) -> dict[str, Any]:
    """The leaves of nested settings by their dotted names."""
    if not (isinstance(value, dict) and value):
        return {name: value}
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        leaves |= _flat(item, f"{name}.{key}" if name else str(key))
    return leaves


def _differences(kind: str, before: dict[str, Any] | None, now: dict[str, Any], *, values: bool) -> list[str]:
    """One line for each name that is new, gone or has changed; None and False stand for what is not there."""
    if before is None:
        return [f"{kind}s changed"]
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = (each.get(key) for each in (before, now))
        if not values and not old and not new:
            continue
        if key not in now or (not values and not new):
            found.append(f"{kind} {key} is gone")
        elif key not in before or (not values and not old):
            found.append(f"{kind} {key} is new")
        elif old != new:
            found.append(f"{kind} {key} changed" + (f" from {json.dumps(old)} to {json.dumps(new)}" if values else ""))
    return found
