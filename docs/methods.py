"""Writes docs/methods.md from the docstrings of the analysis: `python docs/methods.py`."""

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARY = FOLDER.parent / "lib" / "catchment"
ROOMS = ("stats", "protect", "market", "referrals", "growth", "philanthropy", "scorecard", "brief")
WORDS = ("exhibits", "findings", "labels", "tables", "figures", "deck", "__init__")  # what pages say and draw
HEAD = """\
# Methods

Every public function of the methods (`catchment.stats`), of disclosure control and of the subjects: definitions and known biases, then
what each function takes and gives and where its method is from. Units, columns and errors stand in the docstrings: `help(rates.wilson)`.
Written by `python docs/methods.py`; edit the docstrings, not this page.
"""


def page() -> str:
    """The whole page, one section for each module."""
    return "\n\n".join([HEAD.strip(), *(_section(path) for path in modules())]) + "\n"


def modules() -> list[Path]:
    """The modules that hold analysis, room by room."""
    return [path for room in ROOMS for path in sorted((LIBRARY / room).glob("*.py")) if path.stem not in WORDS]


def _section(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    about = ast.get_docstring(tree) or ""
    own = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    rows = [f"| `{node.name}({_arguments(node)})` | {_cell(_first(node))} | {_cell(_references(node))} |" for node in own]
    table = ["| function | gives | reference |", "|---|---|---|", *rows] if rows else []
    lead = re.sub(r"^(\w[\w ]*)\n-+\n", r"**\1.** ", about, flags=re.MULTILINE)
    return "\n\n".join([f"## {path.parent.stem}.{path.stem}", lead, *(["\n".join(table)] if table else [])])


def _arguments(node: ast.FunctionDef) -> str:
    """Names as they are called: `name` by position, `name=` where it has a default or can be given by name only."""
    given, defaults = node.args, len(node.args.defaults)
    plain = len(given.args) - defaults
    rest = [f"*{given.vararg.arg}"] if given.vararg else []
    named = [f"{each.arg}=" for each in given.kwonlyargs]
    more = [f"**{given.kwarg.arg}"] if given.kwarg else []
    return ", ".join([*(each.arg for each in given.args[:plain]), *(f"{each.arg}=" for each in given.args[plain:]), *rest, *named, *more])


def _first(node: ast.FunctionDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())


def _references(node: ast.FunctionDef) -> str:
    """What stands under the heading References, to the next heading or the end."""
    found = re.search(r"^References\n-+\n(.*?)(?=\n\n[A-Z][a-z]+\n-+\n|\Z)", ast.get_docstring(node) or "", re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    (FOLDER / "methods.md").write_text(page(), encoding="utf-8")
