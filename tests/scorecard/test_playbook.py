"""Milestones: the textbook project for the critical path, slippage, and the order of gaps."""

import numpy as np
import pandas as pd
import pytest

from catchment.scorecard import playbook

AS_OF = pd.Timestamp("2025-12-31")
# Hillier and Lieberman, Introduction to Operations Research: Reliable Construction Company (weeks); 44 weeks, path A B C E F J L N.
RELIABLE = {
    "A": (2, ""), "B": (4, "A"), "C": (10, "B"), "D": (6, "C"), "E": (4, "C"), "F": (5, "E"), "G": (7, "D"), "H": (9, "E G"), "I": (7, "C"),
    "J": (8, "F I"), "K": (4, "J"), "L": (5, "J"), "M": (2, "H"), "N": (6, "K L"),
}  # fmt: skip


def tasks(table=RELIABLE) -> pd.DataFrame:
    return pd.DataFrame([(task, *rest) for task, rest in table.items()], columns=["task", "duration", "after"])


def test_reliable_construction():
    found = playbook.critical_path(tasks()).set_index("task")
    assert found["early_finish"].max() == 44
    assert "".join(found.index[found["critical"]]) == "ABCEFJLN"
    # Slacks printed in the book: D 4, G 4, H 4, I 2, K 1, M 4.
    assert found["slack"][["D", "G", "H", "I", "K", "M"]].tolist() == [4, 4, 4, 2, 1, 4]


def test_order_of_rows_does_not_matter():
    shuffled = tasks().sample(frac=1, random_state=3)
    found = playbook.critical_path(shuffled)
    assert found["task"].tolist() == shuffled["task"].tolist()
    assert found.set_index("task")["early_start"]["N"] == 38


def test_a_task_may_have_to_wait_for_its_day():
    table = pd.DataFrame({"task": ["A", "B"], "duration": [5, 3], "after": ["", ""], "not_before": [0, 10]})
    found = playbook.critical_path(table).set_index("task")
    assert found.loc["B", ["early_start", "early_finish", "slack"]].tolist() == [10, 13, 0]
    assert found.loc["A", "slack"] == 8


def test_circles_and_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="wait for each other"):
        playbook.critical_path(tasks({"A": (1, "B"), "B": (1, "A")}))
    with pytest.raises(ValueError, match="'Z'"):
        playbook.critical_path(tasks({"A": (1, "Z")}))


