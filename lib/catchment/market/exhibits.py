"""What is said about each exhibit of the market page: computed title, what it measures, sources, labels and caveat.

One function per exhibit, in the page's order; each returns the keyword arguments of `report.figure` or `report.table`, so the
notebook holds what is drawn and from which data, and this module holds the words. Every flow is an all-cause stay, which the
caveats repeat beside the exhibits that rest on them.
"""

import pandas as pd

from catchment import words

from .catchment_area import unmatched
from .findings import contiguity, left_out, moran, projection_note, share_title
from .need import old_share

CAUSE = "All-cause Medicare fee-for-service stays."
FLOWS = ["hospital_flows"]
OWNERS = ["hospital_flows", "hospitals"]
NEED = ["incidence_by_age", "incidence", "incidence_us_age_year"]
OUTSIDE = ["high (99.8 %)", "low (99.8 %)"]


def patient_origin(area, name: str, year: int) -> dict:
    """Map of where the hospital's patients live."""
    title = "Patient origin is suppressed in every ZIP"
    if area.origin["share"].notna().any():
        held = area.origin.loc[area.origin["zip"].isin(area.zips), "share"].sum()
        title = (
            f"{words.plural(len(area.zips), 'ZIP')} {'holds' if len(area.zips) == 1 else 'hold'} {words.share(held, digits=0)} of patients"
        )
    return {
        "title": title,
        "subtitle": f"Share of {name}'s Medicare inpatient stays by ZIP of residence, {year}; service area outlined ({area.rule})",
        "sources": ["hospital_flows", "zips", "counties"],
        "labels": {"zip": "ZIP", "stays": "Stays", "share": "Patient origin"},
        "note": f"ZIP areas are Thiessen polygons around ZIP points, clipped to counties: not postal boundaries. {CAUSE}",
    }


def definitions(area, flows: pd.DataFrame, name: str, year: int) -> dict:
    """Table of the accepted service areas; the note counts the flows (of `catchment_area.placed`) that could not be placed."""
    basis = f" {area.basis[:1].upper()}{area.basis[1:]}." if area.basis else ""
    return {
        "caption": f"Service area of {name} under each accepted definition, stays of {year}",
        "sources": ["hospital_flows", "zips"],
        "labels": {
            "zips": "ZIPs", "people": "People (2010)", "origin_share": "Patients held", "market_share": "Our share", "lifo_share": "LIFO",
            "lofi_share": "LOFI", "reached": "Threshold",
        },
        "note": f"{contiguity(area)}{left_out(unmatched(flows))}{basis}"
        " LIFO: residents treated inside / all treated inside. LOFI: residents treated inside / all residents. Both are descriptive only."
        f" {CAUSE}",
    }  # fmt: skip


def zip_list(name: str, first: int, last: int) -> dict:
    """Table of origin and share side by side."""
    return {
        "caption": f"Patient origin and market share by ZIP, {name}, {last}",
        "sources": FLOWS,
        "labels": {
            "zip": "ZIP", "cases_n": "Stays", "origin_share": "Origin", "cum_share": "Cum.", "share": "Our share",
            "between_share": "95 % interval",
            "since_first_share": f"Stays since {first}", "since_last_share": f"Since {last - 1}", "note": "Stands out",
        },
        "note": "Only ZIPs with at least 11 stays. High origin with low share, or the reverse, against our share of all these ZIPs."
        f" {CAUSE}",
    }  # fmt: skip


def zip_shares(top: pd.DataFrame, overall: float, year: int) -> dict:
    """Our share in the ZIPs that send most; the title counts those with less than our share of the area."""
    low = int((top["share_high"] < overall).sum())
    title = (
        f"{words.plural(low, 'ZIP')} of the {words.count(len(top))} largest {'gives' if low == 1 else 'give'} us less than"
        f" {words.share(overall, digits=0)}"
    )
    none = "Shares by ZIP cannot be shown: every ZIP has fewer than 11 published stays. " if top.empty else ""
    return {
        "title": title if low else "No large ZIP gives us less than our share of the area",
        "subtitle": f"Market share with 95 % Wilson interval in the ZIPs that send most patients, {year}",
        "sources": FLOWS,
        "labels": {"cases_n": "Stays"},
        "note": f"{none}{CAUSE} Suppressed flows of others are estimated from their published totals.",
    }


