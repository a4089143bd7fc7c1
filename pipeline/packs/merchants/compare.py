"""The numbers that the two rules of design section 3 compare, for every merchant they could concern. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from baselines.calendar import like_days
from baselines.facts import UNKNOWN
from baselines.merchants.recent import BLOCK_MINUTES, LOCAL_MINUTES, SAME_HOUR_DAYS
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, WEEK_MINUTES, business_date, from_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import polars as pl
    from numpy.typing import NDArray

    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers, Totals
    from baselines.merchants.windows import Windows


#: Windows for cancel surges, longest first: minutes, and whether the baseline is the three hours of which
#: the window is the end (how the merchant stands today) or its week. The hour is looked at in both ways: a
#: surge that has lasted for hours is in the first baseline, not in the second.
_WINDOWS = (
    (1440, False),
    (360, False),
    (HOUR_MINUTES, False),
    (HOUR_MINUTES, True),
    (30, True),
    (15, True),
    (5, True),
)
#: -ln of the probability that `_stands_out` asks for.
_SIEVE = 4.0
#: A merchant may have this many times its mean hour at its busiest.
_SPARSE = 4
#: Minutes in which all merchants together are looked at; the longer ones for a source with little traffic.
PLATFORM_SPANS = (5, 15, 60)


def _nothing() -> Integers:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class SurgeNumbers:
    """Merchants with at least one cancel in the hour; all arrays have shape (n,)."""

    positions: Integers
    approvals_hour: Integers
    cancels_hour: Integers
    approvals_week: Integers
    cancels_week: Integers


@dataclass(frozen=True, slots=True)
class WindowNumbers:
    """One sliding window and its own baseline, for merchants it might concern; arrays have shape (n,)."""

    minutes: int
    local: bool  # judged against the hours before it, not against the week alone
    positions: Integers
    approvals: Integers
    cancels: Integers
    approvals_blocks: Integers  # shape (blocks, n): the baseline in pieces of six hours
    cancels_blocks: Integers
    approvals_local: Integers  # what is before the window in its three hours; zero where not `local`
    cancels_local: Integers
    approvals_week: Integers
    category: Integers  # code of the merchant's category, UNKNOWN where nobody knows it


@dataclass(frozen=True, slots=True)
class HourNumbers:
    """The hour's approvals beside the same hour on like days, of merchants that may have collapsed."""

    positions: Integers
    approvals_hour: Integers
    approvals_like: Integers  # shape (days, n)
    paced_like: Integers  # a(d, t) on the same days; shape (days, n)
    large: NDArray[np.bool_]  # over the daily amount of volume_drop; the others are judged for silence alone
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers
    approvals_week: Integers
    days: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All merchants together: who shares the false-alarm budget, and the rates where there is no history.

    A merchant is in the sums of its own category. Where it has little history it hardly moves them, and where
    it has much its own rate counts and not theirs.
    """

    merchants: int = 0  # with an approval in the week
    approvals_week: int = 0
    cancels_week: int = 0
    categories: tuple[str, ...] = ()  # by code
    approvals_by_category: Integers = field(default_factory=_nothing)  # shape (categories,); of the week
    cancels_by_category: Integers = field(default_factory=_nothing)


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
class SameMinutes:
    """All merchants together in some minutes, and in the same minutes of like days."""

    minutes: int
    approvals: int
    cancels: int
    approvals_like: tuple[int, ...]  # one per like day
    cancels_like: tuple[int, ...]

    @classmethod
    def nothing(cls) -> SameMinutes:
        """Where the minutes are not held."""
        return cls(0, 0, 0, (), ())


@dataclass(frozen=True, slots=True)
class PlatformNumbers:
    """What tells a failure of the whole platform from one of some merchants; arrays of shape (merchants,)."""

    spans: tuple[SameMinutes, ...]  # shortest first; the first is the one that `approvals` and `cancels` span
    before: SameMinutes  # the three hours before the shortest
    approvals: Integers
    cancels: Integers
    approvals_week: Integers
    cancels_week: Integers


@dataclass(frozen=True, slots=True)
class CohortNumbers:
    """Cancels tied to their approval's cohort, and the newest cohort; shape (merchants,) or more each."""

    fresh_hour: Integers  # approved within the 24 hours before the cancel
    older_hour: Integers
    fresh_week: Integers
    older_week: Integers
    approvals_day: Integers  # of the newest 24 hours


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the judgement of one minute may look at."""

    minute: datetime
    merchant_ids: pl.Series  # the id at position i
    top: NDArray[np.bool_]  # tier of each known merchant; shape (merchants,)
    surge: SurgeNumbers
    drop: DropNumbers
    # What the policy `budgeted` looks at besides.
    spans: tuple[WindowNumbers, ...] = ()
    hours: HourNumbers | None = None
    portfolio: Portfolio = Portfolio()
    same_hour: Integers | None = None  # approvals in the same hour 1 to 7 days ago; shape (7, merchants)
    cohorts: CohortNumbers | None = None
    platform: PlatformNumbers | None = None


def compare(windows: Windows, rules: Rules, always: int | None = None) -> Comparison:
    """Read the windows after the minute they stand at; nothing is re-read, nothing divided.

    The merchant at position `always` is looked at in every window, however ordinary it is.
    """
    if windows.last is None:
        msg = "no minute has entered the windows"
        raise ValueError(msg)
    minute = from_index(windows.last)
    like = like_days(
        business_date(minute, windows.pacing.zone),
        windows.pacing.used_days,
        rules.volume_drop.public_holidays,
    )
    codes = windows.categories.codes(windows.last, windows.merchants.ids)
    return Comparison(
        minute=minute,
        merchant_ids=windows.merchants.ids,
        top=windows.is_top,
        surge=_surge(windows),
        drop=_drop(windows, rules, like),
        spans=_spans(windows, codes, rules, always),
        hours=_hours(windows, rules, like, always),
        portfolio=_portfolio(windows, codes),
        same_hour=windows.recent.same_hour,
        cohorts=_cohorts(windows),
        platform=_platform(windows, like),
    )


def _portfolio(windows: Windows, codes: Integers) -> Portfolio:
    week, names = windows.week, windows.categories.names
    everybody = (
        int(np.count_nonzero(week.approvals > 0)),  # of truth values that is quicker
        int(week.approvals.sum()),
        int(week.cancels.sum()),
    )
    if not names:
        return Portfolio(*everybody)
    # Weighted counts are doubles, and exact: a week holds far less than 2^53 transactions.
    by_category = (
        np.bincount(codes - UNKNOWN, weights=counts[: len(codes)], minlength=len(names) - UNKNOWN)
        for counts in (week.approvals, week.cancels)
    )
    return Portfolio(*everybody, names, *(sums[-UNKNOWN:].astype(np.int64) for sums in by_category))


def _surge(windows: Windows) -> SurgeNumbers:
    hour, week = windows.hour, windows.week
    positions = np.flatnonzero(hour.cancels > 0)  # of truth values that is three times as quick
    return SurgeNumbers(
        positions,
        hour.approvals.take(positions),
        hour.cancels.take(positions),
        week.approvals.take(positions),
        week.cancels.take(positions),
    )


def _drop(windows: Windows, rules: Rules, like: Sequence[date]) -> DropNumbers:
    pacing = windows.pacing
    floor = pacing.days * rules.volume_drop.minimum_daily_amount
    # The first condition of the rule holds for the whole business day, so it picks the merchants to look at.
    positions = np.flatnonzero(pacing.whole >= max(floor, 1))
    judged = rules.volume_drop.mode == "paced" or pacing.is_day_end(windows.last or 0)
    return DropNumbers(
        positions,
        pacing.today[positions],
        pacing.paced_at(positions),
        pacing.whole[positions],
        pacing.days,
        judged,
        _rows([pacing.paced_days[day] for day in like], positions),
        windows.week.approvals[positions],
    )


def _spans(windows: Windows, codes: Integers, rules: Rules, always: int | None) -> tuple[WindowNumbers, ...]:
    """Every window from the longest down: one that holds too few cancels needs no look into its end."""
    minimum = rules.cancel_surge.minimum_cancels_hour
    totals = {HOUR_MINUTES: windows.hour, **windows.recent.spans}
    positions = np.flatnonzero(totals[_WINDOWS[0][0]].cancels >= minimum)
    looked_at = []
    for minutes, local in _WINDOWS:
        positions = positions[totals[minutes].cancels.take(positions) >= minimum]
        every = minutes == HOUR_MINUTES and not local
        chosen = _chosen(windows, totals[minutes], positions, rules, every_breach=every)
        looked_at.append(_with(chosen, always))
    # The baselines of all windows at once: a look into a block costs more than the few merchants in it.
    first, end = (windows.last or 0) + 1 - HOUR_MINUTES - WEEK_MINUTES, (windows.last or 0) + 1 - HOUR_MINUTES
    blocks = windows.recent.blocks_between(first, end, np.concatenate(looked_at))
    held = windows.recent.blocks_held(first, end)
    found, start = [], 0
    for (minutes, local), chosen in zip(_WINDOWS, looked_at, strict=True):
        before = (windows.last or 0) + 1 - max(minutes, HOUR_MINUTES)
        rows = sum((number + 1) * BLOCK_MINUTES <= before for number in held)
        own = [part[:rows, start : start + len(chosen)] for part in blocks]
        found.append(_span(windows, totals[minutes], (minutes, local), chosen, (own[0], own[1]), codes))
        start += len(chosen)
    return tuple(found)


def _chosen(
    windows: Windows, totals: Totals, positions: Integers, rules: Rules, *, every_breach: bool
) -> Integers:
    """Those of `positions` whose window could stand out."""
    if not len(positions):
        return positions
    approvals, cancels = totals.approvals.take(positions), totals.cancels.take(positions)
    approvals_week, cancels_week = (
        windows.week.approvals.take(positions),
        windows.week.cancels.take(positions),
    )
    chosen = _stands_out(approvals, cancels, approvals_week, cancels_week)
    if every_breach:  # of the raw condition, however weak
        chosen |= cancels * approvals_week >= rules.cancel_surge.factor * cancels_week * approvals
    return positions[chosen]


def _span(
    windows: Windows,
    totals: Totals,
    window: tuple[int, bool],
    positions: Integers,
    blocks: tuple[Integers, Integers],
    codes: Integers,
) -> WindowNumbers:
    minutes, local = window
    approvals, cancels = totals.approvals[positions], totals.cancels[positions]
    around = np.zeros(len(positions), np.int64), np.zeros(len(positions), np.int64)
    if local:
        three = windows.recent.spans[LOCAL_MINUTES]
        around = three.approvals[positions] - approvals, three.cancels[positions] - cancels
    counts = approvals, cancels, *blocks, *around, windows.week.approvals[positions]
    return WindowNumbers(minutes, local, positions, *counts, codes[positions])


def _stands_out(
    approvals: Integers, cancels: Integers, approvals_week: Integers, cancels_week: Integers
) -> NDArray[np.bool_]:
    """A cheap sieve before the exact probability: Chernoff's bound against the week, one in 50 or rarer.

    It lets pass far more than any budget does, also where an incident has already raised the week.
    """
    expected = approvals * cancels_week / np.maximum(approvals_week, 1)
    more = np.flatnonzero(cancels > expected)  # logarithms are dear
    cancels, expected = cancels[more], expected[more]
    excess = cancels * np.log(cancels / np.maximum(expected, 1e-9)) - cancels + expected
    chosen = np.zeros(len(approvals), np.bool_)
    chosen[more] = excess >= _SIEVE
    return chosen


def _hours(windows: Windows, rules: Rules, like: Sequence[date], always: int | None) -> HourNumbers:
    """Merchants whose hour could be low: beside the same hour's mean of the days before, and like days."""
    hour, recent, pacing = windows.hour, windows.recent, windows.pacing
    today = business_date(from_index(windows.last or 0), pacing.zone)
    if business_date(from_index((windows.last or 0) - HOUR_MINUTES + 1), pacing.zone) != today:
        like = []  # the hour began yesterday, whose like days are others
    ages = [(today - day).days for day in like if (today - day).days <= SAME_HOUR_DAYS]
    # Two divisions of labour: a week's hourly mean picks the few that matter, the same hours decide.
    usual = rules.budget.minimum_expected_hour * WEEK_MINUTES // HOUR_MINUTES // _SPARSE
    positions = np.flatnonzero(windows.week.approvals >= usual)
    summed = recent.same_hour.take(positions, axis=1).sum(axis=0)
    positions = positions[SAME_HOUR_DAYS * hour.approvals[positions] <= summed]
    if ages:  # the lowest like day, which decides, is no higher than the highest
        highest = recent.same_hour.take(positions, axis=1)[[age - 1 for age in ages]].max(axis=0)
        low = 100 * hour.approvals[positions] <= rules.volume_drop.lowest_day_percent * highest
        positions = positions[low]
    positions = _with(positions, always)
    large = pacing.whole[positions] >= max(pacing.days * rules.volume_drop.minimum_daily_amount, 1)
    return HourNumbers(
        positions,
        hour.approvals[positions],
        _rows([recent.same_hour[age - 1] for age in ages], positions),
        _rows([pacing.paced_days[today - timedelta(days=age)] for age in ages], positions),
        large,
        pacing.today[positions],
        pacing.paced_at(positions),
        pacing.whole[positions],
        windows.week.approvals[positions],
        pacing.days,
    )


