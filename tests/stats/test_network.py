"""The clinician network: published values, networkx as the independent implementation, and what counts as a tie."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from catchment.stats import network


def karate():
    """Zachary's karate club (1977): 34 members, 78 ties, numbered from 00."""
    return pd.DataFrame([(f"{a:02d}", f"{b:02d}", 1) for a, b in nx.karate_club_graph().edges()], columns=["npi1", "npi2", "patients_n"])


@pytest.fixture(scope="module")
def random_links():
    """A directed network with weights, several components and unreachable pairs."""
    rng = np.random.default_rng(0)
    shape = nx.gnp_random_graph(60, 0.04, directed=True, seed=3)
    return pd.DataFrame(
        [(f"{a:02d}", f"{b:02d}", int(rng.integers(11, 90))) for a, b in shape.edges()], columns=["npi1", "npi2", "patients_n"]
    )


def reference(links):
    graph = nx.DiGraph()
    for left, right, weight in links.itertuples(index=False):
        graph.add_edge(left, right, weight=weight, distance=1 / weight)
    return graph


def test_betweenness_of_the_karate_club():
    found = network.betweenness(karate(), directed=False, weighted=False)
    # Published: instructor 0.438, president 0.304 (Newman, Networks; networkx documentation).
    assert found["00"] == pytest.approx(0.437635, abs=1e-6)
    assert found["33"] == pytest.approx(0.304075, abs=1e-6)


def test_communities_of_the_karate_club():
    found = network.communities(karate(), seed=1, weighted=False)
    # The optimum of modularity is 0.4198 with four communities (Brandes et al. 2008, IEEE TKDE 20:172).
    assert round(found.modularity, 4) == 0.4198
    assert found.membership.value_counts().tolist() == [12, 11, 6, 5]
    assert found.membership.value_counts().index.tolist() == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_communities(random_links):
    first, second = (network.communities(random_links, seed=7) for _ in range(2))
    assert first.membership.equals(second.membership)
    shuffled = network.communities(random_links.sample(frac=1, random_state=1), seed=7)
    assert shuffled.modularity == pytest.approx(first.modularity)


def test_weighted_measures_agree_with_networkx(random_links):
    graph = reference(random_links)
    expected = {
        "betweenness": nx.betweenness_centrality(graph, weight="distance"),
        "closeness": nx.closeness_centrality(graph, distance="distance", wf_improved=True),
        "pagerank": nx.pagerank(graph, weight="weight", tol=1e-12),
    }
    for name, values in expected.items():
        ours = getattr(network, name)(random_links)
        assert np.abs(ours - pd.Series(values)).max() < 1e-9, name


def test_stronger_ties_are_shorter():
    links = pd.DataFrame([("a", "b", 100), ("b", "c", 100), ("a", "c", 11)], columns=["npi1", "npi2", "patients_n"])
    assert network.betweenness(links, normalized=False)["b"] == 1
    assert network.betweenness(links, normalized=False, weighted=False)["b"] == 0


def test_closeness_does_not_flatter_small_components():
    pair = [("x", "y", 50), ("y", "x", 50)]
    ring = [(f"r{i}", f"r{(i + j) % 8}", 50) for i in range(8) for j in (1, 7)]
    found = network.closeness(pd.DataFrame(pair + ring, columns=["npi1", "npi2", "patients_n"]), weighted=False)
    assert found["r0"] > found["x"]


def test_estimates_from_all_pivots_are_exact_and_from_some_are_close():
    links = karate()
    exact = network.betweenness(links, directed=False, weighted=False)
    some = network.betweenness(links, directed=False, weighted=False, pivots=25, seed=2)
    assert some.corr(exact) > 0.97
    near = network.closeness(links, directed=False, weighted=False, pivots=25, seed=2)
    assert np.abs(near / network.closeness(links, directed=False, weighted=False) - 1).max() < 0.15


def test_strength_adds_up(random_links):
    table = network.strength(random_links)
    assert table["in_patients_n"].sum() == table["out_patients_n"].sum() == random_links["patients_n"].sum()
    graph = reference(random_links)
    assert table["in_clinicians_n"].to_dict() == dict(graph.in_degree())


PAIRS = pd.DataFrame(
    [
        ("a", "b", 40, 20, 2),
        ("a", "a", 40, 20, 30),
        ("a", "rad", 40, 30, 35),
        ("rad", "b", 40, 30, 5),
        ("a", "zz", 40, 15, 0),
        ("em", "b", 30, 12, 30),
    ],
    columns=["npi1", "npi2", "pairs_n", "patients_n", "same_day_n"],
)


def test_what_is_not_a_tie_is_dropped_and_counted():
    found = network.links(PAIRS, known={"a", "b", "rad", "em"}, same_day={"rad", "em"}, same_day_share=0.5)
    assert found.links[["npi1", "npi2"]].values.tolist() == [["a", "b"], ["rad", "b"]]
    assert found.dropped["links_n"].tolist() == [1, 1, 2]
    assert len(found.links) + found.dropped["links_n"].sum() == len(PAIRS)
    assert found.dropped["patients_n"].tolist() == [15, 20, 42]


def test_years_of_pairs_are_never_added_up():
    two = pd.concat([PAIRS.assign(year=2014), PAIRS.assign(year=2015, patients_n=PAIRS["patients_n"] + 100)], ignore_index=True)
    found = network.links(two, known={"a", "b", "rad", "em"}, same_day={"rad", "em"})
    assert found.year == 2015
    assert found.links["patients_n"].tolist() == [120, 130]
    assert found.dropped.set_index("reason").loc["Another year", ["links_n", "patients_n"]].tolist() == [
        len(PAIRS),
        PAIRS["patients_n"].sum(),
    ]
    assert len(found.links) + found.dropped["links_n"].sum() == len(two)
    older = network.links(two, known={"a", "b", "rad", "em"}, same_day={"rad", "em"}, year=2014)
    assert (older.year, older.links["patients_n"].tolist()) == (2014, [20, 30])
    assert network.links(PAIRS, known={"a", "b"}).year is None


