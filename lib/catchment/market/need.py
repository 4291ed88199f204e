"""The need of an area by tumor site, now and ahead: local levels, trends, projection, stage and pyramid, put together.

Definitions and methods are those of `demand` and `burden`. "Now" is the year of the data's last day, "ahead" the horizon.

Known bias: sites without a county rate stand at the national level; see `demand`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from catchment import words
from catchment.data import Tables, between
from catchment.data.counties import CODE, Counties
from catchment.params.demand import Demand
from catchment.stats import demand
from catchment.stats.incidence import local_level, national_series, pooled_rate, reference_rates
from catchment.stats.rates import quotient, wilson

from .catchment_area import area_population
from .shares import location_quotient

TABLES = (
    "population",
    "population_projection",
    "county_projection_region",
    "population_total",
    "incidence",
    "incidence_by_age",
    "incidence_us_age_year",
    "standard_population",
)
NEEDED = ("population", "incidence_by_age", "standard_population")  # without the others a page says what it lacks
NATION = "00000"  # in place of a county code
OLD = 65  # the age from which people count as older
CASES = ["site", "now_n", "now_low", "now_high", "ahead_n", "ahead_low", "ahead_high"]  # of `outlook`, to show


class Basis(NamedTuple):
    """What the people of an area rest on: the years of their ages and totals, what carries them forward, or why nothing does."""

    aged: str
    total: str
    projection: str
    absent: str = ""


class Need(NamedTuple):
    """The need of an area: people by year, national series and rates, expected cases, outlook by site, drivers, levels, county totals."""

    people: pd.DataFrame
    national: pd.DataFrame
    rates: pd.DataFrame
    cases: pd.DataFrame
    outlook: pd.DataFrame
    drivers: pd.DataFrame
    levels: pd.DataFrame
    counties: pd.DataFrame
    projected: pd.DataFrame
    basis: Basis

    @property
    def forward(self) -> bool:
        """Whether a projection carries the people of the area forward; without one nothing is said of the year ahead."""
        return bool(self.people["status"].eq("projected").any())

    @property
    def total(self) -> pd.Series:
        """Row of all sites of the outlook."""
        return self.outlook[self.outlook["site"] == "All sites"].iloc[0]

    @property
    def sites(self) -> pd.DataFrame:
        """Outlook of the single sites."""
        return self.outlook[self.outlook["site"] != "All sites"]

    @property
    def years(self) -> tuple[int, int]:
        """Now and ahead."""
        return int(self.people["year"].min()), int(self.people["year"].max())

    @property
    def ages(self) -> pd.DataFrame:
        """`pyramid` of the area."""
        return pyramid(self.people, now=self.years[0], ahead=self.years[1])

    @property
    def steps(self) -> pd.DataFrame:
        """`bridge` of the growth."""
        return bridge(self.drivers, start=str(self.years[0]))

    def in_area(self, year: int) -> pd.DataFrame:
        """People of the area in a year."""
        return self.people[self.people["year"] == year]

    def in_year(self, year: int) -> pd.DataFrame:
        """People of the area's whole counties in a year, `county_fips, sex, age_low, population_n` and more."""
        return self.projected[self.projected["year"] == year]


def frames(tables: Tables, counties: Counties, *, until: int) -> dict[str, pd.DataFrame]:
    """The tables of `TABLES` up to a year: the counties of the map and the nation.

    A county of which only a part of the people is known has no row.
    """
    found = {}
    for name in TABLES:
        filters = {"year": between(None, until)} if name == "population" else {}
        frame = counties.read(tables, name, allow_empty=name not in NEEDED, **filters)
        found[name] = frame[frame[CODE].isin({*counties.known, NATION})] if CODE in frame else frame
    people = found["population"]
    return found | {"population": people[~people[CODE].isin(people.loc[people["population_n"].isna(), CODE])]}


