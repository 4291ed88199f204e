"""Circles of clinicians by hand."""

import pandas as pd
import pytest

from catchment.referrals import shared_patients


def test_circles_say_where_a_community_sits_and_how_closed_it_is():
    links = pd.DataFrame(
        [("a1", "a2", 30), ("a2", "a3", 30), ("a3", "a1", 30), ("b1", "b2", 40), ("b2", "b1", 40), ("a1", "b1", 12)],
        columns=["npi1", "npi2", "patients_n"],
    )
    measures = pd.DataFrame({"community": [0, 0, 0, 1, 1]}, index=pd.Index(["a1", "a2", "a3", "b1", "b2"], name="npi"))
    clinicians = pd.DataFrame(
        {"npi": measures.index, "city": ["Plano", "Plano", "Oswego", "Joliet", "Joliet"], "specialty": ["Urology"] * 5}
    )
    table = shared_patients.circles(measures, links, clinicians).set_index("community")
    assert table.loc[1, ["clinicians_n", "town", "patients_n"]].tolist() == [3, "Plano", 90]
    assert table["inside_share"].tolist() == pytest.approx([90 / 102, 80 / 92])
    assert table.loc[1, "town_share"] == pytest.approx(2 / 3)


def test_a_circle_that_only_receives_has_no_patients_inside_rather_than_an_unknown_number():
    links = pd.DataFrame([("a1", "a2", 30), ("a1", "c1", 12)], columns=["npi1", "npi2", "patients_n"])
    measures = pd.DataFrame({"community": [0, 0, 1]}, index=pd.Index(["a1", "a2", "c1"], name="npi"))
    clinicians = pd.DataFrame({"npi": measures.index, "city": "Plano", "specialty": "Urology"})
    table = shared_patients.circles(measures, links, clinicians)
    assert table["patients_n"].tolist() == [30, 0] and table["inside_share"].tolist() == pytest.approx([30 / 42, 0])
