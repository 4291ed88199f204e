"""What is in the pipe: moves management, stage ages, weighted pipeline, calibration, yield, cycle time.

Definitions
-----------
A proposal stands in one stage at a time; its *age* counts from the day it entered that stage. *Stalled* is an open
proposal in its stage for longer than a set number of days with no move dated ahead. The *weighted* pipeline multiplies
each open ask by the probability that a proposal in that stage is funded in the end; the unweighted one is the plain sum
and is always shown beside it. Probabilities are calibrated on closed proposals only: of those that ever stood in a
stage, the share that was funded, pulled toward the default by a stated number of pseudo-observations.

Known bias: proposals still open are not in the calibration; where slow ones fail more often, it is too hopeful.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import SurvfuncRight

STAGES = ("identification", "qualification", "cultivation", "solicitation", "verbal commitment")
OUTCOMES = ("funded", "declined", "withdrawn")


def brier_score(forecast: Sequence[float], outcome: Sequence[float]) -> float:
    """Mean squared difference of probabilities and outcomes (0 or 1); 0 is perfect, 0.25 a coin (Brier 1950).

    Raises
    ------
    ValueError : lengths differ, a probability is missing or lies outside 0 to 1, an outcome is neither 0 nor 1.
    """
    said, came = np.asarray(forecast, dtype="float64"), np.asarray(outcome, dtype="float64")
    if said.shape != came.shape:
        raise ValueError(f"{len(said)} forecasts for {len(came)} outcomes")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("a probability must lie in 0 to 1")
    if not np.isin(came, (0.0, 1.0)).all():
        raise ValueError("an outcome must be 0 or 1")
    return float(((said - came) ** 2).mean()) if len(said) else float("nan")


def stage_probability(
    history: pd.DataFrame,
    proposals: pd.DataFrame,
    *,
    default: Mapping[str, float],
    weight: float = 10.0,
    before: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Probability that a proposal in a stage is funded in the end, learnt from closed proposals.

    Parameters
    ----------
    history : one row per stage entered: `proposal_id`, `stage`, `entered_date`.
    proposals : `proposal_id`, `outcome` (one of `OUTCOMES`, missing while open), `closed_date`.
    default : probability per stage before any experience.
    weight : how many closed proposals the default is worth.
    before : learn only from proposals closed before this day (for a check on later ones).

    Returns
    -------
    One row per stage of `default`: `closed_n` that ever stood in it, `funded_n`, `own_share`, `default_share`, `probability_share`.
    """
    closed = proposals[proposals["outcome"].notna()]
    if before is not None:
        closed = closed[pd.to_datetime(closed["closed_date"]) < pd.Timestamp(before)]
    reached = (
        history[["proposal_id", "stage"]]
        .drop_duplicates()
        .merge(closed[["proposal_id", "outcome"]], on="proposal_id", how="inner", validate="many_to_one")
    )
    funded = (reached["outcome"] == "funded").groupby(reached["stage"], observed=True)
    frame = pd.DataFrame({"default_share": pd.Series(dict(default), dtype="float64")})
    frame["closed_n"] = funded.size().reindex(frame.index, fill_value=0)
    frame["funded_n"] = funded.sum().reindex(frame.index, fill_value=0).astype("int64")
    frame["own_share"] = frame["funded_n"] / frame["closed_n"].where(frame["closed_n"] > 0)
    frame["probability_share"] = (frame["funded_n"] + weight * frame["default_share"]) / (frame["closed_n"] + weight)
    return frame.rename_axis("stage").reset_index()


def calibration_check(
    history: pd.DataFrame, proposals: pd.DataFrame, *, default: Mapping[str, float], split: str | pd.Timestamp, weight: float = 10.0
) -> pd.DataFrame:
    """Brier scores on proposals closed from `split` on, one forecast per stage of `default` that they stood in.

    Own probabilities are learnt only from proposals closed before `split`, so that the check is out of time.

    Returns
    -------
    One row per set of probabilities (own history, default, overall rate): `forecasts_n`, `brier`.
    """
    learnt = stage_probability(history, proposals, default=default, weight=weight, before=split).set_index("stage")
    late = proposals[proposals["outcome"].notna() & (pd.to_datetime(proposals["closed_date"]) >= pd.Timestamp(split))]
    early = proposals[proposals["outcome"].notna() & (pd.to_datetime(proposals["closed_date"]) < pd.Timestamp(split))]
    seen = (
        history.loc[history["stage"].isin(list(default)), ["proposal_id", "stage"]]
        .drop_duplicates()
        .merge(late[["proposal_id", "outcome"]], on="proposal_id", how="inner", validate="many_to_one")
    )
    outcome = (seen["outcome"] == "funded").astype("float64")
    base = float((early["outcome"] == "funded").mean()) if len(early) else 0.5
    forecasts = {
        "Own history": seen["stage"].map(learnt["probability_share"]),
        "Default": seen["stage"].map(learnt["default_share"]),
        "One rate for all": pd.Series(base, index=seen.index),
    }
    return pd.DataFrame(
        [(name, len(seen), brier_score(values.astype("float64"), outcome)) for name, values in forecasts.items()],
        columns=["probabilities", "forecasts_n", "brier"],
    )


def reliability(forecast: Sequence[float], outcome: Sequence[float]) -> pd.DataFrame:
    """Observed share per distinct forecast: `forecast_share`, `forecasts_n`, `observed_share`."""
    frame = pd.DataFrame({"forecast_share": np.asarray(forecast, dtype="float64"), "outcome": np.asarray(outcome, dtype="float64")})
    return frame.groupby("forecast_share")["outcome"].agg(forecasts_n="size", observed_share="mean").reset_index()


