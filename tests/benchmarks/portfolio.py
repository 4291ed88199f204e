"""A portfolio of any size, made from the demo: every further partner is a copy of one of its four under another id."""

import gzip
import re
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def make(folder: Path, partners: int, *, notebooks: tuple[str, ...] = ()) -> Path:
    """Write a project with that many partners to `folder`: their settings, and their rows in files of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "params", folder / "params")
    (folder / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        if not notebooks or path.stem in notebooks:
            shutil.copy(path, folder / "notebooks")
    (folder / "data").mkdir()
    for name in ("public", "demo"):
        (folder / "data" / name).symlink_to(ROOT / "data" / name)
    originals = sorted(path.stem for path in (ROOT / "params" / "partners").glob("*.yml"))
    ids = {f"{originals[number % len(originals)]}{number:03d}": originals[number % len(originals)] for number in range(partners)}
    for original in originals:
        (folder / "params" / "partners" / f"{original}.yml").unlink()
    for new, original in ids.items():
        shutil.copy(ROOT / "params" / "partners" / f"{original}.yml", folder / "params" / "partners" / f"{new}.yml")
    catalog = yaml.safe_load((ROOT / "data" / "catalog.yml").read_text())
    for name, entry in catalog["tables"].items():
        if entry.get("scope") == "partner":
            _split(folder, name, entry, ids)
    (folder / "data" / "catalog.yml").write_text(yaml.safe_dump(catalog, sort_keys=False))
    return folder


def _split(folder, name, entry, ids):
    """One file for each partner, with its own rows under its new id; the entry then names them."""
    pattern = entry["path"]
    entry["path"] = f"copies/{name}_{{partner}}.csv"
    column = entry["columns"]["partner"].get("from", "partner")
    (folder / "data" / "copies").mkdir(exist_ok=True)
    known: dict[str, str | None] = {}
    for new, original in ids.items():
        if original not in known:
            known[original] = _rows(ROOT / "data" / pattern.replace("{partner}", original), column, original)
        if known[original] is not None:
            text = re.sub(rf"(^|,){original}(?=,|$)", rf"\g<1>{new}", known[original], flags=re.MULTILINE)
            (folder / "data" / "copies" / f"{name}_{new}.csv").write_text(text)


def _rows(path, column, partner):
    """The header and one partner's lines of a CSV file; None where it has none."""
    if not path.exists():
        return None
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    header, *lines = text.splitlines()
    assert column in header.split(","), f"{path.name} has no column {column}"
    own = [line for line in lines if f",{partner}," in f",{line},"]
    return "\n".join([header, *own]) + "\n"
