"""`connect` on five shapes of tables: from the URL to an incident, counted as a plain query counts."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import psycopg
import pymysql
import pytest

from data.server import database_url
from pipeline.cli import main
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.contract.trade_servers import mariadb_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.catch_up import Pipeline

SHAPES = Path(__file__).resolve().parents[2] / "shapes"
HOUR = timedelta(hours=1)
#: In the words of PostgreSQL: when the history of a shape begins, and when its surge does.
TIMES = {
    "{start}": "date_trunc('minute', now()) - interval '9 days 2 hours'",
    "{surge}": "date_trunc('minute', now()) - interval '25 minutes'",
}


@dataclass(frozen=True)
class Database:
    """A trade database: the URL of a role that may only SELECT, and the owner's way in."""

    url: str
    ask: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def maria() -> Iterator[Path]:
    with mariadb_server() as socket:
        yield socket


def postgresql(admin_url: str, script: str) -> Database:
    """A database of its own, filled by a shape's script, and the role `connect_reader`."""
    name = f"connect_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        if admin.execute("SELECT FROM pg_roles WHERE rolname = 'connect_reader'").fetchone() is None:
            admin.execute("CREATE ROLE connect_reader LOGIN")
    owner = admin_url.replace("/postgres?", f"/{name}?")
    for mark, text in TIMES.items():
        script = script.replace(mark, text)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(script.encode())
        for schema in ("public", *re.findall(r'CREATE SCHEMA "(\w+)"', script)):
            connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO connect_reader'.encode())
            connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO connect_reader'.encode())

    def ask(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(owner) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    return Database(database_url(owner, name, "connect_reader"), ask)


def mariadb(socket: Path, script: str) -> Database:
    name = f"connect_{uuid.uuid4().hex[:12]}"
    given: dict[str, Any] = {
        "unix_socket": str(socket),
        "user": "root",
        "charset": "utf8mb4",
        "autocommit": True,
    }

    def ask(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with pymysql.connect(**given, database=name) as connection, connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    with pymysql.connect(**given) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER IF NOT EXISTS reader@localhost IDENTIFIED BY 'p/w:1'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO reader@localhost")
    now = "TIMESTAMP(UTC_TIMESTAMP(3) + INTERVAL 9 HOUR)"
    without_comments = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    for statement in without_comments.replace("{now}", now).split(";\n"):
        if statement.strip():
            ask(statement)
    return Database(f"mariadb://reader:p%2Fw%3A1@/{name}?unix_socket={socket}", ask)


def database(shape: str, postgres_url: str, request: pytest.FixtureRequest) -> Database:
    script = (SHAPES / f"{shape}.sql").read_text(encoding="utf-8")
    if shape.startswith("mariadb"):
        return mariadb(request.getfixturevalue("maria"), script)
    return postgresql(postgres_url, script)


def connect(url: str, folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON that was reported, and what was said on standard error."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["connect", url, "--queries", str(folder), "--yes", "--json", *more])
    said = out.getvalue().strip().splitlines()
    return code, json.loads(said[-1]) if said else {}, err.getvalue()


def decided(said: dict[str, Any], name: str) -> str:
    return str(next(d["value"] for d in said["mapping"] if d["name"] == name))


#: What the person has to say, and the merchant of the surge.
SAID: dict[str, tuple[list[str], str]] = {
    "ours": ([], "2"),
    "payment_row": ([], "S2"),
    "uuid_events": ([], "00000000-0000-0000-0000-000000000002"),
    "two_tables": ([], "2"),
    "mariadb_enum": ([], "M2"),
}


def hour_by_hand(found: Database, shape: str, hour: Span) -> dict[str, tuple[int, ...]]:
    values = [hour.start, hour.end]
    if shape.startswith("mariadb"):
        values = [value.replace(tzinfo=None) for value in values]
    query = (SHAPES / f"{shape}.count.sql").read_text(encoding="utf-8").split("\n", 1)[1]
    rows = found.ask(query, values * (query.count("%s") // 2))
    return {str(merchant): tuple(int(number) for number in numbers) for merchant, *numbers in rows}


def hour_of_lake(pipeline: Pipeline, hour: Span) -> dict[str, tuple[int, ...]]:
    rows = pipeline.lake.read(pipeline.state.publication().files, "merchant_minute", hour)
    names = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    summed = rows.group_by("merchant_id").agg(pl.col(name).sum() for name in names)
    return {merchant: tuple(numbers) for merchant, *numbers in summed.iter_rows()}


@pytest.mark.parametrize("shape", SAID)
def test_from_the_url_to_the_incident_and_every_row_is_counted_as_by_hand(
    shape: str, postgres_url: str, state_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = database(shape, postgres_url, request)
    answers, surging = SAID[shape]
    folder = tmp_path / "queries"
    code, said, errors = connect(found.url, folder, *(part for a in answers for part in ("--set", a)))
    assert code == 0, errors
    settings = load_settings(
        {
            "MINUTERISK_HOME": str(tmp_path / "home"),
            "MINUTERISK_SOURCE_URL": found.url,
            "MINUTERISK_SOURCE_QUERIES": said["settings"]["MINUTERISK_SOURCE_QUERIES"],
            "MINUTERISK_STATE_URL": state_url,
            "MINUTERISK_POLICY": "supported",
        }
    )
    surge = floor_minute(datetime.now(UTC)) - 27 * MINUTE
    with open_pipeline(settings) as pipeline:
        pipeline.judge_from(surge)
        opened = [i for judged in pipeline.catch_up(pipeline.due_until()) for i in judged.changes.opened]
        end = pipeline.due_until() - 5 * MINUTE
        for hour in (Span(end - HOUR, end), Span(end - 30 * HOUR, end - 29 * HOUR)):
            assert hour_of_lake(pipeline, hour) == hour_by_hand(found, shape, hour)
        totals = pipeline.source.totals(Span(end - HOUR, end))
        ledger = pipeline.state.minutes(Span(end - HOUR, end))
        assert sum(totals["rows"]) == sum(row["source_rows"] for row in ledger)
        fence = pipeline.source.fence()
        changed = pipeline.source.changed(fence, lambda _: end - HOUR, {})
        assert all(minute.tzinfo for minute in changed.minutes)
        assert pipeline.source.rows_without_time() == 0
    assert [i.entity_id for i in opened if i.rule == "cancel_surge"] == [surging]
    assert said["sample"]["rows"] > 0
    assert not said["sample"]["set_aside"]
    assert said["sample"]["examples"]


def test_a_folder_that_somebody_edited_is_not_overwritten_silently(postgres_url: str, tmp_path: Path) -> None:
    found = database("two_tables", postgres_url, cast("Any", None))
    folder = tmp_path / "queries"
    assert connect(found.url, folder)[0] == 0
    assert connect(found.url, folder)[0] == 0  # as it was written: written again
    edited = folder / "transactions.sql"
    edited.write_text(edited.read_text() + "-- mine\n")
    code, _, errors = connect(found.url, folder)
    assert (code, "transactions.sql" in errors) == (2, True)
    assert edited.read_text().endswith("-- mine\n")
    assert connect(found.url, folder, "--overwrite")[0] == 0
    assert not edited.read_text().endswith("-- mine\n")


#: Words, a zone and indexes that nobody can know or has.
UNKNOWABLE = """
    CREATE TABLE trades (
        id BIGINT PRIMARY KEY, mid TEXT, type TEXT, amount BIGINT, traded_at TIMESTAMP, reg_dt TIMESTAMP
    );
    INSERT INTO trades SELECT n, 'M1', CASE n % 5 WHEN 0 THEN 'C' ELSE 'A' END, 100, t, t
    FROM generate_series(1, 500) AS n,
         LATERAL (SELECT now() AT TIME ZONE 'UTC' - interval '3 hours' - n * interval '1 minute' AS t) AS x
"""


class Terminal(StringIO):
    """Says that a person sits there."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_asks_shows_and_writes_after_a_yes(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, folder = postgresql(postgres_url, UNKNOWABLE), tmp_path / "queries"
    out, err = Terminal(), StringIO()
    monkeypatch.setattr("sys.stdin", Terminal("cancel=C;approval=A\n2\ny\n"))
    with redirect_stdout(out), redirect_stderr(err):
        assert main(["connect", found.url, "--queries", str(folder)]) == 0, err.getvalue()
    said = out.getvalue()
    assert "1  Asia/Seoul" in said
    assert "-> CANCEL 100 (minor units of KRW), merchant M1" in said
    assert "MINUTERISK_SOURCE_URL=(the URL you gave)" in said
    assert "AT TIME ZONE 'UTC'" in (folder / "transactions.sql").read_text()
    monkeypatch.setattr("sys.stdin", Terminal("cancel=C;approval=A\n2\nn\n"))
    with redirect_stdout(Terminal()), redirect_stderr(StringIO()):
        assert main(["connect", found.url, "--queries", str(tmp_path / "other")]) == 1
    assert not (tmp_path / "other").exists()


def test_what_cannot_be_known_is_refused_with_the_option_that_says_it(
    postgres_url: str, tmp_path: Path
) -> None:
    found, folder = postgresql(postgres_url, UNKNOWABLE), tmp_path / "queries"
    code, _, errors = connect(found.url, folder)
    assert (code, "'A' (400 of 500 rows)" in errors, "--set approval=" in errors) == (2, True, True)
    code, _, errors = connect(found.url, folder, "--set", "approval=A", "--set", "cancel=C")
    assert (code, "--set zone=Asia/Seoul" in errors) == (2, True)
    assert not folder.exists()
    code, said, errors = connect(
        found.url, folder, "--set", "zone=UTC", "--set", "approval=A", "--set", "cancel=C"
    )
    assert code == 0, errors
    assert set(said["sample"]["kinds"]) == {"APPROVAL", "CANCEL"}
    assert any("CREATE INDEX CONCURRENTLY ON trades (traded_at)" in w for w in said["warnings"])


def test_a_role_that_may_read_nothing_is_told_so(postgres_url: str, tmp_path: Path) -> None:
    found = postgresql(postgres_url, "SELECT 1")
    code, _, errors = connect(found.url, tmp_path / "queries")
    assert code == 2
    assert "GRANT SELECT" in errors
