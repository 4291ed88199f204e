"""From a dirty export to the page's figures: imported, read back as the page reads it, and added up against sums made by hand."""

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest
from test_gift_importers import NXT

from catchment import data, params
from catchment.data import importing
from catchment.philanthropy import designations, findings, giving, pledges, raised

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
    # The gift that both files have stands in the newer one; those of other days stay where they are.
    assert (second.rows, second.rejected) == (5, 0)
    assert second.note.endswith("In place of january: 1 as before.")
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
