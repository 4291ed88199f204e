"""Waiting times with patients who are still waiting: Kaplan-Meier, its quantiles, and the log-rank test.

Definitions: time runs in days from `start` (such as the referral) to `event` (the consultation). A patient whose event has not come by
`until` is censored there: known to have waited that long. The median is the first day on which half have had the event.

Known bias: averaging completed waits only makes the recent past look faster than it is. Censoring is taken as uninformative; a patient
who left because the wait was long breaks that, so the share of censored waits stands beside every figure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2 as chi2_law
from scipy.stats import false_discovery_control, norm

WAIT = ("patients_n", "observed_patients_n", "censored_share", "median_days", "median_low", "median_high", "p75_days", "p90_days")


class Quantile(NamedTuple):
    """A quantile of a waiting time with its limits; NaN when the curve does not reach it."""

    estimate: float
    low: float
    high: float


class LogRank(NamedTuple):
    """Chi-square of the log-rank test with its degrees of freedom and p-value."""

    chi2: float
    df: int
    pvalue: float


def durations(cases: pd.DataFrame, *, start: str, event: str, until: str) -> pd.DataFrame:
    """Days from `start` to `event`, or to `until` for those without it: columns `days` and `observed`, index of `cases`.

    Raises
    ------
    ValueError
        An event lies before its start: the row and the two dates are named.
    """
    observed = cases[event].notna()
    days = (cases[event].where(observed, cases[until]) - cases[start]).dt.days
    if (days < 0).any():
        row = days.index[days < 0][0]
        raise ValueError(f"row {row}: {event if observed[row] else until} lies before {start} ({cases.loc[row, start]:%Y-%m-%d})")
    return pd.DataFrame({"days": days, "observed": observed})[cases[start].notna() & days.notna()]


def _series(duration: ArrayLike, event: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Times and whether the event came, checked."""
    time, happened = np.asarray(duration, float), np.asarray(event, float)
    if time.shape != happened.shape or time.ndim != 1 or not len(time):
        raise ValueError("duration and event must be two series of the same length, not empty")
    if (time < 0).any() or not np.isfinite(time).all():
        raise ValueError("durations must be known, finite and not negative")
    if not np.isin(happened, (0, 1)).all():
        raise ValueError("event must be 1 (it came) or 0 (censored), without gaps")
    return time, happened


