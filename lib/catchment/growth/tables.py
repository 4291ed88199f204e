"""Tables of the growth page: the analysis' frames cut and named for a reader. No number is computed here beyond sums and joins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from catchment import words
from catchment.stats import quarters, uncertainty

from .findings import NAMES, first_upper

if TYPE_CHECKING:
    from catchment.params.growth import Driver
    from catchment.stats.forecast import Outlook

SERVICES = ("infusion_visits", "fractions", "surgeries")  # follow the working days of a quarter
BANDS = ["volume_n_low_80", "volume_n_high_80", "volume_n_low_95", "volume_n_high_95"]
CASH_BANDS = [("total_usd_low_80", "total_usd_high_80"), ("total_usd_low_95", "total_usd_high_95")]
BAND_PAIRS = [("volume_n_low_80", "volume_n_high_80"), ("volume_n_low_95", "volume_n_high_95")]
LABELS = {
    "measure": "Volume", "method": "Method", "volume_n": "Volume", "now_n": "Now", "volume_n_low_80": "80 % from",
    "volume_n_high_80": "80 % to", "volume_n_low_95": "95 % from", "volume_n_high_95": "95 % to", "status": "Status", "mase": "MASE",
    "smape_share": "sMAPE", "rmse": "RMSE", "naive_mase": "MASE of last year's quarter", "coverage_80_share": "In the 80 % interval",
    "coverage_95_share": "In the 95 % interval", "title": "Name", "kind": "Kind", "start": "Start", "outlay_usd": "Capital and start",
    "capital_usd": "Capital", "running_usd": "Running", "brings_n": "Cases a year", "even_n": "Cases to cover running", "npv_usd": "NPV",
    "irr_share": "IRR", "mirr_share": "MIRR", "payback_years": "Payback", "discounted_payback_years": "Discounted payback",
    "profitability_index": "Profitability index", "probability_share": "Chance", "break_even_share": "Pays at share of effect",
    "expected_usd": "NPV times chance", "panel": "Volume", "revenue_usd": "Net revenue", "contribution_share": "Share of revenue",
    "path": "End of the tree", "weighted_usd": "Chance times NPV", "line": "Case", "utilization_share": "In use",
    "now_share": "In use, first year", "limit_share": "Planning limit", "resource": "Resource", "need_last": "Needed in the end",
    "available_last": "There in the end", "year_hit": "Limit passed", "year_over": "100 % passed",
    "year_hit_planned": "Limit passed, with the plan", "wait_min": "Mean wait", "wait_share": "Who wait", "available": "Units",
    "driver": "Driver", "t": "Plan year", "period": "Year", "service_margin_usd": "Services", "drug_margin_usd": "Drugs",
    "one_off_usd": "Starting", "net_usd": "Net cash", "discounted_total_usd": "Discounted so far", "rank": "Place", "fit_share": "Fit",
    "effort": "Effort", "risk": "Risk", "score_share": "Score", "first_share": "First in", "low_value": "P10", "high_value": "P90",
    "low": "NPV at P10", "high": "NPV at P90", "swing": "Swing", "phase": "Phase", "owner": "Owner", "requires": "Requires",
    "assess": "Assess from", "plan": "Plan from", "pilot": "Pilot from", "scale": "Scale from", "sustain": "Sustain from", "note": "Note",
    "date": "Set on", "initiatives": "Initiatives", "contribution_usd": "Contribution", "amount_usd": "Running total",
    "low_usd": "NPV at P10", "high_usd": "NPV at P90", "base_usd": "Base", "swing_usd": "Swing", "worth_usd": "Worth of knowing it",
    "base_value": "Central", "break_even_value": "Breaks even at", "chance_share": "Chance of the losing side", "need": "Need",
    "theme": "Theme", "need_usd": "Capital and start", "funded_usd": "Funded", "gap_usd": "Gap", "year": "Year",
}  # fmt: skip


def by_measure(seen: "Outlook", now: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Yearly volumes observed and forecast, the series called ``measure``, and the volumes of one observed year by measure."""
    past, years = (frame.rename(columns={"series": "measure"}) for frame in (quarters.yearly(seen.cleaned), seen.years))
    return past, years, past[past["year"].eq(now)].set_index("measure")["volume_n"]


