"""Exhibits of uncertainty: the simulated worth of the plan, what swings it, where it breaks even, two drivers crossed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats import uncertainty

from .wording import PLAN, counted, exhibit, first_upper, given

if TYPE_CHECKING:
    from catchment.params.growth import Driver

MARKED = ("p10", "p50", "p90")


def simulation(report: Report, npv: np.ndarray) -> Exhibit:
    """Figure: share of draws by NPV; the title says how often it is positive, the note its percentiles."""
    table = uncertainty.histogram(npv, bins=24).rename(columns={"low": "npv_usd_low", "high": "npv_usd_high"})
    rules, chances = report.settings.growth, uncertainty.summary(npv)
    basis = "the draws themselves, of which the bars hold the shares"
    positive, median = words.share(chances["positive_share"], digits=0), words.money(chances["p50"])
    marks = ", ".join(f"{name.upper()} {words.money(chances[name])}" for name in MARKED)
    return exhibit(
        "npv-of-the-draws",
        report.protect(table.drop(columns="middle"), sources=PLAN),
        f"NPV is positive in {positive} of draws; median {median}",
        f"Share of {words.count(rules.draws_n)} draws by NPV of the plan, {report.settings.name}, seed {rules.seed}",
        sources=PLAN,
        note=f"{marks}, mean {words.money(chances['mean'])}; the half percent beyond each end is counted in the last bar.",
        claims=[given(positive, chances["positive_share"], basis), given(median, chances["p50"], basis)],
    )


def percentiles(npv: np.ndarray) -> dict[str, float]:
    """The percentiles to mark in the distribution, by the name to print."""
    chances = uncertainty.summary(npv)
    return {name.upper(): chances[name] for name in MARKED}


def cash(report: Report, fan: pd.DataFrame) -> Exhibit:
    """Figure: fan of the running total (`scenarios.cash_fan`); the title says by when half the draws have paid back."""
    shown = report.protect(fan, sources=PLAN)
    red, end = shown["total_usd"].lt(0), shown.iloc[-1]
    paid = shown.loc[red.iloc[::-1].cumsum().iloc[::-1].eq(0), "year"]
    title = (
        f"Half the draws have paid back by {paid.iloc[0]}"
        if len(paid)
        else f"Fewer than half the draws have paid back by {end['year']:.0f}"
    )
    limits = [words.money(end[f"total_usd_{side}_80"]) for side in ("low", "high")]
    return exhibit(
        "running-total-of-the-draws",
        shown,
        title if red.any() else "The middle of the draws never goes into the red",
        f"Running total of the plan's discounted net cash, {report.settings.name}, median and middle 80 and 95 % of draws",
        sources=PLAN,
        note=f"In {end['year']:.0f} the middle 80 % of draws lie between {limits[0]} and {limits[1]}: the spread of the NPV itself.",
        claims=[Claim(text, f"total_usd_{side}_80", how="last") for text, side in zip(limits, ("low", "high"), strict=True)],
    )


def tornado(report: Report, swings: pd.DataFrame) -> Exhibit:
    """Figure: NPV with one driver at a time at its ends (`uncertainty.tornado`); the title names the one that matters most."""
    drivers = report.settings.growth.drivers
    ends = {
        end: [setting(value, drivers[name]) for value, name in zip(swings[end], swings["driver"], strict=True)]
        for end in ("low_value", "high_value")
    }
    worth = swings.rename(columns={"low": "low_usd", "high": "high_usd", "swing": "swing_usd"})
    titles = [drivers[name].title for name in swings["driver"]]
    shown = report.protect(worth.assign(title=titles, **ends)[["title", *ends, "low_usd", "high_usd", "swing_usd"]], sources=PLAN)
    top, swing = shown["title"].iloc[0], words.money(shown["swing_usd"].iloc[0])
    return exhibit(
        "what-swings-the-npv",
        shown,
        f"{top} swings the NPV most: {swing}",
        f"NPV with one driver at its 10th and 90th percentile, the others central, {report.settings.name}",
        sources=PLAN,
        claims=[Claim(top, "title", how="largest", by="swing_usd"), Claim(swing, "swing_usd", f"title == {top!r}")],
    )


def setting(value: float, driver: "Driver") -> str:
    """A driver's value with its unit: a factor as percent of plan, months and standard deviations as they are."""
    if pd.isna(value):
        return "not in its range"
    if driver.unit == "ratio":
        return f"{words.share(value, digits=0)} of plan"
    return f"{words.number(value, digits=1)} {driver.unit}"


