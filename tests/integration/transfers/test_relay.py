"""Relays in one process: order, failures of an event, an outage, requeueing, leases."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event as listen
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from data.transfers.book import book, change_status
from pipeline.errors import ConfigurationError
from pipeline.online.transfers.inbox import Inbox, Sent
from pipeline.online.transfers.leases import Pace
from pipeline.packs.transfers.screen import screen_json
from pipeline.store.database import connect_state
from tests.integration.transfers.relays import Bench, drain, frame, nothing_left, out_of_order, payment, until
from tests.servers import half_sent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from pipeline.online.transfers.outbox import Waiting
    from pipeline.online.transfers.relay import Relay

HOSTILE = "'; DROP TABLE transfers.event; -- \u202e<script>\\ :now %s"


class Clock:
    """The outbox's clock, which stands still but for what the test adds."""

    def __init__(self, relay: Relay) -> None:
        self.added = timedelta()
        self._began = datetime.now(UTC)
        relay.outbox.now = self.now  # type: ignore[method-assign]

    def now(self, connection: Connection) -> datetime:  # noqa: ARG002 - as an outbox is asked
        return self._began + self.added


class Refusing(Inbox):
    """Fails at some payments, as often as it is told to."""

    def __init__(self, **times: int) -> None:
        self.times = times

    def send(self, connection: Connection, events: Sequence[Waiting], not_after: datetime) -> Sent:
        failed = {}
        stuck = set()
        for event in events:
            name = event.payload["transfer_id"]
            if event.account_id not in stuck and self.times.get(name, 0) > 0:
                self.times[name] -= 1
                failed[event.event_id] = "refused"
                stuck.add(event.account_id)
        sent = super().send(connection, [e for e in events if e.account_id not in stuck], not_after)
        sent.failed |= failed
        return sent


def broken(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.ask("SELECT event_id, account_id, attempts, error FROM transfers.dead_event ORDER BY number")


def test_everything_is_delivered_once_and_each_account_in_the_order_in_which_it_paid(bench: Bench) -> None:
    bench.book(payment(number) for number in range(1_200))
    drain(bench.relay())
    assert bench.statuses() == {"sent": 1_200}
    assert sorted(bench.delivered()) == sorted(f"T{number}" for number in range(1_200))
    assert out_of_order(bench) == []


def test_a_role_that_may_only_update_the_outbox_will_do(bench: Bench) -> None:
    ids = bench.book(payment(number) for number in range(20))
    bench.break_payload(ids[0], {})
    relay = bench.relay(url=bench.outbox_url.replace("postgres:@", "minuterisk_relay@"))
    clock = Clock(relay)
    for _ in range(5):
        drain(relay)
        clock.added += timedelta(seconds=9)
    assert bench.statuses() == {"sent": 19, "dead": 1}
    bench.change("UPDATE transfers.dead_event SET requeued_at = now(), requeued_by = 'kim'")
    relay.leases._asked = float("-inf")
    relay.step()
    assert bench.ask_outbox("SELECT status FROM transfer_events WHERE event_id = %s", ids[0]) == [
        ("pending",)
    ]
    with relay.outbox.changing() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("UPDATE transfer_events SET payload = '{}'"))


def test_an_event_that_commits_later_than_its_successor_is_not_left_behind(bench: Bench) -> None:
    # Situation 1: kamu-cli#1398, Eventuous#222.
    relay = bench.relay()
    with psycopg.connect(bench.outbox_url) as first:
        (smaller,) = book(first, frame([payment(1, "A")]))
        (larger,) = bench.book([payment(2, "B")])
        assert smaller < larger
        drain(relay)
        assert bench.delivered() == ["T2"]
    drain(relay)
    assert bench.delivered() == ["T2", "T1"]


def test_two_transactions_on_one_account_are_numbered_in_the_order_of_their_commits(bench: Bench) -> None:
    # Situation 2: postgresql-event-sourcing#16. The second one has the smaller xid.
    bench.book([payment(0, "A")])
    with psycopg.connect(bench.outbox_url) as early, psycopg.connect(bench.outbox_url) as late:
        for connection in (early, late):
            connection.execute("CREATE TEMPORARY TABLE mark ON COMMIT DROP AS SELECT pg_current_xact_id()")
        book(late, frame([payment(1, "A")]))

        def second() -> None:
            book(early, frame([payment(2, "A")]))
            early.commit()

        waits = threading.Thread(target=second)
        waits.start()
        relay = bench.relay()
        drain(relay)
        late.commit()
        waits.join()
    drain(relay)
    assert bench.delivered() == ["T0", "T1", "T2"]
    assert out_of_order(bench) == []


