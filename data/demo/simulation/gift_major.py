"""Major gifts: prospects, proposals through their stages, and the pledges and large gifts that they become."""

import numpy as np
import pandas as pd

from .gift_ledger import Ledger
from .gift_office import AS_OF, STAGE_DAYS, STAGES, TRUTH


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
