"""Safe Harbor's rules for ages and three-digit ZIP codes, against the regulation's own words and list."""

import pandas as pd
import pytest

from catchment.protect import safe_harbor


def test_ages_over_89_are_one_group():
    assert safe_harbor.age(pd.Series([0, 89, 90, 91, 104])).tolist() == [0, 89, 90, 90, 90]
    assert safe_harbor.age_group(pd.Series([0, 4, 84, 85, 89, 90, 104])).tolist() == ["0-4", "0-4", "80-84", "85-89", "85-89", "90+", "90+"]
    assert safe_harbor.age_group(pd.Series([88, 93]), width=20).tolist() == ["80-89", "90+"]
    assert safe_harbor.age_group(pd.Series([50.0, None])).isna().tolist() == [False, True]
    with pytest.raises(ValueError, match="negative"):
        safe_harbor.age(pd.Series([-1]))


def test_the_seventeen_sparse_areas_of_2000_become_000():
    assert len(safe_harbor.SPARSE) == 17
    zips = pd.Series([f"{area}01" for area in sorted(safe_harbor.SPARSE)])
    assert set(safe_harbor.zip3(zips)) == {"000"}
    assert safe_harbor.zip3(pd.Series(["50010", "02134", "03601-1234", None])).tolist()[:3] == ["500", "021", "000"]


def test_a_later_census_decides_when_it_is_given():
    """More than 20,000 people in all ZIP codes of the area; exactly 20,000 is not more."""
    people = pd.Series({"50010": 15_000, "50011": 5_001, "50110": 20_000, "03601": 30_000})
    assert safe_harbor.zip3(pd.Series(["50010", "50110", "03601", "99999"]), population=people).tolist() == ["500", "000", "036", "000"]


@pytest.mark.parametrize("bad", [["5001"], ["abcde"], ["500101"]])
def test_what_is_no_zip_code_is_refused(bad):
    with pytest.raises(ValueError, match="five digits"):
        safe_harbor.zip3(pd.Series(bad))


def test_columns_that_identify_are_named():
    frame = pd.DataFrame({"age_years": [50, 93], "age_low": [85, 90], "zip3": ["500", "036"], "cases_n": [95, 99]})
    assert safe_harbor.identifying(frame) == ["age_years", "zip3"]
