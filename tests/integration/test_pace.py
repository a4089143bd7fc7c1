"""The senders of two packs tell in one channel: one pace, each in its turn."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.store.state import State
from pipeline.tell.pace import Pace, Paces
from pipeline.tell.senders import Senders
from tests.doors import PACK as DOORS
from tests.integration.channels import open_incidents
from tests.integration.delivery import CHANNEL, PATIENT_S, Clock, make_channel, make_standin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from data.slack_standin import SlackStandIn
    from pipeline.tell.deliver import Delivered


class TwoPacks:
    """A process that runs both; its clock jumps."""

    def __init__(self, engine: Engine, standin: SlackStandIn) -> None:
        self.standin, self.clock = standin, Clock()
        self.pace = Pace(clock=self.clock.now, sleep=self.clock.sleep, random=Random(0))
        self.done: list[Delivered] = []
        self.states, self.senders = {}, {}
        paces = Paces(lambda: self.pace)
        for pack in (DOORS, MERCHANTS):
            self.states[pack.name] = State(engine, "", pack.name, "KRW", CHANNEL)
            self.senders[pack.name] = Senders(
                engine,
                "",
                pack,
                lambda _: make_channel(standin.url, PATIENT_S),
                paces,
                self.done.append,
            )

    def open(self, doors: int, merchants: int) -> None:
        open_incidents(self.states["doors"], DOORS, doors)
        open_incidents(self.states["merchants"], MERCHANTS, merchants)

    def deliver(self, pack: str) -> None:
        self.senders[pack].wake(lambda: False)
        self.senders[pack].quiet()


@pytest.fixture
def both(state_engine: Engine) -> Iterator[TwoPacks]:
    with make_standin() as standin:
        yield TwoPacks(state_engine, standin)


def test_what_slack_asks_of_one_pack_the_other_keeps_too(both: TwoPacks) -> None:
    both.open(1, 1)
    both.standin.fail_next("limited")
    both.deliver("doors")
    both.deliver("merchants")
    assert [delivered.error for delivered in both.done] == ["ratelimited"]
    assert both.standin.requests["chat.postMessage"] == 1, "it was asked although Slack had said when"
    both.clock.sleep(2)
    both.deliver("merchants")
    assert [delivered.outcome for delivered in both.done[1:]] == ["sent"]


def test_a_pack_with_much_to_tell_does_not_starve_the_other(both: TwoPacks) -> None:
    both.open(19, 2)
    with both.pace.alone():
        for waiting, pack in enumerate(("doors", "merchants"), 2):
            both.senders[pack].wake(lambda: False)
            while len(both.pace._queue) < waiting:
                time.sleep(0.01)
    for senders in both.senders.values():
        senders.quiet()
    told = ["강제 개방" in message["text"] for message in both.standin.messages]
    assert told.count(True) == 19
    assert told[:10].count(False) == 2, "it waited until the other was done"
