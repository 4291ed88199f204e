"""The exhibits of the referral page: how patients reach us, who refers, what stays and leaks, whom to visit.

Each function protects its frame, derives shares and order from the counts that are shown, and computes title, subtitle, note and claims
from these rows; what moved, where it flows and how the network is built stand in `flow_exhibits`.
"""

from functools import partial

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats.survival import Contrast

from . import journeys, patterns

REFERRED, CASES = ["referrals", "clinicians"], ["referral_cases"]
VISITS = "first-visits"
DAYS = "Days since the referral"
RECOVERABLE = ["recoverable_usd", "recoverable_low", "recoverable_high"]
KEPT = ["eligible_referrals_n", "kept_referrals_n", "kept_share", "kept_share_low", "kept_share_high"]
VISIT = ["clinician", "affiliation", "eligible_referrals_n", "our_share", "target_share", *RECOVERABLE, "reason"]

KNOWN = ["our_share", "target_share", *RECOVERABLE]  # of the outreach list, computed from rounded counts

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


def during(report: Report, period: str) -> Claim:
    """The claim that a title makes when it names the period."""
    return Claim(period, how="given", value=report.settings.referrals.period_quarters, basis="period_quarters of the settings")


def totals(report: Report, table: pd.DataFrame, by: str, *, sources: list[str]) -> pd.DataFrame:
    """The `referrals_n` of each value of one column as the page may say it, the largest first; hidden and empty ones are left out."""
    sums = table.groupby(by, as_index=False, observed=True)["referrals_n"].sum()
    shown = report.protect(sums, sources=sources, order="referrals_n")
    return shown[shown["referrals_n"] > 0]


def total(said: str, value: float) -> Claim:
    """The claim that a title makes on `totals`: rounded by themselves, they are not the sums of the rows shown."""
    return Claim(said, how="given", value=value, basis="totals of all referrals of the period, rounded as the rows are")


def quiet(shown: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """A protected frame without these texts where a count of their row is hidden: what tests say of it is not shown."""
    hidden = shown.filter(regex="_n_suppressed$").any(axis=1)
    return shown.assign(**{name: shown[name].mask(hidden) for name in columns}, **{f"{name}_suppressed": hidden for name in columns})


def waited(report: Report, table: pd.DataFrame) -> pd.DataFrame:
    """Waits as the page may show them: patients rounded, their shares in whole percent, days as they are.

    A share to a tenth of a percent would tell its numerator; the product-limit estimate cannot be had from rounded counts.
    """
    kept = [str(name) for name in table.select_dtypes("number").columns if name != "patients_n"]
    whole = table.assign(**{name: table[name].round(2) for name in ("ever_share", "censored_share") if name in table})
    shown = report.protect(whole, sources=CASES, kept=kept)
    said = [f"{name}_suppressed" for name in kept if f"{name}_suppressed" in table and f"{name}_suppressed" in shown]
    return shown.assign(**{name: shown[name] | table[name].fillna(False).astype(bool) for name in said})


# How patients reach us


def funnel(report: Report, steps: pd.DataFrame, *, undecided_n: float, period: str) -> Exhibit:
    """Figure: how far referrals have come; `steps` is `journeys.funnel` with the days between the steps, `undecided_n` those still open."""
    undecided = words.people(report.people(undecided_n, sources=["referrals"]), "referral", below=report.threshold(["referrals"]))
    days = [name for name in ("median_days", "p90_days") if name in steps]
    shown = report.protect(steps, sources=["referrals"], derive=journeys.conversion, kept=days)
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
    log_rank = (
        f"chi-square {words.number(test.chi2, digits=1)}, {words.plural(test.df, 'degree')} of freedom, p {words.significance(test.pvalue)}"
    )
    least, ever = report.threshold(CASES), centers.waits[centers.waits["destination"].isin(shown["destination"])]
    parts = [f"{name} {words.share(share, digits=0)}" for name, share in zip(ever["destination"], ever["ever_share"], strict=True)]
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
        waited(report, paths.drop(columns="observed_patients_n")),
        "Waiting times in days by step and center, referrals of all years",
        sources=CASES,
        emphasize=report.settings.name,
        note="Ever: came to that step, of all who started, also those whose case was closed without it (Aalen-Johansen); censored: still "
        "waiting when last known. Median with 95 % interval, 75th and 90th percentile of all who started; [x]: so many never come to it.",
    )


def site_waits(report: Report, sites: Contrast, *, least: int) -> Exhibit:
    """Figure: days to treatment by tumor site; the slowest of those that differ from the others is named."""
    banded = sites.waits.assign(adjusted=sites.waits["adjusted"].map(words.significance).astype("str"))
    shown = quiet(waited(report, banded.drop(columns=["observed_patients_n", "pvalue"])), "adjusted")
    beyond = sites.waits["adjusted"].le(0.05) & shown["adjusted"].notna()
    slow = shown[beyond & (shown["median_days"] > shown["median_days"].median())]
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
        f"{words.plural(sites.test.df, 'degree')} of freedom, p {words.significance(sites.test.pvalue)}. "
        f"Adjusted p: each site against all others, false discoveries controlled. [x]: fewer than half are treated.{left}"
    )


