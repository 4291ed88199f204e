"""Settings of the growth scenarios: horizon and finance."""

from .base import Assumption, Count, Section, Share


class Growth(Section):
    horizon_years: Count
    """Years ahead of the as-of date that volumes and cash flows are projected."""
    discount_share: Assumption[Share]
    """Yearly discount rate of the net present value, nominal."""
