"""Sessions at a PostgreSQL source that leave nothing behind, whoever gets the session after us.

Behind a connection pooler in transaction mode a server session serves other clients between our transactions.
So every setting is local to a transaction, none is open while nothing is read, and no prepared statement,
temporary table or lock of ours outlives one. Not even the name of the application: as a startup parameter
PgBouncer leaves it to the next client that gives none.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.rows import dict_row

from pipeline.errors.causes import Cause
from pipeline.errors.failure import driver_failure
from pipeline.source.asked import NotShared, TooManyRows
from pipeline.source.streams.literals import as_copied
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    Few = psycopg.Connection[dict[str, Any]]

#: One transaction, one snapshot: the fence and the rows can never disagree.
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_EXPORT = "SELECT pg_export_snapshot()"
#: As a server writes them; the name goes into a statement that takes no parameters.
_SNAPSHOT_NAME = re.compile(r"[0-9A-Fa-f-]+")
#: Somebody who alters a table is waited for this long.
_LOCK_TIMEOUT_MS = 5_000
#: A transaction of ours that does not go on, for example of a stopped process, is ended by the server.
_IDLE_TIMEOUT_MS = 60_000
#: ADBC's option of a statement.
_USE_COPY = "adbc.postgresql.use_copy"
#: Where the URL does not say otherwise.
_CONNECT_TIMEOUT_S = 10


def open_rows(url: str) -> adbc.Connection:
    """A connection that gives rows as Arrow; no transaction is open on it."""
    return adbc.connect(_with_timeout(url), autocommit=True)


def open_few(url: str) -> Few:
    """A connection that gives a handful of rows as dictionaries; its transactions only read."""
    connection = psycopg.connect(
        _with_timeout(url), autocommit=True, row_factory=dict_row, prepare_threshold=None
    )
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


@contextmanager
def snapshot(
    connection: adbc.Connection, timeout: timedelta, name: str | None = None
) -> Iterator[adbc.Cursor]:
    """One REPEATABLE READ, READ ONLY transaction within our limits; after an error close the connection.

    With `name` in the snapshot that another connection exported; raises NotShared where it cannot be.

    The driver would commit after each statement with parameters, so it is told to leave that for as long.
    """
    connection.adbc_connection.set_autocommit(False)  # begins
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT)
        if name is not None:
            _enter(cursor, name)
        cursor.execute(sql("session/limits"), _limits(timeout))
        cursor.fetch_arrow_table()  # until then nothing is executed
        yield cursor
    connection.adbc_connection.set_autocommit(True)  # commits: there is nothing to commit


def export(cursor: adbc.Cursor) -> str:
    """The name of this transaction's snapshot, under which others may enter it until it ends.

    Raises NotShared where the server gives none: nothing is left of the transaction then.
    """
    try:
        cursor.execute(_EXPORT)
        return str(cursor.fetch_arrow_table().column(0)[0].as_py())
    except adbc.Error as error:
        cursor.connection.rollback()
        raise _not_shared(error) from error


def _enter(cursor: adbc.Cursor, name: str) -> None:
    """Read what another transaction sees, which must still be open."""
    if not _SNAPSHOT_NAME.fullmatch(name):
        msg = f"no snapshot has the name {name}"
        raise NotShared(msg)
    try:
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{name}'")
    except adbc.Error as error:
        raise _not_shared(error) from error


def _not_shared(error: adbc.Error) -> NotShared | adbc.Error:
    """A server that is away shares nothing either, but says nothing of it."""
    failure = driver_failure(error)
    if failure is None or failure.cause in (Cause.UNREACHABLE, Cause.SLOW):
        return error
    return NotShared(failure.text)


@contextmanager
def few_rows(connection: Few, timeout: timedelta) -> Iterator[Few]:
    """The same for the small connection, which an error leaves usable."""
    with connection.transaction():
        psycopg.RawCursor(connection).execute(sql("session/limits").encode(), _limits(timeout))
        yield connection


def fetch(
    cursor: adbc.Cursor, query: str, parameters: Sequence[object], at_most: int | None = None
) -> pa.Table:
    """The answer of a query, streamed by COPY wherever all that it wants are times.

    Raises TooManyRows as soon as there are more rows than `at_most`: the rest is not read, so the connection
    has to be closed. A query that COPY does not take is held by the driver as a whole beside its rows.
    """
    times = [value for value in parameters if isinstance(value, datetime)]
    copied = as_copied(query, times) if len(times) == len(parameters) else None
    cursor.adbc_statement.set_options(**{_USE_COPY: str(copied is not None).lower()})
    cursor.execute(*((copied,) if copied is not None else (query, parameters or None)))
    if at_most is None:
        return cursor.fetch_arrow_table()
    reader = cursor._results.reader  # noqa: SLF001 - whose errors are the driver's
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        if sum(part.num_rows for part in batches) > at_most:
            with suppress(adbc.Error):
                cursor.adbc_cancel()  # the server learns of a closed connection only when it next sends
            raise TooManyRows
    return pa.Table.from_batches(batches, reader.schema)


def _limits(timeout: timedelta) -> list[str]:
    limit_ms = int(timeout.total_seconds() * 1000)
    return [str(limit_ms), str(min(limit_ms, _LOCK_TIMEOUT_MS)), str(_IDLE_TIMEOUT_MS)]


def _with_timeout(url: str) -> str:
    """The URL with a timeout for connecting, where it has none: the driver would wait for minutes."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the driver says what is wrong with it
        return url
    if "connect_timeout" in dict(parse_qsl(parts.query, keep_blank_values=True)):
        return url
    return f"{url}{'&' if parts.query else '?'}connect_timeout={_CONNECT_TIMEOUT_S}"
