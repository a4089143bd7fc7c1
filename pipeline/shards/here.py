"""Shards in this very process, one after the other: to try what they do, without anything that carries."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from pipeline.shards.carrier import Answer, Message, ShardConfig, ShardLost
from pipeline.shards.held import SHARD, Held, packed

if TYPE_CHECKING:
    from collections.abc import Callable


class Here:
    """Hands each message on as it would travel: as bytes, there and back."""

    def __init__(self, sees: Callable[[int, Message], None] = lambda *_: None, shard: str = SHARD) -> None:
        self._shard = shard  # the class that is held
        self._shards: dict[int, Held] = {}
        self._answers: dict[int, Answer] = {}
        self._sees = sees  # may kill the shard

    def start(self, number: int, config: ShardConfig) -> None:
        """Make shard `number`."""
        self.kill(number)
        self._shards[number] = Held(self._shard, number, config)

    def send(self, shard: int, message: Message) -> None:
        """Have it answered at once."""
        self._answers.pop(shard, None)
        self._sees(shard, message)
        if shard in self._shards:
            sent = pickle.loads(pickle.dumps(message))  # noqa: S301 - our own
            self._answers[shard] = pickle.loads(packed(self._shards[shard].handle(sent)))  # noqa: S301

    def receive(self, shard: int, timeout_s: float) -> Answer:
        """The answer that is waiting."""
        del timeout_s
        if shard not in self._answers:
            raise ShardLost(shard, "it is not there")
        return self._answers.pop(shard)

    def kill(self, shard: int) -> None:
        """Forget a shard."""
        found = self._shards.pop(shard, None)
        self._answers.pop(shard, None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Forget all of them."""
        for shard in list(self._shards):
            self.kill(shard)
