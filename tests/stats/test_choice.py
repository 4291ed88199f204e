"""Huff, MCI and gravity: Huff's own example, recovery of known exponents, a slow likelihood, PySAL spint, coverage."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from flows import pairs_of, planted
from scipy import optimize
from spint.gravity import Production

from catchment.stats import choice, gravity


@pytest.fixture(scope="module")
def world():
    return planted()


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
    for terms in (choice.calibrate_huff(flows, mass, km).terms, choice.mci(flows, mass, km, add=0.5).terms):
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
    reference = gravity.gravity(pairs_of(mass, km, flows), constraint="doubly").terms
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
    fit = choice.mci(exact, mass, km)
    assert np.allclose(fit.terms["value"], [1.2, -2.2]) and fit.r2 == pytest.approx(1) and fit.cells_n == flows.size
    assert np.allclose(fit.share, choice.huff(mass, km, gamma=1.2, lambda_=-2.2))
    assert not np.allclose(choice.mci(flows, mass, km).terms["value"], choice.mci(flows, mass, km, add=1).terms["value"])


def test_mci_of_several_attributes_is_a_regression_with_origin_means(world):
    """Two sizes and a yes or no, against statsmodels with an indicator for each origin."""
    _, km, _ = world
    random = np.random.default_rng(5)
    beds, doctors, academic = random.uniform(50, 600, 12), random.uniform(2, 40, 12), np.arange(12) % 4 == 0
    pull = beds**0.5 * doctors**0.8 * np.exp(0.7 * academic) * np.maximum(km, 1) ** -1.5
    flows = random.poisson(2000 * pull / pull.sum(axis=1, keepdims=True))
    fit = choice.mci(flows, {"beds": beds, "doctors": doctors}, km, plain={"academic": academic})
    rows = flows.ravel() > 0
    columns = [np.tile(np.log(beds), 60), np.tile(np.log(doctors), 60), np.tile(academic, 60), np.log(np.maximum(km, 1)).ravel()]
    design = np.column_stack([np.kron(np.eye(60), np.ones((12, 1))), *columns])[rows]
    peer = sm.OLS(np.log(flows.ravel()[rows]), design).fit()
    assert fit.terms["term"].tolist() == ["beds", "doctors", "academic", "distance"]
    for name, theirs in (("value", peer.params), ("se", peer.bse)):
        assert fit.terms[name].to_numpy() == pytest.approx(theirs[-4:], rel=1e-6)
    assert fit.terms[["low", "high"]].to_numpy() == pytest.approx(peer.conf_int()[-4:], rel=1e-6)
    assert fit.terms["value"].tolist() == pytest.approx([0.5, 0.8, 0.7, -1.5], abs=0.1)
    assert np.allclose(fit.share.sum(axis=1), 1) and np.corrcoef(fit.share.ravel(), flows.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("attributes", "plain", "said"),
    [
        ({"beds": [0] + [9] * 11}, None, "beds must be positive: leave out"),
        ({"beds": [np.nan] + [9] * 11}, None, "beds must be known"),
        ({"beds": np.arange(1, 13), "rooms": np.arange(1, 13) * 2}, None, "vary apart from each other"),
        (np.arange(1, 13), {"academic": [1] * 12}, "vary apart from each other"),
    ],
)
def test_attributes_that_no_exponent_can_be_told_of_are_refused(world, attributes, plain, said):
    with pytest.raises(ValueError, match=said):
        choice.mci(world[2], attributes, world[1], plain=plain, add=1)


def test_exponents_are_found_from_totals_alone(world):
    mass, km, _ = world
    people = np.random.default_rng(2).uniform(200, 4000, 60)
    exact = people @ choice.huff(mass, km, gamma=0.9, lambda_=-1.6)
    fit = choice.calibrate_huff_totals(exact, people, mass, km)
    assert fit.terms["term"].tolist() == ["attraction", "distance"]
    assert fit.terms["value"].tolist() == pytest.approx([0.9, -1.6], abs=1e-5)
    assert fit.expected_n == pytest.approx(exact, rel=1e-5) and fit.r2 == pytest.approx(1) and fit.srmse == pytest.approx(0, abs=1e-5)


def test_totals_are_fitted_as_a_slow_search_does(world):
    mass, km, flows = world
    totals, people = flows.sum(axis=0) * np.random.default_rng(4).uniform(0.8, 1.2, 12), np.full(60, 800.0)

    def loss(theta):
        expected = people @ choice.huff(mass, km, gamma=theta[0], lambda_=min(theta[1], 0)) / people.sum() * totals.sum()
        return ((expected - totals) ** 2).sum()

    slow = optimize.minimize(loss, [1, -1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000})
    fit = choice.calibrate_huff_totals(totals, people, mass, km)
    assert fit.terms["value"].to_numpy() == pytest.approx(slow.x, abs=1e-4)
    assert fit.r2 == pytest.approx(1 - slow.fun / ((totals - totals.mean()) ** 2).sum())
    assert fit.srmse == pytest.approx(np.sqrt(slow.fun / 12) / totals.mean())
    assert (fit.terms["low"] < [0.9, -1.6]).all() and (fit.terms["high"] > [0.9, -1.6]).all()
    given_size = choice.calibrate_huff_totals(totals, people, mass, km, gamma=0.9)
    assert given_size.terms["term"].tolist() == ["distance"] and given_size.terms["value"].item() < 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_n": [5, 5], "attraction": [1, 2], "dist_km": np.ones((2, 2))}, "2 sites cannot tell 2 exponents"),
        ({"attraction": [1, 2, 0]}, "attraction must be positive"),
        ({"total_n": [5, np.nan, 4]}, "total_n must be known"),
        ({"dist_km": np.ones((3, 2))}, "a row per origin and a column per site"),
        ({"attraction": [7, 7, 7], "dist_km": np.full((2, 3), 4.0)}, "too alike"),
        ({"total_n": pd.Series([5, 6, 7]), "attraction": pd.Series([1, 2, 3], index=list("abc"))}, "different labels"),
    ],
)
def test_totals_that_tell_no_exponents_are_refused(change, said):
    sites = {"total_n": [5, 6, 7], "origin_n": [10, 20], "attraction": [1, 2, 3], "dist_km": [[1, 5, 9], [7, 3, 2]]} | change
    with pytest.raises(ValueError, match=said):
        choice.calibrate_huff_totals(**sites)


def test_what_is_not_known_is_refused_and_not_taken_for_none(world):
    mass, km, flows = world
    hole = flows.astype(float)
    hole[3, 2] = np.nan
    with pytest.raises(ValueError, match="flow_n must be known: 1 of 720"):
        choice.calibrate_huff(hole, mass, km)
    assert choice.calibrate_huff(hole, mass, km, suppressed=np.isnan(hole)).lambda_ == pytest.approx(-1.6, abs=0.1)
    unknown = np.where(np.arange(12) == 4, np.nan, mass)
    for call in (lambda: choice.huff(unknown, km), lambda: choice.calibrate_huff(flows, unknown, km)):
        with pytest.raises(ValueError, match="attraction must be known"):
            call()
    with pytest.raises(ValueError, match="a row per origin"):
        choice.calibrate_huff(flows[:, :5], mass, km)


def test_a_hospital_without_attraction_gets_no_share(world):
    mass, km, flows = world
    mass = mass.copy()
    mass[3] = 0
    fit = choice.calibrate_huff(flows, mass, km)
    assert (fit.share[:, 3] == 0).all() and np.allclose(fit.share.sum(axis=1), 1)


@pytest.mark.slow
def test_huff_intervals_cover(world):
    mass, km, _ = world
    random, share, hits = np.random.default_rng(2), choice.huff(world[0], world[1], gamma=0.9, lambda_=-1.6), []
    for _ in range(300):
        fit = choice.calibrate_huff(np.array([random.multinomial(300, row) for row in share]), mass, km).terms
        hits.append(((fit["low"] <= [0.9, -1.6]) & (fit["high"] >= [0.9, -1.6])).to_numpy())
    assert (np.mean(hits, axis=0) >= 0.92).all() and (np.mean(hits, axis=0) <= 0.985).all()


def test_the_errors_of_mci_are_those_of_a_regression_with_origin_means(world):
    mass, km, flows = world
    rows = pairs_of(mass, km, flows)
    design = np.column_stack(
        [pd.get_dummies(rows["origin"], dtype=float), np.log(rows["mass_d"]), np.log(np.maximum(rows["dist_km"], 1))]
    ).astype(float)
    peer = sm.OLS(np.log(rows["flow_n"] + 0.5), design).fit()
    own = choice.mci(flows, mass, km, add=0.5).terms
    assert own["value"].to_numpy() == pytest.approx(peer.params[-2:], rel=1e-6)
    assert own["se"].to_numpy() == pytest.approx(peer.bse[-2:], rel=1e-6)
    assert own[["low", "high"]].to_numpy() == pytest.approx(peer.conf_int()[-2:], rel=1e-6)


def test_a_market_of_one_destination_has_its_whole_share_and_no_exponents():
    fit = choice.calibrate_huff([[5, 0], [7, 0]], [100, 50], [[3, 9], [4, 2]], own_pull=True, wide=[False, True])
    assert fit.share.tolist() == [[1, 0], [1, 0]] and fit.terms["value"].isna().all() and "no choice" in fit.note
    assert fit.terms["term"].tolist() == ["distance", "distance, wide"]


def test_mci_needs_shares():
    with pytest.raises(ValueError, match="MCI needs shares above zero"):
        choice.mci(np.eye(3), [1, 2, 3], np.ones((3, 3)))
