"""How many new cancer cases a place will have: age- and sex-specific incidence times projected population.

Definitions: expected cases are age-specific rates times the people of each age and sex, never an age-adjusted rate times a
population. National age-specific rates carry the shape over age; a *local level* (see `incidence`) carries the county's height; a *trend*
(annual percent change, damped and capped) carries time.
Growth splits into population size, aging and rate (Bashir & Estève 2001), which add up exactly.

Known bias: county projections follow the growth by age and sex of their projection region; local levels are some years
old; sites without a local or national series keep the national rate, held level. Intervals combine Poisson variation,
the local level, the trend and the projection error as independent; they leave out a change of screening or practice.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from . import given
from .incidence import CELL, SEXES
from .rates import PER, apc, quotient


def county_projection(
    population: pd.DataFrame,
    projection: pd.DataFrame,
    regions: pd.DataFrame,
    *,
    years: list[int],
    totals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Population by county, year, sex and age for the years of a regional projection.

    Each county cell of the latest year grows as its projection region's cell does. The first projected year is scaled to the county's
    latest total where `totals` gives one: the projection's own jump since the census is not carried over. Later years multiply by
    the region's growth from that year. Without any row of a projection every county is held at its latest year.

    Parameters
    ----------
    population
        `county_fips, year, sex, age_low, population_n`.
    projection
        `projection_region, year, sex, age_low, population_n`, in the same age groups; years between are interpolated.
    regions
        `county_fips, projection_region`.
    totals
        `county_fips, year, population_n`.

    Returns
    -------
    One row per county, year, sex and age group: `county_fips`, `year`, `sex`, `age_low`, `population_n` (people) and `status`:
    "projected", or "held at latest" for counties without a projection region.

    Raises
    ------
    ValueError
        The projection does not reach a year, or sexes and age groups of the two tables do not match.
    """
    for name, table in (("population", population), ("projection", projection)):
        given.words(table["sex"], SEXES, name=f"sex of {name}")
    base = population[population["year"] == population.groupby("county_fips")["year"].transform("max")]
    table = _with_growth(base, projection, regions, years)
    held = table["opening"].isna()
    now = table["population_n"] * table["opening"].fillna(1.0)
    if totals is not None:
        latest = totals[totals["year"] == totals["year"].max()].set_index("county_fips")["population_n"]
        now = now * (table["county_fips"].map(latest) / now.groupby(table["county_fips"]).transform("sum")).fillna(1.0)
    parts = [table.assign(year=year, population_n=now * table[year].fillna(1.0)) for year in years]
    out = pd.concat(parts, ignore_index=True)
    out["status"] = np.where(np.tile(held, len(years)), "held at latest", "projected")
    return out[["county_fips", "year", *CELL, "population_n", "status"]]


