"""Each exhibit of the growth page as one record: the rows that are shown, and what is said of them.

A frame of the analysis goes in; the exhibit holds the protected rows that are drawn or tabulated, and its title is computed from them. A
volume counts as moved only where `moves` says so.
"""

from .capacity import breaches, limits, rooms, waits
from .plan import (
    budget,
    gaps,
    initiatives,
    margins,
    ranks,
    roadmap,
    running_total,
    scenario_tree,
    scenarios,
    statement,
)
from .risk import break_even, cash, crossed, percentiles, simulation, tornado
from .volumes import apart, back_test, bridge, moves, sites, volumes_ahead, volumes_by_year
from .wording import BAND_PAIRS, CASH_BANDS

__all__ = [
    "BAND_PAIRS",
    "CASH_BANDS",
    "apart",
    "back_test",
    "breaches",
    "break_even",
    "bridge",
    "budget",
    "cash",
    "crossed",
    "gaps",
    "initiatives",
    "limits",
    "margins",
    "moves",
    "percentiles",
    "ranks",
    "roadmap",
    "rooms",
    "running_total",
    "scenario_tree",
    "scenarios",
    "simulation",
    "sites",
    "statement",
    "tornado",
    "volumes_ahead",
    "volumes_by_year",
    "waits",
]
