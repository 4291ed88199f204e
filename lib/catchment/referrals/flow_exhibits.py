"""The exhibits of where referrals flow: towns and centers, what changed, how the network is built, and what would be expected.

As in `exhibits`, each function protects its frame and computes title, subtitle, note and claims from the rows that are shown. Links of
shared patients are no referrals and never stand in one exhibit with them.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats import network
from catchment.stats.gravity import GravityFit

from . import changes, shared_patients
from . import corridors as between
from .exhibits import REFERRED, during, exhibit, of_all, ordered, part
from .journeys import Worth

CHANGED, GROWING = "changed-referrers", "growing-towns"
ENDS = ["origin", "destination"]
LINKED = ["shared_patients", "clinicians"]
SPANS, EXPECTED = ("The period before", "Now"), ("Expected", "Observed")
MOVED = (changes.NEW, changes.GROWING, changes.DECLINING, changes.LOST)
CHANGE = ["clinician", "affiliation", "label", "before_referrals_n", "now_referrals_n", "adjusted"]
BREAK = ["clinician", "first_quarter", "before_quarters", "before_referrals_n", "after_quarters", "after_referrals_n", "ratio"]


# Where it flows


def flows(report: Report, pairs: pd.DataFrame, *, ours: set[str], most: int, period: str) -> Exhibit:
    """Figure: the map of the `most` largest flows; the town that sends most elsewhere, and what is not drawn.

    Parameters
    ----------
    pairs
        Rows of `corridors.pairs`.
    ours
        Destinations of our network.
    """
    named = pairs.rename(columns={"flow_n": "referrals_n"})[[*ENDS, "dist_km", "referrals_n"]]
    shown = ordered(report.protect(named, sources=["referrals"], margins=ENDS), "referrals_n")
    drawn = shown.loc[shown["referrals_n"] > 0, "referrals_n"].head(most)
    left_out = (shown["referrals_n"].isna() | (shown["referrals_n"] > 0)).sum() - len(drawn)
    gone = named[~named["destination"].isin(ours)].groupby("origin")["referrals_n"].sum().sort_values()
    town, lost = (gone.index[-1], gone.iloc[-1]) if gone.sum() else ("", 0)
    title, claims = f"Every referral stays with {report.settings.name} and its hub", []
    if 0 < lost < report.threshold(["referrals"]):
        title = f"Few referrals go elsewhere from any town, most of them from {town}"
    elif lost:
        said = words.plural(lost, "referral")
        title = f"{town} sends {said} elsewhere, the most of all towns"
        claims = [of_all(said, shown, f"origin == {town!r} and destination not in {sorted(ours)}", value=lost)]
    share = words.share(drawn.sum() / (named["referrals_n"].sum() or np.nan), digits=0)
    return exhibit(
        "flow-map",
        shown,
        title,
        f"Referrals by town of the practice and cancer center, the {len(drawn)} largest pairs, {period}",
        sources=[*REFERRED, "referral_destinations", "counties"],
        claims=claims,
        note=f"{words.plural(left_out, 'smaller or hidden pair')} left out; the lines drawn carry {share} of all referrals.",
    )


def destinations(report: Report, matrix: pd.DataFrame, *, period: str) -> Exhibit:
    """Figure: the matrix of specialties and systems; the system that receives most of what goes elsewhere.

    `matrix` is `patterns.origin_destination` of specialty and destination system.
    """
    ours = {report.settings.name, *report.settings.network}
    sources = ["referrals", "specialties"]
    shown = report.protect(matrix, sources=sources, margins=["specialty", "destination_system"])
    elsewhere = ~matrix["destination_system"].isin(ours)
    gone, below = matrix[elsewhere].groupby("destination_system")["referrals_n"].sum().sort_values(), report.threshold(sources)
    title, claims = "Few referrals go elsewhere", []
    if len(gone) and not 0 < gone.iloc[-1] < below:
        name, share, said = gone.index[-1], gone.iloc[-1] / gone.sum(), part(gone.iloc[-1], gone.sum(), below=below)
        title = f"{name} receives {said} of what goes elsewhere"
        whole = f"destination_system not in {sorted(ours)}"
        claims = [of_all(said, shown, f"destination_system == {name!r}", value=share, whole=whole, how="share")] if "%" in said else []
    return exhibit(
        "destination-systems",
        shown,
        title,
        f"Share of each specialty's referrals by destination system, all clinicians, {period}",
        sources=sources,
        claims=claims,
        note="Empty cells: no referral.",
    )


def short(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix with `system`, the first word of the destination system, where a heading has little room."""
    return matrix.assign(system=matrix["destination_system"].str.split().str[0])


# What changed


