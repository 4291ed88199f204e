"""Small counts stay hidden: the rule itself, published examples, and attacks on random tables."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.protect import disclosure, suppression
from catchment.protect.suppression import Sum


def test_a_lone_small_part_takes_the_smallest_large_one_with_it():
    shown = disclosure.protect(pd.DataFrame({"zip": list("abc"), "cases_n": [4, 30, 20], "share": [0.1, 0.5, 0.4]}), ["cases_n"])
    assert shown["cases_n_suppressed"].tolist() == [True, False, True]
    assert shown["share_suppressed"].tolist() == [True, False, True]
    assert shown["cases_n"].isna().tolist() == [True, False, True]


def test_two_small_parts_whose_sum_gives_them_away_need_a_third():
    """3 + 2 = 5 leaves each between 1 and 4: a reader would know that both are small."""
    shown = disclosure.protect(pd.DataFrame({"cases_n": [3, 2, 40, 50]}), ["cases_n"])
    assert shown["cases_n_suppressed"].tolist() == [True, True, True, False]


def test_groups_are_protected_each_by_itself():
    frame = pd.DataFrame({"year": [1, 1, 2, 2], "cases_n": [5, 30, 30, 40]})
    assert disclosure.protect(frame, ["cases_n"], by="year")["cases_n_suppressed"].tolist() == [True, True, False, False]


def test_a_protected_frame_is_not_thinned_further():
    frame = pd.DataFrame({"cases_n": [43, 28, 27, 25, 20, 11, 10, 9, 8, 8, 7, 6, 6]})
    once = disclosure.protect(frame, ["cases_n"])
    again = disclosure.protect(once.sort_values("cases_n").head(20), ["cases_n"])
    assert once["cases_n_suppressed"].sum() == again["cases_n_suppressed"].sum() == 7


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_differencing_recovers_nothing_from_a_random_list_with_its_total(counts):
    frame = pd.DataFrame({"cases_n": counts})
    shown = disclosure.protect(frame, ["cases_n"])
    hidden = shown["cases_n_suppressed"]
    values = pd.concat([frame["cases_n"].astype("float64"), pd.Series({"t": float(sum(counts))})])
    flags = pd.concat([hidden, pd.Series({"t": False})])
    if hidden.any() and (~hidden & (frame["cases_n"] > 0)).any():
        assert suppression.exposed(values, flags, [Sum("t", tuple(frame.index))]).empty


def test_cells_of_a_matrix_are_hidden_for_the_totals_of_its_rows_and_of_its_columns():
    """5 is hidden; another of its row, one of its column, and the one where those two meet, or a total would give one of them."""
    frame = pd.DataFrame(
        [("A", "x", 5), ("A", "y", 20), ("A", "z", 90), ("B", "x", 30), ("B", "y", 40), ("B", "z", 80), ("C", "x", 99), ("C", "y", 70)],
        columns=["row", "column", "patients_n"],
    )
    safe = disclosure.protect(frame, ["patients_n"], margins=["row", "column"])
    assert [tuple(each) for each in safe.loc[safe["patients_n_suppressed"], ["row", "column"]].to_numpy()] == [
        ("A", "x"),
        ("A", "y"),
        ("B", "x"),
        ("B", "y"),
    ]
    alone = disclosure.protect(frame, ["patients_n"], by="row")
    assert alone["patients_n_suppressed"].sum() == 2
