"""Sentences of the referral page: who leaks, who was lost, which corridor grows, what could be won back.

Each returns a finding for the page's takeaways (and the executive brief) or a figure's title. Counts of 1 to 10 referrals are never said,
nor shares that would give them away; "nothing stands out" is a finding too.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.analysis.choice import GravityFit
from catchment.analysis.survival import Contrast

from .blocks import Finding, Kpi, Measure
from .flow_maps import FlowMap

SMALL = 11
STEPS = {
    "Scheduled": ("referral_date", "scheduled_date"),
    "Seen": ("scheduled_date", "consult_date"),
    "Treated": ("consult_date", "treatment_date"),
}
CLOCKS = {
    "Referral to scheduling": ("referral_date", "scheduled_date"),
    "Referral to consultation": ("referral_date", "consult_date"),
    "Consultation to first treatment": ("consult_date", "treatment_date"),
    "Referral to first treatment": ("referral_date", "treatment_date"),
}
MOVED = ("new", "growing", "declining", "lost")
LABELS = {
    "system": "System of the clinician",
    "eligible_referrals_n": "Eligible referrals",
    "kept_referrals_n": "Stayed with us",
    "kept_share": "Stayed",
    "kept_share_low": "Stayed, low",
    "kept_share_high": "Stayed, high",
    "since_graduation": "Since graduation",
    "clinicians_n": "Clinicians",
    "our_referrals_n": "Referrals to us",
    "referral_share": "Share of referrals to us",
    "site": "Tumor site",
    "largest_referrals_n": "Of them from the largest",
    "largest_share": "Share of the largest",
    "certain_n": "Of them certain",
    "destination_hhi": "Median HHI",
    "destination_system": "Destination system",
    "before_referrals_n": "Before",
    "now_referrals_n": "Now",
    "after_referrals_n": "After",
    "before_quarters": "Quarters before",
    "after_quarters": "Quarters after",
    "adjusted": "Adjusted p",
    "label": "Change",
    "first_quarter": "New level from",
    "path_share": "Shortest paths",
    "closeness": "Closeness",
    "pagerank": "PageRank",
    "position": "Position",
    "participation": "Spread over communities",
    "reason": "Reason",
    "clinician": "Clinician",
    "affiliation": "Affiliation",
    "tier": "Tier",
    "specialty": "Specialty",
    "method": "Method",
    "model": "Model",
    "family": "Family",
    "community": "Community",
    "ratio": "Ratio",
    "city": "Town",
    "referrals_low": "Low",
    "referrals_high": "High",
    "inside_share": "Patients shared inside",
    "town": "Main town",
    "town_share": "In that town",
    "patients_n": "Shared patients",
    "corridor": "Corridor",
    "dist_km": "Distance",
    "decay": "With distance",
    "expected_n": "Expected",
    "referrals_n": "Referrals",
    "verdict": "Against expectation",
    "our_share": "Current share",
    "target_share": "Target",
    "recoverable_usd": "Recoverable",
    "recoverable_low": "Low",
    "recoverable_high": "High",
    "d2": "D2",
    "pseudo_r2": "Pseudo R2",
    "srmse": "SRMSE",
    "sorensen": "Sorensen",
    "origin": "Town",
    "destination": "Center",
    "center": "Center",
    "other_center": "Other center",
    "common_referrals_n": "Referrals in common",
}


def _part(kept: float, total: float) -> str:
    """A share of a total, or what may be said of it."""
    if 0 < kept < SMALL:
        return f"fewer than {SMALL} of {words.count(total)}"
    if 0 < total - kept < SMALL:
        return f"all but a few of {words.count(total)}"
    return words.share(kept / total)


def leak(
    worst: pd.DataFrame, referrals: pd.DataFrame, shown: pd.DataFrame | None = None, *, treated: float = float("nan"), exhibit: str = ""
) -> Finding:
    """The specialty whose keepage lies furthest below that of all affiliated clinicians, and where it sends patients.

    `worst` comes from `referrals.leaking`; `referrals` are the period's rows; `shown` is the protected table of the page: a share
    that is hidden there is not said here either. `treated` is the part of referrals to us that reach treatment.
    """
    if referrals.loc[referrals["affiliation"].eq("affiliated") & referrals["eligible"], "referrals_n"].sum() < SMALL:
        return Finding("**Too few referrals of affiliated clinicians to compare specialties.**", exhibit)
    if worst.empty:
        return Finding("**No specialty leaks measurably more than the others.** Keepage is alike across affiliated clinicians.", exhibit)
    row = worst.iloc[0]
    mine = referrals[(referrals["specialty"] == row["specialty"]) & (referrals["affiliation"] == "affiliated") & ~referrals["ours"]]
    rivals = mine.groupby("destination_system")["referrals_n"].sum().sort_values()
    overall, kept, total = row["overall_share"], row["kept_referrals_n"], row["eligible_referrals_n"]
    part = "far fewer" if _hidden(shown, row["specialty"]) else _part(kept, total)
    text = (
        f"**{row['specialty']} leaks most: {part} of its eligible referrals stay with us**, against {words.share(overall)} "
        f"across affiliated clinicians; most of the rest goes to {rivals.index[-1]}."
    )
    more = row["excess_referrals_n"] * treated
    so = f"Kept as well as the average, it would bring {words.people(more, 'case')} a year." if pd.notna(more) else ""
    return Finding(text, exhibit, certainty=0.95, cases=more, basis="95 % interval below the average", so=so, gap=True)


def _hidden(shown: pd.DataFrame | None, specialty: str) -> bool:
    return shown is not None and bool(shown.loc[shown["specialty"] == specialty, "kept_share"].isna().any())


def lost(moved: pd.DataFrame, *, treated: float = float("nan"), exhibit: str = "") -> Finding:
    """The largest lost referrer, how many more were lost or declined, and the new ones."""
    counts = moved["label"].value_counts()
    gone = moved[moved["label"] == "lost"].sort_values("before_referrals_n", ascending=False)
    others = f"{words.plural(counts.get('new', 0), 'referrer')} appeared, {words.count(counts.get('growing', 0))} grew, {words.count(counts.get('declining', 0))} declined"
    if gone.empty:
        return Finding(f"**No referrer of measurable size was lost.** Compared with the period before, {others}.", exhibit)
    first = gone.iloc[0]
    which = (
        "One referrer was lost"
        if len(gone) == 1
        else f"{words.plural(len(gone), 'referrer', spelled=True).capitalize()} were lost, the largest being"
    )
    link = ": " if len(gone) == 1 else " "
    text = f"**{which}{link}{first['clinician']}, with {words.count(first['before_referrals_n'])} referrals before and none now.** Beyond chance, {others}."
    fewer = gone["before_referrals_n"].sum() * treated
    so = f"At our yield these referrals were {words.people(fewer, 'treated patient')} a year." if pd.notna(fewer) else ""
    return Finding(
        text,
        exhibit,
        certainty=1 - float(first["adjusted"]),
        change=1.0,
        cases=fewer,
        basis=_tested(first["adjusted"]),
        since="the period before",
        so=so,
        gap=True,
    )


def _tested(pvalue: float) -> str:
    return f"exact test, p {'below 0.001' if pvalue < 0.001 else words.number(pvalue, digits=3)}, adjusted"


def corridor(moved: pd.DataFrame, *, to: str, treated: float = float("nan"), exhibit: str = "") -> Finding:
    """The town whose referrals to the partner grew most between the two periods."""
    grown = moved[(moved["destination"] == to) & moved["label"].isin(["growing", "new"])].sort_values("difference_n", ascending=False)
    if grown.empty:
        return Finding(f"**No town sends {to} measurably more than a year ago.**", exhibit)
    row = grown.iloc[0]
    text = (
        f"**The corridor from {row['city']} to {to} grows: {words.count(row['now_referrals_n'])} referrals**, after "
        f"{words.people(row['before_referrals_n'], 'referral').removesuffix(' referrals')} in the period before."
    )
    more = row["difference_n"] * treated
    so = f"At our yield the growth is {words.people(more, 'treated patient')} a year more." if pd.notna(more) else ""
    return Finding(
        text,
        exhibit,
        certainty=1 - float(row["adjusted"]),
        change=1.0,
        cases=more,
        basis=_tested(row["adjusted"]),
        since="the period before",
        so=so,
    )


def opportunity(ranked: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """What outreach could win back in a year, and how few visits hold half of it."""
    total = ranked["recoverable_usd"].sum()
    if total and ranked["eligible_referrals_n"].sum() < SMALL:
        return Finding("**Too few referrals leave for an outreach list.**", exhibit)
    if not total:
        return Finding("**Nobody on the list is below target.**", exhibit)
    half = int(np.searchsorted(ranked["recoverable_usd"].cumsum(), total / 2)) + 1
    text = (
        f"**Outreach could recover about {words.money(total)} a year.** Half of it lies with {words.plural(half, 'clinician')} of the "
        f"{words.count(len(ranked))} below target."
    )
    so = f"The first {words.plural(half, 'visit')} can be planned from the list now."
    return Finding(text, exhibit, certainty=0.6, usd=total, basis="assumed contribution and chance of success", so=so)


def ordered(shown: pd.DataFrame, value: str) -> pd.DataFrame:
    """A protected table with the largest value first and hidden ones last, so that no row's place tells what it hides."""
    return shown.sort_values(value, ascending=False, na_position="last", kind="stable", ignore_index=True)


