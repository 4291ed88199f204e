"""Titles and notes of the philanthropy exhibits, computed from the frames that they head; and the headings of their columns."""

from collections.abc import Mapping

import pandas as pd

from catchment import words

LABELS = {
    "fiscal_year": "Fiscal year", "year": "Fiscal year", "basis": "Basis", "amount_usd": "Amount", "gifts_n": "Gifts", "program": "Program", "designation": "Designation", "ytd_usd": "This year to date",
    "same_day_usd": "Same day last year", "last_year_usd": "Last year in full", "goal_usd": "Goal", "goal_share": "Of goal", "to_go_usd": "To go", "change_usd": "Change", "change_share": "Change relative",
    "part": "Part", "so_far_usd": "So far", "rest_usd": "Rest of year expected", "total_usd": "Total expected", "total_usd_low": "Low", "total_usd_high": "High",
    "campaign": "Campaign", "start_date": "First day", "end_date": "Last day", "raised_usd": "Raised", "time_share": "Time gone", "gap_usd": "Gap to goal", "rate_usd_month": "A month so far",
    "recent_rate_usd_month": "A month, last 12 months", "needed_rate_usd_month": "A month needed", "projected_usd": "At the end at the rate so far", "ahead_usd": "Ahead of time",
    "band": "Size of giving", "donors_n": "Donors", "donors_share": "Of donors", "amount_share": "Of amount", "measure": "Donors counted", "level": "Tier", "gift_usd": "Gift", "tier_usd": "Tier total",
    "cumulative_usd": "Running total", "cumulative_share": "Running, of goal", "prospects_n": "Prospects per chart", "received_n": "Gifts in", "still_n": "Gifts still needed", "needed_n": "Prospects needed", "available_n": "Prospects at hand", "gap_n": "Missing prospects",
    "group": "Donors", "donors_before_n": "Donors the year before", "retained_n": "Gave again", "share": "Retention", "share_low": "Low", "share_high": "High", "dimension": "Looked at by", "segment": "Segment", "usual_share": "Retention before",
    "usual_before_n": "Donors before, pooled", "usual_retained_n": "Gave again, pooled", "p_value": "p value", "p_adjusted": "p adjusted", "lost_usd": "Gave the year before, now gone", "missing_n": "Donors missing against the past",
    "category": "Reason", "kind": "Kind", "step": "Step", "cohort": "First gift in", "years_since": "Years since", "giving_n": "Still giving", "same_day_n": "Same day last year, donors",
    "frequency": "Giving years after the first", "expected_n": "Expected to give", "actual_n": "Gave", "naive_n": "As last year", "expected_usd": "Expected", "actual_usd": "Came", "p_alive_share": "Probability alive",
    "stage": "Stage", "proposals_n": "Proposals", "ask_usd": "Asked or planned", "median_age_days": "Median days in stage", "stalled_n": "Stalled", "stalled_usd": "Stalled amount", "probability_share": "Chance used", "weighted_usd": "Weighted",
    "closed_n": "Closed proposals", "funded_n": "Funded", "own_share": "Own history", "default_share": "Common practice", "officer": "Officer", "open_n": "Open proposals", "load": "Portfolio",
    "bucket": "Age", "instalments_n": "Instalments", "pledges_n": "Pledges", "open_usd": "Open balance", "open_share": "Of balance", "rate_share": "Allowance rate", "allowance_usd": "Allowance",
    "expense_usd": "Expense", "net_usd": "Net", "roi": "Return per dollar", "ctrd_usd": "Cost to raise a dollar", "benchmark_usd": "Benchmark", "fte": "Staff", "net_per_fte_usd": "Net per staff member",
    "submitted_n": "Submitted", "decided_n": "Decided", "awarded_n": "Awarded", "requested_usd": "Requested", "awarded_usd": "Awarded amount", "dollar_share": "Of dollars", "spent_share": "Spent", "period_share": "Period gone", "pace": "Pace",
    "grant_id": "Grant", "report": "Report", "due_date": "Due", "due_in_days": "Due in", "state": "State", "spent_usd": "Spent", "hard_usd": "Hard credit", "soft_usd": "Soft credit, not added",
    "tier": "Tier", "origin": "From", "before_usd": "Year before", "median_recency_days": "Median days since last gift", "expected_gifts": "Expected to give", "model": "Model", "counted": "Counted", "error_share": "Error", "naive_error_share": "Error of last year's figure",
    "name": "Donor", "last_usd": "Gave last year", "years_n": "Years of giving", "last_gift": "Last gift", "age_days": "Days in stage", "next_move_date": "Next move", "pledge_id": "Pledge", "overdue_usd": "Overdue", "oldest_days": "Oldest",
    "probabilities": "Chances", "forecasts_n": "Forecasts", "brier": "Brier score", "need": "Need", "source": "From", "theme": "Subject", "given_usd": "Given to date", "covered_share": "Covered",
}  # fmt: skip


