"""Dirty ledgers: what goes in, what is left out and why, and what is refused."""

import csv
from datetime import datetime

import pandas as pd
import pytest

from catchment.data.importing import gift_rows, gifts
from catchment.data.importing.gift_rows import Ledger, Unfit, amount, day
from catchment.data.importing.stream import ImportRefused

KINDS = {layout.kind: layout for layout in gifts.LAYOUTS}


@pytest.fixture
def load(tmp_path):
    """Import a text as one kind: the table, and the rejected rows as {line: (column, expected, found)}."""

    def run(kind, text, name="export.csv", **options):
        path, target = tmp_path / name, tmp_path / "out" / f"{kind}.parquet"
        path.write_text(text, encoding=options.pop("encoding", "utf-8"), newline="")
        done = KINDS[kind].reader(KINDS[kind], path, target, constants={"partner": "dunes"}, **options)
        rejects = target.with_suffix(".rejects.csv")
        rows = list(csv.DictReader(rejects.read_text().splitlines())) if rejects.exists() else []
        assert len({row["line"] for row in rows}) == done.rejected == len(rows)
        return pd.read_parquet(target), {int(row["line"]): (row["column"], row["expected"], row["found"]) for row in rows}

    return run


class TestAmount:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("$1,234.00", 1234),
            ("1234.5", 1234.5),
            ("(50.00)", -50),
            ("($1,050)", -1050),
            ("-$20", -20),
            ("$-20.10", -20.1),
            ("USD 12", 12),
            ("12 USD", 12),
            (".99", 0.99),
            ("$ 5", 5),
        ],
    )
    def test_reads_what_offices_write(self, text, value):
        assert amount(text) == value

    @pytest.mark.parametrize("text", ["", "abc", "$", "1,23.00", "12..5", "0", "$0.00", "(5", "5)", "1.234,00"])
    def test_refuses_what_is_no_amount(self, text):
        with pytest.raises(Unfit):
            amount(text)

    @pytest.mark.parametrize("text", ["€100", "100 EUR", "£5", "CAD 20", "C$ 20", "¥1000"])
    def test_refuses_other_currencies_by_name(self, text):
        with pytest.raises(Unfit, match="US dollars"):
            amount(text)


class TestDay:
    @pytest.mark.parametrize(
        "text",
        [
            "2024-03-05",
            "3/5/2024",
            "03/05/24",
            "2024/03/05",
            "20240305",
            "Mar 5, 2024",
            "March 5, 2024",
            "5 March 2024",
            "2024-03-05T10:00:00Z",
            "3/5/2024 10:15 AM",
        ],
    )
    def test_one_day_in_many_styles(self, text):
        assert day(text, "month first") == datetime(2024, 3, 5)

    def test_order_of_the_column(self):
        assert (
            day("3/5/2024", "day first") == datetime(2024, 5, 3)
            and day("25/12/2023", "mixed") == datetime(2023, 12, 25)
            and day("4/4/2024", "mixed") == datetime(2024, 4, 4)
        )
        with pytest.raises(Unfit, match="only one day"):
            day("3/5/2024", "mixed")

    @pytest.mark.parametrize("text", ["2/30/2024", "2024-02-30", "13/13/2024", "soon", "", "12/31/2999", "1/1/1850"])
    def test_impossible_dates(self, text):
        with pytest.raises(Unfit):
            day(text, "month first")


