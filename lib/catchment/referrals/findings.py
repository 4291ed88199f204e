"""Sentences of the referral page: who leaks, who was lost, which corridor grows, what could be won back; and its cards.

Each finding goes to the page's takeaways and the executive brief, and is computed from the rounded counts that the exhibits show; "nothing
stands out" is a finding too.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.blocks import Finding, Kpi, Measure
from catchment.page.exhibit import Exhibit
from catchment.page.report import Report
from catchment.protect.rounding import filled

from . import changes, patterns
from .exhibits import CASES, REFERRED, VISITS, totals
from .flow_exhibits import CHANGED, GROWING

BEFORE, RIVAL = "the period before", "destination_system"


def leak(
    report: Report, keepage: Exhibit, referrals: pd.DataFrame, *, overall: float | None = None, treated: float = float("nan")
) -> Finding:
    """The specialty whose keepage lies furthest below that of all affiliated clinicians, and where it sends patients.

    Parameters
    ----------
    keepage
        `exhibits.keepage`, whose rows are compared.
    overall
        The share that all affiliated clinicians keep, as the card has it; that of the rows shown where it is not given, which differs from
        it by what is hidden and rounded.
    referrals
        The period's rows.
    treated
        Patients treated in a year for each referral of the period.
    """
    affiliated = referrals[referrals["affiliation"] == "affiliated"]
    if not report.people(affiliated.loc[affiliated["eligible"], "referrals_n"].sum(), sources=REFERRED) > 0:
        return Finding("**Too few referrals of affiliated clinicians to compare specialties.**", keepage.key)
    worst = patterns.leaking(keepage.shown, smallest=report.threshold(REFERRED))
    if worst.empty:
        return Finding(
            "**No specialty leaks measurably more than the others.** Keepage is alike across affiliated clinicians.", keepage.key
        )
    row = worst.iloc[0]
    rivals = totals(report, affiliated[affiliated["specialty"].eq(row["specialty"]) & ~affiliated["ours"]], RIVAL, sources=REFERRED)
    most = f"; most of the rest goes to {rivals[RIVAL].iloc[0]}" if len(rivals) else ""
    text = (
        f"**{row['specialty']} leaks most: {words.share(row['kept_share'])} of its eligible referrals stay with us**, against "
        f"{words.share(row['overall_share'] if overall is None else overall)} across affiliated clinicians{most}."
    )
    more = row["excess_referrals_n"] * treated
    so = f"Kept as well as the average, it would bring {words.people(more, 'case')} a year." if pd.notna(more) else ""
    return Finding(text, keepage.key, certainty=0.95, cases=more, basis="95 % interval below the average", so=so, gap=True)


def lost(moved: pd.DataFrame, shown: pd.DataFrame, *, treated: float = float("nan")) -> Finding:
    """The largest lost referrer, how many more were lost or declined, and the new ones.

    Parameters
    ----------
    moved
        `changes.changes` by clinician.
    shown
        Those of them that the page shows, see `flow_exhibits.movers`.
    treated
        Patients treated in a year for each referral of the period.
    """
    if not moved["before_referrals_n"].any():
        return Finding("**The data hold no whole period before to compare referrers with.**", CHANGED)
    counts = moved["label"].value_counts()
    gone = shown[shown["label"] == changes.LOST].sort_values(["before_referrals_n", "clinician"], ascending=[False, True])
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
    before = words.people(first["before_referrals_n"], "referral")
    text = f"**{which}{link}{first['clinician']}, with {before} before and none now.** Beyond chance, {others}."
    fewer = gone["before_referrals_n"].sum() * treated
    so = f"At our yield these referrals were {words.people(fewer, 'treated patient')} a year." if pd.notna(fewer) else ""
    return Finding(
        text,
        CHANGED,
        certainty=_certainty(first["adjusted"]),
        change=1.0,
        cases=fewer,
        basis=_tested(first["adjusted"]),
        since=BEFORE,
        so=so,
        gap=True,
    )


def _spelled(n: int) -> str:
    return ("none", *words.SMALL_COUNTS[1:])[n] if n <= 10 else words.count(n)


def _tested(band: str) -> str:
    return f"exact test, p {band}, adjusted" if pd.notna(band) else "exact test, adjusted"


def _certainty(band: str) -> float:
    """One less the upper end of a band of p-values (`words.significance`); of a hidden one 0.95."""
    return 1 - float(band.removeprefix("below ")) if pd.notna(band) and band.startswith("below ") else 0.95


def corridor(report: Report, moved: pd.DataFrame, towns: pd.DataFrame, *, treated: float = float("nan")) -> Finding:
    """The town whose referrals to the partner grew most between the two periods.

    Parameters
    ----------
    moved
        `changes.changes` by city and destination.
    towns
        `flow_exhibits.grown` of the same.
    treated
        Patients treated in a year for each referral of the period.
    """
    to, below = report.settings.name, report.threshold(REFERRED)
    if not moved["before_referrals_n"].any():
        return Finding("**The data hold no whole period before to compare towns with.**", GROWING)
    if towns.empty:
        return Finding(f"**No town sends {to} measurably more than in the period before.**", GROWING)
    row = towns.iloc[0]
    now, before = (words.people(row[f"{span}_referrals_n"], "referral", below=below) for span in ("now", "before"))
    text = f"**The corridor from {row['city']} to {to} grows: {now}**, after {before.removesuffix(' referrals')} in the period before."
    more = row["movement"] * treated
    so = f"At our yield the growth is {words.people(more, 'treated patient')} a year more." if pd.notna(more) else ""
    return Finding(
        text,
        GROWING,
        certainty=_certainty(row["adjusted"]),
        change=1.0,
        cases=more,
        basis=_tested(row["adjusted"]),
        since=BEFORE,
        so=so,
    )


def opportunity(report: Report, ranked: pd.DataFrame) -> Finding:
    """What outreach could win back in a year, and how few visits hold half of it."""
    total = ranked["recoverable_usd"].sum()
    if len(ranked) and not report.people(ranked["eligible_referrals_n"].sum(), sources=REFERRED) > 0:
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
        `retained` of the page, with a row for "now" and one for "before".
    moved
        `changes.changes` of the referrals to us, one row per clinician.
    waiting
        `survival.waits` to consultation by `span`.
    """
    targets = report.settings.referrals
    waits = waiting.set_index("span").reindex(["now", "before"])
    days, ever = waits["median_days"], waits.loc["now", "ever_share"]
    counts = moved[["now_referrals_n", "before_referrals_n"]]
    rounded = filled(report.protect(counts, sources=REFERRED, order="now_referrals_n"))
    top, top_before = (patterns.concentration(rounded[name]).share for name in counts)
    sent, earlier = (report.people(counts[name].sum(), sources=REFERRED) for name in counts)
    return [
        share_card("Keepage, affiliated clinicians", kept, targets.keepage_target_share.value, recorded="keepage_share"),
        share_card("Share to us, independent clinicians", split, targets.split_target_share.value),
        count_card("Referrals to our network", sent, earlier, below=report.threshold(REFERRED)),
        Kpi(
            "Median days to consultation",
            words.number(days["now"]),
            words.change(days["now"], days["before"], BEFORE, unit="count"),
            "" if pd.isna(ever) else f"{words.share(ever, digits=0)} are ever seen",
        ),
        Kpi("Share of the ten largest referrers", words.share(top), words.change(top, top_before, BEFORE, unit="points")),
    ]


