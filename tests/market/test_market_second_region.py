"""The market page for another region, Massachusetts and New Hampshire, by tables and one partner file alone.

County figures, hospitals, beds and 2023 stays are the agencies' (folder ../shared/data, skipped where it is absent). The split of stays over
ZIPs follows a known Huff model, so the calibration has a truth to find. There is no population projection for the region: the page
must stand and say so.
"""

import ast
import gzip
import shutil
from pathlib import Path

import geopandas as gpd
import nbformat
import numpy as np
import pandas as pd
import pytest

from catchment import params
from catchment.stats import choice, geo

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
STATES = "IL_IN_WI_MA_NH"
NATIONAL = (
    "incidence_by_age",
    "incidence_us_by_year",
    "incidence_us_age_year",
    "stage_by_age",
    "standard_population",
    "population_projection",
    "county_projection_region",
)
REGION = ["25009", "25017", "25021", "25025", "25027", "33011", "33015"]
SITES = {
    "All Cancer Sites": "All sites",
    "Breast (Female)": "Breast",
    "Breast": "Breast",
    "Lung & Bronchus": "Lung & bronchus",
    "Leukemia": "Leukemia",
    "Non-Hodgkin Lymphoma": "Non-Hodgkin lymphoma",
    "Thyroid": "Thyroid",
    "Colon & Rectum": "Colon & rectum",
    "Prostate": "Prostate",
}
GAMMA, LAMBDA, CENTROID_KM = 1.0, -2.2, 3.0
OURS = "22X901"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the agencies' files (../shared/data) are not at hand")


def text(*parts: str) -> pd.DataFrame:
    return pd.read_csv(SHARED.joinpath(*parts), dtype=str, keep_default_na=False)


def number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.replace("", None), errors="coerce")


def write_counties(public: Path) -> pd.DataFrame:
    shapes = gpd.read_file(SHARED / f"boundaries/counties_2024_20m_{STATES}.geojson")
    shapes = shapes[shapes["STUSPS"].isin(["MA", "NH"])].rename(columns={"GEOID": "county_fips", "NAME": "county", "STUSPS": "state"})
    shapes = shapes.assign(role=np.where(shapes["county_fips"].isin(REGION), "region", "state"), year=2024)[
        ["county_fips", "county", "state", "role", "year", "geometry"]
    ]
    (public / "counties.geojson").write_text(shapes.to_json(drop_id=True))
    return pd.DataFrame(shapes.drop(columns="geometry"))


def write_people(public: Path, counties: pd.DataFrame) -> None:
    wide = text("population", f"county_age_sex_2019_{STATES}.csv").rename(columns={"fips": "county_fips"})
    wide = wide[wide["county_fips"].isin(counties["county_fips"])]
    names = ["04", "59", *(f"{low}{low + 4}" for low in range(10, 85, 5)), "85PLUS"]
    parts = [
        wide[["county_fips"]].assign(
            year=2019,
            sex=sex,
            age_low=low,
            age_high="" if low == 85 else low + 4,
            population_n=wide[f"AGE{name}_{mark}"],
            edition="estimates 2019",
        )
        for low, name in zip(range(0, 90, 5), names, strict=True)
        for sex, mark in (("male", "MALE"), ("female", "FEM"))
    ]
    pd.concat(parts).to_csv(public / "population_age_states.csv", index=False)
    totals = text("population", f"county_population_components_2020_2023_{STATES}.csv").rename(columns={"FIPStxt": "county_fips"})
    totals = totals[totals["county_fips"].isin(counties["county_fips"])]
    pd.concat(
        totals[["county_fips"]].assign(
            year=year,
            population_n=totals[f"POP_ESTIMATE_{year}"],
            births_n=totals[f"BIRTHS_{year}"],
            deaths_n=totals[f"DEATHS_{year}"],
            net_migration_n=totals[f"NET_MIG_{year}"],
            rural_urban_code_2023=totals["Rural_Urban_Continuum_Code_2023"],
        )
        for year in (2020, 2021, 2022, 2023)
    ).to_csv(public / "population_total.csv", index=False)