def count_card(label: str, now: int, before: int) -> Kpi:
    """A KPI card of a count of referrals with its movement, neither said when a count may not be shown."""
    small = any(0 < count < SMALL for count in (now, before))
    return Kpi(
        label, words.people(now, "referral").removesuffix(" referrals"), words.change(np.nan if small else now, before, "the period before")
    )


def funnel_title(steps: pd.DataFrame) -> str:
    """Title of the funnel: what has reached the last stage."""
    return f"{words.share(steps['referred_share'].iloc[-1])} of referrals have reached treatment so far"


def sender_title(ours: pd.DataFrame) -> str:
    """Title of the figure of who refers: the specialty that sends most."""
    sent = ours.groupby("specialty")["referrals_n"].sum().sort_values()
    if sent.empty or 0 < sent.iloc[-1] < SMALL:
        return "Few referrals reach our network"
    return f"{sent.index[-1]} sends {_part(sent.iloc[-1], sent.sum())} of our referrals"


def elsewhere_title(referrals: pd.DataFrame) -> str:
    """Title of the matrix: the system that receives most of what goes elsewhere."""
    gone = referrals[~referrals["ours"]].groupby("destination_system")["referrals_n"].sum().sort_values()
    if gone.empty or 0 < gone.iloc[-1] < SMALL:
        return "Few referrals go elsewhere"
    return f"{gone.index[-1]} receives {_part(gone.iloc[-1], gone.sum())} of what goes elsewhere"


