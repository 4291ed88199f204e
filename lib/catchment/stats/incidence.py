"""How often cancer is diagnosed: national rates by age and over the years, and the height of each county above or below the nation.

Definitions: an *age-specific rate* is new cases per 100,000 person-years of an age group and sex; an *age-adjusted rate* weights them by
the standard population; a *local level* is a county's age-adjusted rate over the nation's, drawn towards 1 by how few cases it rests on.

Known bias: published yearly averages are rounded; suppressed counties (under 16 records) are missing, not low; tables of different
producers define some sites differently, which would pass for a local excess.
"""

import numpy as np
import pandas as pd
from scipy import stats

from . import given
from .rates import PER, age_adjusted_rate, quotient
from .small_areas import poisson_gamma

CELL = ["sex", "age_low"]
SEXES = ("female", "male")


def reference_rates(incidence_by_age: pd.DataFrame, sites: list[str], *, total: str | None = "All sites but skin") -> pd.DataFrame:
    """National age-specific rates of the named sites and, when `total` is given, of "All other" (the total less the named).

    Melanoma is not part of "all sites but skin" counts of other skin, so it is inside the total here as registries report it.

    Parameters
    ----------
    incidence_by_age
        `site, sex, age_low, cases_n, person_years`.
    sites
        They must not overlap, and `total` must hold them.

    Returns
    -------
    One row per site, sex and age group: `site`, `sex`, `age_low`, `cases_n`, `person_years` and `rate_100k`.

    Raises
    ------
    ValueError
        A site is not in the table, or the sites hold more cases than the total.
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


def us_rate(incidence_by_age: pd.DataFrame, standard: pd.DataFrame, *, site: str, sex: str = "both") -> float:
    """National age-adjusted rate per 100,000 from age-specific counts.

    Parameters
    ----------
    incidence_by_age
        `site, sex, age_low, cases_n, person_years`, in five-year groups.
    standard
        `age_low, population_n`, in five-year groups; 0 and 1-4 are put together.
    sex
        "both" together, "female" or "male".

    Raises
    ------
    ValueError
        The sex is not known, the site not in the table, or the age groups are not the same.
    """
    given.word(sex, ("both", *SEXES), name="sex")
    rows = incidence_by_age[(incidence_by_age["site"] == site) & ((sex == "both") | (incidence_by_age["sex"] == sex))]
    if rows.empty:
        raise ValueError(f"no national counts of {site!r} for {sex!r}")
    ages = rows.groupby("age_low")[["cases_n", "person_years"]].sum()
    weights = standard.groupby(np.where(standard["age_low"] < 5, 0, standard["age_low"]))["population_n"].sum().rename_axis("age_low")
    given.ages(ages.reset_index(), weights.reset_index(), "the counts", "the standard population")
    return float(age_adjusted_rate(ages["cases_n"], ages["person_years"], weights.to_numpy()).rate_100k)


def national_series(by_age_year: pd.DataFrame, standard: pd.DataFrame) -> pd.DataFrame:
    """Age-adjusted national rates from cases by age and year.

    Ages are grouped as in the standard population; a suppressed cell (under 16 cases in the nation) counts as none.

    Parameters
    ----------
    by_age_year
        `site, sex, year, age_low, cases_n, population_n`.
    standard
        `age_low, population_n`.

    Returns
    -------
    One row per site, sex and year: `site`, `sex`, `year` and `rate_100k`.

    Raises
    ------
    ValueError
        An age group of the standard is not in the counts: a rate without it would be too low.
    """
    lows = np.sort(standard["age_low"].to_numpy())
    if lacking := sorted(set(lows) - set(lows[np.searchsorted(lows, by_age_year["age_low"], side="right") - 1])):
        raise ValueError(f"the counts lack the age groups of the standard that begin at {', '.join(map(str, lacking))}")
    rows = by_age_year.assign(band=lows[np.searchsorted(lows, by_age_year["age_low"], side="right") - 1])
    cells = rows.groupby(["site", "sex", "year", "band"], as_index=False)[["cases_n", "population_n"]].sum()
    weights = standard.set_index("age_low")["population_n"]
    cells["part"] = quotient(cells["cases_n"], cells["population_n"]) * cells["band"].map(weights / weights.sum()).to_numpy() * PER
    return cells.groupby(["site", "sex", "year"], as_index=False)["part"].sum().rename(columns={"part": "rate_100k"})


def pooled_rate(incidence: pd.DataFrame) -> float:
    """One rate for all counties with a published one, weighted by the person-years behind each; missing without any.

    `incidence` has a row per county, with its age-adjusted rate `rate_100k` and `cases_n_year`.
    """
    known = incidence[(incidence["rate_100k"] > 0) & (incidence["cases_n_year"] > 0)]
    return quotient(float(known["cases_n_year"].sum()), float((known["cases_n_year"] / known["rate_100k"]).sum()))


def local_level(incidence: pd.DataFrame, reference_100k: float, *, years: int = 5) -> pd.DataFrame:
    """Level of each county relative to the nation: shrunk ratio of age-adjusted rates, with its interval.

    Rates compare like with like (age-adjusted); their precision comes from the cases behind them.

    Parameters
    ----------
    incidence
        One row per county (one site, one period): `county_fips, rate_100k, cases_n_year`.
    reference_100k
        National age-adjusted rate.
    years
        Of the period, so that cases a year become cases.

    Returns
    -------
    One row per county: `county_fips`, `level` (1 is the nation) with `level_low` and `level_high` (95 %), and `cases_n` in the period.
    Counties without a published rate get the prior's mean and its spread, and no cases.
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
