"""Exhibits of the plan: its initiatives, what it is worth by scenario and year, what comes first, and what it asks of budgets."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats import finance

from ..initiatives import Plan
from ..volumes import Volumes
from .wording import NAMES, PLAN, VOLUMES, exhibit, first_upper, given, named

WORTH, PLACES = "worth-by-scenario", "place-of-each-initiative"
MARGINS = ["revenue_usd", "service_margin_usd", "drug_margin_usd", "contribution_usd"]
COSTS = ["running_usd", "one_off_usd", "capital_usd"]
VALUED = [
    "title", "outlay_usd", "running_usd", "brings_n", "even_n", "npv_usd", "payback_years", "break_even_share", "probability_share",
]  # fmt: skip
COMPARED = [
    "title", "owner", "date", "initiatives", "capital_usd", "npv_usd", "irr_share", "mirr_share", "payback_years",
    "discounted_payback_years", "profitability_index",
]  # fmt: skip
RANKED = ["title", "rank", "rank_low", "rank_high", "score_share", "npv_usd", "fit_share", "effort", "risk", "first_share"]
PHASES = ["assess", "plan", "pilot", "scale", "sustain"]


def initiatives(report: Report, valued: pd.DataFrame, plan: Plan, *, leaked_cases: float) -> Exhibit:
    """Table: what each initiative costs and is worth (`priorities.values`)."""
    even = valued["even_n"].round().where(valued["cases_n"].ne(0))
    table = valued.assign(brings_n=valued["cases_n"].round(), even_n=even, outlay_usd=valued["capital_usd"])
    note = f"NPV on top of what an initiative requires, at {words.share(plan.rate)} a year."
    leaked = "not known" if np.isnan(leaked_cases) else f"{words.count(leaked_cases)} a year"
    note += f" Leaked cases that could return: {leaked}. [z]: it never pays back, or adds no case."
    return exhibit(
        "initiatives-as-planned",
        report.protect(table[VALUED].round({"payback_years": 1}), sources=PLAN),
        f"Initiatives as planned, {report.settings.name}",
        sources=PLAN,
        note=note,
        inapplicable=["payback_years", "even_n", "break_even_share"],
    )


def scenarios(report: Report, compared: pd.DataFrame, plan: Plan) -> Exhibit:
    """Figure: the scenarios side by side (`scenarios.comparison`); the title says in which the plan earns its cost of capital."""
    table = compared[COMPARED].round({"payback_years": 1, "discounted_payback_years": 1, "profitability_index": 2})
    shown = report.protect(table, sources=PLAN)
    positive = shown.loc[shown["npv_usd"] > 0, "title"].str.lower().tolist()
    where = f"only in the {words.listing(positive)} scenario{'s' if len(positive) > 1 else ''}" if positive else "in no scenario"
    return exhibit(
        WORTH,
        shown,
        f"The plan earns its cost of capital {'in every scenario' if len(positive) == len(shown) else where}",
        f"Net present value of the plan over {len(plan.years)} years by scenario, {report.settings.name}, "
        f"t = 0 at the end of {plan.years[0] - 1}",
        sources=PLAN,
    )


def scenario_tree(report: Report, branches: pd.DataFrame) -> Exhibit:
    """Table: the ends of the scenario tree (`scenarios.tree`)."""
    return exhibit(
        "scenario-tree",
        report.protect(branches.drop(columns="scenario"), sources=VOLUMES),
        "Scenario tree: the ends, their chances and the expected value",
        sources=VOLUMES,
        emphasize="Expected value",
    )


def margins(report: Report, earned: pd.DataFrame, seen: Volumes) -> Exhibit:
    """Table: contribution by measure (`finance.contribution`) in the last whole year, with the total, and per analytic case."""
    given_here = earned[earned["volume_n"] > 0]
    titles = [first_upper(NAMES[measure]) for measure in given_here["measure"]]
    table = given_here.assign(title=titles)[["title", "volume_n", *MARGINS]]
    sums = table[MARGINS].sum()
    unknown = [NAMES[measure] for measure in seen.unknown if measure in report.settings.growth.economics]
    ends = pd.DataFrame([{"title": "All", **sums}, {"title": "Per analytic case", **sums / seen.recent["cases"]}])
    whole = pd.concat([table, ends], ignore_index=True)
    return exhibit(
        "contribution-today",
        report.protect(whole.assign(contribution_share=whole["contribution_usd"] / whole["revenue_usd"]), sources=VOLUMES),
        f"What the program contributes today, {report.settings.name}, {seen.now}",
        sources=VOLUMES,
        note="Net revenue less variable cost, before staff and other running cost; at the settings' unit prices of the first year."
        + (f" Not known, so not counted: {words.listing(unknown)}." if unknown else ""),
        emphasize="All",
        inapplicable=["volume_n"],
    )


def statement(report: Report, pro_forma: pd.DataFrame, base: pd.Series, dated: Mapping[str, float]) -> Exhibit:
    """Table: the pro forma, costs as negative amounts, so that the columns add to the net cash.

    The note gives the rates of return, or why there is none, and the same on actual dates (`scenarios.dated`).
    """
    negative = {cost: 0 - pro_forma[cost] for cost in COSTS}
    table = pro_forma.assign(**negative, t=pro_forma["t"].astype(str), period=["start", *pro_forma["year"].iloc[1:].astype(str)])
    columns = ["t", "period", "service_margin_usd", "drug_margin_usd", *COSTS, "net_usd", "discounted_total_usd"]
    exact = f"With capital on each start day (XNPV, act/365) the NPV is {words.money(dated['xnpv_usd'])}"
    exact += f" and the rate {words.share(dated['xirr_share'])}." if pd.notna(dated["xirr_share"]) else "."
    rate = f"IRR {words.share(base['irr_share'])}" if pd.notna(base["irr_share"]) else "No IRR: the cash never turns positive"
    if base["sign_changes"] > 1:
        rate = f"Net cash changes sign {int(base['sign_changes'])} times, so no single IRR exists"
    return exhibit(
        "pro-forma",
        report.protect(table[columns], sources=PLAN),
        f"Pro forma of the full plan, {base['title'].lower()} scenario, {report.settings.name}",
        sources=PLAN,
        note=f"{rate}; MIRR {words.share(base['mirr_share'])}. Amounts in nominal US dollars; the columns add to the net cash. {exact}",
    )


def running_total(report: Report, pro_forma: pd.DataFrame) -> Exhibit:
    """Figure: running total of the plan's net cash, plain and discounted; the title says when it pays back."""
    lines = {"total_usd": "Plain", "discounted_total_usd": "Discounted"}
    table = pro_forma.melt("t", list(lines), var_name="cash", value_name="amount_usd")
    shown = report.protect(table.assign(cash=table["cash"].map(lines)), sources=PLAN)
    totals = shown.pivot(index="t", columns="cash", values="amount_usd")
    paid = {line: finance.payback(np.diff(totals[line], prepend=0.0)) for line in totals}
    said = {line: words.number(years, digits=1) for line, years in paid.items() if pd.notna(years)}
    title = "The plan doesn't pay back within the horizon"
    if "Plain" in said:
        end = f"{said['Discounted']} discounted" if "Discounted" in said else "but not once discounted"
        title = f"The plan pays back in {said['Plain']} years, {end}"
    rules = report.settings.growth
    first, npv = int(pro_forma["year"].iloc[1]) - 1, totals["Discounted"].iloc[-1]
    return exhibit(
        "running-total",
        shown,
        title,
        f"Running total of the plan's net cash, {rules.scenarios[rules.plan].title.lower()} scenario, "
        f"years from the end of {first}; NPV {words.money(npv)}",
        sources=PLAN,
        claims=[
            Claim(words.money(npv), "amount_usd", "cash == 'Discounted'", "last"),
            *(given(text, paid[line], "where the line crosses zero for good") for line, text in said.items() if text in title),
        ],
    )