def break_even(report: Report, crossing: pd.DataFrame, knowing: pd.DataFrame) -> Exhibit:
    """Table: where each driver breaks even (`uncertainty.break_even`) and what knowing it is worth (`uncertainty.value_of_knowing`)."""
    drivers = report.settings.growth.drivers
    found = crossing.merge(knowing, on="driver", how="outer", validate="one_to_one", sort=False)
    known = found["driver"].isin(list(drivers))
    ends = {
        column: [
            setting(value, drivers[name]) if name in drivers else "" for value, name in zip(found[column], found["driver"], strict=True)
        ]
        for column in ("base_value", "break_even_value")
    }
    titles = [drivers[name].title if name in drivers else first_upper(name) for name in found["driver"]]
    table = pd.DataFrame({"title": titles, **ends, "chance_share": found["chance_share"].where(known), "worth_usd": found["worth_usd"]})
    ordered = table.assign(whole=~known).sort_values(["whole", "worth_usd"], ascending=[True, False], kind="stable", ignore_index=True)
    return exhibit(
        "break-even",
        report.protect(ordered.drop(columns="whole"), sources=PLAN),
        "Where each driver breaks even, and what knowing it would be worth",
        sources=PLAN,
        note="Value of information on going ahead or not, by regression on the driver; an upper bound on what a study should cost.",
        inapplicable=["chance_share"],
    )


def crossed(report: Report, two_way: pd.DataFrame) -> Exhibit:
    """Figure: NPV over two drivers crossed (`uncertainty.two_way`); the title says how much of the grid loses money."""
    drivers, (first, second) = report.settings.growth.drivers, two_way.columns[:2]
    shown = report.protect(_grid(two_way, drivers), sources=PLAN)
    losing = int((shown["npv_usd"] < 0).sum())
    title, claims = f"NPV is negative in {losing} of {len(shown)} combinations of the top two drivers", [counted(losing, "npv_usd < 0")]
    if losing in (0, len(shown)):
        title, claims = f"NPV is {'negative' if losing else 'positive'} in all {len(shown)} combinations of the top two drivers", []
    down, across = drivers[first].title, drivers[second].title
    return exhibit(
        "npv-by-two-drivers",
        shown,
        title,
        f"NPV by {down.lower()} (down) and {across.lower()} (across), percentiles of each, {report.settings.name}",
        sources=PLAN,
        labels={"first": down, "second": across, "first_setting": down, "second_setting": across},
        note="The marked cell has both at their medians, which lie off the most likely values of the base where a range is lopsided.",
        claims=[*claims, counted(len(shown), "")],
    )


def _grid(two_way: pd.DataFrame, drivers: Mapping[Any, "Driver"]) -> pd.DataFrame:
    """The two-way table in long form: percentile and setting of both drivers, NPV."""
    first, second = two_way.columns[:2]
    names = [f"P{level * 100:.0f}" for level in uncertainty.GRID]
    table = two_way.sort_values([first, second], ignore_index=True)
    return pd.DataFrame(
        {
            "first": np.repeat(names, len(names)),
            "second": np.tile(names, len(names)),
            "first_setting": [setting(value, drivers[first]) for value in table[first]],
            "second_setting": [setting(value, drivers[second]) for value in table[second]],
            "npv_usd": table["outcome"],
        }
    )
