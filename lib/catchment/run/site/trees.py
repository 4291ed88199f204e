"""The two trees of what a run writes, so that one can be shared without the other.

The leadership tree holds the portfolio's index, a folder for each partner with its pages, and a manifest; nothing in it
names a clinician or a donor. The internal tree holds what only analysts and development officers may see: pages for
internal readers, reports on failures with the executed notebooks, and the state of the runs (lock, history, log).
"""

from dataclasses import dataclass
from pathlib import Path

STATE = ".run"
FAILED = "failed"
INDEX = "index.html"
LEADERSHIP, INTERNAL = AUDIENCES = ("leadership", "internal")


class TreesError(ValueError):
    """One tree would lie inside of the other."""


@dataclass(frozen=True)
class Trees:
    """Where the pages of each audience are."""

    leadership: Path
    internal: Path

    @classmethod
    def of(cls, root: Path, leadership: Path | None = None, internal: Path | None = None) -> "Trees":
        """The trees that were asked for; by default `reports/`, and a folder beside it whose name ends in `-internal`."""
        first = (leadership or root / "reports").resolve()
        second = (internal or first.with_name(f"{first.name}-internal")).resolve()
        if first == second or first in second.parents or second in first.parents:
            raise TreesError(f"the internal pages ({second}) must not lie inside of the leadership's ({first}), nor these in those")
        return cls(first, second)

    @property
    def state(self) -> Path:
        """Folder of the lock, the history, the log and what a commit in progress has decided."""
        return self.internal / STATE

    def of_audience(self, audience: str) -> Path:
        return self.internal if audience == INTERNAL else self.leadership

    def prepare(self) -> None:
        """Make both folders; the state of earlier versions, which lay among the leadership's pages, leaves them."""
        self.leadership.mkdir(parents=True, exist_ok=True)
        self.internal.mkdir(parents=True, exist_ok=True)
        former = self.leadership / STATE
        if former.exists() and not self.state.exists():
            former.rename(self.state)
        self.state.mkdir(exist_ok=True)


def page_name(partner: str, notebook: str, audience: str) -> str:
    """What manifest, log and messages call a page."""
    return f"{partner}/{notebook}" + (f"@{audience}" if audience != LEADERSHIP else "")
