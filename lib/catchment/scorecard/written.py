"""How the scorecard writes values: in the unit that an indicator's name ends in, periods by name, differences with their sign."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from catchment import units, words

HIDDEN = "[c]"


def value(kpi: str, amount: float, *, more: int = 0, missing: str = words.MISSING) -> str:
    """An indicator's value with its unit, with `more` digits than usual."""
    if pd.isna(amount):
        return missing
    if kpi.endswith("_n"):
        return words.number(amount, digits=more)
    form = units.of(kpi, pd.Series([amount]))
    # A month's mean of days or minutes is not known to the hundredth.
    digits = (form.digits if form.kind != "number" else min(form.digits, 1)) + more
    said = replace(form, digits=digits).full(amount)
    return kept(said.replace("minutes", "min"))


def kept(text: str) -> str:
    """Text that a table cell does not break."""
    return text.replace(" ", "\u00a0").replace(words.MINUS, f"{words.MINUS}\u2060")


def signed(amount: float, beside: Iterable[float] = ()) -> str:
    """A difference in dollars with its sign; whole dollars only where all that it stands `beside` are small as well."""
    size = abs(amount)
    thousands = 50 <= size < 99_950 and max([size, *(abs(other) for other in beside if other == other)]) >= 9_950
    said = f"${size / 1e3:.{0 if size >= 9_950 else 1}f} K" if thousands else words.money(size)
    return f"{'+' if amount > 0 else words.MINUS}{said}"


def period(day: pd.Timestamp, length: str, *, missing: str = words.MISSING) -> str:
    """A month, quarter or year by name; of several months ("10 months") the last."""
    if pd.isna(day):
        return missing
    names = {"month": f"{day:%b %Y}", "quarter": f"{day.year} Q{(day.month + 2) // 3}", "year": f"{day.year}"}
    return names.get(length, f"{length} to {day:%b %Y}")


def days(dates: pd.Series) -> list[str]:
    """Dates that a table cell does not break, or "no date"."""
    return [f"{day:%Y\u2011%m\u2011%d}" if pd.notna(day) else "no date" for day in pd.to_datetime(dates)]
