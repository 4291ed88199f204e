"""The brief's rule of choice and the agreement of pages: pure functions and their sentences."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_blocks import Origins

from catchment import params
from catchment.brief import exhibits, findings, selection
from catchment.page import FalseClaim, Report

SETTINGS = params.load("dunes")


def report():
    return Report(SETTINGS, Origins(suppress_below=11))


def page(*findings, numbers=(), title="A page", **more):
    return {
        "title": title,
        "findings": list(findings),
        "numbers": list(numbers),
        "kpis": [],
        "takeaways": [],
        "before": None,
        "last_good": None,
        "missing": "",
    } | more


def finding(text="**A.** b", **more):
    return {
        "text": text,
        "exhibit": "fig-1",
        "size": 0.0,
        "certainty": 1.0,
        "change": 1.0,
        "usd": None,
        "cases": None,
        "basis": "",
        "since": "",
        "so": "",
    } | more


def number(name="analytic_cases", value=100.0, unit="patients", period="2025", **more):
    return {"name": name, "value": value, "unit": unit, "period": period} | more


def test_score_is_size_times_certainty_times_change():
    pages = {
        "01": page(
            finding("**Cases.**", cases=50, certainty=0.8, change=0.5),
            finding("**Money.**", usd=1e6, certainty=0.5, change=0.0),
            finding("**Part.**", size=0.3),
        )
    }
    ranked = selection.scored(selection.gathered(pages), usd=10e6, cases=500, half=0.1, standing=0.5).set_index("text")
    # 50 of 500 cases are the part that counts one half; change counts from 0.5 (standing) to 1.
    assert ranked.at["**Cases.**", "score"] == pytest.approx(0.5 * 0.8 * 0.75)
    assert ranked.at["**Money.**", "score"] == pytest.approx(0.5 * 0.5 * 0.5)
    assert ranked.at["**Part.**", "score"] == pytest.approx(0.3 / 0.4)


def test_an_amount_without_its_yardstick_falls_back_on_the_findings_own_size():
    ranked = selection.scored(selection.gathered({"04": page(finding(usd=5.0, size=0.1))}))
    assert ranked.loc[0, "part_share"] == 0.1


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_scores_lie_between_zero_and_one_and_grow_with_each_factor(rows):
    pages = {"01": page(*(finding(cases=cases, certainty=sure, change=change) for cases, sure, change in rows))}
    ranked = selection.scored(selection.gathered(pages), cases=500)
    assert ranked["score"].between(0, 1).all()
    assert ranked["score"].is_monotonic_decreasing
    more = selection.scored(selection.gathered(pages).assign(cases=lambda f: f["cases"] + 10), cases=500)
    assert more["score"].sum() >= ranked["score"].sum()


def test_choice_takes_the_best_and_no_more_than_its_part_of_one_page():
    pages = {
        "01": page(*(finding(f"**F{i}.**", cases=100 + i) for i in range(4))),
        "02": page(*(finding(f"**G{i}.**", cases=10 - i) for i in range(4))),
        "03": page(finding("**Nothing.**")),
    }
    ranked = selection.scored(selection.gathered(pages), cases=500)
    chosen = selection.chosen(ranked, fewest=3, most=7, per_page=2, least=0.9)
    assert list(chosen["text"]) == ["**F3.**", "**F2.**", "**G0.**"], "the fourth lies below the score that it needs"
    assert len(selection.chosen(ranked, fewest=3, most=7, per_page=2, least=0.0)) == 4, "a finding of size 0 is none"
    assert len(selection.chosen(ranked, fewest=1, most=2, per_page=9, least=0.0)) == 2


def test_pages_that_agree_give_one_row_per_number():
    pages = {
        "01": page(numbers=[number(), number("stays_share", 0.1, "share")]),
        "03": page(numbers=[number(), number("visits", None)]),
        "05": page(numbers=[number(value=100.0 + 1e-7)]),
    }
    agreed = selection.reconciled(selection.numbers(pages))
    assert list(agreed["name"]) == ["analytic_cases", "stays_share"]
    assert list(agreed["pages_n"]) == [3, 1]
    assert selection.quantity(agreed, "analytic_cases")["value"] == 100
    assert selection.quantity(agreed, "unheard_of") is None


def test_a_disagreement_names_both_numbers_their_pages_and_the_period():
    pages = {
        "01_market": page(numbers=[number(value=980)], title="Market"),
        "05_scorecard": page(numbers=[number(value=1001)], title="Scorecard", last_good="2026-01-31T08:00:00Z"),
    }
    with pytest.raises(
        selection.Disagreement,
        match=r"analytic cases, 2025: 980 patients in Market \(01_market\) but 1,001 patients in Scorecard, not renewed since 2026-01-31 \(05_scorecard\)",
    ):
        selection.reconciled(selection.numbers(pages))


def test_other_periods_and_units_are_other_numbers():
    pages = {"01": page(numbers=[number(value=1), number(value=2, period="2024"), number(value=3, unit="share")])}
    assert len(selection.reconciled(selection.numbers(pages))) == 3


def test_a_part_is_not_larger_than_its_whole():
    whole = page(numbers=[number(value=90)], title="Scorecard")
    fine = page(numbers=[number("referred_cases", 90, part_of="analytic_cases")], title="Referrals")
    wrong = page(numbers=[number("referred_cases", 91, part_of="analytic_cases")], title="Referrals")
    assert len(selection.reconciled(selection.numbers({"02": fine, "05": whole}))) == 2
    with pytest.raises(
        selection.Disagreement,
        match=r"referred cases, 2025: 91 patients in Referrals \(02\) is more than analytic cases with 90 patients in Scorecard",
    ):
        selection.reconciled(selection.numbers({"02": wrong, "05": whole}))


def test_nothing_recorded_is_no_disagreement():
    assert selection.reconciled(selection.numbers({})).empty
    assert selection.gathered({}).empty
    assert selection.chosen(selection.scored(selection.gathered({}))).empty


def card(name, value="100", **more):
    return {"label": name, "value": value, "change": "", "goal": "Goal 90: met", "status": "good", "recorded": name, "since": ""} | more


def test_cards_move_since_the_last_version_that_said_others():
    before = {"run": "r1", "produced": "2026-01-31T08:00:00Z", "numbers": [number(value=96.0)]}
    pages = {"05": page(numbers=[number()], kpis=[card("analytic_cases"), card("")], before=before)}
    agreed = selection.reconciled(selection.numbers(pages))
    (made,) = findings.cards(agreed, pages)
    assert made.since == "Since the run of 2026-01-31: ▲ 4"
    assert made.goal == "Goal 90: met"
    (new,) = findings.cards(agreed, {"05": pages["05"] | {"before": None}})
    assert new.since == "First published run"
    other = before | {"numbers": [number(period="2024")]}
    (moved_on,) = findings.cards(agreed, {"05": pages["05"] | {"before": other}})
    assert moved_on.since == "The run of 2026-01-31 told of 2024"


def test_a_silent_page_is_named_with_its_reason():
    told = {
        "02": page(title="Referrals", missing="its build failed (cell 3: <b>broken</b>)"), "03": page(finding(), title="Growth", last_good="2026-01-31T08:00:00Z"),
        "04": page(title="Giving", takeaways=["Dunes has no development program."]), "05": page(finding(), title="Scorecard"),
    }  # fmt: skip
    said = findings.silent(told)
    assert said[0] == "**Referrals is left out:** its build failed (cell 3: <b>broken</b>)."
    assert "as of 2026-01-31" in said[1]
    assert said[2].endswith("Dunes has no development program.")
    assert len(said) == 3


def test_findings_are_escaped_and_lead_to_their_exhibit():
    pages = {
        "01_a": page(
            finding(
                "**A <script>grew**, by a lot (95 % interval 1 to 2); more & more.",
                cases=4,
                basis="p <0.01",
                since="2019",
                so="Then <b>.",
                exhibit="cases-by-year",
                figure=8,
            ),
            title="A & B",
        )
    }
    chosen = selection.chosen(selection.scored(selection.gathered(pages), cases=100))
    html = findings.told(chosen, below=11).html
    assert "<script>" not in html
    assert "A &lt;script&gt;grew.</b>" in html
    assert '<a href="01_a.html#cases-by-year">A &amp; B, figure\u00a08</a>' in html
    assert "fewer than 11 cases a year" in html, "a small count is not told, nor its share"
    assert "4.0" not in html
    assert "4 %" not in html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**A**, b.", ("A", "B.")),
        ("**A.** B (95 % interval 1 to 2).", ("A", "B (95 % interval 1 to 2).")),
        ("**A** (80 % interval 1 to 2); c.", ("A", "C.")),
        ("No mark.", ("No mark.", "")),
    ],
)
def test_a_finding_falls_into_conclusion_and_context(text, expected):
    assert findings.parts(text) == expected


def test_scenarios_come_from_the_recorded_numbers():
    recorded = [number("plan_npv: Base", 2e6, "USD", "10 years"), number("plan_npv: Stress", -1e6, "USD", "10 years"), number()]
    agreed = selection.reconciled(selection.numbers({"03": page(numbers=recorded)}))
    worth = exhibits.scenarios(report(), agreed)
    assert dict(zip(worth.shown["scenario"], worth.shown["npv_usd"], strict=True)) == {"Base": 2e6, "Stress": -1e6}
    assert worth.title == "The growth plan earns its cost of capital in 1 of 2 scenarios: base"
    assert exhibits.scenarios(report(), agreed.head(1)).title.endswith("in 1 of 1 scenario")
    assert exhibits.scenarios(report(), agreed.tail(1)).shown.empty, "no number of the plan: the page says so instead"


def test_decisions_join_the_initiatives_that_start_soon():
    decisions = pd.DataFrame(
        {"decision": ["Hire"], "forum": ["Council"], "by": pd.to_datetime(["2026-05-01"]), "amount_usd": [np.nan], "otherwise": ["Delay"]}
    )
    road = pd.DataFrame(
        {
            "title": ["Scan", "Scan", "Late"],
            "owner": ["Lead"] * 3,
            "phase": ["plan", "pilot", "pilot"],
            "start": pd.to_datetime(["2026-01-01", "2026-03-01", "2029-01-01"]),
        }
    )
    asked = selection.asked(decisions, road, {"Scan": 5e5}, as_of=pd.Timestamp("2025-12-31"), months=12)
    assert list(asked["decision"]) == ["Release “Scan” to start", "Hire"]
    shown = exhibits.decisions(report(), asked)
    assert list(shown.shown["amount"]) == ["$500 K", "none"]
    assert shown.title == "2 decisions from March 1, 2026 to May 1, 2026"
    assert exhibits.decisions(report(), asked.tail(1)).title == "One decision by May 1, 2026"
    assert selection.asked(decisions, road.head(0), {}, as_of=pd.Timestamp("2025-12-31"), months=12)["decision"].tolist() == ["Hire"]


def test_shortfalls_of_all_pages_become_gaps():
    pages = {
        "02": page(
            finding("**We lost a referrer.** Then.", cases=50, gap=True, basis="p 0.01", exhibit="fig-9"),
            finding("**Good news.**", cases=50),
            title="Referrals",
        ),
        "04": page(finding("**Nothing.**", gap=True)),
    }
    gaps = selection.shortfalls(selection.scored(selection.gathered(pages), cases=500))
    assert gaps.to_dict("records") == [
        {
            "area": "Referrals",
            "gap": "We lost a referrer",
            "evidence": "p 0.01",
            "gate": False,
            "size": pytest.approx(0.5),
            "key": "02 fig-9",
        }
    ]
    assert selection.program(selection.numbers({"03": page(numbers=[number()])}))["cases"] == 100
    assert np.isnan(list(selection.program(selection.numbers({})).values())).all()


def shares_by_zip(**changes):
    areas = pd.DataFrame({"zip": ["60001", "60002", "60003", "60004"], "area_km2": 1.0})
    origins = pd.DataFrame({"zip": ["60001", "60002", "60003", "60009"], "city": ["Avon", "Avon", "Byron", "Far"],
                            "share": [0.05, 0.08, 0.30, 0.01], "share_low": 0.0, "share_high": [0.08, 0.12, 0.40, 0.02]})  # fmt: skip
    return exhibits.share_map(report(), areas, origins.assign(**changes), overall=0.1, year=2023)


def test_the_map_counts_the_zips_that_it_shows():
    """60009 lies outside of the service area and 60004 is hidden: neither is counted, and the lowest ZIP is one on the map."""
    made = shares_by_zip()
    assert made.title == "1 ZIP of 3 shown gives us measurably less than 10.0 %, 60001 Avon least"
    assert made.shown["zip"].tolist() == ["60003", "60002", "60001", "60004"]
    assert made.shown["share_suppressed"].tolist() == [False, False, False, True]
    assert shares_by_zip(share_high=0.5).title == "0 ZIPs of 3 shown give us measurably less than 10.0 %"
    assert shares_by_zip(share=np.nan).title == "Our share by ZIP is hidden: too few stays in each"


@pytest.mark.parametrize(
    ("said", "lie"), [("1 ZIP", "2 ZIPs"), ("of 3 shown", "of 4 shown"), ("60001 Avon least", "60002 Avon least"), ("10.0 %", "11.0 %")]
)
def test_a_planted_lie_about_the_map_is_refused(said, lie):
    made = shares_by_zip()
    claims = [replace(claim, said=lie.removesuffix(" Avon least")) if claim.said in said else claim for claim in made.claims]
    with pytest.raises(FalseClaim):
        replace(made, title=made.title.replace(said, lie), claims=claims)


def test_the_trend_says_our_place_among_all_systems():
    years = pd.DataFrame({"year": [2019, 2023] * 2, "system": ["We", "We", "They", "They"], "share": [0.15, 0.135, 0.3, 0.31], "cases_n": 90.0,
                          "share_low": 0.1, "share_high": 0.4, "bound_low": 0.1, "bound_high": 0.4})  # fmt: skip
    gained = pd.DataFrame(
        {"system": ["Other", "They", "We"], "share": [0.4, 0.31, 0.135], "gained_points_low": -0.02, "gained_points_high": -0.01}
    )
    made = exhibits.share_trend(report(), years, gained, system="We")
    assert made.title == "Number 3 with 13.5 %; our share fell since 2019"
    with pytest.raises(FalseClaim, match=r"13\.5 %"):
        exhibits.share_trend(report(), years.assign(share=0.2), gained, system="We")


def test_the_heaviest_risk_leads_whatever_its_words_hold():
    log = pd.DataFrame({"item": ["R1", "R2", "R3"], "kind": ["risk", "issue", "assumption"], "title": ["Staff", "Loss of 3 nurses", "None"], "likelihood": [1, 4, 5],
                        "impact": [2, 5, 5], "owner": "O", "response": "R"})  # fmt: skip
    made = exhibits.risks(report(), log, most=1)
    assert made.title == "Heaviest issue: loss of 3 nurses"
    assert made.shown["weight"].tolist() == [20]
    assert exhibits.risks(report(), log.head(0), most=1).shown.empty
