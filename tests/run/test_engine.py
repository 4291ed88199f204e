"""The in-process engine against an ordinary kernel, cell by cell, and what only the engine promises."""

import json
import os
import re
import subprocess
import sys

import nbclient
import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError

# Each cell is executed by both; what they show has to be the same.
CELLS = {
    "result": "1 + 1",
    "silenced result": "1 + 1;",
    "last results": "[_, __, Out[max(Out)]]",
    "print": "print('a'); print('b', end=''); import sys; sys.stderr.write('oops\\n'); print('c')",
    "display": "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'), metadata={'text/html': {'isolated': True}}); 'after'",
    "own mimetype": "class Block:\n    def _repr_mimebundle_(self, **kwargs):\n        return {'text/html': '<i>h</i>', 'text/plain': 'h'}, {'catchment': {'kpis': [1]}}\nBlock()",
    "frame": "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "plot": "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(2, 1)); ax.plot([1, 2, 3]); ax.set_title('t')",
    "two plots": "plt.figure(figsize=(1, 1)); plt.plot([1]); plt.figure(figsize=(1, 1)); plt.plot([2]); None",
    "plot shown early": "plt.figure(figsize=(1, 1)); plt.plot([1]); plt.show(); print('after')",
    "svg plot": "%config InlineBackend.figure_formats = ['svg']\nimport matplotlib, os; matplotlib.rcParams['svg.hashsalt'] = 'x'; os.environ['SOURCE_DATE_EPOCH'] = '0'",
    "svg plot drawn": "plt.figure(figsize=(1, 1)); plt.plot([1]); None",
    "display id": "handle = display('old', display_id='one')",
    "update": "handle.update('new')",
    "clear": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('stays')",
    "clear and wait": "print('gone'); clear_output(wait=True); print('stays')",
    "subprocess": "import subprocess\nprint('first'); subprocess.run(['sh', '-c', 'echo out; echo err >&2']); print('last')",
    "shell": "!echo shell; exit 3",
    "shell code": "_exit_code",
    "shell variable": "word = 'hello'\nlines = !echo $word {1 + 1}\nlines",
    "cell magic": "%%bash\necho from bash",
    "time magic": "%%capture kept\nprint('captured')",
    "captured": "kept.stdout",
    "environment": "import os\n{name: os.environ[name] for name in ('TERM', 'PAGER', 'MPLBACKEND', 'FORCE_COLOR')}",
    "await": "import asyncio\nawait asyncio.sleep(0, 'awaited')",
    "background task": "done = []\nasync def work():\n    done.append(1)\ntask = asyncio.create_task(work())",
    "task is done": "await task; done",
    "running loop": "asyncio.get_running_loop().is_running()",
    "names": "__name__, type(get_ipython()).__mro__[-4].__name__ is not None, In[1]",
    "pickle": "import pickle\ndef local(): return 5\npickle.loads(pickle.dumps(local))()",
    "thread": "import threading\nthread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()",
    "logging": "import logging; logging.warning('logged')",
    "stream properties": "sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.writable()",
    "help": "len?",
    "long list": "list(range(2000))",
    "bytes": "from IPython.display import Image\nImage(data=b'\\x89PNG\\r\\n\\x1a\\n')",
    "json": "from IPython.display import JSON\nJSON({'a': 1})",
    "markdown": "from IPython.display import Markdown\nMarkdown('# t')",
    "unicode": "print('é – 漢')",
    "empty": "",
}
# Each of these ends its notebook.
ERRORS = {
    "exception": "def f():\n    return 1 / 0\nf()",
    "syntax": "def (:",
    "chained": "try:\n    {}['a']\nexcept KeyError as error:\n    raise RuntimeError('outer') from error",
    "input": "input('name? ')",
    "getpass": "import getpass; getpass.getpass()",
    "while displaying": "class Bad:\n    def _repr_html_(self):\n        raise ValueError('no html')\nBad()",
    "shown broken": "from IPython.display import display\nclass Bad:\n    def _repr_html_(self):\n        raise ValueError('no html')\ndisplay(Bad()); print('goes on')",
    "exit code": "import sys; sys.exit(3)",
    "own message": "class Odd(Exception):\n    def __str__(self):\n        return 'odd – message'\nraise Odd",
    "awaited": "async def f():\n    raise LookupError('async')\nawait f()",
    "interrupt": "raise KeyboardInterrupt",
    "magic": "%no_such_magic",
    "assertion": "assert 1 == 2, 'unequal'",
}


def notebook(*sources):
    cells = [new_code_cell(source, id=f"cell-{number:02d}") for number, source in enumerate(sources, start=1)]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


DRIVER = """
import sys, papermill
from papermill.exceptions import PapermillExecutionError
engine, *paths = sys.argv[1:]
for path in paths:
    try:
        # A kernel's reply is sometimes heard only when the time is up; without a limit never.
        papermill.execute_notebook(
            path, path.replace(".ipynb", f"-{engine}.ipynb"), engine_name=engine, progress_bar=False, execution_timeout=60
        )
    except PapermillExecutionError as error:
        print(path, error.ename)
"""


def executed(sources, engine, folder):
    """The notebooks after their execution in one Python of its own, and what that said."""
    for name, source in sources.items():
        nbformat.write(source, folder / f"{name}.ipynb")
    paths = [str(folder / f"{name}.ipynb") for name in sources]
    # ipykernel does not listen to the file descriptors when it believes itself under test.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, engine, *paths], capture_output=True, text=True, cwd=folder, env=environment, check=True
    )
    return {name: nbformat.read(folder / f"{name}-{engine}.ipynb", as_version=4) for name in sources}, done.stdout


