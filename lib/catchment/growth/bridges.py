"""What drives a volume's change: population, aging, rates, the place of care, share and use, initiatives.

Definitions used
----------------
Bridge
    Change of a volume split over multiplied factors by the logarithmic mean Divisia index (Ang 2005): exact, and independent of the
    order of the factors.

Known bias: what the factors leave unexplained is put down to share and use, errors of the projection included.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from catchment import words
from catchment.stats import demand

from . import initiatives, scenarios

if TYPE_CHECKING:
    from catchment.params.demand import Demand
    from catchment.params.growth import Growth, Measure


def bridge(
    before: float,
    factors: Mapping[str, float],
    *,
    after: float | None = None,
    rest: str = "share and use",
    additions: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """A volume's change split over its drivers; the steps add exactly to the end.

    Parameters
    ----------
    before
        Volume at the start, positive.
    factors
        What each driver multiplies the volume by.
    after
        Volume forecast at the end without additions; what the factors leave unexplained becomes the driver ``rest``.
    additions
        Volume that's added on top, such as initiatives.

    Returns
    -------
    ``driver, value, kind`` (start, step, end) in order.

    References
    ----------
    Ang, "The LMDI approach to decomposition analysis", Energy Policy 33 (2005).
    """
    if before <= 0 or min(factors.values(), default=1) <= 0 or (after is not None and after <= 0):
        raise ValueError("bridge: expected positive volumes and factors")
    known = float(np.prod(list(factors.values()))) if factors else 1.0
    parts = dict(factors) | ({} if after is None else {rest: after / before / known})
    end = before * known if after is None else after
    mean = before if np.isclose(end, before, rtol=1e-12, atol=0) else (end - before) / np.log(end / before)
    steps = {name: mean * np.log(factor) for name, factor in parts.items()} | dict(additions or {})
    table = [("start", before, "start"), *[(name, float(value), "step") for name, value in steps.items()]]
    return pd.DataFrame([*table, ("end", before + sum(steps.values()), "end")], columns=["driver", "value", "kind"])


def volume_bridge(
    settings: "Growth",
    plan: initiatives.Plan,
    row: pd.DataFrame,
    measure: "Measure",
    recent: Mapping[str, float],
    factors: Mapping[str, float],
    *,
    now: int,
) -> pd.DataFrame:
    """`bridge` of one measure from the last whole year to the last of the plan: demand, site of care, share and use, initiatives.

    No row when the measure isn't planned with, or what drives demand isn't known.

    Parameters
    ----------
    row
        One draw, see `scenarios.scenario_row`; it decides what the initiatives add.
    recent
        Volume of the last whole year, ``now``, by measure.
    factors
        What demand multiplies every measure by, see `demand_factors`; the settings' shift in the place of care comes on top.
    """
    if measure not in plan.measures or not factors or not recent[measure] > 0:
        return pd.DataFrame(columns=["driver", "value", "kind"]).astype({"value": float})
    place = plan.measures.index(measure)
    shift = settings.shift_share.get(measure)
    moved = {} if shift is None else {"site of care": (1 + shift.value) ** int(plan.years[-1] - now)}
    ahead, nothing = scenarios.planned(settings, plan), scenarios.chosen(plan, ())
    both = scenarios.evaluate(plan, pd.concat([row, row], ignore_index=True), np.array([ahead, nothing])).volume[:, -1, place]
    after, added = max(float(both[1]), 1e-9), float(both[0] - both[1])
    return bridge(recent[measure], dict(factors) | moved, after=after, additions={"initiatives": added})


def homes(flows: pd.DataFrame, zips: pd.DataFrame) -> pd.Series:
    """A hospital's patients by county of residence (``zip, cases_n`` and ``zip, county_fips``); ZIPs without a county are left out."""
    placed = flows.merge(zips, on="zip", how="inner", validate="many_to_one", suffixes=("", "_zip"))
    return placed.groupby("county_fips")["cases_n"].sum()


