"""Sentences of the referral page: who leaks, who was lost, which corridor grows, what could be won back.

Each returns a finding for the page's takeaways (and the executive brief) or a figure's title. Counts of 1 to 10 referrals are never said,
nor shares that would give them away; "nothing stands out" is a finding too.
"""

import numpy as np
import pandas as pd

from catchment import words

from .blocks import Finding

SMALL = 11


def _part(kept: float, total: float) -> str:
    """A share of a total, or what may be said of it."""
    if 0 < kept < SMALL:
        return f"fewer than {SMALL} of {words.count(total)}"
    if 0 < total - kept < SMALL:
        return f"all but a few of {words.count(total)}"
    return words.share(kept / total)


def leak(worst: pd.DataFrame, referrals: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """The specialty whose keepage lies furthest below that of all affiliated clinicians, and where it sends patients.

    `worst` comes from `referrals.leaking`; `referrals` are the period's rows.
    """
    if worst.empty:
        return Finding("**No specialty leaks measurably more than the others.** Keepage is alike across affiliated clinicians.", exhibit)
    row = worst.iloc[0]
    mine = referrals[(referrals["specialty"] == row["specialty"]) & (referrals["affiliation"] == "affiliated") & ~referrals["ours"]]
    rivals = mine.groupby("destination_system")["referrals_n"].sum().sort_values()
    overall, kept, total = row["overall_share"], row["kept_referrals_n"], row["eligible_referrals_n"]
    text = (
        f"**{row['specialty']} leaks most: {_part(kept, total)} of its eligible referrals stay with us**, against {words.share(overall)} "
        f"across affiliated clinicians; most of the rest goes to {rivals.index[-1]}."
    )
    return Finding(text, exhibit, size=min(1.0, row["excess_referrals_n"] / 100), certainty=0.95, change=0.0)


def lost(moved: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """The largest lost referrer, how many more were lost or declined, and the new ones."""
    counts = moved["label"].value_counts()
    gone = moved[moved["label"] == "lost"].sort_values("before_referrals_n", ascending=False)
    others = f"{words.plural(counts.get('new', 0), 'referrer')} appeared, {words.count(counts.get('growing', 0))} grew, {words.count(counts.get('declining', 0))} declined"
    if gone.empty:
        return Finding(f"**No referrer of measurable size was lost.** Compared with the period before, {others}.", exhibit)
    first = gone.iloc[0]
    more = f" and {words.plural(len(gone) - 1, 'other')} stopped" if len(gone) > 1 else " stopped"
    text = f"**{first['clinician']}{more}: from {words.count(first['before_referrals_n'])} referrals to none.** Beyond chance, {others}."
    return Finding(text, exhibit, size=min(1.0, gone["before_referrals_n"].sum() / 200), certainty=1 - float(first["adjusted"]), change=1.0)


def corridor(moved: pd.DataFrame, *, to: str, exhibit: str = "") -> Finding:
    """The town whose referrals to the partner grew most between the two periods."""
    grown = moved[(moved["destination"] == to) & moved["label"].isin(["growing", "new"])].sort_values("difference_n", ascending=False)
    if grown.empty:
        return Finding(f"**No town sends {to} measurably more than a year ago.**", exhibit)
    row = grown.iloc[0]
    text = (
        f"**The corridor from {row['city']} to {to} grows: {words.count(row['now_referrals_n'])} referrals**, after "
        f"{words.people(row['before_referrals_n'], 'referral').removesuffix(' referrals')} in the period before."
    )
    return Finding(text, exhibit, size=min(1.0, row["difference_n"] / 200), certainty=1 - float(row["adjusted"]), change=1.0)


def opportunity(ranked: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """What outreach could win back in a year, and how few visits hold half of it."""
    total = ranked["recoverable_usd"].sum()
    if not total:
        return Finding("**Nobody on the list is below target.**", exhibit)
    half = int(np.searchsorted(ranked["recoverable_usd"].cumsum(), total / 2)) + 1
    text = (
        f"**Outreach could recover about {words.money(total)} a year.** Half of it lies with {words.plural(half, 'clinician')} of the "
        f"{words.count(len(ranked))} below target."
    )
    return Finding(text, exhibit, size=min(1.0, total / 5e6), certainty=0.6, change=0.0)


def keepage_title(worst: pd.DataFrame) -> str:
    """Title of the keepage figure, at most twelve words."""
    if worst.empty:
        return "Keepage does not differ measurably between specialties"
    row = worst.iloc[0]
    return f"{row['specialty']} keeps {_part(row['kept_referrals_n'], row['eligible_referrals_n'])}, the most costly leak"


def surprise_title(surprises: pd.DataFrame) -> str:
    """Title of the observed-against-expected figure."""
    over, under = (int((surprises["verdict"] == verdict).sum()) for verdict in ("over", "under"))
    if not over + under:
        return "Every corridor carries what size and distance suggest"
    return f"{words.plural(over, 'corridor')} above expectation, {words.count(under)} below"


def waiting_title(waits: pd.DataFrame, test_pvalue: float, *, by: str = "destination") -> str:
    """Title of the waiting-time figure: which center is slower, when the log-rank test says so."""
    shown = waits.sort_values("median_days")
    if len(shown) < 2 or not test_pvalue <= 0.05:
        return f"Half of the patients are seen within {words.number(shown['median_days'].median())} days"
    fast, slow = shown.iloc[0], shown.iloc[-1]
    return f"Half are seen after {words.number(fast['median_days'])} days here, {words.number(slow['median_days'])} at the slowest center"
