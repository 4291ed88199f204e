"""Shapes that compare rows: bars, intervals, stacked bars, bridges, tornados, dumbbells, funnels, pyramids.

Rows are drawn in the frame's order, top to bottom, because the author sorts by what matters.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from catchment import units
from catchment.page import theme
from catchment.page.canvas import NothingToDraw, Plot, Scale, folded, key, shape, sheet, something, tick, value_axis, widest, width

ROW = 22.0
TWO_LINES = 29.0  # height of a row whose name takes two lines
LABEL_LIMIT = 210.0
SHORT_UNITS = ("km", "days", "weeks", "months", "years", "hours", "minutes")


def _rows(
    frame: pd.DataFrame,
    label: str,
    *,
    accent: str | Sequence[str] | None = None,
    top: float = 8,
    bottom: float = 8,
    right: float = 40,
    row: float = ROW,
    low: float = 0,
    high: float = 1,
) -> tuple[Plot, Axes]:
    """A sheet with one labeled line per row of the frame, first on top."""
    texts = [folded(str(text), LABEL_LIMIT) for text in frame[label]]
    row = max(row, TWO_LINES) if any("\n" in text for text in texts) else row
    strong = [str(text) == str(accent) for text in frame[label]]
    left = max([width(text, bold=is_strong) for text, is_strong in zip(texts, strong, strict=True)], default=0) + 12
    plot, ax = sheet(len(frame) * row + top + bottom, left=left, right=right, top=top, bottom=bottom)
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xlim(low, high)
    ax.set_yticks(range(len(frame)), texts, linespacing=1.1)
    ax.spines["bottom"].set_visible(False)
    for text, is_strong in zip(ax.get_yticklabels(), strong, strict=True):
        text.set_color(theme.ACCENT if is_strong else theme.INK)
        text.set_fontweight("bold" if is_strong else "normal")
    return plot, ax


def _span(frame: pd.DataFrame, columns: list[str], *, zero: bool = True, also: float | None = None) -> tuple[float, float]:
    something(frame, *columns)
    values = pd.concat([pd.to_numeric(frame[column]).astype("float64") for column in columns]).dropna()
    extra = [0.0] * zero + ([float(also)] if also is not None else [])
    low, high = min(values.min(), *extra, values.max()), max(values.max(), *extra, values.min())
    return float(low), float(high if high > low else low + 1)


def _hidden(frame: pd.DataFrame, column: str) -> list[str]:
    """The mark of each row that has no value: [c] where it was suppressed, [x] where it is missing."""
    flags = frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
    return ["[c]" if flag else "[x]" if pd.isna(value) else "" for value, flag in zip(frame[column], flags, strict=True)]


@shape
def bars(
    frame: pd.DataFrame,
    label: str,
    value: str,
    *,
    accent: str | None = None,
    target: float | None = None,
    target_label: str = "Goal",
    note: str | None = None,
) -> Plot:
    """Horizontal bars from zero with the value written at the end; `note` is a text column added to the hover text."""
    fmt = units.of(value, frame[value])
    marks = _hidden(frame, value)
    texts = [mark or tick_or_full(amount, fmt) for mark, amount in zip(marks, frame[value], strict=True)]
    low, high = _span(frame, [value], also=target)
    room = widest(texts, bold=True) + 10
    plot, ax = _rows(frame, label, accent=accent, right=room, top=22 if target is not None else 6, low=low, high=high)
    if low < 0:
        ax.set_xlim(low - (high - low) * (room / 400), high)
    for i, (row, text, mark) in enumerate(zip(frame.to_dict("records"), texts, marks, strict=True)):
        strong = str(row[label]) == str(accent)
        amount = 0.0 if mark else float(row[value])
        bar = ax.barh(i, amount, height=0.66, color=theme.ACCENT if strong or accent is None else theme.CONTEXT)[0]
        plot.tip(bar, f"{row[label]}: {mark or fmt.full(row[value])}{f', {row[note]}' if note and pd.notna(row[note]) else ''}")
        aside, side = (5, "left") if amount >= 0 else (-5, "right")
        ax.annotate(text, (amount, i), xytext=(aside, 0), textcoords="offset points", va="center", ha=side, annotation_clip=False,
                    color=theme.MUTED if mark else theme.INK, fontweight="bold" if strong else "normal")  # fmt: skip
    ax.set_xticks([])
    if low < 0:
        ax.axvline(0, color=theme.MUTED, linewidth=0.8)
    if target is not None:
        reference_line(ax, target, f"{target_label} {tick(target, fmt)}")
    return plot


def tick_or_full(value: float, fmt: units.Format) -> str:
    """The value beside a mark: short units stay, long ones (per 100,000) stand in the subtitle."""
    return fmt.beside(value) if fmt.kind in ("share", "money") or fmt.unit in SHORT_UNITS else fmt.bare(value)


def reference_line(ax: Axes, at: float, text: str, *, color: str = theme.WARN) -> None:
    """A labeled dashed line across the rows; the label stands above the drawing, on the side that has room."""
    low, high = ax.get_xlim()
    right = (at - low) / (high - low) > 0.6
    ax.axvline(at, color=color, linewidth=1.2, linestyle=(0, (5, 3)), zorder=1.5)
    ax.annotate(
        text,
        (at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if right else 3, 4),
        textcoords="offset points",
        color=color,
        ha="right" if right else "left",
        annotation_clip=False,
    )


@shape
def intervals(
    frame: pd.DataFrame,
    label: str,
    value: str,
    low: str,
    high: str,
    *,
    reference: float | None = None,
    reference_label: str = "Reference",
    accent: str | None = None,
    zero: bool = False,
) -> Plot:
    """A dot with its interval per row; rows whose interval excludes the reference are dark, the others gray."""
    fmt = units.of(value, frame[value])
    span = _span(frame, [value, low, high], zero=zero, also=reference)
    pad = (span[1] - span[0]) * 0.04
    texts = [mark or tick_or_full(amount, fmt) for mark, amount in zip(_hidden(frame, value), frame[value], strict=True)]
    plot, ax = _rows(
        frame,
        label,
        accent=accent,
        right=widest(texts) + 18,
        top=24 if reference is not None else 6,
        bottom=24,
        low=span[0] - (0 if zero and span[0] == 0 else pad),
        high=span[1] + pad,
    )
    value_axis(ax, value, frame[value], side="x", ticks=6)
    for i, (row, mark, text) in enumerate(zip(frame.to_dict("records"), _hidden(frame, value), texts, strict=True)):
        ax.annotate(
            text,
            (1, i),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=theme.MUTED if mark else theme.INK,
            annotation_clip=False,
        )
        if mark:
            continue
        apart = reference is None or (pd.notna(row[low]) and not row[low] <= reference <= row[high])
        color = theme.ACCENT if apart and (accent is None or str(row[label]) == str(accent) or reference is not None) else theme.CONTEXT
        if pd.notna(row[low]) and pd.notna(row[high]):
            ax.plot([float(row[low]), float(row[high])], [i, i], color=color, linewidth=2.2, solid_capstyle="butt")
        dot = ax.plot([float(row[value])], [i], "o", markersize=7, color=color, zorder=3)[0]
        plot.tip(dot, f"{row[label]}: {fmt.full(row[value])} ({fmt.full(row[low])} to {fmt.full(row[high])})")
    if reference is not None:
        reference_line(ax, reference, f"{reference_label} {tick(reference, fmt)}", color=theme.MUTED)
    return plot


@shape
def dumbbell(
    frame: pd.DataFrame, label: str, before: str, after: str, *, labels: tuple[str, str] = ("Before", "Now"), accent: str | None = None
) -> Plot:
    """Two values per row joined by a line: hollow before, filled now."""
    fmt = units.of(after, frame[after])
    span = _span(frame, [before, after], zero=False)
    pad = (span[1] - span[0]) * 0.05
    plot, ax = _rows(frame, label, accent=accent, top=26, bottom=24, right=20, low=span[0] - pad, high=span[1] + pad)
    value_axis(ax, after, frame[after], side="x", ticks=6)
    for i, row in enumerate(frame.to_dict("records")):
        if pd.isna(row[before]) or pd.isna(row[after]):
            mark = _hidden(frame, before)[i] or _hidden(frame, after)[i]
            ax.annotate(
                mark, (0, i), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points", va="center", color=theme.MUTED
            )
            continue
        ends = [float(row[before]), float(row[after])]
        ax.plot(ends, [i, i], color=theme.CONTEXT, linewidth=2.2)
        ax.plot(ends[:1], [i], "o", markersize=7, markerfacecolor=theme.PAPER, markeredgecolor=theme.MUTED, zorder=3)
        dot = ax.plot(ends[1:], [i], "o", markersize=8, color=theme.ACCENT, zorder=4)[0]
        plot.tip(dot, f"{row[label]}: {labels[0]} {fmt.full(row[before])}, {labels[1]} {fmt.full(row[after])}")
    key(plot, [(f"○ {labels[0]}", {"alpha": 0}), (f"● {labels[1]}", {"alpha": 0})], left=ax.get_position().x0 * theme.WIDTH - 18, top=4)
    return plot


@shape
def stacked(
    frame: pd.DataFrame, x: str, y: str, group: str, *, order: list[str] | None = None, share: bool = False, unit: str = ""
) -> Plot:
    """Horizontal stacked bars, one per `x`, with a key above; parts wide enough carry their value.

    `unit` follows the value in the hover text.
    """
    something(frame, y)
    parts = order or list(dict.fromkeys(frame[group]))
    if len(parts) > 6:
        raise ValueError(f"{len(parts)} parts cannot be told apart in a stacked bar: keep at most 6 and pool the rest")
    wide = frame.pivot(index=x, columns=group, values=y).reindex(index=list(dict.fromkeys(frame[x])), columns=parts).astype("float64")
    if share:
        wide = wide.div(wide.sum(axis=1), axis=0)
    fmt = units.of("share" if share else y, wide.stack())
    totals = wide.sum(axis=1)
    share = share or (fmt.unit == "%" and bool(totals.round(6).eq(1).all()))  # the whole of each bar goes without saying
    # A hidden part is not zero: the total says that something is missing.
    hidden = {row[x] for row, mark in zip(frame.to_dict("records"), _hidden(frame, y), strict=True) if mark == "[c]"}
    lines = _key_lines(parts)
    plot, ax = _rows(
        pd.DataFrame({x: [str(i) for i in wide.index]}),
        x,
        top=8 + 18 * len(lines),
        right=20 if share else widest([f"{fmt.beside(total)}{' + [c]' if hidden else ''}" for total in totals]) + 12,
        high=float(totals.max()) or 1.0,
    )
    ax.set_xticks([])
    colors = dict(zip(parts, theme.CATEGORIES if len(parts) <= 6 else theme.RAMP, strict=False))
    scale = (theme.WIDTH * ax.get_position().width) / (float(totals.max()) or 1.0)
    for i, (name, row) in enumerate(wide.iterrows()):
        start = 0.0
        for part in parts:
            amount = row[part]
            if pd.isna(amount) or amount == 0:
                continue
            bar = ax.barh(i, amount, left=start, height=0.7, color=colors[part], edgecolor=theme.PAPER, linewidth=0.8)[0]
            plot.tip(bar, f"{name}, {part}: {fmt.full(amount)} {unit}".rstrip())
            _inside(ax, i, start, amount, fmt, scale, colors[part])
            start += amount
        if not share:
            said = (
                f"{fmt.beside(totals[name])} + [c]"
                if totals[name] and name in hidden
                else "[c]"
                if name in hidden
                else fmt.beside(totals[name])
            )
            ax.annotate(said, (start, i), xytext=(5, 0), textcoords="offset points", va="center", annotation_clip=False)
    for i, line in enumerate(lines):
        key(plot, [(part, {"facecolor": colors[part]}) for part in line], left=8, top=4 + 18 * i)
    return plot


def _inside(ax: Axes, i: int, start: float, amount: float, fmt: units.Format, unit: float, color: str) -> None:
    text = fmt.bare(amount)
    if amount * unit > width(text) + 8:
        dark = color in (theme.CATEGORIES[0], theme.CATEGORIES[2], theme.CATEGORIES[4])
        ax.text(start + amount / 2, i, text, ha="center", va="center", fontsize=9, color=theme.PAPER if dark else "#101418")


def _key_lines(parts: list[str]) -> list[list[str]]:
    lines: list[list[Any]] = [[]]
    used = 0.0
    for part in parts:
        need = 34 + width(str(part))
        if used + need > theme.WIDTH - 16 and lines[-1]:
            lines.append([])
            used = 0.0
        lines[-1].append(part)
        used += need
    return lines


@shape
def bridge(frame: pd.DataFrame, label: str, value: str, *, total: str = "Now", start: str | None = None) -> Plot:
    """A waterfall: the first row is the start, the following rows add or take away, `total` is computed.

    The amounts of the first row and of the total are drawn from zero; gains and losses float between them.
    """
    something(frame, value)
    fmt = units.of(value, frame[value])
    amounts = frame[value].astype("float64").tolist()
    if not any(amounts):
        raise NothingToDraw("every amount is zero")
    ends = pd.Series(amounts).cumsum().tolist()
    names = [start or str(frame[label].iloc[0]), *map(str, frame[label].iloc[1:]), total]
    rows = pd.DataFrame({label: names, value: [*amounts, ends[-1]]})
    texts = [signed(amount, fmt) if 0 < i < len(amounts) else tick_or_full(amount, fmt) for i, amount in enumerate(rows[value])]
    low, high = min(0.0, *ends), max(0.0, *ends)
    plot, ax = _rows(rows, label, right=widest(texts) + 12, low=low, high=high, accent=total)
    ax.set_xticks([])
    for i, amount in enumerate(rows[value]):
        ends_here = i in (0, len(amounts))
        base = 0.0 if ends_here else ends[i - 1]
        color = theme.ACCENT if ends_here else theme.GOOD if amount >= 0 else theme.WARN
        bar = ax.barh(i, amount, left=base, height=0.66, color=color)[0]
        plot.tip(bar, f"{names[i]}: {texts[i]}")
        ax.annotate(texts[i], (max(base, base + amount), i), xytext=(5, 0), textcoords="offset points", va="center", annotation_clip=False)
        if i < len(amounts):
            ax.plot([ends[i]] * 2, [i + 0.33, i + 0.67], color=theme.MUTED, linewidth=0.8)
    return plot


def signed(value: float, fmt: units.Format) -> str:
    """A gain or loss with its sign written out."""
    text = tick_or_full(value, fmt)
    return f"+{text}" if value > 0 else text


def tornado(
    frame: pd.DataFrame,
    driver: str,
    low: str,
    high: str,
    base: float,
    *,
    base_label: str = "Base",
    low_label: str | None = None,
    high_label: str | None = None,
) -> Plot:
    """One bar per driver from the result at its low to the result at its high setting, around the base result.

    `low_label` and `high_label` name text columns with the settings, written at the bar's ends' hover text.
    """
    widths = (frame[high] - frame[low]).abs()
    rows = frame.loc[widths.sort_values(ascending=False, kind="stable").index]
    fmt = units.of(low, pd.concat([rows[low], rows[high]]))
    ends = [_ends(float(row[low]), float(row[high]), base, fmt) for row in rows.to_dict("records")]
    before, after = (widest([said for row in ends for _, at, said in row if at == side], 9) + 8 for side in (-1, 1))
    span = _span(rows, [low, high], zero=False, also=base)
    plot, ax = _rows(rows, driver, top=24, right=after, low=span[0], high=span[1])
    pad = (span[1] - span[0]) * before / max(theme.WIDTH * ax.get_position().width - before, 1)
    ax.set_xlim(span[0] - pad, span[1])
    ax.set_xticks([])
    for i, row in enumerate(rows.to_dict("records")):
        parts = ((low, theme.RAMP[2], low_label), (high, theme.ACCENT, high_label))
        for end, color, setting in sorted(parts, key=lambda part: -abs(float(row[part[0]]) - base)):  # the shorter one on top
            value = float(row[end])
            bar = ax.barh(i, value - base, left=base, height=0.62, color=color)[0]
            plot.tip(bar, f"{row[driver]}{f' at {row[setting]}' if setting else f' ({units.plain(end).lower()})'}: {fmt.full(value)}")
        for value, side, said in ends[i]:
            ax.annotate(
                said,
                (value, i),
                xytext=(5 * side, 0),
                textcoords="offset points",
                va="center",
                ha="right" if side < 0 else "left",
                annotation_clip=False,
                fontsize=9,
                color=theme.MUTED,
            )
    reference_line(ax, base, f"{base_label} {tick_or_full(base, fmt)}", color=theme.INK)
    return plot


def _ends(low: float, high: float, base: float, fmt: units.Format) -> list[tuple[float, int, str]]:
    """Where a tornado's labels stand, on which side (-1 left), and what they say.

    With both ends on one side of the base the inner label would stand on the bar: one label at the outer end says both.
    """
    near, far = sorted((low, high))
    if near >= base or far <= base:
        outer, inner = (far, near) if near >= base else (near, far)
        side = 1 if near >= base else -1
        said = [tick_or_full(value, fmt) for value in ((outer,) if inner == base else (inner, outer))]
        return [(outer, side, " to ".join(dict.fromkeys(said)))]
    return [(near, -1, tick_or_full(near, fmt)), (far, 1, tick_or_full(far, fmt))]


@shape
def funnel(frame: pd.DataFrame, stage: str, value: str, *, accent: str | None = None, days: str | None = None) -> Plot:
    """Stages from first to last as centered bars, with what share of the stage before each one kept.

    The column `days` is how long it took.
    """
    something(frame, value)
    fmt = units.of(value, frame[value])
    top = float(frame[value].max()) or 1.0
    marks = _hidden(frame, value)
    plot, ax = _rows(frame, stage, accent=accent, right=150 if days else 110, row=28, low=-top / 2, high=top / 2)
    ax.set_xticks([])
    before: float | None = None
    for i, (row, mark) in enumerate(zip(frame.to_dict("records"), marks, strict=True)):
        amount = 0.0 if mark else float(row[value])
        bar = ax.barh(i, amount, left=-amount / 2, height=0.72, color=theme.ACCENT)[0]
        kept = f", {100 * amount / before:.0f} % of the stage before" if before and not mark else ""
        after = f", {row[days]:.0f} days" if days and pd.notna(row[days]) else ""
        plot.tip(bar, f"{row[stage]}: {mark or fmt.full(row[value])}{kept}{after and f'{after} after it'}")
        share = f" ({100 * amount / before:.0f} %)" if before and kept else ""
        text = (mark or tick_or_full(row[value], fmt)) + share + after
        ax.annotate(
            text, (1, i), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points", va="center", annotation_clip=False
        )
        before = None if mark else amount
    return plot


def pyramid(frame: pd.DataFrame, band: str, side: str, value: str, *, now: str = "", outline: str | None = None, later: str = "") -> Plot:
    """Two mirrored bars per age band (frame order, youngest first) of `now`; `outline` is a second value column, of `later`."""
    sides = list(dict.fromkeys(frame[side]))
    if len(sides) != 2:
        raise ValueError(f"a pyramid has two sides, not {len(sides)}: {sides}")
    bands, colors = list(dict.fromkeys(frame[band]))[::-1], (theme.ACCENT, theme.RAMP[2])
    columns, ahead = [value] + ([outline] if outline else []), later or units.plain(outline or "")
    fmt = units.of(value, frame[value])
    top = float(frame[columns].max().max())
    plot, ax = _rows(pd.DataFrame({band: bands}), band, row=16, top=26, bottom=24, right=12, low=-top * 1.04, high=top * 1.04)
    fmt_axis = value_axis(ax, value, frame[value], side="x", ticks=6)
    ax.xaxis.set_major_formatter(Scale(fmt_axis, mirrored=True))
    for row in frame.to_dict("records"):
        sign, i = (-1 if row[side] == sides[0] else 1), bands.index(row[band])
        bar = ax.barh(i, sign * float(row[value]), height=0.86, color=colors[0] if sign < 0 else colors[1])[0]
        tail = f", {ahead.lower()} {fmt.full(row[outline])}" if outline else ""
        plot.tip(bar, f"{row[side]}, {row[band]}: {fmt.full(row[value])}{tail}")
        if outline:
            ax.barh(i, sign * float(row[outline]), height=0.86, facecolor="none", edgecolor=theme.INK, linewidth=1.0)
    extra = [(ahead, {"facecolor": "none", "edgecolor": theme.INK})] if outline else []
    bars = [(f"{units.plain(name)}{f', {now}' if now else ''}", {"facecolor": color}) for name, color in zip(sides, colors, strict=True)]
    key(
        plot,
        [*bars, *extra],
        left=ax.get_position().x0 * theme.WIDTH,
        top=4,
    )
    return plot
