"""The same jobs on a Dask cluster.

The runner submits through `concurrent.futures` as it does on one machine. A worker keeps a pool of its own: each page is a
fork of the worker's pre-imported server and comes back as bytes. A worker needs the same code, packages and project folder
(a shared file system, or a copy of its own that `CATCHMENT_ROOT` names); a worker whose code or packages differ refuses the
page, because its page would not be the one that the manifest describes. `catchment worker ADDRESS` starts one.

When a worker dies the scheduler gives its pages to another.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from catchment.run import library, plan
from catchment.run.fingerprint import Fingerprints
from catchment.run.memory import sha
from catchment.run.site.audit import Offer, audit

from .job import Built, Failure, Job, build
from .pool import ForkPool

DEATHS = 3  # workers that may die over one page before it counts as failed
_pool: ForkPool | None = None
_starting = threading.Lock()


def executor(address: str, preload: Iterable[str]) -> "ClusterExecutor":
    """An executor over the workers of a scheduler, told to warm up."""
    from distributed import Client

    client = Client(address, set_as_default=False)
    client.run(_warmed, list(preload))
    return ClusterExecutor(client)


class ClusterExecutor(Executor):
    """Dask's own executor, which also closes the client."""

    def __init__(self, client: Any):
        self._client = client
        self._executor = client.get_executor(pure=False, retries=DEATHS)

    @property
    def workers(self) -> int:
        """Pages that the cluster can build side by side now; workers come and go."""
        return max(1, sum(self._client.ncores().values()))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def warm(preload: Iterable[str]) -> ForkPool:
    """Start this worker's page server."""
    global _pool
    with _starting:
        if _pool is None:
            _code()
            _pool = ForkPool(os.cpu_count() or 1, preload=preload)
        return _pool


def _warmed(preload: Iterable[str]) -> None:
    """The same for a worker that is told to: a pool cannot be sent."""
    warm(preload)


def build_there(job: Job) -> Built:
    """Build a page on a worker, in a fork of its server."""
    job = replace(job, root=os.environ.get("CATCHMENT_ROOT", job.root))
    refusal = _refusal(job)
    if refusal:
        return Built(job.page, failure=Failure("worker", refusal))
    return warm(library.preload(plan.source_imports(json.loads(job.source)["cells"]))).submit(build, job).result()


def audit_there(offer: Offer) -> Built:
    """Audit a page on a worker, in a fork of its server."""
    return warm([]).submit(audit, offer).result()


def _refusal(job: Job) -> str:
    """Why this worker may not build the page, or nothing."""
    if not (Path(job.root) / "params").is_dir():
        return f"worker {_host()} has no project at {job.root}; set CATCHMENT_ROOT there"
    if job.code != _code():
        return f"worker {_host()} has other code than the runner"
    if job.inputs["environment"] != sha(Fingerprints.environment()):
        return f"worker {_host()} has other packages than the runner"
    return ""


@cache
def _code() -> str:
    """The library as it was when this worker started: it is asked for before anything of it is loaded into a page server."""
    return sha(library.everything())


def _host() -> str:
    import socket

    return socket.gethostname()


def serve(address: str, pages: int) -> None:
    """Become a worker of the scheduler that builds `pages` pages at the same time."""
    # A daemonic process may have no children, and every page is one.
    os.environ["DASK_DISTRIBUTED__WORKER__DAEMON"] = "False"
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", str(pages), "--nworkers", "1", "--no-dashboard"]
    os.execv(sys.executable, command)
