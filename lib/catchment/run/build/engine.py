"""The Papermill engines: `catchment` runs the cells in Papermill's own process, `catchment-kernel` in an ordinary kernel.

The first is meant for a process that serves one notebook and ends (the runner forks one for each page): there is no
kernel to start or to talk to, and what a notebook does to the process stays there. The second serves where processes
cannot be forked. Papermill keeps its share in both: parameters, metadata, errors, saving. Both stop where a cell says
that the page ends (`report.end`).

Import Papermill, not this module: Papermill loads it through its entry points.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager

from . import cells
from .job import OWN_CELLS

OnCell = Callable[[NotebookNode, int, bool], None]


class Exited(RuntimeError):
    """The notebook ended its own kernel (`exit`, `quit`)."""


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip()) and "skip-execution" not in cell.metadata.get("tags", [])


def _runners_own(cell: NotebookNode) -> bool:
    return OWN_CELLS in cell.metadata.get("tags", [])


def _ignore(notebook: NotebookNode, index: int, ended: bool) -> None:
    """The default for `on_cell`."""


class InProcessEngine(Engine):
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        cell_timeout_s: float | None = None,
        log_folder: str | None = None,
        on_cell: OnCell = _ignore,
        **kwargs: Any,
    ) -> None:
        """Run the cells up to the first error or the page's end.

        `on_cell(notebook, index, ended)` is called when a cell starts and again when it has ended.
        """
        with cells.session(log_folder) as (shell, outputs):
            asyncio.run(cls._all(nb_man, shell, outputs, cell_timeout_s, on_cell))

    @classmethod
    async def _all(
        cls, nb_man: NotebookExecutionManager, shell: cells.Shell, outputs: cells.Outputs, cell_timeout_s: float | None, on_cell: OnCell
    ) -> None:
        from catchment.page.blocks import ends_page  # papermill loads this module wherever it is imported, and pandas is not needed there

        for index, cell in enumerate(nb_man.nb.cells):
            if not _runs(cell):
                continue
            nb_man.cell_start(cell, index)
            on_cell(nb_man.nb, index, False)
            cell.outputs, cell.execution_count, error = await cells.execute(shell, outputs, cell.source, timeout_s=cell_timeout_s)
            if shell.exit_now and error is None:
                error = Exited("the cell ended the notebook's process")
            if error is not None or any(output.output_type == "error" for output in cell.outputs):
                nb_man.cell_exception(cell, cell_index=index, exception=error)
            nb_man.cell_complete(cell, cell_index=index)
            on_cell(nb_man.nb, index, True)
            if nb_man.nb.metadata.papermill.exception or ends_page(cell.outputs):
                break


class KernelClient(PapermillNotebookClient):
    """Papermill's client of a kernel, which stops where the page ends and tells when cells start and end."""

    on_cell: OnCell = staticmethod(_ignore)

    def papermill_execute_cells(self) -> None:
        from catchment.page.blocks import ends_page

        ended = False
        for index, cell in enumerate(self.nb.cells):
            if ended and not _runners_own(cell):
                continue
            self.nb_man.cell_start(cell, index)
            self.on_cell(self.nb, index, False)
            try:
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
            self.nb_man.cell_complete(cell, cell_index=index)
            self.on_cell(self.nb, index, True)
            ended = ended or ends_page(cell.get("outputs", []))
            if self.nb.metadata.papermill.exception:
                break


class KernelEngine(Engine):
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        cell_timeout_s: float | None = None,
        on_cell: OnCell = _ignore,
        **kwargs: Any,
    ) -> None:
        """Run the cells in an ordinary kernel, as Papermill does."""
        client = KernelClient(nb_man, timeout_func=lambda cell: None if _runners_own(cell) else cell_timeout_s, kernel_name=kernel_name)
        client.on_cell = on_cell
        client.execute()
