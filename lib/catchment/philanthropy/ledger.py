"""How a gift ledger hangs together: payments and reversals under their promises, and whether it adds up.

Definitions. A *promise* is a pledge or a documented planned gift; what pays it is cash and never production (`raised`). A ledger
adds up when cash, gifts in kind, open and written-off promises make what was given and promised, to the cent: every dollar
stands in one place. Known bias: a payment posted without the number of its pledge leaves the pledge open.
"""

import pandas as pd

from .giving import cents
from .raised import CASH, PROMISES, WRITE_OFF, pays


def linked(gifts: pd.DataFrame) -> pd.DataFrame:
    """The ledger with each reversal under type and promise of the gift that it adjusts, and each promise under its own number."""
    adjusts = gifts["adjusts_gift_id"] if "adjusts_gift_id" in gifts.columns else pd.Series(None, index=gifts.index, dtype="object")
    own = gifts["gift_type"].isin(PROMISES) & gifts["pledge_id"].isna() & adjusts.isna()
    if not (own.any() or adjusts.notna().any()):
        return gifts
    pledge = gifts["pledge_id"].astype("object").where(~own, gifts["gift_id"].astype("object"))
    once = ~gifts["gift_id"].duplicated()
    of = pd.DataFrame({"pledge_id": pledge, "gift_type": gifts["gift_type"].astype("object")})[once].set_index(gifts.loc[once, "gift_id"])
    adjusted = {column: adjusts.dropna().map(of[column]).reindex(gifts.index) for column in of}
    return gifts.assign(**{column: adjusted[column].fillna(pledge if column == "pledge_id" else gifts[column]) for column in of})


def promises(gifts: pd.DataFrame, *, write_offs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every promise of the ledger and what became of it: one row per `pledge_id` with its `kind` (pledge, planned intention),
    `made_usd`, `paid_usd`, `written_off_usd`, `open_usd` (below zero where more was paid than promised).

    Parameters
    ----------
    gifts : the ledger, `linked`: `gift_id`, `gift_type`, `pledge_id`, `amount_usd`.
    write_offs : promises written off, in the ledger or elsewhere (`pledges.write_offs`): `pledge_id`, `written_off_usd`.
    """
    number = gifts["pledge_id"].astype("object").where(gifts["pledge_id"].notna(), gifts["gift_id"].astype("object"))
    rows = pd.DataFrame({"pledge_id": number, "kind": gifts["gift_type"].astype("object"), "cents": cents(gifts["amount_usd"])})
    made = rows[gifts["gift_type"].isin(PROMISES)].groupby("pledge_id").agg(kind=("kind", "first"), made=("cents", "sum"))
    paid = rows[pays(gifts)].groupby("pledge_id")["cents"].sum()
    lost = -rows[gifts["gift_type"] == WRITE_OFF].groupby("pledge_id")["cents"].sum()
    if write_offs is not None:
        lost = pd.Series(cents(write_offs["written_off_usd"].fillna(0.0)), index=write_offs["pledge_id"]).groupby(level=0).sum()
    made = made.assign(paid=paid.reindex(made.index, fill_value=0), lost=lost.reindex(made.index, fill_value=0))
    made["open"] = made["made"] - made["paid"] - made["lost"]
    amounts = {"made": "made_usd", "paid": "paid_usd", "lost": "written_off_usd", "open": "open_usd"}
    return made.rename(columns=amounts).astype(dict.fromkeys(amounts.values(), "float64")).apply(_dollars).reset_index()


def reconciliation(gifts: pd.DataFrame, *, write_offs: pd.DataFrame | None = None) -> pd.DataFrame:
    """How the ledger adds up, to the cent: cash, gifts in kind, open promises and adjustments make what was given and promised.

    Parameters
    ----------
    gifts, write_offs : as in `promises`.

    Returns
    -------
    One row per `part` with a signed `amount_usd`; the last one, production of all years, is the sum of the others. What was
    paid beyond a promise, and on promises that the ledger does not hold, is cash that nothing was promised for: it is taken off.
    """
    amounts, kinds = pd.Series(cents(gifts["amount_usd"]), index=gifts.index), gifts["gift_type"]
    held = promises(gifts, write_offs=write_offs)
    left, paid = pd.Series(cents(held["open_usd"]), index=held["kind"]), cents(held["paid_usd"]).sum()
    parts = {
        "Cash": amounts[kinds.isin(CASH)].sum(),
        "Gifts in kind": amounts[kinds == "in kind"].sum(),
        "Open pledges": left[left.index == "pledge"].clip(lower=0).sum(),
        "Planned gifts to come": left[left.index != "pledge"].clip(lower=0).sum(),
        "Written off": cents(held["written_off_usd"]).sum(),
        "Paid or written off beyond the promise": left.clip(upper=0).sum(),
        "Paid on promises that the ledger does not hold": paid - amounts[pays(gifts)].sum(),
    }
    rows = [*parts.items(), ("Given and promised", sum(parts.values()))]
    return pd.DataFrame([(part, float(value) / 100) for part, value in rows], columns=["part", "amount_usd"])


def _dollars(column: pd.Series) -> pd.Series:
    return column / 100 if column.name != "kind" else column
