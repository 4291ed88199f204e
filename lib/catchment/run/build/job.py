"""Building one page, in a process of its own: Papermill runs the notebook, the report's template renders it.

`build` is what every worker runs, on this machine or on a cluster. It takes a `Job` and gives a `Built`; both are plain
data, and nothing is written to `reports/` here.
"""

import contextlib
import json
import logging
import os
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catchment.run import secret
from catchment.run.site.trees import LEADERSHIP, page_name

from . import witness

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from papermill.exceptions import PapermillExecutionError

# Before the first cell: warnings are errors, and the process reads the data of this page's partner only.
SETUP = """\
import warnings
warnings.resetwarnings()
warnings.simplefilter("error")
for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
    warnings.simplefilter("ignore", category)
warnings.filterwarnings("error", category=DeprecationWarning, module="__main__")
from catchment.run.build import witness
witness.start({root!r}, {partner!r}, {scratch!r})
"""
RECORD = "import json; from catchment.run.build import witness; print(json.dumps(witness.record()))"
PDF, DECK = "pdf", "pptx"
OWN_CELLS = "catchment-runner"  # tag of the cells that the runner adds; they run also behind the page's end
LOG_CHARS = 4000  # of the end of what a notebook printed


@dataclass(frozen=True)
class Limits:
    """What a page may use: seconds in all and for each cell, and memory of its process tree."""

    page_s: float | None = None
    cell_s: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to build one page; `inputs` are the runner's notes for the manifest, `code` the hash of its library.

    `attachments` are the endings of the files that shall come with the page; `standing` is the page when only they are asked for.
    """

    partner: str
    notebook: str
    source: str
    parameters: dict[str, Any]
    root: str
    produced: str
    version: str
    engine: str = "catchment"
    audience: str = LEADERSHIP
    attachments: tuple[str, ...] = ()
    standing: bytes | None = None
    limits: Limits = Limits()
    needs: dict[str, Any] = field(default_factory=dict)
    others: tuple[tuple[str, str], ...] = ()
    inputs: dict[str, Any] = field(default_factory=dict)
    code: str = ""

    @property
    def page(self) -> str:
        return page_name(self.partner, self.notebook, self.audience)


@dataclass(frozen=True)
class Failure:
    """Why there is no page; `cell` counts from 1.

    `kind` is error (a cell raised), timeout, memory, setup, render or attachment (outside the cells), crashed (the process ended itself),
    killed (from outside), changed (what it read changed meanwhile), interrupted (the run was stopped), worker (a cluster's worker
    refused the page) or disclosure (it would let a reader work out a hidden count).
    """

    kind: str
    error: str
    cell: int | None = None
    source: str = ""
    trace: str = ""
    log: str = ""

    def masked(self) -> "Failure":
        """The same without secrets."""
        kind, error, source, trace, log = map(secret.masked, (self.kind, self.error, self.source, self.trace, self.log))
        return Failure(kind, error, self.cell, source, trace, log)

    def __str__(self) -> str:
        return f"cell {self.cell}: {self.error}" if self.cell else self.error


@dataclass
class Built:
    """A page or the reason why there is none, with what it showed, read and cost.

    There is no page either where only `attachments` were asked for.
    """

    page: str
    html: bytes | None = None
    failure: Failure | None = None
    notebook: str | None = None
    attachments: dict[str, bytes] = field(default_factory=dict)
    headlines: dict[str, Any] = field(default_factory=dict)
    reads: dict[str, Any] = field(default_factory=dict)
    published: bytes = b""
    audited: bool = False
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0


def build(job: Job, tell: Callable[..., None], folder: str) -> Built:
    """Execute and render one page; `tell("cell", number, outputs)` reports each cell's start and end, `folder` is the page's own."""
    started = time.perf_counter()
    built = Built(job.page)
    os.environ["CATCHMENT_ROOT"], os.environ["CATCHMENT_AUDIENCE"] = job.root, job.audience
    os.chdir(Path(job.root, "notebooks"))
    try:
        executed = None
        if job.standing is None:
            executed = _execute(job, _notebook(job, folder), tell, folder)
            noted = _noted(job, executed)
            built.headlines, built.published = _summary(executed), _published(executed)
            built.html = _render(job, _shown(executed))
            built.reads = _stood_still(witness.merged(witness.record(), noted), executed)
        built.attachments = _attachments(job, built.html or job.standing or b"", executed)
    except _Failed as failed:
        built.failure, built.html = failed.failure.masked(), None
        built.notebook = failed.notebook and secret.masked(failed.notebook)
    built.wall_s = time.perf_counter() - started
    built.cpu_s, built.peak_mb = spent()
    return built


def spent() -> tuple[float, float]:
    """Processor seconds and largest memory in MB of this process and of those that it waited for."""
    try:
        import resource
    except ImportError:  # Windows counts neither for subprocesses
        import psutil

        process = psutil.Process()
        times, memory = process.cpu_times(), process.memory_info()
        return times.user + times.system, getattr(memory, "peak_wset", memory.rss) / 2**20
    usage, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime, max(usage.ru_maxrss, children.ru_maxrss) / 1024


class _Failed(Exception):
    def __init__(self, failure: Failure, notebook: str | None = None):
        super().__init__(str(failure))
        self.failure, self.notebook = failure, notebook


def _notebook(job: Job, folder: str) -> "NotebookNode":
    """The notebook as Papermill shall run it; the runner's own cells carry a tag and never reach the page."""
    import nbformat

    if job.needs:  # where it finds what the pages it needs have said
        os.environ["CATCHMENT_NEEDED"] = str(Path(folder, "needed.json"))
        Path(folder, "needed.json").write_text(json.dumps(job.needs))

    notebook = nbformat.reads(job.source, as_version=4)
    for position, cell in enumerate(notebook.cells, start=1):
        cell.metadata["catchment_cell"] = position
    if job.engine != "catchment":
        notebook.cells.insert(0, nbformat.v4.new_code_cell(_setup(job, folder), metadata={"tags": [OWN_CELLS]}))
        notebook.cells.append(nbformat.v4.new_code_cell(RECORD, metadata={"tags": [OWN_CELLS]}))
    return notebook


