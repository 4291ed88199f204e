"""What the ledgers are about: the offices, their programs and stages, and the truth that is planted."""

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
