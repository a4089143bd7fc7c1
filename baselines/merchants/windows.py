"""Sliding windows over merchant-minutes, in exact integers.

Judging a minute must not re-read history: when minute M arrives it is added to the hour, the minute
that leaves the hour moves into the week, and the one that leaves the week is subtracted. The cost is
that of the rows of three minutes (plus one per baseline day for the pacing), whatever the length of
the history. `tests/generative/merchants/test_windows.py` holds this against a plain recount.

    week(M) = the 7 days before hour(M)      hour(M) = the 60 minutes ending with M
    ├────────── 10,080 minutes ──────────┤├──────────── 60 minutes ────────────┤

Going back costs the same: `undo` takes a minute back in place, by the rows held and by what the minute had
displaced, which is kept for the newest few (`_Step`). So no copy has to be made of windows that may never be
asked for as they were.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.entities import EntityIndex
from baselines.merchants.cancelled import CancelledByDay
from baselines.merchants.cohorts import Cohorts, Tied
from baselines.merchants.pacing import Pacing
from baselines.merchants.recent import BLOCK_MINUTES, Recent
from baselines.merchants.slices import Block, Held, Integers, Slice, Totals
from baselines.tiers import border, by_border, candidates, taking_part, wanted
from pipeline.minute import (
    DAY_MINUTES,
    EPOCH,
    HOUR_MINUTES,
    MINUTE,
    MINUTE_US,
    MINUTES_BACK,
    WEEK_MINUTES,
    to_index,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    import polars as pl
    from numpy.typing import NDArray

    from baselines.merchants.pacing import Moved
    from baselines.merchants.packed import Packed
    from baselines.merchants.slices import Narrow
    from baselines.tiers import Border

#: Hour and week need 7 days and an hour, the same hour of 7 days ago one minute more; the pacing needs whole
#: business days before today.
_SPARE_DAYS = 2


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The tiers, and what is to be ranked where somebody else has to say the border."""

    top: NDArray[np.bool_]
    at: int  # the minute after which they were ranked
    waiting: Integers | None = None  # approvals of the week up to then; shape (merchants,)


@dataclass(frozen=True, slots=True)
class _Step:
    """What a minute has displaced beside the sums that its rows were added to."""

    last: int | None  # the minute before
    forgotten: Held | None
    upto: Integers  # shape (2,)
    ranked: _Ranked
    pacing: Moved
    cancelled: Mapping[date, Integers] | None
    blocks: Mapping[int, Totals | Narrow] | None
    tied: Packed | None