def _setup(job: Job, folder: str) -> str:
    return SETUP.format(root=job.root, partner=job.partner, scratch=folder)


def _execute(job: Job, notebook: "NotebookNode", tell: Callable[..., None], folder: str) -> "NotebookNode":
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.ERROR)  # it would log the parameters it is given
    current = notebook

    def on_cell(notebook: "NotebookNode", index: int, ended: bool) -> None:
        nonlocal current
        current, cell = notebook, notebook.cells[index]
        if OWN_CELLS in cell.metadata.get("tags", []):
            return  # its time is not the notebook's
        tell("cell", cell.metadata.get("catchment_cell"), cell.source, json.dumps(cell.get("outputs", [])) if ended else None)

    with warnings.catch_warnings():
        with _telling("setup", notebook):
            if job.engine == "catchment":
                exec(_setup(job, folder), {})  # what a kernel does in a cell of its own
            else:
                witness.start(job.root, job.partner, folder)
        try:
            executed = papermill.execute_notebook(
                notebook,
                None,
                parameters=job.parameters,
                engine_name=job.engine,
                progress_bar=False,
                cell_timeout_s=job.limits.cell_s,
                log_folder=folder,
                on_cell=on_cell,
            )
        except PapermillExecutionError as error:
            raise _Failed(_failure(current, error, job.limits), nbformat_text(current)) from error
        except (CellTimeoutError, DeadKernelError) as error:  # of the engine with a kernel
            raise _Failed(_ended(current, error), nbformat_text(current)) from error
    for cell in executed.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"  # Papermill's is random, and pages must not be
    return executed


def nbformat_text(notebook: "NotebookNode") -> str:
    import nbformat

    return nbformat.writes(notebook)


