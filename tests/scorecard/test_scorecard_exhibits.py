"""Exhibits of the scorecard page: their words follow from the rows they show, in the right unit, with nothing small in them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from board import BRIDGE, SETTINGS, board, chart, lines, milestones, report

from catchment.page import FalseClaim, plots, theme
from catchment.scorecard import exhibits, readiness, written
from catchment.scorecard.exhibits.indicators import moved
from catchment.stats.survival import LogRank


def plain(texts):
    return texts.map(lambda text: text.replace("\u00a0", " ").replace("\u2060", ""))


def test_values_carry_the_unit_of_their_name():
    assert written.value("no_show_share", 0.0864) == "8.6\u00a0%"
    assert written.value("third_next_days", 9.9) == "9.9\u00a0days"
    assert written.value("chair_wait_min", 21.24) == "21.2\u00a0min"
    assert written.value("analytic_cases_n", 230.33) == "230"
    assert written.value("accrual_share", np.nan) == "[x]"
    assert written.value("accrual_share", np.nan, missing="[c]") == "[c]"
    assert written.period(pd.Timestamp("2025-12-01"), "10 months") == "10 months to Dec 2025"


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
    assert written.signed(amount, beside) == said


def controls(rows, found, n=1):
    return exhibits.controls(report(suppress_below=None), rows, dict.fromkeys(rows["kpi"], found), n=n)


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
        (
            {"title": "Complaints per 1,000 visits"},
            "Complaints per 1,000 visits rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse",
        ),
    ],
)
def test_title_of_a_control_chart(changes, title):
    rows = board(**changes)
    (made,) = controls(rows, chart(value=rows["now"].iloc[0]))
    assert made.exhibit.title == title
    assert made.exhibit.subtitle == f"Visits not kept over visits booked, by month, {SETTINGS.name}; p chart"
    assert made.exhibit.key == "control-no-show-share"


def test_a_streak_of_misses_is_said_and_counted_again():
    rows = board(variation="common", assurance="fail", streak=-2, points_n=60, now=0.099)
    missed = pd.concat([chart(0.08)] * 30, ignore_index=True).assign(
        value=[0.05] * 58 + [0.08, 0.099], period=pd.date_range("2021-01-01", periods=60, freq="MS")
    )
    (made,) = controls(rows, missed)
    assert made.exhibit.title == "No-shows has missed the target of 7.0\u00a0% in each of the last 2 months"
    with pytest.raises(FalseClaim, match="2 months"):
        controls(rows, missed.assign(value=0.05))


def test_limits_that_follow_a_shift_leave_the_title_its_former_mean():
    level = pd.concat([chart()] * 2, ignore_index=True).assign(
        period=pd.date_range("2025-09-01", periods=4, freq="MS"), value=[0.06, 0.06, 0.1, 0.099], center=[0.06, 0.06, 0.0995, 0.0995], segment=[0, 0, 1, 1], side=0, signal=""
    )  # fmt: skip
    (made,) = controls(board(usual_period=pd.Timestamp("2025-10-01")), level)
    assert made.exhibit.title == "No-shows rose beyond chance to 9.9\u00a0% from 6.0\u00a0%, for the worse"
    assert made.exhibit.note.endswith("Limits anew from Nov 2025.")
    with pytest.raises(FalseClaim):
        controls(board(), level)


def test_a_title_that_the_chart_does_not_bear_is_refused():
    with pytest.raises(FalseClaim, match="control-no-show-share"):
        controls(board(), chart(value=0.089))
    with pytest.raises(FalseClaim, match="control-no-show-share"):
        controls(board(), chart(center=0.05))


def test_charts_are_chosen_by_rule_and_only_where_there_are_points():
    rows = pd.concat(
        [
            board(kpi="a_share", variation="common", assurance="pass"),
            board(kpi="b_share", variation="improvement"),
            board(kpi="c_share", variation="common", assurance="fail"),
            board(kpi="d_share"),
            board(kpi="e_share", points_n=5),
        ]
    )
    found = controls(rows, chart(side=-1), n=4)
    assert [each.kpi for each in found] == ["d_share", "c_share", "b_share", "a_share"]
    assert found[1].points.columns.tolist() == ["period", "c_share", "mean_c_share", "c_share_low", "c_share_high", "signal", "good"]
    assert found[1].points["good"].tolist() == [False, True], "below the mean, where lower is better"
    assert found[1].points["signal"].tolist() == ["", "above the upper limit"]
    assert "good" not in found[1].exhibit.shown
    assert found[1].exhibit.shown["signal"].tolist() == ["none", "above the upper limit"]


def test_a_small_mean_of_patients_is_drawn_as_little_as_it_is_tabulated():
    found = chart(value=30.0, center=8.0).assign(value=[12.0, 30.0])
    rows = board(kpi="analytic_cases_n", now=30.0, usual=8.0, variation="common", assurance="fail", target=40.0)
    (made,) = exhibits.controls(report(suppress_below=11), rows, {"analytic_cases_n": found}, n=1)
    assert made.points["mean_analytic_cases_n"].isna().all()
    pd.testing.assert_series_equal(made.points["mean_analytic_cases_n"], made.exhibit.shown["mean_analytic_cases_n"])


def test_a_program_with_few_charts_is_told_so():
    first, second = controls(board(points_n=3), chart(), n=2)
    assert second.points.empty
    drawn = plots.control(second.points, "period", second.kpi, signal="signal", target=second.target)
    assert (drawn.fig, drawn.missing) == (None, "there is no such record")
    assert first.exhibit.title == "No further indicator has the 12 points that a chart needs"
    assert first.exhibit.key != second.exhibit.key


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
    assert moved(board(now=now, variation_icon=icon).iloc[0]) == said_so


def test_special_causes_for_the_better_are_open_diamonds():
    months = pd.date_range("2025-01-01", periods=3, freq="MS")
    frame = pd.DataFrame({"period": months, "x_share": [0.1, 0.5, 0.9], "mean_x_share": 0.5, "x_share_low": 0.2, "x_share_high": 0.8,
                          "signal": ["below", "", "above"], "good": [True, False, False]})  # fmt: skip
    marks = [
        line for line in plots.control(frame, "period", "x_share", signal="signal").fig.axes[0].lines if line.get_marker() in ("D", "o")
    ]
    assert [mark.get_marker() for mark in marks] == ["D", "o", "D"]
    assert [mark.get_markerfacecolor() for mark in marks] == [theme.PAPER, theme.ACCENT, theme.WARN]


def test_the_table_has_no_empty_cell_and_no_hidden_number():
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
    table = exhibits.board(report(), pd.concat([board(target=np.nan), hidden])).shown
    shifted = exhibits.board(report(), board(since_shift="2 of 7")).shown
    assert shifted["assurance"].tolist() == ["?\u00a0met\u00a02\u00a0of\u00a07"]
    missed = exhibits.board(report(), board(assurance="fail", assurance_icon="F", streak=-10)).shown
    assert missed["assurance"].tolist() == ["F\u00a0missed\u00a010\u00a0in\u00a0a\u00a0row"]
    assert (table.map(str.strip) != "").all(axis=None)
    assert table.iloc[1][["newest", "now", "mean", "variation", "assurance"]].tolist() == ["[c]"] * 5
    assert table["target"].iloc[0] == "none"


def test_a_young_indicator_shows_the_mean_of_its_months_and_one_without_value_says_so():
    young = board(
        kpi="chair_wait_min",
        now=22.1,
        usual=22.1,
        length="10 months",
        variation="unknown",
        variation_icon="·",
        assurance="unknown",
        assurance_icon="·",
    )
    none = young.assign(now=np.nan, usual=np.nan, period=pd.NaT, length="", target=np.nan)
    table = plain(exhibits.board(report(), pd.concat([young.assign(target=25.0), none])).shown.T).T
    assert table.iloc[0].tolist() == ["No-shows", "10 months to Dec 2025", "22.1 min", "22.1 min", "25 min", "· few points", "· not judged"]
    assert table.iloc[1, 1:].tolist() == ["[x]", "[x]", "[x]", "none", "· no value", "· not judged"]


@pytest.mark.parametrize(("score", "title"), [(71.2, "Composite score 71 of 100, with 88 % of its weights measured; access lowers it most"),
                                              (np.nan, "No composite score: no indicator with a target was measured")])  # fmt: skip
def test_the_composite_says_how_much_of_it_was_measured(score, title):
    domains = pd.DataFrame({"domain": ["Access", "Quality"], "score": [50.0, 90.0], "measured_n": [1, 2], "indicators_n": [2, 2]})
    whole = pd.Series({"score": score, "coverage_share": 0.88, "score_low": 50.0, "score_high": 90.0, "weakest": "Access"})
    rules = SETTINGS.scorecard.model_copy(update={"domain_weights": {"Access": 1.0, "Quality": 3.0}})
    made = exhibits.composite(report(), domains, whole, rules)
    assert made.title == title
    assert made.shown["measured"].tolist() == ["1 of 2 indicators", "2 of 2 indicators"]
    assert made.shown["weight_share"].tolist() == [0.25, 0.75]


def test_variances_write_f_and_u():
    table = plain(exhibits.variances(report(), lines(), SETTINGS.scorecard, elapsed="2026").shown.set_index("line"))
    assert table.loc["Visits"].tolist() == ["$2.0 M", "$1.8 M", "$1.8 M", "−$200 K U", "none", "none", "−$200 K U"]
    assert table.loc["Drugs (cost)", ["volume", "price", "total"]].tolist() == ["−$100 K F", "+$60 K U", "−$40 K F"]


def test_a_material_line_without_comment_leaves_the_slot_open():
    nothing = pd.DataFrame({"line": [], "author": [], "comment": []}, dtype="str")
    open_ = exhibits.explained(report(), lines(), nothing).shown
    assert open_[["line", "mostly_by", "comment", "author"]].iloc[0].tolist() == [
        "Visits",
        "volume",
        "comment required from the owner of the line",
        "open",
    ]
    filled = exhibits.explained(report(), lines(), pd.DataFrame({"line": ["Visits"], "author": ["a role"], "comment": ["why"]})).shown
    assert filled[["comment", "author"]].iloc[0].tolist() == ["why", "a role"]


def test_the_bridge_says_its_difference_and_the_largest_part():
    made = exhibits.bridge(report(), BRIDGE, elapsed="2026")
    assert made.title == "Margin stands $160 K below budget, mostly by volume"
    above = exhibits.bridge(report(), BRIDGE.assign(margin_usd=[1e6, 2e4, 0.0, 9e4]), elapsed="2026")
    assert above.title == "Margin stands $110 K above budget, mostly by price"
    with pytest.raises(FalseClaim, match=r"\$161 K"):
        replace(made, title="Margin stands $161 K below budget", claims=[replace(made.claims[0], said="$161 K")])


def months_of(**rows) -> pd.DataFrame:
    month = {"budget_quantity": 1.0, "budget_price_usd": 10.0, "fiscal_year": 2026}
    return pd.DataFrame([month | {"line": line, "kind": kind, "budget_volume": volume} for line, (kind, volume) in rows.items()])


def outlook(year, **columns):
    return outlook_exhibit(year, **columns).shown


def outlook_exhibit(year, **columns):
    return exhibits.outlook(report(), year, pd.DataFrame(columns), fiscal_year=2026)


def test_outlook_of_cost_above_budget_is_unfavorable():
    row = outlook(
        months_of(Drugs=("cost", 1200.0)),
        line=["Drugs"],
        last_year_n=[12],
        to_date_usd=[6_600.0],
        run_rate_usd=[13_200.0],
        seasonal_usd=[13_000.0],
    ).iloc[0]
    assert row["line"] == "Drugs (cost)"
    assert row["seasonal_less_budget"].replace("\u00a0", " ") == "+$1,000 U"


def test_the_outlook_ends_with_the_margin_of_all_lines():
    year = months_of(Visits=("revenue", 300.0), Drugs=("cost", 100.0))
    ahead = {
        "line": ["Visits", "Drugs"],
        "last_year_n": [12, 12],
        "to_date_usd": [1400.0, 600.0],
        "run_rate_usd": [2800.0, 1200.0],
        "seasonal_usd": [2900.0, 1300.0],
    }
    last = plain(outlook(year, **ahead).iloc[-1])
    assert last.tolist() == ["Margin of all lines", "$2,000", "$800", "$1,600", "$1,600", "\u2212$400 U"]
    # A line that is new this year has no season, and then neither has the margin.
    new = outlook_exhibit(year, **ahead | {"seasonal_usd": [2900.0, np.nan], "last_year_n": [12, 6]})
    assert new.shown["seasonal_less_budget"].tolist()[1:] == ["[x]", "[x]"]
    assert new.note.endswith("Without a whole fiscal year 2025 there is no seasonal forecast: Drugs (6 months).")


def assessed(*statuses) -> pd.DataFrame:
    return pd.DataFrame({"standard": ["1.1", "5.3", "9.1"], "title": ["Letter", "Report", "Accrual"], "status": statuses,
                         "chapter": ["Leadership", "Operations", "Research"]})  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "title"),
    [
        (["Met", "Not met", "At risk"], "1 of 3 standards met; standard 5.3 blocks the gate"),
        (["Met", "Unknown", "Unknown"], "1 of 3 standards met; standards 5.3 and 9.1 not evidenced"),
        (["Met", "At risk", "Not applicable"], "1 of 2 standards met; standard 5.3 at risk"),
        (["Met", "Met", "Not applicable"], "2 of 2 standards met; the gate is open"),
    ],
)
def test_standards_by_chapter_say_what_decides_the_gate(statuses, title):
    made = exhibits.chapters(report(), assessed(*statuses))
    assert made.title == title
    asked = next(claim.said for claim in made.claims if claim.said.endswith(" standards"))
    more = asked.replace(asked[0], str(int(asked[0]) + 1))
    with pytest.raises(FalseClaim, match=more):
        replace(
            made,
            title=made.title.replace(asked, more),
            claims=[replace(claim, said=claim.said.replace(asked, more)) for claim in made.claims],
        )


def test_open_standards_stand_first_and_hidden_shares_stay_hidden():
    full = assessed("Met", "Not met", "At risk").assign(
        threshold_text="most", confidence="low", measured_share=[np.nan, 0.7, 0.03], evidence="audit", contradicted=[False, True, False], owner="A", due="2026-01-01"
    )  # fmt: skip
    made = exhibits.standards(report(), full, hide=["9.1"])
    assert made.shown["standard"].tolist() == ["5.3 Report", "9.1 Accrual", "1.1 Letter"]
    assert made.shown["measured"].tolist() == ["70 %", "[c]", "none"]
    assert made.shown["evidence"].iloc[0] == "audit (reported as met)"
    assert made.emphasize.tolist() == [True, False, False]
    due = exhibits.deadlines(
        report(), readiness.calendar(full, as_of=pd.Timestamp("2025-12-31"), visit=pd.Timestamp("2026-06-15")), SETTINGS.scorecard
    )
    assert due.title.endswith(f"{SETTINGS.scorecard.site_visit}")
    assert due.shown["days_left"].tolist() == ["1", "1"]


def reach_rows() -> pd.DataFrame:
    return pd.DataFrame({
        "service": "Genetics", "site": [f"Site {i}" for i in range(14)], "reached_share": [*[0.1] * 13, 0.4], "peer_median_share": 0.6,
        "share_low": 0.0, "share_high": [*[0.9] * 13, 0.5], "gap_points": [*[0.5] * 13, 0.2], "more_n": 0.0,
        "standing": [*["level with peers"] * 13, "below peers"], "eligible_patients_n": 200, "reached_patients_n": [*[20] * 13, 80],
    }).assign(**{f"{name}_suppressed": False for name in ("reached_share", "eligible_patients_n", "reached_patients_n")})  # fmt: skip


def test_the_title_of_reach_names_a_row_that_is_drawn():
    made = exhibits.reach(report(), reach_rows())
    assert made.title == "Genetics reaches 40.0 % in site 13, peers 60.0 %"
    assert len(made.shown) == 12
    assert exhibits.reach(report(), reach_rows().iloc[:13]).title == "No service reaches measurably fewer patients than peers"
    table = exhibits.reach_by_site(report(), reach_rows())
    assert table.shown["site"].iloc[0] == "Site 13"
    assert "Rows with 1 to 10 patients" in table.note


@pytest.mark.parametrize(("pvalue", "says"), [(0.2, "not measurably different from"), (0.01, "faster than in")])
def test_a_wait_is_faster_only_where_the_curves_differ(pvalue, says):
    curve = pd.DataFrame({"year": ["2025"], "days": [0.0], "done_share": [0.0]})
    last, test = {"median_days": 33.0, "ever_share": 0.7}, LogRank(1.0, 1, pvalue)
    made = exhibits.waiting(report(), curve, {"median_days": 30.0, "ever_share": 0.6}, last, test, smallest=11)
    assert made.title.startswith(f"Half are treated within 30 days, {says}")
    assert made.note.startswith("Ever treated: 70.0 % of ")
    few = exhibits.waiting(report(), curve, {"median_days": np.nan, "ever_share": 0.4}, last, test, smallest=11)
    assert few.title == "Fewer than half of the patients are ever treated"


def test_the_roadmap_counts_what_is_late():
    made = exhibits.roadmap(report(), milestones())
    assert made.title == "1 of 2 open milestones is late"
    assert made.shown["phase"].tolist() == ["assess", "plan", "assess"]
    assert made.shown["start"].iloc[1] == pd.Timestamp("2025-06-01"), "work begins where the milestone before ended"
    punctual = exhibits.roadmap(report(), milestones().query("standing != 'slipping'"))
    assert punctual.title == "No open milestone of 1 is late"


def test_findings_of_other_reports_by_weight():
    told = {
        "a": {"title": "Market", "findings": [{"text": "**Share** fell.", "size": 0.5, "certainty": 0.5}]},
        "b": {"title": "Growth", "findings": [{"text": "NPV up.", "size": 0.9, "certainty": 0.9}]},
    }
    shown = exhibits.elsewhere(report(), told).shown
    assert shown["report"].tolist() == ["Growth", "Market"]
    assert shown["finding"].iloc[1] == "Share fell."
    assert exhibits.elsewhere(report(), {}).shown["finding"].iloc[0].startswith("The other reports were not built")


def test_tables_of_the_plan_are_in_the_order_in_which_they_are_read():
    asked = pd.DataFrame(
        {
            "decision": ["B", "A"],
            "forum": "F",
            "by": pd.to_datetime(["2026-05-01", "2026-01-01"]),
            "amount_usd": [np.nan, 5e5],
            "otherwise": "O",
        }
    )
    assert plain(exhibits.decisions(report(), asked).shown["amount"]).tolist() == ["$500 K", "none"]
    items = pd.DataFrame(
        {"item": ["R1", "R2"], "title": ["A", "B"], "kind": "risk", "likelihood": [1, 4], "impact": [2, 5], "owner": "O", "response": "R"}
    )
    assert exhibits.raid(report(), items).shown["weight"].tolist() == [20, 2]
    ranked = pd.DataFrame(
        {
            "priority": [1, 2],
            "gap": ["G", "H"],
            "area": "A",
            "evidence": "e",
            "gate": [True, False],
            "initiative": ["I", np.nan],
            "phase": "plan",
        }
    )
    gaps = exhibits.gaps(report(), ranked).shown
    assert gaps["evidence"].tolist() == ["e (closes the gate)", "e"]
    assert gaps["initiative"].tolist() == ["I", "none yet"]
