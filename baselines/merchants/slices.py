"""The rows of one minute as arrays, sums over minutes, and arrays that grow with the number of merchants."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """The merchant-minutes of one minute: positions are unique; all arrays have shape (rows,).

    Where a slice is said to hold several minutes, positions repeat, and `array[positions] += …` would lose
    rows; `np.add.at` does not.
    """

    positions: Integers
    approvals: Integers
    cancels: Integers
    amounts: Integers  # approved amount, minor units
    cancel_amounts: Integers

    @cached_property
    def cancelling(self) -> tuple[Integers, Integers]:
        """Positions and cancels of the few rows that have any; a minute passes a dozen borders of windows."""
        rows = np.flatnonzero(self.cancels > 0)
        return self.positions[rows], self.cancels[rows]

    def part(self, start: int, end: int) -> Slice:
        """Rows from `start` up to `end`, without copying."""
        return Slice(*(getattr(self, name)[start:end] for name in _COLUMNS))


_COLUMNS = tuple(f.name for f in fields(Slice))


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of consecutive minutes; those of minute `first` + n lie between `borders` n and n + 1."""

    whole: Slice
    first: int
    borders: Integers  # shape (minutes + 1,)

    def minute(self, index: int) -> Slice:
        """The rows of one minute, without copying."""
        return self.rows(index, index + 1)

    def rows(self, start: int, end: int) -> Slice:
        """The rows of the minutes [start, end), without copying; positions repeat."""
        return self.whole.part(int(self.borders[start - self.first]), int(self.borders[end - self.first]))


def grown(array: Integers, size: int) -> Integers:
    """`array` with at least `size` places, doubled so that growing stays cheap; new places are zero."""
    if size <= len(array):
        return array
    larger = np.zeros(max(size, 2 * len(array), 1024), array.dtype)
    larger[: len(array)] = array
    return larger


@dataclass(slots=True)
class Totals:
    """One integer per merchant and measure; shape (merchants,) each."""

    approvals: Integers
    cancels: Integers

    @classmethod
    def empty(cls, size: int = 0) -> Totals:
        """Nothing yet for `size` merchants."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int64))

    def copy(self) -> Totals:
        """The same numbers in arrays of their own."""
        return Totals(self.approvals.copy(), self.cancels.copy())

    def add(self, part: Slice) -> None:
        """Add the rows of one or more minutes."""
        np.add.at(self.approvals, part.positions, part.approvals)
        np.add.at(self.cancels, *part.cancelling)

    def subtract(self, part: Slice) -> None:
        """Take the rows of one or more minutes away."""
        np.subtract.at(self.approvals, part.positions, part.approvals)
        np.subtract.at(self.cancels, *part.cancelling)

    def add_totals(self, other: Totals) -> None:
        """Add another sum; there is room here for every merchant it counts."""
        size = min(len(self.approvals), len(other.approvals))
        self.approvals[:size] += other.approvals[:size]
        self.cancels[:size] += other.cancels[:size]

    def clear(self) -> None:
        """Back to zero, with the same room."""
        self.approvals[:] = 0
        self.cancels[:] = 0

    def grow(self, size: int) -> None:
        """Make room for `size` merchants; new ones start at zero."""
        self.approvals = grown(self.approvals, size)
        self.cancels = grown(self.cancels, size)
