"""The exhibits of the referral page: how patients reach us, who refers, what stays and leaks, whom to visit.

Each function protects its frame and computes title, subtitle, note and claims from the rows that are shown; what moved, where it flows and
how the network is built stand in `flow_exhibits`. A count that the page hides is never said, nor a share that would give it away.
"""

from functools import partial

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit, How
from catchment.page.report import Report
from catchment.stats.survival import Contrast

from . import patterns

REFERRED, CASES = ["referrals", "clinicians"], ["referral_cases"]
VISITS = "first-visits"
DAYS = "Days since the referral"
RECOVERABLE = ["recoverable_usd", "recoverable_low", "recoverable_high"]
VISIT = ["clinician", "affiliation", "eligible_referrals_n", "our_share", "target_share", *RECOVERABLE, "reason"]

exhibit = partial(Exhibit, room="referrals")


def partial_periods(report: Report, through: pd.Timestamp, gaps: list[str]) -> list[str]:
    """What the page says of quarters that the table of referrals does not hold.

    Parameters
    ----------
    through
        Last day of the last whole quarter of the table, see `changes.through`.
    gaps
        Quarters of the periods compared without any referral, see `changes.gaps`.
    """
    told, as_of = [], pd.Timestamp(report.settings.as_of)
    if through < (as_of + pd.Timedelta(days=1)).to_period("Q").start_time - pd.Timedelta(days=1):
        told.append(f"Referrals are recorded through {through:%B %Y}, not to {as_of:%B %Y}: every number and comparison ends there.")
    if gaps:
        told.append(f"No referral is recorded in {words.listing(gaps, most=4)}: nothing is compared with the period before.")
    return told


def absent(partner: str) -> str:
    """Why a page without referrals ends at its head."""
    return f"No referral to oncology is recorded for {partner}, neither as an order nor in claims, so there is nothing to map."


def ordered(shown: pd.DataFrame, value: str) -> pd.DataFrame:
    """A protected table with the largest value first and hidden ones last, so that no row's place tells what it hides."""
    return shown.sort_values(value, ascending=False, na_position="last", kind="stable", ignore_index=True)


def during(report: Report, period: str) -> Claim:
    """The claim that a title makes when it names the period."""
    return Claim(period, how="given", value=report.settings.referrals.period_quarters, basis="period_quarters of the settings")


def of_all(said: str, shown: pd.DataFrame, rows: str, *, value: float, whole: str = "", how: How = "sum") -> Claim:
    """A claim on `referrals_n` of the rows shown; where some of these are hidden, the number comes from all referrals.

    A reader is taken to know such totals (see `Report.protect`), so they may be said.
    """
    if shown["referrals_n"].isna().any():
        return Claim(said, how="given", value=value, basis="all referrals of the period, those of hidden rows included")
    return Claim(said, "referrals_n", rows, how, whole=whole)


def part(amount: float, total: float, *, below: int) -> str:
    """A share of a total, or what may be said of it where the rest is a count below the least that may be shown."""
    return "all but a few" if 0 < total - amount < below else words.share(amount / total)


# How patients reach us


