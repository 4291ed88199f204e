"""What the market page says of its numbers: the direction fits the sign, and a modelled number of cases is not taken for people counted."""

from types import SimpleNamespace

import pandas as pd
import pytest

from catchment.market import exhibits as said
from catchment.market import findings, tables
from catchment.protect.spoken import Spoken


def outlook(now=1000.0, ahead=1100.0, low=1050.0, high=1150.0):
    return pd.DataFrame(
        {"site": ["All sites"], "now_n": now, "ahead_n": ahead, "ahead_low": low, "ahead_high": high, "growth_share": ahead / now - 1}
    )


def drivers(size=0.0, aging=0.0, rate=0.0):
    return pd.DataFrame({"size_n": [size], "aging_n": [aging], "rate_n": [rate]})


@pytest.mark.parametrize("value", [1.0, 5.0, 10.0])
def test_a_small_expected_number_is_said_as_cases_a_year_and_passes_the_gate_of_small_counts(value):
    text = findings.growth(outlook(), drivers(rate=-value), now=2025, ahead=2035).text
    assert f"the trend in rates, which takes away {value:.0f} cases a year" in text
    Spoken().say("a takeaway", text, said.drivers(drivers(aging=value, rate=-value), 2025, 2035)["title"], below=11)


def test_growth_names_direction_and_driver():
    grows = findings.growth(outlook(), drivers(60, 80, -40), now=2025, ahead=2035).text
    assert "grow 10 % by 2035" in grows and "aging, which adds 80 cases a year" in grows
    falls = findings.growth(outlook(ahead=900.0, low=850.0, high=950.0), drivers(-120, 40, -20), now=2025, ahead=2035).text
    assert "fall 10 % by 2035" in falls and "the number of people, which takes away 120 cases a year" in falls
    assert "driver" not in findings.growth(outlook(), drivers(), now=2025, ahead=2035).text


def test_the_title_of_the_drivers_says_each_direction():
    def title(**terms):
        return said.drivers(drivers(**terms), 2025, 2035)["title"]

    assert title(aging=80, rate=-40) == "Aging adds 80 and rates take away 40 cases a year"
    assert title(aging=-8, rate=4) == "Aging takes away 8 and rates add 4 cases a year"


@pytest.mark.parametrize(
    ("growth", "gain", "title"),
    [
        (-600, -140, "A smaller market cost us 600 stays, lost share another 140"),
        (-600, 140, "A smaller market cost us 600 stays, gained share brought 140"),
        (600, 140, "A larger market brought us 600 stays, gained share another 140"),
        (600, -140, "A larger market brought us 600 stays, lost share cost 140"),
        (-6, 140, "A smaller market cost us fewer than 11 stays, gained share brought 140"),
        (600, -4, "A larger market brought us 600 stays, lost share cost fewer than 11"),
    ],
)
def test_the_title_of_the_shift_share_follows_the_signs_and_gives_no_small_term(growth, gain, title):
    terms = pd.DataFrame({"growth": [growth / 2] * 2, "mix": [0.0, 0.0], "gain": [gain / 2] * 2})
    assert said.shift(terms, "Us", 2019, 2023)["title"] == title


def test_the_site_that_grows_most_is_never_the_remainder():
    table = pd.DataFrame({"site": ["Breast", "Lung", "All other"], "now_n": [100.0, 90, 400], "ahead_n": [120.0, 80, 500]})
    assert said.sites(table, 2025, 2035)["title"] == "Breast grows most: 20 more cases a year by 2035"
    assert said.sites(table.assign(ahead_n=table["now_n"]), 2025, 2035)["title"] == "No site grows by 2035"


def test_the_burden_title_counts_only_what_lies_beyond_chance():
    local = pd.DataFrame({"county": ["A", "B"], "sir": [1.3, 1.2], "signal": ["high (99.8 %)", "high (95 %)"]})
    judged = SimpleNamespace(period="2017-2021", compared="the nation")
    assert said.burden(local, judged)["title"] == "1 county above what chance allows, A 30 % over expectation"
    assert said.burden(local.assign(signal="as expected"), judged)["title"].startswith("No county")
    assert said.burden(local.assign(sir=float("nan"), signal=None), judged)["title"].startswith("The burden cannot be judged")


def test_our_share_of_zips_is_counted_against_that_of_the_area():
    top = pd.DataFrame({"share_high": [0.10, 0.30, 0.50]})
    assert said.zip_shares(top, 0.2, 2023)["title"] == "1 ZIP of the 3 largest gives us less than 20 %"
    none = said.zip_shares(top.head(0), 0.2, 2023)
    assert none["title"].startswith("No large ZIP") and none["note"].startswith("Shares by ZIP cannot be shown")


def test_a_shrinking_need_is_a_threat_and_a_growing_one_an_opportunity():
    served = SimpleNamespace(
        gained=pd.DataFrame(
            {"system": ["Us"], "share": [0.2], "gained_points": [0.0], "gained_points_low": [-0.1], "gained_points_high": [0.1]}
        ),
        hhi=pd.DataFrame({"market": ["unconcentrated"]}),
    )
    mix = pd.DataFrame({"site": [], "lq_ratio_low": [], "lq_ratio_high": []})
    figures = dict.fromkeys(("share", "mix", "need", "gap", "hhi"), "Figure 1")
    for ahead, row in ((1100.0, ("Opportunity", "100 more")), (900.0, ("Threat", "100 fewer"))):
        table = tables.swot(served, "Us", outlook(ahead=ahead), mix, pd.DataFrame(), figures).set_index("kind")
        assert table.loc[row[0], "finding"].startswith(row[1])
