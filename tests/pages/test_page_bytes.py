"""A real page has the same bytes whoever builds it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_real_page_is_the_same_from_an_ordinary_kernel_and_one_worker(demo_reports, tmp_path):
    """The demo was built two at a time in forked processes; here one page runs alone in an ordinary kernel."""
    page, reports = "dunes/02_referral_patterns", tmp_path / "reports"
    partner, notebook = page.split("/")
    command = [
        sys.executable,
        "-m",
        "catchment.cli",
        "run",
        "--partner",
        partner,
        "--notebook",
        notebook,
        "--jobs",
        "1",
        "--engine",
        "catchment-kernel",
    ]
    done = subprocess.run(
        [*command, "--reports", str(reports)],
        cwd=ROOT,
        env={**os.environ, "CATCHMENT_ROOT": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def told(folder):
        """Hash apart from the time stamped, and what the page said of itself."""
        entry = json.loads((folder / "manifest.json").read_text())["pages"][page]
        return entry["sha256"], entry["headlines"]

    assert told(reports) == told(demo_reports)