def write_incidence(public: Path, counties: pd.DataFrame) -> None:
    raw = text("incidence", f"scp_incidence_county_{STATES}.csv")
    raw = raw[raw["site"].isin(SITES) & (raw["fips"].isin(counties["county_fips"]) | (raw["fips"] == "00000"))].drop_duplicates(
        ["fips", "site", "sex", "period"]
    )
    shared = {
        "county_fips": raw["fips"],
        "site": raw["site"].map(SITES),
        "sex": raw["sex"].str.lower(),
        "year_first": raw["period"].str[:4],
        "year_last": raw["period"].str[5:],
    }
    figures = {"rate_100k": raw["rate"], "rate_low": raw["rate_lci"], "rate_high": raw["rate_uci"], "cases_n_year": raw["avg_annual_count"]}
    published = number(raw["rate"]).notna()
    table = pd.DataFrame(shared | {name: number(column).where(published) for name, column in figures.items()})
    table = table.assign(
        trend="", apc=None, apc_low=None, apc_high=None, status=np.where(published, "ok", "suppressed"), source="State Cancer Profiles"
    )
    table.to_csv(public / "incidence.csv", index=False)
    deaths = text("incidence", f"nci_atlas_by_site_{STATES}.csv")
    deaths = deaths[(deaths["measure"] == "Mortality") & deaths["fips"].isin(counties["county_fips"]) & deaths["site"].isin(SITES)]
    pd.DataFrame(
        {
            "county_fips": deaths["fips"],
            "site": deaths["site"].map(SITES),
            "sex": deaths["sex"].str.lower().replace("both_sexes", "both"),
            "year_first": deaths["period"].str[:4],
            "year_last": deaths["period"].str[5:],
            "rate_100k": number(deaths["rate"]),
            "rate_low": number(deaths["lci"]),
            "rate_high": number(deaths["uci"]),
            "deaths_n_year": (number(deaths["count_5yr"]) / 5).round(1),
            "trend": "",
            "apc": None,
            "apc_low": None,
            "apc_high": None,
            "status": np.where(number(deaths["rate"]).notna(), "ok", "suppressed"),
            "source": "NCI Cancer Atlas",
        }
    ).to_csv(public / "mortality.csv", index=False)


def write_places(public: Path, counties: pd.DataFrame) -> pd.DataFrame:
    weights = text("crosswalks", f"zip_county_weights_pop_{STATES}.csv").assign(weight=lambda rows: number(rows["weight"]))
    main = weights.sort_values(["zip", "weight"], ascending=[True, False]).drop_duplicates("zip")
    points = (
        text("crosswalks", f"zip_points_{STATES}.csv")
        .drop_duplicates("zip")
        .drop(columns="county")
        .merge(main[["zip", "fips", "zip_pop"]], on="zip", validate="one_to_one")
    )
    points = (
        points[points["fips"].isin(REGION)]
        .rename(columns={"fips": "county_fips", "zip_pop": "population_n"})
        .assign(zip_type=lambda rows: rows["type"].str.lower(), year=2010)
    )
    points = points[points["zip_type"].isin(["standard", "po box", "unique"])].astype({"lat": float, "lon": float})
    points[["zip", "city", "county_fips", "state", "zip_type", "lat", "lon", "population_n", "year"]].to_csv(
        public / "zips.csv", index=False
    )
    context = text("population", f"county_acs2018_sdoh_access_{STATES}.csv")
    context = context[context["GEOID"].isin(counties["county_fips"])]
    pd.DataFrame(
        {
            "county_fips": context["GEOID"],
            "year_first": 2014,
            "year_last": 2018,
            "median_income_usd": number(context["MedInc"]).round().astype(int),
            "poverty_share": number(context["PovP"]) / 100,
            "age65_share": number(context["Ovr65P"]) / 100,
            "black_share": number(context["BlackP"]) / 100,
            "hispanic_share": number(context["HispP"]) / 100,
            "svi_rank": number(context["SviSmryRnk"]),
            "rural_share": number(context["RcaRuralP"]),
            "hospital_drive_min": number(context["HospAvTmDr"]),
            "primary_care_100k": number(context["PcpPer100k"]),
            "specialist_100k": number(context["SpPer100k"]),
        }
    ).to_csv(public / "county_context.csv", index=False)
    return points


