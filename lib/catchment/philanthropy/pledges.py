"""What is owed: pledge balances by age, fulfilment, present value, allowance, write-offs.

Definitions
-----------
Payments settle a pledge's instalments oldest first. An instalment is past due from the day after its scheduled date;
its age is the days past that date. Written-off amounts reduce the balance from the last instalment backwards, so they
are never shown as overdue. *Fulfilment* is the part of what fell due that was paid. *Present value* discounts at the
rate fixed when the pledge was made; the timing of the first instalment is stated by the caller (`when`).

Known bias: payments posted without a pledge number leave a pledge looking unpaid. A pledge without a schedule cannot be aged.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .raised import PROMISES, WRITE_OFF

BUCKETS = ("Not yet due", "1-30 days", "31-60 days", "61-90 days", "91-180 days", "181-365 days", "Over 365 days")
_LIMITS = (0, 30, 60, 90, 180, 365)


def balances(
    instalments: pd.DataFrame, payments: pd.DataFrame, *, as_of: str | pd.Timestamp, write_offs: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Open balance of every instalment on a day.

    Parameters
    ----------
    instalments : one row per instalment: `pledge_id`, `due_date`, `due_usd`.
    payments : one row per payment: `pledge_id`, `gift_date`, `amount_usd` (reversals negative); later ones are ignored.
    write_offs : one row per written-off pledge: `pledge_id`, `written_off_usd`, `written_off_date`.

    Returns
    -------
    The instalments plus `paid_usd`, `written_off_usd`, `open_usd`, `days` past due (0 or less: not yet due) and `bucket`.
    """
    as_of = pd.Timestamp(as_of)
    frame = instalments.assign(due_date=pd.to_datetime(instalments["due_date"]), due_usd=instalments["due_usd"].astype("float64"))
    frame = frame.sort_values(["pledge_id", "due_date"], ignore_index=True)
    paid = payments[pd.to_datetime(payments["gift_date"]) <= as_of].groupby("pledge_id")["amount_usd"].sum()
    frame["written_off_usd"] = _from_last(frame, _written_off(write_offs, as_of))
    owed = frame["due_usd"] - frame["written_off_usd"]
    before = owed.groupby(frame["pledge_id"]).cumsum() - owed
    frame["paid_usd"] = (frame["pledge_id"].map(paid).astype("float64").fillna(0) - before).clip(lower=0, upper=owed).round(2)
    frame["open_usd"] = (owed - frame["paid_usd"]).round(2)
    frame["days"] = (as_of - frame["due_date"]).dt.days
    return frame.assign(bucket=bucket(frame["days"]))


class Joined(NamedTuple):
    """Ledger, pledges and schedule with payments of a table of their own joined in, and the payments set aside by reason."""

    gifts: pd.DataFrame
    pledges: pd.DataFrame
    instalments: pd.DataFrame
    set_aside: pd.DataFrame


