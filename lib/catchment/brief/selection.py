"""What leadership reads first: which findings of a partner's pages, and whether those pages agree.

Definitions used
----------------
Size
    How much of the program a finding is about: dollars a year over the year's contribution, cases a year over the year's analytic
    cases, else the part that the finding states. With r that part and h the part that counts one half, size is r / (r + h).
Certainty
    1 - p of a test; 0.95 where a 95 % interval, or the limits of a control chart, exclude "no change", and for what was counted; 0.5
    where the interval does not; the chance itself where one was simulated; 0.6 for amounts that rest on assumptions.
Change
    How far it moved, 0 (as it was) to 1 (new, or gone), on a scale that starts at the weight of a standing fact.
Score
    Size x certainty x change.

Known bias: amounts of different findings may overlap, so they are never added; a size stated as a part of something smaller than the
program counts as much as one of the whole.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

COLUMNS = ("page", "title", "text", "exhibit", "figure", "size", "certainty", "change", "usd", "cases", "basis", "since", "so", "gap")
NUMBERS = ("page", "title", "name", "value", "unit", "period", "part_of")


class Disagreement(ValueError):
    """Pages of one partner give different values of the same number."""


def gathered(pages: Mapping[str, Mapping]) -> pd.DataFrame:
    """All findings of the pages, one row each (`COLUMNS`), from their summaries by page name."""
    rows = [{"page": name, "title": told["title"], **finding} for name, told in pages.items() for finding in told["findings"]]
    frame = _frame(rows, COLUMNS, ("figure", "size", "certainty", "change", "usd", "cases"))
    return frame.assign(gap=frame["gap"] == "True")


def numbers(pages: Mapping[str, Mapping]) -> pd.DataFrame:
    """All recorded numbers of the pages, one row each (`NUMBERS`); those that a page could not say are left out."""
    old = {name: f", not renewed since {told['last_good'][:10]}" if told.get("last_good") else "" for name, told in pages.items()}
    rows = [{"page": name, "title": told["title"] + old[name], **number} for name, told in pages.items() for number in told["numbers"]]
    return _frame(rows, NUMBERS, ("value",)).dropna(subset="value").reset_index(drop=True)


def _frame(rows: list[dict], columns: Sequence[str], amounts: Sequence[str]) -> pd.DataFrame:
    """Rows with all columns: amounts as numbers, the others as text, empty where nothing is said."""
    frame = pd.DataFrame(rows, columns=list(columns))
    return pd.DataFrame(
        {
            name: frame[name].astype("float64") if name in amounts else frame[name].astype("object").fillna("").astype("str")
            for name in columns
        }
    )


def scored(found: pd.DataFrame, *, usd: float = np.nan, cases: float = np.nan, half: float = 0.1, standing: float = 0.5) -> pd.DataFrame:
    """Findings with the part of the program that each is about and its score, highest first.

    Parameters
    ----------
    found
        See `gathered`.
    usd, cases
        The program's contribution (US dollars) and analytic cases of a year; a finding in a unit that is not known falls back on its
        own size.
    half
        Part of the program at which size counts one half.
    standing
        Weight of a finding that did not change.

    Returns
    -------
    The findings with `part_share` (may exceed 1), `weight` (the size, 0 to 1) and `score`.
    """
    money, people = found["usd"] / _positive(usd), found["cases"] / _positive(cases)
    part = people.fillna(money).fillna(found["size"]).clip(lower=0)
    weight = part / (part + half)
    score = weight * found["certainty"] * (standing + (1 - standing) * found["change"].clip(0, 1))
    return found.assign(part_share=part, weight=weight, score=score).sort_values(
        ["score", "page", "text"], ascending=[False, True, True], kind="stable", ignore_index=True
    )


def _positive(value: float) -> float:
    return value if value > 0 else np.nan


def chosen(ranked: pd.DataFrame, *, fewest: int = 5, most: int = 7, per_page: int = 2, least: float = 0.1) -> pd.DataFrame:
    """The findings for the brief: by score, no more than `per_page` of a page, at least `fewest` where there are that many.

    Beyond `fewest` a finding needs a score of `least`; one with a score of 0 (nothing stands out) is never chosen.
    """
    saying = ranked[ranked["score"] > 0]
    taken = saying[saying.groupby("page", sort=False).cumcount() < per_page].head(most)
    place = np.arange(len(taken))
    return taken[(place < fewest) | (taken["score"] >= least)].reset_index(drop=True)


def shortfalls(ranked: pd.DataFrame) -> pd.DataFrame:
    """The findings that somebody has to close, as gaps for `playbook.rank`, from the frame of `scored`.

    Returns
    -------
    Grain: one row per gap: `area` (the page's title)`, gap` (the conclusion)`, evidence` (what its certainty rests on)`, gate, size`
    (weight times certainty)`, key` (page and exhibit).
    """
    mine = ranked[ranked["gap"] & (ranked["score"] > 0)]
    conclusion = mine["text"].str.extract(r"\*\*(.+?)\*\*", expand=False).fillna(mine["text"]).str.rstrip(".:")
    return pd.DataFrame(
        {
            "area": mine["title"],
            "gap": conclusion,
            "evidence": mine["basis"],
            "gate": False,
            "size": mine["weight"] * mine["certainty"],
            "key": mine["page"] + " " + mine["exhibit"],
        }
    ).reset_index(drop=True)


def reconciled(recorded: pd.DataFrame, *, tolerance: float = 1e-6) -> pd.DataFrame:
    """One row per number, once all pages agree on it: `name, unit, period, value, pages_n`.

    Parameters
    ----------
    recorded
        See `numbers`. Numbers are the same when name, unit and period are.
    tolerance
        Relative difference up to which two values count as equal.

    Raises
    ------
    Disagreement
        Two pages give different values, or a part is larger than its whole. The message names every such pair of numbers with its pages.
    """
    wrong = [*_different(recorded, tolerance), *_too_large(recorded, tolerance)]
    if wrong:
        raise Disagreement("; ".join(wrong))
    groups = recorded.groupby(["name", "unit", "period"], sort=False)
    return groups.agg(value=("value", "first"), pages_n=("page", "nunique")).reset_index()


def _different(recorded: pd.DataFrame, tolerance: float) -> Iterable[str]:
    for (name, unit, period), rows in recorded.groupby(["name", "unit", "period"], sort=False):
        first = rows.iloc[0]
        for _, row in rows.iloc[1:].iterrows():
            if not np.isclose(row["value"], first["value"], rtol=tolerance, atol=0):
                yield f"{_plain(name)}, {period}: {_said(first, unit)} but {_said(row, unit)}"
                break


def _too_large(recorded: pd.DataFrame, tolerance: float) -> Iterable[str]:
    whole = recorded.drop_duplicates(["name", "unit", "period"]).set_index(["name", "unit", "period"])
    for _, row in recorded[recorded["part_of"] != ""].iterrows():
        key = (row["part_of"], row["unit"], row["period"])
        if key in whole.index and row["value"] > whole.at[key, "value"] * (1 + tolerance):
            part, of = _said(row, row["unit"]), _said(whole.loc[key], row["unit"])
            yield f"{_plain(row['name'])}, {row['period']}: {part} is more than {_plain(row['part_of'])} with {of}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _said(row: pd.Series, unit: str) -> str:
    return f"{row['value']:,.10g} {unit} in {row['title']} ({row['page']})"


def quantity(recorded: pd.DataFrame, name: str) -> pd.Series | None:
    """The number of that name (of its last period in text order), from the frame of `numbers` or `reconciled`, or None."""
    rows = recorded[recorded["name"] == name].sort_values("period", kind="stable")
    return rows.iloc[-1] if len(rows) else None


def program(recorded: pd.DataFrame) -> dict[str, float]:
    """What findings are measured against, for `scored`: contribution (`usd`) and analytic cases (`cases`) of a year; NaN where not told."""
    found = {"usd": quantity(recorded, "contribution"), "cases": quantity(recorded, "analytic_cases")}
    return {name: float("nan") if number is None else float(number["value"]) for name, number in found.items()}


def earlier(pages: Mapping[str, Mapping], name: str) -> pd.Series | None:
    """The same number in the last published version of a page that said others, or None: `value, unit, period, produced`."""
    for told in pages.values():
        before = told.get("before") or {"numbers": ()}
        for number in before["numbers"]:
            if number["name"] == name and number["value"] is not None:
                return pd.Series({**number, "produced": before["produced"]})
    return None


def asked(decisions: pd.DataFrame, road: pd.DataFrame, capital: Mapping[str, float], *, as_of: pd.Timestamp, months: int) -> pd.DataFrame:
    """Decisions by the day they are needed: those that the program asks for, and initiatives that start soon.

    Parameters
    ----------
    decisions
        `decision, forum, by` (date)`, amount_usd, otherwise`.
    road
        `priorities.roadmap`: an initiative has to be decided on by the start of its pilot.
    capital
        Capital and starting cost by title, US dollars.

    Returns
    -------
    `decision, forum, by, amount_usd, otherwise`, earliest first.
    """
    until = as_of + pd.DateOffset(months=months)
    pilots = road[(road["phase"] == "pilot") & (road["start"] > as_of) & (road["start"] <= until)]
    starts = pd.DataFrame({"decision": "Release “" + pilots["title"] + "” to start", "forum": pilots["owner"], "by": pilots["start"],
                           "amount_usd": pilots["title"].map(dict(capital)).astype("float64"),
                           "otherwise": "Its start and its returns move back"})  # fmt: skip
    known = decisions[["decision", "forum", "by", "amount_usd", "otherwise"]].assign(by=pd.to_datetime(decisions["by"]))
    every = (
        pd.concat([known.astype({"amount_usd": "float64"}), starts.astype({"by": known["by"].dtype})], ignore_index=True)
        if len(starts)
        else known
    )
    return every.sort_values(["by", "decision"], kind="stable", ignore_index=True)
