"""The published referral pages of the demo under attack: no hidden count is known, and the place of a hidden row tells nothing of it."""

from pathlib import Path

import attacker
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo" / "referrals"
PARTNERS = ["dunes", "northpoint", "riverbend", "tallgrass"]
FEW = 3  # so few values left of 1 to 12 would be a count told


def network(partner):
    """Systems of a partner's network: its own and its hub's, and the system of each center."""
    said = yaml.safe_load((ROOT / "params" / "portfolio.yml").read_text()) | yaml.safe_load(
        (ROOT / "params" / "partners" / f"{partner}.yml").read_text()
    )
    centers = pd.read_csv(DEMO / "destinations.csv").set_index("destination")["destination_system"]
    named = {said["name"], *said["network"]}
    return centers.to_dict(), sorted({system for center, system in centers.items() if {center, system} & named})


def truth(partner, ours):
    """The referrals of the period, one row each group, with what the exhibits count them by."""
    rows = pd.read_csv(DEMO / f"referrals_{partner}.csv.gz")
    codes = pd.read_csv(ROOT / "data" / "public" / "specialties.csv")
    people = pd.read_csv(DEMO / f"clinicians_{partner}.csv").merge(codes, on="taxonomy_code", validate="many_to_one")
    rows = rows[rows["eligible"] & (rows["period"] >= "2025")].merge(people, on="npi", validate="many_to_one")
    return rows.assign(ours=rows["destination_system"].isin(ours))


def counted(rows, cell):
    """The true count of a published cell, None where a label does not say whose it is."""
    us, own = rows["ours"], rows["affiliation"] == "affiliated"
    first = cell.row[0]
    chosen = {
        "matrix": lambda: (rows["specialty"] == first) & (rows["destination_system"] == cell.row[-1]),
        "senders": lambda: us & (rows["specialty"] == first) & (rows["affiliation"] == cell.row[-1]),
        "eligible": lambda: own & (rows["specialty"] == first),
        "kept": lambda: own & us & (rows["specialty"] == first),
        "flows": lambda: (rows["city"] == first) & (rows["destination"] == cell.row[-1]),
        "title": lambda: ~us & (rows["city"] == first),
        "system": lambda: rows["system"] == first,
        "system kept": lambda: us & (rows["system"] == first),
        "funnel": lambda: us,
        "site": lambda: us & (rows["site"] == first),
    }
    if cell.exhibit == "largest":
        return rows[us & (rows["site"] == first)].groupby("npi")["referrals_n"].sum().max()
    return rows.loc[chosen[cell.exhibit](), "referrals_n"].sum() if cell.exhibit in chosen else None


@pytest.mark.slow
@pytest.mark.parametrize("partner", PARTNERS)
def test_no_hidden_count_of_the_referral_page_is_told_by_all_the_others(demo_pages, partner):
    centers, ours = network(partner)
    attack = attacker.attack(demo_pages[partner, "02_referral_patterns"].read_text(), centers=centers, ours=ours)
    rows, checked = truth(partner, ours), 0
    for cell in attack.cells:
        value = counted(rows, cell)
        if value is not None:
            assert cell.low <= value <= cell.high, f"the attacker misreads {cell.exhibit} {cell.row}: {value}"
            checked += 1
    assert checked > 100
    hidden = [cell for cell in attack.cells if cell.hidden]
    ranges = {(cell.exhibit, *cell.row): attack.range(cell, few=FEW) for cell in hidden}
    assert len(hidden) > 20
    assert {key: found for key, found in ranges.items() if found[1] - found[0] + 1 <= FEW} == {}


@pytest.mark.slow
@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize(
    ("exhibit", "value"),
    [
        ("referrals-by-system", "Stayed with us"),
        ("keepage-by-specialty", "Eligible referrals"),
        ("single-referrers", "Share of the largest, %"),
        ("flow-map", "Referrals"),
        ("senders-by-specialty", "Referrals"),
    ],
)
def test_the_place_of_a_row_comes_from_what_is_shown(demo_pages, partner, exhibit, value):
    frame = attacker.tables(demo_pages[partner, "02_referral_patterns"].read_text())[exhibit]
    shown = frame[value] != attacker.HIDDEN
    assert shown.is_monotonic_decreasing, "a hidden row stands before one that is shown"
    assert numbers(frame.loc[shown, value]).is_monotonic_decreasing
    for _, tied in frame.groupby(value, sort=False):
        assert tied.iloc[:, 0].is_monotonic_increasing


def numbers(texts):
    return pd.to_numeric(texts.str.replace(",", ""), errors="coerce")


@pytest.mark.slow
@pytest.mark.parametrize("partner", PARTNERS)
def test_the_ends_of_the_matrix_stand_in_the_order_of_the_counts_shown(demo_pages, partner):
    frame = attacker.tables(demo_pages[partner, "02_referral_patterns"].read_text())["destination-systems"]
    frame["n"] = numbers(frame["Referrals"])
    for end, within in (("Specialty", None), ("Destination system", "Specialty")):
        sums = frame.groupby(end)["n"].sum()
        expected = sorted(sums.index, key=lambda name, sums=sums: (-sums[name], name))
        for rows in [frame] if within is None else [part for _, part in frame.groupby(within)]:
            found = list(dict.fromkeys(rows[end]))
            assert found == [name for name in expected if name in found]
