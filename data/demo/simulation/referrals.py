"""Referrals of the demo: clinicians, referrals by quarter, dated cases, shared-patient links.

How it is made: every case is drawn once (referrer, quarter, tumor site, service, destination), then counted by quarter.
Relation to `world.ANALYTIC_CASES`: nine analytic cases in ten arrive by referral (the rest through the emergency room, screening or
by themselves), so for referrals made in a year to the partner: treated (+ still open, in 2025) = round(0.9 x analytic cases),
site by site in the proportions of `world.SITE_MIX`. What a patient did outside our network is known as a destination only:
scheduled, seen and treated are empty there. Affiliated clinicians' referrals are orders; everyone else's are sequences in claims.

PLANTED TRUTH, per partner (see TRUTH): affiliated clinicians of one specialty leak, mostly to one rival; one independent referrer
who was among the largest sends nothing after 2024; referrals from one town to the partner grow steeply in 2025; one practice
opens in 2025; consultations at the hub take about ten days longer than at the partner; one shared-patient broker.

The names are invented, and every NPI carries a wrong check digit on purpose, so that none can belong to anyone.
"""

from pathlib import Path

import numpy as np
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
    "Ada Alden Amara Anton Bela Bruno Cora Cyril Dara Desmond Edda Elias Fern Felix Greta Gideon Hana Hugo Imogen Ivo Juniper Jonas "
    "Kaia Kaspar Lena Linus Maren Milo Nadia Nils Odile Oscar Petra Quill Rosa Rufus Selma Silas Tamsin Theo Una Viggo Wanda Xaver Yara Zeno"
)
FAMILY = (
    "Ashgrove Barleycorn Bellweather Brambleton Brookhaven Cloverfield Copperfern Dewberry Driftwood Elderbrook Fallowmere Fernsby Flintwood "
    "Foxglove Galeford Goldmarsh Greenwillow Hazelmoor Heathridge Hollowell Ivorstone Juneberry Kestrelman Larkmeadow Lindenholt Mapleford "
    "Marshbank Mistlewood Northmere Oatfield Pebbleton Pinecrest Quailridge Reedham Rowanwood Sandpiper Silverbirch Stonecroft Summerfell "
    "Thistledown Thornbury Underleaf Vinebrook Watermint Wildrye Windover Yarrowby"
)

GIVENS, FAMILIES = len(GIVEN.split()), len(FAMILY.split())


def write(folder):
    """Write every table below `folder`: one file per partner where rows are a partner's own."""
    zips = pd.read_csv(Path(__file__).parents[2] / "public" / "zips.csv", dtype={"zip": str, "county_fips": str}).set_index("zip")
    target = Path(folder) / "referrals"
    target.mkdir(parents=True, exist_ok=True)
    destinations(zips).to_csv(target / "destinations.csv", index=False, lineterminator="\n")
    links = []
    for partner in world.PARTNERS:
        clinicians = roster(partner, zips)
        cases = journeys(partner, clinicians, zips)
        save(by_quarter(cases), target / f"referrals_{partner}.csv.gz")
        save(dated(cases, partner), target / f"cases_{partner}.csv.gz")
        public(clinicians).to_csv(target / f"clinicians_{partner}.csv", index=False, lineterminator="\n")
        links.append(shared_patients(partner, clinicians))
    save(pd.concat(links), target / "shared_patients_2025_180_days.csv.gz", header=False)


def public(clinicians):
    """The columns of a roster that a partner's own table has."""
    return clinicians[
        [
            "partner",
            "npi",
            "family_name",
            "given_name",
            "taxonomy_code",
            "practice",
            "zip",
            "city",
            "county_fips",
            "lat",
            "lon",
            "system",
            "affiliation",
            "graduation_year",
        ]
    ]


def save(frame, path, *, header=True):
    """Compressed without a timestamp: the same rows give the same bytes."""
    frame.to_csv(path, index=False, header=header, lineterminator="\n", compression={"method": "gzip", "compresslevel": 9, "mtime": 0})