def joined(
    gifts: pd.DataFrame, payments: pd.DataFrame, *, pledges: pd.DataFrame, instalments: pd.DataFrame, discount_rate_share: float
) -> Joined:
    """Payments kept apart from gifts (as NPSP does) in the form of the other ledgers, so that each dollar counts once.

    Payments are the truth for cash: when it came, and how much. A gift paid at once, in one payment of its amount, moves to the day
    of that payment, which repeats it and is set aside. Any other gift with payments is a promise made on its own day or that of its
    first payment, whichever is earlier. What was paid on a promise becomes a row with the promise's donor, program and
    purpose, of type "pledge payment" or of the gift's own type; every payment is an instalment; written-off ones are the
    promise's write-off. A payment whose gift is not in the ledger is set aside.

    Parameters
    ----------
    payments : one row per payment: `payment_id`, `pledge_id` (the gift it belongs to), `due_date`, `gift_date`, `amount_usd`, `paid`,
        `written_off`.
    pledges, instalments : what other tables hold already; their pledges are left as they are.
    discount_rate_share : yearly rate for the present value of pledges that come without one.

    Returns
    -------
    `gifts`, `pledges` and `instalments` in the columns given, and `set_aside`: `reason`, `payments_n`, `amount_usd`.
    """
    made = gifts[(gifts["amount_usd"] > 0) & gifts["gift_id"].isin(payments["pledge_id"])].drop_duplicates("gift_id").set_index("gift_id")
    known = payments["pledge_id"].isin(made.index)
    at_once = _at_once(payments, made)
    reasons = {"repeats a gift that is counted already": at_once, "belongs to no gift of the ledger": ~known}
    aside = pd.DataFrame(
        [
            {"reason": reason, "payments_n": int(rows.sum()), "amount_usd": float(payments.loc[rows, "amount_usd"].sum())}
            for reason, rows in reasons.items()
        ]
    )
    if not known.any():
        return Joined(gifts, pledges, instalments, aside)
    mine = payments[known & ~at_once]
    promised = made.loc[mine["pledge_id"].unique()]
    paid = mine[mine["paid"].astype(bool)]
    of = promised.loc[paid["pledge_id"]].reset_index(drop=True)
    extra = of.assign(
        gift_type=of["gift_type"].astype("object").where(~of["gift_type"].isin(PROMISES), "pledge payment"),
        gift_id=paid["payment_id"].to_numpy(),
        pledge_id=paid["pledge_id"].to_numpy(),
        gift_date=paid["gift_date"].to_numpy(),
        amount_usd=paid["amount_usd"].to_numpy(),
    )
    rows = _as_promised(_on_day_paid(gifts, payments[at_once]), promised, mine)
    new = mine[~mine["pledge_id"].isin(set(pledges["pledge_id"]))]
    owed, due = _promised(new, rows[rows["gift_id"].isin(new["pledge_id"])], discount_rate_share), _schedule(new)
    return Joined(_below(rows, extra), _below(pledges, owed), _below(instalments, due), aside)


def _at_once(payments: pd.DataFrame, made: pd.DataFrame) -> pd.Series:
    """Payments that are the whole of a gift that is no promise."""
    gift = payments["pledge_id"].map(made["amount_usd"]).astype("float64")
    alone = ~payments["pledge_id"].duplicated(keep=False) & payments["paid"].astype(bool) & ~payments["written_off"].astype(bool)
    outright = payments["pledge_id"].isin(made.index[~made["gift_type"].isin(PROMISES)])
    return alone & outright & (gift - payments["amount_usd"]).abs().lt(0.005)


def _on_day_paid(gifts: pd.DataFrame, payments: pd.DataFrame) -> pd.DataFrame:
    """The gifts with those that were paid at once on the day of their payment."""
    if payments.empty:
        return gifts
    day = gifts["gift_id"].map(payments.set_index("pledge_id")["gift_date"])
    moved = day.notna() & (gifts["amount_usd"] > 0)
    return gifts.assign(gift_date=gifts["gift_date"].where(~moved, pd.to_datetime(day))) if moved.any() else gifts


def _as_promised(gifts: pd.DataFrame, promised: pd.DataFrame, payments: pd.DataFrame) -> pd.DataFrame:
    """The gifts with those paid otherwise than at once as promises of the day on which they were made."""
    late = gifts["gift_id"].isin(promised.index[~promised["gift_type"].isin(PROMISES)]) & (gifts["amount_usd"] > 0)
    if not late.any():
        return gifts
    days = pd.concat([pd.to_datetime(payments.set_index("pledge_id")[name]) for name in ("due_date", "gift_date")]).dropna()
    begun = gifts["gift_id"].map(days.groupby(level=0).min())
    return gifts.assign(
        gift_type=gifts["gift_type"].astype("object").where(~late, "pledge"),
        pledge_id=gifts["pledge_id"].astype("object").where(~late, gifts["gift_id"]),
        gift_date=gifts["gift_date"].where(~(late & (begun < pd.to_datetime(gifts["gift_date"]))), begun),
    )


def _schedule(payments: pd.DataFrame) -> pd.DataFrame:
    rows = payments.assign(due_date=payments["due_date"].fillna(payments["gift_date"])).sort_values(["pledge_id", "due_date"])
    rows = rows[rows["due_date"].notna()]  # what has no day has no age: it is open, and not in the schedule
    return rows.assign(instalment=rows.groupby("pledge_id").cumcount() + 1, due_usd=rows["amount_usd"])


