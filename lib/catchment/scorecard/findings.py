"""Takeaways and cards of the program scorecard: what is news, what the gate says, where money went, what slips.

Each sentence is computed; "nothing stands out" is a finding too. Values of indicators are written in the unit that their name ends in.
"""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from catchment import words
from catchment.page.blocks import Finding, Kpi, Measure
from catchment.page.exhibit import Exhibit
from catchment.stats import rates

from .exhibits.indicators import by_weight, moved
from .exhibits.money import difference
from .exhibits.plan import lateness
from .playbook import CLOSED, LATE
from .readiness import Gate
from .written import period, signed, value

JUDGED = ["concern", "improvement", "change", "common"]
VERDICTS = {"ready": "good", "blocked": "bad"}


def cards(
    board: pd.DataFrame, standards: pd.DataFrame, gate: Gate, bridge: pd.DataFrame, this: Mapping[str, float],
    last: Mapping[str, float],
    milestones: pd.DataFrame, *, targets: dict[str, float], year: int,
) -> list[Kpi]:  # fmt: skip
    """The strip: standards, indicators, margin, wait (of `this` year and the `last`), milestones; each against its goal."""
    return [
        _standards(standards, gate),
        _indicators(board),
        _margin(bridge),
        _wait(this, last, targets["treatment_days"], year),
        _milestones(milestones),
    ]


def _standards(standards: pd.DataFrame, gate: Gate) -> Kpi:
    met = int((standards["status"] == "Met").sum())
    return Kpi(
        "Standards met",
        f"{met} of {(standards['status'] != 'Not applicable').sum()}",
        f"{words.plural((standards['status'] == 'At risk').sum(), 'standard')} at risk",
        gate_words(gate),
        VERDICTS.get(gate.verdict, "neutral"),
        recorded="standards_met",
        measure=Measure("Standards met", met, "higher"),
    )


def _indicators(board: pd.DataFrame) -> Kpi:
    worse, judged = (board["variation"] == "concern").sum(), board["variation"].isin(JUDGED).sum()
    return Kpi(
        "Indicators worse beyond chance",
        f"{worse} of {judged}",
        f"{words.count((board['assurance'] == 'fail').sum())} miss their target",
        words.goal(worse, 0, words.count, low_is_good=True),
        words.status(worse, 0, low_is_good=True),
    )


def _margin(bridge: pd.DataFrame) -> Kpi:
    planned, margin = float(bridge["margin_usd"].iloc[0]), float(bridge["margin_usd"].sum())
    return Kpi(
        "Contribution to date",
        words.money(margin),
        words.change(margin, planned, "budget"),
        words.goal(margin, planned, words.money, name="Budget"),
        words.status(margin, planned),
        recorded="margin",
    )


def _wait(this: Mapping[str, float], last: Mapping[str, float], target: float, year: int) -> Kpi:
    days = this["median_days"]
    return Kpi(
        "Median days, referral to treatment",
        words.number(days),
        words.change(days, last["median_days"], year - 1, unit="count"),
        words.goal(days, target, words.number, low_is_good=True),
        words.status(days, target, low_is_good=True),
        measure=Measure("Days to treatment", days, "lower"),
    )


def _milestones(milestones: pd.DataFrame) -> Kpi:
    late_n, open_n = late(milestones)
    return Kpi(
        "Milestones on time",
        words.share(float(rates.quotient(open_n - late_n, open_n)), digits=0),
        f"of {words.plural(open_n, 'open milestone')}",
        words.goal(late_n, 0, lambda n: f"{n:.0f} late", low_is_good=True),
        words.status(late_n, 0, low_is_good=True),
    )


def signals(board: pd.DataFrame, first_chart: Exhibit) -> Finding:
    """How many indicators moved beyond chance for the worse, and which first: that of `first_chart`, from `exhibits.controls`."""
    judged = board[board["variation"].isin(JUDGED)]
    board = by_weight(board)
    bad, good = board[board["variation"] == "concern"], board[board["variation"] == "improvement"]
    named = f" ({words.listing(good['title'].str.lower(), most=2)})" if len(good) else ""
    more = f" Beyond chance, {words.plural(len(good), 'indicator', spelled=True)} improved{named}."
    if bad.empty:
        return Finding(
            f"**No indicator of {words.count(len(judged))} worsened beyond chance.**{more}",
            first_chart.key,
            certainty=0.95,
            basis="within control limits",
        )
    first = bad.iloc[0]
    others = f" Also for the worse: {words.listing(bad['title'].iloc[1:].str.lower(), most=3)}." if len(bad) > 1 else ""
    text = f"**{moved(first)}, for the worse.**{_began(first)}{others}{more}"
    away = abs(first["now"] - first["usual"]) / first["usual"] if first["usual"] else 1.0
    # A share says itself how much of the program it is about; the margin is what the program's dollars are measured against.
    part = abs(first["now"] - first["usual"]) if first["kpi"].endswith("_share") and first["kpi"] != "margin_share" else away
    return Finding(
        text,
        first_chart.key,
        size=float(min(1.0, part)),
        certainty=0.95,
        change=float(min(1.0, away)),
        basis="beyond control limits",
        since="its usual level",
        so=_against_target(first),
    )


