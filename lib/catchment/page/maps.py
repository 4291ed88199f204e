"""Maps: shares and rates as shaded areas, counts as circles, flows as lines; every area and circle has a hover text.

Drawn in a local equal-area projection, without basemap, north arrow or scale bar: the reader knows the region. Classes break at
round values that the caller shares between partners; suppressed areas are hatched, areas without data are empty outlines, both in
the key; zero is an ordinary value of the first class. Only rates and shares are shaded: a count belongs in a circle.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from catchment import units

from . import svg, theme
from .canvas import Plot, sheet, spread, tick, width

KEY = 150.0
MAP_WIDTH = theme.WIDTH - KEY - 6
MAX_HEIGHT = 400.0
VERTICES = 8000


class _Frame:
    """The projected window of a map: places longitude and latitude on the sheet."""

    def __init__(self, areas: gpd.GeoDataFrame):
        west, south, east, north = areas.to_crs(4326).total_bounds
        self.crs = f"+proj=laea +lat_0={(south + north) / 2:.4f} +lon_0={(west + east) / 2:.4f} +datum=WGS84 +units=m"
        self.areas = _lighter(areas.to_crs(self.crs))
        self.bounds = self.areas.total_bounds

    def sheet(self, most: float = MAX_HEIGHT) -> tuple[Plot, Axes]:
        west, south, east, north = self.bounds
        height = min((north - south) / (east - west) * MAP_WIDTH, most)
        plot, ax = sheet(max(height, 180) + 8, left=2, right=theme.WIDTH - MAP_WIDTH - 2, top=4, bottom=4)
        ax.set_axis_off()
        ax.set_aspect("equal", adjustable="box", anchor="W")
        ax.set_xlim(west, east)
        ax.set_ylim(south, north)
        return plot, ax

    def place(self, lon: Sequence[float], lat: Sequence[float]) -> np.ndarray:
        points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326).to_crs(self.crs)
        return np.column_stack([points.x, points.y])


def _lighter(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The areas with at most `VERTICES` points in all, shared borders kept shared."""
    shapes = areas.geometry.to_numpy()
    tolerance = 150.0
    while shapely.get_num_coordinates(shapes).sum() > VERTICES:
        shapes = shapely.coverage_simplify(areas.geometry.to_numpy(), tolerance)
        tolerance *= 1.6
    return areas.set_geometry(gpd.GeoSeries(shapes, index=areas.index, crs=areas.crs))


def _path(shape: Any) -> Path:
    """A polygon or multipolygon as one path; rings are closed and holes stay holes."""
    rings = [ring for part in shapely.get_parts(shape) if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)]
    points = [shapely.get_coordinates(ring) for ring in rings]
    codes = [np.r_[Path.MOVETO, np.full(len(ring) - 2, Path.LINETO), Path.CLOSEPOLY].astype(Path.code_type) for ring in points]
    return Path(np.concatenate(points), np.concatenate(codes))


def choropleth(
    areas: gpd.GeoDataFrame,
    value: str,
    *,
    bins: Sequence[float],
    label: str,
    note: str | Callable | None = None,
    outline: str | Sequence[str] | None = None,
    names: Sequence[str] = (),
    sites: pd.DataFrame | None = None,
    center: float | None = None,
    key_title: str | None = None,
    most: float = MAX_HEIGHT,
) -> Plot:
    """Areas shaded by a share or a rate, at most `most` points high.

    Parameters
    ----------
    areas
        One row per area with geometry; `<value>_suppressed` marks hidden areas.
    bins
        Upper breaks between classes, 1 to 4 of them: [0.1, 0.2, 0.3] gives four classes.
    label
        Column with the area's name, for hover texts and for `names`.
    note
        Column (or function of a row) with a second part of the hover text, such as the number of cases.
    outline, names
        Areas (by label) drawn with a strong border, and areas named on the map.
    sites
        Frame with name, lat, lon: labeled dots.
    center
        A real center such as the national rate: the ramp diverges there (it must be one of the bins).
    """
    window = _Frame(areas)
    plot, ax = window.sheet(most)
    fmt = units.of(value, areas[value])
    colors = _colors(bins, center)
    strong = {outline} if isinstance(outline, str) else set(outline or ())
    state = _states(areas, value)
    for row, shape, kind in zip(window.areas.to_dict("records"), window.areas.geometry, state, strict=True):
        patch = PathPatch(_path(shape), **_style(kind, row[value], bins, colors))
        if str(row[label]) in strong and kind == "c":  # hatching takes the color of the edge
            ax.add_patch(PathPatch(_path(shape), facecolor="none", edgecolor=theme.INK, linewidth=1.8, zorder=2.5))
        elif str(row[label]) in strong:
            patch.set(edgecolor=theme.INK, linewidth=1.8, zorder=2.5)
        ax.add_patch(patch)
        plot.tip(patch, _tip(row, label, {"c": "[c]", "x": "[x] not available"}.get(kind) or fmt.full(row[value]), note))
    _names(
        ax,
        window.areas,
        label,
        names,
        {str(row[label]): _dark(row[value], bins, colors, kind) for row, kind in zip(areas.to_dict("records"), state, strict=True)},
    )
    _sites(plot, ax, window, sites)
    title = key_title or units.heading(value, None, fmt)
    _key(
        plot,
        title,
        [(text, {"facecolor": color}) for text, color in zip(_classes(bins, fmt), colors, strict=True)],
        state,
        sites=sites is not None,
    )
    return plot


def _states(areas: pd.DataFrame, value: str) -> list[str]:
    flags = areas.get(f"{value}_suppressed", pd.Series(False, index=areas.index)).fillna(False).astype(bool)
    return ["c" if flag else "x" if pd.isna(amount) else "" for flag, amount in zip(flags, areas[value], strict=True)]


