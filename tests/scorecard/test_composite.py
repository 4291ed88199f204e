"""The composite score: parts by hand, missing values never count as zero, the range shows what it depends on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.scorecard import composite


def board(*rows):
    return pd.DataFrame(rows, columns=["domain", "now", "target", "better"])


def test_parts_by_hand():
    frame = board(
        ("A", 0.9, 0.8, "higher"),
        ("A", 0.6, 0.8, "higher"),
        ("B", 9.0, 6.0, "lower"),
        ("B", 7.5, 6.0, "lower"),
        ("B", np.nan, 6.0, "lower"),
        ("C", 5.0, 4.0, "neither"),
    )
    got = composite.parts(frame["now"], frame["target"], frame["better"], band=0.5)
    # 0.6 misses 0.8 by half of the band of 0.4; 9 misses 6 by the whole band of 3, 7.5 by half of it.
    assert got.tolist()[:4] == pytest.approx([100, 50, 0, 50])
    assert got.tolist()[4:] != got.tolist()[4:], "not measured, no direction"


def test_what_is_missing_is_never_a_zero():
    scores = composite.domains(
        board(
            ("A", 1.0, 1.0, "higher"),
            ("A", np.nan, 1.0, "higher"),
            ("B", np.nan, 1.0, "higher"),
            ("C", 0.75, 1.0, "higher"),
            ("D", 3.0, np.nan, "higher"),
        ),
        band=0.5,
    )
    assert scores.set_index("domain")["score"].to_dict() == {"A": 100.0, "B": pytest.approx(np.nan, nan_ok=True), "C": 50.0}
    found = composite.composite(scores, {"A": 1, "B": 1, "C": 2})
    assert found["score"] == pytest.approx((100 + 2 * 50) / 3)
    assert found["coverage_share"] == pytest.approx((0.5 + 0 + 2) / 4)
    assert (found["score_low"], found["score_high"]) == (50, 100)
    assert found["weakest"] == "C"


def test_nothing_measured_and_no_weight():
    scores = composite.domains(board(("A", np.nan, 1.0, "higher")), band=0.5)
    assert np.isnan(composite.composite(scores, {"A": 1})["score"])
    with pytest.raises(ValueError, match="no domain has a weight"):
        composite.composite(scores, {"B": 1})
    with pytest.raises(ValueError, match="positive share"):
        composite.domains(board(("A", 1, 1.0, "higher")), band=0)


@pytest.mark.parametrize("word", ["up", "Higher", "down"])
def test_a_direction_that_is_not_known_is_refused(word):
    with pytest.raises(ValueError, match=f"better holds {word}: known are higher, lower, neither"):
        composite.domains(board(("A", 1.0, 1.0, "higher"), ("A", 1.0, 1.0, word)), band=0.5)
    with pytest.raises(ValueError, match="now and target have different labels"):
        composite.parts(pd.Series([1.0]), pd.Series([1.0], index=[7]), pd.Series(["higher"]), band=0.5)


@settings(max_examples=25)
@given(st.lists(st.floats(0, 100), min_size=2, max_size=6), st.floats(0.1, 10))
def test_the_score_lies_within_its_range_and_does_not_depend_on_the_scale_of_the_weights(scores, scale):
    frame = pd.DataFrame({"domain": [f"D{i}" for i in range(len(scores))], "score": scores, "measured_n": 1, "indicators_n": 1})
    found, again = (composite.composite(frame, dict.fromkeys(frame["domain"], factor)) for factor in (1.0, scale))
    assert found["score_low"] - 1e-9 <= found["score"] <= found["score_high"] + 1e-9
    assert again["score"] == pytest.approx(found["score"])
    assert found["coverage_share"] == pytest.approx(1)
