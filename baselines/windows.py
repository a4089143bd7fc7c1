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
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from baselines.cancelled import CancelledByDay
from baselines.merchants import MerchantIndex
from baselines.pacing import Pacing
from baselines.recent import Recent
from baselines.slices import Integers, Slice, Totals
from baselines.tiers import top_merchants
from pipeline.minute import DAY_MINUTES, EPOCH, HOUR_MINUTES, MINUTE, WEEK_MINUTES, to_index

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
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
        self.merchants = MerchantIndex()
        self.hour = Totals.empty()
        self.week = Totals.empty()
        self.top: NDArray[np.bool_] = np.zeros(0, np.bool_)  # tier `top`, ranked at each business day's start
        self.last: int | None = None
        self._slices: dict[int, Slice] = {}
        self._keep = max(WEEK_MINUTES + 2 * HOUR_MINUTES, (baseline_days + _SPARE_DAYS) * DAY_MINUTES)
        self.pacing = Pacing(zone, baseline_days, self._slices)
        self.cancelled = CancelledByDay(zone, self._keep // DAY_MINUTES)
        self.recent = Recent(self._slices)

    @property
    def size(self) -> int:
        """How many merchants are known."""
        return len(self.merchants)

    @property
    def history_minutes(self) -> int:
        """How many minutes a rebuild has to read: the longest window."""
        return self._keep

    def is_top(self, positions: Integers) -> NDArray[np.bool_]:
        """Which of the merchants are tier `top`; merchants first seen today are not. Shape (n,)."""
        known = positions < len(self.top)
        known[known] = self.top[positions[known]]
        return known

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
        for index, part in self._cut(first, to_index(end), counts):
            self._enter(index, part)
            self.recent.enter_block(index, part)
        if self.last is not None:
            self.recent.settle(self.last)

    def copy(self) -> Windows:
        """The same state, free to move on by itself; shares the rows of minutes and the known merchants."""
        other = copy(self)
        other._slices = dict(self._slices)  # noqa: SLF001 - of this very class
        other.hour, other.week = self.hour.copy(), self.week.copy()
        other.pacing = self.pacing.copy(other._slices)  # noqa: SLF001 - the same
        other.cancelled = self.cancelled.copy()
        other.recent = self.recent.copy(other._slices)  # noqa: SLF001 - the same
        return other

    def replace(self, minute: datetime, counts: pl.DataFrame) -> None:
        """Exchange, for a correction, the rows of a minute the windows still hold; older ones do nothing."""
        index = to_index(minute)
        old = self._slices.get(index)
        if old is None or self.last is None:
            return
        new = self._slice(counts)
        totals = self._holder(index)
        if totals is not None:
            totals.exchange(old, new)
        self._slices[index] = new
        self.recent.replace(index, self.last, old, new)
        self.pacing.replace(index, old, new)
        self.cancelled.replace(index, old, new)

    def _holder(self, index: int) -> Totals | None:
        age = (self.last or 0) - index
        if age < HOUR_MINUTES:
            return self.hour
        return self.week if age < HOUR_MINUTES + WEEK_MINUTES else None

    def _enter(self, index: int, entering: Slice) -> None:
        self._slices[index] = entering
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

    def _slice(self, counts: pl.DataFrame) -> Slice:
        positions = self.merchants.positions(counts["merchant_id"])
        self.hour.grow(self.size)
        self.week.grow(self.size)
        self.pacing.grow(self.size)
        self.recent.grow(self.size)
        measures = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
        return Slice(positions, *(counts[name].to_numpy() for name in measures))

    def _cut(self, first: int, end: int, counts: pl.DataFrame) -> Iterator[tuple[int, Slice]]:
        whole = self._slice(counts)
        minutes = counts["minute"].dt.epoch("us").to_numpy() // 60_000_000
        borders = np.searchsorted(minutes, np.arange(first, end + 1))
        for offset, (a, b) in enumerate(pairwise(borders)):
            yield first + offset, whole.part(a, b)

    def cancelled_since(self, day: date, merchant_id: str) -> int:
        """What a merchant cancelled after business day `day`, as far as the windows reach (minor units)."""
        position = self.merchants.find(merchant_id)
        return 0 if position is None else self.cancelled.since(day, position)
