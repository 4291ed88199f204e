"""Who gives, who stays, who slips away: donors by fiscal year.

Definitions
-----------
A donor of a year gave more than zero net of refunds in that fiscal year. Hard credits only: a soft credit belongs
to somebody else's gift and is never added to it. *Retention* of year Y divides donors of both years by the donors of
Y-1 (never by all donors ever). *First-time* donors of Y-1 gave for the first time in Y-1, every other donor of Y-1 is
a *repeat* donor. *LYBUNT* gave last year but not this; *SYBUNT* gave in some year before last but neither last year
nor this, so the two never overlap. *Recaptured* donors gave this year, not last year, and in some year before.
The growth-in-giving categories follow the Fundraising Effectiveness Project (FEP) and add up to the change in giving.

Known bias: the ledger's first year makes everybody in it look new, so first-time and recaptured counts of its first
two years are overstated. A year in progress is compared with last year to the same day, never with a whole year.
Amounts are added as whole cents, so that sums reconcile exactly.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from catchment.stats.rates import wilson

CATEGORIES = {
    "new": "New donors",
    "recaptured": "Recaptured donors",
    "upgraded": "Upgraded",
    "same": "Same amount",
    "downgraded": "Downgraded",
    "lapsed new": "Lapsed, had been new",
    "lapsed repeat": "Lapsed, had been repeat",
    "adjustment": "Refunds beyond the year's gifts",
}
GAINS = ("new", "recaptured", "upgraded")
LOSSES = ("downgraded", "lapsed new", "lapsed repeat")


def fiscal_year(dates: pd.Series | Iterable, *, start_month: int = 7) -> pd.Series:
    """Fiscal year of each date, named by the calendar year in which it ends.

    Parameters
    ----------
    dates : dates, one per gift.
    start_month : first month of the fiscal year; 7 makes 1 July 2024 to 30 June 2025 year 2025, 1 the calendar year.

    Raises
    ------
    ValueError : `start_month` is not 1 to 12.
    """
    if not 1 <= start_month <= 12:
        raise ValueError(f"start_month must be 1 to 12, found {start_month}")
    dates = pd.Series(pd.to_datetime(dates))
    if dates.isna().any():
        raise ValueError("a date is missing")
    return pd.Series((_months(dates) + (13 - start_month) % 12) // 12 + 1970, index=dates.index, name="fiscal_year")


def _months(dates: pd.Series) -> np.ndarray:
    """Months since January 1970."""
    return dates.to_numpy().astype("datetime64[M]").astype("int64")


def annual(
    gifts: pd.DataFrame, *, start_month: int = 7, until: str | pd.Timestamp | None = None, to_day: str | pd.Timestamp | None = None
) -> pd.DataFrame:
    """Giving by donor and fiscal year, in whole cents: the frame every function of this module works on.

    Parameters
    ----------
    gifts : one row per gift with `donor_id`, `amount_usd` and `gift_date` (or `fiscal_year`, or `year`).
        Reversals are rows with negative amounts.
    until : leave out gifts after this date.
    to_day : in every fiscal year keep only gifts up to the same day of the year, for a fair year-to-date comparison.

    Returns
    -------
    One row per donor, one integer column (cents) per fiscal year, years without any gift included.

    Raises
    ------
    ValueError
        A frame that is annual already holds no whole numbers: dollars are not cents.
    """
    if "donor_id" not in gifts.columns:  # already annual
        for year, kind in gifts.dtypes.items():
            if not pd.api.types.is_integer_dtype(kind):
                raise ValueError(f"giving by year: expected whole cents, as `annual` makes them of dollars, found {kind} in {year}")
        return gifts
    if until is not None:
        gifts = gifts[pd.to_datetime(gifts["gift_date"]) <= pd.Timestamp(until)]
    if to_day is not None:
        gifts = gifts[up_to_day(gifts["gift_date"], to_day, start_month=start_month).to_numpy()]
    years = _years(gifts, start_month).to_numpy()
    codes, donors = coded(gifts["donor_id"])
    if len(codes) == 0:
        return pd.DataFrame(index=pd.Index([], name="donor_id"))
    first, last = int(years.min()), int(years.max())
    cells = codes * (last - first + 1) + (years - first)
    amounts = np.zeros(len(donors) * (last - first + 1), dtype="int64")
    np.add.at(amounts, cells, cents(gifts["amount_usd"]))
    frame = pd.DataFrame(amounts.reshape(len(donors), -1), index=pd.Index(donors, name="donor_id"), columns=range(first, last + 1))
    given = np.bincount(codes, minlength=len(donors)) > 0
    return frame if given.all() else frame[given]


def coded(donors: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Whole numbers for donors and the donor of each number; at no cost when the column is categorical already."""
    if isinstance(donors.dtype, pd.CategoricalDtype):
        return donors.cat.codes.to_numpy().astype("int64"), donors.cat.categories
    codes, names = pd.factorize(donors)
    return codes.astype("int64"), pd.Index(names)


