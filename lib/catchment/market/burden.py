"""Is the cancer burden of a county unusual: observed against expected, smoothed and placed in a funnel.

Definitions: expected cases apply national age-specific rates, scaled to the period of the counts, to the county's people by
age and sex over the years of the period; the ratio is the SIR. Where no population of the period is at hand, the ratio of
age-adjusted rates stands in and the table says so.

Known bias: published yearly averages are rounded, so counts over a period are within half a case a year; suppressed counties
(under 16 records) are missing, not low. SIRs compare each county with the nation, never with each other.
"""

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from catchment import words
from catchment.params.market import Market
from catchment.stats import small_areas, spatial
from catchment.stats.demand import expected_cases
from catchment.stats.incidence import reference_rates, us_rate
from catchment.stats.rates import PER, quotient, sir

from .need import reference

SHOWN = ("Breast", "Lung & bronchus", "Prostate", "Colon & rectum", "Pancreas", "Urinary bladder", "Melanoma of skin")


class Burden(NamedTuple):
    """Counties judged against the nation, the funnel's limits to draw, the period in words, and what the national rate is."""

    table: pd.DataFrame
    curve: pd.DataFrame
    period: str
    compared: str


MAPPED = [
    "county",
    "cases_n",
    "expected_n",
    "sir",
    "smoothed_ratio",
    "smoothed_low",
    "smoothed_high",
    "rate_100k",
    "rate_eb_100k",
    "signal",
]
PLOTTED = ["county", "cases_n", "expected_n", "sir", "sir_low", "sir_high", "funnel_low", "funnel_high", "funnel_outer_low"]
PLOTTED += ["funnel_outer_high", "signal"]


def judge(frames: Mapping[str, pd.DataFrame], national: pd.DataFrame, counties: list[str], *, site: str = "All sites") -> Burden:
    """`standardized` for the latest period in which the counties are published, all listed counties judged.

    `frames` holds `incidence, incidence_by_age, standard_population, population`. Without any published rate the tables are empty.
    """
    incidence, by_age = frames["incidence"], frames["incidence_by_age"]
    listed = latest_period(incidence[incidence["site"] == site], counties)
    if not (listed["rate_100k"].notna() & (listed["cases_n_year"] > 0)).any():
        blank = pd.DataFrame({"county_fips": pd.Series(dtype=str), "cases_n": 0.0, "expected_n": 0.0, "basis": "", "population_n": 0.0})
        return Burden(_judged(blank, 1, 0.05), small_areas.funnel_curve([]), "no period published", "nothing")
    height, compared = reference(listed, national, incidence[incidence["county_fips"] == "00000"])
    base = us_rate(by_age, frames["standard_population"], site=site)
    table = standardized(listed, frames["population"], reference_rates(by_age, [site], total=None), reference_100k=height, base_100k=base)
    return Burden(
        table,
        small_areas.funnel_curve(table["expected_n"]),
        f"{int(listed['year_first'].iloc[0])}-{int(listed['year_last'].iloc[0])}",
        compared,
    )


def named(table: pd.DataFrame, counties: pd.DataFrame) -> pd.DataFrame:
    """Judged counties with their names, highest ratio first, the ratio also as `sir_ratio`."""
    names = counties.set_index("county_fips")["county"]
    return table.assign(county=table["county_fips"].map(names), sir_ratio=table["sir"]).sort_values("sir", ascending=False)


def clustered(table: pd.DataFrame, counties: gpd.GeoDataFrame, rules: Market) -> tuple[spatial.Global, pd.DataFrame]:
    """`spatial.clusters` of the smoothed ratios; `rules` is the settings' section `market`."""
    return spatial.clusters(
        table.set_index("county_fips")["smoothed"],
        counties,
        key="county_fips",
        name="county",
        permutations=rules.permutations,
        seed=rules.seed,
        fdr=rules.false_discovery_share.value,
    )


def on_map(counties: gpd.GeoDataFrame, table: pd.DataFrame, region: list[str]) -> gpd.GeoDataFrame:
    """Judged counties of a region with their shapes; those without a published rate keep missing values."""
    rows = table[table["county_fips"].isin(region)].rename(columns={"smoothed": "smoothed_ratio"})
    shapes = counties[counties["county_fips"].isin(region)].drop(columns="year", errors="ignore")
    return shapes.merge(rows, on="county_fips", how="left", validate="one_to_one")


