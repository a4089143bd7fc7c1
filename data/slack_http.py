"""The stand-in's HTTP: Slack's API for the app, response_urls, uploads, and the page for people."""

from __future__ import annotations

import json
import os
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from data.slack_page import render_page
from data.slack_workspace import PNG

if TYPE_CHECKING:
    from email.message import Message as HttpHeaders

    from data.slack_faults import Fault
    from data.slack_standin import SlackStandIn

Json = dict[str, Any]

BROKEN_HTML: Final = b"<!DOCTYPE html><html><body>Something has gone awry</body></html>"
SEEN_LIMIT: Final = 1 << 20  # bytes of one request
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Knows whose it is."""

    daemon_threads = True
    block_on_close = False
    standin: SlackStandIn
    at_work: set[socket.socket]  # connections whose request has not taken effect yet

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base has it
        """In the order in which they came, before the next one is taken."""
        self.at_work.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is nothing to print about."""


def make_server(standin: SlackStandIn, port: int) -> Server:
    """A server on this machine alone; it does not answer yet."""
    server = Server(("127.0.0.1", port), _Handler)
    server.standin, server.at_work = standin, set()
    return server


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def finish(self) -> None:
        """Whatever became of it."""
        self.server.at_work.discard(self.request)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing: the messages themselves are the interesting part."""

    def do_GET(self) -> None:
        """For people: the channel as a page, its pictures, and /messages, everything posted, as JSON."""
        place = urlsplit(self.path)
        user = parse_qs(place.query).get("user", [""])[0]
        standin = self.server.standin
        if not self._is_ours():
            self._write(403, b"this address is not ours", kind="text/plain")
        elif place.path == "/messages":
            self._write(200, json.dumps(standin.messages, ensure_ascii=False, indent=1).encode())
        elif place.path.startswith("/file/"):
            self._picture(place.path.removeprefix("/file/"))
        elif place.path in ("/", "/home"):
            page = render_page(standin.shown_to(user, at_home=place.path == "/home"))
            self._write(200, page.encode(), kind="text/html; charset=utf-8", more=PAGE_HEADERS)
        else:
            self._write(404, b"not found", kind="text/plain")

    def do_POST(self) -> None:
        """What the app asks of Slack, and what people do on the page."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), SEEN_LIMIT))
        path = urlsplit(self.path).path
        room, _, number = path.strip("/").partition("/")
        standin = self.server.standin
        if room == "upload":
            self._answer(*standin.upload(number, body))
        elif room == "response":
            self._answer(*standin.respond(number, _arguments(body, self.headers)))
        elif room in ("press", "command", "home"):
            self._act(room, _arguments(body, self.headers))
        else:
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            given = _arguments(body, self.headers)
            token = token or str(given.get("token", ""))
            self._answer(*standin.answer(path.rpartition("/")[2], token, given))

    def _act(self, what: str, given: Json) -> None:
        """A form of the page; from no other page."""
        standin, user = self.server.standin, str(given.get("user", ""))
        if not self._is_ours() or user not in standin.workspace.people:
            self._write(403, b"only from the page itself, for somebody of the workspace", kind="text/plain")
            return
        if what == "press":
            shown = {"type": "plain_text", "text": "-"}
            button = {"action_id": given.get("action_id", ""), "value": given.get("value", ""), "text": shown}
            if given.get("ts") == "home":
                standin.press_at_home(user, button)
            else:
                standin.press(user, str(given.get("ts", "")), button["action_id"], button=button)
        elif what == "command":
            standin.command(user, str(given.get("text", "")))
        else:
            standin.open_home(user)
        at_home = what == "home" or given.get("ts") == "home"
        self.send_response(303)
        self.send_header("Location", f"{'/home' if at_home else '/'}?user={quote(user)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _is_ours(self) -> bool:
        """No other site may act through a browser of this machine, nor read what is here under its name."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        named = host.partition(":")[0] in ("127.0.0.1", "localhost")
        return named and origin in (None, f"http://{host}")

    def _picture(self, number: str) -> None:
        file = self.server.standin.workspace.files.get(number)
        if file is None or not (file.content or b"").startswith(PNG):
            self._write(404, b"not found", kind="text/plain")
        else:
            self._write(200, file.content or b"", kind="image/png", more=PAGE_HEADERS)

    def _answer(self, fault: Fault, answer: Json) -> None:
        self.server.at_work.discard(self.request)
        content = json.dumps(answer).encode()
        if fault.how == "hang":
            self.server.standin.hang()
            self._hang_up(reset=False)
        elif fault.how in ("close", "reset"):
            self._hang_up(reset=fault.how == "reset")
        elif fault.how == "half":
            self._write(200, content[: len(content) // 2], length=len(content))
        elif fault.how == "html":
            self._write(200, BROKEN_HTML, kind="text/html")
        elif fault.how == "empty":
            self._write(200, b"")
        elif fault.how == "http" and not fault.error:
            self._write(fault.status, b"upstream error", kind="text/plain")
        else:
            retry = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            self._write(fault.status, content, more=retry)

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
        more: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content) if length is None else length)}
        for name, value in (headers | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _arguments(body: bytes, headers: HttpHeaders) -> Json:
    text = body.decode("utf-8", "replace")
    if headers.get_content_type() != "application/json":
        return dict(parse_qsl(text, keep_blank_values=True))
    given = json.loads(text or "{}")
    return given if isinstance(given, dict) else {}
