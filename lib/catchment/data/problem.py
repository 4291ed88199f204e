"""What can be wrong with a table, said the same way everywhere: where, what was expected, what was found, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """One thing wrong in the data. `row` counts from 1 and includes the header line, as a spreadsheet shows it."""

    table: str
    expected: str
    found: str
    file: str = ""
    column: str = ""
    row: int | None = None
    hint: str = ""
    count: int = 1
    severity: Literal["error", "warning"] = "error"
    partner: str = ""

    def __str__(self) -> str:
        place = ", ".join(
            part for part in (self.file, f"row {self.row}" if self.row else "", f"column {self.column}" if self.column else "") if part
        )
        more = f", in {self.count:,} rows" if self.count > 1 else ""
        hint = f" ({self.hint})" if self.hint else ""
        partner = f" [{self.partner}]" if self.partner else ""
        return f"{self.table}{partner}: {place + ': ' if place else ''}expected {self.expected}, found {self.found}{more}{hint}"


class DataError(ValueError):
    """A table that cannot be used. Its message is the first problem; `problems` has all that were found in the same read."""

    def __init__(self, problems: Problem | Sequence[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        self.problem = self.problems[0]
        more = len(self.problems) - 1
        super().__init__(str(self.problem) + (f"; {more} more problem{'s' * (more > 1)} in this table" if more else ""))
