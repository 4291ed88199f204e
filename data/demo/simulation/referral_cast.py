"""Who takes part in the referrals: places, clinicians by specialty, destinations, and the truth that is planted."""

import pandas as pd

from . import world

REFERRED_SHARE = 0.9
CONVERSION = 0.64
TRUTH = {
    "tallgrass": {"leaking_specialty": "Urology", "leaks_to": "Cedar University Health", "growing_origin": "Plano", "opened_in": 2025},
    "riverbend": {"leaking_specialty": "Pulmonary disease", "leaks_to": "Birch Health", "growing_origin": "Wilmington", "opened_in": 2025},
    "dunes": {"leaking_specialty": "Gastroenterology", "leaks_to": "Hawthorn Health", "growing_origin": "La Porte", "opened_in": 2025},
    "northpoint": {
        "leaking_specialty": "Obstetrics & gynecology",
        "leaks_to": "Cedar University Health",
        "growing_origin": "Kenosha",
        "opened_in": 2025,
    },
}

# Clinicians with a part in the plot have a fixed number, so that tests and readers can look them up.
ROLE_SERIAL = {"lost_referrer": 1, "opened_referrer": 2, "broker": 3}

PLACES = {
    "tallgrass": "60543 60538 60506 60560 60545 60548 60586 60540 60554 60542 60510 60440 60435 60134",
    "riverbend": "60416 60408 60481 60424 60450 60410 60447 60404 60950 60444",
    "dunes": "46304 46368 46383 46360 46350 46342 46410 46391 46307 46408 46405 46347",
    "northpoint": "60031 60085 60048 60030 60073 60099 60002 53142 53158 60045 60060 60061 60015 60020 60050 60047",
}

# Referrers; share of affiliated, of rival-employed; keepage of affiliated, share of independents; hub's share of what stays.
SHAPE = {
    "tallgrass": (120, 0.34, 0.12, 0.66, 0.36, 0.14),
    "riverbend": (34, 0.40, 0.08, 0.70, 0.46, 0.22),
    "dunes": (90, 0.42, 0.10, 0.76, 0.48, 0.12),
    "northpoint": (170, 0.46, 0.08, 0.82, 0.54, 0.10),
}
DESTINATIONS = pd.DataFrame(
    [
        ("Cedar University", "Cedar University Health", "60611", 62),
        ("Alder Naperville", "Alder Health", "60540", 21),
        ("Alder Joliet", "Alder Health", "60435", 16),
        ("Birch Aurora", "Birch Health", "60504", 14),
        ("Birch Bourbonnais", "Birch Health", "60914", 11),
        ("Birch La Porte", "Birch Health", "46350", 8),
        ("Hawthorn Lake Forest", "Hawthorn Health", "60045", 18),
        ("Hawthorn Merrillville", "Hawthorn Health", "46410", 17),
        ("Hawthorn Kenosha", "Hawthorn Health", "53142", 9),
    ],
    columns=["destination", "destination_system", "zip", "oncologists_fte"],
)
OWN_ONCOLOGISTS_FTE = {"tallgrass": 9.0, "riverbend": 2.5, "dunes": 7.0, "northpoint": 18.0, "hub": 70.0}

# Specialty: NUCC taxonomy code, share of referrers, how often it refers each site relative to its other sites.
FEEDERS = {
    "Family medicine": ("207Q00000X", 0.29, dict.fromkeys(world.SITE_MIX, 1.0)),
    "Internal medicine": ("207R00000X", 0.21, dict.fromkeys(world.SITE_MIX, 1.2)),
    "Urology": ("208800000X", 0.09, {"Prostate": 9, "Urinary bladder": 9, "Kidney & renal pelvis": 7}),
    "Gastroenterology": ("207RG0100X", 0.09, {"Colon & rectum": 8, "Pancreas": 8, "All other": 2}),
    "Pulmonary disease": ("207RP1001X", 0.09, {"Lung & bronchus": 9}),
    "General surgery": ("208600000X", 0.10, {"Breast": 4, "Colon & rectum": 3, "Thyroid": 3, "Melanoma of skin": 2, "Pancreas": 2}),
    "Obstetrics & gynecology": ("207V00000X", 0.09, {"Breast": 3.5, "Uterus (corpus + NOS)": 10}),
    "Dermatology": ("207N00000X", 0.04, {"Melanoma of skin": 12}),
}
ONCOLOGY = {
    "Hematology & oncology": "207RH0003X",
    "Radiation oncology": "2085R0001X",
    "Surgical oncology": "2086X0206X",
    "Gynecologic oncology": "207VX0201X",
}
SAME_DAY = {
    "Diagnostic radiology": "2085R0202X",
    "Anatomic & clinical pathology": "207ZP0102X",
    "Anesthesiology": "207L00000X",
    "Emergency medicine": "207P00000X",
}
SERVICES = {
    "Breast": (0.45, 0.20, 0.35, 0.0),
    "Lung & bronchus": (0.60, 0.28, 0.12, 0.0),
    "Prostate": (0.25, 0.60, 0.15, 0.0),
    "Uterus (corpus + NOS)": (0.12, 0.18, 0.0, 0.70),
    "Melanoma of skin": (0.35, 0.05, 0.60, 0.0),
    "Leukemia": (1.0, 0.0, 0.0, 0.0),
    "Non-Hodgkin lymphoma": (0.92, 0.08, 0.0, 0.0),
}
SERVICE_NAMES = ("Medical oncology", "Radiation oncology", "Surgical oncology", "Gynecologic oncology")
NOT_OFFERED = "Pediatric hematology-oncology"

GIVEN = (
    "Ada Alden Amara Anton Bela Bruno Cora Cyril Dara Desmond Edda Elias Fern Felix Greta Gideon Hana Hugo Imogen Ivo Juniper "
    "Jonas Kaia Kaspar Lena Linus Maren Milo Nadia Nils Odile Oscar Petra Quill Rosa Rufus Selma Silas Tamsin Theo Una Viggo "
    "Wanda Xaver Yara Zeno"
)
FAMILY = (
    "Ashgrove Barleycorn Bellweather Brambleton Brookhaven Cloverfield Copperfern Dewberry Driftwood Elderbrook Fallowmere "
    "Fernsby Flintwood Foxglove Galeford Goldmarsh Greenwillow Hazelmoor Heathridge Hollowell Ivorstone Juneberry Kestrelman "
    "Larkmeadow Lindenholt Mapleford Marshbank Mistlewood Northmere Oatfield Pebbleton Pinecrest Quailridge Reedham Rowanwood "
    "Sandpiper Silverbirch Stonecroft Summerfell Thistledown Thornbury Underleaf Vinebrook Watermint Wildrye Windover "
    "Yarrowby"
)
GIVENS, FAMILIES = len(GIVEN.split()), len(FAMILY.split())