def plain(outputs):
    """Outputs without what differs between any two runs: object addresses, process ids, timings; streams joined."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == "stream" and last.get("name") == output.name and last["output_type"] == "stream":
            last["text"] += output.text
        else:
            joined.append(json.loads(json.dumps(output)))
    # stdout and stderr reach a kernel's client on two ways, so only each one's own order is defined.
    streams = sorted((o for o in joined if o["output_type"] == "stream"), key=lambda o: o["name"])
    merged = {}
    for output in streams:
        merged[output["name"]] = merged.get(output["name"], "") + output["text"]
    rest = [o for o in joined if o["output_type"] != "stream"]
    return [re.sub(r"0x[0-9a-f]{6,}", "0x", json.dumps(o, sort_keys=True)) for o in rest], merged


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    return {engine: executed({"all": notebook(*CELLS.values())}, engine, folder)[0]["all"].cells for engine in ("nbclient", "catchment")}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_shows_what_a_kernel_shows(both, name):
    position = list(CELLS).index(name)
    kernel, ours = both["nbclient"][position], both["catchment"][position]
    (rest, streams), (kernel_rest, kernel_streams) = plain(ours.outputs), plain(kernel.outputs)
    if name == "subprocess":  # a thread of the kernel reads what subprocesses print, at its own time; here it comes in order
        assert streams["stdout"] == "first\nout\nlast\n"
        kernel_streams["stdout"] = "".join(sorted(kernel_streams["stdout"].splitlines(True), key=["first\n", "out\n", "last\n"].index))
    assert (rest, streams) == (kernel_rest, kernel_streams)
    assert ours.execution_count == kernel.execution_count
    assert ours.metadata.papermill.status == kernel.metadata.papermill.status == "completed"


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """Each failing cell in a notebook of its own here, and in one kernel that goes on after errors."""
    folder = tmp_path_factory.mktemp("errors")
    ours, told = executed(
        {name.replace(" ", "-"): notebook("'before'", source, "'after'") for name, source in ERRORS.items()}, "catchment", folder
    )
    kernel = notebook(*ERRORS.values())
    nbclient.NotebookClient(kernel, allow_errors=True, kernel_name="python3", timeout=60).execute()
    return {
        name: (ours[name.replace(" ", "-")], name.replace(" ", "-") in told, cell) for name, cell in zip(ERRORS, kernel.cells, strict=True)
    }


def untraced(outputs):
    """Outputs with tracebacks cut down to text without colors, cell numbers, paths and the lines around the error."""
    kept = json.loads(json.dumps(outputs))
    for output in kept:
        output.pop("execution_count", None)
        if output["output_type"] == "error":
            text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"]))
            output["traceback"] = re.sub(r"In\[\d+\]", "In[]", text).splitlines()[-1]
    return plain([nbformat.from_dict(o) for o in kept])


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_that_of_a_kernel_and_stops_the_notebook(failures, name):
    ours, raised, kernel = failures[name]
    code = [cell for cell in ours.cells if cell.cell_type == "code"]
    assert untraced(code[1].outputs) == untraced(kernel.outputs)
    assert code[1].metadata.papermill.status == "failed"
    assert not code[2].outputs and code[2].execution_count is None
    assert raised


def run_here(source, **options):
    """Execute in this process, which the engine must leave as it was."""
    return papermill.execute_notebook(source, None, engine_name="catchment", progress_bar=False, **options)


@pytest.mark.parametrize("ending", ["exit", "quit()", "get_ipython().ask_exit()"])
def test_a_notebook_that_ends_its_process_has_failed(ending):
    with pytest.raises(PapermillExecutionError):
        run_here(notebook("1", ending, "2"))


def test_a_cell_past_its_time_fails_with_its_own_handlers_in_the_way():
    source = notebook("1", "import time\nwhile True:\n    try:\n        time.sleep(30)\n    except Exception:\n        pass")
    with pytest.raises(PapermillExecutionError) as caught:
        run_here(source, cell_timeout_s=0.3)
    assert caught.value.ename == "CellTimeout"
    assert "0.3 s" in caught.value.evalue


def test_the_page_ends_where_a_cell_says_so():
    end = "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'end'}, {'catchment': {'end': True}})"
    done = run_here(notebook("1", end, "1 / 0"))
    assert done.cells[2].outputs == [] and done.cells[2].execution_count is None


def test_tagged_and_empty_cells_are_not_run():
    source = notebook("1", "1 / 0", "   ", "3")
    source.cells[1].metadata["tags"] = ["skip-execution"]
    source.cells.insert(0, new_markdown_cell("# t"))
    assert [cell.get("execution_count") for cell in run_here(source).cells] == [None, 1, None, None, 2]


def test_the_calling_process_gets_its_streams_and_functions_back(capfd):
    import builtins
    import getpass

    before = sys.stdout, sys.stderr, builtins.input, getpass.getpass, sys.displayhook, sys.modules["__main__"]
    with pytest.raises(PapermillExecutionError):
        run_here(notebook("print('inside')", "1 / 0"))
    assert before == (sys.stdout, sys.stderr, builtins.input, getpass.getpass, sys.displayhook, sys.modules["__main__"])
    subprocess.run(["echo", "outside"], check=True)
    shown = capfd.readouterr().out
    assert "outside" in shown and "inside" not in shown


def test_papermill_knows_both_engines():
    assert papermill_engines.get_engine("catchment").__name__ == "InProcessEngine"
    assert papermill_engines.get_engine("catchment-kernel").__name__ == "KernelEngine"


def test_the_kernel_engine_ends_the_page_too(tmp_path):
    end = "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'end'}, {'catchment': {'end': True}})"
    done, told = executed({"ends": notebook("1", end, "1 / 0")}, "catchment-kernel", tmp_path)
    assert done["ends"].cells[2].outputs == [] and told == ""
