"""The program's indicators: each over time on its control chart, in words, against its target.

Definitions used
----------------
Indicator
    A numerator over a denominator (chart p for shares, u for events per exposure) or one value per period (chart XmR), with owner,
    exclusions, direction, frequency and source in the table of definitions.
Subgroup
    The period over which an indicator is counted: month, else quarter, else year, the shortest with 5 events on average in which no
    more than a stated share of the periods holds 1 to 10 people in numerator, denominator or the rest. What still does is hidden
    before limits are computed. A value that is itself a month's mean (days, minutes, a share without denominator) stays by month and is
    never added up; younger than 12 months, it is the mean of its months. A count (a name that ends in `_n`) adds up, over
    whole quarters and years only: a quarter of one month is no fall.
Month without value
    One whose denominator is empty or 0: its numerator does not count either.
Waits
    medians by quarter of referral: patients who still wait are included as censored, those closed unseen as never seen.

Known bias: a longer subgroup hides a short disturbance. A share that is met can hide who is not reached.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from catchment.stats import control, given, rates, survival

from . import verdicts

Kind = Literal["xmr", "p", "u"]
PERIODS = {"month": "MS", "quarter": "QS", "year": "YS"}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
LASTING = control.LEAST_POINTS  # points of a shift from which limits can be computed
FEWEST = {"month": control.LEAST_POINTS, "quarter": control.LEAST_POINTS, "year": 1}


def _hidden(frame: pd.DataFrame, below: int) -> pd.Series:
    parts = [frame["numerator"], frame["denominator"], frame["denominator"] - frame["numerator"]]
    return pd.concat([(part > 0) & (part < below) for part in parts], axis=1).any(axis=1)


def counted(months: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """The months that have a value: for a share or rate those with a denominator above 0, for a value those that give one.

    Raises
    ------
    ValueError
        The kind of chart is not known.
    """
    given.word(kind, get_args(Kind), name="kind")
    return months[months["denominator"] > 0] if kind in ("p", "u") else months[months["numerator"].notna()]


def left_out(definitions: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """Months that `counted` leaves out: one row per indicator that has any: `title`, `first`, `last` (months), `months_n`."""
    kinds = definitions.set_index("kpi")[["chart", "title"]]
    rows = []
    for kpi, part in months.groupby("kpi", sort=False):
        gone = part.drop(counted(part, kinds.at[kpi, "chart"]).index)["month"]
        rows += [(kinds.at[kpi, "title"], gone.min(), gone.max(), len(gone))] if len(gone) else []
    return pd.DataFrame(rows, columns=["title", "first", "last", "months_n"])


def subgroup(
    months: pd.DataFrame, kind: Kind, *, sums: bool = False, people: bool, below: int, tolerated: float, least: float = 5.0
) -> pd.DataFrame:
    """One indicator over the shortest period that can be shown.

    Parameters
    ----------
    months
        Grain: one row per month: `month` (date), `numerator`, `denominator`.
    kind
        "p" and "u" are counted out of the denominator; "xmr" takes the numerator as the value.
    sums
        Whether the values of an XmR chart add up (a count of cases), unlike means and medians.
    people
        Whether the counts are of people, so that small ones are hidden.
    below
        Counts of 1 to `below` - 1 people may not be shown.
    tolerated
        Share of hidden periods up to which a period length is taken.
    least
        Mean count that a period must hold where there is a denominator: below about 5 the limits of a p or u chart do not fit.

    Returns
    -------
    Grain: one row per period: `period` (its first day), `numerator`, `denominator` (missing where hidden, or where a count's quarter or
    year is not whole), `hidden`, `length` (month, quarter, year, or such as "10 months" for the one mean of a young indicator).
    """
    known = counted(months, kind).assign(start=lambda rows: pd.to_datetime(rows["month"]))
    if kind == "xmr" and not sums:
        return _means(known)
    made = [_pooled(known, length, whole=kind == "xmr", below=below if people else 0) for length in PERIODS]
    fits = [
        part["hidden"].mean() <= tolerated and (kind == "xmr" or part["numerator"].mean() >= least) and part["numerator"].notna().any()
        for part in made
    ]
    long = [fit and part["numerator"].count() >= FEWEST[length] for fit, part, length in zip(fits, made, PERIODS, strict=True)]
    return made[long.index(True) if any(long) else fits.index(True) if any(fits) else -1]


def _means(known: pd.DataFrame) -> pd.DataFrame:
    """Values that are means already: by month, or as one mean of all months where these are too few for a chart."""
    months = pd.DataFrame({"period": known["start"], "numerator": known["numerator"], "denominator": np.nan, "hidden": False})
    months = months.sort_values("period", ignore_index=True)
    if 0 < len(months) < control.LEAST_POINTS:
        return months.tail(1).assign(numerator=months["numerator"].mean(), length=f"{len(months)} months")
    return months.assign(length="month")


def _pooled(known: pd.DataFrame, length: str, *, whole: bool, below: int) -> pd.DataFrame:
    """Counts added up by period; where they must be `whole`, a quarter or year that lacks months has none."""
    groups = known.groupby(known["start"].dt.to_period(PERIODS[length][0]).dt.start_time)
    counts = groups[["numerator", "denominator"]].sum(min_count=1)
    short = groups.size() < MONTHS[length] if whole else pd.Series(False, index=counts.index)
    hidden = _hidden(counts, below) & ~short
    return counts.mask(hidden | short).rename_axis("period").reset_index().assign(hidden=hidden.to_numpy(), length=length)


def chart(
    series: pd.DataFrame,
    kind: Kind,
    *,
    per: float = 1.0,
    baseline_years: float,
    steps: Sequence[pd.Timestamp] = (),
    sigmas: float = 3.0,
    run: int = control.RUN,
    lasting: int = LASTING,
    bounds: tuple[float, float] = (0.0, np.inf),
) -> pd.DataFrame:
    """The control chart of one indicator's periods, with `period` and `length` kept.

    Parameters
    ----------
    series
        As `subgroup` returns it; `numerator` alone is the value where `kind` is "xmr".
    kind
        "xmr", "p" or "u".
    per
        Exposure that one unit of a u chart stands for (1000: events per 1,000).
    baseline_years
        Years at the start of each segment that make its limits; its first 12 points where that leaves fewer than `run` to judge.
    steps
        First days of periods from which limits are computed anew: the process was declared to have changed.
    lasting
        Points in a row on one side of the mean, from where they depart from it (`verdicts.onset`), after which a shift that nobody
        declared has lasted: limits are computed anew from the first of them. Declared steps go first.

    Returns
    -------
    The columns of the chart, `period`, `length`, and `shifted`: in a segment whose limits follow a shift that lasted, -1 or 1 for its
    direction as long as the segment is no longer than its baseline years; else 0.
    """
    known = series.dropna(subset=["numerator"]).reset_index(drop=True)
    if known.empty:
        hidden = series.get("hidden", False)
        return series[["period", "length"]].assign(**dict.fromkeys(("value", "center", "lcl", "ucl"), np.nan), signal="", hidden=hidden)
    places = {int(known["period"].searchsorted(pd.Timestamp(day))) for day in steps}
    positions = sorted(place for place in places if 0 < place < len(known))
    wanted = max(round(baseline_years * 12 / MONTHS.get(series["length"].iloc[0], 1)), control.LEAST_POINTS)
    draw = partial(_drawn, known, kind, per=per, wanted=wanted, sigmas=sigmas, run=run, bounds=bounds)
    made, after = draw(positions), 0
    follow: list[int] = []
    while (place := verdicts.sustained(made, least=lasting, after=after)) is not None:
        follow, after = [*follow, place], place + 1
        made = draw(sorted({*positions, *follow}))
    return known[["period", "length"]].join(made.assign(shifted=_shifted(made, follow, wanted)))


def _drawn(
    known: pd.DataFrame, kind: Kind, steps: list[int], *, per: float, wanted: int, sigmas: float, run: int, bounds: tuple[float, float]
) -> pd.DataFrame:
    # A young series, or one since a young step, keeps at least a run of points to be judged outside of its baseline.
    lengths = np.diff([0, *steps, len(known)])
    baseline = [wanted if length >= wanted + run else control.LEAST_POINTS for length in lengths]
    options: dict[str, Any] = {"baseline": baseline, "steps": steps, "sigmas": sigmas, "run": run}
    if kind == "xmr":
        return control.xmr(known["numerator"], bounds=bounds, **options)
    if kind == "p":
        return control.p_chart(known["numerator"], known["denominator"], **options)
    if kind == "u":
        return control.u_chart(known["numerator"], known["denominator"] / per, **options)
    raise ValueError(f"a chart is xmr, p or u, not {kind!r}")


def _shifted(made: pd.DataFrame, follow: list[int], wanted: int) -> np.ndarray:
    """Direction of the shift that the last segment's limits follow, while the segment is young; 0 elsewhere."""
    out = np.zeros(len(made), int)
    if follow and made["segment"].iloc[follow[-1]] == made["segment"].iloc[-1] and len(made) - follow[-1] <= max(wanted, LASTING):
        out[follow[-1] :] = np.sign(made["center"].iloc[follow[-1]] - made["center"].iloc[follow[-1] - 1])
    return out


