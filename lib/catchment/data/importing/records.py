"""Lines to records: what is between quotation marks may go over several lines, and a mark that is never closed spoils one row only.

A stray quotation mark would otherwise take all lines up to the next one into one cell. A record over several lines is believed when
it has the header's width and no line within it is a record of its own; else its first line is set aside as `Torn`, and reading goes
on at the next.
"""

import csv
from collections import deque
from collections.abc import Iterator

from .containers import ImportRefused

LONGEST_FIELD = 1_000_000
MOST_LINES = 1_000
MOST_COLUMNS = 3_000
_CUT = "the file ends inside quotation marks; it is cut off or a quotation mark is missing"
_LONG = f"a field of more than {MOST_LINES:,} lines or {LONGEST_FIELD:,} characters (a quotation mark that is never closed?)"


class Torn(list[str]):
    """A line that is no record, as its only cell, and why."""

    def __init__(self, line: str, why: str):
        super().__init__([line.rstrip("\r\n")])
        self.why = why


def records(content: Iterator[str], delimiter: str, name: str, *, first: int = 0, width: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line on which each ends; `first` lines were read before, `width` is the header's.

    Raises
    ------
    ImportRefused
        A record has very many columns.
    """
    before = csv.field_size_limit(LONGEST_FIELD)
    feed = _Feed(content, delimiter, first, width)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    try:
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield feed.number, Torn(feed.text, str(error).replace("delimiter expected", "the end of the cell expected"))
                continue
            if len(record) > MOST_COLUMNS:
                raise ImportRefused(f"{name}, line {feed.number}: {len(record):,} columns; is this the right file?")
            yield feed.number, record
    finally:
        csv.field_size_limit(before)


class _Feed:
    """One record's text at a time, for the csv module; raises its error for a line with a mark that is never closed."""

    def __init__(self, content: Iterator[str], delimiter: str, number: int, width: int):
        self._content, self._delimiter, self._width = content, delimiter, width
        self._again: deque[str] = deque()
        self.number, self.text = number, ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text = self._line()
        self.number += 1
        if line.count('"') % 2 == 0:
            return line
        lines, why = self._closed(line)
        if not why:
            self.number += len(lines) - 1
            self.text = "".join(lines)
            return self.text
        self._again.extendleft(reversed(lines[1:]))
        raise csv.Error(why)

    def _line(self) -> str:
        return self._again.popleft() if self._again else next(self._content)

    def _closed(self, line: str) -> tuple[list[str], str]:
        """The lines up to the one that closes the quotation, and what speaks against their being one record."""
        lines, length, odd = [line], len(line), True
        while odd:
            following = self._line() if self._again else next(self._content, None)
            if following is None:
                return lines, _CUT
            lines.append(following)
            length += len(following)
            odd ^= following.count('"') % 2 == 1
            if odd and (len(lines) > MOST_LINES or length > LONGEST_FIELD):
                return lines, _LONG
        return lines, "" if self._one(lines) else "a quotation mark that is not closed where its cell ends"

    def _one(self, lines: list[str]) -> bool:
        """Whether the lines are one record and not several with a stray mark in two of them."""
        try:
            (record,) = csv.reader(["".join(lines)], delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            return False
        if not self._width:
            return True
        full = [line.count(self._delimiter) == self._width - 1 for line in lines]
        return len(record) == self._width and (self._width < 3 or not (any(full[1:-1]) or (full[0] and full[-1])))
