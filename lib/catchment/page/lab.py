"""What makes a block look right in a notebook, where the page's style sheet is absent; the renderer takes it out again.

A block stands in an element that MathJax leaves alone: a front end that typesets `$…$` in HTML would otherwise read the dollars of
"$660 K is in, 51 % of goal, forecast $1.25 M" as a formula.
"""

_MUTED, _LINE = "color:var(--jp-ui-font-color2,#56626e)", "1px solid var(--jp-border-color1,#d5dbe1)"
STYLE = (
    "<style>"
    f".kpis{{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}}.kpis .kpi{{border:{_LINE};padding:8px 14px;min-width:9em}}"
    f".kpis dt{{{_MUTED}}}"
    ".kpis dd{margin:0}.kpis b{display:block;font-size:1.7em}.kpis span{display:block;font-size:.85em}"
    "figure:has(>.plot){max-width:46rem;margin:8px 0}figcaption strong{display:block;font-size:1.15em}"
    # Drawings are made for paper: on a dark theme they keep it.
    f"figcaption span{{{_MUTED}}}figure>.plot{{background:#fff;color-scheme:light}}"
    ".tw{overflow-x:auto;max-width:46rem}.tw .us th,.tw .us td{font-weight:600}"
    f".note{{{_MUTED};font-size:.85em;margin:.3em 0}}.notice{{border-left:4px solid var(--jp-brand-color1,#12436d);padding:6px 12px}}"
    "</style>"
)
OPEN, CLOSE = '<div class="catchment-block tex2jax_ignore mathjax_ignore">', "</div><!-- catchment-block -->"


def framed(html: str) -> str:
    """A block's HTML as a front end shows it."""
    return f"{STYLE}{OPEN}{html}{CLOSE}"


def bare(page: str) -> str:
    """A page without the frames of its blocks."""
    return page.replace(STYLE + OPEN, "").replace(CLOSE, "")
