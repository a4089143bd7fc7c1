"""Alerts as they are stored, sent to open pages as server-sent events: one question for everybody.

Whoever comes, or comes back, is sent all that is shown; from then on what is new or was said anew. So nothing
has to be resumed, and a row that was corrected is a row that is sent again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.door import Door
from app.gate.answers import seen_of
from app.pages import load_page
from app.texts import LANGUAGES, texts_of
from app.transfers.feed.alerts import ASKED, FRESH_S, Alert, cells_of
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from app.texts import Texts
    from pipeline.desk.people.entrance import Entrance

log = structlog.get_logger()

PACK: Final = "transfers"
ADDRESS: Final = "/feed/stream"
QUERY: Final = "transfers/ops/app_alerts"
#: So often the database is asked, while anybody looks.
EVERY_S: Final = 0.5
#: So often an open page hears that the stream lives; one that is silent for more than twice that is lost.
BEAT_S: Final = 5.0
#: So often it is asked whether the session still stands.
VISIT_S: Final = 10.0
_LONGEST_AGO_S: Final = 30.0
_MOST_VIEWERS: Final = 500
_LONGEST_NAME: Final = 64

_lock = Lock()
_followed: Counter[str] = Counter()


def is_followed(viewer: str) -> bool:
    """Does the page of this viewer follow the stream at this moment? It then needs no table drawn anew."""
    with _lock:
        return _followed[viewer] > 0


@dataclass(slots=True)
class Listener:
    """One open page: what it was sent, in which words, and whose session it is."""

    token: str
    origin: str
    texts: Texts
    sent: dict[str, Alert] = field(default_factory=dict)
    seen: Sequence[Alert] | None = None
    visited: float = field(default_factory=time.monotonic)
    beaten: float = 0.0


class Feed:
    """The stream of one installation."""

    def __init__(self, entrance: Entrance, aside: Aside) -> None:
        self._entrance = entrance
        self._aside = aside
        self._door: Door | None = None
        self._asking = asyncio.Lock()
        self._asked = float("-inf")
        self._latest: tuple[Alert, ...] = ()

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application; the gate lets only those through who are signed in."""
        return [Route(ADDRESS, self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        if _followed.total() >= _MOST_VIEWERS:
            return Response("too many", 503)
        seen = seen_of(request)
        language = request.query_params.get("language", "")
        language = language if language in LANGUAGES else self._entrance.settings.language
        texts = texts_of(self._known_door().pack, load_page(PACK).words, language)
        listener = Listener(seen.cookie(), seen.address, texts)
        viewer = request.query_params.get("viewer", "")[:_LONGEST_NAME]
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._told(viewer, listener), 200, headers, "text/event-stream")

    async def _told(self, viewer: str, listener: Listener) -> AsyncIterator[str]:
        with _lock:
            _followed[viewer] += 1
        try:
            yield "retry: 2000\n\n"
            while not self._entrance.ending.is_set():
                if not await self._still_here(listener):
                    yield message("over", {})
                    return
                for part in await self._new(listener):
                    yield part
                await asyncio.sleep(EVERY_S)
        finally:
            with _lock:
                _followed[viewer] -= 1
                if _followed[viewer] <= 0:
                    del _followed[viewer]

    async def _still_here(self, listener: Listener) -> bool:
        now = time.monotonic()
        if now - listener.visited < VISIT_S:
            return True
        listener.visited = now
        visit = await self._aside(self._entrance.visit, listener.token, listener.origin)
        return visit.actor is not None

    async def _new(self, listener: Listener) -> list[str]:
        """What this page was not told yet; a beat where that is nothing and the last one was a while ago."""
        now = time.monotonic()
        try:
            latest = await self.latest()
        except MinuteriskError as error:
            listener.seen = None
            what, _ = error.in_language(listener.texts.language)
            return [message("away", {"what": what})]
        before, order = list(listener.sent), [alert.transfer_id for alert in latest]
        told = changed(listener, latest)
        if not told and listener.seen is latest and now - listener.beaten < BEAT_S:
            return []
        listener.seen, listener.beaten = latest, now
        clock, zone = self._entrance.clock(), self._entrance.settings.business_timezone
        rows = [cells_of(alert, listener.texts, zone, clock) for alert in told]
        said = {"rows": rows, "order": order} if told or order != before else {}
        return [message("alerts", {**said, "clock": f"{clock.astimezone(zone):%H:%M:%S}"})]

    async def latest(self) -> tuple[Alert, ...]:
        """The latest alerts, asked for once however many look. Raises what the database raises."""
        async with self._asking:
            if time.monotonic() - self._asked >= EVERY_S / 2:
                # Where the last look was long ago, what came since is shown as well.
                ago = min(time.monotonic() - self._asked, _LONGEST_AGO_S)
                found = await self._aside(self._read, FRESH_S + ago)
                self._asked = time.monotonic()
                if found != self._latest:
                    self._latest = found
            return self._latest

    def _read(self, seconds: float) -> tuple[Alert, ...]:
        return tuple(Alert(**row) for row in self._known_door().rows(QUERY, {**ASKED, "seconds": seconds}))

    def _known_door(self) -> Door:
        if self._door is None:
            self._door = Door(self._entrance.settings.of(PACK))
        return self._door


def changed(listener: Listener, latest: Sequence[Alert]) -> list[Alert]:
    """The alerts that a page was not sent as they are now, and what it was sent from now on."""
    if listener.seen is latest:
        return []
    told = [alert for alert in latest if listener.sent.get(alert.transfer_id) != alert]
    listener.sent = {alert.transfer_id: alert for alert in latest}
    return told


def message(event: str, content: Mapping[str, Any]) -> str:
    """One server-sent event. JSON has no line end of its own, so a name can begin no field."""
    return f"event: {event}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"


def routes(entrance: Entrance, aside: Aside) -> Sequence[BaseRoute]:
    """What the page of this pack asks for by itself."""
    return Feed(entrance, aside).routes
