"""What the growth page says about each exhibit: its title, subtitle, sources, headings and note.

One function per exhibit; each returns keyword arguments of `Report.figure` or `Report.table`. ``us`` is the hospital's name, ``year`` the
year that a title speaks of. A volume counts as moved only where `growth_findings.moves` says so.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from catchment import words

from .findings import NAMES, first_upper, moves, named
from .tables import LABELS, outlook_labels, repairs

if TYPE_CHECKING:
    from catchment.params.growth import Driver

    from .initiatives import Plan

Said = dict[str, Any]
VOLUMES, PLAN = ["volumes"], ["volumes", "referrals"]
DEMAND = ["volumes", "population", "population_projection", "incidence_by_age", "incidence_us_by_year", "hospital_flows"]


def _figure(title: str, subtitle: str, sources: Sequence[str], labels: Mapping[str, str] = LABELS, note: str | None = None) -> Said:
    return {"title": title, "subtitle": subtitle, "sources": list(sources), "labels": dict(labels), "note": note}


def _table(
    caption: str, sources: Sequence[str], labels: Mapping[str, str] = LABELS, note: str | None = None, emphasize: str | None = None,
    inapplicable: Sequence[str] = (),
) -> Said:  # fmt: skip
    return {
        "caption": caption,
        "sources": list(sources),
        "labels": dict(labels),
        "note": note,
        "emphasize": emphasize,
        "inapplicable": inapplicable,
    }


def volumes(us: str, ahead: pd.DataFrame, *, now: int, year: int, last: int) -> Said:
    """Small fans of all services: how many volumes leave where they stand (``ahead`` as for `moves`, cases left out)."""
    count, moving = int(ahead["now_n"].gt(0).sum()), moves(ahead)
    up = int((moving["change_share"] > 0).sum())
    parts = [
        f"{words.count(number)} {word}{'s' if number == 1 else ''}" for number, word in ((up, "grow"), (len(moving) - up, "fall")) if number
    ]
    title = f"Of {count} volumes, {words.listing(parts)} measurably by {year}"
    if not parts:
        title = f"Not one of {count} volumes changes measurably by {year}"
    return _figure(title, f"Volumes a year, {us}, observed to {now} and forecast to {last}, each on its own scale", VOLUMES)


def outlook(us: str, shown: pd.DataFrame, wanted: Sequence[int], cleaned: pd.DataFrame) -> Said:
    """Table of the yearly volumes; the note says what they imply per patient and what was done to the data before fitting."""
    caption = f"Yearly volumes if nothing changes, with 80 % prediction intervals, {us}"
    return _table(caption, VOLUMES, outlook_labels(wanted), f"{_implied(shown, wanted)}{repairs(cleaned)}")


def _implied(shown: pd.DataFrame, wanted: Sequence[int]) -> str:
    """Services per patient that the separate forecasts imply: where that leaves the plausible, one of the two is wrong."""
    rows, said = shown.set_index("measure"), []
    for service, patients, what in (
        ("fractions", "radiation_patients", "fractions per radiation patient"),
        ("infusion_visits", "medical_patients", "infusion visits per medical patient"),
    ):
        years = [f"{year}_n" for year in (wanted[0], *wanted[-2:])]
        each = rows.loc[first_upper(NAMES[service]), years].astype(float) / rows.loc[first_upper(NAMES[patients]), years].astype(float)
        if np.isfinite(each).all():
            parts = [f"{words.number(value, digits=1)} in {year[:4]}" for value, year in zip(each, years, strict=True)]
            said.append(f"{what} {words.listing(parts)}")
    return f"Each volume is forecast by itself; together they imply {'; '.join(said)}. " if said else ""


def backtest(scored: pd.DataFrame, years: pd.DataFrame) -> Said:
    """Table of the back-test: how many series beat last year's quarter; the note pools the coverage and gives the fitted parameters."""
    kept = scored[scored["chosen"] & scored["mase"].notna()]
    habit = kept["series"].map(scored[scored["method"].eq("seasonal naive")].set_index("series")["mase"])
    beats = int((kept["mase"] < habit).sum())
    rest = "" if beats == len(kept) else "; the rest repeat it"
    caption = f"{beats} of {len(kept)} forecasts beat repeating last year's quarter{rest}: back-test of the chosen methods"
    fitted = years[years["parameters"].ne("")].groupby("measure", sort=False)["parameters"].first()
    parameters = "; ".join(f"{NAMES[measure]} {text}" for measure, text in fitted.items())
    note = f"Errors in units per quarter. Quarters with a detected outlier aren't scored. {_held(kept)}"
    return _table(caption, VOLUMES, note=note + (f" Fitted: {parameters}." if parameters else ""))


