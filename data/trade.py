"""Create the stand-in trade server and write rows to it.

Driver errors (`psycopg.Error`) pass through unchanged; the command line translates them at its edge.
Frames go in by COPY as CSV text: PostgreSQL then converts each field to the column's own type, so one
frame serves a BIGINT and a TEXT merchant_id. Measured beside binary COPY the difference is under 10 %,
because the server spends its time on the heap and three indexes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

MerchantIdType = Literal["BIGINT", "TEXT"]

READER: Final = "minuterisk_reader"

_SCHEMA: Final = Path(__file__).with_name("trade_schema.sql")
_CREATION_LOCK: Final = 7_201_001  # advisory lock: one creator at a time per server
_SEQUENCE_LOCK: Final = 7_201_002  # advisory lock: two loads must not move the sequence back
_COPY_SLICE_ROWS: Final = 50_000


def database_url(url: str, database: str, user: str | None = None) -> str:
    """`url` with another database and, if given, another user (whose password is not ours to know)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if user is None else f"{user}@{host}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


def reader_url(url: str, database: str) -> str:
    """The URL of `database` through the role that may only SELECT."""
    return database_url(url, database, READER)


def create_trade_database(admin_url: str, database: str, merchant_id_type: MerchantIdType = "BIGINT") -> str:
    """Create the database, its three tables and the reading role where they are missing.

    Safe to repeat and to run from several processes at once. Returns the owner's URL of the database.
    Raises `ConfigurationError` if `transactions` exists with another type of merchant_id.
    """
    url = database_url(admin_url, database)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [_CREATION_LOCK])  # held until `admin` closes
        _create_database(admin, database)
        with psycopg.connect(url) as trade:
            _require_type(_merchant_id_type(trade), merchant_id_type, database)
            schema = _SCHEMA.read_text(encoding="utf-8").replace("{merchant_id_type}", merchant_id_type)
            trade.execute(schema)
    return url


def merchant_id_type(url: str) -> MerchantIdType | None:
    """The type of transactions.merchant_id, or None while the table is missing.

    Raises `ConfigurationError` for a type that is neither BIGINT nor TEXT.
    """
    with psycopg.connect(url) as connection:
        found = _merchant_id_type(connection)
    if found is None:
        return None
    if found not in ("BIGINT", "TEXT"):
        msg = f"transactions.merchant_id is {found}; the stand-in trade server has BIGINT or TEXT"
        raise ConfigurationError(msg, "use another database for it")
    return cast("MerchantIdType", found)


def database_exists(admin_url: str, database: str) -> bool:
    """Whether the server has a database of that name."""
    with psycopg.connect(admin_url) as admin:
        return _database_exists(admin, database)


def insert_transactions(url: str, rows: pl.DataFrame) -> int:
    """Append `rows` (columns of `transactions`, any subset) in one transaction; returns their number.

    Explicit transaction ids are allowed; call `advance_sequence` once after a bulk of them. A transaction
    id that exists already raises `psycopg.errors.UniqueViolation` and nothing is written.
    """
    with psycopg.connect(url) as connection:
        return copy_rows(connection, "transactions", rows)


def insert_merchants(url: str, merchants: pl.DataFrame) -> int:
    """Add the merchants that are not there yet; returns how many were."""
    with psycopg.connect(url) as connection:
        return copy_missing(connection, "merchants", merchants)


def insert_settlements(url: str, settlements: pl.DataFrame) -> int:
    """Add the payouts that are not there yet (merchant and business date); returns how many were."""
    with psycopg.connect(url) as connection:
        return copy_missing(connection, "settlements", settlements)


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


def advance_sequence(connection: psycopg.Connection) -> None:
    """Move the identity sequence past every transaction id, so that the next insert without one succeeds."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SEQUENCE_LOCK])
    connection.execute(
        """
        SELECT setval(name, greatest(newest, pg_sequence_last_value(name)))
        FROM (SELECT max(transaction_id) AS newest,
                     pg_get_serial_sequence('transactions', 'transaction_id')::regclass AS name
              FROM transactions) AS sequence
        WHERE newest >= 1
        """
    )


def _create_database(admin: psycopg.Connection, database: str) -> None:
    if _database_exists(admin, database):
        return
    try:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return  # somebody who does not take our lock was faster; it exists, which is all we want


def _database_exists(admin: psycopg.Connection, database: str) -> bool:
    found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    return found is not None


def _merchant_id_type(connection: psycopg.Connection) -> str | None:
    row = connection.execute(
        """
        SELECT upper(format_type(atttypid, atttypmod)) FROM pg_attribute
        WHERE attrelid = to_regclass('transactions') AND attname = 'merchant_id'
        """
    ).fetchone()
    return None if row is None else str(row[0])


def _require_type(found: str | None, wanted: MerchantIdType, database: str) -> None:
    if found not in (None, wanted):
        msg = f"transactions.merchant_id in the database {database} is {found}; {wanted} was asked for"
        raise ConfigurationError(msg, f"keep {found}, or use another database")