def test_an_event_that_fails_holds_back_its_account_and_no_other(bench: Bench) -> None:
    # Situation 3: mopl-team1#266.
    relay = bench.relay(inbox=Refusing(T1=2))
    clock = Clock(relay)
    bench.book([payment(1, "A"), payment(2, "A"), payment(3, "B"), payment(4, "A")])
    drain(relay)
    assert bench.delivered() == ["T3"]
    clock.added += timedelta(seconds=2)
    drain(relay)
    bench.book([payment(5, "A"), payment(6, "B")])
    drain(relay)
    assert bench.delivered() == ["T3", "T6"]
    clock.added += timedelta(seconds=4)
    drain(relay)
    assert bench.delivered() == ["T3", "T6", "T1", "T2", "T4", "T5"]
    assert broken(bench) == []


def test_one_poison_event_is_dead_after_fourteen_seconds_and_the_others_get_through(bench: Bench) -> None:
    # Situation 4: Agendia#260. The poison stands at the head.
    ids = bench.book([payment(0, "A"), *(payment(number, f"A{number % 40}") for number in range(1, 1_001))])
    more = bench.book([payment(2_000, "A")])
    bench.break_payload(ids[0], {"transfer_id": "T0", "amount": "1.5", "note": HOSTILE})
    relay = bench.relay()
    clock = Clock(relay)
    drain(relay)
    assert bench.statuses() == {"sent": 1_000, "pending": 2}
    for seconds in Pace().retries_s:
        assert broken(bench) == []
        clock.added += timedelta(seconds=seconds, milliseconds=-500)
        drain(relay)
        assert broken(bench) == []
        clock.added += timedelta(milliseconds=600)
        drain(relay)
    ((event_id, account, attempts, error),) = broken(bench)
    assert (event_id, account, attempts) == (str(ids[0]), "A", 4)
    assert error
    drain(relay)
    assert bench.statuses() == {"sent": 1_001, "dead": 1}
    assert bench.delivered()[-1] == "T2000", more
    assert out_of_order(bench) == []


@pytest.mark.parametrize("payload", [None, [], "x", 5, [[]], {}])
def test_an_event_that_is_no_object_is_dead_like_any_other(bench: Bench, payload: Any) -> None:  # noqa: ANN401
    ids = bench.book([payment(0, "A"), payment(1, "B")])
    bench.break_payload(ids[0], payload)
    relay = bench.relay()
    clock = Clock(relay)
    drain(relay)
    for seconds in Pace().retries_s:
        clock.added += timedelta(seconds=seconds, milliseconds=100)
        drain(relay)
    assert relay.breaker.state == "closed"
    assert bench.statuses() == {"sent": 1, "dead": 1}


def test_a_dead_event_that_is_requeued_is_delivered_once(bench: Bench) -> None:
    (event_id, _) = bench.book([payment(1, "A"), payment(2, "A")])
    inbox = Refusing(T1=6)
    relay = bench.relay(inbox=inbox)
    clock = Clock(relay)
    for _ in range(5):
        drain(relay)
        clock.added += timedelta(seconds=9)
    assert [row[0] for row in broken(bench)] == [str(event_id)]
    assert bench.delivered() == ["T2"]
    for _ in range(2):  # it fails twice more, and then gets through
        bench.change("UPDATE transfers.dead_event SET requeued_at = now(), requeued_by = 'kim'")
        relay.leases._asked = float("-inf")
        for _ in range(5):
            drain(relay)
            clock.added += timedelta(seconds=9)
    assert bench.delivered() == ["T2", "T1"]
    assert bench.statuses() == {"sent": 2}
    ((delivered_at, by),) = bench.ask("SELECT delivered_at, requeued_by FROM transfers.dead_event")
    assert delivered_at
    assert by == "kim"


def test_a_destination_that_is_away_for_half_an_hour_costs_no_event_a_try(bench: Bench) -> None:
    # Situation 4: Agendia#322. The clocks go on, the database of ours does not.
    bench.book(payment(number) for number in range(100))
    relay, later = bench.relay(), 0.0
    relay._monotonic = relay.leases._monotonic = lambda: time.monotonic() + later
    drain(relay)
    bench.book(payment(number) for number in range(100, 200))
    engine = relay.leases.engine

    relay.leases.engine = connect_state("postgresql://nobody@127.0.0.1:1/nowhere")
    tries = 0
    while later < 1_800:
        before = relay.breaker._until
        relay.step()
        tries += relay.breaker._until != before
        later += 0.5
    assert relay.breaker.state == "open"
    assert tries < 1_800 / 15 + 10  # it is asked, but not hammered
    spent = "SELECT sum(attempts), count(*) FROM transfer_events WHERE status = 'pending'"
    assert bench.ask_outbox(spent) == [(0, 100)]
    relay.leases.engine = engine
    later += 15
    drain(relay)
    assert bench.statuses() == {"sent": 200}
    assert relay.breaker.state == "closed"
    assert broken(bench) == []
    assert len(bench.delivered()) == 200


