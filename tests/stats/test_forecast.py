"""Forecasts of quarterly volumes: cleaning, back-test without leakage, intervals that hold, fallbacks, sums that reconcile."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from catchment.stats import forecast, quarters

QUARTERS = pd.period_range("2021Q1", periods=20, freq="Q")
SEASON = np.array([0.03, 0.02, -0.01, -0.04])


def wide(columns, quarters=QUARTERS):
    return pd.DataFrame(columns, index=quarters).rename_axis(columns="series")


def history(frame):
    long = frame.rename_axis("moment").reset_index().melt("moment", var_name="series", value_name="volume_n")
    return long.assign(year=long["moment"].dt.year, quarter=long["moment"].dt.quarter).drop(columns="moment")


def growing(seed=1, start=1000.0, growth=0.02, noise=10.0, n=20):
    random = np.random.default_rng(seed)
    return start * (1 + growth) ** np.arange(n) * (1 + SEASON[np.arange(n) % 4]) + random.normal(0, noise, n)


def test_working_days_leave_out_federal_holidays():
    # 2025 Q1: 64 weekdays less New Year, Martin Luther King and Washington's birthday; Q2: 65 less Memorial Day and Juneteenth.
    assert quarters.working_days(pd.PeriodIndex(["2025Q1", "2025Q2"], freq="Q")).tolist() == [61, 63]


def test_a_missing_quarter_is_filled_for_fitting_and_flagged():
    values = growing(noise=0)
    gap = values.copy()
    gap[9] = np.nan
    cleaned = quarters.clean(history(wide({"a": gap})))
    row = cleaned.iloc[9]
    assert np.isnan(row["volume_n"]) and row["note"] == "missing: filled for fitting"
    assert row["used_n"] == pytest.approx(values[9], rel=0.05)
    assert cleaned["note"].ne("").sum() == 1
    assert quarters.yearly(cleaned).set_index("year").loc[2023, ["filled_n", "quarters_n"]].tolist() == [1, 4]


def test_a_quarter_without_a_row_is_missing_too():
    rows = history(wide({"a": growing()})).query("not (year == 2022 and quarter == 3)")
    assert quarters.clean(rows)["note"].tolist().count("missing: filled for fitting") == 1


def test_an_outlier_is_replaced_for_fitting_but_shown_as_observed():
    values = growing()
    values[13] *= 1.5
    cleaned = quarters.clean(history(wide({"a": values})))
    assert cleaned.loc[cleaned["note"].ne(""), "note"].tolist() == ["outlier: replaced for fitting"]
    assert cleaned["volume_n"].iloc[13] == values[13]
    assert cleaned["used_n"].iloc[13] == pytest.approx(values[13] / 1.5, rel=0.04)


def test_few_false_outliers_in_clean_noise():
    frame = wide({f"s{seed}": growing(seed) for seed in range(200)})
    assert quarters.strange(frame).any().mean() < 0.05


def test_an_unfinished_quarter_is_left_out():
    cleaned = quarters.clean(history(wide({"a": growing()})), as_of="2025-11-15")
    assert cleaned["note"].iloc[-1] == "unfinished quarter: left out" and np.isnan(cleaned["used_n"].iloc[-1])
    assert quarters.table(history(wide({"a": growing()})), as_of="2025-12-31").index[-1] == QUARTERS[-1]


def test_a_quarter_given_twice_is_refused():
    rows = history(wide({"a": growing()}))
    with pytest.raises(ValueError, match="several for a 2021Q1"):
        quarters.table(pd.concat([rows, rows.head(1)]))


def test_back_test_uses_nothing_later_than_its_origin():
    known, changed = wide({"a": growing()}), wide({"a": growing()})
    changed.iloc[16:] = changed.iloc[16:] * 3 + 50
    columns = ["forecast", "volume_n_low_80", "volume_n_high_95"]
    before, after = (
        forecast.backtest(frame).query("origin <= '2024Q4'").set_index(["method", "origin", "ahead"])[columns] for frame in (known, changed)
    )
    pd.testing.assert_frame_equal(before.dropna(), after.reindex(before.dropna().index))


def test_back_test_starts_with_the_thirteenth_quarter_and_ends_with_the_last():
    tested = forecast.backtest(wide({"a": growing()}))
    one = tested[tested["method"].eq("ETS(A,Ad,A)")]
    assert one["origin"].unique().tolist() == [str(quarter) for quarter in QUARTERS[11:19]]
    assert one.groupby("origin")["ahead"].max().tolist() == [8, 7, 6, 5, 4, 3, 2, 1]
    naive = tested[tested["method"].eq("naive") & tested["origin"].eq("2023Q4")]
    assert naive["forecast"].unique().tolist() == [growing()[11]]


def test_quarters_that_were_not_observed_are_not_scored():
    values = growing()
    values[15] = np.nan
    tested = forecast.backtest(wide({"a": values}))
    assert tested["actual"].notna().all()
    assert (tested[tested["method"].eq("naive")]["ahead"].value_counts().to_numpy() == [7, 6, 5, 4, 4, 3, 2, 1]).all()


def test_a_trend_is_forecast_by_the_damped_trend_and_a_flat_series_by_something_simple():
    frame = wide({"up": growing(growth=0.03, noise=4), "flat": 500 + np.random.default_rng(2).normal(0, 12, 20)})
    chosen = forecast.choice(forecast.scores(forecast.backtest(frame)))
    assert chosen["up"] in ("ETS(A,Ad,A)", "SARIMA(0,1,1)(0,1,1)")
    assert chosen["flat"] in ("seasonal naive", "ETS(A,N,A)")


def test_choice_takes_the_simpler_method_within_the_tolerance_and_never_the_naive_one():
    scored = pd.DataFrame(
        {"series": "a", "method": ["naive", "seasonal naive", "ETS(A,N,A)", "ETS(A,Ad,A)"], "mase": [0.5, 1.03, 1.2, 1.0]}
    )
    assert forecast.choice(scored)["a"] == "seasonal naive"
    assert forecast.choice(scored, tolerance=0.01)["a"] == "ETS(A,Ad,A)"


@pytest.mark.slow
def test_intervals_hold_what_they_promise_on_held_out_quarters():
    random = np.random.default_rng(7)
    values = {}
    for place in range(100):
        base, growth = random.choice([25, 60, 150, 600, 3000]), random.choice([0, 0.005, 0.02, -0.012])
        mean = base * (1 + growth) ** np.arange(24) * (1 + SEASON[np.arange(24) % 4])
        values[f"s{place}"] = random.negative_binomial(1 / 0.0006, 1 / (1 + mean * 0.0006)).astype(float)
    whole = wide(values, pd.period_range("2021Q1", periods=24, freq="Q"))
    known, later = whole.iloc[:20], whole.iloc[20:].T.to_numpy().ravel()
    tested = forecast.backtest(known)
    found = forecast.forecast(known, horizon=4, chosen=forecast.choice(forecast.scores(tested)), tested=tested)
    inside = {level: ((later >= found[f"volume_n_low_{level}"]) & (later <= found[f"volume_n_high_{level}"])).mean() for level in (80, 95)}
    assert inside[80] == pytest.approx(0.80, abs=0.06)
    assert inside[95] == pytest.approx(0.95, abs=0.03)


def test_yearly_sums_are_the_quarters_added_and_their_interval_is_not():
    frame = wide({"a": growing()})
    chosen = pd.Series({"a": "ETS(A,N,A)"})
    quarters, years = forecast.forecast(frame, horizon=8, chosen=chosen), forecast.forecast(frame, horizon=8, chosen=chosen, yearly=True)
    assert years["volume_n"].tolist() == pytest.approx(quarters.groupby("year")["volume_n"].sum().tolist())
    width = (years["volume_n_high_80"] - years["volume_n_low_80"]).to_numpy()
    added = (quarters["volume_n_high_80"] - quarters["volume_n_low_80"]).groupby(quarters["year"]).sum().to_numpy()
    assert (width < added).all() and (width > added / 2).all()


def test_yearly_interval_is_that_of_simulated_paths():
    frame = wide({"a": growing()})
    years = forecast.forecast(frame, horizon=8, chosen=pd.Series({"a": "ETS(A,Ad,A)"}), yearly=True)
    fit = forecast.METHODS["ETS(A,Ad,A)"](frame["a"].to_numpy(), 8)
    errors = np.random.default_rng(3).normal(0, fit.sigma[0], (60_000, 8))
    response = np.array([[fit.psi[0, row - column] if row >= column else 0.0 for column in range(8)] for row in range(8)])
    second = (fit.mean[0] + errors @ response.T)[:, 4:].sum(axis=1)
    reach = (years["volume_n_high_80"] - years["volume_n"]).iloc[1] / stats.t.ppf(0.9, fit.freedom)
    assert second.std() == pytest.approx(reach, rel=0.02)


def test_services_follow_the_working_days_of_the_future():
    days = quarters.working_days(QUARTERS)
    found = forecast.outlook(history(wide({"visits": 10 * days})), per_day=("visits",), horizon=8)
    ahead = pd.PeriodIndex.from_fields(year=found.quarters["year"], quarter=found.quarters["quarter"], freq="Q")
    assert found.quarters["volume_n"].to_numpy() == pytest.approx(10 * quarters.working_days(ahead), rel=1e-6)


def test_short_series_take_their_mean():
    found = forecast.forecast(wide({"a": [4.0, 6, 5, 7, 8, 6]}, QUARTERS[:6]), horizon=4)
    assert found["method"].unique().tolist() == ["mean"] and found["volume_n"].tolist() == [6] * 4
    spread = np.std([4, 6, 5, 7, 8, 6], ddof=1) * np.sqrt(1 + 1 / 6)
    assert found["volume_n_high_80"].iloc[0] == pytest.approx(6 + stats.t.ppf(0.9, 5) * spread)


def test_a_series_of_zeros_has_the_rule_of_three_as_its_upper_limit():
    found = forecast.forecast(wide({"a": np.zeros(20)}), horizon=4)
    assert found["volume_n"].tolist() == [0] * 4 and found["volume_n_low_95"].tolist() == [0] * 4
    assert found["volume_n_high_95"].tolist() == pytest.approx([3 / 20] * 4)
    assert found["method"].iloc[0] == "zero (no event so far)"


def test_an_outlook_takes_short_zero_and_broken_series_together():
    broken = growing()
    broken[[6, 7]] = np.nan
    short = np.full(20, np.nan)
    short[-5:] = [3, 4, 2, 5, 3]
    found = forecast.outlook(
        history(wide({"zero": np.zeros(20), "broken": broken, "short": short, "good": growing(2)})), as_of="2025-12-31", horizon=40
    )
    assert set(found.years["series"]) == {"zero", "broken", "short", "good"}
    assert found.years.groupby("series")["method"].first()[["zero", "short"]].tolist() == ["zero (no event so far)", "mean"]
    assert found.years["volume_n"].notna().all() and (found.years["volume_n_low_95"] >= 0).all() and len(found.years) == 40
    assert found.scored.loc[found.scored["chosen"], "series"].is_unique


def test_parts_reconcile_with_the_total():
    parts = wide({f"site {place}": growing(place, start=100 * (place + 1)) for place in range(4)})
    total = wide({"all": parts.sum(axis=1)})
    each, whole = (forecast.outlook(history(frame), horizon=20).years for frame in (parts, total))
    fitted = forecast.reconciled(each, whole)
    assert fitted.groupby("year")["volume_n"].sum().tolist() == pytest.approx(whole["volume_n"].tolist())
    ratio = fitted["volume_n"] / each["volume_n"]
    assert ratio.groupby(fitted["year"]).nunique().max() <= 2 and (fitted["volume_n_low_80"] <= fitted["volume_n"]).all()


@pytest.mark.parametrize("observed", [1, 2, 3])
def test_a_year_in_part_observed_counts_what_was_observed(observed):
    """Through the first, second or third quarter: the year is what was observed and a forecast of the rest, whose doubt alone it bears."""
    values = growing(n=16 + observed)
    frame = wide({"a": values, "b": 2 * values}, QUARTERS[: 16 + observed])
    quarterly = forecast.forecast(frame, horizon=44 - observed, per_day=("b",))
    found = forecast.forecast(frame, horizon=44 - observed, per_day=("b",), yearly=True)
    mine = found[found["series"].eq("a")].set_index("year")
    assert mine.index.tolist() == list(range(2025, 2036)) and mine["observed_quarters_n"].tolist() == [observed] + [0] * 10
    rest = quarterly[quarterly["series"].eq("a") & quarterly["year"].eq(2025)]
    assert len(rest) == 4 - observed
    assert mine.loc[2025, "volume_n"] == pytest.approx(values[16:].sum() + rest["volume_n"].sum())
    width = mine["volume_n_high_80"] - mine["volume_n_low_80"]
    assert width[2025] < width[2026] and mine.loc[2025, "volume_n_low_95"] > values[16:].sum()
    # Services of working days: the observed part is a volume too.
    services = found[found["series"].eq("b")].set_index("year").loc[2025, "volume_n"]
    days = quarters.working_days(frame.index[16:])
    ahead = quarterly[quarterly["series"].eq("b") & quarterly["year"].eq(2025)]["volume_n"].sum()
    assert services == pytest.approx((2 * values[16:] * days).sum() + ahead)


def test_an_outlook_through_the_third_quarter_goes_on_from_the_fourth():
    frame = wide({"a": growing(), "b": growing(2)})
    whole = forecast.outlook(history(frame[:-1]), horizon=41)
    assert (whole.quarters["year"].iloc[0], whole.quarters["quarter"].iloc[0]) == (2025, 4)
    assert whole.years["year"].max() == 2035 and whole.years.loc[whole.years["year"].eq(2025), "observed_quarters_n"].tolist() == [3, 3]


def test_a_gap_in_the_year_in_part_observed_is_filled_and_not_zero():
    values = growing(n=18, noise=0)
    gap = np.where(np.arange(18) == 16, np.nan, values)
    frames = [wide({"a": each}, QUARTERS[:18]) for each in (values, gap)]
    whole, filled = (forecast.forecast(frame, horizon=6, yearly=True).set_index("year")["volume_n"] for frame in frames)
    assert filled[2025] == pytest.approx(whole[2025], rel=0.03)
    young = wide({"a": [np.nan, 100.0]}, QUARTERS[16:18])
    assert forecast.forecast(young, horizon=6, yearly=True).set_index("year")["volume_n"].to_dict() == {2025: 400, 2026: 400}


def test_a_year_that_began_before_the_data_is_no_year():
    frame = wide({"a": [100.0, 110.0]}, QUARTERS[17:19])
    assert forecast.forecast(frame, horizon=5, yearly=True)["year"].tolist() == [2026]


def test_what_was_never_delivered_is_missing_and_not_zero():
    frame = wide({"a": growing(), "never": np.full(20, np.nan)})
    found = forecast.outlook(history(frame))
    never = found.years[found.years["series"].eq("never")]
    assert never[["volume_n", "volume_n_low_80", "volume_n_high_95"]].isna().all(axis=None)
    assert never["method"].unique().tolist() == ["none: no quarter was delivered"]
    years = quarters.yearly(found.cleaned)
    assert years.loc[years["series"].eq("never"), "volume_n"].isna().all()


def test_a_year_with_a_quarter_that_nobody_can_fill_is_missing():
    values = np.append(np.full(17, np.nan), [10.0, 11, 12])
    years = quarters.yearly(quarters.clean(history(wide({"new": values}))))
    assert years["volume_n"].isna().tolist() == [True] * 5
    assert quarters.yearly(quarters.clean(history(wide({"new": np.append(values[1:], 13.0)}))))["volume_n"].iloc[-1] == 46


def test_an_unfinished_quarter_is_in_no_year():
    cleaned = quarters.clean(history(wide({"a": growing(noise=0)})), as_of="2025-11-30")
    year = quarters.yearly(cleaned).set_index("year").loc[2025]
    assert year["quarters_n"] == 3 and year["volume_n"] == pytest.approx(growing(noise=0)[16:19].sum())


def test_volumes_whose_peaks_grow_take_seasons_in_proportion_and_a_zero_forbids_them():
    time = np.arange(24)
    swelling = 300 * 1.03**time * np.array([1.45, 0.85, 0.55, 1.15])[time % 4] * np.random.default_rng(3).normal(1, 0.015, 24)
    frame = wide({"swelling": swelling, "holed": np.where(time == 2, 0, swelling)}, pd.period_range("2020Q1", periods=24, freq="Q"))
    scored = forecast.scores(forecast.backtest(frame))
    assert forecast.choice(scored)["swelling"] == "ETS(M,Ad,M)"
    assert "ETS(M,Ad,M)" not in scored.loc[scored["series"].eq("holed"), "method"].tolist()
    # A zero that comes when the method is chosen already: seasons are added again.
    low = 300 * 1.03**time * np.array([1.6, 1.0, 0.03, 1.4])[time % 4] * np.random.default_rng(3).normal(1, 0.015, 24)
    ended = wide({"low": np.append(low[:22], 0)}, pd.period_range("2020Q1", periods=23, freq="Q"))
    fallen = forecast.forecast(ended, horizon=4, chosen=pd.Series({"low": "ETS(M,Ad,M)"}))
    assert fallen["volume_n"].notna().all() and fallen["method"].unique().tolist() == ["ETS(A,Ad,A)"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda frame: forecast.forecast(frame, chosen=pd.Series({"a": "Holt-Winters"})),
            "expected methods among naive.*found Holt-Winters",
        ),
        (lambda frame: forecast.forecast(frame, near={"a": ["ets"]}), "expected methods among"),
        (lambda frame: forecast.forecast(frame, per_day=("visits",)), "per_day: expected series among a, found visits"),
        (lambda frame: forecast.outlook(history(frame), per_day=("visits",)), "per_day: expected series among a, found visits"),
        (lambda frame: forecast.scores(forecast.backtest(frame), by=["site"]), "expected columns of a back-test to group by, found site"),
    ],
)
def test_a_word_that_is_not_known_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(wide({"a": growing()}))


def test_a_year_that_is_not_over_is_no_year():
    rows = pd.DataFrame({"year": [2024] * 8 + [2025] * 6, "quarter": [1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3], "cases_n": 5})
    assert quarters.whole(rows)["year"].unique().tolist() == [2024] and len(quarters.whole(rows)) == 8
    assert quarters.whole(rows.head(0)).empty


def test_totals_are_missing_where_a_part_was_not_delivered():
    table = pd.DataFrame({"site": ["x", "y"] * 2, "year": 2025, "quarter": [1, 1, 2, 2], "cases_n": [3, 4, 5, np.nan]})
    sums = quarters.totals(quarters.tidy(table), "measure")
    assert sums["volume_n"].iloc[0] == 7 and np.isnan(sums["volume_n"].iloc[1])