def movers(report: Report, moved: pd.DataFrame, *, quarters: int, period: str) -> Exhibit:
    """Figure: the clinicians whose referrals changed beyond chance; `moved` is `changes.changes` with the clinicians' columns."""
    shown = report.protect(moved.loc[moved["label"].isin(MOVED), CHANGE], sources=REFERRED, by="clinician")
    same, few = (words.count((moved["label"] == label).sum()) for label in (changes.SAME, changes.FEW))
    count = words.plural(len(shown), "referrer")
    return exhibit(
        CHANGED,
        shown,
        f"{count} changed beyond chance",
        f"Referrals to our network by clinician, {period} against the {quarters} quarters before",
        sources=REFERRED,
        claims=[Claim(count, how="count")],
        note=f"{same} did not change measurably; {few} have too few referrals to be judged.",
    )


def growing(report: Report, series: pd.DataFrame, towns: pd.DataFrame) -> Exhibit:
    """Figure: the towns whose referrals to the partner moved most.

    Parameters
    ----------
    series
        `corridors.yearly` of referrals to the partner.
    towns
        `changes.changes` by city and destination.
    """
    to = report.settings.name
    shown = report.protect(series, sources=REFERRED, by="year")
    grown = between.grown(towns, to=to)
    title, claims = "No town moved measurably", []
    if len(grown):
        row, below = grown.iloc[0], report.threshold(REFERRED)
        before = words.people(row["before_referrals_n"], "referral", below=below).removesuffix(" referrals")
        now = f"{words.count(row['now_referrals_n'])} referrals"
        title, basis = f"{row['city']} grew from {before} to {now}", "referrals of the period and of that before, not of calendar years"
        least = below if before.startswith("fewer") else row["before_referrals_n"]
        claims = [Claim(text, how="given", value=value, basis=basis) for text, value in ((before, least), (now, row["now_referrals_n"]))]
    subtitle = f"Referrals to {to} by town of the practice and year, the towns that moved most"
    return exhibit(GROWING, shown, title, subtitle, sources=REFERRED, claims=claims)


def breaks(report: Report, broken: pd.DataFrame) -> Exhibit:
    """Table: series with a change point; `broken` are rows of `changes.breaks` with the `clinician`."""
    return exhibit(
        "broken-series",
        report.protect(broken[BREAK], sources=REFERRED),
        "Referrers whose quarterly series breaks, and the first quarter of the new level",
        sources=REFERRED,
        note="Maximal Poisson likelihood ratio over all quarters, Monte Carlo p-value, false discoveries controlled. "
        "Ratio: quarterly mean after over before; [z] where there was none before.",
        inapplicable=["ratio"],
    )


# How the network is built


def bridges(report: Report, net: shared_patients.Network, joined: pd.DataFrame) -> Exhibit:
    """Figure: who joins the communities of the network; the first of those shown is named when it is a broker.

    `joined` is `shared_patients.bridges`.
    """
    shown = report.protect(joined, sources=LINKED)
    title, claims = "No clinician joins the communities of the network", []
    if len(brokers := shown[shown["position"] == "broker"]):
        name, share = brokers["clinician"].iloc[0], words.share(brokers["path_share"].iloc[0])
        title, claims = f"{name} carries {share} of shortest paths", [Claim(share, "path_share", f"clinician == {name!r}")]
    return exhibit(
        "bridges",
        shown,
        title,
        "Share of shortest paths through the clinician, distance = 1 / shared patients, "
        f"{words.count(len(net.measures))} clinicians, links of {net.year or 'an unknown year'}",
        sources=LINKED,
        claims=claims,
        note=f"{words.plural(len(network.brokers(net.measures)), 'broker')} in all: on more shortest paths than nine in ten, with links "
        f"into several communities. {words.plural(len(net.alone), 'referrer')} without any link. Links are shared patients, not referrals.",
    )


def communities(report: Report, net: shared_patients.Network, circles: pd.DataFrame) -> Exhibit:
    """Table: the communities, and what was set aside before the network was built; years of links are never added up.

    `circles` is `shared_patients.circles`.
    """
    parts = [f"{words.count(row['links_n'])} ({row['reason'][0].lower()}{row['reason'][1:]})" for row in net.dropped.to_dict("records")]
    modularity, seed = f"modularity {words.number(net.modularity, digits=2)}", report.settings.referrals.seed
    claims = [Claim(f"seed {seed}", how="given", value=seed, basis="seed of the settings")]
    if words.MISSING not in modularity:
        claims.append(Claim(modularity, how="given", value=net.modularity, basis="Leiden communities of all links"))
    return exhibit(
        "communities",
        report.protect(circles, sources=LINKED),
        f"Communities of the network (Leiden, {modularity}, seed {seed})",
        sources=LINKED,
        claims=claims,
        labels={"patients_n": "Shared patients"},
        note=f"Links{f' of {net.year}' if net.year else ''}; set aside: {words.listing(parts)}. Shared patients, not referrals.",
    )


