"""The nightly measurement of the false-alarm budget: from published files to what people are shown."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from prometheus_client import generate_latest
from sqlalchemy import text

from app.door import Door
from data.merchants.trade import insert_transactions
from pipeline.metrics import Metrics
from pipeline.minute import Span, business_day
from pipeline.packs.merchants.null import NullDay
from pipeline.packs.merchants.spent import Spent, spent_of
from pipeline.replay.nightly import measure_night
from pipeline.schema import UTC_TIME
from pipeline.service import Service
from pipeline.tell.channels import Console
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.catch_up import Pipeline

SEOUL = ZoneInfo("Asia/Seoul")
TODAY = date(2026, 3, 20)
END = business_day(TODAY, SEOUL).start + timedelta(hours=4)
DAYS = 9
MERCHANTS = 6


@pytest.fixture(scope="module")
def published(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Nine days and four hours of six merchants, published up to END."""
    home = tmp_path_factory.mktemp("home")
    with (
        trade_database(postgres_url) as trade,
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, home) as pipeline,
    ):
        insert_transactions(trade.owner_url, transactions())
        pipeline.backfill(Span(business_day(TODAY, SEOUL).start - timedelta(days=DAYS), END))
        yield pipeline


def transactions() -> pl.DataFrame:
    start = business_day(TODAY, SEOUL).start - timedelta(days=DAYS)
    size = 6_000
    random = np.random.default_rng(3)
    seconds = random.integers(0, int((END - start).total_seconds()), size)
    return pl.DataFrame(
        {
            "transaction_id": np.arange(1, size + 1),
            "merchant_id": [f"M{place}" for place in random.integers(0, MERCHANTS, size)],
            "kind": np.where(random.random(size) < 0.1, "CANCEL", "APPROVAL"),
            "amount": np.full(size, 1000),
            "seconds": seconds,
        }
    ).select(
        pl.exclude("seconds"), occurred_at=pl.lit(start, UTC_TIME) + pl.duration(seconds=pl.col("seconds"))
    )


def spent(pipeline: Pipeline, day_start: datetime) -> Spent:
    return spent_of(pipeline.state.nights(), pipeline.state.opened_since(day_start))


@pytest.mark.timeout(400)  # a process of its own judges 1,440 minutes, twice
def test_a_night_is_measured_stored_and_shown(published: Pipeline) -> None:
    before = spent(published, END)
    assert (before.nights, before.allowed, before.interval) == (0, None, None)

    found = measure_night(published)
    assert found is not None
    night = NullDay(MERCHANTS, 1, found["incidents"], 40, drift_measured=False)
    assert found == {**asdict(night), "allowed": 5 * MERCHANTS / 100_000}
    assert measure_night(published) == found  # the same night again replaces its row

    after = spent(published, END)
    assert (after.business_day, after.nights, after.days, after.merchants) == (
        date(2026, 3, 19),
        1,
        1.0,
        MERCHANTS,
    )
    assert after.allowed == pytest.approx(5 * MERCHANTS / 100_000)
    assert after.interval is not None
    assert after.interval[1] >= 3.68  # one night with nothing found says little
    assert after.as_json()["null"]["drift_measured"] is False
    assert "(assumed)" in after.as_text()
    with closing(Door(published.settings)) as door:
        assert door.budget(END) == after


def test_the_metrics_show_it(published: Pipeline) -> None:
    metrics = Metrics("merchants")
    for day, incidents in ((18, 1), (19, 0)):
        night = NullDay(50_000, 2, incidents, 31, drift_measured=True)
        published.state.record_night(date(2026, 3, day), asdict(night) | {"allowed": 5.0})
    Service(published, lambda _: Console("en", SEOUL), metrics).show_budget()
    lines = generate_latest(metrics.registry).decode().splitlines()
    assert 'minuterisk_budget_allowed_per_day{pack="merchants"} 5.0' in lines
    assert 'minuterisk_budget_spent_today{pack="merchants"} 0.0' in lines
    assert (
        'minuterisk_budget_null_per_day{of="mean",pack="merchants"} 1.0' in lines
    )  # 1 incident on two halves of all merchants


def test_only_incidents_of_today_and_of_the_budgeted_policy_are_spent(published: Pipeline) -> None:
    with published.state.engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO incident (
                pack, rule, entity_id, tier, severity, policy, opened_minute, last_breach_minute, currency,
                parts, reason, latest_reason
            )
            SELECT 'merchants', rule, 'X' || n, 'top', 'high', policy, minute, minute, 'KRW', '{}', '{}', '{}'
            FROM (VALUES
                (1, 'cancel_surge', 'budgeted', timestamptz '2026-03-20T03:00Z'),
                (2, 'cancel_surge', 'budgeted', timestamptz '2026-03-19T03:00Z'),
                (3, 'cancel_surge', 'literal', timestamptz '2026-03-20T03:00Z'),
                (4, 'volume_drop', 'budgeted', timestamptz '2026-03-20T03:00Z')
            ) AS made (n, rule, policy, minute)
            """)
        )
    assert spent(published, business_day(TODAY, SEOUL).start).spent == 1


def test_less_than_a_week_before_the_day_is_not_measured(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        trade_database(postgres_url) as trade,
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, tmp_path_factory.mktemp("home")) as pipeline,
    ):
        assert measure_night(pipeline) is None
        pipeline.backfill(Span(datetime(2026, 3, 18, tzinfo=UTC), END))
        assert measure_night(pipeline) is None
        assert spent(pipeline, END).nights == 0
