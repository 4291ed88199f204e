"""Published files into tables of the catalog: `run("hospital_service_area", ["HSAF_2023.csv"], root=root)`.

An imported table lies in data/imported/<name>/, one Parquet file per imported file, with its catalog entry in
data/imported/<name>.yml; a partner's own in data/partners/<id>/ alike, and no other partner's tables change with it. It is read like
any other; of a simulated table of the same name it takes the place and keeps the rules. Importing the same
bytes again does nothing, so an interrupted import is simply started again. `remove("hospital_service_area", "HSAF_2023.csv",
root=root)` takes one file out again.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from catchment.data import lock
from catchment.data.catalog import OWN, Column, Imported, Table, imports, keeping, tables
from catchment.data.load import Tables
from catchment.params import load, partners
from catchment.params.load import PARTNER_ID
from catchment.params.text import nearest

from . import engine, gifts, layout_files, maps, names, own_kinds
from .layout import Field, Layout
from .shelf import Shelf, take_away, take_in
from .stream import ImportRefused, facts_of_binary

LAYOUTS: dict[str, Layout] = layout_files.known(layout_files.FOLDER) | {layout.kind: layout for layout in gifts.LAYOUTS}
BOUNDARIES = "boundaries"
Told = Callable[[str, int, int], None]


def layouts(root: Path | None = None) -> dict[str, Layout]:
    """Every layout by its kind: the library's, those of a project, one YAML file each in data/layouts, and one for each table that a
    partner can bring, by the table's name."""
    found = LAYOUTS | (layout_files.known(root / layout_files.OWN) if root else {})
    return (own_kinds.known(root, found) if root else {}) | found


def kinds(root: Path | None = None) -> dict[str, str]:
    """Every kind that can be imported, and what it is."""
    return {kind: layout.title for kind, layout in layouts(root).items()} | {BOUNDARIES: "Boundaries (TIGER/Line, cartographic, GeoJSON)"}


def run(
    kind: str,
    files: Iterable[Path | str],
    *,
    root: Path,
    name: str | None = None,
    year: int | None = None,
    partner: str | None = None,
    given: Mapping[str, str] | None = None,
    progress: Told | None = None,
) -> list[Imported]:
    """Import files of one kind into the table `name` (the kind's own name by default), each whole or not at all.

    `partner` is whose rows they are, for kinds that hold one partner's own. `given` are facts that the file should tell and does not,
    such as the site and years of a State Cancer Profiles export without its title. `progress` is called with file name, bytes done and
    bytes in all. Raises ImportRefused with the reason; files before the refused one stay imported. Raises lock.Busy while another
    process changes the same table.
    """
    return list(each(kind, files, root=root, name=name, year=year, partner=partner, given=given, progress=progress))


def each(
    kind: str,
    files: Iterable[Path | str],
    *,
    root: Path,
    name: str | None = None,
    year: int | None = None,
    partner: str | None = None,
    given: Mapping[str, str] | None = None,
    progress: Told | None = None,
) -> Iterator[Imported]:
    """The same, one file at a time."""
    _known(kind, root)
    name = name or kind
    _free(name, root)
    _owned(kind, partner, root)
    shelf = Shelf(root, kind, name, partner or "")
    _fits(shelf)
    with _alone(shelf):
        for path in map(Path, files):
            same = shelf.known(facts_of_binary(path, 1 << 62))
            if same is None:
                before = shelf.rows()
                same = _import(shelf, path, year, given or {}, progress)
                _register(shelf, same, before)
            yield same


def remove(kind: str, file: str, *, root: Path, name: str | None = None, partner: str | None = None) -> Imported:
    """Take one imported file out of the table `name`, by its name: its Parquet file, its rejected rows and its entry.

    The last one takes the table's entry with it, and a simulated table of the name is there again. Raises ImportRefused with the
    imports that there are when none has the name.
    """
    _known(kind, root)
    name = name or kind
    _named(name)
    if partner and not PARTNER_ID.fullmatch(partner):
        raise ImportRefused(f"{partner!r} is no partner id")

    def write(remaining: list[Imported]) -> None:
        kept = {item.kind for item in remaining}
        _write(kind if kind in kept or not kept else remaining[-1].kind, shelf, remaining)

    shelf = Shelf(root, kind, name, partner or "")
    with _alone(shelf):
        return take_away(shelf, file, write)


