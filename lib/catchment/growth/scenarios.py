"""What could be done and what it is worth: initiatives on a forecast, through capacity, into yearly cash.

Definitions used
----------------
Incremental
    Everything is *with the initiatives less without them*, in the same world (same demand, price, cost). What the world alone does to the
    existing business isn't credited to a plan.
Served
    Demand beyond what machines and chairs can do at their practical most is turned away; an added chair is worth the visits it saves.
Moved
    Volume that would otherwise have been treated at the academic hub is subtracted at the same margin: the system gains nothing from it.
Months and years
    Ramp, delay, capacity and volume run by month. Money is gathered by calendar year: capital at the start of the year in which it is
    spent, everything else at the year's end; t = 0 is the end of the year before the plan's first. So year 1's capital isn't discounted.
Nominal
    Net revenue per unit grows with contracts, cost with wages and prices (settings); the discount rate is nominal too. No taxes, no
    working capital, no terminal value; depreciation isn't cash.
Driver
    What is uncertain, one column each: ``demand`` (standard deviations within the forecast's interval), ``volume``, ``price``,
    ``drug_margin``, ``running_cost``, ``capital`` (factors), ``delay`` (months). ``growth`` (share per year) belongs to scenarios.

Known bias: staff is paid in full from the first month while volume ramps up; demand of all measures moves together; what one initiative
does to another's effect is only seen through shared capacity.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from catchment.stats import finance

from .initiatives import MONTHS, Plan

if TYPE_CHECKING:
    from catchment.params.growth import Growth, Scenario

NEUTRAL = {"demand": 0.0, "volume": 1.0, "price": 1.0, "drug_margin": 1.0, "running_cost": 1.0, "capital": 1.0, "delay": 0.0, "growth": 0.0}
CHUNK = 500


@dataclass(frozen=True)
class Outcome:
    """What one evaluation found, one row per draw."""

    flows: np.ndarray  # (N, Y + 1) net cash, t = 0 first
    parts: dict[str, np.ndarray]  # (N, Y) service_margin_usd, drug_margin_usd, running_usd, one_off_usd, capital_usd
    volume: np.ndarray  # (N, Y, K) demand with initiatives, before limits
    extra: np.ndarray  # (N, Y, K) served with less served without, hub volume subtracted
    limit: np.ndarray  # (N, Y, K) what can be served, initiatives included
    npv: np.ndarray  # (N,) US dollars


def chosen(plan: Plan, names: Sequence[str] | str = "all") -> np.ndarray:
    """Which initiatives go ahead (I,): the named ones, less those that lack something they require."""
    go = np.array([names == "all" or name in names for name in plan.names], dtype=bool).reshape(1, -1)
    return allowed(plan, go)[0]


def planned(settings: "Growth", plan: Plan) -> np.ndarray:
    """Which initiatives go ahead in the scenario that the settings call the plan (I,)."""
    return chosen(plan, settings.scenarios[settings.plan].initiatives)


def allowed(plan: Plan, go: np.ndarray) -> np.ndarray:
    """Sets of initiatives (n, I) without those that lack something they require."""
    lacking = (~go).astype(float) @ plan.requires.T.astype(float) > 0
    return go & ~lacking


def lottery(plan: Plan, n: int, *, seed: int, names: Sequence[str] | str = "all") -> np.ndarray:
    """Which initiatives go ahead in each draw (n, I), each with its own probability; without what it requires it can't."""
    luck = np.random.default_rng([seed, 1]).random((n, len(plan.names)))
    return allowed(plan, (luck < plan.probability) & chosen(plan, names))


def evaluate(plan: Plan, draws: pd.DataFrame, go: np.ndarray | None = None) -> Outcome:
    """Volumes, cash and present value for every draw.

    Parameters
    ----------
    draws
        One row per draw, one column per driver (see the module); missing columns are neutral.
    go
        Which initiatives go ahead, (I,) or (n, I); all of them by default.

    Notes
    -----
    Runs in blocks of draws, so memory stays below 200 MB whatever their number.
    """
    values = {name: draws[name].to_numpy(dtype=float) if name in draws else np.full(len(draws), usual) for name, usual in NEUTRAL.items()}
    ahead = np.ones((len(draws), len(plan.names)), dtype=bool) if go is None else np.broadcast_to(go, (len(draws), len(plan.names)))
    blocks = [
        _block(plan, {name: value[at : at + CHUNK] for name, value in values.items()}, ahead[at : at + CHUNK].astype(float))
        for at in range(0, len(draws), CHUNK)
    ]
    parts = {name: np.concatenate([block[0][name] for block in blocks]) for name in blocks[0][0]}
    volume, extra, limit = (np.concatenate([block[place] for block in blocks]) for place in (1, 2, 3))
    flows = np.zeros((len(draws), len(plan.years) + 1))
    flows[:, :-1] -= parts["capital_usd"]
    flows[:, 1:] += parts["service_margin_usd"] + parts["drug_margin_usd"] - parts["running_usd"] - parts["one_off_usd"]
    return Outcome(flows, parts, volume, extra, limit, np.atleast_1d(finance.npv(plan.rate, flows)))


