"""Donors of the annual program: who enters, who gives again, who stops, and in which way each gives."""

import numpy as np
import pandas as pd

from .gift_ledger import Ledger, day, soft
from .gift_office import FIRST_YEAR, LAST_YEAR, SOURCES, TRUTH


def annual_givers(ledger: Ledger) -> None:
    """Donors of the annual program, from three years before the ledger, so that its first year is not all new."""
    random, office = ledger.random, ledger.office
    sources = list(SOURCES)
    for entry in range(FIRST_YEAR - 3, LAST_YEAR + 1):
        for position in range(int(office["entrants"] * (0.86 + 0.02 * (entry - 2014)))):
            donor_id = f"{ledger.partner}-A{entry - 2000}{position:04d}"
            source = str(random.choice(sources, p=list(SOURCES.values())))
            habit, leaving = random.beta(0.7, 0.8), random.beta(0.6, 1.3)
            size = office["gift_usd"] * np.exp(random.normal(0.25 if source == "event" else 0, 0.95))
            recurring, advised = random.random() < 0.05, size > 900 and random.random() < 0.25
            before = len(ledger.rows.get("gifts", []))
            for year in range(entry, LAST_YEAR + 1):
                if year > entry and random.random() < leaving:
                    break
                gives = year == entry or random.random() < habit
                if ledger.partner == "tallgrass" and source == "event" and year == TRUTH["tallgrass"]["year"] and year > entry:
                    gives = gives and random.random() < 0.22
                size *= np.exp(random.normal(0.02, 0.18))
                if gives:
                    yearly_giving(ledger, donor_id, year, source, size, recurring=recurring, advised=advised)
            if len(ledger.rows.get("gifts", [])) > before:
                ledger.donor(donor_id, "household", source)


def yearly_giving(ledger: Ledger, donor_id: str, year: int, source: str, size: float, *, recurring: bool, advised: bool) -> None:
    """What one annual donor gives in one fiscal year, by the donor's way of giving."""
    random = ledger.random
    if recurring:
        monthly = max(5, round(size / 8))
        for month in range(12):
            ledger.gift(
                donor_id,
                pd.Timestamp(year - 1, 7, 12) + pd.DateOffset(months=month),
                "recurring",
                monthly,
                "annual giving",
                appeal_id=f"{ledger.partner}-R{year}",
            )
        return
    for _ in range(1 + int(random.random() < 0.28)):
        date = day(random, year, source)
        amount = max(10, round(size / 5) * 5) if source != "online" else round(max(10, size), 2)
        if advised:
            gift_id = ledger.gift(
                f"{ledger.partner}-S01", date, "donor-advised", amount, "annual giving", appeal_id=f"{ledger.partner}-M{year}"
            )
            soft(ledger, gift_id, donor_id, amount, "donor-advised")
            continue
        kind, program = (
            ("event", "events")
            if source == "event"
            else ("stock" if amount > 2_500 and random.random() < 0.3 else "outright", "annual giving")
        )
        letter = {"mail": "M", "online": "O", "event": "E", "grateful patient": "P", "tribute": "T"}[source]
        gift_id = ledger.gift(donor_id, date, kind, amount, program, appeal_id=f"{ledger.partner}-{letter}{year}")
        if gift_id and kind == "outright" and amount >= 100 and random.random() < 0.03:
            match = ledger.gift(
                f"{ledger.partner}-K{int(random.integers(1, 9)):02d}", date + pd.Timedelta(days=60), "matching", amount, "corporate"
            )
            soft(ledger, match, donor_id, amount, "matching")
