"""Shapes of giving: the Lorenz curve of a year's gifts and the campaign thermometer."""

import pandas as pd
import seaborn as sns

from catchment import units, words
from catchment.page import theme
from catchment.page.canvas import Plot, key, shape, sheet, something, value_axis, width


def lorenz(frame: pd.DataFrame, x: str = "donors_share", y: str = "amount_share", *, marks: tuple[float, ...] = (0.8, 0.9, 0.99)) -> Plot:
    """The curve from the smallest to the largest giver with the diagonal of equality.

    Each of `marks` (share of donors, ascending) is labeled with what the donors above it gave. Long curves are thinned to
    200 points, the marked ones kept.
    """
    plot, ax = sheet(230, left=48, right=190, bottom=40)
    value_axis(ax, y, frame[y])
    value_axis(ax, x, frame[x], side="x", grid=False)
    step = max(1, len(frame) // 200)
    at = [(frame[x] - mark).abs().idxmin() for mark in marks]
    thin = frame.loc[sorted({*frame.index[::step], *at, frame.index[0], frame.index[-1]})]
    ax.plot([0, 1], [0, 1], color=theme.CONTEXT, linewidth=1.2, linestyle=(0, (5, 3)))
    ax.annotate("all give the same", (0.5, 0.5), xytext=(-4, 6), textcoords="offset points", ha="right", color=theme.MUTED)
    sns.lineplot(thin, x=x, y=y, ax=ax, color=theme.ACCENT, linewidth=2.2, errorbar=None, legend=False)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_ylabel("")
    ax.set_xlabel("Donors, from the smallest to the largest giver")
    for rank, index in enumerate(reversed(at)):
        row = frame.loc[index]
        dot = ax.plot([row[x]], [row[y]], "o", markersize=7, color=theme.ACCENT, clip_on=False, zorder=4)[0]
        text = f"the top {words.share(1 - row[x], digits=0)} gave {words.share(1 - row[y], digits=0)}"
        plot.tip(dot, text)
        ax.annotate(
            text,
            (row[x], row[y]),
            xytext=(1.04, 0.62 - 0.14 * rank),
            textcoords="axes fraction",
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": theme.RULE, "linewidth": 0.8, "relpos": (0, 0.5)},
        )
    return plot


@shape
def thermometer(
    frame: pd.DataFrame,
    label: str,
    raised: str,
    goal: str,
    *,
    time: str,
    low: str | None = None,
    expected: str | None = None,
    high: str | None = None,
) -> Plot:
    """One tube per campaign from nothing to goal: filled with what is raised, with a mark at the share of time gone.

    Parameters
    ----------
    raised, goal : amounts, US dollars.
    time : share of the campaign's time gone (0-1).
    low, expected, high : forecast of the total at the end; drawn as a dot with its interval above the tube.
    """
    something(frame, raised)
    fmt = units.of(raised, frame[raised])
    columns = [raised, goal, *(column for column in (expected, high) if column)]
    top = float(max((frame[column] / frame[goal]).max() for column in columns))
    left = max(width(str(text)) for text in frame[label]) + 12
    plot, ax = sheet(64 * len(frame) + 58, left=left, right=46, top=28, bottom=26)
    ax.set_ylim(len(frame) - 0.5, -0.5)
    ax.set_xlim(0, top * 1.02)
    ax.set_yticks(range(len(frame)), [str(text) for text in frame[label]])
    value_axis(ax, "share", pd.Series([0.0, top]), side="x", ticks=6)
    for i, row in enumerate(frame.to_dict("records")):
        ax.barh(i, 1.0, height=0.34, facecolor=theme.RAMP[0], edgecolor=theme.MUTED, linewidth=0.8)
        share = row[raised] / row[goal]
        bar = ax.barh(i, share, height=0.34, color=theme.ACCENT)[0]
        plot.tip(bar, f"{row[label]}: {fmt.full(row[raised])} of {fmt.full(row[goal])} raised, {words.share(share, digits=0)}")
        gone = ax.plot([row[time]] * 2, [i - 0.3, i + 0.3], color=theme.WARN, linewidth=2.4, solid_capstyle="butt", zorder=4)[0]
        plot.tip(gone, f"{row[label]}: {words.share(row[time], digits=0)} of the time gone")
        ax.annotate(
            f"{words.share(share, digits=0)} raised",
            (0, i),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=theme.PAPER if share > 0.22 else theme.INK,
            fontweight="bold",
            zorder=5,
        )
        if expected and pd.notna(row[expected]):
            ends = [row[low] / row[goal], row[high] / row[goal]]
            ax.plot(ends, [i - 0.36] * 2, color=theme.INK, linewidth=1.6, solid_capstyle="butt")
            dot = ax.plot([row[expected] / row[goal]], [i - 0.36], "o", markersize=6, color=theme.INK, zorder=4)[0]
            plot.tip(dot, f"{row[label]}: {fmt.full(row[expected])} forecast at the end ({fmt.full(row[low])} to {fmt.full(row[high])})")
    entries: list[tuple[str, dict]] = [
        ("Raised", {"facecolor": theme.ACCENT}),
        ("Goal", {"facecolor": theme.RAMP[0], "edgecolor": theme.MUTED}),
        ("Time gone", {"line": True, "color": theme.WARN, "linewidth": 2.4}),
    ]
    key(
        plot,
        entries + ([("Forecast at the end", {"line": True, "color": theme.INK, "linewidth": 1.6})] if expected else []),
        left=left,
        top=6,
    )
    return plot
