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

from .giving import annual, cents, coded, fiscal_year


def segment_retention(
    giving: pd.DataFrame, segments: Mapping[str, pd.Series | pd.DataFrame], year: int | None = None, *, least: int = 20
) -> pd.DataFrame:
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
    """Tallies by segment; labels are counted as numbers, which a million donors need."""
    labels = labels.reindex(giving.index)
    names = sorted(
        {
            name
            for _, column in _columns(labels)
            for name in (column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique())
        }
    )
    codes = {
        label: pd.Categorical(column, categories=names).codes.astype("int64") + 1
        for label, column in _columns(labels)
        if label is None or label < year
    }
    tallies = {
        name: np.zeros(len(names) + 1) for name in ("donors_before_n", "retained_n", "usual_before_n", "usual_retained_n", "lost_usd")
    }
    for each in [column for column in giving.columns[1:] if column <= year]:
        code, last, now = codes[each - 1 if None not in codes else None], giving[each - 1].to_numpy(), giving[each].to_numpy()
        base = last > 0
        before, kept = ("donors_before_n", "retained_n") if each == year else ("usual_before_n", "usual_retained_n")
        tallies[before] += np.bincount(code[base], minlength=len(names) + 1)
        tallies[kept] += np.bincount(code[base & (now > 0)], minlength=len(names) + 1)
        if each == year:
            gone = base & (now <= 0)
            tallies["lost_usd"] += np.bincount(code[gone], weights=last[gone], minlength=len(names) + 1) / 100
    frame = pd.DataFrame({"segment": names, **{name: values[1:] for name, values in tallies.items()}})
    return frame.astype({name: "int64" for name in tallies if name != "lost_usd"}).assign(dimension=dimension)


def _columns(labels: pd.Series | pd.DataFrame) -> list[tuple[int | None, pd.Series]]:
    """The label of every year, or one for all years under None."""
    return list(labels.items()) if isinstance(labels, pd.DataFrame) else [(None, labels)]


def labels(giving: pd.DataFrame, donors: pd.DataFrame) -> dict[str, pd.Series | pd.DataFrame]:
    """The dimensions that the page looks along: how the first gift came, the size of a year's giving, years of giving so far.

    Parameters
    ----------
    giving : `giving.annual`, by household.
    donors : `donor_id`, `household_id`, `source`.
    """
    household = donors["household_id"].fillna(donors["donor_id"])
    source = donors["source"].astype("category").groupby(household.to_numpy()).first()
    sizes = {
        year: _cut(
            giving[year].to_numpy(), (1, 100_00, 500_00, 5_000_00), ("under $100", "$100 to $499", "$500 to $4,999", "$5,000 and more")
        )
        for year in giving.columns
    }
    gave = giving.to_numpy() > 0
    tenure = np.where(gave, gave.cumsum(axis=1), 0)
    years = {
        year: _cut(tenure[:, place], (1, 2, 4), ("first year", "second or third year", "fourth year or later"))
        for place, year in enumerate(giving.columns)
    }
    return {
        "First gift came through": source,
        "Size of the year's giving": pd.DataFrame(sizes, index=giving.index),
        "Years of giving so far": pd.DataFrame(years, index=giving.index),
    }


def _cut(values: np.ndarray, limits: tuple[int, ...], names: tuple[str, ...]) -> pd.Categorical:
    """Label of each value by the highest lower limit it reaches; none below the first."""
    return pd.Categorical.from_codes(np.searchsorted(limits, values, side="right") - 1, categories=list(names))


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
    years = fiscal_year(gifts["gift_date"], start_month=start_month).to_numpy()
    codes, people = coded(gifts["donor_id"])
    first = np.full(len(people), years.max(initial=0) + 1)
    np.minimum.at(first, codes, years)
    two = np.flatnonzero((years == year) | (years == year - 1))
    gifts, years, codes = gifts[["gift_type", "program", "amount_usd"]].iloc[two], years[two], codes[two]
    new = first[codes] == years
    grateful = people.isin(donors.loc[donors["grateful_patient"].astype(bool), "household_id"])[codes]
    kinds = {
        "recurring": "Recurring",
        "donor-advised": "Donor-advised funds",
        "stock": "Stock",
        "event": "Events",
        "matching": "Matching",
        "in kind": "In kind",
        "grant": "Grants",
        "planned realized": "Realized planned gifts",
        "pledge payment": "Pledge payments",
    }
    masks = {"First-time donors": new, "Repeat donors": ~new, "Grateful patients and families": grateful}
    masks |= {
        title: (gifts["program"] == name).to_numpy()
        for name, title in (
            ("major gifts", "Major gifts program"),
            ("corporate", "Corporate program"),
            ("foundation", "Foundation program"),
        )
    }
    masks |= {title: (gifts["gift_type"] == kind).to_numpy() for kind, title in kinds.items()}
    amounts = gifts["amount_usd"].to_numpy()
    now, total, rows = years == year, amounts[years == year].sum(), []
    for name, mask in masks.items():
        came = mask & now & (amounts > 0)
        amount = amounts[mask & now].sum()
        rows.append(
            (name, len(np.unique(codes[came])), int(came.sum()), amount, amount / total if total else np.nan, amounts[mask & ~now].sum())
        )
    return pd.DataFrame(rows, columns=["origin", "donors_n", "gifts_n", "amount_usd", "amount_share", "before_usd"])


