"""What the catalog promises of a table, checked by Pandera at the door, breaches said in words.

A contract covers the columns that were read: type, missing values, pattern, range, categories, key, references, and the rules between
columns of one row (a share is not more than all).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from catchment.params.text import nearest

from .catalog import Column, Rule, Table
from .problem import Problem
from .scan import FILE, ROW, TEXT

_WORDS = {
    "text": "text",
    "category": "a known value",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date such as 2025-12-31",
    "boolean": "true or false",
}
_EARLIEST, _LATEST = "1850-01-01", "2200-12-31"


def bounds(name: str, column: Column) -> tuple[Any, Any]:
    """Smallest and largest allowed value, None where open."""
    if column.type == "date":
        return pd.Timestamp(column.min or _EARLIEST), pd.Timestamp(column.max or _LATEST)
    if column.type not in ("integer", "number"):
        return None, None
    share = column.share if column.share is not None else name.endswith("share")
    low = column.min if column.min is not None else 0 if share or name.endswith("_n") else None
    high = column.max if column.max is not None else 1 if share else None
    return None if low is None else float(low), None if high is None else float(high)


def expected(name: str, column: Column, check: str = "") -> str:
    """What a column must hold, in words, seen from the check that failed."""
    low, high = bounds(name, column)
    if check == "references":
        return f"a value listed in {column.references}"
    if check == "range" and (low, high) == (0, 1):
        return "a share from 0 to 1"
    if check == "range" and column.type == "date":
        return f"a date from {low:%Y-%m-%d} to {high:%Y-%m-%d}"
    if check == "range":
        limits = [f"not below {low:g}" if low is not None else "", f"not above {high:g}" if high is not None else ""]
        return f"{'a count' if name.endswith('_n') else 'a value'} {' and '.join(filter(None, limits))}"
    if check == "pattern":
        return f"text of the form {column.pattern}"
    if check == "values":
        return f"one of {', '.join(column.values)}"
    return _WORDS[column.type]


def breaches(
    frame: pd.DataFrame, name: str, table: Table, shown: list[str], listed: Mapping[str, Callable[[], set]], partner: str = "",
    *, bound: Callable[[Rule], Mapping[str, set]] = lambda rule: {},
) -> list[Problem]:  # fmt: skip
    """Every breach of the contract in a frame as `scan` returns it, one problem for each column and kind, with its first row.

    `listed` gives the allowed values of a column that references another table; it is called only for a column that was read. All rows
    of a file whose place names the `partner` must be this partner's. `bound` gives, for a rule with a condition, the values of each
    column for which it holds.
    """
    columns = {key: column for key, column in table.columns.items() if key in frame}
    problems = [problem for key, column in columns.items() for problem in _unread(frame, name, key, column, shown)]
    key = tuple(table.key) if set(table.key) <= set(columns) else ()
    try:
        _schema(_Named(name, table), tuple(columns), key).validate(frame, lazy=True)
    except SchemaErrors as error:
        problems += _explained(error.failure_cases, frame, name, table, shown)
    for column in columns.keys() & listed.keys():
        unknown = frame.loc[frame[column].notna() & ~frame[column].isin(listed[column]()), column]
        problems += _problem(unknown, frame, name, table, column, "references", shown)
    for rule in table.rules:
        if {rule.column, rule.other or rule.column} <= set(columns):
            problems += _broken(rule, frame, name, table, bound(rule), shown)
    if table.private and "partner" in frame and (others := frame.loc[(frame["partner"] != partner).fillna(True), "partner"]).size:
        wanted = f"{partner!r}, whose own file it is"
        problems.append(_at(others, frame, name, "partner", table.columns["partner"], wanted, shown, hint="correct it; no row is left out"))
    return problems


def _broken(rule: Rule, frame: pd.DataFrame, name: str, table: Table, bound: Mapping[str, set], shown: list[str]) -> list[Problem]:
    """Rows that break a rule between columns; the row's key says whose they are."""
    mine, other = frame[rule.column], frame[rule.other] if rule.other else pd.Series(rule.limit, index=frame.index)
    if rule.at_most is not None:
        wrong, wanted = mine > other, f"no more than {rule.at_most}"
    elif rule.none_without is not None:
        wrong, wanted = (mine > 0) & ~(other > 0), f"0 where there is no {rule.none_without}"
    else:
        wrong, wanted = mine.isna() & other.notna(), f"a value, as {rule.known_with} has one"
    for column, values in bound.items():
        wrong &= frame[column].isin(values)
    values = mine[wrong.fillna(False).astype(bool)]
    if values.empty:
        return []
    first = frame.loc[values.index].sort_values([FILE, ROW], kind="stable").iloc[0]
    said = "nothing" if pd.isna(first[rule.column]) else _said(first[rule.column])
    beside = f" of {_said(first[rule.other])}" if rule.other and rule.known_with is None and pd.notna(first[rule.other]) else ""
    whose = ", ".join(f"{key} {_said(first[key])}" for key in table.key if key in frame and key != "partner")
    return [_at(values, frame, name, rule.column, table.columns[rule.column], wanted, shown, said=f"{said}{beside} ({whose})")]


