"""The numbers that the two rules of design section 3 compare, for every merchant they could concern. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.calendar import like_days
from baselines.recent import LOCAL_MINUTES, SAME_HOUR_DAYS, SPANS
from pipeline.minute import HOUR_MINUTES, WEEK_MINUTES, business_date, from_index

if TYPE_CHECKING:
    from datetime import date, datetime

    import polars as pl
    from numpy.typing import NDArray

    from baselines.rules import Rules
    from baselines.slices import Integers
    from baselines.windows import Windows


#: -ln of the probability that `_stands_out` asks for.
_SIEVE = 4.0
#: A merchant may have this many times its mean hour at its busiest.
_SPARSE = 4


@dataclass(frozen=True, slots=True)
class SurgeNumbers:
    """Merchants with at least one cancel in the hour; all arrays have shape (n,)."""

    positions: Integers
    approvals_hour: Integers
    cancels_hour: Integers
    approvals_week: Integers
    cancels_week: Integers
    approvals_like: Integers | None = None  # of the same hour on the 7 days before, summed


@dataclass(frozen=True, slots=True)
class SpanNumbers:
    """One sliding window and its own baseline, for merchants it might concern; arrays have shape (n,)."""

    minutes: int
    positions: Integers
    approvals: Integers
    cancels: Integers
    approvals_blocks: Integers  # shape (blocks, n): the baseline in pieces of six hours
    cancels_blocks: Integers
    approvals_local: Integers  # the three hours before a short window; zero for the others
    cancels_local: Integers
    approvals_week: Integers


@dataclass(frozen=True, slots=True)
class HourNumbers:
    """The hour's approvals beside the same hour on like days, of merchants that may have collapsed."""

    positions: Integers
    approvals_hour: Integers
    approvals_like: Integers  # shape (days, n)
    large: NDArray[np.bool_]  # over the daily amount of volume_drop; the others are judged for silence alone
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All merchants together: who shares the false-alarm budget, and the rate where there is no history."""

    merchants: int = 0  # with an approval in the week
    approvals_week: int = 0
    cancels_week: int = 0


@dataclass(frozen=True, slots=True)
class DropNumbers:
    """Merchants with any approved amount on the baseline days; all arrays have shape (n,); minor units."""

    positions: Integers
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers
    days: int
    judged: bool  # mode full_day judges at the business day's last minute only
    paced_like: Integers | None = None  # a(d, t) on days of today's class; shape (days, n)
    approvals_week: Integers | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the judgement of one minute may look at."""

    minute: datetime
    merchant_ids: pl.Series  # the id at position i
    top: NDArray[np.bool_]  # tier of each known merchant; shape (merchants,)
    surge: SurgeNumbers
    drop: DropNumbers
    # What the policy `budgeted` looks at besides.
    spans: tuple[SpanNumbers, ...] = ()
    hours: HourNumbers | None = None
    portfolio: Portfolio = Portfolio()


def compare(windows: Windows, rules: Rules) -> Comparison:
    """Read the windows after the minute they stand at; nothing is re-read, nothing divided."""
    if windows.last is None:
        msg = "no minute has entered the windows"
        raise ValueError(msg)
    minute = from_index(windows.last)
    like = like_days(
        business_date(minute, windows.pacing.zone),
        windows.pacing.used_days,
        rules.volume_drop.public_holidays,
    )
    return Comparison(
        minute=minute,
        merchant_ids=windows.merchants.ids,
        top=windows.is_top(np.arange(windows.size)),
        surge=_surge(windows),
        drop=_drop(windows, rules, like),
        spans=tuple(
            _span(windows, minutes, rules) for minutes in (*SPANS, HOUR_MINUTES) if minutes != LOCAL_MINUTES
        ),
        hours=_hours(windows, rules, like),
        portfolio=Portfolio(
            int(np.count_nonzero(windows.week.approvals)),
            int(windows.week.approvals.sum()),
            int(windows.week.cancels.sum()),
        ),
    )


def _surge(windows: Windows) -> SurgeNumbers:
    hour, week = windows.hour, windows.week
    positions = np.flatnonzero(hour.cancels)
    return SurgeNumbers(
        positions,
        hour.approvals[positions],
        hour.cancels[positions],
        week.approvals[positions],
        week.cancels[positions],
        windows.recent.same_hour[:, positions].sum(axis=0),
    )


def _drop(windows: Windows, rules: Rules, like: list[date]) -> DropNumbers:
    pacing = windows.pacing
    floor = pacing.days * rules.volume_drop.minimum_daily_amount
    # The first condition of the rule holds for the whole business day, so it picks the merchants to look at.
    positions = np.flatnonzero(pacing.whole >= max(floor, 1))
    judged = rules.volume_drop.mode == "paced" or pacing.is_day_end(windows.last or 0)
    return DropNumbers(
        positions,
        pacing.today[positions],
        pacing.paced[positions],
        pacing.whole[positions],
        pacing.days,
        judged,
        _rows([pacing.paced_days[day] for day in like], positions),
        windows.week.approvals[positions],
    )


def _span(windows: Windows, minutes: int, rules: Rules) -> SpanNumbers:
    """The merchants whose window could stand out, with the baseline before it."""
    last, week, recent = windows.last or 0, windows.week, windows.recent
    totals = windows.hour if minutes == HOUR_MINUTES else recent.spans[minutes]
    minimum = rules.cancel_surge.minimum_cancels_hour
    positions = np.flatnonzero(totals.cancels >= minimum)
    approvals, cancels = totals.approvals[positions], totals.cancels[positions]
    chosen = _stands_out(approvals, cancels, week.approvals[positions], week.cancels[positions])
    if minutes == HOUR_MINUTES:  # every breach of the raw condition is looked at, however weak
        factor = rules.cancel_surge.factor
        chosen |= cancels * week.approvals[positions] >= factor * week.cancels[positions] * approvals
    positions, approvals, cancels = positions[chosen], approvals[chosen], cancels[chosen]
    end = last + 1 - max(minutes, HOUR_MINUTES)
    blocks = recent.blocks_between(last + 1 - HOUR_MINUTES - WEEK_MINUTES, end, positions)
    local = np.zeros(len(positions), np.int64), np.zeros(len(positions), np.int64)
    if minutes < HOUR_MINUTES:
        before = recent.spans[LOCAL_MINUTES]
        local = before.approvals[positions] - approvals, before.cancels[positions] - cancels
    return SpanNumbers(minutes, positions, approvals, cancels, *blocks, *local, week.approvals[positions])


def _stands_out(
    approvals: Integers, cancels: Integers, approvals_week: Integers, cancels_week: Integers
) -> NDArray[np.bool_]:
    """A cheap sieve before the exact probability: Chernoff's bound against the week, one in 50 or rarer.

    It lets pass far more than any budget does, also where an incident has already raised the week.
    """
    expected = approvals * cancels_week / np.maximum(approvals_week, 1)
    excess = cancels * np.log(np.maximum(cancels, 1) / np.maximum(expected, 1e-9)) - cancels + expected
    return (cancels > expected) & (excess >= _SIEVE)


def _hours(windows: Windows, rules: Rules, like: list[date]) -> HourNumbers:
    """Merchants whose hour has less than half the approvals of the same hour on the days before."""
    hour, recent, pacing = windows.hour, windows.recent, windows.pacing
    today = business_date(from_index(windows.last or 0), pacing.zone)
    ages = [(today - day).days for day in like if (today - day).days <= SAME_HOUR_DAYS]
    # Two divisions of labour: a week's hourly mean picks the few that matter, the same hours decide.
    usual = rules.budget.minimum_expected_hour * WEEK_MINUTES // HOUR_MINUTES // _SPARSE
    positions = np.flatnonzero(windows.week.approvals >= usual)
    summed = recent.same_hour[:, positions].sum(axis=0)
    positions = positions[2 * SAME_HOUR_DAYS * hour.approvals[positions] <= summed]
    large = pacing.whole[positions] >= max(pacing.days * rules.volume_drop.minimum_daily_amount, 1)
    return HourNumbers(
        positions,
        hour.approvals[positions],
        _rows([recent.same_hour[age - 1] for age in ages], positions),
        large,
        pacing.today[positions],
        pacing.paced[positions],
        pacing.whole[positions],
    )


def _rows(arrays: list[Integers], positions: Integers) -> Integers:
    if not arrays:
        return np.zeros((0, len(positions)), np.int64)
    return np.stack([array[positions] for array in arrays])
