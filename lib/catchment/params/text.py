"""YAML read as text, with the line of every value.

Every scalar stays the text that was written (`02134`, `no`, `1e3`); the field that takes it declares the type. Only an
unquoted `null`, `~` or nothing at all means "no value". Tags, anchors and merge keys are refused: a settings file is data,
and a reader should see a value where it is used.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# libyaml's parser is ten times faster and keeps the same marks; the pure Python one reads the same language.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")}
_MISSING = {"", "~", "null", "Null", "NULL"}
_DEEPEST = 20


@dataclass(frozen=True, order=True)
class Mark:
    """Where a value was written."""

    file: str
    line: int


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a settings file, in words for the person who edits it."""

    file: str
    line: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file else ""
        key = f"{self.key}: " if self.key else ""
        return place + key + self.message + (f" ({self.hint})" if self.hint else "")


class ParamsError(ValueError):
    """All problems of the settings at once."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass
class Source:
    """A YAML file as nested text, the mark of each path in it, and what could not be read."""

    file: str
    tree: dict[str, Any] = field(default_factory=dict)
    marks: dict[tuple, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, path: tuple, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, line, ".".join(map(str, path)), message, hint))


def read(path: Path, shown: str | None = None) -> Source:
    """The YAML file at `path`; `shown` is its name in messages. Problems are collected, not raised."""
    source = Source(shown or path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if line := _too_deep(text):
            source.refuse(line, (), f"nested deeper than {_DEEPEST} levels")
            return source
        node = yaml.compose(text, Loader=_Loader)
    except FileNotFoundError:
        source.refuse(1, (), "file not found")
    except UnicodeDecodeError as error:
        source.refuse(1, (), f"expected UTF-8 text, found byte {error.object[error.start]:#04x}", "save the file as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source.refuse(mark.line + 1 if mark else 1, (), f"not readable as YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        source.refuse(1, (), f"not readable as YAML: {str(error).splitlines()[0]}")
    else:
        if isinstance(node, yaml.MappingNode):
            source.tree = _plain(node, (), source, set())
        elif node is not None:
            source.refuse(node.start_mark.line + 1, (), "expected keys with values at the top level")
    return source


def _too_deep(text: str) -> int:
    """The line on which the text is nested deeper than any settings are, 0 when nowhere: composing it would end the process."""
    depth = deepest = 0
    for mark in re.finditer(r"[\[{}\]]", text):
        depth += 1 if mark[0] in "[{" else -1
        deepest = max(deepest, depth)
    if deepest <= _DEEPEST and not re.search(rf"^ {{{4 * _DEEPEST}}}|(?:- ){{{_DEEPEST}}}", text, re.MULTILINE):
        return 0
    # It may only look so: brackets within text. The events tell, one by one.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST + 1:
            return event.start_mark.line + 1 if event.start_mark else 1
    return 0


def _plain(node: yaml.Node, path: tuple, source: Source, seen: set[int]) -> Any:
    line = node.start_mark.line + 1
    source.marks[path] = Mark(source.file, line)
    if id(node) in seen:
        source.refuse(line, path, "anchors and aliases are not used here", "write the value out")
    elif len(path) > _DEEPEST:
        source.refuse(line, path, f"nested deeper than {_DEEPEST} levels")
    elif node.tag not in _PLAIN_TAGS:
        source.refuse(line, path, f"unexpected tag {node.tag.removeprefix('tag:yaml.org,2002:')!r}", "write the value without a tag")
    else:
        seen.add(id(node))
        return _value(node, path, source, seen)
    return None


def _value(node: yaml.Node, path: tuple, source: Source, seen: set[int]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return None if not node.style and node.value in _MISSING else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, position), source, seen) for position, item in enumerate(node.value)]
    tree: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            source.refuse(line, path, "a key must be a single word")
        elif key.value in tree:
            source.refuse(line, (*path, key.value), f"written twice, first on line {source.marks[*path, key.value].line}")
        else:
            tree[key.value] = _plain(value, (*path, key.value), source, seen)
            source.marks[*path, key.value] = Mark(source.file, line)
    return tree


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest of the known words, or all of them when there are few and none is close."""
    known = sorted(set(known))
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6) or difflib.get_close_matches(
        word.casefold(), [item.casefold() for item in known], n=1, cutoff=0.6
    )
    if close:
        return f"did you mean {next(item for item in known if item in close or item.casefold() in close)}?"
    return f"known: {', '.join(known)}" if 0 < len(known) <= 12 else ""
