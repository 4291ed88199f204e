"""What the pages around the reports share: style, templates, and how a date, an age or a size reads."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = "template"
WORDS = {"pdf": "PDF", "pptx": "Slides"}


def render(name: str, **facts: Any) -> str:
    """A page from its template."""
    return _environment().get_template(name).render(tokens=_tokens(), **facts)


@cache
def _tokens() -> dict[str, str]:
    from catchment.page import theme

    return {name: theme.variables(getattr(theme, name.upper())) for name in ("light", "dark", "print")}


@cache
def _environment() -> "Environment":
    import jinja2
    from markupsafe import Markup

    from catchment.page import markdown, marks

    read = files("catchment.run.site").joinpath(FOLDER)
    loader = jinja2.FunctionLoader(lambda name: read.joinpath(name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "day": day,
        "size": size,
        "word": WORDS.get,
        "glued": lambda text: Markup(marks.escape(text)),  # a number stays with its unit at the end of a line
        "sentence": lambda text: Markup(markdown.inline(text)),
        "css_text": lambda text: Markup(css_text(text)),
    }
    return environment


def css_text(text: str) -> str:
    """Text as a string in a style sheet: nothing in it can end the string, nor the sheet."""
    return '"' + "".join(letter if letter.isalnum() or letter == " " else f"\\{ord(letter):x} " for letter in text) + '"'


def day(stamp: str) -> str:
    """The date of a time stamp."""
    return stamp[:10]


def age_days(stamp: str, now: str) -> int:
    """Whole days from one time stamp to another."""
    return max(0, (datetime.fromisoformat(now) - datetime.fromisoformat(stamp)).days)


def size(count: int) -> str:
    """Bytes as a reader of links wants them."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
