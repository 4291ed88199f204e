"""Shared-patient files at scale: time and peak memory of import, one partner's slice, and the measures of a regional network.

    python tests/benchmarks/bench_referrals.py [--sizes 350000 3500000 35000000] [--folder FOLDER]

Each step runs in a process of its own, so that its peak memory is its own. The pairs are generated: a million clinicians in regions, heavy
tails, the layout of the published files. Import and slice go the product's own way (`catchment import`, `Tables.read`); the slice asks for 250
clinicians spread evenly over all of them, the worst case for a sorted file. Times are processor seconds, which other work on the machine does
not stretch; `step_cpu_s` holds the start of Python too. Floors: import below 2 GB, slice below 2 s, measures of 200,000 links below 10 s.

With --exact the sampled betweenness of the large network is compared with the exact one (five minutes).
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
SIZES = (350_000, 3_500_000, 35_000_000)
LINKS_EACH = 35


def generate(path: Path, size: int) -> None:
    """A file of `size` pairs in random order: seven in ten between neighbors, heavy tails."""
    import duckdb

    people = max(2_000, size // LINKS_EACH)
    far = people // (LINKS_EACH + 1)
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as con:
        con.execute(f"""
            COPY (SELECT 1000000000 + l AS a,
                         1000000000 + (l + 1 + CASE WHEN u < 0.7 THEN k * 40 + h % 40 ELSE k * {far} + h % {far} END) % {people} AS b,
                         p + p * (h % 9) // 10, p, p * (h % 4) // 10
                  FROM (SELECT (i * 7919) % {people} AS l, i // {people} AS k, hash(i) % 1000003 AS h, (hash(i + 17) % 1000) / 1000 AS u,
                               CAST(11 + least(3000, 6 / (0.002 + (hash(i + 29) % 1000) / 1000)) AS INTEGER) AS p
                        FROM range({size}) AS r(i)))
            TO '{path}' (FORMAT csv, HEADER false, QUOTE '')
        """)


def project(folder: Path, size: int) -> Path:
    """A project without tables, into which the pairs are imported."""
    root = folder / f"project_{size}"
    if not root.exists():
        shutil.copytree(ROOT / "params", root / "params")
        (root / "data").mkdir()
        (root / "data" / "catalog.yml").write_text("tables: {}\n")
    return root


def imported(folder: Path, size: int) -> dict[str, float]:
    from catchment.data import importing

    root, file = project(folder, size), folder / f"pairs_{size}_2015.txt"
    (found,) = importing.run("shared_patients_cms", [file], root=root, name="shared_patients")
    (parquet,) = (root / "data/imported/shared_patients").glob("*.parquet")
    return {
        "rows": found.rows,
        "rejected": found.rejected,
        "file_mb": file.stat().st_size / 1e6,
        "parquet_mb": parquet.stat().st_size / 1e6,
    }


def sliced(folder: Path, size: int) -> dict[str, float]:
    from catchment import data, params

    people = max(2_000, size // LINKS_EACH)
    npis = [str(1_000_000_000 + i) for i in range(7, people, max(1, people // 250))][:250]
    settings = params.load("dunes", root=project(folder, size))
    # A page has read other tables before: what is loaded once (the contracts' library) is not the slice's.
    data.Tables(settings).read("shared_patients", npi1=npis[:1])
    start, wall = time.process_time(), time.perf_counter()
    table = data.Tables(settings).read("shared_patients", npi1=npis)
    return {"rows": len(table), "slice_cpu_s": time.process_time() - start, "slice_wall_s": time.perf_counter() - wall}


def regional(links_n: int = 200_000, people: int = 12_000) -> pd.DataFrame:
    """A regional network with communities and heavy tails."""
    rng = np.random.default_rng(1)
    weight = rng.pareto(1.5, people) + 1
    group = rng.integers(0, 40, people)
    left, right = (rng.choice(people, 2 * links_n, p=weight / weight.sum()) for _ in range(2))
    for label in range(40):
        inside = np.flatnonzero((group[left] == label) & (rng.random(2 * links_n) < 0.7))
        right[inside] = rng.choice(np.flatnonzero(group == label), len(inside))
    pairs = pd.DataFrame({"npi1": left, "npi2": right}).query("npi1 != npi2").drop_duplicates().head(links_n) + 1_000_000_000
    return pairs.astype(str).assign(patients_n=rng.integers(11, 300, len(pairs)))


def measured(folder: Path, size: int) -> dict[str, float]:
    from catchment.stats import network

    links = regional()
    start = time.process_time()
    measures, modularity = network.metrics(links, seed=1)
    return {"rows": len(links), "clinicians": len(measures), "metrics_cpu_s": time.process_time() - start, "modularity": modularity}


def sampled(folder: Path, size: int) -> dict[str, float]:
    """How well the betweenness from sampled sources ranks the clinicians, against the exact one."""
    from catchment.stats import network

    links = regional()
    exact = network.betweenness(links, pivots=links["npi1"].nunique() + links["npi2"].nunique())
    told: dict[str, float] = {"rows": len(links)}
    for pivots in (64, 128, 200):
        some = network.betweenness(links, pivots=pivots, seed=1)
        told |= {
            f"rank_correlation_{pivots}": some.corr(exact, method="spearman"),
            f"top_50_shared_{pivots}": len(set(some.nlargest(50).index) & set(exact.nlargest(50).index)) / 50,
        }
    return told


def compared(folder: Path, size: int) -> dict[str, float]:
    """igraph against networkx on the same exact measures, on a network that networkx can still finish."""
    import networkx as nx

    from catchment.stats import network

    links = regional(6_000, 700)
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(
        links.assign(distance=1 / links["patients_n"])[["npi1", "npi2", "distance"]].itertuples(index=False), weight="distance"
    )
    times = {}
    for name, run in {
        "igraph_betweenness_s": lambda: network.betweenness(links),
        "networkx_betweenness_s": lambda: nx.betweenness_centrality(graph, weight="distance"),
        "scipy_closeness_s": lambda: network.closeness(links),
        "networkx_closeness_s": lambda: nx.closeness_centrality(graph, distance="distance"),
        "igraph_leiden_s": lambda: network.communities(links),
        "networkx_louvain_s": lambda: nx.community.louvain_communities(graph.to_undirected(), seed=1),
    }.items():
        start = time.process_time()
        run()
        times[name] = time.process_time() - start
    return {"rows": len(links), **times}


STEPS = {"import": imported, "slice": sliced, "metrics": measured, "libraries": compared, "exact": sampled}


def step(name: str, folder: Path, size: int) -> dict[str, float]:
    """Run one step in a process of its own and return what it told, with time and peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", name, "--folder", str(folder), "--sizes", str(size)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]) | {"step": name, "size": size}


