"""Exhibits of capacity: machines and chairs in use, when limits are passed, waits, and how likely a limit is passed."""

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from .wording import PLAN, VOLUMES, exhibit

IN_USE = "machines-and-chairs-in-use"
MACHINES = {"linac": "Linacs", "chair": "Chairs"}
UNCHANGED, PLANNED = "Nothing changes", "With the plan"


def rooms(report: Report, unchanged: pd.DataFrame, planned: pd.DataFrame) -> Exhibit:
    """Figure: use of machines and chairs by year; the title says when each passes its limit, without and with the plan.

    Parameters
    ----------
    unchanged, planned
        What the volumes ask of each resource, see `staffing.with_plan`; a resource that is not there is left out.
    """
    table = _in_use(unchanged, planned)
    shown = report.protect(table.drop(columns=["resource", "title"]), sources=VOLUMES)
    return exhibit(
        IN_USE,
        shown,
        _passed(table),
        f"Share of machine and chair time in use, {report.settings.name}, with and without the plan",
        sources=VOLUMES,
        claims=[
            Claim(str(year), "year", f"line == {line!r} and utilization_share > limit_share", "first")
            for line, year in _hit(shown, "line").items()
            if str(year) in _passed(table)
        ],
    )


def _in_use(unchanged: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    both = pd.concat([unchanged.assign(case=UNCHANGED.lower()), planned.assign(case=PLANNED.lower())])
    kept = both[both["resource"].isin(MACHINES) & np.isfinite(both["utilization_share"]) & both["available"].gt(0)]
    columns = ["resource", "title", "line", "year", "utilization_share", "limit_share", "volume_n", "available"]
    return kept.assign(line=kept["resource"].map(MACHINES) + ", " + kept["case"])[columns].round({"available": 1}).reset_index(drop=True)


def _hit(table: pd.DataFrame, by: str) -> pd.Series:
    """The first year past the planning limit, earliest first; what never passes it is left out."""
    return table[table["utilization_share"] > table["limit_share"]].groupby(by, sort=False)["year"].min().sort_values(kind="stable")


def _passed(table: pd.DataFrame) -> str:
    last, cases = table["year"].max(), (UNCHANGED.lower(), PLANNED.lower())
    hit, filled = (_hit(table[table["line"].str.endswith(case)], "title") for case in cases)
    if table.empty:
        return "No machine or chair is at the partner"
    if len(hit):
        ends = [f"{title.lower()} in {year} ({filled.get(title, f'not by {last}')} with the plan)" for title, year in hit.items()]
        return f"Limits are passed: {words.listing(ends, most=2)}"
    if len(filled):
        return f"With the plan, {filled.index[0].lower()} pass their limit in {filled.iloc[0]}; without it none does by {last}"
    return f"No machine or chair reaches its planning limit by {last}"


def limits(report: Report, unchanged: pd.DataFrame, planned: pd.DataFrame, *, last: int) -> Exhibit:
    """Table: when each resource is short, without and with the plan; one that is neither there nor needed is left out.

    Parameters
    ----------
    unchanged, planned
        See `capacity.limits`; "never" is within the years given.
    """
    hit = ["year_hit", "year_over", "year_hit_planned"]
    with_plan = planned[["resource", "year_hit"]].rename(columns={"year_hit": "year_hit_planned"})
    table = unchanged.merge(with_plan, on="resource", how="left", validate="one_to_one").rename(columns={"utilization_share": "now_share"})
    table = table[(table["available_last"] > 0) | (table["need_last"] > 0)]
    table = table.assign(**{column: table[column].astype("string").fillna("never") for column in hit})
    kept = ["title", "now_share", "limit_share", "need_last", "available_last", *hit]
    return exhibit(
        "limits-passed",
        report.protect(table[kept].round({"need_last": 1, "available_last": 1}).reset_index(drop=True), sources=VOLUMES),
        "When each resource passes its planning limit",
        sources=VOLUMES,
        labels={"need_last": f"Needed in {last}", "available_last": f"There in {last}"},
        note=f"Staff is counted against the assumptions' benchmarks. Never: not by {last}.",
    )


def waits(report: Report, waiting: pd.DataFrame) -> Exhibit:
    """Figure: waits for a chair (`staffing.chair_waits`); the title says the first and the last year that still settle."""
    shown = report.protect(waiting, sources=VOLUMES)
    title, claims = _wait_title(shown)
    return exhibit(
        "waits-for-a-chair",
        shown,
        title,
        f"Mean wait for a free infusion chair, {report.settings.name}, minutes",
        sources=VOLUMES,
        note="Erlang-C with the Allen-Cunneen correction for booked arrivals; no value where demand exceeds the chairs: "
        "the wait would grow without end. "
        "Booked schedules turn such waits into later appointments.",
        claims=claims,
    )


def _wait_title(waiting: pd.DataFrame) -> tuple[str, list[Claim]]:
    now, then = (waiting[waiting["line"].eq(line)] for line in (UNCHANGED, PLANNED))
    still = now.dropna(subset="wait_min")
    if waiting.empty:
        return "No infusion chair is on record, or not what it is used for", []
    if still.empty:
        return "There are too few chairs for the patients: waits grow without end", []
    if now["wait_min"].isna().any():
        year = now.loc[now["wait_min"].isna(), "year"].min()
        return f"Waits for a chair grow, and from {year} there are too few chairs", []
    first, last = still.iloc[0], still.iloc[-1]
    claims, end = [_minutes(UNCHANGED, first)], ""
    if then["wait_min"].isna().any():
        end = f"; with the plan there are too few chairs from {then.loc[then['wait_min'].isna(), 'year'].min()}"
    elif len(then) and then["wait_min"].iloc[-1] > 1.5 * last["wait_min"] + 1:
        claims.append(_minutes(PLANNED, then.iloc[-1]))
        end = f"; with the plan they reach {claims[-1].said} by {last['year']}"
    if abs(last["wait_min"] - first["wait_min"]) < 1:
        return f"Waits for a chair stay near {claims[0].said} minutes{end}", claims
    claims.append(_minutes(UNCHANGED, last))
    return f"Waits for a chair go from {claims[0].said} to {claims[-1].said} minutes by {last['year']}{end}", claims


def _minutes(line: str, row: pd.Series) -> Claim:
    return Claim(words.number(row["wait_min"]), "wait_min", f"line == {line!r} and year == {row['year']}")


def breaches(report: Report, breached: pd.DataFrame) -> Exhibit:
    """Figure: chance that a limit is passed (`staffing.breach`); the title names the worst resource in its last year."""
    table = breached.drop(columns="resource").rename(columns={"title": "resource"})
    shown, title, claims = report.protect(table, sources=PLAN), "No machine or chair is at the partner", list[Claim]()
    if len(shown):
        last = shown[shown["year"].eq(shown["year"].max())]
        top = last.loc[last["breach_share"].idxmax()]
        chance = words.share(top["breach_share"], digits=0)
        title = f"With the plan, {top['resource'].lower()} pass their limit by {top['year']} with a chance of {chance}"
        claims = [Claim(chance, "breach_share", f"resource == {top['resource']!r} and year == {top['year']}")]
    return exhibit(
        "chance-of-passing-a-limit",
        shown,
        title,
        f"Chance that the planning limit is passed, with the plan, {report.settings.name}, share of draws",
        sources=PLAN,
        claims=claims,
    )
