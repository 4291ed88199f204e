"""What is said about each exhibit of the executive brief: title, subtitle or caption, sources, labels and note, as keyword arguments."""

from typing import Any

import pandas as pd

from catchment import words
from catchment.market.findings import share_title

Words = dict[str, Any]


def share_map(origins: pd.DataFrame, overall: float, year: int, settings) -> Words:
    """The share map: how many ZIPs give us less than we have `overall`, and the one of them that sends us most patients."""
    known = origins.dropna(subset="share")
    if known.empty:
        title = "Our share by ZIP is hidden: too few stays in each"
    else:
        low = known[known["share_high"] < overall]
        first = f", {low['city'].iloc[0]} first" if len(low) else ""
        title = (
            f"{words.plural(len(low), 'ZIP')} of {words.count(len(known))} shown give us less than {words.share(overall, digits=0)}{first}"
        )
    return {
        "title": title,
        "subtitle": f"{settings.name}'s share of the Medicare inpatient stays of each ZIP of its service area, {year}",
        "sources": ["hospital_flows", "zips", "counties"],
        "note": "All-cause stays. ZIPs with fewer than 11 of our stays are hidden.",
    }


def share_trend(gained: pd.DataFrame, system: str, first: int, last: int) -> Words:
    """The trend of our share against the leading systems."""
    return {
        "title": share_title(gained, system, first),
        "subtitle": f"Share of the service area's Medicare inpatient stays by system, {first} to {last}, with 95 % interval",
        "sources": ["hospital_flows", "hospitals"],
        "labels": {"bound_low": "Least share", "bound_high": "Most share"},
    }


def scenarios(worth: pd.DataFrame, settings) -> Words:
    """The plan's value by scenario: in how many of them it earns its cost of capital."""
    good = worth.loc[worth["npv_usd"] > 0, "scenario"].str.lower().tolist()
    which = f": {words.listing(good)}" if 0 < len(good) < len(worth) else ""
    return {
        "title": f"The growth plan earns its cost of capital in {words.count(len(good))} of {words.plural(len(worth), 'scenario')}{which}",
        "subtitle": f"Net present value of the growth plan by scenario, {settings.name}, over {settings.growth.horizon_years} years",
        "sources": ["volumes", "referrals"],
    }


def asks(decisions: pd.DataFrame) -> Words:
    """The table of decisions: how many, from when to when."""
    first, last = (f"{day:%B} {day.day}, {day.year}" for day in (decisions["by"].min(), decisions["by"].max()))
    caption = f"{words.plural(len(decisions), 'decision')} from {first} to {last}" if len(decisions) > 1 else f"One decision by {first}"
    return {"caption": caption, "sources": ["decisions"], "labels": {"by": "Needed by", "otherwise": "Otherwise"}}


def risks(log: pd.DataFrame) -> Words:
    """The table of risks: the heaviest one."""
    return {
        "caption": f"Heaviest {log['kind'].iloc[0]}: {log['title'].iloc[0][:1].lower()}{log['title'].iloc[0][1:]}",
        "sources": ["raid"],
        "labels": {"title": "What", "weight": "Weight"},
    }


def considered() -> Words:
    """The table of all findings with their scores."""
    return {"caption": "Every finding of the other pages with its score; those in the brief are emphasized", "sources": []}


def method(rule) -> str:
    """How findings are chosen, when the page is not published, and what cards compare with."""
    return (
        "**Choice.** Every finding of the other pages scores size x certainty x change. Size is the part r of the program that the "
        "finding is about: cases a year over analytic cases, dollars a year over contribution, else the part it states; it counts as "
        f"r / (r + {rule.half_share.value:.0%}). Certainty is 1 - p of a test, 0.95 where an interval or control limit excludes "
        '"no change" and for what was counted, 0.5 where it does not, the simulated chance, or 0.6 where an assumption carries the '
        f"amount. Change runs from {rule.standing_share.value:g} (a standing fact) to 1. The best findings follow, no more than "
        f"{rule.per_page_n} of a page, at least {words.count(rule.fewest_n)}; up to {rule.most_n} where they score "
        f"{rule.least_score.value:g}. Amounts of different findings overlap and are not added.\n\n"
        "**Agreement.** Numbers that several pages state under one name, unit and period must be equal, and a part may not exceed its "
        "whole; otherwise this page isn't published.\n\n"
        "**Since the last run.** A card compares with the last published version of its page that gave other numbers."
    )
