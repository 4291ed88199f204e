"""Sentences of the market page: where patients come from, how need grows, who is winning, where the opportunity lies.

Each returns a finding for the takeaways or a figure's title, computed and with "nothing stands out" among the answers. Shares rest on all-cause
inpatient stays, which the page says beside them.
"""

import numpy as np
import pandas as pd

from catchment import words

from .blocks import Finding


def origin(area, name: str, *, exhibit: str = "") -> Finding:
    """How few ZIPs most patients come from, and what rank the hospital has there."""
    held = area.contiguous.share_after if area.rule.startswith("Contiguous") else area.origin.loc[area.origin["zip"].isin(area.zips), "share"].sum()
    if np.isnan(held):
        return Finding(f"**Where {name}'s patients come from cannot be said:** every ZIP has fewer than 11 published stays.", exhibit)
    text = f"**{words.share(held, digits=0)} of patients come from {words.plural(len(area.zips), 'ZIP')}.** The ZIP that sends most is {area.origin['zip'].iloc[0]} with {words.share(area.origin['share'].iloc[0], digits=0)}."
    tail = " The threshold is not reached because the other ZIPs have fewer than 11 published stays each." if area.note else ""
    return Finding(text + tail, exhibit, size=0.5, certainty=0.9)


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


def site_title(sites: pd.DataFrame, ahead: int) -> str:
    """Title of the demand figure: the site that grows most."""
    row = sites.loc[(sites["ahead_n"] - sites["now_n"]).idxmax()] if len(sites) == 1 else sites[sites["site"] != "All other"].assign(more=lambda rows: rows["ahead_n"] - rows["now_n"]).nlargest(1, "more").iloc[0]
    return f"{row['site']} grows most: {words.count(row['ahead_n'] - row['now_n'])} more cases a year by {ahead}"


def driver_title(drivers: pd.DataFrame) -> str:
    """Title of the decomposition: the share of ageing in the change."""
    sums = drivers[["size_n", "aging_n", "rate_n", "change_n"]].sum()
    verb = "add" if sums["rate_n"] >= 0 else "take away"
    return f"Ageing adds {words.count(sums['aging_n'])} cases, rates {verb} {words.count(abs(sums['rate_n']))}"


def span_title(ratios: pd.DataFrame) -> str:
    """Title of the ratio figure: how many counties differ from expectation."""
    above, below = int((ratios["sir_low"] > 1).sum()), int((ratios["sir_high"] < 1).sum())
    return f"{words.plural(above, 'county', 'counties')} above expectation, {words.count(below)} below, of {words.count(len(ratios))}"


def share_title(gained: pd.DataFrame, name: str, since: int) -> str:
    """Title of the share trend."""
    row = gained[gained["system"] == name].iloc[0]
    rank = int((gained["share"] > row["share"]).sum()) + 1
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    return f"Ours is share number {rank} at {words.share(row['share'])}; it {verb} since {since}"


def thin(served: pd.DataFrame, below: float) -> str:
    """Title of the access map."""
    low = served[served["enhanced_ratio"] < below]
    return f"{words.plural(len(low), 'ZIP')} with {words.share(low['expected_n'].sum() / served['expected_n'].sum(), digits=0)} of cases have under half the mean supply" if below == 0.5 else f"{words.plural(len(low), 'ZIP')} have less than {words.number(below, digits=1)} of the mean supply"


def growth(outlook: pd.DataFrame, drivers: pd.DataFrame, *, now: int, ahead: int, exhibit: str = "") -> Finding:
    """Growth of expected cases with its interval, and its largest driver."""
    row = outlook[outlook["site"] == "All sites"].iloc[0]
    sums = drivers[["size_n", "aging_n", "rate_n"]].sum().rename({"size_n": "more people", "aging_n": "older people", "rate_n": "changing rates"})
    main = sums.abs().idxmax()
    text = (
        f"**New cancer cases in the service area grow {words.share(row['growth_share'], digits=0)} by {ahead}, from about {words.count(row['now_n'])} to "
        f"{words.count(row['ahead_n'])} a year** (95 % interval {words.interval(row['ahead_low'], row['ahead_high'])}). "
        f"The largest driver is {main}: {words.count(abs(sums[main]))} cases."
    )
    return Finding(text, exhibit, size=min(1.0, abs(row["growth_share"]) * 3), certainty=0.7, change=0.5)


