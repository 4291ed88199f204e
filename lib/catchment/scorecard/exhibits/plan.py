"""What is to be done: findings of other reports, gaps by priority, milestones, decisions and the log of risks."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from ..playbook import CLOSED, LATE, PHASES
from ..written import days, kept

exhibit = partial(Exhibit, room="scorecard")


def elsewhere(report: Report, summaries: Mapping[str, Mapping[str, Any]]) -> Exhibit:
    """Table: what the partner's other reports found, by size times certainty; `summaries` by notebook (`page.needed`)."""
    rows = [
        (finding["text"].replace("**", ""), told["title"], finding["size"] * finding["certainty"])
        for told in summaries.values()
        for finding in told["findings"]
    ]
    rows = rows or [("The other reports were not built with this one.", "none", np.nan)]
    found = pd.DataFrame(rows, columns=["finding", "report", "weight"])
    return exhibit(
        "findings-elsewhere",
        report.protect(found.sort_values("weight", ascending=False, kind="stable", ignore_index=True), sources=[]),
        "Findings of the other reports, by size times certainty (0 to 1)",
        note="Each report names its own sources.",
        names=["0 to 1"],
        most=8,
    )


def gaps(report: Report, ranked: pd.DataFrame) -> Exhibit:
    """Table: gaps by priority, from `playbook.rank`."""
    closes = np.where(ranked["gate"], "closes the gate", "")
    said = [f"{text}{f' ({gate})' if gate else ''}" for text, gate in zip(ranked["evidence"], closes, strict=True)]
    out = ranked.assign(evidence=said, initiative=ranked["initiative"].fillna("none yet"))
    sources = ["kpi_months", "standards_evidence", "service_access", "budget_lines", "milestones"]
    return exhibit(
        "gaps",
        report.protect(out[["priority", "gap", "area", "evidence", "initiative", "phase"]], sources=sources),
        f"Gaps by priority, {report.settings.name}",
        sources=sources,
        most=15,
    )


def roadmap(report: Report, milestones: pd.DataFrame) -> Exhibit:
    """Figure: initiatives by milestone, from the end of the one before to its own finished or expected end; how many are late.

    `milestones` come from `playbook.slippage`. The work towards the n-th milestone of an initiative is its n-th phase.
    """
    end = pd.to_datetime(milestones["finished"]).fillna(pd.to_datetime(milestones["expected"]))
    begin = end.groupby(milestones["initiative"]).shift().fillna(end - pd.to_timedelta(milestones["duration_days"], unit="D"))
    place = milestones.groupby("initiative").cumcount().clip(upper=len(PHASES) - 1)
    out = milestones.assign(start=begin, end=end, phase=[PHASES[at] for at in place])
    columns = ["initiative", "phase", "milestone", "start", "end", "planned", "slip_days", "standing"]
    shown = report.protect(out[columns], sources=["milestones"])
    title, claims = lateness(shown)
    return exhibit(
        "roadmap",
        shown,
        title,
        f"Initiatives by milestone, finished or expected, {report.settings.name}",
        sources=["milestones"],
        claims=claims,
    )


def lateness(milestones: pd.DataFrame) -> tuple[str, list[Claim]]:
    """How many open milestones are late, in words, with the claims of these words."""
    open_n = int((~milestones["standing"].isin(CLOSED)).sum())
    late_n = int(milestones["standing"].isin(LATE).sum())
    not_closed, behind = f"standing not in {list(CLOSED)}", f"standing in {list(LATE)}"
    if not late_n:
        title = f"No open milestone of {words.count(open_n)} is late"
        return title, [Claim("No", rows=behind, how="count"), Claim(f"of {words.count(open_n)}", rows=not_closed, how="count")]
    late, all_ = f"{words.count(late_n)} of", words.plural(open_n, "open milestone")
    title = f"{late} {all_} {'is' if late_n == 1 else 'are'} late"
    return title, [Claim(late, rows=behind, how="count"), Claim(all_, rows=not_closed, how="count")]


def path(report: Report, tasks: pd.DataFrame) -> Exhibit:
    """Table: open milestones with dates, slippage and slack, from `playbook.critical_path`."""
    out = tasks.assign(planned=days(tasks["planned"]), expected=days(tasks["expected"]), slack_days=tasks["slack"].round().astype(int))
    columns = ["initiative", "milestone", "planned", "expected", "slip_days", "slack_days", "standing"]
    return exhibit(
        "milestones-by-slack",
        report.protect(out[columns], sources=["milestones"]),
        "Open milestones with their slack to the end of the program",
        sources=["milestones"],
        note="Without slack a day of delay moves the end of the program; those milestones are emphasized.",
        most=20,
        emphasize=tasks["critical"],
    )


def decisions(report: Report, asked: pd.DataFrame) -> Exhibit:
    """Table: decisions that the program asks for, by the day they are needed."""
    out = asked.sort_values("by")
    out = out.assign(by=days(out["by"]), amount=[kept(words.money(usd)) if usd == usd else "none" for usd in out["amount_usd"]])
    shown = report.protect(out[["decision", "forum", "by", "amount", "otherwise"]], sources=["decisions"])
    return exhibit("decisions", shown, "Decisions needed", sources=["decisions"])


def raid(report: Report, items: pd.DataFrame) -> Exhibit:
    """Table: risks, assumptions, issues and dependencies by weight (likelihood times impact)."""
    out = items.assign(weight=items["likelihood"] * items["impact"]).sort_values(["weight", "item"], ascending=[False, True])
    columns = ["title", "kind", "likelihood", "impact", "weight", "owner", "response"]
    return exhibit(
        "raid",
        report.protect(out[columns], sources=["raid"]),
        "Risks, assumptions, issues and dependencies, by likelihood times impact (1 to 5)",
        sources=["raid"],
        names=["1 to 5"],
    )
