"""HHI, its classes and merger rules at their very borders; Gini, Lorenz and top shares against known cases."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.stats import concentration


def test_hhi_of_the_department_of_justice_example():
    assert concentration.hhi([30, 30, 20, 20]) == pytest.approx(2600)  # justice.gov/atr/herfindahl-hirschman-index
    assert concentration.hhi([0.3, 0.3, 0.2, 0.2]) == pytest.approx(2600)


def test_hhi_limits():
    assert concentration.hhi([412]) == 10_000
    assert concentration.hhi(np.ones(1000)) == pytest.approx(10)
    assert np.isnan(concentration.hhi([])) and np.isnan(concentration.hhi([0, 0]))
    with pytest.raises(ValueError, match="negative"):
        concentration.hhi([1, -1])


@pytest.mark.parametrize(
    ("index", "label"),
    [
        (999, "unconcentrated"),
        (1000, "moderately concentrated"),
        (1800, "moderately concentrated"),
        (1801, "highly concentrated"),
        (2400, "highly concentrated"),
        (np.nan, "not available"),
    ],
)
def test_classes_are_those_of_the_2023_guidelines(index, label):
    assert concentration.hhi_class(index) == label


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1, 1000), min_size=2, max_size=12))
def test_merger_delta_is_the_difference_of_the_two_indices(sizes):
    owners = pd.Series(sizes, index=[f"s{i}" for i in range(len(sizes))])
    merged = concentration.merger(owners, "s0", "s1")
    assert merged.after == pytest.approx(concentration.hhi([owners.iloc[0] + owners.iloc[1], *owners.iloc[2:]]))
    assert merged.delta == pytest.approx(merged.after - merged.before, abs=1e-6)


def test_merger_presumptions():
    assert concentration.merger_delta(0.30, 0.20) == pytest.approx(1200)
    assert concentration.merger(pd.Series({"a": 10, "b": 10, "c": 80}), "a", "b").presumed  # above 1,800, delta 200
    assert not concentration.merger(pd.Series({"a": 1, "b": 1, "c": 98}), "a", "b").presumed  # delta 2
    assert concentration.merger(pd.Series({"a": 29, "b": 3, **{f"x{i}": 2 for i in range(34)}}), "a", "b").presumed  # 32 % and delta 174


def test_effective_competitors_and_cr4():
    assert concentration.effective_competitors(2500) == 4
    assert concentration.concentration_ratio([40, 30, 10, 10, 5, 5]) == pytest.approx(0.9)
    assert concentration.concentration_ratio([3], 4) == 1


def pair(a, b):
    """A market of two owners of the given shares among many small ones."""
    rest = 1 - a - b
    return pd.Series({"a": a, "b": b, **{f"x{i}": rest / 400 for i in range(400)}})


@pytest.mark.parametrize(
    ("sizes", "index"),
    [
        ([30, 10, 20, 20, 10, 10], 2000),
        ([0.1] * 10, 1000),
        ([0.2, 0.2, 0.2, 0.2, 0.1, 0.1], 1800),
        ([7, 7, 7, 7, 3.5, 3.5], 1800),
        (np.array([0.2, 0.2, 0.2, 0.2, 0.1, 0.1]) * 0.1 * 3, 1800),
    ],
)
def test_an_index_at_a_border_is_in_the_class_below(sizes, index):
    found = concentration.hhi(sizes)
    assert found == pytest.approx(index)
    wanted = {2000: "highly concentrated", 1000: "moderately concentrated", 1800: "moderately concentrated"}[index]
    assert concentration.hhi_class(found) == wanted


@pytest.mark.parametrize("shift", [-1e-10, 1e-10])
def test_the_last_digits_of_a_sum_do_not_decide_a_class(shift):
    assert concentration.hhi_class(1800 + shift) == "moderately concentrated"
    assert concentration.hhi_class(1000 + shift) == "moderately concentrated"
    assert concentration.hhi_class(1800.001) == "highly concentrated"
    assert concentration.hhi_class(999.999) == "unconcentrated"


def test_a_delta_of_exactly_100_is_not_above_it():
    # 2 x 5 x 10, and twice the square of 7.07: a combined share far below 30 % in a highly concentrated market.
    for a, b in ((0.05, 0.10), (0.1, 0.05), (0.5**0.5 / 10, 0.5**0.5 / 10)):
        market = pd.Series({"a": a, "b": b, "c": 0.6, "d": 1 - 0.6 - a - b})
        found = concentration.merger(market, "a", "b")
        assert found.delta == pytest.approx(100) and found.after > 1800
        assert not found.presumed
    assert concentration.merger(pd.Series({"a": 0.0501, "b": 0.1, "c": 0.8499}), "a", "b").presumed


def test_a_share_of_exactly_30_percent_is_not_above_it():
    found = concentration.merger(pair(0.1, 0.2), "a", "b")
    assert found.share == pytest.approx(0.3) and found.delta == pytest.approx(400) and found.after < 1800
    assert not found.presumed
    assert concentration.merger(pair(0.101, 0.2), "a", "b").presumed


def test_an_index_of_exactly_1800_after_a_merger_is_not_above_it():
    small = pd.Series({"a": 10.0, "b": 10.0, "c": 20.0, "d": 20.0, "e": 20.0, "f": 10.0, "g": 10.0})
    found = concentration.merger(small / small.sum(), "a", "b")
    assert (found.before, found.after, found.share) == pytest.approx((1600, 1800, 0.2))
    assert not found.presumed


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: concentration.merger(pd.Series({"a": 1.0, "b": 2.0}), "a", "z"), "'z' not in the market: it holds a, b"),
        (lambda: concentration.merger(pd.Series({"a": 1.0, "b": 2.0}), "a", "a"), "a merger is of two owners"),
        (lambda: concentration.merger(pd.Series([1.0, 2.0, 3.0], index=["a", "a", "b"]), "a", "b"), "one size for each owner"),
        (lambda: concentration.merger(pd.Series({"a": 1.0, "b": np.nan}), "a", "b"), "sizes must be known"),
        (lambda: concentration.merger_delta(30, 20), "share_a must not be above 1: 30"),
        (lambda: concentration.merger_delta(0.6, 0.7), "at most 1 together"),
        (lambda: concentration.hhi_class(0.18), "on the scale to 10,000"),
        (lambda: concentration.hhi_class(18_000), "on the scale to 10,000"),
        (lambda: concentration.hhi_class(1500, moderate=2500, high=1500), "in order"),
        (lambda: concentration.concentration_ratio([1, 2], 0), "k must be at least 1"),
        (lambda: concentration.top_share([1, 2], 10), "share must lie in 0 to 1"),
        (lambda: concentration.gini([1, np.nan]), "amounts must be known"),
    ],
)
def test_what_makes_no_market_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_what_no_data_determine_is_missing():
    assert np.isnan(concentration.hhi([1, np.nan])) and np.isnan(concentration.concentration_ratio([0, 0]))
    assert np.isnan(concentration.top_share([])) and np.isnan(concentration.gini([0, 0]))
    assert concentration.top_shares([])["amount_share"].isna().all()


def test_gini_of_known_cases():
    assert (
        concentration.gini([1, 1, 1, 1]) == 0
        and concentration.gini([0, 0, 0, 1]) == 0.75
        and concentration.gini([0, 0, 0, 1], unbiased=True) == 1
    )
    assert concentration.gini([1, 2, 3, 4, 5]) == pytest.approx(4 / 15)


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=40).filter(any))
def test_gini_is_half_the_relative_mean_difference_and_twice_the_lorenz_area(values):
    array = np.array(values, dtype=float)
    assert concentration.gini(values) == pytest.approx(np.abs(array[:, None] - array).mean() / (2 * array.mean()))
    curve = concentration.lorenz(values)
    assert concentration.gini(values) == pytest.approx(1 - 2 * np.trapezoid(curve["amount_share"], curve["donors_share"]))


def test_top_share_counts_whole_donors():
    amounts = [1.0] * 99 + [901.0]
    assert concentration.top_share(amounts, 0.01) == 0.901 and concentration.top_n(150, 0.01) == 2 and concentration.top_n(100, 0.1) == 10
    assert concentration.top_shares(amounts)["donors_n"].tolist() == [1, 1, 10, 20]


def test_refuses_negative_amounts():
    with pytest.raises(ValueError, match="refunds"):
        concentration.gini([5, -1])
