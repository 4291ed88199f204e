"""The same pages on a real Dask scheduler with two real workers."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from catchment.run.build import cluster
from catchment.run.build.job import Job

PATIENCE_S = 240
pytestmark = pytest.mark.slow


class Cluster:
    """A scheduler and workers as processes of their own."""

    def __init__(self, project, folder):
        self.project, self.file, self.workers = project, folder / "scheduler.json", []
        self.log = (folder / "scheduler.log").open("w")
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(self.file),
        ]
        self.scheduler = subprocess.Popen(command, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait(self.file.exists, "the scheduler is up")
        self.address = json.loads(self.file.read_text())["address"]

    def worker(self, **environment):
        command = [sys.executable, "-m", "catchment.cli", "worker", self.address, "--pages", "1"]
        process = subprocess.Popen(
            command,
            cwd=self.project.root,
            env=self.project.environment(**environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.workers.append(process)
        return process

    def ready(self, count):
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=PATIENCE_S)

    @staticmethod
    def wait(condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"still not so: {what}"
            time.sleep(0.02)

    def close(self):
        for process in [*self.workers, self.scheduler]:
            for each in [*psutil.Process(process.pid).children(recursive=True), process] if process.poll() is None else []:
                each.kill()
            process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def running(shared_project, tmp_path_factory):
    shared_project.only("dunes", "tallgrass")
    for number in (1, 2, 3):
        shared_project.notebook(f"{number:02d}_page", "import os\nimport pandas as pd", "pd.DataFrame({'a': [1, 2]})", "#!## Text")
    made = Cluster(shared_project, tmp_path_factory.mktemp("cluster"))
    made.worker()
    made.worker()
    made.ready(2)
    yield made
    made.close()


def test_a_cluster_builds_the_pages_that_this_machine_builds(running):
    project = running.project
    here = project.run("--force")
    assert here.returncode == 0, here.stderr
    hashes = {name: entry["sha256"] for name, entry in project.manifest()["pages"].items()}
    there = project.run("--force", "--cluster", running.address)
    assert there.returncode == 0, there.stderr
    assert "6 built" in there.stdout
    assert {name: entry["sha256"] for name, entry in project.manifest()["pages"].items()} == hashes
    assert "6 unchanged" in project.run().stdout, "what was built there is up to date here"


def test_a_worker_killed_while_it_builds_loses_nothing(running):
    project = running.project
    marks = project.root / "marks"
    marks.mkdir()
    slow = f"import os, time\nfrom pathlib import Path\nPath({str(marks)!r}, str(os.getpid())).touch()\ntime.sleep(2)"
    for number in (1, 2, 3):
        project.notebook(f"{number:02d}_page", slow)
    with project.start("run", "--cluster", running.address) as process:
        running.wait(lambda: len(list(marks.iterdir())) >= 2, "both workers are at work")
        page = psutil.Process(int(next(marks.iterdir()).name))
        worker = page.parent().parent()  # the page, its server, the worker
        os.kill(worker.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "6 built" in out
    running.wait(lambda: not page.is_running() or page.status() == psutil.STATUS_ZOMBIE, "the dead worker's page has ended")


def test_a_failure_there_is_told_as_one_here(running):
    running.project.notebook("04_fails", "1 / 0")
    done = running.project.run("--notebook", "04_fails", "--cluster", running.address)
    assert done.returncode == 1 and "cell 2: ZeroDivisionError" in done.stderr
    (running.project.root / "notebooks" / "04_fails.ipynb").unlink()


def test_a_worker_with_other_code_or_packages_refuses(project, monkeypatch):
    source = project.notebook("01_one", "1").read_text()
    right = {"code": cluster._code(), "environment": cluster.sha(cluster.Fingerprints.environment())}

    def refusal(**facts):
        facts = right | facts
        job = Job(
            "dunes", "01_one", source, {}, str(project.root), "", "", code=facts["code"], inputs={"environment": facts["environment"]}
        )
        return cluster._refusal(job)

    assert refusal() == ""
    assert "other code" in refusal(code="x") and "other packages" in refusal(environment="x")
    monkeypatch.setattr(project, "root", project.root / "elsewhere")
    assert "no project at" in refusal()