def open_proposals(proposals: pd.DataFrame, history: pd.DataFrame, *, as_of: str | pd.Timestamp, stalled_days: int = 90) -> pd.DataFrame:
    """Open proposals with their stage, its age and whether they are stalled.

    Parameters
    ----------
    proposals : `proposal_id`, `ask_usd`, `outcome` (missing while open), `next_move_date` (may be missing).
    history : `proposal_id`, `stage`, `entered_date`; the latest entry not after `as_of` is the current stage.

    Returns
    -------
    The open proposals plus `stage`, `entered_date`, `age_days`, `stalled` (older than `stalled_days` and no move from `as_of` on).
    """
    as_of = pd.Timestamp(as_of)
    entered = history.assign(entered_date=pd.to_datetime(history["entered_date"]))
    entered = entered[entered["entered_date"] <= as_of].sort_values("entered_date", kind="stable")
    current = entered.groupby("proposal_id")[["stage", "entered_date"]].last().reset_index()
    frame = proposals[proposals["outcome"].isna()].merge(current, on="proposal_id", how="inner", validate="one_to_one")
    frame["age_days"] = (as_of - frame["entered_date"]).dt.days
    ahead = pd.to_datetime(frame["next_move_date"]) >= as_of
    return frame.assign(stalled=(frame["age_days"] > stalled_days) & ~ahead)


def funnel(opened: pd.DataFrame, probability: Mapping[str, float], *, stages: Sequence[str] = STAGES) -> pd.DataFrame:
    """The pipeline by stage: `proposals_n`, `ask_usd`, `probability_share`, `weighted_usd`, `median_age_days`, `stalled_n`, `stalled_usd`.

    Parameters
    ----------
    opened : `open_proposals`.
    probability : chance of being funded by stage.
    """
    grouped = opened.groupby("stage", observed=True)
    stalled = opened[opened["stalled"]].groupby("stage", observed=True)["ask_usd"]
    frame = pd.DataFrame(
        {
            "proposals_n": grouped.size(),
            "ask_usd": grouped["ask_usd"].sum(),
            "median_age_days": grouped["age_days"].median(),
            "stalled_n": stalled.size(),
            "stalled_usd": stalled.sum(),
        }
    ).reindex(list(stages))
    counts = ["proposals_n", "ask_usd", "stalled_n", "stalled_usd"]
    frame[counts] = frame[counts].fillna(0)
    frame = frame.astype({"proposals_n": "int64", "stalled_n": "int64"})
    frame["probability_share"] = frame.index.map(dict(probability)).astype("float64")
    return frame.assign(weighted_usd=frame["ask_usd"] * frame["probability_share"]).rename_axis("stage").reset_index()


def proposal_yield(proposals: pd.DataFrame) -> dict[str, float]:
    """What closed proposals brought: `closed_n`, `funded_n`, `count_share` = funded/closed, `asked_usd`, `funded_usd`,
    `dollar_share` = funded dollars over asked dollars. Open proposals are left out of both sides."""
    closed = proposals[proposals["outcome"].notna()]
    won = closed[closed["outcome"] == "funded"]
    asked, funded = float(closed["ask_usd"].sum()), float(won["funded_usd"].sum())
    return {
        "closed_n": len(closed),
        "funded_n": len(won),
        "count_share": len(won) / len(closed) if len(closed) else float("nan"),
        "asked_usd": asked,
        "funded_usd": funded,
        "dollar_share": funded / asked if asked else float("nan"),
    }


def cycle_days(proposals: pd.DataFrame, *, as_of: str | pd.Timestamp) -> dict[str, float]:
    """Days from ask to decision (Kaplan-Meier, open proposals censored at `as_of`): `median_days`, `p75_days`, `asked_n`, `open_n`.

    Averaging decided proposals only would leave out the slow ones still waiting.
    """
    asked = proposals[proposals["ask_date"].notna()]
    decided = asked["outcome"].notna()
    end = pd.to_datetime(asked["closed_date"]).where(decided, pd.Timestamp(as_of))
    days = (end - pd.to_datetime(asked["ask_date"])).dt.days.clip(lower=0)
    if not decided.any():
        return {"median_days": float("nan"), "p75_days": float("nan"), "asked_n": len(asked), "open_n": int((~decided).sum())}
    curve = SurvfuncRight(days.to_numpy(), decided.to_numpy().astype(int))
    return {
        "median_days": float(curve.quantile(0.5)),
        "p75_days": float(curve.quantile(0.75)),
        "asked_n": len(asked),
        "open_n": int((~decided).sum()),
    }


def portfolios(prospects: pd.DataFrame, opened: pd.DataFrame, *, low: float, high: float) -> pd.DataFrame:
    """Load of each gift officer: `officer` (a role, not a name), `prospects_n`, `open_n`, `ask_usd`, `load` against `low` to `high`."""
    frame = prospects.groupby("officer")["prospect_id"].nunique().rename("prospects_n").to_frame()
    mine = opened.merge(prospects[["prospect_id", "officer"]], on="prospect_id", how="left", validate="many_to_one").groupby("officer")[
        "ask_usd"
    ]
    frame = frame.join(pd.DataFrame({"open_n": mine.size(), "ask_usd": mine.sum()})).fillna(0).astype({"open_n": "int64"})
    frame["load"] = np.select([frame["prospects_n"] < low, frame["prospects_n"] > high], ["below range", "above range"], "in range")
    return frame.reset_index()
