"""Sentences of the referral page, and that they find what is planted in the demo's data."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, params
from catchment.referrals import changes, corridors, exhibits, outreach, patterns
from catchment.referrals import findings as said
from catchment.stats import network, survival

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data" / "demo"))

from simulation import referrals as simulated  # noqa: E402

PARTNERS = list(simulated.TRUTH)


@pytest.fixture(scope="module", params=PARTNERS)
def partner(request):
    """A partner's settings, its clinicians and its described referrals."""
    settings = params.load(request.param, root=ROOT)
    tables = data.Tables(settings, root=ROOT)
    clinicians = outreach.directory(tables.read("clinicians"), tables.read("specialties"), audience="internal")
    every = patterns.described(tables.read("referrals"), clinicians, network=[*settings.network, settings.name], last=settings.as_of)
    return settings, clinicians, every[every["eligible"]]


def test_the_leaking_specialty_is_found_with_its_rival(partner):
    settings, _, every = partner
    now, truth = every[every["span"] == "now"], simulated.TRUTH[settings.id]
    text = said.leak(patterns.leaking(patterns.keepage(now, ["specialty"])), now).text
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
    assert exhibits.growing(towns, settings.name)["title"].startswith(f"{truth} grew from")
    assert exhibits.leader(towns, settings.name) == truth
    assert truth in set(corridors.yearly(every, towns, to=settings.name)["city"])


def test_every_gravity_model_describes_the_corridors(partner):
    settings, _, every = partner
    grid = corridors.pairs(every[every["span"] == "now"], data.Tables(settings, root=ROOT).read("referral_destinations"))
    fit = corridors.quality(corridors.fits(grid))
    assert fit["family"].tolist() == ["Poisson", "negative binomial", *["quasi-Poisson"] * 3]
    # With a power of the distance the negative binomial has a root mean square error of 8 to 30 mean flows here.
    assert fit["srmse"].max() < 2
    assert fit["d2"].min() > 0.5


def test_the_lost_referrers_series_breaks_when_it_was_lost(partner):
    settings, _, every = partner
    lost = simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"])
    table = changes.breaks(every[every["ours"]], replicates=299, seed=1).set_index("npi")
    assert bool(table.loc[lost, "broke"])
    assert (table.loc[lost, "first_quarter"], table.loc[lost, "after_referrals_n"]) == ("2025 Q1", 0)


LEAKY = pd.DataFrame(
    {
        "specialty": ["Urology"],
        "kept_referrals_n": [40],
        "eligible_referrals_n": [160],
        "overall_share": [0.6],
        "excess_referrals_n": [56.0],
    }
)
ROWS = pd.DataFrame(
    {
        "specialty": "Urology",
        "affiliation": "affiliated",
        "ours": False,
        "destination_system": ["Cedar", "Birch"],
        "referrals_n": [100, 20],
        "eligible": True,
    }
)


SHOWN = pd.DataFrame({"specialty": ["Urology"], "kept_share": [0.25]})


def test_small_parts_are_never_said():
    assert "25.0 %" in said.leak(LEAKY, ROWS).text
    few = LEAKY.assign(kept_referrals_n=7, eligible_referrals_n=90)
    assert "fewer than 11 of 90" in said.leak(few, ROWS).text
    assert "7.8" not in said.leak(few, ROWS).text
    assert "all but a few of 90" in exhibits.keepage(LEAKY.assign(kept_referrals_n=85, eligible_referrals_n=90), SHOWN, "2025")["title"]


def test_a_share_that_the_table_hides_is_not_said():
    shown = pd.DataFrame({"specialty": ["Urology", "Dermatology"], "kept_share": [None, 0.7]})
    assert "25.0" not in said.leak(LEAKY, ROWS, shown).text
    assert exhibits.keepage(LEAKY, shown, "2025")["title"] == "Urology is the most costly leak"
    assert "25.0" in exhibits.keepage(LEAKY, SHOWN, "2025")["title"]


def test_nothing_found_is_said_too():
    moved = pd.DataFrame(
        {
            "label": ["no measurable change"],
            "before_referrals_n": [20],
            "clinician": ["X"],
            "adjusted": [0.9],
            "destination": "Us",
            "city": "Here",
            "difference_n": [1],
            "now_referrals_n": [21],
        }
    )
    assert "No specialty leaks" in said.leak(LEAKY.head(0), ROWS).text
    assert "No referrer of measurable size was lost" in said.lost(moved).text
    assert "measurably more" in said.corridor(moved, to="Us").text
    assert "Nobody on the list" in said.opportunity(pd.DataFrame({"recoverable_usd": []})).text
    assert exhibits.growing(moved, "Us")["title"] == "No town moved measurably"
    assert exhibits.leader(moved, "Us") is None
    assert "Too few referrals" in said.leak(LEAKY.head(0), ROWS.assign(referrals_n=[4, 5])).text
    assert "Too few referrals" in said.opportunity(pd.DataFrame({"recoverable_usd": [900.0], "eligible_referrals_n": [3]})).text
    for few in (ROWS.head(0), ROWS.assign(referrals_n=[4, 5], ours=True)):
        assert exhibits.senders(few, "2025")["title"] == "Few referrals reach our network"
    assert exhibits.destinations(ROWS.assign(ours=True), "2025")["title"] == "Few referrals go elsewhere"
    assert exhibits.surprises(pd.DataFrame({"verdict": []}), "2025")["title"].startswith("Every corridor")


