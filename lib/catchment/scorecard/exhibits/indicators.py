"""The table of indicators, their composite, the control charts that need attention, definitions and method."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.scorecard import Scorecard
from catchment.stats import control as control_charts

from ..written import HIDDEN, kept, period, value

ORDER = ["concern", "fail", "improvement", "change", "either", "pass", "common", "unknown", "hidden"]
VARIATION = {"concern": "worse", "improvement": "better", "change": "changed", "common": "noise", "unknown": "few points", "hidden": ""}
ASSURANCE = {"pass": "will meet", "fail": "will miss", "either": "by chance", "unknown": "not judged", "hidden": ""}
CHARTS = {"xmr": "XmR", "p": "p", "u": "u"}
NO_POINTS = pd.DataFrame(columns=["period", "", "mean_", "_low", "_high", "signal"])

exhibit = partial(Exhibit, room="scorecard")


class Charted(NamedTuple):
    """An indicator to draw."""

    kpi: str
    target: float
    points: pd.DataFrame
    """The rows shown, with `good` for the points on the indicator's good side; common cause has an empty `signal`."""
    exhibit: Exhibit


def board(report: Report, scored: pd.DataFrame) -> Exhibit:
    """Table: one row per indicator, with variation and assurance in icon and words, from `indicators.table`."""
    sources = ["kpi_months", "volumes", "referral_cases", "budget_lines"]
    shown = pd.DataFrame([_indicator(row) for row in scored.to_dict("records")])
    return exhibit(
        "indicators-newest",
        report.protect(shown, sources=sources),
        f"Indicators of the program, newest value, {report.settings.name}",
        sources=sources,
        note=f"{HIDDEN}: 1 to {_smallest(report) - 1} patients in the numerator, denominator or the rest; such an indicator moves to "
        "quarters or years until it can be shown.",
        most=30,
    )


def _indicator(row: Mapping[str, Any]) -> dict[str, str]:
    """An indicator's row as text."""
    kpi, gone = row["kpi"], HIDDEN if row["variation"] == "hidden" else words.MISSING
    varies = "no value" if row["variation"] == "unknown" and pd.isna(row["now"]) else VARIATION[row["variation"]]
    return {
        "indicator": row["title"],
        "newest": kept(period(row["period"], row["length"], missing=gone)),
        "now": value(kpi, row["now"], missing=gone),
        "mean": value(kpi, row["usual"], missing=gone),
        "target": value(kpi, row["target"], missing="none"),
        "variation": kept(f"{row['variation_icon']} {varies}".strip()),
        "assurance": kept(f"{row['assurance_icon']} {_assured(row)}".strip()),
    }


def _assured(row: Mapping[str, Any]) -> str:
    n = row["streak"]
    if row["since_shift"]:
        return f"met {row['since_shift']}"
    return f"{'met' if n > 0 else 'missed'} {abs(n)} in a row" if n else ASSURANCE[row["assurance"]]


def composite(report: Report, scores: pd.DataFrame, whole: pd.Series, rules: Scorecard) -> Exhibit:
    """Table: score of each domain of the composite with its weight and what was measured, weakest first.

    `scores` comes from `composite.domains`, `whole` from `composite.composite`.
    """
    sources = ["kpi_months", "referral_cases", "budget_lines"]
    weights = rules.domain_weights
    measured = [
        f"{known} of {words.plural(every, 'indicator')}" for known, every in zip(scores["measured_n"], scores["indicators_n"], strict=True)
    ]
    share = scores["domain"].map(weights).fillna(0.0) / sum(weights.values())
    shown = pd.DataFrame({"domain": scores["domain"], "score": scores["score"].round(), "weight_share": share, "measured": measured})
    shown = shown.sort_values("score", na_position="last", kind="stable", ignore_index=True)
    band = words.share(rules.composite_band_share.value, digits=0)
    note = f"100 at the target, 0 at {band} of the target away from it. What is not measured gives its weight to the rest."
    title, claims = "No composite score: no indicator with a target was measured", []
    if pd.notna(whole["score"]):
        score, covered = f"{words.number(whole['score'])} of 100", words.share(whole["coverage_share"], digits=0)
        title = f"Composite score {score}, with {covered} of its weights measured; {whole['weakest'].lower()} lowers it most"
        note += f" Leaving out any one domain moves it between {words.interval(whole['score_low'], whole['score_high'], words.number)}."
        claims = [
            Claim(score, how="given", value=whole["score"], basis="mean of the domains by weight, before they are rounded"),
            Claim(covered, how="given", value=whole["coverage_share"], basis="weights of the indicators measured"),
        ]
    return exhibit(
        "composite",
        report.protect(shown, sources=sources),
        title,
        sources=sources,
        note=f"{note} It orders, it decides nothing: a good domain can hide a bad one.",
        claims=claims,
    )


