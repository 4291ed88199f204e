"""Whether a table that is kept up to date ends long before the page's date: then what it does not tell of is missing, not zero.

Definitions: a table *ends* in the last month that a row tells of; how many months before the page's month that may be stands in its entry
of the catalog (`current`). Known bias: a month in which nothing happened looks like a month that is not in yet.
"""

from collections.abc import Collection
from datetime import date

import pandas as pd

from .catalog import Table

SLICES = {"year", "quarter", "month", "fiscal_year", "fiscal_month"}


def last_month(frame: pd.DataFrame, entry: Table, *, filters: Collection[str] = ()) -> pd.Period | None:
    """The last month that the rows of a table tell of; None for one that is not kept up to date, and where a filter cut its periods."""
    if not entry.current or entry.period is None or entry.period not in frame or {entry.period, *SLICES} & set(filters):
        return None
    known = frame.dropna(subset=[entry.period, *([entry.current.known] if entry.current.known in frame else [])])
    if known.empty:
        return None
    if entry.columns[entry.period].type == "date":
        return known[entry.period].max().to_period("M") + (entry.current.spans - 1)
    month = known["quarter"] * 3 if "quarter" in known else 12
    return pd.Period(ordinal=int((known[entry.period] * 12 + month).max()) - 1970 * 12 - 1, freq="M")


def behind(last: pd.Period | None, entry: Table, as_of: date) -> str:
    """What is to be said of a table that ends too early; empty for one that does not."""
    if last is None or entry.current is None:
        return ""
    months = (pd.Period(as_of, freq="M") - last).n
    if months <= entry.current.months:
        return ""
    return f"{entry.title} ends in {last.to_timestamp():%B %Y}, {months} months before this page's date"
