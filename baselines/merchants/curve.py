"""What cohorts of approvals usually give back: cancels by age, per merchant, and what that leaves to come.

A chain ladder in days. Of the approvals of a day, the hazard of an age is the share of what is left of them
then that is cancelled at that age: h(k) = sum of C(d, d + k) / sum of (A(d) - all C(d, c) with c < d + k),
over the days d of the lake whose age k is over. Actuarial life tables (Kaplan and Meier 1958, with amounts
for lives) and the chain ladder of claims (Mack 1993) are this estimate. A category's hazard starts from
that of all merchants, which counts as `weight` cancels: h(category) = (C + w) / (N + w / h(all)). Cancels
that name no approval are spread over the ages as those that do. An age that no day of the lake has reached
yet has the hazard of the oldest TAIL ages that some have: cancels become rarer with age, so that this is
rather too much than nothing.

A merchant has one factor on its category's hazards: theta = (O + w t) / (E + w t), where O is what it
cancelled, E what the hazards say of what was left of its sales, t its usual cancelled ticket; both over the
last WINDOW days, a day counting half as much as the one after it, and today so far whole: a surge shows at
once. That is the mean of a gamma distribution of shape w + O / t, whose 90 % interval is that of Wilson and
Hilferty (1931).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from baselines.merchants.exposure import APPROVED, CANCELLED, NAMED_COUNT, UNNAMED

if TYPE_CHECKING:
    from baselines.merchants.exposure import Exposure
    from baselines.merchants.slices import Integers

Floats = NDArray[np.float64]

#: Days before today that say where a merchant stands; the oldest counts 1/128.
WINDOW: Final = 7
#: The oldest ages seen, whose share stands for older ones.
TAIL: Final = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """All of it as it stands at the end of yesterday; merchants' arrays have shape (merchants,)."""

    hazards: Floats  # shape (codes + 1, ages), the last row for merchants of no known category
    cancelled: Floats  # O without today, weighted
    expected: Floats  # E without today, weighted
    expected_today: Floats  # E of a whole today of what was left of earlier sales
    named: Floats  # cancels of the window that name an approval: amount
    counts: Floats  # and number
    ticket: float  # the usual cancelled ticket of all

    def factor(
        self, cancelled: Integers, approved: Integers, codes: Integers, elapsed: float, weight: int
    ) -> tuple[Floats, Floats]:
        """Theta and the shape of its distribution, with `elapsed` of today over (0 … 1).

        `cancelled` and `approved` are today's, `codes` the merchants' categories.
        """
        # While a minute is out and not yet in again, sums may be negative.
        ticket = (np.maximum(self.named, 0) + weight * self.ticket) / (np.maximum(self.counts, 0) + weight)
        found = np.maximum(self.cancelled + cancelled, 0)
        soon = elapsed * self.expected_today + self.hazards[codes, 0] * np.maximum(approved, 0)
        expected = np.maximum(self.expected, 0) + soon
        theta: Floats = (found + weight * ticket) / (expected + weight * ticket)
        shape: Floats = weight + found / ticket
        return theta, shape

    def to_come(self, elapsed: float, period: int) -> Floats:
        """Summed up log hazards from now to the end of `period`, by code and age; 0 past it."""
        logs = -np.log1p(-np.minimum(self.hazards[:, : period + 1], 1 - 1e-9))
        left = np.cumsum(logs[:, ::-1], axis=1)[:, ::-1] - elapsed * logs
        found = np.zeros_like(self.hazards)
        found[:, : period + 1] = left
        return found


def curve_at(
    exposure: Exposure, today: int, codes: Integers, kinds: int, ages: int, weight: int
) -> Curve | None:
    """The curve on `today` for ages 0 … `ages` - 1; None where fewer than `weight` cancels tell of any.

    `codes` are the merchants' categories, -1 for none that is known, `kinds` how many there are.
    """
    lake = exposure.lake_from(today)
    cancels, at_risk = _life_table(exposure, today, lake, codes, kinds, ages)
    days = [day for day in exposure.held_days(today - 1) if lake <= day < today]
    sums = sum(
        (exposure.measures(day).sum(axis=1) for day in days if day in exposure.days), np.zeros(5, np.int64)
    )
    named, count = int(sums[CANCELLED] - sums[UNNAMED]), int(sums[NAMED_COUNT])
    if count < weight or named <= 0:
        return None
    ticket, everything = named / count, max(float(sums[CANCELLED]) / named, 1.0)
    hazards = everything * _hazards(cancels, at_risk, weight * ticket)
    return _merchants(exposure, today, lake, codes, np.minimum(hazards, 1.0), ticket)


