"""The rule `cancel_surge`: the cancel rate of the last hour is a multiple of the week's. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.judge.verdicts import FIRES, HELD_BY_BUDGET, POLICIES, SETTLING
from pipeline.minute import HOUR_MINUTES
from pipeline.packs.merchants.account import Account, Condition, one_of
from pipeline.packs.merchants.rules.rule import (
    NO_BASELINE,
    NO_BREACH,
    EntityRule,
    Explains,
    Found,
    first_gate,
    select,
)
from pipeline.packs.merchants.rules.surge_cause import CauseNumbers, cause_columns, cause_numbers_of
from pipeline.packs.merchants.rules.surge_spans import Portfolio, WindowNumbers, portfolio_of, spans_of
from pipeline.packs.merchants.rules.surge_windows import find_surges, windows_at
from pipeline.packs.merchants.schema import CAUSES, PRIORS
from pipeline.packs.merchants.sentences import say_surge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.rules import Rules, Severity
    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Columns, Flags
    from pipeline.packs.merchants.rules.rule import Situation
    from pipeline.packs.merchants.rules.strongest import Strongest

FEW_CANCELS: Final = "few_cancels"
FEW_APPROVALS: Final = "few_approvals_in_week"
REASONS: Final = (FIRES, NO_BREACH, NO_BASELINE, FEW_CANCELS, FEW_APPROVALS, HELD_BY_BUDGET)
KINDS: Final = ("rule", "fast", "slow")
NUMBERS: Final = ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week")

_SETTLING: Final = np.isin(REASONS, SETTLING)


@dataclass(frozen=True, slots=True)
class SurgeNumbers:
    """Merchants with at least one cancel in the hour; all arrays have shape (n,)."""

    positions: Integers
    approvals_hour: Integers
    cancels_hour: Integers
    approvals_week: Integers
    cancels_week: Integers


@dataclass(frozen=True, slots=True)
class Beside:
    """What the policy `budgeted` looks at beside the hour and the week."""

    spans: tuple[WindowNumbers, ...]
    portfolio: Portfolio
    cause: CauseNumbers | None = None


def cancel_surge(situation: Situation) -> Found:
    """Whose hour breaches the rule; under `budgeted` also who stands out in another window."""
    beside = beside_of(situation) if situation.policy == "budgeted" else None
    return surges_among(
        numbers_of(situation), beside, situation.policy, situation.tuned, whole=situation.whole
    )


def numbers_of(situation: Situation) -> SurgeNumbers:
    """The brief's four counts."""
    hour, week = situation.windows.hour, situation.windows.week
    # Of truth values that is three times as quick.
    positions = situation.concerned(np.flatnonzero(hour.cancels > 0))
    return SurgeNumbers(
        positions,
        hour.approvals.take(positions),
        hour.cancels.take(positions),
        week.approvals.take(positions),
        week.cancels.take(positions),
    )


def beside_of(situation: Situation) -> Beside:
    """The sliding windows, everybody, and what tells the cause."""
    windows, facts = situation.windows, situation.facts
    codes = facts.codes(situation.last, windows.entities)
    sums = situation.sums
    portfolio = portfolio_of(windows, codes, facts.names) if sums is None else sums.portfolio
    spans = spans_of(situation, portfolio.places(codes, facts.names))
    return Beside(spans, portfolio, cause_numbers_of(windows))


def surges_among(
    every: SurgeNumbers, beside: Beside | None, policy: str, rules: Rules, *, whole: bool = True
) -> Found:
    """The signals of these numbers; `beside` is given under `budgeted`."""
    breach = surge_breach(every, rules.cancel_surge.factor)
    numbers, breached = select(every, breach), every.positions[breach]
    if beside is None:
        return Found([_columns(numbers, _codes(numbers, policy, rules))], breached)
    found = find_surges(beside.spans, beside.portfolio, rules)
    rows, held = found.at(numbers.positions)
    passes = held.copy()
    passes[held] = found.passed[rows[held]]
    codes = _codes(numbers, policy, rules, passes)
    if not whole:  # one breach in fifty settles something
        kept = _SETTLING[codes]
        numbers, codes, rows, held = select(numbers, kept), codes[kept], rows[kept], held[kept]
    raw = _columns(numbers, codes) | _cause(numbers, beside, rules) | found.columns(rows, held)
    seen = _seen_beside(every, found.only_passed(), breach, beside, rules)
    words = {"cause": CAUSES, "prior": PRIORS, "category": beside.portfolio.categories}
    return Found([raw, seen], breached, words)


def _seen_beside(
    every: SurgeNumbers, passed: Strongest, breach: Flags, beside: Beside, rules: Rules
) -> Columns:
    """What passed without a breach of the raw condition, among merchants with a cancel in the hour."""
    rows, held = passed.at(every.positions)
    chosen = held & ~breach
    numbers, at = select(every, chosen), passed.take(rows[chosen])
    slow = (at.window_minutes > HOUR_MINUTES).astype(np.int64)
    fires = np.zeros(len(slow), np.int64)
    return _columns(numbers, fires) | _cause(numbers, beside, rules) | at.columns() | {"kind": 1 + slow}


def _cause(numbers: SurgeNumbers, beside: Beside, rules: Rules) -> Columns:
    return {} if beside.cause is None else cause_columns(numbers, beside.cause, rules.cancel_surge.factor)


