"""What a leader should hear first about giving: findings for the takeaways, and the KPI cards of the page.

A finding is made from the exhibit that it links to; a function returns None where there is nothing to say. No donor is named. Size,
certainty and change run from 0 to 1 and rank the findings of a page and of the portfolio.
"""

from collections.abc import Mapping

import pandas as pd

from catchment import words
from catchment.page.blocks import Finding, Kpi, Measure
from catchment.page.exhibit import Exhibit

from . import raised
from .development import Books
from .exhibits import whole


def no_program(name: str) -> str:
    """What the page says of a hospital without a development office."""
    return (
        f"{name} has no development program of its own: no gift, pledge, prospect or grant is recorded for it, "
        "so there is nothing to report."
    )


def for_internal_readers() -> str:
    """What the internal page says where the settings make pages for leadership."""
    return (
        "This page names donors and is made for internal readers only; the settings say that pages go to leadership, so nothing is listed."
    )


def too_short(gifts: pd.DataFrame, as_of: pd.Timestamp, *, start_month: int, years: int = 3, donors: int = 100) -> str:
    """Why a ledger cannot carry the page, with what was raised all the same; nothing when it can."""
    if gifts.empty:
        return f"**The ledger holds no gift through {as_of.day} {as_of:%B %Y}**, so there is nothing to report."
    totals = raised.raised_by_basis(gifts, start_month=start_month)
    first, people = int(totals["fiscal_year"].min()), gifts["donor_id"].nunique()
    if raised.year_of(as_of, start_month=start_month) - first >= years and people >= donors:
        return ""
    sums = [
        f"{basis.lower()} {words.listing(f'{words.money(row.amount_usd)} in {row.fiscal_year}' for row in part.itertuples())}"
        for basis, part in totals.groupby("basis")
    ]
    return (
        f"**The ledger is too short for this page.** It holds {words.plural(people, 'donor')} since fiscal year {first}; forecasts, "
        f"retention and models need {years} whole past years and {donors} donors. "
        f"What was raised by fiscal year: {'; '.join(sums)}."
    )


def ended(books: Books) -> list[str]:
    """That the ledger ends well before the day asked for, if it does."""
    if not books.ends_early:
        return []
    return [
        f"**The gift ledger ends on {books.as_of.day} {books.as_of:%B %Y}; this page is dated {books.asked.day} {books.asked:%B %Y}.** "
        f"What came in since is not known, so giving and pledges are shown as of the ledger's last day, against the same day of the year "
        f"before, for fiscal year {books.year}."
    ]


def headline(always: Finding, *others: Finding | None, most: int = 3) -> list[Finding]:
    """The standing finding, then the others by size times certainty."""
    found = sorted((each for each in others if each is not None), key=lambda each: -each.size * each.certainty)
    return [always, *found[: most - 1]]


def on_goal(year_end: Exhibit, to_date: pd.Series, *, gone_share: float, level: float, through: str = "to date") -> Finding:
    """Cash against goal and time, and where the year will end.

    `year_end` is `exhibits.year_end`, whose last row is all cash; `to_date` is a row of `year_to_date`; `through` says how far it is known.
    """
    known = "" if through == "to date" else f" {through}, where the ledger ends"
    ahead, exhibit = year_end.shown.iloc[-1], year_end.key
    year, goal = int(to_date["fiscal_year"]), to_date["goal_usd"]
    low, high = ahead["total_usd_low"], ahead["total_usd_high"]
    aim, total = words.apart([goal, ahead["total_usd"]], words.money)
    ends = f"the forecast is {total} ({whole(level)} interval {words.interval(low, high, words.money)})."
    if not goal > 0:
        cash = words.money(to_date["ytd_usd"])
        text = f"**{cash} of cash is in{known} with {whole(gone_share)} of fiscal year {year} gone**; no goal is set; {ends}"
        return Finding(text, exhibit, 0.0, level, 0.0, basis=f"{whole(level)} prediction interval", since="the same day last year")
    verdict = "Cash is likely to meet" if low >= goal else "Cash is likely to miss" if high < goal else "It is open whether cash meets"
    text = (
        f"**{verdict} the {aim} goal of fiscal year {year}**: {words.money(to_date['ytd_usd'])} is in{known}, "
        f"{whole(to_date['goal_share'])} of goal with {whole(gone_share)} of the year gone; {ends}"
    )
    size = min(1.0, abs(ahead["total_usd"] / goal - 1))
    so = f"{words.money(goal - to_date['ytd_usd'])} must still come in before the year ends." if goal > to_date["ytd_usd"] else ""
    return Finding(
        text,
        exhibit,
        size,
        level if not low < goal <= high else 0.5,
        min(1.0, abs(to_date["change_share"])) if pd.notna(to_date["change_share"]) else 0.0,
        usd=abs(ahead["total_usd"] - goal),
        basis=f"{whole(level)} prediction interval",
        since="the same day last year",
        so=so,
        gap=bool(high < goal),
    )


