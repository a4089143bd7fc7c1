"""Nothing of ours stays at the source: a pool in transaction mode, whose next client gets our session."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.embedded import Urls
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.source.catalog_reader import CatalogReader
from pipeline.source.streams import slices
from scheduler import open_source
from tests.integration.test_pooler import ROOT, pooler, through
from tests.integration.trade_home import Trade, pipeline_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.source.asked import Source

#: Everything that a session can keep for the next client.
SETTINGS = "SELECT name, setting FROM pg_settings ORDER BY name"
LEFT_BEHIND = (
    "SELECT (SELECT count(*) FROM pg_prepared_statements),"
    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),"
    " (SELECT count(*) FROM pg_cursors WHERE is_holdable), pg_my_temp_schema()::bigint"
)


@pytest.fixture
def pool(postgres_url: str, trade: Trade) -> Iterator[str]:
    """The reader's address through PgBouncer, with a single session of the server for all clients."""
    with pooler(postgres_url, "transaction", sessions=1) as host:
        yield through(host, trade.owner_url).replace("//postgres@", "//minuterisk_reader@")


@contextmanager
def another_client(url: str) -> Iterator[psycopg.Connection]:
    """Somebody else in the same pool; where our transaction holds the session it waits in vain."""
    with psycopg.connect(url, autocommit=True, connect_timeout=20, prepare_threshold=None) as connection:
        yield connection


def seen_by(url: str) -> tuple[int, dict[str, Any], Any]:
    """Which session another client gets, its settings, and what it finds there."""
    with another_client(url) as connection:
        session = connection.info.backend_pid, connection.execute("SELECT pg_backend_pid()").fetchone()
        assert session[1] is not None
        settings = dict(connection.execute(SETTINGS).fetchall())
        return session[1][0], settings, connection.execute(LEFT_BEHIND).fetchone()


def source_of(settings: Settings) -> Source:
    return open_source(settings, Urls(settings.source_url or "", settings.state_url or ""))


def ask_everything(source: Source, span: Span) -> int:
    """Every question a source answers; gives the rows of the span."""
    source.check()
    fence = source.fence()
    rows = source.extract(span).rows.height
    assert source.extract(span, 1_000_000).rows.height == rows
    assert int(source.totals(span)["rows"].sum()) == rows
    assert source.changed(fence, lambda _: span.start, {}).minutes == ()
    assert source.rows_without_time() == 0
    source.ask("at_risk", parameters_of(["A"], span.start.date(), 30, span.end))
    source.known()
    return rows


def test_the_next_client_of_our_session_finds_the_servers_own_settings(
    trade: Trade, pool: str, state_url: str, tmp_path: Path
) -> None:
    minute = floor_minute(datetime.now(UTC) - timedelta(minutes=5))
    trade.insert((1, "A", "APPROVAL", 100, minute), (2, "A", "CANCEL", 100, minute))
    session, settings, left = seen_by(pool)
    assert settings["statement_timeout"] == "0"
    given = settings_of(trade, state_url, tmp_path / "home", source_url=pool)
    with source_of(given) as source:
        assert ask_everything(source, Span(minute, minute + MINUTE)) == 2
        assert seen_by(pool) == (session, settings, left), "while our connection is open"
    assert seen_by(pool) == (session, settings, left)


def test_history_minutes_corrections_and_the_proof_work_through_a_pool(
    trade: Trade, pool: str, state_url: str, tmp_path: Path
) -> None:
    before = seen_by(pool)
    with pipeline_of(trade, state_url, tmp_path / "home", source_url=pool) as pipeline:
        until = pipeline.due_until()
        minutes = [until - n * MINUTE for n in range(1, 200)]
        trade.insert(*((n, f"M{n % 7}", "APPROVAL", 100 + n, at) for n, at in enumerate(minutes, start=1)))
        published = Span(until - 200 * MINUTE, until - 3 * MINUTE)
        pipeline.backfill(published)
        list(pipeline.catch_up(until))
        trade.insert((1000, "M1", "CANCEL", 5, until - 2 * MINUTE))
        assert Corrector(pipeline).poll() == [until - 2 * MINUTE]
        found = find_faults(pipeline, pipeline.source, Span(published.start, until))
        assert not found.any
        ledger = pipeline.state.minutes(Span(published.start, until))
        assert sum(row["source_rows"] for row in ledger) == 200
    assert seen_by(pool) == before


