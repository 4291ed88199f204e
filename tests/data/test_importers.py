"""Importers: every published layout in its vintages, encodings and packings; what is refused, and why."""

import argparse
import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, params
from catchment.data import import_console, importing
from catchment.data.importing import containers, stream
from catchment.data.importing import layout as layouts

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "data"
SETTINGS = params.load("dunes", root=ROOT)

HSAF = "MEDICARE_PROV_NUM,ZIP_CD_OF_RESIDENCE,TOTAL_DAYS_OF_CARE,TOTAL_CHARGES,TOTAL_CASES\n"
HSAF_ROWS = "140001,61520,120,350000,30\n140001,60999,*,*,*\n14015F,02134,44,81234.5,11\n"
SCP_NEW = """Incidence Rate Report for Delaware by County

"Lung & Bronchus (All Stages^), 2017-2021"

"All Races (includes Hispanic), Both Sexes, Ages 65+"

Sorted by Rate

County,FIPS,2023 Rural-Urban Continuum Codes([rural urban note]),"Age-Adjusted Incidence Rate([rate note]) - cases per 100,000","Lower 95% Confidence Interval","Upper 95% Confidence Interval","CI*Rank([rank note])","Lower CI (CI*Rank)","Upper CI (CI*Rank)",Average Annual Count,Recent Trend,"Recent 5-Year Trend ([trend note]) in Incidence Rates","Lower 95% Confidence Interval","Upper 95% Confidence Interval"
"Delaware(7)",10000,N/A,301.2 ,295.0, 307.5,N/A , N/A , N/A,555,falling,-2.1 ,-3.0, -1.2
"Kent County(6)",10001,Urban,292.8 ,280.0, 305.5,1 ,1 , 2,120,stable,-0.4 ,-1.7, 0.8
"Sussex County(6)",10005,Rural,* ,*, *,* ,* , *,3 or fewer,*,* ,*, *
"Cecil County(7)",24015,Rural,data not available ,data not available, data not available,N/A,N/A,N/A,data not available,data not available,data not available,data not available,data not available

Footnotes
* Data has been suppressed
"""
SCP_OLD = """Death Rate Report for Illinois by County, death years through 2012
"All Cancer Sites, 2008-2012"
"All Races (includes Hispanic), Female, All Ages"
Sorted by Rate

County, FIPS,"Met Healthy People Objective of ***?","Age-Adjusted Death Rate(\u2020) - deaths per 100,000","Lower 95% Confidence Interval","Upper 95% Confidence Interval",Average Annual Count,Recent Trend,"Recent 5-Year Trend (\u2021) in Death Rates","Lower 95% Confidence Interval","Upper 95% Confidence Interval"
"Cook County(2)",17031,***,170.1,168.0,172.2,"5,012",falling,-1.6,-1.8,-1.4
"Pope County(2)",17151,***,*,*,*,3 or fewer,**,**,**,**

"""
SCP_LATE = (
    SCP_NEW.replace(
        ',Recent Trend,"Recent 5-Year Trend ([trend note]) in Incidence Rates","Lower 95% Confidence Interval","Upper 95% Confidence Interval"',
        ",Percentage of Cases with Late Stage",
    )
    .replace("555,falling,-2.1 ,-3.0, -1.2", "555,41.5")
    .replace("120,stable,-0.4 ,-1.7, 0.8", "120,40")
    .replace("3 or fewer,*,* ,*, *", "3 or fewer,*")
    .replace(
        "data not available,data not available,data not available,data not available,data not available\n",
        "data not available,data not available\n",
    )
    .replace("(All Stages^)", "(Late Stage (Regional & Distant)^)")
)
TAXONOMY = ",".join(
    f'"Healthcare Provider Taxonomy Code_{slot}","Healthcare Provider Primary Taxonomy Switch_{slot}"' for slot in range(1, 16)
)
NPPES = (
    '"NPI","Entity Type Code","Replacement NPI","Provider Organization Name (Legal Business Name)","Provider Last Name (Legal Name)","Provider First Name",'
    '"Provider First Line Business Practice Location Address","Provider Business Practice Location Address City Name",'
    '"Provider Business Practice Location Address State Name","Provider Business Practice Location Address Postal Code",'
    '"Provider Business Practice Location Address Country Code (If outside U.S.)","Provider Enumeration Date","Last Update Date","NPI Deactivation Date",'
    f'"Provider Sex Code (formerly Provider Gender Code)",{TAXONOMY}\n'
)
NPPES_ROWS = (
    '"1000000004","1","","","ROE","JANE","1 ""A"" ST","OSWEGO","IL","605431234","US","05/23/2005","07/08/2024","","F","207Q00000X","N","2085R0001X","Y"'
    + ',""' * 26
    + "\n"
    '"1000000012","2","","CLINIC, LLC","","","2 B ST\nSUITE 3","LONDON","","SW1A","GB","01/02/2006","01/02/2007","","","261QM0801X","Y"'
    + ',""'
    * 28
    + "\n"
    '"1000000020","","","","","","","","","","","","","12/31/2019",""' + ',""' * 30 + "\n"
)
HGI_NEW = "Facility ID,Facility Name,Address,City/Town,State,ZIP Code,County/Parish,Telephone Number,Hospital Type,Hospital Ownership,Emergency Services,Hospital overall rating\n"
HGI_OLD = "Provider ID,Hospital Name,Address,City,State,ZIP Code,County Name,Phone Number,Hospital Type,Hospital Ownership,Emergency Services,Hospital overall rating\n"
HGI_API = "facility_id,facility_name,address,citytown,state,zip_code,countyparish,telephone_number,hospital_type,hospital_ownership,emergency_services,hospital_overall_rating\n"
HGI_ROWS = (
    '140002,"ALTON, MEMORIAL",ONE DRIVE,ALTON,IL,62002,MADISON,(618) 463-7311,Acute Care Hospitals,Voluntary non-profit - Private,Yes,4\n'
    "10001,DOTHAN,X,DOTHAN,AL,36301,HOUSTON,,Acute Care Hospitals,Government,No,Not Available\n"
)
DRG = (
    "Rndrng_Prvdr_CCN,Rndrng_Prvdr_Org_Name,Rndrng_Prvdr_City,Rndrng_Prvdr_St,Rndrng_Prvdr_State_FIPS,Rndrng_Prvdr_Zip5,Rndrng_Prvdr_State_Abrvtn,Rndrng_Prvdr_RUCA,Rndrng_Prvdr_RUCA_Desc,DRG_Cd,DRG_Desc,Tot_Dschrgs,Avg_Submtd_Cvrd_Chrg,Avg_Tot_Pymt_Amt,Avg_Mdcr_Pymt_Amt\n"
    '140001,Graham,Canton,1 St,17,61520,IL,4.1,"x, y",023,CRANIOTOMY,25,"$158,541.64",37331.12,35332.96\n'
)
PHYSICIAN = (
    "Rndrng_NPI,Rndrng_Prvdr_Last_Org_Name,Rndrng_Prvdr_First_Name,Rndrng_Prvdr_City,Rndrng_Prvdr_State_Abrvtn,Rndrng_Prvdr_Zip5,Rndrng_Prvdr_Type,HCPCS_Cd,HCPCS_Desc,HCPCS_Drug_Ind,Place_Of_Srvc,Tot_Benes,Tot_Srvcs,Tot_Bene_Day_Srvcs,Avg_Mdcr_Alowd_Amt,Avg_Mdcr_Pymt_Amt\n"
    "1000000004,Roe,Jane,Oswego,IL,60543,Radiation Oncology,77412,Radiation,N,O,22,480,475,250.5,199.1\n"
)
PHYSICIAN_OLD = (
    "npi\tnppes_provider_last_org_name\tnppes_provider_first_name\tnppes_provider_city\tnppes_provider_state\tnppes_provider_zip\tprovider_type\thcpcs_code\thcpcs_description\tplace_of_service\tline_srvc_cnt\tbene_unique_cnt\tbene_day_srvc_cnt\taverage_Medicare_allowed_amt\taverage_Medicare_payment_amt\n"
    "1000000004\tRoe\tJane\tOswego\tIL\t605431234\tRadiation Oncology\t77412\tRadiation\tO\t480\t22\t475\t250.5\t199.1\n"
)
PROVIDERS = (
    "Rndrng_NPI,Rndrng_Prvdr_Last_Org_Name,Rndrng_Prvdr_First_Name,Rndrng_Prvdr_City,Rndrng_Prvdr_State_Abrvtn,Rndrng_Prvdr_Zip5,Rndrng_Prvdr_Type,Tot_HCPCS_Cds,Tot_Benes,Tot_Srvcs,Tot_Mdcr_Alowd_Amt,Tot_Mdcr_Pymt_Amt,Bene_Avg_Age\n"
    "1000000004,Roe,Jane,Oswego,IL,60543,Radiation Oncology,12,220,4800,25000.5,19900.1,71\n"
)
BY_AGE = (
    "AGE|CI_LOWER|CI_UPPER|COUNT|EVENT_TYPE|POPULATION|RACE|RATE|SEX|SITE|YEAR\n"
    "<1|20.1|25.0|450|Incidence|2000000|All Races|22.5|Male and Female|Leukemias|2022\n85+|~|~|~|Mortality|3000|White|~|Female|Thyroid|2018-2022\n60-64|.|.|0|Incidence|90000|White|0|Male|Thyroid|2022\n"
)
BY_COUNTY = (
    "STATE|AREA|AGE_ADJUSTED_CI_LOWER|AGE_ADJUSTED_CI_UPPER|AGE_ADJUSTED_RATE|COUNT|EVENT_TYPE|POPULATION|RACE|SEX|SITE|YEAR|CRUDE_CI_LOWER|CRUDE_CI_UPPER|CRUDE_RATE\n"
    "VA|VA: Arlington County (51013) - 1980+|350.1|370.2|360.0|4100|Incidence|1190000|All Races|Female|All Cancer Sites Combined|2018-2022|330|350|344.5\n"
    "VA|VA: Bland County (51021)|~|~|~|~|Incidence|31000|All Races|Male|Thyroid|2018-2022|~|~|~\n"
)
CC_EST = "SUMLEV,STATE,COUNTY,STNAME,CTYNAME,YEAR,AGEGRP,TOT_POP,TOT_MALE,TOT_FEMALE,WA_MALE\n" + "".join(
    f"050,17,31,Illinois,Do\u00f1a County,{year},{group},{3 * group + year},{group},{2 * group + year},1\n"
    for year in (1, 2, 5)
    for group in (0, 1, 18)
)
DARTMOUTH = "zipcode19,hsanum,hsacity,hsastate,hrrnum,hrrcity,hrrstate\n1001,22069,Springfield,MA,230,Springfield,MA\n60543,14010,Aurora,IL,140,Aurora,IL\n"
HUD = "ZIP,COUNTY,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO\n01002,25015,0.988,0.998,0.997,0.989\n1002,25011,0.012,0.002,0.003,0.011\n"
AHRF = 'fips_st_cnty,cnty_name,hpsa_prim_care_25,hpsa_prim_care_24,md_nf_activ_23\n17031,Cook,1,1,"12,345"\n1001,Autauga,2,.,50\n'
TRIALS = (
    "NCT Number,Study Title,Study URL,Acronym,Study Status,Conditions,Interventions,Sponsor,Sex,Age,Phases,Enrollment,Funder Type,Study Type,Start Date,Completion Date,Locations\n"
    'NCT01234567,"A ""quoted"" title,\nwith a break",https://x,,RECRUITING,Lung Cancer,DRUG: X,Acme,ALL,"ADULT, OLDER_ADULT",PHASE3,120,OTHER,INTERVENTIONAL,2024-03-15,2027-06,"Site A, Chicago, Illinois, 60612, United States|Site B, Gary, Indiana, 46402, United States"\n'
    "NCT07654321,=HYPERLINK(1),https://x,,COMPLETED,Breast Cancer,,Acme,FEMALE,ADULT,,,OTHER,OBSERVATIONAL,,,\n"
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text("tables: {}\n")
    return tmp_path


def brought(project, kind, file, content, encoding="utf-8", **more):
    """Write a file, import it, and read it back through its catalog entry, which checks its contract."""
    path = project / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    (result,) = importing.run(kind, [path], root=project, **more)
    frame = data.Tables(SETTINGS, root=project).read(more.get("name") or kind)
    assert len(frame) == result.rows
    return result, frame


def refused(project, kind, name, content, **more):
    path = project / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(importing.ImportRefused) as caught:
        importing.run(kind, [path], root=project, **more)
    assert list((project / "data").rglob("*.parquet*")) == [], "nothing is left behind"
    assert name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "header", [HSAF, HSAF.lower(), "MEDICARE PROVIDER NUMBER,ZIP CODE OF RESIDENCE,TOTAL DAYS OF CARE,TOTAL CHARGES,TOTAL CASES\n"]
)
@pytest.mark.parametrize(
    "name", ["HSAF_2020_SUPPRESS.csv", "Hospital_Service_Area_File_-_2020.csv", "2020_Hospital_Service_Area_File__HSAF_.csv"]
)
def test_service_areas_of_every_vintage(project, header, name):
    result, frame = brought(project, "hospital_service_area", name, header + HSAF_ROWS)
    assert (result.rows, result.rejected, result.suppressed, result.vintage) == (3, 0, 1, "2020")
    assert frame["zip"].tolist() == ["61520", "60999", "02134"]
    assert frame["ccn"].tolist() == ["140001", "140001", "14015F"]
    assert frame["cases_n"].isna().tolist() == frame["cases_n_suppressed"].tolist() == [False, True, False]
    assert frame["charges_usd"].iloc[2] == 81234.5
    assert set(frame["year"]) == {2020}