def _with_growth(base: pd.DataFrame, projection: pd.DataFrame, regions: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    """Cells of the latest people with `opening`, the projection's first year over them, and the growth from there to each of the years."""
    if projection.empty:
        return base.assign(opening=np.nan).join(pd.DataFrame(1.0, index=base.index, columns=sorted(set(years))))
    given.ages(base, projection, "the population", "the projection")
    base = base.merge(regions[["county_fips", "projection_region"]], on="county_fips", how="left", validate="many_to_one")
    cells = ["projection_region", *CELL]
    start = base.groupby(cells)["population_n"].sum().rename("start_n")
    future = _interpolated(projection.pivot_table(index=cells, columns="year", values="population_n", aggfunc="sum"), years)
    first = min(years)
    growth = future.div(future[first], axis=0).fillna(1.0)
    opening = quotient(future[first], start.reindex(future.index))
    return base.merge(growth.assign(opening=opening).reset_index(), on=cells, how="left", validate="many_to_one")


def _interpolated(wide: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    """The wanted years of a table with a column per projected year, in a straight line between neighbors."""
    if min(years) < wide.columns.min() or max(years) > wide.columns.max():
        raise ValueError(f"the projection covers {wide.columns.min()} to {wide.columns.max()}, not {min(years)} to {max(years)}")
    every = wide.reindex(columns=sorted({*wide.columns, *years}))
    return every.interpolate(method="index", axis=1)[sorted(set(years))]


def expected_cases(population: pd.DataFrame, rates: pd.DataFrame, *, by: list[str]) -> pd.DataFrame:
    """Expected cases a year: sum over age and sex of rate x people.

    Parameters
    ----------
    population
        People by `sex, age_low`, and what else they are told apart by: `population_n`.
    rates
        `site, sex, age_low, rate_100k`, one row each, in the same age groups; a site of one sex only lacks the other.
    by
        Columns of population or rates to add up over.

    Returns
    -------
    One row per combination of `by`: its columns and `cases_n` (cases a year).

    Raises
    ------
    ValueError
        The age groups are not the same (10-year ages on 5-year rates), a sex is not "female" or "male", a number is missing or negative,
        or a rate is given twice or lacks an age group.
    """
    for name, table, value in (("population", population, "population_n"), ("rates", rates, "rate_100k")):
        given.words(table["sex"], SEXES, name=f"sex of {name}")
        given.known(table[value], name=f"{value} of {name}", least=0)
    given.ages(population, rates, "the population", "the rates")
    ages = rates.groupby(["site", "sex"], observed=True)["age_low"].agg(["size", "nunique"])
    if len(strange := ages[(ages != rates["age_low"].nunique()).any(axis=1)]):
        raise ValueError(f"rates need one row per site, sex and age group: {', '.join(strange.index[0])} has another number")
    rows = population.merge(rates[["site", *CELL, "rate_100k"]], on=CELL, how="inner", validate="many_to_many")
    rows["cases_n"] = rows["rate_100k"] * rows["population_n"] / PER
    return rows.groupby(by, as_index=False)["cases_n"].sum()


def trend_factor(annual_percent: ArrayLike, years: float, *, damping: float = 1.0, cap: float | None = None) -> float | np.ndarray:
    """Change of a rate over some years of an annual percent change, as a factor: exp(log(1 + APC/100) x effective years).

    `damping` below 1 lets each year count that much less than the one before (sum of damping^k); `cap` limits the result to +/- that share.

    Raises
    ------
    ValueError
        `damping` is not above 0 and at most 1.
    """
    if not 0 < damping <= 1:
        raise ValueError("damping must be above 0 and at most 1")
    factor = np.exp(np.log1p(np.asarray(annual_percent, dtype=float) / 100) * effective_years(years, damping))
    factor = factor if cap is None else np.clip(factor, 1 - cap, 1 + cap)
    return float(factor) if np.ndim(factor) == 0 else factor


def site_trends(
    incidence_by_year: pd.DataFrame,
    sites: list[str],
    *,
    first: int,
    base: tuple[int, int] | None = None,
    without: tuple[int, ...] = (2020,),
    level_error: float = 1.0,
) -> pd.DataFrame:
    """National trend of each site.

    Parameters
    ----------
    incidence_by_year
        `site, sex, year, rate_100k` (of `national_series`).
    first
        First year of the trend.
    base
        First and last year of the period that the age-specific rates are of.
    without
        Years of distorted diagnosis to leave out (2020, the pandemic's first).
    level_error
        Half width, in percent a year, of the interval of a site without a national series, which is held level.

    Returns
    -------
    One row per site: `site`, `apc`, `apc_low` and `apc_high` (percent a year), `trend`, `basis` in words, `last_year` of the series, and
    `since_base`, the observed change of the rate from the mean of the `base` years to the last one as a factor (missing without `base`).

    Raises
    ------
    ValueError
        The series of a site has no rate in the years of `base`.
    """
    rows = []
    for site in sites:
        series = incidence_by_year[incidence_by_year["site"] == site]
        series = series[series["sex"] == ("both" if "both" in set(series["sex"]) else series["sex"].min())] if len(series) else series
        recent = series[(series["year"] >= first) & ~series["year"].isin(without)]
        if len(recent) < 5:
            rows.append((site, 0.0, -level_error, level_error, "stable", "held level: no national series", np.nan, 1.0))
            continue
        fit = apc(recent["year"], recent["rate_100k"])
        last = recent.loc[recent["year"].idxmax()]
        start = series.loc[series["year"].between(*base), "rate_100k"].mean() if base else np.nan
        if base and np.isnan(start):
            raise ValueError(f"the national series of {site} has no rate in {base[0]}-{base[1]}, the period of the rates by age")
        rows.append(
            (
                site,
                fit.apc,
                fit.low,
                fit.high,
                fit.label,
                f"national series {first}-{int(last['year'])}",
                int(last["year"]),
                float(last["rate_100k"] / start),
            )
        )
    return pd.DataFrame(rows, columns=["site", "apc", "apc_low", "apc_high", "trend", "basis", "last_year", "since_base"])


def prediction_limits(cases: ArrayLike, relative_error: ArrayLike, *, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Prediction interval of a count whose mean is gamma distributed with this relative standard error (negative binomial).

    Without an error the count is Poisson.

    Raises
    ------
    ValueError
        `alpha` is not between 0 and 1, or labels do not match.
    """
    given.labels(cases=cases, relative_error=relative_error)
    given.fraction(alpha, name="alpha")
    mean, error = np.broadcast_arrays(np.asarray(cases, dtype=float), np.asarray(relative_error, dtype=float))
    shape = 1 / np.maximum(error, 1e-9) ** 2
    mixed, plain = stats.nbinom(shape, shape / (shape + mean)), stats.poisson(mean)
    low, high = (np.where(error > 1e-6, mixed.ppf(p), plain.ppf(p)) for p in (alpha / 2, 1 - alpha / 2))
    return low, high


def effective_years(years: ArrayLike, damping: float) -> np.ndarray:
    """How many full years of trend some damped years amount to: the sum of damping^k."""
    n = np.asarray(years, dtype=float)
    return n if damping == 1 else damping * (1 - damping**n) / (1 - damping)


def project(
    population: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    levels: pd.DataFrame,
    trends: pd.DataFrame,
    damping: float,
    cap: float,
    population_error: float,
    unknown_level_error: float = 0.0,
) -> pd.DataFrame:
    """Expected new cases by site and year, all counties of `population` together, with the errors an interval needs.

    Parameters
    ----------
    population
        `county_fips, year, sex, age_low, population_n` for each year wanted.
    levels
        `county_fips, site, level, level_low, level_high`; absent pairs are at the national level, with `unknown_level_error` as
        relative error that all counties share.
    trends
        Of `site_trends`; the change to the last observed year is taken as observed, beyond it damped and capped.
    population_error
        Relative standard error of the population after ten years; it grows in proportion to the years from the first.

    Returns
    -------
    One row per site and year: `site`, `year`, `expected_n` (cases), `rate_factor` (change of the rate since its base), the relative
    standard errors `level_error`, `trend_error` and `population_error`, and of the trend `apc`, `apc_low`, `apc_high`, `trend`, `basis`
    and `last_year`.

    Raises
    ------
    ValueError
        As `expected_cases`; or a site has no trend, or trends do not say what has changed since the base of the rates.
    """
    if lacking := sorted(set(rates["site"]) - set(trends.loc[trends["since_base"].notna(), "site"])):
        raise ValueError(f"no trend since the base of the rates for: {', '.join(lacking)}")
    rows = expected_cases(population, rates, by=["site", "county_fips", "year"])
    rows = rows.merge(
        levels[["county_fips", "site", "level", "level_low", "level_high"]], on=["county_fips", "site"], how="left", validate="many_to_one"
    )
    unknown = rows["level"].isna()
    rows["expected_n"] = rows["cases_n"] * rows["level"].fillna(1.0)
    error = ((np.log(rows["level_high"]) - np.log(rows["level_low"])) / (2 * 1.96)).fillna(0.0)
    rows["own"] = (rows["expected_n"] * error) ** 2
    rows["shared"] = np.where(unknown, rows["expected_n"] * unknown_level_error, 0.0)
    table = rows.groupby(["site", "year"], as_index=False)[["expected_n", "own", "shared"]].sum()
    table["level_error"] = np.nan_to_num(quotient(np.sqrt(table["own"] + table["shared"] ** 2), table["expected_n"]))
    return _trended(
        table.drop(columns=["own", "shared"]).merge(trends, on="site", how="left", validate="many_to_one"), damping, cap, population_error
    )


def _trended(table: pd.DataFrame, damping: float, cap: float, population_error: float) -> pd.DataFrame:
    ahead = (table["year"] - table["last_year"].fillna(table["year"].min())).clip(lower=0)
    future = [trend_factor(a, n, damping=damping, cap=cap) for a, n in zip(table["apc"], ahead, strict=True)]
    slope = (np.log1p(table["apc_high"] / 100) - np.log1p(table["apc_low"] / 100)) / (2 * 1.96)
    table["rate_factor"] = table["since_base"] * future
    table["expected_n"] = table["expected_n"] * table["rate_factor"]
    table["trend_error"] = slope * effective_years(ahead, damping)
    table["population_error"] = population_error * (table["year"] - table["year"].min()) / 10
    return table.drop(columns=["since_base"])


def limits(table: pd.DataFrame, *, alpha: float = 0.05) -> pd.DataFrame:
    """A prediction interval of the cases diagnosed in each year.

    Returns
    -------
    The rows of `table` (of `project` or `total`) with all its columns, and `expected_low` and `expected_high`.
    """
    error = np.sqrt(table["level_error"] ** 2 + table["trend_error"] ** 2 + table["population_error"] ** 2)
    low, high = prediction_limits(table["expected_n"], error, alpha=alpha)
    return table.assign(expected_low=low, expected_high=high)


def total(table: pd.DataFrame, *, name: str = "All sites") -> pd.DataFrame:
    """All sites together: levels and trends err independently by site, the population for all alike.

    Returns
    -------
    One row per year: `year`, `expected_n`, the relative standard errors `population_error`, `level_error` and `trend_error`, and `site`,
    the name given.
    """
    part = table.assign(level=(table["expected_n"] * table["level_error"]) ** 2, slope=(table["expected_n"] * table["trend_error"]) ** 2)
    rows = part.groupby("year", as_index=False).agg(
        expected_n=("expected_n", "sum"), level=("level", "sum"), slope=("slope", "sum"), population_error=("population_error", "max")
    )
    rows["level_error"], rows["trend_error"] = (quotient(np.sqrt(rows[c]), rows["expected_n"]) for c in ("level", "slope"))
    return rows.assign(site=name).drop(columns=["level", "slope"])


def decomposition(before: pd.DataFrame, after: pd.DataFrame, rates: pd.DataFrame, *, rate_change: pd.Series | float = 1.0) -> pd.DataFrame:
    """Growth of expected cases by site into population size, aging and rate.

    Parameters
    ----------
    before, after
        `sex, age_low, population_n` (summed over any other column).
    rate_change
        Factor that rates change by between the two, one for all or by site; sites that it does not name keep their rates.

    Returns
    -------
    One row per site, as `terms`: `site`, `before_n`, `size_n`, `aging_n`, `rate_n`, `after_n` and `change_n`.

    Raises
    ------
    ValueError
        As `expected_cases`; or `rate_change` names a site that has no rates.

    References
    ----------
    Bashir & Estève (2001), Journal of Epidemiology and Biostatistics 6:287.
    """
    if isinstance(rate_change, pd.Series):
        given.words(rate_change.index, sorted(set(rates["site"])), name="rate_change")
    start, now = (
        expected_cases(p.groupby(CELL, as_index=False)["population_n"].sum(), rates, by=["site"]).set_index("site")["cases_n"]
        for p in (before, after)
    )
    factor = rate_change.reindex(start.index).fillna(1.0) if isinstance(rate_change, pd.Series) else rate_change
    growth = quotient(float(after["population_n"].sum()), float(before["population_n"].sum()))
    return terms(start, now, growth=growth, rate_change=factor)


def terms(before: pd.Series, structure: pd.Series, *, growth: float, rate_change: pd.Series | float) -> pd.DataFrame:
    """Three terms that add up to the change exactly.

    Size = C0 (P1/P0 - 1); aging = cases of the later population at the first rates (`structure`) less C0 P1/P0; rate = the change of rates
    at the later population. The order (size, aging, rate) is part of the definition.

    Parameters
    ----------
    before, structure
        Cases by site, of the first population and of the later one at the first rates.
    growth
        Later over first population.

    Returns
    -------
    One row per site: `site`, `before_n`, the terms `size_n`, `aging_n` and `rate_n`, `after_n`, and `change_n`, their sum.

    Raises
    ------
    ValueError
        The sites are not the same.
    """
    given.labels(before=before, structure=structure, rate_change=rate_change)
    parts = {
        "before_n": before,
        "size_n": before * (growth - 1),
        "aging_n": structure - before * growth,
        "rate_n": structure * (rate_change - 1),
    }
    table = pd.DataFrame(parts | {"after_n": structure * rate_change})
    return table.assign(change_n=table["size_n"] + table["aging_n"] + table["rate_n"]).rename_axis("site").reset_index()