def count_card(label: str, now: float, before: float, *, below: int) -> Kpi:
    """A KPI card of a count of referrals as the page may say it (NaN where hidden) with its movement."""
    return Kpi(label, words.people(now, "referral", below=below).removesuffix(" referrals"), words.change(now, before, BEFORE))


def share_card(label: str, shares: pd.DataFrame, target: float, *, recorded: str = "") -> Kpi:
    """A KPI card of a kept share (rows "now" and "before") with its movement, beyond chance or not, and its goal."""
    value, earlier = shares.loc["now", "kept_share"], shares.loc["before", "kept_share"]
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


def retained(report: Report, counted: pd.DataFrame) -> pd.DataFrame:
    """`patterns.keepage` or `patterns.splitting` by `span` as the page may say them: a row for "now" and one for "before"."""
    shown = report.protect(counted, sources=REFERRED, derive=patterns.kept_shares)
    return shown.set_index("span").reindex(["now", "before"])


def recorded(report: Report, cases: pd.DataFrame, kept: pd.DataFrame, *, period: str) -> dict[str, tuple]:
    """The page's key numbers for the executive brief: cases referred to the partner and treated in the year, leakage, keepage."""
    settings = report.settings
    year = settings.as_of.year
    treated = (cases["destination"].eq(settings.name) & cases["treatment_date"].dt.year.eq(year)).sum()
    return {
        "referred_cases": (report.people(treated, sources=CASES), "patients", str(year), "analytic_cases"),
        "leaked_referrals": (kept.loc["now", "leaked_referrals_n"], "referrals", period),
        "keepage_share": (kept.loc["now", "kept_share"], "share", period),
    }
