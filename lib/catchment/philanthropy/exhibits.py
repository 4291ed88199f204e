"""What the philanthropy pages say about each exhibit: title, subtitle, sources, headings of columns and note, computed from its frame.

One function per exhibit; each returns keyword arguments of `Report.figure` or `Report.table`. ``year`` is the fiscal year under way,
``last`` the last whole one, ``as_of`` the day through which the ledger is read. No donor is named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from catchment import words
from catchment.params.philanthropy import Philanthropy

from .labels import LABELS

Said = dict[str, Any]
GIVEN, PLEDGED, PIPE = ["gifts", "donors", "soft_credits"], ["pledges", "pledge_instalments", "gifts"], ["proposals", "proposal_stages"]


def _figure(title: str, subtitle: str, sources: Sequence[str], *, labels: Mapping[str, str] | None = None, note: str | None = None) -> Said:
    return {"title": title, "subtitle": subtitle, "sources": list(sources), "labels": LABELS | dict(labels or {}), "note": note}


def _table(caption: str, sources: Sequence[str], *, labels: Mapping[str, str] | None = None, note: str | None = None, **options) -> Said:
    return {"caption": caption, "sources": list(sources), "labels": LABELS | dict(labels or {}), "note": note, **options}


def shown(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with the texts of columns beginning with a capital, as labels of an exhibit do."""
    return frame.assign(**{column: [f"{text[:1].upper()}{text[1:]}" for text in frame[column].astype(str)] for column in columns})


def _whole(value: float) -> str:
    return words.share(value, digits=0)


def _day(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%B %Y}"


# On goal


def raised(to_date: pd.Series, as_of: pd.Timestamp, policy: Mapping[str, str]) -> Said:
    """Cash and production by year: cash against the same day last year. `to_date` is a row of `year_to_date`."""
    change = to_date["change_share"]
    word = "ahead of" if change > 0.005 else "behind" if change < -0.005 else "level with"
    by = "" if word == "level with" else f" {_whole(abs(change))}"
    return _figure(
        f"Cash to date is {words.money(to_date['ytd_usd'])},{by} {word} the same day last year",
        f"Cash and production by fiscal year, {int(to_date['fiscal_year'])} through {as_of:%d %B %Y}",
        ["gifts"],
        note=" ".join(policy.values()),
    )


def programs(rows: pd.DataFrame, year: int) -> Said:
    """Cash by program to date: the one that moved most. `rows` is `to_date_by`, of which cash is drawn."""
    drawn = rows[rows["basis"] == "Cash"]
    row = drawn.loc[drawn["change_usd"].abs().idxmax()]
    return _figure(
        f"{str(row['program']).capitalize()} moved most: {words.money(abs(row['change_usd']))} "
        f"{'more' if row['change_usd'] > 0 else 'less'} than by the same day last year",
        f"Cash by program, fiscal year {year} and {year - 1} to the same day; production stands in the table",
        ["gifts", "fundraising_goals"],
    )


def purposes(year: int) -> Said:
    """Cash and production by designation to date."""
    caption = f"Cash and production by designation, fiscal year {year} to date"
    return _table(caption, ["gifts", "fundraising_goals", "designations"])


def year_end(ahead: pd.DataFrame, tested: pd.DataFrame, goal_usd: float, *, year: int, level: float) -> Said:
    """The year's forecast by part; the note says what the same forecast would have said in past years."""
    note = "Too few whole years to check the forecast on."
    if len(tested):
        error, naive = tested["error_share"].abs().mean(), tested["naive_error_share"].abs().mean()
        note = (
            f"Made on the same day of {words.plural(len(tested), 'past year')}, this forecast missed the year's total by {_whole(error)} "
            f"on average (last year's total: {_whole(naive)}); {words.count(tested['inside'].sum())} of {len(tested)} totals fell inside "
            "the interval."
        )
    total, target = words.apart((ahead.iloc[-1]["total_usd"], goal_usd), words.money)
    goal = f", against a goal of {target}" if goal_usd > 0 else "; no goal is set"
    return _figure(
        f"The year is forecast to end at {total}{goal}",
        f"Cash of fiscal year {year} by part: expected total and {100 * level:.0f} % prediction interval",
        ["gifts", "pledge_instalments"],
        note=note,
    )


