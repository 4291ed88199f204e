"""Medicare inpatient stays by hospital and ZIP of residence, 2019-2023, in the layout of the CMS Hospital Service Area File.

What is real: each real hospital's place and its 2023 fee-for-service discharges, days and charges (published), ZIP points,
ZIP population and the age of each county. What is simulated: how those totals split over ZIPs; all earlier years (one
index for every real hospital, since no published totals of those years are at hand); and everything about the four
partner hospitals and the academic hub, which do not exist.

How. Expected stays of ZIP i at hospital j are D_i * A_j * (d_ij + 3 km)^slope. D is the ZIP's people aged 65 and over; the
slope is flatter for academic centers, so they draw widely; A_j and a factor per county are found by proportional fitting, so
that each hospital's total is met exactly and a county's stays follow its people and its supply. Planted patterns multiply
single pairs before the fitting. A multinomial draw per hospital and year gives whole stays that keep the total; draws of
1 to 10 stays become `*` in all three value columns. Stays of residents from outside the modeled counties are left out.

PLANTED TRUTH (`TRUTH`), to be found by an analyst who sees only the published cells:
1. tallgrass: the ZIPs around Yorkville and Plano are close and old, yet Tallgrass holds a low share there and loses it, year by
   year, to one system (Rush).
2. northpoint: its share of its home county grows while the market shrinks.
3. dunes: Porter and LaPorte County residents leave for academic centers across the state line, more each year.
4. riverbend: so small that nearly all of its ZIP cells fall below the threshold.
"""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from . import world

PUBLIC = Path(__file__).parents[2] / "public"
HEADER = "MEDICARE_PROV_NUM,ZIP_CD_OF_RESIDENCE,TOTAL_DAYS_OF_CARE,TOTAL_CHARGES,TOTAL_CASES"
YEARS = (2019, 2020, 2021, 2022, 2023)
HIDE_BELOW = 11
OFFSET_KM = 3.0
# Fee-for-service stays fall as Medicare Advantage grows; one simulated index for every real hospital.
MARKET_INDEX = {2019: 1.26, 2020: 1.07, 2021: 1.07, 2022: 1.02, 2023: 1.0}
# Charges per stay rise by the year.
CHARGE_GROWTH = 1.05
ACADEMIC = ("140281", "140088", "140119", "140276", "140150", "520177", world.HUB["ccn"])
STAYS_2023 = {world.HUB["ccn"]: 8400} | {p["ccn"]: p["discharges_2023"] for p in world.PARTNERS.values()}
# Stays of the invented hospitals in earlier years, relative to 2023.
OWN_INDEX = {
    "tallgrass": {2019: 1.40, 2020: 1.20, 2021: 1.16, 2022: 1.07, 2023: 1.0},
    "riverbend": {2019: 1.30, 2020: 1.10, 2021: 1.09, 2022: 1.03, 2023: 1.0},
    "dunes": {2019: 1.30, 2020: 1.10, 2021: 1.08, 2022: 1.03, 2023: 1.0},
    "northpoint": {2019: 0.93, 2020: 0.83, 2021: 0.90, 2022: 0.95, 2023: 1.0},
    "oakmont": {2019: 1.18, 2020: 1.03, 2021: 1.04, 2022: 1.01, 2023: 1.0},
}
TRUTH = {
    "distance_exponent": -2.7,
    "academic_distance_exponent": -1.6,
    "offset_km": OFFSET_KM,
    "tallgrass": {
        "zips": ("60560", "60545", "60512", "60541"),
        "place": "Yorkville and Plano",
        "loses_to": "Rush",
        # Pull of Tallgrass and of the rival in these ZIPs, relative to what distance and size predict.
        "own_pull": {2019: 0.95, 2020: 0.80, 2021: 0.65, 2022: 0.50, 2023: 0.40},
        "rival_pull": {2019: 1.0, 2020: 1.15, 2021: 1.35, 2022: 1.55, 2023: 1.75},
    },
    "northpoint": {"county_fips": "17097", "share": "grows"},
    "dunes": {
        "county_fips": ("18127", "18091"),
        "leaves_for": "Illinois",
        "pull": {2019: 1.3, 2020: 1.45, 2021: 1.65, 2022: 1.9, 2023: 2.2},
    },
    "riverbend": {"suppressed_share_at_least": 0.85},
}


