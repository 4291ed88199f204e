"""Flow maps: who sends how many to where, as curved lines on the real geography.

Hundreds of lines are a hairball, so only the largest are drawn; how many are left out is for the page to say. Lines bend to the right of
their direction, so that two opposite flows do not cover each other. Widths are proportional to the count; lines to our own centers carry
the accent, the others are gray.
"""

from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from catchment import units

from . import theme
from .canvas import Plot, spread, width
from .maps import MAP_WIDTH
from .maps import _Frame as Window
from .maps import _path as outline

WIDEST = 9.0
BEND = 0.16
MARGIN_KM = 12.0


def flows(
    areas: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    value: str,
    *,
    ours: Collection[str] = (),
    most: int = 24,
    origin: str = "origin",
    destination: str = "destination",
) -> Plot:
    """The largest flows between places.

    Parameters
    ----------
    areas
        Background areas; those away from all ends are cut off.
    pairs
        One row per origin and destination with `lat_o`, `lon_o`, `lat_d`, `lon_d` and the count; a missing count (suppressed) is not drawn.
    ours
        Destinations whose lines carry the accent.
    most
        Lines drawn.
    """
    known = pairs[pairs[value].notna() & (pairs[value] > 0)].sort_values([value, origin, destination], ascending=[False, True, True])
    drawn = known.head(most)
    if drawn.empty:
        return Plot(None, missing="no flow is large enough to be shown")
    window = Window(_around(areas, drawn))
    plot, ax = window.sheet()
    for shape in window.areas.geometry:
        ax.add_patch(PathPatch(outline(shape), facecolor=theme.LIGHT["wash"], edgecolor=theme.RULE, linewidth=0.8))
    _lines(plot, ax, window, drawn.iloc[::-1], value, set(ours), origin, destination)
    _places(plot, ax, window, drawn, set(ours), origin, destination)
    _key(plot, drawn, value)
    return plot


def _around(areas: gpd.GeoDataFrame, drawn: pd.DataFrame) -> gpd.GeoDataFrame:
    """The areas cut to a box around every end of a drawn line."""
    lat, lon = pd.concat([drawn["lat_o"], drawn["lat_d"]]), pd.concat([drawn["lon_o"], drawn["lon_d"]])
    up, side = MARGIN_KM / 111.2, MARGIN_KM / (111.2 * np.cos(np.radians(lat.mean())))
    box = shapely.box(lon.min() - side, lat.min() - up, lon.max() + side, lat.max() + up)
    cut = areas.to_crs(4326)
    cut = cut.set_geometry(cut.geometry.intersection(box))
    return cut[~cut.geometry.is_empty & cut.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]


def _lines(plot: Plot, ax: Axes, window: Window, drawn: pd.DataFrame, value: str, ours: set[str], origin: str, destination: str) -> None:
    starts, ends = window.place(drawn["lon_o"], drawn["lat_o"]), window.place(drawn["lon_d"], drawn["lat_d"])
    fmt, top = units.of(value, drawn[value]), float(drawn[value].max())
    for row, start, end in zip(drawn.to_dict("records"), starts, ends, strict=True):
        along = end - start
        bend = (start + end) / 2 + BEND * np.array([along[1], -along[0]])
        mine = row[destination] in ours
        line = PathPatch(
            Path([start, bend, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3]),
            fill=False,
            capstyle="round",
            edgecolor=theme.ACCENT if mine else theme.CONTEXT,
            alpha=0.75 if mine else 0.6,
            linewidth=max(WIDEST * row[value] / top, 0.7),
            zorder=2.2 if mine else 2,
        )
        ax.add_patch(line)
        plot.tip(line, f"{row[origin]} to {row[destination]}: {fmt.full(row[value])}")


