"""Imported files where they lie: one is taken in, refused when its rows are there already, or taken away.

Those of every partner are in data/imported, a partner's own in data/partners/<id>. A file is made in a folder of its own,
`<file>.incoming`, and put in its place when nothing is wrong with it: what is refused changes nothing.

Definition of an overlap: a row whose key stands in another imported file of the table (and of the partner, where rows are a
partner's own); keys with missing values are compared like any others.
"""

import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from catchment.data.catalog import Imported, imports, own_folder

from .stream import ImportRefused

MEMORY = "400MB"
_REJECTS, _CHANGES = ".rejects.csv", ".changes.csv"
BESIDE = "beside"


@dataclass(frozen=True)
class Shelf:
    """Where the imported files of one table lie, and whose rows they are."""

    root: Path
    kind: str
    name: str
    partner: str = ""

    @property
    def folder(self) -> Path:
        return self.entry.with_suffix("")

    @property
    def entry(self) -> Path:
        """The catalog's entry of the imported table, beside the folder of its files."""
        return (own_folder(self.root, self.partner) if self.partner else self.root / "data" / "imported") / f"{self.name}.yml"

    @property
    def parquets(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    @property
    def listed(self) -> list[Imported]:
        """What the catalog says of these files."""
        entry = imports(self.root, self.partner).get(self.name)
        return entry.imported if entry else []

    def standing(self, before: Mapping[str, int]) -> list[Imported]:
        """The same after an import: without files that went with it, and of those that lost rows what is left. `before` are the rows of
        each Parquet file before the import."""
        now = self.rows()
        kept = [item for item in self.listed if item.parquet in now or item.parquet not in before]
        # What was taken out of a file can be brought back by importing it again: its bytes are no longer known.
        return [
            replace(item, rows=now[item.parquet], sha256="") if now.get(item.parquet) != before.get(item.parquet) else item for item in kept
        ]

    def rows(self) -> dict[str, int]:
        """How many rows each Parquet file has."""
        return {path.name: _count(path) for path in self.parquets}

    def known(self, sha256: str) -> Imported | None:
        """The same bytes, imported before and still there."""
        return next((item for item in self.listed if item.sha256 == sha256 and (self.folder / item.parquet).is_file()), None)

    def command(self, item: Imported) -> str:
        """The command that takes an import away."""
        alone = [each.file for each in self.listed].count(item.file) == 1
        name = [] if self.name == item.kind else ["--name", self.name]
        partner = ["--partner", self.partner] if self.partner else []
        return shlex.join(["catchment", "import", item.kind, *name, *partner, "--remove", item.file if alone else item.parquet])


def _count(path: Path) -> int:
    """Rows of a Parquet file; none of one that is damaged, which the next import refuses with its name."""
    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError):
        return 0


def take_in(
    shelf: Shelf,
    path: Path,
    key: Sequence[str],
    make: Callable[[Path, list[Path]], Imported],
    suffix: str = ".parquet",
) -> Imported:
    """Make the table of one file and put it in its place: that of an earlier edition, or beside the others.

    `make` writes the Parquet file it is given; it is also given the other files of the table, of which it may leave new versions in
    the folder `beside`: they take their places, one without rows none. A site gives each of its exports the same name: only a file with
    rows of the same keys takes the place of an earlier one. Raises ImportRefused for an overlap with any other file.
    """
    stem = _stem(path.name)
    work = shelf.folder / f"{stem}.incoming"
    shutil.rmtree(work, ignore_errors=True)
    try:
        fresh = work / f"{stem}{suffix}"
        earlier = _namesakes(shelf, stem)
        result = make(fresh, shelf.parquets)
        anew = {each.name: each for each in (work / BESIDE).glob("*.parquet")}
        target = shelf.folder / fresh.name
        if target.exists():
            target = shelf.folder / f"{stem}-{result.sha256[:8]}{suffix}"
        old = next((each for each in earlier if each == target or _in_place(key, fresh, each, anew)), None)
        for other in shelf.parquets:
            if other != old:
                _refuse_overlap(shelf, path.name, key, fresh, other, anew.get(other.name, other))
        result = replace(result, parquet=_published(fresh, old or target).name, partner=shelf.partner)
        for name, version in anew.items():
            if name != result.parquet:
                _renewed(version, shelf.folder / name)
        return result
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _in_place(key: Sequence[str], fresh: Path, earlier: Path, anew: dict[str, Path]) -> bool:
    """Whether a file takes the place of an earlier one of its name: nothing is left of that, or it has rows of the same keys."""
    version = anew.get(earlier.name)
    return not pq.read_metadata(version).num_rows if version else overlap(key, fresh, earlier)[0] > 0


def _renewed(version: Path, target: Path) -> None:
    """Put the new version of a file in its place, or take the file away when no row is left."""
    if pq.read_metadata(version).num_rows:
        version.replace(target)
    else:
        for each in (target, target.with_suffix(_REJECTS), target.with_suffix(_CHANGES)):
            each.unlink(missing_ok=True)


def take_away(shelf: Shelf, file: str, write: Callable[[list[Imported]], Any]) -> Imported:
    """Take one import away; `write` writes the table's entry for those that remain.

    The Parquet file is set aside first and comes back when the entry cannot be written. After a kill in between the entry still
    names the import, so the same command completes it.
    """
    item = _named(shelf, file)
    parquet = shelf.folder / item.parquet
    aside = parquet.with_name(parquet.name + ".removed")
    remaining = [each for each in shelf.listed if each.parquet != item.parquet]
    with ExitStack() as undo:
        if parquet.exists():
            parquet.replace(aside)
            undo.callback(aside.replace, parquet)
        write(remaining)
        undo.pop_all()
    aside.unlink(missing_ok=True)
    for suffix in (_REJECTS, _CHANGES):
        parquet.with_suffix(suffix).unlink(missing_ok=True)
    if shelf.folder.is_dir() and not any(shelf.folder.iterdir()):
        shelf.folder.rmdir()
    return item


