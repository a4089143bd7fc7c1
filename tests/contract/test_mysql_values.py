"""What MySQL sends and what becomes of it: values as PyMySQL reads them, times, types that are refused."""

from __future__ import annotations

import random
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import ConfigurationError, SourceChanged
from pipeline.minute import one_minute
from pipeline.packs.merchants.schema import PAYMENT, TRANSACTION
from pipeline.source import mysql_rows
from pipeline.source.mysql import connect_arguments
from pipeline.source.mysql_rows import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
QUERY = (
    "SELECT {0} FROM transactions"
    " WHERE occurred_at >= %(start)s - INTERVAL 1 DAY AND occurred_at < %(end)s + INTERVAL 1 DAY"
)
COLUMNS = {name: name for name in PAYMENT}


@pytest.fixture
def trade(maria: Trade) -> Trade:
    maria.insert((1, "a", "APPROVAL", 100, NOON))
    return maria


@contextmanager
def text_only(trade: Trade) -> Iterator[Any]:
    """A connection as the source opens its own."""
    connection = trade.connect()
    connection.decoders = {}
    with closing(connection):  # an open one keeps its database from being dropped
        yield connection


def extract(trade: Trade, folder: Path, **columns: str) -> dict[str, Any]:
    """The one row that the query gives when some of its columns are written otherwise."""
    given = ", ".join(({**COLUMNS, **columns}).values())
    with trade.source(trade.queries(folder / "queries", transactions=QUERY.format(given))) as source:
        source.check()
        rows = source.extract(one_minute(NOON)).rows
    assert rows.columns[: len(TRANSACTION)] == TRANSACTION.names()
    return rows.row(0, named=True)


@pytest.mark.parametrize("piece_rows", [1, 50, 50_000])
def test_every_value_is_as_pymysql_reads_it(
    trade: Trade, monkeypatch: pytest.MonkeyPatch, piece_rows: int
) -> None:
    monkeypatch.setattr(mysql_rows, "_PIECE_ROWS", piece_rows)
    chance = random.Random(piece_rows)
    lengths = (0, 1, 3, 250, 251, 252, 300, 65_535, 65_536, 70_000)
    letters = ("a", "가", "😀", "'", "\\", "\0", "\n")
    trade.execute(
        "CREATE TABLE things (id INT UNSIGNED, t LONGTEXT, b BLOB, n DECIMAL(20, 3), f DOUBLE, d DATE,"
        " i TINYINT, s TIMESTAMP(3) NULL, y YEAR, e ENUM('x', 'y'), u BIGINT UNSIGNED)"
    )
    with trade.transaction() as cursor:
        for n in range(120):
            values: list[Any] = [
                "".join(chance.choices(letters, k=chance.choice(lengths))),
                chance.randbytes(chance.choice((0, 5, 251, 3000))),
                chance.randint(-(10**9), 10**9) / 1000,
                chance.uniform(-1e9, 1e9),
                date(2026, 3, chance.randint(1, 31)),
                chance.randint(-128, 127),
                NOON.replace(microsecond=123_000),
                2026,
                chance.choice("xy"),
                2**63 - 1,
            ]
            row = [n, *(None if chance.random() < 0.2 else value for value in values)]
            cursor.execute(f"INSERT INTO things VALUES ({', '.join(['%s'] * 11)})", row)
    expected = [tuple(map(_aware, row)) for row in trade.execute("SELECT * FROM things ORDER BY id")]
    with text_only(trade) as connection:
        assert fetch(connection, "SELECT * FROM things ORDER BY id").rows() == expected


