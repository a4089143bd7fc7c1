"""When sales are paid out: the cycle that payouts of the past show, and the paydays that follow from it.

A cycle is a number of working days between the business day of the sales and the day of the payout; sales of
a day of rest count from the last working day before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.calendar import is_rest_day
from baselines.merchants.exposure import APPROVED, CANCELLED
from baselines.merchants.settled import netted

if TYPE_CHECKING:
    from collections.abc import Collection

    from baselines.merchants.exposure import Exposure
    from baselines.merchants.slices import Integers

EPOCH_DAY: Final = date(1970, 1, 1)
#: Longer cycles are none: they are taken for this many working days.
LONGEST_CYCLE: Final = 30
#: So many of a merchant's newest payouts say its cycle: one that was late does not change it.
NEWEST: Final = 5
#: The cycle of a merchant whose payouts say nothing.
UNKNOWN: Final = -1


def to_day(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH_DAY).days


def from_day(day: int) -> date:
    """The inverse of `to_day`."""
    return EPOCH_DAY + timedelta(days=day)


@lru_cache(maxsize=32)
def worked_before(first: int, last: int, holidays: str) -> Integers:
    """Of each day from `first` to `last`: how many working days lie in (first - 1, day]. Shape (days,)."""
    works = [not is_rest_day(from_day(day), holidays) for day in range(first, last + 1)]
    return np.cumsum(np.array(works, np.int64))


def next_working_day(day: int, holidays: str) -> int:
    """`day` itself where it is a working day, else the next one."""
    while is_rest_day(from_day(day), holidays):
        day += 1
    return day


@lru_cache(maxsize=256)
def paydays(day: int, holidays: str) -> Integers:
    """When sales of `day` are paid out, by cycle 0 … LONGEST_CYCLE. Shape (LONGEST_CYCLE + 1,)."""
    payday = day
    while is_rest_day(from_day(payday), holidays):
        payday -= 1
    found = []
    for _ in range(LONGEST_CYCLE + 1):
        found.append(payday)
        payday = next_working_day(payday + 1, holidays)
    return np.array(found, np.int64)


def working_days(sold: Integers | int, paid: Integers, first: int, last: int, holidays: str) -> Integers:
    """Working days from the days of sales to the days of their payouts, all within `first` to `last`.

    A payout on a day of rest counts as one of the working day before it.
    """
    worked = worked_before(first - 1, last, holidays)  # at place n: up to the day first - 1 + n
    found: Integers = np.clip(worked[paid - first + 1] - worked[sold - first + 1], 0, LONGEST_CYCLE)
    return found


def _usual(cycles: Integers, seen: Integers) -> Integers:
    """The lower median of the cycles of `seen` payouts, behind them what is no cycle; UNKNOWN for none.

    `cycles` has shape (NEWEST, merchants) and is sorted in place.
    """
    cycles.sort(axis=0)
    found: Integers = cycles[np.maximum(seen - 1, 0) // 2, np.arange(len(seen))]
    return np.where(seen > 0, found, UNKNOWN)


def cycle_of(payouts: Collection[tuple[int, int]], holidays: str) -> int:
    """What `learned_cycles` says, of one merchant's payouts: (day of the sales, day of the payout) each."""
    newest = np.array(sorted(payouts)[-NEWEST:], np.int64).reshape(-1, 2)
    if not len(newest):
        return UNKNOWN
    took = working_days(newest[:, 0], newest[:, 1], int(newest.min()), int(newest.max()), holidays)
    return int(_usual(took[:, np.newaxis], np.array([len(took)]))[0])


def learned_cycles(exposure: Exposure, today: int, borders: Integers, holidays: str) -> Integers:
    """The cycle of each merchant: the lower median of its NEWEST payouts by business day. Shape (size,).

    `borders` are the starts (microseconds since 1970) of the days from `today` - reach to the day after
    `today`.
    """
    size, first = exposure.size, today - exposure.reach
    cycles = np.full((NEWEST, size), LONGEST_CYCLE + 1, np.int64)
    seen = np.zeros(size, np.int64)
    for day in reversed(exposure.held_days(today)):
        at = np.flatnonzero(exposure.is_settled(day) & (seen < NEWEST))
        paid = exposure.paid(day)
        if paid is not None and len(at):
            place = np.clip(np.searchsorted(borders, paid.at[at], side="right") - 1, 0, exposure.reach)
            cycles[seen[at], at] = working_days(day, first + place, first, today, holidays)
            seen[at] += 1
    return _usual(cycles, seen)


@dataclass(frozen=True, slots=True)
class Payouts:
    """What coming paydays pay; shape (merchants,) each, minor units, at least 0."""

    pending: Integers  # all of them together
    next: Integers  # the first that pays anything
    next_day: Integers  # its day since 1970; 0: not known, or nothing is to be paid


def coming_payouts(exposure: Exposure, today: int, cycles: Integers, holidays: str) -> Payouts:
    """Payday by payday what is paid; one that comes out negative is withheld from those after it.

    What negative payouts of the past still owe is withheld from the first of them. What was due before
    `today` is due on the next working day. Where the cycle of a merchant is not known, all that is open
    counts as one payday.
    """
    soonest, size = next_working_day(today, holidays), exposure.size
    days = np.zeros(size, np.int64)  # the payday that is being summed up
    on_day, pending, first, first_day = (np.zeros(size, np.int64) for _ in range(4))
    owed = exposure.owed(today).copy()

    def pay(at: Integers) -> None:
        paid, owed[at] = netted(on_day[at], owed[at])
        is_first = (pending[at] == 0) & (paid > 0)
        first[at] += paid * is_first
        first_day[at] += days[at] * is_first
        pending[at] += paid
        on_day[at] = 0

    for sold in exposure.held_days(today):  # days of sales come in order, and so do their paydays
        at = exposure.open_at(sold)
        if len(at):
            # A merchant whose cycle is not known has no payday; the last place of the table is for it.
            due = np.append(np.maximum(paydays(sold, holidays), soonest), 0)[cycles[at]]
            pay(at[days[at] != due])
            days[at] = due
            held = exposure.measures(sold)
            on_day[at] += held[APPROVED][at] - held[CANCELLED][at]
    pay(np.arange(size))
    known = first_day > 0
    return Payouts(pending, first * known, first_day)
