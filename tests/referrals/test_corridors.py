"""Corridors: every pair counted, totals kept, surprises found, and a flow map of the largest."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from catchment.page import flow_maps
from catchment.referrals import corridors

TOWNS = {f"Town {i}": (41.0 + 0.11 * i, -88.0 + 0.17 * ((i * 3) % 7)) for i in range(12)}
CENTERS = pd.DataFrame(
    {
        "destination": list("ABCDE"),
        "lat": [41.1, 41.5, 41.9, 42.2, 41.3],
        "lon": [-87.9, -87.4, -87.1, -87.6, -87.0],
        "oncologists_fte": [30.0, 12.0, 20.0, 6.0, 9.0],
    }
)


@pytest.fixture(scope="module")
def referrals():
    """Referrals drawn from a Huff model with exponents 1 and -1.5; Town 0 sends far more to center D than it should."""
    rng = np.random.default_rng(4)
    rows = []
    for name, (lat, lon) in TOWNS.items():
        km = np.hypot((CENTERS["lat"] - lat) * 111.2, (CENTERS["lon"] - lon) * 83)
        pull = CENTERS["oncologists_fte"] * np.maximum(km, 1) ** -1.5
        counts = rng.multinomial(400, pull / pull.sum())
        rows += [
            {"city": name, "lat": lat, "lon": lon, "destination": d, "referrals_n": int(n)}
            for d, n in zip(CENTERS["destination"], counts, strict=True)
            if n
        ]
    rows.append({"city": "Town 0", "lat": TOWNS["Town 0"][0], "lon": TOWNS["Town 0"][1], "destination": "D", "referrals_n": 150})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def grid(referrals):
    return corridors.pairs(referrals, CENTERS)


def test_every_pair_is_there_and_adds_up(grid, referrals):
    assert len(grid) == len(TOWNS) * len(CENTERS)
    assert grid["flow_n"].sum() == referrals["referrals_n"].sum()
    assert (grid.drop_duplicates("origin")["mass_o"].sum()) == referrals["referrals_n"].sum()


def test_a_center_that_nobody_used_is_left_out(referrals):
    unused = pd.concat([CENTERS, CENTERS.tail(1).assign(destination="Z")])
    assert "Z" not in set(corridors.pairs(referrals, unused)["destination"])


def test_the_doubly_constrained_model_keeps_both_totals(grid):
    fitted = corridors.expectation(grid).pairs
    for end in ("origin", "destination"):
        sums = fitted.groupby(end)[["flow_n", "expected_n"]].sum()
        assert np.allclose(sums["flow_n"], sums["expected_n"], rtol=1e-4)


def test_the_planted_corridor_is_the_first_surprise(grid):
    odd = corridors.surprises(corridors.expectation(grid))
    assert odd.loc[0, ["origin", "destination", "verdict"]].tolist() == ["Town 0", "D", "over"]
    assert (odd[["referrals_n", "expected_n"]].max(axis=1) >= 11).all()


def test_the_fit_is_said_in_words(grid):
    fit = corridors.expectation(grid[grid["origin"] != "Town 0"])
    said = corridors.fitted(fit)
    slope = fit.terms.set_index("term").loc["distance", "value"]
    # The flows were drawn with a power of -1.5.
    assert fit.decay == "power"
    assert slope == pytest.approx(-1.5, abs=0.15)
    assert f"to the power \N{MINUS SIGN}{-slope:.2f}" in said
    assert f"Explained deviance {fit.d2:.2f}" in said
    assert fit.d2 > 0.8


def test_the_flow_map_draws_the_largest(grid):
    land = gpd.GeoDataFrame({"county": ["x"]}, geometry=[shapely.box(-89, 40, -86, 43)], crs=4326)
    hidden = grid.rename(columns={"flow_n": "referrals_n"}).assign(
        referrals_n=lambda t: t["referrals_n"].astype(float).where(t["referrals_n"] >= 11)
    )
    plot = flow_maps.flows(land, hidden, "referrals_n", ours=["A"], most=10)
    largest = hidden.nlargest(10, "referrals_n")
    assert sorted(plot.tips.values()) == sorted(f"{row.origin} to {row.destination}: {row.referrals_n:.0f}" for row in largest.itertuples())
    nothing = flow_maps.flows(land, hidden.assign(referrals_n=np.nan), "referrals_n")
    assert (nothing.fig, nothing.missing) == (None, "no flow is large enough to be shown")


def test_flows_find_their_places_again(grid):
    named = grid.rename(columns={"flow_n": "referrals_n"})[["origin", "destination", "dist_km", "referrals_n"]]
    found = corridors.located(named.sample(frac=1, random_state=0), grid)
    whole = grid.set_index(["origin", "destination"])
    for row in found.itertuples():
        assert (row.lat_o, row.lon_d) == tuple(whole.loc[(row.origin, row.destination), ["lat_o", "lon_d"]])


def test_too_few_corridors_give_no_model_rather_than_an_error(referrals):
    one = corridors.pairs(referrals[referrals["city"] == "Town 1"], CENTERS)
    # A single town cannot have its total and its centers' totals fixed.
    assert corridors.expectation(one) is None
    assert corridors.surprises(None).empty


def test_a_year_that_the_data_cut_short_is_left_out_of_the_years(referrals):
    quarters = pd.period_range("2022Q2", "2025Q3", freq="Q").to_timestamp()
    rows = pd.concat([referrals.assign(period=quarter) for quarter in quarters])
    towns = pd.DataFrame({"city": ["Town 0", "Town 1"], "destination": "D"})
    years = corridors.yearly(rows, towns, to="D", last=pd.Timestamp("2025-09-30"), most=1)
    assert years["year"].tolist() == [2023, 2024]
    assert set(years["city"]) == {"Town 0"}
    # A last quarter that has only begun is in the table, and the year is not whole.
    more = pd.concat([rows, referrals.assign(period=pd.Timestamp("2025-10-01"))])
    assert corridors.yearly(more, towns, to="D", last=pd.Timestamp("2025-09-30"))["year"].max() == 2024
    assert corridors.yearly(more, towns, to="D", last=pd.Timestamp("2025-12-31"))["year"].max() == 2025


def test_a_center_that_the_table_does_not_hold_is_refused(referrals):
    with pytest.raises(ValueError, match=r"'B' \(12 rows"):
        corridors.pairs(referrals, CENTERS[CENTERS["destination"] != "B"])
