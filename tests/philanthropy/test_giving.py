"""Donors by fiscal year: retention, lapse, growth in giving, cohorts, segments, recency-frequency-money."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.philanthropy import donor_segments, giving


def ledger(rows):
    """Gifts from (donor, date, amount)."""
    return pd.DataFrame(rows, columns=["donor_id", "gift_date", "amount_usd"]).assign(
        gift_date=lambda frame: pd.to_datetime(frame["gift_date"])
    )


def yearly(table):
    """Gifts from {donor: {year: amount}}, in calendar years."""
    return pd.DataFrame(
        [(donor, year, amount) for donor, years in table.items() for year, amount in years.items()],
        columns=["donor_id", "year", "amount_usd"],
    )


# Six donors by hand: A, B stay; C upgrades; D lapses after its first year; E is won back; F lapses after years of giving.
HAND = yearly({
    "A": {2021: 100, 2022: 100, 2023: 100, 2024: 100}, "B": {2022: 50, 2023: 80, 2024: 60}, "C": {2021: 10, 2023: 20, 2024: 45},
    "D": {2023: 30}, "E": {2021: 5, 2024: 25}, "F": {2021: 40, 2022: 40, 2023: 40}, "G": {2024: 12.34}, "H": {2021: 7},
})  # fmt: skip


class TestFiscalYear:
    def test_is_named_by_the_year_in_which_it_ends(self):
        assert giving.fiscal_year(["2024-06-30", "2024-07-01", "2025-06-30"]).tolist() == [2024, 2025, 2025]

    def test_from_january_is_the_calendar_year(self):
        assert giving.fiscal_year(["2024-01-01", "2024-12-31"], start_month=1).tolist() == [2024, 2024]

    def test_from_october_as_the_federal_one(self):
        assert giving.fiscal_year(["2024-09-30", "2024-10-01"], start_month=10).tolist() == [2024, 2025]

    def test_refuses_month_13(self):
        with pytest.raises(ValueError, match="1 to 12"):
            giving.fiscal_year(["2024-01-01"], start_month=13)

    @given(st.dates(min_value=pd.Timestamp("1990-01-01").date(), max_value=pd.Timestamp("2040-12-31").date()), st.integers(1, 12))
    def test_agrees_with_pandas_periods(self, day, start):
        anchor = pd.Timestamp(2000, (start - 2) % 12 + 1, 1).strftime("%b").upper()
        assert giving.fiscal_year([day], start_month=start).iloc[0] == pd.Period(day, freq=f"Y-{anchor}").year


class TestUpToDay:
    def test_half_of_a_july_year(self):
        days = pd.Series(pd.to_datetime(["2024-07-01", "2024-12-31", "2025-01-01", "2025-06-30"]))
        assert giving.up_to_day(days, "2025-12-31").tolist() == [True, True, False, False]

    def test_the_last_day_of_february_stays_inside(self):
        assert giving.up_to_day(pd.Series(pd.to_datetime(["2024-02-28", "2024-03-01"])), "2025-02-28").tolist() == [True, False]


class TestRetention:
    def test_divides_by_donors_of_the_year_before(self):
        rows = giving.retention(HAND, 2024).set_index("group")
        assert rows.loc["overall", ["donors_before_n", "retained_n"]].tolist() == [5, 3]
        assert rows.loc["first-time", ["donors_before_n", "retained_n"]].tolist() == [1, 0]
        assert rows.loc["repeat", "share"] == pytest.approx(3 / 4)

    def test_first_time_and_repeat_add_up_to_overall(self):
        rows = giving.retention_trend(HAND)
        for _, year in rows.groupby("year"):
            parts = year.set_index("group")[["donors_before_n", "retained_n"]]
            assert (parts.loc["first-time"] + parts.loc["repeat"] == parts.loc["overall"]).all()

    def test_a_donor_refunded_in_full_did_not_give(self):
        gifts = ledger(
            [("A", "2023-08-01", 100), ("A", "2024-08-01", 50), ("A", "2024-09-01", -50), ("B", "2023-08-01", 5), ("B", "2024-08-01", 5)]
        )
        assert giving.retention(gifts, 2025).set_index("group").loc["overall", "share"] == 0.5

    def test_without_donors_the_year_before_there_is_no_share(self):
        assert giving.retention(yearly({"A": {2020: 0, 2021: 5}}), 2021)["share"].isna().all()

    def test_dollars_with_and_without_upgrades(self):
        # Last year 100 + 80 + 20 + 30 + 40 = 270; its donors gave 100 + 60 + 45 = 205, of which 20 of C's 45 repeat last year's.
        assert giving.dollar_retention(HAND, 2024) == {
            "with_upgrades": pytest.approx(205 / 270),
            "without_upgrades": pytest.approx(180 / 270),
        }

    def test_names_the_years_it_lacks(self):
        with pytest.raises(ValueError, match="2019 and 2020"):
            giving.retention(HAND, 2020)


class TestLapse:
    def test_lybunt_gave_last_year_but_not_this(self):
        rows = giving.lybunt(HAND, 2024)
        assert rows["donor_id"].tolist() == ["F", "D"]
        assert rows.loc[0, ["last_usd", "years_n", "total_usd"]].tolist() == [40, 3, 120]

    def test_sybunt_leaves_lybunt_out(self):
        assert giving.sybunt(HAND, 2024)["donor_id"].tolist() == ["H"]
        assert giving.sybunt(HAND, 2023)["donor_id"].tolist() == ["H", "E"]

    def test_recaptured_gave_before_but_not_last_year(self):
        assert giving.recaptured(HAND, 2024).to_numpy().tolist() == [["E", 25.0]]

    def test_movement(self):
        rows = giving.movement(HAND, 2024).set_index("movement")
        assert rows["donors_n"].to_dict() == {"upgrade": 1, "downgrade": 1, "same": 1}
        assert rows["change_usd"].to_dict() == {"upgrade": 25.0, "downgrade": -20.0, "same": 0.0}

    def test_year_to_date_uses_the_same_day_last_year(self):
        gifts = ledger(
            [("A", "2022-08-01", 10), ("B", "2022-08-01", 10), ("A", "2024-03-01", 10), ("B", "2023-08-01", 10), ("B", "2024-08-01", 10)]
        )
        rows = giving.lapse_summary(gifts, "2024-12-31").set_index("group")
        assert rows.loc["Gave last year, not yet this (LYBUNT)", ["donors_n", "same_day_n"]].tolist() == [1, 1]
        assert rows.loc["Gave last year and this", ["donors_n", "same_day_n"]].tolist() == [1, 1]


amounts = st.integers(-5_000, 100_000).map(lambda value: value / 100)
ledgers = st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.integers(2019, 2023), amounts), min_size=1, max_size=60)


class TestGrowthInGiving:
    def test_by_hand(self):
        rows = giving.gains_and_losses(HAND, 2024).set_index("category")["amount_usd"].to_dict()
        assert rows == {
            "new": 12.34,
            "recaptured": 25.0,
            "upgraded": 25.0,
            "same": 0.0,
            "downgraded": -20.0,
            "lapsed new": -30.0,
            "lapsed repeat": -40.0,
            "adjustment": 0.0,
        }
        total = giving.growth_in_giving(HAND, 2024)
        assert total["net_usd"] == -27.66 and total["gains_usd"] == 62.34 and total["losses_usd"] == 90.0
        assert total["lost_per_100_gained"] == pytest.approx(100 * 90 / 62.34)

    @settings(max_examples=80, deadline=None)
    @given(ledgers)
    def test_gains_and_losses_add_up_to_the_change_to_the_cent(self, rows):
        gifts = pd.DataFrame([*rows, ("Z", 2018, 1.0), ("Z", 2023, 1.0)], columns=["donor_id", "year", "amount_usd"])
        wide = giving.annual(gifts)
        for year in (2021, 2023):
            change = sum(round(amount * 100) for _, when, amount in gifts.itertuples(index=False) if when == year) - sum(
                round(amount * 100) for _, when, amount in gifts.itertuples(index=False) if when == year - 1
            )
            parts = giving.gains_and_losses(wide, year)
            assert giving.cents(parts["amount_usd"]).sum() == change
            assert (parts.loc[parts["kind"] == "gain", "amount_usd"] >= 0).all() and (
                parts.loc[parts["kind"] == "loss", "amount_usd"] <= 0
            ).all()

    @settings(max_examples=30, deadline=None)
    @given(ledgers)
    def test_every_donor_is_one_thing_a_year(self, rows):
        gifts = pd.DataFrame([*rows, ("Z", 2018, 1.0), ("Z", 2023, 1.0)], columns=["donor_id", "year", "amount_usd"])
        wide = giving.annual(gifts)
        for year in (2021, 2023):
            status = giving.status(wide, year)
            tally = status.value_counts()
            fep = giving.gains_and_losses(wide, year).set_index("category")["donors_n"].drop("adjustment")
            assert tally.drop("sybunt").to_dict() == fep.to_dict()
            assert tally["lapsed new"] + tally["lapsed repeat"] == len(giving.lybunt(wide, year))
            assert tally["sybunt"] == len(giving.sybunt(wide, year))
            assert not set(giving.lybunt(wide, year)["donor_id"]) & set(giving.sybunt(wide, year)["donor_id"])

    def test_the_waterfall_ends_at_this_year(self):
        steps = giving.waterfall(HAND, 2024)
        assert steps["amount_usd"].iloc[0] == 270 and steps["amount_usd"].sum() == pytest.approx(242.34)
        assert "Same amount" not in steps["step"].tolist()


def test_cohorts_follow_new_donors_only():
    rows = giving.cohorts(HAND).set_index(["cohort", "years_since"])
    assert 2021 not in rows.index.get_level_values("cohort")
    assert rows.loc[(2022, 2), ["donors_n", "giving_n", "share", "amount_usd"]].tolist() == [1, 1, 1.0, 60.0]
    assert rows.loc[(2023, 1), "share"] == 0.0


def test_annual_is_the_sum_by_donor_and_fiscal_year():
    gifts = ledger([("A", "2023-07-01", 0.1), ("A", "2023-08-01", 0.2), ("A", "2024-07-01", 5), ("B", "2024-06-30", 1)])
    wide = giving.annual(gifts)
    assert wide.loc["A"].tolist() == [30, 500] and wide.loc["B"].tolist() == [100, 0] and wide.columns.tolist() == [2024, 2025]
    assert giving.annual(wide) is wide


class TestSegments:
    def test_finds_the_segment_that_left(self):
        random = np.random.default_rng(1)
        rows = []
        for number in range(600):
            group = "event" if number % 3 == 0 else "mail"
            for year in range(2019, 2025):
                if random.random() < (0.08 if group == "event" and year == 2024 else 0.6):
                    rows.append((f"{group}{number}", year, 10.0))
        wide = giving.annual(pd.DataFrame(rows, columns=["donor_id", "year", "amount_usd"]))
        source = pd.Series(wide.index.str.rstrip("0123456789"), index=wide.index)
        found = donor_segments.segment_retention(wide, {"source": source}, 2024)
        assert found["segment"].tolist() == ["event", "mail"]
        assert found.loc[0, "p_adjusted"] < 1e-6 and found.loc[0, "change_share"] < -0.4 and found.loc[1, "p_adjusted"] > 0.05

    def test_lost_dollars_are_last_years_gifts_of_those_who_left(self):
        found = donor_segments.segment_retention(HAND, {"all": pd.Series("x", index=list("ABCDEFGH"))}, 2024, least=1)
        assert found.loc[0, ["donors_before_n", "retained_n", "lost_usd"]].tolist() == [5, 3, 70.0]

    def test_labels_may_change_by_year(self):
        wide = giving.annual(HAND)
        donors = pd.DataFrame({"donor_id": list("ABCDEFGH"), "household_id": list("ABCDEFGH"), "source": "mail"})
        labels = donor_segments.labels(wide, donors)
        assert (
            labels["Size of the year's giving"].loc["A", 2024] == "$100 to $499"
            and labels["Size of the year's giving"].loc["B", 2024] == "under $100"
        )
        assert labels["Years of giving so far"].loc["A"].tolist() == [
            "first year",
            "second or third year",
            "second or third year",
            "fourth year or later",
        ]
        assert pd.isna(labels["Years of giving so far"].loc["D", 2024])


class TestRfm:
    def test_quintiles_of_distinct_values(self):
        assert donor_segments.quantile_score(pd.Series(range(10))).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]

    def test_scores_are_those_of_pandas_qcut_where_values_differ(self):
        for n in range(5, 60):
            expected = (pd.qcut(range(n), 5, labels=False) + 1).tolist()
            assert donor_segments.quantile_score(pd.Series(range(n))).tolist() == expected, n

    def test_ties_share_a_score(self):
        assert donor_segments.quantile_score(pd.Series([1, 1, 1, 1, 9])).tolist() == [2, 2, 2, 2, 5]

    def test_recency_frequency_money(self):
        gifts = ledger(
            [("A", "2024-12-30", 100), ("A", "2024-06-01", 100), ("B", "2020-01-01", 10), ("C", "2024-01-01", 10), ("C", "2024-02-01", -10)]
        )
        rows = donor_segments.rfm(gifts, "2024-12-31").set_index("donor_id")
        assert rows.loc["A", ["recency_days", "gifts_n", "amount_usd"]].tolist() == [1, 2, 200]
        assert "C" not in rows.index  # refunded in full
        assert rows.loc["A", "recency"] > rows.loc["B", "recency"]

    def test_every_score_has_a_segment(self):
        for recency in range(1, 6):
            for value in range(1, 6):
                assert donor_segments._rfm_segment(pd.Series([recency / 5]), pd.Series([value / 5]))[0]


def test_dollars_are_not_taken_for_cents():
    dollars = pd.DataFrame({2024: [100.0, 50.5], 2025: [100.0, 20.0]}, index=pd.Index(["a", "b"], name="donor_id"))
    for use in (giving.status, giving.dollar_retention, giving.gains_and_losses, giving.retention_trend):
        with pytest.raises(ValueError, match="expected whole cents, as `annual` makes them of dollars, found float64 in 2024"):
            use(dollars)