def simulated(settings: "Growth", plan: Plan, drawn: pd.DataFrame) -> Outcome:
    """The plan in every draw of its drivers, each initiative of the plan's scenario going ahead with its own probability."""
    names = settings.scenarios[settings.plan].initiatives
    return evaluate(plan, drawn, lottery(plan, len(drawn), seed=settings.seed, names=names))


def _open(plan: Plan, delay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By delay in months from 0 up, initiative and month: the share of the effect reached, and whether it has begun (0 or 1)."""
    months = plan.ramp.shape[1]
    padded = np.concatenate([np.zeros((len(plan.names), months)), plan.ramp], axis=1)
    at = np.arange(months) - plan.start[None, :, None] - np.arange(delay.max() + 1)[:, None, None]
    return padded[np.arange(len(plan.names))[None, :, None], np.maximum(at, -1) + months], (at >= 0).astype(float)


def begun(plan: Plan, late: int) -> np.ndarray:
    """Which initiatives run in which month (I, months), 0 or 1, each starting `late` months after its date."""
    return _open(plan, np.array([late]))[1][late]


def _served(
    plan: Plan, at: np.ndarray, world: np.ndarray, reached: np.ndarray, volume: np.ndarray, limits: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    """Volume brought, extra served (hub volume subtracted) and paid (at the program's payer mix), (3, draws, measures, periods)."""
    effects, scale = plan.effects[:, at].T, volume[:, None, None]
    brought, from_hub = (effects @ reached) * scale, ((effects * plan.moved) @ reached) * scale
    if limits is None:
        extra = np.maximum(brought, -world) - from_hub
    else:
        extra = np.minimum(np.maximum(world + brought, 0), limits[1]) - np.minimum(world, limits[0])
        extra = extra - _from_hub(plan, effects, reached, scale, extra, from_hub)
    if (plan.payer == 1).all():
        return np.stack([brought, extra, extra])
    premium = ((effects * (plan.payer - 1)) @ reached) * scale
    part = np.divide(extra, brought, out=np.zeros_like(extra), where=brought != 0).clip(0, 1)
    return np.stack([brought, extra, extra + premium * part])


def _from_hub(
    plan: Plan, effects: np.ndarray, reached: np.ndarray, scale: np.ndarray, extra: np.ndarray, from_hub: np.ndarray
) -> np.ndarray:
    """Hub volume within the extra volume: what comes from the hub counts as far as it's served, what a closure sends there in full."""
    closed = np.minimum(effects, 0)
    if not closed.any():
        return np.minimum(from_hub, np.maximum(extra, 0))
    sent, gone = ((closed * plan.moved) @ reached) * scale, (closed @ reached) * scale
    return np.minimum(from_hub - sent, np.maximum(extra - gone, 0)) + sent


def _block(plan: Plan, value: Mapping[str, np.ndarray], go: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """One block of draws: yearly money by part, demand, extra volume, limits. Measures without a limit need no months: they're linear."""
    years, n, limited = len(plan.years), len(go), np.isfinite(plan.limit)
    gather = np.kron(np.eye(years), np.ones((MONTHS, 1)))
    late = np.rint(value["delay"]).astype(int)
    reached, begun = _open(plan, late)
    going, drift = go[:, :, None], (1 + value["growth"])[:, None] ** np.arange(1, years + 1)
    world = np.maximum(plan.baseline.T + value["demand"][:, None, None] * plan.spread.T, 0) * drift[:, None, :]
    limit = plan.limit[limited][:, None] + plan.adds[:, limited].T @ (begun[late] * going)
    monthly = _served(
        plan,
        limited,
        np.repeat(world[:, limited] / MONTHS, MONTHS, axis=2),
        (reached / MONTHS)[late] * going,
        value["volume"],
        (plan.limit[limited][:, None] / MONTHS, limit / MONTHS),
    )
    found = np.empty((3, n, len(plan.measures), years))
    found[:, :, limited] = monthly @ gather
    found[:, :, ~limited] = _served(plan, ~limited, world[:, ~limited], (reached @ gather / MONTHS)[late] * going, value["volume"], None)
    most = np.full((n, len(plan.measures), years), np.inf)
    most[:, limited] = limit @ gather / MONTHS
    brought, extra, paid = found.transpose(0, 1, 3, 2)
    return (
        _money(plan, value, extra, paid, (begun @ gather)[late] * going),
        world.transpose(0, 2, 1) + brought,
        extra,
        most.transpose(0, 2, 1),
    )


def _money(plan: Plan, value: Mapping[str, np.ndarray], extra: np.ndarray, paid: np.ndarray, begun: np.ndarray) -> dict[str, np.ndarray]:
    """Yearly money by part; capital and starting cost fall in the year of the first month (``begun``: months of operation by year)."""
    price, cost = ((1 + growth) ** np.arange(len(plan.years)) for growth in (plan.price_growth, plan.cost_growth))
    dearer = cost * value["running_cost"][:, None]
    first = (begun > 0) & (np.cumsum(begun, axis=2) == begun)
    return {
        "service_margin_usd": (paid @ plan.service[0]) * price * value["price"][:, None] - (extra @ plan.service[1]) * dearer,
        "drug_margin_usd": (extra @ plan.drugs) * price * value["drug_margin"][:, None],
        "running_usd": np.einsum("niy,i->ny", begun, plan.running / MONTHS) * dearer,
        "one_off_usd": np.einsum("niy,i->ny", first, plan.one_off) * value["capital"][:, None],
        "capital_usd": np.einsum("niy,i->ny", first, plan.capital) * value["capital"][:, None],
    }


def valuation(plan: Plan, go: np.ndarray | None = None) -> Callable[[pd.DataFrame], np.ndarray]:
    """The plan as a function from draws to NPV, for `uncertainty.tornado`, `two_way` and `break_even`."""
    return lambda draws: evaluate(plan, draws, go).npv


def dated(settings: "Growth", plan: Plan, row: pd.DataFrame, go: np.ndarray | None = None) -> dict[str, float]:
    """XNPV and XIRR of the plan (all initiatives, or those of ``go``), each outlay on the day of its start, all else on 31 December.

    Returns
    -------
    ``xnpv_usd`` at the day before the first year, ``xirr_share`` (missing when the flows change sign more than once or never).
    """
    outcome = evaluate(plan, row, go)
    ahead = np.ones(len(plan.names), dtype=bool) if go is None else go
    late = pd.DateOffset(months=round(float(row["delay"].iloc[0])))
    factor = float(row["capital"].iloc[0])
    begun = [
        (pd.Timestamp(settings.initiatives[name].start) + late, -settings.initiatives[name].capital_usd * factor)
        for name, going in zip(plan.names, ahead, strict=True)
        if going
    ]
    ends = pd.to_datetime([f"{year}-12-31" for year in plan.years])
    first = ends[0] - pd.DateOffset(years=1)
    flows = pd.DataFrame(
        [
            (first, 0.0),
            *[item for item in begun if item[0] <= ends[-1]],
            *zip(ends, outcome.flows[0, 1:] + np.append(outcome.parts["capital_usd"][0, 1:], 0.0), strict=True),
        ],
        columns=["date", "amount_usd"],
    ).sort_values("date", kind="stable")
    single = finance.sign_changes(flows["amount_usd"]) == 1
    return {
        "xnpv_usd": finance.xnpv(plan.rate, flows["amount_usd"], flows["date"]),
        "xirr_share": finance.xirr(flows["amount_usd"], flows["date"]) if single else float("nan"),
    }


def scenario_row(scenario: "Scenario") -> pd.DataFrame:
    """One draw with the factors of a scenario."""
    return pd.DataFrame([{name: float(getattr(scenario, name, usual)) for name, usual in NEUTRAL.items()}])


def comparison(settings: "Growth", plan: Plan) -> pd.DataFrame:
    """Every scenario side by side, one row each.

    Returns
    -------
    ``scenario, title, owner, date, initiatives`` (number)``, capital_usd, npv_usd, irr_share, mirr_share, payback_years,
    discounted_payback_years, profitability_index, sign_changes`` and the last year's ``contribution_usd`` and volumes.
    """
    rows = []
    for name, scenario in settings.scenarios.items():
        go = chosen(plan, scenario.initiatives)
        outcome = evaluate(plan, scenario_row(scenario), go)
        outlay = np.append(outcome.parts["capital_usd"][0], 0.0)
        worth = finance.appraisal(
            plan.rate,
            outcome.flows[0],
            investment=outlay,
            finance_rate=settings.finance_share.value,
            reinvest_rate=settings.reinvest_share.value,
        )
        margin = outcome.parts["service_margin_usd"][0] + outcome.parts["drug_margin_usd"][0]
        rows.append(
            {
                "scenario": name,
                "title": scenario.title,
                "owner": scenario.owner,
                "date": scenario.date,
                "initiatives": int(go.sum()),
                "capital_usd": outlay.sum(),
                **worth,
                "contribution_usd": margin[-1],
                **{f"{measure}_n": outcome.volume[0, -1, place] for place, measure in enumerate(plan.measures)},
            }
        )
    return pd.DataFrame(rows)


def pro_forma(plan: Plan, row: pd.DataFrame, go: np.ndarray | None = None) -> pd.DataFrame:
    """Yearly money of one draw, adding up to the net flow and its present value.

    Returns
    -------
    One row per t from 0: ``t, year`` (of the operations; missing at 0)``, service_margin_usd, drug_margin_usd, running_usd, one_off_usd,
    capital_usd`` (costs positive)``, net_usd, discounted_usd, total_usd, discounted_total_usd`` (running totals). Capital of a year stands
    one row above its operations: it's spent at the year's start.
    """
    outcome = evaluate(plan, row, go)
    steps = np.arange(len(plan.years) + 1)
    table = pd.DataFrame({"t": steps, "year": pd.array([pd.NA, *plan.years.tolist()], dtype="Int64")})
    for name, block in outcome.parts.items():
        table[name] = np.append(block[0], 0.0) if name == "capital_usd" else np.append(0.0, block[0])
    flows = outcome.flows[0]
    discounted = flows / (1 + plan.rate) ** steps
    return table.assign(net_usd=flows, discounted_usd=discounted, total_usd=flows.cumsum(), discounted_total_usd=discounted.cumsum())


def cash_fan(plan: Plan, outcome: Outcome) -> pd.DataFrame:
    """How the discounted running total of net cash spreads over the draws.

    Returns
    -------
    One row per t from 0: ``year`` (in which t ends), ``total_usd`` (median)`` and the limits of the middle 80 and 95 % of draws,
    ``total_usd_low_80, total_usd_high_80, total_usd_low_95, total_usd_high_95``. In the last row that is the NPV's own spread.
    """
    total = (outcome.flows / (1 + plan.rate) ** np.arange(outcome.flows.shape[1])).cumsum(axis=1)
    middle, *limits = np.quantile(total, [0.5, 0.1, 0.9, 0.025, 0.975], axis=0)
    names = ("total_usd_low_80", "total_usd_high_80", "total_usd_low_95", "total_usd_high_95")
    years = np.append(plan.years[0] - 1, plan.years)
    return pd.DataFrame({"year": years, "total_usd": middle} | dict(zip(names, limits, strict=True)))


def tree(settings: "Growth", valued: pd.DataFrame) -> pd.DataFrame:
    """Ends of the scenario tree with their chance, and the expected value last.

    Parameters
    ----------
    valued
        One row per scenario: ``scenario, npv_usd``, see `comparison`.

    Returns
    -------
    ``path, scenario, probability_share, npv_usd, weighted_usd``; the last row sums the weights.
    """
    worth = valued.set_index("scenario")["npv_usd"]
    ends: list[dict] = []

    def walk(branches: Sequence, path: str, chance: float) -> None:
        for branch in branches:
            name = f"{path}, {branch.title}" if path else branch.title
            if branch.scenario is None:
                walk(branch.branches, name, chance * branch.probability)
            else:
                ends.append(
                    {
                        "path": name,
                        "scenario": branch.scenario,
                        "probability_share": chance * branch.probability,
                        "npv_usd": worth[branch.scenario],
                    }
                )

    walk(settings.tree, "", 1.0)
    table = pd.DataFrame(ends).assign(weighted_usd=lambda rows: rows["probability_share"] * rows["npv_usd"])
    total = {
        "path": "Expected value",
        "scenario": "",
        "probability_share": table["probability_share"].sum(),
        "npv_usd": table["weighted_usd"].sum(),
        "weighted_usd": table["weighted_usd"].sum(),
    }
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True)
