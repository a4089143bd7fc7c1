"""The policy `budgeted` on cancels: what could be chance, and what sliding windows see beside it. Pure.

A cancel surge passes when the probability of its count, were nothing wrong, is below the merchant's share
of the false-alarm budget:

- the count is beta-binomial: of the cancels and approvals in a window, the cancels are a share that
  wanders around the baseline's (`drift_percent`), itself shrunk to that of the merchant's category, or of all
  merchants, where it is small;
- the baseline is the week in pieces of six hours, without those that held an incident; for a window of
  up to an hour, the three hours of which it is the end say where the merchant stands now;
- the budget is divided over windows, over merchants (partly by traffic) and over the looks a day at
  overlapping windows. The sum over merchants of (looks · share) is the budget, whatever depends on what.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.chance import at_least, evidence
from baselines.facts import UNKNOWN
from pipeline.minute import DAY_MINUTES
from pipeline.packs.merchants.account import window_of
from pipeline.packs.merchants.rules.rule import select
from pipeline.packs.merchants.rules.strongest import Strongest
from pipeline.packs.merchants.schema import PRIORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.chance import Floats
    from baselines.merchants.rules import Budget, Rules
    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Flags
    from pipeline.packs.merchants.account import Window
    from pipeline.packs.merchants.rules.surge_spans import Portfolio, WindowNumbers

#: The unit of `false_incidents_per_day`.
PER_MERCHANTS: Final = 100_000
#: A merchant that lacks more cancels than this lacks an incident.
_MOST_MISSING: Final = 4096


def find_surges(spans: Sequence[WindowNumbers], portfolio: Portfolio, rules: Rules) -> Strongest:
    """What the sliding windows say about cancels; one row per merchant that any of them looked at."""
    seen = [span for span in spans if len(span.positions)]
    return _strongest(judge_spans(seen, len(spans), portfolio, rules))


def judge_spans(
    spans: Sequence[WindowNumbers], windows: int, portfolio: Portfolio, rules: Rules
) -> Strongest:
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
    return Strongest(rows.positions, passed, *counts, found, needed, *said, per_100k)


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


def _strongest(rows: Strongest) -> Strongest:
    """One row per merchant: a window that passed before one that did not, then the largest margin."""
    margin = rows.evidence - rows.evidence_needed
    order = np.lexsort((rows.window_minutes, -margin, ~rows.passed, rows.positions))
    rows = rows.take(order)
    first = np.ones(len(rows.positions), np.bool_)
    first[1:] = rows.positions[1:] != rows.positions[:-1]
    return rows.take(first)


def windows_at(
    position: int, spans: Sequence[WindowNumbers], portfolio: Portfolio, rules: Rules
) -> list[Window]:
    """What each window says about the merchant at `position`, which every one has looked at."""
    seen = [_window_at(position, span, len(spans), portfolio, rules) for span in spans]
    return sorted(seen, key=lambda window: window.minutes)


def _window_at(
    position: int, span: WindowNumbers, windows: int, portfolio: Portfolio, rules: Rules
) -> Window:
    one = select(span, span.positions == position)
    found = judge_spans([one], windows, portfolio, rules)
    window = window_of(found, "the hours before" if span.local else "the week", "cancels")
    window = _with_prior(window, found, portfolio)
    if window.passed:
        return window
    # The same window with one more cancel, two more, ...: each is judged as if it were a merchant of its own.
    more = np.arange(1, _MOST_MISSING + 1)
    tried = select(one, np.zeros(len(more), np.int64))
    tried = replace(tried, positions=more, cancels=tried.cancels + more)
    few = tried.cancels < rules.cancel_surge.minimum_cancels_hour
    enough = np.flatnonzero(judge_spans([tried], windows, portfolio, rules).passed & ~few)
    return replace(window, missing=int(more[enough[0]]) if len(enough) else None)


def _with_prior(window: Window, found: Strongest, portfolio: Portfolio) -> Window:
    code = int(found.category[0])
    return replace(
        window,
        prior=PRIORS[int(found.prior[0])],
        category=None if code == UNKNOWN else portfolio.categories[code],
        prior_cancels_per_100k=int(found.prior_cancels_per_100k[0]),
    )