def winning(gained: pd.DataFrame, name: str, *, since: int, exhibit: str = "") -> Finding:
    """Our share and its change, and the system that gained most."""
    ours = gained[gained["system"] == name]
    best = gained.loc[gained["gained_points"].idxmax()]
    if ours.empty:
        return Finding(f"**{name} has no published stays in this market.**", exhibit)
    row = ours.iloc[0]
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    by = "" if verb.startswith("did not") else f" by {words.points(abs(row['gained_points']))}"
    most = "We gained most." if best["system"] == name else f"{best['system']} gained most, {words.points(best['gained_points'])}."
    text = f"**Our share of stays is {words.share(row['share'])} and {verb}{by} since {since}.** {most}"
    return Finding(text, exhibit, size=min(1.0, abs(row["gained_points"]) * 20), certainty=0.9, change=1.0)


def white_space(ranked: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """How many ZIPs fall measurably short, and which lead the white-space list."""
    if ranked.empty:
        return Finding("**No ZIP falls short of its expected share.** There is no white space that the model can see.", exhibit)
    short = ranked[ranked["verdict"] == "under"]
    lead = ranked.iloc[0]
    ten = ranked.head(10)["addressable"].sum()
    head = f"**{words.plural(len(short), 'ZIP')} {'falls' if len(short) == 1 else 'fall'} measurably short of the expected share**" if len(short) else "**No ZIP falls measurably short of the expected share**"
    text = f"{head}; {lead['city']} ({lead['zip']}) leads the white-space list. Its first ten places hold about {words.count(ten)} addressable new cases a year."
    return Finding(text, exhibit, size=min(1.0, ten / 100), certainty=0.8 if len(short) else 0.4, change=0.3)


def unusual(judged: pd.DataFrame, names: pd.Series) -> str:
    """Title of the burden map: which of the counties shown lie outside the outer funnel limits."""
    high = judged[judged["signal"] == "high (99.8 %)"].sort_values("sir", ascending=False)
    if judged.empty:
        return "The burden cannot be judged: no published rates"
    if high.empty:
        return "No county has more cancer than its age explains"
    first = names[high["county_fips"].iloc[0]]
    return f"{words.plural(len(high), 'county', 'counties')} above the funnel, {first} highest at {words.share(high['sir'].iloc[0] - 1, digits=0)}"


def clusters(result, found: pd.DataFrame) -> str:
    """One sentence on Moran's I and the local clusters."""
    if np.isnan(result.i):
        return f"Spatial clustering cannot be judged: {result.note}."
    said = "cluster on the map" if result.p < 0.05 and result.i > result.expected else "do not cluster measurably"
    hot = int((found["cluster"] == "high-high").sum())
    return f"High and low counties {said} (Moran's I {words.number(result.i, digits=2)}, p {'below 0.01' if result.p < 0.01 else words.number(result.p, digits=2)}); {words.plural(hot, 'county', 'counties')} in high clusters."


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


def shift(terms: pd.DataFrame, name: str) -> str:
    """Title of the shift-share figure."""
    sums = terms[["growth", "mix", "gain", "change"]].sum()
    verb = "gain" if sums["gain"] >= 0 else "loss"
    return f"A share {verb} of {words.count(abs(sums['gain']))} stays, in a market that moved ours by {words.count(sums['growth'])}"


def reachable(within: pd.DataFrame, minutes: float) -> str:
    """Title of the travel-time figure."""
    row = within[within["minutes"] == minutes].iloc[0]
    return f"{words.share(row['share'], digits=0)} of the area's expected cases live within {words.number(minutes)} minutes"


def gap(table: pd.DataFrame) -> str:
    """Title of the observed-against-expected map."""
    counts = table["verdict"].value_counts()
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
