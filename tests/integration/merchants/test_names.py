"""Names of merchants on the whole way: read from the source, kept, and found again by the people who look."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from pipeline.minute import MINUTE, Span
from queries import sql
from tests.app.merchants.home import HOSTILE
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)
SHIPPED = Path(__file__).resolve().parents[3] / "queries" / "merchants" / "extract" / "postgresql"
LONG = "가" * 10_000


@pytest.fixture
def trade(postgres_url: str) -> Iterator[Trade]:
    with trade_database(postgres_url) as trade:
        for merchant, name in (("a", "그린상회"), ("b", None), ("c", HOSTILE), ("d", LONG), ("e", " \t ")):
            said = "NULL" if name is None else f"$name${name}$name$"
            trade.execute(f"INSERT INTO merchants (merchant_id, name) VALUES ('{merchant}', {said})")
        trade.insert((1, "a", "APPROVAL", 1000, NOON - 9 * MINUTE), (2, "b", "APPROVAL", 1000, NOON))
        yield trade


def judged(pipeline: Pipeline, start: datetime) -> None:
    pipeline.backfill(Span(start - 10 * MINUTE, start))
    list(pipeline.catch_up(start + MINUTE))


def names(pipeline: Pipeline) -> dict[str, str]:
    return dict(pipeline.state.names().iter_rows())


def known_version(pipeline: Pipeline) -> int:
    with pipeline.state.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT max(version) FROM entity_known").scalar_one())


def test_names_are_kept_as_the_source_last_gave_them(trade: Trade, postgres_url: str, tmp_path: Path) -> None:
    with state_database(postgres_url) as url, capture_logs() as logs:
        with pipeline_of(trade, url, tmp_path) as pipeline:
            judged(pipeline, NOON)
            kept = names(pipeline)
            assert set(kept) == {"a", "c", "d"}  # null and blank are no names
            assert kept["a"] == "그린상회"
            assert "\u202e" not in kept["c"]
            assert kept["d"] == "가" * 80
            first = known_version(pipeline)
        trade.execute("UPDATE merchants SET name = '새 이름' WHERE merchant_id = 'a'")
        trade.execute("UPDATE merchants SET name = NULL WHERE merchant_id = 'c'")
        with pipeline_of(trade, url, tmp_path) as pipeline:
            list(pipeline.catch_up(NOON + timedelta(minutes=2)))
            assert names(pipeline) == {"a": "새 이름", "d": "가" * 80}
            assert known_version(pipeline) > first
            second = known_version(pipeline)
        with pipeline_of(trade, url, tmp_path) as pipeline:  # the same again writes nothing
            list(pipeline.catch_up(NOON + timedelta(minutes=3)))
            assert known_version(pipeline) == second
            with pipeline.state.engine.connect() as connection:
                found = connection.execute(text(sql("ops/app_entities")), {"pack": "merchants"}).all()
            assert {row.entity_id: row.name for row in found if row.name} == {"a": "새 이름", "d": "가" * 80}
    assert not [line for line in logs if "그린상회" in str(line) or "나쁜" in str(line)]


@pytest.mark.parametrize("query", ["SELECT merchant_id, category FROM merchants", None])
def test_a_source_without_names_forgets_those_of_before(
    trade: Trade, postgres_url: str, tmp_path: Path, query: str | None
) -> None:
    folder = tmp_path / "queries"
    shutil.copytree(SHIPPED, folder)
    with state_database(postgres_url) as url:
        with pipeline_of(trade, url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            judged(pipeline, NOON)
            assert names(pipeline)
        if query is None:
            (folder / "categories.sql").unlink()
        else:
            (folder / "categories.sql").write_text(query)
        with pipeline_of(trade, url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            list(pipeline.catch_up(NOON + timedelta(minutes=2)))
            assert names(pipeline) == {}


def test_names_that_cannot_be_read_stay_and_stop_no_minute(
    trade: Trade, postgres_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "queries"
    shutil.copytree(SHIPPED, folder)
    with state_database(postgres_url) as url:
        with pipeline_of(trade, url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            judged(pipeline, NOON)
        (folder / "categories.sql").write_text(
            "SELECT merchant_id, category, 7 AS merchant_name FROM merchants"
        )
        with pipeline_of(trade, url, tmp_path / "home", source_queries=str(folder)) as pipeline:
            assert [j.minute for j in pipeline.catch_up(NOON + timedelta(minutes=2))] == [NOON + MINUTE]
            assert names(pipeline)["a"] == "그린상회"
