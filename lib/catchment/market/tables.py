"""Tables of the market page with their intervals in words, and the SWOT that its exhibits support.

Each takes a frame of the analysis and returns the columns to show, in their order; counts stay numbers, so that small ones are
hidden with what is computed from them.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from catchment import words

from .findings import NOTABLE, signed_points


def rules(area) -> pd.DataFrame:
    """Service-area definitions side by side, and whether the published flows reach each threshold."""
    reached = area.rules["reached"].map({"yes": "reached", "no": "not reached"})
    return area.rules.drop(columns="before_share").assign(reached=reached)


def outlook(table: pd.DataFrame) -> pd.DataFrame:
    """Sites with their expected cases, growth and trend."""
    shown = table.assign(
        now_between=_ranges(table, "now", words.count), ahead_between=_ranges(table, "ahead", words.count), yearly=_apc(table)
    )
    return shown[["site", "now_n", "now_between", "ahead_n", "ahead_between", "growth_share", "yearly", "trend"]]


def clusters(called: pd.DataFrame) -> pd.DataFrame:
    """Counties that LISA or Gi* calls (of `spatial.clusters`)."""
    return called.drop(columns="county_fips").rename(columns={"value": "smoothed_ratio"})


def shares(gained: pd.DataFrame, *, most: int = 10) -> pd.DataFrame:
    """The largest systems with their share, what it can be at least and at most, and its change."""
    top = gained.head(most)
    shown = top.assign(
        between_share=_ranges(top, "share", words.share),
        possible_share=_ranges(top, "bound", words.share),
        moved_share=_ranges(top, "gained_points", signed_points),
    )
    return shown[["system", "cases_n", "share", "between_share", "possible_share", "gained_points", "moved_share"]]


def origins(table: pd.DataFrame) -> pd.DataFrame:
    """ZIPs with patient origin, our share and the change of stays."""
    shown = table.assign(between_share=_ranges(table, "share", words.share))
    columns = ["zip", "city", "cases_n", "origin_share", "cum_share", "share", "between_share", "since_first_share", "since_last_share"]
    return shown[[*columns, "note"]]


def white_space(ranked: pd.DataFrame) -> pd.DataFrame:
    """The white-space list; a share that rests on our own suppressed stays is a range only."""
    shown = ranked.assign(range_share=_ranges(ranked, "share", words.share), scores=_ranges(ranked, "score", words.count))
    columns = ["zip", "city", "expected_n", "range_share", "expected_share", "drive_min", "addressable", "score", "scores", "top_share"]
    return shown[[*columns, "verdict"]]


def huff(plain: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Exponents of both models with their standard errors."""
    fits = pd.concat([plain.assign(model="Beds and distance"), own.assign(model="Own pull and distance")], ignore_index=True)
    between = _ranges(fits.rename(columns={"low": "value_low", "high": "value_high"}), "value", lambda v: words.number(v, digits=2))
    return fits.assign(between=between, se=[words.number(v, digits=3) for v in fits["se"]])[["model", "term", "value", "se", "between"]]


def swot(served, name: str, outlook: pd.DataFrame, mix: pd.DataFrame, ranked: pd.DataFrame, exhibits: Mapping[str, str]) -> pd.DataFrame:
    """Strengths, weaknesses, opportunities and threats that an exhibit on the page shows, and no others: `kind, finding, evidence`."""
    gained, market = served.gained, served.hhi["market"].iloc[-1]
    rows = [*_standing(gained, name, exhibits["share"]), *_mix(mix, exhibits["mix"])]
    total = outlook[outlook["site"] == "All sites"].iloc[0]
    more = total["ahead_n"] - total["now_n"]
    kind = "Opportunity" if more > 0 else "Threat"
    rows.append(
        (
            kind,
            f"{words.count(abs(more))} {'more' if more > 0 else 'fewer'} new cases a year in the area within the horizon",
            exhibits["need"],
        )
    )
    if len(ranked):
        ten = f"About {words.count(ranked.head(10)['addressable'].sum())} addressable cases a year in ten places"
        rows.append(("Opportunity", f"{ten}, {ranked['city'].iloc[0]} first", exhibits["gap"]))
    sure = gained[(gained["gained_points_low"] > 0) & (gained["share"] >= NOTABLE) & (gained["system"] != name)]
    if len(sure):
        rivals = list(sure.sort_values("gained_points", ascending=False)["system"])
        rows.append(("Threat", f"{words.listing(rivals, most=3)} gained share measurably", exhibits["share"]))
    if market == "highly concentrated":
        rows.append(("Threat", "The market is highly concentrated: rivals negotiate from strength", exhibits["hhi"]))
    table = pd.DataFrame(rows, columns=["kind", "finding", "evidence"])
    order = {"Strength": 0, "Weakness": 1, "Opportunity": 2, "Threat": 3}
    return table.sort_values("kind", key=lambda kinds: kinds.map(order), kind="stable", ignore_index=True)


def _standing(gained: pd.DataFrame, name: str, exhibit: str) -> list[tuple[str, str, str]]:
    row = gained[gained["system"] == name].iloc[0]
    rank = int((gained["share"] > row["share"]).sum()) + 1
    rows = [
        ("Strength" if rank <= 2 else "Weakness", f"Share number {rank} in the service area, {words.share(row['share'])}", exhibit),
    ]
    if row["gained_points_low"] > 0 or row["gained_points_high"] < 0:
        moved = words.direction(row["gained_points_low"], row["gained_points_high"])
        kind = "Strength" if row["gained_points"] > 0 else "Weakness"
        rows.append((kind, f"Share {moved} by {words.points(abs(row['gained_points']))}", exhibit))
    return rows


def _mix(mix: pd.DataFrame, exhibit: str) -> list[tuple[str, str, str]]:
    sides = (("Strength", "more", mix[mix["lq_ratio_low"] > 1]), ("Weakness", "fewer", mix[mix["lq_ratio_high"] < 1]))
    return [
        (kind, f"{words.listing(list(part['site']), most=3)}: {than} cases than the area's mix suggests", exhibit)
        for kind, than, part in sides
        if len(part)
    ]


def _ranges(frame: pd.DataFrame, column: str, fmt: Callable[[float], str]) -> list[str | None]:
    """Interval of a column as text, `<column>_low` to `<column>_high`; None where it is not known."""
    pairs = zip(frame[f"{column}_low"], frame[f"{column}_high"], strict=True)
    return [None if pd.isna(low) or pd.isna(high) else words.interval(low, high, fmt) for low, high in pairs]


def _apc(frame: pd.DataFrame) -> list[str | None]:
    """Annual percent change with its interval as text."""
    rows = zip(frame["apc"], frame["apc_low"], frame["apc_high"], strict=True)
    return [
        None if pd.isna(v) else f"{words.number(v, digits=1)} ({words.number(low, digits=1)} to {words.number(high, digits=1)})"
        for v, low, high in rows
    ]
