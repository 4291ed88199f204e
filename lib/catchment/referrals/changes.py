"""What changed: new, growing, declining and lost referrers between two equal periods, and where a series breaks.

Definitions: counts of the two periods are taken as Poisson with the same exposure; given their sum, the later one is then binomial
with probability one half (the exact conditional test). A change is judged only when the larger count reaches a minimum volume,
and called only when it survives the Benjamini-Hochberg control of false discoveries over all changes judged together.

Known bias: referrals of one clinician cluster (a patient's relatives, a practice's habits), so the Poisson test is somewhat
too ready to call a change; the minimum volume and the false discovery control lean against it. Periods must be equal and hold
the same quarters of the year, or season passes for change.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from catchment.stats.rates import poisson_exact

NEW, GROWING, DECLINING, LOST = "new", "growing", "declining", "lost"
SAME, FEW = "no measurable change", "too few to judge"


class RateComparison(NamedTuple):
    """Rate ratio (second over first) with exact limits, and the two-sided p-value of no difference."""

    ratio: float
    low: float
    high: float
    pvalue: float


class ChangePoint(NamedTuple):
    """Position of the last value before the break, rates on both sides, likelihood ratio and its p-value."""

    position: int
    before_mean: float
    after_mean: float
    statistic: float
    pvalue: float


def poisson_test(count1: float, count2: float, *, exposure1: float = 1.0, exposure2: float = 1.0, alpha: float = 0.05) -> RateComparison:
    """Exact conditional comparison of two Poisson rates, second against first.

    Raises
    ------
    ValueError
        A count is not a whole number of 0 or more, or an exposure is not positive.

    References
    ----------
    Przyborowski and Wilenski (1940), Biometrika 31; limits of Clopper and Pearson (1934) on the conditional binomial.
    """
    whole = all(np.isfinite(count) and count >= 0 and count == int(count) for count in (count1, count2))
    if not whole or not min(exposure1, exposure2) > 0:
        raise ValueError(
            f"counts must not be negative or broken, and exposures must be positive: {count1}, {count2}, {exposure1}, {exposure2}"
        )
    total = int(count1 + count2)
    if total == 0:
        return RateComparison(np.nan, 0.0, np.inf, 1.0)
    result = stats.binomtest(int(count2), total, exposure2 / (exposure1 + exposure2))
    limits = proportion_confint(int(count2), total, alpha=alpha, method="beta")
    scale = exposure1 / exposure2
    low, high = (float(scale * p / (1 - p)) if p < 1 else np.inf for p in limits)
    ratio = scale * count2 / count1 if count1 else np.inf
    return RateComparison(ratio, low, high, float(result.pvalue))


def periods(referrals: pd.DataFrame, *, last: pd.Timestamp, quarters: int = 4) -> pd.Series:
    """Name each row's period: "now" for the `quarters` quarters up to `last`, "before" for as many before them, else missing.

    Parameters
    ----------
    last
        Last day covered by the data; a quarter that it cuts short does not count.

    Raises
    ------
    ValueError
        There is no quarter to compare.
    """
    if quarters < 1:
        raise ValueError(f"a period has at least one quarter, not {quarters}")
    whole = pd.Timestamp(last) + pd.Timedelta(days=1)
    end = pd.Timestamp(whole.year, 3 * ((whole.month - 1) // 3) + 1, 1)
    middle, start = end - pd.DateOffset(months=3 * quarters), end - pd.DateOffset(months=6 * quarters)
    when = pd.to_datetime(referrals["period"])
    named = np.select([(when >= middle) & (when < end), (when >= start) & (when < middle)], ["now", "before"], "")
    return pd.Series(named, index=referrals.index, name="span").replace("", pd.NA)


def through(period: pd.Series, *, last: pd.Timestamp) -> pd.Timestamp:
    """The last day of the last whole quarter that a table holds, up to `last`: what it does not tell of yet is no fall.

    Parameters
    ----------
    period
        First days of quarters, of all rows of the table.
    last
        Last day that the table could cover, such as the date of the page; a quarter that it cuts short does not count.
    """
    held = pd.to_datetime(period).max().to_period("Q").end_time.normalize()
    day = min(held, pd.Timestamp(last)) + pd.Timedelta(days=1)
    return day.to_period("Q").start_time - pd.Timedelta(days=1)


def gaps(period: pd.Series, *, last: pd.Timestamp, quarters: int = 4) -> list[str]:
    """Quarters of the two periods up to `last`, such as 2025 Q2, of which a whole table holds no row."""
    end = (pd.Timestamp(last) + pd.Timedelta(days=1)).to_period("Q")
    held = set(pd.to_datetime(period).dt.to_period("Q"))
    wanted = (end - back for back in range(2 * quarters, 0, -1))
    return [f"{quarter.year} Q{quarter.quarter}" for quarter in wanted if quarter not in held]


def reaching(span: pd.Series, period: pd.Series, *, last: pd.Timestamp, quarters: int = 4) -> pd.Series:
    """`periods` of a whole table without "before" where a quarter of either is not in the table: a part of it would compare too low."""
    return span.mask(span == "before") if gaps(period, last=last, quarters=quarters) else span


def changes(referrals: pd.DataFrame, *, by: Sequence[str], smallest: int = 11, false_discovery: float = 0.05) -> pd.DataFrame:
    """Compare two periods for each group and label the change.

    Parameters
    ----------
    referrals
        Rows with `span` ("before" or "now", see `periods`) and `referrals_n`. Without any row of the period before nothing is judged:
        the data do not reach back so far, and not everybody is new.
    smallest
        Volume that the larger of the two counts must reach to be judged.
    false_discovery
        Share of the called changes that may be false.

    Returns
    -------
    One row per group: `before_referrals_n`, `now_referrals_n`, `difference_n`, `ratio` with `ratio_low`, `ratio_high`, `pvalue`,
    `adjusted` (Benjamini-Hochberg over the judged rows, missing for the others), `label`. Largest movements first.

    References
    ----------
    Benjamini and Hochberg (1995), JRSS B 57:289.
    """
    keys = list(by)
    spans = referrals[referrals["span"].notna()]
    wide = spans.groupby([*keys, "span"], observed=True)["referrals_n"].sum().unstack("span", fill_value=0)
    wide = wide.reindex(columns=["before", "now"], fill_value=0).astype(int)
    table = wide.rename(columns={"before": "before_referrals_n", "now": "now_referrals_n"}).rename_axis(columns=None).reset_index()
    tests = [poisson_test(b, n) for b, n in zip(table["before_referrals_n"], table["now_referrals_n"], strict=True)]
    table[["ratio", "ratio_low", "ratio_high", "pvalue"]] = np.array(tests, float).reshape(len(table), 4)
    table["difference_n"] = table["now_referrals_n"] - table["before_referrals_n"]
    judged = table[["before_referrals_n", "now_referrals_n"]].max(axis=1).ge(smallest) & spans["span"].eq("before").any()
    table["adjusted"] = np.nan
    if judged.any():
        table.loc[judged, "adjusted"] = stats.false_discovery_control(table.loc[judged, "pvalue"])
    table["label"] = _labels(table, judged, false_discovery)
    order = table["difference_n"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _labels(table: pd.DataFrame, judged: pd.Series, false_discovery: float) -> np.ndarray:
    before, now = table["before_referrals_n"], table["now_referrals_n"]
    quiet = ~(table["adjusted"] <= false_discovery)
    return np.select([~judged, quiet, before == 0, now == 0, now > before], [FEW, SAME, NEW, LOST, GROWING], DECLINING)


def change_point(counts: ArrayLike, *, replicates: int = 1999, seed: int = 0, margin: int = 1) -> ChangePoint:
    """One change of level in a series of equally spaced counts, by the maximal Poisson likelihood ratio.

    The p-value is a Monte Carlo one: given the total and no change, the counts are multinomial with equal chances; the largest
    ratio of `replicates` such series is compared with the observed one, so that looking at every position is paid for.

    Parameters
    ----------
    counts
        Equally spaced counts; at least four.
    margin
        Values that must lie on each side of the break.

    Raises
    ------
    ValueError
        The series is too short for the margin, or a value is no count.

    References
    ----------
    Worsley (1986), Biometrika 73:91. British coal-mining disasters break after 1891 (Raftery and Akman 1986, Biometrika 73:85).
    """
    series = np.asarray(counts, float)
    if series.ndim != 1 or len(series) < 4 or not np.isfinite(series).all() or (series < 0).any() or (series % 1 != 0).any():
        raise ValueError("a change point needs one series of at least four counts, none negative or missing")
    if not 1 <= margin <= len(series) // 2:
        raise ValueError(f"margin must leave a place for the break: 1 to {len(series) // 2}, not {margin}")
    total = series.sum()
    if total == 0:
        return ChangePoint(-1, 0.0, 0.0, 0.0, 1.0)
    ratios = _ratios(series[None, :], margin)[0]
    cut = int(ratios.argmax()) + margin
    draws = np.random.default_rng(seed).multinomial(int(total), np.full(len(series), 1 / len(series)), size=replicates)
    beaten = (_ratios(draws.astype(float), margin).max(axis=1) >= ratios.max() - 1e-9).sum()
    return ChangePoint(cut - 1, series[:cut].mean(), series[cut:].mean(), float(ratios.max()), (1 + beaten) / (1 + replicates))


def _ratios(series: np.ndarray, margin: int) -> np.ndarray:
    """Twice the log-likelihood gained by a break after each position, for each row of counts."""
    n = series.shape[1]
    sizes = np.arange(1, n)[margin - 1 : n - margin]
    left = series.cumsum(axis=1)[:, margin - 1 : n - margin]
    total = series.sum(axis=1, keepdims=True)

    def gained(events: np.ndarray, length: np.ndarray) -> np.ndarray:
        return np.where(events > 0, events * np.log(np.where(events > 0, events, 1) / length), 0.0)

    return 2 * (gained(left, sizes) + gained(total - left, n - sizes) - gained(total, np.array(n)))


def breaks(
    referrals: pd.DataFrame,
    *,
    by: str = "npi",
    last: pd.Timestamp | None = None,
    smallest: int = 44,
    replicates: int = 1999,
    seed: int = 0,
    false_discovery: float = 0.05,
) -> pd.DataFrame:
    """Change point of each group's quarterly series with at least `smallest` referrals in all, false discoveries controlled.

    Parameters
    ----------
    last
        Last day covered by the data: a quarter that it cuts short would look like a break and is left out. By default all are whole.

    Returns
    -------
    One row per judged group: `first_quarter` of the new level (such as 2025 Q1), `before_referrals_n` in `before_quarters`,
    `after_referrals_n` in `after_quarters`, `ratio` of the quarterly means, `statistic`, `pvalue`, `adjusted`, `broke`; the
    clearest break first. No row where fewer than four quarters are known.
    """
    known = pd.to_datetime(referrals["period"])
    if last is not None:
        known = known[known.dt.to_period("Q").dt.end_time.dt.normalize() <= pd.Timestamp(last)]
    quarters = pd.period_range(known.min(), known.max(), freq="Q").to_timestamp() if len(known) else pd.DatetimeIndex([])
    series = referrals.pivot_table(index=by, columns="period", values="referrals_n", aggfunc="sum", fill_value=0, observed=True)
    series = series.reindex(columns=quarters, fill_value=0)
    series = series[series.sum(axis=1) >= smallest] if len(quarters) >= 4 else series.head(0)
    found = pd.DataFrame(
        [change_point(row, replicates=replicates, seed=seed) for row in series.to_numpy()], columns=ChangePoint._fields, index=series.index
    )
    cut = found["position"].astype(int) + 1
    first = quarters[cut.clip(upper=len(quarters) - 1)]
    table = pd.DataFrame(
        {"first_quarter": [f"{day.year} Q{day.quarter}" for day in first], "before_quarters": cut, "after_quarters": len(quarters) - cut},
        index=series.index,
    )
    table["before_referrals_n"] = (found["before_mean"] * cut).round().astype(int)
    table["after_referrals_n"] = series.sum(axis=1).astype(int) - table["before_referrals_n"]
    table["ratio"] = found["after_mean"] / found["before_mean"].where(found["before_mean"] > 0)
    table[["statistic", "pvalue"]] = found[["statistic", "pvalue"]]
    table["adjusted"] = stats.false_discovery_control(table["pvalue"].astype(float)) if len(table) else np.nan
    table["broke"] = table["adjusted"] <= false_discovery
    return table.sort_values("statistic", ascending=False, kind="stable").reset_index()


def yearly(referrals: pd.DataFrame, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """Referrals by group and calendar year, in the order of both: `year` and `referrals_n`; for their limits see `limits`."""
    dated = referrals.assign(year=pd.to_datetime(referrals["period"]).dt.year)
    return dated.groupby([*by, "year"], observed=True, as_index=False)["referrals_n"].sum()


def limits(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `referrals_n`, as counted or as rounded, with exact 95 % Poisson limits `referrals_low` and `referrals_high`."""
    low, high = poisson_exact(table["referrals_n"].to_numpy(float))
    return table.assign(referrals_low=low, referrals_high=high)
