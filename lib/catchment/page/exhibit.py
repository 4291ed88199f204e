"""An exhibit: one figure or table as one record, made from the frame that is shown, so that its title cannot say another number.

Definitions. The *key* names an exhibit within its page for good: findings, slides and the brief link to it, never to a number that moves.
*Shown* is the protected frame that is drawn, tabulated and downloaded. A *claim* is a number, or the name of an extreme, that title,
subtitle or note says, with how it comes from the rows shown; it is worked out again when the exhibit is made, and an exhibit whose words
say something else is refused. Numbers of a title that no claim covers are refused too: years and what stands in a cell that names its row
are no claims.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import pandas as pd

from catchment import units, words
from catchment.protect.spoken import DisclosureError

PASSED = "passed"  # the mark of `Report.protect` in a frame's attrs
How = Literal["value", "sum", "mean", "median", "count", "share", "difference", "ratio", "largest", "smallest", "first", "last", "given"]
_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NUMBER = re.compile(r"(?<![\w.,])[−-]?\$?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![\w]|,\d{3}\b)(?:[\s ]?(%|K\b|M\b|B\b|points?\b))?")
_SCALE = {"%": 0.01, "point": 0.01, "points": 0.01, "K": 1e3, "M": 1e6, "B": 1e9}


class FalseClaim(ValueError):
    """An exhibit's words say what its rows do not."""


@dataclass(frozen=True)
class Claim:
    """What the words of an exhibit say of its rows.

    Parameters
    ----------
    said
        The words as they stand in the title, subtitle or note: "59.6 %", "$1.2 M", "two", or a name.
    column
        Of what: a column of the frame shown, or arithmetic over its columns ("ahead_n - now_n"). For "count" it may be empty.
    rows
        Which rows: a pandas query over the frame shown; all of them by default.
    how
        value: the only value of those rows. sum, mean, median: over those rows. count: how many rows. share: their sum over the sum of
        all rows, or of those of `whole`, or over the sum of column `over` in the same rows. difference, ratio: the last of those rows
        less, or over, the first. first, last: the value of that row. largest, smallest: `said` is the name in column `column` of the row
        whose `by` is largest or smallest. given: `value` comes from settings or from data that the exhibit does not show, and says from
        where in `basis`.
    by
        The column, or arithmetic over columns, that "largest" and "smallest" order by.
    value, basis
        Of "given" alone.
    whole
        Of "share" alone: the rows that are the whole, as in `rows`; all of them by default.
    over
        Of "share" alone: another column that is the whole, over the same rows.
    """

    said: str
    column: str = ""
    rows: str = ""
    how: How = "value"
    by: str = ""
    value: float | None = None
    basis: str = ""
    whole: str = ""
    over: str = ""

    def check(self, shown: pd.DataFrame) -> None:
        """Raise `FalseClaim` unless the rows bear what is said."""
        if self.how == "given":
            if self.value is None or not self.basis:
                raise FalseClaim(f"the claim “{self.said}” is given: say its value and what it rests on")
            self._agree(self.value)
            return
        # numexpr would not know text columns of every kind; the Python engine knows them all.
        chosen = shown.query(self.rows, engine="python") if self.rows else shown
        if self.how == "count":
            self._agree(len(chosen))
        elif self.how in ("largest", "smallest"):
            self._extreme(chosen)
        else:
            self._agree(self._value(chosen, shown))

    def _value(self, chosen: pd.DataFrame, shown: pd.DataFrame) -> float:
        values = _worked(chosen, self.column).astype("float64")
        if self.how == "value":
            if len(values) != 1:
                raise FalseClaim(f"“{self.said}”: {len(values)} rows are meant by {self.rows or 'no rule'}, expected one")
            return values.iloc[0]
        if self.how in ("sum", "mean", "median"):
            return values.agg(self.how, skipna=False) if self.how != "median" else values.median()
        if self.how == "share":
            if self.over:
                return values.sum() / chosen[self.over].sum()
            whole = shown.query(self.whole, engine="python") if self.whole else shown
            return values.sum() / whole[self.column].sum()
        first, last = values.iloc[0], values.iloc[-1]
        if self.how == "ratio":
            return last / first
        return {"first": first, "last": last, "difference": last - first}[self.how]

    def _extreme(self, chosen: pd.DataFrame) -> None:
        by = _worked(chosen, self.by).dropna()
        edge = by.max() if self.how == "largest" else by.min()
        names = set(chosen.loc[by.index[by == edge], self.column].astype(str))
        if self.said not in names:
            raise FalseClaim(f"“{self.said}” has not the {self.how} {self.by} of the rows shown")

    def _agree(self, found: float) -> None:
        number, step = spoken(self.said)
        # The words may round half up or half even, and say a fall without its sign.
        agrees = min(abs(found - number), abs(abs(found) - abs(number))) <= step / 2 * 1.0001 + 1e-9
        if edge := re.search(r"[<>](?=\$?\d)", self.said):  # "<1 %" rounds to nothing without being nothing
            agrees = found < number if edge[0] == "<" else found > number
        if pd.isna(found) or not agrees:
            where = f" ({self.how} of {self.column or 'rows'} where {self.rows})" if self.rows else ""
            raise FalseClaim(f"the words say “{self.said}”, the rows shown say otherwise{where}")


