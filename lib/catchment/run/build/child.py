"""What a page's process does around the page: a group of its own, limits, and an end when the runner ends."""

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .job import Limits


def serve(fn: Callable[..., Any], job: Any, pipe: Connection, folder: str, environment: dict[str, str]) -> None:
    """Run `fn(job, tell, folder)` and send its result; the process ends here, whatever the notebook left behind.

    `environment` is that of the runner now; the server's is that of its start.
    """
    os.environ.clear()
    os.environ.update(environment)
    if hasattr(os, "setsid"):
        os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    _first_to_be_killed()
    _log_to(folder)
    _limit(job.limits)
    pipe.send(("done", fn(job, lambda *message: pipe.send(message), folder)))
    pipe.close()
    sys.stdout.flush()
    os._exit(0)


def end_with_parent() -> None:
    """A runner that was killed cannot stop its pages: each notices by itself that its parent is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a page's process is a child of the runner"
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="catchment-parent").start()


def _first_to_be_killed() -> None:
    """When the machine runs out of memory, a page goes before the runner."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("500")


def _log_to(folder: str) -> None:
    """Descriptors 1 and 2 go to files that outlive the process; a crash writes its stack there."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        file = os.open(Path(folder, f"{name}.log"), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    faulthandler.enable(file=2, all_threads=False)


def _limit(limits: Limits) -> None:
    """A single huge allocation fails in the cell that asks for it, before the pool's watch could see it."""
    if limits.memory_mb is None or not Path("/proc/self/statm").exists():
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
    most = pages * resource.getpagesize() + int(limits.memory_mb * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))
