"""Datasets that are published beside the counted rows, and the book that is kept up from them."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from data.server import create_database, database_url
from pipeline.history import exposures_from
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.packs import PACKS
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.doors.kept import Costs, kept

if TYPE_CHECKING:
    import polars as pl

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings

DOORS = Path(__file__).resolve().parents[1] / "doors"
NOW = floor_minute(datetime.now(UTC)) - timedelta(hours=1)
SCHEMA = """
CREATE TABLE events (
    event_id bigint GENERATED ALWAYS AS IDENTITY, door_id text, kind text, occurred_at timestamptz,
    created_at timestamptz DEFAULT now()
);
CREATE TABLE payments (door_id text, amount bigint, day date, paid_at timestamptz)
"""


@dataclass(frozen=True)
class Building:
    """The doors' database, and an installation that reads it."""

    url: str
    queries: Path
    settings: Settings

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def happens(self, door: str, kind: str, at: datetime) -> None:
        self.execute("INSERT INTO events (door_id, kind, occurred_at) VALUES (%s, %s, %s)", door, kind, at)

    def pays(self, door: str | None, amount: int, at: datetime) -> None:
        self.execute("INSERT INTO payments VALUES (%s, %s, '2026-03-02', %s)", door, amount, at)


@pytest.fixture
def building(postgres_url: str, state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Building:
    monkeypatch.setitem(PACKS, "doors", "tests.doors.kept")
    name = f"doors_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        create_database(admin, name)
    url, queries = database_url(postgres_url, name), tmp_path / "queries"
    shutil.copytree(DOORS / "queries", queries)
    shutil.copy(DOORS / "payments.sql", queries / "payments.sql")
    names = {
        "packs": "doors",
        "home": str(tmp_path / "home"),
        "state_url": state_url,
        "doors_source_url": url,
        "doors_source_queries": str(queries),
        "doors_rules": str(DOORS / "rules.toml"),
        "language": "en",
    }
    settings = load_settings({f"MINUTERISK_{n.upper()}": value for n, value in names.items()})
    made = Building(url, queries, settings)
    made.execute(SCHEMA)
    for door in ("front", "lift"):
        made.happens(door, "opened", NOW - timedelta(hours=2))
        made.happens(door, "forced", NOW - timedelta(hours=2) + MINUTE)
    made.pays("front", 30, NOW - timedelta(hours=2))
    return made


def published(pipeline: Pipeline, dataset: str, span: Span | None = None) -> pl.DataFrame:
    span = span or Span(NOW - timedelta(days=20), NOW + timedelta(hours=1))
    return pipeline.lake.read(pipeline.state.publication().files, dataset, span)


def book_of_lake(pipeline: Pipeline) -> Costs:
    """The book as it follows from what is published, at the next minute to judge."""
    until = pipeline.state.next_minute()
    assert until is not None
    tuned = pipeline.tuned_at(until)
    book = exposures_from(pipeline.lake, pipeline.state, until, tuned, Any)  # type: ignore[arg-type]
    assert isinstance(book, Costs)
    return book


def the_book(pipeline: Pipeline) -> Costs:
    pipeline.prepare()
    assert isinstance(pipeline.money, Costs)
    return pipeline.money


def test_what_is_read_beside_is_published_and_kept_in_the_book(building: Building) -> None:
    with open_pipeline(building.settings) as pipeline:
        pipeline.start_history(NOW - timedelta(minutes=30))
        assert published(pipeline, "payment")["amount"].to_list() == [30]
        assert published(pipeline, "forced")["door_id"].to_list() == ["front", "lift"]
        building.pays("lift", 45, NOW - timedelta(minutes=20, seconds=30))
        building.pays(None, 7, NOW - timedelta(minutes=20, seconds=40))  # wrong: published, entered nowhere
        building.happens("front", "forced", NOW - timedelta(minutes=20))
        list(pipeline.catch_up(NOW - timedelta(minutes=10)))
        assert published(pipeline, "payment")["amount"].to_list() == [30, 7, 45]
        book = the_book(pipeline)
        assert book.paid == {"front": 30, "lift": 45}
        assert book.cost == {"front": 200, "lift": 100}
        assert kept(book) == kept(book_of_lake(pipeline))


def test_of_the_snapshots_the_newest_counts_and_the_last_of_each_business_day(building: Building) -> None:
    with open_pipeline(building.settings) as pipeline:
        pipeline.start_history(NOW - timedelta(minutes=30))
        for ago in (29, 28):
            list(pipeline.catch_up(NOW - timedelta(minutes=ago)))
        list(pipeline.catch_up(NOW))
        shown = published(pipeline, "exposure")
        assert shown.filter(minute=NOW - MINUTE).select("door_id", "cost", "paid").rows() == [
            ("front", 100, 30),
            ("lift", 100, 0),
        ]
        days = shown["minute"].dt.convert_time_zone("Asia/Seoul").dt.date().unique()
        assert shown["minute"].n_unique() == len(days)
