"""What is to be done, in which order, and what will be late: gaps, phases, milestones, the critical path.

Definitions used
----------------
Gap
    A shortfall with its evidence. Gaps rank by gate first (one that blocks), then by size (0 to 1, how far from the goal).
Phase
    assess, plan, pilot, scale, sustain: the phase of the initiative that works on the gap; assess where there is none.
Slippage
    Days from the planned to the finished or expected end of a milestone; negative is early.
Critical path
    Milestones without slack: a day's delay of one delays the end. By the forward and backward pass over durations in days.

Known bias: durations are taken as certain; several paths of nearly equal length make a delay likelier than the critical one alone says.
"""

import numpy as np
import pandas as pd

from . import budget
from .readiness import OPEN

PHASES = ("assess", "plan", "pilot", "scale", "sustain")
CLOSED = ("done", "done late")
LATE = ("overdue", "slipping")


def slippage(milestones: pd.DataFrame, *, as_of: pd.Timestamp, tolerance_days: float) -> pd.DataFrame:
    """Milestones with the days they slipped and where they stand.

    Parameters
    ----------
    milestones
        Grain: one row per milestone: `planned` and `expected` end (dates), `finished` (missing while open).
    tolerance_days
        Slippage up to this still counts as on time.

    Returns
    -------
    The milestones with `slip_days` and `standing`: done, done late, on time, slipping or overdue.
    """
    out = milestones.copy()
    planned, expected, finished = (pd.to_datetime(out[column]) for column in ("planned", "expected", "finished"))
    out["slip_days"] = (finished.fillna(expected) - planned).dt.days
    late = out["slip_days"] > tolerance_days
    overdue = finished.isna() & (planned < as_of)
    out["standing"] = np.select(
        [finished.notna() & late, finished.notna(), overdue, late], ["done late", "done", "overdue", "slipping"], "on time"
    )
    return out


