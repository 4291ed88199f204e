"""Gravity models against regressions written out, PySAL spint, totals that must hold, and pairs that are refused."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from flows import pairs_of, planted

from catchment.stats import gravity


@pytest.fixture(scope="module")
def world():
    return planted()


def crowded(decay):
    """Overdispersed flows between places of which some lie within a kilometer, falling by the given decay."""
    random = np.random.default_rng(3)
    mass, km = random.uniform(5, 60, 10), np.maximum(random.uniform(0.2, 120, (40, 10)), 0.2)
    km[random.random(km.shape) < 0.05] = 0.3
    fall = np.exp(-0.04 * km) if decay == "exponential" else np.maximum(km, 1) ** -1.2
    mean = 3 * mass[None] ** 0.6 * fall
    return pairs_of(mass, km, random.poisson(mean * random.gamma(1.2, 1 / 1.2, mean.shape))).assign(
        mass_o=1.0 + np.repeat(np.arange(40), 10) % 3
    )


@pytest.mark.parametrize(
    ("constraint", "rows", "columns"), [("production", True, False), ("attraction", False, True), ("doubly", True, True)]
)
def test_constrained_models_reproduce_their_totals(world, constraint, rows, columns):
    fit = gravity.gravity(pairs_of(*world), constraint=constraint)
    by_row, by_column = (fit.pairs.groupby(side)[["flow_n", "expected_n"]].sum() for side in ("origin", "destination"))
    assert np.allclose(by_row["flow_n"], by_row["expected_n"], rtol=1e-4) == rows
    assert np.allclose(by_column["flow_n"], by_column["expected_n"], rtol=1e-4) == columns
    # Without the destinations' totals or their competition the exponent is another quantity.
    assert constraint == "attraction" or fit.terms.set_index("term").loc["distance", "value"] == pytest.approx(-1.6, abs=0.1)


def test_overdispersed_flows_switch_to_negative_binomial(world):
    mass, km, _ = world
    random = np.random.default_rng(1)
    mean = np.exp(-2) * mass[None] ** 0.8 * np.maximum(km, 1) ** -1.2 * 40
    calm = gravity.gravity(pairs_of(mass, km, random.poisson(mean)).assign(mass_o=1.0 + np.repeat(np.arange(60), 12) % 5))
    wild = gravity.gravity(
        pairs_of(mass, km, random.poisson(mean * random.gamma(1.5, 1 / 1.5, mean.shape))).assign(
            mass_o=1.0 + np.repeat(np.arange(60), 12) % 5
        )
    )
    assert (calm.family, wild.family) == ("Poisson", "negative binomial") and wild.dispersion > 1.5 > calm.dispersion
    assert wild.terms["se"].to_numpy()[1] > calm.terms["se"].to_numpy()[1]


def test_fit_statistics_of_a_perfect_and_an_empty_model():
    flow = np.array([5.0, 0.0, 20.0, 40.0])
    d2, pseudo, srmse, sorensen = gravity._fit_statistics(flow, flow)
    assert (d2, srmse, sorensen) == (pytest.approx(1), 0, 1) and pseudo > 0
    d2, pseudo, _, sorensen = gravity._fit_statistics(flow, np.full(4, flow.mean()))
    assert d2 == pytest.approx(0) and pseudo == pytest.approx(0) and sorensen < 1


def test_missing_columns_and_masses_are_named(world):
    pairs = pairs_of(*world)
    with pytest.raises(ValueError, match="mass_d"):
        gravity.gravity(pairs.drop(columns="mass_d"))
    with pytest.raises(ValueError, match="positive"):
        gravity.gravity(pairs.assign(mass_d=0.0))
    assert gravity.gravity(pairs.drop(columns=["mass_o", "mass_d"]), constraint="doubly").d2 > 0.9


def test_a_pair_beyond_chance_is_flagged(world):
    mass, km, flows = world
    pushed = flows.copy()
    pushed[5, 2] += 400
    found = gravity.gravity(pairs_of(mass, km, pushed), constraint="production").pairs
    worst = found.loc[found["residual"].idxmax()]
    assert (worst["origin"], worst["destination"], worst["over"]) == ("o005", "d002", "over")


@pytest.mark.parametrize("decay", ["power", "exponential"])
def test_the_decay_that_made_the_flows_is_chosen(decay):
    assert gravity.decay_of(crowded(decay)) == decay


def test_a_power_of_short_distances_explodes_under_the_negative_binomial():
    flows = crowded("exponential")
    power, exponential = (gravity.gravity(flows, decay=decay) for decay in ("power", "exponential"))
    assert power.family == exponential.family == "negative binomial"
    assert power.srmse > 1.5 * exponential.srmse
    assert exponential.d2 > power.d2 + 0.2


def test_gravity_equals_a_regression_with_indicators_written_out(world):
    """Every constraint against statsmodels' Poisson regression on a dense design."""
    pairs = pairs_of(*world).sort_values(["origin", "destination"], ignore_index=True)
    pairs["mass_o"] += 7 * (pairs.index // 12)
    origins, destinations = (pd.get_dummies(pairs[end], dtype=float) for end in ("origin", "destination"))
    slopes = {name: np.log(pairs[name].to_numpy()) for name in ("mass_o", "mass_d")} | {"distance": np.log(np.maximum(pairs["dist_km"], 1))}
    constants = {
        "none": np.ones((len(pairs), 1)),
        "production": origins.to_numpy(),
        "attraction": destinations.to_numpy(),
        "doubly": np.column_stack([origins, destinations.iloc[:, 1:]]),
    }
    for constraint, fixed in constants.items():
        names = [*(["constant"] if constraint == "none" else []), *gravity.MASSES[constraint], "distance"]
        design = np.column_stack([fixed, *(slopes[name] for name in names if name != "constant")])
        peer = sm.GLM(pairs["flow_n"].to_numpy(float), design, family=sm.families.Poisson()).fit(tol=1e-12)
        own = gravity.gravity(pairs, constraint=constraint, switch=np.inf)
        assert own.terms["term"].tolist() == names
        assert own.terms["value"].to_numpy() == pytest.approx(peer.params[-len(names) :], rel=1e-5)
        assert own.terms["se"].to_numpy() == pytest.approx(peer.bse[-len(names) :], rel=1e-4)
        assert own.pairs["expected_n"].to_numpy() == pytest.approx(peer.fittedvalues, rel=1e-5)
        assert own.d2 == pytest.approx(1 - peer.deviance / peer.null_deviance)
        assert own.pseudo_r2 == pytest.approx(1 - peer.llf / peer.llnull)
        assert own.dispersion == pytest.approx(peer.pearson_chi2 / peer.df_resid, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flow_n": -1}, "whole numbers"),
        ({"flow_n": 1.5}, "whole numbers"),
        ({"flow_n": 0}, "not all zero"),
        ({"flow_n": np.nan}, "must be known"),
        ({"dist_km": np.nan}, "must be known"),
        ({"dist_km": -3.0}, "dist_km must not be negative"),
        ({"destination": "one"}, "one row per origin and destination"),
    ],
)
def test_pairs_that_no_gravity_model_can_be_made_of_are_refused(world, change, said):
    with pytest.raises(ValueError, match=said):
        gravity.gravity(pairs_of(*world).assign(**change), constraint="production")