def assess(frames: Mapping[str, pd.DataFrame], *, weights: pd.DataFrame, years: tuple[int, int], model: Demand) -> Need:
    """Put the demand model together for the area that `weights` (of `catchment_area.county_weights`) describe.

    `frames` holds the tables of `TABLES`; `model` is the settings' section `demand`. Each county keeps its own level; sites are added over
    counties.

    Raises
    ------
    ValueError
        No county of the area has people by age.
    """
    population = frames["population"]
    weights = weights[weights["county_fips"].isin(population["county_fips"])]
    if weights.empty:
        raise ValueError("no ZIP of the service area lies in a county that has people by age (table population): need cannot be counted")
    sites = model.sites
    ahead, basis = _carried(frames, weights, years)
    projected = demand.county_projection(
        population, ahead, frames["county_projection_region"], years=list(years), totals=frames["population_total"]
    )
    people = area_population(projected, weights)
    national = national_series(frames["incidence_us_age_year"], frames["standard_population"])
    rates = reference_rates(frames["incidence_by_age"], sites)
    local = levels(frames["incidence"], sites, weights["county_fips"].tolist(), national)
    trends = demand.site_trends(
        national,
        [*sites, "All other"],
        first=model.trend_first_year,
        base=(int(frames["incidence_by_age"]["year_first"].min()), int(frames["incidence_by_age"]["year_last"].max())),
        without=tuple(model.trend_skips),
        level_error=model.held_trend_points.value,
    )
    cases = demand.project(
        people,
        rates,
        levels=local,
        trends=trends,
        damping=model.trend_damping.value,
        cap=model.trend_cap_share.value,
        population_error=model.population_error_share.value,
        unknown_level_error=model.unknown_level_share.value,
    )
    now = projected[projected["year"] == min(years)]
    each = demand.expected_cases(now, rates, by=["county_fips"]).rename(columns={"cases_n": "expected_n"})
    return Need(people, national, rates, cases, outlook(cases), drivers(cases, people), local, each, projected, basis)


def _carried(frames: Mapping[str, pd.DataFrame], weights: pd.DataFrame, years: tuple[int, int]) -> tuple[pd.DataFrame, Basis]:
    """The projection as far as it reaches the years, and what the people of the area rest on."""
    ahead, regions, totals = (frames[name] for name in ("population_projection", "county_projection_region", "population_total"))
    here = frames["population"][frames["population"]["county_fips"].isin(weights["county_fips"])]
    latest = here.groupby("county_fips")["year"].max()
    aged = words.span(latest.min(), latest.max())
    total = f"{int(totals['year'].max())}" if totals["county_fips"].isin(weights["county_fips"]).any() else ""
    absent = "there is no population projection"
    if len(ahead) and not ahead["year"].min() <= min(years) <= max(years) <= ahead["year"].max():
        absent = f"the population projection covers {words.span(ahead['year'].min(), ahead['year'].max())}, not {words.span(*years)}"
        ahead = ahead.iloc[:0]
    own = regions[regions["county_fips"].isin(weights["county_fips"])]
    wide = regions["projection_region"].isin(own["projection_region"]).sum() > own["projection_region"].nunique()
    status = words.listing(sorted(ahead.loc[ahead["projection_region"].isin(own["projection_region"]), "status"].unique()))
    return ahead, Basis(aged, total, f"{status} {'regional' if wide else 'county'} projection" if status else "", absent)


def reference(period: pd.DataFrame, national: pd.DataFrame, country: pd.DataFrame) -> tuple[float, str]:
    """Age-adjusted rate to compare the counties of one site and period with, and where it comes from.

    The nation's row of the same listing, else the national series of the same years, else the pooled rate of the listed
    counties: other national tables define some sites differently, which would pass for a local excess.
    """
    site, first, last = period["site"].iloc[0], int(period["year_first"].iloc[0]), int(period["year_last"].iloc[0])
    own = country[(country["site"] == site) & (country["year_first"] == first) & (country["source"] == period["source"].iloc[0])]
    if own["rate_100k"].notna().any():
        return float(own["rate_100k"].dropna().iloc[0]), "the nation in the same listing"
    series = national[(national["site"] == site) & (national["sex"] == period["sex"].iloc[0]) & national["year"].between(first, last)]
    if len(series) == last - first + 1:
        return float(series["rate_100k"].mean()), "the national series of these years"
    return pooled_rate(period), "all listed counties together"


