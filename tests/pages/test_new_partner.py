"""A partner that is new: its settings file, the public tables, and a few of its own; every page stands and says what is missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = """name: Cedarvale Hospital
place: Kenosha, Wisconsin
ccn: '520021'
zip: '53142'
county_fips: '55059'
lat: 42.56
lon: -87.90
market_counties: ['55059', '55101']
"""
OWN = {
    "volumes": ["volumes"],
    "scorecard": ["budget_lines", "decisions", "kpi_months", "milestones", "raid", "service_access", "standards_evidence"],
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the run of all pages of the new partner told, and its pages by notebook."""
    root = tmp_path_factory.mktemp("new_partner")
    for folder in ("data", "params"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "notebooks").symlink_to(ROOT / "notebooks")
    (root / "params/partners/cedarvale.yml").write_text(SETTINGS)
    for folder, names in OWN.items():
        for name in names:
            model = root / f"data/demo/{folder}/{name}_riverbend.csv"
            model.with_name(f"{name}_cedarvale.csv").write_text(re.sub(r"(?m)^riverbend,", "cedarvale,", model.read_text()))
    command = [sys.executable, "-m", "catchment.cli", "run", "--partner", "cedarvale", "--json", "--reports", str(root / "reports")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env={**os.environ, "CATCHMENT_ROOT": str(root)}, check=False)
    record = json.loads(done.stdout.splitlines()[-1])
    assert not record["failed"], record["failed"]
    return {path.stem: path.read_text() for path in sorted((root / "reports/cedarvale").glob("0*.html"))}


def notices(page):
    return " ".join(re.sub("<[^>]+>", "", text) for text in re.findall(r'<p class="notice".*?</p>', page, re.S))


@pytest.mark.slow
def test_every_page_stands(told):
    assert list(told) == [path.stem for path in sorted((ROOT / "notebooks").glob("0[1-6]*.ipynb"))]
    for page in told.values():
        text = re.sub("<[^>]+>", " ", page)
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("notebook", "said"),
    [
        ("02_referral_patterns", "No referral to oncology is recorded"),
        ("03_growth_scenarios", "There is no plan to value yet"),
        ("04_philanthropy", "has no development program of its own"),
        ("06_executive_brief", "Referral patterns has nothing to report"),
    ],
)
def test_what_is_missing_is_said(told, notebook, said):
    assert said in notices(told[notebook])


@pytest.mark.slow
def test_what_is_there_is_shown(told):
    growth, scorecard = told["03_growth_scenarios"], told["05_program_scorecard"]
    assert "prediction interval" in growth and "NPV of the plan" not in growth, "the forecast without a plan, and no worth of none"
    assert "Indicators of the program" in scorecard and "no comparison with" in scorecard, "no referral is dated, so no wait is measured"