def campaign(progress: pd.DataFrame, as_of: pd.Timestamp, *, level: float) -> Said:
    """The campaign against its time; the note gives the first campaign's run rate, gap and counting policy."""
    title, note = "No campaign is running", ""
    if len(progress):
        row = progress.iloc[0]
        title = f"“{row['campaign']}” has {_whole(row['goal_share'])} of its goal with {_whole(row['time_share'])} of its time gone"
        slow = row["gap_usd"] > 0 and row["recent_rate_usd_month"] < 0.9 * row["needed_rate_usd_month"]
        title += "; of late too slow to make it" if slow else ""
        note = "The goal is reached. "
        if row["gap_usd"] > 0:
            note = (
                f"Gap {words.money(row['gap_usd'])}: it takes {words.money(row['needed_rate_usd_month'])} a month from here, against "
                f"{words.money(row['rate_usd_month'])} so far and {words.money(row['recent_rate_usd_month'])} over the last twelve months. "
            )
        note += "Counted as production: pledges at face value, payments on them not again."
    return _figure(
        title,
        f"Share of the campaign goal through {as_of:%d %B %Y}, with the end forecast at the campaign's own pace "
        f"({100 * level:.0f} % interval)",
        ["gifts", "campaigns"],
        note=note,
    )


# From whom


def pyramid(bands: pd.DataFrame, last: int) -> Said:
    """Donors and cash by size of giving: the fewest bands from the top that hold half of the cash."""
    held = bands.loc[: (bands["amount_share"].cumsum() >= 0.5).idxmax()]
    return _figure(
        f"{words.plural(held['donors_n'].sum(), 'donor')} of {words.money(held['low_usd'].iloc[-1])} or more gave "
        f"{_whole(held['amount_share'].sum())} of the cash",
        f"Donor pyramid: donors and cash by size of a donor's giving, fiscal year {last}",
        GIVEN,
    )


def lorenz(shares: pd.DataFrame, gini: float, last: int) -> Said:
    """The Lorenz curve: what the top tenth gave. `shares` is `concentration.top_shares`."""
    row = shares.set_index("measure").loc["Top 10 % of donors"]
    title = f"The top 10 % of donors, {words.count(row['donors_n'])}, gave {_whole(row['amount_share'])} of the cash (Gini {gini:.2f})"
    return _figure(title, f"Lorenz curve of cash, fiscal year {last}", GIVEN)


def gift_range(chart: pd.DataFrame) -> Said:
    """The gift-range chart: where prospects are missing. `chart` is `concentration.campaign_chart`."""
    short, spare = chart[chart["gap_n"] > 0], -chart["gap_n"].clip(upper=0).sum()
    caption = "Gift-range chart" + (": rated prospects enough for every tier of major gifts" if len(chart) else " of a campaign")
    if len(short):
        worst = short.loc[short["gap_n"].idxmax(), "tier"]
        caption = f"Gift-range chart: {words.plural(short['gap_n'].sum(), 'prospect')} missing, most in the tier {worst}"
        caption += f"; {words.count(spare)} to spare in others" if spare else ""
    note = (
        "A prospect stands in the highest tier that its rating reaches; one to spare there (below zero: more at hand than needed) can be "
        "asked for less. Smaller gifts come from the annual program, not from rated prospects."
    )
    rated = ["gifts_n", "still_n", "needed_n", "available_n", "gap_n"]
    return _table(caption, ["gifts", "campaigns", "prospects"], note=note, inapplicable=rated)


def origins(last: int) -> Said:
    """Where the year's money came from, along several ways of looking."""
    return _table(f"Where cash and in-kind gifts of fiscal year {last} came from; the groups overlap", GIVEN)


def credit(last: int) -> Said:
    """Hard beside soft credit."""
    note = "Soft credit recognizes somebody for a gift that stands under hard credit already: the two columns are never added."
    return _table(f"Hard and soft credit by kind of donor, fiscal year {last}", ["gifts", "soft_credits", "donors"], note=note)


# Who stays


