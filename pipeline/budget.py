"""The policy `budgeted`: which breaches could be chance, and what its own windows see beside the rules. Pure.

A cancel surge passes when the probability of its count, were nothing wrong, is below the merchant's share
of the false-alarm budget:

- the count is beta-binomial: of the cancels and approvals in a window, the cancels are a share that
  wanders around the baseline's (`drift_percent`), itself shrunk to that of all merchants where it is small;
- the baseline is the week in pieces of six hours, without those that held an incident; for a window of
  minutes, the three hours before it say where the merchant stands now;
- the budget is divided over windows, over merchants (partly by traffic) and over the looks a day at
  overlapping windows. The sum over merchants of (looks · share) is the budget, whatever depends on what.

A volume drop passes when it is also low for a day of its class, and lower than days wander.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from baselines.chance import at_least, at_most, evidence
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.chance import Floats
    from baselines.rules import Budget, Rules
    from baselines.slices import Integers
    from pipeline.compare import Comparison, DropNumbers, HourNumbers, Portfolio, SpanNumbers

    Flags = NDArray[np.bool_]

#: The unit of `false_incidents_per_day`.
PER_MERCHANTS = 100_000
#: A payment's amount varies by about 1.5 times its mean, so a sum of n tells as much as a count of n/3.
_TICKET_NOISE = 3
#: From this many like days on the lowest one does not count: it may itself have been an outage.
_ENOUGH_DAYS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """Per merchant the window with the strongest evidence; all arrays have shape (n,)."""

    positions: Integers  # sorted, unique
    passed: Flags
    window_minutes: Integers
    approvals_window: Integers
    cancels_window: Integers
    expected_window: Integers
    evidence: Integers
    evidence_needed: Integers

    def take(self, chosen: Flags | Integers) -> Found:
        """Some of the rows."""
        return Found(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def at(self, positions: Integers) -> tuple[Integers, Flags]:
        """For each of `positions` its row here, and whether it has one."""
        rows = np.searchsorted(self.positions, positions)
        rows = np.minimum(rows, max(len(self.positions) - 1, 0))
        held = (
            np.zeros(len(positions), np.bool_)
            if not len(self.positions)
            else self.positions[rows] == positions
        )
        return rows, held


def find_surges(comparison: Comparison, rules: Rules) -> Found:
    """What the sliding windows say about cancels; one row per merchant that any of them looked at."""
    parts = [
        _judge_span(span, len(comparison.spans), comparison.portfolio, rules) for span in comparison.spans
    ]
    return _strongest(parts)


def _judge_span(span: SpanNumbers, windows: int, portfolio: Portfolio, rules: Rules) -> Found:
    budget, factor = rules.budget, rules.cancel_surge.factor
    trials = span.approvals + span.cancels
    approvals, cancels = _clean_baseline(span, factor, budget)
    share, weight = _prior(approvals, cancels, portfolio, budget)
    if span.minutes < HOUR_MINUTES:
        local = span.approvals_local + span.cancels_local
        share = (share * weight + span.cancels_local) / (weight + local)
        weight = _less(weight + local, _drift_weight(share, budget.short_drift_percent))
    log_p = at_least(span.cancels.astype(float), trials.astype(float), share * weight, (1 - share) * weight)
    found = evidence(log_p)
    needed = evidence(
        np.log(
            _share_of_budget(span.approvals_week, portfolio, budget) / _looks(span.minutes, windows, budget)
        )
    )
    high = (
        span.cancels * (1 - share) >= factor * share * span.approvals
    )  # as the brief asks, against this baseline
    return Found(
        span.positions,
        high & (found >= needed),
        np.full(len(span.positions), span.minutes, np.int64),
        span.approvals,
        span.cancels,
        np.floor(span.approvals * share / (1 - share)).astype(np.int64),
        found,
        needed,
    )


def _clean_baseline(span: SpanNumbers, factor: int, budget: Budget) -> tuple[Integers, Integers]:
    """Sums of the blocks, without those whose cancels stand out from the others."""
    a, c = span.approvals_blocks, span.cancels_blocks
    rest_a, rest_c = a.sum(axis=0) - a, c.sum(axis=0) - c
    suspect = (c > 0) & (c * rest_a >= factor * rest_c * a) & (rest_a > 0)
    if suspect.any():
        share = (rest_c[suspect] + 1) / (rest_a[suspect] + rest_c[suspect] + 2)
        weight = _less((rest_a + rest_c)[suspect].astype(float), _drift_weight(share, budget.drift_percent))
        count, trials = c[suspect].astype(float), (a + c)[suspect].astype(float)
        log_p = at_least(count, trials, share * weight, (1 - share) * weight)
        suspect[suspect] = evidence(log_p) >= budget.quarantine_evidence
    return np.where(suspect, 0, a).sum(axis=0), np.where(suspect, 0, c).sum(axis=0)


def _prior(
    approvals: Integers, cancels: Integers, portfolio: Portfolio, budget: Budget
) -> tuple[Floats, Floats]:
    """The share of cancels to expect, and how many transactions that knowledge is worth."""
    pool = (portfolio.cancels_week + 1) / (portfolio.approvals_week + portfolio.cancels_week + 2)
    known = approvals + cancels + budget.portfolio_weight
    share = (cancels + pool * budget.portfolio_weight) / known
    return share, _less(known.astype(float), _drift_weight(share, budget.drift_percent))


def _drift_weight(share: Floats, percent: int) -> Floats:
    """The weight of a beta distribution whose odds have this standard deviation, in percent of themselves."""
    return np.maximum(1 / (share * (1 - share) * (percent / 100) ** 2) - 1, 2.0)


def _less(one: Floats, other: Floats) -> Floats:
    """Two uncertainties together: variances add, so weights add as reciprocals."""
    return np.maximum(1 / (1 / one + 1 / other), 2.0)


def _share_of_budget(approvals_week: Integers, portfolio: Portfolio, budget: Budget) -> Floats:
    """False incidents a day that each merchant may raise."""
    merchants = max(portfolio.merchants, 1)
    by_traffic = budget.traffic_percent / 100
    share = by_traffic * approvals_week / max(portfolio.approvals_week, 1) + (1 - by_traffic) / merchants
    return budget.false_incidents_per_day * merchants / PER_MERCHANTS * np.minimum(share, 1.0)


def _looks(minutes: int, windows: int, budget: Budget) -> float:
    """Independent looks a day, over all windows."""
    return windows * budget.looks * DAY_MINUTES / minutes


def _strongest(parts: list[Found]) -> Found:
    """One row per merchant: a window that passed before one that did not, then the largest margin."""
    names = [f.name for f in fields(Found)]
    if not parts:
        empty = np.zeros(0, np.int64)
        return Found(empty, np.zeros(0, np.bool_), *([empty] * (len(names) - 2)))
    rows = Found(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    margin = rows.evidence - rows.evidence_needed
    order = np.lexsort((rows.window_minutes, -margin, ~rows.passed, rows.positions))
    rows = rows.take(order)
    first = np.ones(len(rows.positions), np.bool_)
    first[1:] = rows.positions[1:] != rows.positions[:-1]
    return rows.take(first)


def usual_for_the_day(numbers: DropNumbers, rules: Rules) -> Flags:
    """Is today no lower than days of its class may be? Shape (n,)."""
    like = numbers.paced_like
    if like is None or not len(like):
        return np.zeros(len(numbers.positions), np.bool_)
    return 100 * numbers.amount_today > rules.volume_drop.lowest_day_percent * _lowest(like)


def find_drops(numbers: DropNumbers, rules: Rules) -> Found:
    """How improbable today so far is among days of its class."""
    size = len(numbers.positions)
    like, days = numbers.paced_like, max(numbers.days, 1)
    mean = numbers.amount_paced / days if like is None or not len(like) else like.mean(axis=0)
    week = np.zeros(size, np.int64) if numbers.approvals_week is None else numbers.approvals_week
    ticket = np.maximum(numbers.amount_days / days / np.maximum(week / 7, 1), 1)
    expected, count = mean / ticket, numbers.amount_today / ticket
    found = _low_evidence(count / _TICKET_NOISE, expected / _TICKET_NOISE, rules.budget)
    needed = _drop_needed(size, rules.budget)
    nothing = np.zeros(size, np.int64)
    window = np.full(size, DAY_MINUTES, np.int64)
    approvals, usual = np.floor(count).astype(np.int64), np.floor(expected).astype(np.int64)
    return Found(numbers.positions, found >= needed, window, approvals, nothing, usual, found, needed)


def find_collapses(hours: HourNumbers, rules: Rules) -> Found:
    """Merchants whose last hour has far too few approvals for the same hour on like days, or none at all."""
    size = len(hours.positions)
    if not len(hours.approvals_like):
        lowest, mean = np.zeros(size, np.int64), np.zeros(size)
    else:
        lowest, mean = _lowest(hours.approvals_like), hours.approvals_like.mean(axis=0)
    found = _low_evidence(hours.approvals_hour.astype(float), mean, rules.budget)
    needed = _drop_needed(size, rules.budget)
    silent = hours.approvals_hour == 0
    low = 100 * hours.approvals_hour <= rules.volume_drop.lowest_day_percent * lowest
    low &= rules.volume_drop.divisor * hours.approvals_hour <= mean
    passed = low & (found >= needed) & (lowest >= rules.budget.minimum_expected_hour) & (hours.large | silent)
    window = np.full(size, HOUR_MINUTES, np.int64)
    nothing = np.zeros(size, np.int64)
    usual = np.floor(mean).astype(np.int64)
    return Found(hours.positions, passed, window, hours.approvals_hour, nothing, usual, found, needed)


def _lowest(like: Integers) -> Integers:
    """The lowest of the like days, or the lowest but one of many; shape (n,)."""
    ordered: Integers = np.sort(like, axis=0)
    lowest: Integers = ordered[1 if len(ordered) >= _ENOUGH_DAYS else 0]
    return lowest


def _low_evidence(count: Floats, mean: Floats, budget: Budget) -> Integers:
    shape = np.full(len(count), (100 / budget.drop_drift_percent) ** 2)
    return evidence(at_most(count, np.maximum(mean, 1e-9), shape))


def _drop_needed(size: int, budget: Budget) -> Integers:
    per_look = budget.false_drops_per_1000_days / 1000 / (2 * budget.looks * DAY_MINUTES / HOUR_MINUTES)
    return np.full(size, evidence(np.log(np.array([per_look])))[0], np.int64)
