"""Is a pattern on the map more than chance: Moran's I, local clusters (LISA) and hot spots (Gi*).

Definitions: Moran's I (PySAL `esda`) correlates each area's value with the mean of its neighbors (row-standardized weights);
LISA (Anselin 1995) is its local part; Gi* (Getis & Ord 1992) sums an area's value and its neighbors'. Pseudo p-values come from conditional
permutation, two-sided, with a stated seed, and local ones are screened by the false discovery rate (Benjamini & Hochberg 1995).

Known bias: outcomes depend on the neighbor rule; areas at the edge have fewer neighbors; rates of small areas vary more, so
smoothed rates should go in; areas without neighbors (islands) are reported and get no local result.
"""

from typing import Any, NamedTuple, get_args

import esda
import geopandas as gpd
import numpy as np
import pandas as pd
from libpysal.graph import Graph
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.multitest import multipletests

from . import given
from .geo import FLAT, Rule

SEED = 20251231
PERMUTATIONS = 999


class Global(NamedTuple):
    """Global Moran's I with expectation, permutation p-value, and the weights, islands and seed it rests on."""

    i: float
    expected: float
    p: float
    n: int
    islands: list[str]
    weights: str
    permutations: int
    seed: int
    note: str = ""


def contiguity(areas: gpd.GeoDataFrame, *, key: str, rule: Rule = "queen") -> Graph:
    """Contiguity weights of polygons, identified by `key`: queen by a common point, rook by a common border; who touches nobody is an
    island.

    Raises
    ------
    ValueError
        The rule is not known, or two areas have one key.
    """
    given.word(rule, get_args(Rule), name="rule")
    _refuse_twice(areas[key], key)
    return Graph.build_contiguity(areas.set_index(key).to_crs(FLAT), rook=rule == "rook")


def nearest_neighbors(frame: gpd.GeoDataFrame, *, key: str, k: int = 5) -> Graph:
    """k-nearest-neighbor weights between centroids; of fewer areas than `k` all are neighbors.

    Raises
    ------
    ValueError
        `k` is below 1, or two areas have one key.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    _refuse_twice(frame[key], key)
    flat = frame.set_index(key).to_crs(FLAT)
    return Graph.build_knn(flat.set_geometry(flat.centroid), k=min(k, len(flat) - 1))


def _refuse_twice(names: pd.Series | pd.Index, what: str) -> None:
    if names.duplicated().any():
        raise ValueError(f"{what} must name each area once: {names[names.duplicated()][:1].tolist()[0]} is there more than once")


def _ready(values: pd.Series, graph: Graph) -> tuple[pd.Series, Graph, str]:
    _refuse_twice(values.index, "the labels of values")
    if strange := sorted(set(map(str, values.index)) - set(map(str, graph.unique_ids))):
        raise ValueError(f"values have labels that the weights do not know: {', '.join(strange[:3])}")
    known = values.dropna()
    part = graph.subgraph(known.index)
    known = known.reindex(part.unique_ids)
    if len(known) < 4:
        return known, part, "fewer than four areas with a value"
    return known, part, "all values are equal" if np.ptp(known.to_numpy(float)) == 0 else ""


def morans_i(values: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = SEED, weights: str = "queen") -> Global:
    """Moran's I of values indexed by the graph's keys; areas without a value are left out of values and weights.

    Raises
    ------
    ValueError
        A label is not in the graph, or stands twice.

    References
    ----------
    Moran (1950), Biometrika 37:17; Cliff & Ord (1981), Spatial Processes.
    """
    known, part, note = _ready(values, graph)
    islands = list(part.isolates)
    if note or not part.n_edges:
        return Global(np.nan, np.nan, np.nan, len(known), islands, weights, permutations, seed, note or "no area has a neighbor")
    z = known.to_numpy(float)
    matrix = part.transform("r").sparse.tocsr()
    fit = esda.Moran(z, part.transform("r"), permutations=0)
    random = np.random.default_rng(seed)
    z = (z - z.mean()) / z.std()
    drawn = random.permuted(np.tile(z, (permutations, 1)), axis=1)
    simulated = np.einsum("pi,pi->p", drawn, (matrix @ drawn.T).T) * len(z) / (matrix.sum() * (z**2).sum())
    p = _two_sided(np.array([fit.I]), simulated[:, None])[0]
    return Global(float(fit.I), float(fit.EI), float(p), len(known), islands, weights, permutations, seed)


def _two_sided(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Pseudo p-value, twice the smaller tail: (r + 1) / (permutations + 1) in each."""
    draws = len(simulated)
    above = (simulated >= observed).sum(axis=0)
    return np.minimum(2 * (np.minimum(above, draws - above) + 1) / (draws + 1), 1.0)


def _conditional(z: np.ndarray, matrix: Any, permutations: int, seed: int) -> np.ndarray:
    """Simulated neighbor sums of each area when the other areas' values are shuffled (permutations x areas)."""
    random, n = np.random.default_rng(seed), len(z)
    cards = np.diff(matrix.indptr)
    picks = np.argsort(random.random((permutations, n - 1)), axis=1)[:, : max(int(cards.max()), 1)]
    sums = np.zeros((permutations, n))
    for i in range(n):
        others = np.delete(z, i)
        weights = matrix.data[matrix.indptr[i] : matrix.indptr[i + 1]]
        sums[:, i] = others[picks[:, : cards[i]]] @ weights
    return sums


