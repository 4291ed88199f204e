"""Layouts of the Centers for Medicare & Medicaid Services: service areas, hospitals, inpatient and clinicians' services.

Known bias: fee-for-service Medicare only (no Medicare Advantage), all causes, and rows of ten people or fewer are withheld.
"""

import pandas as pd

from .layout import Field, Layout

PRODUCER = "Centers for Medicare & Medicaid Services"
_NOT_AVAILABLE = ("Not Available", "N/A", "NA", "")

SERVICE_AREA = Layout(
    kind="hospital_service_area",
    title="Medicare inpatient stays by hospital and ZIP of residence",
    producer=PRODUCER,
    suppress_below=11,
    key=["ccn", "zip"],
    note="Fee-for-service Medicare, all causes; cells below 11 are withheld.",
    fields=[
        Field(
            name="ccn",
            aliases=["MEDICARE_PROV_NUM", "MEDICARE PROVIDER NUMBER", "PROVIDER_NUMBER", "PROV_NUM"],
            type="ccn",
            meaning="CMS certification number",
        ),
        Field(
            name="zip",
            aliases=["ZIP_CD_OF_RESIDENCE", "ZIP CODE OF RESIDENCE", "ZIP_CODE_OF_RESIDENCE"],
            type="zip",
            missing=["*"],
            meaning="ZIP code of residence",
        ),
        Field(
            name="days_n",
            aliases=["TOTAL_DAYS_OF_CARE", "TOTAL DAYS OF CARE"],
            type="integer",
            min=0,
            suppressed=["*"],
            unit="days",
            meaning="days of care",
        ),
        Field(
            name="charges_usd",
            aliases=["TOTAL_CHARGES", "TOTAL CHARGES"],
            type="number",
            min=0,
            suppressed=["*"],
            unit="USD",
            meaning="charges",
        ),
        Field(
            name="cases_n",
            aliases=["TOTAL_CASES", "TOTAL CASES"],
            type="integer",
            min=0,
            suppressed=["*"],
            unit="discharges",
            meaning="stays",
        ),
    ],
    check=lambda rows: _stays(rows),
)

HOSPITALS = Layout(
    kind="hospital_information",
    title="Hospital General Information",
    producer=PRODUCER,
    key=["ccn"],
    fields=[
        Field(
            name="ccn",
            aliases=["Facility ID", "facility_id", "Provider ID", "Provider Number", "CCN"],
            type="ccn",
            meaning="CMS certification number",
        ),
        Field(name="hospital", aliases=["Facility Name", "Hospital Name"], meaning="name"),
        Field(name="address", aliases=["Address", "Address 1"], missing=_NOT_AVAILABLE, meaning="street address"),
        Field(name="city", aliases=["City/Town", "City"], meaning="city"),
        Field(name="state", aliases=["State"], type="state", meaning="state"),
        Field(name="zip", aliases=["ZIP Code"], type="zip", meaning="ZIP code"),
        Field(name="county", aliases=["County/Parish", "County Name", "County"], missing=_NOT_AVAILABLE, meaning="county name"),
        Field(name="phone", aliases=["Telephone Number", "Phone Number"], required=False, missing=_NOT_AVAILABLE, meaning="telephone"),
        Field(name="hospital_type", aliases=["Hospital Type"], meaning="kind of hospital"),
        Field(name="ownership", aliases=["Hospital Ownership"], missing=_NOT_AVAILABLE, meaning="kind of owner"),
        Field(
            name="emergency",
            aliases=["Emergency Services"],
            type="boolean",
            missing=_NOT_AVAILABLE,
            meaning="whether it has emergency services",
        ),
        Field(
            name="rating",
            aliases=["Hospital overall rating"],
            type="integer",
            min=1,
            max=5,
            missing=_NOT_AVAILABLE,
            required=False,
            meaning="overall rating, 1 to 5 stars",
        ),
    ],
)

