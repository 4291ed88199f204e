"""How many new cancer cases a place will have: age- and sex-specific incidence times projected population.

Definitions: expected cases are age-specific rates times the people of each age and sex, never an age-adjusted rate times a
population. National age-specific rates carry the shape over age; a *local level* (county over national age-adjusted rate,
shrunk by its precision) carries the county's height; a *trend* (annual percent change, damped and capped) carries time.
Growth splits into population size, ageing and rate (Bashir & Estève 2001), which add up exactly.

Known bias: county projections follow the growth by age and sex of their projection region; local levels are some years
old; sites without a local or national series keep the national rate, held level. Intervals combine Poisson variation,
the local level, the trend and the projection error as independent; they leave out a change of screening or practice.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from .rates import PER, age_adjusted_rate, apc, quotient
from .shrinkage import poisson_gamma

CELL = ["sex", "age_low"]


def county_projection(
    population: pd.DataFrame,
    projection: pd.DataFrame,
    regions: pd.DataFrame,
    *,
    years: list[int],
    totals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Population by county, year, sex and age for the years of a regional projection.

    Each county cell of the latest year grows as its projection region's cell does. The first projected year is scaled to
    the county's latest total where `totals` (`county_fips, year, population_n`) gives one: the draft projection's own jump
    since the census is not carried over. Later years multiply by the region's growth from that year.

    Returns
    -------
    DataFrame
        `county_fips, year, sex, age_low, population_n, status`; status is "projected (draft)", or "held at latest" for
        counties without a projection region.
    """
    base = population[population["year"] == population.groupby("county_fips")["year"].transform("max")]
    base = base.merge(regions[["county_fips", "projection_region"]], on="county_fips", how="left", validate="many_to_one")
    cells = ["projection_region", *CELL]
    start = base.groupby(cells)["population_n"].sum().rename("start_n")
    future = _interpolated(projection.pivot_table(index=cells, columns="year", values="population_n", aggfunc="sum"), years)
    first = min(years)
    growth = future.div(future[first], axis=0).fillna(1.0)
    opening = quotient(future[first], start.reindex(future.index))
    table = base.merge(growth.assign(opening=opening).reset_index(), on=cells, how="left", validate="many_to_one")
    held = table["opening"].isna()
    now = table["population_n"] * table["opening"].fillna(1.0)
    if totals is not None:
        latest = totals[totals["year"] == totals["year"].max()].set_index("county_fips")["population_n"]
        now = now * (table["county_fips"].map(latest) / now.groupby(table["county_fips"]).transform("sum")).fillna(1.0)
    parts = [table.assign(year=year, population_n=now * table[year].fillna(1.0)) for year in years]
    out = pd.concat(parts, ignore_index=True)
    out["status"] = np.where(np.tile(held, len(years)), "held at latest", "projected (draft)")
    return out[["county_fips", "year", *CELL, "population_n", "status"]]


def _interpolated(wide: pd.DataFrame, years: list[int]) -> pd.DataFrame:
    """The wanted years of a table with a column per projected year, in a straight line between neighbors."""
    if min(years) < wide.columns.min() or max(years) > wide.columns.max():
        raise ValueError(f"the projection covers {wide.columns.min()} to {wide.columns.max()}, not {min(years)} to {max(years)}")
    every = wide.reindex(columns=sorted({*wide.columns, *years}))
    return every.interpolate(method="index", axis=1)[sorted(set(years))]


def reference_rates(incidence_by_age: pd.DataFrame, sites: list[str], *, total: str | None = "All sites but skin") -> pd.DataFrame:
    """National age-specific rates of the named sites and, when `total` is given, of "All other" (the total less the named).

    Columns `site, sex, age_low, cases_n, person_years, rate_100k`. The sites must not overlap, and `total` must hold them.
    Melanoma is not part of "all sites but skin" counts of other skin, so it is inside the total here as registries report it.
    """
    columns = ["site", *CELL, "cases_n", "person_years"]
    chosen = incidence_by_age.loc[incidence_by_age["site"].isin(sites), columns]
    if missing := sorted(set(sites) - set(chosen["site"])):
        raise ValueError(f"no national rates for: {', '.join(missing)}")
    if total is not None:
        named = chosen.groupby(CELL)["cases_n"].sum().rename("named_n").reset_index()
        rest = incidence_by_age.loc[incidence_by_age["site"] == total, columns].merge(named, on=CELL, how="left", validate="one_to_one")
        rest = rest.assign(site="All other", cases_n=rest["cases_n"] - rest["named_n"].fillna(0))
        if (rest["cases_n"] < 0).any():
            raise ValueError(f"the named sites hold more cases than {total!r}: do they overlap?")
        chosen = pd.concat([chosen, rest[columns]], ignore_index=True)
    return chosen.assign(rate_100k=PER * quotient(chosen["cases_n"], chosen["person_years"]))