def dependence(concentration: Exhibit, *, year: int, least: float) -> Finding | None:
    """Cash that rests on one donor. `concentration` is `donor_exhibits.lorenz`, whose first row is the largest donor."""
    top, exhibit = concentration.shown.iloc[0], concentration.key
    if not top["amount_share"] >= least:
        return None
    rest = top["amount_usd"] / top["amount_share"] - top["amount_usd"]
    text = (
        f"**One donor gave {whole(top['amount_share'])} of the cash of fiscal year {year}**, {words.money(top['amount_usd'])}; "
        f"without that donor the year would have brought {words.money(rest)}."
    )
    return Finding(
        text,
        exhibit,
        float(top["amount_share"]),
        1.0,
        0.0,
        usd=float(top["amount_usd"]),
        basis="counted gifts",
        so="The program rests on one decision that others make.",
        gap=True,
    )


def slipping(segments: Exhibit, *, year: int) -> Finding | None:
    """The segment that fell most below its own past, if it did so beyond chance. `segments` is `donor_exhibits.segments`."""
    rows, exhibit = segments.shown, segments.key
    fallen = rows[(rows["change_share"] < 0) & (rows["p_adjusted"] < 0.05)]
    if fallen.empty:
        return None
    row = fallen.iloc[0]
    text = (
        f"**Donors of the segment “{row['dimension'].lower()}: {row['segment']}” are slipping away**: {whole(row['share'])} "
        f"of them gave again in fiscal year {year}, against {whole(row['usual_share'])} in the years before; those who left had given "
        f"{words.money(row['lost_usd'])} the year before."
    )
    return Finding(
        text,
        exhibit,
        float(-row["change_share"]),
        float(1 - row["p_adjusted"]),
        float(-row["change_share"]),
        usd=float(row["lost_usd"]),
        basis="adjusted p below 0.05",
        since="the years before",
        so="A call to those who left comes before the search for new donors.",
        gap=True,
    )


def campaign(campaigns: Exhibit, *, tolerance: float = 0.05) -> Finding | None:
    """The running campaign furthest from its time. `campaigns` is `exhibits.campaign`."""
    progress, exhibit = campaigns.shown, campaigns.key
    running = progress[(progress["time_share"] > 0) & (progress["time_share"] < 1)]
    if running.empty:
        return None
    gap = running["goal_share"] - running["time_share"]
    row = running.loc[gap.abs().idxmax()]
    gap = row["goal_share"] - row["time_share"]
    place = "behind" if gap < -tolerance else "ahead of" if gap > tolerance else "in step with"
    text = (
        f"**The campaign “{row['campaign']}” is {place} its time**: {whole(row['goal_share'])} of the "
        f"{words.money(row['goal_usd'])} goal is raised with {whole(row['time_share'])} of the time gone"
    )
    need = (
        f"; making the goal takes {words.money(row['needed_rate_usd_month'])} a month, against {words.money(row['rate_usd_month'])} so far."
        if row["gap_usd"] > 0
        else "."
    )
    apart = float(abs(gap) * row["goal_usd"])
    return Finding(
        text + need,
        exhibit,
        min(1.0, abs(gap)) * (1.0 if gap < 0 else 0.5),
        1.0,
        0.0,
        usd=apart,
        basis="counted gifts",
        so=f"Against an even pace that is {words.money(apart)} {'short' if gap < 0 else 'ahead'}.",
        gap=bool(gap < -tolerance),
    )


def owed(aged: Exhibit, paid: Mapping[str, float], *, least: float = 0.05) -> Finding | None:
    """Pledge payments past due. `aged` is `exhibits.owed`, `paid` `pledges.fulfilment`."""
    open_usd, exhibit = aged.shown["open_usd"].sum(), aged.key
    share = paid["overdue_usd"] / open_usd if open_usd else 0.0
    if share < least:
        return None
    text = (
        f"**{words.money(paid['overdue_usd'])} of pledge payments is overdue**, {whole(share)} of the open balance; "
        f"{whole(paid['share'])} of what fell due has been paid."
    )
    return Finding(
        text,
        exhibit,
        min(1.0, share),
        1.0,
        0.0,
        usd=paid["overdue_usd"],
        basis="counted pledges",
        so="Each of these donors is owed a call.",
        gap=True,
    )


