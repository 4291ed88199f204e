"""The real brief in real runs: pages that disagree stop it and leave the last one up; old pages are named; the last run is compared.

Three runs of one project, in order: all is well; one page disagrees with the others; they agree on another number and one page fails.
"""

import io
import re
import shutil
from pathlib import Path

import pytest
from pptx import Presentation

ROOT = Path(__file__).parents[2]
PAGE = """import pandas as pd
from catchment import data, page, params
settings = params.load(partner)
report = page.Report(settings, data.Tables(settings))
shown = report.protect(pd.DataFrame({"year": ["2024", "2025"], "gain_n": [10, 20]}), sources=[])"""
DRAWN = 'report.figure(page.plots.bars(shown, "year", "gain_n"), page.Exhibit("{}", shown, "Gains grew", "By year"))'
BRIEF = "06_executive_brief"
TITLES = {
    "01_market_analysis": "Market analysis",
    "02_referral_patterns": "Referral patterns",
    "03_growth_scenarios": "Growth scenarios",
    "04_philanthropy": "Philanthropy",
    "05_program_scorecard": "Program scorecard",
}
SAYS = {
    "01_market_analysis": 'report.takeaways(page.Finding("**The market grows.** It does.", "gains-by-year", cases=60, certainty=0.9, change=0.4))',
    "02_referral_patterns": 'report.takeaways(page.Finding("**One referrer was lost.**", "losses-by-year", cases=40, certainty=0.9, change=1.0))',
    "03_growth_scenarios": 'report.records({"plan_npv: Base": (2e6, "USD", "10 years"), "plan_npv: Stress": (-1e6, "USD", "10 years")})',
    "04_philanthropy": 'report.end("No development program.")',
    "05_program_scorecard": 'report.kpis(page.Kpi("Analytic cases, 2025", "640", goal="Goal 600: met", recorded="analytic_cases"))',
}


def says(project, name, *, cases=640):
    """Write one of the five pages: what it says, and the number of analytic cases that it counts."""
    counted = f'report.record("analytic_cases", {cases}, "patients", "2025")'
    cells = [SAYS[name]] if name == "04_philanthropy" else [SAYS[name], counted]
    cells += [DRAWN.format(key) for key in re.findall(r'"([a-z-]+-by-year)"', SAYS[name])]
    project.notebook(name, PAGE, *cells, title=TITLES[name], order=int(name[:2]))


def text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace(" :", ":")


@pytest.fixture(scope="module")
def runs(shared_project):
    """(code, what was told, brief, manifest, deck) of each of the three runs; the first two are asked for the deck."""
    project, found = shared_project, []
    project.only("dunes")
    shutil.copy(ROOT / "notebooks" / f"{BRIEF}.ipynb", project.root / "notebooks")
    for changed in (
        dict.fromkeys(SAYS, 640),
        dict.fromkeys(list(SAYS)[1:], 655),
        {"01_market_analysis": 655, "02_referral_patterns": "1 / 0"},
    ):
        for name, cases in changed.items():
            says(project, name, cases=cases)
        done = project.run(*(["--deck"] if len(found) < 2 else []))
        page = project.reports / "dunes" / f"{BRIEF}.html"
        deck = page.with_suffix(".pptx")
        found.append(
            (
                done.returncode,
                text(done.stdout + done.stderr),
                page.read_text(),
                project.manifest()["pages"],
                deck.read_bytes() if deck.exists() else None,
            )
        )
    return found


def test_the_brief_chooses_links_and_names_the_silent_page(runs):
    code, told, page, *_ = runs[0]
    assert code == 0, told
    assert 'href="02_referral_patterns.html#losses-by-year"' in page
    assert page.index("One referrer was lost") < page.index("The market grows"), "40 new cases weigh more than 60 that moved less"
    assert "Philanthropy has nothing to report: No development program." in text(page)
    assert "First published run" in page


def test_numbers_that_disagree_stop_the_brief_and_leave_the_last_one_up(runs):
    code, told, page, entries, _ = runs[1]
    assert code != 0
    assert (
        "analytic cases, 2025: 640 patients in Market analysis (01_market_analysis) but 655 patients in Referral patterns (02_referral_patterns)"
        in told
    )
    assert page == runs[0][2]
    assert entries[f"dunes/{BRIEF}"]["failure"]["kind"] == "error"
    assert all(entry["failure"] is None for name, entry in entries.items() if not name.endswith(BRIEF)), "the other pages are up"


def test_the_brief_is_back_tells_what_moved_and_which_page_is_old(runs):
    code, _, page, *_ = runs[2]
    assert code != 0, "one page failed"
    assert re.search(r"Since the run of \d{4}-\d\d-\d\d: ▲ 15", text(page))
    assert "Referral patterns could not be renewed: what is said of it stands as of" in text(page)
    assert "One referrer was lost" in page


def test_the_deck_stands_beside_its_page_with_the_same_numbers_and_leaves_with_it(runs):
    first, second, third = (deck for *_, deck in runs)
    slides = Presentation(io.BytesIO(first)).slides
    worth = [shape.chart for slide in slides for shape in slide.shapes if shape.has_chart][-1]
    assert dict(zip(worth.plots[0].categories, worth.plots[0].series[0].values, strict=True)) == {"Base": 2e6, "Stress": -1e6}
    assert any("One referrer was lost" in slide.shapes.title.text for slide in slides)
    assert second == first, "the brief was stopped: its last deck stays with it"
    assert third is None, "a new page without slides does not keep those of the page before"
