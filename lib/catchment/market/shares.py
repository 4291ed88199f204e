"""Who serves a market: share, concentration, and who is winning.

Definitions: *market share* is a hospital's or system's part of the patients who live in the market, never of its own total.
The Herfindahl-Hirschman index (HHI) sums squared shares in percent, 0 to 10,000; owners are systems, not campuses. Classes
follow the 2023 merger guidelines (1,000 and 1,800), not those of 2010. The patient-flow HHI (Kessler and McClellan 2000)
weighs the HHI of each ZIP by where a hospital's patients live.

Known bias: Medicare fee-for-service inpatient stays leave out Medicare Advantage, younger people and all outpatient care,
so shares are a proxy for an oncology service line. Suppressed flows are between 1 and 10, or what their source hides, and give bounds.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from catchment import words
from catchment.params.market import Market
from catchment.stats.concentration import HIGH, MODERATE, concentration_ratio, hhi, hhi_class, merger
from catchment.stats.rates import quotient, wilson

from .service_area import BELOW, LEAST, bounds

NETWORK, ADDRESSABLE, TERTIARY = "Our network", "Addressable", "Tertiary"  # where residents are treated
KINDS = [NETWORK, ADDRESSABLE, TERTIARY]
NOTABLE = 0.05  # smaller systems' gains are not worth a sentence
LEAVING = ["hospital", "system", "kind", "share", "share_low", "share_high"]  # of `destinations`, to show


def filled(flows: pd.DataFrame, totals: pd.Series | None = None, *, year: int | None = None, below: int = BELOW) -> pd.DataFrame:
    """Flows without gaps: each suppressed count estimated, with the least and the most it can be (1 to `below` - 1).

    A hospital's published total less its known flows, spread evenly over its suppressed ZIPs, is the estimate for each (within that
    range); other years take the hospital's estimate of that `year`, hospitals without a total the mean of the others, and
    without any total the middle. `totals` (by ccn) must count the same patients as the flows.

    Returns
    -------
    DataFrame
        The flows with `cases_n` filled, `known_n` as published, and `cases_low, cases_high`.

    Raises
    ------
    ValueError
        When there are no flows at all.
    """
    if flows.empty:
        raise ValueError("no flows between hospitals and ZIPs of this region: is the table of flows that of the partner's region?")
    most = max(below - 1, LEAST)
    rows = flows.assign(known_n=flows["cases_n"], **bounds(flows, below=most + 1))
    hidden = (rows["cases_low"] < rows["cases_high"]) | rows["known_n"].isna()
    part = rows if year is None or "year" not in rows else rows[rows["year"] == year]
    each = pd.Series(np.nan, index=sorted(rows["ccn"].unique()))
    if totals is not None:
        sums = part.groupby("ccn").agg(known=("known_n", "sum"), gaps=("known_n", lambda v: v.isna().sum()))
        spread = pd.Series(quotient(totals.reindex(sums.index) - sums["known"], sums["gaps"]), index=sums.index)
        each = spread.clip(LEAST, most).reindex(each.index)
    each = each.fillna(each.mean()).fillna((LEAST + most) / 2)
    return rows.assign(cases_n=rows["known_n"].where(~hidden, rows["ccn"].map(each)))


def share(flows: pd.DataFrame, *, by: str = "system", alpha: float = 0.05) -> pd.DataFrame:
    """Market share of each owner among the patients of `flows`, largest first.

    Parameters
    ----------
    flows
        A row per hospital and ZIP: `ccn, zip, cases_n` and the column named in `by`; of `filled`, or as published (suppressed
        counts then count only in the bounds).

    Returns
    -------
    DataFrame
        `<by>, cases_n, share, share_low, share_high` (Wilson) and `bound_low, bound_high`: the least and the most the share can be
        with every suppressed flow counted as the least and the most that it can be.
    """
    rows = flows if "cases_low" in flows else flows.assign(**bounds(flows))
    table = rows.groupby(by, as_index=False).agg(cases_n=("cases_n", "sum"), low=("cases_low", "sum"), high=("cases_high", "sum"))
    known = table["cases_n"].sum()
    table["share"] = quotient(table["cases_n"], known)
    table["share_low"], table["share_high"] = wilson(table["cases_n"], known, alpha=alpha)
    table["bound_low"] = quotient(table["low"], table["low"] + table["high"].sum() - table["high"])
    table["bound_high"] = quotient(table["high"], table["high"] + table["low"].sum() - table["low"])
    return table.drop(columns=["low", "high"]).sort_values(["cases_n", by], ascending=[False, True], ignore_index=True)


def share_by_year(flows: pd.DataFrame, *, by: str = "system") -> pd.DataFrame:
    """`share` for each year: `year` and the columns of `share`; empty without flows."""
    if flows.empty:
        return share(flows, by=by).assign(year=flows["year"])
    years = {year: share(part, by=by) for year, part in flows.groupby("year", sort=True)}
    return pd.concat(years, names=["year"]).reset_index("year").reset_index(drop=True)


def concentration_by_year(flows: pd.DataFrame, *, by: str = "system", moderate: float = MODERATE, high: float = HIGH) -> pd.DataFrame:
    """HHI, class, effective competitors and CR4 of each year, from known flows: `year, hhi, cr4_share, competitors, market`."""
    sizes = flows.groupby(["year", by])["cases_n"].sum()
    table = pd.DataFrame({"hhi": sizes.groupby("year").agg(hhi), "cr4_share": sizes.groupby("year").agg(concentration_ratio)}).reset_index()
    return table.assign(
        competitors=quotient(10_000, table["hhi"]), market=[hhi_class(v, moderate=moderate, high=high) for v in table["hhi"]]
    )


def hhi_bounds(flows: pd.DataFrame, *, by: str = "system", draws: int = 500, seed: int = 20251231) -> tuple[float, float]:
    """Range of the HHI over what suppressed flows can be (2.5 and 97.5 % of seeded draws).

    Flows of `filled` are drawn within their range around their estimates (1 plus a binomial), others evenly over it.
    """
    rows = flows if "cases_low" in flows else flows.assign(**bounds(flows))
    owners, names = pd.factorize(rows[by])
    random = np.random.default_rng(seed)
    hidden = (rows["cases_low"] < rows["cases_high"]).to_numpy()
    fixed = np.bincount(owners, weights=np.where(hidden, 0, rows["cases_low"]), minlength=len(names))
    middle, most = rows["cases_n"].to_numpy(float)[hidden], int(rows.loc[hidden, "cases_high"].max()) if hidden.any() else BELOW - 1
    part = (np.nan_to_num(middle, nan=(LEAST + most) / 2) - LEAST) / (most - LEAST)
    around = LEAST + random.binomial(most - LEAST, np.clip(part, 0, 1), size=(draws, hidden.sum()))
    drawn = np.where(np.isnan(middle), random.integers(LEAST, most + 1, size=around.shape), around)
    values = [hhi(fixed + np.bincount(owners[hidden], weights=row, minlength=len(names))) for row in drawn]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def patient_flow_hhi(flows: pd.DataFrame, *, by: str = "ccn", owner: str | None = None) -> pd.DataFrame:
    """Kessler-McClellan HHI of each hospital: the HHI of its patients' ZIPs, weighted by how many come from each.

    `flows` has a row per hospital and ZIP: `zip, cases_n`, the column `by`, and `owner` (system) when shares should be
    those of owners rather than of campuses. Columns `<by>, cases_n, hhi`.
    """
    known = flows.loc[flows["cases_n"] > 0]
    area = known.groupby(["zip", owner or by])["cases_n"].sum().groupby("zip").agg(hhi).rename("hhi")
    rows = known.merge(area, left_on="zip", right_index=True, validate="many_to_one")
    rows["weighted"] = rows["hhi"] * rows["cases_n"]
    table = rows.groupby(by, as_index=False)[["cases_n", "weighted"]].sum()
    return table.assign(hhi=quotient(table["weighted"], table["cases_n"])).drop(columns="weighted")


def location_quotient(local: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Local share of each category over its reference share; 1 = as in the reference, NaN where the reference has none."""
    here, there = np.asarray(local, dtype=float), np.asarray(reference, dtype=float)
    return quotient(quotient(here, here.sum()), quotient(there, there.sum()))


