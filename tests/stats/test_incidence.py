"""National rates and local levels: hand-worked, refused where age groups differ, shrunk by size."""

import numpy as np
import pandas as pd
import pytest

from catchment.stats import incidence

AGES = [0, 40, 65]


def rates(site="Lung", young=1.0, middle=100.0, old=1000.0):
    rows = [(site, sex, age, r) for sex in ("female", "male") for age, r in zip(AGES, (young, middle, old), strict=True)]
    return pd.DataFrame(rows, columns=["site", "sex", "age_low", "rate_100k"])


def test_all_other_is_the_total_less_the_named_sites():
    table = pd.concat([rates("A").assign(cases_n=10, person_years=1e5), rates("All sites but skin").assign(cases_n=25, person_years=1e5)])
    found = incidence.reference_rates(table, ["A"])
    assert found[found["site"] == "All other"]["cases_n"].unique().tolist() == [15]
    with pytest.raises(ValueError, match="do they overlap"):
        incidence.reference_rates(table.assign(cases_n=[30] * 6 + [25] * 6), ["A"])
    with pytest.raises(ValueError, match="no national rates for: B"):
        incidence.reference_rates(table, ["A", "B"])


def test_the_national_rate_needs_the_ages_of_the_standard():
    standard = pd.DataFrame({"age_low": [0, 1, 40, 65], "population_n": [5.0, 45.0, 30.0, 20.0]})
    counts = rates().assign(cases_n=lambda t: t["rate_100k"], person_years=1e5)
    assert incidence.us_rate(counts, standard, site="Lung") == pytest.approx(0.5 * 1 + 0.3 * 100 + 0.2 * 1000)
    assert incidence.us_rate(counts, standard, site="Lung", sex="male") == pytest.approx(230.5)
    for options, said in (
        ({"site": "Lung", "sex": "Male"}, "sex is one of both, female, male, not 'Male'"),
        ({"site": "lung"}, "no national counts of 'lung' for 'both'"),
    ):
        with pytest.raises(ValueError, match=said):
            incidence.us_rate(counts, standard, **options)
    with pytest.raises(ValueError, match="different age groups: only one of them begins groups at 45"):
        five = pd.concat([standard, pd.DataFrame({"age_low": [45], "population_n": [1.0]})])
        incidence.us_rate(counts, five, site="Lung")


def test_national_series_is_the_age_adjusted_rate_of_each_year():
    standard = pd.DataFrame({"age_low": [0, 1, 5], "population_n": [10.0, 40.0, 50.0]})
    cells = pd.DataFrame(
        {
            "site": "A",
            "sex": "both",
            "year": 2001,
            "age_low": [0, 1, 5, 10],
            "cases_n": [1.0, np.nan, 30.0, 10.0],
            "population_n": [1000.0, 4000.0, 6000.0, 4000.0],
        }
    )
    with pytest.raises(ValueError, match="lack the age groups of the standard that begin at 1"):
        incidence.national_series(cells[cells["age_low"] != 1], standard)
    assert incidence.national_series(cells, standard)["rate_100k"].item() == pytest.approx(1e5 * (0.1 / 1000 + 0.5 * 40 / 10_000))


def test_local_levels_shrink_by_size_and_unpublished_counties_get_the_prior():
    listed = pd.DataFrame(
        {
            "county_fips": list("abcdef"),
            "rate_100k": [120.0, 120.0, 80.0, 100.0, 90.0, np.nan],
            "cases_n_year": [2000.0, 6.0, 1500.0, 900.0, 700.0, np.nan],
        }
    )
    found = incidence.local_level(listed, 100.0).set_index("county_fips")
    assert found.loc["a", "level"] == pytest.approx(1.2, abs=0.01) and 1.0 < found.loc["b", "level"] < found.loc["a", "level"]
    assert np.isnan(found.loc["f", "cases_n"])
    assert found.loc["f", "level_high"] - found.loc["f", "level_low"] > found.loc["b", "level_high"] - found.loc["b", "level_low"]


def test_pooled_rate_weights_by_people():
    assert incidence.pooled_rate(pd.DataFrame({"rate_100k": [100.0, 50.0, np.nan], "cases_n_year": [100.0, 150.0, 10.0]})) == pytest.approx(
        1e5 * 250 / 400_000
    )
