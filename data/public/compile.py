"""Compile the project's public tables from the agencies' files: `python data/public/compile.py SOURCE_FOLDER`.

SOURCE_FOLDER holds the upstream files by subject (population, incidence, hospitals, crosswalks, centers). Two more come
from package registries: county polygons from npm `us-atlas` (fetched with `npm pack`, or `--atlas FILE`), ZIP points from
PyPI `zipcodes` 3.0.0 (install it first; the project itself does not need it). Only figures are carried over, into a schema
of our own, sorted, with fixed line ends: same input, same bytes.

Definitions. *Region*: the fifteen counties reported on. *Ring*: counties that touch the region or lie in the same
planning file; they buffer access and choice models. *State*: the other counties of the three states, against which a
rate is judged. *Context*: drawn only, no figures. County `00000` is the United States. Ages are five-year groups, the
last open (empty `age_high`). A figure that was withheld is `suppressed`, one that the producer does not list is `not
published`; neither is zero. Site names follow the national age-specific table; `is_component` marks a list that adds up.
Bias: ZIP areas are Census ZCTAs of 2010; hospital stays are fee-for-service Medicare only; system ownership is our own
reading of public names as of 2023 (`hospital_systems.csv`, kept by hand like the lists of indicators, standards and specialties).
"""

import argparse
import subprocess
import tarfile
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import zipcodes

OUT = Path(__file__).parent
REGION = (
    "17031", "17037", "17043", "17063", "17089", "17091", "17093", "17097", "17111", "17197",
    "18089", "18091", "18127", "55059", "55101",
)  # fmt: skip
STATES = {"17": "IL", "18": "IN", "26": "MI", "55": "WI"}
DATA_STATES = ("17", "18", "55")
NEAR = ("region", "ring")
YEARS = (2010, 2013, 2014, 2015, 2016, 2017, 2018, 2019, 2020)
STATE_FILE = "IL_IN_WI_MA_NH.csv"
SITES = {
    "All Cancer Sites": "All sites", "All Malignant Cancers": "All sites", "All sites (invasive)": "All sites", "Breast (Female)": "Breast",
    "Lung & Bronchus": "Lung & bronchus", "Colon & Rectum": "Colon & rectum", "Non-Hodgkin Lymphoma": "Non-Hodgkin lymphoma",
}  # fmt: skip
# Parts of a composite that is itself on the list, and the two grand totals: left out of the list that adds up.
OVERLAPPING = {
    "All sites", "All sites but skin", "Colon", "Rectum", "Corpus uteri", "Uterus NOS", "Kidney", "Renal pelvis",
    "Lymphoid leukemia", "Myeloid leukemia", "Leukemia NOS",
}  # fmt: skip
STAGED_SITES = {
    "Bladder": "Urinary bladder", "Brain": "Brain & nervous system", "Cervix": "Cervix uteri", "Colon/Rectum": "Colon & rectum",
    "Lung": "Lung & bronchus", "Lymphoid Leukemia": "Lymphoid leukemia", "Melanoma": "Melanoma of skin", "Plasma Cell Neoplasm": "Myeloma",
    "Uterus": "Uterus (corpus + NOS)", "Head and Neck": "Head & neck", "Liver/Bile-duct": "Liver & bile duct",
    "Myeloid Neoplasm": "Myeloid neoplasm", "Urothelial Tract": "Urothelial tract", "CUP": "Unknown primary", "[OTHER]": "Other",
}  # fmt: skip
METRO_SITES = {
    "All Invasive Cancer Sites Combined": "All sites", "Oral Cavity and Pharynx": "Oral cavity & pharynx", "Colon and Rectum": "Colon & rectum",
    "Liver and Intrahepatic Bile Duct": "Liver", "Lung and Bronchus": "Lung & bronchus", "Melanoma of the Skin": "Melanoma of skin",
    "Male and Female Breast": "Breast", "Cervix Uteri": "Cervix uteri", "Urinary Bladder, invasive and in situ": "Urinary bladder",
    "Kidney and Renal Pelvis": "Kidney & renal pelvis", "Brain and Other Nervous System": "Brain & nervous system",
    "Hodgkin Lymphoma": "Hodgkin lymphoma", "Non-Hodgkin Lymphoma": "Non-Hodgkin lymphoma", "Leukemias": "Leukemia",
} | {site: site for site in ("Esophagus", "Stomach", "Pancreas", "Larynx", "Ovary", "Prostate", "Testis", "Thyroid", "Myeloma", "Mesothelioma")}  # fmt: skip


