"""From analysis to page: theme, plots, maps, blocks and the page template."""

from importlib import import_module
from typing import Any

_HOME = {
    "Block": "blocks",
    "Claim": "exhibit",
    "DisclosureError": "report",
    "Exhibit": "exhibit",
    "FalseClaim": "exhibit",
    "Finding": "blocks",
    "Kpi": "blocks",
    "Measure": "blocks",
    "Report": "report",
    "Plot": "canvas",
    "render": "document",
    "needed": "others",
}
_MODULES = ("document", "maps", "plots", "theme")
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name: str) -> Any:
    # matplotlib and geopandas take two seconds to load: the runner, which needs the colors for its index, does not wait for them.
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
