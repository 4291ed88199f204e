"""A partner's volumes by year: what was observed, and what comes if nothing changes.

Definitions used
----------------
Measure
    One kind of volume: analytic cases, patients by modality, visits, fractions, operations.
Service
    A measure that follows the working days of a quarter.
Now
    The last calendar year of which every quarter is on record: what years are compared with. A year in part observed is forecast for the
    rest of its quarters and compared with no other.
Base
    The year before the plan's first. The plan starts with the year that goes on, or begins, on the day after the data's last (`as_of`).

Known bias: as for `forecast` and `quarters`, which do the work.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
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
        Years of the plan.
    """

    tidy: pd.DataFrame = field(repr=False)
    as_of: date
    years_n: int

    @property
    def base(self) -> int:
        """The year before the plan's first."""
        return (self.as_of + timedelta(days=1)).year - 1

    @property
    def later(self) -> int:
        """The year that sentences speak of."""
        return self.base + min(LATER, self.years_n)

    @property
    def last(self) -> int:
        """The last year of the plan, and of the forecast."""
        return self.base + self.years_n

    @cached_property
    def quarterly(self) -> pd.DataFrame:
        """What was observed by quarter, see `quarters.clean`; quarters that are not over on `as_of` are marked."""
        if self.tidy.empty:
            return pd.DataFrame(columns=["series", "year", "quarter", "volume_n", "used_n", "note"])
        return quarters.clean(quarters.totals(self.tidy, "measure"), as_of=self.as_of)

    @cached_property
    def span(self) -> pd.PeriodIndex:
        """The quarters on record that are over, first to last."""
        over = self.quarterly[self.quarterly["note"].ne(quarters.NOTES[quarters.UNFINISHED])]
        return pd.PeriodIndex.from_fields(year=over["year"], quarter=over["quarter"], freq="Q").unique()

    @property
    def through(self) -> str:
        """To when the volumes were observed, in words: a year, or a quarter of a year that is not over."""
        end = self.span[-1]
        return f"{end.year}" if end.quarter == quarters.SEASON else f"{end.year} Q{end.quarter}"

    @cached_property
    def past(self) -> pd.DataFrame:
        """Whole years observed, see `quarters.yearly`: ``measure, year, volume_n`` and more."""
        every = quarters.yearly(self.quarterly).rename(columns={"series": "measure"})
        return every[every["quarters_n"].eq(quarters.SEASON)].reset_index(drop=True)

    @property
    def now(self) -> int:
        """The last whole year observed; while there is none, the year before the plan's first."""
        return int(self.past["year"].max()) if len(self.past) else self.base

    @property
    def young(self) -> bool:
        """Whether there is no whole year with analytic cases yet, so that nothing can be set beside a forecast."""
        return self.past.empty or not self.recent.get("cases", 0.0) > 0

    @property
    def held(self) -> list[str]:
        """Measures that are younger than the methods need and so held at their mean."""
        return self.years.loc[self.years["method"].eq("mean"), "measure"].unique().tolist()

    @cached_property
    def outlook(self) -> Outlook:
        """The measures' series, see `forecast.outlook`."""
        given = set(self.tidy["measure"])
        return self._continued(self.tidy, "measure", per_day=tuple(service for service in SERVICES if service in given))

    @cached_property
    def years(self) -> pd.DataFrame:
        """Years forecast, a year in part observed first: see `forecast.forecast`, ``measure, year, volume_n``, its limits and more."""
        return self.outlook.years.rename(columns={"series": "measure"})

    @property
    def planned(self) -> pd.DataFrame:
        """The years of the plan."""
        return self.years[self.years["year"] > self.base]

    @property
    def part(self) -> pd.DataFrame:
        """The year in part observed, a row per measure; no row when the data end with a year."""
        return self.years[self.years["observed_quarters_n"] > 0]

    @property
    def recent(self) -> pd.Series:
        """Volume of the last whole year observed by measure; missing where a quarter wasn't delivered and can't be filled."""
        return self.past[self.past["year"].eq(self.now)].set_index("measure")["volume_n"]

    @property
    def ahead(self) -> pd.DataFrame:
        """Each measure's forecast for the year `later`, and where it stands (``now_n``)."""
        return self.years[self.years["year"].eq(self.later)].assign(now_n=lambda rows: rows["measure"].map(self.recent))

    @property
    def unknown(self) -> list[str]:
        """Measures without a value for the last whole year: they can't be planned with."""
        return self.recent.index[self.recent.isna()].tolist()

    def only(self, measures: Iterable[str]) -> pd.DataFrame:
        """Volumes of the last whole year of these measures, those that are known: ``measure, volume_n``."""
        return self.recent[self.recent.index.isin(list(measures))].dropna().rename_axis("measure").rename("volume_n").reset_index()

    @cached_property
    def by_site(self) -> Outlook:
        """Cases by tumor site; the forecast years add up to the forecast of all cases."""
        each = self._continued(self.tidy[self.tidy["measure"].eq("cases")], "site")
        return each._replace(years=forecast.reconciled(each.years, self.years[self.years["measure"].eq("cases")]))

    def _continued(self, tidy: pd.DataFrame, by: str, *, per_day: tuple[str, ...] = ()) -> Outlook:
        horizon = quarters.SEASON * (self.last - self.span[-1].year) + quarters.SEASON - self.span[-1].quarter
        return forecast.outlook(quarters.totals(tidy, by), as_of=self.as_of, horizon=horizon, per_day=per_day)


def continued(table: pd.DataFrame, *, as_of: date, years: int) -> Volumes:
    """The volumes of a table with one column per measure (``cases_n`` …), one row per ``year, quarter, site``, for the years to come."""
    return Volumes(quarters.tidy(table), as_of, years)