def ranks(report: Report, ranked: pd.DataFrame) -> Exhibit:
    """Figure: the ranking (`priorities.ranking`); the title says which initiative is first, and whether clearly so."""
    shown = report.protect(ranked[RANKED].round({"rank_low": 0, "rank_high": 0}), sources=PLAN)
    apart = len(ranked) > 1 and ranked["rank_high"].iloc[0] < ranked["rank_low"].iloc[1]
    return exhibit(
        PLACES,
        shown,
        f"{named(shown['title'].iloc[0])} comes first, {'clear of the rest' if apart else 'but not surely'}",
        f"Place among the initiatives with its 80 % interval over weights and simulated values, {report.settings.name}",
        sources=PLAN,
        claims=[Claim(shown["title"].iloc[0], "title", how="smallest", by="rank")],
    )


def roadmap(report: Report, road: pd.DataFrame) -> Exhibit:
    """Figure: one row per initiative, the first month of each phase across; the title says what starts first and what is late."""
    shown = report.protect(_road(road), sources=VOLUMES)
    late = int(road["late"].sum())
    first = road[road["phase"].eq("pilot")].sort_values("start", kind="stable").iloc[0]
    behind = words.plural(late, "assessment")
    return exhibit(
        "roadmap",
        shown,
        f"{first['title']} starts first, in {first['start']:%B %Y}{f'; {behind} should have begun already' if late else ''}",
        f"Playbook phases of each initiative, {report.settings.name}",
        sources=VOLUMES,
        note="Assess and plan count back from the start; a phase that should have begun before the data end is marked late.",
        claims=[Claim(behind, how="count", rows="assess.str.endswith('(late)')")] if late else [],
    )


def _road(road: pd.DataFrame) -> pd.DataFrame:
    month = road["start"].dt.strftime("%b %Y") + np.where(road["late"], " (late)", "")
    order = list(dict.fromkeys(road["title"]))
    wide = road.assign(month=month).pivot(index=["title", "owner", "requires"], columns="phase", values="month").reset_index()
    return wide.set_index("title").loc[order].reset_index().reindex(columns=["title", *PHASES, "requires", "owner"])


def budget(report: Report, yearly: pd.DataFrame) -> Exhibit:
    """Table: what each initiative asks of each year's budget (`priorities.budget`): capital, starting and running cost together."""
    whole = yearly.assign(cost=yearly[["capital_usd", "one_off_usd", "running_usd"]].sum(axis=1))
    wide = whole.pivot(index="title", columns="year", values="cost").loc[list(dict.fromkeys(whole["title"]))]
    table = pd.concat([wide, wide.sum().to_frame("All").T]).set_axis([f"{year}_usd" for year in wide.columns], axis=1)
    return exhibit(
        "budget-by-year",
        report.protect(table.rename_axis("title").reset_index(), sources=VOLUMES),
        "Budget of each initiative by year: capital, starting and running cost",
        sources=VOLUMES,
        labels={f"{year}_usd": str(year) for year in wide.columns},
        emphasize="All",
    )


def gaps(report: Report, unfunded: pd.DataFrame) -> Exhibit:
    """Table: what no budget covers (`priorities.funding_gaps`)."""
    table = unfunded.drop(columns="initiative").rename(columns={"year": "needed_year"})
    return exhibit(
        "not-funded",
        report.protect(table, sources=VOLUMES),
        "What no budget covers: capital and starting cost for philanthropy to consider",
        sources=VOLUMES,
    )
