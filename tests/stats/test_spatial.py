"""Spatial statistics against PySAL esda and planted patterns; islands, missing and equal values."""

import esda
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from catchment.stats import spatial
from catchment.stats.geo import FLAT


@pytest.fixture(scope="module")
def lattice():
    cells = [(x, y) for x in range(10) for y in range(10)]
    frame = gpd.GeoDataFrame({"area": [f"{x}{y}" for x, y in cells]}, geometry=[box(x, y, x + 1, y + 1) for x, y in cells], crs=FLAT)
    return frame, spatial.contiguity(frame, key="area")


def values(kind, frame):
    random = np.random.default_rng(6)
    noise = random.normal(0, 1, len(frame))
    corner = frame["area"].isin([f"{x}{y}" for x in range(3) for y in range(3)])
    return pd.Series(noise + (4 * corner.to_numpy() if kind == "cluster" else 0), index=frame["area"])


def test_moran_and_its_p_value_agree_with_esda(lattice):
    frame, graph = lattice
    np.random.seed(4)  # esda permutes by numpy's global generator
    for kind in ("cluster", "noise"):
        ours = spatial.morans_i(values(kind, frame), graph, permutations=9_999)
        theirs = esda.Moran(values(kind, frame).to_numpy(), graph.transform("r"), permutations=9_999)
        assert ours.i == pytest.approx(theirs.I) and ours.expected == pytest.approx(-1 / 99)
        assert ours.p == pytest.approx(min(2 * theirs.p_sim, 1), abs=0.05)
    assert spatial.morans_i(values("cluster", frame), graph).p < 0.01 < 0.05 < ours.p


def test_a_checkerboard_is_negatively_correlated():
    cells = [(x, y) for x in range(8) for y in range(8)]
    frame = gpd.GeoDataFrame({"area": [f"{x}{y}" for x, y in cells]}, geometry=[box(x, y, x + 1, y + 1) for x, y in cells], crs=FLAT)
    board = pd.Series([(x + y) % 2 for x, y in cells], index=frame["area"], dtype=float)
    assert spatial.morans_i(board, spatial.contiguity(frame, key="area", rule="rook")).i == pytest.approx(-1)


def test_local_clusters_are_found_and_agree_with_esda(lattice):
    frame, graph = lattice
    series = values("cluster", frame)
    found = spatial.lisa(series, graph).set_index("area")
    assert found.loc["11", "cluster"] == "high-high"
    away = found.loc[[f"{x}{y}" for x in range(5, 10) for y in range(5, 10)], "cluster"]
    assert (away != "high-high").all() and (away == "not significant").mean() > 0.8
    theirs = esda.Moran_Local(series.to_numpy(), graph.transform("r"), permutations=0)
    assert np.allclose(found["i"], theirs.Is)
    # Conditional permutation, slowly, for a corner, an edge and an inner area.
    random, z = np.random.default_rng(3), ((series - series.mean()) / series.std(ddof=0)).to_numpy()
    rows = graph.transform("r").sparse.tocsr()
    for i in (0, 5, 44):
        weights, others = rows.data[rows.indptr[i] : rows.indptr[i + 1]], np.delete(z, i)
        draws = np.array([z[i] * (random.choice(others, len(weights), replace=False) @ weights) for _ in range(999)])
        seen = z[i] * (rows @ z)[i]
        p = min(1, 2 * (min((draws >= seen).sum(), (draws < seen).sum()) + 1) / 1000)
        assert found["p"].iloc[i] == pytest.approx(p, abs=0.12)


def test_noise_gives_no_clusters_after_the_false_discovery_rate(lattice):
    frame, graph = lattice
    found = spatial.lisa(values("noise", frame), graph)
    assert (found["cluster"] == "not significant").mean() > 0.97
    assert (found["p"] < 0.05).sum() > 0  # which uncorrected p-values would have called clusters


def test_hot_spots_agree_with_esda_and_find_the_corner(lattice):
    frame, graph = lattice
    series = values("cluster", frame)
    found = spatial.hot_spots(series, graph).set_index("area")
    theirs = esda.G_Local(series.to_numpy(), graph, transform="B", star=True, permutations=0)
    assert np.allclose(found["z"], theirs.Zs) and found.loc["11", "cluster"] == "hot"


def test_seed_makes_results_repeatable(lattice):
    frame, graph = lattice
    a, b = (spatial.lisa(values("noise", frame), graph, seed=5) for _ in range(2))
    assert a.equals(b) and not a.equals(spatial.lisa(values("noise", frame), graph, seed=6))


def test_islands_missing_and_equal_values_are_named(lattice):
    frame, _ = lattice
    far = gpd.GeoDataFrame({"area": ["island"]}, geometry=[box(50, 50, 51, 51)], crs=FLAT)
    both = pd.concat([frame, far], ignore_index=True)
    graph = spatial.contiguity(both, key="area")
    series = values("cluster", both)
    series["55"] = np.nan
    result = spatial.morans_i(series, graph)
    assert result.islands == ["island"] and result.n == 100 and np.isfinite(result.i)
    for found in (spatial.lisa(series, graph), spatial.hot_spots(series, graph)):
        labels = found.set_index("area")["cluster"]
        assert labels["island"] == "no neighbors" and labels["55"] == "no value" and len(found) == 101
    flat = spatial.morans_i(series * 0 + 1, graph)
    assert np.isnan(flat.i) and flat.note == "all values are equal"
    assert spatial.morans_i(series[:3], graph).note == "fewer than four areas with a value"
    assert (spatial.lisa(series[:3], graph)["cluster"] == "fewer than four areas with a value").all()


def test_words_and_labels_that_are_not_known_are_refused(lattice):
    frame, graph = lattice
    with pytest.raises(ValueError, match="rule is one of queen, rook, not 'Rook'"):
        spatial.contiguity(frame, key="area", rule="Rook")
    series = values("noise", frame)
    for method in (spatial.morans_i, spatial.lisa, spatial.hot_spots):
        with pytest.raises(ValueError, match="labels that the weights do not know: 0, 1, 2"):
            method(series.reset_index(drop=True), graph)
        with pytest.raises(ValueError, match="labels of values must name each area once: 00 is there"):
            method(pd.concat([series, series[:1]]), graph)
    with pytest.raises(ValueError, match="area must name each area once"):
        spatial.contiguity(pd.concat([frame, frame[:1]]), key="area")
    with pytest.raises(ValueError, match="k must be at least 1"):
        spatial.nearest_neighbors(frame, key="area", k=0)
    with pytest.raises(ValueError, match="p must be known"):
        spatial.false_discoveries([0.1, np.nan])


def test_nearest_neighbors_are_the_nearest(lattice):
    frame, _ = lattice
    assert set(spatial.nearest_neighbors(frame, key="area", k=4)["44"].index) == {"34", "54", "43", "45"}
    assert len(spatial.nearest_neighbors(frame[:3], key="area", k=9)["00"]) == 2


def test_benjamini_hochberg_1995_example():
    # Benjamini & Hochberg (1995), section 3.2: of 15 tests four stand at 0.05.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert spatial.false_discoveries(p).sum() == 4


@pytest.mark.slow
def test_moran_keeps_its_level(lattice):
    frame, graph = lattice
    random = np.random.default_rng(9)
    rejected = [
        spatial.morans_i(pd.Series(random.normal(size=100), index=frame["area"]), graph, permutations=99, seed=i).p < 0.05
        for i in range(100)
    ]
    assert 0.0 < np.mean(rejected) <= 0.11