def _held(kept: pd.DataFrame) -> str:
    """Coverage of all series' intervals together; single series have too few values to be judged."""
    if kept.empty:
        return "No series is long enough to be tested."
    each = {level: np.average(kept[f"coverage_{level}_share"], weights=kept["forecasts"]) for level in (80, 95)}
    held = f"the 80 % intervals held {words.share(each[80], digits=0)} and the 95 % ones {words.share(each[95], digits=0)}"
    return f"Together {held} of {words.count(kept['forecasts'].sum())} values."


def sites(us: str, shown: pd.DataFrame, scored: pd.DataFrame, *, now: int, year: int, last: int) -> Said:
    """Cases by tumor site: the site that gains most among those that may be shown."""
    seen = shown.dropna(subset=["before_cases_n", "after_cases_n"])
    gain = seen["after_cases_n"] - seen["before_cases_n"]
    named_sites = gain[seen["site"].ne("All other")]
    gain = named_sites if len(named_sites) else gain
    if seen.empty:
        title = "Cases by tumor site are too few to be shown"
    elif gain.max() < 1:
        title = f"No tumor site gains cases by {year}"
    else:
        title = f"{seen.loc[gain.idxmax(), 'site']} gains most by {year}: {words.number(gain.max())} cases a year"
    subtitle = f"Analytic cases a year by tumor site, {us}, {now} and forecast {year}"
    labels = {"site": "Tumor site", "before_cases_n": f"Cases {now}", "after_cases_n": f"Forecast {year}"}
    labels |= {"last_cases_n": f"Forecast {last}"}
    note = "Site forecasts are scaled to add up to the forecast of all cases. Back-tested before that: "
    return _figure(title, subtitle, VOLUMES, labels, note + _held(scored[scored["chosen"] & scored["mase"].notna()]).lower())


def bridge(us: str, steps: pd.DataFrame, measure: str, *, now: int, last: int) -> Said:
    """The bridge of one measure: its largest step."""
    what, unit = {"cases": ("cases", "Cases")}.get(measure, (NAMES[measure], "Visits"))
    moved = steps[steps["kind"].eq("step")]
    top = moved.loc[moved["value"].abs().idxmax()]
    sign = "+" if top["value"] > 0 else "−"
    title = f"Largest step to {last}: {top['driver'].lower()}, {sign}{words.number(abs(top['value']))} {what}"
    subtitle = f"{first_upper(NAMES[measure])} a year, {us}, {now} to {last}, by driver"
    return _figure(title, subtitle, DEMAND, {"driver": "Driver", "volume_n": f"{unit} a year"})


def initiatives(us: str, plan: "Plan", leaked_cases: float) -> Said:
    """Table of the initiatives as planned."""
    note = f"NPV on top of what an initiative requires, at {words.share(plan.rate)} a year."
    note += f" Leaked cases that could return: {words.count(leaked_cases)} a year. [z]: it never pays back, or adds no case."
    return _table(f"Initiatives as planned, {us}", PLAN, note=note, inapplicable=["payback_years", "even_n", "break_even_share"])


