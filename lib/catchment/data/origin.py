"""Where a table comes from: the facts that a page prints under a figure and in its list of sources."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from .catalog import Table
from .reads import sha256


@dataclass(frozen=True)
class Origin:
    """A table's standing. `sha8` begins the SHA-256 of its files; `suppress_below` is None where
    counts are not of people; `ages` is False for what does not go stale; `private` are one partner's own rows; `behind` says that
    it ends long before the page's date."""

    table: str
    title: str
    producer: str
    period: str
    published: str | None
    accessed: str | None
    license: str
    simulated: bool
    suppress_below: int | None
    sha8: str
    note: str
    ages: bool
    private: bool = False
    behind: str = ""

    @property
    def line(self) -> str:
        """The origin as a line under a figure: what, when, and whether it is made up."""
        simulated = " (simulated)" if self.simulated and "simulated" not in self.title.lower() else ""
        return f"{self.title}, {self.period}{simulated}"


def origin(name: str, table: Table, files: Sequence[Path]) -> Origin:
    """The origin of a table that was read from `files` (none for a database, whose rows have no fingerprint)."""
    return Origin(
        name,
        table.title,
        table.producer,
        table.edition or _span(_written(table), tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)),
        table.published,
        table.accessed,
        table.license,
        table.simulated,
        table.suppress_below,
        fingerprint(files)[:8] if files else "",
        table.note,
        table.ages,
        table.scope == "partner",
    )


def _written(table: Table) -> str | None:
    """The period's column as the file names it."""
    return table.columns[table.period].source or table.period if table.period in table.columns else None


@lru_cache(maxsize=256)
def _span(period: str | None, files: tuple[tuple[Path, int, int], ...]) -> str:
    """First and last period that the rows of a partner's own files tell; such a file says nowhere what it covers."""
    if not (period and files):
        return "as of its file"
    read = "read_parquet(?)" if files[0][0].suffix == ".parquet" else "read_csv(?, all_varchar = true)"
    with duckdb.connect() as con:
        asked = f'SELECT min("{period}"::VARCHAR)[:10], max("{period}"::VARCHAR)[:10] FROM {read}'
        first, last = con.execute(asked, [[str(path) for path, *_ in files]]).fetchone() or (None, None)
    return f"{first} to {last}" if first and first != last else first or "no rows"


def fingerprint(files: Sequence[Path]) -> str:
    """SHA-256 over the bytes of the files in order; of one file it is the file's own."""
    sums = [sha256(path) for path in files]
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()
