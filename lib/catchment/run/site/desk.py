"""The internal tree's own pages: its index, with the pages for internal readers and what failed, and the report on a failure."""

import json
import re
from typing import Any

from catchment.run.build.job import Failure, Job

from . import frame
from .trees import INTERNAL


def render(manifest: dict[str, Any]) -> str:
    """`index.html` of the internal tree."""
    entries = sorted(manifest["pages"].items(), key=lambda item: (item[1]["partner"], item[1]["order"], item[0]))
    internal: dict[str, list] = {}
    for _, entry in entries:
        if entry["audience"] == INTERNAL and entry["path"]:
            internal.setdefault(entry["partner"], []).append(entry)
    partners = [{"id": partner, "pages": pages, **manifest["partners"][partner]} for partner, pages in internal.items()]
    failed = [
        {"page": name, "partner_name": manifest["partners"][entry["partner"]]["name"], **entry}
        for name, entry in entries
        if entry["failure"]
    ]
    return frame.render(
        "internal.html.j2", partners=partners, failed=failed, updated=manifest.get("updated", ""), run=manifest.get("run", "")
    )


def failure(job: Job, told: Failure, *, notebook: bool) -> str:
    """A page for the analyst: what failed, where, with which parameters, and the end of the log; `notebook`: it is kept beside the page."""
    facts = {
        "Partner": job.partner,
        "Notebook": job.notebook,
        "Audience": job.audience,
        "Cell": told.cell or "none: outside the cells",
        "Kind": told.kind,
        "Error": told.error,
        "Parameters": json.dumps(job.parameters, ensure_ascii=False, default=str),
        "Run at": job.produced,
        "Code version": job.version,
    }
    parts = {"Source of the cell": told.source, "Traceback": _plain(told.trace), "End of the log": told.log}
    home = "../" * (job.page.count("/") + 1) + "index.html"
    return frame.render(
        "failure.html.j2",
        page=job.page,
        home=home,
        facts=facts,
        parts={name: text for name, text in parts.items() if text},
        notebook=f"{job.page.rpartition('/')[2]}.ipynb" if notebook else "",
    )


def _plain(text: str) -> str:
    """A traceback without the color codes of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
