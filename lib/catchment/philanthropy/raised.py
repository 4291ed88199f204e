"""What was raised, against goal and time: cash and production, year to date, year-end forecast, campaigns, cost.

Definitions
-----------
*Cash*: dollars available for use in the year: outright, recurring, stock, donor-advised, matching, event and grant
gifts, payments on pledges, realized planned gifts. *Production*: what the year's work brought in: the same outright
gifts, new pledges and documented planned gifts at face value, in-kind gifts. What pays a *promise* (a pledge, a documented
planned gift) never counts in production again (AHP), whatever its type: it is a pledge payment or names the promise in
`pledge_id`. A gift in kind is never cash, also where it pays a pledge. Soft credits belong to gifts already counted and
enter neither, nor do write-offs, which only lower what is owed. Reversals (refunds, chargebacks, corrections) carry the
type of the gift they adjust and what they add or take away, so they change every total that the gift entered, in the
year of the reversal.

Known bias: cash lags production by the length of pledges; a year-to-date comparison is only fair to the same day.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .giving import coded, fiscal_year, up_to_day

CASH = frozenset({"outright", "recurring", "stock", "donor-advised", "matching", "event", "grant", "pledge payment", "planned realized"})
PRODUCTION = frozenset(
    {
        "outright",
        "recurring",
        "stock",
        "donor-advised",
        "matching",
        "event",
        "grant",
        "in kind",
        "pledge",
        "planned intention",
        "planned realized",
    }
)
PROMISES = frozenset({"pledge", "planned intention"})
WRITE_OFF = "write-off"
GIFT_TYPES = tuple(sorted(CASH | PRODUCTION | {WRITE_OFF}))

POLICY = {
    "cash": "Cash counts dollars available for use in the year: outright, recurring, stock, donor-advised, matching, event and grant "
    "gifts, pledge payments, realized planned gifts.",
    "production": "Production counts outright gifts, new pledges and documented planned gifts at face value in the year they were made, "
    "and in-kind gifts; payments on pledges and realized planned gifts already counted are left out.",
}


def policy(*, in_kind_is_cash: bool = False) -> str:
    """What counts on each basis, in words."""
    return " ".join(POLICY.values()) + (" This office counts gifts in kind as cash too." if in_kind_is_cash else "")


def counted(gifts: pd.DataFrame, *, basis: str = "cash", in_kind_is_cash: bool = False) -> pd.DataFrame:
    """The gifts that count on a basis (AHP), so that no dollar counts twice.

    Parameters
    ----------
    gifts : one row per hard-credit transaction: `gift_type` (one of `GIFT_TYPES`), `amount_usd` (reversals negative) and,
        where it pays a promise, `pledge_id`.
    basis : "cash" or "production".
    in_kind_is_cash : count in-kind gifts as cash too (some offices do).

    Raises
    ------
    ValueError : unknown basis or gift type.
    """
    if basis not in POLICY:
        raise ValueError(f'basis must be "cash" or "production", found {basis!r}')
    kinds = gifts["gift_type"]
    unknown = sorted(set(kinds.unique()) - set(GIFT_TYPES))
    if unknown:
        raise ValueError(f"unknown gift types {', '.join(map(str, unknown))}; expected one of {', '.join(GIFT_TYPES)}")
    if basis == "cash":
        return gifts[kinds.isin(CASH | ({"in kind"} if in_kind_is_cash else set()))]
    return gifts[kinds.isin(PRODUCTION) & ~pays(gifts)]


def pays(gifts: pd.DataFrame) -> pd.Series:
    """True for rows that pay a promise: pledge payments, and whatever else names the promise that it is paid on."""
    kinds = gifts["gift_type"]
    paying = kinds == "pledge payment"
    return paying | (gifts["pledge_id"].notna() & ~kinds.isin(PROMISES | {WRITE_OFF})) if "pledge_id" in gifts.columns else paying


def compact(gifts: pd.DataFrame) -> pd.DataFrame:
    """The ledger with its repeating texts (donors, types, programs, designations, pledges) as categories: the same values in a
    fraction of the memory and time, which tells from a million gifts on."""
    repeated = [
        column
        for column in ("donor_id", "gift_type", "program", "designation_id", "campaign_id", "appeal_id", "pledge_id", "adjustment")
        if column in gifts.columns
    ]
    return gifts.assign(**{column: gifts[column].astype("category") for column in repeated})


def trimmed(gifts: pd.DataFrame, basis: str, columns: Sequence[str], *, mask: pd.Series | None = None, **options: bool) -> pd.DataFrame:
    """The gifts that count (`counted`) among those of `mask`, with only the columns asked for: wide ledgers are costly to cut."""
    needed = dict.fromkeys(["gift_type", "pledge_id", "amount_usd", *columns])
    narrow = gifts[[column for column in needed if column in gifts.columns]]
    return counted(narrow if mask is None else narrow[mask], basis=basis, **options)


def cash(gifts: pd.DataFrame, **options: bool) -> float:
    """Total cash raised, US dollars (`counted` on the cash basis)."""
    return _total(counted(gifts, basis="cash", **options))


def production(gifts: pd.DataFrame) -> float:
    """Total production raised, US dollars (`counted` on the production basis)."""
    return _total(counted(gifts, basis="production"))


def _total(gifts: pd.DataFrame) -> float:
    return round(float(gifts["amount_usd"].sum()), 2)


def year_of(day: str | pd.Timestamp, *, start_month: int = 7) -> int:
    """Fiscal year of one day."""
    return int(fiscal_year([day], start_month=start_month).iloc[0])


def in_year(gifts: pd.DataFrame, year: int, *, start_month: int = 7) -> pd.Series:
    """True for gifts of one fiscal year."""
    return fiscal_year(gifts["gift_date"], start_month=start_month) == year


def values(assumptions: Mapping | Sequence) -> dict | list:
    """The plain values of a mapping or list of assumptions."""
    if isinstance(assumptions, Mapping):
        return {key: each.value for key, each in assumptions.items()}
    return [each.value for each in assumptions]


def fiscal_span(year: int, *, start_month: int = 7) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of a fiscal year named by the calendar year in which it ends."""
    start = pd.Timestamp(year - (start_month > 1), start_month, 1)
    return start, start + pd.DateOffset(years=1, days=-1)


