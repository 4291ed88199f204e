"""`catchment import KIND FILE…`: arguments, progress and words for the importers. Loads them only when it runs."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..params import ParamsError, root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("kind", nargs="?", help="kind of the files; without it all kinds are listed")
    parser.add_argument("files", nargs="*", type=Path, help="files as published: CSV, packed CSV, or a boundary file")
    parser.add_argument("--name", help="name of the table (default: the kind); a simulated table of that name is replaced")
    parser.add_argument("--partner", help="whose rows they are, for files that are one partner's own")
    parser.add_argument("--year", type=int, help="year of the rows, when neither they nor the file's name tell it")


def run(arguments: argparse.Namespace) -> int:
    """Import the files and say what became of each; 0 when all went in, 1 when one was refused, 2 when there was nothing to do."""
    from . import importers

    if not arguments.kind or not arguments.files:
        print("\n".join(f"{kind:28} {title}" for kind, title in importers.kinds().items()))
        print("\ncatchment import KIND FILE...", file=sys.stderr)
        return 0 if not arguments.kind else 2
    bars = _Bars()
    try:
        for result in importers.each(
            arguments.kind,
            arguments.files,
            root=root(),
            name=arguments.name,
            year=arguments.year,
            partner=arguments.partner,
            progress=bars.tell,
        ):
            bars.close()
            print(said(result, arguments.name or arguments.kind))
    except (importers.ImportRefused, ParamsError) as error:
        bars.close()
        print(f"not imported: {error}", file=sys.stderr)
        return 1
    return 0


def said(result, name: str) -> str:
    """One line on an imported file."""
    parts = [
        f"{result.rows:,} rows",
        f"{result.rejected:,} rejected" if result.rejected else "",
        f"{result.suppressed:,} with suppressed values" if result.suppressed else "",
        result.vintage,
        f"sha256 {result.sha256[:8]}",
    ]
    rejects = (
        f" (see data/imported/{name}/{result.partner + '/' if result.partner else ''}{Path(result.parquet).stem}.rejects.csv)"
        if result.rejected
        else ""
    )
    return f"{result.file} -> {name}: {', '.join(filter(None, parts))}{rejects}"


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
