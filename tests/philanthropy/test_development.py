"""The books of a development office: what counts, through which day, under whose name."""

from types import SimpleNamespace

import pandas as pd
import pytest

from catchment.philanthropy import development, findings, pledges

NONE = {
    "soft_credits": pd.DataFrame({"gift_id": [], "donor_id": [], "amount_usd": [], "reason": []}, dtype="object"),
    "pledges": pd.DataFrame(
        {"pledge_id": [], "donor_id": [], "amount_usd": [], "written_off_usd": [], "written_off_date": []}, dtype="object"
    ),
    "pledge_instalments": pd.DataFrame({"pledge_id": [], "due_date": [], "due_usd": []}, dtype="object"),
}
GIFTS = pd.DataFrame(
    {
        "gift_id": ["1", "2", "3", "4", "5"],
        "donor_id": ["A", "B", "B", "C", "C"],
        "gift_date": pd.to_datetime(["2024-08-01", "2025-08-01", "2025-08-02", "2026-01-02", "2025-12-05"]),
        "gift_type": ["outright", "pledge", "in kind", "outright", "outright"],
        "amount_usd": [100.0, 600.0, 50.0, 999.0, 7.0],
        "pledge_id": pd.Series([None] * 5, dtype="str"),
    }
)
PAYMENTS = pd.DataFrame(
    {
        "payment_id": ["p1", "p2", "p3"],
        "pledge_id": ["2", "2", "1"],
        "due_date": pd.to_datetime(["2025-09-01", "2025-11-01", "2024-08-01"]),
        "gift_date": pd.to_datetime(["2025-09-03", None, "2024-08-01"]),
        "amount_usd": [200.0, 400.0, 100.0],
        "paid": [True, False, True],
        "written_off": [False, False, False],
    }
)
DONORS = pd.DataFrame({"donor_id": ["A", "B", "C"], "household_id": ["H", "H", None], "source": "mail"})


def opened(as_of="2025-12-31", *, in_kind_is_cash=False, **tables):
    held = {**NONE, "gifts": GIFTS, "donors": DONORS, "payments": PAYMENTS, **tables}
    settings = SimpleNamespace(
        as_of=pd.Timestamp(as_of),
        growth=SimpleNamespace(discount_share=SimpleNamespace(value=0.05)),
        philanthropy=SimpleNamespace(fiscal_year_start_month=7, in_kind_is_cash=in_kind_is_cash),
    )
    return development.books(lambda name, **_: held[name], settings)


@pytest.fixture
def books():
    return opened()


def test_rows_after_the_day_are_not_looked_at(books):
    assert books.gifts["gift_date"].max() <= books.as_of and "4" not in set(books.gifts["gift_id"])
    assert books.year == 2026 and books.gone_share == pytest.approx(184 / 365)


def test_payments_of_a_table_of_their_own_count_once_and_under_the_household(books):
    assert books.given.loc["H"].to_dict() == {2025: 100_00, 2026: 200_00}
    assert books.set_aside.set_index("reason")["payments_n"].to_dict() == {
        "repeats a gift that is counted already": 1,
        "belongs to no gift of the ledger": 0,
    }


def test_what_is_owed_knows_them_too(books):
    assert books.owed["open_usd"].tolist() == [0.0, 400.0]
    assert pledges.fulfilment(books.owed)["overdue_usd"] == 400.0


def test_gifts_in_kind_are_received_but_not_cash(books):
    assert books.thanked["amount_usd"].sum() == 307.0
    assert books.recognized(in_kind_is_cash=True)["amount_usd"].sum() == 357.0


def test_both_bases_stand_against_their_goals(books):
    goals = pd.DataFrame({"fiscal_year": 2026, "basis": ["cash", "production"], "goal_usd": [400.0, 1300.0]})
    cash, production = books.to_date(goals)
    assert (cash["ytd_usd"], production["ytd_usd"]) == (207.0, 657.0)
    assert (cash["goal_share"], production["to_go_usd"]) == (207 / 400, 643.0)
    assert opened(in_kind_is_cash=True).to_date(goals)[0]["ytd_usd"] == 257.0


def test_a_ledger_that_ends_months_before_is_read_as_of_its_last_day():
    early = GIFTS[GIFTS["gift_date"] < "2025-08-02"]
    books = opened(gifts=early, payments=PAYMENTS.head(0))
    assert books.ends_early and books.as_of == pd.Timestamp("2025-08-01") and books.asked == pd.Timestamp("2025-12-31")
    cash, production = books.to_date(pd.DataFrame({"fiscal_year": [2026], "basis": ["cash"], "goal_usd": [400.0]}))
    # To the same day: 100 last year, nothing in cash this year, and 600 promised on its first of August.
    assert (cash["ytd_usd"], cash["same_day_usd"], production["ytd_usd"]) == (0.0, 100.0, 600.0)
    (notice,) = findings.ended(books)
    assert "ends on 1 August 2025" in notice and "dated 31 December 2025" in notice
    assert findings.ended(opened()) == []
    assert not opened("2025-12-31", gifts=GIFTS[GIFTS["gift_id"] != "4"]).ends_early


def test_the_ledger_adds_up(books):
    parts = books.parts.set_index("part")["amount_usd"]
    # 100 + 7 outright and 50 in kind, a pledge of 600 of which 200 are paid.
    assert parts[["Cash", "Gifts in kind", "Open pledges", "Given and promised"]].tolist() == [307.0, 50.0, 400.0, 757.0]
    assert books.unscheduled_usd == 0.0
    bare = opened(payments=PAYMENTS.head(0))
    assert bare.unscheduled_usd == 600.0 and bare.owed.empty


def test_a_ledger_without_a_gift_by_that_day_says_so():
    books = opened("2020-01-01")
    assert "no gift through 1 January 2020" in findings.too_short(books.gifts, books.as_of, start_month=7)
