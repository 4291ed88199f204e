"""Tables of the program scorecard as a reader sees them: values in the unit that their name ends in, F and U written out, dates whole.

A frame of the analysis goes in, the rows of one exhibit come out, in the order in which they are read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from catchment import units, words
from catchment.stats import control

from . import budget
from .playbook import PHASES

ORDER = ["concern", "fail", "improvement", "change", "either", "pass", "common", "unknown", "hidden"]
VARIATION = {"concern": "worse", "improvement": "better", "change": "changed", "common": "noise", "unknown": "few points", "hidden": ""}
ASSURANCE = {"pass": "will meet", "fail": "will miss", "either": "by chance", "unknown": "not judged", "hidden": ""}


def value(kpi: str, amount: float, *, more: int = 0) -> str:
    """An indicator's value with its unit, with `more` digits than usual."""
    if pd.isna(amount):
        return "[c]"
    if kpi.endswith("_n"):
        return words.number(amount, digits=more)
    form = units.of(kpi, pd.Series([amount]))
    # A month's mean of days or minutes is not known to the hundredth.
    digits = (form.digits if form.kind != "number" else min(form.digits, 1)) + more
    said = replace(form, digits=digits).full(amount)
    return kept(said.replace("minutes", "min"))


def kept(text: str) -> str:
    """Text that a table cell does not break."""
    return text.replace(" ", "\u00a0").replace(words.MINUS, f"{words.MINUS}\u2060")


def signed(amount: float, beside: Iterable[float] = ()) -> str:
    """A difference in dollars with its sign; whole dollars only where all that it stands `beside` are small as well."""
    size = abs(amount)
    thousands = 50 <= size < 99_950 and max([size, *(abs(other) for other in beside if other == other)]) >= 9_950
    said = f"${size / 1e3:.{0 if size >= 9_950 else 1}f} K" if thousands else words.money(size)
    return f"{'+' if amount > 0 else words.MINUS}{said}"


def period(day: pd.Timestamp, length: str) -> str:
    """A month, quarter or year by name."""
    if pd.isna(day):
        return "[c]"
    return {"month": f"{day:%b %Y}", "quarter": f"{day.year} Q{(day.month + 2) // 3}", "year": f"{day.year}"}[length]


def _days(dates: pd.Series) -> list[str]:
    return [f"{day:%Y\u2011%m\u2011%d}" if pd.notna(day) else "no date" for day in pd.to_datetime(dates)]


def board(scored: pd.DataFrame) -> pd.DataFrame:
    """The scorecard as text: one row per indicator, with variation and assurance in icon and words."""
    rows = scored.to_dict("records")
    return pd.DataFrame({
        "indicator": [row["title"] for row in rows], "newest": [kept(period(row["period"], row["length"])) for row in rows],
        "now": [value(row["kpi"], row["now"]) for row in rows], "mean": [value(row["kpi"], row["usual"]) for row in rows],
        "target": [value(row["kpi"], row["target"]) if not pd.isna(row["target"]) else "none" for row in rows],
        "variation": [kept(f"{row['variation_icon']} {VARIATION[row['variation']]}".strip()) for row in rows],
        "assurance": [kept(f"{row['assurance_icon']} {ASSURANCE[row['assurance']]}".strip()) for row in rows],
    })  # fmt: skip


def domains(scores: pd.DataFrame, weights: dict[str, float]) -> pd.DataFrame:
    """Score of each domain of the composite with its weight and what was measured, weakest first."""
    share = scores["domain"].map(weights).fillna(0.0) / sum(weights.values())
    measured = [
        f"{measured} of {words.plural(every, 'indicator')}"
        for measured, every in zip(scores["measured_n"], scores["indicators_n"], strict=True)
    ]
    out = pd.DataFrame({"domain": scores["domain"], "score": scores["score"].round(), "weight_share": share, "measured": measured})
    return out.sort_values("score", na_position="last", kind="stable", ignore_index=True)


