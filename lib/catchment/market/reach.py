"""Places and hospitals put together: travel time, supply per case, expected share and white space of each ZIP.

Definitions and methods are those of `geo`, `access`, `choice` and `opportunity`. Supply is staffed beds, since no public file
lists linear accelerators, infusion chairs or oncologists by hospital.

Known bias: beds stand in for oncology capacity; travel times are approximations from straight distances.
"""

from collections.abc import Iterable
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from catchment.params.market import Market
from catchment.stats import access, choice
from catchment.stats.geo import bands, distance_km, drive_min
from catchment.stats.rates import quotient

from .opportunity import performance, white_space
from .service_area import LEAST


class Travel(NamedTuple):
    """How minutes come from straight kilometers."""

    speed_kmh: float
    detour: float
    start_min: float

    def minutes(self, dist_km: np.ndarray) -> np.ndarray:
        """Driving minutes."""
        return np.asarray(drive_min(dist_km, speed_kmh=self.speed_kmh, detour=self.detour, start_min=self.start_min))


class Reach(NamedTuple):
    """Access of each ZIP, both Huff models, our standing in each ZIP and the white-space list."""

    places: pd.DataFrame
    plain: choice.HuffFit
    model: choice.HuffFit
    standing: pd.DataFrame
    ranked: pd.DataFrame

    @property
    def under(self) -> list[str]:
        """ZIPs that fall measurably short of the expected share."""
        return self.ranked.loc[self.ranked["verdict"] == "under", "zip"].tolist()


SUPPLY = [
    "zip",
    "city",
    "expected_n",
    "drive_min",
    "nearest_min",
    "two_step_ratio",
    "enhanced_ratio",
    "three_step_ratio",
    "raam_index",
]
GAP = ["zip", "city", "share", "share_low", "share_high", "expected_share", "gap_points", "verdict"]


def assess(
    flows: pd.DataFrame,
    hospitals: pd.DataFrame,
    zips: pd.DataFrame,
    need: pd.DataFrame,
    *,
    ccn: str,
    market_counties: list[str],
    rules: Market,
) -> Reach:
    """Access, expected share and white space of one hospital from one year's flows (of `market.filled`) and the need of each ZIP.

    `rules` is the settings' section `market`.
    """
    table = places(
        zips,
        need,
        hospitals,
        ccn=ccn,
        travel=Travel(rules.speed_kmh.value, rules.detour_ratio.value, rules.start_min.value),
        reach=rules.reach_min.value,
        zones={float(edge): weight.value for edge, weight in rules.zone_weights.items()},
        crowding=rules.crowding_min.value,
        edges=rules.band_minutes,
    )
    market = matrix(flows, zips[zips["county_fips"].isin(market_counties)], hospitals, centroid_km=rules.centroid_km.value)
    model = expected_share(market, tertiary=rules.tertiary_hospitals)
    here = table.merge(standing(market, model, ccn=ccn, alpha=rules.false_discovery_share.value), on="zip", validate="one_to_one")
    listed = ranked(here, near=rules.feasible_near_min.value, far=rules.feasible_far_min.value, seed=rules.seed)
    return Reach(table, sized_share(market), model, here, listed)


def near(places: pd.DataFrame, zips: Iterable[str], rules: Market) -> pd.DataFrame:
    """Expected cases of some ZIPs by travel time to us (`access.within`), with the time in words: `minutes, count, share, within`.

    The times are the settings' bands and the one within which care counts as reachable.
    """
    minutes = sorted({*rules.band_minutes, rules.reach_min.value})
    table = access.within(places[places["zip"].isin(list(zips))], value="expected_n", minutes=minutes)
    return table.assign(within="Within " + table["minutes"].map("{:g} minutes".format))


def on_map(areas: gpd.GeoDataFrame, table: pd.DataFrame, zips: Iterable[str]) -> gpd.GeoDataFrame:
    """Rows of some ZIPs with their areas, to draw; a gap of shares is in points, and marked where our own flow is suppressed."""
    rows = table[table["zip"].isin(list(zips))].rename(columns={"gap_share": "gap_points"})
    drawn = areas[["zip", "geometry"]].merge(rows, on="zip", validate="one_to_one")
    return drawn.assign(gap_points_suppressed=~drawn["ours_known"]) if "ours_known" in drawn else drawn


