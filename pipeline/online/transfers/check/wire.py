"""The short way of a question: past the routes, and its answer leaves in one piece.

A thousand questions a second pay for every call to the operating system. The server writes head and body of
an answer one after the other; here they leave together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """An application whose one address is asked far more often than all others."""

    def __init__(self, path: str, answer: Callable[[Request], Awaitable[Response]], others: ASGIApp) -> None:
        self._path = path
        self._answer = answer  # raises nothing
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "POST":
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._others(scope, receive, send)


class Protocol(H11Protocol):
    """HTTP as the server speaks it; what it writes in one turn is sent at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(cast("asyncio.Transport", Joined(transport, self.loop)))

    def on_response_complete(self) -> None:
        """An answer is whole."""
        cast("Joined", self.transport).flush()
        super().on_response_complete()


class Joined:
    """A transport that gathers what is written until the turn ends, or until it is told that it is all."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the transport has it
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it, soon."""
        if not self._gathered:
            self._loop.call_soon(self.flush)
        self._gathered.append(data)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._transport.write(b"".join(gathered))

    def close(self) -> None:
        """End the connection, once all is sent."""
        self.flush()
        self._transport.close()
