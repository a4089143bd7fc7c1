"""What each merchant cancelled per business day, to know what was cancelled since its last payout."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from baselines.merchants.slices import Held, Integers, Slice, grown
from pipeline.minute import business_date, from_index

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo


class CancelledByDay:
    """Cancelled amount per business day and merchant (minor units), for the newest `days_kept` days."""

    def __init__(self, zone: ZoneInfo, days_kept: int) -> None:
        self.zone = zone
        self.days_kept = days_kept
        self._days: dict[date, Integers] = {}  # only the newest is changed in place

    def copy(self) -> CancelledByDay:
        """The same amounts, free to move on by itself; days that have ended are shared."""
        other = CancelledByDay(self.zone, self.days_kept)
        other._take(self._days)
        return other

    def _take(self, days: Mapping[date, Integers]) -> None:
        newest = max(days, default=None)
        self._days = {day: amounts.copy() if day == newest else amounts for day, amounts in days.items()}

    def enter(self, index: int, entering: Slice) -> Mapping[date, Integers] | None:
        """Add the cancels of minute `index`, or of several minutes of its business day.

        Gives the days before, where it is the first minute of one.
        """
        day, before = business_date(from_index(index), self.zone), None
        if day not in self._days:
            before, oldest = self._days, day - timedelta(days=self.days_kept)
            self._days = {d: amounts for d, amounts in before.items() if d > oldest}
            self._days[day] = np.zeros(0, np.int64)
        positions, amounts = entering.given_back
        if len(positions):
            self._days[day] = grown(self._days[day], int(positions.max()) + 1)
            np.add.at(self._days[day], positions, amounts)
        return before

    def undo(self, entering: Held, before: Mapping[date, Integers] | None) -> None:
        """Take the newest minute away, which had given these days."""
        if before is not None:
            self._take(before)
        else:
            np.subtract.at(self._days[max(self._days)], *entering.given_back)

    @property
    def oldest(self) -> date | None:
        """The oldest day that is held; None before the first minute."""
        return min(self._days, default=None)

    def since(self, day: date, position: int) -> int:
        """What the merchant at `position` cancelled on business days after `day`."""
        later = (amounts for d, amounts in self._days.items() if d > day)
        return sum(int(amounts[position]) for amounts in later if position < len(amounts))
