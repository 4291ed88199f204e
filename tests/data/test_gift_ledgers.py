"""From a dirty export to the page's figures: imported, read back as the page reads it, and added up against sums made by hand."""

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_gift_importers import NXT

from catchment import data, params
from catchment.data import importing
from catchment.page import plots
from catchment.philanthropy import designations, findings, giving, pledges, raised
from catchment.philanthropy import exhibits as said

ROOT = Path(__file__).parents[2]

# Every row of the Raiser's Edge export that is left out, by line, and a word of its reason.
LEFT_OUT = {
    3: "the same gift again",
    9: "a negative amount with its reason",
    10: "US dollars",
    12: "schedule",
    14: "2/30/2024",
    16: "a donor identifier",
    17: "identifier that is taken",
    18: "Barter",
    19: "6 columns, not 15",
}
DONORS = "donor_id,household_id,name,kind,opted_out\n" + "".join(
    f"{n},{'H1' if n in (100, 200) else f'H{n}'},Name {n},{'donor-advised fund sponsor' if n == 105 else 'household'},{'yes' if n == 101 else 'no'}\n"
    for n in (*range(100, 114), 200)
)
TEMPLATE = """gift_id,donor_id,gift_date,gift_type,amount_usd,designation_id,adjusts_gift_id,adjustment
G1,100,7/1/2023,outright,"$1,234.00",Greatest need,,
G2,101,2023-08-15,pledge,500,Infusion,,
G3,101,2023-09-15,pledge payment,100,Infusion,,
G4,102,9/16/2023,outright,200,Navigation,,
G4,102,9/16/2023,outright,100,Greatest need,,
G5,100,10/1/2023,outright,"($1,234.00)",Greatest need,G1,refund
G8,105,"Oct 4, 2023",donor-advised,900,Infusion,,
G10,106,10/5/2023,recurring,20,Greatest need,,
G12,108,1/5/2024,matching,75,Greatest need,,
G16,112,1/7/2024,stock,75,Infusion,,
G17,113,1/8/2024,in kind,60,Infusion,,
"""
OPPORTUNITIES = """Id,AccountId,Name,StageName,Amount,CloseDate,Type,CurrencyIsoCode
006A,001A,Gift,Closed Won,"$1,200.00",2022-01-05,Donation,USD
006B,001A,Promise,Pledged,5000,2/5/2023,Major Gift,USD
006C,001B,Hope,Prospecting,9000,2024-03-05,Donation,USD
006D,001B,Gift,Posted,100,2023-01-06,Donation,USD
"""
PAYMENTS = """Id,npe01__Opportunity__c,npe01__Payment_Amount__c,npe01__Scheduled_Date__c,npe01__Payment_Date__c,npe01__Paid__c,npe01__Written_Off__c
P1,006A,1200,2022-01-05,2022-01-05,TRUE,FALSE
P2,006B,2000,2023-03-01,2023-03-04,TRUE,FALSE
P3,006B,2000,2024-03-01,,FALSE,FALSE
P4,006B,1000,2025-03-01,,FALSE,TRUE
P5,006D,100,2023-01-06,2023-01-06,TRUE,FALSE
P6,006Z,77,2023-01-06,2023-01-06,TRUE,FALSE
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text("tables: {}\n")
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def brought(root, kind, name, content, *, partner="dunes", file=None):
    path = root / (file or f"{kind}.csv")
    path.write_text(content)
    (result,) = importing.run(kind, [path], root=root, name=name, partner=partner)
    return result


def read(root, *names, partner="dunes"):
    tables = data.Tables(params.load(partner, root=root), root=root)
    return [tables.read(name) for name in names]


def rejects(root, name, file, partner="dunes"):
    path = root / "data/partners" / partner / name / f"{file}.rejects.csv"
    with path.open(newline="") as stream:
        return {int(row["line"]): f"{row['expected']} / {row['found']}" for row in csv.DictReader(stream)}


def to_the_cent(given):
    """Gains less losses are the change in giving of every pair of years (FEP)."""
    for year in given.columns[1:]:
        change = giving.growth_in_giving(given, year)
        assert round(change["net_usd"] * 100) == given[year].sum() - given[year - 1].sum()


def test_a_raisers_edge_export_becomes_the_figures_of_the_page(project):
    result = brought(project, "raisers_edge_gifts", "gifts", NXT)
    brought(project, "raisers_edge_soft_credits", "soft_credits", NXT)
    brought(project, "donor_template", "donors", DONORS)
    told = rejects(project, "gifts", "raisers_edge_gifts")
    assert (result.rows, result.rejected) == (11, len(LEFT_OUT))
    assert list(told) == list(LEFT_OUT)
    assert not [line for line, word in LEFT_OUT.items() if word not in told[line]]
    gifts, soft, donors = read(project, "gifts", "soft_credits", "donors")
    # By hand: 1,234 - 1,234 + 100 paid + 300 split + 900 + 20 + 75 + 75; production has the pledge of 500 and 60 in kind for the 100 paid.
    assert raised.cash(gifts) == 1470.00
    assert raised.production(gifts) == 1930.00
    thanked = raised.recognized(raised.counted(gifts, basis="cash"), donors, soft)
    assert round(thanked["amount_usd"].sum(), 2) == 1470.00
    given = giving.annual(thanked)
    # The donor-advised 900 belong to the household that advised them, whose own gift was refunded; soft credit adds nothing.
    assert given.loc["H1", 2024] == 900_00
    assert given[2024].sum() == 1470_00
    credit = raised.credit(gifts, soft, donors).set_index("kind")
    assert credit["hard_usd"].sum() == pytest.approx(1470)
    assert credit["soft_usd"].sum() == pytest.approx(975)


def test_the_plain_template_gives_the_same_ledger(project):
    brought(project, "raisers_edge_gifts", "gifts", NXT)
    brought(project, "gift_template", "gifts", TEMPLATE, partner="tallgrass")
    (edge,), (own,) = read(project, "gifts"), read(project, "gifts", partner="tallgrass")
    columns = ["gift_id", "donor_id", "gift_date", "gift_type", "amount_usd", "designation_id", "adjusts_gift_id", "adjustment", "program"]
    pd.testing.assert_frame_equal(edge[columns], own[columns], check_like=False)


def test_npsp_payments_join_into_gifts_and_no_dollar_counts_twice(project):
    brought(project, "npsp_opportunities", "gifts", OPPORTUNITIES)
    brought(project, "npsp_payments", "payments", PAYMENTS)
    gifts, payments = read(project, "gifts", "payments")
    none = pd.DataFrame(
        columns=["pledge_id", "donor_id", "pledge_date", "amount_usd", "discount_rate_share", "written_off_usd", "written_off_date"]
    )
    joined = pledges.joined(
        gifts,
        payments,
        pledges=none,
        instalments=pd.DataFrame(columns=["pledge_id", "instalment", "due_date", "due_usd"]),
        discount_rate_share=0.04,
    )
    assert raised.cash(joined.gifts) == 1200 + 100 + 2000
    assert raised.production(joined.gifts) == 1200 + 100 + 5000
    paid = joined.gifts[joined.gifts["gift_type"] == "pledge payment"].iloc[0]
    assert paid[["gift_id", "donor_id", "pledge_id", "program"]].tolist() == ["P2", "001A", "006B", "major gifts"]
    assert joined.set_aside[["payments_n", "amount_usd"]].values.tolist() == [[2, 1300.0], [1, 77.0]]
    owed = pledges.balances(
        joined.instalments, joined.gifts[joined.gifts["gift_type"] == "pledge payment"], as_of="2025-12-31", write_offs=joined.pledges
    )
    assert owed[["due_usd", "paid_usd", "written_off_usd", "open_usd"]].values.tolist() == [
        [2000, 2000, 0, 0],
        [2000, 0, 0, 2000],
        [1000, 0, 1000, 0],
    ]
    assert joined.pledges[["pledge_id", "donor_id", "amount_usd", "discount_rate_share", "written_off_usd"]].values.tolist() == [
        ["006B", "001A", 5000, 0.04, 1000]
    ]
    to_the_cent(giving.annual(raised.counted(joined.gifts, basis="cash")))


def test_payments_of_a_pledge_that_is_known_leave_its_schedule_alone(project):
    brought(project, "npsp_opportunities", "gifts", OPPORTUNITIES)
    brought(project, "npsp_payments", "payments", PAYMENTS)
    gifts, payments = read(project, "gifts", "payments")
    kept = pd.DataFrame({"pledge_id": ["006B"], "amount_usd": [5000.0]})
    due = pd.DataFrame({"pledge_id": ["006B"], "instalment": [1], "due_date": [pd.Timestamp("2024-01-01")], "due_usd": [5000.0]})
    joined = pledges.joined(gifts, payments, pledges=kept, instalments=due, discount_rate_share=0.04)
    assert joined.pledges.equals(kept)
    assert joined.instalments.equals(due)
    assert pledges.joined(gifts, payments.head(0), pledges=kept, instalments=due, discount_rate_share=0.04).gifts.equals(gifts)


def test_a_gift_counts_once_over_all_files(project):
    header = "gift_id,donor_id,gift_date,gift_type,amount_usd\n"
    brought(
        project, "gift_template", "gifts", header + "".join(f"A{n},7,2024-01-0{n},outright,10\n" for n in range(1, 6)), file="january.csv"
    )
    second = brought(
        project,
        "gift_template",
        "gifts",
        header + "A5,7,2024-01-05,outright,10\n" + "".join(f"B{n},7,2024-02-0{n},outright,10\n" for n in range(1, 5)),
        file="february.csv",
    )
    assert (second.rows, second.rejected) == (4, 1)
    assert "the file january has it" in rejects(project, "gifts", "february")[2]
    (gifts,) = read(project, "gifts")
    assert raised.cash(gifts) == 90
    # Another partner's gifts may bear the same identifiers.
    assert (
        brought(
            project, "gift_template", "gifts", header + "A5,7,2024-01-05,outright,10\n", file="january.csv", partner="tallgrass"
        ).rejected
        == 0
    )


def test_tables_of_another_form_do_not_mix(project):
    brought(project, "gift_template", "gifts", TEMPLATE)
    with pytest.raises(importing.ImportRefused, match="holds files of the kind gift_template"):
        brought(project, "donor_template", "gifts", DONORS)


def test_a_ledger_too_short_for_the_page_says_so_with_what_was_raised(project):
    brought(project, "raisers_edge_gifts", "gifts", NXT)
    (gifts,) = read(project, "gifts")
    text = findings.too_short(gifts, pd.Timestamp("2025-12-31"), start_month=7)
    assert text.startswith("**The ledger is too short for this page.** It holds 8 donors since fiscal year 2024")
    assert "cash $1,470 in 2024" in text
    assert "production $1,930 in 2024" in text
    years = pd.concat([gifts.assign(gift_date=pd.Timestamp(f"{year}-09-01")) for year in range(2020, 2026)])
    assert "too short" in findings.too_short(years, pd.Timestamp("2025-12-31"), start_month=7)
    assert findings.too_short(years, pd.Timestamp("2025-12-31"), start_month=7, donors=8) == ""


def test_a_ledger_without_campaigns_pledges_or_closed_proposals_has_its_exhibits():
    gifts = pd.DataFrame(
        {
            "gift_type": ["outright"],
            "amount_usd": [50.0],
            "gift_date": [pd.Timestamp("2024-01-05")],
            "campaign_id": pd.Series([None], dtype="str"),
            "donor_id": ["1"],
            "pledge_id": pd.Series([None], dtype="str"),
        }
    )
    none = pd.DataFrame(
        {
            "campaign_id": pd.Series([], dtype="str"),
            "campaign": pd.Series([], dtype="str"),
            "goal_usd": pd.Series([], dtype="float64"),
            "start_date": pd.Series([], dtype="datetime64[us]"),
            "end_date": pd.Series([], dtype="datetime64[us]"),
        }
    )
    progress = raised.campaign_progress(none, gifts, as_of="2025-12-31")
    assert plots.thermometer(progress, "campaign", "raised_usd", "goal_usd", time="time_share").missing == "there is no such record"
    assert said.campaign(progress, pd.Timestamp("2025-12-31"), level=0.8)["title"] == "No campaign is running"
    assert (
        plots.bridge(pd.DataFrame({"step": ["Open balance", "Discount"], "amount_usd": [0.0, 0.0]}), "step", "amount_usd").missing
        == "every amount is zero"
    )
    chances = pd.DataFrame({"stage": ["cultivation"], "own_share": [float("nan")], "default_share": [0.25]})
    check = pd.DataFrame({"probabilities": ["Own history", "Default", "One rate for all"], "brier": [float("nan")] * 3})
    words = said.calibration(chances, check, pd.Timestamp("2022-07-01"))
    assert "common practice" in words["title"] and words["note"] == "Too few proposals closed lately to check the chances."


def test_an_office_without_goals_expenses_or_listed_designations_has_its_exhibits():
    gifts = pd.DataFrame(
        {
            "gift_type": "outright",
            "amount_usd": [50.0, 70.0, 20.0],
            "gift_date": pd.to_datetime(["2024-09-05", "2025-09-05", "2025-09-06"]),
            "program": ["events", "events", "major gifts"],
            "designation_id": ["F1", "F1", "F2"],
        }
    )
    goals = pd.DataFrame({"fiscal_year": [], "basis": [], "program": [], "designation_id": [], "goal_usd": []}).astype(
        {"basis": "str", "program": "str", "designation_id": "str"}
    )
    listed = pd.DataFrame({"designation_id": [], "designation": [], "theme": []}, dtype="str")
    spent = pd.DataFrame({"fiscal_year": [], "program": [], "expense_usd": [], "fte": []}).astype({"program": "str"})
    to_date = raised.year_to_date(gifts, "2025-12-31", goals=goals).iloc[0]
    assert to_date["ytd_usd"] == 90 and pd.isna(to_date["goal_usd"]) and pd.isna(to_date["to_go_usd"])
    ahead = pd.Series({"total_usd": 200.0, "total_usd_low": 150.0, "total_usd_high": 250.0})
    finding = findings.on_goal(to_date, ahead, gone_share=0.5, level=0.8)
    assert "no goal is set" in finding.text and "likely" not in finding.text and not finding.gap
    near = pd.Series({"total_usd": 1_271_000.0, "total_usd_low": 1.1e6, "total_usd_high": 1.4e6})
    text = findings.on_goal(to_date.fillna({"goal_usd": 1_314_000.0, "goal_share": 0.1}), near, gone_share=0.5, level=0.8).text
    assert "the $1.31 M goal" in text and "the forecast is $1.27 M" in text  # and not $1.3 M twice
    rows = raised.to_date_by(gifts, "2025-12-31", "program", goals=goals)
    assert rows["program"].tolist() == ["events", "events", "major gifts", "major gifts"]
    rows = designations.to_date(gifts, goals, listed, "2025-12-31")
    assert rows.loc[rows["basis"] == "Cash", ["designation", "ytd_usd"]].to_numpy().tolist() == [["F1", 70.0], ["F2", 20.0]]
    costs = raised.cost_by_year(gifts, spent)
    judged = raised.against_benchmark(costs, {"events": 0.5}, year=2025)
    assert judged.empty and said.cost(judged, 2025)["title"] == "No expense is recorded"
    wanted = pd.DataFrame({"need": ["Chairs"], "source": "Growth initiatives", "theme": "infusion", "gap_usd": 5.0})
    assert designations.matched_needs(wanted, listed, {})["designation"].tolist() == ["no designation yet"]


def test_exhibits_of_nothing_claim_nothing():
    day = pd.Timestamp("2025-12-31")
    nothing = pd.Series({"awarded_n": 0, "decided_n": 0, "share": float("nan"), "share_low": float("nan"), "share_high": float("nan")})
    unpaid = {"overdue_usd": 0.0, "share": float("nan")}
    stages = pd.DataFrame({"weighted_usd": [0.0], "ask_usd": [0.0], "stalled_n": [0], "proposals_n": [0]})
    none = pd.DataFrame({"payments_n": []})
    assert said.gift_range(pd.DataFrame({"tier": [], "gap_n": []}))["caption"] == "Gift-range chart of a campaign"
    assert said.owed(unpaid, 0.0, pd.DataFrame(), none, day)["title"] == "No pledge is on record"
    words = said.stages(stages, {"closed_n": 0}, {"median_days": float("nan")}, day)
    assert words["title"] == "No proposal is open" and words["note"] == "No proposal is closed yet."
    words = said.grants(pd.DataFrame([nothing]), {"share": float("nan")}, 0.26)
    assert words["caption"] == "No application for a grant is decided yet" and words["note"] == "Nothing is spent on awards yet."
    assert said.burn(pd.DataFrame({"pace": []}), day)["title"] == "No award is active"


def test_the_gift_range_chart_names_what_is_missing_and_what_is_to_spare():
    chart = pd.DataFrame({"tier": ["$100,000 and more", "$50,000 and more", "Smaller gifts"], "gap_n": [-3.0, 7.0, None]})
    caption = said.gift_range(chart)["caption"]
    assert caption == "Gift-range chart: 7 prospects missing, most in the tier $50,000 and more; 3 to spare in others"
    assert "enough for every tier" in said.gift_range(chart.assign(gap_n=[-3.0, -1.0, None]))["caption"]


def test_a_campaign_on_its_time_but_lately_too_slow_says_so():
    row = {"campaign": "Light", "goal_share": 0.7, "time_share": 0.65, "gap_usd": 300.0, "rate_usd_month": 12.0}
    slow = pd.DataFrame([{**row, "recent_rate_usd_month": 3.0, "needed_rate_usd_month": 10.0}])
    fast = slow.assign(recent_rate_usd_month=10.0)
    day = pd.Timestamp("2025-12-31")
    assert said.campaign(slow, day, level=0.8)["title"].endswith("of late too slow to make it")
    assert said.campaign(fast, day, level=0.8)["title"].endswith("with 65 % of its time gone")


def test_decisions_with_an_amount_are_costed_needs():
    gaps = pd.DataFrame({"need": ["Chairs"], "theme": ["infusion"], "gap_usd": [300_000.0]})
    standards = pd.DataFrame({"standard": ["4.4"], "title": ["Genetics"], "theme": ["genetics"], "status": ["At risk"]})
    asked = pd.DataFrame(
        {
            "item": ["D1", "D2"],
            "decision": ["Evening hours", "Second audit"],
            "theme": ["infusion", "general"],
            "amount_usd": [100_000.0, float("nan")],
        }
    )
    needs = designations.needs(gaps, standards, asked)
    assert needs["need"].tolist() == ["Chairs", "Decision D1, Evening hours", "Standard 4.4, Genetics (at risk)"]
    assert needs["source"].tolist() == ["Growth initiatives", "Program scorecard", "Program scorecard"]
    matched = designations.matched_needs(
        needs, pd.DataFrame({"designation_id": ["F"], "designation": ["Infusion center"], "theme": ["infusion"]}), {"F": 80_000.0}
    ).set_index("need")
    # Needs of one theme share its gifts in proportion to their gaps.
    assert matched.loc[["Chairs", "Decision D1, Evening hours"], "given_usd"].tolist() == [60_000, 20_000]
    assert matched.loc["Standard 4.4, Genetics (at risk)", ["designation", "gap_usd"]].isna().tolist() == [False, True]
