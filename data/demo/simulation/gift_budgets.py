"""What an office plans and spends: designations, campaign and appeals, expenses, staff and goals."""

import numpy as np
import pandas as pd

from .gift_ledger import Ledger
from .gift_office import AS_OF, DESIGNATIONS, EXPENSE_RATIO, FIRST_YEAR, FTE, LAST_YEAR, PROGRAMS


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
