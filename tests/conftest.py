"""What tests share: the demo's pages, built once by the real runner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _locked(folder):
    """One test process at a time; the others wait here until the first has built the pages."""
    import fcntl

    lock = (folder / "pages.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


@pytest.fixture(scope="session")
def demo_reports(tmp_path_factory, worker_id) -> Path:
    """The `reports/` folder of the whole demo, built by `catchment run` once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    reports = shared / "demo-reports"
    with _locked(shared):
        if not (shared / "demo-built.json").exists():
            command = [sys.executable, "-m", "catchment.cli", "run", "--reports", str(reports)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(ROOT)}, check=False)
            (shared / "demo-built.json").write_text(json.dumps({"code": done.returncode, "told": done.stdout + done.stderr}))
    told = json.loads((shared / "demo-built.json").read_text())
    assert told["code"] == 0, told["told"]
    return reports


@pytest.fixture(scope="session")
def demo_pages(demo_reports) -> dict[tuple[str, str], Path]:
    """(partner, notebook) -> the finished page, for every partner and notebook of the demo."""
    entries = json.loads((demo_reports / "manifest.json").read_text())["pages"].values()
    return {(entry["partner"], entry["notebook"]): demo_reports / entry["path"] for entry in entries}
