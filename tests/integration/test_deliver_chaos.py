"""Nothing lost, nothing told twice unmarked: 30 % HTTP faults, a deliverer killed at each step, kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from data.slack_standin import FAULTS
from pipeline.store.state import State
from pipeline.tell import outbox
from pipeline.tell.channels import Slack
from pipeline.tell.deliver import LIMITS, Limits
from pipeline.tell.slack import NotPosted, PerhapsPosted, SlackClient
from tests.integration.channels import Town, judge_all
from tests.integration.delivery import (
    CHANNEL,
    MARK,
    PACK,
    TIMEOUT_S,
    TOKEN,
    World,
    add_incident,
    arrived,
    judge,
    make_standin,
    make_world,
)
from tests.people import do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from data.slack_standin import SlackStandIn

#: The clock of these tests jumps: hours pass, and a look is still to be waited for.
PATIENT = Limits(look_patience=timedelta(days=1))
ONE_BY_ONE = replace(PATIENT, storm=10_000)
TIERS = ("tail", "top")
STEPS = ("claimed", "looked", "before_call", "after_call", "before_record", "recorded", "given_back")


class Killed(BaseException):
    """Stands for a process that ends here: nothing of the program may catch it."""


class Reaper:
    """Kills the deliverer at one of its steps, now and then."""

    def __init__(self, seed: int, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random, self.rate = Random(seed), rate
        self.kills: Counter[str] = Counter()
        self._bag: list[str] = []
        self._next = ""
        self._wrap(monkeypatch, outbox, "claim", after="claimed")
        self._wrap(monkeypatch, outbox, "mark_sent", before="before_record", after="recorded")
        self._wrap(monkeypatch, outbox, "retry_later", after="given_back")
        self._wrap(monkeypatch, Slack, "find", after="looked")
        self._wrap(monkeypatch, SlackClient, "post", before="before_call", after="after_call")

    def choose(self) -> None:
        """Before each unit: is the deliverer to die, and where? It then dies when it next comes there."""
        if not self._next and self.random.random() < self.rate:
            self._bag = self._bag or self.random.sample(STEPS, len(STEPS))
            self._next = self._bag.pop()

    def at(self, step: str) -> None:
        if step and step == self._next:
            self.kills[step] += 1
            self._next = ""
            raise Killed(step)

    def _wrap(
        self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, before: str = "", after: str = ""
    ) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def wrapped(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            self.at(before)
            result = inner(*given, **named)
            self.at(after)
            return result

        monkeypatch.setattr(owner, name, wrapped)


def run_with_kills(world: World, reaper: Reaper) -> None:
    for number in range(20_000):
        reaper.choose()
        try:
            delivered = world.deliver()
        except Killed:
            world.restart(number)
            continue
        if delivered is None:
            if not world.waiting():
                return
            world.clock.sleep(5)
    pytest.fail(f"still waiting: {world.rows()[:3]}")


@pytest.mark.parametrize("limits", [ONE_BY_ONE, PATIENT], ids=["one_by_one", "digests"])
def test_nothing_lost_and_nothing_told_twice(
    limits: Limits, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("MINUTERISK_TEST_SEED", "1"))
    events = ("opened", "escalated", "resolved")
    for number in range(60):
        add_incident(state_engine, f"M{number}", events[: 1 + number % 3], at_risk=number)
    with make_standin(seed=seed, fault_rate=0.3, read_fault_rate=0.2) as standin:
        world = make_world(state_engine, standin, limits=limits, seed=seed, timeout_s=TIMEOUT_S)
        reaper = Reaper(seed, 0.25, monkeypatch)
        run_with_kills(world, reaper)
        found = judge(world)
        digests = sum("incidents" in m["metadata"]["event_payload"] for m in standin.messages)
        print(
            f"seed {seed}: digests {digests} faults {dict(standin.fired)} kills {dict(reaper.kills)} {found}"
        )
    assert world.statuses() == {"sent": 120}
    assert found.lost == []
    assert found.doubled == []
    assert found.strangers == []
    if limits is ONE_BY_ONE:
        assert set(standin.fired) == set(FAULTS), "a fault never fired: the test proves nothing about it"
        assert set(reaper.kills) == set(STEPS), "a step was never killed at"
    assert (digests > 0) == (limits is PATIENT)


@pytest.mark.parametrize("limits", [ONE_BY_ONE, replace(PATIENT, storm=5)], ids=["one_by_one", "digests"])
def test_nothing_lost_and_nothing_told_twice_in_any_of_several_channels(
    limits: Limits, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three channels, one of which refuses everything: what was for it is told in its second one."""
    seed = int(os.environ.get("MINUTERISK_TEST_SEED", "1"))
    with make_standin(seed=seed, fault_rate=0.3, read_fault_rate=0.2) as standin:
        standin.workspace.archived = frozenset({"C0GONE"})
        standin.workspace.channels = frozenset({CHANNEL, "C0TOP", "C0BACK"})
        state = State(state_engine, "", PACK, "KRW", CHANNEL)
        town = Town(state, standin, limits, TIMEOUT_S, seed)
        town.route("top", "C0TOP", "tier=top", **{"continue": True})
        town.route("odd", "C0GONE", "entity=M?1 entity=M?3 entity=M?5", second="C0BACK")
        silence = town.silence("entity=S*")
        ids = [town.open(f"M{number // 10}{number % 10}", tier=TIERS[number % 2]) for number in range(40)]
        kept = [town.open(f"S{number}") for number in range(5)]
        town.say(*ids[::2], event="escalated", at=1)
        reaper = Reaper(seed, 0.2, monkeypatch)
        run_town(town, reaper)
        do(state, "end_silence", silence)
        state.close_silences()
        town.say(*ids[::4], event="resolved", at=2)
        run_town(town, reaper)
        found = judge_all(town)
        digests = sum("incidents" in m["metadata"]["event_payload"] for m in standin.messages)
        print(
            f"seed {seed}: digests {digests} faults {dict(standin.fired)} kills {dict(reaper.kills)} {found}"
        )
    assert digests == 1 if limits is ONE_BY_ONE else digests > 3  # the end of a silence is one in any case
    rows = town.rows()
    dead = [row["outbox_id"] for row in rows if row["status"] == "dead"]
    instead = {row["instead_of"]: row["status"] for row in rows if row["destination"] == "C0BACK"}
    assert {row["destination"] for row in rows if row["status"] == "dead"} == {"C0GONE"}
    assert {status for number, status in instead.items() if number} == {"sent"}
    assert set(instead) >= set(dead), "what was dead was not told in the second channel"
    assert sum(row["event"] == "unsilenced" and row["status"] == "sent" for row in rows) == len(kept)
    assert Counter(row["status"] for row in rows).keys() == {"sent", "dead", "silenced"}
    assert (found.lost, found.doubled, found.strangers) == ([], [], [])


