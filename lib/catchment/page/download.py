"""The data behind an exhibit as CSV, in a link that carries its own file: no script, no second file, no request.

A cell holds what the table shows, with the same rounding and the same marks, so a download tells nothing more. Texts that a
spreadsheet would take for a formula get a leading apostrophe; numbers, negative ones too, stay numbers.
"""

import csv
import io
import re
from urllib.parse import quote

from catchment import units

from . import marks, tables

_FORMULA = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?( ?%)?")
_NAME = re.compile(r"[^a-z0-9]+")


def link(shown: tables.Written, caption: str, what: str, *, labels: dict[str, str] | None = None) -> str:
    """`<a download>` with the frame as it is shown; `what` names the exhibit for a screen reader."""
    href = "data:text/csv;charset=utf-8," + quote("\ufeff" + text(shown, labels=labels), safe=",:()$[]")
    name = _NAME.sub("-", caption.lower()).strip("-")[:60] or "table"
    return f'<p class="download"><a download="{name}.csv" href="{href}">{marks.escape(what)} as CSV</a></p>'


def text(shown: tables.Written, *, labels: dict[str, str] | None = None) -> str:
    """The frame as CSV (RFC 4180): headings with their unit, values as written in the table, [c] hidden, [x] not available."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([safe(units.heading(str(column), labels, fmt)) for column, fmt in shown.styles.items()])
    rows.writerows(zip(*(_cells(shown, column) for column in shown.styles), strict=True))
    return out.getvalue()


def safe(value: str) -> str:
    """A text that no spreadsheet runs: what looks like the start of a formula gets an apostrophe in front."""
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def _cells(shown: tables.Written, column: str) -> list[str]:
    fmt, texts = shown.styles[column], shown.texts[column]
    if fmt.kind == "text":
        return [safe(value) for value in texts]
    return [
        cell if cell.startswith("[") else f"{value * fmt.scale:.{fmt.digits}f}"
        for cell, value in zip(texts, shown.frame[column], strict=True)
    ]