def raised(to_date: pd.Series) -> str:
    change = to_date["change_share"]
    word = "ahead of" if change > 0.005 else "behind" if change < -0.005 else "level with"
    by = "" if word == "level with" else f" {words.share(abs(change), digits=0)}"
    return f"Cash to date is {words.money(to_date['ytd_usd'])},{by} {word} the same day last year"


def moved(frame: pd.DataFrame, label: str) -> str:
    """The row that moved most against the same day last year."""
    row = frame.loc[frame["change_usd"].abs().idxmax()]
    return f"{str(row[label]).capitalize()} moved most: {words.money(abs(row['change_usd']))} {'more' if row['change_usd'] > 0 else 'less'} than by the same day last year"


def forecast(ahead: pd.DataFrame, goal_usd: float) -> str:
    total = ahead.iloc[-1]
    return f"The year is forecast to end at {words.money(total['total_usd'])}, against a goal of {words.money(goal_usd)}"


def tested(rows: pd.DataFrame) -> str:
    """What the same forecast would have said in past years."""
    if rows.empty:
        return "Too few whole years to check the forecast on."
    error, naive = rows["error_share"].abs().mean(), rows["naive_error_share"].abs().mean()
    return (
        f"Made on the same day of {words.plural(len(rows), 'past year')}, this forecast missed the year's total by {words.share(error, digits=0)} on average (last year's total: {words.share(naive, digits=0)}); "
        f"{words.count(rows['inside'].sum())} of {len(rows)} totals fell inside the interval."
    )


def campaign(progress: pd.DataFrame) -> str:
    if progress.empty:
        return "No campaign is running"
    row = progress.iloc[0]
    return f"“{row['campaign']}” has {words.share(row['goal_share'], digits=0)} of its goal with {words.share(row['time_share'], digits=0)} of its time gone"


def pyramid(bands: pd.DataFrame) -> str:
    """The fewest bands from the top that hold half of the cash."""
    held = bands.loc[: (bands["amount_share"].cumsum() >= 0.5).idxmax()]
    return f"{words.plural(held['donors_n'].sum(), 'donor')} of {words.money(held['low_usd'].iloc[-1])} or more gave {words.share(held['amount_share'].sum(), digits=0)} of the cash"


def concentration(shares: pd.DataFrame, gini: float) -> str:
    row = shares.set_index("measure").loc["Top 10 % of donors"]
    return f"The top 10 % of donors, {words.count(row['donors_n'])}, gave {words.share(row['amount_share'], digits=0)} of the cash (Gini {gini:.2f})"


def gift_range(chart: pd.DataFrame) -> str:
    short = chart[chart["gap_n"] > 0]
    if short.empty:
        return "There are rated prospects enough for every tier of major gifts"
    return f"Gift-range chart: {words.plural(short['gap_n'].sum(), 'prospect')} more needed, most in the tier {short.loc[short['gap_n'].idxmax(), 'tier']}"


def retention(trend: pd.DataFrame) -> str:
    last = trend[trend["year"] == trend["year"].max()].set_index("group")["share"]
    return f"{words.share(last['overall'], digits=0)} of donors gave again: {words.share(last['first-time'], digits=0)} of first-time, {words.share(last['repeat'], digits=0)} of repeat donors"


def lapse(groups: pd.DataFrame) -> str:
    rows = groups.set_index("group")
    row = next(row for name, row in rows.iterrows() if "LYBUNT" in name)
    return f"{words.plural(row['donors_n'], 'donor')} of last year are still to give, {words.count(row['same_day_n'])} on the same day last year"


def segments(rows: pd.DataFrame) -> str:
    fallen = rows[(rows["change_share"] < 0) & (rows["p_adjusted"] < 0.05)]
    if fallen.empty:
        return "No segment fell below its own past beyond chance"
    row = fallen.iloc[0]
    return f"{str(row['segment']).capitalize()} donors fell from {words.share(row['usual_share'], digits=0)} to {words.share(row['share'], digits=0)}"


