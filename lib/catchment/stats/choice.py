"""Which hospital people choose: Huff and multiplicative competitive interaction (MCI) models.

Definitions: Huff's probability that people of origin i go to destination j is A_j^gamma d_ij^lambda / sum_k A_k^gamma d_ik^lambda, with
lambda negative; MCI is the same with several attributes. Exponents come from flows (maximum likelihood or log-centered least squares) or,
where only totals of sites are public, from those.

Known bias: observed flows already hold habit, insurance networks and referrals, so a fitted model describes the present and is not a causal
forecast; a zero distance has no power, so distances are floored at a stated kilometer; attraction by discharges would explain flows by
themselves, so beds or programs are to be preferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, optimize, special, stats

from . import given
from .rates import quotient

FLOOR_KM = 1.0  # nearer than this is as good as there: a centroid is not a home


def huff(attraction: ArrayLike, dist_km: ArrayLike, *, gamma: float = 1.0, lambda_: float = -2.0, floor_km: float = FLOOR_KM) -> np.ndarray:
    """Huff probabilities, a row per origin that sums to one, a column per destination.

    A destination without attraction gets zero; an origin whose destinations all lack attraction has no probabilities (missing).

    Raises
    ------
    ValueError
        The distance exponent is positive, or a distance or attraction missing or negative.

    References
    ----------
    Huff (1964), Journal of Marketing 28:34.
    """
    mass, km = given.known(attraction, name="attraction", least=0), np.atleast_2d(given.known(dist_km, name="dist_km", least=0))
    if lambda_ > 0:
        raise ValueError(f"lambda_ must not be positive: with {lambda_:g} people would prefer the farther hospital")
    pull = np.where(mass > 0, mass, 1) ** gamma * (mass > 0) * np.maximum(km, floor_km) ** lambda_
    return np.asarray(quotient(pull, pull.sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class HuffFit:
    """A Huff model calibrated on flows.

    `terms` has one row per exponent: `term`, `value`, `se`, `low`, `high`, the standard errors scaled by the Pearson dispersion when it is
    above one; `share` are the fitted probabilities (origins x destinations); `pull` is the fitted log attraction of each destination;
    `pseudo_r2` (McFadden) compares with even odds; `imputed_n` are people in suppressed cells; `note` says what is wrong with the
    exponents.
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
    """Huff exponents from flows by multinomial maximum likelihood, LL = sum n_ij ln p_ij.

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

    Raises
    ------
    ValueError
        A flow that is not suppressed, an attraction or a distance is missing or negative, or shapes do not match.

    Notes
    -----
    Newton's method on a concave likelihood; equals a production-constrained (with `own_pull` doubly constrained) gravity model. A market of
    one destination has no exponents: they are missing, with a note.

    References
    ----------
    Huff (1964), Journal of Marketing 28:34; McFadden (1974), Conditional Logit Analysis of Qualitative Choice Behavior.
    """
    mass = given.known(attraction, name="attraction", least=0)
    km = np.maximum(given.known(dist_km, name="dist_km", least=0), floor_km)
    hidden = np.zeros(km.shape, bool) if suppressed is None else np.asarray(suppressed, dtype=bool)
    if not (np.shape(flow_n) == km.shape == hidden.shape) or km.shape[1:] != mass.shape:
        raise ValueError(f"flow_n, dist_km and suppressed need a row per origin and a column for each of {mass.size} destinations")
    flows = given.known(np.where(hidden, (least + most) / 2, np.asarray(flow_n, dtype=float)), name="flow_n", least=0)
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
    terms = _terms(names, value, error, float(stats.norm.ppf(1 - alpha / 2)))
    fitted = float((flows[likely] * np.log(np.where(share[likely] > 0, share[likely], np.nan))).sum())
    even = float((flows.sum(axis=1) * -np.log(np.maximum((share > 0).sum(axis=1), 1))).sum())
    note = (
        "" if value[names.index("distance")] < 0 else "the fitted distance exponent is not negative: distance does not explain these flows"
    )
    return HuffFit(terms, share, pull, fitted, float(1 - quotient(fitted, even)), dispersion, imputed, note)


