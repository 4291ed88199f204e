"""Marks for what a value is not: letters in brackets, because stars and daggers are hard to see and worse to hear.

They follow the UK Analysis Function's shorthand. A cell is never blank, "nan", 0 or a dash.
"""

import html
import re

MEANING = {
    "c": "confidential: few people, or a value that would reveal how few",
    "u": "low reliability",
    "x": "not available",
    "z": "not applicable",
    "p": "provisional",
    "r": "revised",
    "e": "estimated",
    "f": "forecast",
}
_MARK = re.compile(r"\[([cuxzpref])\]")
_SIGN_GAP = re.compile(r"−(?=\$)")
_UNIT_GAP = re.compile(r"(?<=\d) (?=%|points?\b|[MKB]\b|km\b|minutes?\b|miles?\b|per 100)|(?<=\$) (?=[MKB]\b)")


def escape(value: object) -> str:
    """Text for HTML: escaped, with a number kept on one line with its sign and unit."""
    return _SIGN_GAP.sub("−\u2060", _UNIT_GAP.sub("\u00a0", html.escape(str(value), quote=True)))


def marked(text: str) -> str:
    """Escaped text in which each mark carries its meaning for hover and screen readers."""
    return _MARK.sub(lambda found: f'<abbr title="{MEANING[found[1]]}">[{found[1]}]</abbr>', escape(text))


def legend(*texts: str) -> str:
    """The line that explains the marks used in `texts`, or nothing."""
    used = dict.fromkeys(letter for letter in MEANING if any(f"[{letter}]" in text for text in texts))
    return " · ".join(f"[{letter}] {MEANING[letter]}" for letter in used)
