"""Capacity against textbook values and arithmetic done by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment.growth import capacity


@pytest.mark.parametrize(
    ("servers", "load", "probability"),
    [
        # M/M/1: the probability of waiting is the utilization (Gross et al., section 2.2).
        (1, 0.7, 0.7),
        # M/M/2 with 1 erlang: Erlang C = 1/3 (Gross et al., section 2.3: rho = 1/2).
        (2, 1.0, 1 / 3),
        # Call-center table (Koole, Call Center Optimization, 2013; Erlang C calculators): 10 erlangs, 12 agents: 0.4493; 14 agents: 0.1741.
        (12, 10.0, 0.449383),
        (14, 10.0, 0.174139),
    ],
)
def test_erlang_c_of_the_tables(servers, load, probability):
    assert capacity.erlang_c(servers, load) == pytest.approx(probability, abs=5e-4)


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_erlang_c_is_the_textbook_sum(servers, utilization):
    load = servers * utilization
    terms = np.cumprod(np.append(1.0, load / np.arange(1, servers + 1)))
    last = terms[-1] * servers / (servers - load)
    assert capacity.erlang_c(servers, load) == pytest.approx(last / (terms[:-1].sum() + last), rel=1e-9)


def test_many_servers_do_not_overflow_and_a_full_queue_never_settles():
    assert 0 < capacity.erlang_c(800, 780) < 1
    assert capacity.erlang_c(3, 3) == 1.0
    assert capacity.wait(3, 3, 1) == float("inf")
    assert capacity.erlang_c(3, 0) == 0
    with pytest.raises(ValueError, match="at least one server"):
        capacity.erlang_c(0, 1)


def test_wait_of_one_server_is_the_classic_formula():
    # M/M/1 with 4 arrivals an hour and 10 minutes of service: Wq = rho / (mu - lambda) = (2/3) / (6 - 4) h = 20 minutes.
    assert capacity.wait(1, 4, 1 / 6) * 60 == pytest.approx(20)
    # M/D/1 waits half as long as M/M/1 (Pollaczek-Khinchine).
    assert capacity.wait(1, 4, 1 / 6, service_cv=0) * 60 == pytest.approx(10)


def test_linacs_chairs_and_staff_by_hand():
    most = capacity.linac_fractions(slots_per_hour=4, hours_per_day=9, days_per_year=250)
    assert most == 9000
    assert capacity.linacs(7650, fractions_per_linac=most, utilization=0.85) == pytest.approx(1.0)
    assert capacity.linacs(7650, fractions_per_linac=most, utilization=0.85, retreatment=0.2) == pytest.approx(1.2)
    assert capacity.chairs(5625, hours_per_visit=3.2, hours_per_day=9, days_per_year=250, utilization=0.8) == pytest.approx(10.0)
    assert capacity.fte([500, 750], cases_per_fte=250).tolist() == [2, 3]


def resources(**changes):
    return pd.DataFrame(
        [
            {"resource": "chair", "title": "Chairs", "measure": "visits", "per_unit_n": 700.0, "utilization": 0.8, "available": 10.0}
            | changes
        ]
    )


def volumes(*amounts):
    return pd.DataFrame({"year": range(2026, 2026 + len(amounts)), "measure": "visits", "volume_n": [float(amount) for amount in amounts]})


def test_the_year_a_limit_is_hit():
    needed = capacity.need(volumes(5000, 5600, 5601, 7001), resources())
    assert needed["need"].tolist() == pytest.approx([5000 / 560, 10, 5601 / 560, 7001 / 560])
    found = capacity.limits(needed).iloc[0]
    assert (found["year_hit"], found["year_over"]) == (2028, 2029)
    assert found["utilization_share"] == pytest.approx(5000 / 7000)


def test_a_resource_that_is_neither_there_nor_used_is_not_hit():
    needed = capacity.need(volumes(0, 0), resources(available=0.0))
    assert not needed["hit"].any() and capacity.limits(needed)["year_hit"].isna().all()
    assert capacity.need(volumes(1), resources(available=0.0))["over"].all()


def test_a_resource_that_is_not_known_has_no_waits():
    with pytest.raises(ValueError, match="expected a resource among chair, found 'chairs'"):
        capacity.waits(capacity.need(volumes(5000), resources()), resource="chairs", hours_per_visit=3, hours_per_year=2100, arrival_cv=1)


def test_waits_by_year_are_missing_where_the_queue_never_settles():
    needed = capacity.need(volumes(5000, 6900, 7100), resources())
    found = capacity.waits(needed, resource="chair", hours_per_visit=3.0, hours_per_year=2100.0, arrival_cv=1.0)
    assert found["wait_min"].notna().tolist() == [True, True, False]
    assert found["wait_min"].iloc[1] > found["wait_min"].iloc[0] > 0
    load = 5000 / 2100 * 3
    assert found["wait_share"].iloc[0] == pytest.approx(capacity.erlang_c(10, load))
    assert found["wait_min"].iloc[0] == pytest.approx(60 * capacity.erlang_c(10, load) * 3 / (10 - load))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: capacity.linac_fractions(slots_per_hour=4, hours_per_day=9, days_per_year=0), "days_per_year above 0"),
        (lambda: capacity.linacs(9000, fractions_per_linac=9000, utilization=85), "utilization as a share"),
        (lambda: capacity.linacs(-1, fractions_per_linac=9000, utilization=0.85), "volumes of 0 or more"),
        (lambda: capacity.chairs(100, hours_per_visit=3, hours_per_day=9, days_per_year=250, utilization=0), "utilization as a share"),
        (lambda: capacity.fte(100, cases_per_fte=0), "cases_per_fte above 0"),
        (lambda: capacity.erlang_c(2.5, 1), "whole number"),
        (lambda: capacity.wait(2, -1, 1), "load of 0 or more"),
        (lambda: capacity.wait(0, 1, 1), "at least one server"),
    ],
)
def test_what_no_machine_can_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
