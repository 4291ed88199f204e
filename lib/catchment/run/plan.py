"""What there is to run: partner x notebook, discovered from the folders, with the parameters of every page checked.

Adding a partner is a file in params/partners, adding a notebook a file in notebooks/. A notebook describes itself in its
metadata (`catchment`: title, order, needs) and in its cell tagged `parameters`, whose annotations are the types that
Papermill reads and that are enforced here, for all pages at once, before any of them starts.
"""

import ast
import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from catchment import params

from .site.trees import AUDIENCES, INTERNAL, LEADERSHIP, page_name

EDITIONS = {"leadership": (LEADERSHIP,), "internal": (INTERNAL,), "both": AUDIENCES}


class PlanError(ValueError):
    """Something asked for that does not exist, or a notebook that cannot be read."""


@dataclass(frozen=True)
class Notebook:
    """One notebook of the portfolio.

    `needs` names the notebooks whose headlines it reads. `audiences` are the editions it has: one for internal readers is
    built only for partners who have such readers. One with a `deck` can be had as slides too.
    """

    name: str
    path: Path
    title: str
    order: float
    needs: tuple[str, ...]
    audiences: tuple[str, ...]
    deck: bool
    source: str

    @property
    def cells(self) -> list[dict[str, Any]]:
        return json.loads(self.source)["cells"]


@dataclass(frozen=True, order=True)
class Page:
    """One partner's edition of one notebook, for one audience."""

    partner: str
    notebook: str
    audience: str = LEADERSHIP

    def __str__(self) -> str:
        return page_name(self.partner, self.notebook, self.audience)


def notebooks(root: Path) -> dict[str, Notebook]:
    """All notebooks by name, in their order, those that need others after them."""
    found = [_read(path) for path in sorted(Path(root, "notebooks").glob("*.ipynb"))]
    names = {notebook.name for notebook in found}
    hidden = {notebook.name for notebook in found if LEADERSHIP not in notebook.audiences}
    for notebook in found:
        for missing in set(notebook.needs) - names:
            raise PlanError(f"notebooks/{notebook.name}.ipynb: needs {missing!r}, which does not exist{_nearest(missing, names)}")
        for kept in hidden & set(notebook.needs) if LEADERSHIP in notebook.audiences else ():
            raise PlanError(
                f"notebooks/{notebook.name}.ipynb: has a page for leadership and needs {kept!r}, which is for internal readers only"
            )
    ordered = sorted(found, key=lambda notebook: (notebook.order, notebook.name))
    placed: dict[str, Notebook] = {}
    while ordered:
        ready = [notebook for notebook in ordered if set(notebook.needs) <= set(placed)]
        if not ready:
            raise PlanError(f"notebooks need each other in a circle: {', '.join(notebook.name for notebook in ordered)}")
        placed[ready[0].name] = ready[0]
        ordered.remove(ready[0])
    return placed


def _read(path: Path) -> Notebook:
    source = path.read_text(encoding="utf-8")
    try:
        metadata = json.loads(source)["metadata"]
    except (json.JSONDecodeError, KeyError) as error:
        raise PlanError(f"notebooks/{path.name}: not a notebook: {error}") from error
    own = metadata.get("catchment", {})
    if missing := [name for name in ("title", "order") if name not in own]:
        raise PlanError(f"notebooks/{path.name}: {_how_to_describe(path.stem, missing, described=bool(own))}")
    audience = own.get("audience", LEADERSHIP)
    if audience not in EDITIONS:
        raise PlanError(
            f"notebooks/{path.name}: audience {audience!r}{_nearest(str(audience), EDITIONS)}; there are: {', '.join(EDITIONS)}"
        )
    return Notebook(
        path.stem,
        path,
        own["title"],
        own["order"],
        tuple(own.get("needs", ())),
        EDITIONS[audience],
        bool(own.get("deck")),
        source,
    )


def _how_to_describe(name: str, missing: list[str], *, described: bool) -> str:
    example = json.dumps({"catchment": {"title": name.lstrip("0123456789_").replace("_", " ").capitalize(), "order": 8, "needs": []}})
    lacks = f"its metadata's entry `catchment` has no {' and no '.join(missing)}" if described else "its metadata has no entry `catchment`"
    return (
        f"{lacks}, so it cannot be a report. Add {example[1:-1]} to it (in JupyterLab: Property Inspector, Advanced Tools), "
        "and tag one cell `parameters`; or move a notebook that is no report to notebooks/sandbox/"
    )


