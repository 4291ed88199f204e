"""The only writer of `reports/`: pages, index and manifest change together, and a failed page leaves its predecessor up.

Pages are committed in groups, at most one group a second, because each commit writes the index of the whole portfolio.
"""

import html
import json
import time
from pathlib import Path
from typing import Any

from catchment.run import manifest, store
from catchment.run.fingerprint import Objects
from catchment.run.index import render
from catchment.run.page import Built, Job

EVERY_S = 1.0
FAILED = f"{store.STATE}/failed"


class Publisher:
    """Collects what was built and commits it; `close` commits the rest."""

    def __init__(self, reports: Path, *, run: str, produced: str):
        self.reports, self.run, self.produced = reports, run, produced
        self.manifest = manifest.read(reports)
        self._files: dict[str, bytes] = {}
        self._remove: list[str] = []
        self._committed = time.monotonic()

    @property
    def entries(self) -> dict[str, Any]:
        return self.manifest["pages"]

    def stands(self, entry: dict[str, Any]) -> bool:
        """Whether the page's file is there as it was published."""
        path = self.reports / entry["path"]
        return path.is_file() and path.stat().st_size == entry["bytes"]

    def add(self, job: Job, built: Built, facts: dict[str, Any], *, inputs: dict[str, Any]) -> None:
        """Take one page's result; it is on disk after the next commit."""
        aside = f"{FAILED}/{job.page}"
        if built.failure is None:
            self.entries[job.page] = manifest.good(job, built, run=self.run, facts=facts | {"inputs": inputs})
            self._files[f"{job.page}.html"] = built.html
            self._remove += [f"{aside}.html", f"{aside}.ipynb"]
        else:
            self.entries[job.page] = manifest.bad(job, built, self.entries.get(job.page), run=self.run, facts=facts)
            self._files[f"{aside}.html"] = failure_page(job, built).encode()
            if built.notebook:
                self._files[f"{aside}.ipynb"] = built.notebook.encode()
        if time.monotonic() - self._committed > EVERY_S:
            self.commit()

    def drop(self, pages: list[str]) -> None:
        """Take pages out whose partner or notebook is no longer there."""
        for page in pages:
            entry = self.entries.pop(page)
            self._remove += [path for path in (entry["path"], f"{FAILED}/{page}.html", f"{FAILED}/{page}.ipynb") if path]

    def commit(self, objects: Objects | None = None) -> None:
        """Write what was collected, with the index and the manifest; values in `objects` that no page uses are dropped."""
        self.manifest |= {"run": self.run, "updated": self.produced}
        index = render(self.manifest).encode()
        files = self._files | {"index.html": index, manifest.NAME: manifest.text(self.manifest)}
        removed = [name for name in self._remove if name not in files]
        store.commit(self.reports, files, remove=removed)
        self._files, self._remove, self._committed = {}, [], time.monotonic()
        if objects is not None:
            inputs = [entry["inputs"] for entry in self.entries.values() if "inputs" in entry]
            objects.prune({each[name] for each in inputs for name in ("library", "params", "environment")} | {each["reads"]["questions"] for each in inputs})


def failure_page(job: Job, built: Built) -> str:
    """A page for the analyst: what failed, where, with which parameters, and the end of the log."""
    failure = built.failure
    rows = {
        "Partner": job.partner,
        "Notebook": job.notebook,
        "Cell": failure.cell or "none: outside the cells",
        "Kind": failure.kind,
        "Error": failure.error,
        "Parameters": json.dumps(job.parameters, ensure_ascii=False, default=str),
        "Run at": job.produced,
        "Code version": job.version,
    }
    facts = "".join(f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>" for name, value in rows.items())
    parts = {"Source of the cell": failure.source, "Traceback": _plain(failure.trace), "End of the log": failure.log}
    blocks = "".join(f"<h2>{name}</h2><pre>{html.escape(value)}</pre>" for name, value in parts.items() if value)
    title = html.escape(f"Failed: {job.page}")
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body><h1>{title}</h1><dl>{facts}</dl>{blocks}</body></html>\n'


def _plain(text):
    """A traceback without the color codes of a terminal."""
    from re import sub

    return sub(r"\x1b\[[0-9;]*m", "", text)
