"""Can the program staff and house its volumes: machines, chairs, people, and how long patients wait.

Definitions used
----------------
Need
    What a year's volume asks for at the planned utilization (80-85 %: above that waits rise steeply).
Utilization
    Volume over what the available resource could do at 100 %. The *planning limit* is the planned utilization, the *hard limit* 100 %.
Year hit
    The first year in which the need exceeds what is available, so utilization passes the planning limit.

Known bias: yearly volumes hide peaks inside the year, days of the week and hours of the day. Erlang-C supposes random (Poisson) arrivals,
exponential service and an endless queue; booked visits arrive more evenly and wait less, so its waits are an upper guide. The Allen-Cunneen
factor corrects for measured variability.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"capacity: expected {name} above 0, found {value}")


def _share(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value <= 1:
            raise ValueError(f"capacity: expected {name} as a share above 0 and up to 1, found {value}")


def _volume(values: ArrayLike) -> np.ndarray:
    volumes = np.asarray(values, dtype=float)
    if (volumes < 0).any():
        raise ValueError(f"capacity: expected volumes of 0 or more, found {volumes.min()}")
    return volumes


def linac_fractions(*, slots_per_hour: float, hours_per_day: float, days_per_year: float, uptime: float = 1.0) -> float:
    """Fractions that one linear accelerator can give in a year at 100 % of its slots."""
    _positive(slots_per_hour=slots_per_hour, hours_per_day=hours_per_day, days_per_year=days_per_year)
    _share(uptime=uptime)
    return slots_per_hour * hours_per_day * days_per_year * uptime


def linacs(fractions: ArrayLike, *, fractions_per_linac: float, utilization: float, retreatment: float = 0.0) -> np.ndarray | float:
    """Linear accelerators needed for a year's fractions.

    Parameters
    ----------
    fractions
        Fractions a year. When they're planned from first courses only, ``retreatment`` (a share) adds the repeat courses.
    fractions_per_linac
        At 100 % of slots, see `linac_fractions`.
    utilization
        Planned share of the slots in use.
    """
    _positive(fractions_per_linac=fractions_per_linac)
    _share(utilization=utilization)
    return _volume(fractions) * (1 + retreatment) / (fractions_per_linac * utilization)


def chairs(
    visits: ArrayLike, *, hours_per_visit: float, hours_per_day: float, days_per_year: float, utilization: float
) -> np.ndarray | float:
    """Infusion chairs needed for a year's visits."""
    _positive(hours_per_visit=hours_per_visit, hours_per_day=hours_per_day, days_per_year=days_per_year)
    _share(utilization=utilization)
    return _volume(visits) * hours_per_visit / (hours_per_day * days_per_year * utilization)


