"""A trade database of each dialect, for the tests that run on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.trade_servers import mariadb_server, mariadb_trade, postgresql_trade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from data.merchants.trade import MerchantIdType
    from pipeline.source.asked import Source
    from tests.contract.trade_servers import Trade


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Path]:
    with mariadb_server() as socket:
        yield socket


def opened(request: pytest.FixtureRequest, merchant: MerchantIdType) -> AbstractContextManager[Trade]:
    if request.param == "postgresql":
        return postgresql_trade(request.getfixturevalue("postgres_url"), merchant)
    return mariadb_trade(request.getfixturevalue("mariadb"), merchant)


@pytest.fixture(params=["postgresql", "mariadb"])
def trade(request: pytest.FixtureRequest) -> Iterator[Trade]:
    with opened(request, "TEXT") as trade:
        yield trade


@pytest.fixture(params=["postgresql", "mariadb"])
def numbered(request: pytest.FixtureRequest) -> Iterator[Trade]:
    """Its merchants have numbers, not names."""
    with opened(request, "BIGINT") as trade:
        yield trade


@pytest.fixture
def maria(mariadb: Path) -> Iterator[Trade]:
    with mariadb_trade(mariadb, "TEXT") as trade:
        yield trade


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Trade]:
    with postgresql_trade(postgres_url, "TEXT") as trade:
        yield trade


@pytest.fixture
def source(trade: Trade) -> Iterator[Source]:
    with trade.source() as source:
        yield source
