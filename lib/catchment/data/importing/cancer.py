"""Cancer figures as published: State Cancer Profiles exports and the U.S. Cancer Statistics files.

Known bias. State Cancer Profiles withholds an area with fewer than 16 records (`*`), and "3" may stand for any small average
of 16 cases or more; counts are averages per year. U.S. Cancer Statistics marks the same with `~`. Neither is zero.
"""

import re
from typing import Any

import numpy as np
import pandas as pd

from catchment.data.catalog import Column

from .layout import Field, Layout
from .stream import ImportRefused

_ABSENT = ("N/A", "NA", "data not available", "Data not available", "**", "***", "¶", "¶¶", "§", "§§", "#", "__")
_HIDDEN = ("*", "3 or fewer")


_PEOPLE = re.compile(r"Race|Hispanic|Sexes|\b(?:Males?|Females?|Ages?)\b")
_YEARS = re.compile(r",?\s*(?:19|20)\d{2}\s*-\s*(?:19|20)\d{2}\s*$")
_STAGE = re.compile(r"\s*\(((?:[^()]|\([^()]*\))*Stage(?:[^()]|\([^()]*\))*)\)")


def _said_above(above: list[str]) -> dict[str, Any]:
    """Measure, site, stage, years, race, sex and ages from the lines over the header."""
    lines = [text for line in above if (text := _without_quotes(line))]
    title = " ".join(lines)
    years = re.search(r"((?:19|20)\d{2})\s*-\s*((?:19|20)\d{2})", title)
    through = re.search(r"years? through ((?:19|20)\d{2})", title)
    if not (years or through) or "Rate" not in title:
        raise ImportRefused("the lines above the header tell neither measure nor years; export the table with its title")
    last = int(years[2] if years else through[1])
    site = next((line for line in lines[1:] if re.search(r"\(.*Stage|, (?:19|20)\d{2}\s*-", line)), lines[1] if len(lines) > 1 else "")
    # "Breast (Female) (All Stages^), 2017-2021" names a sex too, but says nothing of the people.
    people = next((line for line in lines[1:] if line != site and _PEOPLE.search(line)), "")
    parts = [part.strip() for part in people.split(",")]
    return {
        "measure": "mortality" if re.search(r"Death|Mortality", lines[0]) else "incidence",
        "site": _STAGE.sub("", _YEARS.sub("", site)).strip(" ,^"),
        "stage": (_STAGE.search(_YEARS.sub("", site)) or ["", ""])[1].replace("^", "").strip(),
        "year_first": int(years[1]) if years else last - 4,
        "year_last": last,
        "race": ", ".join(part for part in parts if part and not re.search(r"Sexes|^Males?$|^Females?$|\bAges?\b", part)),
        "sex": _sex(people or site),
        "ages": next((part for part in parts if re.search(r"\bAges?\b|[<≥]", part)), "All Ages"),
    }


def _without_quotes(line: str) -> str:
    """A line above the header; a spreadsheet ends it with a comma for each column."""
    return line[:500].strip().rstrip(",").strip('" ')


def _sex(text: str) -> str:
    found = re.search(r"\b(Both Sexes|Females?|Males?)\b", text)
    return {"f": "female", "m": "male", "b": "both"}[found[1][0].lower()] if found else "both"


def _area(rows: pd.DataFrame) -> pd.DataFrame:
    plain = rows["area"].str.replace(r"\s*\(\s*[\d,\s]+\)\s*$", "", regex=True)
    status = np.select(
        [rows["rate_100k_suppressed"] | rows["cases_n_year_suppressed"], rows["rate_100k"].isna()], ["suppressed", "not published"], "ok"
    )
    # A spreadsheet drops leading zeros; the code of a service area is below 1000.
    fips = rows["fips"].str.replace(r"^([1-9]\d{3}|0)$", lambda found: found[1].zfill(5), regex=True)
    return rows.assign(area=plain, fips=fips, status=status)


def _ordered(rows: pd.DataFrame) -> pd.Series:
    """Each value between its limits: what tells swapped columns from right ones."""
    rate = (rows["rate_low"] > rows["rate_100k"] + 0.05) | (rows["rate_high"] < rows["rate_100k"] - 0.05)
    trend = (rows["apc_low"] > rows["apc"] + 0.05) | (rows["apc_high"] < rows["apc"] - 0.05)
    return pd.Series(
        np.select([rate, trend], ["a rate within its interval", "a trend within its interval"], ""), index=rows.index, dtype="str"
    )


def _rate(name: str, aliases: list[str], **more: Any) -> Field:
    return Field(name=name, aliases=aliases, type="number", nullable=True, missing=_ABSENT, suppressed=_HIDDEN, **more)


