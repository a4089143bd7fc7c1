"""What is done with what people press and ask in Slack.

What changes something is kept before Slack is told that it arrived, within its three seconds; then it is
done. What only asks is acknowledged at once. Nothing that happens here stops a minute or a message.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Final

import structlog

from pipeline.errors import MinuteriskError
from pipeline.figures import clean
from pipeline.store import audit
from pipeline.talk.client import respond
from pipeline.talk.envelope import command_of, home_opened_by, press_of
from pipeline.talk.presses import refusal
from pipeline.talk.shown import SHOWN, render_guest, render_home
from pipeline.talk.socket import Socket
from pipeline.talk.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings
    from pipeline.store.state import State
    from pipeline.talk.client import TalkClient
    from pipeline.talk.commands import Commands
    from pipeline.talk.envelope import Asker, Command, Press
    from pipeline.talk.presses import Presses
    from pipeline.talk.socket import Heard

log = structlog.get_logger()

#: Presses that are settled, and questions that are answered, at the same time.
WORKERS: Final = 4
SETTLE_LEFT_S: Final = 10.0


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
        self._work = ThreadPoolExecutor(WORKERS, "talk")
        self._ending = Event()
        self._socket: Socket | None = None
        self._left_at = 0.0

    def keep(self) -> float:
        """Listen, and settle what a crash has left; for how many seconds nothing could be heard."""
        if self._socket is None:
            token = self._settings.slack_app_token or ""
            self._socket = Socket(lambda: self._client.socket_address(token), self._heard)
            self._socket.start()
        now = time.monotonic()
        if now - self._left_at >= SETTLE_LEFT_S:
            self._left_at = now
            self._presses.settle_left()
        return self._socket.away_s

    def close(self) -> None:
        """Hang up, after what is in hand; what was kept and is not settled the next process settles."""
        self._ending.set()
        if self._socket is not None:
            self._socket.close()
        self._work.shutdown(wait=True)

    def _heard(self, heard: Heard) -> None:
        """Kept and acknowledged here, which takes a moment; what asks Slack is done elsewhere."""
        self._guarded(heard.kind, lambda: self._hear(heard))

    def _later(self, kind: str, work: Callable[[], object]) -> None:
        """Nobody's acknowledgement waits behind this. Once we end nothing more is begun: it is kept."""

        def begin() -> None:
            if not self._ending.is_set():
                self._guarded(kind, work)

        with suppress(RuntimeError):  # nothing is taken on any more
            self._work.submit(begin)

    def _guarded(self, kind: str, work: Callable[[], object]) -> None:
        """Whatever an envelope holds, the next one is heard."""
        try:
            work()
        except MinuteriskError as error:
            log.warning("talk.failed", kind=kind, error=error.what)
        except Exception as error:
            log.warning("talk.fault", kind=kind, exc_info=error, alarm=True)

    def _hear(self, heard: Heard) -> None:
        language, payload = self._settings.language, heard.payload
        if heard.kind == "interactive":
            press = press_of(payload, language)
            if press is not None and not self._is_kept(press):
                return
            heard.acknowledge()
            if press is not None:
                self._later(heard.kind, lambda: self._settle(press))
        elif heard.kind == "slash_commands":
            command = command_of(payload)
            if command is None:
                heard.acknowledge()
            else:
                self._obey(heard, command)
        else:
            heard.acknowledge()
            asker = home_opened_by(payload)
            if asker is not None:
                self._later(heard.kind, lambda: self._show_home(asker))

    def _obey(self, heard: Heard, command: Command) -> None:
        asked = self._act_of(command)
        if asked is not None and not self._is_kept(asked):
            return
        heard.acknowledge()
        if asked is not None:
            self._later(heard.kind, lambda: self._settle(asked))
        else:
            self._later(heard.kind, lambda: self._answer(command))

    def _answer(self, command: Command) -> None:
        if self._is_ours(command.asker, "ask"):
            said = self._commands.answer(command)
        else:
            words, asker = self._words["other_team"], command.asker
            said = words.format(team=clean(asker.team), own=clean(self._presses.team))
        respond(command.response_url, said)

    def _not_taken(self, url: str) -> None:
        self._later("not_taken", lambda: respond(url, self._words["not_taken"]))

    def _act_of(self, command: Command) -> Press | None:
        try:
            return self._commands.act_of(command)
        except MinuteriskError:
            self._not_taken(command.response_url)
            raise

    def _is_kept(self, press: Press) -> bool:
        """Keep the press; where that fails Slack is not told that it arrived, so that it warns the person."""
        try:
            self._presses.take(press)
        except MinuteriskError as error:
            log.warning("talk.not_taken", error=error.what, alarm=True)
            self._not_taken(press.response_url)
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
