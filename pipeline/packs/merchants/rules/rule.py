"""What a rule of merchants is: one value with all that is its own, made in one file. Pure.

The judge calls `find` once a minute and puts the rows of all rules together; nobody asks for a rule by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from baselines.calendar import like_days
from pipeline.minute import business_date, from_index
from pipeline.pack import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from baselines.facts import Facts
    from baselines.merchants.rules import Rules, Severity
    from baselines.merchants.slices import Integers
    from baselines.merchants.windows import Windows
    from pipeline.judge.verdicts import Columns, Flags
    from pipeline.packs.merchants.account import Account
    from pipeline.packs.merchants.rules.platform import Most, PlatformSums
    from pipeline.packs.merchants.rules.sums import Sums

    Reason = Mapping[str, Any]

#: Reasons that several rules have beside the engine's.
NO_BREACH: Final = "no_breach"
NO_BASELINE: Final = "no_baseline"

Numbers = TypeVar("Numbers")


@dataclass(frozen=True)
class Situation:
    """What every rule is given: the windows at the minute that is judged, and what it is judged by."""

    windows: Windows
    tuned: Rules
    policy: str
    facts: Facts  # the merchants' categories
    whole: bool = True  # also the signals that settle nothing
    always: int | None = None  # the merchant at this position is looked at, however ordinary it is
    only: Flags | None = None  # by position, who is judged by these numbers; None: everybody
    sums: Sums | None = None  # over the merchants of all shards; None: the windows hold everybody

    @cached_property
    def last(self) -> int:
        """The judged minute, since the epoch; ValueError where the windows are empty."""
        if self.windows.last is None:
            msg = "no minute has entered the windows"
            raise ValueError(msg)
        return self.windows.last

    @property
    def minute(self) -> datetime:
        """The judged minute."""
        return from_index(self.last)

    def concerned(self, positions: Integers) -> Integers:
        """Those of some positions that are judged by these numbers."""
        return positions if self.only is None else positions[self.only[positions]]

    @cached_property
    def today(self) -> date:
        """Its business day."""
        return business_date(self.minute, self.windows.pacing.zone)

    @cached_property
    def like(self) -> Sequence[date]:
        """The baseline days of today's class."""
        days = self.windows.pacing.used_days
        return like_days(self.today, days, self.tuned.volume_drop.public_holidays)


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule has found at a minute.

    Each part has `position` (of the merchant; -1: all together), `reason` and, where it is not the rule's
    first, `kind`, as places in the rule's own lists; and columns of SIGNAL. -1 is null.
    """

    parts: Sequence[Columns]
    breached: Integers  # positions of all breaches, also of those that are in no part
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of the columns whose values are words


@dataclass(frozen=True, slots=True, kw_only=True)
class Explains:
    """How `explain` reads a rule."""

    account: Callable[[Situation, int | None], Account]  # of the merchant at a position; None: never seen
    supported: Callable[[Reason, Rules], bool]  # would the policy `supported` let this breach pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRule(Rule):
    """A rule: what is made of what it finds. A column of SIGNAL that nobody else has is its own."""

    reasons: Sequence[str]  # "fires" and what may hold a breach back
    severity: Callable[[Reason, Severity], int]  # how many of its borders the deviation has reached, 0 to 2
    say: Callable[[Reason, str, str], str]  # (reason, event, language) -> sentences
    deviation: Callable[[Reason], float]  # times the usual, for a chart
    of_the_brief: bool = False  # the policy `literal` knows no other
    bare_lines: bool = False  # in a list of breaches its lines do without its name
    explains: Explains | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRule(MerchantRule):
    """A rule that judges each merchant by itself."""

    find: Callable[[Situation], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRule(MerchantRule):
    """A rule about all merchants together, by their sums and by those that deviate most."""

    of_everybody: bool = True
    most: Callable[[Windows, PlatformSums, Rules], Most | None]  # of a shard; None: the sums suffice
    find: Callable[[PlatformSums, Sequence[Most | None], Rules], Found]  # by what every shard says

    def __post_init__(self) -> None:
        """Refuse one that the policy `literal` would ask: it asks for no sums."""
        if self.of_the_brief:
            msg = f"the rule {self.name} is about everybody: it cannot be of the brief"
            raise ValueError(msg)


def first_gate(gates: Sequence[tuple[str, Flags]], size: int, reasons: Sequence[str]) -> Integers:
    """The place in `reasons` of the first gate that is closed; where all are open it is that of the first."""
    codes = np.zeros(size, np.int64)
    for name, closed in reversed(gates):
        codes[closed] = reasons.index(name)
    return codes


def select(numbers: Numbers, chosen: Flags | Integers) -> Numbers:
    """Some merchants of a dataclass of numbers: every array is cut along its last axis."""
    rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    given = ((f.name, getattr(numbers, f.name)) for f in fields(numbers))  # type: ignore[arg-type]
    arrays: dict[str, Any] = {name: a.take(rows, axis=-1) for name, a in given if isinstance(a, np.ndarray)}
    return replace(numbers, **arrays)  # type: ignore[type-var]


def rows_of(arrays: Sequence[Integers], positions: Integers) -> Integers:
    """The places of some merchants in arrays of all; shape (arrays, positions)."""
    if not arrays:
        return np.zeros((0, len(positions)), np.int64)
    return np.stack([array[positions] for array in arrays])


def always_with(positions: Integers, always: int | None) -> Integers:
    """`positions` with one more; sorted."""
    return positions if always is None else np.union1d(positions, [always]).astype(np.int64)
