"""The stand-in trade server on a real PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from data.merchants.trade import (
    advance_sequence,
    create_trade_database,
    insert_merchants,
    insert_settlements,
    insert_transactions,
    merchant_id_type,
    reader_url,
)
from data.server import database_exists
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from data.merchants.trade import MerchantIdType


def database_of(url: str) -> str:
    return psycopg.conninfo.conninfo_to_dict(url)["dbname"]  # type: ignore[return-value]


@pytest.fixture
def trade(fresh_database: str) -> str:
    return create_trade_database(fresh_database, database_of(fresh_database), "BIGINT")


def test_creating_twice_keeps_the_rows(trade: str) -> None:
    insert_transactions(trade, pl.DataFrame({"transaction_id": [1]}))
    create_trade_database(trade, database_of(trade), "BIGINT")
    with psycopg.connect(trade) as connection:
        assert connection.execute("SELECT count(*) FROM transactions").fetchone() == (1,)


def test_a_missing_database_is_created(fresh_database: str) -> None:
    name = f"{database_of(fresh_database)}_more"
    assert not database_exists(fresh_database, name)
    url = create_trade_database(fresh_database, name, "TEXT")
    assert merchant_id_type(url) == "TEXT"
    with psycopg.connect(fresh_database, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}"')


def test_another_merchant_type_is_refused_and_both_are_named(trade: str) -> None:
    with pytest.raises(ConfigurationError, match=r"BIGINT.*TEXT"):
        create_trade_database(trade, database_of(trade), "TEXT")


def test_there_is_no_type_before_there_is_a_table(fresh_database: str) -> None:
    assert merchant_id_type(fresh_database) is None


def test_several_processes_may_create_it_at_once(fresh_database: str) -> None:
    name, failures = f"{database_of(fresh_database)}_race", []

    def create() -> None:
        try:
            create_trade_database(fresh_database, name)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shall show it
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with psycopg.connect(fresh_database, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}"')


def test_the_reader_can_select_every_table_also_later_ones(trade: str) -> None:
    with psycopg.connect(trade) as owner:
        owner.execute("CREATE TABLE added_later (a int)")
    with psycopg.connect(reader_url(trade, database_of(trade))) as reader:
        for table in ("merchants", "transactions", "settlements", "added_later"):
            assert reader.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize("table", ["merchants", "transactions", "settlements"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {} DEFAULT VALUES",
        "UPDATE {} SET merchant_id = 1",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "DROP TABLE {}",
        "ALTER TABLE {} ADD COLUMN x int",
        "CREATE INDEX ON {} (merchant_id)",
        "LOCK TABLE {} IN EXCLUSIVE MODE",
        "SELECT * FROM {} FOR UPDATE",
    ],
)
def test_the_reader_can_change_no_table(trade: str, table: str, statement: str) -> None:
    with (
        psycopg.connect(reader_url(trade, database_of(trade))) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (a int)",
        "CREATE TEMPORARY TABLE x (a int)",
        "CREATE SCHEMA x",
        "CREATE VIEW x AS SELECT 1",
        "CREATE ROLE x",
        "CREATE DATABASE x",
        "COPY transactions TO PROGRAM 'true'",
        "SELECT nextval('transactions_transaction_id_seq')",
    ],
)
def test_the_reader_can_create_nothing(trade: str, statement: str) -> None:
    with (
        psycopg.connect(reader_url(trade, database_of(trade)), autocommit=True) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute(statement)


@pytest.mark.parametrize("kind", ["BIGINT", "TEXT"])
def test_values_arrive_as_they_are(fresh_database: str, kind: MerchantIdType) -> None:
    url = create_trade_database(fresh_database, database_of(fresh_database), kind)
    moment = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
    names = ["", None, 'a,"b"\n\\N', "튼튼"]
    frame = pl.DataFrame(
        {
            "transaction_id": [1, 2, 3, 4],
            "merchant_id": [7, 8, None, 9],
            "customer_id": names,
            "occurred_at": [moment, None, moment, moment],
            "amount": [None, -1, 2**63 - 1, 0],
        }
    )
    assert insert_transactions(url, frame) == 4
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT merchant_id::text, customer_id, occurred_at, amount, created_at IS NOT NULL"
            " FROM transactions ORDER BY transaction_id"
        ).fetchall()
    assert found == [
        ("7", "", moment, None, True),
        ("8", None, None, -1, True),
        (None, names[2], moment, 2**63 - 1, True),
        ("9", "튼튼", moment, 0, True),
    ]


def test_the_schema_is_as_loose_as_real_ones(trade: str) -> None:
    with psycopg.connect(trade) as connection:
        connection.execute("INSERT INTO transactions (merchant_id, kind, amount) VALUES (NULL, 'REFUND', -5)")


def test_a_repeated_key_writes_nothing(trade: str) -> None:
    insert_transactions(trade, pl.DataFrame({"transaction_id": [1], "kind": ["CANCEL"]}))
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert_transactions(trade, pl.DataFrame({"transaction_id": [2, 1], "kind": ["CANCEL"] * 2}))
    with psycopg.connect(trade) as connection:
        assert connection.execute("SELECT array_agg(transaction_id) FROM transactions").fetchone() == ([1],)


@pytest.mark.parametrize(("ids", "follows"), [([], 1), ([50, 7], 51), ([-3], 1)])
def test_the_sequence_goes_on_after_explicit_ids(trade: str, ids: list[int], follows: int) -> None:
    insert_transactions(trade, pl.DataFrame({"transaction_id": ids}, schema={"transaction_id": pl.Int64()}))
    with psycopg.connect(trade) as connection:
        advance_sequence(connection)
        advance_sequence(connection)
        row = connection.execute(
            "INSERT INTO transactions (amount) VALUES (1) RETURNING transaction_id"
        ).fetchone()
    assert row == (follows,)


def test_merchants_and_payouts_are_added_once(trade: str) -> None:
    merchants = pl.DataFrame({"merchant_id": [1, 2], "name": ["a", "b"], "opened_on": [date(2020, 1, 1)] * 2})
    assert insert_merchants(trade, merchants[:1]) == 1
    assert insert_merchants(trade, merchants) == 1
    payouts = pl.DataFrame({"merchant_id": [1], "business_date": [date(2026, 11, 1)], "amount": [-5]})
    assert insert_settlements(trade, payouts) == 1
    assert insert_settlements(trade, payouts) == 0
