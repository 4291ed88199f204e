"""Who can reach care: floating catchment areas and travel bands.

Definitions: the two-step floating catchment area (2SFCA, Luo & Wang 2003) divides each site's supply by the demand within
reach and sums these ratios over the sites a place can reach; E2SFCA (Luo & Qi 2009) weighs both steps by distance zone; 3SFCA
(Wan et al. 2012) adds how likely a place chooses each site; gravity (Hansen 1959, Joseph & Bantock 1982) uses a smooth decay;
RAAM (Saxon & Snow 2020) lets people trade travel against crowding. Demand is expected cancer cases rather than people.

Known bias: outcomes hinge on the catchment and the weights, which are assumptions; supply and demand beyond the region's
edge must be within the frames given, or the edge looks underserved. Places that reach nothing get 0 (RAAM: missing).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from access.raam import raam as _raam
from numpy.typing import ArrayLike

from . import given
from .rates import quotient

# Luo & Qi (2009): Gaussian weights of three ten-minute zones (0.9898 to the origin scaled to 1).
LUO_QI: Mapping[float, float] = {10.0: 1.0, 20.0: 0.68, 30.0: 0.22}


def _frames(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(travel, pd.DataFrame):
        given.labels(demand=demand, travel=travel)
        given.labels(supply=supply, travel=travel.T)
    s, p = given.known(supply, name="supply", least=0), given.known(demand, name="demand", least=0)
    t = given.counts(travel, name="travel")
    if t.shape != (p.size, s.size):
        raise ValueError(f"travel must have a row per demand place and a column per site: {(p.size, s.size)}, not {t.shape}")
    if np.isnan(t).any():
        raise ValueError("travel must be known: write inf for a site that a place cannot reach")
    return s, p, t


def _floating(supply: np.ndarray, demand: np.ndarray, weight: np.ndarray) -> np.ndarray:
    reached = demand @ weight
    # A site that no demand reaches serves nobody: its ratio is left out, not infinite.
    ratio = np.divide(supply, reached, out=np.zeros_like(supply), where=reached > 0)
    return weight @ ratio


def two_step(supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame, *, reach: float) -> np.ndarray:
    """Two-step floating catchment area (2SFCA): supply per unit of demand for each place.

    Parameters
    ----------
    supply, demand
        Of each site (beds, machines) and of each place (expected cases).
    travel
        A row per place and a column per site, in the unit of `reach`; inf where a site cannot be reached.
    reach
        Edge of the catchment, included.

    Raises
    ------
    ValueError
        A number is missing or negative (one unknown demand would make every site's ratio unknown), or shapes or labels do not match.

    References
    ----------
    Luo & Wang (2003), Environment and Planning B 30:865.
    """
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, (t <= reach).astype(float))


def zone_weights(travel: ArrayLike, zones: Mapping[float, float]) -> np.ndarray:
    """Weight of each travel time: `zones` maps upper edges (included) to weights, beyond the last it is 0.

    Raises
    ------
    ValueError
        There is no zone, or a weight or edge is negative.
    """
    if not zones:
        raise ValueError("zones must hold at least one edge with its weight")
    edges = given.known(sorted(zones), name="zones", least=0)
    weights = np.append(given.known([zones[e] for e in sorted(zones)], name="weights of zones", least=0), 0.0)
    return weights[np.searchsorted(edges, np.asarray(travel, dtype=float), side="left")]


def enhanced_two_step(
    supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame, *, zones: Mapping[float, float] = LUO_QI
) -> np.ndarray:
    """Enhanced 2SFCA: as `two_step`, with the weight of the travel zone in both steps.

    Raises
    ------
    ValueError
        As `two_step` and `zone_weights`.

    References
    ----------
    Luo & Qi (2009), Health & Place 15:1100.
    """
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, zone_weights(t, zones))


def three_step(
    supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame, *, zones: Mapping[float, float] = LUO_QI
) -> np.ndarray:
    """Three-step floating catchment area: a place's demand is split over the sites in reach by G_ij = w_ij / sum_j w_ij.

    Raises
    ------
    ValueError
        As `two_step` and `zone_weights`.

    References
    ----------
    Wan, Zou & Sternberg (2012), International Journal of Geographical Information Science 26:1073.
    """
    s, p, t = _frames(supply, demand, travel)
    weight = zone_weights(t, zones)
    chosen = weight * np.nan_to_num(quotient(weight, weight.sum(axis=1, keepdims=True)))
    return _floating(s, p, chosen)


def gravity_access(
    supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame, *, exponent: float = -1.0, floor: float = 1.0
) -> np.ndarray:
    """Gravity access with competition: sum_j S_j f_ij / sum_k P_k f_kj, f = travel ** exponent (travel floored).

    Raises
    ------
    ValueError
        As `two_step`; or the exponent is positive, so that access would grow with distance.

    References
    ----------
    Hansen (1959), Journal of the American Institute of Planners 25:73; Joseph & Bantock (1982), Social Science & Medicine 16:85.
    """
    if exponent > 0:
        raise ValueError("exponent must not be positive: access would grow with distance")
    s, p, t = _frames(supply, demand, travel)
    return _floating(s, p, np.maximum(t, floor) ** exponent)


def rational_agent(
    supply: ArrayLike, demand: ArrayLike, travel: ArrayLike | pd.DataFrame, *, tau: float = 60.0, cycles: int = 150
) -> np.ndarray:
    """RAAM cost of each place (PySAL `access`): travel plus crowding, 1 = `tau` minutes or the region's mean crowding. Lower is better.

    The method moves whole people, so demand is rounded; places without demand, sites without supply and places that reach no site stay out
    (missing).

    Raises
    ------
    ValueError
        As `two_step`.

    References
    ----------
    Saxon & Snow (2020), Annals of the American Association of Geographers 110:218.
    """
    s, p, t = _frames(supply, demand, travel)
    people, sites = np.flatnonzero(np.round(p) > 0), np.flatnonzero(s > 0)
    people = people[np.isfinite(t[np.ix_(people, sites)]).any(axis=1)]
    cost = np.full(p.size, np.nan)
    if people.size and sites.size:
        pairs = pd.DataFrame(
            {"origin": np.repeat(people, sites.size), "dest": np.tile(sites, people.size), "cost": t[np.ix_(people, sites)].ravel()}
        )
        found = _raam(
            pd.DataFrame({"demand": np.round(p[people]).astype(int)}, index=people),
            pd.DataFrame({"supply": s[sites]}, index=sites),
            pairs[np.isfinite(pairs["cost"])],
            tau=tau,
            max_cycles=cycles,
        )
        cost[found.index.to_numpy()] = found.to_numpy()
    return cost


def relative(access: ArrayLike, demand: ArrayLike) -> np.ndarray:
    """Access as a ratio to the demand-weighted mean of the region (1 = average); missing where access is, or where nobody reaches anything.

    Raises
    ------
    ValueError
        Demand is missing or negative, or labels do not match.
    """
    given.labels(access=access, demand=demand)
    a, p = np.asarray(access, dtype=float), given.known(demand, name="demand", least=0)
    known = ~np.isnan(a)
    return np.asarray(quotient(a, quotient(float((a * p)[known].sum()), float(p[known].sum()))))


def underserved(places: pd.DataFrame, *, below: float = 0.5, beyond_min: float = 30.0) -> pd.DataFrame:
    """Places with low access or far from care.

    Parameters
    ----------
    places
        One row per place: `relative` (access over the mean), `nearest_min` to the nearest site and `demand`, beside any context (people,
        income, vulnerability). An unknown value fails no test.
    below, beyond_min
        Low is below this ratio, far beyond these minutes.

    Returns
    -------
    One row per place that fails a test, most demand first: the columns of `places` and `why`, which test failed.

    Raises
    ------
    ValueError
        A column is missing.
    """
    given.columns(places, ["relative", "nearest_min", "demand"], name="places")
    low, far = places["relative"] < below, places["nearest_min"] > beyond_min
    why = np.select([low & far, low, far], ["low supply and far", "low supply", "far"], "")
    return places.assign(why=why).loc[low | far].sort_values("demand", ascending=False, ignore_index=True)


def within(places: pd.DataFrame, *, value: str, minutes: list[float]) -> pd.DataFrame:
    """Who lives within some travel times.

    Parameters
    ----------
    places
        One row per place: `drive_min`, and the column named by `value` (people, cases).

    Returns
    -------
    One row per travel time: `minutes`, `count` and `share` (0 to 1) of all places; a place of unknown travel time is in no count.

    Raises
    ------
    ValueError
        A column is missing.
    """
    given.columns(places, ["drive_min", value], name="places")
    counts = [float(places.loc[places["drive_min"] <= m, value].sum()) for m in minutes]
    return pd.DataFrame({"minutes": minutes, "count": counts, "share": quotient(counts, float(places[value].sum()))})
