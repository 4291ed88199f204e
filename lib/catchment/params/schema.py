"""JSON Schema of the settings files, so that an editor completes keys, shows their meaning and marks mistakes.

`python -m catchment.params.schema` writes params/schema.json anew after a field was added.
"""

import json
from typing import Any

from .load import root
from .settings import Settings


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) that fits portfolio.yml and every partner file.

    Both are halves of one whole, so nothing is required. Text may be written without quotes, hence a number or a boolean is
    accepted where a text is declared; an assumption may be a bare value.
    """
    tree = _eased(Settings.model_json_schema(by_alias=True))
    tree["properties"].pop("id")
    tree["$defs"] = {
        name: _or_bare(definition) if name.startswith("Assumption") else definition for name, definition in tree["$defs"].items()
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Catchment settings"} | tree


def text() -> str:
    """The schema as params/schema.json holds it."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


def _eased(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_eased(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    eased = {key: _eased(value) for key, value in tree.items() if key not in ("required", "title", "format")}
    if eased.get("type") == "string":
        eased["type"] = ["string", "number", "boolean"]
    return eased


def _or_bare(definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": definition.get("description", ""),
        "anyOf": [{key: value for key, value in definition.items() if key != "description"}, definition["properties"]["value"]],
    }


if __name__ == "__main__":
    (root() / "params" / "schema.json").write_text(text(), encoding="utf-8")