def ages(demand, now: int, ahead: int) -> dict:
    """Age pyramid of `need.Need`; the title compares the shares of people of 65 or more."""
    old = [words.share(old_share(demand.people, year), digits=0) for year in (now, ahead)]
    here = demand.projected["county_fips"].isin(demand.people["county_fips"])
    return {
        "title": f"People aged 65 or more: {old[0]} now, {old[1]} in {ahead}",
        "subtitle": f"Service area by age and sex, {now} (bars) and {ahead} (outline)",
        "sources": ["population", "population_projection", "population_total"],
        "labels": {"people": f"People {now}", "people_ahead": f"People {ahead}"},
        "note": projection_note(demand.projected[here]),
    }


def sites(table: pd.DataFrame, now: int, ahead: int) -> dict:
    """Expected cases by tumor site; the title names the site that grows most."""
    more = (table["ahead_n"] - table["now_n"]).set_axis(table["site"])
    named = more.drop("All other", errors="ignore") if len(more) > 1 else more
    title = f"{named.idxmax()} grows most: {words.count(named.max())} more cases a year by {ahead}"
    return {
        "title": title if named.max() >= 0.5 else f"No site grows by {ahead}",
        "subtitle": f"Expected new cases a year in the service area by tumor site, {now} and {ahead}",
        "sources": [*NEED, "population_projection"],
        "labels": {
            "now_n": str(now), "now_low": f"{now} low", "now_high": f"{now} high", "ahead_n": str(ahead), "ahead_low": f"{ahead} low",
            "ahead_high": f"{ahead} high",
        },
    }  # fmt: skip


def outlook(now: int, ahead: int) -> dict:
    """Table of expected cases by site with growth and trend."""
    return {
        "caption": "Expected new cases a year by site with 95 % prediction interval, growth and national trend",
        "sources": NEED,
        "labels": {
            "now_n": str(now), "now_between": "95 % interval", "ahead_n": str(ahead), "ahead_between": "95 % interval",
            "growth_share": "Growth", "yearly": "APC, % a year",
        },
        "note": "APC: annual percent change of the national rate; rising or falling when its whole 95 % interval is, else stable. Sites"
        " held level"
        " have no national series here; their interval carries that.",
        "inapplicable": ["trend"],
    }  # fmt: skip


def drivers(table: pd.DataFrame, now: int, ahead: int) -> dict:
    """Bridge of the growth; the title says what aging and rates add or take away, as cases that a model expects in a year."""
    sums = table[["aging_n", "rate_n"]].sum()
    aging, rates = ("add" if value >= 0 else "take away" for value in sums)
    older = aging.replace("add", "adds").replace("take", "takes")
    return {
        "title": f"Aging {older} {words.count(abs(sums['aging_n']))} and rates {rates} {words.count(abs(sums['rate_n']))} cases a year",
        "subtitle": f"Expected new cases a year in the service area, {now} to {ahead}: three terms that add up",
        "sources": ["incidence_by_age", "population_projection"],
        "labels": {"expected_n": "Cases a year"},
        "note": "Population size at old age structure and rates, then aging, then rates (Bashir and Estève 2001).",
    }


def outcomes() -> dict:
    """Table of mortality, incidence and stage."""
    return {
        "caption": "Mortality beside incidence in the market counties, and expected late-stage cases in the service area",
        "sources": ["mortality", "incidence", "stage_by_age"],
        "labels": {
            "counties": "Counties", "deaths_100k": "Deaths", "rate_100k": "New cases", "mortality_ratio": "Mortality to incidence",
            "late_n": "Stage III-IV a year", "late_share": "Of staged",
        },
        "note": "Age-adjusted rates, deaths 2014-18 and cases 2013-17, pooled over the market counties that publish both. Stage: national"
        " rates by"
        " age 40-84 of 2006-15 applied to the area's people, not local stage data.",
    }  # fmt: skip


def burden(local: pd.DataFrame, judged) -> dict:
    """Map of observed over expected cases; the title counts the counties above the outer funnel limit."""
    high = local[local["signal"] == OUTSIDE[0]].sort_values("sir", ascending=False)
    title = "No county has more cancer than its age explains"
    if local["sir"].isna().all():
        title = "The burden cannot be judged: no published rates"
    elif len(high):
        over = words.share(high["sir"].iloc[0] - 1, digits=0)
        title = (
            f"{words.plural(len(high), 'county', 'counties')} above what chance allows, {high['county'].iloc[0]} {over} over expectation"
        )
    return {
        "title": title,
        "subtitle": f"Observed over expected new cases, all sites, {judged.period}, smoothed (Poisson-gamma); market counties outlined",
        "sources": ["incidence", "population", "incidence_by_age", "counties"],
        "labels": {
            "sir": "SIR",
            "rate_100k": "Crude rate",
            "rate_eb_100k": "Marshall's rate",
            "cases_n": "Observed",
            "expected_n": "Expected",
        },
        "note": f"Compared with {judged.compared}. Above chance: over the 99.8 % funnel limit. Empirical Bayes: Poisson-gamma for the"
        " ratio,"
        " Marshall for the crude rate.",
    }


