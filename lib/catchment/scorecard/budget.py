"""Where money differs from its budget, and why: volume, quantity, price; and where the year will end.

Definitions used
----------------
Per line: budgeted volume BV (visits, fractions), quantity per volume BQ (nurse hours per visit), price BP (dollars per hour); the same
with A as they came. Original = BV BQ BP, flexed = AV BQ BP, at actual quantity = AV AQ BP, actual = AV AQ AP.
*Volume* variance = flexed - original, *quantity* (efficiency) = AV AQ BP - flexed, *price* (rate) = actual - AV AQ BP: they add up to
actual - original. A line of fixed cost has a volume of 1 in both.
*Favorable* (F) raises the margin: more revenue or less cost; unfavorable (U) is the reverse. The letter is always written out.
*Material* passes both a share of the original budget and a dollar threshold; where nothing was budgeted, the dollars decide.

Known bias: volume variance at budgeted price leaves the joint effect of volume and price in the price term. A run rate takes the rest of
the year to look like the part that is over; the seasonal forecast takes last year's calendar instead.

Reference: Finkler, Jones and Kovner, Financial Management for Nurse Managers and Executives (variance analysis).
"""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

Kind = Literal["cost", "revenue"]
VARIANCES = ("volume_usd", "quantity_usd", "price_usd", "total_usd")


def favor(variance: ArrayLike, kind: ArrayLike) -> np.ndarray:
    """F, U or an empty text (no variance) for amounts above budget, by kind of line: "cost" or "revenue"."""
    amount, kinds = np.broadcast_arrays(np.asarray(variance, float), np.asarray(kind, object))
    wrong = sorted(set(kinds.ravel().tolist()) - {"cost", "revenue"})
    if wrong:
        raise ValueError(f"a line is of kind cost or revenue, not {wrong[0]!r}")
    margin = np.where(kinds == "cost", -amount, amount)
    return np.select([np.isnan(margin), margin > 0, margin < 0], ["", "F", "U"], "")


def flexible_budget_variance(
    budget_volume: ArrayLike, budget_quantity: ArrayLike, budget_price: ArrayLike, actual_volume: ArrayLike, actual_quantity: ArrayLike,
    actual_price: ArrayLike, *, kind: ArrayLike = "cost",
) -> pd.DataFrame:  # fmt: skip
    """Original, flexed and actual amounts with the three variances, F or U written out.

    Parameters
    ----------
    budget_volume, actual_volume
        Units of service.
    budget_quantity, actual_quantity
        Input per unit of service.
    budget_price, actual_price
        Dollars per unit of input.
    kind
        "cost" or "revenue", for all lines or one per line.

    Returns
    -------
    Grain: one row per line given (one row for plain numbers), index kept. `original_usd`, `flexed_usd`, `at_quantity_usd`,
    `actual_usd`, `volume_usd`, `quantity_usd`, `price_usd`, `total_usd` (each positive when above budget) and, for each of these four,
    `*_favor`.

    Raises
    ------
    ValueError
        A volume, quantity or price is missing or negative, or a kind is unknown.
    """
    given = {"budget_volume": budget_volume, "budget_quantity": budget_quantity, "budget_price": budget_price,
             "actual_volume": actual_volume, "actual_quantity": actual_quantity, "actual_price": actual_price}  # fmt: skip
    index = next((value.index for value in given.values() if isinstance(value, pd.Series)), None)
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, float)) for value in given.values()))
    for name, values in zip(given, arrays, strict=True):
        if np.isnan(values).any() or (values < 0).any():
            raise ValueError(f"{name} must be known and not negative")
    bv, bq, bp, av, aq, ap = arrays
    original, flexed, at_quantity, actual = bv * bq * bp, av * bq * bp, av * aq * bp, av * aq * ap
    out = pd.DataFrame({
        "original_usd": original, "flexed_usd": flexed, "at_quantity_usd": at_quantity, "actual_usd": actual,
        "volume_usd": flexed - original, "quantity_usd": at_quantity - flexed, "price_usd": actual - at_quantity,
        "total_usd": actual - original,
    }, index=index)  # fmt: skip
    return with_favor(out, kind)


def with_favor(variances: pd.DataFrame, kind: ArrayLike) -> pd.DataFrame:
    """The four variances with F or U beside each."""
    return variances.assign(**{name.replace("_usd", "_favor"): favor(variances[name], kind) for name in VARIANCES})


