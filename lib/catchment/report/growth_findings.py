"""Sentences of the growth page: what the forecast says, when a limit is hit, what the plan is worth, what to do first.

Each returns a finding for the takeaways or a figure's title. A change counts as a change only when the 80 % prediction interval leaves out
where the program stands today.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from catchment import words

from .blocks import Finding

NAMES = {
    "cases": "analytic cases",
    "medical_patients": "medical oncology patients",
    "radiation_patients": "radiation oncology patients",
    "surgical_patients": "surgical oncology patients",
    "infusion_visits": "infusion visits",
    "fractions": "radiation fractions",
    "surgeries": "cancer operations",
}


def first_upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def moves(outlook: pd.DataFrame) -> pd.DataFrame:
    """Which volumes leave where they stand: the rows whose 80 % interval excludes today's value, largest change first.

    Parameters
    ----------
    outlook
        One row per measure: ``measure, now_n, volume_n, volume_n_low_80, volume_n_high_80``.
    """
    away = outlook[(outlook["now_n"] < outlook["volume_n_low_80"]) | (outlook["now_n"] > outlook["volume_n_high_80"])]
    change = away["volume_n"] / away["now_n"] - 1
    return away.assign(change_share=change).sort_values("change_share", key=np.abs, ascending=False, kind="stable")


def unchanged(outlook: pd.DataFrame, *, year: int, exhibit: str = "") -> Finding:
    """What happens if nothing changes, by the year given."""
    moving = moves(outlook)
    if moving.empty:
        return Finding(
            f"**If nothing changes, no volume moves measurably by {year}.** Every 80 % interval still holds this year's value.",
            exhibit,
            certainty=0.8,
            basis="80 % prediction intervals",
        )
    row = moving.iloc[0]
    word = "grow" if row["change_share"] > 0 else "fall"
    others = [
        f"{NAMES[m]} {'grow' if c > 0 else 'fall'} {words.share(abs(c))}"
        for m, c in zip(moving["measure"], moving["change_share"], strict=True)
    ][1:3]
    rest = f"; {words.listing(others)}" if others else "; no other volume moves measurably"
    text = (
        f"**If nothing changes, {NAMES[row['measure']]} {word} from {words.count(row['now_n'])} to {words.count(row['volume_n'])} a year by {year}** "
        f"(80 % interval {words.interval(row['volume_n_low_80'], row['volume_n_high_80'])}){rest}."
    )
    basis = f"80 % prediction interval {words.interval(row['volume_n_low_80'], row['volume_n_high_80'])}"
    size = min(1.0, abs(row["change_share"]))
    so = f"That is {words.count(abs(row['volume_n'] - row['now_n']))} a year {'to make room for' if word == 'grow' else 'to do without'}, before any plan."
    return Finding(text, exhibit, size=size, certainty=0.8, change=size, basis=basis, since=f"this year, to {year}", so=so)


def fan_title(history: pd.DataFrame, forecast: pd.DataFrame, measure: str, *, year: int) -> str:
    """Title of a fan: how the yearly volume of one measure moves to a year."""
    now = history.loc[history["year"].eq(history["year"].max()), "volume_n"].iloc[0]
    if now == 0:
        return f"No {NAMES[measure]} so far, and none forecast"
    row = forecast[forecast["year"].eq(year)].assign(now_n=now, measure=measure)
    if moves(row).empty:
        return f"{first_upper(NAMES[measure])} don't change measurably by {year}"
    change = row["volume_n"].iloc[0] / now - 1
    return f"{first_upper(NAMES[measure])} {'grow' if change > 0 else 'fall'} {words.share(abs(change), digits=0)} by {year}"


def limit(
    limits: pd.DataFrame, planned: pd.DataFrame, *, last: int, machines: Sequence[str] = ("linac", "chair"), exhibit: str = ""
) -> Finding:
    """The year in which machines and chairs pass their planning limit, without and with the plan, and the staff that is short."""
    there = limits[limits["available_last"] > 0]
    rooms, staff = there[there["resource"].isin(machines)], there[~there["resource"].isin(machines)]
    hit, short = rooms.dropna(subset="year_hit").sort_values("year_hit"), staff.dropna(subset="year_hit").sort_values("year_hit")
    if hit.empty:
        names = words.listing([name.lower() for name in rooms["title"]])
        sooner = planned[planned["resource"].isin(rooms["resource"])].dropna(subset="year_hit").sort_values("year_hit")
        fills = f"; the plan itself would fill the {sooner['title'].iloc[0].lower()} by {sooner['year_hit'].iloc[0]}" if len(sooner) else ""
        text = f"**{first_upper(names)} stay below their planning limit through {last} if nothing changes**{fills}"
    else:
        row = hit.iloc[0]
        most = f" and 100 % in {row['year_over']}" if pd.notna(row["year_over"]) else ""
        text = f"**{row['title']} pass their planning limit ({words.share(row['limit_share'], digits=0)} in use) in {row['year_hit']}{most} if nothing changes**"
    people = words.listing(
        [f"{title.lower().removesuffix(' (fte)')} ({year})" for title, year in zip(short["title"], short["year_hit"], strict=True)]
    )
    text += f"; staff short of the benchmark: {people}." if len(short) else "; staffing meets the benchmarks throughout."
    over = (hit["need_last"] / hit["available_last"] - 1).max() if len(hit) else 0.02
    so = f"By {last} the need is {words.share(over, digits=0)} above what is there." if len(hit) else ""
    return Finding(
        text,
        exhibit,
        size=min(1.0, float(over)),
        certainty=0.7,
        change=0.5 if len(hit) else 0.1,
        basis="central forecast",
        since=f"now, to {last}",
        so=so,
        gap=len(hit) > 0,
    )


def limit_title(limits: pd.DataFrame, *, last: int) -> str:
    """Title of the utilisation figure."""
    hit = limits.dropna(subset="year_hit").sort_values("year_hit")
    if hit.empty:
        return f"No machine or chair reaches its planning limit by {last}"
    return words.listing([f"{row['title']} pass their limit in {row['year_hit']}" for _, row in hit.iterrows()], most=2)


def worth(
    scenarios: pd.DataFrame,
    simulated: dict[str, float],
    *,
    plan: str,
    expected: float,
    better: float,
    without: Sequence[str] = (),
    years: int = 10,
    exhibit: str = "",
) -> Finding:
    """What the plan is worth over `years`, how sure that is, and what it would be worth without what loses money."""
    row = scenarios.set_index("scenario").loc[plan]
    low, high = scenarios["npv_usd"].min(), scenarios["npv_usd"].max()
    text = (
        f"**The full plan {'is worth' if row['npv_usd'] > 0 else 'loses'} {words.money(abs(row['npv_usd']))} in the {row['title'].lower()} scenario** "
        f"(ten-year NPV; scenarios {words.money(low)} to {words.money(high)}, expected {words.money(expected)}), "
        f"positive in {words.share(simulated['positive_share'], digits=0)} of the simulated draws"
    )
    text += (
        f"; leaving out {words.listing([named(name) for name in without], most=3)} makes it {words.money(better)}."
        if len(without) and better > row["npv_usd"]
        else "."
    )
    chance = simulated["positive_share"]
    so = f"Spread over {years} years the plan {'adds' if row['npv_usd'] > 0 else 'costs'} about {words.money(abs(row['npv_usd']) / years)} a year."
    return Finding(
        text,
        exhibit,
        certainty=max(chance, 1 - chance),
        usd=abs(row["npv_usd"]) / years,
        basis=f"positive in {words.share(chance, digits=0)} of draws",
        so=so,
        gap=bool(row["npv_usd"] < 0),
    )


def named(title: str) -> str:
    """An initiative's title inside a sentence."""
    return f"“{title}”"


