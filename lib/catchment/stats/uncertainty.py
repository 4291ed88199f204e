"""How sure are we: distributions, correlated draws, one driver at a time, and the value of knowing more.

Definitions used
----------------
PERT
    Beta distribution on [low, high] with shape 4: mean (low + 4 mode + high) / 6.
Lognormal
    Given by its median and ``sigma``, the standard deviation of the logarithm; for costs, which overrun more than they underrun.
Rank correlation
    Spearman's, imposed on any distributions with a Gaussian copula: normal scores with Pearson correlation 2 sin(pi rho / 6).
Tornado
    Each driver alone at its 10th and 90th percentile, the others at their central value (their mode or median).
EVPI
    Expected value of perfect information: E[max(NPV, 0)] - max(E[NPV], 0), the choice being to go ahead or not. An upper bound on what
    any study is worth. EVPPI is the same for knowing one driver alone, E[max(E[NPV | driver], 0)] - max(E[NPV], 0), the inner
    expectation by regression on the driver (Strong, Oakley, Brennan 2014), here a cubic polynomial.

Known bias: the ranges are judgment unless their source says otherwise, and a simulation can't be wider than its inputs.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, stats
from scipy.special import betaincc, betaincinv, ndtr, ndtri

PERT_SHAPE = 4.0
PERCENTILES = (0.10, 0.50, 0.90)
GRID = (0.10, 0.30, 0.50, 0.70, 0.90)


def _ordered(low: float, mode: float, high: float) -> None:
    if not (low <= mode <= high and low < high):
        raise ValueError(f"distribution: expected low <= mode <= high and low < high, found {low}, {mode}, {high}")


def _chance(u: ArrayLike) -> np.ndarray:
    chance = np.asarray(u, dtype=float)
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError("distribution: expected probabilities from 0 to 1")
    return chance


def _outcome(values: ArrayLike) -> np.ndarray:
    outcome = np.asarray(values, dtype=float)
    if outcome.size == 0 or np.isnan(outcome).any():
        raise ValueError("simulation: expected at least one draw and a number in each")
    return outcome


def pert_mean(low: float, mode: float, high: float) -> float:
    """Mean of the PERT distribution, (low + 4 mode + high) / 6."""
    _ordered(low, mode, high)
    return (low + PERT_SHAPE * mode + high) / (PERT_SHAPE + 2)


def _shapes(low: float, mode: float, high: float) -> tuple[float, float]:
    """Both parameters of the beta distribution behind a PERT."""
    _ordered(low, mode, high)
    return 1 + PERT_SHAPE * (mode - low) / (high - low), 1 + PERT_SHAPE * (high - mode) / (high - low)


def pert(u: ArrayLike, low: float, mode: float, high: float) -> np.ndarray:
    """Quantiles of the PERT (beta, shape 4) distribution at probabilities ``u``."""
    return low + (high - low) * betaincinv(*_shapes(low, mode, high), _chance(u))


def pert_above(value: ArrayLike, low: float, mode: float, high: float) -> np.ndarray:
    """Chance that a PERT quantity exceeds a value: 1 below its range, 0 above.

    References
    ----------
    Malcolm, Roseboom, Clark, Fazar, Application of a technique for research and development program evaluation, Operations Research 7
    (1959); Abramowitz and Stegun (1964), 26.5, for the beta distribution.
    """
    shapes, place = _shapes(low, mode, high), (np.asarray(value, dtype=float) - low) / (high - low)
    if np.isnan(place).any():
        raise ValueError("distribution: expected a number for every value, found a missing one")
    return betaincc(*shapes, np.clip(place, 0, 1))[()]


def triangular(u: ArrayLike, low: float, mode: float, high: float) -> np.ndarray:
    """Quantiles of the triangular distribution at probabilities ``u``."""
    _ordered(low, mode, high)
    chance, width = _chance(u), high - low
    rising = low + np.sqrt(chance * width * (mode - low))
    falling = high - np.sqrt((1 - chance) * width * (high - mode))
    return np.where(chance < (mode - low) / width, rising, falling)


def lognormal(u: ArrayLike, median: float, sigma: float) -> np.ndarray:
    """Quantiles of the lognormal distribution with this median and standard deviation of the logarithm, at probabilities ``u``."""
    if median <= 0 or sigma <= 0:
        raise ValueError(f"lognormal: expected a positive median and sigma, found {median} and {sigma}")
    return median * np.exp(sigma * ndtri(_chance(u)))


def normal(u: ArrayLike, mean: float, sd: float) -> np.ndarray:
    """Quantiles of the normal distribution at probabilities ``u``."""
    if sd <= 0:
        raise ValueError(f"normal: expected a positive standard deviation, found {sd}")
    return mean + sd * ndtri(_chance(u))


QUANTILES: dict[str, Callable] = {"pert": pert, "triangular": triangular, "lognormal": lognormal, "normal": normal}


NAMES = {
    "pert": ("low", "mode", "high"),
    "triangular": ("low", "mode", "high"),
    "lognormal": ("median", "sigma"),
    "normal": ("mean", "sd"),
}


def _given(driver: Mapping) -> tuple[str, dict[str, float]]:
    """A driver's distribution and its parameters; raises ValueError when either is unknown or incomplete."""
    shape = driver.get("distribution")
    if shape not in QUANTILES:
        raise ValueError(f"distribution: expected one of {', '.join(QUANTILES)}, found {shape!r}")
    values = {key: value for key, value in driver.items() if key != "distribution"}
    if set(values) != set(NAMES[shape]):
        raise ValueError(f"distribution: expected {', '.join(NAMES[shape])} of a {shape} one, found {', '.join(values) or 'none'}")
    return shape, values


