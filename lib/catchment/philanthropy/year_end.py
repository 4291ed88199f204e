"""Where the fiscal year will end: small gifts by their season, pledges by their schedule, large gifts by their record.

Definitions
-----------
Cash of the rest of the year has three parts. *Small gifts* (below a limit) come with a season that repeats: their total
is what is in so far over past completion shares. *Scheduled pledge payments* are the instalments that fall due by year
end or are overdue, each paid this year with the frequency of past years. *Large gifts*, and payments on pledges not yet
made, have no season worth the name: their number in the rest of the year is Poisson around the recent mean and their
sizes are drawn from recent ones. The interval comes from simulated draws of all three with a fixed seed; the frequency of
payment and the mean number of large gifts are drawn too (beta, gamma), since both are learnt from few years. It always holds
the expected total, which one doubtful large instalment can pull outside of its quantiles.

Known bias: one gift more than three times the next largest of the record is not expected again (`usual`); a gift larger
than any in the record is outside the interval, and so is the end of a campaign.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from .giving import fiscal_day, fiscal_year
from .pledges import balances
from .raised import fiscal_span, pays, trimmed

RECENT_YEARS, DRAWS, SEED = 5, 4_000, 20251231
PARTS = ("Small gifts", "Scheduled pledge payments", "Large gifts and new pledges")


@dataclass(frozen=True)
class _Cash:
    """The cash ledger boiled down once: small gifts by year and day of the year, the others row by row."""

    first: int
    seasons: np.ndarray
    """Running total of small gifts, one row per fiscal year from `first`, one column per day of the year."""
    others: pd.DataFrame
    """Scheduled payments and large gifts: `year`, `into`, `amount_usd`, and for payments `start_year`, `start_into` of the pledge."""
    payments: pd.DataFrame
    instalments: pd.DataFrame
    write_offs: pd.DataFrame | None
    start_month: int


def _boiled(
    gifts: pd.DataFrame, instalments: pd.DataFrame, write_offs: pd.DataFrame | None, large_usd: float, start_month: int, in_kind: bool
) -> _Cash:
    kept = trimmed(gifts, "cash", ["gift_date"], in_kind_is_cash=in_kind)
    years, into = fiscal_day(kept["gift_date"], start_month=start_month)
    paying = np.flatnonzero(pays(kept).to_numpy())
    due = pd.to_datetime(instalments["due_date"]).groupby(instalments["pledge_id"]).min()
    payments = kept.iloc[paying].astype({"pledge_id": "object"})
    start = pd.Series(pd.to_datetime(due.reindex(payments["pledge_id"]).to_numpy()))
    known = start.notna().to_numpy()
    scheduled = np.zeros(len(kept), dtype=bool)
    scheduled[paying[known]] = True
    amounts = kept["amount_usd"].to_numpy()
    large = ~scheduled & (np.abs(amounts) >= large_usd)
    first, small = int(years.min()), ~scheduled & ~large
    seasons = np.zeros((int(years.max()) - first + 1, 373))
    np.add.at(seasons, (years[small] - first, into[small]), amounts[small])
    start_year, start_into = fiscal_day(start[known], start_month=start_month)
    rows = [
        pd.DataFrame({"year": years[large], "into": into[large], "amount_usd": amounts[large], "start_year": -1, "start_into": -1}),
        pd.DataFrame(
            {
                "year": years[scheduled],
                "into": into[scheduled],
                "amount_usd": amounts[scheduled],
                "start_year": start_year,
                "start_into": start_into,
            }
        ),
    ]
    of_pledges = _numbered(payments, instalments, write_offs)
    return _Cash(first, seasons.cumsum(axis=1), pd.concat(rows, ignore_index=True), *of_pledges, start_month)


def _numbered(
    payments: pd.DataFrame, instalments: pd.DataFrame, write_offs: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """The three with pledges as numbers in the order of their ids: they are grouped some forty times, texts ten times slower."""
    tables = [table for table in (payments, instalments, write_offs) if table is not None]
    numbers, _ = pd.factorize(pd.concat([table["pledge_id"].astype("object") for table in tables]), sort=True)
    parts = iter(np.split(numbers, np.cumsum([len(table) for table in tables])[:-1]))
    return (
        payments[["gift_date", "amount_usd"]].assign(pledge_id=next(parts)),
        instalments[["due_usd"]].assign(pledge_id=next(parts), due_date=pd.to_datetime(instalments["due_date"])),
        None if write_offs is None else write_offs[["written_off_usd", "written_off_date"]].assign(pledge_id=next(parts)),
    )


def forecast(
    gifts: pd.DataFrame,
    instalments: pd.DataFrame,
    as_of: str | pd.Timestamp,
    *,
    write_offs: pd.DataFrame | None = None,
    large_usd: float = 10_000,
    level: float = 0.8,
    start_month: int = 7,
    in_kind_is_cash: bool = False,
) -> pd.DataFrame:
    """Cash of the fiscal year under way, by part and in all.

    Parameters
    ----------
    gifts : the hard-credit ledger; rows after `as_of` are not looked at.
    instalments, write_offs : as in `pledges.balances`; only what was known on `as_of` is used.
    large_usd : gifts from this amount on are large.
    level : level of the prediction interval.

    Returns
    -------
    One row per part of `PARTS` and "All cash": `so_far_usd`, `rest_usd` expected, `total_usd`, `total_usd_low`, `total_usd_high`.

    Raises
    ------
    ValueError : fewer than three whole years of history.
    """
    boiled = _boiled(gifts, instalments, write_offs, large_usd, start_month, in_kind_is_cash)
    return _forecast(boiled, pd.Timestamp(as_of), level)


def _forecast(cash: _Cash, as_of: pd.Timestamp, level: float) -> pd.DataFrame:
    random = np.random.default_rng(SEED)
    year, day = (int(value[0]) for value in fiscal_day(pd.Series([as_of]), start_month=cash.start_month))
    if year - cash.first < 3:
        raise ValueError(f"a year-end forecast needs three whole past years, found {year - cash.first}")
    others = cash.others[cash.others["year"] <= year]
    fresh = (others["start_year"] < 0) | ((others["start_year"] == others["year"]) & (others["start_into"] > day))
    since = max(cash.first, year - RECENT_YEARS)
    late = others[fresh & (others["into"] > day) & (others["year"] >= since) & (others["year"] < year)]
    now = others[(others["year"] == year) & (others["into"] <= day)]
    small = cash.seasons[year - cash.first, day] if year - cash.first < len(cash.seasons) else 0.0
    so_far = [
        float(small),
        float(now.loc[now["start_year"] >= 0, "amount_usd"].sum()),
        float(now.loc[now["start_year"] < 0, "amount_usd"].sum()),
    ]
    sizes = usual(late["amount_usd"].to_numpy())
    rest = [
        _season(cash.seasons[: year - cash.first], day, small, DRAWS, random),
        _scheduled(cash, as_of, year, DRAWS, random),
        compound(sizes, len(sizes) / (year - since), DRAWS, random),
    ]
    return _summary(so_far, rest, level)


def _season(past: np.ndarray, day: int, now: float, draws: int, random: np.random.Generator) -> np.ndarray:
    """Rest-of-year draws of small gifts: so far over a completion share drawn around its past (logarithms, Student's t)."""
    done, total = past[:, day], past[:, -1]
    whole = (done > 0) & (total > 0)
    if whole.sum() < 3 or now <= 0:
        return np.zeros(draws)
    logs = np.log(np.minimum(done[whole] / total[whole], 1.0))
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs)) * stats.t.rvs(len(logs) - 1, size=draws, random_state=random)
    return now / np.minimum(np.exp(logs.mean() + spread), 1.0) - now


