"""Validation errors of a YAML tree, said in terms of the file: key, line, what was expected, the nearest known key."""

from collections.abc import Callable
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from .text import Mark, Problem, nearest


def explain(error: Any, model: Any, mark: Callable[[tuple], Mark]) -> Problem:
    """One pydantic error (an item of `ValidationError.errors()`) as a Problem; `mark` finds the line of a path."""
    path, kind = error["loc"], error["type"]
    place = mark(path)
    key = ".".join(map(str, path))
    if kind == "extra_forbidden":
        return Problem(place.file, place.line, key, "unknown key", nearest(str(path[-1]), _keys(model, path[:-1])))
    if kind == "missing":
        return Problem(place.file, place.line, key, "missing", _meaning(model, path))
    if kind in ("model_type", "model_attributes_type"):
        return Problem(place.file, place.line, key, f"expected the keys {', '.join(_keys(model, path))}, found {shown(error['input'])}")
    message = error["msg"].removeprefix("Value error, ").split(", unable to parse")[0]
    message = message.replace("Input should be", "expected").replace("String should", "expected text that should")
    found = "" if path and isinstance(error["input"], dict) else f", found {shown(error['input'])}"
    return Problem(place.file, place.line, key, message + found, _meaning(model, path))


def shown(value: Any) -> str:
    """A value as a message quotes it: short, and text always between quotes."""
    if value is None:
        return "no value"
    text = repr(value) if isinstance(value, str) else f"{type(value).__name__} {value}"
    return text if len(text) <= 60 else text[:57] + "..."


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _keys(model: Any, path: tuple) -> list[str]:
    found = _declared(model, path)
    return [field.alias or name for name, field in found.model_fields.items()] if _is_model(found) else []


def _meaning(model: Any, path: tuple) -> str:
    owner = _declared(model, path[:-1])
    field = owner.model_fields.get(path[-1]) if path and _is_model(owner) else None
    return (field.description or "") if field else ""


def _declared(annotation: Any, path: tuple) -> Any:
    """The declared type at a path below a model, seen through Optional, Annotated, dict and list; None when there is none."""
    for step in path:
        annotation = _below(annotation, step)
    return next(filter(_is_model, get_args(annotation)), annotation) if get_origin(annotation) not in (dict, list) else annotation


def _below(annotation: Any, step: str | int) -> Any:
    if get_origin(annotation) in (dict, list):
        return get_args(annotation)[-1]
    model = next(filter(_is_model, (annotation, *get_args(annotation))), None)
    fields = model.model_fields if model else {}
    return fields[step].annotation if step in fields else None
