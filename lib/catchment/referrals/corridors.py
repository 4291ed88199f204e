"""Corridors: referrals between towns and cancer centers, observed and expected.

Definitions: a *corridor* is a town of referring practices and a cancer center. Its *expected* flow is what a gravity model gives from the
town's own total, the center's size and the distance between them; corridors far above or below expectation are over- or
under-performing. Observed flows are referrals (see `referrals`), never shared-patient links.

Known bias: a gravity model knows size and distance only; what it misses (employment, insurance, quality, a friendship) is the residual,
which is therefore a question to ask, not a verdict. Center size is oncologists on the staff.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from catchment.stats.choice import Decay, GravityFit, calibrate_huff, decay_of, gravity, identified, mci
from catchment.stats.geo import distance_km

from .changes import GROWING, NEW
from .changes import yearly as by_year

NEGATIVE_BINOMIAL = "negative binomial"
SURPRISE = ["origin", "destination", "dist_km", "referrals_n", "expected_n", "verdict"]
CONSTRAINTS = {
    "none": "Unconstrained",
    "production": "Town totals fixed",
    "attraction": "Center totals fixed",
    "doubly": "Both totals fixed",
}


def pairs(referrals: pd.DataFrame, destinations: pd.DataFrame, *, size: str = "oncologists_fte") -> pd.DataFrame:
    """Every pair of a town and a center, flows of zero included, in the columns that `choice.gravity` reads.

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
    """
    towns = referrals.groupby("city").agg(lat=("lat", "mean"), lon=("lon", "mean"), mass_o=("referrals_n", "sum"))
    towns = towns[towns["mass_o"] > 0]
    flows = referrals.groupby(["city", "destination"])["referrals_n"].sum()
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


def grown(towns: pd.DataFrame, *, to: str) -> pd.DataFrame:
    """The towns whose referrals to one center grew measurably, largest growth first: rows of `changes.changes` by city and destination."""
    more = towns[(towns["destination"] == to) & towns["label"].isin([GROWING, NEW])]
    return more.sort_values("difference_n", ascending=False, ignore_index=True)


def yearly(referrals: pd.DataFrame, towns: pd.DataFrame, *, to: str, most: int = 5) -> pd.DataFrame:
    """Referrals to one center by whole year and town, of the `most` towns that moved most; `towns` as in `grown`, largest movement first.

    A first or last year of which a quarter is not in the data is left out: it would look like a fall.
    """
    quarters = pd.to_datetime(referrals["period"]).dt.to_period("Q")
    begun, broken = quarters.min().quarter > 1, quarters.max().quarter < 4
    first, last = quarters.min().year + begun, quarters.max().year - broken
    referrals = referrals[quarters.dt.year.between(first, last)]
    chosen = towns.loc[towns["destination"] == to, "city"].head(most)
    return by_year(referrals[(referrals["destination"] == to) & referrals["city"].isin(chosen)], by=["city"])


def fits(table: pd.DataFrame, constraints: Sequence[str] = tuple(CONSTRAINTS), *, decay: Decay | None = None) -> dict[str, GravityFit]:
    """Gravity models of the corridors, one per constraint; the decay with distance is the one that the flows prefer.

    The unconstrained model comes twice when it is overdispersed: as Poisson ("none") and as negative binomial ("none, negative binomial").
    Models whose terms the corridors cannot tell are left out: a single town or center has nothing to be compared with.
    """
    able = [name for name in constraints if identified(table, name)]
    if not able:
        return {}
    chosen = decay or (decay_of(table) if identified(table) else "power")
    models = {name: gravity(table, constraint=name, decay=chosen, **({"switch": np.inf} if name == "none" else {})) for name in able}
    if "none" in models and (second := gravity(table, constraint="none", decay=chosen)).family == NEGATIVE_BINOMIAL:
        return {"none": models.pop("none"), f"none, {NEGATIVE_BINOMIAL}": second, **models}
    return models


def quality(models: dict[str, GravityFit]) -> pd.DataFrame:
    """How well each model fits: family, dispersion, decay in words, D2, McFadden pseudo R2, SRMSE, Sorensen similarity."""
    rows = [
        {
            "model": CONSTRAINTS[name.partition(",")[0]],
            "family": fit.family,
            "dispersion": fit.dispersion,
            "decay": _decay(fit),
            "d2": fit.d2,
            "pseudo_r2": fit.pseudo_r2,
            "srmse": fit.srmse,
            "sorensen": fit.sorensen,
        }
        for name, fit in models.items()
    ]
    return pd.DataFrame(rows)


def _decay(fit: GravityFit) -> str:
    """How flows fall with distance: the exponent of a power, or the kilometers over which an exponential halves."""
    value = float(fit.terms.set_index("term").loc["distance", "value"])
    if fit.decay == "power":
        return f"distance to the power {value:.2f}".replace("-", "\N{MINUS SIGN}")
    return f"halves every {np.log(2) / -value:.0f} km" if value < 0 else "does not fall with distance"


def attraction(table: pd.DataFrame) -> pd.DataFrame:
    """Exponents of center size and distance by three roads: Huff by maximum likelihood, MCI by log-centered least squares, and gravity.

    MCI needs flows above zero, so one half is added to every corridor for it alone.

    Returns
    -------
    One row per method: `method`, `size_exponent`, `size_low`, `size_high`, `distance_exponent`, `distance_low`, `distance_high`; empty
    where the corridors are too few or the centers all of one size.
    """
    if not identified(table, "production"):
        return pd.DataFrame()
    wide = table.pivot(index="origin", columns="destination", values="flow_n")
    size = table.drop_duplicates("destination").set_index("destination")["mass_d"].reindex(wide.columns)
    km = table.pivot(index="origin", columns="destination", values="dist_km")
    huff = calibrate_huff(wide.to_numpy(), size.to_numpy(), km.to_numpy()).terms
    cross = mci(wide.to_numpy(), size.to_numpy(), km.to_numpy(), add=0.5)
    model = gravity(table, constraint="production").terms.replace({"term": {"mass_d": "attraction"}})
    named = {"Huff, maximum likelihood": huff, "MCI, log-centered least squares": cross, "Gravity, town totals fixed": model}
    return pd.DataFrame([_exponents(method, terms.set_index("term")) for method, terms in named.items()])


def _exponents(method: str, terms: pd.DataFrame) -> dict[str, str | float]:
    size, distance = terms.loc["attraction"], terms.loc["distance"]
    return {
        "method": method,
        "size_exponent": size["value"],
        "size_low": size["low"],
        "size_high": size["high"],
        "distance_exponent": distance["value"],
        "distance_low": distance["low"],
        "distance_high": distance["high"],
    }


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
