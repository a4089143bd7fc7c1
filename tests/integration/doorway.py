"""The dashboard behind its gate, over real HTTP and WebSocket, in a thread of the test's own process."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import requests
import uvicorn
from streamlit.runtime import Runtime
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.gate.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.desk.people.entrance import Entrance
    from pipeline.store.state import State

TOKEN = re.compile(r'name="token"\s+value="(\w+)"|value="(\w+)"\s+name="token"')


class Visitor:
    """A browser without a screen: cookies, forms, and whether the page's socket opens."""

    def __init__(self, address: str, **headers: str) -> None:
        self.address = address
        self.http = requests.Session()
        self.http.headers.update(headers)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.http.get(self.address + path, allow_redirects=False, headers=headers, timeout=30)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
        url = self.address + path
        return self.http.post(url, data=fields, allow_redirects=False, headers=headers, timeout=60)

    def token(self) -> str:
        """The word of a fresh form."""
        found = re.search(r'name="token" value="([^"]*)"', self.get("/login").text)
        assert found
        return found[1]

    def sign_in(self, name: str, password: str, code: str = "", back: str = "/") -> requests.Response:
        fields = {"token": self.token(), "name": name, "password": password, "code": code, "next": back}
        return self.post("/login", fields)

    def plant(self, token: str) -> None:
        """Put a session's cookie there that this browser was not given."""
        self.http.cookies.set("minuterisk", token, domain="127.0.0.1", path="/")

    @property
    def cookie(self) -> str:
        return self.http.cookies.get("minuterisk") or ""

    def socket_status(self, **headers: str) -> int:
        """101 where the page's WebSocket opens, else the status of the refusal."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        url = self.address.replace("http:", "ws:") + "/_stcore/stream"
        try:
            with connect(url, additional_headers={"Cookie": cookies, **headers}, subprotocols=["streamlit"]):  # type: ignore[list-item]
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code


class Clock:
    """A clock that a test may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def audited(state: State, act: str = "sign_in") -> list[dict[str, Any]]:
    asked = dict.fromkeys(("actor", "kind", "thing", "outcome", "since", "until"))
    return [dict(row) for row in state.rows("audit_list", act=act, at_most=100, **asked)]


@contextmanager
def doorway(entrance: Entrance) -> Iterator[str]:
    """The address of the application, once it answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config: dict[str, Any] = {"log_level": "warning", "proxy_headers": False, "ws": "websockets-sansio"}
    server = uvicorn.Server(uvicorn.Config(build(entrance), **config))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        entrance.close()
        Runtime._instance = None  # Streamlit has one for each process
