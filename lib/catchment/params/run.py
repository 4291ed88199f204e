"""Settings of the runner: parallel work, patience, limits, what is tried again, what is kept or added, and when pages are due."""

from typing import Annotated

from pydantic import Field

from .base import Count, Positive, Section


class Schedule(Section):
    """When a partner's pages are due."""

    cron: str
    """When the pages are due, as a cron expression (minute hour day month weekday)."""
    zone: str
    """Time zone of the cron expression, such as America/Chicago."""
    notebooks: list[str]
    """Notebooks built on this schedule; an empty list means all."""
    deadline_min: Positive
    """Minutes after the due time by which the pages have to be up; later ones are reported as late."""


class Run(Section):
    jobs: Count
    """Pages built at the same time; 0 means one for each processor, as far as the memory reaches."""
    timeout_s: Positive
    """Seconds after which a page that is still being built is ended and counts as failed."""
    cell_timeout_s: Positive
    """Seconds after which a cell that is still running is ended and its page counts as failed."""
    memory_mb: Positive
    """Memory that the processes of one page may use, in MB; a page that takes more is ended and counts as failed."""
    retries: Count
    """How often a page that failed for a passing reason is built again."""
    retry_wait_s: Annotated[float, Field(ge=0)]
    """Seconds before the first repetition; each further one waits twice as long."""
    transient: list[str]
    """Errors that pass by themselves, by name of their type; any other is a bug and is not tried again."""
    keep_n: Count
    """Earlier published runs of the partner that stay readable beside the present one."""
    pdf: bool
    """Whether each page comes with a PDF of it."""
    deck: bool
    """Whether the executive brief comes with its slides."""
    schedule: Schedule | None = None
    """When this partner's pages are due; without one they are built on request only."""
