"""Gift ledgers of the demo: donors, gifts, pledges, prospects, proposals, grants, expenses and goals. All invented.

Three of the four partners have a development program; riverbend has none, so no table holds a row for it. The ledgers
run from fiscal year 2017 (1 July 2016) to 31 December 2025, halfway through fiscal year 2026. Donors give yearly with an
own probability until they stop for good; funded proposals become the pledges and large gifts of the ledger; pledges are
paid late, in part or not at all as stated below; one gift in 250 is refunded or charged back.

Planted truth (what the notebook must find)
-------------------------------------------
- tallgrass: donors whose first gift came through an event mostly did not give again in fiscal year 2025.
- northpoint: one household gives more than a third of fiscal year 2025 cash.
- dunes: the campaign is behind its time, and pledges are paid late.
- riverbend: no development program.
- In every ledger proposals in the early stages are funded more often than common practice assumes.
"""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from . import world

TRUTH = {
    "tallgrass": {"lapsed_dimension": "First gift came through", "lapsed_segment": "event", "year": 2025},
    "northpoint": {"dominant_donor": "northpoint-M001", "year": 2025, "least_share": 1 / 3},
    "dunes": {"campaign_behind": "dunes-C1", "late_share": 0.35},
    "riverbend": {"program": False},
    "stage_funded_share": {
        "identification": 0.13,
        "qualification": 0.20,
        "cultivation": 0.34,
        "solicitation": 0.56,
        "verbal commitment": 0.90,
    },
}
FIRST_YEAR, LAST_YEAR = 2017, 2026
AS_OF = pd.Timestamp(world.AS_OF)

# Annual givers per year of entry, major prospects, median yearly gift, median major ask, campaign, staff.
OFFICES = {
    "tallgrass": {
        "entrants": 210,
        "majors": 150,
        "gift_usd": 110,
        "ask_usd": 60_000,
        "late": 0.15,
        "officers": 1,
        "campaign": ("Closer to Home", 2.9e6, "2022-07-01", "2027-06-30"),
    },
    "dunes": {
        "entrants": 140,
        "majors": 90,
        "gift_usd": 90,
        "ask_usd": 40_000,
        "late": TRUTH["dunes"]["late_share"],
        "officers": 1,
        "campaign": ("A Center by the Lake", 2.2e6, "2022-01-01", "2026-12-31"),
    },
    "northpoint": {
        "entrants": 300,
        "majors": 220,
        "gift_usd": 130,
        "ask_usd": 90_000,
        "late": 0.10,
        "officers": 2,
        "campaign": ("Northern Light", 22e6, "2021-07-01", "2028-06-30"),
    },
}
SOURCES = {"mail": 0.36, "online": 0.24, "event": 0.20, "grateful patient": 0.14, "tribute": 0.06}
DESIGNATIONS = [
    ("Cancer program, greatest need", "general", "unrestricted", 0.30),
    ("Radiation oncology equipment", "radiation oncology", "restricted", 0.16),
    ("Infusion center", "infusion", "restricted", 0.14),
    ("Patient assistance fund", "patient assistance", "restricted", 0.14),
    ("Clinical trials access", "clinical trials", "restricted", 0.10),
    ("Nurse navigation", "navigation", "restricted", 0.09),
    ("Survivorship and wellness", "survivorship", "restricted", 0.07),
]
PROGRAMS = ("annual giving", "major gifts", "events", "corporate", "foundation", "grants", "planned giving")
STAGES = ("identification", "qualification", "cultivation", "solicitation", "verbal commitment")
STAGE_DAYS = {"identification": 70, "qualification": 90, "cultivation": 200, "solicitation": 110, "verbal commitment": 45}
EXPENSE_RATIO = {
    "annual giving": 0.28,
    "major gifts": 0.13,
    "events": 0.47,
    "corporate": 0.18,
    "foundation": 0.15,
    "grants": 0.16,
    "planned giving": 0.22,
}
FTE = {"annual giving": 1.2, "major gifts": 2.0, "events": 1.0, "corporate": 0.4, "foundation": 0.5, "grants": 0.7, "planned giving": 0.4}


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


def soft(ledger: Ledger, gift_id: str | None, donor_id: str, amount: float, reason: str) -> None:
    if gift_id:
        ledger.add("soft_credits", gift_id=gift_id, donor_id=donor_id, amount_usd=round(amount, 2), reason=reason)


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


