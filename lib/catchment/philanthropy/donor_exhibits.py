"""What the philanthropy pages show of those who give: how giving is spread, who stays, what they will do, and whom to call.

One function per exhibit, made as those of `exhibits` are. No donor is named but in the three lists of the internal page (`waiting`,
`stalled`, `overdue`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.philanthropy import Philanthropy

from .exhibits import PIPE, PLEDGED, exhibit, whole

GIVEN = ["gifts", "donors", "soft_credits"]
VALUABLE_AWAY = ["At risk, high value", "Lost, high value"]


# From whom


def pyramid(report: Report, bands: pd.DataFrame, last: int) -> Exhibit:
    """Donors and cash by size of giving: the fewest bands from the top that hold half of the cash. `bands` is `pyramid.pyramid`."""
    safe = report.protect(bands, sources=GIVEN)
    shown, held = safe.drop(columns="low_usd"), safe.loc[: (safe["amount_share"].cumsum() >= 0.5).idxmax()]
    where, low = f"band in {held['band'].tolist()!r}", held["low_usd"].iloc[-1]
    donors, least, share = words.plural(held["donors_n"].sum(), "donor"), words.money(low), whole(held["amount_share"].sum())
    claims = [
        Claim(donors, "donors_n", where, "sum"), Claim(share, "amount_share", where, "sum"),
        Claim(least, how="given", value=low, basis="lower end of the smallest of these bands"),
    ]  # fmt: skip
    return exhibit(
        "donor-pyramid", shown, f"{donors} of {least} or more gave {share} of the cash", claims=claims, sources=GIVEN,
        subtitle=f"Donor pyramid: donors and cash by size of a donor's giving, fiscal year {last}",
    )  # fmt: skip


def lorenz(report: Report, shares: pd.DataFrame, gini: float, last: int) -> Exhibit:
    """The Lorenz curve: what the top tenth gave. `shares` is `concentration.top_shares`."""
    shown, tenth = report.protect(shares, sources=GIVEN), "Top 10 % of donors"
    row, where = shown.set_index("measure").loc[tenth], f"measure == {tenth!r}"
    top, donors, share, even = tenth.lower(), words.count(row["donors_n"]), whole(row["amount_share"]), f"Gini {gini:.2f}"
    claims = [
        Claim(donors, "donors_n", where), Claim(share, "amount_share", where),
        Claim(top, how="given", value=0.1, basis="the row's own name"), Claim(even, how="given", value=gini, basis="gifts of every donor"),
    ]  # fmt: skip
    title = f"The {top}, {donors}, gave {share} of the cash ({even})"
    return exhibit("concentration", shown, title, claims=claims, subtitle=f"Lorenz curve of cash, fiscal year {last}", sources=GIVEN)


def origins(report: Report, rows: pd.DataFrame, last: int) -> Exhibit:
    """Where the year's money came from, along several ways of looking. `rows` is `donor_segments.origins`."""
    shown = report.protect(rows, sources=GIVEN)
    title = f"Where cash and in-kind gifts of fiscal year {last} came from; the groups overlap"
    return exhibit("origins", shown, title, sources=GIVEN, most=15)


def credit(report: Report, rows: pd.DataFrame, last: int) -> Exhibit:
    """Hard beside soft credit. `rows` is `raised.credit`."""
    shown = report.protect(rows, sources=GIVEN)
    note = "Soft credit recognizes somebody for a gift that stands under hard credit already: the two columns are never added."
    return exhibit(
        "credit", shown, f"Hard and soft credit by kind of donor, fiscal year {last}", sources=["gifts", "soft_credits", "donors"],
        note=note,
    )  # fmt: skip


# Who stays


def retention(report: Report, trend: pd.DataFrame, dollars: Mapping[str, float], rules: Philanthropy, last: int) -> Exhibit:
    """Retention by year; the note gives that of dollars and what is usual elsewhere. `trend` is `giving.retention_trend`."""
    shown = report.protect(trend, sources=GIVEN)
    latest = int(shown["year"].max())
    now = shown[shown["year"] == latest].set_index("group")["share"]
    every, first, again = (whole(now[group]) for group in ("overall", "first-time", "repeat"))
    claims = [
        Claim(f"{every} of donors", "share", f"group == 'overall' and year == {latest}"),
        Claim(f"{first} of first-time", "share", f"group == 'first-time' and year == {latest}"),
        Claim(f"{again} of repeat", "share", f"group == 'repeat' and year == {latest}"),
    ]
    elsewhere = words.listing(f"{group} {whole(usual.value)}" for group, usual in rules.retention_benchmark_share.items())
    return exhibit(
        "retention", shown, f"{every} of donors gave again: {first} of first-time, {again} of repeat donors", claims=claims, sources=GIVEN,
        subtitle=f"Share of the previous year's donors who gave again, through fiscal year {last}, Wilson 95 % intervals",
        note=f"Of last year's dollars {whole(dollars['without_upgrades'])} came back from the same donors without counting upgrades, "
        f"{whole(dollars['with_upgrades'])} with them. Elsewhere: {elsewhere} (Fundraising Effectiveness Project; see assumptions).",
    )  # fmt: skip


