"""Reading every table of every partner, and all that is wrong with them at once."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from catchment.params import Settings

from . import ends
from .catalog import OWN, Table, imports, own_folder, tables
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
        listed = tables(reader.root, settings.id)
        for name, entry in listed.items():
            if entry.scope == "partner" or number == 0 or _is_own(entry):
                found |= dict.fromkeys(_problems(reader, name, entry))
        found |= dict.fromkeys(_unread(reader.root, settings.id, listed))
    return sorted(
        found, key=lambda problem: (problem.severity != "error", problem.row is not None, -problem.count, problem.table, problem.file)
    )


def _is_own(entry: Table) -> bool:
    """Whether the table lies in the folder of a partner's own files."""
    return (entry.path or "").startswith(f"{OWN}/")


def _unread(root: Path, partner: str, listed: Mapping[str, Table]) -> Iterator[Problem]:
    """Files in the partner's own folder that no table reads: they change nothing until they are imported."""
    folder = own_folder(root, partner)
    read = {path for entry in listed.values() if entry.path for path in (root / "data").glob(entry.path.replace("{partner}", partner))}
    taken = {item.file for held in imports(root, partner).values() for item in held.imported}
    for path in sorted(folder.glob("*")):
        if path.is_file() and path not in read and path.name not in taken and path.suffix != ".yml" and not path.name.startswith("."):
            shown = path.relative_to(root).as_posix()
            yield Problem(
                path.name.partition(".")[0], "a file that a table reads", "one that none reads", shown, severity="warning", partner=partner,
                hint=f"name it TABLE.csv after a simulated table, or import it: catchment import KIND {shown} --partner {partner}",
            )  # fmt: skip


def _problems(reader: Tables, name: str, entry: Table) -> Iterator[Problem]:
    partner = reader.settings.id if entry.scope == "partner" or _is_own(entry) else ""
    try:
        frame = reader.whole(name)
    except DataError as error:
        yield from error.problems
        return
    if frame.empty and not entry.optional:
        yield Problem(
            name, "at least one row", "none", file=f"data/{entry.path}" if entry.path else "", severity="warning", partner=partner
        )
    if said := ends.behind(ends.last_month(frame, entry), entry, reader.settings.as_of):
        yield Problem(
            name, "rows up to the page's date", said.replace("this page's date", f"{reader.settings.as_of}"), partner=partner,
            file=f"data/{entry.path}" if entry.path else "", column=entry.period or "", severity="warning",
            hint="add the newer rows, or set `as_of` to the day that the data end",
        )  # fmt: skip
    yield from _unlisted(reader, name, entry, frame, partner)
    yield from _none_of_ours(reader, name, entry, frame, partner)
    if len(frame) and entry.period and entry.ages:
        yield from _stale(reader, name, entry, frame[entry.period], partner)


def _unlisted(reader: Tables, name: str, entry: Table, frame: pd.DataFrame, partner: str) -> Iterator[Problem]:
    """Values that a referenced table does not list, where the catalog lets their rows stay."""
    for key, column in entry.columns.items():
        if column.references and column.unlisted == "told" and len(frame):
            strange = frame.loc[frame[key].notna() & ~frame[key].isin(reader.values(column.references)), key]
            if len(strange):
                wanted, found = f"a value listed in {column.references}", f"{strange.nunique():,} others, such as {strange.iloc[0]!r}"
                yield Problem(name, wanted, found, column=key, count=len(strange), severity="warning", partner=partner)


def _none_of_ours(reader: Tables, name: str, entry: Table, frame: pd.DataFrame, partner: str) -> Iterator[Problem]:
    """A column of systems in which neither the partner nor its network occurs: they have other names there."""
    ours = [*reader.settings.network, reader.settings.name]
    for key, column in entry.columns.items():
        if column.ours and len(frame) and not frame[key].isin(ours).any():
            found = ", ".join(map(str, frame[key].dropna().unique()[:5])) or "none"
            hint = "name the system in the partner's `network` as the table does, or correct the table"
            yield Problem(name, f"a row of our network ({', '.join(ours)})", found, column=key, partner=partner, hint=hint)


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
