"""Shapes over time: trend lines, forecasts as fans, survival steps, control charts.

A recent period that is not complete is drawn hollow and marked [p]; an interval is a band, never a pair of lines.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from catchment import units
from catchment.page import theme
from catchment.page.canvas import Plot, axis_margin, end_labels, shape, sheet, something, tick, value_axis, widest
from catchment.page.svg import HALO

HEIGHT = 236.0


@shape
def trend(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    group: str | None = None,
    accent: str | Sequence[str] | None = None,
    low: str | None = None,
    high: str | None = None,
    partial_from: Any = None,
    target: float | None = None,
    target_label: str = "Goal",
    zero: bool = True,
    height: float = HEIGHT,
) -> Plot:
    """Lines over time, labeled at their ends; one accent, the rest gray.

    Parameters
    ----------
    x
        Year, date or ordered text (quarters).
    low, high
        Columns of an interval, drawn as a band around the accented line (or around the only one).
    partial_from
        First x whose period is incomplete: drawn hollow and labeled [p].
    zero
        Whether the value axis starts at zero; without it the axis frames the data.
    """
    lines = _lines(frame, x, group)
    names = list(lines)
    strong = {names[0]} if len(names) == 1 else {accent} if isinstance(accent, str) else set(accent or ())
    ends = [str(name) for name in names] if group else []
    fmt = units.of(y, frame[y])
    limits = _limits(frame, [y, low, high], zero=zero, also=target)
    margin = widest(ends, bold=True) + 14 if ends else 24
    plot, ax = sheet(height, left=axis_margin(fmt, *limits), right=max(margin, 34))
    places = _places(ax, frame[x])
    value_axis(ax, y, frame[y])
    ax.set_ylim(*limits)
    for name in sorted(names, key=lambda name: name in strong):
        _line(
            plot,
            ax,
            lines[name].assign(at=lines[name][x].map(places)),
            x,
            y,
            fmt,
            name=name if group else None,
            strong=name in strong,
            bounds=(low, high),
            partial_from=partial_from,
        )
    if target is not None:
        _target(
            ax,
            target,
            f"{target_label} {tick(target, fmt)}",
            right=_crowded_left([line[[x, y]].assign(at=line[x].map(places)) for line in lines.values()], y, target, limits),
        )
    if group:
        lasts = [lines[name].dropna(subset=[y]).iloc[-1] if lines[name][y].notna().any() else None for name in names]
        kept = [(name, last) for name, last in zip(names, lasts, strict=True) if last is not None]
        end_labels(
            ax,
            [float(places[last[x]]) for _, last in kept],
            [float(last[y]) for _, last in kept],
            [str(name) for name, _ in kept],
            [theme.ACCENT if name in strong else theme.MUTED for name, _ in kept],
            bold=[name in strong for name, _ in kept],
        )
    return plot


def _lines(frame: pd.DataFrame, x: str, group: str | None) -> dict:
    ordered = frame.sort_values(x, kind="stable") if not isinstance(frame[x].dtype, pd.CategoricalDtype) else frame.sort_values(x)
    return dict(iter(ordered.groupby(group, sort=False, observed=True))) if group else {"": ordered}


def _limits(frame: pd.DataFrame, columns: Sequence[str | None], *, zero: bool, also: float | None = None) -> tuple[float, float]:
    """Round limits around every value drawn."""
    something(frame, *(column for column in columns if column))
    values = np.concatenate([pd.to_numeric(frame[column]).astype("float64").dropna().to_numpy() for column in columns if column])
    values = np.append(values, [also] if also is not None else [])
    low, high = float(values.min()), float(values.max())
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low or abs(high) or 1.0) * 0.08
    return (low if zero and low == 0 else low - room), high + room


def _places(ax: Axes, xs: pd.Series) -> dict:
    """Where each x stands, and its tick labels: numbers and dates to scale, ordered text evenly."""
    if pd.api.types.is_datetime64_any_dtype(xs):
        return _dated(ax, xs)
    if pd.api.types.is_numeric_dtype(xs):
        every = sorted(xs.dropna().unique())
        shown = every if len(every) <= 11 else every[:: -(-len(every) // 9)]
        ax.set_xticks(shown, [f"{value:g}" for value in shown])
        ax.set_xlim(every[0] - 0.02 * (every[-1] - every[0] or 1), every[-1])
        return {value: value for value in every}
    every = (
        list(xs.cat.categories[xs.cat.categories.isin(xs)]) if isinstance(xs.dtype, pd.CategoricalDtype) else sorted(xs.dropna().unique())
    )
    step = -(-len(every) // 9)
    ax.set_xticks(range(0, len(every), step), [str(value) for value in every[::step]])
    ax.set_xlim(-0.2, max(len(every) - 1, 0.2))
    return {value: float(i) for i, value in enumerate(every)}


def _dated(ax: Axes, xs: pd.Series) -> dict:
    every = sorted(xs.dropna().unique())
    first, last = pd.Timestamp(every[0]), pd.Timestamp(every[-1])
    years = range(first.year, last.year + 1)
    days = {value: (pd.Timestamp(value) - first).days for value in every}
    starts = [
        (year, (pd.Timestamp(year, 1, 1) - first).days) for year in years if pd.Timestamp(year, 1, 1) >= first - pd.Timedelta(days=31)
    ]
    starts = starts[:: max(1, -(-len(starts) // 9))]
    ax.set_xticks([day for _, day in starts], [str(year) for year, _ in starts])
    span = max(days.values()) or 1
    ax.set_xlim(min(-0.01 * span, *(day for _, day in starts), 0), span)
    return days


def _line(
    plot: Plot,
    ax: Axes,
    part: pd.DataFrame,
    x: str,
    y: str,
    fmt: units.Format,
    *,
    name: Any,
    strong: bool,
    bounds: tuple,
    partial_from: Any,
) -> None:
    color = theme.ACCENT if strong else theme.CONTEXT
    low, high = bounds
    if low and high and strong:
        ax.fill_between(part["at"], part[low].astype("float64"), part[high].astype("float64"), color=color, alpha=0.16, linewidth=0)
    whole = part if partial_from is None else part[part[x] < partial_from]
    rest = part.iloc[0:0] if partial_from is None else part[part[x] >= partial_from]
    ax.plot(
        whole["at"], whole[y].astype("float64"), color=color, linewidth=2.4 if strong else 1.5, clip_on=False, zorder=3 if strong else 2
    )
    if len(rest):
        joined = pd.concat([whole.tail(1), rest])
        ax.plot(joined["at"], joined[y].astype("float64"), color=color, linewidth=1.5, linestyle=(0, (3, 2)), clip_on=False, zorder=3)
    _dots(plot, ax, part, x, y, fmt, name=name, color=color, bounds=bounds, partial_from=partial_from, size=5 if strong else 3.5)


def _dots(
    plot: Plot,
    ax: Axes,
    part: pd.DataFrame,
    x: str,
    y: str,
    fmt: units.Format,
    *,
    name: Any,
    color: str,
    bounds: tuple,
    partial_from: Any,
    size: float,
) -> None:
    """Markers that carry the hover text; every line up to 24 periods has one each."""
    if len(part) > 24:
        size = 0.9 * size * (24 / len(part)) ** 0.5
    for row in part.dropna(subset=[y]).to_dict("records"):
        partial = partial_from is not None and row[x] >= partial_from
        dot = ax.plot(
            [row["at"]],
            [float(row[y])],
            "o",
            markersize=size,
            markerfacecolor=theme.PAPER if partial else color,
            markeredgecolor=color,
            clip_on=False,
            zorder=4,
        )[0]
        bound = f" ({fmt.full(row[bounds[0]])} to {fmt.full(row[bounds[1]])})" if all(bounds) else ""
        plot.tip(
            dot,
            f"{f'{name}, ' if name is not None else ''}{said(row[x])}: {fmt.full(row[y])}{bound}{' [p] provisional' if partial else ''}",
        )


def said(x: Any) -> str:
    """An x value as a hover text says it."""
    return f"{x:%b %Y}" if isinstance(x, pd.Timestamp) else f"{x:g}" if isinstance(x, float) else str(x)


def _crowded_left(lines: Sequence[pd.DataFrame], y: str, target: float, limits: tuple[float, float]) -> bool:
    """Whether the words above a target line meet more of the lines in the first two fifths of the axis than in the last."""
    known = [line.dropna(subset=[y]) for line in lines]
    known = [line for line in known if len(line)]
    first, last = min(line["at"].min() for line in known), max(line["at"].max() for line in known)
    along = np.linspace(first, last, 51)
    met = np.zeros(len(along))
    for line in known:
        height = np.interp(along, line["at"], line[y].astype("float64"), left=np.nan, right=np.nan)
        met += (height >= target) & (height <= target + 0.12 * (limits[1] - limits[0]))
    return met[:20].sum() > met[-20:].sum()


def _target(ax: Axes, target: float, text: str, *, right: bool = False) -> None:
    ax.axhline(target, color=theme.WARN, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1.5)
    name = ax.annotate(
        text,
        (1 if right else 0, target),
        xycoords=("axes fraction", "data"),
        xytext=(-2 if right else 2, 3),
        textcoords="offset points",
        color=theme.WARN,
        ha="right" if right else "left",
        va="bottom",
        zorder=5,
    )
    name.set_gid(HALO)


def fan(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    x: str,
    y: str,
    *,
    bands: Sequence[tuple[str, str]],
    target: float | None = None,
    target_label: str = "Goal",
    start_label: str = "Forecast",
    zero: bool = True,
) -> Plot:
    """History as a line, the forecast dashed inside prediction bands (given narrow to wide), its start labeled."""
    columns = [column for band in bands for column in band]
    both = pd.concat([history.assign(_kind="seen"), forecast.assign(_kind="forecast")], ignore_index=True)
    limits = _limits(both, [y, *columns], zero=zero, also=target)
    fmt = units.of(y, both[y])
    plot, ax = sheet(HEIGHT + 14, left=axis_margin(fmt, *limits), right=46, top=20)
    places = _places(ax, both[x])
    value_axis(ax, y, both[y])
    ax.set_ylim(*limits)
    seen, ahead = history.sort_values(x), forecast.sort_values(x)
    at = ahead[x].map(places).to_numpy(dtype=float)
    for i, (low, high) in reversed(list(enumerate(bands))):
        ax.fill_between(
            at, ahead[low].astype("float64"), ahead[high].astype("float64"), color=theme.ACCENT, alpha=0.26 - 0.12 * min(i, 1), linewidth=0
        )
    ax.plot(seen[x].map(places), seen[y].astype("float64"), color=theme.ACCENT, linewidth=2.2, zorder=3)
    joined = pd.concat([seen.tail(1), ahead])
    ax.plot(joined[x].map(places), joined[y].astype("float64"), color=theme.ACCENT, linewidth=1.8, linestyle=(0, (3, 2)), zorder=3)
    _dots(
        plot,
        ax,
        seen.assign(at=seen[x].map(places)),
        x,
        y,
        fmt,
        name=None,
        color=theme.ACCENT,
        bounds=(None, None),
        partial_from=None,
        size=3.5,
    )
    _dots(
        plot,
        ax,
        ahead.assign(at=at),
        x,
        y,
        fmt,
        name="[f] forecast",
        color=theme.ACCENT,
        bounds=bands[-1],
        partial_from=ahead[x].min(),
        size=3.5,
    )
    start = places[seen[x].max()]
    ax.axvline(start, color=theme.MUTED, linewidth=0.8)
    ax.annotate(
        f"{start_label} [f]",
        (start, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, 4),
        textcoords="offset points",
        color=theme.MUTED,
        annotation_clip=False,
    )
    if target is not None:
        _target(ax, target, f"{target_label} {tick(target, fmt)}")
    return plot


@shape
def steps(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    group: str | None = None,
    accent: str | None = None,
    low: str | None = None,
    high: str | None = None,
    x_label: str = "",
    mark: float | None = None,
    mark_label: str = "",
) -> Plot:
    """Step curves (Kaplan-Meier): the value holds until the next x; the band is the interval of the accented curve."""
    something(frame, y)
    lines = dict(iter(frame.sort_values(x).groupby(group, sort=False, observed=True))) if group else {"": frame.sort_values(x)}
    strong = next(iter(lines)) if len(lines) == 1 else accent
    plot, ax = sheet(HEIGHT + 14, left=44, right=max(widest([str(name) for name in lines], bold=True) + 14, 20), bottom=40)
    fmt = value_axis(ax, y, frame[y])
    value_axis(ax, x, frame[x], side="x", grid=False, ticks=8)
    ax.set_ylim(0, max(1.0, float(frame[y].max())) if fmt.kind == "share" else None)
    end = 1.03 * max(float(frame[x].max()), 1.0)
    ax.set_xlim(0, end)
    ax.set_xlabel(x_label or units.heading(x, None, units.of(x, frame[x])), loc="left")
    for name, part in lines.items():
        color = theme.ACCENT if name == strong else theme.CONTEXT
        if low and high and name == strong:
            ax.fill_between(
                part[x], part[low].astype("float64"), part[high].astype("float64"), step="post", color=color, alpha=0.16, linewidth=0
            )
        line = ax.step(part[x], part[y].astype("float64"), where="post", color=color, linewidth=2.2 if name == strong else 1.5)[0]
        # The last level is known, but not how long it holds.
        ax.plot([part[x].iloc[-1], end], [part[y].iloc[-1]] * 2, color=color, linewidth=1.2, linestyle=(0, (1, 2)))
        plot.tip(line, f"{f'{name}: ' if name != '' else ''}{fmt.full(part[y].iloc[-1])} at {units.of(x, frame[x]).full(part[x].iloc[-1])}")
    if mark is not None:
        ax.axvline(mark, color=theme.WARN, linewidth=1.2, linestyle=(0, (5, 3)))
        ax.annotate(
            mark_label, (mark, 1), xycoords=("data", "axes fraction"), xytext=(4, -10), textcoords="offset points", color=theme.WARN
        )
    if group:
        # Of two curves that end level, the one that got there first is the higher one.
        level = [float(part[y].iloc[-1]) - 1e-6 * float(part[x].iloc[-1]) / end for part in lines.values()]
        end_labels(
            ax,
            end,
            level,
            [str(name) for name in lines],
            [theme.ACCENT if name == strong else theme.MUTED for name in lines],
            bold=[name == strong for name in lines],
        )
    return plot


@shape
def control(
    frame: pd.DataFrame, x: str, y: str, *, center: str | None = None, low: str | None = None, high: str | None = None,
    signal: str | None = None, good: str = "good", target: float | None = None, target_label: str = "Goal",
) -> Plot:  # fmt: skip
    """A control chart: values, center and limits as columns (they may step), points with a `signal` as diamonds in the warning color.

    Parameters
    ----------
    center, low, high
        Columns; by default those named after `y`: `mean_<y>`, `<y>_low`, `<y>_high`.
    good
        Column that says which points are on the good side, where there is one: their diamonds are open.
    target
        Drawn as a line; a missing one (None or NaN) is not.
    """
    center, low, high = center or f"mean_{y}", low or f"{y}_low", high or f"{y}_high"
    target = None if pd.isna(target) else target
    something(frame, y)
    limits = _limits(frame, [y, low, high], zero=False, also=target)
    fmt = units.of(y, frame[y])
    part = frame.sort_values(x)
    lines = {"mean": float(part[center].iloc[-1]), "lower limit": float(part[low].iloc[-1]), "upper limit": float(part[high].iloc[-1])}
    lines |= {target_label.lower(): float(target)} if target is not None else {}
    texts = [f"{name} {fmt.bare(value)}" for name, value in lines.items()]
    plot, ax = sheet(HEIGHT, left=axis_margin(fmt, *limits), right=widest(texts) + 12)
    places = _places(ax, frame[x])
    value_axis(ax, y, frame[y], grid=False)
    ax.set_ylim(*limits)
    at = part[x].map(places).to_numpy(dtype=float)
    for column, dash in ((center, "-"), (low, (0, (4, 3))), (high, (0, (4, 3)))):
        ax.step(at, part[column].astype("float64"), where="mid", color=theme.MUTED, linewidth=1.0, linestyle=dash)
    if target is not None:
        ax.axhline(target, color=theme.WARN, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1.5)
    end_labels(ax, at[-1], list(lines.values()), texts, [theme.MUTED] * 3 + [theme.WARN] * (target is not None), bold=[False] * len(lines))
    ax.plot(at, part[y].astype("float64"), color=theme.CONTEXT, linewidth=1.4, zorder=2)
    flags = (
        part[signal].notna() & (part[signal].astype(str) != "") & (part[signal].astype(str) != "False")
        if signal
        else pd.Series(False, index=part.index)
    )
    for row, place, flag in zip(part.to_dict("records"), at, flags, strict=True):
        if pd.isna(row[y]):
            continue
        better = flag and bool(row.get(good, False))
        color = theme.WARN if flag and not better else theme.ACCENT
        dot = ax.plot(
            [place], [float(row[y])], "D" if flag else "o", markersize=6 if flag else 4.5, color=color,
            markerfacecolor=theme.PAPER if better else color, clip_on=False, zorder=4,
        )[0]  # fmt: skip
        plot.tip(
            dot, f"{said(row[x])}: {fmt.full(row[y])}{f', {row[signal]}' if flag and not isinstance(row[signal], (bool, np.bool_)) else ''}"
        )
    return plot
