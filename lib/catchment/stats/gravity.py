"""How many go from where to where: gravity models of flows between origins and destinations.

Definitions: gravity models the flow itself, T_ij = exp(k) O_i^a D_j^b f(d_ij), with a constant k and slopes of both masses, or with the
totals of origins (production-), destinations (attraction-) or both (doubly constrained) reproduced through fixed effects, which then stand
in for the constant and for the mass of that side. Models are fitted by Poisson pseudo-maximum likelihood.

Known bias: observed flows already hold habit, insurance networks and referrals, so a fitted model describes the present and is not a causal
forecast; a power has no bound near zero, so distances are floored at a stated kilometer. SRMSE and Sorensen similarity measure fit to these
flows, not to those of another year.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from spint.gravity import Attraction, Doubly, Gravity, Production

from . import given
from .choice import FLOOR_KM
from .rates import quotient

Constraint = Literal["none", "production", "attraction", "doubly"]
Decay = Literal["power", "exponential"]
# Masses that a gravity model needs: a constrained side has a fixed effect in place of its mass.
MASSES: dict[Constraint, list[str]] = {"none": ["mass_o", "mass_d"], "production": ["mass_d"], "attraction": ["mass_o"], "doubly": []}


@dataclass(frozen=True)
class GravityFit:
    """A fitted gravity model with its constant, slopes, residuals and fit.

    `terms` has one row per term, with `term`, `value`, `se`, `low` and `high` (95 %): "constant" (the logarithm k, of the unconstrained
    model only), the masses that are not constrained, and "distance" (an exponent, or the slope per km of an exponential decay); the slope
    of a mass or distance that is the same for all pairs is missing. `pairs` are the pairs given with `expected_n`, `residual` (Pearson,
    scaled) and `over` ("over", "under" or "as expected"). `d2` (explained deviance) and `pseudo_r2` (McFadden) are those of Poisson for
    every family, so that models of one table compare; `srmse` is the root mean square error over the mean flow, `sorensen` the similarity
    of observed and fitted flows, 0 to 1.
    """

    terms: pd.DataFrame
    pairs: pd.DataFrame
    family: str
    dispersion: float
    d2: float
    pseudo_r2: float
    srmse: float
    sorensen: float
    decay: str = "power"


def gravity(
    pairs: pd.DataFrame,
    *,
    constraint: Constraint = "none",
    decay: Decay = "power",
    switch: float = 1.5,
    floor_km: float = FLOOR_KM,
) -> GravityFit:
    """Poisson pseudo-maximum-likelihood gravity model of flows between origins and destinations.

    Parameters
    ----------
    pairs
        A row per pair, zeros included: `origin, destination, flow_n, dist_km`, and `mass_o`, `mass_d` where not constrained.
    constraint
        Which totals the fitted flows reproduce through fixed effects: "none", "production", "attraction" or "doubly".
    decay
        "power", d ** -beta, or "exponential", exp(-beta d). A power has no bound near zero: where places lie within a few kilometers of
        each other, what far pairs say of beta makes near ones explode, most of all under the negative binomial, to which a
        small far flow says as much as a large near one. See `decay_of` for the choice.
    switch
        Pearson chi-square over degrees of freedom above which the unconstrained model is refitted as negative binomial;
        constrained models keep Poisson means (they alone reproduce the totals) with errors scaled by the dispersion.

    Raises
    ------
    ValueError
        An unknown constraint or decay, a column that is missing, a pair given twice, a flow that is no count, a distance or mass that is
        not known, or no more pairs than the model has terms.

    References
    ----------
    Wilson (1971), Environment and Planning 3:1; Santos Silva & Tenreyro (2006), Review of Economics and Statistics 88:641; Oshan (2016),
    REGION 3(2) (spint).
    """
    _refuse_pairs(pairs, constraint, decay)
    rows = pairs.sort_values(["origin", "destination"], ignore_index=True)
    flow, km = rows["flow_n"].to_numpy(float), np.maximum(rows["dist_km"].to_numpy(float), floor_km)
    fit = _spint(rows, flow.astype("int64"), km, constraint, "pow" if decay == "power" else "exp")
    names, expected = [*_constant(constraint), *MASSES[constraint], "distance"], np.asarray(fit.yhat, dtype=float).ravel()
    value, error = fit.params[-len(names) :], fit.std_err[-len(names) :]
    dispersion = float(quotient(((flow - expected) ** 2 / np.maximum(expected, 1e-12)).sum(), max(len(flow) - len(fit.params), 0)))
    family = "Poisson"
    if dispersion > switch and constraint == "none":
        family, value, error, expected = "negative binomial", *_negative_binomial(rows, flow, km, decay)
    elif dispersion > switch:
        family, error = "quasi-Poisson", error * np.sqrt(dispersion)
    # The slope of what is the same everywhere cannot be told; the expected flows do not need it.
    known = np.array([*(True for _ in _constant(constraint)), *(rows[c].nunique() > 1 for c in (*MASSES[constraint], "dist_km"))])
    value, error = (np.where(known, part, np.nan) for part in (value, error))
    terms = pd.DataFrame({"term": names, "value": value, "se": error, "low": value - 1.96 * error, "high": value + 1.96 * error})
    return GravityFit(terms, _residuals(rows, flow, expected), family, dispersion, *_fit_statistics(flow, expected), decay)


def _constant(constraint: Constraint) -> list[str]:
    """The constant's name, where the model has one of its own."""
    return ["constant"] if constraint == "none" else []


