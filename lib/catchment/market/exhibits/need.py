"""Exhibits of the need: people by age, expected cases by site now and ahead, what drives them, and what becomes of them."""

from collections.abc import Sequence

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from ..burden import Outcomes
from ..need import CASES, OLD, Need, heights, old_share, site_mix
from .wording import LEVEL, among, exhibit, given, ranges, sentence

RATES = ["incidence_by_age", "incidence", "incidence_us_age_year"]
PROJECTION = "population_projection"
PEOPLE = ["population", PROJECTION, "population_total"]
BY_SITE, DRIVERS, MIX = "need-by-site", "need-drivers", "site-mix"


def ages(report: Report, need: Need) -> Exhibit:
    """Age pyramid; the title gives the share of people of 65 or more, now and, where people are projected, ahead."""
    now, ahead = need.years
    years = need.years if need.forward else (now,)
    shares = [old_share(need.people, year) for year in years]
    old = [words.share(share, digits=0) for share in shares]
    columns = ["age", "sex", "people", *(["people_ahead"] if need.forward else [])]
    then = f" now, {old[1]} in {ahead}" if need.forward else ""
    drawn = f"{now} (bars) and {ahead} (outline)" if need.forward else str(now)
    basis = "people of the service area by five-year age group"
    return exhibit(
        "people-by-age",
        report.protect(need.ages[columns], sources=sources(need, PEOPLE)),
        f"People aged {OLD} or more: {old[0]}{then}",
        f"Service area by age and sex, {drawn}",
        sources=sources(need, PEOPLE),
        labels={"people": f"People {now}", "people_ahead": f"People {ahead}"},
        note=projection_note(need),
        claims=[
            given(f"{OLD} or more", OLD, "the age from which the title counts"),
            *(given(text, share, basis) for text, share in zip(old, shares, strict=True)),
        ],
    )


def sources(need: Need, names: Sequence[str]) -> list[str]:
    """The sources of an exhibit, that of the projection only where there is one."""
    return [name for name in names if need.forward or name != PROJECTION]


def sites(report: Report, need: Need) -> Exhibit:
    """Expected cases by tumor site; the title names the site that grows most or, without a projection, the most frequent one."""
    tables, (now, ahead) = sources(need, [*RATES, PROJECTION]), need.years
    shown = report.protect(need.sites[CASES if need.forward else CASES[:4]], sources=tables)
    named = shown[shown["site"] != "All other"] if len(shown) > 1 else shown
    title, claims = _growth(named, ahead) if need.forward else _first(named, now)
    years = {"now": now, "ahead": ahead} if need.forward else {"now": now}
    return exhibit(
        BY_SITE,
        shown,
        title,
        f"Expected new cases a year in the service area by tumor site, {words.listing(map(str, years.values()))}",
        sources=tables,
        labels={
            f"{name}_{part}": f"{year}{said}"
            for name, year in years.items()
            for part, said in (("n", ""), ("low", " low"), ("high", " high"))
        },
        claims=claims,
    )


def _growth(named: pd.DataFrame, ahead: int) -> tuple[str, list[Claim]]:
    more = (named["ahead_n"] - named["now_n"]).set_axis(named["site"])
    if more.max() < 0.5:
        return f"No site grows by {ahead}", []
    first, grown = str(more.idxmax()), f"{words.count(more.max())} more"
    rows = among("site", named["site"])
    return f"{first} grows most: {grown} cases a year by {ahead}", [
        Claim(first, "site", rows, "largest", by="ahead_n - now_n"),
        Claim(grown, "ahead_n - now_n", f"site == {first!r}"),
    ]


def _first(named: pd.DataFrame, now: int) -> tuple[str, list[Claim]]:
    first = named.loc[named["now_n"].idxmax()]
    name, many = str(first["site"]), words.count(first["now_n"])
    return f"{name} is the most frequent: {many} cases a year in {now}", [
        Claim(name, "site", among("site", named["site"]), "largest", by="now_n"),
        Claim(many, "now_n", f"site == {name!r}"),
    ]


def outlook(report: Report, need: Need) -> Exhibit:
    """Table of expected cases by site with their level, growth and trend."""
    now, ahead = need.years
    table = need.outlook.assign(
        now_between=ranges(need.outlook, "now", words.count),
        ahead_between=ranges(need.outlook, "ahead", words.count),
        level=need.outlook["site"].map(heights(need)),
        yearly=_apc(need.outlook),
    )
    later = ["ahead_n", "ahead_between", "growth_share"] if need.forward else []
    columns = ["site", "now_n", "now_between", *later, "level", "yearly", "trend"]
    growth = "growth and national trend" if need.forward else "and national trend"
    return exhibit(
        "need-outlook",
        report.protect(table[columns], sources=RATES),
        f"Expected new cases a year by site with 95 % prediction interval, {growth}",
        sources=RATES,
        labels={"now_n": str(now), "ahead_n": str(ahead)},
        note="Level: the county rates that raise or lower the national ones, by their years; national where no county has a rate. APC:"
        " annual percent change of the national rate; rising or falling when its whole 95 % interval is, else stable. Sites held level"
        " have no national series here; their interval carries that.",
        claims=[LEVEL],
        emphasize="All sites",
        most=14,
        inapplicable=["trend", "level"],
    )


