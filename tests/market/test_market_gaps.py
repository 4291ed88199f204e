"""The market page of regions whose tables lack something: it stands, says what is missing with table and count, and shows no zero for it."""

import ast
import html
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from catchment.stats import geo

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/01_market_analysis.ipynb"


class Place:
    """A copy of the demo of which single files can be changed."""

    def __init__(self, root: Path):
        self.root, self.data = root, root / "data"
        (self.data / "public").mkdir(parents=True)
        shutil.copytree(ROOT / "params", root / "params")
        shutil.copy(ROOT / "data/catalog.yml", self.data)
        (self.data / "demo").symlink_to(ROOT / "data/demo")
        for path in (ROOT / "data/public").iterdir():
            if path.is_file():
                (self.data / "public" / path.name).symlink_to(path)

    def without(self, *names: str) -> None:
        for name in names:
            (self.data / "public" / name).unlink()

    def change(self, name: str, edit) -> None:
        """Write a public table anew, all its cells as text."""
        path = self.data / "public" / name
        table = edit(pd.read_csv(path, dtype=str, keep_default_na=False))
        path.unlink()
        table.to_csv(path, index=False)

    def page(self, partner: str, monkeypatch) -> tuple[dict, str]:
        """Names that the notebook defines, and the HTML of all that it shows."""
        monkeypatch.setenv("CATCHMENT_ROOT", str(self.root))
        names, blocks = {}, []
        for cell in nbformat.read(NOTEBOOK, 4).cells:
            if cell.cell_type != "code":
                continue
            *body, last = ast.parse(cell.source).body
            exec(compile(ast.Module(body if isinstance(last, ast.Expr) else [*body, last], []), cell.id, "exec"), names)
            if isinstance(last, ast.Expr):
                blocks.append(eval(compile(ast.Expression(last.value), cell.id, "eval"), names).html)
            if "parameters" in cell.metadata.get("tags", []):
                names["partner"] = partner
        text = html.unescape(" ".join(blocks))
        for word in (">nan", "None", " inf", "NaN", "NaT"):
            assert word not in text, word
        return names, text


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def renamed(code: str, other: str, column: str = "county_fips"):
    return lambda table: table.assign(**{column: table[column].replace(code, other)})


def test_a_region_without_what_may_be_missing_gets_a_page_that_says_so(place, monkeypatch):
    place.without("population_projection.csv", "county_projection_region.csv", "county_context.csv", "mortality.csv", "stage_by_age.csv")
    place.change("hospitals.csv", lambda table: table.assign(system=""))
    names, text = place.page("tallgrass", monkeypatch)
    assert not names["demand"].forward
    for said in (
        "There is no population projection for this region",
        "How many there will be cannot be said",
        "no projection of people",
        "Income and vulnerability of the counties are not given",
        "No market county publishes both deaths and cases of a site. Stage at diagnosis is not given.",
        "is not given: each stands for itself",
    ):
        assert said in text, said
    assert "2035" not in text, "nothing is said of the year ahead"
    assert "Aging adds" not in text and "Aging takes" not in text and 'id="need-drivers"' not in text
    assert "draft" not in text.lower() and "Projected population" not in text, "nor of a projection that is not there"
    assert "Draft" not in names["findings"].method(names["demand"], names["areas"], names["zips"], names["settings"].region)
    first = names["findings"].growth(names["demand"], below=11)
    assert first.exhibit == "need-by-site" and 'id="need-by-site"' in text
    assert names["poor"].columns.tolist()[-1] == "why"


def test_old_county_codes_count_as_what_they_became(place, monkeypatch):
    changes = "17999,17093,2024,1.0,1.0,Kendall County was renamed\n"
    path = place.data / "public/county_changes.csv"
    before = path.read_text()
    path.unlink()
    path.write_text(before + changes)
    for name in ("population_age_planning.csv", "zips.csv", "incidence.csv", "county_context.csv"):
        place.change(name, renamed("17093", "17999"))
    names, text = place.page("tallgrass", monkeypatch)
    monkeypatch.setenv("CATCHMENT_ROOT", str(ROOT))
    told = names["counties"].carried
    assert set(told) == {"zips", "population", "incidence", "county_context"} and told["population"] == ["17999"]
    assert "1 county code of the table population (17999) is of another year" in text
    assert names["demand"].levels["county_fips"].isin(["17093"]).any()
    kendall = names["frames"]["population"].query("county_fips == '17093' and year == 2019")["population_n"].sum()
    table = pd.read_csv(ROOT / "data/public/population_age_planning.csv", dtype={"county_fips": str})
    assert kendall == table.query("county_fips == '17093' and year == 2019")["population_n"].sum()
    assert names["zips"]["county_fips"].ne("17999").all()


def test_counties_on_one_side_only_are_named_with_table_and_count(place, monkeypatch):
    place.change("population_age_planning.csv", renamed("17093", "17999"))
    place.change("population_total.csv", renamed("17093", "17999"))
    place.change("incidence.csv", renamed("17093", "17999"))
    settings = place.root / "params/partners/tallgrass.yml"
    settings.write_text(settings.read_text().replace("market_counties: [17031,", "market_counties: ['09001', 17031,"))
    names, text = place.page("tallgrass", monkeypatch)
    lost = names["zips"][names["zips"]["county_fips"] == "17093"]
    assert f"{len(lost)} ZIPs with {lost['population_n'].sum():,.0f} people lie in counties without people by age" in text
    assert "17093" in text and "table population" in text
    assert "The settings name 1 county that the table counties lacks: 09001." in text
    assert "The table incidence has no row of 1 market county, which stand at the national level: 17093." in text
    assert names["demand"].people["county_fips"].ne("17093").all()


def test_another_threshold_given_zip_areas_and_strangers_in_the_flows(place, monkeypatch):
    zips = pd.read_csv(ROOT / "data/public/zips.csv", dtype={"zip": str})
    some = zips[zips["zip"].str.startswith("605")].reset_index(drop=True)
    geo.points(some).to_crs(5070).assign(geometry=lambda shapes: shapes.buffer(3000, quad_segs=2))[["zip", "year", "geometry"]].to_crs(
        4326
    ).drop_duplicates("zip").to_file(place.data / "public/zip_areas.geojson")
    catalog = place.data / "catalog.yml"
    head, flows = catalog.read_text().split("\n  hospital_flows:")
    catalog.write_text(f"{head}\n  hospital_flows:{flows.replace('suppress_below: 11', 'suppress_below: 16', 1)}")
    place.change("hospitals.csv", lambda table: table[table["ccn"] != "140281"])
    settings = place.root / "params/portfolio.yml"
    settings.write_text(settings.read_text().replace("140281, ", ""))
    names, text = place.page("tallgrass", monkeypatch)
    assert "of 1 hospital that the table hospitals lacks (140281) stand under the hospital's number" in text and "CCN 140281" in text
    assert "Census ZIP code tabulation areas" in text and "ZIPs without one: Thiessen" in text
    assert names["flows"]["cases_high"].max() > 15 and names["flows"].loc[names["flows"]["known_n"].isna(), "cases_high"].eq(15).all()
    assert "at least 16 stays" in text and "from 1 to 15 around" in text and "fewer than 11" not in text
