"""Sentences of the referral page: who leaks, who was lost, which corridor grows, what could be won back; and its cards.

Each finding goes to the page's takeaways and the executive brief. Counts of 1 to 10 referrals are never said, nor shares that would give
them away; "nothing stands out" is a finding too.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.blocks import Finding, Kpi, Measure
from catchment.page.exhibit import Exhibit
from catchment.page.report import Report

from . import corridors, patterns
from .exhibits import REFERRED, VISITS
from .flow_exhibits import CHANGED, GROWING

BEFORE = "the period before"


def leak(report: Report, keepage: Exhibit, worst: pd.DataFrame, referrals: pd.DataFrame, *, treated: float = float("nan")) -> Finding:
    """The specialty whose keepage lies furthest below that of all affiliated clinicians, and where it sends patients.

    Parameters
    ----------
    keepage
        `exhibits.keepage`: a share that is hidden there is not said here either.
    worst
        `patterns.leaking`.
    referrals
        The period's rows.
    treated
        Patients treated in a year for each referral of the period.
    """
    if referrals.loc[referrals["affiliation"].eq("affiliated") & referrals["eligible"], "referrals_n"].sum() < report.threshold(REFERRED):
        return Finding("**Too few referrals of affiliated clinicians to compare specialties.**", keepage.key)
    if worst.empty:
        return Finding(
            "**No specialty leaks measurably more than the others.** Keepage is alike across affiliated clinicians.", keepage.key
        )
    row = worst.iloc[0]
    mine = referrals[(referrals["specialty"] == row["specialty"]) & (referrals["affiliation"] == "affiliated") & ~referrals["ours"]]
    rivals = mine.groupby("destination_system")["referrals_n"].sum().sort_values()
    kept = keepage.shown.set_index("specialty").loc[row["specialty"], "kept_share"]
    little = "far fewer" if pd.isna(kept) else words.share(kept)
    text = (
        f"**{row['specialty']} leaks most: {little} of its eligible referrals stay with us**, against {words.share(row['overall_share'])} "
        f"across affiliated clinicians; most of the rest goes to {rivals.index[-1]}."
    )
    more = row["excess_referrals_n"] * treated
    so = f"Kept as well as the average, it would bring {words.people(more, 'case')} a year." if pd.notna(more) else ""
    return Finding(text, keepage.key, certainty=0.95, cases=more, basis="95 % interval below the average", so=so, gap=True)


def lost(moved: pd.DataFrame, *, treated: float = float("nan")) -> Finding:
    """The largest lost referrer, how many more were lost or declined, and the new ones."""
    if not moved["before_referrals_n"].any():
        return Finding("**The data hold no whole period before to compare referrers with.**", CHANGED)
    counts = moved["label"].value_counts()
    gone = moved[moved["label"] == "lost"].sort_values("before_referrals_n", ascending=False)
    new, grew, fell = (counts.get(label, 0) for label in ("new", "growing", "declining"))
    appeared = words.plural(new, "referrer", spelled=True)
    others = f"{appeared} appeared, {_spelled(grew)} grew, {_spelled(fell)} declined"
    if gone.empty:
        return Finding(f"**No referrer of measurable size was lost.** Beyond chance, {others}.", CHANGED)
    first = gone.iloc[0]
    which = (
        "One referrer was lost"
        if len(gone) == 1
        else f"{words.plural(len(gone), 'referrer', spelled=True).capitalize()} were lost, the largest being"
    )
    link = ": " if len(gone) == 1 else " "
    before = words.count(first["before_referrals_n"])
    text = f"**{which}{link}{first['clinician']}, with {before} referrals before and none now.** Beyond chance, {others}."
    fewer = gone["before_referrals_n"].sum() * treated
    so = f"At our yield these referrals were {words.people(fewer, 'treated patient')} a year." if pd.notna(fewer) else ""
    return Finding(
        text,
        CHANGED,
        certainty=1 - float(first["adjusted"]),
        change=1.0,
        cases=fewer,
        basis=_tested(first["adjusted"]),
        since=BEFORE,
        so=so,
        gap=True,
    )


def _spelled(n: int) -> str:
    return ("none", *words.SMALL_COUNTS[1:])[n] if n <= 10 else words.count(n)


def _tested(pvalue: float) -> str:
    return f"exact test, p {'below 0.001' if pvalue < 0.001 else words.number(pvalue, digits=3)}, adjusted"


def corridor(report: Report, moved: pd.DataFrame, *, treated: float = float("nan")) -> Finding:
    """The town whose referrals to the partner grew most between the two periods; `moved` is `changes.changes` by city and destination."""
    to = report.settings.name
    if not moved["before_referrals_n"].any():
        return Finding("**The data hold no whole period before to compare towns with.**", GROWING)
    grown = corridors.grown(moved, to=to)
    if grown.empty:
        return Finding(f"**No town sends {to} measurably more than in the period before.**", GROWING)
    row = grown.iloc[0]
    text = (
        f"**The corridor from {row['city']} to {to} grows: {words.count(row['now_referrals_n'])} referrals**, after "
        f"{words.people(row['before_referrals_n'], 'referral', below=report.threshold(REFERRED)).removesuffix(' referrals')} "
        "in the period before."
    )
    more = row["difference_n"] * treated
    so = f"At our yield the growth is {words.people(more, 'treated patient')} a year more." if pd.notna(more) else ""
    return Finding(
        text,
        GROWING,
        certainty=1 - float(row["adjusted"]),
        change=1.0,
        cases=more,
        basis=_tested(row["adjusted"]),
        since=BEFORE,
        so=so,
    )


def opportunity(report: Report, ranked: pd.DataFrame) -> Finding:
    """What outreach could win back in a year, and how few visits hold half of it."""
    total = ranked["recoverable_usd"].sum()
    if total and ranked["eligible_referrals_n"].sum() < report.threshold(REFERRED):
        return Finding("**Too few referrals leave for an outreach list.**", VISITS)
    if not total:
        return Finding("**Nobody on the list is below target.**", VISITS)
    half = int(np.searchsorted(ranked["recoverable_usd"].cumsum(), total / 2)) + 1
    text = (
        f"**Outreach could recover about {words.money(total)} a year.** Half of it lies with {words.plural(half, 'clinician')} of the "
        f"{words.count(len(ranked))} below target."
    )
    so = f"The first {words.plural(half, 'visit')} can be planned from the list now."
    return Finding(text, VISITS, certainty=0.6, usd=total, basis="assumed contribution and chance of success", so=so)


def cards(report: Report, kept: pd.DataFrame, split: pd.DataFrame, moved: pd.DataFrame, waiting: pd.DataFrame) -> list[Kpi]:
    """The page's five cards, each with its movement since the period before.

    Parameters
    ----------
    kept, split
        `patterns.keepage` and `patterns.splitting` with a row for "now" and one for "before".
    moved
        `changes.changes` of the referrals to us, one row per clinician.
    waiting
        `survival.waits` to consultation by `span`.
    """
    targets, below = report.settings.referrals, report.threshold(REFERRED)
    waits = waiting.set_index("span").reindex(["now", "before"])
    days, ever = waits["median_days"], waits.loc["now", "ever_share"]
    sent, earlier = (moved[f"{span}_referrals_n"] for span in ("now", "before"))
    top, top_before = (patterns.concentration(counts).share for counts in (sent, earlier))
    return [
        share_card("Keepage, affiliated clinicians", kept, targets.keepage_target_share.value, below=below, recorded="keepage_share"),
        share_card("Share to us, independent clinicians", split, targets.split_target_share.value, below=below),
        count_card("Referrals to our network", sent.sum(), earlier.sum(), below=below),
        Kpi(
            "Median days to consultation",
            words.number(days["now"]),
            words.change(days["now"], days["before"], BEFORE, unit="count"),
            "" if pd.isna(ever) else f"{words.share(ever)} are ever seen",
        ),
        Kpi("Share of the ten largest referrers", words.share(top), words.change(top, top_before, BEFORE, unit="points")),
    ]


def count_card(label: str, now: int, before: int, *, below: int) -> Kpi:
    """A KPI card of a count of referrals with its movement, neither said when a count may not be shown."""
    small = any(0 < count < below for count in (now, before))
    value = words.people(now, "referral", below=below).removesuffix(" referrals")
    return Kpi(label, value, words.change(np.nan if small else now, before, BEFORE))


def share_card(label: str, shares: pd.DataFrame, target: float, *, below: int, recorded: str = "") -> Kpi:
    """A KPI card of a kept share (rows "now" and "before") with its movement, beyond chance or not, and its goal."""
    now, before = shares.loc["now"], shares.loc["before"]
    value, earlier = (
        np.nan if any(0 < row[column] < below for column in ("kept_referrals_n", "leaked_referrals_n")) else row["kept_share"]
        for row in (now, before)
    )
    moved, change = words.change(value, earlier, BEFORE, unit="points"), patterns.share_change(shares)
    chance = change.low <= 0 <= change.high and pd.notna(value) and pd.notna(earlier)
    return Kpi(
        label,
        words.share(value),
        f"{moved} (within chance)" if chance else moved,
        words.goal(value, target, words.share, name="Target"),
        words.status(value, target),
        recorded,
        measure=Measure(label.partition(",")[0], value, "higher"),
    )


def recorded(report: Report, cases: pd.DataFrame, kept: pd.DataFrame, *, period: str) -> dict[str, tuple]:
    """The page's key numbers for the executive brief: cases referred to the partner and treated in the year, leakage, keepage."""
    settings = report.settings
    year = settings.as_of.year
    treated = (cases["destination"].eq(settings.name) & cases["treatment_date"].dt.year.eq(year)).sum()
    return {
        "referred_cases": (treated, "patients", str(year), "analytic_cases"),
        "leaked_referrals": (kept.loc["now", "leaked_referrals_n"], "referrals", period),
        "keepage_share": (kept.loc["now", "kept_share"], "share", period),
    }