def underserved(served: pd.DataFrame, context: pd.DataFrame, *, below: float, beyond_min: float) -> pd.DataFrame:
    """Underserved ZIPs (`access.underserved`) with people, income and vulnerability of their county, most expected cases first.

    Columns `zip, city, population_n, demand, beds_ratio, nearest_min, why` and, where there are figures of any county,
    `median_income_usd, svi_rank`.
    """
    rows = pd.DataFrame(served.drop(columns="geometry", errors="ignore")).rename(columns={"expected_n": "demand"})
    poor = access.underserved(rows.assign(relative=rows["enhanced_ratio"]), below=below, beyond_min=beyond_min)
    poor = poor.merge(context, on="county_fips", how="left", validate="many_to_one").rename(columns={"relative": "beds_ratio"})
    known = ["median_income_usd", "svi_rank"] if len(context) else []
    return poor[["zip", "city", "population_n", "demand", "beds_ratio", "nearest_min", "why", *known]]


def attraction(hospitals: pd.DataFrame) -> pd.Series:
    """Size of each hospital: beds, or where unknown its discharges at the median discharges a bed; 0 when neither is known.

    Where no hospital has both, discharges stand as they are.
    """
    per_bed = quotient(hospitals["discharges_n"], hospitals["beds_n"])
    typical = np.nanmedian(per_bed) if np.isfinite(per_bed).any() else 1.0
    return hospitals["beds_n"].fillna(hospitals["discharges_n"] / typical).fillna(0.0)


def places(
    zips: pd.DataFrame,
    need: pd.DataFrame,
    hospitals: pd.DataFrame,
    *,
    ccn: str,
    travel: Travel,
    reach: float,
    zones: dict[float, float],
    crowding: float,
    edges: list[float],
) -> pd.DataFrame:
    """Access of each ZIP: minutes to us and to the nearest hospital, and supply per expected case by four methods.

    Pass ZIPs and hospitals of the buffer around the region too. Columns `zip, city, county_fips, lat, lon, expected_n, drive_min,
    nearest_min, band, two_step_ratio, enhanced_ratio, three_step_ratio, raam_index`; ratios are to the case-weighted mean.
    """
    table = zips[["zip", "city", "county_fips", "lat", "lon"]].merge(
        need[["zip", "population_n", "expected_n", "expected_low", "expected_high"]], on="zip", how="inner", validate="one_to_one"
    )
    table = table[table["expected_n"] > 0].reset_index(drop=True)
    size = attraction(hospitals)
    minutes = travel.minutes(distance_km(table, hospitals))
    table["drive_min"] = minutes[:, hospitals["ccn"].tolist().index(ccn)]
    sized = (size > 0).to_numpy()
    table["nearest_min"] = minutes[:, sized].min(axis=1) if sized.any() else np.nan
    table["band"] = bands(table["drive_min"], edges)
    found = {
        "two_step_ratio": access.two_step(size, table["expected_n"], minutes, reach=reach),
        "enhanced_ratio": access.enhanced_two_step(size, table["expected_n"], minutes, zones=zones),
        "three_step_ratio": access.three_step(size, table["expected_n"], minutes, zones=zones),
    }
    for name, value in found.items():
        table[name] = access.relative(value, table["expected_n"])
    table["raam_index"] = access.relative(access.rational_agent(size, table["expected_n"], minutes, tau=crowding), table["expected_n"])
    return table


class Matrix(NamedTuple):
    """Flows as a matrix: people from each ZIP (row) to each hospital (column), which are suppressed, the most that these can be, and the
    travel distance."""

    zips: list[str]
    hospitals: pd.DataFrame
    flow_n: np.ndarray
    estimate: np.ndarray
    suppressed: np.ndarray
    most: float
    dist_km: np.ndarray