def test_columns_are_found_by_name_in_any_order(project):
    header = "TOTAL_CASES,TOTAL_CHARGES,MEDICARE_PROV_NUM,NEW_COLUMN,TOTAL_DAYS_OF_CARE,ZIP_CD_OF_RESIDENCE\n"
    _, frame = brought(project, "hospital_service_area", "HSAF_2020.csv", header + "30,350000,140001,x,120,61520\n")
    assert frame.loc[0, ["ccn", "zip", "days_n", "cases_n"]].tolist() == ["140001", "61520", 120, 30]


@pytest.mark.parametrize("header", [HGI_NEW, HGI_OLD, HGI_API])
def test_hospital_information_old_new_and_from_the_api(project, header):
    _, frame = brought(project, "hospital_information", "Hospital_General_Information.csv", header + HGI_ROWS, year=2026)
    assert frame["ccn"].tolist() == ["140002", "010001"]
    assert frame["hospital"].tolist() == ["ALTON, MEMORIAL", "DOTHAN"]
    assert frame["rating"].tolist()[0] == 4 and pd.isna(frame["rating"][1])
    assert frame["emergency"].tolist() == [True, False]


def test_inpatient_by_service_reads_the_data_year_and_money(project):
    result, frame = brought(project, "inpatient_by_service", "MUP_INP_RY26_P03_V10_DY24_PrvSvc.csv", DRG, encoding="cp1252")
    assert (result.vintage, frame["drg"][0], frame["charge_mean_usd"][0]) == ("2024", "023", 158541.64)


