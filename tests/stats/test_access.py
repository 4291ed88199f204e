"""Floating catchments against hand-worked toys, PySAL `access` and plain loops."""

import access as pysal
import numpy as np
import pandas as pd
import pytest
from access.fca import three_stage_fca, two_stage_fca

from catchment.stats import access

assert pysal  # the second implementation


@pytest.fixture
def region():
    random = np.random.default_rng(3)
    return random.uniform(1, 9, 6), random.uniform(50, 900, 25), random.uniform(1, 55, (25, 6))


def slow(supply, demand, travel, weight, choose=False):
    """Plain loops over the definitions."""
    g = [[1.0] * len(supply) for _ in demand]
    if choose:
        g = [[weight(t) / total if (total := sum(map(weight, row))) else 0.0 for t in row] for row in travel]
    ratios = []
    for j, s in enumerate(supply):
        reached = sum(p * weight(travel[i][j]) * g[i][j] for i, p in enumerate(demand))
        ratios.append(s / reached if reached else 0.0)
    return [sum(weight(t) * g[i][j] * ratios[j] for j, t in enumerate(row)) for i, row in enumerate(travel)]


def zone(t):
    return 1.0 if t <= 10 else 0.68 if t <= 20 else 0.22 if t <= 30 else 0.0


def frames(region):
    s, p, t = region
    i, j = np.indices(t.shape)
    costs = pd.DataFrame({"origin": i.ravel(), "dest": j.ravel(), "cost": t.ravel()})
    return pd.DataFrame({"demand": p}).rename_axis("geoid"), pd.DataFrame({"supply": s}).rename_axis("geoid"), costs


def test_two_step_of_a_hand_worked_toy():
    # Two physicians and one, as in Luo & Wang's figure: R = 1/8 and 2/4 where catchments overlap.
    found = access.two_step([1, 2], [4, 4], [[5, 40], [5, 5]], reach=30)
    assert found.tolist() == [1 / 8, 1 / 8 + 2 / 4]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # raised inside PySAL access under pandas 3.1
def test_methods_agree_with_loops_and_with_pysal(region):
    s, p, t = region
    demand, supply, costs = frames(region)
    two = access.two_step(s, p, t, reach=30)
    assert np.allclose(two, slow(s, p, t, lambda v: float(v <= 30)))
    reference = two_stage_fca(demand, supply, costs, max_cost=30)
    assert np.allclose(two[reference.index], reference)
    assert np.allclose(access.enhanced_two_step(s, p, t), slow(s, p, t, zone))
    three = access.three_step(s, p, t)
    assert np.allclose(three, slow(s, p, t, zone, choose=True))
    reference = three_stage_fca(demand, supply, costs, max_cost=30, weight_fn=zone)
    assert np.allclose(three[reference.index], reference)


def test_a_catchment_that_covers_everything_gives_total_supply_over_total_demand(region):
    s, p, t = region
    assert np.allclose(access.two_step(s, p, t, reach=1e9), s.sum() / p.sum())
    assert np.allclose(access.enhanced_two_step(s, p, t, zones={1e9: 1.0}), s.sum() / p.sum())
    assert np.allclose(access.gravity_access(s, p, t, exponent=0.0), s.sum() / p.sum())


def test_supply_is_conserved(region):
    s, p, t = region
    for found in (access.two_step(s, p, t, reach=60), access.gravity_access(s, p, t), access.three_step(s, p, t, zones={60: 1.0})):
        assert (found * p).sum() == pytest.approx(s.sum())


def test_rational_agents_prefer_near_and_uncrowded_sites():
    cost = access.rational_agent([10, 10], [500, 500, 500], [[5, 60], [5, 60], [60, 5]], tau=60)
    assert cost[2] < cost[0] == pytest.approx(cost[1], abs=0.05)


def test_zone_edges_belong_to_the_nearer_zone():
    assert access.zone_weights([0, 10, 10.01, 30, 30.01], access.LUO_QI).tolist() == [1, 1, 0.68, 0.22, 0]


