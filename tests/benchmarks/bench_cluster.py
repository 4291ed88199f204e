"""The same pages on a Dask cluster of one worker and of two, each building one page at a time: how much of the second worker is gained.

    python tests/benchmarks/bench_cluster.py --pages 24

Real scheduler, real workers, representative pages that compute most of the time. Two free processors are needed: on a busy machine the
second worker has nothing to run on.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import bench_run

sys.path[0:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "run")]

from test_cluster import Cluster  # noqa: E402

from conftest import Project  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=24, help="pages in all (default: 24)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="catchment-cluster-"))
    cluster = None
    try:
        project = Project(folder / "project")
        project.only("tallgrass")
        for number in range(options.pages - 1):
            project.partner(f"partner{number:03d}")
        bench_run.representative(project.root / "notebooks")
        cluster = Cluster(project, folder)
        seconds = {}
        for workers in (1, 2):
            cluster.worker()
            cluster.ready(workers)
            project.run("--force", "--partner", "tallgrass", "partner000", "--cluster", cluster.address)  # warms each worker
            begun = time.perf_counter()
            done = project.run("--force", "--cluster", cluster.address)
            seconds[workers] = time.perf_counter() - begun
            print(
                f"{workers} worker(s): {options.pages} pages in {seconds[workers]:.1f} s  {done.stdout.strip().rpartition('(')[2][:-1]}",
                flush=True,
            )
        print(f"from 1 worker to 2: {seconds[1] / seconds[2]:.2f} x")
    finally:
        if cluster:
            cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