@pytest.mark.parametrize("content", [PHYSICIAN, PHYSICIAN_OLD])
def test_clinicians_services_new_and_old(project, content):
    _, frame = brought(project, "physician_by_service", "MUP_PHY_2021.txt", content)
    assert frame.loc[0, ["npi", "patients_n", "services_n", "days_n"]].tolist() == ["1000000004", 22, 480, 475]


def test_clinicians_totals(project):
    _, frame = brought(project, "physician_by_provider", "MUP_PHY_R25_P05_V20_D23_DY23_Prov.csv", PROVIDERS)
    assert frame.loc[0, ["year", "patients_n", "age_mean"]].tolist() == [2023, 220, 71]


def test_nppes_takes_the_primary_taxonomy_by_its_switch(project):
    path = project / "NPPES_Data_Dissemination_January_2024.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("npidata_pfile_20050523-20240107.csv", NPPES + NPPES_ROWS)
        archive.writestr("npidata_pfile_20050523-20240107_fileheader.csv", NPPES)
        archive.writestr("othername_pfile_20050523-20240107.csv", "x")
    (result,) = importing.run("nppes", [path], root=project, year=2024)
    frame = data.Tables(SETTINGS, root=project).read("nppes")
    assert result.rows == 3
    assert frame["taxonomy"].tolist()[:2] == ["2085R0001X", "261QM0801X"]
    assert frame["zip"].fillna("").tolist() == ["60543", "", ""]
    assert frame["address"].tolist()[:2] == ['1 "A" ST', "2 B ST SUITE 3"]
    assert frame["deactivated"].dt.year.tolist()[2] == 2019


@pytest.mark.parametrize(
    ("content", "measure", "site", "years"),
    [
        (SCP_NEW, "incidence", "Lung & Bronchus", (2017, 2021)),
        (SCP_OLD, "mortality", "All Cancer Sites", (2008, 2012)),
        (SCP_LATE, "incidence", "Lung & Bronchus", (2017, 2021)),
    ],
)
def test_state_cancer_profiles_of_every_vintage(project, content, measure, site, years):
    _, frame = brought(project, "state_cancer_profiles", "incd.csv", content, encoding="cp1252")
    assert set(frame["measure"]) == {measure}
    assert set(frame["site"]) == {site}
    assert {(first, last) for first, last in zip(frame["year_first"], frame["year_last"], strict=True)} == {years}
    assert not frame["area"].str.contains(r"\(").any()


@pytest.mark.parametrize(
    ("header", "area", "code"), [("State, FIPS", "Delaware", "10000"), ("Health Service Area, HSA", "Kent, DE", "0021")]
)
def test_state_cancer_profiles_of_other_areas(project, header, area, code):
    content = SCP_NEW.replace("County,FIPS,", f"{header},").replace('"Delaware(7)",10000', f'"{area}(7)",{code}')
    _, frame = brought(project, "state_cancer_profiles", "incd.csv", content)
    assert frame[["area", "fips"]].values.tolist()[0] == [area, code]


@pytest.mark.parametrize(
    ("site", "people", "told"),
    [
        (
            "Breast (Female) (All Stages^)",
            "White Non-Hispanic, Female, Ages 65+",
            ("Breast (Female)", "White Non-Hispanic", "female", "Ages 65+"),
        ),
        ("Prostate (All Stages^)", "Asian, non-Hispanic, Males, Ages <65", ("Prostate", "Asian, non-Hispanic", "male", "Ages <65")),
        (
            "Childhood (Ages <15, All Sites) (All Stages^)",
            "Hispanic (Any Race), Both Sexes, Ages <15",
            ("Childhood (Ages <15, All Sites)", "Hispanic (Any Race)", "both", "Ages <15"),
        ),
    ],
)
def test_the_lines_above_say_who_is_counted_though_the_site_names_a_sex_or_an_age(project, site, people, told):
    content = SCP_NEW.replace("Lung & Bronchus (All Stages^)", site).replace("All Races (includes Hispanic), Both Sexes, Ages 65+", people)
    _, frame = brought(project, "state_cancer_profiles", "incd.csv", content)
    assert tuple(frame.loc[0, ["site", "race", "sex", "ages"]]) == told
    assert frame.loc[0, "stage"] == "All Stages"


