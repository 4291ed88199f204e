"""The simulated volumes: the same bytes each time, in agreement with the demo's shared facts, holding what was planted."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DEMO = Path(__file__).parents[2] / "data" / "demo"
sys.path.insert(0, str(DEMO))

from simulation import volumes, world  # noqa: E402


@pytest.fixture(scope="module")
def table():
    return pd.concat([pd.read_csv(DEMO / "volumes" / f"volumes_{partner}.csv") for partner in world.PARTNERS])


def test_anyone_gets_the_same_bytes(tmp_path):
    volumes.write(tmp_path)
    for partner in world.PARTNERS:
        assert (tmp_path / "volumes" / f"volumes_{partner}.csv").read_bytes() == (DEMO / "volumes" / f"volumes_{partner}.csv").read_bytes()


def test_cases_agree_with_the_shared_totals_and_site_mix(table):
    for partner, years in world.ANALYTIC_CASES.items():
        own = table[table["partner"].eq(partner)]
        assert own.groupby("year")["cases_n"].sum().to_dict() == years
        sites = own[own["year"].eq(2025)].groupby("site")["cases_n"].sum()
        for site, share in world.SITE_MIX.items():
            assert abs(sites[site] - years[2025] * share) < 1


def test_patients_by_modality_are_part_of_the_cases(table):
    for column in ("medical_patients_n", "radiation_patients_n", "surgical_patients_n"):
        assert (table[column] <= table["cases_n"]).all()
    assert (table["surgeries_n"] >= table["surgical_patients_n"]).all()


def test_every_quarter_is_there_once(table):
    keys = table[["partner", "year", "quarter", "site"]]
    assert not keys.duplicated().any() and len(table) == 4 * 20 * len(world.SITE_MIX)


def test_what_was_planted_is_there(table):
    years = table.groupby(["partner", "year"])[list(volumes.MEASURES)].sum()
    quarters = table.groupby(["partner", "year", "quarter"])[list(volumes.MEASURES)].sum(min_count=1)
    assert (years.loc["riverbend"][list(volumes.TRUTH["riverbend"]["zero"])] == 0).all(axis=None)
    yearly = np.log(years.loc["northpoint"].loc[2025, "infusion_visits_n"] / years.loc["northpoint"].loc[2021, "infusion_visits_n"]) / 4
    assert yearly == pytest.approx(volumes.TRUTH["northpoint"]["yearly_change"], abs=0.015)
    fractions = np.log(years.loc["dunes"].loc[2025, "fractions_n"] / years.loc["dunes"].loc[2021, "fractions_n"]) / 4
    assert fractions == pytest.approx(volumes.TRUTH["dunes"]["yearly_change"], abs=0.02)
    measure, year, quarter = volumes.TRUTH["tallgrass"]["missing"]
    assert np.isnan(quarters.loc[("tallgrass", year, quarter), measure]) and quarters[measure].isna().sum() == 1
    visits = years.loc["tallgrass"]["infusion_visits_n"]
    assert visits.max() / visits.min() < 1.03
