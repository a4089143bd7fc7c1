"""Shards as processes of this machine, reached through pipes: the standard library and nothing else.

Each shard has a thread here that speaks to it, so that nobody waits for a shard that does not read. A shard
whose leader has ended reads the end of its pipe and ends, too.
"""

from __future__ import annotations

import os
import pickle
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from pipeline.shards.carrier import Answer, Message, ShardConfig, ShardLost
from pipeline.shards.child import start_child
from pipeline.shards.held import SHARD, Held, packed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

#: A process that was told to end has so long before it is killed.
_ENDING_S: Final = 2.0
_THREADS: Final = "POLARS_MAX_THREADS"


@dataclass(slots=True)
class _Line:
    """A process, the pipe to it, and the thread that speaks through it."""

    process: SpawnProcess
    pipe: Connection
    thread: ThreadPoolExecutor
    answer: Future[Answer] | None = None

    def end(self, *, kill: bool) -> None:
        """Let the process end, or have it ended; what its thread waits for ends with it."""
        if kill:
            self.process.kill()
        else:
            self.pipe.close()
        self.process.join(_ENDING_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.thread.shutdown()
        with suppress(OSError):
            self.pipe.close()


class Processes:
    """Starts a process for each shard."""

    def __init__(self, shard: str = SHARD) -> None:
        self._shard = shard  # the class that is held
        # Not forked: the threads of Polars do not survive that.
        self._context = get_context("spawn")
        self._lines: dict[int, _Line] = {}

    def start(self, number: int, config: ShardConfig) -> None:
        """Start shard `number`, also in the place of one that was lost."""
        self.kill(number)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_live, args=(self._shard, number, config, theirs), name=f"shard-{number}", daemon=True
        )
        before = os.environ.get(_THREADS)
        os.environ[_THREADS] = before or str(config.threads)  # it is read when Polars is imported there
        try:
            start_child(process)
        finally:
            if before is None:
                os.environ.pop(_THREADS, None)
            theirs.close()
        thread = ThreadPoolExecutor(1, f"shard-{number}")
        self._lines[number] = _Line(process, ours, thread)

    def send(self, shard: int, message: Message) -> None:
        """Have a message on its way; an answer that nobody has received is passed over."""
        line = self._lines.get(shard)
        if line is not None:
            line.answer = line.thread.submit(_exchange, line.pipe, message)

    def receive(self, shard: int, timeout_s: float) -> Answer:
        """The answer to the newest message."""
        line = self._lines.get(shard)
        if line is None or line.answer is None:
            raise ShardLost(shard, "it is not there")
        answer, line.answer = line.answer, None
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            raise ShardLost(shard, f"no answer within {timeout_s:.0f} s") from None
        except (EOFError, OSError) as error:
            line.process.join(_ENDING_S)
            why = f"its process has ended with {line.process.exitcode}"
            raise ShardLost(shard, why) from error

    def kill(self, shard: int) -> None:
        """End a shard, whatever it does."""
        line = self._lines.pop(shard, None)
        if line is not None:
            line.end(kill=True)

    def close(self) -> None:
        """End all of them; each ends by itself once its pipe is closed."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            line.end(kill=line.answer is not None)

    def pids(self) -> dict[int, int]:
        """The process of each shard."""
        return {number: line.process.pid or 0 for number, line in self._lines.items()}


def _exchange(pipe: Connection, message: Message) -> Answer:
    pipe.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    answer: Answer = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from a process that we have started
    return answer


def _live(held: str, number: int, config: ShardConfig, pipe: Connection) -> None:
    """The life of a shard's process."""
    shard = Held.alone(held, number, config)
    try:
        while True:
            message = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from the process that has started us
            pipe.send_bytes(packed(shard.handle(message)))
    except (EOFError, OSError):
        return  # whoever leads has ended, or let us go
    finally:
        shard.close()
