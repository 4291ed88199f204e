"""What every section of the settings is made of: `Section`, `Assumption` and the field types of this domain.

An assumption is a threshold, benchmark or conversion factor that another analyst might set differently. It carries its
unit, source, date and confidence, and the report prints it. A plain option (a year, a list of sites) is a plain field.
"""

import re
from datetime import date as _date
from typing import Annotated, Any, Generic, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypeVar

Value = TypeVar("Value", default=float)


class Section(BaseModel):
    """A group of settings. The string under a field is its meaning, shown in messages, the schema and the report."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True)


class Conflict(NamedTuple):
    """A rule that two settings break together: where (keys below the section), what, and what to do."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


class Assumption(Section, Generic[Value]):
    """A value with its standing. `Assumption` holds a number; `Assumption[int]`, `Assumption[Share]` say more."""

    value: Value
    """The value itself."""
    unit: str
    """Unit of the value, such as share, km, cases per linac and year."""
    source: str
    """Where the value comes from."""
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}){0,2}$")] | None = None
    """Year or date of the source."""
    confidence: Literal["high", "medium", "low", "local"] = "medium"
    """high: read at the source. medium: accepted practice. low: a placeholder to replace. local: set by the partner."""


def _iso(value: Any) -> Any:
    # pydantic alone would take "20251231" for seconds since 1970.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise ValueError("expected a date written as 2025-12-31")
    return value


Date = Annotated[_date, BeforeValidator(_iso)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Year = Annotated[int, Field(ge=1900, le=2200)]
Month = Annotated[int, Field(ge=1, le=12)]
Zip = Annotated[str, Field(pattern=r"^\d{5}$")]
CountyFips = Annotated[str, Field(pattern=r"^\d{5}$")]
Ccn = Annotated[str, Field(pattern=r"^[0-9A-Z]{6}$")]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