def segments(report: Report, rows: pd.DataFrame, last: int) -> Exhibit:
    """Retention by segment: the one that fell beyond chance. `rows` is `donor_segments.segment_retention`."""
    shown = report.protect(rows, sources=GIVEN)
    fallen = shown[(shown["change_share"] < 0) & (shown["p_adjusted"] < 0.05)]
    title, claims = "No segment fell below its own past beyond chance", []
    if len(fallen):
        row = fallen.iloc[0]
        before, now = words.apart((row["usual_share"], row["share"]), words.share, digits=0)
        where = f"dimension == {row['dimension']!r} and segment == {row['segment']!r}"
        title = f"Retention of “{row['segment']}” donors fell from {before} to {now}"
        claims = [Claim(f"from {before}", "usual_share", where), Claim(f"to {now}", "share", where)]
    return exhibit(
        "segments", shown, title, claims=claims, sources=GIVEN,
        subtitle=f"Retention by segment, fiscal year {last} and the same segment's earlier years pooled",
    )  # fmt: skip


def change(report: Report, rows: pd.DataFrame, last: int) -> Exhibit:
    """Growth in giving as steps. `rows` is `giving.gains_and_losses`."""
    shown = report.protect(rows, sources=GIVEN)
    net, sums = shown["amount_usd"].sum(), shown.groupby("kind")["amount_usd"].sum()
    moved = words.money(abs(net))
    title, claims = "Giving did not change", []
    if round(net, 2):
        title, claims = f"Giving {'grew' if net > 0 else 'shrank'} by {moved}", [Claim(f"by {moved}", "amount_usd", how="sum")]
    if sums.get("gain", 0) > 0:
        lost = -100 * sums.get("loss", 0.0) / sums["gain"]
        title += f": {words.money(lost)} lost for every $100 gained"
        claims += [
            Claim(f"{words.money(lost)} lost", how="given", value=lost, basis="losses over gains of the rows shown"),
            Claim("every $100", how="given", value=100, basis="the base of the comparison"),
        ]
    return exhibit(
        "growth-in-giving", shown, title, claims=claims, sources=GIVEN,
        subtitle=f"Cash giving of fiscal year {last - 1} to {last} by reason (FEP); the steps add up to the cent",
    )  # fmt: skip


def cohorts(report: Report, rows: pd.DataFrame) -> Exhibit:
    """New donors by years since: how many still gave after one year and after three, all cohorts pooled. `rows` is `giving.cohorts`."""
    shown = report.protect(rows, sources=GIVEN)
    pooled = shown.groupby("years_since")[["giving_n", "donors_n"]].sum()
    share = pooled["giving_n"] / pooled["donors_n"]
    one = whole(share.get(1, float("nan")))
    title, claims = f"{one} of new donors gave again after one year", [Claim(one, "giving_n", "years_since == 1", "share", over="donors_n")]
    if 3 in share.index:
        title += f", {whole(share[3])} after three"
        claims.append(Claim(f"{whole(share[3])} after", "giving_n", "years_since == 3", "share", over="donors_n"))
    subtitle = "Share of each year's new donors who gave, by years since the first gift"
    return exhibit("cohorts", shown, title, claims=claims, subtitle=subtitle, sources=GIVEN)


def lapse(report: Report, groups: pd.DataFrame) -> Exhibit:
    """Who is still to give. `groups` is `giving.lapse_summary`."""
    shown = report.protect(groups, sources=GIVEN)
    row = shown[shown["group"].str.contains("LYBUNT")].iloc[0]
    donors, before, where = words.plural(row["donors_n"], "donor"), words.count(row["same_day_n"]), f"group == {row['group']!r}"
    claims = [Claim(donors, "donors_n", where), Claim(f"{before} on the", "same_day_n", where)]
    return exhibit(
        "lapse", shown, f"{donors} of last year are still to give, {before} on the same day last year", claims=claims, sources=GIVEN
    )


def rfm(report: Report, ranked: pd.DataFrame) -> Exhibit:
    """Donors by recency, frequency and money: those of high value who are away. `ranked` is `donor_segments.rfm_segments`."""
    shown = report.protect(ranked, sources=GIVEN)
    away, where = shown[shown["segment"].isin(VALUABLE_AWAY)], f"segment in {VALUABLE_AWAY!r}"
    donors, amount = words.plural(away["donors_n"].sum(), "donor"), words.money(away["amount_usd"].sum())
    return exhibit(
        "recency-frequency-money", shown, f"{donors} of high value have not given lately; they gave {amount} over the years",
        claims=[Claim(donors, "donors_n", where, "sum"), Claim(amount, "amount_usd", where, "sum")], sources=GIVEN,
        subtitle="Cash of all years by the donors' segment of recency, frequency and money (quintiles)",
    )  # fmt: skip


