"""Many units at once: the funnel plot of ratios over size."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from catchment import units
from catchment.page import theme
from catchment.page.canvas import Plot, axis_margin, points_wide, shape, sheet, something, spread, value_axis, widest, width
from catchment.page.svg import HALO

HEIGHT = 300.0


@shape
def funnel_plot(
    frame: pd.DataFrame,
    size: str,
    value: str,
    *,
    curve: pd.DataFrame,
    label: str,
    accent: list[str],
    reference: float = 1.0,
    size_label: str,
) -> Plot:
    """Dots over their size (logarithmic) between control limits: inside the lines is chance, outside is not.

    Parameters
    ----------
    curve
        Limits to draw: `size, low, high, outer_low, outer_high`.
    label, accent
        Column with the unit's name, and the units that are drawn strong; those of them outside the outer limits are named.
    """
    something(frame, value)
    fmt = units.of(value, frame[value])
    low, high = min(frame[value].min(), curve["outer_low"].min()), max(frame[value].max(), curve["outer_high"].max())
    mine = frame[frame[label].isin(accent)]
    names = mine[(mine[value] > mine["funnel_outer_high"]) | (mine[value] < mine["funnel_outer_low"])]
    plot, ax = sheet(HEIGHT, left=axis_margin(fmt, low, high), right=max(widest(names[label]) + 12, 24), bottom=38)
    ax.set_xscale("log")
    ax.set_xlim(curve["size"].min() * 0.9, curve["size"].max() * 1.1)
    room = (high - low) * 0.05
    ax.set_ylim(low - room, high + room)
    value_axis(ax, value, frame[value])
    ax.set_xlabel(f"{size_label} (logarithmic)", loc="left")
    ax.xaxis.set_major_formatter(lambda at, _: f"{at:,.0f}")
    ax.axhline(reference, color=theme.MUTED, linewidth=1.0)
    for bounds, style, text in ((("low", "high"), (0, (4, 3)), "95 %"), (("outer_low", "outer_high"), "solid", "99.8 %")):
        for column in bounds:
            ax.plot(curve["size"], curve[column], color=theme.WARN, linewidth=1.0, linestyle=style)
        name = ax.annotate(
            text, (curve["size"].iloc[2], curve[bounds[1]].iloc[2]), xytext=(4, 3), textcoords="offset points", color=theme.WARN, zorder=5
        )
        name.set_gid(HALO)
    others = frame.drop(mine.index)
    sns.scatterplot(data=others, x=size, y=value, ax=ax, color=theme.CONTEXT, s=14, linewidth=0, alpha=0.7, legend=False)
    ax.set_ylabel("")
    for row in mine.to_dict("records"):
        dot = ax.plot([row[size]], [row[value]], "o", color=theme.ACCENT, markersize=6, zorder=4)[0]
        plot.tip(dot, f"{row[label]}: {fmt.full(row[value])}")
    _named(ax, names, size, value, label)
    return plot


def _named(ax: Axes, names: pd.DataFrame, size: str, value: str, label: str) -> None:
    """Names beside their dots; those that would meet are nudged apart upwards and downwards, the others stay level with their dot."""
    low, high = ax.get_ylim()
    gap = theme.SIZE * 1.25 * (high - low) / (HEIGHT - 46)
    for rows in _meeting(ax, names, size, label):
        for row, at in zip(rows.to_dict("records"), spread(rows[value].tolist(), gap, low=low, high=high), strict=True):
            name = ax.annotate(
                row[label],
                (row[size], at),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                color=theme.ACCENT,
                annotation_clip=False,
                zorder=5,
            )
            name.set_gid(HALO)


def _meeting(ax: Axes, names: pd.DataFrame, size: str, label: str) -> list[pd.DataFrame]:
    """The rows in groups whose names stand over the same stretch of the logarithmic axis."""
    first, last = np.log(ax.get_xlim())
    rows = names.sort_values(size, kind="stable")
    starts = (np.log(rows[size].astype("float64")) - first) / (last - first) * points_wide(ax)
    ends = starts + [width(str(name)) + 14 for name in rows[label]]
    group = (starts > ends.cummax().shift(fill_value=-np.inf)).cumsum()
    return [part for _, part in rows.groupby(group, sort=True)]