def text(path: Path, **kinds) -> pd.DataFrame:
    """One upstream table with every cell as text, so that no identifier loses a zero."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, **kinds)


def write(frame: pd.DataFrame, name: str, key: list[str]) -> None:
    """Write one table, sorted by its key, after refusing a repeated one."""
    repeated = frame[frame.duplicated(key)]
    if len(repeated):
        raise ValueError(f"{name}: key {key} repeated, first in {repeated.iloc[0].to_dict()}")
    frame.sort_values(key).to_csv(OUT / f"{name}.csv", index=False, lineterminator="\n")


def number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.replace("", np.nan))


def whole(column: pd.Series) -> pd.Series:
    return number(column).astype("Int64")


def ages(column: pd.Series) -> pd.DataFrame:
    """Lower and upper age from labels such as `5 to 9 years` and `85 years and over` (upper missing)."""
    found = column.str.extract(r"(\d+)(?: to (\d+))?")
    return pd.DataFrame({"age_low": found[0].astype(int), "age_high": whole(found[1].fillna(""))})


def rounded(values: pd.Series) -> pd.Series:
    """Whole numbers that keep the rounded total: the largest remainders are rounded up."""
    floor = np.floor(values)
    extra = int(round(values.sum()) - floor.sum())
    up = (values - floor).rank(method="first", ascending=False) <= extra
    return (floor + up).astype(int)


# ---------------------------------------------------------------- places


def atlas(file: Path | None) -> gpd.GeoDataFrame:
    """All counties of npm `us-atlas` (Census cartographic boundaries, edition 2017)."""
    if file:
        return gpd.read_file(file, layer="counties")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "us-atlas@3.0.1", "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("us-atlas-*.tgz"))) as packed:
            packed.extract("package/counties-10m.json", folder, filter="data")
        return gpd.read_file(Path(folder) / "package" / "counties-10m.json", layer="counties")


def counties(shapes: gpd.GeoDataFrame, planned: set[str]) -> pd.DataFrame:
    """Region, ring and context counties with their polygons; the ring is found by touching borders."""
    shapes = shapes.rename(columns={"id": "county_fips", "name": "county"})
    shapes = shapes[shapes.county_fips.str[:2].isin(list(STATES))].set_crs(4326, allow_override=True)
    # Neighbors share their border's vertices, so rounding them alike (1e-5 degrees, about a meter) opens no gap.
    rounded_shapes = shapely.transform(shapes.geometry.values, lambda xy: xy.round(5))
    shapes["geometry"] = shapely.make_valid(rounded_shapes, method="structure", keep_collapsed=False)
    inside, known = shapes.county_fips.isin(REGION), shapes.county_fips.str[:2].isin(DATA_STATES)
    near = shapes.intersects(shapes[inside].union_all().buffer(1e-6)) | shapes.county_fips.isin(planned)
    shapes["role"] = np.select([inside, near & known, known], ["region", "ring", "state"], "context")
    shapes["state"], shapes["year"] = shapes.county_fips.str[:2].map(STATES), 2017
    drawn = shapes.loc[near | known, ["county_fips", "county", "state", "role", "year", "geometry"]].sort_values("county_fips")
    (OUT / "counties.geojson").write_text(drawn.to_json(drop_id=True, separators=(",", ":")) + "\n")
    return pd.DataFrame(drawn.drop(columns="geometry"))


def zips(source: Path, places: pd.DataFrame) -> None:
    """ZIP points, ZIP population of 2010, and the share of each ZIP that lies in each county."""
    known = set(places.county_fips[places.role.isin(NEAR)])
    weights = text(source / "crosswalks" / f"zip_county_weights_pop_{STATE_FILE}").rename(columns={"fips": "county_fips"})
    weights["weight"], weights["population_n"] = number(weights.weight), whole(weights.zip_pop)
    homes = text(source / "crosswalks" / f"hud_zip_county_2020q4_{STATE_FILE}").rename(
        columns={"ZIP": "zip", "COUNTY": "county_fips", "RES_RATIO": "residential_share"}
    )
    main = weights.sort_values(["zip", "weight", "county_fips"], ascending=[True, False, True]).drop_duplicates("zip")
    named = places.set_index(["state", "county"]).county_fips
    points = pd.DataFrame(zipcodes.list_all())[["zip_code", "zip_code_type", "city", "state", "county", "lat", "long"]]
    points = points[points.state.isin(["IL", "IN", "WI"])].rename(columns={"zip_code": "zip", "zip_code_type": "zip_type", "long": "lon"})
    points = points.merge(main[["zip", "county_fips", "population_n"]], on="zip", how="left", validate="1:1")
    county = points.county.str.removesuffix(" County").replace("La Salle", "LaSalle")
    by_name = pd.Series(list(zip(points.state, county, strict=True)), index=points.index).map(named.to_dict())
    points["county_fips"] = points.county_fips.fillna(by_name)
    points["zip_type"] = points.zip_type.str.lower()
    points = points[points.county_fips.isin(known)].assign(year=2010)
    points[["lat", "lon"]] = points[["lat", "lon"]].astype(float)
    write(points[["zip", "city", "county_fips", "state", "zip_type", "lat", "lon", "population_n", "year"]], "zips", ["zip"])
    parts = weights[["zip", "county_fips", "weight", "population_n"]].merge(
        homes[["zip", "county_fips", "residential_share"]].assign(residential_share=lambda h: number(h.residential_share)),
        on=["zip", "county_fips"], how="outer", validate="1:1",
    )  # fmt: skip
    parts["weight"] = parts.weight.round(6)
    # ZIPs without a population of their own (PO boxes) keep only the share of home addresses.
    parts = parts[parts.zip.isin(points.zip)].assign(weight_year=2010, residential_year=2020).drop(columns="population_n")
    write(
        parts[["zip", "county_fips", "weight", "weight_year", "residential_share", "residential_year"]],
        "zip_county",
        ["zip", "county_fips"],
    )


def context(source: Path, places: pd.DataFrame) -> None:
    """Income, poverty, vulnerability, rurality and drive time to a hospital (ACS 2014-18, per county)."""
    social = text(source / "population" / f"county_acs2018_sdoh_access_{STATE_FILE}").rename(columns={"GEOID": "county_fips"})
    out = social[["county_fips"]].assign(
        year_first=2014, year_last=2018,
        median_income_usd=whole(social.MedInc.str.removesuffix(".0")), poverty_share=(number(social.PovP) / 100).round(4),
        age65_share=(number(social.Ovr65P) / 100).round(4), black_share=(number(social.BlackP) / 100).round(4),
        hispanic_share=(number(social.HispP) / 100).round(4), svi_rank=number(social.SviSmryRnk), rural_share=number(social.RcaRuralP),
        hospital_drive_min=number(social.HospAvTmDr), primary_care_100k=number(social.PcpPer100k), specialist_100k=number(social.SpPer100k),
    )  # fmt: skip
    write(out[out.county_fips.isin(places.county_fips)], "county_context", ["county_fips"])
    centers = text(source / "centers" / "nci_center_catchment_counties_IL_IN_WI_MA_NH.csv").rename(
        columns={"FIPS": "county_fips", "name": "center"}
    )
    centers = centers[centers.county_fips.isin(places.county_fips)].assign(year=2024)
    write(centers[["county_fips", "center", "designation", "year"]], "nci_catchments", ["county_fips", "center"])


# ---------------------------------------------------------------- people


def population(source: Path, places: pd.DataFrame) -> None:
    """Population by county, year, sex and five-year age: planning-file counties in all years, the other counties in 2019."""
    plan = text(source / "population" / "cmap_region_county_age_sex_1995_2020.csv")
    plan = plan.assign(year=plan.Year.astype(int), sex=plan.Sex.str.lower(), **ages(plan.Age), n=number(plan.Population))
    plan = plan[plan.year.isin(YEARS) & plan.GEOID.isin(places.county_fips)].rename(columns={"GEOID": "county_fips"})
    plan["population_n"] = plan.groupby(["county_fips", "year"], group_keys=False).n.apply(rounded)
    plan["edition"] = np.where(plan.year == 2020, "2020 census", "estimates 2019")
    wide = text(source / "population" / f"county_age_sex_2019_{STATE_FILE}").rename(columns={"fips": "county_fips"})
    wide = wide[wide.county_fips.isin(places.county_fips) & ~wide.county_fips.isin(plan.county_fips)]
    low = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85)
    label = ["04", "59", *(f"{a}{a + 4}" for a in low[2:-1]), "85PLUS"]
    other = pd.concat(
        wide[["county_fips"]].assign(
            year=2019, sex=sex, age_low=a, age_high=a + 4 if a < 85 else None, population_n=whole(wide[f"AGE{group}_{mark}"]), edition="estimates 2019"
        )
        for a, group in zip(low, label, strict=True) for sex, mark in (("male", "MALE"), ("female", "FEM"))
    )  # fmt: skip
    columns = ["county_fips", "year", "sex", "age_low", "age_high", "population_n", "edition"]
    write(plan[columns], "population_age_planning", columns[:4])
    write(other[columns], "population_age_states", columns[:4])
    names = {region: region.replace("External ", "Outside planning area, ") for region in plan.Region.unique()}
    link = plan[["county_fips", "Region"]].drop_duplicates().assign(projection_region=lambda r: r.Region.map(names), year=2020)
    write(link[["county_fips", "projection_region", "year"]], "county_projection_region", ["county_fips"])
    ahead = text(source / "population" / "cmap_region_projection_age_sex_2025_2050.csv")
    ahead = ahead.assign(
        projection_region=ahead.Region.map(names), year=ahead.Year.astype(int), sex=ahead.Sex.str.lower(), **ages(ahead.Age)
    )
    ahead = ahead.assign(population_n=number(ahead.ProjectedPop).round().astype(int), status="draft")
    key = ["projection_region", "year", "sex", "age_low"]
    write(ahead[[*key, "age_high", "population_n", "status"]], "population_projection", key)


def population_total(source: Path, places: pd.DataFrame) -> None:
    """Yearly county totals and their components, 2020-2023 (Census vintage 2023): the newest year, without ages."""
    wide = text(source / "population" / "county_population_components_2020_2023_IL_IN_WI_MA_NH.csv").rename(
        columns={"FIPStxt": "county_fips"}
    )
    wide = wide[wide.county_fips.isin(places.county_fips[places.role != "context"])]
    out = pd.concat(
        wide[["county_fips"]].assign(
            year=year, population_n=whole(wide[f"POP_ESTIMATE_{year}"]), births_n=whole(wide[f"BIRTHS_{year}"]), deaths_n=whole(wide[f"DEATHS_{year}"]),
            net_migration_n=whole(wide[f"NET_MIG_{year}"]), rural_urban_code_2023=whole(wide.Rural_Urban_Continuum_Code_2023),
        )
        for year in range(2020, 2024)
    )  # fmt: skip
    write(out, "population_total", ["county_fips", "year"])


def standard_population(source: Path) -> None:
    std = text(source / "population" / "us_std_population_2000_19ages.csv").rename(
        columns={"std_population_census_P25_1130": "population_n"}
    )
    write(
        std[["age_low", "age_high", "population_n"]].assign(year=2000, age_low=std.age_low.astype(int)), "standard_population", ["age_low"]
    )


# ---------------------------------------------------------------- cancer

RATE = ["county_fips", "site", "sex", "year_first", "year_last", "rate_100k", "rate_low", "rate_high", "cases_n_year"]
TREND = ["trend", "apc", "apc_low", "apc_high"]


def years(column: pd.Series) -> dict[str, pd.Series]:
    first_last = column.str.split("-", expand=True).astype(int)
    return {"year_first": first_last[0], "year_last": first_last[1]}


def profiles(source: Path) -> pd.DataFrame:
    """County and national rows of State Cancer Profiles: rate with 95 % limits, yearly cases, recent trend."""
    raw = text(source / "incidence" / f"scp_incidence_county_{STATE_FILE}").rename(
        columns={
            "fips": "county_fips",
            "rate_lci": "rate_low",
            "rate_uci": "rate_high",
            "aapc_lci": "apc_low",
            "aapc_uci": "apc_high",
            "rate": "rate_100k",
        }
    )
    out = raw.assign(
        site=raw.site.replace(SITES), sex=raw.sex.str.lower(), **years(raw.period), cases_n_year=raw.avg_annual_count, apc=raw.aapc
    )
    out["trend"] = raw.recent_trend.where(raw.recent_trend.isin(["stable", "rising", "falling"]), "")
    out["status"] = raw.status.map({"ok": "ok", "not_available": "not published", "suppressed": "suppressed"})
    numbers = [*RATE[5:], *TREND[1:]]
    return out.assign(source="State Cancer Profiles", **{c: number(out[c]) for c in numbers})[[*RATE, *TREND, "status", "source"]]


def atlas_rates(source: Path, measure: str) -> pd.DataFrame:
    """County rows of the NCI Cancer Atlas for one measure; five-year counts become a yearly mean."""
    raw = text(source / "incidence" / f"nci_atlas_by_site_{STATE_FILE}").rename(
        columns={"fips": "county_fips", "rate": "rate_100k", "lci": "rate_low", "uci": "rate_high"}
    )
    raw = raw[raw.measure == measure]
    out = raw.assign(site=raw.site.replace(SITES), sex=raw.sex.str.lower().replace("both_sexes", "both"), **years(raw.period))
    out["cases_n_year"] = (number(raw.count_5yr) / 5).round(1)
    out["status"] = raw.suppressed.map({"True": "suppressed", "False": "ok"})
    out = out.assign(source="NCI Cancer Atlas", **{c: number(out[c]) for c in RATE[5:8]})
    return out.assign(trend="", apc=np.nan, apc_low=np.nan, apc_high=np.nan)[[*RATE, *TREND, "status", "source"]]


def complete(rates: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """One row per county and published series, with the reason where the producer lists none."""
    series = rates[["site", "sex", "year_first", "year_last", "source"]].drop_duplicates()
    grid = places.loc[places.role != "context", ["county_fips"]].merge(series, how="cross")
    out = grid.merge(rates, on=list(grid.columns), how="left", validate="1:1")
    # State Cancer Profiles leaves out counties under 16 cases; a state it cannot show, and the Atlas lists, are cut.
    shown = out.groupby([out.county_fips.str[:2], "site", "year_first", "source"]).rate_100k.transform("count") > 0
    few = (out.source == "State Cancer Profiles") & shown
    out["status"] = out.status.fillna(pd.Series(np.where(few, "suppressed", "not published"), index=out.index))
    return out[[*RATE, *TREND, "status", "source"]]


def incidence(source: Path, places: pd.DataFrame) -> None:
    key = ["county_fips", "site", "sex", "year_first", "year_last", "source"]
    published = profiles(source)
    nation = published[published.county_fips == "00000"].drop_duplicates()
    local = published[published.county_fips.isin(places.county_fips)]
    local = pd.concat([local, atlas_rates(source, "Incidence").query("county_fips in @places.county_fips")])
    write(pd.concat([nation, complete(local, places)]), "incidence", key)
    deaths = atlas_rates(source, "Mortality").query("county_fips in @places.county_fips")
    write(complete(deaths, places).rename(columns={"cases_n_year": "deaths_n_year"}), "mortality", key)


def incidence_by_age(source: Path) -> None:
    """National cases and person-years by site, sex and five-year age, 2013-17: the demand model's rates."""
    raw = text(source / "incidence" / "us_age_specific_incidence.csv").query("sex != 'both'")  # sites of one sex have no such row
    out = raw.assign(age_low=raw.age_low.astype(int), cases_n=whole(raw["count"]), person_years=whole(raw.population), **years(raw.period))
    out["age_high"] = whole(raw.age_high.str.removesuffix(".0"))
    out["is_component"] = ~raw.site.isin(OVERLAPPING)
    key = ["site", "sex", "age_low"]
    write(out[[*key, "age_high", "cases_n", "person_years", "year_first", "year_last", "is_component"]], "incidence_by_age", key)