def _failure(notebook: "NotebookNode", error: "PapermillExecutionError", limits: Limits) -> Failure:
    cell = next((cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("exception")), None)
    kind = {"CellTimeout": "timeout", "MemoryError": "memory", "_ArrayMemoryError": "memory"}.get(error.ename, "error")
    message = f"{error.ename}: {error.evalue}" if error.evalue else error.ename
    if kind == "memory" and limits.memory_mb:
        message += f" (a page may use {limits.memory_mb:,.0f} MB)"
    number = cell.metadata.get("catchment_cell") if cell is not None else None
    return Failure(kind, message, number, error.source, "\n".join(error.traceback), _log(notebook))


def _ended(notebook: "NotebookNode", error: Exception) -> Failure:
    """The failure of a cell whose kernel died or took too long; papermill leaves it marked as running."""
    cell = next((cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("status") == "running"), None)
    number, source = (cell.metadata.get("catchment_cell"), cell.source) if cell is not None else (None, "")
    kind = "killed" if type(error).__name__ == "DeadKernelError" else "timeout"
    said = "the kernel was ended from outside" if kind == "killed" else "the cell ran longer than it may"
    return Failure(kind, f"{said}: {str(error).splitlines()[0]}", number, source, "", _log(notebook))


def _log(notebook: "NotebookNode") -> str:
    """The end of what the notebook printed."""
    streams = (output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream")
    return "".join(streams)[-LOG_CHARS:]


def _noted(job: Job, executed: "NotebookNode") -> dict[str, Any]:
    """What the kernel noted of the cells; where they run in this process, it is this process that did."""
    return witness.record() if job.engine == "catchment" else json.loads(executed.cells.pop().outputs[0].text)


def _stood_still(noted: dict[str, Any], executed: "NotebookNode") -> dict[str, Any]:
    """The notes; a page that may have read a file before and after a change is not taken."""
    if noted["moved"]:
        said = f"{', '.join(noted['moved'])} changed while the page was built"
        raise _Failed(Failure("changed", said), nbformat_text(executed))
    return noted


def _shown(executed: "NotebookNode") -> "NotebookNode":
    """The notebook without the runner's own cells and without what stands behind the page's end."""
    from catchment.page.blocks import ends_page

    kept = []
    for cell in executed.cells:
        if OWN_CELLS not in cell.metadata.get("tags", []):
            kept.append(cell)
        if ends_page(cell.get("outputs", [])):
            break
    executed.cells = kept
    return executed


def _summary(executed: "NotebookNode") -> dict[str, Any]:
    """What the page says of itself, for the index and for the notebooks that need it."""
    from catchment.page import document

    return document.summary(executed)


def _published(executed: "NotebookNode") -> bytes:
    """The counts that the page shows, for the audit."""
    from catchment.page import document

    return zlib.compress(json.dumps(document.published(executed)).encode())


def _render(job: Job, executed: "NotebookNode") -> bytes:
    from catchment import page as report
    from catchment import params

    with _telling("render", executed):
        settings = params.load(job.partner, root=Path(job.root))
        text = report.render(executed, settings=settings, produced=job.produced, version=job.version, others=job.others)
    if names := secret.shown(text):
        raise _Failed(Failure("render", f"the page shows the value of {', '.join(names)}"), nbformat_text(executed))
    return text.encode()


def _attachments(job: Job, html: bytes, executed: "NotebookNode | None") -> dict[str, bytes]:
    """The files that come with the page, by their endings."""
    from catchment import params

    made = {}
    with _telling("attachment", executed):
        if DECK in job.attachments and executed is not None:
            from catchment.brief import deck

            made[DECK] = deck.build(executed, params.load(job.partner, root=Path(job.root)))
        if PDF in job.attachments:
            from . import pdf

            made[PDF] = pdf.printed(html)
    return made


@contextlib.contextmanager
def _telling(kind: str, notebook: "NotebookNode | None") -> Iterator[None]:
    """Whatever goes wrong in the block is this page's failure, told with its traceback."""
    try:
        yield
    except Exception as error:
        failure = Failure(kind, f"{type(error).__name__}: {error}", trace=traceback.format_exc())
        raise _Failed(failure, nbformat_text(notebook) if notebook else None) from error
