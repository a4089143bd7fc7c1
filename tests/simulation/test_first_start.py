"""A first start that dies: the next one goes on behind the last commit, and judges nothing of the past."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from data.merchants.trade import insert_transactions
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, business_date, business_day, floor_minute
from pipeline.prove.reconcile import reconcile_exactly
from scheduler import open_service, run_service
from tests.integration.trade_home import pipeline_of, settings_of, trade_database
from tests.simulation.runner import CRASHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings
    from tests.integration.trade_home import Trade

ROOT = Path(__file__).resolve().parents[2]
DEATHS = ["write:2", "rename:3", "commit:4", "committed:3", "commit:2"]


@pytest.fixture
def trade(postgres_url: str) -> Iterator[Trade]:
    with trade_database(postgres_url) as trade:
        yield trade


def start(settings: Settings, crash: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MINUTERISK_")}
    asked: Mapping[str, str] = {
        "PYTHONPATH": str(ROOT),
        "MINUTERISK_HOME": str(settings.home),
        "MINUTERISK_SOURCE_URL": settings.source_url or "",
        "MINUTERISK_STATE_URL": settings.state_url or "",
        "MINUTERISK_POLICY": "literal",
        "MINUTERISK_TEST_PIECE_ROWS": "300",
        **({"MINUTERISK_TEST_CRASH": crash} if crash else {}),
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation.runner", "catch-up", "--json"]
    return subprocess.run(
        command, env={**kept, **asked}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_a_first_start_that_dies_again_and_again_publishes_every_minute_once(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    now = floor_minute(datetime.now(UTC))
    # Nothing for days, then thousands of rows: pieces have grown to a whole day when they come.
    at = [now - timedelta(minutes=20) - timedelta(seconds=20 * n) for n in range(5000)]
    rows = {
        "transaction_id": range(1, 5001),
        "merchant_id": [f"M{n % 50}" for n in range(5000)],
        "kind": ["CANCEL" if n % 3 == 0 else "APPROVAL" for n in range(5000)],
        "amount": [1000 + n for n in range(5000)],
        "occurred_at": at,
    }
    insert_transactions(trade.owner_url, pl.DataFrame(rows))
    settings, came = settings_of(trade, state_url, tmp_path / "home"), [0]
    with psycopg.connect(state_url, autocommit=True) as state:
        for crash in DEATHS:
            done = start(settings, crash)
            assert done.returncode == CRASHED, f"{crash}: {done.stderr[-3000:]}"
            ledger = state.execute("SELECT count(*), count(judged_at) FROM minute_ledger").fetchone()
            assert ledger is not None
            assert ledger[1] == 0, "a minute of the past was judged"
            came.append(ledger[0])
        done = start(settings, "")
        assert done.returncode == 0, done.stderr[-3000:]
        marks = state.execute("SELECT history_until, next_minute FROM watermark").fetchone()
        judged = state.execute("SELECT min(minute) FROM minute_ledger WHERE judged_at IS NOT NULL").fetchone()
    assert marks is not None
    history_until, next_minute = (moment.astimezone(UTC) for moment in marks)
    assert came == sorted(came), "what was committed stays"
    assert len(set(came)) > len(DEATHS) // 2, f"it does not come forward: {came}"
    assert judged in [(history_until,), (None,)], "what came after the first start is judged, nothing before"
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        zone = pipeline.lake.zone
        first = business_day(business_date(history_until, zone) - timedelta(days=8), zone).start
        published = pipeline.state.published()
        assert (published.first_minute, published.last_minute) == (first, next_minute - MINUTE)
        assert published.holes == 0
        whole = Span(first, next_minute)
        assert reconcile_exactly(pipeline.source, pipeline.state, pipeline.lake, whole) == []
        assert sum(row["source_rows"] for row in pipeline.state.minutes(whole)) == 5000


def test_history_ends_with_the_piece_in_hand_when_the_service_is_stopped(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        service = open_service(pipeline, Metrics("merchants"))
        told: list[int] = []

        def progress(done: int, total: int | None, what: str) -> None:
            told.append(done)
            if len(told) == 3:
                service.stopped.set()

        run_service(service, progress)
        published = pipeline.state.published()
        assert (published.minutes, published.last_judged) == (told[2], None)
        service = open_service(pipeline, Metrics("merchants"))
        wanted = pipeline.state.history_until()
        assert wanted

        def enough(done: int, total: int | None, what: str) -> None:
            if done == total:
                service.stopped.set()

        run_service(service, enough)
        published = pipeline.state.published()
        assert (published.next_minute, published.holes, published.last_judged) == (wanted, 0, None)