def test_an_export_that_a_spreadsheet_saved_again_is_the_same(project):
    """Every line has all the commas, and the codes of the first nine states lost their zero."""
    lines = SCP_NEW.replace(",10001,", ",1001,").split("\n")
    saved = "\n".join(line if "Urban" in line or "Rural" in line or ",N/A," in line else line + "," * 13 for line in lines)
    _, frame = brought(project, "state_cancer_profiles", "incd.csv", saved)
    assert frame["fips"].tolist() == ["10000", "01001", "10005", "24015"]
    assert set(frame["site"]) == {"Lung & Bronchus"}
    assert (frame["year_first"].iloc[0], frame["ages"].iloc[0]) == (2017, "Ages 65+")


def test_the_limits_of_a_death_rate_may_be_named_for_it(project):
    """Exports of 2018-2022 name them apart from those of the trend."""
    head, limits = SCP_NEW.split('"Lower 95% Confidence Interval","Upper 95% Confidence Interval"', 1)
    _, frame = brought(project, "state_cancer_profiles", "death.csv", f"{head}Lower CI (Rate),Upper CI (Rate){limits}")
    assert frame.loc[0, ["rate_low", "rate_high", "apc_low", "apc_high"]].tolist() == [295, 307.5, -3, -1.2]


def test_the_two_pairs_of_intervals_are_not_confused(project):
    result, frame = brought(project, "state_cancer_profiles", "incd.csv", SCP_NEW)
    kent = frame.set_index("area").loc["Kent County"]
    assert kent[["rate_100k", "rate_low", "rate_high", "apc", "apc_low", "apc_high"]].tolist() == [292.8, 280.0, 305.5, -0.4, -1.7, 0.8]
    assert frame["status"].tolist() == ["ok", "ok", "suppressed", "not published"]
    assert frame["cases_n_year"].isna().tolist() == [False, False, True, True]
    assert (result.rows, result.suppressed, frame["sex"][0], frame["ages"][0]) == (4, 1, "both", "Ages 65+")


def test_late_stage_exports_carry_a_share_and_no_trend(project):
    _, frame = brought(project, "state_cancer_profiles", "incd.csv", SCP_LATE)
    assert frame["late_share"].round(3).tolist()[:2] == [0.415, 0.4]
    assert frame["apc"].isna().all()
    assert frame["stage"][0].startswith("Late Stage")


def test_intervals_that_do_not_follow_their_rate_are_refused(project):
    shuffled = SCP_NEW.replace(
        '"Lower 95% Confidence Interval","Upper 95% Confidence Interval","CI*Rank([rank note])"',
        '"CI*Rank([rank note])","Lower 95% Confidence Interval","Upper 95% Confidence Interval"',
        1,
    )
    assert "more than once" in refused(project, "state_cancer_profiles", "incd.csv", shuffled)


def test_national_figures_by_age(project):
    _, frame = brought(project, "uscs_by_age", "BYAGE.TXT", BY_AGE)
    assert frame["age_low"].tolist() == [0, 85, 60]
    assert frame["age_high"].fillna(-1).tolist() == [0, -1, 64]
    assert frame["cases_n_suppressed"].tolist() == [False, True, False]
    assert frame["cases_n"].fillna(-1).tolist() == [450, -1, 0]
    assert frame["rate_100k"].fillna(-1).tolist() == [22.5, -1, 0]
    assert frame["sex"].tolist() == ["both", "female", "male"]
    assert frame["year_first"].tolist() == [2022, 2018, 2022]


def test_county_figures_from_the_zip_archive(project):
    path = project / "USCS-1999-2022-ASCII.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BYAREA_COUNTY.TXT", BY_COUNTY)
        archive.writestr("BYAGE.TXT", BY_AGE)
    importing.run("uscs_by_county", [path], root=project)
    frame = data.Tables(SETTINGS, root=project).read("uscs_by_county")
    assert frame["county_fips"].tolist() == ["51013", "51021"]
    assert frame["area"][0] == "Arlington County (51013) - 1980+"
    assert frame["cases_n_suppressed"].tolist() == [False, True]


@pytest.mark.parametrize(("name", "years"), [("cc-est2023-alldata-17.csv", [2020, 2023]), ("CC-EST2019-ALLDATA.csv", [2012])])
def test_census_years_follow_the_codes_of_the_vintage(project, name, years):
    _, frame = brought(project, "census_age_sex", name, CC_EST, encoding="latin-1")
    assert sorted(set(frame["year"])) == years
    assert set(frame["county"]) == {"Do\u00f1a County"}
    assert frame["county_fips"].unique().tolist() == ["17031"]
    row = frame.query("age_low == 85 and sex == 'female'").iloc[0]
    assert (row["population_n"], pd.isna(row["age_high"])) == (36 + (2 if years[0] == 2020 else 5), True)


def test_census_codes_of_the_change_of_decade_and_unknown_ones(project):
    """Vintage 2020 still counts from 2010, with its April census among the July estimates."""
    head = CC_EST.split("\n")[0]
    rows = "".join(f"050,17,31,Illinois,Cook,{code},1,{2 * code},{code},{code}\n" for code in range(1, 15)).replace("\n", ",1\n")
    _, frame = brought(project, "census_age_sex", "cc-est2020-alldata-17.csv", f"{head}\n{rows}")
    men = frame[frame["sex"] == "male"].set_index("year")["population_n"].to_dict()
    assert men == {**{2007 + code: code for code in range(3, 13)}, 2020: 14}


@pytest.mark.parametrize(("name", "said"), [("cc-est2021-alldata.csv", "1 to 3"), ("cc-est2009-alldata.csv", "none is known")])
def test_a_census_code_that_the_vintage_does_not_have_is_no_guess(project, name, said):
    assert said in refused(project, "census_age_sex", name, CC_EST)


def test_shares_of_counties_are_not_taken_for_shares_of_zips(project):
    """The file from counties to ZIPs has the same columns in another order."""
    back = "COUNTY,ZIP,RES_RATIO,BUS_RATIO,OTH_RATIO,TOT_RATIO\n25015,01002,0.11,0.1,0.1,0.11\n25015,01003,0.02,0.01,0.01,0.02\n"
    assert "from counties to ZIPs" in refused(project, "hud_crosswalk", "COUNTY_ZIP_122020.csv", back)


