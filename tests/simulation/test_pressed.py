"""Buttons, API and commands while every process is killed: no press lost, none done twice, all told once.

Small in every run; `MINUTERISK_TEST_PRESSED=300 pytest tests/simulation/test_pressed.py -s` is the whole.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from data import slack_socket
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.store import audit
from pipeline.store.database import connect_state
from pipeline.store.migrate import migrate
from pipeline.talk.envelope import press_of
from tests.integration.crowd import Crowd, assert_each_message_was_told_once
from tests.integration.delivery import CHANNEL, TOKEN
from tests.integration.talking import APP_TOKEN, Talking, talking, wait_for
from tests.simulation.checks import published, source_counts
from tests.simulation.pressed import ApiCaller, Caller, CommandCaller, Installation, add_callers
from tests.simulation.world import START, world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Engine

    from tests.simulation.world import Server, World

INCIDENTS = int(os.environ.get("MINUTERISK_TEST_PRESSED", "8"))
KILLED = ("run", "dashboard", "run", "database")  # in turn
KILLS = max(len(KILLED), INCIDENTS // 25)
PRESSES, API_CALLS, COMMANDS = 2 * INCIDENTS, INCIDENTS, max(2, INCIDENTS // 20)
#: Seconds of the source in one of ours: a minute closes every four seconds while incidents open, then once a
#: minute, so that none is over by itself before it was pressed.
RATE, SLOW = 15.0, 1.0
AT_ONCE = 15  # opened in one minute
FAULTS: dict[str, Any] = {"fault_rate": 0.3, "read_fault_rate": 0.3}
SETTLED_S = 240.0


@pytest.fixture
def made(server: Server) -> Iterator[World]:
    with world(server.url, START, 0.0) as found:
        yield found


@pytest.fixture
def engine(made: World) -> Iterator[Engine]:
    found = connect_state(made.state_url)
    try:
        migrate(found, made.state_url)
        yield found
    finally:
        found.dispose()


@pytest.mark.slow
@pytest.mark.timeout(600 + 10 * INCIDENTS)
def test_no_press_is_lost_or_done_twice_whatever_is_killed(
    made: World, server: Server, engine: Engine
) -> None:
    seed = int(os.environ.get("MINUTERISK_TEST_SEED", "1"))
    with talking(engine, made.state_url, seed=seed, **FAULTS) as here:
        here.standin.envelope_fault_rate = 0.3
        here.standin.sockets.patience_s = slack_socket.PATIENCE_S
        installation = Installation(made, server, _slack(here), Random(seed))
        callers: list[Caller] = [
            ApiCaller(made, seed, API_CALLS, add_callers(here.state), lambda: installation.address),
            CommandCaller(made, seed, COMMANDS),
        ]
        _begin(made, installation)
        crowd = Crowd(here.standin, seed)
        for part in callers:
            part.start()
        _act(here, installation, crowd, callers)
        _settle(here, installation, crowd, callers)
        _say(seed, here, installation, crowd, callers)
        assert [fault for caller in callers for fault in caller.faults] == []
        assert len(here.rows("SELECT 1 FROM outbox WHERE event = 'opened'")) == INCIDENTS
        assert_each_message_was_told_once(here)
        _assert_no_press_is_lost(here, crowd)
        _assert_each_act_is_done_and_audited_once(here)
        for caller in callers:
            _assert_each_call_has_its_effect(here, caller)
        with here.state.reading() as connection:
            assert list(audit.wrong_rows(connection, [])) == []
        _assert_every_row_is_counted(here, made)


def _slack(here: Talking) -> dict[str, str]:
    values = {"token": TOKEN, "app_token": APP_TOKEN, "channel": CHANNEL, "base_url": here.standin.url}
    return {f"MINUTERISK_SLACK_{name.upper()}": value for name, value in values.items()}


def _begin(made: World, installation: Installation) -> None:
    """Shops with a calm week, all of it at another time of day; then one after the other has its surge."""
    week = [
        (-1 - 120 * shop - n, f"shop {shop}", "APPROVAL", 1000, START - timedelta(days=1 + n % 6, hours=6))
        for shop in range(INCIDENTS)
        for n in range(120)
    ]
    made.insert(week)
    installation.start()
    wait_for(lambda: _judged_up_to(made) is not None, 120)
    made.set_clock(START, RATE)
    threading.Thread(target=_surge, args=[made], daemon=True).start()


def _surge(made: World) -> None:
    """So many shops a minute get more cancels than ever; whether a commit arrived its ids tell."""
    for first in range(0, INCIDENTS, AT_ONCE):
        shops, inserted = range(first, min(first + AT_ONCE, INCIDENTS)), False
        while not inserted:
            with suppress(psycopg.OperationalError):
                at = made.now()
                rows = [
                    (1 + 40 * shop + n, f"shop {shop}", "CANCEL" if n < 10 else "APPROVAL", 1000, at)
                    for shop in shops
                    for n in range(30)
                ]
                with suppress(psycopg.errors.UniqueViolation):
                    made.insert(rows)
                inserted = True
        time.sleep(60 / RATE)
    while True:
        with suppress(psycopg.OperationalError):
            made.set_clock(made.now(), SLOW)
            return


def _judged_up_to(made: World) -> datetime | None:
    with suppress(psycopg.Error), made.state() as connection:
        row = connection.execute("SELECT next_minute FROM watermark").fetchone()
        return row[0] if row else None
    return None


def _act(here: Talking, installation: Installation, crowd: Crowd, callers: Sequence[Caller]) -> None:
    """Everybody acts, and now and then something dies, until there was enough of all of it."""
    wanted = PRESSES + API_CALLS + COMMANDS
    kills = 0
    while kills < KILLS or crowd.taken < PRESSES or not all(caller.over for caller in callers):
        installation.start()
        if crowd.taken < 2 * PRESSES:
            crowd.press_something()
        time.sleep(crowd.random.uniform(0, 0.1))
        crowd.press_again_where_warned()
        reached = min(crowd.taken, PRESSES) + sum(caller.answered for caller in callers)
        if kills < KILLS and reached >= wanted * (kills + 1) // (KILLS + 1):
            name = KILLED[kills % len(KILLED)]
            if name == "dashboard":  # in the middle of a call, where there is one soon
                callers[0].calling.wait(2)
                time.sleep(crowd.random.uniform(0, 0.03))
            installation.kill(name)
            kills += 1


def _settle(here: Talking, installation: Installation, crowd: Crowd, callers: Sequence[Caller]) -> None:
    """Until everybody was answered and everything is told, and the minutes have caught up."""
    made = installation.world
    here.standin.envelope_fault_rate = 0.0
    here.standin._rates = {True: 0.0, False: 0.0}
    end = made.now() + timedelta(minutes=2)
    made.set_clock(end, 0.0)

    def over() -> bool:
        installation.start()
        here.standin.sockets.settle(1)
        again = crowd.press_again_where_warned()
        answered = all(row["state"] != "taken" and row["response_url"] is None for row in here.presses())
        judged = _judged_up_to(made)
        caught_up = judged is not None and end - judged < timedelta(seconds=62)
        taken = crowd.taken == len(crowd.pressed)
        return not again and taken and answered and caught_up and not here.told.waiting()

    wait_for(over, SETTLED_S)


def _say(
    seed: int, here: Talking, installation: Installation, crowd: Crowd, callers: Sequence[Caller]
) -> None:
    killed = {**installation.kills, "command": sum(caller.kills for caller in callers)}
    print(f"seed {seed}: {INCIDENTS} incidents, kills {killed}")
    states = dict(Counter(row["state"] for row in here.presses()))
    told = len(here.standin.messages)
    print(f"{len(crowd.pressed)} presses {states}, warned {crowd.warned}, {told} messages")
    for caller in callers:
        outcomes = dict(Counter(call.outcome for call in caller.calls))
        repeated = sum(call.unanswered for call in caller.calls)
        print(f"{caller.door}: {outcomes}, {repeated} tries without an answer")
    print(f"faults {dict(here.standin.sockets.fired)} {dict(here.standin.fired)}")


def _assert_no_press_is_lost(here: Talking, crowd: Crowd) -> None:
    """Whatever Slack was told has arrived is kept, settled, and has its row in the audit."""
    kept = {row["key"]: row for row in here.presses()}
    taken = [press_of(e.payload, "ko") for e in crowd.pressed if e.acknowledged.is_set()]
    assert [press for press in taken if press is None or press.key not in kept] == []
    assert {row["state"] for row in kept.values()} <= {"done", "refused"}
    outcomes = here.rows("SELECT thing, act, outcome FROM audit WHERE door = 'slack'")
    settled = Counter((row["thing"], row["act"], row["state"]) for row in kept.values())
    assert Counter((row["thing"], row["act"], row["outcome"]) for row in outcomes) == settled


def _assert_each_act_is_done_and_audited_once(here: Talking) -> None:
    audited = here.rows(
        "SELECT thing, act, after FROM audit WHERE kind = 'incident' AND outcome = 'done' ORDER BY number"
    )
    acts = here.rows("SELECT incident_id, act FROM incident_act")
    done = Counter((int(row["thing"]), row["act"]) for row in audited)
    assert Counter((row["incident_id"], row["act"]) for row in acts) == done
    assert {key: n for key, n in done.items() if n > 1 and key[1] != "snooze"} == {}, "done twice"
    until: dict[str, list[datetime]] = {}
    for row in audited:
        if row["act"] == "snooze":
            until.setdefault(row["thing"], []).append(datetime.fromisoformat(row["after"]["snooze"]["until"]))
    short = [
        pair for ends in until.values() for pair in pairwise(ends) if pair[1] - pair[0] < timedelta(minutes=5)
    ]
    assert short == [], "a snooze was repeated, not made longer"


def _assert_each_call_has_its_effect(here: Talking, caller: Caller) -> None:
    """A call that was answered is in the audit as it was answered; one that was cut off once at most."""
    query = "SELECT thing, act, outcome FROM audit WHERE door = :door AND kind = 'incident'"
    audited = Counter((int(r["thing"]), r["act"], r["outcome"]) for r in here.rows(query, door=caller.door))
    stands = {
        (row["incident_id"], row["act"]) for row in here.rows("SELECT incident_id, act FROM incident_act")
    }
    over = {
        row["incident_id"] for row in here.rows("SELECT incident_id FROM incident WHERE status = 'resolved'")
    }
    for call in caller.calls:
        done, refused = (audited[call.incident, call.act, outcome] for outcome in ("done", "refused"))
        assert done + refused <= call.tries, call
        if call.outcome == "done":
            assert done == 1, call
        else:
            assert refused >= 1, call
            assert done <= min(1, call.unanswered), call
            # It is refused because it is so already: by an earlier try, by somebody else, or all is over.
            assert (call.incident, call.act) in stands or call.incident in over, call


def _assert_every_row_is_counted(here: Talking, made: World) -> None:
    (bounds,) = here.rows(
        "SELECT min(minute) AS first, max(minute) AS last, count(*) AS n FROM minute_ledger"
    )
    first, end = bounds["first"], bounds["last"] + timedelta(minutes=1)
    assert (end - first) // timedelta(minutes=1) == bounds["n"], "holes"
    source = source_counts(made, first, end).sort("minute", "merchant_id")
    assert published(made, "merchant_minute", MERCHANT_MINUTE).sort("minute", "merchant_id").equals(source)
