"""Links between clinicians who share patients, in the published layout."""

import numpy as np
import pandas as pd

from . import world
from .referral_cast import FEEDERS, ONCOLOGY, ROLE_SERIAL, SAME_DAY
from .referral_clinicians import npi


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
