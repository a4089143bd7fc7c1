"""An evening judged by one process and by several shards: the same files, ledger and incidents."""

from __future__ import annotations

import os
import signal
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from baselines.slots import shares
from pipeline.minute import MINUTE
from pipeline.shards import opening
from pipeline.shards.carrier import ShardLost
from pipeline.shards.here import Here
from pipeline.shards.processes import Processes
from tests.integration.merchants.evening import BEGIN, LATE, company, live, opened, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.shards.carrier import Message

#: So many messages find their shard dead.
KILLED = 0.01
#: And that at so many kinds of tasks at least.
SEVERAL = 3


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


@pytest.mark.parametrize("number", [4])  # two of them are processes, below
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
            *shares(number)
        }
        assert found == alone
        assert record(pipeline, compacted=True) == record(pipeline)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])  # many more: python -m tests.simulation.shards
def test_shards_that_are_killed_change_nothing(
    seed: int, alone: dict[str, Any], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a shard is about to do: it is lost, the minute fails, and begins anew."""
    random, killed = Random(seed), Counter[str]()

    def kill(shard: int, message: Message) -> None:
        if random.random() < KILLED:
            killed[type(message.task).__name__] += 1
            carrier.kill(shard)

    carrier = Here(kill)
    monkeypatch.setattr(opening, "carrier_of", lambda _: carrier)
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, tmp_path, shards="3") as pipeline,
    ):
        corrected = live(pipeline, trade, again=ShardLost)
        assert len(killed) > SEVERAL
        assert record(pipeline) | {"corrected": corrected} == alone


@pytest.mark.slow
def test_processes_of_their_own_judge_the_same(
    alone: dict[str, Any], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one of them is killed on the way: it is started again, and nothing is missing."""
    carrier = Processes()
    monkeypatch.setattr(opening, "carrier_of", lambda _: carrier)
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, tmp_path, shards="2") as pipeline,
    ):
        list(pipeline.catch_up(BEGIN + 3 * MINUTE))
        first = carrier.pids()
        os.kill(first[1], signal.SIGKILL)
        with pytest.raises(ShardLost):
            list(pipeline.catch_up(BEGIN + 4 * MINUTE))
        corrected = live(pipeline, trade)
        second = carrier.pids()
        assert second[0] == first[0]
        assert second[1] != first[1]
        assert record(pipeline) | {"corrected": corrected} == alone
    assert not carrier.pids()
