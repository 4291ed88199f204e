"""Which of this package's modules a notebook's pages depend on: what it imports, and what that imports, read from source.

Imports are followed by `ast`, nothing is loaded. A package whose `__init__` answers attributes lazily counts whole, because
what it loads later cannot be read; the report package's templates and style sheets count with it.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PACKAGE = "catchment"
FOLDER = Path(__file__).parents[1]
# These execute and render every page, whatever its notebook imports.
TEMPLATES = "catchment.page"
ALWAYS = ("catchment.page", "catchment.params", "catchment.data", "catchment.run.build.job", "catchment.run.build.engine")


def modules(
    imported: Iterable[str], read: Callable[[Path], tuple[str, list[str]]] | None = None, *, folder: Path = FOLDER
) -> dict[str, str]:
    """Path below the package -> SHA-256, for the modules that `imported` names and all they import.

    `read(path)` gives (SHA-256, names imported) of a file; a caller may pass one that remembers.
    """
    read = read or (lambda path: survey(path, folder))
    found: dict[str, str] = {}
    waiting = [name for name in (*ALWAYS, *imported) if name.split(".")[0] == PACKAGE]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for path in [*_parents(name, folder), *_files(name, folder)]:
            found[path.relative_to(folder).as_posix()], imports = read(path)
            waiting += imports
    return dict(sorted(found.items()))


def module(path: str) -> str:
    """The name of a module by its path below the package."""
    return ".".join([PACKAGE, *Path(path).with_suffix("").parts]).removesuffix(".__init__")


def preload(imported: Iterable[str], read: Callable[[Path], tuple[str, list[str]]] | None = None) -> list[str]:
    """What is worth importing before pages are forked: what the notebooks import, and what the package's modules load behind lazy names.

    A notebook that uses nothing of the package is not made to wait for it.
    """
    imported = set(imported)
    own = modules(imported, read) if any(name.split(".")[0] == PACKAGE for name in imported) else {}
    return sorted(imported | {module(path) for path in own if path.endswith(".py")})


def _parents(name: str, folder: Path) -> list[Path]:
    """The `__init__` of the packages around a module: Python runs them first."""
    inner = name.split(".")[1:-1]
    paths = (folder.joinpath(*inner[:depth], "__init__.py") for depth in range(len(inner) + 1))
    return [path for path in paths if path.is_file()]


def _files(name: str, folder: Path) -> Iterator[Path]:
    place = folder.joinpath(*name.split(".")[1:])
    if place.with_suffix(".py").is_file():
        yield place.with_suffix(".py")
    elif (place / "__init__.py").is_file():
        yield place / "__init__.py"
        if name == TEMPLATES:
            yield from sorted(path for path in place.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))


def survey(path: Path, folder: Path = FOLDER) -> tuple[str, list[str]]:
    """(SHA-256, package modules that the file imports) of one file."""
    from hashlib import sha256

    content = path.read_bytes()
    names = list(_names(content, path, folder)) if path.suffix == ".py" else []
    return sha256(content).hexdigest(), names


def _names(content: bytes, path: Path, folder: Path) -> Iterator[str]:
    package = [PACKAGE, *path.relative_to(folder).parts[:-1]]
    tree = ast.parse(content, filename=str(path))
    lazy = path.name == "__init__.py" and any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    if lazy:
        yield from (".".join([*package, *inner.relative_to(path.parent).with_suffix("").parts]) for inner in path.parent.rglob("*.py"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            if base.split(".")[0] == PACKAGE:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
