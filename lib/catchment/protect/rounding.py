"""Protected numbers: counts of people hidden when small and otherwise rounded, and all that is printed computed from the rounded ones.

Definitions. *Midpoint rounding* to base 6: 0 stays 0, and x > 0 becomes 6 * ceil(x / 6) - 3, the middle of its class of six (1-6, 7-12,
13-18 …). A count is *hidden* when its class holds a count of 1 to `below` - 1: with 11, counts of 1 to 12. What is *derived* from counts
(shares, their intervals, changes, ranks) is computed again from the rounded counts, so it tells nothing that they do not. What is *kept*
beside counts is a statistic of the row's people (a median of days) or says nothing of their number (a distance); it is missing where
a count of its row is hidden.

What it assumes: nothing of how exhibits are linked. Every published number is a function of rounded counts, so a reader who adds, subtracts
or compares exhibits works with classes of six. What remains: a total and all its other parts may narrow a hidden count to a part of
1 to 12; a row that moves between two classes from one run to the next tells that it crossed their border.

Known bias: a rounded count lies half a person below the mean of its class; parts and their total are rounded each by itself, so sums may
differ by a few.

Reference: OpenSAFELY, Disclosure controls: rounding and redaction (midpoint 6); CMS cell size suppression policy (ResDAC).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from catchment import units

BASE = 6
MIDDLE = 6.0  # what a hidden count, 1 to 12 people, is taken for where a model needs a number
PROTECTED = "protected"  # the mark of a protected frame in its attrs
ROUNDED = "rounded"  # and that of one whose counts are rounded

Derive = Callable[[pd.DataFrame], pd.DataFrame]


class Undeclared(ValueError):
    """A frame of people's counts holds a number that nobody said the nature of."""


def midpoint(counts: pd.Series, *, base: int = BASE) -> pd.Series:
    """Each count as the middle of its class: 0 stays 0, 13 to 18 become 15; missing stays missing.

    Raises
    ------
    ValueError
        A count is negative, or the base is not a positive even number.
    """
    if base < 2 or base % 2:
        raise ValueError(f"the base must be a positive even number, found {base}")
    values = pd.to_numeric(counts).astype("float64")
    if (values < 0).any():
        raise ValueError(f"counts of people must not be negative, found {values.min():g}")
    return (np.ceil(values / base) * base - base / 2).where(values > 0, values)


def hidden(counts: pd.Series, *, below: int = 11, base: int = BASE) -> pd.Series:
    """Whether a count may not be shown: above 0 and in a class that holds a count of 1 to `below` - 1."""
    values = pd.to_numeric(counts).astype("float64")
    first = np.floor((np.ceil(values / base) - 1) * base) + 1  # the least count of the class
    return ((values > 0) & (first < below)).fillna(False).astype(bool)


def people(value: float, *, below: int = 11, base: int = BASE) -> float:
    """One count of people as a page may say it: rounded, NaN when hidden or missing."""
    one = pd.Series([value], dtype="float64")
    return float(protect(pd.DataFrame({"patients_n": one}), below=below, base=base)["patients_n"].iloc[0])


def protect(
    frame: pd.DataFrame,
    *,
    below: int = 11,
    base: int = BASE,
    derive: Derive | None = None,
    kept: Sequence[str] = (),
    order: str | None = None,
) -> pd.DataFrame:
    """The frame as a page may show it: counts hidden or rounded, its other numbers derived anew, or kept where that is allowed.

    Parameters
    ----------
    frame
        One row per group. Columns that count people are known by their names (`units.counts_people`); so are those that count other things
        (`units.counts_things`), years and texts.
    below
        The least count that may be shown; 0 hides and rounds nothing.
    base
        Of the rounding; 1 rounds nothing, for readers who may see exact counts of `below` and more.
    derive
        Takes the frame with rounded counts, missing where hidden, and gives it back with all that is computed from counts.
    kept
        Numbers that are no function of the row's counts.
    order
        The column by which rows are put, largest first, ties and hidden rows by the frame's first column; without it they keep
        their order, which must not come from a count.

    Returns
    -------
    DataFrame
        The same columns, with a companion `<column>_suppressed` for each that is hidden anywhere or could be; `attrs["protected"]` is set.

    Raises
    ------
    Undeclared
        A number of the frame is neither a count nor derived nor kept.
    """
    if frame.attrs.get(PROTECTED) or not below:
        return _marked(frame.copy())
    counts = [str(name) for name in frame.columns if units.counts_people(str(name)) and pd.api.types.is_numeric_dtype(frame[name])]
    if not counts:
        return _marked(frame.copy())
    out, masks = frame.copy(), pd.DataFrame(False, index=frame.index, columns=counts)
    for name in counts:
        said = frame.get(f"{name}_suppressed", pd.Series(False, index=frame.index)).fillna(False).astype(bool)
        small = hidden(frame[name], below=below, base=base) if base > 1 else (frame[name] > 0) & (frame[name] < below)
        masks[name] = small | said
        out[name] = (midpoint(frame[name], base=base) if base > 1 else frame[name].astype("float64")).mask(masks[name])
    others = [str(name) for name in frame.columns if _is_number(frame, str(name)) and name not in counts]
    out = _derived(out, frame, others, derive, kept)
    any_hidden = masks.any(axis=1)
    for name in others:
        out[name] = out[name].astype("float64").mask(any_hidden)
        out[f"{name}_suppressed"] = any_hidden
    for name in counts:
        out[f"{name}_suppressed"] = masks[name]
    out.attrs[ROUNDED] = base > 1
    return _marked(ordered(out, order) if order else out)


def filled(shown: pd.DataFrame) -> pd.DataFrame:
    """A protected frame for a model: each hidden count as the middle of all that it can be, without companion columns."""
    companions = [str(name) for name in shown.columns if str(name).endswith("_suppressed")]
    counts = [name for name in (each.removesuffix("_suppressed") for each in companions) if units.counts_people(name)]
    return shown.assign(**{name: shown[name].mask(shown[f"{name}_suppressed"], MIDDLE) for name in counts}).drop(columns=companions)


def _derived(out: pd.DataFrame, frame: pd.DataFrame, others: Sequence[str], derive: Derive | None, kept: Sequence[str]) -> pd.DataFrame:
    loose = [name for name in others if name not in kept]
    if not loose:
        return out
    if derive is None:
        raise Undeclared(
            f"column {loose[0]!r} stands beside counts of people: derive it from them (derive=) or say that it tells nothing (kept=)"
        )
    again = derive(out.drop(columns=loose))
    missing = [name for name in loose if name not in again.columns]
    if missing:
        raise Undeclared(f"column {missing[0]!r} is not derived from the counts shown")
    return again[list(frame.columns)]


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column holds numbers that may tell of people: not what counts other things, no year, no yes or no."""
    numeric = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
    return numeric and not name.endswith("_suppressed") and not units.counts_things(name) and not units.is_year(name)


def ordered(shown: pd.DataFrame, by: str) -> pd.DataFrame:
    """A protected frame with the largest value first, ties and hidden rows by the first column."""
    return shown.sort_values([by, shown.columns[0]], ascending=[False, True], na_position="last", ignore_index=True)


def _marked(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs[PROTECTED] = True
    return frame
