"""Tables joined as sums of a table that nobody published: what an attacker recovers from page sets, the audit stops."""

import itertools
from dataclasses import replace

import attack
import numpy as np
import pytest

from catchment.protect import joint, linkage


def audited(tables):
    return linkage.exposed([each.exhibit for each in tables])


@pytest.mark.parametrize("seed", [16, 47, 49, 62])
def test_a_count_that_only_sums_nobody_published_give_away_is_found(seed):
    """Page sets that relations between published cells let pass: the attack recovers a count, and the audit names it now."""
    tables = attack.page_set(seed)
    named = {(each.exhibit, each.row) for each in audited(tables)}
    recovered = {(name, row) for name, row, *_ in attack.recovered(tables)}
    assert recovered
    assert recovered <= named


@pytest.mark.slow
def test_from_page_sets_that_the_audit_passes_the_attack_recovers_nothing():
    sets = [attack.page_set(seed) for seed in range(1_000, 1_200)]
    passed = [tables for tables in sets if not audited(tables)]
    assert [attack.recovered(tables) for tables in passed] == [[]] * len(passed)
    assert sum(any(each.hidden.any() for each in tables) for tables in passed) > 30  # it does not pass by refusing everything


def test_a_sum_that_no_table_shows_joins_two():
    """By town, all who come to A: 70 + 30; by site 60 + 35 and a hidden one, which is 5 though neither table has a total."""
    towns = linkage.Exhibit(
        "By town", "patients_n", frozenset("s"), [("Gary", "A"), ("Hobart", "A"), ("Gary", "B"), ("Hobart", "B")], [70, 30, 20, 40],
        place="1", data="f", columns=("town", "center"),
    )  # fmt: skip
    sites = linkage.Exhibit(
        "By site", "patients_n", frozenset("s"), [("Lung", "A"), ("Breast", "A"), ("Colon", "A"), ("Lung", "B")], [60, 35, "c", 60],
        place="2", data="f", columns=("site", "center"),
    )  # fmt: skip
    assert [(each.row, each.by) for each in linkage.exposed([towns, sites])] == [(("Colon", "A"), ("By town",))]
    assert linkage.exposed([replace(towns, data="of last quarter"), sites]) == []
    # Fewer came to A by town than by site: other people, of whom nothing follows.
    assert linkage.exposed([replace(towns, values=[60, 30, 20, 40]), sites]) == []


def tables_of(random, names):
    """Margins of one random table, written as sums of it."""
    values = {0: "ab", 1: "xyz", 2: "mn", 3: "pq"}
    full = random.integers(0, 30, [len(each) for each in values.values()])
    found = []
    for dims in names:
        rows = [dict(zip(dims, each, strict=True)) for each in itertools.product(*(values[dim] for dim in dims))]
        counts = [int(full[tuple(values[d].index(row[d]) if d in row else slice(None) for d in values)].sum()) for row in rows]
        found.append(joint.Sums(rows, ["c" if random.random() < 0.4 else count for count in counts]))
    return found


@pytest.mark.parametrize("names", [[(0, 1), (1, 2), (2, 3)], [(0, 1), (1, 2), (0, 2), (3,)], [(0, 1), (1, 2), (2, 3), (0, 3)]])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_over_cliques_are_those_of_the_full_table(names, seed):
    """The cliques of a chain, of a triangle and of a square against a program with a cell for each combination."""
    tables = tables_of(np.random.default_rng(seed), names)
    cliques = joint.Joined(tables)
    full = joint.Joined([*tables, joint.Sums([dict(enumerate("axmp"))], [None])])
    assert len(full.cliques[0]) == 4
    assert cliques.starts[1] < full.starts[1]
    for row in (row for table in tables for row in table.rows):
        for sign in (1, -1):
            reached = []
            for program in (cliques, full):
                aim = np.zeros(program.size)
                aim[program.cells(row)] = sign
                reached.append(aim @ program.best(aim))
            assert min(reached[0], 1e6) == pytest.approx(min(reached[1], 1e6))
