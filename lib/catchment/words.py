"""Numbers into text: the only place where a value becomes words on a page.

Fractions are 0-1 inside and percent only here. A missing value reads "[x]", the mark for "not available"; an infinite one is a
mistake upstream and raises. An effect whose interval includes zero "did not change measurably": that is a finding, not a failure.
Known bias: rounding is half-even as in Python, so a column of rounded shares may not add to 100 %.
"""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

MISSING = "[x]"
MINUS = "−"
SMALL_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number(value: float, *, digits: int = 0) -> str:
    """A number with thousands separators and a true minus sign.

    Raises
    ------
    ValueError
        The value is infinite: a quotient by zero that should have been caught where it was computed.
    """
    if pd.isna(value):
        return MISSING
    if value in (float("inf"), float("-inf")):
        raise ValueError("an infinite number cannot be shown: find the division by zero that made it")
    text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def count(value: float) -> str:
    """A whole number: 1234 reads "1,234"."""
    return number(value)


def share(value: float, *, digits: int = 1) -> str:
    """A fraction as percent: 0.1234 reads "12.3 %"; what rounds to 0 or 100 without being it says so."""
    if pd.isna(value):
        return MISSING
    least = 10**-digits
    percent = 100 * float(value)
    if 0 < percent < least / 2:
        return f"<{number(least, digits=digits)} %"
    if 100 - least / 2 < percent < 100:
        return f">{number(100 - least, digits=digits)} %"
    return f"{number(percent, digits=digits)} %"


def points(value: float, *, digits: int = 1) -> str:
    """A difference of two fractions: 0.012 reads "1.2 points" (the sign is said by the sentence)."""
    if pd.isna(value):
        return MISSING
    text = number(abs(100 * float(value)), digits=digits)
    return f"{text} {'point' if float(text.replace(',', '')) == 1 else 'points'}"


def money(value: float, *, digits: int | None = None) -> str:
    """US dollars at a readable scale: 1234567 reads "$1.2 M", 4321 reads "$4,321"."""
    if pd.isna(value):
        return MISSING
    number(value)
    sign, size = (MINUS if value < 0 else ""), abs(float(value))
    for limit, scale, unit in ((9.995e8, 1e9, " B"), (9.995e5, 1e6, " M"), (9.995e4, 1e3, " K")):
        if size >= limit:
            places = digits if digits is not None else (0 if unit == " K" else 1)
            return f"{sign}${size / scale:,.{places}f}{unit}"
    text = f"{size:,.{digits or 0}f}"
    return f"{sign if text.strip('0.') else ''}${text}"


def apart(values: Sequence[float], write: Callable[..., str], *, digits: int | None = None, most: int = 3) -> list[str]:
    """The texts of values that a sentence sets side by side, with as many digits as it takes to tell different ones apart.

    `write` is called as `write(value, digits=…)`: with `digits` first, then with more, up to `most`.
    """
    texts = [write(value, digits=digits) for value in values]
    for more in range((digits or 0) + 1, most + 1):
        if len(set(texts)) == len(set(values)):
            break
        texts = [write(value, digits=more) for value in values]
    return texts


def people(value: float, noun: str = "patient", *, below: int = 11) -> str:
    """A count of people that may not be shown when it is 1 to `below` - 1: 4 reads "fewer than 11 patients"."""
    if pd.isna(value):
        return f"fewer than {below} {_plural_noun(noun)}"
    if 0 < value < below:
        return f"fewer than {below} {_plural_noun(noun)}"
    return plural(value, noun)


def plural(n: float, noun: str, many: str | None = None, *, spelled: bool = False) -> str:
    """A count with its noun: plural(1, "ZIP") reads "1 ZIP", plural(12, "county") "12 counties"."""
    if pd.isna(n):
        return f"{MISSING} {many or _plural_noun(noun)}"
    figure = SMALL_COUNTS[int(n)] if spelled and 0 <= n <= 10 and n == int(n) else count(n)
    return f"{figure} {noun if n == 1 else many or _plural_noun(noun)}"