def shift_share(ours_start: ArrayLike, ours_end: ArrayLike, market_start: ArrayLike, market_end: ArrayLike) -> pd.DataFrame:
    """Dunn's (1960) decomposition of a change by category: market growth + mix + share gain = change, row by row.

    A category with no market at the start has no growth rate: its change counts wholly as share gain.
    Columns `growth, mix, gain, change`.
    """
    e0, e1, m0, m1 = (np.asarray(v, dtype=float) for v in (ours_start, ours_end, market_start, market_end))
    overall = quotient(m1.sum(), m0.sum())
    ratio = np.where(m0 > 0, quotient(m1, m0), overall)
    return pd.DataFrame({"growth": e0 * (overall - 1), "mix": e0 * (ratio - overall), "gain": e1 - e0 * ratio, "change": e1 - e0})


class Served(NamedTuple):
    """Who serves an area: shares by year and their change, our row of it, concentration, flows out and in, all by owner.

    `shares` and `lead` (the largest owners) are of `share_by_year`; `gained` of `gains` with our row `mine`; `hhi` of
    `concentration_by_year` and `spread` of `hhi_bounds` in the last year; `faced` of `competition`; `merged` of `mergers`; `terms` and
    `moved` of `change_terms` and `change_bridge`; `keep` of `keeping`; `out` of `destinations`; `owners` says whose owner is not given.
    """

    shares: pd.DataFrame
    lead: pd.DataFrame
    gained: pd.DataFrame
    mine: pd.Series
    hhi: pd.DataFrame
    spread: tuple[float, float]
    faced: pd.DataFrame
    merged: pd.DataFrame
    terms: pd.DataFrame
    moved: pd.DataFrame
    keep: pd.DataFrame
    out: pd.DataFrame
    owners: str = ""

    @property
    def kinds(self) -> pd.DataFrame:
        """Change of what our network, tertiary and other hospitals treat."""
        return gains(self.keep, by="kind")


