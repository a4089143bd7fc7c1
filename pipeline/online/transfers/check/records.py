"""What checks answer is recorded, many at once, over the one connection that holds the right to check.

That right is an advisory lock of the session: who loses the connection has lost the right, and nothing that
could not be recorded is answered by the rules.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import psycopg
import sqlalchemy
import structlog
from psycopg.rows import dict_row
from sqlalchemy import text

from pipeline.desk.roles import allowed_roles
from pipeline.errors.secrets import clean
from pipeline.online.transfers.check.book import KEPT
from pipeline.store.database import SESSION_OPTIONS
from queries import sql

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.online.transfers.check.asked import Asked

    Connection = psycopg.AsyncConnection[dict[str, Any]]

log = structlog.get_logger()

#: Key of the advisory lock of the process that checks ("checks" in ASCII).
LOCK: Final = 0x636865636B73
#: So many answers go into one transaction.
AT_ONCE: Final = 250
#: Whether another process still checks is looked at so often.
STANDBY_S: Final = 0.5
#: What time releases is written so often.
SWEEP_S: Final = 5.0
#: A statement that takes longer is ended: nobody waits for it any more.
_LONGEST_MS: Final = 5_000
_AGAIN_S: Final = (0.1, 2.0)
#: While the database is away, so many answers of the fallback are kept to be recorded.
MOST_KEPT: Final = 100_000


_DIALECT: Final = sqlalchemy.make_url("postgresql+psycopg://").get_dialect()()


class Unrecorded(Exception):
    """The database did not take it; nothing is known to stand there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the database says of a check that was to be recorded."""

    usable: bool  # may the key still check
    recorded: bool  # it stands there since now
    content_sha256: str | None  # of an earlier check of the same id
    answer: Mapping[str, Any] | None  # of that one
    booked: bool  # its event has happened already


@dataclass(slots=True)
class _Job:
    """A query that waits for its turn."""

    query: str
    given: Mapping[str, Any]
    done: Future[Sequence[Mapping[str, Any]]]


class Records:
    """One per process. `on_lead` gets what earlier checks still hold, once this process may check.

    A process that only `watches` never takes the right to check.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        on_lead: Callable[[Sequence[Mapping[str, Any]]], None] = lambda _: None,
        *,
        watches: bool = False,
    ) -> None:
        self._watches = watches
        self._url = url
        self._clock = clock
        self._on_lead = on_lead
        self._checks: deque[tuple[Asked, Future[Outcome]]] = deque()
        self._fallbacks: deque[Asked] = deque(maxlen=MOST_KEPT)
        self._booked: list[str] = []
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self.leads = False

    def put(self, asked: Asked) -> Future[Outcome]:
        """Record an answer of the rules; the future raises Unrecorded where that fails."""
        done: Future[Outcome] = asyncio.get_running_loop().create_future()
        self._checks.append((asked, done))
        self._wake.set()
        return done

    def put_fallback(self, asked: Asked) -> None:
        """Record an answer of the fallback, when the database takes it."""
        self._fallbacks.append(asked)
        self._wake.set()

    def put_booked(self, transfer_ids: Iterable[str]) -> None:
        """Record which reservations a booked event has replaced."""
        self._booked += transfer_ids
        self._wake.set()

    async def ask(self, query: str, /, **given: object) -> Sequence[Mapping[str, Any]]:
        """Run a query of the pack in turn. Raises Unrecorded."""
        job = _Job(query, given, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._wake.set()
        return await job.done

    async def run(self) -> None:
        """Until cancelled: connect, wait for the right to check, and record."""
        wait_s = _AGAIN_S[0]
        while True:
            try:
                async with await self._connect() as connection:
                    wait_s = _AGAIN_S[0]
                    await self._work(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("checks.database_away", error=clean(str(error)))
            finally:
                self.leads = False
                self._give_up()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _AGAIN_S[1])

    async def _connect(self) -> Connection:
        options = f"{SESSION_OPTIONS} -c statement_timeout={_LONGEST_MS} -c jit=off"
        connection: Connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=0,  # planning costs more than running
            connect_timeout=5,
            application_name="minuterisk checks",
            options=options,
        )
        return connection

    async def _work(self, connection: Connection) -> None:
        loop, swept = asyncio.get_running_loop(), 0.0
        while True:
            if not (self.leads or self._watches):
                await self._lead(connection)
            with_time = loop.time()
            if self.leads and with_time - swept >= SWEEP_S:
                await _run(connection, "release_by_time", now=self._clock())
                swept = with_time
            self._wake.clear()
            if not await self._turn(connection):
                try:
                    async with asyncio.timeout(SWEEP_S if self.leads else STANDBY_S):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _lead(self, connection: Connection) -> None:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS held", (LOCK,))
        row = await cursor.fetchone()
        if row is not None and row["held"]:
            self._on_lead(await _run(connection, "live_checks", since=self._clock() - KEPT))
            self.leads = True
            log.info("checks.lead")

    async def _turn(self, connection: Connection) -> bool:
        """Do what waits, answers first; was there anything?"""
        checks = [self._checks.popleft() for _ in range(min(len(self._checks), AT_ONCE))]
        if checks:
            await self._record(connection, checks)
        elif self._jobs:
            await self._do(connection, self._jobs.popleft())
        elif self._fallbacks:
            await self._record_fallbacks(connection)
        elif self._booked and self.leads:
            booked = self._booked[:AT_ONCE]
            given = {"transfer_ids": booked, "now": self._clock(), "by": "booked"}
            await _run(connection, "release_checks", **given)
            del self._booked[: len(booked)]
        else:
            return False
        return True

    async def _record(self, connection: Connection, checks: Sequence[tuple[Asked, Future[Outcome]]]) -> None:
        waiting = [(asked, done) for asked, done in checks if not done.done()]  # the others gave up
        if not waiting:
            return
        try:
            found = await self._outcomes(connection, [asked for asked, _ in waiting])
        except psycopg.DataError:  # one of them, and not the others
            if len(waiting) > 1:
                for one in waiting:
                    await self._record(connection, [one])
                return
            log.exception("checks.not_storable")
            _fail(done for _, done in waiting)
            return
        except (psycopg.Error, OSError):
            _fail(done for _, done in waiting)
            raise
        for asked, done in waiting:
            if not done.done():
                done.set_result(found[asked.transfer_id])

    async def _outcomes(self, connection: Connection, checks: Sequence[Asked]) -> dict[str, Outcome]:
        rows = await _run(
            connection,
            "record_checks",
            checks=json.dumps([asked.as_row() for asked in checks]),
            now=self._clock(),
            roles=sorted(allowed_roles("check")),
        )
        return {row.pop("transfer_id"): Outcome(**row) for row in rows}

    async def _record_fallbacks(self, connection: Connection) -> None:
        some = [self._fallbacks[place] for place in range(min(len(self._fallbacks), AT_ONCE))]
        once = {asked.transfer_id: asked for asked in some}
        try:
            checks = json.dumps([asked.as_row() for asked in once.values()])
            await _run(connection, "record_fallbacks", checks=checks)
        except psycopg.DataError:
            log.exception("checks.not_storable", checks=len(some))
        for asked in some:
            self._fallbacks.popleft()
            asked.settled = None

    async def _do(self, connection: Connection, job: _Job) -> None:
        try:
            found = await _run(connection, job.query, **job.given)
        except psycopg.DataError:  # what it asks for is nothing that could stand there; the others go on
            log.exception("checks.not_storable")
            _fail([job.done])
            return
        except (psycopg.Error, OSError):
            _fail([job.done])
            raise
        if not job.done.done():
            job.done.set_result(found)

    def _give_up(self) -> None:
        """The connection is gone: whoever waits is told."""
        _fail(done for _, done in self._checks)
        _fail(job.done for job in self._jobs)
        self._checks.clear()
        self._jobs.clear()


def _fail(futures: Iterable[Future[Any]]) -> None:
    for done in futures:
        if not done.done():
            done.set_exception(Unrecorded())


async def _run(connection: Connection, query: str, /, **given: object) -> list[dict[str, Any]]:
    cursor = await connection.execute(_statement(query), given)
    return [] if cursor.description is None else await cursor.fetchall()


@cache
def _statement(query: str) -> bytes:
    """A query of the pack as the driver takes it."""
    compiled = text(sql(f"transfers/ops/{query}")).compile(dialect=_DIALECT)
    return str(compiled).encode()
