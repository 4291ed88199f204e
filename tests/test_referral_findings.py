"""Sentences of the referral page, and that they find what is planted in the demo's data."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, params
from catchment.analysis import changes, outreach, referrals
from catchment.report import referral_findings as said

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "data" / "demo"))

from simulation import referrals as simulated  # noqa: E402

PARTNERS = list(simulated.TRUTH)


@pytest.fixture(scope="module", params=PARTNERS)
def partner(request):
    """A partner's settings, its clinicians and its described referrals."""
    settings = params.load(request.param, root=ROOT)
    tables = data.Tables(settings, root=ROOT)
    clinicians = tables.read("clinicians").merge(tables.read("specialties"), on="taxonomy_code", how="left", validate="many_to_one")
    clinicians["clinician"] = outreach.label(clinicians, audience="internal")
    every = referrals.described(tables.read("referrals"), clinicians, network=[*settings.network, settings.name], last=settings.as_of)
    return settings, clinicians, every[every["eligible"]]


def test_the_leaking_specialty_is_found_with_its_rival(partner):
    settings, _, every = partner
    now, truth = every[every["span"] == "now"], simulated.TRUTH[settings.id]
    text = said.leak(referrals.leaking(referrals.keepage(now, ["specialty"])), now).text
    assert text.startswith(f"**{truth['leaking_specialty']} leaks most")
    assert text.endswith(f"goes to {truth['leaks_to']}.")


def test_the_lost_and_the_new_referrer_are_found(partner):
    settings, clinicians, every = partner
    moved = changes.changes(every[every["ours"]], by=["npi"]).merge(clinicians, on="npi", validate="one_to_one")
    labels = moved.set_index("npi")["label"]
    assert labels[simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"])] == changes.LOST
    assert labels[simulated.npi(settings.id, simulated.ROLE_SERIAL["opened_referrer"])] == changes.NEW
    gone = clinicians.set_index("npi").loc[simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"]), "clinician"]
    assert f"{gone}, with " in said.lost(moved).text


def test_the_growing_corridor_is_found(partner):
    settings, _, every = partner
    towns = changes.changes(every, by=["city", "destination"])
    truth = simulated.TRUTH[settings.id]["growing_origin"]
    assert f"from {truth} to {settings.name} grows" in said.corridor(towns, to=settings.name).text
    assert said.corridor_title(towns, to=settings.name).startswith(f"{truth} grew from")


def test_the_lost_referrers_series_breaks_when_it_was_lost(partner):
    settings, _, every = partner
    lost = simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"])
    table = changes.breaks(every[every["ours"]], replicates=299, seed=1).set_index("npi")
    assert bool(table.loc[lost, "broke"])
    assert (table.loc[lost, "first_quarter"], table.loc[lost, "after_referrals_n"]) == ("2025 Q1", 0)


LEAKY = pd.DataFrame({"specialty": ["Urology"], "kept_referrals_n": [40], "eligible_referrals_n": [160], "overall_share": [0.6], "excess_referrals_n": [56.0]})
ROWS = pd.DataFrame({"specialty": "Urology", "affiliation": "affiliated", "ours": False, "destination_system": ["Cedar", "Birch"], "referrals_n": [100, 20]})


def test_small_parts_are_never_said():
    assert "25.0 %" in said.leak(LEAKY, ROWS).text
    few = LEAKY.assign(kept_referrals_n=7, eligible_referrals_n=90)
    assert "fewer than 11 of 90" in said.leak(few, ROWS).text
    assert "7.8" not in said.leak(few, ROWS).text
    assert "all but a few of 90" in said.keepage_title(LEAKY.assign(kept_referrals_n=85, eligible_referrals_n=90))


def test_a_share_that_the_table_hides_is_not_said():
    shown = pd.DataFrame({"specialty": ["Urology", "Dermatology"], "kept_share": [None, 0.7]})
    assert "25.0" not in said.leak(LEAKY, ROWS, shown).text
    assert said.keepage_title(LEAKY, shown) == "Urology is the most costly leak"
    assert "25.0" in said.keepage_title(LEAKY, shown.assign(kept_share=0.25))


def test_nothing_found_is_said_too():
    moved = pd.DataFrame({"label": ["no measurable change"], "before_referrals_n": [20], "clinician": ["X"], "adjusted": [0.9], "destination": "Us", "city": "Here", "difference_n": [1], "now_referrals_n": [21]})
    assert "No specialty leaks" in said.leak(LEAKY.head(0), ROWS).text
    assert "No referrer of measurable size was lost" in said.lost(moved).text
    assert "measurably more" in said.corridor(moved, to="Us").text
    assert "Nobody on the list" in said.opportunity(pd.DataFrame({"recoverable_usd": []})).text
    assert said.corridor_title(moved, to="Us") == "No town moved measurably"
    assert said.surprise_title(pd.DataFrame({"verdict": []})).startswith("Every corridor")


def test_several_lost_referrers_are_counted():
    moved = pd.DataFrame({"label": ["lost", "lost", "new"], "before_referrals_n": [20, 60, 0], "clinician": ["A", "B", "C"], "adjusted": [0.01, 0.001, 0.02]})
    assert said.lost(moved).text.startswith("**Two referrers were lost, the largest being B, with 60 referrals before and none now.**")


def test_half_of_the_money_names_the_fewest_visits():
    text = said.opportunity(pd.DataFrame({"recoverable_usd": [600_000.0, 300_000.0, 200_000.0, 100_000.0]})).text
    assert "$1.2 M" in text
    assert "Half of it lies with 1 clinician of the 4" in text


def test_a_movement_within_chance_is_called_so():
    now, before = pd.Series({"kept_share": 0.52, "kept_share_low": 0.48, "kept_share_high": 0.56}), pd.Series({"kept_share": 0.50, "kept_share_low": 0.46, "kept_share_high": 0.54})
    assert said.share_card("Keepage", now, before, 0.8).change.endswith("(within chance)")
    far = before - 0.2
    assert "(within chance)" not in said.share_card("Keepage", now, far, 0.8).change


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTNERS)
def test_the_page_says_the_truth_in_its_headline_and_names_nobody(demo_pages, name):
    page = demo_pages[name, "02_referral_patterns"].read_text()
    truth, settings = simulated.TRUTH[name], params.load(name, root=ROOT)
    headline = page.split('class="takeaways"', 1)[1].split("</ol>", 1)[0].replace("&amp;", "&")
    assert f"{truth['leaking_specialty']} leaks most" in headline
    assert f"corridor from {truth['growing_origin']} to {settings.name} grows" in headline
    assert "One referrer was lost" in headline
    own = pd.read_csv(ROOT / f"data/demo/referrals/clinicians_{name}.csv")
    assert settings.audience == "leadership"
    assert not [f"{row.given_name} {row.family_name}" for row in own.itertuples() if f"{row.given_name} {row.family_name}" in page]
    assert not own["npi"].astype(str).map(page.__contains__).any()
    assert page.count("<figure") >= 10
