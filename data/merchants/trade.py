"""Create the stand-in trade server and write rows to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

import psycopg

from data.server import copy_missing, copy_rows, create_database, database_url
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import polars as pl

MerchantIdType = Literal["BIGINT", "TEXT"]

READER: Final = "minuterisk_reader"

_SCHEMA: Final = Path(__file__).with_name("trade_schema.sql")
_CREATION_LOCK: Final = 7_201_001  # advisory lock: one creator at a time per server
_SEQUENCE_LOCK: Final = 7_201_002  # advisory lock: two loads must not move the sequence back


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
        create_database(admin, database)
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


def insert_disputes(url: str, disputes: pl.DataFrame) -> int:
    """Add the frauds, disputes and sales that are not there yet; returns how many rows were."""
    with psycopg.connect(url) as connection:
        return copy_missing(connection, "disputes", disputes)


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
