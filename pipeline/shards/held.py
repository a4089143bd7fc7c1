"""The other side of a carrier: the shard that it holds. What fails there is an answer, not a lost shard."""

from __future__ import annotations

import importlib
import pickle
import traceback
from typing import TYPE_CHECKING, Final, Protocol

from pipeline.errors import Fault, MinuteriskError
from pipeline.log import configure_log
from pipeline.shards.carrier import Answer

if TYPE_CHECKING:
    from pipeline.shards.carrier import Message, ShardConfig

#: The class that is held, as module:name; tests name others.
SHARD: Final = "pipeline.shards.shard:Shard"


class Handler(Protocol):
    """What such a class has."""

    def handle(self, message: Message) -> Answer:
        """Do what a message says."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Held:
    """A shard made by the name of its class. One that cannot be made says so to everybody who asks."""

    def __init__(self, name: str, number: int, config: ShardConfig) -> None:
        self._shard: Handler | None = None
        self._error: MinuteriskError | None = None
        try:
            module, _, found = name.partition(":")
            self._shard = getattr(importlib.import_module(module), found)(number, config)
        except Exception as error:  # noqa: BLE001 - of whatever kind: its program may not even be there
            self._error = as_told(error)

    @classmethod
    def alone(cls, name: str, number: int, config: ShardConfig) -> Held:
        """The same, in a process that holds nothing else and has no log yet."""
        configure_log(config)
        return cls(name, number, config)

    def handle(self, message: Message) -> Answer:
        """What the shard answers."""
        return Answer(error=self._error) if self._shard is None else self._shard.handle(message)

    def close(self) -> None:
        """End what it holds."""
        if self._shard is not None:
            self._shard.close()


def packed(answer: Answer) -> bytes:
    """An answer for another process; that it cannot go there is an answer, too."""
    try:
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - whatever the pack has put in
        return pickle.dumps(Answer(error=as_told(error)), pickle.HIGHEST_PROTOCOL)


def as_told(error: Exception) -> MinuteriskError:
    """The error as it can be handed on: one of ours as it is, another with where it came from."""
    if isinstance(error, MinuteriskError):
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, made a moment ago
        except Exception:  # noqa: BLE001 - its class takes more than a pickle knows
            return Fault(error.what, error.hint)
        return error
    fault = Fault(f"{type(error).__name__}: {error}", "report it; the log has the place")
    fault.add_note("".join(traceback.format_exception(error)))
    return fault
