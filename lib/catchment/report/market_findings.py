"""Sentences of the market page: where patients come from, how need grows, who is winning, where the opportunity lies.

Each returns a finding for the takeaways or a figure's title, computed and with "nothing stands out" among the answers. Shares rest on all-cause
inpatient stays, which the page says beside them.
"""

import numpy as np
import pandas as pd

from catchment import words

from .blocks import Finding

NOTABLE = 0.05  # smaller systems' gains are not worth a sentence


def origin(area, name: str, *, exhibit: str = "") -> Finding:
    """How few ZIPs most patients come from, and what rank the hospital has there."""
    if area.origin["share"].isna().all():
        return Finding(
            f"**Where {name}'s patients come from cannot be said:** every ZIP has fewer than 11 published stays. The area is its county.",
            exhibit,
        )
    held = area.origin.loc[area.origin["zip"].isin(area.zips), "share"].sum()
    text = f"**{words.share(held, digits=0)} of patients come from {words.plural(len(area.zips), 'ZIP')}.** The ZIP that sends most is {area.origin['zip'].iloc[0]} with {words.share(area.origin['share'].iloc[0], digits=0)}."
    tail = " The threshold is not reached because the other ZIPs have fewer than 11 published stays each." if area.note else ""
    return Finding(text + tail, exhibit, size=0.02, certainty=0.95, basis="counted stays")


def origin_title(area) -> str:
    """Title of the patient-origin map."""
    if area.origin["share"].isna().all():
        return "Patient origin is suppressed in every ZIP"
    held = area.origin.loc[area.origin["zip"].isin(area.zips), "share"].sum()
    return f"{words.plural(len(area.zips), 'ZIP')} hold {words.share(held, digits=0)} of patients"


def uneven(top: pd.DataFrame, overall: float) -> str:
    """Title of the share-by-ZIP figure: how many large ZIPs give us less than our share of the area."""
    low = int((top["share_high"] < overall).sum())
    if not low:
        return "No large ZIP gives us less than our share of the area"
    return f"{words.plural(low, 'ZIP')} of the {words.count(len(top))} largest give us less than {words.share(overall, digits=0)}"


def projection_note(projected: pd.DataFrame) -> str:
    """How people were carried forward, and where they could not be."""
    held = projected.loc[projected["status"] == "held at latest", "county_fips"].nunique()
    every = projected["county_fips"].nunique()
    how = "Draft projection. The area has the age structure of its counties, weighted by the people who live in its ZIPs."
    if not held:
        return how
    where = "this region" if held == every else words.plural(held, "county", "counties")
    return f"There is no population projection for {where}: people are held at their latest count by age. " + ("" if held == every else how)


def site_title(sites: pd.DataFrame, ahead: int) -> str:
    """Title of the demand figure: the site that grows most."""
    row = (
        sites.loc[(sites["ahead_n"] - sites["now_n"]).idxmax()]
        if len(sites) == 1
        else sites[sites["site"] != "All other"].assign(more=lambda rows: rows["ahead_n"] - rows["now_n"]).nlargest(1, "more").iloc[0]
    )
    return f"{row['site']} grows most: {words.count(row['ahead_n'] - row['now_n'])} more cases a year by {ahead}"


def driver_title(drivers: pd.DataFrame) -> str:
    """Title of the decomposition: what aging and rates add or take away."""
    sums = drivers[["aging_n", "rate_n"]].sum()
    aging, rates = ("add" if value >= 0 else "take away" for value in sums)
    older = aging.replace("add", "adds").replace("take", "takes")
    return f"Aging {older} {words.count(abs(sums['aging_n']))} and rates {rates} {words.count(abs(sums['rate_n']))} cases a year"


def share_title(gained: pd.DataFrame, name: str, since: int) -> str:
    """Title of the share trend."""
    row = gained[gained["system"] == name].iloc[0]
    rank = int((gained["share"] > row["share"]).sum()) + 1
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    return f"Number {rank} with {words.share(row['share'])}; our share {verb} since {since}"


def thin(served: pd.DataFrame, below: float) -> str:
    """Title of the access map."""
    low = served[served["enhanced_ratio"] < below]
    part = "half" if below == 0.5 else f"{words.share(below, digits=0)} of"
    return f"{words.plural(len(low), 'ZIP')} {'has' if len(low) == 1 else 'have'} under {part} the mean supply"


