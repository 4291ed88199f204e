"""Market analysis at scale: CPU of one region's analysis, and a national flow file reduced to one partner's slice.

    python tests/benchmarks/bench_market.py [--partner tallgrass] [--rows 1000000 3000000 10000000 30000000] [--folder FOLDER]

Floors: the analysis of the fifteen counties below 3 s of CPU (reading and drawing apart); a million rows of flows (5,000 hospitals x 200
ZIPs) in Parquet reduced to one partner's ZIPs below 1 s. Both are also shown from 1x to 30x. The national file is generated.
"""

import argparse
import ast
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

# One thread for linear algebra, as in a runner's job: idle threads that spin would count as CPU.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import nbformat
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
ZIPS_EACH = 200


def clocks(action) -> tuple[object, float, float]:
    """Result, wall seconds and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def analysis(partner: str) -> tuple[list[dict], dict]:
    """CPU of each analysis statement of the notebook: reads of tables and drawing are left out."""
    names, rows = {}, []
    for cell in nbformat.read(ROOT / "notebooks/01_market_analysis.ipynb", 4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            source = ast.unparse(node)
            if isinstance(node, ast.Expr):
                continue
            code = compile(ast.Module([node], []), cell.id, "exec")
            _, wall, cpu = clocks(lambda code=code: exec(code, names))
            apart = (
                "tables.read" in source
                or "tables.geometry" in source
                or "data.Tables" in source
                or "params.load" in source
                or isinstance(node, ast.Import | ast.ImportFrom)
                or any(drawing in source for drawing in ("plots.", "maps.", "zip_map("))
            )
            rows.append({"statement": source.split("=")[0].strip()[:40], "apart": apart, "wall_s": wall, "cpu_s": cpu})
        if "parameters" in cell.metadata.get("tags", []):
            names["partner"] = partner
    return rows, names


def larger(flows: pd.DataFrame, times: int) -> pd.DataFrame:
    """The region's flows of one year, `times` over with new ZIPs."""
    return pd.concat([flows.assign(zip=flows["zip"] + f"-{i}") for i in range(times)], ignore_index=True)


def growth(names: dict) -> list[dict]:
    """Share, concentration and patient-flow HHI of flows 1x to 30x the region's."""
    market, rows = names["market"], []
    for times in (1, 3, 10, 30):
        flows = larger(names["latest"], times)
        _, wall, cpu = clocks(
            lambda flows=flows: (market.share(flows), market.concentration_by_year(flows), market.patient_flow_hhi(flows, owner="system"))
        )
        rows.append({"times": times, "rows": len(flows), "wall_s": wall, "cpu_s": cpu})
    return rows


def national(folder: Path, rows: int) -> Path:
    """A project folder whose `hospital_flows` is a Parquet file of `rows` generated flows, sorted by ZIP as a yearly import leaves it."""
    import duckdb

    root = folder / f"national_{rows}"
    (root / "data/demo").mkdir(parents=True)
    shutil.copytree(ROOT / "params", root / "params")
    zips = rows // ZIPS_EACH  # each of these is served by 200 hospitals: 5,000 hospitals at a million rows
    with duckdb.connect(config={"threads": 2, "memory_limit": "1GB"}) as con:
        con.execute(f"""
            COPY (SELECT 2023 AS year, printf('%06d', (i * 7919 + i // {ZIPS_EACH}) % 5000) AS ccn, printf('%05d', 10000 + (i // {ZIPS_EACH}) % 89999) AS zip,
                         CASE WHEN hash(i) % 100 < 80 THEN NULL ELSE 11 + hash(i + 1) % 90 END AS cases_n
                  FROM range({zips * ZIPS_EACH}) AS r(i) ORDER BY zip, ccn)
            TO '{root / "data/demo/flows.parquet"}' (FORMAT parquet)
        """)
    (root / "data/catalog.yml").write_text(
        "tables:\n  hospital_flows:\n    title: Generated national flows\n    path: demo/flows.parquet\n    producer: this benchmark\n    edition: '2023'\n    published: '2025'\n"
        "    accessed: 2026-11-21\n    license: none\n    simulated: true\n    suppress_below: 11\n    scope: none\n    key: [year, ccn, zip]\n    period: year\n    columns:\n"
        "      year: {type: integer, meaning: year}\n      ccn: {type: text, meaning: hospital}\n      zip: {type: text, meaning: ZIP}\n"
        "      cases_n: {type: integer, nullable: true, min: 0, meaning: stays}\n"
    )
    return root


def slices(folder: Path, sizes: list[int]) -> list[dict]:
    """Seconds to reduce national files to the flows of one partner's 60 ZIPs."""
    from catchment import data, params

    rows, wanted = [], [f"{10000 + i:05d}" for i in np.linspace(0, 4000, 60).astype(int)]
    for size in sizes:
        root = national(folder, size)
        settings = params.load("tallgrass", root=root)
        part, wall, cpu = clocks(lambda root=root, settings=settings: data.Tables(settings, root=root).read("hospital_flows", zip=wanted))
        rows.append(
            {
                "rows": size,
                "slice_rows": len(part),
                "file_mb": (root / "data/demo/flows.parquet").stat().st_size / 1e6,
                "wall_s": wall,
                "cpu_s": cpu,
            }
        )
        shutil.rmtree(root)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partner", default="tallgrass")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000, 30_000_000])
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    steps, names = analysis(asked.partner)
    table = pd.DataFrame(steps)
    print(table.loc[~table["apart"]].nlargest(12, "cpu_s").to_string(index=False, float_format="{:.2f}".format))
    print(
        f"analysis {table.loc[~table['apart'], 'cpu_s'].sum():.2f} s CPU (floor 3); reading and drawing {table.loc[table['apart'], 'cpu_s'].sum():.2f} s CPU"
    )
    grown = growth(names)
    print(pd.DataFrame(grown).to_string(index=False, float_format="{:.2f}".format))
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        sliced = slices(Path(folder), asked.rows)
    print(pd.DataFrame(sliced).to_string(index=False, float_format="{:.2f}".format))
    print(
        json.dumps(
            {"analysis_cpu_s": round(float(table.loc[~table["apart"], "cpu_s"].sum()), 2), "growth": grown, "slices": sliced}, default=float
        )
    )


if __name__ == "__main__":
    main()
