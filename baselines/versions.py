"""Which tuned numbers are in force at a minute, and which rules are paused then.

The numbers change while a service runs, and a minute that is judged again must be judged by those of its own
time. So versions are kept, each with the minute from which on it holds. Pure: `pipeline/store/rules.py` reads
and stores them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from pipeline.minute import EPOCH, MINUTE, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """Tuned numbers that are in force from a minute on, until the next ones are."""

    start: datetime
    tuned: T
    number: int | None = None  # None: they are not stored, such as those of a file that is only tried


@dataclass(frozen=True, slots=True)
class Pause:
    """A rule opens no incident from `start` up to, not including, `end`."""

    rule: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Versions(Generic[T]):
    """All versions that were ever in force, oldest first, and all pauses. The first holds before it too."""

    versions: Sequence[Version[T]]
    pauses: Sequence[Pause] = ()

    def at(self, minute: datetime) -> Version[T]:
        """The one in force; of several from one minute on the last."""
        after = bisect_right(self.versions, minute, key=lambda version: version.start)
        return self.versions[max(after - 1, 0)]

    def tuned(self, minute: datetime) -> T:
        """The numbers in force."""
        return self.at(minute).tuned

    def paused(self, minute: datetime) -> frozenset[str]:
        """The rules that open nothing."""
        if not self.pauses:
            return frozenset()
        return frozenset(p.rule for p in self.pauses if p.start <= minute < p.end)

    def within(self, start: datetime, end: datetime | None = None) -> Sequence[Version[T]]:
        """Those in force at some minute from `start` up to `end` (None: whenever after)."""
        first, at = self.at(start), self.versions
        later = [version for version in at if version.start > start and (end is None or version.start < end)]
        return [first, *later]

    def stretches(self, span: Span, shape: Callable[[T], object]) -> list[Span]:
        """`span`, cut where what `shape` says of the numbers becomes another."""
        changes = sorted({version.start for version in self.within(span.start, span.end)[1:]})
        other = (at for at in changes if shape(self.tuned(at)) != shape(self.tuned(at - MINUTE)))
        borders = [span.start, *other, span.end]
        return [Span(*ends) for ends in pairwise(borders)]


def always(tuned: T) -> Versions[T]:
    """The same numbers at every minute, and no rule paused."""
    return Versions([Version(EPOCH, tuned)])