def people(
    population: pd.DataFrame, projection: pd.DataFrame, regions: pd.DataFrame, origin: pd.Series, *, years: tuple[int, int]
) -> tuple[pd.DataFrame, str]:
    """Population of the counties that patients come from, in the first and the last year, and what has to be said of it.

    Parameters
    ----------
    population, projection, regions
        See `demand.county_projection`.
    origin
        Patients by ``county_fips``, see `homes`.
    years
        First and last year; the nearest that the projection covers are taken.

    Returns
    -------
    ``county_fips, year, sex, age_low, population_n, status``, and a caveat: why there is no row, which years were taken, which counties
    are held at their latest count; empty when there is nothing to say.
    """
    counties = population.loc[population["county_fips"].isin(origin.index[origin > 0]), "county_fips"].unique()
    projected = set(regions["county_fips"]) & set(counties)
    none = population.head(0).assign(status=pd.Series(dtype="str"))
    if not len(counties):
        return none, "Not split by driver: no patient flow of this hospital is on record for the counties of its market."
    covered = projection["year"]
    first, last = (max(years[0], covered.min()), min(years[1], covered.max())) if len(projection) else (0, 0)
    if not projected or first >= last:
        return none, "Not split by driver: no population projection covers the counties that patients come from."
    found = demand.county_projection(population, projection, regions, years=[first, last])
    said = [f"Population changes are those of {first} to {last}, which the projection covers."] if (first, last) != years else []
    held = len(counties) - len(projected)
    said += [f"Population of {words.plural(held, 'county')} is held at its latest count, for no projection covers it."] if held else []
    return found, " ".join(said)


def rate_factors(settings: "Demand", incidence_by_year: pd.DataFrame, *, years: int) -> dict[str, float]:
    """What each site's national trend, damped and capped as the settings say, multiplies its rate by over some years."""
    trends = demand.site_trends(incidence_by_year, settings.sites, first=settings.trend_first_year)
    damped = demand.trend_factor(trends["apc"], years, damping=settings.trend_damping.value, cap=settings.trend_cap_share.value)
    return dict(zip(trends["site"], np.atleast_1d(damped), strict=True))


def demand_factors(
    population: pd.DataFrame, rates: pd.DataFrame, origin: pd.Series, *, rate_factors: Mapping[str, float]
) -> dict[str, float]:
    """What population, ageing and cancer rates multiply a program's cases by, its counties weighted by where its patients live.

    Parameters
    ----------
    population
        Two years of ``county_fips, year, sex, age_low, population_n``.
    rates
        Age-specific rates by site, see `incidence.reference_rates`.
    origin
        Patients (or their share) by ``county_fips``; counties outside ``population`` are left out.
    rate_factors
        Change of the rate between the two years by site; 1 (held level) where it's missing.

    Returns
    -------
    ``{"population": …, "aging": …, "rate": …}``: factors whose product is the growth of expected cases; none without a population.
    """
    if population.empty:
        return {}
    cases = demand.expected_cases(population, rates, by=["county_fips", "year", "site"])
    first, last = sorted(population["year"].unique())
    people = population.pivot_table(index="county_fips", columns="year", values="population_n", aggfunc="sum")
    expected = cases.pivot_table(index="county_fips", columns="year", values="cases_n", aggfunc="sum")
    weight = origin.reindex(people.index).fillna(0.0)
    if not weight.sum() > 0:
        raise ValueError("demand_factors: expected patients from at least one county of the population, found none")
    weight = weight / weight.sum()
    size = float((weight * people[last] / people[first]).sum())
    grown = float((weight * expected[last] / expected[first]).sum())
    sites = cases[cases["year"].eq(last)].groupby("site")["cases_n"].sum()
    rate = float((sites * pd.Series(dict(rate_factors), dtype=float).reindex(sites.index).fillna(1.0)).sum() / sites.sum())
    return {"population": size, "aging": grown / size, "rate": rate}
