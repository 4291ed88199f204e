"""Keepage, splitting, loyalty, concentration, funnel: hand-worked tables and the rules that must not be mixed up."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from catchment.referrals import changes, journeys, names, outreach, patterns
from catchment.stats import rates

OURS, RIVAL, OTHER = "Oakmont", "Cedar", "Birch"


def frame(*rows):
    """Rows of (npi, affiliation, destination system, eligible, referrals)."""
    table = pd.DataFrame(rows, columns=["npi", "affiliation", "destination_system", "eligible", "referrals_n"])
    return table.assign(ours=table["destination_system"] == OURS, specialty="Urology", site="Prostate")


MIXED = frame(
    ("a", "affiliated", OURS, True, 30),
    ("a", "affiliated", RIVAL, True, 50),
    ("a", "affiliated", RIVAL, False, 40),
    ("i", "independent", OURS, True, 45),
    ("i", "independent", RIVAL, True, 30),
    ("i", "independent", OTHER, True, 25),
    ("x", "other system", RIVAL, True, 60),
)


def test_leakage_counts_affiliated_clinicians_and_offered_services_only():
    row = patterns.keepage(MIXED).iloc[0]
    assert row[["referrals_n", "eligible_referrals_n", "kept_referrals_n", "leaked_referrals_n"]].tolist() == [120, 80, 30, 50]
    assert row["kept_share"] == pytest.approx(30 / 80)
    assert (row["kept_share_low"], row["kept_share_high"]) == pytest.approx(proportion_confint(30, 80, method="wilson"))


def test_splitting_is_kept_apart_from_leakage():
    row = patterns.splitting(MIXED).iloc[0]
    assert row["eligible_referrals_n"] == 100
    assert row["kept_share"] == pytest.approx(0.45)


def test_a_group_without_eligible_referrals_has_no_share():
    row = patterns.keepage(frame(("a", "affiliated", RIVAL, False, 12))).iloc[0]
    assert row["eligible_referrals_n"] == 0
    assert np.isnan(row["kept_share"])


def test_groups_add_up_to_the_whole():
    parts = patterns.retained(MIXED, ["npi", "affiliation"])
    whole = patterns.retained(MIXED).iloc[0]
    columns = ["referrals_n", "eligible_referrals_n", "kept_referrals_n", "leaked_referrals_n"]
    assert parts[columns].sum().tolist() == whole[columns].tolist()


@pytest.mark.parametrize(
    ("ours", "expected"), [(80, "loyal"), (79, "splitter"), (20, "splitter"), (19, "lost"), (0, "lost"), (100, "loyal")]
)
def test_tiers_at_their_cut_points(ours, expected):
    table = patterns.loyalty(frame(("a", "independent", OURS, True, ours), ("a", "independent", RIVAL, True, 100 - ours)))
    assert table.loc[0, "tier"] == expected


def test_cut_points_are_configurable_and_checked():
    table = frame(("a", "independent", OURS, True, 60), ("a", "independent", RIVAL, True, 40))
    assert patterns.loyalty(table, loyal=0.6, lost=0.1).loc[0, "tier"] == "loyal"
    with pytest.raises(ValueError, match="cut-points"):
        patterns.loyalty(table, loyal=0.2, lost=0.8)


def test_loyalty_names_the_main_rival_and_its_own_uncertainty():
    table = patterns.loyalty(MIXED).set_index("npi")
    assert table.loc["i", "main_rival"] == RIVAL
    assert pd.isna(patterns.loyalty(frame(("a", "independent", OURS, True, 9))).loc[0, "main_rival"])
    few, many = (patterns.loyalty(frame(("a", "independent", OURS, True, n))).loc[0] for n in (5, 500))
    assert (few["tier"], few["tier_certain"], many["tier_certain"]) == ("loyal", False, True)


def test_destination_hhi_is_by_system():
    hhi = patterns.destination_hhi(MIXED)
    assert hhi["i"] == pytest.approx(45**2 + 30**2 + 25**2)
    assert hhi["x"] == 10_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_concentration_lies_between_equal_and_single(counts):
    found = patterns.concentration(pd.Series(counts))
    assert 10_000 / len(counts) - 1e-6 <= found.hhi <= 10_000 + 1e-6
    assert 1 - 1e-9 <= found.effective_n <= len(counts) + 1e-9
    assert found.share == pytest.approx(sum(sorted(counts)[-10:]) / sum(counts))


def test_concentration_of_nothing_is_unknown():
    assert np.isnan(patterns.concentration(pd.Series([0, 0])).share)


def test_a_sole_referrer_is_found_among_our_referrals_only():
    table = frame(("a", "affiliated", OURS, True, 8), ("b", "affiliated", OURS, True, 2), ("c", "affiliated", RIVAL, True, 90))
    row = patterns.sole_referrers(table, threshold=0.5).iloc[0]
    assert (row["npi"], row["our_referrals_n"], row["largest_share"], row["sole"]) == ("a", 10, 0.8, True)
    assert not patterns.sole_referrers(table, threshold=0.81).loc[0, "sole"]


def test_succession_bands_hold_every_clinician_once():
    volumes = pd.DataFrame(
        {"npi": list("abcde"), "graduation_year": [1985, 1990, 1991, 2015, None], "our_referrals_n": [10, 20, 30, 40, 50]}
    )
    bands = patterns.succession(volumes, year=2025, years=35).set_index("since_graduation")
    assert bands["clinicians_n"].sum() == 5
    assert bands.loc["35 years or more", ["clinicians_n", "our_referrals_n", "at_risk"]].tolist() == [2, 30, True]
    assert bands.loc["Year not known", "clinicians_n"] == 1
    assert bands["referral_share"].sum() == pytest.approx(1)


def test_leaking_names_only_what_is_measurably_below():
    rows = [("a", "affiliated", OURS, True, 80), ("a", "affiliated", RIVAL, True, 20)]
    table = patterns.keepage(frame(*rows).assign(specialty="Dermatology"), ["specialty"])
    assert patterns.leaking(table).empty
    leaky = frame(("b", "affiliated", OURS, True, 20), ("b", "affiliated", RIVAL, True, 80)).assign(specialty="Urology")
    small = frame(("c", "affiliated", RIVAL, True, 8)).assign(specialty="Pathology")
    worst = patterns.leaking(patterns.keepage(pd.concat([frame(*rows).assign(specialty="Dermatology"), leaky, small]), ["specialty"]))
    assert worst["specialty"].tolist() == ["Urology"]
    assert worst.loc[0, "excess_referrals_n"] == pytest.approx(100 * (100 / 208 - 0.2))


def test_the_funnel_leaves_out_referrals_whose_fate_is_unknown():
    table = pd.DataFrame(
        {"referrals_n": [100, 40], "scheduled_n": [90, np.nan], "seen_n": [80, np.nan], "treated_n": [60, np.nan], "open_n": [5, np.nan]}
    )
    stages = journeys.funnel(table)
    assert stages["referrals_n"].tolist() == [100, 90, 80, 60]
    assert stages["referred_share"].tolist() == [1, 0.9, 0.8, 0.6]
    assert stages["previous_share"].iloc[3] == pytest.approx(0.75)
    assert journeys.undecided(table) == 5


def test_a_hidden_stage_has_no_share_and_neither_has_the_next_one_of_it():
    steps = journeys.conversion(pd.DataFrame({"stage": list("abcd"), "referrals_n": [99, 33, np.nan, np.nan]}))
    assert steps["previous_share"].iloc[:2].tolist() == pytest.approx([1, 1 / 3])
    assert steps["previous_share"].iloc[2:].isna().all()
    assert steps["referred_share"].iloc[2:].isna().all()


def test_shares_are_computed_from_whatever_counts_are_given():
    table = pd.DataFrame({"eligible_referrals_n": [99.0, 33.0, 15.0], "kept_referrals_n": [33.0, np.nan, 0.0]})
    shown = patterns.kept_shares(table)
    assert shown["kept_share"].tolist() == pytest.approx([1 / 3, np.nan, 0], nan_ok=True)
    assert shown.loc[0, ["kept_share_low", "kept_share_high"]].tolist() == pytest.approx(list(proportion_confint(33, 99, method="wilson")))
    assert shown.loc[1, ["kept_share_low", "kept_share_high", "leaked_share"]].isna().all()


def test_origin_destination_shares_add_to_one_per_origin():
    table = patterns.origin_destination(MIXED, rows="npi", columns="destination_system")
    assert table.groupby("npi")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    assert table["referrals_n"].sum() == MIXED["referrals_n"].sum()


CENTERS = pd.DataFrame(
    {"destination": ["Oakmont Main", "Oakmont West", "Cedar Hill"], "destination_system": [OURS, OURS, RIVAL], "zip": "60612"}
)
CLINICIANS = pd.DataFrame({"npi": ["a", "b"], "city": ["Oswego", "Aurora"]})


def sent(**changes):
    """Five quarters of referrals of one clinician to two centers."""
    quarters = pd.period_range("2024Q1", "2025Q4", freq="Q").to_timestamp()
    rows = [
        (quarter, "a", center, system, 30) for quarter in quarters for center, system in (("Oakmont Main", OURS), ("Cedar Hill", RIVAL))
    ]
    return pd.DataFrame(rows, columns=["period", "npi", "destination", "destination_system", "referrals_n"]).assign(**changes)


def described(rows, *, centers=CENTERS, clinicians=CLINICIANS, network=(OURS,)):
    return patterns.described(rows, clinicians, centers, network=network, last=pd.Timestamp("2025-12-31"))


def test_a_referral_of_an_unknown_clinician_is_refused_with_its_amount():
    rows = sent()
    rows.loc[[2, 5], "npi"] = "z"
    with pytest.raises(ValueError, match=r"1 name in npi not in the list of clinicians: 'z' \(2 rows, 60 referrals"):
        described(rows)
    with pytest.raises(pd.errors.MergeError):
        described(sent(), clinicians=pd.concat([CLINICIANS, CLINICIANS]))


def test_our_centers_are_those_of_our_systems_and_those_that_the_network_names():
    assert described(sent()).groupby("destination")["ours"].all().to_dict() == {"Cedar Hill": False, "Oakmont Main": True}
    # A partner that belongs to another system is still ours.
    assert described(sent(), network=("Cedar Hill",)).groupby("destination")["ours"].all()["Cedar Hill"]


@pytest.mark.parametrize("spelled", ["OAKMONT MAIN", "Oakmont Main Hosp", "Oakmont  Main"])
def test_a_center_spelled_otherwise_is_refused_and_not_counted_as_a_leak(spelled):
    rows = sent()
    rows.loc[rows["destination"] == "Oakmont Main", ["destination", "destination_system"]] = [spelled, spelled]
    with pytest.raises(ValueError, match=r"8 rows, 240 referrals; did you mean Oakmont Main\?"):
        described(rows)


def test_a_system_spelled_otherwise_is_refused():
    rows = sent()
    rows.loc[rows["destination"] == "Oakmont Main", "destination_system"] = OURS.upper()
    with pytest.raises(
        ValueError, match=r"Oakmont Main belongs to 'Oakmont' .* not to 'OAKMONT' \(8 rows, 240 referrals; 1 center in all\)"
    ):
        described(rows)


def test_a_network_that_no_center_belongs_to_is_refused():
    with pytest.raises(ValueError, match=r"'Oakmont Health' of our network is neither a center nor a system .*did you mean Oakmont"):
        described(sent(), network=("Oakmont Health",))
    assert described(sent().head(0), network=("Oakmont Health",)).empty


def test_names_that_nobody_knows_are_all_listed():
    rows = pd.DataFrame({"destination": [f"Center {letter}" for letter in "ABCDEFG"]})
    with pytest.raises(ValueError, match=r"7 names in destination not in the table: .*; 2 more"):
        names.agree(rows, "destination", ["Elsewhere"], table="cases", where="the table")
    with pytest.raises(ValueError, match=r"nan \(7 rows"):
        names.agree(rows.assign(destination=np.nan), "destination", ["Elsewhere"], table="cases", where="the table")


def test_cases_of_an_unknown_center_are_refused_and_closed_ones_are_told():
    until = pd.to_datetime(["2025-02-01", "2025-12-31"])
    cases = pd.DataFrame({"destination": "Oakmont Main", "referral_date": pd.Timestamp("2025-01-02"), "followed_until": until})
    found = journeys.dated(cases, CENTERS, last=pd.Timestamp("2025-12-31"))
    assert found["closed"].tolist() == [True, False]
    assert found["span"].tolist() == ["now", "now"]
    with pytest.raises(ValueError, match=r"'OAKMONT MAIN' \(2 rows; did you mean"):
        journeys.dated(cases.assign(destination="OAKMONT MAIN"), CENTERS, last=pd.Timestamp("2025-12-31"))


def test_a_quarter_that_is_missing_is_not_a_fall():
    whole = described(sent())
    moved = changes.changes(whole[whole["ours"]], by=["npi"])
    assert moved[["before_referrals_n", "now_referrals_n", "label"]].values.tolist() == [[120, 120, changes.SAME]]
    # The third quarter of 2025 did not come: 90 against 120 would look like one.
    rows = sent()
    without = rows[rows["period"] != pd.Timestamp("2025-07-01")]
    assert changes.gaps(without["period"], last=pd.Timestamp("2025-12-31")) == ["2025 Q3"]
    assert set(described(without)["span"].dropna()) == {"now"}


def test_a_table_that_ends_early_moves_the_periods_with_it():
    period = sent()["period"]
    assert changes.through(period, last=pd.Timestamp("2025-12-31")) == pd.Timestamp("2025-12-31")
    # A page of November has one quarter that is not whole.
    assert changes.through(period, last=pd.Timestamp("2025-11-30")) == pd.Timestamp("2025-09-30")
    assert changes.through(period[period < "2025-07-01"], last=pd.Timestamp("2025-12-31")) == pd.Timestamp("2025-06-30")


def test_a_row_without_a_group_is_lost_from_no_total():
    table = MIXED.assign(specialty=["Urology", None, *["Urology"] * (len(MIXED) - 2)])
    parts = patterns.retained(table, ["specialty"])
    assert parts["referrals_n"].sum() == MIXED["referrals_n"].sum()


def test_a_clinician_of_an_unlisted_specialty_stands_under_the_code():
    clinicians = pd.DataFrame({"npi": ["a", "b"], "taxonomy_code": ["207Q00000X", "999X00000X"], "city": "Oswego"})
    specialties = pd.DataFrame({"taxonomy_code": ["207Q00000X"], "specialty": ["Family medicine"], "role": ["feeder"]})
    found = outreach.directory(clinicians, specialties, audience="leadership")
    assert found["specialty"].tolist() == ["Family medicine", "Taxonomy code 999X00000X"]
    assert found["clinician"].notna().all()


def test_a_referral_is_worth_a_case_times_the_share_treated_of_those_decided():
    rows = pd.DataFrame(
        {
            "referrals_n": [60, 50, 30],
            "scheduled_n": [50, 45, np.nan],
            "open_n": [0, 10, np.nan],
            "seen_n": 45,
            "treated_n": [40, 24, np.nan],
        }
    )
    found = journeys.worth(journeys.funnel(rows), journeys.undecided(rows), 15_000)
    assert found.treated_share == pytest.approx(64 / 100)
    assert found.referral_usd == pytest.approx(9_600)
    assert np.isnan(journeys.worth(journeys.funnel(rows.tail(1)), 0, 15_000).referral_usd)


def test_the_change_of_a_share_has_the_interval_of_newcombe():
    table = pd.DataFrame({"kept_referrals_n": [56, 48], "eligible_referrals_n": [70, 80]}, index=["now", "before"])
    low, high = rates.wilson(table["kept_referrals_n"].to_numpy(), table["eligible_referrals_n"].to_numpy())
    rows = table.assign(kept_share=table["kept_referrals_n"] / table["eligible_referrals_n"], kept_share_low=low, kept_share_high=high)
    found = patterns.share_change(rows)
    # Newcombe (1998), example (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    assert (round(found.difference, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    # The two intervals overlap, and yet the shares differ beyond chance.
    assert rows.loc["now", "kept_share_low"] < rows.loc["before", "kept_share_high"]
    assert np.isnan(patterns.share_change(rows.assign(kept_share=[0.5, np.nan])).low)


@pytest.mark.parametrize("change", [{"referrals_n": np.nan}, {"referrals_n": -1}, {"eligible": None}, {"ours": None}])
def test_a_hidden_count_is_not_taken_for_zero(change):
    table = frame(("a", "affiliated", OURS, True, 60), ("a", "affiliated", RIVAL, True, 40)).astype({"eligible": object, "ours": object})
    table.loc[1, list(change)] = next(iter(change.values()))
    with pytest.raises(ValueError, match="a hidden count is not zero"):
        patterns.keepage(table)


def test_impossible_volumes_cut_points_and_bands_are_refused():
    for volumes in ([5, np.nan], [5, -3]):
        with pytest.raises(ValueError, match="known and not negative"):
            patterns.concentration(volumes)
    with pytest.raises(ValueError, match="cut-points"):
        patterns.tier([0.5], loyal=0.2, lost=0.8)
    assert patterns.tier([0.8, 0.2, 0.1999]).tolist() == [patterns.LOYAL, patterns.SPLITTER, patterns.LOST]
    with pytest.raises(ValueError, match="must exceed 20"):
        patterns.succession(pd.DataFrame({"npi": ["a"], "graduation_year": [1990], "our_referrals_n": [5]}), year=2025, years=15)


def test_nobody_with_an_eligible_referral_is_an_empty_list():
    table = patterns.loyalty(frame(("a", "affiliated", RIVAL, False, 40)))
    assert table.empty
    assert table["destination_hhi"].dtype == float
