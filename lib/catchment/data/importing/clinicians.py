"""CMS Care Compare: clinicians with school, graduation year and practices, and the hospitals they are affiliated with.

The clinician file has one row per clinician, enrollment, group and address, so a clinician with three offices has three rows; year of
graduation and specialty repeat. The affiliation file is the bridge from a clinician (NPI) to a hospital (CCN).
"""

import pandas as pd

from catchment.data import npi
from catchment.data.catalog import Column

from .cms import PRODUCER
from .layout import Field, Layout


def _text(name: str, meaning: str, *aliases: str, required: bool = True) -> Field:
    return Field(name=name, aliases=aliases, nullable=True, required=required, meaning=meaning)


def checked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `npi_valid`: whether the NPI's check digit fits. A wrong one is flagged and kept: it may be a demo's, or a slip."""
    return rows.assign(npi_valid=npi.valid(rows["npi"]).to_numpy())


NPI = Field(name="npi", aliases=["NPI"], type="npi", meaning="clinician")
VALID = Column(type="boolean", meaning="whether the check digit of the NPI fits")
_NAMES = (
    _text("name", "last name", "Provider Last Name", "lst_nm", "Last Name"),
    _text("first_name", "first name", "Provider First Name", "frst_nm", "First Name"),
)
_CLINICIAN = (
    NPI,
    Field(name="person_id", aliases=["Ind_PAC_ID", "PAC ID"], nullable=True, pattern=r"\d{10}", meaning="PECOS identifier of the person"),
    Field(name="enrollment_id", aliases=["Ind_enrl_ID", "Professional Enrollment ID"], nullable=True, meaning="enrollment"),
    *_NAMES,
    _text("credential", "credential", "Cred", "Credential", required=False),
    _text("school", "medical school", "Med_sch", "Medical school name", required=False),
    Field(
        name="graduation_year",
        aliases=["Grd_yr", "Graduation year"],
        type="integer",
        min=1900,
        max=2100,
        nullable=True,
        unit="year",
        meaning="year of graduation",
    ),
    _text("specialty", "primary specialty as Medicare has it", "pri_spec", "Primary specialty"),
    _text("specialties", "all secondary specialties", "sec_spec_all", "All secondary specialties", required=False),
    _text("organization", "group practice", "Facility Name", "org_nm", "Organization legal name", required=False),
    _text("organization_id", "PECOS identifier of the group", "org_pac_id", "Group Practice PAC ID", required=False),
    Field(
        name="organization_clinicians_n",
        aliases=["num_org_mem", "Number of Group Practice members"],
        type="integer",
        min=0,
        nullable=True,
        required=False,
        meaning="clinicians of the group",
    ),
    _text("address", "address", "adr_ln_1", "Line 1 Street Address"),
    _text("address_2", "second line of the address", "adr_ln_2", "Line 2 Street Address", required=False),
    _text("city", "city", "City/Town", "cty", "City"),
    Field(name="state", aliases=["State", "st"], type="state", nullable=True, meaning="state"),
    Field(name="zip", aliases=["ZIP Code", "zip", "Zip Code"], type="zip", nullable=True, meaning="ZIP code, first five digits"),
    _text("address_id", "identifier of the address", "adrs_id", required=False),
)
CARE_COMPARE = Layout(
    kind="care_compare_clinicians",
    title="Clinicians enrolled in Medicare",
    producer=PRODUCER,
    note="One row per clinician, enrollment, group and address.",
    key=["npi", "enrollment_id", "organization_id", "address_id", "address", "address_2", "zip"],
    fields=_CLINICIAN,
    tidy=checked,
    columns={field.name: field.column for field in _CLINICIAN} | {"npi_valid": VALID},
)

_AFFILIATION = (
    NPI,
    Field(name="person_id", aliases=["Ind_PAC_ID"], nullable=True, pattern=r"\d{10}", meaning="PECOS identifier of the person"),
    *_NAMES,
    _text("facility_type", "kind of facility", "facility_type", "Facility Type"),
    Field(
        name="ccn",
        aliases=["Facility Affiliations Certification Number", "facility_afl_ccn"],
        type="ccn",
        meaning="CMS certification number of the facility",
    ),
    Field(
        name="unit_ccn",
        aliases=["Facility Type Certification Number", "parent_ccn"],
        type="ccn",
        nullable=True,
        required=False,
        meaning="certification number of the unit or its parent",
    ),
)
FACILITY_AFFILIATION = Layout(
    kind="facility_affiliation",
    title="Clinicians' hospital affiliations",
    producer=PRODUCER,
    key=["npi", "facility_type", "ccn", "unit_ccn"],
    fields=_AFFILIATION,
    tidy=checked,
    columns={field.name: field.column for field in _AFFILIATION} | {"npi_valid": VALID},
    note="Affiliation as Medicare derives it from claims.",
)

LAYOUTS = (CARE_COMPARE, FACILITY_AFFILIATION)