def _unread(frame: pd.DataFrame, name: str, key: str, column: Column, shown: list[str]) -> list[Problem]:
    """Text that became no value and is no mark of suppression; an empty cell where none may be."""
    text = frame.get(key + TEXT)
    left = text[text.notna()] if text is not None else None
    wrong = left[~left.isin(column.suppressed)] if left is not None and len(left) else None
    missing = frame[key].isna() if not column.nullable else None
    empty = frame.loc[missing & (text.isna() if text is not None else True), key] if missing is not None and missing.any() else None
    return [
        _at(values, frame, name, key, column, expected(key, column), shown, said=said)
        for values, said in ((wrong, None), (empty, "an empty cell"))
        if values is not None and len(values)
    ]


class _Named:
    """A table as a cache key: entries come from a cache themselves, so identity tells them apart."""

    def __init__(self, name: str, table: Table):
        self.name, self.table = name, table

    def __hash__(self) -> int:
        return hash((self.name, id(self.table)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self.name == other.name and self.table is other.table


@lru_cache(maxsize=512)
def _schema(named: _Named, columns: tuple[str, ...], key: tuple[str, ...]) -> pa.DataFrameSchema:
    # Missing values were judged before: here every column may be empty.
    checks = {column: _checks(column, named.table.columns[column]) for column in columns}
    parts = {column: pa.Column(checks=checks[column], nullable=True) for column in columns if checks[column]}
    return pa.DataFrameSchema(parts, unique=list(key) or None, report_duplicates="exclude_first")


def _checks(name: str, column: Column) -> list[pa.Check]:
    low, high = bounds(name, column)
    checks = []
    if low is not None or high is not None:
        checks.append(pa.Check(lambda values, low=low, high=high: _within(values, low, high), name="range"))
    if column.pattern:
        checks.append(pa.Check(lambda values, pattern=column.pattern: values.str.fullmatch(pattern), name="pattern"))
    if column.values:
        checks.append(pa.Check(lambda values, known=column.values: values.isin(known), name="values"))
    return checks


def _within(values: pd.Series, low: Any, high: Any) -> pd.Series:
    inside = pd.Series(True, index=values.index)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    return inside


def _explained(cases: pd.DataFrame, frame: pd.DataFrame, name: str, table: Table, shown: list[str]) -> list[Problem]:
    found = []
    doubled = cases[cases["check"] == "multiple_fields_uniqueness"]
    if len(doubled):
        rows = frame.loc[sorted(set(doubled["index"]))]
        values = ", ".join(f"{key} {_said(rows[key].iloc[0])}" for key in table.key)
        found.append(
            _at(rows[table.key[0]], frame, name, "", None, f"one row per {', '.join(table.key)}", shown, said=f"another row for {values}")
        )
    for (column, check), group in cases[cases["check"] != "multiple_fields_uniqueness"].groupby(["column", "check"], sort=False):
        values = frame.loc[group["index"].astype(frame.index.dtype), column]
        found += _problem(values, frame, name, table, column, check, shown)
    return found


def _problem(values: pd.Series, frame: pd.DataFrame, name: str, table: Table, column: str, check: str, shown: list[str]) -> list[Problem]:
    if values.empty:
        return []
    entry = table.columns[column]
    hint = nearest(str(values.iloc[0]), entry.values) if check == "values" else ""
    return [_at(values, frame, name, column, entry, expected(column, entry, check), shown, hint=hint)]


def _at(
    values: pd.Series,
    frame: pd.DataFrame,
    name: str,
    key: str,
    column: Column | None,
    wanted: str,
    shown: list[str],
    *,
    said: str | None = None,
    hint: str = "",
) -> Problem:
    first = frame.loc[values.index].sort_values([FILE, ROW], kind="stable").index[0]
    label = f"{key} ({column.source})" if column and column.source and column.source != key else key
    return Problem(
        name,
        wanted,
        said or _said(values.loc[first]),
        file=shown[frame.at[first, FILE]],
        column=label,
        row=int(frame.at[first, ROW]),
        count=len(values),
        hint=hint,
    )


def _said(value: Any) -> str:
    text = (
        f"{value:%Y-%m-%d}"
        if isinstance(value, pd.Timestamp)
        else repr(str(value))
        if isinstance(value, str)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."
