"""The rows of a minute as arrays, as they come and as they are held; sums over minutes; growing arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.merchants.packed import Columns, Packed, narrow, pack

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """The merchant-minutes of one minute: positions are unique; arrays have shape (rows,).

    Where a slice is said to hold several minutes, positions repeat, and `array[positions] += …` would lose
    rows; `np.add.at` does not.
    """

    positions: Integers
    approvals: Integers
    cancels: Integers
    amounts: Integers  # approved amount, minor units
    cancel_amounts: Integers
    few: Integers  # the rows, by number, that have cancels: most have none; shape (few,)

    @classmethod
    def of(
        cls,
        positions: Integers,
        approvals: Integers,
        cancels: Integers,
        amounts: Integers,
        cancel_amounts: Integers,
    ) -> Slice:
        """With the rows that have cancels."""
        few = np.flatnonzero(cancels | cancel_amounts)
        return cls(positions, approvals, cancels, amounts, cancel_amounts, few)

    @cached_property
    def cancelling(self) -> tuple[Integers, Integers]:
        """Positions and cancels of the rows that have any."""
        return self.positions[self.few], self.cancels[self.few]

    @cached_property
    def given_back(self) -> tuple[Integers, Integers]:
        """Positions and cancelled amounts of these rows."""
        return self.positions[self.few], self.cancel_amounts[self.few]

    def held(self) -> Held:
        """The rows of one minute, as it is held."""
        return Block(self, 0, np.array([0, len(self.positions)])).held()[0]

    def part(self, start: int, end: int) -> Slice:
        """Rows from `start` up to `end`, without copying."""
        first, last = np.searchsorted(self.few, (start, end)).tolist()
        return Slice(
            self.positions[start:end],
            self.approvals[start:end],
            self.cancels[start:end],
            self.amounts[start:end],
            self.cancel_amounts[start:end],
            self.few[first:last] - start,
        )


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of a minute as they are held: narrow, and cancels only of rows that have any.

    It reads like a `Slice`; each column is made when it is asked for.
    """

    packed: Packed

    @property
    def positions(self) -> Integers:
        """Of all rows."""
        return self.packed.column(0)

    @property
    def amounts(self) -> Integers:
        """Approved amounts of all rows."""
        return self.packed.column(1)

    @property
    def approvals(self) -> Integers:
        """Of all rows."""
        return self.packed.column(2)

    @property
    def cancelling(self) -> tuple[Integers, Integers]:
        """Positions and cancels of the rows that have any."""
        return self.packed.column(3), self.packed.column(5)

    @property
    def given_back(self) -> tuple[Integers, Integers]:
        """Positions and cancelled amounts of these rows."""
        return self.packed.column(3), self.packed.column(4)


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

    def held(self) -> list[Held]:
        """All minutes as they are held, one after the other."""
        rows, few = self.whole, self.whole.few
        every = Columns((rows.positions, rows.amounts, rows.approvals), self.borders)
        fewer = (rows.positions[few], rows.cancel_amounts[few], rows.cancels[few])
        return list(map(Held, pack(every, Columns(fewer, np.searchsorted(few, self.borders)))))


def grown(array: Integers, size: int) -> Integers:
    """`array` with at least `size` places, doubled so that growing stays cheap; new places are zero."""
    if size <= len(array):
        return array
    larger = np.zeros(max(size, 2 * len(array), 1024), array.dtype)
    larger[: len(array)] = array
    return larger


@dataclass(frozen=True, slots=True)
class Narrow:
    """Totals that do not change any more, in as little room as holds them; shape (merchants,) each."""

    approvals: NDArray[np.integer[Any]]
    cancels: NDArray[np.integer[Any]]


@dataclass(slots=True)
class Totals:
    """One integer per merchant and measure; shape (merchants,) each."""

    approvals: Integers
    cancels: Integers

    @classmethod
    def empty(cls, size: int = 0) -> Totals:
        """Nothing yet for `size` merchants."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int64))

    def narrow(self) -> Narrow:
        """The same numbers where they will not change any more."""
        return Narrow(narrow(self.approvals), narrow(self.cancels))

    def copy(self) -> Totals:
        """The same numbers in arrays of their own."""
        return Totals(self.approvals.copy(), self.cancels.copy())

    def add(self, part: Slice | Held) -> None:
        """Add the rows of one or more minutes."""
        np.add.at(self.approvals, part.positions, part.approvals)
        np.add.at(self.cancels, *part.cancelling)

    def subtract(self, part: Slice | Held) -> None:
        """Take the rows of one or more minutes away."""
        np.subtract.at(self.approvals, part.positions, part.approvals)
        np.subtract.at(self.cancels, *part.cancelling)

    def add_totals(self, other: Totals | Narrow) -> None:
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
