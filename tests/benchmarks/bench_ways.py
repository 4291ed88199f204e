"""The ways that `bench_run.py` compares, each run as a process of its own: NAME PAGES(JSON) FOLDER."""

import ast
import json
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import papermill


def source(notebook):
    return Path(os.environ["CATCHMENT_ROOT"], "notebooks", f"{notebook}.ipynb")


def to_html(executed, path):
    from nbconvert import HTMLExporter

    global EXPORTER
    EXPORTER = globals().get("EXPORTER") or HTMLExporter(exclude_input=True)
    Path(path).write_text(EXPORTER.from_notebook_node(executed)[0])


def papermill_page(partner, notebook, folder):
    out = f"{folder}/{partner}-{notebook}"
    to_html(
        papermill.execute_notebook(source(notebook), f"{out}.ipynb", parameters={"partner": partner}, progress_bar=False), f"{out}.html"
    )


def ploomber_page(partner, notebook, folder):
    from ploomber_engine import execute_notebook

    out = f"{folder}/{partner}-{notebook}"
    to_html(execute_notebook(source(notebook), f"{out}.ipynb", parameters={"partner": partner}, progress_bar=False), f"{out}.html")


def in_pool(name, pages, folder):
    import bench_ways  # by its own name: ploomber-engine puts something else in the place of __main__, and the pool would not find it there

    with ProcessPoolExecutor(2) as pool:
        list(pool.map(getattr(bench_ways, name), *zip(*pages, strict=True), [folder] * len(pages)))
    return {}


def bound(pages, folder):
    """Cells executed and rendered in one process; the time of its imports is not counted."""
    import matplotlib
    import nbformat

    matplotlib.use("agg")
    from catchment import page, params
    from catchment.run import plan

    for notebook in dict.fromkeys(notebook for _, notebook in pages):
        found = nbformat.read(source(notebook), as_version=4)
        for name in plan.source_imports([{"cell_type": cell.cell_type, "source": cell.source} for cell in found.cells]):
            try:
                __import__(name)
            except ImportError:
                continue  # the name of an attribute
    page.render  # noqa: B018 - loads the template's machinery
    begun, cpu = time.perf_counter(), time.process_time()
    for partner, notebook in pages:
        executed = nbformat.read(source(notebook), as_version=4)
        run_cells(executed, partner)
        html = page.render(executed, settings=params.load(partner), produced="2026-01-01T00:00:00Z", version="bench")
        Path(folder, f"{partner}-{notebook}.html").write_text(html)
    return {"wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu}


def run_cells(executed, partner):
    from matplotlib import pyplot as plt

    names, shown = {"__name__": "__main__"}, []
    plt.show = lambda: shown.extend(drawn(plt))
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        names["partner"] = partner
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
        cell.outputs, shown = [*shown, *result(value)], []
        plt.show = lambda shown=shown: shown.extend(drawn(plt))
        if any(output.metadata.get("catchment", {}).get("end") for output in cell.outputs):
            executed.cells = executed.cells[: executed.cells.index(cell) + 1]
            return


def result(value):
    """What a cell's last value shows."""
    from nbformat.v4 import new_output

    if hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    elif value is not None:
        html = value._repr_html_() if hasattr(value, "_repr_html_") else None
        data, metadata = {"text/plain": repr(value)} | ({"text/html": html} if html else {}), {}
    else:
        return []
    return [new_output("execute_result", data=data, metadata=metadata, execution_count=1)]


def drawn(plt):
    """The open figures as a notebook shows them."""
    from base64 import b64encode
    from io import BytesIO

    from nbformat.v4 import new_output

    for number in plt.get_fignums():
        content = BytesIO()
        plt.figure(number).savefig(content, format="png", bbox_inches="tight")
        yield new_output("display_data", data={"image/png": b64encode(content.getvalue()).decode()})
    plt.close("all")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    name, given, folder = sys.argv[1:]
    pages = json.loads(given)
    os.chdir(Path(os.environ["CATCHMENT_ROOT"], "notebooks"))
    ways = {
        "papermill": lambda: in_pool("papermill_page", pages, folder),
        "ploomber": lambda: in_pool("ploomber_page", pages, folder),
        "bound": lambda: bound(pages, folder),
    }
    print(json.dumps(ways[name]()))
