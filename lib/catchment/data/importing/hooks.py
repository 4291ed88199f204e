"""What a layout cannot say in its file: functions that layouts name.

`title_lines` hooks take the lines above the header, and what the caller gave, and return columns that are the same in every row. `hooks`
take converted rows and return them with more columns.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from catchment.data import npi

from .stream import ImportRefused


def npi_valid(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether the NPI's check digit fits. A wrong one is flagged and kept: it may be a demo's, or a slip."""
    return rows.assign(npi_valid=npi.valid(rows["npi"]).to_numpy())


def primary_taxonomy(rows: pd.DataFrame) -> pd.DataFrame:
    """The specialty whose switch says Y, which is not always the first; without a switch the first. And how many are listed."""
    slots = sorted((name for name in rows if re.fullmatch(r"code_\d+", name)), key=lambda name: -int(name[5:]))
    # Slot by slot from the last: filling along rows would take pandas a second for every few hundred of them.
    first = marked = pd.Series(index=rows.index, dtype="str")
    for slot in slots:
        code = rows[slot]
        first = code.where(code.notna(), first)
        marked = code.where(code.notna() & (rows[slot.replace("code", "switch")] == "Y"), marked)
    return rows.assign(taxonomy=marked.where(marked.notna(), first), taxonomies_n=rows[slots].notna().sum(axis=1))


def census_july(rows: pd.DataFrame) -> pd.DataFrame:
    """The year of each July estimate, 0 for what is none: some files write the year, most a code of the vintage.

    Raises
    ------
    ImportRefused
        A code that the vintage does not have: which year it means would be a guess.
    """
    vintage = int(rows["vintage"].iloc[0]) if len(rows) else 2020
    codes = _year_codes(vintage)
    unknown = [code for code in rows["year_code"].unique() if code < 1900 and code not in codes]
    if unknown:
        told = f"1 to {max(codes)}" if codes else "none is known"
        raise ImportRefused(f"expected YEAR to be a year or one of the codes of vintage {vintage} ({told}), found {unknown[0]}")
    return rows.assign(year=rows["year_code"].where(rows["year_code"] >= 1900, rows["year_code"].map(codes)))


def _year_codes(vintage: int) -> dict[int, int]:
    """The year of each code that stands for a July estimate, 0 for those of April (census and base).

    Source: file layouts of the Census Bureau's cc-est files, vintages from 2011 on.
    """
    if vintage > 2020:
        return {1: 0} | {2 + later: 2020 + later for later in range(vintage - 2019)}
    july = {3 + later: 2010 + later for later in range(min(vintage, 2019) - 2009)}
    return {1: 0, 2: 0} | july | ({13: 0, 14: 2020} if vintage == 2020 else {}) if vintage > 2010 else {}


_PEOPLE = re.compile(r"Race|Hispanic|Sexes|\b(?:Males?|Females?|Ages?)\b")
_YEARS = re.compile(r"((?:19|20)\d{2})\s*-\s*((?:19|20)\d{2})")
_ENDING = re.compile(r",?\s*(?:19|20)\d{2}(?:\s*-\s*(?:19|20)\d{2})?\s*$")
_STAGE = re.compile(r"\s*\(((?:[^()]|\([^()]*\))*Stage(?:[^()]|\([^()]*\))*)\)")


def cancer_profile(above: Sequence[str], header: Sequence[str], given: Mapping[str, str]) -> dict[str, Any]:
    """Measure, site, stage, years, race, sex and ages from the lines over the header of a State Cancer Profiles export.

    An analyst may have cut the lines off: then site and years are those given, the measure is the header's, and the rest is what
    exports are by default (all stages, all races, both sexes or the site's, all ages) or given.
    """
    if unknown := given.keys() - {"site", "years", "stage", "race", "sex", "ages"}:
        raise ImportRefused(f"nothing can be given for {', '.join(sorted(unknown))}: known are site, years, stage, race, sex, ages")
    lines = [text for line in above if (text := _without_quotes(line))]
    told = _titled(lines) if "Rate" in " ".join(lines) else {}
    if not told and not {"site", "years"} <= given.keys():
        raise ImportRefused(
            "the lines above the header tell neither measure nor years; export the table with its title, or give "
            "--set site='Lung & Bronchus' --set years=2017-2021"
        )
    death = any(re.search(r"Death|Mortality", name) for name in header)
    facts = {"measure": "mortality" if death else "incidence", "stage": "", "race": "", "ages": "All Ages"} | told
    facts |= {name: value for name, value in given.items() if name in ("site", "stage", "race", "sex", "ages")}
    return {"sex": _sex(facts["site"])} | facts | _years(given.get("years", "") or told["years"])


def _titled(lines: Sequence[str]) -> dict[str, Any]:
    title = " ".join(lines)
    through = re.search(r"years? through ((?:19|20)\d{2})", title)
    site = next((line for line in lines[1:] if re.search(r"\(.*Stage|, (?:19|20)\d{2}", line)), lines[1] if len(lines) > 1 else "")
    # "Breast (Female) (All Stages^), 2017-2021" names a sex too, but says nothing of the people.
    people = next((line for line in lines[1:] if line != site and _PEOPLE.search(line)), "")
    parts = [part.strip() for part in people.split(",")]
    years = _YEARS.search(title) or re.search(r",\s*((?:19|20)\d{2})\s*$", site)
    if not (years or through):
        return {}
    return {
        "measure": "mortality" if re.search(r"Death|Mortality", lines[0]) else "incidence",
        "site": _STAGE.sub("", _ENDING.sub("", site)).strip(" ,^"),
        "stage": (_STAGE.search(_ENDING.sub("", site)) or ["", ""])[1].replace("^", "").strip(),
        "years": "-".join(years.groups()) if years else f"{int(through[1]) - 4}-{through[1]}" if through else "",
        "race": ", ".join(part for part in parts if part and not re.search(r"Sexes|^Males?$|^Females?$|\bAges?\b", part)),
        "sex": _sex(people or site),
        "ages": next((part for part in parts if re.search(r"\bAges?\b|[<≥]", part)), "All Ages"),
    }


def _years(text: str) -> dict[str, int]:
    found = re.fullmatch(r"\s*((?:19|20)\d{2})(?:\s*[-–]\s*((?:19|20)\d{2}))?\s*", text)
    if not found:
        raise ImportRefused(f"expected years such as 2017-2021 or 2022, found {text!r}")
    return {"year_first": int(found[1]), "year_last": int(found[2] or found[1])}


def _without_quotes(line: str) -> str:
    """A line above the header; a spreadsheet ends it with a comma for each column."""
    return line[:500].strip().rstrip(",").strip('" ')


def _sex(text: str) -> str:
    found = re.search(r"\b(Both Sexes|Females?|Males?)\b", text)
    return {"f": "female", "m": "male", "b": "both"}[found[1][0].lower()] if found else "both"


def reader(name: str) -> Callable[..., Any]:
    """A reader in place of the engine's, by its name."""
    from . import pairs  # here, because it rests on the engine

    return {"pairs": pairs.read}[name]
