"""What the tests of the scorecard's words share: a report without tables, one indicator, budget lines."""

import pandas as pd
from test_blocks import Origins

from catchment import params
from catchment.page import Report

SETTINGS = params.load("dunes")


def report(**facts) -> Report:
    return Report(SETTINGS, Origins(**facts))


def board(**changes) -> pd.DataFrame:
    row = {
        "chart": "p", "numerator": "visits not kept", "denominator": "visits booked", "source": "kpi_months", "owner": "a role", "better": "lower", "began": pd.Timestamp("2025-12-01"), "usual_period": pd.Timestamp("2025-12-01"), "streak": 0, "since_shift": "",
        "kpi": "no_show_share", "title": "No-shows", "period": pd.Timestamp("2025-12-01"), "length": "month", "now": 0.099, "usual": 0.06, "target": 0.07, "points_n": 60,
        "variation": "concern", "variation_icon": "◆ H", "variation_words": "x", "assurance": "either", "assurance_icon": "?", "assurance_words": "y",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def chart(value: float = 0.099, center: float = 0.06, side: int = 1) -> pd.DataFrame:
    """Two points of a control chart, the newest as given."""
    return pd.DataFrame({
        "period": pd.to_datetime(["2025-11-01", "2025-12-01"]), "value": [0.06, value], "center": center, "lcl": 0.0, "ucl": 0.08,
        "signal": ["", "above the upper limit"], "side": [0, side], "segment": 0,
    })  # fmt: skip


def lines() -> pd.DataFrame:
    return pd.DataFrame({
        "line": ["Visits", "Drugs"], "kind": ["revenue", "cost"], "original_usd": [2e6, 1e6], "flexed_usd": [1.8e6, 9e5], "actual_usd": [1.8e6, 9.6e5],
        "volume_usd": [-2e5, -1e5], "quantity_usd": [0.0, 0.0], "price_usd": [0.0, 6e4], "total_usd": [-2e5, -4e4], "total_share": [-0.1, -0.04],
        "volume_favor": ["U", "F"], "quantity_favor": ["", ""], "price_favor": ["", "U"], "total_favor": ["U", "F"], "material": [True, False],
    })  # fmt: skip


BRIDGE = pd.DataFrame({"step": ["Budgeted margin", "Volume", "Quantity", "Price"], "margin_usd": [1e6, -1e5, 0.0, -6e4]})


def milestones() -> pd.DataFrame:
    return pd.DataFrame({
        "initiative": ["Chairs", "Chairs", "Clinic"], "milestone": ["Plan", "Pilot", "Case"], "standing": ["done", "slipping", "on time"],
        "slip_days": [0, 62, 3], "duration_days": 30, "planned": ["2025-06-01", "2026-01-01", "2026-02-01"],
        "expected": ["2025-06-01", "2026-03-04", "2026-02-04"], "finished": ["2025-06-01", None, None],
    })  # fmt: skip
