"""Five years of quarterly oncology volumes by partner, tumor site and modality, with a planted truth.

Cases agree exactly with `world.ANALYTIC_CASES` and `world.SITE_MIX`: per year the site counts are the largest remainders of total x mix, and
the quarters of a site add to its year. The quarters of all sites follow one season with little chance (years rise smoothly, so quarters do). Patients by modality are binomial parts of the cases; visits, fractions and surgeries vary with
working days, season and a little extra noise.

Planted truth (`TRUTH`), which the growth notebook must find:

tallgrass   cases grow 2 % a year, but infusion visits are flat: treatment leaks. Fractions of 2023 Q2 are missing (a change of system).
riverbend   gives no radiation treatment at all: a series of zeros. Small counts everywhere.
dunes       fractions fall 7 % a year by hypofractionation while radiation patients hold. Infusion visits of 2023 Q3 were posted twice in
            part (x 1.6): an outlier.
northpoint  infusion visits grow 9 % a year and pass the planning limit of its chairs in 2027. Fractions dip in 2024 Q2 (x 0.6, a machine
            replaced).
"""

import csv
from pathlib import Path

import numpy as np

from . import world

TRUTH = {
    "tallgrass": {"flat": "infusion_visits_n", "cases_growth": 0.02, "missing": ("fractions_n", 2023, 2)},
    "riverbend": {"zero": ("radiation_patients_n", "fractions_n")},
    "dunes": {"declining": "fractions_n", "yearly_change": -0.07, "outlier": ("infusion_visits_n", 2023, 3, 1.6)},
    "northpoint": {
        "growing": "infusion_visits_n",
        "yearly_change": 0.09,
        "chairs_limit_year": 2027,
        "outlier": ("fractions_n", 2024, 2, 0.6),
    },
}

# Shares of cases treated by modality, and what one treated patient brings over time.
# site: systemic, radiation, surgery, infusion visits per systemic patient, fractions per radiation patient
USE = {
    "Breast": (0.50, 0.55, 0.85, 19, 18),
    "Lung & bronchus": (0.58, 0.50, 0.22, 16, 22),
    "Prostate": (0.28, 0.40, 0.25, 9, 26),
    "Colon & rectum": (0.55, 0.18, 0.75, 15, 25),
    "Melanoma of skin": (0.28, 0.06, 0.80, 15, 12),
    "Urinary bladder": (0.45, 0.10, 0.70, 10, 22),
    "Non-Hodgkin lymphoma": (0.75, 0.15, 0.05, 14, 15),
    "Kidney & renal pelvis": (0.30, 0.06, 0.65, 16, 10),
    "Uterus (corpus + NOS)": (0.35, 0.38, 0.80, 8, 22),
    "Pancreas": (0.65, 0.20, 0.20, 15, 20),
    "Leukemia": (0.70, 0.03, 0.00, 18, 10),
    "Thyroid": (0.05, 0.05, 0.85, 4, 20),
    "All other": (0.50, 0.32, 0.40, 13, 24),
}
SEASON = {
    "cases_n": (1.02, 1.03, 0.99, 0.96),
    "infusion_visits_n": (0.985, 1.005, 1.0, 1.01),
    "fractions_n": (1.0, 1.02, 1.0, 0.98),
    "surgeries_n": (0.98, 1.0, 0.97, 1.05),
}
# Yearly growth of the use per case, on top of what the cases do.
TREND = {
    "tallgrass": {"systemic": -0.02, "visits": 0.0, "fractions": -0.015},
    "riverbend": {"systemic": 0.0, "visits": 0.01, "fractions": 0.0},
    "dunes": {"systemic": 0.0, "visits": 0.005, "fractions": -0.078},
    "northpoint": {"systemic": 0.005, "visits": 0.018, "fractions": -0.01},
}
NO_RADIATION = ("riverbend",)
# Days a clinic is open: weekdays less the federal holidays of that quarter, 2021-2025 (62 in the first, 63 or 64 in the others).
OPEN = {1: 61.6, 2: 63.4, 3: 64.2, 4: 62.4}
MEASURES = (
    "cases_n",
    "medical_patients_n",
    "radiation_patients_n",
    "surgical_patients_n",
    "infusion_visits_n",
    "fractions_n",
    "surgeries_n",
)


