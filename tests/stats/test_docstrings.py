"""What a docstring says that a method returns is what it returns: every column named, and no column named that is not there."""

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from flows import pairs_of, planted
from shapely.geometry import box

from catchment import stats
from catchment.stats import (
    access,
    choice,
    concentration,
    demand,
    geo,
    gravity,
    incidence,
    network,
    quarters,
    rates,
    small_areas,
    spatial,
)
from catchment.stats.geo import FLAT

OTHERS = {"accuracy", "control", "finance", "forecast", "smoothing", "survival", "uncertainty"}
MODULES = sorted({path.stem for path in Path(stats.__path__[0]).glob("[a-z]*.py")} - OTHERS)

PLACES = pd.DataFrame(
    {"zip": ["a", "b"], "lat": [41.0, 41.2], "lon": [-88.0, -87.8], "relative": [0.2, 1.2], "nearest_min": [40, 9], "drive_min": [40, 9]}
).assign(demand=[5.0, 7.0])
PEOPLE = pd.DataFrame(
    [("1", year, sex, age, 900.0) for year in (2020, 2025) for sex in ("female", "male") for age in (0, 40)],
    columns=["county_fips", "year", "sex", "age_low", "population_n"],
)
NOW = PEOPLE[PEOPLE["year"] == 2020]
PROJECTION = PEOPLE.drop(columns="county_fips").assign(projection_region="R")
BY_AGE = pd.DataFrame(
    [("Lung", sex, age, 40.0, 1e5) for sex in ("female", "male") for age in (0, 40)],
    columns=["site", "sex", "age_low", "cases_n", "person_years"],
)
RATES = BY_AGE.assign(rate_100k=40.0)
BY_YEAR = pd.DataFrame({"site": "Lung", "sex": "both", "year": range(2010, 2021), "rate_100k": np.linspace(50, 60, 11)})
STANDARD = pd.DataFrame({"age_low": [0, 40], "population_n": [60.0, 40.0]})
AGES_BY_YEAR = pd.DataFrame({"site": "Lung", "sex": "both", "year": 2019, "age_low": [0, 40], "cases_n": [3.0, 9.0], "population_n": 1e4})
COUNTIES = pd.DataFrame({"county_fips": list("abc"), "rate_100k": [50.0, 60.0, 80.0], "cases_n_year": [40.0, 20.0, 90.0]})
TRENDS = demand.site_trends(BY_YEAR, ["Lung"], first=2010, base=(2012, 2014))
LEVELS = pd.DataFrame({"county_fips": ["1"], "site": ["Lung"], "level": [1.1], "level_low": [1.0], "level_high": [1.2]})
PROJECTED = demand.project(PEOPLE, RATES, levels=LEVELS, trends=TRENDS, damping=0.9, cap=0.3, population_error=0.04)
AREAS = gpd.GeoDataFrame(
    {"zip": [f"{x}{y}" for x in range(6) for y in range(6)], "town": "T"},
    geometry=[box(x, y, x + 1, y + 1) for x in range(6) for y in range(6)],
    crs=FLAT,
)
VALUES = pd.Series(np.r_[np.full(9, 9.0), np.linspace(0, 1, 27)], index=AREAS["zip"])
LINKS = pd.DataFrame([("a", "b", 30), ("b", "c", 20), ("c", "a", 40), ("c", "d", 15)], columns=["npi1", "npi2", "patients_n"])
MEASURES = network.metrics(LINKS, seed=1)[0]
VOLUMES = pd.DataFrame(
    {"series": "S", "year": np.repeat(range(2020, 2024), 4), "quarter": [1, 2, 3, 4] * 4, "volume_n": np.arange(16.0) + 90}
)
TIDY = pd.DataFrame({"measure": "cases", "site": "Lung", "year": 2020, "quarter": [1, 2], "volume_n": [4.0, 5.0]})
FLOWS = pairs_of(*planted())

