"""What the philanthropy page shows of the office's work: progress to goal, pipeline, pledges owed, cost, grants and needs.

One function per exhibit; each protects its frame and computes title, note and claims from the rows that are shown. `year` is the fiscal
year under way, `last` the last whole one, `as_of` the day through which the ledger is read. No donor is named; those who give stand in
`donor_exhibits`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report

from . import grants
from .development import Books

PLEDGED, PIPE = ["pledges", "pledge_instalments", "gifts"], ["proposals", "proposal_stages"]


def exhibit(key: str, shown: pd.DataFrame, title: str, *, claims: Iterable[Claim] = (), **more: Any) -> Exhibit:
    """An exhibit of this room; what is said to be missing needs no proof."""
    return Exhibit(key, shown, title, claims=[each for each in claims if words.MISSING not in each.said], room="philanthropy", **more)


def capitalized(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with the texts of columns beginning with a capital, as the labels of a drawing do."""
    return frame.assign(**{column: [f"{text[:1].upper()}{text[1:]}" for text in frame[column].astype(str)] for column in columns})


def whole(value: float) -> str:
    """A share in whole percent."""
    return words.share(value, digits=0)


# On goal


def raised(report: Report, totals: pd.DataFrame, to_date: pd.Series, as_of: pd.Timestamp, policy: str) -> Exhibit:
    """Cash and production by year: cash against the same day last year. `to_date` is a row of `year_to_date`."""
    shown = report.protect(totals, sources=["gifts"])
    year, change = int(to_date["fiscal_year"]), to_date["change_share"]
    now = shown[(shown["fiscal_year"] == year) & (shown["basis"] == "Cash")]
    cash, moved = words.money(now["amount_usd"].sum()), whole(abs(change))
    claims = [Claim(cash, "amount_usd", f"fiscal_year == {year} and basis == 'Cash'", "sum")]
    title = f"Cash to date is {cash}, level with the same day last year"
    if pd.isna(change):
        title = f"Cash to date is {cash}; nothing had come by the same day last year"
    elif abs(change) > 0.005:
        title = f"Cash to date is {cash}, {moved} {'ahead of' if change > 0 else 'behind'} the same day last year"
        claims.append(Claim(moved, how="given", value=abs(change), basis="cash by the same day last year"))
    return exhibit(
        "cash-and-production", shown, title, claims=claims, sources=["gifts"], note=policy,
        subtitle=f"Cash and production by fiscal year, {year} through {as_of:%d %B %Y}",
    )  # fmt: skip


def programs(report: Report, rows: pd.DataFrame, year: int) -> Exhibit:
    """Cash by program to date: the one that moved most. `rows` is `to_date_by`, of which cash is drawn."""
    sources = ["gifts", "fundraising_goals"]
    shown = report.protect(capitalized(rows, "program"), sources=sources)
    drawn = shown[(shown["basis"] == "Cash") & shown["change_usd"].notna()]
    title, claims = "No cash is recorded for any program", []
    if len(drawn):
        row = drawn.loc[drawn["change_usd"].abs().idxmax()]
        name, more, moved = row["program"], row["change_usd"] > 0, words.money(abs(row["change_usd"]))
        title = f"{name} moved most: {moved} {'more' if more else 'less'} than by the same day last year"
        claims = [
            Claim(name, "program", "basis == 'Cash'", "largest" if more else "smallest", by="change_usd"),
            Claim(moved, "change_usd", f"basis == 'Cash' and program == {name!r}"),
        ]
    return exhibit(
        "cash-by-program", shown, title, claims=claims, sources=sources,
        subtitle=f"Cash by program, fiscal year {year} and {year - 1} to the same day; production stands in the table",
    )  # fmt: skip


def purposes(report: Report, rows: pd.DataFrame, year: int) -> Exhibit:
    """Cash and production by designation to date. `rows` is `designations.to_date`."""
    sources = ["gifts", "fundraising_goals", "designations"]
    shown = report.protect(rows, sources=sources)
    return exhibit(
        "by-designation", shown, f"Cash and production by designation, fiscal year {year} to date", sources=sources, most=14
    )  # fmt: skip


