"""Figures of the growth page that levers move: drawn once for a page, again for every move of a lever."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from catchment.page import plots
from catchment.page.blocks import Block
from catchment.page.levers import Levers
from catchment.page.report import Report
from catchment.stats import uncertainty

from . import exhibits, scenarios, staffing
from .initiatives import Plan

if TYPE_CHECKING:
    from catchment.params.growth import Growth


def levers(rules: "Growth", row: pd.DataFrame) -> Levers:
    """A lever for every driver, from its 1st to its 99th percentile, standing where the scenario of the plan puts it."""
    ranges: dict[str, dict[str, Any]] = {}
    for name, driver in rules.drivers.items():
        low, high = uncertainty.quantile(driver.numbers(), [0.01, 0.99])
        unit = "" if driver.unit == "ratio" else f", {driver.unit}"
        ranges[name] = {"title": f"{driver.title}{unit}", "low": float(low), "high": float(high), "value": float(row[name].iloc[0])}
    return Levers(ranges)


def _with(row: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """The scenario's row with the levers' values in it."""
    return row.assign(**{name: moved[name].iloc[0] for name in moved.columns})


def rooms(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Use of machines and chairs, with and without the plan."""
    rules, number = report.settings.growth, report.next_number()
    cases = scenarios.chosen(plan, ()), scenarios.planned(rules, plan)

    def figure(moved: pd.DataFrame) -> Block:
        shown = exhibits.rooms(report, *(staffing.with_plan(rules, plan, _with(row, moved), go) for go in cases))
        drawn = plots.trend(
            shown.shown,
            "year",
            "utilization_share",
            group="line",
            accent=_closest(shown.shown),
            target=rules.resources["chair"].utilization_share.value,
            target_label="Chairs' planning limit",
        )
        return report.figure(drawn, shown, number=number)

    return figure


def _closest(rooms: pd.DataFrame) -> str | None:
    """The line that comes closest to its limit when nothing changes."""
    still = rooms[rooms["line"].str.endswith("nothing changes")]
    return None if still.empty else str(still.loc[(still["utilization_share"] - still["limit_share"]).idxmax(), "line"])


def running_total(report: Report, plan: Plan, row: pd.DataFrame) -> Callable[[pd.DataFrame], Block]:
    """Running total of the plan's net cash, plain and discounted."""
    number, planned = report.next_number(), scenarios.planned(report.settings.growth, plan)

    def figure(moved: pd.DataFrame) -> Block:
        shown = exhibits.running_total(report, scenarios.pro_forma(plan, _with(row, moved), planned))
        return report.figure(plots.trend(shown.shown, "t", "amount_usd", group="cash", accent="Discounted"), shown, number=number)

    return figure
