"""The shared refusals: what they let through, and what they say."""

import numpy as np
import pandas as pd
import pytest

from catchment.stats import given


def test_what_is_right_passes():
    given.word("queen", ("queen", "rook"), name="rule")
    given.words(["male", None, "female"], ("female", "male"), name="sex")
    given.labels(a=pd.Series([1, 2], index=list("xy")), b=[3, 4], c=pd.Series([5, 6], index=list("xy")), d=2.0, e=None)
    given.fraction(0.05, name="alpha")
    given.columns(pd.DataFrame({"a": []}), ["a"], name="table")
    assert given.known([0, 2], name="supply", least=0).tolist() == [0, 2]
    assert np.isnan(given.counts([1, np.nan], name="cases")[1])
    assert given.known([], name="supply", least=0).size == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: given.word("Rook", ("queen", "rook"), name="rule"), "rule is one of queen, rook, not 'Rook'"),
        (lambda: given.words(["Male", "male"], ("female", "male"), name="sex"), "sex holds Male: known are female, male"),
        (
            lambda: given.labels(a=pd.Series([1], index=["x"]), b=pd.Series([1], index=["y"])),
            r"a and b have different labels \(only one of them has x, y\)",
        ),
        (lambda: given.labels(a=pd.Series([1, 2]), b=pd.Series([1, 2], index=[1, 0])), "in another order"),
        (lambda: given.known([1, np.nan, np.inf], name="demand"), "demand must be known: 2 of 3"),
        (lambda: given.known([1, -2], name="demand", least=0), "demand must not be negative: -2"),
        (lambda: given.known([35], name="share", most=1), "share must not be above 1: 35"),
        (lambda: given.counts([np.nan, -1], name="cases"), "cases must not be negative: -1"),
        (lambda: given.fraction(95, name="level"), "level lies between 0 and 1, not 95"),
        (lambda: given.columns(pd.DataFrame({"a": []}), ["a", "b"], name="places"), "places lacks the columns b"),
    ],
)
def test_what_is_wrong_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
