"""What people and operators do with relays: the command line, acts on dead events, corrections, alarms."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.alarms import Alarms
from pipeline.cli import main
from pipeline.desk.roles import OPS_AGENT, RISK_ANALYST, SUPER_ADMIN
from pipeline.errors import NotAllowed, UsageError
from pipeline.online.transfers.beside import look_at_ways_in
from pipeline.online.transfers.intake import HTTP, RELAY, Taken, take
from pipeline.online.transfers.watchman import Watchman
from pipeline.store.database import connect_state
from pipeline.store.state import State
from tests.integration.transfers.relays import Bench, drain, frame, payment, until
from tests.people import add_people, do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

DEAD = """
INSERT INTO transfers.dead_event (event_id, account_id, payload, error, attempts)
VALUES ('7', 'A1', '{"transfer_id": "T7"}', 'amount_fraction: amount', 4)
"""


@pytest.fixture
def engine(bench: Bench) -> Iterator[Engine]:
    found = connect_state(bench.state_url)
    yield found
    found.dispose()


@pytest.fixture
def state(bench: Bench, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> State:
    quick_passwords(monkeypatch)
    return State(engine, bench.state_url, "transfers", "KRW")


@pytest.fixture
def installation(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:  # noqa: ANN401
    """Commands of this test speak to the bench."""
    monkeypatch.setenv("MINUTERISK_HOME", str(tmp_path / "home"))
    for name, url in (
        ("STATE_URL", bench.state_url),
        ("SOURCE_URL", bench.outbox_url),
        ("TRANSFERS_SOURCE_URL", bench.outbox_url),
        ("TRANSFERS_EVENT_OUTBOX_URL", bench.outbox_url),
    ):
        monkeypatch.setenv(f"MINUTERISK_{name}", url)


def said(capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - JSON
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_correction_of_a_person_may_also_take_a_reversal_back(
    bench: Bench, state: State, engine: Engine
) -> None:
    with engine.begin() as connection:
        take(connection, frame([payment(1)]), RELAY)
    before = bench.ask("SELECT written FROM transfers.event")
    do(state, "correct_event", "T1", status="reversed", reason="case 7")
    assert bench.ask("SELECT written FROM transfers.event") != before  # whoever follows sees it
    do(state, "correct_event", "T1", status="completed", reason="case 7 was none")
    with pytest.raises(UsageError, match="is completed already"):
        do(state, "correct_event", "T1", status="completed", reason="once more")
    with pytest.raises(UsageError, match="there is no transfer T2"):
        do(state, "correct_event", "T2", status="reversed", reason="case 8")
    assert bench.ask(
        "SELECT kind, before ->> 'status', after ->> 'status', origin FROM transfers.correction_log"
    ) == [
        ("correction", "completed", "reversed", "desk"),
        ("correction", "reversed", "completed", "desk"),
    ]


def test_the_breaker_is_opened_once_and_closed_once(bench: Bench, state: State) -> None:
    do(state, "open_breaker", reason="their outbox is being moved")
    with pytest.raises(UsageError, match="held open already, since"):
        do(state, "open_breaker", reason="again")
    assert do(state, "close_breaker") == {"held": False}
    with pytest.raises(UsageError, match="nobody holds"):
        do(state, "close_breaker")


def test_the_command_line_shows_and_requeues_what_died(
    bench: Bench, installation: None, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.change(DEAD)
    assert main(["dead", "list"]) == 0
    assert "amount_fraction: amount" in capsys.readouterr().out
    assert main(["dead", "show", "1", "--json"]) == 0
    assert said(capsys)["payload"] == {"transfer_id": "T7"}
    assert main(["dead", "requeue", "1", "--reason", "mended", "--json"]) == 0
    assert said(capsys)["event_id"] == "7"
    assert main(["dead", "show", "2"]) == 2
    assert main(["breaker", "open", "--reason", "moving"]) == 0
    assert main(["breaker"]) == 0
    assert "moving" in capsys.readouterr().out
    assert main(["breaker", "close"]) == 0


def test_a_relay_of_the_command_line_delivers_shows_itself_and_is_healthy(
    bench: Bench, installation: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.book(payment(number) for number in range(20))
    assert main(["relay", "--name", "one", "--health"]) == 3
    stopped = threading.Event()
    monkeypatch.setattr("pipeline.commands.transfers.relay.Event", lambda: stopped)
    monkeypatch.setattr("pipeline.commands.transfers.relay.stop_on_signals", lambda _: None)
    running = threading.Thread(target=main, args=(["relay", "--name", "one"],), daemon=True)
    running.start()
    try:
        until(lambda: bench.statuses() == {"sent": 20}, "all is delivered")
        assert main(["relay", "--name", "one", "--health"]) == 0
        assert main(["relay", "--name", "another", "--health"]) == 3
        capsys.readouterr()
        assert main(["relay", "--show", "--json"]) == 0
        shown = said(capsys)
        assert [(row["buckets"], row["breaker"]) for row in shown["relays"]] == [(64, "closed")]
        assert shown["backlog"]["pending"] == 0
    finally:
        stopped.set()
        running.join(30)
    assert bench.ask("SELECT owner FROM transfers.relay") == []  # it gave everything back
    assert bench.ask("SELECT DISTINCT owner FROM transfers.bucket_lease") == [(None,)]


def test_a_relay_without_an_outbox_says_what_to_set(
    bench: Bench, installation: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL")
    assert main(["relay"]) == 2
    assert "MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL" in capsys.readouterr().err


def test_operators_hear_of_dead_events_conflicts_and_an_outbox_that_stands_still(
    bench: Bench, engine: Engine
) -> None:
    relay = bench.relay()
    watchman = Watchman(
        engine, bench.state_url, Alarms(engine, bench.state_url, "transfers"), relay.outbox, time.monotonic
    )
    opened = "SELECT name, what FROM alarm WHERE pack = 'transfers' AND ended_at IS NULL ORDER BY name"
    watchman.look()
    assert bench.ask(opened) == []
    bench.change(DEAD)
    bench.book([payment(1), payment(2)])
    bench.run_outbox("UPDATE transfer_events SET created_at = created_at - interval '2 minutes'")
    with engine.begin() as connection:
        take(connection, frame([payment(1, amount=5)]), HTTP)
        take(connection, frame([payment(1, amount=6)]), HTTP)
    watchman._due = 0.0
    watchman.look()
    names, texts = zip(*bench.ask(opened), strict=True)
    assert names == ("events.conflict", "events.dead", "events.waiting")
    assert "1 events of 1 accounts" in texts[1]
    drain(relay)
    bench.change("UPDATE transfers.dead_event SET delivered_at = now()")
    bench.change("TRUNCATE transfers.correction_log")
    watchman._due = 0.0
    watchman.look()
    assert bench.ask(opened) == []


def test_the_leader_says_that_events_wait_where_no_relay_runs(bench: Bench, engine: Engine) -> None:
    bench.book([payment(1)])
    bench.run_outbox("UPDATE transfer_events SET created_at = created_at - interval '2 minutes'")
    alarms = Alarms(engine, bench.state_url, "transfers")
    settings = SimpleNamespace(event_outbox_url=bench.outbox_url, event_outbox_queries=None)
    state = SimpleNamespace(engine=engine, url=bench.state_url)
    pipeline: Any = SimpleNamespace(settings=settings, state=state, alarms=alarms)
    look_at_ways_in(pipeline)
    assert alarms.counts()["events.waiting"] == 1
    drain(bench.relay())
    look_at_ways_in(pipeline)
    assert alarms.counts()["events.waiting"] == 0


def test_the_same_event_by_every_way_is_one(engine: Engine, bench: Bench) -> None:
    rows = frame([payment(1), payment(2, user_id="U2"), payment(3, lat_e6=37_566_535, lon_e6=126_977_969)])
    with engine.begin() as connection:
        assert take(connection, rows, "source") == Taken(new=("T1", "T2", "T3"))
        for origin in (RELAY, HTTP, "source"):
            assert take(connection, rows, origin) == Taken(equal=("T1", "T2", "T3"))
        named = frame([payment(1, user_id=payment(1)["account_id"])])
        assert take(connection, named, HTTP) == Taken(equal=("T1",))  # the account where nobody said
    assert bench.ask("SELECT count(*) FROM transfers.correction_log") == [(0,)]


def test_an_older_message_takes_no_reversal_back_but_a_row_of_the_source_does(
    engine: Engine, bench: Bench
) -> None:
    paid, back = frame([payment(1)]), frame([payment(1, status="reversed")])
    with engine.begin() as connection:
        take(connection, paid, RELAY)
        assert take(connection, back, RELAY).corrected == ("T1",)
        assert take(connection, paid, RELAY).equal == ("T1",)
        assert take(connection, paid, "source").corrected == ("T1",)
    assert bench.ask("SELECT status FROM transfers.event") == [("completed",)]


def test_a_conflict_changes_nothing_and_is_logged_once(engine: Engine, bench: Bench) -> None:
    other = frame([payment(1, amount=7, status="reversed")])
    with engine.begin() as connection:
        take(connection, frame([payment(1)]), RELAY)
        for _ in range(3):
            assert take(connection, other, HTTP).conflicts == ("T1",)
    assert bench.ask("SELECT amount, status FROM transfers.event") == [(1_001, "completed")]
    assert bench.ask("SELECT kind, after ->> 'amount' FROM transfers.correction_log") == [("conflict", "7")]


def test_several_words_on_one_payment_in_one_batch_are_taken_in_their_order(
    engine: Engine, bench: Bench
) -> None:
    rows = [payment(1), payment(1, status="declined"), payment(2), payment(1, amount=9), payment(2)]
    with engine.begin() as connection:
        taken = take(connection, frame(rows), "desk")
    assert taken == Taken(new=("T1", "T2"), equal=("T2",), corrected=("T1",), conflicts=("T1",))


def test_two_who_take_the_same_at_once_write_it_once(engine: Engine, bench: Bench) -> None:
    rows, found = frame(payment(number) for number in range(200)), []

    def both() -> None:
        with engine.begin() as connection:
            found.append(take(connection, rows, HTTP))

    threads = [threading.Thread(target=both) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(taken.new) for taken in found) == [0, 0, 0, 200]
    assert sum(len(taken.equal) for taken in found) == 600
    assert bench.ask("SELECT count(*) FROM transfers.event") == [(200,)]


# The last one: from here on there are accounts.
def test_a_dead_event_is_requeued_once_and_by_whom_it_is_allowed_to(bench: Bench, state: State) -> None:
    people = add_people(state, {"ann": SUPER_ADMIN, "ops": OPS_AGENT, "ray": RISK_ANALYST})
    bench.change(DEAD)
    with pytest.raises(NotAllowed):
        do(state, "requeue_dead_event", 1, actor=people["ray"])
    answer = do(state, "requeue_dead_event", 1, actor=people["ops"], reason="mended")
    assert answer == {"number": 1, "event_id": "7", "account_id": "A1"}
    with pytest.raises(UsageError, match="waits for its next try already"):
        do(state, "requeue_dead_event", 1, actor=people["ops"])
    bench.change("UPDATE transfers.dead_event SET delivered_at = now()")
    with pytest.raises(UsageError, match="got through already"):
        do(state, "requeue_dead_event", 1, actor=people["ops"])
    with pytest.raises(UsageError, match="there is no dead event 9"):
        do(state, "requeue_dead_event", 9, actor=people["ops"])
    kept = "SELECT outcome FROM audit WHERE actor IN ('ray', 'ops') ORDER BY number"
    assert bench.ask(kept) == [
        ("refused",),
        ("done",),
        *[("refused",)] * 3,
    ]
