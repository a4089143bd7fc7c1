"""What fires, as it is seen: the latest hits, and those that come, sent to everybody who looks.

However many look, the database is asked once, and each hit is put into words once.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import text

from pipeline.errors import MinuteriskError
from queries import sql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from datetime import datetime

    from pipeline.store.state import State

log = structlog.get_logger()

#: While somebody looks, new hits are asked for so often.
POLL_S: Final = 0.25
#: Without anything new, whoever looks hears that the feed is there so often.
BEAT_S: Final = 5.0
MOST_ALERTS: Final = 1_000
#: Corrections may be committed out of the order of their times, by so much.
_OVERLAP: Final = timedelta(seconds=30)
#: So many messages wait for whoever is too slow; then the connection ends, and goes on with a new one.
_MOST_WAITING: Final = 2_000
_AGAIN_S: Final = 1.0
#: Says that hits are missing, because there were too many: read /v1/alerts again.
RESET: Final = b"event: reset\ndata: {}\n\n"


_Rows = list[dict[str, Any]]


class Feed:
    """One per process."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: set[asyncio.Queue[tuple[int, bytes]]] = set()
        self._somebody = asyncio.Event()
        self._at: tuple[int, datetime] | None = None  # the newest hit that was sent, and of corrections when
        self._beginning = asyncio.Lock()
        self._corrected: dict[int, datetime] = {}  # hits whose correction was told

    @property
    def lookers(self) -> int:
        """How many look."""
        return len(self._waiting)

    def alerts(self, at_most: int, after: int | None = None) -> list[dict[str, Any]]:
        """The latest hits, newest first. Blocks."""
        with self._state.reading() as connection:
            given = {"after": after, "at_most": at_most}
            rows = connection.execute(text(sql("transfers/ops/alerts")), given).mappings()
            return [_alert(dict(row)) for row in rows]

    async def events(self, after: int | None) -> AsyncIterator[bytes]:
        """Hits after that one (None: from now on), as server-sent events, until whoever looks goes."""
        with self._looking() as waiting:
            yield b"retry: 1000\n\n"
            await self._follow()
            sent = -1
            if after is not None:
                sent = after
                missed = await asyncio.to_thread(self.alerts, MOST_ALERTS, after)
                if len(missed) == MOST_ALERTS:
                    yield RESET
                for alert in reversed(missed):
                    sent = max(sent, alert["number"])
                    yield hit_event(alert)
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        number, event = await waiting.get()
                except TimeoutError:
                    yield b"event: beat\ndata: {}\n\n"
                    continue
                if number == _ENDED:
                    return
                if number == _NO_NUMBER or number > sent:
                    yield event

    async def run(self) -> None:
        """Until cancelled: while somebody looks, ask for what is new."""
        while True:
            if not self._waiting:
                self._at = None
                self._somebody.clear()
                await self._somebody.wait()
            try:
                if self._at is not None:
                    self._at = await self._poll(*self._at)
            except MinuteriskError as error:
                log.warning("feed.database_away", what=error.what)
                await asyncio.sleep(_AGAIN_S)
            except Exception:
                log.exception("feed.fault")
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(POLL_S)

    async def _poll(self, newest: int, since: datetime) -> tuple[int, datetime]:
        hits, corrected, clock = await asyncio.to_thread(self._news, newest, since)
        for alert in reversed(hits):
            newest = max(newest, alert["number"])
            self._send(alert["number"], hit_event(alert))
        for row in corrected:
            if row["number"] not in self._corrected:
                self._send(_NO_NUMBER, _event("corrected", row))
            self._corrected[row["number"]] = row["corrected_at"]
        since = max(since, clock - _OVERLAP)
        self._corrected = {one: at for one, at in self._corrected.items() if at >= since}
        return newest, since

    async def _follow(self) -> None:
        """What comes from here on is sent. What was before is asked for only then, so nothing is lost."""
        async with self._beginning:
            if self._at is None:
                self._at = await asyncio.to_thread(self._begin)

    def _begin(self) -> tuple[int, datetime]:
        """Where to go on from."""
        latest = self.alerts(1)
        return (latest[0]["number"] if latest else 0), self._state.clock()

    def _news(self, after: int, since: datetime) -> tuple[_Rows, _Rows, datetime]:
        hits = self.alerts(MOST_ALERTS, after)
        with self._state.reading() as connection:
            given = {"since": since, "at_most": MOST_ALERTS}
            rows = connection.execute(text(sql("transfers/ops/alerts_corrected")), given).mappings()
            return hits, [dict(row) for row in rows], self._state.now(connection)

    def _send(self, number: int, event: bytes) -> None:
        for waiting in list(self._waiting):
            if waiting.qsize() >= _MOST_WAITING:
                self._waiting.discard(waiting)
                while not waiting.empty():
                    waiting.get_nowait()
                waiting.put_nowait((_ENDED, b""))
            else:
                waiting.put_nowait((number, event))

    @contextmanager
    def _looking(self) -> Iterator[asyncio.Queue[tuple[int, bytes]]]:
        waiting: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._waiting.add(waiting)
        self._somebody.set()
        try:
            yield waiting
        finally:
            self._waiting.discard(waiting)


#: In the place of a hit's number: a message that is sent to everybody, and the end.
_NO_NUMBER: Final = -1
_ENDED: Final = -2


def hit_event(alert: Mapping[str, Any]) -> bytes:
    """A hit as a server-sent event."""
    return f"id: {alert['number']}\n".encode() + _event("hit", alert)


def _event(name: str, content: Mapping[str, Any]) -> bytes:
    # JSON on one line: a line break in a name is escaped there.
    body = json.dumps(dict(content), ensure_ascii=False, separators=(",", ":"), default=_plain)
    return f"event: {name}\ndata: {body}\n\n".encode(errors="backslashreplace")


def _alert(row: Mapping[str, Any]) -> dict[str, Any]:
    said = json.loads(row["explanation"]).get("say", {})
    return {**{name: value for name, value in row.items() if name != "explanation"}, "say": said}


def _plain(value: Any) -> str:  # noqa: ANN401 - what JSON has no type for
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
