"""Clinicians of a partner's region: names, numbers that belong to nobody, specialties, places and employers."""

import numpy as np
import pandas as pd

from . import world
from .referral_cast import FAMILIES, FAMILY, FEEDERS, GIVEN, GIVENS, ONCOLOGY, PLACES, ROLE_SERIAL, SAME_DAY, SHAPE, TRUTH


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
    assign_parts(frame, growing)
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


def assign_parts(frame, growing):
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