def test_nothing_in_reach_and_no_demand_are_zero_not_infinite():
    assert access.two_step([5.0], [0.0, 10.0], [[5], [99]], reach=30).tolist() == [0.0, 0.0]
    assert np.isnan(access.rational_agent([0.0], [5.0], [[1.0]])).all()
    assert np.isnan(access.relative([0.0, 0.0], [1, 1])).all()
    with pytest.raises(ValueError, match="negative"):
        access.two_step([1], [1], [[-1]], reach=5)
    with pytest.raises(ValueError, match="row per demand place"):
        access.two_step([1, 2], [1], [[1]], reach=5)
    with pytest.raises(ValueError, match="exponent"):
        access.gravity_access([1], [1], [[1]], exponent=1)


@pytest.mark.parametrize(
    "method",
    [
        lambda *frames: access.two_step(*frames, reach=30),
        access.enhanced_two_step,
        access.three_step,
        access.gravity_access,
        access.rational_agent,
    ],
)
def test_one_unknown_number_is_refused_and_not_spread(method):
    supply, demand, travel = [5.0, 3.0], [10.0, 20.0], [[5.0, 10.0], [10.0, 5.0]]
    for frames, said in (
        ((supply, [10.0, np.nan], travel), "demand must be known: 1 of 2"),
        (([np.nan, 3.0], demand, travel), "supply must be known"),
        ((supply, demand, [[5.0, np.nan], [10.0, 5.0]]), "write inf"),
    ):
        with pytest.raises(ValueError, match=said):
            method(*frames)
    assert np.isfinite(method(supply, demand, travel)).all()


def test_a_site_that_cannot_be_reached_is_infinitely_far():
    travel = [[5.0, np.inf], [np.inf, np.inf]]
    assert access.two_step([4, 9], [2, 3], travel, reach=30).tolist() == [2.0, 0.0]
    assert access.gravity_access([4, 9], [2, 3], travel).tolist() == [2.0, 0.0]
    near, nowhere = access.rational_agent([4, 9], [2, 3], travel)
    assert np.isfinite(near) and np.isnan(nowhere)


def test_travel_with_labels_must_have_those_of_places_and_sites():
    travel = pd.DataFrame([[5.0, 40.0], [5.0, 5.0]], index=["p", "q"], columns=["s", "t"])
    demand, supply = pd.Series([4.0, 4.0], index=["p", "q"]), pd.Series([1.0, 2.0], index=["s", "t"])
    assert access.two_step(supply, demand, travel, reach=30).tolist() == [1 / 8, 1 / 8 + 2 / 4]
    with pytest.raises(ValueError, match="demand and travel have different labels"):
        access.two_step(supply, demand[::-1], travel, reach=30)
    with pytest.raises(ValueError, match="supply and travel have different labels"):
        access.two_step(supply.rename({"t": "u"}), demand, travel, reach=30)
    with pytest.raises(ValueError, match="access and demand have different labels"):
        access.relative(demand[::-1], demand)


def test_zones_are_needed_and_never_negative():
    with pytest.raises(ValueError, match="at least one edge"):
        access.enhanced_two_step([1], [1], [[1]], zones={})
    with pytest.raises(ValueError, match="weights of zones must not be negative"):
        access.zone_weights([1], {10: -1})
    with pytest.raises(ValueError, match="places lacks the columns nearest_min, demand"):
        access.underserved(pd.DataFrame({"relative": [1.0]}))


def test_a_buffer_changes_the_edge():
    inside = access.two_step([4], [100, 100], [[5], [20]], reach=30)
    buffered = access.two_step([4, 6], [100, 100, 200], [[5, 50], [20, 25], [50, 5]], reach=30)
    assert buffered[1] > inside[1]


def test_underserved_places_say_why():
    places = pd.DataFrame(
        {"zip": list("abcd"), "relative": [0.2, 1.1, 0.3, 1.0], "nearest_min": [50, 40, 10, 5], "demand": [5.0, 9.0, 7.0, 1.0]}
    )
    found = access.underserved(places)
    assert found["zip"].tolist() == ["b", "c", "a"] and found["why"].tolist() == ["far", "low supply", "low supply and far"]


def test_reach_is_cumulative():
    places = pd.DataFrame({"drive_min": [5, 25, 45, 80], "cases": [10, 20, 30, 40]})
    assert access.within(places, value="cases", minutes=[15, 30, 60])["share"].tolist() == [0.1, 0.3, 0.6]
