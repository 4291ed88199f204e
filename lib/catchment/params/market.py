"""Settings of the market analysis: service area, concentration, travel, access and opportunity."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Assumption, Ccn, Count, Positive, Section, Share


class Market(Section):
    area_rule: Literal["origin", "contiguous", "total"]
    """Definition of the service area that shares refer to: patient origin (primary), contiguous, or total."""
    primary_share: Assumption[Share]
    """Share of the hospital's patients in the primary service area by patient origin."""
    secondary_share: Assumption[Share]
    """Further share of the hospital's patients in the secondary service area by patient origin."""
    psa_share: Assumption[Share]
    """Share of the hospital's patients that the contiguous service area must hold."""
    tsa_share: Assumption[Share]
    """Share of the hospital's patients that the total service area must hold."""
    hhi_moderate: Assumption
    """Herfindahl-Hirschman index from which a market is moderately concentrated."""
    hhi_high: Assumption
    """Herfindahl-Hirschman index above which a market is highly concentrated."""
    tertiary_hospitals: list[Ccn]
    """Hospitals whose patients come for care that a community hospital does not offer (CCN)."""
    false_discovery_share: Assumption[Share]
    """Share of local clusters and of over- or under-performing ZIPs called that may be false."""
    permutations: Count
    """Random permutations behind the p-values of spatial statistics."""
    seed: Count
    """Seed of permutations and simulated ranges."""
    speed_kmh: Assumption[Positive]
    """Average driving speed."""
    detour_ratio: Assumption[Annotated[float, Field(ge=1)]]
    """Driving distance over straight distance."""
    start_min: Assumption[Annotated[float, Field(ge=0)]]
    """Minutes of each trip for starting, parking and walking."""
    centroid_km: Assumption[Annotated[float, Field(ge=0)]]
    """Kilometers added to each distance in the choice model, since people do not live at their ZIP's centroid."""
    map_min: Positive
    """Travel time from the hospital up to which maps show ZIPs."""
    band_minutes: list[Positive]
    """Upper edges of the travel-time bands."""
    reach_min: Assumption[Positive]
    """Travel time within which a hospital counts as reachable in the two-step floating catchment area."""
    zone_weights: dict[str, Assumption[Share]]
    """Weight of each travel-time zone (upper edge in minutes) in the enhanced and three-step methods."""
    crowding_min: Assumption[Positive]
    """Travel time that people accept to avoid the region's mean crowding (RAAM)."""
    underserved_ratio: Assumption[Positive]
    """Supply per case over the region's mean below which a place counts as underserved."""
    feasible_near_min: Assumption[Annotated[float, Field(ge=0)]]
    """Travel time up to which winning a patient is fully feasible."""
    feasible_far_min: Assumption[Positive]
    """Travel time from which winning a patient is not feasible."""
