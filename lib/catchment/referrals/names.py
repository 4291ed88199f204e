"""Names that must agree between tables: a center, a system or a clinician spelled otherwise is refused, never counted as somebody else.

Known bias: none that can be measured. A name that is wrong in all tables alike is not found here.
"""

from collections.abc import Collection, Iterable

import pandas as pd

from catchment import words
from catchment.params.text import nearest

MOST = 5  # names that a message lists


def agree(rows: pd.DataFrame, column: str, known: Iterable[str], *, table: str, where: str) -> None:
    """Refuse values of a column that another table does not know.

    Parameters
    ----------
    rows
        Rows with the column and, where they count something, `referrals_n`.
    table
        What the rows are, in words.
    where
        The table that lists the known names, in words.

    Raises
    ------
    ValueError
        Each unknown name with its rows, its referrals and the nearest known name.
    """
    known = set(known)
    strange = rows[~rows[column].isin(known)]
    if strange.empty:
        return
    counts = strange.groupby(column, dropna=False).size().sort_values(ascending=False, kind="stable")
    told = [_told(strange[strange[column].isin([name])], name, known) for name in counts.index[:MOST]]
    rest = [f"{len(counts) - MOST} more"] if len(counts) > MOST else []
    names = words.plural(len(counts), "name")
    raise ValueError(
        f"{table}: {names} in {column} not in {where}: {'; '.join(told + rest)}. Correct them, or add them to {where}: what is not known "
        "would be counted as somebody else's."
    )


def _told(rows: pd.DataFrame, name: object, known: Collection[str]) -> str:
    amount = f", {words.plural(rows['referrals_n'].sum(), 'referral')}" if "referrals_n" in rows else ""
    hint = nearest(str(name), known) if len(known) <= 1_000 else ""
    return f"{name!r} ({words.plural(len(rows), 'row')}{amount}{f'; {hint}' if hint else ''})"


def owned(referrals: pd.DataFrame, destinations: pd.DataFrame) -> None:
    """Refuse referrals whose `destination_system` is not the one that owns the center in the table of destinations.

    Raises
    ------
    ValueError
        The first such center with both systems, its rows and its referrals.
    """
    owner = referrals["destination"].map(destinations.set_index("destination")["destination_system"])
    wrong = referrals[referrals["destination_system"] != owner]
    if len(wrong):
        first = wrong.iloc[0]
        same = wrong[wrong["destination"] == first["destination"]]
        raise ValueError(
            f"referrals: {first['destination']} belongs to {owner[first.name]!r} in the table of destinations, not to "
            f"{first['destination_system']!r} ({words.plural(len(same), 'row')}, "
            f"{words.plural(same['referrals_n'].sum(), 'referral')}; {words.plural(wrong['destination'].nunique(), 'center')} in all)"
        )


def ours(destinations: pd.DataFrame, network: Iterable[str]) -> set[str]:
    """The centers of our network: those whose system, or whose own name, is in `network`.

    Raises
    ------
    ValueError
        A name of the network is neither a system nor a center: all that goes there would be called leakage.
    """
    network, known = list(network), {*destinations["destination"], *destinations["destination_system"]}
    for name in network:
        if name not in known:
            hint = nearest(name, known)
            raise ValueError(
                f"{name!r} of our network is neither a center nor a system in the table of destinations{f' ({hint})' if hint else ''}: "
                "correct name or network in the settings, or the table"
            )
    mine = destinations["destination_system"].isin(network) | destinations["destination"].isin(network)
    return set(destinations.loc[mine, "destination"])
