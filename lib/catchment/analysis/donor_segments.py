"""Which donors slip away: retention by segment against its own past, and recency, frequency and money.

Definitions
-----------
A segment's retention is compared with the same segment's pooled retention of all earlier years, by a two-sample test
of proportions with the Benjamini-Hochberg adjustment over all segments looked at. RFM scores run from 1 to 5 (best).

Known bias: segments overlap between dimensions (a donor has a source and a size), so their losses must not be added.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from catchment.analysis.giving import annual, cents, fiscal_year


def segment_retention(giving: pd.DataFrame, segments: Mapping[str, pd.Series | pd.DataFrame], year: int | None = None, *, least: int = 20) -> pd.DataFrame:
    """Retention of each segment of last year's donors against the segment's own earlier years.

    Parameters
    ----------
    segments : for each dimension (such as "First gift came through") the label of each donor, indexed by donor; a frame
        with one column per year where labels change, such as the size of a year's giving.
    least : segments with fewer donors in the base year are left out.

    Returns
    -------
    One row per `dimension` and `segment`: `donors_before_n`, `retained_n`, `share`, `usual_share` (all earlier years
    pooled), `change_share`, `p_value` (two-sample test of proportions), `p_adjusted` (Benjamini-Hochberg over all
    rows), `lost_usd` (last year's giving of those who left), sorted by the size of the fall times the donors it concerns.
    """
    giving = annual(giving)
    year = int(giving.columns[-1]) if year is None else year
    parts = [_segments(giving, labels, dimension, year) for dimension, labels in segments.items()]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["donors_before_n"] >= least) & (rows["usual_before_n"] >= least)].reset_index(drop=True)
    rows["share"], rows["usual_share"] = rows["retained_n"] / rows["donors_before_n"], rows["usual_retained_n"] / rows["usual_before_n"]
    rows["change_share"] = rows["share"] - rows["usual_share"]
    pooled = (rows["retained_n"] + rows["usual_retained_n"]) / (rows["donors_before_n"] + rows["usual_before_n"])
    error = np.sqrt(pooled * (1 - pooled) * (1 / rows["donors_before_n"] + 1 / rows["usual_before_n"]))
    rows["p_value"] = 2 * stats.norm.sf((rows["change_share"] / error.where(error > 0)).abs().fillna(0))
    rows["p_adjusted"] = stats.false_discovery_control(rows["p_value"]) if len(rows) else rows["p_value"]
    rows["missing_n"] = (-rows["change_share"] * rows["donors_before_n"]).clip(lower=0)
    return rows.sort_values(["missing_n", "segment"], ascending=[False, True], ignore_index=True)


def _segments(giving: pd.DataFrame, labels: pd.Series | pd.DataFrame, dimension: str, year: int) -> pd.DataFrame:
    steady = isinstance(labels, pd.Series)
    labels = labels.reindex(giving.index)
    names = sorted(pd.unique(labels.to_numpy().ravel()[labels.notna().to_numpy().ravel()]))
    tallies = pd.DataFrame(0, index=pd.Index(names, name="segment"), columns=["donors_before_n", "retained_n", "usual_before_n", "usual_retained_n"])
    lost = pd.Series(0.0, index=tallies.index)
    for each in [column for column in giving.columns[1:] if column <= year]:
        label = labels if steady else labels[each - 1]
        base = giving[each - 1] > 0
        kept = base & (giving[each] > 0)
        columns = ("donors_before_n", "retained_n") if each == year else ("usual_before_n", "usual_retained_n")
        for column, mask in zip(columns, (base, kept), strict=True):
            tallies[column] += label[mask].value_counts().reindex(tallies.index, fill_value=0)
        if each == year:
            gone = base & ~kept
            lost += (giving.loc[gone, each - 1] / 100).groupby(label[gone]).sum().reindex(tallies.index, fill_value=0)
    return tallies.assign(lost_usd=lost, dimension=dimension).reset_index()


def labels(giving: pd.DataFrame, donors: pd.DataFrame) -> dict[str, pd.Series | pd.DataFrame]:
    """The dimensions that the page looks along: how the first gift came, the size of a year's giving, years of giving so far.

    Parameters
    ----------
    giving : `giving.annual`, by household.
    donors : `donor_id`, `household_id`, `source`.
    """
    household = donors["household_id"].fillna(donors["donor_id"])
    source = donors.groupby(household)["source"].first()
    sizes = pd.DataFrame({year: _cut(giving[year] / 100, (0, 100, 500, 5_000), ("under $100", "$100 to $499", "$500 to $4,999", "$5,000 and more")) for year in giving.columns}, index=giving.index)
    tenure = (giving > 0).cumsum(axis=1)
    years = pd.DataFrame({year: _cut(tenure[year].where(giving[year] > 0, 0), (0, 1, 3), ("first year", "second or third year", "fourth year or later")) for year in giving.columns}, index=giving.index)
    return {"First gift came through": source, "Size of the year's giving": sizes, "Years of giving so far": years}


def _cut(values: pd.Series, limits: tuple, names: tuple) -> pd.Series:
    """Label of each value above 0 by lower limit (the limit itself belongs to the band above, except 0 and counts)."""
    place = np.searchsorted(limits, values.to_numpy(), side="right" if limits[1] != 1 else "left") - 1
    return pd.Series(np.array(names, dtype=object)[np.clip(place, 0, len(names) - 1)], index=values.index).where(values > 0)


def origins(gifts: pd.DataFrame, donors: pd.DataFrame, *, year: int, start_month: int = 7) -> pd.DataFrame:
    """Where the money of a fiscal year came from, along several ways of looking: the groups overlap and do not add up.

    Parameters
    ----------
    gifts : what was received, by household: `donor_id`, `gift_date`, `gift_type`, `program`, `amount_usd`.
    donors : `donor_id`, `household_id`, `grateful_patient`.

    Returns
    -------
    One row per `origin`: `donors_n`, `gifts_n`, `amount_usd`, `amount_share` of the year, `before_usd` of the year before.
    """
    years = fiscal_year(gifts["gift_date"], start_month=start_month)
    first = years.groupby(gifts["donor_id"]).min()
    new = gifts["donor_id"].map(first) == years
    grateful = set(donors.loc[donors["grateful_patient"].astype(bool), "household_id"])
    kinds = {"recurring": "Recurring", "donor-advised": "Donor-advised funds", "stock": "Stock", "event": "Events", "matching": "Matching", "in kind": "In kind", "grant": "Grants", "planned realized": "Realized planned gifts", "pledge payment": "Pledge payments"}
    masks = {"First-time donors": new, "Repeat donors": ~new, "Grateful patients and families": gifts["donor_id"].isin(grateful)}
    masks |= {title: gifts["program"] == name for name, title in (("major gifts", "Major gifts program"), ("corporate", "Corporate program"), ("foundation", "Foundation program"))}
    masks |= {title: gifts["gift_type"] == kind for kind, title in kinds.items()}
    now, total = years == year, gifts.loc[years == year, "amount_usd"].sum()
    rows = []
    for name, mask in masks.items():
        mine = gifts[mask & now]
        rows.append((name, mine.loc[mine["amount_usd"] > 0, "donor_id"].nunique(), int((mine["amount_usd"] > 0).sum()), mine["amount_usd"].sum(), mine["amount_usd"].sum() / total if total else np.nan, gifts.loc[mask & (years == year - 1), "amount_usd"].sum()))
    return pd.DataFrame(rows, columns=["origin", "donors_n", "gifts_n", "amount_usd", "amount_share", "before_usd"])


def rfm_segments(scored: pd.DataFrame) -> pd.DataFrame:
    """`rfm` by segment, most giving first: `segment`, `donors_n`, `amount_usd`, `amount_share`, `median_recency_days`."""
    grouped = scored.groupby("segment")
    frame = pd.DataFrame({"donors_n": grouped.size(), "amount_usd": grouped["amount_usd"].sum(), "median_recency_days": grouped["recency_days"].median()}).reset_index()
    frame["amount_share"] = frame["amount_usd"] / frame["amount_usd"].sum()
    return frame.sort_values("amount_usd", ascending=False, ignore_index=True)


def rfm(gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, quantiles: int = 5) -> pd.DataFrame:
    """Recency, frequency and monetary scores of each donor, 5 best, and a named segment.

    Ties share a score: the score is the quintile of a donor's mid-rank, so it equals the usual quintiles where all
    values differ. `recency_days` counts from the last gift to `as_of`; refunds lower the money, not the frequency.

    Returns
    -------
    One row per donor with giving above zero: `recency_days`, `gifts_n`, `amount_usd`, `recency`, `frequency`, `monetary`, `segment`.
    """
    codes, donors = pd.factorize(gifts["donor_id"])
    amounts, days = cents(gifts["amount_usd"]), pd.to_datetime(gifts["gift_date"]).to_numpy("datetime64[D]").astype("int64")
    total = np.bincount(codes, weights=amounts, minlength=len(donors))
    count = np.bincount(codes[amounts > 0], minlength=len(donors))
    last = np.full(len(donors), np.iinfo("int64").min)
    np.maximum.at(last, codes[amounts > 0], days[amounts > 0])
    keep = (total > 0) & (count > 0)
    frame = pd.DataFrame({"recency_days": np.datetime64(pd.Timestamp(as_of), "D").astype("int64") - last[keep], "gifts_n": count[keep], "amount_usd": total[keep] / 100}, index=pd.Index(donors[keep], name="donor_id"))
    frame["recency"] = quantile_score(-frame["recency_days"], quantiles=quantiles)
    frame["frequency"], frame["monetary"] = quantile_score(frame["gifts_n"], quantiles=quantiles), quantile_score(frame["amount_usd"], quantiles=quantiles)
    frame["segment"] = _rfm_segment(frame["recency"] / quantiles, (frame["frequency"] + frame["monetary"]) / (2 * quantiles))
    return frame.reset_index()


def quantile_score(values: pd.Series, *, quantiles: int = 5) -> pd.Series:
    """Score 1 (lowest) to `quantiles` by mid-rank; equal values share a score."""
    values = pd.Series(values)
    return np.ceil((values.rank() - 0.5) / max(len(values), 1) * quantiles).clip(1, quantiles).astype("int64")


def _rfm_segment(recency: pd.Series, value: pd.Series) -> np.ndarray:
    """Names for recency (rows) and the mean of frequency and money (columns), both as fractions of the best score."""
    conditions = [(recency > 0.6) & (value > 0.7), (recency > 0.6) & (value > 0.4), recency > 0.6, (recency > 0.2) & (value > 0.7), (recency > 0.2) & (value > 0.4), recency > 0.2, value > 0.7]
    return np.select(conditions, ["Champions", "Loyal", "Recent, small", "At risk, high value", "Needs attention", "Fading, small", "Lost, high value"], "Lost, small")