def destinations(zips):
    """One row per cancer center that referrals can go to: the partners, their hub, the invented rivals."""
    rivals = DESTINATIONS.join(zips[["county_fips", "lat", "lon"]], on="zip", validate="many_to_one")
    own = [
        (p["name"], p["name"], p["zip"], OWN_ONCOLOGISTS_FTE[key], p["county_fips"], p["lat"], p["lon"])
        for key, p in world.PARTNERS.items()
    ]
    hub = world.HUB
    own.append((hub["name"], world.HUB_SYSTEM, hub["zip"], OWN_ONCOLOGISTS_FTE["hub"], hub["county_fips"], hub["lat"], hub["lon"]))
    return pd.concat([pd.DataFrame(own, columns=rivals.columns), rivals], ignore_index=True)


def npi(partner, serial):
    """Ten digits with a check digit that is wrong by five."""
    stem = f"1{list(world.PARTNERS).index(partner) + 1}{serial:04d}{(serial * 7919) % 997:03d}"
    digits = [int(d) for d in "80840" + stem]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(digits)]
    return stem + str((-sum(doubled) + 5) % 10)


def roster(partner, zips):
    """One row per clinician: referrers first, then the partner region's oncologists and the same-day specialties."""
    draw = world.random("referrals", "clinicians", partner)
    n, affiliated, rival, *_ = SHAPE[partner]
    places = zips.loc[PLACES[partner].split()]
    weight = places["population_n"].clip(upper=60_000) ** 0.7
    weight[world.PARTNERS[partner]["zip"]] = 1.5 * weight.max()
    codes = {name: code for name, (code, *_) in FEEDERS.items()} | ONCOLOGY | SAME_DAY
    extra = [name for name in ONCOLOGY for _ in range(max(2, n // 24))] + [name for name in SAME_DAY for _ in range(max(2, n // 30))]
    frame = pd.DataFrame({"specialty": list(specialties(n)) + extra})
    size = len(frame)
    order = world.random("names").permutation(GIVENS * FAMILIES)[list(world.PARTNERS).index(partner) * 400 :][:size]
    frame["given_name"], frame["family_name"] = np.array(GIVEN.split())[order % GIVENS], np.array(FAMILY.split())[order // GIVENS]
    frame["taxonomy_code"] = frame["specialty"].map(codes)
    frame["zip"] = draw.choice(places.index, size, p=weight / weight.sum())
    # Every town of the list has at least one referrer, and the growing town enough of them to be a corridor.
    frame.loc[: len(places) - 1, "zip"] = places.index.to_numpy()
    growing = places.index[places["city"] == TRUTH[partner]["growing_origin"]][0]
    frame.loc[n - max(3, n // 22) : n - 1, "zip"] = growing
    frame["affiliation"] = np.where(
        draw.random(size) < affiliated, "affiliated", np.where(draw.random(size) < rival / (1 - affiliated), "other system", "independent")
    )
    # The leaking specialty is made of affiliated clinicians, mostly.
    leaking = frame.index[frame["specialty"] == TRUTH[partner]["leaking_specialty"]]
    frame.loc[leaking, "affiliation"] = ["independent" if i % 4 == 3 else "affiliated" for i in range(len(leaking))]
    frame["serial"] = np.arange(11, 11 + size)
    cast(frame, growing)
    frame["partner"], frame["npi"] = partner, [npi(partner, s) for s in frame["serial"]]
    own = world.PARTNERS[partner]["name"]
    employer = np.where(draw.random(size) < 0.8, own, world.HUB_SYSTEM)
    frame["system"] = np.select(
        [frame["affiliation"] == "affiliated", frame["affiliation"] == "other system"],
        [employer, draw.choice(world.RIVAL_SYSTEMS, size)],
        "Independent practice",
    )
    frame["graduation_year"] = 2018 - np.minimum(46, draw.gamma(3.2, 6.5, size)).astype(int)
    located = frame.join(zips[["city", "county_fips", "lat", "lon"]], on="zip", validate="many_to_one")
    located["lat"] = (located["lat"] + draw.normal(0, 0.008, size)).round(4)
    located["lon"] = (located["lon"] + draw.normal(0, 0.010, size)).round(4)
    located["practice"] = located["city"] + " " + located["specialty"].str.split(" ").str[0] + " Associates"
    return located


def specialties(n):
    """Specialty of each of n referrers, in the shares of FEEDERS and in a fixed interleaved order."""
    counts = apportion({name: share for name, (_, share, _) in FEEDERS.items()}, n)
    spread = [((i + 0.5) / k, name) for name, k in counts.items() for i in range(k)]
    return (name for _, name in sorted(spread))


def cast(frame, growing):
    """Give the planted parts to clinicians whose specialty sees many sites and who do not sit in the growing town."""
    eligible = frame.index[frame["specialty"].isin(("Internal medicine", "Family medicine")) & (frame["zip"] != growing)][:12]
    for role, row in zip(ROLE_SERIAL, (eligible[3], eligible[6], eligible[9]), strict=True):
        frame.loc[row, ["serial", "affiliation"]] = [ROLE_SERIAL[role], "independent"]


def apportion(shares, total):
    """Whole numbers in the proportion of `shares` that add up to `total` (largest remainder)."""
    exact = pd.Series(shares) / sum(shares.values()) * total
    whole = np.floor(exact).astype(int)
    for key in (exact - whole).sort_values(ascending=False, kind="stable").index[: total - whole.sum()]:
        whole[key] += 1
    return whole.to_dict()


def journeys(partner, clinicians, zips):
    """One row per referred patient: referrer, quarter, site, service, destination, and in our network the dates."""
    draw = world.random("referrals", "journeys", partner)
    referrers = clinicians[clinicians["specialty"].isin(FEEDERS)].reset_index(drop=True)
    traits = habits(partner, referrers, draw)
    blocks = []
    for year in world.YEARS:
        treated = apportion(world.SITE_MIX, round(REFERRED_SHARE * world.ANALYTIC_CASES[partner][year]))
        blocks.extend(block(partner, year, site, k, referrers, traits, draw) for site, k in treated.items())
    cases = pd.concat(blocks, ignore_index=True)
    cases["destination"] = np.where(
        cases["where"] == "rival",
        rival_choice(partner, cases, referrers, zips, draw),
        np.where(cases["where"] == "hub", world.HUB["name"], world.PARTNERS[partner]["name"]),
    )
    systems = DESTINATIONS.set_index("destination")["destination_system"].to_dict() | {world.HUB["name"]: world.HUB_SYSTEM}
    cases["destination_system"] = cases["destination"].map(systems).fillna(world.PARTNERS[partner]["name"])
    cases["service"] = services(cases["site"], cases["where"] == "rival", draw)
    cases["eligible"] = cases["service"] != NOT_OFFERED
    cases["partner"], cases["npi"] = partner, referrers["npi"].to_numpy()[cases["referrer"]]
    cases["evidence"] = np.where(referrers["affiliation"].to_numpy()[cases["referrer"]] == "affiliated", "order", "claims")
    return follow(cases, draw)


def habits(partner, referrers, draw):
    """Per referrer: yearly volume, share that stays in our network, and how both move by quarter."""
    n, *_, kept, split, hub = SHAPE[partner]
    loyalty = np.where(
        referrers["affiliation"] == "affiliated",
        draw.beta(9 * kept, 9 * (1 - kept), n),
        np.where(referrers["affiliation"] == "independent", draw.beta(1.5 * split, 1.5 * (1 - split), n), draw.beta(1, 9, n)),
    )
    home = world.PARTNERS[partner]
    dist_km = np.hypot(111.2 * (referrers["lat"] - home["lat"]), 83.0 * (referrers["lon"] - home["lon"])).to_numpy()
    # Nearer practices stay more: odds fall by a factor of e every 20 km beyond the typical 15 km.
    odds = loyalty / (1 - loyalty) * np.exp((15 - dist_km) / 20)
    loyalty, volume = odds / (1 + odds), draw.lognormal(0, 0.75, n)
    plot = TRUTH[partner]
    leaking = ((referrers["specialty"] == plot["leaking_specialty"]) & (referrers["affiliation"] == "affiliated")).to_numpy()
    loyalty[leaking] = draw.beta(10, 30, leaking.sum())
    volume[leaking] = np.maximum(volume[leaking], 1.0)
    role = referrers["serial"].map({serial: name for name, serial in ROLE_SERIAL.items()}).to_numpy()
    ours, theirs = np.tile(volume * loyalty, (20, 1)), np.tile(volume * (1 - loyalty), (20, 1))
    size = np.sort(volume)[-3]
    lost, opened = role == "lost_referrer", role == "opened_referrer"
    ours[:16, lost], theirs[:16, lost] = 1.25 * size, 0.35 * size
    ours[16:, lost], theirs[16:, lost] = 0.0, 1.5 * size
    ours[:, opened], theirs[:, opened] = 0.0, 0.0
    ours[16:, opened], theirs[16:, opened] = 0.5 * size, 0.2 * size
    town = (referrers["city"] == plot["growing_origin"]).to_numpy() & ~lost & ~opened
    steep = np.repeat([0.75, 0.85, 0.95, 1.0, 2.2 if partner != "riverbend" else 2.6], 4)
    ours[:, town] = np.maximum(ours[:, town], 0.25) * steep[:, None]
    return {"ours": ours, "theirs": theirs, "hub": np.clip(draw.beta(2, 2 / hub - 2, n), 0, 0.8)}


def block(partner, year, site, treated, referrers, traits, draw):
    """Cases of one year and site: a fixed number treated at the partner, the others in proportion."""
    rows = slice(4 * world.YEARS.index(year), 4 * world.YEARS.index(year) + 4)
    # A specialty that never sees the site refers nobody for it; habits hold the rest.
    taste = referrers["specialty"].map({name: sites.get(site, 0.0) for name, (_, _, sites) in FEEDERS.items()}).to_numpy(float)
    here = traits["ours"][rows] * (1 - traits["hub"]) * taste
    hub, rival = traits["ours"][rows] * traits["hub"] * taste, traits["theirs"][rows] * taste
    sent = round(treated / CONVERSION)
    scale = sent / here.sum()
    cells = draw.choice(here.size, sent, p=(here / here.sum()).ravel())
    hub_n, rival_n = draw.poisson(scale * hub).ravel(), draw.poisson(scale * rival).ravel()
    every = np.concatenate([cells, np.repeat(np.arange(hub.size), hub_n), np.repeat(np.arange(hub.size), rival_n)])
    where = np.repeat(["partner", "hub", "rival"], [sent, hub_n.sum(), rival_n.sum()])
    ends = np.concatenate([np.arange(sent) < treated, draw.random(len(every) - sent) < CONVERSION])
    return pd.DataFrame(
        {
            "year": year,
            "quarter": every // len(referrers) + 1,
            "referrer": every % len(referrers),
            "site": site,
            "where": where,
            "ends_in_treatment": ends,
        }
    )


def rival_choice(partner, cases, referrers, zips, draw):
    """Rival per case: larger and nearer is likelier, each referrer has a favorite, the leaking specialty shares one."""
    rivals = DESTINATIONS.join(zips[["lat", "lon"]], on="zip", validate="many_to_one")
    dist_km = np.hypot(
        111.2 * (referrers["lat"].to_numpy()[:, None] - rivals["lat"].to_numpy()),
        83.0 * (referrers["lon"].to_numpy()[:, None] - rivals["lon"].to_numpy()),
    )
    pull = rivals["oncologists_fte"].to_numpy() * (dist_km + 4) ** -1.6 * draw.gamma(1.5, 1, dist_km.shape)
    employer = referrers["system"].to_numpy()[:, None] == rivals["destination_system"].to_numpy()
    pull = np.where(employer, pull * 8, pull)
    plot = TRUTH[partner]
    leaking = ((referrers["specialty"] == plot["leaking_specialty"]) & (referrers["affiliation"] == "affiliated")).to_numpy()
    pull[np.ix_(leaking, (rivals["destination_system"] == plot["leaks_to"]).to_numpy())] *= 25
    chance = (pull / pull.sum(1, keepdims=True)).cumsum(1)
    pick = (draw.random(len(cases))[:, None] > chance[cases["referrer"]]).sum(1)
    return rivals["destination"].to_numpy()[np.minimum(pick, len(rivals) - 1)]


def services(sites, elsewhere, draw):
    """Service asked for, by tumor site; a few of those who go elsewhere are children, whom nobody in our network treats."""
    default = (0.62, 0.18, 0.20, 0.0)
    chance = np.array([SERVICES.get(site, default) for site in sites]).cumsum(1)
    picked = np.array(SERVICE_NAMES)[(draw.random(len(sites))[:, None] > chance).sum(1).clip(max=3)]
    child = ((sites == "All other") & elsewhere).to_numpy() & (draw.random(len(sites)) < 0.06)
    return np.where(child, NOT_OFFERED, picked)


def follow(cases, draw):
    """Dates inside our network: scheduled, consultation, treatment, or where the case dropped out; cut at the data's end."""
    cases = cases.sort_values(["year", "quarter", "npi", "site", "destination"], kind="stable", ignore_index=True)
    n, ours = len(cases), cases["where"].isin(("partner", "hub")).to_numpy()
    start = pd.to_datetime(cases["year"].astype(str) + "-" + (3 * cases["quarter"] - 2).astype(str).str.zfill(2) + "-01")
    cases["period"], cases["referral_date"] = start, start + pd.to_timedelta(draw.integers(0, 90, n), unit="D")
    slow = np.where(cases["where"] == "hub", 10, 0)
    days = np.cumsum(
        [
            np.minimum(draw.lognormal(0.9, 0.8, n), 40),
            np.minimum(slow + draw.lognormal(2.2, 0.55, n), 120),
            np.minimum(draw.lognormal(3.05, 0.5, n), 150),
        ],
        axis=0,
    ).astype(int)
    # The last stage a case reaches: treatment, or one of the earlier three for those who drop out.
    reach = np.where(cases["ends_in_treatment"], 3, draw.choice(3, n, p=[0.30, 0.28, 0.42]))
    end = pd.Timestamp(world.AS_OF)
    steps = {}
    for stage, (name, day) in enumerate(zip(("scheduled_date", "consult_date", "treatment_date"), days, strict=True), start=1):
        date = cases["referral_date"] + pd.to_timedelta(day, unit="D")
        steps[name] = date.where((reach >= stage) & (date <= end) & ours)
    left = cases["referral_date"] + pd.to_timedelta(np.choose(np.minimum(reach + 1, 3) - 1, days) + 21, unit="D")
    cases = cases.assign(**steps)
    done = cases["treatment_date"].notna() | ((reach < 3) & (left <= end))
    cases["open"] = ours & ~done
    # Followed until treatment, until the case was closed without it, or until the data end.
    cases["followed_until"] = cases["treatment_date"].fillna(left.where(reach < 3).clip(upper=end)).fillna(end).where(ours)
    cases["ours"] = ours
    return cases


def by_quarter(cases):
    """One row per quarter, referrer, site, service, destination."""
    keys = ["partner", "period", "npi", "site", "service", "destination", "destination_system", "evidence", "eligible"]
    flags = cases.assign(
        referrals_n=1,
        scheduled_n=cases["scheduled_date"].notna(),
        seen_n=cases["consult_date"].notna(),
        treated_n=cases["treatment_date"].notna(),
        open_n=cases["open"],
    )
    counts = ["referrals_n", "scheduled_n", "seen_n", "treated_n", "open_n"]
    table = flags.groupby([*keys, "ours"], as_index=False)[counts].sum()
    table[counts[1:]] = table[counts[1:]].astype("Int64").where(table["ours"], pd.NA)
    return table[keys + counts]


def dated(cases, partner):
    """One row per referred patient in our network, without anything that identifies the patient."""
    own = cases[cases["ours"]].reset_index(drop=True)
    own["case_id"] = [f"{partner[:2].upper()}{i:06d}" for i in world.random("referrals", "ids", partner).permutation(len(own))]
    columns = [
        "partner",
        "case_id",
        "npi",
        "site",
        "service",
        "destination",
        "referral_date",
        "scheduled_date",
        "consult_date",
        "treatment_date",
        "followed_until",
    ]
    return own[columns].sort_values("case_id", ignore_index=True)


def shared_patients(partner, clinicians):
    """Links in the published layout (two NPIs, pairs, patients, same day), pairs of fewer than 11 patients absent."""
    draw = world.random("referrals", "links", partner)
    rows = pd.concat([treating(clinicians, draw), neighbors(clinicians, draw), same_day(clinicians, draw), strangers(clinicians, draw)])
    rows = rows.groupby(["npi1", "npi2"], as_index=False).agg(mean=("mean", "sum"), together=("together", "max"))
    rows["patients"] = draw.poisson(rows["mean"])
    rows = rows[rows["patients"] >= 11].copy()
    rows["pairs"] = rows["patients"] + draw.poisson(0.9 * rows["patients"])
    rows["same_day"] = draw.binomial(rows["pairs"], rows["together"])
    return rows[["npi1", "npi2", "pairs", "patients", "same_day"]].sort_values(["npi1", "npi2"], ignore_index=True)


def edges(left, right, mean, together):
    return pd.DataFrame({"npi1": left, "npi2": right, "mean": mean, "together": together})


def treating(clinicians, draw):
    """Referrers and the oncologists of their part of the region: each oncologist sees one circle of towns."""
    feeders, oncologists = (clinicians[clinicians["specialty"].isin(names)] for names in (FEEDERS, ONCOLOGY))
    dist_km = np.hypot(
        111.2 * (feeders["lat"].to_numpy()[:, None] - oncologists["lat"].to_numpy()),
        83.0 * (feeders["lon"].to_numpy()[:, None] - oncologists["lon"].to_numpy()),
    )
    mean = 40 * np.exp(-dist_km / 7) * draw.gamma(0.8, 1, dist_km.shape)
    broker = (feeders["serial"] == ROLE_SERIAL["broker"]).to_numpy()
    mean[broker] += 24
    i, j = np.nonzero(mean > 6)
    seen = edges(feeders["npi"].to_numpy()[i], oncologists["npi"].to_numpy()[j], mean[i, j], 0.03)
    # The broker sees the patients of every oncologist again afterwards, so that short ways between circles lead through it.
    back = edges(oncologists["npi"].to_numpy(), feeders.loc[broker, "npi"].iloc[0], 30.0, 0.03)
    return pd.concat([seen, back])


def neighbors(clinicians, draw):
    """Referrers of one town share patients with each other, in both directions; a few practices share with nobody."""
    feeders = clinicians[clinicians["specialty"].isin(FEEDERS)].iloc[: -max(2, len(clinicians) // 40)]
    left, right = np.nonzero((feeders["city"].to_numpy()[:, None] == feeders["city"].to_numpy()) & ~np.eye(len(feeders), dtype=bool))
    keep = draw.random(len(left)) < 0.35
    npis = feeders["npi"].to_numpy()
    return edges(npis[left[keep]], npis[right[keep]], draw.gamma(2.0, 14, keep.sum()), 0.05)


def same_day(clinicians, draw):
    """Radiology, laboratory, anesthesia and emergency see almost everybody's patients, on the same day; and self-loops."""
    feeders, others = (clinicians[clinicians["specialty"].isin(names)]["npi"].to_numpy() for names in (FEEDERS, SAME_DAY))
    left, right = np.repeat(feeders, len(others)), np.tile(others, len(feeders))
    keep = draw.random(len(left)) < 0.5
    loops = feeders[: max(3, len(feeders) // 12)]
    return pd.concat([edges(left[keep], right[keep], draw.gamma(2.0, 22, keep.sum()), 0.78), edges(loops, loops, 30.0, 0.5)])


def strangers(clinicians, draw):
    """Links to clinicians who are not in our list, as in every real file."""
    feeders = draw.choice(clinicians["npi"].to_numpy(), max(6, len(clinicians) // 8), replace=False)
    return edges(feeders, [npi(clinicians["partner"].iloc[0], 5000 + i) for i in range(len(feeders))], 26.0, 0.05)