def _promised(payments: pd.DataFrame, gifts: pd.DataFrame, rate: float) -> pd.DataFrame:
    gone = payments[payments["written_off"].astype(bool)]
    lost = gone.assign(day=pd.to_datetime(gone["due_date"]).fillna(pd.to_datetime(gone["gift_date"]))).groupby("pledge_id")
    lost = lost.agg(written_off_usd=("amount_usd", "sum"), written_off_date=("day", "max"))
    rows = gifts[gifts["amount_usd"] > 0].drop_duplicates("gift_id")
    rows = rows.assign(
        pledge_id=rows["gift_id"],
        pledge_date=rows["gift_date"],
        discount_rate_share=rate,
        instalments_n=rows["gift_id"].map(payments.groupby("pledge_id").size()),
    )
    rows = rows.join(lost, on="pledge_id", validate="one_to_one").fillna({"written_off_usd": 0.0})
    undated = rows["written_off_date"].isna() & (rows["written_off_usd"] > 0)
    return rows.assign(written_off_date=pd.to_datetime(rows["written_off_date"]).mask(undated, pd.to_datetime(rows["pledge_date"])))


def write_offs(gifts: pd.DataFrame, pledges: pd.DataFrame) -> pd.DataFrame:
    """What was written off, in the ledger and in the table of pledges: `pledge_id`, `written_off_usd`, `written_off_date`."""
    rows = gifts.loc[gifts["gift_type"] == WRITE_OFF, ["pledge_id", "amount_usd", "gift_date"]].astype({"pledge_id": "object"})
    booked = pd.DataFrame(
        {"pledge_id": rows["pledge_id"], "written_off_usd": -rows["amount_usd"], "written_off_date": pd.to_datetime(rows["gift_date"])}
    )
    return _below(pledges[["pledge_id", "written_off_usd", "written_off_date"]], booked)


