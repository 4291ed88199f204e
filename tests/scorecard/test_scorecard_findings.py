"""Sentences, exhibits and tables of the scorecard page: what they claim follows from the numbers, in the right unit, with nothing small in them."""

import numpy as np
import pandas as pd
import pytest

from catchment import params
from catchment.page import plots, theme
from catchment.scorecard import exhibits as said
from catchment.scorecard import findings, readiness
from catchment.scorecard import tables as readable
from catchment.stats.survival import LogRank

SETTINGS = params.load("dunes")


def board(**changes) -> pd.DataFrame:
    row = {
        "chart": "p", "numerator": "visits not kept", "denominator": "visits booked", "source": "kpi_months", "owner": "a role", "better": "lower", "began": pd.Timestamp("2025-12-01"),
        "kpi": "no_show_share", "title": "No-shows", "period": pd.Timestamp("2025-12-01"), "length": "month", "now": 0.099, "usual": 0.06, "target": 0.07, "points_n": 60,
        "variation": "concern", "variation_icon": "◆ H", "variation_words": "x", "assurance": "either", "assurance_icon": "?", "assurance_words": "y",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_values_carry_the_unit_of_their_name():
    assert readable.value("no_show_share", 0.0864) == "8.6\u00a0%"
    assert readable.value("third_next_days", 9.9) == "9.9\u00a0days"
    assert readable.value("chair_wait_min", 21.24) == "21.2\u00a0min"
    assert readable.value("analytic_cases_n", 230.33) == "230"
    assert readable.value("accrual_share", np.nan) == "[c]"


def test_a_concern_leads_and_common_cause_is_a_finding_too():
    both = pd.concat(
        [board(), board(kpi="margin_share", title="Margin", variation_icon="◆ L"), board(title="Wait", variation="improvement")]
    )
    text = findings.signals(both).text
    assert text.startswith("**No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse.**")
    assert "Also for the worse: margin." in text
    assert "one indicator improved (wait)" in text
    assert findings.signals(board(variation="common")).text.startswith("**No indicator of 1 worsened beyond chance.**")


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse"),
        (
            {"variation": "improvement", "variation_icon": "◇ L", "now": 0.045},
            "No-shows fell beyond chance to 4.5\u00a0% from 6.0\u00a0%, an improvement",
        ),
        ({"variation": "common", "assurance": "fail"}, "No-shows will miss the target of 7.0\u00a0%"),
        ({"variation": "common"}, "No-shows did not change measurably: 9.9\u00a0%, mean 6.0\u00a0%"),
    ],
)
def test_title_of_a_control_chart(changes, title):
    told = said.control(board(**changes).iloc[0], SETTINGS)
    assert told["title"] == title
    assert told["subtitle"] == f"Visits not kept over visits booked, by month, {SETTINGS.name}; p chart"


def test_charts_are_chosen_by_rule_and_only_where_there_are_points():
    rows = pd.concat(
        [
            board(kpi="a", variation="common", assurance="pass"),
            board(kpi="b", variation="improvement"),
            board(kpi="c", variation="common", assurance="fail"),
            board(kpi="d"),
            board(kpi="e", points_n=5),
        ]
    )
    chart = pd.DataFrame({"period": [1], "value": [0.1], "center": [0.1], "lcl": [0.0], "ucl": [0.2], "signal": [""], "side": [-1]})
    found = readable.notable(rows, dict.fromkeys("abcde", chart), 4)
    assert [each.kpi for each in found] == ["d", "c", "b", "a"]
    assert found[1].points.columns.tolist() == ["period", "c", "mean_c", "c_low", "c_high", "signal", "good"]
    assert found[1].points["good"].tolist() == [True], "below the mean, where lower is better"
    assert "good" not in found[1].table
    assert found[1].table["signal"].tolist() == ["none"]


