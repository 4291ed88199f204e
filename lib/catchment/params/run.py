"""Settings of the runner: parallel work and patience."""

from .base import Count, Positive, Section


class Run(Section):
    jobs: Count
    """Pages built at the same time; 0 means one for each processor."""
    timeout_s: Positive
    """Seconds after which a page that is still executing counts as failed."""
