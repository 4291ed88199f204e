"""The sheet that an exhibit is drawn on: margins measured from the texts, so nothing is drawn twice to find out where it fits.

All lengths are points; a sheet is one page column wide. Text is measured with DejaVu, the widest of the fonts a reader may get,
so labels that fit here fit everywhere.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, Formatter, MaxNLocator

from catchment import units as formats
from catchment import words

from . import theme

LEAST = 0.3  # part of the sheet's width that the axes keep, whatever the labels ask for
LONGEST = 0.7  # part of the sheet's width that one line of text may take


@dataclass
class Plot:
    """A finished drawing: the figure, and the hover text of each artist by its gid; or no figure, and `missing` says why."""

    fig: Figure | None
    tips: dict[str, str] = field(default_factory=dict)
    missing: str = ""

    @property
    def drawing(self) -> Figure:
        """The figure of a drawing that is there."""
        if self.fig is None:
            raise ValueError(f"nothing was drawn: {self.missing}")
        return self.fig

    def tip(self, artist: Artist, text: str) -> None:
        """Give one artist a hover text."""
        gid = f"tip-{len(self.tips) + 1}"
        artist.set_gid(gid)
        self.tips[gid] = text


class NothingToDraw(ValueError):
    """No value may be drawn: there is none, or all are hidden."""


def something(frame: pd.DataFrame, *columns: str) -> None:
    """Raise `NothingToDraw` with the reader's reason when none of the columns has a value."""
    if frame.empty:
        raise NothingToDraw("there is no such record")
    if frame[list(columns)].isna().all(axis=None):
        hidden = any(frame[f"{column}_suppressed"].any() for column in columns if f"{column}_suppressed" in frame)
        raise NothingToDraw("every count is too small to be shown" if hidden else "no value is known")


def shape(draw: Callable[..., Plot]) -> Callable[..., Plot]:
    """A shape that gives an empty `Plot` with the reason where there is nothing to draw; the page then says so in words."""

    @wraps(draw)
    def drawn(*arguments: Any, **options: Any) -> Plot:
        try:
            plot = draw(*arguments, **options)
        except NothingToDraw as reason:
            return Plot(None, missing=str(reason))
        _fit(plot.drawing)
        return plot

    return drawn


def _fit(fig: Figure) -> None:
    """Cut what does not fit its margin: labels are as long as the data make them."""
    for ax in fig.axes:
        names = ax.yaxis.get_major_formatter()
        if isinstance(names, FixedFormatter):
            names.seq = [clipped(str(text), ax.get_position().x0 * theme.WIDTH - 6) for text in names.seq]
    for text in fig.findobj(Text):
        if width(text.get_text(), text.get_fontsize()) > LONGEST * theme.WIDTH:
            text.set_text(clipped(text.get_text(), LONGEST * theme.WIDTH, float(text.get_fontsize())))


def sheet(height: float, *, left: float = 10, right: float = 10, top: float = 8, bottom: float = 24) -> tuple[Plot, Axes]:
    """A sheet of `height` points with one set of axes inside the margins."""
    crowded = min(1.0, (1 - LEAST) * theme.WIDTH / (left + right))
    left, right = left * crowded, right * crowded
    with mpl.rc_context(theme.DRAWING):
        fig = Figure((theme.WIDTH / 72, height / 72), dpi=72)
        ax = fig.add_axes(
            (left / theme.WIDTH, bottom / height, (theme.WIDTH - left - right) / theme.WIDTH, (height - top - bottom) / height)
        )
    return Plot(fig), ax


@lru_cache(maxsize=4096)
def width(text: str, size: float = theme.SIZE, *, bold: bool = False) -> float:
    """Width of a text in points; of its widest line where it has several."""
    if "\n" in text:
        return max(width(line, size, bold=bold) for line in text.split("\n"))
    font = _font(bold)
    font.set_size(size, 72)
    with warnings.catch_warnings():
        # A letter that this font lacks is as wide as its mark for it; a reader's browser has the letter.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
        font.set_text(text, 0.0)
    return font.get_width_height()[0] / 64


