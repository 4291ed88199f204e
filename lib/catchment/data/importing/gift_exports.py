"""A newer export of the same ledger beside earlier ones: what it repeats is compared and replaced, what it no longer holds is withdrawn.

The rule. Of two files that name the same rows, the one with the later last day is newer (or the one whose name has the later date).
The newer one decides on every row that it names, also where it calls it lost or refunded. It is *cumulative* when it names at least half
of the other's rows within its own days; then the other's rows within those days that it does not name are withdrawn. Rows outside of
its days stay. Files whose identifiers mean other gifts (another donor and another day) are refused: numbers must not start anew.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .gift_tally import Tally, usd
from .layout import Layout
from .shelf import BESIDE
from .stream import ImportRefused

CHANGES = ".changes.csv"
CUMULATIVE_SHARE = 0.5
_PART = re.compile(r"/\d+$")  # a further part of a split gift
_DATED = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])(?:[-_.]?([0-3]\d))?(?!\d)")
_MARK = b"catchment.ledger"


@dataclass
class Compared:
    """What a comparison found, in words, and how many rows of earlier files no longer stand."""

    note: str = ""
    withdrawn: int = 0


def mark(tally: Tally) -> dict[bytes, bytes]:
    """What a later import has to know of a file beyond its rows: its days, and the identifiers that it names without a row."""
    said = {"days": [f"{day:%Y-%m-%d}" for day in tally.days], "names": sorted(tally.names)}
    return {_MARK: json.dumps(said).encode()}


def compare(fresh: Path, others: Sequence[Path], layout: Layout, spoken: set[int], tally: Tally, name: str) -> Compared:
    """Compare the Parquet file of a new export with those beside it.

    Where it is the newer one, the others' rows that it replaces or withdraws are left out of new versions of them, in `BESIDE` next to it;
    where it is the older one, its own rows are left out.
    """
    notes, withdrawn, changes = [], 0, []
    keys = [column for column in layout.key if column != "partner"]
    for other in others:
        theirs = _frame(other)
        named = _named(theirs, keys, spoken)
        mine = _frame(fresh)
        if not (named.any() or _names(other) & set(map(_base, mine[keys[0]].astype(str)))):
            continue
        _refuse_other_gifts(theirs[named], mine, keys, name, other)
        if _newer(tally, name, other, theirs, layout.period):
            gone = named | _no_longer_held(theirs, named, tally.days, layout.period)
            told = _told(theirs[gone], mine, keys)
            changes += told
            withdrawn += sum(each["now"] == "" for each in told)
            notes.append(_note(other.stem, theirs[gone], keys, told))
            _write(theirs[~gone], other, fresh.parent / BESIDE / other.name)
        else:
            held = {hash(values) for values in _values(theirs, keys)} | {hash((each,)) for each in _names(other)}
            old = _named(mine, keys, held)
            old |= _no_longer_held(mine, old, _days(other, theirs, layout.period), layout.period)
            notes.append(f"{other.stem} is newer and decides on {old.sum():,} rows of this file, which stay out.")
            _write(mine[~old], fresh, fresh)
    if changes:
        _write_changes(fresh.with_name(fresh.name.removesuffix(".part")).with_suffix(CHANGES), changes)
    return Compared(" ".join(notes), withdrawn)


def _frame(path: Path) -> pd.DataFrame:
    try:
        return pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0]
        raise ImportRefused(f"{path.name}, imported before, cannot be read ({said}); take it away with --remove {path.name}") from error


def _values(frame: pd.DataFrame, keys: Sequence[str]) -> list[tuple]:
    """What names each row, a part of a split gift as the gift itself."""
    columns = [frame[key].astype(str).tolist() for key in keys]
    return [(_base(first), *rest) for first, *rest in zip(*columns, strict=True)]


def _base(text: str) -> str:
    return _PART.sub("", text)


def _named(frame: pd.DataFrame, keys: Sequence[str], spoken: set[int]) -> pd.Series:
    """Rows whose identifier is among those spoken of."""
    whole = zip(*(frame[key].astype(str).tolist() for key in keys), strict=True)
    found = [hash(tuple(full)) in spoken or hash(base) in spoken for full, base in zip(whole, _values(frame, keys), strict=True)]
    return pd.Series(found, index=frame.index, dtype=bool)


def _said(path: Path) -> Mapping[str, list[str]]:
    about = pq.read_schema(path).metadata or {}
    file = pq.read_metadata(path).metadata or {}
    return json.loads((about | file).get(_MARK, b"{}"))


def _names(path: Path) -> set[str]:
    return set(_said(path).get("names", []))


def _days(path: Path, frame: pd.DataFrame, period: str) -> list[datetime]:
    """First and last day that a file speaks of."""
    said = [datetime.fromisoformat(each) for each in _said(path).get("days", [])]
    if said or period not in frame.columns or frame[period].isna().all():
        return said
    return [frame[period].min().to_pydatetime(), frame[period].max().to_pydatetime()]


def _newer(tally: Tally, name: str, other: Path, theirs: pd.DataFrame, period: str) -> bool:
    before = _days(other, theirs, period)
    if not (tally.days and before) or tally.days[1] >= before[1]:
        return True
    mine, then = _DATED.findall(name), _DATED.findall(other.stem)
    return bool(mine and then) and mine[-1] > then[-1]


def _no_longer_held(frame: pd.DataFrame, named: pd.Series, days: Sequence[datetime], period: str) -> pd.Series:
    """Rows within the days of a newer export that it does not name, if it is cumulative."""
    within = pd.Series(True, index=frame.index)
    if period in frame.columns and days:
        within = frame[period].between(days[0], days[1]) | frame[period].isna()
    cumulative = within.any() and named[within].mean() >= CUMULATIVE_SHARE
    return within & ~named if cumulative else pd.Series(False, index=frame.index)


def _refuse_other_gifts(theirs: pd.DataFrame, mine: pd.DataFrame, keys: Sequence[str], name: str, other: Path) -> None:
    tells = [column for column in ("donor_id", "gift_date") if column in mine.columns and column not in keys]
    if len(tells) < 2 or theirs.empty:
        return
    both = theirs.merge(mine.drop_duplicates(keys), on=list(keys), how="inner", suffixes=("", "_now"), validate="many_to_one")
    strange = (both["donor_id"] != both["donor_id_now"]) & (both["gift_date"] != both["gift_date_now"])
    if len(both) and strange.mean() > 0.5:
        example = both.loc[strange, keys[0]].iloc[0]
        raise ImportRefused(
            f"{name}: {strange.sum():,} of its identifiers are those of other gifts in {other.stem}, with another donor and another day "
            f"(the first: {example}): identifiers must name a gift in all files, and not start anew in each"
        )


def _told(theirs: pd.DataFrame, mine: pd.DataFrame, keys: Sequence[str]) -> list[dict[str, str]]:
    """Rows of an earlier file that are other now, or no longer there; those that are the same are not told."""
    columns = [column for column in mine.columns if column not in ("partner", *keys) and column in theirs.columns]
    before, now = _gifts(theirs, keys, columns), _gifts(mine, keys, columns)
    both = before.join(now.add_suffix("_now"), how="left", validate="one_to_one")
    other = both[both["rows"] != both["rows_now"]]
    return [
        {
            "row": key if isinstance(key, str) else " ".join(key),
            "before": f"{cents / 100:.2f}",
            "now": "" if pd.isna(cents_now) else f"{cents_now / 100:.2f}",
        }
        for key, cents, cents_now in zip(other.index, other["cents"], other["cents_now"], strict=True)
    ]


def _gifts(frame: pd.DataFrame, keys: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """One row per gift, whose parts stand together: `cents`, and `rows`, a number that two gifts share only when they are the same."""
    names = pd.MultiIndex.from_tuples(_values(frame, keys), names=list(keys))
    cents = frame["amount_usd"].mul(100).round() if "amount_usd" in frame.columns else pd.Series(0.0, index=frame.index)
    marks = pd.util.hash_pandas_object(frame[list(columns)], index=False) // 2**16  # small enough for sums of parts
    parts = pd.DataFrame({"cents": cents.to_numpy(), "rows": marks.to_numpy().astype("int64")}, index=names)
    return parts.groupby(level=list(range(len(keys)))).sum()


def _note(other: str, rows: pd.DataFrame, keys: Sequence[str], told: Sequence[Mapping[str, str]]) -> str:
    rows_n = len(set(_values(rows, keys)))
    changed = [each for each in told if each["now"]]
    lost = [each for each in told if not each["now"]]
    money = "amount_usd" in rows.columns
    parts = [f"{rows_n - len(told):,} as before"]
    if changed:
        sums = f" ({_sum(changed, 'before')}, now {_sum(changed, 'now')})" if money else ""
        parts.append(f"{len(changed):,} changed{sums}")
    if lost:
        parts.append(f"{len(lost):,} withdrawn" + (f" ({_sum(lost, 'before')})" if money else ""))
    return f"In place of {other}: {', '.join(parts)}."


def _sum(rows: Sequence[Mapping[str, str]], column: str) -> str:
    return usd(sum(round(float(each[column]) * 100) for each in rows))


def _write(frame: pd.DataFrame, source: Path, target: Path) -> None:
    """Rows of a Parquet file as a new version of it, with what it says of itself."""
    schema, said = pq.read_schema(source), pq.read_metadata(source).metadata or {}
    kept = {key: value for key, value in said.items() if key == _MARK}
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".new")
    with pq.ParquetWriter(part, schema.remove_metadata(), compression="zstd") as writer:
        writer.write_table(pa.Table.from_pandas(frame, schema=schema.remove_metadata(), preserve_index=False))
        writer.add_key_value_metadata(kept)
    part.replace(target)


def _write_changes(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["row", "before", "now"])
        writer.writeheader()
        writer.writerows(rows)