def retention(trend: pd.DataFrame, dollars: Mapping[str, float], rules: Philanthropy, last: int) -> Said:
    """Retention by year; the note gives that of dollars and what is usual elsewhere."""
    now = trend[trend["year"] == trend["year"].max()].set_index("group")["share"]
    elsewhere = words.listing(f"{group} {_whole(usual.value)}" for group, usual in rules.retention_benchmark_share.items())
    return _figure(
        f"{_whole(now['overall'])} of donors gave again: {_whole(now['first-time'])} of first-time, "
        f"{_whole(now['repeat'])} of repeat donors",
        f"Share of the previous year's donors who gave again, through fiscal year {last}, Wilson 95 % intervals",
        GIVEN,
        note=f"Of last year's dollars {_whole(dollars['without_upgrades'])} came back from the same donors without counting upgrades, "
        f"{_whole(dollars['with_upgrades'])} with them. Elsewhere: {elsewhere} (Fundraising Effectiveness Project; see assumptions).",
    )


def segments(rows: pd.DataFrame, last: int) -> Said:
    """Retention by segment: the one that fell beyond chance. `rows` is `segment_retention`."""
    fallen = rows[(rows["change_share"] < 0) & (rows["p_adjusted"] < 0.05)]
    title = "No segment fell below its own past beyond chance"
    if len(fallen):
        row = fallen.iloc[0]
        before, now = words.apart((row["usual_share"], row["share"]), words.share, digits=0)
        title = f"Retention of “{row['segment']}” donors fell from {before} to {now}"
    return _figure(title, f"Retention by segment, fiscal year {last} and the same segment's earlier years pooled", GIVEN)


def change(totals: Mapping[str, float], last: int) -> Said:
    """Growth in giving as steps. `totals` is `growth_in_giving`."""
    return _figure(
        f"Giving {'grew' if totals['net_usd'] > 0 else 'shrank'} by {words.money(abs(totals['net_usd']))}: "
        f"{words.money(totals['lost_per_100_gained'])} lost for every $100 gained",
        f"Cash giving of fiscal year {last - 1} to {last} by reason (FEP); the steps add up to the cent",
        GIVEN,
    )


def cohorts(rows: pd.DataFrame) -> Said:
    """New donors by years since: how many still gave after one year and after three, all cohorts pooled."""
    pooled = rows.groupby("years_since")[["giving_n", "donors_n"]].sum()
    share = pooled["giving_n"] / pooled["donors_n"]
    later = f", {_whole(share[3])} after three" if 3 in share.index else ""
    return _figure(
        f"{_whole(share[1])} of new donors gave again after one year{later}",
        "Share of each year's new donors who gave, by years since the first gift",
        GIVEN,
    )


def lapse(groups: pd.DataFrame) -> Said:
    """Who is still to give. `groups` is `lapse_summary`."""
    row = groups[groups["group"].str.contains("LYBUNT")].iloc[0]
    before = words.count(row["same_day_n"])
    return _table(f"{words.plural(row['donors_n'], 'donor')} of last year are still to give, {before} on the same day last year", GIVEN)


def rfm(ranked: pd.DataFrame) -> Said:
    """Donors by recency, frequency and money: those of high value who are away. `ranked` is `rfm_segments`."""
    away = ranked[ranked["segment"].isin(["At risk, high value", "Lost, high value"])]
    title = (
        f"{words.plural(away['donors_n'].sum(), 'donor')} of high value have not given lately; "
        f"they gave {words.money(away['amount_usd'].sum())} over the years"
    )
    return _figure(title, "Cash of all years by the donors' segment of recency, frequency and money (quintiles)", GIVEN)


# What they will do


def outlook(bands: pd.DataFrame, year: int) -> Said:
    """Giving expected by probability of still being a donor. `bands` is `outlook_bands`, the total last."""
    total = bands.iloc[-1]
    return _figure(
        f"{words.count(total['expected_gifts'])} of {words.plural(total['donors_n'], 'donor')} are expected to give in {year}, "
        f"{words.money(total['expected_usd'])}",
        f"Giving expected in fiscal year {year} by probability of still being a donor; donors whose first gift the ledger saw",
        GIVEN,
        labels={"band": "Probability of still being a donor"},
    )


def checked(check: pd.DataFrame, last: int) -> Said:
    """The models on the year that they had not seen. `check` is `model_check`."""
    row = check.iloc[0]
    caption = (
        f"Tried on {last}, which it had not seen: {words.count(row['expected_n'])} donors expected, {words.count(row['actual_n'])} gave; "
        f"“all who gave last year” would have said {words.count(row['naive_n'])}"
    )
    return _table(caption, GIVEN)


# What is in the pipe


