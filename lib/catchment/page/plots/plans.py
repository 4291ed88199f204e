"""Shapes of a plan: how its outcome is distributed, and when each part of it happens."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from catchment import units, words
from catchment.page import theme
from catchment.page.canvas import Plot, axis_margin, key, shape, sheet, something, spread, value_axis, widest, width

HEIGHT = 230.0
ROW = 24.0
PANEL = 150.0
SHADES = (theme.RAMP[0], theme.RAMP[1], theme.RAMP[2], theme.RAMP[4], theme.RAMP[3])


def histogram(
    frame: pd.DataFrame, low: str, high: str, share: str, *, threshold: float = 0.0, marks: Mapping[str, float] | None = None
) -> Plot:
    """Shares of draws in bins; bins that end at or below the threshold are gray, so the losing side shows at a glance.

    Parameters
    ----------
    low, high
        Limits of each bin, ascending and without gaps.
    marks
        Values to mark with their names, such as percentiles.
    """
    fmt, top = units.of(low, frame[low]), float(frame[share].max())
    plot, ax = sheet(HEIGHT, left=axis_margin(units.of(share, frame[share]), 0, top), right=24, top=24 if marks else 8, bottom=26)
    edges = [*frame[low], frame[high].iloc[-1]]
    sns.histplot(
        x=(frame[low] + frame[high]) / 2,
        weights=frame[share],
        bins=edges,
        ax=ax,
        color=theme.ACCENT,
        edgecolor=theme.PAPER,
        linewidth=0.8,
        alpha=1,
    )
    ax.set(xlabel="", ylabel="", xlim=(edges[0], edges[-1]))
    value_axis(ax, share, frame[share])
    value_axis(ax, low, frame[low], side="x", grid=False, ticks=7)
    for bar, row in zip(ax.patches, frame.to_dict("records"), strict=True):
        bar.set_facecolor(theme.CONTEXT if row[high] <= threshold else theme.ACCENT)
        plot.tip(bar, f"{fmt.full(row[low])} to {fmt.full(row[high])}: {words.share(row[share])} of draws")
    if edges[0] < threshold < edges[-1]:
        ax.axvline(threshold, color=theme.INK, linewidth=1.0)
    _marked(ax, dict(marks or {}), top)
    return plot


def _marked(ax: Axes, marks: dict[str, float], top: float) -> None:
    """Dashed lines with their names above, nudged apart."""
    if not marks:
        return
    ax.set_ylim(0, top * 1.05)
    gap = (widest(marks) + 8) * (ax.get_xlim()[1] - ax.get_xlim()[0]) / (ax.get_position().width * theme.WIDTH)
    for (name, value), at in zip(
        marks.items(), spread(list(marks.values()), gap, low=ax.get_xlim()[0], high=ax.get_xlim()[1]), strict=True
    ):
        ax.axvline(value, color=theme.WARN, linewidth=1.0, linestyle=(0, (4, 3)))
        ax.annotate(
            name,
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=theme.WARN,
            annotation_clip=False,
        )


@shape
def gantt(
    frame: pd.DataFrame,
    label: str,
    start: str,
    end: str,
    phase: str,
    *,
    phases: Sequence[str],
    today: object,
    today_label: str = "Data end",
) -> Plot:
    """One row per label in the frame's order, a bar per phase from its start to its end, and a line where the data end."""
    something(frame, start)
    rows = list(dict.fromkeys(frame[label]))
    plot, ax = sheet(len(rows) * ROW + 70, left=widest(rows) + 12, right=16, top=44, bottom=24)
    first, last = frame[start].min(), frame[end].max()
    ax.set_xlim(0, (last - first).days)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(*_months(first, last))
    ax.xaxis.grid(True, color=theme.RULE, linewidth=0.8)
    ax.spines["bottom"].set_visible(False)
    shades = dict(zip(phases, SHADES, strict=True))
    drawn = [name for name in phases if name in set(frame.loc[frame[start] < frame[end], phase])]
    for row in frame.to_dict("records"):
        length = (row[end] - row[start]).days
        if length > 0:
            bar = ax.barh(
                rows.index(row[label]),
                length,
                left=(row[start] - first).days,
                height=0.6,
                color=shades[row[phase]],
                edgecolor=theme.MUTED,
                linewidth=0.4,
            )[0]
            plot.tip(bar, f"{row[label]}, {row[phase]}: {row[start]:%b %Y} to {row[end]:%b %Y}")
    at = (pd.Timestamp(today) - first).days
    if at >= 0:
        ax.axvline(at, color=theme.WARN, linewidth=1.2, linestyle=(0, (5, 3)))
        ax.annotate(
            today_label,
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, 4),
            textcoords="offset points",
            color=theme.WARN,
            annotation_clip=False,
        )
    key(
        plot,
        [(name, {"facecolor": shades[name], "edgecolor": theme.MUTED, "linewidth": 0.4}) for name in drawn],
        left=max(theme.WIDTH - sum(width(name) + 36 for name in drawn), 6),
        top=6,
    )
    return plot


