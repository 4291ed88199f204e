"""Partner and portfolio settings: merged, validated, every key documented.

`params/portfolio.yml` holds the defaults, `params/partners/<id>.yml` only what differs. A problem names file, line and key.
"""

from .base import Assumption, Section
from .convert import convert
from .load import load, partners, problems, root
from .settings import Settings
from .text import Mark, ParamsError, Problem

__all__ = ["Assumption", "Mark", "ParamsError", "Problem", "Section", "Settings", "convert", "load", "partners", "problems", "root"]
