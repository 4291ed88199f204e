"""Which of this package's modules a page depends on: those that its process asked for, and what these import, read from source.

The imports between modules are followed by `ast`, nothing is loaded: a module that the page server had loaded beforehand ran its
imports there, where no page could note them. A package whose `__init__` answers attributes lazily leads to the module that its
table `_HOME` names for the attribute, and to all of its modules where that cannot be read.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

PACKAGE = "catchment"
FOLDER = Path(__file__).parents[1]
# These run every page, whatever its notebook imports; what they load for it is noted when it is loaded.
RUNNING = tuple(f"run/build/{name}.py" for name in ("cells", "child", "engine", "job", "witness"))
ALWAYS = ("catchment.params.load", "catchment.data.isolation", "catchment.data.reads")
# Rooms whose other files (layouts, templates of the pages around the reports) no page reads.
OTHERS = ("run", "data")
Survey = tuple[str, list[str], dict[str, str] | None]


def modules(roots: Iterable[str], read: Callable[[Path], Survey] | None = None, *, folder: Path = FOLDER) -> dict[str, str]:
    """Path below the package -> SHA-256, for the modules and attributes of modules that `roots` names, and all they import.

    `read(path)` surveys a file; a caller may pass one that remembers.
    """
    read = read or partial(survey, folder=folder)
    found = _closure([(name, True) for name in (*ALWAYS, *roots)], read, folder)
    beside = [folder / name for name in RUNNING] + [path for path in files(folder) if path.relative_to(folder).parts[0] not in OTHERS]
    return dict(sorted((found | {_below(path, folder): read(path)[0] for path in beside if path.is_file()}).items()))


def surroundings(read: Callable[[Path], Survey] | None = None, *, folder: Path = FOLDER) -> dict[str, str]:
    """The same for what makes the pages around the reports: modules, templates, style."""
    read = read or partial(survey, folder=folder)
    found = _closure([(f"{PACKAGE}.run.site.{name}", True) for name in ("index", "landing", "desk")], read, folder)
    return dict(sorted((found | {_below(path, folder): read(path)[0] for path in files(folder / "run" / "site")}).items()))


def everything(read: Callable[[Path], Survey] | None = None, *, folder: Path = FOLDER) -> dict[str, str]:
    """All modules and other files of the package."""
    read = read or partial(survey, folder=folder)
    paths = [*folder.rglob("*.py"), *files(folder)]
    return {_below(path, folder): read(path)[0] for path in sorted(paths)}


def files(folder: Path) -> list[Path]:
    """The files of a folder of the package that are no modules."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))


def _closure(waiting: list[tuple[str, bool]], read: Callable[[Path], Survey], folder: Path) -> dict[str, str]:
    """Files by name; a root that is a lazy package stands for itself, for what it answered was noted with it."""
    found: dict[str, str] = {}
    seen: set[tuple[str, bool]] = set()
    while waiting:
        name, root = each = waiting.pop()
        if each in seen or name.split(".")[0] != PACKAGE:
            continue
        seen.add(each)
        module, attribute = _resolved(name, folder)
        path = _file(module, folder)
        for file in [*_parents(module, folder), *([path] if path else [])]:
            if _below(file, folder) not in found:
                found[_below(file, folder)], imports, _ = read(file)
                waiting += [(imported, False) for imported in imports]
        homes = read(path)[2] if path else None
        if path and homes is not None and (attribute or not root):
            waiting += [(inner, False) for inner in _answering(module, attribute, homes, path)]
    return found


def _resolved(name: str, folder: Path) -> tuple[str, str]:
    """The module that a dotted name leads to, and the attribute that is asked of it, if any."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        if _file(".".join(parts[:end]), folder):
            return ".".join(parts[:end]), parts[end] if end < len(parts) else ""
    return parts[0], parts[1] if len(parts) > 1 else ""


def _answering(package: str, attribute: str, homes: dict[str, str], init: Path) -> Iterator[str]:
    """Modules that a lazy package may load: the one that answers an attribute, or all."""
    if attribute in homes:
        yield f"{package}.{homes[attribute]}"
    else:
        yield from (".".join([package, *inner.relative_to(init.parent).with_suffix("").parts]) for inner in init.parent.rglob("*.py"))


def module(path: str) -> str:
    """The name of a module by its path below the package."""
    return ".".join([PACKAGE, *Path(path).with_suffix("").parts]).removesuffix(".__init__")


def preload(imported: Iterable[str], read: Callable[[Path], Survey] | None = None) -> list[str]:
    """What is worth importing before pages are forked: what the notebooks import, and what the package's modules import.

    A notebook that uses nothing of the package is not made to wait for it.
    """
    imported = set(imported)
    own = _closure([(name, False) for name in imported], read or survey, FOLDER)
    return sorted(imported | {module(path) for path in own if path.endswith(".py")})


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _parents(name: str, folder: Path) -> list[Path]:
    """The `__init__` of the packages around a module: Python runs them first."""
    inner = name.split(".")[1:-1]
    paths = (folder.joinpath(*inner[:depth], "__init__.py") for depth in range(len(inner) + 1))
    return [path for path in paths if path.is_file()]


def _file(name: str, folder: Path) -> Path | None:
    place = folder.joinpath(*name.split(".")[1:])
    found = (place.with_suffix(".py"), place / "__init__.py") if place != folder else (place / "__init__.py",)
    return next((path for path in found if path.is_file()), None)


def survey(path: Path, folder: Path = FOLDER) -> Survey:
    """(SHA-256, names of the package that the file imports, where a lazy package finds its attributes) of one file."""
    content = path.read_bytes()
    digest = sha256(content).hexdigest()
    if path.suffix != ".py":
        return digest, [], None
    tree = ast.parse(content, filename=str(path))
    return digest, list(dict.fromkeys(_names(tree, path, folder))), _homes(tree) if path.name == "__init__.py" else None


def _names(tree: ast.Module, path: Path, folder: Path) -> Iterator[str]:
    package = [PACKAGE, *path.relative_to(folder).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            if base.split(".")[0] == PACKAGE:
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _homes(tree: ast.Module) -> dict[str, str] | None:
    """The table `_HOME` (attribute -> module) of a package that answers lazily, empty where there is none; None for other packages."""
    if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
        return None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "_HOME" for target in node.targets):
            return ast.literal_eval(node.value)
    return {}
