"""A `concurrent.futures` executor whose every job runs in a process of its own, forked from a pre-imported server.

A job may be killed for its time or memory, may crash, may leave subprocesses: the pool ends the whole process tree and
answers with a `Built` that holds the failure. No success is taken from a process that did not end well. Where processes
cannot be forked the same pool starts them afresh, and the page's cells run in an ordinary kernel.
"""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from .child import serve
from .job import Built, Failure, Job
from .witness import SERVERS

FORKS = "forkserver" in multiprocessing.get_all_start_methods()
Context = ForkServerContext | SpawnContext
GRACE_S = 2.0  # a cell past its time gets this long to end by itself before its process is killed
SERVER_DIED = 255  # multiprocessing's code for a process whose server cannot tell how it ended
DYING_S = 5.0  # a killed server needs a moment to give its memory back
STARTS = 3  # times that a dead server is replaced for one page
LOG_CHARS = 20_000  # of each stream's end
USUAL_MB = 500  # memory of a page of which nothing is known yet
WATCH_S = 0.2  # how often memory and deadlines are looked at


def workers(asked: int, page_mb: float | None) -> int:
    """Pages to build side by side: as many as asked for (0: one for each processor), as far as the free memory reaches.

    `page_mb` is the largest page seen so far; memory shared with the server is counted for each, to be on the safe side.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    reach = int(psutil.virtual_memory().available / 2**20 // (page_mb or USUAL_MB))
    return max(1, min(asked or processors, reach))


@dataclass
class _Running:
    job: Job
    future: Future[Built]
    process: BaseProcess
    pipe: Connection
    folder: Path
    started: float = field(default_factory=time.monotonic)
    cell: int | None = None
    source: str = ""
    cell_started: float | None = None
    outputs: dict[int, str] = field(default_factory=dict)
    built: Built | None = None
    killed: Failure | None = None
    peak_mb: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid or 0  # one that runs has a number


def start_server(context: Context, preload: Iterable[str], root: Path | None = None) -> None:
    """See that this process's fork server runs, with `preload` imported; one that died is replaced."""
    if context.get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver

    context.set_forkserver_preload(["catchment.run.build.server"])
    added = {**SERVERS, "CATCHMENT_PRELOAD": ",".join(preload)} | ({"CATCHMENT_ROOT": str(root)} if root else {})
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def server_pid() -> int | None:
    """The process id of this process's fork server, if one was started; the standard library does not tell it otherwise."""
    from multiprocessing import forkserver

    return getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009


def await_server_death(context: Context) -> None:
    """Wait until a dying server has ended: while it is, it takes no request and `ensure_running` still believes in it."""
    if context.get_start_method() != "forkserver" or not hasattr(os, "waitid"):
        return
    pid, deadline = server_pid() or 0, time.monotonic() + DYING_S
    while time.monotonic() < deadline:
        # Left to be reaped by `ensure_running`, which otherwise could not tell that it has to start another.
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.01)


