"""Whom to call: last year's donors still to give, stalled proposals, overdue pledges. For internal readers only.

Definitions
-----------
These lists name donors, so they stand on no leadership page. A household of which any member asked not to be contacted is
on no list; the totals of other pages still count it. Every list says how many it left out for that reason. An estate gave for the
last time: it is not waited for.
"""

import pandas as pd

from .giving import lybunt


def contacts(donors: pd.DataFrame) -> pd.DataFrame:
    """One row per household: `donor_id` (the household's number), `name` (of its first donor), `opted_out` (of any member)."""
    households = donors.assign(donor_id=donors["household_id"].fillna(donors["donor_id"]))
    return households.groupby("donor_id").agg(name=("name", "first"), opted_out=("opted_out", "any")).reset_index()


def listed(rows: pd.DataFrame, donors: pd.DataFrame) -> pd.DataFrame:
    """Rows with the donor's `name`, without opted-out households; how many were left out stands in `attrs["left_out"]`.

    Parameters
    ----------
    rows : any list with `donor_id`, a donor's or a household's.
    donors : `donor_id`, `household_id`, `name`, `opted_out`.
    """
    home = donors.set_index("donor_id")["household_id"]
    homes = rows.assign(donor_id=rows["donor_id"].map(home).fillna(rows["donor_id"]))
    named = homes.merge(contacts(donors), on="donor_id", how="left", validate="many_to_one")
    silent = named["opted_out"].astype("boolean").fillna(True).astype(bool)  # a donor not on file is not called either
    kept = named[~silent].drop(columns="opted_out")
    kept.attrs["left_out"] = int(silent.sum())
    return kept[["name", *(column for column in kept.columns if column not in ("name", "donor_id"))]].reset_index(drop=True)


def waiting(giving: pd.DataFrame, donors: pd.DataFrame, gifts: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """LYBUNT households by last year's giving: `name`, `last_usd`, `years_n` of giving, `total_usd`, `last_gift` day.

    Where `donors` has a `kind`, households of nobody but an estate are left out.
    """
    rows = lybunt(giving, year).drop(columns="last_year")
    if "kind" in donors.columns:
        closed = (donors["kind"] == "estate").groupby(donors["household_id"].fillna(donors["donor_id"])).all()
        rows = rows[~rows["donor_id"].isin(closed.index[closed])]
    last = gifts[gifts["amount_usd"] > 0].groupby("donor_id")["gift_date"].max()
    return listed(rows.assign(last_gift=rows["donor_id"].map(last)), donors)


def stalled(opened: pd.DataFrame, prospects: pd.DataFrame, donors: pd.DataFrame) -> pd.DataFrame:
    """Stalled proposals by amount: `name`, `officer`, `stage`, `age_days`, `ask_usd`, `next_move_date` (missing: none planned)."""
    rows = opened[opened["stalled"]].merge(
        prospects[["prospect_id", "donor_id", "officer"]], on="prospect_id", how="left", validate="many_to_one"
    )
    rows = rows.sort_values("ask_usd", ascending=False)
    return listed(rows[["donor_id", "officer", "stage", "age_days", "ask_usd", "next_move_date"]], donors)


def overdue(open_balances: pd.DataFrame, pledges: pd.DataFrame, donors: pd.DataFrame) -> pd.DataFrame:
    """Pledges with instalments past due by age: `name`, `pledge_id`, `overdue_usd`, `oldest_days`, `open_usd` in all."""
    late = open_balances[(open_balances["days"] > 0) & (open_balances["open_usd"] > 0)].groupby("pledge_id")
    rows = pd.DataFrame({"overdue_usd": late["open_usd"].sum(), "oldest_days": late["days"].max()}).reset_index()
    rows["open_usd"] = rows["pledge_id"].map(open_balances.groupby("pledge_id")["open_usd"].sum())
    rows = rows.merge(pledges[["pledge_id", "donor_id"]], on="pledge_id", how="left", validate="one_to_one")
    return listed(rows.sort_values(["oldest_days", "pledge_id"], ascending=[False, True]), donors)
