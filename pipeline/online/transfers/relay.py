"""A relay: takes events from the outbox in order, hands them in, says what became of them. Any number run.

One step, on one screen: renew the leases; lock the next events; hand them in, in one transaction of ours
that holds the leases; write down in the outbox what became of each; commit. A crash anywhere before the last
commit delivers them once more, which the inbox knows.

An event that fails holds back its account and nobody else: it is tried again after 2, 4 and 8 seconds, and
then given up. Where the destination is down no event is to blame: the breaker opens and no try is counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

from pipeline.errors import MinuteriskError
from pipeline.errors.translate import state_errors
from pipeline.online.transfers.leases import LeaseLost
from pipeline.online.transfers.outbox import DEAD, PENDING, SENT, Settled
from pipeline.store.database import as_json
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from threading import Event

    from sqlalchemy import Connection

    from pipeline.online.transfers.breaker import Breaker
    from pipeline.online.transfers.inbox import Inbox, Sent
    from pipeline.online.transfers.leases import Leases
    from pipeline.online.transfers.outbox import Outbox, Waiting

log = structlog.get_logger()

MOST_AT_ONCE: Final = 500
#: What is dated later than this past the outbox's own clock is refused.
_AHEAD: Final = timedelta(seconds=2)
_IDLE_S: Final = 0.1


class Relay:
    """Delivers the buckets that it leases."""

    def __init__(
        self,
        leases: Leases,
        outbox: Outbox,
        inbox: Inbox,
        breaker: Breaker,
        monotonic: Callable[[], float],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.leases, self.outbox, self.inbox, self.breaker = leases, outbox, inbox, breaker
        self.sent = 0
        self._monotonic, self._look = monotonic, look
        self._at_most = MOST_AT_ONCE
        self._outbox_away = 0.0  # not asked again before, by the clock that only goes on
        self._wanted: list[int] = []  # dead events that people requeued

    def run(self, stopped: Event) -> None:
        """Deliver until `stopped` is set; what fails is tried again."""
        while not stopped.is_set():
            worked = self.step()
            self._look()  # also under a backlog that does not end
            if not worked:
                stopped.wait(_IDLE_S)
        self._end()

    def step(self) -> bool:
        """Deliver one batch; False where there is nothing to do for now."""
        if not self._keep_leases() or not self.leases.mine:
            return False
        if not self.breaker.lets_through(self._monotonic()) or self._monotonic() < self._outbox_away:
            return False
        try:
            return self._batch()
        except _DestinationFailed as failed:
            self._destination_failed(failed.error)
        except LeaseLost as error:
            log.warning("relay.lease_lost", what=error.what)
        except MinuteriskError as error:
            self._at_most = max(1, self._at_most // 2)  # where it was too slow, less may be in time
            self._outbox_away = self._monotonic() + 1
            log.warning("relay.outbox_failed", what=error.what, next=error.hint)
        return False

    def _keep_leases(self) -> bool:
        if not self.leases.due:
            return True
        if self.breaker.waits(self._monotonic()):
            return False  # while it is away nobody asks it for leases either
        try:
            self.leases.beat(self.breaker, self.sent)
            with state_errors(self.leases.url), self.leases.engine.connect() as connection:
                wanted = connection.execute(text(sql("transfers/ops/dead_requeued"))).scalars()
                self._wanted = [int(event_id) for event_id in wanted]
        except MinuteriskError as error:
            self._destination_failed(error)
            return False
        return True

    def _batch(self) -> bool:
        buckets = self.leases.mine
        with self.outbox.changing() as connection:
            now = self.outbox.now(connection)
            if self._wanted:
                self.outbox.requeue(connection, self._wanted, sorted(buckets))
                self._wanted = []
            at_most = 1 if self.breaker.probing else self._at_most
            events = _before_again(self.outbox.claim(connection, sorted(buckets), at_most, now))
            if not events:
                self.breaker.worked()  # it has just taken our sign of life
                return False
            sent = self._hand_in(events, now)
            settled = [*self._done(sent, buckets), *self._failed(events, sent, buckets, now)]
            if not self.leases.in_time():
                msg = f"{len(events)} events took too long for a lease"
                raise LeaseLost(msg, "they are delivered again, which changes nothing")
            changed = self.outbox.settle(connection, settled, now)
            if changed != len(settled):
                msg = f"{len(settled) - changed} events have been changed under a later lease"
                raise LeaseLost(msg, "this relay asks for leases again")
        self._worked(sent)
        return True

    def _hand_in(self, events: Sequence[Waiting], now: datetime) -> Sent:
        """Hand events in, and keep those that are given up, all of it or nothing, under the leases."""
        try:
            with state_errors(self.leases.url), self.leases.engine.begin() as connection:
                self.leases.hold(connection, {event.bucket for event in events})
                sent = self.inbox.send(connection, events, now + _AHEAD)
                failed = (event for event in events if event.event_id in sent.failed)
                _keep_dead(connection, [event for event in failed if self._is_last(event)], sent)
                done = [str(event.event_id) for event in sent.done]
                connection.execute(text(sql("transfers/ops/dead_delivered")), {"event_ids": done})
        except LeaseLost:
            raise
        except MinuteriskError as error:
            raise _DestinationFailed(error) from error
        return sent

    def _is_last(self, event: Waiting) -> bool:
        """Is the event given up if it fails once more?"""
        return event.attempts >= len(self.leases.pace.retries_s)

    def _done(self, sent: Sent, buckets: Mapping[int, int]) -> list[Settled]:
        return [Settled(event, SENT, buckets[event.bucket], event.attempts) for event in sent.done]

    def _failed(
        self, events: Sequence[Waiting], sent: Sent, buckets: Mapping[int, int], now: datetime
    ) -> list[Settled]:
        """Events that failed: each waits for its next try, or is given up."""
        found = []
        for event in (event for event in events if event.event_id in sent.failed):
            epoch, error, tries = buckets[event.bucket], sent.failed[event.event_id], event.attempts + 1
            if self._is_last(event):
                found.append(Settled(event, DEAD, epoch, tries, error=error))
            else:
                retry_at = now + timedelta(seconds=self.leases.pace.retries_s[event.attempts])
                found.append(Settled(event, PENDING, epoch, tries, retry_at, error))
        return found

    def _worked(self, sent: Sent) -> None:
        self.sent += len(sent.done)
        self._at_most = min(MOST_AT_ONCE, self._at_most + self._at_most // 8 + 1)
        if self.breaker.probing:
            log.info("relay.breaker_closed")
        self.breaker.worked()
        if sent.taken.conflicts:
            log.warning("relay.conflicts", transfer_ids=sent.taken.conflicts[:10])
        for event_id, why in sent.failed.items():
            log.warning("relay.event_failed", event_id=event_id, error=why)

    def _destination_failed(self, error: MinuteriskError) -> None:
        if not self.breaker.probing:
            log.warning("relay.breaker_open", what=error.what, next=error.hint)
        self.breaker.failed(self._monotonic(), error.what)

    def _end(self) -> None:
        try:
            self.leases.release()
        except MinuteriskError as error:
            log.warning("relay.leases_not_released", what=error.what)  # they run out by themselves
        self.outbox.close()


class _DestinationFailed(Exception):
    """It was the destination, and no event."""

    def __init__(self, error: MinuteriskError) -> None:
        self.error = error
        super().__init__(error.what)


def _before_again(events: Sequence[Waiting]) -> list[Waiting]:
    """Events up to the first whose payment stands there before: that one is a later word on it, for later."""
    known: set[str] = set()
    for place, event in enumerate(events):
        transfer_id = event.payload.get("transfer_id") if isinstance(event.payload, dict) else None
        if isinstance(transfer_id, str):
            if transfer_id in known:
                return list(events[:place])
            known.add(transfer_id)
    return list(events)


def _keep_dead(connection: Connection, events: Sequence[Waiting], sent: Sent) -> None:
    if not events:
        return
    rows = [
        {
            "event_id": str(event.event_id),
            "account_id": event.account_id,
            "payload": event.payload,
            "error": sent.failed[event.event_id],
            "attempts": event.attempts + 1,
        }
        for event in events
    ]
    connection.execute(text(sql("transfers/ops/dead_add")), {"dead": as_json(rows)})
    log.error("relay.events_dead", event_ids=[event.event_id for event in events])
