"""The PDF of a page: what it holds, that it is the same each time, and what is said where there is no browser."""

import re
import shutil

import pytest

from catchment.run.build import pdf
from catchment.run.site import manifest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TIMES = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@needs_browser
@pytest.mark.browser
@pytest.mark.slow
def test_the_command_prints_a_page_and_the_same_page_alike(project):
    project.only("dunes")
    project.notebook(
        "01_one",
        "#!# One\n## What it says",
        "from catchment import page, params\npage.Report(params.load(partner), None).notice('All is well.')",
    )
    done = project.run("--pdf")
    assert done.returncode == 0, done.stderr
    (entry,) = manifest.read(project.trees)["pages"].values()
    path = project.reports / "dunes" / "01_one.pdf"
    first = path.read_bytes()
    assert first.startswith(b"%PDF-") and first.rstrip().endswith(b"%%EOF")
    stamp = re.sub(r"\D", "", entry["produced"]).encode()
    assert {match[0].rpartition(b":")[2] for match in TIMES.finditer(first)} == {stamp}
    assert b"file:" not in first, "nothing tells where the page lay"
    assert b"What it says" in first, "headings are bookmarks"
    path.unlink()
    assert project.run("--pdf").returncode == 0
    assert path.read_bytes() == first


def test_without_a_browser_nothing_is_built_and_the_message_says_what_to_install(project):
    project.only("dunes")
    project.notebook("01_one", "1")
    done = project.run("--pdf", PATH="/nowhere")
    assert done.returncode == 2 and not (project.reports / "dunes").exists()
    assert done.stderr.startswith("catchment: a PDF needs Chromium or Chrome") and "apt-get install chromium" in done.stderr


def test_a_browser_that_is_named_must_be_there(monkeypatch):
    monkeypatch.setenv("CATCHMENT_BROWSER", "/no/such/browser")
    with pytest.raises(pdf.NoBrowser, match="CATCHMENT_BROWSER=/no/such/browser is no program"):
        pdf.browser()


@pytest.mark.skipif(not shutil.which("false"), reason="no program that fails")
def test_a_browser_that_prints_nothing_is_told(monkeypatch):
    monkeypatch.setenv("CATCHMENT_BROWSER", shutil.which("false"))
    with pytest.raises(RuntimeError, match=r"false printed nothing \(exit 1\)"):
        pdf.printed(b"<p>x</p>")


def test_links_that_lead_away_are_left_out_of_a_pdf():
    page = b'<a class="x" href="../index.html">a</a><a href="#fig-1">b</a><a href="https://example.org/">c</a>'
    assert pdf.AWAY.sub(rb"\1", page) == b'<a class="x">a</a><a href="#fig-1">b</a><a href="https://example.org/">c</a>'
