"""The two identifiers that Safe Harbor lets through in a coarser form: ages and the first three digits of a ZIP code.

Definitions: 45 CFR 164.514(b)(2)(i)(B) and (C). Ages over 89 become one group, 90 and older. The first three digits of a ZIP code
may be kept where all ZIP codes that begin with them hold more than 20,000 people together; else they become 000. `SPARSE` are the
areas below that line in the Census of 2000, as the guidance of the Office for Civil Rights (2012) lists them; give populations
to judge by a later census.
"""

import pandas as pd

OLDEST = 90
LEAST_PEOPLE = 20_000
SPARSE = frozenset(["036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890", "893"])


def age(years: pd.Series, *, oldest: int = OLDEST) -> pd.Series:
    """Ages in whole years with those from `oldest` on as `oldest`; missing ones stay missing.

    Grain: one person in, one out. Raises ValueError for a negative age.
    """
    values = pd.Series(pd.to_numeric(years))
    if (values < 0).any():
        raise ValueError(f"an age is negative: {values.min():g}")
    return values.clip(upper=oldest)


def age_group(years: pd.Series, *, width: int = 5, oldest: int = OLDEST) -> pd.Series:
    """Ages as text groups ("85-89", "90+") of `width` years."""
    values = age(years, oldest=oldest)
    start = (values // width * width).astype("Int64")
    last = (start + width - 1).clip(upper=oldest - 1)
    labels = start.astype("string") + "-" + last.astype("string")
    return labels.mask(values >= oldest, f"{oldest}+").fillna(pd.NA)


def zip3(zips: pd.Series, *, population: pd.Series | None = None) -> pd.Series:
    """The first three digits of ZIP codes, 000 where 20,000 people or fewer live.

    Parameters
    ----------
    zips
        ZIP codes as text of five digits (or ZIP+4).
    population
        People by five-digit ZIP code, to judge by; the list of 2000 is used without it. An area that it lacks becomes 000.

    Raises
    ------
    ValueError
        A ZIP code is not text of at least five digits.
    """
    texts = pd.Series(zips, dtype="string")
    wrong = texts[texts.notna() & ~texts.str.match(r"\d{5}(-\d{4})?$")]
    if len(wrong):
        raise ValueError(f"{wrong.iloc[0]!r} is not a ZIP code of five digits as text")
    areas = texts.str[:3]
    if population is None:
        return areas.mask(areas.isin(SPARSE), "000")
    people = population.groupby(population.index.astype(str).str[:3]).sum()
    return areas.where(areas.map(people).fillna(0).astype("float64") > LEAST_PEOPLE, "000").mask(texts.isna())


def identifying(frame: pd.DataFrame) -> list[str]:
    """Columns whose values Safe Harbor does not let through: ages over 89, or areas of three digits with too few people."""
    found = []
    for column in frame.columns:
        values, words = frame[column].dropna(), str(column).split("_")
        if (words[0] == "age" and pd.api.types.is_numeric_dtype(values) and (values > OLDEST).any()) or (
            "zip3" in words and values.astype(str).isin(SPARSE).any()
        ):
            found.append(str(column))
    return found