def start(ranked: pd.DataFrame, *, years: int = 10, exhibit: str = "") -> Finding:
    """The initiative to begin with, and how firm its place is; its value is spread over `years`."""
    first = ranked.iloc[0]
    firm = (
        "a firm first"
        if first["first_share"] >= 0.8
        else "ahead more often than not"
        if first["first_share"] >= 0.5
        else "though the first places are open"
    )
    text = f"**Begin with {named(first['title'])}**: first in {words.share(first['first_share'], digits=0)} of the weightings tried, {firm}"
    text += f"; {named(ranked['title'].iloc[1])} comes next." if len(ranked) > 1 else "."
    worth = first["npv_usd"]
    so = f"By itself it {'is worth' if worth > 0 else 'costs'} {words.money(abs(worth))} over {years} years."
    return Finding(
        text,
        exhibit,
        certainty=float(first["first_share"]),
        usd=abs(worth) / years,
        basis=f"first in {words.share(first['first_share'], digits=0)} of weightings",
        so=so,
    )


def fans_title(ahead: pd.DataFrame, *, year: int) -> str:
    """Title of the small fans: how many volumes leave where they stand."""
    count, moving = int(ahead["now_n"].gt(0).sum()), moves(ahead)
    up = int((moving["change_share"] > 0).sum())
    if moving.empty:
        return f"Not one of {count} volumes changes measurably by {year}"
    parts = [
        f"{words.count(number)} {word}{'s' if number == 1 else ''}" for number, word in ((up, "grow"), (len(moving) - up, "fall")) if number
    ]
    return f"Of {count} volumes, {words.listing(parts)} measurably by {year}"


