"""Tables in a database: the same question, answered where the rows lie, read only.

A table's `uri` names host and database and never a user or password: those come from CATCHMENT_DB_USER and
CATCHMENT_DB_PASSWORD, or from what the driver itself reads (PGUSER, PGPASSWORD, ~/.pgpass). A connection allows no write, waits
no longer than its limits, and is opened anew once when it was lost.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend
from ibis.common.exceptions import IbisError, TableNotFound

from catchment.params.text import nearest

from .catalog import Table
from .problem import DataError, Problem
from .scan import TEXT, check_stored

CONNECT_S, ANSWER_S = 10, 60
_POSTGRES = {"postgres", "postgresql"}
_CAST = {"integer": "int64", "number": "float64", "date": "timestamp", "boolean": "boolean"}
Answer = TypeVar("Answer")


def ask(name: str, entry: Table, question: Callable[[ir.Table], Answer]) -> Answer:
    """What `question` makes of the table; a lost connection is tried once more, then told as a DataError."""
    try:
        return _asked(name, entry, question)
    except _lost() as error:
        if _waited(error):
            raise DataError(_told(name, entry, f"an answer within {ANSWER_S} s", error)) from error
    try:
        return _asked(name, entry, question)
    except _lost() as error:
        raise DataError(_told(name, entry, "a database that answers", error)) from error


def _asked(name: str, entry: Table, question: Callable[[ir.Table], Answer]) -> Answer:
    # A connection for each question: a page asks few, and nothing stays open, is shared by a fork or goes stale.
    try:
        with connected(entry.uri or "") as con:
            return question(_lazy(con, name, entry))
    except _refusing() as error:
        if isinstance(error, _lost()):
            raise
        raise DataError(_told(name, entry, "a table that may be read", error)) from error


@contextmanager
def connected(uri: str) -> Iterator[BaseBackend]:
    """An Ibis backend for the URI, read only, with the credentials of the environment; closed at the end."""
    con = _connection(uri)
    try:
        yield con
    finally:
        con.disconnect()


def _connection(uri: str) -> BaseBackend:
    parts = urlsplit(uri)
    user, password = os.environ.get("CATCHMENT_DB_USER"), os.environ.get("CATCHMENT_DB_PASSWORD")
    if parts.scheme in _POSTGRES:
        ends_ms = ANSWER_S * 1000
        limits = f"-c default_transaction_read_only=on -c statement_timeout={ends_ms} -c idle_in_transaction_session_timeout={ends_ms}"
        return ibis.postgres.connect(
            host=parts.hostname,
            port=parts.port or 5432,
            user=user,
            password=password,
            database=parts.path.strip("/") or None,
            connect_timeout=CONNECT_S,
            options=limits,
            application_name="catchment",
            **_options(parts.query),
        )
    if parts.scheme in ("duckdb", "sqlite"):
        return ibis.duckdb.connect(parts.path, read_only=True) if parts.scheme == "duckdb" else ibis.connect(uri)
    login = f"{quote(user)}{':' + quote(password) if password else ''}@" if user else ""
    return ibis.connect(urlunsplit(parts._replace(netloc=login + parts.netloc)))


def _options(query: str) -> dict[str, Any]:
    """Settings such as sslmode=require or schema=marts from the URI."""
    return {key: values[-1] for key, values in parse_qs(query).items() if key in ("sslmode", "sslrootcert", "schema")}


def _lazy(con: BaseBackend, name: str, entry: Table) -> ir.Table:
    """The table with the cataloged columns, lazily, each in its declared type."""
    schema, _, table = (entry.table or name).rpartition(".")
    try:
        raw = con.table(table, database=schema or None)
    except TableNotFound as error:
        hint = nearest(table, con.list_tables(database=schema or None))
        raise DataError(Problem(name, "a table of that name", "none", file=place(name, entry), hint=hint)) from error
    columns: dict[str, ir.Value] = {}
    for key, column in entry.columns.items():
        check_stored(name, key, column, raw.schema(), place(name, entry))
        stored = raw[column.source or key]
        columns[key] = stored.cast(_CAST[column.type]) if column.type in _CAST else stored
        if column.suppressed:
            flag = f"{column.source or key}_suppressed"
            withheld = raw[flag] if flag in raw.columns else ibis.literal(False)
            columns[key + TEXT] = ibis.cases((withheld, ibis.literal(column.suppressed[0])), else_=ibis.null("string"))
    return raw.select(**columns)


def place(name: str, entry: Table) -> str:
    """The table's place as messages show it: host, database and table, nothing secret."""
    parts = urlsplit(entry.uri or "")
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path} table {entry.table or name}"


def _told(name: str, entry: Table, expected: str, error: BaseException) -> Problem:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    password = os.environ.get("CATCHMENT_DB_PASSWORD") or os.environ.get("PGPASSWORD")
    return Problem(name, expected, said.replace(password, "***") if password else said, file=place(name, entry))


def _lost() -> tuple[type[BaseException], ...]:
    """Errors of a connection, from the drivers that are installed."""
    psycopg = _psycopg()
    return (psycopg.OperationalError, psycopg.InterfaceError, ConnectionError, TimeoutError) if psycopg else (ConnectionError, TimeoutError)


def _refusing() -> tuple[type[BaseException], ...]:
    psycopg = _psycopg()
    return (IbisError, ModuleNotFoundError, *([psycopg.Error] if psycopg else []))


def _waited(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) == "57014"  # query_canceled: the answer took longer than the limit


def _psycopg() -> Any:
    try:
        import psycopg  # an optional dependency, for those who read PostgreSQL
    except ModuleNotFoundError:
        return None
    return psycopg