def assess(flows: pd.DataFrame, *, system: str, ccn: str, ours: list[str], rules: Market) -> Served:
    """Put together who serves the area of these flows (of `filled`, all years); `rules` is the settings' section `market`."""
    first, last = flows["year"].min(), flows["year"].max()
    latest, shares = flows[flows["year"] == last], share_by_year(flows)
    gained, terms = gains(shares), change_terms(flows, by="ccn", name=ccn)
    return Served(
        shares=shares,
        lead=leading(shares, always=system),
        gained=gained,
        mine=gained[gained["system"] == system].iloc[0],
        hhi=concentration_by_year(flows, moderate=rules.hhi_moderate.value, high=rules.hhi_high.value),
        spread=hhi_bounds(latest, seed=rules.seed),
        faced=competition(latest, always=ccn).drop(columns="ccn"),
        merged=mergers(gained.set_index("system")["cases_n"], system, high=rules.hhi_high.value),
        terms=terms,
        moved=change_bridge(terms, start=str(first)),
        keep=keeping(flows, ours=ours, tertiary=rules.tertiary_hospitals),
        out=destinations(latest, ours=ours, tertiary=rules.tertiary_hospitals),
        owners=ownerless(latest),
    )


def ownerless(flows: pd.DataFrame) -> str:
    """How many hospitals of the flows have no owner on file and stand for themselves, in a sentence; empty when each has one."""
    owned = flows.dropna(subset="system").drop_duplicates("ccn")["owned"]
    if owned.all():
        return ""
    if not owned.any():
        return "Owners are not given: each hospital stands for itself."
    return f"The owner of {words.count((~owned).sum())} of {words.plural(len(owned), 'hospital')} is not given: each stands for itself."


