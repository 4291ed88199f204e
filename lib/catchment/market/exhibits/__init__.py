"""Each exhibit of the market page as one record: the rows that are shown, and what is said of them.

A frame of the analysis goes in; the exhibit holds the protected rows that are drawn or tabulated, and its title is computed from them.
Every flow is an all-cause stay, which the notes repeat beside the exhibits that rest on flows.
"""

from .area import definitions, patient_origin, zip_list, zip_shares
from .burden import burden_map, clusters, funnel
from .need import ages, drivers, mix, outcomes, outlook, projection_note, sites
from .reach import gap, huff, reachable, supply, underserved, white_space
from .served import concentration, destinations, faced, kept, mergers, share_list, share_title, share_trend, shift
from .strengths import swot

__all__ = [
    "ages",
    "burden_map",
    "clusters",
    "concentration",
    "definitions",
    "destinations",
    "drivers",
    "faced",
    "funnel",
    "gap",
    "huff",
    "kept",
    "mergers",
    "mix",
    "outcomes",
    "outlook",
    "patient_origin",
    "projection_note",
    "reachable",
    "share_list",
    "share_title",
    "share_trend",
    "shift",
    "sites",
    "supply",
    "swot",
    "underserved",
    "white_space",
    "zip_list",
    "zip_shares",
]
