"""Each exhibit of the executive brief as one record: the rows that are shown, and what is said of them."""

from functools import partial

import pandas as pd

from catchment import words
from catchment.market.exhibits import share_title
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.brief import Brief

from .findings import parts

exhibit = partial(Exhibit, room="brief")


def share_map(report: Report, areas: pd.DataFrame, origins: pd.DataFrame, *, overall: float, year: int) -> Exhibit:
    """Figure: our share by ZIP; how many ZIPs give us measurably less than we have `overall`, and the lowest of them.

    Parameters
    ----------
    areas
        Grain: one row per ZIP of the service area: `zip`, and more that is not shown.
    origins
        `catchment_area.origin_table`: `share` with its limits, missing where it is hidden.
    """
    sources = ["hospital_flows", "zips", "counties"]
    shares = origins[["zip", "city", "share", "share_low", "share_high"]]
    rows = areas[["zip"]].merge(shares, on="zip", how="left", validate="one_to_one")
    rows = rows.assign(share_suppressed=rows["share"].isna()).sort_values("share", ascending=False)
    shown = report.protect(rows[["zip", "city", "share", "share_suppressed", "share_low", "share_high"]], sources=sources)
    known = shown.dropna(subset="share")
    title, claims = "Our share by ZIP is hidden: too few stays in each", []
    if len(known):
        below = f"share_high < {float(overall)!r}"
        low = known.query(below)
        few, of, ours = words.plural(len(low), "ZIP"), f"of {words.count(len(known))} shown", words.share(overall)
        title = f"{few} {of} {'gives' if len(low) == 1 else 'give'} us measurably less than {ours}"
        claims = [
            Claim(few, rows=below, how="count"),
            Claim(of, rows="share == share", how="count"),
            Claim(ours, how="given", value=overall, basis="stays of the whole service area, hidden ZIPs included"),
        ]
        if len(low):
            least = low.loc[low["share"].idxmin()]
            title += f", {least['zip']} {least['city']} least"
            claims.append(Claim(least["zip"], "zip", below, "smallest", by="share"))
    return exhibit(
        "share-by-zip",
        shown,
        title,
        f"{report.settings.name}'s share of the Medicare inpatient stays of each ZIP of its service area, {year}",
        sources=sources,
        note=f"All-cause stays. ZIPs with fewer than {report.settings.disclosure.smallest_shown_n.value} of our stays are hidden.",
        claims=claims,
    )


def share_trend(report: Report, leading: pd.DataFrame, gained: pd.DataFrame, *, system: str) -> Exhibit:
    """Figure: our system's share against the leading systems, from `shares.leading` and `shares.gains`."""
    sources = ["hospital_flows", "hospitals"]
    shown = report.protect(leading.drop(columns="cases_n"), sources=sources)
    first, last = int(shown["year"].min()), int(shown["year"].max())
    ours = gained.loc[gained["system"] == system, "share"].iloc[0]
    rank = int((gained["share"] > ours).sum()) + 1
    return exhibit(
        "share-by-system",
        shown,
        share_title(gained, system, first),
        f"Share of the service area's Medicare inpatient stays by system, {first} to {last}, with 95 % interval",
        sources=sources,
        claims=[
            Claim(words.share(ours), "share", f"system == {system!r} and year == {last}"),
            Claim(f"Number {rank}", how="given", value=rank, basis="all systems by share, those not drawn included"),
        ],
    )


def scenarios(report: Report, agreed: pd.DataFrame) -> Exhibit:
    """Figure: the growth plan's value by scenario, from the recorded numbers; in how many it earns its cost of capital.

    `agreed` comes from `selection.reconciled`.
    """
    plan, sources = agreed[agreed["name"].str.startswith("plan_npv: ")], ["volumes", "referrals"]
    worth = pd.DataFrame({"scenario": plan["name"].str.removeprefix("plan_npv: "), "npv_usd": plan["value"]}).reset_index(drop=True)
    shown = report.protect(worth, sources=sources)
    good = shown.loc[shown["npv_usd"] > 0, "scenario"].str.lower().tolist()
    which = f": {words.listing(good)}" if 0 < len(good) < len(shown) else ""
    earning, of = f"{words.count(len(good))} of", words.plural(len(shown), "scenario")
    return exhibit(
        "plan-by-scenario",
        shown,
        f"The growth plan earns its cost of capital in {earning} {of}{which}",
        f"Net present value of the growth plan by scenario, {report.settings.name}, over {report.settings.growth.horizon_years} years",
        sources=sources,
        claims=[Claim(earning, rows="npv_usd > 0", how="count"), Claim(of, how="count")],
    )


