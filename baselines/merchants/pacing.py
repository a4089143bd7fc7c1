"""Today so far against the same time of day on recent business days, in exact integers.

a(d, t) is the approved amount of business day d up to time of day t. The baseline days are the N
business days before today; one with a missing minute is not used. `paced` holds the sum of a(d, t)
over the used days, kept by adding each day's minute as the clock passes it. Where the zone changes
its offset, days are compared by wall clock.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from baselines.merchants.slices import Held, Integers, Slice, grown
from pipeline.minute import business_date, business_day, from_index, to_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

#: What a business day's start puts in place of what was there, and never changes again.
_OF_A_DAY: Final = (
    "day",
    "day_end",
    "used_days",
    "today",
    "whole",
    "paced_days",
    "_day_totals",
    "_waiting",
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a minute has moved, to go back by."""

    before: Mapping[str, Any] | None  # how the day before stood, where one has begun with the minute
    passed: Sequence[tuple[int, int, date]]  # minutes of baseline days that the clock has passed, in order


class Pacing:
    """Shape (merchants,): `today` so far, `whole` baseline days, and a(d, t) of each in `paced_days`."""

    def __init__(self, zone: ZoneInfo, baseline_days: int, slices: Mapping[int, Held]) -> None:
        self.zone = zone
        self.baseline_days = baseline_days
        self.day: date | None = None
        self.used_days: tuple[date, ...] = ()
        self.today = np.zeros(0, np.int64)
        self.whole = np.zeros(0, np.int64)
        self.paced_days: dict[date, Integers] = {}  # a(d, t) by used day
        self.day_end = 0  # index of the first minute after `day`
        self.missing: set[int] = set()  # minutes inside the windows that were never published
        self._slices = slices
        self._day_totals: dict[date, Integers] = {}  # of days that have ended: these arrays never change
        #: (time of day in minutes, minute index, its day), latest first
        self._waiting: list[tuple[int, int, date]] = []

    @property
    def days(self) -> int:
        """How many baseline days are complete and used."""
        return len(self.used_days)

    def paced_at(self, positions: Integers) -> Integers:
        """The baseline up to this time of day, summed over the used days; shape (len(positions),)."""
        return sum(
            (paced[positions] for paced in self.paced_days.values()), np.zeros(len(positions), np.int64)
        )

    def is_day_end(self, index: int) -> bool:
        """Is this the last minute of its business day (the brief's own full-day comparison)?"""
        return index + 1 == self.day_end

    def copy(self, slices: Mapping[int, Held]) -> Pacing:
        """The same state over `slices`, free to move on by itself."""
        other = copy(self)
        other._slices = slices  # noqa: SLF001 - of this very class
        other.missing = set(self.missing)
        other._waiting = list(self._waiting)  # noqa: SLF001 - the same
        other.today = self.today.copy()
        other.paced_days = {day: paced.copy() for day, paced in self.paced_days.items()}
        return other

    def grow(self, size: int) -> None:
        """Make room for `size` merchants."""
        self.today, self.whole = (grown(a, size) for a in (self.today, self.whole))
        self.paced_days = {day: grown(paced, size) for day, paced in self.paced_days.items()}

    def enter(self, index: int, entering: Slice) -> Moved:
        """Move on to minute `index`; a business day may start with it."""
        before: Mapping[str, Any] | None = None
        if self.day is None or index >= self.day_end:
            before = {name: getattr(self, name) for name in _OF_A_DAY}
            self._start_day(business_date(from_index(index), self.zone))
        np.add.at(self.today, entering.positions, entering.amounts)
        clock, passed = _time_of_day(index, self.zone), []
        while self._waiting and self._waiting[-1][0] <= clock:
            passed.append(self._waiting.pop())
            _, passing, day = passed[-1]
            rows = self._slices[passing]
            np.add.at(self.paced_days[day], rows.positions, rows.amounts)
        return Moved(before, passed)

    def undo(self, entering: Held, moved: Moved) -> None:
        """Move back by the newest minute, which had moved that."""
        if moved.before is not None:
            size = len(self.today)
            for name, value in moved.before.items():
                setattr(self, name, value)
            # A copy of these windows may go back by the same minute: what moves is this one's own.
            self.today, self._waiting = self.today.copy(), list(self._waiting)
            self.paced_days = {day: paced.copy() for day, paced in self.paced_days.items()}
            self.grow(size)
            return
        np.subtract.at(self.today, entering.positions, entering.amounts)
        for waiting in reversed(moved.passed):
            _, passing, day = waiting
            rows = self._slices[passing]
            np.subtract.at(self.paced_days[day], rows.positions, rows.amounts)
            self._waiting.append(waiting)

    def enter_many(self, first: int, last: int, entering: Slice) -> None:
        """Move on through minutes of the running day at once; `entering` holds the rows of all of them."""
        np.add.at(self.today, entering.positions, entering.amounts)
        minutes = _minutes_of(business_date(from_index(first), self.zone), self.zone)
        clock = max(time for time, index, _ in minutes if first <= index <= last)
        if self._waiting and self._waiting[0][0] <= clock:  # the last one passes: all days have
            self._waiting.clear()
            self.paced_days = {day: self._resized(self._day_totals[day]) for day in self.paced_days}
            return
        passing: dict[date, list[Held]] = {}
        while self._waiting and self._waiting[-1][0] <= clock:
            _, index, day = self._waiting.pop()
            passing.setdefault(day, []).append(self._slices[index])
        for day, slices in passing.items():
            for rows in slices:
                np.add.at(self.paced_days[day], rows.positions, rows.amounts)

    def _start_day(self, day: date) -> None:
        known = self._day_totals if self.day is None else {**self._day_totals, self.day: self.today}
        wanted = [day - timedelta(days=n) for n in range(1, self.baseline_days + 1)]
        self._day_totals = {d: total for d, total in known.items() if d in wanted}
        self.day, self.day_end = day, to_index(business_day(day, self.zone).end)
        self.used_days = tuple(d for d in wanted if d in self._day_totals and self._is_complete(d))
        size = len(self.today)
        self.today = np.zeros(size, np.int64)
        self.paced_days = {d: np.zeros(size, np.int64) for d in self.used_days}
        self.whole = sum(
            (self._resized(self._day_totals[d]) for d in self.used_days), np.zeros(size, np.int64)
        )
        self._waiting = [minute for d in self.used_days for minute in _minutes_of(d, self.zone)]
        self._waiting.sort(reverse=True)

    def _is_complete(self, day: date) -> bool:
        span = business_day(day, self.zone)
        minutes = range(to_index(span.start), to_index(span.end))
        return all(index in self._slices for index in minutes) and self.missing.isdisjoint(minutes)

    def _resized(self, array: Integers) -> Integers:
        return np.concatenate([array, np.zeros(len(self.today) - len(array), np.int64)])


def _time_of_day(index: int, zone: ZoneInfo) -> int:
    local = from_index(index).astimezone(zone)
    return local.hour * 60 + local.minute


@lru_cache(maxsize=32)  # each new day asks for the days before it again, and a start for all of them
def _minutes_of(day: date, zone: ZoneInfo) -> tuple[tuple[int, int, date], ...]:
    """The minutes of a business day as `Pacing` waits for them: time of day, index, day."""
    indexes = map(to_index, business_day(day, zone))
    return tuple((_time_of_day(index, zone), index, day) for index in indexes)
