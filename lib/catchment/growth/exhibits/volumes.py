"""Exhibits of the volumes: each forecast, how far to trust it, cases by tumor site, and what drives the change."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.stats import quarters
from catchment.stats.quarters import SHORTEST

from ..volumes import Volumes
from .wording import BANDS, LEVEL, NAMES, VOLUMES, counted, exhibit, first_upper

AHEAD = "volumes-ahead"
DEMAND = ("volumes", "population", "population_projection", "incidence_by_age", "incidence_us_by_year", "hospital_flows")
OBSERVED, FORECAST = "observed", "forecast"
TESTED = ["measure", "method", "mase", "naive_mase", "smape_share", "rmse", "coverage_80_share", "coverage_95_share"]


def moves(ahead: pd.DataFrame) -> pd.DataFrame:
    """Which volumes leave where they stand: the rows whose 80 % interval excludes today's value, largest change first.

    Parameters
    ----------
    ahead
        One row per volume: ``now_n, volume_n, volume_n_low_80, volume_n_high_80``.

    Returns
    -------
    Those rows with their ``change_share``.
    """
    away = ahead[(ahead["now_n"] < ahead["volume_n_low_80"]) | (ahead["now_n"] > ahead["volume_n_high_80"])]
    change = away["volume_n"] / away["now_n"] - 1
    return away.assign(change_share=change).sort_values("change_share", key=np.abs, ascending=False, kind="stable")


def volumes_ahead(report: Report, seen: Volumes) -> Exhibit:
    """Figure: small fans of all services that are given here; the title counts those that leave where they stand."""
    shown = report.protect(_fans(seen.past, seen.years), sources=VOLUMES)
    now = shown[shown["year"].eq(seen.now)].set_index("panel")["volume_n"]
    ahead = shown[shown["year"].eq(seen.later)].assign(now_n=lambda rows: rows["panel"].map(now))
    present, moving = ahead[ahead["now_n"].gt(0)], moves(ahead)
    ways = {"grow": moving[moving["change_share"] > 0], "fall": moving[moving["change_share"] <= 0]}
    parts = [f"{words.count(len(rows))} {way}{'s' if len(rows) == 1 else ''}" for way, rows in ways.items() if len(rows)]
    title = f"Of {len(present)} volumes, {words.listing(parts)} measurably by {seen.later}"
    if not parts:
        title = f"Not one of {len(present)} volumes changes measurably by {seen.later}"
    return exhibit(
        AHEAD,
        shown,
        title,
        f"Volumes a year, {report.settings.name}, observed to {seen.through} and forecast to {seen.last}, each on its own scale",
        sources=VOLUMES,
        note=_in_part(seen),
        claims=[
            counted(len(present), f"year == {seen.later} and panel in {present['panel'].tolist()!r}"),
            *(counted(len(rows), _beyond(rows, seen.later, way)) for way, rows in ways.items() if len(rows)),
        ],
    )


def _in_part(seen: Volumes) -> str:
    """That a year is in part observed, in words; nothing when the data end with a year."""
    part = seen.part.head(1)
    return "".join(
        f"{year} is not over: {words.plural(n, 'quarter', spelled=True)} observed, the rest forecast. "
        for year, n in zip(part["year"], part["observed_quarters_n"], strict=True)
    ).strip()


def _beyond(rows: pd.DataFrame, year: int, way: str) -> str:
    """The rows of a year whose 80 % interval lies above (grow) or below where each volume stands today, as a query."""
    edge = "volume_n_low_80 >" if way == "grow" else "volume_n_high_80 <"
    each = [f"(panel == {panel!r} and {edge} {now!r})" for panel, now in zip(rows["panel"], rows["now_n"].astype(float), strict=True)]
    return f"year == {year} and ({' or '.join(each)})"


def _fans(past: pd.DataFrame, years: pd.DataFrame) -> pd.DataFrame:
    """Observed years, then the forecast with its limits, of every service that is given here."""
    given = past.groupby("measure")["volume_n"].sum()
    kept = [measure for measure in list(NAMES)[1:] if given.get(measure, 0) > 0]
    status = years["observed_quarters_n"].map(lambda n: f"forecast, {words.plural(n, 'quarter')} observed" if n else FORECAST)
    both = pd.concat([past.assign(status=OBSERVED), years.assign(status=status)], ignore_index=True)
    both = both[both["measure"].isin(kept)].assign(panel=lambda rows: rows["measure"].map(NAMES).map(first_upper))
    return both.reindex(columns=["panel", "year", "status", "volume_n", *BANDS]).sort_values(
        ["panel", "year"], kind="stable", ignore_index=True
    )


def apart(shown: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `volumes_ahead` as a drawing takes them: what was observed and what is forecast, volumes in their usual order."""
    order = {first_upper(name): place for place, name in enumerate(NAMES.values())}
    usual = shown.sort_values("panel", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    return usual[usual["status"].eq(OBSERVED)], usual[usual["status"].ne(OBSERVED)]


def volumes_by_year(report: Report, seen: Volumes) -> Exhibit:
    """Table of the yearly volumes; the note says what they imply per patient and what was done to the data before fitting."""
    ends = sorted({seen.later, seen.last})
    wanted = sorted({seen.now, seen.now + 1, *ends})
    shown = report.protect(_by_year(seen, wanted, ends), sources=VOLUMES)
    part = {f"{year}_n": f"{year}, in part forecast" for year in seen.part["year"]}
    return exhibit(
        "volumes-by-year",
        shown,
        f"Yearly volumes if nothing changes, with 80 % prediction intervals, {report.settings.name}",
        sources=VOLUMES,
        labels={f"{year}_n": str(year) for year in wanted} | {f"{year}_interval": f"{year}, 80 % interval" for year in ends} | part,
        note=" ".join(filter(None, (_in_part(seen), _implied(shown, [seen.now, *ends]), _repairs(seen.quarterly), _held_at(seen)))),
        claims=[LEVEL],
    )


def _by_year(seen: Volumes, wanted: Sequence[int], ends: Sequence[int]) -> pd.DataFrame:
    """Each measure in the wanted years, with 80 % limits for the last of them."""
    table = pd.DataFrame({"measure": [first_upper(name) for name in NAMES.values()]}, index=list(NAMES))
    past, coming = (frame.set_index(["measure", "year"])["volume_n"] for frame in (seen.past, seen.years))
    for year in wanted:
        source = past if year in seen.past["year"].to_numpy() else coming
        table[f"{year}_n"] = source.xs(year, level="year")
    for year in ends:
        limits = seen.years[seen.years["year"].eq(year)].set_index("measure").reindex(table.index)
        rows = zip(limits["volume_n"], limits[BANDS[0]], limits[BANDS[1]], strict=True)
        table[f"{year}_interval"] = ["none so far" if value == 0 else words.interval(low, high) for value, low, high in rows]
    table["method"] = seen.years.groupby("measure")["method"].first()
    return table.reset_index(drop=True)


def _held_at(seen: Volumes) -> str:
    """Which volumes are too young for the methods, in words."""
    young = [NAMES.get(measure, measure) for measure in seen.held]
    return f"Younger than the {SHORTEST} quarters that the methods need, so held at their mean: {words.listing(young)}." if young else ""


def _implied(shown: pd.DataFrame, wanted: Sequence[int]) -> str:
    """Services per patient that the separate forecasts imply: where that leaves the plausible, one of the two is wrong."""
    rows, said = shown.set_index("measure"), []
    for service, patients, what in (
        ("fractions", "radiation_patients", "fractions per radiation patient"),
        ("infusion_visits", "medical_patients", "infusion visits per medical patient"),
    ):
        years = [f"{year}_n" for year in wanted]
        each = rows.loc[first_upper(NAMES[service]), years].astype(float) / rows.loc[first_upper(NAMES[patients]), years].astype(float)
        if np.isfinite(each).all():
            parts = [f"{words.number(value, digits=1)} in {year[:4]}" for value, year in zip(each, years, strict=True)]
            said.append(f"{what} {words.listing(parts)}")
    return f"Each volume is forecast by itself; together they imply {'; '.join(said)}." if said else ""


def _repairs(cleaned: pd.DataFrame) -> str:
    """What was done to the data before fitting, as a sentence."""
    odd = cleaned[cleaned["note"].ne("")]
    said = [f"{NAMES.get(row['series'], row['series'])} {row['year']} Q{row['quarter']} ({row['note']})" for _, row in odd.iterrows()]
    return f"Quarters treated before fitting: {words.listing(said)}." if said else "No quarter was missing or an outlier."


def back_test(report: Report, seen: Volumes) -> Exhibit:
    """Table of the back-test: how many series beat last year's quarter; the note pools the coverage and gives the fitted parameters."""
    scored = seen.outlook.scored
    chosen, habit = scored[scored["chosen"] & scored["mase"].notna()], scored[scored["method"].eq("seasonal naive")]
    table = chosen.assign(
        measure=[first_upper(NAMES.get(name, name)) for name in chosen["series"]],
        naive_mase=chosen["series"].map(habit.set_index("series")["mase"]),
    )[TESTED]
    shown = report.protect(table.round({"mase": 2, "naive_mase": 2, "rmse": 1}).reset_index(drop=True), sources=VOLUMES)
    beats = int((shown["mase"] < shown["naive_mase"]).sum())
    rest = "" if beats == len(shown) else "; the rest repeat it"
    fitted = seen.years[seen.years["parameters"].ne("")].groupby("measure", sort=False)["parameters"].first()
    parameters = "; ".join(f"{NAMES[measure]} {text}" for measure, text in fitted.items())
    note = f"Errors in units per quarter. Quarters with a detected outlier aren't scored. {_held(chosen)}"
    return exhibit(
        "back-test",
        shown,
        f"{beats} of {len(shown)} forecasts beat repeating last year's quarter{rest}: back-test of the chosen methods"
        if len(shown)
        else "No volume is on record for long enough to be back-tested",
        sources=VOLUMES,
        note=note + (f" Fitted: {parameters}." if parameters else ""),
        claims=[counted(beats, "mase < naive_mase"), counted(len(shown), "")] if len(shown) else [],
    )


def _held(chosen: pd.DataFrame) -> str:
    """Coverage of all series' intervals together; single series have too few values to be judged."""
    if chosen.empty:
        return "No series is long enough to be tested."
    each = {level: np.average(chosen[f"coverage_{level}_share"], weights=chosen["forecasts"]) for level in (80, 95)}
    held = f"the 80 % intervals held {words.share(each[80], digits=0)} and the 95 % ones {words.share(each[95], digits=0)}"
    return f"Together {held} of {words.count(chosen['forecasts'].sum())} values."


def sites(report: Report, seen: Volumes) -> Exhibit:
    """Figure: cases by tumor site now and ahead; the title names the site that gains most among those that may be shown."""
    shown, scored = report.protect(_by_site(seen), sources=VOLUMES), seen.by_site.scored
    known = shown.dropna(subset=["before_cases_n", "after_cases_n"])
    kept = known[known["site"].ne("All other")] if known["site"].ne("All other").any() else known
    gain = kept["after_cases_n"] - kept["before_cases_n"]
    title, claims = f"No tumor site gains cases by {seen.later}", list[Claim]()
    if known.empty:
        title = "Cases by tumor site are too few to be shown"
    elif gain.max() >= 1:
        site, more = str(kept.loc[gain.idxmax(), "site"]), f"{words.number(gain.max())} cases"
        title = f"{site} gains most by {seen.later}: {more} a year"
        claims = [
            Claim(site, "site", f"site in {kept['site'].tolist()!r}", "largest", by="after_cases_n - before_cases_n"),
            Claim(more, "after_cases_n - before_cases_n", f"site == {site!r}"),
        ]
    tested = _held(scored[scored["chosen"] & scored["mase"].notna()])
    return exhibit(
        "cases-by-site",
        shown,
        title,
        f"Analytic cases a year by tumor site, {report.settings.name}, {seen.now} and forecast {seen.later}",
        sources=VOLUMES,
        labels={
            "before_cases_n": f"Cases {seen.now}",
            "after_cases_n": f"Forecast {seen.later}",
            "last_cases_n": f"Forecast {seen.last}",
        },
        note=f"Site forecasts are scaled to add up to the forecast of all cases. Back-tested before that: {tested.lower()}",
        claims=claims,
    )


def _by_site(seen: Volumes) -> pd.DataFrame:
    """Cases by tumor site now, later and at the end, largest first: ``site, before_cases_n, after_cases_n, last_cases_n``."""
    past, years = quarters.yearly(seen.by_site.cleaned), seen.by_site.years
    before = past[past["year"].eq(seen.now)].set_index("series")["volume_n"]
    after, end = (years[years["year"].eq(year)].set_index("series")["volume_n"].round() for year in (seen.later, seen.last))
    table = pd.DataFrame({"before_cases_n": before, "after_cases_n": after, "last_cases_n": end}).rename_axis("site").reset_index()
    return table.sort_values("before_cases_n", ascending=False, kind="stable", ignore_index=True)


def bridge(report: Report, steps: pd.DataFrame, measure: str, *, now: int, last: int, caveat: str = "") -> Exhibit:
    """Figure: a volume's change by driver (`bridges.volume_bridge`), its ends named by their years; the title says the largest step."""
    ends = {"start": str(now), "end": str(last)}
    names = steps["driver"].where(steps["kind"].eq("step"), steps["kind"].map(ends)).map(first_upper)
    shown = report.protect(pd.DataFrame({"driver": names, "volume_n": steps["value"]}), sources=DEMAND)
    what, unit = {"cases": ("cases", "Cases")}.get(measure, (NAMES[measure], "Visits"))
    title, claims = f"What changes {what} to {last} can't be split", list[Claim]()
    if len(shown):
        moved = shown[~shown["driver"].isin(list(ends.values()))]
        top = moved.loc[moved["volume_n"].abs().idxmax()]
        step = f"{'+' if top['volume_n'] > 0 else '−'}{words.number(abs(top['volume_n']))}"
        title = f"Largest step to {last}: {top['driver'].lower()}, {step} {what}"
        claims = [Claim(step, "volume_n", f"driver == {top['driver']!r}")]
    return exhibit(
        f"drivers-of-{measure.replace('_', '-')}",
        shown,
        title,
        f"{first_upper(NAMES[measure])} a year, {report.settings.name}, {now} to {last}, by driver",
        sources=DEMAND,
        labels={"volume_n": f"{unit} a year"},
        note=caveat,
        claims=claims,
    )
