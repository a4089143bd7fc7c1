"""Sliding windows over merchant-minutes, in exact integers.

Judging a minute must not re-read history: when minute M arrives it is added to the hour, the minute
that leaves the hour moves into the week, and the one that leaves the week is subtracted. The cost is
that of the rows of three minutes (plus one per baseline day for the pacing), whatever the length of
the history. `tests/generative/merchants/test_windows.py` holds this against a plain recount.

    week(M) = the 7 days before hour(M)      hour(M) = the 60 minutes ending with M
    ├────────── 10,080 minutes ──────────┤├──────────── 60 minutes ────────────┤
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.entities import EntityIndex
from baselines.merchants.cancelled import CancelledByDay
from baselines.merchants.cohorts import Cohorts, Tied
from baselines.merchants.pacing import Pacing
from baselines.merchants.recent import BLOCK_MINUTES, Recent
from baselines.merchants.slices import Block, Integers, Slice, Totals
from baselines.tiers import top_entities
from pipeline.minute import DAY_MINUTES, EPOCH, HOUR_MINUTES, MINUTE, MINUTE_US, WEEK_MINUTES, to_index

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    import polars as pl
    from numpy.typing import NDArray

#: Hour and week need 7 days and an hour, the same hour of 7 days ago one minute more; the pacing needs whole
#: business days before today.
_SPARE_DAYS = 2


class Windows:
    """The state of all windows after the minute `last`; minutes are added in order, without a gap."""

    def __init__(self, zone: ZoneInfo, baseline_days: int) -> None:
        self.entities = EntityIndex()
        self.hour = Totals.empty()
        self.week = Totals.empty()
        self.top: NDArray[np.bool_] = np.zeros(0, np.bool_)  # tier `top`, ranked at each business day's start
        self.last: int | None = None
        self._ranked_at = 0  # the minute after which the tiers were ranked
        self._slices: dict[int, Slice] = {}
        self._keep = max(WEEK_MINUTES + 2 * HOUR_MINUTES, (baseline_days + _SPARE_DAYS) * DAY_MINUTES)
        #: Approvals and cancels of all merchants up to minute `index`, in row `index` % rows. One row
        #: more than minutes are held: a sum is what stands at its end without what stood before it.
        self._upto = np.zeros((self._keep + 1, 2), np.int64)
        self.pacing = Pacing(zone, baseline_days, self._slices)
        self.cancelled = CancelledByDay(zone, self._keep // DAY_MINUTES)
        self.recent = Recent(self._slices)
        self.cohorts = Cohorts()

    @property
    def size(self) -> int:
        """How many merchants are known."""
        return len(self.entities)

    @property
    def history_minutes(self) -> int:
        """How many minutes a rebuild has to read: the longest window."""
        return self._keep

    @property
    def is_top(self) -> NDArray[np.bool_]:
        """Which of the known merchants are tier `top`; merchants first seen today are not. Shape (size,)."""
        return np.concatenate([self.top, np.zeros(self.size - len(self.top), np.bool_)])

    def add(self, minute: datetime, counts: pl.DataFrame, positions: Integers | None = None) -> None:
        """Slide to `minute` with its MERCHANT_MINUTE rows (possibly none).

        `positions` are where the rows stand in `entities`, if that was looked up beforehand.

        Raises ValueError when `minute` does not follow the last one: a gap would be a silent error in
        every later baseline.
        """
        index = to_index(minute)
        if self.last is not None and index != self.last + 1:
            msg = f"minute {minute.isoformat()} does not follow {(EPOCH + MINUTE * self.last).isoformat()}"
            raise ValueError(msg)
        entering = self._slice(counts, positions)
        self._enter(index, entering)
        self.recent.enter(index, entering)
        self.cohorts.enter(index, _tied(counts, entering.positions)[0])

    def add_many(
        self, start: datetime, end: datetime, counts: pl.DataFrame, missing: Collection[datetime] = ()
    ) -> None:
        """Slide through [start, end) with MERCHANT_MINUTE rows sorted by minute.

        `missing` minutes were never published: they count as zero, and their business day is no baseline day.
        """
        self.fill(start, end, counts, missing)
        self.settle()

    def fill(
        self, start: datetime, end: datetime, counts: pl.DataFrame, missing: Collection[datetime] = ()
    ) -> None:
        """The first half of `add_many`: hold the rows, sum up days and blocks. To rebuild from several days.

        Only what follows from every minute in between is kept up; after the last one `settle` has to follow.
        """
        self.pacing.missing.update(to_index(minute) for minute in missing)
        first = to_index(start)
        if self.last is not None and first != self.last + 1:
            msg = f"minute {start.isoformat()} does not follow the windows"
            raise ValueError(msg)
        index, stop, block = first, to_index(end), self._block(first, to_index(end), counts)
        while index < stop:
            self._slices[index] = entering = block.minute(index)
            if self.pacing.enter(index, entering):  # a business day may start with it
                self._ranked_at = index
            rest = min(stop, self.pacing.day_end)
            for later in range(index + 1, rest):
                self._slices[later] = block.minute(later)
            if index + 1 < rest:
                self.pacing.enter_many(index + 1, rest - 1, block.rows(index + 1, rest))
            self.cancelled.enter(index, block.rows(index, rest))
            for piece in range(index - index % BLOCK_MINUTES, rest, BLOCK_MINUTES):
                borders = max(piece, index), min(piece + BLOCK_MINUTES, rest)
                self.recent.enter_block(borders[0], block.rows(*borders))
            self._forget(index - self._keep, rest - self._keep)
            self.last = rest - 1
            index = rest
        self._sum_up(first, block)
        tied, rows = _tied(counts, block.whole.positions)
        self.cohorts.fill(first, tied, np.searchsorted(rows, block.borders))

    def settle(self) -> None:
        """Sum up hour, week, tiers and spans from the minutes held; each sum is as after single minutes."""
        if self.last is None:
            return
        end = self.last + 1
        self.hour = self._between(end - HOUR_MINUTES, end)
        self.week = self._between(end - HOUR_MINUTES - WEEK_MINUTES, end - HOUR_MINUTES)
        ranked = self._ranked_at + 1 - HOUR_MINUTES
        self._rank(self._between(ranked - WEEK_MINUTES, ranked))
        self.recent.settle(self.last)
        self.cohorts.settle(self.last)

    def know(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], since: datetime) -> bool:
        """Nothing is told to this pack."""
        del rows, since
        return True

    def copy(self) -> Windows:
        """The same state, free to move on by itself; shares the rows of minutes and the known merchants."""
        other = copy(self)
        other._slices = dict(self._slices)  # noqa: SLF001 - of this very class
        other._upto = self._upto.copy()  # noqa: SLF001 - the same
        other.hour, other.week = self.hour.copy(), self.week.copy()
        other.pacing = self.pacing.copy(other._slices)  # noqa: SLF001 - the same
        other.cancelled = self.cancelled.copy()
        other.recent = self.recent.copy(other._slices)  # noqa: SLF001 - the same
        other.cohorts = self.cohorts.copy()
        return other

    def _enter(self, index: int, entering: Slice) -> None:
        self._slices[index] = entering
        rows = len(self._upto)
        self._upto[index % rows] = self._upto[(index - 1) % rows]
        self._upto[index % rows] += entering.approvals.sum(), entering.cancels.sum()
        self.hour.add(entering)
        from_hour = self._slices.get(index - HOUR_MINUTES)
        if from_hour is not None:
            self.hour.subtract(from_hour)
            self.week.add(from_hour)
        from_week = self._slices.get(index - HOUR_MINUTES - WEEK_MINUTES)
        if from_week is not None:
            self.week.subtract(from_week)
        if self.pacing.enter(index, entering):
            self._ranked_at = index
            self._rank(self.week)
        self.cancelled.enter(index, entering)
        self._forget(index - self._keep, index - self._keep + 1)
        self.last = index

    def _rank(self, week: Totals) -> None:
        self.top = top_entities(week.approvals[: self.size], self.entities.ids)

    def _forget(self, first: int, end: int) -> None:
        for index in range(first, end):
            self._slices.pop(index, None)

    def _between(self, first: int, end: int) -> Totals:
        """Everything of the minutes [first, end) that are held: whole blocks, and minutes at both ends."""
        total = Totals.empty(self.size)
        index = first
        while index < end:
            block = self.recent.block_at(index) if index + BLOCK_MINUTES <= end else None
            if block is not None:
                total.add_totals(block)
                index += BLOCK_MINUTES
                continue
            if (part := self._slices.get(index)) is not None:
                total.add(part)
            index += 1
        return total

    def _slice(self, counts: pl.DataFrame, positions: Integers | None = None) -> Slice:
        if positions is None:
            positions = self.entities.positions(counts["merchant_id"])
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
        position = self.entities.find(merchant_id)
        return 0 if position is None else self.cancelled.since(day, position)

    def cancels_held_from(self, merchant_id: str) -> date | None:
        """The oldest business day whose cancels are held; None before the first minute.

        That of any merchant is that of all, but windows of shards are asked about a merchant that one holds.
        """
        del merchant_id
        return self.cancelled.oldest

    def everybody(self, last: int, minutes: int) -> tuple[int, int] | None:
        """Approvals and cancels of all merchants in the `minutes` that end with `last`.

        None where one of these minutes is not held or was never published.
        """
        first = last - minutes + 1
        if first not in self._slices or last not in self._slices:
            return None
        if self.pacing.missing and not self.pacing.missing.isdisjoint(range(first, last + 1)):
            return None
        rows = len(self._upto)
        total = self._upto[last % rows] - self._upto[(first - 1) % rows]
        return int(total[0]), int(total[1])

    def _sum_up(self, first: int, block: Block) -> None:
        """All merchants together up to each minute of a block."""
        rows = len(self._upto)
        minutes = np.arange(first, first + len(block.borders) - 1) % rows
        for column, counts in enumerate((block.whole.approvals, block.whole.cancels)):
            upto = np.concatenate([[0], np.cumsum(counts)])[block.borders]
            self._upto[minutes, column] = self._upto[(first - 1) % rows, column] + upto[1:] - upto[0]


def _tied(counts: pl.DataFrame, positions: Integers) -> tuple[Tied, Integers]:
    """The tied cancels among MERCHANT_MINUTE rows that stand at `positions`, and which rows those are."""
    fresh, older = counts["cancel_fresh_count"].to_numpy(), counts["cancel_older_count"].to_numpy()
    rows = np.flatnonzero(fresh + older)
    return Tied(positions[rows], fresh[rows], older[rows]), rows
