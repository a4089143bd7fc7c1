"""Which of 1,024 slots an entity belongs to: the unit in which entities are given to shards.

The rule is written down because files say which slots they hold, and other machines have to agree:

- an id that is a whole number of 64 bits in its usual form ("42", "-7", not "042" or "+7") is multiplied by
  11400714819323198485 (2^64 over the golden ratio) modulo 2^64; the slot is the upper ten bits of the product
  (Knuth, The Art of Computer Programming, volume 3, 6.4: Fibonacci hashing);
- of every other text the slot is the CRC-32 (ISO 3309, as zlib has it) of its UTF-8 bytes, modulo 1,024.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.numbers import usual_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

SLOTS: Final = 1_024
_FIBONACCI: Final = np.uint64(11_400_714_819_323_198_485)
_UPPER_BITS: Final = np.uint64(64 - 10)


@dataclass(frozen=True, slots=True, order=True)
class Slots:
    """The slots from `first` up to `end`, without `end`."""

    first: int
    end: int

    @property
    def whole(self) -> bool:
        """Are these all slots?"""
        return (self.first, self.end) == (0, SLOTS)

    def overlaps(self, other: Slots) -> bool:
        """Does any slot belong to both?"""
        return self.first < other.end and other.first < self.end

    def includes(self, other: Slots) -> bool:
        """Are these all slots of the other, or more?"""
        return self.first <= other.first and other.end <= self.end


EVERY: Final = Slots(0, SLOTS)


def shares(number: int) -> tuple[Slots, ...]:
    """All slots in `number` shares that differ by one slot at most."""
    borders = [SLOTS * n // number for n in range(number + 1)]
    return tuple(Slots(first, end) for first, end in pairwise(borders))


def slots_of(ids: pl.Series) -> Integers:
    """The slot of each id (text, or 64-bit integers); shape (n,)."""
    numbers, usual = usual_numbers(ids)
    slots = _of_integers(numbers)
    if not usual.all():
        others = np.flatnonzero(~usual)
        slots[others] = np.fromiter(_of_texts(ids.gather(others)), np.int64, len(others))
    return slots


def _of_integers(numbers: Integers) -> Integers:
    with np.errstate(over="ignore"):
        return (numbers.astype(np.uint64) * _FIBONACCI >> _UPPER_BITS).astype(np.int64)


def _of_texts(ids: pl.Series) -> Iterator[int]:
    return (zlib.crc32(text.encode()) % SLOTS for text in ids.to_list())


def among(ids: pl.Series, slots: Slots) -> NDArray[np.bool_]:
    """Which of some ids belong to these slots; shape (n,)."""
    if slots.whole:
        return np.ones(len(ids), np.bool_)
    found = slots_of(ids)
    chosen: NDArray[np.bool_] = (found >= slots.first) & (found < slots.end)
    return chosen
