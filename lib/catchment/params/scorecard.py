"""Settings of the program scorecard: control limits."""

from .base import Assumption, Positive, Section


class Scorecard(Section):
    limit_sigmas: Assumption[Positive]
    """Distance of the control limits from the center line."""
