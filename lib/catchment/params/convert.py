"""A value from YAML or a command line as the type that a notebook's parameter cell declares.

An annotation is text (`int`, `list[str]`, `date | None`, `Literal["a", "b"]`); it is read, never evaluated. Text that was
written in YAML becomes the declared type; a value that already has a type must have the right one.
"""

import ast
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from .base import Date
from .explain import shown
from .text import ParamsError, Problem


def _python(value: Any) -> Any:
    # Known by name, so that checking settings does not load numpy.
    return value.item() if type(value).__module__ == "numpy" and hasattr(value, "dtype") and value.ndim == 0 else value


def _only(*kinds: type) -> BeforeValidator:
    """Text is read; a value that has a type already must have one of these, and True is no number."""

    def checked(value: Any) -> Any:
        value = _python(value)
        if not isinstance(value, (str, *kinds)) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError(f"not {kinds[0].__name__}")
        return value

    return BeforeValidator(checked)


_NAMES: dict[str, Any] = {
    "str": str,
    "int": Annotated[int, _only(int)],
    "float": Annotated[float, _only(float, int)],
    "bool": Annotated[bool, _only(bool)],
    "date": Annotated[Date, _only(date)],
    "Any": Any,
    "None": None,
}
_GENERIC = {"list": list, "dict": dict, "tuple": tuple}


def convert(value: Any, annotation: str, *, file: str = "", line: int = 0, key: str = "") -> Any:
    """`value` as the type written in `annotation`; raises ParamsError naming file, line and key.

    A numpy scalar becomes the Python scalar it holds. `no` stays text for `str` and is False for `bool`. A whole number fits
    `float`; no other typed value is converted (True is not 1, 5 is not "5").
    """
    try:
        declared = _declared(ast.parse(annotation.strip(), mode="eval").body)
    except (SyntaxError, LookupError, TypeError, ValueError) as error:
        raise ParamsError([Problem(file, line, key, f"unknown type {annotation!r} in the notebook's parameters cell")]) from error
    value = _python(value)
    try:
        return TypeAdapter(declared, config=ConfigDict(allow_inf_nan=False)).validate_python(value)
    except (ValidationError, ValueError) as error:
        raise ParamsError([Problem(file, line, key, f"expected {annotation.strip()}, found {shown(value)}")]) from error


def _declared(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Name):
        return _NAMES[node.id] if node.id in _NAMES else _GENERIC[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _declared(node.left) | _declared(node.right)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if node.value.id == "Literal":
            return Literal[tuple(ast.literal_eval(item) for item in inner)]
        generic: Any = _GENERIC[node.value.id]
        return generic[tuple(_declared(item) for item in inner)]
    raise ValueError(ast.dump(node))
