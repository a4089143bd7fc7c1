"""A socket to Slack (Socket Mode) that stays: no address of ours is reachable from outside.

The SDK's own clients were tried against cut sockets: the built-in one notices after 25 to 30 seconds; the one
on websocket-client opens another after half a second, but tries every five seconds once that failed, takes
ten to close and never looks whether pings are answered. Who presses a button meanwhile is warned by Slack.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from random import Random
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final

import structlog
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from websockets.sync.client import ClientConnection

log = structlog.get_logger()

#: Slack is asked whether it is still there, and has so long to answer.
PING_S: Final = 10.0
CONNECT_S: Final = 10.0
#: Waits between tries to connect: half a second, doubling, with jitter.
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
#: Envelopes that are kept at the same time.
WORKERS: Final = 8
LARGEST: Final = 4 << 20  # bytes of an envelope


@dataclass(frozen=True, slots=True)
class Heard:
    """An envelope that came through a socket."""

    kind: str  # interactive, slash_commands, events_api
    payload: Mapping[str, Any]
    number: str
    _connection: ClientConnection

    def acknowledge(self) -> None:
        """Tell Slack that it arrived. Where the socket has gone it may come again, and is still one."""
        with suppress(WebSocketException, OSError):
            self._connection.send(json.dumps({"envelope_id": self.number}))


class Socket:
    """Holds one socket open until it is closed; `hear` gets every envelope, several at the same time.

    Asked for another socket, it opens that before it lets the old one go, on which Slack may still send.
    """

    def __init__(self, address: Callable[[], str], hear: Callable[[Heard], None]) -> None:
        self._address = address
        self._hear = hear
        self._ending = Event()
        self._wanted = Event()
        self._lock = Lock()
        self._open: list[ClientConnection] = []  # those that Slack sends on
        self._seen_at = time.monotonic()
        self._random = Random()  # noqa: S311 - jitter
        self._workers = ThreadPoolExecutor(WORKERS, "hear")
        self._keeper = Thread(target=self._keep, name="socket", daemon=True)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._keeper.start()

    @property
    def away_s(self) -> float:
        """For so long nothing could be heard."""
        with self._lock:
            return 0.0 if self._open else time.monotonic() - self._seen_at

    def close(self) -> None:
        """Hang up, after what is in hand."""
        self._ending.set()
        self._wanted.set()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.close()
        self._workers.shutdown(wait=True)
        if self._keeper.ident is not None:
            self._keeper.join(CONNECT_S)

    def _is_open(self) -> bool:
        with self._lock:
            return bool(self._open)

    def _keep(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._ending.is_set():
            if not self._is_open() and not self._connected():
                self._ending.wait(wait_s * self._random.uniform(0.5, 1))
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            wait_s = FIRST_WAIT_S
            self._wanted.wait()
            self._wanted.clear()

    def _connected(self) -> bool:
        tried = Event()
        Thread(target=self._listen, args=(tried,), name="socket-read", daemon=True).start()
        tried.wait()
        return self._is_open()

    def _listen(self, tried: Event) -> None:
        """One socket from its beginning to its end, which the keeper is told of."""
        connection: ClientConnection | None = None
        try:
            with self._connect() as connection:
                with self._lock:
                    self._open.append(connection)
                tried.set()
                for message in connection:
                    self._read(connection, message)
        except (MinuteriskError, WebSocketException, OSError, ValueError) as error:
            if connection is None:
                what = error.what if isinstance(error, MinuteriskError) else type(error).__name__
                log.warning("talk.not_connected", error=what)
        finally:
            if connection is not None:
                self._leave(connection)
            tried.set()

    def _connect(self) -> AbstractContextManager[ClientConnection]:
        return connect(
            self._address(),
            open_timeout=CONNECT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=1,
            max_size=LARGEST,
            user_agent_header="minuterisk",
        )

    def _read(self, connection: ClientConnection, message: str | bytes) -> None:
        try:
            content = json.loads(message)
        except ValueError:
            return
        if not isinstance(content, dict):
            return
        if content.get("type") == "disconnect":
            self._leave(connection)
            return
        number, payload = content.get("envelope_id"), content.get("payload")
        if isinstance(number, str) and isinstance(payload, dict):
            heard = Heard(str(content.get("type", "")), payload, number, connection)
            with suppress(RuntimeError):  # we are ending
                self._workers.submit(self._hear, heard)

    def _leave(self, connection: ClientConnection) -> None:
        """Slack sends nothing more on it, or soon will not: another one is wanted."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
                self._seen_at = time.monotonic()
        self._wanted.set()
