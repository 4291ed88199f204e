"""One hospital's catchment: its service area under each definition, with people, share and flow of each.

Definitions are those of `service_area` and `market`; a ZIP belongs to the county that holds most of its people.

Known bias: flows are Medicare fee-for-service inpatient stays for all causes; stays of ZIPs with few are unknown, so where
many are, no rule may reach its threshold, and the area then holds what is known.
"""

from collections.abc import Iterable
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from catchment.params.market import Market
from catchment.stats import geo
from catchment.stats.geo import edge, neighbors
from catchment.stats.rates import quotient

from . import service_area
from .service_area import Neighbors, ServiceArea
from .shares import origin_and_share, share

THIESSEN, GIVEN = "Thiessen", "file"  # how the area of a ZIP is drawn
TABLES = ["hospitals", "partner_hospitals"]  # of the catalog, together every hospital
TOP = ["place", "cases_n", "origin_share", "share", "share_low", "share_high"]
MAPPED = ["zip", "city", "stays", "stays_suppressed", "origin_share", "origin_share_suppressed"]


class Catchment(NamedTuple):
    """The chosen area: its ZIPs, the rule in words, patient origin by ZIP, the contiguous area, and all rules side by side.

    `note` says why the area holds less than its threshold, `basis` why the shares do not rest on the hospital's published total.
    """

    zips: list[str]
    rule: str
    origin: pd.DataFrame
    contiguous: ServiceArea
    rules: pd.DataFrame
    note: str
    basis: str = ""


def every_hospital(*tables: pd.DataFrame, ccn: str, name: str) -> pd.DataFrame:
    """Hospitals of several tables together, one row per CCN; the partner's own, `ccn`, under the `name` that its pages print.

    A hospital whose owner is not given stands for itself, as `system`; `owned` says whose is given.

    Raises
    ------
    ValueError
        When a CCN stands in more than one row, so that its patients would count twice, or the partner's own in none.
    """
    # An empty table would take the others' types with it.
    hospitals = pd.concat([table for table in tables if len(table)], ignore_index=True)
    if twice := hospitals.loc[hospitals["ccn"].duplicated(), "ccn"].unique().tolist():
        raise ValueError(f"hospitals listed twice: {', '.join(twice[:5])}")
    if ccn not in set(hospitals["ccn"]):
        raise ValueError(f"hospitals: expected a row for the partner's own CCN {ccn!r}, found none")
    hospitals = hospitals.assign(hospital=hospitals["hospital"].where(hospitals["ccn"] != ccn, name), owned=hospitals["system"].notna())
    names = hospitals["hospital"]
    # Two hospitals of one name are no system.
    alike = names.duplicated(keep=False) | names.isin(hospitals["system"])
    alone = names.where(~alike, names + " (" + hospitals["ccn"] + ")")
    return hospitals.assign(system=hospitals["system"].fillna(alone))


def totals(hospitals: pd.DataFrame) -> tuple[pd.Series, int | None]:
    """Published discharges of each hospital by CCN, and the year that they are of; none where no hospital has any."""
    year = hospitals["discharges_year"].max()
    return hospitals.set_index("ccn")["discharges_n"], None if pd.isna(year) else int(year)


