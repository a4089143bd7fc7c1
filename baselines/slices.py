"""The rows of one minute as arrays, sums over minutes, and arrays that grow with the number of merchants."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slice:
    """The merchant-minutes of one minute: positions are unique; all arrays have shape (rows,).

    Where a slice is said to hold several minutes, positions repeat, and `+=` by position would lose rows.
    """

    positions: Integers
    approvals: Integers
    cancels: Integers
    amounts: Integers  # approved amount, minor units
    cancel_amounts: Integers

    def part(self, start: int, end: int) -> Slice:
        """Rows from `start` up to `end`, without copying."""
        return Slice(*(getattr(self, f.name)[start:end] for f in fields(self)))

    @classmethod
    def joined(cls, slices: Sequence[Slice]) -> Slice:
        """The rows of several minutes in one; positions repeat."""
        if not slices:
            return cls(*(np.zeros(0, np.int64) for _ in fields(cls)))
        return cls(*(np.concatenate([getattr(part, f.name) for part in slices]) for f in fields(cls)))


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

    def add(self, part: Slice, sign: int) -> None:
        """Add (sign 1) or subtract (sign -1) one minute; positions in a slice are unique."""
        self.approvals[part.positions] += sign * part.approvals
        rows = part.cancels.nonzero()[0]  # few have any
        self.cancels[part.positions[rows]] += sign * part.cancels[rows]

    def add_rows(self, rows: Slice) -> None:
        """Add the rows of many minutes at once; positions may repeat."""
        np.add.at(self.approvals, rows.positions, rows.approvals)
        np.add.at(self.cancels, rows.positions, rows.cancels)

    def move(self, entering: Totals, leaving: Totals) -> None:
        """Add one sum and subtract another of the same size."""
        size = len(entering.approvals)
        self.approvals[:size] += entering.approvals - leaving.approvals
        self.cancels[:size] += entering.cancels - leaving.cancels

    def clear(self) -> None:
        """Back to zero, with the same room."""
        self.approvals[:] = 0
        self.cancels[:] = 0

    def grow(self, size: int) -> None:
        """Make room for `size` merchants; new ones start at zero."""
        self.approvals = grown(self.approvals, size)
        self.cancels = grown(self.cancels, size)
