"""Shards on other machines: Ray starts them, and brings them their messages.

Ray is spoken to by a process of its own, the bridge (bridge.py): Ray ends the process it is in when its head
is gone, and that must not be the one that leads. Whatever happens there arrives here as shards that are lost.
Nothing relies on what Ray promises: a shard that it starts holds what the lake holds.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ConfigurationError
from pipeline.shards import bridge
from pipeline.shards.bridge import Kill, Open, Receive, Send, Start
from pipeline.shards.carrier import Answer, ShardLost
from pipeline.shards.child import start_child
from pipeline.shards.held import SHARD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from pipeline.shards.bridge import Request
    from pipeline.shards.carrier import Message, ShardConfig

#: Until Ray is there, or a head of our own is started: seconds, also on a machine with much to do.
OPEN_S: Final = 150.0
#: Until a shard that was started has a place and has loaded its program, in seconds.
LOADED_S: Final = 60.0
#: Until the bridge has done what takes it no time, in seconds; one that has not is killed.
AT_ONCE_S: Final = 30.0
#: Of the folder with Ray's sockets and logs; the number of the process that leads follows.
_FOLDER: Final = "minuterisk-ray-"


@dataclass(frozen=True, slots=True)
class _Bridge:
    """A running one."""

    process: SpawnProcess
    pipe: Connection
    folder: Path


class RayCarrier:
    """Carries shards on the cluster whose head is at `address` (host:port).

    None: a head of its own, which listens on 127.0.0.1 alone and ends with this process.
    """

    def __init__(self, address: str | None, shard: str = SHARD) -> None:
        if importlib.util.find_spec("ray") is None:
            msg = "MINUTERISK_CARRIER is ray, and Ray is not installed"
            hint = (
                "pip install 'minuterisk[cluster]', or leave MINUTERISK_CARRIER out: processes need nothing"
            )
            raise ConfigurationError(msg, hint)
        self._address = address
        self._shard = shard  # the class that is held
        self._bridge: _Bridge | None = None
        self._folders: list[Path] = []  # of bridges that have ended
        self._there: set[int] = set()
        self._why = "it was never started"  # are those lost that are not there

    def start(self, number: int, config: ShardConfig) -> None:
        """Start shard `number`; it loads its program while others start, and `receive` waits for that."""
        if self._bridge is None:
            self._open(number)
        self._ask(number, Start(number, self._shard, pickle.dumps(config), config.threads), AT_ONCE_S)
        self._there.add(number)

    def send(self, shard: int, message: Message) -> None:
        """Have a message on its way."""
        if shard not in self._there:
            return
        plain = pickle.dumps(replace(message, parts=()))
        with suppress(ShardLost):  # `receive` says so again
            self._ask(shard, Send(shard, plain, tuple(message.parts)), AT_ONCE_S)

    def receive(self, shard: int, timeout_s: float) -> Answer:
        """The answer to the newest message."""
        if shard not in self._there:
            raise ShardLost(shard, self._why)
        plain, parts = self._ask(shard, Receive(shard, LOADED_S, timeout_s), LOADED_S + timeout_s + AT_ONCE_S)
        answer: Answer = pickle.loads(plain)  # noqa: S301 - of our own shard, in Ray's guarded network
        return replace(answer, parts=parts)

    def kill(self, shard: int) -> None:
        """End a shard, whatever it does; one that is lost may still be there."""
        if self._bridge is not None:
            with suppress(ShardLost):
                self._ask(shard, Kill(shard), AT_ONCE_S)
        self._forget(shard, "it was ended")

    def close(self) -> None:
        """End all of them, and the head where it is our own."""
        bridge, self._bridge = self._bridge, None
        self._there.clear()
        if bridge is not None:
            bridge.pipe.close()  # it ends by itself then, and what it has started with it
            bridge.process.join(AT_ONCE_S)
            self._end(bridge)
        self._sweep()

    # ---------------------------------------------------------------- the bridge

    def _open(self, number: int) -> None:
        self._sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=bridge.main, args=(there,), name="minuterisk-ray", daemon=True)
        start_child(process)
        there.close()
        self._bridge = _Bridge(process, here, folder)
        try:
            self._ask(number, Open(number, self._address, str(folder)), OPEN_S)
        except ShardLost as lost:
            self._close_lost(lost.why)
            raise

    def _ask(self, shard: int, request: Request, within_s: float) -> Any:  # noqa: ANN401 - the request's own
        """What the bridge replies; raises ShardLost."""
        try:
            with self._killed_after(within_s) as pipe:
                pipe.send(request)
                reply = pipe.recv()
        except (EOFError, OSError) as error:
            why = f"the process that speaks to Ray has ended ({type(error).__name__})"
            self._close_lost(why)
            raise ShardLost(shard, why) from error
        if isinstance(reply, ShardLost):
            self._forget(reply.shard, reply.why)
            raise reply
        return reply

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[Connection]:
        """The pipe; if this takes longer the bridge is killed, and the pipe ends."""
        if self._bridge is None:
            raise EOFError
        done = Event()
        Thread(target=_kill_unless, args=(done, seconds, self._bridge.process), daemon=True).start()
        try:
            yield self._bridge.pipe
        finally:
            done.set()

    def _forget(self, shard: int, why: str) -> None:
        self._there.discard(shard)
        self._why = why

    def _close_lost(self, why: str) -> None:
        """Without the bridge no shard can be reached; the next start makes another."""
        gone, self._bridge = self._bridge, None
        self._there.clear()
        self._why = why
        if gone is not None:
            self._end(gone)

    def _end(self, gone: _Bridge) -> None:
        if gone.process.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(gone.process.pid, signal.SIGKILL)  # what it has started is in its group
        gone.process.kill()
        gone.process.join()
        gone.process.close()
        gone.pipe.close()
        self._folders.append(gone.folder)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what is left of Ray's sockets and logs; a process that just begins makes folders anew."""
        for folder in (*self._folders, *_of_dead()):
            shutil.rmtree(folder, ignore_errors=True)


def _of_dead() -> Iterator[Path]:
    """Folders of processes that led once and were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        process = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if process.isdigit() and not _lives(int(process)):
            yield folder


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _kill_unless(done: Event, seconds: float, process: SpawnProcess) -> None:
    if not done.wait(seconds):
        process.kill()