# Who refers


def senders(report: Report, sent: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: who refers to us; the specialty that sends most is named. `sent` is `patterns.senders` by specialty and affiliation."""
    sources = [*REFERRED, "specialties"]
    shown, sums = report.protect(sent, sources=sources, order="referrals_n"), totals(report, sent, "specialty", sources=sources)
    title, claims = "Few referrals reach our network", []
    if len(sums):
        share = sums["referrals_n"].iloc[0] / sums["referrals_n"].sum()
        title = f"{sums['specialty'].iloc[0]} sends {words.share(share)} of our referrals"
        claims = [total(words.share(share), share)]
    subtitle = f"Referrals to our network by specialty and affiliation of the clinician, {period}"
    return exhibit("senders-by-specialty", shown, title, subtitle, sources=sources, claims=claims)


def systems(report: Report, kept: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: eligible referrals by the system that the clinician belongs to; `kept` is `patterns.retained` by system."""
    return exhibit(
        "referrals-by-system",
        report.protect(kept[["system", *KEPT]], sources=REFERRED, derive=patterns.kept_shares, order="kept_referrals_n"),
        f"Referrals by the system of the referring clinician, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
        emphasize=report.settings.name,
    )


def succession(report: Report, bands: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: what rests on clinicians near the end of their practice; `bands` is `patterns.succession`."""
    return exhibit(
        "succession",
        report.protect(bands.drop(columns="at_risk"), sources=REFERRED, derive=patterns.referral_share),
        f"Referrals to us by years since the clinician's graduation, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
        note="The last band is the succession risk: practices likely to close or change hands within a few years.",
    )


def single_referrers(report: Report, single: pd.DataFrame, *, threshold: float, period: str) -> Exhibit:
    """Table: tumor sites that hang on one clinician; `single` is `patterns.sole_referrers`."""
    counted = single.drop(columns=["npi", "sole"])
    safe = report.protect(counted, sources=["referrals"], derive=patterns.largest_share, order="largest_share")
    sole = safe["largest_share"] >= threshold
    count = f"{words.plural(sole.sum(), 'site', spelled=True).capitalize()} shown"
    return exhibit(
        "single-referrers",
        safe,
        f"Largest single referrer to us by tumor site, {period}",
        sources=["referrals"],
        claims=[Claim(count, rows=f"largest_share >= {threshold}", how="count"), during(report, period)],
        emphasize=sole,
        note=f"{count} with {words.share(threshold, digits=0)} or more from one clinician.",
    )


# Keepage, splitting and loyalty


def keepage(report: Report, leaks: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: what affiliated clinicians keep, by specialty; the most costly leak is named. `leaks` is `patterns.keepage` by specialty."""
    sources = [*REFERRED, "specialties"]
    shown = report.protect(leaks[["specialty", *KEPT]], sources=sources, derive=patterns.kept_shares, order="eligible_referrals_n")
    worst = patterns.leaking(shown, smallest=report.threshold(sources))
    title, claims = "Keepage does not differ measurably between specialties", []
    if len(worst):
        name, kept = worst["specialty"].iloc[0], words.share(worst["kept_share"].iloc[0])
        title = f"{name} keeps {kept}, the most costly leak"
        claims = [Claim(kept, "kept_share", f"specialty == {name!r}")]
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
    counted = patterns.tiers(loyal)
    # A median of few is one clinician's index, and an exact one tells what it was computed from.
    counted["destination_hhi"] = counted["destination_hhi"].round(-2).where(counted["clinicians_n"] >= report.threshold(REFERRED))
    shown = report.protect(counted, sources=REFERRED, kept=["destination_hhi"])
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
        "HHI: concentration of a clinician's destinations, median to the nearest hundred, 10,000 = one system.",
    )


# What to do on Monday


def visits(report: Report, listed: pd.DataFrame, *, period: str, most: int = 12) -> Exhibit:
    """Figure: what the first `most` visits could win back; `listed` are the clinicians of `outreach.pooled` who may be shown one by one."""
    shown = report.protect(listed[VISIT], sources=REFERRED, kept=KNOWN)
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
        report.protect(listed[VISIT], sources=REFERRED, kept=KNOWN).drop(columns=["recoverable_low", "recoverable_high"]),
        f"Outreach list, largest recoverable contribution first, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
    )


def pooled(report: Report, smaller: pd.DataFrame, *, period: str) -> Exhibit:
    """Table: what cannot be shown clinician by clinician; `smaller` is the second part of `outreach.pooled`."""
    return exhibit(
        "outreach-pooled",
        report.protect(smaller, sources=REFERRED, kept=["recoverable_usd"]),
        f"Clinicians below target with few referrals to us, pooled by reason, {period}",
        sources=REFERRED,
        claims=[during(report, period)],
    )