def stages(rows: pd.DataFrame, yields: Mapping[str, float], days: Mapping[str, float], as_of: pd.Timestamp) -> Said:
    """The pipeline by stage; the note gives what closed proposals brought and how long a decision takes."""
    title = (
        f"{words.money(rows['weighted_usd'].sum())} weighted of {words.money(rows['ask_usd'].sum())} in the pipe; "
        f"{words.plural(rows['stalled_n'].sum(), 'proposal')} stalled"
    )
    note = "No proposal is closed yet."
    if yields["closed_n"]:
        note = f"Of closed proposals {_whole(yields['count_share'])} were funded, {_whole(yields['dollar_share'])} of the dollars asked"
        half = "; less than half of the asks are decided so far."
        if pd.notna(days["median_days"]):
            half = f"; half of the asks are decided within {words.count(days['median_days'])} days."
        note += half
    title = title if rows["proposals_n"].sum() else "No proposal is open"
    return _figure(title, f"Open proposals by stage on {as_of:%d %B %Y}, asks weighted by chance", PIPE, note=note)


def calibration(rows: pd.DataFrame, check: pd.DataFrame, since: pd.Timestamp) -> Said:
    """Chances of the stages against common practice; the note gives their Brier scores on proposals closed `since`."""
    title = "No proposal was closed yet: the chances are common practice"
    if rows["own_share"].notna().any():
        row = rows.loc[(rows["own_share"] - rows["default_share"]).abs().idxmax()]
        word = "more" if row["own_share"] > row["default_share"] else "less"
        title = (
            f"At {row['stage']}, own proposals are funded {word} often than common practice says: {_whole(row['own_share'])} "
            f"against {_whole(row['default_share'])}"
        )
    score, note = check.set_index("probabilities")["brier"], "Too few proposals closed lately to check the chances."
    if pd.notna(score["Own history"]):
        note = (
            f"Brier score on proposals closed since {_day(since)}, chances learnt from those before: "
            f"own history {score['Own history']:.3f}, common practice {score['Default']:.3f}, one rate for all "
            f"{score['One rate for all']:.3f} (lower is better)."
        )
    return _figure(title, "Share of proposals funded in the end, of all that ever stood in a stage", PIPE, note=note)


# What is owed, what it costs


def owed(paid: Mapping[str, float], open_usd: float, pledged: pd.DataFrame, set_aside: pd.DataFrame, as_of: pd.Timestamp) -> Said:
    """Pledge balance by age; the note gives write-offs, and payments of a table of their own that were not counted again."""
    note = ""
    if len(pledged):
        lost = pledged["written_off_usd"].sum()
        note = (
            f"Written off so far: {words.money(lost)}, {words.share(lost / pledged['amount_usd'].sum())} of all pledged. "
            "The allowance applies a rate to each age of balance."
        )
    rows = set_aside[set_aside["payments_n"] > 0] if len(set_aside) else set_aside
    aside = [
        f"{words.plural(row['payments_n'], 'payment')} of {words.money(row['amount_usd'])} {row['reason']}"
        for row in rows.to_dict("records")
    ]
    title = f"{words.money(paid['overdue_usd'])} of the {words.money(open_usd)} open is overdue"
    title += f"; {_whole(paid['share'])} of what fell due is paid" if pd.notna(paid["share"]) else ""
    return _figure(
        title if len(pledged) else "No pledge is on record",
        f"Open pledge balance by days past the scheduled date, {as_of:%d %B %Y}",
        PLEDGED,
        note=note + (f" Not counted again: {words.listing(aside)}." if aside else ""),
    )


def receivable(steps: pd.DataFrame) -> Said:
    """From face value to what the pledges are worth."""
    face, worth = words.apart((steps["amount_usd"].iloc[0], steps["amount_usd"].iloc[-1]), words.money)
    return _figure(
        f"The open balance of {face} is worth {worth} today",
        "Discounted at the rate fixed at each pledge's date, each instalment from its own due date",
        PLEDGED,
    )


def cost(rows: pd.DataFrame, last: int) -> Said:
    """Cost to raise a dollar by program: which ones are over their benchmark."""
    over, total = rows[rows["ctrd_usd"] > rows["benchmark_usd"]], rows.loc[rows["program"] == "All programs", "ctrd_usd"]
    tail = f"over benchmark: {words.listing(over['program'], most=3)}" if len(over) else "every program is within its benchmark"
    title = f"A dollar cost {words.money(total.iloc[0], digits=2)} to raise; {tail}" if len(total) else "No expense is recorded"
    return _figure(
        title,
        f"Expense per dollar of production by program, fiscal year {last}",
        ["gifts", "fundraising_expenses"],
    )


