"""From analysis to page: theme, plots, maps, blocks and the page template."""

from . import maps, plots
from .blocks import Block, DisclosureError, Finding, Kpi, Report
from .canvas import Plot
from .page import render

__all__ = ["Block", "DisclosureError", "Finding", "Kpi", "Plot", "Report", "maps", "plots", "render"]
