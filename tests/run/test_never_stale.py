"""Random sequences of changes: after each, a run that builds what it thinks is out of date leaves the bytes that a run of everything leaves.

The real runner with the real witness, in processes forked from the test's; the cells run without Papermill and without a template, so
that a page costs a few hundredths of a second. `CATCHMENT_SEQUENCES` sets how many sequences there are.
"""

import contextlib
import io
import json
import os
import pickle
import random
import re
import shutil
import tempfile
import time
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path

import pytest

import catchment.data.load  # noqa: F401 - once, not in each fork
from catchment.run import library, memory, runner
from catchment.run.build import server, witness
from catchment.run.build.job import Built
from catchment.run.runner import Options
from catchment.run.site.trees import Trees
from conftest import NOTES

QUIET = {"show": lambda text: None}
SEQUENCES = int(os.environ.get("CATCHMENT_SEQUENCES", "8"))
STEPS = 5
SURVEYED = cache(library.survey)

TABLES = f"""\
tables:
{NOTES}
  parts:
    title: Parts
    path: parts/*.csv
    producer: a test
    edition: "2025"
    key: [note]
    columns:
      note: {{type: text, meaning: what was noted}}
  extra:
    title: Extra
    path: extra.csv
    producer: a test
    edition: "2025"
    optional: true
    columns:
      note: {{type: text, meaning: what was noted}}
"""
FIRST = """\
import os, beside
from pathlib import Path
from catchment import data, params
settings = params.load(partner)
tables = data.Tables(settings)
print(tables.read("notes", allow_empty=True)["note"].tolist(), tables.has("extra"), tables.source("notes"), beside.word())
print(os.environ.get("WORD"), Path("../free.txt").read_text() if Path("../free.txt").exists() else "none", settings.max_age_days)
"""
SECOND = """\
from catchment import data, params
tables = data.Tables(params.load(partner))
print(tables.read("parts")["note"].tolist(), [origin.sha8 for origin in tables.used], params.load(partner).market.psa_share)
try:
    print(len(tables.read("imported", allow_empty=True)))
except data.DataError as error:
    print(error)
"""
BRIEF = """\
import importlib
from catchment import page
print({name: each["takeaways"] for name, each in page.needed().items()}, importlib.import_module("below").WORD)
"""


class Apart(Executor):
    """Runs each page's cells in a fork of this process."""

    workers = 2

    def __init__(self):
        self.pages = []

    def submit(self, fn, /, job):
        self.pages.append(job.page)
        future = Future()
        with tempfile.TemporaryDirectory() as folder:
            child = os.fork()
            if child == 0:
                Path(folder, "built").write_bytes(pickle.dumps(built(job, folder)))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            future.set_result(pickle.loads(Path(folder, "built").read_bytes()))
        return future


