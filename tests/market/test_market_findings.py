"""What the market page says of its numbers: titles come from the rows shown, directions fit the sign, and no small count is told."""

from types import SimpleNamespace

import pandas as pd
import pytest

from catchment import page
from catchment.market import exhibits, findings, need
from catchment.market.exhibits import burden as burden_exhibits
from catchment.market.exhibits import served as served_exhibits
from catchment.page.exhibit import FalseClaim
from catchment.protect.spoken import Spoken


def report(below=11):
    """A page whose flows and volumes hide counts below a threshold; no table is read."""
    guarded = {"hospital_flows": below, "volumes": below}
    return page.Report(None, SimpleNamespace(used=[], origin=lambda name: SimpleNamespace(suppress_below=guarded.get(name))))


def demand(now=1000.0, ahead=1100.0, low=1050.0, high=1150.0, *, size=0.0, aging=0.0, rate=0.0):
    total = pd.Series(
        {"site": "All sites", "now_n": now, "ahead_n": ahead, "ahead_low": low, "ahead_high": high, "growth_share": ahead / now - 1}
    )
    terms = pd.DataFrame({"before_n": [now], "size_n": [size], "aging_n": [aging], "rate_n": [rate]})
    return SimpleNamespace(total=total, years=(2025, 2035), drivers=terms, steps=need.bridge(terms, start="2025"), forward=True)


def standing(*rows, **more):
    """Who serves the area: rows of `shares.gains`, ours first."""
    columns = ["system", "share", "gained_points", "gained_points_low", "gained_points_high"]
    gained = pd.DataFrame(rows, columns=columns)
    return SimpleNamespace(gained=gained, mine=gained.iloc[0], hhi=pd.DataFrame({"market": ["unconcentrated"]}), owners="", **more)


@pytest.mark.parametrize("value", [1.0, 5.0, 10.0])
def test_a_small_expected_number_is_said_as_cases_a_year_and_passes_the_gate_of_small_counts(value):
    text = findings.growth(demand(rate=-value), below=11).text
    assert f"the trend in rates, which takes away {value:.0f} cases a year" in text
    Spoken().say("a takeaway", text, exhibits.drivers(report(), demand(aging=value, rate=-value)).title, below=11)


def test_growth_names_direction_and_driver():
    grows = findings.growth(demand(size=60, aging=80, rate=-40), below=11).text
    assert "grow 10 % by 2035" in grows and "aging, which adds 80 cases a year" in grows
    falls = findings.growth(demand(ahead=900.0, low=850.0, high=950.0, size=-120, aging=40, rate=-20), below=11).text
    assert "fall 10 % by 2035" in falls and "the number of people, which takes away 120 cases a year" in falls
    assert "driver" not in findings.growth(demand(), below=11).text


def test_the_threshold_of_small_counts_is_the_pages():
    few = {below: findings.growth(demand(), below=below, share=0.12).so for below in (11, 16)}  # 12 cases
    assert "12 cases more" in few[11] and "fewer than 16 cases more" in few[16]
    hidden = pd.DataFrame({"zip": ["60001"], "share": [float("nan")]})
    assert "fewer than 16 published stays" in findings.origin(SimpleNamespace(origin=hidden), "Us", below=16).text


def test_the_title_of_the_drivers_says_each_direction():
    assert exhibits.drivers(report(), demand(aging=80, rate=-40)).title == "Aging adds 80 and rates take away 40 cases a year"
    assert exhibits.drivers(report(), demand(aging=-8, rate=4)).title == "Aging takes away 8 and rates add 4 cases a year"


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
    steps = ["2019", "Market growth", "Mix of counties", "Share"]
    served = SimpleNamespace(moved=pd.DataFrame({"step": steps, "stays": [5000.0, growth, 0.0, gain]}))
    assert exhibits.shift(report(), served, "Us", 2019, 2023).title == title


def test_the_site_that_grows_most_is_never_the_remainder():
    columns = dict.fromkeys(need.CASES[2:], 0.0)
    table = pd.DataFrame({"site": ["Breast", "Lung", "All other"], **columns, "now_n": [100.0, 90, 400], "ahead_n": [120.0, 80, 500]})
    found = exhibits.sites(report(), SimpleNamespace(years=(2025, 2035), sites=table, forward=True))
    assert found.title == "Breast grows most: 20 more cases a year by 2035" and found.headings["ahead_low"] == "2035 low"
    same = SimpleNamespace(years=(2025, 2035), sites=table.assign(ahead_n=table["now_n"]), forward=True)
    assert exhibits.sites(report(), same).title == "No site grows by 2035"


def test_without_a_projection_the_most_frequent_site_is_named_and_nothing_is_said_of_the_year_ahead():
    columns = dict.fromkeys(need.CASES[2:], 0.0)
    table = pd.DataFrame({"site": ["Breast", "Lung", "All other"], **columns, "now_n": [100.0, 90, 400]})
    held = SimpleNamespace(years=(2025, 2035), sites=table, forward=False)
    found = exhibits.sites(report(), held)
    assert found.title == "Breast is the most frequent: 100 cases a year in 2025" and found.shown.columns.tolist() == need.CASES[:4]
    assert "2035" not in found.subtitle + " ".join(found.headings.values()) and "population_projection" not in found.sources