def test_health_resources_under_field_numbers(project):
    _, frame = brought(project, "ahrf", "ahrf2021.csv", "F00002,F0453010,F0453090,F1198421\n17031,5,4,7\n1001,1,2,3\n")
    rows = frame.set_index(["county_fips", "measure", "year"])["value"]
    assert rows.loc[("01001", "F04530", 1990)] == 2
    assert rows.loc[("17031", "F11984", 2021)] == 7


@pytest.mark.parametrize(
    ("kind", "name", "content", "first"),
    [
        ("dartmouth_crosswalk", "ZipHsaHrr19.csv", DARTMOUTH, {"year": 2019, "zip": "01001", "hrr": "230"}),
        (
            "dartmouth_crosswalk",
            "ZipHsaHrr17.csv",
            DARTMOUTH.replace("zipcode19", "zipcode2017"),
            {"year": 2017, "zip": "01001", "hsa": "22069"},
        ),
        ("hud_crosswalk", "ZIP_COUNTY_122020.csv", HUD, {"year": 2020, "zip": "01002", "county_fips": "25015", "residential_share": 0.988}),
        ("ahrf", "AHRF2025geo.csv", AHRF, {"county_fips": "17031", "measure": "hpsa_prim_care", "year": 2025, "value": 1}),
    ],
)
def test_crosswalks_and_health_resources(project, kind, name, content, first):
    _, frame = brought(project, kind, name, content)
    assert frame.iloc[0][list(first)].to_dict() == first


def test_health_resources_are_long_and_keep_what_is_no_number(project):
    _, frame = brought(project, "ahrf", "AHRF2025geo.csv", AHRF)
    rows = frame.set_index(["county_fips", "measure", "year"])
    assert rows.loc[("17031", "md_nf_activ", 2023), "value"] == 12345
    assert rows.loc[("01001", "hpsa_prim_care", 2024), "text"] == "."
    assert pd.isna(rows.loc[("01001", "hpsa_prim_care", 2024), "value"])


def test_trials_keep_quotes_breaks_and_months(project):
    _, frame = brought(project, "clinical_trials", "ctg-studies.csv", TRIALS)
    assert frame["title"].tolist() == ['A "quoted" title, with a break', "=HYPERLINK(1)"]
    assert frame["sites_n"].tolist() == [2, 0]
    assert frame["completion_date"].dt.strftime("%Y-%m-%d").tolist()[0] == "2027-06-01"


def square(left):
    return [[[left, 41], [left + 1, 41], [left + 1, 42], [left, 42], [left, 41]]]


@pytest.mark.parametrize(
    ("column", "values"), [("GEOID", ["17031", "17043"]), ("ZCTA5CE20", ["60543", "02134"]), ("GEOID20", ["17031", "17043"])]
)
def test_boundaries_by_any_published_identifier(project, column, values):
    features = [
        {
            "type": "Feature",
            "properties": {column: value, "NAME": f"Area {value}"},
            "geometry": {"type": "Polygon", "coordinates": square(-90 + 2 * place)},
        }
        for place, value in enumerate(values)
    ]
    path = project / "cb_2023_us_county_500k.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (result,) = importing.run("boundaries", [path], root=project)
    shapes = data.Tables(SETTINGS, root=project).geometry("boundaries")
    assert (result.rows, result.vintage) == (2, "2023")
    assert shapes["area_id"].tolist() == values
    assert shapes.geometry.iloc[0].area == pytest.approx(1)


def areas(project, name, **columns):
    """A file of squares with these columns, imported: the table's rows."""
    count = len(next(iter(columns.values())))
    features = [
        {
            "type": "Feature",
            "properties": {column: values[place] for column, values in columns.items()},
            "geometry": {"type": "Polygon", "coordinates": square(-90 + 2 * place)},
        }
        for place in range(count)
    ]
    path = project / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    importing.run("boundaries", [path], root=project)
    return data.Tables(SETTINGS, root=project).geometry("boundaries")


@pytest.mark.parametrize(
    ("layers", "said"), [([], "not readable as boundaries"), (["one", "two"], "expected one layer of shapes, found one, two")]
)
def test_an_archive_holds_one_layer(project, layers, said):
    import geopandas as gpd
    from shapely.geometry import box

    path = project / "tl_2022_us_county.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.prj", "nothing")
        for layer in layers:
            gpd.GeoDataFrame({"GEOID": ["17031"]}, geometry=[box(-88, 41, -87, 42)], crs="EPSG:4269").to_file(project / f"{layer}.shp")
            for part in project.glob(f"{layer}.*"):
                archive.write(part, part.name)
    with pytest.raises(importing.ImportRefused, match=said) as told:
        importing.run("boundaries", [path], root=project)
    assert str(project) not in str(told.value)


def test_identifiers_of_small_areas_stay_whole_and_lost_zeros_come_back(project):
    assert areas(project, "tl_2022_17_bg.geojson", GEOID=["170310101001", "170310101002"])["area_id"].tolist() == [
        "170310101001",
        "170310101002",
    ]


@pytest.mark.parametrize(
    ("columns", "ids", "states"),
    [
        ({"GEOID": [1001, 17031]}, ["01001", "17031"], ["01", "17"]),
        ({"ZCTA5CE20": [2134, 60543]}, ["02134", "60543"], [None, None]),
        ({"ZCTA5CE10": ["03031", "60543"], "STATEFP10": ["33", "17"]}, ["03031", "60543"], ["33", "17"]),
        ({"GEOID20": ["60543", "98101"]}, ["60543", "98101"], [None, None]),
    ],
)
def test_numbers_for_identifiers_get_their_zeros_back_and_a_zip_is_in_no_state_by_its_digits(project, columns, ids, states):
    found = areas(project, "areas_2020.geojson", **columns)
    assert found["area_id"].tolist() == ids
    assert [None if pd.isna(state) else state for state in found["state_fips"]] == states


def test_boundaries_of_two_levels_in_one_file_are_refused(project):
    with pytest.raises(importing.ImportRefused, match="of one level"):
        areas(project, "areas_2020.geojson", GEOID=["17", "17031"])


def test_boundaries_from_a_shapefile_in_its_archive(project):
    import geopandas as gpd
    from shapely.geometry import box

    folder = project / "shp"
    folder.mkdir()
    gpd.GeoDataFrame({"GEOID": ["17031"], "NAMELSAD": ["Cook County"]}, geometry=[box(-88, 41, -87, 42)], crs="EPSG:4269").to_file(
        folder / "tl_2022_us_county.shp"
    )
    path = project / "tl_2022_us_county.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in folder.iterdir():
            archive.write(part, part.name)
    importing.run("boundaries", [path], root=project)
    shapes = data.Tables(SETTINGS, root=project).geometry("boundaries")
    assert shapes[["area_id", "name", "year"]].values.tolist() == [["17031", "Cook County", 2022]]


