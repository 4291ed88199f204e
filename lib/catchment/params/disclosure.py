"""Settings of disclosure control: the smallest count of people that may be shown."""

from .base import Assumption, Count, Section


class Disclosure(Section):
    smallest_shown_n: Assumption[Count]
    """Smallest count of people, other than zero, that a page may show when its source names no threshold of its own."""
