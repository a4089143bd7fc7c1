"""The dashboard's process, which `minuterisk dashboard` starts: `python -m app.gate --address A --port P`."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import click
import uvicorn
from streamlit.web.bootstrap import load_config_options

from app.gate import here
from app.gate.build import build
from app.serve import options
from pipeline.desk.people import passwords
from pipeline.desk.people.entrance import Entrance
from pipeline.desk.people.seal import FILE
from pipeline.errors import MinuteriskError, UsageError
from pipeline.errors.secrets import clean_streams
from pipeline.log import configure_log
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from types import FrameType

#: The page's messages may be so large.
_MOST_BYTES = 64 * 1024 * 1024
_PING_S = 30


@click.command()
@click.option("--address", required=True)
@click.option("--port", required=True, type=int)
@click.option("--demo", is_flag=True)
def serve(address: str, port: int, *, demo: bool) -> None:
    """Serve until stopped."""
    settings = load_settings(os.environ)
    configure_log(settings)
    local = is_local(address)
    if demo and not (local and (settings.home / "run" / "demo").exists()):
        msg = "only a demo, on 127.0.0.1, opens without passwords"
        raise UsageError(msg, "leave --demo out")
    entrance = Entrance(settings, local=local, demo=demo)
    if not local:
        require_accounts(entrance, address)
    if not local or settings.home.joinpath(*FILE).exists():
        _ = entrance.seal  # a key that is wrong is told before anybody comes
    listening = listen(address, port)
    here.put(entrance)
    load_config_options({**options(), "server.address": address, "server.port": port})
    Thread(target=passwords.shared, daemon=True).start()  # half a second that the first sign-in need not wait
    click.echo(f"dashboard  http://{f'[{address}]' if ':' in address else address}:{port}/")
    _run(entrance, listening)


def is_local(address: str) -> bool:
    """Is it reached from this machine alone?"""
    if address == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return False


def require_accounts(entrance: Entrance, address: str) -> None:
    """Refuse to listen to other machines while anybody could look."""
    if not entrance.has_accounts():
        msg = f"there are no accounts, so the dashboard does not listen on {address}"
        hint = "add the first one: minuterisk users add NAME --role SUPER_ADMIN; or leave --address out"
        raise UsageError(msg, hint)


def listen(address: str, port: int) -> socket.socket:
    """The socket, or why there is none."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is sent leaves at once. Else the end of an answer waits for its beginning to arrive.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((address, port))
    except OSError as error:
        msg = f"the dashboard cannot listen on {address} port {port}: {error.strerror or error}"
        raise UsageError(msg, "choose another: --port, or MINUTERISK_DASHBOARD_PORT") from error
    return listening


class _Server(uvicorn.Server):
    """Waits for what is under way before it ends, so that it has to be told of the end itself."""

    def __init__(self, config: uvicorn.Config, entrance: Entrance) -> None:
        super().__init__(config)
        self._entrance = entrance

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal asks the server to end."""
        self._entrance.ending.set()
        super().handle_exit(sig, frame)


def _run(entrance: Entrance, listening: socket.socket) -> None:
    config = uvicorn.Config(
        build(entrance),
        ws="websockets-sansio",
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MOST_BYTES,
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # the gate believes the proxies of the settings alone
        server_header=False,
    )
    server = _Server(config, entrance)
    for ends in (signal.SIGTERM, signal.SIGINT):  # the server sends itself once more what has ended it
        signal.signal(ends, lambda *_: None)
    try:
        server.run(sockets=[listening])
    finally:
        entrance.close()
    if not server.started:
        msg = "the dashboard could not start"
        raise MinuteriskError(msg, "see the lines above")


def main() -> int:
    """Serve; what goes wrong is one sentence and an exit code."""
    with clean_streams():
        try:
            serve(standalone_mode=False)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except MinuteriskError as error:
            click.echo(f"minuterisk: {error}", err=True)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