@pytest.mark.parametrize(
    ("content", "said"),
    [("{}", "not readable|expected shapes"), ('{"type": "FeatureCollection", "features": []}', "expected"), ("zip", "not readable")],
)
def test_boundaries_that_are_none(project, content, said):
    import re

    assert re.search(said, refused(project, "boundaries", "cb_2023.geojson", content))


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "utf-8-sig"),
        (lambda text: text.replace("\n", "\r\n").encode(), "utf-8-sig"),
        (lambda text: text.encode() + b"\x1a", "utf-8-sig"),
        (lambda text: text.encode() + b"\r\n\x1a\r\n", "utf-8-sig"),
        (lambda text: gzip.compress(text.encode()), "utf-8-sig"),
        (lambda text: text.replace("ALTON,", "S\u00e3o,").encode("cp1252"), "cp1252"),
        (lambda text: text.encode("utf-16"), "utf-16"),
        (lambda text: text.replace("\n", "\r").encode(), "utf-8-sig"),
        (lambda text: ("x,y\nsome title\n\n" + text).encode(), "utf-8-sig"),
        (lambda text: text.replace("ALTON,", "\x81,").encode("latin-1"), "latin-1"),
        (lambda text: (text + "\n\n,,,,,,,,,,,\n").encode(), "utf-8-sig"),
    ],
)
def test_encodings_line_ends_and_packings(project, change, encoding):
    result, frame = brought(project, "hospital_information", "HGI_2026.csv", change(HGI_NEW + HGI_ROWS))
    assert result.encoding == encoding
    assert result.rejected == 0
    assert frame["ccn"].tolist() == ["140002", "010001"]


def test_bad_rows_are_left_out_told_and_safe_to_open(project):
    good = "".join(f"{140000 + number},61520,120,350000,30\n" for number in range(300))
    bad = "140999,61520,120,350000,=cmd|' /C calc'!A1\n140998,ABCDE,120,350000,30\n140997,61520,120\n140996,61520,10,350000,30\n"
    result, frame = brought(project, "hospital_service_area", "HSAF_2020.csv", HSAF + good + bad)
    assert (result.rows, result.rejected) == (300, 4)
    rejects = pd.read_csv(project / "data/imported/hospital_service_area/HSAF_2020.rejects.csv", dtype=str)
    assert rejects["line"].tolist() == ["302", "303", "304", "305"]
    assert rejects["found"][0].startswith("'=cmd")
    assert rejects["expected"].tolist()[2:] == ["5 columns", "at least one day a stay, and no year of them"]
    assert frame["cases_n"].sum() == 9000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        (HSAF, "a header and no rows"),
        ("a,b,c\n1,2,3\n", "no such column"),
        (HGI_NEW + HGI_ROWS, "it looks like hospital_information"),
        (
            HSAF + "140001,61520,120,350000,30\n140001,61520,120,350000,30\n",
            "one row per year, ccn, zip, found 2 for year 2020, ccn 140001, zip 61520",
        ),
        (HSAF + '140001,61520,120,350000,"30\n' + HSAF_ROWS, "inside quotation marks"),
        (HSAF + "140001,61520,120,x,30\n", "line 2, column charges_usd: expected a number"),
        (b"PK\x03\x04 not a zip", "no such column|damaged|zero bytes"),
        (HSAF.encode() + b"\0\0\0", "zero bytes"),
        (gzip.compress((HSAF + HSAF_ROWS * 500).encode())[:-20], "damaged, incomplete"),
        (HSAF + "140001,61520,120,350000,30," + "x," * 9_995 + "\n", "columns"),
        (HSAF + "140001," + "9" * 5_000_000 + ",1,1,1\n", "longer than|more than"),
        (HSAF + '140001,"' + "9\n" * 700_000 + '",1,1,1\n', "a field of more than"),
        ("c," * 10_000 + "\n1\n", "no such column"),
        (HSAF + "140001,61520,120,*,30\n", "withheld together"),
        (HSAF + HSAF_ROWS + "140002,61520,120\n", "1 of 4 rows are not of this layout"),
        (HSAF + "61520,140001,120,350000,30\n" * 3, "expected a"),
        ("MEDICARE_PROV_NUM," + HSAF + "1," + HSAF_ROWS, "more than once"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(project, content, said):
    import re

    assert re.search(said, refused(project, "hospital_service_area", "HSAF_2020.csv", content))


def test_a_last_line_without_break_may_be_cut_off_and_is_rejected(project):
    more = "".join(f"{140100 + number},61520,120,350000,30\n" for number in range(20))
    result, frame = brought(project, "hospital_service_area", "HSAF_2020.csv", HSAF + more + HSAF_ROWS.rstrip("\n")[:-1])
    assert (result.rows, result.rejected) == (22, 1)
    assert 1 not in frame["cases_n"].tolist()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(project, monkeypatch):
    monkeypatch.setattr(containers, "BOMB_BYTES", 2_000_000)
    path = project / "HSAF_2020.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("hsaf.csv", "w", force_zip64=True) as member:
        for _ in range(5):
            member.write(b"0" * 1_000_000)
    with pytest.raises(importing.ImportRefused, match="ZIP bomb"):
        importing.run("hospital_service_area", [path], root=project)


def test_a_gzip_bomb_is_refused_while_it_unpacks(project, monkeypatch):
    monkeypatch.setattr(containers, "BOMB_BYTES", 2_000_000)
    path = project / "HSAF_2020.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 5_000_000))
    with pytest.raises(importing.ImportRefused, match="refused as a bomb"):
        importing.run("hospital_service_area", [path], root=project)


def test_an_archive_with_two_candidates_asks_which(project):
    path = project / "HSAF_2020.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", HSAF + HSAF_ROWS)
        archive.writestr("b.csv", HSAF + HSAF_ROWS)
    with pytest.raises(importing.ImportRefused, match=r"found 2 \(a.csv, b.csv\)"):
        importing.run("hospital_service_area", [path], root=project)


