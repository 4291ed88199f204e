"""`catchment check`: settings, notebooks and every table of every partner, all that is wrong with them at once.

A broken settings file hides nothing else: the data are checked for the partners whose settings can be read.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from catchment import data, params

from . import plan


@dataclass(frozen=True)
class Checked:
    """What a check found: one dict for each problem, errors of the settings first, then of the data, then warnings."""

    partners: int
    pages: int
    tables: int
    problems: list[dict[str, Any]]

    @property
    def code(self) -> int:
        """2 when settings, catalog or notebooks are wrong, 1 when data are, 0 when there are at most warnings."""
        errors = [problem for problem in self.problems if problem["severity"] == "error"]
        return 2 if any(not problem["table"] for problem in errors) else 1 if errors else 0

    @property
    def words(self) -> str:
        errors = sum(problem["severity"] == "error" for problem in self.problems)
        return (
            f"{self.partners} partners, {self.pages} pages, {self.tables} tables: {errors} errors, {len(self.problems) - errors} warnings"
        )

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps({"code": self.code, **asdict(self)})


def check(root: Path) -> Checked:
    """Check a project; nothing is executed and nothing raised for what a user can have written wrong."""
    wrong = list(params.problems(root=root))
    planned = _told(wrong, lambda: plan.pages(root), [])
    tables = _told(wrong, lambda: data.catalog.tables(root), {})
    if not wrong:
        _told(wrong, lambda: plan.parameters(root, planned), {})
    partners = params.partners(root=root)
    settings = [read for partner in partners if (read := _told([], partial(params.load, partner, root=root), None))]
    breaches = data.check(settings, root=root) if tables else []
    said = [_of_settings(problem) for problem in dict.fromkeys(wrong)] + [_of_data(breach) for breach in breaches]
    return Checked(len(partners), len(planned), len(tables), said)


def _told(wrong: list[params.Problem], ask: Callable[[], Any], otherwise: Any) -> Any:
    """The answer; where what a user wrote prevents it, the reasons are added to `wrong`."""
    try:
        return ask()
    except params.ParamsError as error:
        wrong += error.problems
    except plan.PlanError as error:
        wrong.append(params.Problem("", 0, "", str(error)))
    return otherwise


def _of_settings(problem: params.Problem) -> dict[str, Any]:
    place = {"table": "", "partner": "", "file": problem.file, "row": problem.line, "column": problem.key}
    return _as_dict("error", place, "", problem.message, problem.hint, 1, str(problem) if problem.file else problem.message)


def _of_data(breach: data.Problem) -> dict[str, Any]:
    place = {name: getattr(breach, name) for name in ("table", "partner", "file", "row", "column")}
    return _as_dict(breach.severity, place, breach.expected, breach.found, breach.hint, breach.count, str(breach))


def _as_dict(severity: str, place: dict[str, Any], expected: str, found: str, hint: str, count: int, message: str) -> dict[str, Any]:
    return {"severity": severity, **place, "expected": expected, "found": found, "hint": hint, "rows": count, "message": message}