def quarters(volumes: pd.DataFrame, measure: str, *, below: int) -> pd.DataFrame:
    """One volume by quarter over all sites, as a series for `chart`.

    Quarters with 1 to `below` - 1 are missing; a service not given has none.
    """
    start = pd.PeriodIndex.from_fields(year=volumes["year"], quarter=volumes["quarter"], freq="Q").start_time
    total = volumes[measure].groupby(start).sum(min_count=1)
    total = total if total.any() else total.iloc[:0]
    hidden = ((total > 0) & (total < below)).to_numpy()
    shown = total.mask(hidden).to_numpy()
    return pd.DataFrame({"period": total.index, "numerator": shown, "denominator": np.nan, "hidden": hidden, "length": "quarter"})


def margins(lines: pd.DataFrame) -> pd.DataFrame:
    """Contribution margin (revenue less variable cost) as a share of revenue by month, as a series for `chart`."""
    actual = lines[lines["actual_volume"].notna()]
    amount = actual["actual_volume"] * actual["actual_quantity"] * actual["actual_price_usd"]
    revenue = amount[actual["kind"] == "revenue"].groupby(actual["month"]).sum()
    variable = amount[(actual["kind"] == "cost") & (actual["behavior"] == "variable")].groupby(actual["month"]).sum()
    return pd.DataFrame(
        {
            "period": revenue.index,
            "numerator": rates.quotient(revenue - variable.reindex(revenue.index), revenue),
            "denominator": np.nan,
            "length": "month",
        }
    )


