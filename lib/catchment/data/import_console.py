"""`catchment import KIND FILE…`, `--remove` and `--list`: arguments, progress and words. Loads the importers only when it needs them."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from catchment.data import catalog
from catchment.params import ParamsError, root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("kind", nargs="?", help="kind of the files; without it all kinds are listed")
    parser.add_argument("files", nargs="*", type=Path, help="files as published: CSV, packed CSV, or a boundary file")
    parser.add_argument("--name", help="name of the table (default: the kind); a simulated table of that name is replaced")
    parser.add_argument("--partner", help="whose rows they are, for files that are one partner's own")
    parser.add_argument("--year", type=int, help="year of the rows, when neither they nor the file's name tell it")
    parser.add_argument(
        "--set", dest="given", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="what the file should tell and does not: --set site='Lung & Bronchus' --set years=2017-2021",
    )  # fmt: skip
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--remove", metavar="FILE", help="take an imported file out of the table again, by its name")
    instead.add_argument("--list", action="store_true", help="show what is imported; with a kind, a name or a partner only that")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name.strip(), value.strip()


def run(arguments: argparse.Namespace) -> int:
    """Import the files and say what became of each; 0 when all went in, 1 when one was refused, 2 when there was nothing to do."""
    if (arguments.remove or arguments.list) and (arguments.files or arguments.year or (arguments.remove and not arguments.kind)):
        print("catchment import KIND --remove FILE\ncatchment import [KIND] --list", file=sys.stderr)
        return 2
    if arguments.list:
        return _list(arguments)
    from catchment.data import importing

    try:
        if not arguments.remove and not (arguments.kind and arguments.files):
            print("\n".join(f"{kind:28} {title}" for kind, title in importing.kinds(root()).items()))
            print("\ncatchment import KIND FILE...", file=sys.stderr)
            return 0 if not arguments.kind else 2
        (_remove if arguments.remove else _bring)(arguments)
    except (importing.ImportRefused, ParamsError) as error:
        print(f"not {'removed' if arguments.remove else 'imported'}: {error}", file=sys.stderr)
        return 1
    return 0


def _bring(arguments: argparse.Namespace) -> None:
    from catchment.data import importing

    bars = _Bars()
    try:
        for result in importing.each(
            arguments.kind,
            arguments.files,
            root=root(),
            name=arguments.name,
            year=arguments.year,
            partner=arguments.partner,
            given=dict(arguments.given),
            progress=bars.tell,
        ):
            bars.close()
            print(said(result, arguments.name or arguments.kind))
    finally:
        bars.close()


def _remove(arguments: argparse.Namespace) -> None:
    from catchment.data import importing

    name = arguments.name or arguments.kind
    gone = importing.remove(arguments.kind, arguments.remove, root=root(), name=arguments.name, partner=arguments.partner)
    now = catalog.tables(root(), arguments.partner or "").get(name)
    left = "no longer in the catalog" if now is None else "the simulated table again" if now.simulated else f"now {now.edition}"
    print(f"{gone.file} removed; {name} is {left}")


def _list(arguments: argparse.Namespace) -> int:
    """One line for each imported file: table, partner, kind, file, edition, rows, day and fingerprint."""
    rows = [
        (name, item.partner or "all", item.kind, item.file, item.vintage, f"{item.rows:,} rows", item.imported, _state(name, item))
        for name, held in catalog.imports(root()).items()
        for item in held.imported
        if (arguments.kind or item.kind, arguments.name or name, arguments.partner or item.partner) == (item.kind, name, item.partner)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        print("nothing imported")
    return 0


def _state(name: str, item: catalog.Imported) -> str:
    there = (_folder(name, item) / item.parquet).is_file()
    return f"sha256 {item.sha256[:8]}" if there else "its Parquet file is missing: import it again"


def _folder(name: str, item: catalog.Imported) -> Path:
    return (catalog.own_folder(root(), item.partner) if item.partner else root() / "data" / "imported") / name


def said(result: "catalog.Imported", name: str) -> str:
    """One line on an imported file, and what its importer has to say of it."""
    parts = [
        f"{result.rows:,} rows",
        f"{result.rejected:,} rejected" if result.rejected else "",
        f"{result.suppressed:,} with suppressed values" if result.suppressed else "",
        result.vintage,
        f"sha256 {result.sha256[:8]}",
    ]
    rejects = _folder(name, result).joinpath(Path(result.parquet).stem + ".rejects.csv").relative_to(root())
    where = f" (see {rejects.as_posix()})" if result.rejected else ""
    told = f"\n  {result.note}" if result.note else ""
    return f"{result.file} -> {name}: {', '.join(filter(None, parts))}{where}{told}"


class _Bars:
    """A progress bar for each file, on a terminal only."""

    def __init__(self) -> None:
        self._name, self._bar = "", None

    @property
    def tell(self) -> Callable[[str, int, int], None]:
        return self._tell

    def _tell(self, name: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if name != self._name:
            self.close()
            self._name, self._bar = name, tqdm(total=total, unit="B", unit_scale=True, desc=name, leave=False, disable=None)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._name, self._bar = "", None