def test_too_few_pairs_and_unknown_models_are_refused(world):
    pairs = pairs_of(*world)
    square = pairs[pairs["origin"].isin(pairs["origin"].unique()[:2]) & pairs["destination"].isin(pairs["destination"].unique()[:2])]
    assert not gravity.identified(square, "doubly")
    with pytest.raises(ValueError, match="4 pairs are too few for a gravity model of 4 terms"):
        gravity.gravity(square, constraint="doubly")
    level = gravity.gravity(pairs.assign(dist_km=10.0), constraint="production")
    assert level.terms.set_index("term").loc["distance"].isna().all()
    assert level.terms.set_index("term").loc["mass_d"].notna().all()
    assert level.pairs.groupby("origin")["expected_n"].sum().to_numpy() == pytest.approx([800] * 60, rel=1e-3)
    assert not gravity.identified(pairs.assign(dist_km=10.0), "production")
    with pytest.raises(ValueError, match="constraint is one of none, production, attraction, doubly"):
        gravity.gravity(pairs, constraint="both")
    with pytest.raises(ValueError, match="decay is one of power, exponential, not 'pow'"):
        gravity.gravity(pairs, decay="pow")


def test_the_constant_is_the_logarithm_of_the_level_also_when_flows_scatter():
    """Flows of exp(-2) times masses and distance: the constant is -2, under Poisson and as negative binomial."""
    random = np.random.default_rng(11)
    mass, km = random.uniform(20, 90, (30, 1)), random.uniform(2, 60, (30, 8))
    draw = random.uniform(30, 300, 8)
    mean = np.exp(-2) * mass * draw[None] * km**-1.2
    for flows, family in (
        (random.poisson(mean), "Poisson"),
        (random.poisson(mean * random.gamma(3, 1 / 3, mean.shape)), "negative binomial"),
    ):
        pairs = pairs_of(draw, km, flows).assign(mass_o=np.repeat(mass.ravel(), 8))
        fit = gravity.gravity(pairs)
        terms = fit.terms.set_index("term")
        assert fit.family == family and terms.index.tolist() == ["constant", "mass_o", "mass_d", "distance"]
        assert terms.loc["constant", "low"] < -2 < terms.loc["constant", "high"]
        design = sm.add_constant(np.log(pairs[["mass_o", "mass_d", "dist_km"]].to_numpy()))
        if family == "Poisson":
            peer = sm.GLM(flows.ravel(), design, family=sm.families.Poisson()).fit()
            assert terms["value"].to_numpy() == pytest.approx(peer.params, rel=1e-5)
        assert fit.srmse == pytest.approx(np.sqrt(((flows.ravel() - fit.pairs["expected_n"]) ** 2).mean()) / flows.mean())