def _below(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows below the table, in its columns and types."""
    if rows.empty:
        return table
    return (
        pd.concat([table, rows.reindex(columns=table.columns).astype(table.dtypes.to_dict())], ignore_index=True)
        if len(table)
        else rows.reindex(columns=table.columns)
    )


def _written_off(write_offs: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.Series:
    if write_offs is None:
        return pd.Series(dtype="float64")
    done = write_offs[pd.to_datetime(write_offs["written_off_date"]) <= as_of]
    return done.groupby("pledge_id")["written_off_usd"].sum()


def _from_last(frame: pd.DataFrame, totals: pd.Series) -> pd.Series:
    """Spread each pledge's total over its instalments from the last one backwards."""
    after = frame.iloc[::-1].groupby("pledge_id")["due_usd"].cumsum().iloc[::-1] - frame["due_usd"]
    return (frame["pledge_id"].map(totals).astype("float64").fillna(0) - after).clip(lower=0, upper=frame["due_usd"]).round(2)


def bucket(days: pd.Series | Sequence[float]) -> pd.Categorical:
    """Aging bucket of days past the scheduled date; day 0 is not yet past due."""
    return pd.Categorical.from_codes(np.searchsorted(_LIMITS, np.asarray(days), side="left"), categories=list(BUCKETS), ordered=True)


def aging(open_balances: pd.DataFrame) -> pd.DataFrame:
    """Pledge aging: one row per bucket of `BUCKETS` with `instalments_n`, `pledges_n`, `open_usd`, `open_share`."""
    owed = open_balances[open_balances["open_usd"] > 0]
    grouped = owed.groupby("bucket", observed=False)
    frame = pd.DataFrame(
        {"instalments_n": grouped.size(), "pledges_n": grouped["pledge_id"].nunique(), "open_usd": grouped["open_usd"].sum()}
    ).reset_index()
    return frame.assign(open_share=frame["open_usd"] / frame["open_usd"].sum() if len(owed) else np.nan)


def fulfilment(open_balances: pd.DataFrame) -> dict[str, float]:
    """`due_usd` fallen due so far net of write-offs, `paid_usd` of it, `overdue_usd`, `share` = paid/due, and the same with
    write-offs kept in what was due (`share_with_write_offs`)."""
    due = open_balances[open_balances["days"] >= 0]
    gross, written_off, paid = (float(due[column].sum()) for column in ("due_usd", "written_off_usd", "paid_usd"))
    net = gross - written_off
    overdue = float(due.loc[due["days"] > 0, "open_usd"].sum())
    return {
        "due_usd": net,
        "paid_usd": paid,
        "overdue_usd": overdue,
        "share": paid / net if net else float("nan"),
        "share_with_write_offs": paid / gross if gross else float("nan"),
    }


def allowance(aged: pd.DataFrame, rates: Mapping[str, float]) -> pd.DataFrame:
    """Expected uncollectible balance: `aging` plus `rate_share` of its bucket and `allowance_usd`.

    Raises
    ------
    ValueError : a bucket has no rate.
    """
    missing = sorted(set(aged["bucket"].astype(str)) - set(rates))
    if missing:
        raise ValueError(f"no allowance rate for {', '.join(missing)}")
    rate = aged["bucket"].astype(str).map(dict(rates)).astype("float64")
    return aged.assign(rate_share=rate, allowance_usd=(aged["open_usd"] * rate).round(2))


def present_value(payment: float | Sequence[float], rate: float, periods: int | None = None, *, when: str = "end") -> float:
    """Present value of equal or given instalments at one rate per period.

    Parameters
    ----------
    payment : one instalment (then `periods` of them), or the instalments in order.
    rate : discount rate per period, fixed at the pledge date (0.04 is 4 %).
    when : "end" of each period (ordinary annuity: the first instalment is one period away) or "begin" (annuity due:
        the first instalment is paid today).

    Raises
    ------
    ValueError : `when` is neither, or the rate is -1 or less.
    """
    if when not in ("begin", "end"):
        raise ValueError(f'when must be "begin" (annuity due) or "end" (ordinary annuity), found {when!r}')
    if rate <= -1:
        raise ValueError(f"the discount rate must exceed -1, found {rate}")
    amounts = np.full(periods, payment, dtype="float64") if periods is not None else np.atleast_1d(np.asarray(payment, dtype="float64"))
    times = np.arange(len(amounts)) + (when == "end")
    return float((amounts / (1 + rate) ** times).sum())


def present_value_dated(amounts: Sequence[float], dates: Sequence, rate: float, as_of: str | pd.Timestamp) -> float:
    """Present value on `as_of` of dated instalments at an annual `rate`, actual days over 365; overdue ones at face value."""
    days = (pd.DatetimeIndex(dates) - pd.Timestamp(as_of)).days.to_numpy()
    return float((np.asarray(amounts, dtype="float64") / (1 + rate) ** (np.maximum(days, 0) / 365)).sum())


def receivable(
    open_balances: pd.DataFrame, pledges: pd.DataFrame, rates: Mapping[str, float], *, as_of: str | pd.Timestamp
) -> pd.DataFrame:
    """From face value to what the pledges are worth: one row per step with `amount_usd` (signed).

    Parameters
    ----------
    open_balances : `balances`.
    pledges : one row per pledge: `pledge_id`, `discount_rate_share` fixed at the pledge date.
    rates : allowance rate by aging bucket.
    """
    owed = open_balances.merge(pledges[["pledge_id", "discount_rate_share"]], on="pledge_id", how="left", validate="many_to_one")
    face = float(owed["open_usd"].sum())
    years = (-owed["days"]).clip(lower=0) / 365
    present = float((owed["open_usd"] / (1 + owed["discount_rate_share"]) ** years).sum())
    uncollectible = float(allowance(aging(open_balances), rates)["allowance_usd"].sum())
    steps = ["Open balance at face value", "Discount to present value", "Allowance for uncollectible pledges", "Net receivable"]
    return pd.DataFrame({"step": steps, "amount_usd": [face, present - face, -uncollectible, present - uncollectible]})
