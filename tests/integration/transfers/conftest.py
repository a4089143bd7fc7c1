"""Fixtures of the tests of relays: the databases of a module, empty for each of its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.transfers.relays import Bench
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bench_of_module(postgres_url: str, migrated: str) -> Iterator[Bench]:
    """An outbox and a migrated operational database."""
    outbox, state = create_database(postgres_url, "outbox"), create_database(postgres_url, "state", migrated)
    yield Bench(url_of(postgres_url, outbox), url_of(postgres_url, state))
    drop_database(postgres_url, outbox)
    drop_database(postgres_url, state)


@pytest.fixture
def bench(bench_of_module: Bench) -> Iterator[Bench]:
    """The same, empty."""
    bench_of_module.empty()
    yield bench_of_module
    bench_of_module.close()
