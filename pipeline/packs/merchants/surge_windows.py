"""The policy `budgeted`: which breaches could be chance, and what its own windows see beside the rules. Pure.

A cancel surge passes when the probability of its count, were nothing wrong, is below the merchant's share
of the false-alarm budget:

- the count is beta-binomial: of the cancels and approvals in a window, the cancels are a share that
  wanders around the baseline's (`drift_percent`), itself shrunk to that of the merchant's category, or of all
  merchants, where it is small;
- the baseline is the week in pieces of six hours, without those that held an incident; for a window of
  up to an hour, the three hours of which it is the end say where the merchant stands now;
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
from pipeline.schema import PRIORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.chance import Floats
    from baselines.merchants.rules import Budget, Rules
    from baselines.merchants.slices import Integers
    from pipeline.packs.merchants.compare import (
        Comparison,
        DropNumbers,
        HourNumbers,
        Portfolio,
        WindowNumbers,
    )

    Flags = NDArray[np.bool_]

#: The unit of `false_incidents_per_day`.
PER_MERCHANTS = 100_000
#: A payment's amount varies by about 1.5 times its mean, so a sum of n tells as much as a count of n/3.
_TICKET_NOISE = 3
#: The variance of a median of n is up to this many times that of one, divided by n: π/2.
_MEDIAN = 1.5708
#: Today's level beside like days is taken into account within these borders.
_LEVELS = (0.5, 2.0)
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
    # Of a cancel surge; -1 otherwise.
    prior: Integers  # place in PRIORS: what the baseline mostly rests on
    category: Integers  # code of the merchant's category, -1 where it is unknown
    prior_cancels_per_100k: Integers

    def take(self, chosen: Flags | Integers) -> Found:
        """Some of the rows."""
        return Found(*(getattr(self, name)[chosen] for name in _COLUMNS))

    def only_passed(self) -> Found:
        """The rows that passed."""
        return self.take(self.passed)

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


_COLUMNS = tuple(f.name for f in fields(Found))


def _none() -> Found:
    nothing = np.zeros(0, np.int64)
    return Found(nothing, np.zeros(0, np.bool_), *(nothing for _ in _COLUMNS[2:]))


def find_surges(comparison: Comparison, rules: Rules) -> Found:
    """What the sliding windows say about cancels; one row per merchant that any of them looked at."""
    seen = [span for span in comparison.spans if len(span.positions)]
    return _strongest(judge_spans(seen, len(comparison.spans), comparison.portfolio, rules))


def judge_spans(spans: Sequence[WindowNumbers], windows: int, portfolio: Portfolio, rules: Rules) -> Found:
    """What some of `windows` sliding windows say, a row for each of their merchants.

    All in one pass: a window has few rows, and to start a step costs more than its rows.
    """
    budget, factor = rules.budget, rules.cancel_surge.factor
    rows = _rows(spans)
    trials = rows.approvals + rows.cancels
    approvals, cancels = _clean_baseline(rows, factor, budget)
    prior = _prior(rows.category, portfolio, budget)
    share, weight = _baseline(approvals, cancels, prior, budget)
    local = rows.approvals_local + rows.cancels_local
    near = (share * weight + rows.cancels_local) / (weight + local)
    share, weight = (
        np.where(rows.local, near, share),
        np.where(rows.local, _less(weight + local, _drift_weight(near, budget.short_drift_percent)), weight),
    )
    log_p = at_least(rows.cancels.astype(float), trials.astype(float), share * weight, (1 - share) * weight)
    found = evidence(log_p)
    looks = windows * budget.looks * DAY_MINUTES / rows.minutes  # independent ones a day, over all windows
    needed = evidence(np.log(_share_of_budget(rows.approvals_week, portfolio, budget) / looks))
    # As the brief asks, against this baseline.
    high = rows.cancels * (1 - share) >= factor * share * rows.approvals
    usual = np.floor(rows.approvals * share / (1 - share)).astype(np.int64)
    passed = high & (found >= needed)
    said = _rests_on(approvals + cancels + local, rows.category, portfolio, budget), rows.category
    per_100k = np.floor(100_000 * prior / (1 - prior)).astype(np.int64)
    counts = rows.minutes, rows.approvals, rows.cancels, usual
    return Found(rows.positions, passed, *counts, found, needed, *said, per_100k)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Sliding windows under each other; all arrays have shape (n,), the blocks (blocks, n)."""

    minutes: Integers
    local: Flags
    positions: Integers
    approvals: Integers
    cancels: Integers
    approvals_blocks: Integers
    cancels_blocks: Integers
    approvals_local: Integers
    cancels_local: Integers
    approvals_week: Integers
    category: Integers