def expected_cases(population: pd.DataFrame, rates: pd.DataFrame, *, by: list[str]) -> pd.DataFrame:
    """Expected cases a year by `by` (columns of population or rates): sum over age and sex of rate x people.

    Raises
    ------
    ValueError
        When an age group of the population has no rate at all: the age groups must match.
    """
    if missing := sorted(set(population["age_low"]) - set(rates["age_low"])):
        raise ValueError(f"no rates for the age groups from {', '.join(map(str, missing))}")
    rows = population.merge(rates[["site", *CELL, "rate_100k"]], on=CELL, how="inner", validate="many_to_many")
    rows["cases_n"] = rows["rate_100k"] * rows["population_n"] / PER
    return rows.groupby(by, as_index=False)["cases_n"].sum()


def us_rate(incidence_by_age: pd.DataFrame, standard: pd.DataFrame, *, site: str, sex: str = "both") -> float:
    """National age-adjusted rate per 100,000 from age-specific counts, both sexes together or one of them."""
    rows = incidence_by_age[(incidence_by_age["site"] == site) & ((sex == "both") | (incidence_by_age["sex"] == sex))]
    ages = rows.groupby("age_low")[["cases_n", "person_years"]].sum()
    weights = standard.groupby(np.where(standard["age_low"] < 5, 0, standard["age_low"]))["population_n"].sum().reindex(ages.index)
    return age_adjusted_rate(ages["cases_n"], ages["person_years"], weights).rate_100k


