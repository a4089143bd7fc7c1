"""People who look at the dashboard, many in one process: WebSocket clients that do what a browser does.

A browser opens the connection, asks for the screen of its address, and asks for each fragment with a pace of
its own anew in that pace, whether or not the last answer has come. That is all that a page does by itself.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from websockets.asyncio.client import ClientConnection

STREAM = "/_stcore/stream"
#: What Streamlit allows a page to hold.
_MOST_BYTES = 64 * 1024 * 1024
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_WHOLE = ""  # in the place of a fragment


@dataclass
class Viewer:
    """One open page. Times are of time.perf_counter, in seconds."""

    address: str  # http://…
    token: str  # of the session's cookie; nothing: nobody is signed in
    screen: str = ""
    query: str = ""
    refresh_ms: list[float] = field(default_factory=list)  # of what a page asks by itself
    drawn_ms: list[float] = field(default_factory=list)  # of whole runs
    failures: list[str] = field(default_factory=list)
    received_bytes: int = 0
    _socket: ClientConnection | None = None
    _asked: dict[str, float] = field(default_factory=dict)  # fragment, or _WHOLE -> when
    _timers: dict[str, tuple[float, asyncio.Task[None]]] = field(default_factory=dict)
    _whole: bool = True  # does the run that goes on draw the whole screen?
    _script: str = ""
    _cached: dict[str, None] = field(default_factory=dict)
    _awaited: list[tuple[bytes, asyncio.Future[float]]] = field(default_factory=list)
    _fields: dict[str, str] = field(default_factory=dict)  # of text: widget -> its fragment
    _typed: dict[str, str] = field(default_factory=dict)  # widget -> what stands in it
    _drawn: asyncio.Event = field(default_factory=asyncio.Event)
    _answered: dict[str, asyncio.Event] = field(default_factory=dict)  # by fragment
    _early: list[str] = field(default_factory=list)  # fragments whose run another one followed at once

    async def look(self) -> None:
        """Open the page and keep it open; ends when it is cancelled."""
        host = self.address.removeprefix("http://")
        cookie = {"Cookie": f"minuterisk={self.token}"} if self.token else {}
        async with connect(
            f"ws://{host}{STREAM}",
            additional_headers={"Origin": self.address, **cookie},
            subprotocols=[Subprotocol("streamlit")],
            max_size=_MOST_BYTES,
        ) as self._socket:
            try:
                await self.ask()
                async for message in self._socket:
                    self._take(message if isinstance(message, bytes) else message.encode())
            except ConnectionClosed as error:
                self.failures.append(f"closed: {error}")
            finally:
                self._stop(self._timers)

    async def ask(self, *, fragment: str = "", by_itself: bool = False) -> None:
        """Have the script run, or a fragment of it."""
        asked = BackMsg()
        run = asked.rerun_script
        run.query_string, run.page_script_hash, run.is_auto_rerun = self.query, self._script, by_itself
        run.page_name = "" if self._script else self.screen
        run.fragment_id = fragment
        run.cached_message_hashes.extend(self._cached)
        run.context_info.timezone, run.context_info.locale = "Asia/Seoul", "ko-KR"
        run.context_info.url = f"{self.address}/{self.screen}"
        for widget, words in self._typed.items():
            run.widget_states.widgets.add(id=widget, string_value=words)
        self._asked.setdefault(fragment, time.perf_counter())
        if not fragment:
            self._drawn.clear()
        assert self._socket is not None
        await self._socket.send(asked.SerializeToString())

    async def drawn(self) -> float:
        """Wait until the screen that was asked for is drawn; gives what that took, in ms."""
        async with asyncio.timeout(PATIENCE_S):
            await self._drawn.wait()
        return self.drawn_ms[-1]

    async def type(self, field_name: str, words: str) -> float:
        """Put words into the field of that key; gives the ms until what follows from them is shown."""
        widget = next(found for found in self._fields if found.endswith(f"-{field_name}"))
        self._typed[widget] = words
        fragment = self._fields[widget]
        self._answered[fragment] = asyncio.Event()
        start = time.perf_counter()
        await self.ask(fragment=fragment)
        async with asyncio.timeout(PATIENCE_S):
            await self._answered[fragment].wait()
        return (time.perf_counter() - start) * 1000

    def awaits(self, words: str) -> asyncio.Future[float]:
        """When will the page show these words? The moment is that of time.time."""
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited.append((words.encode(), found))
        return found

    def _take(self, content: bytes) -> None:
        self.received_bytes += len(content)
        for words, found in self._awaited:
            if words in content and not found.done():
                found.set_result(time.time())
        message = ForwardMsg()
        message.ParseFromString(content)
        if message.metadata.cacheable and message.hash:
            self._cached[message.hash] = None
        taken = {
            "new_session": self._begins,
            "navigation": self._arrives,
            "auto_rerun": self._repeat,
            "stop_auto_rerun": lambda said: self._stop(said.stop_auto_rerun.fragment_ids),
            "script_finished": self._ends,
            "delta": self._draws,
        }
        if kind := taken.get(message.WhichOneof("type") or ""):
            kind(message)

    def _draws(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.WhichOneof("type") == "text_input":
            self._fields[element.text_input.id] = message.delta.fragment_id
        if element.WhichOneof("type") == "exception":
            self.failures.append(element.exception.message)

    def _arrives(self, message: ForwardMsg) -> None:
        self._script = message.navigation.page_script_hash  # without it the first screen would be drawn

    def _begins(self, message: ForwardMsg) -> None:
        self._whole = not message.metadata.run.fragment_ids
        if self._whole:
            self._stop(self._timers)
            self._asked.setdefault(_WHOLE, time.perf_counter())  # a fragment had everything drawn anew
            self._cached.clear()
        else:
            self._came(self._early)  # of a run that had ended; were it cut short, the whole would follow
        self._early = []

    def _ends(self, message: ForwardMsg) -> None:
        run = message.metadata.run.fragment_ids
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._early = list(run)
        if message.script_finished not in _FINISHED:
            return
        # A run of the whole, which something else brought about, answers what was typed before it as well.
        self._came(run or [one for one in self._asked if one != _WHOLE])
        if self._whole:
            now = time.perf_counter()
            self.drawn_ms.append((now - self._asked.pop(_WHOLE, now)) * 1000)
            self._drawn.set()

    def _came(self, fragments: Iterable[str]) -> None:
        now = time.perf_counter()
        for fragment in fragments:
            if (asked := self._asked.pop(fragment, None)) is not None and fragment in self._timers:
                self.refresh_ms.append((now - asked) * 1000)
            if fragment in self._answered:
                self._answered[fragment].set()

    def _repeat(self, message: ForwardMsg) -> None:
        fragment, every_s = message.auto_rerun.fragment_id, message.auto_rerun.interval
        if fragment in self._timers and self._timers[fragment][0] == every_s:
            return
        self._stop([fragment])
        self._timers[fragment] = every_s, asyncio.create_task(self._keep_asking(fragment, every_s))

    async def _keep_asking(self, fragment: str, every_s: float) -> None:
        with suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(every_s)
                await self.ask(fragment=fragment, by_itself=True)

    def _stop(self, fragments: Iterable[str]) -> None:
        for fragment in list(fragments):
            if fragment in self._timers:
                self._timers.pop(fragment)[1].cancel()
