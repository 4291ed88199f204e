"""The simulated referrals: same bytes each time, agreement with the shared facts, and the truth that is planted in them."""

import hashlib
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
sys.path.insert(0, str(DEMO))

from simulation import referrals, world  # noqa: E402

PARTNERS = list(world.PARTNERS)


@pytest.fixture(scope="module")
def tables():
    folder = DEMO / "referrals"
    dates = ["referral_date", "scheduled_date", "consult_date", "treatment_date", "followed_until"]
    return {
        "clinicians": pd.concat([pd.read_csv(folder / f"clinicians_{p}.csv", dtype={"npi": str, "zip": str}) for p in PARTNERS]),
        "referrals": pd.concat(
            [pd.read_csv(folder / f"referrals_{p}.csv.gz", dtype={"npi": str}, parse_dates=["period"]) for p in PARTNERS]
        ),
        "cases": pd.concat([pd.read_csv(folder / f"cases_{p}.csv.gz", dtype={"npi": str}, parse_dates=dates) for p in PARTNERS]),
        "pairs": pd.read_csv(folder / "shared_patients_2025_180_days.csv.gz", header=None, dtype={0: str, 1: str}),
    }


@pytest.mark.slow
def test_written_again_the_bytes_are_the_same(tmp_path):
    referrals.write(tmp_path)
    files = sorted(path.name for path in (DEMO / "referrals").iterdir())
    assert sorted(path.name for path in (tmp_path / "referrals").iterdir()) == files
    for name in files:
        first, second = ((folder / "referrals" / name).read_bytes() for folder in (DEMO, tmp_path))
        assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest(), name
        assert len(first) < 500_000, name


def test_nine_in_ten_analytic_cases_arrive_by_referral(tables):
    table = tables["referrals"]
    for partner, cases in world.ANALYTIC_CASES.items():
        own = table[(table["partner"] == partner) & (table["destination"] == world.PARTNERS[partner]["name"])]
        treated = own.groupby(own["period"].dt.year)["treated_n"].sum()
        for year, total in cases.items():
            expected = round(referrals.REFERRED_SHARE * total)
            still_open = own.loc[own["period"].dt.year == year, "open_n"].sum()
            assert treated[year] == expected if year < 2025 else treated[year] < expected <= treated[year] + still_open


def test_the_dated_cases_are_the_referrals_of_our_network(tables):
    table, cases = tables["referrals"], tables["cases"]
    ours = table[table["scheduled_n"].notna()]
    for dates, counts in (
        ("referral_date", "referrals_n"),
        ("scheduled_date", "scheduled_n"),
        ("consult_date", "seen_n"),
        ("treatment_date", "treated_n"),
    ):
        left = cases[cases[dates].notna()].groupby(["partner", "destination"]).size()
        right = ours.groupby(["partner", "destination"])[counts].sum()
        assert left.sort_index().astype(int).to_dict() == right.sort_index().astype(int).to_dict(), dates


def test_dates_are_in_order_and_end_with_the_data(tables):
    cases = tables["cases"]
    for first, second in (
        ("referral_date", "scheduled_date"),
        ("scheduled_date", "consult_date"),
        ("consult_date", "treatment_date"),
        ("consult_date", "followed_until"),
    ):
        both = cases[cases[first].notna() & cases[second].notna()]
        assert (both[first] <= both[second]).all(), (first, second)
    assert cases["followed_until"].max() <= pd.Timestamp(world.AS_OF)


def test_no_npi_can_belong_to_anyone(tables):
    from catchment.data import npi

    everyone = pd.concat([tables["clinicians"]["npi"], tables["pairs"][0], tables["pairs"][1]]).drop_duplicates()
    assert len(tables["clinicians"]) == tables["clinicians"]["npi"].nunique()
    assert not npi.valid(everyone).any()


def test_shared_patients_follow_the_published_layout(tables):
    pairs = tables["pairs"]
    assert pairs.shape[1] == 5
    assert pairs[3].min() >= 11
    assert (pairs[2] >= pairs[3]).all()
    assert (pairs[4] <= pairs[2]).all()
    assert not pairs.duplicated([0, 1]).any()
    assert (pairs[0] == pairs[1]).any()


@pytest.mark.parametrize("partner", PARTNERS)
def test_the_truth_is_planted(tables, partner):
    truth, table, people = referrals.TRUTH[partner], tables["referrals"], tables["clinicians"]
    codes = {name: code for name, (code, *_) in referrals.FEEDERS.items()}
    own = table[(table["partner"] == partner)].merge(
        people[["npi", "city", "taxonomy_code", "affiliation"]], on="npi", validate="many_to_one"
    )
    ours = own["destination_system"].isin([world.HUB_SYSTEM, world.PARTNERS[partner]["name"]])
    affiliated = own[own["affiliation"] == "affiliated"]
    kept = affiliated.assign(kept=affiliated["referrals_n"].where(ours, 0)).groupby("taxonomy_code")[["kept", "referrals_n"]].sum()
    leaking = kept.loc[codes[truth["leaking_specialty"]]]
    assert leaking["kept"] / leaking["referrals_n"] < 0.6 * kept["kept"].sum() / kept["referrals_n"].sum()
    by_year = (
        own[ours]
        .assign(year=own["period"].dt.year)
        .pivot_table(index="npi", columns="year", values="referrals_n", aggfunc="sum", fill_value=0)
    )
    lost = by_year.loc[referrals.npi(partner, referrals.ROLE_SERIAL["lost_referrer"])]
    opened = by_year.loc[referrals.npi(partner, referrals.ROLE_SERIAL["opened_referrer"])]
    assert lost[2024] >= 30
    assert lost[2025] == 0
    assert opened[2024] == 0
    assert opened[2025] >= 15
    town = own[ours & (own["city"] == truth["growing_origin"])].groupby(own["period"].dt.year)["referrals_n"].sum()
    assert town[2025] > 1.5 * town[2024]
