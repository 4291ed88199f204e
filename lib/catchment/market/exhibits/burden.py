"""Exhibits of the burden: the map of observed over expected cases, the funnel, and clusters of counties."""

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.market import Market
from catchment.stats.spatial import Global

from ..burden import MAPPED, PLOTTED, Burden
from .wording import among, exhibit

HIGH, LOW = "high (99.8 %)", "low (99.8 %)"
COUNTED = ["incidence", "population", "incidence_by_age"]
NAMES = {"cases_n": "observed_cases_n", "rate_100k": "crude_rate_100k"}  # as a reader of these exhibits needs them


def burden_map(report: Report, local: pd.DataFrame, judged: Burden) -> Exhibit:
    """Map of observed over expected cases; the title counts the counties above the outer funnel limit.

    `local` is `burden.on_map`.
    """
    sources = [*COUNTED, "counties"]
    shown = report.protect(pd.DataFrame(local[MAPPED]).rename(columns=NAMES), sources=sources)
    high = shown[shown["signal"] == HIGH].sort_values("sir", ascending=False)
    title, claims = "No county has more cancer than its age explains", list[Claim]()
    if shown["sir"].isna().all():
        title = "The burden cannot be judged: no published rates"
    elif len(high):
        first, many = high["county"].iloc[0], words.plural(len(high), "county", "counties")
        over = words.share(high["sir"].iloc[0] - 1, digits=0)
        title = f"{many} above what chance allows, {first} {over} over expectation"
        above = f"signal == {HIGH!r}"
        claims = [
            Claim(many, rows=above, how="count"),
            Claim(first, "county", above, "largest", by="sir"),
            Claim(over, "sir - 1", f"county == {first!r}"),
        ]
    return exhibit(
        "burden-map",
        shown,
        title,
        f"Observed over expected new cases, all sites, {judged.period}, smoothed (Poisson-gamma); market counties outlined",
        sources=sources,
        note=f"Compared with {judged.compared}. Above chance: over the 99.8 % funnel limit. Empirical Bayes: Poisson-gamma for the ratio,"
        " Marshall for the crude rate.",
        claims=claims,
    )


def funnel(report: Report, dots: pd.DataFrame, judged: Burden, market: list[str], region: list[str]) -> Exhibit:
    """Funnel plot of all counties; the table behind it and the title are of the region's and the market's.

    Parameters
    ----------
    dots
        `burden.named`.
    market, region
        FIPS codes of the market counties, and of those whose figures are listed.
    """
    listed = dots[dots["county_fips"].isin([*region, *market])]
    shown = report.protect(listed[PLOTTED].rename(columns=NAMES), sources=COUNTED)
    names = listed.loc[listed["county_fips"].isin(market), "county"]
    mine, outside = among("county", names), f"signal in {[HIGH, LOW]!r}"
    out, every = f"{words.count(len(shown.query(f'{mine} and {outside}')))} of", f"{words.count(len(names))} market counties"
    some = dots["signal"].isin([HIGH, LOW]).any() and len(names) > 0
    title = f"{out} {every} lie outside the funnel" if some else "No county lies outside the funnel"
    title = title if len(names) or dots.empty else "No market county has a published rate"
    return exhibit(
        "burden-funnel",
        shown,
        title,
        f"Standardized incidence ratio by expected cases, all sites, {judged.period}, {words.count(len(dots))} counties;"
        " market counties in blue",
        sources=COUNTED,
        note=f"Each county against {judged.compared}, not against each other. More counties outside than chance allows means that they"
        " differ in more than age: screening, smoking, access.",
        claims=[Claim(out, rows=f"{mine} and {outside}", how="count"), Claim(every, rows=mine, how="count")] if some else [],
    )


def clusters(report: Report, result: Global, called: pd.DataFrame, region: list[str], period: str, rules: Market) -> Exhibit:
    """Table of counties in clusters (`burden.clustered`), with Moran's I and what it rests on in the note."""
    sources = ["incidence", "counties"]
    part = words.share(rules.false_discovery_share.value, digits=0)
    return exhibit(
        "burden-clusters",
        report.protect(called.drop(columns="county_fips").rename(columns={"value": "smoothed_ratio"}), sources=sources),
        f"Counties in clusters of high or low incidence, all sites, {period}",
        sources=sources,
        note=f"{moran(result)} LISA and Gi* at a false discovery rate of {part}; counties of the region are emphasized.",
        emphasize=called["county_fips"].isin(region),
        most=8,
    )


def moran(result: Global) -> str:
    """Moran's I in a sentence, with what it rests on."""
    if pd.isna(result.i):
        return f"Clustering cannot be judged: {result.note}."
    sure = result.p < 0.05 and result.i > result.expected
    alike = "Neighboring counties are alike" if sure else "Neighboring counties are not measurably alike"
    p = "below 0.01" if result.p < 0.01 else words.number(result.p, digits=2)
    alone = f"; without neighbors: {words.count(len(result.islands))}" if result.islands else ""
    return (
        f"{alike}: Moran's I {words.number(result.i, digits=2)}, p {p} ({words.count(result.n)} counties, {result.weights} contiguity,"
        f" row-standardized, {words.count(result.permutations)} permutations, seed {result.seed}{alone})."
    )
