"""Ready for the accreditation visit: every standard by itself, never an average.

Definitions used
----------------
Status
    *Met*, *At risk*, *Not met*, *Not applicable* or *Unknown*. Where a standard has a number, the number decides, whatever was
    reported: below the threshold is Not met, within the margin above it At risk. Evidence from another compliance year is Unknown.
Rate with its interval
    The rule of the quality measures (7.1): a rate below what is expected still complies while the upper end of its 95 % interval
    (Wilson) reaches it, for few patients prove little. Such a standard is At risk, not Not met.
Gate
    One Not met blocks. Without one, an Unknown means that readiness cannot be said. Without either, an At risk makes it conditional. Only
    then: ready. Twenty standards that are met do not offset one that is not.
Accrual
    Enrolled patients over analytic cases of the year, against the share that the program's category asks for.

Known bias: thresholds of lower confidence are placeholders until the program's administrator has read the licensed manual.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from catchment.stats import rates

STATUSES = ("Met", "At risk", "Not met", "Not applicable", "Unknown")
OPEN = ("Not met", "Unknown", "At risk")


class Gate(NamedTuple):
    """The verdict on readiness and the standards that decide it."""

    verdict: str
    """"ready", "conditional", "unknown" or "blocked"."""
    standards: tuple[str, ...]
    """Numbers of the standards that decide."""


def status(measured: pd.Series, threshold: pd.Series, reported: pd.Series, *, margin: float) -> pd.Series:
    """Status of each standard: by its number where it has one, else as reported.

    Parameters
    ----------
    measured, threshold
        Same unit; higher is better. Missing where the standard has no number, or none was measured.
    reported
        What the owner reported, one of `STATUSES`.
    margin
        Above the threshold by less than this share of it: At risk.
    """
    wrong = sorted(set(reported.dropna()) - set(STATUSES))
    if wrong:
        raise ValueError(f"a status is one of {', '.join(STATUSES)}; found {wrong[0]!r}")
    out = reported.fillna("Unknown")
    numbered = threshold.notna() & (out != "Not applicable")
    by_number = pd.Series(
        np.select([measured.isna(), measured < threshold, measured < threshold * (1 + margin)], ["Unknown", "Not met", "At risk"], "Met"),
        index=out.index,
    )
    # A number can lower what was reported, or confirm it; it cannot lift a shortfall of another kind.
    worse = by_number.map(_severity) > out.map(_severity)
    return out.mask(numbered & worse, by_number)


def _severity(name: str) -> int:
    return {"Not applicable": 0, "Met": 1, "At risk": 2, "Unknown": 3, "Not met": 4}[name]


def assess(
    standards: pd.DataFrame,
    evidence: pd.DataFrame,
    *,
    year: int,
    margin: float,
    thresholds: Mapping[str, float] | None = None,
    measured: Mapping[str, float] | None = None,
    by_interval: Collection[str] = (),
) -> pd.DataFrame:
    """Every active standard with its status for one compliance year.

    Parameters
    ----------
    standards
        Grain: one row per standard: `standard`, `title`, `threshold_share` (missing where it has no number), `confidence`.
    evidence
        Grain: at most one row per standard and year: `standard`, `year`, `reported`, `measured_share`, `evidence`, `owner`, `due`, and
        `measured_n` (patients behind the share) where a standard is judged by its interval.
    thresholds, measured
        Thresholds and measured shares that replace those of the tables, by standard: the accrual asked of the program's category, and the
        accrual counted elsewhere.
    by_interval
        Standards that comply while the interval of their rate reaches the threshold, see `complies`.

    Returns
    -------
    The standards in order with `status`, `measured_share`, `evidence`, `owner`, `due`, `contradicted` (reported as met, but the number says
    otherwise). A standard without evidence of that year is Unknown.

    Raises
    ------
    ValueError
        Evidence names a standard that is not active, or names one twice in the year.
    """
    now = evidence[evidence["year"] == year]
    strange = sorted(set(evidence["standard"]) - set(standards["standard"]))
    if strange:
        raise ValueError(f"evidence names standard {strange[0]}, which is not among the {len(standards)} active ones")
    if now["standard"].duplicated().any():
        raise ValueError(f"standard {now.loc[now['standard'].duplicated(), 'standard'].iloc[0]} has two rows of evidence in {year}")
    out = standards.merge(now.drop(columns="year"), on="standard", how="left", validate="1:1")
    for column, values in (("threshold_share", thresholds), ("measured_share", measured)):
        out[column] = out["standard"].map(dict(values or {})).astype("float64").fillna(out[column].astype("float64"))
    out["status"] = status(out["measured_share"], out["threshold_share"], out["reported"], margin=margin)
    near = out["standard"].isin(list(by_interval)) & (out["status"] == "Not met") & (out["reported"] != "Not met")
    if near.any():
        shown = out.loc[near]
        out.loc[near, "status"] = np.where(
            complies(shown["measured_share"] * shown["measured_n"], shown["measured_n"], shown["threshold_share"]), "At risk", "Not met"
        )
    out["contradicted"] = (out["reported"] == "Met") & ~out["status"].isin(["Met"])
    out["evidence"] = out["evidence"].fillna(f"no evidence for {year}")
    return out


def complies(count: ArrayLike, nobs: ArrayLike, expected: ArrayLike, *, interval: bool = True, alpha: float = 0.05) -> np.ndarray:
    """Whether a quality measure complies: its rate, or the upper end of its interval, reaches the expected performance rate.

    Parameters
    ----------
    count, nobs
        Patients treated as the measure asks, and patients eligible.
    expected
        Expected performance rate (share).
    interval
        False asks the rate itself to reach it.

    Returns
    -------
    Booleans; False where nobody was eligible, for then nothing is shown.

    References
    ----------
    Commission on Cancer, quality measures: compliant at or above the expected performance rate, or when the upper 95 % limit
    crosses it. Wilson (1927).
    """
    shares = rates.quotient(count, nobs)
    reached = rates.wilson(np.rint(np.asarray(count, dtype=float)), nobs, alpha=alpha).high if interval else shares
    return np.asarray(np.asarray(reached, dtype=float) >= np.asarray(expected, dtype=float))


def gate(assessed: pd.DataFrame) -> Gate:
    """Readiness by gate: blocked, unknown, conditional, ready; with the standards that decide it."""
    for name, verdict in (("Not met", "blocked"), ("Unknown", "unknown"), ("At risk", "conditional")):
        deciding = assessed.loc[assessed["status"] == name, "standard"]
        if len(deciding):
            return Gate(verdict, tuple(deciding))
    return Gate("ready", ())


def by_chapter(assessed: pd.DataFrame) -> pd.DataFrame:
    """Standards by chapter and status, zero included: `chapter`, `status`, `standards_n`."""
    counts = assessed.groupby(["chapter", "status"], sort=False).size().unstack(fill_value=0).reindex(columns=list(STATUSES), fill_value=0)
    return counts.rename_axis(columns="status").stack().rename("standards_n").reset_index()


def calendar(assessed: pd.DataFrame, *, as_of: pd.Timestamp, visit: pd.Timestamp) -> pd.DataFrame:
    """Open work up to the site visit, by due date: `days_left` to it and whether it falls `late` (overdue, or after the visit)."""
    open_ = assessed[assessed["status"].isin(OPEN)].copy()
    open_["due"] = pd.to_datetime(open_["due"])
    open_["days_left"] = (open_["due"] - as_of).dt.days
    late = np.select(
        [open_["due"].isna(), open_["due"] < as_of, open_["due"] > visit], ["no date", "overdue", "after the visit"], "in time"
    )
    return open_.assign(timing=late).sort_values(["due", "standard"], na_position="first")


def accrual(enrolled: float, cases: float, required: Mapping[str, float], *, category: str, below: int) -> pd.DataFrame:
    """Research accrual against what each program category asks for.

    Parameters
    ----------
    enrolled, cases
        Patients enrolled and analytic cases of the year.
    required
        Share of cases by program category.
    below
        With 1 to `below` - 1 enrolled, our share, the patients asked for and the standing in other categories are hidden.

    Returns
    -------
    Grain: one row per category, ours first: `category`, `required_share`, `our_share`, `needed_n` (enrolled patients that the share
    asks for), `standing` (met, short, not shown, or not measured where either count is missing or there were no cases).
    """
    order = [category, *(name for name in required if name != category)]
    shares = pd.Series([required[name] for name in order])
    ours = float(rates.quotient(enrolled, cases))
    hidden = 0 < enrolled < below
    out = pd.DataFrame({"category": order, "required_share": shares, "our_share": ours, "our_share_suppressed": hidden,
                        "needed_n": np.ceil((shares * cases).round(6)), "standing": np.where(ours >= shares, "met", "short")})  # fmt: skip
    if np.isnan(ours):
        return out.assign(standing="not measured")
    if hidden:
        # Ten thresholds, each passed or not, would narrow the count down.
        out[["our_share", "needed_n"]] = np.nan
        out.loc[1:, "standing"] = "not shown"
    return out
