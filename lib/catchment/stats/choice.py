"""Which hospital people choose: Huff, multiplicative competitive interaction (MCI) and gravity models.

Definitions: Huff's probability that people of origin i go to destination j is A_j^gamma d_ij^lambda / sum_k A_k^gamma d_ik^lambda,
with lambda negative; gravity models the flow itself, T_ij = exp(k) O_i^a D_j^b f(d_ij), with the totals of origins
(production-), destinations (attraction-) or both (doubly constrained) reproduced through fixed effects.

Known bias: observed flows already hold habit, insurance networks and referrals, so a fitted model describes the present and
is not a causal forecast; a zero distance has no power, so distances are floored at a stated kilometer; attraction by
discharges would explain flows by themselves, so beds or programs are to be preferred.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy import linalg, special, stats
from spint.gravity import Attraction, Doubly, Gravity, Production

from .rates import quotient

FLOOR_KM = 1.0  # nearer than this is as good as there: a centroid is not a home
Constraint = Literal["none", "production", "attraction", "doubly"]
Decay = Literal["power", "exponential"]
# Masses that a gravity model needs: a constrained side has a fixed effect in place of its mass.
MASSES = {"none": ["mass_o", "mass_d"], "production": ["mass_d"], "attraction": ["mass_o"], "doubly": []}


def huff(attraction: ArrayLike, dist_km: ArrayLike, *, gamma: float = 1.0, lambda_: float = -2.0, floor_km: float = FLOOR_KM) -> np.ndarray:
    """Huff (1964) probabilities, a row per origin that sums to one, a column per destination.

    A destination without attraction gets zero; an origin whose destinations all lack attraction gets NaN.

    Raises
    ------
    ValueError
        For a positive distance exponent, a negative distance or a negative attraction.
    """
    mass, km = np.asarray(attraction, dtype=float), np.atleast_2d(np.asarray(dist_km, dtype=float))
    if lambda_ > 0:
        raise ValueError(f"lambda_ must not be positive: with {lambda_:g} people would prefer the farther hospital")
    if np.any(km < 0) or np.any(mass < 0):
        raise ValueError("attraction and dist_km must not be negative")
    pull = np.where(mass > 0, mass, 1) ** gamma * (mass > 0) * np.maximum(km, floor_km) ** lambda_
    return quotient(pull, pull.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class HuffFit:
    """Calibrated Huff model.

    `terms` has a row per exponent (`term, value, se, low, high`), with standard errors scaled by the Pearson dispersion when
    it is above one; `share` are the fitted probabilities (origins x destinations); `pull` is the fitted log attraction of each
    destination.
    """

    terms: pd.DataFrame
    share: np.ndarray
    pull: np.ndarray
    log_likelihood: float
    pseudo_r2: float
    dispersion: float
    imputed_n: float
    note: str = ""

    def _term(self, name: str) -> float:
        return float(self.terms.set_index("term").loc[name, "value"])

    @property
    def gamma(self) -> float:
        """Exponent of attraction."""
        return self._term("attraction")

    @property
    def lambda_(self) -> float:
        """Exponent of distance, negative."""
        return self._term("distance")


def calibrate_huff(
    flow_n: ArrayLike,
    attraction: ArrayLike,
    dist_km: ArrayLike,
    *,
    suppressed: ArrayLike | None = None,
    own_pull: bool = False,
    wide: ArrayLike | None = None,
    floor_km: float = FLOOR_KM,
    least: int = 1,
    most: int = 10,
    alpha: float = 0.05,
) -> HuffFit:
    """Multinomial maximum likelihood of the Huff exponents, LL = sum n_ij ln p_ij.

    Parameters
    ----------
    flow_n
        People from each origin (row) to each destination (column); suppressed cells may hold anything.
    attraction
        Size of each destination; 0 closes it.
    suppressed
        Cells known only to lie between `least` and `most`: filled with their expected value under the fitted model (EM on a
        truncated Poisson), so their uncertainty is not in the standard errors; `imputed_n` says how many people that is.
    own_pull
        Estimate each destination's attraction from the flows in place of size ** gamma: every destination's fitted total then is
        its observed one, and what is left per pair is where it does better or worse than its own average.
    wide
        Destinations (mask) with a distance exponent of their own, such as academic centers: the term "distance, wide" adds to
        "distance".

    Notes
    -----
    Newton's method on a concave likelihood; equals a production-constrained (with `own_pull` doubly constrained) gravity model. A market of
    one destination has no exponents: they are NaN, with a note.
    """
    mass, km = np.asarray(attraction, dtype=float), np.maximum(np.asarray(dist_km, dtype=float), floor_km)
    hidden = np.zeros(km.shape, bool) if suppressed is None else np.asarray(suppressed, dtype=bool)
    flows = np.where(hidden, (least + most) / 2, np.nan_to_num(np.asarray(flow_n, dtype=float)))
    usable = (mass > 0) & (flows.sum(axis=0) > 0) if own_pull else mass > 0
    parts = {} if own_pull else {"attraction": np.broadcast_to(np.log(np.where(usable, mass, 1)), km.shape)}
    parts["distance"] = np.log(km)
    if ((flows.sum(axis=0) > 0) & (mass > 0)).sum() < 2:
        return _no_choice(flows, (flows.sum(axis=0) > 0) & (mass > 0), [*parts, *([] if wide is None else ["distance, wide"])])
    if wide is not None:
        parts["distance, wide"] = np.log(km) * np.asarray(wide, dtype=bool)
    model = _Choice(np.stack(list(parts.values()), axis=-1)[:, usable], own_pull)
    gaps, totals = hidden[:, usable], flows[:, usable]
    for _ in range(40 if hidden.any() else 1):
        before = model.theta
        model.fit(totals, steps=1 if hidden.any() else 100)
        totals[gaps] = _truncated_mean((model.share * totals.sum(axis=1, keepdims=True))[gaps], least, most)
        if np.abs(model.theta - before).max() < 1e-4:
            break
    model.fit(totals, steps=100)
    flows[:, usable] = totals
    share = np.zeros(km.shape)
    share[:, usable] = model.share
    pull = np.full(len(mass), -np.inf)
    pull[usable] = model.pull if own_pull else model.theta[0] * np.log(mass[usable])
    return _huff_fit(flows, share, pull, list(parts), model, float(totals[gaps].sum()), alpha)


def _no_choice(flows: np.ndarray, usable: np.ndarray, names: list[str]) -> HuffFit:
    """Fit of a market in which at most one destination draws anybody: its share is one, and no exponent can be told."""
    share = np.broadcast_to(usable.astype(float), flows.shape).copy()
    terms = pd.DataFrame({"term": names} | dict.fromkeys(("value", "se", "low", "high"), np.nan))
    note = "fewer than two destinations draw anybody: there is no choice to calibrate on"
    return HuffFit(terms, share, np.where(usable, 0.0, -np.inf), np.nan, np.nan, np.nan, 0.0, note)


class _Choice:
    """Grouped conditional logit: K covariates and, if wanted, a constant per destination (the first is the base)."""

    def __init__(self, design: np.ndarray, constants: bool):
        self.design, self.constants = design, constants
        self.k, self.j = design.shape[2], design.shape[1]
        self.theta = np.r_[[-1.0 if i == self.k - 1 or constants else 1.0 for i in range(self.k)], np.zeros(self.j - 1 if constants else 0)]
        self._spread()

    @property
    def pull(self) -> np.ndarray:
        return np.r_[0.0, self.theta[self.k :]] if self.constants else np.zeros(self.j)

    def _spread(self) -> None:
        utility = self.design @ self.theta[: self.k] + self.pull
        share = np.exp(utility - utility.max(axis=1, keepdims=True))
        self.share = share / share.sum(axis=1, keepdims=True)

    def fit(self, flows: np.ndarray, *, steps: int) -> None:
        totals = flows.sum(axis=1)
        for _ in range(steps):
            residual = flows - totals[:, None] * self.share
            score = np.r_[np.einsum("ij,ijk->k", residual, self.design), residual.sum(axis=0)[1:] if self.constants else []]
            self.information = self._information(totals)
            step = self.solved(score)
            self.theta = self.theta + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
            self._spread()
            if np.abs(step).max() < 1e-9:
                break

    def solved(self, right: np.ndarray) -> np.ndarray:
        """Inverse information times `right`; a whisper of a ridge keeps it definite when a covariate does not vary."""
        ridge = 1e-10 * np.trace(self.information) * np.eye(len(self.information))
        return linalg.solve(self.information + ridge, right, assume_a="pos")

    def _information(self, totals: np.ndarray) -> np.ndarray:
        share = self.share
        centered = self.design - np.einsum("ij,ijk->ik", share, self.design)[:, None, :]
        weighted = (totals[:, None] * share)[:, :, None] * centered
        slopes = np.einsum("ijk,ijl->kl", weighted, centered, optimize=True)
        if not self.constants:
            return slopes
        cross = weighted.sum(axis=0)[1:]
        own = np.diag((totals @ share)[1:]) - (share * totals[:, None])[:, 1:].T @ share[:, 1:]
        return np.block([[slopes, cross.T], [cross, own]])


def _truncated_mean(mean: np.ndarray, least: int, most: int) -> np.ndarray:
    """Mean of a Poisson count known to lie between `least` and `most`."""
    counts = np.arange(least, most + 1)
    logs = counts * np.log(np.maximum(mean, 1e-9))[:, None] - special.gammaln(counts + 1)
    mass = np.exp(logs - logs.max(axis=1, keepdims=True))
    return (mass @ counts) / mass.sum(axis=1)


def _huff_fit(
    flows: np.ndarray, share: np.ndarray, pull: np.ndarray, names: list[str], model: _Choice, imputed: float, alpha: float
) -> HuffFit:
    totals = flows.sum(axis=1, keepdims=True)
    expected = totals * share
    some, likely = expected > 0, flows > 0
    freedom = some.sum() - (totals > 0).sum() - len(model.theta)
    dispersion = float(quotient(((flows - expected)[some] ** 2 / expected[some]).sum(), max(freedom, 0)))
    value = model.theta[: model.k]
    error = np.sqrt(np.diag(model.solved(np.eye(len(model.theta))[:, : model.k])) * np.nanmax([dispersion, 1.0]))
    z = stats.norm.ppf(1 - alpha / 2)
    terms = pd.DataFrame({"term": names, "value": value, "se": error, "low": value - z * error, "high": value + z * error})
    fitted = float((flows[likely] * np.log(np.where(share[likely] > 0, share[likely], np.nan))).sum())
    even = float((flows.sum(axis=1) * -np.log(np.maximum((share > 0).sum(axis=1), 1))).sum())
    note = (
        "" if value[names.index("distance")] < 0 else "the fitted distance exponent is not negative: distance does not explain these flows"
    )
    return HuffFit(terms, share, pull, fitted, float(1 - quotient(fitted, even)), dispersion, imputed, note)


def mci(flow_n: ArrayLike, attraction: ArrayLike, dist_km: ArrayLike, *, add: float = 0.0, floor_km: float = FLOOR_KM) -> pd.DataFrame:
    """Log-centered least squares of the Huff exponents (Nakanishi & Cooper 1974): `term, value, se, low, high`.

    Shares must not be zero: such cells are left out unless `add` (a count added to every cell, to be stated) fills them.
    Logs are centered over the cells that remain of each origin; the standard errors count the origin means that this takes.

    Raises
    ------
    ValueError
        Too few cells remain for two exponents and a mean of each origin, or size or distance does not vary within origins.
    """
    flows = np.asarray(flow_n, dtype=float) + add
    mass = np.broadcast_to(np.asarray(attraction, dtype=float), flows.shape)
    used = (flows > 0) & (mass > 0)
    logs = [np.log(np.where(used, v, 1)) for v in (flows, mass, np.maximum(np.asarray(dist_km, dtype=float), floor_km))]
    means = [quotient((v * used).sum(axis=1, keepdims=True), used.sum(axis=1, keepdims=True)) for v in logs]
    y, a, d = ((v - m)[used] for v, m in zip(logs, means, strict=True))
    design, freedom = np.column_stack([a, d]), int(used.sum() - used.any(axis=1).sum() - 2)
    if freedom < 1 or np.linalg.matrix_rank(design) < 2:
        raise ValueError(
            f"MCI needs shares above zero in more cells than origins and exponents, with sizes and distances that vary: {used.sum()} cells"
        )
    value = np.linalg.lstsq(design, y)[0]
    error = np.sqrt(((y - design @ value) ** 2).sum() / freedom * np.diag(np.linalg.inv(design.T @ design)))
    reach = stats.t.ppf(0.975, freedom) * error
    return pd.DataFrame({"term": ["attraction", "distance"], "value": value, "se": error, "low": value - reach, "high": value + reach})


@dataclass(frozen=True)
class GravityFit:
    """Gravity model: `terms` (`term, value, se, low, high`), `pairs` with `expected_n, residual, over`, `decay` and fit statistics.

    The slope of a mass or distance that is the same for all pairs is missing.
    `d2` and `pseudo_r2` are those of Poisson for every family, so that models of one table compare.
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
        Which totals the fitted flows reproduce through fixed effects.
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
        An unknown constraint or decay, a column that is missing, a pair given twice, a flow that is no count, a distance or mass that
        is not known, or no more pairs than the model has terms.

    References
    ----------
    Santos Silva & Tenreyro (2006), The Log of Gravity; Oshan (2016), spint.
    """
    _refuse_pairs(pairs, constraint, decay)
    rows = pairs.sort_values(["origin", "destination"], ignore_index=True)
    flow, km = rows["flow_n"].to_numpy(float), np.maximum(rows["dist_km"].to_numpy(float), floor_km)
    fit = _spint(rows, flow.astype("int64"), km, constraint, "pow" if decay == "power" else "exp")
    names, expected = [*MASSES[constraint], "distance"], np.asarray(fit.yhat, dtype=float).ravel()
    value, error = fit.params[-len(names) :], fit.std_err[-len(names) :]
    dispersion = float(quotient(((flow - expected) ** 2 / np.maximum(expected, 1e-12)).sum(), max(len(flow) - len(fit.params), 0)))
    family = "Poisson"
    if dispersion > switch and constraint == "none":
        family, value, error, expected = "negative binomial", *_negative_binomial(rows, flow, km, decay)
    elif dispersion > switch:
        family, error = "quasi-Poisson", error * np.sqrt(dispersion)
    # The slope of what is the same everywhere cannot be told; the expected flows do not need it.
    known = np.array([rows[column].nunique() > 1 for column in (*MASSES[constraint], "dist_km")])
    value, error = (np.where(known, part, np.nan) for part in (value, error))
    terms = pd.DataFrame({"term": names, "value": value, "se": error, "low": value - 1.96 * error, "high": value + 1.96 * error})
    return GravityFit(terms, _residuals(rows, flow, expected), family, dispersion, *_fit_statistics(flow, expected), decay)


def _terms_n(pairs: pd.DataFrame, constraint: Constraint) -> int:
    """Terms of the gravity model: slopes, and a constant or the fixed effects."""
    origins, destinations = pairs["origin"].nunique(), pairs["destination"].nunique()
    constants = {"none": 1, "production": origins, "attraction": destinations, "doubly": origins + destinations - 1}
    return constants[constraint] + len(MASSES[constraint]) + 1


def identified(pairs: pd.DataFrame, constraint: Constraint = "none") -> bool:
    """Whether the pairs can tell every term of a gravity model: more pairs than terms, and masses and distances that vary."""
    return len(pairs) > _terms_n(pairs, constraint) and bool((pairs[[*MASSES[constraint], "dist_km"]].nunique() > 1).all())


def _refuse_pairs(pairs: pd.DataFrame, constraint: str, decay: str) -> None:
    """What keeps a table of pairs from being modeled."""
    if constraint not in MASSES or decay not in ("power", "exponential"):
        raise ValueError(f"constraint is one of {', '.join(MASSES)} and decay power or exponential, not {constraint!r} and {decay!r}")
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
    """The decay of flows with distance that the data prefer: the Poisson model of the higher likelihood (both have as many terms)."""
    ranked = {decay: gravity(pairs, constraint=constraint, decay=decay, switch=np.inf).pseudo_r2 for decay in ("power", "exponential")}
    return "exponential" if ranked["exponential"] > ranked["power"] else "power"


def _spint(rows: pd.DataFrame, flow: np.ndarray, km: np.ndarray, constraint: Constraint, cost: str):
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


def _negative_binomial(rows: pd.DataFrame, flow: np.ndarray, km: np.ndarray, decay: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NB2 whose spread parameter is the moment estimate from the Poisson fit (Cameron & Trivedi's auxiliary regression)."""
    cost = np.log(km) if decay == "power" else km
    design = sm.add_constant(np.column_stack([np.log(rows["mass_o"].to_numpy(float)), np.log(rows["mass_d"].to_numpy(float)), cost]))
    mean = sm.GLM(flow, design, family=sm.families.Poisson()).fit().fittedvalues
    spread = max(float((((flow - mean) ** 2 - flow) / mean * mean).sum() / (mean**2).sum()), 1e-6)
    fit = sm.GLM(flow, design, family=sm.families.NegativeBinomial(alpha=spread)).fit()
    return fit.params[1:], fit.bse[1:], fit.fittedvalues


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