def leading(shares: pd.DataFrame, *, by: str = "system", always: str | None = None, most: int = 5) -> pd.DataFrame:
    """Rows of `share_by_year` of the largest owners in the last year, with `always` among them."""
    latest = shares[shares["year"] == shares["year"].max()]
    names = list(dict.fromkeys([*([always] if always else []), *latest.nlargest(most, "cases_n")[by]]))[: most + 1]
    return shares[shares[by].isin(names)].reset_index(drop=True)


def gains(shares: pd.DataFrame, *, by: str = "system", alpha: float = 0.05) -> pd.DataFrame:
    """Change of each owner's share from the first to the last year, with Newcombe's interval: `<by>, before_share, share, gained_points,
    gained_points_low, gained_points_high`, largest share first."""
    first, last = (shares[shares["year"] == year].set_index(by) for year in (shares["year"].min(), shares["year"].max()))
    both = last.join(first[["share", "share_low", "share_high"]].add_prefix("before_"), how="left").fillna(
        {"before_share": 0.0, "before_share_low": 0.0, "before_share_high": 0.0}
    )
    change = both["share"] - both["before_share"]
    down = np.sqrt((both["share"] - both["share_low"]) ** 2 + (both["before_share_high"] - both["before_share"]) ** 2)
    up = np.sqrt((both["share_high"] - both["share"]) ** 2 + (both["before_share"] - both["before_share_low"]) ** 2)
    table = both.assign(gained_points=change, gained_points_low=change - down, gained_points_high=change + up).reset_index()
    return table.sort_values("share", ascending=False, ignore_index=True)


def change_terms(flows: pd.DataFrame, *, by: str, name: str, category: str = "county_fips") -> pd.DataFrame:
    """Shift-share of one owner's patients from the first to the last year over categories of residence (`shift_share` by row)."""
    years = list(dict.fromkeys((flows["year"].min(), flows["year"].max())))
    wide = flows[flows["year"].isin(years)].pivot_table(index=category, columns="year", values="cases_n", aggfunc="sum", fill_value=0)
    own = flows[flows["year"].isin(years) & (flows[by] == name)].pivot_table(
        index=category, columns="year", values="cases_n", aggfunc="sum", fill_value=0
    )
    own = own.reindex(index=wide.index, columns=years, fill_value=0)
    terms = shift_share(own[years[0]], own[years[-1]], wide[years[0]], wide[years[-1]])
    return terms.assign(before=own[years[0]].to_numpy(), **{category: wide.index})


def change_bridge(terms: pd.DataFrame, *, start: str) -> pd.DataFrame:
    """Rows of a bridge from `change_terms`: the start and the three terms (`step, stays`)."""
    return pd.DataFrame(
        {
            "step": [start, "Market growth", "Mix of counties", "Share"],
            "stays": [terms["before"].sum(), *terms[["growth", "mix", "gain"]].sum()],
        }
    )


def mergers(sizes: pd.Series, name: str, *, most: int = 5, high: float = HIGH) -> pd.DataFrame:
    """What merging with each of the largest owners would do to the HHI: `system, share, delta, after, presumed`."""
    partners = sizes.drop(name).nlargest(most).index
    rows = [(other, *merger(sizes, name, other, high=high)[1:]) for other in partners]
    table = pd.DataFrame(rows, columns=["system", "hhi_after", "hhi_delta", "joint_share", "presumed"])
    return table.assign(presumed=table["presumed"].map({True: "yes", False: "no"}))