@dataclass(frozen=True)
class MciFit:
    """A fitted MCI model.

    `terms` has one row per attribute and one for distance: `term`, `value` (exponent), `se`, `low`, `high`; `share` are the fitted
    probabilities (origins x destinations); `r2` is the explained part of the log-centered shares, `cells_n` how many of them there were.
    """

    terms: pd.DataFrame
    share: np.ndarray
    r2: float
    cells_n: int


def mci(
    flow_n: ArrayLike,
    attraction: ArrayLike | Mapping[str, ArrayLike],
    dist_km: ArrayLike,
    *,
    plain: Mapping[str, ArrayLike] | None = None,
    add: float = 0.0,
    floor_km: float = FLOOR_KM,
    alpha: float = 0.05,
) -> MciFit:
    """Multiplicative competitive interaction: shares by several attributes of a destination, by log-centered least squares.

    Logs are centered over the cells that remain of each origin; the standard errors count the origin means that this takes.

    Parameters
    ----------
    flow_n
        People from each origin (row) to each destination (column).
    attraction
        One attribute, or several by name (beds, oncologists, open trials), of each destination or of each pair. All must be positive.
    plain
        Attributes that enter without a logarithm, by name: 0 or 1, such as an academic center.
    add
        A count added to every cell, to be stated: zero shares have no logarithm and are left out without it.

    Raises
    ------
    ValueError
        A number is missing, an attribute not positive, too few cells remain for the exponents and a mean of each origin, or an attribute
        does not vary within origins apart from the others.

    References
    ----------
    Nakanishi & Cooper (1974), Journal of Marketing Research 11:303; Cooper & Nakanishi (1988), Market-Share Analysis, chapter 5.
    """
    flows = given.known(flow_n, name="flow_n", least=0) + add
    several = attraction if isinstance(attraction, Mapping) else {"attraction": attraction}
    parts = {name: np.log(_positive(value, name, flows.shape)) for name, value in several.items()}
    parts |= {name: np.broadcast_to(given.known(value, name=name), flows.shape) for name, value in (plain or {}).items()}
    parts["distance"] = np.log(np.maximum(given.known(dist_km, name="dist_km", least=0), floor_km))
    used, design = flows > 0, np.stack(list(parts.values()), axis=-1)
    own = used.sum(axis=1, keepdims=True)
    y, x = (_centered(v, used, own) for v in (np.log(np.where(used, flows, 1))[..., None], design))
    freedom = int(used.sum() - (own > 0).sum() - len(parts))
    if freedom < 1 or np.linalg.matrix_rank(x) < len(parts):
        raise ValueError(
            "MCI needs shares above zero in more cells than origins and exponents, with attributes and distances that vary apart from each "
            f"other: {used.sum()} cells for {', '.join(parts)}"
        )
    value = np.linalg.lstsq(x, y)[0][:, 0]
    left = float(((y[:, 0] - x @ value) ** 2).sum())
    terms = _terms(list(parts), value, np.sqrt(left / freedom * np.diag(np.linalg.inv(x.T @ x))), stats.t.ppf(1 - alpha / 2, freedom))
    return MciFit(terms, special.softmax(design @ value, axis=1), 1 - quotient(left, float((y**2).sum())), int(used.sum()))