def national_series(by_age_year: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """Age-adjusted national rate of each site, sex and year: `site, sex, year, rate_100k`, from cases by age and year.

    Ages are grouped as in the standard population; a suppressed cell (under 16 cases in the nation) counts as none.
    """
    lows = standard["age_low"].to_numpy()
    rows = by_age_year.assign(band=lows[np.searchsorted(lows, by_age_year["age_low"], side="right") - 1])
    cells = rows.groupby(["site", "sex", "year", "band"], as_index=False)[["cases_n", "population_n"]].sum()
    weights = standard.set_index("age_low")["population_n"]
    cells["part"] = quotient(cells["cases_n"], cells["population_n"]) * cells["band"].map(weights / weights.sum()).to_numpy() * PER
    return cells.groupby(["site", "sex", "year"], as_index=False)["part"].sum().rename(columns={"part": "rate_100k"})


def pooled_rate(incidence: pd.DataFrame) -> float:
    """One rate for all counties with a published one: their age-adjusted rates weighted by the people-years behind them."""
    known = incidence[(incidence["rate_100k"] > 0) & (incidence["cases_n_year"] > 0)]
    return quotient(known["cases_n_year"].sum(), (known["cases_n_year"] / known["rate_100k"]).sum())


def local_level(incidence: pd.DataFrame, reference_100k: float, *, years: int = 5) -> pd.DataFrame:
    """Level of each county relative to the nation: shrunk ratio of age-adjusted rates, with its interval.

    `incidence` has a row per county (one site, one period): `county_fips, rate_100k, cases_n_year`. Rates compare
    like with like (age-adjusted); their precision comes from the cases behind them. Columns `county_fips, level, level_low,
    level_high, cases_n`; counties without a published rate get the prior's mean and its spread.
    """
    cases = (incidence["cases_n_year"] * years).to_numpy(float)
    ratio = (incidence["rate_100k"] / reference_100k).to_numpy(float)
    known = (cases > 0) & (ratio > 0)
    due = np.divide(cases, ratio, out=np.zeros_like(cases), where=known)
    fit = poisson_gamma(np.where(known, cases, 0), due)
    low, high = fit.low.copy(), fit.high.copy()
    if np.isfinite(fit.nu):
        prior = stats.gamma(fit.nu, scale=1 / fit.alpha)
        low, high = np.where(known, low, prior.ppf(0.025)), np.where(known, high, prior.ppf(0.975))
    return pd.DataFrame(
        {
            "county_fips": incidence["county_fips"].to_numpy(),
            "level": fit.value,
            "level_low": low,
            "level_high": high,
            "cases_n": np.where(known, cases, np.nan),
        }
    )


def trend_factor(annual_percent: ArrayLike, years: float, *, damping: float = 1.0, cap: float | None = None) -> float | np.ndarray:
    """Change of a rate over some years of an annual percent change: exp(log(1 + APC/100) x effective years).

    `damping` below 1 lets each year count that much less than the one before (sum of damping^k); `cap` limits the result to
    +/- that share.
    """
    if not 0 < damping <= 1:
        raise ValueError("damping must be above 0 and at most 1")
    factor = np.exp(np.log1p(np.asarray(annual_percent, dtype=float) / 100) * effective_years(years, damping))
    factor = factor if cap is None else np.clip(factor, 1 - cap, 1 + cap)
    return float(factor) if np.ndim(factor) == 0 else factor


def site_trends(
    incidence_by_year: pd.DataFrame, sites: list[str], *, first: int, without: tuple[int, ...] = (2020,), level_error: float = 1.0
) -> pd.DataFrame:
    """National trend of each site from `first` on: `site, apc, apc_low, apc_high, trend, basis, last_year, since_base`.

    `without` leaves out years of distorted diagnosis (2020, the pandemic's first). A site without a national series is held
    level, with +/- `level_error` percent a year as its interval, and says so in `basis`. `since_base` is the observed
    change of the rate from the mean of 2013-17, the period of the age-specific rates, to the last year.
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
        base = series.loc[series["year"].between(2013, 2017), "rate_100k"].mean()
        last = recent.loc[recent["year"].idxmax()]
        rows.append(
            (
                site,
                fit.apc,
                fit.low,
                fit.high,
                fit.label,
                f"national series {first}-{int(last['year'])}",
                int(last["year"]),
                float(last["rate_100k"] / base),
            )
        )
    return pd.DataFrame(rows, columns=["site", "apc", "apc_low", "apc_high", "trend", "basis", "last_year", "since_base"])


def prediction_limits(cases: ArrayLike, relative_error: ArrayLike, *, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Prediction interval of a count whose mean is gamma distributed with this relative standard error (negative binomial).

    Without an error the count is Poisson.
    """
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
    DataFrame
        `site, year, expected_n, rate_factor, level_error, trend_error, population_error` and the trend's columns. `limits` and
        `total` make intervals of it.
    """
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
    """The table of `project` with `expected_low, expected_high`: a prediction interval of the cases diagnosed in that year."""
    error = np.sqrt(table["level_error"] ** 2 + table["trend_error"] ** 2 + table["population_error"] ** 2)
    low, high = prediction_limits(table["expected_n"], error, alpha=alpha)
    return table.assign(expected_low=low, expected_high=high)


def total(table: pd.DataFrame, *, name: str = "All sites") -> pd.DataFrame:
    """One row per year over all sites: levels and trends err independently by site, the population for all alike."""
    part = table.assign(level=(table["expected_n"] * table["level_error"]) ** 2, slope=(table["expected_n"] * table["trend_error"]) ** 2)
    rows = part.groupby("year", as_index=False).agg(
        expected_n=("expected_n", "sum"), level=("level", "sum"), slope=("slope", "sum"), population_error=("population_error", "max")
    )
    rows["level_error"], rows["trend_error"] = (quotient(np.sqrt(rows[c]), rows["expected_n"]) for c in ("level", "slope"))
    return rows.assign(site=name).drop(columns=["level", "slope"])


def decomposition(before: pd.DataFrame, after: pd.DataFrame, rates: pd.DataFrame, *, rate_change: pd.Series | float = 1.0) -> pd.DataFrame:
    """Growth of expected cases by site into population size, ageing and rate (Bashir & Estève 2001).

    Parameters
    ----------
    before, after
        `sex, age_low, population_n` (summed over any other column).
    rate_change
        Factor by site that rates change by between the two.
    """
    start, now = (
        expected_cases(p.groupby(CELL, as_index=False)["population_n"].sum(), rates, by=["site"]).set_index("site")["cases_n"]
        for p in (before, after)
    )
    factor = rate_change.reindex(start.index).fillna(1.0) if isinstance(rate_change, pd.Series) else rate_change
    return terms(start, now, growth=quotient(after["population_n"].sum(), before["population_n"].sum()), rate_change=factor)


def terms(before: pd.Series, structure: pd.Series, *, growth: float, rate_change: pd.Series | float) -> pd.DataFrame:
    """Three terms that add up to the change exactly, a row per site: `site, before_n, size_n, aging_n, rate_n, after_n, change_n`.

    size = C0 (P1/P0 - 1); ageing = cases of the later population at the first rates (`structure`) less C0 P1/P0; rate = the
    change of rates at the later population. The order (size, ageing, rate) is part of the definition.
    """
    parts = {
        "before_n": before,
        "size_n": before * (growth - 1),
        "aging_n": structure - before * growth,
        "rate_n": structure * (rate_change - 1),
    }
    table = pd.DataFrame(parts | {"after_n": structure * rate_change})
    return table.assign(change_n=table["size_n"] + table["aging_n"] + table["rate_n"]).rename_axis("site").reset_index()
