"""Tables: the catalog, their contracts, and reading them for one partner.

`data.Tables(settings).read("hospital_flows", year=2023)` returns the partner's rows, checked, or raises one clear `DataError`.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Column": "catalog",
    "Counties": "counties",
    "Table": "catalog",
    "entry_digest": "catalog",
    "DataError": "problem",
    "Problem": "problem",
    "Origin": "origin",
    "Tables": "load",
    "reread": "load",
    "between": "scan",
    "check": "checks",
    "confine": "isolation",
    "journal": "reads",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Loading DuckDB, Ibis and pandas takes two seconds: a run that finds nothing changed asks the catalog only.
    if name == "catalog":
        return import_module(".catalog", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