class ForkPool(Executor):
    """Runs `submit(build, job)` in a forked process; `on_event(job, cell)` is called when a job starts a cell."""

    def __init__(
        self,
        workers: int,
        *,
        preload: Iterable[str] = (),
        root: Path | None = None,
        on_event: Callable[[Job, int | None], None] | None = None,
    ):
        self.workers, self.server_cpu_s = workers, 0.0
        self.on_event = on_event or (lambda job, cell: None)
        self._waiting: deque[tuple[Callable[..., Any], Job, Future[Any]]] = deque()
        self._running: list[_Running] = []
        self._lock = threading.Lock()
        self._closing = False
        self._scratch = Path(tempfile.mkdtemp(prefix="catchment-pool-"))
        self._wake_r, self._wake_w = multiprocessing.Pipe(duplex=False)
        self._context: Context = multiprocessing.get_context("forkserver") if FORKS else multiprocessing.get_context("spawn")
        self._preload, self._root = tuple(preload), root
        start_server(self._context, self._preload, root)
        self._thread = threading.Thread(target=self._work, name="catchment-pool", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of `fn(job, tell, folder)`, run in a process of its own; a job is all that it takes."""
        (job,) = [*args, *kwargs.values()]
        future: Future[Any] = Future()
        with self._lock:
            if self._closing:
                raise RuntimeError("the pool is closed")
            self._waiting.append((fn, job, future))
        self._wake_w.send(None)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop taking jobs. With `cancel_futures` the running ones are killed as well, with all their subprocesses."""
        with self._lock:
            self._closing = True
            if cancel_futures:
                for _, _, future in self._waiting:
                    if future.cancel():
                        future.set_running_or_notify_cancel()  # otherwise those who wait for it would not hear of it
                self._waiting.clear()
                for running in self._running:
                    self._end(running, Failure("interrupted", "the run was stopped"))
        self._wake_w.send(None)
        if wait:
            self._thread.join()
            self.server_cpu_s = self._server_cpu_s()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _server_cpu_s(self) -> float:
        """Processor time of the server itself, its imports above all; that of its pages is told with each page."""
        if not FORKS:
            return 0.0
        try:
            times = psutil.Process(server_pid()).cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return times.user + times.system

    def _work(self) -> None:
        try:
            self._loop()
        finally:  # whatever ended the loop, nobody may wait for ever
            for future in [running.future for running in self._running] + [future for _, _, future in self._waiting]:
                if not future.done():
                    future.set_exception(RuntimeError("the pool has ended"))

    def _loop(self) -> None:
        look = 0.0
        while True:
            with self._lock:
                while self._waiting and len(self._running) < self.workers:
                    self._launch(*self._waiting.popleft())
                if self._closing and not self._running and not self._waiting:
                    return
                waited: list[Any] = [self._wake_r]
                for running in self._running:
                    waited += [running.process.sentinel, *([] if running.pipe.closed else [running.pipe])]
            ready = wait(waited, WATCH_S if self._running else None)
            with self._lock:
                if self._wake_r in ready:
                    self._wake_r.recv()
                for running in list(self._running):
                    self._receive(running)
                    if not running.process.is_alive():
                        self._finish(running)
                if time.monotonic() >= look:
                    self._watch()
                    look = time.monotonic() + WATCH_S

    def _launch(self, fn: Callable[..., Any], job: Job, future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        for _ in range(STARTS):
            start_server(self._context, self._preload, self._root)
            ours, theirs = self._context.Pipe(duplex=False)
            process = self._context.Process(target=serve, args=(fn, job, theirs, str(folder), os.environ | SERVERS), name=job.page)
            try:
                with _without_main():
                    process.start()
            except (OSError, EOFError):  # the server died under the request; the next try starts another
                ours.close()
                await_server_death(self._context)
                continue
            finally:
                theirs.close()
            self._running.append(_Running(job, future, process, ours, folder))
            self.on_event(job, None)
            return
        future.set_result(Built(job.page, failure=Failure("killed", "the page server cannot be started")))

    def _receive(self, running: _Running) -> None:
        try:
            while not running.pipe.closed and running.pipe.poll():
                kind, *rest = running.pipe.recv()
                if kind == "done":
                    running.built = rest[0]
                else:
                    self._note_cell(running, *rest)
        except (EOFError, OSError):
            running.pipe.close()

    def _note_cell(self, running: _Running, cell: int | None, source: str, outputs: str | None) -> None:
        if outputs is None:
            running.cell, running.source, running.cell_started = cell, source, time.monotonic()
            self.on_event(running.job, cell)
        elif cell is not None:
            running.outputs[cell] = outputs
            running.cell = running.cell_started = None
            running.source = ""

    def _watch(self) -> None:
        """End the pages that have used up what they may."""
        watched = [running for running in self._running if not (running.killed or running.built)]
        used = _trees_mb([running.pid for running in watched if running.job.limits.memory_mb is not None])
        for running in watched:
            self._hold(running, used.get(running.pid, 0.0))

    def _hold(self, running: _Running, used: float) -> None:
        limits, now = running.job.limits, time.monotonic()
        running.peak_mb = max(running.peak_mb, used)
        if limits.page_s is not None and now - running.started > limits.page_s:
            self._end(running, Failure("timeout", f"the page ran longer than {limits.page_s:g} s"))
        elif limits.cell_s is not None and running.cell_started is not None and now - running.cell_started > limits.cell_s + GRACE_S:
            self._end(running, Failure("timeout", f"the cell ran longer than {limits.cell_s:g} s"))
        elif limits.memory_mb is not None and used > limits.memory_mb:
            self._end(
                running, Failure("memory", f"the page used {used:,.0f} MB of memory, more than its limit of {limits.memory_mb:,.0f} MB")
            )

    def _end(self, running: _Running, failure: Failure) -> None:
        running.killed = running.killed or failure
        kill_tree(running.pid)

    def _finish(self, running: _Running) -> None:
        running.process.join()
        self._receive(running)
        self._running.remove(running)
        kill_group(running.pid)
        running.pipe.close()
        built = running.built if running.process.exitcode == 0 and not running.killed else None
        built = built or self._dead(running)
        shutil.rmtree(running.folder, ignore_errors=True)
        running.future.set_result(built)

    def _dead(self, running: _Running) -> Built:
        """The failure of a process that gave no page: why, in which cell, and what it had printed last."""
        text = "".join(path.read_text(errors="replace")[-LOG_CHARS:] for path in sorted(running.folder.glob("*.log")))
        failure = running.killed or _ending(running.process.exitcode, text)
        failure = Failure(failure.kind, failure.error, running.cell, running.source, "", text)
        wall_s = time.monotonic() - running.started
        return Built(running.job.page, failure=failure, notebook=_so_far(running), wall_s=wall_s, peak_mb=running.peak_mb)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from importing the program's main module again in every page's process."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _ending(code: int | None, text: str) -> Failure:
    """The failure of a process that ended with this code: killed from outside may pass, a crash is a bug."""
    if code is not None and code < 0:  # never on Windows
        name = signal.Signals(-code).name
        return Failure("killed" if name in ("SIGKILL", "SIGTERM") else "crashed", f"the page's process was ended by {name}")
    if code == SERVER_DIED:
        return Failure("killed", "the page server died")
    last = text.rstrip().rpartition("\n")[2]
    return Failure("crashed", f"the page's process ended with exit code {code}" + (f": {last}" if last else ""))


def _so_far(running: _Running) -> str:
    """The notebook with the outputs of the cells that had ended."""
    notebook = json.loads(running.job.source)
    for number, outputs in running.outputs.items():
        notebook["cells"][number - 1]["outputs"] = json.loads(outputs)
    return json.dumps(notebook)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _trees_mb(pids: list[int]) -> dict[int, float]:
    """Memory in MB of each page's process and its descendants; pages shared with the server count, as they do for the kernel.

    The machine's processes are listed once for all pages: each listing opens a file for every one of them.
    """
    used = dict.fromkeys(pids, 0.0)
    page = {pid: pid for pid in pids}
    for process in psutil.Process().children(recursive=True) if pids else []:  # parents come before their children
        try:
            owner = page.get(process.pid) or page.get(process.ppid())
            if owner:
                page[process.pid] = owner
                used[owner] += process.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            continue
    return used


def kill_group(pid: int) -> None:
    """End whatever a page's process left in its group; where there are no groups, its descendants are all that can be found."""
    if not hasattr(os, "killpg"):
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def kill_tree(pid: int) -> None:
    """End a page's process, its group and its descendants, also those that made a group of their own."""
    tree = _tree(pid)
    kill_group(pid)
    for process in tree:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