def surge_breach(numbers: SurgeNumbers, factor: int) -> Flags:
    """The brief's condition, exactly, without a division.

    cancels(hour) · approvals(week) ≥ factor · cancels(week) · approvals(hour), with at least one cancel
    in the hour and one approval in the week. Counts stay below 2^31, so products fit 64 bits.
    """
    exceeds = (
        numbers.cancels_hour * numbers.approvals_week
        >= factor * numbers.cancels_week * numbers.approvals_hour
    )
    return exceeds & (numbers.cancels_hour >= 1) & (numbers.approvals_week > 0)


def surge_reasons(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back.

    `passes` says for which merchants chance is no explanation; `budgeted` lets only those through.
    """
    return [REASONS[code] for code in _codes(numbers, policy, rules, passes)]


def _codes(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
    rule, size = rules.cancel_surge, len(numbers.positions)
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, numbers.approvals_week == 0),
        (NO_BREACH, ~surge_breach(numbers, rule.factor)),
    ]
    few_cancels = numbers.cancels_hour < rule.minimum_cancels_hour
    if policy == "supported":
        gates.append((FEW_CANCELS, few_cancels))
        gates.append((FEW_APPROVALS, numbers.approvals_week < rule.minimum_approvals_week))
    if policy == "budgeted":
        passed = np.zeros(size, np.bool_) if passes is None else passes
        gates.append((FEW_CANCELS, few_cancels & ~passed))  # a longer window may hold enough of them
        gates.append((HELD_BY_BUDGET, ~passed))
    return first_gate(gates, size, REASONS)


def _columns(numbers: SurgeNumbers, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "reason": codes,
        "approvals_hour": numbers.approvals_hour,
        "cancels_hour": numbers.cancels_hour,
        "approvals_week": numbers.approvals_week,
        "cancels_week": numbers.cancels_week,
    }


def severity_of(reason: Mapping[str, Any], borders: Severity) -> int:
    """How many borders of the ratio of both rates are reached."""
    left = reason["cancels_hour"] * reason["approvals_week"]
    right = reason["cancels_week"] * reason["approvals_hour"]
    return sum(left >= border * right for border in (borders.surge_high, borders.surge_critical))


def deviation(reason: Mapping[str, Any]) -> float:
    """How many times the week's cancel rate."""
    usual = reason["cancels_week"] * reason["approvals_hour"]
    return float(reason["cancels_hour"] * reason["approvals_week"] / max(usual, 1))


def supported(row: Mapping[str, Any], rules: Rules) -> bool:
    """Are the counts of a breach large enough?"""
    rule = rules.cancel_surge
    enough: bool = row["cancels_hour"] >= rule.minimum_cancels_hour
    return enough and row["approvals_week"] >= rule.minimum_approvals_week


def account(situation: Situation, position: int | None) -> Account:
    """Every number of the rule for the merchant at a position; one never seen has zeros."""
    windows, rules, rule = situation.windows, situation.tuned, situation.tuned.cancel_surge
    arrays = (windows.hour.approvals, windows.hour.cancels, windows.week.approvals, windows.week.cancels)
    numbers = SurgeNumbers(np.zeros(1, np.int64), *(one_of(array, position) for array in arrays))
    beside = beside_of(situation)
    ah, ch = int(numbers.approvals_hour[0]), int(numbers.cancels_hour[0])
    aw, cw = int(numbers.approvals_week[0]), int(numbers.cancels_week[0])
    limit = rule.factor * cw * ah
    needed = max(1, -(-limit // aw)) if aw else None
    more = (
        "no approvals in the week: the rule itself does not judge"
        if needed is None
        else _cancels_missing(needed - ch)
    )
    return Account(
        CANCEL_SURGE.name,
        {"approvals_hour": ah, "cancels_hour": ch, "approvals_week": aw, "cancels_week": cw},
        (
            Condition(
                f"cancels(hour)*approvals(week) >= {rule.factor}*cancels(week)*approvals(hour)",
                ch * aw,
                ">=",
                limit,
            ),
            Condition("cancels(hour) >= 1", ch, ">=", 1),
            Condition("approvals(week) >= 1", aw, ">=", 1),
        ),
        (
            Condition("minimum_cancels_hour", ch, ">=", rule.minimum_cancels_hour),
            Condition("minimum_approvals_week", aw, ">=", rule.minimum_approvals_week),
        ),
        breach=bool(surge_breach(numbers, rule.factor)[0]),
        reasons={policy: surge_reasons(numbers, policy, rules)[0] for policy in POLICIES},
        distance=more,
        # The rule asks for a week; the windows of `budgeted` have looked at a new merchant all the same.
        unsignalled=HELD_BY_BUDGET if not aw and ch else None,
        windows=[] if position is None else windows_at(position, beside.spans, beside.portfolio, rules),
    )


def _cancels_missing(missing: int) -> str:
    return "breached" if missing <= 0 else f"{missing:,} more cancels in the hour would breach"


CANCEL_SURGE: Final = EntityRule(
    name="cancel_surge",
    kinds=KINDS,
    numbers=NUMBERS,
    of_the_brief=True,
    find=cancel_surge,
    reasons=REASONS,
    severity=severity_of,
    say=say_surge,
    deviation=deviation,
    bare_lines=True,
    explains=Explains(account=account, supported=supported),
)
