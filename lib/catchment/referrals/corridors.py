"""Corridors: referrals between towns and cancer centers, observed and expected.

Definitions: a *corridor* is a town of referring practices and a cancer center. Its *expected* flow is what a gravity model gives from the
town's own total, the center's size and the distance between them; corridors far above or below expectation are over- or
under-performing. Observed flows are referrals (see `referrals`), never shared-patient links.

Known bias: a gravity model knows size and distance only; what it misses (employment, insurance, quality, a friendship) is the residual,
which is therefore a question to ask, not a verdict. Center size is oncologists on the staff.
"""

import numpy as np
import pandas as pd

from catchment import words
from catchment.protect.rounding import filled
from catchment.stats.geo import distance_km
from catchment.stats.gravity import GravityFit, decay_of, gravity, identified

from .changes import yearly as by_year
from .names import agree

SURPRISE = ["origin", "destination", "dist_km", "referrals_n", "expected_n", "verdict"]


def pairs(referrals: pd.DataFrame, destinations: pd.DataFrame, *, size: str = "oncologists_fte") -> pd.DataFrame:
    """Every pair of a town and a center, flows of zero included, in the columns that `gravity.gravity` reads.

    Parameters
    ----------
    referrals
        Rows with `city`, `lat`, `lon` (of the practice), `destination`, `referrals_n`.
    destinations
        One row per center with `destination`, `lat`, `lon` and its size.

    Returns
    -------
    `origin`, `destination`, `flow_n`, `dist_km` (from the mean place of the town's practices), `mass_o` (the town's referrals), `mass_d`
    and both ends' coordinates.

    Raises
    ------
    ValueError
        A referral goes to a center that is not in the table.
    """
    towns = referrals.groupby("city").agg(lat=("lat", "mean"), lon=("lon", "mean"), mass_o=("referrals_n", "sum"))
    towns = towns[towns["mass_o"] > 0]
    flows = referrals.groupby(["city", "destination"])["referrals_n"].sum()
    agree(referrals, "destination", destinations["destination"], table="referrals", where="the table of destinations")
    centers = destinations.set_index("destination")
    # A center that nobody used in the period has no place in a model of choices made.
    centers = centers[centers.index.isin(flows[flows > 0].index.get_level_values("destination"))]
    grid = pd.MultiIndex.from_product([towns.index, centers.index], names=["origin", "destination"])
    table = pd.DataFrame(
        {
            "flow_n": flows.rename_axis(["origin", "destination"]).reindex(grid, fill_value=0),
            "dist_km": distance_km(towns, centers).ravel(),
        },
        index=grid,
    ).reset_index()
    table = table.join(towns.rename(columns={"lat": "lat_o", "lon": "lon_o"}), on="origin", validate="many_to_one")
    return table.join(
        centers[["lat", "lon", size]].rename(columns={"lat": "lat_d", "lon": "lon_d", size: "mass_d"}),
        on="destination",
        validate="many_to_one",
    )


def yearly(referrals: pd.DataFrame, towns: pd.DataFrame, *, to: str, last: pd.Timestamp, most: int = 5) -> pd.DataFrame:
    """Referrals to one center by whole year and town, of the `most` towns that moved most; `towns` is `changes.changes` by city and center.

    A first or last year of which a quarter is not in the data is left out: it would look like a fall. `last` is the last day that the
    data cover, see `changes.through`.
    """
    quarters = pd.to_datetime(referrals["period"]).dt.to_period("Q")
    first = quarters.min().year + (quarters.min().quarter > 1)
    whole = (pd.Timestamp(last) + pd.Timedelta(days=1)).year - 1
    referrals = referrals[quarters.dt.year.between(first, whole)]
    chosen = towns.loc[towns["destination"] == to, "city"].head(most)
    return by_year(referrals[(referrals["destination"] == to) & referrals["city"].isin(chosen)], by=["city"])


def located(flows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Flows with the coordinates of both their ends, from `pairs`, as a flow map draws them."""
    places = pairs[["origin", "destination", "lat_o", "lon_o", "lat_d", "lon_d"]]
    return flows.merge(places, on=["origin", "destination"], validate="one_to_one")


def rounded(pairs: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """`pairs` with the flows that a page shows and the totals that these give, so that a model of them tells nothing more.

    Parameters
    ----------
    shown
        The protected flows: `origin`, `destination`, `referrals_n`. A hidden one counts as the middle of what it can be.
    """
    flows = filled(shown)[["origin", "destination", "referrals_n"]].rename(columns={"referrals_n": "flow_n"})
    table = pairs.drop(columns=["flow_n", "mass_o"]).merge(flows, on=["origin", "destination"], how="left", validate="one_to_one")
    return table.assign(mass_o=table.groupby("origin")["flow_n"].transform("sum"))


def expectation(table: pd.DataFrame) -> GravityFit | None:
    """The gravity model of the corridors with both totals fixed, and the decay with distance that the flows prefer.

    None where the corridors cannot tell its terms: a single town or center has nothing to be compared with.
    """
    if not identified(table, "doubly"):
        return None
    return gravity(table, constraint="doubly", decay=decay_of(table) if identified(table) else "power")


def fitted(fit: GravityFit) -> str:
    """How well a model fits and how flows fall with distance, in words."""
    slope = float(fit.terms.set_index("term").loc["distance", "value"])
    if fit.decay == "power":
        decay = f"flows follow the distance to the power {words.number(slope, digits=2)}, which fits better than an exponential"
    elif slope < 0:
        decay = f"flows halve every {words.number(np.log(2) / -slope)} km, which fits better than a power of the distance"
    else:
        decay = "flows do not fall with distance"
    return (
        f"Gravity model with both totals fixed ({fit.family}): {decay}. Explained deviance {words.number(fit.d2, digits=2)}, "
        f"Sorensen similarity {words.number(fit.sorensen, digits=2)} (1: a perfect match)."
    )


def surprises(fit: GravityFit | None, *, smallest: int = 11) -> pd.DataFrame:
    """Corridors beyond what chance allows around the model, with at least `smallest` observed or expected referrals.

    Returns
    -------
    `origin`, `destination`, `dist_km`, `referrals_n` (observed), `expected_n`, `verdict` (over or under), furthest from expectation first.
    No row without a model.
    """
    if fit is None:
        return pd.DataFrame(columns=SURPRISE).astype({"referrals_n": float, "expected_n": float})
    table = fit.pairs[(fit.pairs["over"] != "as expected") & (np.maximum(fit.pairs["flow_n"], fit.pairs["expected_n"]) >= smallest)]
    order = table["residual"].abs().sort_values(ascending=False, kind="stable").index
    table = table.loc[order].rename(columns={"flow_n": "referrals_n", "over": "verdict"})
    return table[SURPRISE].reset_index(drop=True)
