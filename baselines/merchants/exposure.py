"""The book of exposure: what each merchant was paid out and may still give back, in exact integers.

Per merchant and business day are held: A, approved; K, cancelled; Q, cancelled without naming an approval;
X, cancelled of that day's approvals so far; payouts; and, sparse, C(d, c), cancelled on day c of approvals
of day d. It only adds, so the order of entry does not matter.

The newest `reach` days count, as no price needs an older one: sales of an older day were paid out. Days
before the first one with any row are before the lake: of them the payout is all that is known of A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from baselines.entities import EntityIndex
from baselines.merchants.given_back import GivenBack
from baselines.merchants.settled import NEVER, Paid, Settled

if TYPE_CHECKING:
    from baselines.merchants.slices import Integers

Flags = NDArray[np.bool_]

#: Rows of a day's array.
APPROVED, CANCELLED, UNNAMED, GIVEN_BACK, NAMED_COUNT = range(5)
MEASURES: Final = 5


@dataclass(slots=True)
class Sums:
    """What follows from the book on one day; shape (merchants,) each, minor units."""

    today: int
    first: int  # the oldest day that counts
    lake: int  # the first day with any row; `today` + 1: there is none
    known: Flags  # was it ever paid out
    through: Integers  # the newest day that was paid out, days since 1970; 0: none
    remaining: Integers  # paid out within the cancel period and not cancelled, of approvals that are named
    unnamed: Integers  # cancelled within the cancel period without naming an approval
    unrecovered: Integers
    pending: Integers  # may be negative


class Exposure:
    """Amounts by merchant and business day (days since 1970)."""

    def __init__(self, reach: int) -> None:
        self.reach = reach
        self.entities = EntityIndex()
        self.settled = Settled()
        self.days: dict[int, Integers] = {}  # shape (MEASURES, merchants)
        self.given_back: dict[int, GivenBack] = {}  # by cancel day
        self._totals: dict[int, list[int]] = {}  # approved, cancelled of everybody by day

    @property
    def size(self) -> int:
        """How many merchants are known."""
        return len(self.entities)

    def add_rows(self, day: int, positions: Integers, approved: Integers, cancelled: Integers) -> None:
        """Enter what was approved and cancelled on a day; positions may repeat, negative amounts go out."""
        held = self._day(day)
        np.add.at(held[APPROVED], positions, approved)
        np.add.at(held[CANCELLED], positions, cancelled)
        np.add.at(held[UNNAMED], positions, cancelled)
        totals = self._totals.setdefault(day, [0, 0])
        totals[0] += int(approved.sum())
        totals[1] += int(cancelled.sum())

    def add_cancels(
        self, day: int, positions: Integers, approval_days: Integers, amounts: Integers, counts: Integers
    ) -> None:
        """Enter cancels of `day` whose approvals are named, none of them later than `day`."""
        ages = day - approval_days
        self.given_back.setdefault(day, GivenBack()).add(positions, ages, amounts)
        held = self._day(day)
        np.subtract.at(held[UNNAMED], positions, amounts)
        np.add.at(held[NAMED_COUNT], positions, counts)
        for age in np.unique(ages).tolist():
            if age <= self.reach:  # an older approval's day counts no more
                rows = ages == age
                np.add.at(self._day(day - age)[GIVEN_BACK], positions[rows], amounts[rows])

    def add_payouts(
        self, days: Integers, positions: Integers, at: Integers, amounts: Integers, times: int
    ) -> None:
        """Enter payouts (`at` in microseconds since 1970), or take them out."""
        for day in np.unique(days).tolist():
            rows = days == day
            self.settled.enter(day, positions[rows], at[rows], amounts[rows], times)

    def forget(self, before: int) -> None:
        """Let go of days before this one."""
        self.days = {day: held for day, held in self.days.items() if day >= before}
        self.given_back = {day: held for day, held in self.given_back.items() if day >= before}
        self._totals = {day: totals for day, totals in self._totals.items() if day >= before}
        self.settled.forget(before)

    def _day(self, day: int) -> Integers:
        held = self.days.get(day)
        if held is None or held.shape[1] < self.size:
            width = 0 if held is None else held.shape[1]
            larger = np.zeros((MEASURES, max(self.size, width + width // 4)), np.int64)
            if held is not None:
                larger[:, :width] = held
            held = self.days[day] = larger
        return held

    def measures(self, day: int) -> Integers:
        """What is held of a day. Shape (MEASURES, size)."""
        return self._day(day)[:, : self.size]

    def paid(self, day: int) -> Paid | None:
        """Payouts of a day's sales, with room for every merchant; None: there was none."""
        paid = self.settled.days.get(day)
        if paid is not None:
            paid.grow(self.size)
        return paid

    def lake_from(self, first: int, today: int) -> int:
        """The first day of these with any row; the day after them where there is none."""
        there = (day for day, totals in self._totals.items() if any(totals) and first <= day <= today)
        return min(there, default=today + 1)

    def left_of(self, day: int, lake: int) -> Integers:
        """What was approved on `day` and is not cancelled, whoever was paid for it. Shape (size,)."""
        held = self.measures(day)
        paid = self.paid(day) if day < lake else None
        approved = held[APPROVED] if paid is None else np.maximum(paid.amount[: self.size], 0)
        left: Integers = approved - held[GIVEN_BACK]
        return left

    def sums(self, today: int, periods: Integers) -> Sums:
        """What follows on a day; `periods` is how many days each merchant's sales can be cancelled."""
        first, size = today - self.reach, self.size
        lake = self.lake_from(first, today)
        found = Sums(today, first, lake, np.zeros(size, bool), *(np.zeros(size, np.int64) for _ in range(5)))
        for day in range(first, today + 1):
            if day in self.days or day in self.settled.days:
                self._sum_up(found, day, periods)
        return found

    def _sum_up(self, found: Sums, day: int, periods: Integers) -> None:
        held, settled = self.measures(day), self.is_settled(day)
        inside = found.today - day <= periods
        found.known |= settled
        found.through[settled] = day
        found.remaining += np.where(settled & inside, self.left_of(day, found.lake), 0)
        found.unnamed += np.where(inside, held[UNNAMED], 0)
        found.pending += np.where(settled, 0, held[APPROVED] - held[CANCELLED])
        found.unrecovered += np.where(settled, 0, held[UNNAMED])
        if day in self.given_back:
            positions, ages, amounts = self.given_back[day].rows()
            counts = ~settled[positions]
            for age in np.unique(ages[counts]).tolist():
                rows = counts & (ages == age)
                at = positions[rows]
                of_paid = amounts[rows] * (self.is_settled(day - age)[at] if day - age >= found.first else 1)
                found.unrecovered[at] += of_paid  # a merchant has one row of an age

    def is_settled(self, day: int) -> Flags:
        """Who was paid out for a day's sales. Shape (size,)."""
        paid = self.paid(day)
        return np.zeros(self.size, bool) if paid is None else paid.at[: self.size] != NEVER