def by_weight(scored: pd.DataFrame) -> pd.DataFrame:
    """Indicators by what they call for (`ORDER`), then by how far the newest value is from the mean, as a share of it."""
    place = np.minimum(scored["variation"].map(ORDER.index), scored["assurance"].map(ORDER.index))
    away = (scored["now"] - scored["usual"]).abs() / scored["usual"].abs()
    return scored.assign(place=place, away=away).sort_values(["place", "away"], ascending=[True, False], kind="stable")


def controls(report: Report, scored: pd.DataFrame, charts: Mapping[str, pd.DataFrame], *, n: int = 3) -> list[Charted]:
    """Figures: the `n` indicators that most need attention: concerns first, then missed targets, improvements, the rest.

    Only those with a chart; where fewer have one, the last of the `n` say so and have no points.
    """
    rows = by_weight(scored)
    rows = rows[rows["points_n"] >= control_charts.LEAST_POINTS].head(n)
    drawn = [_control(report, row, charts[row["kpi"]]) for _, row in rows.iterrows()]
    return drawn + [_no_control(report, place) for place in range(len(drawn) + 1, n + 1)]


def _control(report: Report, row: pd.Series, chart: pd.DataFrame) -> Charted:
    """The chart of one indicator: what its newest point says, how it is counted, whose it is."""
    kpi = row["kpi"]
    # Columns are named after the indicator, so that axis and hover text carry its unit.
    names = {"value": kpi, "center": f"mean_{kpi}", "lcl": f"{kpi}_low", "ucl": f"{kpi}_high"}
    table = chart[["period", *names, "signal"]].rename(columns=names)
    shown = report.protect(table.replace({"signal": {"": "none"}}), sources=[row["source"]])
    points = shown.assign(signal=chart["signal"], good=chart["side"] == {"higher": 1, "lower": -1}.get(row["better"], 0))
    over = f" over {row['denominator']}" if isinstance(row["denominator"], str) and row["denominator"] else ""
    counted = f"{row['numerator'][:1].upper()}{row['numerator'][1:]}{over}"
    title, claims = _control_title(row)
    anew = _anew(chart, row["length"])
    return Charted(
        kpi,
        row["target"],
        points,
        exhibit(
            f"control-{re.sub('[^a-z0-9]+', '-', kpi.lower()).strip('-')}",
            shown,
            title,
            f"{counted}, by {row['length']}, {report.settings.name}; {CHARTS[row['chart']]} chart",
            sources=[row["source"]],
            note=f"Owner: {row['owner']}. Diamonds are special causes, open ones for the better.{anew}",
            claims=claims,
            labels={kpi: row["title"], f"mean_{kpi}": "Mean", f"{kpi}_low": "Lower limit", f"{kpi}_high": "Upper limit"},
        ),
    )


def _no_control(report: Report, place: int) -> Charted:
    text = f"No further indicator has the {control_charts.LEAST_POINTS} points that a chart needs"
    shown = report.protect(NO_POINTS, sources=[])
    needed = Claim(
        str(control_charts.LEAST_POINTS), how="given", value=control_charts.LEAST_POINTS, basis="fewest points of a control chart"
    )
    return Charted("", np.nan, shown, exhibit(f"control-none-{place}", shown, text, text, claims=[needed]))


def _anew(chart: pd.DataFrame, length: str) -> str:
    """From which periods limits were computed anew."""
    starts = chart.loc[chart["segment"].diff() > 0, "period"]
    return f" Limits anew from {words.listing([period(day, length) for day in starts])}." if len(starts) else ""


