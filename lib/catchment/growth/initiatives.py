"""What an initiative is: its settings and the program's own volumes as the arrays that a plan is evaluated from.

Definitions used
----------------
Effect
    Volume a year once the ramp is over. An initiative that states cases alone brings the other volumes in the program's own proportion.
Running cost
    Yearly cost at the first year's prices with staff, less what is saved.
Payer index
    Net revenue of the initiative's payer mix against the program's.
Added capacity
    Machines, chairs and hired staff, in units of the resource; what that serves is units times what one unit can do at its practical most.

Known bias: the program's use per case is that of the last full year; a new kind of patient may need more or less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from catchment.stats import finance, uncertainty

from . import capacity
from .volumes import Volumes

if TYPE_CHECKING:
    from catchment.params.growth import Growth

MONTHS = 12


@dataclass(frozen=True)
class Plan:
    """Everything the evaluation needs, as arrays: I initiatives, K measures, Y years, R resources."""

    names: tuple[str, ...]
    measures: tuple[str, ...]
    years: np.ndarray
    baseline: np.ndarray  # (Y, K) volume without initiatives
    spread: np.ndarray  # (Y, K) its standard deviation
    effects: np.ndarray  # (I, K) volume a year at full effect
    moved: np.ndarray  # (I,) share taken from the hub
    payer: np.ndarray  # (I,) net revenue against the program's payer mix
    ramp: np.ndarray  # (I, months) share of the effect by month since the start
    start: np.ndarray  # (I,) month of the start, 0 the first of the plan
    capital: np.ndarray  # (I,) US dollars
    one_off: np.ndarray
    running: np.ndarray  # (I,) US dollars a year, staff included, savings deducted
    limit: np.ndarray  # (K,) volume a year that can be served today; infinite without a limit
    adds: np.ndarray  # (I, K) what an initiative adds to that
    service: np.ndarray  # (2, K) net revenue and variable cost per unit, drugs apart
    drugs: np.ndarray  # (K,) drug margin per unit
    price_growth: float
    cost_growth: float
    rate: float
    requires: np.ndarray  # (I, I) what each needs, directly or not
    probability: np.ndarray  # (I,)


def per_case(recent: pd.DataFrame) -> pd.Series:
    """The program's own use per case: each measure's volume in the last whole year over its cases (``measure, volume_n``).

    A measure whose volume isn't known is left out: nothing is planned with it.
    """
    volume = recent.dropna(subset="volume_n").groupby("measure")["volume_n"].sum()
    return volume / volume["cases"] if volume.get("cases", 0) > 0 else volume * np.nan


def contribution_per_case(settings: "Growth", recent: pd.DataFrame) -> float:
    """Contribution of one analytic case with all the services it used in the last full year (``measure, volume_n``), US dollars."""
    given = recent[recent["measure"].isin(list(settings.economics))]
    cases = recent.loc[recent["measure"].eq("cases"), "volume_n"].sum()
    return float(finance.contribution(given, economics(settings))["contribution_usd"].sum() / cases) if cases > 0 else float("nan")


def effects(settings: "Growth", use: pd.Series, *, leaked_cases: float = 0.0) -> pd.DataFrame:
    """Volume a year that each initiative brings at full effect, initiatives by measure.

    Parameters
    ----------
    use
        Volume per case by measure, see `per_case`; an initiative that states cases alone brings the rest in this proportion.
    leaked_cases
        Addressable cases that leave the network in a year, for initiatives with a ``leaked_share``; where they aren't known (NaN), nobody
        is counted as coming back.
    """
    coming_back = 0.0 if np.isnan(leaked_cases) else leaked_cases
    table = pd.DataFrame(0.0, index=list(settings.initiatives), columns=list(use.index))
    for name, initiative in settings.initiatives.items():
        cases = initiative.effects.get("cases", 0.0) + initiative.leaked_share * coming_back
        if cases and set(initiative.effects) <= {"cases"}:
            table.loc[name] = cases * use
        else:
            known = {measure: effect for measure, effect in initiative.effects.items() if measure in table}
            table.loc[name, list(known)] = list(known.values())
    return table


def per_unit(settings: "Growth") -> pd.Series:
    """Volume that one unit of each resource can do in a year at 100 %."""
    linac, chair = settings.linac, settings.chair
    hours = chair.hours_per_day.value * chair.days_per_year.value
    own = {
        "linac": capacity.linac_fractions(
            slots_per_hour=linac.slots_per_hour.value,
            hours_per_day=linac.hours_per_day.value,
            days_per_year=linac.days_per_year.value,
            uptime=linac.uptime_share.value,
        ),
        "chair": hours / chair.hours_per_visit.value,
    }
    return pd.Series(
        {name: own[name] if resource.per_unit_n is None else resource.per_unit_n.value for name, resource in settings.resources.items()},
        dtype=float,
    )


def added(settings: "Growth") -> pd.DataFrame:
    """Units that each initiative adds to each resource, hired staff included; initiatives by resource."""
    rows = {
        name: {resource: initiative.adds.get(resource, 0.0) + initiative.staffing.get(resource, 0.0) for resource in settings.resources}
        for name, initiative in settings.initiatives.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(settings.resources), dtype=float)


def running(settings: "Growth") -> pd.Series:
    """Yearly cost of each initiative at the first year's prices, staff included, savings deducted, US dollars."""
    return pd.Series(
        {
            name: initiative.running_usd
            - initiative.saved_usd
            + sum(fte * settings.pay_usd[role].value for role, fte in initiative.staffing.items())
            for name, initiative in settings.initiatives.items()
        },
        dtype=float,
    )