def latest_period(incidence: pd.DataFrame, counties: list[str]) -> pd.DataFrame:
    """Rows of the latest period in which every one of the counties has a published rate (else in which most have).

    `incidence` holds one site and one sex. Complete listings come before cut ones: a source that lists only high-rate counties
    would make any of them look ordinary. Empty where no county is listed.
    """
    rows = incidence[incidence["county_fips"] != "00000"]
    ok = rows["rate_100k"].notna()
    periods = (
        rows.assign(ok=ok, ours=ok & rows["county_fips"].isin(counties))
        .groupby(["source", "year_first", "year_last"], as_index=False)[["ok", "ours"]]
        .sum()
    )
    if periods.empty:
        return rows
    periods["complete"] = periods["source"] == "State Cancer Profiles"
    best = periods.sort_values(["ours", "complete", "year_last"]).iloc[-1]
    return rows[(rows["source"] == best["source"]) & (rows["year_first"] == best["year_first"]) & (rows["year_last"] == best["year_last"])]


def standardized(
    incidence: pd.DataFrame,
    population: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    reference_100k: float,
    base_100k: float,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Observed, expected, SIR, funnel limits and smoothed estimates of each county with a published count.

    Parameters
    ----------
    incidence
        One site, sex and period: `county_fips, rate_100k, cases_n_year, year_first, year_last`.
    population
        People by `county_fips, year, sex, age_low`.
    rates
        National age-specific rates of the site (`sex, age_low, rate_100k`).
    reference_100k, base_100k
        National age-adjusted rate in the period and in the period of `rates`: their ratio carries the rates over.

    Returns
    -------
    DataFrame
        `county_fips, cases_n, expected_n, population_n, sir, sir_low, sir_high, funnel_low, funnel_high (95 %), funnel_outer_low,
        funnel_outer_high (99.8 %), signal, smoothed, smoothed_low, smoothed_high, rate_eb_100k, basis`.
    """
    rows = incidence[incidence["rate_100k"].notna() & (incidence["cases_n_year"] > 0)]
    first, last = int(rows["year_first"].iloc[0]), int(rows["year_last"].iloc[0])
    span = last - first + 1
    people = population[population["year"].between(first, last)]
    people = people.groupby(["county_fips", "sex", "age_low"], as_index=False)["population_n"].mean()
    scaled = rates.assign(rate_100k=rates["rate_100k"] * reference_100k / base_100k, site="site")
    due = expected_cases(people, scaled, by=["county_fips"]).set_index("county_fips")["cases_n"] * span
    table = pd.DataFrame({"county_fips": rows["county_fips"].to_numpy(), "cases_n": np.round(rows["cases_n_year"].to_numpy() * span)})
    stand_in = table["cases_n"] * reference_100k / rows["rate_100k"].to_numpy()
    expected = table["county_fips"].map(due)
    table["expected_n"] = expected.fillna(stand_in)
    table["basis"] = np.where(expected.notna(), "indirect standardization", "ratio of age-adjusted rates")
    table["population_n"] = table["county_fips"].map(people.groupby("county_fips")["population_n"].sum())
    return _judged(table, span, alpha)


def _judged(table: pd.DataFrame, span: int, alpha: float) -> pd.DataFrame:
    table["sir"], table["sir_low"], table["sir_high"] = sir(table["cases_n"], table["expected_n"], alpha=alpha)
    table["funnel_low"], table["funnel_high"] = small_areas.funnel_limits(table["expected_n"])
    table["funnel_outer_low"], table["funnel_outer_high"] = small_areas.funnel_limits(table["expected_n"], level=small_areas.OUTER)
    table["signal"] = small_areas.funnel_signal(table["cases_n"], table["expected_n"])
    smooth = small_areas.poisson_gamma(table["cases_n"], table["expected_n"], alpha=alpha)
    table["smoothed"], table["smoothed_low"], table["smoothed_high"] = smooth.value, smooth.low, smooth.high
    years = table["population_n"].fillna(0) * span
    table["rate_eb_100k"] = np.where(years > 0, small_areas.empirical_bayes(table["cases_n"], years).value, np.nan)
    table["rate_100k"] = PER * quotient(table["cases_n"], years)
    return table


class Outcomes(NamedTuple):
    """Mortality beside incidence and stage by site, and in words the years of the deaths, of the cases, and the ages and years of stage.

    `table` has `site, counties, deaths_100k, rate_100k, mortality_ratio, late_n, late_share`.
    """

    table: pd.DataFrame
    deaths: str
    cases: str
    ages: str
    staged: str


def outcomes(mortality: pd.DataFrame, incidence: pd.DataFrame, stages: pd.DataFrame, people: pd.DataFrame, counties: list[str]) -> Outcomes:
    """Mortality beside incidence and stage by site for some counties taken together.

    Rates are pooled over the counties that have both published (weighted by the people behind them): deaths of the latest years, cases
    of the years that fit them best. The stage columns rest on national rates by age.
    """
    died = listing(mortality[mortality["county_fips"].isin(counties)])
    found = listing(incidence[incidence["county_fips"].isin(counties)], beside=died)
    both = died.merge(found, on=["county_fips", "site", "sex"], suffixes=("_deaths", ""), validate="one_to_one")
    both = both[(both["rate_100k_deaths"] > 0) & (both["rate_100k"] > 0)].assign(
        people=lambda rows: rows["cases_n_year"] / rows["rate_100k"],
        died=lambda rows: rows["rate_100k_deaths"] * rows["cases_n_year"] / rows["rate_100k"],
    )
    table = both.groupby("site", as_index=False).agg(
        counties=("county_fips", "size"), died=("died", "sum"), cases=("cases_n_year", "sum"), people=("people", "sum")
    )
    table["deaths_100k"], table["rate_100k"] = quotient(table["died"], table["people"]), quotient(table["cases"], table["people"])
    table["mortality_ratio"] = quotient(table["deaths_100k"], table["rate_100k"])
    table = table.merge(late_stage(stages, people)[["site", "late_n", "late_share"]], on="site", how="outer", validate="one_to_one")
    columns = ["site", "counties", "deaths_100k", "rate_100k", "mortality_ratio", "late_n", "late_share"]
    shown = table.loc[table["site"].isin({*both["site"], *SHOWN}), columns].assign(whole=lambda rows: rows["site"] == "All sites")
    shown = shown.sort_values(["whole", "late_n", "deaths_100k"], ascending=[True, False, False], ignore_index=True).drop(columns="whole")
    return Outcomes(
        shown,
        _years(both, "_deaths"),
        _years(both),
        f"{stages['age_low'].min()}-{stages['age_high'].max()}" if len(stages) else "",
        _years(stages),
    )


def listing(rates: pd.DataFrame, *, beside: pd.DataFrame | None = None) -> pd.DataFrame:
    """Of each site and sex the rows of one source and period: the latest, or that with most years in common with `beside`, which has one;
    of equal ones that with most published rates."""
    keys, period = ["site", "sex"], ["source", "year_first", "year_last"]
    rows = rates.assign(fit=rates["year_last"])
    if beside is not None:
        years = beside[[*keys, "year_first", "year_last"]].drop_duplicates(keys)
        rows = rates.merge(years, on=keys, suffixes=("", "_beside"), validate="many_to_one")
        rows["fit"] = rows[["year_last", "year_last_beside"]].min(axis=1) - rows[["year_first", "year_first_beside"]].max(axis=1)
    each = rows.groupby([*keys, *period, "fit"], as_index=False)["rate_100k"].count()
    best = each.sort_values(["fit", "rate_100k", "year_last"]).drop_duplicates(keys, keep="last")
    return rates.merge(best[[*keys, *period]], on=[*keys, *period], validate="many_to_one")


def _years(rows: pd.DataFrame, suffix: str = "") -> str:
    """The years that rows cover, in words: those of most sites, then of each site that has others."""
    spans = [words.span(*pair) for pair in zip(rows[f"year_first{suffix}"], rows[f"year_last{suffix}"], strict=True)]
    sites = pd.DataFrame({"site": rows["site"], "span": spans}).drop_duplicates()
    if sites.empty:
        return ""
    usual = sites["span"].mode().iloc[0]
    others = [f"{site} {span}" for site, span in sites.loc[sites["span"] != usual].itertuples(index=False)]
    return usual + (f" ({', '.join(others)})" if others else "")


def mortality_to_incidence(mortality: pd.DataFrame, incidence: pd.DataFrame, *, by: list[str]) -> pd.DataFrame:
    """Mortality-to-incidence ratio of age-adjusted rates: `<by>, deaths_100k, rate_100k, mir`, rows with both only."""
    both = (
        mortality[[*by, "rate_100k"]]
        .rename(columns={"rate_100k": "deaths_100k"})
        .merge(incidence[[*by, "rate_100k"]], on=by, validate="one_to_one")
        .dropna()
    )
    return both.assign(mir=quotient(both["deaths_100k"], both["rate_100k"]))


def late_stage(stages: pd.DataFrame, population: pd.DataFrame, *, late: tuple[str, ...] = ("III", "IV")) -> pd.DataFrame:
    """Cases a year at ages 40-84 expected at a late stage if national stage-specific rates held here, by site.

    `stages` has `site, sex, age_low, stage, cases_n, person_years`. Columns `site, late_n, staged_n, late_share`; unknown stage is
    left out of the share.
    """
    known = stages[stages["stage"] != "unknown"]
    people = population.groupby(["sex", "age_low"], as_index=False)["population_n"].sum()
    rows = known.merge(people, on=["sex", "age_low"], how="inner", validate="many_to_one")
    rows["expected_n"] = quotient(rows["cases_n"], rows["person_years"]) * rows["population_n"]
    rows["late_n"] = rows["expected_n"].where(rows["stage"].isin(late), 0.0)
    table = rows.groupby("site", as_index=False)[["late_n", "expected_n"]].sum().rename(columns={"expected_n": "staged_n"})
    return table.assign(late_share=quotient(table["late_n"], table["staged_n"]))
