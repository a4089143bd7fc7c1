"""A trade database for each test that names it; the operational one comes from tests/conftest.py."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.minute import MINUTE, Span
from tests.integration.quiet import SHIPPED, START, Home, failing, fill, queries
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade


@pytest.fixture
def trade(postgres_url: str) -> Iterator[Trade]:
    """An empty trade server of its own."""
    with trade_database(postgres_url) as trade:
        yield trade


@pytest.fixture
def pipeline(trade: Trade, state_url: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline over it that leads, with nothing published yet."""
    with pipeline_of(trade, state_url, tmp_path / "home") as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def home(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    asked = queries(folder / "queries")
    given = {"source_queries": str(asked)}
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        fill(trade)
        with pipeline_of(trade, state_url, folder / "data", **given) as pipeline:
            pipeline.backfill(Span(START - timedelta(hours=10), START))
            list(pipeline.catch_up(START + 3 * MINUTE))
            yield Home(pipeline, trade, asked)


@pytest.fixture
def quiet(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The same, with whole queries and no incident before and after."""
    yield home
    monkeypatch.undo()
    home.end_all()
    for name in ("at_risk", "transactions", "categories", "without_time"):
        shutil.copy(SHIPPED / f"{name}.sql", home.folder)
    home.ask((SHIPPED / "at_risk.sql").read_text())
    home.judge()
    assert failing(home.pipeline) == {}


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address may sign in as often as it likes; the test of the pace sets its own."""
    monkeypatch.setattr("app.gate.login.TRIES", 10_000)
