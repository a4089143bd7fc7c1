"""What each merchant cancelled per business day, to know what was cancelled since its last payout."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from baselines.merchants.slices import Integers, Slice, grown
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
        """Add the cancels of minute `index`, or of several minutes of its business day."""
        day = business_date(from_index(index), self.zone)
        if day not in self._days:
            oldest = day - timedelta(days=self.days_kept)
            self._days = {d: amounts for d, amounts in self._days.items() if d > oldest}
            self._days[day] = np.zeros(0, np.int64)
        if len(entering.positions):
            self._days[day] = grown(self._days[day], int(entering.positions.max()) + 1)
            np.add.at(self._days[day], entering.positions, entering.cancel_amounts)

    @property
    def oldest(self) -> date | None:
        """The oldest day that is held; None before the first minute."""
        return min(self._days, default=None)

    def since(self, day: date, position: int) -> int:
        """What the merchant at `position` cancelled on business days after `day`."""
        later = (amounts for d, amounts in self._days.items() if d > day)
        return sum(int(amounts[position]) for amounts in later if position < len(amounts))
