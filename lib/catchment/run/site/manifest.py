"""What the trees hold: one entry for each page, written together with the pages it describes.

An entry tells the page's title, its file and hash, when and by which run and code version it was built, what that cost,
what it showed (headlines), what it had shown before that (before) and what it depended on; and, when the last attempt
failed, why, next to the last good page. Each tree has a manifest of its own pages. The leadership's says of a failure only
that there was one: an error may quote a row.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from catchment.run.build.job import Built, Job

from .trees import INTERNAL, LEADERSHIP, Trees

NAME = "manifest.json"
MADE = "made"  # in `site`: what made the pages around the reports, beside their hashes
FORMAT = 5
TOLD = ("kind", "at", "run")  # of a failure, in the leadership's manifest


def read(trees: Trees) -> dict[str, Any]:
    """The manifest of both trees together, or an empty one."""
    public, private = (_read(trees.of_audience(audience)) for audience in (LEADERSHIP, INTERNAL))
    pages = public["pages"] | private["pages"]
    for name, failure in private.get("failures", {}).items():
        if name in pages and pages[name]["failure"]:
            pages[name]["failure"] = failure
    partners = private["partners"] | public["partners"]
    vintages, site = private.get("vintages", {}) | public.get("vintages", {}), private.get("site", {}) | public.get("site", {})
    return public | {"pages": pages, "partners": partners, "vintages": vintages, "site": site}


def _read(tree: Path) -> dict[str, Any]:
    empty = {"format": FORMAT, "pages": {}, "partners": {}, "vintages": {}, "site": {}}
    path = tree / NAME
    if not path.exists():
        return empty
    found = json.loads(path.read_text(encoding="utf-8"))
    # A manifest of another format describes pages in a way that cannot be read: everything is built anew.
    return found if found.get("format") == FORMAT else empty


def texts(manifest: dict[str, Any]) -> dict[str, bytes]:
    """By audience, the manifest of its tree."""
    pages = manifest["pages"]
    public = {name: entry | {"failure": _told(entry["failure"])} for name, entry in pages.items() if entry["audience"] == LEADERSHIP}
    private = {name: entry for name, entry in pages.items() if entry["audience"] == INTERNAL}
    failures = {name: entry["failure"] for name, entry in pages.items() if entry["failure"] and entry["audience"] == LEADERSHIP}
    return {
        LEADERSHIP: _text(manifest | {"pages": public, "vintages": _used(manifest, public), "site": _site(manifest, LEADERSHIP)}),
        INTERNAL: _text(
            manifest | {"pages": private, "vintages": _used(manifest, private), "site": _site(manifest, INTERNAL), "failures": failures}
        ),
    }


def _told(failure: dict[str, Any] | None) -> dict[str, Any] | None:
    return failure and {name: failure[name] for name in TOLD}


def _used(manifest: dict[str, Any], pages: dict[str, Any]) -> dict[str, Any]:
    used = {name for entry in pages.values() for name in entry.get("vintages", ())}
    return {name: each for name, each in manifest["vintages"].items() if name in used}


def _site(manifest: dict[str, Any], audience: str) -> dict[str, Any]:
    """The hashes of the pages around a tree's reports."""
    return {name: digest for name, digest in manifest["site"].items() if name.partition("/")[0] in (audience, MADE)}


def _text(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(html: bytes, produced: str) -> str:
    """SHA-256 of a page apart from the time stamped on it."""
    return hashlib.sha256(html.replace(produced.encode(), b"")).hexdigest()


def good(job: Job, built: Built, before: dict[str, Any] | None, *, run: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The entry of a page that was built, where `before` had been; `facts` are its title, order and the fingerprint of its inputs."""
    html = built.html or b""
    made = facts | _whose(job) | {
        "path": f"{job.partner}/{job.notebook}.html",
        "sha256": digest(html, job.produced),
        "content": hashlib.sha256(html).hexdigest(),
        "bytes": len(html),
        "produced": job.produced,
        "run": run,
        "version": job.version,
        "parameters": job.parameters,
        "headlines": built.headlines,
        "attachments": attached(job, built),
        "cost": _cost(built),
        "failure": None,
    }  # fmt: skip
    return made | {"before": _before(made, before), "compared": _compared(made, before)}


def attached(job: Job, built: Built) -> dict[str, dict[str, Any]]:
    """By ending, the files that come with a page."""
    return {
        ending: {"path": f"{job.partner}/{job.notebook}.{ending}", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for ending, content in sorted(built.attachments.items())
    }  # fmt: skip


def _before(made: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the page said when it last said something else; nothing for a page that is new."""
    if before is None or not before["path"]:
        return None
    if before["sha256"] == made["sha256"]:
        return before["before"]
    told = {name: before["headlines"].get(name, []) for name in ("kpis", "takeaways")}
    return told | {"run": before["run"], "produced": before["produced"]}


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """What a page hands to those that need it: its headlines, what it said before, and since when it could not be renewed."""
    return {
        "title": entry["title"],
        **entry["headlines"],
        "before": entry.get("compared"),
        "last_good": entry["produced"] if entry["failure"] else None,
        "missing": "",
    }


def untold(title: str, entry: dict[str, Any] | None) -> dict[str, Any]:
    """The same for a page that there is not, with the reason; what went wrong is not for the page's readers."""
    nothing = dict.fromkeys(("takeaways", "findings", "kpis", "numbers", "simulated", "stale"), ())
    why = "its build failed" if entry and entry["failure"] else "it has not been built"
    return {"title": title, **nothing, "before": None, "last_good": None, "missing": why}


def _compared(made: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any] | None:
    """The key numbers of the last published version that said others: a page built again from the same inputs keeps its comparison."""
    if before is None or not before["path"]:
        return None
    numbers = before["headlines"].get("numbers", [])
    if numbers == made["headlines"].get("numbers", []):
        return before.get("compared")
    return {"run": before["run"], "produced": before["produced"], "numbers": numbers}


def bad(job: Job, built: Built, before: dict[str, Any] | None, *, run: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The entry of a page that failed: that of the last good page, with the failure."""
    told = {name: getattr(built.failure, name) for name in ("kind", "cell", "error")}
    kept = before or facts | _whose(job) | {"path": None}
    return kept | {"failure": told | {"run": run, "at": job.produced, "cost": _cost(built)}}


def _whose(job: Job) -> dict[str, str]:
    return {"partner": job.partner, "notebook": job.notebook, "audience": job.audience}


def _cost(built: Built) -> dict[str, float]:
    return {"wall_s": round(built.wall_s, 3), "cpu_s": round(built.cpu_s, 3), "peak_mb": round(built.peak_mb, 1)}
