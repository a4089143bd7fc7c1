"""The table of causes: every code that a reader can meet has exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import adbc_driver_manager
import polars as pl
import psycopg
import psycopg.errors
import pyarrow as pa
import pymysql
import pytest
import sqlalchemy.exc

from pipeline.errors import (
    ConfigurationError,
    Fault,
    MinuteriskError,
    Overtaken,
    PassingError,
    SourceChanged,
    SourceRefused,
    SourceTooSlow,
    SourceUnavailable,
    SourceValueWrong,
    StateUnavailable,
    StorageUnavailable,
)
from pipeline.errors.causes import (
    Cause,
    adbc_cause,
    connection_cause,
    mysql_cause,
    postgresql_cause,
    psycopg_cause,
)
from pipeline.errors.translate import source_errors, state_errors
from pipeline.source.plan import PlanReason

if TYPE_CHECKING:
    from pathlib import Path

URL = "postgresql://reader:canary-77@db.example:5432/trade"
CANCELLED, SHUT_DOWN = "57014", "57P01"
TIMEOUT = "canceling statement due to statement timeout"
OURS = {
    Cause.UNREACHABLE: SourceUnavailable,
    Cause.REFUSED: SourceRefused,
    Cause.QUERY: SourceChanged,
    Cause.VALUE: SourceValueWrong,
    Cause.SLOW: SourceTooSlow,
    Cause.FAULT: Fault,
}

#: PostgreSQL's appendix A, as far as somebody who only reads can meet it.
POSTGRESQL = {
    Cause.UNREACHABLE: (
        "08000 08003 08006 08001 08004 08007 25P03 26000 40003 42P05 53300 57P01 57P02 57P03 "
        "57P05 57000 58000 58030 58P01 F0000 HV000 HV00N XX000"
    ),
    Cause.REFUSED: "28000 28P01 3D000 42501 0P000 0L000 57P04",
    Cause.QUERY: (
        "0A000 25006 2F002 2F003 3F000 42000 42601 42602 42622 42701 42702 42703 42704 42712 "
        "42723 42725 42803 42804 42809 42830 42846 42883 42939 42P01 42P02 42P03 42P07 42P08 "
        "42P09 42P10 42P18 42P19 42P20 42P21 42P22 428C9 42C00 44000 23505 54001 54011 54023 "
        "55000 HV005 HV00R"
    ),
    Cause.VALUE: (
        "20000 21000 22000 22001 22002 22003 22004 22005 22007 22008 2200B 2200C 2200D 2200F "
        "2200G 2200L 2200M 2200N 2200S 22009 22010 22011 22012 22013 22014 22015 22016 22018 "
        "22019 2201B 2201E 2201F 2201G 2201W 2201X 22021 22022 22023 22024 22025 22026 22027 "
        "22030 22031 22032 22033 22034 22035 22036 22037 22038 22039 2203A 2203B 2203C 2203D "
        "2203E 2203F 2203G 22P01 22P02 22P03 22P04 22P05 22P06 38000 39004 54000 P0001 P0002 "
        "P0003 P0004 XX001 XX002 HV004"
    ),
    Cause.SLOW: "40001 40P01 53000 53100 53200 53400 55P03 55006 57014 25P04 72000",
    Cause.FAULT: "25001 25P01 25P02 24000 34000 3B001 0B000 99999 ZZZZZ",
}
#: MySQL and MariaDB, the server's numbers and the client's.
MYSQL = {
    Cause.UNREACHABLE: (
        "1040 1042 1043 1053 1077 1080 1158 1159 1160 1161 1203 1226 1927 2002 2003 2006 2013 "
        "2014 2027 2055 3169 4031 2999"
    ),
    Cause.REFUSED: (
        "1044 1045 1046 1049 1129 1130 1142 1143 1227 1251 1449 1524 1698 1820 1862 2005 2026 "
        "2059 2061 3118 3159 4151"
    ),
    Cause.QUERY: (
        "1051 1052 1054 1055 1064 1065 1066 1109 1111 1115 1128 1136 1140 1146 1149 1176 1193 "
        "1210 1222 1235 1241 1248 1267 1286 1290 1298 1305 1318 1356 1370 1525 1582 1583 1584 "
        "1630 1792"
    ),
    Cause.VALUE: (
        "1242 1264 1265 1292 1300 1365 1366 1406 1411 1426 1441 1644 1690 1916 1918 1977 3141 3156 3854"
    ),
    Cause.SLOW: "1021 1038 1104 1114 1205 1206 1213 1317 1969 3024 3170 3572",
}


def rows(table: dict[Cause, str]) -> list[tuple[str, Cause]]:
    return [(code, cause) for cause, codes in table.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "cause"), rows(POSTGRESQL))
def test_each_sqlstate_has_its_cause_through_both_drivers(code: str, cause: Cause) -> None:
    text = "canceling statement" if code == "57014" else "it failed"
    assert postgresql_cause(code, text) is cause
    with pytest.raises(MinuteriskError) as caught, source_errors(URL):
        raise adbc_error(10, f"IO: [libpq] ERROR:  {text}\n. SQLSTATE: {code}", code)
    assert type(caught.value) is OURS[cause]
    with pytest.raises(MinuteriskError) as caught, source_errors(URL):
        raise psycopg_error(code, text)
    assert type(caught.value) is OURS[cause]
    assert text in caught.value.what


def test_every_class_of_the_drivers_own_list_is_in_the_table() -> None:
    errors = [error for error in vars(psycopg.errors).values() if isinstance(error, type)]
    states = {getattr(error, "sqlstate", None) for error in errors}
    explained = {"00", "01", "02", "03", "0B", "24", "25", "2B", "34", "3B"}
    for state in (state for state in states if isinstance(state, str)):
        assert postgresql_cause(state) is not Cause.FAULT or state[:2] in explained, state


@pytest.mark.parametrize(("code", "cause"), rows(MYSQL))
def test_each_number_of_mysql_has_its_cause(code: str, cause: Cause) -> None:
    assert mysql_cause(int(code), text="SELECT command denied") is cause
    with pytest.raises(MinuteriskError) as caught, source_errors(URL):
        raise pymysql.err.OperationalError(int(code), "SELECT command denied")
    assert type(caught.value) is OURS[cause]


@pytest.mark.parametrize(
    ("sqlstate", "cause"),
    [("42000", Cause.QUERY), ("22001", Cause.VALUE), ("08S01", Cause.UNREACHABLE), ("HY000", Cause.FAULT)],
)
def test_a_number_that_the_table_does_not_know_goes_by_its_sqlstate(sqlstate: str, cause: Cause) -> None:
    assert mysql_cause(9999, sqlstate) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("INSERT command denied to user 'reader'@'localhost' for table `t`", Cause.QUERY),
        ("SELECT command denied to user 'reader'@'localhost' for table `t`", Cause.REFUSED),
    ],
)
def test_a_right_that_only_a_writer_needs_says_that_the_query_writes(text: str, cause: Cause) -> None:
    assert mysql_cause(1142, "42000", text) is cause


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [
        ("UNKNOWN", "x", Cause.FAULT),
        ("NOT_IMPLEMENTED", "[libpq] cannot bind a type", Cause.QUERY),
        ("NOT_FOUND", "x", Cause.QUERY),
        ("ALREADY_EXISTS", "x", Cause.FAULT),
        ("INVALID_ARGUMENT", "x", Cause.QUERY),
        ("INVALID_STATE", "x", Cause.FAULT),
        ("INVALID_STATE", "[libpq] Must SetSqlQuery() before Prepare()", Cause.QUERY),
        ("INVALID_DATA", "[libpq] expected 8 bytes", Cause.VALUE),
        ("INTEGRITY", "x", Cause.VALUE),
        ("INTERNAL", "x", Cause.FAULT),
        ("IO", "[libpq] Failed to connect: connection refused", Cause.UNREACHABLE),
        ("IO", '[libpq] Failed to connect: FATAL:  database "x" does not exist', Cause.REFUSED),
        ("IO", "[libpq] Failed to execute query 'COPY t TO STDOUT': ", Cause.QUERY),
        ("IO", "[libpq] Failed to execute prepared statement: PGRES_EMPTY_QUERY ", Cause.QUERY),
        ("IO", "[libpq] Failed to execute query 'x': server closed the connection", Cause.UNREACHABLE),
        ("IO", "[libpq] ReadRecord failed at row 0: Expected nested record type", Cause.VALUE),
        ("CANCELLED", "x", Cause.SLOW),
        ("TIMEOUT", "x", Cause.SLOW),
        ("UNAUTHENTICATED", "x", Cause.REFUSED),
        ("UNAUTHORIZED", "x", Cause.REFUSED),
    ],
)
def test_adbc_speaks_for_itself_by_its_status(status: str, text: str, cause: Cause) -> None:
    assert adbc_cause(status, text) is cause


def test_every_status_of_adbc_is_an_error_of_ours() -> None:
    for status in adbc_driver_manager.AdbcStatusCode:
        with pytest.raises(MinuteriskError), source_errors(URL):
            raise adbc_error(int(status), f"{status.name}: it failed")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("connection refused\n\tIs the server running on that host", Cause.UNREACHABLE),
        ('connection to server on socket "/x" failed: No such file or directory', Cause.UNREACHABLE),
        ("FATAL:  the database system is starting up", Cause.UNREACHABLE),
        ("FATAL:  sorry, too many clients already", Cause.UNREACHABLE),
        ("server closed the connection unexpectedly", Cause.UNREACHABLE),
        ("connection timeout expired", Cause.UNREACHABLE),
        ("SSL SYSCALL error: EOF detected", Cause.UNREACHABLE),
        ("SSL error: unexpected eof while reading", Cause.UNREACHABLE),
        ("failed to resolve host 'db': Temporary failure in name resolution", Cause.UNREACHABLE),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", Cause.REFUSED),
        ('could not translate host name "db" to address: Name or service not known', Cause.REFUSED),
        ('FATAL:  password authentication failed for user "reader"', Cause.REFUSED),
        ('FATAL:  Peer authentication failed for user "reader"', Cause.REFUSED),
        ("fe_sendauth: no password supplied", Cause.REFUSED),
        ('FATAL:  role "reader" does not exist', Cause.REFUSED),
        ('FATAL:  database "trade" does not exist', Cause.REFUSED),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "reader"', Cause.REFUSED),
        ("server does not support SSL, but SSL was required", Cause.REFUSED),
        ('root certificate file "/x.pem" does not exist', Cause.REFUSED),
        ("SSL error: certificate verify failed", Cause.REFUSED),
        ('invalid sslmode value: "foo"', Cause.REFUSED),
        ('invalid port number: "99999"', Cause.REFUSED),
        ('invalid URI query parameter: "nosuch"', Cause.REFUSED),
        ('invalid percent-encoded token: "pa%ss"', Cause.REFUSED),
        ('FATAL:  permission denied for database "trade"', Cause.REFUSED),
        ("FATAL:  unsupported startup parameter: statement_timeout", Cause.REFUSED),
    ],
)
def test_a_connection_that_fails_without_a_code_goes_by_its_text(text: str, cause: Cause) -> None:
    assert connection_cause(text) is cause
    assert psycopg_cause("OperationalError", text) is cause


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.ProgrammingError("query parameter missing: moment"), SourceChanged),
        (psycopg.ProgrammingError("the last operation didn't produce records"), SourceChanged),
        (psycopg.ProgrammingError('invalid percent-encoded token: "x"'), SourceRefused),
        (psycopg.DataError("timestamp too large (after year 10K): 'infinity'"), SourceValueWrong),
        (psycopg.InterfaceError("the connection is closed"), SourceUnavailable),
        (psycopg.NotSupportedError("x"), SourceChanged),
        (psycopg.InternalError("x"), Fault),
        (pymysql.err.InterfaceError(0, ""), SourceUnavailable),
        (pymysql.err.InternalError("Packet sequence number wrong"), SourceUnavailable),
        (ConnectionResetError("reset by peer"), SourceUnavailable),
        (pa.ArrowInvalid("Timestamp out of range"), SourceValueWrong),
        (pa.ArrowNotImplementedError("no such type"), SourceChanged),
        (pl.exceptions.ComputeError("conversion failed"), SourceValueWrong),
        (pl.exceptions.DuplicateError("column twice"), SourceChanged),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), SourceValueWrong),
        (OverflowError("int too large"), SourceValueWrong),
    ],
)
def test_what_drivers_and_decoders_raise_by_themselves(
    error: Exception, expected: type[MinuteriskError], tmp_path: Path
) -> None:
    with pytest.raises(MinuteriskError) as caught, source_errors(URL, tmp_path / "transactions.sql"):
        raise error
    assert type(caught.value) is expected
    assert caught.value.query == "transactions.sql"
    assert "canary" not in str(caught.value)


def test_an_error_of_our_own_code_is_not_said_of_the_database() -> None:
    with pytest.raises(KeyError), source_errors(URL):
        raise KeyError(URL)


def test_a_literal_is_the_query_s_fault_and_a_column_s_value_is_the_row_s() -> None:
    assert postgresql_cause("22P02", in_text=True) is Cause.QUERY
    assert postgresql_cause("22P02") is Cause.VALUE


def test_a_count_of_parameters_that_does_not_fit_is_no_broken_connection() -> None:
    text = 'bind message supplies 1 parameters, but prepared statement "" requires 2'
    assert postgresql_cause("08P01", text) is Cause.QUERY
    assert postgresql_cause("08P01", "server closed the connection") is Cause.UNREACHABLE
    assert postgresql_cause("08P01", "FATAL: no such database: trade") is Cause.REFUSED


def test_a_plan_that_a_change_of_the_table_made_stale_is_made_again() -> None:
    assert postgresql_cause("0A000", "cached plan must not change result type") is Cause.UNREACHABLE


def test_what_is_too_slow_says_why_by_its_plan(tmp_path: Path) -> None:
    reason = PlanReason(text="sequential scan of transactions, no index used for occurred_at")
    with pytest.raises(SourceTooSlow) as caught, source_errors(URL, tmp_path / "totals.sql", lambda: reason):
        raise psycopg_error(CANCELLED)
    assert "ended our query totals.sql" in caught.value.what
    assert "no index used for occurred_at" in caught.value.what
    assert "index" in caught.value.hint


def test_a_plan_that_cannot_be_had_hides_nothing(tmp_path: Path) -> None:
    def broken() -> PlanReason:
        raise psycopg_error(SHUT_DOWN)

    with (
        pytest.raises(SourceTooSlow, match="statement timeout"),
        source_errors(URL, tmp_path / "a.sql", broken),
    ):
        raise psycopg_error(CANCELLED)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("08006", StateUnavailable),
        ("57P01", StateUnavailable),
        ("53300", StateUnavailable),
        ("57014", StateUnavailable),
        ("40001", StateUnavailable),
        ("53100", StorageUnavailable),
        ("58030", StorageUnavailable),
        ("23P01", Overtaken),
        ("28P01", ConfigurationError),
        ("3D000", ConfigurationError),
        ("42501", ConfigurationError),
        ("25006", ConfigurationError),
        ("42601", Fault),
        ("23505", Fault),
        ("22P02", Fault),
    ],
)
def test_our_own_database_has_causes_of_its_own(code: str, expected: type[MinuteriskError]) -> None:
    statement, error = "SELECT 1", psycopg_error(code, "it failed")
    with pytest.raises(MinuteriskError) as caught, state_errors(URL):
        raise sqlalchemy.exc.OperationalError(statement, {}, error)
    assert type(caught.value) is expected


def test_only_what_can_pass_is_passing() -> None:
    passing = {Cause.UNREACHABLE, Cause.SLOW}
    assert {cause for cause, kind in OURS.items() if issubclass(kind, PassingError)} == passing


def psycopg_error(code: str, text: str = TIMEOUT) -> psycopg.Error:
    try:
        kind = psycopg.errors.lookup(code)
    except KeyError:
        kind = psycopg.DatabaseError
    error = kind(text)
    error.sqlstate = code
    return error


def adbc_error(status: int, text: str, sqlstate: str | None = None) -> adbc_driver_manager.Error:
    return adbc_driver_manager.OperationalError(text, status_code=status, sqlstate=sqlstate)
