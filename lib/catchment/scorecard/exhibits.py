"""What is said about each exhibit of the program scorecard: title, subtitle or caption, sources, labels and note, as keyword arguments.

Titles are conclusions and computed; which claim one makes follows from the numbers ("not measurably different" is one of them).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from catchment import words
from catchment.stats import control as control_charts
from catchment.stats.survival import LogRank

from .findings import MARGIN_STEPS, moved, slips
from .readiness import Gate
from .tables import value

Words = dict[str, Any]


def indicators(settings) -> Words:
    """The table of all indicators."""
    return {
        "caption": f"Indicators of the program, newest value, {settings.name}",
        "sources": ["kpi_months", "volumes", "referral_cases", "budget_lines"],
        "labels": {"mean": "Usual (mean)"},
        "note": "[c]: 1 to 10 patients in the numerator, denominator or the rest; such an indicator moves to quarters or years "
        "until it can be shown.",
    }


def composite(whole: pd.Series, rules) -> Words:
    """The composite score with its coverage, what it rests on and how far it moves."""
    band = words.share(rules.composite_band_share.value, digits=0)
    note = f"100 at the target, 0 at {band} of the target away from it. What is not measured gives its weight to the rest."
    if pd.isna(whole["score"]):
        caption = "No composite score: no indicator with a target was measured"
    else:
        caption = (
            f"Composite score {words.number(whole['score'])} of 100, with {words.share(whole['coverage_share'], digits=0)} of its weights "
            f"measured; {whole['weakest'].lower()} lowers it most"
        )
        note += f" Leaving out any one domain moves it between {words.interval(whole['score_low'], whole['score_high'], words.number)}."
    return {
        "caption": caption,
        "sources": ["kpi_months", "referral_cases", "budget_lines"],
        "labels": {"score": "Score, 0 to 100", "measured": "Measured"},
        "note": f"{note} It orders, it decides nothing: a good domain can hide a bad one.",
    }


def control(row: Mapping, settings) -> Words:
    """The chart of one indicator: what its newest point says, how it is counted, whose it is; or that there is none to draw."""
    if not row["kpi"]:
        text = f"No further indicator has the {control_charts.LEAST_POINTS} points that a chart needs"
        return {"title": text, "subtitle": text, "sources": []}
    over = f" over {row['denominator']}" if isinstance(row["denominator"], str) and row["denominator"] else ""
    kind = {"xmr": "XmR", "p": "p", "u": "u"}[row["chart"]]
    kpi = row["kpi"]
    return {
        "title": _control_title(row),
        "subtitle": f"{row['numerator'][:1].upper()}{row['numerator'][1:]}{over}, by {row['length']}, {settings.name}; {kind} chart",
        "sources": [row["source"]],
        "labels": {
            "period": "Period",
            kpi: row["title"],
            f"mean_{kpi}": "Mean",
            f"{kpi}_low": "Lower limit",
            f"{kpi}_high": "Upper limit",
            "signal": "Special cause",
        },
        "note": f"Owner: {row['owner']}. Diamonds are special causes, open ones for the better.",
    }


def _control_title(row: Mapping) -> str:
    now, usual = value(row["kpi"], row["now"]), value(row["kpi"], row["usual"])
    if row["variation"] in ("concern", "improvement", "change"):
        tail = {"concern": ", for the worse", "improvement": ", an improvement", "change": ""}[row["variation"]]
        return f"{moved(row)}{tail}"
    if row["assurance"] == "fail":
        return f"{row['title']} will miss the target of {value(row['kpi'], row['target'])}"
    return f"{row['title']} did not change measurably: {now}, mean {usual}"


def waiting(this: pd.Series, last: pd.Series, test: LogRank, settings, *, smallest: int) -> Words:
    """Days to treatment: the median now, and whether the curves of two years differ beyond chance."""
    year = settings.as_of.year
    middle = words.plural(this["median_days"], "day")
    faster = this["median_days"] < last["median_days"]
    than = f"{'faster' if faster else 'slower'} than in {year - 1}"
    return {
        "title": f"Half are treated within {middle}, {than if test.pvalue < 0.05 else f'not measurably different from {year - 1}'}",
        "subtitle": f"Share of patients treated at {settings.name} by days since referral, referrals of {year - 1} and {year}",
        "sources": ["referral_cases"],
        "note": f"Log-rank chi-square {words.number(test.chi2, digits=1)} on {test.df} degree of freedom. "
        f"Points are at steps of at least {smallest} patients.",
    }


def bridge(steps: pd.DataFrame, elapsed: str, settings) -> Words:
    """From budgeted to actual margin: the difference and its largest part."""
    total = float(steps["margin_usd"].iloc[1:].sum())
    part = steps.iloc[1:].set_index("step")["margin_usd"].abs().idxmax()
    return {
        "title": f"Margin stands {words.money(abs(total))} {'below' if total < 0 else 'above'} budget, mostly by {MARGIN_STEPS[part]}",
        "subtitle": f"Contribution of all lines less fixed cost, budget to actual, {settings.name}, {elapsed}",
        "sources": ["budget_lines"],
    }


def variances(rules, elapsed: str) -> Words:
    """The table of budget lines."""
    return {
        "caption": f"Budget, flexed budget and actual by line, {elapsed}",
        "sources": ["budget_lines"],
        "note": f"Material lines follow below: above {words.share(rules.materiality_share.value, digits=0)} of budget "
        f"and above {words.money(rules.materiality_usd.value)}.",
    }


def explained() -> Words:
    """The table of material variances."""
    return {
        "caption": "Material variances and the comment that each needs",
        "sources": ["budget_lines", "variance_comments"],
        "labels": {"total_share": "Of budget"},
    }


def outlook(fiscal_year: int) -> Words:
    """The table of forecasts for the fiscal year."""
    return {
        "caption": f"Where fiscal year {fiscal_year} will end, by line",
        "sources": ["budget_lines"],
        "note": "Run rate: to date times 12 over the months elapsed. "
        "Seasonal: to date over the share of last year that the same months made.",
    }


def chapters(found: Gate, assessed: pd.DataFrame, settings) -> Words:
    """Standards by chapter: how many are met, and what decides the gate."""
    met, asked = (assessed["status"] == "Met").sum(), (assessed["status"] != "Not applicable").sum()
    which = f"standard{'s' if len(found.standards) > 1 else ''} {words.listing(found.standards, most=3)}"
    tail = {
        "blocked": f"{which} block{'' if len(found.standards) > 1 else 's'} the gate",
        "unknown": f"{which} not evidenced",
        "conditional": f"{which} at risk",
        "ready": "the gate is open",
    }[found.verdict]
    return {
        "title": f"{met} of {asked} standards met; {tail}",
        "subtitle": f"Standards by chapter and status, {settings.name}, compliance year {settings.as_of.year}",
        "sources": ["coc_standards", "standards_evidence"],
    }


def standards(year: int) -> Words:
    """The table of all standards."""
    return {
        "caption": f"Standards with status, evidence and owner, open ones first, compliance year {year}",
        "sources": ["coc_standards", "standards_evidence"],
        "labels": {"threshold": "Threshold (confidence)", "owner_and_due": "Owner, due"},
    }


def deadlines(rules) -> Words:
    """The table of open standards by due date."""
    return {"caption": f"Open standards up to the site visit on {rules.site_visit:%Y-%m-%d}", "sources": ["standards_evidence"]}


def accrual(rules, year: int) -> Words:
    """The table of research accrual by program category."""
    return {
        "caption": f"Research accrual of {year} against each program category; ours is {rules.category}",
        "sources": ["kpi_months"],
        "labels": {"needed_n": "Enrollment asked for", "required_share": "Asked for", "our_share": "Ours"},
        "note": "The percentages are general knowledge of standard 9.1 with low confidence: verify them in the manual.",
    }


def reach(few: pd.DataFrame, settings) -> Words:
    """Reach against peers: where it is furthest below them."""
    short = few[few["standing"] == "below peers"]
    if short.empty:
        title = "No service reaches measurably fewer patients than peers"
    else:
        row = short.iloc[0]
        where = "" if row["site"] == "All sites" else f" in {str(row['site']).lower()}"
        title = f"{row['service']} reaches {words.share(row['reached_share'])}{where}, peers {words.share(row['peer_median_share'])}"
    return {
        "title": title,
        "subtitle": f"Share of eligible patients reached, {settings.name} {settings.as_of.year} against the peer median, "
        "shortfalls beyond chance first",
        "sources": ["service_access", "service_peers"],
    }


def reach_by_site(year: int) -> Words:
    """The table of reach by service and site."""
    return {
        "caption": f"Reach of each service by tumor site, {year}, shortfalls beyond chance first",
        "sources": ["service_access", "service_peers"],
        "labels": {"eligible_n": "Eligible patients", "reached_n": "Reached", "reached_share": "Share", "more_n": "More at the median"},
        "note": "Rows with 1 to 10 patients eligible, reached or not reached are hidden; where most would be, sites are pooled.",
    }


def elsewhere() -> Words:
    """The table of other reports' findings."""
    return {
        "caption": "Findings of the other reports, by size times certainty (0 to 1)",
        "sources": [],
        "note": "Each report names its own sources.",
    }


