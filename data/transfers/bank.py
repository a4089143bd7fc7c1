"""Create the stand-in for a transfer service, and write payments to it: in bulk, or one by one as in life."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import psycopg

from data.server import copy_missing, copy_rows, create_database, database_url
from data.transfers.book import book, change_status, create_schema
from data.transfers.model import FIRST_BALANCE_KRW
from pipeline.packs.transfers.schema import REVERSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_CREATION_LOCK: Final = 7_201_003  # advisory lock: one creator at a time per server
_TAKEN: Final = "SELECT transfer_id, status FROM transfer WHERE occurred_at >= %s"
_PAY: Final = """
UPDATE account_balance SET balance = balance - paid.amount
FROM (
    SELECT account_id, sum(amount) AS amount FROM transfer WHERE status = 'completed' GROUP BY account_id
) AS paid
WHERE account_balance.account_id = paid.account_id
"""


def create_bank(admin_url: str, database: str) -> str:
    """Create the database, its tables and roles where they are missing; gives its owner's URL.

    Safe to repeat and to run from several processes at once.
    """
    url = database_url(admin_url, database)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [_CREATION_LOCK])  # held until `admin` closes
        create_database(admin, database)
        with psycopg.connect(url) as connection:
            create_schema(connection)
    return url


def insert_accounts(connection: psycopg.Connection, accounts: pl.Series) -> int:
    """Open the accounts that are not there yet, with money; gives how many were."""
    rows = pl.DataFrame({"account_id": accounts}).with_columns(balance=pl.lit(FIRST_BALANCE_KRW))
    return copy_missing(connection, "account_balance", rows.with_columns(currency=pl.lit("KRW")))


def insert_history(connection: psycopg.Connection, arrivals: pl.DataFrame) -> int:
    """Append what is long past, as it stands in the end; its events were delivered and removed."""
    final = arrivals.unique("transfer_id", keep="last", maintain_order=True)
    return copy_rows(connection, "transfer", final.rename({"arrives_at": "created_at"}))


def settle_balances(connection: psycopg.Connection) -> None:
    """Take what was paid in a history out of the accounts."""
    connection.execute(_PAY)


class Bank:
    """Where payments go as they happen: each locks its account, and each is an event of the outbox."""

    key: Final = ("transfer_id", "status")

    def put(self, connection: psycopg.Connection, rows: pl.DataFrame) -> None:
        """Book the payments, and reverse those that come again as reversed."""
        back = pl.col("status") == REVERSED
        booked = rows.filter(~back).drop("arrives_at")
        if booked.height:
            book(connection, booked)
        # One payer's row at a time would wait for another writer that goes the other way round.
        for transfer_id in rows.filter(back).sort("account_id")["transfer_id"]:
            change_status(connection, transfer_id, REVERSED)

    def holds(self, connection: psycopg.Connection, row: Mapping[str, Any]) -> bool:
        """Is it booked, or is it reversed already?"""
        query = "SELECT status FROM transfer WHERE transfer_id = %s"
        found = connection.execute(query, [row["transfer_id"]]).fetchone()
        return found is not None and (row["status"] != REVERSED or found[0] == REVERSED)

    def taken(self, connection: psycopg.Connection, since: datetime) -> list[tuple[Any, ...]]:
        """The payments since, with every status that they have had."""
        return list(chain.from_iterable(map(_statuses, connection.execute(_TAKEN, [since]))))


def _statuses(row: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield row
    if row[1] == REVERSED:
        yield row[0], "completed"