def scenarios(us: str, compared: pd.DataFrame, *, now: int, years: int) -> Said:
    """Scenarios side by side: in which the plan earns its cost of capital."""
    positive = compared.loc[compared["npv_usd"] > 0, "title"].str.lower().tolist()
    where = f"only in the {words.listing(positive)} scenario{'s' if len(positive) > 1 else ''}" if positive else "in no scenario"
    where = "in every scenario" if len(positive) == len(compared) else where
    subtitle = f"Net present value of the plan over {years} years by scenario, {us}, t = 0 at the end of {now}"
    return _figure(f"The plan earns its cost of capital {where}", subtitle, PLAN)


def tree() -> Said:
    """Table of the scenario tree."""
    return _table("Scenario tree: the ends, their chances and the expected value", VOLUMES, emphasize="Expected value")


def rooms(us: str, limits: pd.DataFrame, planned: pd.DataFrame, *, last: int) -> Said:
    """Use of machines and chairs: when each passes its limit, without and with the plan."""
    hit, filled = (table.dropna(subset="year_hit").sort_values("year_hit") for table in (limits, planned))
    with_it = filled.set_index("title")["year_hit"]
    ends = [with_it.get(title, f"not by {last}") for title in hit["title"]]
    passed = [
        f"{title.lower()} in {year} ({end} with the plan)" for title, year, end in zip(hit["title"], hit["year_hit"], ends, strict=True)
    ]
    title = f"Limits are passed: {words.listing(passed, most=2)}" if passed else f"No machine or chair reaches its planning limit by {last}"
    if len(with_it) and not passed:
        first = f"With the plan, {with_it.index[0].lower()} pass their limit in {with_it.iloc[0]}"
        title = f"{first}; without it none does by {last}"
    return _figure(title, f"Share of machine and chair time in use, {us}, with and without the plan", VOLUMES)


def limits(last: int) -> Said:
    """Table of the years in which resources run short."""
    labels = LABELS | {"need_last": f"Needed in {last}", "available_last": f"There in {last}"}
    return _table(
        "When each resource passes its planning limit",
        VOLUMES,
        labels,
        f"Staff is counted against the assumptions' benchmarks. Never: not by {last}.",
    )


def waits(us: str, waiting: pd.DataFrame) -> Said:
    """Waits for a chair: the first and the last year that still settle."""
    note = (
        "Erlang-C with the Allen-Cunneen correction for booked arrivals; no value where demand exceeds the chairs: "
        "the wait would grow without end. "
        "Booked schedules turn such waits into later appointments."
    )
    return _figure(_wait_title(waiting), f"Mean wait for a free infusion chair, {us}, minutes", VOLUMES, note=note)


def _wait_title(waiting: pd.DataFrame) -> str:
    still = waiting[waiting["line"].eq("Nothing changes")].dropna(subset="wait_min")
    if still.empty:
        return "There are too few chairs for the patients: waits grow without end"
    first, last = still.iloc[0], still.iloc[-1]
    never = {line: rows.loc[rows["wait_min"].isna(), "year"].min() for line, rows in waiting.groupby("line")}
    if pd.notna(never["Nothing changes"]):
        return f"Waits for a chair grow, and from {never['Nothing changes']} there are too few chairs"
    end = f"; with the plan there are too few chairs from {never['With the plan']}" if pd.notna(never.get("With the plan", np.nan)) else ""
    planned = waiting.loc[waiting["line"].eq("With the plan"), "wait_min"]
    if not end and len(planned) and planned.iloc[-1] > 1.5 * last["wait_min"] + 1:
        end = f"; with the plan they reach {words.number(planned.iloc[-1])} by {last['year']}"
    if abs(last["wait_min"] - first["wait_min"]) < 1:
        return f"Waits for a chair stay near {words.number(first['wait_min'])} minutes{end}"
    return f"Waits for a chair go from {words.number(first['wait_min'])} to {words.number(last['wait_min'])} minutes by {last['year']}{end}"


def margins(us: str, *, now: int) -> Said:
    """Table of what the program contributes today."""
    note = "Net revenue less variable cost, before staff and other running cost; at the settings' unit prices of the first year."
    return _table(f"What the program contributes today, {us}, {now}", VOLUMES, note=note, emphasize="All", inapplicable=["volume_n"])