def kept(retention: Exhibit, *, year: int) -> Finding:
    """Retention of `year` and whether it moved beyond chance. `retention` is `donor_exhibits.retention`."""
    trend, exhibit = retention.shown, retention.key
    rows = trend[trend["group"] == "overall"].set_index("year")
    now, before = rows.loc[year], rows.loc[year - 1] if year - 1 in rows.index else None
    text = (
        f"**{whole(now['share'])} of last year's donors gave again in fiscal year {year}** "
        f"({words.count(now['retained_n'])} of {words.count(now['donors_before_n'])})"
    )
    if before is None:
        return Finding(text + ".", exhibit, 0.05, 1.0, 0.0, basis="counted donors")
    moved = now["share"] - before["share"]
    certain = now["share_low"] > before["share_high"] or now["share_high"] < before["share_low"]
    said = f"; the year before it was {whole(before['share'])}" + ("." if certain else ", a difference within chance.")
    return Finding(
        text + said,
        exhibit,
        max(0.05, abs(moved)),
        0.95 if certain else 0.5,
        abs(moved),
        basis="95 % intervals apart" if certain else "95 % intervals overlap",
        since=f"fiscal year {year - 1}",
    )


def cards(
    to_date: pd.Series, made: pd.Series, trend: pd.DataFrame, stages: pd.DataFrame, costs: pd.DataFrame, *, goal: float,
    through: str = "to date",
) -> list[Kpi]:  # fmt: skip
    """Five cards: cash, production, retention, weighted pipeline, cost to raise a dollar."""
    year = int(to_date["fiscal_year"])
    rows = trend[trend["group"] == "overall"].set_index("year")["share"]
    total = costs[costs["program"] == "All programs"].set_index("fiscal_year")["ctrd_usd"]
    weighted, asked, gap = stages["weighted_usd"].sum(), stages["ask_usd"].sum(), made["to_go_usd"]
    return [
        _money_card(f"Cash, fiscal year {year} {through}", to_date),
        _money_card(f"Production, fiscal year {year} {through}", made),
        Kpi(
            f"Donors who gave again, {year - 1}",
            whole(rows[year - 1]),
            words.change(rows[year - 1], rows.get(year - 2, float("nan")), year - 2, unit="points"),
            words.goal(rows[year - 1], goal, whole),
            words.status(rows[year - 1], goal),
            measure=Measure("Donors who gave again", rows[year - 1], "higher"),
        ),
        Kpi(
            "Weighted pipeline",
            words.money(weighted),
            f"of {words.money(asked)} unweighted",
            _cover(weighted, gap),
            words.status(weighted, gap),
        ),
        Kpi(
            f"Cost to raise a dollar, {year - 1}",
            _dollar(total.get(year - 1, float("nan"))),
            _dollar_change(total, year - 1),
            "",
            words.status(total.get(year - 1, float("nan")), total.get(year - 2, float("nan")), low_is_good=True),
        ),
    ]


def actions(waiting: pd.DataFrame, stalled: pd.DataFrame, late: pd.DataFrame) -> list[str]:
    """The three lists of the internal page in a sentence each."""
    long_late = words.count((late["oldest_days"] > 180).sum())
    return [
        f"**{words.plural(len(waiting), 'donor')} of last year can be asked again**; they gave "
        f"{words.money(waiting['last_usd'].sum())} last year, the first ten of them {words.money(waiting['last_usd'].head(10).sum())}.",
        f"**{words.plural(len(stalled), 'proposal')} stalled**, {words.money(stalled['ask_usd'].sum())} asked or planned.",
        f"**{words.plural(len(late), 'pledge')} overdue**, {words.money(late['overdue_usd'].sum())}; "
        f"{long_late} for more than half a year.",
    ]


def _cover(weighted: float, gap: float) -> str:
    if pd.isna(gap) or gap <= 0:
        return "Production goal already reached" if gap <= 0 else "Production goal not set"
    return f"Covers {whole(weighted / gap)} of the {words.money(gap)} still to raise, if decided this year"


def _money_card(label: str, row: pd.Series) -> Kpi:
    change = words.change(row["ytd_usd"], row["same_day_usd"], "same day last year")
    reached = f"{whole(row['goal_share'])} of the {words.money(row['goal_usd'])} goal" if row["goal_usd"] > 0 else "Goal not set"
    return Kpi(label, words.money(row["ytd_usd"]), change, reached, words.status(row["ytd_usd"], row["same_day_usd"]))


def _dollar(value: float) -> str:
    return words.money(value, digits=2)


def _dollar_change(total: pd.Series, year: int) -> str:
    return f"{_dollar(total[year - 1])} in {year - 1}" if year - 1 in total.index else "no earlier year"
