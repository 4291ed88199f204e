"""The only writer of both trees: pages, indexes and manifests change together, and a failed page leaves its predecessor up.

Pages are committed in groups. Each commit writes what the whole portfolio shares, so the more that costs the fewer there
are: they take at most a twentieth of a run.

What a partner's pages said before a run changed them stays readable below `<partner>/<run>/`, for as many runs as its
settings ask for. The files get a second name there and cost nothing until the pages themselves are replaced. Internal pages
are replaced without a trace: lists of people are not to pile up.
"""

import time
from pathlib import Path
from typing import Any

from catchment.run.build.job import Built, Failure, Job
from catchment.run.fingerprint import Fingerprints
from catchment.run.memory import sha

from . import desk, index, landing, manifest, store
from .trees import AUDIENCES, FAILED, INDEX, INTERNAL, LEADERSHIP, Trees

EVERY_S = 1.0
SHARE = 20  # a commit may take one part in so many of a run's time


class Publisher:
    """Collects what was built and commits it; `commit` commits the rest."""

    def __init__(self, trees: Trees, fingerprints: Fingerprints, *, run: str, produced: str):
        self.trees, self.fingerprints, self.run, self.produced = trees, fingerprints, run, produced
        self.manifest = manifest.read(trees)
        self._standing = dict(self.entries)
        self._forget()
        self._next = time.monotonic() + EVERY_S

    def _forget(self) -> None:
        self._files: dict[Path, bytes] = {}
        self._keep: dict[Path, Path] = {}
        self._remove: list[Path] = []
        self._touched: set[str] = set()

    @property
    def entries(self) -> dict[str, Any]:
        return self.manifest["pages"]

    @property
    def partners(self) -> dict[str, Any]:
        return self.manifest["partners"]

    def stands(self, entry: dict[str, Any]) -> bool:
        """Whether the page's file is there as it was published."""
        return self._is(entry, entry)

    def _is(self, entry: dict[str, Any], file: dict[str, Any]) -> bool:
        path = self.trees.of_audience(entry["audience"]) / file["path"]
        return self.fingerprints.files.sha(path) == file.get("content", file["sha256"])

    def surrounded(self) -> bool:
        """Whether the pages around the reports stand as they were written, by the same templates; if not, the next commit writes them."""
        site = self.manifest["site"]
        stands = site.get(manifest.MADE) == self.fingerprints.surroundings and all(
            self.fingerprints.files.sha(self.trees.of_audience(audience) / path) == digest
            for audience, _, path in (name.partition("/") for name in site if "/" in name)
            for digest in [site[f"{audience}/{path}"]]
        )
        if not stands:
            self._touched |= self.partners.keys()
        return stands

    def attached(self, entry: dict[str, Any]) -> set[str]:
        """Endings of the files that come with a page and are there as they were published."""
        return {ending for ending, file in entry["attachments"].items() if self._is(entry, file)}

    def html(self, entry: dict[str, Any]) -> bytes:
        """A page as it is published."""
        return (self.trees.of_audience(entry["audience"]) / entry["path"]).read_bytes()

    def add(self, job: Job, built: Built, facts: dict[str, Any], *, inputs: dict[str, Any], partner: dict[str, Any], keep_n: int) -> None:
        """Take one page's result; it is on disk after the next commit.

        `partner` are the facts of the partner for the indexes, `keep_n` how many earlier runs of it stay.
        """
        known = self.partners.get(job.partner, {"earlier": [], "run": None, "produced": None})
        self.partners[job.partner] = known | partner
        self._touched.add(job.partner)
        if built.failure is not None:
            self._fail(job, built, built.failure, facts)
        elif built.html is None:
            entry = self.entries[job.page]
            self.entries[job.page] = entry | {"attachments": entry["attachments"] | manifest.attached(job, built)}
            self._attach(job, built)
        else:
            self._replace(job, built, built.html, facts | {"inputs": inputs}, keep_n)
        if time.monotonic() > self._next:
            self.commit()

    def _replace(self, job: Job, built: Built, html: bytes, facts: dict[str, Any], keep_n: int) -> None:
        before, tree = self.entries.get(job.page), self.trees.of_audience(job.audience)
        vintages = {sha(vintage)[:12]: vintage for vintage in built.headlines.pop("vintages", ())}
        self.manifest["vintages"] |= vintages
        made = manifest.good(job, built, before, run=self.run, facts=facts | {"vintages": sorted(vintages)})
        if job.audience == LEADERSHIP:
            if before and before["path"] and before["sha256"] != made["sha256"]:
                self._keep_earlier(job.partner, keep_n)
            self.partners[job.partner] |= {"run": self.run, "produced": self.produced}
        self.entries[job.page] = made
        self._files[tree / made["path"]] = html
        attached = (before or {}).get("attachments", {})
        self._remove += [tree / file["path"] for ending, file in attached.items() if ending not in made["attachments"]]
        self._remove += [self._aside(job.page, ending) for ending in ("html", "ipynb")]
        self._attach(job, built)

    def _attach(self, job: Job, built: Built) -> None:
        tree = self.trees.of_audience(job.audience)
        for ending, file in manifest.attached(job, built).items():
            self._files[tree / file["path"]] = built.attachments[ending]

    def _fail(self, job: Job, built: Built, failure: Failure, facts: dict[str, Any]) -> None:
        self.entries[job.page] = manifest.bad(job, built, self.entries.get(job.page), run=self.run, facts=facts)
        self._files[self._aside(job.page, "html")] = desk.failure(job, failure, notebook=bool(built.notebook)).encode()
        if built.notebook:
            self._files[self._aside(job.page, "ipynb")] = built.notebook.encode()

    def _aside(self, page: str, ending: str) -> Path:
        return self.trees.internal / FAILED / f"{page}.{ending}"

    def _keep_earlier(self, partner: str, keep_n: int) -> None:
        """Keep the partner's pages as they stand, once in a run and before the first of them changes."""
        known, folder = self.partners[partner], self.trees.leadership / partner
        earlier = known["earlier"]
        if known["run"] in (None, self.run, *(each["run"] for each in earlier)):
            return
        if keep_n:
            pages = [
                entry
                for entry in self._standing.values()
                if entry["partner"] == partner and entry["audience"] == LEADERSHIP and entry["path"]
            ]
            kept = {"run": known["run"], "produced": known["produced"], "pages_n": len(pages)}
            paths = [file["path"] for entry in pages for file in (entry, *entry["attachments"].values())]
            self._keep |= {folder / known["run"] / Path(path).name: self.trees.leadership / path for path in paths}
            self._files[folder / known["run"] / INDEX] = landing.render(
                partner, known, pages, self.manifest["vintages"], kept=kept
            ).encode()
            earlier = [kept, *earlier]
        self._remove += [folder / each["run"] for each in earlier[keep_n:]]
        self.partners[partner] = known | {"earlier": earlier[:keep_n]}

    def keep(self, name: str, content: bytes) -> None:
        """Write a file of the private state with the next commit."""
        self._files[self.trees.state / name] = content

    def drop(self, pages: list[str], partners: set[str]) -> None:
        """Take out pages whose notebook is no longer there, for this audience, and all of a partner that is not in `partners`.

        What was withdrawn from leadership also leaves the earlier runs.
        """
        for page in pages:
            entry = self.entries.pop(page)
            tree = self.trees.of_audience(entry["audience"])
            files = [tree / file["path"] for file in (entry, *entry.get("attachments", {}).values()) if file["path"]]
            earlier = [each["run"] for each in self.partners[entry["partner"]]["earlier"]] if entry["audience"] == LEADERSHIP else []
            self._remove += files + [path.parent / run / path.name for path in files for run in earlier]
            self._remove += [self._aside(page, ending) for ending in ("html", "ipynb")]
            self._touched.add(entry["partner"])
        for partner in self.partners.keys() - partners:
            del self.partners[partner]
            self.manifest["site"].pop(f"{LEADERSHIP}/{partner}/{INDEX}", None)
            self._remove += [tree / partner for tree in (self.trees.leadership, self.trees.internal, self.trees.internal / FAILED)]
            self._touched.discard(partner)

    def commit(self, *, last: bool = False) -> None:
        """Write what was collected, with the indexes and the manifests; with the last of a run, values that no page uses are dropped."""
        began = time.monotonic()
        self.manifest |= {"run": self.run, "updated": self.produced}
        files = self._files | self._shared()
        store.commit(self.trees.state, files, keep=self._keep, remove=[path for path in self._remove if path not in files])
        self._standing = dict(self.entries)
        self._forget()
        ended = time.monotonic()
        self._next = ended + max(EVERY_S, (ended - began) * SHARE)
        if last:
            kept = [self.fingerprints.kept(entry["inputs"]) for entry in self.entries.values() if "inputs" in entry]
            self.fingerprints.objects.prune(set().union(*kept))

    def _shared(self) -> dict[Path, bytes]:
        """Landing pages of the partners at work, indexes, manifests."""
        listed: dict[str, list[dict[str, Any]]] = {partner: [] for partner in self._touched}
        for entry in self.entries.values():
            if entry["partner"] in listed and entry["audience"] == LEADERSHIP:
                listed[entry["partner"]].append(entry)
        vintages = self.manifest["vintages"]
        around = {
            (LEADERSHIP, f"{partner}/{INDEX}"): landing.render(partner, self.partners[partner], pages, vintages).encode()
            for partner, pages in listed.items()
        }
        around[LEADERSHIP, INDEX] = index.render(self.manifest).encode()
        around[INTERNAL, INDEX] = desk.render(self.manifest).encode()
        self.manifest["site"] |= {f"{audience}/{path}": sha(content) for (audience, path), content in around.items()}
        self.manifest["site"][manifest.MADE] = self.fingerprints.surroundings
        texts = manifest.texts(self.manifest)
        shared = {self.trees.of_audience(audience) / path: content for (audience, path), content in around.items()}
        return shared | {self.trees.of_audience(audience) / manifest.NAME: texts[audience] for audience in AUDIENCES}
