"""The pool: a process for each page that leaks nothing, dies alone and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from pathlib import Path

import blank_page
import psutil
import pytest

from catchment.run.build import pool as pools
from catchment.run.build.job import Job, Limits, build
from catchment.run.build.pool import ForkPool

pytestmark = pytest.mark.slow
PATIENCE_S = 180
FREE = Limits()


@pytest.fixture(scope="module")
def pool(shared_project):
    preload = ["pandas", "seaborn", "matplotlib.pyplot", "catchment.data.load", "catchment.page"]
    with ForkPool(2, preload=preload, root=shared_project.root) as made:
        yield made


@pytest.fixture
def job(shared_project):
    """A job for a notebook of these cells."""

    def made(*cells, name="page", limits=FREE, engine="catchment", partner="tallgrass", parameters=None):
        source = shared_project.notebook(name, *cells).read_text()
        return Job(
            partner,
            name,
            source,
            {"partner": partner} | (parameters or {}),
            str(shared_project.root),
            "2026-01-01T00:00:00Z",
            "test",
            engine=engine,
            limits=limits,
        )

    return made


def built(pool, job):
    return pool.submit(build, job).result(PATIENCE_S)


def until(condition, what):
    """Wait for something that is about to be so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still not so: {what}"
        time.sleep(0.01)


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