def kaplan_meier(duration: ArrayLike, event: ArrayLike, *, alpha: float = 0.05) -> pd.DataFrame:
    """Product-limit estimate of the share still waiting, one row per time with an event or a censoring.

    Parameters
    ----------
    duration
        Time of each patient, to the event or to the censoring; an event at the time of a censoring comes before it.
    event
        1 or True where the event came, 0 or False where the patient is censored.

    Returns
    -------
    `time`, `at_risk_n`, `events_n`, `survival_share`, `survival_low`, `survival_high` (log-log limits; equal to the estimate at 1 and 0).

    Raises
    ------
    ValueError
        No patient at all, a negative or unknown duration, an event that is neither 0 nor 1, or alpha outside of 0 to 1.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457; Greenwood's variance; log-log limits of Kalbfleisch and Prentice (1980).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    days, happened = _series(duration, event)
    time, place = np.unique(days, return_inverse=True)
    events, leaving = np.bincount(place, happened, len(time)), np.bincount(place, minlength=len(time))
    risk = len(days) - np.r_[0, leaving.cumsum()[:-1]]
    share = np.cumprod(1 - events / risk)
    inside = (share > 0) & (share < 1)
    # Greenwood's sum is the variance of log S; once nobody is left it does not exist, and neither is it used.
    greenwood = np.cumsum(np.divide(events, risk * (risk - events), out=np.zeros(len(time)), where=risk > events))
    safe = np.where(inside, share, 0.5)
    width = -norm.ppf(1 - alpha / 2) * np.sqrt(greenwood) / np.log(safe)
    low, high = (np.where(inside, safe ** np.exp(sign * width), share) for sign in (1, -1))
    return pd.DataFrame(
        {
            "time": time,
            "at_risk_n": risk,
            "events_n": events.astype(int),
            "survival_share": share,
            "survival_low": low,
            "survival_high": high,
        }
    )


def quantiles(duration: ArrayLike, event: ArrayLike, shares: Sequence[float], *, alpha: float = 0.05) -> list[Quantile]:
    """Times by which each of the shares has had the event: the first time at which at most 1 - p are still waiting.

    References
    ----------
    Brookmeyer and Crowley (1982), Biometrics 38:29, for the limits.
    """
    if wrong := [p for p in shares if not 0 < p < 1]:
        raise ValueError(f"p must lie between 0 and 1, not {wrong[0]}")
    table = kaplan_meier(duration, event, alpha=alpha)
    time = table["time"].to_numpy()
    waiting = [table[name].to_numpy() for name in ("survival_share", "survival_low", "survival_high")]

    def first(left: np.ndarray, p: float) -> float:
        reached = np.flatnonzero(left <= 1 - p + 1e-12)
        return float(time[reached[0]]) if len(reached) else np.nan

    return [Quantile(*(first(left, p) for left in waiting)) for p in shares]


def quantile(duration: ArrayLike, event: ArrayLike, p: float = 0.5, *, alpha: float = 0.05) -> Quantile:
    """Time by which the share `p` has had the event, with its limits; see `quantiles`."""
    return quantiles(duration, event, [p], alpha=alpha)[0]


def median(duration: ArrayLike, event: ArrayLike, *, alpha: float = 0.05) -> Quantile:
    """Kaplan-Meier median with its limits."""
    return quantile(duration, event, 0.5, alpha=alpha)


def logrank(duration: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Log-rank test that all groups have the same waiting times (unweighted, hypergeometric variance).

    A group of which nobody is at risk when an event comes has no say and no degree of freedom. With fewer than two groups that have a
    say there is no test: NaN, no degree of freedom.

    Raises
    ------
    ValueError
        The series are empty while groups are given, differ in length, or hold a value that is not known.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163; Peto and Peto (1972), JRSS A 135:185.
    """
    codes, names = pd.factorize(np.asarray(group, dtype=object), sort=False)
    if len(names) < 2 and not (codes < 0).any():
        return LogRank(np.nan, 0, np.nan)
    days, happened = _series(duration, event)
    if len(codes) != len(days) or (codes < 0).any():
        raise ValueError("group must be known for every duration")
    time, place = np.unique(days, return_inverse=True)
    events, leaving = (np.zeros((len(time), len(names))) for _ in range(2))
    np.add.at(events, (place, codes), happened)
    np.add.at(leaving, (place, codes), 1)
    risk = leaving[::-1].cumsum(axis=0)[::-1]
    total, died = risk.sum(axis=1), events.sum(axis=1)
    part = risk / total[:, None]
    expected = died @ part
    says = np.flatnonzero(expected > 0)
    if len(says) < 2:
        return LogRank(np.nan, 0, np.nan)
    weight = died * np.divide(total - died, total - 1, out=np.zeros(len(time)), where=total > 1)
    variance = np.diag(weight @ part) - (part * weight[:, None]).T @ part
    rest = says[1:]
    gap = events.sum(axis=0)[rest] - expected[rest]
    chi2 = float(gap @ np.linalg.pinv(variance[np.ix_(rest, rest)], hermitian=True) @ gap)
    return LogRank(chi2, len(rest), float(chi2_law.sf(chi2, len(rest))))


def waits(
    cases: pd.DataFrame, *, start: str, event: str, until: str, by: Sequence[str] = (), alpha: float = 0.05, smallest: int = 1
) -> pd.DataFrame:
    """Waiting time by group: one row per group of `by`; without it one row in all, also of nobody.

    Parameters
    ----------
    smallest
        Patients below which a group's days are left missing: the median of three is one patient's.

    Returns
    -------
    `patients_n`, `observed_patients_n`, `censored_share`, `median_days` with `median_low` and `median_high`, `p75_days`, `p90_days` (NaN
    when fewer than that share have had the event, however long one waits).
    """
    timed = durations(cases, start=start, event=event, until=until).join(cases[list(by)])
    groups = timed.groupby(list(by), observed=True) if by else [((), timed)]
    rows = [
        dict(zip(by, name if isinstance(name, tuple) else (name,), strict=True)) | _wait(part, alpha) for name, part in groups if len(part)
    ]
    if not (rows or by):
        rows = [{"patients_n": 0, "observed_patients_n": 0}]
    table = pd.DataFrame(rows, columns=[*by, *WAIT])
    table.loc[table["patients_n"] < smallest, [column for column in WAIT if not column.endswith("_n")]] = np.nan
    return table