def milestones() -> pd.DataFrame:
    rows = [
        ("1", "2025-06-01", "2025-06-01", "2025-06-01", ""), ("2", "2025-06-01", "2025-07-15", "2025-07-15", "1"), ("3", "2025-12-01", "2026-01-20", None, "2"),
        ("4", "2026-02-01", "2026-02-10", None, "3"), ("5", "2026-03-01", "2026-04-30", None, "3"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["task", "planned", "expected", "finished", "after"])


def test_slippage_and_standing():
    found = playbook.slippage(milestones(), as_of=AS_OF, tolerance_days=14)
    assert found["slip_days"].tolist() == [0, 44, 50, 9, 60]
    assert found["standing"].tolist() == ["done", "done late", "overdue", "on time", "slipping"]


def test_remaining_work_starts_today_and_keeps_its_order():
    found = playbook.remaining(milestones(), as_of=AS_OF)
    assert found["task"].tolist() == ["3", "4", "5"]
    assert found["after"].tolist() == ["", "3", "3"]
    assert found["duration"].tolist() == [20, 21, 100]
    path = playbook.critical_path(found).set_index("task")
    assert path["early_finish"]["5"] == (pd.Timestamp("2026-04-30") - AS_OF).days
    assert path["critical"].to_dict() == {"3": True, "4": False, "5": True}


@pytest.fixture
def evidence() -> dict[str, pd.DataFrame]:
    board = pd.DataFrame({
        "domain": ["Access", "Finance", "Quality"], "title": ["No-shows", "Margin", "Screening"], "variation": ["concern", "common", "common"], "assurance": ["either", "fail", "pass"],
        "variation_words": ["above the upper limit"] * 3, "assurance_words": ["will miss"] * 3, "now": [0.09, 0.18, 0.9], "target": [0.06, 0.24, 0.8], "kpi": ["no_show_share", "margin_share", "distress_share"],
    })  # fmt: skip
    assessed = pd.DataFrame(
        {"standard": ["5.3", "1.1"], "title": ["Report", "Letter"], "status": ["Not met", "Met"], "evidence": ["audit", "file"]}
    )
    reached = pd.DataFrame(
        {"service": ["Genetics"], "site": ["Breast"], "standing": ["below peers"], "gap_points": [0.3], "peer_median_share": [0.6]}
    )
    lines = pd.DataFrame({
        "line": ["Drugs", "Linen", "Visits", "Scans", "Rent"], "material": [True, False, True, True, True], "total_favor": ["U", "U", "U", "U", "F"], "volume_usd": [1.0, 0, -90, -30, 0],
        "quantity_usd": 0.0, "price_usd": [9.0, 0, 1, 1, -5], "total_usd": [10.0, 0, -89, -29, -5], "total_share": [0.10, 0.2, -0.06, -0.07, -0.5],
    })  # fmt: skip

    return {"board": board, "assessed": assessed, "reached": reached, "lines": lines}


def test_gaps_come_from_every_kind_of_evidence_and_nothing_else(evidence):
    found = playbook.gaps(**evidence).set_index("gap")
    assert set(found.index) == {"No-shows", "Margin", "5.3 Report", "Genetics, Breast", "Drugs: price", "Visits: volume"}
    assert found.loc["No-shows", "size"] == pytest.approx(0.5)
    assert found.loc["Drugs: price", "evidence"].endswith("mostly by price")
    assert found.loc["Visits: volume", "evidence"].endswith("mostly by volume, with scans")
    assert found["gate"].to_dict()["5.3 Report"]


def test_what_closes_the_gate_ranks_first_and_unworked_gaps_are_to_assess(evidence):
    initiatives = pd.DataFrame(
        {
            "initiative": ["Counselor", "Counselor", "Growth"],
            "phase": ["plan", "plan", "pilot"],
            "addresses": ["4.4; Genetics", "4.4; Genetics", "Scans"],
        }
    )
    ranked = playbook.rank(playbook.gaps(**evidence), initiatives)
    assert ranked["gap"].iloc[0] == "5.3 Report"
    assert ranked["priority"].tolist() == [1, 2, 3, 4, 5, 6]
    assert ranked.loc[1:, "size"].is_monotonic_decreasing
    by_gap = ranked.set_index("gap")
    assert by_gap.loc["Genetics, Breast", ["initiative", "phase"]].tolist() == ["Counselor", "plan"]
    assert by_gap.loc["Visits: volume", "initiative"] == "Growth"  # by one of the lines behind it
    assert by_gap.loc["Drugs: price", "phase"] == "assess"
    assert pd.isna(by_gap.loc["Drugs: price", "initiative"])


def test_critical_path_agrees_with_the_longest_ways_of_a_graph():
    """Earliest start: the longest way to a task; slack: what the longest way through it lacks of the longest of all."""
    draw = np.random.default_rng(5)
    for _ in range(40):
        names = [f"t{i}" for i in range(draw.integers(1, 11))]
        days = {name: int(draw.integers(1, 30)) for name in names}
        after = {name: list(draw.choice(names[:i], draw.integers(0, min(i, 3) + 1), replace=False)) for i, name in enumerate(names)}
        tasks = pd.DataFrame({"task": names, "duration": days.values(), "after": [" ".join(after[name]) for name in names]})
        found = playbook.critical_path(tasks.sample(frac=1, random_state=1)).set_index("task")
        into = dict.fromkeys(names, 0)
        for name in names:
            into[name] = max((into[one] + days[one] for one in after[name]), default=0)
        out = {}
        for name in reversed(names):
            out[name] = days[name] + max((out[one] for one in names if name in after[one]), default=0)
        end = max(out[name] + into[name] for name in names)
        assert found["early_start"].to_dict() == into
        assert found["slack"].to_dict() == {name: end - into[name] - out[name] for name in names}
