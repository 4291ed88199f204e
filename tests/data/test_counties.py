"""County codes of other years: people are apportioned and never lost, rates are means, what no change leads to stays as it is."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from catchment.data.counties import Counties

CHANGES = pd.read_csv(Path(__file__).parents[2] / "data/public/county_changes.csv", dtype={"old_fips": str, "new_fips": str})
OLD = [f"09{number:03d}" for number in range(1, 16, 2)]
NEW = [f"09{number}" for number in range(110, 200, 10)]


def a_map(*codes):
    shapes = [box(i, 40, i + 1, 41) for i in range(len(codes))]
    return Counties(gpd.GeoDataFrame({"county_fips": list(codes)}, geometry=shapes, crs=4326), CHANGES)


def people(codes, n=1000):
    rows = [(code, 2019, sex, n * (i + 1)) for i, code in enumerate(codes) for sex in ("female", "male")]
    return pd.DataFrame(rows, columns=["county_fips", "year", "sex", "population_n"])


def test_each_share_of_a_change_adds_up():
    shares = CHANGES.groupby("old_fips")["old_share"].sum()
    assert shares.to_numpy() == pytest.approx(1, abs=1e-5)
    whole = CHANGES[CHANGES["new_fips"].isin(NEW)].groupby("new_fips")["new_share"].sum()
    assert len(whole) == 9 and whole.to_numpy() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD)], ids=["to the new", "to the old"])
def test_no_person_is_lost_on_the_way_between_counties_and_planning_regions(before, after):
    places, table = a_map(*after), people(before)
    found = places.brought(table, "population", key=["county_fips", "year", "sex"])
    assert sorted(found["county_fips"].unique()) == after
    assert found["population_n"].sum() == pytest.approx(table["population_n"].sum(), rel=1e-4)
    assert places.carried == {"population": before}


def test_the_people_of_greater_bridgeport_are_the_third_of_fairfield():
    # 320,921 of 943,332 people of Fairfield County lived in its six towns (Census estimates of 2019).
    found = a_map(*NEW).brought(people(["09001"], 943_332), "population", key=["county_fips", "year", "sex"])
    bridgeport = found[found["county_fips"] == "09120"]["population_n"]
    assert bridgeport.tolist() == pytest.approx([320_921, 320_921], rel=1e-4)
    western = found.loc[found["county_fips"] == "09190", "population_n"]
    assert western.notna().all(), "95 % of its people are known"
    assert found.loc[found["county_fips"] == "09140", "population_n"].isna().all(), "a region of which a tenth is known has no count"


def test_rates_are_means_over_the_people_and_missing_where_a_part_is():
    rates = pd.DataFrame({"county_fips": ["09003", "09013"], "site": "Lung", "rate_100k": [50.0, 60.0], "cases_n_year": [400.0, 80.0]})
    found = a_map("09110").brought(rates, "incidence", key=["county_fips", "site"]).iloc[0]
    assert found["rate_100k"] == pytest.approx(50 * 0.845456 + 60 * 0.154544)
    assert found["cases_n_year"] == pytest.approx(400 * 0.919514 + 80 * 0.994433)
    gone = a_map("09110").brought(rates.assign(rate_100k=[50.0, np.nan]), "incidence", key=["county_fips", "site"]).iloc[0]
    assert np.isnan(gone["rate_100k"]) and gone["cases_n_year"] > 0


def test_a_renamed_county_and_one_that_joined_another():
    table = people(["46113", "51515", "51019", "17031"])
    found = a_map("46102", "51019", "17031").brought(table, "population", key=["county_fips", "year", "sex"])
    sums = found.groupby("county_fips")["population_n"].sum()
    assert sums.to_dict() == {"17031": 8000, "46102": 2000, "51019": 10_000}, "4,000 and 6,000 people together"
    rates = pd.DataFrame({"county_fips": ["51515", "51019"], "site": "Lung", "rate_100k": [90.0, 70.0]})
    assert a_map("51019").brought(rates, "incidence", key=["county_fips", "site"])["rate_100k"].tolist() == [70]


def test_what_no_change_leads_to_stays_as_it_is():
    table = people(["17031", "99999"])
    places = a_map("17031")
    assert places.brought(table, "population", key=["county_fips", "year", "sex"]) is table and places.carried == {}
    assert places.missing(["17031", "17043"]) == ["17043"] and places.missing(["17031"], table.iloc[2:]) == ["17031"]
    assert a_map(*NEW).became("09007") == ["09130"] and places.became("09007") == []


def test_points_of_a_changed_county_are_placed_where_they_lie():
    points = pd.DataFrame({"zip": ["1", "2", "3"], "county_fips": ["09001", "09001", "17031"], "lat": 40.5, "lon": [0.5, 1.5, 9.0]})
    places = a_map("09120", "09190")
    assert places.placed(points, "zips")["county_fips"].tolist() == ["09120", "09190", "17031"]
    assert places.carried == {"zips": ["09001"]}
