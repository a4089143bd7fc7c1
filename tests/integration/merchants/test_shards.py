"""An evening judged by one process and by several shards: the same files, ledger and incidents."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from baselines.slots import shares
from pipeline.minute import MINUTE, Span
from pipeline.settings import PROJECT
from pipeline.shards import opening
from pipeline.shards.carrier import ShardLost
from pipeline.shards.here import Here
from pipeline.shards.processes import Processes
from pipeline.shards.tasks import Rebuild
from scheduler import prepare
from tests.integration.merchants.evening import BEGIN, LATE, company, live, opened, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.shards.carrier import Carrier, Message
    from tests.integration.trade_home import Trade

#: So many messages find their shard dead, and the first one of each kind does.
KILLED = 0.01
#: There are more kinds than so many.
SEVERAL = 10


@pytest.fixture(scope="module")
def alone(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What one process makes of it."""
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, tmp_path_factory.mktemp("home")) as pipeline,
    ):
        corrected = live(pipeline, trade)
        yield record(pipeline) | {"corrected": corrected}


@contextmanager
def shared(
    number: int, carrier: Carrier, postgres_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Pipeline, Trade]]:
    """So many shards over the company, its history published."""
    monkeypatch.setattr(opening, "carrier_of", lambda _: carrier)
    with (
        company(postgres_url) as trade,
        opened(trade, postgres_url, folder, shards=str(number)) as pipeline,
    ):
        yield pipeline, trade


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
    with shared(number, Here(), postgres_url, tmp_path, monkeypatch) as (pipeline, trade):
        corrected = live(pipeline, trade)
        found = record(pipeline) | {"corrected": corrected}
        files = pipeline.state.publication().files
        assert {f.slots for f in files if f.dataset == "merchant_minute" and f.span.start >= LATE} == {
            *shares(number)
        }
        assert found == alone
        assert record(pipeline, compacted=True) == record(pipeline)


@pytest.mark.parametrize("named", ["transaction_id", "transaction_id % 20"], ids=["others", "twice"])
def test_a_query_that_means_the_whole_minute_is_asked_for_it(
    named: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of all with the same remainder: a slice has its own, with another key or the same one."""
    monkeypatch.setattr(opening, "carrier_of", lambda _: Here())
    queries = shutil.copytree(
        PROJECT / "queries" / "merchants" / "extract" / "postgresql", tmp_path / "queries"
    )
    (queries / "transactions.sql").write_text(
        f"""SELECT DISTINCT ON (transaction_id % 20) {named} AS transaction_id, merchant_id,
          'APPROVAL' AS kind, amount, occurred_at
        FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2
        ORDER BY transaction_id % 20, occurred_at DESC"""
    )
    found = []
    with company(postgres_url) as trade:
        for shards in ("1", "3"):
            given = {"shards": shards, "source_queries": str(queries)}
            with opened(trade, postgres_url, tmp_path / shards, **given) as pipeline:
                list(pipeline.catch_up(BEGIN + 4 * MINUTE))
                rows = pipeline.state.minutes(Span(BEGIN, BEGIN + 4 * MINUTE))
                found.append([(row["source_rows"], row["quarantined"], row["sums"]) for row in rows])
    assert found[0] == found[1]
    assert [rows for rows, *_ in found[0][:2]] == [20, 20]  # then there is an outage


def test_a_shard_that_is_lost_before_the_first_minute_ends_no_service(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = list[int]()

    def kill(shard: int, message: Message) -> None:
        if isinstance(message.task, Rebuild) and not lost:
            lost.append(shard)
            carrier.kill(shard)

    carrier = Here(kill)
    with shared(2, carrier, postgres_url, tmp_path, monkeypatch) as (pipeline, _):
        prepare(pipeline)
        assert lost
        assert len(list(pipeline.catch_up(BEGIN + 2 * MINUTE))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])  # many more: python -m tests.simulation.shards
def test_shards_that_are_killed_change_nothing(
    seed: int, alone: dict[str, Any], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a shard is about to do: it is lost, the minute fails, and begins anew."""
    random, killed = Random(seed), Counter[str]()

    def kill(shard: int, message: Message) -> None:
        kind = type(message.task).__name__
        if kind not in killed or random.random() < KILLED:
            killed[kind] += 1
            carrier.kill(shard)

    carrier = Here(kill)
    with shared(3, carrier, postgres_url, tmp_path, monkeypatch) as (pipeline, trade):
        corrected = live(pipeline, trade, again=ShardLost)
        assert len(killed) > SEVERAL, killed
        assert record(pipeline) | {"corrected": corrected} == alone


@pytest.mark.slow
def test_processes_of_their_own_judge_the_same(
    alone: dict[str, Any], postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one of them is killed on the way: it is started again, and nothing is missing."""
    carrier = Processes()
    with shared(2, carrier, postgres_url, tmp_path, monkeypatch) as (pipeline, trade):
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
