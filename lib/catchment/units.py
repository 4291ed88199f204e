"""How a column is written: its suffix says the unit, so a value reads the same in a table, on an axis and in a hover text.

`*share` percent, `*_n` counts, `*_usd` dollars, `*rate_100k` per 100,000, `*_km`, `*_min`, `*_days`, `*_weeks`, `*_months`, `*_years`;
`*_low` and `*_high` follow the column that they bound; `year` and text columns are written as they are.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from catchment import words

PEOPLE = ("cases_n", "patients_n", "discharges_n", "referrals_n", "visits_n", "stays_n", "deaths_n")
PEOPLE_UNITS = tuple(name.removesuffix("_n") for name in PEOPLE)
THINGS = (
    *("clinicians_n", "certain_n", "zips_n", "counties_n", "hospitals_n", "sites_n", "services_n", "beds_n", "taxonomies_n", "links_n"),
    *("years_n", "quarters_n", "months_n", "weeks_n", "days_n", "points_n", "standards_n", "indicators_n", "cards_n", "forecasts_n"),
)
_COUNTED = re.compile(
    r"(?:^|_)(?:n|counts?|number|total|patients?|cases?|referrals?|visits?|discharges?|stays?|deaths?|people|persons?|women|men|female|male"
    r"|enrolled|enrollments?|admissions?|encounters?|fractions|surgeries|infusions|eligible|reached|kept|leaked|numerator|denominator)$",
    re.IGNORECASE,
)
NOTHING = "[z]"  # an empty text: nothing applies to this row
_BOUND = re.compile(r"_(low|high|lower|upper|median)(_?\d+)?$")
_UNITS = {
    "km": "km",
    "mi": "miles",
    "min": "minutes",
    "days": "days",
    "weeks": "weeks",
    "months": "months",
    "years": "years",
    "hours": "hours",
    "fte": "FTE",
}


@dataclass(frozen=True)
class Format:
    """Unit of one column and how its values are written with and without that unit."""

    kind: str
    unit: str = ""
    digits: int = 0
    scale: float = 1.0
    prefix: str = ""

    @property
    def cents(self) -> bool:
        """Whether amounts are so small that their cents are written."""
        return self.unit == "$" and self.digits == 2

    def bare(self, value: Any) -> str:
        """Without the unit: what stands in a table cell, whose heading carries the unit."""
        if self.kind == "text":
            return _written(value)
        return words.number(value * self.scale, digits=self.digits) if not pd.isna(value) else words.MISSING

    def full(self, value: Any) -> str:
        """With the unit: what stands in a hover text or beside a mark."""
        if pd.isna(value) or self.kind == "text":
            return self.bare(value)
        if self.kind == "money":
            return words.money(value, digits=2 if self.cents else None)
        return f"{self.prefix}{self.bare(value)}{' ' + self.unit if self.unit else ''}"

    def beside(self, value: Any) -> str:
        """With the unit, beside a mark: dollars in the one unit of the column, so that the amounts of a drawing can be compared."""
        if self.kind != "money" or pd.isna(value):
            return self.full(value)
        size = words.number(abs(value) * self.scale, digits=self.digits)
        sign = words.MINUS if value < 0 and size.strip("0.,") else ""
        return f"{sign}${size}{self.unit[1:]}" if value else "$0"


def is_people(column: str) -> bool:
    """Whether a column counts people, so that 1 to 10 may not be shown."""
    return column.endswith(PEOPLE)


def counts_things(column: str) -> bool:
    """Whether a column counts something that is not a patient: clinicians, ZIPs, months."""
    return column.endswith(THINGS)


def counts_people(column: str) -> bool:
    """Whether a column of a table about patients has to be taken for a count of them: any count that is not known to be of things."""
    return bool(_COUNTED.search(_BOUND.sub("", column))) and not counts_things(column)


def is_year(column: str) -> bool:
    """Whether a column holds calendar years."""
    return column == "year" or column.endswith("_year") or column.startswith("year_")


def of(column: str, values: pd.Series | None = None) -> Format:
    """The format of a column, from its name and, where the name is silent, from its values."""
    if (values is not None and not pd.api.types.is_numeric_dtype(values)) or (values is not None and pd.api.types.is_bool_dtype(values)):
        return Format("text")
    stem = _BOUND.sub("", column)
    if is_year(stem):
        return Format("year", digits=0) if values is not None and _has_big_gaps(values) else Format("text")
    return _by_suffix(stem, values) or _by_value(values)


def _has_big_gaps(values: pd.Series) -> bool:
    """A column named `*_year` that holds amounts a year (cases_n_year), not calendar years."""
    known = values.dropna()
    return bool(len(known)) and not known.between(1900, 2100).all()


def _by_suffix(stem: str, values: pd.Series | None) -> Format | None:
    if stem.endswith("share") or stem.endswith("_rate") or stem == "rate_share":
        return Format("share", "%", 1, 100.0)
    if stem.endswith("points"):
        return Format("share", "points", 1, 100.0)
    if stem.endswith("usd"):
        return _money(values)
    if stem.endswith("100k") or stem == "rate":
        return Format("number", "per 100,000", 1)
    if stem.endswith("_n") or stem in ("n", "count", "hhi"):
        return Format("count", digits=_count_digits(values))
    if stem.endswith(("ratio", "index")):
        return Format("number", "", 2)
    unit = _UNITS.get(stem.rsplit("_", 1)[-1])
    return Format("number", unit, _digits(values)) if unit else None


def _by_value(values: pd.Series | None) -> Format:
    if values is not None and pd.api.types.is_integer_dtype(values):
        return Format("count")
    return Format("number", "", _digits(values))


def _digits(values: pd.Series | None) -> int:
    if values is None or not len(values.dropna()) or pd.api.types.is_integer_dtype(values):
        return 0
    known = values.dropna().astype("float64")
    top = float(known.abs().max())
    return 0 if top >= 100 or (known % 1 == 0).all() else 1 if top >= 10 or known.round(1).eq(known).all() else 2


def _count_digits(values: pd.Series | None) -> int:
    """Counts are whole; estimated ones (modeled cases) keep one decimal while they are small."""
    if values is None or not len(values.dropna()) or (values.dropna() % 1 == 0).all():
        return 0
    return 1 if float(values.abs().max()) < 100 else 0


def _money(values: pd.Series | None) -> Format:
    sizes = values.abs()[values.abs() > 0] if values is not None else pd.Series(dtype="float64")
    top, least = (float(sizes.max()), float(sizes.min())) if len(sizes) else (0.0, 0.0)
    if 0 < top < 10:
        return Format("money", "$", 2)  # cents matter, as in the cost of raising a dollar
    if top >= 9.995e5 and (least >= 5e4 or top >= 9.995e8):  # below that, decimals of a million would turn the small ones into 0
        return Format("money", "$ M", 0 if top >= 9.995e8 else 1 if least >= 5e5 else 2, 1e-6)
    return Format("money", "$ K", 0, 1e-3) if (top >= 99_950 and least >= 500) or top >= 9.995e5 else Format("money", "$", 0)


def heading(column: str, labels: dict[str, str] | None, fmt: Format) -> str:
    """A column heading with its unit, once: "Share, %"."""
    text = (labels or {}).get(column) or plain(column)
    return text if not fmt.unit or fmt.unit.lower() in text.lower() else f"{text}, {fmt.unit}"


@cache
def headings(room: str) -> dict[str, str]:
    """Heading of each column that has one of its own on a room's pages: the common ones of labels.yml, and the room's, which win."""
    said = yaml.load(Path(__file__).with_name("labels.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return said["common"] | said[room]


def plain(column: str) -> str:
    """A column name as a heading when the author gave none: `drive_min` reads "Drive", `first_year` "First year"."""
    stem = re.sub(r"_(n|usd|100k|km|min|share)(?=_|$)", "", column)
    text = stem.replace("_", " ").strip()
    return (text[:1].upper() + text[1:]) or column


def _written(value: Any) -> str:
    if isinstance(value, (list, tuple, set)):
        return words.listing(value)
    if pd.isna(value):
        return words.MISSING
    if isinstance(value, (pd.Timestamp, datetime, date)):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, (bool,)) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text if text.strip() else NOTHING
