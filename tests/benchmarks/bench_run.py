"""The runner beside what its users would run instead, on the same notebooks, in one run: ratios of processor and wall time a page.

    make bench                                 one and ten partners
    python tests/benchmarks/bench_run.py --partners 1 10 100 --pages 12

Plain commands, the two pools and the lower bound build `--pages` pages, `--rounds` times in turn; the runner builds whole
portfolios. Times are those of all processes of a way; imports are spread over the pages. The lower bound is one process that
has imported everything and executes the same cells and renders, with no isolation.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import portfolio

HERE = Path(__file__).parent
PLOOMBER = "ploomber-engine==0.0.33"


def measured(command, **environment):
    """(wall, processor) seconds of a command with all processes that it waits for, and what it printed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:4]))} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def plain(project, pages, folder):
    """`papermill` and `jupyter nbconvert` as commands, one page after the other."""
    wall = cpu = 0.0
    for partner, notebook in pages:
        out = folder / f"{partner}-{notebook}.ipynb"
        for command in (
            ["papermill", project / "notebooks" / f"{notebook}.ipynb", out, "-p", "partner", partner, "--no-progress-bar"],
            ["nbconvert", out, "--to", "html", "--no-input", "--output-dir", folder],
        ):
            spent = measured([sys.executable, "-W", "ignore", "-m", *map(str, command)], CATCHMENT_ROOT=str(project))
            wall, cpu = wall + spent[0], cpu + spent[1]
    return wall, cpu


def way(name, python=sys.executable):
    """A way of `bench_ways.py`, as a process of its own."""

    def run(project, pages, folder):
        wall, cpu, told = measured([python, HERE / "bench_ways.py", name, json.dumps(pages), folder], CATCHMENT_ROOT=str(project))
        own = json.loads(told.splitlines()[-1])
        return own.get("wall", wall), own.get("cpu", cpu)

    return run


def ours(project, folder):
    """The real command on the whole portfolio; its processor time is the one it tells of itself, server and pages included."""
    told = measured([sys.executable, "-m", "catchment.cli", "run", "--force", "--json", "--reports", folder], CATCHMENT_ROOT=str(project))[2]
    record = json.loads(told.splitlines()[-1])
    return record["wall_s"], record["cpu_s"], record["built_n"]


def ploomber_python(folder):
    """A Python with ploomber-engine beside the packages installed here, in a folder that is thrown away."""
    import site

    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "here.pth").write_text("\n".join([*site.getsitepackages(), str(portfolio.ROOT / "lib")]))
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PLOOMBER, "setuptools<81"], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"ploomber-engine could not be installed: left out\n{done.stderr[-300:]}")
        return None
    return str(python)


def spread(values):
    return f"{statistics.median(values):.1f} x ({min(values):.1f}-{max(values):.1f})" if len(values) > 1 else f"{values[0]:.1f} x"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partners", type=int, nargs="+", default=[1, 10], help="sizes of the runner's portfolios (default: 1 10)")
    parser.add_argument("--pages", type=int, default=10, help="pages that the others build (default: 10)")
    parser.add_argument("--rounds", type=int, default=1, help="repetitions (default: 1)")
    parser.add_argument("--notebooks", nargs="+", default=[], help="notebooks (default: all)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="catchment-bench-"))
    try:
        bench(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench(options, folder):
    project = portfolio.make(folder / "project", max(options.partners), notebooks=tuple(options.notebooks))
    facts = {path.stem: json.loads(path.read_text())["metadata"]["catchment"] for path in (project / "notebooks").glob("*.ipynb")}
    notebooks = sorted(name for name, each in facts.items() if each.get("audience") != "internal")
    partners = sorted(path.stem for path in (project / "params" / "partners").glob("*.yml"))
    pages = [(partner, notebook) for partner in partners for notebook in notebooks][: options.pages]
    python = ploomber_python(folder)
    ways = {"plain papermill": plain, "papermill in a pool of 2": way("papermill"), "ploomber-engine in a pool of 2": way("ploomber", python), "lower bound": way("bound")}
    if python is None:
        del ways["ploomber-engine in a pool of 2"]
    cost: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    own: dict[int, list[tuple[float, float]]] = {size: [] for size in options.partners}
    for number in range(options.rounds):
        for size in options.partners:
            sized = portfolio.make(folder / f"sized{size}", size, notebooks=tuple(notebooks))
            wall, cpu, built = ours(sized, folder / f"reports{size}")
            own[size].append((wall / built, cpu / built))
            print(f"round {number + 1}: {size} partners, {built} pages: {wall / built:.2f} s, {cpu / built:.2f} s CPU a page", flush=True)
        for name, run in ways.items():
            (folder / "out").mkdir(exist_ok=True)
            wall, cpu = run(project, pages, folder / "out")
            cost[name].append((wall / len(pages), cpu / len(pages)))
            print(f"round {number + 1}: {name}, {len(pages)} pages: {wall / len(pages):.2f} s, {cpu / len(pages):.2f} s CPU a page", flush=True)
    for size in options.partners:
        print(f"\n{size} partners, {len(notebooks)} notebooks; time of the other way divided by the runner's, a page")
        for name, each in cost.items():
            cpu = [theirs[1] / mine[1] for theirs, mine in zip(each, own[size], strict=True)]
            wall = [theirs[0] / mine[0] for theirs, mine in zip(each, own[size], strict=True)]
            print(f"{name}: {spread(cpu)} CPU, {spread(wall)} wall")
    if len(options.partners) > 1:
        small, large = min(options.partners), max(options.partners)
        further = [(b[0] * large - a[0] * small) / (large - small) for a, b in zip(own[small], own[large], strict=True)]
        processor = [(b[1] * large - a[1] * small) / (large - small) for a, b in zip(own[small], own[large], strict=True)]
        print(f"\na further page: {statistics.median(further):.2f} s, {statistics.median(processor):.2f} s CPU")


if __name__ == "__main__":
    main()