NXT = """Constituent ID,Name,Gift ID,Gift Date,Gift Amount,Gift Type,Gift Subtype,Fund,Campaign,Appeal,Split Amount,Original Gift ID,Currency,Soft Credit,Soft Credit Amount
100,Ada,G1,7/1/2023,"$1,234.00",Cash,,Greatest need,,Mail,,,USD,,
100,Ada,G1,7/1/2023,"$1,234.00",Cash,,Greatest need,,Mail,,,USD,,
101,Bo,G2,2023-08-15,500,Pledge,,Infusion,Lake,,,,,,
101,Bo,G3,2023-09-15,100,Pay-Cash,,Infusion,Lake,,,,,,
102,Cy,G4,9/16/2023,300,Cash,,Navigation,,,200,,,,
102,Cy,G4,9/16/2023,300,Cash,,Greatest need,,,100,,,,
100,Ada,G5,10/1/2023,"$1,234.00",Refund,,Greatest need,,,,G1,,,
103,Di,G6,10/2/2023,($25.00),Cash,,Greatest need,,,,,,,
104,Ed,G7,10/3/2023,40,Cash,,Greatest need,,,,,EUR,,
105,Fund,G8,10/4/2023,900,Cash,Donor Advised Fund,Infusion,,,,,,200,900
106,Gi,G9,10/5/2023,20,Recurring Gift,,Greatest need,,,,,,,
106,Gi,G10,10/5/2023,20,Recurring Gift Pay-Cash,,Greatest need,,,,,,,
107,Hal,G11,2/30/2024,20,Cash,,Greatest need,,,,,,,
108,Ida,G12,1/5/2024,75,MG Pay-Cash,,Greatest need,,,,,,101,75
,Jo,G13,1/5/2024,75,Cash,,Greatest need,,,,,,,
109,Kit,G2,1/5/2024,75,Cash,,Infusion,,,,,,,
110,Lu,G14,1/5/2024,75,Barter,,Infusion,,,,,,,
111,Mo,G15,1/6/2024,75,Cash
112,Ned,G16,1/7/2024,75,Stock/Property,,Infusion,,,,,,,
113,Ora,G17,1/8/2024,60,Gift-in-Kind,,Infusion,,,,,,,
"""


class TestRaisersEdge:
    def test_a_dirty_ledger_with_every_rejected_row_explained(self, load):
        rows, rejected = load("raisers_edge_gifts", NXT)
        assert rows["gift_id"].tolist() == ["G1", "G2", "G3", "G4", "G4/2", "G5", "G8", "G10", "G12", "G16", "G17"]
        assert {line: column for line, (column, *_) in rejected.items()} == {
            3: "gift_id",
            9: "amount",
            10: "currency",
            12: "gift_type",
            14: "gift_date",
            16: "donor_id",
            17: "gift_id",
            18: "gift_type",
            19: "",
        }
        assert "line 2 has it" in rejected[3][1] and "the same gift again" in rejected[3][2]
        assert (
            "reason" in rejected[9][1]
            and "US dollars" in rejected[10][1]
            and "schedule" in rejected[12][1]
            and "taken" in rejected[17][2]
            and "6 columns, not 15" not in rejected[18][2]
        )

    def test_types_splits_and_reversals(self, load):
        rows = load("raisers_edge_gifts", NXT)[0].set_index("gift_id")
        assert rows["gift_type"].to_dict() == {
            "G1": "outright",
            "G2": "pledge",
            "G3": "pledge payment",
            "G4": "outright",
            "G4/2": "outright",
            "G5": "outright",
            "G8": "donor-advised",
            "G10": "recurring",
            "G12": "matching",
            "G16": "stock",
            "G17": "in kind",
        }
        assert rows.loc[["G4", "G4/2"], "amount_usd"].tolist() == [200, 100]
        assert rows.loc["G5", ["amount_usd", "adjusts_gift_id", "adjustment"]].tolist() == [-1234, "G1", "refund"]
        assert rows.loc["G2", "pledge_id"] == "G2" and (rows["partner"] == "dunes").all()
        assert rows["gift_date"].min() == pd.Timestamp("2023-07-01")

    def test_soft_credits_are_a_table_of_their_own(self, load):
        rows, rejected = load("raisers_edge_soft_credits", NXT)
        assert rows[["gift_id", "donor_id", "amount_usd"]].to_numpy().tolist() == [["G8", "200", 900.0], ["G12", "101", 75.0]]
        assert list(rejected) == [19]

    def test_reversed_pledge_keeps_its_type(self, load):
        text = "Gift ID,Constituent ID,Gift Date,Gift Amount,Gift Type,Original Gift ID\nA,1,1/2/2024,500,Pledge,\nB,1,1/3/2024,500,Reversal,A\n"
        rows = load("raisers_edge_gifts", text)[0]
        assert rows["gift_type"].tolist() == ["pledge", "pledge"] and rows["amount_usd"].tolist() == [500, -500]

    def test_a_name_beside_an_identifier_of_the_same_thing(self, load):
        rows, _ = load(
            "raisers_edge_gifts",
            "Gift ID,Constituent ID,Gift Date,Gift Amount,Gift Type,Fund ID,Fund Description\nA,1,1/2/2024,500,Cash,F1,Infusion fund\n",
        )
        assert rows.loc[0, "designation_id"] == "F1"

    def test_column_names_without_case_and_in_any_order(self, load):
        rows, _ = load("raisers_edge_gifts", "gift amount;GIFT TYPE;gift_date;Gift Id;Constituent Id\n5;cash;2024-01-02;X;9\n")
        assert rows.loc[0, ["gift_id", "donor_id", "amount_usd"]].tolist() == ["X", "9", 5]


