"""One run: plan, find what changed, check, build side by side, publish, tell.

Workers are reached through `concurrent.futures` alone. A page whose notebook needs others of the same partner waits for
them; it gets their headlines, from this run or from the manifest. Only this process writes to the two trees.
"""

import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

from catchment import params
from catchment.data import lock

from . import plan, schedule
from .build import pdf
from .build.job import DECK, PDF, Built, Failure, Job, Limits, build
from .fingerprint import Fingerprints
from .plan import Page
from .site import audit, history, manifest, store
from .site.publish import Publisher
from .site.trees import INDEX, INTERNAL, LEADERSHIP, Trees
from .summary import Summary

if TYPE_CHECKING:
    from .build.cluster import ClusterExecutor
    from .build.pool import ForkPool

AHEAD = 2  # jobs given to the pool for each of its workers: one at work and one that follows


class Stopped(Exception):
    """The run was asked to end (SIGTERM)."""


@dataclass(frozen=True)
class Options:
    """What to run and how; no partner or notebook named means all."""

    partners: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    jobs: int | None = None
    engine: str | None = None
    force: bool = False
    due: bool = False
    pdf: bool = False
    deck: bool = False
    cluster: str | None = None
    reports: Path | None = None
    internal: Path | None = None


def run(root: Path, options: Options = Options(), *, show: Callable[[str], None] = print) -> Summary:
    """Build the planned pages that are not up to date, and publish them.

    Raises plan.PlanError or params.ParamsError before anything is built, lock.Busy when another run is at work, and
    OSError when a tree cannot be written.
    """
    started, spent, trees = time.monotonic(), time.process_time(), Trees.of(root, options.reports, options.internal)
    produced = history.now()
    name = f"{produced.replace('-', '').replace(':', '')}-{secrets.token_hex(2)}"
    summary = Summary(name, trees.leadership / INDEX, version(root), produced)
    trees.prepare()
    with lock.held(trees.state / "lock", f"run {name}", "these reports") as left:
        if left:
            show(f"{left['owner']} (process {left['pid']} on {left['host']}) ended without finishing; taking over")
        store.recover(trees.state)
        work = _Run(root, trees, options, summary)
        try:
            work.go()
        finally:
            summary.wall_s = time.monotonic() - started
            summary.cpu_s += time.process_time() - spent
        if work.touched:
            history.append(trees.state, history.RUNS, summary.record())
    return summary


@dataclass(frozen=True)
class Standing:
    """Whether a run would build a page: `reasons` why it surely would, `waits` for pages that may give it one."""

    reasons: list[str]
    waits: list[str]


def standings(root: Path, trees: Trees, partners: tuple[str, ...] = (), notebooks: tuple[str, ...] = ()) -> dict[Page, Standing]:
    """How each page stands: what a run would find, asked in the same way."""
    work = _Run(root, trees, Options(partners, notebooks), Summary("", trees.leadership / INDEX))
    return {page: work.standing(page) for page in work.planned}