def site_title(contrast: Contrast) -> str:
    """Title of the waiting times by tumor site: the slowest of those that differ from the others."""
    slow = contrast.waits[(contrast.waits["adjusted"] <= 0.05) & (contrast.waits["median_days"] > contrast.waits["median_days"].median())]
    if slow.empty:
        return "No tumor site waits measurably longer than the others"
    return f"{slow['site'].iloc[0]} waits longest: half are treated within {words.number(slow['median_days'].iloc[0])} days"


def site_note(contrast: Contrast, least: int) -> str:
    """The log-rank test between tumor sites, and what was left out of it."""
    if not contrast.test.df:
        return f"No two tumor sites have {words.count(least)} patients: no test between them."
    out = (
        f" {words.plural(contrast.left_out_n, 'site')} with fewer than {words.count(least)} patients left out."
        if contrast.left_out_n
        else ""
    )
    return (
        f"Log-rank test between tumor sites: chi-square {words.number(contrast.test.chi2, digits=1)}, {words.plural(contrast.test.df, 'degree')} of freedom, p {_p(contrast.test.pvalue)}. "
        f"Adjusted p: each site against all others, false discoveries controlled.{out}"
    )


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"= {value:.3f}"


def fit_note(models: dict[str, GravityFit]) -> str:
    """What the fit statistics mean, and how the decay with distance was chosen."""
    decay = next(iter(models.values())).decay if models else "power"
    why = (
        "an exponential of the kilometers fits better than a power, which explodes where town and center lie within a few kilometers"
        if decay == "exponential"
        else "a power of the distance fits better than an exponential"
    )
    return f"Decay: {why}. D2 and pseudo R2 are those of Poisson for all; D2: explained deviance. SRMSE: root mean square error over the mean flow. Sorensen: 1 is a perfect match. Dispersion above 1.5 calls for negative binomial, or for wider errors where totals are fixed."