def year_end(report: Report, ahead: pd.DataFrame, tested: pd.DataFrame, goal_usd: float, *, year: int, level: float) -> Exhibit:
    """The year's forecast by part; the note says what the same forecast would have said in past years."""
    sources = ["gifts", "pledge_instalments"]
    shown = report.protect(ahead, sources=sources)
    total, target = words.apart((shown.iloc[-1]["total_usd"], goal_usd), words.money)
    claims = [Claim(total, "total_usd", how="last")]
    goal = "; no goal is set"
    if goal_usd > 0:
        goal = f", against a goal of {target}"
        claims.append(Claim(target, how="given", value=goal_usd, basis="the year's cash goal"))
    return exhibit(
        "year-end", shown, f"The year is forecast to end at {total}{goal}", claims=claims, sources=sources, note=_missed(tested),
        subtitle=f"Cash of fiscal year {year} by part: expected total and {100 * level:.0f} % prediction interval",
    )  # fmt: skip


def _missed(tested: pd.DataFrame) -> str:
    if tested.empty:
        return "Too few whole years to check the forecast on."
    error, naive = tested["error_share"].abs().mean(), tested["naive_error_share"].abs().mean()
    return (
        f"Made on the same day of {words.plural(len(tested), 'past year')}, this forecast missed the year's total by {whole(error)} "
        f"on average (last year's total: {whole(naive)}); {words.count(tested['inside'].sum())} of {len(tested)} totals fell inside "
        "the interval."
    )


def campaign(report: Report, progress: pd.DataFrame, as_of: pd.Timestamp, *, level: float) -> Exhibit:
    """The campaign against its time; the note gives the first campaign's run rate, gap and counting policy."""
    sources = ["gifts", "campaigns"]
    shown = report.protect(progress.drop(columns=["partner", "campaign_id"], errors="ignore"), sources=sources)
    title, note, claims = "No campaign is running", "", []
    if len(shown):
        row = shown.iloc[0]
        reached, gone = whole(row["goal_share"]), whole(row["time_share"])
        slow = row["gap_usd"] > 0 and row["recent_rate_usd_month"] < 0.9 * row["needed_rate_usd_month"]
        title = f"“{row['campaign']}” has {reached} of its goal with {gone} of its time gone"
        title += "; of late too slow to make it" if slow else ""
        claims = [Claim(reached, "goal_share", how="first"), Claim(gone, "time_share", how="first")]
        note = _pace(row)
    return exhibit(
        "campaign", shown, title, claims=claims, sources=sources,
        note=f"{note}Counted as production: pledges at face value, payments on them not again.",
        subtitle=f"Share of the campaign goal through {as_of:%d %B %Y}, with the end forecast at the campaign's own pace "
        f"({100 * level:.0f} % interval)",
    )  # fmt: skip


def _pace(row: pd.Series) -> str:
    if not row["gap_usd"] > 0:
        return "The goal is reached. "
    if pd.isna(row["needed_rate_usd_month"]):
        return f"Gap {words.money(row['gap_usd'])}; its time is over. "
    return (
        f"Gap {words.money(row['gap_usd'])}: it takes {words.money(row['needed_rate_usd_month'])} a month from here, against "
        f"{words.money(row['rate_usd_month'])} so far and {words.money(row['recent_rate_usd_month'])} over the last twelve months. "
    )


def gift_range(report: Report, chart: pd.DataFrame) -> Exhibit:
    """The gift-range chart: where prospects are missing. `chart` is `pyramid.campaign_chart`."""
    sources = ["gifts", "campaigns", "prospects"]
    shown = report.protect(chart, sources=sources)
    short, spare = shown[shown["gap_n"] > 0], -shown["gap_n"].clip(upper=0).sum()
    title, claims = "Gift-range chart" + (": rated prospects enough for every tier of major gifts" if len(shown) else " of a campaign"), []
    if len(short):
        worst, missing = short.loc[short["gap_n"].idxmax(), "tier"], words.plural(short["gap_n"].sum(), "prospect")
        title = f"Gift-range chart: {missing} missing, most in the tier {worst}"
        claims = [Claim(missing, "gap_n", "gap_n > 0", "sum"), Claim(worst, "tier", "gap_n > 0", "largest", by="gap_n")]
        if spare:
            extra = f"{words.count(spare)} to spare in others"
            title += f"; {extra}"
            claims.append(Claim(extra, "gap_n", "gap_n < 0", "sum"))
    note = (
        "A prospect stands in the highest tier that its rating reaches; one to spare there (below zero: more at hand than needed) can be "
        "asked for less. Smaller gifts come from the annual program, not from rated prospects."
    )
    rated = ["gifts_n", "still_n", "needed_n", "available_n", "gap_n"]
    return exhibit("gift-range", shown, title, claims=claims, sources=sources, note=note, inapplicable=rated)


