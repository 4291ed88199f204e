"""Growth plans: a pro forma worked by hand to the cent, capacity, hub volume, dependencies, scenarios, the demo's planted truth."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from catchment import params
from catchment.growth import capacity, initiatives, scenarios, staffing
from catchment.stats import finance, forecast, quarters, uncertainty

MEASURES = ("cases", "visits")
NEUTRAL = pd.DataFrame([scenarios.NEUTRAL])


def plan(**changes):
    """One initiative from July of the first of three years: half of 100 visits in its first twelve months, all of them after."""
    months = 36
    base = initiatives.Plan(
        names=("clinic",),
        measures=MEASURES,
        years=np.array([2026, 2027, 2028]),
        baseline=np.array([[50.0, 1000.0]] * 3),
        spread=np.array([[5.0, 100.0]] * 3),
        effects=np.array([[0.0, 100.0]]),
        moved=np.array([0.1]),
        payer=np.array([1.0]),
        ramp=np.array([[0.5] * 12 + [1.0] * (months - 12)]),
        start=np.array([6]),
        capital=np.array([50_000.0]),
        one_off=np.array([2_000.0]),
        running=np.array([12_000.0]),
        limit=np.array([np.inf, np.inf]),
        adds=np.zeros((1, 2)),
        service=np.array([[0.0, 600.0], [0.0, 200.0]]),
        drugs=np.array([0.0, 100.0]),
        price_growth=0.02,
        cost_growth=0.03,
        rate=0.08,
        requires=np.zeros((1, 1), dtype=bool),
        probability=np.array([0.5]),
    )
    return dataclasses.replace(base, **changes)


def two(**changes):
    """The same with a second initiative that needs the first."""
    base = plan()
    doubled = {
        field.name: np.repeat(getattr(base, field.name), 2, axis=0)
        for field in dataclasses.fields(base)
        if field.name in ("effects", "moved", "payer", "ramp", "start", "capital", "one_off", "running", "adds", "probability")
    }
    return dataclasses.replace(
        base, **{"names": ("clinic", "annex"), "requires": np.array([[False, False], [True, False]])} | doubled | changes
    )


def test_a_small_pro_forma_worked_by_hand_to_the_cent():
    table = scenarios.pro_forma(plan(), NEUTRAL)
    # 2026: 6 months at half of 100/12 = 25 visits, a tenth from the hub: 22.5. 2027: 25 + 50 = 75, net 67.5. 2028: 100, net 90.
    # Services: 22.5 x 400; 67.5 x (600 x 1.02 - 200 x 1.03); 90 x (600 x 1.0404 - 200 x 1.0609). Drugs: 100 a visit with the price.
    assert table["service_margin_usd"].round(2).tolist() == [0, 9_000.00, 27_405.00, 37_085.40]
    assert table["drug_margin_usd"].round(2).tolist() == [0, 2_250.00, 6_885.00, 9_363.60]
    assert table["running_usd"].round(2).tolist() == [0, 6_000.00, 12_360.00, 12_730.80]
    assert table["one_off_usd"].tolist() == [0, 2_000, 0, 0] and table["capital_usd"].tolist() == [50_000, 0, 0, 0]
    assert table["net_usd"].round(2).tolist() == [-50_000.00, 3_250.00, 21_930.00, 33_718.20]
    # 3,250 / 1.08 + 21,930 / 1.1664 + 33,718.20 / 1.259712 - 50,000.
    assert round(table["discounted_total_usd"].iloc[-1], 2) == round(3_009.259259 + 18_801.440329 + 26_766.594301 - 50_000, 2) == -1_422.71
    assert scenarios.evaluate(plan(), NEUTRAL).npv[0] == pytest.approx(table["discounted_usd"].sum(), abs=1e-6)


def test_npv_at_the_plans_irr_is_zero():
    flows = scenarios.evaluate(plan(), NEUTRAL).flows[0]
    assert finance.npv(finance.irr(flows), flows) == pytest.approx(0, abs=1e-4)


def test_the_net_flow_is_the_sum_of_its_parts():
    table = scenarios.pro_forma(two(), NEUTRAL)
    parts = table["service_margin_usd"] + table["drug_margin_usd"] - table["running_usd"] - table["one_off_usd"] - table["capital_usd"]
    assert parts.to_numpy() == pytest.approx(table["net_usd"].to_numpy())


def test_a_delay_moves_months_and_pays_capital_in_the_year_of_the_start():
    late = scenarios.evaluate(plan(), NEUTRAL.assign(delay=6.0))
    assert late.parts["capital_usd"][0].tolist() == [0, 50_000, 0]
    assert late.extra[0, :, 1].tolist() == pytest.approx([0, 0.9 * 50, 0.9 * 100])
    never = scenarios.evaluate(plan(), NEUTRAL.assign(delay=60.0))
    assert never.npv[0] == 0 and not never.flows.any()


def test_demand_above_the_limit_is_turned_away_with_and_without_the_plan():
    full = scenarios.evaluate(plan(limit=np.array([np.inf, 1000.0])), NEUTRAL)
    assert full.extra[0, :, 1].tolist() == pytest.approx([0, 0, 0])
    half = scenarios.evaluate(plan(limit=np.array([np.inf, 1050.0])), NEUTRAL)
    # 2028: 100 visits wanted, 50 served; 10 of the 100 come from the hub: 40 gained.
    assert half.extra[0, 2, 1] == pytest.approx(40)
    over = plan(limit=np.array([np.inf, 900.0]), effects=np.zeros((1, 2)), adds=np.array([[0.0, 60.0]]))
    assert scenarios.evaluate(over, NEUTRAL).extra[0, :, 1].tolist() == pytest.approx([30, 60, 60])


def test_a_closure_that_sends_patients_to_the_hub_costs_the_system_nothing_for_them():
    closed = plan(effects=np.array([[0.0, -100.0]]), moved=np.array([1.0]), ramp=np.ones((1, 36)))
    assert scenarios.evaluate(closed, NEUTRAL).extra[0, :, 1] == pytest.approx([0, 0, 0])
    lost = plan(effects=np.array([[0.0, -100.0]]), moved=np.array([0.9]), ramp=np.ones((1, 36)))
    assert scenarios.evaluate(lost, NEUTRAL).extra[0, :, 1] == pytest.approx([-5, -10, -10])


@pytest.mark.parametrize("limit", [np.inf, 5000.0])
def test_a_closure_beside_a_clinic_keeps_what_it_sends_to_the_hub(limit):
    both = two(
        effects=np.array([[0.0, 100.0], [0.0, -40.0]]),
        moved=np.array([0.1, 0.9]),
        ramp=np.ones((2, 36)),
        requires=np.zeros((2, 2), dtype=bool),
        limit=np.array([np.inf, limit]),
    )
    apart = [scenarios.evaluate(both, NEUTRAL, np.array(go)).extra[0, 2, 1] for go in ([True, False], [False, True])]
    assert apart == pytest.approx([90, -4])
    assert scenarios.evaluate(both, NEUTRAL).extra[0, 2, 1] == pytest.approx(86)


def test_a_better_payer_mix_earns_more_on_services_only():
    usual, better = scenarios.evaluate(plan(), NEUTRAL), scenarios.evaluate(plan(payer=np.array([1.5])), NEUTRAL)
    assert better.parts["drug_margin_usd"] == pytest.approx(usual.parts["drug_margin_usd"])
    # 2026: the 22.5 visits gained are paid half as much again.
    assert better.parts["service_margin_usd"][0, 0] - usual.parts["service_margin_usd"][0, 0] == pytest.approx(22.5 * 600 * 0.5)


def test_drivers_act_where_they_say():
    usual = scenarios.evaluate(plan(), NEUTRAL)
    for name, part in (("capital", "capital_usd"), ("drug_margin", "drug_margin_usd")):
        moved = scenarios.evaluate(plan(), NEUTRAL.assign(**{name: 1.2}))
        assert moved.parts[part] == pytest.approx(1.2 * usual.parts[part])
        assert moved.parts["running_usd"] == pytest.approx(usual.parts["running_usd"])
    assert scenarios.evaluate(plan(), NEUTRAL.assign(demand=1.0)).volume[0, :, 1] == pytest.approx(usual.volume[0, :, 1] + 100)
    assert scenarios.evaluate(plan(), NEUTRAL.assign(growth=0.1)).volume[0, 1, 0] == pytest.approx(50 * 1.21)


def test_without_what_it_requires_an_initiative_cannot_go_ahead():
    assert scenarios.chosen(two(), ["annex"]).tolist() == [False, False]
    assert scenarios.chosen(two(), "all").tolist() == [True, True]
    going = scenarios.lottery(two(), 20_000, seed=1)
    assert not (going[:, 1] & ~going[:, 0]).any()
    assert going.mean(axis=0) == pytest.approx([0.5, 0.25], abs=0.015)


def test_draws_are_the_single_evaluations_side_by_side_whatever_the_block(monkeypatch):
    drawn = pd.DataFrame({"demand": [-1.0, 0.0, 1.5], "volume": [0.8, 1.0, 1.1], "delay": [0.0, 3.4, 7.0]})
    whole = scenarios.evaluate(two(), drawn)
    monkeypatch.setattr(scenarios, "CHUNK", 2)
    assert scenarios.evaluate(two(), drawn).npv.tobytes() == whole.npv.tobytes()
    assert whole.npv == pytest.approx([scenarios.evaluate(two(), drawn.iloc[[place]]).npv[0] for place in range(3)])


@pytest.fixture(scope="module")
def northpoint():
    return params.load("northpoint").growth


def flat(measures, amounts, years=10):
    rows = [
        {"measure": name, "year": 2026 + year, "volume_n": amount, "volume_n_low_80": 0.9 * amount, "volume_n_high_80": 1.1 * amount}
        for name, amount in zip(measures, amounts, strict=True)
        for year in range(years)
    ]
    return pd.DataFrame(rows)


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


@pytest.fixture(scope="module")
def compiled(northpoint):
    return initiatives.compiled(northpoint, flat(USE.index, 1650 * USE), USE, leaked_cases=200.0)


def test_an_initiative_that_states_cases_brings_the_rest_in_proportion(northpoint):
    brings = initiatives.effects(northpoint, USE, leaked_cases=200.0)
    assert brings.loc["oncologist", "infusion_visits"] == pytest.approx(northpoint.initiatives["oncologist"].effects["cases"] * 7.7)
    assert brings.loc["repatriation", "cases"] == pytest.approx(200 * northpoint.initiatives["repatriation"].leaked_share)
    assert brings.loc["linac", "infusion_visits"] == 0 and brings.loc["linac", "fractions"] > 0


def test_scenarios_are_evaluated_as_they_are_written(northpoint, compiled):
    table = scenarios.comparison(northpoint, compiled).set_index("scenario")
    assert (
        table.loc["aggressive", "npv_usd"]
        > table.loc["base", "npv_usd"]
        > table.loc["conservative", "npv_usd"]
        > table.loc["stress", "npv_usd"]
    )
    own = scenarios.evaluate(compiled, scenarios.scenario_row(northpoint.scenarios["stress"])).npv[0]
    assert table.loc["stress", "npv_usd"] == pytest.approx(own)
    assert table.loc["stress", "capital_usd"] == pytest.approx(1.15 * table.loc["base", "capital_usd"])


def test_the_plans_scenario_decides_which_initiatives_the_page_follows(northpoint, compiled):
    chosen = ["chairs", "oncologist"]
    some = northpoint.model_copy(
        update={"scenarios": northpoint.scenarios | {"base": northpoint.scenarios["base"].model_copy(update={"initiatives": chosen})}}
    )
    go, row = scenarios.planned(some, compiled), scenarios.scenario_row(some.scenarios["base"])
    assert [name for name, going in zip(compiled.names, go, strict=True) if going] == [name for name in compiled.names if name in chosen]
    worth = scenarios.comparison(some, compiled).set_index("scenario").loc["base", "npv_usd"]
    assert scenarios.pro_forma(compiled, row, go)["discounted_total_usd"].iloc[-1] == pytest.approx(worth)
    drawn = uncertainty.draws(some.ranges(), 200, seed=1)
    alone = scenarios.evaluate(compiled, drawn, scenarios.lottery(compiled, 200, seed=some.seed, names=chosen))
    assert scenarios.simulated(some, compiled, drawn).npv == pytest.approx(alone.npv)
    # A plan without the linac pays no linac, on whatever day.
    whole = scenarios.dated(some, compiled, row)["xnpv_usd"] - scenarios.dated(some, compiled, row, go)["xnpv_usd"]
    apart = scenarios.evaluate(compiled, row).npv[0] - scenarios.evaluate(compiled, row, go).npv[0]
    assert whole == pytest.approx(apart, abs=compiled.rate * compiled.capital.sum())


def test_the_cash_fan_ends_with_the_npvs_own_spread(northpoint, compiled):
    drawn = uncertainty.draws(northpoint.ranges(), 400, seed=2, correlations=northpoint.ranks())
    found = scenarios.simulated(northpoint, compiled, drawn)
    fan = scenarios.cash_fan(compiled, found)
    assert fan["year"].tolist() == list(range(2025, 2036))
    last = fan.iloc[-1]
    assert last["total_usd"] == pytest.approx(np.median(found.npv))
    assert [last["total_usd_low_80"], last["total_usd_high_80"]] == pytest.approx(np.quantile(found.npv, [0.1, 0.9]))
    assert (fan["total_usd_low_95"] <= fan["total_usd_low_80"]).all() and (fan["total_usd_high_80"] <= fan["total_usd_high_95"]).all()


def test_expected_value_of_the_tree(northpoint, compiled):
    table = scenarios.comparison(northpoint, compiled)
    ends = scenarios.tree(northpoint, table)
    assert ends["probability_share"].iloc[:-1].sum() == pytest.approx(1) == ends["probability_share"].iloc[-1]
    assert ends["npv_usd"].iloc[-1] == pytest.approx((ends["probability_share"] * ends["npv_usd"]).iloc[:-1].sum())


def test_simulation_is_reproducible_and_its_breach_lies_between_zero_and_one(northpoint, compiled):
    drivers = {name: driver.numbers() for name, driver in northpoint.drivers.items()}
    drawn = uncertainty.draws(drivers, 400, seed=northpoint.seed)
    going = scenarios.lottery(compiled, 400, seed=northpoint.seed)
    first, second = scenarios.evaluate(compiled, drawn, going), scenarios.evaluate(compiled, drawn, going)
    assert first.npv.tobytes() == second.npv.tobytes()
    breaches = staffing.breach(northpoint, compiled, first)
    assert set(breaches["resource"]) == {"linac", "chair"} and breaches["breach_share"].between(0, 1).all()
    assert (breaches["over_share"] <= breaches["breach_share"]).all()


def test_growth_hits_the_chairs_in_the_planted_year(northpoint, demo_truth):
    tables = demo_truth("northpoint")
    needed = staffing.with_plan(northpoint, tables, NEUTRAL, np.zeros(len(tables.names), dtype=bool))
    limits = capacity.limits(needed).set_index("resource")
    assert limits.loc["chair", "year_hit"] == 2027
    assert pd.isna(limits.loc["linac", "year_hit"])


@pytest.mark.parametrize(
    ("partner", "measure", "low", "high"),
    [
        ("northpoint", "infusion_visits", 0.15, 0.50),
        ("dunes", "fractions", -0.35, -0.08),
        ("tallgrass", "infusion_visits", -0.03, 0.03),
        ("tallgrass", "cases", 0.02, 0.12),
    ],
)
def test_forecasts_find_what_was_planted(demo_truth, partner, measure, low, high):
    found = demo_truth(partner)
    place = found.measures.index(measure)
    assert low <= found.baseline[4, place] / found.baseline[0, place] - 1 <= high


@pytest.fixture(scope="module")
def demo_truth():
    """A partner's plan from the demo's volumes, compiled once."""
    from catchment import data

    kept = {}

    def found(partner):
        if partner not in kept:
            settings = params.load(partner)
            volumes = quarters.tidy(data.Tables(settings).read("volumes"))
            outlook = forecast.outlook(
                quarters.totals(volumes, "measure"), as_of=settings.as_of, per_day=("infusion_visits", "fractions", "surgeries")
            )
            recent = quarters.yearly(outlook.cleaned).query("year == 2025").rename(columns={"series": "measure"})
            kept[partner] = initiatives.compiled(
                settings.growth, outlook.years.rename(columns={"series": "measure"}), initiatives.per_case(recent)
            )
        return kept[partner]

    return found
