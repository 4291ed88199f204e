"""Who refers, and to whom: keepage, splitting, loyalty, concentration, succession.

Definitions
    *referral*: a documented order, or a sequence of visits seen in claims; the column `evidence` says which, and the two are
    never mixed without it. A shared-patient link is not a referral (see `network`).
    *keepage* and *leakage*: share of the eligible referrals of **affiliated** clinicians that stays in, or leaves, our network.
    *splitting*: the same share for **independent** clinicians, who owe nobody their referrals. The two are never added up.
    *eligible* (addressable): for a service that the partner or its hub offers; a referral for another service is not a loss.
    *loyalty tier*: loyal at or above one cut-point of a clinician's share to us, lost below the other, splitter in between.

Known bias: claims show where a patient went, not where the referrer sent them; orders outside our network's record system
are unseen, so an affiliated clinician's leakage is a lower bound. A tier from few referrals is uncertain: see its interval.

Frames: `referrals` has one row per quarter, clinician, site, service and destination with `referrals_n`, the booleans `ours` (see
`names.ours`) and `eligible`, and the clinician's columns (`npi`, `specialty`, `system`, `affiliation`, `city`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from catchment.stats.concentration import hhi
from catchment.stats.rates import wilson

from . import names
from .changes import periods, reaching
from .journeys import funnel

LOYAL, SPLITTER, LOST, NONE = "loyal", "splitter", "lost", "no referrals"
TIERS = (LOYAL, SPLITTER, LOST)


class Concentration(NamedTuple):
    """How much rests on few referrers: share of the largest, HHI (0-10,000), effective and actual number."""

    share: float
    hhi: float
    effective_n: float
    clinicians_n: int


class ShareChange(NamedTuple):
    """Difference of two shares with its interval; NaN where one of them is not known."""

    difference: float
    low: float
    high: float


def described(
    referrals: pd.DataFrame,
    clinicians: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    network: Sequence[str],
    last: pd.Timestamp,
    quarters: int = 4,
) -> pd.DataFrame:
    """Referrals with their clinician's columns, `ours`, and `span`: "now", "before" or missing.

    What the spans are: `changes.periods` and `changes.reaching`.

    Parameters
    ----------
    destinations
        One row per center: `destination`, `destination_system`.
    network
        Systems, or centers, that are ours.

    Raises
    ------
    ValueError
        A referral comes from a clinician or goes to a center that is not in the list, or a list holds one twice; a center has another
        system than in the list; a name of the network is not found.
    """
    names.agree(referrals, "destination", destinations["destination"], table="referrals", where="the table of destinations")
    names.agree(referrals, "npi", clinicians["npi"], table="referrals", where="the list of clinicians")
    names.owned(referrals, destinations)
    ours = names.ours(destinations, network) if len(referrals) else set()
    table = referrals.merge(clinicians.drop(columns="partner", errors="ignore"), on="npi", how="left", validate="many_to_one")
    span = reaching(periods(table, last=last, quarters=quarters), table["period"], last=last, quarters=quarters)
    return table.assign(ours=table["destination"].isin(ours), span=span)


def retained(referrals: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Eligible referrals that stayed with us and that left, with the share that stayed and its Wilson interval.

    Returns
    -------
    One row per group of `by`: `referrals_n` (all), `eligible_referrals_n`, `kept_referrals_n`, `leaked_referrals_n`, `kept_share`
    (kept / eligible; NaN without eligible referrals), `kept_share_low`, `kept_share_high`, `leaked_share`. Sorted by leaked referrals.

    Raises
    ------
    ValueError
        A count is not known, such as a suppressed one, or is negative; or it is not known whether a referral is eligible or ours.

    References
    ----------
    Wilson (1927), JASA 22, for the interval (95 %).
    """
    if referrals[["referrals_n", "eligible", "ours"]].isna().any(axis=None) or (referrals["referrals_n"] < 0).any():
        raise ValueError("referrals_n, eligible and ours must be known and counts not negative: a hidden count is not zero")
    amount, eligible, ours = referrals["referrals_n"], referrals["eligible"].astype(bool), referrals["ours"].astype(bool)
    parts = pd.DataFrame(
        {
            "referrals_n": amount,
            "eligible_referrals_n": amount.where(eligible, 0),
            "kept_referrals_n": amount.where(eligible & ours, 0),
            "leaked_referrals_n": amount.where(eligible & ~ours, 0),
        }
    )
    keys = list(by)
    # A row without a group is a group: the parts add up to the whole.
    sums = parts.groupby([referrals[key] for key in keys], observed=True, dropna=False).sum() if keys else parts.sum().to_frame().T
    table = sums.reset_index(drop=not keys)
    return kept_shares(table).sort_values(["leaked_referrals_n", *keys], ascending=[False] + [True] * len(keys), ignore_index=True)


