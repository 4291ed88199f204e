"""Shapes of exhibits: one function each, a tidy frame in, a `Plot` out.

Lines and bars first. One accent (the partner), everything else gray, labels beside the marks in place of a legend, bars from zero,
no second axis, intervals as dots with lines. Colors, fonts and margins are never set by the caller.
"""

from .compare import bars, bridge, dumbbell, funnel, intervals, pyramid, stacked, tornado
from .giving import lorenz, thermometer
from .heat import heatmap
from .plans import fans, gantt, histogram
from .series import control, fan, steps, trend
from .spread import funnel_plot

__all__ = [
    "bars",
    "bridge",
    "control",
    "dumbbell",
    "fan",
    "fans",
    "funnel",
    "funnel_plot",
    "gantt",
    "heatmap",
    "histogram",
    "intervals",
    "lorenz",
    "pyramid",
    "stacked",
    "steps",
    "thermometer",
    "tornado",
    "trend",
]
