"""What became of the rows of a ledger file: taken in or left out, why, and how much, so that the two add up to the file's own total.

Amounts are added as whole cents and as the file writes them: a refund written as 50 counts 50 here, whatever sign it has in the table.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_MOST = 8  # kinds of rows left out that the note names; every row stands in the file of rejected rows


@dataclass(frozen=True)
class LeftOut:
    """A row that does not go in; `aside` when it is understood all the same."""

    line: int
    column: str
    expected: str
    found: str
    label: str
    amount: float | None
    aside: bool


@dataclass
class Tally:
    """Rows taken in, in number and amount, the rows left out, and first and last day of all of them."""

    taken_n: int = 0
    taken_cents: int = 0
    left: list[LeftOut] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Identifiers of rows that are understood and no gift (any more)."""
    days: list[datetime] = field(default_factory=list)
    span: str = ""
    """First and last day of what went in."""
    money: bool = False

    @property
    def rows(self) -> int:
        return self.taken_n + len(self.left)

    @property
    def unfit_n(self) -> int:
        return sum(not each.aside for each in self.left)

    @property
    def mostly_unfit(self) -> bool:
        return self.unfit_n > self.rows - self.unfit_n

    def take(self, amount: float | None) -> None:
        """One row goes in."""
        self.taken_n += 1
        self.money |= amount is not None
        self.taken_cents += round((amount or 0) * 100)

    def leave(self, row: LeftOut, when: datetime | None, name: str | None) -> None:
        """One row does not."""
        self.left.append(row)
        self.money |= row.amount is not None
        self.names |= {name} if name else set()
        self._stretch([when] if when else [])

    def see(self, days: Sequence[datetime]) -> None:
        """Days of rows that go in."""
        self._stretch(days)
        before = [datetime.fromisoformat(end) for end in self.span.split(" to ")] if self.span else []
        known = [*before, *days]
        self.span = f"{min(known):%Y-%m-%d} to {max(known):%Y-%m-%d}" if known else ""

    def _stretch(self, days: Sequence[datetime]) -> None:
        known = [*self.days, *days]
        self.days = [min(known), max(known)] if known else []

    def note(self) -> str:
        """The file's own total, what of it went in, and what did not, by kind of row."""
        if not self.money:
            return ""
        left = sum(round((each.amount or 0) * 100) for each in self.left)
        if not self.left:
            return f"All {usd(self.taken_cents)} of the file went in."
        groups: dict[str, list[int]] = {}
        for each in self.left:
            group = groups.setdefault(each.label, [0, 0])
            group[0], group[1] = group[0] + 1, group[1] + round((each.amount or 0) * 100)
        ordered = sorted(groups.items(), key=lambda item: (-abs(item[1][1]), item[0]))
        named = [f"{label} ({count:,}, {usd(cents)})" for label, (count, cents) in ordered]
        more = f"; and {len(named) - _MOST} other kinds of rows" if len(named) > _MOST else ""
        return (
            f"Of {usd(self.taken_cents + left)} in the file, {usd(self.taken_cents)} went in and {usd(left)} did not: "
            f"{'; '.join(named[:_MOST])}{more}."
        )

    def write(self, path: Path) -> None:
        """The rows left out as a file, with their amounts; none where all went in."""
        path.unlink(missing_ok=True)
        if not self.left:
            return
        part = path.with_name(path.name + ".part")
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["line", "column", "expected", "found", "amount_usd"])
            for each in sorted(self.left, key=lambda row: row.line):
                # A cell that a spreadsheet would take for a formula is written as text.
                found = "'" + each.found if each.found[:1] in "=+-@\t" else each.found[:500]
                writer.writerow([each.line, each.column, each.expected, found, "" if each.amount is None else f"{each.amount:.2f}"])
        part.replace(path)


def usd(cents: int) -> str:
    """Dollars and cents in words."""
    return f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}"