class TestNpsp:
    opportunities = (
        "Id,AccountId,Name,StageName,Amount,CloseDate,Type,CampaignId,npsp__Matching_Gift__c,CurrencyIsoCode\n"
        "006A,001A,Gift,Closed Won,100,2024-01-05,Donation,701,,USD\n006B,001A,Promise,Pledged,5000,2024-02-05,Major Gift,,,USD\n"
        "006C,001B,Hope,Prospecting,9000,2024-03-05,Donation,,,USD\n006D,001C,Match,Posted,100,2024-03-06,Donation,,006A,USD\n006E,001C,Peso,Closed Won,100,2024-03-06,Donation,,,MXN\n006F,001C,Fine,Closed Won,1,2024-03-06,Donation,,,\n"
    )

    def test_won_and_pledged_opportunities_are_gifts(self, load):
        rows, rejected = load("npsp_opportunities", self.opportunities)
        assert rows[["gift_id", "gift_type", "amount_usd"]].to_numpy().tolist() == [
            ["006A", "outright", 100],
            ["006B", "pledge", 5000],
            ["006D", "matching", 100],
            ["006F", "outright", 1],
        ]
        assert rejected[4][0] == "stage" and "proposals" in rejected[4][1] and rejected[6][0] == "currency"

    def test_stage_name_is_not_a_tumor_stage(self):
        harmless = ["StageName", "Stage", "Fund", "Physician", "Department", "Cancer Fund", "Oncology Campaign"]
        gift_rows.refuse_clinical(harmless, "x.csv")
        with pytest.raises(ImportRefused, match="Tumor Stage"):
            gift_rows.refuse_clinical([*harmless, "Tumor Stage"], "x.csv")

    def test_payments_scheduled_and_paid(self, load):
        text = "Id,npe01__Opportunity__c,npe01__Payment_Amount__c,npe01__Scheduled_Date__c,npe01__Payment_Date__c,npe01__Paid__c,npe01__Written_Off__c\nP1,006B,2500,2024-03-01,2024-03-04,TRUE,FALSE\nP2,006B,2500,2025-03-01,,FALSE,FALSE\nP3,006B,5,2025-03-01,,TRUE,FALSE\n"
        rows, rejected = load("npsp_payments", text)
        assert rows["paid"].tolist() == [True, False] and rows["amount_usd"].sum() == 5000 and rejected[4][0] == "gift_date"

    def test_donors_with_household_and_opt_out(self, load):
        rows, _ = load(
            "npsp_donors",
            "Id,AccountId,Name,Type,npsp__Do_Not_Contact__c\n003A,001A,Ada,,true\n003B,001A,Bo,,false\n003C,001C,Works,Organization,\n",
        )
        assert (
            rows["household_id"].tolist() == ["001A", "001A", "001C"]
            and rows["opted_out"].tolist() == [True, False, False]
            and rows["kind"].tolist() == ["household", "household", "corporation"]
        )