def statement(us: str, base: pd.Series, dated: Mapping[str, float]) -> Said:
    """Table of the pro forma; the note gives the rates of return, or why there's none, and the same on actual dates."""
    exact = f"With capital on each start day (XNPV, act/365) the NPV is {words.money(dated['xnpv_usd'])}"
    exact += f" and the rate {words.share(dated['xirr_share'])}." if pd.notna(dated["xirr_share"]) else "."
    rate = f"IRR {words.share(base['irr_share'])}" if pd.notna(base["irr_share"]) else "No IRR: the cash never turns positive"
    if base["sign_changes"] > 1:
        rate = f"Net cash changes sign {int(base['sign_changes'])} times, so no single IRR exists"
    note = f"{rate}; MIRR {words.share(base['mirr_share'])}. Amounts in nominal US dollars; the columns add to the net cash. {exact}"
    return _table(f"Pro forma of the full plan, {base['title'].lower()} scenario, {us}", PLAN, note=note)


def running_total(paid: pd.Series, *, scenario: str, first: int, npv_usd: float) -> Said:
    """Running total of the plan's cash: when it pays back (``payback_years, discounted_payback_years``)."""
    plain, discounted = paid["payback_years"], paid["discounted_payback_years"]
    end = "but not once discounted" if pd.isna(discounted) else f"{words.number(discounted, digits=1)} discounted"
    title = f"The plan pays back in {words.number(plain, digits=1)} years, {end}"
    if pd.isna(plain):
        title = "The plan doesn't pay back within the horizon"
    subtitle = f"Running total of the plan's net cash, {scenario} scenario, years from the end of {first}; NPV {words.money(npv_usd)}"
    return _figure(title, subtitle, PLAN, {"t": "Years", "line": "Cash", "amount_usd": "Running total"})


def simulation(us: str, chances: Mapping[str, float], *, draws: int, seed: int) -> Said:
    """Distribution of the simulated NPV: how often it is positive; the note gives its percentiles."""
    title = f"NPV is positive in {words.share(chances['positive_share'], digits=0)} of draws; median {words.money(chances['p50'])}"
    marks = ", ".join(f"{name.upper()} {words.money(chances[name])}" for name in ("p10", "p50", "p90"))
    note = f"{marks}, mean {words.money(chances['mean'])}; the half percent beyond each end is counted in the last bar."
    labels = {"npv_usd_low": "NPV from", "npv_usd_high": "NPV to", "draws_share": "Share of draws"}
    return _figure(title, f"Share of {words.count(draws)} draws by NPV of the plan, {us}, seed {seed}", PLAN, labels, note)


def tornado(us: str, swings: pd.DataFrame, drivers: Mapping[str, "Driver"]) -> Said:
    """The tornado: the driver that matters most."""
    top = swings.iloc[0]
    title = f"{drivers[top['driver']].title} swings the NPV most: {words.money(top['swing'])}"
    return _figure(title, f"NPV with one driver at its 10th and 90th percentile, the others central, {us}", PLAN)


def cash(us: str, fan: pd.DataFrame) -> Said:
    """Fan of the running total: by when half the draws have paid back, see `growth.cash_fan`."""
    paid = fan.loc[fan["total_usd"].lt(0).iloc[::-1].cumsum().iloc[::-1].eq(0), "year"]
    end, spent = fan.iloc[-1], fan["total_usd"].lt(0).any()
    title = f"Half the draws have paid back by {paid.iloc[0]}" if len(paid) and spent else "The middle of the draws never goes into the red"
    if paid.empty:
        title = f"Fewer than half the draws have paid back by {end['year']:.0f}"
    note = f"In {end['year']:.0f} the middle 80 % of draws lie between {words.money(end['total_usd_low_80'])} and "
    note += f"{words.money(end['total_usd_high_80'])}: the spread of the NPV itself."
    labels = {"year": "Year", "total_usd": "Median", "status": "Status"}
    labels |= {f"total_usd_{end}_{level}": f"{level} % {word}" for level in (80, 95) for end, word in (("low", "from"), ("high", "to"))}
    return _figure(
        title, f"Running total of the plan's discounted net cash, {us}, median and middle 80 and 95 % of draws", PLAN, labels, note
    )


