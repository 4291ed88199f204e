"""What the page server imports once, before pages are forked from it.

The server is the standard library's fork server with this module as its only preload. `CATCHMENT_PRELOAD` names the
modules that the notebooks import; a module that cannot be imported is left to the page that needs it, which then fails
with the real message.
"""

import atexit
import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

# What every page uses; the last ones are loaded by IPython when a shell starts.
USED_BY_ALL = (
    "papermill", "nbconvert", "matplotlib_inline.backend_inline", "catchment.run.build.engine", "catchment.page.document",
    "IPython.core.completerlib", "IPython.core.magics", "IPython.core.crashhandler", "IPython.core.logger",
)  # fmt: skip
# nbformat validates with jsonschema, which compiles a URI grammar (rfc3987_syntax, 2 s) that no notebook needs.
SLOW_AND_UNUSED = ("rfc3987_syntax",)


@contextlib.contextmanager
def without_slow_imports() -> Iterator[None]:
    """Let optional imports of `SLOW_AND_UNUSED` fail while the block imports."""
    hidden = [name for name in SLOW_AND_UNUSED if name not in sys.modules]
    for name in hidden:
        cast(dict[str, Any], sys.modules)[name] = None  # Python's own mark of a module that cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def preload(names: Iterable[str]) -> None:
    # Settings first: pydantic looks for their docstrings through every module that is loaded by then (0.3 s alone, 4 s at the end).
    for name in ("catchment.params", *USED_BY_ALL, *names):
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def rehearse() -> None:
    """Do once what every page would do first: load what libraries load at their first use, fill their caches.

    Nothing here opens a connection or starts a thread, and nothing is left that a page could see.
    """
    import nbformat
    from matplotlib.backends import backend_registry
    from matplotlib.figure import Figure

    from catchment.page import document

    blank = nbformat.v4.new_notebook(metadata={"catchment": {"title": ""}})
    document.html(blank, document.Facts(title="", partner="", program="", through="", produced="", code=""))
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], label="0")
    axes.set(title="0", xlabel="0", ylabel="0")
    axes.legend(title="0")
    for form in ("svg", "png"):
        figure.savefig(io.BytesIO(), format=form, bbox_inches="tight")
    backend_registry.list_all()  # reads the entry points of all packages
    if "geopandas" in sys.modules:
        importlib.import_module("pyogrio")  # loaded by geopandas when it reads its first file
    if "pandera" in sys.modules:
        ask_nothing()
    if "CATCHMENT_ROOT" in os.environ:
        read_project(Path(os.environ["CATCHMENT_ROOT"]))


def ask_nothing() -> None:
    """Compile a query without a database, and check a contract: pandera would load a test library at the first one of each page."""
    import ibis
    import pandas as pd
    import pandera.pandas as pa

    table = ibis.table({"a": "int64", "b": "string"}, name="t")
    ibis.to_sql(table.filter(table.b.isin(["x"])).select("a"), dialect="duckdb")
    ibis.util.backend_entry_points()  # reads the entry points of all packages
    for name in ("ibis.formats.pandas", "ibis.backends.duckdb.converter"):
        importlib.import_module(name)
    schema = pa.DataFrameSchema({"a": pa.Column(checks=pa.Check(lambda values: values >= 0), nullable=True)}, unique=["a"])
    schema.validate(pd.DataFrame({"a": [0]}), lazy=True)


def read_project(root: Path) -> None:
    """Read what is kept until its file changes: the catalog, the walls round partners, the portfolio's settings."""
    from catchment import params
    from catchment.data import catalog, isolation

    catalog.tables(root)
    isolation.walls(root)
    for partner in params.partners(root=root)[:1]:
        params.load(partner, root=root)


if "CATCHMENT_PRELOAD" in os.environ:
    gc.disable()  # nothing of what is imported becomes garbage
    with without_slow_imports():
        names = list(filter(None, os.environ.pop("CATCHMENT_PRELOAD").split(",")))
        preload(names)
    with contextlib.suppress(Exception):  # what is wrong with the library or the catalog is told by the pages
        rehearse()
    # The collector would otherwise touch, and so copy, every shared object in each page's process.
    gc.collect()
    gc.freeze()
    gc.enable()
    # The server has nothing to save, and extension modules would write reports about their teardown to the terminal.
    atexit.register(os._exit, 0)
