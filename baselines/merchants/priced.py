"""The money of every merchant at the end of a minute, from the book of exposure. Pure.

expected loss = (unrecovered + sum over paid-out days d of left(d) · R(age of d)) · p(state)

unrecovered is what was cancelled after the payout and not netted since: cancels of days that are not settled
yet, and what negative payouts still owe (settled.py).

R(a) = 1 - exp(-theta · L(a)) is the share of what is left that is still cancelled until the cancel period
ends, with theta and the summed hazards L of `curve.py`. p is the probability that the merchant cannot pay:
a tuned number by its state, or the share of labelled incidents. What was cancelled without naming an
approval is taken off the days in proportion.

Its 90 % interval joins the interval of theta with that of p, low with low: it holds the mean with at least
90 %. With another theta' the share of everything that stays is taken to the power of theta' / theta, which
is exact for one day's sales. Of a tuned p the odds may be `spread` times smaller or larger; of a measured
share it is the interval of Wilson (1927).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.chance import Z_90, wilson_interval
from baselines.merchants.cycle import coming_payouts
from baselines.merchants.exposure import APPROVED, CANCELLED, MEASURES, UNNAMED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.curve import Curve, Floats
    from baselines.merchants.exposure import Exposure
    from baselines.merchants.rules import Exposure as Tuned
    from baselines.merchants.slices import Integers

#: What a merchant may be in, in the order of its code.
STATES: Final = ("healthy", "surge", "silent", "both")
_WHOLE: Final = 10_000
#: A share that stays, of which a logarithm is taken.
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class CannotPay:
    """The probability that a merchant cannot pay and its 90 % interval, by state; shape (4,)."""

    p: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a price rests on beside the book; merchants' arrays have shape (merchants,)."""

    today: int
    elapsed: float  # of today, 0 … 1
    holidays: str
    periods: Integers  # days in which sales can be cancelled
    codes: Integers  # of categories, -1: not known
    states: Integers
    cycles: Integers
    curve: Curve | None
    cannot_pay: CannotPay
    weight: int


@dataclass(frozen=True, slots=True)
class Prices:
    """Minor units; shape (merchants,) each. Only those that are `known` mean anything."""

    paid_out_cancelable: Integers
    unrecovered: Integers
    pending_payout: Integers
    next_payout: Integers
    next_payout_date: Integers  # days since 1970; 0: nothing is to be paid, or it is not known when
    expected_loss: Integers | None  # None: no curve is known
    expected_loss_low: Integers | None
    expected_loss_high: Integers | None
    given_back: Integers | None  # the expected loss if the merchant cannot pay: without p


def cannot_pay(tuned: Tuned, measured: Mapping[str, tuple[int, int]]) -> CannotPay:
    """The tuned numbers; where enough incidents of a state are labelled, (cannot pay, all) of them."""
    rows = []
    numbers = (
        tuned.cannot_pay_healthy,
        tuned.cannot_pay_surge,
        tuned.cannot_pay_silent,
        tuned.cannot_pay_both,
    )
    for state, per_10_000 in zip(STATES, numbers, strict=True):
        p = per_10_000 / _WHOLE
        bad, labelled = measured.get(state, (0, 0))
        if labelled >= tuned.labels_needed:
            rows.append((bad / labelled, *wilson_interval(bad, labelled, Z_90)))
        else:
            rows.append(_odds(p, tuned.cannot_pay_spread))
    return CannotPay(*np.array(rows).T)


def _odds(p: float, spread: int) -> tuple[float, float, float]:
    return p, p / (p + (1 - p) * spread), p * spread / (p * spread + 1 - p)


def price(book: Exposure, at: Situation) -> Prices:
    """The money of all merchants."""
    first, unrecovered = at.today - book.reach, book.owed(at.today).copy()
    for day in book.held_days(at.today):
        rows = book.open_at(day)
        if len(rows):
            held = book.measures(day)
            unrecovered[rows] += held[UNNAMED][rows] + book.of_paid(day, first)[rows]
    coming = coming_payouts(book, at.today, at.cycles, at.holidays)
    likely = None if at.curve is None else _Likely.now(book, at, at.curve)
    paid_out = np.maximum(_remaining(book, at, likely), 0)
    losses = (None, None, None, None) if likely is None else likely.losses(at, paid_out, unrecovered)
    return Prices(paid_out, unrecovered, coming.pending, coming.next, coming.next_day, *losses)


def _remaining(book: Exposure, at: Situation, likely: _Likely | None) -> Integers:
    """Paid out within the cancel period and not cancelled; may be negative. `likely` gets each day's."""
    lake, everybody = book.lake_from(at.today), int(at.periods.min(initial=_WHOLE))
    remaining = np.zeros(book.size, np.int64)
    for age in range(int(at.periods.max(initial=-1)) + 1):
        day, inside = at.today - age, True if age <= everybody else at.periods >= age
        if day in book.days:
            remaining -= book.measures(day)[UNNAMED] * inside
        if day in book.settled.days:
            left = book.kept(day, lake) * inside if inside is not True else book.kept(day, lake)
            remaining += left
            if likely is not None:
                likely.add(age, left)
    return remaining


@dataclass(slots=True)
class _Likely:
    """What of the paid-out sales is still to be cancelled; shape (merchants,) each."""

    theta: Floats
    shape: Floats  # of its distribution
    hazards: Floats  # summed up from now to the end of the period, shape (kinds, ages)
    kind: Integers  # row of `hazards`
    left: Floats  # of all days so far
    stays: Floats  # what of it is not cancelled in the end

    @classmethod
    def now(cls, book: Exposure, at: Situation, curve: Curve) -> _Likely:
        """Before the first day is added."""
        nothing = np.zeros((MEASURES, book.size), np.int64)
        held = book.measures(at.today) if at.today in book.days else nothing
        cancelled, approved = held[CANCELLED], held[APPROVED]
        theta, shape = curve.factor(cancelled, approved, at.codes, at.elapsed, at.weight)
        periods, kind = np.unique(at.periods, return_inverse=True)
        tables = [curve.to_come(at.elapsed, int(period)) for period in periods]
        hazards = np.concatenate(tables) if tables else np.zeros((0, 0))
        rows = kind * len(curve.hazards) + at.codes % len(curve.hazards)
        return cls(theta, shape, hazards, rows, np.zeros(book.size), np.zeros(book.size))

    def add(self, age: int, amounts: Integers) -> None:
        """Take a day's sales in, of which so much is left."""
        left = np.maximum(amounts, 0)
        stays = -self.hazards[:, age].take(self.kind)
        stays *= self.theta
        np.exp(stays, out=stays)
        stays *= left
        self.left += left
        self.stays += stays

    def losses(
        self, at: Situation, paid_out: Integers, unrecovered: Integers
    ) -> tuple[Integers, Integers, Integers, Integers]:
        """The expected loss, the ends of its interval, and the first without p."""
        some = self.left > 0
        stays = np.divide(self.stays, self.left, where=some, out=np.ones(len(paid_out)))
        logs = np.log(np.maximum(stays, _LEAST))
        spread = 1 / (9 * self.shape)
        middle, half = 1 - spread, Z_90 * np.sqrt(spread)
        powers = 1.0, np.maximum(middle - half, 0) ** 3, (middle + half) ** 3
        found, wholes = [], []
        for power, p in zip(powers, (at.cannot_pay.p, at.cannot_pay.low, at.cannot_pay.high), strict=True):
            wholes.append(unrecovered + paid_out * -np.expm1(power * logs))
            found.append(np.rint(wholes[-1] * p[at.states]).astype(np.int64))
        return found[0], found[1], found[2], np.rint(wholes[0]).astype(np.int64)