def incidence_us(source: Path) -> None:
    """National cases by year, and by age and year; the yearly rate is computed from the ages where the producer prints none."""
    raw = text(source / "incidence" / "us_wonder_age_specific_by_year.csv").query("site != 'All sites'")  # may hold in-situ breast
    ages_ = raw.assign(
        year=raw.period.astype(int), age_low=raw.age_low.astype(int), cases_n=whole(raw["count"]), population_n=whole(raw.population)
    )
    ages_["age_high"] = whole(raw.age_high.str.removesuffix(".0"))
    ages_["status"] = np.where(ages_.cases_n.isna(), "suppressed", "ok")
    key = ["site", "sex", "year", "age_low"]
    write(ages_[[*key, "age_high", "cases_n", "population_n", "status"]], "incidence_us_age_year", key)
    std = text(source / "population" / "us_std_population_2000_19ages.csv")
    weight = number(std.std_population_census_P25_1130).set_axis(std.age_low.astype(int)) / number(std.std_population_census_P25_1130).sum()
    # A withheld age has fewer than 16 cases in millions of people: as zero it lowers the rate by less than 0.01.
    part = ages_.cases_n.astype("float64").fillna(0) / ages_.population_n.astype("float64") * ages_.age_low.map(weight) * 1e5
    computed = part.groupby([ages_.site, ages_.sex, ages_.year]).sum().round(2).rename("computed")
    raw = text(source / "incidence" / "us_new_cases_by_year.csv")
    out = raw.assign(
        site=raw.site.replace(SITES), year=raw.year.astype(int), cases_n=whole(raw.new_cases), population_n=whole(raw.population)
    )
    out["rate_100k"] = number(raw.age_adjusted_rate)
    key = ["site", "sex", "year"]
    out = out.merge(computed, on=key, how="left", validate="1:1")
    out["rate_origin"] = np.select([out.rate_100k.notna(), out.computed.notna()], ["published", "computed"], "none")
    out["rate_100k"] = out.rate_100k.fillna(out.computed)
    write(out[[*key, "cases_n", "population_n", "rate_100k", "rate_origin"]], "incidence_us_by_year", key)