def share_card(label: str, now: pd.Series, before: pd.Series, target: float, *, recorded: str = "") -> Kpi:
    """A KPI card of a kept share with its movement, beyond chance or not, and its goal."""
    value, earlier = (
        np.nan if any(0 < row[column] < SMALL for column in ("kept_referrals_n", "leaked_referrals_n")) else row["kept_share"]
        for row in (now, before)
    )
    moved = words.change(value, earlier, "the period before", unit="points")
    apart = now["kept_share_low"] > before["kept_share_high"] or now["kept_share_high"] < before["kept_share_low"]
    return Kpi(
        label,
        words.share(value),
        moved if apart else f"{moved} (within chance)",
        words.goal(value, target, words.share, name="Target"),
        words.status(value, target),
        recorded,
        measure=Measure(label.partition(",")[0], value, "higher"),
    )


def dropped_note(dropped: pd.DataFrame, year: int | None = None) -> str:
    """What was set aside before the network was built, by reason, and the year that remains: years of links are never added up."""
    parts = [f"{words.count(row['links_n'])} ({row['reason'][0].lower()}{row['reason'][1:]})" for row in dropped.to_dict("records")]
    return f"Links{f' of {year}' if year else ''}; set aside: {words.listing(parts)}. Shared patients, not referrals."


def left_out(drawn: FlowMap) -> str:
    """What a flow map does not draw."""
    return f"{words.plural(drawn.left_out_n, 'smaller or hidden pair')} left out; the lines drawn carry {words.share(drawn.drawn_share, digits=0)} of all referrals."


def flow_title(referrals: pd.DataFrame, to: str) -> str:
    """Title of the flow map: the town that sends most elsewhere."""
    lost = referrals[~referrals["ours"]].groupby("city")["referrals_n"].sum().sort_values()
    if lost.empty:
        return f"Every referral stays with {to} and its hub"
    return f"{lost.index[-1]} sends {words.people(lost.iloc[-1], 'referral')} elsewhere, the most of all towns"


def corridor_title(moved: pd.DataFrame, *, to: str) -> str:
    """Title of the corridor figure."""
    grown = moved[(moved["destination"] == to) & moved["label"].isin(["growing", "new"])].sort_values("difference_n", ascending=False)
    if grown.empty:
        return "No town moved measurably"
    row = grown.iloc[0]
    before = words.people(row["before_referrals_n"], "referral").removesuffix(" referrals")
    return f"{row['city']} grew from {before} to {words.count(row['now_referrals_n'])} referrals"


def keepage_title(worst: pd.DataFrame, shown: pd.DataFrame | None = None) -> str:
    """Title of the keepage figure, at most twelve words; `shown` as in `leak`."""
    if worst.empty:
        return "Keepage does not differ measurably between specialties"
    row = worst.iloc[0]
    if _hidden(shown, row["specialty"]):
        return f"{row['specialty']} is the most costly leak"
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
