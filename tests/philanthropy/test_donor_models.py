"""BG/BB, BG/NBD and gamma-gamma against published worked examples, brute force and simulated donors."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from catchment.philanthropy import donor_models, giving

# Fader, Hardie and Shang 2010, table 2: the 1995 cohort of 11,104 donors of a public radio station, six yearly
# opportunities 1996-2001: frequency, recency, donors.
COHORT_1995 = np.array([
    (6, 6, 1203), (5, 6, 728), (4, 6, 512), (3, 6, 357), (2, 6, 234), (1, 6, 129), (5, 5, 335), (4, 5, 284), (3, 5, 225), (2, 5, 173), (1, 5, 119),
    (4, 4, 240), (3, 4, 181), (2, 4, 155), (1, 4, 78), (3, 3, 322), (2, 3, 255), (1, 3, 129), (2, 2, 613), (1, 2, 277), (1, 1, 1091), (0, 0, 3464),
])  # fmt: skip
X, T, DONORS = COHORT_1995.T
PUBLISHED = (1.204, 0.750, 0.657, 2.783)
# The same paper: expected gifts 2002-2006 by frequency and recency.
EXPECTED = [
    3.75,
    3.23,
    2.71,
    2.19,
    1.67,
    1.15,
    1.81,
    2.03,
    1.80,
    1.44,
    1.02,
    0.58,
    1.03,
    1.06,
    0.84,
    0.22,
    0.54,
    0.59,
    0.12,
    0.31,
    0.09,
    0.07,
]


def beta_nodes(a, b, n=40):
    """Nodes and weights that integrate a function of p over a beta distribution."""
    node, weight = special.roots_jacobi(n, b - 1, a - 1)
    return (node + 1) / 2, weight / weight.sum()


class TestBGBB:
    def test_likelihood_of_fader_hardie_shang_2010(self):
        assert donor_models.bgbb_log_likelihood(PUBLISHED, X, T, 6, DONORS) == pytest.approx(-33225.6, abs=0.05)

    def test_fit_of_fader_hardie_shang_2010(self):
        model = donor_models.fit_bgbb(X, T, 6, DONORS)
        assert (model.alpha, model.beta, model.gamma, model.delta) == pytest.approx(PUBLISHED, abs=0.001)
        assert model.log_likelihood == pytest.approx(-33225.6, abs=0.05)

    def test_expected_gifts_of_fader_hardie_shang_2010(self):
        assert donor_models.BGBB(*PUBLISHED).expected_gifts(X, T, 6, years=5) == pytest.approx(EXPECTED, abs=0.005)

    def test_p_alive_of_fader_hardie_shang_2010(self):
        assert donor_models.BGBB(*PUBLISHED).p_alive([6, 0, 4], [6, 0, 4], 6) == pytest.approx([0.93, 0.11, 0.20], abs=0.005)

    def test_likelihood_by_brute_force(self):
        """The integral over both heterogeneities of a donor with gifts in years 1 and 3 of 5, by Gauss-Jacobi quadrature."""
        parameters = alpha, beta, gamma, delta = 1.3, 0.9, 0.7, 2.1
        (p, p_weight), (theta, theta_weight) = beta_nodes(alpha, beta), beta_nodes(gamma, delta)
        p, theta = p[:, None], theta[None, :]
        density = p**2 * (1 - p) ** 3 * (1 - theta) ** 5 + sum(
            p**2 * (1 - p) ** (last - 2) * theta * (1 - theta) ** last for last in (3, 4)
        )
        value = p_weight @ density @ theta_weight
        assert donor_models.bgbb_log_likelihood(parameters, [2], [3], [5]) == pytest.approx(np.log(value), rel=1e-9)

    def test_probabilities_of_all_records_add_to_one(self):
        from math import comb

        n, total = 5, 0.0
        for x in range(n + 1):
            for t in range(x, n + 1) if x else [0]:
                ways = comb(t - 1, x - 1) if x else 1
                total += ways * np.exp(donor_models.bgbb_log_likelihood(PUBLISHED, [x], [t], [n]))
        assert total == pytest.approx(1)

    def test_gamma_of_one_is_continuous(self):
        near, at = donor_models.BGBB(1.2, 0.7, 1.000001, 2.8), donor_models.BGBB(1.2, 0.7, 1.0, 2.8)
        assert at.expected_gifts(2, 3, 6, years=4) == pytest.approx(near.expected_gifts(2, 3, 6, years=4), rel=1e-4)

    @pytest.mark.slow
    def test_recovers_parameters_of_simulated_donors(self):
        random = np.random.default_rng(7)
        p, theta = random.beta(1.2, 0.8, 40_000), random.beta(0.8, 2.5, 40_000)
        alive, x, t = np.ones(40_000, bool), np.zeros(40_000), np.zeros(40_000)
        for year in range(1, 9):
            alive &= random.random(40_000) >= theta
            gave = alive & (random.random(40_000) < p)
            x, t = x + gave, np.where(gave, year, t)
        model = donor_models.fit_bgbb(x, t, 8)
        assert model.alpha / (model.alpha + model.beta) == pytest.approx(0.6, abs=0.02)
        assert model.gamma / (model.gamma + model.delta) == pytest.approx(0.8 / 3.3, abs=0.03)

    def test_refuses_donors_who_never_gave_again(self):
        with pytest.raises(donor_models.FitError):
            donor_models.fit_bgbb(np.zeros(50), np.zeros(50), 5)

    @pytest.mark.parametrize("record", [(7, 6, 6), (2, 1, 6), (0, 3, 6), (-1, 0, 6), (1, 7, 6), (np.nan, 0, 6)])
    def test_refuses_records_that_cannot_be(self, record):
        with pytest.raises(ValueError, match="frequency <= recency <= periods"):
            donor_models.BGBB(*PUBLISHED).p_alive(*record)
        with pytest.raises(ValueError, match="frequency <= recency <= periods"):
            donor_models.bgbb_log_likelihood(PUBLISHED, *([value] for value in record))

    def test_refuses_parameters_that_cannot_be(self):
        with pytest.raises(ValueError, match="gamma above 0"):
            donor_models.BGBB(1.2, 0.7, 0.0, 2.8)
        with pytest.raises(ValueError, match="alpha above 0"):
            donor_models.bgnbd_log_likelihood((0.2, -1, 0.8, 2.4), [1], [1], [2])

    def test_refuses_recency_beyond_the_time_observed(self):
        with pytest.raises(ValueError, match="recency"):
            donor_models.fit_bgbb([1] * 20, [7] * 20, 6)


CDNOW = donor_models.BGNBD(0.243, 4.414, 0.793, 2.426)


class TestBGNBD:
    def test_conditional_expectation_of_fader_hardie_lee_2005(self):
        """CDNOW customer 0001 in "Implementing the BG/NBD Model in Excel": x = 2, t_x = 30.43, T = 38.86, next 39 weeks: 1.226."""
        assert CDNOW.expected_gifts(2, 30.43, 38.86, horizon=39) == pytest.approx(1.226, abs=0.0005)

    def test_likelihood_of_one_customer_of_fader_hardie_lee_2005(self):
        """The same note: customer 0001 adds -9.4596 to the log likelihood at unrounded parameters (0.2426, 4.4136, 0.7929, 2.4259)."""
        value = donor_models.bgnbd_log_likelihood((0.2426, 4.4136, 0.7929, 2.4259), [2], [30.43], [38.86])
        assert value == pytest.approx(-9.4596, abs=0.0005)

    @pytest.mark.parametrize("a", [1.0, 1 + 1e-9, 1 - 1e-8])
    def test_an_a_of_one_is_continuous(self, a):
        near, at = donor_models.BGNBD(2.0, 30.0, 1.0001, 2.0), donor_models.BGNBD(2.0, 30.0, a, 2.0)
        assert at.expected_gifts(2, 30.43, 38.86, horizon=39) == pytest.approx(near.expected_gifts(2, 30.43, 38.86, horizon=39), rel=1e-3)
        assert at.expected_from_start(39) == pytest.approx(near.expected_from_start(39), rel=1e-3)
        assert at.expected_from_start(39) == pytest.approx(at.expected_gifts(0, 0, 0, horizon=39))

    def test_conditional_expectation_by_brute_force(self):
        """Five repeat gifts, the last long ago: rate and dropout integrated over what they may be, given the record."""
        model, (x, t, age, horizon) = donor_models.BGNBD(0.6, 3.0, 0.9, 2.0), (5, 10, 38, 20)
        p, p_weight = beta_nodes(model.a, model.b)
        node, weight = special.roots_genlaguerre(120, model.r - 1)
        rate, weight = (node / model.alpha)[:, None], weight / weight.sum()
        alive = (1 - p) ** x * rate**x * np.exp(-rate * age)
        gone = p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * t)
        whole = weight @ (alive + gone) @ p_weight
        later = weight @ (alive * (1 - np.exp(-rate * p * horizon)) / p) @ p_weight
        assert model.p_alive(x, t, age) == pytest.approx(weight @ alive @ p_weight / whole, rel=1e-6)
        assert model.expected_gifts(x, t, age, horizon=horizon) == pytest.approx(later / whole, rel=1e-6)

    def test_refuses_records_that_cannot_be(self):
        for record in ((1, 40, 39), (-1, 0, 39), (1, -2, 39)):
            with pytest.raises(ValueError, match="recency <= age"):
                CDNOW.expected_gifts(*record, horizon=39)

    def test_p_alive_agrees_with_expected_gifts_of_a_living_donor(self):
        assert CDNOW.p_alive(2, 30.43, 38.86) == pytest.approx(0.7266, abs=0.0005)
        assert CDNOW.p_alive([0, 0], [0, 0], [10, 50]).tolist() == [1, 1]

    def test_likelihood_by_brute_force(self):
        """One repeat gift at 2 of 5 units: the gamma rate and the beta dropout integrated by quadrature."""
        parameters = r, alpha, a, b = 0.6, 3.0, 0.9, 2.0
        p, p_weight = beta_nodes(a, b)
        node, weight = special.roots_genlaguerre(120, r - 1)
        rate, weight = node / alpha, weight / weight.sum()
        density = rate[:, None] * (np.exp(-rate * 5)[:, None] * (1 - p)[None, :] + np.exp(-rate * 2)[:, None] * p[None, :])
        assert donor_models.bgnbd_log_likelihood(parameters, [1], [2], [5]) == pytest.approx(np.log(weight @ density @ p_weight), rel=1e-6)

    @pytest.mark.slow
    def test_recovers_the_mean_of_simulated_donors(self):
        random = np.random.default_rng(3)
        rows = []
        for rate, p in zip(random.gamma(0.6, 1 / 8, 6_000), random.beta(0.8, 2.5, 6_000), strict=True):
            clock = last = count = 0
            while (clock := clock + random.exponential(1 / rate)) <= 40:
                last, count = clock, count + 1
                if random.random() < p:
                    break
            rows.append((count, last, 40.0))
        x, t, age = np.array(rows).T
        model = donor_models.fit_bgnbd(x, t, age)
        assert model.expected_from_start(40) == pytest.approx(x.mean(), rel=0.03)
        assert model.r / model.alpha == pytest.approx(0.6 / 8, rel=0.1)


class TestGammaGamma:
    def test_expected_value_of_fader_hardie_2013(self):
        """CDNOW, p = 6.25, q = 3.74, v = 15.44: customers with x = 2, mean 22.35 and x = 1, mean 13.74."""
        model = donor_models.GammaGamma(6.25, 3.74, 15.44)
        assert model.expected_value([2, 1], [22.35, 13.74]) == pytest.approx([24.66, 20.29], abs=0.01)

    def test_without_gifts_it_is_everybodys_mean(self):
        assert donor_models.GammaGamma(6.25, 3.74, 15.44).expected_value(0, 0) == pytest.approx(6.25 * 15.44 / 2.74)

    def test_recovers_the_mean_of_simulated_gifts(self):
        random = np.random.default_rng(5)
        scale = 1 / random.gamma(4.0, 1 / 120, 8_000)
        count = random.integers(1, 9, 8_000)
        mean = random.gamma(3.0 * count) * scale / count
        model = donor_models.fit_gamma_gamma(count, mean)
        assert model.expected_value(0, 0) == pytest.approx(3.0 * 120 / 3.0, rel=0.05)


class TestRecords:
    gifts = pd.DataFrame(
        [("old", 2018), ("old", 2020), ("A", 2019), ("A", 2021), ("A", 2022), ("B", 2020), ("new", 2023)], columns=["donor_id", "year"]
    ).assign(amount_usd=10.0)  # fmt: skip

    def test_only_donors_whose_first_gift_the_ledger_saw(self):
        rows = donor_models.yearly_records(giving.annual(self.gifts)).set_index("donor_id")
        assert rows.index.tolist() == ["A", "B"]
        assert rows.loc["A", ["frequency", "recency", "periods", "mean_usd"]].tolist() == [2, 3, 4, 10]
        assert rows.loc["B", ["frequency", "recency", "periods"]].tolist() == [0, 0, 3]

    def test_dated_records_count_repeat_days(self):
        gifts = pd.DataFrame(
            {
                "donor_id": ["A", "A", "A", "B", "C"],
                "gift_date": pd.to_datetime(["2024-01-01", "2024-01-15", "2024-01-15", "2023-01-01", "2024-02-01"]),
                "amount_usd": [5, 5, 5, 5, -5],
            }
        )
        rows = donor_models.dated_records(gifts, "2024-01-29", since="2024-01-01")
        assert rows.to_numpy().tolist() == [["A", 1, 2.0, 4.0]]

    @pytest.mark.slow
    def test_a_held_out_year_is_foreseen_better_than_by_last_years_donors(self):
        random = np.random.default_rng(11)
        rows = []
        for donor in range(6_000):
            first, p, theta = random.integers(2011, 2020), random.beta(0.8, 0.9), random.beta(0.7, 1.8)
            rows.append((donor, first, 50.0))
            for year in range(first + 1, 2021):
                if random.random() < theta:
                    break
                if random.random() < p:
                    rows.append((donor, year, 50.0))
        total = donor_models.held_out(giving.annual(pd.DataFrame(rows, columns=["donor_id", "year", "amount_usd"])), year=2020).iloc[-1]
        assert abs(total["expected_n"] / total["actual_n"] - 1) < 0.1
        assert abs(total["expected_n"] - total["actual_n"]) < abs(total["naive_n"] - total["actual_n"])


def test_equal_records_are_answered_once_and_like_single_ones():
    model = donor_models.BGBB(1.2, 0.75, 0.66, 2.78)
    random = np.random.default_rng(5)
    n = random.integers(1, 8, 400)
    t = np.minimum(random.integers(0, 8, 400), n)
    x = np.where(t > 0, np.minimum(random.integers(1, 8, 400), t), 0)
    columns = [pd.Series(values) for values in (x, t, n)]
    asked = []
    once = donor_models._once(lambda *record: asked.append(len(record[0])) or model.p_alive(*record), *columns)
    assert once == pytest.approx(model.p_alive(x, t, n))
    assert asked[0] < 150


def test_dated_records_count_each_day_once():
    gifts = pd.DataFrame(
        {
            "donor_id": list("aaabb"),
            "gift_date": pd.to_datetime(["2024-03-01", "2024-03-01", "2024-04-01", "2024-01-01", "2026-01-01"]),
            "amount_usd": [5.0, 7.0, 5.0, 5.0, 5.0],
        }
    )
    records = donor_models.dated_records(gifts, "2024-12-31", since="2024-01-01", unit_days=1).set_index("donor_id")
    assert records.loc["a"].tolist() == [1, 31, 305]
    assert records.loc["b"].tolist() == [0, 0, 365]
    assert donor_models.dated_records(gifts.iloc[:0], "2024-12-31", since="2024-01-01").empty
