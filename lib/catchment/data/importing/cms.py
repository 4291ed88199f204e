"""Layouts of the Centers for Medicare & Medicaid Services: service areas, hospitals, inpatient and clinicians' services.

A field is told as its name in the table, its names in the header over the vintages with ` | ` between them, its meaning, and what is
special about it. Known bias: fee-for-service Medicare only (no Medicare Advantage), all causes, and rows of ten people or fewer
are withheld.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .layout import Field, Layout

PRODUCER = "Centers for Medicare & Medicaid Services"
_MISSING: dict[str, Any] = {"missing": ("Not Available", "N/A", "NA", "")}
_WITHHELD: dict[str, Any] = {"suppressed": ["*"]}
_EMPTY: dict[str, Any] = {"nullable": True}
_NOT_ALWAYS: dict[str, Any] = {"required": False, "nullable": True}


def _field(name: str, names: str, meaning: str, **more: Any) -> Field:
    return Field(name=name, aliases=names.split(" | "), meaning=meaning, **more)


def _count(name: str, names: str, meaning: str, unit: str, **more: Any) -> Field:
    return _field(name, names, meaning, **{"type": "integer", "min": 0, "unit": unit} | more)


def _money(name: str, names: str, meaning: str, **more: Any) -> Field:
    return _field(name, names, meaning, **{"type": "number", "min": 0, "unit": "USD"} | more)


def _ccn(names: str) -> Field:
    return _field("ccn", names, "CMS certification number", type="ccn")


def _layout(kind: str, title: str, key: Sequence[str], fields: Sequence[Field], note: str = "", **more: Any) -> Layout:
    more.setdefault("suppress_below", 11)
    return Layout(kind=kind, title=title, producer=PRODUCER, key=key, fields=fields, note=note, **more)


def _those(layout: Layout, names: str) -> list[Field]:
    """Fields that another layout has under the same names."""
    return [field for field in layout.fields if field.name in names.split()]


SERVICE_AREA = _layout(
    "hospital_service_area",
    "Medicare inpatient stays by hospital and ZIP of residence",
    ["ccn", "zip"],
    [
        _ccn("MEDICARE_PROV_NUM | MEDICARE PROVIDER NUMBER | PROVIDER_NUMBER | PROV_NUM"),
        _field(
            "zip", "ZIP_CD_OF_RESIDENCE | ZIP CODE OF RESIDENCE | ZIP_CODE_OF_RESIDENCE", "ZIP code of residence", type="zip", missing=["*"]
        ),
        _count("days_n", "TOTAL_DAYS_OF_CARE | TOTAL DAYS OF CARE", "days of care", "days", **_WITHHELD),
        _money("charges_usd", "TOTAL_CHARGES | TOTAL CHARGES", "charges", **_WITHHELD),
        _count("cases_n", "TOTAL_CASES | TOTAL CASES", "stays", "discharges", **_WITHHELD),
    ],
    "Fee-for-service Medicare, all causes; cells below 11 are withheld.",
    check=lambda rows: _stays(rows),
)

HOSPITALS = _layout(
    "hospital_information",
    "Hospital General Information",
    ["ccn"],
    [
        _ccn("Facility ID | facility_id | Provider ID | Provider Number | CCN"),
        _field("hospital", "Facility Name | Hospital Name", "name"),
        _field("address", "Address | Address 1", "street address", **_MISSING),
        _field("city", "City/Town | City", "city"),
        _field("state", "State", "state", type="state"),
        _field("zip", "ZIP Code", "ZIP code", type="zip"),
        _field("county", "County/Parish | County Name | County", "county name", **_MISSING),
        _field("phone", "Telephone Number | Phone Number", "telephone", required=False, **_MISSING),
        _field("hospital_type", "Hospital Type", "kind of hospital"),
        _field("ownership", "Hospital Ownership", "kind of owner", **_MISSING),
        _field("emergency", "Emergency Services", "whether it has emergency services", type="boolean", **_MISSING),
        _field(
            "rating", "Hospital overall rating", "overall rating, 1 to 5 stars", type="integer", min=1, max=5, required=False, **_MISSING
        ),
    ],
    suppress_below=None,
)

INPATIENT = _layout(
    "inpatient_by_provider",
    "Medicare inpatient stays by hospital",
    ["ccn"],
    [
        _ccn("Rndrng_Prvdr_CCN | Provider ID | Provider Id"),
        _field("hospital", "Rndrng_Prvdr_Org_Name | Provider Name", "name"),
        _field("city", "Rndrng_Prvdr_City | Provider City", "city"),
        _field("state", "Rndrng_Prvdr_State_Abrvtn | Provider State", "state", type="state"),
        _field("zip", "Rndrng_Prvdr_Zip5 | Provider Zip Code", "ZIP code", type="zip"),
        _count("patients_n", "Tot_Benes", "people treated", "beneficiaries", **_WITHHELD, **_NOT_ALWAYS),
        _count("discharges_n", "Tot_Dschrgs | Total Discharges", "discharges", "discharges", **_WITHHELD),
        _count("days_n", "Tot_Days", "days of care", "days", **_WITHHELD, **_NOT_ALWAYS),
        _money("charges_usd", "Tot_Submtd_Cvrd_Chrg", "covered charges", **_WITHHELD, **_NOT_ALWAYS),
        _money("payment_usd", "Tot_Mdcr_Pymt_Amt", "Medicare payments", min=None, **_WITHHELD, **_NOT_ALWAYS),
        _field(
            "cancer_share",
            "Bene_CC_PH_Cancer6_V2_Pct | Bene_CC_Cncr_Pct | Bene_CC_PH_Cancer_V2_Pct",
            "share of patients with cancer",
            **{"type": "number", "percent": True, "min": 0, "max": 100, "unit": "share"},
            **_WITHHELD,
            **_NOT_ALWAYS,
        ),
    ],
    "Fee-for-service Medicare only.",
    never=["DRG_Cd", "DRG_Desc", "DRG Definition"],
)

INPATIENT_SERVICES = _layout(
    "inpatient_by_service",
    "Medicare inpatient stays by hospital and diagnosis group",
    ["ccn", "drg"],
    [
        *_those(INPATIENT, "ccn hospital city state zip"),
        _field("drg", "DRG_Cd", "diagnosis-related group", pattern=r"\d{1,3}"),
        _field("drg_name", "DRG_Desc | DRG Definition", "name of the group"),
        _count("discharges_n", "Tot_Dschrgs | Total Discharges", "discharges", "discharges"),
        _money("charge_mean_usd", "Avg_Submtd_Cvrd_Chrg | Average Covered Charges", "mean covered charge"),
        _money("total_mean_usd", "Avg_Tot_Pymt_Amt | Average Total Payments", "mean total payment"),
        _money("payment_mean_usd", "Avg_Mdcr_Pymt_Amt | Average Medicare Payments", "mean Medicare payment", min=None),
    ],
    "Fee-for-service Medicare only; groups of ten stays or fewer are absent.",
)

PHYSICIAN_SERVICES = _layout(
    "physician_by_service",
    "Medicare services by clinician and procedure",
    ["npi", "hcpcs", "place"],
    [
        _field("npi", "Rndrng_NPI | npi | National Provider Identifier", "clinician", type="npi"),
        _field(
            "name",
            "Rndrng_Prvdr_Last_Org_Name | nppes_provider_last_org_name | Last Name/Organization Name of the Provider",
            "last name or organization",
            **_EMPTY,
        ),
        _field("first_name", "Rndrng_Prvdr_First_Name | nppes_provider_first_name | First Name of the Provider", "first name", **_EMPTY),
        _field("specialty", "Rndrng_Prvdr_Type | provider_type", "specialty as Medicare has it", **_EMPTY),
        _field("city", "Rndrng_Prvdr_City | nppes_provider_city | City of the Provider", "city", **_EMPTY),
        _field("state", "Rndrng_Prvdr_State_Abrvtn | nppes_provider_state | State Code of the Provider", "state", **_EMPTY),
        _field(
            "zip",
            "Rndrng_Prvdr_Zip5 | nppes_provider_zip | Zip Code of the Provider",
            "ZIP code as given; foreign ones have another form",
            **_EMPTY,
        ),
        _field("hcpcs", "HCPCS_Cd | hcpcs_code", "procedure code", pattern=r"[0-9A-Z]{5}"),
        _field("procedure", "HCPCS_Desc | hcpcs_description", "procedure", **_EMPTY),
        _field("drug", "HCPCS_Drug_Ind | hcpcs_drug_indicator", "whether the procedure is a drug", type="boolean", **_NOT_ALWAYS),
        _field("place", "Place_Of_Srvc | place_of_service", "F = facility, O = office", pattern="[FO]"),
        _count("patients_n", "Tot_Benes | bene_unique_cnt | Number of Medicare Beneficiaries", "people treated", "beneficiaries"),
        _count(
            "services_n",
            "Tot_Srvcs | line_srvc_cnt | Number of Services",
            "services; drugs are counted in units",
            "services",
            type="number",
        ),
        _count(
            "days_n",
            "Tot_Bene_Day_Srvcs | bene_day_srvc_cnt | Number of Distinct Medicare Beneficiary/Per Day Services",
            "person-days of service",
            "days",
        ),
        _money(
            "allowed_mean_usd", "Avg_Mdcr_Alowd_Amt | average_Medicare_allowed_amt | Average Medicare Allowed Amount", "mean allowed amount"
        ),
        _money(
            "payment_mean_usd",
            "Avg_Mdcr_Pymt_Amt | average_Medicare_payment_amt | Average Medicare Payment Amount",
            "mean Medicare payment",
        ),
    ],
    "Fee-for-service Medicare only; rows of ten patients or fewer are absent.",
    check=lambda rows: _where(rows["patients_n"] > rows["days_n"], "no more patients than person-days"),
)

PHYSICIANS = _layout(
    "physician_by_provider",
    "Medicare services by clinician",
    ["npi"],
    [
        *_those(PHYSICIAN_SERVICES, "npi name first_name specialty city state zip"),
        _count("procedures_n", "Tot_HCPCS_Cds | number_of_hcpcs", "different procedures", ""),
        _count("patients_n", "Tot_Benes | total_unique_benes", "people treated", "beneficiaries", **_WITHHELD, **_EMPTY),
        _count("services_n", "Tot_Srvcs | total_services", "services", "services", type="number"),
        _money("allowed_usd", "Tot_Mdcr_Alowd_Amt | total_medicare_allowed_amt", "allowed amounts"),
        _money("payment_usd", "Tot_Mdcr_Pymt_Amt | total_medicare_payment_amt", "Medicare payments"),
        _field(
            "age_mean",
            "Bene_Avg_Age | average_age_of_beneficiaries",
            "mean age of the patients",
            **{"type": "number", "min": 0, "max": 120, "unit": "years"},
            **_NOT_ALWAYS,
        ),
    ],
    "Fee-for-service Medicare only.",
)


def _stays(rows: pd.DataFrame) -> pd.Series:
    """Days that fit the stays, and a row withheld as a whole or not at all."""
    hidden = rows[["days_n_suppressed", "charges_usd_suppressed", "cases_n_suppressed"]].sum(axis=1)
    told = _where(
        (rows["days_n"] < rows["cases_n"]) | (rows["days_n"] > 366 * rows["cases_n"]), "at least one day a stay, and no year of them"
    )
    return told.mask(hidden.isin([1, 2]), "days, charges and cases withheld together")


def _where(broken: pd.Series, rule: str) -> pd.Series:
    """The rule for each row that breaks it, "" for the others; a missing value breaks none."""
    return broken.fillna(False).astype(bool).map({True: rule, False: ""}).astype("str")


LAYOUTS = (SERVICE_AREA, HOSPITALS, INPATIENT, INPATIENT_SERVICES, PHYSICIAN_SERVICES, PHYSICIANS)
