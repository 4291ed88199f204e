"""A whole portfolio on this machine: time, processor time and memory, and what that means on a cluster.

    python tests/benchmarks/bench_portfolio.py --partners 250

Every partner is a copy of one of the demo's four under an id of its own, with its rows in files of its own. Memory is the proportional
share (PSS) of the runner, its server and its pages together, looked at twice a second.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import portfolio
import psutil

CORES = (2, 8, 32, 128)


def memory_mb(process):
    """Memory of a process and its descendants, pages they share counted once."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            lines = Path(f"/proc/{each.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def run(project, reports, jobs):
    """The runner's own record of a run, its parent's processor seconds, and the largest memory seen (MB)."""
    command = [
        sys.executable,
        "-m",
        "catchment.cli",
        "run",
        "--force",
        "--json",
        "--reports",
        str(reports),
        *(["--jobs", str(jobs)] if jobs else []),
    ]
    environment = {**os.environ, "CATCHMENT_ROOT": str(project)}
    most = own = 0.0
    with (
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(command, env=environment, cwd=project, stdout=told, stderr=subprocess.DEVNULL) as started,
    ):
        watched = psutil.Process(started.pid)
        while started.poll() is None:
            try:
                most, times = max(most, memory_mb(watched)), watched.cpu_times()
            except psutil.NoSuchProcess:
                break
            own = times.user + times.system
            time.sleep(0.5)
        started.wait()
        told.seek(0)
        return json.loads(told.read().splitlines()[-1]), own, most


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partners", type=int, default=250, help="how many (default: 250)")
    parser.add_argument("--jobs", type=int, help="pages at the same time (default: processors)")
    parser.add_argument("--keep", type=Path, help="where reports stay (default: thrown away)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="catchment-portfolio-"))
    try:
        project = portfolio.make(folder / "project", options.partners)
        reports = options.keep or folder / "reports"
        record, own, most = run(project, reports, options.jobs)
        tell(options.partners, record, own, most)
        written = sum(path.stat().st_size for path in Path(reports).rglob("*") if path.is_file())
        print(f"reports/: {written / 1e6:,.0f} MB")
        begun = time.perf_counter()
        unchanged = subprocess.run(
            [sys.executable, "-m", "catchment.cli", "run", "--json", "--reports", str(reports)],
            cwd=project,
            env={**os.environ, "CATCHMENT_ROOT": str(project)},
            capture_output=True,
            text=True,
            check=False,
        )
        counts = json.loads(unchanged.stdout.splitlines()[-1])
        print(
            f"run again, nothing changed: {time.perf_counter() - begun:.1f} s ({counts['unchanged_n']} unchanged, {counts['built_n']} built)"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell(partners, record, own, most):
    pages = record["built_n"] + record["failed_n"]
    wall, cpu = record["wall_s"], record["cpu_s"]
    print(f"{partners} partners, {pages} pages ({record['failed_n']} failed): {wall:,.0f} s ({wall / pages:.2f} s a page)")
    print(
        f"processor: {cpu:,.0f} s ({cpu / pages:.2f} s a page), of which the runner itself {own:,.1f} s ({1000 * own / pages:.0f} ms a page)"
    )
    print(f"memory: {most:,.0f} MB in all at the most; the largest page {record['peak_mb']:,.0f} MB with what it shares")
    print("on a cluster, with the runner's own work as its limit:")
    for cores in CORES:
        seconds = max((cpu - own) / cores, own)
        limit = "the runner" if own > (cpu - own) / cores else "processors"
        print(f"  {cores:>4} processors: {seconds / 60:,.1f} min, limited by {limit}")


if __name__ == "__main__":
    main()
