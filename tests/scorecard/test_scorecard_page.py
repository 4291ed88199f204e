"""The scorecard page of each partner says what was planted for it, and agrees with the other tables."""

import json
import re
import sys
from pathlib import Path

import html5lib
import pytest

DEMO = Path(__file__).parents[2] / "data" / "demo"
sys.path.insert(0, str(DEMO))
from simulation import world  # noqa: E402

pytestmark = pytest.mark.xdist_group("demo")
SAYS = {
    "tallgrass": ["blocked by 5.3", "No-shows rose beyond chance", "mostly by volume"],
    "riverbend": ["blocked by 9.1", "Vacant positions rose beyond chance", "nurse residency with the hub slipped most"],
    "dunes": ["blocked by 6.5", "Claims denied at first rose beyond chance", "mostly by price"],
    "northpoint": [
        "No standard fails, but 5.8",
        "Wait for an infusion chair rose beyond chance",
        "eight more infusion chairs slipped most",
    ],
}


def text_of(path: Path) -> str:
    tree = html5lib.parse(path.read_text(encoding="utf-8"), namespaceHTMLElements=False)
    return re.sub(r"\s+", " ", " ".join(tree.find("body").itertext())).replace("\u2060", "")


@pytest.fixture(params=list(SAYS))
def partner(request) -> str:
    return request.param


@pytest.fixture
def text(partner, demo_pages) -> str:
    return text_of(demo_pages[partner, "05_program_scorecard"])


def test_planted_truth_is_in_the_takeaways(partner, text):
    top = text[: text.index("Indicators Each indicator")]
    for phrase in SAYS[partner]:
        assert phrase in top


def test_every_part_of_the_scorecard_is_there(text):
    for heading in ("Indicators of the program", "Budget, flexed budget and actual", "comment that each needs", "Where fiscal year", "Standards with status", "Open standards up to the site visit",
                    "Research accrual", "Reach of each service", "Findings of the other reports", "Composite score", "Gaps by priority", "slack to the end", "Decisions needed", "Risks, assumptions", "Definitions of the indicators"):  # fmt: skip
        assert heading in text, heading
    assert "The other reports were not built with this one" not in text


def test_analytic_cases_are_the_registry_count(partner, demo_reports):
    pages = json.loads((demo_reports / "manifest.json").read_text())["pages"].values()
    told = next(page for page in pages if page["partner"] == partner and page["notebook"] == "05_program_scorecard")
    numbers = {(number["name"], number["period"]): number["value"] for number in told["headlines"]["numbers"]}
    assert numbers["analytic_cases", "2025"] == world.ANALYTIC_CASES[partner][2025]


def test_a_small_program_hides_what_it_must(demo_pages):
    riverbend = text_of(demo_pages["riverbend", "05_program_scorecard"])
    row = riverbend[riverbend.index("Patients enrolled in research [c]") :][:80]
    assert row.count("[c]") == 5
    assert "9.1 Accrual to clinical research share of analytic cases by program category (low) [c] Not met" in riverbend