def _alone(shelf: Shelf) -> AbstractContextManager[Any]:
    """Only one process at a time changes a table: its entry is read, added to and written anew."""
    path = shelf.entry.with_name(f".{shelf.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return lock.held(path, f"an import of {shelf.kind}", f"the table {shelf.name}")


def _known(kind: str, root: Path) -> None:
    if kind not in (known := kinds(root)):
        hint = nearest(kind, known)
        raise ImportRefused(f"unknown kind {kind!r}{f' ({hint})' if hint else ''}; known: {', '.join(known)}")


def _named(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ImportRefused(f"{name!r} is no table name: lower-case letters, digits and _, a letter first")


def _free(name: str, root: Path) -> None:
    _named(name)
    known = tables(root).get(name)
    if known and not known.simulated and name not in imports(root):
        raise ImportRefused(f"the catalog has a table {name!r} already; choose another name")


def _owned(kind: str, partner: str | None, root: Path) -> None:
    private = kind != BOUNDARIES and (layouts(root)[kind].scope == "partner" or layouts(root)[kind].own)
    if private and partner not in (known := partners(root=root)):
        raise ImportRefused(f"files of the kind {kind} are one partner's own: give --partner, one of {', '.join(known)}")
    if partner and not private:
        raise ImportRefused(f"files of the kind {kind} are for every partner: leave --partner out")


def _import(shelf: Shelf, path: Path, year: int | None, given: Mapping[str, str], progress: Told | None) -> Imported:
    if given and not (shelf.kind in LAYOUTS and LAYOUTS[shelf.kind].preamble):
        raise ImportRefused(f"files of the kind {shelf.kind} tell everything themselves: nothing can be given for {', '.join(given)}")
    tell = (lambda done, total: progress(path.name, done, total)) if progress else None
    if shelf.kind == BOUNDARIES:
        from . import boundaries  # here, because only this kind needs geopandas

        def shapes(target: Path, _: list[Path]) -> Imported:
            return boundaries.convert_file(path, target, year=year, progress=tell)

        return take_in(shelf, path, boundaries.KEY, shapes, ".geo.parquet")
    listed = layouts(shelf.root)
    layout = maps.applied(listed[shelf.kind], maps.load(shelf.root, shelf.kind, shelf.partner, listed[shelf.kind]))
    own = {"constants": {"partner": shelf.partner}} if layout.scope == "partner" else {}

    def rows(target: Path, others: list[Path]) -> Imported:
        if layout.reader:
            more = own | {"beside": others} if own else {}
            result = layout.reader(layout, path, target, year=year, progress=tell, **more)
        else:
            result = engine.convert_file(layout, path, target, year=year, others=list(listed.values()), progress=tell, given=given, **own)
        return _with_known_names(shelf, path.name, target, result)

    return take_in(shelf, path, _key(layout), rows)


def _with_known_names(shelf: Shelf, file: str, part: Path, result: Imported) -> Imported:
    """The import, where the table that it replaces knows its names; with what it says of names whose rows stay.

    Raises
    ------
    ImportRefused
        With every unknown name, its rows, amount and the nearest known one; or when nothing is ours.
    """
    replaced = tables(shelf.root).get(shelf.name)
    ids = [shelf.partner] if shelf.partner else partners(root=shelf.root)[:1]
    if not (replaced and replaced.simulated and ids):
        return result
    columns = keeping(replaced, Table.model_validate(_entry(shelf.kind, shelf, [result]))).columns
    if not any(column.references or column.values or column.ours for column in columns.values()):
        return result
    settings = load(ids[0], root=shelf.root)
    found = list(names.unknown(part, columns, Tables(settings).values))
    names.refuse(file, found, columns, _advice(shelf, file))
    if shelf.partner:
        names.refuse_none_of_ours(file, part, columns, [*settings.network, settings.name], _advice(shelf, file))
    return dataclasses.replace(result, note="; ".join(filter(None, [result.note, names.told(found, columns)])))


def _advice(shelf: Shelf, file: str) -> str:
    """What to do about unknown names."""
    mapping = maps.place(shelf.root, shelf.kind, shelf.partner).relative_to(shelf.root).as_posix()
    return f"Correct {file} or the table that lists the names, or say in {mapping}, under `values`, what they mean"


def _register(shelf: Shelf, result: Imported, before: Mapping[str, int]) -> None:
    """Add one import to the table's entry, in place of the one whose Parquet file it has and of those that went with it."""
    _write(shelf.kind, shelf, [*(item for item in shelf.standing(before) if item.parquet != result.parquet), result])


def _write(kind: str, shelf: Shelf, imported: list[Imported]) -> None:
    """Write the table's entry anew: aside, then in place of the old one. A table without imports has none."""
    path = shelf.entry
    if not imported:
        path.unlink(missing_ok=True)
        return
    ordered = sorted(imported, key=lambda item: item.file)
    part = path.with_name(path.name + ".part")
    part.write_text(
        "# Written by catchment import.\n"
        + yaml.safe_dump(
            {"kind": kind, "table": _entry(kind, shelf, ordered), "imported": [asdict(item) for item in ordered]},
            sort_keys=False,
            allow_unicode=True,
        ),
        encoding="utf-8",
    )
    part.replace(path)


def _fits(shelf: Shelf) -> None:
    """Refuse files of a kind whose table is not the one that stands there, imported or simulated."""
    replaced = tables(shelf.root).get(shelf.name)
    columns = _table_of(shelf.kind, shelf.root)
    lacking = [column for column, entry in (replaced.columns if replaced else {}).items() if column not in columns and not entry.nullable]
    if replaced and replaced.simulated and lacking:
        raise ImportRefused(
            f"files of the kind {shelf.kind} make no table {shelf.name!r}: it has columns that they lack ({', '.join(lacking[:5])}); "
            "choose another kind or another --name"
        )
    before = imports(shelf.root, shelf.partner).get(shelf.name)
    if before and before.kind != shelf.kind and not _alike(before.kind, shelf.kind, shelf.root):
        raise ImportRefused(f"table {shelf.name!r} holds files of the kind {before.kind}; choose another name")


def _table_of(kind: str, root: Path) -> set[str]:
    """Columns of the table that a kind makes."""
    if kind == BOUNDARIES:
        from . import boundaries

        return {"year", *boundaries.COLUMNS}
    layout = layouts(root)[kind]
    return {*layout.table, *_key(layout)}


def _alike(one: str, other: str, root: Path) -> bool:
    """Whether two kinds make the same table, so that exports of two systems can stand in it side by side."""
    both = [(listed.table, listed.key, listed.scope) for kind, listed in layouts(root).items() if kind in (one, other)]
    return len(both) == 2 and both[0] == both[1]


def _entry(kind: str, shelf: Shelf, imported: list[Imported]) -> dict[str, Any]:
    vintages = sorted({item.vintage for item in imported if item.vintage})
    common = {"edition": ", ".join(vintages) or "as imported", "accessed": max(item.imported for item in imported)}
    if kind == BOUNDARIES:
        from . import boundaries

        columns, key, more = (
            {"year": _YEAR, **boundaries.COLUMNS},
            boundaries.KEY,
            {"title": "Boundaries", "producer": "U.S. Census Bureau"},
        )
        return {
            **more,
            **common,
            "path": f"imported/{shelf.name}/*.geo.parquet",
            "license": "public domain",
            "key": key,
            "period": "year",
            "columns": _columns(columns),
        }
    layout = layouts(shelf.root)[kind]
    private = layout.scope == "partner"
    key = _key(layout)
    columns = {**({"year": _YEAR} if "year" in key and "year" not in layout.table else {}), **layout.table}
    facts = {
        "title": layout.title,
        "producer": layout.producer,
        "license": layout.license,
        "note": layout.note,
        "suppress_below": layout.suppress_below,
    }
    facts |= {"scope": "partner", "optional": True} if private else {}
    entry = {
        **facts,
        **common,
        "path": f"{OWN}/{{partner}}/{shelf.name}/*.parquet" if shelf.partner else f"imported/{shelf.name}/*.parquet",
        "key": key,
        "period": layout.period if layout.period in columns else None,
        "columns": _columns(columns),
    }
    return {key: value for key, value in entry.items() if value not in (None, "", [])}


def _key(layout: Layout) -> list[str]:
    """What tells one row of the table from another, over all its files."""
    dated = layout.year and not layout.vintage and layout.period not in layout.table
    lead = [
        *(["partner"] if layout.scope == "partner" else []),
        *(["year"] if dated else []),
        *(["vintage"] if layout.vintage else []),
    ]
    return [*lead, *(column for column in layout.key if column not in lead)]


_YEAR = Column(type="integer", meaning="year that the file covers")


def _columns(columns: dict[str, Column]) -> dict[str, Any]:
    return {name: column.model_dump(exclude_defaults=True, by_alias=True) for name, column in columns.items()}


__all__ = ["BOUNDARIES", "LAYOUTS", "Field", "ImportRefused", "Imported", "Layout", "each", "kinds", "layouts", "remove", "run"]
