"""Sentences obey the gate of the tables: no title, takeaway, card or hover text gives a count that a table of its page hides.

A page remembers the counts that it hid, by what names their rows, and the sentences that it said. A sentence that names a hidden
row beside its count, or that tells 1 to 10 people of a protected source, stops the page, whichever came first. Nothing of this
memory is ever written.
"""

import re
from dataclasses import dataclass

import pandas as pd

from catchment import units, words

from . import published

_PEOPLE = "|".join(unit.removesuffix("s") for unit in units.PEOPLE_UNITS)
_UNIT = (
    r"(?! ?(?:%|percent|points?\b|[KMB]\b|days?\b|weeks?\b|months?\b|quarters?\b|years?\b|minutes?\b|km\b|ZIPs?\b"
    r"|sites?\b|centers?\b|clinicians?\b))"
)
_NUMBER = re.compile(rf"(?<![\w.,$+/–-])(\d{{1,3}}(?:,\d{{3}})+|\d+)(?![\w/–-]|[.,]\d){_UNIT}")
# "1 to 10 patients are hidden", "the first 3 visits" and "1 in 5 patients" count nobody.
_BETWEEN = (  # "3 (1.7 %) of the 180 new patients"; "5 towns send patients" counts towns
    r"(?:\([^()]*\) )?(?:(?:out )?of )?(?:(?:the|our|all|these|those) )?(?:\d[\d,]* )?(?:(?!(?!previous|various)[a-z]+s )[a-z]+ ){0,2}"
)
_COUNT = rf"(\d+|{'|'.join(words.SMALL_COUNTS[1:])})"
_SMALL = re.compile(
    rf"(?<![\w.,$+/–-])(?<!\b1 to )(?<!\bfirst )(?<!\b1 in )(?<!\bper ){_COUNT} (?!more\b|fewer\b){_BETWEEN}(?:{_PEOPLE})s?\b(?! a year)"
    rf"|\b(?:patient|case|referral|discharge|stay|death)s?(?: in all)?: ?{_COUNT}(?![\w.,]*\d|[\w/–-]){_UNIT}",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class DisclosureError(ValueError):
    """A page would show a count that may not be shown."""


@dataclass(frozen=True)
class _Hidden:
    value: int
    labels: tuple[str, ...]


class Spoken:
    """What one page has said and hidden so far."""

    def __init__(self) -> None:
        self._hidden: set[_Hidden] = set()
        self._said: list[tuple[str, str, set[int]]] = []

    def hide(self, before: pd.DataFrame, after: pd.DataFrame) -> None:
        """Remember the counts of `before` that `after` hides.

        Raises
        ------
        DisclosureError
            A sentence said earlier gives one of them.
        """
        counts = [name for name in before.columns if f"{name}_suppressed" in after.columns and units.is_people(str(name))]
        new = _hidden(before, after, counts) if counts else set()
        for where, sentence, other in self._said:
            _refuse(where, sentence, new - self._hidden, other)
        self._hidden |= new

    def say(self, where: str, *texts: str, below: int = 0, beside: pd.DataFrame | None = None) -> None:
        """Check sentences, and keep them for what is hidden later; `below` is the threshold of the sources they speak of.

        Numbers that the frame `beside` shows of other things than people (clinicians, years) are taken for those.

        Raises
        ------
        DisclosureError
            A sentence gives a hidden count, or a count of 1 to `below` - 1 people.
        """
        other = set() if beside is None else _others(beside)
        for sentence in (part for text in texts for part in _SENTENCE.split(text or "") if part):
            if any(0 < _whole(found[1] or found[2]) < below for found in _SMALL.finditer(sentence)):
                raise DisclosureError(f"{where} tells of 1 to {below - 1} people: “{_masked(sentence)}”")
            _refuse(where, sentence, self._hidden, other)
            self._said.append((where, sentence, other))


def _whole(said: str) -> int:
    """A count as it is said: "3" or "three"."""
    return int(said) if said.isdigit() else words.SMALL_COUNTS.index(said.lower())


def _hidden(before: pd.DataFrame, after: pd.DataFrame, counts: list[str]) -> set[_Hidden]:
    names = [name for name in before.columns if published.names_a_row(before, str(name))]
    texts = {name: [published.text(value).lower() for value in before[name]] for name in names}
    telling = [name for name in names if before[name].nunique() > 1] or names
    # Naming one identifier (a city beside its ZIP) names the row; without one, all its names do.
    identifiers = [[name] for name in telling if len(before) > 1 and len(set(texts[name])) == len(before)]
    found = set()
    for column in counts:
        flags = after[f"{column}_suppressed"].fillna(False).astype(bool) & before[column].notna()
        for place, value in zip(flags.to_numpy().nonzero()[0], before.loc[flags, column], strict=True):
            for chosen in identifiers or [telling]:
                if labels := tuple(texts[name][place] for name in chosen if texts[name][place]):
                    found.add(_Hidden(round(value), labels))
    return found


def _others(frame: pd.DataFrame) -> set[int]:
    """Whole numbers that a frame shows in columns which do not count people, and in no column that does."""
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    for column in frame.select_dtypes("number"):
        values = frame[column].dropna()
        seen[units.is_people(str(column))] |= set(values[values % 1 == 0].astype("int64"))
    return seen[False] - seen[True]


def _refuse(where: str, sentence: str, hidden: set[_Hidden], other: set[int]) -> None:
    numbers = {int(found[1].replace(",", "")) for found in _NUMBER.finditer(sentence)} - other
    lower = sentence.lower()
    for each in hidden if numbers else ():
        if each.value in numbers and all(_named(label, lower) for label in each.labels) and str(each.value) not in each.labels:
            raise DisclosureError(f"{where} gives a count that a table of this page hides: “{_masked(sentence)}”")


def _named(label: str, sentence: str) -> bool:
    """Whether a sentence holds a name as words of its own: `oral` is not in `floral`."""
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", sentence) is not None


def _masked(sentence: str) -> str:
    """The sentence without its numbers: messages reach logs."""
    return re.sub(r"\d", "#", sentence)