def raised(
    gifts: pd.DataFrame, *, by: Sequence[str] = (), basis: str = "cash", start_month: int = 7, in_kind_is_cash: bool = False
) -> pd.DataFrame:
    """Raised by fiscal year and any columns of the ledger: one row per `fiscal_year` and `by`, `gifts_n`, `amount_usd`."""
    kept = trimmed(gifts, basis, ["gift_date", *by], in_kind_is_cash=in_kind_is_cash)
    years = fiscal_year(kept["gift_date"], start_month=start_month)
    keys = [years, *(kept[column] for column in by)]
    return kept.groupby(keys, observed=True)["amount_usd"].agg(gifts_n="size", amount_usd="sum").round(2).reset_index()


def raised_by_basis(gifts: pd.DataFrame, *, start_month: int = 7, in_kind_is_cash: bool = False) -> pd.DataFrame:
    """Cash and production of each fiscal year: one row per `fiscal_year` and `basis` (Cash, Production), `gifts_n`, `amount_usd`."""
    parts = [
        raised(gifts, basis=basis, start_month=start_month, in_kind_is_cash=in_kind_is_cash).assign(basis=basis.capitalize())
        for basis in POLICY
    ]
    return pd.concat(parts, ignore_index=True)


def gone_share(as_of: str | pd.Timestamp, *, start_month: int = 7) -> float:
    """Part of the fiscal year gone at the end of a day."""
    first, last = fiscal_span(int(fiscal_year([as_of], start_month=start_month).iloc[0]), start_month=start_month)
    return ((pd.Timestamp(as_of) - first).days + 1) / ((last - first).days + 1)


