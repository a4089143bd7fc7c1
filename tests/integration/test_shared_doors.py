"""A small pack that is shared out: two shards publish and tell what one process does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import Fault
from pipeline.minute import MINUTE, Span
from pipeline.packs import PACKS
from pipeline.shards import opening
from pipeline.shards.here import Here
from scheduler import open_pipeline
from tests.doors import shared
from tests.integration.test_toy_pack import NOW, Building, building
from tests.integration.trade_home import state_database

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.catch_up import Pipeline

__all__ = ["building"]
SECONDS_20 = timedelta(seconds=20)


@pytest.fixture(autouse=True)
def of_two_shards(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKS, "doors", "tests.doors.shared")
    monkeypatch.setattr(opening, "carrier_of", lambda _: Here())
    for number, door in enumerate(["front", "back", "lift", "front", "front", "front", "front"]):
        building.happens(door, "forced", NOW - (number + 2) * SECONDS_20)


def record(pipeline: Pipeline) -> dict[str, Any]:
    """All that it published and opened."""
    list(pipeline.catch_up(NOW))
    files, span = pipeline.state.publication().files, Span(NOW - timedelta(hours=3), NOW + MINUTE)
    found = {name: pipeline.lake.read(files, name, span).rows() for name in ("door_minute", "signal")}
    opened = pipeline.state.incidents_between(NOW - timedelta(hours=1), NOW + MINUTE)
    return {**found, "incidents": [(row["rule"], row["entity_id"], row["reason"]) for row in opened]}


def test_a_rule_of_everybody_is_judged_by_sums_of_all_shards(
    building: Building,
    postgres_url: str,
    tmp_path: Path,
) -> None:
    found = {}
    for shards in ("1", "2"):
        with state_database(postgres_url) as state_url:
            settings = building.settings(home=str(tmp_path / shards), state_url=state_url, shards=shards)
            with open_pipeline(settings) as pipeline:
                pipeline.start_history(NOW - 4 * MINUTE)
                found[shards] = record(pipeline)
    assert found["1"] == found["2"]
    assert {(rule, door) for rule, door, _ in found["1"]["incidents"]} == {
        ("forced_entry", "front"),
        ("raid", "*"),
    }


def test_sums_that_cannot_be_sent_are_named_and_no_lost_shard(
    building: Building,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = replace(shared.TOGETHER, sums=lambda *_: lambda: 1)
    monkeypatch.setattr(shared, "PACK", replace(shared.PACK, together=together))
    with open_pipeline(building.settings(shards="2")) as pipeline:
        pipeline.start_history(NOW - 4 * MINUTE)
        with pytest.raises(Fault, match="pickle"):
            list(pipeline.catch_up(NOW))