def funnel(report: Report, steps: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: how far referrals have come; `steps` is `journeys.funnel` with the days between the steps."""
    safe = report.protect(steps, sources=["referrals"])
    undecided = words.people(safe["open_referrals_n"].iloc[0], "referral", below=report.threshold(["referrals"]))
    shown = safe.drop(columns="open_referrals_n")
    treated = words.share(shown["referred_share"].iloc[-1])
    title, claims = "How many referrals have reached treatment cannot be told", []
    if treated != words.MISSING:
        title = f"{treated} of referrals have reached treatment so far"
        claims = [Claim(treated, "referred_share", how="last")]
    return exhibit(
        "referral-funnel",
        shown,
        title,
        f"Referrals to our network by stage reached, with the share of the stage before and the median days from it, {period}",
        sources=["referrals", *CASES],
        claims=claims,
        labels={"median_days": "Median days from the stage before", "p90_days": "90th percentile"},
        note=f"{undecided} were undecided when the data end. Days by which half of all who came to the step before had come to this one "
        "(cumulative incidence); [x]: fewer than half ever did.",
    )


def center_waits(report: Report, curves: pd.DataFrame, centers: Contrast) -> Exhibit:
    """Figure: days to consultation by center; which is slower is said when the log-rank test says so.

    Parameters
    ----------
    curves
        `survival.progress` by destination.
    centers
        `survival.contrast` of the same.
    """
    shown, test = report.protect(curves, sources=CASES), centers.test
    half = shown[shown["done_share"] > 0.4999].groupby("destination", sort=False)["days"].first().sort_values(kind="stable")
    title, claims = _halves(half, shown["destination"].nunique(), differ=bool(test.pvalue <= 0.05))
    log_rank = f"chi-square {words.number(test.chi2, digits=1)}, {words.plural(test.df, 'degree')} of freedom, p {_p(test.pvalue)}"
    least, ever = report.threshold(CASES), centers.waits[centers.waits["destination"].isin(shown["destination"])]
    parts = [f"{name} {words.share(share)}" for name, share in zip(ever["destination"], ever["ever_share"], strict=True)]
    return exhibit(
        "waits-by-center",
        shown,
        title,
        "Share of patients seen by days since the referral, by center, referrals of all years",
        sources=CASES,
        claims=claims,
        note=f"{f'Ever seen: {words.listing(parts)}. ' if parts else ''}Cumulative incidence (Aalen-Johansen): who was closed unseen is "
        f"never seen. {f'Log-rank test between centers: {log_rank}' if test.df else 'No test between centers'}."
        f"{f' Steps hold at least {least} patients each.' if least else ''}",
    )


def _halves(half: pd.Series, centers_n: int, *, differ: bool) -> tuple[str, list[Claim]]:
    """What the days by which each center has seen half of its patients allow to be said; centers that have not are not in `half`."""
    if half.empty:
        return "Fewer than half of the patients are ever seen", []
    fast, slow = (f"within {words.number(days)}" for days in (half.iloc[0], half.iloc[-1]))
    seen = "destination == {!r} and done_share > 0.4999"
    claims = [Claim(fast, "days", seen.format(half.index[0]), "first"), Claim(slow, "days", seen.format(half.index[-1]), "first")]
    if centers_n == 1:
        return f"Half of the patients are seen {fast} days", claims[:1]
    if len(half) < centers_n:
        return f"{half.index[0]} sees half {fast} days, not every center has seen half", claims[:1]
    if not differ or fast == slow:
        return f"Half of the patients are seen {slow} days at every center", claims[1:]
    return f"{half.index[0]} sees half {fast} days, {'the other' if centers_n == 2 else 'the slowest'} {slow}", claims


def waits(report: Report, paths: pd.DataFrame) -> Exhibit:
    """Table: days of every step by center; `paths` is `survival.milestones` of `journeys.CLOCKS`."""
    return exhibit(
        "waiting-times",
        report.protect(paths.drop(columns="observed_patients_n"), sources=CASES),
        "Waiting times in days by step and center, referrals of all years",
        sources=CASES,
        emphasize=report.settings.name,
        note="Ever: came to that step, of all who started, also those whose case was closed without it (Aalen-Johansen); censored: still "
        "waiting when last known. Median with 95 % interval, 75th and 90th percentile of all who started; [x]: so many never come to it.",
    )


def site_waits(report: Report, sites: Contrast, *, least: int) -> Exhibit:
    """Figure: days to treatment by tumor site; the slowest of those that differ from the others is named."""
    shown = report.protect(sites.waits.drop(columns=["observed_patients_n", "pvalue"]), sources=CASES)
    slow = shown[(shown["adjusted"] <= 0.05) & (shown["median_days"] > shown["median_days"].median())]
    title, claims = "No tumor site waits measurably longer than the others", []
    if len(slow):
        name, days = slow["site"].iloc[0], words.number(slow["median_days"].iloc[0])
        title = f"{name} waits longest: half are treated within {days} days"
        claims = [Claim(f"{days} days", "median_days", f"site == {name!r}")]
    return exhibit(
        "waits-by-tumor-site",
        shown,
        title,
        "Median days from referral to first treatment by tumor site, with 95 % interval, referrals of all years",
        sources=CASES,
        claims=claims,
        note=_site_test(sites, least),
    )


def _site_test(sites: Contrast, least: int) -> str:
    if not sites.test.df:
        return f"No two tumor sites have {words.count(least)} patients: no test between them."
    left = f" {words.plural(sites.left_out_n, 'site')} with fewer than {words.count(least)} patients left out." if sites.left_out_n else ""
    return (
        f"Log-rank test between tumor sites: chi-square {words.number(sites.test.chi2, digits=1)}, "
        f"{words.plural(sites.test.df, 'degree')} of freedom, p {_p(sites.test.pvalue)}. "
        f"Adjusted p: each site against all others, false discoveries controlled. [x]: fewer than half are treated.{left}"
    )


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"= {value:.3f}"


# Who refers


def senders(report: Report, sent: pd.DataFrame, *, keepage: Exhibit, period: str) -> Exhibit:
    """Figure: who refers to us; the specialty that sends most is named.

    `sent` is `patterns.senders` by specialty and affiliation; what `keepage` hides of affiliated clinicians is hidden here too.
    """
    sources = [*REFERRED, "specialties"]
    known = keepage.shown.assign(affiliation="affiliated")
    shown = ordered(report.protect(sent, sources=sources, by="specialty", like=known), "referrals_n")
    totals, below = sent.groupby("specialty")["referrals_n"].sum().sort_values(), report.threshold(sources)
    title, claims = "Few referrals reach our network", []
    if len(totals) and not 0 < totals.iloc[-1] < below:
        name, share = totals.index[-1], totals.iloc[-1] / totals.sum()
        said = part(totals.iloc[-1], totals.sum(), below=below)
        title = f"{name} sends {said} of our referrals"
        claims = [of_all(said, shown, f"specialty == {name!r}", value=share, how="share")] if "%" in said else []
    subtitle = f"Referrals to our network by specialty and affiliation of the clinician, {period}"
    return exhibit("senders-by-specialty", shown, title, subtitle, sources=sources, claims=claims)


def systems(report: Report, kept: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: eligible referrals by the system that the clinician belongs to; `kept` is `patterns.retained` by system."""
    safe = report.protect(patterns.guarded(kept, smallest=report.threshold(REFERRED)), sources=REFERRED)
    return exhibit(
        "referrals-by-system",
        ordered(safe, "kept_referrals_n"),
        f"Referrals by the system of the referring clinician, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
        emphasize=report.settings.name,
    )


def succession(report: Report, bands: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: what rests on clinicians near the end of their practice; `bands` is `patterns.succession`."""
    return exhibit(
        "succession",
        report.protect(bands.drop(columns="at_risk"), sources=REFERRED),
        f"Referrals to us by years since the clinician's graduation, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
        note="The last band is the succession risk: practices likely to close or change hands within a few years.",
    )


def single_referrers(report: Report, single: pd.DataFrame, *, threshold: float, period: str) -> Exhibit:
    """Table: tumor sites that hang on one clinician; `single` is `patterns.sole_referrers`."""
    safe = ordered(report.protect(single.drop(columns="npi"), sources=["referrals"]), "largest_share")
    sole = safe["sole"] & safe["largest_share"].notna()
    count = f"{words.plural(sole.sum(), 'site', spelled=True).capitalize()} shown"
    return exhibit(
        "single-referrers",
        safe.drop(columns="sole"),
        f"Largest single referrer to us by tumor site, {period}",
        sources=["referrals"],
        claims=[Claim(count, rows=f"largest_share >= {threshold}", how="count"), during(report, period)],
        emphasize=sole,
        note=f"{count} with {words.share(threshold, digits=0)} or more from one clinician.",
    )


# Keepage, splitting and loyalty


def keepage(report: Report, leaks: pd.DataFrame, worst: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: what affiliated clinicians keep, by specialty; the most costly leak is named, with its share where that is shown.

    Parameters
    ----------
    leaks
        `patterns.keepage` by specialty.
    worst
        `patterns.leaking` of the same.
    period
        The period in words.
    """
    sources = [*REFERRED, "specialties"]
    spared = leaks["specialty"].isin(worst["specialty"])
    shown = report.protect(patterns.guarded(leaks, smallest=report.threshold(sources), spare=spared), sources=sources)
    title, claims = "Keepage does not differ measurably between specialties", []
    if len(worst):
        name = worst["specialty"].iloc[0]
        kept = words.share(shown.set_index("specialty").loc[name, "kept_share"])
        title = f"{name} is the most costly leak" if kept == words.MISSING else f"{name} keeps {kept}, the most costly leak"
        claims = [] if kept == words.MISSING else [Claim(kept, "kept_share", f"specialty == {name!r}")]
    return exhibit(
        "keepage-by-specialty",
        shown,
        title,
        f"Share of affiliated clinicians' eligible referrals that stay in our network, with 95 % interval, {period}",
        sources=sources,
        claims=claims,
    )


def tiers(report: Report, loyal: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: how many clinicians are loyal, split or are lost; `loyal` is `outreach.referrers`."""
    shown = report.protect(patterns.tiers(loyal), sources=REFERRED, by="affiliation")
    free = shown[shown["affiliation"] == "independent"]
    split = f"{words.count(free.loc[free['tier'] == patterns.SPLITTER, 'clinicians_n'].sum())} of"
    every = words.plural(free["clinicians_n"].sum(), "independent referrer")
    return exhibit(
        "loyalty-tiers",
        shown,
        f"{split} {every} split between us and others",
        f"Clinicians by affiliation and loyalty tier, {period}",
        sources=REFERRED,
        claims=[
            Claim(split, "clinicians_n", f"affiliation == 'independent' and tier == {patterns.SPLITTER!r}", "sum"),
            Claim(every, "clinicians_n", "affiliation == 'independent'", "sum"),
        ],
        note="Certain: the whole 95 % interval of the clinician's share lies in the tier. "
        "HHI: concentration of a clinician's destinations, median, 10,000 = one system.",
    )


# What to do on Monday


def visits(report: Report, listed: pd.DataFrame, *, period: str, most: int = 12) -> Exhibit:
    """Figure: what the first `most` visits could win back; `listed` are the clinicians of `outreach.pooled` who may be shown one by one."""
    shown = report.protect(listed[VISIT], sources=REFERRED)
    first = shown.head(most)
    count, money = f"first {words.plural(len(first), 'visit')}", words.money(first["recoverable_usd"].sum())
    return exhibit(
        VISITS,
        shown,
        f"The {count} could recover {money} a year",
        f"Recoverable contribution by clinician with 80 % interval, {period}",
        sources=REFERRED,
        claims=[Claim(count, rows=f"index < {most}", how="count"), Claim(money, "recoverable_usd", f"index < {most}", "sum")],
        note="The interval covers the uncertainty of the current share and of the probability, not of target and contribution.",
    )


def outreach(report: Report, listed: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: the list itself, as in `visits`, without the intervals."""
    return exhibit(
        "outreach-list",
        report.protect(listed[VISIT], sources=REFERRED).drop(columns=["recoverable_low", "recoverable_high"]),
        f"Outreach list, largest recoverable contribution first, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
    )


def pooled(report: Report, smaller: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: what cannot be shown clinician by clinician; `smaller` is the second part of `outreach.pooled`."""
    few = f"fewer than {report.threshold(REFERRED)} referrals"
    return exhibit(
        "outreach-pooled",
        report.protect(smaller, sources=REFERRED),
        f"Clinicians below target with {few} to us or elsewhere, pooled by reason, {period}",
        sources=REFERRED,
        claims=[
            Claim(few, how="given", value=report.threshold(REFERRED), basis="the least count that the catalog lets show"),
            during(report, period),
        ],
    )
