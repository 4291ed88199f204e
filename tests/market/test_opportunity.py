"""Expected against observed share and the white-space ranking."""

import numpy as np
import pandas as pd
import pytest

from catchment.market import opportunity


def test_only_measurable_gaps_are_called():
    found = opportunity.performance([100, 30, 3, 0], [1000, 1000, 30, 0], [0.10, 0.10, 0.20, 0.2])
    assert found["verdict"].tolist() == ["as expected", "under", "as expected", "not available"]
    assert found["gap_share"].iloc[1] == pytest.approx(-0.07)
    calmer = opportunity.performance([100, 80], [1000, 1000], [0.1, 0.1], dispersion=9)
    assert calmer["verdict"].tolist() == ["as expected", "as expected"]


def test_feasibility_falls_in_a_straight_line():
    assert opportunity.feasibility([0, 15, 37.5, 60, 90], near=15, far=60).tolist() == [1, 1, 0.5, 0, 0]
    with pytest.raises(ValueError, match="near"):
        opportunity.feasibility([1], near=30, far=30)


@pytest.fixture
def places():
    return pd.DataFrame(
        {
            "zip": list("abcd"),
            "cases_n": [100.0, 400.0, 50.0, 80.0],
            "cases_low": [90.0, 370.0, 40.0, 70.0],
            "cases_high": [110.0, 430.0, 60.0, 90.0],
            "share": [0.10, 0.05, 0.50, 0.02],
            "share_low": [0.08, 0.04, 0.4, 0.01],
            "share_high": [0.12, 0.06, 0.6, 0.03],
            "expected_share": [0.30, 0.10, 0.40, 0.20],
            "drive_min": [10.0, 50.0, 5.0, 70.0],
        }
    )


def test_white_space_ranks_addressable_times_feasible_and_leaves_out_the_rest(places):
    found = opportunity.white_space(places, near=15, far=60)
    assert found["zip"].tolist() == ["a", "b"]  # c is above expectation, d is out of reach
    assert found["score_n"].tolist() == pytest.approx([100 * 0.2, 400 * 0.05 * 10 / 45])
    assert (found["score_low"] <= found["score_n"]).all() and (found["score_n"] <= found["score_high"]).all()
    assert (found["top_share"] == 1).all()


def test_white_space_of_nothing_is_empty(places):
    assert opportunity.white_space(places.assign(expected_share=0.0), near=15, far=60).empty


def test_top_ten_probability_separates_the_certain_from_the_uncertain():
    random = np.random.default_rng(1)
    many = pd.DataFrame(
        {
            "cases_n": 100.0,
            "cases_low": 80.0,
            "cases_high": 120.0,
            "share": 0.0,
            "share_low": 0.0,
            "share_high": 0.02,
            "expected_share": random.uniform(0.05, 0.07, 40),
            "drive_min": 5.0,
        }
    )
    many.loc[0, "expected_share"] = 0.5
    found = opportunity.white_space(many, near=15, far=60)
    assert found["top_share"].iloc[0] == 1 and found["top_share"].iloc[-1] < 0.5
    assert found["top_share"].sum() == pytest.approx(10)