def levels(incidence: pd.DataFrame, sites: list[str], counties: list[str], national: pd.DataFrame) -> pd.DataFrame:
    """Local level of each site and county from its latest published rate.

    `incidence` holds every county with the national rows (`county_fips` "00000"). Columns `site, county_fips, level, level_low,
    level_high, cases_n, period, compared`; a county or site without any published rate is absent.
    """
    country, local = incidence[incidence["county_fips"] == NATION], incidence[incidence["county_fips"] != NATION]
    found, settled = [], set()
    # Newest first: a county keeps the first level that it gets, and periods that add none are not fitted.
    for (site, last, first, _), period in sorted(
        local[local["site"].isin(sites)].groupby(["site", "year_last", "year_first", "source"]), key=lambda item: -item[0][1]
    ):
        wanted = [
            c
            for c in period.loc[period["rate_100k"].notna() & period["county_fips"].isin(counties), "county_fips"]
            if (site, c) not in settled
        ]
        if not wanted:
            continue
        height, compared = reference(period, national, country)
        level = local_level(period, height, years=last - first + 1)
        found.append(level[level["county_fips"].isin(wanted)].assign(site=site, period=f"{first}-{last}", compared=compared))
        settled |= {(site, c) for c in wanted}
    columns = ["site", "county_fips", "level", "level_low", "level_high", "cases_n", "period", "compared"]
    if not found:
        return pd.DataFrame(columns=columns).astype({"level": float, "level_low": float, "level_high": float})
    return pd.concat(found, ignore_index=True).sort_values(["site", "county_fips"], ignore_index=True)[columns]


def outlook(projected: pd.DataFrame) -> pd.DataFrame:
    """Sites side by side, largest first, the total last: cases in the first and last year with intervals, growth, trend.

    Columns `site, now_n, now_low, now_high, ahead_n, ahead_low, ahead_high, growth_share, yearly_share, apc, apc_low, apc_high,
    trend, basis`.
    """
    table = demand.limits(pd.concat([projected, demand.total(projected)], ignore_index=True))
    first, last = table["year"].min(), table["year"].max()
    start, end = (table[table["year"] == year].set_index("site") for year in (first, last))
    out = pd.DataFrame(
        {
            "now_n": start["expected_n"],
            "now_low": start["expected_low"],
            "now_high": start["expected_high"],
            "ahead_n": end["expected_n"],
            "ahead_low": end["expected_low"],
            "ahead_high": end["expected_high"],
        }
    )
    out["growth_share"] = quotient(out["ahead_n"], out["now_n"]) - 1
    out["yearly_share"] = quotient(out["ahead_n"], out["now_n"]) ** (1 / max(last - first, 1)) - 1
    out = out.join(start[["apc", "apc_low", "apc_high", "trend", "basis"]])
    held = out["basis"].fillna("").str.startswith("held")
    out.loc[held, ["apc", "apc_low", "apc_high"]] = np.nan
    out.loc[held, "trend"] = "held level"
    order = out["now_n"].where(out.index != "All sites", -1).where(out.index != "All other", -0.5)
    return out.loc[order.sort_values(ascending=False).index].reset_index()