def test_title(scored: pd.DataFrame) -> str:
    """Title of the back-test: how many series beat last year's quarter."""
    kept = scored[scored["chosen"] & scored["mase"].notna()]
    habit = kept["series"].map(scored[scored["method"].eq("seasonal naive")].set_index("series")["mase"])
    beats = int((kept["mase"] < habit).sum())
    return f"{beats} of {len(kept)} forecasts beat repeating last year's quarter" + ("" if beats == len(kept) else "; the rest repeat it")


def bridge_title(steps: pd.DataFrame, *, what: str, year: int) -> str:
    """Title of a bridge: its largest step."""
    moved = steps[steps["kind"].eq("step")]
    top = moved.loc[moved["value"].abs().idxmax()]
    sign = "+" if top["value"] > 0 else "−"
    return f"Largest step to {year}: {top['driver'].lower()}, {sign}{words.number(abs(top['value']))} {what}"


def tornado_title(swings: pd.DataFrame, titles: pd.Series) -> str:
    """Title of the tornado: the driver that matters most."""
    top = swings.iloc[0]
    return f"{titles[top['driver']]} swings the NPV most: {words.money(top['swing'])}"


def simulation_title(summary: dict[str, float]) -> str:
    """Title of the simulation."""
    return f"NPV is positive in {words.share(summary['positive_share'], digits=0)} of draws; median {words.money(summary['p50'])}"


def site_title(sites: pd.DataFrame, *, year: int) -> str:
    """Title of the cases by site: the site that gains most."""
    shown = sites.dropna(subset=["before_cases_n", "after_cases_n"])
    if shown.empty:
        return "Cases by tumor site are too few to be shown"
    gain = shown["after_cases_n"] - shown["before_cases_n"]
    top = shown.loc[gain.idxmax()]
    return (
        f"{top['site']} gains most by {year}: {words.number(gain.max())} cases a year"
        if gain.max() >= 1
        else f"No tumor site gains cases by {year}"
    )


def scenario_title(scenarios: pd.DataFrame) -> str:
    """Title of the scenarios compared."""
    positive = scenarios.loc[scenarios["npv_usd"] > 0, "title"].str.lower().tolist()
    if len(positive) == len(scenarios):
        return "The plan earns its cost of capital in every scenario"
    return (
        f"The plan earns its cost of capital only in the {words.listing(positive)} scenario{'s' if len(positive) > 1 else ''}"
        if positive
        else "The plan earns its cost of capital in no scenario"
    )


def accented(rooms: pd.DataFrame) -> str:
    """The line that comes closest to its limit when nothing changes."""
    still = rooms[rooms["line"].str.endswith("nothing changes")]
    return str(still.loc[(still["utilisation_share"] - still["limit_share"]).idxmax(), "line"])


def wait_title(waits: pd.DataFrame) -> str:
    """Title of the waits: the first and the last year that still settle."""
    still = waits[waits["line"].eq("Nothing changes")].dropna(subset="wait_min")
    if still.empty:
        return "There are fewer chairs than patients: waits never settle"
    first, last = still.iloc[0], still.iloc[-1]
    never = {line: rows.loc[rows["wait_min"].isna(), "year"].min() for line, rows in waits.groupby("line")}
    if pd.notna(never["Nothing changes"]):
        return f"Waits for a chair grow until they never settle, from {never['Nothing changes']}"
    end = f", but with the plan never settle from {never['With the plan']}" if pd.notna(never.get("With the plan", np.nan)) else ""
    if abs(last["wait_min"] - first["wait_min"]) < 1:
        return f"Waits for a chair stay near {words.number(first['wait_min'])} minutes{end}"
    return f"Waits for a chair go from {words.number(first['wait_min'])} to {words.number(last['wait_min'])} minutes by {last['year']}{end}"