def _terms_n(pairs: pd.DataFrame, constraint: Constraint) -> int:
    """Terms of the gravity model: slopes, and a constant or the fixed effects."""
    origins, destinations = pairs["origin"].nunique(), pairs["destination"].nunique()
    constants = {"none": 1, "production": origins, "attraction": destinations, "doubly": origins + destinations - 1}
    return constants[constraint] + len(MASSES[constraint]) + 1


def identified(pairs: pd.DataFrame, constraint: Constraint = "none") -> bool:
    """Whether the pairs can tell every term of a gravity model: more pairs than terms, and masses and distances that vary.

    Raises
    ------
    ValueError
        The constraint is not known.
    """
    given.word(constraint, get_args(Constraint), name="constraint")
    return len(pairs) > _terms_n(pairs, constraint) and bool((pairs[[*MASSES[constraint], "dist_km"]].nunique() > 1).all())


def _refuse_pairs(pairs: pd.DataFrame, constraint: Constraint, decay: Decay) -> None:
    """What keeps a table of pairs from being modeled."""
    given.word(constraint, get_args(Constraint), name="constraint")
    given.word(decay, get_args(Decay), name="decay")
    numbers = ["flow_n", "dist_km", *MASSES[constraint]]
    if missing := sorted({"origin", "destination", *numbers} - set(pairs)):
        raise ValueError(f"gravity with constraint {constraint!r} needs the columns {', '.join(missing)}")
    values = pairs[numbers].to_numpy(float)
    if not np.isfinite(values).all():
        raise ValueError(f"{', '.join(numbers)} must be known for every pair: leave out or fill what is missing")
    flow, km, mass = values[:, 0], values[:, 1], values[:, 2:]
    if (flow < 0).any() or (flow % 1 != 0).any() or not flow.any():
        raise ValueError("flow_n must hold whole numbers, none negative and not all zero")
    if (km < 0).any():
        raise ValueError("dist_km must not be negative")
    if (mass <= 0).any():
        raise ValueError("masses must be positive: a place without mass sends and draws nobody, leave it out")
    if pairs.duplicated(["origin", "destination"]).any():
        raise ValueError("one row per origin and destination is needed: add up what is there twice")
    if len(pairs) <= (terms := _terms_n(pairs, constraint)):
        raise ValueError(f"{len(pairs)} pairs are too few for a gravity model of {terms} terms: it takes more pairs than terms")