def year_to_date(
    gifts: pd.DataFrame,
    as_of: str | pd.Timestamp,
    *,
    by: Sequence[str] = (),
    basis: str = "cash",
    start_month: int = 7,
    goals: pd.DataFrame | None = None,
    in_kind_is_cash: bool = False,
) -> pd.DataFrame:
    """This fiscal year so far against the same day last year, last year's total and goal.

    Parameters
    ----------
    goals : `fiscal_year`, `basis`, `goal_usd` and the columns of `by`; goals are summed over anything finer.

    Returns
    -------
    One row (or one per `by`): `ytd_usd`, `same_day_usd` last year, `change_usd`, `change_share`, `last_year_usd` in full,
    and with goals `goal_usd` (missing where none is set for the year), `goal_share` reached, `to_go_usd`.
    """
    as_of, by = pd.Timestamp(as_of), list(by)
    year = year_of(as_of, start_month=start_month)
    since = fiscal_span(year - 1, start_month=start_month)[0]
    recent = pd.to_datetime(gifts["gift_date"]).between(since, as_of)
    kept = trimmed(gifts, basis, ["gift_date", *by], mask=recent, in_kind_is_cash=in_kind_is_cash)
    years = fiscal_year(kept["gift_date"], start_month=start_month)
    early = up_to_day(kept["gift_date"], as_of, start_month=start_month)
    parts = {"ytd_usd": years == year, "same_day_usd": (years == year - 1) & early, "last_year_usd": years == year - 1}
    frame = pd.DataFrame({name: _summed(kept[mask], by) for name, mask in parts.items()}).fillna(0.0).round(2)
    if goals is not None:
        due = goals[(goals["fiscal_year"] == year) & (goals["basis"] == basis)].rename(columns={"goal_usd": "amount_usd"})
        frame = frame.join(_summed(due, by, least=1).rename("goal_usd"), how="outer").fillna(dict.fromkeys(parts, 0.0))
        frame["goal_share"] = frame["ytd_usd"] / frame["goal_usd"].where(frame["goal_usd"] > 0)
        frame["to_go_usd"] = (frame["goal_usd"] - frame["ytd_usd"]).clip(lower=0)
    frame["change_usd"] = frame["ytd_usd"] - frame["same_day_usd"]
    frame["change_share"] = frame["change_usd"] / frame["same_day_usd"].where(frame["same_day_usd"] > 0)
    return frame.reset_index(drop=not by).assign(fiscal_year=year)


def _summed(frame: pd.DataFrame, by: list[str], *, least: int = 0) -> pd.Series:
    """Sum in all or by columns; missing with fewer than `least` rows."""
    if not by:
        return pd.Series([frame["amount_usd"].astype("float64").sum(min_count=least)])
    return frame.groupby(by, observed=True)["amount_usd"].sum(min_count=least)


