"""Partner and portfolio settings: merged, validated, every key documented.

`params/portfolio.yml` holds the defaults, `params/partners/<id>.yml` only what differs. A problem names file, line and key.
"""

from .base import Assumption, Conflict, Section
from .convert import convert
from .load import load, partners, problems, root
from .scaffold import new_partner
from .settings import Settings
from .text import Mark, ParamsError, Problem

__all__ = [
    "Assumption",
    "Conflict",
    "Mark",
    "ParamsError",
    "Problem",
    "Section",
    "Settings",
    "convert",
    "load",
    "new_partner",
    "partners",
    "problems",
    "root",
]
