"""The house: imports go down only, notebooks stay thin, every dependency and every column is accounted for."""

import ast
import graphlib
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "lib/catchment"
FLOORS = {
    **{"words": 0, "units": 0, "params": 0, "data": 1, "stats": 2, "protect": 3, "page": 4},
    **dict.fromkeys(("market", "referrals", "growth", "philanthropy", "scorecard"), 5),  # rooms import nothing of each other
    **{"brief": 6, "run": 7, "cli": 8},
}
SIDEWAYS = {("units", "words")}  # both on the ground: a value with its unit is written by the words
STATS_MAY_IMPORT = {
    "numpy",
    "pandas",
    "geopandas",
    "shapely",
    "pyproj",
    "scipy",
    "statsmodels",
    "libpysal",
    "esda",
    "access",
    "spint",
    "mapclassify",
    "networkx",
    "igraph",
    "pyxirr",
    "leidenalg",
    "catchment",
} | set(sys.stdlib_module_names)
NO_FILES_NO_PROCESSES = {"os", "io", "pathlib", "subprocess", "shutil", "tempfile", "socket", "urllib", "sqlite3"}
MODULES = sorted(LIBRARY.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path):
    return str(path.relative_to(ROOT))


def floor(path):
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imported(path):
    """Absolute names of everything that a module imports."""
    package = ["catchment", *path.relative_to(LIBRARY).parts[:-1]]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def tracked():
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / file for file in done.stdout.split("\0") if file and (ROOT / file).is_file()]


def modules_of(path):
    """The modules of this package that a module imports, by their dotted names."""
    known = {dotted(each) for each in MODULES}
    for target in imported(path):
        parts = target.split(".")
        while parts and ".".join(parts) not in known:
            parts.pop()
        if len(parts) > 1:
            yield ".".join(parts)


def dotted(path):
    return ".".join(["catchment", *path.relative_to(LIBRARY).with_suffix("").parts]).removesuffix(".__init__")


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent != LIBRARY or path.name != "__init__.py"], ids=name)
def test_imports_go_down_only(path):
    for target in modules_of(path):
        room = target.split(".")[1]
        if room != floor(path) and (floor(path), room) not in SIDEWAYS:
            assert FLOORS[room] < FLOORS[floor(path)], f"{name(path)} imports {target}"


def test_no_module_imports_itself_by_a_detour():
    below = {dotted(path): set(modules_of(path)) - {dotted(path)} for path in MODULES}
    graph = {node: {target for target in targets if not node.startswith(f"{target}.")} for node, targets in below.items()}
    assert tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError with the circle


@pytest.mark.parametrize("room", sorted({path.parent for path in MODULES}), ids=name)
def test_a_room_stays_small(room):
    assert sum(path.parent == room and path.name != "__init__.py" for path in MODULES) <= 20


