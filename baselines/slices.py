"""The rows of one minute as arrays, sums over minutes, and arrays that grow with the number of merchants."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slice:
    """The merchant-minutes of one minute: positions are unique; all arrays have shape (rows,)."""

    positions: Integers
    approvals: Integers
    cancels: Integers
    amounts: Integers  # approved amount, minor units
    cancel_amounts: Integers

    def part(self, start: int, end: int) -> Slice:
        """Rows from `start` up to `end`, without copying."""
        return Slice(*(getattr(self, f.name)[start:end] for f in fields(self)))


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
    def empty(cls) -> Totals:
        """No merchants yet."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    def copy(self) -> Totals:
        """The same numbers in arrays of their own."""
        return Totals(self.approvals.copy(), self.cancels.copy())

    def add(self, part: Slice, sign: int) -> None:
        """Add (sign 1) or subtract (sign -1) one minute; positions in a slice are unique."""
        self.approvals[part.positions] += sign * part.approvals
        self.cancels[part.positions] += sign * part.cancels

    def exchange(self, old: Slice, new: Slice) -> None:
        """Take one minute's rows out and put others in."""
        self.add(old, -1)
        self.add(new, 1)

    def clear(self) -> None:
        """Back to zero, with the same room."""
        self.approvals[:] = 0
        self.cancels[:] = 0

    def grow(self, size: int) -> None:
        """Make room for `size` merchants; new ones start at zero."""
        self.approvals = grown(self.approvals, size)
        self.cancels = grown(self.cancels, size)
