"""What the budgeted policy looks at beside hour and week, in exact integers.

- spans: sliding totals over the newest 5 minutes up to a day, so that a large merchant is judged within
  minutes and a small one over a day;
- same hour: approvals of the same 60 minutes on each of the 7 days before, to tell a surge of cancels from
  a collapse of approvals, and to see a collapse while it happens;
- blocks of 6 hours: the baseline in pieces, so that hours with an incident can be left out of it.

Every number follows from the minutes held, so a rebuild, a correction and a long run agree.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from baselines.merchants.slices import Held, Narrow, Slice, Totals
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, WEEK_MINUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from baselines.merchants.slices import Integers

#: Minutes of the sliding totals. 5 to 30 are for merchants with several cancels a minute, 360 and 1440 for
#: those with a few a day; 180 tells how a merchant stood just before a window of up to an hour.
SPANS = (5, 15, 30, 180, 360, 1440)
LOCAL_MINUTES = 180
SAME_HOUR_DAYS = 7
BLOCK_MINUTES = 360
_BLOCKS_KEPT = (WEEK_MINUTES + DAY_MINUTES) // BLOCK_MINUTES + 1


class Recent:
    """Totals per merchant after the minute `last`; shape (merchants,) each, `same_hour` (7, merchants)."""

    def __init__(self, slices: Mapping[int, Held]) -> None:
        self.spans: dict[int, Totals] = {minutes: Totals.empty() for minutes in SPANS}
        self.same_hour = np.zeros((SAME_HOUR_DAYS, 0), np.int64)  # row d-1: d days ago
        self._newest = Totals.empty()  # the newest block, the only one that changes
        self._blocks: dict[int, Totals | Narrow] = {}  # by index // BLOCK_MINUTES, with the newest
        self._slices = slices

    def copy(self, slices: Mapping[int, Held]) -> Recent:
        """The same state over `slices`, free to move on by itself; finished blocks are shared."""
        other = copy(self)
        other._slices = slices  # noqa: SLF001 - of this very class
        other.spans = {minutes: totals.copy() for minutes, totals in self.spans.items()}
        other.same_hour = self.same_hour.copy()
        other._take(self._blocks)  # noqa: SLF001 - the same
        return other

    def _take(self, blocks: Mapping[int, Totals | Narrow]) -> None:
        self._blocks = dict(blocks)
        for number, block in blocks.items():
            if isinstance(block, Totals):
                self._newest = self._blocks[number] = block.copy()

    def grow(self, size: int) -> None:
        """Make room for `size` merchants."""
        for totals in self.spans.values():
            totals.grow(size)
        room = self.same_hour.shape[1]
        if size > room:
            larger = np.zeros((SAME_HOUR_DAYS, max(size, 2 * room, 1024)), np.int64)
            larger[:, :room] = self.same_hour
            self.same_hour = larger

    def enter(self, index: int, entering: Slice) -> Mapping[int, Totals | Narrow] | None:
        """Move on to minute `index`; gives the blocks before, where one begins with it."""
        before = self.enter_block(index, entering)
        for minutes, totals in self.spans.items():
            totals.add(entering)
            leaving = self._slices.get(index - minutes)
            if leaving is not None:
                totals.subtract(leaving)
        for day, row in enumerate(self.same_hour, start=1):
            part = self._slices.get(index - day * DAY_MINUTES)
            if part is not None:
                np.add.at(row, part.positions, part.approvals)
            part = self._slices.get(index - day * DAY_MINUTES - HOUR_MINUTES)
            if part is not None:
                np.subtract.at(row, part.positions, part.approvals)
        return before

    def undo(self, index: int, entering: Held, before: Mapping[int, Totals | Narrow] | None) -> None:
        """Move back by the newest minute `index`, which had given these blocks."""
        if before is not None:
            self._take(before)
        else:
            self._newest.subtract(entering)
        for minutes, totals in self.spans.items():
            totals.subtract(entering)
            left = self._slices.get(index - minutes)
            if left is not None:
                totals.add(left)
        for day, row in enumerate(self.same_hour, start=1):
            part = self._slices.get(index - day * DAY_MINUTES)
            if part is not None:
                np.subtract.at(row, part.positions, part.approvals)
            part = self._slices.get(index - day * DAY_MINUTES - HOUR_MINUTES)
            if part is not None:
                np.add.at(row, part.positions, part.approvals)

    def enter_block(self, index: int, entering: Slice) -> Mapping[int, Totals | Narrow] | None:
        """Add minute `index`, or several of one block, to its block alone; `settle` has to follow.

        Gives the blocks before, where one begins with it.
        """
        number, before = index // BLOCK_MINUTES, None
        if number not in self._blocks:
            before = self._blocks
            kept = {n: b for n, b in before.items() if n > number - _BLOCKS_KEPT}
            self._blocks = {n: b.narrow() if isinstance(b, Totals) else b for n, b in kept.items()}
            self._newest = self._blocks[number] = Totals.empty()
        if len(entering.positions):
            self._newest.grow(int(entering.positions.max()) + 1)
            self._newest.add(entering)
        return before

    def settle(self, last: int) -> None:
        """Sum up spans and same hours anew from the minutes held, at the end of a long stretch."""
        shorter, newest = Totals.empty(), last + 1
        for minutes, totals in self.spans.items():  # shortest first, each goes on where the last one ended
            totals.clear()
            totals.add_totals(shorter)
            for part in self._held(last - minutes + 1, newest):
                totals.add(part)
            shorter, newest = totals, last - minutes + 1
        self.same_hour[:] = 0
        for day, row in enumerate(self.same_hour, start=1):
            end = last + 1 - day * DAY_MINUTES
            for part in self._held(end - HOUR_MINUTES, end):
                np.add.at(row, part.positions, part.approvals)

    def _held(self, first: int, end: int) -> Iterator[Held]:
        """The minutes [first, end) that are held."""
        return (self._slices[index] for index in range(first, end) if index in self._slices)

    def block_at(self, index: int) -> Totals | Narrow | None:
        """The block that begins with minute `index`, if one does and is held."""
        return None if index % BLOCK_MINUTES else self._blocks.get(index // BLOCK_MINUTES)

    def blocks_held(self, start: int, end: int) -> list[int]:
        """The numbers of the blocks inside minutes [start, end); n begins at minute n · BLOCK_MINUTES."""
        return sorted(n for n in self._blocks if -(-start // BLOCK_MINUTES) <= n < end // BLOCK_MINUTES)

    def blocks_between(self, start: int, end: int, positions: Integers) -> tuple[Integers, Integers]:
        """Approvals and cancels of the blocks inside minutes [start, end); shape (blocks, len(positions))."""
        chosen = [self._blocks[number] for number in self.blocks_held(start, end)]
        shape = (len(chosen), len(positions))
        approvals, cancels = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        needed = int(positions.max(initial=-1)) + 1
        for row, block in enumerate(chosen):
            known = ... if needed <= len(block.approvals) else positions < len(block.approvals)
            approvals[row, known] = block.approvals[positions[known]]
            cancels[row, known] = block.cancels[positions[known]]
        return approvals, cancels
