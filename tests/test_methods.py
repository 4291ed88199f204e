"""The page of methods is the one that the docstrings give, and names every public function."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/methods.md").read_text(encoding="utf-8")


SPEC = importlib.util.spec_from_file_location("methods", ROOT / "docs/methods.py")
methods = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(methods)


def test_the_page_is_up_to_date():
    assert methods.page() == PAGE, "run: python docs/methods.py"


@pytest.mark.parametrize("name", [f"{path.parent.stem}.{path.stem}" for path in methods.modules()])
def test_every_public_function_is_named_with_its_arguments_and_what_it_gives(name):
    module = importlib.import_module(f"catchment.{name}")
    section = PAGE.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    listed = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \| \S", section, re.MULTILINE))
    own = {key: each for key, each in vars(module).items() if key[0] != "_" and inspect.isfunction(inspect.unwrap(each))}
    own = {key: each for key, each in own.items() if each.__module__ == module.__name__}
    assert set(listed) == set(own)
    for key, each in own.items():
        assert listed[key] == ", ".join(map(called, inspect.signature(each).parameters.values()))


def called(part):
    """An argument as the page writes it."""
    mark = {part.VAR_POSITIONAL: "*", part.VAR_KEYWORD: "**"}.get(part.kind, "")
    return f"{mark}{part.name}" + ("=" if part.default is not part.empty or part.kind is part.KEYWORD_ONLY else "")