def rfm_segments(scored: pd.DataFrame) -> pd.DataFrame:
    """`rfm` by segment, most giving first: `segment`, `donors_n`, `amount_usd`, `amount_share`, `median_recency_days`."""
    grouped = scored.groupby("segment")
    frame = pd.DataFrame(
        {"donors_n": grouped.size(), "amount_usd": grouped["amount_usd"].sum(), "median_recency_days": grouped["recency_days"].median()}
    ).reset_index()
    frame["amount_share"] = frame["amount_usd"] / frame["amount_usd"].sum()
    return frame.sort_values("amount_usd", ascending=False, ignore_index=True)


def rfm(gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, quantiles: int = 5) -> pd.DataFrame:
    """Recency, frequency and monetary scores of each donor, 5 best, and a named segment.

    Ties share a score: the score is the quintile of a donor's mean rank, so it equals the usual quintiles where all
    values differ. `recency_days` counts from the last gift to `as_of`; refunds lower the money, not the frequency.

    Returns
    -------
    One row per donor with giving above zero: `recency_days`, `gifts_n`, `amount_usd`, `recency`, `frequency`, `monetary`, `segment`.
    """
    codes, donors = coded(gifts["donor_id"])
    amounts, days = cents(gifts["amount_usd"]), pd.to_datetime(gifts["gift_date"]).to_numpy("datetime64[D]").astype("int64")
    total = np.bincount(codes, weights=amounts, minlength=len(donors))
    count = np.bincount(codes[amounts > 0], minlength=len(donors))
    last = np.full(len(donors), np.iinfo("int64").min)
    np.maximum.at(last, codes[amounts > 0], days[amounts > 0])
    keep = (total > 0) & (count > 0)
    frame = pd.DataFrame(
        {
            "recency_days": np.datetime64(pd.Timestamp(as_of), "D").astype("int64") - last[keep],
            "gifts_n": count[keep],
            "amount_usd": total[keep] / 100,
        },
        index=pd.Index(donors[keep], name="donor_id"),
    )
    frame["recency"] = quantile_score(-frame["recency_days"], quantiles=quantiles)
    frame["frequency"], frame["monetary"] = (
        quantile_score(frame["gifts_n"], quantiles=quantiles),
        quantile_score(frame["amount_usd"], quantiles=quantiles),
    )
    frame["segment"] = _rfm_segment(frame["recency"] / quantiles, (frame["frequency"] + frame["monetary"]) / (2 * quantiles))
    return frame.reset_index()


def quantile_score(values: pd.Series, *, quantiles: int = 5) -> pd.Series:
    """Score 1 (lowest) to `quantiles`: between which quantiles of the ranks a value lies (as `pandas.qcut` cuts them).

    Equal values share a score, that of their mean rank, so that many equal values stand in the middle and not at an end.
    """
    values = pd.Series(values)
    place = (values.rank() - 1) * quantiles / max(len(values) - 1, 1)
    return np.ceil(place.round(9)).clip(1, quantiles).astype("int64")


def _rfm_segment(recency: pd.Series, value: pd.Series) -> np.ndarray:
    """Names for recency (rows) and the mean of frequency and money (columns), both as fractions of the best score."""
    conditions = [
        (recency > 0.6) & (value > 0.7),
        (recency > 0.6) & (value > 0.4),
        recency > 0.6,
        (recency > 0.2) & (value > 0.7),
        (recency > 0.2) & (value > 0.4),
        recency > 0.2,
        value > 0.7,
    ]
    return np.select(
        conditions,
        ["Champions", "Loyal", "Recent, small", "At risk, high value", "Needs attention", "Fading, small", "Lost, high value"],
        "Lost, small",
    )
