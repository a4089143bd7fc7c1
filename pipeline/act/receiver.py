"""One call to the company's own systems: a signed POST. A failure is one of the types of `tell.slack`.

Nothing that the other side does holds us up: a call ends after its time whatever drips in, little of the
answer is read, and no redirect is followed, because the address is the one that an engineer has set.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pipeline.act.signing import KEY, SIGNATURE, TIMESTAMP, signature
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused, read_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable

CALL_S: Final = 10.0
_READ: Final = 4_096
#: They ask for later: too many, too early, not now, or still at work on the same key.
_LATER: Final = (408, 409, 425, 429, 503)
_AGAIN: Final = "then `minuterisk incidents action retell ACTION`"
_HINTS: Final = {
    401: f"the receiver does not know the signature: compare MINUTERISK_ACTION_SECRET, {_AGAIN}",
    403: f"the receiver does not know the signature: compare MINUTERISK_ACTION_SECRET, {_AGAIN}",
    404: f"correct MINUTERISK_ACTION_URL, {_AGAIN}",
    410: f"the receiver is gone for good: correct MINUTERISK_ACTION_URL, {_AGAIN}",
}


class Receiver:
    """The address that is told of actions. Raises only DeliveryError; no secret stands in one."""

    def __init__(
        self, url: str, secret: str, clock: Callable[[], float] = time.time, timeout_s: float = CALL_S
    ) -> None:
        self._url, self._secret = urlsplit(url), secret
        self._clock, self._timeout_s = clock, timeout_s

    def send(self, key: str, body: bytes) -> None:
        """Tell it once; returns where it was taken."""
        failure: DeliveryError | None = None
        connection = self._connection()
        try:
            status, headers = self._answer(connection, key, body)
            failure = _failure_of(status, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure = _classified(error)
        finally:
            connection.close()
        if failure is not None:  # out here, so that an error that may quote the answer is not chained to ours
            raise failure

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)

    def _answer(
        self, connection: http.client.HTTPConnection, key: str, body: bytes
    ) -> tuple[int, dict[str, str]]:
        until = time.monotonic() + self._timeout_s
        connection.connect()
        # Each read has a timeout of its own, so one that drips would never end: the clock ends the call.
        answered = Event()
        Thread(target=_hang_up, args=(connection, answered, until), daemon=True).start()
        try:
            connection.request("POST", self._path, body, self._headers(key, body))
            answer = connection.getresponse()
            if time.monotonic() >= until:  # headers that were cut look like headers that ended
                raise TimeoutError
            with suppress(OSError, http.client.HTTPException):  # the status has been said
                answer.read(_READ)
            return answer.status, dict(answer.getheaders())
        finally:
            answered.set()

    @property
    def _path(self) -> str:
        return (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "minuterisk",
            KEY: key,
            TIMESTAMP: str(timestamp),
            SIGNATURE: signature(self._secret, timestamp, body),
        }


def _hang_up(connection: http.client.HTTPConnection, answered: Event, until: float) -> None:
    if answered.wait(max(until - time.monotonic(), 0.0)):
        return
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _failure_of(status: int, headers: dict[str, str]) -> DeliveryError | None:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
        return None
    code = f"HTTP {status}"
    if status in _LATER:
        return NotPosted(code, read_retry_after(headers))
    if 300 <= status < 400:  # noqa: PLR2004
        hint = (
            f"it leads elsewhere, which is not followed: set MINUTERISK_ACTION_URL to that address, {_AGAIN}"
        )
        return Refused(code, hint)
    if 400 <= status < 500:  # noqa: PLR2004
        return Refused(code, _HINTS.get(status, f"see the receiver's log, {_AGAIN}"))
    return PerhapsPosted(code)


def _classified(error: Exception) -> DeliveryError:
    """Only a failure to connect proves that nothing was sent."""
    known = {
        ConnectionRefusedError: "connection refused",
        socket.gaierror: "host name not found",
        ssl.SSLCertVerificationError: "certificate not accepted",
    }
    for kind, code in known.items():
        if isinstance(error, kind):
            return NotPosted(code)
    if isinstance(error, TimeoutError | http.client.RemoteDisconnected):
        return PerhapsPosted("no answer in time, or none at all")
    return PerhapsPosted(type(error).__name__)