STATE_CANCER_PROFILES = Layout(
    kind="state_cancer_profiles",
    title="Cancer rates by area",
    producer="National Cancer Institute and CDC, State Cancer Profiles",
    key=["measure", "area", "fips", "site", "stage", "race", "sex", "ages", "year_first", "year_last"],
    year="",
    period="year_last",
    footer=True,
    preamble=_said_above,
    note="Areas with fewer than 16 records are withheld; counts are yearly averages.",
    fields=[
        Field(name="area", aliases=["County", "State", "Health Service Area", "Area"], meaning="area"),
        Field(name="fips", aliases=["FIPS", "HSA", "HSA Code"], pattern=r"\d{1,5}"),
        _rate(
            "rate_100k",
            ["Age-Adjusted Incidence Rate*", "Age-Adjusted Death Rate*", "Age-Adjusted Mortality Rate*", "Incidence Rate*", "Death Rate*"],
            min=0,
        ),
        _rate("rate_low", ["Lower 95% Confidence Interval", "Lower CI (Rate)"], follows="rate_100k", min=0),
        _rate("rate_high", ["Upper 95% Confidence Interval", "Upper CI (Rate)"], follows="rate_low", min=0),
        _rate("cases_n_year", ["Average Annual Count"], min=0),
        Field(
            name="trend",
            aliases=["Recent Trend"],
            required=False,
            nullable=True,
            missing=[*_ABSENT, *_HIDDEN],
            pattern="rising|falling|stable",
        ),
        _rate("apc", ["Recent 5-Year Trend*", "Recent 5 Year Trend*", "Average Annual Percent Change*"], required=False),
        _rate("apc_low", ["Lower 95% Confidence Interval"], required=False, follows="apc"),
        _rate("apc_high", ["Upper 95% Confidence Interval"], required=False, follows="apc_low"),
        _rate(
            "late_share",
            ["Percentage of Cases with Late Stage", "Percent of Cases with Late Stage"],
            required=False,
            percent=True,
            min=0,
            max=100,
        ),
    ],
    check=_ordered,
    tidy=_area,
    columns={
        "measure": Column(type="category", values=["incidence", "mortality"], meaning="what the rate is of"),
        "area": Column(meaning="area without its footnote"),
        "fips": Column(pattern=r"\d{1,5}", meaning="FIPS code; 00000 is the United States"),
        "site": Column(meaning="cancer site"),
        "stage": Column(nullable=True, meaning="stages covered"),
        "race": Column(nullable=True, meaning="races covered"),
        "sex": Column(type="category", values=["female", "male", "both"], meaning="sex"),
        "ages": Column(meaning="ages covered"),
        "year_first": Column(type="integer", meaning="first year covered"),
        "year_last": Column(type="integer", meaning="last year covered"),
        "rate_100k": Column(type="number", unit="per 100,000", nullable=True, suppressed=["*"], meaning="age-adjusted rate"),
        "rate_low": Column(type="number", unit="per 100,000", nullable=True, meaning="lower 95 % limit"),
        "rate_high": Column(type="number", unit="per 100,000", nullable=True, meaning="upper 95 % limit"),
        "cases_n_year": Column(
            type="number", unit="cases a year", nullable=True, suppressed=["*"], meaning="cases or deaths, average per year"
        ),
        "trend": Column(nullable=True, meaning="recent trend as labelled"),
        "apc": Column(type="number", unit="percent a year", nullable=True, meaning="recent yearly change"),
        "apc_low": Column(type="number", unit="percent a year", nullable=True, meaning="lower 95 % limit"),
        "apc_high": Column(type="number", unit="percent a year", nullable=True, meaning="upper 95 % limit"),
        "late_share": Column(type="number", share=True, nullable=True, meaning="share of cases found late"),
        "status": Column(type="category", values=["ok", "suppressed", "not published"], meaning="whether the rate is shown"),
    },
)

_TOKENS = (".", "+", "-")  # not available, not applicable, not collected


def _number(name: str, *aliases: str, kind: str = "number", required: bool = True) -> Field:
    return Field(name=name, aliases=aliases, type=kind, nullable=True, missing=_TOKENS, suppressed=["~"], min=0, required=required)


_COMMON = [
    Field(name="event", aliases=["EVENT_TYPE"], pattern="(?i:incidence|mortality)"),
    Field(name="race", aliases=["RACE"]),
    Field(name="sex", aliases=["SEX"], pattern="(?i:male|female|male and female)"),
    Field(name="site", aliases=["SITE"]),
    Field(name="years", aliases=["YEAR"], pattern=r"(?:19|20)\d{2}(?:-(?:19|20)?\d{2,4})?"),
    _number("cases_n", "COUNT", kind="integer"),
    _number("population_n", "POPULATION", kind="integer"),
]
_STATS = {
    "measure": Column(type="category", values=["incidence", "mortality"], meaning="cases or deaths"),
    "race": Column(meaning="race and origin"),
    "sex": Column(type="category", values=["female", "male", "both"], meaning="sex"),
    "site": Column(meaning="cancer site"),
    "year_first": Column(type="integer", meaning="first year covered"),
    "year_last": Column(type="integer", meaning="last year covered"),
    "cases_n": Column(type="integer", nullable=True, suppressed=["~"], meaning="cases or deaths in all the years"),
    "population_n": Column(type="integer", nullable=True, suppressed=["~"], meaning="person-years"),
    "rate_100k": Column(type="number", unit="per 100,000", nullable=True, suppressed=["~"], meaning="rate"),
    "rate_low": Column(type="number", unit="per 100,000", nullable=True, suppressed=["~"], meaning="lower 95 % limit"),
    "rate_high": Column(type="number", unit="per 100,000", nullable=True, suppressed=["~"], meaning="upper 95 % limit"),
}
_USCS = {
    "producer": "CDC and National Cancer Institute, U.S. Cancer Statistics",
    "year": "",
    "period": "year_last",
    "suppress_below": 16,
    "note": "Cells of fewer than 16 are withheld.",
}


