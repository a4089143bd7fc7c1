"""PostgreSQL reads a query alike with its times written out and with parameters: texts, types, failures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import MinuteriskError
from pipeline.errors.translate import source_errors
from pipeline.source.arrow_rows import plain_frame
from pipeline.source.asked import TooManyRows
from pipeline.source.postgresql_session import fetch, open_rows, snapshot
from pipeline.source.streams.literals import as_copied, literal
from tests.contract.trade_servers import postgresql_trade

if TYPE_CHECKING:
    from collections.abc import Iterator

    import adbc_driver_postgresql.dbapi as adbc

    from tests.contract.trade_servers import Trade

LONG = timedelta(seconds=20)
START = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
END = datetime(2026, 3, 10, 21, 1, tzinfo=timezone(timedelta(hours=9)))
QUERY = Path("transactions.sql")

#: Everything that a query can hold beside a parameter, as values that the server gives.
VALUES = (
    "'$1'", "'it''s $2'", "E'\\'$1\\\\'", "e'$1'", "U&'\\0041$1'", "$$ $1 ' \" -- $$", "$a$ $1 $$ $2 $a$",
    "$é_1$ $1 $é_1$", "'-- $1'", "'/* $1'", "N'$2'", "'a'\n'$1'", "E'a'\n'b\\'$1'", "'a\\'", "'\\''", "1.5e3",
    "(SELECT a$1 FROM (SELECT 7 AS a$1) AS given)", '(SELECT "$1" FROM (SELECT 8 AS "$1") AS given)',
    "(SELECT \N{NO-BREAK SPACE}$1 FROM (SELECT 9 AS \N{NO-BREAK SPACE}$1) AS given)",
    "$1", "$2", "$1::date", "$2 - $1", "$1 AT TIME ZONE 'Asia/Seoul'", "extract(epoch FROM $1)", "$1<$2",
    "date_bin('1 minute',$2,'1970-01-01Z')", "ARRAY[$1,$2]", "-5-$1::text::int4range::int",
)  # fmt: skip
SPACES = (" ", "\n", "\t", "-- $1 ' \" /*\n", "/* $1 ' -- */", '/* /* $2 */ " $$ */', "--\r\n")

#: The types that a query can give, and values of each that have a text.
TYPES = {
    "int2": ("-32768", "7"),
    "int4": ("-2147483648", "7"),
    "int8": ("9223372036854775807", "-1"),
    "oid": ("4294967295",),
    "float4": ("1.1", "NaN", "-Infinity"),
    "float8": ("0.1", "Infinity"),
    "numeric": ("1.50", "-123456789012345678901234567890.123456789", "NaN", "0", "0.00010", "100000"),
    "numeric(12,2)": ("7", "-0.01"),
    "bool": ("t", "f"),
    "text": ("", "가맹점 ✓", "null"),
    "varchar(9)": ("a  ",),
    "bpchar(9)": ("a  ", "가"),
    '"char"': ("x",),
    "name": ("relname",),
    "bytea": ("\\x00ff",),
    "uuid": ("00000000-0000-0000-0000-0000000000ff", "c2d29867-3d0b-d497-9191-18a9d8ee7830"),
    "date": ("2026-03-10", "-infinity", "0001-01-01", "9999-12-31"),
    "time": ("23:59:59.999999",),
    "timetz": ("23:59:59+09",),
    "timestamp": ("2026-03-10 12:00:00.000001", "infinity", "1969-12-31 23:59:59.999999"),
    "timestamptz": ("2026-03-10 12:00:00.000001+09", "-infinity", "infinity", "294276-01-01Z"),
    "interval": ("1 year 2 days 3 seconds",),
    "json": ('{"a": 1}',),
    "jsonb": ('{"a": 1}',),
    "inet": ("10.0.0.1/8",),
    "money": ("1.50",),
    "int4range": ("[1,5)",),
    "int8[]": ("{1,2}", "{}"),
    "text[]": ("{a,NULL}",),
    "bit(3)": ("101",),
    "point": ("(1,2)",),
    "xml": ("<a/>",),
    "kind": ("APPROVAL", "CANCEL"),
    "minor": ("12",),
    "pair": ("(1,a)",),
    "xid8": ("7",),
    "pg_lsn": ("0/10",),
    "tsvector": ("a b",),
}


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Trade]:
    with postgresql_trade(postgres_url, "TEXT") as trade:
        trade.execute("CREATE TYPE kind AS ENUM ('APPROVAL', 'CANCEL')")
        trade.execute("CREATE DOMAIN minor AS int8 CHECK (VALUE > 0)")
        trade.execute("CREATE TYPE pair AS (a int, b text)")
        yield trade


@pytest.fixture(scope="module")
def rows(server: Trade) -> Iterator[adbc.Connection]:
    with open_rows(server.url) as connection:
        yield connection


def answer(connection: adbc.Connection, query: str, *, copied: bool) -> Any:  # noqa: ANN401 - or what is wrong
    """What a query gives in either way, or the failure as people are told it."""
    try:
        with source_errors("postgresql://host/db", QUERY), snapshot(connection, LONG) as cursor:
            if copied:
                assert as_copied(query, [START, END]) is not None, query
                table = fetch(cursor, query, [START, END])
            else:
                wanted = 2 if "$2" in query else 1 if "$1" in query else 0
                cursor.execute(query, [START, END][:wanted] or None)
                table = cursor.fetch_arrow_table()
            return plain_frame(table, QUERY)
    except MinuteriskError as error:
        connection.rollback()
        connection.adbc_connection.set_autocommit(True)
        return type(error), error.what.partition(": ")[0], error.hint


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - the answers
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        if one.schema != other.schema:
            return False
        odd = [name for name, kind in one.schema.items() if kind == pl.Object]
        return one.drop(odd).equals(other.drop(odd)) and one.height == other.height
    return bool(one == other)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_comes_the_same_way(rows: adbc.Connection, kind: str) -> None:
    values = ", ".join(f"('{value}'::{kind})" for value in TYPES[kind])
    for chosen in (f"SELECT v AS x FROM (VALUES {values}, (NULL)) AS given (v)", f"SELECT NULL::{kind} AS x"):
        query = f"{chosen} WHERE $1 < $2"
        copied, bound = answer(rows, query, copied=True), answer(rows, query, copied=False)
        assert same(copied, bound), (copied, bound)
    none = f"SELECT v AS x FROM (VALUES {values}) AS given (v) WHERE $1 > $2"
    assert same(answer(rows, none, copied=True), answer(rows, none, copied=False))


def test_times_without_a_zone_that_hold_utc_come_in_utc_the_same_way(rows: adbc.Connection) -> None:
    query = "SELECT timestamp '2026-03-10 12:00' AS occurred_at_utc WHERE $1 < $2"
    assert same(answer(rows, query, copied=True), answer(rows, query, copied=False))
    assert answer(rows, query, copied=True)["occurred_at"].to_list() == [
        datetime(2026, 3, 10, 12, tzinfo=UTC)
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT (CASE n WHEN 9000 THEN 'x' ELSE '1' END)::int FROM generate_series(1, 9999) n WHERE $1 < $2",
        "SELECT 1 / (n - 5) AS x FROM generate_series(1, 9) AS n WHERE $1 < $2",
        "SELECT 'infinity'::numeric::bigint AS x, 'x'::text::int AS y WHERE $1 < $2",
        "SELECT nowhere FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2",
        "SELECT 1 FROM nowhere WHERE $1 < $2",
        "SELECT 'x'::int WHERE $1 < $2",
        "SELECT 1\nWHERE $1 < $2 AND\nAND",
        "SELECT 1 AS a, 2 AS a WHERE $1 < $2",
        "SELECT '1'::money AS a WHERE $1 < $2",
        "SELECT rolname FROM pg_authid WHERE $1 < $2",
        "SELECT * FROM pg_class WHERE $1 < $2",
        "WITH gone AS (DELETE FROM transactions WHERE occurred_at < $1 RETURNING 1) SELECT *, $2 FROM gone",
        "SELECT $1 + 5 AS x, $2",
        "SELECT lo_from_bytea(0, 'x') WHERE $1 < $2",
    ],
)  # fmt: skip
def test_failures_are_told_the_same_way(rows: adbc.Connection, wrong: str) -> None:
    copied, bound = answer(rows, wrong, copied=True), answer(rows, wrong, copied=False)
    assert isinstance(copied, tuple), copied
    assert copied == bound


def test_a_statement_that_takes_too_long_is_told_the_same_way(rows: adbc.Connection) -> None:
    told = []
    for query in ("SELECT pg_sleep(9) WHERE $1 < $2", "SELECT pg_sleep(9), '\\' WHERE $1 < $2"):
        with (
            pytest.raises(MinuteriskError) as caught,
            source_errors("postgresql://host/db", QUERY),
            snapshot(rows, timedelta(seconds=0.2)) as cursor,
        ):
            fetch(cursor, query, [START, END])
        rows.rollback()
        rows.adbc_connection.set_autocommit(True)
        told.append((type(caught.value), caught.value.what))
    assert told[0] == told[1]


#: Pieces of a list of values, with whatever may stand between two tokens.
PIECES = st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(SPACES)), min_size=1, max_size=6)


@given(pieces=PIECES, ending=st.sampled_from(("", ";", " ; ;\n", " -- $1", "; -- $2\n", " /* $1 */")))
@example(pieces=[(value, " ") for value in VALUES if "\\'" not in value], ending="")
@example(pieces=[("$1", space) for space in SPACES], ending="")
@example(pieces=[("'\\''", " "), ("$1", " ")], ending="")
@settings(max_examples=150, deadline=None)
def test_a_query_means_the_same_with_its_times_written_out(
    rows: adbc.Connection, pieces: list[tuple[str, str]], ending: str
) -> None:
    values = ",".join(f"{space}({value})::text{space}AS c{n}" for n, (value, space) in enumerate(pieces))
    query = f"SELECT{values}, ($1 < $2){ending}"
    bound = answer(rows, query, copied=False)
    if as_copied(query, [START, END]) is None:
        assert any("\\'" in value for value, _ in pieces)
        return
    assert same(answer(rows, query, copied=True), bound), query


def test_what_cannot_be_told_for_certain_or_copied_is_asked_with_its_parameters(
    rows: adbc.Connection,
) -> None:
    asked = {
        "SELECT '\\' AS x, $1 AS y": "\\",  # whether the quote ends the text is a setting of the server
        "EXPLAIN SELECT 1 AS x": None,
        "SHOW TimeZone": "UTC",
    }
    for query, expected in asked.items():
        assert as_copied(query, [START][: query.count("$1")]) is None
        with snapshot(rows, LONG) as cursor:
            found = fetch(cursor, query, [START][: query.count("$1")])
            assert expected in (None, found.column(0)[0].as_py())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; SELECT $1", "SELECT 'open $1", 'SELECT "open', "SELECT $a$ open", "SELECT /* /* */ 1", "",
        " -- nothing", ";", "SELECT $3", "SELECT $1x", "SELECT $12", "SELECT $", "COPY (SELECT 1) TO STDOUT",
        "DELETE FROM transactions", "CALL x($1)", "FETCH ALL FROM x", "SELECT E'\\'", "'SELECT'",
    ],
)  # fmt: skip
def test_nothing_else_is_copied(query: str) -> None:
    assert as_copied(query, [START, END]) is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-10", "'; DROP TABLE transactions; --", 5, 1.5, True, None, b"x", date(2026, 3, 10), LONG,
        datetime(2026, 3, 10), ["x"],  # noqa: DTZ001 - a time without a zone
    ],
)  # fmt: skip
def test_only_times_with_a_zone_are_written_into_a_query(value: Any) -> None:  # noqa: ANN401 - of any type
    with pytest.raises(TypeError):
        literal(value)
    with pytest.raises(TypeError):
        as_copied("SELECT $1", [value])


class Odd(datetime):
    """What calls itself a time and writes something else."""

    def astimezone(self, *_: object) -> Any:  # noqa: ANN401 - of no use
        return self

    def isoformat(self, *_: object, **__: object) -> str:
        return "'; DROP TABLE transactions; --"


def test_a_time_of_another_make_is_not_written_into_a_query() -> None:
    with pytest.raises(TypeError):
        literal(Odd(2026, 3, 10, tzinfo=UTC))


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])))
@settings(max_examples=60, deadline=None)
@example(datetime(1, 1, 1, tzinfo=UTC))
@example(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
def test_the_server_reads_the_very_time(rows: adbc.Connection, moment: datetime) -> None:
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        return
    with snapshot(rows, LONG) as cursor:
        text = fetch(cursor, f"SELECT {literal(moment)}::text AS x, $1 AS y", [moment])
        assert text.column(1)[0].as_py() == in_utc
        if in_utc.year > 1000:
            assert datetime.fromisoformat(text.column(0)[0].as_py()) == in_utc


def test_more_rows_than_asked_for_leave_nothing_running(server: Trade) -> None:
    many = "SELECT n, repeat('x', 200) AS x FROM generate_series(1, 2000000) AS n WHERE $1 < $2"
    before = server.sessions()
    with (
        open_rows(server.url) as connection,
        pytest.raises(TooManyRows),
        snapshot(connection, LONG) as cursor,
    ):
        fetch(cursor, many, [START, END], 1000)
    for _ in range(200):
        if server.sessions() == before:
            return
        server.execute("SELECT pg_sleep(0.05)")
    pytest.fail("the server still sends")