class Contrast(NamedTuple):
    """Waits of each group against all others, the log-rank test of all groups together, and the groups too small to be compared."""

    waits: pd.DataFrame
    test: LogRank
    left_out_n: int


def contrast(cases: pd.DataFrame, *, start: str, event: str, until: str, by: str, least: int = 50, alpha: float = 0.05) -> Contrast:
    """`waits` of each group of `by` with at least `least` patients, longest median first, and whether it differs from the others.

    Returns
    -------
    `waits` with `pvalue` (log-rank of the group against all others taken together; missing where there is nothing to compare) and
    `adjusted` (Benjamini-Hochberg over the groups tested).
    """
    timed = durations(cases, start=start, event=event, until=until).join(cases[by])
    sizes = timed.groupby(by, observed=True)["days"].transform("size")
    large = timed[sizes >= least]
    table = waits(cases.loc[large.index], start=start, event=event, until=until, by=[by], alpha=alpha)
    table["pvalue"] = [logrank(large["days"], large["observed"], large[by] == name).pvalue for name in table[by]]
    table["adjusted"] = np.nan
    tested = table["pvalue"].notna()
    if tested.any():
        table.loc[tested, "adjusted"] = false_discovery_control(table.loc[tested, "pvalue"])
    order = table.sort_values(["median_days", by], ascending=[False, True], ignore_index=True)
    return Contrast(order, logrank(large["days"], large["observed"], large[by]), timed[by].nunique() - len(table))


def milestones(
    cases: pd.DataFrame, steps: Mapping[str, Mapping[str, str]], *, by: str, alpha: float = 0.05, smallest: int = 1
) -> pd.DataFrame:
    """`waits` of several steps one below the other: `steps` gives `start`, `event` and `until` of each by its name, the column `stage`.

    A case without the start of a step (never seen, so never due for treatment) does not count in that step.
    """
    parts = [
        waits(cases[cases[clock["start"]].notna()], **clock, by=[by], alpha=alpha, smallest=smallest).assign(stage=name)
        for name, clock in steps.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["stage", *table.columns.drop("stage")]]


def progress(cases: pd.DataFrame, *, start: str, event: str, until: str, by: str, smallest: int = 11) -> pd.DataFrame:
    """Days by which each further part of a group has had the event (the Kaplan-Meier curve read sideways).

    The parts are steps of 5, 10 or 25 %, the finest of which holds at least `smallest` patients: read from the curve day by day, a
    group's share times its size would give single patients away. Groups too small for steps of 25 %, or of whom fewer than a step
    have had the event, are left out.

    Returns
    -------
    Columns `by`, `days`, `done_share`; the steps that the curve reaches, from day 0.
    """
    timed = durations(cases, start=start, event=event, until=until).join(cases[by])
    rows = []
    for name, part in timed.groupby(by, observed=True):
        step = next((size for size in (0.05, 0.10, 0.25) if len(part) * size >= smallest), None)
        if step is None:
            continue
        shares = np.arange(step, 0.999, step)
        days = [reached.estimate for reached in quantiles(part["days"], part["observed"], shares)]
        reached = [(name, day, share) for day, share in zip(days, shares, strict=True) if not np.isnan(day)]
        rows += [(name, 0.0, 0.0), *reached] if reached else []
    # Several steps that fall on one day are one rise of the curve.
    return pd.DataFrame(rows, columns=[by, "days", "done_share"]).drop_duplicates([by, "days"], keep="last", ignore_index=True)


def _wait(timed: pd.DataFrame, alpha: float) -> dict[str, float]:
    middle, *late = quantiles(timed["days"], timed["observed"], (0.5, 0.75, 0.90), alpha=alpha)
    seen = timed["observed"]
    counts = (len(timed), int(seen.sum()), float(1 - seen.mean()))
    return dict(zip(WAIT, (*counts, *middle, *(each.estimate for each in late)), strict=True))