def payback_title(scenario: pd.Series) -> str:
    """Title of the running total."""
    plain, discounted = scenario["payback_years"], scenario["discounted_payback_years"]
    if pd.isna(plain):
        return "The plan doesn't pay back within the horizon"
    if pd.isna(discounted):
        return f"The plan pays back in {words.number(plain, digits=1)} years, but not once discounted"
    return f"The plan pays back in {words.number(plain, digits=1)} years, {words.number(discounted, digits=1)} discounted"


def return_note(scenario: pd.Series, dated: dict[str, float]) -> str:
    """Note under the pro forma: rates of return, or why there's none, and the same on actual dates."""
    exact = f"With capital on each start day (XNPV, act/365) the NPV is {words.money(dated['xnpv_usd'])}"
    exact += f" and the rate {words.share(dated['xirr_share'])}." if pd.notna(dated["xirr_share"]) else "."
    if scenario["sign_changes"] > 1:
        rate = f"Net cash changes sign {int(scenario['sign_changes'])} times, so no single IRR exists"
    else:
        rate = f"IRR {words.share(scenario['irr_share'])}" if pd.notna(scenario["irr_share"]) else "No IRR: the cash never turns positive"
    return f"{rate}; MIRR {words.share(scenario['mirr_share'])}. Amounts in nominal US dollars; the columns add to the net cash. {exact}"


def spread_note(summary: dict[str, float]) -> str:
    """Note under the simulation: its percentiles."""
    return f"P10 {words.money(summary['p10'])}, P50 {words.money(summary['p50'])}, P90 {words.money(summary['p90'])}, mean {words.money(summary['mean'])}; the half percent beyond each end is counted in the last bar."


def grid_title(grid: pd.DataFrame) -> str:
    """Title of the two-way table: how much of it loses money."""
    losing = int((grid["npv_usd"] < 0).sum())
    if losing in (0, len(grid)):
        return f"NPV is {'positive' if losing == 0 else 'negative'} in all {len(grid)} combinations of the top two drivers"
    return f"NPV is negative in {losing} of {len(grid)} combinations of the top two drivers"


def breach_title(breaches: pd.DataFrame) -> str:
    """Title of the chance that a limit is passed: the worst resource in its last year."""
    if breaches.empty:
        return "No machine or chair is at the partner"
    last = breaches[breaches["year"].eq(breaches["year"].max())]
    top = last.loc[last["breach_share"].idxmax()]
    return f"{top['title']}: {words.share(top['breach_share'], digits=0)} chance of passing the limit by {top['year']}"


def road_title(road: pd.DataFrame) -> str:
    """Title of the roadmap: what starts first and what is late."""
    late = int(road["late"].sum())
    first = road[road["phase"].eq("pilot")].sort_values("start", kind="stable").iloc[0]
    behind = f"; {words.plural(late, 'assessment')} should have begun already" if late else ""
    return f"{first['title']} starts first, in {first['start']:%B %Y}{behind}"


def rank_title(ranked: pd.DataFrame) -> str:
    """Title of the ranking."""
    apart = len(ranked) > 1 and ranked["rank_high"].iloc[0] < ranked["rank_low"].iloc[1]
    name = ranked["title"].iloc[0]
    return f"{named(name)} comes first, clear of the rest" if apart else f"{named(name)} comes first, but not surely"


METHOD = """
**Forecasts.** Quarterly series; services follow the working days of a quarter. Seasonal naive, ETS(A,N,A), ETS(A,Ad,A) and SARIMA(0,1,1)(0,1,1)[4] compete in a
rolling-origin back-test; the least scaled error wins, the simpler method within 5 %. Intervals are prediction intervals with Student's t, the spread being the
larger of the fitted and the back-tested one; sums over a year are exact; methods within 5 % of the best add their disagreement. Short series, zeros, missing quarters and outliers take the stated fallbacks.

**Plan.** Months for volume, ramp, delay and capacity; calendar years for money. Capital at the start of the year in which it is spent, the rest at its end; t = 0 is the
day the data end and isn't discounted. Everything is with the plan less without it; demand above what chairs and machines can do is turned away in both cases; volume moved from
the hub is subtracted. Nominal dollars, no tax, no terminal value.

**Uncertainty.** PERT, triangular and lognormal drivers joined by a Gaussian copula with the stated rank correlations; demand moves all volumes together within their prediction
intervals; an initiative that lacks what it requires doesn't go ahead. Tornado and break-even move one driver at a time with every initiative going ahead.

**Limits.** Costs, revenue and ranges marked low confidence are placeholders for the partner's own figures. Effects of initiatives on each other are seen only through shared
capacity. History holds one regime.
"""
