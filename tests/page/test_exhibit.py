"""An exhibit says what its rows bear, and no other number."""

import pandas as pd
import pytest

from catchment.page import Claim, Exhibit, FalseClaim
from catchment.page.exhibit import PASSED


def exhibit(title, *claims, **columns):
    frame = pd.DataFrame(columns or {"site": ["Breast", "Lung"], "before_n": [20, 40], "after_n": [40, 45]})
    frame.attrs[PASSED] = True
    return Exhibit("cases-by-site", frame, title, claims=claims)


def test_a_number_of_the_title_is_not_taken_for_a_part_of_a_year():
    assert exhibit("20 cases by 2020, 2030 and in 1920", Claim("20", "before_n", "site == 'Breast'"))
    with pytest.raises(FalseClaim, match=r"no claim says where 120 of its title"):
        exhibit("20 cases of 120", Claim("20", "before_n", "site == 'Breast'"))


def test_a_claim_may_be_arithmetic_over_columns():
    more = Claim("20 more", "after_n - before_n", "site == 'Breast'")
    first = Claim("Breast", "site", how="largest", by="after_n - before_n")
    assert exhibit("Breast grows most: 20 more", more, first)
    with pytest.raises(FalseClaim, match="has not the largest"):
        exhibit("Lung grows most", Claim("Lung", "site", how="largest", by="after_n - before_n"))


def test_the_first_of_rows_that_begin_with_zero_is_said():
    assert exhibit("45 in the end", Claim("45", "after_n", how="last"), after_n=[0, 45])
