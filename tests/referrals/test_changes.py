"""Change between two periods: exact test, false discoveries, labels, change points."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.rates import test_poisson_2indep as poisson_2indep

from catchment.referrals import changes

# British coal-mining disasters per year, 1851-1962 (Jarrett 1979, Biometrika 66:191); 191 in all.
COAL = [
    4,
    5,
    4,
    0,
    1,
    4,
    3,
    4,
    0,
    6,
    3,
    3,
    4,
    0,
    2,
    6,
    3,
    3,
    5,
    4,
    5,
    3,
    1,
    4,
    4,
    1,
    5,
    5,
    3,
    4,
    2,
    5,
    2,
    2,
    3,
    4,
    2,
    1,
    3,
    2,
    2,
    1,
    1,
    1,
    1,
    3,
    0,
    0,
    1,
    0,
    1,
    1,
    0,
    0,
    3,
    1,
    0,
    3,
    2,
    2,
    0,
    1,
    1,
    1,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    2,
    1,
    0,
    0,
    0,
    1,
    1,
    0,
    2,
    3,
    3,
    1,
    1,
    2,
    1,
    1,
    1,
    1,
    2,
    4,
    2,
    0,
    0,
    1,
    4,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    1,
    0,
    1,
    0,
]


@pytest.mark.parametrize(("before", "now", "t0", "t1"), [(10, 20, 1, 1), (41, 15, 28010, 19017), (30, 0, 1, 1), (12, 12, 1, 2)])
def test_poisson_test_agrees_with_statsmodels(before, now, t0, t1):
    ours = changes.poisson_test(before, now, exposure1=t0, exposure2=t1)
    theirs = poisson_2indep(now, t1, before, t0, method="exact-cond")
    assert ours.pvalue == pytest.approx(theirs.pvalue, rel=1e-9)


def test_poisson_test_reproduces_the_example_of_r():
    # R help page of poisson.test: 11 in 800 against 6 + 8 + 7 in 1083 + 1050 + 878; p-value 0.07967, limits 0.8584264 and 4.2772659.
    found = changes.poisson_test(21, 11, exposure1=3011, exposure2=800)
    assert found.pvalue == pytest.approx(0.07967, abs=5e-6)
    assert found.ratio == pytest.approx(1.971488, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.8584264, 4.2772659), abs=1e-5)


def test_the_exact_test_keeps_its_level():
    rng = np.random.default_rng(5)
    pairs = rng.poisson(20, size=(800, 2))
    assert np.mean([changes.poisson_test(a, b).pvalue <= 0.05 for a, b in pairs]) <= 0.055


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        changes.poisson_test(-1, 2)


def rows(counts):
    """One row per clinician and span."""
    return pd.DataFrame(
        [
            {"npi": npi, "span": span, "referrals_n": n}
            for npi, pair in counts.items()
            for span, n in zip(("before", "now"), pair, strict=True)
            if n
        ]
    )


def test_each_change_gets_its_label():
    table = changes.changes(
        rows({"gone": (40, 0), "fresh": (0, 40), "up": (20, 60), "down": (60, 20), "level": (30, 33), "rare": (4, 9)}), by=["npi"]
    )
    assert table.set_index("npi")["label"].to_dict() == {
        "gone": changes.LOST,
        "fresh": changes.NEW,
        "up": changes.GROWING,
        "down": changes.DECLINING,
        "level": changes.SAME,
        "rare": changes.FEW,
    }
    assert table["npi"].iloc[-1] == "level"
    assert np.isnan(table.set_index("npi").loc["rare", "adjusted"])


def test_false_discoveries_are_controlled_over_the_judged_rows_only():
    counts = {f"c{i}": (30 + i, 30) for i in range(30)} | {f"r{i}": (1, 9) for i in range(200)}
    table = changes.changes(rows(counts), by=["npi"])
    judged = table[table["adjusted"].notna()]
    assert len(judged) == 30
    assert np.allclose(judged["adjusted"], multipletests(judged["pvalue"], method="fdr_bh")[1])


def test_pure_noise_is_rarely_called_a_change():
    rng = np.random.default_rng(11)
    called = []
    for _ in range(20):
        pairs = rng.poisson(25, size=(60, 2))
        table = changes.changes(rows({f"c{i}": tuple(pair) for i, pair in enumerate(pairs)}), by=["npi"])
        called.append((~table["label"].isin([changes.SAME, changes.FEW])).any())
    assert np.mean(called) <= 0.10


def test_periods_are_equal_whole_and_adjacent():
    quarters = pd.DataFrame({"period": pd.date_range("2023-01-01", "2025-10-01", freq="QS")})
    span = changes.periods(quarters, last=pd.Timestamp("2025-12-31"), quarters=4)
    assert span.value_counts().to_dict() == {"now": 4, "before": 4}
    assert quarters["period"][span == "now"].min() == pd.Timestamp("2025-01-01")
    # The fourth quarter is cut short by data that end in November, so it does not count.
    cut = changes.periods(quarters, last=pd.Timestamp("2025-11-21"), quarters=4)
    assert quarters["period"][cut == "now"].max() == pd.Timestamp("2025-07-01")


def test_change_point_finds_the_break_of_the_coal_mining_disasters():
    assert (len(COAL), sum(COAL)) == (112, 191)
    found = changes.change_point(COAL, replicates=499, seed=1)
    # Raftery and Akman (1986): between 1889 and 1892, rates 3.1 and 0.9 a year.
    assert 1851 + found.position == 1891
    assert (round(found.before_mean, 1), round(found.after_mean, 1)) == (3.1, 0.9)
    assert found.pvalue == pytest.approx(1 / 500)


def test_change_point_statistic_is_the_likelihood_ratio():
    series = np.array([9, 11, 10, 8, 3, 2, 4, 3])

    def loglik(part):
        return stats.poisson.logpmf(part, part.mean()).sum()

    found = changes.change_point(series, replicates=99)
    assert found.position == 3
    assert found.statistic == pytest.approx(2 * (loglik(series[:4]) + loglik(series[4:]) - loglik(series)))


def test_change_point_pays_for_looking_at_every_position():
    rng = np.random.default_rng(3)
    pvalues = [changes.change_point(rng.poisson(6, 20), replicates=199, seed=i).pvalue for i in range(300)]
    assert 0.02 <= np.mean(np.array(pvalues) <= 0.05) <= 0.09


@pytest.mark.parametrize("series", [[1, 2, 3], [1, 2, np.nan, 4], [1, -2, 3, 4]])
def test_change_point_refuses_what_is_not_a_series_of_counts(series):
    with pytest.raises(ValueError, match="change point"):
        changes.change_point(series)


def test_breaks_date_the_new_level_and_leave_small_series_alone():
    quarters = pd.date_range("2021-01-01", "2025-10-01", freq="QS")
    stopped = pd.DataFrame({"npi": "stopped", "period": quarters[:16], "referrals_n": 12})
    steady = pd.DataFrame({"npi": "steady", "period": quarters, "referrals_n": 6})
    rare = pd.DataFrame({"npi": "rare", "period": quarters[:3], "referrals_n": 5})
    table = changes.breaks(pd.concat([stopped, steady, rare]), replicates=299, seed=2).set_index("npi")
    assert list(table.index) == ["stopped", "steady"]
    stop = table.loc["stopped"]
    assert (stop["first_quarter"], stop["before_referrals_n"], stop["after_referrals_n"]) == ("2025 Q1", 192, 0)
    assert (stop["before_quarters"], stop["after_quarters"], stop["ratio"], bool(stop["broke"])) == (16, 4, 0.0, True)
    assert not table.loc["steady", "broke"]
    assert changes.breaks(rare, replicates=9).empty


@pytest.mark.parametrize("counts", [(2.5, 3), (np.nan, 3), (1, np.inf)])
def test_broken_or_unknown_counts_are_refused_rather_than_cut(counts):
    with pytest.raises(ValueError, match="counts must not be negative or broken"):
        changes.poisson_test(*counts)


def test_two_rates_as_in_the_example_of_r():
    # R, ?poisson.test: c(11, 6 + 8 + 7) events in c(800, 1083 + 1050 + 878) person-years; p 0.07967, ratio 1.971 (0.858 to 4.277).
    found = changes.poisson_test(21, 11, exposure1=1083 + 1050 + 878, exposure2=800)
    assert (found.ratio, found.low, found.high, found.pvalue) == pytest.approx((1.971488, 0.858426, 4.277266, 0.079669), rel=1e-5)


def test_a_margin_without_room_and_a_series_that_is_no_count_are_refused():
    for margin in (0, 3):
        with pytest.raises(ValueError, match="margin must leave a place"):
            changes.change_point([1, 2, 3, 4], margin=margin)
    with pytest.raises(ValueError, match="four counts"):
        changes.change_point([1.5, 2, 3, 4])
    with pytest.raises(ValueError, match="at least one quarter"):
        changes.periods(pd.DataFrame({"period": ["2025-01-01"]}), last=pd.Timestamp("2025-12-31"), quarters=0)


def steady(counts):
    quarters = pd.period_range("2024Q1", periods=len(counts), freq="Q").to_timestamp()
    return pd.DataFrame({"npi": "a", "period": quarters, "referrals_n": counts})


def test_a_quarter_that_the_data_cut_short_is_no_break():
    cut = steady([50, 50, 50, 50, 51, 2])
    assert changes.breaks(cut, last=pd.Timestamp("2025-06-30"))["broke"].tolist() == [True]
    whole = changes.breaks(cut, last=pd.Timestamp("2025-05-01"))
    assert whole["broke"].tolist() == [False]
    assert whole[["before_quarters", "after_quarters"]].sum(axis=1).tolist() == [5]


@pytest.mark.parametrize("counts", [[], [50, 50, 50]])
def test_too_short_a_history_has_no_breaks(counts):
    assert changes.breaks(steady(counts)).empty


def test_a_history_that_begins_within_the_period_before_is_not_compared():
    last = pd.Timestamp("2025-12-31")
    for first, kept in (("2024-01-01", True), ("2024-04-01", False)):
        quarters = pd.period_range(first, "2025-12-31", freq="Q").to_timestamp()
        rows = pd.DataFrame({"npi": "a", "period": quarters, "referrals_n": 30})
        span = changes.reaching(changes.periods(rows, last=last), rows["period"], last=last)
        assert (span == "before").any() == kept
        assert (span == "now").sum() == 4
        found = changes.changes(rows.assign(span=span), by=["npi"])
        assert found["label"].tolist() == [changes.SAME if kept else changes.FEW]