def test_readable_table_has_no_empty_cell_and_no_hidden_number():
    hidden = board(
        kpi="accrual_share",
        now=np.nan,
        usual=np.nan,
        period=pd.NaT,
        length="",
        variation="hidden",
        variation_icon="[c]",
        assurance="hidden",
        assurance_icon="[c]",
        points_n=0,
    )
    table = readable.board(pd.concat([board(target=np.nan), hidden]))
    assert (table.map(str.strip) != "").all(axis=None)
    assert table.iloc[1][["newest", "now", "mean", "variation", "assurance"]].tolist() == ["[c]"] * 5
    assert table["target"].iloc[0] == "none"


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
    assessed = pd.DataFrame({"standard": ["1.1", "5.3", "9.1"], "title": ["Letter", "Report", "Accrual"], "status": statuses})
    gate = readiness.gate(assessed)
    finding = findings.gate(gate, assessed, visit=pd.Timestamp("2026-06-15"))
    assert finding.text.startswith(sentence)
    assert finding.text.endswith("The site visit is on June 15, 2026.")
    assert findings.gate_words(gate) == card


def lines() -> pd.DataFrame:
    return pd.DataFrame({
        "line": ["Visits", "Drugs"], "kind": ["revenue", "cost"], "original_usd": [2e6, 1e6], "flexed_usd": [1.8e6, 9e5], "actual_usd": [1.8e6, 9.6e5],
        "volume_usd": [-2e5, -1e5], "quantity_usd": [0.0, 0.0], "price_usd": [0.0, 6e4], "total_usd": [-2e5, -4e4], "total_share": [-0.1, -0.04],
        "volume_favor": ["U", "F"], "quantity_favor": ["", ""], "price_favor": ["", "U"], "total_favor": ["U", "F"], "material": [True, False],
    })  # fmt: skip


def test_variances_write_f_and_u():
    table = readable.variances(lines()).set_index("line")
    plain = table.map(lambda text: text.replace("\u00a0", " ").replace("\u2060", ""))
    assert plain.loc["Visits"].tolist() == ["$2.0 M", "$1.8 M", "$1.8 M", "−$200 K U", "none", "none", "−$200 K U"]
    assert plain.loc["Drugs (cost)", ["volume", "price", "total"]].tolist() == ["−$100 K F", "+$60 K U", "−$40 K F"]


@pytest.mark.parametrize(
    ("amount", "beside", "said"),
    [
        (-331.0, [-164_000.0, np.nan], "−$0.3 K"),
        (9_950.0, [164_000.0], "+$10 K"),
        (9_949.0, [9_949.0], "+$9,949"),
        (-331.0, [-8_000.0], "−$331"),
        (20.0, [164_000.0], "+$20"),
        (-2.5e6, [-331.0], "−$2.5 M"),
    ],
)
def test_small_differences_are_written_in_the_unit_of_those_beside_them(amount, beside, said):
    assert readable.signed(amount, beside) == said


def test_a_material_line_without_comment_leaves_the_slot_open():
    open_ = readable.explained(lines(), pd.DataFrame({"line": [], "author": [], "comment": []}, dtype="str"))
    assert open_[["line", "mostly_by", "comment", "author"]].iloc[0].tolist() == [
        "Visits",
        "volume",
        "comment required from the owner of the line",
        "open",
    ]
    filled = readable.explained(lines(), pd.DataFrame({"line": ["Visits"], "author": ["a role"], "comment": ["why"]}))
    assert filled[["comment", "author"]].iloc[0].tolist() == ["why", "a role"]


def test_margin_sentence_names_the_largest_part():
    bridge = pd.DataFrame({"step": ["Budgeted margin", "Volume", "Quantity", "Price"], "margin_usd": [1e6, -1e5, 0.0, -6e4]})
    assert (
        findings.money(bridge, lines()).text
        == "**Margin is $160 K below budget for the fiscal year to date, mostly by volume** (−$100 K); 1 line differs materially."
    )
    assert said.bridge(bridge, "2026", SETTINGS)["title"] == "Margin stands $160 K below budget, mostly by volume"