def to_date(lines: pd.DataFrame) -> pd.DataFrame:
    """The months of the last fiscal year that have actual amounts, from a table of months and lines (see `by_line`)."""
    known = lines[lines["actual_volume"].notna()]
    return known[known["fiscal_year"] == known["fiscal_year"].max()]


def actuals(lines: pd.DataFrame) -> pd.DataFrame:
    """The months that have actual amounts, with `actual_usd` for `full_year`."""
    known = lines[lines["actual_volume"].notna()]
    return known.assign(actual_usd=known["actual_volume"] * known["actual_quantity"] * known["actual_price_usd"])


def by_line(months: pd.DataFrame, *, percent: float, dollars: float) -> pd.DataFrame:
    """Variances of months summed by line, with materiality.

    Parameters
    ----------
    months
        Grain: one row per month and line, with `line`, `kind`, `budget_volume`, `budget_quantity`, `budget_price_usd` and the
        same three as `actual_*`.
    percent, dollars
        A total variance above both (share of the original budget, dollars) is material; without a budget the dollars alone decide.

    Returns
    -------
    Grain: one row per line, in order of appearance: the columns of `flexible_budget_variance`, `total_share` of the original, `material`.
    """
    columns = [f"{side}_{part}" for side in ("budget", "actual") for part in ("volume", "quantity", "price_usd")]
    each = flexible_budget_variance(*(months[column] for column in columns), kind=months["kind"])
    amounts = [column for column in each.columns if column.endswith("_usd")]
    lines = each[amounts].groupby([months["line"], months["kind"]], sort=False).sum().reset_index()
    lines = with_favor(lines, lines["kind"])
    lines["total_share"] = lines["total_usd"] / lines["original_usd"].replace(0, np.nan)
    large = (lines["total_share"].abs() > percent) | (lines["original_usd"] == 0)
    lines["material"] = large & (lines["total_usd"].abs() > dollars)
    return lines


def drivers(lines: pd.DataFrame) -> pd.Series:
    """What drives each line's variance: the largest of "volume", "quantity" and "price", from the rows of `by_line`."""
    parts = lines[list(VARIANCES[:3])].abs()
    return parts.idxmax(axis=1).str.removesuffix("_usd") if len(parts) else pd.Series(dtype="str")


def margin_bridge(lines: pd.DataFrame) -> pd.DataFrame:
    """From budgeted to actual margin in four steps: volume, quantity and price of all lines. Columns `step`, `margin_usd`."""
    sign = np.where(lines["kind"] == "revenue", 1, -1)
    steps = {"Budgeted margin": "original_usd", "Volume": "volume_usd", "Quantity": "quantity_usd", "Price": "price_usd"}
    return pd.DataFrame({"step": list(steps), "margin_usd": [float((lines[column] * sign).sum()) for column in steps.values()]})


def full_year(amounts: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """Where each line will end the fiscal year, two ways.

    Parameters
    ----------
    amounts
        Grain: one row per fiscal year, month of it (1-12) and line: `fiscal_year`, `fiscal_month`, `line`, `actual_usd`; the year asked
        for may be incomplete.

    Returns
    -------
    Grain: one row per line: `months_n` elapsed, `to_date_usd`, `run_rate_usd` (to date x 12 / months), `seasonal_usd` (to date over
    the share of last year that the same months made; missing for a line whose last year lacks months, or had nothing in those months)
    and `last_year_n`, the months that last year holds of it.
    """
    now, last = (amounts[amounts["fiscal_year"] == y] for y in (year, year - 1))
    held = last.groupby("line")["fiscal_month"].nunique()
    last = last[last["line"].map(held) == 12]
    lines = now.groupby("line", sort=False)
    to_date, elapsed = lines["actual_usd"].sum(), lines["fiscal_month"].nunique()
    same = last.merge(now[["line", "fiscal_month"]].drop_duplicates(), on=["line", "fiscal_month"], validate="m:1")
    part = (same.groupby("line")["actual_usd"].sum() / last.groupby("line")["actual_usd"].sum()).replace(0, np.nan)
    return pd.DataFrame({
        "line": to_date.index, "months_n": elapsed.to_numpy(), "to_date_usd": to_date.to_numpy(),
        "run_rate_usd": (to_date * 12 / elapsed).to_numpy(), "seasonal_usd": (to_date / part.reindex(to_date.index)).to_numpy(),
        "last_year_n": held.reindex(to_date.index, fill_value=0).to_numpy(),
    })  # fmt: skip