def prospects(ledger: Ledger) -> None:
    """Rated prospects and their proposals; a funded one becomes a pledge or a large gift."""
    random, office = ledger.random, ledger.office
    for number in range(1, office["majors"] + 1):
        donor_id = f"{ledger.partner}-M{number:03d}"
        kind = "household" if random.random() < 0.8 or number == 1 else "corporation"
        ledger.donor(donor_id, kind, "personal contact")
        capacity = round(office["ask_usd"] * np.exp(random.normal(0.4, 1.1)), -3)
        prospect_id = f"{ledger.partner}-P{number:03d}"
        ledger.add(
            "prospects",
            prospect_id=prospect_id,
            donor_id=donor_id,
            officer=f"Gift officer {number % office['officers'] + 1}",
            capacity_usd=max(5_000.0, capacity),
            status="stewardship" if random.random() < 0.15 else "open",
        )
        opened = pd.Timestamp(2016, 10, 1) + pd.Timedelta(days=int(random.integers(0, 2600)))
        while opened < AS_OF - pd.Timedelta(days=20):
            opened = proposal(ledger, prospect_id, donor_id, opened, capacity, kind)
            opened += pd.Timedelta(days=int(random.integers(150, 900)))
    if ledger.partner == "northpoint":
        dominant(ledger)


def proposal(ledger: Ledger, prospect_id: str, donor_id: str, opened: pd.Timestamp, capacity: float, kind: str) -> pd.Timestamp:
    """One proposal through its stages; returns the day it was closed or, if still open, the as-of day."""
    random, proposal_id = ledger.random, ledger.number("proposals", "Q")
    shares = [*TRUTH["stage_funded_share"].values(), 1.0]
    when, ask_date, outcome = opened, None, None
    for stage, now, ahead in zip(STAGES, shares, shares[1:], strict=False):
        if when > AS_OF:
            break
        ledger.add("proposal_stages", proposal_id=proposal_id, stage=stage, entered_date=when)
        ask_date = when if stage == "solicitation" else ask_date
        when += pd.Timedelta(days=int(STAGE_DAYS[stage] * random.gamma(1.6, 0.62)) + 3)
        moves = random.random() < now / ahead
        if when <= AS_OF and not moves:
            outcome = "declined" if ask_date is not None else "withdrawn"
            break
    if when <= AS_OF and outcome is None:
        outcome = "funded"
    ask = max(2_500.0, round(capacity * random.uniform(0.3, 0.9), -3))
    funded = round(ask * random.uniform(0.6, 1.05), -2) if outcome == "funded" else 0.0
    program, fund = ("major gifts" if kind == "household" else "corporate"), ledger.designation()
    move = AS_OF + pd.Timedelta(days=int(random.integers(-160, 75))) if outcome is None else None
    ledger.add(
        "proposals",
        proposal_id=proposal_id,
        prospect_id=prospect_id,
        program=program,
        designation_id=fund,
        ask_usd=ask,
        ask_date=ask_date,
        next_move_date=move,
        outcome=outcome,
        closed_date=when if outcome else None,
        funded_usd=funded,
    )
    if outcome == "funded":
        commitment(ledger, donor_id, when, funded, program, fund)
    return when if outcome else AS_OF


def commitment(
    ledger: Ledger,
    donor_id: str,
    date: pd.Timestamp,
    amount: float,
    program: str,
    fund: str,
    *,
    years: int | None = None,
    campaign: str | None = None,
) -> None:
    """A large gift at once, or a pledge with yearly instalments, the first on the day of the pledge plus a month."""
    random = ledger.random
    campaign = campaign or in_campaign(ledger, date)
    if years is None and (amount < 15_000 or random.random() < 0.4):
        kind = "stock" if random.random() < 0.2 else "outright"
        ledger.gift(donor_id, date, kind, amount, program, designation_id=fund, campaign_id=campaign)
        return
    pledge_id = ledger.number("pledges", "L")
    years = years or int(random.integers(3, 6))
    rate = round(0.022 + 0.0025 * max(0, date.year - 2020), 4)
    ledger.gift(donor_id, date, "pledge", amount, program, designation_id=fund, campaign_id=campaign, pledge_id=pledge_id)
    parts = np.full(years, round(amount / years, 2))
    parts[-1] = round(amount - parts[:-1].sum(), 2)
    stops = int(random.integers(1, years)) if random.random() < 0.07 and amount < 1e6 else years
    unpaid, dues = 0.0, [date + pd.DateOffset(days=30, years=number) for number in range(years)]
    for number, (due, part) in enumerate(zip(dues, parts, strict=True)):
        ledger.add("pledge_instalments", pledge_id=pledge_id, instalment=number + 1, due_date=due, due_usd=part)
        late = int(random.gamma(1.5, 90)) if random.random() < ledger.office["late"] and amount < 1e6 else int(random.integers(-20, 8))
        if number < stops:
            ledger.gift(
                donor_id,
                due + pd.Timedelta(days=late),
                "pledge payment",
                part,
                program,
                designation_id=fund,
                campaign_id=campaign,
                pledge_id=pledge_id,
            )
        else:
            unpaid += part
    off = dues[min(stops, years - 1)] + pd.Timedelta(days=400)
    gone = unpaid > 0 and off <= AS_OF
    ledger.add(
        "pledges",
        pledge_id=pledge_id,
        donor_id=donor_id,
        pledge_date=date,
        amount_usd=amount,
        instalments_n=years,
        designation_id=fund,
        campaign_id=campaign,
        discount_rate_share=rate,
        written_off_usd=round(unpaid, 2) if gone else 0.0,
        written_off_date=off if gone else None,
    )


