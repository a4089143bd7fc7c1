"""Listens to Slack through Socket Mode: no address of ours is reachable from outside.

What changes something is kept before Slack is told that it arrived, within its three seconds; then it is
done. What only asks is acknowledged at once. Nothing that happens here stops a minute or a message.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Final

import structlog
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient

from pipeline.errors import MinuteriskError
from pipeline.figures import clean
from pipeline.store import audit
from pipeline.talk.client import respond
from pipeline.talk.envelope import command_of, home_opened_by, press_of
from pipeline.talk.presses import refusal
from pipeline.talk.shown import SHOWN, render_guest, render_home
from pipeline.talk.words import TEXTS
from pipeline.tell.slack import SILENT

if TYPE_CHECKING:
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

    from pipeline.settings import Settings
    from pipeline.store.state import State
    from pipeline.talk.client import TalkClient
    from pipeline.talk.commands import Commands
    from pipeline.talk.envelope import Asker, Command, Press
    from pipeline.talk.presses import Presses

log = structlog.get_logger()

#: People who press at the same time; the next ones wait a moment.
WORKERS: Final = 4
SETTLE_LEFT_S: Final = 10.0
PING_S: Final = 5.0
MUTE_S: Final = 3 * PING_S


class Listener:
    """The socket, and what is done with what comes through it."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        client: TalkClient,
        presses: Presses,
        commands: Commands,
    ) -> None:
        self._state = state
        self._settings = settings
        self._client = client
        self._presses = presses
        self._commands = commands
        self._words = TEXTS[settings.language]
        self._socket: SocketModeClient | None = None
        self._seen_at = time.monotonic()
        self._left_at = 0.0

    def keep(self) -> float:
        """Connect where there is no socket, and settle what a crash has left; for how long there was none."""
        now = time.monotonic()
        if now - self._left_at >= SETTLE_LEFT_S:
            self._left_at = now
            self._presses.settle_left()
        if self._socket is None:
            self._socket = self._connected()
        elif _is_mute(self._socket):
            log.warning("talk.mute")
            self._socket.connect_to_new_endpoint(force=True)
        if self._socket is not None and self._socket.is_connected():
            self._seen_at = time.monotonic()
        return time.monotonic() - self._seen_at

    def close(self) -> None:
        """Hang up, after what is in hand; what was kept and is not settled the next process settles."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.auto_reconnect_enabled = False
            socket.disconnect()
            socket.message_workers.shutdown(wait=True)
            # Its own threads look up every ten seconds; nobody has to wait for that.
            Thread(target=socket.close, daemon=True).start()

    def _connected(self) -> SocketModeClient | None:
        made = SocketModeClient(
            app_token=self._settings.slack_app_token or "",
            web_client=self._client.web,
            logger=SILENT,
            ping_interval=PING_S,
            concurrency=WORKERS,
        )
        made.socket_mode_request_listeners.append(self._heard)
        try:
            made.connect()
        except Exception as error:  # noqa: BLE001 - whatever the SDK lets through: tried again, and an alarm
            made.close()
            log.warning("talk.not_connected", error=type(error).__name__)
            return None
        return made

    def _heard(self, socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """One envelope. Whatever it holds, the next one is heard."""
        try:
            self._hear(socket, request)
        except MinuteriskError as error:
            log.warning("talk.failed", kind=request.type, error=error.what)
        except Exception as error:
            log.warning("talk.fault", kind=request.type, exc_info=error, alarm=True)

    def _hear(self, socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        language, payload = self._settings.language, request.payload
        if request.type == "interactive":
            press = press_of(payload, language)
            if press is not None and not self._is_kept(press):
                return
            _acknowledge(socket, request)
            if press is not None:
                self._settle(press)
        elif request.type == "slash_commands":
            command = command_of(payload)
            if command is None:
                _acknowledge(socket, request)
            else:
                self._obey(socket, request, command)
        else:
            _acknowledge(socket, request)
            asker = home_opened_by(payload)
            if asker is not None:
                self._show_home(asker)

    def _obey(self, socket: BaseSocketModeClient, request: SocketModeRequest, command: Command) -> None:
        asked = self._act_of(command)
        if asked is not None and not self._is_kept(asked):
            return
        _acknowledge(socket, request)
        if asked is not None:
            self._settle(asked)
        elif self._is_ours(command.asker, "ask"):
            said = self._commands.answer(command)
            respond(command.response_url, said)
        else:
            respond(command.response_url, self._other_team(command.asker))

    def _act_of(self, command: Command) -> Press | None:
        try:
            return self._commands.act_of(command)
        except MinuteriskError:
            respond(command.response_url, self._words["not_taken"])
            raise

    def _is_kept(self, press: Press) -> bool:
        """Keep the press; where that fails Slack is not told that it arrived, so that it warns the person."""
        try:
            self._presses.take(press)
        except MinuteriskError as error:
            log.warning("talk.not_taken", error=error.what, alarm=True)
            respond(press.response_url, self._words["not_taken"])
            return False
        return True

    def _settle(self, press: Press) -> None:
        said = self._presses.settle(press)
        if press.at_home and said is not None:
            self._show_home(press.asker, said)

    def _show_home(self, asker: Asker, said: str = "") -> None:
        if not self._is_ours(asker, "home"):
            self._client.publish_home(asker.user, render_guest(self._settings.language))
            return
        settings = self._settings
        rows = self._commands.open_incidents(SHOWN)
        at = datetime.now(UTC)
        blocks = render_home(
            rows, at, settings.language, settings.business_timezone, settings.dashboard_url, said=said
        )
        self._client.publish_home(asker.user, blocks)

    def _is_ours(self, asker: Asker, act: str) -> bool:
        """Is it somebody of our own workspace? A try of somebody else stands in the audit."""
        if asker.team == self._presses.team:
            return True
        with self._state.changing() as connection:
            why = f"of the workspace {asker.team}, and ours is {self._presses.team}"
            audit.write(connection, refusal(asker, act, "slack", "", self._state.pack, why))
        return False

    def _other_team(self, asker: Asker) -> str:
        said = self._words["other_team"]
        return said.format(team=clean(asker.team), own=clean(self._presses.team))


def _is_mute(socket: SocketModeClient) -> bool:
    """Has Slack not answered our pings for a while? The SDK asks, and does not look for the answer."""
    session = socket.current_session
    if session is None or session.sock is None:
        return False  # the SDK sees that by itself
    asked, answered = session.last_ping_tm, session.last_pong_tm
    return bool(asked) and asked - answered > MUTE_S if answered else False


def _acknowledge(socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
    """Tell Slack that it arrived. Where the socket has gone it may come again, and is one all the same."""
    with suppress(Exception):
        socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
