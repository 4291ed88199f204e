"""One score of many indicators, with what it hides: how much of it was measured, and how far it depends on its weights.

Definitions: an indicator's *part*, 0 to 100, is 100 at its target or better, 0 at a distance of the band (a share of the target) on the
wrong side, and straight in between (min-max to the target band). The *score* is the mean of the parts by domain, then the weighted mean of
the domains. What is missing gives its weight to the others; the *coverage* says what share of the weights was measured. The *range* is the
lowest and highest score when any one domain is left out.

Known bias: a mean lets a good domain make up for a bad one. It orders programs; it decides nothing (accreditation has its gate).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from catchment.stats import given

DIRECTIONS = ("higher", "lower", "neither")


def parts(now: pd.Series, target: pd.Series, better: pd.Series, *, band: float) -> pd.Series:
    """Each indicator's part of the score, 0 to 100; missing without value, target or direction.

    Parameters
    ----------
    now, target
        Same unit.
    better
        "higher" or "lower"; with "neither" an indicator has no part.
    band
        Distance from the target, as a share of it, at which the part is 0.

    Raises
    ------
    ValueError
        A direction is not known, the band not positive, or the three have different labels.
    """
    if not band > 0:
        raise ValueError(f"the band is a positive share of the target, not {band}")
    given.words(better, DIRECTIONS, name="better")
    given.labels(now=now, target=target, better=better)
    sign = better.map({"higher": 1.0, "lower": -1.0})
    short = (target - now) * sign / (target.abs() * band).where(target != 0)
    return (100 * (1 - short.clip(0, 1))).astype("float64")


def domains(board: pd.DataFrame, *, band: float) -> pd.DataFrame:
    """Score of each domain.

    Parameters
    ----------
    board
        One row per indicator: `domain, now, target, better` (see `scorecard.table`).

    Returns
    -------
    One row per domain, in their order: `domain`, `score` (0 to 100, missing where nothing was measured), `measured_n`, and `indicators_n`
    (those with a target).

    Raises
    ------
    ValueError
        As `parts`.
    """
    scored = board.assign(part=parts(board["now"], board["target"], board["better"], band=band))[board["target"].notna()]
    groups = scored.groupby("domain", sort=False)["part"]
    return pd.DataFrame({"score": groups.mean(), "measured_n": groups.count(), "indicators_n": groups.size()}).reset_index()


def composite(scores: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    """The score of the whole with its coverage and range.

    Parameters
    ----------
    scores
        One row per domain, of `domains`.
    weights
        By domain; a domain without weight is left out. They are scaled to add to 1.

    Returns
    -------
    `score, coverage_share, score_low, score_high` and `weakest` (the domain that lowers it most, missing where nothing was measured).

    Raises
    ------
    ValueError
        No domain has a weight.
    """
    known = scores.assign(weight=scores["domain"].map(dict(weights)).fillna(0.0)).query("weight > 0")
    if known.empty:
        raise ValueError("no domain has a weight")
    covered = (known["weight"] * known["measured_n"] / known["indicators_n"]).sum() / sum(weights.values())
    measured = known.dropna(subset="score")
    if measured.empty:
        return pd.Series({"score": np.nan, "coverage_share": covered, "score_low": np.nan, "score_high": np.nan, "weakest": None})
    without = [_mean(measured.drop(row)) for row in measured.index] if len(measured) > 1 else [_mean(measured)]
    loss = (100 - measured["score"]) * measured["weight"]
    return pd.Series(
        {
            "score": _mean(measured),
            "coverage_share": covered,
            "score_low": min(without),
            "score_high": max(without),
            "weakest": measured.loc[loss.idxmax(), "domain"],
        }
    )


def _mean(rows: pd.DataFrame) -> float:
    return float(np.average(rows["score"], weights=rows["weight"]))