def waits(cases: pd.DataFrame, *, start: str, event: str, until: str, below: int) -> pd.DataFrame:
    """Median days by quarter of `start`, as a series for `chart`; missing for quarters under `below` patients, or if most never come.

    Cases not followed to the last day of all were closed without the event, see `survival`. The median is interpolated inside its day:
    whole days would tie, and ties look like runs on one side of the mean.
    """
    over = cases.assign(closed=survival.closed(cases[until]))
    timed = survival.durations(over, start=start, event=event, until=until, closed="closed")
    quarter = cases.loc[timed.index, start].dt.to_period("Q").dt.start_time
    rows = [(period, _median_inside(part) if len(part) >= below else np.nan, len(part) < below) for period, part in timed.groupby(quarter)]
    return pd.DataFrame(rows, columns=["period", "numerator", "hidden"]).assign(denominator=np.nan, length="quarter")


def _median_inside(timed: pd.DataFrame) -> float:
    """Day, with its fraction, at which the straight line between the steps of the curve passes one half."""
    curve = survival.done(timed["days"], timed["status"])
    time, share = np.append(0.0, curve["time"]), np.append(0.0, curve["done_share"])
    if share[-1] < 0.5:
        return np.nan
    first = int(np.argmax(share >= 0.5))
    return float(np.interp(0.5, [share[first - 1], share[first]], [time[first - 1], time[first]]))


def computed(volumes: pd.DataFrame, cases: pd.DataFrame, lines: pd.DataFrame, *, below: int) -> dict[str, pd.DataFrame]:
    """The series of the indicators that follow from other tables: volumes and waits by quarter, the margin by month, each for `chart`."""
    counted = {"analytic_cases_n": "cases_n", "infusion_visits_n": "infusion_visits_n", "fractions_n": "fractions_n"}
    spans = {"consult_days": "consult_date", "treatment_days": "treatment_date"}
    return (
        {kpi: quarters(volumes, measure, below=below) for kpi, measure in counted.items()}
        | {kpi: waits(cases, start="referral_date", event=event, until="followed_until", below=below) for kpi, event in spans.items()}
        | {"margin_share": margins(lines)}
    )