def in_campaign(ledger: Ledger, date: pd.Timestamp) -> str | None:
    _, _, start, end = ledger.office["campaign"]
    inside = pd.Timestamp(start) <= date <= pd.Timestamp(end) and ledger.random.random() < 0.85
    return f"{ledger.partner}-C1" if inside else None


def dominant(ledger: Ledger) -> None:
    """The planted dependence: one household pays a very large pledge and adds outright gifts."""
    donor_id, fund = TRUTH["northpoint"]["dominant_donor"], ledger.designations[1]
    commitment(ledger, donor_id, pd.Timestamp(2023, 2, 10), 9_000_000.0, "major gifts", fund, years=5, campaign="northpoint-C1")
    for year in (2024, 2025):
        ledger.gift(
            donor_id, pd.Timestamp(year - 1, 11, 20), "stock", 350_000.0, "major gifts", designation_id=fund, campaign_id="northpoint-C1"
        )


def frame_of_office(ledger: Ledger) -> None:
    """Designations, campaign, appeals."""
    for designation_id, (title, theme, restriction, _) in zip(ledger.designations, DESIGNATIONS, strict=True):
        ledger.add("designations", designation_id=designation_id, designation=title, theme=theme, restriction=restriction)
    title, goal, start, end = ledger.office["campaign"]
    ledger.add(
        "campaigns",
        campaign_id=f"{ledger.partner}-C1",
        campaign=title,
        goal_usd=goal,
        start_date=pd.Timestamp(start),
        end_date=pd.Timestamp(end),
    )
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for letter, title in {
            "M": "Mail",
            "O": "Online",
            "E": "Autumn gala",
            "P": "Grateful patient",
            "T": "Tribute",
            "R": "Monthly giving",
        }.items():
            ledger.add("appeals", appeal_id=f"{ledger.partner}-{letter}{year}", appeal=f"{title} {year}", fiscal_year=year)


def budgets(ledger: Ledger) -> None:
    """Expenses and staff by program and fiscal year, and goals by program and designation from the two years before."""
    random, gifts = ledger.random, pd.DataFrame(ledger.rows["gifts"])
    gifts["fiscal_year"] = gifts["gift_date"].dt.year + (gifts["gift_date"].dt.month >= 7)
    size = {"tallgrass": 1.0, "dunes": 0.7, "northpoint": 1.9}[ledger.partner]
    for basis, dropped in (("cash", ("pledge", "planned intention", "in kind")), ("production", ("pledge payment", "planned realized"))):
        totals = gifts[~gifts["gift_type"].isin(dropped)].groupby(["fiscal_year", "program"])["amount_usd"].sum()
        for year in range(FIRST_YEAR + 2, LAST_YEAR + 1):
            for program in PROGRAMS:
                past = np.mean([totals.get((year - back, program), 0.0) for back in (1, 2)])
                for designation_id, weight in zip(ledger.designations, ledger.weights, strict=True):
                    ledger.add(
                        "fundraising_goals",
                        fiscal_year=year,
                        basis=basis,
                        program=program,
                        designation_id=designation_id,
                        goal_usd=float(round(past * 1.06 * weight, -2)),
                    )
        if basis == "production":
            for year in range(FIRST_YEAR, LAST_YEAR + 1):
                for program in PROGRAMS:
                    around = np.mean([totals.get((year - back, program), 0.0) for back in (0, 1, 2) if year - back >= FIRST_YEAR])
                    part = (AS_OF - pd.Timestamp(LAST_YEAR - 1, 7, 1)).days / 365 if year == LAST_YEAR else 1.0
                    ledger.add(
                        "fundraising_expenses",
                        fiscal_year=year,
                        program=program,
                        expense_usd=round(part * (9_000 * size + around * EXPENSE_RATIO[program] * random.uniform(0.9, 1.1)), 2),
                        fte=round(FTE[program] * size, 1),
                    )


def tables(*partners: str) -> dict[str, pd.DataFrame]:
    """Every table of the partners (by default all with a development program), in order of partner and identifier."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for partner in partners or OFFICES:
        ledger = Ledger(partner)
        for step in (frame_of_office, organizations, foundations, prospects, annual_givers, budgets):
            step(ledger)
        for table, rows in ledger.rows.items():
            parts.setdefault(table, []).append(pd.DataFrame(rows))
    return {table: pd.concat(frames, ignore_index=True) for table, frames in parts.items()}


def write(folder: Path, *partners: str) -> None:
    """Write the tables below `folder`/gifts: one compressed CSV per table and partner, so that a partner's rows lie by themselves."""
    target = Path(folder) / "gifts"
    target.mkdir(parents=True, exist_ok=True)
    for table, frame in tables(*partners).items():
        for partner, part in frame.groupby("partner", sort=True):
            _write(part, target / f"{table}_{partner}.csv.gz")


def _write(frame: pd.DataFrame, path: Path) -> None:
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n", date_format="%Y-%m-%d")
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(text.getvalue().encode())
