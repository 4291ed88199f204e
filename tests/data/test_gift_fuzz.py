"""Ledgers at random: the page's totals are the file's, or the import names the difference to the cent."""

import csv
import re
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catchment.data.importing import gifts as layouts
from catchment.data.importing.stream import ImportRefused
from catchment.philanthropy import ledger, pledges, raised

KINDS = {layout.kind: layout for layout in layouts.LAYOUTS}
CENTS = st.integers(1, 900_000)
# Type as it is written, whether it is cash, in kind, a promise, or pays one.
TYPES = {
    "Cash": "cash", "Other": "cash", "Recurring Gift Pay-Cash": "cash", "Gift-in-Kind": "kind", "Pledge": "promise", "MG Pledge": "promise",
    "Pay-Cash": "pays", "Pay-Stock/Property": "pays", "MG Pay-Cash": "pays", "Pay-Gift-in-Kind": "pays in kind", "Write Off": "lost",
    "Recurring Gift": "schedule", "Amendment": "schedule", "Barter": "unknown",
}  # fmt: skip


def read(kind, text):
    """The table, what the import says, and the amounts of the rows that it left out."""
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "export.csv", Path(folder) / "out/export.parquet"
        path.write_text(text)
        done = KINDS[kind].reader(KINDS[kind], path, target, constants={"partner": "dunes"})
        rejects = target.with_suffix(".rejects.csv")
        rows = list(csv.DictReader(rejects.read_text().splitlines())) if rejects.exists() else []
        return pd.read_parquet(target), done, [round(float(row["amount_usd"]) * 100) for row in rows]


def cents(value):
    return round(value * 100)


def named(note):
    """Total, taken and left out of an import's note, in cents."""
    found = [round(float(text.replace(",", "")) * 100) for text in re.findall(r"\$([\d,]+\.\d\d)", note)]
    return (found[0], found[0], 0) if note.startswith("All") else tuple(found[:3])


@st.composite
def exports(draw):
    """A Raiser's Edge export: rows of type, amount in cents, donor, and the pledge that they name."""
    rows = draw(
        st.lists(st.tuples(st.sampled_from(sorted(TYPES)), CENTS, st.sampled_from("AB"), st.integers(0, 3)), min_size=1, max_size=14)
    )
    promised = [number for number, (kind, *_) in enumerate(rows) if TYPES[kind] == "promise"]
    links = [promised[at] if at < len(promised) and TYPES[kind] in ("pays", "pays in kind", "lost") else None for kind, _, _, at in rows]
    return [(kind, value, donor, link) for (kind, value, donor, _), link in zip(rows, links, strict=True)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports())
def test_a_ledger_adds_up_to_its_file(rows):
    lines = [
        f"G{number},{donor},01/{number + 1:02d}/2025,{value / 100:.2f},{kind},{'' if link is None else f'G{link}'}"
        for number, (kind, value, donor, link) in enumerate(rows)
    ]
    try:
        table, done, left = read(
            "raisers_edge_gifts", "Gift ID,Constituent ID,Gift Date,Gift Amount,Gift Type,Linked Pledge ID\n" + "\n".join(lines)
        )
    except ImportRefused as error:
        assert sum(TYPES[kind] in ("schedule", "unknown", "lost") for kind, *_ in rows) * 2 >= len(rows), error
        return
    total = sum(value for _, value, *_ in rows)
    assert cents(table["amount_usd"].abs().sum()) + sum(left) == total
    assert named(done.note) == (total, total - sum(left), sum(left))
    by = pd.DataFrame(rows, columns=["kind", "cents", "donor", "link"]).assign(role=lambda frame: frame["kind"].map(TYPES))
    sums = by.groupby("role")["cents"].sum().reindex(set(TYPES.values()), fill_value=0)
    assert cents(raised.cash(table)) == sums["cash"] + sums["pays"]
    # A match that nobody pledged counts once, when it is paid; everything else that pays a promise never counts as new.
    pledged = set(by.loc[by["kind"] == "MG Pledge", "donor"])
    matched = by[(by["kind"] == "MG Pay-Cash") & by["link"].isna() & ~by["donor"].isin(pledged)]["cents"].sum()
    assert cents(raised.production(table)) == sums["cash"] + sums["kind"] + sums["promise"] + matched
    parts = ledger.reconciliation(ledger.linked(table))["amount_usd"].map(cents).tolist()
    assert sum(parts[:-1]) == parts[-1] == cents(raised.production(table))


@st.composite
def opportunities(draw):
    """NPSP: won or pledged gifts in cents with their payments (cents, year, paid, written off)."""
    payment = st.tuples(CENTS, st.integers(2020, 2024), st.booleans(), st.booleans())
    return draw(st.lists(st.tuples(CENTS, st.booleans(), st.lists(payment, max_size=4)), min_size=1, max_size=6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(opportunities())
def test_payments_are_the_truth_for_cash_by_year(rows):
    gifts = [
        f"O{n},A,2022-03-01,{value / 100:.2f},{'Pledged' if promised else 'Closed Won'},Donation"
        for n, (value, promised, _) in enumerate(rows)
    ]
    paid = [
        f"P{n}_{m},O{n},{value / 100:.2f},{year}-05-01,{f'{year}-05-02' if done else ''},{done},{lost and not done}"
        for n, (_, _, many) in enumerate(rows)
        for m, (value, year, done, lost) in enumerate(many)
    ]
    table = read("npsp_opportunities", "Id,AccountId,CloseDate,Amount,StageName,Type\n" + "\n".join(gifts))[0]
    header = "Id,npe01__Opportunity__c,npe01__Payment_Amount__c,npe01__Scheduled_Date__c,npe01__Payment_Date__c,npe01__Paid__c,npe01__Written_Off__c\n"
    if not paid:
        return
    payments = read("npsp_payments", header + "\n".join(paid))[0]
    none = pd.DataFrame(columns=["pledge_id", "written_off_usd", "written_off_date"], dtype="object")
    schedule = pd.DataFrame(columns=["pledge_id", "instalment", "due_date", "due_usd"], dtype="object")
    made = pledges.joined(table, payments, pledges=none, instalments=schedule, discount_rate_share=0.04)
    expected = {}
    for value, promised, many in rows:
        for amount, year, done, _ in many:
            expected[year] = expected.get(year, 0) + amount * done
        if not many and not promised:
            expected[2022] = expected.get(2022, 0) + value
    cash = raised.raised(made.gifts, start_month=1).set_index("fiscal_year")["amount_usd"]
    assert {year: cents(value) for year, value in cash.items()} == {year: value for year, value in expected.items() if value}
    assert cents(raised.production(made.gifts)) == sum(value for value, *_ in rows)
    lost = pledges.write_offs(made.gifts, made.pledges)
    parts = ledger.reconciliation(ledger.linked(made.gifts), write_offs=lost)["amount_usd"].map(cents).tolist()
    assert sum(parts[:-1]) == parts[-1]
