"""Each cause of a failure, provoked at real servers: its kind, the query's file and line, what was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import (
    ConfigurationError,
    PassingError,
    SourceChanged,
    SourceRefused,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
)
from pipeline.minute import Span

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.errors import MinuteriskError
    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
COLUMNS = "SELECT transaction_id, merchant_id, kind, amount, occurred_at"
SPAN = {
    "postgresql": "FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2",
    "mysql": "FROM transactions WHERE occurred_at >= %(start)s AND occurred_at < %(end)s",
}


def failure(trade: Trade, folder: Path, query: str) -> MinuteriskError:
    """What reading a minute of five rows through `query` raises."""
    trade.insert(*[(i, "m", "APPROVAL", 100 + i, NOON) for i in range(1, 6)])
    queries = trade.queries(folder / "queries", transactions=query)
    with (
        trade.source(queries, timeout_s=1) as source,
        pytest.raises((PassingError, SourceChanged, SourceValueWrong, ConfigurationError)) as caught,
    ):
        source.extract(Span(NOON, NOON + timedelta(minutes=1)))
    return caught.value


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("-- about\n-- nosuch\nSELECT nosuch,\n transaction_id FROM transactions", 3),
        ("-- about\nSELECT transaction_id\nFROM nosuch", 3),
        ("-- about\nSELECT 1\nFROM FROM x", 3),
        ("SELECT\n nosuch(1)", 2),
        ("-- about\n\nSELECT transaction_id FROM transactions WHERE amount = TIMESTAMP '2026-99-01'", 3),
    ],
)
def test_a_wrong_query_is_named_with_its_line(trade: Trade, tmp_path: Path, query: str, line: int) -> None:
    error = failure(trade, tmp_path, query)
    assert isinstance(error, SourceChanged)
    assert f"transactions.sql line {line}" in error.what
    assert error.query == "transactions.sql"
    assert str(tmp_path / "queries" / "transactions.sql") in error.hint


@pytest.mark.parametrize(
    "query",
    [
        "",
        "-- nothing but a comment",
        "SELECT 1; SELECT 2",
        "INSERT INTO transactions (amount) VALUES (1)",
        "CREATE TABLE more (id INT)",
    ],
)
def test_what_is_no_single_select_is_the_query_s_fault(trade: Trade, tmp_path: Path, query: str) -> None:
    assert isinstance(failure(trade, tmp_path, query), SourceChanged)
    assert trade.execute("SELECT count(*) FROM transactions") == [(5,)]


def test_a_parameter_too_many_is_the_query_s_fault(trade: Trade, tmp_path: Path) -> None:
    more = {"postgresql": " AND amount > $3", "mysql": " AND amount > %(nosuch)s"}
    error = failure(trade, tmp_path, f"{COLUMNS} {SPAN[trade.dialect]}{more[trade.dialect]}")
    assert isinstance(error, SourceChanged)
    assert "transactions.sql" in error.what


@pytest.mark.parametrize(
    ("postgresql", "mysql", "text"),
    [
        ("(amount * 'NaN'::float8)::bigint", "amount * 9223372036854775807", "out of range"),
        ("kind::bigint", "amount - 9223372036854775807 - 105", ""),
        ("amount / (amount - 103)", "-(amount - 9223372036854775807 - 110)", ""),
    ],
)
def test_a_wrong_value_is_said_to_be_one(
    trade: Trade, tmp_path: Path, postgresql: str, mysql: str, text: str
) -> None:
    trade.insert(*[(i, "m", "APPROVAL", 100 + i, NOON) for i in range(1, 6)])
    value = postgresql if trade.dialect == "postgresql" else mysql
    query = f"SELECT max({value}) AS `rows` FROM transactions"
    queries = trade.queries(
        tmp_path / "queries",
        without_time=query if trade.dialect == "mysql" else query.replace("`", '"'),
    )
    with trade.source(queries) as source, pytest.raises(SourceValueWrong) as caught:
        source.rows_without_time()  # of transactions, everything but the row is read
    assert text in caught.value.what
    assert caught.value.query == "without_time.sql"


def test_a_slow_query_is_named_with_its_plan_s_reason(trade: Trade, tmp_path: Path) -> None:
    slow = {"postgresql": "pg_sleep(1) IS NOT NULL", "mysql": "sleep(1) = 0"}
    error = failure(
        trade, tmp_path, f"{COLUMNS} FROM transactions WHERE amount > 5 AND {slow[trade.dialect]}"
    )
    assert isinstance(error, SourceTooSlow)
    assert "ended our query transactions.sql" in error.what
    assert "sequential scan of transactions, no index" in error.what


def test_a_missing_right_is_refused_and_the_query_named(trade: Trade, tmp_path: Path) -> None:
    trade.execute("CREATE TABLE hidden (id INT)")
    if trade.dialect == "postgresql":
        trade.execute("REVOKE ALL ON hidden FROM PUBLIC, minuterisk_reader")
    table = {"postgresql": "hidden", "mysql": "mysql.user"}[trade.dialect]
    error = failure(trade, tmp_path, f"SELECT 1 AS transaction_id\nFROM {table}")
    assert isinstance(error, SourceRefused)
    assert "transactions.sql" in error.what
    assert "GRANT SELECT" in error.hint


def test_a_session_that_is_ended_is_no_wrong_query(trade: Trade, tmp_path: Path) -> None:
    ends: dict[str, Any] = {
        "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
        "mysql": "KILL CONNECTION_ID()",
    }
    assert isinstance(failure(trade, tmp_path, ends[trade.dialect]), SourceUnavailable)
