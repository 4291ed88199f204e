"""What a reader sees of an axis and of its names: one unit, whole words, labels where their line ends."""

import itertools

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from catchment import units as formats
from catchment.page import canvas, plots, theme


def ticks(axis) -> list[str]:
    """The labels of the ticks in view."""
    low, high = sorted(axis.get_view_interval())
    texts = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())
    return [text for at, text in zip(axis.get_majorticklocs(), texts, strict=True) if low <= at <= high]


@pytest.mark.parametrize(
    ("top", "said"),
    [
        (1_400_000, ["$0", "$0.5 M", "$1 M", "$1.5 M"]),
        (180_000, ["$0", "$50 K", "$100 K", "$150 K"]),
        (60_000, ["$0", "$20,000", "$40,000", "$60,000"]),
        (-9_000_000, ["−$7.5 M", "−$5 M", "−$2.5 M", "$0"]),
        (0.9, ["$0", "$0.20", "$0.40", "$0.60", "$0.80"]),
    ],
)
def test_an_axis_of_dollars_has_one_unit_and_the_digits_its_ticks_need(top, said):
    frame = pd.DataFrame({"year": [2024, 2025], "amount_usd": [top / 2, top]})
    shown = ticks(plots.trend(frame, "year", "amount_usd").fig.axes[0].yaxis)
    assert shown[: len(said)] == said or shown[-len(said) :] == said


def test_amounts_beside_marks_share_the_unit_of_their_table():
    steps = pd.DataFrame({"step": ["2024", "New", "Up", "Down"], "amount_usd": [1_193_400.0, 658_000.0, 39_925.0, -22_079.0]})
    texts = [text.get_text() for text in plots.bridge(steps, "step", "amount_usd").fig.axes[0].texts]
    assert texts == ["$1,193 K", "+$658 K", "+$40 K", "−$22 K", "$1,869 K"]
    assert formats.of("a_usd", steps["amount_usd"]).beside(0) == "$0"


def test_a_long_name_takes_two_lines_before_it_is_cut():
    long = "Northwestern Medicine Central DuPage Hospital"
    frame = pd.DataFrame({"hospital": [long, long.replace("DuPage", "DePaul"), "Edward"], "stay_share": [0.3, 0.2, 0.1]})
    drawn = plots.bars(frame, "hospital", "stay_share").fig
    names = drawn.axes[0].get_yticklabels()
    assert names[0].get_text().split("\n") == ["Northwestern Medicine", "Central DuPage Hospital"]
    boxes = [name.get_window_extent(FigureCanvasAgg(drawn).get_renderer()) for name in names]
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    endless = canvas.folded("A hospital whose name is so very long that no two lines of any drawing could hold the whole of it", 150)
    assert endless.count("\n") == 1
    assert endless.endswith("…")
    assert canvas.width(endless) <= 150


def test_a_line_that_ends_early_is_named_where_it_ends():
    frame = pd.DataFrame({"year": [2026, 2027, 2028] * 2, "wait_min": [7, 7, 7, 9, 40, None], "line": ["As now"] * 3 + ["Plan"] * 3})
    texts = plots.trend(frame, "year", "wait_min", group="line", accent="As now").fig.axes[0].texts
    assert {text.get_text(): text.xy[0] for text in texts} == {"As now": 2028, "Plan": 2027}


def test_names_of_steps_stand_in_the_order_in_which_the_curves_got_there():
    frame = pd.DataFrame({"days": [5, 20, 60, 5, 40, 80], "seen_share": [0.2, 0.6, 0.9] * 2, "center": ["Ours"] * 3 + ["Theirs"] * 3})
    places = {
        text.get_text(): text.xy[1] for text in plots.steps(frame, "days", "seen_share", group="center", accent="Ours").fig.axes[0].texts
    }
    assert places["Ours"] > places["Theirs"]


def test_whole_bars_do_not_repeat_that_they_are_whole():
    frame = pd.DataFrame({"year": ["2024", "2024"], "where": ["here", "there"], "stay_share": [0.3, 0.7]})
    assert [text.get_text() for text in plots.stacked(frame, "year", "stay_share", "where").fig.axes[0].texts] == ["30.0", "70.0"]