def test_several_years_are_one_table_and_importing_again_does_nothing(project):
    paths = [project / f"HSAF_{year}.csv" for year in (2019, 2020)]
    for path in paths:
        path.write_text(HSAF + HSAF_ROWS)
    paths[1].write_text(HSAF + HSAF_ROWS.replace("30\n", "31\n"))
    first = importing.run("hospital_service_area", paths, root=project)
    stamps = {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*.parquet")}
    again = importing.run("hospital_service_area", paths, root=project)
    assert first == again
    assert {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*.parquet")} == stamps
    frame = data.Tables(SETTINGS, root=project).read("hospital_service_area", year=2020)
    assert frame["cases_n"].sum() == 42
    entry = data.catalog.tables(project)["hospital_service_area"]
    assert (entry.edition, entry.suppress_below, entry.simulated) == ("2019, 2020", 11, False)


def test_exports_of_one_name_are_all_kept_and_a_new_edition_takes_the_place_of_the_old(project):
    """State Cancer Profiles calls every export incd.csv."""
    for site in ("Lung & Bronchus", "Breast (Female)"):
        (project / "incd.csv").write_text(SCP_NEW.replace("Lung & Bronchus", site))
        importing.run("state_cancer_profiles", [project / "incd.csv"], root=project)
    frame = data.Tables(SETTINGS, root=project).read("state_cancer_profiles")
    assert frame.groupby("site").size().to_dict() == {"Breast (Female)": 4, "Lung & Bronchus": 4}
    for site in ("Breast (Female)", "Lung & Bronchus"):
        (project / "incd.csv").write_text(SCP_NEW.replace(",120,", ",121,").replace("Lung & Bronchus", site))
        importing.run("state_cancer_profiles", [project / "incd.csv"], root=project)
    frame = data.Tables(SETTINGS, root=project).read("state_cancer_profiles")
    assert frame[frame["fips"] == "10001"].set_index("site")["cases_n_year"].to_dict() == {"Breast (Female)": 121, "Lung & Bronchus": 121}
    assert len(data.catalog.imports(project)["state_cancer_profiles"].imported) == 2


def test_an_interrupted_import_leaves_the_old_table_whole(project, monkeypatch):
    _, before = brought(project, "hospital_service_area", "HSAF_2020.csv", HSAF + HSAF_ROWS)
    (project / "HSAF_2020.csv").write_text(HSAF + HSAF_ROWS.replace("30\n", "99\n"))

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("catchment.data.importing.engine.refuse_duplicates", stop)
    with pytest.raises(KeyboardInterrupt):
        importing.run("hospital_service_area", [project / "HSAF_2020.csv"], root=project)
    pd.testing.assert_frame_equal(data.Tables(SETTINGS, root=project).read("hospital_service_area"), before)
    assert list((project / "data").rglob("*.part")) == []


def test_an_imported_table_takes_the_place_of_a_simulated_one_only(project):
    entry = "tables:\n  flows:\n    title: Simulated flows\n    path: flows.csv\n    producer: T\n    edition: 2024\n    simulated: {}\n    columns:\n      ccn: {{type: text, meaning: hospital}}\n"
    (project / "data/catalog.yml").write_text(entry.format("true"))
    brought(project, "hospital_service_area", "HSAF_2020.csv", HSAF + HSAF_ROWS, name="flows")
    assert not data.catalog.tables(project)["flows"].simulated
    shutil.rmtree(project / "data/imported")
    (project / "data/catalog.yml").write_text(entry.format("false"))
    with pytest.raises(importing.ImportRefused, match="has a table 'flows' already"):
        importing.run("hospital_service_area", [project / "HSAF_2020.csv"], root=project, name="flows")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "Caps", "x.y"])
def test_a_table_name_cannot_leave_its_folder(project, name):
    (project / "HSAF_2020.csv").write_text(HSAF + HSAF_ROWS)
    if name:
        with pytest.raises(importing.ImportRefused, match="no table name"):
            importing.run("hospital_service_area", [project / "HSAF_2020.csv"], root=project, name=name)
    assert not (project / "data/imported").exists()


@pytest.mark.parametrize(
    ("kind", "name", "year"),
    [
        ("hospital_service_area", "HSAF_2020_downloaded_2024.csv", None),
        ("hud_crosswalk", "ZIP_COUNTY_202012.csv", None),
        ("hospital_service_area", "HSAF.csv", 20230),
        ("dartmouth_crosswalk", "ZipHsaHrr96.csv", 1996),
        ("physician_by_service", "MUP_PHY_R24_P05_V10_D22_Prov_Svc.csv", 2022),
        ("inpatient_by_service", "MUP_INP_RY26_P03_V10_DY24_PrvSvc.csv", 2024),
    ],
)
def test_a_year_is_read_from_a_name_only_when_it_says_one(kind, name, year):
    layout = importing.LAYOUTS[kind]
    if year is None or year > 2100:
        with pytest.raises(importing.ImportRefused, match="give --year"):
            importing.engine.year_of(layout, Path(name), year)
    else:
        assert importing.engine.year_of(layout, Path(name), None) == year


def test_rows_by_diagnosis_are_not_taken_for_hospitals(project):
    """Such a file has every column of the coarser kind; cut to one diagnosis, its key is unique too."""
    said = refused(project, "inpatient_by_provider", "MUP_INP_DY24.csv", DRG)
    assert "'DRG_Cd' that divides them; it looks like inpatient_by_service" in said


def test_the_year_is_asked_for_when_nothing_tells_it(project):
    assert "give --year" in refused(project, "hospital_service_area", "HSAF.csv", HSAF + HSAF_ROWS)


def test_an_unknown_kind_names_the_nearest(project):
    with pytest.raises(importing.ImportRefused, match=r"did you mean nppes\?"):
        importing.run("npes", [], root=project)


def test_progress_is_told_up_to_the_end(project):
    (project / "HSAF_2020.csv").write_text(HSAF + HSAF_ROWS)
    told = []
    importing.run("hospital_service_area", [project / "HSAF_2020.csv"], root=project, progress=lambda *step: told.append(step))
    size = (project / "HSAF_2020.csv").stat().st_size
    assert told[-1] == ("HSAF_2020.csv", size, size)


@pytest.mark.parametrize("kind", sorted(importing.LAYOUTS))
def test_every_layout_is_whole(kind):
    layout = importing.LAYOUTS[kind]
    names = [field.name for field in layout.fields]
    assert len(names) == len(set(names))
    assert set(layout.key) <= layout.table.keys() | {"year"}
    assert all(field.follows in names for field in layout.fields if field.follows)
    assert not any(name.startswith(stream.__name__) for name in names)
    assert layouts.plain(" ZIP_CD (of) residence ") == "zipcdofresidence"


published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published files are not beside the project")