def destinations(flows: pd.DataFrame, *, ours: list[str], tertiary: list[str]) -> pd.DataFrame:
    """Where residents go instead of us, by hospital, largest first: `place, hospital, system, kind, cases_n, share` of all leaving.

    `ours` are systems of our network; `tertiary` are the hospitals (ccn) that draw people for care which a community hospital does
    not offer; anything else is addressable.
    """
    out = flows.loc[~flows["system"].isin(ours)]
    table = out.groupby(["ccn", "hospital", "system"], as_index=False)["cases_n"].sum()
    table["kind"] = np.where(table["ccn"].isin(tertiary), "tertiary", "addressable")
    table["place"] = np.where(table["kind"] == "tertiary", "Tertiary: ", "") + table["hospital"]  # first, since long names are cut
    table["share"] = quotient(table["cases_n"], table["cases_n"].sum())
    table["share_low"], table["share_high"] = wilson(table["cases_n"], table["cases_n"].sum())
    return table.sort_values(["cases_n", "ccn"], ascending=[False, True], ignore_index=True)


def keeping(flows: pd.DataFrame, *, ours: list[str], tertiary: list[str]) -> pd.DataFrame:
    """Residents' patients by year: in our network, at tertiary hospitals, and elsewhere (addressable).

    Columns `year, kind, cases_n, share, share_low, share_high` (Wilson).
    """
    kind = np.select([flows["system"].isin(ours), flows["ccn"].isin(tertiary)], [NETWORK, TERTIARY], ADDRESSABLE)
    table = flows.assign(kind=kind).groupby(["year", "kind"], as_index=False)["cases_n"].sum()
    total = table.groupby("year")["cases_n"].transform("sum")
    table["share"] = quotient(table["cases_n"], total)
    table["share_low"], table["share_high"] = wilson(table["cases_n"], total)
    return table


def competition(flows: pd.DataFrame, *, most: int = 8, always: str | None = None) -> pd.DataFrame:
    """Hospitals of a market with the concentration that their own patients face: `ccn, hospital, system, cases_n, share, hhi, competitors`.

    The HHI is Kessler and McClellan's, with shares of systems. `always` (ccn) stays in the table whatever its size.
    """
    table = patient_flow_hhi(flows, owner="system").merge(
        flows[["ccn", "hospital", "system"]].drop_duplicates("ccn"), on="ccn", validate="one_to_one"
    )
    table = table.assign(share=quotient(table["cases_n"], table["cases_n"].sum()), competitors=quotient(10_000, table["hhi"]))
    table = table.sort_values(["cases_n", "ccn"], ascending=[False, True])
    kept = table[(np.arange(len(table)) < most) | (table["ccn"] == always)]
    return kept[["ccn", "hospital", "system", "cases_n", "share", "hhi", "competitors"]].reset_index(drop=True)


def origin_and_share(flows: pd.DataFrame, ccn: str, *, alpha: float = 0.05) -> pd.DataFrame:
    """Patient origin beside market share for each ZIP of a hospital; flags what stands out.

    Returns
    -------
    DataFrame
        `zip, cases_n, market_n, origin_share, share, share_low, share_high, note`: "large for us, small share" where the ZIP
        is in the upper half of patient origin while its share's whole interval is below our overall share in these ZIPs,
        and the reverse.
    """
    ours = flows.loc[flows["ccn"] == ccn].groupby("zip")["cases_n"].sum(min_count=1).rename("cases_n")
    table = flows.groupby("zip")["cases_n"].sum().rename("market_n").to_frame().join(ours, how="inner").dropna().reset_index()
    table = table[table["market_n"] > 0].reset_index(drop=True)
    table["origin_share"] = quotient(table["cases_n"], table["cases_n"].sum())
    table["share"] = quotient(table["cases_n"], table["market_n"])
    table["share_low"], table["share_high"] = wilson(table["cases_n"], table["market_n"], alpha=alpha)
    overall, middle = quotient(table["cases_n"].sum(), table["market_n"].sum()), table["origin_share"].median()
    large = table["origin_share"] >= middle
    table["note"] = np.select(
        [large & (table["share_high"] < overall), ~large & (table["share_low"] > overall)],
        ["large for us, small share", "small for us, large share"],
        "",
    )
    return table.sort_values(["cases_n", "zip"], ascending=[False, True], ignore_index=True)
