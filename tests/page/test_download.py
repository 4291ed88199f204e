"""CSV downloads: what the table shows and no more, no formula, and a link that works under the page's own policy."""

import csv
import io

import pandas as pd
import pytest
from test_page_browser import CHROMIUM, QUIET, playwright

from catchment.page import document, download, tables

FORMULAS = ["=1+1", "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1+1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("attack", FORMULAS)
def test_no_cell_or_heading_starts_a_formula(attack):
    frame = pd.DataFrame({"name": [attack, "plain"], "cases_n": [20, 30]})
    rows = list(csv.reader(io.StringIO(download.text(tables.written(frame), labels={"cases_n": attack}), newline="")))
    assert rows[0][1] == f"'{attack}"
    assert rows[1][0] == f"'{attack}"


def test_numbers_stay_numbers_and_marks_stay_marks():
    frame = pd.DataFrame({
        "site": ["a, b", 'c "d"', "-3.5 %"], "change_share": [-0.0512, None, 0.2], "cases_n": [1234.0, None, 20.0], "cases_n_suppressed": [False, True, False],
    })  # fmt: skip
    rows = list(csv.reader(io.StringIO(download.text(tables.written(frame)), newline="")))
    assert rows == [["Site", "Change, %", "Cases"], ["a, b", "-5.1", "1234"], ['c "d"', "[x]", "[c]"], ["-3.5 %", "20.0", "20"]]


@pytest.mark.browser
def test_the_link_downloads_under_the_pages_policy(browser_tab, tmp_path):
    frame = pd.DataFrame({"site": ["Brüste", "=x"], "cases_n": [20, 30]})
    html = document.html(_empty(), document.Facts(title="T", partner="P", program="", through="", produced="", code=""))
    path = tmp_path / "page.html"
    path.write_text(
        html.replace("</main>", download.link(tables.written(frame), "Cases: by site?", "This table") + "</main>"), encoding="utf-8"
    )
    browser_tab.goto(path.as_uri())
    with browser_tab.expect_download() as started:
        browser_tab.click("p.download a")
    assert started.value.suggested_filename == "cases-by-site.csv"
    assert started.value.path().read_text(encoding="utf-8-sig").splitlines() == ["Site,Cases", "Brüste,20", "'=x,30"]


def _empty():
    import nbformat

    return nbformat.v4.new_notebook(metadata={"catchment": {"title": "T"}})


@pytest.fixture
def browser_tab():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page(accept_downloads=True)
        browser.close()
