"""The table of strengths, weaknesses, opportunities and threats: only what a figure of the page shows, each with that figure."""

import pandas as pd

from catchment import words
from catchment.page.exhibit import Exhibit
from catchment.page.report import Report

from ..need import Need
from ..shares import NOTABLE, Served
from .need import DRIVERS, MIX
from .reach import GAPS
from .served import CONCENTRATION, SHARES, rank
from .wording import exhibit

KINDS = ["Strength", "Weakness", "Opportunity", "Threat"]
Rows = list[tuple[str, str, str]]  # kind, finding, key of the figure


def swot(report: Report, served: Served, name: str, need: Need, mix: Exhibit, ranked: pd.DataFrame) -> Exhibit:
    """Table of what the exhibits show for and against us; `name` is the system, `mix` the exhibit of our mix of sites."""
    sources = ["hospital_flows", "volumes", "incidence_by_age"]
    rows = [*_standing(served.gained, name), *_mix(mix.shown), *_demand(need), *_gaps(ranked), *_rivals(served, name)]
    table = pd.DataFrame(rows, columns=["kind", "finding", "evidence"])
    table["evidence"] = [f"Figure {report.number(key)}" for key in table["evidence"]]
    table = table.sort_values("kind", key=lambda kinds: kinds.map(KINDS.index), kind="stable", ignore_index=True)
    return exhibit(
        "swot",
        report.protect(table, sources=sources),
        "Strengths, weaknesses, opportunities and threats that an exhibit shows",
        sources=sources,
    )


def _standing(gained: pd.DataFrame, name: str) -> Rows:
    row, place = gained[gained["system"] == name].iloc[0], rank(gained, name)
    rows = [
        ("Strength" if place <= 2 else "Weakness", f"Share number {place} in the service area, {words.share(row['share'])}", SHARES),
    ]
    if row["gained_points_low"] > 0 or row["gained_points_high"] < 0:
        moved = words.direction(row["gained_points_low"], row["gained_points_high"])
        kind = "Strength" if row["gained_points"] > 0 else "Weakness"
        rows.append((kind, f"Share {moved} by {words.points(abs(row['gained_points']))}", SHARES))
    return rows


def _mix(mix: pd.DataFrame) -> Rows:
    sides = (("Strength", "more", mix[mix["lq_ratio_low"] > 1]), ("Weakness", "fewer", mix[mix["lq_ratio_high"] < 1]))
    return [
        (kind, f"{words.listing(list(part['site']), most=3)}: {than} cases than the area's mix suggests", MIX)
        for kind, than, part in sides
        if len(part)
    ]


def _demand(need: Need) -> Rows:
    if not need.forward:
        return []
    more = need.total["ahead_n"] - need.total["now_n"]
    kind, than = ("Opportunity", "more") if more > 0 else ("Threat", "fewer")
    return [(kind, f"{words.count(abs(more))} {than} new cases a year in the area within the horizon", DRIVERS)]


def _gaps(ranked: pd.DataFrame) -> Rows:
    if ranked.empty:
        return []
    ten = f"About {words.count(ranked.head(10)['addressable'].sum())} addressable cases a year in ten places"
    return [("Opportunity", f"{ten}, {ranked['city'].iloc[0]} first", GAPS)]


def _rivals(served: Served, name: str) -> Rows:
    gained, rows = served.gained, Rows()
    sure = gained[(gained["gained_points_low"] > 0) & (gained["share"] >= NOTABLE) & (gained["system"] != name)]
    if len(sure):
        rivals = list(sure.sort_values("gained_points", ascending=False)["system"])
        rows.append(("Threat", f"{words.listing(rivals, most=3)} gained share measurably", SHARES))
    if served.hhi["market"].iloc[-1] == "highly concentrated":
        rows.append(("Threat", "The market is highly concentrated: rivals negotiate from strength", CONCENTRATION))
    return rows
