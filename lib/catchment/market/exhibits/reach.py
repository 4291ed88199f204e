"""Exhibits of who can reach care and where the opportunity is: travel, supply, observed less expected share, white space."""

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.market import Market

from ..opportunity import DRAWS
from ..reach import GAP, SUPPLY, Reach
from .wording import CAUSE, OWNERS, counted, exhibit, given, ranges

GAPS = "share-gap"


def reachable(report: Report, within: pd.DataFrame, name: str, rules: Market) -> Exhibit:
    """Expected cases by travel time to hospital `name`; `within` is `reach.near`."""
    sources, minutes = ["zips", "incidence_by_age", "population"], rules.reach_min.value
    shown = report.protect(within[["minutes", "share"]], sources=sources)
    part = words.share(shown.loc[shown["minutes"] == minutes, "share"].iloc[0], digits=0)
    soon = f"{words.number(minutes)} minutes"
    return exhibit(
        "cases-within-minutes",
        shown,
        f"{part} of the area's expected cases live within {soon}",
        f"Expected new cases of the service area by travel time to {name}",
        sources=sources,
        note=f"Straight distance x {rules.detour_ratio.value} at {rules.speed_kmh.value:g} km an hour plus {rules.start_min.value:g}"
        " minutes: an approximation.",
        claims=[Claim(part, "share", f"minutes == {minutes}"), given(soon, minutes, "travel time that counts as reachable, a setting")],
    )


def supply(report: Report, supplied: pd.DataFrame, rules: Market) -> Exhibit:
    """Map of beds per expected case; `supplied` is `reach.on_map` of the places."""
    sources, below = ["hospitals", "partner_hospitals", "zips", "population"], rules.underserved_ratio.value
    shown = report.protect(pd.DataFrame(supplied[SUPPLY]).rename(columns={"expected_n": "demand_n"}), sources=sources)
    low = int((shown["enhanced_ratio"] < below).sum())
    few, part = words.plural(low, "ZIP"), "half" if below == 0.5 else f"{words.share(below, digits=0)} of"
    zones = words.listing([words.number(float(edge)) for edge in rules.zone_weights])
    claims = [Claim(few, rows=f"enhanced_ratio < {below}", how="count")]
    return exhibit(
        "supply",
        shown,
        f"{few} {'has' if low == 1 else 'have'} under {part} the mean supply",
        "Hospital beds per expected cancer case (E2SFCA), ratio to the region's mean",
        sources=sources,
        note=f"Two-step reach {words.number(rules.reach_min.value)} minutes; zones {zones} minutes. RAAM: travel plus crowding, 1 = mean,"
        " lower is better.",
        claims=claims if part == "half" else [*claims, given(part, below, "supply below which a place is underserved, a setting")],
    )


def underserved(report: Report, poor: pd.DataFrame, context: pd.DataFrame, zips: pd.DataFrame) -> Exhibit:
    """Table of underserved ZIPs with people, income and vulnerability; `context` are the counties' figures behind it."""
    sources = ["hospitals", "zips", *(["county_context"] if len(context) else [])]
    known = ""
    if len(context):
        first, last = context["year_first"].min(), context["year_last"].max()
        known = (
            f"Vulnerability: rank of the county in the nation, 0 to 1, higher is more vulnerable ({int(last)}). Income: median of the"
            f" county's individuals, not of its households ({words.span(first, last)})."
        )
    return exhibit(
        "underserved",
        report.protect(poor, sources=sources),
        "Underserved ZIPs on the map, most expected cases first",
        sources=sources,
        labels={"population_n": f"People ({counted(zips)})"},
        note=known or "Income and vulnerability of the counties are not given.",
        most=10,
    )


def gap(report: Report, gaps: pd.DataFrame, year: int, rules: Market) -> Exhibit:
    """Map of observed less expected share; `gaps` is `reach.on_map` of our standing, of which the known part is listed."""
    sources = ["hospital_flows", "hospitals", "zips"]
    shown = report.protect(pd.DataFrame(gaps.loc[gaps["ours_known"], GAP]), sources=sources)
    counts = shown["verdict"].value_counts()
    under, over = int(counts.get("under", 0)), int(counts.get("over", 0))
    part = words.share(rules.false_discovery_share.value, digits=0)
    title, claims = "No ZIP stands out from the share that distance explains", list[Claim]()
    if under or over:
        few, more = words.plural(under, "ZIP") if under else "No ZIP", f"{words.count(over) if over else 'none'} above"
        title = f"{few} below the expected share, {more}"
        claims = [
            Claim(said, rows=f"verdict == {verdict!r}", how="count")
            for said, verdict, n in ((few, "under", under), (more, "over", over))
            if n
        ]
    return exhibit(
        GAPS,
        shown,
        title,
        f"Market share less the share that the Huff model expects, {year}",
        sources=sources,
        note=f"Verdicts at a false discovery rate of {part}; [c] where our own stays are suppressed. {CAUSE}",
        claims=claims,
    )


def white_space(report: Report, ranked: pd.DataFrame) -> Exhibit:
    """Table of the white-space list; a share that rests on our own suppressed stays is a range only."""
    sources = ["hospital_flows", "incidence_by_age", "zips"]
    table = ranked.assign(range_share=ranges(ranked, "share", words.share), scores=ranges(ranked, "score", words.count))
    columns = ["zip", "city", "demand_n", "range_share", "expected_share", "drive_min", "addressable", "score", "scores", "top_share"]
    return exhibit(
        "white-space",
        report.protect(table.rename(columns={"expected_n": "demand_n"})[[*columns, "verdict"]], sources=sources),
        "White space: addressable new cases a year x feasibility",
        sources=sources,
        note="Share with 95 % interval and every value that suppressed flows can have. In top ten: part of"
        f" {words.count(DRAWS)} draws of need and share in which the ZIP ranks among the first ten.",
        most=10,
    )


def huff(report: Report, found: Reach, centroid_km: float) -> Exhibit:
    """Table of the exponents of both Huff models with their standard errors."""
    fits = pd.concat([found.plain.terms.assign(model="Beds and distance"), found.model.terms.assign(model="Own pull and distance")])
    between = ranges(fits.rename(columns={"low": "value_low", "high": "value_high"}), "value", lambda value: words.number(value, digits=2))
    table = fits.assign(between=between, se=[words.number(value, digits=3) for value in fits["se"]]).reset_index(drop=True)
    why = f" Not calibrated: {found.model.note}." if found.model.note else ""
    spreads = f"{words.number(found.plain.dispersion, digits=1)} and {words.number(found.model.dispersion, digits=1)}"
    return exhibit(
        "huff-models",
        report.protect(table[["model", "term", "value", "se", "between"]], sources=OWNERS),
        "Huff models, calibrated by maximum likelihood on all hospitals' flows",
        sources=OWNERS,
        note=f"Suppressed flows filled with their expectation ({words.count(found.model.imputed_n)} stays); errors scaled by the dispersion"
        f" ({spreads}). Wide: academic centers, whose exponent is the sum. {words.number(centroid_km)} km are added to each distance.{why}",
    )
