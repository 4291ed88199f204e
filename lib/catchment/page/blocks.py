"""The pieces of a page: measures, KPI cards, findings, and the block that each of them becomes.

A block is HTML for the page and for JupyterLab, plus a small JSON record that the renderer, the index and the brief read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from . import lab

MIME = "application/vnd.catchment+json"


@dataclass(frozen=True)
class Measure:
    """The number of a card under its portfolio-wide name, to set partners side by side; `better` is higher, lower or nothing.

    Four digits are kept: as many as a card shows, too few to work out the counts behind a share.
    """

    name: str
    number: float | None
    better: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", None if pd.isna(self.number) else float(f"{self.number:.4g}"))


@dataclass(frozen=True)
class Kpi:
    """One card: a value with a comparison. `status` colors what the words of `goal` or `change` already say.

    `recorded` names the recorded number that the card shows, by which the brief finds it; `since` is its movement since the last run.
    """

    label: str
    value: str
    change: str = ""
    goal: str = ""
    status: str = "neutral"
    recorded: str = ""
    since: str = ""
    measure: Measure | None = None

    def __post_init__(self) -> None:
        if not (self.change or self.goal):
            raise ValueError(f"the KPI card {self.label!r} needs a comparison: give change or goal")
        if self.status not in ("good", "bad", "neutral"):
            raise ValueError(f"the KPI card {self.label!r} has status {self.status!r}: use good, bad or neutral")


@dataclass(frozen=True)
class Finding:
    """A takeaway that the executive brief may choose; `exhibit` is the figure's id.

    `usd` (dollars a year) or `cases` (patients a year) say how much it is about; where neither does, `size` from 0 to 1.
    `certainty` and `change` run from 0 to 1; `basis` says what the certainty rests on and `since` what the change is measured
    from. `so` is what follows from it, in a sentence. A `gap` is a shortfall that somebody has to close.
    """

    text: str
    exhibit: str = ""
    size: float = 0.0
    certainty: float = 0.0
    change: float = 0.0
    usd: float | None = None
    cases: float | None = None
    basis: str = ""
    since: str = ""
    so: str = ""
    gap: bool = False

    def record(self) -> dict:
        """As plain data; an amount that is not known is left out of the choice, not counted as zero."""
        return {name: None if isinstance(value, float) and pd.isna(value) else value for name, value in asdict(self).items()}


class Block:
    """A piece of a page: HTML and its machine-readable record."""

    def __init__(self, html: str, record: dict):
        self.html, self.record = html, record

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {"text/html": lab.framed(self.html), MIME: self.record}

    def __repr__(self) -> str:
        return f"<{self.record['kind']}, {len(self.html):,} characters>"


class Ending(Block):
    """A notice whose output tells the runner to stop."""

    def __init__(self, notice: Block):
        super().__init__(notice.html, notice.record)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return super()._repr_mimebundle_(include, exclude), {"catchment": {"end": True}}


def ends_page(outputs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a cell with these outputs said that the page ends here."""
    return any(output.get("metadata", {}).get("catchment", {}).get("end") for output in outputs)
