"""Sentences of the referral page, and that they find what is planted in the demo's data."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, page, params
from catchment.page.exhibit import FalseClaim
from catchment.referrals import changes, corridors, exhibits, findings, flow_exhibits, journeys, outreach, patterns, shared_patients
from catchment.stats import survival

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data" / "demo"))

from simulation import referrals as simulated  # noqa: E402

PARTNERS = list(simulated.TRUTH)


def reported(name):
    """The report of a partner's page."""
    settings = params.load(name, root=ROOT)
    return page.Report(settings, data.Tables(settings, root=ROOT))


@pytest.fixture
def report():
    return reported("dunes")


@pytest.fixture(scope="module", params=PARTNERS)
def partner(request):
    """A partner's settings, its clinicians and its described referrals."""
    settings = params.load(request.param, root=ROOT)
    tables = data.Tables(settings, root=ROOT)
    clinicians = outreach.directory(tables.read("clinicians"), tables.read("specialties"), audience="internal")
    centers, network = tables.read("referral_destinations"), [*settings.network, settings.name]
    every = patterns.described(tables.read("referrals"), clinicians, centers, network=network, last=settings.as_of)
    return settings, clinicians, every[every["eligible"]]


def test_the_leaking_specialty_is_found_with_its_rival(partner):
    settings, _, every = partner
    report, now, truth = reported(settings.id), every[every["span"] == "now"], simulated.TRUTH[settings.id]
    leaks = patterns.keepage(now, ["specialty"])
    keepage = exhibits.keepage(report, leaks, period="2025")
    text = findings.leak(report, keepage, now).text
    assert keepage.title.startswith(f"{truth['leaking_specialty']} keeps ")
    assert text.startswith(f"**{truth['leaking_specialty']} leaks most")
    assert text.endswith(f"goes to {truth['leaks_to']}.")
    assert "against 12.3 % across affiliated clinicians" in findings.leak(report, keepage, now, overall=0.123).text.replace("\u00a0", " ")


@pytest.mark.parametrize("spell", [str.upper, lambda name: name.replace("Medical Center", "Med Ctr").replace("Hospital", "Hosp.")])
def test_the_own_hospital_spelled_otherwise_does_not_turn_keepage_into_leakage(partner, spell):
    settings, clinicians, _ = partner
    tables = data.Tables(settings, root=ROOT)
    rows = tables.read("referrals").copy()
    own = rows["destination"] == settings.name
    rows[["destination", "destination_system"]] = rows[["destination", "destination_system"]].astype(object)
    rows.loc[own, ["destination", "destination_system"]] = spell(settings.name)
    told = rf"\({own.sum():,} rows, {rows.loc[own, 'referrals_n'].sum():,} referrals; did you mean {settings.name}"
    with pytest.raises(ValueError, match=told):
        patterns.described(rows, clinicians, tables.read("referral_destinations"), network=[settings.name], last=settings.as_of)


