"""Ledgers add up: promises and what pays them, reversals, write-offs, payments of their own table, credit of donors not on file."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.philanthropy import giving, ledger, pledges, raised

COLUMNS = ["gift_id", "donor_id", "gift_date", "gift_type", "amount_usd", "pledge_id", "adjusts_gift_id"]
NO_PLEDGES = pd.DataFrame(
    {"pledge_id": [], "donor_id": [], "pledge_date": [], "amount_usd": [], "written_off_usd": [], "written_off_date": []}, dtype="object"
)
NO_SCHEDULE = pd.DataFrame({"pledge_id": [], "instalment": [], "due_date": [], "due_usd": []}, dtype="object")


def book(*rows):
    """A ledger of rows: number, type, amount, then day, pledge and the gift adjusted."""
    full = [(number, "A", pd.Timestamp(day), kind, float(amount), *([*rest, None, None][:2])) for number, kind, amount, day, *rest in rows]
    return pd.DataFrame(full, columns=COLUMNS).astype({"pledge_id": "object", "adjusts_gift_id": "object"})


def paid(*rows):
    """Payments: number, gift, amount, day due, day paid (nothing: not paid), written off."""
    frame = pd.DataFrame(rows, columns=["payment_id", "pledge_id", "amount_usd", "due_date", "gift_date", "written_off"])
    days = {name: pd.to_datetime(frame[name]) for name in ("due_date", "gift_date")}
    return frame.assign(**days, paid=frame["gift_date"].notna())


def joined(gifts, payments):
    return pledges.joined(gifts, payments, pledges=NO_PLEDGES, instalments=NO_SCHEDULE, discount_rate_share=0.04)


def parts(gifts, **more):
    return ledger.reconciliation(ledger.linked(gifts), **more).set_index("part")["amount_usd"]


def test_what_pays_a_promise_never_counts_in_production_again_whatever_its_type():
    for kind in sorted(raised.CASH | {"in kind"}):
        gifts = book(("1", "pledge", 1000, "2025-01-10", "1"), ("2", kind, 400, "2025-02-10", "1"))
        assert raised.production(gifts) == 1000, kind
        assert raised.cash(gifts) == (0 if kind == "in kind" else 400), kind


def test_a_refund_of_a_payment_reopens_the_promise_and_is_no_production():
    gifts = ledger.linked(
        book(
            ("1", "pledge", 1000, "2025-01-10"),
            ("2", "matching", 400, "2025-02-10", "1"),
            ("3", "matching", -400, "2025-03-10", None, "2"),
            ("4", "pledge", 200, "2025-04-10", None, "1"),
        )
    )
    assert gifts["pledge_id"].tolist() == ["1", "1", "1", "1"]
    # An upward correction of the pledge is new production.
    assert (raised.production(gifts), raised.cash(gifts)) == (1200, 0)
    assert parts(gifts)["Open pledges"] == 1200


def test_a_write_off_lowers_what_is_owed_and_nothing_else():
    gifts = book(
        ("1", "pledge", 5000, "2025-01-10", "1"),
        ("2", "pledge payment", 1000, "2025-02-10", "1"),
        ("3", "in kind", 500, "2025-03-10", "1"),
        ("4", "write-off", -3500, "2025-06-10", "1"),
    )
    assert (raised.production(gifts), raised.cash(gifts)) == (5000, 1000)
    found = parts(gifts)
    assert found[["Cash", "Gifts in kind", "Open pledges", "Written off"]].tolist() == [1000, 500, 0, 3500]
    due = pd.DataFrame({"pledge_id": ["1"], "due_date": [pd.Timestamp("2025-12-31")], "due_usd": [5000.0]})
    lost = pledges.write_offs(gifts, NO_PLEDGES)
    owed = pledges.balances(due, gifts[raised.pays(gifts)], as_of="2025-12-31", write_offs=lost)
    assert owed[["paid_usd", "written_off_usd", "open_usd"]].to_numpy().tolist() == [[1500, 3500, 0]]


def test_a_gift_paid_over_years_is_cash_of_each_year_and_production_once():
    gifts = book(("X", "outright", 100_000, "2025-10-05"))
    payments = paid(*[(f"P{n}", "X", 20_000, f"{2021 + n}-10-01", f"{2021 + n}-10-05", False) for n in range(5)])
    made = joined(gifts, payments)
    cash = raised.raised(made.gifts).set_index("fiscal_year")["amount_usd"]
    assert cash.to_dict() == dict.fromkeys(range(2022, 2027), 20_000)
    # Closed after the last payment, it was promised before the first.
    assert raised.raised(made.gifts, basis="production").set_index("fiscal_year")["amount_usd"].to_dict() == {2022: 100_000}
    assert parts(made.gifts)[["Cash", "Open pledges", "Given and promised"]].tolist() == [100_000, 0, 100_000]
    assert made.set_aside["payments_n"].tolist() == [0, 0]


def test_a_gift_paid_at_once_is_cash_on_the_day_of_its_payment():
    made = joined(book(("1", "stock", 500, "2025-06-20")), paid(("P", "1", 500, "2025-06-20", "2025-07-03", False)))
    assert raised.raised(made.gifts).set_index("fiscal_year")["amount_usd"].to_dict() == {2026: 500}
    assert made.gifts["gift_type"].tolist() == ["stock"] and made.set_aside["payments_n"].tolist() == [1, 0]


def test_payments_that_differ_from_their_gift_are_the_truth():
    gifts = book(("1", "grant", 900, "2025-01-05"), ("2", "outright", 300, "2025-01-06"), ("3", "in kind", 80, "2025-01-07"))
    payments = paid(
        ("P1", "1", 500, "2025-01-05", "2025-01-09", False),
        ("P2", "1", 300, "2025-06-01", None, False),
        ("P3", "1", 100, "2025-07-01", None, True),
        ("P4", "2", 250, None, "2025-01-06", False),
        ("P5", "3", 50, None, "2025-01-07", False),
        ("P6", "9", 11, None, "2025-01-07", False),
    )
    made = joined(gifts, payments)
    assert raised.cash(made.gifts) == 750
    assert raised.production(made.gifts) == 1280
    lost = pledges.write_offs(made.gifts, made.pledges)
    found = parts(made.gifts, write_offs=lost)
    # Of the grant 300 are open, of the second gift 50, of that in kind 30.
    assert found[["Cash", "Gifts in kind", "Open pledges", "Written off"]].tolist() == [750, 50, 380, 100]
    assert made.set_aside.set_index("reason")["amount_usd"]["belongs to no gift of the ledger"] == 11
    assert set(made.gifts.loc[made.gifts["gift_id"] == "P1", "gift_type"]) == {"grant"}


def test_hard_credit_stays_where_the_donor_is_not_on_file():
    donors = pd.DataFrame({"donor_id": ["003A", "003B", "003C"], "household_id": ["001HH1", "001HH1", "001HH2"], "kind": ["household"] * 3})
    gifts = book(("1", "outright", 1000, "2024-10-01"), ("2", "outright", 500, "2024-11-01"), ("3", "grant", 9000, "2024-12-01"))
    gifts = gifts.assign(donor_id=["001HH1", "001HH2", "001ORG"])
    soft = pd.DataFrame({"gift_id": ["3", "1"], "donor_id": ["003A", "003X"], "amount_usd": [9000.0, 1000.0]})
    rows = raised.credit(gifts, soft, donors).set_index("kind")
    assert rows["hard_usd"].to_dict() == {"unknown": 9000, "household": 1500}
    assert rows["soft_usd"].to_dict() == {"unknown": 1000, "household": 9000}
    assert rows["hard_usd"].sum() == raised.cash(gifts)


def test_growth_in_donors_after_fep():
    years = {"A": [1, 1, 1], "B": [0, 1, 0], "C": [1, 0, 1], "D": [1, 1, 0], "E": [0, 0, 1], "F": [0, 0, 1]}
    rows = [(donor, 2022 + at, 10.0) for donor, gave in years.items() for at, on in enumerate(gave) if on]
    growth = giving.growth_in_donors(giving.annual(pd.DataFrame(rows, columns=["donor_id", "year", "amount_usd"])), 2024)
    assert (growth["before_n"], growth["now_n"], growth["net_n"]) == (3, 4, 1)
    assert (growth["new_n"], growth["recaptured_n"], growth["lapsed_new_n"], growth["lapsed_repeat_n"]) == (2, 1, 1, 1)
    assert growth["growth_share"] == pytest.approx(1 / 3) and growth["lost_per_100_gained"] == pytest.approx(200 / 3)


CENTS = st.integers(1, 500_000).map(lambda value: value / 100)


@st.composite
def ledgers(draw):
    """Ledgers of promises, payments in every type, write-offs, corrections and gifts without a promise."""
    promises = draw(st.lists(st.tuples(st.sampled_from(sorted(raised.PROMISES)), CENTS), max_size=4))
    rows = [(f"P{n}", kind, amount, "2025-01-01", f"P{n}") for n, (kind, amount) in enumerate(promises)]
    kinds = st.sampled_from(sorted(set(raised.GIFT_TYPES) - raised.PROMISES))
    numbers = st.sampled_from([f"P{n}" for n in range(5)] + [None])
    for n, (kind, amount, number) in enumerate(draw(st.lists(st.tuples(kinds, CENTS, numbers), max_size=12))):
        rows.append((f"G{n}", kind, -amount if kind == "write-off" else amount, "2025-02-01", number))
    for n, (at, amount) in enumerate(draw(st.lists(st.tuples(st.integers(0, 30), CENTS), max_size=4))):
        if rows:
            rows.append((f"R{n}", rows[at % len(rows)][1], -amount, "2025-03-01", None, rows[at % len(rows)][0]))
    return book(*rows)


@settings(max_examples=60, deadline=None)
@given(ledgers())
def test_any_ledger_adds_up_to_the_cent(gifts):
    gifts = ledger.linked(gifts)
    rows = ledger.reconciliation(gifts)
    amounts = giving.cents(rows["amount_usd"])
    assert amounts[:-1].sum() == amounts[-1]
    found = rows.set_index("part")["amount_usd"]
    assert found["Cash"] == pytest.approx(raised.cash(gifts), abs=0.005)
    assert found["Given and promised"] == pytest.approx(raised.production(gifts), abs=0.005)
    held = ledger.promises(gifts)
    assert (giving.cents(held["made_usd"]) == giving.cents(held["paid_usd"] + held["written_off_usd"] + held["open_usd"])).all()
