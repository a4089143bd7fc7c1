"""What the sliding windows of `cancel_surge` hold, read for the merchants they might concern. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.facts import UNKNOWN
from baselines.merchants.recent import BLOCK_MINUTES, LOCAL_MINUTES
from pipeline.minute import HOUR_MINUTES, WEEK_MINUTES
from pipeline.packs.merchants.rules.rule import always_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers, Totals
    from baselines.merchants.windows import Windows
    from pipeline.packs.merchants.rules.rule import Situation

#: Windows for cancel surges, longest first: minutes, and whether the baseline is the three hours of which
#: the window is the end (how the merchant stands today) or its week. The hour is looked at in both ways: a
#: surge that has lasted for hours is in the first baseline, not in the second.
_WINDOWS: Final = (
    (1440, False),
    (360, False),
    (HOUR_MINUTES, False),
    (HOUR_MINUTES, True),
    (30, True),
    (15, True),
    (5, True),
)
#: -ln of the probability that `_stands_out` asks for.
_SIEVE: Final = 4.0


def _nothing() -> Integers:
    return np.zeros(0, np.int64)


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

    @classmethod
    def joined(cls, parts: Sequence[Portfolio]) -> Portfolio:
        """The merchants of several shards, each of which knows the categories of its own."""
        if len(parts) == 1:
            return parts[0]
        names = tuple(sorted({name for part in parts for name in part.categories}))
        by_category = np.zeros((2, len(names)), np.int64)
        for part in parts:
            places = [names.index(name) for name in part.categories]
            by_category[:, places] += part.approvals_by_category, part.cancels_by_category
        merchants, approvals, cancels = (
            sum(getattr(part, name) for part in parts)
            for name in ("merchants", "approvals_week", "cancels_week")
        )
        return cls(merchants, approvals, cancels, names, *by_category)

    def places(self, codes: Integers, names: Sequence[str]) -> Integers:
        """Codes of the categories `names` as places in those that all shards know."""
        if self.categories == tuple(names):
            return codes
        places = np.array([*(self.categories.index(name) for name in names), UNKNOWN], np.int64)
        return places[codes]


def spans_of(situation: Situation, codes: Integers) -> tuple[WindowNumbers, ...]:
    """Every window from the longest down: one that holds too few cancels needs no look into its end."""
    windows, rules, last = situation.windows, situation.tuned, situation.last
    minimum = rules.cancel_surge.minimum_cancels_hour
    totals = {HOUR_MINUTES: windows.hour, **windows.recent.spans}
    positions = situation.concerned(np.flatnonzero(totals[_WINDOWS[0][0]].cancels >= minimum))
    looked_at = []
    for minutes, local in _WINDOWS:
        positions = positions[totals[minutes].cancels.take(positions) >= minimum]
        every = minutes == HOUR_MINUTES and not local
        chosen = _chosen(windows, totals[minutes], positions, rules, every_breach=every)
        looked_at.append(always_with(chosen, situation.always))
    # The baselines of all windows at once: a look into a block costs more than the few merchants in it.
    first, end = last + 1 - HOUR_MINUTES - WEEK_MINUTES, last + 1 - HOUR_MINUTES
    blocks = windows.recent.blocks_between(first, end, np.concatenate(looked_at))
    held = windows.recent.blocks_held(first, end)
    found, start = [], 0
    for (minutes, local), chosen in zip(_WINDOWS, looked_at, strict=True):
        before = last + 1 - max(minutes, HOUR_MINUTES)
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


def portfolio_of(windows: Windows, codes: Integers, names: tuple[str, ...]) -> Portfolio:
    """All merchants together; `codes` are their categories, by place in `names`."""
    week = windows.week
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