def test_the_lost_and_the_new_referrer_are_found(partner):
    settings, clinicians, every = partner
    moved = changes.changes(every[every["ours"]], by=["npi"]).merge(clinicians, on="npi", validate="one_to_one")
    labels = moved.set_index("npi")["label"]
    assert labels[simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"])] == changes.LOST
    assert labels[simulated.npi(settings.id, simulated.ROLE_SERIAL["opened_referrer"])] == changes.NEW
    gone = clinicians.set_index("npi").loc[simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"]), "clinician"]
    shown = flow_exhibits.movers(reported(settings.id), moved, quarters=4, period="2025").shown
    assert f"{gone}, with " in findings.lost(moved, shown).text


def test_the_growing_corridor_is_found(partner):
    settings, _, every = partner
    towns = changes.changes(every, by=["city", "destination"])
    truth, report = simulated.TRUTH[settings.id]["growing_origin"], reported(settings.id)
    series = corridors.yearly(every, towns, to=settings.name, last=settings.as_of)
    grown = flow_exhibits.grown(report, towns)
    assert f"from {truth} to {settings.name} grows" in findings.corridor(report, towns, grown).text
    assert flow_exhibits.growing(report, series, grown).title.startswith(f"{truth} grew from")
    assert truth in set(series["city"])


def test_the_gravity_model_describes_the_corridors(partner):
    settings, _, every = partner
    grid = corridors.pairs(every[every["span"] == "now"], data.Tables(settings, root=ROOT).read("referral_destinations"))
    fit = corridors.expectation(grid)
    # With a power of the distance the root mean square error is many mean flows here.
    assert fit.srmse < 2
    assert fit.d2 > 0.5
    assert f"Explained deviance {fit.d2:.2f}" in corridors.fitted(fit)


def test_the_lost_referrers_series_breaks_when_it_was_lost(partner):
    settings, _, every = partner
    lost = simulated.npi(settings.id, simulated.ROLE_SERIAL["lost_referrer"])
    table = changes.breaks(every[every["ours"]], replicates=299, seed=1).set_index("npi")
    assert bool(table.loc[lost, "broke"])
    assert (table.loc[lost, "first_quarter"], table.loc[lost, "after_referrals_n"]) == ("2025 Q1", 0)


def sent(*rows):
    """Eligible referrals of affiliated clinicians: specialty, whether they came to us, how many."""
    table = pd.DataFrame(rows, columns=["specialty", "ours", "referrals_n"])
    system = table["ours"].map({True: "Dunes Regional Hospital", False: "Cedar"})
    return table.assign(affiliation="affiliated", eligible=True, destination_system=system)


MANY = sent(("Urology", True, 40), ("Urology", False, 120), ("Dermatology", True, 300), ("Dermatology", False, 100))


def leaked(report, referrals):
    """The exhibit of keepage and the finding of these referrals."""
    leaks = patterns.keepage(referrals, ["specialty"])
    keepage = exhibits.keepage(report, leaks, period="2025")
    return keepage, findings.leak(report, keepage, referrals)


def test_the_most_costly_leak_is_said_with_its_share(report):
    keepage, finding = leaked(report, MANY)
    assert keepage.title == "Urology keeps 24.5 %, the most costly leak"
    assert "Urology leaks most: 24.5 % of its eligible referrals" in finding.text
    assert finding.exhibit == keepage.key


def test_a_share_that_the_table_hides_is_not_said(report):
    few = pd.concat([MANY.iloc[2:], sent(("Urology", True, 7), ("Urology", False, 83))])
    keepage, finding = leaked(report, few)
    assert keepage.shown.set_index("specialty").loc["Urology", ["kept_referrals_n", "kept_share", "kept_share_high"]].isna().all()
    assert "Urology" not in keepage.title + finding.text


def test_a_title_with_another_number_than_the_rows_is_refused(report):
    keepage, _ = leaked(report, MANY)
    wrong = keepage.title.replace("24.5 %", "35.0 %")
    claims = [replace(claim, said="35.0 %") for claim in keepage.claims]
    with pytest.raises(FalseClaim, match="the rows shown say otherwise"):
        replace(keepage, title=wrong, claims=claims)
    with pytest.raises(FalseClaim, match=r"no claim says where 35\.0 % of its title comes from"):
        replace(keepage, title=wrong, claims=[])


MOVED = pd.DataFrame(
    {
        "label": [changes.SAME],
        "before_referrals_n": [20],
        "clinician": ["X"],
        "affiliation": ["independent"],
        "adjusted": [0.9],
        "destination": "Dunes Regional Hospital",
        "city": "Here",
        "difference_n": [1],
        "now_referrals_n": [21],
    }
)
NO_YEAR = pd.DataFrame({"city": [], "year": [], "referrals_n": []}).astype({"city": "str", "year": int, "referrals_n": int})


def test_nothing_found_is_said_too(report):
    even = sent(("Urology", True, 300), ("Urology", False, 100), ("Dermatology", True, 300), ("Dermatology", False, 100))
    assert "No specialty leaks" in leaked(report, even)[1].text
    assert leaked(report, even)[0].title == "Keepage does not differ measurably between specialties"
    assert "No referrer of measurable size was lost" in findings.lost(MOVED, MOVED).text
    grown = flow_exhibits.grown(report, MOVED)
    assert "measurably more" in findings.corridor(report, MOVED, grown).text
    assert "Nobody on the list" in findings.opportunity(report, pd.DataFrame({"recoverable_usd": []})).text
    assert flow_exhibits.growing(report, NO_YEAR, grown).title == "No town moved measurably"
    assert flow_exhibits.movers(report, MOVED, quarters=4, period="2025").title == "0 referrers changed beyond chance"
    assert "Too few referrals" in leaked(report, sent(("Urology", True, 4), ("Urology", False, 5)))[1].text
    few = pd.DataFrame({"recoverable_usd": [900.0], "eligible_referrals_n": 3})
    assert "Too few referrals" in findings.opportunity(report, few).text


def test_few_referrals_are_not_counted_in_a_title(report):
    for ours in (MANY.head(0), sent(("Urology", True, 4), ("Dermatology", True, 5))):
        shown = exhibits.senders(report, patterns.senders(ours, by=["specialty", "affiliation"]), period="2025")
        assert shown.title == "Few referrals reach our network"
    matrix = patterns.origin_destination(MANY[MANY["ours"]], rows="specialty", columns="destination_system")
    assert flow_exhibits.destinations(report, matrix, period="2025").title == "Few referrals go elsewhere"


def test_titles_say_the_shares_of_the_rows_shown(report):
    senders = exhibits.senders(report, patterns.senders(MANY, by=["specialty", "affiliation"]), period="2025")
    assert senders.title == "Dermatology sends 88.4 % of our referrals"
    other = MANY.assign(destination_system=["Dunes Regional Hospital", "Cedar", "Dunes Regional Hospital", "Birch"])
    matrix = patterns.origin_destination(other, rows="specialty", columns="destination_system")
    assert flow_exhibits.destinations(report, matrix, period="2025").title == "Cedar receives 54.2 % of what goes elsewhere"


def flowing(*rows):
    """Pairs of a town and a center: Dunes Regional Hospital is ours."""
    table = pd.DataFrame(rows, columns=["origin", "destination", "flow_n"])
    return table.assign(dist_km=9.0)


def test_the_flow_map_says_what_it_leaves_out(report):
    pairs = flowing(("A", "Dunes", 60), ("A", "Cedar", 50), ("B", "Dunes", 20), ("B", "Cedar", 70), ("C", "Dunes", 0), ("C", "Cedar", 0))
    flows = flow_exhibits.flows(report, pairs, ours={"Dunes"}, most=2, period="2025")
    assert flows.title == "B sends 69 referrals elsewhere, the most of all towns"
    assert flows.subtitle.startswith("Referrals by town of the practice and cancer center, the 2 largest pairs")
    assert flows.note == "2 smaller or hidden pairs left out; the lines drawn carry 63 % of all referrals."
    at_home = flow_exhibits.flows(report, pairs[pairs["destination"] == "Dunes"], ours={"Dunes"}, most=2, period="2025")
    assert at_home.title == "Every referral stays with Dunes Regional Hospital and its hub"
    few = flow_exhibits.flows(report, flowing(("A", "Cedar", 5), ("B", "Cedar", 6)), ours={"Dunes"}, most=2, period="2025")
    assert few.title == "Few referrals go elsewhere from any town"


def test_corridors_beyond_expectation_are_counted(report):
    rows = {"origin": ["A", "B"], "destination": "Dunes", "dist_km": 9.0, "referrals_n": [60, 50], "expected_n": [30.0, 90.0]}
    odd = pd.DataFrame(rows).assign(verdict=["over", "under"])
    assert flow_exhibits.surprises(report, odd, None, period="2025").title == "1 corridor above expectation, 1 below"
    nothing = flow_exhibits.surprises(report, odd.head(0), None, period="2025")
    assert nothing.title.startswith("Every corridor")


def keys():
    """The key of every exhibit of the room, as its functions give it."""
    found = []
    for module in (exhibits, flow_exhibits):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "exhibit":
                key = node.args[0]
                found.append(key.value if isinstance(key, ast.Constant) else getattr(module, key.id))
    return found


def test_every_exhibit_has_a_key_of_its_own_and_findings_link_to_them():
    assert len(keys()) == len(set(keys())) == 22
    report = reported("dunes")
    first = pd.DataFrame({"recoverable_usd": [900.0], "eligible_referrals_n": 30})
    linked = [findings.lost(MOVED, MOVED), findings.corridor(report, MOVED, MOVED.head(0)), findings.opportunity(report, first)]
    assert {finding.exhibit for finding in linked} == {"changed-referrers", "growing-towns", "first-visits"} <= set(keys())


def test_several_lost_referrers_are_counted():
    moved = pd.DataFrame(
        {"label": ["lost", "lost", "new"], "before_referrals_n": [20, 60, 0], "clinician": ["A", "B", "C"], "adjusted": "below 0.01"}
    )
    assert findings.lost(moved, moved).text.startswith(
        "**Two referrers were lost, the largest being B, with 60 referrals before and none now.**"
    )


def test_half_of_the_money_names_the_fewest_visits(report):
    ranked = pd.DataFrame({"recoverable_usd": [600_000.0, 300_000.0, 200_000.0, 100_000.0], "eligible_referrals_n": 50})
    text = findings.opportunity(report, ranked).text
    assert "$1.2 M" in text
    assert "Half of it lies with 1 clinician of the 4" in text


def test_a_movement_within_chance_is_called_so():
    columns = ["kept_share", "kept_share_low", "kept_share_high", "kept_referrals_n", "leaked_referrals_n"]
    rows = pd.DataFrame([[0.52, 0.48, 0.56, 300, 280], [0.50, 0.46, 0.54, 300, 280]], index=["now", "before"], columns=columns)
    assert findings.share_card("Keepage", rows, 0.8).change.endswith("(within chance)")
    few = findings.share_card("Keepage", rows.assign(kept_share=[float("nan"), 0.5]), 0.8)
    assert (few.value, few.change) == ("[x]", "no comparison with the period before")
    far = findings.share_card("Keepage", pd.concat([rows.loc[["now"]], rows.loc[["before"]] - 0.2]), 0.8)
    assert "(within chance)" not in far.change


def center_title(report, days, pvalue):
    """The exhibit of centers of which half have been seen within so many days (missing: not yet)."""
    rows = [("Hub", "Partner", "Outpost")[i] for i in range(len(days)) for _ in range(2)]
    curve = pd.DataFrame({"destination": rows, "days": [x for day in days for x in (5.0, day)], "done_share": [0.25, 0.5] * len(days)})
    waits = pd.DataFrame({"destination": ["Hub", "Partner", "Outpost"][: len(days)], "ever_share": [0.8, 0.7, 0.6][: len(days)]})
    test = survival.LogRank(9.0, len(days) - 1, pvalue)
    return exhibits.center_waits(report, curve.dropna(), survival.Contrast(waits, test, 0))


def test_the_faster_center_is_named_whichever_it_is(report):
    assert center_title(report, [12.0, 25.0], 0.001).title == "Hub sees half within 12 days, the other within 25"
    assert center_title(report, [25.0, 12.0], 0.001).title == "Partner sees half within 12 days, the other within 25"
    assert center_title(report, [25.0, 12.0, 14.0], 0.001).title == "Partner sees half within 12 days, the slowest within 25"
    assert center_title(report, [12.0, 14.0], 0.4).title == "Half of the patients are seen within 14 days at every center"
    assert center_title(report, [12.0, float("nan")], 0.001).title == "Hub sees half within 12 days, not every center has seen half"
    assert center_title(report, [float("nan")], float("nan")).title == "Fewer than half of the patients are ever seen"
    assert "No test between centers" in center_title(report, [12.0], float("nan")).note
    assert "p below 0.001" in center_title(report, [12.0, 25.0], 1e-9).note
    assert center_title(report, [12.0, 25.0], 1e-9).note.startswith("Ever seen: Hub 80 % and Partner 70 %.")


def test_what_the_table_does_not_hold_is_said(report):
    assert exhibits.partial_periods(report, pd.Timestamp("2025-12-31"), []) == []
    late, gap = exhibits.partial_periods(report, pd.Timestamp("2025-06-30"), ["2024 Q3", "2024 Q4"])
    assert late == "Referrals are recorded through June 2025, not to December 2025: every number and comparison ends there."
    assert gap == "No referral is recorded in 2024 Q3 and 2024 Q4: nothing is compared with the period before."


def test_the_card_of_waits_says_how_many_are_ever_seen(report):
    columns = ["kept_share", "kept_share_low", "kept_share_high", "kept_referrals_n", "leaked_referrals_n"]
    rows = pd.DataFrame([[0.5, 0.4, 0.6, 300, 280]] * 2, index=["now", "before"], columns=columns)
    moved = pd.DataFrame({"now_referrals_n": [300], "before_referrals_n": [280]})
    waiting = pd.DataFrame({"span": ["now", "before"], "median_days": [float("nan"), 14.0], "ever_share": [0.4, 0.7]})
    card = findings.cards(report, rows, rows, moved, waiting)[3]
    assert (card.value, card.goal) == ("[x]", "40 % are ever seen")


def test_the_tumor_site_that_waits_longest_is_named(report):
    rows = {"site": ["Lung", "Breast", "Colon"], "patients_n": 90, "observed_patients_n": 80, "pvalue": 0.01, "adjusted": [0.01, 0.9, 0.9]}
    waits = pd.DataFrame(rows).assign(median_days=[42.0, 20.0, 21.0])
    found = exhibits.site_waits(report, survival.Contrast(waits, survival.LogRank(9.0, 2, 0.01), 0), least=50)
    assert found.title == "Lung waits longest: half are treated within 42 days"
    alike = survival.Contrast(waits.assign(adjusted=0.5), survival.LogRank(1.0, 2, 0.6), 0)
    assert exhibits.site_waits(report, alike, least=50).title == "No tumor site waits measurably longer than the others"


def test_orders_are_told_apart_from_claims_for_both_groups_of_clinicians(report):
    rows = [("affiliated", "order", 60), ("affiliated", "claims", 20), ("independent", "order", 5), ("independent", "claims", 15)]
    every = pd.DataFrame(rows, columns=["affiliation", "evidence", "referrals_n"]).assign(eligible=True, period=pd.Timestamp("2021-01-01"))
    text = flow_exhibits.method(report, every, journeys.Worth(1.0, 2.0, 0.5), clinicians_n=3, year=2025)
    assert "63 are documented orders and 33 are sequences of visits in claims" in text
    assert "orders are 70 % of those of affiliated clinicians and [x] of all others" in text


def test_only_independent_clinicians_are_said_to_split(report):
    loyal = pd.DataFrame({"affiliation": ["independent"] * 3 + ["affiliated"], "tier": ["splitter", "lost", "loyal", "splitter"]})
    loyal = loyal.assign(npi=list("abcd"), tier_certain=True, eligible_referrals_n=40, destination_hhi=5_000.0)
    assert exhibits.tiers(report, loyal, period="2025").title == "1 of 3 independent referrers split between us and others"


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


def test_shared_patients_and_referrals_are_never_said_in_one_exhibit(report):
    ties = pd.DataFrame({"npi1": list("abcd"), "npi2": list("bcda"), "patients_n": [30, 20, 40, 11]})
    clinicians = pd.DataFrame({"npi": list("abcde"), "role": "feeder", "clinician": list("ABCDE"), "affiliation": "independent"})
    clinicians = clinicians.assign(city="Here", specialty="Urology")
    net = shared_patients.described(ties.assign(pairs_n=50, same_day_n=0), clinicians, same_day_share=0.5, resolution=1.0, seed=0)
    assert list(net.alone) == ["e"]
    circles = shared_patients.circles(net.measures, net.links, clinicians)
    linked = [
        flow_exhibits.bridges(report, net, shared_patients.bridges(net.measures, clinicians)),
        flow_exhibits.communities(report, net, circles),
    ]
    for each in linked:
        assert each.sources == ["shared_patients", "clinicians"]
        assert "hared patients, not referrals" in each.note
    tree = ast.parse(Path(flow_exhibits.__file__).read_text())
    named = {
        function.name: {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
    }
    assert {name for name, names in named.items() if "LINKED" in names} == {"bridges", "communities", "method"}


def test_the_notebook_draws_the_network_from_links_alone():
    book = json.loads((ROOT / "notebooks/02_referral_patterns.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    drawn = [cell for cell in cells if re.search(r"\bnet\.|\bshared\b", cell) and "report.method" not in cell]
    assert len(drawn) == 2
    for cell in drawn:
        assert not re.search(r"\b(every|offered|now|ours|moved|towns|pairs|grid)\b", cell)
