"""Markdown of notebooks and method notes as HTML: escaped, headings with ids that the contents can point at."""

import re
from typing import Any

import mistune

from . import marks


class _Renderer(mistune.HTMLRenderer):
    def heading(self, text: str, level: int, **_attributes: Any) -> str:
        return f'<h{level} id="{slug(text)}">{text}</h{level}>\n'


_page = mistune.create_markdown(renderer=_Renderer(escape=True), plugins=["table"])


def html(text: str) -> str:
    """Block markdown; raw HTML in it is shown as text."""
    return str(_page(text))


def inline(text: str) -> str:
    """One computed sentence: `**bold**` is the only markup, everything else is escaped."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", marks.marked(text))


def slug(text: str) -> str:
    """An id from a heading."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]+>|&\w+;", " ", text).lower()).strip("-") or "section"