def funnel(dots: pd.DataFrame, counties: list[str], period: str) -> dict:
    """Funnel plot; the title counts the market counties outside the outer limits."""
    out = dots["signal"].isin(OUTSIDE)
    mine = dots["county_fips"].isin(counties)
    title = f"{words.count((out & mine).sum())} of {words.count(mine.sum())} market counties lie outside the funnel"
    return {
        "title": title if out.any() else "No county lies outside the funnel",
        "subtitle": f"Standardized incidence ratio by expected cases, all sites, {period}, {words.count(len(dots))} counties; market"
        " counties in blue",
        "sources": ["incidence", "population", "incidence_by_age"],
        "labels": {"cases_n": "Observed", "expected_n": "Expected", "sir": "SIR"},
        "note": "Each county against the nation, not against each other. More counties outside than chance allows means that they differ"
        " in more"
        " than age: screening, smoking, access.",
    }


def clusters(result, period: str, rules) -> dict:
    """Table of counties in clusters, with Moran's I and what it rests on in the note; `result` is a `spatial.Global`."""
    part = words.share(rules.false_discovery_share.value, digits=0)
    return {
        "caption": f"Counties in clusters of high or low incidence, all sites, {period}",
        "sources": ["incidence", "counties"],
        "labels": {"i": "Local Moran", "lisa": "LISA", "z": "Gi* z", "hot_spot": "Gi*"},
        "note": f"{moran(result)} LISA and Gi* at a false discovery rate of {part}; counties of the region are emphasized.",
    }


def share_trend(gained: pd.DataFrame, name: str, first: int, last: int) -> dict:
    """Trend of shares by system."""
    return {
        "title": share_title(gained, name, first),
        "subtitle": f"Share of Medicare stays of service-area residents by system, {first} to {last}",
        "sources": OWNERS,
        "labels": {"bound_low": "Least share", "bound_high": "Most share"},
        "note": f"{CAUSE} Band: 95 % Wilson interval.",
    }


def share_list(first: int, last: int) -> dict:
    """Table of shares by system with what they can be at least and at most."""
    return {
        "caption": f"Share of stays by system in the service area, {last}, and change since {first}",
        "sources": OWNERS,
        "labels": {
            "cases_n": "Stays", "between_share": "95 % interval", "possible_share": "Least to most", "gained_points": f"Since {first}",
            "moved_share": "95 % interval, points",
        },
        "note": f"Wilson intervals; change with Newcombe's interval. {CAUSE}",
    }  # fmt: skip


def concentration(served, name: str, rules) -> dict:
    """Trend of the HHI of `market.Served`; the title gives its class and direction."""
    table, spread = served.hhi, served.spread
    moderate, high = rules.hhi_moderate.value, rules.hhi_high.value
    first, last = table.iloc[0], table.iloc[-1]
    move = "little changed" if abs(last["hhi"] - first["hhi"]) < 50 else "rising" if last["hhi"] > first["hhi"] else "falling"
    return {
        "title": f"The market is {last['market']}: HHI {words.count(last['hhi'])}, {move} since {int(first['year'])}",
        "subtitle": f"Herfindahl-Hirschman index by system, service area of {name}",
        "sources": FLOWS,
        "labels": {"hhi": "HHI", "cr4_share": "Four largest", "competitors": "Effective competitors"},
        "note": f"Classes of the 2023 merger guidelines: {words.count(moderate)} and {words.count(high)}. With suppressed flows drawn from"
        " 1 to 10"
        f" around their estimates, the {int(last['year'])} index lies between {words.count(spread[0])} and {words.count(spread[1])} (95 %"
        " of draws).",
    }


def faced(year: int) -> dict:
    """Table of the concentration that each hospital's patients face."""
    return {
        "caption": f"Concentration that each hospital's patients face, {year}",
        "sources": FLOWS,
        "labels": {"cases_n": "Stays", "hhi": "Patient-flow HHI", "competitors": "Effective competitors"},
        "note": f"Kessler and McClellan: the HHI of each ZIP (by system), weighted by where the hospital's patients live. {CAUSE}",
    }