class TestPrivacy:
    @pytest.mark.parametrize(
        "column",
        [
            "Diagnosis",
            "Primary_Diagnosis__c",
            "ICD-10",
            "icd10_code",
            "MRN",
            "Medical Record Number",
            "Tumor Site",
            "CancerType",
            "Chemo regimen",
            "Patient ID",
            "Treatment Plan",
            "dx",
            "Health Condition",
        ],
    )
    def test_refuses_clinical_columns_by_name(self, load, column):
        with pytest.raises(ImportRefused, match=r"164\.514\(f\)") as error:
            load("gift_template", f"gift_id,donor_id,gift_date,gift_type,amount_usd,{column}\n1,2,2024-01-01,outright,5,\n")
        assert repr(column) in str(error.value)

    def test_refuses_a_column_of_diagnosis_codes_under_another_name(self, load):
        with pytest.raises(ImportRefused, match="'Notes'"):
            load(
                "gift_template",
                "gift_id,donor_id,gift_date,gift_type,amount_usd,Notes\n"
                + "".join(f"{n},2,2024-01-01,outright,5,C50.91{n}\n" for n in range(5)),
            )

    def test_takes_what_the_rule_allows(self, load):
        rows, _ = load(
            "gift_template",
            "gift_id,donor_id,gift_date,gift_type,amount_usd,Department,Treating Physician,Dates of Care,Insurance Status,Outcome\n1,2,2024-01-01,outright,5,Oncology,Dr. A,2023,insured,good\n",
        )
        assert len(rows) == 1


class TestTemplate:
    def test_mixed_date_styles_in_one_column(self, load):
        text = 'gift_id,donor_id,gift_date,gift_type,amount_usd\n1,a,2024-03-05,outright,5\n2,a,12/31/2023,outright,5\n3,a,31/12/2023,outright,5\n4,a,3/4/2024,outright,5\n5,a,"Mar 7, 2024",outright,5\n'
        rows, rejected = load("gift_template", text)
        assert rows["gift_date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-03-05", "2023-12-31", "2023-12-31", "2024-03-07"]
        assert list(rejected) == [5] and "only one day" in rejected[5][1]

    def test_a_missing_column_is_named(self, load):
        with pytest.raises(ImportRefused, match="'gift_date'"):
            load("gift_template", "gift_id,donor_id,gift_type,amount_usd\n1,2,outright,5\n")

    def test_mostly_wrong_is_not_this_layout(self, load):
        with pytest.raises(ImportRefused, match="3 of 4 rows"):
            load(
                "gift_template",
                "gift_id,donor_id,gift_date,gift_type,amount_usd\n1,2,x,outright,5\n2,2,x,outright,5\n3,2,x,outright,5\n4,2,2024-01-01,outright,5\n",
            )

    def test_a_refused_file_leaves_nothing(self, load, tmp_path):
        with pytest.raises(ImportRefused):
            load("gift_template", "gift_id,donor_id,gift_date,gift_type,amount_usd\n1,2,x,outright,5\n")
        assert not list((tmp_path / "out").glob("*"))

    def test_other_encodings(self, load):
        rows, _ = load("donor_template", "donor_id,name,kind\n1,Zoë,household\n", encoding="cp1252")
        assert rows.loc[0, "name"] == "Zoë"

    def test_chargebacks_of_the_own_kind(self, load):
        rows, _ = load(
            "gift_template",
            "gift_id,donor_id,gift_date,gift_type,amount_usd,adjusts_gift_id,adjustment\n1,2,2024-01-01,event,50,,\n2,2,2024-02-01,event,-50,1,chargeback\n",
        )
        assert (
            rows["gift_type"].tolist() == ["event", "event"]
            and rows["adjustment"].tolist()[1] == "chargeback"
            and rows["amount_usd"].sum() == 0
        )


def test_a_ledger_remembers_little():
    ledger = Ledger(KINDS["gift_template"], {})
    assert (
        gift_rows.once(ledger, 2, "A", "x", (1,), kind="pledge") == "A"
        and gift_rows.once(ledger, 3, "A", "y", (1,), kind="pledge") == "A/2"
    )
    assert gift_rows.kind_of(ledger, "A", "outright") == "pledge" and gift_rows.kind_of(ledger, "B", "outright") == "outright"


def test_every_row_is_money_the_analysis_knows():
    from catchment.philanthropy.raised import GIFT_TYPES

    assert set(gifts.GIFT_TYPES) == set(GIFT_TYPES) >= set(gifts.TYPES.values())