def _cohorts(windows: Windows) -> CohortNumbers:
    hour, week = windows.cohorts.hour, windows.cohorts.week
    day = windows.recent.spans[DAY_MINUTES].approvals
    return CohortNumbers(hour.fresh, hour.older, week.fresh, week.older, day)


def _with(positions: Integers, always: int | None) -> Integers:
    return positions if always is None else np.union1d(positions, [always]).astype(np.int64)


def _platform(windows: Windows, like: Sequence[date]) -> PlatformNumbers | None:
    """All merchants together; None before there is a whole like day to compare with."""
    last = windows.last or 0
    today = business_date(from_index(last), windows.pacing.zone)
    days = [(today - day).days * DAY_MINUTES for day in like]
    spans = [_same_minutes(windows, last, minutes, days) for minutes in PLATFORM_SPANS]
    if not days or spans[0] is None:
        return None
    newest, week, size = windows.recent.spans[PLATFORM_SPANS[0]], windows.week, windows.size
    before = _same_minutes(windows, last - PLATFORM_SPANS[0], LOCAL_MINUTES, days)
    return PlatformNumbers(
        tuple(span for span in spans if span is not None),
        before or SameMinutes.nothing(),
        newest.approvals[:size],
        newest.cancels[:size],
        week.approvals[:size],
        week.cancels[:size],
    )


def _same_minutes(windows: Windows, last: int, minutes: int, days: list[int]) -> SameMinutes | None:
    now = windows.everybody(last, minutes)
    before = [sums for ago in days if (sums := windows.everybody(last - ago, minutes)) is not None]
    if now is None or not before:
        return None
    return SameMinutes(minutes, *now, tuple(a for a, _ in before), tuple(c for _, c in before))


def _rows(arrays: list[Integers], positions: Integers) -> Integers:
    if not arrays:
        return np.zeros((0, len(positions)), np.int64)
    return np.stack([array[positions] for array in arrays])