def matrix(flows: pd.DataFrame, zips: pd.DataFrame, hospitals: pd.DataFrame, *, centroid_km: float = 0.0) -> Matrix:
    """One year's flows (of `market.filled`) of the given ZIPs to the hospitals that have a size, as `Matrix`.

    `centroid_km` is added to distances: people do not live at their ZIP's centroid.
    """
    sized = hospitals[attraction(hospitals) > 0].drop_duplicates("ccn").reset_index(drop=True)
    rows = flows[flows["zip"].isin(zips["zip"].tolist()) & flows["ccn"].isin(sized["ccn"].tolist())]
    origins = zips[zips["zip"].isin(rows["zip"].unique())].sort_values("zip", ignore_index=True)
    i = pd.Index(origins["zip"]).get_indexer(rows["zip"])
    j = pd.Index(sized["ccn"]).get_indexer(rows["ccn"])
    shape = (len(origins), len(sized))
    flow, estimate, hidden = np.zeros(shape), np.zeros(shape), np.zeros(shape, bool)
    hidden[i, j] = rows["known_n"].isna()
    flow[i, j] = rows["known_n"].fillna(0.0)
    estimate[i, j] = rows["cases_n"]
    most = float(rows.loc[rows["known_n"].isna(), "cases_high"].max()) if hidden.any() else 0.0
    return Matrix(origins["zip"].tolist(), sized, flow, estimate, hidden, most, distance_km(origins, sized) + centroid_km)


def expected_share(market: Matrix, *, tertiary: list[str]) -> choice.HuffFit:
    """Huff model of the whole market on all hospitals' flows: each hospital's own pull, academic centers with their own exponent.

    With own pulls every hospital's total is met, so a ZIP stands out against the hospital's own average and not for its fame.
    """
    wide = market.hospitals["ccn"].isin(tertiary).to_numpy()
    return choice.calibrate_huff(
        market.flow_n, attraction(market.hospitals), market.dist_km, suppressed=market.suppressed, own_pull=True, wide=wide
    )


def sized_share(market: Matrix) -> choice.HuffFit:
    """The plain Huff model, beds ** gamma x distance ** lambda: what size and distance alone would give each hospital."""
    return choice.calibrate_huff(market.flow_n, attraction(market.hospitals), market.dist_km, suppressed=market.suppressed)


def standing(market: Matrix, fit: choice.HuffFit, *, ccn: str, alpha: float) -> pd.DataFrame:
    """Our observed against expected share of each ZIP: `zip, market, ours_known` and the columns of `opportunity.performance`.

    Suppressed flows stand with their estimate, and the limits of the share hold their whole range; where our own flow is
    suppressed, no verdict is given.
    """
    column = market.hospitals["ccn"].tolist().index(ccn)
    ours, everyone = market.estimate[:, column], market.estimate.sum(axis=1)
    table = performance(ours, everyone, fit.share[:, column], dispersion=fit.dispersion, alpha=alpha)
    hidden = market.suppressed[:, column]
    others = market.flow_n.sum(axis=1) - np.where(hidden, 0.0, market.flow_n[:, column])
    gaps = market.suppressed.sum(axis=1) - hidden
    least, most = np.where(hidden, LEAST, ours), np.where(hidden, market.most, ours)
    table["share_low"] = np.minimum(table["share_low"], quotient(least, least + others + market.most * gaps))
    table["share_high"] = np.maximum(table["share_high"], quotient(most, most + others + LEAST * gaps))
    table["verdict"] = table["verdict"].where(~hidden, "not available")
    return table.assign(zip=market.zips, market=everyone, ours_known=~hidden)


def ranked(table: pd.DataFrame, *, near: float, far: float, seed: int) -> pd.DataFrame:
    """White-space list of the ZIPs: expected cases, observed and expected share, travel time, score with interval."""
    rows = table.rename(columns={"expected_n": "cases_n", "expected_low": "cases_low", "expected_high": "cases_high"})
    out = white_space(rows, near=near, far=far, seed=seed)
    return out.rename(
        columns={
            "cases_n": "expected_n",
            "cases_low": "expected_low",
            "cases_high": "expected_high",
            "addressable_n": "addressable",
            "score_n": "score",
        }
    )