def _scheduled(cash: _Cash, as_of: pd.Timestamp, year: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Rest-of-year draws of payments on instalments due by year end, each paid or not with past frequency."""
    open_now = _due_by_year_end(cash, as_of, year).to_numpy(dtype="float64")
    owed = paid = instalments_n = 0.0
    for back in range(1, 4):
        due = _due_by_year_end(cash, as_of - pd.DateOffset(years=back), year - back)
        end = fiscal_span(year - back, start_month=cash.start_month)[1]
        after = (
            balances(cash.instalments, cash.payments, as_of=end, write_offs=cash.write_offs)
            .groupby(["pledge_id", "due_date"])["open_usd"]
            .sum()
        )
        owed += due.sum()
        instalments_n += len(due)
        paid += (due - after.reindex(due.index).fillna(0.0)).clip(lower=0).sum()
    # One more instalment, nine tenths of it paid, stands for what is not known: the rate is never 0 or 1 for certain.
    mean = ((paid / owed if owed > 0 else 0.0) * instalments_n + 0.9) / (instalments_n + 1)
    rate = random.beta(mean * (instalments_n + 1), (1 - mean) * (instalments_n + 1), draws)
    if len(open_now) > 1_000:  # so many that their sum is normal
        return random.normal(rate * open_now.sum(), np.sqrt(rate * (1 - rate) * (open_now**2).sum()))
    return (random.random((draws, len(open_now))) < rate[:, None]) @ open_now


def _due_by_year_end(cash: _Cash, day: pd.Timestamp, year: int) -> pd.Series:
    """Open amounts on `day` of instalments due by the end of `year`, of pledges whose schedule had begun by then."""
    open_then = balances(cash.instalments, cash.payments, as_of=day, write_offs=cash.write_offs)
    begun = open_then.groupby("pledge_id")["due_date"].transform("min") <= day
    chosen = open_then[begun & (open_then["open_usd"] > 0) & (open_then["due_date"] <= fiscal_span(year, start_month=cash.start_month)[1])]
    return chosen.groupby(["pledge_id", "due_date"])["open_usd"].sum()


def usual(sizes: np.ndarray, *, times: float = 3.0) -> np.ndarray:
    """The sizes without one that exceeds `times` the next largest: a gift of a lifetime is not expected again."""
    ordered = np.sort(sizes)
    return ordered[:-1] if len(ordered) > 1 and ordered[-1] > times * max(ordered[-2], 0.0) else ordered


def compound(sizes: np.ndarray, expected_n: float, draws: int, random: np.random.Generator) -> np.ndarray:
    """Draws of the sum of a Poisson number of gifts with sizes from the record.

    `expected_n` was learnt from the same record, so it is drawn from a gamma distribution with its mean and as many gifts behind it.
    """
    if not len(sizes):
        return np.zeros(draws)
    mean_n = random.gamma(len(sizes), expected_n / len(sizes), draws)
    if expected_n > 1_000:  # so many that the sum is normal
        return random.normal(mean_n * sizes.mean(), np.sqrt(mean_n * (sizes**2).mean()))
    counts = random.poisson(mean_n)
    return np.bincount(np.repeat(np.arange(draws), counts), weights=random.choice(sizes, counts.sum()), minlength=draws)


def campaign_outlook(progress: pd.DataFrame, gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, level: float = 0.8) -> pd.DataFrame:
    """Where each campaign will end if gifts keep coming as they did.

    Parameters
    ----------
    progress : `raised.campaign_progress`.

    Returns
    -------
    `progress` plus `expected_usd`, `low_usd`, `high_usd` at the end: what is raised and a Poisson number of commitments at the
    campaign's own pace and sizes, without its one gift of a lifetime (`usual`).
    """
    as_of, random, rows = pd.Timestamp(as_of), np.random.default_rng(SEED), []
    mask = gifts["campaign_id"].isin(progress["campaign_id"]) & (pd.to_datetime(gifts["gift_date"]) <= as_of)
    kept = trimmed(gifts, "production", ["campaign_id", "gift_date"], mask=mask)
    when = pd.to_datetime(kept["gift_date"])
    for campaign in progress.to_dict("records"):
        mine = kept[
            (kept["campaign_id"] == campaign["campaign_id"])
            & (when >= pd.Timestamp(campaign["start_date"]))
            & (when <= pd.Timestamp(campaign["end_date"]))
        ]
        sizes = usual(mine["amount_usd"].to_numpy())
        left = (1 - campaign["time_share"]) / campaign["time_share"] if campaign["time_share"] > 0 else 0.0
        rest = compound(sizes, len(sizes) * left, DRAWS, random)
        rows.append((rest.mean(), *np.quantile(rest, [(1 - level) / 2, (1 + level) / 2])))
    rest = pd.DataFrame(rows, columns=["expected_usd", "low_usd", "high_usd"], index=progress.index, dtype="float64")
    return progress.join(rest.add(progress["raised_usd"], axis=0).round(2))


def _summary(so_far: list[float], rest: list[np.ndarray], level: float) -> pd.DataFrame:
    names, sums = [*PARTS, "All cash"], [*so_far, sum(so_far)]
    drawn = [*rest, np.sum(rest, axis=0)]
    tail = (1 - level) / 2
    rows = [
        (
            name,
            known,
            float(values.mean()),
            known + float(values.mean()),
            known + min(float(np.quantile(values, tail)), float(values.mean())),
            known + max(float(np.quantile(values, 1 - tail)), float(values.mean())),
        )
        for name, known, values in zip(names, sums, drawn, strict=True)
    ]
    return pd.DataFrame(rows, columns=["part", "so_far_usd", "rest_usd", "total_usd", "total_usd_low", "total_usd_high"]).round(2)


def back_test(
    gifts: pd.DataFrame,
    instalments: pd.DataFrame,
    as_of: str | pd.Timestamp,
    *,
    years: int = 5,
    write_offs: pd.DataFrame | None = None,
    start_month: int = 7,
    level: float = 0.8,
    large_usd: float = 10_000,
    in_kind_is_cash: bool = False,
) -> pd.DataFrame:
    """The same forecast made on the same day of past years with what was known then, against what came.

    Pledges made after that day are hidden from it.

    Returns
    -------
    One row per `fiscal_year`: `forecast_usd`, `forecast_usd_low`, `forecast_usd_high`, `total_usd`, `error_share`, `inside`,
    and `naive_error_share` of "same as last year". Years with less than three whole years before them are left out.
    """
    as_of = pd.Timestamp(as_of)
    boiled = _boiled(gifts, instalments, write_offs, large_usd, start_month, in_kind_is_cash)
    sums = (
        boiled.others.groupby("year")["amount_usd"].sum().reindex(range(boiled.first, boiled.first + len(boiled.seasons)), fill_value=0.0)
    )
    totals = sums + boiled.seasons[:, -1]
    year = int(fiscal_year([as_of], start_month=start_month).iloc[0])
    made = pd.to_datetime(
        gifts.loc[gifts["gift_type"] == "pledge", ["pledge_id", "gift_date"]]
        .astype({"pledge_id": "object"})
        .groupby("pledge_id")["gift_date"]
        .min()
    )
    rows = []
    for back in range(years, 0, -1):
        then, target = as_of - pd.DateOffset(years=back), year - back
        if target - boiled.first < 3:
            continue
        known = boiled.instalments[~instalments["pledge_id"].isin(made.index[made > then])]
        row = _forecast(replace(boiled, instalments=known), then, level).iloc[-1]
        total = float(totals[target])
        rows.append(
            (
                target,
                row["total_usd"],
                row["total_usd_low"],
                row["total_usd_high"],
                total,
                row["total_usd"] / total - 1,
                bool(row["total_usd_low"] <= total <= row["total_usd_high"]),
                totals[target - 1] / total - 1,
            )
        )
    return pd.DataFrame(
        rows,
        columns=[
            "fiscal_year",
            "forecast_usd",
            "forecast_usd_low",
            "forecast_usd_high",
            "total_usd",
            "error_share",
            "inside",
            "naive_error_share",
        ],
    )