def _plural_noun(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def listing(items: Iterable[str], *, most: int | None = None, last: str = "and") -> str:
    """A list in a sentence: "a", "a and b", "a, b and c"; beyond `most` the rest is counted ("a, b and 3 others")."""
    words = [str(item) for item in items]
    if most is not None and len(words) > most:
        rest = len(words) - most
        words = [*words[:most], f"{rest} {'other' if rest == 1 else 'others'}"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def significance(pvalue: float) -> str:
    """A p-value as the band that it lies in: 0.0004 reads "below 0.001"; an exact one would tell the counts behind it."""
    if pd.isna(pvalue):
        return MISSING
    return next((f"below {edge}" for edge in (0.001, 0.01, 0.05) if pvalue < edge), "not significant")


def interval(low: float, high: float, fmt: Callable[[float], str] = count) -> str:
    """An interval: interval(0.1, 0.2, share) reads "10.0 to 20.0 %"; a unit said twice is said once."""
    if pd.isna(low) or pd.isna(high):
        return MISSING
    first, second = fmt(low), fmt(high)
    for unit in (" %", " points", " M", " K", " B"):
        if first.endswith(unit) and second.endswith(unit):
            return f"{first.removesuffix(unit)} to {second}"
    return f"{first} to {second}"


def span(first: float, last: float) -> str:
    """Some years as a page writes them: "2014-18", or "2018" alone."""
    if first == last:
        return f"{int(first)}"
    return f"{int(first)}-{int(last) % 100:02d}" if int(first) // 100 == int(last) // 100 else f"{int(first)}-{int(last)}"


def direction(low: float, high: float) -> str:
    """What an interval of a change allows to be said: "rose" or "fell" only when zero lies outside of it.

    Raises
    ------
    ValueError
        The lower end lies above the upper end.
    """
    if pd.isna(low) or pd.isna(high):
        return "cannot be compared"
    if low > high:
        raise ValueError(f"the lower end {low} of the interval lies above the upper end {high}")
    return "rose" if low > 0 else "fell" if high < 0 else "did not change measurably"


def change(now: float, before: float, since: str | int = "", *, unit: str = "percent", digits: int = 1) -> str:
    """Movement for a KPI card: change(110, 100, 2023) reads "▲ 10.0 % vs 2023".

    Parameters
    ----------
    unit
        "percent" (relative), "points" (both are fractions), "count" or "money" (difference).

    Raises
    ------
    ValueError
        The unit is not known.
    """
    tail = f" vs {since}" if since != "" else ""
    if pd.isna(now) or pd.isna(before) or (unit == "percent" and before == 0):
        return f"no comparison{tail.replace('vs', 'with')}"
    said = {
        "percent": lambda d: share(abs(d / before), digits=digits),
        "points": lambda d: points(d, digits=digits),
        "count": lambda d: number(abs(d), digits=0 if float(d).is_integer() else digits),
        "money": lambda d: money(abs(d)),
    }
    if unit not in said:
        raise ValueError(f"unit must be one of {listing(said, last='or')}, not {unit!r}")
    moved = now - before
    text = said[unit](moved)
    if not moved or not text.strip("$<0. %points,MKB"):
        return f"no change{tail}"
    return f"{'▲' if moved > 0 else '▼'} {text}{tail}"


def goal(value: float, target: float, fmt: Callable[[float], str] = count, *, name: str = "Goal", low_is_good: bool = False) -> str:
    """A goal and whether it was met: goal(0.26, 0.28, share) reads "Goal 28.0 %: missed"."""
    if pd.isna(target):
        return f"{name} not set"
    if pd.isna(value):
        return f"{name} {fmt(target)}: not measured"
    met = value <= target if low_is_good else value >= target
    return f"{name} {fmt(target)}: {'met' if met else 'missed'}"


def reached(goal_text: str) -> bool | None:
    """Whether a text of `goal` says that the goal was met; None where there is no goal, or nothing was measured against it."""
    return {"met": True, "missed": False}.get(goal_text.rpartition(": ")[2])


def status(value: float, target: float, *, low_is_good: bool = False) -> str:
    """The status that goes with `goal`: "good", "bad", or "neutral" when one of the two is missing."""
    if pd.isna(value) or pd.isna(target):
        return "neutral"
    return "good" if (value <= target if low_is_good else value >= target) else "bad"
