"""An evening judged by one process and by several shards: the same files, ledger and incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.merchants.evening import END, LATE, come_late, company, correct, opened, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def alone(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What one process makes of it."""
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, tmp_path_factory.mktemp("home")) as pipeline,
    ):
        list(pipeline.catch_up(LATE))
        late = come_late(trade)
        corrected = correct(pipeline, late)
        list(pipeline.catch_up(END))
        yield record(pipeline) | {"corrected": corrected}


def test_the_evening_has_all_that_it_is_for(alone: dict[str, Any]) -> None:
    opened_of = {row["rule"] for row in alone["incidents"]}
    assert {"cancel_surge", "platform_outage"} <= opened_of
    assert alone["corrected"]
    assert alone["quarantine"]
    assert alone["cancel_cohort"]
    assert alone["settlement"]
    assert any(row["corrected_minute"] for row in alone["incidents"])
