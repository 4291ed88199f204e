"""What the methods are given: the checks they share, so that a wrong word, label or number is refused and not worked with.

Definitions: an *option word* is one of a closed list; *labels* are the index of a pandas object, and two such objects are worked on
together only when their labels are the same, in the same order; a *known* number is neither missing nor infinite.

Known bias: arrays and lists carry no labels, so their order is trusted.
"""

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def word(value: object, allowed: Collection[str], *, name: str) -> None:
    """Refuses an option word that is not in the list.

    Raises
    ------
    ValueError
        With the option's name, what was given, and the words that are known.
    """
    if value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")


def words(values: Iterable[object], allowed: Collection[str], *, name: str) -> None:
    """Refuses a column that holds other words than those in the list; missing values pass.

    Raises
    ------
    ValueError
        With the column's name, the unknown words, and those that are known.
    """
    if strange := sorted({str(value) for value in values if not pd.isna(value)} - set(allowed)):
        raise ValueError(f"{name} holds {', '.join(strange)}: known are {', '.join(allowed)}")


def labels(**values: object) -> None:
    """Refuses pandas objects whose labels are not the same in the same order; arrays, lists and numbers have none and pass.

    Raises
    ------
    ValueError
        With the names of two arguments that do not match, and labels that only one of them has.
    """
    labeled = {name: value.index for name, value in values.items() if isinstance(value, (pd.Series, pd.DataFrame))}
    first = next(iter(labeled), "")
    for name, index in labeled.items():
        if not index.equals(labeled[first]):
            alone = [*labeled[first].difference(index), *index.difference(labeled[first])]
            how = f"only one of them has {', '.join(map(str, alone[:3]))}" if alone else "they are in another order"
            raise ValueError(f"{first} and {name} have different labels ({how}): align them, or give arrays")


def counts(values: ArrayLike, *, name: str) -> np.ndarray:
    """Numbers as an array, refused when one is negative; missing ones pass, so that what rests on them is missing.

    Raises
    ------
    ValueError
        With the argument's name and the lowest number.
    """
    numbers = np.asarray(values, dtype=float)
    if np.any(numbers < 0):
        raise ValueError(f"{name} must not be negative: {np.nanmin(numbers):g}")
    return numbers


def known(values: ArrayLike, *, name: str, least: float = -np.inf, most: float = np.inf) -> np.ndarray:
    """Numbers as an array, refused when one is missing, infinite, or outside of `least` to `most`.

    Raises
    ------
    ValueError
        With the argument's name, how many numbers are wrong, and what was expected.
    """
    numbers = np.asarray(values, dtype=float)
    if unknown := int((~np.isfinite(numbers)).sum()):
        raise ValueError(f"{name} must be known: {unknown} of {numbers.size} are missing or infinite; leave out or fill them first")
    if numbers.size and numbers.min() < least:
        raise ValueError(f"{name} must not be {'negative' if least == 0 else f'below {least:g}'}: {numbers.min():g}")
    if numbers.size and numbers.max() > most:
        raise ValueError(f"{name} must not be above {most:g}: {numbers.max():g}")
    return numbers


def fraction(value: float, *, name: str) -> None:
    """Refuses what does not lie strictly between 0 and 1, such as 95 for 0.95.

    Raises
    ------
    ValueError
        With the argument's name and what was given.
    """
    if not 0 < value < 1:
        raise ValueError(f"{name} lies between 0 and 1, not {value:g}")


def ages(one: pd.DataFrame, other: pd.DataFrame, name: str, other_name: str) -> None:
    """Refuses two tables of people, rates or weights (with a column `age_low`) in different age groups; an empty one passes.

    Raises
    ------
    ValueError
        With the names of the two and the ages at which only one of them begins a group.
    """
    first, second = set(one["age_low"]), set(other["age_low"])
    if first != second and first and second:
        alone = ", ".join(f"{age:g}" for age in sorted(first ^ second))
        raise ValueError(f"{name} and {other_name} are in different age groups: only one of them begins groups at {alone}")


def columns(frame: pd.DataFrame, needed: Iterable[str], *, name: str) -> None:
    """Refuses a frame that lacks columns.

    Raises
    ------
    ValueError
        With the frame's name and the columns it lacks.
    """
    if missing := [column for column in needed if column not in frame]:
        raise ValueError(f"{name} lacks the columns {', '.join(missing)}")