def growth(results: list[dict]) -> list[str]:
    """How time and memory grew from the smallest to the largest size, against the size itself."""
    lines = []
    for name, time_column in (("import", "step_cpu_s"), ("slice", "slice_cpu_s")):
        small, large = ([result for result in results if result["step"] == name][place] for place in (0, -1))
        if large["size"] > small["size"]:
            lines.append(
                f"{name}: {large['size'] / small['size']:.0f} times the pairs took {large[time_column] / small[time_column]:.1f} times the time and {large['peak_mb'] / small['peak_mb']:.1f} times the memory"
            )
    return lines


def winners(times: dict[str, float]) -> list[str]:
    """Which library was faster at each measure."""
    found: dict[str, list[tuple[float, str]]] = {}
    for name, seconds in times.items():
        if name.endswith("_s") and not name.endswith("cpu_s"):
            library, _, measure = name.removesuffix("_s").partition("_")
            found.setdefault("communities" if measure in ("leiden", "louvain") else measure, []).append((seconds, library))
    ranked = {measure: sorted(pairs) for measure, pairs in found.items()}
    return [
        f"{measure}: {pairs[0][1]} won, {pairs[1][0] / pairs[0][0]:.0f} times as fast as {pairs[1][1]}" for measure, pairs in ranked.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES[:2])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--exact", action="store_true", help="compare sampled with exact betweenness")
    parser.add_argument("--step", choices=STEPS)
    options = parser.parse_args()
    if options.step:
        told = STEPS[options.step](options.folder, options.sizes[0])
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps(told | {"step_cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}))
        return
    folder = options.folder or Path(tempfile.mkdtemp(prefix="referrals-"))
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for size in options.sizes:
        generate(folder / f"pairs_{size}_2015.txt", size)
        results += [step("import", folder, size), step("slice", folder, size)]
        (folder / f"pairs_{size}_2015.txt").unlink()
    results += [step("metrics", folder, 0), step("libraries", folder, 0), *([step("exact", folder, 0)] if options.exact else [])]
    for result in results:
        print(
            "  ".join(
                f"{key} {value:,.2f}" if isinstance(value, float) else f"{key} {value:,}" if isinstance(value, int) else f"{value:>9}"
                for key, value in result.items()
            )
        )
    print(
        *growth(results),
        "pairs: DuckDB reads, sorts and slices them (neither igraph nor networkx holds 35 million)",
        *winners(next(item for item in results if item["step"] == "libraries")),
        sep="\n",
    )
    if options.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
