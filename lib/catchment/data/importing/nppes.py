"""The monthly NPPES file of all clinicians and organizations with an NPI.

One row per NPI. The primary taxonomy is the one whose switch says Y, which is not always the first; a record without a
switch gives its first. A deactivated record is empty but for its number and dates.
"""

import pandas as pd

from catchment.data import npi
from catchment.data.catalog import Column

from .layout import IDENTIFIERS, Field, Layout

_SLOTS = range(1, 16)
_PRACTICE = "Provider Business Practice Location Address"


def _text(name: str, *aliases: str, required: bool = True) -> Field:
    return Field(name=name, aliases=aliases, nullable=True, required=required, missing=["<UNAVAIL>"])


def _primary(rows: pd.DataFrame) -> pd.DataFrame:
    # Slot by slot from the last: filling along rows would take pandas a second for every few hundred of them.
    first = marked = pd.Series(index=rows.index, dtype="str")
    listed = pd.Series(0, index=rows.index)
    for slot in reversed(_SLOTS):
        code = rows[f"code_{slot}"]
        listed += code.notna()
        first = code.where(code.notna(), first)
        marked = code.where(code.notna() & (rows[f"switch_{slot}"] == "Y"), marked)
    chosen = marked.where(marked.notna(), first)
    zips = rows["postal"].str.extract(r"^(\d{5})", expand=False)
    return rows.assign(
        taxonomy=chosen,
        zip=zips.where(rows["country"].isna() | (rows["country"] == "US")),
        taxonomies_n=listed,
        npi_valid=npi.valid(rows["npi"]).to_numpy(),
    )


NPPES = Layout(
    kind="nppes",
    title="National provider registry",
    producer="Centers for Medicare & Medicaid Services, NPPES",
    key=["npi"],
    member=r"npidata_pfile.*\.csv$",
    year=r"(20\d{2})\d{4}(?=\D*$)",
    note="Clinicians report for themselves; addresses and specialties may be out of date.",
    fields=[
        Field(name="npi", aliases=["NPI"], type="npi"),
        Field(name="entity", aliases=["Entity Type Code"], nullable=True, pattern="[12]"),
        _text("organization", "Provider Organization Name (Legal Business Name)"),
        _text("name", "Provider Last Name (Legal Name)", "Provider Last Name"),
        _text("first_name", "Provider First Name"),
        _text("credential", "Provider Credential Text", required=False),
        _text("address", "Provider First Line Business Practice Location Address"),
        _text("city", f"{_PRACTICE} City Name"),
        _text("state", f"{_PRACTICE} State Name"),
        _text("postal", f"{_PRACTICE} Postal Code"),
        _text("country", f"{_PRACTICE} Country Code (If outside U.S.)", f"{_PRACTICE} Country Code", required=False),
        _text("sex", "Provider Sex Code (formerly Provider Gender Code)", "Provider Sex Code", "Provider Gender Code", required=False),
        Field(name="enumerated", aliases=["Provider Enumeration Date"], type="date", nullable=True),
        Field(name="updated", aliases=["Last Update Date"], type="date", nullable=True),
        Field(name="deactivated", aliases=["NPI Deactivation Date"], type="date", nullable=True, required=False),
        Field(name="reactivated", aliases=["NPI Reactivation Date"], type="date", nullable=True, required=False),
        *[
            Field(
                name=f"code_{slot}",
                aliases=[f"Healthcare Provider Taxonomy Code_{slot}"],
                nullable=True,
                required=slot == 1,
                pattern="[0-9A-Za-z]{10}",
            )
            for slot in _SLOTS
        ],
        *[
            Field(
                name=f"switch_{slot}",
                aliases=[f"Healthcare Provider Primary Taxonomy Switch_{slot}"],
                nullable=True,
                required=slot == 1,
                pattern="[YNX]",
            )
            for slot in _SLOTS
        ],
    ],
    tidy=_primary,
    columns={
        "npi": Column(pattern=IDENTIFIERS["npi"], meaning="clinician or organization"),
        "npi_valid": Column(type="boolean", meaning="whether the check digit of the NPI fits"),
        "entity": Column(nullable=True, meaning="1 = person, 2 = organization"),
        "organization": Column(nullable=True, meaning="legal name of an organization"),
        "name": Column(nullable=True, meaning="last name of a person"),
        "first_name": Column(nullable=True, meaning="first name of a person"),
        "credential": Column(nullable=True, meaning="degrees as given"),
        "sex": Column(nullable=True, meaning="sex code as given"),
        "taxonomy": Column(nullable=True, meaning="NUCC code of the primary specialty"),
        "taxonomies_n": Column(type="integer", meaning="specialties listed"),
        "address": Column(nullable=True, meaning="practice address"),
        "city": Column(nullable=True, meaning="practice city"),
        "state": Column(nullable=True, meaning="practice state"),
        "zip": Column(nullable=True, pattern=IDENTIFIERS["zip"], meaning="practice ZIP code, in the United States"),
        "enumerated": Column(type="date", nullable=True, meaning="day the number was given"),
        "updated": Column(type="date", nullable=True, meaning="day of the last update"),
        "deactivated": Column(type="date", nullable=True, meaning="day the number was deactivated"),
        "reactivated": Column(type="date", nullable=True, meaning="day the number was active again"),
    },
)

LAYOUTS = (NPPES,)
