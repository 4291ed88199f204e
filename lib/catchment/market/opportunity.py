"""Where the opportunity is: expected against observed share, and a ranked white-space list.

Definitions: the *expected share* of a ZIP is what a Huff model calibrated on all hospitals' flows gives us there; a ZIP
*under-performs* when its whole observed interval lies below. *Addressable cases* are the expected new cancer cases of the ZIP
times the share that we do not have and could: the gap to the expected share, or, for rank, all that leave for addressable
competitors. *Feasibility* (0-1) falls with travel time. The rank is addressable cases x feasibility.

Known bias: the flows are all-cause inpatient stays, so the gap is a hint on habits of care and not of oncology alone.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from catchment.stats.rates import quotient, wilson
from catchment.stats.spatial import false_discoveries

SEED, DRAWS = 20251231, 1000


def performance(
    ours_n: ArrayLike, market_n: ArrayLike, expected_share: ArrayLike, *, dispersion: float = 1.0, alpha: float = 0.05
) -> pd.DataFrame:
    """Observed share of each ZIP against the model: `share, share_low, share_high, expected_share, gap_share, verdict`.

    Intervals are Wilson's on counts divided by the model's dispersion (extra-binomial variation); verdicts "over" and "under"
    hold at a false discovery rate of `alpha`, otherwise "as expected"; "not available" without patients.
    """
    ours, market, due = (np.asarray(v, dtype=float) for v in (ours_n, market_n, expected_share))
    scale = max(dispersion, 1.0)
    low, high = wilson(ours / scale, market / scale, alpha=alpha)
    observed = quotient(ours, market)
    z = quotient(observed - due, np.sqrt(np.clip(due * (1 - due), 1e-12, None) * scale * quotient(1.0, market)))
    p = np.nan_to_num(2 * stats.norm.sf(np.abs(z)), nan=1.0)
    off = false_discoveries(p, alpha=alpha) if p.size else np.zeros(0, bool)
    verdict = np.select([np.isnan(observed), off & (z > 0), off & (z < 0)], ["not available", "over", "under"], "as expected")
    return pd.DataFrame(
        {"share": observed, "share_low": low, "share_high": high, "expected_share": due, "gap_share": observed - due, "verdict": verdict}
    )


def feasibility(drive_min: ArrayLike, *, near: float, far: float) -> np.ndarray:
    """1 up to `near` minutes, falling in a straight line to 0 at `far` minutes."""
    if not 0 <= near < far:
        raise ValueError("near must be below far")
    return np.clip((far - np.asarray(drive_min, dtype=float)) / (far - near), 0, 1)


def white_space(places: pd.DataFrame, *, near: float, far: float, draws: int = DRAWS, seed: int = SEED) -> pd.DataFrame:
    """Places ranked by addressable cases x feasibility, with an interval from the uncertainty of need and share.

    Parameters
    ----------
    places
        A row per place: `cases_n, cases_low, cases_high` (expected new cases a year), `share, share_low, share_high` (observed),
        `expected_share` (model) and `drive_min`.

    Returns
    -------
    DataFrame
        The rows plus `feasibility, addressable_n, score_n, score_low, score_high, top_share`: the share of draws in which the
        place is among the first ten. Places at or above the expected share have no white space and are left out.
    """
    rows = places.assign(feasibility=feasibility(places["drive_min"], near=near, far=far))
    rows["addressable_n"] = rows["cases_n"] * (rows["expected_share"] - rows["share"]).clip(lower=0)
    rows["score_n"] = rows["addressable_n"] * rows["feasibility"]
    rows = rows[rows["score_n"] > 0].reset_index(drop=True)
    random = np.random.default_rng(seed)
    cases, share = (_drawn(random, rows, column, draws) for column in ("cases", "share"))
    scores = np.clip(cases, 0, None) * np.clip(rows["expected_share"].to_numpy() - share, 0, None) * rows["feasibility"].to_numpy()
    rows[["score_low", "score_high", "top_share"]] = np.nan
    if len(rows):
        rows["score_low"], rows["score_high"] = np.quantile(scores, [0.025, 0.975], axis=0)
        place = (-scores).argsort(axis=1).argsort(axis=1)
        rows["top_share"] = (place < 10).mean(axis=0)
    return rows.sort_values(["score_n", "cases_n"], ascending=False, ignore_index=True)


def _drawn(random: np.random.Generator, rows: pd.DataFrame, column: str, draws: int) -> np.ndarray:
    value = rows["cases_n" if column == "cases" else column].to_numpy(float)
    error = (rows[f"{column}_high"] - rows[f"{column}_low"]).to_numpy(float) / (2 * 1.96)
    return random.normal(value, np.nan_to_num(error), size=(draws, len(rows)))
