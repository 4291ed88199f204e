"""What a database was asked, in a form that JSON can hold, and the digest of its answer: its rows have no file that could be compared."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from .catalog import Table
from .reads import journal
from .scan import Between, between


def note(name: str, kind: str, columns: list[str] | None, filters: Mapping[str, Any], digest: str) -> None:
    """Keep a question with the digest of its answer in the journal."""
    plain = {column: _plain(value) for column, value in filters.items()}
    journal.questions.append({"table": name, "kind": kind, "columns": columns, "filters": plain, "digest": digest})


def digest(frame: pd.DataFrame) -> str:
    """SHA-256 over names and values of a frame in its order, shapes by their well-known binary."""
    plain = pd.DataFrame({column: values.to_wkb() if column == "geometry" else values for column, values in frame.items()})
    names = "\t".join(map(str, plain.columns)).encode()
    return hashlib.sha256(names + pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Between):
        return {"low": _plain(value.low), "high": _plain(value.high)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value.item() if hasattr(value, "item") else value
    return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]


def filters(plain: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The filters of a question as `Tables.read` takes them."""
    return {column: _typed(value, table.columns[column].type == "date") for column, value in plain.items()}


def _typed(value: Any, dated: bool) -> Any:
    if isinstance(value, dict):
        return between(_typed(value["low"], dated), _typed(value["high"], dated))
    if isinstance(value, list):
        return [_typed(item, dated) for item in value]
    return date.fromisoformat(value[:10]) if dated and value is not None else value