@lru_cache(maxsize=2)
def _font(bold: bool) -> FT2Font:
    return font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=theme.FONT, weight="bold" if bold else "normal")))


def widest(texts: Iterable[str], size: float = theme.SIZE, *, bold: bool = False) -> float:
    """Width of the widest text in points."""
    return max((width(str(text), size, bold=bold) for text in texts), default=0.0)


def clipped(text: str, limit: float, size: float = theme.SIZE) -> str:
    """The text cut with an ellipsis where it is wider than `limit` points."""
    if width(text, size) <= limit:
        return text
    if "\n" in text:
        return "\n".join(clipped(line, limit, size) for line in text.split("\n"))
    while text and width(text + "…", size) > limit:
        text = text[:-1]
    return text.rstrip() + "…"


def folded(text: str, limit: float, size: float = theme.SIZE) -> str:
    """The text in one line where that fits `limit` points, else in two of like width; only what is longer still is cut."""
    words_in = text.split()
    if width(text, size) <= limit or len(words_in) < 2:
        return clipped(text, limit, size)
    folds = [f"{' '.join(words_in[:i])}\n{' '.join(words_in[i:])}" for i in range(1, len(words_in))]
    best = min(folds, key=lambda fold: width(fold, size))
    if width(best, size) > limit:  # a full first line keeps more of the name than two halves do
        best = next((fold for fold in reversed(folds) if width(fold.split("\n")[0], size) <= limit), best)
    return clipped(best, limit, size)


def spread(positions: Sequence[float], gap: float, *, low: float = -1e300, high: float = 1e300) -> list[float]:
    """Label positions nudged apart to `gap`, order kept, as near to where they were as possible (pool adjacent violators)."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    pools: list[list[float]] = []  # [sum of (position - own offset), members]
    for rank, i in enumerate(order):
        pools.append([positions[i] - rank * gap, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, members = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += members
    placed = [total / members for total, members in pools for _ in range(int(members))]
    placed = [position + rank * gap for rank, position in enumerate(placed)]
    if placed and placed[-1] > high:
        placed = [position - (placed[-1] - high) for position in placed]
    if placed and placed[0] < low:
        placed = [position + (low - placed[0]) for position in placed]
    out = [0.0] * len(positions)
    for rank, i in enumerate(order):
        out[i] = placed[rank]
    return out


def points_high(ax: Axes) -> float:
    """Height of the axes in points."""
    figure = ax.get_figure(root=True)
    return ax.get_position().height * figure.get_figheight() * 72 if figure else 0.0


def points_wide(ax: Axes) -> float:
    """Width of the axes in points."""
    return ax.get_position().width * theme.WIDTH


def value_axis(ax: Axes, column: str, values: pd.Series | None, *, side: str = "y", grid: bool = True, ticks: int = 5) -> formats.Format:
    """Format one axis as the column's unit with few round ticks and a light grid."""
    fmt = formats.of(column, values)
    axis = ax.yaxis if side == "y" else ax.xaxis
    axis.set_major_locator(_locator(fmt, ticks))
    axis.set_major_formatter(Scale(fmt))
    if grid:
        axis.grid(True, color=theme.RULE, linewidth=0.8)
    return fmt


def _locator(fmt: formats.Format, ticks: int) -> MaxNLocator:
    return MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10], integer=fmt.kind in ("count", "number") and fmt.digits == 0)


class Scale(Formatter):
    """Labels of one axis in one unit, which only all its ticks together can tell: $0, $0.5 M, $1 M and not $500 K, $1.0 M.

    `mirrored` writes both sides of zero alike.
    """

    def __init__(self, fmt: formats.Format, *, mirrored: bool = False):
        self.fmt, self.mirrored = fmt, mirrored

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """One label per tick; ticks outside of the view, which the locator gives too, have no say in the unit."""
        low, high = sorted(self.axis.get_view_interval()) if self.axis is not None else (-float("inf"), float("inf"))
        seen = [value for value in values if low <= value <= high] or list(values)
        return ticks_said([abs(value) if self.mirrored else value for value in values], self.fmt, top=max(map(abs, seen), default=0.0))


