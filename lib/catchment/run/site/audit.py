"""The gate between a built page and `reports/`: nothing goes out that, beside all that is out already, gives a hidden count away.

A page that was built is held until the audit has passed it. The audit compares its cells with those of the partner's other pages
and with what earlier runs published (`analysis.linkage` says how), in a process of the page server, one page of a partner at a
time, so that two pages built side by side cannot pass each other unseen. What passed is remembered in the private state: written
values and marks only, nothing that a reader could not see.
"""

import json
import resource
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catchment.run.build.job import Built, Failure, Job, Limits

if TYPE_CHECKING:
    from catchment.protect.linkage import Exhibit

REMEMBERED = 24  # earlier versions of each exhibit that count as known to readers
TOLD = 5  # exposed cells named in one message
SECONDS = 300.0


@dataclass(frozen=True)
class Offer:
    """A built page on its way out, with what readers of its partner's pages know; what the pool asks of any job is here too."""

    job: Job
    built: Built
    known: bytes

    @property
    def limits(self) -> Limits:
        return Limits(page_s=SECONDS)

    @property
    def page(self) -> str:
        return self.job.page

    @property
    def source(self) -> str:
        return self.job.source


def audit(offer: Offer, tell: Callable[..., None], folder: str | None = None) -> Built:
    """The page as it was offered, or its failure with the tables that together would give a count away."""
    found = exposed(offer.page, _shown(offer.built), read(offer.known))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = offer.built.cpu_s + usage.ru_utime + usage.ru_stime
    if not found:
        return replace(offer.built, audited=True, cpu_s=cpu_s)
    more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
    failure = Failure("disclosure", f"published, this page would let a reader work out hidden counts: {'; '.join(found[:TOLD])}{more}")
    return replace(offer.built, html=None, failure=failure, audited=True, cpu_s=cpu_s)


def _shown(built: Built) -> list[dict[str, Any]]:
    return json.loads(zlib.decompress(built.published)) if built.published else []


def exposed(page: str, shown: list[dict[str, Any]], known: dict[str, Any]) -> list[str]:
    """One line for each hidden cell that the page's exhibits would expose beside what readers know."""
    from catchment.protect import linkage

    notebook = page.partition("/")[2]
    new = list(_exhibits(notebook, shown))
    others = [each for name, cells in known["pages"].items() if name != page for each in _exhibits(name.partition("/")[2], cells)]
    dropped = told(known, page, shown, at="now")["earlier"]
    earlier = [
        each
        for one in dropped
        for each in _exhibits(f"{one['page'].partition('/')[2]}, published until {one['until']}", [one["cells"]], current=False)
    ]
    return [str(each) for each in linkage.exposed([*new, *others, *earlier], of={each.name for each in new})]


def _exhibits(notebook: str, shown: list[dict[str, Any]], *, current: bool = True) -> "Iterator[Exhibit]":
    from catchment.protect.linkage import Exhibit

    for number, cells in enumerate(shown):
        rows = [tuple(row) for row in cells["rows"]]
        for measure, values in cells["measures"].items():
            name = f"{cells['title']} ({notebook})"
            facts = {
                "current": current,
                "place": f"{notebook} {number}",
                "data": cells.get("data", ""),
                "columns": cells.get("columns", ()),
            }
            yield Exhibit(name, measure, frozenset(cells["sources"]), rows, values, cells["below"], **facts)


def read(content: bytes) -> dict[str, Any]:
    """What readers know of one partner: the cells of its pages, and those that earlier runs showed."""
    return json.loads(zlib.decompress(content)) if content else {"pages": {}, "earlier": []}


def told(known: dict[str, Any], page: str, shown: list[dict[str, Any]], *, at: str) -> dict[str, Any]:
    """What readers know once `page` shows these cells; what it no longer shows is not forgotten."""
    dropped = [{"page": page, "until": at, "cells": cells} for cells in known["pages"].get(page, []) if cells not in shown]
    counted: dict[tuple[str, str], int] = {}
    earlier = []
    for one in [*dropped, *known["earlier"]]:
        key = (one["page"], one["cells"]["title"])
        counted[key] = counted.get(key, 0) + 1
        if counted[key] <= REMEMBERED and not (one["page"] == page and one["cells"] in shown):
            earlier.append(one)
    return {"pages": known["pages"] | {page: shown}, "earlier": earlier}


@dataclass
class Gate:
    """Holds built pages until the audit has passed them, one of each partner at a time."""

    state: Path
    known: dict[str, bytes] = field(default_factory=dict)
    held: deque[tuple[Any, Job, Built]] = field(default_factory=deque)
    busy: dict[str, Any] = field(default_factory=dict)  # the page of each partner that is under audit

    def holds(self, page: Any, job: Job, built: Built) -> bool:
        """Take a page that has yet to be audited; False for what may go on: audited, failed, or without counts of people."""
        if self.busy.get(job.partner) == page:
            del self.busy[job.partner]  # also when the audit itself failed
        if built.failure or built.audited or not _shown(built):
            return False
        self.held.append((page, job, built))
        return True

    def turn(self) -> Iterator[tuple[Any, Job, Offer]]:
        """The pages whose turn it is; each partner has one under audit."""
        for _ in range(len(self.held)):
            page, job, built = self.held.popleft()
            if job.partner in self.busy:
                self.held.append((page, job, built))
                continue
            self.busy[job.partner] = page
            yield page, job, Offer(job, built, self._known(job.partner))

    def passed(self, job: Job, built: Built) -> tuple[str, bytes]:
        """Remember what a page tells from now on: the name and content of the file that keeps it."""
        known = told(read(self._known(job.partner)), job.page, _shown(built), at=job.produced)
        self.known[job.partner] = zlib.compress(json.dumps(known, sort_keys=True, separators=(",", ":")).encode())
        return name(job.partner), self.known[job.partner]

    def _known(self, partner: str) -> bytes:
        if partner not in self.known:
            path = self.state / name(partner)
            self.known[partner] = path.read_bytes() if path.exists() else b""
        return self.known[partner]


def name(partner: str) -> str:
    """Where the state keeps what readers of this partner's pages know."""
    return f"published/{partner}.json.z"
