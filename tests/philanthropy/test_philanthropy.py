"""Cash and production, year to date, forecast, campaigns, cost, concentration, pipeline, grants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.philanthropy import grants, pipeline, pyramid, raised, year_end


def gift(gift_type, amount, date="2024-10-01", **more):
    return {
        "gift_id": f"{gift_type}{amount}{date}",
        "donor_id": "A",
        "gift_date": pd.Timestamp(date),
        "gift_type": gift_type,
        "amount_usd": float(amount),
        "program": "major gifts",
        "pledge_id": None,
    } | more


class TestCounting:
    gifts = pd.DataFrame([
        gift("outright", 100), gift("pledge", 1_000, pledge_id="P"), gift("pledge payment", 200, pledge_id="P"), gift("pledge payment", 200, "2025-10-01", pledge_id="P"), gift("in kind", 50),
        gift("planned intention", 5_000, pledge_id="W"), gift("planned realized", 4_000, "2025-11-01", pledge_id="W"), gift("planned realized", 700), gift("donor-advised", 30), gift("outright", -100, "2024-11-01", adjusts_gift_id="x"),
    ])  # fmt: skip

    def test_cash_is_what_can_be_spent(self):
        assert raised.cash(self.gifts) == 100 + 200 + 200 + 4_000 + 700 + 30 - 100

    def test_production_never_counts_a_pledge_twice(self):
        assert raised.production(self.gifts) == 100 + 1_000 + 50 + 5_000 + 700 + 30 - 100

    def test_in_kind_is_cash_only_when_the_policy_says_so(self):
        assert raised.cash(self.gifts, in_kind_is_cash=True) - raised.cash(self.gifts) == 50

    def test_a_reversed_pledge_leaves_production_and_not_cash(self):
        back = pd.concat([self.gifts, pd.DataFrame([gift("pledge", -1_000, "2025-01-01", pledge_id="P")])])
        assert raised.production(back) == raised.production(self.gifts) - 1_000 and raised.cash(back) == raised.cash(self.gifts)

    @given(st.lists(st.tuples(st.sampled_from(raised.GIFT_TYPES), st.integers(-999, 9_999)), max_size=30))
    def test_bases_differ_only_by_commitments_and_kind(self, rows):
        frame = pd.DataFrame([gift(kind, amount) for kind, amount in rows], columns=list(gift("outright", 1)))
        sums = frame.groupby("gift_type")["amount_usd"].sum().to_dict()
        gap = sum(sums.get(kind, 0) for kind in ("pledge", "planned intention", "in kind")) - sums.get("pledge payment", 0)
        assert raised.production(frame) - raised.cash(frame) == pytest.approx(gap)

    def test_refuses_unknown_types_and_bases(self):
        with pytest.raises(ValueError, match="unknown gift types Cash"):
            raised.cash(pd.DataFrame([gift("Cash", 1)]))
        with pytest.raises(ValueError, match="production"):
            raised.counted(self.gifts, basis="accrual")

    def test_soft_credit_stands_beside_hard_and_is_not_added(self):
        gifts = pd.DataFrame([gift("donor-advised", 500, donor_id="fund", gift_id="g1"), gift("outright", 20, donor_id="A", gift_id="g2")])
        donors = pd.DataFrame(
            {"donor_id": ["fund", "A"], "household_id": ["fund", "A"], "kind": ["donor-advised fund sponsor", "household"]}
        )
        soft = pd.DataFrame({"gift_id": ["g1"], "donor_id": ["A"], "amount_usd": [500.0], "reason": ["donor-advised"]})
        rows = raised.credit(gifts, soft, donors).set_index("kind")
        assert rows["hard_usd"].sum() == raised.cash(gifts) == 520 and rows.loc["household"].tolist() == [20, 500]
        thanked = raised.recognized(gifts, donors, soft)
        assert thanked["donor_id"].tolist() == ["A", "A"] and thanked["amount_usd"].sum() == 520

    def test_couples_are_one_household(self):
        gifts = pd.DataFrame([gift("outright", 1, donor_id="A"), gift("outright", 2, donor_id="B"), gift("outright", 3, donor_id="C")])
        donors = pd.DataFrame({"donor_id": ["A", "B", "C"], "household_id": ["H", "H", None]})
        assert raised.recognized(gifts, donors)["donor_id"].tolist() == ["H", "H", "C"]


class TestYearToDate:
    gifts = pd.DataFrame(
        [
            gift("outright", 100, "2024-08-01"),
            gift("outright", 40, "2025-03-01"),
            gift("outright", 150, "2025-09-01"),
            gift("outright", 999, "2026-01-01"),
            gift("outright", 7, "2023-09-01"),
        ]
    )
    goals = pd.DataFrame(
        {
            "fiscal_year": [2026, 2026, 2025],
            "basis": ["cash", "production", "cash"],
            "program": "major gifts",
            "goal_usd": [600.0, 900.0, 1.0],
        }
    )

    def test_same_day_last_year_and_goal(self):
        row = raised.year_to_date(self.gifts, "2025-12-31", goals=self.goals).iloc[0]
        assert row[["ytd_usd", "same_day_usd", "last_year_usd", "goal_usd", "to_go_usd"]].tolist() == [150, 100, 140, 600, 450]
        assert row["change_share"] == 0.5 and row["goal_share"] == 0.25

    def test_a_program_with_a_goal_and_no_gift_is_shown(self):
        goals = pd.concat([self.goals, pd.DataFrame({"fiscal_year": [2026], "basis": ["cash"], "program": ["events"], "goal_usd": [10.0]})])
        rows = raised.year_to_date(self.gifts, "2025-12-31", by=["program"], goals=goals).set_index("program")
        assert rows.loc["events", ["ytd_usd", "goal_usd", "goal_share"]].tolist() == [0, 10, 0]

    def test_gone_share(self):
        assert raised.gone_share("2025-12-31") == pytest.approx(184 / 365) and raised.gone_share("2026-06-30") == 1


class TestForecast:
    @staticmethod
    def office(seed):
        random, rows = np.random.default_rng(seed), []
        for year in range(2014, 2026):
            for day in random.integers(0, 365, 300):
                rows.append(
                    gift("outright", round(float(random.lognormal(4, 0.5)), 2), pd.Timestamp(year - 1, 7, 1) + pd.Timedelta(days=int(day)))
                )
            for day in random.integers(0, 365, random.poisson(6)):
                rows.append(
                    gift(
                        "outright",
                        float(random.choice([15_000, 25_000, 50_000])),
                        pd.Timestamp(year - 1, 7, 1) + pd.Timedelta(days=int(day)),
                    )
                )
        return pd.DataFrame(rows)

    @pytest.mark.slow
    def test_intervals_hold_what_they_promise(self):
        none = pd.DataFrame(
            {"pledge_id": pd.Series(dtype=str), "due_date": pd.Series(dtype="datetime64[s]"), "due_usd": pd.Series(dtype=float)}
        )
        inside = pd.concat([year_end.back_test(self.office(seed), none, "2025-12-31", years=5) for seed in range(4)])["inside"]
        assert 0.55 <= inside.mean() <= 1 and len(inside) == 20

    def test_scheduled_pledge_payments_are_expected(self):
        gifts = self.office(1)
        gifts = pd.concat(
            [
                gifts,
                pd.DataFrame(
                    [
                        gift("pledge", 300_000, "2024-03-01", pledge_id="P"),
                        gift("pledge payment", 100_000, "2024-03-05", pledge_id="P"),
                        gift("pledge payment", 100_000, "2025-03-05", pledge_id="P"),
                    ]
                ),
            ]
        )
        due = pd.DataFrame({"pledge_id": "P", "due_date": pd.to_datetime(["2024-03-01", "2025-03-01", "2026-03-01"]), "due_usd": 100_000.0})
        rows = year_end.forecast(gifts, due, "2025-12-31").set_index("part")
        assert rows.loc["Scheduled pledge payments", "rest_usd"] > 80_000
        assert rows.loc["All cash", "so_far_usd"] == pytest.approx(raised.year_to_date(gifts, "2025-12-31")["ytd_usd"].iloc[0])
        parts = rows.drop(index="All cash")
        assert parts["rest_usd"].sum() == pytest.approx(rows.loc["All cash", "rest_usd"])

    def test_an_interval_holds_its_expectation_and_has_a_width(self):
        """One instalment far larger than all before: the doubt about it pulls the mean below the lower decile of its payment."""
        gifts = pd.concat(
            [
                self.office(1),
                pd.DataFrame([gift("pledge payment", 1_000, f"{year}-03-05", pledge_id="P") for year in range(2015, 2026)]),
            ]
        )
        dates = pd.to_datetime([f"{year}-03-01" for year in range(2015, 2027)])
        due = pd.DataFrame({"pledge_id": "P", "due_date": dates, "due_usd": [1_000.0] * 11 + [2e6]})
        rows = year_end.forecast(gifts, due, "2025-12-31").set_index("part")
        assert (rows["total_usd_low"] <= rows["total_usd"]).all() and (rows["total_usd"] <= rows["total_usd_high"]).all()
        row = rows.loc["Scheduled pledge payments"]
        assert row["total_usd_low"] < row["total_usd_high"] and 1.8e6 < row["rest_usd"] < 2e6

    def test_the_mean_number_of_large_gifts_is_uncertain_too(self):
        """Predictive variance of a count with mean m learnt from n gifts: m + m^2 / n (negative binomial)."""
        draws = year_end.compound(np.ones(6), 12.0, 200_000, np.random.default_rng(1))
        assert draws.mean() == pytest.approx(12, rel=0.01) and draws.var() == pytest.approx(12 + 144 / 6, rel=0.02)

    def test_the_future_is_not_looked_at(self):
        gifts = self.office(2)
        early = gifts[gifts["gift_date"] <= "2023-12-31"]
        none = pd.DataFrame(
            {"pledge_id": pd.Series(dtype=str), "due_date": pd.Series(dtype="datetime64[s]"), "due_usd": pd.Series(dtype=float)}
        )
        pd.testing.assert_frame_equal(year_end.forecast(gifts, none, "2023-12-31"), year_end.forecast(early, none, "2023-12-31"))


class TestCampaign:
    campaigns = pd.DataFrame(
        {"campaign_id": ["C"], "campaign": ["Light"], "goal_usd": [1_000.0], "start_date": ["2024-01-01"], "end_date": ["2026-01-01"]}
    )

    def test_goal_time_rate_and_gap(self):
        gifts = pd.DataFrame(
            [
                gift("pledge", 300, "2024-06-01", campaign_id="C", pledge_id="P"),
                gift("pledge payment", 100, "2024-07-01", campaign_id="C", pledge_id="P"),
                gift("outright", 100, "2024-08-01", campaign_id="C"),
                gift("outright", 900, "2023-08-01", campaign_id="C"),
                gift("outright", 5, "2024-08-01", campaign_id=None),
            ]
        )
        row = raised.campaign_progress(self.campaigns, gifts, as_of="2025-01-01").iloc[0]
        assert (
            row["raised_usd"] == 400
            and row["goal_share"] == 0.4
            and row["time_share"] == pytest.approx(366 / 731)
            and row["gap_usd"] == 600
        )
        assert row["needed_rate_usd_month"] == pytest.approx(600 / (365 / (365.25 / 12))) and row["projected_usd"] == pytest.approx(
            400 * 731 / 366
        )
        assert row["ahead_usd"] == pytest.approx(400 - 1_000 * 366 / 731)

    def test_a_finished_campaign_needs_no_rate(self):
        row = raised.campaign_progress(
            self.campaigns, pd.DataFrame([gift("outright", 2_000, "2024-08-01", campaign_id="C")]), as_of="2026-06-01"
        ).iloc[0]
        assert row["time_share"] == 1 and row["gap_usd"] == 0 and row["projected_usd"] == 2_000 and pd.isna(row["needed_rate_usd_month"])


class TestCost:
    def test_roi_and_ctrd_are_reciprocal(self):
        assert raised.return_on_investment(500_000, 100_000) == 5 and raised.cost_to_raise_a_dollar(500_000, 100_000) == 0.2

    def test_by_program_and_in_all(self):
        rows = raised.cost(
            pd.DataFrame({"program": ["events", "major gifts"], "amount_usd": [100.0, 900.0]}),
            pd.DataFrame(
                {"program": ["events", "major gifts", "planned giving"], "expense_usd": [60.0, 90.0, 50.0], "fte": [1.0, 1.0, 0.5]}
            ),
        ).set_index("program")
        assert rows.loc["All programs", ["raised_usd", "expense_usd", "net_usd", "roi", "ctrd_usd"]].tolist() == [1000, 200, 800, 5, 0.2]
        assert (
            rows.loc["events", "ctrd_usd"] == 0.6
            and pd.isna(rows.loc["planned giving", "ctrd_usd"])
            and rows.loc["All programs", "net_per_fte_usd"] == 320
        )


class TestConcentration:
    def test_pyramid_bands_hold_everyone(self):
        rows = pyramid.pyramid([0, 50, 100, 249.99, 250, 2_000_000])
        assert rows["donors_n"].sum() == 5 and rows["band"].iloc[0] == "$1 M and more" and rows["amount_share"].sum() == pytest.approx(1)
        assert rows.set_index("low_usd").loc[100, "donors_n"] == 2

    def test_gift_range_chart_reaches_the_goal(self):
        chart = pyramid.gift_range(5_000_000)
        assert (
            chart["gift_usd"].iloc[0] == 625_000
            and chart["gifts_n"].tolist() == [1, 2, 4, 8, 16, 32, 64, 128]
            and chart["cumulative_usd"].iloc[-1] == 5_000_000
        )
        assert chart["prospects_n"].tolist()[:4] == [5, 8, 16, 24]

    @given(st.floats(1_000, 1e8), st.floats(0.08, 0.4))
    def test_gift_range_chart_is_never_a_whole_gift_over(self, goal, lead):
        chart = pyramid.gift_range(goal, lead_share=lead)
        total = chart["cumulative_usd"].iloc[-1]
        assert goal * (1 - 1e-9) <= total < goal + chart["gift_usd"].iloc[-1] and (chart["gifts_n"] > 0).all()

    def test_gift_range_gap(self):
        chart = pyramid.gift_range(8_000, lead_share=0.125, levels=3)
        rows = pyramid.gift_range_gap(chart, received=[1_200.0, 600.0], capacities=[5_000, 500, 499, 10])
        assert (
            rows["received_n"].tolist() == [1, 1, 0] and rows["still_n"].tolist() == [0, 1, 4] and rows["available_n"].tolist() == [1, 1, 1]
        )
        assert rows["needed_n"].tolist() == [0, 4, 16] and rows["gap_n"].tolist() == [-1, 3, 15]


HISTORY = pd.DataFrame(
    [
        ("Q1", "cultivation", "2024-01-01"),
        ("Q1", "solicitation", "2024-03-01"),
        ("Q2", "cultivation", "2024-01-01"),
        ("Q3", "cultivation", "2024-02-01"),
        ("Q3", "solicitation", "2024-06-01"),
        ("Q4", "cultivation", "2024-11-01"),
        ("Q5", "solicitation", "2024-01-01"),
    ],
    columns=["proposal_id", "stage", "entered_date"],
)
PROPOSALS = pd.DataFrame({
    "proposal_id": ["Q1", "Q2", "Q3", "Q4", "Q5"], "ask_usd": [100.0, 50.0, 200.0, 80.0, 40.0], "outcome": ["funded", "withdrawn", "declined", None, None], "funded_usd": [90.0, 0, 0, 0, 0],
    "ask_date": ["2024-03-01", None, "2024-06-01", None, "2024-01-01"], "closed_date": ["2024-05-01", "2024-02-01", "2024-09-01", None, None], "next_move_date": [None, None, None, None, "2025-01-15"],
})  # fmt: skip


class TestPipeline:
    default = {"cultivation": 0.25, "solicitation": 0.5}  # noqa: RUF012

    def test_brier_score(self):
        # Brier's textbook case: forecasts 0.7, 0.9 with rain once.
        assert pipeline.brier_score([0.7, 0.9], [1, 0]) == pytest.approx((0.09 + 0.81) / 2) and pipeline.brier_score([1, 0], [1, 0]) == 0
        with pytest.raises(ValueError, match="0 to 1"):
            pipeline.brier_score([1.2], [1])
        with pytest.raises(ValueError, match="2 forecasts for 1"):
            pipeline.brier_score([0.5, 0.5], [1])
        with pytest.raises(ValueError, match="0 to 1"):
            pipeline.brier_score([float("nan")], [1])
        with pytest.raises(ValueError, match="outcome must be 0 or 1"):
            pipeline.brier_score([0.5], [0.5])

    def test_a_stage_without_a_chance_is_not_scored(self):
        strange = pd.concat([HISTORY, pd.DataFrame([("Q1", "stewardship", "2024-06-01")], columns=HISTORY.columns)])
        known, same = (pipeline.calibration_check(rows, PROPOSALS, default=self.default, split="2024-01-01") for rows in (HISTORY, strange))
        pd.testing.assert_frame_equal(known, same)

    def test_own_history_pulls_the_default(self):
        rows = pipeline.stage_probability(HISTORY, PROPOSALS, default=self.default, weight=2).set_index("stage")
        assert rows.loc["cultivation", ["closed_n", "funded_n"]].tolist() == [3, 1] and rows.loc[
            "cultivation", "probability_share"
        ] == pytest.approx((1 + 0.5) / 5)
        assert rows.loc["solicitation", "own_share"] == 0.5

    def test_a_check_learns_only_from_what_closed_before(self):
        early = pipeline.stage_probability(HISTORY, PROPOSALS, default=self.default, before="2024-03-01").set_index("stage")
        assert early.loc["cultivation", "closed_n"] == 1
        rows = pipeline.calibration_check(HISTORY, PROPOSALS, default=self.default, split="2024-08-01", weight=1e9)
        assert rows.loc[rows["probabilities"] == "Default", "brier"].iloc[0] == pytest.approx((0.25**2 + 0.5**2) / 2)
        assert rows.loc[rows["probabilities"] == "Own history", "brier"].iloc[0] == pytest.approx((0.25**2 + 0.5**2) / 2, abs=1e-6)

    def test_stage_age_and_stalled(self):
        opened = pipeline.open_proposals(PROPOSALS, HISTORY, as_of="2024-12-31", stalled_days=30).set_index("proposal_id")
        assert opened.loc["Q4", ["stage", "age_days", "stalled"]].tolist() == ["cultivation", 60, True]
        assert not opened.loc["Q5", "stalled"]  # a move is dated ahead

    def test_weighted_and_unweighted(self):
        opened = pipeline.open_proposals(PROPOSALS, HISTORY, as_of="2024-12-31")
        rows = pipeline.funnel(opened, self.default, stages=["cultivation", "solicitation"])
        assert rows["ask_usd"].sum() == 120 and rows["weighted_usd"].sum() == 80 * 0.25 + 40 * 0.5

    def test_yield_of_closed_proposals(self):
        assert pipeline.proposal_yield(PROPOSALS) == {
            "closed_n": 3,
            "funded_n": 1,
            "count_share": 1 / 3,
            "asked_usd": 350,
            "funded_usd": 90,
            "dollar_share": 90 / 350,
        }

    def test_cycle_time_knows_of_open_asks(self):
        # Decided after 61 and 92 days, one open after 365: the median is 92, not 76.5.
        assert pipeline.cycle_days(PROPOSALS, as_of="2024-12-31") == {
            "median_days": 92,
            "p75_days": pytest.approx(float("nan"), nan_ok=True),
            "asked_n": 3,
            "open_n": 1,
        }


class TestGrants:
    rows = pd.DataFrame({
        "grant_id": list("abcd"), "status": ["awarded", "declined", "pending", "awarded"], "requested_usd": [100.0, 300.0, 50.0, 200.0], "awarded_usd": [80.0, 0, 0, 200.0],
        "start_date": ["2024-01-01", None, None, "2020-01-01"], "end_date": ["2026-01-01", None, None, "2021-01-01"], "spent_usd": [20.0, 0, 0, 200.0], "indirect_usd": [2.0, 0, 0, 20.0],
    })  # fmt: skip

    def test_success_of_decided_applications(self):
        row = grants.success(self.rows).iloc[0]
        assert (
            row[["submitted_n", "decided_n", "awarded_n"]].tolist() == [4, 3, 2]
            and row["share"] == pytest.approx(2 / 3)
            and row["dollar_share"] == pytest.approx(280 / 600)
        )

    def test_burn_against_period(self):
        rows = grants.burn(self.rows, as_of="2025-01-01")
        assert (
            rows["grant_id"].tolist() == ["a"]
            and rows["spent_share"].iloc[0] == 0.25
            and rows["period_share"].iloc[0] == pytest.approx(366 / 731)
            and rows["pace"].iloc[0] == "underspent"
        )

    def test_reports_due_in_90_days(self):
        reports = pd.DataFrame(
            {
                "grant_id": list("abcde"),
                "due_date": ["2024-12-01", "2025-01-01", "2025-03-31", "2025-04-02", "2025-01-05"],
                "sent_date": [None, None, None, None, "2024-12-30"],
            }
        )
        rows = grants.reports_due(reports, as_of="2025-01-01")
        assert rows["grant_id"].tolist() == ["a", "b", "c"] and rows["state"].tolist() == ["overdue", "due", "due"]

    def test_indirect_recovery(self):
        assert grants.indirect_recovery(self.rows, negotiated_share=0.26) == {
            "direct_usd": 220,
            "indirect_usd": 22,
            "share": 0.1,
            "forgone_usd": pytest.approx(220 * 0.26 - 22),
        }
