"""Text to values, a batch of rows at a time, with the reason for every value that is not one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .layout import IDENTIFIERS, WORDS, Field, Layout

_INTEGER = r"^[+-]?(\d{1,3}(,\d{3})+|\d{1,15})(\.0+)?$"
_NUMBER = r"^[+-]?\$?(\d{1,3}(,\d{3})+|\d{1,15})?(\.\d*)?([eE][+-]?\d{1,2})?\s?%?$"
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_TIME = re.compile(r"(?:[T,]|\s)\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|[-+]\d{2}:?\d{2})?$", re.IGNORECASE)
# Control characters but tabs and line ends, and characters that turn, hide or join what a reader sees.
STRANGE = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{2064}\x{2066}-\x{2069}\x{feff}]"
)
_YES, _NO = ("y", "yes", "true", "1", "t"), ("n", "no", "false", "0", "f")


@dataclass
class Batch:
    """Converted rows, and why others were not: `wrong` holds line, column, what was expected and what was found."""

    frame: pd.DataFrame
    wrong: list[tuple[int, str, str, str]] = field(default_factory=list)
    suppressed: int = 0
    signed: frozenset[str] = frozenset()
    """Fields of which a value has a percent sign."""


def converted(layout: Layout, places: dict[str, int], numbers: Sequence[int], rows: Sequence[Sequence[str]]) -> Batch:
    """The fields of a batch of records as typed columns; a row with any value that is none is left out and told."""
    columns: dict[str, pd.Series] = {"line": pd.Series(numbers, dtype="int64")}
    bad = np.zeros(len(rows), dtype=bool)
    withheld = np.zeros(len(rows), dtype=bool)
    wrong: list[tuple[int, str, str, str]] = []
    signed: set[str] = set()
    for item in layout.fields:
        if item.name not in places and item.constant is None:
            columns[item.name] = _empty(item, len(rows))
            continue
        text = _text([row[places[item.name]] for row in rows] if item.constant is None else [item.constant] * len(rows))
        text = _meant(item, text)
        hidden = _among(text, item.suppressed)
        values, fits = _values(item, pc.if_else(pa.array(hidden), None, text))
        fits |= hidden
        strange = _matches(text, STRANGE) if item.type == "text" and not item.pattern else np.zeros(len(rows), dtype=bool)
        signed |= {item.name} if item.or_fraction and _matches(text, "%").any() else set()
        columns[item.name] = values
        if item.suppressed:
            columns[f"{item.name}_suppressed"] = pd.Series(hidden)
            withheld |= hidden
        wrong += [
            (numbers[row], item.name, expectation(item), text[row].as_py() or "an empty cell") for row in np.flatnonzero(~fits & ~bad)[:200]
        ]
        wrong += [
            (numbers[row], item.name, "text without control characters or marks of direction", ascii(text[row].as_py()))
            for row in np.flatnonzero(strange & fits & ~bad)[:200]
        ]
        bad |= ~fits | strange
    frame = pd.DataFrame(columns)
    frame.attrs["absent"] = [item.name for item in layout.fields if item.name not in places and item.constant is None]
    if layout.check is not None and (~bad).any():
        said = layout.check(frame[~bad])
        for row in said.index[said != ""]:
            wrong.append((numbers[row], "", said[row], "values that contradict it"))
            bad[row] = True
    return Batch(frame[~bad].reset_index(drop=True), wrong, int((withheld & ~bad).sum()), frozenset(signed))


def expectation(item: Field) -> str:
    """What a cell of the field must hold, in words."""
    words = "text" if item.pattern and item.type == "text" else WORDS[item.type]
    limits = [
        f"not below {item.min:g}" if item.min is not None else "",
        f"not above {item.max:g}" if item.max is not None else "",
        f"like {item.pattern}" if item.pattern else "",
    ]
    return " ".join([words, " and ".join(filter(None, limits))]).strip()


def _text(values: Sequence[str]) -> pa.Array:
    text = pc.utf8_trim_whitespace(pa.array(values, pa.string()))
    text = pc.replace_substring_regex(text, r"\s*[\r\n]+\s*", " ")
    return pc.if_else(pc.equal(text, ""), None, text)


def _meant(item: Field, text: pa.Array) -> pa.Array:
    """The texts under the names that a mapping gives them, or the part of a date that they stand for."""
    if item.renamed:
        text = pa.array([None if each is None else item.renamed.get(each.casefold(), each) for each in text.to_pylist()], pa.string())
    if item.part:
        text = pa.array([_part(item.part, each, tuple(item.formats)) for each in text.to_pylist()], pa.string())
    return text


@lru_cache(maxsize=50_000)
def _part(part: str, text: str | None, formats: tuple[str, ...]) -> str | None:
    """Year, quarter or month of a date; a text that is no date stays, so that it is told."""
    day = _date(text, formats)
    if day is None:
        return text
    return {"year": f"{day.year}", "quarter": f"{(day.month + 2) // 3}", "month": f"{day:%Y-%m-01}"}[part]


def _matches(text: pa.Array, pattern: str) -> np.ndarray:
    return pc.fill_null(pc.match_substring_regex(text, pattern), False).to_numpy(zero_copy_only=False)


def _among(text: pa.Array, marks: Sequence[str]) -> np.ndarray:
    return pc.fill_null(pc.is_in(text, pa.array([*marks], pa.string())), False).to_numpy(zero_copy_only=False)


def _values(item: Field, text: pa.Array) -> tuple[pd.Series, np.ndarray]:
    """Values of a column and whether each row's is one (an empty cell is, where the field allows it)."""
    text = pc.if_else(pa.array(_among(text, item.missing)), None, text)
    if item.footnotes and item.type in ("integer", "number"):
        text = pc.replace_substring_regex(text, rf"(?:\s*(?:{item.footnotes}))+$", "")
    empty = text.is_null().to_numpy(zero_copy_only=False)
    make = {"integer": _integers, "number": _numbers, "date": _dates, "boolean": _booleans}.get(item.type, _texts)
    values = make(item, text)
    nothing = values.isna().to_numpy()
    fits = ~nothing | (empty & (item.nullable or bool(item.missing)))
    if item.type in ("integer", "number"):
        low, high = item.min if item.min is not None else -np.inf, item.max if item.max is not None else np.inf
        fits &= nothing | values.between(low, high).to_numpy(dtype=bool, na_value=True)
        if item.percent or item.scale != 1:
            values = values * item.scale / (100 if item.percent else 1)
    return values, fits


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern), text, None)


