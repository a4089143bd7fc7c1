"""Databases of stand-in servers, and frames written to them by COPY.

Driver errors (`psycopg.Error`) pass through unchanged; the command line translates them at its edge.
Frames go in by COPY as CSV text: PostgreSQL then converts each field to the column's own type, so one
frame serves a BIGINT and a TEXT id. Measured beside binary COPY the difference is under 10 %, because the
server spends its time on the heap and three indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    import polars as pl

_COPY_SLICE_ROWS: Final = 50_000


def database_url(url: str, database: str, user: str | None = None) -> str:
    """`url` with another database and, if given, another user (whose password is not ours to know)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if user is None else f"{user}@{host}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


def create_database(admin: psycopg.Connection, database: str) -> None:
    """Create it where it is missing; several may try at once."""
    if _database_exists(admin, database):
        return
    try:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return  # somebody who does not take our lock was faster; it exists, which is all we want


def database_exists(admin_url: str, database: str) -> bool:
    """Whether the server has a database of that name."""
    with psycopg.connect(admin_url) as admin:
        return _database_exists(admin, database)


def copy_rows(connection: psycopg.Connection, table: str, rows: pl.DataFrame) -> int:
    """COPY `rows` into `table` inside the caller's transaction; null stays null, "" stays ""."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in rows.iter_slices(_COPY_SLICE_ROWS):
            copy.write(part.write_csv(include_header=False))
    return rows.height


def copy_missing(connection: psycopg.Connection, table: str, rows: pl.DataFrame) -> int:
    """COPY the rows whose key is not in `table` yet, inside the caller's transaction; returns how many."""
    names = {
        "table": sql.Identifier(table),
        "staged": sql.Identifier(f"new_{table}"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, rows.columns)),
    }
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {staged} (LIKE {table}) ON COMMIT DROP").format(**names)
    )
    copy_rows(connection, f"new_{table}", rows)
    insert = "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} ON CONFLICT DO NOTHING"
    inserted = connection.execute(sql.SQL(insert).format(**names)).rowcount
    connection.execute(sql.SQL("DROP TABLE {staged}").format(**names))
    return inserted


def _database_exists(admin: psycopg.Connection, database: str) -> bool:
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    return found is not None