def drivers(projected: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """Three-term decomposition of the growth of each site from the first to the last year of `demand.project`."""
    first, last = projected["year"].min(), projected["year"].max()
    start, end = (projected[projected["year"] == year].set_index("site") for year in (first, last))
    people = population.groupby("year")["population_n"].sum()
    change = end["rate_factor"] / start["rate_factor"]
    return demand.terms(start["expected_n"], end["expected_n"] / change, growth=people[last] / people[first], rate_change=change)


def bridge(table: pd.DataFrame, *, start: str) -> pd.DataFrame:
    """Rows of a bridge, all sites together: the start and the three terms (`step, demand_n`)."""
    sums = table[["before_n", "size_n", "aging_n", "rate_n"]].sum()
    return pd.DataFrame({"step": [start, "More people", "Older people", "Rates"], "demand_n": sums.to_numpy()})


def heights(need: Need) -> pd.Series:
    """For each site the level that its cases stand at, in words: the counties' own, of which years, or the national one."""
    every = need.people["county_fips"].nunique()
    said = {}
    for site, rows in need.levels[need.levels["county_fips"].isin(need.people["county_fips"])].groupby("site"):
        periods = rows.groupby("period")["county_fips"].nunique().sort_values(ascending=False, kind="stable")
        parts = [f"county {period}" if n == every else f"{n} of {every} counties {period}" for period, n in periods.items()]
        rest = every - int(periods.sum())
        said[site] = ", ".join([*parts, *([f"{rest} national"] if rest else [])])
    return pd.Series({site: said.get(site, "national") for site in need.sites["site"]}, dtype=str)


def pyramid(population: pd.DataFrame, *, now: int, ahead: int) -> pd.DataFrame:
    """People by ten-year age band and sex now and ahead: `age, sex, people, people_ahead`, youngest first."""
    lows = (population["age_low"] // 10 * 10).clip(upper=80)
    rows = population.assign(low=lows, age=np.where(lows == 80, "80+", lows.astype(str) + "-" + (lows + 9).astype(str)))
    wide = rows.pivot_table(index=["low", "age", "sex"], columns="year", values="population_n", aggfunc="sum").reset_index()
    wide["sex"] = wide["sex"].map({"female": "Women", "male": "Men"})
    return wide.rename(columns={now: "people", ahead: "people_ahead"})[["age", "sex", "people", "people_ahead"]].reset_index(drop=True)


def old_share(population: pd.DataFrame, year: int, *, age: int = OLD) -> float:
    """Share of people of that age or older in a year."""
    rows = population[population["year"] == year]
    return quotient(rows.loc[rows["age_low"] >= age, "population_n"].sum(), rows["population_n"].sum())


def zip_need(zips: pd.DataFrame, cases: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """Expected new cases of each ZIP: its people times its county's cases per person (`zip, expected_n, expected_low, expected_high`).

    `cases` has `county_fips, expected_n`; limits are Poisson's with 10 % for a ZIP whose age differs from its county's.
    """
    people = population.groupby("county_fips")["population_n"].sum()
    per_head = cases.set_index("county_fips")["expected_n"] / people
    table = zips[["zip", "population_n", "county_fips"]].copy()
    table["expected_n"] = table["population_n"] * table["county_fips"].map(per_head)
    known = table["expected_n"].notna()
    low, high = demand.prediction_limits(table.loc[known, "expected_n"], 0.10)
    table.loc[known, "expected_low"], table.loc[known, "expected_high"] = low, high
    return table.drop(columns="county_fips")


def site_mix(ours: pd.DataFrame, outlook: pd.DataFrame) -> pd.DataFrame:
    """Location quotient of our cases by site against the area's expected cases.

    Columns `site, cases_n, mix_share, area_share, lq_ratio, lq_ratio_low, lq_ratio_high`. `ours` has `site, cases_n`. Above 1
    we see more of a site than the area's mix suggests; limits are those of our share of it.
    """
    area = outlook[outlook["site"] != "All sites"].set_index("site")["now_n"]
    table = ours.groupby("site", as_index=False)["cases_n"].sum()
    table = table[table["site"].isin(area.index)].reset_index(drop=True)
    table["mix_share"] = quotient(table["cases_n"], table["cases_n"].sum())
    expected = table["site"].map(area).astype("float64")  # without a row the map would have the type of the sites
    table["area_share"] = expected / area.sum()
    table["lq_ratio"] = location_quotient(table["cases_n"], expected)
    low, high = wilson(table["cases_n"], table["cases_n"].sum())
    table["lq_ratio_low"], table["lq_ratio_high"] = low / table["area_share"], high / table["area_share"]
    return table.sort_values("lq_ratio", ascending=False, ignore_index=True)
