"""A stand-in of the company's system that is told of actions: it checks the signature, and it can be nasty.

`python -m data.action_standin SECRET` listens on a port of its own and prints what it takes. A test sets
`plan`: what becomes of each next call, in order; then it takes what comes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

#: A call that was signed longer ago, or later than now, may be an old one that somebody sends again.
OLDEST_S: Final = 300
#: What can be done to a call, beside an answer with a status of HTTP.
TAKEN_BUT_CUT: Final = "taken but cut"  # the work is done, and nobody hears of it
CUT: Final = "cut"
DRIP: Final = "drip"  # a header for ever, a byte at a time
SILENT: Final = "silent"  # never an answer
FLOOD: Final = "flood"  # an answer without an end
NONSENSE: Final = "nonsense"  # no HTTP


@dataclass(frozen=True, slots=True)
class Taken:
    """What was asked for, once for each key."""

    key: str
    content: dict[str, Any]


@dataclass
class Standin:
    """The receiver: what it has taken, and what it does to the next calls."""

    secret: str
    clock: Any = time.time
    plan: deque[int | str | tuple[int, dict[str, str]]] = field(default_factory=deque)
    taken: list[Taken] = field(default_factory=list)
    calls: list[tuple[str, bytes]] = field(default_factory=list)  # each try: its key and its bytes
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/actions"

    @property
    def ended(self) -> threading.Event:
        """Set once nobody needs an answer any more."""
        return self._ended

    def problem(self, timestamp: str, signature: str, body: bytes) -> str | None:
        """Why a call is not ours; None where it is. As pipeline/act/README.md says it."""
        if not timestamp.isdecimal() or abs(self.clock() - int(timestamp)) > OLDEST_S:
            return "the time is not of now"
        wanted = hmac.new(self.secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        given = dict(part.partition("=")[::2] for part in signature.split(",")).get("v1", "")
        return None if hmac.compare_digest(given.encode(), wanted.encode()) else "the signature is not ours"

    def take(self, key: str, body: bytes) -> None:
        """Do what is asked, once for each key."""
        if key not in [one.key for one in self.taken]:
            self.taken.append(Taken(key, json.loads(body)))


class _Handler(BaseHTTPRequestHandler):
    owner: Standin

    def do_POST(self) -> None:
        """Take it, or be nasty."""
        body, owner = self.rfile.read(int(self.headers.get("Content-Length", 0))), self.owner
        key = self.headers.get("Idempotency-Key", "")
        owner.calls.append((key, body))
        given = (self.headers.get("Minuterisk-Timestamp", ""), self.headers.get("Minuterisk-Signature", ""))
        problem = owner.problem(*given, body)
        if problem is not None:
            owner.refused.append(problem)
            self._answer(401)
            return
        planned = owner.plan.popleft() if owner.plan else 200
        if planned in (200, 202, TAKEN_BUT_CUT):
            owner.take(key, body)
        if isinstance(planned, str):
            with suppress(OSError):
                self._be_nasty(planned)
        elif isinstance(planned, tuple):
            self._answer(*planned)
        else:
            self._answer(planned)

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _be_nasty(self, how: str) -> None:
        self.close_connection = True
        ended = self.owner.ended
        if how == NONSENSE:
            self.wfile.write(b"\x00\xffhello\r\n\r\n")
        elif how == FLOOD:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not ended.is_set():
                self.wfile.write(b"x" * 65_536)
        elif how == DRIP:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not ended.wait(0.05):
                self.wfile.write(b"x")
        elif how == SILENT:
            ended.wait(60)
        elif how not in (CUT, TAKEN_BUT_CUT):  # these end here
            raise ValueError(how)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - http.server's own
        """Say nothing."""


def main(secret: str) -> None:
    """Listen until it is stopped, and print what is taken."""
    with Standin(secret) as standin:
        sys.stdout.write(f"MINUTERISK_ACTION_URL={standin.url}\n")
        sys.stdout.flush()
        seen = 0
        with suppress(KeyboardInterrupt):
            while not standin.ended.wait(0.5):
                for one in standin.taken[seen:]:
                    sys.stdout.write(json.dumps(one.content, ensure_ascii=False) + "\n")
                    sys.stdout.flush()
                seen = len(standin.taken)


if __name__ == "__main__":
    main(sys.argv[1])
