"""The donor pyramid and the gift-range chart: how many gifts of which size a year holds, and how many a campaign needs."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from catchment.params.philanthropy import Philanthropy

from .raised import counted

BANDS = (1, 100, 250, 1_000, 5_000, 10_000, 25_000, 100_000, 1_000_000)


def pyramid(amounts: pd.Series | Sequence[float], *, bands: Sequence[float] = BANDS) -> pd.DataFrame:
    """Donors and dollars by size of a year's giving, largest band first.

    Parameters
    ----------
    amounts : one per donor, US dollars of the year; zero and below are left out.
    bands : lower limits, ascending; amounts below the first band fall into it.

    Returns
    -------
    One row per band: `band`, `low_usd`, `donors_n`, `amount_usd`, `donors_share`, `amount_share`.
    """
    values = np.asarray(amounts, dtype="float64")
    values = values[values > 0]
    place = np.clip(np.searchsorted(bands, values, side="right") - 1, 0, None)
    frame = pd.DataFrame(
        {
            "band": band_names(bands),
            "low_usd": list(bands),
            "donors_n": np.bincount(place, minlength=len(bands)),
            "amount_usd": np.bincount(place, weights=values, minlength=len(bands)),
        }
    )
    for part, whole in (("donors_share", "donors_n"), ("amount_share", "amount_usd")):
        frame[part] = frame[whole] / frame[whole].sum() if len(values) else np.nan
    return frame.iloc[::-1].reset_index(drop=True)


def band_names(bands: Sequence[float]) -> list[str]:
    """Labels of amount bands: "under $100", "$100 to $249", "$1 M and more"."""
    between = [f"{_dollars(low)} to {_dollars(high - 1)}" for low, high in itertools.pairwise(bands[1:])]
    return [f"Under {_dollars(bands[1])}", *between, f"{_dollars(bands[-1])} and more"]


def _dollars(value: float) -> str:
    return f"${value / 1e6:g} M" if value >= 1e6 else f"${value:,.0f}"


def gift_range(
    goal_usd: float, *, lead_share: float = 0.125, levels: int | None = None, prospects_per_gift: Sequence[float] = (5, 4, 4, 3)
) -> pd.DataFrame:
    """Gift-range chart: the gifts a campaign needs, and the prospects it takes to get them.

    Parameters
    ----------
    goal_usd : campaign goal.
    lead_share : lead gift as a share of the goal, usually 0.10 to 0.15.
    levels : tiers at most; each halves the amount and doubles the number of gifts. As many as it takes to reach the goal unless stated.
    prospects_per_gift : prospects needed per gift from the top tier down, the last value repeated.

    Returns
    -------
    One row per tier: `level`, `gift_usd` (smallest gift of the tier), `gifts_n`, `tier_usd`, `cumulative_usd`,
    `cumulative_share` of goal, `prospects_n`. The last tier is cut so that the chart never promises more than the goal.
    """
    if goal_usd <= 0 or not 0 < lead_share < 1:
        raise ValueError("a gift-range chart needs a positive goal and a lead share between 0 and 1")
    levels = int(np.ceil(round(1 / lead_share, 9))) if levels is None else levels
    gifts = [goal_usd * lead_share / 2**level for level in range(levels)]
    counts, left = [], goal_usd
    for level, gift in enumerate(gifts):
        counts.append(max(0, min(2**level, int(np.ceil(round(left / gift, 9))))))
        left -= counts[-1] * gift
    frame = pd.DataFrame({"level": range(1, levels + 1), "gift_usd": gifts, "gifts_n": counts})
    frame = frame[frame["gifts_n"] > 0]
    ratios = [prospects_per_gift[min(level, len(prospects_per_gift) - 1)] for level in range(len(frame))]
    frame["tier_usd"] = frame["gift_usd"] * frame["gifts_n"]
    frame["cumulative_usd"] = frame["tier_usd"].cumsum()
    frame["cumulative_share"] = frame["cumulative_usd"] / goal_usd
    return frame.assign(prospects_n=np.ceil(frame["gifts_n"] * np.array(ratios)).astype("int64")).reset_index(drop=True)


def gift_range_gap(chart: pd.DataFrame, received: pd.Series | Sequence[float], capacities: pd.Series | Sequence[float]) -> pd.DataFrame:
    """A gift-range chart against what came in and who is at hand.

    Parameters
    ----------
    chart : `gift_range`.
    received : campaign commitments per donor, US dollars.
    capacities : rated capacity of each open prospect, US dollars; a prospect counts in one tier only, the highest it can reach.

    Returns
    -------
    The chart plus `received_n`, `still_n` gifts needed, `needed_n` prospects for those, `available_n`, `gap_n` (needed less available).
    """
    limits = chart["gift_usd"].to_numpy()[::-1]
    ratio = chart["prospects_n"] / chart["gifts_n"]

    def tally(values: pd.Series | Sequence[float]) -> np.ndarray:
        place = np.searchsorted(limits, np.asarray(values, dtype="float64"), side="right") - 1
        return np.bincount(place[place >= 0], minlength=len(limits))[::-1]

    frame = chart.assign(received_n=tally(received), available_n=tally(capacities))
    frame["still_n"] = (frame["gifts_n"] - frame["received_n"]).clip(lower=0)
    frame["needed_n"] = np.ceil(frame["still_n"] * ratio).astype("int64")
    return frame.assign(gap_n=frame["needed_n"] - frame["available_n"])


def campaign_chart(
    progress: pd.DataFrame,
    gifts: pd.DataFrame,
    prospects: pd.DataFrame,
    rules: Philanthropy,
    *,
    least_usd: float = 10_000,
) -> pd.DataFrame:
    """`gift_range_gap` of the first campaign for tiers of major gifts, with the rest of the goal as one last row.

    Commitments per donor are counted as production; prospects are the open ones by rated capacity. Gifts below `least_usd`
    come from the annual program, not from rated prospects, so their row names no prospects. `rules` are the settings of philanthropy: the
    lead gift's share and the prospects per gift.
    """
    if progress.empty:
        return pd.DataFrame(
            columns=[
                "tier",
                "gift_usd",
                "gifts_n",
                "tier_usd",
                "cumulative_share",
                "received_n",
                "still_n",
                "needed_n",
                "available_n",
                "gap_n",
            ]
        )
    campaign = progress.iloc[0]
    mine = counted(gifts[gifts["campaign_id"] == campaign["campaign_id"]], basis="production")
    received = mine.groupby("donor_id")["amount_usd"].sum()
    ratios = [each.value for each in rules.prospects_per_gift_n]
    chart = gift_range(campaign["goal_usd"], lead_share=rules.lead_gift_share.value, prospects_per_gift=ratios)
    major = chart[chart["gift_usd"] >= least_usd]
    rows = gift_range_gap(major, received, prospects.loc[prospects["status"] == "open", "capacity_usd"])
    rows["tier"] = rows["gift_usd"].map(lambda value: f"{_dollars(round(value, -3))} and more")
    small = received[(received > 0) & (received < major["gift_usd"].min())]
    rest = {
        "tier": "Smaller gifts",
        "tier_usd": campaign["goal_usd"] - rows["tier_usd"].sum(),
        "cumulative_share": 1.0,
        "received_n": len(small),
    }
    return pd.concat([rows, pd.DataFrame([rest])], ignore_index=True)[
        ["tier", "gifts_n", "received_n", "still_n", "needed_n", "available_n", "gap_n", "tier_usd", "cumulative_share"]
    ]
