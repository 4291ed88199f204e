"""Many units at once: the funnel plot of ratios over size."""

import pandas as pd
import seaborn as sns

from .. import formats, theme
from ..canvas import Plot, axis_margin, shape, sheet, something, spread, value_axis, widest

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
    fmt = formats.of(value, frame[value])
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
        ax.annotate(text, (curve["size"].iloc[2], curve[bounds[1]].iloc[2]), xytext=(4, 3), textcoords="offset points", color=theme.WARN)
    others = frame.drop(mine.index)
    sns.scatterplot(data=others, x=size, y=value, ax=ax, color=theme.CONTEXT, s=14, linewidth=0, alpha=0.7, legend=False)
    ax.set_ylabel("")
    for row in mine.to_dict("records"):
        dot = ax.plot([row[size]], [row[value]], "o", color=theme.ACCENT, markersize=6, zorder=4)[0]
        plot.tip(dot, f"{row[label]}: {fmt.full(row[value])}")
    _named(ax, names, size, value, label)
    return plot


def _named(ax, names: pd.DataFrame, size: str, value: str, label: str) -> None:
    """Names beside their dots, nudged apart upwards and downwards."""
    low, high = ax.get_ylim()
    gap = theme.SIZE * 1.25 * (high - low) / (HEIGHT - 46)
    for row, at in zip(names.to_dict("records"), spread(names[value].tolist(), gap, low=low, high=high), strict=True):
        ax.annotate(
            row[label], (row[size], at), xytext=(7, 0), textcoords="offset points", va="center", color=theme.ACCENT, annotation_clip=False
        )
