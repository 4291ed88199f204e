"""Statistical process control: is a month's figure news, or the noise that the process always makes.

Definitions used
----------------
Limits
    XmR: mean +/- 2.66 x mean moving range. p: p +/- 3 sqrt(p (1 - p) / n). u: u +/- 3 sqrt(u / n). Computed from a stated
    baseline (the first points) and carried forward; computed anew only at a step that is given, never because a month has passed.
Rare events
    What a month's count cannot show, for it is mostly 0, the gaps between events do. g: cases between events, geometric, limits
    mean +/- 3 sqrt(mean (mean + 1)) around the median 0.693 x mean. t: time between events, XmR on its 3.6th root. Longer gaps are
    better where the event is bad.
Special cause
    A point beyond a limit; 7 in a row on one side of the mean; 7 in a row rising or falling; 2 of 3 in the outer third of
    the same side. Runs do not cross a step; missing periods are skipped, as if the series had none. Anything else is common
    cause: no reason is to be looked for.

Known bias: p and u limits suppose that counts vary only by chance; with thousands of cases a month they are too narrow, and XmR on the
share is the safer chart. Fewer than 12 points give limits that move with every point.

References: NHS England, Making Data Count; Wheeler, Understanding Variation; NIST e-Handbook of Statistical Methods, 6.3; Provost and
Murray, The Health Care Data Guide.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from . import given

XMR_FACTOR = 2.66  # 3 / d2 with d2 = 1.128 for ranges of two
RANGE_FACTOR = 3.267  # D4 for ranges of two
LEAST_POINTS = 12
EQUAL = 1e-9  # relative difference up to which a value lies on a line: a mean of equal values is not always that value to the last bit
RUN = 7
MEDIAN_GAP = 0.693  # of the mean: the median of a geometric law whose events are rare (log 2)
ROOT = 3.6  # the root of an exponential time that is nearly normal


def _series(values: ArrayLike, name: str) -> pd.Series:
    series = values.astype("float64") if isinstance(values, pd.Series) else pd.Series(np.asarray(values, dtype="float64"))
    if series.ndim != 1 or not len(series):
        raise ValueError(f"{name} must be one series of numbers, not empty")
    return series


def _segments(n: int, steps: Sequence[int]) -> np.ndarray:
    """Number of the segment of each point: a new one begins at each declared step."""
    wrong = [step for step in steps if not 0 < step < n or step != int(step)]
    if wrong:
        raise ValueError(f"a step must be a position inside the series of {n} points: {wrong}")
    return np.searchsorted(np.unique(np.asarray(steps, dtype=int)), np.arange(n), side="right")


def _base(known: pd.Series, segment: np.ndarray, baseline: int | Sequence[int] | None, sigmas: float) -> pd.Series:
    """Which points make the limits: the first `baseline` known ones of each segment, or all of them."""
    if not sigmas > 0:
        raise ValueError(f"limits stand at a positive number of standard deviations, not {sigmas}")
    if baseline is None:
        return known
    least = np.atleast_1d(np.asarray(baseline))
    if (least < 2).any():
        raise ValueError(f"a baseline needs at least 2 points, not {least.min()}")
    if len(least) not in (1, segment[-1] + 1):
        raise ValueError(f"{len(least)} baselines stand against {segment[-1] + 1} segments")
    return known & (known.groupby(segment).cumsum() <= least[segment if len(least) > 1 else 0])


def mean_moving_range(values: ArrayLike, *, screen: bool = False) -> float:
    """Mean of the absolute differences of neighbors; `screen` drops, once, those above 3.267 times the mean."""
    ranges = _series(values, "values").dropna().diff().abs().dropna()
    if screen and len(ranges):
        ranges = ranges[ranges <= RANGE_FACTOR * ranges.mean()]
    return float(ranges.mean()) if len(ranges) else np.nan


def xmr(
    values: ArrayLike, *, baseline: int | Sequence[int] | None = None, steps: Sequence[int] = (), sigmas: float = 3.0, screen: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf), run: int = RUN,
) -> pd.DataFrame:  # fmt: skip
    """Individuals and moving ranges chart.

    Parameters
    ----------
    values
        One value per period, in order of time; missing ones are skipped.
    baseline
        Known points at the start of each segment that make its limits, one number for all segments or one each; None takes all.
    steps
        Positions (from 0) at which a new process was declared: limits are computed anew from there.
    screen
        Leave moving ranges above 3.267 times their mean out of the limits (state it where it is used).
    bounds
        Limits are cut here: (0, inf) for a measure that cannot be negative.

    Returns
    -------
    Grain: one row per period. `value`, `center`, `lcl`, `ucl`, `moving_range`, `range_ucl`, `segment`, and the columns of `signals`.

    References
    ----------
    NIST e-Handbook 6.3.2.2; Wheeler and Chambers (1992).
    """
    value = _series(values, "values")
    segment = _segments(len(value), steps)
    groups = value.where(_base(value.notna(), segment, baseline, sigmas)).groupby(segment)
    center = groups.transform("mean")
    ranges = value.dropna().groupby(segment[value.notna()]).diff().abs().reindex(value.index)
    width = groups.transform(mean_moving_range, screen=screen)
    half = XMR_FACTOR * sigmas / 3 * width
    chart = pd.DataFrame({"value": value, "center": center, "lcl": (center - half).clip(*bounds), "ucl": (center + half).clip(*bounds),
                          "moving_range": ranges, "range_ucl": RANGE_FACTOR * width, "segment": segment}, index=value.index)  # fmt: skip
    # The zone of the outer third is judged on the uncut limits.
    return chart.join(signals(value, center, center - half, center + half, segment=segment, run=run))


def _attribute(
    count: ArrayLike, size: ArrayLike, *, baseline: int | Sequence[int] | None, steps: Sequence[int], sigmas: float, kind: str, run: int
) -> pd.DataFrame:
    given.labels(count=count, size=size)
    counts, sizes = _series(count, "count"), _series(size, "size")
    if len(counts) != len(sizes):
        raise ValueError(f"{len(counts)} counts stand against {len(sizes)} sizes")
    sizes = sizes.set_axis(counts.index)
    if (sizes <= 0).any() or (counts < 0).any() or (kind == "p" and (counts > sizes).any()):
        raise ValueError(
            "counts must not be negative, sizes must be positive" + (", a count must not pass its size" if kind == "p" else "")
        )
    segment = _segments(len(counts), steps)
    base = _base(counts.notna() & sizes.notna(), segment, baseline, sigmas)
    center = counts.where(base).groupby(segment).transform("sum") / sizes.where(base).groupby(segment).transform("sum")
    half = sigmas * np.sqrt(center * ((1 - center) if kind == "p" else 1) / sizes)
    value = counts / sizes
    top = 1.0 if kind == "p" else np.inf
    chart = pd.DataFrame(
        {"value": value, "center": center, "lcl": (center - half).clip(0, top), "ucl": (center + half).clip(0, top), "segment": segment}
    )
    return chart.join(signals(value, center, center - half, center + half, segment=segment, run=run))


def p_chart(
    count: ArrayLike,
    nobs: ArrayLike,
    *,
    baseline: int | Sequence[int] | None = None,
    steps: Sequence[int] = (),
    sigmas: float = 3.0,
    run: int = RUN,
) -> pd.DataFrame:
    """Chart of shares: `count` of `nobs` in each period, limits by each period's own size.

    Returns
    -------
    Grain: one row per period. `value`, `center`, `lcl`, `ucl` (0 to 1), `segment`, and the columns of `signals`.

    Raises
    ------
    ValueError
        A count is negative or above its size, or a size is not positive.

    References
    ----------
    NIST e-Handbook 6.3.3.2.
    """
    size = nobs if np.ndim(nobs) else np.full(np.shape(count), nobs)
    return _attribute(count, size, baseline=baseline, steps=steps, sigmas=sigmas, kind="p", run=run)


def u_chart(
    count: ArrayLike,
    exposure: ArrayLike,
    *,
    baseline: int | Sequence[int] | None = None,
    steps: Sequence[int] = (),
    sigmas: float = 3.0,
    run: int = RUN,
) -> pd.DataFrame:
    """Chart of events per unit of exposure (complaints per 1,000 visits: give visits / 1000). Columns as `p_chart`.

    References
    ----------
    Montgomery, Introduction to Statistical Quality Control, control charts for nonconformities per unit.
    """
    size = exposure if np.ndim(exposure) else np.full(np.shape(count), exposure)
    return _attribute(count, size, baseline=baseline, steps=steps, sigmas=sigmas, kind="u", run=run)


def g_chart(
    between: ArrayLike, *, baseline: int | Sequence[int] | None = None, steps: Sequence[int] = (), sigmas: float = 3.0, run: int = RUN
) -> pd.DataFrame:
    """Chart of cases (or days) between rare events: one row per event.

    Parameters
    ----------
    between
        Cases without the event since the event before, in order of time: 0 where two events followed each other.
    baseline, steps, sigmas, run
        As in `xmr`.

    Returns
    -------
    Grain: one row per event. `value`, `center` (the law's median, so that half of the points lie on each side), `lcl` (0 at least), `ucl`,
    `segment`, and the columns of `signals`.

    Raises
    ------
    ValueError
        A gap is negative.

    References
    ----------
    Benneyan (2001), Health Care Management Science 4:305; Provost and Murray, The Health Care Data Guide (2011), p. 228.
    """
    value = _series(between, "between")
    given.counts(value, name="between")
    segment = _segments(len(value), steps)
    mean = value.where(_base(value.notna(), segment, baseline, sigmas)).groupby(segment).transform("mean")
    center, half = MEDIAN_GAP * mean, sigmas * np.sqrt(mean * (mean + 1))
    chart = pd.DataFrame(
        {"value": value, "center": center, "lcl": (mean - half).clip(lower=0), "ucl": mean + half, "segment": segment}, index=value.index
    )
    return chart.join(signals(value, center, mean - half, mean + half, segment=segment, run=run))


def t_chart(
    between: ArrayLike, *, baseline: int | Sequence[int] | None = None, steps: Sequence[int] = (), sigmas: float = 3.0, run: int = RUN
) -> pd.DataFrame:
    """Chart of the time between rare events: an XmR chart of its 3.6th root, which is nearly normal, drawn in the time's own unit.

    Parameters
    ----------
    between
        Time since the event before (any unit), in order of time.
    baseline, steps, sigmas, run
        As in `xmr`.

    Returns
    -------
    Grain: one row per event. `value`, `center`, `lcl` (0 at least), `ucl`, `segment`, and the columns of `signals`.

    Raises
    ------
    ValueError
        A time is not positive: give it in a finer unit.

    References
    ----------
    Nelson (1994), Journal of Quality Technology 26:239; Provost and Murray (2011), p. 230.
    """
    value = _series(between, "between")
    if (value <= 0).any():
        raise ValueError(f"time between events must be positive: {value.min():g}; give it in a finer unit, or use a g chart")
    chart = xmr(value ** (1 / ROOT), baseline=baseline, steps=steps, sigmas=sigmas, run=run)
    lines = {name: chart[name].clip(lower=0) ** ROOT for name in ("center", "lcl", "ucl")}
    return chart.assign(value=value, **lines).drop(columns=["moving_range", "range_ucl"])


def _in_runs(labels: np.ndarray, least: int) -> np.ndarray:
    """Points that belong to an unbroken run of at least `least` equal labels (0 breaks a run)."""
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
    sizes = np.diff(np.r_[starts, len(labels)])
    return (labels != 0) & np.repeat(sizes >= least, sizes)


def _trends(value: np.ndarray, least: int) -> np.ndarray:
    """Sign of the rise or fall that a point belongs to: `least` points make `least` - 1 moves in one direction."""
    moves = np.nan_to_num(np.sign(np.diff(value, prepend=np.nan))).astype(int)
    moved = np.where(_in_runs(moves, least - 1), moves, 0)
    # The point from which a run of moves starts belongs to the trend.
    return np.where(moved != 0, moved, np.r_[moved[1:], 0])


def side_of(value: ArrayLike, line: ArrayLike) -> np.ndarray:
    """1 above the line, -1 below it, 0 on it or where the value is missing."""
    away = np.asarray(value, float) - line
    near = np.abs(away) <= EQUAL * np.maximum(np.abs(value), np.abs(line))
    return np.where(near, 0, np.nan_to_num(np.sign(away))).astype(int)


def _outer(value: np.ndarray, center: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Sign of the side on which a point and at least one of its neighbors in three lie in the outer third or beyond."""
    third = 2 / 3 * (edge - center)
    found = np.zeros(len(value), int)
    for sign, here in ((1, side_of(value, center + third) > 0), (-1, side_of(value, center - third) < 0)):
        of_three = np.convolve(here, np.ones(3, int))  # of_three[i] counts points i - 2 to i
        most = np.max([of_three[k : k + len(value)] for k in range(3)], axis=0)
        found[here & (most >= 2)] = sign
    return found


def signals(
    values: ArrayLike, center: ArrayLike, lcl: ArrayLike, ucl: ArrayLike, *, segment: ArrayLike | None = None, run: int = RUN
) -> pd.DataFrame:
    """Special causes by the four rules of Making Data Count.

    Parameters
    ----------
    values, center, lcl, ucl
        The series, and its lines as one number each or one per period; missing values belong to no rule and break none.
    segment
        Numbers of the segments; no rule looks across them.
    run
        Points in a row that make a shift or a trend: 7 in the UK, 8 by the Western Electric rule.

    Returns
    -------
    Grain: one row per period. `beyond`, `shift`, `trend`, `two_of_three` (-1, 0, 1: the side or direction), `side` (the first
    that is not 0) and `signal` (the rule in words, empty for common cause).

    References
    ----------
    Western Electric Company (1956), Statistical Quality Control Handbook: 2 of 3 counts points beyond the limit too.
    """
    if run < 2:
        raise ValueError(f"a run has at least 2 points, not {run}")
    series = _series(values, "values")
    value = series.to_numpy()
    middle, low, high = (np.broadcast_to(np.asarray(line, float), len(value)) for line in (center, lcl, ucl))
    part = np.zeros(len(value), int) if segment is None else np.asarray(segment)
    found = {
        "beyond": (side_of(value, high) > 0).astype(int) - (side_of(value, low) < 0).astype(int),
        **{rule: np.zeros(len(value), int) for rule in ("shift", "trend", "two_of_three")},
    }
    for number in np.unique(part[~np.isnan(value)]):
        at = (part == number) & ~np.isnan(value)
        side = side_of(value[at], middle[at])
        found["shift"][at] = np.where(_in_runs(side, run), side, 0)
        found["trend"][at] = _trends(value[at], run)
        found["two_of_three"][at] = _outer(value[at], middle[at], high[at])
    names = {
        "beyond": {1: "above the upper limit", -1: "below the lower limit"},
        "shift": {1: f"{run} or more above the mean", -1: f"{run} or more below the mean"},
        "trend": {1: f"{run} or more rising", -1: f"{run} or more falling"},
        "two_of_three": {1: "2 of 3 near the upper limit", -1: "2 of 3 near the lower limit"},
    }
    points = [{rule: int(found[rule][i]) for rule in names if found[rule][i]} for i in range(len(value))]
    found["side"] = np.array([next(iter(point.values()), 0) for point in points], int)
    found["signal"] = [", ".join(names[rule][sign] for rule, sign in point.items()) for point in points]
    return pd.DataFrame(found, index=series.index)
