"""Which business days of sales were paid out to which merchant, when, and how much.

Of two rows for one merchant and day the first by its time counts; the later one has no effect and is named.
A row may be taken out before it was entered: what is held is the same whatever the order.

A negative payout pays nothing: it is withheld from those that come after it, in the order of their times. So
a positive one pays what it says less what is still owed then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from baselines.merchants.slices import Integers

#: The time of a day that was not paid out.
NEVER: Final = np.iinfo(np.int64).max


def netted(amounts: Integers, owed: Integers) -> tuple[Integers, Integers]:
    """What is really paid of these amounts, and what is owed after them. Shape (merchants,) each."""
    return np.maximum(amounts - owed, 0), np.maximum(owed - amounts, 0)


def netted_in_order(amounts: Integers) -> tuple[Integers, Integers]:
    """Payouts in the order of their times along the first axis: what each really pays, what is owed then."""
    paid, owed = np.zeros_like(amounts), np.zeros(amounts.shape[1:], np.int64)
    for n, amount in enumerate(amounts):
        paid[n], owed = netted(amount, owed)
    return paid, owed


@dataclass(slots=True)
class Paid:
    """Payouts of one business day's sales by merchant; shape (merchants,) each."""

    at: Integers  # microseconds since 1970; NEVER: not paid out
    amount: Integers  # minor units; 0 where it was not paid out

    def grow(self, size: int) -> None:
        """Make room for `size` merchants; new ones were not paid out."""
        held = len(self.at)
        if size > held:
            room = max(size, held + held // 4, 1024) - held
            self.at = np.concatenate([self.at, np.full(room, NEVER)])
            self.amount = np.concatenate([self.amount, np.zeros(room, np.int64)])


class Settled:
    """Payouts by business day (days since 1970) and merchant."""

    def __init__(self) -> None:
        self.days: dict[int, Paid] = {}
        # All rows of a merchant and day where they are not just one: (at, amount) and how often.
        self._several: dict[int, dict[int, Counter[tuple[int, int]]]] = {}

    def enter(self, day: int, positions: Integers, at: Integers, amounts: Integers, times: int) -> None:
        """Enter payouts of one business day, or take them out (`times` -1)."""
        paid = self.days.setdefault(day, Paid(np.zeros(0, np.int64), np.zeros(0, np.int64)))
        paid.grow(int(positions.max()) + 1)
        several = self._several.setdefault(day, {})
        plain = self._plain(paid, positions, at, amounts, times)
        if several:
            plain &= ~np.isin(positions, np.fromiter(several, np.int64, len(several)))
        paid.at[positions[plain]] = at[plain] if times > 0 else NEVER
        paid.amount[positions[plain]] = amounts[plain] if times > 0 else 0
        for row in np.flatnonzero(~plain).tolist():
            self._enter_odd(paid, several, int(positions[row]), (int(at[row]), int(amounts[row])), times)

    @staticmethod
    def _plain(
        paid: Paid, positions: Integers, at: Integers, amounts: Integers, times: int
    ) -> NDArray[np.bool_]:
        """Rows that come where there is none, or go where they are the only one."""
        unique, counts = np.unique(positions, return_counts=True)
        once = counts[np.searchsorted(unique, positions)] == 1
        if times > 0:
            fits = paid.at[positions] == NEVER
        else:
            fits = (paid.at[positions] == at) & (paid.amount[positions] == amounts)
        plain: NDArray[np.bool_] = once & fits
        return plain

    @staticmethod
    def _enter_odd(
        paid: Paid,
        several: dict[int, Counter[tuple[int, int]]],
        position: int,
        row: tuple[int, int],
        times: int,
    ) -> None:
        rows = several.get(position)
        if rows is None:
            rows = Counter()
            if paid.at[position] != NEVER:
                rows[int(paid.at[position]), int(paid.amount[position])] = 1
        rows[row] += times
        rows = Counter({held: count for held, count in rows.items() if count})
        there = sorted(held for held, count in rows.items() if count > 0)
        paid.at[position], paid.amount[position] = there[0] if there else (NEVER, 0)
        if not rows or list(rows.values()) == [1]:
            several.pop(position, None)
        else:
            several[position] = rows

    def owed(self, days: Iterable[int], size: int) -> Integers:
        """What negative payouts of these days, in order, still owe. Shape (size,).

        Payouts are put in the order of their times for those alone that have a negative one: they are few.
        """
        held, negative = [self.days[day] for day in days if day in self.days], np.zeros(size, bool)
        for paid in held:
            paid.grow(size)
            negative |= paid.amount[:size] < 0
        found, who = np.zeros(size, np.int64), np.flatnonzero(negative)
        if len(who):
            order = np.argsort(np.stack([paid.at[who] for paid in held]), axis=0, kind="stable")
            amounts = np.stack([paid.amount[who] for paid in held])
            found[who] = netted_in_order(np.take_along_axis(amounts, order, axis=0))[1]
        return found

    @property
    def twice(self) -> Iterator[tuple[int, int]]:
        """Business day and merchant's position where more than one payout is held."""
        for day, several in self._several.items():
            for position, rows in several.items():
                if sum(count for count in rows.values() if count > 0) > 1:
                    yield day, position

    def payouts(self, day: int, position: int) -> list[tuple[int, int]]:
        """(at, amount) of each where there is more than one, the one that counts first."""
        return sorted((+self._several[day][position]).elements())

    def forget(self, before: int) -> None:
        """Let go of business days before this one."""
        self.days = {day: paid for day, paid in self.days.items() if day >= before}
        self._several = {day: several for day, several in self._several.items() if day >= before}
