"""A value that the source cannot cast: its row is named and set aside, and everything else goes on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.alarms import open_alarms
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.prove.corrector import Corrector
from pipeline.prove.reconcile import reconcile, reconcile_exactly
from pipeline.settings import PROJECT
from tests.integration.trade_home import pipeline_of, state_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOW = floor_minute(datetime.now(UTC)) - 2 * MINUTE
SPAN = Span(NOW - 10 * MINUTE, NOW)
POISONED = NOW - 4 * MINUTE
SEOUL = ZoneInfo("Asia/Seoul")
#: What documents of ours once recommended for a fraction.
QUERY = """
SELECT transaction_id, merchant_id, kind, (amt * 100)::bigint AS amount, occurred_at
FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2;
"""


@pytest.fixture
def trade(trade: Trade) -> Trade:
    trade.insert(
        *((n, "shop", "APPROVAL", 1000, SPAN.start + n * 6 * timedelta(seconds=1)) for n in range(1, 100))
    )
    trade.execute("ALTER TABLE transactions ADD amt numeric")
    trade.execute("UPDATE transactions SET amt = amount / 100.0")
    trade.insert((1000, "shop", "CANCEL", 1, POISONED + timedelta(seconds=17, microseconds=5)))
    trade.execute("UPDATE transactions SET amt = 'NaN' WHERE transaction_id = 1000")
    return trade


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "queries" / "merchants" / "extract" / "postgresql", tmp_path / "queries")
    (tmp_path / "queries" / "transactions.sql").write_text(QUERY)
    return tmp_path / "queries"


@pytest.fixture
def pipeline(trade: Trade, queries: Path, postgres_url: str, tmp_path: Path) -> Iterator[Pipeline]:
    with (
        state_database(postgres_url) as state,
        pipeline_of(trade, state, tmp_path / "home", source_queries=str(queries)) as pipeline,
    ):
        pipeline.ensure_fence()
        yield pipeline


def unreadable(pipeline: Pipeline) -> list[str]:
    alarms = open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
    return [f"{alarm.subject}: {alarm.what}" for alarm in alarms if alarm.name == "rows.unreadable"]


def set_aside(pipeline: Pipeline) -> list[tuple[object, ...]]:
    rows = pipeline.lake.read(pipeline.state.publication().files, "quarantine", SPAN)
    return rows.select("minute", "transaction_id", "kind", "amount", "reason").rows()


def all_is_equal(pipeline: Pipeline) -> bool:
    exactly = reconcile_exactly(pipeline.source, pipeline.state, pipeline.lake, SPAN)
    return not (exactly or reconcile(pipeline.source, pipeline.state, SPAN, pipeline.lake))


def test_the_minute_with_the_value_and_those_after_it_are_judged(pipeline: Pipeline) -> None:
    pipeline.judge_from(SPAN.start + MINUTE)
    judged = list(pipeline.catch_up(SPAN.end))
    assert [j.minute for j in judged] == list(Span(SPAN.start + MINUTE, SPAN.end))
    assert set_aside(pipeline) == [(POISONED, "1000", "CANCEL", None, "value_unreadable")]
    (alarm,) = unreadable(pipeline)
    assert "1 row of the query transactions" in alarm
    assert "transaction" in alarm
    assert "NaN" in alarm
    assert all_is_equal(pipeline)
    assert Corrector(pipeline).poll() == []


def test_a_day_of_history_with_the_value_is_published(pipeline: Pipeline) -> None:
    pipeline.backfill(SPAN)
    assert set_aside(pipeline) == [(POISONED, "1000", "CANCEL", None, "value_unreadable")]
    ledger = pipeline.state.minutes(SPAN)
    assert sum(row["sums"]["approval_count"] for row in ledger) == 99
    assert sum(row["source_rows"] for row in ledger) == 100
    assert all_is_equal(pipeline)


def test_a_value_that_is_repaired_at_the_source_is_counted(pipeline: Pipeline, trade: Trade) -> None:
    pipeline.backfill(SPAN)
    corrector = Corrector(pipeline)
    corrector.poll()
    trade.execute("UPDATE transactions SET amt = 0.07 WHERE transaction_id = 1000")
    assert corrector.poll() == [POISONED]
    assert set_aside(pipeline) == []
    (row,) = pipeline.state.minutes(Span(POISONED, POISONED + MINUTE))
    assert (row["sums"]["cancel_count"], row["sums"]["cancel_amount"], row["quarantined"]) == (1, 7, 0)
    assert corrector.poll() == []
    assert not reconcile_exactly(pipeline.source, pipeline.state, pipeline.lake, SPAN)


def test_a_value_that_spoils_a_published_minute_spoils_its_row_alone(
    pipeline: Pipeline, trade: Trade
) -> None:
    pipeline.backfill(SPAN)
    corrector = Corrector(pipeline)
    corrector.poll()
    trade.execute("UPDATE transactions SET amt = 'Infinity' WHERE transaction_id = 42")
    (minute,) = corrector.poll()
    assert ("42", "APPROVAL") in [row[1:3] for row in set_aside(pipeline)]
    (row,) = pipeline.state.minutes(Span(minute, minute + MINUTE))
    assert (row["sums"]["approval_count"], row["quarantined"]) == (9, 1)
    assert corrector.poll() == []


def test_amounts_in_won_with_a_fraction_of_zero_are_won(
    trade: Trade, pipeline: Pipeline, queries: Path
) -> None:
    """NUMERIC as it stands; what is no number is set aside by itself."""
    trade.execute("UPDATE transactions SET amt = amount + 0.00 WHERE transaction_id <> 1000")
    (queries / "transactions.sql").write_text(QUERY.replace("(amt * 100)::bigint AS amount", "amt AS amount"))
    totals = (queries / "totals.sql").read_text().replace("sum(amount)", "sum(amt)")
    (queries / "totals.sql").write_text(totals)
    pipeline.backfill(SPAN)
    assert sum(row["sums"]["approval_amount"] for row in pipeline.state.minutes(SPAN)) == 99_000
    assert set_aside(pipeline) == [(POISONED, "1000", "CANCEL", None, "amount_not_a_number")]
    assert unreadable(pipeline) == []
    assert all_is_equal(pipeline)