def _places(plot: Plot, ax: Axes, window: Window, drawn: pd.DataFrame, ours: set[str], origin: str, destination: str) -> None:
    """Dots for towns, larger dots with names for centers; town names where they do not run into another name."""
    west, south, east, north = window.bounds
    scale = (north - south) / (plot.drawing.get_figheight() * 72 - 8)
    centers = drawn.drop_duplicates(destination)
    spots = window.place(centers["lon_d"], centers["lat_d"])
    taken = []
    for (x, y), high, name in zip(spots, spread(spots[:, 1].tolist(), 13 * scale), centers[destination], strict=True):
        mine = name in ours
        ax.plot(
            [x],
            [y],
            "o",
            markersize=8,
            color=theme.ACCENT if mine else theme.WARN,
            markeredgecolor=theme.PAPER,
            markeredgewidth=1.2,
            zorder=5,
        )
        taken.append(_name(ax, name, x, y, high - y, scale, _side(name, x, scale, (west, east), bold=True), bold=True))
    # The largest flow of a town comes first: its name goes to the other side, away from the line.
    towns = drawn.drop_duplicates(origin)
    ends = window.place(towns["lon_d"], towns["lat_d"])
    for (x, y), (to, _), name in zip(window.place(towns["lon_o"], towns["lat_o"]), ends, towns[origin], strict=True):
        ax.plot([x], [y], "o", markersize=4, color=theme.INK, zorder=4)
        for side in (-1, 1) if to > x else (1, -1):
            box = _box(name, x, y, 0.0, scale, side, bold=False)
            if west <= box.bounds[0] and box.bounds[2] <= east and not any(box.intersects(other) for other in taken):
                taken.append(_name(ax, name, x, y, 0.0, scale, side, bold=False))
                break


def _side(name: str, x: float, scale: float, limits: tuple[float, float], *, bold: bool) -> int:
    return -1 if x + (width(name, 9.0, bold=bold) + 12) * scale > limits[1] else 1


def _box(name: str, x: float, y: float, up: float, scale: float, side: int, *, bold: bool) -> shapely.Geometry:
    far = x + side * (width(name, 9.0, bold=bold) + 8) * scale
    return shapely.box(min(x, far), y + up - 6 * scale, max(x, far), y + up + 6 * scale)


def _name(ax: Axes, name: str, x: float, y: float, up: float, scale: float, side: int, *, bold: bool) -> shapely.Geometry:
    ax.annotate(
        name,
        (x, y),
        xytext=(7 * side, up / scale),
        textcoords="offset points",
        va="center",
        ha="left" if side > 0 else "right",
        fontsize=9,
        fontweight="bold" if bold else "normal",
        zorder=6,
        annotation_clip=False,
        bbox={"facecolor": theme.PAPER, "edgecolor": "none", "alpha": 0.72, "pad": 0.6},
    )
    return _box(name, x, y, up, scale, side, bold=bold)


def _key(plot: Plot, drawn: pd.DataFrame, value: str) -> None:
    """Line widths for a round count and its multiples, and the two colors, beside the map."""
    fig, height = plot.drawing, plot.drawing.get_figheight() * 72
    fmt, top = units.of(value, drawn[value]), float(drawn[value].max())
    x, y = MAP_WIDTH + 14, height - 16
    fig.text(x / theme.WIDTH, y / height, units.heading(value, None, fmt), va="center_baseline", fontweight="bold")
    large = float(f"{top:.0e}") if float(f"{top:.0e}") <= top else float(f"{top:.0e}") / 2
    for amount in (large, large / 2, large / 5):
        y -= 19
        _swatch(plot, x, y, theme.CONTEXT, max(WIDEST * amount / top, 0.7), units.of(value, drawn[value]).full(round(amount)))
    for color, text in ((theme.ACCENT, "to our network"), (theme.CONTEXT, "to others")):
        y -= 19
        _swatch(plot, x, y, color, 3.0, text)


def _swatch(plot: Plot, x: float, y: float, color: str, line: float, text: str) -> None:
    height = plot.drawing.get_figheight() * 72
    plot.drawing.add_artist(
        Line2D([x / theme.WIDTH, (x + 18) / theme.WIDTH], [y / height] * 2, color=color, linewidth=line, solid_capstyle="butt")
    )
    plot.drawing.text((x + 25) / theme.WIDTH, y / height, text, va="center_baseline", color=theme.MUTED)