def _colors(bins: Sequence[float], center: float | None) -> list[str]:
    if center is None:
        return theme.shades(len(bins) + 1)
    if center not in bins:
        raise ValueError(f"the center {center} must be one of the breaks {list(bins)}")
    below, above = list(bins).index(center) + 1, len(bins) - list(bins).index(center)
    low, high = theme.DIVERGING[3:], theme.DIVERGING[1::-1]
    return [*(low[::-1][:below] if below > 1 else low[:1]), *(high[:above] if above > 1 else high[:1])]


def _style(kind: str, value: float, bins: Sequence[float], colors: Sequence[str]) -> dict:
    if kind == "c":
        return {"facecolor": theme.NODATA, "edgecolor": theme.HATCH, "hatch": "////", "linewidth": 0.7}
    if kind == "x":
        return {"facecolor": "none", "edgecolor": theme.CONTEXT, "linewidth": 0.7, "linestyle": (0, (3, 2))}
    return {"facecolor": colors[_class(value, bins)], "edgecolor": theme.MUTED, "linewidth": 0.6}


def _class(value: float, bins: Sequence[float]) -> int:
    return int(np.searchsorted(bins, value, side="right"))


def _dark(value: float, bins: Sequence[float], colors: Sequence[str], kind: str) -> bool:
    return not kind and colors[_class(value, bins)] in (theme.RAMP[3], theme.ACCENT, theme.DIVERGING[0], theme.DIVERGING[4])


def _classes(bins: Sequence[float], fmt: units.Format) -> list[str]:
    """Class labels as ranges: "below 10 %", "10 % to 20 %", "30 % or more"."""
    said = [tick(edge, fmt) for edge in bins]
    return [
        f"below {said[0]}",
        *(f"{a.removesuffix(' %') if b.endswith(' %') else a} to {b}" for a, b in itertools.pairwise(said)),
        f"{said[-1]} or more",
    ]


def _tip(row: dict, label: str, said: str, note: str | Callable | None) -> str:
    extra = note(row) if callable(note) else row[note] if note and pd.notna(row[note]) else ""
    return f"{row[label]}: {said}{f', {extra}' if extra else ''}"


def _names(ax: Axes, areas: gpd.GeoDataFrame, label: str, names: Sequence[str], dark: dict[str, bool]) -> None:
    chosen = areas[areas[label].astype(str).isin([str(name) for name in names])]
    for name, point in zip(chosen[label].astype(str), chosen.geometry.representative_point(), strict=True):
        ax.text(point.x, point.y, name, ha="center", va="center", fontsize=8.5, color=theme.PAPER if dark[name] else theme.INK, zorder=4)


def _sites(plot: Plot, ax: Axes, window: _Frame, sites: pd.DataFrame | None) -> None:
    if sites is None or sites.empty:
        return
    spots = window.place(sites["lon"], sites["lat"])
    west, south, east, north = window.bounds
    scale = max((north - south) / (plot.drawing.get_figheight() * 72 - 8), (east - west) / MAP_WIDTH)
    heights = spread(spots[:, 1].tolist(), 13 * scale)
    for (x, y), high, name in zip(spots, heights, sites["name"], strict=True):
        dot = ax.plot([x], [y], "o", markersize=7, color=theme.WARN, markeredgecolor=theme.PAPER, markeredgewidth=1.2, zorder=5)[0]
        plot.tip(dot, str(name))
        right_of_it = west + MAP_WIDTH * scale - x  # a map that is narrower than its place leaves room up to the key
        left = (width(str(name), bold=True) + 10) * scale > right_of_it and x - west > right_of_it
        ax.annotate(
            str(name),
            (x, y),
            xytext=(-8 if left else 8, (high - y) / scale),
            textcoords="offset points",
            va="center",
            ha="right" if left else "left",
            fontweight="bold",
            zorder=6,
            gid=svg.HALO,
        )


def _key(plot: Plot, title: str, entries: list[tuple[str, dict]], state: Sequence[str], *, sites: bool) -> None:
    """The key beside the map, classes from high to low, then the marks in use."""
    fig, height = plot.drawing, plot.drawing.get_figheight() * 72
    x, y = MAP_WIDTH + 14, height - 16
    for line in _wrapped(title, KEY - 14):
        fig.text(x / theme.WIDTH, y / height, line, va="center_baseline", fontweight="bold", color=theme.INK)
        y -= 15
    rows = [(text, {"edgecolor": theme.MUTED, "linewidth": 0.6, **style}) for text, style in reversed(entries)]
    if "c" in state:
        rows.append(("[c] confidential", {"facecolor": theme.NODATA, "edgecolor": theme.HATCH, "hatch": "////", "linewidth": 0.7}))
    if "x" in state:
        rows.append(("[x] not available", {"facecolor": "none", "edgecolor": theme.CONTEXT, "linestyle": (0, (3, 2)), "linewidth": 0.7}))
    for text, style in rows:
        fig.add_artist(Rectangle((x / theme.WIDTH, (y - 5) / height), 16 / theme.WIDTH, 11 / height, transform=fig.transFigure, **style))
        fig.text((x + 23) / theme.WIDTH, y / height, text, va="center_baseline", color=theme.MUTED)
        y -= 18
    if sites:
        fig.add_artist(Line2D([(x + 8) / theme.WIDTH], [y / height], marker="o", markersize=7, color=theme.WARN, linestyle="none"))
        fig.text((x + 23) / theme.WIDTH, y / height, "site", va="center_baseline", color=theme.MUTED)


def _wrapped(text: str, limit: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, bold=True) > limit and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