def drivers(report: Report, need: Need) -> Exhibit:
    """Bridge of the growth where people are projected; the title says what aging and rates add or take away, as modeled cases a year."""
    tables, (now, ahead) = ["incidence_by_age", PROJECTION], need.years
    shown = report.protect(need.steps, sources=tables)
    aging, rates = shown.set_index("step")["demand_n"][["Older people", "Rates"]]
    older = f"{'adds' if aging >= 0 else 'takes away'} {words.count(abs(aging))}"
    rated = f"{'add' if rates >= 0 else 'take away'} {words.count(abs(rates))}"
    return exhibit(
        DRIVERS,
        shown,
        f"Aging {older} and rates {rated} cases a year",
        f"Expected new cases a year in the service area, {now} to {ahead}: three terms that add up",
        sources=tables,
        note="Population size at old age structure and rates, then aging, then rates (Bashir and Estève 2001).",
        claims=[Claim(older, "demand_n", "step == 'Older people'"), Claim(rated, "demand_n", "step == 'Rates'")],
    )


def outcomes(report: Report, found: Outcomes) -> Exhibit:
    """Table of mortality, incidence and stage; the note gives the years of each, as they are in the data."""
    tables = ["mortality", "incidence", "stage_by_age"]
    pooled = f"Age-adjusted rates, deaths {found.deaths} and cases {found.cases}, pooled over the market counties that publish both."
    none = "No market county publishes both deaths and cases of a site."
    stage = f"Stage: national rates by age {found.ages} of {found.staged} applied to the area's people, not local stage data."
    return exhibit(
        "mortality-and-stage",
        report.protect(found.table, sources=tables),
        "Mortality beside incidence in the market counties, and expected late-stage cases in the service area",
        sources=tables,
        note=f"{pooled if found.deaths else none} {stage if found.staged else 'Stage at diagnosis is not given.'}",
    )


def mix(report: Report, cases: pd.DataFrame, need: Need) -> Exhibit:
    """Location quotients by tumor site; `cases` are our analytic cases of the year."""
    tables = ["volumes", "incidence_by_age", "population"]
    shown = report.protect(site_mix(cases, need.outlook), sources=tables)
    over, under = (shown["lq_ratio_low"] > 1).sum(), (shown["lq_ratio_high"] < 1).sum()
    above, below = words.plural(over, "site"), f"{words.count(under)} below"
    some = over or under
    return exhibit(
        MIX,
        shown,
        f"{above} above the area's mix, {below}" if some else "Our mix of tumor sites is that of the area",
        f"Location quotient of our analytic cases by tumor site against the area's expected cases, {need.years[0]}",
        sources=tables,
        note="Above 1: we see more of the site than the area's mix suggests.",
        claims=[Claim(above, rows="lq_ratio_low > 1", how="count"), Claim(below, rows="lq_ratio_high < 1", how="count")] if some else [],
    )


def projection_note(need: Need) -> str:
    """What the people rest on, how they are carried forward, and where they cannot be."""
    basis = need.basis
    total = f", at their total of {basis.total}" if basis.total and basis.total != basis.aged else ""
    here = "The area has the age structure of its counties, weighted by the people who live in its ZIPs."
    latest = f"by age and sex ({basis.aged}){total}"
    if not need.forward:
        return f"{sentence(basis.absent)} for this region: people are the counties' latest {latest}. {here}"
    how = f"People are the counties' latest {latest}, carried forward with the growth by age and sex of their {basis.projection}. {here}"
    held = need.people.loc[need.people["status"] != "projected", "county_fips"].nunique()
    where = words.plural(held, "county", "counties")
    return f"There is no population projection for {where}, where people are held at their latest count. {how}" if held else how


def _apc(frame: pd.DataFrame) -> list[str | None]:
    """Annual percent change with its interval as text."""
    rows = zip(frame["apc"], frame["apc_low"], frame["apc_high"], strict=True)
    return [
        None if pd.isna(v) else f"{words.number(v, digits=1)} ({words.number(low, digits=1)} to {words.number(high, digits=1)})"
        for v, low, high in rows
    ]
