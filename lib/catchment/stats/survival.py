"""Waiting times with patients who are still waiting, or for whom the event can no longer come.

Definitions: time runs in days from `start` (such as the referral) to `event` (the consultation). A patient whose event has not come by
`until` is *censored* there: known to have waited that long, and waiting still. One whose case was *closed* without the event (declined,
gone elsewhere) will never have it: a competing event. The *cumulative incidence* at a day is the share who have had the event by then, of
all who started (Aalen-Johansen); where nobody is closed it is one less the Kaplan-Meier curve. The median is the first day on which half
of all have had the event, and is missing where fewer than half ever do.

Known bias: averaging completed waits only makes the recent past look faster than it is; censoring those who were closed ends near 100 %
whatever share is lost. What is left censored is taken as uninformative. The log-rank test compares the pace among those still open.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2 as chi2_law
from scipy.stats import false_discovery_control, norm
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

OPEN, CAME, CLOSED = 0, 1, 2
Limits = Literal["log-log", "log", "plain"]
COUNTS = ("patients_n", "observed_patients_n")
WAIT = (*COUNTS, "ever_share", "censored_share", "median_days", "median_low", "median_high", "p75_days", "p90_days")
HIDDEN = ("ever_share_suppressed", "censored_share_suppressed")


class Clock(TypedDict, total=False):
    """Columns of a wait: where its clock starts, what stops it, until when a case without that was followed, whether it was closed then."""

    start: str
    event: str
    until: str
    closed: str


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


def closed(until: pd.Series) -> pd.Series:
    """Whether each case was closed: it was followed to a day before the last one on which any case was."""
    return (until < until.max()).rename("closed")


def durations(cases: pd.DataFrame, *, start: str, event: str, until: str, closed: str = "") -> pd.DataFrame:
    """Days from `start` to `event`, or to `until` for those without it.

    Parameters
    ----------
    closed
        Column that says whether a case was closed on the day `until`, so that the event can no longer come (see `closed`); without it
        everybody without the event is taken as still waiting.

    Returns
    -------
    `days`, `observed` (the event came) and `status` (0 still waiting, 1 it came, 2 closed without it), index of `cases`.

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
    over = cases[closed].astype(bool) if closed else pd.Series(False, index=cases.index)
    status = np.select([observed, over], [CAME, CLOSED], OPEN)
    return pd.DataFrame({"days": days, "observed": observed, "status": status})[cases[start].notna() & days.notna()]


def _series(duration: ArrayLike, event: ArrayLike, *, known: tuple[int, ...] = (OPEN, CAME)) -> tuple[np.ndarray, np.ndarray]:
    """Times and what ended them, checked."""
    time, happened = np.asarray(duration, float), np.asarray(event, float)
    if time.shape != happened.shape or time.ndim != 1 or not len(time):
        raise ValueError("duration and event must be two series of the same length, not empty")
    if (time < 0).any() or not np.isfinite(time).all():
        raise ValueError("durations must be known, finite and not negative")
    if not np.isin(happened, known).all():
        raise ValueError(
            f"event must be 1 (it came) or 0 (censored){', or 2 (closed without it)' if CLOSED in known else ''}, without gaps"
        )
    return time, happened.astype(int)


def kaplan_meier(duration: ArrayLike, event: ArrayLike, *, alpha: float = 0.05, limits: Limits = "log-log") -> pd.DataFrame:
    """Product-limit estimate of the share still waiting, one row per time with an event.

    Parameters
    ----------
    duration
        Time of each patient, to the event or to the censoring; an event at the time of a censoring comes before it.
    event
        1 or True where the event came, 0 or False where the patient is censored.
    limits
        "log-log" (stays within 0 and 1), "log" (R's default) or "plain" (cut off at 0 and 1, as "log" is at 1).

    Returns
    -------
    `time`, `at_risk_n`, `events_n`, `survival_share`, `survival_se` (Greenwood; missing at 0), `survival_low`, `survival_high`.

    Raises
    ------
    ValueError
        No patient at all, a negative or unknown duration, an event that is neither 0 nor 1, other limits than the three, or alpha outside
        of 0 to 1.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457; Kalbfleisch and Prentice (1980) for the log-log limits. Computed by statsmodels.
    """
    curve = SurvfuncRight(*_series(duration, event))
    low, high = _limits(curve.surv_prob, curve.surv_prob_se, alpha, limits)
    columns = ("time", "at_risk_n", "events_n", "survival_share", "survival_se", "survival_low", "survival_high")
    counts = (curve.n_risk.astype(int), curve.n_events.astype(int))
    found = (curve.surv_times, *counts, curve.surv_prob, curve.surv_prob_se, low, high)
    return pd.DataFrame(dict(zip(columns, found, strict=True)))