def test_several_lost_referrers_are_counted():
    moved = pd.DataFrame(
        {"label": ["lost", "lost", "new"], "before_referrals_n": [20, 60, 0], "clinician": ["A", "B", "C"], "adjusted": [0.01, 0.001, 0.02]}
    )
    assert said.lost(moved).text.startswith("**Two referrers were lost, the largest being B, with 60 referrals before and none now.**")


def test_half_of_the_money_names_the_fewest_visits():
    text = said.opportunity(
        pd.DataFrame({"recoverable_usd": [600_000.0, 300_000.0, 200_000.0, 100_000.0], "eligible_referrals_n": 50})
    ).text
    assert "$1.2 M" in text
    assert "Half of it lies with 1 clinician of the 4" in text


def test_a_movement_within_chance_is_called_so():
    columns = ["kept_share", "kept_share_low", "kept_share_high", "kept_referrals_n", "leaked_referrals_n"]
    rows = pd.DataFrame([[0.52, 0.48, 0.56, 300, 280], [0.50, 0.46, 0.54, 300, 280]], index=["now", "before"], columns=columns)
    assert said.share_card("Keepage", rows, 0.8).change.endswith("(within chance)")
    few = said.share_card("Keepage", rows.assign(kept_referrals_n=[4, 300]), 0.8)
    assert "52" not in few.value + few.change
    far = said.share_card("Keepage", pd.concat([rows.loc[["now"]], rows.loc[["before"]] - 0.2]), 0.8)
    assert "(within chance)" not in far.change


def centers(days, pvalue):
    waits = pd.DataFrame({"destination": ["Hub", "Partner", "Outpost"][: len(days)], "median_days": days})
    return survival.Contrast(waits, survival.LogRank(9.0, len(days) - 1, pvalue), 0)


def test_the_faster_center_is_named_whichever_it_is():
    assert exhibits.center_waits(centers([12.0, 25.0], 0.001))["title"] == "Hub sees half within 12 days, the other within 25"
    assert exhibits.center_waits(centers([25.0, 12.0], 0.001))["title"].startswith("Partner sees half within 12 days")
    assert exhibits.center_waits(centers([12.0, 25.0, float("nan")], 0.001))["title"].endswith("the slowest within 25")
    assert exhibits.center_waits(centers([12.0, 14.0], 0.4))["title"] == "Half of the patients are seen within 13 days"
    assert exhibits.center_waits(centers([float("nan")], float("nan")))["title"] == "Fewer than half of the patients have been seen"
    assert "no test between centers" in exhibits.center_waits(centers([12.0], float("nan")))["note"]
    assert "p below 0.001" in exhibits.center_waits(centers([12.0, 25.0], 1e-9))["note"]


def test_orders_are_told_apart_from_claims_for_both_groups_of_clinicians():
    rows = [("affiliated", "order", 60), ("affiliated", "claims", 20), ("independent", "order", 5), ("independent", "claims", 15)]
    every = pd.DataFrame(rows, columns=["affiliation", "evidence", "referrals_n"]).assign(eligible=True, period=pd.Timestamp("2021-01-01"))
    rules = params.load("dunes", root=ROOT).referrals
    text = exhibits.method(every, rules, patterns.Worth(1.0, 2.0, 0.5), year=2025, clinicians_n=3)
    assert "65 are documented orders and 35 are sequences of visits in claims" in text
    assert "orders are 75 % of those of affiliated clinicians and 25 % of all others" in text


def test_only_independent_clinicians_are_said_to_split():
    loyal = pd.DataFrame({"affiliation": ["independent"] * 3 + ["affiliated"], "tier": ["splitter", "lost", "loyal", "splitter"]})
    assert exhibits.tiers(loyal, "2025")["title"] == "1 of 3 independent referrers split between us and others"


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
    assert "Log-rank test between tumor sites" in page
    assert "links of 2025" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTNERS)
def test_a_case_is_worth_the_same_on_both_pages(demo_pages, name):
    margins = demo_pages[name, "03_growth_scenarios"].read_text().split("Per analytic case", 1)[1].split("</tr>", 1)[0]
    thousands = float(re.findall(r"<td[^>]*>([^<]+)</td>", margins)[-2].replace(",", ""))
    dollars = re.search(r"Worth of a referral</strong>: \$([\d,]+) contribution", demo_pages[name, "02_referral_patterns"].read_text())[1]
    assert thousands == pytest.approx(float(dollars.replace(",", "")) / 1000, abs=0.5)


