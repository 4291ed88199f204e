"""The need of an area by tumor site, now and ahead: local levels, trends, projection, stage and pyramid, put together.

Definitions and methods are those of `demand` and `burden`. "Now" is the year of the data's last day, "ahead" the horizon.

Known bias: sites without a county rate stand at the national level; see `demand`.
"""

import numpy as np
import pandas as pd

from . import demand
from .burden import latest_period
from .rates import quotient


def reference(site: str, sex: str, first: int, last: int, *, incidence: pd.DataFrame, by_year: pd.DataFrame, by_age: pd.DataFrame, standard: pd.DataFrame) -> tuple[float, str]:
    """National age-adjusted rate to compare a county's with, of the same period where there is one, and where it comes from."""
    own = incidence[(incidence["county_fips"] == "00000") & (incidence["site"] == site) & (incidence["sex"] == sex) & (incidence["year_first"] == first)]
    if len(own) and own["rate_100k"].notna().all():
        return float(own["rate_100k"].iloc[0]), f"State Cancer Profiles {first}-{last}"
    series = by_year[(by_year["site"] == site) & (by_year["sex"] == sex) & by_year["year"].between(first, last)]
    if site != "All sites" and len(series) == last - first + 1:
        return float(series["rate_100k"].mean()), f"U.S. Cancer Statistics {first}-{last}"
    return demand.us_rate(by_age, standard, site=site, sex=sex), "national registries 2013-2017"


def levels(incidence: pd.DataFrame, sites: list[str], counties: list[str], *, by_year: pd.DataFrame, by_age: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """Local level of each site and county: `site, county_fips, level, level_low, level_high, cases_n, period, compared`.

    For each site the latest period in which the counties are published. Sites without any county rate are absent.
    """
    found = []
    for site in sites:
        rows = incidence[incidence["site"] == site]
        if rows.empty:
            continue
        chosen = latest_period(rows, counties)
        first, last, sex = int(chosen["year_first"].iloc[0]), int(chosen["year_last"].iloc[0]), str(chosen["sex"].iloc[0])
        height, origin = reference(site, sex, first, last, incidence=incidence, by_year=by_year, by_age=by_age, standard=standard)
        level = demand.local_level(chosen, height, years=last - first + 1)
        found.append(level[level["county_fips"].isin(counties)].assign(site=site, period=f"{first}-{last}", compared=origin))
    columns = ["site", "county_fips", "level", "level_low", "level_high", "cases_n", "period", "compared"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def outlook(projected: pd.DataFrame) -> pd.DataFrame:
    """Sites side by side, largest first, the total last: cases in the first and last year with intervals, growth, trend.

    Columns `site, now_n, now_low, now_high, ahead_n, ahead_low, ahead_high, growth_share, yearly_share, apc, apc_low, apc_high,
    trend, basis`.
    """
    table = demand.limits(pd.concat([projected, demand.total(projected)], ignore_index=True))
    first, last = table["year"].min(), table["year"].max()
    start, end = (table[table["year"] == year].set_index("site") for year in (first, last))
    out = pd.DataFrame({
        "now_n": start["expected_n"], "now_low": start["expected_low"], "now_high": start["expected_high"],
        "ahead_n": end["expected_n"], "ahead_low": end["expected_low"], "ahead_high": end["expected_high"]})
    out["growth_share"] = quotient(out["ahead_n"], out["now_n"]) - 1
    out["yearly_share"] = quotient(out["ahead_n"], out["now_n"]) ** (1 / max(last - first, 1)) - 1
    out = out.join(start[["apc", "apc_low", "apc_high", "trend", "basis"]])
    held = out["basis"].fillna("").str.startswith("held")
    out.loc[held, ["apc", "apc_low", "apc_high"]] = np.nan
    out.loc[held, "trend"] = "held level"
    order = out["now_n"].where(out.index != "All sites", -1).where(out.index != "All other", -0.5)
    return out.loc[order.sort_values(ascending=False).index].reset_index()


def drivers(table: pd.DataFrame, *, names: tuple[str, str, str] = ("More people", "Older people", "Rates")) -> pd.DataFrame:
    """Bridge rows of all sites together from `demand.decomposition`: the start and the three terms (`step, expected_n`)."""
    sums = table[["before_n", "size_n", "aging_n", "rate_n"]].sum()
    return pd.DataFrame({"step": ["Now", *names], "expected_n": sums.to_numpy()})


def pyramid(population: pd.DataFrame, *, now: int, ahead: int) -> pd.DataFrame:
    """People by ten-year age band and sex now and ahead: `age, sex, people, people_ahead`, youngest first."""
    lows = (population["age_low"] // 10 * 10).clip(upper=80)
    rows = population.assign(low=lows, age=np.where(lows == 80, "80+", lows.astype(str) + "-" + (lows + 9).astype(str)))
    wide = rows.pivot_table(index=["low", "age", "sex"], columns="year", values="population_n", aggfunc="sum").reset_index()
    wide["sex"] = wide["sex"].map({"female": "Women", "male": "Men"})
    return wide.rename(columns={now: "people", ahead: "people_ahead"})[["age", "sex", "people", "people_ahead"]].reset_index(drop=True)


def old_share(population: pd.DataFrame, year: int, *, age: int = 65) -> float:
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