def _months(first: pd.Timestamp, last: pd.Timestamp) -> tuple[list[int], list[str]]:
    """Where a time axis is labeled, in days from its start: at years, at quarters where two years would leave it all but empty."""
    if (last - first).days > 2.5 * 365:
        years = pd.date_range(pd.Timestamp(first.year + 1, 1, 1), last, freq="YS")
        return [(year - first).days for year in years], [str(year.year) for year in years]
    quarters = pd.date_range(first, last - pd.Timedelta(days=20), freq="QS")
    return [(day - first).days for day in quarters], [f"{day:%b %Y}" if day.month == 1 else f"{day:%b}" for day in quarters]


def fans(
    history: pd.DataFrame, forecast: pd.DataFrame, x: str, y: str, panel: str, *, bands: Sequence[tuple[str, str]], across: int = 3
) -> Plot:
    """Small fans side by side, one per value of `panel` in the frame's order, each on its own scale from zero.

    Parameters
    ----------
    bands
        (low, high) columns of the forecast, narrow to wide.
    """
    names = list(dict.fromkeys(history[panel]))
    down = -(-len(names) // across)
    height, gap, left = down * PANEL, 26.0, axis_margin(units.of(y, history[y]), 0, float(forecast[bands[-1][1]].max()), ticks=3)
    plot, first = sheet(height, left=left, right=8, top=0, bottom=0)
    first.remove()
    wide = (
        (theme.WIDTH - 8 - across * left - (across - 1) * (gap - left)) / across
        if gap > left
        else (theme.WIDTH - 8 - across * left) / across
    )
    for place, name in enumerate(names):
        row, column = divmod(place, across)
        box = (
            (left - 4 + column * (wide + max(left, gap))) / theme.WIDTH,
            1 - ((row + 1) * PANEL - 24) / height,
            wide / theme.WIDTH,
            (PANEL - 56) / height,
        )
        with mpl.rc_context(theme.DRAWING):
            ax = plot.drawing.add_axes(box)
        _fan(plot, ax, name, history[history[panel].eq(name)], forecast[forecast[panel].eq(name)], x, y, bands)
    return plot


def _fan(
    plot: Plot, ax: Axes, name: str, known: pd.DataFrame, coming: pd.DataFrame, x: str, y: str, bands: Sequence[tuple[str, str]]
) -> None:
    """One panel: history, dashed forecast, bands, and its name above."""
    fmt = value_axis(ax, y, known[y], ticks=3)
    for low, high in reversed(list(bands)):
        ax.fill_between(
            coming[x],
            coming[low].astype(float),
            coming[high].astype(float),
            color=theme.ACCENT,
            alpha=0.12 if (low, high) != bands[0] else 0.28,
            linewidth=0,
        )
    joined = pd.concat([known.tail(1), coming])
    ax.plot(joined[x], joined[y], color=theme.ACCENT, linewidth=1.4, linestyle=(0, (3, 2)))
    line = ax.plot(known[x], known[y], color=theme.ACCENT, linewidth=2.0)[0]
    last = coming.iloc[-1]
    plot.tip(
        line,
        f"{name}: {fmt.full(known[y].iloc[-1])} in {known[x].iloc[-1]}, {fmt.full(last[y])} in {last[x]} "
        f"({fmt.bare(last[bands[0][0]])} to {fmt.bare(last[bands[0][1]])})",
    )
    ends = [int(known[x].iloc[-1]), int(last[x])]
    for tick, side in zip(ax.set_xticks(ends, [str(end) for end in ends]), ("center", "right"), strict=True):
        tick.label1.set_horizontalalignment("center" if side == "center" else "right")
    ax.set_xlim(int(known[x].iloc[0]), ends[-1])
    ax.set_ylim(0, max(float(coming[bands[-1][1]].max()), float(known[y].max())) * 1.05 or 1.0)
    ax.set_title(name, loc="left", fontsize=theme.SIZE, color=theme.INK, pad=6)