def _centered(values: np.ndarray, used: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Values of the used cells less the mean over the used cells of their origin, a row per cell."""
    mean = (values * used[..., None]).sum(axis=1, keepdims=True) / np.maximum(own, 1)[..., None]
    return (values - mean)[used]


def _positive(values: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    numbers = given.known(values, name=name)
    if (numbers <= 0).any():
        raise ValueError(f"{name} must be positive: leave out the destination, or give an attribute of 0 and 1 as `plain`")
    return np.broadcast_to(numbers, shape)


def _terms(names: list[str], value: np.ndarray, error: np.ndarray, reach: float) -> pd.DataFrame:
    return pd.DataFrame({"term": names, "value": value, "se": error, "low": value - reach * error, "high": value + reach * error})


@dataclass(frozen=True)
class TotalsFit:
    """A Huff model calibrated on the totals of sites.

    `terms` has one row per exponent that was fitted: `term`, `value`, `se`, `low`, `high`; `share` are the fitted probabilities (origins x
    destinations); `expected_n` the fitted totals; `r2` and `srmse` (root mean square error over the mean total) say how well they fit.
    """

    terms: pd.DataFrame
    share: np.ndarray
    expected_n: np.ndarray
    r2: float
    srmse: float


def calibrate_huff_totals(
    total_n: ArrayLike,
    origin_n: ArrayLike,
    attraction: ArrayLike,
    dist_km: ArrayLike,
    *,
    gamma: float | None = None,
    floor_km: float = FLOOR_KM,
    alpha: float = 0.05,
) -> TotalsFit:
    """Huff exponents where only the totals of sites are public, by least squares between modeled and published totals.

    Site j is expected to treat the part sum_i C_i p_ij / sum_i C_i of all totals. A site counts once however large its market is, so a few
    sites give wide limits: with flows at hand use `calibrate_huff`.

    Parameters
    ----------
    total_n
        Patients of each site, all sites of the market.
    origin_n
        People (or expected cases) of each origin.
    attraction
        Size of each site, above 0.
    dist_km
        A row per origin, a column per site.
    gamma
        A given exponent of attraction; without it, it is fitted beside that of distance.

    Raises
    ------
    ValueError
        A number is missing or negative, a site has no size, shapes or labels do not match, or there are too few sites (or too alike) to
        tell the exponents.

    References
    ----------
    Huff (1964), Journal of Marketing 28:34; Huff & McCallum (2008), Calibrating the Huff Model, ESRI white paper; Wieland (2017), The R
    Journal 9:298.
    """
    given.labels(total_n=total_n, attraction=attraction)
    totals, people = given.known(total_n, name="total_n", least=0), given.known(origin_n, name="origin_n", least=0)
    mass, km = _positive(attraction, "attraction", totals.shape), given.known(dist_km, name="dist_km", least=0)
    if km.shape != (people.size, totals.size):
        raise ValueError(f"dist_km must have a row per origin and a column per site: {(people.size, totals.size)}, not {km.shape}")
    names = [*([] if gamma is not None else ["attraction"]), "distance"]
    if totals.size - 1 < len(names) or not totals.sum() or not people.sum():
        raise ValueError(f"{totals.size} sites cannot tell {len(names)} exponents: one site more than exponents is needed, with patients")

    def share(theta: np.ndarray) -> np.ndarray:
        return huff(mass, km, gamma=theta[0] if gamma is None else gamma, lambda_=theta[-1], floor_km=floor_km)

    def gap(theta: np.ndarray) -> np.ndarray:
        return people @ share(theta) / people.sum() - totals / totals.sum()

    bounds = ([-np.inf] * (len(names) - 1) + [-np.inf], [np.inf] * (len(names) - 1) + [0.0])
    starts = [[*([1.0] * (len(names) - 1)), slope] for slope in (-0.5, -1.5, -3.0)]
    fits = [optimize.least_squares(gap, start, bounds=bounds, x_scale="jac", xtol=1e-12, ftol=1e-14, gtol=1e-14) for start in starts]
    best = min(fits, key=lambda fit: fit.cost)
    if np.linalg.matrix_rank(best.jac, tol=1e-8) < len(names):
        raise ValueError("the sites are too alike in size or distance to tell the exponents")
    freedom = totals.size - 1 - len(names)
    spread = quotient(2 * best.cost, freedom) * np.linalg.inv(best.jac.T @ best.jac)
    reach = stats.t.ppf(1 - alpha / 2, freedom) if freedom else np.nan
    expected = people @ share(best.x) / people.sum() * totals.sum()
    squares = float(((totals - expected) ** 2).sum())
    r2 = 1 - quotient(squares, float(((totals - totals.mean()) ** 2).sum()))
    terms = _terms(names, best.x, np.sqrt(np.diag(spread)), float(reach))
    return TotalsFit(terms, share(best.x), expected, r2, quotient(float(np.sqrt(squares / totals.size)), float(totals.mean())))
