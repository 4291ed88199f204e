"""Runs: what is built and why, what is published, what failures leave, what a killed run leaves.

The real runner with an executor that answers at once; the real command is in test_run_command.py.
"""

import copy
import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import zlib
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from catchment import cli, data, params
from catchment.data import lock, reads
from catchment.run import library, plan, runner
from catchment.run.build.job import Built, Failure, Job
from catchment.run.runner import Options
from catchment.run.site import audit, history, manifest, store

QUIET = {"show": lambda text: None}


class Instant(Executor):
    """Answers every job at once, with a page that holds what the job and the data say; `fail` names failures by page."""

    workers = 2

    def __init__(self):
        self.jobs, self.fail, self.tables, self.asked_once = [], {}, ("notes",), None

    def submit(self, fn, /, job):
        self.jobs.append(job)
        future = Future()
        future.set_result(self.build(job))
        return future

    def build(self, job):
        failures = self.fail.get(job.page, [])
        if failures:
            return Built(job.page, failure=failures.pop(0), notebook=job.source)
        if self.asked_once is not None:
            return Built(job.page, html=b"<p>page</p>", reads=json.loads(self.asked_once.replace("tallgrass", job.partner)))
        rows, tables = read(job, self.tables)
        text = f"<p>{job.partner} {job.notebook} {rows} {job.needs} <time>{job.produced}</time></p>"
        noted = {"tables": tables, "modules": plan.source_imports(json.loads(job.source)["cells"])}
        return Built(job.page, html=text.encode(), reads=noted, headlines={"takeaways": [f"{job.page} has {rows}"]}, peak_mb=100)

    @property
    def pages(self):
        return sorted(job.page for job in self.jobs)


