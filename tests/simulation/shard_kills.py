"""A carrier that kills: shards, the process that leads, Ray's head, at a message that was chosen."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.shards.carrier import Answer, Carrier, Message, ShardConfig
    from pipeline.shards.cluster import RayCarrier
    from pipeline.shards.processes import Processes

#: Before a message is sent, while the shard works on it, and when its answer is here.
MOMENTS = ("before", "working", "answered")


@dataclass(frozen=True)
class Strike:
    """Who is killed, and when: at the n-th message of a task."""

    victim: str  # shard, leader, head, bridge; or hung: a shard that is stopped
    task: str
    nth: int
    moment: str
    shard: int
    delay_s: float

    def __str__(self) -> str:
        return f"{self.victim} {self.moment} {self.task} {self.nth} (shard {self.shard})"


class Deadly:
    """Carries as the carrier it is given does, and strikes as planned."""

    def __init__(
        self, inner: Processes | RayCarrier, strikes: Sequence[Strike], struck: Callable[[Strike], None]
    ) -> None:
        self.met: Counter[tuple[str, str]] = Counter()  # (moment, task)
        self._inner = inner
        self._carrier: Carrier = inner
        self._strikes = list(strikes)
        self._struck = struck  # told right before
        self._tasks: dict[int, str] = {}

    def start(self, number: int, config: ShardConfig) -> None:
        """Start a shard."""
        self._meet("before", "start")
        self._carrier.start(number, config)
        self._meet("answered", "start")

    def send(self, shard: int, message: Message) -> None:
        """Send a message."""
        self._tasks[shard] = type(message.task).__name__
        self._meet("before", self._tasks[shard])
        self._carrier.send(shard, message)
        self._meet("working", self._tasks[shard])

    def receive(self, shard: int, timeout_s: float) -> Answer:
        """Receive its answer."""
        answer = self._carrier.receive(shard, timeout_s)
        self._meet("answered", self._tasks[shard])
        return answer

    def kill(self, shard: int) -> None:
        """End a shard."""
        self._carrier.kill(shard)

    def close(self) -> None:
        """End all."""
        self._carrier.close()

    def _meet(self, moment: str, task: str) -> None:
        self.met[moment, task] += 1
        for strike in list(self._strikes):
            if (strike.moment, strike.task, strike.nth) == (moment, task, self.met[moment, task]):
                self._strikes.remove(strike)
                time.sleep(strike.delay_s)
                self._struck(strike)
                self._kill(strike)

    def _kill(self, strike: Strike) -> None:
        how = signal.SIGSTOP if strike.victim == "hung" else signal.SIGKILL
        with suppress(ProcessLookupError, IndexError):  # it may have ended a moment ago
            os.kill(self._process(strike), how)

    def _process(self, strike: Strike) -> int:
        if strike.victim == "leader":
            return os.getpid()
        if strike.victim in ("shard", "hung"):
            return self._shards()[strike.shard]
        head = next(one for one in below(os.getpid()) if "gcs_server" in command(one))
        return head if strike.victim == "head" else parent(head)

    def _shards(self) -> list[int]:
        from pipeline.shards.processes import Processes  # noqa: PLC0415 - in the child alone

        if isinstance(self._inner, Processes):
            return list(self._inner.pids().values())
        return [one for one in below(os.getpid()) if command(one).startswith("ray::_Held")]


def below(process: int) -> list[int]:
    """All processes that this one has started, and those that they have."""
    parents = {int(p.name): parent(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit()}
    found = [process]
    for one in found:
        found += [child for child, its in parents.items() if its == one]
    return found[1:]


def parent(process: int) -> int:
    """By which it was started; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command(process: int) -> str:
    """Its command line."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text("utf-8").replace("\0", " ")
    except OSError:
        return ""