# One call for each method that returns a frame; `given` is the frame whose columns come back with the others, `names` what <words> stand for.
CASES = {
    access.underserved: {"got": lambda: access.underserved(PLACES), "given": PLACES},
    access.within: {"got": lambda: access.within(PLACES, value="demand", minutes=[30])},
    concentration.lorenz: {"got": lambda: concentration.lorenz([1, 2, 3])},
    concentration.top_shares: {"got": lambda: concentration.top_shares([1, 2, 3])},
    demand.county_projection: {
        "got": lambda: demand.county_projection(
            NOW, PROJECTION, pd.DataFrame({"county_fips": ["1"], "projection_region": ["R"]}), years=[2020, 2025]
        )
    },
    demand.expected_cases: {"got": lambda: demand.expected_cases(PEOPLE, RATES, by=["site", "year"]), "given": BY_YEAR[["site", "year"]]},
    demand.site_trends: {"got": lambda: TRENDS},
    demand.project: {"got": lambda: PROJECTED},
    demand.limits: {"got": lambda: demand.limits(PROJECTED), "given": PROJECTED},
    demand.total: {"got": lambda: demand.total(PROJECTED)},
    demand.decomposition: {"got": lambda: demand.decomposition(NOW, NOW, RATES)},
    demand.terms: {"got": lambda: demand.terms(pd.Series({"Lung": 5.0}), pd.Series({"Lung": 6.0}), growth=1.1, rate_change=1.0)},
    geo.nearest: {"got": lambda: geo.nearest(PLACES, PLACES, key="zip"), "names": {"<key>": "zip"}},
    geo.points: {"got": lambda: geo.points(PLACES), "given": PLACES},
    geo.zip_areas: {"got": lambda: geo.zip_areas(PLACES, gpd.GeoDataFrame(geometry=[box(-89, 40, -87, 42)], crs=4326)), "given": PLACES},
    incidence.reference_rates: {"got": lambda: incidence.reference_rates(BY_AGE, ["Lung"], total=None)},
    incidence.national_series: {"got": lambda: incidence.national_series(AGES_BY_YEAR, STANDARD)},
    incidence.local_level: {"got": lambda: incidence.local_level(COUNTIES, 60.0)},
    network.strength: {"got": lambda: network.strength(LINKS)},
    network.metrics: {"got": lambda: MEASURES},
    network.brokers: {"got": lambda: network.brokers(MEASURES), "given": MEASURES},
    network.central: {"got": lambda: network.central(MEASURES), "given": MEASURES},
    network.projection: {"got": lambda: network.projection(pd.DataFrame({"npi": ["a", "b"], "p": [1, 1]}), of="npi", through="p")},
    quarters.table: {"got": lambda: quarters.table(VOLUMES), "given": pd.DataFrame(columns=["S"])},
    quarters.clean: {"got": lambda: quarters.clean(VOLUMES)},
    quarters.strange: {"got": lambda: quarters.strange(quarters.table(VOLUMES)), "given": pd.DataFrame(columns=["S"])},
    quarters.yearly: {"got": lambda: quarters.yearly(quarters.clean(VOLUMES))},
    quarters.whole: {"got": lambda: quarters.whole(VOLUMES), "given": VOLUMES},
    quarters.tidy: {"got": lambda: quarters.tidy(pd.DataFrame({"site": ["Lung"], "year": [2020], "quarter": [1], "cases_n": [4.0]}))},
    quarters.totals: {"got": lambda: quarters.totals(TIDY, "measure")},
    rates.apc_by: {"got": lambda: rates.apc_by(BY_YEAR, ["site"]), "given": pd.DataFrame(columns=["site"])},
    small_areas.observed_expected: {"got": lambda: small_areas.observed_expected([5, 9], [4.0, 9.0])},
    small_areas.funnel_curve: {"got": lambda: small_areas.funnel_curve([5, 50])},
    spatial.lisa: {"got": lambda: spatial.lisa(VALUES, spatial.contiguity(AREAS, key="zip")), "names": {"<index>": "zip"}},
    spatial.hot_spots: {"got": lambda: spatial.hot_spots(VALUES, spatial.contiguity(AREAS, key="zip")), "names": {"<index>": "zip"}},
    spatial.clusters: {
        "got": lambda: spatial.clusters(VALUES, AREAS, key="zip", name="town", permutations=99, seed=1, fdr=0.5)[1],
        "names": {"<key>": "zip", "<name>": "town"},
    },
}
# Frames inside of a result: which field of which class.
RECORDS = {
    (choice.HuffFit, "terms"): lambda: choice.calibrate_huff(planted()[2], *planted()[:2]),
    (choice.MciFit, "terms"): lambda: choice.mci(planted()[2], *planted()[:2], add=1),
    (choice.TotalsFit, "terms"): lambda: choice.calibrate_huff_totals(planted()[2].sum(axis=0), np.full(60, 800), *planted()[:2]),
    (gravity.GravityFit, "terms"): lambda: gravity.gravity(FLOWS, constraint="production"),
    (gravity.GravityFit, "pairs"): lambda: gravity.gravity(FLOWS, constraint="production"),
    (network.Links, "links"): lambda: network.links(LINKS, known=list("abcd")),
    (network.Links, "dropped"): lambda: network.links(LINKS, known=list("abcd")),
}


