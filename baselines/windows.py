"""Sliding windows over merchant-minutes, in exact integers.

Judging a minute must not re-read history: when minute M arrives it is added to the hour, the minute
that leaves the hour moves into the week, and the one that leaves the week is subtracted. The cost is
that of the rows of three minutes (plus one per baseline day for the pacing), whatever the length of
the history. `tests/generative/test_windows.py` holds this against a plain recount.

    week(M) = the 7 days before hour(M)      hour(M) = the 60 minutes ending with M
    ├────────── 10,080 minutes ──────────┤├──────────── 60 minutes ────────────┤
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from baselines.cancelled import CancelledByDay
from baselines.categories import Categories
from baselines.cohorts import Cohorts, Tied
from baselines.merchants import MerchantIndex
from baselines.pacing import Pacing
from baselines.recent import BLOCK_MINUTES, Recent
from baselines.slices import Block, Integers, Slice, Totals
from baselines.tiers import top_merchants
from pipeline.minute import DAY_MINUTES, EPOCH, HOUR_MINUTES, MINUTE, MINUTE_US, WEEK_MINUTES, to_index

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    import polars as pl
    from numpy.typing import NDArray

#: Hour and week need 7 days and an hour, the same hour of 7 days ago one minute more; the pacing needs whole
#: business days before today.
_SPARE_DAYS = 2


#: A column that rows may bring along: where they stand in `Windows.merchants`, looked up beforehand.
POSITION = "position"


class Windows:
    """The state of all windows after the minute `last`; minutes are added in order, without a gap."""

    def __init__(self, zone: ZoneInfo, baseline_days: int) -> None:
        self.merchants = MerchantIndex()
        self.hour = Totals.empty()
        self.week = Totals.empty()
        self.top: NDArray[np.bool_] = np.zeros(0, np.bool_)  # tier `top`, ranked at each business day's start
        self.last: int | None = None
        self._slices: dict[int, Slice] = {}
        self._keep = max(WEEK_MINUTES + 2 * HOUR_MINUTES, (baseline_days + _SPARE_DAYS) * DAY_MINUTES)
        #: Approvals and cancels of all merchants; the minute `index` in row `index` % keep.
        self._sums = np.zeros((self._keep, 2), np.int64)
        self.pacing = Pacing(zone, baseline_days, self._slices)
        self.cancelled = CancelledByDay(zone, self._keep // DAY_MINUTES)
        self.recent = Recent(self._slices)
        self.cohorts = Cohorts()
        self.categories = Categories()  # of the known merchants, over time

    @property
    def size(self) -> int:
        """How many merchants are known."""
        return len(self.merchants)

    @property
    def history_minutes(self) -> int:
        """How many minutes a rebuild has to read: the longest window."""
        return self._keep

    @property
    def is_top(self) -> NDArray[np.bool_]:
        """Which of the known merchants are tier `top`; merchants first seen today are not. Shape (size,)."""
        return np.concatenate([self.top, np.zeros(self.size - len(self.top), np.bool_)])

    def add(self, minute: datetime, counts: pl.DataFrame) -> None:
        """Slide to `minute` with its MERCHANT_MINUTE rows (possibly none).

        Raises ValueError when `minute` does not follow the last one: a gap would be a silent error in
        every later baseline.
        """
        index = to_index(minute)
        if self.last is not None and index != self.last + 1:
            msg = f"minute {minute.isoformat()} does not follow {(EPOCH + MINUTE * self.last).isoformat()}"
            raise ValueError(msg)
        entering = self._slice(counts)
        self._enter(index, entering)
        self.recent.enter(index, entering)
        self.cohorts.enter(index, _tied(counts, entering.positions)[0])

    def add_many(
        self, start: datetime, end: datetime, counts: pl.DataFrame, missing: Collection[datetime] = ()
    ) -> None:
        """Slide through [start, end) with MERCHANT_MINUTE rows sorted by minute; used to rebuild.

        `missing` minutes were never published: they count as zero, and their business day is no baseline day.
        """
        self.pacing.missing.update(to_index(minute) for minute in missing)
        first = to_index(start)
        if self.last is not None and first != self.last + 1:
            msg = f"minute {start.isoformat()} does not follow the windows"
            raise ValueError(msg)
        index, stop, block = first, to_index(end), self._block(first, to_index(end), counts)
        while index < stop:
            self._enter(index, block.minute(index))  # a business day may start with it
            self.recent.enter_block(index, block.minute(index))
            rest = min(stop, self.pacing.day_end)
            self._enter_many(index + 1, rest, block)
            index = rest
        if self.last is not None:
            self.recent.settle(self.last)
        tied, rows = _tied(counts, block.whole.positions)
        borders = np.searchsorted(rows, block.borders)
        for index in range(first, stop):  # few rows a minute: not worth a way of its own
            self.cohorts.enter(index, tied.part(*borders[index - first : index - first + 2].tolist()))

    def copy(self) -> Windows:
        """The same state, free to move on by itself; shares the rows of minutes and the known merchants."""
        other = copy(self)
        other._slices = dict(self._slices)  # noqa: SLF001 - of this very class
        other._sums = self._sums.copy()  # noqa: SLF001 - the same
        other.hour, other.week = self.hour.copy(), self.week.copy()
        other.pacing = self.pacing.copy(other._slices)  # noqa: SLF001 - the same
        other.cancelled = self.cancelled.copy()
        other.recent = self.recent.copy(other._slices)  # noqa: SLF001 - the same
        other.cohorts = self.cohorts.copy()
        return other

    def _enter(self, index: int, entering: Slice) -> None:
        self._slices[index] = entering
        self._sum_up(index, entering)
        self.hour.add(entering, 1)
        from_hour = self._slices.get(index - HOUR_MINUTES)
        if from_hour is not None:
            self.hour.add(from_hour, -1)
            self.week.add(from_hour, 1)
        from_week = self._slices.get(index - HOUR_MINUTES - WEEK_MINUTES)
        if from_week is not None:
            self.week.add(from_week, -1)
        if self.pacing.enter(index, entering):
            self.top = top_merchants(self.week.approvals[: self.size], self.merchants.ids)
        self.cancelled.enter(index, entering)
        self._slices.pop(index - self._keep, None)
        self.last = index

    def _enter_many(self, first: int, end: int, block: Block) -> None:
        """Move through minutes of one business day at once; every sum is as after single minutes."""
        if first >= end:
            return
        for index in range(first, end):
            self._slices[index] = block.minute(index)
            self._sum_up(index, self._slices[index])
        week, hour = WEEK_MINUTES + HOUR_MINUTES, HOUR_MINUTES
        entering, moving, leaving = (self._sum(first - age, end - age) for age in (0, hour, week))
        self.hour.move(entering, moving)
        self.week.move(moving, leaving)
        rows = block.rows(first, end)
        self.pacing.enter_many(first, end - 1, rows)
        self.cancelled.enter(first, rows)
        for start in range(first - first % BLOCK_MINUTES, end, BLOCK_MINUTES):
            piece = max(start, first), min(start + BLOCK_MINUTES, end)
            self.recent.enter_block(piece[0], block.rows(*piece))
        for index in range(first, end):
            self._slices.pop(index - self._keep, None)
            self.last = end - 1

    def _sum(self, first: int, end: int) -> Totals:
        """Everything of the minutes [first, end) that are held."""
        total = Totals.empty(self.size)
        total.add_rows(
            Slice.joined([self._slices[index] for index in range(first, end) if index in self._slices])
        )
        return total

    def _slice(self, counts: pl.DataFrame) -> Slice:
        if POSITION in counts.columns:
            positions = counts[POSITION].to_numpy()
        else:
            positions = self.merchants.positions(counts["merchant_id"])
        self.hour.grow(self.size)
        self.week.grow(self.size)
        self.pacing.grow(self.size)
        self.recent.grow(self.size)
        self.cohorts.grow(self.size)
        measures = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
        return Slice(positions, *(counts[name].to_numpy() for name in measures))

    def _block(self, first: int, end: int, counts: pl.DataFrame) -> Block:
        minutes = counts["minute"].dt.epoch("us").to_numpy() // MINUTE_US
        return Block(self._slice(counts), first, np.searchsorted(minutes, np.arange(first, end + 1)))

    def cancelled_since(self, day: date, merchant_id: str) -> int:
        """What a merchant cancelled after business day `day`, as far as the windows reach (minor units)."""
        position = self.merchants.find(merchant_id)
        return 0 if position is None else self.cancelled.since(day, position)

    def everybody(self, last: int, minutes: int) -> tuple[int, int] | None:
        """Approvals and cancels of all merchants in the `minutes` that end with `last`.

        None where one of these minutes is not held or was never published.
        """
        first = last - minutes + 1
        if first not in self._slices or last not in self._slices:
            return None
        if self.pacing.missing and not self.pacing.missing.isdisjoint(range(first, last + 1)):
            return None
        start, room = first % self._keep, self._keep
        total = self._sums[start : start + minutes].sum(axis=0)
        if start + minutes > room:
            total = total + self._sums[: start + minutes - room].sum(axis=0)
        return int(total[0]), int(total[1])

    def _sum_up(self, index: int, part: Slice) -> None:
        self._sums[index % self._keep] = part.approvals.sum(), part.cancels.sum()


def _tied(counts: pl.DataFrame, positions: Integers) -> tuple[Tied, Integers]:
    """The tied cancels among MERCHANT_MINUTE rows that stand at `positions`, and which rows those are."""
    fresh, older = counts["cancel_fresh_count"].to_numpy(), counts["cancel_older_count"].to_numpy()
    rows = np.flatnonzero(fresh + older)
    return Tied(positions[rows], fresh[rows], older[rows]), rows
