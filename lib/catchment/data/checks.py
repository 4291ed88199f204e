"""Reading every table of every partner, and all that is wrong with them at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from catchment.params import Settings

from .catalog import Table, tables
from .load import Tables
from .problem import DataError, Problem


def check(partners: Iterable[Settings], *, root: Path | None = None) -> list[Problem]:
    """Every problem of every cataloged table, worst first: tables that cannot be read, rows that
    break a contract, then what is stale or empty.

    A shared table is read whole, once; a partner's private table once for each partner. A mistake that several partners share
    is reported once.
    """
    found: dict[Problem, None] = {}
    for number, settings in enumerate(partners):
        reader = Tables(settings, root=root)
        for name, entry in tables(reader.root).items():
            if entry.scope == "partner" or number == 0:
                found |= dict.fromkeys(_problems(reader, name, entry))
    return sorted(
        found, key=lambda problem: (problem.severity != "error", problem.row is not None, -problem.count, problem.table, problem.file)
    )


def _problems(reader: Tables, name: str, entry: Table) -> Iterator[Problem]:
    partner = reader.settings.id if entry.scope == "partner" else ""
    try:
        frame = reader.whole(name)
    except DataError as error:
        yield from error.problems
        return
    if frame.empty and not entry.optional:
        yield Problem(
            name, "at least one row", "none", file=f"data/{entry.path}" if entry.path else "", severity="warning", partner=partner
        )
    if len(frame) and entry.period and entry.ages:
        yield from _stale(reader, name, entry, frame[entry.period], partner)


def _stale(reader: Tables, name: str, entry: Table, period: pd.Series, partner: str) -> Iterator[Problem]:
    last = period.max()
    if pd.isna(last):
        return
    through = pd.Timestamp(last) if entry.columns[entry.period or ""].type == "date" else pd.Timestamp(int(last), 12, 31)
    days = (pd.Timestamp(reader.settings.as_of) - through).days
    if days > reader.settings.max_age_days:
        yield Problem(
            name,
            f"figures less than {reader.settings.max_age_days:,} days old",
            f"the latest of {through:%Y-%m-%d}",
            column=entry.period or "",
            severity="warning",
            partner=partner,
            hint="import a newer edition, or raise max_age_days",
        )