def site_cases(partner: str, year: int) -> dict[str, int]:
    """Analytic cases by site, adding to the year's total (largest remainders, ties in the order of the mix)."""
    total = world.ANALYTIC_CASES[partner][year]
    exact = {site: total * share for site, share in world.SITE_MIX.items()}
    counts = {site: int(value) for site, value in exact.items()}
    by_remainder = sorted(exact, key=lambda site: counts[site] - exact[site])
    return {site: counts[site] + (site in by_remainder[: total - sum(counts.values())]) for site in exact}


def quarter_weights(partner: str, year: int) -> np.ndarray:
    """Share of a year's cases by quarter, the same for all sites: season and a little chance."""
    weights = np.array(SEASON["cases_n"]) * world.random("volumes", partner, year).normal(1, 0.008, 4)
    return weights / weights.sum()


def quarters(total: int, weights: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A site's year split over four quarters: rounded up or down at random, so that quarters of all sites together keep to the weights."""
    ends = np.floor(np.append(0, np.cumsum(weights)) * total + draw.random()).astype(int)
    return np.diff(np.clip(ends, 0, None) - ends[0])


def planted(partner: str, measure: str, year: int, quarter: int, value: int) -> int | str:
    """The value after the outlier or gap planted there."""
    truth = TRUTH[partner]
    if truth.get("missing") == (measure, year, quarter):
        return ""
    *place, factor = truth.get("outlier", (None, None, None, 1))
    return round(value * factor) if place == [measure, year, quarter] else value


def site_year(partner: str, site: str, year: int, cases: np.ndarray, draw: np.random.Generator) -> list[dict]:
    """The four rows of one site and year."""
    systemic, radiation, surgery, visits, fractions = USE[site]
    since, trend = year - world.YEARS[0], TREND[partner]
    radiation = 0 if partner in NO_RADIATION else radiation
    treated = [draw.binomial(cases, min(share, 1)) for share in (systemic * (1 + trend["systemic"]) ** since, radiation, surgery)]
    year_cases, rows = cases.sum(), []
    for place in range(4):
        open_days = OPEN[place + 1] / sum(OPEN.values())
        mean = {
            "infusion_visits_n": year_cases * systemic * visits * ((1 + trend["systemic"]) * (1 + trend["visits"])) ** since,
            "fractions_n": year_cases * radiation * fractions * (1 + trend["fractions"]) ** since,
        }
        counts = {name: draw.poisson(value * open_days * SEASON[name][place]) for name, value in mean.items()}
        row = {
            "cases_n": cases[place],
            "medical_patients_n": treated[0][place],
            "radiation_patients_n": treated[1][place],
            "surgical_patients_n": treated[2][place],
            **counts,
            "surgeries_n": treated[2][place] + draw.binomial(treated[2][place], 0.12),
        }
        keys = {"partner": partner, "year": year, "quarter": place + 1, "site": site}
        rows.append(keys | {name: planted(partner, name, year, place + 1, int(row[name])) for name in MEASURES})
    return rows


def rows(partner: str) -> list[dict]:
    """One row per site and quarter."""
    found = []
    for year in world.YEARS:
        weights = quarter_weights(partner, year)
        for site, total in site_cases(partner, year).items():
            draw = world.random("volumes", partner, site, year)
            found += site_year(partner, site, year, quarters(total, weights, draw), draw)
    return sorted(found, key=lambda row: (row["year"], row["quarter"], list(USE).index(row["site"])))


def write(folder: Path) -> None:
    """Write `volumes/volumes_<partner>.csv`: one partner's page opens one partner's file."""
    place = folder / "volumes"
    place.mkdir(exist_ok=True)
    for partner in world.PARTNERS:
        with (place / f"volumes_{partner}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=["partner", "year", "quarter", "site", *MEASURES], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows(partner))