def read(job, names):
    """Rows of each table, and what reading them noted, as in a page's process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        reads.pin(Path(folder))
        try:
            reader = data.Tables(params.load(job.partner, root=Path(job.root)))
            return [len(reader.read(name, allow_empty=True)) for name in names], copy.deepcopy(reads.journal.plain())
        finally:
            for kept in (reads._folder, reads._listed, reads._copies, reads._known, reads.journal):
                kept.clear()


SURVEYED = cache(library.survey)  # the package's own source does not change between tests


@pytest.fixture
def instant(monkeypatch):
    made = Instant()
    monkeypatch.setattr(library, "survey", SURVEYED)
    monkeypatch.setattr(runner._Run, "_executor", lambda self, pages: made)
    return made


@pytest.fixture
def two(project, instant):
    """Two partners, two notebooks, all built once."""
    project.only("dunes", "tallgrass")
    project.notebook("01_one", "'one'")
    project.notebook("02_two", "'two'")
    assert runner.run(project.root, **QUIET).code == 0
    assert len(instant.jobs) == 4
    instant.jobs.clear()
    return project


def again(project, instant, **options):
    """The pages that a further run builds."""
    instant.jobs.clear()
    summary = runner.run(project.root, Options(**options), **QUIET)
    assert summary.code == 0, summary.failed
    return instant.pages


def why(project, page):
    """The reasons that `catchment why` gives for a page."""
    partner, _, notebook = page.partition("/")
    (standing,) = runner.standings(project.root, project.trees, (partner,), (notebook,)).values()
    return standing.reasons


ALL = ["dunes/01_one", "dunes/02_two", "tallgrass/01_one", "tallgrass/02_two"]


def test_nothing_changed_nothing_built(two, instant):
    assert again(two, instant) == []


class OneByOne(ThreadPoolExecutor):
    """Builds and audits one page after the other, in the order in which they were asked for, and writes down what it did."""

    workers = 1
    shows = zlib.compress(
        json.dumps([{"title": "T", "sources": ["notes"], "below": 11, "rows": [["a"]], "measures": {"n": [20]}}]).encode()
    )

    def __init__(self):
        super().__init__(1)
        self.done, self.waiting, self.most = [], 0, 0

    def submit(self, fn, /, job):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        return super().submit(self.work, fn, job)

    def work(self, fn, job):
        self.done.append((fn.__name__, job.page))
        self.waiting -= 1
        if fn is audit.audit:
            return replace(job.built, audited=True)
        return Built(job.page, html=b"<p>page</p>", published=self.shows)


def test_a_page_on_its_way_out_goes_before_the_next_ones(project, monkeypatch):
    """Otherwise all pages of a large portfolio would be held until the last was built, and a kill would lose them."""
    order = OneByOne()
    monkeypatch.setattr(runner._Run, "_executor", lambda self, pages: order)
    project.notebook("01_one", "'one'")
    project.notebook("02_two", "'two'")
    for number in range(6):
        project.partner(f"more{number}")
    assert runner.run(project.root, **QUIET).code == 0
    built = [page for what, page in order.done if what == "build"]
    assert len(built) == 20
    for place, page in enumerate(built[:-3]):
        assert order.done.index(("audit", page)) < order.done.index(("build", built[place + 3])), order.done
    assert order.most <= 2


def test_force_builds_everything(two, instant):
    assert again(two, instant, force=True) == ALL


def test_a_setting_of_one_partner_rebuilds_that_partner(two, instant):
    path = two.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nmax_age_days: 77\n")
    reasons = why(two, "dunes/01_one")
    assert len(reasons) == 1 and re.fullmatch(r"setting max_age_days changed from \d+ to 77", reasons[0])
    assert again(two, instant) == ["dunes/01_one", "dunes/02_two"]
    assert again(two, instant) == []


def test_a_comment_in_settings_rebuilds_nothing(two, instant):
    path = two.root / "params" / "portfolio.yml"
    path.write_text("# a remark\n" + path.read_text())
    assert again(two, instant) == []


def test_the_runners_own_settings_rebuild_nothing(two, instant):
    path = two.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {timeout_s: 99}\n")
    assert again(two, instant) == []


def test_an_edited_notebook_rebuilds_its_pages_only(two, instant):
    two.notebook("02_two", "# a comment\n'two'")
    assert why(two, "dunes/02_two") == ["the notebook changed"]
    assert again(two, instant) == ["dunes/02_two", "tallgrass/02_two"]


def test_outputs_in_a_notebook_change_nothing(two, instant):
    path = two.root / "notebooks" / "02_two.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][1]["execution_count"] = 5
    path.write_text(json.dumps(notebook))
    assert again(two, instant) == []


def test_a_file_rebuilds_the_pages_that_read_it(two, instant):
    two.notes.write_text(two.notes.read_text().replace("third", "changed"))
    assert why(two, "tallgrass/01_one") == ["file data/notes.csv changed"]
    assert again(two, instant) == ALL, "each page prints the file's fingerprint"
    assert again(two, instant) == []


def test_a_file_that_was_only_touched_rebuilds_nothing(two, instant):
    two.notes.write_text(two.notes.read_text())
    os.utime(two.notes, (0, 0))
    assert again(two, instant) == []


def test_a_partners_own_file_rebuilds_its_pages_only(two, instant):
    path = two.own_notes("dunes", "mine")
    assert why(two, "dunes/01_one") == ["table notes changed"]
    assert again(two, instant) == ["dunes/01_one", "dunes/02_two"]
    two.own_notes("dunes", "mine too")
    assert why(two, "dunes/01_one") == ["file data/partners/dunes/notes.csv changed"]
    assert again(two, instant) == ["dunes/01_one", "dunes/02_two"]
    path.unlink()
    assert again(two, instant) == ["dunes/01_one", "dunes/02_two"]
    assert again(two, instant) == []


def test_a_catalog_entry_rebuilds_the_pages_that_read_it(two, instant):
    text = two.catalog.read_text()
    two.catalog.write_text("# a remark\n" + text)
    assert again(two, instant) == []
    two.catalog.write_text(text.replace("title: Notes", "title: Other notes"))
    assert why(two, "dunes/01_one") == ["table notes changed"]
    assert again(two, instant) == ALL


def test_another_package_rebuilds_everything_and_is_named(two, instant, monkeypatch):
    from catchment.run.fingerprint import Fingerprints

    installed = [*Fingerprints.environment(), "zzz-1.0"]
    monkeypatch.setattr(Fingerprints, "environment", staticmethod(lambda: installed))
    assert why(two, "dunes/01_one") == ["package zzz-1.0 is new"]
    assert again(two, instant) == ALL


def test_a_module_of_the_library_rebuilds_the_pages_that_import_it(two, instant, monkeypatch):
    survey = library.survey
    changed = lambda path, folder=library.FOLDER: ("changed", [], None) if path.name == "words.py" else survey(path, folder)  # noqa: E731
    two.notebook("02_two", "from catchment import words")
    again(two, instant)
    (two.state / "files.json").unlink()
    monkeypatch.setattr(library, "ALWAYS", ())
    monkeypatch.setattr(library, "survey", changed)
    reasons = why(two, "dunes/02_two")
    assert "library module words.py changed" in reasons


def edit(path):
    """Change one letter, and neither size nor time."""
    times = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


HARMS = [Path.unlink, lambda path: path.write_text("cut"), edit]


@pytest.mark.parametrize("harm", HARMS)
def test_a_page_that_is_missing_or_altered_is_built_again(two, instant, harm):
    harm(two.reports / "dunes" / "01_one.html")
    assert why(two, "dunes/01_one") == ["its file is missing or was altered"]
    assert again(two, instant) == ["dunes/01_one"]


def test_a_page_around_the_reports_that_is_missing_or_altered_is_made_again(two, instant):
    timeless = lambda path: re.sub(r"\d{8}T\d{6}Z-\w{4}|\d\d:\d\d:\d\d", "", path.read_text())  # noqa: E731
    for path in (two.reports / "index.html", two.reports / "dunes" / "index.html", two.internal / "index.html"):
        before = timeless(path)
        for harm in HARMS:
            harm(path)
            assert again(two, instant) == [] and timeless(path) == before, path


def test_pages_around_the_reports_follow_their_templates(two, instant, monkeypatch):
    path = two.reports / "dunes" / "index.html"
    path.write_text(before := path.read_text())
    monkeypatch.setattr(library, "surroundings", lambda *_: {"run/site/template/landing.html.j2": "another"})
    stood = path.stat().st_ino
    assert again(two, instant) == [] and path.read_text() == before and path.stat().st_ino != stood, "it was written again"
    stood = path.stat().st_ino
    assert again(two, instant) == [] and path.stat().st_ino == stood


def test_a_page_is_the_same_on_a_second_run_apart_from_its_time(two, instant):
    before = {path: path.read_text() for path in two.reports.glob("*/0*.html")}
    hashes = {name: entry["sha256"] for name, entry in two.manifest()["pages"].items()}
    again(two, instant, force=True)
    assert {name: entry["sha256"] for name, entry in two.manifest()["pages"].items()} == hashes
    strip = lambda text: re.sub(r"<time>.*?</time>", "", text)  # noqa: E731
    assert all(strip(path.read_text()) == strip(text) for path, text in before.items())


def test_one_failure_stays_alone_and_the_last_good_page_up(two, instant):
    good = (two.reports / "dunes" / "01_one.html").read_bytes()
    instant.fail = {"dunes/01_one": [Failure("error", "ValueError: odd <b>", 3, "1 / 0", "Traceback: \x1b[31mred\x1b[0m", "last words")]}
    summary = runner.run(two.root, Options(force=True), **QUIET)
    assert summary.code == 1
    assert list(summary.failed) == ["dunes/01_one"] and sorted(summary.built) == ALL[1:]
    assert (two.reports / "dunes" / "01_one.html").read_bytes() == good
    entry = manifest.read(two.trees)["pages"]["dunes/01_one"]
    assert entry["failure"]["error"] == "ValueError: odd <b>" and entry["failure"]["cell"] == 3
    told = (two.internal / "failed" / "dunes" / "01_one.html").read_text()
    for part in ("dunes", "01_one", "1 / 0", "ValueError: odd &lt;b&gt;", "last words", "&#34;partner&#34;: &#34;dunes&#34;"):
        assert part in told
    assert "\x1b" not in told
    assert json.loads((two.internal / "failed" / "dunes" / "01_one.ipynb").read_text())["cells"]
    index = (two.reports / "index.html").read_text()
    assert "Not refreshed on" in index and "Not refreshed on" in (two.reports / "dunes" / "index.html").read_text()
    shared = {path: path.read_text() for path in two.reports.rglob("*.*")}
    assert len(shared) > 4 and not [name for name, text in shared.items() if "ValueError" in text or "1 / 0" in text], (
        "an error may quote a row"
    )
    assert again(two, instant) == ["dunes/01_one"], "the next run tries again"
    assert not (two.internal / "failed" / "dunes" / "01_one.html").exists()
    assert "Not refreshed" not in (two.reports / "index.html").read_text()


def test_a_page_that_never_was_built_is_on_the_index(project, instant):
    project.only("dunes")
    project.notebook("01_one", "1")
    instant.fail = {"dunes/01_one": [Failure("error", "KeyError: 1", 2)]}
    assert runner.run(project.root, **QUIET).code == 1
    assert "No page yet" in (project.reports / "index.html").read_text()
    assert [path.name for path in (project.reports / "dunes").iterdir()] == ["index.html"]


@pytest.fixture
def patient(two):
    """Settings that wait a moment before a repetition."""
    path = two.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {retries: 2, retry_wait_s: 0.05}\n")
    return two


def test_what_passes_is_tried_again_with_growing_waits(patient, instant, monkeypatch):
    waits = []
    monkeypatch.setattr(runner.time, "sleep", lambda seconds: waits.append(seconds))
    clock = iter(range(10_000))
    monkeypatch.setattr(runner.time, "monotonic", lambda: next(clock) * 0.04)
    instant.fail = {"dunes/01_one": [Failure("error", "ConnectionError: down", 2), Failure("killed", "SIGKILL")]}
    assert runner.run(patient.root, Options(partners=("dunes",), notebooks=("01_one",), force=True), **QUIET).retried == 2
    assert instant.pages == ["dunes/01_one"] * 3
    assert waits and all(wait <= 0.2 for wait in waits)


@pytest.mark.parametrize(
    "failure",
    [
        Failure("error", "KeyError: 'x'", 2),
        Failure("timeout", "too long"),
        Failure("memory", "too much"),
        Failure("render", "ConnectionError: x"),
    ],
)
def test_a_bug_is_not_tried_again(patient, instant, failure):
    instant.fail = {"dunes/01_one": [failure]}
    summary = runner.run(patient.root, Options(partners=("dunes",), notebooks=("01_one",), force=True), **QUIET)
    assert summary.retried == 0 and summary.code == 1


def test_tries_come_to_an_end(patient, instant):
    instant.fail = {"dunes/01_one": [Failure("killed", "SIGKILL")] * 9}
    summary = runner.run(patient.root, Options(partners=("dunes",), notebooks=("01_one",), force=True), **QUIET)
    assert summary.code == 1 and len(instant.jobs) == 3


def test_a_page_waits_for_those_it_needs_and_hears_what_they_say(project, instant):
    project.only("dunes")
    project.notebook("09_first", "1", order=9)
    project.notebook("01_brief", "1", order=1, needs=["09_first"])
    runner.run(project.root, **QUIET)
    assert [job.notebook for job in instant.jobs] == ["09_first", "01_brief"]
    assert instant.jobs[1].needs["09_first"]["takeaways"][0].startswith("dunes/09_first has")
    assert instant.jobs[1].needs["09_first"]["title"] == "09 first"
    project.notebook("09_first", "2", order=9)
    assert again(project, instant) == ["dunes/09_first"], "the brief needs the same headlines as before"
    project.notebook("09_first", "3", order=9)
    instant.tables = ("notes", "specialties")
    assert again(project, instant) == ["dunes/01_brief", "dunes/09_first"]


def test_a_partner_that_left_takes_its_pages_along(two, instant):
    (two.root / "params" / "partners" / "dunes.yml").unlink()
    assert again(two, instant) == []
    assert not list((two.reports / "dunes").glob("*.html"))
    assert set(two.manifest()["pages"]) == {"tallgrass/01_one", "tallgrass/02_two"}
    assert "Dunes" not in (two.reports / "index.html").read_text()


def test_a_partner_that_leaves_while_its_page_is_built(two, instant, monkeypatch):
    build = instant.build

    def leaves(job):
        (two.root / "params" / "partners" / "dunes.yml").unlink(missing_ok=True)
        return Built(job.page, failure=Failure("error", "ParamsError: no partner 'dunes'", 2)) if job.partner == "dunes" else build(job)

    instant.build = leaves
    summary = runner.run(two.root, Options(force=True), **QUIET)
    assert sorted(summary.built) == ["tallgrass/01_one", "tallgrass/02_two"] and len(summary.failed) == 2
    instant.build = build
    again(two, instant)
    assert set(two.manifest()["pages"]) == {"tallgrass/01_one", "tallgrass/02_two"}


def test_two_runs_at_once(two):
    with (
        lock.held(two.state / "lock", "run run-1", "these reports"),
        pytest.raises(lock.Busy, match=rf"run run-1 .*process {os.getpid()} on .* for \d+ s"),
    ):
        runner.run(two.root, **QUIET)


def test_a_lock_left_by_a_killed_run_is_taken_over(two, instant):
    (two.state / "lock").write_text(json.dumps({"pid": 1, "host": "gone", "since": 0, "owner": "run run-0"}))
    told = []
    assert runner.run(two.root, show=told.append).code == 0
    assert told == ["run run-0 (process 1 on gone) ended without finishing; taking over"]


def test_a_full_disk_changes_nothing(two, instant, monkeypatch):
    before = {path: path.read_bytes() for path in two.reports.rglob("*.html")} | {"m": (two.reports / "manifest.json").read_bytes()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        runner.run(two.root, Options(force=True), **QUIET)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in two.reports.rglob("*.html")} | {"m": (two.reports / "manifest.json").read_bytes()} == before
    assert not list((two.state).glob("aside-*"))


def test_a_clock_that_moved_back_does_no_harm(two, instant, monkeypatch):
    monkeypatch.setattr(history, "now", lambda: "2001-01-01T00:00:00Z")
    assert again(two, instant, force=True) == ALL
    assert again(two, instant) == []
    assert {entry["produced"] for entry in two.manifest()["pages"].values()} == {"2001-01-01T00:00:00Z"}


def test_sigterm_publishes_what_is_done_and_says_stopped(two, instant):
    build = instant.build

    def stopped(job):
        if job.page == ALL[2]:
            os.kill(os.getpid(), signal.SIGTERM)
        return build(job)

    instant.build = stopped
    summary = runner.run(two.root, Options(force=True), **QUIET)
    assert summary.stopped and summary.code == 130
    assert set(summary.built) <= set(ALL[:3])
    assert_whole(two)


def test_history_tells_runs_and_their_cost(two, instant):
    again(two, instant)
    instant.fail = {"dunes/01_one": [Failure("error", "KeyError: 1", 2)]}
    runner.run(two.root, Options(force=True), **QUIET)
    first, last = history.read(two.state)
    assert (first["outcome"], first["built_n"], last["outcome"], last["failed_n"]) == ("ok", 4, "failed", 1)
    assert last["failed"]["dunes/01_one"]["error"] == "cell 2: KeyError: 1"
    assert {"run", "version", "wall_s", "cpu_s", "peak_mb"} <= set(first)
    events = [event["event"] for event in history.read(two.state, history.EVENTS)]
    assert (events[:6], sorted(events[6:])) == (["start", *["built"] * 4, "start"], ["built"] * 3 + ["failed"])


def test_a_torn_line_of_history_does_no_harm(two):
    path = two.state / history.RUNS
    with path.open("a") as file:
        file.write('{"run": "torn')
    history.append(two.state, history.RUNS, {"run": "next"})
    assert [record["run"] for record in history.read(two.state)][-1] == "next"
    assert len(list(history.read(two.state))) == 2


def test_secrets_do_not_reach_log_or_history(two, monkeypatch):
    monkeypatch.setenv("CATCHMENT_DB_PASSWORD", "hunter2-hunter2")
    history.append(two.state, history.EVENTS, {"error": "no login postgres://me:word@db with hunter2-hunter2"})
    text = (two.state / history.EVENTS).read_text()
    assert "hunter2" not in text and "word" not in text


def test_one_line_of_json_for_a_monitor(two):
    summary = runner.run(two.root, Options(force=True), **QUIET)
    told = json.loads(summary.line())
    assert "\n" not in summary.line()
    assert (told["code"], told["built_n"], told["outcome"], told["index"]) == (0, 4, "ok", str(two.reports / "index.html"))


# Publishing several files as one.


def assert_whole(project):
    """Every file is whole, and in each tree pages, manifest and index say the same."""
    store.recover(project.state)
    known = manifest.read(project.trees)
    found = known["pages"].values()
    for partner, facts in known["partners"].items():
        kept = {path.parent.name for path in (project.trees.leadership / partner).glob("*/index.html")}
        assert kept == {each["run"] for each in facts["earlier"]}, "earlier runs are there, and none that nobody knows"
    for audience in ("leadership", "internal"):
        tree = project.trees.of_audience(audience)
        index = (tree / "index.html").read_text()
        assert index.rstrip().endswith("</html>")
        pages = [entry for entry in found if entry["audience"] == audience and entry["path"]]
        for entry in pages:
            content = (tree / entry["path"]).read_bytes()
            assert manifest.digest(content, entry["produced"]) == entry["sha256"]
            assert f'href="{entry["path"]}"' in index
            for attached in entry["attachments"].values():
                assert hashlib.sha256((tree / attached["path"]).read_bytes()).hexdigest() == attached["sha256"]
        on_disk = {path.relative_to(tree).as_posix() for path in tree.glob("*/*.html") if path.name != "index.html"}
        assert on_disk == {entry["path"] for entry in pages}


@pytest.mark.parametrize("point", range(1, 40, 2))
def test_a_commit_cut_off_at_any_step_is_whole(tmp_path, point):
    """A process that dies at the n-th system call of a commit leaves the old files or, after recovery, the new ones."""
    old, new = {"a/1.html": b"old", "b.html": b"old"}, {"a/1.html": b"new", "b.html": b"new", "c/2.html": b"new"}
    state, kept = tmp_path / "state", tmp_path / "a" / "run-1" / "1.html"
    state.mkdir()
    store.commit(state, {tmp_path / name: content for name, content in old.items()})
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom catchment.run.site import store\n"
        f"left = [{point}]\n"
        "def count(event, arguments):\n"
        "    if event in ('open', 'os.rename', 'os.mkdir', 'os.remove', 'os.rmdir', 'shutil.rmtree'):\n"
        "        left[0] -= 1\n"
        "        if left[0] == 0: os._exit(9)\n"
        f"base = Path({str(tmp_path)!r})\nfiles = {{base / name: content for name, content in {new!r}.items()}}\nsys.addaudithook(count)\n"
        f"store.commit(Path({str(state)!r}), files, keep={{Path({str(kept)!r}): base / 'a/1.html'}}, remove=[base / 'b2.html'])\n"
    )
    done = subprocess.run([os.sys.executable, "-c", script], check=False)
    store.recover(state)
    found = {name: (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None for name in new}
    assert found in ({**old, "c/2.html": None}, new)
    assert (kept.read_bytes() if kept.exists() else None) == (b"old" if found == new else None), "what was replaced is kept, whole"
    if done.returncode == 0:
        assert found == new
    assert list(state.iterdir()) == []


def test_a_commit_removes_files_too(tmp_path):
    state, a, b, folder = tmp_path / "state", tmp_path / "a.html", tmp_path / "b.html", tmp_path / "gone"
    state.mkdir()
    store.commit(state, {a: b"1", b: b"2", folder / "c.html": b"3"})
    store.commit(state, {a: b"3"}, remove=[b, tmp_path / "never.html", folder])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "state"]


REAL = (
    "hospitals",
    "hospital_flows",
    "zips",
    "zip_county",
    "population",
    "incidence",
    "mortality",
    "standard_population",
    "county_context",
    "specialties",
)


@pytest.fixture
def hundred(project, instant):
    """A hundred partners with six notebooks each, all built; every page has read ten of the demo's tables and one of its own."""
    project.only("tallgrass")
    for number in range(99):
        project.partner(f"partner{number:02d}")
    for number in range(6):
        project.notebook(f"{number:02d}_page", "from catchment import data, page, params", f"{number}")
    job = Job("tallgrass", "", "", {}, str(project.root), "", "")
    noted = read(job, ("notes", *REAL))[1]
    instant.asked_once = json.dumps({"tables": noted, "modules": ["catchment.data", "catchment.page", "catchment.params"]})
    assert runner.run(project.root, **QUIET).code == 0
    assert len(instant.jobs) == 600
    return project


@pytest.mark.slow
def test_a_hundred_unchanged_partners_answer_in_two_seconds(hundred):
    usage = []
    for _ in range(3):
        begun = os.times()
        done = hundred.run()
        ended = os.times()
        assert done.returncode == 0 and "0 built, 600 unchanged" in done.stdout, done.stderr
        usage.append(ended.children_user + ended.children_system - begun.children_user - begun.children_system)
    assert min(usage) < 2.0, "seconds of processor time"


def test_reports_that_cannot_be_written(project, monkeypatch, capsys):
    monkeypatch.setenv("CATCHMENT_ROOT", str(project.root))
    project.notebook("01_one", "1")
    project.reports.write_text("a file stands in the way")
    assert cli.main(["run"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("catchment: ") and "reports" in told and told.count("\n") == 1
