"""Published files into tables of the catalogue: `run("hospital_service_area", ["HSAF_2023.csv"], root=root)`.

An imported table lies in data/imported/<name>/, one Parquet file per imported file, with its catalogue entry in
data/imported/<name>.yml. It is read like any other; of a simulated table of the same name it takes the place. Importing the same
bytes again does nothing, so an interrupted import is simply started again.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from ...params import partners
from ...params.text import nearest
from ..catalog import Column, Imported, imports, tables
from . import cancer, clinicians, cms, engine, gifts, nppes, pairs, places, referral_extract, trials
from .layout import Field, Layout
from .stream import ImportRefused, facts_of_binary

LAYOUTS: dict[str, Layout] = {
    layout.kind: layout
    for family in (cms, nppes, cancer, places, trials, gifts, clinicians, pairs, referral_extract)
    for layout in family.LAYOUTS
}
BOUNDARIES = "boundaries"
Told = Callable[[str, int, int], None]


def kinds() -> dict[str, str]:
    """Every kind that can be imported, and what it is."""
    return {kind: layout.title for kind, layout in LAYOUTS.items()} | {BOUNDARIES: "Boundaries (TIGER/Line, cartographic, GeoJSON)"}


def register(*layouts: Layout) -> None:
    """Add the layouts of another module."""
    LAYOUTS.update({layout.kind: layout for layout in layouts})


def run(
    kind: str,
    files: Iterable[Path | str],
    *,
    root: Path,
    name: str | None = None,
    year: int | None = None,
    partner: str | None = None,
    progress: Told | None = None,
) -> list[Imported]:
    """Import files of one kind into the table `name` (the kind's own name by default), each whole or not at all.

    `partner` is whose rows they are, for kinds that hold one partner's own. `progress` is called with file name, bytes done and
    bytes in all. Raises ImportRefused with the reason; files before the refused one stay imported.
    """
    return list(each(kind, files, root=root, name=name, year=year, partner=partner, progress=progress))


def each(
    kind: str,
    files: Iterable[Path | str],
    *,
    root: Path,
    name: str | None = None,
    year: int | None = None,
    partner: str | None = None,
    progress: Told | None = None,
) -> Iterator[Imported]:
    """The same, one file at a time."""
    if kind not in kinds():
        hint = nearest(kind, kinds())
        raise ImportRefused(f"unknown kind {kind!r}{f' ({hint})' if hint else ''}; known: {', '.join(kinds())}")
    name = name or kind
    _free(name, root)
    _owned(kind, partner, root)
    _fits(kind, name, root)
    for path in map(Path, files):
        done = imports(root).get(name)
        same = next(
            (known for known in (done.imported if done else []) if (known.sha256, known.partner) == (_sha256(path), partner or "")), None
        )
        if same is None:
            same = replace(_import(kind, path, root, name, year, partner, progress), partner=partner or "")
            _register(kind, name, root, same)
        yield same


def _sha256(path: Path) -> str:
    return facts_of_binary(path, 1 << 62)


def _free(name: str, root: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ImportRefused(f"{name!r} is no table name: lower-case letters, digits and _, a letter first")
    known = tables(root).get(name)
    if known and not known.simulated and name not in imports(root):
        raise ImportRefused(f"the catalogue has a table {name!r} already; choose another name")


def _owned(kind: str, partner: str | None, root: Path) -> None:
    private = kind in LAYOUTS and LAYOUTS[kind].scope == "partner"
    if private and partner not in (known := partners(root=root)):
        raise ImportRefused(f"files of the kind {kind} are one partner's own: give --partner, one of {', '.join(known)}")
    if partner and not private:
        raise ImportRefused(f"files of the kind {kind} are for every partner: leave --partner out")


def _import(kind: str, path: Path, root: Path, name: str, year: int | None, partner: str | None, progress: Told | None) -> Imported:
    folder = root / "data" / "imported" / name / (partner or "")
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.name.removesuffix(".gz")).rsplit(".", 1)[0].strip("._-") or "file"
    tell = (lambda done, total: progress(path.name, done, total)) if progress else None
    if kind == BOUNDARIES:
        from . import boundaries  # here, because only this kind needs geopandas

        return boundaries.convert_file(path, folder / f"{stem}.geo.parquet", year=year, progress=tell)
    layout = LAYOUTS[kind]
    own = {"constants": {"partner": partner}} if partner else {}
    if layout.reader:
        return layout.reader(layout, path, folder / f"{stem}.parquet", year=year, progress=tell, **own)
    target = folder / f"{stem}.parquet"
    # A site gives each of its exports the same name: only a file with rows of the same keys takes the place of an earlier one.
    fresh = folder / f"{stem}-{_sha256(path)[:8]}.parquet" if target.exists() else target
    result = engine.convert_file(layout, path, fresh, year=year, others=list(LAYOUTS.values()), progress=tell, **own)
    namesakes = [each for each in (target, *sorted(folder.glob(f"{stem}-????????.parquet"))) if each.exists() and each != fresh]
    old = next((each for each in namesakes if engine.overlap(_key(layout), fresh, each)), None)
    if old:
        fresh.replace(old)
        rejects = fresh.with_suffix(".rejects.csv")
        if rejects.exists():
            rejects.replace(old.with_suffix(".rejects.csv"))
        result = replace(result, parquet=old.name)
    return result


def _register(kind: str, name: str, root: Path, result: Imported) -> None:
    """Write the table's entry anew: aside, then in place of the old one."""
    before = imports(root).get(name)
    known = [item for item in (before.imported if before else []) if (item.parquet, item.partner) != (result.parquet, result.partner)]
    imported = sorted([*known, result], key=lambda item: (item.partner, item.file))
    path = root / "data" / "imported" / f"{name}.yml"
    part = path.with_name(path.name + ".part")
    part.write_text(
        "# Written by catchment import.\n"
        + yaml.safe_dump(
            {"kind": kind, "table": _entry(kind, name, imported), "imported": [asdict(item) for item in imported]},
            sort_keys=False,
            allow_unicode=True,
        ),
        encoding="utf-8",
    )
    part.replace(path)


def _fits(kind: str, name: str, root: Path) -> None:
    before = imports(root).get(name)
    if before and before.kind != kind and not _alike(before.kind, kind):
        raise ImportRefused(f"table {name!r} holds files of the kind {before.kind}; choose another name")


def _alike(one: str, other: str) -> bool:
    """Whether two kinds make the same table, so that partners with different systems can share it."""
    if one not in LAYOUTS or other not in LAYOUTS:
        return False
    return (LAYOUTS[one].table, LAYOUTS[one].key, LAYOUTS[one].scope) == (LAYOUTS[other].table, LAYOUTS[other].key, LAYOUTS[other].scope)


def _entry(kind: str, name: str, imported: list[Imported]) -> dict[str, Any]:
    vintages = sorted({item.vintage for item in imported if item.vintage})
    common = {"edition": ", ".join(vintages) or "as imported", "accessed": max(item.imported for item in imported)}
    if kind == BOUNDARIES:
        from . import boundaries

        columns, key, more = (
            {"year": _YEAR, **boundaries.COLUMNS},
            ["year", "area_id"],
            {"title": "Boundaries", "producer": "U.S. Census Bureau"},
        )
        return {
            **more,
            **common,
            "path": f"imported/{name}/*.geo.parquet",
            "licence": "public domain",
            "key": key,
            "period": "year",
            "columns": _columns(columns),
        }
    layout = LAYOUTS[kind]
    private = layout.scope == "partner"
    key = _key(layout)
    columns = {**({"year": _YEAR} if "year" in key and "year" not in layout.table else {}), **layout.table}
    facts = {
        "title": layout.title,
        "producer": layout.producer,
        "licence": layout.licence,
        "note": layout.note,
        "suppress_below": layout.suppress_below,
    }
    facts |= {"scope": "partner", "optional": True} if private else {}
    entry = {
        **facts,
        **common,
        "path": f"imported/{name}/{'{partner}/' if private else ''}*.parquet",
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


__all__ = ["BOUNDARIES", "LAYOUTS", "Field", "ImportRefused", "Imported", "Layout", "each", "kinds", "register", "run"]