def copied(root):
    """The project in a folder of its own, and its folder of referrals."""
    for folder in ("params", "notebooks", "data"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "imported"))
    return root / "data/demo/referrals"


def built(root, *partners):
    """The referral page of each partner, built and published by the real command."""
    command = [sys.executable, "-m", "catchment.cli", "run", "--notebook", "02_referral_patterns"]
    for partner in partners:
        command += ["--partner", partner]
    environment = os.environ | {"CATCHMENT_ROOT": str(root), "PYTHONPATH": str(ROOT / "lib")}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {partner: (root / f"reports/{partner}/02_referral_patterns.html").read_text() for partner in partners}


@pytest.fixture(scope="module")
def sparse_pages(tmp_path_factory):
    """Pages of a partner with eight referrals, five cases and no shared-patient file, and of one without any referral."""
    root = tmp_path_factory.mktemp("sparse")
    tables = copied(root)
    few = pd.read_csv(tables / "referrals_dunes.csv.gz", dtype="str")
    few[few["period"] >= "2025"].sample(8, random_state=1).to_csv(tables / "referrals_dunes.csv.gz", index=False)
    pd.read_csv(tables / "cases_dunes.csv.gz", dtype="str").tail(5).to_csv(tables / "cases_dunes.csv.gz", index=False)
    for gone in (*tables.glob("shared_patients_*"), tables / "referrals_riverbend.csv.gz"):
        gone.unlink()
    return built(root, "dunes", "riverbend")


@pytest.mark.slow
def test_the_page_of_other_referrals_gives_nothing_away_either(tmp_path):
    """Parts of the demo's referrals, drawn at random: other cells are hidden, and no exhibit or sentence gives them, so each is published."""
    tables = copied(tmp_path)
    partners = ["northpoint", "riverbend", "tallgrass"]
    for seed, partner in enumerate(partners):
        path = tables / f"referrals_{partner}.csv.gz"
        pd.read_csv(path, dtype="str").sample(frac=0.75, random_state=seed).sort_index().to_csv(path, index=False)
    assert all("[c]" in page for page in built(tmp_path, *partners).values())


@pytest.mark.slow
def test_a_partner_with_hardly_any_referral_has_a_page_that_says_so(sparse_pages):
    page = sparse_pages["dunes"]
    assert "Too few referrals of affiliated clinicians to compare specialties." in page
    assert "Nothing to draw: every count is too small to be shown." in page
    assert "Nothing to draw: there is no such record." in page.split("How the network is built</h2>", 1)[1].split("</figure>", 1)[0]
    assert "Nothing to draw: no flow is large enough to be shown." in page
    waits = page.split("Waiting times in days by step and center", 2)[2].split("</table>", 1)[0]
    assert not re.search(r'<td class="n">\d', waits), "days of a handful of patients are shown"


@pytest.mark.slow
def test_a_partner_without_referrals_is_told_so(sparse_pages):
    assert "No referral to oncology is recorded for Riverbend Community Hospital" in sparse_pages["riverbend"]
    assert "<figure" not in sparse_pages["riverbend"]


def test_shared_patients_and_referrals_are_never_said_in_one_exhibit():
    tree = ast.parse((ROOT / "lib/catchment/referrals/exhibits.py").read_text())
    named = {
        function.name: {node.value for node in ast.walk(function) if isinstance(node, ast.Constant)}
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
    }
    assert {name for name, texts in named.items() if "shared_patients" in texts} == {"bridges", "communities"}
    ties = pd.DataFrame({"npi1": list("abcd"), "npi2": list("bcda"), "patients_n": [30, 20, 40, 11]})
    clinicians = pd.DataFrame({"npi": list("abcde"), "role": "feeder", "clinician": list("ABCDE"), "affiliation": "independent"})
    pairs = ties.assign(pairs_n=50, same_day_n=0)
    net = network.described(pairs, clinicians, same_day_share=0.5, resolution=1.0, seed=0)
    assert list(net.alone) == ["e"]
    for exhibit in (exhibits.bridges(net, network.bridges(net.measures, clinicians)), exhibits.communities(net, 1)):
        assert exhibit["sources"] == ["shared_patients", "clinicians"]
        assert "hared patients, not referrals" in exhibit["note"]


def test_the_notebook_draws_the_network_from_links_alone():
    book = json.loads((ROOT / "notebooks/02_referral_patterns.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    drawn = [cell for cell in cells if re.search(r"\bnet\.|\bshared\b", cell) and "report.method" not in cell]
    assert len(drawn) == 2
    for cell in drawn:
        assert not re.search(r"\b(every|offered|now|ours|moved|towns|pairs|grid)\b", cell)
