"""Quarterly series made ready to forecast: the calendar, missing quarters, outliers, unfinished quarters, sums.

Definitions: a *series* is one volume (a measure, or a measure at one tumor site) per quarter; a *working day* is a weekday that is not a
federal holiday; a quarter is *missing* without a value, or when not all of its parts were delivered: for fitting it takes what level, slope
and season of the other quarters expect; an *outlier* is a value whose deleted Student residual from level, slope and season passes the
Bonferroni limit (1 %): it is replaced likewise for fitting, and shown as observed.

Known bias: a straight line with a season is a coarse picture of five years; what bends sharply may be taken for an outlier, and a real jump
of level, kept for several quarters, will not be.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar
from scipy import stats

SEASON = 4
SHORTEST = 8
OUTLIER_LEVEL = 0.01
UNFINISHED = 3
NOTES = ("", "missing: filled for fitting", "outlier: replaced for fitting", "unfinished quarter: left out")


def working_days(quarters: pd.PeriodIndex) -> np.ndarray:
    """Weekdays that are not federal holidays in each quarter, one number per quarter."""
    days = [moment.to_numpy().astype("datetime64[D]") for moment in (quarters.start_time, (quarters + 1).start_time)]
    return np.busday_count(days[0], days[1], holidays=_holidays(int(quarters.year.min()), int(quarters.year.max()))).astype(float)


@lru_cache(maxsize=32)
def _holidays(first: int, last: int) -> np.ndarray:
    return USFederalHolidayCalendar().holidays(f"{first}-01-01", f"{last}-12-31").to_numpy().astype("datetime64[D]")


@lru_cache(maxsize=512)
def student(level: float, freedom: int) -> float:
    """Quantile of Student's t. Kept, because checking its arguments costs scipy more than the rest of a forecast."""
    return float(stats.t.ppf(level, freedom))


def _design(n: int) -> np.ndarray:
    return np.column_stack([np.arange(n), np.eye(SEASON)[np.arange(n) % SEASON]])


@lru_cache(maxsize=64)
def _hat(n: int) -> np.ndarray:
    design = _design(n)
    return design @ np.linalg.pinv(design)


def _fill(row: np.ndarray) -> np.ndarray:
    """The series with missing quarters replaced by what level, slope and season of the others expect; never below zero."""
    known = ~np.isnan(row)
    design = _design(len(row))
    answer, *_ = np.linalg.lstsq(design[known], row[known])
    return np.where(known, row, np.maximum(design @ answer, 0))


def _outliers(row: np.ndarray) -> np.ndarray:
    """Which values no smooth season explains: deleted Student residual beyond the Bonferroni limit."""
    n, hat = len(row), _hat(len(row))
    freedom = n - SEASON - 2
    error, leverage = row - hat @ row, np.diag(hat)
    if freedom < 2 or (error**2).sum() <= 1e-12 * (row**2).sum():
        return np.zeros(n, dtype=bool)
    variance = ((error**2).sum() - error**2 / (1 - leverage)) / freedom
    deleted = np.abs(error) / np.sqrt(np.maximum(variance, 1e-12 * (row**2).mean()) * (1 - leverage))
    return deleted > student(1 - OUTLIER_LEVEL / (2 * n), freedom)