def definitions(table: pd.DataFrame, targets: dict[str, float]) -> pd.DataFrame:
    """Who answers for each indicator and how it is counted, with its target."""
    sides = {"higher": "at least", "lower": "at most", "neither": "near"}
    targeted = [
        f"{sides[better]} {value(kpi, targets[kpi])}" if kpi in targets else f"none; {better} is better" if better != "neither" else "none"
        for kpi, better in zip(table["kpi"], table["better"], strict=True)
    ]
    without = [f"; without {text}" if isinstance(text, str) and text else "" for text in table["exclusions"]]
    counted = [text + rest for text, rest in zip(table["numerator"], without, strict=True)]
    counts = table.assign(
        indicator=table["title"],
        counted=counted,
        out_of=table["denominator"].fillna("none"),
        target=targeted,
        chart=table["chart"].map({"xmr": "XmR", "p": "p", "u": "u"}),
    )
    return counts[["indicator", "owner", "counted", "out_of", "target", "chart", "frequency", "source"]]


EMPTY = pd.DataFrame(columns=["period", "value", "center", "lcl", "ucl", "signal", "side"])


class Charted(NamedTuple):
    """An indicator to draw."""

    kpi: str
    row: pd.Series
    """Its row of the scorecard."""
    points: pd.DataFrame
    """Its chart, columns named after the indicator so that axis and hover text carry its unit; `good` points are on its good side."""
    table: pd.DataFrame
    """The same for the data table: what is no special cause says so."""


def by_weight(scored: pd.DataFrame) -> pd.DataFrame:
    """Indicators by what they call for (`ORDER`), then by how far the newest value is from the mean, as a share of it."""
    place = np.minimum(scored["variation"].map(ORDER.index), scored["assurance"].map(ORDER.index))
    away = (scored["now"] - scored["usual"]).abs() / scored["usual"].abs()
    return scored.assign(place=place, away=away).sort_values(["place", "away"], ascending=[True, False], kind="stable")


def notable(scored: pd.DataFrame, charts: Mapping[str, pd.DataFrame], n: int = 3) -> list[Charted]:
    """The `n` indicators to draw, by their weight: concerns first, then missed targets, improvements, the rest; those with a chart only.

    Where fewer have one, the rest of the `n` are without name and points.
    """
    rows = by_weight(scored)
    rows = rows[rows["points_n"] >= control.LEAST_POINTS].head(n)
    found = [_charted(row, charts[row["kpi"]]) for _, row in rows.iterrows()]
    return found + [_charted(pd.Series({"kpi": "", "target": np.nan, "better": ""}), EMPTY)] * (n - len(found))


def _charted(row: pd.Series, chart: pd.DataFrame) -> Charted:
    kpi = row["kpi"]
    names = {"value": kpi, "center": f"mean_{kpi}", "lcl": f"{kpi}_low", "ucl": f"{kpi}_high"}
    table = chart[["period", *names, "signal"]].rename(columns=names)
    points = table.assign(good=chart["side"] == {"higher": 1, "lower": -1}.get(row["better"], 0))
    return Charted(kpi, row, points, table.replace({"signal": {"": "none"}}))


def variances(lines: pd.DataFrame) -> pd.DataFrame:
    """Budget lines as text: every variance with its F or U."""
    out = pd.DataFrame(
        {"line": [f"{line} ({kind})" if kind == "cost" else line for line, kind in zip(lines["line"], lines["kind"], strict=True)]}
    )
    for name, column in (("budget", "original_usd"), ("flexed", "flexed_usd"), ("actual", "actual_usd")):
        out[name] = [kept(words.money(amount)) for amount in lines[column]]
    all_usd = lines[["volume_usd", "quantity_usd", "price_usd", "total_usd"]].to_numpy().ravel()
    for name in ("volume", "quantity", "price", "total"):
        out[name] = [
            kept(f"{signed(amount, all_usd)} {letter}") if letter and abs(amount) >= 0.5 else "none"
            for amount, letter in zip(lines[f"{name}_usd"], lines[f"{name}_favor"], strict=True)
        ]
    return out


