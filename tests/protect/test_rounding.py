"""Protected numbers: what the rounding gives, what may stand beside it, and what an exact attacker can still work out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from catchment.protect import rounding

TOWNS = pd.DataFrame({"town": ["Alba", "Bree", "Cora", "Dale"], "patients_n": [0, 4, 12, 13], "share": [0.0, 4 / 29, 12 / 29, 13 / 29]})


def shares(frame):
    return frame.assign(share=frame["patients_n"] / frame["patients_n"].sum())


def test_midpoint_6_as_published():
    """OpenSAFELY's definition: 0 stays 0, every other count becomes the middle of its class of six."""
    assert rounding.midpoint(pd.Series([0, 1, 6, 7, 12, 13, 18, 19, 100])).tolist() == [0, 3, 3, 9, 9, 15, 15, 21, 99]


def test_a_class_that_holds_a_small_count_is_hidden_whole():
    assert rounding.hidden(pd.Series([0, 1, 10, 11, 12, 13])).tolist() == [False, True, True, True, True, False]
    assert rounding.hidden(pd.Series([12, 13, 18, 19]), below=16).tolist() == [True, True, True, False]


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_no_shown_count_can_have_been_small(count, below):
    shown = rounding.people(count, below=below)
    if not np.isnan(shown) and shown:
        least = shown - rounding.BASE / 2 + 1
        assert least >= below and least <= count <= shown + rounding.BASE / 2


def test_shares_are_those_of_the_rounded_counts_and_go_with_hidden_ones():
    shown = rounding.protect(TOWNS, derive=shares)
    assert shown["patients_n"].fillna(-1).tolist() == [0, -1, -1, 15]
    assert shown["share"].fillna(-1).tolist() == [0, -1, -1, 1]
    assert shown["share_suppressed"].tolist() == [False, True, True, False]


def test_a_number_that_nobody_declared_is_refused():
    with pytest.raises(rounding.Undeclared, match="'share' stands beside counts of people"):
        rounding.protect(TOWNS)
    with pytest.raises(rounding.Undeclared, match="'share' is not derived"):
        rounding.protect(TOWNS, derive=lambda frame: frame)
    for name in ("percent", "pct", "rate", "mean_age", "p"):
        with pytest.raises(rounding.Undeclared, match=name):
            rounding.protect(TOWNS.rename(columns={"share": name}))


@pytest.mark.parametrize("name", ["n", "count", "patients", "cases", "women_n", "people_n", "enrolled_n", "Patients", "referrals", "new_n"])
def test_any_count_is_taken_for_people_unless_it_is_known_to_be_of_things(name):
    shown = rounding.protect(pd.DataFrame({"town": ["Alba", "Bree"], name: [4, 40]}))
    assert shown[name].fillna(-1).tolist() == [-1, 39]


def test_what_counts_things_stays_exact():
    shown = rounding.protect(pd.DataFrame({"clinicians_n": [4, 5], "patients_n": [40, 50], "year": [2024, 2025]}))
    assert shown["clinicians_n"].tolist() == [4, 5]
    assert shown["year"].tolist() == [2024, 2025]


def test_a_kept_number_is_missing_where_its_row_hides_people():
    shown = rounding.protect(pd.DataFrame({"patients_n": [4, 40], "median_days": [7.0, 9.0]}), kept=["median_days"])
    assert shown["median_days"].fillna(-1).tolist() == [-1, 9]


def test_order_tells_nothing_of_what_is_hidden_or_rounded_away():
    frame = pd.DataFrame({"town": ["Dale", "Cora", "Bree", "Alba"], "patients_n": [17, 16, 9, 2]})
    again = pd.DataFrame({"town": ["Cora", "Dale", "Alba", "Bree"], "patients_n": [17, 16, 9, 2]})
    for each in (frame, again):
        assert rounding.protect(each, order="patients_n")["town"].tolist() == ["Cora", "Dale", "Alba", "Bree"]


def test_what_the_source_hid_stays_hidden():
    frame = pd.DataFrame({"patients_n": [np.nan, 40.0], "patients_n_suppressed": [True, False]})
    assert rounding.protect(frame)["patients_n_suppressed"].tolist() == [True, False]


def test_a_protected_frame_is_not_rounded_twice():
    once = rounding.protect(TOWNS, derive=shares)
    assert rounding.protect(once).equals(once)


def test_negative_people_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        rounding.protect(pd.DataFrame({"patients_n": [-1]}))


def limits(full, small, cell, known):
    """The least and the greatest value of a cell that agree with all margins and with what is known of every cell: exact, in whole people."""
    rows, columns = full.shape
    place = np.arange(full.size).reshape(full.shape)
    sums = np.zeros((rows + columns, full.size))
    for i in range(rows):
        sums[i, place[i, :-1]], sums[i, place[i, -1]] = 1, -1
    for j in range(columns):
        sums[rows + j, place[:-1, j]], sums[rows + j, place[-1, j]] = 1, -1
    low, high = known
    aim = np.zeros(full.size)
    aim[cell] = 1
    solve = [
        milp(sign * aim, integrality=np.ones(full.size), bounds=Bounds(low, high), constraints=LinearConstraint(sums, 0, 0)).x[cell]
        for sign in (1, -1)
    ]
    return round(solve[0]), round(solve[1])


def test_an_exact_attacker_pins_nothing_in_tables_with_all_margins_published():
    """Twenty-five random tables: without rounding four small cells in ten are known exactly, with it none, and none to three values."""
    random = np.random.default_rng(7)
    found = {"bare": [], "rounded": []}
    for _ in range(25):
        table = random.negative_binomial(1, 0.06, size=(random.integers(3, 6), random.integers(3, 6)))
        full = np.pad(table, ((0, 1), (0, 1)))
        full[:-1, -1], full[-1, :] = table.sum(axis=1), full[:-1].sum(axis=0)
        full[-1, -1] = table.sum()
        counts = full.ravel().astype(float)
        shown = rounding.protect(pd.DataFrame({"patients_n": counts}))["patients_n"].to_numpy()
        small = (counts > 0) & (counts < 11)
        classes = (
            np.where(np.isnan(shown), 1, np.where(counts > 0, shown - 2, 0)),
            np.where(np.isnan(shown), 12, np.where(counts > 0, shown + 3, 0)),
        )
        exact = np.where(small, 1, counts), np.where(small, 10, counts)
        for cell in np.flatnonzero(small):
            for name, known in (("bare", exact), ("rounded", classes)):
                low, high = limits(full, small, cell, known)
                assert low <= counts[cell] <= high
                found[name].append(high - low + 1)
    assert np.mean(np.array(found["bare"]) == 1) > 0.25
    assert min(found["rounded"]) > 3
