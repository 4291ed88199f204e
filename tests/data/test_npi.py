"""NPI check digits against the published example and an independent Luhn."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.data import npi


def luhn(number: str) -> bool:
    """Textbook Luhn over the number with the prefix that NPIs carry on a card."""
    total = 0
    for place, digit in enumerate(reversed("80840" + number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def test_the_published_example():
    assert npi.check_digit("123456789") == 3
    assert npi.valid("1234567893") is True
    assert npi.valid("1234567890") is False


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[12][0-9]{9}", fullmatch=True))
def test_it_is_luhn_with_the_prefix(number):
    assert npi.valid(number) == luhn(number)


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"[12][0-9]{8}", fullmatch=True), st.integers(0, 8), st.integers(1, 9))
def test_any_single_wrong_digit_is_caught(stem, place, shift):
    number = stem + str(npi.check_digit(stem))
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert npi.valid(number)
    assert not npi.valid(wrong)


@pytest.mark.parametrize("number", ["", "123456789", "12345678933", "3234567893", "12345 7893", "123456789x", "１２３４５６７８９３"])
def test_what_is_not_ten_digits_is_not_valid(number):
    assert npi.valid(number) is False


def test_a_series_keeps_its_index_and_missing_is_not_valid():
    found = npi.valid(pd.Series(["1234567893", None, "1234567890"], index=[5, 6, 7], dtype="str"))
    assert found.to_dict() == {5: True, 6: False, 7: False}


@pytest.mark.parametrize("stem", ["12345678", "1234567890", "12345678x"])
def test_a_stem_must_be_nine_digits(stem):
    with pytest.raises(ValueError, match="nine digits"):
        npi.check_digit(stem)


def test_digits_of_other_scripts_are_no_npi():
    assert not npi.valid("1２34567893")
    assert npi.valid(["1２34567893", "1234567893"]).tolist() == [False, True]
    assert npi.valid(1234567893)
