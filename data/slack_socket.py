"""Socket Mode of the stand-in: WebSockets that carry envelopes to the app, and their faults.

An envelope goes to one of the open sockets and waits for the app's acknowledgement. One whose socket was cut
before that goes to another one, the same envelope again. Who presses a button sees a warning where nothing
was acknowledged in time, as in Slack; events come again up to three times.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from data.slack_workspace import APP

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.server import ServerConnection

Json = dict[str, Any]

PATIENCE_S: Final = 3.0  # Slack's own
RETRIES: Final = 3  # of an event
WATCH_S: Final = 0.02
HELD_BACK_S: Final = 0.3
AGAIN_S: Final = 0.2
#: Faults that end the socket an envelope was meant for, or went out on.
CUTS: Final = ("cut_before", "cut_after", "refresh")


@dataclass(slots=True, eq=False)
class Envelope:
    """Something that the app is told, until it has acknowledged it."""

    kind: str  # interactive, slash_commands, events_api
    payload: Json
    accepts_response: bool = False
    number: str = field(default_factory=lambda: str(uuid4()))
    fault: str = ""
    sent: list[float] = field(default_factory=list)  # when it was delivered, each time
    acknowledged: threading.Event = field(default_factory=threading.Event)
    warned: bool = False  # the person was told that the app does not answer
    answer: Json | None = None  # what the acknowledgement carried
    acknowledged_at: float | None = None
    on: Any = None  # the socket it went out on last
    asked_at: float = field(default_factory=time.monotonic)

    def as_json(self) -> str:
        """As it goes over the wire."""
        content: Json = {
            "envelope_id": self.number,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.accepts_response,
        }
        if self.kind == "events_api":
            content |= {"retry_attempt": len(self.sent), "retry_reason": "timeout" if self.sent else ""}
        return json.dumps(content)


class Sockets:
    """The sockets of one app."""

    def __init__(self) -> None:
        self.patience_s = PATIENCE_S
        self.fired: Counter[str] = Counter()
        self.opened = 0  # so many sockets were there, ever
        self.on_answer: Callable[[Envelope], None] = lambda _: None
        self._tickets: set[str] = set()
        self._open: list[ServerConnection] = []
        self._cut_off: set[ServerConnection] = set()  # what was on its way on these is lost
        self._waiting: deque[Envelope] = deque()  # not delivered, or to be delivered again
        self._sent: list[Envelope] = []  # delivered and not acknowledged
        self._late: list[tuple[float, Envelope]] = []  # delivered again at a time, whatever was answered
        self._turn = 0
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._server = serve(self._talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2)
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._server.serve_forever, self._watch)
        ]

    def start(self) -> None:
        """Listen."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close every socket and listen no more."""
        self._stop.set()
        for connection in list(self._open):
            _close(connection)
        self._server.shutdown()
        for thread in self._threads:
            thread.join(timeout=5)

    def address(self) -> str:
        """A place to connect to, once (apps.connections.open)."""
        ticket = uuid4().hex
        self._tickets.add(ticket)
        port = self._server.socket.getsockname()[1]
        return f"ws://127.0.0.1:{port}/link/?ticket={ticket}&app_id={APP}"

    @property
    def connected(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    def send(self, envelope: Envelope, fault: str = "") -> Envelope:
        """Deliver an envelope now, or once there is a socket."""
        envelope.fault = fault
        if fault:
            self.fired[fault] += 1
        with self._lock:
            if fault == "out_of_order":
                self._late.append((time.monotonic() + HELD_BACK_S, envelope))
            else:
                self._waiting.append(envelope)
                self._deliver_waiting()
                self._release_held_back()
        return envelope

    def cut(self, envelope: Envelope | None = None) -> None:
        """Cut every socket, as a network does, or the one that an envelope went out on."""
        with self._lock:
            for connection in list(self._open) if envelope is None else [envelope.on]:
                self._cut(connection)

    def refresh(self) -> None:
        """Ask for other sockets, as Slack does every few hours, and close these."""
        with self._lock:
            for connection in list(self._open):
                self._refresh(connection)

    def settle(self, timeout_s: float = 10) -> bool:
        """Wait until nothing is on its way; False where that takes too long."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            with self._lock:
                if not self._waiting and not self._sent and not self._late:
                    return True
            time.sleep(WATCH_S)
        return False

    # One socket

    def _talk(self, connection: ServerConnection) -> None:
        ticket = parse_qs(urlsplit(connection.request.path if connection.request else "").query)
        with self._lock:
            known = ticket.get("ticket", [""])[0]
            if known not in self._tickets:
                connection.close(1008, "invalid ticket")
                return
            self._tickets.discard(known)
            self._open.append(connection)
            self.opened += 1
        try:
            connection.send(self._hello())
            with self._lock:
                self._deliver_waiting()
            for message in connection:
                self._acknowledge(connection, str(message))
        except (ConnectionClosed, OSError):
            pass
        finally:
            with self._lock:
                self._gone(connection)

    def _hello(self) -> str:
        info = {"app_id": APP}
        return json.dumps({"type": "hello", "num_connections": self.connected, "connection_info": info})

    def _acknowledge(self, connection: ServerConnection, message: str) -> None:
        content = json.loads(message)
        with self._lock:
            if connection in self._cut_off:
                return
            envelope = next((e for e in self._sent if e.number == content.get("envelope_id")), None)
            if envelope is None:
                return  # acknowledged before: it was delivered twice
            if envelope.fault == "ack_lost":
                envelope.fault = ""
                envelope.on = None
                self._sent.remove(envelope)
                self._late.append((time.monotonic() + AGAIN_S, envelope))
                return
            self._sent.remove(envelope)
            envelope.acknowledged_at = time.monotonic()
            envelope.answer = content.get("payload")
            if envelope.fault == "twice_late":
                envelope.fault = ""
                self._late.append((time.monotonic() + AGAIN_S, envelope))
        if envelope.answer:
            self.on_answer(envelope)
        envelope.acknowledged.set()

    def _gone(self, connection: ServerConnection) -> None:
        self._cut_off.discard(connection)
        if connection in self._open:
            self._open.remove(connection)
        for envelope in [e for e in self._sent if e.on is connection]:
            self._sent.remove(envelope)
            self._waiting.append(envelope)
        self._deliver_waiting()

    # Delivering, always under the lock

    def _deliver_waiting(self) -> None:
        while self._waiting and self._open:
            self._deliver(self._waiting.popleft())

    def _deliver(self, envelope: Envelope) -> None:
        self._turn += 1
        connection = self._open[self._turn % len(self._open)]
        fault, again = envelope.fault, envelope.fault in CUTS
        if again:
            envelope.fault = ""
        if fault == "cut_before":
            self._open.remove(connection)
            self._waiting.appendleft(envelope)
            self._cut(connection)
            return
        self._send_on(connection, envelope)
        if fault == "twice":
            envelope.fault = ""
            self._turn += 1
            self._send_on(self._open[self._turn % len(self._open)], envelope)
        elif fault == "cut_after":
            self._cut(connection)
        elif fault == "refresh":
            self._refresh(connection)

    def _send_on(self, connection: ServerConnection, envelope: Envelope) -> None:
        text = envelope.as_json()
        envelope.sent.append(time.monotonic())
        envelope.on = connection
        if envelope not in self._sent and not envelope.acknowledged.is_set():
            self._sent.append(envelope)
        with suppress(ConnectionClosed, OSError):
            connection.send(text)

    def _cut(self, connection: ServerConnection) -> None:
        self._cut_off.add(connection)
        _close(connection)

    def _refresh(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed, OSError):
            connection.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        if connection in self._open:  # nothing goes out on it any more; what comes in is still read
            self._open.remove(connection)
        threading.Timer(AGAIN_S, _close, [connection]).start()

    def _release_held_back(self) -> None:
        """Another envelope has gone: the one that was held back follows it."""
        for held in [h for h in self._late if h[1].fault == "out_of_order"]:
            self._late.remove(held)
            held[1].fault = ""
            self._waiting.append(held[1])
        self._deliver_waiting()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_S):
            now = time.monotonic()
            with self._lock:
                for due in [entry for entry in self._late if entry[0] <= now]:
                    self._late.remove(due)
                    due[1].fault = ""
                    self._waiting.append(due[1])
                self._lose_patience(now)
                self._deliver_waiting()

    def _lose_patience(self, now: float) -> None:
        """Warn the person; an event comes again."""
        for envelope in [e for e in (*self._sent, *self._waiting) if not e.acknowledged.is_set()]:
            last = envelope.sent[-1] if envelope.sent else envelope.asked_at
            if now - last < self.patience_s:
                continue
            if envelope in self._sent:
                self._sent.remove(envelope)
            if envelope in self._waiting:
                self._waiting.remove(envelope)
            if envelope.kind == "events_api" and len(envelope.sent) <= RETRIES:
                self._waiting.append(envelope)
                envelope.asked_at = now
            else:
                envelope.warned = True


def _close(connection: ServerConnection) -> None:
    """End a socket without the words that WebSockets part with."""
    with suppress(OSError):
        connection.close_socket()