def charts(
    definitions: pd.DataFrame, months: pd.DataFrame, computed: Mapping[str, pd.DataFrame], steps: pd.DataFrame, *, below: int,
    tolerated: float, baseline_years: float, sigmas: float = 3.0, run: int = control.RUN, lasting: int = LASTING,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """The control chart of every indicator that has data.

    Parameters
    ----------
    definitions
        Grain: one row per indicator: `kpi`, `chart`, `per`, `people`.
    months
        Grain: one row per indicator and month: `kpi`, `month`, `numerator`, `denominator`.
    computed
        Series of indicators that are computed from other tables (`quarters`, `waits`, `margins`).
    steps
        Grain: one row per declared change: `kpi`, `month`.
    below, tolerated
        As in `subgroup`.
    baseline_years, sigmas, run, lasting
        As in `chart`.
    """
    recorded = dict(iter(months.groupby("kpi")))
    made = {}
    for row in definitions.to_dict("records"):
        kpi = row["kpi"]
        if kpi in computed:
            series = computed[kpi]
        elif kpi in recorded:
            series = subgroup(
                recorded[kpi], row["chart"], sums=str(kpi).endswith("_n"), people=row["people"], below=below, tolerated=tolerated
            )
        else:
            continue
        if len(series) or kpi in recorded:
            made[kpi] = chart(
                series, row["chart"], per=row["per"], steps=list(steps.loc[steps["kpi"] == kpi, "month"]),
                baseline_years=baseline_years, sigmas=sigmas, run=run, lasting=lasting,
            )  # fmt: skip
    return made


def read(made: pd.DataFrame, *, better: verdicts.Better, target: float, before: int, run: int = control.RUN) -> dict[str, object]:
    """One row of the scorecard from a chart.

    Parameters
    ----------
    made
        From `chart`.
    before
        Periods ahead of the newest whose mean is `earlier`.
    run
        As in `chart`.

    Returns
    -------
    `period`, `length`, `now` (the newest value), `usual` (the mean that it is news against: that before the shift where limits follow one),
    `earlier`, `target`, `variation` and `assurance` (each with `_icon` and `_words`), `streak` (periods in a row that missed, negative, or
    met the target, where that decides the assurance; else 0), `since_shift` (how often the target was met, and of how many periods, where a
    shift that limits do not follow yet decides it; else empty), `points_n`, `began` (the period in which the special cause of the newest
    point began, missing for common cause) and `usual_period` (a period whose center is `usual`).
    """
    known = made.dropna(subset=["value"])
    if known.empty:
        nothing: dict[str, object] = dict.fromkeys(("period", "now", "usual", "earlier", "began", "usual_period"), np.nan)
        nothing |= {"length": "", "target": target, "points_n": 0, "streak": 0, "since_shift": ""}
        kind, icon, said = ("hidden", "[c]", "small counts are not shown") if made["hidden"].any() else ("unknown", "·", "no value yet")
        said_of = {
            f"{part}{end}": text for part in ("variation", "assurance") for end, text in (("", kind), ("_icon", icon), ("_words", said))
        }
        return nothing | said_of
    last, here = known.iloc[-1], known[known["segment"] == known["segment"].iloc[-1]]
    # Limits follow a shift that nobody declared: the news is that shift, against the level before it.
    follows = last["side"] == 0 and last["shifted"] != 0
    usual = known[known["segment"] < last["segment"]].iloc[-1] if follows else last
    variation, assurance = verdicts.variation(made, better=better), verdicts.assurance(made, target, better=better, run=run)
    return {"period": last["period"], "length": last["length"], "now": last["value"],
            "usual": usual["center"], "usual_period": usual["period"],
            "earlier": known["value"].iloc[-before - 1 : -1].mean(),
            "target": target, "variation": variation.kind, "variation_icon": variation.icon, "variation_words": variation.words,
            "assurance": assurance.kind, "assurance_icon": assurance.icon, "assurance_words": assurance.words,
            "streak": verdicts.streak(made, target, better=better) if "in a row" in assurance.words else 0,
            "since_shift": "{} of {}".format(*verdicts.since_shift(made, target, better=better)) if "shift" in assurance.words else "",
            "points_n": len(known), "began": here["period"].iloc[0] if follows else _began(here)}  # fmt: skip


def _began(here: pd.DataFrame) -> pd.Timestamp:
    """The period in which the special cause of the newest point began: where its run on one side of the mean departs (`verdicts.onset`).

    A trend that has not passed the mean yet began with its first point.
    """
    side, away = here["side"].to_numpy(), control.side_of(here["value"], here["center"])
    if side[-1] == 0:
        return pd.NaT
    passed = away[-1] == side[-1]
    other = np.flatnonzero((away if passed else side) != side[-1])
    run = here.iloc[other[-1] + 1 if len(other) else 0 :]
    return run["period"].iloc[verdicts.onset(run["value"], run["center"].iloc[-1]) if passed else 0]


def table(
    definitions: pd.DataFrame, charts: Mapping[str, pd.DataFrame], targets: Mapping[str, float], *, run: int = control.RUN
) -> pd.DataFrame:
    """The scorecard. Grain: one row per indicator that has a chart, in the order of the definitions, with the columns of `read`."""
    kept = definitions[definitions["kpi"].isin(list(charts))]
    rows = [
        read(charts[kpi], better=better, target=targets.get(kpi, np.nan), before=12, run=run)
        for kpi, better in zip(kept["kpi"], kept["better"], strict=True)
    ]
    return kept.reset_index(drop=True).join(pd.DataFrame(rows))


def reach(services: pd.DataFrame, peers: pd.DataFrame, *, by: Sequence[str] = ("service", "site"), below: int = 0) -> pd.DataFrame:
    """Who is reached by a supportive service, against the peer group.

    Parameters
    ----------
    services
        Grain: one row per service and tumor site: `eligible_patients_n`, `reached_patients_n`.
    peers
        Grain: the same keys: `peer_median_share`.
    below
        Rows in which eligible, reached or not reached patients number 1 to `below` - 1 are flagged; `disclosure.protect` hides them.

    Returns
    -------
    Grain: one row per key: `reached_share` with Wilson limits, `gap_points` (peer median minus ours), `standing` (below, level, above:
    by whether the interval holds the median; "not shown" where flagged), `more_n` (patients whom the peer median would reach in
    addition, where we are below) and, for the counts, `*_suppressed`.
    """
    keys = list(by)
    sums = services.groupby(keys, sort=False, as_index=False)[["eligible_patients_n", "reached_patients_n"]].sum()
    out = sums.merge(peers[[*keys, "peer_median_share"]], on=keys, how="left", validate="1:1")
    eligible, reached = out["eligible_patients_n"].astype("float64"), out["reached_patients_n"].astype("float64")
    hidden = _hidden(pd.DataFrame({"numerator": reached, "denominator": eligible}), below)
    limits = rates.wilson(reached, eligible)
    out = out.assign(reached_share=rates.quotient(reached, eligible), share_low=limits.low, share_high=limits.high)
    out["gap_points"] = out["peer_median_share"] - out["reached_share"]
    lower, higher = out["share_high"] < out["peer_median_share"], out["share_low"] > out["peer_median_share"]
    out["standing"] = np.select(
        [hidden, lower, higher, out["peer_median_share"].isna()],
        ["not shown", "below peers", "above peers", "no peers"],
        "level with peers",
    )
    out["more_n"] = (out["gap_points"] * eligible).round().where(lower, 0.0).mask(hidden)
    return out.assign(**{f"{column}_suppressed": hidden for column in ("eligible_patients_n", "reached_patients_n", "reached_share")})


def reach_shown(services: pd.DataFrame, peers: pd.DataFrame, *, below: int) -> pd.DataFrame:
    """`reach` by service and site; by service alone (peer medians weighted by our eligible patients) where most sites would be hidden."""
    by_site = reach(services, peers, below=below)
    if by_site["reached_share_suppressed"].mean() <= 0.5:
        return by_site
    both = services.merge(peers[["service", "site", "peer_median_share"]], on=["service", "site"], how="left", validate="1:1")
    weighted = (both["peer_median_share"] * both["eligible_patients_n"]).groupby(both["service"]).sum() / both.groupby("service")[
        "eligible_patients_n"
    ].sum()
    return reach(services, weighted.rename("peer_median_share").reset_index(), by=["service"], below=below).assign(site="All sites")


def yearly(months: pd.DataFrame, kpi: str) -> pd.DataFrame:
    """One counted indicator by calendar year: `year`, `numerator`, `denominator`, `share`."""
    mine = counted(months[months["kpi"] == kpi], "p")
    sums = mine.groupby(mine["month"].dt.year)[["numerator", "denominator"]].sum().rename_axis("year").reset_index()
    return sums.assign(share=rates.quotient(sums["numerator"], sums["denominator"]))