def quantile(driver: Mapping, u: ArrayLike) -> np.ndarray:
    """Quantiles of one driver given as ``{"distribution": "pert", "low": …, "mode": …, "high": …}`` (or median, sigma; mean, sd)."""
    shape, values = _given(driver)
    return QUANTILES[shape](u, **values)


def central(driver: Mapping) -> float:
    """The value a driver has when nothing is varied: its mode (PERT, triangular) or median."""
    shape, values = _given(driver)
    return float(values[{"lognormal": "median", "normal": "mean"}.get(shape, "mode")])


def _driver(drivers: Mapping[str, Mapping], name: str) -> Mapping:
    if name not in drivers:
        raise ValueError(f"driver: expected one of {', '.join(drivers)}, found {name!r}")
    return drivers[name]


def copula(names: Sequence[str], correlations: Mapping[tuple[str, str], float]) -> np.ndarray:
    """Pearson matrix of the normal scores that gives these Spearman rank correlations; others are zero.

    Raises
    ------
    ValueError
        When a name is unknown or the correlations contradict each other (the matrix isn't positive semidefinite).
    """
    matrix = np.eye(len(names))
    for (first, second), rank in correlations.items():
        if first not in names or second not in names or first == second:
            raise ValueError(f"correlations: expected two names among {', '.join(names)}, found {first} and {second}")
        if not -1 <= rank <= 1:
            raise ValueError(f"correlations: expected a rank correlation from -1 to 1, found {rank}")
        row, column = list(names).index(first), list(names).index(second)
        matrix[row, column] = matrix[column, row] = 2 * np.sin(np.pi * rank / 6)
    if np.linalg.eigvalsh(matrix).min() < -1e-9:
        raise ValueError("correlations: expected values that can hold together, found a matrix that isn't positive semidefinite")
    return matrix


def _factor(matrix: np.ndarray) -> np.ndarray:
    """A square root of the matrix: Cholesky's, or where two drivers move as one (rank correlation 1 or -1) that of the eigenvalues."""
    size, axes = np.linalg.eigh(matrix)
    return np.linalg.cholesky(matrix) if size.min() > 1e-9 else axes * np.sqrt(np.maximum(size, 0))


def draws(
    drivers: Mapping[str, Mapping], n: int, *, seed: int, correlations: Mapping[tuple[str, str], float] | None = None
) -> pd.DataFrame:
    """Random values of all drivers, one row per draw; the same seed gives the same bytes.

    Parameters
    ----------
    drivers
        Distribution by name, see `quantile`.
    correlations
        Spearman rank correlation by pair of names.
    """
    if n < 1 or not drivers:
        raise ValueError(f"simulation: expected at least one driver and one draw, found {len(drivers)} and {n}")
    names = list(drivers)
    factor = _factor(copula(names, correlations or {}))
    chances = ndtr(np.random.default_rng(seed).standard_normal((n, len(names))) @ factor.T)
    return pd.DataFrame({name: quantile(driver, chances[:, place]) for place, (name, driver) in enumerate(drivers.items())})


def summary(values: ArrayLike) -> dict[str, float]:
    """Mean, P10, P50, P90 (the value that 10, 50, 90 % of the draws stay below) and the share of draws above zero."""
    outcome = _outcome(values)
    low, middle, high = np.quantile(outcome, PERCENTILES)
    return {
        "mean": float(outcome.mean()),
        "p10": float(low),
        "p50": float(middle),
        "p90": float(high),
        "positive_share": float((outcome > 0).mean()),
    }


def histogram(values: ArrayLike, *, bins: int = 30) -> pd.DataFrame:
    """Share of draws in bins of equal width: ``low, high, middle, draws_share``; the outer half percent at each end joins the last bins."""
    outcome = _outcome(values)
    low, high = np.quantile(outcome, [0.005, 0.995])
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts, _ = np.histogram(np.clip(outcome, edges[0], edges[-1]), edges)
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "middle": (edges[:-1] + edges[1:]) / 2, "draws_share": counts / len(outcome)}
    )


def base_row(drivers: Mapping[str, Mapping]) -> pd.DataFrame:
    """One draw with every driver at its central value."""
    return pd.DataFrame({name: [central(driver)] for name, driver in drivers.items()})


