"""Grants: what was asked, won, spent and is due.

Definitions
-----------
*Success rate* divides awarded by decided applications; pending ones are in neither. *Burn* compares the share of the
award spent with the share of the grant period gone. *Indirect recovery* divides indirect cost received by the direct
cost spent, and is set against the institution's negotiated rate. A report is *due* when it has not been sent and its
date falls within the window, *overdue* when the date has passed.

Known bias: success rates of a few dozen applications are wide; the interval is shown.
"""

import numpy as np
import pandas as pd

from catchment.stats.rates import wilson

SHOWN = ("grant_id", "awarded_usd", "spent_usd", "spent_share", "period_share", "end_date", "pace")
DUE = ("grant_id", "report", "due_date", "due_in_days", "state")


def success(grants: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """Applications and awards: `submitted_n`, `decided_n`, `awarded_n`, `share` (Wilson `share_low`, `share_high`), `requested_usd`
    and `awarded_usd` of decided ones, `dollar_share`.

    `grants` has `status` (pending, awarded, declined), `requested_usd`, `awarded_usd`.
    """
    decided, won = grants["status"].isin(["awarded", "declined"]), grants["status"] == "awarded"
    marks = pd.DataFrame(
        {
            "submitted_n": 1,
            "decided_n": decided.astype("int64"),
            "awarded_n": won.astype("int64"),
            "requested_usd": grants["requested_usd"].where(decided, 0.0),
            "awarded_usd": grants["awarded_usd"].where(won, 0.0),
        }
    )
    frame = marks.groupby(grants[by]).sum().reset_index() if by else marks.sum().to_frame().T
    frame = frame.astype(dict.fromkeys(("submitted_n", "decided_n", "awarded_n"), "int64"))
    frame["share"] = frame["awarded_n"] / frame["decided_n"].where(frame["decided_n"] > 0)
    frame["share_low"], frame["share_high"] = wilson(frame["awarded_n"], frame["decided_n"])
    return frame.assign(dollar_share=frame["awarded_usd"] / frame["requested_usd"].where(frame["requested_usd"] > 0))


def burn(grants: pd.DataFrame, *, as_of: str | pd.Timestamp, tolerance: float = 0.1) -> pd.DataFrame:
    """Active awards: `spent_share` against `period_share` gone, and `pace` (on pace, underspent, overspent beyond `tolerance`).

    Parameters
    ----------
    grants : `status`, `awarded_usd`, `start_date`, `end_date`, `spent_usd` to date.
    """
    as_of = pd.Timestamp(as_of)
    start, end = pd.to_datetime(grants["start_date"]), pd.to_datetime(grants["end_date"])
    frame = grants[(grants["status"] == "awarded") & (start <= as_of) & (end >= as_of)].copy()
    start, end = start[frame.index], end[frame.index]
    frame["spent_share"] = frame["spent_usd"] / frame["awarded_usd"]
    frame["period_share"] = (as_of - start).dt.days / (end - start).dt.days
    gap = frame["spent_share"] - frame["period_share"]
    frame["pace"] = np.select([gap > tolerance, gap < -tolerance], ["overspent", "underspent"], "on pace")
    return frame.sort_values("end_date", ignore_index=True)


def reports_due(reports: pd.DataFrame, *, as_of: str | pd.Timestamp, days: int = 90) -> pd.DataFrame:
    """Reports to funders not yet sent and overdue or due within `days`: the rows plus `due_in_days` and `state`, soonest first."""
    frame = reports.assign(due_in_days=(pd.to_datetime(reports["due_date"]) - pd.Timestamp(as_of)).dt.days)
    frame = frame[frame["sent_date"].isna() & (frame["due_in_days"] <= days)]
    return frame.assign(state=np.where(frame["due_in_days"] < 0, "overdue", "due")).sort_values("due_in_days", ignore_index=True)


def indirect_recovery(grants: pd.DataFrame, *, negotiated_share: float) -> dict[str, float]:
    """Indirect cost recovered on awards: `direct_usd` spent, `indirect_usd` received, `share` = indirect/direct, and
    `forgone_usd` against the negotiated rate (never negative)."""
    won = grants[grants["status"] == "awarded"]
    direct, indirect = float(won["spent_usd"].sum()), float(won["indirect_usd"].sum())
    return {
        "direct_usd": direct,
        "indirect_usd": indirect,
        "share": indirect / direct if direct else float("nan"),
        "forgone_usd": max(0.0, direct * negotiated_share - indirect),
    }