def mergers(name: str) -> dict:
    """Table of what mergers would do to the HHI."""
    return {
        "caption": f"If {name} merged with one of the largest systems",
        "sources": FLOWS,
        "labels": {"hhi_after": "HHI after", "hhi_delta": "Change of HHI", "joint_share": "Joint share", "presumed": "Harm presumed"},
        "note": "Change of HHI: 2 x share x share. Presumption of the 2023 guidelines: above 1,800 and a change above 100, or a joint"
        " share above"
        " 30 % and a change above 100.",
    }


def shift(terms: pd.DataFrame, name: str, first: int, last: int) -> dict:
    """Bridge of the shift-share; a term of 1 to 10 stays is said as "fewer than 11"."""
    growth, gain = terms[["growth", "gain"]].sum()
    market, ours = words.people(round(abs(growth)), "stay"), words.people(round(abs(gain)), "stay").removesuffix(" stays")
    grown, won = growth >= 0, gain >= 0
    head = f"A larger market brought us {market}" if grown else f"A smaller market cost us {market}"
    tail = f"{'gained' if won else 'lost'} share {'another' if grown == won else 'brought' if won else 'cost'} {ours}"
    return {
        "title": f"{head}, {tail}",
        "subtitle": f"Stays of service-area residents at {name}, {first} to {last}: shift-share (Dunn)",
        "sources": FLOWS,
        "labels": {"stays": "Stays"},
        "note": f"Market growth, mix and share add up to the change exactly. {CAUSE}",
    }


def mix(table: pd.DataFrame, year: int) -> dict:
    """Location quotients by tumor site."""
    over, under = (table["lq_ratio_low"] > 1).sum(), (table["lq_ratio_high"] < 1).sum()
    title = f"{words.plural(over, 'site')} above the area's mix, {words.count(under)} below"
    return {
        "title": title if over or under else "Our mix of tumor sites is that of the area",
        "subtitle": f"Location quotient of our analytic cases by tumor site against the area's expected cases, {year}",
        "sources": ["volumes", "incidence_by_age", "population"],
        "labels": {"cases_n": "Our cases", "mix_share": "Our mix", "area_share": "Area's mix", "lq_ratio": "Location quotient"},
        "note": "Above 1: we see more of the site than the area's mix suggests.",
    }


def kept(table: pd.DataFrame, ours: list[str], first: int, last: int) -> dict:
    """Where residents are treated: the network's part in the last year, and that of tertiary centers."""
    mine, away = (table[table["kind"] == kind].sort_values("year")["share"] for kind in ("Our network", "Tertiary"))
    tail = f", tertiary centers take {words.share(away.iloc[-1], digits=0)}" if len(away) else ""
    title = f"Our network keeps {words.share(mine.iloc[-1], digits=0)} of stays{tail}" if len(mine) else ""
    return {
        "title": title or "Our network treats none of the residents in published flows",
        "subtitle": f"Where service-area residents' Medicare stays are treated, {first} to {last}",
        "sources": OWNERS,
        "note": f"{CAUSE} Our network: {words.listing(ours)}.",
    }


def destinations(out: pd.DataFrame, keep: pd.DataFrame) -> dict:
    """Hospitals that residents leave for; `out` is `market.destinations`, `keep` `market.keeping`."""
    year = int(keep["year"].max())
    away = 1 - keep.loc[(keep["year"] == year) & (keep["kind"] == "Our network"), "share"].sum()
    part = out.loc[out["kind"] == "addressable", "share"].sum()
    title = f"{words.share(away, digits=0)} of stays go elsewhere, {words.share(part, digits=0)} of them addressable"
    return {
        "title": title if len(out) else "No residents leave for other hospitals in the published flows",
        "subtitle": f"Share of the stays that leave our network, by hospital, with 95 % interval, {year}",
        "sources": OWNERS,
        "note": CAUSE,
    }


def reachable(within: pd.DataFrame, name: str, rules) -> dict:
    """Expected cases by travel time; `rules` are the settings of the market section."""
    part = within.loc[within["minutes"] == rules.reach_min.value, "share"].iloc[0]
    return {
        "title": f"{words.share(part, digits=0)} of the area's expected cases live within {words.number(rules.reach_min.value)} minutes",
        "subtitle": f"Expected new cases of the service area by travel time to {name}",
        "sources": ["zips", "incidence_by_age", "population"],
        "note": f"Straight distance x {rules.detour_ratio.value} at {rules.speed_kmh.value:g} km an hour plus {rules.start_min.value:g}"
        " minutes: an"
        " approximation.",
    }


