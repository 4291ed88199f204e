"""Huff, MCI and gravity: Huff's own example, recovery of known exponents, a slow likelihood, PySAL spint, coverage."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize
from spint.gravity import Production

from catchment.stats import choice


@pytest.fixture
def world():
    random = np.random.default_rng(8)
    mass, km = random.uniform(50, 600, 12), random.uniform(0.2, 60, (60, 12))
    share = choice.huff(mass, km, gamma=0.9, lambda_=-1.6)
    flows = np.array([random.multinomial(800, row) for row in share])
    return mass, km, flows


def pairs_of(mass, km, flows):
    i, j = np.indices(flows.shape)
    return pd.DataFrame(
        {
            "origin": [f"o{v:03}" for v in i.ravel()],
            "destination": [f"d{v:03}" for v in j.ravel()],
            "flow_n": flows.ravel(),
            "dist_km": km.ravel(),
            "mass_o": flows.sum(axis=1)[i.ravel()],
            "mass_d": mass[j.ravel()],
        }
    )


def test_huff_by_hand():
    # Two stores of 100 and 400 units at 2 and 4: with lambda -2 both pull 25, even odds (Huff 1964's ratio form).
    assert choice.huff([100, 400], [[2, 4]]).tolist() == [[0.5, 0.5]]
    assert choice.huff([300, 100], [[3, 3]], lambda_=0).tolist() == [[0.75, 0.25]]


def test_huff_guards_against_wrong_signs_and_zeros():
    with pytest.raises(ValueError, match="must not be positive"):
        choice.huff([1], [[1]], lambda_=2)
    with pytest.raises(ValueError, match="negative"):
        choice.huff([1], [[-1]])
    assert choice.huff([5, 0], [[0, 1]]).tolist() == [[1, 0]]
    assert np.isnan(choice.huff([0, 0], [[1, 1]])).all()
    assert np.isfinite(choice.huff([5, 5], [[0, 0.1]])).all()


def test_maximum_likelihood_equals_a_slow_search_and_spint(world):
    mass, km, flows = world
    fit = choice.calibrate_huff(flows, mass, km)

    def loss(theta):
        return -(flows * np.log(choice.huff(mass, km, gamma=theta[0], lambda_=min(theta[1], 0)))).sum()

    slow = optimize.minimize(loss, [1, -1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8, "maxiter": 4000})
    assert np.allclose([fit.gamma, fit.lambda_], slow.x, atol=1e-5)
    assert fit.log_likelihood == pytest.approx(-slow.fun)
    i, j = np.indices(flows.shape)
    reference = Production(flows.ravel(), i.ravel().astype(str), mass[j.ravel()], np.maximum(km, 1).ravel(), "pow")
    assert np.allclose([fit.gamma, fit.lambda_], reference.params[-2:], atol=1e-6)
    assert np.allclose(fit.terms["se"] / np.sqrt(max(fit.dispersion, 1)), reference.std_err[-2:], rtol=1e-3)


def test_known_exponents_are_found(world):
    mass, km, flows = world
    for terms in (choice.calibrate_huff(flows, mass, km).terms, choice.mci(flows, mass, km, add=0.5)):
        found = terms.set_index("term")["value"]
        assert found["attraction"] == pytest.approx(0.9, abs=0.12) and found["distance"] == pytest.approx(-1.6, abs=0.12)


def test_suppressed_cells_do_not_bias_the_exponents(world):
    mass, km, flows = world
    hidden = (flows >= 1) & (flows <= 10)
    assert hidden.mean() > 0.15
    honest = choice.calibrate_huff(flows, mass, km, suppressed=hidden)
    as_zero = choice.calibrate_huff(np.where(hidden, 0, flows), mass, km)
    assert abs(honest.lambda_ + 1.6) < 0.05 < abs(as_zero.lambda_ + 1.6)
    assert honest.imputed_n == pytest.approx(flows[hidden].sum(), rel=0.15)


def test_own_pulls_reproduce_every_total_and_equal_the_doubly_constrained_model(world):
    mass, km, flows = world
    fit = choice.calibrate_huff(flows, mass, km, own_pull=True)
    assert np.allclose((fit.share * flows.sum(axis=1, keepdims=True)).sum(axis=0), flows.sum(axis=0))
    reference = choice.gravity(pairs_of(mass, km, flows), constraint="doubly").terms
    assert fit.lambda_ == pytest.approx(reference["value"].iloc[-1], abs=1e-5)
    assert np.corrcoef(fit.pull, np.log(mass))[0, 1] > 0.99


def test_academic_centers_may_draw_from_farther(world):
    mass, km, _ = world
    wide = np.arange(12) < 3
    utility = np.log(mass) + np.where(wide, -1.0, -2.5) * np.log(np.maximum(km, 1))
    flows = np.array(
        [
            np.random.default_rng(i).multinomial(2000, row)
            for i, row in enumerate(np.exp(utility) / np.exp(utility).sum(axis=1, keepdims=True))
        ]
    )
    found = choice.calibrate_huff(flows, mass, km, own_pull=True, wide=wide).terms.set_index("term")["value"]
    assert found["distance"] == pytest.approx(-2.5, abs=0.05) and found["distance, wide"] == pytest.approx(1.5, abs=0.06)


def test_mci_leaves_out_zero_shares_unless_a_constant_is_stated(world):
    mass, km, flows = world
    exact = choice.huff(mass, km, gamma=1.2, lambda_=-2.2) * 1e6
    assert np.allclose(choice.mci(exact, mass, km)["value"], [1.2, -2.2])
    assert not np.allclose(choice.mci(flows, mass, km)["value"], choice.mci(flows, mass, km, add=1)["value"])


def test_a_hospital_without_attraction_gets_no_share(world):
    mass, km, flows = world
    mass = mass.copy()
    mass[3] = 0
    fit = choice.calibrate_huff(flows, mass, km)
    assert (fit.share[:, 3] == 0).all() and np.allclose(fit.share.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("constraint", "rows", "columns"), [("production", True, False), ("attraction", False, True), ("doubly", True, True)]
)
def test_constrained_models_reproduce_their_totals(world, constraint, rows, columns):
    fit = choice.gravity(pairs_of(*world), constraint=constraint)
    by_row, by_column = (fit.pairs.groupby(side)[["flow_n", "expected_n"]].sum() for side in ("origin", "destination"))
    assert np.allclose(by_row["flow_n"], by_row["expected_n"], rtol=1e-4) == rows
    assert np.allclose(by_column["flow_n"], by_column["expected_n"], rtol=1e-4) == columns
    # Without the destinations' totals or their competition the exponent is another quantity.
    assert constraint == "attraction" or fit.terms.set_index("term").loc["distance", "value"] == pytest.approx(-1.6, abs=0.1)


def test_overdispersed_flows_switch_to_negative_binomial(world):
    mass, km, _ = world
    random = np.random.default_rng(1)
    mean = np.exp(-2) * mass[None] ** 0.8 * np.maximum(km, 1) ** -1.2 * 40
    calm = choice.gravity(pairs_of(mass, km, random.poisson(mean)).assign(mass_o=1.0 + np.repeat(np.arange(60), 12) % 5))
    wild = choice.gravity(
        pairs_of(mass, km, random.poisson(mean * random.gamma(1.5, 1 / 1.5, mean.shape))).assign(
            mass_o=1.0 + np.repeat(np.arange(60), 12) % 5
        )
    )
    assert (calm.family, wild.family) == ("Poisson", "negative binomial") and wild.dispersion > 1.5 > calm.dispersion
    assert wild.terms["se"].to_numpy()[1] > calm.terms["se"].to_numpy()[1]


def test_fit_statistics_of_a_perfect_and_an_empty_model():
    flow = np.array([5.0, 0.0, 20.0, 40.0])
    d2, pseudo, srmse, sorensen = choice._fit_statistics(flow, flow)
    assert (d2, srmse, sorensen) == (pytest.approx(1), 0, 1) and pseudo > 0
    d2, pseudo, _, sorensen = choice._fit_statistics(flow, np.full(4, flow.mean()))
    assert d2 == pytest.approx(0) and pseudo == pytest.approx(0) and sorensen < 1


def test_missing_columns_and_masses_are_named(world):
    pairs = pairs_of(*world)
    with pytest.raises(ValueError, match="mass_d"):
        choice.gravity(pairs.drop(columns="mass_d"))
    with pytest.raises(ValueError, match="positive"):
        choice.gravity(pairs.assign(mass_d=0.0))
    assert choice.gravity(pairs.drop(columns=["mass_o", "mass_d"]), constraint="doubly").d2 > 0.9


def test_a_pair_beyond_chance_is_flagged(world):
    mass, km, flows = world
    pushed = flows.copy()
    pushed[5, 2] += 400
    found = choice.gravity(pairs_of(mass, km, pushed), constraint="production").pairs
    worst = found.loc[found["residual"].idxmax()]
    assert (worst["origin"], worst["destination"], worst["over"]) == ("o005", "d002", "over")


@pytest.mark.slow
def test_huff_intervals_cover(world):
    mass, km, _ = world
    random, share, hits = np.random.default_rng(2), choice.huff(world[0], world[1], gamma=0.9, lambda_=-1.6), []
    for _ in range(300):
        fit = choice.calibrate_huff(np.array([random.multinomial(300, row) for row in share]), mass, km).terms
        hits.append(((fit["low"] <= [0.9, -1.6]) & (fit["high"] >= [0.9, -1.6])).to_numpy())
    assert (np.mean(hits, axis=0) >= 0.92).all() and (np.mean(hits, axis=0) <= 0.985).all()


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


@pytest.mark.parametrize("decay", ["power", "exponential"])
def test_the_decay_that_made_the_flows_is_chosen(decay):
    assert choice.decay_of(crowded(decay)) == decay


def test_a_power_of_short_distances_explodes_under_the_negative_binomial():
    flows = crowded("exponential")
    power, exponential = (choice.gravity(flows, decay=decay) for decay in ("power", "exponential"))
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
        names = [*choice.MASSES[constraint], "distance"]
        design = np.column_stack([fixed, *(slopes[name] for name in names)])
        peer = sm.GLM(pairs["flow_n"].to_numpy(float), design, family=sm.families.Poisson()).fit(tol=1e-12)
        own = choice.gravity(pairs, constraint=constraint, switch=np.inf)
        assert own.terms["term"].tolist() == names
        assert own.terms["value"].to_numpy() == pytest.approx(peer.params[-len(names) :], rel=1e-5)
        assert own.terms["se"].to_numpy() == pytest.approx(peer.bse[-len(names) :], rel=1e-4)
        assert own.pairs["expected_n"].to_numpy() == pytest.approx(peer.fittedvalues, rel=1e-5)
        assert own.d2 == pytest.approx(1 - peer.deviance / peer.null_deviance)
        assert own.pseudo_r2 == pytest.approx(1 - peer.llf / peer.llnull)
        assert own.dispersion == pytest.approx(peer.pearson_chi2 / peer.df_resid, rel=1e-6)


def test_the_errors_of_mci_are_those_of_a_regression_with_origin_means(world):
    mass, km, flows = world
    rows = pairs_of(mass, km, flows)
    design = np.column_stack(
        [pd.get_dummies(rows["origin"], dtype=float), np.log(rows["mass_d"]), np.log(np.maximum(rows["dist_km"], 1))]
    ).astype(float)
    peer = sm.OLS(np.log(rows["flow_n"] + 0.5), design).fit()
    own = choice.mci(flows, mass, km, add=0.5)
    assert own["value"].to_numpy() == pytest.approx(peer.params[-2:], rel=1e-6)
    assert own["se"].to_numpy() == pytest.approx(peer.bse[-2:], rel=1e-6)
    assert own[["low", "high"]].to_numpy() == pytest.approx(peer.conf_int()[-2:], rel=1e-6)


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
        choice.gravity(pairs_of(*world).assign(**change), constraint="production")


def test_too_few_pairs_and_unknown_models_are_refused(world):
    pairs = pairs_of(*world)
    square = pairs[pairs["origin"].isin(pairs["origin"].unique()[:2]) & pairs["destination"].isin(pairs["destination"].unique()[:2])]
    assert not choice.identified(square, "doubly")
    with pytest.raises(ValueError, match="4 pairs are too few for a gravity model of 4 terms"):
        choice.gravity(square, constraint="doubly")
    level = choice.gravity(pairs.assign(dist_km=10.0), constraint="production")
    assert level.terms.set_index("term").loc["distance"].isna().all()
    assert level.terms.set_index("term").loc["mass_d"].notna().all()
    assert level.pairs.groupby("origin")["expected_n"].sum().to_numpy() == pytest.approx([800] * 60, rel=1e-3)
    assert not choice.identified(pairs.assign(dist_km=10.0), "production")
    with pytest.raises(ValueError, match="constraint is one of none, production, attraction, doubly"):
        choice.gravity(pairs, constraint="both")
    with pytest.raises(ValueError, match="power or exponential"):
        choice.gravity(pairs, decay="pow")
    with pytest.raises(ValueError, match="MCI needs shares above zero"):
        choice.mci(np.eye(3), [1, 2, 3], np.ones((3, 3)))


def test_a_market_of_one_destination_has_its_whole_share_and_no_exponents():
    fit = choice.calibrate_huff([[5, 0], [7, 0]], [100, 50], [[3, 9], [4, 2]], own_pull=True, wide=[False, True])
    assert fit.share.tolist() == [[1, 0], [1, 0]] and fit.terms["value"].isna().all() and "no choice" in fit.note
    assert fit.terms["term"].tolist() == ["distance", "distance, wide"]
