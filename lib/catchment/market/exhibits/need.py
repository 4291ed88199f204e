"""Exhibits of the need: people by age, expected cases by site now and ahead, what drives them, and what becomes of them."""

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from ..burden import Outcomes
from ..need import CASES, OLD, Need, old_share, site_mix
from .wording import LEVEL, exhibit, given, ranges

RATES = ["incidence_by_age", "incidence", "incidence_us_age_year"]
PEOPLE = ["population", "population_projection", "population_total"]
BY_SITE, DRIVERS, MIX = "need-by-site", "need-drivers", "site-mix"


def ages(report: Report, need: Need) -> Exhibit:
    """Age pyramid; the title compares the shares of people of 65 or more."""
    now, ahead = need.years
    shares = [old_share(need.people, year) for year in need.years]
    old = [words.share(share, digits=0) for share in shares]
    here = need.projected["county_fips"].isin(need.people["county_fips"])
    basis = "people of the service area by five-year age group"
    return exhibit(
        "people-by-age",
        report.protect(need.ages, sources=PEOPLE),
        f"People aged {OLD} or more: {old[0]} now, {old[1]} in {ahead}",
        f"Service area by age and sex, {now} (bars) and {ahead} (outline)",
        sources=PEOPLE,
        labels={"people": f"People {now}", "people_ahead": f"People {ahead}"},
        note=projection_note(need.projected[here]),
        claims=[
            given(f"{OLD} or more", OLD, "the age from which the title counts"),
            *(given(text, share, basis) for text, share in zip(old, shares, strict=True)),
        ],
    )


def sites(report: Report, need: Need) -> Exhibit:
    """Expected cases by tumor site; the title names the site that grows most."""
    sources, (now, ahead) = [*RATES, "population_projection"], need.years
    shown = report.protect(need.sites[CASES], sources=sources)
    more = (shown["ahead_n"] - shown["now_n"]).set_axis(shown["site"])
    named = more.drop("All other", errors="ignore") if len(more) > 1 else more
    title, claims = f"No site grows by {ahead}", list[Claim]()
    if named.max() >= 0.5:
        first, grown = str(named.idxmax()), f"{words.count(named.max())} more"
        title = f"{first} grows most: {grown} cases a year by {ahead}"
        others = "site != 'All other'" if len(more) > 1 else ""
        claims = [
            Claim(first, "site", others, "largest", by="ahead_n - now_n"),
            Claim(grown, "ahead_n - now_n", f"site == {first!r}"),
        ]
    years = {"now": now, "ahead": ahead}
    return exhibit(
        BY_SITE,
        shown,
        title,
        f"Expected new cases a year in the service area by tumor site, {now} and {ahead}",
        sources=sources,
        labels={
            f"{name}_{part}": f"{year}{said}"
            for name, year in years.items()
            for part, said in (("n", ""), ("low", " low"), ("high", " high"))
        },
        claims=claims,
    )


def outlook(report: Report, need: Need) -> Exhibit:
    """Table of expected cases by site with growth and trend."""
    now, ahead = need.years
    table = need.outlook.assign(
        now_between=ranges(need.outlook, "now", words.count),
        ahead_between=ranges(need.outlook, "ahead", words.count),
        yearly=_apc(need.outlook),
    )
    columns = ["site", "now_n", "now_between", "ahead_n", "ahead_between", "growth_share", "yearly", "trend"]
    return exhibit(
        "need-outlook",
        report.protect(table[columns], sources=RATES),
        "Expected new cases a year by site with 95 % prediction interval, growth and national trend",
        sources=RATES,
        labels={"now_n": str(now), "ahead_n": str(ahead)},
        note="APC: annual percent change of the national rate; rising or falling when its whole 95 % interval is, else stable. Sites held"
        " level have no national series here; their interval carries that.",
        claims=[LEVEL],
        emphasize="All sites",
        most=14,
        inapplicable=["trend"],
    )


def drivers(report: Report, need: Need) -> Exhibit:
    """Bridge of the growth; the title says what aging and rates add or take away, as cases that a model expects in a year."""
    sources, (now, ahead) = ["incidence_by_age", "population_projection"], need.years
    shown = report.protect(need.steps, sources=sources)
    aging, rates = shown.set_index("step")["demand_n"][["Older people", "Rates"]]
    older = f"{'adds' if aging >= 0 else 'takes away'} {words.count(abs(aging))}"
    rated = f"{'add' if rates >= 0 else 'take away'} {words.count(abs(rates))}"
    return exhibit(
        DRIVERS,
        shown,
        f"Aging {older} and rates {rated} cases a year",
        f"Expected new cases a year in the service area, {now} to {ahead}: three terms that add up",
        sources=sources,
        note="Population size at old age structure and rates, then aging, then rates (Bashir and Estève 2001).",
        claims=[Claim(older, "demand_n", "step == 'Older people'"), Claim(rated, "demand_n", "step == 'Rates'")],
    )


def outcomes(report: Report, found: Outcomes) -> Exhibit:
    """Table of mortality, incidence and stage; the note gives the years of each, as they are in the data."""
    sources = ["mortality", "incidence", "stage_by_age"]
    pooled = f"Age-adjusted rates, deaths {found.deaths} and cases {found.cases}, pooled over the market counties that publish both. "
    none = "No market county publishes both deaths and cases of a site. "
    return exhibit(
        "mortality-and-stage",
        report.protect(found.table, sources=sources),
        "Mortality beside incidence in the market counties, and expected late-stage cases in the service area",
        sources=sources,
        note=f"{pooled if found.deaths else none}Stage: national rates by age {found.ages} of {found.staged} applied to the area's people,"
        " not local stage data.",
    )


def mix(report: Report, cases: pd.DataFrame, need: Need) -> Exhibit:
    """Location quotients by tumor site; `cases` are our analytic cases of the year."""
    sources = ["volumes", "incidence_by_age", "population"]
    shown = report.protect(site_mix(cases, need.outlook), sources=sources)
    over, under = (shown["lq_ratio_low"] > 1).sum(), (shown["lq_ratio_high"] < 1).sum()
    above, below = words.plural(over, "site"), f"{words.count(under)} below"
    some = over or under
    return exhibit(
        MIX,
        shown,
        f"{above} above the area's mix, {below}" if some else "Our mix of tumor sites is that of the area",
        f"Location quotient of our analytic cases by tumor site against the area's expected cases, {need.years[0]}",
        sources=sources,
        note="Above 1: we see more of the site than the area's mix suggests.",
        claims=[Claim(above, rows="lq_ratio_low > 1", how="count"), Claim(below, rows="lq_ratio_high < 1", how="count")] if some else [],
    )


def projection_note(projected: pd.DataFrame) -> str:
    """How people were carried forward, and where they could not be."""
    held = projected.loc[projected["status"] == "held at latest", "county_fips"].nunique()
    every = projected["county_fips"].nunique()
    how = "Draft projection. The area has the age structure of its counties, weighted by the people who live in its ZIPs."
    if not held:
        return how
    where = "this region" if held == every else words.plural(held, "county", "counties")
    return f"There is no population projection for {where}: people are held at their latest count by age. " + ("" if held == every else how)


def _apc(frame: pd.DataFrame) -> list[str | None]:
    """Annual percent change with its interval as text."""
    rows = zip(frame["apc"], frame["apc_low"], frame["apc_high"], strict=True)
    return [
        None if pd.isna(v) else f"{words.number(v, digits=1)} ({words.number(low, digits=1)} to {words.number(high, digits=1)})"
        for v, low, high in rows
    ]
