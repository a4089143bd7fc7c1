"""Buttons pressed while Slack, its sockets and we fail: no press lost, none done twice, all told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from data import slack_socket
from data.slack_faults import ENVELOPE_FAULTS
from pipeline.store import audit
from pipeline.talk.envelope import press_of
from tests.integration.crowd import Crowd, assert_each_message_was_told_once
from tests.integration.delivery import TIMEOUT_S, add_incident, change
from tests.integration.talking import APP_TOKEN, REASON, Talking, talking, wait_for
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


#: More by hand: `MINUTERISK_TEST_PRESSED=300 pytest …`.
INCIDENTS = int(os.environ.get("MINUTERISK_TEST_PRESSED", "16"))
KILLS = max(3, INCIDENTS // 12)

#: Delivers and listens, as `run` does in threads of its own, and looks soon for what a crash has left.
CHILD = f"""
import os, time
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Thread
from pipeline.store.database import connect_state
from pipeline.store.state import State
from pipeline.talk import listener as listening
from pipeline.talk import presses
from pipeline.talk.client import TalkClient
from pipeline.talk.commands import Commands
from pipeline.tell.deliver import Limits, deliver_one
from pipeline.tell.pace import Pace
from pipeline.desk.perform import Desk
from pipeline.settings import load_settings
from tests.integration.delivery import MERCHANTS, TOKEN, make_channel
from tests.integration.talking import channel_of

presses.LEFT_S, listening.SETTLE_LEFT_S = 1.0, 0.3
url, slack = os.environ["MINUTERISK_TEST_STATE_URL"], os.environ["MINUTERISK_TEST_SLACK_URL"]
settings = load_settings({{
    "MINUTERISK_SLACK_TOKEN": TOKEN, "MINUTERISK_SLACK_APP_TOKEN": "{APP_TOKEN}",
    "MINUTERISK_SLACK_CHANNEL": "C0RISK", "MINUTERISK_SLACK_BASE_URL": slack,
}})
state = State(connect_state(url), url, "merchants", "KRW", "C0RISK")
client = TalkClient(TOKEN, slack, 1)
made = presses.Presses(state, lambda pack: Desk(state, settings), client, "ko")
listener = listening.Listener(state, settings, client, made, Commands(state, settings, lambda *_: None))

def listen():
    while True:
        try:
            listener.keep()
        except Exception:
            pass
        time.sleep(0.05)

Thread(target=listen, daemon=True).start()
channel = channel_of(make_channel(slack, {TIMEOUT_S}), state, "ko")
channel.gap = timedelta()
pace = Pace(clock=lambda: datetime.now(UTC), sleep=lambda s: time.sleep(min(s, 0.05)), random=Random(0))
limits = Limits(storm=10_000, lease=timedelta(seconds=2), call=timedelta(seconds=0.5),
                margin=timedelta(seconds=0.5), look_gap=timedelta(seconds=0.1),
                look_patience=timedelta(days=1), back_off_most_s=1)
while True:
    if deliver_one(state.engine, MERCHANTS, channel, pace, limits) is None:
        time.sleep(0.02)
"""


@pytest.fixture
def child(state_engine: Engine) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(slack_url: str) -> subprocess.Popen[bytes]:
        environment = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "PYTHONPATH": os.pathsep.join(sys.path),
            "MINUTERISK_TEST_STATE_URL": state_engine.url.render_as_string(hide_password=False).replace(
                "postgresql+psycopg://", "postgresql://"
            ),
            "MINUTERISK_TEST_SLACK_URL": slack_url,
        }
        started.append(subprocess.Popen([sys.executable, "-c", CHILD], env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_no_press_is_lost_or_done_twice(
    state_engine: Engine, state_url: str, child: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    seed = int(os.environ.get("MINUTERISK_TEST_SEED", "1"))
    given: dict[str, Any] = {"seed": seed, "fault_rate": 0.3, "read_fault_rate": 0.3}
    with talking(state_engine, state_url, **given) as here:
        here.standin.envelope_fault_rate = 0.3
        here.standin.sockets.patience_s = slack_socket.PATIENCE_S
        for number in range(INCIDENTS):
            add_incident(state_engine, f"M{number}", ("opened", "escalated")[: 1 + number % 2])
        change(state_engine, f"UPDATE incident SET reason = '{REASON}', latest_reason = '{REASON}'")
        crowd = Crowd(here.standin, seed)
        kills = _run(here, crowd, child)
        _settle(here, crowd)
        print(f"seed {seed}: {len(crowd.pressed)} presses, warned {crowd.warned}, kills {kills}")
        print(f"faults {dict(here.standin.sockets.fired)} {dict(here.standin.fired)}")
        assert_each_message_was_told_once(here)
        _assert_each_press_has_one_effect(here, crowd)
        assert set(here.standin.sockets.fired) == set(ENVELOPE_FAULTS), "a fault never fired"
        with here.state.reading() as connection:
            assert list(audit.wrong_rows(connection, [])) == []


def _run(here: Talking, crowd: Crowd, child: Callable[[str], subprocess.Popen[bytes]]) -> int:
    kills, process = 0, child(here.standin.url)
    wait_for(lambda: here.standin.messages != [])
    while kills < KILLS or crowd.taken < 2 * INCIDENTS:
        crowd.press_something()
        time.sleep(crowd.random.uniform(0, 0.1))
        crowd.press_again_where_warned()
        if kills < KILLS and crowd.taken > (kills + 1) * 2 * INCIDENTS / (KILLS + 1):
            assert process.poll() is None, "the child ended by itself"
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills, process = kills + 1, child(here.standin.url)
    return kills


def _settle(here: Talking, crowd: Crowd) -> None:
    """Until everybody was answered, everything told, and nobody was warned any more."""
    here.standin.envelope_fault_rate = 0.0
    here.standin._rates = {True: 0.0, False: 0.0}

    def over() -> bool:
        here.standin.sockets.settle(1)
        again = crowd.press_again_where_warned()
        answered = all(row["state"] != "taken" and row["response_url"] is None for row in here.presses())
        taken = crowd.taken == len(crowd.pressed)
        return not again and taken and answered and not here.told.waiting()

    wait_for(over, 2 * PATIENCE_S)


def _assert_each_press_has_one_effect(here: Talking, crowd: Crowd) -> None:
    kept = {row["key"]: row for row in here.presses()}
    taken = [press_of(e.payload, "ko") for e in crowd.pressed if e.acknowledged.is_set()]
    assert [press for press in taken if press is None or press.key not in kept] == [], "a press was lost"
    assert {row["state"] for row in kept.values()} == {"done", "refused"}
    done = Counter((int(row["thing"]), row["act"]) for row in kept.values() if row["state"] == "done")
    rows = here.rows("SELECT incident_id, act FROM incident_act")
    assert Counter((row["incident_id"], row["act"]) for row in rows) == done
    assert max(done.values()) == 1, "something was done twice"
    outcomes = Counter(outcome for *_, outcome in here.audit())
    assert outcomes == Counter(row["state"] for row in kept.values())