def fte(cases: ArrayLike, *, cases_per_fte: float) -> np.ndarray | float:
    """Full-time equivalents needed for a year's cases (patients, abstracts)."""
    _positive(cases_per_fte=cases_per_fte)
    return _volume(cases) / cases_per_fte


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival must wait in an M/M/c queue.

    Parameters
    ----------
    servers
        Number of parallel servers c (chairs, machines).
    load
        Offered load in erlangs: arrivals per hour times hours of service each.

    Returns
    -------
    A probability; 1 when the load reaches the number of servers (the queue never settles).

    References
    ----------
    Erlang 1917; Gross et al., Fundamentals of Queueing Theory, section 2.3. Computed with logarithms, so hundreds of servers don't
    overflow.
    """
    if servers < 1 or servers != int(servers) or not load >= 0:
        raise ValueError(f"queue: expected at least one server (a whole number) and a load of 0 or more, found {servers} and {load}")
    if load >= servers:
        return 1.0
    if load == 0:
        return 0.0
    waiting = servers * np.log(load) - gammaln(servers + 1) + np.log(servers / (servers - load))
    served = np.arange(servers) * np.log(load) - gammaln(np.arange(servers) + 1)
    return float(np.exp(waiting - logsumexp(np.append(served, waiting))))


def wait(servers: int, arrivals: float, service: float, *, arrival_cv: float = 1.0, service_cv: float = 1.0) -> float:
    """Mean wait before service, in the time unit of ``service``; infinite when the load reaches the number of servers.

    Parameters
    ----------
    arrivals
        Arrivals per unit of time.
    service
        Mean time of service.
    arrival_cv, service_cv
        Coefficients of variation; 1 and 1 give Erlang-C exactly, other values the Allen-Cunneen approximation.

    References
    ----------
    Allen, Probability, Statistics and Queueing Theory (1990), formula for G/G/c.
    """
    load = arrivals * service
    chance = erlang_c(servers, load)
    if load >= servers:
        return float("inf")
    return chance * service / (servers - load) * (arrival_cv**2 + service_cv**2) / 2


def need(volumes: pd.DataFrame, resources: pd.DataFrame) -> pd.DataFrame:
    """What each year's volumes ask of each resource, against what there is.

    Parameters
    ----------
    volumes
        One row per year and measure: ``year, measure, volume_n``.
    resources
        One row per resource: ``resource, title, measure, per_unit_n`` (volume that one unit can do in a year at 100 %), ``utilization``
        (planned share of that), ``available`` (units; or one row per ``year`` when capacity is added later).

    Returns
    -------
    One row per year and resource: ``year, resource, title, measure, volume_n, need, available, utilization_share, limit_share, hit, over``
    (``hit``: past the planning limit; ``over``: past 100 %). A resource with none available and no volume isn't hit.
    """
    keys = ["measure", "year"] if "year" in resources else ["measure"]
    joined = volumes.merge(resources, on=keys, how="inner", validate="m:m")
    most = joined["per_unit_n"] * joined["available"]
    used = np.divide(joined["volume_n"], most, out=np.where(joined["volume_n"] > 0, np.inf, 0.0), where=most > 0)
    return joined.assign(
        need=joined["volume_n"] / (joined["per_unit_n"] * joined["utilization"]),
        utilization_share=used,
        limit_share=joined["utilization"],
        hit=used > joined["utilization"],
        over=used > 1,
    ).sort_values(["resource", "year"], ignore_index=True)[
        ["year", "resource", "title", "measure", "volume_n", "need", "available", "utilization_share", "limit_share", "hit", "over"]
    ]


def limits(needed: pd.DataFrame) -> pd.DataFrame:
    """The year in which each resource passes its planning limit and 100 %, one row per resource.

    Returns
    -------
    ``resource, title, utilization_share`` of the first year, ``need_last`` and ``available_last``, ``year_hit`` and ``year_over``
    (missing: not within the years given).
    """
    ordered = needed.sort_values("year")
    groups = ordered.groupby("resource", sort=False)
    first = groups.first()
    return (
        pd.DataFrame(
            {
                "title": first["title"],
                "utilization_share": first["utilization_share"],
                "limit_share": first["limit_share"],
                "need_last": groups["need"].last(),
                "available_last": groups["available"].last(),
                "year_hit": ordered[ordered["hit"]].groupby("resource")["year"].min().astype("Int64"),
                "year_over": ordered[ordered["over"]].groupby("resource")["year"].min().astype("Int64"),
            }
        )
        .reindex(first.index)
        .reset_index()
    )


def waits(
    needed: pd.DataFrame, *, resource: str, hours_per_visit: float, hours_per_year: float, arrival_cv: float, service_cv: float = 1.0
) -> pd.DataFrame:
    """Mean wait for a free unit of one resource by year, minutes; missing where the load reaches the units and the queue never settles.

    Returns
    -------
    One row per year with a unit: ``year, available, utilization_share, wait_share`` (probability of waiting) and ``wait_min``.
    """
    if resource not in set(needed["resource"]):
        raise ValueError(f"waits: expected a resource among {', '.join(needed['resource'].unique())}, found {resource!r}")
    rows = needed.loc[needed["resource"].eq(resource) & needed["available"].ge(1), ["year", "volume_n", "available", "utilization_share"]]
    units, arrivals = rows["available"].astype(int).tolist(), (rows["volume_n"] / hours_per_year).tolist()
    pairs = list(zip(units, arrivals, strict=True))
    minutes = [60 * wait(unit, rate, hours_per_visit, arrival_cv=arrival_cv, service_cv=service_cv) for unit, rate in pairs]
    return (
        rows.drop(columns="volume_n")
        .assign(
            wait_share=[erlang_c(unit, rate * hours_per_visit) for unit, rate in pairs],
            wait_min=pd.Series(minutes, index=rows.index, dtype=float).replace(np.inf, np.nan),
        )
        .reset_index(drop=True)
    )
