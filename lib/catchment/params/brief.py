"""Settings of the executive brief: how many findings, and the rule that picks them."""

from .base import Assumption, Count, Positive, Section, Share


class Brief(Section):
    fewest_n: Count
    """Findings that the brief shows when the pages have that many."""
    most_n: Count
    """Findings beyond which the brief does not go."""
    per_page_n: Count
    """Findings that one page may give."""
    least_score: Assumption[Share]
    """Score that a finding beyond the fewest must reach."""
    half_share: Assumption[Positive]
    """Part of the program's cases or contribution at which a finding's size counts one half."""
    standing_share: Assumption[Share]
    """Weight of a finding that did not change, against one that is new."""
    tolerance_share: Assumption[Share]
    """Relative difference up to which two pages' numbers count as equal."""
    risks_n: Count
    """Risks and issues that the brief lists."""
    decision_months: Count
    """Months ahead within which a starting initiative is a decision to take."""