def overlap(key: Sequence[str], one: Path, other: Path) -> tuple[int, tuple]:
    """How many rows of a Parquet file have a key that stands in another one too, and the first such key."""
    try:
        return _overlap(key, one, other)
    except (pa.ArrowException, duckdb.Error, OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise ImportRefused(f"{other.name}, imported before, cannot be read ({said}); take it away with --remove {other.name}") from error


def _overlap(key: Sequence[str], one: Path, other: Path) -> tuple[int, tuple]:
    if any(_apart(_ends(one, column), _ends(other, column)) for column in key):
        return 0, ()
    same = " AND ".join(f'a."{column}" IS NOT DISTINCT FROM b."{column}"' for column in key)
    columns = ", ".join(f'a."{column}"' for column in key)
    with duckdb.connect(config={"threads": 1, "memory_limit": MEMORY}) as con:
        con.execute("SET temp_directory = ?", [str(one.parent)])
        asked = f"SELECT count(*), min(row({columns})) FROM read_parquet(?) a SEMI JOIN read_parquet(?) b ON {same}"
        count, first = con.execute(asked, [str(one), str(other)]).fetchone() or (0, ())
    return count, first if count else ()


def _ends(path: Path, column: str) -> tuple[Any, Any] | None:
    """Smallest and largest value as the file itself states them; None when it does not, or when values are missing."""
    about = pq.read_metadata(path)
    place = about.schema.names.index(column)
    found = [about.row_group(number).column(place).statistics for number in range(about.num_row_groups)]
    if not found or any(each is None or not each.has_min_max or not each.has_null_count or each.null_count for each in found):
        return None
    return min(each.min for each in found), max(each.max for each in found)


def _apart(one: tuple[Any, Any] | None, other: tuple[Any, Any] | None) -> bool:
    """Whether two ranges have no value in common: two years of 35 million pairs need not be compared row by row."""
    return one is not None and other is not None and (one[1] < other[0] or other[1] < one[0])


def _stem(file: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", file.removesuffix(".gz")).rsplit(".", 1)[0].strip("._-") or "file"


def _namesakes(shelf: Shelf, stem: str) -> list[Path]:
    """Parquet files of earlier imports under the same name, or of one that was interrupted before the catalog had it."""
    files = {item.parquet: _stem(item.file) for item in shelf.listed}
    unlisted = re.compile(re.escape(stem) + r"(-[0-9a-f]{8})?(\.geo)?\.parquet")
    return [each for each in shelf.parquets if (files[each.name] == stem if each.name in files else unlisted.fullmatch(each.name))]


def _refuse_overlap(shelf: Shelf, name: str, key: Sequence[str], fresh: Path, other: Path, version: Path) -> None:
    count, first = overlap(key, fresh, version)
    if not count:
        return
    item = next((item for item in shelf.listed if item.parquet == other.name), None) or _unlisted(shelf, other)
    example = ", ".join(f"{column} {value}" for column, value in zip(key, first, strict=True))
    raise ImportRefused(
        f"{name}: {count:,} of its {pq.read_metadata(fresh).num_rows:,} rows are in the table {shelf.name} already, from {item.file} "
        f"(kind {item.kind}); the first: {example}. To replace that import, import this file under the name {item.file}; "
        f"to take it away: `{shelf.command(item)}`"
    )


def _published(fresh: Path, target: Path) -> Path:
    """Put a file and what was rejected of it in their place."""
    fresh.replace(target)
    for suffix in (_REJECTS, _CHANGES):
        if (beside := fresh.with_suffix(suffix)).exists():
            beside.replace(target.with_suffix(suffix))
        else:
            target.with_suffix(suffix).unlink(missing_ok=True)
    return target


def _unlisted(shelf: Shelf, parquet: Path) -> Imported:
    """A Parquet file that the catalog does not know: an import that was interrupted, or a file that someone put there."""
    return Imported(shelf.kind, parquet.name, parquet.name, "", "", 0, 0, 0, "", "", shelf.partner)


def _named(shelf: Shelf, file: str) -> Imported:
    """The import that was meant, by the name of its file or, where several have it, of its Parquet file."""
    listed = [item for item in shelf.listed if item.kind == shelf.kind]
    found = [item for item in listed if item.parquet == file] or [item for item in listed if item.file == file]
    stray = next((each for each in shelf.parquets if each.name == file and file not in [item.parquet for item in shelf.listed]), None)
    if stray:
        return _unlisted(shelf, stray)
    if len(found) > 1:
        which = ", ".join(f"{item.parquet} ({item.vintage}, {item.rows:,} rows)" for item in found)
        raise ImportRefused(f"several imports of {shelf.name} are called {file}; name one of {which}")
    if not found:
        raise ImportRefused(_unknown(shelf, file))
    return found[0]


def _unknown(shelf: Shelf, file: str) -> str:
    there = [(table, item) for table, entry in imports(shelf.root).items() for item in entry.imported if item.kind == shelf.kind]
    known = ", ".join(_as_given(shelf.kind, table, item) for table, item in there) or f"nothing of the kind {shelf.kind}"
    whose = f" of {shelf.partner}" if shelf.partner else ""
    return f"no import {file!r} in the table {shelf.name}{whose}; imported: {known}"


def _as_given(kind: str, table: str, item: Imported) -> str:
    """A file's name with the options that lead to it."""
    more: Iterable[str] = filter(None, [f"--name {table}" if table != kind else "", f"--partner {item.partner}" if item.partner else ""])
    said = " ".join(more)
    return f"{item.file} ({said})" if said else item.file
