"""What several exhibits of the market page say alike: the caveat of the flows, intervals as text, and where a number comes from."""

from collections.abc import Callable, Iterable
from functools import partial

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit

exhibit = partial(Exhibit, room="market")

CAUSE = "All-cause Medicare fee-for-service stays."
FLOWS = ("hospital_flows",)
OWNERS = ("hospital_flows", "hospitals")
LEVEL = Claim("95 %", how="given", value=0.95, basis="the level of every interval on the page")


def given(said: str, value: float, basis: str) -> Claim:
    """A number of the words that the exhibit does not show, and what it rests on."""
    return Claim(said, how="given", value=float(value), basis=basis)


def among(column: str, names: Iterable[str]) -> str:
    """The rows whose `column` is one of the names, as a query."""
    return f"{column} in {list(names)!r}"


def ranges(frame: pd.DataFrame, column: str, fmt: Callable[[float], str]) -> list[str | None]:
    """Interval of a column as text, `<column>_low` to `<column>_high`; None where it is not known."""
    pairs = zip(frame[f"{column}_low"], frame[f"{column}_high"], strict=True)
    return [None if pd.isna(low) or pd.isna(high) else words.interval(low, high, fmt) for low, high in pairs]


def signed_points(value: float) -> str:
    """Percentage points with their sign."""
    return words.number(100 * value, digits=1)


def counted(zips: pd.DataFrame) -> str:
    """The year, or years, in which the people of the ZIPs were counted."""
    known = zips.loc[zips["population_n"].notna(), "year"]
    return words.span(known.min(), known.max()) if len(known) else "not counted"


def sentence(text: str) -> str:
    """The text with a capital letter at its head."""
    return f"{text[:1].upper()}{text[1:]}"