def stage_and_mix(source: Path) -> None:
    raw = text(source / "incidence" / "seer17_age_stage_incidence_2006_2015.csv")
    out = raw.assign(
        site=raw.site.replace(STAGED_SITES), age_low=raw.age_low.astype(int), age_high=whole(raw.age_high), cases_n=whole(raw["count"]),
        person_years=whole(raw.population), stage=raw.stage.replace("Unknown/missing", "unknown"), **years(raw.period),
    )  # fmt: skip
    key = ["site", "sex", "age_low", "stage"]
    write(out[[*key, "age_high", "cases_n", "person_years", "year_first", "year_last"]], "stage_by_age", key)
    raw = text(source / "incidence" / "wonder_metro_site_mix_1999_2018.csv")
    raw = raw[raw["MSA Code"] == "16980"]
    out = raw.assign(site=raw["Cancer Sites"].map(METRO_SITES), metro=raw.MSA, cases_n=whole(raw.Count), year_first=1999, year_last=2018)
    out = out.dropna(subset="site").assign(rate_100k=number(raw["Age-Adjusted Rate"]))
    write(out[["metro", "site", "cases_n", "rate_100k", "year_first", "year_last"]], "site_mix", ["metro", "site"])


# ---------------------------------------------------------------- hospitals


def hospitals(source: Path, places: pd.DataFrame) -> None:
    """Hospitals of region and ring: place, beds (cost report), 2023 fee-for-service stays, rating, health system."""
    raw = text(source / "hospitals" / f"hospitals_{STATE_FILE}").rename(
        columns={"Facility Name": "hospital_cms", "City/Town": "city", "State": "state", "ZIP Code": "zip", "lng": "lon",
                 "Hospital Type": "hospital_type", "Hospital Ownership": "ownership"}
    )  # fmt: skip
    raw = raw[raw.county_fips.isin(places.county_fips[places.role.isin(NEAR)])]
    owners = text(OUT / "hospital_systems.csv")
    out = raw.merge(owners, on="ccn", how="left", validate="1:1")
    out["hospital"] = out.hospital.fillna(out.hospital_cms.str.title())
    # Psychiatric hospitals are outside every share: each stands for itself.
    out["system"] = out.system.fillna(out.hospital)
    out["system_confidence"] = out.system_confidence.fillna("low")
    out = out.assign(
        city=out.city.str.title(), lat=number(out.lat).round(5), lon=number(out.lon).round(5), system_year=2023,
        beds_n=whole(out.hcris_all_beds), beds_year=whole(out.hcris_fy_end.str[:4]),
        discharges_n=whole(out.ffs_ip_discharges_2023.str.removesuffix(".0")), days_n=whole(out.ffs_ip_days_2023.str.removesuffix(".0")),
        charges_usd=whole(out.ffs_ip_charges_2023.str.removesuffix(".0")), rating=whole(out["Hospital overall rating"].replace("Not Available", "")),
        rating_year=2026,
    )  # fmt: skip
    out["discharges_year"] = pd.Series(2023, index=out.index, dtype="Int64").where(out.discharges_n.notna())
    columns = [
        "ccn",
        "hospital",
        "city",
        "state",
        "zip",
        "county_fips",
        "lat",
        "lon",
        "hospital_type",
        "ownership",
        "system",
        "system_confidence",
        "system_year",
    ]
    figures = ["beds_n", "beds_year", "discharges_n", "days_n", "charges_usd", "discharges_year", "rating", "rating_year"]
    write(out[[*columns, *figures]], "hospitals", ["ccn"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder with the agencies' files")
    parser.add_argument("--atlas", type=Path, help="counties-10m.json of us-atlas 3.0.1, where npm is not at hand")
    chosen = parser.parse_args()
    planned = set(text(chosen.source / "population" / "cmap_region_county_age_sex_1995_2020.csv").GEOID)
    places = counties(atlas(chosen.atlas), planned)
    for table in (zips, context, population, population_total, incidence, hospitals):
        table(chosen.source, places)
    for table in (standard_population, incidence_by_age, incidence_us, stage_and_mix):
        table(chosen.source)


if __name__ == "__main__":
    main()
