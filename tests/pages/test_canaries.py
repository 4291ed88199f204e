"""Names planted in each partner's private tables turn up in that partner's outputs and nowhere else."""

import csv
import gzip
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catchment.data import catalog
from catchment.run.site.trees import Trees

ROOT = Path(__file__).parents[2]
PARTNERS = ("dunes", "tallgrass")
NOTEBOOKS = ("02_referral_patterns", "07_donor_actions")
NAMES = {
    "name",
    "clinician",
    "organization",
    "donor",
    "funder",
    "purpose",
    "comment",
    "note",
    "title",
    "text",
    "risk",
    "decision",
    "action",
    "owner",
}


def canary(partner):
    return f"Zq7Canary{partner.capitalize()}"


def plant(path, partner, columns):
    """Put the canary before every name in a private file; returns how many were planted."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    present = [column for column in columns if rows and column in rows[0]]
    if not present:
        return 0
    for row in rows:
        row.update({column: f"{canary(partner)} {row[column]}" for column in present if row[column]})
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = out.getvalue().encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return len(rows) * len(present)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    project = tmp_path_factory.mktemp("planted")
    for folder in ("params", "data", "notebooks"):
        shutil.copytree(ROOT / folder, project / folder)
    for partner in PARTNERS:
        path = project / f"params/partners/{partner}.yml"
        path.write_text(path.read_text() + "\naudience: internal\n" if "\naudience:" not in path.read_text() else path.read_text())
        counts = 0
        for entry in catalog.tables(project).values():
            if "{partner}" in (entry.path or ""):
                names = [
                    column.source or key
                    for key, column in entry.columns.items()
                    if key in NAMES and key not in entry.key and not column.references and column.type == "text"
                ]
                counts += sum(plant(path, partner, names) for path in (project / "data").glob(entry.path.replace("{partner}", partner)))
        assert counts > 100
    reports = project / "reports"
    command = [sys.executable, "-m", "catchment.cli", "run", "--reports", str(reports)]
    for option, values in (("--partner", PARTNERS), ("--notebook", NOTEBOOKS)):
        command += [option, *values]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(project)}, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return reports, done.stdout + done.stderr


def holds(path, word):
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return word.encode() in content


@pytest.mark.slow
@pytest.mark.parametrize("partner", PARTNERS)
def test_a_canary_is_found_in_its_own_partners_outputs_only(planted, partner):
    reports, _ = planted
    trees = Trees.of(reports.parent)
    files = [path for tree in (trees.leadership, trees.internal) for path in tree.rglob("*") if path.is_file()]
    found = [path.relative_to(reports.parent) for path in files if holds(path, canary(partner))]
    own = [path for path in found if partner in path.parts]
    assert own, "an internal page names its own clinicians and donors; without that this test could not fail"
    assert found == own, f"in {[str(path) for path in found if path not in own]}"


@pytest.mark.slow
def test_what_the_run_prints_names_nobody(planted):
    _, told = planted
    assert not any(canary(partner) in told for partner in PARTNERS)


def people():
    """Names of the demo's clinicians and donors: the first two words of each."""
    found = set()
    for partner in ("dunes", "northpoint", "riverbend", "tallgrass"):
        for path in (ROOT / "data/demo").rglob(f"*_{partner}.csv*"):
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            rows = list(csv.DictReader(io.StringIO(raw.decode())))
            if path.name.startswith("clinicians"):
                found |= {(row["given_name"], row["family_name"]) for row in rows}
            elif path.name.startswith("donors"):
                found |= {tuple(row["name"].split()[:2]) for row in rows}
    return found


def named(tree):
    """Who of them is named in a tree, with the file."""
    known = people()
    assert len(known) > 1000
    for path in tree.rglob("*"):
        if path.is_file():
            words = re.findall(r"[\w.'’-]+", path.read_text(encoding="utf-8", errors="replace"))
            for pair in known.intersection(itertools.pairwise(words)):
                yield path.relative_to(tree).as_posix(), pair


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_the_demos_leadership_tree_names_no_clinician_and_no_donor(demo_reports):
    assert sorted(named(demo_reports)) == []


@pytest.mark.slow
def test_people_are_named_in_the_internal_tree_alone(planted):
    reports, _ = planted
    trees = Trees.of(reports.parent)
    assert list(named(trees.leadership)) == []
    assert {path for path, _ in named(trees.internal)} >= {f"{partner}/{notebook}.html" for partner in PARTNERS for notebook in NOTEBOOKS}
