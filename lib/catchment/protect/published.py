"""What an exhibit tells of counts that may be hidden: its cells as data, for the audit of everything that is published.

Only what a reader sees goes in: written values and marks, never what they hide.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from catchment import units

from .linkage import HIDDEN

_PERIODS = ("year", "quarter", "month", "period", "date")
_LONGEST = 80  # characters; longer texts are sentences, not names of what is counted


def cells(frame: pd.DataFrame, title: str, *, sources: Sequence[str], below: int, data: str = "") -> dict[str, Any] | None:
    """The published counts of one frame, or nothing when none of its columns is under a threshold.

    `rows` holds what names each row (texts and periods) in the order of `columns`, `measures` the written values by column, "c"
    where hidden, `data` the fingerprint of the files behind them.
    """
    measures = [column for column in frame.columns if _is_measure(frame, str(column))] if below else []
    if not measures or not len(frame):
        return None
    names = [column for column in frame.columns if column not in measures and names_a_row(frame, str(column))]
    return {
        "title": title,
        "sources": sorted(sources),
        "below": below,
        "data": data,
        "columns": [str(name) for name in names],
        "rows": [list(row) for row in zip(*([text(value) for value in frame[name]] for name in names), strict=True)]
        if names
        else [[] for _ in range(len(frame))],
        "measures": {str(column): _written(frame, column) for column in measures},
    }


def _is_measure(frame: pd.DataFrame, column: str) -> bool:
    """A count of people, or a number that the source hides in part; shares and rates go with the counts of their row."""
    numeric = pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(frame[column])
    hidden = (
        f"{column}_suppressed" in frame.columns
        and units.of(column, frame[column]).kind in ("count", "number")
        and units.of(column, frame[column]).unit == ""
    )
    return numeric and (units.is_people(column) or hidden)


def names_a_row(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column says what a row is about: a short text or a period."""
    if column.endswith("_suppressed"):
        return False
    worded = not pd.api.types.is_numeric_dtype(frame[column])
    period = any(word in column.split("_") for word in _PERIODS) and not column.endswith(("_n", "_usd", "_share"))
    return period or (worded and bool((frame[column].map(text).str.len() <= _LONGEST).all()))


def text(value: object) -> str:
    """One coordinate as text."""
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else str(value).strip()


def _written(frame: pd.DataFrame, column: str) -> list[float | str | None]:
    digits = units.of(column, frame[column]).digits
    hidden = frame.get(f"{column}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
    return [
        HIDDEN if flag else None if pd.isna(value) else round(float(value), digits)
        for value, flag in zip(frame[column], hidden, strict=True)
    ]
