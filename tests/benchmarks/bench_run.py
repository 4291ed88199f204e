"""The runner beside what its users would run instead, on the same notebooks, in one run: ratios of processor and wall time a page.

    make bench                                                   a representative notebook, then a page of this product
    python tests/benchmarks/bench_run.py --notebook all          every notebook of this product
    python tests/benchmarks/bench_run.py --partners 1 10 100 250 --rounds 5

The representative notebook has 50,000 rows, one generalized linear model, three seaborn plots and one choropleth. Times are those of
all processes of a way, its imports spread over the pages. The lower bound is one process that has imported everything and
executes the same cells and renders, with no isolation; its imports are not counted.
"""

import argparse
import json
import os
import resource
import shutil
import site
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import portfolio

HERE = Path(__file__).parent
PLOOMBER = "ploomber-engine==0.0.33"
PLOOMBERS = "ploomber-engine in a pool of 2"
PRODUCT = "01_market_analysis"


def measured(command, cwd, **environment):
    """(wall, processor) seconds of a command with all processes that it waits for, and what it printed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
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
            ["papermill", f"{notebook}.ipynb", out, "-p", "partner", partner, "--no-progress-bar"],
            ["nbconvert", out, "--to", "html", "--no-input", "--output-dir", folder],
        ):
            spent = measured([sys.executable, "-W", "ignore", "-m", *command], project / "notebooks", CATCHMENT_ROOT=str(project))
            wall, cpu = wall + spent[0], cpu + spent[1]
    return wall, cpu


def way(name, python=sys.executable):
    """A way of `bench_ways.py`, as a process of its own."""

    def run(project, pages, folder):
        # The other Python finds the templates of the nbconvert installed here, and sends no statistics of its use.
        environment = {"CATCHMENT_ROOT": str(project), "JUPYTER_PATH": f"{sys.prefix}/share/jupyter", "PLOOMBER_STATS_ENABLED": "false"}
        wall, cpu, told = measured([python, HERE / "bench_ways.py", name, json.dumps(pages), folder], project / "notebooks", **environment)
        own = json.loads(told.splitlines()[-1])
        return own.get("wall", wall), own.get("cpu", cpu)

    return run


def ours(project, folder):
    """The real command on the whole portfolio; its processor time is the one it tells of itself, server and pages included."""
    command = [sys.executable, "-m", "catchment.cli", "run", "--force", "--json", "--reports", folder]
    record = json.loads(measured(command, project, CATCHMENT_ROOT=str(project))[2].splitlines()[-1])
    return record["wall_s"], record["cpu_s"]


def ploomber_python(folder):
    """A Python with ploomber-engine beside the packages installed here, in a folder that is thrown away; None where it cannot be had."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "here.pth").write_text("\n".join([*site.getsitepackages(), str(portfolio.ROOT / "lib")]))
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile", PLOOMBER, "setuptools<81"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{PLOOMBER} could not be installed: left out\n{done.stderr[-300:]}")
        return None
    return python


