"""The written part of the demo scorecard: evidence per standard, initiatives with milestones, risks and decisions, comments.

Everything is invented. Roles stand in for people. Each partner starts from the same record and differs where its situation does.
"""

import pandas as pd

from . import world

# Service: share reached (trials and navigation: by the peers; ours are the indicators' own counts), part of each site's cases that is eligible, partners that reach few.
SERVICES = {
    "Clinical trials": (0.06, {"Breast": 1.0, "Lung & bronchus": 1.0, "Prostate": 1.0, "Colon & rectum": 1.0, "All other sites": 1.0}, ()),
    "Genetics": (0.64, {"Breast": 0.42, "Prostate": 0.18, "Colon & rectum": 0.30, "All other sites": 0.16}, ("dunes", "riverbend")),
    "Palliative care": (0.57, {"Breast": 0.10, "Lung & bronchus": 0.52, "Prostate": 0.12, "Colon & rectum": 0.28, "All other sites": 0.30}, ("tallgrass",)),
    "Navigation": (0.74, {"Breast": 1.0, "Lung & bronchus": 1.0, "Prostate": 1.0, "Colon & rectum": 1.0, "All other sites": 1.0}, ()),
    "Survivorship": (0.49, {"Breast": 0.80, "Lung & bronchus": 0.40, "Prostate": 0.85, "Colon & rectum": 0.60, "All other sites": 0.50}, ("northpoint",)),
}  # fmt: skip

OWNERS = {
    "1": "Program administrator", "2": "Committee chair", "3": "Program administrator", "4": "Nursing director", "5": "Quality manager",
    "6": "Registry manager", "7": "Quality manager", "8": "Outreach coordinator", "9": "Research coordinator",
}  # fmt: skip
STANDARDS = [
    "1.1",
    "2.1",
    "2.2",
    "2.3",
    "2.4",
    "2.5",
    "3.1",
    "3.2",
    "4.1",
    "4.2",
    "4.3",
    "4.4",
    "4.5",
    "4.6",
    "4.7",
    "4.8",
    "5.1",
    "5.2",
    "5.3",
    "5.4",
    "5.5",
    "5.6",
    "5.7",
    "5.8",
    "5.9",
    "6.1",
    "6.4",
    "6.5",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "8.1",
    "8.2",
    "8.3",
    "9.1",
    "9.2",
]
MEASURED = {
    "2.4": 0.83,
    "5.1": 0.96,
    "5.3": 0.90,
    "5.4": 0.88,
    "5.5": 0.92,
    "5.6": 0.90,
    "5.7": 0.93,
    "5.8": 0.87,
    "5.9": 0.86,
    "6.1": 0.12,
    "6.5": 0.88,
    "7.1": 0.93,
}
ELIGIBLE = {"tallgrass": 240, "riverbend": 58, "dunes": 155, "northpoint": 402}  # patients behind the quality measures of 7.1
# Partner and standard: reported status, measured share, evidence, due.
EXCEPTIONS = {
    ("tallgrass", "5.3"): ("Met", 0.73, "audit of 30 operative reports; the template was not in use in the first quarter", "2026-03-31"),
    ("tallgrass", "2.5"): ("At risk", None, "coordinator's yearly report still to be presented", "2026-02-15"),
    ("tallgrass", "4.5"): ("At risk", None, "yearly evaluation drafted, not yet presented to the committee", "2026-02-28"),
    ("riverbend", "9.1"): ("Not met", None, "one study open; referral agreement with the hub in preparation", "2026-09-30"),
    ("riverbend", "7.2"): (None, None, None, None),
    ("riverbend", "5.7"): ("Not applicable", None, "no rectal surgery here", None),
    ("riverbend", "5.8"): ("Not applicable", None, "no lung surgery here", None),
    ("riverbend", "4.4"): ("At risk", None, "telegenetics contract ends in April", "2026-04-01"),
    ("dunes", "6.5"): ("At risk", 0.77, "follow-up letters lapsed when the registry changed vendor", "2025-11-30"),
    ("dunes", "4.4"): ("At risk", None, "counselor position vacant since August", "2026-03-15"),
    ("northpoint", "5.8"): ("Met", 0.82, "audit of 50 lung resections", "2026-06-30"),
}  # fmt: skip

