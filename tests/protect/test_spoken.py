"""Sentences and hover texts obey the gate: a hidden count is not said, whichever comes first."""

import pandas as pd
import pytest

from catchment.page import DisclosureError
from catchment.protect import disclosure
from catchment.protect.spoken import Spoken

STAYS = pd.DataFrame({"site": ["Breast", "Lung", "Kidney", "Thyroid"], "cases_n": [40, 30, 12, 4]})
SAFE = disclosure.protect(STAYS, ["cases_n"])


@pytest.mark.parametrize("sentence", ["Kidney: 12", "Kidney has 12 cases, the fewest.", "Only 4 in thyroid", "Growth in kidney, to 12"])
@pytest.mark.parametrize("first", ["said", "hidden"])
def test_a_sentence_that_names_a_hidden_row_and_its_count_is_refused(sentence, first):
    spoken = Spoken()
    steps = [lambda: spoken.say("a title", sentence), lambda: spoken.hide(STAYS, SAFE)]
    one, other = steps if first == "said" else steps[::-1]
    one()
    with pytest.raises(DisclosureError, match="a title") as told:
        other()
    assert "12" not in str(told.value)
    assert "4" not in str(told.value)


@pytest.mark.parametrize(
    "sentence", ["Kidney: 12 %", "Kidney waits 12 days", "Breast: 40", "Kidney rose by 12.5", "12 sites, kidney last", "Lung: 12"]
)
def test_other_numbers_and_other_rows_are_not(sentence):
    spoken = Spoken()
    spoken.hide(STAYS, SAFE)
    spoken.say("a title", sentence)
    with pytest.raises(DisclosureError):
        spoken.say("a title", "Kidney: 12")


def test_a_number_that_the_exhibit_shows_of_other_things_is_not_a_count_of_people():
    spoken = Spoken()
    spoken.hide(STAYS, SAFE)
    spoken.say("figure 2", "Kidney: 12", beside=pd.DataFrame({"site": ["Kidney"], "clinicians_n": [12]}))
    with pytest.raises(DisclosureError):
        spoken.say("figure 2", "Kidney: 12", beside=pd.DataFrame({"site": ["Kidney"], "clinicians_n": [12], "cases_n": [12]}))


def test_one_of_several_identifiers_names_a_row():
    flows = pd.DataFrame(
        {
            "zip": ["46304", "46368", "46385"],
            "city": ["Chesterton", "Portage", "Valparaiso"],
            "interval": ["1 to 2 %", "2 to 3 %", "9 %"],
            "cases_n": [4, 25, 40],
        }
    )
    spoken = Spoken()
    spoken.hide(flows, disclosure.protect(flows, ["cases_n"]))
    for sentence in ("Chesterton sends 4", "ZIP 46304: 4", "25 come from Portage"):
        with pytest.raises(DisclosureError):
            spoken.say("a title", sentence)
    spoken.say("a title", "West Chestertonville sends 4", "4 towns, Valparaiso first")


def test_two_names_that_repeat_name_a_row_together_only():
    cells = pd.DataFrame(
        {"site": ["Lung", "Lung", "Breast", "Breast"], "sex": ["men", "women", "men", "women"], "cases_n": [30, 25, 4, 40]}
    )
    spoken = Spoken()
    spoken.hide(cells, disclosure.protect(cells, ["cases_n"], by="site"))
    spoken.say("a title", "4 sites, breast first", "Men wait for 4")
    with pytest.raises(DisclosureError):
        spoken.say("a title", "Breast, men: 4")


@pytest.mark.parametrize(
    "sentence",
    [
        "We lost 7 patients.",
        "Lung: 3 new cases",
        "Of these, 10 referrals came back",
        "Lung fell from 40 to 8 patients",
        "Lung had 2 previous cases",
        "Between 3 and 8 patients came",
    ],
)
def test_few_people_are_not_told_from_a_source_with_a_threshold(sentence):
    with pytest.raises(DisclosureError, match="1 to 10 people"):
        Spoken().say("a takeaway", sentence, below=11)
    Spoken().say("a takeaway", sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Counts of 1 to 10 patients are hidden",
        "6 more cases a year",
        "5 cases a year by 2030",
        "the first 3 visits",
        "17 patients",
        "0 patients",
        "5 towns send patients elsewhere",
        "3 sites gain cases by 2030",
        "1 in 5 patients leaves",
    ],
)
def test_definitions_and_forecasts_are_not_counts(sentence):
    Spoken().say("a takeaway", sentence, below=11)
    with pytest.raises(DisclosureError):
        Spoken().say("a takeaway", f"{sentence}: 5 patients", below=11)


@pytest.mark.parametrize(
    "said",
    [
        "Only 3 of 180 patients came",
        "3 (1.7 %) of the patients",
        "Three patients were lost",
        "cases: 4",
        "Of all, 7 new patients",
        "4 out of 90 cases",
    ],
)
def test_a_small_count_is_heard_however_it_is_said(said):
    with pytest.raises(DisclosureError, match="tells of 1 to 10 people"):
        Spoken().say("a takeaway", said, below=11)


@pytest.mark.parametrize(
    "said",
    [
        "Three sites lose patients",
        "30 of 180 patients",
        "cases: 4 %",
        "Patients wait: 9 days",
        "two in three sites",
        "The first 3 visits",
        "cases: 4,100",
    ],
)
def test_what_counts_nobody_is_let_through(said):
    assert Spoken().say("a takeaway", said, below=11) is None  # a refusal would raise
