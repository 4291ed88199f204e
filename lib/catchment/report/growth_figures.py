"""Figures of the growth page that depend on the drivers: drawn once for a page, again for every move of a lever."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from catchment import words
from catchment.analysis import capacity, finance, growth, uncertainty
from catchment.analysis.initiatives import Plan

from . import growth_findings as said
from . import growth_tables as cut
from . import plots
from .blocks import Block, Report
from .levers import Levers

if TYPE_CHECKING:
    from catchment.params.growth import Growth

SOURCES = ("volumes", "referrals")


def levers(rules: "Growth", row: pd.DataFrame) -> Levers:
    """A lever for every driver, from its 1st to its 99th percentile, standing where the scenario of the plan puts it."""
    ranges = {}
    for name, driver in rules.drivers.items():
        low, high = uncertainty.quantile(driver.numbers(), [0.01, 0.99])
        ranges[name] = {"title": driver.title, "low": float(low), "high": float(high), "value": float(row[name].iloc[0])}
    return Levers(ranges)


def _with(row: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """The scenario's row with the levers' values in it."""
    return row.assign(**{name: moved[name].iloc[0] for name in moved.columns})


def rooms(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Use of machines and chairs, with and without the plan."""
    rules = report.settings.growth
    nothing = growth.chosen(plan, ())

    def figure(moved: pd.DataFrame) -> Block:
        unchanged, planned = (growth.with_plan(rules, plan, _with(row, moved), go) for go in (nothing, None))
        frame = cut.rooms(unchanged, planned)
        limits = capacity.limits(unchanged[unchanged["resource"].isin(["linac", "chair"])])
        chair = rules.resources["chair"].utilisation_share.value
        return report.figure(
            plots.trend(
                frame,
                "year",
                "utilisation_share",
                group="line",
                accent=said.accented(frame),
                target=chair,
                target_label="Chairs' planning limit",
            ),
            said.limit_title(limits, last=int(plan.years[-1])),
            f"Share of machine and chair time in use, {report.settings.name}, with and without the plan",
            data=frame.drop(columns="resource"),
            sources=["volumes"],
            labels=cut.LABELS,
        )

    return figure


def running_total(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Running total of the plan's net cash, plain and discounted."""
    rules, first = report.settings.growth, int(plan.years[0]) - 1
    title = rules.scenarios[rules.plan].title.lower()

    def figure(moved: pd.DataFrame) -> Block:
        table = growth.pro_forma(plan, _with(row, moved))
        frame = cut.cumulative(table)
        flows = table["net_usd"].to_numpy()
        paid = pd.Series(
            {"payback_years": finance.payback(flows), "discounted_payback_years": finance.discounted_payback(plan.rate, flows)}
        )
        return report.figure(
            plots.trend(frame, "t", "amount_usd", group="line", accent="Discounted"),
            said.payback_title(paid),
            f"Running total of the plan's net cash, {title} scenario, years from the end of {first}; NPV {words.money(table['discounted_total_usd'].iloc[-1])}",
            data=frame,
            sources=list(SOURCES),
            labels={"t": "Years", "line": "Cash", "amount_usd": "Running total"},
        )

    return figure


def simulation(report: Report, plan: Plan, simulated: growth.Outcome, chances: dict[str, float]) -> Block:
    """How the simulated NPV is distributed."""
    rules = report.settings.growth
    bins = (
        uncertainty.histogram(simulated.npv, bins=24).rename(columns={"low": "npv_usd_low", "high": "npv_usd_high"}).drop(columns="middle")
    )
    marks = {name.upper(): chances[name] for name in ("p10", "p50", "p90")}
    return report.figure(
        plots.histogram(bins, "npv_usd_low", "npv_usd_high", "draws_share", marks=marks),
        said.simulation_title(chances),
        f"Share of {words.count(rules.draws_n)} draws by NPV of the plan, {report.settings.name}, seed {rules.seed}",
        data=bins,
        sources=list(SOURCES),
        labels={"npv_usd_low": "NPV from", "npv_usd_high": "NPV to", "draws_share": "Share of draws"},
        note=said.spread_note(chances),
    )


def crossed(report: Report, plan: Plan, first: str, second: str) -> Block:
    """NPV over two drivers crossed."""
    rules = report.settings.growth
    drivers = {name: driver.numbers() for name, driver in rules.drivers.items()}
    table = cut.grid(
        uncertainty.two_way(growth.valuation(plan), drivers, first, second), first, second, rules.drivers, levels=uncertainty.GRID
    )
    titles = [rules.drivers[name].title for name in (first, second)]
    return report.figure(
        plots.heatmap(table, "first", "second", "npv_usd", accent=("P50", "P50")),
        said.grid_title(table),
        f"NPV by {titles[0].lower()} (down) and {titles[1].lower()} (across), percentiles of each, {report.settings.name}",
        data=table,
        sources=list(SOURCES),
        labels={"first": titles[0], "second": titles[1], "first_setting": titles[0], "second_setting": titles[1], "npv_usd": "NPV"},
    )
