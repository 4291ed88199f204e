"""The exhibits of where referrals flow: towns and centers, what changed, how the network is built, and what would be expected.

As in `exhibits`, each function protects its frame and computes everything else from the counts that are shown. Links of
shared patients are no referrals and never stand in one exhibit with them.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats import network
from catchment.stats.gravity import GravityFit

from . import changes, patterns, shared_patients
from . import corridors as between
from .exhibits import REFERRED, during, exhibit, quiet, total, totals
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
    sources = ["referrals"]
    named = pairs.rename(columns={"flow_n": "referrals_n"})[[*ENDS, "dist_km", "referrals_n"]]
    shown = report.protect(named, sources=sources, kept=["dist_km"], order="referrals_n")
    drawn = shown.loc[shown["referrals_n"] > 0, "referrals_n"].head(most)
    left_out = (shown["referrals_n"].isna() | (shown["referrals_n"] > 0)).sum() - len(drawn)
    elsewhere = named[~named["destination"].isin(ours)]
    gone = totals(report, elsewhere, "origin", sources=sources)
    title, claims = f"Every referral stays with {report.settings.name} and its hub", []
    if len(gone):
        lost = gone["referrals_n"].iloc[0]
        said = words.plural(lost, "referral")
        title, claims = f"{gone['origin'].iloc[0]} sends {said} elsewhere, the most of all towns", [total(said, lost)]
    elif elsewhere["referrals_n"].any():
        title = "Few referrals go elsewhere from any town"
    share = words.share(drawn.sum() / (report.people(named["referrals_n"].sum(), sources=sources) or np.nan), digits=0)
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
    safe = report.protect(matrix, sources=sources, derive=patterns.origin_share, order="referrals_n")
    shown = patterns.by_totals(safe, rows="specialty", columns="destination_system").drop(
        columns=["origin_referrals_n", "origin_referrals_n_suppressed"], errors="ignore"
    )
    gone = totals(report, matrix[~matrix["destination_system"].isin(ours)], "destination_system", sources=sources)
    title, claims = "Few referrals go elsewhere", []
    if len(gone):
        share = gone["referrals_n"].iloc[0] / gone["referrals_n"].sum()
        title = f"{gone['destination_system'].iloc[0]} receives {words.share(share)} of what goes elsewhere"
        claims = [total(words.share(share), share)]
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


def tested(report: Report, moved: pd.DataFrame) -> pd.DataFrame:
    """Rows of `changes.changes` as the page may show them: rounded counts, the largest movement first, p-values as bands.

    Returns
    -------
    The columns of `moved`, with `movement`, the difference of the rounded counts, and `size`, the same without its sign.
    """
    banded = moved.assign(adjusted=moved["adjusted"].map(words.significance).astype("str"), movement=0.0, size=0.0)
    return quiet(report.protect(banded, sources=REFERRED, derive=_movement, order="size"), "adjusted")


def _movement(table: pd.DataFrame) -> pd.DataFrame:
    difference = table["now_referrals_n"] - table["before_referrals_n"]
    return table.assign(movement=difference, size=difference.abs())


def movers(report: Report, moved: pd.DataFrame, *, quarters: int, period: str) -> Exhibit:
    """Figure: the clinicians whose referrals changed beyond chance; `moved` is `changes.changes` with the clinicians' columns."""
    beyond = moved.loc[moved["label"].isin(MOVED), CHANGE]
    shown = tested(report, beyond)
    same, few = (words.count((moved["label"] == label).sum()) for label in (changes.SAME, changes.FEW))
    count = words.plural(len(shown), "referrer")
    return exhibit(
        CHANGED,
        shown.drop(columns=[name for name in shown if name.startswith(("movement", "size"))]),
        f"{count} changed beyond chance",
        f"Referrals to our network by clinician, {period} against the {quarters} quarters before",
        sources=REFERRED,
        claims=[Claim(count, how="count")],
        note=f"{same} did not change measurably; {few} have too few referrals to be judged.",
    )


def grown(report: Report, towns: pd.DataFrame) -> pd.DataFrame:
    """The towns whose referrals to the partner grew measurably, as the page may show them; `towns` is `changes.changes` by city and center.

    Rows with a hidden count come last, by name.
    """
    more = towns[(towns["destination"] == report.settings.name) & towns["label"].isin([changes.GROWING, changes.NEW])]
    return tested(report, more[["city", "label", "before_referrals_n", "now_referrals_n", "adjusted"]])


def growing(report: Report, series: pd.DataFrame, towns: pd.DataFrame) -> Exhibit:
    """Figure: the towns whose referrals to the partner moved most.

    Parameters
    ----------
    series
        `corridors.yearly` of referrals to the partner.
    towns
        `grown`.
    """
    to = report.settings.name
    safe = report.protect(series, sources=REFERRED, kept=["year"])
    shown = changes.limits(safe)
    for name in ("referrals_low", "referrals_high"):
        shown[f"{name}_suppressed"] = shown[name].isna()
    title, claims = "No town moved measurably", []
    if len(towns):
        row, below = towns.iloc[0], report.threshold(REFERRED)
        before = words.people(row["before_referrals_n"], "referral", below=below).removesuffix(" referrals")
        now = words.people(row["now_referrals_n"], "referral", below=below)
        title, basis = f"{row['city']} grew from {before} to {now}", "referrals of the period and of that before, not of calendar years"
        counts = ((before, row["before_referrals_n"]), (now, row["now_referrals_n"]))
        claims = [Claim(text, how="given", value=below if pd.isna(value) else value, basis=basis) for text, value in counts]
    subtitle = f"Referrals to {to} by town of the practice and year, the towns that moved most"
    return exhibit(GROWING, shown, title, subtitle, sources=REFERRED, claims=claims)