LEAKS = {
    "environment": ("import os\nos.environ['PLANTED'] = 'yes'", "import os\n'PLANTED' in os.environ"),
    "working folder": ("import os\nos.chdir('/')", "import os\nos.getcwd() == '/'"),
    "rcParams": (
        "import matplotlib\nmatplotlib.rcParams['lines.linewidth'] = 77",
        "import matplotlib\nmatplotlib.rcParams['lines.linewidth'] == 77",
    ),
    "pandas options": (
        "import pandas as pd\npd.set_option('display.max_rows', 7)",
        "import pandas as pd\npd.get_option('display.max_rows') == 7",
    ),
    "module attributes": ("import statsmodels\nstatsmodels.planted = 1", "import statsmodels\nhasattr(statsmodels, 'planted')"),
    "patched function": ("import math\nmath.sqrt = lambda x: -1", "import math\nmath.sqrt(4) == -1"),
    "random state": (
        "import numpy as np\nnp.random.seed(5); first = np.random.rand()",
        "import numpy as np\nnp.random.rand() == np.random.RandomState(5).rand(2)[1]",
    ),
    "names": ("planted = 1", "'planted' in globals()"),
    "warning filters": (
        "import warnings\nwarnings.simplefilter('ignore')",
        "import warnings\nwarnings.filters[0][0] == 'ignore' and warnings.filters[0][2] is Warning",
    ),
    "imported modules": ("import wave", "import sys\n'wave' in sys.modules"),
    "open figures": (
        "import matplotlib.pyplot as plt\nplt.figure(); kept = plt.gcf()",
        "import matplotlib.pyplot as plt\nbool(plt.get_fignums())",
    ),
    "files read": (
        "from catchment import data\ndata.journal.entries['planted'] = None",
        "from catchment import data\n'planted' in data.journal.entries",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_passes_from_one_page_to_the_next(pool, job, leak):
    plant, look = LEAKS[leak]
    fails_if_true = f"{look.rpartition(chr(10))[0]}\nassert not ({look.rpartition(chr(10))[2]})"
    assert built(pool, job(plant, name="plants")).failure is None or leak == "files read"
    assert built(pool, job(fails_if_true, name="looks")).failure is None


def test_the_check_for_leaks_sees_one(pool, job):
    plant, look = LEAKS["environment"]
    failure = built(pool, job(plant, f"import os\nassert not ({look.rpartition(chr(10))[2]})")).failure
    assert failure.error.startswith("AssertionError")


def test_random_numbers_and_sets_come_in_the_same_order_in_every_process(pool, job):
    cells = "import numpy as np", "print(np.random.rand(), list({'one', 'two', 'three', 'four'}))", "raise SystemExit('stop')"
    first, second = built(pool, job(*cells)), built(pool, job(*cells))
    assert first.failure.log == second.failure.log != ""


def test_the_rehearsal_works_and_leaves_no_thread(shared_project):
    """Its errors are left to the pages, so nobody would notice that it had stopped working but by slower pages."""
    check = "import threading\nfrom catchment.run.build import server\nserver.preload(['catchment.data.load'])\nserver.rehearse()\nassert threading.active_count() == 1"
    done = subprocess.run([sys.executable, "-c", check], env=shared_project.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_numeric_libraries_use_one_thread(pool, job):
    count = "import os\nimport numpy as np\nbefore = len(os.listdir('/proc/self/task'))"
    work = (
        "np.ones((600, 600)) @ np.ones((600, 600)); np.linalg.svd(np.ones((200, 200)))\nassert len(os.listdir('/proc/self/task')) == before"
    )
    assert built(pool, job(count, work)).failure is None


CRASHES = {
    "exit": ("import os\nos._exit(0)", "exit code 0"),
    "exit with a code": ("import os\nos._exit(7)", "exit code 7"),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "terminated": ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os\nprint('last words', flush=True); os.abort()", "SIGABRT"),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_process_that_dies_gives_no_page(pool, job, crash):
    source, told = CRASHES[crash]
    result = built(pool, job("print('fine')", source))
    assert result.html is None
    assert (result.failure.kind, result.failure.cell) == ("killed" if crash in ("killed", "terminated") else "crashed", 3)
    assert told in result.failure.error
    assert result.failure.source == source
    assert '"fine\\n"' in result.notebook, "the outputs of the cells before are kept"


KERNELS = {
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed", "kernel"),
    "timeout": ("import time\ntime.sleep(600)", "timeout", "longer"),
    "error": ("class Bad:\n    def _repr_html_(self):\n        raise ValueError('no html')\nBad()", "error", "ValueError: no html"),
}


@pytest.mark.parametrize("harm", KERNELS)
def test_no_false_success_of_an_ordinary_kernel(pool, job, harm):
    """Papermill marks every cell completed when its kernel was killed, and a cell whose result cannot be displayed."""
    source, kind, told = KERNELS[harm]
    result = built(
        pool, job("print('fine')", source, "'after'", engine="catchment-kernel", limits=Limits(cell_s=10 if harm == "timeout" else None))
    )
    assert result.html is None
    assert (result.failure.kind, result.failure.cell) == (kind, 3), result.failure
    assert told in result.failure.error


def test_the_log_of_a_crash_is_kept(pool, job):
    failure = built(pool, job("import ctypes, os\nos.system('echo before the end')\nctypes.string_at(0)")).failure
    assert "before the end" in failure.log and "Segmentation fault" in failure.log


def test_a_cell_past_its_time(pool, job):
    result = built(pool, job("import time", "time.sleep(600)", limits=Limits(cell_s=0.4)))
    assert (result.failure.kind, result.failure.cell) == ("timeout", 3)
    assert "0.4 s" in result.failure.error


def test_a_cell_that_cannot_be_interrupted_is_killed(pool, job):
    stubborn = "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\ntime.sleep(600)"
    result = built(pool, job(stubborn, limits=Limits(cell_s=0.3)))
    assert (result.failure.kind, result.failure.cell) == ("timeout", 2)


def test_a_page_past_its_time(pool, job):
    slow = "import time\ntime.sleep(600)"
    result = built(pool, job(slow, limits=Limits(page_s=1.0)))
    assert result.failure.kind == "timeout" and "1 s" in result.failure.error


def test_a_greedy_page_dies_alone_and_says_why(pool, job):
    slowly = "kept = []\nimport numpy as np\nwhile True:\n    kept.append(np.ones(4_000_000))"
    greedy = pool.submit(build, job(slowly, name="greedy", limits=Limits(memory_mb=900, cell_s=60)))
    modest = pool.submit(build, job("sum(range(10))", name="modest"))
    assert modest.result(PATIENCE_S).failure is None
    failure = greedy.result(PATIENCE_S).failure
    assert "memory" in f"{failure.kind} {failure.error}".lower(), failure


def test_a_single_huge_allocation_fails_in_its_cell(pool, job):
    failure = built(pool, job("import numpy as np\nnp.ones(20_000_000_000)", limits=Limits(memory_mb=900))).failure
    assert failure.kind == "memory" and failure.cell == 2
    assert "900 MB" in failure.error


def test_memory_of_subprocesses_counts(pool, job):
    hungry = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'x = bytearray(700_000_000)\\nimport time\\ntime.sleep(600)'])"
    failure = built(pool, job(hungry, limits=Limits(memory_mb=800, cell_s=60))).failure
    assert failure.kind == "memory"


def test_subprocesses_end_with_their_page(pool, job, tmp_path):
    note = tmp_path / "pid"
    leave = (
        "import subprocess\n"
        f"child = subprocess.Popen(['sleep', '600']); other = subprocess.Popen(['sleep', '600'], process_group=0)\n"
        f"open({str(note)!r}, 'w').write(f'{{child.pid}} ')"
    )
    assert built(pool, job(leave)).failure is None
    until(lambda: all(gone(int(pid)) for pid in note.read_text().split()), "the page's subprocess has ended")


def test_a_dead_server_is_replaced(job):
    from multiprocessing.forkserver import _forkserver

    with ForkPool(1) as pool:
        assert built(pool, job("1")).failure is None
        before = _forkserver._forkserver_pid
        os.kill(before, signal.SIGKILL)
        assert built(pool, job("2")).failure is None
        assert _forkserver._forkserver_pid != before


def test_a_page_whose_server_dies_is_no_success(job):

    with ForkPool(1) as pool:
        future = pool.submit(
            build, job("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(600)", limits=Limits(page_s=30))
        )
        assert future.result(PATIENCE_S).failure.kind == "killed"
        assert built(pool, job("2")).failure is None


def test_stopping_leaves_no_process(job, tmp_path):
    note = tmp_path / "pids"
    waits = f"import os, subprocess\nchild = subprocess.Popen(['sleep', '600'])\nopen({str(note)!r}, 'a').write(f'{{os.getpid()}} {{child.pid}} ')\nimport time\ntime.sleep(600)"
    pool = ForkPool(2)
    futures = [pool.submit(build, job(waits, name=name)) for name in ("one", "two", "three")]
    until(lambda: note.exists() and len(note.read_text().split()) == 4, "both pages are at work")
    pool.shutdown(wait=True, cancel_futures=True)
    done = wait(futures, PATIENCE_S).done
    assert {future.cancelled() or future.result().failure.kind for future in done} == {True, "interrupted"}
    until(lambda: all(gone(int(pid)) for pid in note.read_text().split()), "no page is left")
    with pytest.raises(RuntimeError):
        pool.submit(build, job("1"))


def test_the_same_page_from_every_engine(pool, job):
    """Apart from processes, nothing of the way a page was made shows in it."""
    cells = (
        "#!# Heading",
        "import pandas as pd\npd.DataFrame({'a': [1]})",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); None",
        "print(partner)",
    )
    ours = built(pool, job(*cells))
    kernels = built(pool, job(*cells, engine="catchment-kernel"))
    assert ours.failure is None and kernels.failure is None, kernels.failure
    assert ours.html == kernels.html


@pytest.mark.parametrize("engine", ["catchment", "catchment-kernel"])
def test_a_warning_is_an_error(pool, job, engine):
    failure = built(pool, job("import warnings\nwarnings.warn('careful')", engine=engine)).failure
    assert failure.error == "UserWarning: careful" and failure.cell == 2


def test_where_processes_cannot_be_forked(monkeypatch, job):
    monkeypatch.setattr(pools, "FORKS", False)
    with ForkPool(1) as pool:
        assert built(pool, job("1 + 1", engine="catchment-kernel")).failure is None
        assert built(pool, job("1 / 0", engine="catchment-kernel")).failure.error == "ZeroDivisionError: division by zero"


def test_what_a_page_cost_is_told_where_the_system_does_not_count_it(monkeypatch):
    """Windows has no `resource` module; what processes cost is known there in less detail."""
    from catchment.run.build import job as page

    exact = page.spent()
    monkeypatch.setitem(sys.modules, "resource", None)
    less = page.spent()  # without subprocesses
    assert 0 < less[0] <= exact[0] + 1 and 10 < less[1] <= exact[1] + 1


def test_a_failure_outside_the_cells_is_told(pool, job):
    broken = job("1", partner="nobody")
    failure = built(pool, broken).failure
    assert failure.kind == "setup" and "nobody" in failure.error


def test_a_page_reads_the_data_of_its_partner_only(pool, job):
    other = "from catchment import data, params\ndata.Tables(params.load('dunes')).read('notes')"
    assert built(pool, job(other)).failure.error.startswith("PermissionError")


def test_secrets_stay_out_of_failures_and_pages(monkeypatch, shared_project, job):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "hunter2-hunter2")
    from catchment.run import secret

    assert secret.masked("to postgres://me:pass@db/x with hunter2-hunter2") == "to postgres://[hidden]@db/x with [hidden]"
    assert secret.shown("hunter2-hunter2 stands here") == ["WAREHOUSE_PASSWORD"]


def test_memory_stays_flat_over_many_pages(pool, job):
    """Two hundred more processes, each with a page of 300 kB, leave the runner and the server as large as they were."""
    from multiprocessing.forkserver import _forkserver

    def used():
        return sum(psutil.Process(pid).memory_info().rss for pid in (os.getpid(), _forkserver._forkserver_pid)) / 2**20

    def pages(count):
        for _ in range(count):
            assert len(pool.submit(blank_page.build, page).result(PATIENCE_S).html) == blank_page.BYTES

    page = job("1")
    pages(50)
    before = used()
    pages(200)
    assert used() - before < 10, "MB; a page kept would make sixty"


def test_scratch_folders_are_removed(job):
    with ForkPool(1) as pool:
        built(pool, job("1"))
        folder = Path(pool._scratch)
        assert folder.exists() and not list(folder.iterdir())
    assert not folder.exists()
