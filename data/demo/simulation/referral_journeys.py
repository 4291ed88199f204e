"""Referred patients one by one: who sends them where and when, how far they get; then counted by quarter."""

import numpy as np
import pandas as pd

from . import world
from .referral_cast import (
    CONVERSION,
    DESTINATIONS,
    FEEDERS,
    NOT_OFFERED,
    REFERRED_SHARE,
    ROLE_SERIAL,
    SERVICE_NAMES,
    SERVICES,
    SHAPE,
    TRUTH,
)
from .referral_clinicians import apportion


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
