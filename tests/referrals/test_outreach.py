"""The outreach list: the formula, its interval, its reasons, and what may not be shown or named."""

import numpy as np
import pandas as pd
import pytest

from catchment import data, page, params
from catchment.referrals import changes, outreach

TARGET = {"affiliated": 0.8, "independent": 0.5}
SUCCESS = {"affiliated": 0.4, "independent": 0.2}


def loyalty(*rows):
    """Rows of (npi, affiliation, eligible, ours)."""
    table = pd.DataFrame(rows, columns=["npi", "affiliation", "eligible_referrals_n", "our_referrals_n"])
    return table.assign(
        our_share=table["our_referrals_n"] / table["eligible_referrals_n"].where(table["eligible_referrals_n"] > 0),
        tier="splitter",
        specialty="Urology",
        city="Oswego",
    )


def recoverable(*rows, **options):
    return outreach.recoverable(loyalty(*rows), target=TARGET, success=SUCCESS, contribution_usd=10_000, **options)


def test_the_formula():
    table = recoverable(("a", "affiliated", 100, 30), ("i", "independent", 200, 60))
    # 100 x (0.8 - 0.3) x 10,000 x 0.4 and 200 x (0.5 - 0.3) x 10,000 x 0.2
    assert table.set_index("npi")["recoverable_usd"].to_dict() == pytest.approx({"a": 200_000, "i": 80_000})
    assert table["npi"].tolist() == ["a", "i"]


def test_who_is_not_on_the_list():
    table = recoverable(
        ("above", "affiliated", 100, 85), ("rival", "other system", 100, 0), ("none", "independent", 0, 0), ("low", "independent", 40, 0)
    )
    assert table["npi"].tolist() == ["low"]