def _limits(share: np.ndarray, error: np.ndarray, alpha: float, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a share from its standard error; the share itself at 0 and 1."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    width = norm.ppf(1 - alpha / 2) * error
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    match limits:
        case "log-log":
            power = np.exp(width / (safe * np.log(safe)))
            low, high = safe ** (1 / power), safe**power
        case "log":
            low, high = safe * np.exp(-width / safe), safe * np.exp(width / safe)
        case "plain":
            low, high = safe - width, safe + width
        case _:
            raise ValueError(f"limits are log-log, log or plain, not {limits!r}")
    return np.where(inside, np.clip(low, 0, 1), share), np.where(inside, np.clip(high, 0, 1), share)


def cumulative_incidence(duration: ArrayLike, status: ArrayLike, *, alpha: float = 0.05) -> pd.DataFrame:
    """Aalen-Johansen estimate of the share who have had the event, beside a competing one that rules it out; one row per time.

    Parameters
    ----------
    duration
        Time of each patient, to the event, to the competing one or to the censoring.
    status
        1 the event came, 2 the competing event came, 0 censored.

    Returns
    -------
    `time`, `at_risk_n`, `events_n`, `closed_n` (competing events), `incidence_share`, `incidence_se`, and log-log limits
    `incidence_low`, `incidence_high`.

    Raises
    ------
    ValueError
        No patient at all, a negative or unknown duration, another status, or alpha outside of 0 to 1.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141; Dinse and Larson (1986), Biometrika 73:379, for the variance;
    Choudhury (2002), Statistics in Medicine 21:1129, for the limits. The errors are those of Stata's stcompet.
    """
    days, ended = _series(duration, status, known=(OPEN, CAME, CLOSED))
    time, place = np.unique(days, return_inverse=True)
    came, gone, every = (np.bincount(place, chosen, len(time)) for chosen in (ended == CAME, ended == CLOSED, np.ones(len(days))))
    risk, out = every[::-1].cumsum()[::-1], came + gone
    left = np.r_[1.0, np.cumprod(1 - out / risk)[:-1]]
    share = np.cumsum(left * came / risk)
    # Sums over all earlier times; statsmodels' CumIncidenceRight has no error once nobody is left.
    hazard = np.divide(out, risk * (risk - out), out=np.zeros(len(time)), where=risk > out)
    own, cross = left**2 * came * (risk - came) / risk**3, left * came / risk**2
    variance = np.cumsum(share**2 * hazard + own + 2 * share * cross)
    variance += share**2 * np.cumsum(hazard) - 2 * share * np.cumsum(share * hazard + cross)
    error = np.sqrt(np.clip(variance, 0, None))
    low, high = _limits(share, error, alpha, "log-log")
    columns = ("time", "at_risk_n", "events_n", "closed_n", "incidence_share", "incidence_se", "incidence_low", "incidence_high")
    table = pd.DataFrame(dict(zip(columns, (time, risk, came, gone, share, error, low, high), strict=True)))
    return table.astype(dict.fromkeys(columns[1:4], int))


def done(duration: ArrayLike, status: ArrayLike, *, alpha: float = 0.05, limits: Limits = "log-log") -> pd.DataFrame:
    """Share who have had the event by each time: the cumulative incidence, or one less Kaplan-Meier where nobody is closed.

    Returns
    -------
    `time`, `done_share`, `done_low`, `done_high`.
    """
    columns = ["time", "done_share", "done_low", "done_high"]
    if (np.asarray(status) == CLOSED).any():
        table = cumulative_incidence(duration, status, alpha=alpha)
        return table[["time", "incidence_share", "incidence_low", "incidence_high"]].set_axis(columns, axis=1)
    table = kaplan_meier(duration, status, alpha=alpha, limits=limits)
    waiting = 1 - table[["survival_share", "survival_high", "survival_low"]]
    return waiting.set_axis(columns[1:], axis=1).assign(time=table["time"])[columns]


def quantiles(
    duration: ArrayLike, event: ArrayLike, shares: Sequence[float], *, alpha: float = 0.05, limits: Limits = "log-log"
) -> list[Quantile]:
    """Times by which each of the shares has had the event; missing where fewer ever do.

    Parameters
    ----------
    event
        1 the event came, 0 censored, 2 closed without it: then the shares are those of the cumulative incidence.
    limits
        As in `kaplan_meier`; those of the cumulative incidence are log-log.

    References
    ----------
    Brookmeyer and Crowley (1982), Biometrics 38:29, for the limits.
    """
    if wrong := [p for p in shares if not 0 < p < 1]:
        raise ValueError(f"p must lie between 0 and 1, not {wrong[0]}")
    time, share, low, high = done(duration, event, alpha=alpha, limits=limits).to_numpy().T

    def first(curve: np.ndarray, p: float) -> float:
        reached = np.flatnonzero(curve >= p - 1e-12)
        return float(time[reached[0]]) if len(reached) else np.nan

    return [Quantile(*(first(curve, p) for curve in (share, high, low))) for p in shares]


def quantile(duration: ArrayLike, event: ArrayLike, p: float = 0.5, *, alpha: float = 0.05, limits: Limits = "log-log") -> Quantile:
    """Time by which the share `p` has had the event, with its limits; see `quantiles`."""
    return quantiles(duration, event, [p], alpha=alpha, limits=limits)[0]


def median(duration: ArrayLike, event: ArrayLike, *, alpha: float = 0.05, limits: Limits = "log-log") -> Quantile:
    """Median time with its limits; see `quantiles`."""
    return quantile(duration, event, 0.5, alpha=alpha, limits=limits)


def logrank(duration: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Log-rank test that all groups have the same waiting times (unweighted, hypergeometric variance).

    A group of which nobody is at risk when an event comes has no say; with fewer than two that have one there is no test (NaN, df 0).

    Raises
    ------
    ValueError
        The series are empty while groups are given, differ in length, or hold a value that is not known.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163; Peto and Peto (1972), JRSS A 135:185. Computed by statsmodels.
    """
    codes, names = pd.factorize(np.asarray(group, dtype=object), sort=False)
    if len(names) < 2 and not (codes < 0).any():
        return LogRank(np.nan, 0, np.nan)
    days, happened = _series(duration, event)
    if len(codes) != len(days) or (codes < 0).any():
        raise ValueError("group must be known for every duration")
    # Who left before the first event compares with nobody.
    late = days >= days[happened == CAME].min(initial=np.inf)
    days, happened, codes = days[late], happened[late], codes[late]
    df = len(np.unique(codes)) - 1
    if df < 1:
        return LogRank(np.nan, 0, np.nan)
    # All at once: there is no order to compare, and statsmodels would divide by a variance of zero.
    at_once = happened.all() and days.min() == days.max()
    chi2 = 0.0 if at_once else float(survdiff(days, happened, codes)[0])
    return LogRank(chi2, df, float(chi2_law.sf(chi2, df)))


def waits(
    cases: pd.DataFrame,
    *,
    start: str,
    event: str,
    until: str,
    closed: str = "",
    by: Sequence[str] = (),
    alpha: float = 0.05,
    smallest: int = 1,
) -> pd.DataFrame:
    """Waiting time by group: one row per group of `by`; without it one row in all, also of nobody.

    Parameters
    ----------
    closed
        As in `durations`.
    smallest
        Patients below which a group's days are left missing (the median of three is one patient's), and a share that tells of fewer.

    Returns
    -------
    `patients_n`, `observed_patients_n`, `ever_share` (who have had the event by the end of follow-up, of all), `censored_share` (still
    waiting when last known), `median_days` with `median_low` and `median_high`, `p75_days`, `p90_days` (NaN when fewer than that share
    have had the event). With `smallest` also `ever_share_suppressed` and `censored_share_suppressed`: whether these are hidden.
    """
    timed = durations(cases, start=start, event=event, until=until, closed=closed).join(cases[list(by)])
    groups = timed.groupby(list(by), observed=True) if by else [((), timed)]
    rows = [
        dict(zip(by, name if isinstance(name, tuple) else (name,), strict=True)) | _wait(part, alpha, smallest)
        for name, part in groups
        if len(part)
    ]
    if not (rows or by):
        rows = [{"patients_n": 0, "observed_patients_n": 0}]
    table = pd.DataFrame(rows, columns=[*by, *WAIT, *(HIDDEN if smallest > 1 else ())])
    table.loc[table["patients_n"] < smallest, [column for column in WAIT if column not in COUNTS]] = np.nan
    return table


class Contrast(NamedTuple):
    """Waits of each group against all others, the log-rank test of all groups together, and the groups too small to be compared."""

    waits: pd.DataFrame
    test: LogRank
    left_out_n: int


def contrast(
    cases: pd.DataFrame, *, start: str, event: str, until: str, by: str, closed: str = "", least: int = 50, smallest: int = 1
) -> Contrast:
    """`waits` of each group of `by` with at least `least` patients, longest median first, and whether it differs from the others.

    Returns
    -------
    `waits` with `pvalue` (log-rank of the group against all others taken together; missing where there is nothing to compare) and
    `adjusted` (Benjamini-Hochberg over the groups tested).
    """
    timed = durations(cases, start=start, event=event, until=until, closed=closed).join(cases[by])
    sizes = timed.groupby(by, observed=True)["days"].transform("size")
    large = timed[sizes >= least]
    clock: Clock = {"start": start, "event": event, "until": until, "closed": closed}
    table = waits(cases.loc[large.index], **clock, by=[by], smallest=smallest)
    table["pvalue"] = [logrank(large["days"], large["observed"], large[by] == name).pvalue for name in table[by]]
    table["adjusted"] = np.nan
    tested = table["pvalue"].notna()
    if tested.any():
        table.loc[tested, "adjusted"] = false_discovery_control(table.loc[tested, "pvalue"])
    order = table.sort_values(["median_days", by], ascending=[False, True], ignore_index=True)
    return Contrast(order, logrank(large["days"], large["observed"], large[by]), timed[by].nunique() - len(table))


def milestones(cases: pd.DataFrame, steps: Mapping[str, Clock], *, by: str, smallest: int = 1) -> pd.DataFrame:
    """`waits` of several steps one below the other: `steps` gives `start`, `event`, `until` and `closed` of each by its name, `stage`.

    A case without the start of a step (never seen, so never due for treatment) does not count in that step.
    """
    parts = [
        waits(cases[cases[clock["start"]].notna()], **clock, by=[by], smallest=smallest).assign(stage=name) for name, clock in steps.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["stage", *table.columns.drop("stage")]]


def progress(cases: pd.DataFrame, *, start: str, event: str, until: str, by: str, closed: str = "", smallest: int = 11) -> pd.DataFrame:
    """Days by which each further part of a group has had the event (its curve read sideways).

    The parts are steps of 5, 10 or 25 %, the finest of which holds at least `smallest` patients: day by day, a group's share times its
    size would give single patients away. Groups too small for steps of 25 %, or of whom fewer have had the event, are left out.

    Returns
    -------
    Columns `by`, `days`, `done_share`; the steps that the curve reaches, from day 0.
    """
    timed = durations(cases, start=start, event=event, until=until, closed=closed).join(cases[by])
    rows = []
    for name, part in timed.groupby(by, observed=True):
        step = next((size for size in (0.05, 0.10, 0.25) if len(part) * size >= smallest), None)
        if step is None:
            continue
        shares = np.arange(step, 0.999, step).tolist()
        days = [reached.estimate for reached in quantiles(part["days"], part["status"], shares)]
        reached = [(name, day, share) for day, share in zip(days, shares, strict=True) if not np.isnan(day)]
        rows += [(name, 0.0, 0.0), *reached] if reached else []
    # Several steps that fall on one day are one rise of the curve.
    return pd.DataFrame(rows, columns=[by, "days", "done_share"]).drop_duplicates([by, "days"], keep="last", ignore_index=True)


def _wait(timed: pd.DataFrame, alpha: float, smallest: int) -> dict[str, float]:
    middle, *late = quantiles(timed["days"], timed["status"], (0.5, 0.75, 0.90), alpha=alpha)
    size, seen, still = len(timed), int(timed["observed"].sum()), int((timed["status"] == OPEN).sum())
    ever = done(timed["days"], timed["status"])["done_share"].to_numpy().max(initial=0.0)
    # A share of the patients tells how many they are.
    telling = [size < smallest or 0 < seen < smallest or 0 < size - seen < smallest, size < smallest or 0 < still < smallest]
    shares = [np.nan if hidden else share for hidden, share in zip(telling, (ever, still / size), strict=True)]
    return dict(zip((*WAIT, *HIDDEN), (size, seen, *shares, *middle, *(each.estimate for each in late), *telling), strict=True))
