"""What readers find: manifest, catalog and files always hold what the ledger says."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from pipeline.errors import (
    LakeDamaged,
)
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.store.compact import compact, delete_expired, sweep_orphans
from scheduler import open_pipeline
from tests.integration.morning import HOUR, MORNING, NOON, ordinary
from tests.integration.trade_home import settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SEOUL = ZoneInfo("Asia/Seoul")


def totals(pipeline: Pipeline, span: Span) -> tuple[int, ...]:
    rows = pipeline.lake.read(pipeline.state.publication().files, "merchant_minute", span)
    return tuple(int(rows[name].sum()) for name in rows.columns[2:])


READ = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print(connection.execute(
        "SELECT " + ", ".join(f"sum({m})" for m in sys.argv[2:]) + " FROM merchant_minute"
    ).fetchone())
"""


def test_manifest_catalog_and_ledger_agree_and_another_process_reads_the_source_totals(
    pipeline: Pipeline, trade: Trade
) -> None:
    ordinary(trade)
    trade.execute(  # half of the cancels name an approval of the last 24 hours, half an older one
        "UPDATE transactions SET original_occurred_at = occurred_at"
        " - (23.5 + transaction_id % 2) * interval '1 hour' WHERE kind = 'CANCEL'"
    )
    pipeline.backfill(MORNING)
    list(pipeline.catch_up(NOON + 10 * MINUTE))
    pipeline.project_catalog()
    settings = pipeline.settings
    manifest = json.loads(settings.manifest.read_text())
    publication = pipeline.state.publication()
    named = {entry["path"] for entries in manifest["datasets"].values() for entry in entries}
    assert named == {file.path for file in publication.files}
    assert all((settings.lake / path).is_file() for path in named)
    assert manifest["version"] == publication.version
    assert datetime.fromisoformat(manifest["published_through"]) == NOON + 10 * MINUTE
    read = subprocess.run(
        [sys.executable, "-c", READ, str(settings.catalog), *MERCHANT_MINUTE.names()[2:]],
        capture_output=True,
        text=True,
        check=True,
    )
    with psycopg.connect(trade.source_url) as source:
        expected = source.execute(
            """
            SELECT count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
                   sum(amount) FILTER (WHERE kind = 'APPROVAL'), sum(amount) FILTER (WHERE kind = 'CANCEL'),
                   count(*) FILTER (WHERE occurred_at - original_occurred_at <= '24 hours'),
                   count(*) FILTER (WHERE occurred_at - original_occurred_at > '24 hours')
            FROM transactions WHERE occurred_at < %s
            """,
            [NOON + 10 * MINUTE],
        ).fetchone()
    assert expected is not None
    assert read.stdout.strip() == str(tuple(int(value) for value in expected))


def test_compaction_deletion_and_the_sweep_keep_every_total(pipeline: Pipeline, trade: Trade) -> None:
    ordinary(trade)
    pipeline.backfill(MORNING)
    list(pipeline.catch_up(NOON + HOUR))
    span = Span(MORNING.start, NOON + HOUR)
    before, files = totals(pipeline, span), len(pipeline.state.publication().files)
    orphan = pipeline.settings.lake / "merchants" / "merchant_minute" / "orphan.parquet"
    fresh = pipeline.settings.lake / "merchants" / "merchant_minute" / "fresh.writing"
    for path in (orphan, fresh):
        path.write_bytes(b"left by a crash")
    assert compact(pipeline.lake, pipeline.state, NOON + HOUR) > 0
    assert len(pipeline.state.publication().files) < files
    assert totals(pipeline, span) == before
    assert delete_expired(pipeline.lake, pipeline.state) == 0
    with pipeline.state.engine.begin() as connection:
        connection.execute(text("UPDATE lake_file SET retired_at = retired_at - interval '1 hour'"))
    assert delete_expired(pipeline.lake, pipeline.state) > 0
    now = datetime.now(UTC)
    assert sweep_orphans(pipeline.lake, pipeline.state, now) == 0, (
        "a running commit may still name a young file"
    )
    assert sweep_orphans(pipeline.lake, pipeline.state, now + 2 * HOUR) == 2
    assert not orphan.exists()
    assert totals(pipeline, span) == before
    assert len(list(pipeline.catch_up(NOON + HOUR + 2 * MINUTE))) == 2


def test_a_published_file_that_is_gone_or_damaged_is_named_with_what_to_do(
    pipeline: Pipeline, trade: Trade
) -> None:
    ordinary(trade)
    pipeline.backfill(MORNING)
    path = pipeline.settings.lake / pipeline.state.publication().files[0].path
    content = path.read_bytes()
    for damage in (content[: len(content) // 2], b"", None):
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
        with pytest.raises(LakeDamaged) as caught:
            list(pipeline.catch_up(NOON + MINUTE))
        assert "manifest.json" in caught.value.hint
    path.write_bytes(content)
    assert len(list(pipeline.catch_up(NOON + MINUTE))) == 1


def test_a_start_repairs_the_projection_that_a_crash_prevented(
    trade: Trade, state_url: str, tmp_path: Path
) -> None:
    ordinary(trade, end=NOON)
    settings = settings_of(trade, state_url, tmp_path / "home")
    with open_pipeline(settings) as pipeline:
        pipeline.backfill(MORNING)
    for path in (settings.manifest, settings.catalog):
        path.unlink()
    with open_pipeline(settings) as pipeline:
        assert json.loads(settings.manifest.read_text())["version"] == pipeline.state.publication().version
    assert settings.catalog.is_file()