def gaps(settings) -> Words:
    """The list of gaps."""
    return {
        "caption": f"Gaps by priority, {settings.name}",
        "sources": ["kpi_months", "standards_evidence", "service_access", "budget_lines", "milestones"],
    }


def roadmap(milestones: pd.DataFrame, settings) -> Words:
    """Initiatives by milestone: how many are late."""
    return {
        "title": slips(milestones).text.split("**")[1].rstrip("."),
        "subtitle": f"Initiatives by milestone, finished or expected, {settings.name}",
        "sources": ["milestones"],
        "labels": {"slip_days": "Slip, days"},
    }


def path() -> Words:
    """The table of open milestones with their slack."""
    return {
        "caption": "Open milestones with their slack to the end of the program",
        "sources": ["milestones"],
        "note": "Without slack a day of delay moves the end of the program; those milestones are emphasized.",
    }


def raid() -> Words:
    """The log of risks, assumptions, issues and dependencies."""
    return {
        "caption": "Risks, assumptions, issues and dependencies, by likelihood times impact (1 to 5)",
        "sources": ["raid"],
        "labels": {"title": "What"},
    }


def decisions() -> Words:
    """The table of decisions that the program asks for."""
    return {"caption": "Decisions needed", "sources": ["decisions"]}


def definitions() -> Words:
    """How each indicator is counted, and who answers for it."""
    return {"caption": "Definitions of the indicators", "sources": ["kpi_definitions"]}


def method(rules, *, below: int) -> str:
    """How the page was made, and its limits."""
    return (
        "**Control charts**: XmR for values, p for shares, u for events; limits at "
        f"{rules.limit_sigmas.value:g} standard deviations from the first {rules.baseline_years.value:g} years "
        "(a young series: its first 12 points), carried forward. Special causes: beyond a limit, "
        f"{rules.run_points.value} on one side, {rules.run_points.value} rising or falling, 2 of 3 in the outer third. "
        "**Small numbers**: an indicator of patients is shown by month, else quarter, else year, the shortest in which no more than "
        f"{words.share(rules.hidden_share.value, digits=0)} of the periods hold 1 to {below - 1} patients. "
        "**Waits**: Kaplan-Meier medians by quarter of referral. **Gate**: one standard not met blocks; one unknown leaves readiness "
        "open. **Critical path**: forward and backward pass over the planned days that remain.\n\n"
        "p limits suppose that counts vary only by chance: with thousands of visits a month they are narrow. A reached patient is one "
        "with a record of the service, not one whose need was met."
    )
