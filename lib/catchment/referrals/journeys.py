"""How far referred patients get, and how long each step takes: dated cases, the funnel, and what a referral is worth.

Definitions: a case is *closed* on the day until which it was followed, when that lies before the end of the data: a step that it had not
come to never comes. A case followed to the end of the data is *open*. A referral is *decided* when it is not open.

Known bias: outcomes are known inside our network only; referrals of the last months are still undecided, so the last steps will rise.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from catchment.protect.rounding import MIDDLE
from catchment.stats import survival

from .changes import periods
from .names import agree

# Dated cases: where the clock of a wait starts, what stops it, the day until which a case without that event was followed, and whether it
# was closed on that day.
FOLLOWED: survival.Clock = {"until": "followed_until", "closed": "closed"}
CONSULT: survival.Clock = {"start": "referral_date", "event": "consult_date", **FOLLOWED}
TREATMENT: survival.Clock = {"start": "referral_date", "event": "treatment_date", **FOLLOWED}
STEPS: dict[str, survival.Clock] = {
    "Scheduled": {"start": "referral_date", "event": "scheduled_date", **FOLLOWED},
    "Seen": {"start": "scheduled_date", "event": "consult_date", **FOLLOWED},
    "Treated": {"start": "consult_date", "event": "treatment_date", **FOLLOWED},
}
CLOCKS: dict[str, survival.Clock] = {
    "Referral to scheduling": STEPS["Scheduled"],
    "Referral to consultation": CONSULT,
    "Consultation to first treatment": STEPS["Treated"],
    "Referral to first treatment": TREATMENT,
}
STAGES = {"referrals_n": "Referred", "scheduled_n": "Scheduled", "seen_n": "Seen", "treated_n": "Treated"}


class Worth(NamedTuple):
    """What a referral to us is worth, US dollars: contribution of a treated case x share of decided referrals that are treated here."""

    referral_usd: float
    case_usd: float
    treated_share: float


def dated(cases: pd.DataFrame, destinations: pd.DataFrame, *, last: pd.Timestamp, quarters: int = 4) -> pd.DataFrame:
    """Cases, one row per referred patient, with `span` as in `described`, from the day of the referral, and `closed`, see `survival`.

    Raises
    ------
    ValueError
        A case went to a center that is not in the table of destinations.
    """
    agree(cases, "destination", destinations["destination"], table="referral cases", where="the table of destinations")
    span = periods(cases.rename(columns={"referral_date": "period"}), last=last, quarters=quarters)
    return cases.assign(span=span, closed=survival.closed(cases["followed_until"]))


def funnel(referrals: pd.DataFrame, *, paced: pd.DataFrame | None = None) -> pd.DataFrame:
    """Referred, scheduled, seen, treated: counts, and shares of the referred and of the stage before, see `conversion`.

    Only rows with known outcomes (`scheduled_n` not missing) count. `paced`, the `survival.milestones` of `STEPS`, adds `median_days`
    and `p90_days` from the stage before.
    """
    counts = referrals.loc[referrals["scheduled_n"].notna(), list(STAGES)].sum().astype(float)
    table = conversion(pd.DataFrame({"stage": list(STAGES.values()), "referrals_n": counts.to_numpy()}))
    if paced is None:
        return table
    return table.merge(paced[["stage", "median_days", "p90_days"]], on="stage", how="left", validate="one_to_one")


def conversion(table: pd.DataFrame) -> pd.DataFrame:
    """The `referrals_n` of each stage, as counted or as rounded, with `referred_share` (of the first) and `previous_share`."""
    counts = table["referrals_n"]
    first, before = counts.iloc[0], counts.shift()
    previous = counts / before.where(before > 0)
    return table.assign(referred_share=counts / (first or np.nan), previous_share=previous.mask(before.index == before.index[0], 1.0))


def undecided(referrals: pd.DataFrame) -> float:
    """Referrals with known outcomes that are still open: they keep a falling last year from being read as a falling conversion."""
    return float(referrals.loc[referrals["scheduled_n"].notna(), "open_n"].sum())


def worth(steps: pd.DataFrame, undecided_n: float, case_usd: float) -> Worth:
    """Worth of a referral to us: `case_usd` is what a treated case contributes, `steps` of `funnel` say how many are treated.

    The `undecided_n` still open do not count; where their number is hidden, it is taken as the middle of what it can be.
    """
    decided = steps["referrals_n"].iloc[0] - (MIDDLE if pd.isna(undecided_n) else undecided_n)
    share = float(steps["referrals_n"].iloc[-1] / decided) if decided > 0 else np.nan
    return Worth(case_usd * share, float(case_usd), share)
