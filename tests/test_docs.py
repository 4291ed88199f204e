"""The documentation builds offline without a warning, names commands that exist, and its tables and links are true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from catchment import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [path for path in PAGES if "api" not in path.parts and "_build" not in path.parts]


def test_it_builds_without_a_warning(tmp_path):
    """A dead link, a page outside of the contents or a docstring that cannot be read is a warning."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "dummy",
        "-d",
        tmp_path / "trees",
        "docs",
        tmp_path / "out",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "trees/reference/api/catchment.stats.rates.doctree").exists()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_that_a_page_names_exists(path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    known = set(re.findall(r"^ {4}([a-z][a-z-]+)(?= |$)", capsys.readouterr().out, re.M))
    named = set(
        re.findall(r"\bcatchment ([a-z][a-z-]+)\b(?= |`|$|\n)", "\n".join(re.findall(r"`[^`\n]+`|^ {4}.*$", path.read_text(), re.M)))
    )
    assert named <= known, named - known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_links_to_is_there(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target