def test_days_are_written_with_their_unit():
    frame = pd.DataFrame({"site": ["a", "b"], "median_days": [40, 43], "low_days": [38, 41], "high_days": [42, 46]})
    ax = plots.intervals(frame, "site", "median_days", "low_days", "high_days").fig.axes[0]
    assert [text.get_text() for text in ax.texts] == ["40 days", "43 days"]
    assert all("." not in text for text in ticks(ax.xaxis))


def test_a_name_in_a_funnel_stays_level_with_its_dot_unless_it_meets_another():
    rows = [("Near", 3000.0, 1.3), ("Nearer", 3100.0, 1.3), ("Far", 50000.0, 1.31)]
    units = pd.DataFrame(rows, columns=["county", "expected_n", "ratio"]).assign(funnel_outer_low=0.9, funnel_outer_high=1.1)
    curve = pd.DataFrame(
        {
            "size": [100.0, 500.0, 1000.0, 1e5],
            "low": 0.95,
            "high": 1.05,
            "outer_low": [0.7, 0.8, 0.9, 0.95],
            "outer_high": [1.3, 1.2, 1.1, 1.05],
        }
    )
    plot = plots.funnel_plot(
        units, "expected_n", "ratio", curve=curve, label="county", accent=["Near", "Nearer", "Far"], size_label="Cases"
    )
    texts = {text.get_text(): text for text in plot.fig.axes[0].texts}
    assert texts["Far"].xy == (50000.0, 1.31)
    assert texts["Near"].xy[1] != texts["Nearer"].xy[1]
    assert {texts[name].get_gid() for name in ("Far", "Near", "99.8 %")} == {"halo"}


def test_small_amounts_beside_millions_keep_two_digits():
    parts = pd.Series([67_743.0, 237_000.0, 1_040_000.0])
    assert [formats.of("ask_usd", parts).beside(value) for value in parts] == ["$0.07 M", "$0.24 M", "$1.04 M"]
    assert formats.of("ask_usd", pd.Series([600_000.0, 2e6])).beside(2e6) == "$2.0 M"


def test_the_words_of_a_target_stand_clear_of_a_line_that_crosses_it_between_two_points():
    frame = pd.DataFrame({"year": range(2019, 2024), "hhi": [1870, 1595, 1640, 1760, 1590]})
    drawn = plots.trend(frame, "year", "hhi", target=1800, target_label="Highly concentrated", zero=False).fig.axes[0].texts
    target = next(text for text in drawn if text.get_text().startswith("Highly"))
    assert (target.get_ha(), target.get_gid()) == ("right", "halo")


def test_a_long_label_on_one_side_of_a_tornado_takes_no_room_on_the_other():
    swings = pd.DataFrame({"driver": ["Volume", "Delay"], "low_usd": [-3.4e6, 2.0e6], "high_usd": [5.4e6, 0.8e6]})
    ax = plots.tornado(swings, "driver", "low_usd", "high_usd", 2.2e6).fig.axes[0]
    room = theme.WIDTH * (1 - ax.get_position().x1)
    assert room < canvas.width("$2.0 M to $0.8 M", 9)


def test_a_short_time_axis_is_labeled_by_quarters_and_a_long_one_by_years():
    def labels(end):
        days = [pd.Timestamp(2025, 3, 1), pd.Timestamp(2025, 9, 1), pd.Timestamp(end, 2, 1)]
        frame = pd.DataFrame({"plan": "Clinic", "start": days[:2], "end": days[1:], "phase": ["plan", "pilot"]})
        drawn = plots.gantt(frame, "plan", "start", "end", "phase", phases=["assess", "plan", "pilot", "scale", "sustain"], today=days[1])
        return [text.get_text() for text in drawn.fig.axes[0].get_xticklabels()]

    assert labels(2026) == ["Apr", "Jul", "Oct", "Jan 2026"]
    assert labels(2029) == ["2026", "2027", "2028", "2029"]
