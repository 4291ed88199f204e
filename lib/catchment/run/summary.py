"""How a run ended: for a person, for a monitor (one line of JSON, an exit code), and for the history."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .build.job import Failure


@dataclass
class Summary:
    """What became of each planned page, and what the run cost."""

    run: str
    index: Path
    version: str = ""
    started: str = ""
    reasons: dict[str, list[str]] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)
    retried: int = 0
    late: list[str] = field(default_factory=list)
    stopped: bool = False
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    @property
    def code(self) -> int:
        """Exit code: 0 every page is up to date, 1 a page failed, 4 a deadline had passed, 130 the run was stopped."""
        return 130 if self.stopped else 1 if self.failed else 4 if self.late else 0

    @property
    def counts(self) -> str:
        return f"{len(self.built)} built, {len(self.unchanged)} unchanged, {len(self.failed)} failed"

    def record(self) -> dict[str, Any]:
        """The run as one record of the history."""
        return {
            "run": self.run,
            "version": self.version,
            "started": self.started,
            "outcome": "stopped" if self.stopped else "failed" if self.failed else "late" if self.late else "ok",
            "built_n": len(self.built),
            "unchanged_n": len(self.unchanged),
            "failed_n": len(self.failed),
            "retried_n": self.retried,
            "late_n": len(self.late),
            "wall_s": round(self.wall_s, 2),
            "cpu_s": round(self.cpu_s, 2),
            "peak_mb": round(self.peak_mb, 1),
            "failed": {page: {"kind": failure.kind, "error": str(failure)} for page, failure in self.failed.items()},
            "late": self.late,
        }

    def line(self) -> str:
        """One line of JSON for a monitor."""
        return json.dumps(self.record() | {"code": self.code, "index": str(self.index)}, ensure_ascii=False)
