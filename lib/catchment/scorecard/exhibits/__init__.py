"""Each exhibit of the program scorecard as one record: the rows that are shown, and what is said of them.

A frame of the analysis goes in; the exhibit holds its rows as a reader sees them, in the order in which they are read. Titles are
conclusions computed from those rows; which claim one makes follows from the numbers ("not measurably different" is one of them).
"""

from .access import reach, reach_by_site, waiting
from .accreditation import accrual, chapters, deadlines, standards
from .indicators import board, composite, controls, definitions, method
from .money import bridge, explained, outlook, variances
from .plan import decisions, elsewhere, gaps, path, raid, roadmap

__all__ = [
    "accrual",
    "board",
    "bridge",
    "chapters",
    "composite",
    "controls",
    "deadlines",
    "decisions",
    "definitions",
    "elsewhere",
    "explained",
    "gaps",
    "method",
    "outlook",
    "path",
    "raid",
    "reach",
    "reach_by_site",
    "roadmap",
    "standards",
    "variances",
    "waiting",
]
