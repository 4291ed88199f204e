"""The internal lists: who stands on them, and who never does."""

import pandas as pd

from catchment.philanthropy import donor_actions, giving, pipeline, pledges

DONORS = pd.DataFrame(
    {
        "donor_id": ["A", "B", "C", "D"],
        "household_id": ["A", "A", "C", "D"],
        "name": ["Ash", "Birch", "Cedar", "Dogwood"],
        "opted_out": [False, True, False, False],
    }
)
GIFTS = pd.DataFrame(
    {
        "donor_id": ["A", "C", "D", "D"],
        "gift_date": pd.to_datetime(["2024-01-05", "2024-02-05", "2024-03-05", "2025-01-05"]),
        "amount_usd": [500.0, 50.0, 5.0, 5.0],
    }
)


def test_lybunt_without_households_that_opted_out():
    given = giving.annual(GIFTS, start_month=1)
    assert len(giving.lybunt(given, 2025)) == 2
    rows = donor_actions.waiting(given, DONORS, GIFTS, year=2025)
    assert rows["name"].tolist() == ["Cedar"] and rows.attrs["left_out"] == 1
    assert rows.loc[0, "last_gift"] == pd.Timestamp("2024-02-05") and "donor_id" not in rows


def test_an_estate_is_not_waited_for():
    donors = DONORS.assign(opted_out=False, kind=["household", "household", "estate", "household"])
    rows = donor_actions.waiting(giving.annual(GIFTS, start_month=1), donors, GIFTS, year=2025)
    assert rows["name"].tolist() == ["Ash"] and rows.attrs["left_out"] == 0
    widowed = donors.assign(kind=["estate", "household", "estate", "household"])
    assert donor_actions.waiting(giving.annual(GIFTS, start_month=1), widowed, GIFTS, year=2025)["name"].tolist() == ["Ash"]


def test_a_member_who_opted_out_silences_the_household():
    contacts = donor_actions.contacts(DONORS).set_index("donor_id")
    assert contacts["opted_out"].to_dict() == {"A": True, "C": False, "D": False} and contacts.loc["A", "name"] == "Ash"


def test_a_donor_not_on_file_is_on_no_list():
    rows = donor_actions.listed(pd.DataFrame({"donor_id": ["X", "D"], "amount_usd": [1, 2]}), DONORS)
    assert rows["name"].tolist() == ["Dogwood"] and rows.attrs["left_out"] == 1


def test_stalled_proposals_by_amount():
    proposals = pd.DataFrame(
        {
            "proposal_id": ["1", "2", "3"],
            "prospect_id": ["p", "q", "r"],
            "ask_usd": [10.0, 90.0, 50.0],
            "outcome": None,
            "next_move_date": [None, None, "2026-01-05"],
        }
    )
    history = pd.DataFrame({"proposal_id": ["1", "2", "3"], "stage": "cultivation", "entered_date": "2025-01-01"})
    prospects = pd.DataFrame({"prospect_id": ["p", "q", "r"], "donor_id": ["C", "D", "D"], "officer": "Gift officer 1"})
    opened = pipeline.open_proposals(proposals, history, as_of="2025-12-31")
    rows = donor_actions.stalled(opened, prospects, DONORS)
    assert rows["name"].tolist() == ["Dogwood", "Cedar"] and rows["age_days"].tolist() == [364, 364]


def test_overdue_pledges_by_age():
    due = pd.DataFrame(
        {
            "pledge_id": ["P", "P", "Q", "R"],
            "due_date": ["2025-11-01", "2026-11-01", "2025-01-01", "2026-01-01"],
            "due_usd": [10.0, 10.0, 7.0, 3.0],
        }
    )
    none = pd.DataFrame(
        {"pledge_id": pd.Series(dtype="str"), "gift_date": pd.Series(dtype="datetime64[us]"), "amount_usd": pd.Series(dtype="float64")}
    )
    owed = pledges.balances(due, none, as_of="2025-12-31")
    rows = donor_actions.overdue(owed, pd.DataFrame({"pledge_id": ["P", "Q", "R"], "donor_id": ["C", "D", "D"]}), DONORS)
    assert rows[["name", "overdue_usd", "oldest_days", "open_usd"]].to_numpy().tolist() == [
        ["Dogwood", 7.0, 364, 7.0],
        ["Cedar", 10.0, 60, 20.0],
    ]