def cents(amounts: pd.Series | np.ndarray) -> np.ndarray:
    """Amounts in US dollars as whole cents, halves rounded away from the binary representation's noise."""
    return np.rint(np.asarray(amounts, dtype="float64") * 100).astype("int64")


def up_to_day(dates: pd.Series, as_of: str | pd.Timestamp, *, start_month: int = 7) -> pd.Series:
    """True where a date lies in its fiscal year no later than `as_of` lies in its own; 29 February comes after any 28 February."""
    dates, as_of = pd.Series(pd.to_datetime(dates)), pd.Timestamp(as_of)
    return pd.Series(fiscal_day(dates, start_month=start_month)[1] <= (as_of.month - start_month) % 12 * 31 + as_of.day, index=dates.index)


def fiscal_day(dates: pd.Series, *, start_month: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Fiscal year of each date, and a number that grows with the day of the year (31 to the month, 1 to 372)."""
    months, days = _months(pd.to_datetime(dates)), pd.to_datetime(dates).to_numpy().astype("datetime64[D]")
    into = (months + 1 - start_month) % 12 * 31 + (days - months.astype("datetime64[M]")).astype("int64") + 1
    return (months + (13 - start_month) % 12) // 12 + 1970, into


def _years(gifts: pd.DataFrame, start_month: int) -> pd.Series:
    for column in ("fiscal_year", "year"):
        if column in gifts.columns:
            return gifts[column].astype("int64")
    return fiscal_year(gifts["gift_date"], start_month=start_month)


def _pair(giving: pd.DataFrame, year: int | None) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Cents of `year` and the year before, and whether each donor gave in any earlier year."""
    giving = annual(giving)
    year = int(giving.columns[-1]) if year is None else year
    if not {year, year - 1} <= set(giving.columns):
        raise ValueError(f"the ledger holds no giving of fiscal years {year - 1} and {year}")
    before = giving.loc[:, [column for column in giving.columns if column < year - 1]].to_numpy()
    return year, giving[year].to_numpy(), giving[year - 1].to_numpy(), (before > 0).any(axis=1)


def status(giving: pd.DataFrame, year: int | None = None) -> pd.Series:
    """What each donor is in `year`: one FEP category, or `sybunt`, or missing when not yet a donor.

    Values: new, recaptured, upgraded, same, downgraded, lapsed new, lapsed repeat, sybunt. The two lapsed
    categories together are the LYBUNT donors.
    """
    giving = annual(giving)
    _, now, last, earlier = _pair(giving, year)
    gave, gave_last = now > 0, last > 0
    conditions = [
        gave & ~gave_last & ~earlier,
        gave & ~gave_last & earlier,
        gave & gave_last & (now > last),
        gave & gave_last & (now == last),
        gave & gave_last,
        gave_last & ~earlier,
        gave_last,
        earlier,
    ]
    names = ["new", "recaptured", "upgraded", "same", "downgraded", "lapsed new", "lapsed repeat", "sybunt"]
    codes = np.select(conditions, range(len(names)), default=-1)
    return pd.Series(pd.Categorical.from_codes(codes, categories=names), index=giving.index, name="status")


def retention(giving: pd.DataFrame, year: int | None = None, *, level: float = 0.95) -> pd.DataFrame:
    """Donor retention of `year`: overall, first-time and repeat donors of the year before.

    Returns
    -------
    One row per group (overall, first-time, repeat): `donors_before_n`, `retained_n`, `share`, Wilson `share_low`, `share_high`.
    """
    year, now, last, earlier = _pair(giving, year)
    base, kept = last > 0, (last > 0) & (now > 0)
    groups = {"overall": base, "first-time": base & ~earlier, "repeat": base & earlier}
    rows = pd.DataFrame(
        {
            "group": list(groups),
            "year": year,
            "donors_before_n": [int(mask.sum()) for mask in groups.values()],
            "retained_n": [int((kept & mask).sum()) for mask in groups.values()],
        }
    )
    rows["share"] = rows["retained_n"] / rows["donors_before_n"].where(rows["donors_before_n"] > 0)
    rows["share_low"], rows["share_high"] = wilson(rows["retained_n"], rows["donors_before_n"], alpha=1 - level)
    return rows


def dollar_retention(giving: pd.DataFrame, year: int | None = None) -> dict[str, float]:
    """Share of last year's dollars given again by last year's donors.

    Returns
    -------
    `with_upgrades` counts everything last year's donors gave this year (it can exceed 1); `without_upgrades` caps each
    donor at last year's amount, so it is the part of last year's money that came back.
    """
    _, now, last, _ = _pair(giving, year)
    base = last > 0
    total = last[base].sum()
    if total == 0:
        return {"with_upgrades": float("nan"), "without_upgrades": float("nan")}
    now = np.maximum(now[base], 0)
    return {"with_upgrades": float(now.sum() / total), "without_upgrades": float(np.minimum(now, last[base]).sum() / total)}


def retention_trend(giving: pd.DataFrame, *, through: int | None = None, level: float = 0.95) -> pd.DataFrame:
    """`retention` of every year that has two years of history before it, one row per year and group."""
    giving = annual(giving)
    years = [year for year in giving.columns[2:] if through is None or year <= through]
    return (
        pd.concat([retention(giving, year, level=level) for year in years], ignore_index=True)
        if years
        else pd.DataFrame(columns=["group", "year", "donors_before_n", "retained_n", "share", "share_low", "share_high"])
    )


def lybunt(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """Donors who gave last year but not this: `donor_id`, `last_year`, `last_usd`, `years_n` with giving, `total_usd`."""
    giving = annual(giving)
    _, now, last, _ = _pair(giving, year)
    return _lapsed(giving, (last > 0) & (now <= 0), year)


def sybunt(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """Donors of some year before last who gave neither last year nor this (LYBUNT excluded); columns as `lybunt`."""
    giving = annual(giving)
    _, now, last, earlier = _pair(giving, year)
    return _lapsed(giving, earlier & (last <= 0) & (now <= 0), year)


def _lapsed(giving: pd.DataFrame, mask: np.ndarray, year: int | None) -> pd.DataFrame:
    year = int(giving.columns[-1]) if year is None else year
    years = np.array([column for column in giving.columns if column < year])
    amounts = giving.loc[mask, list(years)].to_numpy()
    gave = amounts > 0
    last = gave.shape[1] - 1 - gave[:, ::-1].argmax(axis=1) if len(amounts) else np.array([], dtype=int)
    return pd.DataFrame(
        {
            "donor_id": giving.index[mask],
            "last_year": years[last],
            "last_usd": amounts[np.arange(len(amounts)), last] / 100,
            "years_n": gave.sum(axis=1),
            "total_usd": amounts.sum(axis=1) / 100,
        }
    ).sort_values(["last_usd", "donor_id"], ascending=[False, True], ignore_index=True)


def recaptured(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """Donors who gave this year, not last year, and in some year before: `donor_id`, `amount_usd` of this year."""
    giving = annual(giving)
    _, now, last, earlier = _pair(giving, year)
    mask = (now > 0) & (last <= 0) & earlier
    return pd.DataFrame({"donor_id": giving.index[mask], "amount_usd": now[mask] / 100})


def movement(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """Donors of both years by whether they gave more, less or the same: `movement`, `year`, `donors_n`, `share`, `change_usd`."""
    giving = annual(giving)
    names = {"upgraded": "upgrade", "downgraded": "downgrade", "same": "same"}
    rows = gains_and_losses(giving, year).set_index("category").loc[list(names)].reset_index()
    rows = rows.assign(movement=rows["category"].map(names), year=_pair(giving, year)[0], change_usd=rows["amount_usd"])
    rows["share"] = rows["donors_n"] / rows["donors_n"].sum() if rows["donors_n"].any() else np.nan
    return rows[["movement", "year", "donors_n", "share", "change_usd"]]


def gains_and_losses(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """FEP growth in giving: every dollar of change between two years assigned to one reason.

    Returns
    -------
    One row per category of `CATEGORIES` with `kind` (gain, loss, none), `donors_n` and signed `amount_usd`; the amounts
    sum to the change in giving to the cent. *Adjustment* holds refunds that exceed a donor's gifts of a year.

    References
    ----------
    Association of Fundraising Professionals and Urban Institute, Fundraising Effectiveness Project, growth-in-giving method.
    """
    giving = annual(giving)
    _, now, last, earlier = _pair(giving, year)
    gave, gave_last = now > 0, last > 0
    given, given_last = np.maximum(now, 0), np.maximum(last, 0)
    masks = {
        "new": gave & ~gave_last & ~earlier,
        "recaptured": gave & ~gave_last & earlier,
        "upgraded": gave & gave_last & (now > last),
        "same": gave & gave_last & (now == last),
        "downgraded": gave & gave_last & (now < last),
        "lapsed new": gave_last & ~gave & ~earlier,
        "lapsed repeat": gave_last & ~gave & earlier,
    }
    rows = [(name, int(mask.sum()), int((given - given_last)[mask].sum())) for name, mask in masks.items()]
    rows.append(("adjustment", int(((now < 0) | (last < 0)).sum()), int(np.minimum(now, 0).sum() - np.minimum(last, 0).sum())))
    frame = pd.DataFrame(rows, columns=["category", "donors_n", "cents"])
    frame["kind"] = np.select([frame["category"].isin(GAINS), frame["category"].isin(LOSSES)], ["gain", "loss"], "none")
    frame["amount_usd"] = frame.pop("cents") / 100
    return frame


def growth_in_giving(giving: pd.DataFrame, year: int | None = None) -> dict[str, float]:
    """Totals of `gains_and_losses`: `before_usd`, `now_usd`, `gains_usd`, `losses_usd` (positive), `adjustments_usd`,
    `net_usd` = now - before, and `lost_per_100_gained`."""
    giving = annual(giving)
    year, now, last, _ = _pair(giving, year)
    rows = gains_and_losses(giving, year)
    total = {kind: int(cents(rows.loc[rows["kind"] == kind, "amount_usd"]).sum()) for kind in ("gain", "loss", "none")}
    return {
        "before_usd": int(last.sum()) / 100,
        "now_usd": int(now.sum()) / 100,
        "gains_usd": total["gain"] / 100,
        "losses_usd": -total["loss"] / 100,
        "adjustments_usd": total["none"] / 100,
        "net_usd": sum(total.values()) / 100,
        "lost_per_100_gained": -100 * total["loss"] / total["gain"] if total["gain"] else float("nan"),
    }


def growth_in_donors(giving: pd.DataFrame, year: int | None = None) -> dict[str, float]:
    """FEP growth in donors: `before_n`, `now_n`, gained (`new_n`, `recaptured_n`), lost (`lapsed_new_n`, `lapsed_repeat_n`),
    `gained_n`, `lost_n`, `net_n` = now - before, `growth_share` = net/before, and `lost_per_100_gained`.

    References
    ----------
    Association of Fundraising Professionals and Urban Institute, Fundraising Effectiveness Project, growth-in-donors method.
    """
    giving = annual(giving)
    _, now, last, _ = _pair(giving, year)
    rows = gains_and_losses(giving, year).set_index("category")["donors_n"]
    counts = {f"{name.replace(' ', '_')}_n": int(rows[name]) for name in ("new", "recaptured", "lapsed new", "lapsed repeat")}
    before, gained = int((last > 0).sum()), counts["new_n"] + counts["recaptured_n"]
    lost = counts["lapsed_new_n"] + counts["lapsed_repeat_n"]
    totals = {"before_n": before, "now_n": int((now > 0).sum()), "gained_n": gained, "lost_n": lost, "net_n": gained - lost}
    growth = {"growth_share": (gained - lost) / before if before else float("nan")}
    return totals | counts | growth | {"lost_per_100_gained": 100 * lost / gained if gained else float("nan")}


def waterfall(giving: pd.DataFrame, year: int | None = None) -> pd.DataFrame:
    """`gains_and_losses` as steps from last year's giving: one row per `step` with a signed `amount_usd`; steps of zero left out."""
    year, _, last, _ = _pair(giving, year)
    rows = gains_and_losses(giving, year)
    rows = rows[rows["amount_usd"] != 0].sort_values("amount_usd", ascending=False, kind="stable")
    first = pd.DataFrame({"step": [f"Fiscal year {year - 1}"], "amount_usd": [int(last.sum()) / 100]})
    return pd.concat([first, pd.DataFrame({"step": rows["category"].map(CATEGORIES), "amount_usd": rows["amount_usd"]})], ignore_index=True)


def lapse_summary(gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, start_month: int = 7) -> pd.DataFrame:
    """Donors kept, waiting, lapsed and won back in the year so far, and on the same day last year.

    Returns
    -------
    One row per `group`: `donors_n` and `amount_usd` on `as_of` (of this year for donors who gave, of their last giving year
    for the others), `same_day_n` and `same_day_usd` one year earlier.
    """
    as_of = pd.Timestamp(as_of)
    parts = []
    for day in (as_of, as_of - pd.DateOffset(years=1)):
        year = int(fiscal_year([day], start_month=start_month).iloc[0])
        known = annual(gifts, start_month=start_month, until=day)
        known = known.reindex(columns=range(int(known.columns[0]), year + 1), fill_value=0)
        parts.append(_lapse_groups(known, year))
    return parts[0].merge(
        parts[1].rename(columns={"donors_n": "same_day_n", "amount_usd": "same_day_usd"}), on="group", how="left", validate="one_to_one"
    )


def _lapse_groups(giving: pd.DataFrame, year: int) -> pd.DataFrame:
    now, last = giving[year], giving[year - 1]
    again = now[(now > 0) & (last > 0)]
    waiting, away, back = lybunt(giving, year), sybunt(giving, year), recaptured(giving, year)
    rows = [
        ("Gave last year and this", len(again), int(again.sum()) / 100),
        ("Gave last year, not yet this (LYBUNT)", len(waiting), waiting["last_usd"].sum()),
        ("Gave in some earlier year only (SYBUNT)", len(away), away["last_usd"].sum()),
        ("Won back this year (recaptured)", len(back), back["amount_usd"].sum()),
    ]
    return pd.DataFrame(rows, columns=["group", "donors_n", "amount_usd"])


def cohorts(giving: pd.DataFrame, *, through: int | None = None) -> pd.DataFrame:
    """Retention of each year's new donors in the years after.

    Returns
    -------
    One row per `cohort` (first year of giving) and `years_since`: `donors_n` of the cohort, `giving_n`, `share` still
    giving that year, `amount_usd` given. The ledger's first year is left out: its donors are not all new.
    """
    giving = annual(giving)
    years = [year for year in giving.columns if through is None or year <= through]
    amounts = giving[years].to_numpy()
    gave = amounts > 0
    start = np.where(gave.any(axis=1), gave.argmax(axis=1), -1)
    rows = []
    for first in range(1, len(years)):
        members = start == first
        n, kept, money = int(members.sum()), gave[members, first:].sum(axis=0), amounts[members, first:].sum(axis=0)
        rows += [
            (years[first], since, n, int(kept[since]), kept[since] / n if n else np.nan, money[since] / 100) for since in range(len(kept))
        ]
    return pd.DataFrame(rows, columns=["cohort", "years_since", "donors_n", "giving_n", "share", "amount_usd"])
