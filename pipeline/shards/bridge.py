"""The process that speaks to Ray: it starts actors that hold a shard each, and takes messages to them.

It does what comes through its pipe, one after the other, and replies to each; when the pipe ends it ends, and
with it the head of its own. It never looks into messages, and loads neither their classes nor the lake's.
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import MinuteriskError
from pipeline.shards.carrier import ShardLost
from pipeline.shards.head import reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.connection import Connection

#: What parts of one minute may take of the shared memory of a machine without a cluster, in bytes.
_STORE: Final = 512 * 2**20
_LOOPBACK: Final = "127.0.0.1"
#: How often a head of our own is started before it is given up.
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Open:
    """Reach the cluster, or start a head with its sockets and logs in `folder`; for the sake of `shard`."""

    shard: int
    address: str | None
    folder: str


@dataclass(frozen=True, slots=True)
class Start:
    """Start an actor that holds a shard."""

    shard: int
    held: str  # module:name of the class
    config: bytes
    threads: int


@dataclass(frozen=True, slots=True)
class Send:
    """Take a message to a shard; parts are references or the thing itself."""

    shard: int
    message: bytes
    parts: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Receive:
    """-> (the answer to the newest message, references to its parts)."""

    shard: int
    loaded_s: float  # for a shard that was just started
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Kill:
    """End a shard."""

    shard: int


Request = Open | Start | Send | Receive | Kill


@dataclass(frozen=True, slots=True)
class Reference:
    """A part that lies where it was made."""

    shard: int  # by which it was made
    number: int


def main(pipe: Connection) -> None:
    """The life of the process."""
    os.setsid()  # a terminal's Ctrl-C is for whoever leads, who ends this by its pipe
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # what Ray starts would have it blocked, too
    bridge = _Bridge()
    with suppress(EOFError, OSError):
        while True:
            request = pipe.recv()
            try:
                reply = bridge.do(request)
            except ShardLost as lost:
                reply = lost
            pipe.send(reply)
    if bridge.folder is not None:
        shutil.rmtree(bridge.folder, ignore_errors=True)
    # And all that Ray has started: its own ending waits for a head that may be gone, and some of it for ever.
    os.killpg(0, signal.SIGKILL)


class _Bridge:
    """What is held on this process's side."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self._ray: Any = None
        self._actors: dict[int, Any] = {}
        self._loading: dict[int, Any] = {}  # gives where a new actor is, once it has loaded its program
        self._places: dict[int, tuple[str, int]] = {}
        self._answers: dict[int, Any] = {}  # to the newest message of each, or why it went nowhere
        self._parts: dict[Reference, Any] = {}

    def do(self, request: Request) -> Any:  # noqa: ANN401 - the request's own
        """What is replied to a request; raises ShardLost."""
        try:
            return _DOES[type(request)](self, request)
        except ShardLost:
            raise
        except MinuteriskError as error:
            raise ShardLost(request.shard, error.what) from None
        except Exception as error:  # noqa: BLE001 - of whatever kind, Ray's are a tree of their own
            raise ShardLost(request.shard, f"Ray: {_line(error)}") from None

    def open(self, request: Open) -> None:
        """Reach the cluster, or start a head of our own."""
        self.folder = request.folder
        _speak_to(Path(request.folder) / "bridge.log")
        _prepare_environment(own=request.address is None)
        import ray  # noqa: PLC0415 - an extra, and it reads the environment when it is imported

        if request.address is None:
            _start_head(ray, request.folder)
        else:
            ray.init(address=reach(request.address), log_to_driver=False)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Ray has just set its own
        self._ray = ray
        self._of_cluster = request.address is not None

    def start(self, request: Start) -> None:
        """Start an actor; it is not waited for."""
        reach(self._ray.get_runtime_context().gcs_address)  # Ray itself would wait for a head for ever
        self.kill(Kill(request.shard))
        actor = (
            self._ray.remote(_Actor)
            # In a cluster a machine holds as many shards as it has processors to give (`--num-cpus`).
            .options(num_cpus=int(self._of_cluster), max_restarts=0, max_task_retries=0)
            .remote(request.held, request.shard, request.config, request.threads)
        )
        self._actors[request.shard], self._loading[request.shard] = actor, actor.place.remote()

    def send(self, request: Send) -> None:
        """Send a message; parts that lie at a shard go from there. What is wrong `receive` says."""
        self._answers.pop(request.shard, None)
        try:
            parts = [self._part(part) for part in request.parts]
            answer = self._actors[request.shard].handle.remote(request.message, *parts)
        except ShardLost as lost:
            answer = lost
        self._answers[request.shard] = answer

    def receive(self, request: Receive) -> tuple[bytes, Sequence[Reference]]:
        """The answer to the newest message."""
        shard = request.shard
        if shard in self._loading:
            self._places[shard] = self._get(shard, self._loading[shard], request.loaded_s)
            del self._loading[shard]
        found = self._answers.pop(shard, ShardLost(shard, "nothing was sent to it"))
        if isinstance(found, ShardLost):
            raise found
        answer, parts = self._get(shard, found, request.timeout_s)
        if not parts:
            return answer, ()
        self._parts = {known: part for known, part in self._parts.items() if known.shard != shard}
        new = {Reference(shard, number): part for number, part in enumerate(parts)}
        self._parts |= new
        return answer, tuple(new)

    def kill(self, request: Kill) -> None:
        """End the actor, also one that hangs."""
        shard = request.shard
        for known in (self._loading, self._answers):
            known.pop(shard, None)
        self._parts = {known: part for known, part in self._parts.items() if known.shard != shard}
        actor, (node, process) = self._actors.pop(shard, None), self._places.pop(shard, ("", 0))
        if actor is None:
            return
        if node == self._ray.get_runtime_context().get_node_id():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._ray.kill(actor)

    def _get(self, shard: int, reference: Any, within_s: float) -> Any:  # noqa: ANN401 - what the actor gave
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference, timeout=within_s)
        except errors.GetTimeoutError:
            raise ShardLost(shard, f"no answer within {within_s:.0f} s") from None
        except errors.RayActorError as error:
            raise ShardLost(shard, _line(error)) from None

    def _part(self, part: Any) -> Any:  # noqa: ANN401 - one or the other
        if not isinstance(part, Reference):
            return part
        if part not in self._parts:
            raise ShardLost(part.shard, "what it had counted is gone with it")
        return self._parts[part]


