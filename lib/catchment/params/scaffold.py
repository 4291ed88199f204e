"""A settings file for a new partner, with a comment over each key that only this partner can answer."""

from pathlib import Path
from typing import Any

import yaml

from .load import PARTNER_ID, PARTNERS, PORTFOLIO
from .load import root as project
from .settings import Settings
from .text import ParamsError, Problem, nearest, read


def new_partner(partner: str, *, root: Path | None = None, **values: Any) -> Path:
    """Write params/partners/<partner>.yml and return its path.

    The file asks for every setting that the portfolio gives no default for; `values` fills in what is known already.
    Raises ParamsError when the id is not one (lower-case letters, digits, `-`, `_`, a letter first), when the partner
    exists, or when a value has no such setting. The new file is complete only after its empty keys are filled.
    """
    folder = root or project()
    path = folder / PARTNERS / f"{partner}.yml"
    if not PARTNER_ID.fullmatch(partner):
        raise _refused(
            "", f"{partner!r} is no partner id", "lower-case letters, digits, - and _, starting with a letter, such as river-bend"
        )
    if unknown := sorted(values.keys() - Settings.model_fields.keys()):
        raise _refused(unknown[0], "unknown key", nearest(unknown[0], Settings.model_fields))
    text = _text(read(folder / PORTFOLIO).tree, values)
    try:
        with path.open("x", encoding="utf-8") as stream:  # never over a partner that exists
            stream.write(text)
    except FileExistsError as error:
        raise _refused("", f"{path.relative_to(folder).as_posix()} exists already") from error
    return path


def _refused(key: str, message: str, hint: str = "") -> ParamsError:
    return ParamsError([Problem("", 0, key, message, hint)])


def _text(defaults: dict[str, Any], values: dict[str, Any]) -> str:
    asked = [
        name
        for name, field in Settings.model_fields.items()
        if name != "id" and (name in values or (field.is_required() and name not in defaults))
    ]
    lines = [
        "# yaml-language-server: $schema=../schema.json",
        "# Only what differs from params/portfolio.yml; every key there may be given here.",
        "",
    ]
    for name in asked:
        lines += [f"# {Settings.model_fields[name].description}", f"{name}:{_written(values.get(name))}"]
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    """A value as YAML on the same line; text is always quoted, so that it can hold any character."""
    if value is None:
        return ""
    plain = [str(item) for item in value] if isinstance(value, list | tuple) else str(value)
    return " " + yaml.safe_dump(plain, default_style='"', default_flow_style=True, width=10_000, allow_unicode=True).strip()
