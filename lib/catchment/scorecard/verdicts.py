"""What a control chart says of its newest point: is it news, will the process meet its target, and has it shifted for good.

Definitions used
----------------
Variation and assurance
    Variation says whether the newest point is special and whether that is good; assurance says whether the process, as it
    runs, will meet its target: limits clear of the target on the good side, on the bad side, or around it. Where limits lie around it
    but a run of newest points has missed (or met) it every time, that is no chance either.
Sustained shift
    A stated number of points in a row on one side of the mean. Limits then follow it (a step at its first point), so that they describe
    the process as it is; unless somebody declares why, the shift itself stays news.

Known bias: with few points, and limits that straddle the target, assurance says little; a run of hits or misses is then the better witness.

References: NHS England, Making Data Count (variation and assurance icons; when to recalculate limits).
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from catchment.stats import given
from catchment.stats.control import LEAST_POINTS, RUN, side_of

Better = Literal["higher", "lower", "neither"]


class Verdict(NamedTuple):
    """What a chart says: a stable key, an icon for a table cell, and words."""

    kind: str
    icon: str
    words: str


def onset(value: ArrayLike, center: float) -> int:
    """Where in a run on one side of the mean the departure begins: the place of its first point.

    A run that signals may open with points that lie there by chance. Of all steps to a new level, and all lines that leave the mean, the
    one that fits the run best by least squares tells them apart.

    Parameters
    ----------
    value
        The run's points, in order of time.
    center
        The mean that the run lies on one side of.
    """
    away = np.asarray(value, dtype=float) - center
    ahead = np.append(0.0, np.cumsum(away**2))  # what lies before the departure is compared with the mean
    steps = [ahead[at] + ((away[at:] - away[at:].mean()) ** 2).sum() for at in range(len(away))]
    lines = []
    for at in range(len(away)):
        time = np.arange(1, len(away) - at + 1)
        slope = (time * away[at:]).sum() / (time**2).sum()
        lines.append(ahead[at] + ((away[at:] - slope * time) ** 2).sum())
    return int(np.argmin(steps if min(steps) <= min(lines) else lines))


def sustained(chart: pd.DataFrame, *, least: int, after: int = 0) -> int | None:
    """Where a shift began that has lasted: `least` or more known points in a row on one side of the mean, from its `onset` on.

    A run that opens its segment is none, for the segment's limits were made of it; so is one that begins before place `after`. Limits
    that follow the shift are those with a step at that place.

    Parameters
    ----------
    chart
        From one of the charts: `value`, `center`, `segment`.
    """
    known = np.flatnonzero(chart["value"].notna().to_numpy())
    value, center = chart["value"].to_numpy()[known], chart["center"].to_numpy()[known]
    sides, segment = side_of(value, center), chart["segment"].to_numpy()[known]
    starts = np.flatnonzero(np.r_[True, (sides[1:] != sides[:-1]) | (segment[1:] != segment[:-1])])
    for start, end in zip(starts, [*starts[1:], len(known)], strict=True):
        opens = start == 0 or segment[start] != segment[start - 1]
        if sides[start] == 0 or opens or end - start < least or known[start] < after:
            continue
        # A longer run may hold a second shift, which its own limits will find.
        begins = start + onset(value[start : start + least], center[start])
        if end - begins >= least:
            return int(known[begins])
    return None


def _judged(chart: pd.DataFrame) -> pd.DataFrame:
    """The points that verdicts rest on: those known since the last declared step."""
    known = chart.dropna(subset=["value"])
    return known[known["segment"] == known["segment"].iloc[-1]] if "segment" in known and len(known) else known


def variation(chart: pd.DataFrame, *, better: Better) -> Verdict:
    """Variation at the newest point: improvement, concern, a change that is neither, common cause, or too few points to say.

    Parameters
    ----------
    chart
        From `xmr`, `p_chart`, `u_chart`, `g_chart` or `t_chart`; only points since the last step count as known. With a column `shifted`
        (-1, 0, 1) limits that follow a shift nobody declared are no reason to forget it: without a newer signal that shift is the news.
    better
        Which direction is good.

    Raises
    ------
    ValueError
        `better` is another word.
    """
    given.word(better, get_args(Better), name="better")
    known = _judged(chart)
    if len(known) < LEAST_POINTS:
        return Verdict("unknown", "·", f"too few points to judge ({len(known)} of {LEAST_POINTS})")
    last = known.iloc[-1]
    way, signal = last["side"], last["signal"]
    if way == 0:
        way = last.get("shifted", 0)
        signal = f"a shift {'up' if way > 0 else 'down'} that has lasted; limits follow it"
    if way == 0:
        return Verdict("common", "○", "common cause: no change beyond noise")
    letter = "H" if way > 0 else "L"
    if better == "neither":
        return Verdict("change", f"◈ {letter}", f"special cause, neither good nor bad: {signal}")
    good = (way > 0) == (better == "higher")
    icon = f"{'◇' if good else '◆'} {letter}"
    return Verdict("improvement" if good else "concern", icon, f"special cause, {'improvement' if good else 'concern'}: {signal}")


def assurance(chart: pd.DataFrame, target: float, *, better: Better, run: int = RUN) -> Verdict:
    """Whether the process as it runs meets `target`: always, never or by chance; not judged with few points since the last step.

    Limits around the target say "by chance", unless `run` or more newest points have all missed it, or all met it. While a shift is too
    young for limits of its own, those of the former process say nothing and the points since then decide.

    Raises
    ------
    ValueError
        `better` is another word.
    """
    given.word(better, get_args(Better), name="better")
    known = _judged(chart)
    if len(known) < LEAST_POINTS or pd.isna(target) or better == "neither":
        return Verdict("unknown", "·", "no target" if pd.isna(target) or better == "neither" else "too few points to judge")
    low, high = (int(side_of(known[line].iloc[-1:], target)[0]) for line in ("lcl", "ucl"))
    good, bad = (low >= 0, high < 0) if better == "higher" else (high <= 0, low > 0)
    n = streak(chart, target, better=better)
    if abs(n) >= run and not (good and n > 0) and not (bad and n < 0):
        return Verdict(
            "pass" if n > 0 else "fail", "P" if n > 0 else "F", f"{'met' if n > 0 else 'missed'} the target {abs(n)} times in a row"
        )
    met, since = since_shift(chart, target, better=better)
    if since:
        return Verdict("either", "?", f"met the target {met} of {since} times since the shift")
    if good:
        return Verdict("pass", "P", "will meet the target: both limits are on the good side")
    if bad:
        return Verdict("fail", "F", "will miss the target unless the process changes")
    return Verdict("either", "?", "will meet or miss the target by chance")


def streak(chart: pd.DataFrame, target: float, *, better: Better) -> int:
    """How many newest points since the last step have met the target in a row, or missed it (then negative); 0 without points."""
    known = _judged(chart)
    met = _met(known["value"], target, better)
    return _run_length(met.astype(int)) * (1 if len(met) and met[-1] else -1)


def since_shift(chart: pd.DataFrame, target: float, *, better: Better) -> tuple[int, int]:
    """How often the target was met since a shift that limits do not follow yet, and in how many points; none without such a shift."""
    known = _judged(chart)
    shift = known["shift"].to_numpy()
    since = _run_length(shift) if len(shift) and shift[-1] != 0 else 0
    since = since if since < len(known) else 0
    return int(_met(known["value"], target, better)[len(known) - since :].sum()), since


def _met(value: pd.Series, target: float, better: Better) -> np.ndarray:
    """Which points reach the target; on it is met."""
    return side_of(value, np.full(len(value), target)) * (1 if better == "higher" else -1) >= 0


def _run_length(labels: np.ndarray) -> int:
    """How many labels at the end are like the last one."""
    other = np.flatnonzero(labels != labels[-1]) if len(labels) else np.empty(0, int)
    return len(labels) - 1 - int(other[-1]) if len(other) else len(labels)