INPATIENT = Layout(
    kind="inpatient_by_provider",
    title="Medicare inpatient stays by hospital",
    never=["DRG_Cd", "DRG_Desc", "DRG Definition"],
    producer=PRODUCER,
    suppress_below=11,
    key=["ccn"],
    note="Fee-for-service Medicare only.",
    fields=[
        Field(name="ccn", aliases=["Rndrng_Prvdr_CCN", "Provider ID", "Provider Id"], type="ccn", meaning="CMS certification number"),
        Field(name="hospital", aliases=["Rndrng_Prvdr_Org_Name", "Provider Name"], meaning="name"),
        Field(name="city", aliases=["Rndrng_Prvdr_City", "Provider City"], meaning="city"),
        Field(name="state", aliases=["Rndrng_Prvdr_State_Abrvtn", "Provider State"], type="state", meaning="state"),
        Field(name="zip", aliases=["Rndrng_Prvdr_Zip5", "Provider Zip Code"], type="zip", meaning="ZIP code"),
        Field(
            name="patients_n",
            aliases=["Tot_Benes"],
            type="integer",
            min=0,
            suppressed=["*"],
            required=False,
            nullable=True,
            unit="beneficiaries",
            meaning="people treated",
        ),
        Field(
            name="discharges_n",
            aliases=["Tot_Dschrgs", "Total Discharges"],
            type="integer",
            min=0,
            suppressed=["*"],
            unit="discharges",
            meaning="discharges",
        ),
        Field(
            name="days_n",
            aliases=["Tot_Days"],
            type="integer",
            min=0,
            suppressed=["*"],
            required=False,
            nullable=True,
            unit="days",
            meaning="days of care",
        ),
        Field(
            name="charges_usd",
            aliases=["Tot_Submtd_Cvrd_Chrg"],
            type="number",
            min=0,
            suppressed=["*"],
            required=False,
            nullable=True,
            unit="USD",
            meaning="covered charges",
        ),
        Field(
            name="payment_usd",
            aliases=["Tot_Mdcr_Pymt_Amt"],
            type="number",
            suppressed=["*"],
            required=False,
            nullable=True,
            unit="USD",
            meaning="Medicare payments",
        ),
        Field(
            name="cancer_share",
            aliases=["Bene_CC_PH_Cancer6_V2_Pct", "Bene_CC_Cncr_Pct", "Bene_CC_PH_Cancer_V2_Pct"],
            type="number",
            percent=True,
            min=0,
            max=100,
            suppressed=["*"],
            required=False,
            nullable=True,
            unit="share",
            meaning="share of patients with cancer",
        ),
    ],
)

INPATIENT_SERVICES = Layout(
    kind="inpatient_by_service",
    title="Medicare inpatient stays by hospital and diagnosis group",
    producer=PRODUCER,
    suppress_below=11,
    key=["ccn", "drg"],
    note="Fee-for-service Medicare only; groups of ten stays or fewer are absent.",
    fields=[
        *[field for field in INPATIENT.fields if field.name in ("ccn", "hospital", "city", "state", "zip")],
        Field(name="drg", aliases=["DRG_Cd"], pattern=r"\d{1,3}", meaning="diagnosis-related group"),
        Field(name="drg_name", aliases=["DRG_Desc", "DRG Definition"], meaning="name of the group"),
        Field(
            name="discharges_n", aliases=["Tot_Dschrgs", "Total Discharges"], type="integer", min=0, unit="discharges", meaning="discharges"
        ),
        Field(
            name="charge_mean_usd",
            aliases=["Avg_Submtd_Cvrd_Chrg", "Average Covered Charges"],
            type="number",
            min=0,
            unit="USD",
            meaning="mean covered charge",
        ),
        Field(
            name="total_mean_usd",
            aliases=["Avg_Tot_Pymt_Amt", "Average Total Payments"],
            type="number",
            min=0,
            unit="USD",
            meaning="mean total payment",
        ),
        Field(
            name="payment_mean_usd",
            aliases=["Avg_Mdcr_Pymt_Amt", "Average Medicare Payments"],
            type="number",
            unit="USD",
            meaning="mean Medicare payment",
        ),
    ],
)

