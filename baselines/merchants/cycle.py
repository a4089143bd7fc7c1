"""When sales are paid out: the cycle that payouts of the past show, and the paydays that follow from it.

A cycle is a number of working days between the business day of the sales and the day of the payout; sales of
a day of rest count from the last working day before it.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.calendar import is_rest_day

if TYPE_CHECKING:
    from baselines.merchants.slices import Integers

EPOCH_DAY: Final = date(1970, 1, 1)
#: Longer cycles are none: they are taken for this many working days.
LONGEST_CYCLE: Final = 30
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
