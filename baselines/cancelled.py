"""What each merchant cancelled per business day, to know what was cancelled since its last payout."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from baselines.slices import Integers, Slice, grown
from pipeline.minute import business_date, from_index

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class CancelledByDay:
    """Cancelled amount per business day and merchant (minor units), for the newest `days_kept` days."""

    def __init__(self, zone: ZoneInfo, days_kept: int) -> None:
        self.zone = zone
        self.days_kept = days_kept
        self._days: dict[date, Integers] = {}

    def copy(self) -> CancelledByDay:
        """The same amounts, free to move on by itself."""
        other = CancelledByDay(self.zone, self.days_kept)
        other._days = {day: amounts.copy() for day, amounts in self._days.items()}
        return other

    def enter(self, index: int, entering: Slice) -> None:
        """Add the cancels of minute `index`."""
        day = business_date(from_index(index), self.zone)
        if day not in self._days:
            oldest = day - timedelta(days=self.days_kept)
            self._days = {d: amounts for d, amounts in self._days.items() if d > oldest}
            self._days[day] = np.zeros(0, np.int64)
        self._add(day, entering, 1)

    def replace(self, index: int, old: Slice, new: Slice) -> None:
        """Exchange one minute's rows, if its day is still held."""
        day = business_date(from_index(index), self.zone)
        if day in self._days:
            self._add(day, old, -1)
            self._add(day, new, 1)

    def since(self, day: date, position: int) -> int:
        """What the merchant at `position` cancelled on business days after `day`."""
        later = (amounts for d, amounts in self._days.items() if d > day)
        return sum(int(amounts[position]) for amounts in later if position < len(amounts))

    def _add(self, day: date, part: Slice, sign: int) -> None:
        if len(part.positions):
            self._days[day] = grown(self._days[day], int(part.positions.max()) + 1)
            self._days[day][part.positions] += sign * part.cancel_amounts
