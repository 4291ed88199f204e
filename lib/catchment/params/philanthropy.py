"""Settings of the philanthropy report: fiscal year and donor measures."""

from .base import Assumption, Month, Section, Share


class Philanthropy(Section):
    fiscal_year_start_month: Month
    """Month in which the fiscal year starts."""
    retention_goal_share: Assumption[Share]
    """Goal for the share of last year's donors who give again."""