def partner_hospitals() -> pd.DataFrame:
    """The invented hospitals in the columns of the public hospital table; an affiliate is a system of its own."""
    rows = [
        world.HUB | {"beds": 610, "discharges_2023": STAYS_2023[world.HUB["ccn"]], "place": "Chicago, Illinois", "system": world.HUB_SYSTEM}
    ]
    rows += [partner | {"system": partner["name"]} for partner in world.PARTNERS.values()]
    frame = pd.DataFrame(rows)
    cities = frame.place.str.split(", ", expand=True)
    teaching = frame.ccn == world.HUB["ccn"]
    stay_days, stay_usd = np.where(teaching, 6.3, 4.7), np.where(teaching, 118_000, 61_000)
    return pd.DataFrame({
        "ccn": frame.ccn, "hospital": frame.name, "city": cities[0], "state": cities[1].map({"Illinois": "IL", "Indiana": "IN"}),
        "zip": frame.zip, "county_fips": frame.county_fips, "lat": frame.lat, "lon": frame.lon,
        "hospital_type": "Acute Care Hospitals", "ownership": "Voluntary non-profit - Private",
        "system": frame.system, "system_confidence": "high", "system_year": 2023, "beds_n": frame.beds, "beds_year": 2023,
        "discharges_n": frame.discharges_2023, "days_n": (frame.discharges_2023 * stay_days).astype(int),
        "charges_usd": (frame.discharges_2023 * stay_usd).astype(int), "discharges_year": 2023,
        "rating": [5, 4, 3, 3, 4], "rating_year": 2023,
    })  # fmt: skip


def hospitals() -> pd.DataFrame:
    """Real hospitals with published stays, and the invented ones, by CCN."""
    real = pd.read_csv(PUBLIC / "hospitals.csv", dtype={"ccn": str, "zip": str, "county_fips": str}).dropna(subset="discharges_n")
    return pd.concat([real, partner_hospitals()]).astype({"discharges_n": int, "days_n": int}).sort_values("ccn").reset_index(drop=True)


def origins() -> pd.DataFrame:
    """Populated ZIPs with their people aged 65 and over: 2010 residents, moved to the county's 2019 count and age."""
    zips = pd.read_csv(PUBLIC / "zips.csv", dtype={"zip": str, "county_fips": str}).query("population_n > 0")
    ages = pd.concat(pd.read_csv(file, dtype={"county_fips": str}) for file in sorted(PUBLIC.glob("population_age_*.csv"))).query(
        "year == 2019"
    )
    old = ages[ages.age_low >= 65].groupby("county_fips").population_n.sum()
    part = zips.population_n / zips.groupby("county_fips").population_n.transform("sum")
    return zips.assign(old_n=part * zips.county_fips.map(old)).sort_values("zip").reset_index(drop=True)


def distances(zips: pd.DataFrame, places: pd.DataFrame) -> np.ndarray:
    """Great-circle kilometers, one row per ZIP, one column per hospital."""
    lat1, lon1 = np.radians(zips[["lat", "lon"]].to_numpy().T[..., None])
    lat2, lon2 = np.radians(places[["lat", "lon"]].to_numpy().T[:, None, :])
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(half))


def pull(zips: pd.DataFrame, places: pd.DataFrame, year: int) -> np.ndarray:
    """Planted multipliers of single ZIP-hospital pairs in one year."""
    factor = np.ones((len(zips), len(places)))
    cluster = zips.zip.isin(TRUTH["tallgrass"]["zips"]).to_numpy()[:, None]
    own = (places.ccn == world.PARTNERS["tallgrass"]["ccn"]).to_numpy()[None]
    rival = (places.system == TRUTH["tallgrass"]["loses_to"]).to_numpy()[None]
    factor[cluster & own] *= TRUTH["tallgrass"]["own_pull"][year]
    factor[cluster & rival] *= TRUTH["tallgrass"]["rival_pull"][year]
    leaving = zips.county_fips.isin(TRUTH["dunes"]["county_fips"]).to_numpy()[:, None]
    across = (places.ccn.isin(ACADEMIC) & (places.state == "IL")).to_numpy()[None]
    factor[leaving & across] *= TRUTH["dunes"]["pull"][year]
    return factor


