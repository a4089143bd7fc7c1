"""The rows of one minute as arrays, and arrays that grow with the number of merchants."""

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
