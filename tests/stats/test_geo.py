"""Distances of known places, Thiessen areas, neighbors."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from catchment.stats import geo


def test_haversine_of_known_places():
    # Chicago to New York is 1,145 km; a quarter of the equator is a quarter of 2 pi R; a point is no distance away.
    assert geo.haversine_km(41.8781, -87.6298, 40.7128, -74.0060) == pytest.approx(1144.3, abs=1.5)
    assert geo.haversine_km(0, 0, 0, 90) == pytest.approx(np.pi / 2 * geo.EARTH_KM)
    assert geo.haversine_km(41, -88, 41, -88) == 0
    assert geo.haversine_km(0, 0, 0, 180) == pytest.approx(np.pi * geo.EARTH_KM)


def test_distance_matrix_has_origins_as_rows():
    a = pd.DataFrame({"lat": [41.0, 42.0], "lon": [-88.0, -88.0]})
    b = pd.DataFrame({"lat": [41.0], "lon": [-88.0]})
    assert geo.distance_km(a, b).shape == (2, 1) and geo.distance_km(a, b)[0, 0] == 0


def test_travel_time_states_its_speed():
    assert geo.drive_min(40, speed_kmh=52, detour=1.3, start_min=4) == pytest.approx(64)
    with pytest.raises(ValueError, match="speed"):
        geo.drive_min(1, speed_kmh=0)


def test_bands_hold_their_upper_edge():
    assert geo.bands([0, 15, 15.1, 60, 61], [15, 30, 45, 60]).tolist() == ["0-15 min", "0-15 min", "15-30 min", "45-60 min", "60+ min"]


def test_nearest_and_without_destinations():
    o = pd.DataFrame({"lat": [41.0, 41.9], "lon": [-88.0, -88.0]}, index=[7, 9])
    d = pd.DataFrame({"ccn": ["A", "B"], "lat": [41.1, 41.8], "lon": [-88.0, -88.0]})
    assert geo.nearest(o, d, key="ccn")["ccn"].tolist() == ["A", "B"]
    assert geo.nearest(o, d[:0], key="ccn")["dist_km"].isna().all()


@pytest.fixture
def land():
    return gpd.GeoDataFrame({"county_fips": ["1"]}, geometry=[box(-88, 41, -87, 42)], crs=4326)


def test_thiessen_areas_cover_the_land_once_and_hold_the_nearest_points(land):
    random = np.random.default_rng(4)
    zips = pd.DataFrame(
        {"zip": [f"6{i:04}" for i in range(40)], "lat": random.uniform(41.05, 41.95, 40), "lon": random.uniform(-87.95, -87.05, 40)}
    )
    areas = geo.zip_areas(zips, land)
    flat = areas.to_crs(geo.FLAT)
    assert len(areas) == 40 and flat.area.sum() == pytest.approx(land.to_crs(geo.FLAT).area.sum(), rel=1e-6)
    sites = geo.points(zips).to_crs(geo.FLAT).set_index("zip").geometry
    for x, y in random.uniform([-88, 41], [-87, 42], (50, 2)):
        here = gpd.GeoSeries([Point(x, y)], crs=4326).to_crs(geo.FLAT).iloc[0]
        inside = flat.loc[flat.distance(here).idxmin(), "zip"]
        assert inside == sites.distance(here).idxmin()


def test_zips_at_one_point_share_an_area(land):
    zips = pd.DataFrame({"zip": ["60002", "60001", "60003"], "lat": [41.5, 41.5, 41.6], "lon": [-87.5, -87.5, -87.2]})
    assert geo.zip_areas(zips, land)["zip"].tolist() == ["60001", "60003"]


def test_neighbors_by_queen_and_rook_and_islands():
    cells = [box(x, y, x + 1, y + 1) for x in (0, 1) for y in (0, 1)] + [box(5, 5, 6, 6)]
    frame = gpd.GeoDataFrame({"zip": list("abcde")}, geometry=list(cells), crs=geo.FLAT)
    frame["geometry"] = frame.scale(1000, 1000, origin=(0, 0))
    queen, rook = geo.neighbors(frame, key="zip"), geo.neighbors(frame, key="zip", rule="rook")
    assert queen["a"] == {"b", "c", "d"} and rook["a"] == {"b", "c"} and queen["e"] == set()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: geo.haversine_km(-118.2, 34.0, 34.1, -118.3),
            "lat1 must lie between -90 and 90 degrees: are latitude and longitude exchanged",
        ),
        (lambda: geo.haversine_km(41, -88, 41, 188), "lon2 must lie between"),
        (lambda: geo.distance_km(pd.DataFrame({"lat": [1]}), pd.DataFrame({"lat": [1], "lon": [1]})), "origins lacks the columns lon"),
        (lambda: geo.drive_min(1, speed_kmh=50, detour=0.9), "detour"),
        (lambda: geo.drive_min(-1, speed_kmh=50), "dist_km must not be negative"),
        (lambda: geo.bands([1], [30, 15]), "rising order"),
        (
            lambda: geo.neighbors(gpd.GeoDataFrame({"zip": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4326), key="zip", rule="Rook"),
            "rule is one of",
        ),
    ],
)
def test_what_is_no_place_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_unknown_coordinates_have_no_nearest():
    known, hole = pd.DataFrame({"ccn": ["A"], "lat": [41.0], "lon": [-88.0]}), pd.DataFrame({"lat": [np.nan], "lon": [-88.0]})
    assert np.isnan(geo.distance_km(hole, known)).all()
    with pytest.raises(ValueError, match="coordinates of origins must be known"):
        geo.nearest(hole, known, key="ccn")