def left_out(gone: pd.DataFrame) -> list[str]:
    """A sentence on each indicator with months that have no value, from `indicators.left_out`."""
    return [
        f"**{row.title}: {words.plural(row.months_n, 'month')} without a value** "
        f"({f'{row.first:%b %Y}' if row.months_n == 1 else f'from {row.first:%b %Y} to {row.last:%b %Y}'}): "
        "the denominator is empty or 0, so the numerator does not count either."
        for row in gone.itertuples()
    ]


def _began(row: Mapping) -> str:
    """Since when, where it is more than the newest period."""
    if pd.isna(row["began"]) or row["began"] == row["period"]:
        return ""
    return f" It has been so since {period(row['began'], row['length'])}."


def _against_target(row: Mapping) -> str:
    if pd.isna(row["target"]):
        return ""
    short = row["now"] > row["target"] if row["better"] == "lower" else row["now"] < row["target"]
    return f"That {'misses' if short else 'still meets'} the target of {value(row['kpi'], row['target'])}."


def gate(found: Gate, assessed: pd.DataFrame, chapters: Exhibit, *, visit: date) -> Finding:
    """Whether the program would pass the site visit, and what decides it; `chapters` from `exhibits.chapters`."""
    titles = [f"{row.standard} ({row.title.lower()})" for row in assessed[assessed["standard"].isin(found.standards)].itertuples()]
    met, asked = (assessed["status"] == "Met").sum(), (assessed["status"] != "Not applicable").sum()
    said = {
        "blocked": "**The accreditation gate is blocked by {0}**; {1} of {2} standards are met",
        "unknown": "**Readiness cannot be said: {0} has no evidence**; {1} of {2} standards are met",
        "conditional": "**No standard fails, but {0} is at risk**; {1} of {2} are met",
        "ready": "**All {2} applicable standards are met**",
    }
    text = (
        said[found.verdict].format(words.listing(titles, most=2), met, asked)
        + f". The site visit is on {visit:%B} {visit.day}, {visit.year}."
    )
    so = {
        "blocked": "One standard that is not met blocks accreditation: no average makes up for it.",
        "unknown": "Without evidence a surveyor counts it as not met.",
    }.get(found.verdict, "")
    # A blocked gate concerns the whole program, a standard at risk little of it as yet.
    return Finding(
        text,
        chapters.key,
        size={"blocked": 1.0, "unknown": 0.3, "conditional": 0.05, "ready": 0.0}[found.verdict],
        certainty=0.95,
        basis="evidence on file",
        so=so,
    )


def gate_words(found: Gate) -> str:
    """The gate's verdict for a card."""
    which = words.listing(found.standards, most=3)
    return {
        "blocked": f"Gate: blocked by {which}",
        "unknown": f"Gate: unknown, {which}",
        "conditional": f"Gate: at risk, {which}",
        "ready": "Gate: ready",
    }[found.verdict]


def money(lines: pd.DataFrame, bridge: Exhibit) -> Finding:
    """Margin against budget and the part that explains most of the difference; `bridge` from `exhibits.bridge`."""
    planned, (total, part) = float(bridge.shown["margin_usd"].iloc[0]), difference(bridge.shown)
    most = float(bridge.shown.set_index("step").at[part, "margin_usd"])
    material = int(lines["material"].sum())
    text = (
        f"**Margin is {words.money(abs(total))} {'below' if total < 0 else 'above'} budget for the fiscal year to date, "
        f"mostly by {part.lower()}** ({signed(most)}); "
        f"{words.plural(material, 'line')} {'differs' if material == 1 else 'differ'} materially."
    )
    share = min(1.0, abs(total) / max(abs(planned), 1.0))
    return Finding(
        text,
        bridge.key,
        size=share,
        certainty=0.95,
        change=share,
        usd=abs(total),
        basis="ledger against budget",
        since="the budget",
        so=f"It is {words.share(share)} of the margin planned for the same months.",
    )


def slips(milestones: pd.DataFrame, roadmap: Exhibit) -> Finding:
    """How many open milestones are late, and the one that slipped most; `roadmap` from `exhibits.roadmap`."""
    open_ = milestones[~milestones["standing"].isin(CLOSED)]
    late = open_[open_["standing"].isin(LATE)].sort_values("slip_days", ascending=False)
    title, _ = lateness(roadmap.shown)
    if late.empty:
        return Finding(f"**{title}.**", roadmap.key, certainty=0.95, basis="dates of the plan")
    row = late.iloc[0]
    text = (
        f"**{title}**; {row['initiative'].lower()} slipped most, by {words.plural(row['slip_days'], 'day')} at "
        f"“{row['milestone'].lower()}”."
    )
    return Finding(
        text,
        roadmap.key,
        size=min(1.0, float(open_["slip_days"].clip(lower=0).mean()) / 365),  # the part of a year that the plan as a whole is behind
        certainty=0.95,
        change=min(1.0, row["slip_days"] / 365),
        basis="dates of the plan",
        since="the plan",
        so="What waits for a late milestone moves with it.",
    )


def late(milestones: pd.DataFrame) -> tuple[int, int]:
    """Milestones that are overdue or slipping, and all that are open."""
    return int(milestones["standing"].isin(LATE).sum()), int((~milestones["standing"].isin(CLOSED)).sum())