def zip_areas(zips: pd.DataFrame, counties: gpd.GeoDataFrame, given: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Area of each ZIP, with the `boundary` that it has: that of a file (`given`: `zip`), else the Thiessen polygon around its point.

    Thiessen polygons are clipped to the counties that hold ZIPs, and to what the given areas leave.

    Raises
    ------
    ValueError
        No county of the map holds a ZIP.
    """
    land = counties[counties["county_fips"].isin(zips["county_fips"].unique())]
    if land.empty:
        raise ValueError("the table counties has none of the counties in which the ZIPs of the table zips lie: are both of one region?")
    drawn = geo.zip_areas(zips, land).assign(boundary=THIESSEN)
    known = given[given["zip"].isin(zips["zip"])]
    if known.empty:
        return drawn
    rest = drawn[~drawn["zip"].isin(known["zip"])].overlay(known[["geometry"]], how="difference")
    facts = zips.drop(columns="year", errors="ignore")
    own = known[["zip", "geometry"]].dissolve("zip").reset_index().merge(facts, on="zip", validate="one_to_one").assign(boundary=GIVEN)
    return pd.concat([rest, own], ignore_index=True).sort_values("zip", ignore_index=True)


def owner(hospitals: pd.DataFrame, ccn: str) -> str:
    """The system that a hospital belongs to; shares by system count its campuses together."""
    return hospitals.set_index("ccn").loc[ccn, "system"]


def placed(flows: pd.DataFrame, hospitals: pd.DataFrame, zips: pd.DataFrame) -> pd.DataFrame:
    """Flows with the hospital's name, system and whether that is `owned`, and the ZIP's county and city.

    A hospital without an entry keeps its patients under its number, as a system of its own and not `listed`; the county and city of a ZIP
    without a point are missing.
    """
    rows = flows.merge(hospitals[["ccn", "hospital", "system", "owned"]], on="ccn", how="left", validate="many_to_one")
    number, listed = "CCN " + rows["ccn"], rows["hospital"].notna()
    rows = rows.assign(hospital=rows["hospital"].fillna(number), system=rows["system"].fillna(number), owned=rows["owned"].eq(True))
    return rows.assign(listed=listed).merge(zips[["zip", "county_fips", "city"]], on="zip", how="left", validate="many_to_one")


def unmatched(flows: pd.DataFrame) -> dict[str, pd.Series]:
    """Flows of `placed` that the tables `hospitals` and `zips` do not know: by table how many of each CCN and ZIP, most first."""
    return {
        "hospitals": flows.loc[~flows["listed"], "ccn"].value_counts(),
        "zips": flows.loc[flows["county_fips"].isna(), "zip"].value_counts(),
    }


def catchment(
    flows: pd.DataFrame,
    *,
    ccn: str,
    total: float | None,
    neighbors: Neighbors,
    edge: Iterable[str],
    zips: pd.DataFrame,
    hospitals: pd.DataFrame,
    rule: str,
    primary: float,
    secondary: float,
    contiguous: float,
    tsa: float,
) -> Catchment:
    """Service areas of hospital `ccn` in one year's flows under each rule, and the one chosen by `rule`.

    Where every flow is suppressed the area is the hospital's county. `flows` are those of `market.filled`; `total` are all the
    hospital's patients as published. ZIPs that could not be ranked (suppressed) stay outside.
    """
    own = flows[flows["ccn"] == ccn]
    own = own.assign(cases_n=own["known_n"])
    base = service_area.usable_total(own, total)
    origin = service_area.patient_origin(own, total=base.value, complete=base.complete)
    connected = service_area.contiguous(origin, neighbors, threshold=contiguous, edge=edge)
    two = service_area.primary_secondary(origin, primary=primary, secondary=secondary)
    members = {
        "primary": origin.loc[two == "PSA", "zip"].tolist(),
        "secondary": origin.loc[two != "outside", "zip"].tolist(),
        "contiguous": connected.members,
        "total": origin.loc[service_area.crossing(origin, tsa), "zip"].tolist(),
    }
    wanted = {"primary": primary, "secondary": primary + secondary, "contiguous": contiguous, "total": tsa}
    names = {
        "primary": f"Primary, {_percent(primary)} of patients",
        "secondary": f"Primary and secondary, {_percent(primary + secondary)}",
        "contiguous": f"Contiguous ZIPs, {_percent(contiguous)}",
        "total": f"Total service area, {_percent(tsa)}",
    }
    table = pd.DataFrame([_described(names[key], wanted[key], area, origin, flows, ccn, zips, hospitals) for key, area in members.items()])
    table["before_share"] = [
        connected.share_before if key == "contiguous" else value for key, value in zip(members, table["origin_share"], strict=True)
    ]
    chosen = "primary" if rule == "origin" else rule
    if not members[chosen]:
        county = zips["county_fips"] == hospitals.set_index("ccn").loc[ccn, "county_fips"]
        return Catchment(
            zips.loc[county & zips["population_n"].gt(0), "zip"].tolist(),
            "Home county",
            origin,
            connected,
            table,
            "every flow is suppressed; the area is the hospital's county",
            base.note,
        )
    note = (
        ""
        if table.loc[list(members).index(chosen), "reached"] == "yes"
        else "published flows do not reach the threshold; the area holds the ZIPs that are known"
    )
    return Catchment(members[chosen], names[chosen], origin, connected, table, note, base.note)


def assess(
    flows: pd.DataFrame, areas: gpd.GeoDataFrame, zips: pd.DataFrame, hospitals: pd.DataFrame, *, ccn: str, rules: Market
) -> Catchment:
    """`catchment` of one year's flows on the map `areas`; `rules` is the settings' section `market`."""
    return catchment(
        flows,
        ccn=ccn,
        total=hospitals.set_index("ccn").loc[ccn, "discharges_n"],
        neighbors=neighbors(areas, key="zip"),
        edge=edge(areas, key="zip"),
        zips=zips,
        hospitals=hospitals,
        rule=rules.area_rule,
        primary=rules.primary_share.value,
        secondary=rules.secondary_share.value,
        contiguous=rules.psa_share.value,
        tsa=rules.tsa_share.value,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}\u00a0%"


def _described(
    name: str,
    wanted: float,
    area: list[str],
    origin: pd.DataFrame,
    flows: pd.DataFrame,
    ccn: str,
    zips: pd.DataFrame,
    hospitals: pd.DataFrame,
) -> dict:
    inside = flows[flows["zip"].isin(area)]
    held = origin.loc[origin["zip"].isin(area), "share"].sum()
    crossed = service_area.lifo_lofi(flows, zips=area, hospitals=hospitals.loc[hospitals["zip"].isin(area), "ccn"].tolist())
    shares = share(inside, by="ccn").set_index("ccn") if len(inside) else pd.DataFrame()
    ours = shares.loc[ccn] if ccn in shares.index else {}
    return {
        "definition": name,
        "zips": len(area),
        "people": zips.loc[zips["zip"].isin(area), "population_n"].sum(min_count=1),
        "origin_share": held,
        "market_share": ours.get("share"),
        "lifo_share": crossed.lifo,
        "lofi_share": crossed.lofi,
        "reached": "yes" if held >= wanted - 1e-9 else "no",
    }


def origin_table(flows: pd.DataFrame, area: Catchment, *, ccn: str, zips: pd.DataFrame) -> pd.DataFrame:
    """Patient-origin table of the latest year: each known ZIP with its rank, our share there and the change since other years.

    Columns `zip, city, place, cases_n, origin_share, cum_share, share, share_low, share_high, since_first_share, since_last_share,
    role, note`; changes are fractions of the earlier count and missing where either year is suppressed.
    """
    years = sorted(flows["year"].unique())
    latest = flows[flows["year"] == years[-1]]
    beside = origin_and_share(latest[latest["zip"].isin(area.origin.dropna(subset=["cases_n"])["zip"])], ccn)[
        ["zip", "share", "share_low", "share_high", "note"]
    ]
    table = area.origin.dropna(subset=["cases_n"]).rename(columns={"share": "origin_share"})[
        ["zip", "cases_n", "origin_share", "cum_share"]
    ]
    table = table.merge(beside, on="zip", how="left", validate="one_to_one").merge(
        zips[["zip", "city"]], on="zip", how="left", validate="one_to_one"
    )
    ours = flows[flows["ccn"] == ccn].pivot_table(index="zip", columns="year", values="known_n", aggfunc="sum", min_count=1)
    for name, year in (("since_first_share", years[0]), ("since_last_share", years[-2] if len(years) > 1 else years[0])):
        table[name] = quotient(table["cases_n"], table["zip"].map(ours[year]) if year in ours else float("nan")) - 1
    role = area.contiguous.zips.set_index("zip")["role"]
    table = table.assign(role=table["zip"].map(role).fillna("outside"), place=(table["zip"] + " " + table["city"].fillna("")).str.strip())
    columns = ["zip", "city", "place", "cases_n", "origin_share", "cum_share", "share", "share_low", "share_high"]
    return table[[*columns, "since_first_share", "since_last_share", "role", "note"]]


def mapped(areas: pd.DataFrame, area: Catchment, zips: list[str]) -> pd.DataFrame:
    """Areas of some ZIPs and of the service area with the patient origin to draw: `stays` and `origin_share`, suppressed missing and
    marked, 0 where nobody came."""
    origin = area.origin[["zip", "cases_n", "share"]].rename(columns={"cases_n": "stays", "share": "origin_share"}).assign(listed=True)
    drawn = areas[areas["zip"].isin([*zips, *area.zips])].merge(origin, on="zip", how="left", validate="one_to_one")
    listed = drawn["listed"].notna()
    for column in ("stays", "origin_share"):
        drawn[f"{column}_suppressed"] = listed & drawn[column].isna()
        drawn[column] = drawn[column].where(listed, 0.0)
    return drawn.drop(columns="listed").sort_values(["origin_share", "zip"], ascending=[False, True])


def county_weights(zips: pd.DataFrame, members: list[str]) -> pd.DataFrame:
    """Which part of each county's people lives in an area of ZIPs: `county_fips, weight`, counties with any."""
    people = (
        zips.assign(inside=zips["population_n"].where(zips["zip"].isin(members), 0.0))
        .groupby("county_fips")[["population_n", "inside"]]
        .sum()
    )
    weight = quotient(people["inside"], people["population_n"])
    table = pd.DataFrame({"county_fips": people.index, "weight": weight})
    return table[table["weight"] > 0].reset_index(drop=True)


def area_population(population: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Population of an area: each county's cells times the part of its people who live in it (the county's age structure is assumed)."""
    rows = population.merge(weights, on="county_fips", how="inner", validate="many_to_one")
    return rows.assign(population_n=rows["population_n"] * rows["weight"]).drop(columns="weight")
