"""Pledge aging, fulfilment, present value, allowance, write-offs."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.philanthropy import pledges

SCHEDULE = pd.DataFrame(
    {
        "pledge_id": ["P1"] * 3 + ["P2"] * 2,
        "due_date": ["2024-01-10", "2024-07-10", "2025-01-10", "2024-12-31", "2025-12-31"],
        "due_usd": [100.0, 100.0, 100.0, 500.0, 500.0],
    }
)
PAYMENTS = pd.DataFrame(
    {"pledge_id": ["P1", "P1", "P1"], "gift_date": ["2024-01-09", "2024-08-01", "2025-02-01"], "amount_usd": [100.0, 40.0, 60.0]}
)


class TestBalances:
    def test_payments_settle_the_oldest_instalment_first(self):
        rows = pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-12-31")
        assert rows["open_usd"].tolist() == [0, 60, 100, 500, 500]
        assert (
            rows["bucket"].tolist() == ["Over 365 days", "91-180 days", "Not yet due", "Not yet due", "Not yet due"]
            or rows["days"].tolist()[1] == 174
        )

    def test_later_payments_are_not_yet_known(self):
        assert pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-07-31")["paid_usd"].sum() == 100

    def test_a_reversed_payment_opens_the_instalment_again(self):
        back = pd.concat([PAYMENTS, pd.DataFrame({"pledge_id": ["P1"], "gift_date": ["2024-09-01"], "amount_usd": [-40.0]})])
        assert pledges.balances(SCHEDULE, back, as_of="2024-12-31")["open_usd"].tolist()[:2] == [0, 100]

    def test_a_write_off_takes_the_last_instalments(self):
        off = pd.DataFrame({"pledge_id": ["P1"], "written_off_usd": [150.0], "written_off_date": ["2024-11-01"]})
        rows = pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-12-31", write_offs=off)
        assert rows["written_off_usd"].tolist()[:3] == [0, 50, 100] and rows["open_usd"].tolist()[:3] == [0, 10, 0]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(1, 50_000), min_size=1, max_size=8), st.integers(0, 500_000), st.integers(0, 500_000))
    def test_paid_written_off_and_open_add_up(self, dues, paid, off):
        total = sum(dues)
        paid, off = min(paid, total), min(off, total)
        off = min(off, total - paid)
        schedule = pd.DataFrame(
            {
                "pledge_id": "P",
                "due_date": pd.date_range("2020-01-01", periods=len(dues), freq="90D"),
                "due_usd": [due / 100 for due in dues],
            }
        )
        payments = pd.DataFrame({"pledge_id": ["P"], "gift_date": ["2020-01-01"], "amount_usd": [paid / 100]})
        gone = pd.DataFrame({"pledge_id": ["P"], "written_off_usd": [off / 100], "written_off_date": ["2020-01-01"]})
        rows = pledges.balances(schedule, payments, as_of="2021-01-01", write_offs=gone)
        assert rows["paid_usd"].sum() == pytest.approx(paid / 100) and rows["open_usd"].sum() == pytest.approx(
            (total - paid - off) / 100, abs=0.005
        )
        assert (rows["open_usd"] >= 0).all()


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (-5, "Not yet due"),
        (0, "Not yet due"),
        (1, "1-30 days"),
        (30, "1-30 days"),
        (31, "31-60 days"),
        (60, "31-60 days"),
        (61, "61-90 days"),
        (90, "61-90 days"),
        (91, "91-180 days"),
        (180, "91-180 days"),
        (181, "181-365 days"),
        (365, "181-365 days"),
        (366, "Over 365 days"),
    ],
)
def test_bucket_edges(days, name):
    assert pledges.bucket([days])[0] == name


def test_aging_and_allowance():
    aged = pledges.aging(pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-12-31"))
    assert (
        aged["bucket"].tolist() == list(pledges.BUCKETS) and aged["open_usd"].sum() == 1160 and aged["open_share"].sum() == pytest.approx(1)
    )
    rates = dict.fromkeys(pledges.BUCKETS, 0.0) | {"91-180 days": 0.25, "Not yet due": 0.02}
    assert pledges.allowance(aged, rates)["allowance_usd"].sum() == pytest.approx(0.25 * 60 + 0.02 * 1100)
    with pytest.raises(ValueError, match="Over 365 days"):
        pledges.allowance(aged, dict.fromkeys(pledges.BUCKETS[:-1], 0.1))


def test_fulfilment_counts_what_fell_due():
    paid = pledges.fulfilment(pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-12-31"))
    assert paid["due_usd"] == 700 and paid["paid_usd"] == 140 and paid["overdue_usd"] == 60 and paid["share"] == 0.2


class TestPresentValue:
    def test_ordinary_annuity_and_annuity_due(self):
        # Five payments of 10,000 at 5 %: textbook factors 4.3295 (ordinary) and 4.5460 (due).
        assert pledges.present_value(10_000, 0.05, 5) == pytest.approx(43_294.77, abs=0.01)
        assert pledges.present_value(10_000, 0.05, 5, when="begin") == pytest.approx(45_459.51, abs=0.01)

    def test_due_is_ordinary_one_period_earlier(self):
        assert pledges.present_value([5, 7, 9], 0.04, when="begin") == pytest.approx(1.04 * pledges.present_value([5, 7, 9], 0.04))

    def test_dated_instalments_actual_over_365(self):
        assert pledges.present_value_dated([100, 100], ["2024-01-01", "2025-12-31"], 0.05, "2025-01-01") == pytest.approx(
            100 + 100 / 1.05 ** (364 / 365)
        )

    def test_says_what_when_may_be(self):
        with pytest.raises(ValueError, match="annuity due"):
            pledges.present_value(1, 0.05, 2, when="start")

    def test_receivable_goes_from_face_to_net(self):
        open_balances = pledges.balances(SCHEDULE, PAYMENTS, as_of="2024-12-31")
        steps = pledges.receivable(
            open_balances,
            pd.DataFrame({"pledge_id": ["P1", "P2"], "discount_rate_share": [0.03, 0.05]}),
            dict.fromkeys(pledges.BUCKETS, 0.1),
            as_of="2024-12-31",
        )["amount_usd"]
        assert steps.iloc[0] == 1160 and steps.iloc[2] == pytest.approx(-116) and steps.iloc[:3].sum() == pytest.approx(steps.iloc[3])
        assert steps.iloc[1] == pytest.approx(100 / 1.03 ** (10 / 365) - 100 + 500 / 1.05 - 500)
