"""The compiled public tables: they add up, agree with independent totals and published figures, and hide nothing as zero."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

PUBLIC = Path(__file__).parents[2] / "data" / "public"
UPSTREAM = Path(__file__).parents[3] / "shared" / "data"
REGION = (
    "17031", "17037", "17043", "17063", "17089", "17091", "17093", "17097", "17111", "17197",
    "18089", "18091", "18127", "55059", "55101",
)  # fmt: skip
TEXT = {"county_fips": str, "zip": str, "ccn": str}
TABLES = sorted(path.stem for path in PUBLIC.glob("*.csv") if path.stem not in ("hospital_systems", "specialties"))  # lists kept by hand
# Links between areas carry a year each; every other table carries the year(s) its figures describe.
YEAR_COLUMNS = ("year", "year_first", "weight_year", "system_year", "edition_year")


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(PUBLIC / f"{name}.csv", dtype=TEXT)


def upstream(path: str) -> Path:
    file = UPSTREAM / path
    if not file.exists():
        pytest.skip(f"upstream file {path} is not at hand")
    return file


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.concat([table("population_age_planning"), table("population_age_states")], ignore_index=True)


@pytest.fixture(scope="module")
def shapes() -> gpd.GeoDataFrame:
    return gpd.read_file(PUBLIC / "counties.geojson")


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_its_year_and_no_file_is_big(name):
    frame = table(name)
    found = [column for column in YEAR_COLUMNS if column in frame]
    assert found, f"{name} has no year column"
    assert frame[found[0]].between(1995, 2050).all()
    assert (PUBLIC / f"{name}.csv").stat().st_size < 500_000


def test_identifiers_keep_their_length():
    assert table("zips").zip.str.fullmatch(r"\d{5}").all()
    assert table("hospitals").ccn.str.fullmatch(r"\d{5}[0-9F]").all()
    for name in ("zips", "zip_county", "hospitals", "incidence", "population_age_planning", "county_context"):
        assert table(name).county_fips.str.fullmatch(r"\d{5}").all(), name


def test_population_has_eighteen_ages_of_two_sexes_in_every_county_year(people):
    cells = people.groupby(["county_fips", "year"])
    assert (cells.size() == 36).all()
    assert (cells.age_low.nunique() == 18).all()
    assert (people.age_high.isna() == (people.age_low == 85)).all()
    assert set(REGION) <= set(people.county_fips[people.year == 2010])


def test_ages_sum_to_the_census_total_of_2020(people):
    census = pd.read_csv(upstream("population/county_population_components_2020_2023_IL_IN_WI_MA_NH.csv"), dtype={"FIPStxt": str})
    census = census.set_index("FIPStxt").CENSUS_2020_POP
    total = people[people.year == 2020].groupby("county_fips").population_n.sum()
    # The planning file's fractions round to within a person of the count.
    assert (total - census.reindex(total.index)).abs().max() <= 1


def test_two_producers_agree_on_2019(people):
    census = pd.read_csv(upstream("population/county_age_sex_2019_IL_IN_WI_MA_NH.csv"), dtype={"fips": str}).set_index("fips").POPESTIMATE
    total = people[people.year == 2019].groupby("county_fips").population_n.sum()
    assert len(total) == 266
    pd.testing.assert_series_equal(total, census.reindex(total.index), check_names=False, check_dtype=False)


def test_yearly_totals_continue_the_census_count(people):
    totals = table("population_total")
    assert set(totals.year) == {2020, 2021, 2022, 2023}
    july = totals[totals.year == 2020].set_index("county_fips").population_n
    april = people[people.year == 2020].groupby("county_fips").population_n.sum()
    assert ((july / april - 1).abs().dropna() < 0.02).all()


def test_projections_are_draft_and_cover_the_region():
    ahead = table("population_projection")
    assert (ahead.status == "draft").all()
    assert set(ahead.year) == set(range(2025, 2051, 5))
    link = table("county_projection_region")
    assert set(REGION) <= set(link.county_fips)
    assert set(link.projection_region) == set(ahead.projection_region)


def test_standard_population_of_2000():
    std = table("standard_population")
    assert len(std) == 19
    assert std.population_n.sum() == 274_633_642


def test_components_add_up_to_all_sites_at_every_age():
    ages = table("incidence_by_age")
    key = ["sex", "age_low"]
    parts = ages[ages.is_component].groupby(key).cases_n.sum()
    whole = ages[ages.site == "All sites"].set_index(key).cases_n.sort_index()
    pd.testing.assert_series_equal(parts, whole, check_names=False)


def test_person_years_are_one_population():
    ages = table("incidence_by_age")
    assert (ages.groupby(["sex", "age_low"]).person_years.nunique() == 1).all()


@pytest.mark.parametrize(("name", "count"), [("incidence", "cases_n_year"), ("mortality", "deaths_n_year")])
def test_withheld_is_never_zero(name, count):
    rates = table(name)
    shown = rates.status == "ok"
    assert set(rates.status) == {"ok", "suppressed", "not published"}
    assert rates.loc[~shown, ["rate_100k", "rate_low", "rate_high", count]].isna().all(axis=None)
    assert (rates.loc[shown, ["rate_100k", count]] > 0).all(axis=None)
    assert (rates.rate_low[shown] <= rates.rate_100k[shown]).all()
    assert (rates.rate_100k[shown] <= rates.rate_high[shown]).all()


def test_every_series_has_every_county_once():
    rates = table("incidence").query("county_fips != '00000'")
    series = ["site", "sex", "year_first", "year_last", "source"]
    assert not rates.duplicated(["county_fips", *series]).any()
    assert (rates.groupby(series).county_fips.nunique() == 266).all()


def test_indiana_has_no_profile_after_2014_but_an_atlas_figure():
    porter = table("incidence").query("county_fips == '18127' and site == 'All sites'").set_index(["source", "year_last"])
    assert porter.loc[("State Cancer Profiles", 2021), "status"] == "not published"
    assert porter.loc[("NCI Cancer Atlas", 2017), "rate_100k"] == 460.2


def test_national_row_is_the_published_one():
    nation = table("incidence").query("county_fips == '00000' and site == 'All sites' and year_last == 2021").iloc[0]
    assert (nation.rate_100k, nation.rate_low, nation.rate_high, nation.cases_n_year) == (444.4, 444.1, 444.7, 1_744_459)


def test_cook_county_as_published_in_the_untouched_export():
    lines = upstream("incidence/scp_all_cancer_sites_2017-2021_raw_US.csv").read_text("latin-1").splitlines()
    cells = next(line for line in lines if ",17031," in line).rpartition('"')[2].split(",")
    cook = table("incidence").query("county_fips == '17031' and site == 'All sites' and year_last == 2021").iloc[0]
    assert [cook.rate_100k, cook.rate_low, cook.rate_high] == [float(cell) for cell in cells[3:6]]
    assert cook.cases_n_year == float(cells[9])


def test_projected_rates_from_ages_match_the_published_national_rate():
    """Direct standardization of the age table gives the all-sites rate that CDC prints for 2013-17: a little below, as its cases are."""
    ages = table("incidence_by_age").query("site == 'All sites'").groupby("age_low")[["cases_n", "person_years"]].sum()
    std = table("standard_population").assign(age_low=lambda s: s.age_low.replace(1, 0)).groupby("age_low").population_n.sum()
    rate = float((ages.cases_n / ages.person_years * std).sum() / std.sum() * 1e5)
    by_year = table("incidence_us_by_year").query("site == 'All sites' and sex == 'both' and 2013 <= year <= 2017").rate_100k.mean()
    assert by_year * 0.975 < rate < by_year


def test_hospital_totals_are_the_published_ones():
    cms = pd.read_csv(upstream("hospitals/medicare_inpatient_by_provider_2023_IL_IN_WI_MA_NH.csv"), dtype=str).set_index("Rndrng_Prvdr_CCN")
    published = cms.Tot_Dschrgs.str.replace(",", "").astype(float)
    ours = table("hospitals").dropna(subset="discharges_n").set_index("ccn").discharges_n
    assert len(ours) > 100
    pd.testing.assert_series_equal(ours, published.reindex(ours.index), check_names=False)


def test_hospitals_have_place_owner_and_vintage():
    hospitals = table("hospitals")
    assert hospitals[["hospital", "system", "lat", "lon", "city"]].notna().all(axis=None)
    assert hospitals.system_confidence.isin(["high", "medium", "low"]).all()
    assert (hospitals.discharges_year.notna() == hospitals.discharges_n.notna()).all()
    assert (hospitals.beds_year.dropna().between(2015, 2020)).all()
    counted = hospitals.dropna(subset="discharges_n")
    region = counted[counted.county_fips.isin(REGION)]
    # Ownership of what carries the shares is read with confidence.
    assert region.discharges_n[region.system_confidence == "high"].sum() / region.discharges_n.sum() > 0.95


def test_zip_points_lie_in_or_near_their_county(shapes):
    zips = table("zips").dropna(subset="population_n")
    areas = shapes.set_index("county_fips").to_crs(5070).geometry.buffer(8_000)
    points = gpd.GeoSeries.from_xy(zips.lon, zips.lat, crs=4326).to_crs(5070)
    near = points.within(areas.reindex(zips.county_fips).set_axis(points.index))
    assert near.mean() > 0.99


def test_zip_weights_sum_to_one():
    zip_county = table("zip_county")
    inside = table("zips").query("county_fips in @REGION").zip
    sums = zip_county[zip_county.zip.isin(inside)].dropna(subset="weight").groupby("zip").weight.sum()
    assert np.allclose(sums, 1, atol=1e-4)


def test_zip_population_of_2010_matches_the_census_count(people):
    """Two independent routes to 2010: ZIP areas, and counties by age; borders differ, the region does not."""
    zips = table("zips")
    ours = zips[zips.county_fips.isin(REGION)].population_n.sum()
    counted = people[(people.year == 2010) & people.county_fips.isin(REGION)].population_n.sum()
    assert ours == pytest.approx(counted, rel=0.02)


def test_polygons_are_valid_complete_and_do_not_overlap(shapes):
    assert shapes.is_valid.all()
    assert set(shapes.county_fips[shapes.role == "region"]) == set(REGION)
    plane = shapes.to_crs(5070)
    assert plane.area.sum() == pytest.approx(plane.union_all().area, rel=1e-9)
    west, south, east, north = shapes[shapes.role == "region"].total_bounds
    assert (-89.1 < west < -88.6) and (-86.6 < east < -86.3) and (40.9 < south < 41.1) and (42.7 < north < 42.9)


def test_ring_touches_the_region_or_is_in_the_planning_file(shapes):
    plane = shapes.to_crs(5070).set_index("county_fips")
    core = plane[plane.role == "region"].union_all()
    planned = set(table("population_age_planning").county_fips)
    ring = plane[plane.role == "ring"]
    assert all(row.geometry.distance(core) < 500 or fips in planned for fips, row in ring.iterrows())
    assert not plane[plane.role == "state"].geometry.touches(core).any()


def test_catchments_name_known_centers():
    centers = table("nci_catchments")
    assert centers.query("county_fips == '17031'").center.str.contains("Northwestern").any()
    assert centers.designation.notna().all()


def test_computed_national_rates_agree_with_another_producer():
    """Two independent routes to the age-adjusted rate of breast cancer in women, 2013-17: CDC by year, IARC by age."""
    rates = table("incidence_us_by_year").set_index(["site", "sex", "year"])
    assert rates.loc[("Breast", "female", 2019), "rate_origin"] == "computed"
    assert rates.loc[("All sites", "both", 2019), "rate_origin"] == "published"
    assert (rates.rate_100k.isna() == (rates.rate_origin == "none")).all()
    ages = table("incidence_by_age").query("site == 'Breast' and sex == 'female'").set_index("age_low")
    std = table("standard_population").assign(age_low=lambda s: s.age_low.replace(1, 0)).groupby("age_low").population_n.sum()
    other = float((ages.cases_n / ages.person_years * std).sum() / std.sum() * 1e5)
    ours = np.mean([rates.loc[("Breast", "female", year), "rate_100k"] for year in range(2013, 2018)])
    assert other == pytest.approx(ours, rel=0.02)