def explained(lines: pd.DataFrame, comments: pd.DataFrame) -> pd.DataFrame:
    """Material lines with what drives them and the owner's comment; where there is none, the open slot says so."""
    material = lines[lines["material"]].merge(comments[["line", "author", "comment"]], on="line", how="left", validate="1:1")
    parts = material[["volume_usd", "quantity_usd", "price_usd"]].abs()
    driver = parts.idxmax(axis=1).str.removesuffix("_usd") if len(parts) else pd.Series(dtype="str")
    total = [
        kept(f"{signed(amount, material['total_usd'])} {letter}")
        for amount, letter in zip(material["total_usd"], material["total_favor"], strict=True)
    ]
    return pd.DataFrame({"line": material["line"], "total": total, "total_share": material["total_share"], "mostly_by": driver,
                         "comment": material["comment"].fillna("comment required from the owner of the line"),
                         "author": material["author"].fillna("open")})  # fmt: skip


def outlook(lines: pd.DataFrame, ahead: pd.DataFrame, fiscal_year: int) -> pd.DataFrame:
    """Full-year budget beside the two forecasts, with F or U of the seasonal one written out; the margin of all lines last."""
    year = lines[lines["fiscal_year"] == fiscal_year]
    planned = (year["budget_volume"] * year["budget_quantity"] * year["budget_price_usd"]).groupby(year["line"]).sum()
    kind = ahead["line"].map(year.drop_duplicates("line").set_index("line")["kind"])
    amounts = ahead[["to_date_usd", "run_rate_usd", "seasonal_usd"]].set_axis(["to_date", "run_rate", "seasonal"], axis=1)
    amounts.insert(0, "budget", ahead["line"].map(planned))
    margin = amounts.mul(kind.map({"cost": -1, "revenue": 1}), axis=0).sum(skipna=False)
    amounts.loc[len(amounts)] = margin
    over = amounts["seasonal"] - amounts["budget"]
    letters = budget.favor(over, [*kind, "revenue"])
    texts = amounts.map(lambda amount: kept(words.money(amount))).astype("str")
    texts.insert(0, "line", [*(ahead["line"] + kind.map({"cost": " (cost)", "revenue": ""})), "Margin of all lines"])
    return texts.assign(
        seasonal_less_budget=[
            kept(f"{signed(amount, over)} {letter}".strip()) if pd.notna(amount) else words.MISSING
            for amount, letter in zip(over, letters, strict=True)
        ]
    )


def standards(assessed: pd.DataFrame, *, hide: list[str]) -> pd.DataFrame:
    """All standards as text, open ones first; the measured share of those in `hide` is not shown."""
    measured = [
        "[c]" if number in hide else words.share(share, digits=0) if share == share else "none"
        for number, share in zip(assessed["standard"], assessed["measured_share"], strict=True)
    ]
    evidence = assessed["evidence"].where(~assessed["contradicted"], assessed["evidence"] + " (reported as met)")
    owner = [f"{name}, {day}" for name, day in zip(assessed["owner"].fillna("not named"), _days(assessed["due"]), strict=True)]
    out = assessed.assign(
        standard=assessed["standard"] + " " + assessed["title"],
        measured=measured,
        evidence=evidence,
        owner_and_due=owner,
        threshold=assessed["threshold_text"] + " (" + assessed["confidence"] + ")",
    )
    place = assessed["status"].map({"Not met": 0, "Unknown": 1, "At risk": 2}).fillna(3)
    return out.loc[place.sort_values(kind="stable").index, ["standard", "threshold", "measured", "status", "evidence", "owner_and_due"]]


def deadlines(calendar: pd.DataFrame) -> pd.DataFrame:
    """Open standards by due date."""
    left = [words.number(days) if days == days else "no date" for days in calendar["days_left"]]
    out = calendar.assign(
        standard=calendar["standard"] + " " + calendar["title"],
        due=_days(calendar["due"]),
        days_left=left,
        owner=calendar["owner"].fillna("not named"),
    )
    return out[["standard", "status", "owner", "due", "days_left", "timing"]]


def shortfalls(safe: pd.DataFrame, *, most: int) -> pd.DataFrame:
    """The rows of a protected frame of reach that may be drawn, furthest below peers first, each named by service and site."""
    shown = safe[~safe["reached_share_suppressed"]].assign(service_site=lambda rows: rows["service"] + ", " + rows["site"].str.lower())
    columns = ["service_site", "service", "site", "peer_median_share", "reached_share", "share_low", "share_high", "gap_points", "standing"]
    return _furthest(shown)[columns].head(most)


