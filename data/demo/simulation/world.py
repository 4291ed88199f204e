"""The facts that every simulated table of the demo shares: partners, systems, calendar, volumes, site mix.

Partners, the academic system and the referral-level systems are invented (the systems are named after trees);
they stand at real places in the Chicago region. Nothing here describes a real institution.
"""

import zlib

import numpy as np

SEED = 20251231
AS_OF = "2025-12-31"
YEARS = (2021, 2022, 2023, 2024, 2025)

HUB_SYSTEM = "Oakmont University Health"
HUB = {
    "id": "oakmont",
    "name": "Oakmont University Cancer Center",
    "ccn": "14X900",
    "lat": 41.8745,
    "lon": -87.6700,
    "county_fips": "17031",
    "zip": "60612",
}
RIVAL_SYSTEMS = ("Cedar University Health", "Alder Health", "Birch Health", "Hawthorn Health")

PARTNERS = {
    # Suburban, a fast-growing county, heavy leakage to two rival systems.
    "tallgrass": {
        "name": "Tallgrass Medical Center",
        "ccn": "14X901",
        "place": "Oswego, Illinois",
        "zip": "60543",
        "county_fips": "17093",
        "lat": 41.6828,
        "lon": -88.3515,
        "beds": 160,
        "discharges_2023": 2600,
    },
    # Rural and small: most cells fall below the suppression threshold. No development program.
    "riverbend": {
        "name": "Riverbend Community Hospital",
        "ccn": "14X902",
        "place": "Coal City, Illinois",
        "zip": "60416",
        "county_fips": "17063",
        "lat": 41.2878,
        "lon": -88.2856,
        "beds": 42,
        "discharges_2023": 520,
    },
    # Across the state line, where published county incidence is older.
    "dunes": {
        "name": "Dunes Regional Hospital",
        "ccn": "15X903",
        "place": "Chesterton, Indiana",
        "zip": "46304",
        "county_fips": "18127",
        "lat": 41.6106,
        "lon": -87.0642,
        "beds": 130,
        "discharges_2023": 1900,
    },
    # Large and growing, with capacity limits in sight.
    "northpoint": {
        "name": "Northpoint Medical Center",
        "ccn": "14X904",
        "place": "Gurnee, Illinois",
        "zip": "60031",
        "county_fips": "17097",
        "lat": 42.3703,
        "lon": -87.9020,
        "beds": 320,
        "discharges_2023": 5200,
    },
}

# Analytic cases (class of case 00-22) per partner and year of first contact; every simulated table agrees with these.
ANALYTIC_CASES = {
    "tallgrass": {2021: 905, 2022: 921, 2023: 938, 2024: 958, 2025: 980},
    "riverbend": {2021: 221, 2022: 218, 2023: 214, 2024: 212, 2025: 208},
    "dunes": {2021: 622, 2022: 625, 2023: 631, 2024: 634, 2025: 640},
    "northpoint": {2021: 1290, 2022: 1372, 2023: 1465, 2024: 1560, 2025: 1655},
}

# Share of analytic cases by tumour site; names follow the national age-specific incidence table.
SITE_MIX = {
    "Breast": 0.205,
    "Lung & bronchus": 0.135,
    "Prostate": 0.130,
    "Colon & rectum": 0.095,
    "Melanoma of skin": 0.050,
    "Urinary bladder": 0.045,
    "Non-Hodgkin lymphoma": 0.045,
    "Kidney & renal pelvis": 0.040,
    "Uterus (corpus + NOS)": 0.040,
    "Pancreas": 0.035,
    "Leukemia": 0.030,
    "Thyroid": 0.030,
    "All other": 0.120,
}


def random(*scope):
    """An independent, reproducible generator for one scope, such as ("gifts", "dunes")."""
    return np.random.default_rng([SEED, zlib.crc32("/".join(map(str, scope)).encode())])