@pytest.mark.parametrize("path", sorted((LIBRARY / "stats").rglob("*.py")), ids=name)
def test_stats_know_neither_files_nor_plots_nor_settings(path):
    roots = {target.split(".")[0] for target in imported(path)}
    assert roots <= STATS_MAY_IMPORT
    assert not roots & NO_FILES_NO_PROCESSES
    assert all(target.startswith("catchment.stats") for target in modules_of(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_opens_with_what_it_is_about_and_stays_readable(path):
    assert ast.get_docstring(tree(path)), "no docstring"
    assert len(path.read_text().splitlines()) <= 450
    assert path.stem not in {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_error_is_swallowed(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = [] if node.type is None else [part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)]
            broad = not caught or {"Exception", "BaseException"} & set(caught)
            assert not broad or any(isinstance(part, ast.Raise) for part in ast.walk(node)) or _reports(node), (
                f"{name(path)}:{node.lineno} catches everything"
            )
            assert not all(isinstance(part, ast.Pass) for part in node.body) or not broad, f"{name(path)}:{node.lineno}"


def _reports(handler):
    """A process boundary may turn any error into a message, if it hands the error itself on."""
    return handler.name and any(
        isinstance(part, ast.Name) and part.id == handler.name for statement in handler.body for part in ast.walk(statement)
    )


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_merge_says_what_it_expects(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "merge":
            assert "validate" in {keyword.arg for keyword in node.keywords}, f"{name(path)}:{node.lineno}"


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_code_is_formatted_and_free_of_lint(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "lib", "tests", "data", "docs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_hold(tmp_path):
    """mypy, with every function annotated; its settings stand in pyproject.toml."""
    command = [sys.executable, "-m", "mypy", "--no-color-output", "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_functions_stay_small():
    lengths = sorted(
        node.end_lineno - node.lineno + 1 for path in MODULES for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 12
    assert lengths[int(0.9 * len(lengths))] <= 35
    assert lengths[-1] <= 75


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_thin_and_stripped(path):
    book = json.loads(path.read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code), "outputs in git"
    assert all(isinstance(cell["source"], list) for cell in book["cells"]), "a cell in one string: its changes cannot be read"
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1
    lines = [[line for line in "".join(cell["source"]).splitlines() if line.strip()] for cell in code]
    assert max(map(len, lines)) <= 8, "a cell of more than 8 lines"
    assert max(len(line) for cell in lines for line in cell) <= 130, "a line of more than 130 characters"
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Try, ast.For, ast.While, ast.Lambda)
    for cell in code:
        found = [type(node).__name__ for node in ast.walk(ast.parse("".join(cell["source"]))) if isinstance(node, forbidden[:-1])]
        assert not found, f"{found} in {cell['id']}"
    assert {"title", "order"} <= book["metadata"]["catchment"].keys()


def test_no_file_is_large():
    assert [name(path) for path in tracked() if path.stat().st_size > 500_000] == []


def test_no_file_names_a_machine_or_a_package_index():
    pattern = re.compile(r"/(?:home|root|Users)/\w|index-url|https://pypi\.|--find-links")
    texts = [
        path
        for path in tracked()
        if path.suffix in {".py", ".yml", ".md", ".toml", ".lock", ".txt", ".ipynb", ""} and path != Path(__file__)
    ]
    assert [name(path) for path in texts if pattern.search(path.read_text(encoding="utf-8", errors="replace"))] == []


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {re.split(r"[\s<>=!~;]", requirement)[0].lower() for requirement in required}


def test_environment_yml_declares_the_same_dependencies():
    lines = re.findall(r"^ +- ([\w.-]+)[^#\n]*?(?:#\s*(\S+))?\s*$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
    names = {(given or conda).lower() for conda, given in lines} - {"python", "pip", "conda-forge", "nodefaults", "-e"}
    assert names == declared()


def test_every_dependency_is_used():
    """Imported by the library, the tests, the demo or a notebook, or named here with what it is for."""
    run_by_name = {
        "jupyterlab": "make lab",
        "ruff": "style, in this file",
        "mypy": "types, in this file",
        "types-pyyaml": "types of YAML",
        "sphinx": "make docs",
        "furo": "the theme of make docs",
        "myst-parser": "Markdown of make docs",
        "pytest-xdist": "make test",
        "pytest-timeout": "make test: a test that hangs fails",
        "ipykernel": "the notebooks' kernel",
        "pyarrow": "Parquet and pandas' text",
    }
    files = [*MODULES, *ROOT.glob("tests/**/*.py"), *ROOT.glob("data/**/*.py")]
    sources = "\n".join(path.read_text() for path in files) + "\n".join(
        "".join(cell["source"]) for path in NOTEBOOKS for cell in json.loads(path.read_text())["cells"]
    )
    modules = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules.setdefault(distribution.lower().replace("_", "-"), set()).add(module)
    unused = []
    for dependency in declared():
        plain = dependency.split("[")[0].replace("_", "-")
        used = any(
            re.search(
                rf"^\s*(?:from|import) {re.escape(module)}\b|importorskip\(\"{re.escape(module)}|\"{re.escape(module)}[.\"]",
                sources,
                re.MULTILINE,
            )
            for module in modules.get(plain, ())
        )
        if not used and plain not in run_by_name:
            unused.append(dependency)
    assert unused == []


def test_every_cataloged_file_exists_and_every_data_file_is_cataloged():
    from catchment import params
    from catchment.data import catalog

    data = ROOT / "data"
    known = set()
    for entry in catalog.tables(ROOT).values():
        for partner in params.partners(root=ROOT):
            known |= set(data.glob((entry.path or "").replace("{partner}", partner))) if entry.path else set()
    held = {
        path
        for folder in ("public", "demo")
        for path in (data / folder).rglob("*")
        if path.suffix in {".csv", ".gz", ".parquet", ".geojson"}
    }
    inputs = (data / "public/compile.py").read_text()
    assert {name(path) for path in held - known if path.name not in inputs} == set()