def test_no_tie_at_all_is_an_empty_network():
    none = network.links(PAIRS.head(0), known={"a"}).links
    measures, modularity = network.metrics(none, seed=1)
    assert measures.empty
    assert np.isnan(modularity)
    assert network.brokers(measures).empty
    assert network.central(measures).empty


def test_measures_from_the_graph_equal_those_from_the_links(random_links):
    graph = network.graph(random_links)
    for name in ("betweenness", "pagerank"):
        assert getattr(network, name)(graph).equals(getattr(network, name)(random_links)), name
    assert network.communities(graph, seed=3).membership.equals(network.communities(random_links, seed=3).membership)


def test_isolates_have_no_tie_at_all():
    links = pd.DataFrame([("a", "b", 20)], columns=["npi1", "npi2", "patients_n"])
    assert network.isolates(links, ["a", "b", "c"]).tolist() == ["c"]


def test_brokers_bridge_communities():
    def clique(prefix):
        return [(f"{prefix}{i}", f"{prefix}{j}", 30) for i in range(6) for j in range(6) if i != j]

    bridge = [(f"{p}0", "broker", 40) for p in "abc"] + [("broker", f"{p}1", 40) for p in "abc"]
    links = pd.DataFrame(clique("a") + clique("b") + clique("c") + bridge, columns=["npi1", "npi2", "patients_n"])
    measures, modularity = network.metrics(links, seed=1)
    assert network.brokers(measures).index[0] == "broker"
    assert network.central(measures, most=3)["position"].tolist()[0] == "broker"
    assert set(network.central(measures, most=5)["position"]) == {"broker", "inside one community"}
    assert modularity > 0.5
    assert measures.loc["a3", "participation"] == pytest.approx(0)
    assert measures.loc["broker", "participation"] == pytest.approx(2 / 3)


def test_projection_of_the_southern_women():
    # Davis, Gardner and Gardner (1941): 18 women, 14 events; Evelyn and Laura met at six.
    graph = nx.davis_southern_women_graph()
    women = graph.graph["top"]
    table = pd.DataFrame([(woman, event) for woman in women for event in graph[woman]], columns=["npi", "event"])
    shared = network.projection(table, of="npi", through="event").set_index(["left", "right"])["weight"]
    assert shared["Evelyn Jefferson", "Laura Mandeville"] == 6
    expected = nx.bipartite.weighted_projected_graph(graph, women)
    assert {tuple(sorted((a, b))): w for a, b, w in expected.edges(data="weight")} == shared.to_dict()
    newman = network.projection(table, of="npi", through="event", how="newman").set_index(["left", "right"])["weight"]
    for a, b, weight in nx.bipartite.collaboration_weighted_projected_graph(graph, women).edges(data="weight"):
        assert newman[tuple(sorted((a, b)))] == pytest.approx(weight)


def test_weighted_projection_counts_what_both_have():
    table = pd.DataFrame({"center": ["A", "B", "A", "B", "C"], "npi": ["1", "1", "2", "2", "2"], "referrals_n": [10, 4, 3, 8, 5]})
    shared = network.projection(table, of="center", through="npi", weight="referrals_n").set_index(["left", "right"])["weight"]
    assert shared.to_dict() == {("A", "B"): 7, ("A", "C"): 3, ("B", "C"): 5}


@pytest.mark.parametrize("patients", [0, -5, np.nan])
def test_a_link_without_patients_is_refused_by_every_measure(patients):
    bad = pd.DataFrame({"npi1": ["a", "b"], "npi2": ["b", "c"], "patients_n": [20, patients]})
    for measure in (network.strength, network.betweenness, network.closeness, network.pagerank, network.communities):
        with pytest.raises(ValueError, match="more than no patients"):
            measure(bad)


def test_a_pair_given_twice_is_refused_rather_than_counted_twice():
    twice = pd.DataFrame({"npi1": ["a", "a", "b"], "npi2": ["b", "b", "a"], "patients_n": [20, 30, 40]})
    with pytest.raises(ValueError, match="a to b is there more than once"):
        network.strength(twice)
    assert network.strength(twice.drop(index=1)).loc["a", "out_patients_n"] == 20


def test_links_without_a_count_of_same_days_lose_every_tie_with_ancillary_services():
    pairs = pd.DataFrame(
        {"npi1": ["a", "a"], "npi2": ["x", "b"], "patients_n": [90, 40], "pairs_n": [120, 60], "wait_mean_days": [3.0, 9.0]}
    )
    found = network.links(pairs, known={"a", "b", "x"}, same_day={"x"})
    assert found.links["npi2"].tolist() == ["b"]
    assert found.dropped["links_n"].sum() == 1


def test_words_and_columns_that_are_not_known_are_refused():
    table = pd.DataFrame({"npi": ["a", "b"], "patient": [1, 1]})
    with pytest.raises(ValueError, match="how is one of shared, newman, not 'Newman'"):
        network.projection(table, of="npi", through="patient", how="Newman")
    with pytest.raises(ValueError, match="links lacks the columns visits_n"):
        network.projection(table, of="npi", through="patient", weight="visits_n")
    with pytest.raises(ValueError, match="pairs lacks the columns npi2, patients_n"):
        network.links(pd.DataFrame({"npi1": []}), known=[])
