"""A relay of a test in a process of its own: OUTBOX_URL STATE_URL NAME LEASE_S SEND_MS FAIL_PERCENT.

It delivers as the product does, through an inbox that takes a while for each event and fails at some of them.
"""

from __future__ import annotations

import signal
import sys
import time
import uuid
from random import Random
from threading import Event
from typing import TYPE_CHECKING

import structlog

from pipeline.online.transfers.breaker import Breaker
from pipeline.online.transfers.inbox import Inbox, Sent
from pipeline.online.transfers.leases import Leases, Pace
from pipeline.online.transfers.outbox import Outbox
from pipeline.online.transfers.relay import Relay
from pipeline.store.database import connect_state
from queries import FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.online.transfers.outbox import Waiting


class FaultyInbox(Inbox):
    """Takes `send_s` for each event, `batch_s` at most; `fail` of them fail, but never at their last try.

    One that fails each time would rightly be given up; the tests ask that all of them arrive.
    """

    def __init__(self, send_s: float, batch_s: float, fail: float, chance: Random, last_try: int) -> None:
        self._send_s, self._batch_s, self._fail, self._chance = send_s, batch_s, fail, chance
        self._last_try = last_try

    def send(self, connection: Connection, events: Sequence[Waiting], not_after: datetime) -> Sent:
        """Send one by one, and take what got through."""
        began, stuck, through = time.monotonic(), set[str](), []
        failed: dict[int, str] = {}
        for event in events:
            if time.monotonic() - began > self._batch_s:
                break
            if event.account_id in stuck:
                continue
            time.sleep(self._send_s)
            if event.attempts < self._last_try and self._chance.random() < self._fail:
                failed[event.event_id] = "lost on the way"
                stuck.add(event.account_id)
            else:
                through.append(event)
        sent = super().send(connection, through, not_after)
        sent.failed |= failed
        return sent


def main(outbox_url: str, state_url: str, name: str, lease_s: str, send_ms: str, percent: str) -> None:
    """Deliver until a signal comes."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # a failure is no news here
    stopped, pace = Event(), Pace(float(lease_s), tuple(float(lease_s) / 10 * n for n in (2, 4, 8)))
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    engine = connect_state(state_url)
    leases = Leases(engine, state_url, f"{name}-{uuid.uuid4().hex[:8]}", pace, time.monotonic)
    outbox = Outbox(outbox_url, FOLDER / "transfers" / "outbox" / "postgresql", pace)
    fail, last_try = float(percent) / 100, len(pace.retries_s)
    inbox = FaultyInbox(float(send_ms) / 1000, pace.hang_s / 2, fail, Random(name), last_try)
    Relay(leases, outbox, inbox, Breaker(), time.monotonic).run(stopped)
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
