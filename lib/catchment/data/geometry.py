"""Shapes (GeoJSON, GeoParquet) with the cataloged columns, filtered while reading."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow
import pyogrio.errors

from catchment.params.text import nearest

from .catalog import Column, Table
from .problem import DataError, Problem
from .scan import FILE, ROW, Between, fit

SUFFIXES = (".geojson", ".geo.parquet")
_KINDS = {
    "integer": pd.api.types.is_integer_dtype,
    "number": pd.api.types.is_numeric_dtype,
    "text": pd.api.types.is_string_dtype,
    "category": pd.api.types.is_string_dtype,
    "boolean": pd.api.types.is_bool_dtype,
    "date": pd.api.types.is_datetime64_any_dtype,
}


def read(paths: Sequence[Path], name: str, entry: Table, shown: Sequence[str], filters: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """The shapes of all files of a table that pass the filters; rows count from 1 in the order of each file."""
    for column in filters:
        if column not in entry.columns:
            raise DataError(Problem(name, "a filter on a cataloged column", repr(column), hint=nearest(column, entry.columns)))
    parts = [_part(path, name, entry, shown[place], place) for place, path in enumerate(paths)]
    shapes = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0] if parts else _none(entry)
    for column, wanted in filters.items():
        shapes = shapes[_passes(shapes[column], name, column, entry.columns[column], wanted)]
    return shapes.reset_index(drop=True)


def _none(entry: Table) -> gpd.GeoDataFrame:
    """No shape, in the form that a file's shapes have."""
    types = {"integer": "int64", "number": "float64", "boolean": "bool", "date": "datetime64[us]"}
    columns = {key: pd.Series([], dtype=types.get(column.type, "str")) for key, column in entry.columns.items()}
    places = {key: pd.Series([], dtype="int64") for key in (ROW, FILE)}
    return gpd.GeoDataFrame(columns | places, geometry=[], crs="EPSG:4326")


def _part(path: Path, name: str, entry: Table, shown: str, place: int) -> gpd.GeoDataFrame:
    try:
        shapes = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, pyarrow.ArrowException, ValueError) as error:
        raise DataError(Problem(name, "a file of shapes", str(error).splitlines()[0].replace(f"{path.parent}/", ""), file=shown)) from error
    if not isinstance(shapes, gpd.GeoDataFrame) or shapes.crs is None:
        raise DataError(Problem(name, "shapes with a coordinate system", "none", file=shown))
    _refuse_unplaced(shapes, name, shown)
    for key, column in entry.columns.items():
        _present(shapes, name, key, column, shown)
    chosen = gpd.GeoDataFrame(
        {key: shapes[column.source or key] for key, column in entry.columns.items()}, geometry=shapes.geometry, crs=shapes.crs
    )
    chosen[ROW], chosen[FILE] = range(1, len(chosen) + 1), place
    return chosen.to_crs("EPSG:4326")


def _refuse_unplaced(shapes: gpd.GeoDataFrame, name: str, shown: str) -> None:
    """Raise DataError for rows without a shape, and for shapes that lie outside of the globe."""
    empty = shapes.geometry.isna() | shapes.geometry.is_empty
    if empty.any():
        first = int(empty.to_numpy().argmax()) + 1
        raise DataError(Problem(name, "a shape in each row", "no geometry", file=shown, row=first, count=int(empty.sum())))
    west, south, east, north = shapes.to_crs("EPSG:4326").total_bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        found = f"{west:,.1f} to {east:,.1f} and {south:,.1f} to {north:,.1f}"
        hint = "the file does not say its coordinate system, or says a wrong one"
        raise DataError(Problem(name, "degrees from -180 to 180 and -90 to 90", found, file=shown, hint=hint))


def _present(shapes: gpd.GeoDataFrame, name: str, key: str, column: Column, shown: str) -> None:
    source = column.source or key
    if source not in shapes:
        raise DataError(
            Problem(name, f"a property {source!r}", "no such property", file=shown, column=source, hint=nearest(source, shapes.columns))
        )
    if len(shapes) and shapes[source].notna().any() and not _KINDS[column.type](shapes[source]):
        raise DataError(
            Problem(name, f"values of type {column.type}", f"values stored as {shapes[source].dtype}", file=shown, column=source)
        )


def _passes(values: pd.Series, name: str, column: str, entry: Column, wanted: Any) -> pd.Series:
    if isinstance(wanted, Between):
        low, high = (end if end is None else fit(name, column, entry, end) for end in (wanted.low, wanted.high))
        return values.between(values.min() if low is None else low, values.max() if high is None else high)
    many = [wanted] if isinstance(wanted, str) or not hasattr(wanted, "__iter__") else wanted
    return values.isin([fit(name, column, entry, item) for item in many])
