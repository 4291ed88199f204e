"""Sentences and readable tables of the program scorecard: what is news, what the gate says, where money went, what slips.

Each sentence is computed; "nothing stands out" is a finding too. Values of indicators are written in the unit that their name ends in.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from catchment import words
from catchment.analysis import budget
from catchment.analysis.playbook import PHASES
from catchment.analysis.readiness import Gate

from . import formats
from .blocks import Finding

ORDER = ["concern", "fail", "improvement", "change", "either", "pass", "common", "unknown", "hidden"]
VARIATION = {"concern": "worse", "improvement": "better", "change": "changed", "common": "noise", "unknown": "few points", "hidden": ""}
ASSURANCE = {"pass": "will meet", "fail": "will miss", "either": "by chance", "unknown": "not judged", "hidden": ""}
MARGIN_STEPS = {"Volume": "volume", "Quantity": "quantity", "Price": "price"}


def value(kpi: str, amount: float) -> str:
    """An indicator's value with its unit."""
    if pd.isna(amount):
        return "[c]"
    if kpi.endswith("_n"):
        return words.count(amount)
    form = formats.of(kpi, pd.Series([amount]))
    # A month's mean of days or minutes is not known to the hundredth.
    said = form.full(amount) if form.kind != "number" or form.digits < 2 else replace(form, digits=1).full(amount)
    return _kept(said.replace("minutes", "min"))


def _kept(text: str) -> str:
    """Text that a table cell does not break."""
    return text.replace(" ", "\u00a0").replace(words.MINUS, f"{words.MINUS}\u2060")


def _period(day, length: str) -> str:
    if pd.isna(day):
        return "[c]"
    return {"month": f"{day:%b %Y}", "quarter": f"{day.year} Q{(day.month + 2) // 3}", "year": f"{day.year}"}[length]