class Windows:
    """The state of all windows after the minute `last`; minutes are added in order, without a gap.

    Where they are not `alone`, others hold the rest of the merchants, and tiers wait for the border.
    """

    def __init__(self, zone: ZoneInfo, baseline_days: int, *, alone: bool = True) -> None:
        self.entities = EntityIndex()
        self.hour = Totals.empty()
        self.week = Totals.empty()
        self.last: int | None = None
        self._alone = alone
        self._ranked = _Ranked(np.zeros(0, np.bool_), 0)  # at each business day's start
        self._steps: deque[_Step] = deque(maxlen=MINUTES_BACK)  # of the newest minutes, one after the other
        self._slices: dict[int, Held] = {}
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
    def top(self) -> NDArray[np.bool_]:
        """Which merchants are tier `top`, of those that were known when the business day began."""
        return self._ranked.top

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
        self._enter(index, entering, _tied(counts, entering.positions)[0])

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
        self._steps.clear()
        self.pacing.missing.update(to_index(minute) for minute in missing)
        first = to_index(start)
        if self.last is not None and first != self.last + 1:
            msg = f"minute {start.isoformat()} does not follow the windows"
            raise ValueError(msg)
        index, stop, block = first, to_index(end), self._block(first, to_index(end), counts)
        held = block.held()
        while index < stop:
            self._slices[index] = held[index - first]
            if (
                self.pacing.enter(index, block.minute(index)).before is not None
            ):  # a business day starts with it
                self._ranked = _Ranked(self.top, index)
            rest = min(stop, self.pacing.day_end)
            for later in range(index + 1, rest):
                self._slices[later] = held[later - first]
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
        ranked = self._ranked.at + 1 - HOUR_MINUTES
        self._begin_tiers(self._ranked.at, self._between(ranked - WEEK_MINUTES, ranked))
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
        other._steps = self._steps.copy()  # noqa: SLF001 - the same
        other._upto = self._upto.copy()  # noqa: SLF001 - the same
        other.hour, other.week = self.hour.copy(), self.week.copy()
        other.pacing = self.pacing.copy(other._slices)  # noqa: SLF001 - the same
        other.cancelled = self.cancelled.copy()
        other.recent = self.recent.copy(other._slices)  # noqa: SLF001 - the same
        other.cohorts = self.cohorts.copy()
        return other

    def at(self, last: int) -> Windows | None:
        """A copy as they stood after minute `last`; None where that was not a moment ago."""
        if self.last is None or not 0 <= self.last - last <= len(self._steps):
            return None
        other = self.copy()
        while other.last != last:
            if not other.undo():  # before the first minute of all
                return None
        return other

    def undo(self) -> bool:
        """Go one minute back in place; False where it is not known how. New merchants stay known."""
        if self.last is None or not self._steps:
            return False
        index, step = self.last, self._steps.pop()
        entered = self._slices[index]
        if step.forgotten is not None:
            self._slices[index - self._keep] = step.forgotten
        self.cohorts.undo(index, step.tied)
        self.recent.undo(index, entered, step.blocks)
        self.cancelled.undo(entered, step.cancelled)
        self.pacing.undo(entered, step.pacing)
        from_week = self._slices.get(index - HOUR_MINUTES - WEEK_MINUTES)
        if from_week is not None:
            self.week.add(from_week)
        from_hour = self._slices.get(index - HOUR_MINUTES)
        if from_hour is not None:
            self.week.subtract(from_hour)
            self.hour.add(from_hour)
        self.hour.subtract(entered)
        self._upto[index % len(self._upto)] = step.upto
        del self._slices[index]
        self._ranked, self.last = step.ranked, step.last
        return True

    def _enter(self, index: int, entering: Slice, tied: Tied) -> None:
        last, ranked, forgotten = self.last, self._ranked, self._slices.get(index - self._keep)
        self._slices[index] = entering.held()
        rows = len(self._upto)
        upto = self._upto[index % rows].copy()
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
        pacing = self.pacing.enter(index, entering)
        if pacing.before is not None:
            self._begin_tiers(index, self.week)
        cancelled = self.cancelled.enter(index, entering)
        self._forget(index - self._keep, index - self._keep + 1)
        blocks, gone = self.recent.enter(index, entering), self.cohorts.enter(index, tied)
        self.last = index
        self._steps.append(_Step(last, forgotten, upto, ranked, pacing, cancelled, blocks, gone))

    @property
    def waiting(self) -> int | None:
        """How many merchants take part in a ranking whose border nobody has said yet; None: there is none."""
        waiting = self._ranked.waiting
        return None if waiting is None else taking_part(waiting)

    def candidates(self, count: int) -> pl.DataFrame:
        """The first `count` of the merchants that wait to be ranked, best first."""
        waiting = self._waiting()
        return candidates(waiting, self.entities.ids.head(len(waiting)), count)

    def rank(self, last: Border | None) -> None:
        """Tier `top` is everybody up to the border."""
        waiting = self._waiting()
        top = by_border(waiting, self.entities.ids.head(len(waiting)), last)
        self._ranked = _Ranked(top, self._ranked.at)

    def _begin_tiers(self, index: int, week: Totals) -> None:
        """A business day has begun with minute `index`: rank, or wait for the border."""
        self._ranked = _Ranked(self.top, index, week.approvals[: self.size].copy())
        if self._alone:
            count = wanted(self.waiting or 0)
            self.rank(border([self.candidates(count)], count))

    def _waiting(self) -> Integers:
        if self._ranked.waiting is None:
            msg = "no business day has begun since the last ranking"
            raise ValueError(msg)
        return self._ranked.waiting

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
        return Slice.of(positions, *(counts[name].to_numpy() for name in measures))

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