def _furthest(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of reach that are below peers beyond chance first, then by the gap."""
    below = rows["standing"] == "below peers"
    return (
        rows.assign(below=below)
        .sort_values(["below", "gap_points"], ascending=False, na_position="last", kind="stable")
        .drop(columns="below")
    )


def reach(safe: pd.DataFrame) -> pd.DataFrame:
    """Reach by service and site, largest shortfalls first, from a frame that is protected already."""
    names = {"eligible_patients_n": "eligible_n", "reached_patients_n": "reached_n"}
    names |= {f"{name}_suppressed": f"{short}_suppressed" for name, short in names.items()}
    out = _furthest(safe).rename(columns=names)
    out["more_n_suppressed"] = out["more_n"].isna()
    return out[
        [
            "service",
            "site",
            "eligible_n",
            "reached_n",
            "reached_share",
            "peer_median_share",
            "more_n",
            "standing",
            *(c for c in out.columns if c.endswith("_suppressed")),
        ]
    ]


def elsewhere(summaries: dict) -> pd.DataFrame:
    """What the partner's other reports found, by size times certainty: `finding`, `report`, `weight`."""
    rows = [
        (finding["text"].replace("**", ""), told["title"], finding["size"] * finding["certainty"])
        for told in summaries.values()
        for finding in told["findings"]
    ]
    rows = rows or [("The other reports were not built with this one.", "none", np.nan)]
    return pd.DataFrame(rows, columns=["finding", "report", "weight"]).sort_values(
        "weight", ascending=False, kind="stable", ignore_index=True
    )


def gaps(ranked: pd.DataFrame) -> pd.DataFrame:
    """Gaps by priority as text."""
    closes = np.where(ranked["gate"], "closes the gate", "")
    said = [f"{text}{f' ({gate})' if gate else ''}" for text, gate in zip(ranked["evidence"], closes, strict=True)]
    return ranked.assign(evidence=said, initiative=ranked["initiative"].fillna("none yet"))[
        ["priority", "gap", "area", "evidence", "initiative", "phase"]
    ]


def roadmap(milestones: pd.DataFrame) -> pd.DataFrame:
    """Initiatives as bars for a roadmap: one row per milestone, from the end of the one before to its own finished or expected end.

    The work towards the n-th milestone of an initiative is its n-th phase (assess, plan, pilot, scale).
    """
    end = pd.to_datetime(milestones["finished"]).fillna(pd.to_datetime(milestones["expected"]))
    begin = end.groupby(milestones["initiative"]).shift().fillna(end - pd.to_timedelta(milestones["duration_days"], unit="D"))
    place = milestones.groupby("initiative").cumcount().clip(upper=len(PHASES) - 1)
    return milestones.assign(start=begin, end=end, phase=[PHASES[at] for at in place])[
        ["initiative", "phase", "milestone", "start", "end", "planned", "slip_days", "standing"]
    ]


def path(tasks: pd.DataFrame) -> pd.DataFrame:
    """Open milestones with dates, slippage and slack."""
    out = tasks.assign(planned=_days(tasks["planned"]), expected=_days(tasks["expected"]), slack_days=tasks["slack"].round().astype(int))
    return out[["initiative", "milestone", "planned", "expected", "slip_days", "slack_days", "standing"]]


def decisions(asked: pd.DataFrame) -> pd.DataFrame:
    """Decisions by the day they are needed."""
    out = asked.sort_values("by").assign(
        by=lambda d: _days(d["by"]), amount=lambda d: [kept(words.money(usd)) if usd == usd else "none" for usd in d["amount_usd"]]
    )
    return out[["decision", "forum", "by", "amount", "otherwise"]]


def raid(items: pd.DataFrame) -> pd.DataFrame:
    """The log by weight (likelihood times impact)."""
    out = items.assign(weight=items["likelihood"] * items["impact"]).sort_values(["weight", "item"], ascending=[False, True])
    return out[["title", "kind", "likelihood", "impact", "weight", "owner", "response"]]