def decisions(report: Report, asked: pd.DataFrame) -> Exhibit:
    """Table: decisions that are asked for, earliest first, from `selection.asked`; how many, from when to when."""
    days = [f"{day:%b} {day.day}, {day.year}" for day in asked["by"]]
    amounts = [words.money(usd) if usd == usd else "none" for usd in asked["amount_usd"]]
    rows = asked.assign(by=days, amount=amounts).reset_index(drop=True)[["decision", "forum", "by", "amount", "otherwise"]]
    ends = [asked["by"].min(), asked["by"].max()] if len(asked) > 1 else [asked["by"].min()]
    said = [f"{day:%B} {day.day}, {day.year}" for day in ends]
    many = words.plural(len(asked), "decision")
    return exhibit(
        "decisions",
        report.protect(rows, sources=["decisions"]),
        f"{many} from {said[0]} to {said[1]}" if len(asked) > 1 else f"One decision by {said[0]}",
        sources=["decisions"],
        claims=[Claim(many if len(asked) > 1 else "One", how="count")],
        names=said,
    )


def risks(report: Report, log: pd.DataFrame, *, most: int) -> Exhibit:
    """Table: the heaviest risks and issues (likelihood times impact), with who answers for them."""
    live = log[log["kind"].isin(["risk", "issue"])]
    heavy = live.assign(weight=live["likelihood"] * live["impact"]).sort_values(["weight", "item"], ascending=[False, True]).head(most)
    shown = report.protect(heavy[["title", "kind", "weight", "owner", "response"]].reset_index(drop=True), sources=["raid"])
    title = "No risk or issue is on file"
    if len(shown):
        first = shown["title"].iloc[0]
        title = f"Heaviest {shown['kind'].iloc[0]}: {first[:1].lower()}{first[1:]}"
    return exhibit("heaviest-risks", shown, title, sources=["raid"])


def considered(report: Report, ranked: pd.DataFrame, chosen: pd.DataFrame) -> Exhibit:
    """Table: every finding of the other pages with its score and what that is made of, from `selection.scored`."""
    rows = pd.DataFrame(
        {
            "finding": [parts(text)[0] for text in ranked["text"]],
            "report": ranked["title"],
            "of_program_share": ranked["part_share"],
            "certainty": ranked["certainty"],
            "change": ranked["change"],
            "score": ranked["score"],
        }
    )
    return exhibit(
        "findings-considered",
        report.protect(rows, sources=[]),
        "Every finding of the other pages with its score; those in the brief are emphasized",
        most=7,
        emphasize=ranked["text"].isin(chosen["text"]),
    )


def method(rule: Brief) -> str:
    """How findings are chosen, when the page is not published, and what cards compare with."""
    return (
        "**Choice.** Every finding of the other pages scores size x certainty x change. Size is the part r of the program that the "
        "finding is about: cases a year over analytic cases, dollars a year over contribution, else the part it states; it counts as "
        f"r / (r + {rule.half_share.value:.0%}). Certainty is 1 - p of a test, 0.95 where an interval or control limit excludes "
        '"no change" and for what was counted, 0.5 where it does not, the simulated chance, or 0.6 where an assumption carries the '
        f"amount. Change runs from {rule.standing_share.value:g} (a standing fact) to 1. The best findings follow, no more than "
        f"{rule.per_page_n} of a page, at least {words.count(rule.fewest_n)}; up to {rule.most_n} where they score "
        f"{rule.least_score.value:g}. Amounts of different findings overlap and are not added.\n\n"
        "**Agreement.** Numbers that several pages state under one name, unit and period must be equal, and a part may not exceed its "
        "whole; otherwise this page isn't published.\n\n"
        "**Since the last run.** A card compares with the last published version of its page that gave other numbers."
    )