def pages(
    root: Path, *, partners: Iterable[str] = (), names: Iterable[str] = (), internal: Callable[[str], bool] | None = None,
) -> list[Page]:  # fmt: skip
    """The pages of the given partners and notebooks (all where none is given), partner by partner.

    `internal` tells whether a partner has internal readers; by default its settings are asked.
    """
    known, named = params.partners(root=root), list(partners)
    chosen_partners = _chosen("partner", named, known) or known
    found, wanted = notebooks(root), [name.removesuffix(".ipynb") for name in names]
    chosen_notebooks = _chosen("notebook", wanted, list(found)) or list(found)
    has_internal = internal or (lambda partner: params.load(partner, root=root).audience == INTERNAL)
    asked = any(INTERNAL in found[name].audiences for name in chosen_notebooks)
    audiences = {partner: AUDIENCES if asked and has_internal(partner) else (LEADERSHIP,) for partner in chosen_partners}
    planned = [
        Page(partner, name, audience)
        for partner in chosen_partners for name in chosen_notebooks for audience in found[name].audiences if audience in audiences[partner]
    ]  # fmt: skip
    asked_for = {(partner, name) for partner in chosen_partners for name in chosen_notebooks if wanted and (named or not planned)}
    _refuse_hidden(root, sorted(asked_for - {(page.partner, page.notebook) for page in planned}))
    return planned


def _refuse_hidden(root: Path, pages: list[tuple[str, str]]) -> None:
    """Pages for internal readers only that were asked for by name, of partners that have no such readers."""
    settings = {partner: params.load(partner, root=root) for partner, _ in pages}
    if pages:
        raise params.ParamsError(
            [_problem(settings[partner], ("audience",), f"{name} is for internal readers only") for partner, name in pages]
        )


def _chosen(kind: str, wanted: Iterable[str], known: list[str]) -> list[str]:
    for name in wanted:
        if name not in known:
            raise PlanError(f"no {kind} {name!r}{_nearest(name, known)}; there are: {', '.join(known)}")
    return [name for name in known if name in wanted] if wanted else []


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def imports(notebook: Notebook) -> list[str]:
    """Modules that the notebook's cells import."""
    return source_imports(notebook.cells)


def source_imports(cells: Iterable[dict[str, Any]]) -> list[str]:
    """Modules that code cells import; cells that are not plain Python (magics) are skipped."""
    found: dict[str, None] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            found.update(dict.fromkeys(_imported("".join(cell["source"]))))
    return list(found)


def _imported(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("catchment"))


def parameters(root: Path, planned: Iterable[Page], load: Callable[[str], params.Settings] | None = None) -> dict[Page, dict[str, Any]]:
    """The Papermill parameters of each page, converted to the types that the notebook declares.

    `load` gives the settings of a partner; a caller that keeps them passes its own.

    Raises params.ParamsError with every problem of every page: an unknown name, a value of another type, a parameter
    without a declared type.
    """
    found = notebooks(root)
    declared: dict[str, dict[str, dict]] = {}
    problems: dict[str, params.Problem] = {}
    resolved: dict[Page, dict[str, Any]] = {}
    load = load or cache(partial(params.load, root=root))
    for page in planned:
        try:
            if page.notebook not in declared:
                declared[page.notebook] = _declared(found[page.notebook])
            resolved[page] = _converted(page, load(page.partner), declared[page.notebook], set(found))
        except params.ParamsError as error:
            problems.update({str(problem): problem for problem in error.problems})
    if problems:
        raise params.ParamsError(problems.values())
    return resolved


def _declared(notebook: Notebook) -> dict[str, dict]:
    """Papermill's reading of the parameters cell; `partner` has to be among them."""
    from .build.server import without_slow_imports

    with without_slow_imports():
        import papermill
    declared = papermill.inspect_notebook(notebook.path)
    where = f"notebooks/{notebook.name}.ipynb"
    if "partner" not in declared:
        raise params.ParamsError(
            [params.Problem(where, 0, "partner", "no such parameter", 'tag a cell `parameters` with `partner: str = "…"`')]
        )
    untyped = [name for name, each in declared.items() if each["inferred_type_name"] == "None"]
    if untyped:
        raise params.ParamsError([params.Problem(where, 0, name, "the parameter declares no type") for name in untyped])
    return declared


def _converted(page: Page, settings: params.Settings, declared: dict[str, dict], names: set[str]) -> dict[str, Any]:
    from catchment.params.convert import convert

    problems: list[params.Problem] = []
    for name in set(settings.notebooks) - names:
        problems.append(_problem(settings, ("notebooks", name), f"no notebook {name!r}{_nearest(name, names)}"))
    values = {"partner": page.partner}
    for key, value in settings.notebooks.get(page.notebook, {}).items():
        mark = settings.mark("notebooks", page.notebook, key)
        if key not in declared or key == "partner":
            problems.append(_problem(settings, ("notebooks", page.notebook, key), f"no parameter {key!r}{_nearest(key, declared)}"))
            continue
        try:
            file, line = (mark.file, mark.line) if mark else ("", 0)
            values[key] = convert(value, declared[key]["inferred_type_name"], file=file, line=line, key=f"notebooks.{page.notebook}.{key}")
        except params.ParamsError as error:
            problems.extend(error.problems)
    if problems:
        raise params.ParamsError(problems)
    return values


def _problem(settings: params.Settings, path: tuple[str, ...], message: str) -> params.Problem:
    mark = settings.mark(*path)
    return params.Problem(mark.file if mark else f"params/partners/{settings.id}.yml", mark.line if mark else 0, ".".join(path), message)
