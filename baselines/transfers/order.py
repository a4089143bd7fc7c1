"""Sorting by several numbers at once, and many searches at once. Pure.

The numbers are packed into one where their bits allow it, with the place of each behind: such a sort is
several times faster than one that moves places beside the numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]
_BITS: Final = 63


def in_order(*columns: Array) -> Ints:
    """The places of rows sorted by `columns`, the first before the second; equal rows stay in their order."""
    rows = len(columns[0])
    if rows == 0:
        return np.empty(0, np.int64)
    own = (rows - 1).bit_length()
    shifted = [column.astype(np.int64) - int(column.min()) for column in columns]
    widths = [int(column.max()).bit_length() for column in shifted]
    if sum(widths) + own > _BITS:
        return np.lexsort(shifted[::-1])
    packed = np.zeros(rows, np.int64)
    for column, width in zip(shifted, widths, strict=True):
        packed <<= width
        packed |= column
    packed <<= own
    packed |= np.arange(rows)
    packed.sort()
    packed &= (1 << own) - 1
    return packed


def in_order_of_key(first: Array, second: Array | None, at: Ints) -> Ints:
    """The places of rows sorted by key and time. Times that are sorted already make it faster."""
    keys = (first,) if second is None else (first, second)
    if (at[1:] >= at[:-1]).all():
        return in_order(*keys)
    by_time = in_order(at)
    return by_time[in_order(*(key[by_time] for key in keys))]


def bisect(values: Array, low: Ints, high: Ints, wanted: Array, *, right: bool) -> Ints:
    """For each i the first place p of [low, high) with values[p] >= wanted (right: >), else high.

    Inside each [low, high) the values are sorted.
    """
    low, high = low.copy(), high.copy()
    longest = int((high - low).max()) if low.size else 0
    for _ in range(longest.bit_length()):
        middle = (low + high) >> 1
        probe = values.take(middle, mode="clip")
        up = (probe <= wanted) if right else (probe < wanted)
        up &= low < high
        np.copyto(high, middle, where=~up)
        middle += 1
        np.copyto(low, middle, where=up)
    return low


def spread(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Every place of every [low, high): which of them it is of, and the place."""
    lengths = high - low
    owner = np.repeat(np.arange(low.size), lengths)
    before = np.cumsum(lengths) - lengths
    return owner, np.arange(owner.size) - np.repeat(before - low, lengths)
