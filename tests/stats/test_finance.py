"""Finance against published worked examples and a pro forma worked by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.stats import finance

# Excel's documentation of NPV: 10 % of -10,000 | 3,000 | 4,200 | 6,800, first payment at the end of period 1, gives 1,188.44.
EXCEL_NPV = [-10_000, 3_000, 4_200, 6_800]
# Excel's documentation of IRR.
EXCEL_IRR = [-70_000, 12_000, 15_000, 18_000, 21_000, 26_000]
# Excel's documentation of MIRR.
EXCEL_MIRR = [-120_000, 39_000, 30_000, 21_000, 37_000, 46_000]
# Excel's documentation of XNPV and XIRR.
EXCEL_DATED = [-10_000, 2_750, 4_250, 3_250, 2_750]
EXCEL_DATES = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]


def test_npv_starts_at_time_zero_where_excel_starts_at_one():
    assert finance.npv(0.10, EXCEL_NPV) / 1.10 == pytest.approx(1188.44, abs=0.005)
    # Excel's second example: 8 %, initial 40,000 outside the function: 1,922.06.
    assert finance.npv(0.08, [-40_000, 8_000, 9_200, 10_000, 12_000, 14_500]) == pytest.approx(1922.06, abs=0.005)


def test_npv_of_many_streams_and_many_rates_at_once():
    streams = np.array([EXCEL_NPV, [1, 1, 1, 1]])
    assert finance.npv(0.1, streams) == pytest.approx([finance.npv(0.1, row) for row in streams])
    assert finance.npv([0.0, 0.1], EXCEL_NPV) == pytest.approx([4000, finance.npv(0.1, EXCEL_NPV)])


@pytest.mark.parametrize(("bad", "message"), [([], "found none"), ([1, np.nan], "missing value")])
def test_flows_must_be_complete(bad, message):
    with pytest.raises(ValueError, match=message):
        finance.npv(0.1, bad)


def test_rate_of_minus_one_is_refused():
    with pytest.raises(ValueError, match="more than -1"):
        finance.npv(-1, [1, 1])


def test_irr_of_excels_documentation():
    assert finance.irr(EXCEL_IRR) == pytest.approx(0.0866, abs=5e-5)
    assert finance.irr(EXCEL_IRR[:5]) == pytest.approx(-0.0212, abs=5e-5)


def test_irr_of_numpy_financials_documentation():
    assert finance.irr([-100, 39, 59, 55, 20]) == pytest.approx(0.28095, abs=5e-6)


def test_several_sign_changes_are_said_with_every_rate():
    # The oil-pump problem (Lorie and Savage 1955; also Brealey and Myers): two rates, 25 % and 400 %.
    with pytest.warns(finance.SeveralRates, match=r"0\.2500, 4\.0000"):
        rate = finance.irr([-1600, 10_000, -10_000])
    assert rate == pytest.approx(0.25) or rate == pytest.approx(4.0)
    assert finance.irr_roots([-1600, 10_000, -10_000]) == pytest.approx([0.25, 4.0])


def test_no_sign_change_has_no_rate():
    assert np.isnan(finance.irr([-1, -2, -3]))
    assert np.isnan(finance.xirr([1, 2], ["2026-01-01", "2027-01-01"]))
    assert np.isnan(finance.mirr([1, 2], 0.1, 0.1))


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=12), st.floats(1, 1e6))
def test_npv_at_the_irr_is_zero(receipts, outlay):
    flows = [-outlay, *receipts]
    rate = finance.irr(flows)
    assert finance.npv(rate, flows) == pytest.approx(0, abs=1e-6 * (outlay + sum(receipts)))


def test_mirr_of_excels_documentation():
    assert finance.mirr(EXCEL_MIRR, 0.10, 0.12) == pytest.approx(0.1261, abs=5e-5)
    assert finance.mirr(EXCEL_MIRR[:4], 0.10, 0.12) == pytest.approx(-0.0480, abs=5e-5)
    assert finance.mirr(EXCEL_MIRR, 0.10, 0.14) == pytest.approx(0.1348, abs=5e-5)


def test_xnpv_and_xirr_of_excels_documentation():
    assert finance.xnpv(0.09, EXCEL_DATED, EXCEL_DATES) == pytest.approx(2086.65, abs=0.005)
    assert finance.xirr(EXCEL_DATED, EXCEL_DATES) == pytest.approx(0.373362535, abs=5e-9)
    assert finance.xnpv(finance.xirr(EXCEL_DATED, EXCEL_DATES), EXCEL_DATED, EXCEL_DATES) == pytest.approx(0, abs=1e-5)


def test_dated_flows_say_what_is_wrong_with_the_dates():
    with pytest.raises(ValueError, match="2 values and 1 dates"):
        finance.xnpv(0.1, [1, 2], ["2026-01-01"])
    with pytest.raises(ValueError, match="no date before the first"):
        finance.xnpv(0.1, [1, 2], ["2026-01-01", "2025-01-01"])


def test_payback_is_linear_inside_the_year():
    # Brealey and Myers, table 5.1 (projects A and B), and a fraction worked by hand: 500 of 700 in year 3.
    assert finance.payback([-2000, 500, 500, 5000]) == pytest.approx(2.2)
    assert finance.payback([-2000, 500, 1800, 0]) == pytest.approx(1 + 1500 / 1800)
    assert finance.payback([-1000, 300, 200, 700]) == pytest.approx(2 + 500 / 700)
    assert finance.payback([100, 5]) == 0
    assert np.isnan(finance.payback([-1000, 300, 200]))


def test_payback_counts_the_last_crossing():
    assert finance.payback([-100, 150, -100, 100]) == pytest.approx(2.5)


def test_discounted_payback():
    # 10 %: 909.09 + 826.45 = 1,735.54 after two years; the third year brings 751.31.
    assert finance.discounted_payback(0.10, [-2000, 1000, 1000, 1000]) == pytest.approx(2 + (2000 - 1735.537190) / 751.314801)


def test_profitability_index():
    assert finance.profitability_index(0.10, [-2000, 1000, 1000, 1000]) == pytest.approx(2486.851991 / 2000)
    phased = finance.profitability_index(0.10, [-1000, -600, 1000, 1000], investment=[1000, 1100, 0, 0])
    invested = 1000 + 1100 / 1.1
    assert phased == pytest.approx(1 + finance.npv(0.10, [-1000, -600, 1000, 1000]) / invested)
    assert np.isnan(finance.profitability_index(0.1, [10, 10]))


def test_break_even_volume():
    assert finance.break_even_volume(500_000, 2_500) == 200
    assert np.isnan(finance.break_even_volume(500_000, 0))


def test_annuity_due_is_worth_one_period_more_than_ordinary():
    # Excel's documentation of PV: 500 a month for 20 years at 8 % a year compounded monthly is worth 59,777.15.
    assert finance.annuity(0.08 / 12, 240, 500) == pytest.approx(59_777.15, abs=0.005)
    assert finance.annuity(0.08 / 12, 240, 500, when="begin") == pytest.approx(59_777.15 * (1 + 0.08 / 12), abs=0.01)
    assert finance.present_value(0.05, [100, 100], when="begin") == pytest.approx(100 + 100 / 1.05)


def test_contribution_keeps_the_drug_margin_apart():
    economics = pd.DataFrame(
        {
            "measure": ["visits", "fractions"],
            "revenue_usd": [300.0, 500.0],
            "variable_usd": [200.0, 150.0],
            "drug_revenue_usd": [4000.0, 0.0],
            "drug_cost_usd": [3700.0, 0.0],
        }
    )
    margin = finance.contribution(pd.DataFrame({"measure": ["visits", "fractions"], "volume_n": [10.0, 20.0]}), economics)
    assert margin["service_margin_usd"].tolist() == [1000, 7000]
    assert margin["drug_margin_usd"].tolist() == [3000, 0]
    assert margin["contribution_usd"].tolist() == [4000, 7000]
    assert margin["contribution_share"].tolist() == pytest.approx([4000 / 43_000, 0.7])
    with pytest.raises(ValueError, match="none for scans"):
        finance.contribution(pd.DataFrame({"measure": ["scans"], "volume_n": [1.0]}), economics)


def test_appraisal_leaves_the_irr_out_when_it_is_not_one_number():
    several = finance.appraisal(0.08, [-1600, 10_000, -10_000], finance_rate=0.08, reinvest_rate=0.08)
    assert np.isnan(several["irr_share"]) and several["sign_changes"] == 2 and np.isfinite(several["mirr_share"])
    one = finance.appraisal(0.08, EXCEL_IRR, finance_rate=0.08, reinvest_rate=0.08)
    assert one["irr_share"] == pytest.approx(0.0866, abs=5e-5)


def test_a_rate_that_counts_twice_is_one_rate():
    assert finance.irr_roots([-100, 220, -121]) == pytest.approx([0.1], abs=1e-6)
    assert finance.irr_roots([-100, 230, -132]) == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: finance.irr([-1, np.inf]), "without end"),
        (lambda: finance.xnpv(-1, [-1, 2], ["2025-01-01", "2026-01-01"]), "more than -1"),
        (lambda: finance.discounted_payback(-1, [-1, 2]), "more than -1"),
        (lambda: finance.mirr([-1, 2], 0.05, -1.5), "reinvestment rate"),
        (lambda: finance.break_even_volume(-5, 2), "fixed cost of 0 or more"),
        (lambda: finance.annuity(0.05, -1, 100), "0 or more periods"),
    ],
)
def test_what_is_no_stream_or_rate_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_no_payment_is_worth_nothing():
    assert finance.annuity(0.05, 0, 100) == 0


def test_flows_of_one_day_have_no_rate():
    # What leaves and comes back on one day does so at any rate: no data determine it.
    day = "2026-03-02"
    for flows in ([2500, -2500], [2500, -2000], [-2500, 1000, 1500]):
        assert np.isnan(finance.xirr(flows, [day] * len(flows)))
    # A booking and its reversal of one day leave the rest as it is.
    dated = finance.xirr([*EXCEL_DATED, 400, -400], [*EXCEL_DATES, "2008-10-30", "2008-10-30"])
    assert dated == pytest.approx(0.373362535, abs=1e-6)
    assert np.isnan(finance.xirr([500, -500, 100], [day, day, "2027-03-02"]))


# Excel's documentation of PMT, IPMT, PPMT, CUMIPMT, CUMPRINC, PV and RATE.
def test_pmt_of_excels_documentation():
    assert finance.payment(0.08 / 12, 10, 10_000) == pytest.approx(-1037.03, abs=0.005)
    assert finance.payment(0.08 / 12, 10, 10_000, when="begin") == pytest.approx(-1030.16, abs=0.005)
    assert finance.payment(0.06 / 12, 18 * 12, 0, future=50_000) == pytest.approx(-129.08, abs=0.005)
    assert finance.payment(0.0, 10, 10_000) == pytest.approx(-1_000)
    assert finance.annuity(0.08 / 12, 20 * 12, 500) == pytest.approx(59_777.15, abs=0.005)


def test_a_schedule_is_that_of_excels_documentation():
    assert finance.schedule(0.10 / 12, 36, 8_000)["interest_usd"].iloc[0] == pytest.approx(-66.67, abs=0.005)
    assert finance.schedule(0.10, 3, 8_000)["interest_usd"].iloc[2] == pytest.approx(-292.45, abs=0.005)
    assert finance.schedule(0.10 / 12, 24, 2_000)["principal_usd"].iloc[0] == pytest.approx(-75.62, abs=0.005)
    assert finance.schedule(0.08, 10, 200_000)["principal_usd"].iloc[9] == pytest.approx(-27_598.05, abs=0.005)
    second_year = finance.schedule(0.09 / 12, 360, 125_000).iloc[12:24]
    assert second_year["interest_usd"].sum() == pytest.approx(-11_135.23213, abs=1e-5)
    assert second_year["principal_usd"].sum() == pytest.approx(-934.1071234, abs=1e-7)


@given(st.floats(0, 0.03), st.integers(1, 60), st.floats(-2e4, 0), st.sampled_from(["end", "begin"]))
def test_a_schedule_ends_with_what_is_left(rate, periods, future, when):
    table = finance.schedule(rate, periods, 1e5, future=future, when=when)
    # Paid in advance, what is left after the last payment bears interest to the end of its period.
    assert table["balance_usd"].iloc[-1] * (1 + rate * (when == "begin")) == pytest.approx(-future, abs=1e-3)
    assert table["principal_usd"].sum() == pytest.approx(table["balance_usd"].iloc[-1] - 1e5, abs=1e-3)
    assert (table["interest_usd"] + table["principal_usd"]).to_numpy() == pytest.approx(table["payment_usd"].to_numpy())


def test_the_rate_of_a_lease_is_that_of_excels_documentation():
    # RATE: 4 years of 200 a month for 8,000: 0.77 % a month, 9.24 % a year.
    rate = finance.implicit_rate(48, -200, 8_000)
    assert rate == pytest.approx(0.0077, abs=5e-5) and 12 * rate == pytest.approx(0.0924, abs=5e-5)
    assert finance.implicit_rate(10, finance.payment(0.01, 10, 5e4, future=-1e4, when="begin"), 5e4, future=-1e4, when="begin") == (
        pytest.approx(0.01)
    )
    # At the rate that the lease charges, leasing is worth neither more nor less than buying.
    assert finance.lease_advantage(rate, 8_000, [200] * 48, when="end") == pytest.approx(0, abs=0.01)


def test_a_lease_against_buying_by_hand():
    # 3 payments of 1,000 in advance against 2,900 today: 1,000 + 1,000 / 1.1 + 1,000 / 1.21 = 2,735.54; 300 left after 3 years: 225.39.
    assert finance.lease_advantage(0.10, 2_900, [1_000] * 3, residual=300) == pytest.approx(2_900 - 2_735.54 - 225.39, abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: finance.payment(0.01, 12, 100, when="start"),
        lambda: finance.present_value(0.01, [1, 2], when="beginning"),
        lambda: finance.annuity(0.01, 0, 5, when="due"),
        lambda: finance.schedule(0.01, 12, 100, when=1),
        lambda: finance.implicit_rate(12, -10, 100, when="End"),
        lambda: finance.lease_advantage(0.01, 100, [10] * 12, when=""),
    ],
)
def test_a_word_for_the_time_of_a_payment_that_is_not_known_is_refused(wrong):
    with pytest.raises(ValueError, match="expected when as one of end, begin"):
        wrong()


@pytest.mark.parametrize("periods", [-1, 2.5])
def test_periods_are_whole(periods):
    with pytest.raises(ValueError, match="a whole number"):
        finance.payment(0.01, periods, 100)
