"""People and places: Census population by county, age and sex; ZIP crosswalks; the Area Health Resources Files.

Known bias. A ZIP is no area and no county: the crosswalks give the share of a ZIP's addresses or people in a county. Census
estimates are revised with each vintage, so rows of two vintages do not mix.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from catchment.data.catalog import Column

from .layout import IDENTIFIERS, Field, Layout
from .stream import ImportRefused

_CENSUS = "U.S. Census Bureau, Population Estimates Program"
_POPULATION = {
    "county_fips": Column(pattern=IDENTIFIERS["fips"], meaning="county FIPS code"),
    "county": Column(meaning="county name"),
    "state": Column(meaning="state name"),
    "year": Column(type="integer", meaning="year of the estimate, July 1"),
    "vintage": Column(type="integer", meaning="edition of the estimates"),
    "sex": Column(type="category", values=["female", "male"], meaning="sex"),
    "age_low": Column(type="integer", unit="years", meaning="youngest age of the group"),
    "age_high": Column(type="integer", unit="years", nullable=True, meaning="oldest age; empty for the open group"),
    "population_n": Column(type="integer", unit="people", meaning="residents"),
}
_PLACE = [
    Field(name="state", aliases=["STNAME"]),
    Field(name="county", aliases=["CTYNAME"]),
    Field(name="year_code", aliases=["YEAR"], type="integer", min=1, max=2200),
]
_STATE_COUNTY = [
    Field(name="state_fips", aliases=["STATE"], pattern=r"\d{1,2}"),
    Field(name="county_code", aliases=["COUNTY"], pattern=r"\d{1,3}"),
]


def _july(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of July estimates with their year: some files write it, most write a code.

    Raises
    ------
    ImportRefused
        A code that the vintage does not have: which year it means would be a guess.
    """
    vintage = int(rows["vintage"].iloc[0]) if len(rows) else 2020
    codes = _year_codes(vintage)
    unknown = [code for code in rows["year_code"].unique() if code < 1900 and code not in codes]
    if unknown:
        raise ImportRefused(
            f"expected YEAR to be a year or one of the codes of vintage {vintage} ({_told_codes(codes)}), found {unknown[0]}"
        )
    year = rows["year_code"].where(rows["year_code"] >= 1900, rows["year_code"].map(codes))
    return rows.assign(year=year)[year > 0]


def _year_codes(vintage: int) -> dict[int, int]:
    """The year of each code that stands for a July estimate, 0 for those of April (census and base).

    Source: file layouts of the Census Bureau's cc-est files, vintages from 2011 on.
    """
    if vintage > 2020:
        return {1: 0} | {2 + later: 2020 + later for later in range(vintage - 2019)}
    july = {3 + later: 2010 + later for later in range(min(vintage, 2019) - 2009)}
    return {1: 0, 2: 0} | july | ({13: 0, 14: 2020} if vintage == 2020 else {}) if vintage > 2010 else {}


def _told_codes(codes: dict[int, int]) -> str:
    return f"1 to {max(codes)}" if codes else "none is known"