def write_hospitals(root: Path) -> pd.DataFrame:
    raw = text("hospitals", f"hospitals_{STATES}.csv")
    raw = raw[raw["county_fips"].isin(REGION) & number(raw["ffs_ip_discharges_2023"]).gt(0) & number(raw["hcris_all_beds"]).gt(0)]
    table = pd.DataFrame(
        {
            "ccn": raw["ccn"],
            "hospital": raw["Facility Name"].str.title(),
            "city": raw["City/Town"].str.title(),
            "state": raw["State"],
            "zip": raw["ZIP Code"].str.zfill(5),
            "county_fips": raw["county_fips"],
            "lat": number(raw["lat"]),
            "lon": number(raw["lng"]),
            "hospital_type": raw["Hospital Type"],
            "ownership": raw["Hospital Ownership"],
            "system": raw["Facility Name"].str.title(),
            "system_confidence": "low",
            "system_year": 2023,
            "beds_n": number(raw["hcris_all_beds"]).astype(int),
            "beds_year": raw["hcris_fy_end"].str[:4],
            "discharges_n": number(raw["ffs_ip_discharges_2023"]).astype(int),
            "days_n": number(raw["ffs_ip_days_2023"]).astype(int),
            "charges_usd": number(raw["ffs_ip_charges_2023"]).astype("int64"),
            "discharges_year": 2023,
            "rating": number(raw["Hospital overall rating"]),
            "rating_year": 2026,
        }
    )
    table["rating"] = table["rating"].astype("Int64")
    table.to_csv(root / "data/public/hospitals.csv", index=False)
    ours = table.iloc[[0]].assign(
        ccn=OURS,
        hospital="Harbor Light Hospital",
        city="Lowell",
        state="MA",
        zip="01852",
        county_fips="25017",
        lat=42.63,
        lon=-71.30,
        system="Harbor Light Hospital",
        beds_n=220,
        discharges_n=4200,
        rating=4,
    )
    ours.to_csv(root / "data/demo/partner_hospitals.csv", index=False)
    return pd.concat([table, ours], ignore_index=True)