def test_a_failure_inside_the_destination_is_no_failure_of_the_event(bench: Bench) -> None:
    bench.book([payment(1), payment(2)])
    bench.change("ALTER TABLE transfers.event RENAME TO elsewhere")
    relay = bench.relay()
    drain(relay)
    assert relay.breaker.state == "open"
    assert bench.ask_outbox("SELECT DISTINCT status, attempts FROM transfer_events") == [("pending", 0)]
    bench.change("ALTER TABLE transfers.elsewhere RENAME TO event")
    relay.breaker._until = 0.0
    relay.step()
    assert len(bench.delivered()) == 1  # the probe is one event
    drain(relay)
    assert len(bench.delivered()) == 2


def test_a_value_that_only_the_database_refuses_is_found_among_others(bench: Bench) -> None:
    bench.book([payment(number, f"A{number % 7}") for number in range(40)])
    bench.change("ALTER TABLE transfers.event ADD CONSTRAINT odd CHECK (amount <> 1017)")
    relay = bench.relay()
    drain(relay)
    bench.change("ALTER TABLE transfers.event DROP CONSTRAINT odd")
    late = {f"T{number}" for number in range(17, 40, 7)}  # its account, from there on
    assert set(bench.delivered()) == {f"T{number}" for number in range(40)} - late
    assert bench.ask_outbox("SELECT payload ->> 'transfer_id' FROM transfer_events WHERE attempts > 0") == [
        ("T17",)
    ]


def test_a_fault_of_ours_that_one_event_finds_holds_up_its_account_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(items: Sequence[Mapping[str, Any]], not_after: datetime) -> Any:  # noqa: ANN401 - as screen_json
        if any(item["transfer_id"] == "T17" for item in items):
            raise ZeroDivisionError
        return screen_json(items, not_after)

    monkeypatch.setattr("pipeline.online.transfers.inbox.screen_json", faulty)
    bench.book(payment(number, f"A{number % 7}") for number in range(40))
    drain(bench.relay())
    late = {f"T{number}" for number in range(17, 40, 7)}
    assert set(bench.delivered()) == {f"T{number}" for number in range(40)} - late
    assert bench.ask_outbox("SELECT error FROM transfer_events WHERE attempts > 0") == [
        ("fault of minuterisk: ZeroDivisionError",)
    ]


def test_the_same_batch_again_an_hour_later_changes_nothing(bench: Bench) -> None:
    # Situation 11: open-bank-oss#6044.
    bench.book(payment(number) for number in range(50))
    relay = bench.relay()
    drain(relay)
    before = bench.ask("SELECT event::text FROM transfers.event AS event ORDER BY number")
    bench.run_outbox("UPDATE transfer_events SET status = 'pending', done_at = NULL")
    Clock(relay).added += timedelta(hours=1)
    drain(relay)
    assert bench.ask("SELECT event::text FROM transfers.event AS event ORDER BY number") == before
    assert bench.statuses() == {"sent": 50}
    assert bench.ask("SELECT before::text, after::text FROM transfers.correction_log LIMIT 1") == []


def test_a_reversal_is_one_correction_also_when_both_are_delivered_again(bench: Bench) -> None:
    bench.book([payment(1, "A"), payment(2, "A")])
    with psycopg.connect(bench.outbox_url) as connection:
        change_status(connection, "T1", "reversed")
    relay = bench.relay()
    for _ in range(2):
        drain(relay)
        assert bench.ask("SELECT transfer_id, status FROM transfers.event ORDER BY number") == [
            ("T1", "reversed"),
            ("T2", "completed"),
        ]
        bench.run_outbox("UPDATE transfer_events SET status = 'pending', done_at = NULL")
    assert bench.ask("SELECT transfer_id, kind, origin FROM transfers.correction_log") == [
        ("T1", "correction", "relay")
    ]


def test_relays_share_the_buckets_and_whoever_ends_gives_them_back_at_once(bench: Bench) -> None:
    relays = [bench.relay(f"relay {number}") for number in range(3)]
    for _ in range(3):
        for relay in relays:
            relay.leases.beat(relay.breaker, 0)
    assert sorted(len(relay.leases.mine) for relay in relays) == [20, 22, 22]
    relays[0]._end()
    for relay in relays[1:]:
        relay.leases.beat(relay.breaker, 0)
    assert [len(relay.leases.mine) for relay in relays[1:]] == [32, 32]
    assert {*relays[1].leases.mine} | {*relays[2].leases.mine} == set(range(64))