def test_outlook_of_cost_above_budget_is_unfavorable():
    year = pd.DataFrame(
        {"fiscal_year": 2026, "line": "Drugs", "kind": "cost", "budget_volume": 100.0, "budget_quantity": 1.0, "budget_price_usd": 10.0},
        index=range(12),
    )
    ahead = pd.DataFrame(
        {"line": ["Drugs"], "months_n": [6], "to_date_usd": [6_600.0], "run_rate_usd": [13_200.0], "seasonal_usd": [13_000.0]}
    )
    row = readable.outlook(year, ahead, 2026).iloc[0]
    assert row["line"] == "Drugs (cost)"
    assert row["seasonal_less_budget"].replace("\u00a0", " ") == "+$1,000 U"


def test_the_outlook_ends_with_the_margin_of_all_lines():
    month = {"budget_quantity": 1.0, "budget_price_usd": 10.0, "fiscal_year": 2026}
    year = pd.DataFrame(
        [
            month | {"line": "Visits", "kind": "revenue", "budget_volume": 300.0},
            month | {"line": "Drugs", "kind": "cost", "budget_volume": 100.0},
        ]
    )
    ahead = pd.DataFrame(
        {"line": ["Visits", "Drugs"], "to_date_usd": [1400.0, 600.0], "run_rate_usd": [2800.0, 1200.0], "seasonal_usd": [2900.0, 1300.0]}
    )
    last = readable.outlook(year, ahead, 2026).iloc[-1].str.replace("\u00a0", " ").str.replace("\u2060", "")
    assert last.tolist() == ["Margin of all lines", "$2,000", "$800", "$1,600", "$1,600", "\u2212$400 U"]
    # A line that is new this year has no season, and then neither has the margin.
    new = readable.outlook(year, ahead.assign(seasonal_usd=[2900.0, np.nan]), 2026)
    assert new["seasonal_less_budget"].tolist()[1:] == ["[x]", "[x]"]


@pytest.mark.parametrize(
    ("now", "icon", "said_so"),
    [
        (0.05, "◆ H", "No-shows rose in a run beyond chance, to 5.0\u00a0% with a mean of 6.0\u00a0%"),
        (0.07, "◇ L", "No-shows fell in a run beyond chance, to 7.0\u00a0% with a mean of 6.0\u00a0%"),
        (0.07, "◆ H", "No-shows rose beyond chance to 7.0\u00a0% from 6.0\u00a0%"),
        (0.0602, "◆ H", "No-shows rose beyond chance to 6.02\u00a0% from 6.00\u00a0%"),
    ],
)
def test_a_run_that_has_not_passed_the_mean_is_not_told_as_a_rise_above_it(now, icon, said_so):
    assert findings.moved(board(now=now, variation_icon=icon).iloc[0]) == said_so


def test_a_program_with_few_charts_is_told_so():
    first, second = readable.notable(board(points_n=3), {}, 2)
    assert second.points.empty
    drawn = plots.control(second.points, "period", second.kpi, signal="signal", target=second.row["target"])
    assert (drawn.fig, drawn.missing) == (None, "there is no such record")
    assert said.control(first.row, SETTINGS)["title"] == "No further indicator has the 12 points that a chart needs"


def test_the_title_of_reach_names_a_row_that_is_drawn():
    rows = pd.DataFrame(
        {
            "service": "Genetics",
            "site": [f"Site {i}" for i in range(14)],
            "reached_share": [*[0.1] * 13, 0.4],
            "peer_median_share": 0.6,
            "share_low": 0.0,
            "share_high": [*[0.9] * 13, 0.5],
            "gap_points": [*[0.5] * 13, 0.2],
            "standing": [*["level with peers"] * 13, "below peers"],
            "reached_share_suppressed": False,
        }
    )
    few = readable.shortfalls(rows, most=12)
    assert said.reach(few, SETTINGS)["title"] == "Genetics reaches 40.0 % in site 13, peers 60.0 %"
    assert len(few) == 12
    assert said.reach(few.iloc[1:], SETTINGS)["title"] == "No service reaches measurably fewer patients than peers"