def supply(served: pd.DataFrame, rules) -> dict:
    """Map of beds per expected case."""
    below, low = rules.underserved_ratio.value, int((served["enhanced_ratio"] < rules.underserved_ratio.value).sum())
    part = "half" if below == 0.5 else f"{words.share(below, digits=0)} of"
    zones = words.listing([words.number(float(edge)) for edge in rules.zone_weights])
    return {
        "title": f"{words.plural(low, 'ZIP')} {'has' if low == 1 else 'have'} under {part} the mean supply",
        "subtitle": "Hospital beds per expected cancer case (E2SFCA), ratio to the region's mean",
        "sources": ["hospitals", "partner_hospitals", "zips", "population"],
        "labels": {
            "zip": "ZIP", "expected_n": "Cases a year", "drive_min": "To us", "nearest_min": "To the nearest", "two_step_ratio": "2SFCA",
            "enhanced_ratio": "E2SFCA", "three_step_ratio": "3SFCA", "raam_index": "RAAM cost",
        },
        "note": f"Two-step reach {words.number(rules.reach_min.value)} minutes; zones {zones} minutes. RAAM: travel plus crowding, 1 ="
        " mean, lower is"
        " better.",
    }  # fmt: skip


def underserved() -> dict:
    """Table of underserved ZIPs with people, income and vulnerability."""
    return {
        "caption": "Underserved ZIPs on the map, most expected cases first",
        "sources": ["hospitals", "zips", "county_context"],
        "labels": {
            "zip": "ZIP",
            "population_n": "People (2010)", "demand": "Cases a year", "beds_ratio": "Beds per case", "nearest_min": "Nearest",
            "median_income_usd": "Median income", "svi_rank": "Vulnerability",
        },
        "note": "Vulnerability: rank of the county in the nation, 0 to 1, higher is more vulnerable (2018). Income: median of the county's"
        " individuals, not of its households (2014-18).",
    }  # fmt: skip


def gap(table: pd.DataFrame, year: int, rules) -> dict:
    """Map of observed less expected share."""
    counts = table["verdict"].value_counts()
    under, over = counts.get("under", 0), counts.get("over", 0)
    part = words.share(rules.false_discovery_share.value, digits=0)
    title = f"{words.plural(under, 'ZIP') if under else 'No ZIP'} below the expected share, {words.count(over) if over else 'none'} above"
    return {
        "title": title if under or over else "No ZIP stands out from the share that distance explains",
        "subtitle": f"Market share less the share that the Huff model expects, {year}",
        "sources": ["hospital_flows", "hospitals", "zips"],
        "labels": {"zip": "ZIP"},
        "note": f"Verdicts at a false discovery rate of {part}; [c] where our own stays are suppressed. {CAUSE}",
    }


def white_space() -> dict:
    """Table of the white-space list."""
    return {
        "caption": "White space: addressable new cases a year x feasibility",
        "sources": ["hospital_flows", "incidence_by_age", "zips"],
        "labels": {
            "zip": "ZIP",
            "expected_n": "Cases a year", "range_share": "Our share, 95 %", "expected_share": "Expected", "drive_min": "Drive",
            "scores": "95 % interval", "top_share": "In top ten",
        },
        "note": "Share with 95 % interval and every value that suppressed flows can have. In top ten: part of 1,000 draws of need and"
        " share in which"
        " the ZIP ranks among the first ten.",
    }  # fmt: skip


def huff(found, centroid_km: float) -> dict:
    """Table of both Huff models; `found` is a `reach.Reach`."""
    why = f" Not calibrated: {found.model.note}." if found.model.note else ""
    spreads = f"{words.number(found.plain.dispersion, digits=1)} and {words.number(found.model.dispersion, digits=1)}"
    return {
        "caption": "Huff models, calibrated by maximum likelihood on all hospitals' flows",
        "sources": OWNERS,
        "labels": {"value": "Exponent", "se": "Standard error", "between": "95 % interval"},
        "note": f"Suppressed flows filled with their expectation ({words.count(found.model.imputed_n)} stays); errors scaled by the"
        " dispersion"
        f" ({spreads}). Wide: academic centers, whose exponent is the sum. {words.number(centroid_km)} km are added to each distance.{why}",
    }


def swot() -> dict:
    """Table of strengths, weaknesses, opportunities and threats."""
    return {
        "caption": "Strengths, weaknesses, opportunities and threats that an exhibit shows",
        "sources": ["hospital_flows", "volumes", "incidence_by_age"],
    }
