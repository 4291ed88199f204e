"""How long patients wait, and who is reached by supportive care."""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats.survival import LogRank

exhibit = partial(Exhibit, room="scorecard")


def waiting(
    report: Report, curve: pd.DataFrame, this: Mapping[str, float], last: Mapping[str, float], test: LogRank, *, smallest: int
) -> Exhibit:
    """Figure: days to treatment; the median now, and whether the curves of two years differ beyond chance.

    `curve` comes from `survival.progress`; `this` year's and `last` year's row of `survival.waits`.
    """
    settings, year = report.settings, report.settings.as_of.year
    middle = words.plural(this["median_days"], "day")
    faster = this["median_days"] < last["median_days"]
    than = f"{'faster' if faster else 'slower'} than in {year - 1}" if test.pvalue < 0.05 else f"not measurably different from {year - 1}"
    median = Claim(middle, how="given", value=this["median_days"], basis=f"median of the referrals of {year}, closed ones included")
    reached = pd.notna(this["median_days"])
    ever = [f"{words.share(of['ever_share'])} of {when}" for of, when in ((last, year - 1), (this, year))]
    return exhibit(
        "days-to-treatment",
        report.protect(curve, sources=["referral_cases"]),
        f"Half are treated within {middle}, {than}" if reached else "Fewer than half of the patients are ever treated",
        f"Share of patients treated at {settings.name} by days since referral, referrals of {year - 1} and {year}",
        sources=["referral_cases"],
        note=f"Ever treated: {words.listing(ever)}; whose case was closed untreated never is. "
        f"Log-rank chi-square {words.number(test.chi2, digits=1)} on {test.df} degree of freedom. "
        f"Points are at steps of at least {smallest} patients.",
        claims=[median] if reached else [],
    )


def reach(report: Report, reached: pd.DataFrame, *, most: int = 12) -> Exhibit:
    """Figure: reach against peers, furthest below them first; the first service that is beyond chance.

    `reached` comes from `indicators.reach_shown`.
    """
    safe = _safe(report, reached)
    shown = safe[~safe["reached_share_suppressed"]].assign(service_site=lambda rows: rows["service"] + ", " + rows["site"].str.lower())
    few = _furthest(shown).head(most)
    columns = ["service_site", "peer_median_share", "reached_share", "share_low", "share_high", "standing"]
    title, claims, where = "No service reaches measurably fewer patients than peers", [], ""
    short = few[few["standing"] == "below peers"]
    if len(short):
        row = short.iloc[0]
        ours, peers = words.share(row["reached_share"]), words.share(row["peer_median_share"])
        where = "" if row["site"] == "All sites" else f" in {str(row['site']).lower()}"
        title = f"{row['service']} reaches {ours}{where}, peers {peers}"
        rows = f"service_site == {row['service_site']!r}"
        claims = [Claim(ours, "reached_share", rows), Claim(f"peers {peers}", "peer_median_share", rows)]
    return exhibit(
        "reach-against-peers",
        few[columns],
        title,
        f"Share of eligible patients reached, {report.settings.name} {report.settings.as_of.year} against the peer median, "
        "shortfalls beyond chance first",
        sources=["service_access", "service_peers"],
        claims=claims,
        names=[where, *few["service"]],
    )


def reach_by_site(report: Report, reached: pd.DataFrame) -> Exhibit:
    """Table: reach of each service by tumor site, largest shortfalls first."""
    names = {"eligible_patients_n": "eligible_n", "reached_patients_n": "reached_n"}
    names |= {f"{name}_suppressed": f"{short}_suppressed" for name, short in names.items()}
    out = _furthest(_safe(report, reached)).rename(columns=names)
    out["more_n_suppressed"] = out["more_n"].isna()
    columns = ["service", "site", "eligible_n", "reached_n", "reached_share", "peer_median_share", "more_n", "standing"]
    most = report.settings.disclosure.smallest_shown_n.value - 1
    return exhibit(
        "reach-by-site",
        out[[*columns, *(column for column in out.columns if column.endswith("_suppressed"))]],
        f"Reach of each service by tumor site, {report.settings.as_of.year}, shortfalls beyond chance first",
        sources=["service_access", "service_peers"],
        note=f"Rows with 1 to {most} patients eligible, reached or not reached are hidden; where most would be, sites are pooled.",
    )


def _safe(report: Report, reached: pd.DataFrame) -> pd.DataFrame:
    return report.protect(reached, sources=["service_access"], by="service")


def _furthest(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of reach that are below peers beyond chance first, then by the gap."""
    below = rows["standing"] == "below peers"
    order = rows.assign(below=below).sort_values(["below", "gap_points"], ascending=False, na_position="last", kind="stable")
    return order.drop(columns="below")