def own(module):
    """Public functions and classes that a module defines."""
    return [each for key, each in vars(module).items() if key[0] != "_" and getattr(each, "__module__", "") == module.__name__]


LOADED = [importlib.import_module(f"catchment.stats.{name}") for name in MODULES]
FUNCTIONS = [each for module in LOADED for each in own(module) if inspect.isfunction(each)]


def marked(text):
    return {word for span in re.findall(r"`([^`]+)`", text) for word in span.split(", ")}


def section(docstring, heading):
    found = re.search(rf"^{heading}\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", inspect.cleandoc(docstring), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def label(each):
    return f"{each.__module__.rpartition('.')[2]}.{each.__qualname__}"


@pytest.mark.parametrize("method", CASES, ids=label)
def test_the_columns_that_a_docstring_names_are_those_returned(method):
    case = CASES[method]
    found = case["got"]()
    columns, labels = set(map(str, found.columns)), {str(name) for name in found.index.names if name}
    names = case.get("names", {})
    said = {names.get(word, word) for word in marked(section(method.__doc__, "Returns"))}
    elsewhere = {*inspect.signature(method).parameters, *(each.__name__ for each in own(inspect.getmodule(method)))} - columns
    assert said - elsewhere <= columns | labels, "named, not returned"
    assert columns <= said | set(case.get("given", pd.DataFrame()).columns), "returned, not named"
    assert len(found.columns), "an empty example shows nothing"


@pytest.mark.parametrize(("kind", "field"), RECORDS, ids=lambda each: each if isinstance(each, str) else each.__name__)
def test_the_frames_of_a_result_have_the_columns_that_its_docstring_names(kind, field):
    found = getattr(RECORDS[kind, field](), field)
    assert set(found.columns) <= marked(kind.__doc__) | set(FLOWS.columns) | set(LINKS.columns)


def test_every_method_that_returns_a_frame_is_tried():
    frames = {each for each in FUNCTIONS if "DataFrame" in str(inspect.signature(each).return_annotation)}
    records = {
        (each, name)
        for module in LOADED
        for each in own(module)
        if inspect.isclass(each)
        for name, kind in getattr(each, "__annotations__", {}).items()
        if "DataFrame" in str(kind) and (dataclasses.is_dataclass(each) or issubclass(each, tuple))
    }
    assert frames == set(CASES) and records == set(RECORDS)


@pytest.mark.parametrize("method", FUNCTIONS, ids=label)
def test_a_docstring_is_of_one_dialect(method):
    """Numpydoc sections in their order, types in the signature only, arguments that exist, and what is raised where something is."""
    text = inspect.cleandoc(method.__doc__)
    headings = re.findall(r"^(\w[\w ]*)\n-+$", text, re.MULTILINE)
    order = ["Parameters", "Returns", "Raises", "Notes", "References", "Examples"]
    assert headings == [each for each in order if each in headings], headings
    assert "``" not in text and "Grain:" not in text
    given = re.findall(r"^(\w[\w, ]*)$", section(method.__doc__, "Parameters"), re.MULTILINE)
    assert {name.strip() for line in given for name in line.split(",")} <= set(inspect.signature(method).parameters)
    if re.search(r"^ +raise ValueError", inspect.getsource(method), re.MULTILINE):
        assert "ValueError" in section(method.__doc__, "Raises")
