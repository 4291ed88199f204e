"""The philanthropy pages: planted truths in the headline, nobody named, every question answered; and the simulated ledgers."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("tallgrass", "dunes", "northpoint")
NAME = "04_philanthropy"


@pytest.fixture(scope="module")
def gifts_module():
    sys.path.insert(0, str(ROOT / "data" / "demo"))
    try:
        from simulation import gifts
    finally:
        sys.path.pop(0)
    return gifts


@pytest.fixture(scope="module")
def pages(demo_pages):
    return {partner: plain(path.read_text()) for (partner, notebook), path in demo_pages.items() if notebook == NAME}


def plain(page):
    """Blanks that do not break as plain ones."""
    return re.sub("[\u00a0\u202f]|&nbsp;|&#160;", " ", page)


def takeaways(page):
    block = re.search(r'<ol class="takeaways">(.*?)</ol>', page, re.S)[1]
    return [html.unescape(re.sub(r"<[^>]+>", "", item)) for item in re.findall(r"<li>(.*?)</li>", block, re.S)]


def table(partner, name):
    return pd.read_csv(ROOT / "data" / "demo" / "gifts" / f"{name}_{partner}.csv.gz")


class TestTruth:
    def test_the_lapsed_segment_is_in_the_headline(self, pages, gifts_module):
        truth = gifts_module.TRUTH["tallgrass"]
        found = [text for text in takeaways(pages["tallgrass"]) if "slipping away" in text]
        assert (
            len(found) == 1
            and f"{truth['lapsed_dimension'].lower()}: {truth['lapsed_segment']}" in found[0]
            and f"fiscal year {truth['year']}" in found[0]
        )
        now, usual = (int(text) for text in re.findall(r"(\d+) %", found[0])[:2])
        assert now < 25 < usual

    def test_no_segment_is_slipping_where_none_was_planted(self, pages):
        assert not [text for partner in ("dunes", "northpoint") for text in takeaways(pages[partner]) if "slipping away" in text]

    def test_dependence_on_one_donor_is_in_the_headline(self, pages, gifts_module):
        truth = gifts_module.TRUTH["northpoint"]
        found = [text for text in takeaways(pages["northpoint"]) if text.startswith("One donor gave")]
        assert len(found) == 1 and f"fiscal year {truth['year']}" in found[0]
        gifts = table("northpoint", "gifts")
        year = gifts[
            gifts["gift_date"].between("2024-07-01", "2025-06-30") & ~gifts["gift_type"].isin(["pledge", "planned intention", "in kind"])
        ]
        share = year.loc[year["donor_id"] == truth["dominant_donor"], "amount_usd"].sum() / year["amount_usd"].sum()
        assert share > truth["least_share"] and int(re.search(r"(\d+) %", found[0])[1]) == round(100 * share)

    def test_the_campaign_behind_its_time_is_in_the_headline(self, pages):
        assert any("behind its time" in text for text in takeaways(pages["dunes"]))
        assert not any("behind its time" in text for partner in ("tallgrass", "northpoint") for text in takeaways(pages[partner]))

    def test_a_partner_without_a_program_says_so(self, pages):
        page = pages["riverbend"]
        assert "no development program" in page and "<figure" not in page and "What is in the pipe?" not in page


class TestPage:
    @pytest.mark.parametrize("partner", PROGRAMS)
    def test_every_question_has_its_section(self, pages, partner):
        for heading in (
            "Are we on goal?",
            "Where does it come from?",
            "Whom are we keeping?",
            "What will they do?",
            "What is in the pipe?",
            "What is owed?",
            "What does it cost?",
            "Grants",
            "What does it buy?",
            "Method and limits",
        ):
            assert f">{heading}" in pages[partner]
        assert pages[partner].count("<figure") >= 15 and len(takeaways(pages[partner])) == 3

    @pytest.mark.parametrize("partner", PROGRAMS)
    def test_no_donor_is_named(self, pages, partner):
        donors = table(partner, "donors")
        page = pages[partner]
        assert not [name for name in donors["name"].unique() if name in page]
        assert not [donor for donor in donors["donor_id"] if donor in page]

    @pytest.mark.parametrize("partner", PROGRAMS)
    def test_the_counting_policy_is_printed(self, pages, partner):
        assert "Production counts outright gifts, new pledges" in pages[partner] and "never added" in pages[partner]

    @pytest.mark.parametrize("partner", PROGRAMS)
    def test_growth_in_giving_reconciles_with_the_ledger(self, pages, partner):
        """The waterfall's ends are the cash of both years, straight from the file."""
        gifts = table(partner, "gifts")
        cash = gifts[~gifts["gift_type"].isin(["pledge", "planned intention", "in kind"])]
        for year in (2024, 2025):
            total = cash.loc[cash["gift_date"].between(f"{year - 1}-07-01", f"{year}-06-30"), "amount_usd"].sum()
            said = re.search(rf"Fiscal year {year}: \$([\d,]+) K", html.unescape(pages[partner]))
            assert float(said[1].replace(",", "")) == pytest.approx(total / 1e3, abs=0.5)

    def test_donor_actions_are_not_among_the_pages(self, demo_pages):
        assert not [notebook for _, notebook in demo_pages if notebook == "07_donor_actions"]