def test_a_lease_that_ran_out_is_taken_over_with_a_new_epoch_and_the_old_one_writes_nothing(
    bench: Bench,
) -> None:
    # Situation 5: Trellis#644, in one process. The first relay sleeps inside its batch, past its lease.
    pace = Pace(0.6)
    bench.book(payment(number) for number in range(20))

    old, new = bench.relay("old", pace=pace), bench.relay("new")
    old.leases.beat(old.breaker, 0)
    hold = old.leases.hold

    def too_late(connection: Connection, buckets: Collection[int]) -> None:
        time.sleep(0.7)
        hold(connection, buckets)

    old.leases.hold = too_late  # type: ignore[method-assign]
    assert old.step() is False
    assert bench.delivered() == []
    assert bench.ask_outbox("SELECT DISTINCT status, epoch FROM transfer_events") == [("pending", None)]
    bench.change("DELETE FROM transfers.relay")  # it has said nothing for as long as a lease lasts
    drain(new)
    assert bench.statuses() == {"sent": 20}
    assert bench.ask_outbox("SELECT DISTINCT epoch FROM transfer_events") == [(2,)]
    assert bench.ask("SELECT DISTINCT owner, epoch FROM transfers.bucket_lease") == [("new", 2)]


@pytest.mark.parametrize("database", ["state", "outbox"])
def test_a_relay_that_stopped_in_the_middle_of_a_statement_holds_up_nobody_for_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setattr("pipeline.store.database.SILENT_S", 1)
    other = bench.relay("other")
    bench.book(payment(number) for number in range(50))
    url, locked = {
        "state": (bench.state_url, "SELECT 1 FROM transfers.bucket_lease FOR SHARE"),
        "outbox": (bench.outbox_url, "SELECT 1 FROM transfer_events FOR UPDATE"),
    }[database]

    def delivered() -> bool:
        other.step()
        return nothing_left(bench)

    with half_sent(url, locked):
        until(delivered, "the other one takes over")
    assert len(bench.delivered()) == 50


def test_while_people_hold_the_breaker_nothing_is_delivered(bench: Bench) -> None:
    bench.book([payment(1)])
    relay = bench.relay()
    bench.change("INSERT INTO transfers.breaker VALUES (true, now(), 'kim', 'a test')")
    drain(relay)
    assert bench.delivered() == []
    bench.change("DELETE FROM transfers.breaker")
    drain(relay)
    assert bench.delivered() == []  # it learns of it with its next sign of life
    relay.leases._asked = float("-inf")
    drain(relay)
    assert bench.delivered() == ["T1"]


def test_an_outbox_that_refuses_says_so_with_the_next_step(bench: Bench) -> None:
    relay = bench.relay()
    bench.run_outbox("ALTER TABLE transfer_events RENAME TO elsewhere")
    with pytest.raises(ConfigurationError, match="refuses a relay") as caught:
        relay.outbox.backlog()
    assert "EVENT_OUTBOX_URL" in caught.value.hint
    assert relay.step() is False  # a relay that runs waits for it to be mended
    bench.run_outbox("ALTER TABLE elsewhere RENAME TO transfer_events")
    bench.book([payment(1)])
    relay._outbox_away = 0.0
    drain(relay)
    assert bench.delivered() == ["T1"]


class Killed(BaseException):
    """The process is gone."""


def kill_at(relay: Relay, statement: int) -> list[int]:
    """Let the relay die before its n-th statement or commit; its sessions end, as a system would end them."""
    seen = [0]

    def count(connection: Any, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        seen[0] += 1
        if seen[0] == statement:
            raise Killed

    for engine in (relay.leases.engine, relay.outbox._engine):
        listen.listen(engine, "before_cursor_execute", count)
        listen.listen(engine, "commit", count)
    return seen


def test_a_kill_at_every_step_loses_nothing_and_delivers_nothing_twice(bench: Bench) -> None:
    # Situation 6: nothing is ever "being sent", so nothing is so for ever.
    steps, number = 1, 0
    while True:
        bench.book(payment(number + n, f"A{n % 3}") for n in range(6))
        number += 6
        relay = bench.relay("the same name")
        seen = kill_at(relay, steps)
        try:
            drain(relay)
        except Killed:
            relay.leases.engine.dispose()
            relay.outbox.close()
        if seen[0] < steps:
            break
        bench.change("UPDATE transfers.bucket_lease SET until = '-infinity'")  # ten seconds later
        drain(bench.relay("the same name"))
        assert bench.statuses() == {"sent": number}, steps
        steps += 1
    assert steps > 15
    assert len(bench.delivered()) == number
    assert out_of_order(bench) == []
    assert bench.ask("SELECT count(*) FROM transfers.correction_log") == [(0,)]
