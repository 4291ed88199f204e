"""Patient origin, suppressed bounds and service areas, on hand-worked maps and against an exhaustive search."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.market import service_area as area


def flows(**cases):
    return pd.DataFrame({"zip": [k.lstrip("z") for k in cases], "cases_n": pd.array(list(cases.values()), dtype="Float64")})


def grid(width, height):
    """A checkerboard of ZIPs "xy", rook neighbors."""
    names = [f"{x}{y}" for x in range(width) for y in range(height)]  # in order: what a test draws must not hang on a set's
    return {n: {m for m in names if abs(int(n[0]) - int(m[0])) + abs(int(n[1]) - int(m[1])) == 1} for n in names}


def test_origin_ranks_by_number_not_text_and_ties_by_zip():
    found = area.patient_origin(flows(z60002=9, z60001=100, z60004=20, z60003=20))
    assert found["zip"].tolist() == ["60001", "60003", "60004", "60002"]
    assert found["share"].sum() == pytest.approx(1)


def test_the_crossing_zip_is_inside():
    found = area.patient_origin(flows(z1=40, z2=30, z3=20, z4=10))
    assert area.crossing(found, 0.75).tolist() == [True, True, True, False]
    assert area.crossing(found, 0.70).tolist() == [True, True, False, False]  # reached exactly: no further ZIP
    assert area.crossing(found, 1.0).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        area.crossing(found, 75)


def test_primary_and_secondary_areas_by_patient_origin():
    found = area.patient_origin(flows(z1=40, z2=20, z3=15, z4=10, z5=10, z6=5))
    assert area.primary_secondary(found, primary=0.55, secondary=0.25).tolist() == ["PSA", "PSA", "SSA", "SSA", "outside", "outside"]


def test_suppressed_zips_are_bounds_never_zero():
    found = area.patient_origin(flows(z1=80, z2=None, z3=None))
    hidden = found[found["cases_n"].isna()]
    assert hidden["cases_low"].tolist() == [1, 1] and hidden["cases_high"].tolist() == [10, 10]
    top = found.iloc[0]
    assert (top["share_low"], top["share_high"]) == (80 / 100, 80 / 82)
    assert hidden["share_low"].iloc[0] == pytest.approx(1 / (80 + 10 + 1))
    assert hidden["share_high"].iloc[0] == pytest.approx(10 / (80 + 1 + 10))
    assert not area.crossing(found, 0.99).iloc[1:].any()


def test_a_known_total_tightens_the_bounds():
    rows = flows(z1=80, z2=None, z3=None)
    tight = area.bounds(rows, total=99)
    assert tight.iloc[1].tolist() == [9, 10]
    exact = area.bounds(flows(z1=80, z2=None), total=84)
    assert exact.iloc[1].tolist() == [4, 4]
    with pytest.raises(ValueError, match="cannot hold"):
        area.bounds(rows, total=150)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_bounds_hold_the_truth_whatever_is_suppressed(counts):
    truth = np.array(counts)
    hidden = (truth >= 1) & (truth <= 10)
    rows = pd.DataFrame(
        {"zip": [str(i) for i in range(len(truth))], "cases_n": np.where(hidden, np.nan, truth), "cases_n_suppressed": hidden}
    )
    for total in (None, int(truth.sum())):
        found = area.bounds(rows, total=total)
        assert (found["cases_low"] <= truth).all() and (truth <= found["cases_high"]).all()


def test_all_suppressed_flows_give_no_area_and_say_so():
    found = area.patient_origin(flows(z1=None, z2=None))
    assert found["share"].isna().all() and found["share_high"].notna().all()
    result = area.contiguous(found, {"1": {"2"}, "2": {"1"}})
    assert result.note == "no known patient origin" and np.isnan(result.share_after) and result.members == []


def test_contiguity_fills_the_hole_and_flags_the_island():
    # A ring around 11, and an island at 66 with more patients than the ring's last member.
    cases = {f"z{n}": 12 for n in ("00", "01", "02", "10", "12", "20", "21", "22")} | {"z11": 1, "z66": 14, "z30": 7}
    result = area.contiguous(area.patient_origin(flows(**cases)), grid(7, 7), threshold=0.85)
    role = result.zips.set_index("zip")["role"]
    assert role["11"] == "hole" and role["66"] == "island" and "66" not in result.members
    assert result.share_before == pytest.approx((8 * 12 + 14) / 118)
    assert result.share_after == pytest.approx((8 * 12 + 1 + 7) / 118) and role["30"] == "added"
    assert result.note == ""


def test_contiguity_that_cannot_reach_the_threshold_says_so():
    result = area.contiguous(area.patient_origin(flows(z00=50, z55=50)), grid(6, 6), threshold=0.75)
    assert "do not reach" in result.note and result.share_after == 0.5


def test_two_halves_are_bridged_by_the_cheapest_chain():
    result = area.contiguous(area.patient_origin(flows(z00=50, z02=40, z22=10)), grid(4, 4), threshold=0.75)
    assert result.zips.set_index("zip")["role"].to_dict() == {"00": "core", "02": "core", "01": "added"}


def test_a_joined_island_becomes_part_of_the_area():
    result = area.contiguous(area.patient_origin(flows(z00=50, z02=30, z01=15, z40=5)), grid(5, 5), threshold=0.79)
    assert set(result.members) == {"00", "01", "02"} and (result.zips["role"] != "island").all()


def fewest(cases, neighbors, threshold):
    """Exhaustive search: the size of the smallest connected set that holds the threshold."""
    total = sum(cases.values())
    for size in range(1, len(cases) + 1):
        for chosen in itertools.combinations(sorted(cases), size):
            if sum(cases[z] for z in chosen) / total >= threshold - 1e-12 and len(area._components(list(chosen), neighbors)) == 1:
                return size
    return None


def random_map(seed, width=3, height=3):
    """Neighbors, patients with a few large ZIPs, and the border: open to the outside, so that no corner is a hole to fill."""
    random, neighbors = np.random.default_rng(seed), grid(width, height)
    cases = {n: int(11 + random.pareto(1.2) * 20) for n in neighbors}
    return neighbors, cases, {n for n in neighbors if len(neighbors[n]) < 4}


def contiguous(neighbors, cases, border, **facts):
    return area.contiguous(area.patient_origin(flows(**{f"z{k}": v for k, v in cases.items()})), neighbors, edge=border, **facts)


def test_the_contiguous_area_is_valid_and_nearly_always_the_exhaustive_minimum():
    over = []
    for seed in range(200):
        neighbors, cases, border = random_map(seed)
        result = contiguous(neighbors, cases, border)
        assert len(area._components(result.members, neighbors)) == 1
        assert result.share_after >= 0.75 - 1e-9
        over.append(len(result.members) - fewest(cases, neighbors, 0.75))
    assert set(over) == {0, 1}
    assert over.count(0) >= 185


@pytest.mark.parametrize("seed", range(20))
def test_pruning_only_takes_away_and_leaves_nothing_to_take(seed, monkeypatch):
    neighbors, cases, border = random_map(seed, 6, 6)
    pruned = contiguous(neighbors, cases, border)
    monkeypatch.setattr(area, "_pruned", lambda inside, *rest: inside)
    grown = contiguous(neighbors, cases, border)
    assert set(pruned.members) <= set(grown.members)
    assert pruned.share_after >= 0.75 - 1e-9
    total = sum(cases.values())
    for each in pruned.members:
        rest = set(pruned.members) - {each}
        reached = sum(cases[z] for z in rest) / total >= 0.75
        assert not (reached and len(area._components(sorted(rest), neighbors)) == 1 and not area.holes(rest, neighbors, border))


def test_a_ranked_zip_that_the_bridge_makes_needless_is_dropped_and_is_no_island():
    """01 joins 00 and 02 and brings 14: with it, 10, which ranking had taken in, is no longer needed."""
    result = contiguous(grid(4, 4), {"00": 40, "02": 25, "10": 15, "01": 14, "33": 6}, (), threshold=0.76)
    assert result.zips.set_index("zip")["role"].to_dict() == {"00": "core", "02": "core", "01": "added"}
    assert (result.share_before, result.share_after) == (pytest.approx(0.80), pytest.approx(0.79))


def test_lifo_and_lofi_by_their_formulas():
    table = pd.DataFrame({"ccn": ["A", "A", "B", "B"], "zip": ["1", "2", "1", "2"], "cases_n": [60, 20, 15, 100]})
    found = area.lifo_lofi(table, zips=["1"], hospitals=["A"])
    assert (found.lifo, found.lofi) == (60 / 80, 60 / 75)
    closed = area.lifo_lofi(table, zips=["1", "2"], hospitals=["A", "B"])
    assert closed.lifo == closed.lofi == 1
    assert np.isnan(area.lifo_lofi(table, zips=[], hospitals=["A"]).lofi)


def test_a_repeated_zip_is_refused():
    with pytest.raises(ValueError, match="one row per ZIP"):
        area.patient_origin(pd.DataFrame({"zip": ["1", "1"], "cases_n": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("total", "value", "complete"),
    [(35, 35.0, True), (45, 45.0, True), (60, 60.0, False), (31, None, True), (20, None, True), (None, None, True), (np.nan, None, True)],
)
def test_a_published_total_is_used_as_far_as_the_flows_bear_it_out(total, value, complete):
    rows = pd.DataFrame({"zip": ["1", "2", "3"], "cases_n": [30.0, np.nan, np.nan]})
    found = area.usable_total(rows, total)
    assert (found.value, found.complete, bool(found.note)) == (value, complete, value is None or not complete)
    origin = area.patient_origin(rows, total=found.value, complete=found.complete)
    assert origin["share"].iloc[0] == pytest.approx(30 / (value or 41))


def test_flows_that_carry_their_bounds_keep_them():
    rows = flows(z1=30, z2=None, z3=None).assign(cases_low=[30.0, 1, 1], cases_high=[30.0, 20, 20])
    assert area.bounds(rows)["cases_high"].tolist() == [30, 20, 20]
    assert area.usable_total(rows, 65).complete, "35 fit into two ZIPs of at most 20"
    assert "1 to 20" in area.usable_total(rows, None).note
    assert area.patient_origin(rows)["cases_high"].tolist() == [30, 20, 20]