def readable(board: pd.DataFrame) -> pd.DataFrame:
    """The scorecard as text: one row per indicator, with variation and assurance in icon and words."""
    rows = board.to_dict("records")
    return pd.DataFrame({
        "indicator": [row["title"] for row in rows], "newest": [_kept(_period(row["period"], row["length"])) for row in rows],
        "now": [value(row["kpi"], row["now"]) for row in rows], "mean": [value(row["kpi"], row["usual"]) for row in rows],
        "target": [value(row["kpi"], row["target"]) if not pd.isna(row["target"]) else "none" for row in rows],
        "variation": [_kept(f"{row['variation_icon']} {VARIATION[row['variation']]}".strip()) for row in rows], "assurance": [_kept(f"{row['assurance_icon']} {ASSURANCE[row['assurance']]}".strip()) for row in rows],
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


def composite_title(whole: pd.Series) -> str:
    """Caption of the composite score with its coverage."""
    if pd.isna(whole["score"]):
        return "No composite score: no indicator with a target was measured"
    return f"Composite score {words.number(whole['score'])} of 100, with {words.share(whole['coverage_share'], digits=0)} of its weights measured; {whole['weakest'].lower()} lowers it most"


def composite_note(whole: pd.Series, band: float) -> str:
    """What the composite rests on, and how far it moves."""
    moves = (
        f" Leaving out any one domain moves it between {words.interval(whole['score_low'], whole['score_high'], words.number)}."
        if pd.notna(whole["score"])
        else ""
    )
    return f"100 at the target, 0 at {words.share(band, digits=0)} of the target away from it. What is not measured gives its weight to the rest.{moves} It orders, it decides nothing: a good domain can hide a bad one."


def definitions(table: pd.DataFrame, targets: dict[str, float]) -> pd.DataFrame:
    """Who answers for each indicator and how it is counted, with its target."""
    sides = {"higher": "at least", "lower": "at most", "neither": "near"}
    targeted = [
        f"{sides[better]} {value(kpi, targets[kpi])}" if kpi in targets else f"none; {better} is better" if better != "neither" else "none"
        for kpi, better in zip(table["kpi"], table["better"], strict=True)
    ]
    without = [f"; without {text}" if isinstance(text, str) and text else "" for text in table["exclusions"]]
    counted = [text + rest for text, rest in zip(table["numerator"], without, strict=True)]
    kept = table.assign(
        indicator=table["title"],
        counted=counted,
        out_of=table["denominator"].fillna("none"),
        target=targeted,
        chart=table["chart"].map({"xmr": "XmR", "p": "p", "u": "u"}),
    )
    return kept[["indicator", "owner", "counted", "out_of", "target", "chart", "frequency", "source"]]


def notable(board: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """The indicators to draw: special causes of concern first, then missed targets, improvements, the rest; those with a chart only."""
    place = np.minimum(board["variation"].map(ORDER.index), board["assurance"].map(ORDER.index))
    return board.assign(place=place)[board["points_n"] >= 12].sort_values("place", kind="stable").head(n)


def drawn(chart: pd.DataFrame, kpi: str) -> pd.DataFrame:
    """A chart's columns named after the indicator, so that axis, table and hover text carry its unit."""
    names = {"value": kpi, "center": f"mean_{kpi}", "lcl": f"{kpi}_low", "ucl": f"{kpi}_high"}
    return chart[["period", *names, "signal"]].rename(columns=names)


def control_labels(kpi: str, title: str) -> dict[str, str]:
    return {
        "period": "Period",
        kpi: title,
        f"mean_{kpi}": "Mean",
        f"{kpi}_low": "Lower limit",
        f"{kpi}_high": "Upper limit",
        "signal": "Special cause",
    }


def _moved(row) -> str:
    return "rose" if row["variation_icon"].endswith("H") else "fell"


def control_title(row) -> str:
    """What the chart of one indicator says, in a line."""
    now, usual = value(row["kpi"], row["now"]), value(row["kpi"], row["usual"])
    if row["variation"] in ("concern", "improvement", "change"):
        tail = {"concern": ", for the worse", "improvement": ", an improvement", "change": ""}[row["variation"]]
        return f"{row['title']} {_moved(row)} beyond chance to {now} from {usual}{tail}"
    if row["assurance"] == "fail":
        return f"{row['title']} will miss the target of {value(row['kpi'], row['target'])}"
    return f"{row['title']} did not change measurably: {now}, mean {usual}"


def control_subtitle(row, settings) -> str:
    """Measure, place, limits."""
    length = {"month": "by month", "quarter": "by quarter", "year": "by year"}[row["length"]]
    kind = {"xmr": "XmR", "p": "p", "u": "u"}[row["chart"]]
    over = f" over {row['denominator']}" if isinstance(row["denominator"], str) and row["denominator"] else ""
    return f"{row['numerator'][:1].upper()}{row['numerator'][1:]}{over}, {length}, {settings.name}; {kind} chart"


def signals(board: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """How many indicators moved beyond chance for the worse, and which first."""
    judged = board[board["variation"].isin(["concern", "improvement", "change", "common"])]
    bad, good = board[board["variation"] == "concern"], board[board["variation"] == "improvement"]
    named = f" ({words.listing(good['title'].str.lower(), most=2)})" if len(good) else ""
    more = f" Beyond chance, {words.plural(len(good), 'indicator', spelled=True)} improved{named}."
    if bad.empty:
        return Finding(
            f"**No indicator of {words.count(len(judged))} worsened beyond chance.**{more}",
            exhibit,
            certainty=0.95,
            basis="within control limits",
        )
    first = bad.iloc[0]
    others = f" Also for the worse: {words.listing(bad['title'].iloc[1:].str.lower(), most=3)}." if len(bad) > 1 else ""
    text = f"**{first['title']} {_moved(first)} beyond chance to {value(first['kpi'], first['now'])} from {value(first['kpi'], first['usual'])}, for the worse.**{others}{more}"
    away = abs(first["now"] - first["usual"]) / first["usual"] if first["usual"] else 1.0
    so = f"Its target is {value(first['kpi'], first['target'])}." if not pd.isna(first["target"]) else ""
    return Finding(
        text,
        exhibit,
        size=float(min(1.0, away)),
        certainty=0.95,
        change=float(min(1.0, away)),
        basis="beyond control limits",
        since="its usual level",
        so=so,
    )


def gate(found: Gate, assessed: pd.DataFrame, *, visit, exhibit: str = "") -> Finding:
    """Whether the program would pass the site visit, and what decides it."""
    titles = [f"{row.standard} ({row.title.lower()})" for row in assessed[assessed["standard"].isin(found.standards)].itertuples()]
    met, asked = (assessed["status"] == "Met").sum(), (assessed["status"] != "Not applicable").sum()
    said = {
        "blocked": "**The accreditation gate is blocked by {0}**; {1} of {2} standards are met", "unknown": "**Readiness cannot be said: {0} has no evidence**; {1} of {2} standards are met",
        "conditional": "**No standard fails, but {0} is at risk**; {1} of {2} are met", "ready": "**All {2} applicable standards are met**",
    }  # fmt: skip
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
        exhibit,
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


def money(bridge: pd.DataFrame, lines: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """Margin against budget and the part that explains most of the difference."""
    planned, total = float(bridge["margin_usd"].iloc[0]), float(bridge["margin_usd"].iloc[1:].sum())
    parts = bridge.iloc[1:].set_index("step")["margin_usd"]
    part = parts.abs().idxmax()
    material = int(lines["material"].sum())
    side = "below" if total < 0 else "above"
    text = (
        f"**Margin is {words.money(abs(total))} {side} budget for the fiscal year to date, mostly by {MARGIN_STEPS[part]}** ({_signed(parts[part])}); "
        f"{words.plural(material, 'line')} {'differs' if material == 1 else 'differ'} materially."
    )
    part = min(1.0, abs(total) / max(abs(planned), 1.0))
    so = f"It is {words.share(part)} of the margin planned for the same months."
    return Finding(
        text, exhibit, size=part, certainty=0.95, change=part, usd=abs(total), basis="ledger against budget", since="the budget", so=so
    )


def _signed(amount: float) -> str:
    size = abs(amount)
    return f"{'+' if amount > 0 else words.MINUS}{f'${size / 1e3:.0f} K' if 9_950 <= size < 99_950 else words.money(size)}"


def bridge_title(bridge: pd.DataFrame) -> str:
    """The margin's difference from budget and its largest part, as a figure's title."""
    total = float(bridge["margin_usd"].iloc[1:].sum())
    part = bridge.iloc[1:].set_index("step")["margin_usd"].abs().idxmax()
    return f"Margin stands {words.money(abs(total))} {'below' if total < 0 else 'above'} budget, mostly by {MARGIN_STEPS[part]}"


def explained(lines: pd.DataFrame, comments: pd.DataFrame) -> pd.DataFrame:
    """Material lines with what drives them and the owner's comment; where there is none, the open slot says so."""
    material = lines[lines["material"]].merge(comments[["line", "author", "comment"]], on="line", how="left", validate="1:1")
    parts = material[["volume_usd", "quantity_usd", "price_usd"]].abs()
    driver = parts.idxmax(axis=1).str.removesuffix("_usd") if len(parts) else pd.Series(dtype="str")
    total = [_kept(f"{_signed(amount)} {letter}") for amount, letter in zip(material["total_usd"], material["total_favor"], strict=True)]
    return pd.DataFrame({"line": material["line"], "total": total, "total_share": material["total_share"], "mostly_by": driver,
                         "comment": material["comment"].fillna("comment required from the owner of the line"), "author": material["author"].fillna("open")})  # fmt: skip


def variances(lines: pd.DataFrame) -> pd.DataFrame:
    """Budget lines as text: every variance with its F or U."""
    out = pd.DataFrame(
        {"line": [f"{line} ({kind})" if kind == "cost" else line for line, kind in zip(lines["line"], lines["kind"], strict=True)]}
    )
    for name, column in (("budget", "original_usd"), ("flexed", "flexed_usd"), ("actual", "actual_usd")):
        out[name] = [_kept(words.money(amount)) for amount in lines[column]]
    for name in ("volume", "quantity", "price", "total"):
        out[name] = [
            _kept(f"{_signed(amount)} {letter}") if letter and abs(amount) >= 0.5 else "none"
            for amount, letter in zip(lines[f"{name}_usd"], lines[f"{name}_favor"], strict=True)
        ]
    return out


def reach_title(reached: pd.DataFrame) -> str:
    """Where reach is furthest below peers."""
    few = reached[reached["standing"] == "below peers"].sort_values("gap_points", ascending=False)
    if few.empty:
        return "No service reaches measurably fewer patients than peers"
    row = few.iloc[0]
    where = "" if row["site"] == "All sites" else f" in {str(row['site']).lower()}"
    return f"{row['service']} reaches {words.share(row['reached_share'])}{where}, peers {words.share(row['peer_median_share'])}"


def reach(safe: pd.DataFrame) -> pd.DataFrame:
    """Reach by service and site, largest shortfalls first, from a frame that is protected already."""
    names = {"eligible_patients_n": "eligible_n", "reached_patients_n": "reached_n"}
    names |= {f"{name}_suppressed": f"{short}_suppressed" for name, short in names.items()}
    out = safe.sort_values("gap_points", ascending=False, na_position="last").rename(columns=names)
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


def late(milestones: pd.DataFrame) -> tuple[int, int]:
    """Milestones that are overdue or slipping, and all that are open."""
    open_ = ~milestones["standing"].isin(["done", "done late"])
    return int(milestones["standing"].isin(["overdue", "slipping"]).sum()), int(open_.sum())


def slips(milestones: pd.DataFrame, *, exhibit: str = "") -> Finding:
    """How many open milestones are late, and the one that slipped most."""
    open_ = milestones[~milestones["standing"].isin(["done", "done late"])]
    late = open_[open_["standing"].isin(["overdue", "slipping"])].sort_values("slip_days", ascending=False)
    if late.empty:
        return Finding(f"**No open milestone of {words.count(len(open_))} is late.**", exhibit, certainty=0.95, basis="dates of the plan")
    row = late.iloc[0]
    text = f"**{words.count(len(late))} of {words.plural(len(open_), 'open milestone')} {'is' if len(late) == 1 else 'are'} late**; {row['initiative'].lower()} slipped most, by {words.plural(row['slip_days'], 'day')} at “{row['milestone'].lower()}”."
    part = min(1.0, row["slip_days"] / 365)
    return Finding(
        text,
        exhibit,
        size=part,
        certainty=0.95,
        change=part,
        basis="dates of the plan",
        since="the plan",
        so="What waits for a late milestone moves with it.",
    )


def slip_title(milestones: pd.DataFrame) -> str:
    """The same, as a figure's title."""
    return slips(milestones).text.split("**")[1].rstrip(".")


def wait_title(this: pd.Series, last: pd.Series, pvalue: float, year: int) -> str:
    """Median wait now, and whether the two years' curves differ beyond chance."""
    middle = words.plural(this["median_days"], "day")
    if pvalue >= 0.05:
        return f"Half are treated within {middle}, not measurably different from {year - 1}"
    faster = this["median_days"] < last["median_days"]
    return f"Half are treated within {middle}, {'faster' if faster else 'slower'} than in {year - 1}"


def outlook(lines: pd.DataFrame, ahead: pd.DataFrame) -> pd.DataFrame:
    """Full-year budget beside the two forecasts, with F or U of the seasonal one written out."""
    year = lines[lines["fiscal_year"] == lines["fiscal_year"].max()]
    planned = (year["budget_volume"] * year["budget_quantity"] * year["budget_price_usd"]).groupby(year["line"]).sum()
    kinds = year.drop_duplicates("line").set_index("line")["kind"]
    kind, full = ahead["line"].map(kinds), ahead["line"].map(planned)
    over = ahead["seasonal_usd"] - full
    out = pd.DataFrame(
        {
            "line": ahead["line"] + kind.map({"cost": " (cost)", "revenue": ""}),
            "budget": full,
            "to_date": ahead["to_date_usd"],
            "run_rate": ahead["run_rate_usd"],
            "seasonal": ahead["seasonal_usd"],
        }
    )
    out[["budget", "to_date", "run_rate", "seasonal"]] = (
        out[["budget", "to_date", "run_rate", "seasonal"]].map(lambda amount: _kept(words.money(amount))).astype("str")
    )
    return out.assign(
        seasonal_less_budget=[_kept(f"{_signed(amount)} {letter}") for amount, letter in zip(over, budget.favor(over, kind), strict=True)]
    )


def gate_title(found: Gate, assessed: pd.DataFrame) -> str:
    """The gate's verdict as a figure's title."""
    met, asked = (assessed["status"] == "Met").sum(), (assessed["status"] != "Not applicable").sum()
    which = f"standard{'s' if len(found.standards) > 1 else ''} {words.listing(found.standards, most=3)}"
    tail = {
        "blocked": f"{which} block{'' if len(found.standards) > 1 else 's'} the gate",
        "unknown": f"{which} not evidenced",
        "conditional": f"{which} at risk",
        "ready": "the gate is open",
    }[found.verdict]
    return f"{met} of {asked} standards met; {tail}"


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


def _days(dates: pd.Series) -> list[str]:
    return [f"{day:%Y\u2011%m\u2011%d}" if pd.notna(day) else "no date" for day in pd.to_datetime(dates)]


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


def gaps(ranked: pd.DataFrame) -> pd.DataFrame:
    """Gaps by priority as text."""
    closes = np.where(ranked["gate"], "closes the gate", "")
    said = [f"{text}{f' ({gate})' if gate else ''}" for text, gate in zip(ranked["evidence"], closes, strict=True)]
    return ranked.assign(evidence=said, initiative=ranked["initiative"].fillna("none yet"))[
        ["priority", "gap", "area", "evidence", "initiative", "phase"]
    ]


def path(tasks: pd.DataFrame) -> pd.DataFrame:
    """Open milestones with dates, slippage and slack."""
    out = tasks.assign(planned=_days(tasks["planned"]), expected=_days(tasks["expected"]), slack_days=tasks["slack"].round().astype(int))
    return out[["initiative", "milestone", "planned", "expected", "slip_days", "slack_days", "standing"]]


def decisions(asked: pd.DataFrame) -> pd.DataFrame:
    """Decisions by the day they are needed."""
    out = asked.sort_values("by").assign(
        by=lambda d: _days(d["by"]), amount=lambda d: [_kept(words.money(usd)) if usd == usd else "none" for usd in d["amount_usd"]]
    )
    return out[["decision", "forum", "by", "amount", "otherwise"]]


def bars_of(milestones: pd.DataFrame) -> pd.DataFrame:
    """Initiatives as bars for a roadmap: one row per milestone, from the end of the one before to its own finished or expected end.

    The work towards the n-th milestone of an initiative is its n-th phase (assess, plan, pilot, scale).
    """
    end = pd.to_datetime(milestones["finished"]).fillna(pd.to_datetime(milestones["expected"]))
    begin = end.groupby(milestones["initiative"]).shift().fillna(end - pd.to_timedelta(milestones["duration_days"], unit="D"))
    place = milestones.groupby("initiative").cumcount().clip(upper=len(PHASES) - 1)
    return milestones.assign(start=begin, end=end, phase=[PHASES[at] for at in place])[
        ["initiative", "phase", "milestone", "start", "end", "planned", "slip_days", "standing"]
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


def raid(items: pd.DataFrame) -> pd.DataFrame:
    """The log by weight (likelihood times impact)."""
    out = items.assign(weight=items["likelihood"] * items["impact"]).sort_values(["weight", "item"], ascending=[False, True])
    return out[["title", "kind", "likelihood", "impact", "weight", "owner", "response"]]
