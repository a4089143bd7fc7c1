"""Relays that are killed, stopped past their leases, and fail at events: nothing is lost or out of order."""

from __future__ import annotations

import signal
import threading
import time
from random import Random
from typing import TYPE_CHECKING

import psycopg
import pytest

from data.transfers.book import book
from tests.integration.transfers.relays import Bench, Crew, frame, nothing_left, out_of_order, payment, until

if TYPE_CHECKING:
    from collections.abc import Iterator


LEASE_S = 3.0
#: Every change of a row of the outbox, in its order.
WATCHED = """
CREATE TABLE IF NOT EXISTS changed (
    number bigint GENERATED ALWAYS AS IDENTITY, event_id bigint, bucket int, epoch bigint
);
TRUNCATE changed;
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changed (event_id, bucket, epoch) VALUES (NEW.event_id, NEW.bucket, NEW.epoch);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER note AFTER UPDATE ON transfer_events FOR EACH ROW EXECUTE FUNCTION note();
"""
HELD_BY_ONE = "SELECT bucket, epoch FROM transfers.bucket_lease WHERE starts_with(owner, 'one-')"
EARLIER_EPOCHS = """
SELECT count(*) FROM (
    SELECT epoch, max(epoch) OVER (PARTITION BY bucket ORDER BY number ROWS UNBOUNDED PRECEDING) AS newest
    FROM changed
) AS seen WHERE epoch < newest
"""


@pytest.fixture(scope="module")
def crew(bench_of_module: Bench) -> Iterator[Crew]:
    """Two relays at work; what a test ends it starts again."""
    bench_of_module.empty()
    with Crew(bench_of_module, LEASE_S).at_work_together("one", "two") as found:
        yield found


@pytest.fixture
def relays(bench: Bench, crew: Crew) -> Crew:
    """The same, with an empty outbox, whose changes are noted from now on."""
    bench.run_outbox(WATCHED)
    until(lambda: crew.at_work() == len(crew.running), "all relays hold leases")
    return crew


def write(bench: Bench, first: int, count: int, accounts: int, stopped: threading.Event) -> None:
    """Book payments of random accounts, a few at a time, with pauses inside transactions."""
    chance = Random(first)
    with psycopg.connect(bench.outbox_url) as connection:
        number = first
        while number < first + count and not stopped.is_set():
            size = chance.randrange(1, 12)
            rows = [payment(number + n, f"A{chance.randrange(accounts)}") for n in range(size)]
            book(connection, frame(rows))
            time.sleep(chance.random() * 0.02)
            connection.commit()
            number += size


def require_whole(bench: Bench) -> None:
    """All of it once, in order, and no row changed by an older lease."""
    booked = {row[0] for row in bench.ask_outbox("SELECT transfer_id FROM transfer")}
    assert {*bench.delivered()} == booked
    assert bench.statuses() == {"sent": len(booked)}
    assert out_of_order(bench) == []
    assert bench.ask_outbox(EARLIER_EPOCHS) == [(0,)]
    assert bench.ask("SELECT count(*) FROM transfers.correction_log") == [(0,)]


@pytest.mark.slow
def test_a_relay_that_was_stopped_past_its_lease_changes_no_row_when_it_wakes_up(
    bench: Bench, relays: Crew
) -> None:
    # Situation 5: Trellis#644.
    bench.book(payment(number, f"A{number % 97}") for number in range(1_000))
    until(lambda: bench.statuses().get("sent", 0) > 0, "the first batches are delivered")
    relays.signal("one", signal.SIGSTOP)  # it sends most of the time
    assert bench.statuses()["sent"] < 1_000
    held = bench.ask(HELD_BY_ONE)
    assert held
    until(lambda: not bench.ask(HELD_BY_ONE), "the other one takes over")
    until(lambda: nothing_left(bench), "the other one delivers")
    epochs = dict(bench.ask("SELECT bucket, epoch FROM transfers.bucket_lease"))
    assert all(epochs[bucket] > epoch for bucket, epoch in held)
    ((newest,),) = bench.ask_outbox("SELECT max(number) FROM changed")
    relays.signal("one", signal.SIGCONT)
    until(lambda: relays.at_work() == 2, "the one that was stopped leases again")
    assert bench.ask_outbox("SELECT max(number) FROM changed") == [(newest,)]
    require_whole(bench)


@pytest.mark.slow
def test_a_relay_that_was_killed_is_replaced_under_the_same_name(bench: Bench, relays: Crew) -> None:
    # Situation 6: procrastinate#307, #1408.
    bench.book(payment(number, f"A{number % 97}") for number in range(400))
    until(lambda: bench.statuses().get("sent", 0) > 0, "the first batches are delivered")
    relays.kill("one")
    relays.start("one")
    until(lambda: nothing_left(bench), "all events are delivered")
    require_whole(bench)


@pytest.mark.slow
def test_kills_stops_and_failures_lose_nothing_and_change_no_order(bench: Bench, relays: Crew) -> None:
    stopped = threading.Event()
    writers = [threading.Thread(target=write, args=(bench, first, 700, 60, stopped)) for first in (0, 10_000)]
    for writer in writers:
        writer.start()
    relays.start("three")
    time.sleep(0.5)
    relays.kill("two")
    relays.start("two")
    relays.signal("one", signal.SIGSTOP)
    time.sleep(LEASE_S * 1.2)
    relays.signal("one", signal.SIGCONT)
    relays.kill("three")
    for writer in writers:
        writer.join()
    until(lambda: nothing_left(bench), "all events are delivered")
    require_whole(bench)
    ((failures,),) = bench.ask_outbox("SELECT count(*) FROM transfer_events WHERE attempts > 0")
    assert failures > 0
