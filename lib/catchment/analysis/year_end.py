"""Where the fiscal year will end: small gifts by their season, pledges by their schedule, large gifts by their record.

Definitions
-----------
Cash of the rest of the year has three parts. *Small gifts* (below a limit) come with a season that repeats: their total
is what is in so far over past completion shares. *Scheduled pledge payments* are the instalments that fall due by year
end or are overdue, each paid this year with the frequency of past years. *Large gifts*, and payments on pledges not yet
made, have no season worth the name: their number in the rest of the year is Poisson around the recent mean and their
sizes are drawn from recent ones. The interval comes from simulated draws of all three with a fixed seed.

Known bias: one gift more than three times the next largest of the record is not expected again (`usual`); a gift larger
than any in the record is outside the interval, and so is the end of a campaign.
"""

import numpy as np
import pandas as pd
from scipy import stats

from catchment.analysis.giving import fiscal_year, up_to_day
from catchment.analysis.philanthropy import completion, counted, fiscal_span
from catchment.analysis.pledges import balances

PARTS = ("Small gifts", "Scheduled pledge payments", "Large gifts and new pledges")


def forecast(gifts: pd.DataFrame, instalments: pd.DataFrame, as_of: str | pd.Timestamp, *, write_offs: pd.DataFrame | None = None, large_usd: float = 10_000, level: float = 0.8, recent_years: int = 5, draws: int = 4_000, seed: int = 20251231, start_month: int = 7) -> pd.DataFrame:
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
    as_of, random = pd.Timestamp(as_of), np.random.default_rng(seed)
    kept = counted(gifts, basis="cash")
    kept = kept[pd.to_datetime(kept["gift_date"]) <= as_of]
    frame = _split(kept, instalments, as_of, large_usd, start_month)
    year = int(fiscal_year([as_of], start_month=start_month).iloc[0])
    first = int(frame["year"].min())
    if year - first < 3:
        raise ValueError(f"a year-end forecast needs three whole past years, found {year - first}")
    past = frame[(frame["year"] < year) & (frame["year"] >= max(first, year - recent_years)) & ~frame["early"]]
    rest = [
        _small(kept[(frame["part"] == 0).to_numpy()], as_of, draws, random, start_month),
        _scheduled(instalments, kept, write_offs, as_of, draws, random, start_month),
        _large(past[past["part"] == 2], year - max(first, year - recent_years), draws, random),
    ]
    so_far = [float(frame.loc[(frame["part"] == part) & (frame["year"] == year), "amount_usd"].sum()) for part in range(3)]
    return _summary(so_far, rest, level)


def _split(kept: pd.DataFrame, instalments: pd.DataFrame, as_of: pd.Timestamp, large_usd: float, start_month: int) -> pd.DataFrame:
    """Each cash gift's fiscal year, whether it came by the same day of its year, and its part (index into `PARTS`)."""
    years = fiscal_year(kept["gift_date"], start_month=start_month)
    early = up_to_day(kept["gift_date"], as_of, start_month=start_month)
    first_due = pd.to_datetime(instalments["due_date"]).groupby(instalments["pledge_id"]).min()
    start = pd.Series(pd.to_datetime(first_due.reindex(kept["pledge_id"]).to_numpy()), index=kept.index)
    new = fiscal_year(start.fillna(as_of), start_month=start_month).to_numpy() == years.to_numpy()
    fresh = new & ~up_to_day(start.fillna(as_of), as_of, start_month=start_month).to_numpy()
    payment = (kept["gift_type"] == "pledge payment").to_numpy() & start.notna().to_numpy()
    large = kept["amount_usd"].abs().to_numpy() >= large_usd
    part = np.select([payment & ~fresh, payment | large], [1, 2], 0)
    return pd.DataFrame({"year": years.to_numpy(), "early": early.to_numpy(), "part": part, "amount_usd": kept["amount_usd"].to_numpy()}, index=kept.index)


