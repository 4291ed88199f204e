"""From an executed notebook to one self-contained page: nbconvert with a template of our own, no script, no request.

The blocks of a page say what they are in a small record beside their HTML; banner, contents and the summary for the index
and the brief are read from those records, never from the text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode

from catchment.params import Settings

from . import lab, markdown, theme
from .blocks import MIME, ends_page

TEMPLATE = Path(__file__).parent / "template"
_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)</h2>', re.S)
_TITLE = re.compile(r"\A\s*<h1[^>]*>.*?</h1>\s*", re.S)


@dataclass(frozen=True)
class Facts:
    """What stands at the head and foot of a page; `produced` is the only part that differs between two equal runs."""

    title: str
    partner: str
    program: str
    through: str
    produced: str
    code: str
    parameters: tuple[tuple[str, str], ...] = ()
    home: str = "../index.html"
    others: tuple[tuple[str, str], ...] = ()


def render(notebook: NotebookNode, *, settings: Settings, produced: str, version: str, others: tuple[tuple[str, str], ...] = ()) -> str:
    """The page of an executed notebook for one partner.

    `produced` is an ISO time in UTC and `version` the code's version; `others` are (title, address) of the partner's other pages.
    """
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    return html(
        notebook,
        Facts(
            title=notebook.metadata["catchment"]["title"], partner=f"{settings.name}, {settings.place}", program=settings.program,
            through=str(settings.as_of), produced=produced, code=version, others=others,
            parameters=tuple((name, json.dumps(value, default=str)) for name, value in sorted(parameters.items())),
        ),
    )  # fmt: skip


def html(notebook: NotebookNode, facts: Facts) -> str:
    """The page as HTML; equal notebooks and facts give equal bytes."""
    body, _ = _exporter().from_notebook_node(notebook, resources={"page": _resources(notebook, facts)})
    return lab.bare(body)


def summary(notebook: NotebookNode) -> dict[str, Any]:
    """What the page said of itself: takeaways, findings, kpis, numbers, data and its vintages, for the index and the brief."""
    names = ("takeaways", "findings", "kpis", "numbers", "simulated", "stale", "behind", "vintages")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for record in records(notebook):
        found["takeaways"] += record.get("texts", []) if record["kind"] == "takeaways" else []
        found["findings"] += record.get("findings", [])
        found["kpis"] += record.get("kpis", [])
        found["vintages"] += record.get("vintages", [])
        found["numbers"] += record.get("numbers", [])
        for key in ("simulated", "stale", "behind"):
            found[key] += [name for name in record.get(key, []) if name not in found[key]]
    found["findings"] = [_placed(notebook, finding) for finding in found["findings"]]
    if not found["takeaways"]:  # a page that ends early says why
        found["takeaways"] = [text for record in records(notebook) if record["kind"] == "notice" for text in record["texts"]][:1]
    return found


def _placed(notebook: NotebookNode, finding: dict[str, Any]) -> dict[str, Any]:
    """A finding with the number of the figure that it links to.

    Raises
    ------
    ValueError
        The page is shown to its end and has no such exhibit.
    """
    places = {record["id"]: record.get("number") for record in records(notebook) if "id" in record}
    key = finding["exhibit"]
    if key and key not in places:
        if not any(ends_page(cell.get("outputs", [])) for cell in notebook.cells):
            raise ValueError(f"a finding links to exhibit {key!r}, which the page does not show (it shows {', '.join(places) or 'none'})")
        key = ""
    return finding | {"exhibit": key, "figure": places.get(key)}


def published(notebook: NotebookNode) -> list[dict[str, Any]]:
    """The counts of people that the page's exhibits show or hide, as a reader sees them."""
    return [record["cells"] for record in records(notebook) if "cells" in record]


def records(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    """The record of every block shown, in the page's order."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output["data"][MIME]


def _resources(notebook: NotebookNode, facts: Facts) -> dict[str, Any]:
    told = summary(notebook)
    texts = [_markdown(cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]
    return {
        "title": facts.title, "partner": facts.partner, "program": facts.program, "home": facts.home, "others": facts.others,
        "facts": (("Partner", facts.partner), ("Data through", facts.through)), "produced": facts.produced,
        "contents": [found for text in texts for found in _HEADING.findall(text)], "banners": _banners(told), "markdown": _markdown,
        "style": style(), "sheets": notebook.metadata.get("catchment", {}).get("sheets", ""), "parameters": facts.parameters,
        "closing": f"Counts of patients from 1 to 10 are not shown. Code {facts.code}.",
    }  # fmt: skip


def _banners(told: dict[str, Any]) -> list[str]:
    lines = []
    if told["simulated"]:
        lines.append(f"Simulated data. Invented for this demonstration, not observed: {'; '.join(told['simulated'])}.")
    if told["stale"]:
        lines.append(f"Older data. Published longer ago than this partner's limit: {'; '.join(told['stale'])}.")
    if told["behind"]:
        lines.append(f"Data that end early: what is not in yet is missing, not zero. {'; '.join(told['behind'])}.")
    return lines


def _markdown(text: str) -> str:
    """A prose cell; the notebook's own `# Title` is left out, for the page's head has it."""
    return _TITLE.sub("", markdown.html(text))


@cache
def style() -> str:
    """The page's style sheet: tokens for light, dark and print, then the rules."""
    light, dark = theme.variables(theme.LIGHT), theme.variables(theme.DARK)
    tokens = f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    rules = (TEMPLATE / "page.css").read_text(encoding="utf-8")
    return f"{tokens}\n{rules}@media print{{:root{{color-scheme:light;{theme.variables(theme.PRINT)}}}}}"


class _Exporter(HTMLExporter):
    """nbconvert's exporter without its last step, which parses and writes the whole page again to give images alternative texts.

    Our exhibits carry their texts already, and that step takes ten times as long as the rest.
    """

    def from_notebook_node(self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any) -> Any:
        return TemplateExporter.from_notebook_node(self, nb, self._init_resources(resources), **kw)


@cache
def _exporter() -> HTMLExporter:
    """One exporter for all pages: compiling the template costs more than rendering with it."""
    return _Exporter(template_name="page", extra_template_basedirs=[str(TEMPLATE)], exclude_input=False)
