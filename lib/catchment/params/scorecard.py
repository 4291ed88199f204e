"""Settings of the program scorecard: control limits, targets, materiality, accreditation."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Assumption, Date, Positive, Section, Share

Category = Literal["ACAD", "CCCP", "CCP", "FCCP", "HACP", "INCP", "NCIN", "NCIP", "PCP", "VACP"]


class Scorecard(Section):
    category: Category
    """Program category of the Commission on Cancer."""
    site_visit: Date
    """Day of the next accreditation site visit."""
    limit_sigmas: Assumption[Positive]
    """Distance of the control limits from the center line."""
    run_points: Assumption[int]
    """Points in a row on one side of the mean, or in one direction, that make a special cause."""
    lasting_points: Assumption[Annotated[int, Field(ge=12)]]
    """Points in a row on one side of the mean after which limits follow a shift that nobody declared."""
    baseline_years: Assumption[Positive]
    """Years at the start of a series, or of a declared step, from which its limits are computed."""
    hidden_share: Assumption[Share]
    """Share of hidden periods up to which an indicator is shown by that period."""
    targets: dict[str, Assumption]
    """Target of each indicator, in the unit of the indicator."""
    materiality_share: Assumption[Share]
    """Share of the original budget that a variance must pass to be material."""
    materiality_usd: Assumption[Positive]
    """Dollars that a variance must pass to be material."""
    at_risk_share: Assumption[Share]
    """Share of a standard's threshold above it within which the standard is at risk."""
    rate_expected_share: Assumption[Share]
    """Share of eligible patients treated as the quality measures ask (standard 7.1); complied with while the interval reaches it."""
    composite_band_share: Assumption[Share]
    """Distance from the target, as a share of it, at which an indicator's part of the composite score is 0."""
    domain_weights: dict[str, Positive]
    """Weight of each domain in the composite score; a domain that is not named has none."""
    accrual_share: dict[Category, Assumption[Share]]
    """Share of analytic cases to be enrolled in research, by program category."""
    slip_days: Assumption[Positive]
    """Days that a milestone may slip and still count as on time."""
