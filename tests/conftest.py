"""What tests share: the demo's pages, built once by the real runner."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

import catchment.params  # noqa: F401 - before the tests' other imports: it takes ten times as long after them
from catchment.run.site.trees import Trees

ROOT = Path(__file__).parents[1]

# The same examples each time, and no clock: a busy machine must not fail a property.
settings.register_profile("catchment", deadline=None, derandomize=True)
settings.load_profile("catchment")


def pytest_collection_modifyitems(items):
    """The runner's own tests first, then the file that builds the demo's pages, the long ones, and those that wait for the pages.

    What a page reads is witnessed in forks of the test process, which must not have read it before: these tests need a fresh one.
    """
    demo = [item.path for item in items if "demo_reports" in item.fixturenames]
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def turn(item):
        if item.path not in demo and item.path.parent.name == "run":
            return -2 if item.path.stem in ("test_never_stale", "test_witness") else -1
        return 0 if item.path in demo[:1] else 2 if item.path in demo else 1 if item.path in slow else 3

    items.sort(key=turn)


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
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(ROOT)}, check=False
            )
            (shared / "demo-built.json").write_text(json.dumps({"code": done.returncode, "told": done.stdout + done.stderr}))
    told = json.loads((shared / "demo-built.json").read_text())
    assert told["code"] == 0, told["told"]
    return reports


@pytest.fixture(scope="session")
def demo_pages(demo_reports) -> dict[tuple[str, str], Path]:
    """(partner, notebook) -> the finished page, for every partner and notebook of the demo."""
    entries = json.loads((demo_reports / "manifest.json").read_text())["pages"].values()
    return {(entry["partner"], entry["notebook"]): demo_reports / entry["path"] for entry in entries}


NOTES = """\
  notes:
    title: Notes
    path: notes.csv
    producer: a test
    edition: "2025"
    simulated: true
    scope: partner
    key: [partner, note]
    columns:
      partner: {type: text, meaning: partner id}
      note: {type: text, meaning: what was noted}
"""


class Project:
    """A small project in a folder of its own: the demo's settings and data, notebooks made for a test, and a table `notes`."""

    def __init__(self, root: Path):
        self.root = root
        shutil.copytree(ROOT / "params", root / "params")
        (root / "notebooks").mkdir()
        (root / "data").mkdir()
        for name in ("public", "demo"):
            (root / "data" / name).symlink_to(ROOT / "data" / name)
        self.catalog = root / "data" / "catalog.yml"
        self.catalog.write_text((ROOT / "data" / "catalog.yml").read_text().replace("\ntables:\n", f"\ntables:\n{NOTES}", 1))
        self.notes = root / "data" / "notes.csv"
        self.notes.write_text("partner,note\ndunes,first\ndunes,second\ntallgrass,third\n")
        self.trees = Trees.of(root)
        self.reports, self.internal, self.state = self.trees.leadership, self.trees.internal, self.trees.state

    def notebook(self, name: str, *cells: str, **metadata) -> Path:
        """Write a notebook of a parameters cell and these code cells (text that starts with `#!` is prose)."""
        import nbformat
        from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

        first = new_code_cell('partner: str = "tallgrass"  # partner id', metadata={"tags": ["parameters"]})
        rest = [new_markdown_cell(cell[2:].strip()) if cell.startswith("#!") else new_code_cell(cell) for cell in cells]
        made = [first, *rest]
        for number, cell in enumerate(made, start=1):
            cell.id = f"cell-{number:02d}"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        facts = {"title": name.replace("_", " "), "order": 1, "needs": []} | metadata
        path = self.root / "notebooks" / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=made, metadata={"kernelspec": kernel, "catchment": facts}), path)
        return path

    def partner(self, name: str, text: str = "") -> Path:
        """A further partner like tallgrass, with lines of YAML added."""
        path = self.root / "params" / "partners" / f"{name}.yml"
        path.write_text((ROOT / "params" / "partners" / "tallgrass.yml").read_text() + text)
        return path

    def own_notes(self, partner: str, *notes: str) -> Path:
        """The partner's own table `notes`, in its own folder."""
        path = self.root / "data" / "partners" / partner / "notes.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["note", *notes, ""]))
        return path

    def only(self, *partners: str) -> None:
        """Leave these partners alone."""
        for path in (self.root / "params" / "partners").glob("*.yml"):
            if path.stem not in partners:
                path.unlink()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """`catchment run` with these arguments, to its end."""
        return self.command("run", *arguments, **environment)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.words(*arguments), capture_output=True, text=True, cwd=self.root, env=self.environment(**environment), check=False
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """A command that is not waited for."""
        return subprocess.Popen(
            self.words(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.root,
            env=self.environment(**environment),
        )

    @staticmethod
    def words(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "catchment.cli", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "CATCHMENT_ROOT": str(self.root), **more}

    def manifest(self) -> dict:
        return json.loads((self.reports / "manifest.json").read_text())


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("shared") / "project")
