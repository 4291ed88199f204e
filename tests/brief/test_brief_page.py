"""The brief of every partner: five to seven findings that lead to their exhibits, the cards of the other pages, two sheets of paper."""

import json
import re
import shutil
from html import unescape

import pytest
from test_page_structure import PARTNERS

BRIEF = "06_executive_brief"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.parametrize("partner", PARTNERS)]


@pytest.fixture
def page(partner, demo_pages) -> str:
    return demo_pages[partner, BRIEF].read_text(encoding="utf-8")


@pytest.fixture
def entries(partner, demo_reports):
    found = json.loads((demo_reports / "manifest.json").read_text())["pages"].values()
    return {entry["notebook"]: entry for entry in found if entry["partner"] == partner}


def findings(page):
    return re.search(r'<ol class="takeaways findings">(.*?)</ol>', page, re.S)[1].split("</li>")[:-1]


def text(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).replace(" .", ".").strip()


def test_five_to_seven_findings_in_order_of_their_score_each_with_its_exhibit(page, partner, demo_reports):
    found = findings(page)
    assert 5 <= len(found) <= 7
    scores = [float(re.search(r"score (\d\.\d\d)", item)[1]) for item in found]
    assert scores == sorted(scores, reverse=True)
    for item in found:
        (file, anchor) = re.search(r'<a href="([\w.]+)#([a-z][\w-]*)">', item).groups()
        assert f'id="{anchor}">' in (demo_reports / partner / file).read_text(encoding="utf-8")


def test_findings_are_the_other_pages_words_and_no_page_gives_more_than_two(page, entries):
    known = {
        re.sub(r"\W+", " ", finding["text"].split("**")[1]).strip(): name
        for name, entry in entries.items()
        for finding in entry["headlines"]["findings"]
    }
    sources = [known[re.sub(r"\W+", " ", text(item.split("</b>")[0])).strip()] for item in findings(page)]
    assert max(sources.count(name) for name in sources) <= 2
    assert len(set(sources)) >= 3


def test_every_card_is_the_card_of_another_page(page, entries):
    made = {(card["label"], card["value"]) for name, entry in entries.items() if name != BRIEF for card in entry["headlines"]["kpis"]}
    strip = re.findall(r"<dt>(.*?)</dt><dd><b>(.*?)</b>.*?<span class=\"since\">(.*?)</span>", page)
    assert len(strip) == 5
    assert all((unescape(label), re.sub(r"\s", " ", unescape(value)).replace("\u2060", "")) in made for label, value, _ in strip)
    assert {since for *_, since in strip} == {"First published run"}


def test_a_map_a_trend_a_scenario_decisions_with_dates_and_risks(page):
    for part in (
        "share of the Medicare inpatient stays of each ZIP",
        "stays by system",
        "Net present value of the growth plan by scenario",
        "Needed by",
        "Heaviest ",
    ):
        assert part in unescape(page), part
    decisions = page[page.index('id="what-we-ask"') : page.index('id="risks"')]
    assert len(re.findall(r"[A-Z][a-z]{2} \d{1,2}, 202\d", decisions)) >= 2


def test_pages_share_their_numbers(entries):
    told = {name: {(n["name"], n["period"]): n["value"] for n in entry["headlines"]["numbers"]} for name, entry in entries.items()}
    common = [name for name, values in told.items() if ("analytic_cases", "2025") in values]
    assert common == ["01_market_analysis", "03_growth_scenarios", "05_program_scorecard"]
    assert len({told[name]["analytic_cases", "2025"] for name in common}) == 1
    assert told["02_referral_patterns"]["referred_cases", "2025"] <= told["05_program_scorecard"]["analytic_cases", "2025"]


def test_a_partner_without_development_program_is_told_so(page, partner):
    assert ("Philanthropy has nothing to report:" in text(page)) == (partner == "riverbend")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_printed_it_has_two_sheets(partner, demo_pages, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
        )
        tab = browser.new_page()
        tab.goto(demo_pages[partner, BRIEF].as_uri())
        printed = tab.pdf(prefer_css_page_size=True)
        browser.close()
    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) == 2
