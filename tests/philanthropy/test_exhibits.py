"""The exhibits of the philanthropy pages: titles from the rows shown, nothing claimed of nothing, keys that stay apart."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from catchment.page import plots
from catchment.page.exhibit import Claim, FalseClaim
from catchment.page.report import Report
from catchment.philanthropy import designations, donor_exhibits, exhibits, findings, giving, raised

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
DAY = pd.Timestamp("2025-12-31")
EMPTY = {"payments_n": []}


@pytest.fixture
def report():
    """A page whose tables hide nothing."""
    tables = SimpleNamespace(used=(), origin=lambda name: SimpleNamespace(suppress_below=0))
    return Report(SimpleNamespace(), tables)


def ending(report, total, goal, *, spread=0.1, so_far=90.0):
    """The exhibit of a year-end forecast of `total`."""
    part = {"so_far_usd": so_far, "rest_usd": total - so_far, "total_usd": total}
    ahead = pd.DataFrame([{"part": "All cash", **part, "total_usd_low": total * (1 - spread), "total_usd_high": total * (1 + spread)}])
    return exhibits.year_end(report, ahead, pd.DataFrame(), goal, year=2026, level=0.8)


def test_a_ledger_without_campaigns_or_closed_proposals_has_its_exhibits(report):
    gifts = pd.DataFrame(
        {
            "gift_type": ["outright"],
            "amount_usd": [50.0],
            "gift_date": [pd.Timestamp("2024-01-05")],
            "campaign_id": pd.Series([None], dtype="str"),
            "donor_id": ["1"],
            "pledge_id": pd.Series([None], dtype="str"),
        }
    )
    none = pd.DataFrame({name: pd.Series([], dtype="str") for name in ("campaign_id", "campaign", "start_date", "end_date")})
    none = none.astype({"start_date": "datetime64[us]", "end_date": "datetime64[us]"}).assign(goal_usd=0.0)
    progress = raised.campaign_progress(none, gifts, as_of="2025-12-31")
    assert plots.thermometer(progress, "campaign", "raised_usd", "goal_usd", time="time_share").missing == "there is no such record"
    assert exhibits.campaign(report, progress, DAY, level=0.8).title == "No campaign is running"
    nothing = pd.DataFrame({"step": ["Open balance", "Discount"], "amount_usd": [0.0, 0.0]})
    assert plots.bridge(nothing, "step", "amount_usd").missing == "every amount is zero"
    chances = pd.DataFrame({"stage": ["cultivation"], "own_share": [float("nan")], "default_share": [0.25]})
    check = pd.DataFrame({"probabilities": ["Own history", "Default", "One rate for all"], "brier": [float("nan")] * 3})
    learnt = exhibits.calibration(report, chances, check, pd.Timestamp("2022-07-01"))
    assert "common practice" in learnt.title
    assert learnt.note == "Too few proposals closed lately to check the chances."


def test_an_office_without_goals_expenses_or_listed_designations_has_its_exhibits(report):
    gifts = pd.DataFrame(
        {
            "gift_type": "outright",
            "amount_usd": [50.0, 70.0, 20.0],
            "gift_date": pd.to_datetime(["2024-09-05", "2025-09-05", "2025-09-06"]),
            "program": ["events", "events", "major gifts"],
            "designation_id": ["F1", "F1", "F2"],
        }
    )
    goals = pd.DataFrame({"fiscal_year": [], "basis": [], "program": [], "designation_id": [], "goal_usd": []}).astype(
        {"basis": "str", "program": "str", "designation_id": "str"}
    )
    listed = pd.DataFrame({"designation_id": [], "designation": [], "theme": []}, dtype="str")
    spent = pd.DataFrame({"fiscal_year": [], "program": [], "expense_usd": [], "fte": []}).astype({"program": "str"})
    to_date = raised.year_to_date(gifts, "2025-12-31", goals=goals).iloc[0]
    assert to_date["ytd_usd"] == 90 and pd.isna(to_date["goal_usd"]) and pd.isna(to_date["to_go_usd"])
    finding = findings.on_goal(ending(report, 200.0, float("nan")), to_date, gone_share=0.5, level=0.8)
    assert "no goal is set" in finding.text and "likely" not in finding.text and not finding.gap
    near = ending(report, 1_271_000.0, 1_314_000.0)
    text = findings.on_goal(near, to_date.fillna({"goal_usd": 1_314_000.0, "goal_share": 0.1}), gone_share=0.5, level=0.8).text
    assert "the $1.31 M goal" in text and "the forecast is $1.27 M" in text  # and not $1.3 M twice
    rows = raised.to_date_by(gifts, "2025-12-31", "program", goals=goals)
    assert rows["program"].tolist() == ["events", "events", "major gifts", "major gifts"]
    moved = exhibits.programs(report, rows, 2026)
    # Events rose from 50 to 70, major gifts from nothing to 20.
    assert moved.title in {f"{name} moved most: $20 more than by the same day last year" for name in ("Events", "Major gifts")}
    rows = designations.to_date(gifts, goals, listed, "2025-12-31")
    assert rows.loc[rows["basis"] == "Cash", ["designation", "ytd_usd"]].to_numpy().tolist() == [["F1", 70.0], ["F2", 20.0]]
    judged = raised.against_benchmark(raised.cost_by_year(gifts, spent), {"events": 0.5}, year=2025)
    assert judged.empty and exhibits.cost(report, judged, 2025).title == "No expense is recorded"
    wanted = pd.DataFrame({"need": ["Chairs"], "source": "Growth initiatives", "theme": "infusion", "gap_usd": 5.0})
    assert designations.matched_needs(wanted, listed, {})["designation"].tolist() == ["no designation yet"]


def test_exhibits_of_nothing_claim_nothing(report):
    nothing = pd.DataFrame([{"awarded_n": 0, "decided_n": 0, **dict.fromkeys(("share", "share_low", "share_high"), float("nan"))}])
    unpaid = {"overdue_usd": 0.0, "share": float("nan")}
    stages = pd.DataFrame({"stage": ["cultivation"], "weighted_usd": [0.0], "ask_usd": [0.0], "stalled_n": [0], "proposals_n": [0]})
    aged = pd.DataFrame({"bucket": ["Not yet due"], "open_usd": [0.0]})
    assert exhibits.gift_range(report, pd.DataFrame({"tier": [], "gap_n": []})).title == "Gift-range chart of a campaign"
    books = SimpleNamespace(pledged=pd.DataFrame(), unscheduled_usd=0.0, set_aside=pd.DataFrame(EMPTY), as_of=DAY)
    assert exhibits.owed(report, aged, unpaid, books).title == "No pledge is on record"
    books.unscheduled_usd = 3_500.0
    assert exhibits.owed(report, aged, unpaid, books).title == "$3,500 is open on pledges without a schedule"
    pipe = exhibits.stages(report, stages, {"closed_n": 0}, {"median_days": float("nan")}, DAY)
    assert (pipe.title, pipe.note) == ("No proposal is open", "No proposal is closed yet.")
    won = exhibits.won(report, nothing, {"share": float("nan")}, 0.26)
    assert (won.title, won.note) == ("No application for a grant is decided yet", "Nothing is spent on awards yet.")
    awards = pd.DataFrame(
        {name: [] for name in ("grant_id", "awarded_usd", "spent_usd", "spent_share", "period_share", "end_date", "pace")}
    )
    assert exhibits.burn(report, awards, DAY).title == "No award is active"


def test_the_gift_range_chart_names_what_is_missing_and_what_is_to_spare(report):
    chart = pd.DataFrame({"tier": ["$100,000 and more", "$50,000 and more", "Smaller gifts"], "gap_n": [-3.0, 7.0, None]})
    title = exhibits.gift_range(report, chart).title
    assert title == "Gift-range chart: 7 prospects missing, most in the tier $50,000 and more; 3 to spare in others"
    assert "enough for every tier" in exhibits.gift_range(report, chart.assign(gap_n=[-3.0, -1.0, None])).title


def test_a_campaign_on_its_time_but_lately_too_slow_says_so(report):
    row = {"campaign": "Light", "goal_share": 0.7, "time_share": 0.65, "gap_usd": 300.0, "rate_usd_month": 12.0}
    slow = pd.DataFrame([{**row, "recent_rate_usd_month": 3.0, "needed_rate_usd_month": 10.0}])
    assert exhibits.campaign(report, slow, DAY, level=0.8).title.endswith("of late too slow to make it")
    fast = exhibits.campaign(report, slow.assign(recent_rate_usd_month=10.0), DAY, level=0.8)
    assert fast.title.endswith("with 65 % of its time gone")
    over = exhibits.campaign(report, slow.assign(needed_rate_usd_month=float("nan")), DAY, level=0.8)
    assert over.note.startswith("Gap $300; its time is over.")


def test_a_title_follows_the_rows_that_are_shown(report):
    totals = pd.DataFrame({"fiscal_year": [2025, 2026], "basis": "Cash", "gifts_n": [3, 2], "amount_usd": [9_000.0, 1_200.0]})
    to_date = pd.Series({"fiscal_year": 2026, "ytd_usd": 1_200.0, "change_share": 0.2})
    made = exhibits.raised(report, totals, to_date, DAY, "What counts.")
    assert made.title == "Cash to date is $1,200, 20 % ahead of the same day last year"
    wrong = [Claim(each.said.replace("$1,200", "$1,300"), each.column, each.rows, each.how, value=each.value, basis=each.basis)
             for each in made.claims]  # fmt: skip
    with pytest.raises(FalseClaim, match=r"\$1,300"):
        exhibits.exhibit("cash-and-production", made.shown, made.title.replace("$1,200", "$1,300"), claims=wrong)
    first = exhibits.raised(report, totals, to_date.where(lambda row: row.index != "change_share"), DAY, "")
    assert first.title == "Cash to date is $1,200; nothing had come by the same day last year"


def test_growth_in_giving_is_said_of_its_steps(report):
    gifts = pd.DataFrame({"donor_id": list("ABAC"), "year": [2024, 2024, 2025, 2025], "amount_usd": [100.0, 50.0, 80.0, 40.0]})
    rows = giving.gains_and_losses(giving.annual(gifts), 2025)
    # New 40; downgraded 20 and lapsed 50.
    assert donor_exhibits.change(report, rows, 2025).title == "Giving shrank by $30: $175 lost for every $100 gained"
    still = giving.gains_and_losses(giving.annual(gifts.assign(donor_id="A", amount_usd=[60.0, 60.0, 60.0, 60.0])), 2025)
    assert donor_exhibits.change(report, still, 2025).title == "Giving did not change"


def test_few_of_many_is_a_true_claim():
    shown = pd.DataFrame({"share": [0.002], "part_n": [1], "whole_n": [500]})
    Claim("<1 %", "share").check(shown)
    Claim("0.2 %", "part_n", how="share", over="whole_n").check(shown)
    with pytest.raises(FalseClaim):
        Claim("<1 %", "share").check(shown.assign(share=0.02))


def test_the_list_of_names_says_what_it_left_out(report):
    rows = pd.DataFrame({"name": ["Ash"], "last_usd": [5.0], "total_usd": [9.0]})
    rows.attrs["left_out"] = 2
    made = donor_exhibits.waiting(report, rows, 2026, most=25)
    assert made.title.endswith("2 rows left out because the household asked not to be contacted")
    assert made.headings["total_usd"] == "Given in all years" and made.most == 25


@pytest.mark.parametrize("notebook", ["04_philanthropy", "07_donor_actions"])
def test_every_exhibit_of_a_page_has_a_key_of_its_own(notebook):
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    source = "\n".join(Path(module.__file__).read_text() for module in (exhibits, donor_exhibits))
    called = re.findall(r"\b(?:donor_)?exhibits\.(\w+)\(report", code)
    keys = re.findall(r"(?:exhibit|_listed)\(\s*(?:report, )?\"([a-z-]+)\"", source)
    assert len(called) == len(set(called)) > 3
    assert len(keys) == len(set(keys))
    assert "report.protect" not in code and "**" not in code.replace("**plan", "").replace("**policy", "")
