"""Expected cases, projection, trend and decomposition: hand-worked, additive, shrunk, and covered."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.stats import demand

AGES = [0, 40, 65]


def people(county="17093", year=2020, young=1000.0, middle=500.0, old=200.0):
    rows = [(county, year, sex, age, n) for sex in ("female", "male") for age, n in zip(AGES, (young, middle, old), strict=True)]
    return pd.DataFrame(rows, columns=["county_fips", "year", "sex", "age_low", "population_n"])


def rates(site="Lung", young=1.0, middle=100.0, old=1000.0):
    rows = [(site, sex, age, r) for sex in ("female", "male") for age, r in zip(AGES, (young, middle, old), strict=True)]
    return pd.DataFrame(rows, columns=["site", "sex", "age_low", "rate_100k"])


def region(**cells):
    """A projection of one region: year -> (young, middle, old)."""
    return (
        pd.concat([people(year=int(year[1:]), **dict(zip(("young", "middle", "old"), n, strict=True))) for year, n in cells.items()])
        .drop(columns="county_fips")
        .assign(projection_region="R")
    )


REGION = pd.DataFrame({"county_fips": ["17093"], "projection_region": ["R"]})


def test_expected_cases_use_age_specific_rates_not_the_age_adjusted_one():
    # 2 x (1000 x 1 + 500 x 100 + 200 x 1000) per 100,000.
    found = demand.expected_cases(people(), rates(), by=["site"])["cases_n"].item()
    assert found == pytest.approx(2 * (1000 + 50_000 + 200_000) / 1e5)
    older = demand.expected_cases(people(young=800, middle=500, old=400), rates(), by=["site"])["cases_n"].item()
    assert older > 1.6 * found  # the same people in number: an age-adjusted rate times a population would not move


def test_age_groups_that_do_not_match_are_refused():
    with pytest.raises(
        ValueError, match="the population and the rates are in different age groups: only one of them begins groups at 65, 70"
    ):
        demand.expected_cases(people().replace({"age_low": {65: 70}}), rates(), by=["site"])
    # Ages of which all have a rate, but wider: each rate would be multiplied by the people of two groups, and half of the rates left out.
    wide = people()[people()["age_low"] != 40]
    with pytest.raises(ValueError, match="begins groups at 40"):
        demand.expected_cases(wide, rates(), by=["site"])
    with pytest.raises(ValueError, match="rates need one row per site, sex and age group: Lung, male"):
        demand.expected_cases(people(), rates().drop(index=5), by=["site"])
    with pytest.raises(ValueError, match="rates need one row"):
        demand.expected_cases(people(), pd.concat([rates(), rates()[:1]]), by=["site"])


@pytest.mark.parametrize("word", ["Male", "M", "both"])
def test_sexes_that_are_not_known_are_refused_and_not_left_out(word):
    strange = {"sex": {"male": word}}
    with pytest.raises(ValueError, match=f"sex of population holds {word}: known are female, male"):
        demand.expected_cases(people().replace(strange), rates(), by=["site"])
    with pytest.raises(ValueError, match=f"sex of rates holds {word}"):
        demand.expected_cases(people(), rates().replace(strange), by=["site"])
    future = region(y2025=(1, 1, 1), y2035=(2, 2, 2))
    with pytest.raises(ValueError, match=f"sex of projection holds {word}"):
        demand.county_projection(people(), future.replace(strange), REGION, years=[2025])


def test_a_site_of_one_sex_and_unknown_people():
    found = demand.expected_cases(people(), rates("Prostate").query("sex == 'male'"), by=["site"])["cases_n"].item()
    assert found == pytest.approx((1000 + 50_000 + 200_000) / 1e5)
    with pytest.raises(ValueError, match="population_n of population must be known: 2 of 6"):
        demand.expected_cases(people(middle=np.nan), rates(), by=["site"])


def test_a_county_follows_its_region_by_age_and_meets_its_latest_total():
    future = region(y2025=(900, 500, 300), y2035=(900, 550, 600))
    totals = pd.DataFrame({"county_fips": ["17093", "17093"], "year": [2022, 2023], "population_n": [1.0, 3300.0]})
    found = demand.county_projection(people(), future, REGION, years=[2025, 2035], totals=totals)
    now = found[found["year"] == 2025].set_index(CELL := ["sex", "age_low"])["population_n"]
    assert now.sum() == pytest.approx(3300)
    assert now.loc["female", 65] / now.loc["female", 0] == pytest.approx(300 / 900)
    later = found[found["year"] == 2035].set_index(CELL)["population_n"]
    assert (later / now).loc["male"].tolist() == pytest.approx([1.0, 1.1, 2.0])
    assert found["status"].unique().tolist() == ["projected"]


def test_projections_between_published_years_are_interpolated_and_beyond_refused():
    future = region(y2025=(900, 500, 300), y2035=(900, 500, 500))
    found = demand.county_projection(people(), future, REGION, years=[2025, 2030])
    assert found[(found["year"] == 2030) & (found["age_low"] == 65)]["population_n"].iloc[0] == pytest.approx(200 * 400 / 200)
    with pytest.raises(ValueError, match="covers 2025 to 2035"):
        demand.county_projection(people(), future, REGION, years=[2025, 2045])


def test_a_county_without_a_projection_is_held_and_says_so():
    found = demand.county_projection(
        people(), region(y2025=(1, 1, 1), y2035=(2, 2, 2)), REGION.assign(county_fips="99999"), years=[2025, 2035]
    )
    assert found["status"].unique().tolist() == ["held at latest"]
    assert found.groupby("year")["population_n"].sum().tolist() == pytest.approx([3400, 3400])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1, 5000), min_size=6, max_size=6), st.floats(0.5, 1.5))
def test_the_three_terms_add_up_to_the_change(counts, factor):
    before, after = people(young=counts[0], middle=counts[1], old=counts[2]), people(young=counts[3], middle=counts[4], old=counts[5])
    found = demand.decomposition(before, after, rates(), rate_change=factor).iloc[0]
    assert found["size_n"] + found["aging_n"] + found["rate_n"] == pytest.approx(found["after_n"] - found["before_n"], abs=1e-9)


def test_each_term_alone():
    base = people()
    grown = demand.decomposition(base, base.assign(population_n=base["population_n"] * 1.2), rates()).iloc[0]
    assert (grown["aging_n"], grown["rate_n"]) == pytest.approx((0, 0)) and grown["size_n"] == pytest.approx(0.2 * grown["before_n"])
    risk = demand.decomposition(base, base, rates(), rate_change=pd.Series({"Lung": 0.9})).iloc[0]
    assert (risk["size_n"], risk["aging_n"]) == pytest.approx((0, 0)) and risk["rate_n"] == pytest.approx(-0.1 * risk["before_n"])
    with pytest.raises(ValueError, match="rate_change holds lung: known are Lung"):
        demand.decomposition(base, base, rates(), rate_change=pd.Series({"lung": 0.9}))
    aged = demand.decomposition(base, people(young=900, middle=500, old=300), rates()).iloc[0]
    assert aged["size_n"] == pytest.approx(0) and aged["aging_n"] == pytest.approx(aged["change_n"])


def test_trend_is_damped_and_capped():
    assert demand.trend_factor(2.0, 10) == pytest.approx(1.02**10)
    assert 1 < demand.trend_factor(2.0, 10, damping=0.9) < 1.02**10
    assert demand.trend_factor(-9.0, 20, cap=0.25) == 0.75
    assert demand.trend_factor(1.5, 0, damping=0.9) == 1
    assert demand.effective_years(3, 0.5) == pytest.approx(0.5 + 0.25 + 0.125)
    with pytest.raises(ValueError, match="damping"):
        demand.trend_factor(1, 1, damping=0)


def test_site_trends_leave_out_distorted_years_and_hold_sites_without_a_series():
    years = np.arange(2010, 2023)
    series = pd.DataFrame({"site": "A", "sex": "both", "year": years, "rate_100k": 50 * 1.01 ** (years - 2010.0)})
    series.loc[series["year"] == 2020, "rate_100k"] = 5.0
    found = demand.site_trends(series, ["A", "B"], first=2012, base=(2013, 2017)).set_index("site")
    assert demand.site_trends(series, ["A"], first=2012)["since_base"].isna().all()
    with pytest.raises(ValueError, match="no rate in 1999-2003, the period of the rates by age"):
        demand.site_trends(series, ["A"], first=2012, base=(1999, 2003))
    assert found.loc["A", "apc"] == pytest.approx(1.0) and found.loc["A", "trend"] == "rising"
    assert found.loc["A", "since_base"] == pytest.approx(1.01**12 / np.mean(1.01 ** np.arange(3.0, 8)))
    assert found.loc["B", ["apc", "apc_low", "apc_high"]].tolist() == [0, -1, 1] and "held level" in found.loc["B", "basis"]


def project(**options):
    now_ahead = pd.concat([people(year=2025, young=1e5, middle=5e4, old=2e4), people(year=2035, young=1e5, middle=5e4, old=3e4)])
    trends = demand.site_trends(pd.DataFrame(columns=["site", "sex", "year", "rate_100k"]), ["Lung"], first=2012)
    levels = pd.DataFrame({"county_fips": ["17093"], "site": ["Lung"], "level": [1.1], "level_low": [1.0], "level_high": [1.2]})
    settings = {"levels": levels, "trends": trends, "damping": 0.9, "cap": 0.25, "population_error": 0.04} | options
    return demand.limits(demand.project(now_ahead, rates(), **settings))


def test_projected_cases_carry_level_and_widening_limits():
    found = project()
    assert found["expected_n"].iloc[0] == pytest.approx(1.1 * 2 * (1e5 * 1 + 5e4 * 100 + 2e4 * 1000) / 1e5)
    width = (found["expected_high"] - found["expected_low"]) / found["expected_n"]
    assert width.iloc[1] > width.iloc[0] > 0
    unknown = project(
        levels=pd.DataFrame(columns=["county_fips", "site", "level", "level_low", "level_high"], dtype=object).astype(
            {"level": float, "level_low": float, "level_high": float}
        ),
        unknown_level_error=0.2,
    )
    assert (unknown["expected_high"] - unknown["expected_low"]).iloc[0] > (found["expected_high"] - found["expected_low"]).iloc[0]


def test_a_projection_needs_a_trend_of_every_site():
    trends = demand.site_trends(pd.DataFrame(columns=["site", "sex", "year", "rate_100k"]), ["Breast"], first=2012)
    with pytest.raises(ValueError, match="no trend since the base of the rates for: Lung"):
        project(trends=trends)


def test_total_adds_sites_and_errs_less_than_their_sum():
    one = project()
    two = pd.concat([one, one.assign(site="Other")], ignore_index=True)
    total = demand.limits(demand.total(two))
    assert total["expected_n"].tolist() == pytest.approx((2 * one["expected_n"]).tolist())
    assert (total["expected_high"] - total["expected_low"]).iloc[0] < 2 * (one["expected_high"] - one["expected_low"]).iloc[0]
    assert total["population_error"].iloc[1] == one["population_error"].iloc[1]


@pytest.mark.slow
@pytest.mark.parametrize(("mean", "error"), [(20.0, 0.0), (60.0, 0.1), (900.0, 0.06)])
def test_prediction_intervals_cover_future_counts(mean, error):
    random = np.random.default_rng(12)
    level = random.gamma(1 / error**2, mean * error**2, 40_000) if error else np.full(40_000, mean)
    low, high = demand.prediction_limits(mean, error)
    seen = random.poisson(level)
    assert 0.94 <= ((low <= seen) & (seen <= high)).mean() <= 0.975