# What is in the pipe


def stages(
    report: Report, rows: pd.DataFrame, yields: Mapping[str, float], days: Mapping[str, float], as_of: pd.Timestamp
) -> Exhibit:  # fmt: skip
    """The pipeline by stage; the note gives what closed proposals brought and how long a decision takes."""
    shown = report.protect(capitalized(rows, "stage"), sources=PIPE)
    weighted, asked = words.money(shown["weighted_usd"].sum()), words.money(shown["ask_usd"].sum())
    still = f"{words.plural(shown['stalled_n'].sum(), 'proposal')} stalled"
    claims = [Claim(weighted, "weighted_usd", how="sum"), Claim(asked, "ask_usd", how="sum"), Claim(still, "stalled_n", how="sum")]
    some = shown["proposals_n"].sum() > 0
    note = "No proposal is closed yet."
    if yields["closed_n"]:
        note = f"Of closed proposals {whole(yields['count_share'])} were funded, {whole(yields['dollar_share'])} of the dollars asked"
        half = "; less than half of the asks are decided so far."
        if pd.notna(days["median_days"]):
            half = f"; half of the asks are decided within {words.count(days['median_days'])} days."
        note += half
    return exhibit(
        "pipeline", shown, f"{weighted} weighted of {asked} in the pipe; {still}" if some else "No proposal is open",
        claims=claims if some else (), sources=PIPE, note=note,
        subtitle=f"Open proposals by stage on {as_of:%d %B %Y}, asks weighted by chance",
    )  # fmt: skip


def calibration(report: Report, rows: pd.DataFrame, check: pd.DataFrame, since: pd.Timestamp) -> Exhibit:
    """Chances of the stages against common practice; the note gives their Brier scores on proposals closed `since`."""
    shown = report.protect(rows, sources=PIPE)
    title, claims = "No proposal was closed yet: the chances are common practice", []
    if shown["own_share"].notna().any():
        row = shown.loc[(shown["own_share"] - shown["default_share"]).abs().idxmax()]
        own, usual, where = whole(row["own_share"]), whole(row["default_share"]), f"stage == {row['stage']!r}"
        word = "more" if row["own_share"] > row["default_share"] else "less"
        title = f"At {row['stage']}, own proposals are funded {word} often than common practice says: {own} against {usual}"
        claims = [Claim(own, "own_share", where), Claim(usual, "default_share", where)]
    score, note = check.set_index("probabilities")["brier"], "Too few proposals closed lately to check the chances."
    if pd.notna(score["Own history"]):
        note = (
            f"Brier score on proposals closed since {since.day} {since:%B %Y}, chances learnt from those before: "
            f"own history {score['Own history']:.3f}, common practice {score['Default']:.3f}, one rate for all "
            f"{score['One rate for all']:.3f} (lower is better)."
        )
    subtitle = "Share of proposals funded in the end, of all that ever stood in a stage"
    return exhibit("stage-chances", shown, title, claims=claims, subtitle=subtitle, sources=PIPE, note=note)


# What is owed, what it costs


def owed(report: Report, aged: pd.DataFrame, paid: Mapping[str, float], books: Books) -> Exhibit:
    """Pledge balance by age; the note gives write-offs, what has no schedule, and payments of a table of their own that were not
    counted again.

    `aged` is `pledges.allowance`, `paid` `pledges.fulfilment`.
    """
    shown = report.protect(aged, sources=PLEDGED)
    late = "bucket != 'Not yet due'"
    overdue, total = words.money(shown.query(late, engine="python")["open_usd"].sum()), words.money(shown["open_usd"].sum())
    title, claims = (
        f"{overdue} of the {total} open is overdue",
        [Claim(overdue, "open_usd", late, "sum"), Claim(total, "open_usd", how="sum")],
    )
    if pd.notna(paid["share"]):
        title += f"; {whole(paid['share'])} of what fell due is paid"
        claims.append(Claim(whole(paid["share"]), how="given", value=paid["share"], basis="instalments that fell due"))
    pledged, bare = books.pledged, books.unscheduled_usd
    if pledged.empty:
        title, claims = "No pledge is on record", []
        if bare:
            title = f"{words.money(bare)} is open on pledges without a schedule"
            claims = [Claim(words.money(bare), how="given", value=bare, basis="pledges of the ledger that no schedule has")]
    return exhibit(
        "pledges-owed", shown, title, claims=claims, sources=PLEDGED, note=_beside_the_balance(pledged, bare, books.set_aside),
        subtitle=f"Open pledge balance by days past the scheduled date, {books.as_of:%d %B %Y}",
    )  # fmt: skip


