"""Who can reach care: floating catchment areas and travel bands.

Definitions: the two-step floating catchment area (2SFCA, Luo & Wang 2003) divides each site's supply by the demand within
reach and sums these ratios over the sites a place can reach; E2SFCA (Luo & Qi 2009) weighs both steps by distance zone; 3SFCA
(Wan et al. 2012) adds how likely a place chooses each site; gravity (Hansen 1959, Joseph & Bantock 1982) uses a smooth decay;
RAAM (Saxon & Snow 2020) lets people trade travel against crowding. Demand is expected cancer cases rather than people.

Known bias: outcomes hinge on the catchment and the weights, which are assumptions; supply and demand beyond the region's
edge must be within the frames given, or the edge looks underserved. Places that reach nothing get 0 (RAAM: NaN).
"""

import numpy as np
import pandas as pd
from access.raam import raam as _raam
from numpy.typing import ArrayLike

from .rates import quotient


def _frames(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s, p, t = (np.asarray(v, dtype=float) for v in (supply, demand, travel))
    if t.shape != (p.size, s.size):
        raise ValueError(f"travel must have a row per demand place and a column per site: {(p.size, s.size)}, not {t.shape}")
    if np.any(s < 0) or np.any(p < 0) or np.any(t < 0):
        raise ValueError("supply, demand and travel must not be negative")
    return s, p, t


def _floating(supply: np.ndarray, demand: np.ndarray, weight: np.ndarray) -> np.ndarray:
    reached = demand @ weight
    # A site that no demand reaches serves nobody: its ratio is left out, not infinite.
    ratio = np.divide(supply, reached, out=np.zeros_like(supply), where=reached > 0)
    return weight @ ratio


def two_step(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike, *, reach: float) -> np.ndarray:
    """2SFCA: supply per unit of demand for each place; sites within `reach` (same unit as travel, edge included)."""
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, (t <= reach).astype(float))


def zone_weights(travel: ArrayLike, zones: dict[float, float]) -> np.ndarray:
    """Weight of each travel time: `zones` maps upper edges (included) to weights, beyond the last it is 0."""
    t = np.asarray(travel, dtype=float)
    edges = np.array(sorted(zones))
    weights = np.append([zones[e] for e in edges], 0.0)
    return weights[np.searchsorted(edges, t, side="left")]


# Luo & Qi (2009): Gaussian weights of three ten-minute zones (0.9898 to the origin scaled to 1).
LUO_QI = {10.0: 1.0, 20.0: 0.68, 30.0: 0.22}


def enhanced_two_step(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike, *, zones: dict[float, float] | None = None) -> np.ndarray:
    """E2SFCA: as 2SFCA with zone weights in both steps."""
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, zone_weights(t, zones or LUO_QI))


def three_step(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike, *, zones: dict[float, float] | None = None) -> np.ndarray:
    """3SFCA: E2SFCA in which a place's demand is split over the sites in reach by G_ij = w_ij / sum_j w_ij."""
    s, p, t = _frames(supply, demand, travel)
    weight = zone_weights(t, zones or LUO_QI)
    chosen = weight * np.nan_to_num(quotient(weight, weight.sum(axis=1, keepdims=True)))
    return _floating(s, p, chosen)


def gravity_access(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike, *, exponent: float = -1.0, floor: float = 1.0) -> np.ndarray:
    """Gravity access with competition: sum_j S_j f_ij / sum_k P_k f_kj, f = travel ** exponent (travel floored)."""
    if exponent > 0:
        raise ValueError("exponent must not be positive: access would grow with distance")
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, np.maximum(t, floor) ** exponent)


def rational_agent(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike, *, tau: float = 60.0, cycles: int = 150) -> np.ndarray:
    """RAAM cost of each place (PySAL `access`): travel plus crowding, 1 = `tau` minutes or the region's mean crowding. Lower is better.

    The method moves whole people, so demand is rounded; places without demand and sites without supply stay out (NaN).
    """
    s, p, t = _frames(supply, demand, travel)
    people, sites = np.flatnonzero(np.round(p) > 0), np.flatnonzero(s > 0)
    cost = np.full(p.size, np.nan)
    if people.size and sites.size:
        pairs = pd.DataFrame(
            {"origin": np.repeat(people, sites.size), "dest": np.tile(sites, people.size), "cost": t[np.ix_(people, sites)].ravel()}
        )
        found = _raam(
            pd.DataFrame({"demand": np.round(p[people]).astype(int)}, index=people),
            pd.DataFrame({"supply": s[sites]}, index=sites),
            pairs,
            tau=tau,
            max_cycles=cycles,
        )
        cost[found.index.to_numpy()] = found.to_numpy()
    return cost


def relative(access: ArrayLike, demand: ArrayLike) -> np.ndarray:
    """Access as a ratio to the demand-weighted mean of the region (1 = average)."""
    a, p = np.asarray(access, dtype=float), np.asarray(demand, dtype=float)
    known = ~np.isnan(a)
    return quotient(a, quotient((a * p)[known].sum(), p[known].sum()))


def underserved(places: pd.DataFrame, *, below: float = 0.5, beyond_min: float = 30.0) -> pd.DataFrame:
    """Places with low access or far from care, most demand first.

    `places` has `relative` (access over the mean), `nearest_min` to the nearest site and `demand`, beside any context (people,
    income, vulnerability). A column `why` says which test failed.
    """
    low, far = places["relative"] < below, places["nearest_min"] > beyond_min
    why = np.select([low & far, low, far], ["low supply and far", "low supply", "far"], "")
    return places.assign(why=why).loc[low | far].sort_values("demand", ascending=False, ignore_index=True)


def within(places: pd.DataFrame, *, value: str, minutes: list[float]) -> pd.DataFrame:
    """Cumulative share of `value` (people, cases) within each travel time: `minutes, count, share`."""
    total = places[value].sum()
    counts = [places.loc[places["drive_min"] <= m, value].sum() for m in minutes]
    return pd.DataFrame({"minutes": minutes, "count": counts, "share": quotient(counts, total)})
