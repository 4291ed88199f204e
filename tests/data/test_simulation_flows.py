"""The simulated service-area files: exact layout, exact totals, nothing below the threshold, and the planted truth can be found."""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DEMO = Path(__file__).parents[2] / "data" / "demo"
sys.path.insert(0, str(DEMO))
from simulation import flows, world  # noqa: E402


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    flows.write(folder)
    return folder


@pytest.fixture(scope="module")
def files(written) -> dict[int, str]:
    return {year: gzip.decompress((written / "hsaf" / f"hsaf_{year}.csv.gz").read_bytes()).decode() for year in flows.YEARS}


@pytest.fixture(scope="module")
def cells(files) -> pd.DataFrame:
    """Published cells only, with the place of the ZIP and the hospital's system: what an analyst can see."""
    frame = pd.concat(pd.read_csv(io.StringIO(text), dtype=str).assign(year=year) for year, text in files.items())
    frame.columns = ["ccn", "zip", "days", "charges", "cases", "year"]
    shown = frame[frame.cases != "*"].astype({"cases": int, "days": int, "charges": int})
    zips = flows.origins().set_index("zip").county_fips
    systems = flows.hospitals().set_index("ccn")[["system", "state"]]
    return shown.assign(county_fips=shown.zip.map(zips)).join(systems, on="ccn")


def test_rerun_gives_the_committed_bytes(written):
    made = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert len(made) == len(flows.YEARS) + 1
    for path in made:
        assert (written / path).read_bytes() == (DEMO / path).read_bytes(), path
        assert (written / path).stat().st_size < 500_000


def test_layout_is_the_service_area_file(files):
    for text in files.values():
        first, *rows = text.splitlines()
        assert first == "MEDICARE_PROV_NUM,ZIP_CD_OF_RESIDENCE,TOTAL_DAYS_OF_CARE,TOTAL_CHARGES,TOTAL_CASES"
        frame = pd.read_csv(io.StringIO(text), dtype=str)
        assert frame.MEDICARE_PROV_NUM.str.fullmatch(r"[0-9A-Z]{6}").all()
        assert frame.ZIP_CD_OF_RESIDENCE.str.fullmatch(r"\d{5}").all()
        assert not frame.duplicated(["MEDICARE_PROV_NUM", "ZIP_CD_OF_RESIDENCE"]).any()
        assert len(rows) > 10_000


def test_small_cells_are_hidden_in_all_three_columns(files):
    for text in files.values():
        frame = pd.read_csv(io.StringIO(text), dtype=str)
        values = frame[["TOTAL_DAYS_OF_CARE", "TOTAL_CHARGES", "TOTAL_CASES"]]
        hidden = values.eq("*")
        assert (hidden.all(axis=1) == hidden.any(axis=1)).all()
        shown = values[~hidden.any(axis=1)].astype(int)
        assert shown.TOTAL_CASES.min() >= 11
        assert (shown.TOTAL_DAYS_OF_CARE >= shown.TOTAL_CASES).all()
        # The real file shows about one row in eight.
        assert 0.10 < 1 - hidden.any(axis=1).mean() < 0.22


def test_published_totals_of_2023_are_met_before_suppression():
    drawn = flows.stays(2023).groupby("ccn")[["cases", "days", "charges"]].sum()
    places = flows.hospitals().set_index("ccn")
    published = places[["discharges_n", "days_n", "charges_usd"]].astype("int64").set_axis(["cases", "days", "charges"], axis=1)
    pd.testing.assert_frame_equal(drawn, published, check_names=False)
    real = pd.read_csv(DEMO.parent / "public" / "hospitals.csv", dtype={"ccn": str}).dropna(subset="discharges_n").set_index("ccn")
    assert (drawn.cases.reindex(real.index) == real.discharges_n).all()


def test_every_real_hospital_follows_the_same_index():
    """No figure is made up about a single real hospital's growth: earlier totals are one index for all."""
    places = flows.hospitals()
    real = places.ccn.str.fullmatch(r"\d{6}").to_numpy()
    for year, index in flows.MARKET_INDEX.items():
        assert np.abs(flows.totals(places, year) - places.discharges_n * index)[real].max() <= 0.5


def test_stays_fall_with_distance_and_academic_centers_draw_widely():
    zips, places = flows.origins(), flows.hospitals()
    km = pd.DataFrame(flows.distances(zips, places), index=zips.zip, columns=places.ccn)
    drawn = flows.stays(2023)
    drawn["km"] = km.stack().reindex(pd.MultiIndex.from_frame(drawn[["zip", "ccn"]])).to_numpy()
    mean = (drawn.km * drawn.cases).groupby(drawn.ccn).sum() / drawn.groupby("ccn").cases.sum()
    assert mean["140281"] > 1.5 * mean.median()  # a downtown academic center
    near = drawn.km < 15
    assert 0.5 < drawn.cases[near].sum() / drawn.cases.sum() < 0.85


def test_great_circle_distance():
    """O'Hare to Midway airport, 24.9 km by plane trigonometry at their mean latitude."""
    ends = pd.DataFrame({"lat": [41.9786, 41.7860], "lon": [-87.9048, -87.7524]})
    assert flows.distances(ends, ends)[0, 1] == pytest.approx(24.86, abs=0.05)


def test_tallgrass_loses_its_cluster_to_one_system(cells):
    cluster = cells[cells.zip.isin(flows.TRUTH["tallgrass"]["zips"])]
    total = cluster.groupby("year").cases.sum()
    own = cluster[cluster.ccn == "14X901"].groupby("year").cases.sum() / total
    assert own.is_monotonic_decreasing
    assert own[2023] < 0.6 * own[2019]
    change = cluster.groupby(["system", "year"]).cases.sum().unstack(fill_value=0).div(total)
    gains = (change[2023] - change[2019]).drop("Tallgrass Medical Center")
    assert gains.idxmax() == flows.TRUTH["tallgrass"]["loses_to"]


def test_northpoint_gains_share_at_home(cells):
    home = cells[cells.county_fips == flows.TRUTH["northpoint"]["county_fips"]]
    total = home.groupby("year").cases.sum()
    share = home[home.ccn == "14X904"].groupby("year").cases.sum() / total
    assert share[2023] > share[2019] + 0.03
    assert total[2023] < total[2019]


def test_dunes_residents_leave_over_the_state_line(cells):
    home = cells[cells.county_fips.isin(flows.TRUTH["dunes"]["county_fips"])]
    out = home[home.state == "IL"].groupby("year").cases.sum() / home.groupby("year").cases.sum()
    assert out[2023] > 1.3 * out[2019]


def test_riverbend_is_mostly_hidden(files):
    frame = pd.read_csv(io.StringIO(files[2023]), dtype=str).query("MEDICARE_PROV_NUM == '14X902'")
    assert (frame.TOTAL_CASES == "*").mean() >= flows.TRUTH["riverbend"]["suppressed_share_at_least"]
    assert (frame.TOTAL_CASES != "*").sum() >= 3


def test_invented_hospitals_share_the_public_columns():
    public = pd.read_csv(DEMO.parent / "public" / "hospitals.csv", nrows=0).columns
    invented = pd.read_csv(DEMO / "partner_hospitals.csv", dtype=str)
    assert list(invented.columns) == list(public)
    assert set(invented.ccn) == {world.HUB["ccn"], *(partner["ccn"] for partner in world.PARTNERS.values())}
    assert invented.ccn.str.contains("X").all()  # no real certification number has this form
