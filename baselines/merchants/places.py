"""Where many ids stand among known ones, by their hashes: a third of the time of a look-up in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from baselines.merchants.slices import Integers

#: Each table takes other bits of the hash; what finds no place in one goes into the next.
_SHIFTS: Final = (44, 29, 14, 0)


class Places:
    """The positions of some ids, none of which comes twice."""

    def __init__(self, ids: pl.Series) -> None:
        self.size, self._ids = len(ids), ids
        self._hashes = ids.hash().to_numpy()
        self._bits = np.uint64((1 << max(2 * self.size, 2).bit_length()) - 1)
        self._tables = []
        left = np.arange(self.size)
        for shift in _SHIFTS:
            table = np.zeros(int(self._bits) + 1, np.int64)
            slots = self._slots(self._hashes[left], shift)
            table[slots] = left
            self._tables.append(table)
            left = left[table[slots] != left]

    def _slots(self, hashes: np.ndarray[tuple[int], np.dtype[np.uint64]], shift: int) -> Integers:
        return ((hashes >> np.uint64(shift)) & self._bits).astype(np.int64)

    def find(self, ids: pl.Series) -> Integers | None:
        """The position of each; None where one is not known, or has no place in the tables."""
        hashes = ids.hash().to_numpy()
        found = self._tables[0][self._slots(hashes, _SHIFTS[0])]
        for shift, table in zip(_SHIFTS[1:], self._tables[1:], strict=True):
            other = np.flatnonzero(self._hashes[found] != hashes)
            found[other] = table[self._slots(hashes[other], shift)]
        return found if (self._ids.gather(found) == ids).all() else None
