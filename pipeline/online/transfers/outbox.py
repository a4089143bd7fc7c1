"""The outbox of a transfer service, another company's database: what waits there, and what became of it.

Its queries are files that may be adapted to other tables. All that is done to a batch is one transaction,
which keeps the rows locked: a relay that dies leaves nothing half done, and no row is ever "being sent".
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
import sqlalchemy
from sqlalchemy import text

from pipeline.errors import ConfigurationError, SourceUnavailable
from pipeline.errors.causes import Cause
from pipeline.errors.failure import driver_failure
from pipeline.errors.phrases import phrase
from pipeline.errors.secrets import mask_url
from pipeline.store.database import end_half_sent
from queries import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, CursorResult

    from pipeline.online.transfers.leases import Pace

PENDING: Final = "pending"
SENT: Final = "sent"
DEAD: Final = "dead"
#: A bucket gives at least so many times what it would if all had the same; more while batches are not full.
_UNEVEN: Final = 2
#: A long backlog meets statistics of a time when nothing waited: without these the planner reads all of it.
_BY_INDEX: Final = "-c enable_bitmapscan=off -c enable_seqscan=off"
_LONGEST_ERROR: Final = 500
#: So many columns of a claim are read; one's own query may give more.
_READ: Final = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event of the outbox that is due."""

    event_id: int
    account_id: str
    bucket: int
    payload: Mapping[str, Any]
    attempts: int = 0  # failures of the event itself so far


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an event."""

    event: Waiting
    status: str
    epoch: int
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None


def outbox_queries(own: Path | None) -> Path:
    """The folder with the queries of relays: the installation's own, or those of the stand-in."""
    return own or FOLDER / "transfers" / "outbox" / "postgresql"


class Outbox:
    """One session at a time with the outbox's database."""

    def __init__(self, url: str, queries: Path, pace: Pace) -> None:
        self.url = url
        self._queries = queries
        self._per_bucket = 0  # read for every batch, so no more than is needed
        self._held_up = False  # somebody else has locked what was to be claimed, for too long
        wait_ms, hang_ms = (int(seconds * 1000) for seconds in (pace.hang_s / 2, pace.hang_s))
        self._engine = sqlalchemy.create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_pre_ping=True,
            pool_size=1,
            connect_args={
                "connect_timeout": 10,
                "application_name": "minuterisk relay",
                "options": f"-c timezone=UTC -c lock_timeout={wait_ms} -c statement_timeout={hang_ms * 2}"
                f" -c idle_in_transaction_session_timeout={hang_ms} {_BY_INDEX}",
            },
        )

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """One transaction; rows that are claimed in it stay locked until its end."""
        with self._errors(), self._engine.begin() as connection:
            if self._held_up:
                end_half_sent(connection)  # a relay that was stopped just then would lock its rows for ever
                self._held_up = False
            yield connection

    def now(self, connection: Connection) -> datetime:
        """The outbox's clock."""
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment

    def claim(
        self, connection: Connection, buckets: Sequence[int], at_most: int, now: datetime
    ) -> list[Waiting]:
        """The next events of these buckets, in order, locked."""
        least = 1 + _UNEVEN * at_most // len(buckets)
        per_bucket = min(at_most, max(least, self._per_bucket))
        given = {"buckets": list(buckets), "at_most": at_most, "per_bucket": per_bucket, "now": now}
        rows = self._ask(connection, "claim", given).all()
        found = [Waiting(*tuple(row)[:_READ]) for row in rows]
        self._per_bucket = per_bucket // 2 if len(found) == at_most else 4 * per_bucket
        return found

    def settle(self, connection: Connection, settled: Sequence[Settled], now: datetime) -> int:
        """Write what became of claimed events; gives how many rows that changed."""
        rows = [
            {
                "event_id": one.event.event_id,
                "status": one.status,
                "attempts": one.attempts,
                "retry_at": one.retry_at and one.retry_at.isoformat(),
                "error": one.error and one.error[:_LONGEST_ERROR],
                "epoch": one.epoch,
            }
            for one in settled
        ]
        return len(self._ask(connection, "settle", {"settled": json.dumps(rows), "now": now}).all())

    def requeue(self, connection: Connection, event_ids: Sequence[int], buckets: Sequence[int]) -> list[int]:
        """Let events that were given up be tried again, as far as they are in these buckets; gives which."""
        given = {"event_ids": list(event_ids), "buckets": list(buckets)}
        return list(self._ask(connection, "requeue", given).scalars())

    def backlog(self) -> Mapping[str, Any]:
        """How many events wait, counted so far, how many of them for a next try, the age of the oldest."""
        with self.changing() as connection:
            return dict(self._ask(connection, "backlog", {"now": self.now(connection)}).mappings().one())

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _ask(self, connection: Connection, name: str, given: Mapping[str, Any]) -> CursorResult[Any]:
        query = (self._queries / f"{name}.sql").read_text(encoding="utf-8")
        return connection.execute(text(query), given)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the driver says, as ours."""
        try:
            yield
        except sqlalchemy.exc.DBAPIError as error:
            self._held_up = isinstance(error.orig, psycopg.errors.LockNotAvailable)
            failure = driver_failure(error.orig or error)
            said = failure.text if failure else str(error)
            shown = {"url": mask_url(self.url), "said": said}
            if failure is not None and failure.cause in (Cause.REFUSED, Cause.QUERY):
                msg = phrase("the event outbox {url} refuses a relay: {said}", **shown)
                hint = "check MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL, its queries and the rights of its role"
                raise ConfigurationError(msg, hint) from error
            msg = phrase("the event outbox {url} does not answer: {said}", **shown)
            hint = "it is tried again; check MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL if it stays away"
            raise SourceUnavailable(msg, hint) from error