def _worked(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column, or what arithmetic over columns gives."""
    return rows[column] if column in rows else rows.eval(column, engine="python")


def spoken(text: str) -> tuple[float, float]:
    """The number that words say, and the step that they are rounded to: "59.6 %" is 0.596 to 0.001, "two" is 2 to 1.

    Raises
    ------
    ValueError
        The words hold no number.
    """
    if found := _NUMBER.search(text):
        scale = _SCALE.get(found[3] or "", 1.0)
        size = float(found[1].replace(",", "") + (found[2] or ""))
        sign = -1.0 if found[0][0] in "−-" else 1.0
        return sign * size * scale, scale * 10.0 ** -len((found[2] or ".")[1:])
    for value, name in enumerate(words.SMALL_COUNTS):
        if re.search(rf"\b{name}\b", text, re.IGNORECASE):
            return float(value), 1.0
    raise ValueError(f"no number in “{text}”")


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A figure or a table: what it shows, what is said of it, and where it is from.

    Parameters
    ----------
    key
        Its name within the page, in lower case with hyphens; it never changes, for other pages link to it.
    shown
        The protected frame (`Report.protect`): drawn, tabulated and downloaded as it is.
    title
        The finding of a figure, the caption of a table.
    subtitle
        Of a figure: measure, population, place, period.
    sources
        Names of the cataloged tables behind it.
    note
        The caveat under it.
    claims
        The numbers that the words say, each checked against `shown`.
    room
        Whose headings of labels.yml its columns get.
    labels
        Headings of this exhibit alone, because they hold a year or a name.
    emphasize
        Of a table: rows to emphasize, a mask or the label in the first column.
    most
        Of a table: rows shown before the rest is folded away.
    inapplicable
        Columns in which a missing value is one that the row cannot have.
    alt
        Alternative text of a figure, where title and subtitle do not serve.
    names
        Texts of the title that hold a digit and are no number of anything: the name of a place, a standard, a day, a scale.

    Raises
    ------
    DisclosureError
        The frame did not pass `Report.protect`.
    FalseClaim
        A claim is not borne by the rows shown, is not in the words, or a number of the title is covered by no claim.
    """

    key: str
    shown: pd.DataFrame
    title: str
    subtitle: str = ""
    sources: Sequence[str] = ()
    note: str = ""
    claims: Sequence[Claim] = ()
    room: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    emphasize: pd.Series | str | None = None
    most: int = 12
    inapplicable: Sequence[str] = ()
    alt: str = ""
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"an exhibit's key is lower case with hyphens, such as keepage-by-specialty, not {self.key!r}")
        if not self.shown.attrs.get(PASSED):
            raise DisclosureError(f"exhibit {self.key}: its frame did not pass report.protect")
        for claim in self.claims:
            if claim.said not in f"{self.title}\n{self.subtitle}\n{self.note}":
                raise FalseClaim(f"exhibit {self.key}: nothing says “{claim.said}”")
            try:
                claim.check(self.shown)
            except FalseClaim as error:
                raise FalseClaim(f"exhibit {self.key}: {error}") from None
        if loose := self._unclaimed():
            raise FalseClaim(f"exhibit {self.key}: no claim says where {', '.join(loose)} of its title comes from")

    @property
    def headings(self) -> dict[str, str]:
        """Heading of each column by its name."""
        return (units.headings(self.room) if self.room else {}) | dict(self.labels)

    def record(self) -> dict:
        """Key and claims as plain data, for the page's record and for whoever checks it."""
        plain = [asdict(claim) | {"value": None if claim.value is None else float(claim.value)} for claim in self.claims]
        return {"key": self.key, "claims": plain}

    def _unclaimed(self) -> list[str]:
        """Numbers of the title that neither a claim nor a name in the frame holds; years are read as years."""
        title = self.title
        covered = sorted({claim.said for claim in self.claims} | self._names(), key=len, reverse=True)
        for text in covered:
            # The 20 of "20 cases" is not the 20 of 2030.
            title = re.sub(rf"(?<![\d.,]){re.escape(text)}(?!\d)", " ", title, flags=re.IGNORECASE)
        return [found[0] for found in _NUMBER.finditer(title) if not _is_year(found)]

    def _names(self) -> set[str]:
        texts = self.shown.select_dtypes(exclude="number")
        named = {str(value) for column in texts for value in texts[column].dropna().unique()} | {*self.labels.values(), *self.names}
        return {name for name in named if re.search(r"\d", name)}


def _is_year(found: re.Match[str]) -> bool:
    return not found[2] and not found[3] and len(found[1]) == 4 and 1900 <= int(found[1]) <= 2200
