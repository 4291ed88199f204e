"""Distance, travel time and areas on the map.

Definitions: distance is the great circle (haversine) in kilometers between points; travel time is an approximation from
distance, a detour factor and an average speed that the settings state; a ZIP's area, where no boundary file is configured,
is the Thiessen polygon of its centroid (all places closer to it than to any other) clipped to the land of the counties.

Known bias: one speed for a region is too slow on highways and too fast downtown, water and bridges are ignored; Thiessen
areas are not postal boundaries, and a ZIP's people do not live at its centroid.
"""

from itertools import pairwise
from typing import Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from . import given

EARTH_KM = 6371.0088  # mean radius, IUGG
FLAT = 5070  # NAD83 / Conus Albers: areas are true and meters straight enough within a region
Rule = Literal["queen", "rook"]


def haversine_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> float | np.ndarray:
    """Great-circle distance in km between points in degrees; broadcasts like numpy, missing where a coordinate is.

    Raises
    ------
    ValueError
        A latitude lies outside of -90 to 90 or a longitude outside of -180 to 180 (exchanged, or not in degrees), or labels do not match.
    """
    given.labels(lat1=lat1, lon1=lon1, lat2=lat2, lon2=lon2)
    for name, value, most in (("lat1", lat1, 90), ("lon1", lon1, 180), ("lat2", lat2, 90), ("lon2", lon2, 180)):
        if (np.abs(np.asarray(value, dtype=float)) > most).any():
            raise ValueError(f"{name} must lie between -{most} and {most} degrees: are latitude and longitude exchanged?")
    a, b, c, d = (np.radians(np.asarray(v, dtype=float)) for v in (lat1, lon1, lat2, lon2))
    half = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    km = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return float(km) if np.ndim(km) == 0 else km


def distance_km(origins: pd.DataFrame, destinations: pd.DataFrame) -> np.ndarray:
    """Matrix of great-circle distances in km, a row per origin and a column per destination, both with `lat`, `lon` in degrees.

    Raises
    ------
    ValueError
        A column is missing, or coordinates are outside of the degrees there are.
    """
    given.columns(origins, ["lat", "lon"], name="origins")
    given.columns(destinations, ["lat", "lon"], name="destinations")
    o, d = (frame[["lat", "lon"]].to_numpy(dtype=float) for frame in (origins, destinations))
    return np.asarray(haversine_km(o[:, None, 0], o[:, None, 1], d[None, :, 0], d[None, :, 1]))


def drive_min(dist_km: ArrayLike, *, speed_kmh: float, detour: float = 1.3, start_min: float = 0.0) -> float | np.ndarray:
    """Approximate travel time in minutes: straight distance x detour at one average speed, plus a fixed start and parking time.

    Raises
    ------
    ValueError
        The speed is not positive, the detour below 1 (shorter than straight), or a distance negative.
    """
    if speed_kmh <= 0 or detour < 1:
        raise ValueError("speed_kmh must be positive and detour at least 1")
    return start_min + given.counts(dist_km, name="dist_km") * detour / speed_kmh * 60


def bands(values: ArrayLike, edges: list[float], *, unit: str = "min") -> pd.Categorical:
    """Ordered bands "0-15 min" ... "60+ min" of travel times; a value on an edge belongs to the nearer band, an unknown one to none.

    Raises
    ------
    ValueError
        The edges are not positive and in rising order.
    """
    if not edges or edges[0] <= 0 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"edges of bands must be positive and in rising order, not {edges}")
    labels = [f"{low:g}-{high:g} {unit}" for low, high in zip([0, *edges[:-1]], edges, strict=True)] + [f"{edges[-1]:g}+ {unit}"]
    return pd.cut(np.asarray(values, dtype=float), [-np.inf, *edges, np.inf], labels=labels)


