"""A stand-in for Slack: a real HTTP server with the methods we use, and the faults of Slack's bad days.

For tests (`with SlackStandIn() as slack: …`) and for people without a workspace:

    python -m data.slack_standin --port 8065 --fault-rate 0.3

It keeps Slack's rules: who may post (token, channel), what a message may be (block limits, metadata), one
message a second per channel where asked, history newest first without thread replies (but those that were
broadcast). A seeded schedule or `fail_next` injects faults, with the message posted or not: what a sender
cannot tell is the point of it.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self
from urllib.parse import parse_qsl

from data.slack_blocks import block_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from email.message import Message as HttpHeaders
    from types import TracebackType

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong: whether the request takes effect first, and how the answer is spoilt."""

    takes_effect: bool
    how: str  # close, reset, hang, half, json, http, html, empty
    status: int = 200
    error: str = ""
    retry_after: str | None = None


FAULTS: Final[Mapping[str, Fault]] = {
    "close_posted": Fault(takes_effect=True, how="close"),
    "close_unposted": Fault(takes_effect=False, how="close"),
    "reset_posted": Fault(takes_effect=True, how="reset"),
    "reset_unposted": Fault(takes_effect=False, how="reset"),
    "hang_posted": Fault(takes_effect=True, how="hang"),
    "hang_unposted": Fault(takes_effect=False, how="hang"),
    "half_body_posted": Fault(takes_effect=True, how="half"),
    "limited": Fault(takes_effect=False, how="http", status=429, error="ratelimited", retry_after="2"),
    "limited_garbage": Fault(
        takes_effect=False, how="http", status=429, error="ratelimited", retry_after="soon"
    ),
    "limited_200": Fault(takes_effect=False, how="json", error="ratelimited"),
    "internal_error_posted": Fault(takes_effect=True, how="json", error="internal_error"),
    "internal_error_unposted": Fault(takes_effect=False, how="json", error="internal_error"),
    "fatal_error_posted": Fault(takes_effect=True, how="json", error="fatal_error"),
    "500_posted": Fault(takes_effect=True, how="http", status=500),
    "500_unposted": Fault(takes_effect=False, how="http", status=500),
    "503_posted": Fault(takes_effect=True, how="http", status=503),
    "503_unposted": Fault(takes_effect=False, how="http", status=503),
    "html_posted": Fault(takes_effect=True, how="html"),
    "html_unposted": Fault(takes_effect=False, how="html"),
    "empty_posted": Fault(takes_effect=True, how="empty"),
}
WRITES: Final = ("chat.postMessage", "chat.update")
HTML: Final = b"<!DOCTYPE html><html><body>Something has gone awry</body></html>"
SEEN_LIMIT: Final = 1 << 20  # bytes of one request


