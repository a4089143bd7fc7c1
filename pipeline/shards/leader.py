"""The shards of a pack as the process that leads sees them: it tells all of them something and waits for all.

A shard that ends or is silent for too long is killed, and whoever wanted something of it is told `ShardLost`:
the minute begins anew. It is started again when windows are next built, see `Spread.rebuild`.
"""

from __future__ import annotations

import itertools
import time
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakKeyDictionary, finalize

import numpy as np
import polars as pl
import structlog

from baselines.slots import slots_of
from pipeline.errors import ConfigurationError, MinuteriskError
from pipeline.shards import tasks
from pipeline.shards.carrier import Message, ShardLost
from pipeline.shards.feed import ShardFeed
from pipeline.shards.parts import as_bytes, print_of_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from zoneinfo import ZoneInfo

    from baselines.facts import Facts
    from pipeline.feeds import SourceFeed
    from pipeline.pack import Pack, Windows
    from pipeline.shards.carrier import Answer, Carrier, ShardConfig
    from pipeline.source.asked import Source

log = structlog.get_logger()

#: A shard has so long for what it does in memory or on its disk.
SHORT_S: Final = 60.0
#: And to start, or to read the lake of nine days.
LONG_S: Final = 900.0


class State:
    """The number of one state of the windows in every shard; they let go of it when nobody holds this."""

    def __init__(self, number: int, gone: Callable[[int], None]) -> None:
        self.number = number
        finalize(self, gone, number).atexit = False


class Shards:
    """Speaks to all shards of one pack, from any thread: a round of messages and answers at a time."""

    def __init__(self, carrier: Carrier, config: ShardConfig, epoch: Callable[[], int]) -> None:
        self.config = config
        self.standing: Windows | None = None  # windows of a minute that failed: shards still hold them
        self.taken: pl.DataFrame | None = None  # the counts of all that shards have taken last
        self._carrier = carrier
        self._epoch = epoch
        self._turn = RLock()
        self._alive: set[int] = set()
        self._states = itertools.count(1)
        self._gone: list[int] = []  # states that nobody holds any more
        self._minute = 0
        self._facts: WeakKeyDictionary[Facts, int] = WeakKeyDictionary()
        self._facts_numbers = itertools.count(1)
        self._facts_gone: list[int] = []
        self._knows: dict[int, set[int]] = {}  # by shard, the facts it knows
        self.took_ms: dict[str, float] = {}  # by task, the slowest shard's of the last round; for benchmarks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.config.slots)

    def close(self) -> None:
        """End all shards."""
        with self._turn:
            self._alive.clear()
            self._carrier.close()

    def start(self) -> None:
        """Start the shards that are not there."""
        with self._turn:
            missing = [shard for shard in range(len(self)) if shard not in self._alive]
            for shard in missing:
                self._carrier.start(shard, self.config)
                self._alive.add(shard)
                self._knows[shard] = set()
            try:
                prints = self.tell(tasks.Hello(), missing, LONG_S)
            except ShardLost:
                raise
            except MinuteriskError:  # one that could not be made is not there: it is made anew next time
                for shard in self._alive & {*missing}:
                    self._alive.discard(shard)
                    self._carrier.kill(shard)
                raise
            if any(one != print_of_hashes() for one in prints):
                msg = "a shard makes other hashes than the process that leads it"
                raise ConfigurationError(msg, "run the same version, on the same kind of processor")

    def at(self, minute: int) -> None:
        """Which minute is in hand, for the messages that follow."""
        self._minute = minute

    def feed(self, pack: Pack[Any, Any], source: Source, alone: SourceFeed, zone: ZoneInfo) -> ShardFeed:
        """Counts minutes through the shards; what is odd in `alone`."""
        return ShardFeed(pack, source, alone, self, zone)

    def new_state(self) -> State:
        """A number for windows that shards are about to hold."""
        return State(next(self._states), self._gone.append)

    def holder(self, entity: str) -> int:
        """The shard that holds an entity."""
        ends = [share.end for share in self.config.slots]
        slot = slots_of(pl.Series([entity], dtype=pl.String))[0]
        return int(np.searchsorted(ends, slot, side="right"))

    def tell(
        self,
        task: Any,  # noqa: ANN401 - one of tasks.py
        among: Sequence[int] | None = None,
        timeout_s: float = SHORT_S,
        parts: Sequence[Sequence[Any]] | None = None,
    ) -> list[Any]:
        """What each shard gives back, see `tell_each`, where all are told the same."""
        shards = range(len(self)) if among is None else among
        return [answer.body for answer in self.tell_each([task] * len(shards), shards, timeout_s, parts)]

    def tell_each(
        self,
        each: Sequence[Any],
        among: Sequence[int] | None = None,
        timeout_s: float = SHORT_S,
        parts: Sequence[Sequence[Any]] | None = None,
    ) -> list[Answer]:
        """Tell each of some shards its task and wait for all of them.

        Raises ShardLost where one is lost, then what failed in the first of them.
        """
        shards = list(range(len(self)) if among is None else among)
        with self._turn:
            self._drop_gone()
            return self._round(each, shards, timeout_s, parts or [()] * len(shards))

    def know(self, facts: Facts) -> int:
        """Have every shard know these facts; gives their number."""
        with self._turn:
            if facts not in self._facts:
                self._facts[facts] = number = next(self._facts_numbers)
                finalize(facts, self._facts_gone.append, number).atexit = False
            number = self._facts[facts]
            lack = [shard for shard in range(len(self)) if number not in self._knows.get(shard, ())]
            if lack:
                gone = [self._facts_gone.pop() for _ in range(len(self._facts_gone))]
                changes = facts.changes
                told = None if changes is None else as_bytes(changes)
                self.tell(tasks.Know(number, told, gone), lack)
                for shard in lack:
                    self._knows[shard].add(number)
            return number

    def _drop_gone(self) -> None:
        gone = tuple(self._gone)
        if gone:
            alive = sorted(self._alive)
            self._round([tasks.Drop(gone)] * len(alive), alive, SHORT_S, [()] * len(alive))
            del self._gone[: len(gone)]

    def _round(
        self, each: Sequence[Any], shards: Sequence[int], timeout_s: float, parts: Sequence[Sequence[Any]]
    ) -> list[Answer]:
        absent = [shard for shard in shards if shard not in self._alive]
        if absent:
            raise ShardLost(absent[0], "it has not been started again yet")
        until = time.monotonic() + timeout_s
        for shard, task, part in zip(shards, each, parts, strict=True):
            self._carrier.send(shard, Message(self._epoch(), self._minute, task, part))
        answers, lost = [], []
        for shard in shards:
            try:
                answers.append(self._carrier.receive(shard, max(until - time.monotonic(), 0)))
            except ShardLost as error:
                self._lose(error)
                lost.append(error)
        errors = [*lost, *(answer.error for answer in answers if answer.error is not None)]
        if errors:
            raise errors[0]
        if each:
            self.took_ms[type(each[0]).__name__] = max(answer.took_ms for answer in answers)
        return answers

    def _lose(self, error: ShardLost) -> None:
        log.error("shard.lost", shard=error.shard, why=error.why, alarm=True)
        self._alive.discard(error.shard)
        self._carrier.kill(error.shard)