def test_the_burden_title_counts_only_what_lies_beyond_chance():
    local = pd.DataFrame({"county": ["A", "B"], "sir": [1.3, 1.2], "signal": ["high (99.8 %)", "high (95 %)"]})
    local = local.reindex(columns=burden_exhibits.MAPPED)
    judged = SimpleNamespace(period="2017-2021", compared="the nation")
    assert exhibits.burden_map(report(), local, judged).title == "1 county above what chance allows, A 30 % over expectation"
    assert exhibits.burden_map(report(), local.assign(signal="as expected"), judged).title.startswith("No county")
    assert exhibits.burden_map(report(), local.assign(sir=float("nan"), signal=None), judged).title.startswith(
        "The burden cannot be judged"
    )


def test_the_funnel_counts_the_market_counties_that_its_table_lists():
    dots = pd.DataFrame({"county_fips": list("abc"), "county": ["A", "B", "C"], "signal": ["high (99.8 %)", "as expected", "low (99.8 %)"]})
    dots = dots.reindex(columns=["county_fips", *burden_exhibits.PLOTTED])
    judged = SimpleNamespace(period="2017-2021", compared="the nation")
    found = exhibits.funnel(report(), dots, judged, ["a", "b"], ["a", "b"])
    assert found.title == "1 of 2 market counties lie outside the funnel" and found.shown["county"].tolist() == ["A", "B"]
    assert "3 counties" in found.subtitle and found.note.startswith("Each county against the nation,")
    assert exhibits.funnel(report(), dots, judged, [], ["a"]).title == "No market county has a published rate"


def test_our_share_of_zips_is_counted_against_that_of_the_area():
    top = pd.DataFrame({"place": list("abc"), "share_high": [0.10, 0.30, 0.50]}).reindex(
        columns=["place", "cases_n", "origin_share", "share", "share_low", "share_high"]
    )
    assert exhibits.zip_shares(report(), top, 0.2, 2023).title == "1 ZIP of the 3 largest gives us less than 20 %"
    none = exhibits.zip_shares(report(16), top.head(0), 0.2, 2023)
    assert none.title.startswith("No large ZIP") and "every ZIP has fewer than 16 published stays" in none.note


def test_our_place_counts_every_system_and_not_only_those_that_are_drawn():
    rows = [("Us", 0.1, 0.0, -0.1, 0.1), *((f"Other {i}", 0.11, 0.0, -0.1, 0.1) for i in range(7))]
    lead = pd.DataFrame({"year": [2023], "system": ["Us"], "cases_n": [100.0], "share": [0.1]})
    found = exhibits.share_trend(report(), standing(*rows, lead=lead), "Us", 2019, 2023)
    assert found.title.startswith("Number 8 with 10.0 %")


def test_a_title_that_says_another_number_than_the_rows_is_refused(monkeypatch):
    lead = pd.DataFrame({"year": [2023], "system": ["Us"], "cases_n": [100.0], "share": [0.2]})
    wrong = standing(("Us", 0.1, 0.0, -0.1, 0.1), lead=lead)  # 10 % in one table, 20 % in the rows drawn
    with pytest.raises(FalseClaim, match="share-trend"):
        exhibits.share_trend(report(), wrong, "Us", 2019, 2023)
    served = SimpleNamespace(moved=pd.DataFrame({"step": ["Market growth", "Share"], "stays": [600.0, 140.0]}))
    monkeypatch.setattr(served_exhibits.words, "people", lambda value, noun, below: f"999 {noun}s")
    with pytest.raises(FalseClaim, match="shift-share"):
        exhibits.shift(report(), served, "Us", 2019, 2023)


def test_the_class_of_the_market_and_the_presumption_follow_the_settings():
    hhi = pd.DataFrame({"year": [2019, 2023], "hhi": [1500.0, 1700.0], "market": ["moderately concentrated"] * 2})
    rules = SimpleNamespace(hhi_moderate=SimpleNamespace(value=900), hhi_high=SimpleNamespace(value=1600))
    found = exhibits.concentration(
        report(21), SimpleNamespace(hhi=hhi, spread=(1650.0, 1750.0), owners="Owners are not given."), "Us", rules
    )
    assert (
        found.title.endswith("HHI 1,700, rising since 2019")
        and "900 and 1,600" in found.note
        and "from 1 to 20" in found.note
        and found.note.endswith("Owners are not given.")
    )
    merged = SimpleNamespace(owners="", merged=pd.DataFrame({"system": ["A"], "hhi_after": [1900.0]}))
    assert "above 1,600 and a change above 100" in exhibits.mergers(report(), merged, "Us", rules).note


def test_a_shrinking_need_is_a_threat_and_a_growing_one_an_opportunity(monkeypatch):
    shown = report()
    monkeypatch.setattr(shown, "number", {"share-trend": 8, "need-drivers": 5}.get)
    served = standing(("Us", 0.2, 0.0, -0.1, 0.1))
    mix = SimpleNamespace(shown=pd.DataFrame({"site": [], "lq_ratio_low": [], "lq_ratio_high": []}))
    for ahead, row in ((1100.0, ("Opportunity", "100 more")), (900.0, ("Threat", "100 fewer"))):
        table = exhibits.swot(shown, served, "Us", demand(ahead=ahead), mix, pd.DataFrame()).shown.set_index("kind")
        assert table.loc[row[0], "finding"].startswith(row[1]) and table.loc[row[0], "evidence"] == "Figure 5"
