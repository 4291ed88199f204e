"""The catchment put together: areas, people, need, reach and competition on small hand-made regions."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from catchment.market import catchment_area, need, reach
from catchment.market import shares as market
from catchment.market.exhibits.area import boundaries, left_out
from catchment.stats import demand, spatial
from catchment.stats.geo import FLAT

ZIPS = pd.DataFrame(
    {
        "zip": ["1", "2", "3", "4"],
        "city": list("abcd"),
        "county_fips": ["X", "X", "Y", "Y"],
        "population_n": [600.0, 400.0, 1000.0, np.nan],
        "lat": [41.0, 41.1, 41.2, 41.9],
        "lon": [-88.0] * 4,
    }
)
HOSPITALS = pd.DataFrame(
    {
        "ccn": ["A", "B"],
        "hospital": ["Ours", "Theirs"],
        "system": ["Ours", "Big"],
        "owned": True,
        "zip": ["1", "3"],
        "county_fips": ["X", "Y"],
        "lat": [41.0, 41.2],
        "lon": [-88.0, -88.0],
        "beds_n": [50.0, np.nan],
        "discharges_n": [100.0, 300.0],
    }
)
FLOWS = pd.DataFrame(
    [
        (2022, "A", "1", 80.0),
        (2022, "A", "2", None),
        (2022, "B", "1", 20.0),
        (2022, "B", "2", 60.0),
        (2022, "B", "3", 100.0),
        (2023, "A", "1", 60.0),
        (2023, "A", "2", 30.0),
        (2023, "A", "9", None),
        (2023, "B", "1", 40.0),
        (2023, "B", "2", 60.0),
        (2023, "B", "3", 120.0),
    ],
    columns=["year", "ccn", "zip", "cases_n"],
)


@pytest.fixture
def flows():
    return market.filled(catchment_area.placed(FLOWS, HOSPITALS, ZIPS))


def catchment(flows, **options):
    near = {"1": {"2"}, "2": {"1", "3"}, "3": {"2"}, "4": set()}
    return catchment_area.catchment(
        flows[flows["year"] == 2023],
        ccn="A",
        total=None,
        neighbors=near,
        edge={"3", "4"},
        zips=ZIPS,
        hospitals=HOSPITALS,
        **{"rule": "contiguous", "primary": 0.55, "secondary": 0.25, "contiguous": 0.75, "tsa": 0.9} | options,
    )


def test_hospitals_listed_twice_are_refused():
    with pytest.raises(ValueError, match="listed twice: A"):
        catchment_area.every_hospital(HOSPITALS, HOSPITALS.iloc[:1], ccn="A", name="Ours")


def test_a_partner_that_is_no_hospital_of_the_tables_is_refused():
    with pytest.raises(ValueError, match="own CCN 'Z'"):
        catchment_area.every_hospital(HOSPITALS, ccn="Z", name="Ours")


def test_our_hospital_has_the_name_of_our_pages_and_keeps_its_system():
    hospitals = catchment_area.every_hospital(HOSPITALS, ccn="A", name="Ours")
    assert hospitals.set_index("ccn")["hospital"].to_dict() == HOSPITALS.set_index("ccn")["hospital"].to_dict() | {"A": "Ours"}
    assert catchment_area.owner(hospitals, "A") == HOSPITALS.set_index("ccn").loc["A", "system"]


def test_unmatched_zips_are_counted_and_kept_apart(flows):
    found = catchment_area.unmatched(flows)
    assert found["zips"].to_dict() == {"9": 1} and found["hospitals"].empty
    alone = catchment_area.placed(FLOWS, HOSPITALS[:1], ZIPS)
    assert catchment_area.unmatched(alone)["hospitals"].to_dict() == {"B": 6}
    # Its patients stay in the market: without them our share would be all of it.
    assert market.share(market.filled(alone)).set_index("system").loc["CCN B", "cases_n"] == 400
    note = left_out(catchment_area.unmatched(alone))
    assert "6 flows of 1 hospital that the table hospitals lacks (B)" in note and "1 flow of 1 ZIP that the table zips lacks (9)" in note


def test_a_hospital_whose_owner_is_not_given_stands_for_itself():
    listed = HOSPITALS.drop(columns="owned").assign(system=["Ours", None], hospital="Mercy")
    found = catchment_area.every_hospital(listed, HOSPITALS.drop(columns="owned").head(0), ccn="A", name="Us").set_index("ccn")
    assert found["system"].to_dict() == {"A": "Ours", "B": "Mercy"} and found["owned"].to_dict() == {"A": True, "B": False}
    twice = pd.concat([listed, listed[1:].assign(ccn="C")])
    names = catchment_area.every_hospital(twice, ccn="A", name="Us")["system"].tolist()
    assert names == ["Ours", "Mercy (B)", "Mercy (C)"], "two hospitals of one name are no system"
    flows = catchment_area.placed(FLOWS, found.reset_index(), ZIPS)
    assert market.ownerless(flows) == "The owner of 1 of 2 hospitals is not given: each stands for itself."
    assert market.ownerless(flows.assign(owned=False)).startswith("Owners are not given") and market.ownerless(flows[:1]) == ""


def test_given_zip_areas_are_drawn_and_the_others_take_what_is_left():
    zips = ZIPS[:3].assign(lat=[41.5, 41.5, 41.5], lon=[-88.5, -87.5, -86.5])
    land = gpd.GeoDataFrame({"county_fips": ["X", "Y"]}, geometry=[box(-89, 41, -88, 42), box(-88, 41, -86, 42)], crs=4326)
    none = gpd.GeoDataFrame({"zip": [], "year": []}, geometry=[], crs=4326)
    around = catchment_area.zip_areas(zips, land, none)
    assert around["boundary"].eq("Thiessen").all() and "Thiessen" in boundaries(around) and "Census" not in boundaries(around)
    own = gpd.GeoDataFrame({"zip": ["1"], "year": [2020]}, geometry=[box(-89, 41, -87.9, 42)], crs=4326)
    mixed = catchment_area.zip_areas(zips, land, own).set_index("zip")
    assert mixed["boundary"].to_dict() == {"1": "file", "2": "Thiessen", "3": "Thiessen"} and mixed.loc["1", "city"] == "a"
    assert mixed.loc["1", "geometry"].intersection(mixed.loc["2", "geometry"]).area < 1e-9, "no ground belongs to two ZIPs"
    assert "2 ZIPs without one" in boundaries(mixed) and "without one" not in boundaries(mixed[:1])
    with pytest.raises(ValueError, match="the table counties has none of the counties"):
        catchment_area.zip_areas(zips.assign(county_fips="Z"), land, none)


def test_each_rule_is_described_side_by_side(flows):
    found = catchment(flows)
    rules = found.rules.set_index("definition")
    assert found.zips == ["1", "2"] and found.note == ""
    assert rules["zips"].tolist() == [1, 2, 2, 2] and rules["reached"].tolist() == ["yes", "yes", "yes", "yes"]
    assert rules["people"].tolist() == [600, 1000, 1000, 1000]
    assert rules.loc[found.rule, "market_share"] == pytest.approx(90 / 190)
    assert catchment(flows, rule="origin").zips == ["1"]


def test_without_known_flows_the_area_is_the_home_county(flows):
    hidden = flows.assign(known_n=flows["known_n"].where(flows["ccn"] != "A"))
    found = catchment(hidden)
    assert found.zips == ["1", "2"] and found.rule == "Home county" and "suppressed" in found.note


def test_origin_table_has_changes_only_where_both_years_are_known(flows):
    found = catchment_area.origin_table(flows[flows["zip"] != "9"], catchment(flows), ccn="A", zips=ZIPS).set_index("zip")
    assert found.loc["1", "since_first_share"] == pytest.approx(-0.25) and np.isnan(found.loc["2", "since_first_share"])
    assert found.loc["1", "share"] == pytest.approx(0.6)


def test_mapped_areas_tell_none_from_suppressed(flows):
    areas = gpd.GeoDataFrame({"zip": ["1", "2", "3", "9"]}, geometry=[box(i, 0, i + 1, 1) for i in range(4)], crs=FLAT)
    found = catchment_area.mapped(areas, catchment(flows), ["1", "2", "3", "9"]).set_index("zip")
    assert found.loc["3", "origin_share"] == 0 and not found.loc["3", "origin_share_suppressed"]
    assert np.isnan(found.loc["9", "origin_share"]) and found.loc["9", "stays_suppressed"]


def test_county_weights_and_area_population():
    weights = catchment_area.county_weights(ZIPS, ["1", "3"]).set_index("county_fips")["weight"]
    assert weights.to_dict() == {"X": 0.6, "Y": 1.0}
    people = pd.DataFrame({"county_fips": ["X", "Y", "Z"], "population_n": [100.0, 10.0, 5.0]})
    assert catchment_area.area_population(people, weights.reset_index())["population_n"].tolist() == [60, 10]


def test_levels_take_the_latest_period_of_each_county():
    columns = ["county_fips", "site", "sex", "year_first", "year_last", "rate_100k", "cases_n_year", "source"]
    rows = [
        (c, "A", "both", 2017, 2021, r, n, "S")
        for c, r, n in (("00000", 100.0, 1e6), ("x", 120.0, 900.0), ("y", np.nan, np.nan), ("z", 80.0, 700.0))
    ]
    rows += [(c, "A", "both", 2010, 2014, r, n, "S") for c, r, n in (("x", 300.0, 900.0), ("y", 110.0, 800.0), ("z", 90.0, 600.0))]
    national = pd.DataFrame({"site": "A", "sex": "both", "year": range(2010, 2015), "rate_100k": 100.0})
    found = need.levels(pd.DataFrame(rows, columns=columns), ["A", "B"], ["x", "y"], national).set_index("county_fips")
    assert found["period"].to_dict() == {"x": "2017-2021", "y": "2010-2014"}
    assert found.loc["x", "compared"] == "the nation in the same listing" and "national series" in found.loc["y", "compared"]
    assert found.loc["x", "level"] == pytest.approx(1.2, abs=0.02)
    pooled, how = need.reference(pd.DataFrame(rows[4:], columns=columns), national[:2], pd.DataFrame(rows[:1], columns=columns))
    assert "all listed counties" in how and 90 < pooled < 300


def test_zip_need_is_the_countys_rate_per_person_and_missing_without_people():
    people = pd.DataFrame({"county_fips": ["X", "Y"], "population_n": [1000.0, 1000.0]})
    found = need.zip_need(ZIPS, pd.DataFrame({"county_fips": ["X", "Y"], "expected_n": [6.0, 12.0]}), people).set_index("zip")
    assert found["expected_n"].iloc[:3].tolist() == pytest.approx([3.6, 2.4, 12]) and np.isnan(found.loc["4", "expected_n"])


def test_drivers_add_up_to_the_outlook():
    projected = pd.DataFrame(
        {
            "site": ["A", "A", "B", "B"],
            "year": [2025, 2035] * 2,
            "expected_n": [100.0, 130.0, 50.0, 45.0],
            "rate_factor": [1.0, 1.1, 1.0, 0.8],
            "level_error": 0.1,
            "trend_error": [0, 0.1] * 2,
            "population_error": [0, 0.04] * 2,
            "apc": 1.0,
            "apc_low": 0.5,
            "apc_high": 1.5,
            "trend": "rising",
            "basis": "national series",
        }
    )
    people = pd.DataFrame({"year": [2025, 2035], "population_n": [1000.0, 1100.0]})
    found = need.drivers(projected, people)
    assert found["change_n"].tolist() == pytest.approx([30, -5]) and found["size_n"].tolist() == pytest.approx([10, 5])
    assert need.bridge(found, start="2025")["demand_n"].sum() == pytest.approx(175)
    outlook = need.outlook(projected)
    assert outlook["site"].tolist() == ["A", "B", "All sites"] and outlook["ahead_n"].iloc[-1] == 175
    assert demand.limits(projected)["expected_high"].gt(projected["expected_n"]).all()


def test_site_mix_of_the_area_is_one():
    outlook = pd.DataFrame({"site": ["A", "B", "All sites"], "now_n": [30.0, 70.0, 100.0]})
    found = need.site_mix(pd.DataFrame({"site": ["A", "B"], "cases_n": [60, 140]}), outlook)
    assert found["lq_ratio"].tolist() == pytest.approx([1, 1]) and (found["lq_ratio_low"] < 1).all() and (found["lq_ratio_high"] > 1).all()


def test_size_falls_back_on_discharges_and_places_measure_travel():
    assert reach.attraction(HOSPITALS).tolist() == [50, 150]  # two discharges a bed
    table = need.zip_need(
        ZIPS,
        pd.DataFrame({"county_fips": ["X", "Y"], "expected_n": [600.0, 1200.0]}),
        pd.DataFrame({"county_fips": ["X", "Y"], "population_n": [1000.0, 1000.0]}),
    )
    found = reach.places(
        ZIPS,
        table,
        HOSPITALS,
        ccn="A",
        travel=reach.Travel(60, 1.0, 0),
        reach=30,
        zones={10.0: 1.0, 30.0: 0.5},
        crowding=60,
        edges=[15, 30],
    ).set_index("zip")
    assert (
        found.loc["1", "drive_min"] == 0
        and found.loc["3", "nearest_min"] == 0
        and found.loc["3", "drive_min"] == pytest.approx(22.2, abs=0.1)
    )
    assert (found["expected_n"] * found["two_step_ratio"]).sum() / found["expected_n"].sum() == pytest.approx(1)
    assert found["band"].astype(str).tolist() == ["0-15 min", "0-15 min", "15-30 min"]


def test_gains_have_an_interval_and_newcomers_start_at_zero(flows):
    found = market.gains(market.share_by_year(flows)).set_index("system")
    assert found.loc["Ours", "gained_points_low"] < found.loc["Ours", "gained_points"] < found.loc["Ours", "gained_points_high"]
    late = market.gains(market.share_by_year(flows[~((flows["year"] == 2022) & (flows["ccn"] == "A"))])).set_index("system")
    assert late.loc["Ours", "before_share"] == 0 and late.loc["Ours", "gained_points"] == late.loc["Ours", "share"]


def test_newcombe_example():
    # Newcombe (1998b), method 10: 56/70 - 48/80 = 0.20 with interval 0.0524 to 0.3339.
    shares = pd.DataFrame({"year": [1, 1, 2, 2], "system": ["s", "o"] * 2, "cases_n": [48, 32, 56, 14]})
    shares["share"] = shares["cases_n"] / shares.groupby("year")["cases_n"].transform("sum")
    from catchment.stats.rates import wilson

    shares["share_low"], shares["share_high"] = wilson(shares["cases_n"], shares.groupby("year")["cases_n"].transform("sum"))
    found = market.gains(shares).set_index("system").loc["s"]
    assert [round(found[c], 4) for c in ("gained_points", "gained_points_low", "gained_points_high")] == [0.2, 0.0524, 0.3339]


def test_change_terms_keeping_competition_and_mergers(flows):
    inside = flows[flows["zip"].isin(["1", "2", "3"])]
    terms = market.change_terms(inside, by="ccn", name="A")
    bridge = market.change_bridge(terms, start="2022")
    assert bridge["stays"].sum() == pytest.approx(90)
    keep = market.keeping(inside, ours=["Ours"], tertiary=["B"])
    assert set(keep["kind"]) == {"Our network", "Tertiary"} and keep.groupby("year")["share"].sum().tolist() == pytest.approx([1, 1])
    faced = market.competition(inside[inside["year"] == 2023], most=1, always="A")
    assert set(faced["ccn"]) == {"A", "B"} and faced["hhi"].between(0, 10_000).all()
    assert market.mergers(pd.Series({"a": 40.0, "b": 60.0}), "a")["hhi_after"].tolist() == pytest.approx([10_000])


def test_clusters_put_both_statistics_side_by_side():
    cells = [(x, y) for x in range(8) for y in range(8)]
    areas = gpd.GeoDataFrame(
        {"county_fips": [f"{x}{y}" for x, y in cells], "county": [f"c{x}{y}" for x, y in cells]},
        geometry=[box(1000 * x, 1000 * y, 1000 * x + 1000, 1000 * y + 1000) for x, y in cells],
        crs=FLAT,
    )
    values = pd.Series(np.random.default_rng(2).normal(0, 1, 64), index=areas["county_fips"]) + pd.Series(
        [5.0 * (x < 3 and y < 3) for x, y in cells], index=areas["county_fips"]
    )
    found, called = spatial.clusters(values, areas, key="county_fips", name="county", permutations=499, seed=1, fdr=0.05)
    assert (
        found.p < 0.05
        and "c11" in set(called["county"])
        and (called.set_index("county").loc["c11", ["lisa", "hot_spot"]] == ["high-high", "hot"]).all()
    )


def test_a_zip_without_a_known_city_is_named_by_its_number(flows):
    zips = ZIPS.assign(city=None)
    found = catchment_area.origin_table(flows[flows["zip"] != "9"], catchment(flows), ccn="A", zips=zips)
    assert (found["place"] == found["zip"]).all()
