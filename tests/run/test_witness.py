"""What a page depends on is what its process noted: every kind of change is told, and what is no change rebuilds nothing."""

import os
import sqlite3
from dataclasses import replace

import pandas as pd
import pytest

from catchment.run import plan, runner
from catchment.run.runner import Options

pytestmark = pytest.mark.slow
QUIET = {"show": lambda text: None}

OPTIONAL = """\
  extra:
    title: Extra
    path: extra.csv
    producer: a test
    edition: "2025"
    optional: true
    key: [note]
    columns:
      note: {type: text, meaning: what was noted}
  parts:
    title: Parts
    path: parts/*.csv
    producer: a test
    edition: "2025"
    key: [note]
    columns:
      note: {type: text, meaning: what was noted}
"""
TABLES = "from catchment import data, params\ntables = data.Tables(params.load(partner))"

# By name: the cells, the path below the project or the variable that changes, what `why` says then.
KINDS = {
    "module": ("import beside\nbeside.WORD", "notebooks/beside.py", "file notebooks/beside.py changed"),
    "importlib": ("import importlib\nimportlib.import_module('beside').WORD", "notebooks/beside.py", "file notebooks/beside.py changed"),
    "module of a module": ("import beside", "notebooks/below.py", "file notebooks/below.py changed"),
    "run": ("%run beside.py", "notebooks/beside.py", "file notebooks/beside.py changed"),
    "exec": ("exec(open('beside.py').read())", "notebooks/below.py", "file notebooks/below.py changed"),
    "path of a module": (
        "import importlib.util as u\ns = u.spec_from_file_location('m', 'beside.py'); s.loader.exec_module(u.module_from_spec(s))",
        "notebooks/beside.py", "file notebooks/beside.py changed",
    ),
    "csv": ("import pandas as pd\nlen(pd.read_csv('../free.csv'))", "free.csv", "file free.csv changed"),
    "no such file": ("from pathlib import Path\ntry:\n    Path('../absent.csv').read_text()\nexcept OSError:\n    'none'", "absent.csv", "file absent.csv is new"),
    "exists": ("from pathlib import Path\nPath('../absent.csv').exists()", "absent.csv", "file absent.csv is new"),
    "glob": ("from pathlib import Path\nsorted(Path('../folder').glob('*'))", "folder/new.csv", "folder folder changed"),
    "listdir": ("import os\nos.listdir('../folder')", "folder/new.csv", "folder folder changed"),
    "sqlite": ("import sqlite3\nsqlite3.connect('../base.db').execute('select 1').fetchall()", "base.db", "file base.db changed"),
    "shapes": ("import geopandas\nlen(geopandas.read_file('../free.geojson'))", "free.geojson", "file free.geojson changed"),
    "parquet": ("import pyarrow.parquet as pq\npq.read_table('../free.parquet').num_rows", "free.parquet", "file free.parquet changed"),
    "variable": ("import os\nos.environ.get('WORD_OF_A_TEST')", "$WORD_OF_A_TEST", "variable WORD_OF_A_TEST is new"),
    "getenv": ("import os\nos.getenv('WORD_OF_A_TEST')", "$WORD_OF_A_TEST", "variable WORD_OF_A_TEST is new"),
    "expandvars": ("import os\nos.path.expandvars('$WORD_OF_A_TEST')", "$WORD_OF_A_TEST", "variable WORD_OF_A_TEST is new"),
    "all variables": ("import os\nlen(dict(os.environ))", "$WORD_OF_A_TEST", "variable * changed"),
    "optional table": (f"{TABLES}\ntables.has('extra')", "data/extra.csv", "file data/extra.csv is new"),
    "empty table": (f"{TABLES}\nlen(tables.read('extra', allow_empty=True))", "data/extra.csv", "file data/extra.csv is new"),
    "file of a glob": (f"{TABLES}\nlen(tables.read('parts'))", "data/parts/b.csv", "file data/parts/b.csv is new"),
    "source of a table": (f"{TABLES}\ntables.source('parts')", "data/parts/a.csv", "file data/parts/a.csv changed"),
}  # fmt: skip
POINT = """\
{"type": "FeatureCollection", "features": [
  {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [0, 0]}}]}
"""
SAME = {  # cells that depend on nothing that may differ between two machines or times
    "time zone": ("import time\nassert time.tzname[0] == 'UTC'", {"TZ": "Asia/Tokyo"}),
    "subprocess": ("import subprocess\nsubprocess.run(['true'], check=True)", {"PATH": os.environ["PATH"] + ":/elsewhere"}),
    "plot": ("import matplotlib.pyplot as plt\nplt.plot([1, 2]); None", {"COLUMNS": "33", "WORD_OF_A_TEST": "x"}),
    "own file": ("from pathlib import Path\nPath('own.txt').write_text('x')\nPath('own.txt').read_text()", {}),
    "chance": ("import random\nimport numpy as np\nprint(random.random(), np.random.rand())", {}),
}


