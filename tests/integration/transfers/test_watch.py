"""Events within the second: told when they are committed, then confirmed or corrected by their minute."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.minute import MINUTE, floor_minute
from pipeline.watch.watcher import Watcher
from tests.integration.transfers.bank import bank_of, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.transfers.bank import Bank

SECOND = timedelta(seconds=1)


@pytest.fixture
def bank(postgres_url: str, state_url: str, tmp_path: Path) -> Bank:
    """A bank with a quiet account."""
    made = bank_of(postgres_url, state_url, tmp_path / "home")
    now = datetime.now(UTC)
    made.book(*(event(f"q{n}", now - n * MINUTE, "quiet") for n in range(1, 30)))
    return made


@contextmanager
def watched(bank: Bank) -> Iterator[tuple[Pipeline, Watcher]]:
    """A pipeline that has judged everything that is due, and who looks at what comes."""
    with bank.at_work() as pipeline:
        if pipeline.state.next_minute() is None:
            pipeline.start_history(floor_minute(datetime.now(UTC)) - 10 * MINUTE)
        list(pipeline.catch_up(pipeline.due_until()))
        pipeline.prepare()
        assert pipeline.pack.watch is not None
        watcher = Watcher(pipeline, pipeline.pack.watch)
        yield pipeline, watcher
        watcher.close()


def answers(bank: Bank, where: str = "TRUE") -> list[dict[str, object]]:
    query = "SELECT transfer_id, decision, why, revision, late FROM transfers.risk_log"
    return bank.ours(f"{query} WHERE {where} ORDER BY transfer_id")


def test_one_payment_and_then_silence_is_told_at_the_next_look(bank: Bank) -> None:
    with watched(bank) as (pipeline, watcher):
        assert watcher.look() is not None
        bank.ours("TRUNCATE transfers.risk_log")
        now = datetime.now(UTC)
        bank.list_value("deny", "denied", now - timedelta(days=1))
        bank.book(event("d1", now, "denied"), event("f1", now + timedelta(days=900), "future"))
        look = watcher.look()
        assert look is not None
        assert (look.opened, look.seen.counts["new"]) == (1, 1)
        assert answers(bank) == [
            {"transfer_id": "d1", "decision": "block", "why": "denied", "revision": 0, "late": False}
        ]
        assert [row["event"] for row in bank.ours("SELECT event FROM outbox")] == ["opened"]
        (incident,) = pipeline.state.unresolved().values()
        assert incident.opened_minute == floor_minute(now)
        assert bank.ours("SELECT count(*) FROM transfers.event WHERE transfer_id IN ('d1', 'f1')") == [
            {"count": 1}
        ]
        again = watcher.look()
        assert again is not None
        assert again.seen.judged.is_empty()