_DOES: Final[Mapping[type, Callable[[_Bridge, Any], Any]]] = {
    Open: _Bridge.open,
    Start: _Bridge.start,
    Send: _Bridge.send,
    Receive: _Bridge.receive,
    Kill: _Bridge.kill,
}


class _Actor:
    """The actor: a shard, wherever Ray has put it."""

    def __init__(self, held: str, shard: int, config: bytes, threads: int) -> None:
        os.environ["POLARS_MAX_THREADS"] = str(threads)  # before the shard's program is loaded
        from pipeline.shards.held import Held  # noqa: PLC0415 - now that this is said

        self._shard = Held.alone(held, shard, pickle.loads(config))  # noqa: S301 - of the process that leads

    def place(self) -> tuple[str, int]:
        """The node, and the number of the process there."""
        import ray  # noqa: PLC0415 - see above

        return ray.get_runtime_context().get_node_id(), os.getpid()

    def handle(self, message: bytes, *parts: Any) -> tuple[bytes, Sequence[Any]]:  # noqa: ANN401 - the shard's own
        """The answer, and its parts where they were made."""
        import ray  # noqa: PLC0415 - see above

        from pipeline.shards.held import packed  # noqa: PLC0415 - see above

        told = pickle.loads(message)  # noqa: S301 - of the process that leads
        answer = self._shard.handle(replace(told, parts=parts))
        return packed(replace(answer, parts=())), [ray.put(part) for part in answer.parts]


def _speak_to(log: Path) -> None:
    """What Ray prints of its own accord: a process that ends is told to whoever leads, in words of ours."""
    to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(to, 1)
    os.dup2(to, 2)


def _prepare_environment(*, own: bool) -> None:
    """What Ray reads from there. Nobody without the token may speak to it, and it tells nobody of us."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if not own:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        return
    os.environ |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # Its servers listen where nodes are. This is how it is told that the only one is here.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # A head of our own that is gone does not come back: what is left of it ends soon.
        "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
    }


def _start_head(ray: Any, folder: str) -> None:  # noqa: ANN401 - a module
    for attempt in range(_ATTEMPTS):
        try:
            ray.init(
                address="local",
                num_cpus=1,
                include_dashboard=False,
                log_to_driver=False,
                object_store_memory=_STORE,
                _node_ip_address=_LOOPBACK,
                _temp_dir=f"{folder}/ray",  # which it opens to everybody; the folder around it is ours alone
            )
            break
        except Exception:
            # It gives its parts half a minute to start; on a machine with much to do that is not enough.
            ray.shutdown()
            if attempt + 1 == _ATTEMPTS:
                raise
    found = ray.util.get_node_ip_address()
    if found != _LOOPBACK:
        msg = f"it would listen on {found} and not on {_LOOPBACK}"
        raise RuntimeError(msg)


def _line(error: Exception) -> str:
    """The first line of an error."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
