"""The book of exposure: what each merchant was paid out and may still give back, in exact integers.

Per merchant and business day are held: A, approved; K, cancelled; Q, cancelled without naming an approval;
X, cancelled of that day's approvals so far; payouts; and, sparse, C(d, c), cancelled on day c of approvals
of day d. It only adds, so the order of entry does not matter.

The newest `reach` days count, as no price needs an older one: sales of an older day were paid out. Days
before the first one with any row are before the lake, and so is one of which the lake holds the end alone
(`begins`): of them the payout is all that is known of A, which is what it paid and the cancels it took off.
"""

from __future__ import annotations

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


class Exposure:
    """Amounts by merchant and business day (days since 1970)."""

    def __init__(self, reach: int) -> None:
        self.reach = reach  # what prices look back; rules may shorten it, and make it this long again
        self._longest = reach
        self.begins = 0  # the first day of which all rows are known; 0: nobody has said
        self.entities = EntityIndex()
        self.settled = Settled()
        self.days: dict[int, Integers] = {}  # shape (MEASURES, merchants or more)
        self.given_back: dict[int, GivenBack] = {}  # by cancel day
        self.changes: dict[int, int] = {}  # how often rows and cancels of a day were entered
        self.payouts_changed = 0  # how often payouts were entered
        self.payouts: dict[int, int] = {}  # and how often those of a business day
        self._totals: dict[int, list[int]] = {}  # approved, cancelled of everybody by day
        self._open: dict[int, tuple[object, Integers]] = {}
        self._kept: dict[int, tuple[tuple[int, int, bool], Integers]] = {}
        self._of_paid: dict[int, tuple[tuple[int, int], Integers]] = {}
        self._owed: tuple[tuple[int, int, int], Integers] | None = None

    @property
    def size(self) -> int:
        """How many merchants are known."""
        return len(self.entities)

    def add_rows(self, day: int, positions: Integers, approved: Integers, cancelled: Integers) -> None:
        """Enter what was approved and cancelled on a day; positions may repeat, negative amounts go out."""
        held = self._day(day)
        np.add.at(held[APPROVED], positions, approved)
        some = np.flatnonzero(cancelled)
        for measure in (CANCELLED, UNNAMED):
            np.add.at(held[measure], positions[some], cancelled[some])
        totals = self._totals.setdefault(day, [0, 0])
        totals[0] += int(approved.sum())
        totals[1] += int(cancelled.sum())
        self.changes[day] = self.changes.get(day, 0) + 1

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
            rows = ages == age
            if age <= self._longest:  # an older approval's day will never count
                np.add.at(self._day(day - age)[GIVEN_BACK], positions[rows], amounts[rows])
                self._take_back(day - age, positions[rows], amounts[rows])
            self._keep_of_paid(day, day - age, positions[rows], amounts[rows])
        self.changes[day] = self.changes.get(day, 0) + 1

    def add_payouts(
        self, days: Integers, positions: Integers, at: Integers, amounts: Integers, times: int
    ) -> None:
        """Enter payouts (`at` in microseconds since 1970), or take them out."""
        for day in np.unique(days).tolist():
            rows = days == day
            self.settled.enter(day, positions[rows], at[rows], amounts[rows], times)
            self.payouts[day] = self.payouts.get(day, 0) + 1
        self.payouts_changed += 1

    def forget(self, before: int) -> None:
        """Let go of days before this one."""
        kept = (self._totals, self._open, self._kept, self._of_paid)
        for held in (self.days, self.given_back, self.changes, self.payouts, *kept):
            for day in [day for day in held if day < before]:
                del held[day]
        self.settled.forget(before)
        self._owed = None

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

    def is_settled(self, day: int) -> Flags:
        """Who was paid out for a day's sales. Shape (size,)."""
        paid = self.paid(day)
        return np.zeros(self.size, bool) if paid is None else paid.at[: self.size] != NEVER

    def owed(self, today: int) -> Integers:
        """What payouts of the days that count on `today` still owe: to be withheld. Shape (size,).

        A payout leaves it with its business day, so that it is the same however long the book has been kept.
        """
        asked, known = (today, self.reach, self.payouts_changed), self._owed
        if known is None or known[0] != asked:
            known = asked, self.settled.owed(self.held_days(today), self.size)
        if len(known[1]) < self.size:  # whoever is new since owes nothing
            known = asked, np.concatenate([known[1], np.zeros(self.size - len(known[1]), np.int64)])
        self._owed = known
        return known[1]

    def held_days(self, today: int) -> list[int]:
        """Days that count on `today` and of which anything is held, in order."""
        there = {*self.days, *self.settled.days}
        return sorted(day for day in there if today - self.reach <= day <= today)

    def lake_from(self, today: int) -> int:
        """The first whole day that counts with any row; the day after `today` where there is none."""
        there = (day for day, totals in self._totals.items() if any(totals) and day >= self.begins)
        return min((day for day in there if today - self.reach <= day <= today), default=today + 1)

    def left_of(self, day: int, lake: int) -> Integers:
        """What was approved on `day` and is not cancelled, whoever was paid for it. Shape (size,)."""
        paid = self.paid(day) if day < lake else None
        if day in self.days:
            held = self.measures(day)
            approved = held[APPROVED]
            if paid is not None:
                whole = np.maximum(paid.amount[: self.size] + held[CANCELLED], 0)
                approved = np.where(paid.at[: self.size] == NEVER, approved, whole)
            left: Integers = approved - held[GIVEN_BACK]
            return left
        return np.zeros(self.size, np.int64) if paid is None else np.maximum(paid.amount[: self.size], 0)

    def kept(self, day: int, lake: int) -> Integers:
        """What of a day's sales was paid out and is not cancelled; may be negative. Shape (size,)."""
        stamp = (self.changes.get(day, 0), self.payouts.get(day, 0), day < lake)
        known = self._kept.get(day)
        if known is None or known[0] != stamp or len(known[1]) < self.size:
            known = self._kept[day] = stamp, self.left_of(day, lake) * self.is_settled(day)
        return known[1]

    def _take_back(self, day: int, positions: Integers, amounts: Integers) -> None:
        """What `kept` has found stays right without doing it anew."""
        known = self._kept.get(day)
        if known is not None and known[0][1] == self.payouts.get(day, 0) and len(known[1]) == self.size:
            np.subtract.at(known[1], positions, amounts * self.is_settled(day)[positions])
        elif known is not None:
            del self._kept[day]

    def open_at(self, day: int) -> Integers:
        """Positions of merchants that did anything on `day` and were not paid out for it."""
        if day not in self.days:
            return np.zeros(0, np.int64)
        stamp = (self.changes.get(day), self.payouts.get(day), self.size)
        known = self._open.get(day)
        if known is None or known[0] != stamp:
            held = self.measures(day)
            did = (held[APPROVED] != 0) | (held[CANCELLED] != 0) | (held[UNNAMED] != 0)
            known = self._open[day] = stamp, np.flatnonzero(did & ~self.is_settled(day))
        return known[1]

    def of_paid(self, day: int, first: int) -> Integers:
        """What was cancelled on `day` of paid-out sales, among them all before `first`. Shape (size,)."""
        stamp = (self._payouts_until(day), first)
        known = self._of_paid.get(day)
        if known is None or known[0] != stamp:
            summed, settled = np.zeros(self.size, np.int64), {}
            for positions, ages, amounts in self.given_back[day].parts() if day in self.given_back else ():
                for age in np.unique(ages).tolist():
                    if age not in settled:
                        settled[age] = self._was_settled(day - age, first)
                    rows = ages == age
                    at = positions[rows]
                    np.add.at(summed, at, amounts[rows] * settled[age][at])
            known = stamp, summed
        if len(known[1]) < self.size:
            known = known[0], np.concatenate([known[1], np.zeros(self.size - len(known[1]), np.int64)])
        self._of_paid[day] = known
        return known[1]

    def _payouts_until(self, day: int) -> int:
        """How often payouts of `day` and earlier ones were entered: what is cancelled then is of these."""
        return sum(count for sold, count in self.payouts.items() if sold <= day)

    def _was_settled(self, day: int, first: int) -> Flags:
        return np.ones(self.size, bool) if day < first else self.is_settled(day)

    def _keep_of_paid(self, day: int, approval_day: int, positions: Integers, amounts: Integers) -> None:
        """What `of_paid` has summed up stays right without doing it anew."""
        known = self._of_paid.get(day)
        if known is not None:
            payouts, first = known[0]
            if payouts != self._payouts_until(day):
                del self._of_paid[day]
                return
            summed = self.of_paid(day, first)
            np.add.at(summed, positions, amounts * self._was_settled(approval_day, first)[positions])

    @property
    def nbytes(self) -> int:
        """Memory of what is held (bytes), beside the ids."""
        paid = [array for day in self.settled.days.values() for array in (day.at, day.amount)]
        caches = (self._open, self._kept, self._of_paid)
        kept = [array for held in caches for _, array in held.values()]
        kept += [] if self._owed is None else [self._owed[1]]
        dense = sum(array.nbytes for array in (*self.days.values(), *paid, *kept))
        return dense + sum(held.nbytes for held in self.given_back.values())
