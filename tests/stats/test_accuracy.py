"""Forecast errors against the definitions of Hyndman and Athanasopoulos (FPP3, section 5.8), worked by hand."""

import numpy as np
import pytest

from catchment.stats import accuracy


def test_mase_scales_by_the_seasonal_naive_error_of_the_training_data():
    # FPP3 5.8: scale = mean |y[t] - y[t-m]| in training. Training 10 20 30 40 | 12 23 33 44: changes 2 3 3 4, mean 3.
    train = [10, 20, 30, 40, 12, 23, 33, 44]
    assert accuracy.mase([15, 25], [12, 23], train) == pytest.approx((3 + 2) / 2 / 3)
    # With season 1 the scale is the mean absolute change from value to value: 10 10 10 28 11 10 11, mean 90/7.
    assert accuracy.mase([15, 25], [12, 23], train, season=1) == pytest.approx(2.5 / (90 / 7))


def test_repeating_last_season_in_training_has_mase_one():
    values = np.array([10.0, 20, 30, 40, 12, 23, 33, 44, 11, 25, 36, 41])
    assert accuracy.mase(values[4:], values[:-4], values) == pytest.approx(1)


def test_mase_without_a_full_season_or_without_change():
    assert accuracy.mase([5], [4], [1, 2, 4]) == pytest.approx(1 / 1.5)
    assert np.isnan(accuracy.mase([5], [4], [3, 3, 3, 3, 3]))


def test_errors():
    assert accuracy.mae([1, 2, 3], [2, 2, 5]) == pytest.approx(1)
    assert accuracy.rmse([1, 2, 3], [2, 2, 5]) == pytest.approx(np.sqrt(5 / 3))
    # sMAPE: 2*1/3, 0 (both zero), 2*2/2 = 2.
    assert accuracy.smape([1, 0, 0], [2, 0, 2]) == pytest.approx((2 / 3 + 0 + 2) / 3)


def test_coverage_counts_the_limits():
    assert accuracy.coverage([1, 2, 3, 4], [1, 0, 0, 5], [2, 1.9, 9, 9]) == pytest.approx(0.5)


def test_lengths_must_match():
    with pytest.raises(ValueError, match="as many forecasts"):
        accuracy.mae([1, 2], [1])
    with pytest.raises(ValueError, match="as many forecasts"):
        accuracy.coverage([1, 2], [0], [3])


def test_nothing_and_missing_values_have_no_error():
    with pytest.raises(ValueError, match="found none"):
        accuracy.rmse([], [])
    with pytest.raises(ValueError, match="missing one"):
        accuracy.smape([1, np.nan], [1, 2])
    with pytest.raises(ValueError, match="at least one period"):
        accuracy.mase([1], [2], [1, 2, 3], season=0)


# Heizer and Render, Operations Management, chapter 4: quarterly croissant sales of Carlson's Bakery.
SOLD, EXPECTED = [90, 95, 115, 100, 125, 140], [100, 100, 100, 110, 110, 110]


def test_bias_of_a_published_example():
    assert accuracy.tracking_signal(SOLD, EXPECTED) == pytest.approx([-1, -2, 0, -1, 0.5, 2.5], abs=0.05)
    assert accuracy.mean_error(SOLD, EXPECTED) == pytest.approx(35 / 6) and accuracy.mae(SOLD, EXPECTED) == pytest.approx(14.2, abs=0.05)


def test_a_forecast_too_low_has_a_positive_bias_and_a_perfect_one_no_signal():
    assert accuracy.mean_error([10, 12], [8, 9]) == 2.5
    assert accuracy.tracking_signal([3, 3, 5], [3, 3, 4])[:2] == pytest.approx([np.nan, np.nan], nan_ok=True)
    assert accuracy.tracking_signal([3, 3, 5], [3, 3, 4])[2] == pytest.approx(3)
    with pytest.raises(ValueError, match="as many forecasts"):
        accuracy.tracking_signal([1, 2], [1])
