"""The addresses of `minuterisk serve`: the check, events handed in, what fires, and whether all is well."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.online.transfers.check.answers import NO_STORE, error_answer, json_answer
from pipeline.online.transfers.check.asked import RULES
from pipeline.online.transfers.check.checks import KeyEnded
from pipeline.online.transfers.check.feed import MOST_ALERTS
from pipeline.online.transfers.check.page import page_routes
from pipeline.online.transfers.check.read import MOST_BATCH_BYTES, MOST_BYTES, TooLarge, intended, object_of
from pipeline.online.transfers.check.wire import Front

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from pipeline.online.transfers.check.book import Book
    from pipeline.online.transfers.check.callers import Callers
    from pipeline.online.transfers.check.checks import Checks
    from pipeline.online.transfers.check.counts import Counts
    from pipeline.online.transfers.check.feed import Feed
    from pipeline.online.transfers.check.hand_in import HandIn
    from pipeline.online.transfers.check.pace import Rate
    from pipeline.online.transfers.check.records import Records
    from pipeline.online.transfers.check.state import Known

    Endpoint = Callable[[Request], Awaitable[Response]]
    Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

log = structlog.get_logger()

#: Whoever sends a question more slowly holds a connection, and nothing else.
LONGEST_S: Final = 10.0
#: Whether somebody may still look is asked again so often while they do.
LOOK_AGAIN_S: Final = 30.0
_FEW: Final = 100
_CHECK: Final = "/v1/check"
_MOST_DIGITS: Final = 18  # that the database takes


@dataclass(frozen=True, slots=True)
class Parts:
    """What the addresses work with."""

    callers: Callers
    checks: Checks
    book: Book
    records: Records
    known: Known
    hand_in: HandIn
    feed: Feed
    counts: Counts
    rate: Rate
    not_after: Callable[[], datetime]  # no event is later than this
    language: str
    dashboard_url: str


class Serve:
    """The routes of a process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        dashboard = urlsplit(parts.dashboard_url)
        self._dashboard = f"{dashboard.scheme}://{dashboard.netloc}"

    def application(self, lifespan: Lifespan) -> ASGIApp:
        """All of it."""
        routes = [
            self._route(_CHECK, self._check, "POST"),  # for whoever asks by another method
            self._route("/v1/check/{transfer_id:path}", self._release, "DELETE"),
            self._route("/v1/events", self._events, "POST"),
            self._route("/v1/alerts", self._alerts, "GET"),
            self._route("/v1/feed", self._feed, "GET"),
            self._route("/health", self._health, "GET"),
            self._route("/metrics", self._metrics, "GET"),
            *page_routes(self._route, self._parts.callers, self._parts.language, self._dashboard),
            Route("/{rest:path}", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
        return Front(_CHECK, _answered(_CHECK, self._check), Starlette(routes=routes, lifespan=lifespan))

    def _route(self, path: str, answer: Endpoint, method: str) -> Route:
        return Route(path, _answered(path, answer), methods=[method])

    async def _check(self, request: Request) -> Response:
        parts, began_s = self._parts, asyncio.get_running_loop().time()
        actor = await parts.callers.checker(request)
        parts.rate.take(actor.credential, began_s)
        event = intended(object_of(await body_of(request, MOST_BYTES)), parts.not_after())
        try:
            answer = await parts.checks.check(event, int(actor.credential), began_s)
        except KeyEnded:
            parts.callers.ended(actor)
            await parts.callers.checker(request)  # says why
            answer = await parts.checks.check(event, int(actor.credential), began_s)
        return json_answer(answer)

    async def _release(self, request: Request) -> Response:
        await self._parts.callers.key(request, "check", "payment")
        return json_answer(await self._parts.checks.release(request.path_params["transfer_id"]))

    async def _events(self, request: Request) -> Response:
        await self._parts.callers.key(request, "check", "payment")
        body = await body_of(request, MOST_BATCH_BYTES)
        return json_answer(await asyncio.to_thread(self._parts.hand_in.take, body, self._parts.not_after()))

    async def _alerts(self, request: Request) -> Response:
        await self._parts.callers.looker(request)
        at_most = min(max(_number(request, "limit") or _FEW, 1), MOST_ALERTS)
        alerts = await asyncio.to_thread(self._parts.feed.alerts, at_most, _number(request, "after"))
        return json_answer({"alerts": alerts}, headers=self._shared(request))

    async def _feed(self, request: Request) -> Response:
        await self._parts.callers.looker(request)
        after = _number(request, "after")
        last = request.headers.get("last-event-id", "")
        if _is_number(last):
            after = int(last)
        headers = {**NO_STORE, "x-accel-buffering": "no", **self._shared(request)}
        return StreamingResponse(self._seen(request, after), 200, headers, "text/event-stream")

    async def _seen(self, request: Request, after: int | None) -> AsyncIterator[bytes]:
        """The feed, as long as whoever asked may look."""
        loop = asyncio.get_running_loop()
        checked_s = loop.time()
        async for event in self._parts.feed.events(after):
            if loop.time() - checked_s > LOOK_AGAIN_S:
                checked_s = loop.time()
                try:
                    await self._parts.callers.looker(request)
                except UsageError:
                    return
            yield event

    async def _health(self, _request: Request) -> Response:
        parts = self._parts
        leads, doubt = parts.records.leads, parts.known.doubt_at(parts.checks.now())
        decided_by = RULES if leads and doubt is None else "fallback"
        said = {"checks": leads, "doubt": doubt, "stale_ms": parts.known.stale_ms}
        return json_answer({"status": "ok", "decided_by": decided_by, **said})

    async def _metrics(self, request: Request) -> Response:
        await self._parts.callers.looker(request)
        counts = self._parts.counts
        counts.stale.set(self._parts.known.stale_ms / 1000)
        counts.held.set(self._parts.book.held)
        counts.lookers.set(self._parts.feed.lookers)
        return Response(counts.text(), 200, NO_STORE, "text/plain; version=0.0.4")

    async def _nothing(self, _request: Request) -> Response:
        known = "/v1/check, /v1/events, /v1/alerts, /v1/feed, /live, /health, /metrics"
        return json_answer({"error": "there is no such address", "next": f"known are {known}"}, 404)

    def _shared(self, request: Request) -> Mapping[str, str]:
        """The dashboard's page may read what its people may; it stands at another port."""
        if request.headers.get("origin") != self._dashboard:
            return {"vary": "origin"}
        return {
            "access-control-allow-origin": self._dashboard,
            "access-control-allow-credentials": "true",
            "vary": "origin",
        }


async def body_of(request: Request, most_bytes: int) -> bytes:
    """What was sent. Raises TooLarge, and UsageError where it came too slowly."""
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_S):
            async for piece in request.stream():
                body += piece
                if len(body) > most_bytes:
                    msg = phrase("the question is larger than {most} bytes", most=most_bytes)
                    raise TooLarge(msg, "send less at once")
    except (TimeoutError, ClientDisconnect) as error:
        what = "the question did not come to its end"
        raise UsageError(what, "send it again") from error
    return bytes(body)


def _answered(path: str, answer: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Exception as error:  # noqa: BLE001 - every error is an answer
            return error_answer(error, path)

    return endpoint


def _number(request: Request, name: str) -> int | None:
    given: Any = request.query_params.get(name)
    if given is None:
        return None
    if not _is_number(given):
        raise UsageError(phrase("{name} is no number", name=name), "leave it out, or write digits")
    return int(given)


def _is_number(text: str) -> bool:
    """Digits, and no more of them than the database takes."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS
