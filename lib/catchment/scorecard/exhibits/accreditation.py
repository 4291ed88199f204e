"""Standards by chapter and one by one, open work up to the site visit, research accrual."""

from functools import partial

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.scorecard import Scorecard

from .. import readiness
from ..written import HIDDEN, days

exhibit = partial(Exhibit, room="scorecard")
SOURCES = ["coc_standards", "standards_evidence"]


def chapters(report: Report, assessed: pd.DataFrame) -> Exhibit:
    """Figure: standards by chapter; how many are met, and what decides the gate. `assessed` comes from `readiness.assess`."""
    shown = report.protect(readiness.by_chapter(assessed), sources=SOURCES)
    met, asked = int((assessed["status"] == "Met").sum()), int((assessed["status"] != "Not applicable").sum())
    deciding = readiness.gate(assessed)
    which = f"standard{'s' if len(deciding.standards) > 1 else ''} {words.listing(deciding.standards, most=3)}"
    tail = {
        "blocked": f"{which} block{'' if len(deciding.standards) > 1 else 's'} the gate",
        "unknown": f"{which} not evidenced",
        "conditional": f"{which} at risk",
        "ready": "the gate is open",
    }[deciding.verdict]
    return exhibit(
        "standards-by-chapter",
        shown,
        f"{met} of {asked} standards met; {tail}",
        f"Standards by chapter and status, {report.settings.name}, compliance year {report.settings.as_of.year}",
        sources=SOURCES,
        claims=[
            Claim(f"{met} of", "standards_n", "status == 'Met'", "sum"),
            Claim(f"{asked} standards", "standards_n", "status != 'Not applicable'", "sum"),
        ],
        names=[which],
    )


def standards(report: Report, assessed: pd.DataFrame, *, hide: list[str]) -> Exhibit:
    """Table: all standards, open ones first; the measured share of those in `hide` is not shown."""
    measured = [
        HIDDEN if number in hide else words.share(share, digits=0) if share == share else "none"
        for number, share in zip(assessed["standard"], assessed["measured_share"], strict=True)
    ]
    owner = [f"{name}, {day}" for name, day in zip(assessed["owner"].fillna("not named"), days(assessed["due"]), strict=True)]
    out = assessed.assign(
        standard=assessed["standard"] + " " + assessed["title"],
        measured=measured,
        evidence=assessed["evidence"].where(~assessed["contradicted"], assessed["evidence"] + " (reported as met)"),
        owner_and_due=owner,
        threshold=assessed["threshold_text"] + " (" + assessed["confidence"] + ")",
    )
    place = assessed["status"].map({"Not met": 0, "Unknown": 1, "At risk": 2}).fillna(3)
    columns = ["standard", "threshold", "measured", "status", "evidence", "owner_and_due"]
    shown = report.protect(out.loc[place.sort_values(kind="stable").index, columns], sources=SOURCES)
    return exhibit(
        "standards",
        shown,
        f"Standards with status, evidence and owner, open ones first, compliance year {report.settings.as_of.year}",
        sources=SOURCES,
        most=max(6, int(shown["status"].isin(readiness.OPEN).sum())),
        emphasize=shown["status"].isin(["Not met", "Unknown"]),
    )


def deadlines(report: Report, calendar: pd.DataFrame, rules: Scorecard) -> Exhibit:
    """Table: open standards by due date, from `readiness.calendar`."""
    out = calendar.assign(
        standard=calendar["standard"] + " " + calendar["title"],
        due=days(calendar["due"]),
        days_left=[words.number(left) if left == left else "no date" for left in calendar["days_left"]],
        owner=calendar["owner"].fillna("not named"),
    )
    visit = f"{rules.site_visit:%Y-%m-%d}"
    return exhibit(
        "deadlines",
        report.protect(out[["standard", "status", "owner", "due", "days_left", "timing"]], sources=["standards_evidence"]),
        f"Open standards up to the site visit on {visit}",
        sources=["standards_evidence"],
        names=[visit],
    )


def accrual(report: Report, against: pd.DataFrame, rules: Scorecard) -> Exhibit:
    """Table: research accrual by program category, from `readiness.accrual`."""
    shown = report.protect(against, sources=["kpi_months"])
    return exhibit(
        "accrual-by-category",
        shown,
        f"Research accrual of {report.settings.as_of.year} against each program category; ours is {rules.category}",
        sources=["kpi_months"],
        note="The percentages are general knowledge of standard 9.1 with low confidence: verify them in the manual.",
        emphasize=shown["category"] == rules.category,
    )
