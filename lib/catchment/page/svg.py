"""A matplotlib figure as small, clean, inline SVG: text as text, theme colors by name, hover titles, ids unique on the page."""

import html
import io
import re
import warnings

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from . import theme

HALO = "halo"  # gid of a text that lies over areas of any color
_DROPPED = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", re.S)
_TAG = re.compile(r"(<[^>]+>)")
_GROUP_ID = re.compile(r' id="([A-Za-z0-9.]+_\d+)"')
_TIP = re.compile(r'<g id="(tip-\d+)">')
_LONG = re.compile(r"-?\d+\.\d{2,}")
_FONT = re.compile(r"font-family: [^;\"]*;? ?")
_FLAT = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
_FILL = re.compile(r'fill="(#[0-9a-f]{6})"')
_COLOR = re.compile(r"(?<=: )#[0-9a-f]{6}")
_HASHED = re.compile(r'(?<=id=")[a-z][0-9a-f]{10}(?=")')
_VIEW = re.compile(r'viewBox="([^"]+)"')
_SPACE = re.compile(r"\s+")
_OUTLINED = f'<g style="paint-order: stroke; stroke: var(--paper,{theme.PAPER}); stroke-width: 3px; stroke-linejoin: round">'


def render(figure: Figure, label: str, *, tips: dict[str, str] | None = None, prefix: str = "f") -> str:
    """Inline `<svg role="img">` for one figure.

    Parameters
    ----------
    label
        The finding, read by a screen reader in place of the drawing.
    tips
        Hover text by artist gid ("tip-1", …), escaped here.
    prefix
        Makes clip-path and marker ids unique between the figures of a page.
    """
    buffer = io.StringIO()
    for text in figure.findobj(mpl.text.Text):
        text.set_parse_math(False)  # "$100 to $499" is money, not a formula
    with mpl.rc_context(theme.DRAWING), warnings.catch_warnings():
        # Text stays text: a reader's browser has the letters that the measuring font lacks.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return clean(buffer.getvalue(), label, tips=tips or {}, prefix=prefix)


def clean(raw: str, label: str, *, tips: dict[str, str], prefix: str) -> str:
    """The drawing without prolog, fonts, empty groups and automatic ids; about two thirds of matplotlib's own output."""
    pieces: list[str] = []
    kept: list[bool] = []
    for piece in _TAG.split(_DROPPED.sub("", raw[raw.index("<svg") :])):
        if not piece.startswith("<"):
            pieces.append(piece if piece.strip() else "")
        elif piece == "</g>":
            pieces.append("</g>" if kept.pop() else "")
        else:
            tag = _tag(piece, label, tips)
            if piece.startswith("<g") and not piece.endswith("/>"):
                kept.append(tag != "<g>")
            pieces.append("" if tag == "<g>" else tag)
    text = "".join(pieces)
    for i, long_id in enumerate(dict.fromkeys(_HASHED.findall(text))):
        text = text.replace(long_id, f"{prefix}-{i}")
    return text


def _tag(tag: str, label: str, tips: dict[str, str]) -> str:
    if tag.startswith("<svg"):
        return f'<svg viewBox="{_VIEW.findall(tag)[0]}" role="img" aria-label="{html.escape(label)}">'
    if tip := _TIP.fullmatch(tag):
        return f'<g class="mark"><title>{html.escape(tips[tip[1]])}</title>'
    if tag == f'<g id="{HALO}">':
        return _OUTLINED
    tag = _FLAT.sub("", _FONT.sub("", _GROUP_ID.sub("", _SPACE.sub(" ", tag))))
    tag = _LONG.sub(_shorter, tag).replace("xlink:href", "href")
    return _COLOR.sub(_named, _FILL.sub(r'style="fill: \1"', tag))


def _shorter(found: re.Match) -> str:
    text = f"{float(found[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _named(found: re.Match) -> str:
    name = theme.NAMES.get(found[0])
    return f"var(--{name},{found[0]})" if name else found[0]