def nearest(origins: pd.DataFrame, destinations: pd.DataFrame, *, key: str) -> pd.DataFrame:
    """Nearest destination of each origin.

    Returns
    -------
    One row per origin, under its label: `<key>` of the destination and `dist_km`, both missing without destinations.

    Raises
    ------
    ValueError
        A column is missing, or a coordinate is missing or outside of the degrees there are.
    """
    for name, frame in (("origins", origins), ("destinations", destinations)):
        given.columns(frame, ["lat", "lon"], name=name)
        given.known(frame[["lat", "lon"]].to_numpy(float), name=f"coordinates of {name}")
    if destinations.empty:
        return pd.DataFrame({key: pd.NA, "dist_km": np.nan}, index=origins.index)
    km = distance_km(origins, destinations)
    best = km.argmin(axis=1)
    return pd.DataFrame({key: destinations[key].to_numpy()[best], "dist_km": km[np.arange(len(km)), best]}, index=origins.index)


def points(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Places on the map.

    Returns
    -------
    The rows and columns of `frame`, which has `lat` and `lon` in degrees, with their points as `geometry`.
    """
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=4326)


def zip_areas(zips: pd.DataFrame, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Thiessen areas of ZIP centroids clipped to the land.

    Parameters
    ----------
    zips
        Columns `zip`, `lat`, `lon`. ZIPs at one and the same point share one area (the first by number keeps it):
        two Thiessen polygons cannot be told apart there.
    land
        County polygons.

    Returns
    -------
    One row per ZIP whose area has land, in order of `zip`: the columns of `zips` and `geometry` (degrees).
    """
    shape = land.to_crs(FLAT).geometry.union_all()
    sites = points(zips.sort_values("zip").drop_duplicates(["lat", "lon"])).to_crs(FLAT)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(sites.geometry.to_numpy()), extend_to=shape.buffer(10_000)))
    cell, site = shapely.STRtree(sites.geometry.to_numpy()).query(cells, predicate="contains")
    areas = gpd.GeoDataFrame(sites.iloc[site].drop(columns="geometry"), geometry=cells[cell], crs=FLAT)
    # Only cells at the edge need cutting; the rest lie inside whole.
    shapely.prepare(shape)
    edge = ~shapely.contains_properly(shape, areas.geometry.to_numpy())
    areas.loc[edge, "geometry"] = [_polygonal(part) for part in shapely.intersection(areas.geometry.to_numpy()[edge], shape)]
    return areas[~areas.geometry.is_empty].sort_values("zip").reset_index(drop=True).to_crs(4326)


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")])


def neighbors(areas: gpd.GeoDataFrame, *, key: str, rule: Rule = "queen", tolerance_m: float = 1.0) -> dict[str, set[str]]:
    """Which areas touch: for each key the set of its neighbors (empty for an island).

    Queen: a common point suffices; rook: a common border is needed. Areas within `tolerance_m` count as touching, since clipping leaves
    hairline gaps.

    Raises
    ------
    ValueError
        The rule is not known.
    """
    given.word(rule, get_args(Rule), name="rule")
    flat = areas.to_crs(FLAT).geometry.to_numpy()
    left, right = shapely.STRtree(flat).query(flat, predicate="dwithin", distance=tolerance_m)
    if rule == "rook":
        shared = shapely.intersection(shapely.buffer(flat[left], tolerance_m, quad_segs=1), flat[right])
        kept = shapely.area(shared) > 50 * tolerance_m**2
        left, right = left[kept], right[kept]
    names = areas[key].to_numpy()
    table: dict[str, set[str]] = {name: set() for name in names}
    for i, j in zip(left, right, strict=True):
        if i != j:
            table[names[i]].add(names[j])
    return table


def edge(areas: gpd.GeoDataFrame, *, key: str) -> set[str]:
    """Areas on the outer border of the map: those that touch its outline, a shore included."""
    flat = areas.to_crs(FLAT).geometry
    outline = flat.union_all().boundary
    touching = shapely.STRtree(flat.to_numpy()).query(outline, predicate="dwithin", distance=1.0)
    return set(areas[key].to_numpy()[touching])