# What they will do


def outlook(report: Report, bands: pd.DataFrame, year: int) -> Exhibit:
    """Giving expected by probability of still being a donor. `bands` is `donor_models.outlook_bands`, the total last."""
    shown = report.protect(bands, sources=GIVEN)
    total, where = shown.iloc[-1], "band == 'All'"
    gifts, donors, amount = (
        words.count(total["expected_gifts"]),
        words.plural(total["donors_n"], "donor"),
        words.money(total["expected_usd"]),
    )
    claims = [
        Claim(f"{gifts} of", "expected_gifts", where), Claim(donors, "donors_n", where), Claim(amount, "expected_usd", where)
    ]  # fmt: skip
    return exhibit(
        "outlook", shown, f"{gifts} of {donors} are expected to give in {year}, {amount}", claims=claims, sources=GIVEN,
        labels={"band": "Probability of still being a donor"},
        subtitle=f"Giving expected in fiscal year {year} by probability of still being a donor; donors whose first gift the ledger saw",
    )  # fmt: skip


def checked(report: Report, check: pd.DataFrame, last: int) -> Exhibit:
    """The model on the year that it had not seen. `check` is `donor_models.held_out`, the total last."""
    named = check.assign(frequency=[f"{years:.0f}" for years in check["frequency"].iloc[:-1]] + ["All"])
    shown = report.protect(named, sources=GIVEN)
    total, where = shown.iloc[-1], "frequency == 'All'"
    expected, gave, naive = (words.count(total[column]) for column in ("expected_n", "actual_n", "naive_n"))
    claims = [
        Claim(f"{expected} donors", "expected_n", where), Claim(f"{gave} gave", "actual_n", where), Claim(f"said {naive}", "naive_n", where)
    ]  # fmt: skip
    title = (
        f"Tried on {last}, which it had not seen: {expected} donors expected, {gave} gave; “all who gave last year” would have said {naive}"
    )
    return exhibit("model-check", shown, title, claims=claims, sources=GIVEN)


# The internal page of donor actions


def _listed(
    report: Report, key: str, rows: pd.DataFrame, title: str, sources: Sequence[str], *, claims: Sequence[Claim] = (), **more: Any
) -> Exhibit:
    """A list of names, with what it leaves out in its caption."""
    n = rows.attrs["left_out"]
    left = f"{words.plural(n, 'row')} left out"
    if n:
        title += f"; {left} because the household asked not to be contacted"
        claims = [*claims, Claim(left, how="given", value=n, basis="households that opted out")]
    return exhibit(key, report.protect(rows, sources=sources), title, claims=claims, sources=sources, **more)


def waiting(report: Report, rows: pd.DataFrame, year: int, *, most: int) -> Exhibit:
    """Last year's donors still to give. `rows` is `donor_actions.waiting`."""
    title, labels = f"LYBUNT, fiscal year {year} to date", {"total_usd": "Given in all years"}
    return _listed(report, "still-to-give", rows, title, GIVEN, labels=labels, most=most)


def stalled(report: Report, rows: pd.DataFrame, days: int, *, most: int) -> Exhibit:
    """Proposals that stand still. `rows` is `donor_actions.stalled`."""
    title, claims = f"In one stage for more than {days} days with no move ahead", [
        Claim(f"{days} days", how="given", value=days, basis="settings")
    ]  # fmt: skip
    return _listed(report, "stalled-proposals", rows, title, [*PIPE, "prospects", "donors"], claims=claims, most=most)


def portfolios(report: Report, rows: pd.DataFrame, low: float, high: float) -> Exhibit:
    """Load of the gift officers. `rows` is `pipeline.portfolios`."""
    sources, between = ["prospects", "proposals"], f"{low} to {high} prospects"
    claims = [
        Claim(between, how="given", value=low, basis="settings"), Claim(f"to {high}", how="given", value=high, basis="settings")
    ]  # fmt: skip
    return exhibit(
        "portfolios", report.protect(rows, sources=sources), f"Portfolios, against {between} for a full-time officer", claims=claims,
        sources=sources,
    )  # fmt: skip


def overdue(report: Report, rows: pd.DataFrame, *, most: int) -> Exhibit:
    """Pledges past due. `rows` is `donor_actions.overdue`."""
    return _listed(report, "overdue-pledges", rows, "Pledges with an overdue instalment", [*PLEDGED, "donors"], most=most)
