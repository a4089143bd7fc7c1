"""The process of `minuterisk serve`: everything put together, and served until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from pipeline.alarms import Alarms
from pipeline.desk.people.entrance import Entrance
from pipeline.errors import MinuteriskError, UsageError
from pipeline.online.transfers.check.app import Parts, Serve
from pipeline.online.transfers.check.book import Book
from pipeline.online.transfers.check.callers import Callers, is_local
from pipeline.online.transfers.check.checks import BUDGET_S, Checks
from pipeline.online.transfers.check.counts import Counts
from pipeline.online.transfers.check.feed import Feed
from pipeline.online.transfers.check.follow import Follower
from pipeline.online.transfers.check.hand_in import HandIn
from pipeline.online.transfers.check.pace import Rate
from pipeline.online.transfers.check.reader import Reader
from pipeline.online.transfers.check.records import Records
from pipeline.online.transfers.check.state import Known
from pipeline.online.transfers.check.wire import Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
    from typing import Any
    from zoneinfo import ZoneInfo

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

log = structlog.get_logger()

#: Events that are so far ahead of the clock of the database are none.
AHEAD: Final = timedelta(seconds=2)
SWEEP_S: Final = 1.0
#: A thread that computes gives way to a question after so long; Python's own 5 ms are too many.
_GIVE_WAY_S: Final = 0.0005
_LONGEST_END_S: Final = 3
#: Of the business day.
REJUDGE_HOUR: Final = 5
_PRIORITY: Final = 10  # added to the process's own, of 19


@dataclass(slots=True)
class Running:
    """What a process of `serve` is made of."""

    entrance: Entrance
    state: State
    book: Book
    known: Known
    follower: Follower
    records: Records
    checks: Checks
    feed: Feed
    application: ASGIApp
    zone: ZoneInfo
    feed_only: bool


def put_together(
    settings: Settings,
    state: State,
    lake: Lake,
    entrance: Entrance,
    budget_s: float = BUDGET_S,
    *,
    feed_only: bool = False,
) -> Running:
    """Everything, with nothing running yet. Called within the event loop that serves it.

    One that is `feed_only` never takes the right to check; the fallback answers what it is asked.
    """
    loop = asyncio.get_running_loop()
    book, counts, feed = Book(), Counts(), Feed(state)
    known = Known(settings.business_timezone, settings.language, loop.time)
    on_lead: list[Checks] = []

    def lead(rows: Sequence[Mapping[str, Any]]) -> None:
        on_lead[0].remember(rows)

    def source_clock() -> datetime:
        return utc_now() + follower.ahead

    records = Records(state.url, source_clock, lead, watches=feed_only)

    def booked(transfer_ids: Iterable[str]) -> None:
        records.put_booked(book.booked(transfer_ids))

    watched = settings.intake == "source"  # then the watch brings the events
    follower = Follower(known, Reader(state, lake), utc_now, booked, watched=watched)
    on_doubt = settings.on_doubt
    checks = Checks(known, book, records, on_doubt, source_clock, tell=counts.answered, budget_s=budget_s)
    on_lead.append(checks)
    hand_in = HandIn(state, Alarms(state.engine, state.url, state.pack), counts)
    parts = Parts(
        callers=Callers(entrance),
        checks=checks,
        book=book,
        records=records,
        known=known,
        hand_in=hand_in,
        feed=feed,
        counts=counts,
        rate=Rate(settings.max_rate),
        not_after=lambda: source_clock() + AHEAD,
        language=settings.language,
        dashboard_url=settings.dashboard_url,
    )
    application = Serve(parts).application(_nothing)
    return Running(
        entrance,
        state,
        book,
        known,
        follower,
        records,
        checks,
        feed,
        application,
        settings.business_timezone,
        feed_only,
    )


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


@asynccontextmanager
async def working(running: Running) -> AsyncIterator[None]:
    """The work beside the questions goes on inside."""
    gc.freeze()  # what was imported stays
    jobs: list[Coroutine[Any, Any, None]] = [running.records.run(), running.feed.run()]
    if not running.feed_only:  # else it needs to know no events
        jobs += [running.follower.run(), _sweep(running), _rejudge(running)]
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        gc.unfreeze()  # else what is left at the end of the process is called a leak


async def _sweep(running: Running) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        running.book.sweep(running.checks.now())


async def _rejudge(running: Running) -> None:
    """Every night the day's checks are judged again, by a process of its own at low priority."""
    zone = running.zone
    while True:
        now = datetime.now(zone)
        due = now.replace(hour=REJUDGE_HOUR, minute=0, second=0, microsecond=0)
        due += timedelta(days=1) if due <= now else timedelta()
        await asyncio.sleep((due - now).total_seconds())
        if not running.records.leads:
            continue
        command = (sys.executable, "-m", "pipeline.cli", "rejudge", "--json")
        process = await asyncio.create_subprocess_exec(*command, preexec_fn=_stand_back)
        log.info("checks.rejudged", exit_code=await process.wait())


def _stand_back() -> None:
    os.nice(_PRIORITY)


@asynccontextmanager
async def _nothing(_app: Starlette) -> AsyncIterator[None]:
    yield


def serve(
    settings: Settings, state: State, lake: Lake, address: str, port: int, *, feed_only: bool = False
) -> None:
    """Serve until stopped."""
    entrance = Entrance(settings, local=is_local(address))
    listening = listen(address, port)
    sys.setswitchinterval(_GIVE_WAY_S)
    try:
        running = partial(put_together, settings, state, lake, entrance, feed_only=feed_only)
        asyncio.run(_serve(running, listening))
    finally:
        entrance.close()
        listening.close()


async def _serve(made: Callable[[], Running], listening: socket.socket) -> None:
    running = made()
    server = server_of(running.application)
    with _ending():
        async with working(running):
            await server.serve(sockets=[listening])
    if not server.started:
        msg = "minuterisk serve could not start"
        raise MinuteriskError(msg, "see the lines above")


def server_of(application: ASGIApp, longest_end_s: int = _LONGEST_END_S) -> uvicorn.Server:
    """The server of an application, for a socket that listens."""
    config = uvicorn.Config(
        application,
        http=Protocol,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=longest_end_s,
    )
    return uvicorn.Server(config)


@contextmanager
def _ending() -> Iterator[None]:
    """The server sends itself once more what has ended it."""
    before = {ends: signal.signal(ends, lambda *_: None) for ends in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for ends, handler in before.items():
            signal.signal(ends, handler)


def listen(address: str, port: int) -> socket.socket:
    """The socket, or why there is none."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is sent leaves at once. Else the end of an answer waits for its beginning to arrive.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((address, port))
    except OSError as error:
        msg = f"minuterisk serve cannot listen on {address} port {port}: {error.strerror or error}"
        raise UsageError(msg, "choose another: --port, or MINUTERISK_SERVE_PORT") from error
    return listening
