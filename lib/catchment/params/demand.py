"""Settings of the demand model: sites, horizon, trend, interval and treatment use."""

from typing import Annotated

from pydantic import Field

from .base import Assumption, Count, Section, Share, Year


class Demand(Section):
    horizon_years: Count
    """Years ahead of the as-of date that demand is projected."""
    sites: list[str]
    """Tumor sites shown by name; they must not overlap. The rest becomes "All other"."""
    trend_first_year: Year
    """First year of the national series from which trends are estimated."""
    trend_skips: list[Year]
    """Years left out of trends because diagnosis was distorted."""
    trend_damping: Assumption[Annotated[float, Field(gt=0, le=1)]]
    """Part of a trend that carries over from each future year to the next."""
    trend_cap_share: Assumption[Share]
    """Largest change of a rate over the projected years, up or down."""
    held_trend_points: Assumption[Annotated[float, Field(ge=0)]]
    """Uncertainty of the trend of sites that have no national series and are held level."""
    population_error_share: Assumption[Share]
    """Relative standard error of a ten-year population projection."""
    unknown_level_share: Assumption[Share]
    """Relative standard error of the local level of sites without a county rate."""
    radiotherapy_share: Assumption[Share]
    """Share of new cases that receive radiotherapy."""
    systemic_share: Assumption[Share]
    """Share of new cases that receive systemic therapy."""
