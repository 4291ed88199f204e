"""What a page's process really ran and read: modules, files, folders, variables of the environment, and the tables' own journal.

Nothing is read from the text of cells. An import is noted when it happens, whatever asked for it (a cell, `%run`, `importlib`, a
function of the library), a file when Python opens it, with the hash that it had just before. What the page's code asks counts, and
what the library and the packages ask on its behalf; what they need for themselves (fonts, their own configuration) does not.
Files that a C library opens without Python (`geopandas.read_file`, DuckDB, pyarrow) are heard of where the page calls the function.

Nothing noted can be from before: a file that changes between its first opening and the page's end is told, for the page may then
have seen both states.
"""

# Each file that is opened passes here, and paths are compared as text.
# ruff: noqa: PTH100, PTH111, PTH117, PTH118, PTH123, PTH208

import builtins
import hashlib
import importlib
import importlib.util
import os
import random
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

from catchment.run.library import FOLDER, PACKAGE

# Set for every page alike, so that no page depends on them: where and by whom it is built.
FIXED = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}
# One thread for each numeric library: pages run side by side, and a server with busy threads cannot be forked safely.
# A fixed hash seed makes the order of sets, and so the bytes of a page, the same in every process.
SERVERS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1") | {
    "PYTHONHASHSEED": "0"
}
# What ipykernel sets for subprocesses of a cell, and the plotting backend it selects.
KERNELS = dict.fromkeys(("CLICOLOR", "FORCE_COLOR", "CLICOLOR_FORCE"), "1") | {
    "TERM": "xterm-color", "PAGER": "cat", "GIT_PAGER": "cat", "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}  # fmt: skip
RUNNERS = {"CATCHMENT_ROOT", "CATCHMENT_AUDIENCE", "CATCHMENT_NEEDED", "TMPDIR", "CATCHMENT_DB_USER", "CATCHMENT_DB_PASSWORD"}
# Of a session, not of the work: packages ask for them all the time. A cell that asks itself is taken at its word.
SESSION = re.compile(
    r"_|PATH|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|HOSTNAME|LANG|LANGUAGE|TERM\w*|COLUMNS|LINES|DISPLAY|INVOCATION_ID|JOURNAL_STREAM"
    r"|(LC|XDG|SSH|DBUS|PYTHON|PYTEST|MPL|IPYTHON|JUPYTER)\w*"
)
SYSTEM = ("/proc", "/sys", "/dev", "/usr", "/etc", "/lib", "/run")
READERS = {"pyogrio": ("read_dataframe", "read_info", "list_layers", "read_bounds"), "pyarrow.parquet": ("read_table", "read_schema")}
HIDDEN = (".", "__pycache__")
ALL = "*"

_DOORS = re.compile(r"\b(os|_collections_abc|posixpath|getpass|pathlib)(\.py|>)$")  # modules through which code asks for variables

_watched: list["Witness"] = []


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content(path: str) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def names(folder: str) -> str | None:
    """SHA-256 of what a folder holds, by name; None where there is none."""
    try:
        return sha("\n".join(sorted(name for name in os.listdir(folder) if not name.startswith(HIDDEN))).encode())
    except OSError:
        return None


def variable(name: str) -> str | None:
    """Hash of a variable's value, or of all that do not change with each session; None for one that is not set."""
    if name == ALL:
        kept = sorted(f"{key}={value}" for key, value in os.environ.items() if not (_for_all(key) or SESSION.fullmatch(key)))
        return sha("\n".join(kept).encode())
    return None if name not in os.environ else sha(os.environ[name].encode())


def _for_all(name: str) -> bool:
    """Whether the runner sets a variable, for every page in the same way."""
    return any(name in each for each in (RUNNERS, FIXED, SERVERS, KERNELS))


def _by_package(frame: FrameType | None) -> bool:
    """Whether a package asks on its own account, not code that calls `os.environ`, `os.getenv` or `os.path.expandvars` itself."""
    while frame is not None and (frame.f_code.co_filename == __file__ or _DOORS.search(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame is None or frame.f_code.co_filename.startswith(_OTHERS)


class Witness:
    """Notes of one process; `plain` gives them."""

    def __init__(self, root: Path, scratch: Path):
        self.root, self.scratch = os.path.realpath(root), os.path.realpath(scratch)
        self.modules: set[str] = set()
        self.files: dict[str, str | None] = {}
        self.exist: dict[str, bool] = {}
        self.folders: dict[str, str | None] = {}
        self.variables: dict[str, str | None] = {}
        self._states: dict[str, str | None] = {}
        self._written: set[str] = set()
        self._here = threading.local()

    @property
    def busy(self) -> bool:
        """Whether this thread is at work for the witness itself, which is not to be heard."""
        return getattr(self._here, "busy", False)

    def unheard(self, ask: Callable[[], Any]) -> Any:
        """The answer, asked for without being heard."""
        self._here.busy = True
        try:
            return ask()
        finally:
            self._here.busy = False

    def plain(self) -> dict[str, Any]:
        """The notes in a form that JSON can hold, with the files that did not stand still."""
        reads = sys.modules.get("catchment.data.reads")  # not loaded by a page that reads nothing
        moved = self.unheard(lambda: [path for path, state in self._states.items() if content(self._full(path)) != state])
        return {
            "tables": reads.journal.plain() if reads else {},
            "modules": sorted(self.modules),
            "files": self.files,
            "exist": self.exist,
            "folders": self.folders,
            "variables": self.variables,
            "moved": sorted(moved),
        }

    def follow(self, paths: Iterable[Path]) -> None:
        """Files that must not change before the page's end, though they count by what they say and not by their bytes."""
        for path in paths:
            self._states[self._name(str(path))] = content(str(path))

    # Who asks.

    def asker(self, frame: FrameType | None) -> str:
        """Whether code of the page ("own"), the library, an import or nobody of them asks: the nearest that is no package of others."""
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith("<frozen importlib"):
                return "import"
            if name.startswith(f"{FOLDER}{os.sep}"):
                if name != __file__:
                    return "library"
            elif not name.startswith(_OTHERS) and (name[0] != "<" or name.startswith("<ipython")):
                return "own"
            frame = frame.f_back
        return ""

    # What is asked.

    def opened(self, path: str, flags: int) -> None:
        """A file is about to be opened."""
        full = os.path.abspath(path)
        if full.endswith(".pyc"):
            full = _source(full)
        if self._of_no_concern(full):
            return
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._written.add(full)
        elif full not in self._written:
            who = self.asker(sys._getframe())
            if who in ("own", "import") or (who == "library" and not self._counts_otherwise(full) and self._inside(full)):
                self._note(full)

    def listed(self, path: str) -> None:
        """A folder is about to be listed."""
        full = os.path.abspath(path)
        if not self._of_no_concern(full) and self._name(full) not in self.folders and self.asker(sys._getframe()) == "own":
            self.folders[self._name(full)] = names(full)

    def asked_after(self, path: str) -> None:
        """Somebody asks whether a file exists."""
        full = os.path.abspath(path)
        if not self._of_no_concern(full) and full not in self._written and self.asker(sys._getframe()) == "own":
            self.exist.setdefault(self._name(full), os.path.lexists(full))

    def imported(self, name: str, parts: Iterable[str] | None) -> None:
        """A module of the package is asked for."""
        self.modules.add(name)
        self.modules.update(f"{name}.{part}" for part in parts or () if f"{name}.{part}" in sys.modules)

    def looked_up(self, name: str) -> None:
        """A variable of the environment is asked for."""
        if name in self.variables or ALL in self.variables or _for_all(name) or self.asker(sys._getframe()) != "own":
            return
        if not (SESSION.fullmatch(name) and _by_package(sys._getframe())):
            self.variables[name] = variable(name)

    def _note(self, full: str) -> None:
        name = self._name(full)
        if name not in self.files:
            self.files[name] = self._states[name] = content(full)

    def _name(self, full: str) -> str:
        """The path from the project's folder; as it is for what lies elsewhere."""
        real = os.path.realpath(full)
        return os.path.relpath(real, self.root) if self._inside(real) else real

    def _full(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _inside(self, full: str) -> bool:
        return os.path.realpath(full).startswith(f"{self.root}{os.sep}")

    def _of_no_concern(self, full: str) -> bool:
        """What packages, the system and the page itself keep for themselves."""
        if full.startswith((self.scratch, *_OTHERS, f"{FOLDER}{os.sep}")):
            return True
        return not self._inside(full) and full.startswith((*SYSTEM, os.path.expanduser("~/.")))

    def _counts_otherwise(self, full: str) -> bool:
        """Settings, catalog and tables count by what they say; the library reads them."""
        return self._name(full).startswith((f"params{os.sep}", f"data{os.sep}"))

    # Ears.

    def hear(self, event: str, arguments: tuple) -> None:
        """The audit hook."""
        if event not in ("open", "os.listdir", "os.scandir", "sqlite3.connect") or self.busy or not _watched or _watched[-1] is not self:
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor, or the working folder
        if event in ("os.listdir", "os.scandir"):
            self.unheard(lambda: self.listed(os.fsdecode(path)))
        elif event == "sqlite3.connect":
            self.unheard(lambda: self.opened(os.fsdecode(path), os.O_RDONLY))
        elif not (arguments[1] is None and not os.path.isabs(path)):  # `os.open` below an open folder, of which the path says nothing
            self.unheard(lambda: self.opened(os.fsdecode(path), arguments[2]))


_OTHERS = tuple({f"{os.path.realpath(place)}{os.sep}" for place in (sys.prefix, sys.base_prefix)} | {f"{sys.prefix}{os.sep}"})


def _source(compiled: str) -> str:
    try:
        return importlib.util.source_from_cache(compiled)
    except ValueError:
        return compiled


def start(root: str, partner: str, scratch: str) -> None:
    """Confine this process to one partner, pin what it reads, and note all that it asks for from now on."""
    from catchment.data import catalog, isolation, reads
    from catchment.params.load import PARTNERS, PORTFOLIO, load

    folder = Path(root)
    os.environ.update(FIXED)
    _same_for_all(scratch, folder)
    isolation.confine(load(partner, root=folder))
    reads.pin(Path(scratch, "read"))
    witness = Witness(folder, Path(scratch))
    witness.follow([folder / PORTFOLIO, folder / PARTNERS / f"{partner}.yml", *_entries(catalog.sources(folder, partner))])
    _watched.append(witness)
    _listen(witness)


def _entries(sources: Iterable[Path]) -> Iterator[Path]:
    return (path for path in sources if path.suffix == ".yml")


def _same_for_all(scratch: str, root: Path) -> None:
    """Chance, clock and folders do not differ between two processes; a module beside the notebook is found, as in JupyterLab."""
    import time

    if hasattr(time, "tzset"):
        time.tzset()
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    sys.path.insert(0, str(root / "notebooks"))


def record() -> dict[str, Any]:
    """What this process has noted."""
    return _watched[-1].plain()


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The notes of two processes that made one page; what one of them read before the other counts."""
    tables = {name: {**second["tables"].get(name, {}), **part} for name, part in first["tables"].items() if isinstance(part, dict)}
    return {
        **{name: {**second[name], **first[name]} for name in ("files", "exist", "folders", "variables")},
        "tables": {**second["tables"], **first["tables"], **tables},
        "modules": sorted({*first["modules"], *second["modules"]}),
        "moved": sorted({*first["moved"], *second["moved"]}),
    }


def _listen(witness: Witness) -> None:
    sys.addaudithook(witness.hear)
    _around_imports(witness)
    _around_variables(witness)
    os.stat = _noting(os.stat, witness.asked_after, witness)
    for module, functions in READERS.items():
        if module in sys.modules:
            _around_readers(sys.modules[module], functions, witness)


def _noting(function: Callable[..., Any], note: Callable[[str], None], witness: Witness) -> Callable[..., Any]:
    """The function, which tells the path that it is given first."""

    @wraps(function)
    def told(path: Any = "", *arguments: Any, **options: Any) -> Any:
        if isinstance(path, str | bytes | os.PathLike) and not witness.busy:
            witness.unheard(lambda: note(os.fsdecode(path)))
        return function(path, *arguments, **options)

    return told


def _around_readers(module: Any, functions: Iterable[str], witness: Witness) -> None:
    for name in functions:
        setattr(module, name, _noting(getattr(module, name), lambda path: witness.opened(path, os.O_RDONLY), witness))


def _around_imports(witness: Witness) -> None:
    statement, call = builtins.__import__, importlib._bootstrap._gcd_import  # type: ignore[attr-defined]

    def by_statement(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name.startswith(PACKAGE) or level:
            package = (globals or {}).get("__package__") or ""
            full = importlib.util.resolve_name("." * level + name, package) if level and package else name
            if full.split(".")[0] == PACKAGE:
                found = statement(name, globals, locals, fromlist, level)
                witness.imported(full, fromlist)
                return found
        return statement(name, globals, locals, fromlist, level)

    def by_call(name: str, package: Any = None, level: int = 0) -> Any:
        found = call(name, package, level)
        if found.__name__.split(".")[0] == PACKAGE:
            witness.imported(found.__name__, ())
        return found

    builtins.__import__ = by_statement
    importlib._bootstrap._gcd_import = by_call  # type: ignore[attr-defined]


def _around_variables(witness: Witness) -> None:
    kind = type(os.environ)

    class Heard(kind):  # type: ignore[misc, valid-type]
        def __getitem__(self, name: str) -> str:
            if isinstance(name, str) and not witness.busy:
                witness.unheard(lambda: witness.looked_up(name))
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[str]:
            if not witness.busy:
                witness.unheard(lambda: witness.looked_up(ALL))
            return super().__iter__()

    os.environ.__class__ = Heard
