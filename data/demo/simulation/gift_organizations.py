"""Donors that are no households: a donor-advised fund sponsor, corporations, estates, foundations and their grants."""

import numpy as np
import pandas as pd

from .gift_ledger import Ledger, day
from .gift_office import AS_OF, FIRST_YEAR, LAST_YEAR


def organizations(ledger: Ledger) -> None:
    """A donor-advised fund sponsor, corporations, foundations with grants, and estates."""
    random, scale = ledger.random, ledger.office["ask_usd"] / 60_000
    ledger.donor(f"{ledger.partner}-S01", "donor-advised fund sponsor", "personal contact")
    for number in range(1, 13):
        donor_id = ledger.donor(f"{ledger.partner}-K{number:02d}", "corporation", "personal contact")
        size = 6_000 * scale * np.exp(random.normal(0, 0.9))
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            if random.random() < 0.7:
                kind = "in kind" if random.random() < 0.12 else "outright"
                ledger.gift(donor_id, day(random, year, "mail"), kind, round(size * np.exp(random.normal(0, 0.25)), -2), "corporate")
    for number in range(1, 6 + 1):
        donor_id = ledger.donor(f"{ledger.partner}-B{number:02d}", "estate", "personal contact")
        planned(ledger, donor_id, scale)


def planned(ledger: Ledger, donor_id: str, scale: float) -> None:
    """A bequest: documented first (production), realized later (cash), sometimes realized without a document."""
    random = ledger.random
    documented = pd.Timestamp(2016, 9, 1) + pd.Timedelta(days=int(random.integers(0, 3300)))
    amount = round(55_000 * scale * np.exp(random.normal(0, 0.6)), -3)
    commitment = None
    if random.random() < 0.75:
        commitment = f"{donor_id}-W"
        ledger.gift(donor_id, documented, "planned intention", amount, "planned giving", pledge_id=commitment)
    realized = documented + pd.Timedelta(days=int(random.integers(500, 2500)))
    ledger.gift(
        donor_id, realized, "planned realized", round(amount * random.uniform(0.8, 1.1), -2), "planned giving", pledge_id=commitment
    )


def foundations(ledger: Ledger) -> None:
    """Grant applications with their outcome; awards enter the ledger when decided."""
    random, scale = ledger.random, ledger.office["ask_usd"] / 60_000
    for number in range(1, 16):
        donor_id = ledger.donor(f"{ledger.partner}-N{number:02d}", "foundation", "personal contact")
        size = 9_000 * scale * np.exp(random.normal(0, 0.7))
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            if random.random() < 0.2:
                ledger.gift(donor_id, day(random, year, "mail"), "outright", round(size, -2), "foundation")
    submitted = pd.Timestamp(2018, 8, 1)
    while submitted < AS_OF:
        submitted += pd.Timedelta(days=int(random.integers(25, 95)))
        donor_id = f"{ledger.partner}-N{int(random.integers(1, 16)):02d}"
        grant(ledger, donor_id, submitted, round(48_000 * scale * np.exp(random.normal(0, 0.6)), -3))


def grant(ledger: Ledger, donor_id: str, submitted: pd.Timestamp, requested: float) -> None:
    random, grant_id = ledger.random, ledger.number("grants", "H")
    if submitted > AS_OF:
        return
    decided, fund = submitted + pd.Timedelta(days=int(random.integers(60, 190))), ledger.designation()
    won = decided <= AS_OF and random.random() < 0.36
    status = "pending" if decided > AS_OF else "awarded" if won else "declined"
    awarded = round(requested * random.uniform(0.7, 1.0), -2) if won else 0.0
    start, end = decided + pd.Timedelta(days=30), decided + pd.Timedelta(days=30 + 365 * int(random.integers(1, 4)))
    gone = min(1.0, max(0.0, (AS_OF - start).days / (end - start).days)) if won else 0.0
    spent = round(awarded * min(1.0, gone * random.uniform(0.65, 1.15)), 2)
    ledger.add(
        "grants",
        grant_id=grant_id,
        donor_id=donor_id,
        designation_id=fund,
        submitted_date=submitted,
        decided_date=decided if status != "pending" else None,
        status=status,
        requested_usd=requested,
        awarded_usd=awarded,
        start_date=start if won else None,
        end_date=end if won else None,
        spent_usd=spent,
        indirect_usd=round(spent * float(random.choice([0.0, 0.1, 0.15])), 2),
    )
    if won:
        ledger.gift(donor_id, decided, "grant", awarded, "grants", designation_id=fund)
        for due in pd.date_range(start + pd.DateOffset(months=6), end + pd.DateOffset(months=2), freq="182D"):
            sent = due - pd.Timedelta(days=int(random.integers(-12, 30)))
            ledger.add(
                "grant_reports",
                grant_id=grant_id,
                report="final" if due >= end else "progress",
                due_date=due,
                sent_date=sent if sent <= AS_OF and due < AS_OF - pd.Timedelta(days=14) and random.random() < 0.97 else None,
            )
