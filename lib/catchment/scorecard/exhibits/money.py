"""Budget and actual margin, variances by line and where the year will end."""

from functools import partial

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.scorecard import Scorecard

from .. import budget
from ..written import kept, signed

exhibit = partial(Exhibit, room="scorecard")


def bridge(report: Report, steps: pd.DataFrame, *, elapsed: str) -> Exhibit:
    """Figure: from budgeted to actual margin; the difference and its largest part. `steps` comes from `budget.margin_bridge`."""
    shown = report.protect(steps, sources=["budget_lines"])
    total, part = difference(shown)
    size = words.money(abs(total))
    return exhibit(
        "margin-against-budget",
        shown,
        f"Margin stands {size} {'below' if total < 0 else 'above'} budget, mostly by {part.lower()}",
        f"Contribution of all lines less fixed cost, budget to actual, {report.settings.name}, {elapsed}",
        sources=["budget_lines"],
        claims=[Claim(size, "margin_usd", f"step != {steps['step'].iloc[0]!r}", "sum")],
    )


def difference(steps: pd.DataFrame) -> tuple[float, str]:
    """Actual less budgeted margin, and the step that makes the largest part of it."""
    parts = steps.iloc[1:].set_index("step")["margin_usd"]
    return float(parts.sum()), str(parts.abs().idxmax())


def variances(report: Report, lines: pd.DataFrame, rules: Scorecard, *, elapsed: str) -> Exhibit:
    """Table: budget lines with every variance and its F or U, from `budget.by_line`."""
    out = pd.DataFrame({"line": _named(lines["line"], lines["kind"])})
    for name, column in (("budget", "original_usd"), ("flexed", "flexed_usd"), ("actual", "actual_usd")):
        out[name] = [kept(words.money(amount)) for amount in lines[column]]
    all_usd = lines[list(budget.VARIANCES)].to_numpy().ravel()
    for column in budget.VARIANCES:
        name = column.removesuffix("_usd")
        out[name] = [
            kept(f"{signed(amount, all_usd)} {letter}") if letter and abs(amount) >= 0.5 else "none"
            for amount, letter in zip(lines[column], lines[f"{name}_favor"], strict=True)
        ]
    return exhibit(
        "variances-by-line",
        report.protect(out, sources=["budget_lines"]),
        f"Budget, flexed budget and actual by line, {elapsed}",
        sources=["budget_lines"],
        note=f"Material lines follow below: above {words.share(rules.materiality_share.value, digits=0)} of budget "
        f"and above {words.money(rules.materiality_usd.value)}.",
    )


def explained(report: Report, lines: pd.DataFrame, comments: pd.DataFrame) -> Exhibit:
    """Table: material lines with what drives them and the owner's comment; where there is none, the open slot says so."""
    material = lines[lines["material"]].merge(comments[["line", "author", "comment"]], on="line", how="left", validate="1:1")
    total = [
        kept(f"{signed(amount, material['total_usd'])} {letter}")
        for amount, letter in zip(material["total_usd"], material["total_favor"], strict=True)
    ]
    out = pd.DataFrame({"line": material["line"], "total": total, "total_share": material["total_share"],
                        "mostly_by": budget.drivers(material),
                        "comment": material["comment"].fillna("comment required from the owner of the line"),
                        "author": material["author"].fillna("open")})  # fmt: skip
    sources = ["budget_lines", "variance_comments"]
    return exhibit(
        "variances-explained", report.protect(out, sources=sources), "Material variances and the comment that each needs", sources=sources
    )


def outlook(report: Report, lines: pd.DataFrame, ahead: pd.DataFrame, *, fiscal_year: int) -> Exhibit:
    """Table: full-year budget beside the two forecasts, with F or U of the seasonal one written out; the margin of all lines last.

    `lines` are the budget lines by month, `ahead` comes from `budget.full_year`.
    """
    year = lines[lines["fiscal_year"] == fiscal_year]
    planned = (year["budget_volume"] * year["budget_quantity"] * year["budget_price_usd"]).groupby(year["line"]).sum()
    kind = ahead["line"].map(year.drop_duplicates("line").set_index("line")["kind"])
    amounts = ahead[["to_date_usd", "run_rate_usd", "seasonal_usd"]].set_axis(["to_date", "run_rate", "seasonal"], axis=1)
    amounts.insert(0, "budget", ahead["line"].map(planned))
    amounts.loc[len(amounts)] = amounts.mul(kind.map({"cost": -1, "revenue": 1}), axis=0).sum(skipna=False)
    over = amounts["seasonal"] - amounts["budget"]
    letters = budget.favor(over, [*kind, "revenue"])
    texts = amounts.map(lambda amount: kept(words.money(amount))).astype("str")
    texts.insert(0, "line", [*_named(ahead["line"], kind), "Margin of all lines"])
    texts["seasonal_less_budget"] = [
        kept(f"{signed(amount, over)} {letter}".strip()) if pd.notna(amount) else words.MISSING
        for amount, letter in zip(over, np.asarray(letters), strict=True)
    ]
    return exhibit(
        "outlook-by-line",
        report.protect(texts, sources=["budget_lines"]),
        f"Where fiscal year {fiscal_year} will end, by line",
        sources=["budget_lines"],
        note="Run rate: to date times 12 over the months elapsed. Seasonal: to date over the share of last year that the same months "
        f"made.{_without_season(ahead, fiscal_year - 1)}",
    )


def _without_season(ahead: pd.DataFrame, last_year: int) -> str:
    short = ahead[ahead["last_year_n"] < 12]
    held = [f"{line} ({words.plural(n, 'month')})" for line, n in zip(short["line"], short["last_year_n"], strict=True)]
    return f" Without a whole fiscal year {last_year} there is no seasonal forecast: {words.listing(held, most=5)}." if held else ""


def _named(lines: pd.Series, kinds: pd.Series) -> list[str]:
    return [f"{line} ({kind})" if kind == "cost" else line for line, kind in zip(lines, kinds, strict=True)]
