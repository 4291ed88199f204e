"""Takeaways and cards of the scorecard page: what they say follows from the numbers and leads to the exhibit that bears it."""

import pandas as pd
import pytest
from board import BRIDGE, board, chart, lines, milestones, report

from catchment.scorecard import exhibits, findings, readiness


def first_chart(rows):
    kpi, now, usual = rows[["kpi", "now", "usual"]].iloc[0]
    return exhibits.controls(report(suppress_below=None), rows.head(1), {kpi: chart(now, usual)}, n=1)[0].exhibit


def signals(rows):
    return findings.signals(rows, first_chart(rows))


def test_a_concern_leads_and_common_cause_is_a_finding_too():
    both = pd.concat(
        [board(), board(kpi="margin_share", title="Margin", variation_icon="◆ L"), board(title="Wait", variation="improvement")]
    )
    found = signals(both)
    assert found.text.startswith("**No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse.**")
    assert "Also for the worse: margin." in found.text
    assert "one indicator improved (wait)" in found.text
    assert found.exhibit == "control-no-show-share"
    assert signals(board(variation="common")).text.startswith("**No indicator of 1 worsened beyond chance.**")


@pytest.mark.parametrize(
    ("statuses", "sentence", "card"),
    [
        (
            ["Met", "Not met", "At risk"],
            "**The accreditation gate is blocked by 5.3 (report)**; 1 of 3 standards are met",
            "Gate: blocked by 5.3",
        ),
        (["Met", "Unknown", "At risk"], "**Readiness cannot be said: 5.3 (report) has no evidence**", "Gate: unknown, 5.3"),
        (["Met", "At risk", "Met"], "**No standard fails, but 5.3 (report) is at risk**", "Gate: at risk, 5.3"),
        (["Met", "Met", "Not applicable"], "**All 2 applicable standards are met**", "Gate: ready"),
    ],
)
def test_gate_in_words(statuses, sentence, card):
    assessed = pd.DataFrame(
        {"standard": ["1.1", "5.3", "9.1"], "title": ["Letter", "Report", "Accrual"], "status": statuses, "chapter": "C"}
    )
    gate = readiness.gate(assessed)
    finding = findings.gate(gate, assessed, exhibits.chapters(report(), assessed), visit=pd.Timestamp("2026-06-15"))
    assert finding.text.startswith(sentence)
    assert finding.text.endswith("The site visit is on June 15, 2026.")
    assert finding.exhibit == "standards-by-chapter"
    assert findings.gate_words(gate) == card


def test_margin_sentence_names_the_largest_part():
    found = findings.money(lines(), exhibits.bridge(report(), BRIDGE, elapsed="2026"))
    assert (
        found.text
        == "**Margin is $160 K below budget for the fiscal year to date, mostly by volume** (−$100 K); 1 line differs materially."
    )
    assert (found.usd, found.size, found.exhibit) == (160_000, 0.16, "margin-against-budget")


def test_a_concern_says_since_when_and_counts_by_the_share_it_is_about():
    found = signals(board(began=pd.Timestamp("2025-03-01")))
    assert found.text.startswith(
        "**No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse.** It has been so since Mar 2025."
    )
    assert found.so == "That misses the target of 7.0\u00a0%."
    assert found.size == pytest.approx(0.039)  # of all visits, not the 65 % by which it rose
    assert signals(board(now=0.065)).so == "That still meets the target of 7.0\u00a0%."
    days = signals(board(kpi="wait_days", now=30.0, usual=20.0, target=float("nan")))
    assert (days.size, days.so) == (pytest.approx(0.5), "")


def test_the_concern_that_moved_furthest_leads_in_the_takeaway_and_the_first_figure():
    cases = board(kpi="infusions_n", title="Cases", now=52, usual=54, better="higher", variation_icon="◆ L")
    rows = pd.concat([cases, board()], ignore_index=True)
    charts = {"infusions_n": chart(52, 54), "no_show_share": chart()}
    first = exhibits.controls(report(suppress_below=None), rows, charts)[0]
    assert first.kpi == "no_show_share"
    found = findings.signals(rows, first.exhibit)
    assert found.text.startswith("**No-shows rose beyond chance")
    assert "Also for the worse: cases." in found.text


def test_margin_counts_by_what_it_lost_and_a_plan_by_its_mean_delay():
    lost = signals(board(kpi="margin_share", now=0.18, usual=0.24, better="higher", variation_icon="◆ L"))
    assert lost.size == pytest.approx(0.25)
    plan = milestones().assign(standing=["slipping", "on time", "done"], slip_days=[73, -10, 900])
    assert findings.slips(plan, exhibits.roadmap(report(), plan)).size == pytest.approx(0.1)


def test_milestones_late_and_on_time():
    table = milestones()
    found = findings.slips(table, exhibits.roadmap(report(), table))
    assert found.text == "**1 of 2 open milestones is late**; chairs slipped most, by 62 days at “pilot”."
    assert found.exhibit == "roadmap"
    punctual = table[table["standing"] != "slipping"]
    assert findings.slips(punctual, exhibits.roadmap(report(), punctual)).text == "**No open milestone of 1 is late.**"
    assert findings.late(table) == (1, 2)


def test_months_that_are_left_out_are_told_with_their_reason():
    gone = pd.DataFrame(
        {
            "title": ["No-shows", "Denials"],
            "first": pd.to_datetime(["2024-03-01"] * 2),
            "last": pd.to_datetime(["2024-03-01", "2024-05-01"]),
            "months_n": [1, 2],
        }
    )
    one, more = findings.left_out(gone)
    assert one.startswith("**No-shows: 1 month without a value** (Mar 2024): the denominator is empty or 0")
    assert "2 months without a value** (from Mar 2024 to May 2024)" in more
