"""A partner's volumes by year: what was observed, and what comes if nothing changes.

Definitions used
----------------
Measure
    One kind of volume: analytic cases, patients by modality, visits, fractions, operations.
Service
    A measure that follows the working days of a quarter.

Known bias: as for `forecast` and `quarters`, which do the work.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import pandas as pd

from catchment.stats import forecast, quarters
from catchment.stats.forecast import Outlook

SERVICES = ("infusion_visits", "fractions", "surgeries")
LATER = 5  # years ahead that sentences speak of


@dataclass(frozen=True)
class Volumes:
    """Volumes of all measures, cleaned, tested and continued.

    Parameters
    ----------
    tidy
        One row per measure, tumor site and quarter, see `quarters.tidy`.
    as_of
        Last day that the data cover.
    years_n
        Years to forecast.
    """

    tidy: pd.DataFrame = field(repr=False)
    as_of: date
    years_n: int

    @property
    def now(self) -> int:
        """The last year observed."""
        return self.as_of.year

    @property
    def later(self) -> int:
        """The year that sentences speak of."""
        return self.now + min(LATER, self.years_n)

    @property
    def last(self) -> int:
        """The last year forecast."""
        return self.now + self.years_n

    @cached_property
    def outlook(self) -> Outlook:
        """The measures' series, see `forecast.outlook`."""
        return self._continued(self.tidy, "measure", per_day=SERVICES)

    @cached_property
    def past(self) -> pd.DataFrame:
        """Years observed, see `quarters.yearly`: ``measure, year, volume_n`` and more."""
        return quarters.yearly(self.outlook.cleaned).rename(columns={"series": "measure"})

    @cached_property
    def years(self) -> pd.DataFrame:
        """Years forecast, see `forecast.forecast`: ``measure, year, volume_n``, its limits and more."""
        return self.outlook.years.rename(columns={"series": "measure"})

    @property
    def recent(self) -> pd.Series:
        """Volume of the last year observed by measure."""
        return self.past[self.past["year"].eq(self.now)].set_index("measure")["volume_n"]

    @property
    def ahead(self) -> pd.DataFrame:
        """Each measure's forecast for the year `later`, and where it stands (``now_n``)."""
        return self.years[self.years["year"].eq(self.later)].assign(now_n=lambda rows: rows["measure"].map(self.recent))

    def only(self, measures: Iterable[str]) -> pd.DataFrame:
        """Volumes of the last year observed of these measures: ``measure, volume_n``."""
        return self.recent[self.recent.index.isin(list(measures))].rename_axis("measure").rename("volume_n").reset_index()

    @cached_property
    def by_site(self) -> Outlook:
        """Cases by tumor site; the forecast years add up to the forecast of all cases."""
        each = self._continued(self.tidy[self.tidy["measure"].eq("cases")], "site")
        return each._replace(years=forecast.reconciled(each.years, self.years[self.years["measure"].eq("cases")]))

    def _continued(self, tidy: pd.DataFrame, by: str, *, per_day: tuple[str, ...] = ()) -> Outlook:
        return forecast.outlook(quarters.totals(tidy, by), as_of=self.as_of, horizon=4 * self.years_n, per_day=per_day)


def continued(table: pd.DataFrame, *, as_of: date, years: int) -> Volumes:
    """The volumes of a table with one column per measure (``cases_n`` …), one row per ``year, quarter, site``, for the years to come."""
    return Volumes(quarters.tidy(table), as_of, years)
