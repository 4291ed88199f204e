"""One partner's tables while they are written: donors and gifts with their identifiers, dates and soft credits."""

import numpy as np
import pandas as pd

from . import world
from .gift_office import AS_OF, DESIGNATIONS, FIRST_YEAR, OFFICES


class Ledger:
    """One partner's tables while they are written: rows by table, and running numbers for identifiers."""

    def __init__(self, partner: str):
        self.partner, self.office, self.random = partner, OFFICES[partner], world.random("gifts", partner)
        self.rows: dict[str, list[dict]] = {}
        self.designations = [f"{partner}-F{number}" for number in range(1, len(DESIGNATIONS) + 1)]
        self.weights = np.array([weight for *_, weight in DESIGNATIONS])

    def add(self, table: str, **values) -> dict:
        self.rows.setdefault(table, []).append({"partner": self.partner, **values})
        return values

    def number(self, table: str, letter: str) -> str:
        return f"{self.partner}-{letter}{len(self.rows.get(table, [])) + 1:05d}"

    def designation(self) -> str:
        return str(self.random.choice(self.designations, p=self.weights))

    def donor(self, donor_id: str, kind: str, source: str) -> str:
        opted = bool(kind == "household" and self.random.random() < 0.03)
        grateful = bool(kind == "household" and (source == "grateful patient" or self.random.random() < 0.06))
        self.add(
            "donors",
            donor_id=donor_id,
            household_id=donor_id,
            name=name(self.random, kind),
            kind=kind,
            source=source,
            grateful_patient=grateful,
            opted_out=opted,
        )
        return donor_id

    def gift(self, donor_id: str, date: pd.Timestamp, kind: str, amount: float, program: str, **more) -> str | None:
        """One transaction, if the ledger covers its date; one in 250 ordinary gifts is reversed some weeks later."""
        if not pd.Timestamp(FIRST_YEAR - 1, 7, 1) <= date <= AS_OF:
            return None
        fields = {
            "designation_id": None,
            "campaign_id": None,
            "appeal_id": None,
            "pledge_id": None,
            "adjusts_gift_id": None,
            "adjustment": None,
            **more,
        }
        fields["designation_id"] = fields["designation_id"] or self.designation()
        gift_id = self.number("gifts", "G")
        self.add(
            "gifts",
            gift_id=gift_id,
            donor_id=donor_id,
            gift_date=date,
            gift_type=kind,
            amount_usd=round(amount, 2),
            program=program,
            **fields,
        )
        back = date + pd.Timedelta(days=int(self.random.integers(5, 80)))
        if kind in ("outright", "recurring", "event") and amount < 5_000 and self.random.random() < 0.004 and back <= AS_OF:
            why = str(self.random.choice(["refund", "chargeback"]))
            self.add(
                "gifts",
                **{
                    "gift_id": self.number("gifts", "G"),
                    "donor_id": donor_id,
                    "gift_date": back,
                    "gift_type": kind,
                    "amount_usd": -round(amount, 2),
                    "program": program,
                    **fields,
                    "adjusts_gift_id": gift_id,
                    "adjustment": why,
                },
            )
        return gift_id


def name(random: np.random.Generator, kind: str) -> str:
    """An invented name that no real donor bears."""
    start = str(
        random.choice(
            [
                "Bram",
                "Cald",
                "Dorn",
                "Ells",
                "Fenn",
                "Garr",
                "Holm",
                "Ingr",
                "Kelv",
                "Lorr",
                "Marn",
                "Norr",
                "Pell",
                "Quill",
                "Rosk",
                "Selv",
                "Tarn",
                "Verr",
                "Wimm",
                "Yarr",
            ]
        )
    )
    end = str(random.choice(["aby", "ebright", "icombe", "adale", "erton", "ifield", "egrove", "ahurst", "imere", "estoke"]))
    tail = {
        "household": "Household",
        "corporation": "Works",
        "foundation": "Foundation",
        "donor-advised fund sponsor": "Charitable Fund",
        "estate": "Estate",
    }[kind]
    return f"{random.choice(list('ABCDEGHJKLMPRSTW'))!s}. {start}{end} {tail}"


def day(random: np.random.Generator, year: int, source: str) -> pd.Timestamp:
    """A date in a fiscal year: mail before the holidays and in May, events in October and April, the rest all year, heavier in December."""
    start = pd.Timestamp(year - 1, 7, 1)
    if source == "event":
        return start + pd.Timedelta(days=int(random.choice([102, 104, 290])) + int(random.integers(0, 6)))
    season = random.random()
    low, high = (125, 184) if season < 0.48 else (300, 350) if season < 0.68 else (0, 364)
    return start + pd.Timedelta(days=int(random.integers(low, high)))


def soft(ledger: Ledger, gift_id: str | None, donor_id: str, amount: float, reason: str) -> None:
    if gift_id:
        ledger.add("soft_credits", gift_id=gift_id, donor_id=donor_id, amount_usd=round(amount, 2), reason=reason)
