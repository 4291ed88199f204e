"""What first: initiatives compared, ranked, scheduled and funded.

Definitions used
----------------
Value of an initiative
    NPV of doing it on top of what it requires, less the NPV of doing only that. Capacity is shared, so values don't simply add up.
Score
    Weighted mean of value, fit, ease and safety, each scaled 0-1: value by its place between the lowest and highest of all initiatives, fit
    as the weighted criteria (1-5), ease and safety as reversed effort and risk (1-5). Weights add to one.
Rank interval
    80 % interval of the rank when the weights are drawn around the stated ones (Dirichlet, concentration 20) and values from the
    simulation's spread: a ranking that turns with small changes of weight shouldn't decide anything.

Known bias: fit, effort and risk are scores by people who know the initiative, often its owner.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from catchment.stats import finance

from . import initiatives, scenarios

if TYPE_CHECKING:
    from catchment.params.growth import Growth, Initiative

VALUES = [
    "initiative", "title", "kind", "owner", "start", "capital_usd", "running_usd", "cases_n", "even_n", "npv_usd", "irr_share",
    "payback_years", "probability_share", "expected_usd", "break_even_share",
]  # fmt: skip
ROADMAP = ["initiative", "title", "owner", "phase", "start", "end", "requires", "late"]
WORST, BEST = 1, 5
CONCENTRATION = 20


def _weighted(weights: Iterable[tuple[str, float]], what: str) -> pd.Series:
    shares = pd.Series(dict(weights), dtype=float)
    if abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"{what}: expected weights that add to 1, found {shares.sum():.4g}")
    return shares


def values(settings: "Growth", plan: initiatives.Plan, row: pd.DataFrame) -> pd.DataFrame:
    """Worth of each initiative on top of what it requires, one row per initiative.

    Returns
    -------
    ``initiative, title, kind, owner, start, capital_usd, running_usd, cases_n`` (a year at full effect)``, even_n`` (cases a year whose
    margin covers the running cost)``, npv_usd, irr_share, payback_years,
    expected_usd`` (NPV times the chance that it and what it requires go ahead)``, probability_share, break_even_share`` (share of the
    planned effect at which NPV is zero, others as planned).
    """
    run, rows, margin = initiatives.running(settings), [], initiatives.margin_per_case(settings, plan)
    for place, name in enumerate(plan.names):
        initiative, needed = settings.initiatives[name], sorted(settings.needed(name))
        flows = _marginal(plan, row, name, needed)
        chance = float(np.prod([settings.initiatives[each].probability for each in [name, *needed]]))
        worth = float(finance.npv(plan.rate, flows))
        rows.append(
            {
                "initiative": name,
                "title": initiative.title,
                "kind": initiative.kind,
                "owner": initiative.owner,
                "start": initiative.start,
                "capital_usd": initiative.capital_usd + initiative.one_off_usd,
                "running_usd": run[name],
                "cases_n": plan.effects[place, plan.measures.index("cases")],
                "even_n": finance.break_even_volume(max(run[name], 0.0), margin),
                "npv_usd": worth,
                "irr_share": finance.irr(flows) if finance.sign_changes(flows) == 1 else np.nan,
                "payback_years": finance.payback(flows),
                "probability_share": chance,
                "expected_usd": worth * chance,
                "break_even_share": _break_even(plan, row, name, needed),
            }
        )
    return pd.DataFrame(rows, columns=VALUES)


def _marginal(plan: initiatives.Plan, row: pd.DataFrame, name: str, needed: list[str]) -> np.ndarray:
    both = scenarios.evaluate(
        plan, pd.concat([row, row], ignore_index=True), np.array([scenarios.chosen(plan, [name, *needed]), scenarios.chosen(plan, needed)])
    )
    return both.flows[0] - both.flows[1]


def _break_even(plan: initiatives.Plan, row: pd.DataFrame, name: str, needed: list[str]) -> float:
    """Share of the planned effect at which the initiative pays for itself, by interpolation on a fine grid; missing below 0 or above 3."""
    grid = np.linspace(0, 3, 61)
    own = np.array([each == name for each in plan.names])
    scaled = [scenarios.evaluate(_scaled(plan, own, share), row, scenarios.chosen(plan, [name, *needed])).npv[0] for share in grid[::12]]
    without = scenarios.evaluate(plan, row, scenarios.chosen(plan, needed)).npv[0]
    worth = np.interp(grid, grid[::12], np.array(scaled) - without)
    crossing = np.flatnonzero(np.diff(np.sign(worth)) != 0)
    if crossing.size == 0:
        return float("nan")
    at = crossing[0]
    return float(grid[at] - worth[at] * (grid[at + 1] - grid[at]) / (worth[at + 1] - worth[at]))


def _scaled(plan: initiatives.Plan, own: np.ndarray, share: float) -> initiatives.Plan:
    return replace(plan, effects=np.where(own[:, None], plan.effects * share, plan.effects))


def fit(settings: "Growth") -> pd.Series:
    """Strategic fit of each initiative, 0-1: weighted criteria; a criterion without a score counts as the middle."""
    weights = _weighted(settings.fit_weights.items(), "fit_weights")
    middle = (WORST + BEST) / 2
    scores = {
        name: sum(weight * initiative.fit.get(criterion, middle) for criterion, weight in weights.items())
        for name, initiative in settings.initiatives.items()
    }
    return (pd.Series(scores, dtype=float) - WORST) / (BEST - WORST)


def _criteria(settings: "Growth", worth: np.ndarray) -> np.ndarray:
    """Value, fit, ease, safety, each 0-1, in rows by initiative (leading axes of ``worth`` are draws)."""
    low, high = worth.min(axis=-1, keepdims=True, initial=np.inf), worth.max(axis=-1, keepdims=True, initial=-np.inf)
    value = np.divide(worth - low, high - low, out=np.full(worth.shape, 0.5), where=high > low)
    others = [
        fit(settings).to_numpy(),
        *[(BEST - np.array([getattr(item, key) for item in settings.initiatives.values()])) / (BEST - WORST) for key in ("effort", "risk")],
    ]
    return np.stack([value, *[np.broadcast_to(other, value.shape) for other in others]], axis=-1)


def ranking(settings: "Growth", valued: pd.DataFrame, *, simulated: np.ndarray | None = None, n: int = 2000) -> pd.DataFrame:
    """The initiatives in order of their score, with how firm each place is.

    Parameters
    ----------
    valued
        See `values`.
    simulated
        NPV of each initiative in each draw (draws, I), see `simulated_values`; the stated values without it.
    n
        Draws of the weights.

    Returns
    -------
    ``rank, initiative, title, npv_usd, fit_share, effort, risk, score_share, rank_low, rank_high`` (80 % interval)``, first_share`` (how
    often it ranks first).
    """
    weights = _weighted(settings.rank_weights.items(), "rank_weights")[["npv", "fit", "effort", "risk"]]
    stated = valued["npv_usd"].to_numpy(dtype=float)
    own = _criteria(settings, stated)
    random = np.random.default_rng([settings.seed, 2])
    mixed = random.dirichlet(np.maximum(weights.to_numpy(), 1e-3) * CONCENTRATION, size=n)
    worth = np.broadcast_to(stated, (n, len(valued))) if simulated is None else simulated[random.integers(0, len(simulated), n)]
    places = (-(_criteria(settings, worth) * mixed[:, None, :]).sum(axis=-1)).argsort(axis=1, kind="stable").argsort(axis=1) + 1
    table = valued[["initiative", "title", "npv_usd"]].assign(
        fit_share=own[:, 1],
        effort=[item.effort for item in settings.initiatives.values()],
        risk=[item.risk for item in settings.initiatives.values()],
        score_share=own @ weights.to_numpy(),
        rank_low=np.quantile(places, 0.1, axis=0),
        rank_high=np.quantile(places, 0.9, axis=0),
        first_share=(places == 1).mean(axis=0),
    )
    table = table.sort_values("score_share", ascending=False, kind="stable", ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def simulated_values(settings: "Growth", plan: initiatives.Plan, draws: pd.DataFrame) -> np.ndarray:
    """NPV of each initiative on top of what it requires, in every draw (draws, I)."""
    worth = []
    for name in plan.names:
        needed = sorted(settings.needed(name))
        worth.append(
            scenarios.evaluate(plan, draws, scenarios.chosen(plan, [name, *needed])).npv
            - scenarios.evaluate(plan, draws, scenarios.chosen(plan, needed)).npv
        )
    return np.column_stack(worth) if worth else np.empty((len(draws), 0))


def best(settings: "Growth", plan: initiatives.Plan, row: pd.DataFrame) -> tuple[str, ...]:
    """The allowed set of initiatives of greatest NPV (all sets searched up to 12 initiatives, else one left out at a time)."""
    count = len(plan.names)
    if count <= 12:
        sets = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)
        sets = sets[(scenarios.allowed(plan, sets) == sets).all(axis=1)]
    else:
        sets = np.vstack([np.zeros(count, dtype=bool), np.ones(count, dtype=bool), scenarios.allowed(plan, ~np.eye(count, dtype=bool))])
    found = scenarios.evaluate(plan, pd.concat([row] * len(sets), ignore_index=True), sets).npv
    return tuple(name for name, go in zip(plan.names, sets[found.argmax()], strict=True) if go)


def roadmap(settings: "Growth", *, as_of: object) -> pd.DataFrame:
    """When each initiative is in which playbook phase.

    Returns
    -------
    ``initiative, title, owner, phase, start, end, requires`` (titles)``, late`` (the phase should have begun before the data end), in
    order of start.
    """
    rows = []
    for name, initiative in settings.initiatives.items():
        needed = ", ".join(settings.initiatives[other].title for other in initiative.requires)
        for phase, start, end in _phases(settings, initiative):
            rows.append(
                {
                    "initiative": name,
                    "title": initiative.title,
                    "owner": initiative.owner,
                    "phase": phase,
                    "start": start,
                    "end": end,
                    "requires": needed,
                    "late": start <= pd.Timestamp(as_of) and phase == "assess",
                }
            )
    table = pd.DataFrame(rows, columns=ROADMAP).astype({"start": "datetime64[ns]", "end": "datetime64[ns]", "late": bool})
    first = table.groupby("initiative")["start"].transform("min")
    return (
        table.assign(_first=first).sort_values(["_first", "initiative", "start"], kind="stable", ignore_index=True).drop(columns="_first")
    )


def _phases(settings: "Growth", initiative: "Initiative") -> list[tuple[str, pd.Timestamp, pd.Timestamp]]:
    months = {phase: pd.DateOffset(months=count) for phase, count in settings.phase_months.items()}
    opening = pd.Timestamp(initiative.start)
    full = next(place for place, share in enumerate(initiative.ramp) if share == initiative.ramp[-1])
    assess, plan = opening - months["plan"] - months["assess"], opening - months["plan"]
    piloted = opening + months["pilot"]
    scaled = piloted + months["scale"] if settings.phase_months["scale"] else max(opening + pd.DateOffset(months=12 * full), piloted)
    return [
        ("assess", assess, plan),
        ("plan", plan, opening),
        ("pilot", opening, piloted),
        ("scale", piloted, scaled),
        ("sustain", scaled, scaled + months["sustain"]),
    ]


def budget(settings: "Growth", plan: initiatives.Plan) -> pd.DataFrame:
    """What each initiative asks of each year's budget, nominal: ``initiative, title, year, capital_usd, one_off_usd, running_usd``."""
    rows, costs = [], ("capital_usd", "one_off_usd", "running_usd")
    for place, name in enumerate(plan.names):
        row = pd.DataFrame([scenarios.NEUTRAL])
        parts = scenarios.evaluate(plan, row, np.arange(len(plan.names)) == place).parts
        rows.append(
            pd.DataFrame(
                {
                    "initiative": name,
                    "title": settings.initiatives[name].title,
                    "year": plan.years,
                    **{part: parts[part][0] for part in costs},
                }
            )
        )
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["initiative", "title", "year", *costs], dtype="float64")


def funding_gaps(settings: "Growth") -> pd.DataFrame:
    """Capital and starting cost that no budget covers: what philanthropy could fund.

    Returns
    -------
    One row per initiative with a gap: ``initiative, need, theme, need_usd, funded_usd, gap_usd, year`` (needed by), largest gap first.
    """
    rows = [
        {
            "initiative": name,
            "need": item.title,
            "theme": item.theme,
            "need_usd": item.capital_usd + item.one_off_usd,
            "funded_usd": item.funded_usd,
            "gap_usd": max(item.capital_usd + item.one_off_usd - item.funded_usd, 0.0),
            "year": item.start.year,
        }
        for name, item in settings.initiatives.items()
    ]
    table = pd.DataFrame(rows, columns=["initiative", "need", "theme", "need_usd", "funded_usd", "gap_usd", "year"])
    return table[table["gap_usd"] > 0].sort_values("gap_usd", ascending=False, kind="stable", ignore_index=True)