def write_flows(root: Path, zips: pd.DataFrame, hospitals: pd.DataFrame) -> None:
    """Stays by a known Huff model: each ZIP sends in proportion to its people; counts of 1 to 10 become `*`."""
    people = number(zips["population_n"]).fillna(0).to_numpy()
    share = choice.huff(hospitals["beds_n"], geo.distance_km(zips, hospitals) + CENTROID_KM, gamma=GAMMA, lambda_=LAMBDA)
    folder = root / "data/demo/hsaf"
    folder.mkdir(parents=True)
    for year, scale in ((2022, 1.03), (2023, 1.0)):
        random = np.random.default_rng([7, year])
        counts = random.poisson(scale * 0.06 * people[:, None] * share)
        i, j = np.nonzero(counts)
        stays = counts[i, j]
        rows = pd.DataFrame(
            {
                "MEDICARE_PROV_NUM": hospitals["ccn"].to_numpy()[j],
                "ZIP_CD_OF_RESIDENCE": zips["zip"].to_numpy()[i],
                "TOTAL_DAYS_OF_CARE": stays * 5,
                "TOTAL_CHARGES": stays * 50_000,
                "TOTAL_CASES": stays,
            }
        ).astype(str)
        rows.loc[stays <= 10, ["TOTAL_DAYS_OF_CARE", "TOTAL_CHARGES", "TOTAL_CASES"]] = "*"
        (folder / f"hsaf_{year}.csv.gz").write_bytes(gzip.compress(rows.to_csv(index=False).encode(), mtime=0))
    for name, file in (("hospitals", "public/hospitals.csv"), ("ours", "demo/partner_hospitals.csv")):
        table = pd.read_csv(root / "data" / file, dtype=str)
        totals = pd.Series(counts.sum(axis=0), index=hospitals["ccn"])
        table.assign(discharges_n=table["ccn"].map(totals)).to_csv(root / "data" / file, index=False), name


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Names that the notebook defines for the new partner, and the texts of every block it shows."""
    root = tmp_path_factory.mktemp("new_england")
    public = root / "data/public"
    (root / "params/partners").mkdir(parents=True)
    public.mkdir(parents=True)
    (root / "data/demo/volumes").mkdir(parents=True)
    shutil.copy(ROOT / "params/portfolio.yml", root / "params")
    shutil.copy(ROOT / "data/catalog.yml", root / "data")
    for name in NATIONAL:
        shutil.copy(ROOT / f"data/public/{name}.csv", public)
    counties = write_counties(public)
    write_people(public, counties)
    write_incidence(public, counties)
    zips = write_places(public, counties)
    write_flows(root, zips, write_hospitals(root))
    sites = ["Breast", "Lung & bronchus", "Prostate", "Colon & rectum", "Pancreas", "All other"]
    header = (ROOT / "data/demo/volumes/volumes_dunes.csv").read_text().splitlines()[0].split(",")
    volumes = pd.DataFrame(
        [
            {"partner": "harbor", "year": 2025, "quarter": q, "site": site, "cases_n": 30 + 5 * i}
            for q in (1, 2, 3, 4)
            for i, site in enumerate(sites)
        ]
    )
    volumes.reindex(columns=header).fillna(dict.fromkeys(header, 20)).to_csv(root / "data/demo/volumes/volumes_harbor.csv", index=False)
    own = (ROOT / "params/partners/northpoint.yml").read_text().split("growth:")
    (root / "params/partners/harbor.yml").write_text(
        "name: Harbor Light Hospital\nplace: Lowell, Massachusetts\nccn: 22X901\nzip: 01852\ncounty_fips: 25017\nlat: 42.63\nlon: -71.30\n"
        f"region: [{', '.join(REGION)}]\nmarket_counties: [25009, 25017, 33011]\nmarket:\n  tertiary_hospitals: [220071, 220116, 220110]\ngrowth:{own[1]}"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CATCHMENT_ROOT", str(root))
        yield run("harbor")


def run(partner: str) -> tuple[dict, list[str]]:
    names, shown = {}, []
    for cell in nbformat.read(ROOT / "notebooks/01_market_analysis.ipynb", 4).cells:
        if cell.cell_type != "code":
            continue
        *body, last = ast.parse(cell.source).body
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), cell.id, "exec"), names)
            shown.append(eval(compile(ast.Expression(last.value), cell.id, "eval"), names).html)
        else:
            exec(compile(ast.Module([*body, last], []), cell.id, "exec"), names)
        if "parameters" in cell.metadata.get("tags", []):
            names["partner"] = partner
    return names, shown


def test_every_exhibit_stands_and_reads_well(page):
    _, shown = page
    text = " ".join(shown)
    assert text.count("<figure") >= 14
    for word in (">nan", "None", " inf", "NaN", "Traceback"):
        assert word not in text, word
    assert "Harbor Light Hospital" in text and "Tallgrass" not in text and "Chicago" not in text.replace("Chicago Metropolitan", "")


def test_the_calibration_finds_the_planted_exponents(page):
    names, _ = page
    assert isinstance(names["settings"], type(params.load("dunes", root=ROOT)))
    assert names["found"].plain.gamma == pytest.approx(GAMMA, abs=0.1)
    assert names["found"].plain.lambda_ == pytest.approx(LAMBDA, abs=0.1)


def test_without_a_projection_people_are_held_and_growth_is_only_trend(page):
    names, shown = page
    assert names["demand"].projected["status"].unique().tolist() == ["held at latest"]
    drivers = names["demand"].drivers
    assert drivers[["size_n", "aging_n"]].abs().to_numpy().max() == pytest.approx(0, abs=1e-6)
    assert any("no population projection" in block for block in shown)


def test_the_burden_uses_the_two_states(page):
    names, _ = page
    table = names["judged"].table
    assert set(table["county_fips"].str[:2]) == {"25", "33"} and len(table) > 15
    assert 0.8 < table["sir"].median() < 1.3