def rivals(report: Report, common: pd.DataFrame, *, period: str, most: int = 8) -> Exhibit:
    """Table: the rival centers with most referrers in common; `common` is `network.projection` of the centers."""
    named = common.rename(columns={"left": "center", "right": "other_center", "weight": "common_referrals_n"})
    tied = named.sort_values("common_referrals_n", ascending=False).head(most)
    return exhibit(
        "rival-centers",
        report.protect(tied, sources=["referrals"]),
        f"Rival centers tied by the referrers they have in common, {period}",
        sources=["referrals"],
        claims=[during(report, period)],
        note="Projection of clinicians and centers on the centers: for each clinician the smaller of the two counts, added up.",
    )


# What would be expected


def surprises(report: Report, odd: pd.DataFrame, fit: GravityFit | None, *, flows: Exhibit, period: str) -> Exhibit:
    """Figure: corridors above and below expectation.

    Parameters
    ----------
    odd
        `corridors.surprises`; what `flows` hides of them is hidden here too.
    fit
        The model that they are held against.
    """
    safe = report.protect(odd, sources=["referrals"], by=ENDS, like=flows.shown)
    shown = safe.assign(corridor=safe["origin"] + " to " + safe["destination"])
    shown = shown[["corridor", "dist_km", "referrals_n", "referrals_n_suppressed", "expected_n", "verdict"]]
    over, under = (int((shown["verdict"] == verdict).sum()) for verdict in ("over", "under"))
    title, claims = "Every corridor carries what size and distance suggest", []
    if over + under:
        above, below = words.plural(over, "corridor"), f"{words.count(under)} below"
        title = f"{above} above expectation, {below}"
        claims = [Claim(above, rows="verdict == 'over'", how="count"), Claim(below, rows="verdict == 'under'", how="count")]
    return exhibit(
        "corridors-beyond-expectation",
        shown,
        title,
        f"Referrals by corridor, observed and expected from both totals and distance, {period}",
        sources=["referrals", "referral_destinations", "clinicians"],
        claims=claims,
        note=between.fitted(fit) if fit else "Towns and centers are too few for a model.",
    )


def method(report: Report, every: pd.DataFrame, worth: Worth, *, clinicians_n: int, year: int) -> str:
    """How it was done, in markdown: `every` are all referrals with their evidence, `clinicians_n` those of the network.

    `year` is the one whose volumes say what a case is worth.
    """
    rules, below = report.settings.referrals, report.threshold(["referrals"])
    hidden = f"Counts of 1 to {below - 1} are hidden, and so is what would reveal them." if below else "Every count may be shown."
    affiliated = every["affiliation"] == "affiliated"
    unoffered, order = every.loc[~every["eligible"], "referrals_n"].sum(), every["evidence"] == "order"
    orders = every["referrals_n"].where(order, 0)
    own, others = (orders[side].sum() / (every.loc[side, "referrals_n"].sum() or float("nan")) for side in (affiliated, ~affiliated))
    return f"""**Attribution.** {rules.attribution.capitalize()}, within {rules.window_days} days. **Evidence.** Of all referrals since \
{every["period"].min():%Y}, {words.count(orders.sum())} are documented orders and \
{words.count(every["referrals_n"].sum() - orders.sum())} are sequences of visits in claims; \
orders are {words.share(own, digits=0)} of those of affiliated clinicians and {words.share(others, digits=0)} of all others. \
{words.people(unoffered, "referral", below=below).capitalize()} for services that neither the partner nor its hub offers are left out \
everywhere.

**Specialty** is the primary taxonomy code of the clinician. **Changes**: exact conditional Poisson test, Benjamini-Hochberg over all \
clinicians judged; referrals of one practice cluster, so the test is somewhat too ready. **Waits**: cumulative \
incidence (Aalen-Johansen) with log-log limits: a case closed without the step never comes to it, one still open when the data end is \
censored; log-rank tests compare the pace of cases still open. **Network**: betweenness and closeness (Wasserman-Faust) over distances \
of 1 / shared patients, PageRank, Leiden communities; exact up to {words.count(network.EXACT_NODES)} clinicians, beyond estimated from \
{network.PIVOTS} sampled ones (this network has {words.count(clinicians_n)}). **Expectation**: Poisson pseudo-maximum-likelihood gravity \
model with both totals fixed. **Worth of a referral**: {words.money(worth.case_usd)} contribution of an analytic case in {year} (as on \
the page of growth scenarios) x \
{words.share(worth.treated_share)} of decided referrals that are treated here = {words.money(worth.referral_usd)}.

**Limits.** Claims show where patients went, not where they were sent. Pairs that share fewer than {report.threshold(LINKED)} patients are \
absent from the network. Targets and probabilities are policy or placeholders, and so are the unit prices behind the contribution: see \
the assumptions. {hidden}"""
