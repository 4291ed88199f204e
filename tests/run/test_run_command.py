"""The real command: its pages for any number of workers and engine, and what interrupts and kills leave behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_runner import assert_whole

pytestmark = pytest.mark.slow
PATIENCE_S = 180


@pytest.fixture(scope="module")
def small(shared_project):
    """Two partners, two quick notebooks, for the real command; what is killed is built again at once."""
    shared_project.only("dunes", "tallgrass")
    portfolio = shared_project.root / "params" / "portfolio.yml"
    portfolio.write_text(portfolio.read_text().replace("retry_wait_s: 2", "retry_wait_s: 0"))
    shared_project.notebook("01_one", "import time\ntime.sleep(0.05)", "#!## Heading")
    shared_project.notebook("02_two", "import time\ntime.sleep(0.05)")
    done = shared_project.run("--jobs", "2")
    assert done.returncode == 0, done.stderr
    return shared_project


def test_the_command_builds_publishes_and_tells(small):
    assert_whole(small)
    forced = small.run("--force", "--jobs", "1", "--json")
    told = json.loads(forced.stdout.splitlines()[-1])
    assert (forced.returncode, told["built_n"]) == (0, 4)
    assert str(small.reports / "index.html") in forced.stdout


def test_pages_are_the_same_for_any_number_of_workers_and_engine(small):
    hashes = {name: entry["sha256"] for name, entry in small.manifest()["pages"].items()}
    for arguments in (["--jobs", "1"], ["--engine", "catchment-kernel", "--partner", "dunes"]):
        assert small.run("--force", *arguments).returncode == 0
        assert {name: entry["sha256"] for name, entry in small.manifest()["pages"].items()} == hashes


def family(process):
    """Processes started by a command, its fork server's pages among them."""
    return [each for each in psutil.process_iter(["environ"]) if (each.info["environ"] or {}).get("CATCHMENT_MARK") == process.mark]


def started(project, *arguments):
    mark = f"{os.getpid()}-{random.random()}"
    process = project.start("run", "--force", *arguments, CATCHMENT_MARK=mark)
    process.mark = mark
    return process


def until_quiet(process):
    deadline = time.monotonic() + PATIENCE_S
    while left := family(process):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.02)


def test_interrupting_leaves_no_process_and_whole_reports(small):
    small.notebook("02_two", "import time\ntime.sleep(600)")
    with started(small) as process:
        next(line for line in process.stderr if "01_one" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    until_quiet(process)
    assert_whole(small)
    small.notebook("02_two", "import time\ntime.sleep(0.05)")


def test_runs_killed_at_many_random_moments_leave_whole_reports(project):
    """SIGKILL to the runner at thirty moments spread over a run: every page old or new, manifest and index agreeing, and the next run works."""
    project.only("dunes", "tallgrass")
    for number in range(3):
        project.notebook(f"{number:02d}_page", "1")
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, script, project.root, "30"], capture_output=True, text=True, env=project.environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["published"] >= 15, done.stdout


def is_server(process):
    try:
        return any("forkserver" in word for word in process.cmdline())
    except psutil.NoSuchProcess:  # it has just ended, or waits to be reaped
        return False


def victims(process, kind):
    """Processes of a command by their part in it: the runner, its page server, the pages."""
    if kind == "runner":
        return [psutil.Process(process.pid)]
    servers = [each for each in psutil.Process(process.pid).children() if is_server(each)]
    return servers if kind == "server" else [page for server in servers for page in server.children()]


@pytest.mark.parametrize("kind", ["runner", "page", "server"])
def test_killed_while_pages_are_built_nothing_is_lost(small, kind):
    """SIGKILL to the real runner, to a page or to the page server: nothing half, nothing left behind, and all pages in the end."""
    seeded = random.Random(kind)
    with started(small, "--jobs", "2") as process:
        deadline = time.monotonic() + PATIENCE_S
        while not victims(process, "page"):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(seeded.uniform(0, 0.05))  # anywhere in a page
        for victim in victims(process, kind)[:1]:
            victim.kill()
        told = process.communicate(timeout=PATIENCE_S)[1]
    until_quiet(process)
    assert_whole(small)
    if kind == "runner":
        assert process.returncode == -signal.SIGKILL
        assert small.run().returncode == 0
        assert_whole(small)
    else:
        assert process.returncode == 0, told  # what was killed from outside is built again