def ticks_said(values: Sequence[float], fmt: formats.Format, *, top: float) -> list[str]:
    """Tick labels of one axis whose largest value is `top`."""
    if fmt.kind == "share" and fmt.unit == "%":
        return [f"{_needed(value * fmt.scale)} %" for value in values]
    if fmt.kind != "money" or fmt.cents:
        return [tick(value, fmt) for value in values]
    units = ((9.995e8, 1e9, " B"), (9.995e5, 1e6, " M"), (9.995e4, 1e3, " K"), (0, 1.0, ""))
    size, unit = next((size, unit) for limit, size, unit in units if top >= limit)
    texts = [_needed(abs(value) / size) for value in values]
    return [f"{words.MINUS if value < 0 else ''}${text}{unit}" if text != "0" else "$0" for value, text in zip(values, texts, strict=True)]


def _needed(value: float, *, most: int = 2, near: float = 1e-6) -> str:
    """A number with as many digits as it needs, up to `most`."""
    digits = next((n for n in range(most) if abs(value * 10**n - round(value * 10**n)) < near), most)
    return words.number(value, digits=digits)


def tick(value: float, fmt: formats.Format) -> str:
    """One value as an axis says it: percent and dollars carry their sign, other units stand in the axis title."""
    if fmt.kind == "share" and fmt.unit == "%":
        return f"{_needed(value * fmt.scale, most=1)} %"
    if fmt.kind == "money":
        return words.money(value, digits=2 if fmt.cents else None) if value else "$0"
    return _needed(value * fmt.scale, near=1e-9)


def axis_margin(fmt: formats.Format, low: float, high: float, *, ticks: int = 5) -> float:
    """Room for the tick labels of a vertical axis from `low` to `high`."""
    places = [value for value in _locator(fmt, ticks).tick_values(low, high) if low <= value <= high]
    return max(widest(ticks_said(places, fmt, top=max(map(abs, places), default=0.0))) + 10, 24)


def end_labels(
    ax: Axes, x: float | Sequence[float], ys: Sequence[float], texts: Sequence[str], colors: Sequence[str], *, bold: Sequence[bool]
) -> None:
    """Labels at line ends in place of a legend, nudged apart; `x` is where all lines end, or where each one does."""
    low, high = ax.get_ylim()
    gap = (theme.SIZE * 1.3) * (high - low) / points_high(ax)
    ends = list(x) if isinstance(x, Sequence) else [x] * len(ys)
    for end, y, text, color, strong in zip(ends, spread(list(ys), gap, low=low, high=high), texts, colors, bold, strict=True):
        ax.annotate(
            text,
            (end, y),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=color,
            fontweight="bold" if strong else "normal",
            annotation_clip=False,
        )


def key(plot: Plot, entries: Sequence[tuple[str, dict]], *, left: float, top: float = 6) -> None:
    """A key in one line above the drawing: entries are (text, style) with style of a small patch or line."""
    fig, x = plot.drawing, left
    mark: Artist
    height = fig.get_figheight() * 72
    for text, style in entries:
        line = style.pop("line", False)
        if line:
            mark = mpl.lines.Line2D([x / theme.WIDTH, (x + 14) / theme.WIDTH], [1 - (top + 5) / height] * 2, **style)
        else:
            mark = mpl.patches.Rectangle(
                (x / theme.WIDTH, 1 - (top + 10) / height), 12 / theme.WIDTH, 10 / height, transform=fig.transFigure, **style
            )
        fig.add_artist(mark)
        fig.text((x + 18) / theme.WIDTH, 1 - (top + 5) / height, text, va="center_baseline", color=theme.MUTED)
        x += 18 + width(text) + 16
