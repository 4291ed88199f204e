"""From analysis to page: theme, plots, maps, blocks and the page template."""

from . import maps, plots
from .blocks import Block, DisclosureError, Finding, Kpi, Report
from .canvas import Plot

__all__ = ["Block", "DisclosureError", "Finding", "Kpi", "Plot", "Report", "maps", "plots"]
