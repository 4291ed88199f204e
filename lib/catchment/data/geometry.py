"""Shapes (GeoJSON, GeoParquet) with the catalogued columns, filtered while reading."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..params.text import nearest
from .catalog import Column, Table
from .problem import DataError, Problem
from .scan import FILE, ROW, Between

SUFFIXES = (".geojson", ".geo.parquet")
_KINDS = {"integer": pd.api.types.is_integer_dtype, "number": pd.api.types.is_numeric_dtype, "text": pd.api.types.is_string_dtype,
          "category": pd.api.types.is_string_dtype, "boolean": pd.api.types.is_bool_dtype, "date": pd.api.types.is_datetime64_any_dtype}


def read(path: Path, name: str, entry: Table, shown: str, filters: Mapping[str, Any]) -> gpd.GeoDataFrame:
    """The shapes of one file that pass the filters; rows count from 1 in the order of the file."""
    shapes = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    for key, column in entry.columns.items():
        _present(shapes, name, key, column, shown)
    chosen = gpd.GeoDataFrame({key: shapes[column.source or key] for key, column in entry.columns.items()}, geometry=shapes.geometry, crs=shapes.crs)
    chosen[ROW], chosen[FILE] = range(1, len(chosen) + 1), 0
    for column, wanted in filters.items():
        if column not in entry.columns:
            raise DataError(Problem(name, "a filter on a catalogued column", repr(column), hint=nearest(column, entry.columns)))
        chosen = chosen[_passes(chosen[column], wanted)]
    return chosen.to_crs("EPSG:4326").reset_index(drop=True)


def _present(shapes: gpd.GeoDataFrame, name: str, key: str, column: Column, shown: str) -> None:
    source = column.source or key
    if source not in shapes:
        raise DataError(Problem(name, f"a property {source!r}", "no such property", file=shown, column=source, hint=nearest(source, shapes.columns)))
    if len(shapes) and shapes[source].notna().any() and not _KINDS[column.type](shapes[source]):
        raise DataError(Problem(name, f"values of type {column.type}", f"values stored as {shapes[source].dtype}", file=shown, column=source))


def _passes(values: pd.Series, wanted: Any) -> pd.Series:
    if isinstance(wanted, Between):
        return values.between(wanted.low if wanted.low is not None else values.min(), wanted.high if wanted.high is not None else values.max())
    return values.isin([wanted] if isinstance(wanted, str) or not hasattr(wanted, "__iter__") else list(wanted))