def change(totals: Mapping[str, float]) -> str:
    grew = "grew" if totals["net_usd"] > 0 else "shrank"
    return (
        f"Giving {grew} by {words.money(abs(totals['net_usd']))}: {words.money(totals['lost_per_100_gained'])} lost for every $100 gained"
    )


def rfm(scored: pd.DataFrame) -> str:
    waiting = scored[scored["segment"].isin(["At risk, high value", "Lost, high value"])]
    return f"{words.plural(len(waiting), 'donor')} of high value have not given lately; they gave {words.money(waiting['amount_usd'].sum())} over the years"


def outlook(bands: pd.DataFrame, year: int) -> str:
    total = bands.iloc[-1]
    return f"{words.count(total['expected_gifts'])} of {words.plural(total['donors_n'], 'donor')} are expected to give in {year}, {words.money(total['expected_usd'])}"


def checked(check: pd.DataFrame, year: int) -> str:
    row = check.iloc[0]
    return f"Held out, {year}: {words.count(row['expected_n'])} donors expected, {words.count(row['actual_n'])} gave; last year's givers would have said {words.count(row['naive_n'])}"


def cohorts(rows: pd.DataFrame) -> str:
    """How many of the new donors still gave one and three years on, all cohorts pooled."""
    pooled = rows.groupby("years_since")[["giving_n", "donors_n"]].sum()
    share = pooled["giving_n"] / pooled["donors_n"]
    later = f", {words.share(share[3], digits=0)} after three" if 3 in share.index else ""
    return f"{words.share(share[1], digits=0)} of new donors gave again after one year{later}"


def cycle(yields: Mapping[str, float], days: Mapping[str, float]) -> str:
    return f"Of closed proposals {words.share(yields['count_share'], digits=0)} were funded, {words.share(yields['dollar_share'], digits=0)} of the dollars asked; half of the asks are decided within {words.count(days['median_days'])} days."


def brier(check: pd.DataFrame, since: pd.Timestamp) -> str:
    rows = check.set_index("probabilities")["brier"]
    if pd.isna(rows["Own history"]):
        return "Too few proposals closed lately to check the chances."
    return f"Brier score on proposals closed since {since.day} {since:%B %Y}, chances learnt from those before: own history {rows['Own history']:.3f}, common practice {rows['Default']:.3f}, one rate for all {rows['One rate for all']:.3f} (lower is better)."


def indirect(recovered: Mapping[str, float], negotiated: float) -> str:
    return f"Indirect cost recovered: {words.share(recovered['share'])} of direct cost, against a negotiated {words.share(negotiated, digits=0)}; {words.money(recovered['forgone_usd'])} forgone on awards so far."


def due(rows: pd.DataFrame, days: int) -> str:
    if rows.empty:
        return f"No report to funders is overdue or due within {days} days"
    late = (rows["state"] == "overdue").sum()
    return f"{words.plural(len(rows), 'report')} to funders overdue or due within {days} days, {words.count(late)} of them overdue"


def stages(rows: pd.DataFrame) -> str:
    stalled = rows["stalled_n"].sum()
    return f"{words.money(rows['weighted_usd'].sum())} weighted of {words.money(rows['ask_usd'].sum())} in the pipe; {words.plural(stalled, 'proposal')} stalled"


def calibration(rows: pd.DataFrame) -> str:
    if rows["own_share"].isna().all():
        return "No proposal was closed yet: the chances are common practice"
    row = rows.loc[(rows["own_share"] - rows["default_share"]).abs().idxmax()]
    word = "more" if row["own_share"] > row["default_share"] else "less"
    return f"At {row['stage']}, own proposals are funded {word} often than common practice says: {words.share(row['own_share'], digits=0)} against {words.share(row['default_share'], digits=0)}"


def owed(paid: Mapping[str, float], open_usd: float) -> str:
    return f"{words.money(paid['overdue_usd'])} of the {words.money(open_usd)} open is overdue; {words.share(paid['share'], digits=0)} of what fell due is paid"


def receivable(steps: pd.DataFrame) -> str:
    return f"The open balance of {words.money(steps['amount_usd'].iloc[0])} is worth {words.money(steps['amount_usd'].iloc[-1])} today"


