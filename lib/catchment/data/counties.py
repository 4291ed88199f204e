"""County codes of other years: what became of a county, and which counties a page needs that a table does not have.

Definitions. The *map* is the set of county codes that a page works with. A *change* (table `county_changes`) says which part of an old
county's people live in a new one (`old_share`) and which part of the new one's people came from the old (`new_share`). Rows of a county
that the map does not have, but that a change leads to counties of the map, forward or back, count there: people and cases by the part of
the people, rates and shares as their mean over the people. A change of name is the case of one part.

Known bias: the parts of a county are taken to have the same ages, rates and growth as the whole.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from .catalog import table
from .load import Tables

CODE = "county_fips"
COUNTS = ("_n", "_n_year")  # columns that add up; other numbers are means
ENOUGH = 0.95  # of a county's people that must be known, so that what is known of its parts may stand for it
FLAT = 5070  # NAD83 / Conus Albers


class Counties:
    """The counties of a map, with the published changes of codes; remembers what it carried over, to be said on the page."""

    def __init__(self, shapes: gpd.GeoDataFrame, changes: pd.DataFrame):
        self.shapes = shapes
        self.known = set(shapes[CODE])
        forward = changes.rename(columns={"old_fips": CODE, "new_fips": "to", "old_share": "part", "new_share": "weight"})
        back = changes.rename(columns={"new_fips": CODE, "old_fips": "to", "new_share": "part", "old_share": "weight"})
        parts = pd.concat([forward, back], ignore_index=True)[[CODE, "to", "part", "weight"]]
        self._parts = parts[~parts[CODE].isin(self.known) & parts["to"].isin(self.known)]
        self.carried: dict[str, list[str]] = {}

    def read(self, tables: Tables, name: str, *, allow_empty: bool = False, **filters: Any) -> pd.DataFrame:
        """`Tables.read` of a table by county, with the codes of the map (`brought`); a table without a county in its key as it is."""
        frame, key = tables.read(name, allow_empty=allow_empty, **filters), table(tables.root, name, tables.settings.id).key
        return self.brought(frame, name, key=key) if CODE in key else frame

    def brought(self, frame: pd.DataFrame, name: str, *, key: Sequence[str]) -> pd.DataFrame:
        """A table's rows with codes of the map where a change leads there; all others as they are.

        Parameters
        ----------
        frame
            Has `county_fips` and the columns of `key`, one row for each.
        name
            Of the table in the catalog, for what is said.

        Raises
        ------
        ValueError
            The key does not hold `county_fips`.
        """
        if CODE not in key:
            raise ValueError(f"{name}: its key has no {CODE}")
        old = frame[CODE].isin(self._parts[CODE])
        if not old.any():
            return frame
        self.carried[name] = sorted(frame.loc[old, CODE].unique())
        moved = frame[old].merge(self._parts, on=CODE, validate="many_to_many")
        added, staying = _added(moved.assign(**{CODE: moved["to"]}), list(key)), frame[~old]
        joined = _keys(staying, key).isin(_keys(added, key))
        # A county that others joined has rows of its own: it takes their people in and keeps its rates.
        alone = ~_keys(added, key).isin(_keys(staying, key))
        added.loc[alone & (added["weight"] < ENOUGH), _numbers(frame, key)] = np.nan
        rules = {column: _sum if column.endswith(COUNTS) else "first" for column in frame if column not in key}
        both = pd.concat([staying[joined], added.loc[~alone, list(frame.columns)]], ignore_index=True)
        folded = both.groupby(list(key), as_index=False, sort=False, dropna=False).agg(rules) if len(both) else both
        return pd.concat([staying[~joined], folded, added[alone]], ignore_index=True)[list(frame.columns)]

    def placed(self, points: pd.DataFrame, name: str) -> pd.DataFrame:
        """Points (`lat, lon`) whose county was changed, in the county of the map that they lie in."""
        old = points[CODE].isin(self._parts[CODE])
        if not old.any():
            return points
        self.carried[name] = sorted(points.loc[old, CODE].unique())
        here = gpd.GeoDataFrame(geometry=gpd.points_from_xy(points.loc[old, "lon"], points.loc[old, "lat"]), crs=4326).to_crs(FLAT)
        near = here.sjoin_nearest(self.shapes[[CODE, "geometry"]].to_crs(FLAT))
        found = near[~near.index.duplicated()][CODE].sort_index().to_numpy()
        return points.assign(**{CODE: points[CODE].mask(old, pd.Series(found, index=points.index[old]))})

    def missing(self, codes: Iterable[str], frame: pd.DataFrame | None = None) -> list[str]:
        """Which counties the map, or a table, has no row of."""
        return sorted(set(codes) - (self.known if frame is None else set(frame[CODE])))

    def became(self, code: str) -> list[str]:
        """The counties of the map that a code of another year stands for; none where no change is published."""
        return sorted(self._parts.loc[self._parts[CODE] == code, "to"])


def _keys(frame: pd.DataFrame, key: Sequence[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[list(key)])


def _numbers(frame: pd.DataFrame, key: Sequence[str]) -> list[str]:
    """Columns that are worked out for a county made of parts: counts and means."""
    floats = [column for column in frame if pd.api.types.is_float_dtype(frame[column])]
    return [column for column in frame if column not in key and (column.endswith(COUNTS) or column in floats)]


def _added(moved: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """The parts of changed counties put together: what adds up by their part, other numbers as means over the people."""
    moved = moved.sort_values("weight", ascending=False, kind="stable").copy()
    others = [column for column in moved if column not in key and column not in ("to", "part", "weight")]
    numbers = [column for column in _numbers(moved, key) if column in others]
    means = [column for column in numbers if not column.endswith(COUNTS)]
    for column in numbers:
        moved[column] = moved[column] * moved["weight" if column in means else "part"]
    rules = {column: _sum if column in numbers else "first" for column in others}
    found = moved.groupby(key, as_index=False, sort=False, dropna=False).agg(rules | {"weight": "sum"})
    return found.assign(**{column: found[column] / found["weight"] for column in means})


def _sum(values: pd.Series) -> float:
    """A sum that is missing where a part of it is."""
    return float(np.sum(values.to_numpy(dtype=float)))
