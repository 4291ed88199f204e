"""What gifts can buy: needs of the growth plan and the scorecard matched to the designations that gifts are made to.

Definitions
-----------
A need carries a theme (such as infusion or navigation); so does a designation. A need is matched to every designation of
its theme. Gifts of the year so far to those designations are set against the gap; needs that share a theme share its
gifts in proportion to their gaps. A need without a cost is listed without one, never as zero.

Known bias: a gift to a designation may already be promised to something else; the match is of subject, not of budget. A decision may be
the first step of an initiative that is listed too: the gaps of one theme are not to be added without a look at them.
"""

from collections.abc import Mapping

import pandas as pd

from .raised import lookup, to_date_by, year_to_date


def by_title(frame: pd.DataFrame, designations: pd.DataFrame) -> pd.DataFrame:
    """Gifts or goals with the designation's title in column `designation`; its number where it is not listed."""
    titles = lookup(designations, "designation_id", "designation").to_dict()
    return frame.assign(
        designation=frame["designation_id"].map({each: titles.get(each, each) for each in frame["designation_id"].unique()})
    )


def to_date(
    gifts: pd.DataFrame, goals: pd.DataFrame, designations: pd.DataFrame, as_of: str | pd.Timestamp, *, start_month: int = 7,
    in_kind_is_cash: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """`raised.to_date_by` by the designations' titles: one row per `designation` and `basis`, `ytd_usd`, `same_day_usd`, `goal_usd`,
    `goal_share`, `change_usd`."""
    titled = by_title(goals, designations)
    rows = to_date_by(
        by_title(gifts, designations), as_of, "designation", start_month=start_month, goals=titled, in_kind_is_cash=in_kind_is_cash
    )
    return rows.drop(columns=["change_share", "to_go_usd", "last_year_usd"])


def given_to_date(gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, start_month: int = 7) -> dict[str, float]:
    """Production of the fiscal year so far by `designation_id`."""
    rows = year_to_date(gifts, as_of, by=["designation_id"], basis="production", start_month=start_month)
    return dict(zip(rows["designation_id"], rows["ytd_usd"].clip(lower=0), strict=True))


def needs(gaps: pd.DataFrame, standards: pd.DataFrame, decisions: pd.DataFrame | None = None) -> pd.DataFrame:
    """What other pages ask money for, as one list: `need`, `source`, `theme`, `gap_usd` (missing when not costed).

    Parameters
    ----------
    gaps : funding gaps of the growth initiatives: `need`, `theme`, `gap_usd`.
    standards : accreditation standards with `standard`, `title`, `theme` and `status`; those not met or at risk are needs.
    decisions : what the scorecard asks leadership to decide: `item`, `decision`, `theme`, `amount_usd`; those with an amount are
        costed needs.
    """
    short = standards[standards["status"].isin(["Not met", "At risk"])]
    asked = pd.DataFrame(
        {
            "need": "Standard " + short["standard"] + ", " + short["title"] + " (" + short["status"].str.lower() + ")",
            "source": "Program scorecard",
            "theme": short["theme"],
            "gap_usd": float("nan"),
        }
    )
    parts = [gaps.assign(source="Growth initiatives"), asked]
    if decisions is not None:
        costed = decisions[decisions["amount_usd"] > 0]
        parts.insert(
            1,
            pd.DataFrame(
                {
                    "need": "Decision " + costed["item"] + ", " + costed["decision"],
                    "source": "Program scorecard",
                    "theme": costed["theme"],
                    "gap_usd": costed["amount_usd"],
                }
            ),
        )
    return pd.concat([part[["need", "source", "theme", "gap_usd"]].astype({"gap_usd": "float64"}) for part in parts], ignore_index=True)


def open_needs(matched: pd.DataFrame, standards: pd.DataFrame, year: int) -> dict[str, tuple[float, str, str]]:
    """Key numbers of `matched_needs` and the standards, each with unit and period: dollars that the growth plan still looks for,
    standards not met, at risk or unknown."""
    unfunded = matched.loc[matched["source"] == "Growth initiatives", "gap_usd"].sum()
    short = standards["status"].isin(["Not met", "Unknown", "At risk"]).sum()
    return {"unfunded_usd": (unfunded, "USD", str(year)), "standards_open": (short, "standards", str(year))}


def matched_needs(needs: pd.DataFrame, designations: pd.DataFrame, given: Mapping[str, float]) -> pd.DataFrame:
    """Funding gaps matched to the designations gifts can be made to.

    Parameters
    ----------
    needs : `need`, `source`, `theme`, `gap_usd` (missing when not costed).
    designations : `designation_id`, `designation`, `theme`.
    given : production this fiscal year by `designation_id`.

    Returns
    -------
    One row per need: `designation` titles of its theme (or "no designation yet"), `given_usd` this year to them, `covered_share` of
    the gap if all of it went there (at most 1); both missing for a need without a cost. Largest gap first.
    """
    titles = designations.groupby("theme")["designation"].agg(lambda names: ", ".join(sorted(names)))
    money = designations.assign(given=designations["designation_id"].map(dict(given)).fillna(0.0)).groupby("theme")["given"].sum()
    frame = needs.assign(designation=needs["theme"].map(titles.to_dict()).astype("object").fillna("no designation yet"))
    costed = frame.groupby("theme")["gap_usd"].transform("sum")
    weight = frame["gap_usd"] / costed.where(costed > 0)
    frame["given_usd"] = (frame["theme"].map(money).astype("float64").fillna(0.0) * weight).round(2)
    frame["covered_share"] = (frame["given_usd"] / frame["gap_usd"].where(frame["gap_usd"] > 0)).clip(upper=1)
    return frame.sort_values("gap_usd", ascending=False, ignore_index=True)