def growth(
    outlook: pd.DataFrame, drivers: pd.DataFrame, *, now: int, ahead: int, share: float = float("nan"), exhibit: str = ""
) -> Finding:
    """Growth of expected cases with its interval, and its largest driver; `share` is our part of the market.

    These are numbers a model expects in a year, not counts of people, and the sentences say so: they may be small.
    """
    row = outlook[outlook["site"] == "All sites"].iloc[0]
    names = {"size_n": "the number of people", "aging_n": "aging", "rate_n": "the trend in rates"}
    sums = drivers[list(names)].sum()
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
    so = (
        f"At our present share of stays that would be {words.people(abs(more), 'case')} {'more' if more > 0 else 'fewer'} a year here by {ahead}."
        if pd.notna(more)
        else ""
    )
    sure = not row["ahead_low"] <= row["now_n"] <= row["ahead_high"]
    basis = f"95 % interval {words.interval(row['ahead_low'], row['ahead_high'])}"
    return Finding(
        text,
        exhibit,
        size=abs(row["growth_share"]),
        certainty=0.95 if sure else 0.5,
        change=min(1.0, abs(row["growth_share"])),
        cases=abs(more),
        basis=basis,
        since=f"{now} to {ahead}",
        so=so,
    )


def winning(gained: pd.DataFrame, kinds: pd.DataFrame, name: str, *, since: int, need: float = float("nan"), exhibit: str = "") -> Finding:
    """Our share and its change, the system that gained most beyond chance, and tertiary centers where they grew (`market.gains` by kind).

    `need` is the area's new cases a year.
    """
    row = gained[gained["system"] == name].iloc[0]
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    by = "" if verb.startswith("did not") else f" by {words.points(abs(row['gained_points']))}"
    sure = gained[(gained["gained_points_low"] > 0) & (gained["share"] >= NOTABLE)]
    if sure.empty:
        most = "No other system of size gained measurably."
    else:
        best = sure.loc[sure["gained_points"].idxmax()]
        most = "No one gained more." if best["system"] == name else f"{best['system']} gained most, {words.points(best['gained_points'])}."
    away = kinds[(kinds["kind"] == "Tertiary") & (kinds["gained_points_low"] > 0)]
    if len(away):
        most += f" Tertiary centers grew from {words.share(away['before_share'].iloc[0])} to {words.share(away['share'].iloc[0])}."
    text = f"**Our share of stays is {words.share(row['share'])} and {verb}{by} since {since}.** {most}"
    moved, sure = abs(row["gained_points"]), not verb.startswith("did not")
    so = (
        f"Of the area's new cases, {words.points(moved)} are {words.people(moved * need, 'patient')} a year."
        if sure and pd.notna(need)
        else ""
    )
    basis = f"95 % interval {words.interval(row['gained_points_low'], row['gained_points_high'], lambda value: f'{signed_points(value)} points')}"
    return Finding(
        text,
        exhibit,
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
    """Which system gained most where we fall short; empty when none did beyond chance. `short` is `market.gains` of those ZIPs."""
    if short.empty:
        return ""
    sure = short[(short["gained_points_low"] > 0) & (short["share"] >= NOTABLE) & (short["system"] != name)]
    if sure.empty:
        return ""
    best = sure.loc[sure["gained_points"].idxmax()]
    return f" There {best['system']} gained {words.points(best['gained_points'])}."


def white_space(ranked: pd.DataFrame, short: pd.DataFrame, name: str, *, exhibit: str = "") -> Finding:
    """How many ZIPs fall measurably short, who gained there, and which place leads the white-space list."""
    if ranked.empty:
        return Finding("**No ZIP falls short of its expected share.** There is no white space that the model can see.", exhibit)
    n, lead = int((ranked["verdict"] == "under").sum()), ranked.iloc[0]
    ten = ranked.head(10)["addressable"].sum()
    head = (
        f"**{words.plural(n, 'ZIP')} {'falls' if n == 1 else 'fall'} measurably short of the expected share.**"
        if n
        else "**No ZIP falls measurably short of the expected share.**"
    )
    text = (
        f"{head}{rival(short, name) if n else ''} {lead['city']} ({lead['zip']}) leads the white-space list, whose first ten places hold about "
        f"{words.count(ten)} addressable new cases a year."
    )
    so = (
        f"The first place alone would add {words.people(lead['addressable'], 'case')} a year at the share that its distance explains."
        if n
        else ""
    )
    return Finding(
        text,
        exhibit,
        certainty=0.95 if n else 0.4,
        cases=ten,
        basis="false discoveries held at 5 %" if n else "no place beyond chance",
        so=so,
        gap=n > 0,
    )


def unusual(judged: pd.DataFrame, names: pd.Series) -> str:
    """Title of the burden map: which of the counties shown lie outside the outer funnel limits."""
    high = judged[judged["signal"] == "high (99.8 %)"].sort_values("sir", ascending=False)
    if judged.empty:
        return "The burden cannot be judged: no published rates"
    if high.empty:
        return "No county has more cancer than its age explains"
    first = names[high["county_fips"].iloc[0]]
    return f"{words.plural(len(high), 'county', 'counties')} above the funnel, {first} {words.share(high['sir'].iloc[0] - 1, digits=0)} over expectation"


def clusters(result) -> str:
    """Moran's I in a sentence, with what it rests on."""
    if np.isnan(result.i):
        return f"Clustering cannot be judged: {result.note}."
    alike = (
        "Neighboring counties are alike"
        if result.p < 0.05 and result.i > result.expected
        else "Neighboring counties are not measurably alike"
    )
    p = "below 0.01" if result.p < 0.01 else words.number(result.p, digits=2)
    alone = f"; without neighbors: {words.count(len(result.islands))}" if result.islands else ""
    return (
        f"{alike}: Moran's I {words.number(result.i, digits=2)}, p {p} ({words.count(result.n)} counties, {result.weights} contiguity, row-standardized, "
        f"{words.count(result.permutations)} permutations, seed {result.seed}{alone})."
    )


def concentration(table: pd.DataFrame) -> str:
    """Title of the HHI figure: the class and the direction since the first year."""
    first, last = table.iloc[0], table.iloc[-1]
    move = "little changed" if abs(last["hhi"] - first["hhi"]) < 50 else "rising" if last["hhi"] > first["hhi"] else "falling"
    return f"The market is {last['market']}: HHI {words.count(last['hhi'])}, {move} since {int(first['year'])}"


def leaving(out: pd.DataFrame, share: float) -> str:
    """Title of the out-migration figure."""
    if out.empty:
        return "No residents leave for other hospitals in the published flows"
    part = out.loc[out["kind"] == "addressable", "share"].sum()
    return f"{words.share(share, digits=0)} of stays go elsewhere, {words.share(part, digits=0)} of them addressable"


def shift(terms: pd.DataFrame) -> str:
    """Title of the shift-share figure; a term of 1 to 10 stays is said as "fewer than 11"."""
    sums = terms[["growth", "gain"]].sum()
    moved = "added" if sums["growth"] >= 0 else "cost us"
    share = "share gained" if sums["gain"] >= 0 else "share lost"
    market, ours = (words.people(round(abs(value)), "stay") for value in sums)
    return f"The market {moved} {market}, {share} {ours}"


def kept(table: pd.DataFrame) -> str:
    """Title of the out-migration trend: the network's part of residents' stays, first and last year."""
    ours = table[table["kind"] == "Our network"].sort_values("year")
    if ours.empty:
        return "Our network treats none of the residents in published flows"
    last = ours.iloc[-1]
    away = table[(table["kind"] == "Tertiary")].sort_values("year")["share"]
    tail = f", tertiary centers take {words.share(away.iloc[-1], digits=0)}" if len(away) else ""
    return f"Our network keeps {words.share(last['share'], digits=0)} of stays{tail}"


def mix_title(mix: pd.DataFrame) -> str:
    """Title of the location-quotient figure."""
    over, under = mix[mix["lq_ratio_low"] > 1], mix[mix["lq_ratio_high"] < 1]
    if over.empty and under.empty:
        return "Our mix of tumor sites is that of the area"
    return f"{words.plural(len(over), 'site')} above the area's mix, {words.count(len(under))} below"


def funnel_title(judged: pd.DataFrame, counties: list[str]) -> str:
    """Title of the funnel plot."""
    mine = judged[judged["county_fips"].isin(counties)]
    out = int(mine["signal"].isin(["high (99.8 %)", "low (99.8 %)"]).sum())
    every = int(judged["signal"].isin(["high (99.8 %)", "low (99.8 %)"]).sum())
    return (
        f"{words.count(out)} of {words.count(len(mine))} market counties lie outside the funnel"
        if every
        else "No county lies outside the funnel"
    )


def at(within: pd.DataFrame, minutes: float) -> float:
    """Share of `access.within` at one travel time."""
    return float(within.loc[within["minutes"] == minutes, "share"].iloc[0])


def latest(table: pd.DataFrame, kind: str) -> float:
    """Share of one kind in the last year of `market.keeping`; 0 when there is none."""
    part = table[(table["year"] == table["year"].max()) & (table["kind"] == kind)]
    return float(part["share"].sum())


def reached(area) -> list[str]:
    """Whether each definition reaches its threshold with the flows that are published."""
    return ["reached" if text == "yes" else "not reached" for text in area.rules["reached"]]


def contiguity(area) -> str:
    """What the contiguity step changed, as a note."""
    role = area.contiguous.zips["role"].value_counts()
    if np.isnan(area.contiguous.share_after):
        return "No contiguous area: no ZIP has published stays."
    parts = [
        words.plural(int(role.get(name, 0)), f"ZIP {what}", f"ZIPs {what}")
        for name, what in (("island", "flagged as island"), ("added", "added to connect"), ("hole", "surrounded and filled"))
        if role.get(name, 0)
    ]
    step = words.listing(parts) if parts else "nothing changed"
    return f"Contiguity step: {words.share(area.contiguous.share_before)} of patients before, {words.share(area.contiguous.share_after)} after ({step})."


def left_out(gone: pd.DataFrame) -> str:
    """What could not be placed, as a note; empty when everything was."""
    rows = gone[gone["rows"] > 0]
    said = [f"{words.plural(int(n), 'flow')} without a known {what}" for what, n in zip(rows["what"], rows["rows"], strict=True)]
    return f" Left out: {words.listing(said)}." if said else ""


def ranges(frame: pd.DataFrame, column: str, fmt) -> list[str | None]:
    """Interval of a column as text, `<column>_low` to `<column>_high`; None where it is not known."""
    pairs = zip(frame[f"{column}_low"], frame[f"{column}_high"], strict=True)
    return [None if pd.isna(low) or pd.isna(high) else words.interval(low, high, fmt) for low, high in pairs]


def signed_points(value: float) -> str:
    """Percentage points with their sign."""
    return words.number(100 * value, digits=1)


def apc(frame: pd.DataFrame) -> list[str | None]:
    """Annual percent change with its interval as text."""
    rows = zip(frame["apc"], frame["apc_low"], frame["apc_high"], strict=True)
    return [
        None if pd.isna(v) else f"{words.number(v, digits=1)} ({words.number(low, digits=1)} to {words.number(high, digits=1)})"
        for v, low, high in rows
    ]


def outlook_table(outlook: pd.DataFrame) -> pd.DataFrame:
    """Sites with their intervals in words, for a table."""
    shown = outlook.assign(
        now_between=ranges(outlook, "now", words.count), ahead_between=ranges(outlook, "ahead", words.count), yearly=apc(outlook)
    )
    return shown[["site", "now_n", "now_between", "ahead_n", "ahead_between", "growth_share", "yearly", "trend"]]


def share_table(gained: pd.DataFrame, *, most: int = 10) -> pd.DataFrame:
    """The largest systems with their intervals in words, for a table; counts stay so that small ones hide what is theirs."""
    top = gained.head(most)
    shown = top.assign(
        between_share=ranges(top, "share", words.share),
        possible_share=ranges(top, "bound", words.share),
        moved_share=ranges(top, "gained_points", signed_points),
    )
    return shown[["system", "cases_n", "share", "between_share", "possible_share", "gained_points", "moved_share"]]


def origin_table(origins: pd.DataFrame) -> pd.DataFrame:
    """ZIPs with the interval of our share in words, for a table."""
    shown = origins.assign(between_share=ranges(origins, "share", words.share))
    return shown[
        ["zip", "city", "cases_n", "origin_share", "cum_share", "share", "between_share", "since_first_share", "since_last_share", "note"]
    ]


def white_table(ranked: pd.DataFrame) -> pd.DataFrame:
    """The white-space list with ranges in words, for a table; a share that rests on our own suppressed stays is a range only."""
    shown = ranked.assign(range_share=ranges(ranked, "share", words.share), scores=ranges(ranked, "score", words.count))
    return shown[
        [
            "zip",
            "city",
            "expected_n",
            "range_share",
            "expected_share",
            "drive_min",
            "addressable",
            "score",
            "scores",
            "top_share",
            "verdict",
        ]
    ]


def huff_table(plain: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Exponents of both models with standard errors and intervals in words."""
    fits = pd.concat([plain.assign(model="Beds and distance"), own.assign(model="Own pull and distance")], ignore_index=True)
    between = ranges(fits.rename(columns={"low": "value_low", "high": "value_high"}), "value", lambda v: words.number(v, digits=2))
    return fits.assign(between=between, se=[words.number(v, digits=3) for v in fits["se"]])[["model", "term", "value", "se", "between"]]


def swot(
    gained: pd.DataFrame, name: str, outlook: pd.DataFrame, mix: pd.DataFrame, ranked: pd.DataFrame, market: str, exhibits: dict[str, str]
) -> pd.DataFrame:
    """Strengths, weaknesses, opportunities and threats that an exhibit on the page shows, and no others: `kind, finding, evidence`."""
    row = gained[gained["system"] == name].iloc[0]
    rank = int((gained["share"] > row["share"]).sum()) + 1
    rows = [
        (
            "Strength" if rank <= 2 else "Weakness",
            f"Share number {rank} in the service area, {words.share(row['share'])}",
            exhibits["share"],
        )
    ]
    if row["gained_points_low"] > 0 or row["gained_points_high"] < 0:
        rows.append(
            (
                "Strength" if row["gained_points"] > 0 else "Weakness",
                f"Share {words.direction(row['gained_points_low'], row['gained_points_high'])} by {words.points(abs(row['gained_points']))}",
                exhibits["share"],
            )
        )
    for kind, part in (("Strength", mix[mix["lq_ratio_low"] > 1]), ("Weakness", mix[mix["lq_ratio_high"] < 1])):
        if len(part):
            rows.append(
                (
                    kind,
                    f"{words.listing(list(part['site']), most=3)}: {'more' if kind == 'Strength' else 'fewer'} cases than the area's mix suggests",
                    exhibits["mix"],
                )
            )
    total = outlook[outlook["site"] == "All sites"].iloc[0]
    if total["growth_share"] > 0:
        rows.append(
            (
                "Opportunity",
                f"{words.count(total['ahead_n'] - total['now_n'])} more new cases a year in the area within the horizon",
                exhibits["need"],
            )
        )
    if len(ranked):
        rows.append(
            (
                "Opportunity",
                f"About {words.count(ranked.head(10)['addressable'].sum())} addressable cases a year in ten places, {ranked['city'].iloc[0]} first",
                exhibits["gap"],
            )
        )
    sure = gained[(gained["gained_points_low"] > 0) & (gained["share"] >= NOTABLE) & (gained["system"] != name)].sort_values(
        "gained_points", ascending=False
    )
    if len(sure):
        rows.append(("Threat", f"{words.listing(list(sure['system']), most=3)} gained share measurably", exhibits["share"]))
    if market == "highly concentrated":
        rows.append(("Threat", "The market is highly concentrated: rivals negotiate from strength", exhibits["hhi"]))
    table = pd.DataFrame(rows, columns=["kind", "finding", "evidence"])
    order = {"Strength": 0, "Weakness": 1, "Opportunity": 2, "Threat": 3}
    return table.sort_values("kind", key=lambda kinds: kinds.map(order), kind="stable", ignore_index=True)


def reachable(within: pd.DataFrame, minutes: float) -> str:
    """Title of the travel-time figure."""
    row = within[within["minutes"] == minutes].iloc[0]
    return f"{words.share(row['share'], digits=0)} of the area's expected cases live within {words.number(minutes)} minutes"


def gap(table: pd.DataFrame) -> str:
    """Title of the observed-against-expected map."""
    counts = table["verdict"].value_counts()
    if not counts.get("under", 0) + counts.get("over", 0):
        return "No ZIP stands out from the share that distance explains"
    return f"{words.plural(counts.get('under', 0), 'ZIP')} below the expected share, {words.count(counts.get('over', 0))} above"


METHOD = """
**Service area.** ZIPs by patients, largest first, until the threshold; the ZIP that crosses it is included, ties by ZIP number. The contiguous area keeps the largest
connected group, adds the adjoining ZIPs that gain most until the threshold holds again, fills surrounded ZIPs and flags islands.

**Shares.** Patients of an owner over all patients of the area's residents, with Wilson intervals. A suppressed flow is estimated as the hospital's published total less
its known flows, spread over its suppressed ZIPs; the least and the most a share can be count each at 1 or at 10.

**Need.** National age- and sex-specific rates times projected people, times the county's level (ratio of age-adjusted rates, shrunk by a Poisson-gamma model), times a damped and
capped national trend. Intervals combine Poisson variation with the errors of level, trend and projection. Counties follow the growth by age and sex of their draft regional
projection, starting from their latest estimated total. An age-adjusted rate is never multiplied by a population.

**Burden.** Indirect standardization; Byar's limits from 10 cases, exact below; funnel limits at 95 % and 99.8 %.

**Access.** Two-step floating catchments with zone weights in both steps, demand in expected cases, a buffer of counties around the region.

**Opportunity.** Multinomial maximum likelihood on all hospitals' flows, suppressed cells filled by expectation. The expected share is at the hospital's own average pull, so a gap
compares a ZIP with our other ZIPs.

**Limits.** Medicare fee-for-service inpatient stays leave out Medicare Advantage, people under 65 and all outpatient oncology. The split over ZIPs is simulated here. ZIP areas are approximations, travel times come from
straight distances, beds stand in for oncology capacity.
"""