@published
def test_published_state_cancer_profiles_agree_with_an_independent_reading(project):
    path = PUBLISHED / "incidence/scp_all_cancer_sites_2017-2021_raw_US.csv"
    result = importing.run("state_cancer_profiles", [path], root=project)[0]
    frame = data.Tables(SETTINGS, root=project).read("state_cancer_profiles")
    tidy = pd.read_csv(PUBLISHED / "incidence/scp_incidence_county_IL_IN_WI_MA_NH.csv", dtype={"fips": str})
    tidy = tidy[(tidy["site"] == "All Cancer Sites") & (tidy["period"] == "2017-2021")]
    both = frame.merge(tidy, on="fips", validate="one_to_one", suffixes=("", "_tidy"))
    assert len(both) == len(tidy) > 200
    for ours, theirs in (
        ("rate_100k", "rate"),
        ("rate_low", "rate_lci"),
        ("rate_high", "rate_uci"),
        ("cases_n_year", "avg_annual_count"),
        ("apc", "aapc"),
        ("apc_low", "aapc_lci"),
    ):
        pd.testing.assert_series_equal(both[ours], both[theirs], check_names=False)
    assert (result.rows, result.rejected, result.suppressed) == (3144, 0, 36)
    assert frame.set_index("fips").loc["00000", "cases_n_year"] == 1744459


@published
def test_published_medicare_stays_agree_with_an_independent_reading(project):
    path = PUBLISHED / "hospitals/medicare_inpatient_by_provider_2023_IL_IN_WI_MA_NH.csv"
    importing.run("inpatient_by_provider", [path], root=project)
    frame = data.Tables(SETTINGS, root=project).read("inpatient_by_provider")
    raw = pd.read_csv(path, dtype=str)
    plain = pd.to_numeric(raw["Tot_Dschrgs"].str.replace(r"[$,%]", "", regex=True), errors="coerce")
    assert frame["discharges_n"].sum() == plain.sum() > 100_000
    assert frame["ccn"].tolist() == raw["Rndrng_Prvdr_CCN"].str.zfill(6).tolist()
    assert frame["cancer_share"].between(0, 1).all()


@published
@pytest.mark.parametrize(
    ("kind", "file", "year", "rows"),
    [
        ("hospital_information", "hospitals/hospitals_IL_IN_WI_MA_NH.csv", 2026, 597),
        ("hud_crosswalk", "crosswalks/hud_zip_county_2020q4_IL_IN_WI_MA_NH.csv", None, 6165),
        ("census_age_sex_wide", "population/county_age_sex_2019_IL_IN_WI_MA_NH.csv", None, 290 * 36),
        ("boundaries", "boundaries/counties_2024_20m_IL_IN_WI_MA_NH.geojson", None, 290),
        ("boundaries", "boundaries/zcta2020_cmap_chicago_region.geojson", 2020, 320),
        ("boundaries", "boundaries/zcta2010_NH.geojson", 2010, 248),
    ],
)
def test_other_published_files_are_imported_whole(project, kind, file, year, rows):
    result = importing.run(kind, [PUBLISHED / file], root=project, year=year)[0]
    assert (result.rows, result.rejected) == (rows, 0)
    tables = data.Tables(SETTINGS, root=project)
    assert len(tables.geometry(kind) if kind == "boundaries" else tables.read(kind)) == rows


@pytest.fixture
def private(project, monkeypatch):
    """A kind whose files are one partner's own, in a project with two partners."""
    (project / "params/partners").mkdir(parents=True)
    for partner in ("dunes", "tallgrass"):
        (project / f"params/partners/{partner}.yml").write_text("")
    layout = importing.Layout(
        kind="visits",
        title="Visits",
        producer="The partner",
        key=["visit"],
        year="",
        scope="partner",
        fields=[importing.Field(name="visit", aliases=["Visit"]), importing.Field(name="visits_n", aliases=["N"], type="integer", min=0)],
    )
    monkeypatch.setitem(importing.LAYOUTS, "visits", layout)
    (project / "visits.csv").write_text("Visit,N\nV1,3\n")
    return project


def test_a_partners_own_file_is_read_by_no_other_partner(private):
    for partner in ("dunes", "tallgrass"):
        importing.run("visits", [private / "visits.csv"], root=private, partner=partner)
    (private / "data/partners/tallgrass/visits/visits.parquet").write_text("broken on purpose")
    assert data.Tables(SETTINGS, root=private).read("visits")[["partner", "visit", "visits_n"]].values.tolist() == [["dunes", "V1", 3]]
    assert [item.partner for item in data.catalog.imports(private)["visits"].imported] == ["dunes", "tallgrass"]


@pytest.mark.parametrize(
    ("kind", "partner", "said"),
    [
        ("visits", None, "give --partner, one of dunes, tallgrass"),
        ("visits", "../x", "give --partner"),
        ("hospital_service_area", "dunes", "leave --partner out"),
    ],
)
def test_whose_file_it_is_must_be_said_for_private_kinds_only(private, kind, partner, said):
    with pytest.raises(importing.ImportRefused, match=said):
        importing.run(kind, [private / "visits.csv"], root=private, partner=partner)


def test_the_guide_names_every_kind():
    guide = (ROOT / "docs/how-to/data.md").read_text()
    assert [kind for kind in importing.kinds() if f"`{kind}`" not in guide] == []


def command(*arguments):
    parser = argparse.ArgumentParser()
    import_console.add_arguments(parser)
    return import_console.run(parser.parse_args(arguments))


def test_the_command_tells_what_became_of_each_file(project, monkeypatch, capsys):
    (project / "params").mkdir()
    (project / "params/portfolio.yml").write_text("")
    monkeypatch.setenv("CATCHMENT_ROOT", str(project))
    more = "".join(f"{140100 + number},61520,120,350000,30\n" for number in range(20))
    (project / "HSAF_2020.csv").write_text(HSAF + HSAF_ROWS + more + "140002,x,1,1,1\n")
    assert command("hospital_service_area", str(project / "HSAF_2020.csv"), "--name", "flows") == 0
    told = capsys.readouterr().out
    assert "HSAF_2020.csv -> flows: 23 rows, 1 rejected, 1 with suppressed values, 2020, sha256" in told
    assert (project / told.split("(see ")[1].split(")")[0]).is_file()


def test_the_command_refuses_in_one_line_and_lists_the_kinds(project, monkeypatch, capsys):
    (project / "params").mkdir()
    (project / "params/portfolio.yml").write_text("")
    monkeypatch.setenv("CATCHMENT_ROOT", str(project))
    assert command("hospital_service_area", str(project / "none.csv")) == 1
    assert capsys.readouterr().err == "not imported: none.csv: no such file\n"
    assert command() == 0
    assert all(kind in capsys.readouterr().out for kind in ("nppes",))
