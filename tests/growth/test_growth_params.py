"""What `catchment check` refuses in the growth settings, with file and line."""

import shutil
from pathlib import Path

import pytest

from catchment import params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def changed(project, file, before, after):
    """One text replaced in a settings file; returns its line."""
    path = project / "params" / file
    text = path.read_text()
    assert text.count(before) >= 1, before
    path.write_text(text.replace(before, after, 1))
    return text[: text.index(before)].count("\n") + 1


def found(project, word):
    return [problem for problem in params.problems(root=project) if word in str(problem)]


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        (
            "partners/northpoint.yml",
            "ramp: [0.20, 0.45, 0.70, 0.90, 1.0]",
            "ramp: [0.20, 0.45, 0.70, 0.90, 1.1]",
            "less than or equal to 1",
        ),
        ("partners/northpoint.yml", "capital_usd: 5200000", "capital_usd: -5200000", "greater than or equal to 0"),
        ("partners/northpoint.yml", "start: 2029-01-01", "start: 2025-06-01", "after the data end (2025-12-31), found 2025-06-01"),
        (
            "partners/northpoint.yml",
            "requires: [radiation_oncologist]",
            "requires: [radiation_oncologst]",
            "unknown initiative 'radiation_oncologst'",
        ),
        ("partners/northpoint.yml", "requires: [radiation_oncologist]", "requires: [clinic, linac]", "needs this one in turn"),
        (
            "partners/northpoint.yml",
            "staffing: {radiation_oncologist: 0.8}",
            "staffing: {radiation_doctor: 0.8}",
            "unknown role 'radiation_doctor'",
        ),
        (
            "partners/northpoint.yml",
            "payer_mix: {medicare: 0.62, commercial: 0.26,",
            "payer_mix: {medicare: 0.62, commercial: 0.46,",
            "shares that add to 1, found 1.2",
        ),
        ("partners/northpoint.yml", "kind: chairs", "kind: chair", "'chairs'"),
        ("partners/northpoint.yml", "effects: {cases: 34}", "effects: {patients: 34}", "'cases'"),
        (
            "portfolio.yml",
            "probability: 0.50, scenario: base",
            "probability: 0.60, scenario: base",
            "probabilities that add to 1, found 1.1",
        ),
        ("portfolio.yml", "probability: 0.50, scenario: base", "probability: 0.50, scenario: bass", "unknown scenario 'bass'"),
        ("portfolio.yml", "rank_weights: {npv: 0.40,", "rank_weights: {npv: 0.50,", "shares that add to 1, found 1.1"),
        ("portfolio.yml", "mode: 1.0, high: 1.25", "mode: 1.5, high: 1.25", "low <= mode <= high"),
        ("portfolio.yml", "plan: base", "plan: bse", "unknown scenario 'bse'"),
        (
            "portfolio.yml",
            "- {first: price, second: drug_margin, rank: 0.4}",
            "- {first: price, second: delay, rank: -0.9}\n    - {first: capital, second: price, rank: 0.9}",
            "can't be correlated like this all at once",
        ),
        ("portfolio.yml", "first: demand, second: volume", "first: demand, second: demand", "each pair of two drivers once"),
        ("portfolio.yml", "first: demand, second: volume", "first: drug_margin, second: price", "each pair of two drivers once"),
    ],
)
def test_what_cannot_hold_is_refused_with_file_and_line(project, file, before, after, message):
    line = changed(project, file, before, after)
    every = params.problems(root=project)
    problems = [problem for problem in every if message in str(problem)]
    assert problems, [str(problem) for problem in every]
    assert problems[0].file.endswith(file) and abs(problems[0].line - line) <= 1, str(problems[0])


def test_a_start_before_what_it_requires_is_refused(project):
    changed(project, "partners/northpoint.yml", "start: 2029-01-01", "start: 2027-01-01")
    assert found(project, "expected radiation_oncologist to start first")


def test_the_demo_has_no_problem():
    assert params.problems(root=ROOT) == []


def test_requirements_are_followed_to_the_end():
    rules = params.load("northpoint").growth
    assert rules.needed("linac") == {"radiation_oncologist"} and rules.needed("chairs") == set()


def test_a_scenario_is_one_block(project):
    path = project / "params" / "partners" / "dunes.yml"
    block = "growth:\n  scenarios:\n    merger:\n      title: Merger\n      owner: Board\n      date: 2025-12-15\n      initiatives: [share]\n      volume: 1.3\n"
    path.write_text(path.read_text().replace("growth:\n", block, 1))
    scenario = params.load("dunes", root=project).growth.scenarios["merger"]
    assert (scenario.volume, scenario.initiatives, scenario.price) == (1.3, ["share"], 1.0)
    assert "merger" not in params.load("tallgrass", root=project).growth.scenarios