def built(job, folder):
    os.environ["CATCHMENT_ROOT"], os.environ["CATCHMENT_AUDIENCE"], os.environ["CATCHMENT_NEEDED"] = (
        job.root,
        job.audience,
        f"{folder}/needed",
    )
    Path(folder, "needed").write_text(json.dumps(job.needs))
    os.chdir(Path(job.root, "notebooks"))
    witness.start(job.root, job.partner, folder)
    cells = [cell for cell in json.loads(job.source)["cells"] if cell["cell_type"] == "code"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        names = dict(job.parameters)
        for cell in cells[1:]:
            exec(compile("".join(cell["source"]), "<ipython-input>", "exec"), names)
    notes = witness.record()
    assert not notes["moved"]
    text = f"<p>{job.page} {job.others} {said.getvalue()} <time>{job.produced}</time></p>"
    return Built(job.page, html=text.encode(), reads=notes, headlines={"takeaways": said.getvalue().splitlines()[:1]})


class World:
    """A tiny project, and the ways in which it may change."""

    def __init__(self, project, chance, monkeypatch):
        self.project, self.chance, self.monkeypatch = project, chance, monkeypatch
        self.root, self.data = project.root, project.root / "data"
        self.count = 0
        project.only("dunes", "tallgrass")
        project.catalog.write_text(TABLES)
        self.write("notebooks/beside.py", "from below import WORD\ndef word(): return WORD\n")
        self.write("notebooks/below.py", "WORD = 'a'\n")
        self.write("data/parts/a.csv", "note\none\n")
        project.notebook("01_first", FIRST, order=1)
        project.notebook("02_second", SECOND, order=2)
        project.notebook("03_brief", BRIEF, order=0, needs=["01_first"])

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def new(self):
        self.count += 1
        return f"w{self.count}"

    def partner(self):
        return self.root / "params" / "partners" / f"{self.chance.choice(['dunes', 'tallgrass'])}.yml"

    def change(self):
        """One change at random; its name."""
        names = [name for name in dir(self) if name.startswith("do_")]
        name = self.chance.choice(names)
        getattr(self, name)()
        return name

    # Files.

    def do_rows(self):
        self.project.notes.write_text(self.project.notes.read_text() + f"{self.chance.choice(['dunes', 'tallgrass'])},{self.new()}\n")

    def do_the_same_rows_in_another_form(self):
        self.project.notes.write_bytes(self.project.notes.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def do_one_letter_with_size_and_time_kept(self):
        path, times = self.project.notes, self.project.notes.stat()
        path.write_bytes(re.sub(rb"first|fjrst", lambda found: b"fjrst" if found[0] == b"first" else b"first", path.read_bytes()))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def do_an_older_file_in_its_place(self):
        aside = self.data / "aside"
        aside.write_text(self.project.notes.read_text() + f"dunes,{self.new()}\n")
        os.utime(aside, (1_000_000_000, 1_000_000_000))
        aside.replace(self.project.notes)

    def do_one_more_file_of_a_glob(self):
        self.write(f"data/parts/{self.chance.choice('bcd')}.csv", f"note\n{self.new()}\n")

    def do_one_file_less_of_a_glob(self):
        for path in sorted(self.data.glob("parts/[bcd].csv"))[:1]:
            path.unlink()

    def do_an_optional_table(self):
        path = self.data / "extra.csv"
        path.unlink() if path.exists() else path.write_text("note\nx\n")

    def do_a_free_file(self):
        path = self.root / "free.txt"
        path.unlink() if path.exists() and self.chance.random() < 0.5 else path.write_text(self.new())

    # Imports.

    def do_an_import(self):
        self.project.own_notes(self.partner().stem, self.new())

    def do_an_imports_removal(self):
        shutil.rmtree(self.data / "partners" / self.partner().stem, ignore_errors=True)

    def do_a_first_import_of_a_table(self):
        self.write("data/imported.csv", f"note\n{self.new()}\n")
        entry = "  imported:\n    title: I\n    path: imported.csv\n    producer: a\n    edition: b\n    columns:\n      note: {type: text, meaning: note}\n"
        text = self.project.catalog.read_text()
        self.project.catalog.write_text(text.replace(entry, "") if entry in text else text + entry)

    def do_the_catalog(self):
        text = self.project.catalog.read_text()
        self.project.catalog.write_text(
            re.sub(r"title: Notes\w*", f"title: Notes{self.new()}", text) if self.chance.random() < 0.5 else f"# {self.new()}\n{text}"
        )

    # Settings.

    def do_a_setting(self):
        path = self.partner()
        path.write_text(re.sub(r"\nmax_age_days: \d+", "", path.read_text()) + f"\nmax_age_days: {self.chance.randrange(50, 99)}\n")

    def do_a_comment(self):
        path = self.chance.choice([self.partner(), self.root / "params" / "portfolio.yml"])
        path.write_text(f"# {self.new()}\n" + path.read_text())

    def do_an_assumption(self):
        path = self.partner()
        text = re.sub(r"\nmarket: \{psa_share: [\d.]+\}\n", "", path.read_text())
        path.write_text(text + f"\nmarket: {{psa_share: 0.{self.chance.randrange(5, 9)}}}\n" if "\nmarket:" not in text else text)

    # Code.

    def do_a_module(self):
        self.write("notebooks/below.py", f"WORD = {self.new()!r}\n")

    def do_a_module_of_a_module(self):
        self.write("notebooks/beside.py", f"from below import WORD\ndef word(): return WORD + {self.new()!r}\n")

    def do_a_notebook(self):
        self.project.notebook("02_second", SECOND, f"print({self.new()!r})", order=2)

    def do_a_title(self):
        self.project.notebook("01_first", FIRST, order=1, title=self.new())

    def do_one_more_notebook(self):
        path = self.root / "notebooks" / "04_more.ipynb"
        path.unlink() if path.exists() else self.project.notebook("04_more", "print(partner)", order=4)

    # What is around.

    def do_a_variable(self):
        self.monkeypatch.setenv("WORD", self.new())

    def do_the_clock(self):
        ahead = self.chance.choice([-400_000_000, 0, 400_000_000])
        self.monkeypatch.setattr(memory.time, "time", lambda real=time.time: real() + ahead)
        os.utime(self.project.notes, (time.time() + ahead,) * 2)

    def do_a_page_edited(self):
        for path in self.chance.sample(sorted(self.project.reports.rglob("*.html")), 1):
            path.write_bytes(path.read_bytes()[:-1] + b"!")

    def do_a_page_lost(self):
        for path in self.chance.sample(sorted(self.project.reports.rglob("*.html")), 1):
            path.unlink()

    def do_a_partner_less_or_more(self):
        path = self.root / "params" / "partners" / "meadow.yml"
        path.unlink() if path.exists() else path.write_text((self.root / "params" / "partners" / "tallgrass.yml").read_text())


def timeless(path):
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{8}T\d{6}Z-\w{4}", "", path.read_text())


def standing(trees):
    """Path -> text, apart from times, of all present pages of both trees; what earlier runs left is theirs."""
    return {
        path.relative_to(tree): timeless(path) for tree in (trees.leadership, trees.internal) for path in sorted(tree.glob("*/0*.html"))
    }


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_a_run_of_what_changed_leaves_what_a_run_of_everything_leaves(project, monkeypatch, seed):
    server.ask_nothing()
    made = Apart()
    monkeypatch.setattr(library, "survey", SURVEYED)
    monkeypatch.setattr(runner._Run, "_executor", lambda self, pages: made)
    monkeypatch.delenv("WORD", raising=False)
    world = World(project, random.Random(seed), monkeypatch)
    told = []
    for step in range(STEPS):
        changes = [world.change() for _ in range(world.chance.randint(1, 3))] if step else []
        told.append(changes)
        said = {str(page): standing for page, standing in runner.standings(project.root, project.trees).items()}
        made.pages.clear()
        assert runner.run(project.root, **QUIET).code == 0, told
        surely, maybe = (
            {page for page, each in said.items() if found(each)} for found in (lambda each: each.reasons, lambda each: each.waits)
        )
        assert surely <= set(made.pages) <= surely | maybe, f"`why` and the run do not agree after {told}"
        forced = Trees.of(project.root, project.root / "forced")
        for source, target in ((project.reports, forced.leadership), (project.internal, forced.internal)):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        assert runner.run(project.root, Options(force=True, reports=forced.leadership), **QUIET).code == 0
        assert standing(project.trees) == standing(forced), told
        made.pages.clear()
        assert runner.run(project.root, **QUIET).code == 0 and made.pages == [], f"built again without a change after {told}"


def test_the_sequences_are_many_and_their_changes_of_every_kind():
    assert SEQUENCES * STEPS >= 40 and len([name for name in dir(World) if name.startswith("do_")]) >= 25