def decay_of(pairs: pd.DataFrame, *, constraint: Constraint = "none") -> Decay:
    """The decay of flows with distance that the data prefer: the Poisson model of the higher likelihood (both have as many terms).

    Raises
    ------
    ValueError
        As `gravity`.
    """
    power, exponential = (gravity(pairs, constraint=constraint, decay=decay, switch=np.inf).pseudo_r2 for decay in get_args(Decay))
    return "exponential" if exponential > power else "power"


def _spint(rows: pd.DataFrame, flow: np.ndarray, km: np.ndarray, constraint: Constraint, cost: str) -> Any:
    origin, destination = (rows[c].astype(str).to_numpy(dtype=object).astype(str) for c in ("origin", "destination"))
    mass = {c: rows[c].to_numpy(float) for c in MASSES[constraint]}
    match constraint:
        case "none":
            return Gravity(flow, mass["mass_o"], mass["mass_d"], km, cost)
        case "production":
            return Production(flow, origin, mass["mass_d"], km, cost)
        case "attraction":
            return Attraction(flow, destination, mass["mass_o"], km, cost)
        case "doubly":
            return Doubly(flow, origin, destination, km, cost)


def _negative_binomial(rows: pd.DataFrame, flow: np.ndarray, km: np.ndarray, decay: Decay) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NB2 whose spread parameter is the moment estimate from the Poisson fit (Cameron & Trivedi's auxiliary regression)."""
    cost = np.log(km) if decay == "power" else km
    design = sm.add_constant(np.column_stack([np.log(rows["mass_o"].to_numpy(float)), np.log(rows["mass_d"].to_numpy(float)), cost]))
    mean = sm.GLM(flow, design, family=sm.families.Poisson()).fit().fittedvalues
    spread = max(float((((flow - mean) ** 2 - flow) / mean * mean).sum() / (mean**2).sum()), 1e-6)
    fit = sm.GLM(flow, design, family=sm.families.NegativeBinomial(alpha=spread)).fit()
    return fit.params, fit.bse, fit.fittedvalues


def _residuals(rows: pd.DataFrame, flow: np.ndarray, expected: np.ndarray) -> pd.DataFrame:
    """Pearson residuals; `over` marks pairs beyond what chance allows (two-sided 5 %, quasi-Poisson)."""
    residual = (flow - expected) / np.sqrt(np.maximum(expected, 1e-12))
    scale = np.sqrt(max(float((residual**2).mean()), 1.0))
    over = np.select([residual > 1.96 * scale, residual < -1.96 * scale], ["over", "under"], "as expected")
    return rows.assign(expected_n=expected, residual=residual / scale, over=over)


def _fit_statistics(flow: np.ndarray, expected: np.ndarray) -> tuple[float, float, float, float]:
    """Explained deviance, McFadden's pseudo-R2, SRMSE (root mean square error over the mean flow) and Sorensen similarity."""

    def deviance(mean: np.ndarray) -> float:
        ratio = np.where(flow > 0, flow, 1) / np.maximum(mean, 1e-12)
        return float(2 * (np.where(flow > 0, flow * np.log(ratio), 0) - (flow - mean)).sum())

    level = np.full(flow.shape, flow.mean())
    d2 = 1 - quotient(deviance(expected), deviance(level))
    likelihood = [stats.poisson.logpmf(np.round(flow), np.maximum(mean, 1e-12)).sum() for mean in (expected, level)]
    srmse = quotient(np.sqrt(((flow - expected) ** 2).mean()), flow.mean())
    # Pairs with neither observed nor fitted flow agree and count as 1.
    both = np.divide(2 * np.minimum(flow, expected), flow + expected, out=np.ones_like(flow), where=(flow + expected) > 0)
    return float(d2), float(1 - quotient(*likelihood)), float(srmse), float(both.mean())
