"""Which accounts a relay delivers: 64 buckets of them, leased for ten seconds, taken over with a new epoch.

A relay that was stopped and wakes up again must change nothing. What it writes to us holds its leases inside
the transaction (`hold`). What it writes to the outbox, another database, it writes in time: a batch begins
and ends well before the lease does (`in_time`), and the outbox's server ends a session that hangs for longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from pipeline.errors import PassingError
from pipeline.errors.translate import state_errors
from pipeline.store.database import end_half_sent
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import Connection, CursorResult, Engine

    from pipeline.online.transfers.breaker import Breaker

BUCKETS: Final = 64


class LeaseLost(PassingError):
    """Another relay may deliver these accounts now; what this one was about to write is dropped."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lease lasts, and all that has to happen within it; and when what failed is tried again."""

    lease_s: float = 10.0
    #: Seconds until an event that failed once, twice, three times is tried again; then it is given up.
    retries_s: tuple[float, ...] = (2, 4, 8)

    @property
    def beat_s(self) -> float:
        """A relay renews its leases so often."""
        return self.lease_s / 10

    @property
    def hang_s(self) -> float:
        """The outbox's server ends a session that does nothing inside a transaction for so long.

        Twice within a batch at most: while the batch is delivered, and before the commit.
        """
        return self.lease_s / 4

    @property
    def settled_s(self) -> float:
        """So long after a lease was asked for a relay may still begin to say what became of events."""
        return self.lease_s - 2.2 * self.hang_s


class Leases:
    """The buckets of one relay."""

    def __init__(
        self, engine: Engine, url: str, owner: str, pace: Pace, monotonic: Callable[[], float]
    ) -> None:
        self.engine, self.url, self.owner, self.pace = engine, url, owner, pace
        self._monotonic = monotonic
        self._mine: dict[int, int] = {}
        self._asked = float("-inf")

    @property
    def mine(self) -> Mapping[int, int]:
        """The buckets that may be delivered now, each with its epoch."""
        return self._mine if self.in_time() else {}

    @property
    def due(self) -> bool:
        """Is it time to say that this relay is alive?"""
        return self._monotonic() - self._asked >= self.pace.beat_s

    def in_time(self) -> bool:
        """Is a lease certain to last until what is begun now is committed?"""
        return self._monotonic() - self._asked < self.pace.settled_s

    def beat(self, breaker: Breaker, sent: int) -> None:
        """Say that this relay is alive, renew its leases, and take or give back what is its share.

        Tells the breaker whether people hold it open. Raises what the operational database says.
        """
        asked, said = self._monotonic(), {"breaker": breaker.state, "error": breaker.error or None}
        with state_errors(self.url), self.engine.begin() as connection:
            breaker.held = self._ask(connection, "relay_beat", sent=sent, **said).scalar_one()
            mine = self._pairs(connection, "leases_renew", lease_s=self.pace.lease_s)
            alive = self._ask(connection, "relays_alive", lease_s=self.pace.lease_s).scalar_one()
            share = -(-BUCKETS // max(alive, 1))
            if surplus := sorted(mine)[share:]:
                self._ask(connection, "leases_release", buckets=surplus)
            elif len(mine) < share:
                end_half_sent(connection)  # a relay that was stopped just then would keep its leases for ever
                given = {"lease_s": self.pace.lease_s, "at_most": share - len(mine)}
                mine |= self._pairs(connection, "leases_take", **given)
        self._mine = {bucket: epoch for bucket, epoch in mine.items() if bucket not in surplus}
        self._asked = asked

    def hold(self, connection: Connection, buckets: Collection[int]) -> None:
        """Keep these leases until the transaction ends; raises LeaseLost where one has run out."""
        held = self._pairs(connection, "leases_hold", buckets=sorted(buckets))
        lost = sorted(bucket for bucket in buckets if held.get(bucket) != self._mine.get(bucket))
        if lost:
            msg = f"the leases of the buckets {', '.join(map(str, lost))} have run out"
            raise LeaseLost(msg, "another relay delivers them; this one asks for leases again")

    def release(self) -> None:
        """Give everything back, so that nobody has to wait for a lease to run out."""
        with state_errors(self.url), self.engine.begin() as connection:
            self._ask(connection, "leases_release", buckets=sorted(self._mine))
            self._ask(connection, "relay_gone")
        self._mine = {}

    def _pairs(self, connection: Connection, name: str, **given: Any) -> dict[int, int]:  # noqa: ANN401 - values
        return {row.bucket: row.epoch for row in self._ask(connection, name, **given)}

    def _ask(self, connection: Connection, name: str, **given: Any) -> CursorResult[Any]:  # noqa: ANN401 - values
        return connection.execute(text(sql(f"transfers/ops/{name}")), {"owner": self.owner, **given})
