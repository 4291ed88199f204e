"""What the exhibits of the referral page say: title, subtitle or caption, note, sources and headings of each, computed from its data.

Each function returns the keyword arguments of `report.figure` or `report.table`. Counts of 1 to 10 referrals are never said, nor
shares that would give them away.
"""

from functools import partial
from typing import Any

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.flow_maps import FlowMap
from catchment.page.report import Report
from catchment.stats import network
from catchment.stats.choice import GravityFit
from catchment.stats.survival import Contrast

from . import changes, patterns
from . import corridors as between
from .patterns import Worth

SMALL = 11
MOVED = (changes.NEW, changes.GROWING, changes.DECLINING, changes.LOST)
LABELS = {
    "system": "System of the clinician", "eligible_referrals_n": "Eligible referrals", "kept_referrals_n": "Stayed with us",
    "kept_share": "Stayed", "kept_share_low": "Stayed, low", "kept_share_high": "Stayed, high", "since_graduation": "Since graduation",
    "clinicians_n": "Clinicians", "our_referrals_n": "Referrals to us", "referral_share": "Share of referrals to us",
    "site": "Tumor site", "largest_referrals_n": "Of them from the largest", "largest_share": "Share of the largest",
    "certain_n": "Of them certain", "destination_hhi": "Median HHI", "destination_system": "Destination system",
    "before_referrals_n": "Before", "now_referrals_n": "Now", "after_referrals_n": "After", "before_quarters": "Quarters before",
    "after_quarters": "Quarters after", "adjusted": "Adjusted p", "p75_days": "75th", "p90_days": "90th", "label": "Change",
    "first_quarter": "New level from", "path_share": "Shortest paths", "in_patients_n": "Patients shared before",
    "out_patients_n": "Patients shared after", "closeness": "Closeness", "pagerank": "PageRank", "position": "Position",
    "participation": "Spread over communities", "reason": "Reason", "clinician": "Clinician", "affiliation": "Affiliation",
    "tier": "Tier", "specialty": "Specialty", "method": "Method", "model": "Model", "family": "Family", "community": "Community",
    "ratio": "Ratio", "city": "Town", "referrals_low": "Low", "referrals_high": "High", "inside_share": "Patients shared inside",
    "town": "Main town", "town_share": "In that town", "patients_n": "Shared patients", "corridor": "Corridor", "dist_km": "Distance",
    "decay": "With distance", "expected_n": "Expected", "referrals_n": "Referrals", "verdict": "Against expectation",
    "our_share": "Current share", "target_share": "Target", "recoverable_usd": "Recoverable", "recoverable_low": "Low",
    "recoverable_high": "High", "d2": "D2", "pseudo_r2": "Pseudo R2", "srmse": "SRMSE", "sorensen": "Sorensen", "origin": "Town",
    "destination": "Center", "center": "Center", "other_center": "Other center", "common_referrals_n": "Referrals in common",
}  # fmt: skip
REFERRED = ["referrals", "clinicians"]
DAYS, SPANS, EXPECTED = "Days since the referral", ("The period before", "Now"), ("Expected", "Observed")
ENDS = ["origin", "destination"]
FLOW = [*ENDS, "dist_km", "referrals_n", "referrals_n_suppressed"]
CHANGE = ["clinician", "affiliation", "label", "before_referrals_n", "now_referrals_n", "adjusted"]
BREAK = ["clinician", "first_quarter", "before_quarters", "before_referrals_n", "after_quarters", "after_referrals_n", "ratio"]
RECOVERABLE = ["recoverable_usd", "recoverable_low", "recoverable_high"]
VISIT = ["clinician", "affiliation", "eligible_referrals_n", "our_share", "target_share", *RECOVERABLE, "reason"]

Said = dict[str, Any]
exhibit = partial(Exhibit, room="referrals")


def absent(partner: str) -> str:
    """Why a page without referrals ends at its head."""
    return f"No referral to oncology is recorded for {partner}, neither as an order nor in claims, so there is nothing to map."


