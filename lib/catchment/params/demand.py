"""Settings of the demand model: horizon and treatment use."""

from .base import Assumption, Count, Section, Share


class Demand(Section):
    horizon_years: Count
    """Years ahead of the as-of date that demand is projected."""
    radiotherapy_share: Assumption[Share]
    """Share of new cases that receive radiotherapy."""
    systemic_share: Assumption[Share]
    """Share of new cases that receive systemic therapy."""
