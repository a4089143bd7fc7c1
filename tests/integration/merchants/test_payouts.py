"""Payouts from the company's table to the published book of exposure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from pipeline.minute import MINUTE, Span, floor_minute
from tests.integration.trade_home import pipeline_of, state_database

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOW = floor_minute(datetime.now(UTC)) - timedelta(hours=1)
HISTORY = Span(NOW - timedelta(hours=30), NOW - timedelta(minutes=10))


def exposure_of(pipeline: Pipeline, merchant: str) -> dict[str, object]:
    files = pipeline.state.publication().files
    shown = pipeline.lake.read(files, "exposure", Span(NOW - timedelta(days=2), NOW))
    return shown.filter(pl.col("merchant_id") == merchant).sort("minute").row(-1, named=True)


def test_payouts_of_the_source_make_the_published_book(
    trade: Trade, postgres_url: str, tmp_path: Path
) -> None:
    sold = NOW - timedelta(hours=28)
    yesterday = (sold + timedelta(hours=9)).date()  # in Seoul
    trade.insert(
        (1, "paid", "APPROVAL", 1000, sold),
        (2, "paid", "APPROVAL", 500, sold + MINUTE),
        (3, "unknown", "APPROVAL", 700, sold),
        (4, "paid", "CANCEL", 200, NOW - timedelta(minutes=8)),
    )
    settle = "INSERT INTO settlements VALUES ('{}', '{}', {}, '{}')"
    trade.execute(settle.format("paid", yesterday - timedelta(days=3), 90, NOW - timedelta(days=3)))
    trade.execute(settle.format("paid", yesterday, 1500, NOW - timedelta(hours=5)))
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, tmp_path) as pipeline:
        pipeline.backfill(HISTORY, first_start=True)
        list(pipeline.catch_up(NOW - timedelta(minutes=5)))
        known = exposure_of(pipeline, "paid")
        assert (known["unrecovered"], known["settled_through"]) == (200, yesterday)
        assert known["paid_out_cancelable"] == 90 + 1500 - 200  # of the days before, and of yesterday's sales
        assert known["minute"] == NOW - timedelta(minutes=6)
        unknown = exposure_of(pipeline, "unknown")
        assert (unknown["paid_out_cancelable"], unknown["pending_payout"]) == (None, None)
