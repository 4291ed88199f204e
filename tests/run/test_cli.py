"""The command: what it prints and how it exits."""

import json
import os
import re
import subprocess
import sys

import pytest

from catchment import cli
from catchment.data import lock
from catchment.run.site import history


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.setenv("CATCHMENT_ROOT", str(project.root))
    project.only("dunes")
    project.notebook("01_one", "1")
    return project


def test_list_tells_the_state_of_every_page(here, capsys):
    assert cli.main(["list"]) == 0
    assert re.fullmatch(r"dunes +01_one +not built\n", capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [["run", "--partner", "dune"], ["run", "--notebook", "nothing"], ["why", "dunes/02_two"]])
def test_a_wrong_request_exits_with_2_and_one_line(here, capsys, arguments):
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("catchment: no ")


@pytest.mark.parametrize("place", [1, 3, 4])
def test_the_files_of_an_import_stand_before_or_behind_its_options(here, capsys, place):
    arguments = ["hospital_service_area", "--name", "flows", "--year=2020"]
    arguments.insert(place, "none.csv")
    assert cli.main(["import", *arguments]) == 1
    assert capsys.readouterr().err == "not imported: none.csv: no such file\n"
    with pytest.raises(SystemExit):
        cli.main(["import", *arguments, "--nmae", "x"])


def test_wrong_settings_exit_with_2_and_name_their_place(here, capsys):
    path = here.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nmax_agedays: 5\n")
    assert cli.main(["run"]) == 2
    assert re.match(r"params/partners/dunes.yml:\d+: max_agedays: unknown key \(did you mean max_age_days\?\)", capsys.readouterr().err)


def test_check_tells_all_at_once_in_words_or_as_json(here, capsys):
    """A broken settings file hides neither what is wrong with the data nor a broken notebook."""
    here.catalog.write_text("tables:\n" + here.catalog.read_text().split("\ntables:\n")[1].split("\n  counties:")[0] + "\n")
    here.notes.unlink()
    assert cli.main(["check"]) == 1
    shown = capsys.readouterr()
    assert shown.err == "notes: data/notes.csv: expected a file, found none (known: catalog.yml)\n"
    assert shown.out == "1 partners, 1 pages, 1 tables: 1 errors, 0 warnings\n"
    path = here.root / "params" / "partners" / "meadow.yml"
    path.write_text("nmae: Meadow\n")
    (here.root / "notebooks" / "02_two.ipynb").write_text("{")
    assert cli.main(["check", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["partners"]) == (2, 2)
    found = [(problem["severity"], problem["file"], problem["row"], problem["table"]) for problem in told["problems"]]
    assert ("error", "params/partners/meadow.yml", 1, "") in found
    assert ("error", "data/notes.csv", None, "notes") in found
    assert any("02_two.ipynb: not a notebook" in problem["message"] for problem in told["problems"])
    assert all(problem["message"] and problem["found"] for problem in told["problems"])


def test_another_run_at_work_exits_with_3(here, capsys):
    here.trees.prepare()
    with lock.held(here.state / "lock", "run run-1", "these reports"):
        assert cli.main(["run"]) == 3
    assert "run run-1 is using these reports" in capsys.readouterr().err


def test_outside_of_a_project(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CATCHMENT_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["list"]) == 2
    assert "portfolio.yml" in capsys.readouterr().err


def test_partners_add_up(here, monkeypatch):
    from catchment.run import runner

    seen = []
    monkeypatch.setattr(runner, "run", lambda root, options, **_: seen.append(options) or runner.Summary("r", here.reports / "index.html"))
    cli.main(["run", "--partner", "a", "b", "--partner", "c", "--jobs", "3"])
    assert (seen[0].partners, seen[0].jobs) == (("a", "b", "c"), 3)


def test_no_jobs_are_refused(here, capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--jobs", "0"])
    assert "at least 1" in capsys.readouterr().err


def test_new_partner_writes_a_file_that_asks(here, capsys):
    assert cli.main(["new-partner", "meadow"]) == 0
    assert (here.root / "params" / "partners" / "meadow.yml").exists()
    assert cli.main(["new-partner", "meadow"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_history_and_schedule_are_told(here, capsys):
    here.trees.prepare()
    record = {
        "run": "r1",
        "version": "v",
        "outcome": "failed",
        "built_n": 3,
        "unchanged_n": 1,
        "failed_n": 1,
        "wall_s": 2.0,
        "cpu_s": 3.0,
        "peak_mb": 200.0,
    }
    history.append(here.state, history.RUNS, record | {"failed": {"dunes/01_one": {"error": "cell 2: KeyError"}}})
    assert cli.main(["history"]) == 0
    told = capsys.readouterr().out
    assert "r1  failed   3 built, 1 unchanged, 1 failed; 2.0 s, 3.0 s CPU, 200 MB; v" in told and "dunes/01_one: cell 2: KeyError" in told
    assert cli.main(["schedule"]) == 0
    assert re.search(r"dunes +0 6 1 \* \* America/Chicago, next \d{4}-", capsys.readouterr().out)


def test_help_and_list_do_not_load_heavy_packages(here):
    script = "import sys\nfrom catchment import cli\ncli.main(['list'])\nprint([name for name in ('pandas', 'matplotlib', 'papermill', 'duckdb', 'distributed') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(here.root)}, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_why_says_what_would_be_built(here, capsys):
    assert cli.main(["why", "dunes/01_one"]) == 0
    assert capsys.readouterr().out == "dunes/01_one: would be built again\n  it has not been built\n"


@pytest.mark.slow
def test_a_failing_page_exits_with_1_and_says_where(here):
    here.notebook("02_two", "x = 1", "raise ValueError('bad input')")
    done = here.run("--json")
    assert done.returncode == 1
    assert re.search(r"failed: dunes/02_two: cell 3: ValueError: bad input\n +.*-internal/failed/dunes/02_two\.html", done.stderr)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["code"], told["built_n"], told["failed_n"]) == (1, 1, 1)