def _long(rows: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """One row per place, year, sex and age: `groups` has column, sex, age_low."""
    kept = [column for column in ("county_fips", "county", "state", "year", "vintage") if column in rows]
    long = rows.melt(id_vars=kept, value_vars=list(groups["column"]), var_name="column", value_name="population_n")
    long = long.merge(groups, on="column", how="left", validate="many_to_one")
    return long.assign(age_high=(long["age_low"] + 4).mask(long["age_low"] == 85))


def _alldata(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _july(rows)
    fips = rows["state_fips"].str.zfill(2) + rows["county_code"].str.zfill(3)
    rows = rows.assign(county_fips=fips)[rows["age_group"] > 0]
    sexes = [rows.assign(sex=sex, population_n=rows[f"{sex}_n"], age_low=(rows["age_group"] - 1) * 5) for sex in ("female", "male")]
    long = pd.concat(sexes)
    return long.assign(age_high=(long["age_low"] + 4).mask(long["age_low"] == 85))


_AGES = ["AGE04", "AGE59", *[f"AGE{low}{low + 4}" for low in range(10, 85, 5)], "AGE85PLUS"]
_GROUPS = pd.DataFrame(
    [(f"{age}_{short}", sex, 5 * place) for place, age in enumerate(_AGES) for short, sex in (("MALE", "male"), ("FEM", "female"))],
    columns=["column", "sex", "age_low"],
)


def _agesex(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _july(rows)
    parts = rows["state_fips"].str.zfill(2) + rows["county_code"].str.zfill(3)
    return _long(rows.assign(county_fips=rows["fips"].fillna(parts)), _GROUPS)


def _sums(rows: pd.DataFrame) -> pd.Series:
    return _told(rows["female_n"] + rows["male_n"] != rows["total_n"], "men and women that add up to the total")


def _ages_sum(rows: pd.DataFrame) -> pd.Series:
    return _told(rows[list(_GROUPS["column"])].sum(axis=1) != rows["total_n"], "age groups that add up to the total")


def _told(broken: pd.Series, rule: str) -> pd.Series:
    return pd.Series(np.where(broken.fillna(False).astype(bool), rule, ""), index=broken.index, dtype="str")


CC_EST = Layout(
    kind="census_age_sex",
    title="County population by age and sex",
    producer=_CENSUS,
    key=["county_fips", "year", "sex", "age_low"],
    year=r"(?i)est((?:19|20)\d{2})",
    vintage=True,
    columns=_POPULATION,
    tidy=_alldata,
    check=_sums,
    fields=[
        *_STATE_COUNTY,
        *_PLACE,
        Field(name="age_group", aliases=["AGEGRP"], type="integer", min=0, max=18),
        *[
            Field(name=f"{name}_n", aliases=[f"TOT_{alias}"], type="integer", min=0)
            for name, alias in (("total", "POP"), ("male", "MALE"), ("female", "FEMALE"))
        ],
    ],
)

CC_EST_WIDE = Layout(
    kind="census_age_sex_wide",
    title="County population by age and sex",
    producer=_CENSUS,
    key=["county_fips", "year", "sex", "age_low"],
    year=r"(?i)(?:est|sex_)((?:19|20)\d{2})",
    vintage=True,
    columns=_POPULATION,
    tidy=_agesex,
    check=_ages_sum,
    fields=[
        Field(name="fips", aliases=["FIPS"], type="fips", required=False, nullable=True),
        *[Field(name=item.name, aliases=item.aliases, pattern=item.pattern, required=False, nullable=True) for item in _STATE_COUNTY],
        *_PLACE,
        Field(name="total_n", aliases=["POPESTIMATE"], type="integer", min=0),
        *[Field(name=column, aliases=[column], type="integer", min=0) for column in _GROUPS["column"]],
    ],
)

DARTMOUTH = Layout(
    kind="dartmouth_crosswalk",
    title="ZIP to hospital service and referral area",
    producer="Dartmouth Atlas of Health Care",
    key=["zip"],
    year=r"(?i)hrr(\d{2,4})",
    license="Dartmouth Atlas, free with citation",
    fields=[
        Field(name="zip", aliases=["zipcode*", "zip*"], type="zip", meaning="ZIP code"),
        Field(name="hsa", aliases=["hsanum"], pattern=r"\d{4,5}", meaning="hospital service area"),
        Field(name="hsa_city", aliases=["hsacity"], meaning="its town"),
        Field(name="hsa_state", aliases=["hsastate"], type="state", meaning="its state"),
        Field(name="hrr", aliases=["hrrnum"], pattern=r"\d{1,3}", meaning="hospital referral region"),
        Field(name="hrr_city", aliases=["hrrcity"], meaning="its town"),
        Field(name="hrr_state", aliases=["hrrstate"], type="state", meaning="its state"),
    ],
)

HUD = Layout(
    kind="hud_crosswalk",
    title="ZIP to county by addresses",
    producer="U.S. Department of Housing and Urban Development",
    key=["zip", "county_fips"],
    year=r"(?<!\d)(?:0[1-9]|1[0-2])?(20\d{2})(?!\d)",
    whole=lambda rows: _adds_up_by_zip(rows),
    note="Shares of a ZIP's addresses in each county; a ZIP without residences has residential shares of zero.",
    fields=[
        Field(name="zip", aliases=["ZIP", "zip_code"], type="zip", meaning="ZIP code"),
        Field(name="county_fips", aliases=["COUNTY", "GEOID", "fips"], type="fips", meaning="county FIPS code"),
        *[
            Field(
                name=f"{name}_share",
                aliases=[alias],
                type="number",
                min=0,
                max=1,
                unit="share",
                meaning=f"share of the ZIP's {name} addresses",
            )
            for name, alias in (("residential", "RES_RATIO"), ("business", "BUS_RATIO"), ("other", "OTH_RATIO"), ("all", "TOT_RATIO"))
        ],
    ],
)


def _adds_up_by_zip(rows: pd.DataFrame) -> str:
    """The file from counties to ZIPs has the same columns, but its shares are those of a county."""
    sums = rows.groupby("zip")["all_share"].sum()
    if sums.max() > 1.01 or (sums > 0.99).mean() < 0.5:
        worst = sums.idxmax() if sums.max() > 1.01 else sums.idxmin()
        return (
            f"expected the shares of a ZIP to add up to 1 over its counties, found {sums[worst]:.3f} for ZIP {worst}; "
            "is it the file from counties to ZIPs?"
        )
    return ""


_DATED = re.compile(r"(?i:(F\d{5})(\d{2})|([a-z][a-z0-9_]*?)_(\d{2}))")


def _yearly(header: Sequence[str]) -> list[Field]:
    names = [name.strip() for name in header if _DATED.fullmatch(name.strip())]
    if not names:
        raise ImportRefused("no column of the form name_YY or F12345YY, which is how these files name a field and its year")
    return [Field(name=name, aliases=[name], nullable=True, required=False) for name in dict.fromkeys(names)]


def _measures(rows: pd.DataFrame) -> pd.DataFrame:
    measures = [name for name in rows.columns if _DATED.fullmatch(str(name))]
    long = rows.melt(id_vars="county_fips", value_vars=measures, var_name="column", value_name="text").dropna(subset="text")
    parts = long["column"].str.extract(_DATED)
    two_digits = parts[1].fillna(parts[3]).astype("int64")
    value = pd.to_numeric(long["text"].str.replace(",", ""), errors="coerce")
    return long.assign(
        measure=parts[0].str.upper().fillna(parts[2]), year=two_digits + two_digits.ge(60).map({True: 1900, False: 2000}), value=value
    )


AHRF = Layout(
    kind="ahrf",
    title="Area health resources by county",
    producer="Health Resources and Services Administration",
    key=["county_fips", "measure", "year"],
    fields=[Field(name="county_fips", aliases=["fips_st_cnty", "F00002"], type="fips")],
    extra=_yearly,
    tidy=_measures,
    columns={
        "county_fips": Column(pattern=IDENTIFIERS["fips"], meaning="county FIPS code"),
        "measure": Column(meaning="field of the files, without its year"),
        "year": Column(type="integer", meaning="year of the field"),
        "value": Column(type="number", nullable=True, share=False, meaning="value, where it is a number"),
        "text": Column(meaning="value as written"),
    },
)

LAYOUTS = (CC_EST, CC_EST_WIDE, DARTMOUTH, HUD, AHRF)