def cleaned(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A series ready to fit, and per value the place in `NOTES` that says what was done.

    References
    ----------
    Cook & Weisberg (1982), Residuals and Influence in Regression, section 2.2.
    """
    return _cleaned_bytes(np.asarray(row, dtype=float).tobytes())


@lru_cache(maxsize=4096)
def _cleaned_bytes(raw: bytes) -> tuple[np.ndarray, np.ndarray]:
    row = np.frombuffer(raw)
    notes = np.isnan(row).astype(int)
    if (~np.isnan(row)).sum() < SHORTEST:
        return row[notes == 0], notes
    used = _fill(row)
    strange = _outliers(used) & (notes == 0)
    if strange.any():
        used, notes = _fill(np.where(strange, np.nan, used)), np.where(strange, 2, notes)
    return used, notes


def table(history: pd.DataFrame, *, as_of: object = None) -> pd.DataFrame:
    """Series as columns over an unbroken quarterly calendar; a quarter without a row is missing.

    Parameters
    ----------
    history
        One row per series and quarter: `series, year, quarter, volume_n`.
    as_of
        Data end: a quarter that is not over on this day is left out.

    Returns
    -------
    One row per quarter, and a column per series.

    Raises
    ------
    ValueError
        A series has two rows for a quarter, or a quarter is not 1 to 4.
    """
    if (strange := ~history["quarter"].isin([1, 2, 3, 4])).any():
        raise ValueError(f"quarter is 1, 2, 3 or 4, not {history.loc[strange, 'quarter'].iloc[0]!r}")
    moments = pd.PeriodIndex.from_fields(year=history["year"].astype(int), quarter=history["quarter"].astype(int), freq="Q")
    twice = history.assign(moment=moments)[["series", "moment"]].duplicated()
    if twice.any():
        raise ValueError(
            "volumes: expected one row per series and quarter, "
            f"found several for {history.loc[twice, 'series'].iloc[0]} {moments[twice][0]}"
        )
    wide = history.assign(moment=moments).pivot(index="moment", columns="series", values="volume_n").astype(float)
    wide = wide.reindex(pd.period_range(wide.index.min(), wide.index.max(), freq="Q")).rename_axis(columns="series")
    return wide if as_of is None else wide[wide.index.end_time.normalize() <= pd.Timestamp(as_of)]


def clean(history: pd.DataFrame, *, as_of: object = None) -> pd.DataFrame:
    """What was observed, what is used for fitting, and why they differ.

    Parameters
    ----------
    history, as_of
        As in `table`.

    Returns
    -------
    One row per series and quarter: `series`, `year`, `quarter`, `volume_n` (as observed), `used_n` (for fitting) and `note`.
    """
    wide = table(history)
    kept = wide if as_of is None else table(history, as_of=as_of)
    frames = []
    for name, values in wide.items():
        used, notes = cleaned(kept[name].to_numpy())
        if len(used) < len(kept):
            used = kept[name].to_numpy()
        late = len(wide) - len(kept)
        frames.append(
            pd.DataFrame(
                {
                    "series": name,
                    "year": wide.index.year,
                    "quarter": wide.index.quarter,
                    "volume_n": values.to_numpy(),
                    "used_n": np.append(used, np.full(late, np.nan)),
                    "note": [NOTES[note] for note in [*notes, *[UNFINISHED] * late]],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def strange(wide: pd.DataFrame) -> pd.DataFrame:
    """Which values are outliers by everything known today.

    Returns
    -------
    True or false in the rows and columns of `wide` (of `table`).
    """
    flags = {name: cleaned(values.to_numpy())[1] == 2 for name, values in wide.items()}
    return pd.DataFrame(flags, index=wide.index)


def yearly(cleaned: pd.DataFrame) -> pd.DataFrame:
    """Calendar years of what was observed.

    A quarter that was not delivered takes the filled value, so that years compare; where the series is too short to fill it, the year is
    missing. An outlier counts as observed, an unfinished quarter not at all. A year of fewer than four quarters is none to compare.

    Parameters
    ----------
    cleaned
        Of `clean`.

    Returns
    -------
    One row per series and year: `series`, `year`, `volume_n`, `quarters_n` in it, and how many of them were filled, `filled_n`.
    """
    over = cleaned[cleaned["note"].ne(NOTES[UNFINISHED])]
    value = over["volume_n"].fillna(over["used_n"])
    kept = over.assign(volume_n=value, filled_n=over["volume_n"].isna() & value.notna(), known=value.notna())
    years = kept.groupby(["series", "year"], as_index=False, sort=False).agg(
        volume_n=("volume_n", "sum"), quarters_n=("known", "size"), filled_n=("filled_n", "sum"), known=("known", "all")
    )
    return years.assign(volume_n=years["volume_n"].where(years["known"])).drop(columns="known")


def whole(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of years of which every quarter is on record: a year that is not over is no year to count or compare.

    Parameters
    ----------
    rows
        One row per `year`, `quarter` and anything else.
    """
    seen = rows[["year", "quarter"]].drop_duplicates().groupby("year").size()
    return rows[rows["year"].isin(seen.index[seen.eq(SEASON)])]


def tidy(volumes: pd.DataFrame) -> pd.DataFrame:
    """Volumes with one column per measure (`cases_n` ...) as one row per measure.

    Returns
    -------
    One row per measure, site and quarter: `measure`, `site`, `year`, `quarter` and `volume_n`.
    """
    measures = [column for column in volumes.columns if column.endswith("_n")]
    long = volumes.melt(["site", "year", "quarter"], measures, var_name="measure", value_name="volume_n")
    return long.assign(measure=long["measure"].str.removesuffix("_n"))


def totals(tidy_volumes: pd.DataFrame, by: str) -> pd.DataFrame:
    """Quarterly sums by one column; a sum with a part that was not delivered is missing.

    Returns
    -------
    One row per value of `by` and quarter: `series` (the value), `year`, `quarter` and `volume_n`.
    """
    groups = tidy_volumes.groupby([by, "year", "quarter"], sort=False)["volume_n"]
    sums = groups.sum().where(groups.count() == groups.size())
    return sums.rename_axis(["series", "year", "quarter"]).reset_index()