def expected(zips: pd.DataFrame, places: pd.DataFrame, totals: np.ndarray, year: int) -> np.ndarray:
    """Expected stays by ZIP and hospital: column sums are `totals`, row sums follow people within each county."""
    slope = np.where(places.ccn.isin(ACADEMIC), TRUTH["academic_distance_exponent"], TRUTH["distance_exponent"])
    seed = zips.old_n.to_numpy()[:, None] * (distances(zips, places) + OFFSET_KM) ** slope * pull(zips, places, year)
    counties = zips.county_fips.to_numpy()
    supplied = pd.Series((seed / seed.sum(axis=0) * totals).sum(axis=1)).groupby(counties).transform("sum")
    people = zips.old_n.groupby(counties).transform("sum")
    # Stays per older person vary between counties, most of the way to what supply alone would give.
    level = (supplied / people) ** 0.75
    wanted = (zips.old_n * level).to_numpy()
    wanted = wanted * (totals.sum() / wanted.sum())
    flows = seed
    for _ in range(60):
        flows = flows * (wanted / flows.sum(axis=1))[:, None]
        flows = flows * (totals / flows.sum(axis=0))
    return flows


def totals(places: pd.DataFrame, year: int) -> np.ndarray:
    """Stays of each hospital in a year: published in 2023, by the simulated indexes before."""
    own = {world.PARTNERS[name]["ccn"] if name in world.PARTNERS else world.HUB["ccn"]: index[year] for name, index in OWN_INDEX.items()}
    index = places.ccn.map(own).fillna(MARKET_INDEX[year])
    return (places.discharges_n * index).round().astype(int).to_numpy()


def spread(total: int, weights: np.ndarray) -> np.ndarray:
    """Split a whole total over weights by largest remainder, so that the parts add up."""
    exact = total * weights / weights.sum()
    parts = np.floor(exact).astype(np.int64)
    rest = int(total - parts.sum())
    parts[np.argsort(-(exact - parts), kind="stable")[:rest]] += 1
    return parts


def stays(year: int) -> pd.DataFrame:
    """All stays of one year before suppression. Grain: one row per hospital and ZIP with at least one stay."""
    zips, places = origins(), hospitals()
    count = totals(places, year)
    flows = expected(zips, places, count.astype(float), year)
    rows = []
    for j, place in places.iterrows():
        draw = world.random("flows", year, place.ccn)
        cases = draw.multinomial(count[j], flows[:, j] / flows[:, j].sum())
        at = np.flatnonzero(cases)
        cases = cases[at]
        per_stay = draw.gamma(12 * cases, 1 / 12)  # a ZIP's mean stay varies less the more stays it has
        days = spread(round(place.days_n * count[j] / place.discharges_n) - cases.sum(), per_stay) + cases
        bill = place.charges_usd * count[j] / place.discharges_n * CHARGE_GROWTH ** (year - 2023)
        charges = spread(round(bill), days * draw.gamma(20 * cases, 1 / (20 * cases)))
        rows.append(pd.DataFrame({"ccn": place.ccn, "zip": zips.zip.to_numpy()[at], "days": days, "charges": charges, "cases": cases}))
    return pd.concat(rows, ignore_index=True)


def published(frame: pd.DataFrame) -> pd.DataFrame:
    """The file as CMS lays it out: `*` in all three value columns where a cell has fewer than 11 stays."""
    hidden = frame.cases < HIDE_BELOW
    shown = frame.astype(str)
    shown.loc[hidden, ["days", "charges", "cases"]] = "*"
    shown.columns = HEADER.split(",")
    return shown


def write(folder: Path) -> None:
    """Write the five yearly files and the table of invented hospitals below `folder`, the same bytes every time."""
    out = folder / "hsaf"
    out.mkdir(parents=True, exist_ok=True)
    for year in YEARS:
        text = published(stays(year)).to_csv(index=False, lineterminator="\n")
        with (out / f"hsaf_{year}.csv.gz").open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write(text.encode())
    buffer = io.StringIO()
    partner_hospitals().sort_values("ccn").to_csv(buffer, index=False, lineterminator="\n")
    (folder / "partner_hospitals.csv").write_text(buffer.getvalue())
