"""Settings of the referral analysis: attribution, loyalty tiers, periods compared, network, outreach."""

from typing import Annotated

from pydantic import Field

from .base import Assumption, Count, Positive, Section, Share


class Referrals(Section):
    attribution: str
    """Rule that gives a patient to one referrer and one destination, as printed on the page."""
    window_days: Annotated[int, Field(ge=1, le=730)]
    """Days around the first oncology encounter in which a referral is looked for."""
    period_quarters: Annotated[int, Field(ge=1, le=20)]
    """Quarters in each of the two periods that are compared."""
    loyal_share: Assumption[Share]
    """Share of a clinician's referrals to our network at and above which the clinician counts as loyal."""
    lost_share: Assumption[Share]
    """Share of a clinician's referrals to our network below which the clinician counts as lost."""
    smallest_volume_n: Assumption[Count]
    """Referrals in the larger of two periods below which a change is not judged."""
    false_discovery_share: Assumption[Share]
    """Share of the changes called that may be false, controlled over all changes judged together."""
    sole_referrer_share: Assumption[Share]
    """Share of a tumor site's referrals from one clinician at and above which that site depends on a sole referrer."""
    succession_years: Assumption[Positive]
    """Years since graduation from which a referrer's practice counts as a succession risk."""
    same_day_share: Assumption[Share]
    """Share of same-day encounters from which a link with radiology, laboratory, anesthesia or emergency is dropped."""
    resolution: Assumption[Positive]
    """Resolution of the community search: above 1 gives more and smaller communities."""
    seed: Count
    """Seed of community search, permutations and simulated intervals."""
    most_flows: Count
    """Origin-destination lines that the flow map draws; the rest is counted beside it."""
    keepage_target_share: Assumption[Share]
    """Share of eligible referrals from affiliated clinicians that should stay in our network."""
    split_target_share: Assumption[Share]
    """Share of eligible referrals from independent clinicians that outreach aims for."""
    smallest_wait_n: Assumption[Count]
    """Patients from which a tumor site's waiting time is compared with the others'."""
    win_affiliated_share: Assumption[Share]
    """Probability that outreach moves an affiliated clinician to the target share."""
    win_independent_share: Assumption[Share]
    """Probability that outreach moves an independent clinician to the target share."""
    win_certainty_n: Assumption[Positive]
    """Weight of the two probabilities in attempts remembered: fewer make wider intervals."""