def lisa(values: pd.Series, graph: Graph, *, permutations: int = PERMUTATIONS, seed: int = SEED, fdr: float = 0.05) -> pd.DataFrame:
    """Local Moran's I by area, with I and quadrant of `esda.Moran_Local`.

    Returns
    -------
    One row per area: `<index>` (the name of the labels, else "area"), `value`, `i`, `p`, and `cluster`: "high-high", "low-low", "high-low"
    or "low-high" where the false discovery rate allows, "not significant" otherwise, "no neighbors" for an island, "no value" where none
    was given.

    Raises
    ------
    ValueError
        A label is not in the graph, or stands twice.

    References
    ----------
    Anselin (1995), Geographical Analysis 27:93.
    """
    known, part, note = _ready(values, graph)
    if note:
        return (
            pd.DataFrame({"value": values, "i": np.nan, "p": np.nan, "cluster": note})
            .rename_axis(values.index.name or "area")
            .reset_index()
        )
    z = known.to_numpy(float)
    z = (z - z.mean()) / z.std()
    matrix = part.transform("r").sparse.tocsr()
    local = esda.Moran_Local(known.to_numpy(float), part.transform("r"), permutations=0)
    p = _two_sided(z * (matrix @ z), z * _conditional(z, matrix, permutations, seed))
    names = pd.Series(local.q).map({1: "high-high", 2: "low-high", 3: "low-low", 4: "high-low"})
    return _labeled(values, known, part, {"i": local.Is, "p": p}, names.to_numpy(), fdr)


def _labeled(values: pd.Series, known: pd.Series, part: Graph, columns: dict, names: np.ndarray, fdr: float) -> pd.DataFrame:
    alone = known.index.isin(part.isolates)
    frame = pd.DataFrame({"value": known, **columns}, index=known.index)
    frame.loc[alone, list(columns)] = np.nan
    found = np.zeros(len(known), bool)
    if (~alone).any():
        found[~alone] = false_discoveries(frame.loc[~alone, "p"], alpha=fdr)
    frame["cluster"] = np.select([alone, found], ["no neighbors", names], "not significant")
    out = frame.reindex(values.index)
    return out.assign(cluster=out["cluster"].fillna("no value")).rename_axis(values.index.name or "area").reset_index()


def false_discoveries(p: ArrayLike, *, alpha: float = 0.05) -> np.ndarray:
    """Which p-values stand at a false discovery rate.

    Raises
    ------
    ValueError
        A p-value is missing or not between 0 and 1.

    References
    ----------
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57:289.
    """
    return multipletests(given.known(p, name="p", least=0, most=1), alpha=alpha, method="fdr_bh")[0]


def hot_spots(values: pd.Series, graph: Graph, *, fdr: float = 0.05) -> pd.DataFrame:
    """Getis-Ord Gi* by area (`esda.G_Local`), with two-sided normal p-values.

    Returns
    -------
    One row per area: `<index>` (the name of the labels, else "area"), `value`, `z`, `p`, and `cluster`: "hot" or "cold" where the false
    discovery rate allows, else as `lisa`.

    Raises
    ------
    ValueError
        A label is not in the graph, or stands twice.

    References
    ----------
    Getis & Ord (1992), Geographical Analysis 24:189; Ord & Getis (1995), 27:286.
    """
    known, part, note = _ready(values, graph)
    if note:
        return (
            pd.DataFrame({"value": values, "z": np.nan, "p": np.nan, "cluster": note})
            .rename_axis(values.index.name or "area")
            .reset_index()
        )
    with_self = part.assign_self_weight(1)
    z = esda.G_Local(known.to_numpy(float), with_self, transform="B", star=None, permutations=0).Zs
    p = 2 * stats.norm.sf(np.abs(z))
    return _labeled(values, known, part, {"z": z, "p": p}, np.where(z > 0, "hot", "cold"), fdr)


def clusters(
    values: pd.Series, areas: gpd.GeoDataFrame, *, key: str, name: str, permutations: int, seed: int, fdr: float
) -> tuple[Global, pd.DataFrame]:
    """Global Moran's I, with LISA and Gi* side by side: the areas that either calls, with their names.

    Returns
    -------
    `Global`, and one row per area called by at least one of the two, highest value first: `<key>`, `<name>`, `value`, `i`, `lisa` and
    `hot_spot` (the clusters of `lisa` and `hot_spots`), and `z`.

    Raises
    ------
    ValueError
        A label of values is not among the areas, or stands twice.
    """
    part = areas[areas[key].isin(values.dropna().index)]
    if len(part) < 4:
        none = pd.DataFrame(columns=[key, name, "value", "i", "lisa", "z", "hot_spot"])
        return Global(np.nan, np.nan, np.nan, len(part), [], "queen", permutations, seed, "fewer than four areas with a value"), none
    graph = contiguity(part, key=key)
    local = lisa(values, graph, permutations=permutations, seed=seed, fdr=fdr).set_index(key).rename(columns={"cluster": "lisa"})
    hot = hot_spots(values, graph, fdr=fdr).set_index(key).rename(columns={"cluster": "hot_spot"})
    both = local[["value", "i", "lisa"]].join(hot[["z", "hot_spot"]])
    called = both[both["lisa"].isin(["high-high", "low-low", "high-low", "low-high"]) | both["hot_spot"].isin(["hot", "cold"])]
    table = called.join(part.set_index(key)[name]).sort_values("value", ascending=False).reset_index()
    return morans_i(values, graph, permutations=permutations, seed=seed), table[[key, name, "value", "i", "lisa", "z", "hot_spot"]]
