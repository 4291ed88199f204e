"""Boundaries: TIGER/Line and cartographic boundary files, or GeoJSON of the same, as GeoParquet in WGS 84 degrees.

The identifier is found by its published names over the vintages (`GEOID`, `GEOID10`, `GEOID20`, `ZCTA5CE20`, …). A shapefile comes
as the ZIP archive that the Census publishes.
"""

import re
import zipfile
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import shapely

from catchment.data.catalog import Column, Imported

from .engine import write_rejects
from .layout import plain
from .stream import ImportRefused, Progress, facts_of_binary

KIND = "boundaries"
LARGEST = 2_000_000_000
_IDENTIFIERS = [
    ("zip", r"zcta5?(?:ce)?(?:\d\d)?|zipcode|zip", r"\d{4,5}"),
    ("area_id", r"geoid(?:fq)?(?:\d\d)?|geoidfips|fips|id", r"\d{2,15}"),
]
_LENGTHS = (2, 3, 4, 5, 7, 10, 11, 12, 15)
"""Digits of a GEOID: state, ZCTA3 or division code, district, county or ZCTA, place, subdivision, tract, block group, block."""
_STATES = {f"{code:02d}" for code in [*range(1, 57), 60, 66, 69, 72, 78]} - {"03", "07", "14", "43", "52"}
_NAMES = r"namelsad(?:\d\d)?|name(?:\d\d)?"
KEY = ["year", "area_id"]
COLUMNS = {
    "area_id": Column(meaning="identifier: ZIP (ZCTA), county FIPS, tract or state code"),
    "name": Column(nullable=True, meaning="name"),
    "state_fips": Column(nullable=True, pattern=r"\d{2}", meaning="state FIPS code"),
}


def convert_file(path: Path, target: Path, *, year: int | None = None, progress: Progress | None = None) -> Imported:
    """Import one boundary file into `target` (GeoParquet); raises ImportRefused with the reason."""
    sha256 = facts_of_binary(path, LARGEST, progress)
    shapes = _read(path)
    areas, wrong = _areas(shapes, path.name)
    told = year if year is not None else _year(path)
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        areas.assign(year=told).to_parquet(part, compression="zstd")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    write_rejects(target.with_suffix(".rejects.csv"), wrong)
    return Imported(KIND, path.name, target.name, str(told), sha256, len(areas), len(shapes) - len(areas), 0, "", f"{date.today()}")


def _read(path: Path) -> gpd.GeoDataFrame:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > LARGEST:
            raise ImportRefused(f"{path.name}: would unpack to {size:,} bytes; refused")
    source = f"zip://{path}" if zipfile.is_zipfile(path) else path
    try:
        layers = [str(layer) for layer, _ in pyogrio.list_layers(source)]
        if len(layers) != 1:
            raise ImportRefused(f"{path.name}: expected one layer of shapes, found {', '.join(layers) or 'none'}")
        shapes = gpd.read_file(source)
    except ImportRefused:
        raise
    except (pyogrio.errors.DataSourceError, shapely.errors.ShapelyError, ValueError) as error:
        said = str(error).splitlines()[0].split(";")[0].replace("/vsizip/", "").replace(str(path), path.name)
        raise ImportRefused(f"{path.name}: not readable as boundaries ({said})") from error
    if not isinstance(shapes, gpd.GeoDataFrame) or shapes.empty or shapes.crs is None:
        raise ImportRefused(f"{path.name}: expected shapes with a coordinate system, found none")
    placed = shapes.to_crs("EPSG:4326")
    west, south, east, north = placed.total_bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        found = f"{west:,.1f} to {east:,.1f} and {south:,.1f} to {north:,.1f}"
        raise ImportRefused(
            f"{path.name}: expected degrees from -180 to 180 and -90 to 90, found {found}; the file does not say its coordinate system, "
            "or says a wrong one"
        )
    return placed


def _areas(shapes: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[tuple[int, str, str, str]]]:
    """Identifier, name and shape, and why others were left out: without identifier or area. A doubled identifier refuses the file."""
    ids, pattern = _identifier(shapes, name)
    kinds = shapes.geom_type.fillna("no geometry")
    usable = ids.str.fullmatch(pattern).fillna(False) & kinds.isin(["Polygon", "MultiPolygon"])
    left = map(int, np.flatnonzero(~usable))
    wrong = [(place + 1, "", "an area with an identifier", f"{ids.iloc[place]}: {kinds.iloc[place]}") for place in left]
    if usable.sum() < len(shapes) - max(5, len(shapes) // 100):
        raise ImportRefused(f"{name}: {len(shapes) - int(usable.sum()):,} of {len(shapes):,} shapes are no areas with an identifier")
    chosen = shapes[usable]
    areas = gpd.GeoDataFrame(
        {"area_id": _of_one_length(ids[usable], name), "name": _names(chosen)},
        geometry=chosen.make_valid(),
        crs=shapes.crs,
    )
    if areas["area_id"].duplicated().any():
        raise ImportRefused(
            f"{name}: expected one shape per area, found several for {areas.loc[areas['area_id'].duplicated(), 'area_id'].iloc[0]}"
        )
    placed = areas.assign(state_fips=_states(chosen, areas["area_id"])).reset_index(drop=True)
    return placed[["area_id", "name", "state_fips", "geometry"]], wrong


def _identifier(shapes: gpd.GeoDataFrame, name: str) -> tuple[pd.Series, str]:
    for _, known, pattern in _IDENTIFIERS:
        columns = [column for column in shapes.columns if re.fullmatch(known, plain(column))]
        if columns:
            return shapes[columns[0]].astype("str").str.replace(r"^.*US", "", regex=True), pattern
    raise ImportRefused(f"{name}: expected an identifier such as GEOID or ZCTA5CE20, found {', '.join(map(str, shapes.columns[:8]))}")


def _states(shapes: gpd.GeoDataFrame, ids: pd.Series) -> pd.Series | None:
    """State of each area: as the file gives it, else the first digits of a GEOID; a ZIP begins with no state."""
    given = [column for column in shapes.columns if re.fullmatch(r"statefp(?:\d\d)?", plain(column))]
    if given:
        return shapes[given[0]].astype("str").str.zfill(2)
    return ids.str[:2] if ids.str[:2].isin(_STATES).all() and _identifier(shapes, "")[1] != r"\d{4,5}" else None


def _of_one_length(ids: pd.Series, name: str) -> pd.Series:
    """Identifiers of one level; those that lost their leading zero get it back."""
    longest = int(ids.str.len().max())
    if longest not in _LENGTHS or ids.str.len().min() < longest - 1:
        found = sorted(set(ids.str.len()))
        raise ImportRefused(
            f"{name}: expected identifiers of one level (state 2, county or ZIP 5, tract 11 digits), "
            f"found such of {', '.join(map(str, found))}"
        )
    return ids.str.zfill(longest)


def _names(shapes: gpd.GeoDataFrame) -> pd.Series | None:
    columns = [column for column in shapes.columns if re.fullmatch(_NAMES, plain(column))]
    return shapes[columns[0]].astype("str") if columns else None


def _year(path: Path) -> int:
    found = set(re.findall(r"(?<!\d)((?:19|20)\d{2})(?!\d)", path.name))
    if len(found) != 1:
        said = f"tells several years ({', '.join(sorted(found))})" if found else "does not tell the year"
        raise ImportRefused(f"{path.name}: its name {said}; give --year")
    return int(found.pop())