def even() -> Said:
    """Table of break-even values and of what knowing a driver is worth."""
    note = "Value of information on going ahead or not, by regression on the driver; an upper bound on what a study should cost."
    return _table("Where each driver breaks even, and what knowing it would be worth", PLAN, note=note, inapplicable=["chance_share"])


def crossed(us: str, grid: pd.DataFrame, *titles: str) -> Said:
    """NPV over two drivers crossed: how much of the grid loses money (``titles`` of the driver down and of the one across)."""
    losing = int((grid["npv_usd"] < 0).sum())
    title = f"NPV is negative in {losing} of {len(grid)} combinations of the top two drivers"
    if losing in (0, len(grid)):
        title = f"NPV is {'positive' if losing == 0 else 'negative'} in all {len(grid)} combinations of the top two drivers"
    down, across = titles
    labels = {"first": down, "second": across, "first_setting": down, "second_setting": across, "npv_usd": "NPV"}
    note = "The marked cell has both at their medians, which lie off the most likely values of the base where a range is lopsided."
    return _figure(title, f"NPV by {down.lower()} (down) and {across.lower()} (across), percentiles of each, {us}", PLAN, labels, note)


def breaches(us: str, breached: pd.DataFrame) -> Said:
    """Chance that a limit is passed: the worst resource in its last year."""
    title = "No machine or chair is at the partner"
    if len(breached):
        last = breached[breached["year"].eq(breached["year"].max())]
        top = last.loc[last["breach_share"].idxmax()]
        chance = words.share(top["breach_share"], digits=0)
        title = f"With the plan, {top['title'].lower()} pass their limit by {top['year']} with a chance of {chance}"
    labels = {"title": "Resource", "breach_share": "Past the planning limit", "over_share": "Past 100 %"}
    return _figure(title, f"Chance that the planning limit is passed, with the plan, {us}, share of draws", PLAN, labels)


def ranks(us: str, ranked: pd.DataFrame) -> Said:
    """The ranking: which initiative comes first, and whether its interval is clear of the next."""
    apart = len(ranked) > 1 and ranked["rank_high"].iloc[0] < ranked["rank_low"].iloc[1]
    title = f"{named(ranked['title'].iloc[0])} comes first, {'clear of the rest' if apart else 'but not surely'}" if len(ranked) else ""
    return _figure(title, f"Place in the portfolio with its 80 % interval over weights and simulated values, {us}", PLAN)


def road(us: str, roadmap: pd.DataFrame) -> Said:
    """The roadmap: what starts first and what is late."""
    late = int(roadmap["late"].sum())
    pilots = roadmap[roadmap["phase"].eq("pilot")].sort_values("start", kind="stable")
    behind = f"; {words.plural(late, 'assessment')} should have begun already" if late else ""
    title = "".join(f"{first['title']} starts first, in {first['start']:%B %Y}{behind}" for first in pilots.head(1).to_dict("records"))
    note = "Assess and plan count back from the start; a phase that should have begun before the data end is marked late."
    return _figure(title, f"Playbook phases of each initiative, {us}", VOLUMES, note=note)


def budget(yearly: pd.DataFrame) -> Said:
    """Table of each initiative's yearly budget, see `growth_tables.budget`."""
    years = {column: column.removesuffix("_usd") for column in yearly.columns if column[:4].isdigit()}
    caption = "Budget of each initiative by year: capital, starting and running cost"
    return _table(caption, VOLUMES, LABELS | years, emphasize="All")


def gaps() -> Said:
    """Table of what no budget covers."""
    caption = "What no budget covers: capital and starting cost for philanthropy to consider"
    return _table(caption, VOLUMES, LABELS | {"year": "Needed by"})