def _integers(item: Field, text: pa.Array) -> pd.Series:
    digits = pc.replace_substring_regex(_matching(text, _INTEGER), r"[,+]|\.0+$", "")
    return pd.Series(pc.cast(digits, pa.int64()).to_pandas(integer_object_nulls=False), dtype="float64").astype("Int64")


def _numbers(item: Field, text: pa.Array) -> pd.Series:
    digits = _matching(_matching(text, _NUMBER), r"\d")
    if not item.percent:
        digits = pc.if_else(pc.match_substring(digits, "%"), None, digits)
    return pd.Series(pc.cast(pc.replace_substring_regex(digits, r"[$,%+\s]", ""), pa.float64()).to_pandas(), dtype="float64")


def _booleans(item: Field, text: pa.Array) -> pd.Series:
    lower = pc.utf8_lower(text)
    values = pc.if_else(pc.is_in(lower, pa.array(_YES)), True, pc.if_else(pc.is_in(lower, pa.array(_NO)), False, None))
    return pd.Series(values.to_pandas(), dtype="boolean")


def _dates(item: Field, text: pa.Array) -> pd.Series:
    return pd.Series([_date(value, tuple(item.formats)) for value in text.to_pylist()], dtype="datetime64[us]")


@lru_cache(maxsize=50_000)
def _date(value: str | None, formats: tuple[str, ...]) -> datetime | None:
    if value is None:
        return None
    if _SERIAL.fullmatch(value) and 20_000 <= float(value) < 80_000:  # what Excel calls a day: 1954 to 2119
        return datetime(1899, 12, 30) + timedelta(days=int(float(value)))
    day = _TIME.sub("", value)
    for written in formats:
        try:
            return datetime.strptime(day, written)
        except ValueError:
            continue
    return None


def _texts(item: Field, text: pa.Array) -> pd.Series:
    if item.type in ("zip", "fips", "ccn"):
        text = _restored(item.type, text)
    elif item.type == "state":
        text = pc.utf8_upper(text)
    pattern = IDENTIFIERS.get(item.type) or item.pattern
    return pd.Series((_matching(text, f"^(?:{pattern})$") if pattern else text).to_pandas(), dtype="str")


def _restored(kind: str, text: pa.Array) -> pa.Array:
    """Leading zeros that a spreadsheet dropped, and ZIP+4 cut to five digits."""
    if kind == "zip":
        text = pc.replace_substring_regex(text, r"^(\d{5})-?\d{4}$", r"\1")
        return pc.if_else(pc.match_substring_regex(text, r"^\d{3,4}$"), pc.utf8_lpad(text, 5, "0"), text)
    if kind == "ccn":
        text = pc.utf8_upper(text)
        return pc.if_else(pc.match_substring_regex(text, r"^\d{5}$"), pc.utf8_lpad(text, 6, "0"), text)
    return pc.if_else(pc.match_substring_regex(text, r"^\d{4}$"), pc.utf8_lpad(text, 5, "0"), text)


def _empty(item: Field, length: int) -> pd.Series:
    kind = {"integer": "Int64", "number": "float64", "date": "datetime64[us]", "boolean": "boolean"}.get(item.type, "str")
    return pd.Series([None] * length, dtype=kind)
