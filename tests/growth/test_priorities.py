"""What first: values, ranking, best set, roadmap, budget, funding gaps, bridges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment import params
from catchment.growth import bridges, initiatives, priorities, scenarios
from catchment.stats import uncertainty

USE = pd.Series(
    {
        "cases": 1.0,
        "medical_patients": 0.45,
        "radiation_patients": 0.33,
        "surgical_patients": 0.5,
        "infusion_visits": 7.7,
        "fractions": 6.7,
        "surgeries": 0.57,
    }
)


def flat(cases=1650, years=10):
    rows = [
        {
            "measure": name,
            "year": 2026 + year,
            "volume_n": cases * share,
            "volume_n_low_80": 0.9 * cases * share,
            "volume_n_high_80": 1.1 * cases * share,
        }
        for name, share in USE.items()
        for year in range(years)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def rules():
    return params.load("northpoint").growth


@pytest.fixture(scope="module")
def plan(rules):
    return initiatives.compiled(rules, flat(), USE, leaked_cases=250.0)


@pytest.fixture(scope="module")
def row(rules):
    return scenarios.scenario_row(rules.scenarios["base"])


@pytest.fixture(scope="module")
def valued(rules, plan, row):
    return priorities.values(rules, plan, row).set_index("initiative", drop=False)


def test_value_is_on_top_of_what_an_initiative_requires(rules, plan, row, valued):
    both = scenarios.evaluate(plan, row, scenarios.chosen(plan, ["oncologist", "clinic"])).npv[0]
    alone = scenarios.evaluate(plan, row, scenarios.chosen(plan, ["oncologist"])).npv[0]
    assert valued.loc["clinic", "npv_usd"] == pytest.approx(both - alone)
    assert valued.loc["clinic", "probability_share"] == pytest.approx(
        rules.initiatives["clinic"].probability * rules.initiatives["oncologist"].probability
    )
    assert valued.loc["clinic", "expected_usd"] == pytest.approx(
        valued.loc["clinic", "npv_usd"] * valued.loc["clinic", "probability_share"]
    )


def test_break_even_share_brings_the_value_to_zero(rules, plan, row, valued):
    import dataclasses

    share = valued.loc["screening", "break_even_share"]
    own = np.array([name == "screening" for name in plan.names])
    scaled = dataclasses.replace(plan, effects=np.where(own[:, None], plan.effects * share, plan.effects))
    assert priorities.values(rules, scaled, row).set_index("initiative").loc["screening", "npv_usd"] == pytest.approx(
        0, abs=0.02 * abs(valued.loc["screening", "npv_usd"])
    )


def test_cases_to_cover_the_running_cost(rules, plan, valued):
    margin = initiatives.margin_per_case(rules, plan)
    assert valued.loc["oncologist", "even_n"] == pytest.approx(valued.loc["oncologist", "running_usd"] / margin)


def test_the_best_set_beats_every_other_and_keeps_its_requirements(rules, plan, row):
    chosen = priorities.best(rules, plan, row)
    own = scenarios.evaluate(plan, row, scenarios.chosen(plan, chosen)).npv[0]
    random = np.random.default_rng(4)
    others = [
        scenarios.evaluate(plan, row, scenarios.allowed(plan, random.random((1, len(plan.names))) < 0.5)[0]).npv[0] for _ in range(40)
    ]
    assert own >= max(others) and all(rules.needed(name) <= set(chosen) for name in chosen)


def test_ranking_follows_its_weights(rules, plan, row, valued):
    table = priorities.ranking(rules, valued.reset_index(drop=True))
    assert table["rank"].tolist() == list(range(1, len(table) + 1)) and table["score_share"].is_monotonic_decreasing
    alone = rules.model_copy(update={"rank_weights": {"npv": 1.0, "fit": 0.0, "effort": 0.0, "risk": 0.0}})
    assert priorities.ranking(alone, valued.reset_index(drop=True))["npv_usd"].is_monotonic_decreasing
    assert table["first_share"].sum() == pytest.approx(1) and (table["rank_low"] <= table["rank_high"]).all()


def test_ranking_by_hand(rules):
    one = rules.initiatives["screening"]
    score = {"access": 4, "quality": 5, "network": 3, "mission": 5}
    assert one.fit == score
    assert priorities.fit(rules)["screening"] == pytest.approx((0.30 * 4 + 0.25 * 5 + 0.25 * 3 + 0.20 * 5 - 1) / 4)


def test_weights_that_do_not_add_to_one_are_refused(rules, valued):
    wrong = rules.model_copy(update={"rank_weights": {"npv": 0.9, "fit": 0.3, "effort": 0.15, "risk": 0.15}})
    with pytest.raises(ValueError, match=r"rank_weights: expected weights that add to 1, found 1\.5"):
        priorities.ranking(wrong, valued.reset_index(drop=True))


def test_simulated_values_move_the_ranks(rules, plan, valued):
    drawn = uncertainty.draws({name: driver.numbers() for name, driver in rules.drivers.items()}, 120, seed=1)
    simulated = priorities.simulated_values(rules, plan, drawn)
    assert simulated.shape == (120, len(plan.names))
    shaken = priorities.ranking(rules, valued.reset_index(drop=True), simulated=simulated)
    assert (shaken["rank_high"] - shaken["rank_low"]).sum() >= (lambda still: (still["rank_high"] - still["rank_low"]).sum())(
        priorities.ranking(rules, valued.reset_index(drop=True))
    ) - 2


def test_roadmap_counts_back_from_the_start(rules):
    road = priorities.roadmap(rules, as_of="2025-12-31").set_index(["initiative", "phase"])
    start = pd.Timestamp(rules.initiatives["linac"].start)
    assert road.loc[("linac", "pilot"), "start"] == start == road.loc[("linac", "plan"), "end"]
    assert road.loc[("linac", "assess"), "start"] == start - pd.DateOffset(months=12)
    # A ramp over four years is at its full effect after three: scaling ends there.
    assert road.loc[("linac", "scale"), "end"] == start + pd.DateOffset(months=36)
    assert road.loc[("repatriation", "assess"), "late"] and not road.loc[("linac", "assess"), "late"]
    assert "Third radiation oncologist" in road.loc[("linac", "plan"), "requires"]


def test_budget_adds_to_the_plans_own_cost(rules, plan, row):
    yearly = priorities.budget(rules, plan)
    parts = scenarios.evaluate(plan, row).parts
    for part in ("capital_usd", "one_off_usd", "running_usd"):
        assert yearly.groupby("year")[part].sum().to_numpy() == pytest.approx(parts[part][0])


def test_funding_gaps_are_what_no_budget_covers(rules):
    gaps = priorities.funding_gaps(rules)
    assert {"need", "theme", "gap_usd", "year"} <= set(gaps.columns) and gaps["gap_usd"].is_monotonic_decreasing
    linac = gaps.set_index("initiative").loc["linac"]
    own = rules.initiatives["linac"]
    assert linac["gap_usd"] == own.capital_usd + own.one_off_usd - own.funded_usd and linac["year"] == 2029


def test_bridge_by_hand_and_to_the_last_digit():
    table = bridges.bridge(100, {"population": 1.1, "aging": 1.2}, after=150, additions={"initiatives": 30}).set_index("driver")["value"]
    mean = 50 / np.log(1.5)
    assert table["population"] == pytest.approx(mean * np.log(1.1))
    assert table["share and use"] == pytest.approx(mean * np.log(150 / 132))
    assert table["end"] == pytest.approx(180, abs=1e-9)


@given(
    st.floats(1, 1e6),
    st.dictionaries(st.sampled_from(["population", "aging", "rate", "shift"]), st.floats(0.2, 5), min_size=1),
    st.floats(1, 1e6),
    st.floats(-1e4, 1e4),
)
def test_the_sum_of_drivers_is_the_change(before, factors, after, added):
    table = bridges.bridge(before, factors, after=after, additions={"initiatives": added})
    steps = table.loc[table["kind"].eq("step"), "value"].sum()
    assert before + steps == pytest.approx(after + added, rel=1e-9, abs=1e-6)
    assert table["value"].iloc[-1] == pytest.approx(after + added, rel=1e-9, abs=1e-6)


def test_a_volumes_bridge_credits_initiatives_only_with_what_they_bring(rules, plan):
    recent = dict(zip(plan.measures, plan.baseline[0], strict=True))
    factors = {"population": 1.05, "aging": 1.08, "rate": 0.99}
    for name, measure in (("base", "cases"), ("aggressive", "infusion_visits")):
        row = scenarios.scenario_row(rules.scenarios[name])
        table = bridges.volume_bridge(rules, plan, row, measure, recent, factors, now=2025).set_index("driver")["value"]
        place = plan.measures.index(measure)
        volume = scenarios.evaluate(plan, row).volume[0, -1, place]
        assert table["end"] == pytest.approx(volume)
        assert table["initiatives"] == pytest.approx(
            volume - scenarios.evaluate(plan, row, scenarios.chosen(plan, ())).volume[0, -1, place]
        )
        assert ("site of care" in table) == (measure == "infusion_visits")
        assert table.drop("end").sum() == pytest.approx(table["end"])


def test_a_bridge_without_change_has_only_zero_steps():
    table = bridges.bridge(100, {"population": 1.25, "rate": 0.8}, after=100)
    assert table["value"].iloc[-1] == pytest.approx(100) and table["value"].iloc[1] == pytest.approx(-table["value"].iloc[2])


def test_bridges_need_positive_volumes():
    with pytest.raises(ValueError, match="positive"):
        bridges.bridge(0, {"population": 1.1})


def test_demand_factors_multiply_to_the_growth_of_expected_cases():
    ages = [0, 65]
    people = pd.DataFrame(
        [
            {"county_fips": county, "year": year, "sex": "female", "age_low": age, "population_n": number}
            for county, numbers in {"a": [900, 100, 900, 200], "b": [500, 500, 600, 600]}.items()
            for (year, age), number in zip([(2025, 0), (2025, 65), (2035, 0), (2035, 65)], numbers, strict=True)
        ]
    )
    rates = pd.DataFrame({"site": "Breast", "sex": "female", "age_low": ages, "rate_100k": [10.0, 1000.0]})
    found = bridges.demand_factors(people, rates, pd.Series({"a": 1.0}), rate_factors={"Breast": 0.9})
    # County a: 1,000 to 1,100 people; cases 1.09 to 2.09.
    assert found["population"] == pytest.approx(1.1) and found["rate"] == pytest.approx(0.9)
    assert found["population"] * found["aging"] == pytest.approx(2.09 / 1.09)
    mixed = bridges.demand_factors(people, rates, pd.Series({"a": 1.0, "b": 3.0, "elsewhere": 50.0}), rate_factors={})
    assert mixed["population"] == pytest.approx(0.25 * 1.1 + 0.75 * 1.2) and mixed["rate"] == 1
    with pytest.raises(ValueError, match="found none"):
        bridges.demand_factors(people, rates, pd.Series({"c": 1.0}), rate_factors={})


def test_a_case_contributes_with_all_that_follows_it(rules):
    recent = pd.DataFrame({"measure": list(USE.index), "volume_n": [1000 * share for share in USE]})
    unit = initiatives.economics(rules).set_index("measure")
    by_hand = sum(
        USE[name]
        * (
            unit.loc[name, "revenue_usd"]
            - unit.loc[name, "variable_usd"]
            + unit.loc[name, "drug_revenue_usd"]
            - unit.loc[name, "drug_cost_usd"]
        )
        for name in unit.index
    )
    assert initiatives.contribution_per_case(rules, recent) == pytest.approx(by_hand)
    assert np.isnan(initiatives.contribution_per_case(rules, recent.assign(volume_n=0.0)))