def _payer(settings: "Growth") -> np.ndarray:
    index = {payer: value.value for payer, value in settings.payer_index.items()}
    usual = sum(share.value * index[payer] for payer, share in settings.payer_mix.items())
    return np.array(
        [
            sum(share * index[payer] for payer, share in initiative.payer_mix.items()) / usual if initiative.payer_mix else 1.0
            for initiative in settings.initiatives.values()
        ]
    )


def _ramps(settings: "Growth", months: int) -> np.ndarray:
    steps = [np.repeat(initiative.ramp, MONTHS) for initiative in settings.initiatives.values()]
    return np.array([np.concatenate([step, np.full(max(months - len(step), 0), step[-1])])[:months] for step in steps]).reshape(
        len(steps), months
    )


def _limits(settings: "Growth", measures: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Volume a year that can be served today, and what each initiative adds, by measure."""
    limit, adds = np.full(len(measures), np.inf), np.zeros((len(settings.initiatives), len(measures)))
    units, more = per_unit(settings), added(settings)
    for name, resource in settings.resources.items():
        if resource.most_share is not None and resource.measure in measures:
            place, most = list(measures).index(resource.measure), units[name] * resource.most_share.value
            limit[place] = most * resource.available
            adds[:, place] = most * more[name].to_numpy()
    return limit, adds


def compiled(settings: "Growth", forecast: pd.DataFrame, use: pd.Series, *, leaked_cases: float = 0.0) -> Plan:
    """Settings and a yearly forecast as the arrays of a `Plan`.

    Parameters
    ----------
    forecast
        One row per measure and year of the plan: ``measure, year, volume_n, volume_n_low_80, volume_n_high_80`` (80 % prediction limits).
    use, leaked_cases
        See `effects`.
    """
    measures = tuple(use.index)
    wide = forecast.pivot(index="year", columns="measure", values=["volume_n", "volume_n_low_80", "volume_n_high_80"]).iloc[
        : settings.horizon_years
    ]
    center = wide["volume_n"][list(measures)].to_numpy()
    years = wide.index.to_numpy()
    months = len(years) * MONTHS
    names = tuple(settings.initiatives)
    starts = np.array([(item.start.year - years[0]) * MONTHS + item.start.month - 1 for item in settings.initiatives.values()], dtype=int)
    limit, adds = _limits(settings, measures)
    unit = {
        key: np.array([getattr(settings.economics[m], key).value if m in settings.economics else 0.0 for m in measures])
        for key in ("revenue_usd", "variable_usd", "drug_revenue_usd", "drug_cost_usd")
    }
    brings = effects(settings, use, leaked_cases=leaked_cases)
    return Plan(
        names=names,
        measures=measures,
        years=years,
        baseline=center,
        spread=(wide["volume_n_high_80"][list(measures)].to_numpy() - center) / uncertainty.normal(0.9, 0, 1),
        effects=brings.to_numpy(),
        moved=np.array([item.moved_share for item in settings.initiatives.values()]),
        payer=_payer(settings),
        ramp=_ramps(settings, months),
        start=starts,
        capital=np.array([item.capital_usd for item in settings.initiatives.values()]),
        one_off=np.array([item.one_off_usd for item in settings.initiatives.values()]),
        running=running(settings).to_numpy(),
        limit=limit,
        adds=adds,
        service=np.array([unit["revenue_usd"], unit["variable_usd"]]),
        drugs=unit["drug_revenue_usd"] - unit["drug_cost_usd"],
        price_growth=settings.price_growth_share.value,
        cost_growth=settings.cost_growth_share.value,
        rate=settings.discount_share.value,
        requires=np.array([[other in settings.needed(name) for other in names] for name in names], dtype=bool).reshape(
            len(names), len(names)
        ),
        probability=np.array([item.probability for item in settings.initiatives.values()]),
    )


def margin_per_case(settings: "Growth", plan: Plan) -> float:
    """Contribution of one analytic case with everything that follows it here, first year, US dollars."""
    return float(
        (plan.baseline[0] * (plan.service[0] - plan.service[1] + plan.drugs)).sum() / plan.baseline[0, plan.measures.index("cases")]
    )


def economics(settings: "Growth") -> pd.DataFrame:
    """Revenue and cost per unit by measure, see `finance.contribution`."""
    fields = ("revenue_usd", "variable_usd", "drug_revenue_usd", "drug_cost_usd")
    return pd.DataFrame(
        [{"measure": name, **{field: getattr(item, field).value for field in fields}} for name, item in settings.economics.items()]
    )


def case_usd(growth: "Growth", seen: Volumes) -> float:
    """Contribution of one analytic case in the last whole year, US dollars, as the page of growth scenarios has it; missing without one."""
    return float("nan") if seen.young else contribution_per_case(growth, seen.only(growth.economics))
