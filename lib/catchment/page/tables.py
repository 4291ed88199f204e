"""A frame as an accessible table: caption, scoped headings, units in the headings, marks instead of empty cells."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from catchment import units, words

from . import marks

SHORT = 8  # characters; a first column of years or ZIPs needs no more room than it takes
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Written:
    """A frame as it is written, made once for its table, its download and the legend of its marks.

    `styles` holds the format of each column shown, `texts` its cells; companion `*_suppressed` columns become the mark [c].
    """

    styles: dict[str, units.Format]
    texts: dict[str, list[str]]
    frame: pd.DataFrame

    def head(self, most: int) -> "Written":
        """The first rows, written as in the whole."""
        return Written(self.styles, {column: texts[:most] for column, texts in self.texts.items()}, self.frame.head(most))

    def __len__(self) -> int:
        return len(self.frame)


def written(frame: pd.DataFrame, *, inapplicable: Sequence[str] = ()) -> Written:
    """The frame as text: suppressed cells as [c], missing ones as [x]; amounts of money share one unit, so that rows compare.

    In the columns `inapplicable` a missing value is one that the row cannot have, and reads [z].
    """
    styles = {column: units.of(column, frame[column]) for column in frame.columns if not str(column).endswith("_suppressed")}
    amounts = {
        column: frame[column].astype("float64")
        for column, fmt in styles.items()
        if fmt.kind == "money" and frame[column].abs().max() >= 1_000
    }
    if len(amounts) > 1:
        styles |= dict.fromkeys(amounts, units.of("usd", pd.concat(list(amounts.values()))))
    texts = {column: _texts(frame, column, fmt) for column, fmt in styles.items()}
    for column in inapplicable:
        texts[column] = [units.NOTHING if text == words.MISSING else text for text in texts[column]]
    return Written(styles, texts, frame)


def render(
    shown: Written, caption: str, *, labels: dict[str, str] | None = None, emphasize: Callable | pd.Series | str | None = None
) -> str:
    """`<table>` in a scroll region that the keyboard reaches."""
    head = "".join(_heading(column, labels, fmt, first=i == 0) for i, (column, fmt) in enumerate(shown.styles.items()))
    strong = emphasis(shown.frame, emphasize).tolist()
    short = all(len(text) <= SHORT for text in next(iter(shown.texts.values()), []))
    body = "".join(_row(i, shown, strong=strong[i]) for i in range(len(shown)))
    return (
        f'<div class="tw" tabindex="0" role="region" aria-label="{marks.escape(caption)}">'
        f"<table{' class=short' if short else ''}><caption>{marks.escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _texts(frame: pd.DataFrame, column: str, fmt: units.Format) -> list[str]:
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


def legend(shown: Written) -> str:
    """The explanation of the marks that the table uses."""
    return marks.legend(*{text for texts in shown.texts.values() for text in texts})


def _heading(column: str, labels: dict[str, str] | None, fmt: units.Format, *, first: bool) -> str:
    side = "" if fmt.kind == "text" or first else ' class="n"'
    return f'<th scope="col"{side}>{marks.escape(units.heading(str(column), labels, fmt))}</th>'


def _row(i: int, shown: Written, *, strong: bool) -> str:
    first, *rest = shown.texts
    out = [f'<tr{" class=us" if strong else ""}><th scope="row">{marks.marked(shown.texts[first][i])}</th>']
    for column in rest:
        text = shown.texts[column][i]
        side = ' class="day"' if _DAY.fullmatch(text) else ""
        if shown.styles[column].kind != "text":
            side = ' class="n people"' if units.is_people(str(column)) else ' class="n"'
        out.append(f"<td{side}>{marks.marked(text)}</td>")
    return "".join([*out, "</tr>"])
