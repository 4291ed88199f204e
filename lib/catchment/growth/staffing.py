"""Can the plan be staffed and housed: what its volumes ask of machines, chairs and people, year by year.

Definitions and known bias as in `capacity`; what an initiative adds counts from its start.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import capacity
from .initiatives import MONTHS, Plan, added, per_unit
from .scenarios import Outcome, begun, evaluate

if TYPE_CHECKING:
    from catchment.params.growth import Growth


def with_plan(settings: "Growth", plan: Plan, row: pd.DataFrame, go: np.ndarray | None = None) -> pd.DataFrame:
    """What a year's volumes ask of each resource once the initiatives run, see `capacity.need`; what they add counts from its start.

    Parameters
    ----------
    go
        Which initiatives go ahead; none at all (zeros) gives the need if nothing changes.
    """
    ahead = np.ones(len(plan.names), dtype=bool) if go is None else np.asarray(go, dtype=bool)
    outcome = evaluate(plan, row, ahead)
    volumes = (
        pd.DataFrame(outcome.volume[0], columns=plan.measures, index=plan.years)
        .rename_axis("year")
        .reset_index()
        .melt("year", var_name="measure", value_name="volume_n")
    )
    late = round(float(row["delay"].iloc[0])) if "delay" in row else 0
    running = begun(plan, late) * ahead[:, None]
    share = running.reshape(len(plan.names), len(plan.years), MONTHS).mean(axis=2)
    more = share.T @ added(settings).to_numpy()
    units = per_unit(settings)
    resources = pd.concat(
        [
            pd.DataFrame(
                {
                    "year": plan.years,
                    "resource": name,
                    "title": item.title,
                    "measure": item.measure,
                    "per_unit_n": units[name],
                    "utilization": item.utilization_share.value,
                    "available": item.available + more[:, place],
                }
            )
            for place, (name, item) in enumerate(settings.resources.items())
        ]
    )
    return capacity.need(volumes, resources)


def chair_waits(settings: "Growth", needed: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean waits for a free infusion chair by year, of each case: ``line, year, available, utilization_share, wait_share, wait_min``.

    No row when infusion visits aren't known.

    Parameters
    ----------
    needed
        What the volumes ask of each resource by the case's name, see `with_plan`; the rest as for `capacity.waits`.
    """
    chair = settings.chair
    queue = {
        "hours_per_visit": chair.hours_per_visit.value,
        "hours_per_year": chair.hours_per_day.value * chair.days_per_year.value,
        "arrival_cv": chair.arrival_cv.value,
        "service_cv": chair.service_cv.value,
    }
    known = {line: need for line, need in needed.items() if need["resource"].eq("chair").any()}
    lines = [capacity.waits(need, resource="chair", **queue).assign(line=line) for line, need in known.items()]
    columns = ["line", "year", "available", "utilization_share", "wait_share", "wait_min"]
    table = pd.concat(lines, ignore_index=True) if lines else pd.DataFrame(columns=columns)
    return table[columns].round({"available": 1, "wait_min": 1})


def breach(settings: "Growth", plan: Plan, outcome: Outcome) -> pd.DataFrame:
    """Chance that machines and chairs pass their planning limit, by year: ``year, resource, title, breach_share, over_share`` (100 %)."""
    rows = []
    for name in ("linac", "chair"):
        item = settings.resources[name]
        if item.available > 0 and item.most_share is not None and item.measure in plan.measures:
            place = plan.measures.index(item.measure)
            used = outcome.volume[:, :, place] / outcome.limit[:, :, place] * item.most_share.value
            rows.append(
                pd.DataFrame(
                    {
                        "year": plan.years,
                        "resource": name,
                        "title": item.title,
                        "breach_share": (used > item.utilization_share.value).mean(axis=0),
                        "over_share": (used > 1).mean(axis=0),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["year", "resource", "title", "breach_share", "over_share"])