def _beside_the_balance(pledged: pd.DataFrame, unscheduled_usd: float, set_aside: pd.DataFrame) -> str:
    notes = []
    if len(pledged):
        lost = pledged["written_off_usd"].sum()
        notes.append(
            f"Written off so far: {words.money(lost)}, {words.share(lost / pledged['amount_usd'].sum())} of all pledged. "
            "The allowance applies a rate to each age of balance."
        )
    if unscheduled_usd:
        notes.append(f"Open on pledges without a schedule, so not aged here: {words.money(unscheduled_usd)}.")
    rows = set_aside[set_aside["payments_n"] > 0] if len(set_aside) else set_aside
    aside = [
        f"{words.plural(row['payments_n'], 'payment')} of {words.money(row['amount_usd'])} {row['reason']}"
        for row in rows.to_dict("records")
    ]
    return " ".join(notes + ([f"Not counted again: {words.listing(aside)}."] if aside else []))


def adds_up(report: Report, parts: pd.DataFrame) -> Exhibit:
    """How the ledger adds up. `parts` is `ledger.reconciliation`, without the parts that are nothing."""
    sources = ["gifts", "pledges"]
    told = parts[(parts["amount_usd"] != 0) | parts["part"].isin(["Cash", "Given and promised"])]
    shown = report.protect(told.reset_index(drop=True), sources=sources)
    total = words.money(shown["amount_usd"].iloc[-1])
    return exhibit(
        "ledger", shown, f"The ledger of all years adds up to {total} given and promised", sources=sources,
        claims=[Claim(total, "amount_usd", how="last")], emphasize="Given and promised",
        note="A payment on a pledge is cash and lowers what is open; a gift in kind is neither. The parts add up to the cent.",
    )  # fmt: skip


def receivable(report: Report, steps: pd.DataFrame) -> Exhibit:
    """From face value to what the pledges are worth."""
    shown = report.protect(steps, sources=PLEDGED)
    face, worth = words.apart((shown["amount_usd"].iloc[0], shown["amount_usd"].iloc[-1]), words.money)
    return exhibit(
        "receivable", shown, f"The open balance of {face} is worth {worth} today", sources=PLEDGED,
        claims=[Claim(face, "amount_usd", how="first"), Claim(worth, "amount_usd", how="last")],
        subtitle="Discounted at the rate fixed at each pledge's date, each instalment from its own due date",
    )  # fmt: skip


def cost(report: Report, rows: pd.DataFrame, last: int) -> Exhibit:
    """Cost to raise a dollar by program: which ones are over their benchmark. `rows` is `raised.against_benchmark`."""
    sources, most = ["gifts", "fundraising_expenses"], 3
    shown = report.protect(capitalized(rows, "program"), sources=sources)
    over, total = shown[shown["ctrd_usd"] > shown["benchmark_usd"]], shown.loc[shown["program"] == "All programs", "ctrd_usd"]
    title, claims = "No expense is recorded", []
    if len(total):
        dollar = words.money(total.iloc[0], digits=2)
        tail = f"over benchmark: {words.listing(over['program'], most=most)}" if len(over) else "every program is within its benchmark"
        title = f"A dollar cost {dollar} to raise; {tail}"
        claims = [Claim(dollar, "ctrd_usd", "program == 'All programs'")]
        if len(over) > most:
            rest = words.plural(len(over) - most, "other")
            claims.append(Claim(rest, how="given", value=len(over) - most, basis="programs over benchmark beyond those named"))
    subtitle = f"Expense per dollar of production by program, fiscal year {last}"
    return exhibit("cost", shown, title, claims=claims, subtitle=subtitle, sources=sources)


# Grants and needs