def part(kept: float, total: float) -> str:
    """A share of a total, or what may be said of it."""
    if 0 < kept < SMALL:
        return f"fewer than {SMALL} of {words.count(total)}"
    if 0 < total - kept < SMALL:
        return f"all but a few of {words.count(total)}"
    return words.share(kept / total)


def hidden(shown: pd.DataFrame | None, specialty: str) -> bool:
    """Whether the protected table `shown` hides the kept share of a specialty."""
    return shown is not None and bool(shown.loc[shown["specialty"] == specialty, "kept_share"].isna().any())


def ordered(shown: pd.DataFrame, value: str) -> pd.DataFrame:
    """A protected table with the largest value first and hidden ones last, so that no row's place tells what it hides."""
    return shown.sort_values(value, ascending=False, na_position="last", kind="stable", ignore_index=True)


def short(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix with `system`, the first word of the destination system, where a heading has little room."""
    return matrix.assign(system=matrix["destination_system"].str.split().str[0])


def tied(common: pd.DataFrame, most: int = 8) -> pd.DataFrame:
    """The centers with most referrers in common, from `network.projection`."""
    named = common.rename(columns={"left": "center", "right": "other_center", "weight": "common_referrals_n"})
    return named.sort_values("common_referrals_n", ascending=False).head(most)


def corridors(found: pd.DataFrame) -> pd.DataFrame:
    """Protected surprises with both ends of a corridor in one name."""
    named = found.assign(corridor=found["origin"] + " to " + found["destination"])
    return named[["corridor", "dist_km", "referrals_n", "referrals_n_suppressed", "expected_n", "verdict"]]


def leader(towns: pd.DataFrame, to: str) -> str | None:
    """The town whose referrals to the center grew most, if one grew measurably."""
    return next(iter(between.grown(towns, to=to)["city"]), None)


def funnel(steps: pd.DataFrame, period: str) -> Said:
    """Figure: how far referrals have come."""
    treated = steps["referred_share"].iloc[-1]
    return {
        "title": "How many referrals have reached treatment cannot be told"
        if pd.isna(treated)
        else f"{words.share(treated)} of referrals have reached treatment so far",
        "subtitle": "Referrals to our network by stage reached, with the share of the stage before and the median days from it, " + period,
        "sources": ["referrals", "referral_cases"],
        "labels": LABELS | {"median_days": "Median days from the stage before", "p90_days": "90th percentile"},
        "note": f"{words.people(steps['open_referrals_n'].iloc[0], 'referral')} were undecided when the data end. "
        "Days by Kaplan-Meier: who still waits counts as waiting.",
    }


def center_waits(centers: Contrast) -> Said:
    """Figure: days to consultation by center; which is slower is said when the log-rank test says so."""
    waits, test = centers.waits.dropna(subset="median_days").sort_values("median_days"), centers.test
    days = waits["median_days"].map(words.number).tolist()
    if not days:
        title = "Fewer than half of the patients have been seen"
    elif len(days) < 2 or not test.pvalue <= 0.05:
        title = f"Half of the patients are seen within {words.number(waits['median_days'].median())} days"
    else:
        slow = "the other" if len(centers.waits) == 2 else "the slowest"
        title = f"{waits['destination'].iloc[0]} sees half within {days[0]} days, {slow} within {days[-1]}"
    log_rank = f"chi-square {words.number(test.chi2, digits=1)}, {words.plural(test.df, 'degree')} of freedom, p {_p(test.pvalue)}"
    return {
        "title": title,
        "subtitle": "Share of patients seen by days since the referral, by center, referrals of all years",
        "sources": ["referral_cases"],
        "note": f"Kaplan-Meier estimate; {f'log-rank test between centers: {log_rank}' if test.df else 'no test between centers'}. "
        "Steps hold at least 11 patients each.",
    }


def waits() -> Said:
    """Table: days of every step by center."""
    return {
        "caption": "Waiting times in days by step and center, referrals of all years",
        "sources": ["referral_cases"],
        "labels": LABELS | {"patients_n": "Patients", "stage": "Step"},
        "note": "Median with 95 % interval, 75th and 90th percentile; censored: had not come to that step when last known. "
        "[x]: not reached by that share of patients.",
    }


def site_waits(sites: Contrast, least: int) -> Said:
    """Figure: days to treatment by tumor site; the slowest of those that differ from the others is named."""
    shown = sites.waits
    slow = shown[(shown["adjusted"] <= 0.05) & (shown["median_days"] > shown["median_days"].median())]
    return {
        "title": "No tumor site waits measurably longer than the others"
        if slow.empty
        else f"{slow['site'].iloc[0]} waits longest: half are treated within {words.number(slow['median_days'].iloc[0])} days",
        "subtitle": "Median days from referral to first treatment by tumor site, with 95 % interval, referrals of all years",
        "sources": ["referral_cases"],
        "labels": LABELS | {"patients_n": "Patients"},
        "note": _site_test(sites, least),
    }


def _site_test(sites: Contrast, least: int) -> str:
    if not sites.test.df:
        return f"No two tumor sites have {words.count(least)} patients: no test between them."
    left = f" {words.plural(sites.left_out_n, 'site')} with fewer than {words.count(least)} patients left out." if sites.left_out_n else ""
    return (
        f"Log-rank test between tumor sites: chi-square {words.number(sites.test.chi2, digits=1)}, "
        f"{words.plural(sites.test.df, 'degree')} of freedom, p {_p(sites.test.pvalue)}. "
        f"Adjusted p: each site against all others, false discoveries controlled.{left}"
    )


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"= {value:.3f}"


def senders(referrals: pd.DataFrame, period: str) -> Said:
    """Figure: who refers to us; the specialty that sends most is named."""
    by = referrals[referrals["ours"]].groupby("specialty")["referrals_n"].sum().sort_values()
    few = by.empty or 0 < by.iloc[-1] < SMALL
    return {
        "title": "Few referrals reach our network" if few else f"{by.index[-1]} sends {part(by.iloc[-1], by.sum())} of our referrals",
        "subtitle": f"Referrals to our network by specialty and affiliation of the clinician, {period}",
        "sources": [*REFERRED, "specialties"],
    }


def systems(period: str) -> Said:
    """Table: eligible referrals by the system that the clinician belongs to."""
    return {"caption": f"Referrals by the system of the referring clinician, {period}", "sources": REFERRED, "labels": LABELS}


def succession(period: str) -> Said:
    """Table: what rests on clinicians near the end of their practice."""
    return {
        "caption": f"Referrals to us by years since the clinician's graduation, {period}",
        "sources": REFERRED,
        "labels": LABELS,
        "note": "The last band is the succession risk: practices likely to close or change hands within a few years.",
    }


def single_referrers(single: pd.DataFrame, threshold: float, period: str) -> Said:
    """Table: tumor sites that hang on one clinician."""
    sole = single["sole"] & single["largest_share"].notna()
    return {
        "caption": f"Largest single referrer to us by tumor site, {period}",
        "sources": ["referrals"],
        "labels": LABELS,
        "emphasize": sole,
        "note": f"{words.plural(sole.sum(), 'site', spelled=True).capitalize()} shown with {words.share(threshold, digits=0)} or more "
        "from one clinician.",
    }


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
    shown = report.protect(patterns.guarded(leaks, spare=leaks["specialty"].isin(worst["specialty"])), sources=sources)
    title, claims = "Keepage does not differ measurably between specialties", []
    if len(worst):
        name = worst["specialty"].iloc[0]
        row = shown.set_index("specialty").loc[name]
        kept = part(row["kept_referrals_n"], row["eligible_referrals_n"])
        title = f"{name} is the most costly leak" if pd.isna(row["kept_share"]) else f"{name} keeps {kept}, the most costly leak"
        claims = [Claim(kept, "kept_share", f"specialty == {name!r}")] if kept in title and "%" in kept else []
    return exhibit(
        "keepage-by-specialty",
        shown,
        title,
        f"Share of affiliated clinicians' eligible referrals that stay in our network, with 95 % interval, {period}",
        sources=sources,
        claims=claims,
    )


def tiers(loyal: pd.DataFrame, period: str) -> Said:
    """Figure: how many clinicians are loyal, split or are lost."""
    free = loyal[loyal["affiliation"] == "independent"]
    split = words.count((free["tier"] == "splitter").sum())
    return {
        "title": f"{split} of {words.plural(len(free), 'independent referrer')} split between us and others",
        "subtitle": f"Clinicians by affiliation and loyalty tier, {period}",
        "sources": REFERRED,
        "labels": LABELS,
        "note": "Certain: the whole 95 % interval of the clinician's share lies in the tier. "
        "HHI: concentration of a clinician's destinations, median, 10,000 = one system.",
    }


def flows(referrals: pd.DataFrame, drawn: FlowMap, to: str, period: str) -> Said:
    """Figure: the flow map; the town that sends most elsewhere, and what is not drawn."""
    lost = referrals[~referrals["ours"]].groupby("city")["referrals_n"].sum().sort_values()
    return {
        "title": f"Every referral stays with {to} and its hub"
        if lost.empty
        else f"{lost.index[-1]} sends {words.people(lost.iloc[-1], 'referral')} elsewhere, the most of all towns",
        "subtitle": f"Referrals by town of the practice and cancer center, the {drawn.drawn_n} largest pairs, {period}",
        "sources": [*REFERRED, "referral_destinations", "counties"],
        "labels": LABELS,
        "note": f"{words.plural(drawn.left_out_n, 'smaller or hidden pair')} left out; "
        f"the lines drawn carry {words.share(drawn.drawn_share, digits=0)} of all referrals.",
    }


def destinations(referrals: pd.DataFrame, period: str) -> Said:
    """Figure: the matrix of specialties and systems; the system that receives most of what goes elsewhere."""
    gone = referrals[~referrals["ours"]].groupby("destination_system")["referrals_n"].sum().sort_values()
    few = gone.empty or 0 < gone.iloc[-1] < SMALL
    return {
        "title": "Few referrals go elsewhere"
        if few
        else f"{gone.index[-1]} receives {part(gone.iloc[-1], gone.sum())} of what goes elsewhere",
        "subtitle": f"Share of each specialty's referrals by destination system, all clinicians, {period}",
        "sources": ["referrals", "specialties"],
        "labels": LABELS,
        "note": "Empty cells: no referral.",
    }


def movers(moved: pd.DataFrame, turned: pd.DataFrame, quarters: int, period: str) -> Said:
    """Figure: the clinicians whose referrals changed beyond chance."""
    same, few = (words.count((moved["label"] == label).sum()) for label in (changes.SAME, changes.FEW))
    return {
        "title": f"{words.plural(len(turned), 'referrer')} changed beyond chance",
        "subtitle": f"Referrals to our network by clinician, {period} against the {quarters} quarters before",
        "sources": REFERRED,
        "labels": LABELS,
        "note": f"{same} did not change measurably; {few} have too few referrals to be judged.",
    }


def growing(towns: pd.DataFrame, to: str) -> Said:
    """Figure: the towns whose referrals to the partner moved most."""
    grown = between.grown(towns, to=to)
    if grown.empty:
        title = "No town moved measurably"
    else:
        row = grown.iloc[0]
        before = words.people(row["before_referrals_n"], "referral").removesuffix(" referrals")
        title = f"{row['city']} grew from {before} to {words.count(row['now_referrals_n'])} referrals"
    return {
        "title": title,
        "subtitle": f"Referrals to {to} by town of the practice and year, the towns that moved most",
        "sources": REFERRED,
        "labels": LABELS,
    }


def breaks() -> Said:
    """Table: series with a change point."""
    return {
        "caption": "Referrers whose quarterly series breaks, and the first quarter of the new level",
        "sources": REFERRED,
        "labels": LABELS,
        "note": "Maximal Poisson likelihood ratio over all quarters, Monte Carlo p-value, false discoveries controlled. "
        "Ratio: quarterly mean after over before; [z] where there was none before.",
        "inapplicable": ["ratio"],
    }


def bridges(net: network.Network, shown: pd.DataFrame) -> Said:
    """Figure: who joins the communities of the network; the first of those shown is named when it is a broker."""
    first = next(shown[shown["position"] == "broker"].itertuples(), None)
    return {
        "title": f"{first.clinician} carries {words.share(first.path_share)} of shortest paths"
        if first
        else "No clinician joins the communities of the network",
        "subtitle": "Share of shortest paths through the clinician, distance = 1 / shared patients, "
        f"{words.count(len(net.measures))} clinicians, links of {net.year or 'an unknown year'}",
        "sources": ["shared_patients", "clinicians"],
        "labels": LABELS,
        "note": f"{words.plural(len(network.brokers(net.measures)), 'broker')} in all: on more shortest paths than nine in ten, with links "
        f"into several communities. {words.plural(len(net.alone), 'referrer')} without any link. Links are shared patients, not referrals.",
    }


def communities(net: network.Network, seed: int) -> Said:
    """Table: the communities, and what was set aside before the network was built; years of links are never added up."""
    parts = [f"{words.count(row['links_n'])} ({row['reason'][0].lower()}{row['reason'][1:]})" for row in net.dropped.to_dict("records")]
    return {
        "caption": f"Communities of the network (Leiden, modularity {words.number(net.modularity, digits=2)}, seed {seed})",
        "sources": ["shared_patients", "clinicians"],
        "labels": LABELS,
        "note": f"Links{f' of {net.year}' if net.year else ''}; set aside: {words.listing(parts)}. Shared patients, not referrals.",
    }


def rivals(period: str) -> Said:
    """Table: centers that receive from the same clinicians."""
    return {
        "caption": f"Rival centers tied by the referrers they have in common, {period}",
        "sources": ["referrals"],
        "labels": LABELS,
        "note": "Projection of clinicians and centers on the centers: for each clinician the smaller of the two counts, added up.",
    }


def surprises(found: pd.DataFrame, period: str) -> Said:
    """Figure: corridors above and below expectation."""
    over, under = (int((found["verdict"] == verdict).sum()) for verdict in ("over", "under"))
    return {
        "title": f"{words.plural(over, 'corridor')} above expectation, {words.count(under)} below"
        if over + under
        else "Every corridor carries what size and distance suggest",
        "subtitle": f"Referrals by corridor, observed and expected from both totals and distance, {period}",
        "sources": ["referrals", "referral_destinations", "clinicians"],
        "labels": LABELS,
    }


def fits(models: dict[str, GravityFit]) -> Said:
    """Table: how well the gravity models fit, and how the decay with distance was chosen."""
    decay = next(iter(models.values())).decay if models else "power"
    why = (
        "an exponential of the kilometers fits better than a power, which explodes where town and center lie within a few kilometers"
        if decay == "exponential"
        else "a power of the distance fits better than an exponential"
    )
    return {
        "caption": "Fit of the gravity models",
        "sources": ["referrals", "referral_destinations"],
        "labels": LABELS,
        "note": f"Decay: {why}. D2 and pseudo R2 are those of Poisson for all; D2: explained deviance. "
        "SRMSE: root mean square error over the mean flow. Sorensen: 1 is a perfect match. "
        "Dispersion above 1.5 calls for negative binomial, or for wider errors where totals are fixed.",
    }


def exponents() -> Said:
    """Table: size and distance by three methods."""
    return {
        "caption": "Exponents of size and distance by three methods, with 95 % intervals",
        "sources": ["referrals", "referral_destinations"],
        "labels": LABELS,
        "note": "Size: oncologists on the staff. All three take a power of distance. MCI needs flows above zero, so one half is added to "
        "each for it alone, and every corridor weighs alike; the other two weigh corridors by their referrals. "
        "Huff and gravity with town totals fixed are one likelihood, so they check each other; "
        "where MCI differs from them, small and large corridors follow different rules.",
    }


def visits(first: pd.DataFrame, period: str) -> Said:
    """Figure: what the first visits could win back."""
    return {
        "title": f"The first {words.plural(len(first), 'visit')} could recover {words.money(first['recoverable_usd'].sum())} a year",
        "subtitle": f"Recoverable contribution by clinician with 80 % interval, {period}",
        "sources": REFERRED,
        "labels": LABELS,
        "note": "The interval covers the uncertainty of the current share and of the probability, not of target and contribution.",
    }


def outreach(period: str) -> Said:
    """Table: the list itself."""
    return {"caption": f"Outreach list, largest recoverable contribution first, {period}", "sources": REFERRED, "labels": LABELS}


def pooled(period: str) -> Said:
    """Table: what cannot be shown clinician by clinician."""
    return {
        "caption": f"Clinicians below target with fewer than 11 referrals to us or elsewhere, pooled by reason, {period}",
        "sources": REFERRED,
        "labels": LABELS,
    }


def method(every: pd.DataFrame, rules, worth: Worth, *, year: int, clinicians_n: int) -> str:
    """How it was done, in markdown: `every` are all referrals with their evidence, `clinicians_n` those of the network."""
    affiliated = every["affiliation"] == "affiliated"
    unoffered, order = every.loc[~every["eligible"], "referrals_n"].sum(), every["evidence"] == "order"
    orders = every["referrals_n"].where(order, 0)
    own, others = (orders[side].sum() / (every.loc[side, "referrals_n"].sum() or float("nan")) for side in (affiliated, ~affiliated))
    return f"""**Attribution.** {rules.attribution.capitalize()}, within {rules.window_days} days. **Evidence.** Of all referrals since \
{every["period"].min():%Y}, {words.count(orders.sum())} are documented orders and \
{words.count(every["referrals_n"].sum() - orders.sum())} are sequences of visits in claims; \
orders are {words.share(own, digits=0)} of those of affiliated clinicians and {words.share(others, digits=0)} of all others. \
{words.people(unoffered, "referral").capitalize()} for services that neither the partner nor its hub offers are left out everywhere.

**Specialty** is the primary taxonomy code of the clinician. **Changes**: exact conditional Poisson test, Benjamini-Hochberg over all \
clinicians judged; referrals of one practice cluster, so the test is somewhat too ready. **Waits**: Kaplan-Meier with log-log limits; a \
patient who left is censored on that day. **Network**: betweenness and closeness (Wasserman-Faust) over distances of 1 / shared patients, \
PageRank, Leiden communities; exact up to {words.count(network.EXACT_NODES)} clinicians, beyond estimated from {network.PIVOTS} \
sampled ones (this network has {words.count(clinicians_n)}). **Expectation**: Poisson pseudo-maximum-likelihood gravity model with both \
totals fixed. **Worth of a referral**: {words.money(worth.case_usd)} contribution of an analytic case in {year} (as on the page of growth \
scenarios) x \
{words.share(worth.treated_share)} of decided referrals that are treated here = {words.money(worth.referral_usd)}.

**Limits.** Claims show where patients went, not where they were sent. Pairs that share fewer than 11 patients are absent from the \
network. Targets and probabilities are policy or placeholders, and so are the unit prices behind the contribution: see the assumptions. \
Counts of 1 to 10 are hidden, and so is what would reveal them."""
