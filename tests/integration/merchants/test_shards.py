"""An evening judged by one process and by several shards: the same files, ledger and incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.shards import opening
from pipeline.shards.here import Here
from tests.integration.merchants.evening import END, LATE, company, live, opened, record

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
        corrected = live(pipeline, trade)
        yield record(pipeline) | {"corrected": corrected}


def test_the_evening_has_all_that_it_is_for(alone: dict[str, Any]) -> None:
    assert {"cancel_surge", "platform_outage"} <= {row["rule"] for row in alone["incidents"]}
    assert alone["corrected"]
    assert alone["quarantine"]
    assert alone["cancel_cohort"]
    assert alone["settlement"]
    assert {"top", "tail"} == {row[3] for row in alone["signal"]}


@pytest.mark.parametrize("number", [2, 4])
def test_shards_judge_as_one_process_does(
    number: int,
    alone: dict[str, Any],
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "carrier_of", lambda _: Here())
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, tmp_path, shards=str(number)) as pipeline,
    ):
        corrected = live(pipeline, trade)
        found = record(pipeline) | {"corrected": corrected}
        files = pipeline.state.publication().files
        assert {f.slots for f in files if f.dataset == "merchant_minute" and f.span.start >= LATE} == {
            *opening.shares(number)
        }
        assert found == alone
        assert record(pipeline, compacted=True) == record(pipeline)
    assert END
