"""Cancels of one day by the age of their approval, sparse: few merchants and ages have any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baselines.merchants.slices import Integers

#: Ages (days) take this many values in a key; an older approval has the largest.
AGES: Final = 1 << 12


class GivenBack:
    """Cancelled amounts of one cancel day by (merchant, age of the approval in days)."""

    __slots__ = ("_amounts", "_keys", "_late", "_late_rows")

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)  # position * AGES + age, sorted, each once
        self._amounts = np.zeros(0, np.int64)  # none is 0
        self._late: list[tuple[Integers, Integers]] = []  # what came since
        self._late_rows = 0

    def add(self, positions: Integers, ages: Integers, amounts: Integers) -> None:
        """Enter amounts; negative ones are taken out."""
        self._late.append((positions * AGES + np.minimum(ages, AGES - 1), amounts))
        self._late_rows += len(amounts)
        if self._late_rows > 1024 + len(self._keys) // 2:
            self._sort()

    def rows(self) -> tuple[Integers, Integers, Integers]:
        """Positions, ages and amounts, sorted by the first two: the same whatever the order of entry."""
        if self._late:
            self._sort()
        return self._keys // AGES, self._keys % AGES, self._amounts

    def parts(self) -> Iterator[tuple[Integers, Integers, Integers]]:
        """The same without an order, and in pieces, of which a merchant and age may have several."""
        for keys, amounts in ((self._keys, self._amounts), *self._late):
            yield keys // AGES, keys % AGES, amounts

    def _sort(self) -> None:
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._late)])
        amounts = np.concatenate([self._amounts, *(amounts for _, amounts in self._late)])
        order = np.argsort(keys, kind="stable")
        keys, amounts = keys[order], amounts[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        summed = np.add.reduceat(amounts, starts) if len(keys) else amounts
        some = summed != 0
        self._keys, self._amounts = keys[starts][some] if len(keys) else keys, summed[some]
        self._late, self._late_rows = [], 0

    @property
    def nbytes(self) -> int:
        """Memory of what is held."""
        return self._keys.nbytes + self._amounts.nbytes + 16 * self._late_rows
