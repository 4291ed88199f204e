"""Share, concentration and shift-share against published worked examples and limits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.market import shares
from catchment.stats import concentration


def table(rows):
    return pd.DataFrame(rows, columns=["ccn", "zip", "system", "cases_n"])


def test_concentration_counts_systems_not_campuses():
    rows = table([("A", "1", "One", 30), ("B", "1", "One", 30), ("C", "1", "Two", 40)]).assign(year=2023)
    assert shares.concentration_by_year(rows)["hhi"].item() == pytest.approx(60**2 + 40**2)
    assert shares.concentration_by_year(rows, by="ccn")["hhi"].item() == pytest.approx(30**2 + 30**2 + 40**2)


def test_patient_flow_hhi_of_a_kessler_mcclellan_toy():
    # ZIP 1: A 50, B 50 (HHI 5,000). ZIP 2: A 100 (10,000). A's patients: a third from 1, two thirds from 2.
    found = shares.patient_flow_hhi(table([("A", "1", "a", 50), ("B", "1", "b", 50), ("A", "2", "a", 100)])).set_index("ccn")["hhi"]
    assert found["A"] == pytest.approx((50 * 5000 + 100 * 10_000) / 150)
    assert found["B"] == pytest.approx(5000)


def test_patient_flow_hhi_by_owner_and_alone():
    rows = table([("A", "1", "One", 50), ("B", "1", "One", 50), ("A", "2", "One", 7)])
    assert (shares.patient_flow_hhi(rows, owner="system")["hhi"] == 10_000).all()


def test_share_sums_to_one_and_has_wilson_limits():
    found = shares.share(table([("A", "1", "One", 30), ("B", "1", "Two", 60), ("C", "2", "Two", 10)]))
    assert found["share"].sum() == pytest.approx(1) and found["system"].tolist() == ["Two", "One"]
    assert found.loc[1, "share_low"] == pytest.approx(0.2189, abs=1e-4) and found.loc[1, "share_high"] == pytest.approx(0.3958, abs=1e-4)
    assert (found["bound_low"] == found["share"]).all()


def test_suppressed_flows_widen_the_share_into_bounds():
    found = shares.share(table([("A", "1", "One", 30), ("A", "2", "One", None), ("B", "1", "Two", 60)])).set_index("system")
    assert found.loc["One", "bound_low"] == pytest.approx(31 / 91) and found.loc["One", "bound_high"] == pytest.approx(40 / 100)
    assert found.loc["Two", "bound_low"] == pytest.approx(60 / 100) and found.loc["Two", "bound_high"] == pytest.approx(60 / 91)


def test_suppressed_flows_are_estimated_from_published_totals():
    rows = table(
        [
            ("A", "1", "One", 30),
            ("A", "2", "One", None),
            ("A", "3", "One", None),
            ("B", "1", "Two", 60),
            ("B", "2", "Two", None),
            ("C", "1", "Three", None),
        ]
    )
    found = shares.filled(rows, pd.Series({"A": 36, "B": 160}))
    assert found["cases_n"].tolist() == [30, 3, 3, 60, 10, 6.5]  # (36 - 30) / 2; at most 10; the mean of the others
    assert shares.filled(rows)["cases_n"].tolist() == [30, 5.5, 5.5, 60, 5.5, 5.5]
    assert found["known_n"].isna().sum() == 4


def test_another_threshold_of_the_source_moves_every_bound():
    rows = table([("A", "1", "One", 30), ("A", "2", "One", None), ("B", "1", "Two", 60), ("B", "2", "Two", None)]).assign(year=2023)
    found = shares.filled(rows, below=21)
    assert found["cases_n"].tolist() == [30, 10.5, 60, 10.5] and found["cases_high"].tolist() == [30, 20, 60, 20]
    assert shares.share(found).set_index("system").loc["One", "bound_high"] == pytest.approx(50 / 111)
    low, high = shares.hhi_bounds(found)
    assert low < high
    assert found["cases_low"].min() == 1 and shares.filled(rows)["cases_high"].tolist() == [30, 10, 60, 10]


def test_the_estimated_share_lies_within_its_bounds():
    rows = table([("A", "1", "One", 100)] + [("B", str(i), "Two", None) for i in range(2, 60)])
    found = shares.share(shares.filled(rows)).set_index("system")
    assert (found["bound_low"] <= found["share"]).all() and (found["share"] <= found["bound_high"]).all()
    assert shares.share(rows).set_index("system").loc["One", "share"] == 1  # what known flows alone would say


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 40)), min_size=2, max_size=15))
def test_bounds_hold_the_true_share(pairs):
    rows = pd.DataFrame(
        {
            "ccn": [p[0] for p in pairs],
            "zip": [str(i) for i in range(len(pairs))],
            "system": [p[0] for p in pairs],
            "cases_n": [float(p[1]) for p in pairs],
        }
    )
    truth = rows.groupby("system")["cases_n"].sum() / rows["cases_n"].sum()
    hidden = rows.assign(cases_n=rows["cases_n"].where(rows["cases_n"] > 10))
    found = shares.share(hidden).set_index("system")
    assert (found["bound_low"] <= truth[found.index] + 1e-12).all() and (truth[found.index] <= found["bound_high"] + 1e-12).all()


def test_hhi_range_under_suppression_holds_the_truth_and_collapses_without():
    random = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"ccn": random.choice(list("ABCD"), 80), "zip": np.arange(80).astype(str), "cases_n": random.integers(1, 60, 80).astype(float)}
    )
    rows["system"] = rows["ccn"]
    truth = concentration.hhi(rows.groupby("system")["cases_n"].sum())
    low, high = shares.hhi_bounds(rows.assign(cases_n=rows["cases_n"].where(rows["cases_n"] > 10)))
    assert low <= truth <= high and high - low < 500
    low, high = shares.hhi_bounds(
        shares.filled(rows.assign(cases_n=rows["cases_n"].where(rows["cases_n"] > 10)), rows.groupby("ccn")["cases_n"].sum())
    )
    assert low <= truth <= high and high - low < 300
    assert shares.hhi_bounds(rows) == (pytest.approx(truth), pytest.approx(truth))


def test_location_quotient():
    assert np.allclose(shares.location_quotient([20, 80], [10, 90]), [2, 80 / 90])
    assert np.allclose(shares.location_quotient([5, 5], [5, 5]), 1)
    assert np.isnan(shares.location_quotient([1, 1], [1, 0])[1])


def test_shift_share_by_hand_and_terms_add_up():
    # Dunn: market 1,000 -> 1,200 (+20 %); category 1 +10 %, category 2 +40 %.
    found = shares.shift_share([100, 50], [120, 60], [667, 333], [733.7, 466.3])
    assert found["growth"].tolist() == pytest.approx([20, 10])
    assert found["mix"].tolist() == pytest.approx([100 * (0.1 - 0.2), 50 * (466.3 / 333 - 1.2)])
    assert np.allclose(found[["growth", "mix", "gain"]].sum(axis=1), found["change"])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.integers(0, 500)] * 4), min_size=1, max_size=8))
def test_shift_share_always_adds_up(rows):
    data = np.array(rows, dtype=float)
    data[:, 2] += 1
    found = shares.shift_share(*data.T)
    assert np.allclose(found[["growth", "mix", "gain"]].sum(axis=1), found["change"])


def test_destinations_leave_out_our_network_and_split_tertiary():
    rows = table([("A", "1", "Ours", 50), ("B", "1", "Rival", 30), ("C", "1", "Academic", 20)]).assign(hospital=["a", "b", "c"])
    found = shares.destinations(rows, ours=["Ours"], tertiary=["C"])
    assert found["kind"].tolist() == ["addressable", "tertiary"] and found["share"].tolist() == [0.6, 0.4]
    assert shares.destinations(rows[:1], ours=["Ours"], tertiary=[]).empty


def test_zips_with_high_origin_and_low_share_stand_out():
    rows = table(
        [("A", "1", "a", 300), ("B", "1", "b", 2700), ("A", "2", "a", 200), ("B", "2", "b", 100), ("A", "3", "a", 40), ("B", "3", "b", 5)]
    )
    found = shares.origin_and_share(rows, "A").set_index("zip")["note"]
    assert found["1"] == "large for us, small share" and found["3"] == "small for us, large share" and found["2"] == ""


def test_a_market_of_one_hospital_stands():
    rows = table([("A", "1", "One", 20), ("A", "2", "One", None)]).assign(year=2023)
    assert shares.share(rows)["share"].tolist() == [1]
    assert shares.concentration_by_year(rows)["hhi"].tolist() == [10_000]


def test_an_all_suppressed_market_has_bounds_but_no_share():
    found = shares.share(table([("A", "1", "One", None), ("B", "1", "Two", None)]))
    assert found["share"].isna().all() and found["share_low"].isna().all()
    assert found["bound_low"].tolist() == pytest.approx([1 / 11, 1 / 11])


def test_no_flows_have_no_shares_and_no_gains():
    none = pd.DataFrame({"year": [], "ccn": [], "zip": [], "system": [], "cases_n": []}).astype({"cases_n": float})
    assert shares.share_by_year(none).empty and shares.gains(shares.share_by_year(none)).empty