# Grants and needs


def burn(rows: pd.DataFrame, as_of: pd.Timestamp) -> Said:
    """Active awards: which ones are off pace."""
    off = {pace: int((rows["pace"] == pace).sum()) for pace in ("underspent", "overspent")}
    parts = words.listing(f"{words.count(number)} {pace}" for pace, number in off.items() if number)
    title = f"{words.count(sum(off.values()))} of {words.plural(len(rows), 'active award')} off pace: {parts}"
    if not parts:
        title = f"Spending is on pace: {words.plural(len(rows), 'active award')}" if len(rows) else "No award is active"
    return _figure(title, f"Active awards on {as_of:%d %B %Y}", ["grants"])


def grants(won: pd.DataFrame, recovered: Mapping[str, float], negotiated: float) -> Said:
    """Applications and awards; the note gives indirect cost recovered."""
    row = won.iloc[0]
    caption = "No application for a grant is decided yet"
    if row["decided_n"]:
        caption = (
            f"{words.count(row['awarded_n'])} of {words.count(row['decided_n'])} decided applications were awarded "
            f"({_whole(row['share'])}; interval {words.interval(row['share_low'], row['share_high'], _whole)})"
        )
    note = "Nothing is spent on awards yet."
    if pd.notna(recovered["share"]):
        note = (
            f"Indirect cost recovered: {words.share(recovered['share'])} of direct cost, against a negotiated {_whole(negotiated)}; "
            f"{words.money(recovered['forgone_usd'])} forgone on awards so far."
        )
    return _table(caption, ["grants"], labels={"share": "Success"}, note=note)


def reports_due(rows: pd.DataFrame, days: int) -> Said:
    """Reports to funders overdue or due soon."""
    late = int((rows["state"] == "overdue").sum())
    caption = (
        f"{words.plural(len(rows) - late, 'report')} to funders due within {days} days, {words.count(late) if late else 'none'} overdue"
    )
    return _table(caption if len(rows) else f"Reports to funders overdue or due within {days} days", ["grant_reports"])


def needs(rows: pd.DataFrame) -> Said:
    """Needs beside the designations that gifts can be made to."""
    caption = "No need is open"
    if len(rows):
        open_usd = (rows["gap_usd"] - rows["given_usd"]).clip(lower=0).sum()
        orphans = (rows["designation"] == "no designation yet").sum()
        tail = f"; {words.count(orphans)} of {words.plural(len(rows), 'need')} match no designation" if orphans else ""
        caption = f"{words.money(open_usd)} of costed needs has no gift behind it yet{tail}"
    return _table(caption, ["designations", "gifts", "standards_evidence", "decisions"], labels={"gap_usd": "Gap"})


# The internal page of donor actions


def _listed(caption: str, rows: pd.DataFrame, sources: Sequence[str], labels: Mapping[str, str] | None = None) -> Said:
    """A list of names, with what it leaves out in its caption."""
    n = rows.attrs["left_out"]
    left = f"; {words.plural(n, 'row')} left out because the household asked not to be contacted"
    return _table(caption + (left if n else ""), sources, labels=labels)


def waiting(rows: pd.DataFrame, year: int) -> Said:
    """Last year's donors still to give."""
    return _listed(f"LYBUNT, fiscal year {year} to date", rows, GIVEN, {"total_usd": "Given in all years"})


def stalled(rows: pd.DataFrame, days: int) -> Said:
    """Proposals that stand still."""
    return _listed(f"In one stage for more than {days} days with no move ahead", rows, [*PIPE, "prospects", "donors"])


def portfolios(low: float, high: float) -> Said:
    """Load of the gift officers."""
    return _table(
        f"Portfolios, against {low} to {high} prospects for a full-time officer",
        ["prospects", "proposals"],
        labels={"prospects_n": "Prospects"},
    )


def overdue(rows: pd.DataFrame) -> Said:
    """Pledges past due."""
    return _listed("Pledges with an overdue instalment", rows, [*PLEDGED, "donors"])
