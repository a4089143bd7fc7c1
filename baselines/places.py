"""Where many ids stand among known ones, by their hashes: a table with open addressing.

Knuth, The Art of Computer Programming, volume 3, 6.4, algorithm L. A word of the table holds a position in
its lower half, and in its upper half what of the hash comes after the bits that chose the word. An id whose
word looks alike is compared with the one that stands there, so no hash ever decides.
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
_POSITION: Final = np.uint64(2**32 - 1)
#: No position is so large: nothing stands in such a word.
_EMPTY: Final = _POSITION
#: There are four to eight words for each id: most ids then stand where they are looked for first.
_WORDS_EACH: Final = 4
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
        self._words = np.full(1 << _SMALLEST_BITS, _EMPTY)

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
        words = self._words
        at, marks = _looked_for(hashes, len(words))
        met = words.take(at)
        alike = (met ^ marks) < _EMPTY
        places = np.where(alike, met & _POSITION, 0).view(np.int64)
        alike &= same(places, asked)
        np.copyto(found, places, where=alike)
        left = np.flatnonzero(~alike)
        left = left[met[left] != _EMPTY]
        while len(left):
            at[left] = (at[left] + 1) % len(words)
            met = words[at[left]]
            alike = (met ^ marks[left]) < _EMPTY
            rows, places = left[alike], (met[alike] & _POSITION).view(np.int64)
            there = same(places, asked[rows])
            found[rows[there]] = places[there]
            left = left[(met != _EMPTY) & (found[left] < 0)]

    def add(self, hashes: Hashes, first: int, hashes_of: Callable[[Integers], Hashes]) -> None:
        """Let new ids with these hashes stand at `first` and after it.

        `hashes_of` gives those of the ids at some positions, for a larger table.
        """
        size, words = first + len(hashes), self._words
        if size * _WORDS_EACH > len(words):
            # In the order in which they stand, which is also theirs in the larger table: that is written from
            # its start to its end.
            held = (words[words != _EMPTY] & _POSITION).view(np.int64)
            words = np.full(1 << (size * _WORDS_EACH - 1).bit_length(), _EMPTY)
            _enter(words, hashes_of(held), held)
        _enter(words, hashes, np.arange(first, size))
        self._words, self._size = words, size


def _looked_for(hashes: Hashes, words: int) -> tuple[Integers, Hashes]:
    """The word where each is looked for first, and its upper half there."""
    bits = words.bit_length() - 1
    return (hashes >> np.uint64(64 - bits)).view(np.int64), (hashes << np.uint64(bits)) & ~_POSITION


def _enter(words: Hashes, hashes: Hashes, positions: Integers) -> None:
    """Each into the next free word. Who looks up meanwhile finds it, or an empty word: never another's id."""
    at, marks = _looked_for(hashes, len(words))
    own = marks | positions.view(np.uint64)
    while len(own):
        free = words[at] == _EMPTY
        words[at[free]] = own[free]  # of several the last one stays
        left = np.flatnonzero(words[at] != own)
        at, own = (at[left] + 1) % len(words), own[left]