def tornado(
    outcome: Callable[[pd.DataFrame], ArrayLike], drivers: Mapping[str, Mapping], *, levels: tuple[float, float] = (0.10, 0.90)
) -> pd.DataFrame:
    """Outcome with each driver alone at its low and high percentile, sorted by the size of the swing.

    Parameters
    ----------
    outcome
        From draws (one row each) to one value each.

    Returns
    -------
    ``driver, low_value, high_value, low, high, base, swing``.
    """
    base = base_row(drivers)
    rows = pd.concat([base] * (2 * len(drivers) + 1), ignore_index=True)
    for place, (name, driver) in enumerate(drivers.items()):
        rows.loc[[2 * place + 1, 2 * place + 2], name] = quantile(driver, levels)
    results = np.asarray(outcome(rows), dtype=float)
    low, high = results[1::2], results[2::2]
    ends = np.array([quantile(driver, levels) for driver in drivers.values()]).reshape(-1, 2)
    table = pd.DataFrame(
        {"driver": list(drivers), "low_value": ends[:, 0], "high_value": ends[:, 1], "low": low, "high": high, "base": results[0]}
    )
    table["swing"] = (table["high"] - table["low"]).abs()
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def two_way(
    outcome: Callable[[pd.DataFrame], ArrayLike], drivers: Mapping[str, Mapping], first: str, second: str, *, levels: Sequence[float] = GRID
) -> pd.DataFrame:
    """Outcome on a grid of two drivers' percentiles, the others central: ``first, second, outcome`` in long form."""
    grid = [axis.ravel() for axis in np.meshgrid(*(quantile(_driver(drivers, name), levels) for name in (first, second)), indexing="ij")]
    rows = pd.concat([base_row(drivers)] * len(grid[0]), ignore_index=True)
    rows[first], rows[second] = grid
    return pd.DataFrame({first: grid[0], second: grid[1], "outcome": np.asarray(outcome(rows), dtype=float)})


def break_even(
    outcome: Callable[[pd.DataFrame], ArrayLike], drivers: Mapping[str, Mapping], *, reach: tuple[float, float] = (0.001, 0.999)
) -> pd.DataFrame:
    """The value of each driver at which the outcome is zero, the others central (goal seek, Brent's method).

    Returns
    -------
    ``driver, base_value, break_even_value, chance_share``: the chance that the driver lies on the losing side; the value is missing
    when no value between the ``reach`` percentiles turns the sign.
    """
    base = base_row(drivers)

    def at(name: str, value: float) -> float:
        return float(np.asarray(outcome(base.assign(**{name: value})))[0])

    found = []
    for name, driver in drivers.items():
        low, high = (float(end) for end in quantile(driver, reach))
        ends = at(name, low), at(name, high)
        crosses = ends[0] * ends[1] < 0
        value = optimize.brentq(lambda x, name=name: at(name, x), low, high, xtol=1e-9) if crosses else np.nan
        below = optimize.brentq(lambda u, driver=driver, value=value: float(quantile(driver, u)) - value, *reach) if crosses else np.nan
        losing = below if ends[0] < 0 else 1 - below
        found.append(
            {
                "driver": name,
                "base_value": central(driver),
                "break_even_value": value,
                "chance_share": losing if crosses else float(ends[0] < 0),
            }
        )
    return pd.DataFrame(found)


def evpi(values: ArrayLike) -> float:
    """Expected value of perfect information on going ahead or not, in the unit of the values."""
    outcome = _outcome(values)
    return float(np.maximum(outcome, 0).mean() - max(outcome.mean(), 0))


def evppi(values: ArrayLike, driver: ArrayLike, *, degree: int = 3) -> float:
    """Expected value of knowing one driver perfectly, the inner expectation by polynomial regression on its ranks' normal scores."""
    outcome, known = _outcome(values), _outcome(driver)
    if outcome.shape != known.shape or len(outcome) <= degree:
        raise ValueError(f"evppi: expected more than {degree} draws of outcome and driver alike, found {outcome.shape} and {known.shape}")
    if np.ptp(known) == 0:
        return 0.0
    scores = ndtri((stats.rankdata(known) - 0.5) / len(known))
    expected = np.polynomial.Polynomial.fit(scores, outcome, degree)(scores)
    return float(max(np.maximum(expected, 0).mean() - max(outcome.mean(), 0), 0.0))


def value_of_knowing(values: ArrayLike, drawn: pd.DataFrame) -> pd.DataFrame:
    """EVPPI of every driver and EVPI of all together, largest first: ``driver, worth_usd``."""
    each = pd.DataFrame({"driver": drawn.columns, "worth_usd": [evppi(values, drawn[name]) for name in drawn.columns]})
    whole = pd.DataFrame({"driver": ["everything at once"], "worth_usd": [evpi(values)]})
    return pd.concat([each.sort_values("worth_usd", ascending=False, kind="stable"), whole], ignore_index=True)
