"""Settings of the philanthropy report: fiscal year, counting policy, benchmarks, stage probabilities, pledge allowance."""

from .base import Assumption, Count, Month, Positive, Section, Share


class Philanthropy(Section):
    fiscal_year_start_month: Month
    """Month in which the fiscal year starts; the year is named by the calendar year in which it ends."""
    in_kind_is_cash: bool
    """Whether in-kind gifts count as cash too; they always count as production."""
    retention_goal_share: Assumption[Share]
    """Goal for the share of last year's donors who give again."""
    retention_benchmark_share: dict[str, Assumption[Share]]
    """Retention elsewhere, for overall, first-time and repeat donors."""
    dominant_donor_share: Assumption[Share]
    """Share of a year's cash from one donor from which the page speaks of dependence."""
    lapse_donors_n: Assumption[Count]
    """Donors that a segment needs before its retention is judged."""
    ctrd_usd: dict[str, Assumption[Positive]]
    """Cost to raise a dollar that a program should stay under."""
    stage_share: dict[str, Assumption[Share]]
    """Probability that a proposal in a stage is funded in the end, before own experience."""
    stage_weight_n: Assumption[Positive]
    """Closed proposals that the probability before own experience is worth."""
    stalled_days: Assumption[Count]
    """Days in one stage, with no move ahead, after which a proposal counts as stalled."""
    portfolio_n: dict[str, Assumption[Count]]
    """Prospects in a full-time gift officer's portfolio, low and high."""
    lead_gift_share: Assumption[Share]
    """Lead gift of a gift-range chart as a share of the campaign goal."""
    prospects_per_gift_n: list[Assumption[Positive]]
    """Prospects needed per gift, from the top tier of a gift-range chart down; the last one holds for all tiers below."""
    allowance_share: dict[str, Assumption[Share]]
    """Part of a pledge balance expected to be uncollectible, by age."""
    burn_tolerance_share: Assumption[Share]
    """Distance between the share of an award spent and the share of its period gone that still counts as on pace."""
    report_window_days: Assumption[Count]
    """Days ahead in which reports due to funders are listed."""
    negotiated_indirect_share: Assumption[Share]
    """Indirect cost rate negotiated with sponsors, as a share of direct cost."""
    forecast_level_share: Assumption[Share]
    """Level of the year-end forecast's prediction interval."""
