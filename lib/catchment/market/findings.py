"""What the market page says first: where patients come from, how need grows, who is winning, where the opportunity lies.

Its cards, longer notes and its method are here too. Each finding is computed, with "nothing stands out" among the answers. Shares rest
on all-cause inpatient stays, which the page says beside them. Each links to its exhibit by key; the exhibits say their own words.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from catchment import words
from catchment.data import Counties
from catchment.page.blocks import Finding, Kpi, Measure

from .catchment_area import Catchment
from .exhibits.area import PATIENT_ORIGIN, boundaries
from .exhibits.need import BY_SITE, DRIVERS, projection_note
from .exhibits.reach import GAPS
from .exhibits.served import SHARES
from .exhibits.wording import signed_points
from .need import Need
from .shares import NOTABLE, TERTIARY, Served


def cards(served: Served, need: Need, near: pd.DataFrame, *, first: int, reach: float) -> list[Kpi]:
    """Key figures: our share, new cases, concentration, and who can reach us.

    Parameters
    ----------
    near
        `access.within` of the area.
    first
        The first year of the shares.
    reach
        Minutes within which care counts as reachable.
    """
    total, (now, ahead) = need.total, need.years
    later = f"{words.count(total['ahead_n'])} by {ahead}" if need.forward else "no projection of people"
    mine, hhi = served.mine, served.hhi
    part = near.loc[near["minutes"] == reach, "share"].iloc[0]
    change = words.change(mine["share"], mine["before_share"], first, unit="points")
    index = hhi["hhi"].iloc[-1]
    return [
        Kpi(
            "Share of stays in the service area", words.share(mine["share"]), change,
            f"{words.interval(mine['bound_low'], mine['bound_high'], words.share)}, whatever suppressed flows are", recorded="stays_share",
            measure=Measure("Share of stays", mine["share"], "higher"),
        ),
        Kpi(f"New cancer cases in the area, {now}", words.count(total["now_n"]), later),
        Kpi("Concentration (HHI)", words.count(index), words.change(index, hhi["hhi"].iloc[0], first), hhi["market"].iloc[-1]),
        Kpi(
            f"Expected cases within {words.number(reach)} minutes of us", words.share(part),
            f"{words.share(near['share'].iloc[-1])} within {words.number(near['minutes'].iloc[-1])} minutes",
        ),
    ]  # fmt: skip


def recorded(served: Served, need: Need, seen: float, *, last: int) -> dict[str, tuple]:
    """Numbers under their portfolio-wide names; `seen` are our analytic cases of its year, `last` is the year of the shares."""
    now = need.years[0]
    return {
        "stays_share": (served.mine["share"], "share", str(last)),
        "market_expected_cases": (need.total["now_n"], "cases", str(now)),
        "analytic_cases": (seen, "patients", str(now)),
    }


def origin(area: Catchment, name: str, *, below: int) -> Finding:
    """How few ZIPs most patients come from, and which sends most; `below` is the least count of stays that is published."""
    share = area.origin["share"]
    if share.isna().all():
        gone = f"**Where {name}'s patients come from cannot be said:** every ZIP has fewer than {below} published stays."
        return Finding(f"{gone} The area is its county.", PATIENT_ORIGIN)
    held, first = share[area.origin["zip"].isin(area.zips)].sum(), area.origin["zip"].iloc[0]
    text = (
        f"**{words.share(held, digits=0)} of patients come from {words.plural(len(area.zips), 'ZIP')}.** The ZIP that sends most is"
        f" {first} with"
        f" {words.share(share.iloc[0], digits=0)}."
    )
    tail = f" The threshold is not reached because the other ZIPs have fewer than {below} published stays each." if area.note else ""
    return Finding(text + tail, PATIENT_ORIGIN, size=0.02, certainty=0.95, basis="counted stays")


def growth(need: Need, *, below: int, share: float = float("nan")) -> Finding:
    """Growth of expected cases with its interval, and its largest driver; `share` is our part of the market.

    These are numbers a model expects in a year, not counts of people, and the sentences say so: they may be small.
    """
    row, (now, ahead) = need.total, need.years
    if not need.forward:
        between = words.interval(row["now_low"], row["now_high"])
        text = (
            f"**About {words.count(row['now_n'])} new cancer cases are expected in the service area in {now}** (95 % interval {between})."
        )
        return Finding(f"{text} How many there will be cannot be said: {need.basis.absent} for this region.", BY_SITE)
    names = {"size_n": "the number of people", "aging_n": "aging", "rate_n": "the trend in rates"}
    sums = need.drivers[list(names)].sum()
    main = sums.abs().idxmax()
    does = "adds" if sums[main] > 0 else "takes away"
    driver = (
        f" The largest driver is {names[main]}, which {does} {words.count(abs(sums[main]))} cases a year." if abs(sums[main]) >= 0.5 else ""
    )
    moves = f"{'grow' if row['growth_share'] >= 0 else 'fall'} {words.share(abs(row['growth_share']), digits=0)}"
    text = (
        f"**New cancer cases in the service area {moves} by {ahead}, from about {words.count(row['now_n'])} to "
        f"{words.count(row['ahead_n'])} a year** (95 % interval {words.interval(row['ahead_low'], row['ahead_high'])}).{driver}"
    )
    more = share * (row["ahead_n"] - row["now_n"])
    here = f"{words.people(abs(more), 'case', below=below)} {'more' if more > 0 else 'fewer'}"
    so = f"At our present share of stays that would be {here} a year here by {ahead}." if pd.notna(more) else ""
    sure = not row["ahead_low"] <= row["now_n"] <= row["ahead_high"]
    basis = f"95 % interval {words.interval(row['ahead_low'], row['ahead_high'])}"
    return Finding(
        text,
        DRIVERS,
        size=abs(row["growth_share"]),
        certainty=0.95 if sure else 0.5,
        change=min(1.0, abs(row["growth_share"])),
        cases=abs(more),
        basis=basis,
        since=f"{now} to {ahead}",
        so=so,
    )


def winning(served: Served, name: str, *, since: int, below: int, need: float = float("nan")) -> Finding:
    """Our share and its change, the system that gained most beyond chance, and tertiary centers where they grew.

    `name` is the system that owns the hospital, `need` the area's new cases a year.
    """
    gained, kinds = served.gained, served.kinds
    row = gained[gained["system"] == name].iloc[0]
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    by = "" if verb.startswith("did not") else f" by {words.points(abs(row['gained_points']))}"
    sure = gained[(gained["gained_points_low"] > 0) & (gained["share"] >= NOTABLE)]
    if sure.empty:
        most = "No other system of size gained measurably."
    else:
        best = sure.loc[sure["gained_points"].idxmax()]
        most = "No one gained more." if best["system"] == name else f"{best['system']} gained most, {words.points(best['gained_points'])}."
    away = kinds[(kinds["kind"] == TERTIARY) & (kinds["gained_points_low"] > 0)]
    if len(away):
        most += f" Tertiary centers grew from {words.share(away['before_share'].iloc[0])} to {words.share(away['share'].iloc[0])}."
    text = f"**Our share of stays is {words.share(row['share'])} and {verb}{by} since {since}.** {most}"
    moved, sure = abs(row["gained_points"]), not verb.startswith("did not")
    so = (
        f"Of the area's new cases, {words.points(moved)} are {words.people(moved * need, 'patient', below=below)} a year."
        if sure and pd.notna(need)
        else ""
    )
    basis = (
        "95 % interval"
        f" {words.interval(row['gained_points_low'], row['gained_points_high'], lambda value: f'{signed_points(value)} points')}"
    )
    return Finding(
        text,
        SHARES,
        size=moved,
        certainty=0.95 if sure else 0.5,
        change=min(1.0, moved / max(row["before_share"], 0.01)),
        cases=moved * need,
        basis=basis,
        since=str(since),
        so=so,
        gap=bool(sure and row["gained_points"] < 0),
    )


def rival(short: pd.DataFrame, name: str) -> str:
    """Which system gained most where we fall short; empty when none did beyond chance. `short` is `shares.gains` of those ZIPs."""
    if short.empty:
        return ""
    sure = short[(short["gained_points_low"] > 0) & (short["share"] >= NOTABLE) & (short["system"] != name)]
    if sure.empty:
        return ""
    best = sure.loc[sure["gained_points"].idxmax()]
    return f" There {best['system']} gained {words.points(best['gained_points'])}."


def white_space(ranked: pd.DataFrame, short: pd.DataFrame, name: str, *, below: int, false_discovery: float) -> Finding:
    """How many ZIPs fall measurably short, who gained there, and which place leads the white-space list."""
    if ranked.empty:
        return Finding("**No ZIP falls short of its expected share.** There is no white space that the model can see.", GAPS)
    n, lead = int((ranked["verdict"] == "under").sum()), ranked.iloc[0]
    ten = ranked.head(10)["addressable"].sum()
    head = (
        f"**{words.plural(n, 'ZIP')} {'falls' if n == 1 else 'fall'} measurably short of the expected share.**"
        if n
        else "**No ZIP falls measurably short of the expected share.**"
    )
    text = (
        f"{head}{rival(short, name) if n else ''} {lead['city']} ({lead['zip']}) leads the white-space list, whose first ten places hold"
        " about "
        f"{words.count(ten)} addressable new cases a year."
    )
    so = (
        f"The first place alone would add {words.people(lead['addressable'], 'case', below=below)} a year at the share that its distance"
        " explains."
        if n
        else ""
    )
    return Finding(
        text,
        GAPS,
        certainty=0.95 if n else 0.4,
        cases=ten,
        basis=f"false discoveries held at {words.share(false_discovery, digits=0)}" if n else "no place beyond chance",
        so=so,
        gap=n > 0,
    )


def absent(name: str) -> str:
    """Why there is no page without flows."""
    return (
        f"**No flows between hospitals and ZIPs are on file, so {name}'s service area and shares cannot be drawn.** The table"
        " hospital_flows holds them: catchment import hospital_service_area."
    )


def gaps(
    counties: Counties, zips: pd.DataFrame, frames: Mapping[str, pd.DataFrame], *, region: Iterable[str], home: Iterable[str]
) -> list[str]:
    """What the tables have on one side only, with table and count: county codes of other years, of the settings, of ZIPs, without people.

    Parameters
    ----------
    zips, frames
        Of the page, with codes of the map; `frames` is `need.frames`.
    region, home
        County codes of the settings.
    """
    said = [
        f"{words.plural(len(codes), 'county code', 'county codes')} of the table {table} ({words.listing(codes, most=3)}) "
        f"{'is' if len(codes) == 1 else 'are'} of another year: their people and rates count in the counties that they became."
        for table, codes in counties.carried.items()
    ]
    if absent := counties.missing([*region, *home]):
        became = [f"{code} (now {words.listing(now)})" if (now := counties.became(code)) else code for code in absent]
        many = words.plural(len(absent), "county", "counties")
        said.append(f"The settings name {many} that the table counties lacks: {words.listing(became)}.")
    lost = zips[zips["county_fips"].isin(counties.missing(zips["county_fips"]))]
    if len(lost):
        said.append(f"{_living(lost)} in counties that the table counties lacks, and are on no map: {_codes(lost)}.")
    bare = zips[zips["county_fips"].isin(counties.missing(zips["county_fips"], frames["population"])) & ~zips.index.isin(lost.index)]
    if len(bare):
        said.append(f"{_living(bare)} in counties without people by age in the table population, and expect no cases here: {_codes(bare)}.")
    if unlisted := counties.missing(counties.known & set(home), frames["incidence"]):
        many = words.plural(len(unlisted), "market county", "market counties")
        said.append(f"The table incidence has no row of {many}, which stand at the national level: {words.listing(unlisted)}.")
    return said


def _living(zips: pd.DataFrame) -> str:
    return f"{words.plural(len(zips), 'ZIP')} with {words.count(zips['population_n'].sum())} people {'lies' if len(zips) == 1 else 'lie'}"


def _codes(zips: pd.DataFrame) -> str:
    return words.listing(sorted(zips["county_fips"].unique()), most=5)


def method(need: Need, areas: pd.DataFrame, zips: pd.DataFrame, region: Iterable[str]) -> str:
    """How the page is made, and where its limits are; `areas` is `catchment_area.zip_areas`, `region` holds the county codes."""
    around = len(set(zips["county_fips"]) - set(region))
    ring = f", {words.plural(around, 'county', 'counties')} around the region included" if around else ""
    return METHOD.format(people=projection_note(need), areas=boundaries(areas), ring=ring)


METHOD = """
**Service area.** ZIPs by patients, largest first, until the threshold; the ZIP that crosses it is included, ties by ZIP number. The
contiguous area keeps the largest connected group, adds the adjoining ZIPs that gain most until the threshold holds again, fills
surrounded ZIPs, drops ZIPs that it can do without and flags islands.

**Shares.** Patients of an owner over all patients of the area's residents, with Wilson intervals. A suppressed flow is estimated as the
hospital's published total less its known flows, spread over its suppressed ZIPs; the least and the most a share can be count each at 1
or at the most that its source withholds.

**Need.** National age- and sex-specific rates times projected people, times the county's level (ratio of age-adjusted rates, shrunk by a
Poisson-gamma model), times a damped and capped national trend. Intervals combine Poisson variation with the errors of level, trend and
projection. {people} An age-adjusted rate is never multiplied by a population.

**Burden.** Indirect standardization; Byar's limits from 10 cases, exact below; funnel limits at 95 % and 99.8 %.

**Access.** Two-step floating catchments with zone weights in both steps, demand in expected cases{ring}.

**Opportunity.** Multinomial maximum likelihood on all hospitals' flows, suppressed cells filled by expectation. The expected share is at
the hospital's own average pull, so a gap compares a ZIP with our other ZIPs.

**Limits.** Medicare fee-for-service inpatient stays leave out Medicare Advantage, people under 65 and all outpatient oncology. {areas}
Travel times come from straight distances, beds stand in for oncology capacity.
"""
