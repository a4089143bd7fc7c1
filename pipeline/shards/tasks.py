"""What a shard is told to do: plain values that can be pickled, each with what comes back.

A shard holds several states of the windows, by number: the one that minutes enter, and those that corrections
begin from. `state` says which is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from baselines.rules import Tuned
    from pipeline.history import History
    from pipeline.minute import Span


@dataclass(frozen=True, slots=True)
class Hello:
    """Are you there? -> the print of its hashes."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read a slice of the minute `span` in another connection's snapshot -> Slice, and a part per shard.

    Where nobody may read in the snapshot the answer is why, a text.
    """

    span: Span
    start: datetime
    end: datetime
    snapshot: str
    clock: datetime


@dataclass(frozen=True, slots=True)
class Raw:
    """Give the rows of the slice that was read last -> a frame as bytes."""


@dataclass(frozen=True, slots=True)
class Take:
    """Add up the message's parts: the shard's own counts of the minute -> frames by dataset, as bytes."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Write the files of the counts that were taken last -> the files."""

    span: Span


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Build windows from the lake, right before a minute -> how many entities wait for a tier, or None."""

    state: int
    history: History
    next_minute: datetime
    tuned: Tuned


@dataclass(frozen=True, slots=True)
class Add:
    """Slide to a minute with these rows (None: those that were taken last) -> as with Rebuild."""

    state: int
    minute: datetime
    rows: bytes | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """-> the first `number` that wait for their tier, a frame."""

    state: int
    number: int


@dataclass(frozen=True, slots=True)
class Rank:
    """Rank those that wait by the border -> None."""

    state: int
    border: Any


@dataclass(frozen=True, slots=True)
class At:
    """Keep the windows as they stood after the minute `last` as the state `other` -> could it be done?"""

    state: int
    last: int
    other: int


@dataclass(frozen=True, slots=True)
class Back:
    """Undo minutes until the windows stand after `last` -> could it be done?"""

    state: int
    last: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Let go of states -> None."""

    states: Sequence[int]


@dataclass(frozen=True, slots=True)
class Know:
    """Remember facts by a number -> None."""

    facts: int
    changes: bytes | None
    forget: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class LookUp:
    """Have the facts of all entities at hand at a minute (since the epoch) -> None."""

    state: int
    facts: int
    minute: int


@dataclass(frozen=True, slots=True)
class Sum:
    """-> what `Together.sums` says of the minute that the windows stand at."""

    state: int
    tuned: Tuned
    facts: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Judge by the sums of all -> (signals of the shard's entities as bytes, `Together.rest`)."""

    state: int
    tuned: Tuned
    policy: str
    facts: int
    whole: bool
    sums: Any


@dataclass(frozen=True, slots=True)
class AskWindows:
    """Call one of `Together.asks` -> what it gives."""

    state: int
    name: str
    given: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Known:
    """-> the ids of all entities that the windows know, a frame of one column, as bytes."""

    state: int


@dataclass(frozen=True, slots=True)
class Usual:
    """-> the pack's `baseline` of its entities, as bytes."""

    state: int
