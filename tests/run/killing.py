"""Runs that are killed: ROOT TIMES. Forks a process that does run after run, kills it at a random moment and looks at what it left, again and again.

A program of its own, because only a process without threads can be forked safely; nothing is imported anew for a run. Prints
how many had published pages when they were killed, and how many had just begun to replace files.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from types import SimpleNamespace

from tqdm import tqdm

from catchment.run import runner
from catchment.run.build.job import Built
from catchment.run.site import manifest, publish
from catchment.run.site.trees import Trees

PATIENCE_S = 60


class Slow(Executor):
    """Answers every job a moment later, with a page that says something else each time and a file that comes with it."""

    workers = 2

    def submit(self, fn, /, job):
        time.sleep(0.002)
        future = Future()
        future.set_result(
            Built(job.page, html=f"<p>{job.page} {time.monotonic_ns()}</p>".encode(), attachments={"pdf": b"%PDF " + job.page.encode()})
        )
        return future


def one(root: Path) -> None:
    runner._Run._executor = lambda self, pages: Slow()
    publish.EVERY_S, publish.SHARE = 0.0, 0  # files are replaced after each page
    runner.run(root, runner.Options(force=True), show=lambda text: None)


def killed(root: Path, changes: int, after: float) -> None:
    """Do run after run, until the manifest was replaced that many times and so many seconds have passed since."""
    path = Trees.of(root).leadership / manifest.NAME
    last = path.stat().st_mtime_ns
    parent, child = os.getpid(), os.fork()
    if child == 0:
        tqdm.set_lock(threading.RLock())  # its own is shared by all forks: one killed while it holds it would stop every later one
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        while os.getppid() == parent:
            one(root)
        os._exit(0)
    deadline = time.monotonic() + PATIENCE_S
    while changes and os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.0005)
        if (now := path.stat().st_mtime_ns) != last:
            last, changes = now, changes - 1
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    assert time.monotonic() < deadline, f"no page for {PATIENCE_S} s: the runs stand still"
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == -signal.SIGKILL, f"the runs ended by themselves: {code}"


def main(root: Path, times: int) -> dict[str, int]:
    from test_runner import assert_whole

    trees = Trees.of(root)
    project, listed = SimpleNamespace(trees=trees, state=trees.state), trees.leadership / manifest.NAME
    one(root)
    pages = len(manifest.read(trees)["pages"])
    begun = time.monotonic()
    one(root)
    length, seeded = time.monotonic() - begun, random.Random(7)
    counts = {"published": 0, "replacing": 0}
    for _ in range(times):
        before = listed.read_bytes()
        killed(root, seeded.randrange(pages + 1), length / pages * seeded.random())
        counts["replacing"] += (trees.state / "commit").exists()
        assert_whole(project)
        counts["published"] += listed.read_bytes() != before
    one(root)
    assert_whole(project)
    return counts


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
