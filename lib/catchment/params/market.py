"""Settings of the market analysis: service area and concentration."""

from .base import Assumption, Section, Share


class Market(Section):
    psa_share: Assumption[Share]
    """Share of the hospital's patients that the primary service area must hold."""
    tsa_share: Assumption[Share]
    """Share of the hospital's patients that the total service area must hold."""
    hhi_moderate: Assumption
    """Herfindahl-Hirschman index above which a market is moderately concentrated."""
    hhi_high: Assumption
    """Herfindahl-Hirschman index above which a market is highly concentrated."""
