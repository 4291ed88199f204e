"""A matrix of values as shaded cells: cohorts over time, origins by destination, two drivers crossed."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Rectangle

from catchment import units
from catchment.page import theme
from catchment.page.canvas import Plot, clipped, folded, shape, sheet, something, tick, widest, width

ROW = 24.0
TWO_LINES = 29.0  # height of a row whose name takes two lines
LABEL_LIMIT = 170.0
HEAD_LIMIT = 92.0


@shape
def heatmap(
    frame: pd.DataFrame, row: str, column: str, value: str, *, breaks: list[float] | None = None, accent: tuple | None = None
) -> Plot:
    """One shaded, labeled cell per row and column, in the frame's order; a pair that is not in the frame stays blank.

    Parameters
    ----------
    frame
        One row per cell; a missing value shows its mark: [c] where `<value>_suppressed` says so, [x] otherwise.
    breaks
        The four values between the five shades; by default fifths of the range.
    accent
        (row, column) of a cell to outline, such as the base case.
    """
    something(frame, value)
    rows, columns = (list(dict.fromkeys(frame[name])) for name in (row, column))
    cells = frame.pivot(index=row, columns=column, values=value).reindex(index=rows, columns=columns).astype("float64")
    fmt = units.of(value, frame[value])
    names = [folded(str(name), LABEL_LIMIT) for name in rows]
    high = TWO_LINES if any("\n" in name for name in names) else ROW
    plot, ax = sheet(len(rows) * high + 30, left=widest(names) + 12, right=4, top=26, bottom=4)
    edges = _edges(cells, breaks)
    colors = ListedColormap(theme.RAMP)
    sns.heatmap(
        cells,
        ax=ax,
        cmap=colors,
        norm=BoundaryNorm(edges, len(theme.RAMP)),
        cbar=False,
        linewidths=1.5,
        linecolor=theme.PAPER,
        xticklabels=False,
        yticklabels=False,
    )
    _label(ax, names, columns)
    _write(ax, frame, row, column, value, cells, edges, fmt)
    if accent is not None:
        ax.add_patch(_outline(columns.index(accent[1]), rows.index(accent[0])))
    return plot


def _edges(cells: pd.DataFrame, breaks: list[float] | None) -> np.ndarray:
    low, high = float(np.nanmin(cells)), float(np.nanmax(cells))
    high = high if high > low else low + 1.0
    inner = breaks if breaks is not None else np.linspace(low, high, 6)[1:-1]
    if len(inner) != 4 or list(inner) != sorted(inner):
        raise ValueError(f"breaks are four increasing values, not {list(inner)}")
    return np.array([min(low, inner[0] - 1e-9), *inner, max(high, inner[-1] + 1e-9)])


def _label(ax: Axes, names: list[str], columns: list) -> None:
    ax.set(xlabel="", ylabel="")
    ax.set_yticks(np.arange(len(names)) + 0.5, names, rotation=0, linespacing=1.1)
    room = min(HEAD_LIMIT, ax.get_position().width * theme.WIDTH / len(columns) - 4)
    every = 1 if all(width(str(name)) <= room for name in columns) or room > 30 else 2
    ax.xaxis.tick_top()
    shown = range(0, len(columns), every)
    ax.set_xticks([i + 0.5 for i in shown], [clipped(str(columns[i]), room * every) for i in shown])
    for side in ax.spines.values():
        side.set_visible(False)


def _write(
    ax: Axes, frame: pd.DataFrame, row: str, column: str, value: str, cells: pd.DataFrame, edges: np.ndarray, fmt: units.Format
) -> None:
    """The value in each cell, in the paper's color on the two dark shades; marks where there is none."""
    flags = frame.get(f"{value}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
    for name, other, amount, hidden in zip(frame[row], frame[column], frame[value], flags, strict=True):
        x, y = cells.columns.get_loc(other) + 0.5, cells.index.get_loc(name) + 0.5
        if pd.isna(amount):
            ax.text(x, y, "[c]" if hidden else "[x]", ha="center", va="center", color=theme.MUTED)
            continue
        dark = np.searchsorted(edges[1:-1], amount, side="right") >= 3
        text = f"{fmt.scale * amount:.0f} %" if fmt.kind == "share" else fmt.beside(amount) if fmt.kind == "money" else tick(amount, fmt)
        ax.text(x, y, text, ha="center", va="center", color=theme.PAPER if dark else theme.INK)


def _outline(x: int, y: int) -> Rectangle:
    return Rectangle((x + 0.03, y + 0.06), 0.94, 0.88, fill=False, edgecolor=theme.WARN, linewidth=2)