def _control_title(row: pd.Series) -> tuple[str, list[Claim]]:
    kpi, target = row["kpi"], value(row["kpi"], row["target"])
    aim = Claim(target, how="given", value=row["target"], basis="target of the indicator in the settings")
    if row["variation"] in ("concern", "improvement", "change"):
        tail = {"concern": ", for the worse", "improvement": ", an improvement", "change": ""}[row["variation"]]
        title, now, usual = f"{moved(row)}{tail}", *_apart(row)
    elif row["streak"] < 0:
        missed, often = "<" if row["better"] == "higher" else ">", words.plural(-row["streak"], row["length"])
        rows = f"`{kpi}` {missed} {float(row['target'])!r}"
        return f"{row['title']} has missed the target of {target} in each of the last {often}", [
            aim,
            Claim(often, rows=f"index >= {row['points_n'] + row['streak']} and {rows}", how="count"),
        ]
    elif row["assurance"] == "fail":
        return f"{row['title']} will miss the target of {target}", [aim]
    else:
        now, usual = value(kpi, row["now"]), value(kpi, row["usual"])
        title = f"{row['title']} did not change measurably: {now}, mean {usual}"
    # The mean before a shift that limits follow is that of an earlier period.
    level = f"period <= '{row['usual_period']:%Y-%m-%d}'"
    return title, [Claim(now, f"{kpi}", how="last"), Claim(usual, f"mean_{kpi}", level, "last")]


def moved(row: Mapping) -> str:
    """What an indicator with a special cause did; one that rises or falls in a run need not have passed its mean yet."""
    rose = row["variation_icon"].endswith("H")
    now, usual = _apart(row)
    if (row["now"] > row["usual"]) == rose:
        return f"{row['title']} {'rose' if rose else 'fell'} beyond chance to {now} from {usual}"
    return f"{row['title']} {'rose' if rose else 'fell'} in a run beyond chance, to {now} with a mean of {usual}"


def _apart(row: Mapping) -> list[str]:
    """Newest value and mean; over a large denominator a small movement is beyond chance: "to 8.0 % from 8.0 %" would say nothing."""
    return words.apart((row["now"], row["usual"]), lambda amount, digits: value(row["kpi"], amount, more=digits), digits=0)


def definitions(report: Report, table: pd.DataFrame, targets: dict[str, float]) -> Exhibit:
    """Table: who answers for each indicator and how it is counted, with its target."""
    sides = {"higher": "at least", "lower": "at most", "neither": "near"}
    targeted = [
        f"{sides[better]} {value(kpi, targets[kpi])}" if kpi in targets else f"none; {better} is better" if better != "neither" else "none"
        for kpi, better in zip(table["kpi"], table["better"], strict=True)
    ]
    without = [f"; without {text}" if isinstance(text, str) and text else "" for text in table["exclusions"]]
    counts = table.assign(
        indicator=table["title"],
        counted=[text + rest for text, rest in zip(table["numerator"], without, strict=True)],
        out_of=table["denominator"].fillna("none"),
        target=targeted,
        chart=table["chart"].map(CHARTS),
    )
    columns = ["indicator", "owner", "counted", "out_of", "target", "chart", "frequency", "source"]
    shown = report.protect(counts[columns], sources=["kpi_definitions"])
    return exhibit("definitions", shown, "Definitions of the indicators", sources=["kpi_definitions"], most=6)


def method(report: Report, rules: Scorecard) -> str:
    """How the page was made, and its limits."""
    return (
        "**Control charts**: XmR for values, p for shares, u for events; limits at "
        f"{rules.limit_sigmas.value:g} standard deviations from the first {rules.baseline_years.value:g} years "
        f"(a young series: its first {control_charts.LEAST_POINTS} points), carried forward. They are computed anew where a process was "
        f"declared to have changed, and then where {rules.lasting_points.value} points in a row have left the mean to one side, from "
        "the first of them: such a shift stays news for as long as its baseline lasts, unless declared. Special causes: beyond a limit, "
        f"{rules.run_points.value} on one side, {rules.run_points.value} rising or falling, 2 of 3 in the outer third. "
        f"Assurance: limits clear of the target, or {rules.run_points.value} points or more in a row that missed it or met it. "
        "**Small numbers**: an indicator of patients is shown by month, else quarter, else year, the shortest in which no more than "
        f"{words.share(rules.hidden_share.value, digits=0)} of the periods hold 1 to {_smallest(report) - 1} patients. "
        "**Waits**: medians by quarter of referral, closed cases as never treated. "
        "**Gate**: one standard not met blocks; one unknown leaves readiness open. "
        "**Critical path**: forward and backward pass over the planned days that remain.\n\n"
        "p limits suppose that counts vary only by chance: with thousands of visits a month they are narrow. A reached patient is one "
        "with a record of the service, not one whose need was met."
    )


def _smallest(report: Report) -> int:
    return report.settings.disclosure.smallest_shown_n.value
