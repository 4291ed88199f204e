"""Exhibits of where patients come from: the map of patient origin, the service areas, and origin beside share by ZIP."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from ..catchment_area import GIVEN, MAPPED, THIESSEN, TOP, Catchment, unmatched
from .wording import CAUSE, FLOWS, among, counted, exhibit, given, ranges, sentence

PATIENT_ORIGIN = "patient-origin"


def patient_origin(report: Report, drawn: pd.DataFrame, area: Catchment, name: str, year: int) -> Exhibit:
    """Map of where the patients of hospital `name` live; `drawn` is `catchment_area.mapped`."""
    sources = ["hospital_flows", "zips", "counties", *(["zip_areas"] if (drawn["boundary"] == GIVEN).any() else [])]
    shown = report.protect(pd.DataFrame(drawn[MAPPED]), sources=sources)
    title, claims = "Patient origin is suppressed in every ZIP", list[Claim]()
    if area.origin["share"].notna().any():
        held = area.origin.loc[area.origin["zip"].isin(area.zips), "share"].sum()
        many, part = words.plural(len(area.zips), "ZIP"), words.share(held, digits=0)
        title = f"{many} {'holds' if len(area.zips) == 1 else 'hold'} {part} of patients"
        inside, basis = among("zip", area.zips), "the ZIPs of the service area, not all of which have an area of their own on the map"
        claims = [
            Claim(many, rows=inside, how="count"),
            Claim(part, "origin_share", f"{inside} and origin_share == origin_share", "sum"),
        ]
        if not set(area.zips) <= set(shown["zip"]):
            claims = [given(many, len(area.zips), basis), given(part, held, basis)]
    return exhibit(
        PATIENT_ORIGIN,
        shown,
        title,
        f"Share of {name}'s Medicare inpatient stays by ZIP of residence, {year}; service area outlined ({area.rule})",
        sources=sources,
        note=f"{boundaries(drawn)} {CAUSE}",
        claims=claims,
    )


def definitions(report: Report, area: Catchment, flows: pd.DataFrame, zips: pd.DataFrame, name: str, year: int) -> Exhibit:
    """Table of the accepted service areas; the note counts the flows (of `catchment_area.placed`) that could not be placed."""
    sources = ["hospital_flows", "zips"]
    reached = area.rules["reached"].map({"yes": "reached", "no": "not reached"})
    table = area.rules.drop(columns="before_share").assign(reached=reached).rename(columns={"origin_share": "held_share"})
    basis = f" {sentence(area.basis)}." if area.basis else ""
    return exhibit(
        "service-areas",
        report.protect(table, sources=sources),
        f"Service area of {name} under each accepted definition, stays of {year}",
        sources=sources,
        note=f"{contiguity(area)}{left_out(unmatched(flows))}{basis}"
        " LIFO: residents treated inside / all treated inside. LOFI: residents treated inside / all residents. Both are descriptive only."
        f" {CAUSE}",
        labels={"people": f"People ({counted(zips)})"},
        emphasize=area.rule,
    )


def zip_list(report: Report, origins: pd.DataFrame, name: str, first: int, last: int) -> Exhibit:
    """Table of origin and share side by side; `origins` is `catchment_area.origin_table`."""
    table = origins.assign(between_share=ranges(origins, "share", words.share))
    table = table.rename(columns={"cases_n": "stays_n", "share": "market_share"})
    columns = ["zip", "city", "stays_n", "origin_share", "cum_share", "market_share", "between_share", "since_first_share"]
    least = report.threshold(FLOWS)
    only = f"Only ZIPs with at least {least} stays. " if least else ""
    return exhibit(
        "origin-and-share-by-zip",
        report.protect(table[[*columns, "since_last_share", "note"]], sources=FLOWS),
        f"Patient origin and market share by ZIP, {name}, {last}",
        sources=FLOWS,
        note=f"{only}High origin with low share, or the reverse, against our share of all these ZIPs. {CAUSE}",
        labels={"since_first_share": f"Stays since {first}", "since_last_share": f"Since {last - 1}"},
        most=10,
    )


def zip_shares(report: Report, top: pd.DataFrame, overall: float, year: int) -> Exhibit:
    """Our share in the ZIPs that send most; the title counts those with less than our share of the area, `overall`."""
    shown = report.protect(top[TOP].rename(columns={"cases_n": "stays_n"}), sources=FLOWS)
    low, line = int((shown["share_high"] < overall).sum()), words.share(overall, digits=0)
    title, claims = "No large ZIP gives us less than our share of the area", list[Claim]()
    if low:
        few, all_ = words.plural(low, "ZIP"), f"the {words.count(len(shown))} largest"
        title = f"{few} of {all_} {'gives' if low == 1 else 'give'} us less than {line}"
        claims = [
            Claim(few, rows=f"share_high < {float(overall)!r}", how="count"),
            Claim(all_, how="count"),
            given(line, overall, "our share of the service area's stays"),
        ]
    least = max(report.threshold(FLOWS), 1)
    none = f"Shares by ZIP cannot be shown: every ZIP has fewer than {least} published stays. " if top.empty else ""
    return exhibit(
        "share-by-zip",
        shown,
        title,
        f"Market share with 95 % Wilson interval in the ZIPs that send most patients, {year}",
        sources=FLOWS,
        note=f"{none}{CAUSE} Suppressed flows of others are estimated from their published totals.",
        claims=claims,
    )


def contiguity(area: Catchment) -> str:
    """What the contiguity step changed, as a note."""
    role = area.contiguous.zips["role"].value_counts()
    if np.isnan(area.contiguous.share_after):
        return "No contiguous area: no ZIP has published stays."
    kinds = (("island", "flagged as island"), ("added", "added to connect"), ("hole", "surrounded and filled"))
    parts = [words.plural(int(role[name]), f"ZIP {what}", f"ZIPs {what}") for name, what in kinds if role.get(name, 0)]
    before, after = words.share(area.contiguous.share_before), words.share(area.contiguous.share_after)
    return f"Contiguity step: {before} of patients before, {after} after ({words.listing(parts) if parts else 'nothing changed'})."


def left_out(gone: Mapping[str, pd.Series]) -> str:
    """What could not be placed (`catchment_area.unmatched`), as a note; empty when everything was."""
    what = {"hospitals": ("hospital", "stand under the hospital's number"), "zips": ("ZIP", "are on no map")}
    return "".join(
        f" {words.plural(rows.sum(), 'flow')} of {words.plural(len(rows), what[table][0])} that the table {table} lacks"
        f" ({words.listing(rows.index, most=3)}) {what[table][1]}."
        for table, rows in gone.items()
        if len(rows)
    )


def boundaries(drawn: pd.DataFrame) -> str:
    """How the areas of the ZIPs are drawn (`catchment_area.zip_areas`), as a note."""
    around = int((drawn["boundary"] == THIESSEN).sum())
    polygons = "Thiessen polygons around ZIP points, clipped to counties: not postal boundaries."
    if around == len(drawn):
        return f"ZIP areas are {polygons}"
    own = "ZIP areas are Census ZIP code tabulation areas, which are close to postal boundaries."
    return f"{own} {words.plural(around, 'ZIP')} without one: {polygons}" if around else own