def test_leadership_settings_refuse_the_internal_page(tmp_path):
    command = [
        sys.executable,
        "-m",
        "catchment.cli",
        "run",
        "--partner",
        "tallgrass",
        "--notebook",
        "07_donor_actions",
        "--reports",
        str(tmp_path / "reports"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "CATCHMENT_ROOT": str(ROOT)}, check=False)
    assert done.returncode != 0 and "internal readers only" in done.stdout + done.stderr


class TestLedger:
    @pytest.mark.slow
    def test_the_same_bytes_again(self, gifts_module, tmp_path):
        gifts_module.write(tmp_path, "dunes")
        made = {path.name: path.read_bytes() for path in (tmp_path / "gifts").iterdir()}
        kept = {path.name: path.read_bytes() for path in (ROOT / "data" / "demo" / "gifts").glob("*_dunes.csv.gz")}
        assert made.keys() == kept.keys() and len(made) == 15 and all(made[name] == kept[name] for name in made)

    @pytest.mark.parametrize("partner", PROGRAMS)
    def test_identifiers_hang_together(self, partner):
        gifts, donors, pledges, soft = (table(partner, name) for name in ("gifts", "donors", "pledges", "soft_credits"))
        assert (
            gifts["gift_id"].is_unique
            and donors["donor_id"].is_unique
            and set(gifts["donor_id"]) <= set(donors["donor_id"])
            and set(soft["gift_id"]) <= set(gifts["gift_id"])
        )
        paid = gifts[gifts["gift_type"] == "pledge payment"]
        assert set(paid["pledge_id"]) <= set(pledges["pledge_id"])
        back = gifts[gifts["amount_usd"] < 0]
        assert len(back) and back["adjusts_gift_id"].isin(gifts["gift_id"]).all() and back["adjustment"].notna().all()
        due = table(partner, "pledge_instalments").groupby("pledge_id")["due_usd"].sum()
        assert (due - pledges.set_index("pledge_id")["amount_usd"]).abs().max() < 0.005

    def test_stage_chances_are_near_the_planted_ones(self, gifts_module):
        from catchment.philanthropy import pipeline

        history, proposals = (pd.concat([table(partner, name) for partner in PROGRAMS]) for name in ("proposal_stages", "proposals"))
        rows = pipeline.stage_probability(history, proposals, default=dict.fromkeys(pipeline.STAGES, 0.5)).set_index("stage")
        for stage, share in gifts_module.TRUTH["stage_funded_share"].items():
            error = (share * (1 - share) / rows.loc[stage, "closed_n"]) ** 0.5
            assert abs(rows.loc[stage, "own_share"] - share) < 4 * error