def test_the_interval_holds_the_estimate_and_narrows_with_evidence():
    small, large = (recoverable(("a", "affiliated", n, n * 3 // 10), attempts=20 * n).iloc[0] for n in (20, 2000))
    for row in (small, large):
        assert row["recoverable_low"] < row["recoverable_usd"] < row["recoverable_high"]
    widths = [(row["recoverable_high"] - row["recoverable_low"]) / row["recoverable_usd"] for row in (small, large)]
    assert widths[1] < widths[0] / 3


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(8)
    hits = []
    for i in range(150):
        share, chance = rng.uniform(0.05, 0.4), rng.beta(8, 12)
        row = recoverable(("a", "affiliated", 80, int(rng.binomial(80, share))), seed=i, draws=800).iloc[0]
        truth = 80 * (0.8 - share) * 10_000 * chance
        hits.append(row["recoverable_low"] <= truth <= row["recoverable_high"])
    assert 0.70 <= np.mean(hits) <= 0.92


def test_the_same_seed_gives_the_same_list():
    rows = [("a", "affiliated", 100, 30), ("i", "independent", 90, 10)]
    pd.testing.assert_frame_equal(recoverable(*rows, seed=3), recoverable(*rows, seed=3))


def test_certain_success_is_not_an_error():
    table = outreach.recoverable(loyalty(("a", "affiliated", 100, 30)), target=TARGET, success={"affiliated": 1.0}, contribution_usd=1)
    assert table.loc[0, "recoverable_usd"] == pytest.approx(50)


def test_nobody_below_target_is_an_empty_list():
    assert recoverable(("a", "affiliated", 100, 90)).empty


def test_reasons_put_the_most_telling_first():
    table = loyalty(
        ("l", "independent", 50, 0),
        ("d", "independent", 50, 20),
        ("s", "affiliated", 50, 20),
        ("t", "independent", 50, 20),
        ("b", "independent", 50, 20),
    )
    table["tier"] = ["lost", "splitter", "splitter", "lost", "loyal"]
    table["specialty"] = ["Dermatology", "Dermatology", "Urology", "Dermatology", "Dermatology"]
    labels = pd.Series({"l": changes.LOST, "d": changes.DECLINING})
    said = outreach.reasons(table, labels=labels, leaking="Urology")
    assert said.tolist() == [outreach.REASONS[key] for key in ("lost", "declining", "specialty", "tier_lost", "below")]


def test_rows_whose_counts_are_hidden_are_pooled():
    table = recoverable(("shown", "affiliated", 99, 33), ("few_ours", "affiliated", 63, 6), ("none", "independent", 63, 0))
    table["hidden"] = table["npi"] == "few_ours"
    shown, rest = outreach.pooled(table.assign(reason="Below target"))
    assert sorted(shown["npi"]) == ["none", "shown"]
    assert rest[["clinicians_n", "eligible_referrals_n"]].values.tolist() == [[1, 63]]
    assert rest["recoverable_usd"].sum() + shown["recoverable_usd"].sum() == pytest.approx(table["recoverable_usd"].sum())


def test_the_list_rests_on_rounded_counts():
    """4 and 9 referrals to us stand for the same: nothing of the list tells them apart."""
    settings = params.load("dunes")
    report = page.Report(settings, data.Tables(settings))
    rules, labels = settings.referrals, pd.DataFrame({"npi": ["a", "b"], "label": changes.SAME})

    def listed(*ours):
        rows = loyalty(("a", "affiliated", 61, ours[0]), ("b", "affiliated", 100, ours[1])).assign(clinician=["A", "B"])
        return outreach.ranked(outreach.rounded(report, rows, rules), labels, rules, referral_usd=1000)

    few, more = listed(4, 40), listed(9, 42)
    pd.testing.assert_frame_equal(few, more)
    assert few.set_index("npi")["hidden"].to_dict() == {"a": True, "b": False}
    assert few.set_index("npi").loc["b", ["eligible_referrals_n", "our_referrals_n"]].tolist() == [99, 39]


PEOPLE = pd.DataFrame(
    {
        "npi": ["2", "1", "3", "4", "5", "6"],
        "given_name": ["Ada", "Bela", "Cora", "Dora", "Edda", "Fay"],
        "family_name": ["Ash", "Birch", "Cedar", "Elm", "Fir", "Gum"],
        "specialty": ["Urology", "Urology", "Urology", "Dermatology", "Dermatology", "Oncology"],
        "city": "Oswego",
    }
)


def test_names_are_for_internal_readers_only():
    assert outreach.label(PEOPLE, audience="internal").iloc[0] == "Dr. Ada Ash (Urology, Oswego)"
    plain = outreach.label(PEOPLE, audience="leadership")
    assert sorted(plain) == [f"{name} no. {i}" for name in ("Clinician", "Urology") for i in (1, 2, 3)]
    assert plain.str.startswith("Urology").tolist() == [True] * 3 + [False] * 3
    with pytest.raises(ValueError, match="audience"):
        outreach.label(PEOPLE, audience="public")


def test_numbers_of_clinicians_follow_nothing_that_is_public():
    """Another list with the same three urologists numbers them otherwise: no order of names or NPIs gives the key."""
    more = [outreach.label(PEOPLE.assign(city=f"Town {i}"), audience="leadership").head(3).tolist() for i in range(30)]
    assert len({tuple(each) for each in more}) == 6
    again = outreach.label(PEOPLE.sample(frac=1, random_state=1), audience="leadership").sort_index()
    assert again.tolist() == outreach.label(PEOPLE, audience="leadership").tolist()


def test_percent_for_fractions_and_more_referrals_than_there_are_are_refused():
    for wrong in ({"target": {"affiliated": 80}}, {"success": {"affiliated": 40}}):
        with pytest.raises(ValueError, match="fractions from 0 to 1"):
            outreach.recoverable(
                loyalty(("a", "affiliated", 100, 30)), **({"target": TARGET, "success": SUCCESS, "contribution_usd": 1} | wrong)
            )
    with pytest.raises(ValueError, match="must not exceed"):
        recoverable(("a", "affiliated", 100, 130))
    only = outreach.recoverable(
        loyalty(("a", "affiliated", 100, 30), ("i", "independent", 90, 9)), target=TARGET, success={"affiliated": 0.4}, contribution_usd=1
    )
    assert only["npi"].tolist() == ["a"]


def test_the_list_of_two_years_is_worth_half_a_year_each():
    settings = params.load("dunes").referrals
    rows = loyalty(("a", "affiliated", 100, 30)).rename_axis(None)
    moved = pd.DataFrame({"npi": ["a"], "label": [changes.DECLINING]})
    year, two = (
        outreach.ranked(rows, moved, settings.model_copy(update={"period_quarters": quarters}), referral_usd=1000) for quarters in (4, 8)
    )
    assert two["recoverable_usd"].tolist() == pytest.approx((year["recoverable_usd"] / 2).tolist())
    assert year["reason"].tolist() == [outreach.REASONS["declining"]]
