"""Cancels by the age of their approval, in the hour and the week: what a merchant's cohorts give back.

A cancel is `fresh` if its approval was made within the 24 hours before it, `older` if before that; one whose
approval the source does not name is in neither. Few merchant-minutes have any, so only those are held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.merchants.packed import Columns, Packed, pack
from baselines.merchants.slices import Integers, grown
from pipeline.minute import HOUR_MINUTES, WEEK_MINUTES


@dataclass(frozen=True, slots=True)
class Tied:
    """Minutes of merchants with tied cancels; shape (rows,) each. In one minute positions are unique."""

    positions: Integers
    fresh: Integers
    older: Integers

    @classmethod
    def of(cls, held: Packed) -> Tied:
        """A minute that was held."""
        return cls(*map(held.column, range(3)))

    def held(self, borders: Integers) -> list[Packed]:
        """The minutes between each two borders, as they are held."""
        return pack(Columns((self.positions, self.fresh, self.older), borders))


@dataclass(slots=True)
class CohortTotals:
    """Tied cancels of each merchant; shape (merchants,) each."""

    fresh: Integers
    older: Integers

    @classmethod
    def empty(cls) -> CohortTotals:
        """No merchant yet."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def copy(self) -> CohortTotals:
        """The same numbers in arrays of their own."""
        return CohortTotals(self.fresh.copy(), self.older.copy())

    def add(self, tied: Tied, sign: int) -> None:
        """Add (sign 1) or subtract (sign -1) one minute."""
        self.fresh[tied.positions] += sign * tied.fresh
        self.older[tied.positions] += sign * tied.older

    def clear(self) -> None:
        """Back to zero, with the same room."""
        self.fresh[:] = 0
        self.older[:] = 0

    def grow(self, size: int) -> None:
        """Make room for `size` merchants; new ones start at zero."""
        self.fresh, self.older = grown(self.fresh, size), grown(self.older, size)


class Cohorts:
    """Tied cancels of hour(M) and week(M), for the newest minute M that has entered."""

    def __init__(self) -> None:
        self.hour = CohortTotals.empty()
        self.week = CohortTotals.empty()
        self._minutes: dict[int, Packed] = {}  # Tied, of those with any

    def copy(self) -> Cohorts:
        """The same state, free to move on by itself; shares the rows of minutes."""
        other = Cohorts()
        other.hour, other.week, other._minutes = self.hour.copy(), self.week.copy(), dict(self._minutes)
        return other

    def grow(self, size: int) -> None:
        """Make room for `size` merchants."""
        self.hour.grow(size)
        self.week.grow(size)

    def fill(self, first: int, tied: Tied, borders: Integers) -> None:
        """Hold the rows of minutes from `first` on, between `borders` each; `settle` has to follow."""
        for index, minute in enumerate(tied.held(borders), start=first):
            if minute.rows:
                self._minutes[index] = minute

    def settle(self, last: int) -> None:
        """Sum up hour and week anew from the minutes held, up to `last`."""
        hour = last + 1 - HOUR_MINUTES
        week = hour - WEEK_MINUTES
        self._minutes = {index: tied for index, tied in self._minutes.items() if index >= week}
        for totals, inside in (
            (self.hour, [tied for index, tied in self._minutes.items() if index >= hour]),
            (self.week, [tied for index, tied in self._minutes.items() if index < hour]),
        ):
            totals.clear()
            for tied in inside:
                totals.add(Tied.of(tied), 1)

    def enter(self, index: int, entering: Tied) -> Packed | None:
        """Slide to minute `index`, which follows the last one; gives the rows that are forgotten."""
        if len(entering.positions):
            (self._minutes[index],) = entering.held(np.array([0, len(entering.positions)]))
            self.hour.add(entering, 1)
        moving = self._minutes.get(index - HOUR_MINUTES)
        if moving is not None:
            self.hour.add(Tied.of(moving), -1)
            self.week.add(Tied.of(moving), 1)
        leaving = self._minutes.pop(index - HOUR_MINUTES - WEEK_MINUTES, None)
        if leaving is not None:
            self.week.add(Tied.of(leaving), -1)
        return leaving

    def undo(self, index: int, leaving: Packed | None) -> None:
        """Slide back by the newest minute `index`, with which these rows had been forgotten."""
        if leaving is not None:
            self._minutes[index - HOUR_MINUTES - WEEK_MINUTES] = leaving
            self.week.add(Tied.of(leaving), 1)
        moving = self._minutes.get(index - HOUR_MINUTES)
        if moving is not None:
            self.week.add(Tied.of(moving), -1)
            self.hour.add(Tied.of(moving), 1)
        entered = self._minutes.pop(index, None)
        if entered is not None:
            self.hour.add(Tied.of(entered), -1)