def test_check_and_connect_leave_nothing_in_a_pool_either(
    trade: Trade, pool: str, state_url: str, tmp_path: Path
) -> None:
    before = seen_by(pool)
    given = {"HOME": str(tmp_path / "home"), "SOURCE_URL": pool, "STATE_URL": state_url}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "check", "--json"],
        env={**kept, "PYTHONPATH": str(ROOT), **{f"MINUTERISK_{name}": v for name, v in given.items()}},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert '"check": "row_security"' in done.stdout, done.stderr
    assert seen_by(pool) == before
    catalog = CatalogReader(pool, timedelta(seconds=5)).read()
    assert "transactions" in {table.name for table in catalog.tables}
    assert seen_by(pool) == before


@pytest.mark.parametrize("sessions", [1, 2])
def test_halves_and_parts_need_a_second_session_and_do_not_wait_long_for_it(
    trade: Trade, postgres_url: str, tmp_path: Path, state_url: str, sessions: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    minute = floor_minute(datetime.now(UTC) - timedelta(minutes=5))
    trade.insert(*((n, "A", "APPROVAL", 100, minute + n * MINUTE / 60) for n in range(1, 60)))
    monkeypatch.setattr(slices, "MANY_ROWS", 10)
    with pooler(postgres_url, "transaction", sessions=sessions) as host:
        pool = through(host, trade.owner_url).replace("//postgres@", "//minuterisk_reader@")
        given = settings_of(trade, state_url, tmp_path / "home", source_url=pool)
        with source_of(given) as source, source_of(given) as other:
            whole = source.extract(Span(minute, minute + MINUTE))
            with capture_logs() as said:
                for _ in range(3):
                    read = source.extract(Span(minute, minute + MINUTE))
                    assert read.rows.sort("transaction_id").equals(whole.rows.sort("transaction_id"))
            assert [line["event"] for line in said] == ["source.one_slice"][: 2 - sessions]
            with other.shared() as shared:
                assert (shared.name is None) == (sessions == 1)
                part = source.part(shared.name, minute, minute + MINUTE) if shared.name else None
                assert (part or shared.rows(minute, minute + MINUTE)).rows.height == 59
            source.ask("at_risk", parameters_of(["A"], minute.date(), 30, minute + MINUTE))
        _, settings, left = seen_by(pool)
        assert (settings["statement_timeout"], settings["application_name"]) == ("0", "")
        assert left == (0, 0, 0, 0)


def test_between_questions_no_transaction_is_open(trade: Trade, tmp_path: Path, state_url: str) -> None:
    with source_of(settings_of(trade, state_url, tmp_path)) as source:
        minute = floor_minute(datetime.now(UTC))
        ask_everything(source, Span(minute, minute + MINUTE))
        with psycopg.connect(trade.owner_url) as owner:
            found = owner.execute(
                "SELECT DISTINCT state, application_name, xact_start FROM pg_stat_activity"
                " WHERE usename = 'minuterisk_reader' AND datname = current_database()"
            ).fetchall()
    assert found == [("idle", "", None)]


def test_our_transaction_reads_under_our_limits(trade: Trade, tmp_path: Path, state_url: str) -> None:
    given = settings_of(trade, state_url, tmp_path, source_timeout="7")
    expected = {
        "statement_timeout": "7s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "1min",
        "max_parallel_workers_per_gather": "0",
        "timezone": "UTC",
        "transaction_isolation": "repeatable read",
        "transaction_read_only": "on",
        "application_name": "minuterisk",
    }
    shown = ", ".join(f"current_setting('{name}') AS {name}" for name in expected)
    with source_of(given) as source:
        with source._snapshot() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"SELECT {shown}")
            assert cursor.fetchone() == tuple(expected.values())
        shorter = {"statement_timeout": "3s", "lock_timeout": "3s"}  # of what nothing is counted by
        assert source._few_rows("at_risk", f"SELECT {shown}") == [expected | shorter]  # type: ignore[attr-defined]


def test_rows_that_a_policy_hides_from_the_role_are_counted_nowhere(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    trade.execute("ALTER TABLE transactions ENABLE ROW LEVEL SECURITY")
    trade.execute("CREATE POLICY ours ON transactions TO minuterisk_reader USING (merchant_id LIKE 'OURS%')")
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        until = pipeline.due_until()
        at = until - 5 * MINUTE
        trade.insert((1, "OURS1", "APPROVAL", 100, at), (2, "THEIRS", "APPROVAL", 100, at))
        span = Span(until - 10 * MINUTE, until)
        pipeline.backfill(span)
        trade.insert((3, "OURS2", "APPROVAL", 100, at), (4, "THEIRS", "APPROVAL", 100, until - 4 * MINUTE))
        assert Corrector(pipeline).poll() == [at]
        assert not find_faults(pipeline, pipeline.source, span).any
        assert sum(row["source_rows"] for row in pipeline.state.minutes(span)) == 2