def remaining(milestones: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Open milestones as tasks for `critical_path`, in days from `as_of`.

    A milestone's duration is what it adds after those it waits for, by the expected ends; finished ones drop out of `after`.
    """
    open_ = milestones[milestones["finished"].isna()].copy()
    names = set(open_["task"])
    open_["after"] = [" ".join(one for one in str(after).split() if one in names) if pd.notna(after) else "" for after in open_["after"]]
    end = ((pd.to_datetime(open_["expected"]) - as_of).dt.days.clip(lower=1)).set_axis(open_["task"])
    begin = [max((end[one] for one in after.split()), default=0) for after in open_["after"]]
    return open_.assign(duration=[max(end[task] - start, 1) for task, start in zip(open_["task"], begin, strict=True)])


def critical_path(tasks: pd.DataFrame) -> pd.DataFrame:
    """Earliest and latest times and slack of each task (critical path method).

    Parameters
    ----------
    tasks
        Grain: one row per task: `task`, `duration` (any unit of time), `after` (tasks it waits for, separated by blanks or commas;
        empty for none) and, where a task may not start before a time, `not_before`.

    Returns
    -------
    The tasks in their order with `early_start`, `early_finish`, `late_start`, `late_finish`, `slack`, `critical`.

    Raises
    ------
    ValueError
        A task waits for one that is not listed, or tasks wait for each other in a circle.

    References
    ----------
    Hillier and Lieberman, Introduction to Operations Research, project management with PERT/CPM.
    """
    duration = dict(zip(tasks["task"], tasks["duration"].astype(float), strict=True))
    before = {
        task: str(after).replace(",", " ").split() if pd.notna(after) else []
        for task, after in zip(tasks["task"], tasks["after"], strict=True)
    }
    earliest = dict(zip(tasks["task"], tasks.get("not_before", pd.Series(0.0, index=tasks.index)).astype(float), strict=True))
    order = _ordered(before)
    early: dict[str, float] = {}
    for task in order:
        early[task] = max([earliest[task], *(early[one] + duration[one] for one in before[task])])
    end = max((early[task] + duration[task] for task in order), default=0.0)
    late: dict[str, float] = {}
    for task in reversed(order):
        late[task] = min((late[one] for one in order if task in before[one]), default=end) - duration[task]
    out = tasks.assign(early_start=tasks["task"].map(early), late_start=tasks["task"].map(late))
    out = out.assign(early_finish=out["early_start"] + out["duration"], late_finish=out["late_start"] + out["duration"])
    out["slack"] = out["late_start"] - out["early_start"]
    return out.assign(critical=np.isclose(out["slack"], 0))


def _ordered(before: dict[str, list[str]]) -> list[str]:
    """Tasks in an order that respects what each waits for."""
    unknown = sorted({one for waits in before.values() for one in waits} - set(before))
    if unknown:
        raise ValueError(f"a task waits for {unknown[0]!r}, which is not listed")
    order: list[str] = []
    while len(order) < len(before):
        free = [task for task, waits in before.items() if task not in order and all(one in order for one in waits)]
        if not free:
            raise ValueError(f"these tasks wait for each other: {', '.join(task for task in before if task not in order)}")
        order += free
    return order


def gaps(board: pd.DataFrame, assessed: pd.DataFrame, reached: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Every shortfall that the scorecard shows, with its evidence.

    Parameters
    ----------
    board
        `indicators.table`: indicators of concern, or that will miss their target, are gaps.
    assessed
        `readiness.assess`: standards that are Not met, Unknown or At risk are gaps; the first two close the gate.
    reached
        `indicators.reach`: services below peers are gaps.
    lines
        `budget.by_line`: material unfavorable variances are gaps, one per kind of variance.

    Returns
    -------
    Grain: one row per gap: `area`, `gap`, `evidence` (words), `gate`, `size` (0-1), `key` (indicator, standard, service or budget line).
    """
    short = board[(board["variation"] == "concern") | (board["assurance"] == "fail")]
    words = np.where(short["variation"] == "concern", short["variation_words"], short["assurance_words"])
    away = ((short["now"] - short["target"]).abs() / short["target"]).clip(0, 1).fillna(0.5)
    indicators = pd.DataFrame(
        {"area": short["domain"], "gap": short["title"], "evidence": words, "gate": False, "size": away, "key": short["kpi"]}
    )
    open_ = assessed[assessed["status"].isin(OPEN)]
    standards = pd.DataFrame({"area": "Accreditation", "gap": open_["standard"] + " " + open_["title"],
                              "evidence": open_["status"] + ": " + open_["evidence"], "gate": open_["status"].isin(["Not met", "Unknown"]),
                              "size": open_["status"].map({"Not met": 1.0, "Unknown": 0.6, "At risk": 0.4}),
                              "key": open_["standard"]})  # fmt: skip
    few = reached[reached["standing"] == "below peers"]
    services = pd.DataFrame({"area": "Service access", "gap": few["service"] + ", " + few["site"],
                             "evidence": "reach below the peer median, beyond chance", "gate": False,
                             "size": (few["gap_points"] / few["peer_median_share"]).clip(0, 1), "key": few["service"]})  # fmt: skip
    return pd.concat([part for part in (indicators, standards, services, _overruns(lines)) if len(part)], ignore_index=True)


def _overruns(lines: pd.DataFrame) -> pd.DataFrame:
    """Material unfavorable lines, together where the same kind of variance drives them, named after the largest."""
    over = lines[lines["material"] & (lines["total_favor"] == "U")]
    rows = []
    for name, part in over.groupby(budget.drivers(over)):
        first = part.loc[part["total_usd"].abs().idxmax()]
        others = part["line"][part["line"] != first["line"]].str.lower()
        also = f", with {', '.join(others)}" if len(others) else ""
        rows.append({"area": "Budget", "gap": f"{first['line']}: {name}", "gate": False,
                     "evidence": f"material and unfavorable, mostly by {name}{also}",
                     "size": min(1.0, float(part["total_share"].abs().max()) / 0.25), "key": "; ".join(part["line"])})  # fmt: skip
    return pd.DataFrame(rows)


def rank(gaps: pd.DataFrame, initiatives: pd.DataFrame) -> pd.DataFrame:
    """Gaps in order of priority with the phase of the initiative that works on each.

    Parameters
    ----------
    gaps
        Grain: one row per gap: `area`, `gap`, `evidence`, `gate` (blocks something), `size` (0 to 1), `key`.
    initiatives
        Grain: one row per initiative or more: `initiative`, `phase`, `addresses` (keys of the gaps that it works on, separated by
        semicolons).

    Returns
    -------
    The gaps with `priority` (1 is first), `initiative` (missing where nobody works on it) and `phase`.
    """
    works = (
        initiatives.drop_duplicates("initiative")[["initiative", "phase", "addresses"]]
        .assign(key=lambda i: i["addresses"].str.split("; "))
        .explode("key")
    )
    by_key = works.drop_duplicates("key").set_index("key")
    answered = [next((key for key in keys.split("; ") if key in by_key.index), None) for keys in gaps["key"]]
    out = gaps.assign(
        initiative=[by_key.at[key, "initiative"] if key else np.nan for key in answered],
        phase=[by_key.at[key, "phase"] if key else PHASES[0] for key in answered],
    )
    out = out.sort_values(["gate", "size", "area", "gap"], ascending=[False, False, True, True], ignore_index=True)
    return out.assign(priority=np.arange(1, len(out) + 1))