PHYSICIAN_SERVICES = Layout(
    kind="physician_by_service",
    title="Medicare services by clinician and procedure",
    producer=PRODUCER,
    suppress_below=11,
    key=["npi", "hcpcs", "place"],
    note="Fee-for-service Medicare only; rows of ten patients or fewer are absent.",
    fields=[
        Field(name="npi", aliases=["Rndrng_NPI", "npi", "National Provider Identifier"], type="npi", meaning="clinician"),
        Field(
            name="name",
            aliases=["Rndrng_Prvdr_Last_Org_Name", "nppes_provider_last_org_name", "Last Name/Organization Name of the Provider"],
            nullable=True,
            meaning="last name or organization",
        ),
        Field(
            name="first_name",
            aliases=["Rndrng_Prvdr_First_Name", "nppes_provider_first_name", "First Name of the Provider"],
            nullable=True,
            meaning="first name",
        ),
        Field(name="specialty", aliases=["Rndrng_Prvdr_Type", "provider_type"], nullable=True, meaning="specialty as Medicare has it"),
        Field(name="city", aliases=["Rndrng_Prvdr_City", "nppes_provider_city", "City of the Provider"], nullable=True, meaning="city"),
        Field(
            name="state",
            aliases=["Rndrng_Prvdr_State_Abrvtn", "nppes_provider_state", "State Code of the Provider"],
            nullable=True,
            meaning="state",
        ),
        Field(
            name="zip",
            aliases=["Rndrng_Prvdr_Zip5", "nppes_provider_zip", "Zip Code of the Provider"],
            nullable=True,
            meaning="ZIP code as given; foreign ones have another form",
        ),
        Field(name="hcpcs", aliases=["HCPCS_Cd", "hcpcs_code"], pattern=r"[0-9A-Z]{5}", meaning="procedure code"),
        Field(name="procedure", aliases=["HCPCS_Desc", "hcpcs_description"], nullable=True, meaning="procedure"),
        Field(
            name="drug",
            aliases=["HCPCS_Drug_Ind", "hcpcs_drug_indicator"],
            type="boolean",
            nullable=True,
            required=False,
            meaning="whether the procedure is a drug",
        ),
        Field(name="place", aliases=["Place_Of_Srvc", "place_of_service"], pattern="[FO]", meaning="F = facility, O = office"),
        Field(
            name="patients_n",
            aliases=["Tot_Benes", "bene_unique_cnt", "Number of Medicare Beneficiaries"],
            type="integer",
            min=0,
            unit="beneficiaries",
            meaning="people treated",
        ),
        Field(
            name="services_n",
            aliases=["Tot_Srvcs", "line_srvc_cnt", "Number of Services"],
            type="number",
            min=0,
            unit="services",
            meaning="services; drugs are counted in units",
        ),
        Field(
            name="days_n",
            aliases=["Tot_Bene_Day_Srvcs", "bene_day_srvc_cnt", "Number of Distinct Medicare Beneficiary/Per Day Services"],
            type="integer",
            min=0,
            unit="days",
            meaning="person-days of service",
        ),
        Field(
            name="allowed_mean_usd",
            aliases=["Avg_Mdcr_Alowd_Amt", "average_Medicare_allowed_amt", "Average Medicare Allowed Amount"],
            type="number",
            min=0,
            unit="USD",
            meaning="mean allowed amount",
        ),
        Field(
            name="payment_mean_usd",
            aliases=["Avg_Mdcr_Pymt_Amt", "average_Medicare_payment_amt", "Average Medicare Payment Amount"],
            type="number",
            min=0,
            unit="USD",
            meaning="mean Medicare payment",
        ),
    ],
    check=lambda rows: _where(rows["patients_n"] > rows["days_n"], "no more patients than person-days"),
)

PHYSICIANS = Layout(
    kind="physician_by_provider",
    title="Medicare services by clinician",
    producer=PRODUCER,
    suppress_below=11,
    key=["npi"],
    note="Fee-for-service Medicare only.",
    fields=[
        *[field for field in PHYSICIAN_SERVICES.fields if field.name in ("npi", "name", "first_name", "specialty", "city", "state", "zip")],
        Field(name="procedures_n", aliases=["Tot_HCPCS_Cds", "number_of_hcpcs"], type="integer", min=0, meaning="different procedures"),
        Field(
            name="patients_n",
            aliases=["Tot_Benes", "total_unique_benes"],
            type="integer",
            min=0,
            suppressed=["*"],
            nullable=True,
            unit="beneficiaries",
            meaning="people treated",
        ),
        Field(name="services_n", aliases=["Tot_Srvcs", "total_services"], type="number", min=0, unit="services", meaning="services"),
        Field(
            name="allowed_usd",
            aliases=["Tot_Mdcr_Alowd_Amt", "total_medicare_allowed_amt"],
            type="number",
            min=0,
            unit="USD",
            meaning="allowed amounts",
        ),
        Field(
            name="payment_usd",
            aliases=["Tot_Mdcr_Pymt_Amt", "total_medicare_payment_amt"],
            type="number",
            min=0,
            unit="USD",
            meaning="Medicare payments",
        ),
        Field(
            name="age_mean",
            aliases=["Bene_Avg_Age", "average_age_of_beneficiaries"],
            type="number",
            min=0,
            max=120,
            required=False,
            nullable=True,
            unit="years",
            meaning="mean age of the patients",
        ),
    ],
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
