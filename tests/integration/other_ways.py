"""A webhook and a mail server on this machine, real ones that fail as they are told to."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage


@dataclass
class Received:
    """What has arrived, and how the next ones fail: a status, or close; with the message taken or not."""

    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[str, bool]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def next_fault(self) -> tuple[str, bool]:
        return self.faults.pop(0) if self.faults else ("", True)


@contextmanager
def webhook() -> Iterator[Received]:
    """An HTTP server that takes JSON."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fault, taken = received.next_fault()
            received.asked.set()
            if fault == "hang":
                received.go_on.wait(PATIENCE_S)
            if taken:
                received.taken.append(body)
            if fault in ("close", "hang"):
                self.close_connection = True
                return
            self.send_response(int(fault or 200))
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _serving(server, received):
        yield received


class MailHandler(socketserver.StreamRequestHandler):
    """One sender: the few words of SMTP that sending one message takes."""

    received: Received

    def handle(self) -> None:
        fault, taken = self.received.next_fault()
        self.say("220 test")
        if fault == "close" and not taken:
            return
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.take(fault, taken=taken)
                if fault == "close":
                    return
            else:
                self.say("221 bye" if word == b"QUIT" else "250 ok")

    def take(self, fault: str, *, taken: bool) -> None:
        self.say("354 go on")
        text = b"".join(iter(self.rfile.readline, b".\r\n"))
        if taken:
            self.received.taken.append(read_mail(text))
        if fault != "close":
            self.say(f"{fault} later" if fault else "250 taken")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Received]:
    """A mail server."""
    received = Received()
    handler = type("Handler", (MailHandler,), {"received": received})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    with _serving(server, received):
        yield received


def read_mail(content: bytes) -> dict[str, Any]:
    mail: EmailMessage = message_from_bytes(content, policy=policy.default)
    body = mail.get_body(("plain", "html"))
    return {"title": str(mail["Subject"]), "message": "" if body is None else body.get_content()}


@contextmanager
def _serving(server: socketserver.TCPServer, received: Received) -> Iterator[None]:
    received.port = server.socket.getsockname()[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        received.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
