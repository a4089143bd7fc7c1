"""Columns of whole numbers in as few bytes as hold them: most of what the windows hold is read once a minute.

Each column of a piece takes the narrowest kind that fits all its values, so one large amount costs no other
minute anything. Whoever reads gets 64 bits again: sums are exact, and NumPy adds narrow numbers at places 80
times slower.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

#: NumPy's characters of 1, 2, 4 and 8 bytes, and the largest value of each but the last; a column with a
#: negative value takes the second ones.
_KINDS: Final = np.array(list("BHIq"))
_SIGNED: Final = np.array(list("bhiq"))
_LARGEST: Final = np.array([2**8 - 1, 2**16 - 1, 2**32 - 1])
_LARGEST_SIGNED: Final = np.array([2**7 - 1, 2**15 - 1, 2**31 - 1])
_SIZES: Final = {kind: np.dtype(kind).itemsize for kind in (*_KINDS.tolist(), *_SIGNED.tolist())}


@dataclass(frozen=True, slots=True)
class Packed:
    """Some columns of `rows` values each, and behind them others of `few`."""

    data: bytes
    kinds: str  # a character a column
    rows: int
    few: int
    full: int  # how many columns have `rows` values

    def column(self, number: int) -> Integers:
        """The values of one column; shape (rows,) or (few,)."""
        start = 0
        for place, kind in enumerate(self.kinds):
            count = self.rows if place < self.full else self.few
            if place == number:
                return np.frombuffer(self.data, kind, count, start).astype(np.int64)
            start += count * _SIZES[kind]
        raise IndexError(number)


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of equal length in pieces: the n-th lies between `borders` n and n + 1, shape (pieces + 1,)."""

    columns: Sequence[Integers]
    borders: Integers


def pack(columns: Columns, fewer: Columns | None = None) -> list[Packed]:
    """Each piece by itself; `fewer` has as many."""
    parts = [columns] if fewer is None else [columns, fewer]
    lengths = np.array([np.diff(part.borders) for part in (parts[0], parts[-1])])
    filled = np.flatnonzero(lengths.any(axis=0))  # most minutes of a small company are empty
    full = len(columns.columns)
    nothing = Packed(b"", str(_KINDS[0]) * sum(len(part.columns) for part in parts), 0, 0, full)
    found = [nothing] * lengths.shape[1]
    cut = [_cut(column, _without_gaps(part, filled)) for part in parts for column in part.columns]
    chosen = [sys.intern("".join(kinds)) for kinds in zip(*(kinds for kinds, _ in cut), strict=True)]
    data = map(b"".join, zip(*(values for _, values in cut), strict=True))
    rows, few = lengths[:, filled].tolist()
    packed = map(Packed, data, chosen, rows, few, itertools.repeat(full))
    for place, piece in zip(filled.tolist(), packed, strict=True):
        found[place] = piece
    return found


def _without_gaps(part: Columns, filled: Integers) -> Integers:
    """The borders of these pieces alone; those between them are empty, so each ends where the next begins."""
    return np.append(part.borders[:-1][filled], part.borders[-1])


def _cut(column: Integers, borders: Integers) -> tuple[list[str], list[memoryview]]:
    """The kind of each piece, and its values."""
    kinds = _kinds(column, borders)
    views = {kind: column.astype(kind).data for kind in set(kinds)}
    pieces = zip(kinds, pairwise(borders.tolist()), strict=True)
    return kinds, [views[kind][start:end] for kind, (start, end) in pieces]


def narrow(column: Integers) -> NDArray[np.integer[Any]]:
    """A whole column in the narrowest kind that holds it."""
    return column.astype(_kinds(column, np.array([0, len(column)]))[0])


def _kinds(column: Integers, borders: Integers) -> list[str]:
    """The narrowest kind of each piece."""
    starts, filled = borders[:-1], borders[:-1] < borders[1:]
    kinds = np.full(len(starts), _KINDS[0])
    if filled.any():
        inside, first = column[: borders[-1]], starts[filled]
        low, high = np.minimum.reduceat(inside, first), np.maximum.reduceat(inside, first)
        signed = _SIGNED[np.searchsorted(_LARGEST_SIGNED, np.maximum(high, ~low))]
        kinds[filled] = np.where(low < 0, signed, _KINDS[np.searchsorted(_LARGEST, high)])
    found: list[str] = kinds.tolist()
    return found
