"""Sentences of the growth page: what the forecast says, when a limit is hit, what the plan is worth, what to do first.

Each returns a finding for the takeaways or a figure's title. A change counts as a change only when the 80 % prediction interval leaves out
where the program stands today.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from catchment import words
from catchment.page.blocks import Finding, Kpi, Measure

from .exhibits import capacity, volumes
from .exhibits import plan as plans
from .exhibits.wording import NAMES, first_upper, named
from .volumes import Volumes

if TYPE_CHECKING:
    from catchment.params.growth import Growth

PLAN_CARDS = 3
NO_PLAN = "**There is no plan to value yet:** no initiative is entered in this partner's settings. The page shows what happens without one."


def absent(name: str) -> str:
    """Why the page of a partner without volumes ends at its head."""
    return f"No quarterly volume is on record for {name}, so nothing can be forecast or planned."


def young(name: str, seen: Volumes) -> str:
    """Why the page of a partner whose volumes are too young ends at its head."""
    if not len(seen.span):
        return f"No quarter of the volumes of {name} is over yet, so nothing can be forecast or planned."
    if seen.past.empty:
        first, last = (f"{quarter.year} Q{quarter.quarter}" for quarter in (seen.span[0], seen.span[-1]))
        since = f"from {first} to {last}" if first != last else f"for {first} alone"
        return f"The volumes of {name} are on record {since}: no whole calendar year yet that a forecast could be set beside."
    return f"The analytic cases of {name} in {seen.now} are not on record, so nothing can be planned."


def unplanned(rules: "Growth", seen: Volumes) -> str:
    """Why the plan can't be valued; empty when it can. A volume that earns money and isn't known would count as none."""
    if not rules.initiatives:
        return NO_PLAN
    priced = [NAMES[measure] for measure in seen.unknown if measure in rules.economics]
    return f"**The plan can't be valued:** {words.listing(priced)} of {seen.now} are not known." if priced else ""


def missing(rules: "Growth", seen: Volumes, *, leaked_cases: float, referrals: bool) -> list[str]:
    """What the page lacks, and what it does without: a year that is not over, volumes, referrals.

    Parameters
    ----------
    leaked_cases
        Missing when no referral can be followed.
    referrals
        Whether referrals are on record; where they are and can't be followed, their clinicians aren't.
    """
    told = []
    if len(seen.part):
        year, n = seen.part["year"].iloc[0], seen.part["observed_quarters_n"].iloc[0]
        told.append(
            f"**The year {year} is not over in these data:** {words.plural(n, 'quarter', spelled=True)} of it observed, to {seen.through}, "
            f"the rest forecast. What the program does today is said of {seen.now}, its last whole year."
        )
    if seen.unknown:
        names = words.listing([NAMES.get(measure, measure) for measure in seen.unknown])
        told.append(f"**Not known for {seen.now}: {names}.** Not all quarters were delivered, so no plan is made with them.")
    if pd.isna(leaked_cases):
        what = "No referral is on record" if not referrals else "The clinicians behind the referrals are not on record"
        without = [named(item.title) for item in rules.initiatives.values() if item.leaked_share]
        rest = f" Nobody is counted as brought back by {words.listing(without)}." if without else ""
        told.append(f"**{what}, so cases that leave the network are not known.**{rest}")
    return told


def unchanged(seen: Volumes) -> Finding:
    """What happens if nothing changes, by the year that sentences speak of."""
    moving, year = volumes.moves(seen.ahead), seen.later
    if moving.empty:
        return Finding(
            f"**If nothing changes, no volume moves measurably by {year}.** Every 80 % interval still holds {_today(seen)}'s value.",
            volumes.AHEAD,
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
        f"**If nothing changes, {NAMES[row['measure']]} {word} from {words.count(row['now_n'])} "
        f"to {words.count(row['volume_n'])} a year by {year}** "
        f"(80 % interval {words.interval(row['volume_n_low_80'], row['volume_n_high_80'])}){rest}."
    )
    basis = f"80 % prediction interval {words.interval(row['volume_n_low_80'], row['volume_n_high_80'])}"
    size = min(1.0, abs(row["change_share"]))
    ask = "to make room for" if word == "grow" else "to do without"
    so = f"That is {words.count(abs(row['volume_n'] - row['now_n']))} a year {ask}, before any plan."
    return Finding(text, volumes.AHEAD, size=size, certainty=0.8, change=size, basis=basis, since=f"{_today(seen)}, to {year}", so=so)


def _today(seen: Volumes) -> str:
    """What a change is measured from, in words."""
    return "this year" if seen.now == seen.as_of.year else str(seen.now)


def limit(unchanged: pd.DataFrame, planned: pd.DataFrame, *, last: int) -> Finding:
    """The year in which machines and chairs pass their planning limit, without and with the plan, and the staff that is short."""
    there = unchanged[unchanged["available_last"] > 0]
    machine = there["resource"].isin(capacity.MACHINES)
    rooms, staff = there[machine], there[~machine]
    hit, short = rooms.dropna(subset="year_hit").sort_values("year_hit"), staff.dropna(subset="year_hit").sort_values("year_hit")
    if rooms.empty:
        text = "**No machine or chair is on record with what it is used for**"
    elif hit.empty:
        names = words.listing([name.lower() for name in rooms["title"]])
        sooner = planned[planned["resource"].isin(rooms["resource"])].dropna(subset="year_hit").sort_values("year_hit")
        fills = f"; the plan itself would fill the {sooner['title'].iloc[0].lower()} by {sooner['year_hit'].iloc[0]}" if len(sooner) else ""
        text = f"**{first_upper(names)} stay below their planning limit through {last} if nothing changes**{fills}"
    else:
        row = hit.iloc[0]
        most = f" and 100 % in {row['year_over']}" if pd.notna(row["year_over"]) else ""
        full = words.share(row["limit_share"], digits=0)
        text = f"**{row['title']} pass their planning limit ({full} in use) in {row['year_hit']}{most} if nothing changes**"
    people = words.listing(
        [f"{title.lower().removesuffix(' (fte)')} ({year})" for title, year in zip(short["title"], short["year_hit"], strict=True)]
    )
    text += f"; staff short of the benchmark: {people}." if len(short) else "; staffing meets the benchmarks throughout."
    over = (hit["need_last"] / hit["available_last"] - 1).max() if len(hit) else 0.02
    so = f"By {last} the need is {words.share(over, digits=0)} above what is there." if len(hit) else ""
    return Finding(
        text,
        capacity.IN_USE,
        size=min(1.0, float(over)),
        certainty=0.7,
        change=0.5 if len(hit) else 0.1,
        basis="central forecast",
        since=f"now, to {last}",
        so=so,
        gap=len(hit) > 0,
    )


def worth(
    scenarios: pd.DataFrame,
    simulated: dict[str, float],
    *,
    plan: str,
    expected: float,
    better: float,
    without: Sequence[str] = (),
    years: int = 10,
    reason: str = "",
) -> Finding:
    """What the plan is worth over `years`, how sure that is, and what it would be worth without what loses money.

    Or the `reason` why it can't be valued, see `unplanned`.
    """
    if reason:
        return Finding(reason)
    row = scenarios.set_index("scenario").loc[plan]
    low, high = scenarios["npv_usd"].min(), scenarios["npv_usd"].max()
    adds = {True: "is worth", False: "loses"}
    joined, again = (" and", "") if (row["npv_usd"] > 0) == (expected > 0) else (", but", f"{adds[expected > 0]} ")
    text = (
        f"**The full plan {adds[row['npv_usd'] > 0]} {words.money(abs(row['npv_usd']))} in the {row['title'].lower()} scenario"
        f"{joined} {again}{words.money(abs(expected))} weighed over all scenarios** "
        f"({years}-year NPV; scenarios {words.money(low)} to {words.money(high)}). Drawn around the {row['title'].lower()} scenario "
        f"it is positive in {words.share(simulated['positive_share'], digits=0)} of draws"
    )
    text += (
        f"; leaving out {words.listing([named(name) for name in without], most=3)} makes it {words.money(better)}."
        if len(without) and better > row["npv_usd"]
        else "."
    )
    chance = simulated["positive_share"]
    brings = "adds" if row["npv_usd"] > 0 else "costs"
    so = f"Spread over {years} years the plan {brings} about {words.money(abs(row['npv_usd']) / years)} a year."
    return Finding(
        text,
        plans.WORTH,
        certainty=max(chance, 1 - chance),
        usd=abs(row["npv_usd"]) / years,
        basis=f"positive in {words.share(chance, digits=0)} of draws",
        so=so,
        gap=bool(row["npv_usd"] < 0),
    )


def start(ranked: pd.DataFrame, *, years: int = 10, reason: str = "") -> Finding:
    """The initiative to begin with, and how firm its place is; its value is spread over `years`. Nothing where there is a `reason`."""
    if ranked.empty:
        return Finding("**What could be done first is open** until initiatives are entered in the settings, under growth.")
    if reason:
        return Finding("**What could be done first is open** until the plan can be valued.")
    first = ranked.iloc[0]
    firm = (
        "a firm first"
        if first["first_share"] >= 0.8
        else "ahead more often than not"
        if first["first_share"] >= 0.5
        else "though the first places are open"
    )
    often = words.share(first["first_share"], digits=0)
    text = f"**Begin with {named(first['title'])}**: first in {often} of the draws of weights and values, {firm}"
    text += f"; {named(ranked['title'].iloc[1])} comes next." if len(ranked) > 1 else "."
    worth = first["npv_usd"]
    so = f"By itself it {'is worth' if worth > 0 else 'costs'} {words.money(abs(worth))} over {years} years."
    return Finding(
        text,
        plans.PLACES,
        certainty=float(first["first_share"]),
        usd=abs(worth) / years,
        basis=f"first in {words.share(first['first_share'], digits=0)} of weightings",
        so=so,
    )


def cards(
    seen: Volumes,
    unchanged: pd.DataFrame,
    base: pd.Series,
    branches: pd.DataFrame,
    chances: Mapping[str, float],
    valued: pd.DataFrame,
    gaps: pd.DataFrame,
    *,
    reason: str = "",
) -> list[Kpi]:
    """The five key figures: cases, chairs in use next year, worth of the plan, its chance, what is not funded.

    Where the plan can't be valued, for a `reason`, the first two.
    """
    past, now = seen.past.set_index(["measure", "year"])["volume_n"], seen.now
    forecast = seen.ahead.set_index("measure").loc["cases"]
    chance, expected = chances["positive_share"], branches["npv_usd"].iloc[-1]
    cases = past["cases", now]
    found = [
        Kpi(
            f"Analytic cases, {now}",
            words.count(cases),
            words.change(cases, past.get(("cases", now - 1), float("nan")), now - 1),
            f"Forecast {words.count(forecast['volume_n'])} in {forecast['year']}",
            recorded="analytic_cases",
            measure=Measure("Analytic cases", cases),
        ),
        *_chairs(unchanged),
        Kpi(
            f"NPV of the plan, {base['title'].lower()}",
            words.money(base["npv_usd"]),
            f"Over all scenarios {words.money(expected)}",
            status="good" if base["npv_usd"] > 0 else "bad",
            measure=Measure("NPV of the plan", base["npv_usd"], "higher"),
        ),
        Kpi(
            f"Chance of a positive NPV, around {base['title'].lower()}",
            words.share(chance, digits=0),
            goal=words.goal(chance, 0.5, lambda value: words.share(value, digits=0), name="Even chance"),
            status=words.status(chance, 0.5),
        ),
        Kpi(
            "Capital and starting cost not funded",
            words.money(gaps["gap_usd"].sum()),
            f"of {words.money(valued['capital_usd'].sum())} planned",
        ),
    ]
    return found[:-PLAN_CARDS] if reason else found


def _chairs(unchanged: pd.DataFrame) -> list[Kpi]:
    """The card of the infusion chairs in the plan's first year; none where they or their visits aren't known."""
    first = unchanged[unchanged["resource"].eq("chair")].sort_values("year").head(1)
    return [
        Kpi(
            f"Infusion chairs in use, {row['year']}",
            words.share(row["utilization_share"]),
            goal=words.goal(row["utilization_share"], row["limit_share"], words.share, name="Limit", low_is_good=True),
            status=words.status(row["utilization_share"], row["limit_share"], low_is_good=True),
        )
        for row in first.replace(float("inf"), float("nan")).to_dict("records")
    ]


def recorded(
    seen: Volumes,
    earned: pd.DataFrame,
    gaps: pd.DataFrame,
    leaked_n: float,
    compared: pd.DataFrame,
    *,
    years: int,
) -> dict[str, tuple[float, str, str]]:
    """Key numbers under their portfolio-wide names: value, unit, period, see `Report.records`."""
    now = str(seen.now)
    return {
        "analytic_cases": (seen.recent["cases"], "patients", now),
        "infusion_visits": (seen.recent.get("infusion_visits", float("nan")), "visits", now),
        "contribution": (earned["contribution_usd"].sum(), "USD", now),
        "unfunded_usd": (gaps["gap_usd"].sum(), "USD", now),
        "leaked_referrals": (leaked_n, "referrals", f"4 quarters to {seen.as_of:%B %Y}"),
        **{f"plan_npv: {row['title']}": (row["npv_usd"], "USD", f"{years} years") for _, row in compared.iterrows()},
    }


METHOD = """
**Forecasts.** Quarterly series; services follow the working days of a quarter. Seasonal naive, ETS(A,N,A), ETS(A,Ad,A),
SARIMA(0,1,1)(0,1,1)[4] and, for peaks that grow with the volume, ETS(M,Ad,M) compete in a rolling-origin back-test; the least scaled
error wins, the simpler method within 5 %. Intervals are prediction intervals with Student's t, the spread being the larger of the fitted
and the back-tested one; sums over a year are exact, with ETS(M,Ad,M) to the first order; methods within 5 % of the best add their
disagreement. ETS starts from least squares of level, slope and season on the first ten quarters at most, SARIMA from errors of zero;
parameters are the best of a grid and stand under the back-test. Series of fewer than 8 quarters take their mean, series of zeros stay at
zero with the rule of three as upper limit, missing quarters and outliers are filled for fitting. A year in part observed counts what was
observed, and its interval is that of the rest; whole years alone are compared.

**Plan.** Months for volume, ramp, delay and capacity; calendar years for money. Capital at the start of the year in which it is spent,
the rest at its end; t = 0 is the end of the year before the plan's first and isn't discounted. Everything is with the plan less without
it; demand above what chairs and machines can do is turned away in both cases; volume moved from the hub is subtracted. Nominal dollars,
no tax, no terminal value. In JupyterLab the figures on capacity and on the running total come with sliders for every driver; here they
stand at the settings' values.

**Uncertainty.** PERT, triangular and lognormal drivers joined by a Gaussian copula with the stated rank correlations; demand moves all
volumes together within their prediction intervals; an initiative that lacks what it requires doesn't go ahead. Tornado and break-even
move one driver at a time with every initiative of the plan going ahead.

**Limits.** Costs, revenue and ranges marked low confidence are placeholders for the partner's own figures. Effects of initiatives on each
other are seen only through shared capacity. History holds one regime.
"""