def breaks(report: Report, broken: pd.DataFrame) -> Exhibit:
    """Table: series with a change point; `broken` are rows of `changes.breaks` with the `clinician`."""
    return exhibit(
        "broken-series",
        report.protect(
            broken[BREAK].astype({"first_quarter": "str"}),
            sources=REFERRED,
            derive=_ratio,
            kept=["before_quarters", "after_quarters"],
            order="after_referrals_n",
        ),
        "Referrers whose quarterly series breaks, and the first quarter of the new level",
        sources=REFERRED,
        note="Maximal Poisson likelihood ratio over all quarters, Monte Carlo p-value, false discoveries controlled. "
        "Ratio: quarterly mean after over before; [z] where there was none before.",
        inapplicable=["ratio"],
    )


def _ratio(table: pd.DataFrame) -> pd.DataFrame:
    before, after = (table[f"{side}_referrals_n"] / table[f"{side}_quarters"] for side in ("before", "after"))
    return table.assign(ratio=after / before.where(before > 0))


# How the network is built


def bridges(report: Report, net: shared_patients.Network, joined: pd.DataFrame) -> Exhibit:
    """Figure: who joins the communities of the network; the first of those shown is named when it is a broker.

    `joined` is `shared_patients.bridges`.
    """
    measures = ["path_share", "closeness", "pagerank", "participation"]
    shown = report.protect(joined.assign(**joined[measures].round(3)), sources=LINKED, kept=measures, order="path_share")
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
        report.protect(
            circles.assign(community=circles["community"].astype("str"), inside_share=circles["inside_share"].round(2)),
            sources=LINKED,
            kept=["town_share", "inside_share"],
        ),
        f"Communities of the network (Leiden, {modularity}, seed {seed})",
        sources=LINKED,
        claims=claims,
        labels={"patients_n": "Shared patients"},
        note=f"Links{f' of {net.year}' if net.year else ''}; set aside: {words.listing(parts)}. Shared patients, not referrals.",
    )


def rivals(report: Report, common: pd.DataFrame, *, period: str, most: int = 8) -> Exhibit:
    """Table: the rival centers with most referrers in common; `common` is `network.projection` of the centers."""
    named = common.rename(columns={"left": "center", "right": "other_center", "weight": "common_referrals_n"})
    named = named.sort_values(["center", "other_center"])
    return exhibit(
        "rival-centers",
        report.protect(named, sources=["referrals"], order="common_referrals_n").head(most),
        f"Rival centers tied by the referrers they have in common, {period}",
        sources=["referrals"],
        claims=[during(report, period)],
        note="Projection of clinicians and centers on the centers: for each clinician the smaller of the two counts, added up.",
    )


# What would be expected


def surprises(report: Report, odd: pd.DataFrame, fit: GravityFit | None, *, period: str) -> Exhibit:
    """Figure: corridors above and below expectation.

    Parameters
    ----------
    odd
        `corridors.surprises` of flows that were rounded before, see `corridors.rounded`: so their order and expectation tell nothing more.
    fit
        The model that they are held against.
    """
    safe = report.protect(odd.drop(columns="expected_n"), sources=["referrals"], kept=["dist_km"])
    shown = safe.assign(corridor=safe["origin"] + " to " + safe["destination"], expected_n=odd["expected_n"])
    shown = shown[["corridor", *[name for name in safe if name not in (*ENDS, "verdict")], "expected_n", "verdict"]]
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
    if report.settings.audience == "internal":
        hidden = f"Counts of 1 to {below - 1} patients are hidden."
    else:
        hidden = "Counts of patients are rounded to the middle of groups of six and 1 to 12 are hidden, so sums may differ by a few."

    def people(rows: pd.Series) -> float:
        return report.people(every.loc[rows, "referrals_n"].sum(), sources=["referrals"])

    affiliated, order = every["affiliation"] == "affiliated", every["evidence"] == "order"
    own, others = (people(order & side) / (people(side) or float("nan")) for side in (affiliated, ~affiliated))
    return f"""**Attribution.** {rules.attribution.capitalize()}, within {rules.window_days} days. **Evidence.** Of all referrals since \
{every["period"].min():%Y}, {words.count(people(order))} are documented orders and \
{words.count(people(~order))} are sequences of visits in claims; \
orders are {words.share(own, digits=0)} of those of affiliated clinicians and {words.share(others, digits=0)} of all others. \
{words.people(people(~every["eligible"]), "referral", below=below).capitalize()} for services that neither the \
partner nor its hub offers are left out everywhere.

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
