"""Numbers into text: scale, sign, rounding, and what may be said of a change."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment import words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.count(1234), "1,234"),
        (words.count(-1234), "−1,234"),
        (words.count(float("nan")), "[x]"),
        (words.share(0.1234), "12.3 %"),
        (words.share(0.0001), "<0.1 %"),
        (words.share(0.99999), ">99.9 %"),
        (words.share(0), "0.0 %"),
        (words.share(1), "100.0 %"),
        (words.points(0.012), "1.2 points"),
        (words.points(-0.01), "1.0 point"),
        (words.money(1_234_567), "$1.2 M"),
        (words.money(-1_234_567), "−$1.2 M"),
        (words.money(4321), "$4,321"),
        (words.money(999_600), "$1.0 M"),
        (words.money(99_940), "$99,940"),
        (words.money(-0.2), "$0"),
        (words.people(4), "fewer than 11 patients"),
        (words.people(0), "0 patients"),
        (words.people(11), "11 patients"),
        (words.plural(1, "ZIP"), "1 ZIP"),
        (words.plural(12, "county"), "12 counties"),
        (words.listing([]), ""),
        (words.listing(["a", "b", "c"]), "a, b and c"),
        (words.listing("abcd", most=2), "a, b and 2 others"),
        (words.interval(0.1, 0.2, words.share), "10.0 to 20.0 %"),
        (words.change(110, 100, 2023), "▲ 10.0 % vs 2023"),
        (words.change(0.26, 0.28, 2023, unit="points"), "▼ 2.0 points vs 2023"),
        (words.change(100, 100), "no change"),
        (words.change(5, 0, 2020), "no comparison with 2020"),
        (words.goal(0.26, 0.28, words.share), "Goal 28.0 %: missed"),
        (words.goal(4, 7, low_is_good=True), "Goal 7: met"),
        (words.goal(float("nan"), 7), "Goal 7: not measured"),
    ],
)
def test_said(said, expected):
    assert said == expected


def test_a_movement_is_said_only_when_its_interval_excludes_zero():
    assert words.direction(0.1, 0.3) == "rose"
    assert words.direction(-0.3, -0.1) == "fell"
    assert words.direction(-0.1, 0.3) == "did not change measurably"
    assert words.direction(float("nan"), 1) == "cannot be compared"
    with pytest.raises(ValueError, match="lies above"):
        words.direction(2, 1)


def test_infinity_is_a_mistake_upstream():
    with pytest.raises(ValueError, match="division by zero"):
        words.number(math.inf)


def test_status_goes_with_goal():
    assert words.status(3, 2) == "good"
    assert words.status(3, 2, low_is_good=True) == "bad"
    assert words.status(float("nan"), 2) == "neutral"


@given(st.floats(allow_nan=True, allow_infinity=False, width=32))
def test_no_value_reads_as_a_python_leftover(value):
    for said in (words.count(value), words.share(value), words.points(value), words.money(value), words.people(abs(value))):
        assert "nan" not in said
        assert "inf" not in said
        assert "-" not in said


@given(st.integers(1, 10))
def test_a_small_count_of_people_is_never_said(count):
    assert str(count) not in words.people(count).replace("11", "")


def test_values_set_side_by_side_are_told_apart():
    assert words.apart((0.5, 0.2), words.share, digits=0) == ["50 %", "20 %"]
    assert words.apart((1_254_000, 1_291_000), words.money) == ["$1.25 M", "$1.29 M"]
    assert words.apart((0.08, 0.08), words.share, digits=1) == ["8.0 %", "8.0 %"], "equal ones read the same"


@pytest.mark.parametrize(
    ("value", "target", "met"), [(0.26, 0.28, False), (0.28, 0.28, True), (float("nan"), 0.28, None), (0.2, float("nan"), None)]
)
def test_a_goal_in_words_can_be_counted(value, target, met):
    assert words.reached(words.goal(value, target, words.share)) is met


def test_what_is_no_goal_is_not_counted():
    assert words.reached("Gate: blocked by 5.3") is None
    assert words.reached("") is None
