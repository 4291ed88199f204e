"""The few rules that make a block look right in JupyterLab, where the page's style sheet is absent; the renderer takes them out."""

STYLE = (
    "<style>"
    ".kpis{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}.kpis .kpi{border:1px solid #d5dbe1;padding:8px 14px;min-width:9em}"
    ".kpis dt{color:#56626e}"
    ".kpis dd{margin:0}.kpis b{display:block;font-size:1.7em}.kpis span{display:block;font-size:.85em}"
    "figure:has(>.plot){max-width:46rem;margin:8px 0}figcaption strong{display:block;font-size:1.15em}figcaption span{color:#56626e}"
    ".tw{overflow-x:auto;max-width:46rem}.tw .us th,.tw .us td{font-weight:600}"
    ".note{color:#56626e;font-size:.85em;margin:.3em 0}.notice{border-left:4px solid #12436d;padding:6px 12px}"
    "</style>"
)