def representative(folder):
    """The notebook of the comparison: what a page of this kind does, with nothing of this product."""
    from nbformat.v4 import new_code_cell, new_notebook, upgrade

    cells = [
        'partner: str = "tallgrass"  # partner id',
        "import geopandas as gpd\nimport numpy as np\nimport pandas as pd\nimport seaborn as sns\nimport statsmodels.api as sm\nfrom matplotlib import pyplot as plt",
        "draw = np.random.default_rng(sum(map(ord, partner)))\nrows = pd.DataFrame({'age': draw.normal(64, 12, 50_000), 'km': draw.exponential(30, 50_000), 'site': draw.choice(list('ABCDEF'), 50_000)})\n"
        "rows['ours'] = draw.random(50_000) < 1 / (1 + np.exp(rows['km'] / 20 - 1))\nrows.describe()",
        "model = sm.GLM(rows['ours'].astype(float), sm.add_constant(rows[['age', 'km']]), family=sm.families.Binomial()).fit()\nmodel.params",
        "sns.barplot(rows, x='site', y='ours', errorbar=None); plt.show()",
        "sns.histplot(rows, x='km', hue='site', element='step'); plt.show()",
        "sns.lineplot(rows.assign(decade=rows['age'] // 10), x='decade', y='ours', errorbar=None); plt.show()",
        "areas = gpd.read_file('../data/public/counties.geojson')\nareas.assign(value=draw.random(len(areas))).plot('value', legend=True); plt.show()",
    ]
    made = [new_code_cell(source, id=f"cell-{number:02d}") for number, source in enumerate(cells, start=1)]
    made[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    facts = {"title": "Representative", "order": 1, "needs": []}
    path = folder / "representative.ipynb"
    path.write_text(json.dumps(upgrade(new_notebook(cells=made, metadata={"kernelspec": kernel, "catchment": facts}))))
    return path


def project_of(folder, partners, notebooks):
    made = portfolio.make(folder, partners, notebooks=notebooks)
    if "representative" in notebooks:
        representative(made / "notebooks")
    return made


def spread(values, form="{:.1f} x"):
    text = form.format(statistics.median(values))
    return f"{text} ({min(values):.1f}-{max(values):.1f})" if len(values) > 1 else text


class Comparison:
    """One set of notebooks: seconds (wall, processor) of each way and number of pages, by round."""

    def __init__(self, folder, notebooks, options, python):
        self.folder, self.notebooks, self.options = folder, notebooks, options
        self.ways = {
            "plain papermill": plain,
            "papermill in a pool of 2": way("papermill"),
            PLOOMBERS: way("ploomber", python),
            "lower bound": way("bound"),
        }
        if python is None:
            del self.ways[PLOOMBERS]
        self.cost: dict[tuple[str, int], list[tuple[float, float]]] = {}

    def note(self, name, pages, spent):
        self.cost.setdefault((name, pages), []).append(spent)
        print(f"  {name}, {pages} pages: {spent[0] / pages:.2f} s, {spent[1] / pages:.2f} s CPU a page", flush=True)

    def round(self):
        for size in self.options.partners:
            sized = project_of(self.folder / f"sized{size}", size, self.notebooks)
            self.note("runner", size * len(self.notebooks), ours(sized, self.folder / f"reports{size}"))
        partners = sorted(path.stem for path in (sized / "params" / "partners").glob("*.yml"))
        pages = [(partner, notebook) for partner in partners for notebook in self.notebooks]
        for name, run in self.ways.items():
            for count in sorted(
                {min(self.options.pages, len(pages)), min(3 * self.options.pages, len(pages)) if name == PLOOMBERS else 1} - {1}
            ):
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                (self.folder / "out").mkdir()
                self.note(name, count, run(sized, pages[:count], self.folder / "out"))

    def ratios(self, name, own, which):
        """Time a page of another way over the runner's, by round; `which` is 0 for wall and 1 for processor time."""
        count = min(pages for other, pages in self.cost if other == name)
        return [
            theirs[which] / count / (mine[which] / own)
            for theirs, mine in zip(self.cost[name, count], self.cost["runner", own], strict=True)
        ]

    def further(self, name):
        """(wall, processor) seconds of a page beyond the first ones, by round."""
        sizes = sorted(pages for other, pages in self.cost if other == name)
        few, many = sizes[0], sizes[-1]
        return [
            tuple((b - a) / (many - few) for a, b in zip(first, last, strict=True))
            for first, last in zip(self.cost[name, few], self.cost[name, many], strict=True)
        ]

    def tell(self):
        for size in self.options.partners:
            own = size * len(self.notebooks)
            print(f"\n{', '.join(self.notebooks)}, {size} partners; time of the other way divided by the runner's, a page")
            for name in self.ways:
                print(f"{name}: {spread(self.ratios(name, own, 1))} CPU, {spread(self.ratios(name, own, 0))} wall")
        for name in ("runner", PLOOMBERS):
            if sum(other == name for other, _ in self.cost) > 1:
                wall, cpu = zip(*self.further(name), strict=True)
                print(f"a further page, {name}: {statistics.median(wall):.2f} s, {statistics.median(cpu):.2f} s CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--partners", type=int, nargs="+", default=[1, 10, 100], help="sizes of the runner's portfolios (default: 1 10 100)"
    )
    parser.add_argument("--pages", type=int, default=4, help="pages that the others build (default: 4)")
    parser.add_argument("--rounds", type=int, default=2, help="repetitions (default: 2)")
    parser.add_argument(
        "--notebook", nargs="+", default=["representative", PRODUCT], help="one comparison for each; all: every notebook of this product"
    )
    options = parser.parse_args()
    names = options.notebook
    if names == ["all"]:
        facts = {
            path.stem: json.loads(path.read_text())["metadata"]["catchment"] for path in (portfolio.ROOT / "notebooks").glob("*.ipynb")
        }
        names = sorted(name for name, each in facts.items() if each.get("audience", "leadership") == "leadership")
    folder = Path(tempfile.mkdtemp(prefix="catchment-bench-"))
    try:
        python = ploomber_python(folder)
        for name in names:
            sizes = (
                options.partners if name == "representative" else [size for size in options.partners if size <= 10] or options.partners[:1]
            )
            compared = Comparison(folder, (name,), argparse.Namespace(partners=sizes, pages=options.pages), python)
            for number in range(options.rounds):
                print(f"{name}, round {number + 1}", flush=True)
                compared.round()
            compared.tell()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