# Initiative: theme, phase, start, days of its four milestones, days by which each slipped, gaps that it works on.
INITIATIVES = {
    "tallgrass": [
        ("Urology access clinic", "workforce", "pilot", "2025-03-01", (40, 70, 90, 150), (0, 5, 32, 40), ("third_next_days", "treatment_days", "consult_days")),
        ("Infusion growth", "infusion", "plan", "2025-06-01", (45, 80, 100, 160), (0, 21, 28, 28), ("Infusion services", "infusion_visits_n")),
        ("Operative report templates", "general", "scale", "2025-04-01", (20, 40, 60, 120), (0, 0, 4, 10), ("5.3",)),
        ("Palliative care clinic", "survivorship", "assess", "2025-10-01", (60, 90, 120, 180), (12, 12, 12, 12), ("4.5", "Palliative care")),
    ],
    "riverbend": [
        ("Nurse residency with the hub", "workforce", "pilot", "2025-02-01", (30, 60, 120, 180), (0, 14, 45, 60), ("vacancy_share", "Infusion nursing")),
        ("Studies by telehealth", "clinical trials", "plan", "2025-05-01", (40, 90, 120, 180), (7, 30, 30, 30), ("9.1", "Clinical trials")),
        ("Telegenetics", "genetics", "sustain", "2024-09-01", (30, 60, 90, 120), (0, 0, 0, 5), ("4.4", "Genetics")),
    ],
    "dunes": [
        ("Denial prevention", "general", "assess", "2025-11-01", (30, 60, 90, 120), (0, 6, 6, 6), ("denial_share", "receivable_days")),
        ("Genetic counselor shared with the hub", "genetics", "plan", "2025-07-01", (45, 75, 90, 150), (3, 25, 40, 40), ("4.4", "Genetics")),
        ("Registry follow-up recovery", "general", "pilot", "2025-05-01", (20, 50, 90, 120), (0, 10, 18, 24), ("6.5",)),
        ("Distress screening at check-in", "navigation", "sustain", "2024-08-01", (30, 45, 90, 120), (0, 0, 3, 3), ("distress_share",)),
    ],
    "northpoint": [
        ("Eight more infusion chairs", "infusion", "plan", "2025-05-01", (60, 120, 150, 210), (0, 16, 50, 62), ("chair_wait_min",)),
        ("Chair scheduling by acuity", "infusion", "pilot", "2025-06-01", (30, 45, 75, 120), (0, 0, 8, 15), ("Infusion nursing",)),
        ("Survivorship visits by nurse practitioners", "survivorship", "pilot", "2025-03-01", (30, 60, 90, 150), (0, 4, 9, 9), ("Survivorship",)),
        ("Third linear accelerator", "radiation oncology", "assess", "2025-09-01", (90, 150, 240, 300), (0, 0, 0, 0), ("fractions_n",)),
    ],
}  # fmt: skip
STEPS = ("Case approved", "Plan and staff agreed", "Pilot running", "At scale")
PHASE_DONE = {"assess": 0, "plan": 1, "pilot": 2, "scale": 4, "sustain": 4}

RAID = {
    "tallgrass": [
        ("risk", "Urologists sign with a rival system before the access clinic opens", 4, 4, "Physician relations", "Offer clinic time now"),
        ("issue", "Infusion volume is flat while cases grow", 5, 3, "Infusion manager", "Trace referrals that leave after the consultation"),
        ("assumption", "Second oncologist stays through 2027", 2, 4, "Medical director", "Retention agreement"),
        ("dependency", "Operative report templates need the hub's record team", 3, 3, "Quality manager", "Weekly call until live"),
    ],
    "riverbend": [
        ("risk", "Agency nurses leave before the residency class starts", 4, 4, "Nursing director", "Extend contracts by a quarter"),
        ("issue", "One study open; accrual below its category", 5, 3, "Research coordinator", "Open the hub's registry study here"),
        ("dependency", "Telegenetics contract renewal", 3, 3, "Program administrator", "Decide by February"),
    ],
    "dunes": [
        ("issue", "Denials rose when a payer changed its authorization rule", 5, 4, "Revenue cycle lead", "Authorize before scheduling"),
        ("risk", "Patients keep crossing the state line for genetics", 3, 3, "Nursing director", "Share a counselor with the hub"),
        ("assumption", "Drug price rise is passed on in the next contract", 3, 4, "Service line finance", "Negotiate in March"),
    ],
    "northpoint": [
        ("risk", "Chairs full before the new ones open", 4, 4, "Infusion manager", "Evening hours"),
        ("issue", "Overtime raises nurse hours per visit", 4, 3, "Infusion manager", "Schedule by acuity"),
        ("dependency", "Building permit for the chair expansion", 3, 4, "Facilities", "File in January"),
    ],
}  # fmt: skip
DECISIONS = {
    "tallgrass": [
        ("Fund clinic space for two urologists", "Joint committee", "2026-02-20", 480_000, "Each quarter's delay leaves more urology referrals outside the network", "general"),
        ("Repeat the operative report audit before the site visit", "Cancer committee", "2026-02-15", None, "The gate stays blocked until a second audit passes", "general"),
    ],
    "riverbend": [
        ("Extend agency nurses for one quarter", "Operations council", "2026-01-31", 95_000, "Infusion days would be cut from five to four", "workforce"),
        ("Join the hub's research network agreement", "Joint committee", "2026-03-10", 40_000, "Accrual cannot reach its category with one study", "clinical trials"),
    ],
    "dunes": [
        ("Hire two authorization specialists", "Operations council", "2026-01-25", 150_000, "Denied claims keep the receivables up", "workforce"),
        ("Share a genetic counselor with the hub", "Joint committee", "2026-02-28", 70_000, "The standard stays at risk past the visit", "genetics"),
    ],
    "northpoint": [
        ("Approve evening infusion hours from March", "Operations council", "2026-02-10", 310_000, "Waits rise until the new chairs open in 2026", "infusion"),
        ("Release design funds for the third accelerator", "Capital committee", "2026-04-15", 650_000, "Design takes nine months before any order", "radiation oncology"),
    ],
}  # fmt: skip
COMMENTS = [
    (
        "tallgrass",
        "Infusion services",
        "Infusion manager",
        "Visits did not follow the growth in cases; patients seen here are treated elsewhere.",
    ),
    ("tallgrass", "Drugs", "Pharmacy lead", "Follows the missing visits; price per dose is on budget."),
    ("tallgrass", "Drugs billed", "Service line finance", "Follows the missing visits."),
    ("tallgrass", "Consults and diagnostics", "Service line finance", "Fewer new cases than planned in the second quarter."),
    ("tallgrass", "Infusion nursing", "Infusion manager", "Shifts were cut with the visits."),
    ("tallgrass", "Infusion supplies", "Infusion manager", "Follows the missing visits."),
    ("tallgrass", "Consults staff", "Service line finance", "Two posts stay vacant until volume returns."),
    ("dunes", "Drugs billed", "Service line finance", "Price rise not yet in the payer contracts."),
    ("riverbend", "Infusion services", "Infusion manager", "More visits than planned since a fourth infusion day."),
    ("riverbend", "Drugs billed", "Service line finance", "Follows the visits."),
    ("riverbend", "Infusion nursing", "Nursing director", "Three agency nurses at premium rates since August."),
    ("northpoint", "Infusion nursing", "Infusion manager", "Overtime in the evenings while chairs are full."),
]
STEPS_DECLARED = [("tallgrass", "third_next_days", "2024-03-01", "Second medical oncologist started")]


