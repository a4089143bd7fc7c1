"""Where many ids stand among known ones, by their hashes: a table with open addressing.

Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm L. The table holds positions alone: each id
is compared with the one that stands there, so no hash ever decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import polars as pl

from baselines.numbers import usual_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from baselines.numbers import Flags, Integers

    Hashes = NDArray[np.uint64]

#: 2^64 over the golden ratio. It is odd, so different numbers of 64 bits have different hashes.
_FIBONACCI: Final = np.uint64(11_400_714_819_323_198_485)
#: There are four to eight places for each id: most ids then stand where they are looked for first.
_PLACES_EACH: Final = 4
_SMALLEST_BITS: Final = 10
#: So many are looked up at once that what is made of them stays within the processor's cache.
_AT_ONCE: Final = 1 << 16


class Places(Protocol):
    """The positions 0, 1, 2 … of known ids. One thread at a time may add; others may look up meanwhile."""

    def find(self, ids: pl.Series) -> Integers:
        """The position of each id, -1 where it is not known. Shape (n,)."""
        ...

    def add(self, new: pl.Series, known: pl.Series) -> None:
        """Take ids that are not known; `known` are all ids as text, with these at their end."""
        ...


class Numbers:
    """`Places` of ids that are all whole numbers in their usual form."""

    def __init__(self) -> None:
        self._numbers = np.zeros(0, np.int64)  # by position, with room to grow
        self._table = _Table()

    def find(self, ids: pl.Series) -> Integers:
        """As `Places`; what is no such number is not known."""
        numbers, usual = usual_numbers(ids)
        found = self._table.find(_spread(numbers), numbers, self._same)
        return found if usual.all() else np.where(usual, found, -1)

    def add(self, new: pl.Series, known: pl.Series) -> None:
        """As `Places`; every new id is such a number."""
        numbers, size = usual_numbers(new)[0], len(known)
        if size > len(self._numbers):
            larger = np.zeros(2 * size, np.int64)
            larger[: len(self._numbers)] = self._numbers
            self._numbers = larger
        self._numbers[size - len(new) : size] = numbers
        self._table.add(_spread(numbers), size - len(new), lambda held: _spread(self._numbers[held]))

    def _same(self, positions: Integers, numbers: Integers) -> Flags:
        same: Flags = self._numbers.take(positions) == numbers
        return same


class Texts:
    """`Places` of any ids."""

    def __init__(self, known: pl.Series) -> None:
        self._ids = known
        self._table = _Table()
        self.add(known, known)

    def find(self, ids: pl.Series) -> Integers:
        """As `Places`."""
        texts = ids.cast(pl.String)
        return self._table.find(_hashed(texts), texts, self._same)

    def add(self, new: pl.Series, known: pl.Series) -> None:
        """As `Places`."""
        self._ids = known
        self._table.add(_hashed(new), len(known) - len(new), lambda held: _hashed(known.gather(held)))

    def _same(self, positions: Integers, texts: pl.Series) -> Flags:
        return (self._ids.gather(positions) == texts).to_numpy()


def _spread(numbers: Integers) -> Hashes:
    return numbers.view(np.uint64) * _FIBONACCI


def _hashed(texts: pl.Series) -> Hashes:
    return texts.hash().to_numpy()


class _Table:
    """Hashes to positions. It takes no hash for an id: whoever asks compares."""

    def __init__(self) -> None:
        self._size = 0
        self._stands = np.full(
            1 << _SMALLEST_BITS, -1, np.int32
        )  # the position at each place; -1: it is free

    def find(self, hashes: Hashes, asked: Any, same: Callable[[Integers, Any], Flags]) -> Integers:  # noqa: ANN401 - an array or a Series, as `same` takes it
        """The position of each of `asked`, whose hashes these are; -1 where it is not known.

        `same` says of positions and as many of `asked` which of them belong to each other.
        """
        found = np.full(len(hashes), -1, np.int64)
        if not self._size:
            return found
        for start in range(0, len(hashes), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self._find(hashes[part], asked[part], same, found[part])
        return found

    def _find(
        self,
        hashes: Hashes,
        asked: Any,  # noqa: ANN401 - as above
        same: Callable[[Integers, Any], Flags],
        found: Integers,
    ) -> None:
        stands = self._stands
        at = _looked_for(hashes, len(stands))
        found[:] = stands.take(at)
        left = np.flatnonzero(~same(np.maximum(found, 0), asked) & (found >= 0))
        while len(left):
            at[left] = (at[left] + 1) % len(stands)
            found[left] = stands[at[left]]
            left = left[found[left] >= 0]
            left = left[~same(found[left], asked[left])]

    def add(self, hashes: Hashes, first: int, hashes_of: Callable[[Integers], Hashes]) -> None:
        """Let new ids with these hashes stand at `first` and after it.

        `hashes_of` gives those of the ids at some positions, for a larger table.
        """
        size, stands = first + len(hashes), self._stands
        if size * _PLACES_EACH > len(stands):
            # In the order in which they stand, which is also theirs in the larger table: that is written from
            # its start to its end.
            held = stands[stands >= 0].astype(np.int64)
            stands = np.full(1 << (size * _PLACES_EACH - 1).bit_length(), -1, np.int32)
            _enter(stands, hashes_of(held), held)
        _enter(stands, hashes, np.arange(first, size))
        self._stands, self._size = stands, size


def _looked_for(hashes: Hashes, places: int) -> Integers:
    """The place where each is looked for first: the upper bits."""
    return (hashes >> np.uint64(65 - places.bit_length())).view(np.int64)


def _enter(stands: NDArray[np.int32], hashes: Hashes, positions: Integers) -> None:
    """Each into the next free place. Who looks up meanwhile finds it, or a free place: not known yet."""
    at = _looked_for(hashes, len(stands))
    while len(at):
        free = stands[at] < 0
        stands[at[free]] = positions[free]  # of several the last one stays
        left = np.flatnonzero(stands[at] != positions)
        at, positions = (at[left] + 1) % len(stands), positions[left]
