"""Cell suppression: published examples, the fewest cells by enumeration, and attacks on random tables."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.protect import suppression
from catchment.protect.suppression import Sum


def cells(table: pd.DataFrame) -> pd.Series:
    full = table.astype("float64")
    full["Total"] = full.sum(axis=1)
    full.loc["Total"] = full.sum()
    values = full.stack()
    values.index = values.index.to_flat_index()
    return values


def test_one_to_ten_are_hidden_zero_and_eleven_are_not():
    assert suppression.primary(pd.Series([0, 1, 10, 11])).tolist() == [False, True, True, False]


def test_bounds_of_a_worked_example():
    """Two-way table with both margins: the hidden 2 x 2 block leaves one degree of freedom."""
    table = pd.DataFrame({"x": [5, 20, 30], "y": [15, 4, 30], "z": [40, 50, 60]}, index=list("abc"))
    values = cells(table)
    hidden = pd.Series([cell in {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")} for cell in values.index], index=values.index)
    found = suppression.bounds(values, hidden, suppression.margins("abc", "xyz"))
    assert found.loc[[("a", "x")]].to_numpy().tolist() == [[2, 19]]
    assert found.loc[[("b", "y")]].to_numpy().tolist() == [[1, 18]]
    assert suppression.exposed(values, hidden, suppression.margins("abc", "xyz")).empty


def test_a_published_table_is_audited_without_its_hidden_values():
    """Four hidden cells in a square: each lies between 0 and the smaller of what its row and its column leave."""
    shown = pd.DataFrame(
        [[np.nan, np.nan, 40, 60], [np.nan, np.nan, 50, 74], [30, 30, 60, 120], [55, 49, 150, 254]],
        index=[*"abc", "Total"],
        columns=[*"xyz", "Total"],
    )
    found = suppression.table_bounds(shown, least=0)
    # Row a leaves 20, row b 24; column x 25, column y 19.
    assert found.loc[[("a", "x")]].to_numpy().tolist() == [[1, 20]]
    assert found.loc[[("a", "y")]].to_numpy().tolist() == [[0, 19]]
    assert found.loc[[("b", "x")]].to_numpy().tolist() == [[5, 24]]
    # With zeros shown, cell (b, y) is at least 1, which leaves (a, y) at most 18.
    assert suppression.table_bounds(shown).loc[[("a", "y")]].to_numpy().tolist() == [[1, 18]]
    assert suppression.table_bounds(shown.assign(x=[11, 14, 30, 55])).loc[[("a", "y")]].to_numpy().tolist() == [[9, 9]]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([[1, 2, 3]], "at least one row"),
        ([[1, 2, 4], [1, 2, 4]], "add up to 3, not 4"),
        ([[np.nan, 20, 10], [np.nan, 20, 10]], "contradict"),
    ],
)
def test_a_table_that_cannot_be_audited_says_why(table, said):
    with pytest.raises(ValueError, match=said):
        suppression.table_bounds(pd.DataFrame(table))


def test_a_protected_table_keeps_every_small_cell_uncertain():
    counts = pd.DataFrame({"x": [3, 22, 40], "y": [25, 14, 31], "z": [50, 60, 9]}, index=list("abc"))
    shown = suppression.cross_table(counts)
    found = suppression.table_bounds(shown)
    for cell in (("a", "x"), ("c", "z")):
        low, high = found.loc[[cell]].iloc[0]
        assert high >= 11
        assert high - low >= 1


def test_a_visible_cell_without_a_value_is_an_error():
    with pytest.raises(ValueError, match="visible cell 'a' has no value"):
        suppression.bounds(pd.Series({"t": 3.0, "a": np.nan}), pd.Series({"t": False, "a": False}), [Sum("t", ("a",))])


def test_a_single_hidden_cell_is_exposed_by_its_margins():
    table = pd.DataFrame({"x": [5, 20], "y": [15, 40]}, index=list("ab"))
    values = cells(table)
    found = suppression.exposed(values, suppression.primary(values), suppression.margins("ab", "xy"))
    assert list(found.index) == [("a", "x")]
    assert found.iloc[0].tolist() == [5, 5]


def test_contradicting_publications_are_an_error():
    values = pd.Series({"t": 3.0, "a": 1.0, "b": 10.0})
    with pytest.raises(ValueError, match="contradict"):
        suppression.bounds(values, pd.Series({"t": False, "a": True, "b": False}), [Sum("t", ("a", "b"))])


def test_a_hierarchy_is_protected_across_its_levels():
    """County = ZIPs, region = counties: hiding one ZIP must not be undone one level up."""
    values = pd.Series({"region": 160.0, "north": 60.0, "south": 100.0, "n1": 7.0, "n2": 53.0, "s1": 45.0, "s2": 55.0})
    sums = [Sum("region", ("north", "south")), Sum("north", ("n1", "n2")), Sum("south", ("s1", "s2"))]
    hidden = suppression.suppressed(values, sums)
    assert hidden["n1"]
    assert hidden["n2"]
    assert not hidden["region"]
    assert suppression.exposed(values, hidden, sums).empty


def test_tables_that_share_a_margin_are_audited_together():
    """Each table alone is safe; together they are not: the same cell is hidden in one and derivable from the other."""
    values = pd.Series({"all": 50.0, "lung": 4.0, "breast": 12.0, "rest": 34.0, "men": 4.0 + 10.0, "women": 36.0})
    one = [Sum("all", ("lung", "breast", "rest"))]
    two = [Sum("men", ("lung", "m-rest")), Sum("all", ("men", "women"))]
    values["m-rest"] = 10.0
    hidden = pd.Series({cell: cell in ("lung", "breast") for cell in values.index})
    assert suppression.exposed(values, hidden, one).empty
    assert list(suppression.exposed(values, hidden, one + two).index) == ["lung"]


def brute_force(values: pd.Series, hidden: pd.Series, sums: list[Sum], cell, most: int = 25) -> tuple[int, int]:
    """All whole-number fillings of the hidden cells, counted out."""
    unknown, known = list(values.index[hidden]), values[~hidden].to_dict()
    seen = []
    for filling in itertools.product(range(1, most), repeat=len(unknown)):
        trial = known | dict(zip(unknown, filling, strict=True))
        if all(trial[s.total] == sum(trial[part] for part in s.parts) for s in sums):
            seen.append(trial[cell])
    return min(seen), max(seen)


def test_bounds_equal_a_slow_enumeration():
    values = pd.Series({"t": 36.0, "a": 3.0, "b": 9.0, "c": 24.0, "u": 12.0})
    sums = [Sum("t", ("a", "b", "c")), Sum("u", ("a", "b"))]
    hidden = pd.Series({"t": False, "a": True, "b": True, "c": False, "u": True})
    found = suppression.bounds(values, hidden, sums)
    for cell in ("a", "b", "u"):
        assert tuple(found.loc[cell]) == brute_force(values, hidden, sums, cell)


tables = st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=n, max_size=n))


@settings(max_examples=15, deadline=None)
@given(tables)
def test_differencing_recovers_nothing_from_a_random_table(counts):
    table = pd.DataFrame(counts, index=[f"r{i}" for i in range(len(counts))], columns=list("xyz"))
    values = cells(table)
    sums = suppression.margins(table.index, table.columns)
    shown = suppression.cross_table(table)
    hidden = pd.Series([bool(np.isnan(shown.loc[row, column])) for row, column in values.index], index=values.index)
    assert not (suppression.primary(values) & ~hidden).any()
    left = suppression.exposed(values, hidden, sums)
    # Nothing more can be hidden when every positive cell already is.
    assert left.empty or not (~hidden & (values > 0)).any()


def fewest(values: pd.Series, sums: list[Sum]) -> int:
    """The least number of hidden cells that leaves none exposed, by trying all choices of one more, two more …"""
    small = suppression.primary(values)
    others = values.index[~small & (values > 0)]
    for more in range(len(others) + 1):
        for chosen in itertools.combinations(others, more):
            hidden = small.copy()
            hidden[list(chosen)] = True
            if suppression.exposed(values, hidden, sums).empty:
                return int(hidden.sum())
    return -1


@pytest.mark.parametrize("seed", range(12))
def test_no_other_choice_hides_fewer_cells(seed):
    table = pd.DataFrame(np.random.default_rng(seed).negative_binomial(1, 0.05, size=(3, 3)), index=list("abc"), columns=list("xyz"))
    values, sums = cells(table), suppression.margins("abc", "xyz")
    hidden = suppression.suppressed(values, sums)
    assert suppression.exposed(values, hidden, sums).empty
    assert int(hidden.sum()) == fewest(values, sums)


def test_a_square_of_four_is_enough_for_one_small_cell():
    table = pd.DataFrame([[5, 20, 90], [30, 40, 80], [99, 70, 60]], index=list("abc"), columns=list("xyz"))
    hidden = suppression.suppressed(cells(table), suppression.margins("abc", "xyz"))
    assert {cell for cell in hidden.index if hidden[cell]} == {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")}


def test_a_large_table_is_done_at_once():
    table = pd.DataFrame(np.random.default_rng(1).negative_binomial(1, 0.04, size=(20, 12)), index=range(20), columns=range(12))
    values, sums = cells(table), suppression.margins(table.index, table.columns)
    hidden = suppression.suppressed(values, sums)
    assert suppression.exposed(values, hidden, sums).empty
    assert (hidden & ~suppression.primary(values)).sum() < 15


def test_a_cell_that_the_source_hid_is_looked_at_too():
    """The source gives no value; its total and the other part leave 3."""
    values = pd.Series({"t": 20.0, "a": np.nan, "b": 17.0})
    hidden = pd.Series({"t": False, "a": True, "b": False})
    assert suppression.exposed(values, hidden, [Sum("t", ("a", "b"))]).loc["a"].tolist() == [3, 3]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"t": 20.0, "a": np.nan}, "cell 'a' has no value"),
        ({"t": 20.0, "a": -1.0}, "add up to -1, not 20"),
        ({"t": 20.0}, "unknown cell: 'a'"),
    ],
)
def test_a_table_that_cannot_be_protected_says_why(values, said):
    with pytest.raises(ValueError, match=said):
        suppression.suppressed(pd.Series(values), [Sum("t", ("a",))])
