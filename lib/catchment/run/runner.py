"""One run: plan, check, build side by side, publish, tell.

Workers are reached through `concurrent.futures` alone. A page whose notebook needs others of the same partner waits for
them; it gets their headlines, from this run or from the manifest. Only this process writes to `reports/`.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catchment import params
from catchment.run import lock, plan, store
from catchment.run.page import Built, Failure, Job, Limits, build
from catchment.run.plan import Page
from catchment.run.progress import Progress
from catchment.run.publish import Publisher


class Stopped(Exception):
    """The run was asked to end (SIGTERM)."""


@dataclass
class Summary:
    """How a run ended."""

    run: str
    index: Path
    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)
    stopped: bool = False
    wall_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def code(self) -> int:
        """Exit code: 0 when every page is up to date, 1 when one failed, 130 when the run was stopped."""
        return 130 if self.stopped else 1 if self.failed else 0


@dataclass(frozen=True)
class Options:
    """What to run and how; empty partners or notebooks mean all."""

    partners: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    jobs: int | None = None
    engine: str | None = None
    reports: Path | None = None


def run(root: Path, options: Options = Options(), *, show: Callable[[str], None] = print) -> Summary:
    """Build the planned pages and publish them.

    Raises plan.PlanError or params.ParamsError before anything is built, lock.Busy when another run is at work, and
    OSError when `reports/` cannot be written.
    """
    started, reports = time.perf_counter(), (options.reports or root / "reports")
    produced = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    name = f"{produced.replace('-', '').replace(':', '')}-{secrets.token_hex(2)}"
    (reports / store.STATE).mkdir(parents=True, exist_ok=True)
    with lock.held(reports / store.STATE, name) as left:
        if left:
            show(f"run {left['run']} (process {left['pid']} on {left['host']}) ended without finishing; taking over")
        store.recover(reports)
        planned = plan.pages(root, partners=options.partners, names=options.notebooks)
        publisher = Publisher(reports, run=name, produced=produced)
        summary = Summary(name, reports / "index.html")
        _Run(root, options, planned, publisher, summary, produced, show).go()
    summary.wall_s = time.perf_counter() - started
    return summary


class _Run:
    def __init__(self, root, options, planned, publisher, summary, produced, show):
        self.root, self.options, self.planned, self.publisher, self.summary = root, options, planned, publisher, summary
        self.produced, self.show = produced, show
        self.notebooks = plan.notebooks(root)
        self.version = version(root)
        self.progress: Progress | None = None

    def go(self):
        executor = self._executor()
        previous = _on_sigterm()
        try:
            parameters = plan.parameters(self.root, self.planned)
            with Progress(len(self.planned)) as self.progress:
                self._build(executor, parameters)
        except (KeyboardInterrupt, Stopped):
            self.summary.stopped = True
            executor.shutdown(wait=True, cancel_futures=True)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
            signal.signal(signal.SIGTERM, previous)
        self.publisher.commit()

    def _executor(self) -> Executor:
        from catchment.run.pool import ForkPool

        names = dict.fromkeys(name for page in self.planned for name in plan.imports(self.notebooks[page.notebook]))
        workers = min(self.options.jobs or os.cpu_count() or 1, max(1, len(self.planned)))
        return ForkPool(workers, preload=["catchment.report", "catchment.data", *names], on_event=self._event)

    def _event(self, job, cell):
        if self.progress is not None:
            self.progress.at(job.page, cell)

    def _build(self, executor, parameters):
        waiting = dict.fromkeys(self.planned)
        running: dict[Future, tuple[Page, Job]] = {}
        while waiting or running:
            for page in [page for page in waiting if self._ready(page, waiting, running)]:
                del waiting[page]
                job = self._job(page, parameters[page])
                running[executor.submit(build, job)] = (page, job)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                page, job = running.pop(future)
                self._take(page, job, future.result())

    def _ready(self, page, waiting, running):
        needed = {Page(page.partner, name) for name in self.notebooks[page.notebook].needs}
        return not needed & (set(waiting) | {each for each, _ in running.values()})

    def _job(self, page, parameters) -> Job:
        notebook = self.notebooks[page.notebook]
        settings = params.load(page.partner, root=self.root)
        limits = Limits(page_s=settings.run.timeout_s)
        return Job(
            page.partner, page.notebook, notebook.source, parameters, str(self.root), self.produced, self.version,
            engine=self.options.engine or default_engine(), limits=limits, needs=self._needed(page),
        )

    def _needed(self, page) -> dict[str, Any]:
        entries = {name: self.publisher.entries.get(f"{page.partner}/{name}") for name in self.notebooks[page.notebook].needs}
        return {name: {"title": entry["title"], **entry.get("headlines", {})} for name, entry in entries.items() if entry}

    def _take(self, page, job, built: Built):
        notebook, settings = self.notebooks[page.notebook], params.load(page.partner, root=self.root)
        facts = {"title": notebook.title, "order": notebook.order, "name": settings.name, "place": settings.place, "programme": settings.programme}
        self.publisher.add(job, built, facts)
        self.summary.cpu_s += built.cpu_s
        if built.failure is None:
            self.summary.built.append(built.page)
        else:
            self.summary.failed[built.page] = built.failure
        self.progress.done(built)


def default_engine() -> str:
    """The engine in forked processes, or the one with a kernel where processes cannot be forked."""
    from catchment.run.pool import FORKS

    return "catchment" if FORKS else "catchment-kernel"


def version(root: Path) -> str:
    """The code's version: the short commit, with a note of local changes; the package's where there is no repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty= with local changes", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        from importlib.metadata import version as installed

        return installed("catchment")


def _on_sigterm():
    def stop(number, frame):
        raise Stopped

    return signal.signal(signal.SIGTERM, stop)