def standards_evidence() -> pd.DataFrame:
    """Grain: one row per partner and standard with evidence for 2025."""
    rows = []
    for partner in world.PARTNERS:
        for standard in STANDARDS:
            # The accrual of 9.1 is counted from the indicators, not reported.
            row = ("Met", MEASURED.get(standard), "committee minutes and report on file", "2026-06-30")
            row = EXCEPTIONS.get((partner, standard), row)
            if row[0]:
                rows.append(
                    (
                        partner,
                        standard,
                        2025,
                        *row[:2],
                        ELIGIBLE[partner] if standard == "7.1" else None,
                        row[2],
                        OWNERS[standard[0]],
                        row[3],
                    )
                )
    return pd.DataFrame(
        rows, columns=["partner", "standard", "year", "reported", "measured_share", "measured_n", "evidence", "owner", "due"]
    ).astype({"measured_n": "Int64"})


def milestones() -> pd.DataFrame:
    """Grain: one row per partner and milestone; each waits for the one before, an initiative's pilot for the first initiative's plan."""
    rows = []
    for partner, initiatives in INITIATIVES.items():
        for number, (initiative, theme, phase, start, days, slips, addresses) in enumerate(initiatives, start=1):
            planned = pd.Timestamp(start)
            for place, (step, duration, slip) in enumerate(zip(STEPS, days, slips, strict=True)):
                planned += pd.Timedelta(days=duration)
                expected = planned + pd.Timedelta(days=slip)
                after = [f"{number}.{place}"] if place else []
                if step == "Pilot running" and number == 2:
                    after.append("1.2")
                done = place < PHASE_DONE[phase] and expected <= pd.Timestamp(world.AS_OF)
                rows.append(
                    (
                        partner,
                        f"{number}.{place + 1}",
                        initiative,
                        theme,
                        phase,
                        step,
                        duration,
                        " ".join(after),
                        planned,
                        expected,
                        expected if done else pd.NaT,
                        "; ".join(addresses),
                    )
                )
    columns = [
        "partner",
        "task",
        "initiative",
        "theme",
        "phase",
        "milestone",
        "duration_days",
        "after",
        "planned",
        "expected",
        "finished",
        "addresses",
    ]
    return pd.DataFrame(rows, columns=columns)


def raid() -> pd.DataFrame:
    rows = [(partner, f"R{i}", *entry, "2025-10-15") for partner, entries in RAID.items() for i, entry in enumerate(entries, start=1)]
    return pd.DataFrame(rows, columns=["partner", "item", "kind", "title", "likelihood", "impact", "owner", "response", "raised"])


def decisions() -> pd.DataFrame:
    rows = [(partner, f"D{i}", *entry) for partner, entries in DECISIONS.items() for i, entry in enumerate(entries, start=1)]
    return pd.DataFrame(rows, columns=["partner", "item", "decision", "forum", "by", "amount_usd", "otherwise", "theme"])


def tables() -> dict[str, pd.DataFrame]:
    """The written tables by file name."""
    comments = pd.DataFrame(
        [(partner, 2026, *rest) for partner, *rest in COMMENTS], columns=["partner", "fiscal_year", "line", "author", "comment"]
    )
    steps = pd.DataFrame(STEPS_DECLARED, columns=["partner", "kpi", "month", "reason"])
    return {
        "standards_evidence": standards_evidence(),
        "milestones": milestones(),
        "raid": raid(),
        "decisions": decisions().astype({"amount_usd": "Int64"}),
        "variance_comments": comments,
        "kpi_steps": steps,
    }
