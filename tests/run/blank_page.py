"""A page that costs nothing to build, for tests of what stands around pages. A module of its own, since a page's process imports it."""

from catchment.run.build.job import Built

BYTES = 300_000


def build(job, tell, folder):
    tell("cell", 1, job.source, "[]")
    return Built(job.page, html=bytes(BYTES))
