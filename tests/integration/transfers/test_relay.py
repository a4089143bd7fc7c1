from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.transfers.relays import Bench, drain, in_order, payment

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench(fresh_database: str, state_url: str) -> Iterator[Bench]:
    found = Bench(fresh_database, state_url)
    yield found
    found.close()


def test_all(bench):
    import time

    bench.book(payment(i) for i in range(3000))
    r = bench.relay()
    t = time.perf_counter()
    drain(r)
    print("s", time.perf_counter() - t)
    assert bench.statuses() == {"sent": 3000}
    assert in_order(bench) == []
    assert bench.delivered() == [f"T{i}" for i in range(3000)]