def _aware(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def test_a_failure_in_the_middle_of_the_rows_is_an_error(trade: Trade) -> None:
    trade.execute("INSERT INTO merchants (merchant_id, name) SELECT seq, repeat('x', 90) FROM seq_1_to_20000")
    broken = "SELECT merchant_id, (SELECT 1 UNION SELECT IF(merchant_id = '999', 2, 1)) FROM merchants"
    with text_only(trade) as connection:
        with pytest.raises(Exception, match="more than 1 row"):
            fetch(connection, broken)
        assert fetch(connection, "SELECT 1 AS one").item() == 1  # the stream stands where it should


# ------------------------------------------------------------------ times


def test_a_datetime_does_not_say_its_zone_and_is_refused(trade: Trade, tmp_path: Path) -> None:
    trade.execute("ALTER TABLE transactions MODIFY occurred_at DATETIME(6)")
    with trade.source() as source, pytest.raises(SourceChanged, match="does not say its time zone") as caught:
        source.extract(one_minute(NOON))
    assert "occurred_at_utc" in caught.value.hint


def test_a_datetime_that_holds_utc_says_so_in_its_name(trade: Trade, tmp_path: Path) -> None:
    trade.execute("ALTER TABLE transactions MODIFY occurred_at DATETIME(6)")
    row = extract(trade, tmp_path, occurred_at="occurred_at AS occurred_at_utc")
    assert row["occurred_at"] == NOON


def test_a_datetime_in_seoul_is_converted_by_the_query(trade: Trade, tmp_path: Path) -> None:
    trade.execute("ALTER TABLE transactions MODIFY occurred_at DATETIME(6)")
    trade.execute("UPDATE transactions SET occurred_at = occurred_at + INTERVAL 9 HOUR")
    converted = "CONVERT_TZ(occurred_at, '+09:00', '+00:00') AS occurred_at_utc"
    assert extract(trade, tmp_path, occurred_at=converted)["occurred_at"] == NOON


def test_a_timestamp_is_certain_whatever_zone_the_server_lives_in(trade: Trade) -> None:
    before = trade.execute("SELECT @@global.time_zone")[0][0]
    with trade.source() as source:
        try:
            trade.execute("SET GLOBAL time_zone = '+09:00'")
            assert source.extract(one_minute(NOON)).rows["occurred_at"].to_list() == [NOON]
            assert source.totals(one_minute(NOON))["minute"].to_list() == [NOON]
        finally:
            trade.execute("SET GLOBAL time_zone = %s", before)


def test_a_zero_date_is_no_time(trade: Trade) -> None:
    trade.execute("SET sql_mode = ''")
    with trade.transaction() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute("UPDATE transactions SET occurred_at = '0000-00-00'")
    with trade.source() as source:
        assert source.rows_without_time() == 1
        now = source.fence()
        assert source.changed(now, lambda _: NOON, {}).minutes == ()
    with text_only(trade) as connection:
        rows = fetch(connection, "SELECT occurred_at FROM transactions")
    assert rows["occurred_at"].to_list() == [None]


# ------------------------------------------------------------------ types


def test_an_unsigned_number_is_a_number(trade: Trade, tmp_path: Path) -> None:
    trade.execute("UPDATE transactions SET merchant_id = '9223372036854775807'")
    trade.execute("ALTER TABLE transactions MODIFY merchant_id BIGINT UNSIGNED, MODIFY amount INT UNSIGNED")
    assert extract(trade, tmp_path)["merchant_id"] == 2**63 - 1


def test_a_number_past_64_bits_sets_its_row_aside(trade: Trade, tmp_path: Path) -> None:
    trade.execute("UPDATE transactions SET merchant_id = '18446744073709551615'")
    row = extract(trade, tmp_path, merchant_id="CAST(merchant_id AS UNSIGNED) AS merchant_id")
    assert (row["transaction_id"], row["merchant_id"], row["amount"]) == (1, None, 100)
    assert row["wrong"] == "value_unreadable"


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("amount", "occurred_at AS amount"),
        ("transaction_id", "UNHEX(MD5(transaction_id)) AS transaction_id"),
        ("merchant_id", "CAST(merchant_id AS BINARY) AS merchant_id"),
        ("kind", "1 AS kind"),
        ("occurred_at", "CAST(occurred_at AS CHAR) AS occurred_at"),
    ],
)
def test_a_type_that_is_not_certain_is_refused(
    trade: Trade, tmp_path: Path, column: str, written: str
) -> None:
    with pytest.raises(SourceChanged, match=f"gives {column} as") as caught:
        extract(trade, tmp_path, **{column: written})
    assert caught.value.hint == f"cast {column} in the query"


def test_a_percent_sign_is_written_twice(trade: Trade, tmp_path: Path) -> None:
    with pytest.raises(SourceChanged, match="cannot be filled in") as caught:
        extract(trade, tmp_path, kind="IF(kind LIKE 'A%', 'APPROVAL', kind) AS kind")
    assert "%%" in caught.value.hint
    row = extract(trade, tmp_path, kind="IF(kind LIKE 'A%%', 'APPROVAL', kind) AS kind")
    assert row["kind"] == "APPROVAL"


def test_a_table_without_snapshots_is_refused(trade: Trade) -> None:
    trade.execute("ALTER TABLE transactions ENGINE = MyISAM")
    with trade.source() as source, pytest.raises(ConfigurationError, match="kept by MyISAM"):
        source.check()


def test_a_view_over_the_table_will_do(trade: Trade, tmp_path: Path) -> None:
    trade.execute("CREATE VIEW seen AS SELECT * FROM transactions")
    view = (QUERY.format(", ".join(COLUMNS))).replace("FROM transactions", "FROM seen")
    with trade.source(trade.queries(tmp_path / "view", transactions=view)) as source:
        source.check()
        assert source.extract(one_minute(NOON)).rows.height == 1


# ------------------------------------------------------------------ addresses


def test_an_address_in_the_words_of_the_driver() -> None:
    arguments = connect_arguments("mysql://re%40der:p%2Fw@db.example:3307/trade?ssl_mode=disabled")
    assert arguments == {
        "host": "db.example",
        "port": 3307,
        "user": "re@der",
        "password": "p/w",
        "database": "trade",
        "ssl_disabled": True,
    }


@pytest.mark.parametrize(
    ("mode", "verified", "named"), [("required", 0, False), ("verify_identity", 2, True)]
)
def test_tls_is_as_strict_as_asked_for(mode: str, verified: int, named: bool) -> None:  # noqa: FBT001 - a case
    context = connect_arguments(f"mariadb://u@h/d?ssl_mode={mode}")["ssl"]
    assert (context.verify_mode, context.check_hostname) == (verified, named)


@pytest.mark.parametrize(
    "option", ["ssl_mode=perhaps", "charset=latin1", "ssl_mode=", "ssl_mode=verify_ca&ssl_ca=/nowhere.pem"]
)
def test_an_option_that_is_not_understood_is_refused(option: str) -> None:
    with pytest.raises(ConfigurationError):
        connect_arguments(f"mysql://u@h/d?{option}")


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h:99999/d", "mysql://u:hun/ter2@h/d"])
def test_an_address_that_cannot_be_read_keeps_its_secret(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connect_arguments(url)
    assert "ter2" not in str(caught.value)