def _rows(spans: Sequence[WindowNumbers]) -> _Rows:
    sizes = [len(span.positions) for span in spans]
    blocks = max((len(span.approvals_blocks) for span in spans), default=0)
    joined: dict[str, Integers] = {
        name: np.concatenate([np.zeros(0, np.int64), *(getattr(span, name) for span in spans)])
        for name in (
            "positions",
            "approvals",
            "cancels",
            "approvals_local",
            "cancels_local",
            "approvals_week",
            "category",
        )
    }
    for name in ("approvals_blocks", "cancels_blocks"):
        joined[name] = np.zeros((blocks, sum(sizes)), np.int64)
        start = 0
        for span, size in zip(spans, sizes, strict=True):  # a longer window leaves fewer blocks before it
            part = getattr(span, name)
            joined[name][: len(part), start : start + size] = part
            start += size
    minutes = np.repeat(np.array([span.minutes for span in spans], np.int64), sizes)
    local = np.repeat(np.array([span.local for span in spans], np.bool_), sizes)
    return _Rows(minutes=minutes, local=local, **joined)


def _clean_baseline(span: _Rows, factor: int, budget: Budget) -> tuple[Integers, Integers]:
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


def _prior(category: Integers, portfolio: Portfolio, budget: Budget) -> Floats:
    """The share of cancels that a merchant without history starts from, by code of category; shape (n,).

    That of its category, itself shrunk to that of all merchants where the category has few transactions.
    """
    pool = (portfolio.cancels_week + 1) / (portfolio.approvals_week + portfolio.cancels_week + 2)
    cancels = portfolio.cancels_by_category
    known = portfolio.approvals_by_category + cancels + budget.category_weight
    shares = (cancels + pool * budget.category_weight) / known
    # At the end stands what UNKNOWN, -1, finds.
    return np.asarray(np.append(shares, pool)[category])


def _rests_on(own: Integers, category: Integers, portfolio: Portfolio, budget: Budget) -> Integers:
    """The place in PRIORS of what counts most in a baseline to which the merchant itself gave `own`."""
    sums = portfolio.approvals_by_category + portfolio.cancels_by_category
    by_category = np.append(sums >= budget.category_weight, False)[category]
    prior = np.where(by_category, PRIORS.index("category"), PRIORS.index("all"))
    return np.where(own < budget.portfolio_weight, prior, PRIORS.index("own"))


def _baseline(approvals: Integers, cancels: Integers, pool: Floats, budget: Budget) -> tuple[Floats, Floats]:
    """The share of cancels to expect, and how many transactions that knowledge is worth."""
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


def _strongest(rows: Found) -> Found:
    """One row per merchant: a window that passed before one that did not, then the largest margin."""
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
    if not size:  # mostly
        return _none()
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
    return Found(numbers.positions, found >= needed, *counts, found, needed, *_no_prior(size))


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


def find_collapses(hours: HourNumbers, rules: Rules) -> Found:
    """Merchants whose last hour has far too few approvals for the same hour on like days, or none at all."""
    size, days = len(hours.positions), len(hours.approvals_like)
    nothing, window = np.zeros(size, np.int64), np.full(size, HOUR_MINUTES, np.int64)
    needed = _drop_needed(size, rules.budget)
    if not size:
        return _none()
    if not days:
        blank = np.zeros(size, np.bool_)
        counts = window, hours.approvals_hour, nothing, nothing
        return Found(hours.positions, blank, *counts, nothing, needed, *_no_prior(size))
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
    return Found(hours.positions, passed, *counts, found, needed, *_no_prior(size))


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