def _small(small: pd.DataFrame, as_of: pd.Timestamp, draws: int, random: np.random.Generator, start_month: int) -> np.ndarray:
    """Rest-of-year draws of small gifts: so far over a completion share drawn around its past (logarithms, Student's t)."""
    history = completion(small, as_of, start_month=start_month)
    year = int(fiscal_year([as_of], start_month=start_month).iloc[0])
    now = small.loc[(fiscal_year(small["gift_date"], start_month=start_month) == year).to_numpy(), "amount_usd"].sum()
    if len(history) < 3 or now <= 0:
        return np.zeros(draws)
    logs = np.log(history["share"].clip(upper=1))
    spread = logs.std(ddof=1) * np.sqrt(1 + 1 / len(logs)) * stats.t.rvs(len(logs) - 1, size=draws, random_state=random)
    return now / np.minimum(np.exp(logs.mean() + spread), 1.0) - now


def _scheduled(instalments: pd.DataFrame, kept: pd.DataFrame, write_offs: pd.DataFrame | None, as_of: pd.Timestamp, draws: int, random: np.random.Generator, start_month: int) -> np.ndarray:
    """Rest-of-year draws of payments on instalments due by year end, each paid or not with past frequency."""
    payments = kept[kept["gift_type"] == "pledge payment"]
    year = int(fiscal_year([as_of], start_month=start_month).iloc[0])
    open_now = _due_by_year_end(instalments, payments, write_offs, as_of, year, start_month)
    owed = paid = 0.0
    for back in range(1, 4):
        then, end = as_of - pd.DateOffset(years=back), fiscal_span(year - back, start_month=start_month)[1]
        due = _due_by_year_end(instalments, payments, write_offs, then, year - back, start_month)
        after = balances(instalments, payments, as_of=end, write_offs=write_offs).set_index(["pledge_id", "due_date"])["open_usd"]
        owed += due.sum()
        paid += (due - after.reindex(due.index).fillna(0.0)).clip(lower=0).sum()
    rate = (paid + 0.9) / (owed + 1.0) if owed > 0 else 0.9
    hits = random.random((draws, len(open_now))) < min(rate, 1.0)
    return hits @ open_now.to_numpy(dtype="float64")


def _due_by_year_end(instalments: pd.DataFrame, payments: pd.DataFrame, write_offs: pd.DataFrame | None, day: pd.Timestamp, year: int, start_month: int) -> pd.Series:
    """Open amounts on `day` of instalments due by the end of `year`, of pledges whose schedule had begun by then."""
    open_then = balances(instalments, payments, as_of=day, write_offs=write_offs)
    begun = open_then.groupby("pledge_id")["due_date"].transform("min") <= day
    chosen = open_then[begun & (open_then["open_usd"] > 0) & (open_then["due_date"] <= fiscal_span(year, start_month=start_month)[1])]
    return chosen.set_index(["pledge_id", "due_date"])["open_usd"]


