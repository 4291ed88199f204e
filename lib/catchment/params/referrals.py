"""Settings of the referral analysis: loyalty tiers."""

from .base import Assumption, Section, Share


class Referrals(Section):
    loyal_share: Assumption[Share]
    """Share of a clinician's referrals to our network at and above which the clinician counts as loyal."""
    lost_share: Assumption[Share]
    """Share of a clinician's referrals to our network below which the clinician counts as lost."""