def cost(rows: pd.DataFrame) -> str:
    over = rows[rows["ctrd_usd"] > rows["benchmark_usd"]]
    total = rows[rows["program"] == "All programs"].iloc[0]
    tail = f"; over benchmark: {words.listing(over['program'], most=3)}" if len(over) else "; every program is within its benchmark"
    return f"A dollar cost {words.money(total['ctrd_usd'], digits=2)} to raise{tail}"


def grants(row: pd.Series) -> str:
    return f"{words.count(row['awarded_n'])} of {words.count(row['decided_n'])} decided applications were awarded ({words.share(row['share'], digits=0)}; interval {words.interval(row['share_low'], row['share_high'], lambda value: words.share(value, digits=0))})"


def burn(rows: pd.DataFrame) -> str:
    off = rows[rows["pace"] != "on pace"]
    return f"{words.count(len(off))} of {words.plural(len(rows), 'active award')} off pace: {words.count((off['pace'] == 'underspent').sum())} underspent, {words.count((off['pace'] == 'overspent').sum())} overspent"


def needs(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "No need is open"
    open_usd = (rows["gap_usd"] - rows["given_usd"]).clip(lower=0).sum()
    orphans = (rows["designation"] == "no designation yet").sum()
    tail = f"; {words.count(orphans)} of {words.plural(len(rows), 'need')} match no designation" if orphans else ""
    return f"{words.money(open_usd)} of costed needs has no gift behind it yet{tail}"


def rates(progress: pd.DataFrame) -> str:
    """Run rate and gap of the first campaign in a sentence."""
    if progress.empty:
        return ""
    row = progress.iloc[0]
    if not row["gap_usd"] > 0:
        return "The goal is reached. Counted as production: pledges at face value, payments on them not again."
    return (
        f"Gap {words.money(row['gap_usd'])}: it takes {words.money(row['needed_rate_usd_month'])} a month from here, against {words.money(row['rate_usd_month'])} so far and {words.money(row['recent_rate_usd_month'])} over the last twelve months. "
        "Counted as production: pledges at face value, payments on them not again."
    )


def dollars(kept: Mapping[str, float], benchmark: Mapping[str, float]) -> str:
    return (
        f"Of last year's dollars {words.share(kept['without_upgrades'], digits=0)} came back from the same donors without counting upgrades, {words.share(kept['with_upgrades'], digits=0)} with them. "
        f"Elsewhere: {words.listing(f'{group} {words.share(value, digits=0)}' for group, value in benchmark.items())} (Fundraising Effectiveness Project; see assumptions)."
    )


def set_aside(payments: pd.DataFrame) -> str:
    """Payments of a table of their own that were not joined in, by reason; nothing when there are none."""
    rows = payments[payments["payments_n"] > 0] if len(payments) else payments
    parts = [
        f"{words.plural(row['payments_n'], 'payment')} of {words.money(row['amount_usd'])} {row['reason']}"
        for row in rows.to_dict("records")
    ]
    return f" Not counted again: {words.listing(parts)}." if parts else ""


def written_off(pledged: pd.DataFrame) -> str:
    total = pledged["written_off_usd"].sum()
    return (
        f"Written off so far: {words.money(total)}, {words.share(total / pledged['amount_usd'].sum())} of all pledged. The allowance applies a rate to each age of balance."
        if len(pledged)
        else ""
    )


def actions(waiting: pd.DataFrame, stalled: pd.DataFrame, late: pd.DataFrame) -> list[str]:
    """The three lists of the internal page in a sentence each."""
    return [
        f"**{words.plural(len(waiting), 'donor')} of last year can be asked again**; they gave {words.money(waiting['last_usd'].sum())} last year, the first ten of them {words.money(waiting['last_usd'].head(10).sum())}.",
        f"**{words.plural(len(stalled), 'proposal')} stalled**, {words.money(stalled['ask_usd'].sum())} asked or planned.",
        f"**{words.plural(len(late), 'pledge')} overdue**, {words.money(late['overdue_usd'].sum())}; {words.count((late['oldest_days'] > 180).sum())} for more than half a year.",
    ]


def left_out(caption: str, rows: pd.DataFrame) -> str:
    """A caption with what the list leaves out."""
    n = rows.attrs["left_out"]
    return f"{caption}; {words.plural(n, 'row')} left out because the household asked not to be contacted" if n else caption


def shown(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with the texts of columns beginning with a capital, as labels of an exhibit do."""
    return frame.assign(**{column: [f"{text[:1].upper()}{text[1:]}" for text in frame[column].astype(str)] for column in columns})