def test_a_concern_says_since_when_and_counts_by_the_share_it_is_about():
    found = findings.signals(board(began=pd.Timestamp("2025-03-01")))
    assert found.text.startswith(
        "**No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse.** It has been so since Mar 2025."
    )
    assert found.so == "That misses the target of 7.0\u00a0%."
    assert found.size == pytest.approx(0.039)  # of all visits, not the 65 % by which it rose
    assert findings.signals(board(now=0.065)).so == "That still meets the target of 7.0\u00a0%."
    days = findings.signals(board(kpi="wait_days", now=30.0, usual=20.0, target=np.nan))
    assert (days.size, days.so) == (pytest.approx(0.5), "")


def test_the_concern_that_moved_furthest_leads_in_the_takeaway_and_the_first_figure():
    rows = pd.concat([board(kpi="a_n", title="Cases", now=52, usual=54, better="higher", variation_icon="◆ L"), board()], ignore_index=True)
    chart = pd.DataFrame({"period": [1], "value": [0.1], "center": [0.1], "lcl": [0.0], "ucl": [0.2], "signal": [""], "side": [0]})
    assert findings.signals(rows).text.startswith("**No-shows rose beyond chance")
    assert "Also for the worse: cases." in findings.signals(rows).text
    assert readable.notable(rows, dict.fromkeys(rows["kpi"], chart))[0].kpi == "no_show_share"


def test_margin_counts_by_what_it_lost_and_a_plan_by_its_mean_delay():
    lost = findings.signals(board(kpi="margin_share", now=0.18, usual=0.24, better="higher", variation_icon="◆ L"))
    assert lost.size == pytest.approx(0.25)
    plan = pd.DataFrame({"initiative": "A", "milestone": "M", "standing": ["slipping", "on time", "done"], "slip_days": [73, -10, 900]})
    assert findings.slips(plan).size == pytest.approx(0.1)


def test_special_causes_for_the_better_are_open_diamonds():
    months = pd.date_range("2025-01-01", periods=3, freq="MS")
    frame = pd.DataFrame({"period": months, "x_share": [0.1, 0.5, 0.9], "mean_x_share": 0.5, "x_share_low": 0.2, "x_share_high": 0.8,
                          "signal": ["below", "", "above"], "good": [True, False, False]})  # fmt: skip
    marks = [
        line for line in plots.control(frame, "period", "x_share", signal="signal").fig.axes[0].lines if line.get_marker() in ("D", "o")
    ]
    assert [mark.get_marker() for mark in marks] == ["D", "o", "D"]
    assert [mark.get_markerfacecolor() for mark in marks] == [theme.PAPER, theme.ACCENT, theme.WARN]


@pytest.mark.parametrize(("pvalue", "says"), [(0.2, "not measurably different from"), (0.01, "faster than in")])
def test_a_wait_is_faster_only_where_the_curves_differ(pvalue, says):
    this, last = pd.Series({"median_days": 30.0}), pd.Series({"median_days": 33.0})
    told = said.waiting(this, last, LogRank(1.0, 1, pvalue), SETTINGS, smallest=11)
    assert told["title"].startswith(f"Half are treated within 30 days, {says}")


def test_milestones_late_and_on_time():
    table = pd.DataFrame(
        {
            "initiative": ["Chairs", "Chairs", "Clinic"],
            "milestone": ["Plan", "Pilot", "Case"],
            "standing": ["done", "slipping", "on time"],
            "slip_days": [0, 62, 3],
        }
    )
    assert findings.slips(table).text == "**1 of 2 open milestones is late**; chairs slipped most, by 62 days at “pilot”."
    assert said.roadmap(table, SETTINGS)["title"] == "1 of 2 open milestones is late"
    assert findings.slips(table[table["standing"] != "slipping"]).text == "**No open milestone of 1 is late.**"
    assert findings.late(table) == (1, 2)


def test_findings_of_other_reports_by_weight():
    told = {
        "a": {"title": "Market", "findings": [{"text": "**Share** fell.", "size": 0.5, "certainty": 0.5}]},
        "b": {"title": "Growth", "findings": [{"text": "NPV up.", "size": 0.9, "certainty": 0.9}]},
    }
    assert readable.elsewhere(told)["report"].tolist() == ["Growth", "Market"]
    assert readable.elsewhere(told)["finding"].iloc[1] == "Share fell."
    assert readable.elsewhere({})["finding"].iloc[0].startswith("The other reports were not built")
