"""Events within the second: told when they are committed, then confirmed or corrected by their minute."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.online.transfers.intake import RELAY, take
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.watch.watcher import Watcher
from scheduler import open_service, run_service
from tests.integration.transfers.bank import NOW, bank_of, event, frame
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.watch.watcher import Look
    from tests.integration.transfers.bank import Bank

SECOND = timedelta(seconds=1)


@pytest.fixture
def bank(postgres_url: str, state_url: str, tmp_path: Path) -> Bank:
    """A bank with a quiet account."""
    made = bank_of(postgres_url, state_url, tmp_path / "home")
    now = datetime.now(UTC)
    made.book(*(event(f"q{n}", now - n * MINUTE, "quiet") for n in range(4, 30)))
    return made


@contextmanager
def watched(bank: Bank, open_since: datetime, **more: str) -> Iterator[tuple[Pipeline, Watcher]]:
    """A pipeline that has judged every minute before `open_since`, and who looks at what comes."""
    with bank.at_work(**more) as pipeline:
        if pipeline.state.next_minute() is None:
            first = open_since - 5 * MINUTE  # a short history will do
            pipeline.backfill(Span(first, first + MINUTE))
        list(pipeline.catch_up(open_since))
        pipeline.prepare()
        assert pipeline.pack.watch is not None
        watcher = Watcher(pipeline, pipeline.pack.watch)
        try:
            yield pipeline, watcher
        finally:
            watcher.close()


def looked(watcher: Watcher) -> Look:
    look = watcher.look()
    assert look is not None
    return look


def log_of(bank: Bank, account: str) -> dict[str, tuple[Any, ...]]:
    """What was decided on the payments of an account."""
    query = "SELECT transfer_id, decision, revision, late, confirmed_at IS NOT NULL AS confirmed"
    rows = bank.ours(f"{query} FROM transfers.risk_log WHERE account_id = %s ORDER BY transfer_id", account)
    return {row.pop("transfer_id"): tuple(row.values()) for row in rows}


def hits_of(bank: Bank, rule: str) -> dict[str, tuple[Any, ...]]:
    """The hits of a rule."""
    query = "SELECT transfer_id, revision, late, corrected_by FROM transfers.risk_rule_hit"
    rows = bank.ours(f"{query} WHERE rule = %s ORDER BY transfer_id", rule)
    return {row.pop("transfer_id"): tuple(row.values()) for row in rows}


def outbox(bank: Bank) -> list[str]:
    return [row["event"] for row in bank.ours("SELECT event FROM outbox ORDER BY outbox_id")]


def test_one_payment_and_then_silence_is_told_at_the_next_look(bank: Bank) -> None:
    now = datetime.now(UTC)
    with watched(bank, floor_minute(now)) as (pipeline, watcher):
        assert looked(watcher).opened == 0
        assert bank.ours("SELECT looked_at FROM transfers.watch")
        bank.list_value("deny", "denied", now - timedelta(days=1))
        bank.book(event("d1", now, "denied"), event("f1", now + timedelta(days=900), "future"))
        look = looked(watcher)
        assert (look.opened, look.seen.counts["new"]) == (1, 1)
        assert log_of(bank, "denied") == {"d1": ("block", 0, False, False)}
        assert outbox(bank) == ["opened"]
        (incident,) = pipeline.state.unresolved().values()
        assert (incident.rule, incident.opened_minute) == ("blocked", floor_minute(now))
        assert bank.ours("SELECT transfer_id FROM transfers.event WHERE transfer_id = 'f1'") == []
        assert looked(watcher).seen.judged.is_empty()
        bank.book(event("d2", now - 1 * SECOND, "late"))  # the one of 2902 has moved no frontier
        assert looked(watcher).seen.counts["late"] == 1


def test_a_late_payment_revises_what_it_alters_and_a_reversal_takes_it_back(bank: Bank) -> None:
    start = floor_minute(datetime.now(UTC)) - 3 * MINUTE
    at = start + 30 * SECOND
    with watched(bank, start) as (pipeline, watcher):
        looked(watcher)
        bank.book(*(event(f"c{n}", at + n * SECOND, "rapid", kind="card") for n in range(6) if n != 1))
        bank.book(event("front", at + 61 * SECOND, "other"))
        assert looked(watcher).seen.counts["new"] == 6
        assert hits_of(bank, "HIGH_FREQUENCY") == {}
        bank.book(event("c1", at + SECOND, "rapid", kind="card"))  # exactly a minute behind the newest
        look = looked(watcher)
        assert (look.seen.counts["late"], look.seen.counts["again"], look.opened) == (1, 4, 1)
        assert hits_of(bank, "HIGH_FREQUENCY") == {"c5": (0, True, None)}
        assert log_of(bank, "rapid")["c5"] == ("review", 1, False, False)
        assert log_of(bank, "rapid")["c1"] == ("allow", 0, True, False)
        bank.book(event("c_old", at + SECOND - timedelta(milliseconds=1), "rapid", kind="card"))
        assert looked(watcher).seen.counts["left"] == 1

        with psycopg.connect(bank.url, autocommit=True) as connection:  # the same again is nothing
            connection.execute("UPDATE transfer SET updated_at = now() WHERE account_id = 'rapid'")
        assert looked(watcher).seen.judged.is_empty()

        list(pipeline.catch_up(start + MINUTE))  # the older one as well: its minute had not closed
        assert set(hits_of(bank, "HIGH_FREQUENCY")) == {"c4", "c5"}
        assert log_of(bank, "rapid")["c5"] == ("review", 1, False, True)
        assert looked(watcher).seen.judged.is_empty()
        bank.book(event("c_left", at, "rapid", kind="card"))  # older than that, and its minute has closed
        assert looked(watcher).seen.counts["left"] == 1
        assert Corrector(pipeline).poll() == [start]
        assert set(hits_of(bank, "HIGH_FREQUENCY")) == {"c3", "c4", "c5"}
        assert hits_of(bank, "HIGH_FREQUENCY")["c3"] == (0, True, None)
        assert log_of(bank, "rapid")["c3"] == ("review", 1, False, True)
        bank.change("c_left", "declined")
        bank.change("c0", "reversed")
        bank.change("c1", "reversed")
        assert looked(watcher).seen.counts["changed"] == 3
        assert {v[2] for v in hits_of(bank, "HIGH_FREQUENCY").values()} <= {"c_left", "c0", "c1"}
        assert {k: v[0] for k, v in log_of(bank, "rapid").items() if v[0] != "allow"} == {}
        assert Corrector(pipeline).poll() == [start]
        assert {v[2] for v in hits_of(bank, "HIGH_FREQUENCY").values()} <= {"c_left", "c0", "c1"}
        (incident,) = pipeline.state.incidents_between(start, start + 3 * MINUTE)
        assert incident["corrected_minute"] is not None
        assert outbox(bank) == ["opened", "corrected"]


def test_a_restart_knows_the_frontier_and_tells_nothing_twice(bank: Bank) -> None:
    start = floor_minute(datetime.now(UTC)) - 2 * MINUTE
    bank.book(*(event(f"t{n}", start + n * SECOND, "rapid", amount=2_000_000) for n in range(3)))
    with watched(bank, start) as (_, watcher):
        assert looked(watcher).opened == 1
    before = bank.ours("SELECT transfer_id, judged_at FROM transfers.risk_log ORDER BY 1")
    with watched(bank, start) as (pipeline, watcher):
        assert looked(watcher).seen.judged.is_empty()
        assert bank.ours("SELECT transfer_id, judged_at FROM transfers.risk_log ORDER BY 1") == before
        assert outbox(bank) == ["opened"]
        bank.book(event("t_late", start + timedelta(milliseconds=1500), "rapid", amount=2_000_000))
        assert looked(watcher).seen.counts["late"] == 1
        list(pipeline.catch_up(start + MINUTE))
        assert log_of(bank, "rapid")["t_late"] == ("review", 0, True, True)
        assert outbox(bank) == ["opened"]
        (incident,) = pipeline.state.unresolved().values()
        assert incident.reason["events"] == 4


def test_what_was_told_and_is_not_there_when_its_minute_closes_is_taken_back(bank: Bank) -> None:
    start = floor_minute(datetime.now(UTC)) - 2 * MINUTE
    with watched(bank, start) as (pipeline, watcher):
        looked(watcher)
        bank.book(
            event("gone", start, "rapid", amount=2_000_000), event("stays", start, "other", country="US")
        )
        assert looked(watcher).opened == 2
        with psycopg.connect(bank.url, autocommit=True) as connection:
            connection.execute("DELETE FROM transfer WHERE transfer_id = 'gone'")
        list(pipeline.catch_up(start + MINUTE))
        assert log_of(bank, "rapid") == {"gone": ("allow", 1, False, True)}
        assert log_of(bank, "other") == {"stays": ("review", 0, False, True)}
        assert hits_of(bank, "HIGH_VALUE") == {"gone": (0, False, "minute")}
        assert hits_of(bank, "FOREIGN_COUNTRY") == {"stays": (0, False, None)}
        assert outbox(bank) == ["opened", "opened", "corrected"]


def test_what_relays_bring_is_judged_as_what_is_read(bank: Bank) -> None:
    start = floor_minute(datetime.now(UTC)) - 2 * MINUTE
    with watched(bank, start, transfers_intake="inbox") as (pipeline, watcher):
        assert looked(watcher).rows == 0
        given = frame(*(event(f"c{n}", start + n * SECOND, "rapid", kind="card") for n in range(6)))
        with pipeline.state.changing() as connection:
            take(connection, given, RELAY)
        assert looked(watcher).opened == 1
        assert hits_of(bank, "HIGH_FREQUENCY") == {"c5": (0, False, None)}
        with pipeline.state.changing() as connection:
            reversed_one = take(connection, given[2:3].with_columns(status=pl.lit("reversed")), RELAY)
        assert reversed_one.corrected == ("c2",)
        assert looked(watcher).seen.counts["changed"] == 1
        assert hits_of(bank, "HIGH_FREQUENCY") == {"c5": (0, False, "c2")}
        list(pipeline.catch_up(start + MINUTE))
        assert log_of(bank, "rapid")["c5"] == ("allow", 1, False, False)
        assert not find_faults(pipeline, pipeline.source, Span(start, start + MINUTE)).any


def test_a_running_service_tells_of_a_payment_within_seconds(bank: Bank) -> None:
    now = datetime.now(UTC)
    with bank.at_work() as pipeline:
        first = floor_minute(now) - 2 * MINUTE
        pipeline.backfill(Span(first, first + MINUTE))
        stopped, metrics = Event(), Metrics("transfers")
        service = open_service(pipeline, metrics, stopped)
        running = Thread(target=run_service, args=(service,))
        running.start()
        try:
            wait_until(lambda: metrics.of("transfers").look._sum.get() > 0)
            bank.list_value("deny", "denied", now - timedelta(days=1))
            time.sleep(1)
            booked = datetime.now(UTC)
            bank.book(event("d1", booked, "denied"))
            wait_until(lambda: log_of(bank, "denied") != {})
            assert log_of(bank, "denied")["d1"][0] == "block"
            (judged,) = bank.ours("SELECT judged_at FROM transfers.risk_log WHERE transfer_id = 'd1'")
            assert judged["judged_at"] - booked < timedelta(seconds=PATIENCE_S)
            wait_until(lambda: [row["status"] for row in bank.ours("SELECT status FROM outbox")] == ["sent"])
        finally:
            stopped.set()
            running.join()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_fresh_installation_can_read_what_is_brought(bank: Bank, fresh_database: str) -> None:
    with bank.at_work(transfers_intake="inbox", state_url=fresh_database) as pipeline:
        assert pipeline.source.totals(Span(NOW, NOW + MINUTE)).is_empty()