def kept_shares(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `eligible_referrals_n` and `kept_referrals_n`, as counted or as rounded, with the shares of `retained` beside them."""
    low, high = wilson(table["kept_referrals_n"].to_numpy(float), table["eligible_referrals_n"].to_numpy(float))
    share = table["kept_referrals_n"] / table["eligible_referrals_n"].where(table["eligible_referrals_n"] > 0)
    return table.assign(kept_share=share, kept_share_low=low, kept_share_high=high, leaked_share=1 - share)


def share_change(shares: pd.DataFrame, *, now: str = "now", before: str = "before") -> ShareChange:
    """Change of a kept share between two rows of `retained`, with its 95 % interval from the Wilson limits of both.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10 (the hybrid score interval).
    """
    here, there = shares.loc[now], shares.loc[before]
    moved = here["kept_share"] - there["kept_share"]
    low = moved - np.hypot(here["kept_share"] - here["kept_share_low"], there["kept_share_high"] - there["kept_share"])
    high = moved + np.hypot(here["kept_share_high"] - here["kept_share"], there["kept_share"] - there["kept_share_low"])
    return ShareChange(float(moved), float(low), float(high))


def keepage(referrals: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """`retained` for affiliated clinicians: their leakage can be called leakage."""
    return retained(referrals[referrals["affiliation"] == "affiliated"], by)


def splitting(referrals: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """`retained` for independent clinicians: what goes elsewhere is a split, not a leak."""
    return retained(referrals[referrals["affiliation"] == "independent"], by)


def leaking(table: pd.DataFrame, *, smallest: int = 11) -> pd.DataFrame:
    """Rows of `retained` whose kept share lies measurably below that of all rows together, by the referrals this costs.

    Returns
    -------
    The rows with at least `smallest` eligible referrals whose interval ends below the share of all known rows, with this `overall_share`,
    `excess_referrals_n` (eligible x (overall share - kept share)), the most costly first. Empty when nothing stands out.
    """
    table = table[table["kept_referrals_n"].notna() & table["eligible_referrals_n"].notna()]
    overall = table["kept_referrals_n"].sum() / (table["eligible_referrals_n"].sum() or np.nan)
    worse = table[(table["kept_share_high"] < overall) & (table["eligible_referrals_n"] >= smallest)]
    excess = worse["eligible_referrals_n"] * (overall - worse["kept_share"])
    return worse.assign(overall_share=overall, excess_referrals_n=excess).sort_values(
        "excess_referrals_n", ascending=False, ignore_index=True
    )


def destination_hhi(referrals: pd.DataFrame, *, by: str = "npi", destination: str = "destination_system") -> pd.Series:
    """Herfindahl-Hirschman index (0-10,000) of the destinations of each referrer, from systems rather than campuses."""
    flows = referrals.groupby([by, destination], observed=True)["referrals_n"].sum()
    return flows.groupby(level=0).agg(hhi).astype(float).rename("destination_hhi")


def loyalty(referrals: pd.DataFrame, *, loyal: float = 0.80, lost: float = 0.20) -> pd.DataFrame:
    """One row per clinician: eligible referrals, share that came to us with its Wilson interval, tier, destination HHI.

    Parameters
    ----------
    loyal, lost
        Cut-points (0-1) of the share: at or above `loyal`, below `lost`; in between a splitter.

    Returns
    -------
    `npi`, `eligible_referrals_n`, `our_referrals_n`, `our_share`, `our_share_low`, `our_share_high`, `tier`,
    `tier_certain` (the whole interval lies in one tier), `destination_hhi`, `main_rival`, the other system that
    receives most (missing when none does).
    """
    eligible = referrals[referrals["eligible"].astype(bool)]
    table = retained(eligible, ["npi"]).rename(
        columns={
            "kept_referrals_n": "our_referrals_n",
            "kept_share": "our_share",
            "kept_share_low": "our_share_low",
            "kept_share_high": "our_share_high",
        }
    )
    table["tier"] = tier(table["our_share"], loyal=loyal, lost=lost)
    same = tier(table["our_share_low"], loyal=loyal, lost=lost).eq(tier(table["our_share_high"], loyal=loyal, lost=lost))
    table["tier_certain"] = same & table["our_share"].notna()
    elsewhere = (
        eligible[~eligible["ours"].astype(bool)].groupby(["npi", "destination_system"], observed=True, as_index=False)["referrals_n"].sum()
    )
    rival = elsewhere.sort_values(["referrals_n", "destination_system"], ascending=[False, True]).drop_duplicates("npi").set_index("npi")
    table["destination_hhi"] = table["npi"].map(destination_hhi(eligible)).astype(float)
    table["main_rival"] = table["npi"].map(rival["destination_system"])
    return table.drop(columns=["referrals_n", "leaked_referrals_n", "leaked_share"])


def tier(share: ArrayLike, *, loyal: float = 0.80, lost: float = 0.20) -> pd.Series:
    """Loyalty tier of each share; a missing share has no tier.

    Raises
    ------
    ValueError
        The cut-points are not in order.
    """
    if not 0 <= lost <= loyal <= 1:
        raise ValueError(f"the cut-points must satisfy 0 <= lost <= loyal <= 1, not lost={lost}, loyal={loyal}")
    values = np.asarray(share, float)
    named = np.select([np.isnan(values), values >= loyal, values < lost], [NONE, LOYAL, LOST], SPLITTER)
    return pd.Series(named.tolist(), index=share.index if isinstance(share, pd.Series) else None, name="tier", dtype="str")


def tiers(loyalty: pd.DataFrame) -> pd.DataFrame:
    """Clinicians by affiliation and loyalty tier, from rows of `loyalty`.

    Returns
    -------
    `affiliation`, `tier`, `clinicians_n`, of them `certain_n`, their `eligible_referrals_n`, median `destination_hhi`.
    """
    return loyalty.groupby(["affiliation", "tier"], as_index=False).agg(
        clinicians_n=("npi", "size"),
        certain_n=("tier_certain", "sum"),
        eligible_referrals_n=("eligible_referrals_n", "sum"),
        destination_hhi=("destination_hhi", "median"),
    )


def senders(referrals: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Referrals to us by group of the clinician, in the order of their names: the columns `by` and `referrals_n`."""
    return referrals[referrals["ours"].astype(bool)].groupby(list(by), as_index=False)["referrals_n"].sum()


def concentration(volumes: ArrayLike, *, top: int = 10) -> Concentration:
    """Concentration of referrals over clinicians: `volumes` holds one count per clinician.

    Raises
    ------
    ValueError
        A count is negative or not known: what is hidden is not zero.
    """
    counts = np.sort(np.asarray(volumes, float))[::-1]
    if np.isnan(counts).any() or (counts < 0).any():
        raise ValueError("volumes must be known and not negative")
    counts = counts[counts > 0]
    if not counts.size:
        return Concentration(np.nan, np.nan, np.nan, 0)
    index = hhi(counts)
    return Concentration(float(counts[:top].sum() / counts.sum()), index, 10_000 / index, len(counts))


def sole_referrers(referrals: pd.DataFrame, *, by: str = "site", threshold: float = 0.5) -> pd.DataFrame:
    """The largest referrer to us of each group of `by` and its share; `sole` where the share reaches the threshold.

    Returns
    -------
    One row per group: `npi`, `our_referrals_n` (the group's), `largest_referrals_n` (the clinician's), `largest_share`, `sole`.
    """
    ours = referrals[referrals["ours"].astype(bool)]
    counts = ours.groupby([by, "npi"], observed=True, as_index=False)["referrals_n"].sum()
    counts["our_referrals_n"] = counts.groupby(by, observed=True)["referrals_n"].transform("sum")
    table = counts.sort_values(["referrals_n", "npi"], ascending=[False, True]).drop_duplicates(by)
    table = table.rename(columns={"referrals_n": "largest_referrals_n"})
    table = largest_share(table).assign(sole=lambda rows: rows["largest_share"] >= threshold)
    table = table[[by, "npi", "our_referrals_n", "largest_referrals_n", "largest_share", "sole"]]
    return table.sort_values(["largest_share", by], ascending=[False, True], ignore_index=True)


def largest_share(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `our_referrals_n` and `largest_referrals_n`, as counted or as rounded, with `largest_share`."""
    return table.assign(largest_share=table["largest_referrals_n"] / table["our_referrals_n"].where(table["our_referrals_n"] > 0))


def referral_share(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `our_referrals_n`, as counted or as rounded, with each row's `referral_share` of all known ones."""
    return table.assign(referral_share=table["our_referrals_n"] / (table["our_referrals_n"].sum() or np.nan))


def succession(volumes: pd.DataFrame, *, year: int, years: float = 35) -> pd.DataFrame:
    """Referrals to us by years since graduation, in bands of ten; `at_risk` marks those at or beyond `years`.

    `volumes` has one row per clinician with `graduation_year` (may be missing) and `our_referrals_n`.
    """
    if years <= 20:
        raise ValueError(f"years must exceed 20, so that two bands of ten lie below it, not {years}")
    since = year - volumes["graduation_year"].astype("Float64")
    edges = [-np.inf, years - 20, years - 10, years, np.inf]
    names = [
        f"Under {years - 20:.0f} years",
        f"{years - 20:.0f} to {years - 11:.0f} years",
        f"{years - 10:.0f} to {years - 1:.0f} years",
        f"{years:.0f} years or more",
    ]
    band = pd.cut(since.astype(float), edges, right=False, labels=names).astype(object).fillna("Year not known")
    table = volumes.groupby(band).agg(clinicians_n=("npi", "nunique"), our_referrals_n=("our_referrals_n", "sum"))
    order = [*names, "Year not known"] if "Year not known" in table.index else names
    table = table.reindex(order, fill_value=0).rename_axis("since_graduation").reset_index()
    table = referral_share(table)
    table["at_risk"] = table["since_graduation"] == names[-1]
    return table


def origin_destination(referrals: pd.DataFrame, *, rows: str, columns: str) -> pd.DataFrame:
    """Origin-destination matrix in long form: one row per pair with `referrals_n`, the `origin_referrals_n` and the `share` of the two.

    Both ends are in the order of their totals, the largest first, see `by_totals`.
    """
    table = referrals.groupby([rows, columns], observed=True, as_index=False)["referrals_n"].sum()
    table["origin_referrals_n"] = table.groupby(rows, observed=True)["referrals_n"].transform("sum")
    return by_totals(origin_share(table), rows=rows, columns=columns)


def origin_share(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `referrals_n` and `origin_referrals_n`, as counted or as rounded, with the `share` of the two."""
    return table.assign(share=table["referrals_n"] / table["origin_referrals_n"].where(table["origin_referrals_n"] > 0))


def by_totals(table: pd.DataFrame, *, rows: str, columns: str) -> pd.DataFrame:
    """A matrix in long form with both ends in the order of their known totals, ties by name."""
    totals = [table.groupby(end, observed=True)["referrals_n"].transform("sum") for end in (rows, columns)]
    order = table.assign(_row=totals[0], _column=totals[1]).sort_values(
        ["_row", rows, "_column", columns], ascending=[False, True, False, True]
    )
    return table.loc[order.index].reset_index(drop=True)


def leaked_cases(described: pd.DataFrame) -> float:
    """Cases that leave the network in a year and could return: leaked referrals of affiliated clinicians times the share that is treated.

    Parameters
    ----------
    described
        Referrals with their `span`, see `referrals.described`; those of the last four quarters ("now") count.
    """
    last_year = described[described["span"] == "now"]
    return float(keepage(last_year)["leaked_referrals_n"].iloc[0] * funnel(last_year)["referred_share"].iloc[-1])