def burn(report: Report, rows: pd.DataFrame, as_of: pd.Timestamp) -> Exhibit:
    """Active awards: which ones are off pace. `rows` is `grants.burn`."""
    shown = report.protect(rows[list(grants.SHOWN)], sources=["grants"])
    off = {pace: int((shown["pace"] == pace).sum()) for pace in ("underspent", "overspent")}
    parts = [f"{words.count(number)} {pace}" for pace, number in off.items() if number]
    active, slow = words.plural(len(shown), "active award"), f"{words.count(sum(off.values()))} of"
    title, claims = "No award is active", []
    if parts:
        title = f"{slow} {active} off pace: {words.listing(parts)}"
        claims = [Claim(slow, rows="pace != 'on pace'", how="count"), Claim(active, how="count")]
        claims += [Claim(part, rows=f"pace == {part.split()[-1]!r}", how="count") for part in parts]
    elif len(shown):
        title, claims = f"Spending is on pace: {active}", [Claim(active, how="count")]
    return exhibit("grant-burn", shown, title, claims=claims, subtitle=f"Active awards on {as_of:%d %B %Y}", sources=["grants"])


def won(report: Report, rows: pd.DataFrame, recovered: Mapping[str, float], negotiated: float) -> Exhibit:
    """Applications and awards; the note gives indirect cost recovered. `rows` is `grants.success`."""
    shown = report.protect(rows, sources=["grants"])
    row = shown.iloc[0]
    title, claims = "No application for a grant is decided yet", []
    if row["decided_n"]:
        between = words.interval(row["share_low"], row["share_high"], whole)
        awarded, decided = f"{words.count(row['awarded_n'])} of", f"{words.count(row['decided_n'])} decided"
        title = f"{awarded} {decided} applications were awarded ({whole(row['share'])}; interval {between})"
        claims = [
            Claim(awarded, "awarded_n"), Claim(decided, "decided_n"), Claim(whole(row["share"]), "share"),
            Claim(between, how="given", value=100 * row["share_low"], basis="Wilson interval of the share, in percent"),
        ]  # fmt: skip
    note = "Nothing is spent on awards yet."
    if pd.notna(recovered["share"]):
        note = (
            f"Indirect cost recovered: {words.share(recovered['share'])} of direct cost, against a negotiated {whole(negotiated)}; "
            f"{words.money(recovered['forgone_usd'])} forgone on awards so far."
        )
    return exhibit("grant-success", shown, title, claims=claims, sources=["grants"], labels={"share": "Success"}, note=note)


def reports_due(report: Report, rows: pd.DataFrame, days: int) -> Exhibit:
    """Reports to funders overdue or due soon. `rows` is `grants.reports_due`."""
    shown = report.protect(rows[list(grants.DUE)], sources=["grant_reports"])
    late = int((shown["state"] == "overdue").sum())
    soon, within = words.plural(len(shown) - late, "report"), f"within {days} days"
    title, claims = f"Reports to funders overdue or due {within}", [Claim(within, how="given", value=days, basis="settings")]
    if len(shown):
        overdue = f"{words.count(late) if late else 'none'} overdue"
        title = f"{soon} to funders due {within}, {overdue}"
        claims += [Claim(soon, rows="state != 'overdue'", how="count")]
        claims += [Claim(overdue, rows="state == 'overdue'", how="count")] if late else []
    return exhibit("grant-reports-due", shown, title, claims=claims, sources=["grant_reports"])


def needs(report: Report, rows: pd.DataFrame) -> Exhibit:
    """Needs beside the designations that gifts can be made to. `rows` is `designations.matched_needs`."""
    sources = ["designations", "gifts", "standards_evidence", "decisions"]
    shown = report.protect(rows, sources=sources)
    title, claims = "No need is open", []
    if len(shown):
        open_usd = (shown["gap_usd"] - shown["given_usd"]).clip(lower=0).sum()
        orphans = int((shown["designation"] == "no designation yet").sum())
        title = f"{words.money(open_usd)} of costed needs has no gift behind it yet"
        claims = [Claim(words.money(open_usd), how="given", value=open_usd, basis="gaps less gifts of the rows shown, none below zero")]
        if orphans:
            every, alone = words.plural(len(shown), "need"), f"{words.count(orphans)} of"
            title += f"; {alone} {every} match no designation"
            claims += [Claim(alone, rows="designation == 'no designation yet'", how="count"), Claim(every, how="count")]
    return exhibit("needs", shown, title, claims=claims, sources=sources, labels={"gap_usd": "Gap"})