def _spelled(rows: pd.DataFrame) -> pd.DataFrame:
    years = rows["years"].str.extract(r"^(\d{4})(?:-(\d+))?$")
    first = years[0].astype("int64")
    last = years[1].where(years[1].str.len() == 4, years[0].str[:2] + years[1]).fillna(years[0]).astype("int64")
    sex = rows["sex"].str.lower().replace({"male and female": "both"})
    return rows.assign(measure=rows["event"].str.lower(), sex=sex, year_first=first, year_last=last)


def _by_age(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _spelled(rows)
    # "00" or "<1", "01-04" or "1-4", "85+"; "All Ages" has no limits
    low = rows["age"].str.extract(r"(\d+)", expand=False).astype("Int64").mask(rows["age"].str.startswith("<"), 0)
    high = rows["age"].str.extract(r"-(\d+)$", expand=False).astype("Int64")
    single = rows["age"].str.fullmatch(r"0+|<1")
    return rows.assign(age_low=low, age_high=high.mask(single, 0))


def _by_county(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _spelled(rows)
    return rows.assign(
        county_fips=rows["area"].str.extract(r"\((\d{5})\)", expand=False), area=rows["area"].str.replace(r"^[A-Z]{2}:\s*", "", regex=True)
    )


def _possible(rows: pd.DataFrame) -> pd.Series:
    many = (rows["cases_n"] > rows["population_n"]).fillna(False).astype(bool)
    outside = ((rows["rate_low"] > rows["rate_100k"] + 0.05) | (rows["rate_high"] < rows["rate_100k"] - 0.05)).astype(bool)
    return pd.Series(
        np.select([many, outside], ["no more cases than people", "a rate within its interval"], ""), index=rows.index, dtype="str"
    )


USCS_BY_AGE = Layout(
    kind="uscs_by_age",
    title="National cancer cases and deaths by age",
    key=["measure", "site", "sex", "race", "age", "year_first", "year_last"],
    member=r"BYAGE\.TXT$",
    **_USCS,
    fields=[
        Field(name="age", aliases=["AGE"], pattern=r"(?i:all ages|<1|\d+\+?|\d+-\d+)"),
        *_COMMON,
        _number("rate_100k", "RATE"),
        _number("rate_low", "CI_LOWER"),
        _number("rate_high", "CI_UPPER"),
    ],
    check=_possible,
    tidy=_by_age,
    columns={
        "age": Column(meaning="age group as printed"),
        "age_low": Column(type="integer", nullable=True, meaning="youngest age; empty for all ages"),
        "age_high": Column(type="integer", nullable=True, meaning="oldest age; empty when open"),
        **_STATS,
    },
)

USCS_BY_COUNTY = Layout(
    kind="uscs_by_county",
    title="Cancer cases and deaths by county",
    key=["measure", "area", "county_fips", "site", "sex", "race", "year_first", "year_last"],
    member=r"BYAREA_COUNTY\.TXT$",
    **_USCS,
    fields=[
        Field(name="state", aliases=["STATE"], pattern="[A-Z]{2}"),
        Field(name="area", aliases=["AREA"], pattern=r".*\(\d{5}\).*"),
        *_COMMON,
        _number("rate_100k", "AGE_ADJUSTED_RATE"),
        _number("rate_low", "AGE_ADJUSTED_CI_LOWER"),
        _number("rate_high", "AGE_ADJUSTED_CI_UPPER"),
        _number("crude_rate_100k", "CRUDE_RATE", required=False),
    ],
    check=_possible,
    tidy=_by_county,
    columns={
        "state": Column(meaning="state"),
        "area": Column(meaning="county as printed, with the years for which it is defined"),
        "county_fips": Column(pattern=r"\d{5}", meaning="county FIPS code"),
        **_STATS,
        "crude_rate_100k": Column(
            type="number", unit="per 100,000", nullable=True, suppressed=["~"], meaning="rate without age adjustment"
        ),
    },
)

LAYOUTS = (STATE_CANCER_PROFILES, USCS_BY_AGE, USCS_BY_COUNTY)