def _large(past: pd.DataFrame, years: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Rest-of-year draws of large gifts: a Poisson number of sizes taken from the recent record."""
    sizes = usual(past["amount_usd"].to_numpy())
    return compound(sizes, len(sizes) / years, draws, random)


def usual(sizes: np.ndarray, *, times: float = 3.0) -> np.ndarray:
    """The sizes without one that exceeds `times` the next largest: a gift of a lifetime is not expected again."""
    ordered = np.sort(sizes)
    return ordered[:-1] if len(ordered) > 1 and ordered[-1] > times * max(ordered[-2], 0.0) else ordered


def compound(sizes: np.ndarray, expected_n: float, draws: int, random: np.random.Generator) -> np.ndarray:
    """Draws of the sum of a Poisson number of gifts with sizes from the record."""
    if not len(sizes):
        return np.zeros(draws)
    counts = random.poisson(expected_n, draws)
    return np.bincount(np.repeat(np.arange(draws), counts), weights=random.choice(sizes, counts.sum()), minlength=draws)


def campaign_outlook(progress: pd.DataFrame, gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, level: float = 0.8, draws: int = 4_000, seed: int = 20251231) -> pd.DataFrame:
    """Where each campaign will end if gifts keep coming as they did.

    Parameters
    ----------
    progress : `philanthropy.campaign_progress`.

    Returns
    -------
    `progress` plus `expected_usd`, `low_usd`, `high_usd` at the end: what is raised and a Poisson number of commitments at the
    campaign's own pace and sizes, without its one gift of a lifetime (`usual`).
    """
    as_of, random, rows = pd.Timestamp(as_of), np.random.default_rng(seed), []
    kept = counted(gifts[pd.to_datetime(gifts["gift_date"]) <= as_of], basis="production")
    for campaign in progress.to_dict("records"):
        when = pd.to_datetime(kept["gift_date"])
        mine = kept[(kept["campaign_id"] == campaign["campaign_id"]) & (when >= pd.Timestamp(campaign["start_date"])) & (when <= pd.Timestamp(campaign["end_date"]))]
        sizes = usual(mine["amount_usd"].to_numpy())
        left = (1 - campaign["time_share"]) / campaign["time_share"] if campaign["time_share"] > 0 else 0.0
        rest = compound(sizes, len(sizes) * left, draws, random)
        rows.append((rest.mean(), *np.quantile(rest, [(1 - level) / 2, (1 + level) / 2])))
    rest = pd.DataFrame(rows, columns=["expected_usd", "low_usd", "high_usd"], index=progress.index, dtype="float64")
    return progress.join(rest.add(progress["raised_usd"], axis=0).round(2))


def _summary(so_far: list[float], rest: list[np.ndarray], level: float) -> pd.DataFrame:
    names, sums = [*PARTS, "All cash"], [*so_far, sum(so_far)]
    drawn = [*rest, sum(rest)]
    tail = (1 - level) / 2
    rows = [(name, known, float(values.mean()), known + float(values.mean()), known + float(np.quantile(values, tail)), known + float(np.quantile(values, 1 - tail))) for name, known, values in zip(names, sums, drawn, strict=True)]
    return pd.DataFrame(rows, columns=["part", "so_far_usd", "rest_usd", "total_usd", "total_usd_low", "total_usd_high"]).round(2)


def back_test(gifts: pd.DataFrame, instalments: pd.DataFrame, as_of: str | pd.Timestamp, *, years: int = 5, write_offs: pd.DataFrame | None = None, start_month: int = 7, level: float = 0.8, **options) -> pd.DataFrame:
    """The same forecast made on the same day of past years with what was known then, against what came.

    Pledges made after that day are hidden from it.

    Returns
    -------
    One row per `fiscal_year`: `forecast_usd`, `forecast_usd_low`, `forecast_usd_high`, `total_usd`, `error_share`, `inside`,
    and `naive_error_share` of "same as last year". Years with less than three whole years before them are left out.
    """
    as_of = pd.Timestamp(as_of)
    kept = counted(gifts, basis="cash")
    totals = kept["amount_usd"].groupby(fiscal_year(kept["gift_date"], start_month=start_month)).sum()
    year = int(fiscal_year([as_of], start_month=start_month).iloc[0])
    made = gifts[gifts["gift_type"] == "pledge"].groupby("pledge_id")["gift_date"].min()
    rows = []
    for back in range(years, 0, -1):
        then, target = as_of - pd.DateOffset(years=back), year - back
        if target - int(totals.index.min()) < 3:
            continue
        known = instalments[~instalments["pledge_id"].isin(made.index[pd.to_datetime(made) > then])]
        row = forecast(gifts, known, then, write_offs=write_offs, level=level, start_month=start_month, **options).iloc[-1]
        total = float(totals[target])
        rows.append((target, row["total_usd"], row["total_usd_low"], row["total_usd_high"], total, row["total_usd"] / total - 1, bool(row["total_usd_low"] <= total <= row["total_usd_high"]), totals[target - 1] / total - 1))
    return pd.DataFrame(rows, columns=["fiscal_year", "forecast_usd", "forecast_usd_low", "forecast_usd_high", "total_usd", "error_share", "inside", "naive_error_share"])
