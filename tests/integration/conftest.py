"""A trade database for each test that names it; the operational one comes from tests/conftest.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.trade_home import trade_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.trade_home import Trade


@pytest.fixture
def trade(postgres_url: str) -> Iterator[Trade]:
    """An empty trade server of its own."""
    with trade_database(postgres_url) as trade:
        yield trade
