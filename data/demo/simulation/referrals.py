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

import pandas as pd

from . import world
from .referral_cast import DESTINATIONS, FEEDERS, OWN_ONCOLOGISTS_FTE, REFERRED_SHARE, ROLE_SERIAL, TRUTH
from .referral_clinicians import npi, public, roster
from .referral_journeys import by_quarter, dated, journeys
from .referral_links import shared_patients

__all__ = ["FEEDERS", "REFERRED_SHARE", "ROLE_SERIAL", "TRUTH", "npi", "write"]


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
