"""The settings of one partner: who it is, which region it is judged in, and one section per subject."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PrivateAttr

from .base import Assumption, Ccn, Count, CountyFips, Date, Latitude, Longitude, Section, Zip
from .brief import Brief
from .demand import Demand
from .disclosure import Disclosure
from .growth import Growth
from .market import Market
from .philanthropy import Philanthropy
from .referrals import Referrals
from .run import Run
from .scorecard import Scorecard
from .text import Mark

if TYPE_CHECKING:
    import pandas as pd


class Settings(Section):
    id: str
    """Partner id: the name of its file."""
    name: str
    """Name of the hospital as pages print it."""
    place: str
    """Town and state as pages print them."""
    ccn: Ccn
    """CMS certification number of the hospital."""
    zip: Zip
    """ZIP code of the hospital."""
    county_fips: CountyFips
    """FIPS code of the hospital's county."""
    lat: Latitude
    """Latitude of the hospital, degrees."""
    lon: Longitude
    """Longitude of the hospital, degrees."""
    system: str
    """Academic health system that the partner is affiliated with."""
    network: list[str]
    """Systems whose hospitals and clinicians count as ours."""
    program: str
    """Title of the system's cancer program, printed at the head of each page."""
    region: list[CountyFips]
    """Counties whose figures are read, as FIPS codes."""
    market_counties: list[CountyFips]
    """Counties in which this partner's market is judged, as FIPS codes."""
    as_of: Date
    """Last day that the data cover."""
    audience: Literal["leadership", "internal"]
    """Readers of the pages: leadership, or internal ones as well, who get pages of their own that name clinicians and donors."""
    max_age_days: Count
    """Age of a table, in days before the as-of date, from which a page warns about it."""
    market: Market
    demand: Demand
    referrals: Referrals
    growth: Growth
    philanthropy: Philanthropy
    scorecard: Scorecard
    brief: Brief
    disclosure: Disclosure
    run: Run
    notebooks: dict[str, dict[str, Any]]
    """Papermill parameters by notebook, as text: the notebook's own annotation gives the type."""

    _root: Path = PrivateAttr(default_factory=Path)
    _marks: dict[tuple, Mark] = PrivateAttr(default_factory=dict)
    _overridden: frozenset[tuple] = PrivateAttr(default=frozenset())

    @property
    def root(self) -> Path:
        """Folder that holds params/, data/ and notebooks/."""
        return self._root

    @property
    def overridden(self) -> frozenset[tuple]:
        """Paths of the assumptions to which the partner's file gives values of its own."""
        return self._overridden

    def mark(self, *path: str | int) -> Mark | None:
        """File and line of a setting, such as `mark("market", "psa_share")`; None when a default was used."""
        return self._marks.get(path)

    def assumptions(self, *sections: str) -> "pd.DataFrame":
        """The assumptions of the named sections, or of all.

        Returns
        -------
        One row per assumption: key, value, unit, source, date, confidence, overridden (this partner's own value), file, meaning.
        """
        import pandas as pd  # here, because listing and checking settings should start without it

        names = sections or tuple(type(self).model_fields)
        rows = [
            self._row(path, assumption, meaning) for name in names for path, assumption, meaning in _walk(getattr(self, name), (name,), "")
        ]
        return pd.DataFrame(rows, columns=["key", "value", "unit", "source", "date", "confidence", "overridden", "file", "meaning"])

    def _row(self, path: tuple, assumption: Assumption, meaning: str) -> dict[str, Any]:
        mark = self._marks.get((*path, "value")) or self._marks.get(path)
        return {
            "key": ".".join(map(str, path)),
            **assumption.model_dump(),
            "overridden": path in self._overridden,
            "file": mark.file if mark else "",
            "meaning": meaning,
        }


def _walk(value: Any, path: tuple, meaning: str) -> Iterator[tuple[tuple, Assumption, str]]:
    if isinstance(value, Assumption):
        yield path, value, meaning
    elif isinstance(value, Section):
        for name, field in type(value).model_fields.items():
            yield from _walk(getattr(value, name), (*path, name), field.description or meaning)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key), meaning)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _walk(item, (*path, position), meaning)
