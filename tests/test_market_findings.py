"""What the market page says of its numbers: the direction fits the sign, and a modelled number of cases is not taken for people counted."""

import pandas as pd
import pytest

from catchment.report import market_findings as said
from catchment.report.spoken import Spoken


def outlook(now=1000.0, ahead=1100.0, low=1050.0, high=1150.0):
    return pd.DataFrame(
        {"site": ["All sites"], "now_n": now, "ahead_n": ahead, "ahead_low": low, "ahead_high": high, "growth_share": ahead / now - 1}
    )


def drivers(size=0.0, aging=0.0, rate=0.0):
    return pd.DataFrame({"size_n": [size], "aging_n": [aging], "rate_n": [rate]})


@pytest.mark.parametrize("value", [1.0, 5.0, 10.0])
def test_a_small_expected_number_is_said_as_cases_a_year_and_passes_the_gate_of_small_counts(value):
    text = said.growth(outlook(), drivers(rate=-value), now=2025, ahead=2035).text
    assert f"the trend in rates, which takes away {value:.0f} cases a year" in text
    Spoken().say("a takeaway", text, said.driver_title(drivers(aging=value, rate=-value)), below=11)


def test_growth_names_direction_and_driver():
    grows = said.growth(outlook(), drivers(60, 80, -40), now=2025, ahead=2035).text
    assert "grow 10 % by 2035" in grows and "aging, which adds 80 cases a year" in grows
    falls = said.growth(outlook(ahead=900.0, low=850.0, high=950.0), drivers(-120, 40, -20), now=2025, ahead=2035).text
    assert "fall 10 % by 2035" in falls and "the number of people, which takes away 120 cases a year" in falls
    assert "driver" not in said.growth(outlook(), drivers(), now=2025, ahead=2035).text


def test_the_title_of_the_drivers_says_each_direction():
    assert said.driver_title(drivers(aging=80, rate=-40)) == "Aging adds 80 and rates take away 40 cases a year"
    assert said.driver_title(drivers(aging=-8, rate=4)) == "Aging takes away 8 and rates add 4 cases a year"


def test_a_small_term_of_the_shift_share_is_not_given():
    terms = pd.DataFrame({"growth": [-2.0, -4.0], "mix": [0.0, 0.0], "gain": [140.0, -10.0], "change": [134.0, -14.0]})
    assert said.shift(terms) == "The market cost us fewer than 11 stays, share gained 130 stays"