class SlackError(Exception):
    """An answer `ok: false` of the real API."""

    def __init__(self, code: str, retry_after: str | None, place: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.place = place  # of the block that was refused


def _refuse(code: str, *, retry_after: str | None = None, place: str | None = None) -> NoReturn:
    raise SlackError(code, retry_after, place)


@dataclass(slots=True)
class _Stored:
    channel: str
    message: Json
    posted_at_s: float
    thread_ts: str | None
    broadcast: bool = False  # a reply that the channel shows as well


@dataclass(slots=True, kw_only=True)
class Workspace:
    """Channels and messages, and Slack's rules about them. Knows nothing of HTTP."""

    token: str | None = None
    channels: frozenset[str] | None = None  # None: every channel exists
    archived: frozenset[str] = frozenset()
    history_lag_s: float = 0.0
    messages_per_second: float | None = None
    clock_s: Callable[[], float] = time.monotonic
    stored: list[_Stored] = field(default_factory=list)
    _last_ts: int = 0
    _last_post_s: dict[str, float] = field(default_factory=dict)

    def call(self, method: str, token: str, given: Json) -> Json:
        """One API method; raises SlackError where the real one answers `ok: false`."""
        methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": lambda _: {"team": "Stand-in", "user": "minuterisk", "bot_id": "B0STANDIN"},
            "chat.postMessage": self.post,
            "chat.update": self.update,
            "conversations.info": self.info,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
        }
        if method not in methods:
            _refuse("unknown_method")
        if not token:
            _refuse("not_authed")
        if self.token is not None and token != self.token:
            _refuse("invalid_auth")
        return methods[method](given)

    def post(self, given: Json) -> Json:
        """chat.postMessage."""
        channel = self._channel(given, writing=True)
        content = _content(given)
        thread_ts = given.get("thread_ts")
        if thread_ts is not None:
            self._get(channel, thread_ts, "thread_not_found")
        self._limit_rate(channel)
        # The real one counts microseconds; two messages never share a timestamp in a channel.
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1_000)
        ts = f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"
        message: Json = {"type": "message", "bot_id": "B0STANDIN", "ts": ts, **content}
        broadcast = thread_ts is not None and str(given.get("reply_broadcast", "")).lower() in ("1", "true")
        if thread_ts is not None:
            message["thread_ts"] = thread_ts
        if broadcast:
            message["subtype"] = "thread_broadcast"
        self.stored.append(_Stored(channel, message, self.clock_s(), thread_ts, broadcast))
        return {"channel": channel, "ts": ts, "message": deepcopy(message)}

    def update(self, given: Json) -> Json:
        """chat.update; what is not given again (metadata) stays."""
        channel = self._channel(given, writing=True)
        stored = self._get(channel, str(given.get("ts", "")), "message_not_found")
        stored.message |= {"edited": {"user": "B0STANDIN"}, **_content(given)}
        return {"channel": channel, "ts": stored.message["ts"], "text": stored.message.get("text", "")}

    def info(self, given: Json) -> Json:
        """conversations.info: the app is in every channel."""
        channel = self._channel(given)
        return {"channel": {"id": channel, "is_archived": channel in self.archived, "is_member": True}}

    def history(self, given: Json) -> Json:
        """conversations.history: newest first; of thread replies only those that were broadcast."""
        channel = self._channel(given)
        shown = [s for s in self._visible() if s.channel == channel and (s.thread_ts is None or s.broadcast)]
        return _page([s.message for s in reversed(shown)], given)

    def replies(self, given: Json) -> Json:
        """conversations.replies: the parent, then its replies, oldest first."""
        channel = self._channel(given)
        ts = str(given.get("ts", ""))
        self._get(channel, ts, "thread_not_found")
        thread = [
            s.message
            for s in self._visible()
            if s.channel == channel and ts in (s.message["ts"], s.thread_ts)
        ]
        return _page(thread, given)

    def _visible(self) -> list[_Stored]:
        return [s for s in self.stored if self.clock_s() - s.posted_at_s >= self.history_lag_s]

    def _channel(self, given: Json, *, writing: bool = False) -> str:
        channel = str(given.get("channel", ""))
        if not channel or (self.channels is not None and channel not in self.channels | self.archived):
            _refuse("channel_not_found")
        if writing and channel in self.archived:
            _refuse("is_archived")
        return channel

    def _get(self, channel: str, ts: str, missing: str) -> _Stored:
        found = next((s for s in self.stored if s.channel == channel and s.message["ts"] == ts), None)
        if found is None:
            _refuse(missing)
        return found

    def _limit_rate(self, channel: str) -> None:
        if self.messages_per_second is None:
            return
        now, last = self.clock_s(), self._last_post_s.get(channel)
        if last is not None and now - last < 1 / self.messages_per_second:
            _refuse("ratelimited", retry_after="1")
        self._last_post_s[channel] = now


def _page(messages: list[Json], given: Json) -> Json:
    oldest = float(given.get("oldest") or 0)
    start, size = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), 999)
    found = [m for m in messages if float(m["ts"]) >= oldest]
    page = found[start : start + size]
    if str(given.get("include_all_metadata", "")).lower() not in ("1", "true"):
        page = [{k: v for k, v in m.items() if k != "metadata"} for m in page]
    following = str(start + size) if start + size < len(found) else ""
    return {
        "messages": deepcopy(page),
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def _content(given: Json) -> Json:
    text, blocks, metadata = given.get("text", ""), given.get("blocks"), given.get("metadata")
    if not text and not blocks:
        _refuse("no_text")
    if len(text) > 40_000:  # noqa: PLR2004 - Slack's number
        _refuse("msg_too_long")
    if blocks is not None and (problem := block_problem(blocks)):
        _refuse("invalid_blocks", place=problem)
    content: Json = {"text": text} | ({"blocks": blocks} if blocks else {})
    if metadata is not None:
        if not _is_metadata(metadata):
            _refuse("invalid_metadata_format")
        if len(json.dumps(metadata)) > 8_000:  # noqa: PLR2004 - a guess on the low side, Slack names no number
            _refuse("metadata_too_large")
        content["metadata"] = metadata
    return content


def _is_metadata(metadata: object) -> bool:
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )


class SlackStandIn:
    """The server. Its faults come from `fail_next` first, then from the seeded schedule."""

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        port: int = 0,
        seed: int = 0,
        fault_rate: float = 0.0,
        read_fault_rate: float = 0.0,
        fault_kinds: Iterable[str] = tuple(FAULTS),
        hang_s: float = 30.0,
    ) -> None:
        self.workspace = workspace or Workspace()
        self.fired: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.hanging = threading.Event()
        self.on_message: Callable[[str, Json], None] = lambda _method, _given: None
        self._random = Random(seed)
        self._rates = {True: fault_rate, False: read_fault_rate}
        self._kinds = tuple(fault_kinds)
        self._bag: list[str] = []
        self._hang_s = hang_s
        self._planned: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.standin = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address for a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    @property
    def messages(self) -> list[Json]:
        """Everything that people see, oldest first, thread replies among them."""
        with self._lock:
            return [deepcopy(s.message) for s in self.workspace.stored]

    def fail_next(self, kind: str, *, times: int = 1, method: str = "chat.postMessage") -> None:
        """The next calls of a method meet this fault: a name in FAULTS, or an error code of the API."""
        self._planned += [(method, kind)] * times

    def answer(self, method: str, token: str, given: Json) -> tuple[Fault, Json]:
        """What to answer, and how to spoil it. Takes effect on the workspace here, under one lock."""
        with self._lock:
            self.requests[method] += 1
            name = self._next_fault(method)
            fault = FAULTS.get(name, Fault(takes_effect=not name, how="json", error=name))
            self.fired.update([name] if name else [])
            body = self._take_effect(method, token, given) if fault.takes_effect else {"ok": True}
            if method in WRITES and body["ok"] and fault.takes_effect:
                self.on_message(method, given)
        if fault.error:
            body = {"ok": False, "error": fault.error}
        if body.get("retry_after"):
            fault = replace(FAULTS["limited"], retry_after=str(body.pop("retry_after")))
        return fault, body

    def hang(self) -> None:
        """Keep a request waiting."""
        self.hanging.set()
        self._stop.wait(self._hang_s)

    def _take_effect(self, method: str, token: str, given: Json) -> Json:
        try:
            return {"ok": True, **self.workspace.call(method, token, given)}
        except SlackError as error:
            answer = {"ok": False, "error": error.code, "retry_after": error.retry_after}
            return answer | ({"response_metadata": {"messages": [error.place]}} if error.place else {})

    def _next_fault(self, method: str) -> str:
        for at, (planned, kind) in enumerate(self._planned):
            if planned == method:
                del self._planned[at]
                return kind
        if method != "auth.test" and self._random.random() < self._rates[method in WRITES]:
            if not self._bag:  # each kind once before any comes again: a short run meets them all
                self._bag = self._random.sample(self._kinds, len(self._kinds))
            return self._bag.pop()
        return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    standin: SlackStandIn

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is nothing to print about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing: the messages themselves are the interesting part."""

    def do_GET(self) -> None:
        """For people: /messages is everything posted, as JSON."""
        self._write(200, json.dumps(self.server.standin.messages, ensure_ascii=False, indent=1).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), SEEN_LIMIT))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        method = self.path.partition("?")[0].rpartition("/")[2]
        fault, answer = self.server.standin.answer(method, token, _arguments(body, self.headers))
        self._answer(fault, answer)

    def _answer(self, fault: Fault, answer: Json) -> None:
        content = json.dumps(answer).encode()
        if fault.how == "hang":
            self.server.standin.hang()
            self._hang_up(reset=False)
        elif fault.how in ("close", "reset"):
            self._hang_up(reset=fault.how == "reset")
        elif fault.how == "half":
            self._write(200, content[: len(content) // 2], length=len(content))
        elif fault.how == "html":
            self._write(200, HTML, kind="text/html")
        elif fault.how == "empty":
            self._write(200, b"")
        elif fault.how == "http" and not fault.error:
            self._write(fault.status, b"upstream error", kind="text/plain")
        else:
            self._write(fault.status, content, retry_after=fault.retry_after)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:  # zero linger: the client meets a reset instead of an end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(
        self,
        status: int,
        content: bytes,
        *,
        kind: str = "application/json; charset=utf-8",
        length: int | None = None,
        retry_after: str | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(content)


def _arguments(body: bytes, headers: HttpHeaders) -> Json:
    text = body.decode("utf-8", "replace")
    if headers.get_content_type() != "application/json":
        return dict(parse_qsl(text))
    given = json.loads(text or "{}")
    return given if isinstance(given, dict) else {}


def main(arguments: list[str] | None = None) -> None:
    """Run until interrupted; print each message that would be seen."""
    parser = argparse.ArgumentParser(prog="python -m data.slack_standin", description="A stand-in for Slack.")
    parser.add_argument("--port", type=int, default=8065)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="part of the writes that meet a fault")
    parser.add_argument("--enforce-rate", action="store_true", help="refuse more than one message a second")
    chosen = parser.parse_args(arguments)
    workspace = Workspace(messages_per_second=1.0 if chosen.enforce_rate else None)
    with SlackStandIn(workspace, port=chosen.port, seed=chosen.seed, fault_rate=chosen.fault_rate) as standin:
        standin.on_message = lambda method, given: _say(f"{method} {given.get('text', '')}\n")
        try:
            # At once: whoever has read the first line may post before a second one is out.
            _say(
                f"MINUTERISK_SLACK_BASE_URL={standin.url}\n"
                "MINUTERISK_SLACK_TOKEN=xoxb-any\nMINUTERISK_SLACK_CHANNEL=C0RISK\n"
            )
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