class _Run:
    def __init__(self, root: Path, trees: Trees, options: Options, summary: Summary):
        self.root, self.trees, self.options, self.summary = root, trees, options, summary
        self.fingerprints = Fingerprints(root, trees.state)
        self.notebooks = self.fingerprints.notebooks
        self.due: list[schedule.Due] = []
        self.planned = self._planned()
        self.publisher = Publisher(trees, self.fingerprints, run=summary.run, produced=summary.started)
        self.gate = audit.Gate(trees.state)
        self.log = history.Log(trees.state, summary.run)
        self.attempts: dict[Page, int] = {}
        self.later: dict[Page, float] = {}
        self.touched = False

    def _planned(self) -> list[Page]:
        planned = plan.pages(self.root, partners=self.options.partners, names=self.options.notebooks, internal=self._has_internal)
        if not self.options.due:
            return planned
        settings = [self.fingerprints.settings(partner) for partner in dict.fromkeys(page.partner for page in planned)]
        self.due = schedule.due(settings, self.trees.state, datetime.now(UTC))
        wanted = {each.partner: each.notebooks for each in self.due}
        return [page for page in planned if page.partner in wanted and (not wanted[page.partner] or page.notebook in wanted[page.partner])]

    def _settle(self) -> None:
        """Tick off the due times whose pages are up, or whose deadline has passed."""
        failed = {page.partition("/")[0] for page in self.summary.failed}
        now = datetime.now(UTC)
        late = [each for each in self.due if now > each.deadline]
        self.summary.late = sorted(each.partner for each in late)
        if self.due and not self.summary.stopped:
            schedule.serve(self.trees.state, [each for each in self.due if each.partner not in failed or each in late])

    def go(self) -> None:
        before = self.fingerprints.refreshed
        todo = {page: reasons for page in self.planned if (reasons := self.reasons(page))}
        gone, surrounded = self._gone(), self.publisher.surrounded()
        if not self.options.cluster and any(PDF in self._wanted(page) for page in todo):
            pdf.browser()  # its absence is told before anything is built
        if todo or gone:
            self.touched = True
            self.publisher.drop(gone, set(params.partners(root=self.root)))
            if todo:
                self._start(todo)
            self.publisher.commit(last=True)
        elif self.fingerprints.refreshed != before or not surrounded:
            self.publisher.commit(last=True)
        self.fingerprints.files.save()
        done = {*self.summary.built, *self.summary.failed}
        self._settle()
        self.summary.unchanged = [str(page) for page in self.planned if str(page) not in done and page not in todo]

    @cache  # noqa: B019 - one object lives as long as one run
    def standing(self, page: Page) -> Standing:
        needed = [(need, self.standing(need)) for need in sorted(self._needs(page))]
        waits = [str(need) for need, each in needed if each.reasons or each.waits]
        return Standing(self.reasons(page), waits)

    def reasons(self, page: Page) -> list[str]:
        entry = self.publisher.entries.get(str(page))
        if self.options.force:
            return ["asked for"]
        if entry and entry["path"] and not self.publisher.stands(entry):
            return ["its file is missing or was altered"]
        changed = self.fingerprints.changes(page, entry, self._needed(page))
        return changed or [f"its {ending} is asked for" for ending in self._unattached(page)]

    def _wanted(self, page: Page) -> list[str]:
        """Endings of the files that shall come with a page."""
        choices = self.fingerprints.choices(page.partner)
        deck = self.notebooks[page.notebook].deck and (self.options.deck or choices["deck"])
        return [*([PDF] if self.options.pdf or choices["pdf"] else []), *([DECK] if deck else [])]

    def _unattached(self, page: Page) -> list[str]:
        """Those of them that are not there yet, or not as they were published."""
        entry = self.publisher.entries.get(str(page))
        there = self.publisher.attached(entry) if entry and entry["path"] else set()
        return [ending for ending in self._wanted(page) if ending not in there]

    def _gone(self) -> list[str]:
        """Pages whose partner or notebook is no longer there, or no longer for that audience."""
        partners = set(params.partners(root=self.root))
        return [name for name, entry in self.publisher.entries.items() if entry["partner"] not in partners or not self._has(entry)]

    def _has(self, entry: dict[str, Any]) -> bool:
        notebook, audience = self.notebooks.get(entry["notebook"]), entry["audience"]
        if notebook is None or audience not in notebook.audiences:
            return False
        return audience != INTERNAL or self._has_internal(entry["partner"])

    def _has_internal(self, partner: str) -> bool:
        return self.fingerprints.choices(partner)["internal"]

    def _start(self, todo: dict[Page, list[str]]) -> None:
        from .progress import Progress

        self.log("start", pages=len(todo), version=self.summary.version)
        # A page that needs one that is built now may change with it: whether it does is known when that one is done.
        maybe = {page for page in self.planned if page not in todo and self._needs(page) & set(todo)}
        waiting = {page: None for page in self.planned if page in todo or page in maybe}
        self.summary.reasons = {str(page): reasons for page, reasons in todo.items()}
        self.code = self.fingerprints.code  # before the server loads it
        executor = self._executor(waiting)
        previous = signal.signal(signal.SIGTERM, _stop)
        try:
            parameters = plan.parameters(self.root, waiting, self.fingerprints.settings)
            before = {page: self.fingerprints.settings(page.partner) for page in waiting}
            with Progress(len(waiting)) as self.progress:
                self._build(executor, waiting, maybe, parameters, before)
        except (KeyboardInterrupt, Stopped):
            self.summary.stopped = True
            self.log("stopped")
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
            self.summary.cpu_s += getattr(executor, "server_cpu_s", 0.0)
            signal.signal(signal.SIGTERM, previous)

    def _executor(self, pages: dict[Page, None]) -> "ForkPool | ClusterExecutor":
        preload = self.fingerprints.preload({page.notebook for page in pages})
        if self.options.cluster:
            from .build.cluster import executor

            return executor(self.options.cluster, preload)
        from .build.pool import ForkPool, workers

        peaks = [entry["cost"]["peak_mb"] for page in pages if (entry := self.publisher.entries.get(str(page))) and "cost" in entry]
        asked = self.options.jobs or self.fingerprints.settings(next(iter(pages)).partner).run.jobs
        return ForkPool(min(workers(asked, max(peaks, default=None)), len(pages)), preload=preload, root=self.root, on_event=self._event)

    def _event(self, job: Job, cell: int | None) -> None:
        self.progress.at(job.page, cell)

    def _build(
        self,
        executor: "ForkPool | ClusterExecutor",
        waiting: dict[Page, None],
        maybe: set[Page],
        parameters: dict[Page, dict[str, Any]],
        settings: dict[Page, params.Settings],
    ) -> None:
        """Build what waits. A page on its way out goes before the next one to build, so few are ever held back or lost by a kill."""
        running: dict[Future, tuple[Page, Job]] = {}
        ended: SimpleQueue[Future] = SimpleQueue()

        def submitted(work: Callable[..., Built], what: Job | audit.Offer, page: Page, job: Job) -> None:
            running[future := executor.submit(work, what)] = (page, job)
            future.add_done_callback(ended.put)

        while waiting or running or self.gate.held:
            for page, job, offer in self.gate.turn():
                submitted(_auditor(self.options), offer, page, job)
            most = AHEAD * executor.workers
            while len(running) < most and (page := self._next(waiting, running)):
                del waiting[page]
                if page in maybe and not self.reasons(page):
                    self.progress.skip()
                    continue
                job = self._attachments_only(page, self._job(page, parameters[page], settings[page]))
                submitted(_builder(self.options), job, page, job)
            pause = max(0.0, min(self.later.values()) - time.monotonic()) if self.later and len(running) < most else None
            if not running:
                time.sleep(pause or 0.0)  # the wait before a repetition
                continue
            try:
                future = ended.get(timeout=pause)
            except Empty:
                continue  # a repetition is due before any other page has ended
            page, job = running.pop(future)
            if not self.gate.holds(page, job, built := future.result()):
                self._take(page, job, built, settings[page], waiting)

    def _needs(self, page: Page) -> set[Page]:
        """The pages whose headlines a page reads: those for leadership, as far as there are any."""
        return {Page(page.partner, name, self.notebooks[name].audiences[0]) for name in self.notebooks[page.notebook].needs}

    def _next(self, waiting: dict[Page, None], running: dict[Future, tuple[Page, Job]]) -> Page | None:
        """The first page that waits for nothing, neither for others nor for the time of its repetition."""
        now = time.monotonic()
        self.later = {page: moment for page, moment in self.later.items() if moment > now}
        unfinished = {*waiting, *(page for page, _ in running.values()), *(page for page, *_ in self.gate.held)}
        return next((page for page in waiting if page not in self.later and not self._needs(page) & unfinished), None)

    def _job(self, page: Page, parameters: dict[str, Any], settings: params.Settings) -> Job:
        limits = Limits(page_s=settings.run.timeout_s, cell_s=settings.run.cell_timeout_s, memory_mb=settings.run.memory_mb)
        needs = self._needed(page)
        inputs = self.fingerprints.before(page, needs)
        return Job(
            page.partner,
            page.notebook,
            self.notebooks[page.notebook].source,
            parameters,
            str(self.root),
            self.summary.started,
            self.summary.version,
            engine=self.options.engine or _engine(),
            audience=page.audience,
            attachments=tuple(self._wanted(page)),
            limits=limits,
            needs=needs,
            others=self._others(page),
            inputs=inputs,
            code=self.code,
        )

    def _attachments_only(self, page: Page, job: Job) -> Job:
        """The same job where the page stands and only what comes with it is missing; slides are made where the notebook is run."""
        missing = self._unattached(page)
        entry = self.publisher.entries.get(str(page))
        if (
            self.options.force
            or not missing
            or DECK in missing
            or not entry
            or not entry["path"]
            or self.fingerprints.changes(page, entry, job.needs)
        ):
            return job
        return replace(job, attachments=tuple(missing), standing=self.publisher.html(entry))

    def _others(self, page: Page) -> tuple[tuple[str, str], ...]:
        """Title and address of the partner's other pages for the same readers."""
        pages = [(title, address) for title, address in self.fingerprints.others(page.audience) if address != f"{page.notebook}.html"]
        return tuple([("Overview", INDEX), *pages] if page.audience == LEADERSHIP else pages)

    def _needed(self, page: Page) -> dict[str, Any]:
        entries = {each.notebook: self.publisher.entries.get(str(each)) for each in sorted(self._needs(page))}
        return {name: manifest.told(entry) for name, entry in entries.items() if entry and entry["path"]} | {
            name: manifest.untold(self.notebooks[name].title, entry) for name, entry in entries.items() if not entry or not entry["path"]
        }

    def _take(self, page: Page, job: Job, built: Built, settings: params.Settings, waiting: dict[Page, None]) -> None:
        self.attempts[page] = self.attempts.get(page, 0) + 1
        self.summary.cpu_s += built.cpu_s
        self.summary.peak_mb = max(self.summary.peak_mb, built.peak_mb)
        failure = built.failure
        self.log(
            "failed" if failure else "built",
            page=built.page,
            wall_s=built.wall_s,
            cpu_s=built.cpu_s,
            peak_mb=built.peak_mb,
            error=str(failure or ""),
        )
        if failure and self.attempts[page] <= settings.run.retries and _passing(failure, settings.run.transient):
            self.later[page] = time.monotonic() + settings.run.retry_wait_s * 2 ** (self.attempts[page] - 1)
            self.summary.retried += 1
            waiting[page] = None
            return
        notebook = self.notebooks[page.notebook]
        partner = {"name": settings.name, "place": settings.place, "program": settings.program, "through": str(settings.as_of)}
        if failure is None and built.html is not None:
            self.publisher.keep(*self.gate.passed(job, built))
        told = {"title": notebook.title, "order": notebook.order}
        inputs = job.inputs | (self.fingerprints.noted(built.reads) if built.html else {})
        self.publisher.add(job, built, told, inputs=inputs, partner=partner, keep_n=settings.run.keep_n)
        if failure is None:
            self.summary.built.append(built.page)
        else:
            self.summary.failed[built.page] = failure
        self.progress.done(built)


def _passing(failure: Failure, transient: list[str]) -> bool:
    """Whether a failure may pass by itself: a process killed from outside, or an error that the settings name."""
    return failure.kind in ("killed", "changed") or (failure.kind == "error" and failure.error.partition(":")[0] in transient)


def _builder(options: Options) -> Callable[..., Built]:
    if options.cluster:
        from .build.cluster import build_there

        return build_there
    return build


def _auditor(options: Options) -> Callable[..., Built]:
    if options.cluster:
        from .build.cluster import audit_there

        return audit_there
    return audit.audit


def _engine() -> str:
    """The engine in forked processes, or the one with a kernel where processes cannot be forked."""
    from .build.pool import FORKS

    return "catchment" if FORKS else "catchment-kernel"


def version(root: Path) -> str:
    """The code's version: the short commit, with a note of local changes; the package's where there is no repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty= + local changes", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        from importlib.metadata import version as installed

        return installed("catchment")


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped
