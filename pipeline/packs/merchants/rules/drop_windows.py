"""The policy `budgeted` on volume: is today low for a day of its class, and has an hour collapsed? Pure.

A volume drop passes when it is also low for a day of its class, and lower than days wander.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.chance import at_most, evidence
from baselines.merchants.recent import SAME_HOUR_DAYS
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, WEEK_MINUTES, business_date, from_index
from pipeline.packs.merchants.rules.rule import always_with, rows_of
from pipeline.packs.merchants.rules.strongest import Strongest

if TYPE_CHECKING:
    from baselines.chance import Floats
    from baselines.merchants.rules import Budget, Rules
    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Flags
    from pipeline.packs.merchants.rules.rule import Situation
    from pipeline.packs.merchants.rules.volume_drop import DropNumbers

#: A merchant may have this many times its mean hour at its busiest.
_SPARSE: Final = 4
#: A payment's amount varies by about 1.5 times its mean, so a sum of n tells as much as a count of n/3.
_TICKET_NOISE: Final = 3
#: The variance of a median of n is up to this many times that of one, divided by n: π/2.
_MEDIAN: Final = 1.5708
#: Today's level beside like days is taken into account within these borders.
_LEVELS: Final = (0.5, 2.0)
#: From this many like days on the lowest one does not count: it may itself have been an outage.
_ENOUGH_DAYS: Final = 4


@dataclass(frozen=True, slots=True)
class HourNumbers:
    """The hour's approvals beside the same hour on like days, of merchants that may have collapsed."""

    positions: Integers
    approvals_hour: Integers
    approvals_like: Integers  # shape (days, n)
    paced_like: Integers  # a(d, t) on the same days; shape (days, n)
    large: Flags  # over the daily amount of volume_drop; the others are judged for silence alone
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers
    approvals_week: Integers
    days: int


def hours_of(situation: Situation) -> HourNumbers:
    """Merchants whose hour could be low: beside the same hour's mean of the days before, and like days."""
    windows, rules, today, like = situation.windows, situation.tuned, situation.today, situation.like
    hour, recent, pacing = windows.hour, windows.recent, windows.pacing
    if business_date(from_index(situation.last - HOUR_MINUTES + 1), pacing.zone) != today:
        like = []  # the hour began yesterday, whose like days are others
    ages = [(today - day).days for day in like if (today - day).days <= SAME_HOUR_DAYS]
    # Two divisions of labour: a week's hourly mean picks the few that matter, the same hours decide.
    usual = rules.budget.minimum_expected_hour * WEEK_MINUTES // HOUR_MINUTES // _SPARSE
    positions = situation.concerned(np.flatnonzero(windows.week.approvals >= usual))
    summed = recent.same_hour.take(positions, axis=1).sum(axis=0)
    positions = positions[SAME_HOUR_DAYS * hour.approvals[positions] <= summed]
    if ages:  # the lowest like day, which decides, is no higher than the highest
        highest = recent.same_hour.take(positions, axis=1)[[age - 1 for age in ages]].max(axis=0)
        low = 100 * hour.approvals[positions] <= rules.volume_drop.lowest_day_percent * highest
        positions = positions[low]
    positions = always_with(positions, situation.always)
    large = pacing.whole[positions] >= max(pacing.days * rules.volume_drop.minimum_daily_amount, 1)
    return HourNumbers(
        positions,
        hour.approvals[positions],
        rows_of([recent.same_hour[age - 1] for age in ages], positions),
        rows_of([pacing.paced_days[today - timedelta(days=age)] for age in ages], positions),
        large,
        pacing.today[positions],
        pacing.paced_at(positions),
        pacing.whole[positions],
        windows.week.approvals[positions],
        pacing.days,
    )


def usual_for_the_day(numbers: DropNumbers, rules: Rules) -> Flags:
    """Is today no lower than days of its class may be? Shape (n,)."""
    like = numbers.paced_like
    if like is None or not len(like):
        return np.zeros(len(numbers.positions), np.bool_)
    return 100 * numbers.amount_today > rules.volume_drop.lowest_day_percent * _lowest(like)


def find_drops(numbers: DropNumbers, rules: Rules) -> Strongest:
    """How improbable today so far is among days of its class."""
    size = len(numbers.positions)
    if not size:  # mostly
        return Strongest.nothing()
    like, days = numbers.paced_like, max(numbers.days, 1)
    like_days = 0 if like is None else len(like)
    usual = numbers.amount_paced / days if like is None or not like_days else _middle(like).astype(float)
    week = np.zeros(size, np.int64) if numbers.approvals_week is None else numbers.approvals_week
    ticket = np.maximum(numbers.amount_days / days / np.maximum(week / 7, 1), 1)
    expected, count = usual / ticket, numbers.amount_today / ticket
    wander = _wander(np.full(size, float(rules.budget.drop_drift_percent)), like_days or days)
    found = _low_evidence(count / _TICKET_NOISE, expected / _TICKET_NOISE, wander)
    needed = _drop_needed(size, rules.budget)
    nothing = np.zeros(size, np.int64)
    window = np.full(size, DAY_MINUTES, np.int64)
    approvals, due = np.floor(count).astype(np.int64), np.floor(expected).astype(np.int64)
    counts = window, approvals, nothing, due
    return Strongest(numbers.positions, found >= needed, *counts, found, needed, *_no_prior(size))


def may_have_collapsed(hours: HourNumbers, rules: Rules) -> Flags:
    """Whose hour is low beside the lowest like day, and large enough to be looked at? Shape (n,).

    Integers alone decide it, so the probability is computed for few.
    """
    if not len(hours.approvals_like):
        return np.zeros(len(hours.positions), np.bool_)
    lowest = _lowest(hours.approvals_like)
    low: Flags = 100 * hours.approvals_hour <= rules.volume_drop.lowest_day_percent * lowest
    low &= lowest >= rules.budget.minimum_expected_hour
    low &= hours.large | (hours.approvals_hour == 0)
    return low


def find_collapses(hours: HourNumbers, rules: Rules) -> Strongest:
    """Merchants whose last hour has far too few approvals for the same hour on like days, or none at all."""
    size, days = len(hours.positions), len(hours.approvals_like)
    nothing, window = np.zeros(size, np.int64), np.full(size, HOUR_MINUTES, np.int64)
    needed = _drop_needed(size, rules.budget)
    if not size:
        return Strongest.nothing()
    if not days:
        blank = np.zeros(size, np.bool_)
        counts = window, hours.approvals_hour, nothing, nothing
        return Strongest(hours.positions, blank, *counts, nothing, needed, *_no_prior(size))
    level, known = _level(hours)
    expected = _middle(hours.approvals_like) * level
    # As far as today's level is not known yet, the hour wanders as much as whole days do.
    percent = np.hypot(rules.budget.hour_drift_percent, rules.budget.drop_drift_percent * (1 - known))
    wander = _wander(percent, days)
    found = _low_evidence(hours.approvals_hour.astype(float), expected, wander)
    collapsed = 100 * hours.approvals_hour <= rules.volume_drop.collapse_percent * expected
    passed = may_have_collapsed(hours, rules) & collapsed & (found >= needed)
    usual = np.floor(expected).astype(np.int64)
    counts = window, hours.approvals_hour, nothing, usual
    return Strongest(hours.positions, passed, *counts, found, needed, *_no_prior(size))


def _level(hours: HourNumbers) -> tuple[Floats, Floats]:
    """How strong today has been before the hour, beside like days, and how well that is known (0 to 1).

    A quiet day is no collapse. One usual hour at the usual level is added to both sides, because the first
    hours of a day say little.
    """
    ticket = hours.amount_days / max(hours.days, 1) * 7 / np.maximum(hours.approvals_week, 1)
    hour = np.maximum(_middle(hours.approvals_like) * ticket, 1)
    today = np.maximum(hours.amount_today - hours.approvals_hour * ticket, 0)
    usual = np.maximum(_middle(hours.paced_like) - hour, 0)
    level = np.asarray(np.clip((today + hour) / (usual + hour), *_LEVELS))
    return level, np.asarray(usual / (usual + hour))


def _no_prior(size: int) -> tuple[Integers, Integers, Integers]:
    """What a drop says of the prior of a cancel rate."""
    none = np.full(size, -1, np.int64)
    return none, none, none


def _middle(like: Integers) -> Integers:
    """The median of the like days (the lower one of two): one odd day among them does not move it."""
    ordered: Integers = np.sort(like, axis=0)
    middle: Integers = ordered[(len(ordered) - 1) // 2]
    return middle


def _lowest(like: Integers) -> Integers:
    """The lowest of the like days, or the lowest but one of many; shape (n,)."""
    ordered: Integers = np.sort(like, axis=0)
    lowest: Integers = ordered[1 if len(ordered) >= _ENOUGH_DAYS else 0]
    return lowest


def _wander(percent: Floats, days: int) -> Floats:
    """One standard deviation of a day beside the median of `days` like ones, which wander as well."""
    return np.asarray(percent / 100 * np.sqrt(1 + _MEDIAN / max(days, 1)))


def _low_evidence(count: Floats, mean: Floats, wander: Floats) -> Integers:
    shape = wander**-2
    return evidence(at_most(count, np.maximum(mean, 1e-9), shape))


def _drop_needed(size: int, budget: Budget) -> Integers:
    looks = 2 * budget.looks * DAY_MINUTES / HOUR_MINUTES
    per_look = budget.false_drops_per_1000_days / 1000 / looks
    return np.full(size, evidence(np.log(np.array([per_look])))[0], np.int64)
