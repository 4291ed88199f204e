"""Figures of the growth page that levers move: drawn once for a page, again for every move of a lever."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from catchment.page import plots
from catchment.page.blocks import Block
from catchment.page.levers import Levers
from catchment.page.report import Report
from catchment.stats import finance, uncertainty

from . import capacity, scenarios
from . import exhibits as said
from . import tables as cut
from .initiatives import Plan

if TYPE_CHECKING:
    from catchment.params.growth import Growth


def levers(rules: "Growth", row: pd.DataFrame) -> Levers:
    """A lever for every driver, from its 1st to its 99th percentile, standing where the scenario of the plan puts it."""
    ranges = {}
    for name, driver in rules.drivers.items():
        low, high = uncertainty.quantile(driver.numbers(), [0.01, 0.99])
        unit = "" if driver.unit == "ratio" else f", {driver.unit}"
        ranges[name] = {"title": f"{driver.title}{unit}", "low": float(low), "high": float(high), "value": float(row[name].iloc[0])}
    return Levers(ranges)


def _with(row: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """The scenario's row with the levers' values in it."""
    return row.assign(**{name: moved[name].iloc[0] for name in moved.columns})


def _accented(rooms: pd.DataFrame) -> str:
    """The line that comes closest to its limit when nothing changes."""
    still = rooms[rooms["line"].str.endswith("nothing changes")]
    return str(still.loc[(still["utilization_share"] - still["limit_share"]).idxmax(), "line"])


def rooms(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Use of machines and chairs, with and without the plan."""
    rules, number = report.settings.growth, report.next_number()
    cases = scenarios.chosen(plan, ()), scenarios.planned(rules, plan)

    def figure(moved: pd.DataFrame) -> Block:
        unchanged, planned = (scenarios.with_plan(rules, plan, _with(row, moved), go) for go in cases)
        frame = cut.rooms(unchanged, planned)
        limits = [capacity.limits(needed[needed["resource"].isin(["linac", "chair"])]) for needed in (unchanged, planned)]
        chair = rules.resources["chair"].utilization_share.value
        return report.figure(
            plots.trend(
                frame,
                "year",
                "utilization_share",
                group="line",
                accent=_accented(frame),
                target=chair,
                target_label="Chairs' planning limit",
            ),
            **said.rooms(report.settings.name, *limits, last=int(plan.years[-1])),
            data=frame.drop(columns="resource"),
            number=number,
        )

    return figure


def running_total(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Running total of the plan's net cash, plain and discounted."""
    rules, first, number = report.settings.growth, int(plan.years[0]) - 1, report.next_number()
    title = rules.scenarios[rules.plan].title.lower()

    def figure(moved: pd.DataFrame) -> Block:
        table = scenarios.pro_forma(plan, _with(row, moved), scenarios.planned(rules, plan))
        frame = cut.cumulative(table)
        flows = table["net_usd"].to_numpy()
        paid = pd.Series(
            {"payback_years": finance.payback(flows), "discounted_payback_years": finance.discounted_payback(plan.rate, flows)}
        )
        return report.figure(
            plots.trend(frame, "t", "amount_usd", group="line", accent="Discounted"),
            **said.running_total(paid, scenario=title, first=first, npv_usd=table["discounted_total_usd"].iloc[-1]),
            data=frame,
            number=number,
        )

    return figure