def one(volumes: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of one measure."""
    return volumes[volumes["measure"].eq(measure)]


def priced(recent: pd.Series, measures: Iterable[str]) -> pd.DataFrame:
    """Volumes of the last full year that have a price: ``measure, volume_n``."""
    return recent[recent.index.isin(list(measures))].rename_axis("measure").rename("volume_n").reset_index()


def fan(known: pd.DataFrame, coming: pd.DataFrame) -> pd.DataFrame:
    """What a fan shows: observed years, then the forecast with its limits."""
    columns = [*(["panel"] if "panel" in known else []), "year", "status", "volume_n", *BANDS]
    whole = pd.concat([known.assign(status="observed"), coming.assign(status="forecast")], ignore_index=True).reindex(columns=columns)
    return whole.sort_values("panel", kind="stable", ignore_index=True) if "panel" in whole else whole


def outlook(past: pd.DataFrame, years: pd.DataFrame, wanted: Sequence[int]) -> pd.DataFrame:
    """Each measure now and in the wanted years, with 80 % limits for the last two."""
    table = pd.DataFrame({"measure": [first_upper(NAMES[measure]) for measure in NAMES]}, index=list(NAMES))
    seen = past.set_index(["measure", "year"])["volume_n"]
    coming = years.set_index(["measure", "year"])
    for year in wanted:
        source = seen if (table.index[0], year) in seen.index else coming["volume_n"]
        table[f"{year}_n"] = source.xs(year, level="year")
    for year in wanted[-2:]:
        limits = coming.xs(year, level="year")
        table[f"{year}_interval"] = [
            words.interval(limits.at[name, BANDS[0]], limits.at[name, BANDS[1]]) if limits.at[name, "volume_n"] > 0 else "none so far"
            for name in table.index
        ]
    table["method"] = years.groupby("measure")["method"].first()
    return table.reset_index(drop=True)


def outlook_labels(wanted: Sequence[int]) -> dict[str, str]:
    """Headings of `outlook`."""
    return LABELS | {f"{year}_n": str(year) for year in wanted} | {f"{year}_interval": f"{year}, 80 % interval" for year in wanted}


def repairs(cleaned: pd.DataFrame) -> str:
    """What was done to the data before fitting, as a sentence."""
    odd = cleaned[cleaned["note"].ne("")]
    said = [f"{NAMES.get(row['series'], row['series'])} {row['year']} Q{row['quarter']} ({row['note']})" for _, row in odd.iterrows()]
    return f"Quarters treated before fitting: {words.listing(said)}." if said else "No quarter was missing or an outlier."


def tests(scored: pd.DataFrame) -> pd.DataFrame:
    """The chosen method of each measure with its errors and coverage, and the error of repeating last year's quarter."""
    chosen = scored[scored["chosen"]]
    habit = scored[scored["method"].eq("seasonal naive")].set_index("series")["mase"]
    table = chosen.assign(measure=[first_upper(NAMES.get(name, name)) for name in chosen["series"]], naive_mase=chosen["series"].map(habit))
    return (
        table[["measure", "method", "mase", "naive_mase", "smape_share", "rmse", "coverage_80_share", "coverage_95_share"]]
        .dropna(subset="mase")
        .round({"mase": 2, "naive_mase": 2, "rmse": 1})
        .reset_index(drop=True)
    )


def sites(seen: "Outlook", coming: pd.DataFrame, *, now: int, later: int, last: int) -> pd.DataFrame:
    """Cases by tumor site now, later and at the end, largest first: ``site, before_cases_n, after_cases_n, last_cases_n``."""
    quarters = seen.cleaned[seen.cleaned["year"].eq(now)]
    before = quarters.groupby("series")["volume_n"].sum()
    after = coming[coming["year"].eq(later)].set_index("series")["volume_n"]
    end = coming[coming["year"].eq(last)].set_index("series")["volume_n"]
    table = pd.DataFrame({"before_cases_n": before, "after_cases_n": after.round(), "last_cases_n": end.round()})
    table = table.rename_axis("site").reset_index()
    return table.sort_values("before_cases_n", ascending=False, kind="stable", ignore_index=True)


def cash(fan: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A cash fan (see `growth.cash_fan`) as what is known, the start, and what is simulated."""
    return fan.head(1)[["year", "total_usd"]], fan.iloc[1:]


def panels(past: pd.DataFrame, years: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History and forecast of every service that's given here, named for a reader."""
    given = [measure for measure in list(NAMES)[1:] if past.loc[past["measure"].eq(measure), "volume_n"].sum() > 0]
    frames = [
        frame[frame["measure"].isin(given)].assign(panel=frame["measure"].map(NAMES).map(first_upper, na_action="ignore"))
        for frame in (past, years)
    ]
    return tuple(
        frame.sort_values("measure", key=lambda names: names.map(given.index), kind="stable", ignore_index=True) for frame in frames
    )


def margins(contributed: pd.DataFrame, cases: float) -> pd.DataFrame:
    """Contribution by measure with the total, and per analytic case."""
    columns = ["revenue_usd", "service_margin_usd", "drug_margin_usd", "contribution_usd"]
    given = contributed[contributed["volume_n"] > 0]
    table = given.assign(title=[first_upper(NAMES[measure]) for measure in given["measure"]])[["title", "volume_n", *columns]]
    total = {"title": "All", **table[columns].sum().to_dict()}
    per_case = {"title": "Per analytic case", **(table[columns].sum() / cases).to_dict()}
    whole = pd.concat([table, pd.DataFrame([total, per_case])], ignore_index=True)
    return whole.assign(contribution_share=whole["contribution_usd"] / whole["revenue_usd"])


def budget(yearly: pd.DataFrame) -> pd.DataFrame:
    """What each initiative asks of each year's budget: capital, starting and running cost together, years across."""
    whole = yearly.assign(cost=yearly[["capital_usd", "one_off_usd", "running_usd"]].sum(axis=1))
    wide = whole.pivot(index="title", columns="year", values="cost").loc[list(dict.fromkeys(whole["title"]))]
    table = pd.concat([wide, wide.sum().to_frame("All").T])
    return table.set_axis([f"{year}_usd" for year in wide.columns], axis=1).rename_axis("title").reset_index()


def steps(bridge: pd.DataFrame, *, now: int, last: int) -> pd.DataFrame:
    """A bridge with its ends named by their years: ``driver, volume_n, kind``."""
    names = bridge["driver"].where(bridge["kind"].eq("step"), bridge["kind"].map({"start": str(now), "end": str(last)}))
    return bridge.assign(driver=names.map(first_upper), volume_n=bridge["value"])


def without_end(bridge: pd.DataFrame) -> pd.DataFrame:
    """A bridge's start and steps; the drawing adds the end itself."""
    return bridge[bridge["kind"].ne("end")]


def initiatives(valued: pd.DataFrame) -> pd.DataFrame:
    """What each initiative costs and is worth."""
    even = valued["even_n"].round().where(valued["cases_n"].ne(0))
    table = valued.assign(brings_n=valued["cases_n"].round(), even_n=even, outlay_usd=valued["capital_usd"])
    return table[
        [
            "title",
            "outlay_usd",
            "running_usd",
            "brings_n",
            "even_n",
            "npv_usd",
            "payback_years",
            "break_even_share",
            "probability_share",
        ]
    ].round({"payback_years": 1})


def scenarios(compared: pd.DataFrame) -> pd.DataFrame:
    """The scenarios side by side."""
    table = compared[
        [
            "title",
            "owner",
            "date",
            "initiatives",
            "capital_usd",
            "npv_usd",
            "irr_share",
            "mirr_share",
            "payback_years",
            "discounted_payback_years",
            "profitability_index",
        ]
    ]
    return table.round({"payback_years": 1, "discounted_payback_years": 1, "profitability_index": 2})


def rooms(unchanged: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """Use of machines and chairs by year, with and without the plan; a resource that isn't there is left out."""
    both = pd.concat([unchanged.assign(case="nothing changes"), planned.assign(case="with the plan")])
    kept = both[both["resource"].isin(["linac", "chair"]) & np.isfinite(both["utilization_share"]) & both["available"].gt(0)]
    short = kept["resource"].map({"linac": "Linacs", "chair": "Chairs"})
    return (
        kept.assign(line=short + ", " + kept["case"])[
            ["resource", "line", "year", "utilization_share", "limit_share", "volume_n", "available"]
        ]
        .round({"available": 1})
        .reset_index(drop=True)
    )


def limits(unchanged: pd.DataFrame, planned: pd.DataFrame) -> pd.DataFrame:
    """When each resource is short, without and with the plan ("never" within the years given); one neither there nor needed is left out."""
    table = unchanged.merge(
        planned[["resource", "year_hit"]].rename(columns={"year_hit": "year_hit_planned"}), on="resource", how="left", validate="one_to_one"
    )
    hit = ["year_hit", "year_over", "year_hit_planned"]
    kept = table[(table["available_last"] > 0) | (table["need_last"] > 0)]
    kept = kept.assign(**{column: kept[column].astype("string").fillna("never") for column in hit})
    return (
        kept.rename(columns={"utilization_share": "now_share"})[
            ["title", "now_share", "limit_share", "need_last", "available_last", "year_hit", "year_over", "year_hit_planned"]
        ]
        .round({"need_last": 1, "available_last": 1})
        .reset_index(drop=True)
    )


def statement(pro_forma: pd.DataFrame) -> pd.DataFrame:
    """The pro forma with costs as negative amounts, so that the columns add to the net cash."""
    costs = ["running_usd", "one_off_usd", "capital_usd"]
    table = pro_forma.assign(**{cost: 0 - pro_forma[cost] for cost in costs}, period=["start", *pro_forma["year"].iloc[1:].astype(str)])
    return table.assign(t=table["t"].astype(str))[
        ["t", "period", "service_margin_usd", "drug_margin_usd", *costs, "net_usd", "discounted_total_usd"]
    ]


def cumulative(pro_forma: pd.DataFrame) -> pd.DataFrame:
    """Running totals of net cash, plain and discounted, in long form."""
    names = {"total_usd": "Plain", "discounted_total_usd": "Discounted"}
    return pro_forma.melt("t", list(names), var_name="line", value_name="amount_usd").assign(line=lambda rows: rows["line"].map(names))


def bins(npv: np.ndarray) -> pd.DataFrame:
    """Share of draws by NPV: ``npv_usd_low, npv_usd_high, draws_share``."""
    table = uncertainty.histogram(npv, bins=24).rename(columns={"low": "npv_usd_low", "high": "npv_usd_high"})
    return table.drop(columns="middle")


def percentiles(chances: Mapping[str, float]) -> dict[str, float]:
    """The percentiles to mark in a distribution, by the name to print."""
    return {name.upper(): chances[name] for name in ("p10", "p50", "p90")}


def swings(tornado: pd.DataFrame, drivers: Mapping[str, "Driver"]) -> pd.DataFrame:
    """The tornado's rows: driver, its ends with unit, NPV at each."""
    ends = {
        end: [setting(value, drivers[name]) for value, name in zip(tornado[end], tornado["driver"], strict=True)]
        for end in ("low_value", "high_value")
    }
    return pd.DataFrame(
        {
            "title": [drivers[name].title for name in tornado["driver"]],
            **ends,
            "low_usd": tornado["low"],
            "high_usd": tornado["high"],
            "swing_usd": tornado["swing"],
        }
    )


def setting(value: float, driver: "Driver") -> str:
    """A driver's value with its unit: a factor as percent of plan, months and standard deviations as they are."""
    if pd.isna(value):
        return "not in its range"
    if driver.unit == "ratio":
        return f"{words.share(value, digits=0)} of plan"
    return f"{words.number(value, digits=1)} {driver.unit}"


def even(crossing: pd.DataFrame, knowing: pd.DataFrame, drivers: Mapping[str, "Driver"]) -> pd.DataFrame:
    """Where each driver breaks even (see `uncertainty.break_even`) and what knowing it is worth (`uncertainty.value_of_knowing`)."""
    found = crossing.merge(knowing, on="driver", how="outer", validate="one_to_one", sort=False)
    known = found["driver"].isin(list(drivers))
    titles = [drivers[name].title if name in drivers else first_upper(name) for name in found["driver"]]
    ends = {
        column: [
            setting(value, drivers[name]) if name in drivers else "" for value, name in zip(found[column], found["driver"], strict=True)
        ]
        for column in ("base_value", "break_even_value")
    }
    table = pd.DataFrame({"title": titles, **ends, "chance_share": found["chance_share"].where(known), "worth_usd": found["worth_usd"]})
    return (
        table.assign(whole=~known)
        .sort_values(["whole", "worth_usd"], ascending=[True, False], kind="stable", ignore_index=True)
        .drop(columns="whole")
    )


def grid(two_way: pd.DataFrame, first: str, second: str, drivers: Mapping[str, "Driver"]) -> pd.DataFrame:
    """The two-way table in long form: percentile and setting of both drivers, NPV."""
    names = [f"P{level * 100:.0f}" for level in uncertainty.GRID]
    table = two_way.sort_values([first, second], ignore_index=True)
    return pd.DataFrame(
        {
            "first": np.repeat(names, len(names)),
            "second": np.tile(names, len(names)),
            "first_setting": [setting(value, drivers[first]) for value in table[first]],
            "second_setting": [setting(value, drivers[second]) for value in table[second]],
            "npv_usd": table["outcome"],
        }
    )


def ranks(ranked: pd.DataFrame) -> pd.DataFrame:
    """The ranking for a reader, costs of effort and risk as scores."""
    return ranked[["title", "rank", "rank_low", "rank_high", "score_share", "npv_usd", "fit_share", "effort", "risk", "first_share"]].round(
        {"rank_low": 0, "rank_high": 0}
    )


def road(roadmap: pd.DataFrame) -> pd.DataFrame:
    """One row per initiative, the first month of each phase across."""
    month = roadmap["start"].dt.strftime("%b %Y") + np.where(roadmap["late"], " (late)", "")
    order = list(dict.fromkeys(roadmap["title"]))
    wide = roadmap.assign(month=month).pivot(index=["title", "owner", "requires"], columns="phase", values="month").reset_index()
    wide = wide.set_index("title").loc[order].reset_index()
    return wide.reindex(columns=["title", "assess", "plan", "pilot", "scale", "sustain", "requires", "owner"])
