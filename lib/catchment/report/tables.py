"""A frame as an accessible table: caption, scoped headings, units in the headings, marks instead of empty cells."""

import re
from collections.abc import Callable

import pandas as pd

from . import formats, marks

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def render(
    frame: pd.DataFrame, caption: str, *, labels: dict[str, str] | None = None, emphasize: Callable | pd.Series | str | None = None
) -> str:
    """`<table>` in a scroll region that the keyboard reaches; companion `*_suppressed` columns become the mark [c]."""
    styles = written(frame)
    head = "".join(_heading(column, labels, fmt) for column, fmt in styles.items())
    strong = emphasis(frame, emphasize)
    cells = {column: texts(frame, column, fmt) for column, fmt in styles.items()}
    body = "".join(_row(i, list(styles), cells, styles, strong=bool(strong.iloc[i])) for i in range(len(frame)))
    return (
        f'<div class="tw" tabindex="0" role="region" aria-label="{marks.escape(caption)}"><table><caption>{marks.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def written(frame: pd.DataFrame) -> dict[str, formats.Format]:
    """The format of each column shown; amounts of money share one unit, so that they can be compared across the row."""
    styles = {column: formats.of(column, frame[column]) for column in frame.columns if not str(column).endswith("_suppressed")}
    amounts = {
        column: frame[column].astype("float64")
        for column, fmt in styles.items()
        if fmt.kind == "money" and frame[column].abs().max() >= 1_000
    }
    common = formats.of("usd", pd.concat(list(amounts.values()))) if len(amounts) > 1 else None
    return styles | dict.fromkeys(amounts, common) if common else styles


def texts(frame: pd.DataFrame, column: str, fmt: formats.Format | None = None) -> list[str]:
    """The cells of one column as they are written, suppressed ones as [c], missing ones as [x]."""
    fmt = fmt or formats.of(column, frame[column])
    hidden = frame.get(f"{column}_suppressed")
    flags = [False] * len(frame) if hidden is None else hidden.fillna(False).astype(bool).tolist()
    return ["[c]" if flag else fmt.bare(value) for value, flag in zip(frame[column], flags, strict=True)]


def emphasis(frame: pd.DataFrame, rows: Callable | pd.Series | str | None) -> pd.Series:
    """Rows to emphasize: a mask, or the label in the first column."""
    if rows is None:
        return pd.Series(False, index=frame.index)
    if isinstance(rows, str):
        return frame.iloc[:, 0].astype(str) == rows
    return pd.Series(rows, index=frame.index).fillna(False).astype(bool)


def legend(frame: pd.DataFrame) -> str:
    """The explanation of the marks that the table uses."""
    return marks.legend(*{text for column in frame.columns if not str(column).endswith("_suppressed") for text in texts(frame, column)})


def _heading(column: str, labels: dict[str, str] | None, fmt: formats.Format) -> str:
    side = "" if fmt.kind == "text" else ' class="n"'
    return f'<th scope="col"{side}>{marks.escape(formats.heading(str(column), labels, fmt))}</th>'


def _row(i: int, shown: list[str], cells: dict[str, list[str]], written: dict[str, formats.Format], *, strong: bool) -> str:
    first, *rest = shown
    out = [f'<tr{" class=us" if strong else ""}><th scope="row">{marks.marked(cells[first][i])}</th>']
    for column in rest:
        kind, text = written[column].kind, cells[column][i]
        side = ' class="day"' if _DAY.fullmatch(text) else ""
        if kind != "text":
            side = ' class="n people"' if formats.is_people(str(column)) else ' class="n"'
        out.append(f"<td{side}>{marks.marked(text)}</td>")
    return "".join([*out, "</tr>"])
