"""How shards are reached: what a carrier does, and what goes to a shard and comes back.

The process that leads sends a message to a shard and receives one answer to it before it sends the next.
Nobody else speaks to a shard, and a shard asks nobody. `Shard.handle` (shard.py) is all that a carrier has to
call on the other side; it never raises, what failed is in its answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.errors import MinuteriskError, PassingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from baselines.slots import Slots
    from pipeline.store.lake import Lake


class ShardLost(PassingError):
    """A shard ended or gave no answer in time; its windows are built again from the lake."""

    def __init__(self, shard: int, why: str) -> None:
        self.shard = shard
        self.why = why
        super().__init__(f"shard {shard} is lost: {why}", "it is started again and built from the lake")

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was made."""
        return type(self), (self.shard, self.why)


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """What a shard is made from; can be pickled."""

    pack: str
    lake: Lake  # goes to another process by the pack's name and its places, which are the same there
    slots: Sequence[Slots]  # of every shard; its own are those at its number
    source_url: str = field(repr=False)
    source_queries: Path
    source_timeout: timedelta
    currency: str
    threads: int = 1  # of Polars, so that all shards of a machine share its cores
    log_level: str = "info"
    log_format: str = "auto"


@dataclass(frozen=True, slots=True)
class Message:
    """What a shard is told to do."""

    epoch: int  # of the leader; a shard refuses an older one than it has seen
    minute: int  # the minute in hand, since the epoch; for the log and for people
    task: Any  # one of tasks.py
    #: What other shards have counted for this one. Nobody between them looks inside: a carrier may put
    #: references in their place, which it resolves before `Shard.handle`.
    parts: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What it gives back."""

    body: Any = None
    parts: Sequence[Any] = ()  # for each shard what was counted for it; see `Message.parts`
    error: MinuteriskError | None = None
    took_ms: float = 0.0  # in the shard


class Carrier(Protocol):
    """Starts shards and brings them messages; used by one thread at a time."""

    def start(self, number: int, config: ShardConfig) -> None:
        """Start shard `number`, also in the place of one that was lost. Raises ShardLost."""
        ...

    def send(self, shard: int, message: Message) -> None:
        """Have a message on its way; returns at once. Of a shard that is lost `receive` says so."""
        ...

    def receive(self, shard: int, timeout_s: float) -> Answer:
        """The answer to the newest message; raises ShardLost after so long, or when the shard has ended.

        The answer to an earlier one that nobody has received is passed over.
        """
        ...

    def kill(self, shard: int) -> None:
        """End a shard, whatever it does; one that is not there is no error."""
        ...

    def close(self) -> None:
        """End all of them."""
        ...