def name(number, kind):
    return f"{number:02d}_{kind.replace(' ', '_')}"


NAMES = {kind: name(number, kind) for number, kind in enumerate([*KINDS, *SAME])}


@pytest.fixture(scope="module")
def built(shared_project):
    """One page for each kind of thing to depend on, built by the real runner."""
    project = shared_project
    project.only("dunes")
    for kind, (cells, *_) in [*KINDS.items(), *SAME.items()]:
        project.notebook(NAMES[kind], *cells.split("\n\n"))
    project.catalog.write_text(project.catalog.read_text().replace("\ntables:\n", f"\ntables:\n{OPTIONAL}", 1))
    files = {
        "notebooks/beside.py": "from below import WORD\n", "notebooks/below.py": "WORD = 'a'\n", "free.csv": "a\n1\n", "free.geojson": POINT, "folder/old.csv": "",
        "data/parts/a.csv": "note\none\n",
    }  # fmt: skip
    for file, text in files.items():
        path = project.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sqlite3.connect(project.root / "base.db").close()
    pd.DataFrame({"a": [1]}).to_parquet(project.root / "free.parquet")
    summary = runner.run(project.root, Options(jobs=2), **QUIET)
    assert summary.code == 0, summary.failed
    return project


def why(project, kind):
    (standing,) = runner.standings(project.root, project.trees, ("dunes",), (NAMES[kind],)).values()
    return standing.reasons


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_what_a_page_read_is_told(built, kind, monkeypatch):
    _, what, told = KINDS[kind]
    assert why(built, kind) == []
    if what.startswith("$"):
        monkeypatch.setenv(what[1:], "said")
        assert why(built, kind) == [told]
        return
    path = built.root / what
    before = path.read_bytes() if path.exists() else None
    path.write_bytes((before or b"note\n") + b"\n# changed\n")
    try:
        assert why(built, kind) == [told]
    finally:
        path.unlink() if before is None else path.write_bytes(before)
    assert why(built, kind) == []


@pytest.mark.parametrize("kind", SAME)
def test_what_differs_between_machines_and_times_is_no_change(built, kind, monkeypatch):
    for variable, value in SAME[kind][1].items():
        monkeypatch.setenv(variable, value)
    assert why(built, kind) == []


def test_chance_is_the_same_in_every_run(built):
    before = (built.reports / "dunes" / f"{NAMES['chance']}.html").read_text().split("<time")[0]
    summary = runner.run(built.root, Options(notebooks=(NAMES["chance"],), force=True), **QUIET)
    assert summary.code == 0
    assert (built.reports / "dunes" / f"{NAMES['chance']}.html").read_text().split("<time")[0] == before


@pytest.mark.parametrize("engine", ["catchment", "catchment-kernel"])
def test_a_page_whose_settings_change_while_it_is_built_is_not_taken(project, engine):
    project.only("dunes")
    path = project.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {retries: 0}\n")
    project.notebook("01_one", f"open({str(path)!r}, 'a').write('# more')")
    done = project.run("--engine", engine)
    assert done.returncode == 1 and "params/partners/dunes.yml changed while the page was built" in done.stderr


def test_both_engines_note_the_same(project):
    project.only("dunes")
    (project.root / "notebooks" / "beside.py").write_text("WORD = 1\n")
    project.notebook("01_one", f"import beside\n{TABLES}\nlen(tables.read('notes'))")
    noted = []
    for engine in ("catchment", "catchment-kernel"):
        assert project.run("--force", "--engine", engine).returncode == 0
        inputs = project.manifest()["pages"]["dunes/01_one"]["inputs"]
        noted.append(inputs | {"library": ""})
    assert noted[0] == noted[1] and noted[0]["beside"]


def test_a_notebook_is_what_it_shows_and_not_how_it_was_edited(project):
    project.notebook("01_one", "1")
    book = plan.notebooks(project.root)["01_one"]
    from catchment.run.fingerprint import Fingerprints

    def digest(source):
        found = Fingerprints(project.root, project.state)
        found.__dict__["notebooks"] = {"01_one": replace(book, source=source)}
        return found.notebook("01_one")

    assert digest(book.source) == digest(book.source.replace('"execution_count": null', '"execution_count": 7'))
    for old, new in (('"title": "01 one"', '"title": "other"'), ('"order": 1', '"order": 1, "sheets": 2')):
        assert digest(book.source) != digest(book.source.replace(old, new))