def to_date_by(
    gifts: pd.DataFrame, as_of: str | pd.Timestamp, by: str, *, start_month: int = 7, goals: pd.DataFrame | None = None,
    in_kind_is_cash: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """`year_to_date` by one column on both bases: one row per `by` and `basis` (Cash, Production).

    The largest goal comes first; without goals, what raised most.
    """
    parts = [
        year_to_date(gifts, as_of, by=[by], basis=basis, start_month=start_month, goals=goals, in_kind_is_cash=in_kind_is_cash).assign(
            basis=basis.capitalize()
        )
        for basis in POLICY
    ]
    frame = pd.concat(parts, ignore_index=True)
    ranking = "goal_usd" if goals is not None and frame["goal_usd"].notna().any() else "ytd_usd"
    order = frame.groupby(by)[ranking].transform("max")
    frame = frame.assign(order=order).sort_values(["order", by, "basis"], ascending=[False, True, True], ignore_index=True)
    return frame[[by, "basis", *(column for column in frame.columns if column not in (by, "basis", "order", "fiscal_year"))]]


def campaign_progress(campaigns: pd.DataFrame, gifts: pd.DataFrame, *, as_of: str | pd.Timestamp, recent_months: int = 12) -> pd.DataFrame:
    """Each campaign against its goal and its time, counted as production inside its dates.

    Parameters
    ----------
    campaigns : `campaign_id`, `campaign`, `goal_usd`, `start_date`, `end_date`.
    gifts : the ledger with `campaign_id`.
    recent_months : window of the recent run rate.

    Returns
    -------
    One row per campaign: `raised_usd`, `goal_share`, `time_share` gone, `gap_usd` to goal, `rate_usd_month` so far,
    `recent_rate_usd_month`, `needed_rate_usd_month` to make the goal in time, `projected_usd` at the end at the rate so far,
    `ahead_usd` = raised less goal x time gone.
    """
    as_of = pd.Timestamp(as_of)
    kept = trimmed(gifts, "production", ["campaign_id", "gift_date"], mask=gifts["campaign_id"].isin(campaigns["campaign_id"]))
    kept = kept.astype({"campaign_id": campaigns["campaign_id"].dtype}).merge(
        campaigns[["campaign_id", "start_date", "end_date"]], on="campaign_id", how="inner", validate="many_to_one"
    )
    when = pd.to_datetime(kept["gift_date"])
    kept = kept[(when >= pd.to_datetime(kept["start_date"])) & (when <= pd.to_datetime(kept["end_date"])) & (when <= as_of)]
    recent = kept[pd.to_datetime(kept["gift_date"]) > as_of - pd.DateOffset(months=recent_months)]
    frame = campaigns.copy()
    for name, part in (("raised_usd", kept), ("recent_usd", recent)):
        frame[name] = frame["campaign_id"].map(part.groupby("campaign_id")["amount_usd"].sum()).astype("float64").fillna(0.0).round(2)
    start, end = pd.to_datetime(frame["start_date"]), pd.to_datetime(frame["end_date"])
    gone, whole = (as_of - start).dt.days.clip(lower=0), (end - start).dt.days
    month = 365.25 / 12
    frame["goal_share"] = frame["raised_usd"] / frame["goal_usd"]
    frame["time_share"] = (gone / whole).clip(upper=1)
    frame["gap_usd"] = (frame["goal_usd"] - frame["raised_usd"]).clip(lower=0)
    frame["rate_usd_month"] = frame["raised_usd"] / (np.minimum(gone, whole) / month).where(gone > 0)
    frame["recent_rate_usd_month"] = frame.pop("recent_usd") / np.minimum(recent_months, gone / month).where(gone > 0)
    left = ((whole - gone) / month).where(whole > gone)
    frame["needed_rate_usd_month"] = frame["gap_usd"] / left
    frame["projected_usd"] = frame["raised_usd"] + frame["rate_usd_month"].fillna(0) * left.fillna(0)
    return frame.assign(ahead_usd=frame["raised_usd"] - frame["goal_usd"] * frame["time_share"])


def return_on_investment(raised_usd: float, expense_usd: float) -> float:
    """Gross funds raised per dollar of fundraising expense (AHP ROI); missing without expense."""
    return raised_usd / expense_usd if expense_usd else float("nan")


def cost_to_raise_a_dollar(raised_usd: float, expense_usd: float) -> float:
    """Fundraising expense per gross dollar raised (CTRD), the reciprocal of ROI; missing without funds raised."""
    return expense_usd / raised_usd if raised_usd else float("nan")


def cost(raised_by_program: pd.DataFrame, expenses: pd.DataFrame, *, total: str = "All programs") -> pd.DataFrame:
    """What raising it cost, by program and in all.

    Parameters
    ----------
    raised_by_program : one row per `program` with gross `amount_usd` of the year (say which basis).
    expenses : one row per `program` with `expense_usd` and `fte` (direct fundraising staff).

    Returns
    -------
    One row per program and the total: `raised_usd`, `expense_usd`, `net_usd`, `roi`, `ctrd_usd`, `fte`, `net_per_fte_usd`.
    """
    frame = raised_by_program.groupby("program", observed=True)["amount_usd"].sum().rename("raised_usd").to_frame()
    spent = expenses.groupby("program", observed=True)[["expense_usd", "fte"]].sum()
    frame = frame.join(spent, how="outer").fillna(0.0).sort_values("raised_usd", ascending=False)
    frame.loc[total] = frame.sum()
    frame["net_usd"] = frame["raised_usd"] - frame["expense_usd"]
    frame["roi"] = frame["raised_usd"] / frame["expense_usd"].where(frame["expense_usd"] > 0)
    frame["ctrd_usd"] = frame["expense_usd"] / frame["raised_usd"].where(frame["raised_usd"] > 0)
    frame["net_per_fte_usd"] = frame["net_usd"] / frame["fte"].where(frame["fte"] > 0)
    return frame.rename_axis("program").reset_index()


def cost_by_year(
    gifts: pd.DataFrame, expenses: pd.DataFrame, *, start_month: int = 7, basis: str = "production", total: str = "All programs"
) -> pd.DataFrame:
    """`cost` of every fiscal year with expenses (none: no row), with `fiscal_year` first; gross funds on `basis`."""
    money = raised(gifts, by=["program"], basis=basis, start_month=start_month)
    years = sorted(set(expenses["fiscal_year"]))
    if not years:
        return cost(money.head(0), expenses, total=total).head(0).assign(fiscal_year=pd.Series(dtype="int64"))
    parts = [
        cost(money[money["fiscal_year"] == year], expenses[expenses["fiscal_year"] == year], total=total).assign(fiscal_year=year)
        for year in years
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["fiscal_year", *frame.columns.drop("fiscal_year")]]


def lookup(frame: pd.DataFrame, key: str, column: str) -> pd.Series:
    """One column by another that must not repeat.

    Raises
    ------
    ValueError : a value of `key` is listed twice.
    """
    if frame[key].duplicated().any():
        raise ValueError(f"{key} {frame.loc[frame[key].duplicated(), key].iloc[0]!r} is listed twice")
    return frame.set_index(key)[column]


def credit(gifts: pd.DataFrame, soft_credits: pd.DataFrame, donors: pd.DataFrame, *, basis: str = "cash") -> pd.DataFrame:
    """Hard and soft credit side by side by kind of donor; the hard column adds up to what was raised.

    A gift may stand under a donor or under a household; one of neither on file (a merged donor, say) is of kind "unknown".

    Parameters
    ----------
    gifts : hard credits: `gift_id`, `donor_id`, `gift_type`, `amount_usd`.
    soft_credits : recognition of somebody else's gift: `gift_id`, `donor_id`, `amount_usd`.
    donors : `donor_id`, `household_id`, `kind`.
    """
    kind = lookup(donors, "donor_id", "kind").astype("object")
    if "household_id" in donors.columns:
        homes = donors.dropna(subset="household_id").drop_duplicates("household_id").set_index("household_id")["kind"].astype("object")
        kind = pd.concat([kind, homes[~homes.index.isin(kind.index)]])
    kept = trimmed(gifts, basis, ["gift_id", "donor_id"])
    soft = soft_credits[soft_credits["gift_id"].isin(kept["gift_id"])]
    sums = {}
    for name, part in (("hard_usd", kept), ("soft_usd", soft)):
        codes, people = coded(part["donor_id"])
        sums[name] = part["amount_usd"].groupby(kind.reindex(people).fillna("unknown").to_numpy()[codes]).sum().round(2)
    return pd.DataFrame(sums).fillna(0.0).rename_axis("kind").sort_values("hard_usd", ascending=False).reset_index()


def recognized(gifts: pd.DataFrame, donors: pd.DataFrame, soft_credits: pd.DataFrame | None = None) -> pd.DataFrame:
    """Gifts by the household to thank: every gift once, so totals stay as they are.

    A donor-advised gift moves from the fund's sponsor to the adviser with soft credit (the first, if several); then each
    donor is replaced by its household, so that a couple counts once. Donors without a household keep their own number.
    """
    codes, people = coded(gifts["donor_id"])
    home = lookup(donors, "donor_id", "household_id").dropna()
    homes = pd.Series(home.reindex(people).to_numpy(), index=people, dtype="object").fillna(pd.Series(people, index=people))
    names, households = pd.factorize(homes.to_numpy())
    codes = names[codes]
    if soft_credits is not None:
        advised = soft_credits[soft_credits["reason"] == "donor-advised"].drop_duplicates("gift_id").set_index("gift_id")["donor_id"]
        rows = np.flatnonzero((gifts["gift_type"] == "donor-advised").to_numpy())
        adviser = gifts["gift_id"].iloc[rows].map(advised)
        rows, adviser = rows[adviser.notna().to_numpy()], adviser.dropna()
        adviser = adviser.map(home).fillna(adviser)
        households = pd.Index(households).append(pd.Index(adviser.unique()).difference(households))
        codes[rows] = pd.Index(households).get_indexer(adviser)
    return gifts.assign(donor_id=pd.Categorical.from_codes(codes, categories=pd.Index(households, dtype="str")))


def against_benchmark(costs: pd.DataFrame, benchmarks: Mapping[str, float], *, year: int) -> pd.DataFrame:
    """Cost of one fiscal year with `benchmark_usd` to raise a dollar, weighted by funds raised for the total."""
    frame = costs[costs["fiscal_year"] == year].drop(columns="fiscal_year").reset_index(drop=True)
    frame["benchmark_usd"] = frame["program"].map(dict(benchmarks)).astype("float64")
    parts = frame["benchmark_usd"].notna()
    mixed = (
        (frame["benchmark_usd"] * frame["raised_usd"])[parts].sum() / frame.loc[parts, "raised_usd"].sum()
        if frame.loc[parts, "raised_usd"].sum()
        else np.nan
    )
    return frame.fillna({"benchmark_usd": mixed})