def _life_table(
    exposure: Exposure, today: int, lake: int, codes: Integers, kinds: int, ages: int
) -> tuple[Floats, Floats]:
    """Cancelled at an age, and left until then, by code; shape (kinds + 1, ages) each.

    Whole numbers below 2^53, so that the order of addition does not matter.
    """
    cancelled, at_risk = np.zeros((kinds + 1, ages)), np.zeros((kinds + 1, ages))
    rows = codes % (kinds + 1)  # -1 is the last
    by_day = {day: np.zeros((kinds + 1, ages)) for day in range(lake, today)}
    for day in range(lake, today):
        if day in exposure.given_back:
            positions, held, amounts = exposure.given_back[day].rows()
            inside = held < min(ages, day - lake + 1)
            place = rows[positions[inside]] * ages + held[inside]
            summed = np.bincount(place, amounts[inside], (kinds + 1) * ages).reshape(kinds + 1, ages)
            for age in range(min(ages, day - lake + 1)):
                by_day[day - age][:, age] += summed[:, age]
    for day, table in by_day.items():
        if day in exposure.days:
            over = min(ages, today - day)
            approved = np.bincount(rows, exposure.measures(day)[APPROVED], kinds + 1)
            left = approved[:, None] - np.cumsum(table, axis=1) + table
            cancelled[:, :over] += table[:, :over]
            at_risk[:, :over] += left[:, :over]
    return cancelled, at_risk


def _hazards(cancels: Floats, at_risk: Floats, weight: float) -> Floats:
    """Of each category, starting from that of all; the last row is that of all."""
    given, left = cancels.sum(axis=0), at_risk.sum(axis=0)
    every = np.divide(given, left, where=left > 0, out=np.zeros(cancels.shape[1]))
    seen = int(np.flatnonzero(left > 0).max(initial=-1)) + 1
    if 0 < seen < len(every):
        oldest = slice(max(seen - TAIL, 0), seen)
        every[seen:] = given[oldest].sum() / left[oldest].sum()
    start = np.divide(weight, every, where=every > 0, out=np.full_like(every, np.inf))
    hazards = np.where(every > 0, (cancels + weight) / (np.maximum(at_risk, 0) + start), 0.0)
    hazards[-1] = every
    return hazards


def _merchants(
    exposure: Exposure, today: int, lake: int, codes: Integers, hazards: Floats, ticket: float
) -> Curve:
    size, ages = exposure.size, hazards.shape[1]
    cancelled, named, counts = np.zeros(size), np.zeros(size), np.zeros(size)
    window = range(max(today - WINDOW, lake), today)
    for day in window:
        if day in exposure.days:
            held, share = exposure.measures(day), _share(today, day)
            cancelled += share * held[CANCELLED]
            named += held[CANCELLED] - held[UNNAMED]
            counts += held[NAMED_COUNT]
    expected, expected_today = np.zeros(size), np.zeros(size)
    back = _given_back_today(exposure, today)
    for sold in exposure.held_days(today):
        if today - sold < ages + WINDOW and sold < today:
            left = np.maximum(exposure.left_of(sold, lake) + back.get(sold, 0), 0)
            gives = _gives(hazards, sold, window, today, today)
            expected += gives[codes] * left
            if today - sold < ages:
                expected_today += hazards[codes, today - sold] * left
    for day in window:
        if day in exposure.given_back:
            positions, held, amounts = exposure.given_back[day].rows()
            table = np.stack(
                [_gives(hazards, day - age, window, day + 1, today) for age in range(ages)], axis=1
            )
            inside = held < ages
            weights = table[codes[positions[inside]], held[inside]] * amounts[inside]
            expected += np.bincount(positions[inside], weights, size)
    return Curve(hazards, cancelled, expected, expected_today, named, counts, ticket)


def _given_back_today(exposure: Exposure, today: int) -> dict[int, Integers]:
    """What was cancelled today of each earlier day: it was left when today began."""
    if today not in exposure.given_back:
        return {}
    positions, ages, amounts = exposure.given_back[today].rows()
    found = {}
    for age in np.unique(ages).tolist():
        rows = ages == age
        found[today - age] = np.zeros(exposure.size, np.int64)
        np.add.at(found[today - age], positions[rows], amounts[rows])
    return found


def _gives(hazards: Floats, sold: int, window: range, end: int, today: int) -> Floats:
    """What is expected of one unit sold on `sold`, over the window's days before `end`; by code."""
    inside = [day for day in window if sold <= day < end and day - sold < hazards.shape[1]]
    return sum((_share(today, day) * hazards[:, day - sold] for day in inside), np.zeros(len(hazards)))


def _share(today: int, day: int) -> float:
    return 0.5 ** (today - day)
