"""What `reports/` holds: one entry for each page, written together with the pages it describes.

An entry tells the page's title, its file and hash, when and by which run and code version it was built, what that cost,
what it showed (headlines) and what it depended on; and, when the last attempt failed, why, next to the last good page.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catchment.run.page import Built, Job

NAME = "manifest.json"
FORMAT = 2


def read(reports: Path) -> dict[str, Any]:
    """The manifest, or an empty one."""
    path = reports / NAME
    if not path.exists():
        return {"format": FORMAT, "pages": {}}
    found = json.loads(path.read_text(encoding="utf-8"))
    # A manifest of another format describes pages in a way that cannot be read: everything is built anew.
    return found if found.get("format") == FORMAT else {"format": FORMAT, "pages": {}}


def text(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(html: bytes, produced: str) -> str:
    """SHA-256 of a page apart from the time stamped on it."""
    return hashlib.sha256(html.replace(produced.encode(), b"")).hexdigest()


def good(job: Job, built: Built, *, run: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The entry of a page that was built; `facts` are its title, order, partner's name and the fingerprint of its inputs."""
    return facts | {
        "partner": job.partner,
        "notebook": job.notebook,
        "path": f"{job.partner}/{job.notebook}.html",
        "sha256": digest(built.html, job.produced),
        "bytes": len(built.html),
        "produced": job.produced,
        "run": run,
        "version": job.version,
        "parameters": job.parameters,
        "headlines": built.headlines,
        "cost": _cost(built),
        "failure": None,
    }


def bad(job: Job, built: Built, before: dict[str, Any] | None, *, run: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The entry of a page that failed: that of the last good page, with the failure."""
    failure = asdict(built.failure)
    told = {name: failure[name] for name in ("kind", "cell", "error")}
    kept = before or facts | {"partner": job.partner, "notebook": job.notebook, "path": None}
    return kept | {"failure": told | {"run": run, "at": job.produced, "cost": _cost(built)}}


def _cost(built):
    return {"wall_s": round(built.wall_s, 3), "cpu_s": round(built.cpu_s, 3), "peak_mb": round(built.peak_mb, 1)}