def run_town(town: Town, reaper: Reaper) -> None:
    for _ in range(20_000):
        try:
            found = []
            for name in town.due():
                reaper.choose()
                found.append(town.deliver(name))
        except Killed:
            town.restart()
            continue
        if not town.waiting():
            return
        if not any(found):
            town.clock.sleep(5)
        elif any(delivered and delivered.error == "timeout" for delivered in found):
            arrived(town.standin)  # before the tests' clock passes the lease
    pytest.fail(f"still waiting: {town.rows()[:3]}")


def test_slack_that_shows_messages_late_gives_marked_repeats_only(
    state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(15):
        add_incident(state_engine, f"M{number}", ("opened", "resolved"))
    kinds = ("close_posted", "500_posted", "reset_posted", "half_body_posted")
    with make_standin(seed=3, fault_rate=0.3, fault_kinds=kinds) as standin:
        standin.workspace.history_lag_s = 3_600
        world = make_world(state_engine, standin, limits=ONE_BY_ONE)
        run_with_kills(world, Reaper(3, 0.2, monkeypatch))
        found = judge(world)
    assert found.lost == []
    assert found.doubled != [], "the lag did nothing: the test proves nothing"
    assert found.doubled_unmarked == []


def test_retry_until_ok_tells_twice_in_the_same_harness(state_engine: Engine) -> None:
    """The bug that all this is for; if this harness did not see it, the tests above would prove nothing."""
    for number in range(60):
        add_incident(state_engine, f"M{number}")
    with make_standin(seed=1, fault_rate=0.3) as standin:
        world = make_world(state_engine, standin, limits=ONE_BY_ONE)
        client = SlackClient(TOKEN, standin.url, TIMEOUT_S)
        for _ in range(60):
            now = world.clock.now()
            (row,) = outbox.claim(
                state_engine, PACK, now, lease=LIMITS.lease, margin=LIMITS.margin, storm=10_000
            )
            ts = retry_until_ok(client, world, row)
            outbox.mark_sent(state_engine, [row], now, channel=CHANNEL, message_ts=ts, repeat=False)
        found = judge(world)
    assert found.lost == []
    assert len(found.doubled_unmarked) > 5, found


def retry_until_ok(client: SlackClient, world: World, row: outbox.Claimed) -> str:
    while True:
        try:
            return client.post(CHANNEL, "naive", [{"type": "divider"}], world.channel._metadata(row))
        except (NotPosted, PerhapsPosted):
            continue


CHILD = """
import os, time
from datetime import UTC, datetime, timedelta
from random import Random
from sqlalchemy import create_engine
from pipeline.tell.deliver import Limits, deliver_one
from pipeline.tell.pace import Pace
from tests.integration.delivery import MERCHANTS, make_channel

engine = create_engine(os.environ["MINUTERISK_TEST_STATE_URL"])
channel = make_channel(os.environ["MINUTERISK_TEST_SLACK_URL"], 20)
channel.gap = timedelta()
pace = Pace(clock=lambda: datetime.now(UTC), sleep=time.sleep, random=Random(0))
while True:
    if deliver_one(engine, MERCHANTS, channel, pace, Limits(storm=10_000)) is None:
        time.sleep(0.01)
"""


@pytest.fixture
def child(state_engine: Engine) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(slack_url: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "MINUTERISK_TEST_STATE_URL": state_engine.url.render_as_string(hide_password=False),
            "MINUTERISK_TEST_SLACK_URL": slack_url,
        }
        started.append(subprocess.Popen([sys.executable, "-c", CHILD], env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes], standin: SlackStandIn) -> None:
    assert process.poll() is None, "the child ended by itself"
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived(standin)  # the tests' clock is too fast to wait for it


@pytest.mark.parametrize(("fault", "marked"), [("hang_posted", False), ("hang_unposted", True)])
def test_kill_9_between_posting_and_recording(
    fault: str,
    marked: bool,  # noqa: FBT001
    state_engine: Engine,
    child: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    for number in range(4):
        add_incident(state_engine, f"M{number}")
    with make_standin() as standin:
        standin._hang_s = 30
        standin.fail_next("", times=1)
        standin.fail_next(fault)
        world = make_world(state_engine, standin, limits=ONE_BY_ONE)
        process = child(standin.url)
        assert standin.hanging.wait(PATIENCE_S), "the child never posted"
        kill(process, standin)
        assert world.statuses() == {"sent": 1, "sending": 1, "pending": 2}
        world.drain()
        found = judge(world)
        assert sorted(MARK in m["text"] for m in standin.messages) == [False] * 3 + [marked]
    assert (found.lost, found.doubled) == ([], [])


def test_kill_9_at_any_time(state_engine: Engine, child: Callable[[str], subprocess.Popen[bytes]]) -> None:
    for number in range(100):
        add_incident(state_engine, f"M{number}", ("opened", "resolved"))
    random = Random(7)
    with make_standin(
        seed=7, fault_rate=0.1, fault_kinds=("close_posted", "500_unposted", "html_posted")
    ) as standin:
        world = make_world(state_engine, standin, limits=ONE_BY_ONE)
        for _ in range(2):
            before, process = len(standin.messages), child(standin.url)
            deadline = time.monotonic() + PATIENCE_S
            while len(standin.messages) < before + 5 and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(random.uniform(0, 0.2))
            kill(process, standin)
        assert world.waiting(), "nothing was left to do: the kills came too late"
        world.drain()
        found = judge(world)
    assert world.statuses() == {"sent": 200}
    assert (found.lost, found.doubled) == ([], [])
